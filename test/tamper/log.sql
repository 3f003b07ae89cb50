-- log.sql: the log itself: entries, schemas, events, blocks, leaves, subtrees, keys.
SET client_min_messages = warning;
SET session_replication_role = replica;

-- Entries: each of their fields, and whole ones.  What it does to their rows may be told besides.
DO $$
DECLARE
    e record;
    f record;
    besides text;
BEGIN
    FOR e IN SELECT p.place, s.* FROM tamper.places((SELECT count(*) FROM tamper.sealed_entry)) p JOIN tamper.sealed_entry s USING (at) LOOP
        besides := format('^(row_missing|row_without_entry|row_in_wrong_table|entry_rows|schema_missing|schema_digest)\|%s\|', '[a-z.]+');
        FOR f IN SELECT * FROM (VALUES
            ('rows_root', 'rows_root = sha256(rows_root)'), ('role', 'role = ''mallory'''), ('time', 'made_at = made_at - interval ''1 us'''),
            ('transaction', 'xid = ''3'''), ('table', 'relation = CASE relation WHEN ''public.t'' THEN ''public.other'' ELSE ''public.t'' END'),
            ('number of rows', 'row_count = row_count + 1'), ('schema version', 'schema_version = schema_version + 1'),
            ('schema digest', 'schema_digest = sha256('''')'), ('last id', 'last_id = last_id + 1')) v(name, assignment) LOOP
            CALL tamper.try_edit('entry: its ' || f.name || ' edited', e.place, 'energyledger.entry', format('first_id = %s', e.first_id),
                'UPDATE %s SET ' || f.assignment || ' WHERE %s', format('^entry_changed\|energyledger\.entry\|%s$', e.first_id), besides);
        END LOOP;
        CALL tamper.try_edit('entry: its first id edited', e.place, 'energyledger.entry', format('first_id = %s', e.first_id),
            'UPDATE %s SET first_id = first_id + (1::bigint << 44), last_id = last_id + (1::bigint << 44) WHERE %s',
            format('^entry_missing\|energyledger\.entry\|%s$', e.first_id), besides || '|^entry_not_in_log');
        CALL tamper.try_edit('entry: its root cut short', e.place, 'energyledger.entry', format('first_id = %s', e.first_id),
            'UPDATE %s SET rows_root = substr(rows_root, 1, 31) WHERE %s', format('^entry_malformed\|energyledger\.entry\|%s$', e.first_id), besides);
        CALL tamper.try_edit('entry: removed', e.place, 'energyledger.entry', format('first_id = %s', e.first_id),
            'DELETE FROM %s WHERE %s', format('^entry_missing\|energyledger\.entry\|%s$', e.first_id), besides);
    END LOOP;
END $$;
-- the tags prove nothing: no finding
CALL tamper.try_edit('entry: only the tags edited', 'all', 'energyledger.entry', 'true',
    'UPDATE %s SET row_tags = decode(repeat(''00'', length(row_tags)), ''hex'') WHERE %s', '^never$');
UPDATE tamper.outcome SET found = true WHERE kind = 'entry: only the tags edited' AND said = '{}';
CALL tamper.try_edit('entry: one not sealed yet removed', 'last', 'energyledger.entry',
    'first_id = (SELECT max(first_id) FROM energyledger.entry)', 'DELETE FROM %s WHERE %s', '^row_without_entry\|public\.other\|');
CALL tamper.try('entry: a second row of one, hidden from the index', 'last',
    tamper.edit('energyledger.entry', 'UPDATE pg_index SET indisready = false WHERE indexrelid = ''energyledger.entry_pkey''::regclass',
        'INSERT INTO energyledger.entry SELECT * FROM energyledger.entry WHERE relation = ''public.other'' LIMIT 1',
        'UPDATE pg_index SET indisready = true WHERE indexrelid = ''energyledger.entry_pkey''::regclass'),
    tamper.edit('energyledger.entry', 'DELETE FROM energyledger.entry a USING energyledger.entry b WHERE a.first_id = b.first_id AND a.ctid > b.ctid'),
    '^entry_duplicate\|energyledger\.entry\|', '^row_duplicate|^row_missing|^row_changed|^row_without|^entry_rows');

-- Leaves, blocks, schemas, events, subtrees, keys: at the first, a middle, the last, and a drawn one.
DO $$
DECLARE
    l record;
    run text;
    k text;
    anything text := '^(row_|entry_|schema_|event_|block_|leaf_|log_root|frontier|table_columns|checkpoint_signature|subtree_|key_event)';
BEGIN
    FOR l IN SELECT p.place, x.* FROM tamper.places((SELECT count(*) FROM energyledger.leaf)) p
        JOIN (SELECT *, row_number() OVER (ORDER BY leaf_index) AS at FROM energyledger.leaf) x USING (at) LOOP
        run := format('first_index = (SELECT max(first_index) FROM energyledger.leaf_run WHERE first_index <= %s)', l.leaf_index);
        k := format('(%s - first_index)::int', l.leaf_index);
        CALL tamper.try_edit('leaf: its stored hash edited', l.place, 'energyledger.leaf_run', run,
            'UPDATE %s SET hashes = set_byte(hashes, 32 * ' || k || ' + 7, get_byte(hashes, 32 * ' || k || ' + 7) # 1) WHERE %s',
            format('^leaf_hash\|energyledger\.leaf_run\|%s$', l.leaf_index));
        CALL tamper.try_edit('leaf: its reference edited', l.place, 'energyledger.leaf_run', run,
            'UPDATE %s SET refs[' || k || ' + 1] = refs[' || k || ' + 1] + (1::bigint << 44) WHERE %s', '_missing\|energyledger\.', anything);
        CALL tamper.try_edit('leaf: its kind edited', l.place, 'energyledger.leaf_run', run,
            'UPDATE %s SET kinds = set_byte(kinds, ' || k || ', 9) WHERE %s', '^event_(missing|malformed)\|energyledger\.event\|', anything);
        CALL tamper.try_edit('leaf: no kind at all', l.place, 'energyledger.leaf_run', run,
            'UPDATE %s SET kinds = set_byte(kinds, ' || k || ', 0) WHERE %s', format('^leaf_kind\|energyledger\.leaf_run\|%s$', l.leaf_index), anything);
        CALL tamper.try_edit('leaf: removed', l.place, 'energyledger.leaf_run', run,
            'UPDATE %s SET refs = refs[:' || k || '] || refs[' || k || ' + 2:], kinds = overlay(kinds PLACING '''' FROM ' || k || ' + 1 FOR 1),'
            ' hashes = overlay(hashes PLACING '''' FROM 32 * ' || k || ' + 1 FOR 32) WHERE %s', 'not_in_log\|energyledger\.', anything);
        CALL tamper.try_edit('leaf: a run of them removed', l.place, 'energyledger.leaf_run', run,
            'DELETE FROM %s WHERE %s', '^leaf_missing\|energyledger\.leaf_run\||not_in_log\|', anything);
        CALL tamper.try_edit('leaf: a run moved', l.place, 'energyledger.leaf_run', run,
            'UPDATE %s SET first_index = first_index + 100000 WHERE %s', '^leaf_missing\|energyledger\.leaf_run\|', anything);
        CALL tamper.try_edit('leaf: a run''s hashes cut short', l.place, 'energyledger.leaf_run', run,
            'UPDATE %s SET hashes = substr(hashes, 1, length(hashes) - 20) WHERE %s', '^leaf_hash\|energyledger\.leaf_run\|', anything);
    END LOOP;
    FOR l IN SELECT p.place, b.* FROM tamper.places((SELECT count(*) FROM energyledger.block)) p
        JOIN (SELECT *, row_number() OVER (ORDER BY height) AS at FROM energyledger.block) b USING (at) LOOP
        FOR k IN SELECT unnest(ARRAY['sealed_at = sealed_at - interval ''1 us''', 'previous_block_hash = sha256(''x'')',
                                     'leaf_count = leaf_count + 1', 'first_index = first_index + 1']) LOOP
            CALL tamper.try_edit('block: its ' || split_part(k, ' ', 1) || ' edited', l.place, 'energyledger.block', format('height = %s', l.height),
                'UPDATE %s SET ' || k || ' WHERE %s', format('^block_changed\|energyledger\.block\|%s$', l.height), '^block_(chain|range)\|');
        END LOOP;
        CALL tamper.try_edit('block: its checkpoint edited', l.place, 'energyledger.block', format('height = %s', l.height),
            'UPDATE %s SET note = replace(note, split_part(note, E''\n'', 3), ''AAAA'' || substr(split_part(note, E''\n'', 3), 5)) WHERE %s',
            format('^checkpoint_signature\|energyledger\.block\|%s$', l.height));
        CALL tamper.try_edit('block: the checkpoint of another one', l.place, 'energyledger.block', format('height = %s', l.height),
            'UPDATE %s b SET note = (SELECT note FROM energyledger.block o WHERE o.height <> b.height LIMIT 1) WHERE %s',
            format('^log_root\|energyledger\.block\|%s$', l.height), '^(frontier|subtree_)');
        CALL tamper.try_edit('block: its frontier edited', l.place, 'energyledger.block', format('height = %s', l.height),
            'UPDATE %s SET frontier = set_byte(frontier, 20, get_byte(frontier, 20) # 1) WHERE %s', format('^frontier\|energyledger\.block\|%s$', l.height));
        CALL tamper.try_edit('block: removed', l.place, 'energyledger.block', format('height = %s', l.height),
            'DELETE FROM %s WHERE %s', format('^block_missing\|energyledger\.block\|%s$', l.height), '^(block_|leaf_without_block|.*_not_in_log)');
        CALL tamper.try_edit('block: one added', l.place, 'energyledger.block', format('height = %s', l.height),
            'INSERT INTO %s SELECT site_id, height + 100, previous_block_hash, first_index, leaf_count, sealed_at, incarnation, key_number,'
            ' timeline, snapshot, id_floor, xid_floor, frontier, note FROM energyledger.block WHERE %s',
            format('^block_not_in_log\|energyledger\.block\|%s$', l.height + 100), '_not_in_log\|');
    END LOOP;
    FOR l IN SELECT p.place, s.* FROM tamper.places((SELECT count(*) FROM energyledger.table_schema)) p
        JOIN (SELECT *, row_number() OVER (ORDER BY schema_id) AS at FROM energyledger.table_schema) s USING (at) LOOP
        FOR k IN SELECT unnest(ARRAY['names[1] = ''m''', 'types[1] = ''macaddr''', 'ordinals[1] = 99', 'role = ''mallory''']) LOOP
            CALL tamper.try_edit('schema: its ' || substring(k from '^[a-z]+') || ' edited', l.place, 'energyledger.table_schema', format('schema_id = %s', l.schema_id),
                'UPDATE %s SET ' || k || ' WHERE %s', format('^schema_changed\|energyledger\.table_schema\|%s$', l.schema_id), anything);
        END LOOP;
    END LOOP;
    -- of every version: each table may have lost its last one
    FOR l IN SELECT format('of %s, version %s', relation, schema_version) AS place, schema_id FROM energyledger.table_schema ORDER BY schema_id LOOP
        CALL tamper.try_edit('schema: malformed', l.place, 'energyledger.table_schema', format('schema_id = %s', l.schema_id),
            'UPDATE %s SET names = names || ARRAY[''one more''] WHERE %s', format('^schema_malformed\|energyledger\.table_schema\|%s$', l.schema_id), anything);
        CALL tamper.try_edit('schema: removed, its table detached', l.place, 'energyledger.table_schema', format('schema_id = %s', l.schema_id),
            'DELETE FROM %s WHERE %s', format('^schema_missing\|energyledger\.table_schema\|%s$', l.schema_id), anything);
    END LOOP;
    FOR l IN SELECT p.place, s.* FROM tamper.places((SELECT count(*) FROM energyledger.subtree)) p
        JOIN (SELECT *, row_number() OVER (ORDER BY level, node_index) AS at FROM energyledger.subtree) s USING (at) LOOP
        k := format('level = %s AND node_index = %s', l.level, l.node_index);
        CALL tamper.try_edit('subtree: its hash edited', l.place, 'energyledger.subtree', k,
            'UPDATE %s SET hash = sha256(hash) WHERE %s', format('^subtree_hash\|energyledger\.subtree\|%s$', l.node_index));
        CALL tamper.try_edit('subtree: removed', l.place, 'energyledger.subtree', k,
            'DELETE FROM %s WHERE %s', format('^subtree_missing\|energyledger\.subtree\|%s$', l.node_index));
        CALL tamper.try_edit('subtree: one added', l.place, 'energyledger.subtree', k,
            'INSERT INTO %s SELECT site_id, CASE ' || quote_literal(l.place) || ' WHEN ''first'' THEN 1 WHEN ''middle'' THEN 2 WHEN ''last'' THEN 9 ELSE 0 END, '
            'node_index + 1000, hash FROM energyledger.subtree WHERE %s', format('^subtree_extra\|energyledger\.subtree\|%s$', l.node_index + 1000));
    END LOOP;
    FOR k IN SELECT unnest(ARRAY['field_values[1] = ''public.x''', 'field_names[1] = ''table''', 'role = ''mallory''', 'made_at = made_at - interval ''1 us''']) LOOP
        CALL tamper.try_edit('event: edited', substring(k from '^[a-z_]+'), 'energyledger.event', 'true',
            'UPDATE %s SET ' || k || ' WHERE %s', '^event_changed\|energyledger\.event\|', '^(table_missing|table_columns|row_in_wrong_table|row_missing|row_without_entry|site_event|site_missing|redaction_missing)\|');
    END LOOP;
    CALL tamper.try_edit('event: its kind edited', 'all', 'energyledger.event', 'true', 'UPDATE %s SET kind = 5 WHERE %s', '^event_malformed\|energyledger\.event\|', '^(table_missing|row_in_wrong_table|row_missing|redaction_missing)\|');
    CALL tamper.try_edit('event: removed', 'all', 'energyledger.event', 'true', 'DELETE FROM %s WHERE %s', '^event_missing\|energyledger\.event\|', '^(table_missing|table_columns|row_in_wrong_table|row_missing|row_without_entry|site_event|site_missing|redaction_missing)\|');
    CALL tamper.try_edit('site: another public key', 'all', 'energyledger.site', 'true', 'UPDATE %s SET public_key = sha256('''') WHERE %s', '^checkpoint_signature\|energyledger\.block\|', '^(site_event|site_missing)\|');
    CALL tamper.try_edit('site: another name', 'all', 'energyledger.site', 'true', 'UPDATE %s SET origin = ''energyledger/1/2'' WHERE %s', '^checkpoint_signature\|energyledger\.block\|', '^(site_event|site_missing)\|');
    CALL tamper.try_edit('site: its key removed', 'all', 'energyledger.site', 'true', 'UPDATE %s SET key_number = 2 WHERE %s', '^site_missing\|energyledger\.block\|');
    CALL tamper.try_edit('leaf: one added at the end', 'last', 'energyledger.leaf_run', 'true',
        'INSERT INTO %s SELECT site_id, max(leaf_index) + 1, ''\x01'', ARRAY[(SELECT min(first_id) FROM energyledger.entry)], sha256('''') FROM energyledger.leaf WHERE %s GROUP BY 1',
        '^leaf_without_block\|energyledger\.leaf_run\|', '^(leaf_hash|entry_twice_in_log)\|');
    FOR l IN SELECT p.place, p.at - 1 AS i FROM tamper.places((SELECT count(*) - 2 FROM energyledger.leaf)) p LOOP
        CALL tamper.try_edit('leaf: two exchange their references', l.place, 'energyledger.leaf_run',
            format('first_index <= %s AND first_index + cardinality(refs) > %s', l.i, l.i + 1),
            'UPDATE %s SET refs[' || l.i || ' - first_index + 1] = refs[' || l.i || ' - first_index + 2], refs[' || l.i || ' - first_index + 2] = refs[' || l.i || ' - first_index + 1] WHERE %s',
            '_(changed|missing|malformed)\|energyledger\.', anything);
    END LOOP;
END $$;
-- where two neighbours stand in two runs, nothing was exchanged
UPDATE tamper.outcome SET effect = false WHERE kind = 'leaf: two exchange their references' AND said = '{}';
