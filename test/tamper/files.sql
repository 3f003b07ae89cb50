-- files.sql: bits of the files: values of every type, tuple headers, line pointers, pages, TOAST.
SET client_min_messages = warning;

-- A bit of each column, in the first, a middle, the last and a drawn row.  A bit that stands for
-- nothing (padding inside of a value) changes nothing that could be found.
DO $$
DECLARE
    c record;
    r record;
    p record;
    byte integer;
    k integer;
BEGIN
    FOR c IN SELECT attname FROM pg_attribute WHERE attrelid = 'every'::regclass AND attnum > 0 AND attname <> 'ledger_id' LOOP
        FOR r IN SELECT pl.place, e.* FROM tamper.places((SELECT count(*) FROM every)) pl
            JOIN (SELECT ctid AS tid, ledger_id AS id, row_number() OVER (ORDER BY ledger_id) AS at FROM every) e USING (at) LOOP
            SELECT * INTO p FROM tamper.attribute_place('every', r.tid, c.attname);
            -- a name is mostly padding
            k := tamper.draw(CASE c.attname WHEN 'c_name' THEN 8 ELSE p.len END);
            byte := get_byte(get_raw_page('every', p.block::integer), p.at + k);
            CALL tamper.try_file('bit: ' || c.attname, r.place, 'every', p.block, p.at + k,
                decode(lpad(to_hex(byte # (1 << tamper.draw(8)::int)), 2, '0'), 'hex'),
                format('^(row_changed|row_unreadable|row_missing|entry_rows)\|public\.every\|%s$|^row_unreadable\|public\.every$', r.id),
                '^row_(missing|changed|without_entry|unreadable)\|public\.every', '', format('SELECT e::text FROM every e WHERE ledger_id = %s', r.id));
        END LOOP;
    END LOOP;
    FOR r IN SELECT pl.place, t.* FROM tamper.places((SELECT count(*) FROM tamper.row_of_t)) pl JOIN tamper.row_of_t t USING (at) LOOP
        SELECT * INTO p FROM tamper.attribute_place('t', r.tid, 'ledger_id');
        byte := get_byte(get_raw_page('t', p.block::integer), p.at + 3);
        CALL tamper.try_file('bit: ledger_id', r.place, 't', p.block, p.at + 3, decode(lpad(to_hex(byte # 64), 2, '0'), 'hex'),
            format('^row_missing\|public\.t\|%s$|^entry_rows', r.id), '^row_without_entry\|public\.t\|');
    END LOOP;
END $$;

-- Lengths and counts that lead beyond the row: whoever believed them would crash.
DO $$
DECLARE
    r record;
    p record;
BEGIN
    FOR r IN SELECT pl.place, t.* FROM tamper.places((SELECT count(*) FROM tamper.row_of_t)) pl JOIN tamper.row_of_t t USING (at) LOOP
        SELECT * INTO p FROM tamper.attribute_place('t', r.tid, 'note');
        CALL tamper.try_file('value: a length beyond the row', r.place, 't', p.block, p.at, '\xfcffffff',
            '^row_unreadable\|public\.t$', '^(row_missing|entry_rows)\|public\.t\|');
    END LOOP;
    -- of a value and of a commitment; and the value's own first byte
    FOR r IN SELECT pl.place, o.ctid AS tid, o.ledger_id AS id FROM tamper.places(40) pl JOIN person o ON o.n = pl.at LOOP
        SELECT * INTO p FROM tamper.attribute_place('person', r.tid, 'name');
        CALL tamper.try_file('value: a length beyond the row in a redactable value', r.place, 'person', p.block, p.at, '\xfcffffff',
            '^row_unreadable\|public\.person$', '^(row_missing|entry_rows)\|public\.person\|');
        CALL tamper.try_file('value: a redactable value of no length', r.place, 'person', p.block, p.at, '\x03',
            -- what lies behind it moves, the row's own id too
            format('^row_(changed|unreadable|missing)\|public\.person(\|%s)?$', r.id),
            '^(row_missing|row_without_entry|entry_rows|redaction_undone)\|public\.person');
        CALL tamper.try_file('value: a redactable value of another form', r.place, 'person', p.block, p.at + 1, '\x07',
            format('^row_(changed|unreadable)\|public\.person\|%s$', r.id), '^redaction_undone\|public\.person\|');
    END LOOP;
    FOR r IN SELECT pl.place, e.*, c.name, c.bytes FROM (VALUES ('c_int_array', '\x00010000'::bytea), ('c_jsonb', '\xffffff2f'),
            ('c_numrange', '\xffffffff'), ('c_text_array', '\x06000000')) c(name, bytes),
        tamper.places((SELECT count(*) FROM every)) pl
        JOIN (SELECT ctid AS tid, ledger_id AS id, row_number() OVER (ORDER BY ledger_id) AS at FROM every) e USING (at) LOOP
        SELECT * INTO p FROM tamper.attribute_place('every', r.tid, r.name);
        -- behind the value's own header of one byte: dimensions, members, the range's type
        CALL tamper.try_file('value: ' || r.name || ' that is not one', r.place, 'every', p.block, p.at + 1, r.bytes,
            format('^row_unreadable\|public\.every\|%s$', r.id));
    END LOOP;
END $$;

-- Headers: a row made invisible, cut off, pointed elsewhere.
DO $$
DECLARE
    r record;
    block bigint;
    item integer;
    lp integer;
    page bytea;
    off integer;
    missing text;
    toast regclass := (SELECT reltoastrelid FROM pg_class WHERE oid = 'wide'::regclass);
BEGIN
    FOR r IN SELECT pl.place, t.* FROM tamper.places((SELECT count(*) FROM tamper.row_of_t WHERE n NOT BETWEEN 3001 AND 3010)) pl
        JOIN (SELECT tid, id, row_number() OVER (ORDER BY id) AS at FROM tamper.row_of_t WHERE n NOT BETWEEN 3001 AND 3010) t USING (at) LOOP
        block := (r.tid::text::point)[0];
        item := (r.tid::text::point)[1];
        page := get_raw_page('t', block::integer);
        lp := 24 + 4 * (item - 1);
        off := get_byte(page, lp) + 256 * (get_byte(page, lp + 1) & 127);
        missing := format('^row_missing\|public\.t\|%s$', r.id);
        CALL tamper.try_file('header: line pointer made unused', r.place, 't', block, lp, '\x00000000', missing);
        CALL tamper.try_file('header: line pointer made dead', r.place, 't', block, lp, '\x00800100', missing);
        CALL tamper.try_file('header: line pointer to another row', r.place, 't', block, lp,
            substr(page, CASE WHEN item = 1 THEN 24 + 4 + 1 ELSE 24 + 1 END, 4), missing, '^row_duplicate\|public\.t\|');
        -- nothing says any more that all of the page is visible; then: the inserting transaction never was
        page := set_byte(page, 10, get_byte(page, 10) & ~4);
        CALL tamper.try_file('header: inserter made invalid', r.place, 't', block, 0,
            set_byte(page, off + 21, (get_byte(page, off + 21) & ~1) | 2), missing);
        -- a transaction of long ago deleted it
        CALL tamper.try_file('header: made deleted', r.place, 't', block, 0,
            overlay(set_byte(page, off + 21, (get_byte(page, off + 21) & ~8) | 4) PLACING '\x03000000' FROM off + 5), missing);
        CALL tamper.try_file('header: a NULL bitmap that is not there', r.place, 't', block, off + 20,
            decode(lpad(to_hex(get_byte(page, off + 20) | 1), 2, '0'), 'hex'),
            format('^row_(changed|unreadable|missing)\|public\.t\|%s$|^row_unreadable\|public\.t$', r.id), '^row_(without_entry|missing)\|public\.t(\||$)');
        CALL tamper.try_file('header: fewer columns', r.place, 't', block, off + 18, '\x01',
            format('^row_(changed|missing)\|public\.t\|%s$', r.id), '^row_without_entry\|public\.t\|0$');
        CALL tamper.try_file('header: t_hoff beyond the row', r.place, 't', block, off + 22, '\xf8', '^row_(unreadable|missing)\|public\.t', '^row_(unreadable|missing|without_entry)');
    END LOOP;
    FOR r IN SELECT pl.place, pl.at - 1 AS block FROM tamper.places(pg_relation_size('t') / 8192) pl LOOP
        missing := '^(row_missing|entry_rows)\|public\.t\|';
        page := get_raw_page('t', r.block::integer);
        CALL tamper.try_file('page: zeroed', r.place, 't', r.block, 0, decode(repeat('00', 8192), 'hex'), missing);
        CALL tamper.try_file('page: a copy of another one', r.place, 't', r.block, 0,
            get_raw_page('t', CASE WHEN r.block = 0 THEN 1 ELSE 0 END), missing, '^row_duplicate\|public\.t\||^row_changed\|public\.t\|');
        CALL tamper.try_file('page: its pd_lower too low', r.place, 't', r.block, 12, '\x2000', missing);
        CALL tamper.try_file('page: its header nonsense', r.place, 't', r.block, 12, '\xffffffffffff', '^page_unreadable\|public\.t$', missing);
    END LOOP;
    FOR r IN SELECT pl.place, w.id, w.n FROM tamper.places(8) pl JOIN (SELECT ledger_id AS id, n FROM wide) w ON w.n = pl.at LOOP
        -- a bit of a chunk; and a chunk that is gone
        FOR off IN SELECT (i.lp_off + 24 + 12 + 500) FROM generate_series(0, pg_relation_size(toast) / 8192 - 1) b,
            heap_page_items(get_raw_page(toast::text, b::integer)) i
            WHERE b = (r.n - 1) AND i.lp = 1 LOOP
            CALL tamper.try_file('toast: a bit of a chunk', r.place, toast, r.n - 1, off,
                set_byte('\x00', 0, get_byte(get_raw_page(toast::text, r.n - 1), off) # 1),
                '^row_changed\|public\.wide\|');
            CALL tamper.try_file('toast: a chunk gone', r.place, toast, r.n - 1, 24, '\x00000000',
                '^row_unreadable\|public\.wide\|', '^$', '', NULL,
                -- whoever looked for the chunk has marked the index's entry as dead
                format('REINDEX TABLE %s', toast));
        END LOOP;
    END LOOP;
END $$;

-- The log's own files: a bit anywhere in a row of theirs.
DO $$
DECLARE
    r record;
    byte integer;
    k integer;
    column_name text;
BEGIN
    FOR r IN SELECT tb.rel, pl.place, pl.at FROM (VALUES ('energyledger.entry'), ('energyledger.block'), ('energyledger.leaf_run'), ('energyledger.subtree'),
        ('energyledger.table_schema'), ('energyledger.event'), ('energyledger.site')) tb(rel),
        LATERAL tamper.places((xpath('/row/c/text()', query_to_xml('SELECT count(*) AS c FROM ' || tb.rel, false, true, '')))[1]::text::bigint) pl LOOP
        DECLARE
            tid tid;
            p record;
        BEGIN
            EXECUTE format('SELECT ctid FROM %s ORDER BY 1 OFFSET %s LIMIT 1', r.rel, (r.at - 1)::text) INTO tid;
            column_name := CASE r.rel WHEN 'energyledger.entry' THEN 'rows_root' WHEN 'energyledger.block' THEN 'previous_block_hash'
                WHEN 'energyledger.leaf_run' THEN 'hashes' WHEN 'energyledger.subtree' THEN 'hash' WHEN 'energyledger.table_schema' THEN 'names'
                WHEN 'energyledger.event' THEN 'field_values' ELSE 'public_key' END;
            SELECT * INTO p FROM tamper.attribute_place(r.rel::regclass, tid, column_name);
            -- behind the header, where the content is
            k := 4 + tamper.draw(p.len - 4);
            byte := get_byte(get_raw_page(r.rel, p.block::integer), p.at + k);
            CALL tamper.try_file('log file: a bit of ' || r.rel, r.place, r.rel::regclass, p.block, p.at + k,
                decode(lpad(to_hex(byte # (1 << tamper.draw(6)::int)), 2, '0'), 'hex'),
                '\|energyledger\.|^entry_rows\|', '^(row_|schema_|entry_|table_|redaction_)', '', format('SELECT x::text FROM %s x WHERE ctid = %L', r.rel, tid));
        END;
    END LOOP;
END $$;

-- A length there that leads beyond the row.  Whoever believed it would crash: verify(), or the sealer.
DO $$
DECLARE
    r record;
    tid tid;
    p record;
BEGIN
    FOR r IN SELECT tb.*, pl.place, pl.at FROM (VALUES ('energyledger.entry', 'role'), ('energyledger.entry', 'rows_root'), ('energyledger.block', 'note'),
        ('energyledger.block', 'snapshot'), ('energyledger.block', 'frontier'), ('energyledger.leaf_run', 'kinds'), ('energyledger.leaf_run', 'refs'),
        ('energyledger.leaf_run', 'hashes'), ('energyledger.subtree', 'hash'), ('energyledger.table_schema', 'relation'), ('energyledger.table_schema', 'types'),
        ('energyledger.event', 'field_values'), ('energyledger.event', 'role'), ('energyledger.site', 'origin'), ('energyledger.site', 'public_key')) tb(rel, col),
        LATERAL tamper.places((xpath('/row/c/text()', query_to_xml('SELECT count(*) AS c FROM ' || tb.rel, false, true, '')))[1]::text::bigint) pl LOOP
        EXECUTE format('SELECT ctid FROM %s ORDER BY 1 OFFSET %s LIMIT 1', r.rel, r.at - 1) INTO tid;
        SELECT * INTO p FROM tamper.attribute_place(r.rel::regclass, tid, r.col);
        CALL tamper.try_file('log file: a length beyond the row in ' || r.rel || '.' || r.col, r.place, r.rel::regclass, p.block, p.at, '\xfcffff3f',
            '\|energyledger\.|^entry_rows\||^row_without_entry\|', '\|public\.');
    END LOOP;
END $$;
