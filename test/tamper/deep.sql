-- deep.sql: indexes that hide rows, or lead to them under other values.
SET client_min_messages = warning;

-- Where in its page an index entry for a heap row lies.
CREATE FUNCTION tamper.index_entry(index text, tid tid, OUT block integer, OUT lp integer, OUT at integer) LANGUAGE plpgsql AS $$
DECLARE
    page bytea;
BEGIN
    SELECT b, 24 + 4 * (i.itemoffset - 1) INTO block, lp
      FROM generate_series(1, (pg_relation_size(index::regclass) / 8192 - 1)::integer) b, bt_page_stats(index, b) s, bt_page_items(index, b) i
     WHERE s.type = 'l' AND i.htid = tid LIMIT 1;
    IF block IS NULL THEN
        RAISE 'no entry of % for %', index, tid;
    END IF;
    page := get_raw_page(index, block);
    at := get_byte(page, lp) + 256 * (get_byte(page, lp + 1) & 127);
END $$;

-- what was tried before has left entries that lead to other versions of their rows
VACUUM FULL t;
DO $$
DECLARE
    r record;
    e record;
    page bytea;
BEGIN
    FOR r IN SELECT pl.place, t.* FROM tamper.places((SELECT count(*) FROM tamper.row_of_t)) pl JOIN tamper.row_of_t t USING (at) LOOP
        SELECT * INTO e FROM tamper.index_entry('t_n', r.tid);
        page := get_raw_page('t_n', e.block);
        -- LP_DEAD: readers pass it over
        CALL tamper.try_file('index: hides a row', r.place, 't_n', e.block, e.lp + 2,
            set_byte('\x00', 0, get_byte(page, e.lp + 2) | 1) || substr(page, e.lp + 4, 1) , '^index_missing_row\|public\.t_n', '^$', 'deep => true');
        -- the key, 8 bytes behind the entry's head: n becomes another number
        CALL tamper.try_file('index: leads to a row under another value', r.place, 't_n', e.block, e.at + 8,
            set_byte('\x00', 0, get_byte(page, e.at + 8) # 1), format('^index_extra_row\|public\.t_n\|%s$', r.id), '^index_(missing_row|corrupt|extra_row)\|public\.t_n', 'deep => true');
    END LOOP;
    -- the log's own: an entry that nobody finds any more
    FOR r IN SELECT pl.place, x.tid FROM tamper.places((SELECT count(*) FROM energyledger.entry)) pl
        JOIN (SELECT ctid AS tid, row_number() OVER (ORDER BY first_id) AS at FROM energyledger.entry) x USING (at) LOOP
        SELECT * INTO e FROM tamper.index_entry('energyledger.entry_pkey', r.tid);
        page := get_raw_page('energyledger.entry_pkey', e.block);
        CALL tamper.try_file('index: the log''s own hides a row', r.place, 'energyledger.entry_pkey', e.block, e.lp + 2,
            set_byte('\x00', 0, get_byte(page, e.lp + 2) | 1) || substr(page, e.lp + 4, 1), '^index_missing_row\|energyledger\.entry_pkey', '\|(energyledger|public)\.', 'deep => true');
    END LOOP;
END $$;
-- an index that did not take part in an insert
CALL tamper.try('index: missed an insert', 'last',
    ARRAY['UPDATE pg_index SET indisready = false WHERE indexrelid = ''t_note''::regclass',
          'INSERT INTO t (n, note) VALUES (4000, ''unindexed'')', 'UPDATE pg_index SET indisready = true WHERE indexrelid = ''t_note''::regclass'],
    ARRAY['REINDEX INDEX t_note'], '^index_missing_row\|public\.t_note', '^$', 'deep => true');
