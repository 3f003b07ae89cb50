-- rows.sql: rows changed, removed, added and moved with SQL, by somebody who knows the catalog.
SET client_min_messages = warning;
SET session_replication_role = replica;

-- a row's value changed, or made NULL
DO $$
DECLARE r record;
BEGIN
    FOR r IN SELECT p.place, t.id, t.n FROM tamper.places((SELECT count(*) FROM tamper.row_of_t)) p JOIN tamper.row_of_t t USING (at) LOOP
        CALL tamper.try('row: a value changed', r.place,
            tamper.edit('t', format('UPDATE t SET n = -n WHERE ledger_id = %s', r.id)),
            tamper.edit('t', format('UPDATE t SET n = -n WHERE ledger_id = %s', r.id)),
            format('^row_changed\|public\.t\|%s$', r.id));
        CALL tamper.try('row: a value made NULL', r.place,
            tamper.edit('t', format('UPDATE t SET note = NULL WHERE ledger_id = %s', r.id)),
            tamper.edit('t', format('UPDATE t SET note = ''note '' || n WHERE ledger_id = %s', r.id)),
            format('^row_changed\|public\.t\|%s$', r.id));
        CALL tamper.try('row: two of its columns exchanged', r.place,
            tamper.edit('t', format('UPDATE t SET note = other_note, other_note = note WHERE ledger_id = %s', r.id)),
            tamper.edit('t', format('UPDATE t SET note = other_note, other_note = note WHERE ledger_id = %s', r.id)),
            format('^row_changed\|public\.t\|%s$', r.id));
    END LOOP;
END $$;

-- rows that are gone; those of the entry with gaps cannot be told apart: their entry is named
DO $$
DECLARE r record; gap bigint := (SELECT min(ledger_id) FROM t WHERE n = 3001);
BEGIN
    FOR r IN SELECT p.place, t.id FROM tamper.places((SELECT count(*) FROM tamper.row_of_t)) p JOIN tamper.row_of_t t USING (at)
        WHERE n NOT BETWEEN 3001 AND 3010 LOOP
        CALL tamper.try('row: deleted', r.place,
            tamper.edit('t', format('CREATE TABLE tamper.aside AS SELECT * FROM t WHERE ledger_id = %s', r.id),
                format('DELETE FROM t WHERE ledger_id = %s', r.id)),
            tamper.edit('t', 'INSERT INTO t TABLE tamper.aside', 'DROP TABLE tamper.aside'),
            format('^row_missing\|public\.t\|%s$', r.id));
    END LOOP;
    FOR r IN SELECT p.place, 3000 + p.at AS n FROM tamper.places(10) p LOOP
        CALL tamper.try('row: deleted from an entry with gaps', r.place,
            tamper.edit('t', format('CREATE TABLE tamper.aside AS SELECT * FROM t WHERE n = %s', r.n),
                format('DELETE FROM t WHERE n = %s', r.n)),
            tamper.edit('t', 'INSERT INTO t TABLE tamper.aside', 'DROP TABLE tamper.aside'),
            format('^entry_rows\|public\.t\|%s$', gap));
        CALL tamper.try('row: inserted into a gap', r.place,
            tamper.edit('t', format('INSERT INTO t SELECT n, note, other_note, at, %s FROM t WHERE n = %s', gap + 5 + r.n % 5, r.n)),
            tamper.edit('t', format('DELETE FROM t WHERE ledger_id = %s', gap + 5 + r.n % 5)),
            format('^entry_rows\|public\.t\|%s$', gap));
    END LOOP;
END $$;

-- rows that appear
DO $$
DECLARE r record; other_id bigint;
BEGIN
    FOR r IN SELECT p.place, t.id, t.n FROM tamper.places((SELECT count(*) FROM tamper.row_of_t)) p JOIN tamper.row_of_t t USING (at) LOOP
        CALL tamper.try('row: inserted under a ledger_id of its own', r.place,
            tamper.edit('t', format('INSERT INTO t SELECT n, note, other_note, at, %s FROM t WHERE ledger_id = %s',
                CASE r.place WHEN 'first' THEN 1 WHEN 'middle' THEN (1::bigint << 45) + 1 WHEN 'last' THEN (7::bigint << 45) + 7
                    ELSE (1::bigint << 45) + (1::bigint << 44) + tamper.draw(1000000) END, r.id)),
            tamper.edit('t', format('DELETE FROM t a WHERE n = %s AND ctid > (SELECT min(ctid) FROM t WHERE n = %s)', r.n, r.n)),
            '^row_without_entry\|public\.t\|[0-9]+$');
        CALL tamper.try('row: doubled', r.place,
            tamper.edit('t', format('INSERT INTO t SELECT * FROM t WHERE ledger_id = %s', r.id)),
            tamper.edit('t', format('DELETE FROM t a WHERE n = %s AND ctid > (SELECT min(ctid) FROM t WHERE n = %s)', r.n, r.n)),
            format('^row_duplicate\|public\.t\|%s$', r.id));
        CALL tamper.try('row: its ledger_id changed', r.place,
            tamper.edit('t', format('UPDATE t SET ledger_id = %s WHERE ledger_id = %s', (1::bigint << 45) + (1::bigint << 44) + r.n, r.id)),
            tamper.edit('t', format('UPDATE t SET ledger_id = %s WHERE ledger_id = %s', r.id, (1::bigint << 45) + (1::bigint << 44) + r.n)),
            format('^row_missing\|public\.t\|%s$|^entry_rows', r.id), '^row_without_entry\|public\.t\|');
        CALL tamper.try('row: its ledger_id made negative', r.place,
            tamper.edit('t', format('UPDATE t SET ledger_id = -ledger_id WHERE ledger_id = %s', r.id)),
            tamper.edit('t', format('UPDATE t SET ledger_id = -ledger_id WHERE ledger_id = -%s', r.id)),
            format('^row_missing\|public\.t\|%s$|^entry_rows', r.id), '^row_without_entry\|public\.t$');
        CALL tamper.try('row: without a ledger_id', r.place,
            tamper.edit('t', 'ALTER TABLE t ALTER ledger_id DROP NOT NULL',
                format('INSERT INTO t (n, note, ledger_id) VALUES (%s, ''x'', NULL)', r.n)),
            tamper.edit('t', 'DELETE FROM t WHERE ledger_id IS NULL', 'ALTER TABLE t ALTER ledger_id SET NOT NULL'),
            '^row_without_entry\|public\.t\|0$');
    END LOOP;
    FOR r IN SELECT p.place, o.id FROM tamper.places((SELECT count(*) FROM other)) p
        JOIN (SELECT ledger_id AS id, row_number() OVER (ORDER BY ledger_id) AS at FROM other) o USING (at) LOOP
        CALL tamper.try('row: moved to another table', r.place,
            tamper.edit('other', format('CREATE TABLE tamper.aside AS SELECT * FROM other WHERE ledger_id = %s', r.id),
                format('DELETE FROM other WHERE ledger_id = %s', r.id)) ||
            tamper.edit('t', 'INSERT INTO t (n, ledger_id) SELECT n, ledger_id FROM tamper.aside'),
            tamper.edit('t', format('DELETE FROM t WHERE ledger_id = %s', r.id)) ||
            tamper.edit('other', 'INSERT INTO other TABLE tamper.aside', 'DROP TABLE tamper.aside'),
            format('^row_in_wrong_table\|public\.t\|%s$', r.id), format('^row_missing\|public\.other\|%s$', r.id));
    END LOOP;
END $$;

-- two rows that exchange their places; a whole entry's rows for those of another one
DO $$
DECLARE r record; swap text;
BEGIN
    FOR r IN SELECT p.place, a.id AS a, b.id AS b FROM tamper.places((SELECT count(*) - 1 FROM tamper.row_of_t)) p
        JOIN tamper.row_of_t a USING (at) JOIN tamper.row_of_t b ON b.at = a.at + 1 LOOP
        swap := format('UPDATE t SET ledger_id = CASE ledger_id WHEN %1$s THEN %2$s ELSE %1$s END WHERE ledger_id IN (%1$s, %2$s)', r.a, r.b);
        CALL tamper.try('rows: two exchanged', r.place, tamper.edit('t', swap), tamper.edit('t', swap),
            format('^row_changed\|public\.t\|(%s|%s)$', r.a, r.b));
    END LOOP;
    FOR r IN SELECT p.place, a.first_id AS a, b.first_id AS b, b.last_id AS b_last FROM tamper.places(500) p
        JOIN (SELECT first_id, row_number() OVER (ORDER BY first_id) AS at FROM energyledger.entry
               WHERE relation = 'public.other' AND row_count = 1) a USING (at),
             (SELECT * FROM energyledger.entry WHERE relation = 'public.other' AND row_count = 2 LIMIT 1) b LOOP
        CALL tamper.try('rows: an entry''s removed, another''s doubled', r.place,
            tamper.edit('other', 'CREATE TABLE tamper.aside AS TABLE other', format('DELETE FROM other WHERE ledger_id = %s', r.a),
                format('INSERT INTO other SELECT * FROM other WHERE ledger_id BETWEEN %s AND %s', r.b, r.b_last)),
            tamper.edit('other', 'DELETE FROM other', 'INSERT INTO other TABLE tamper.aside', 'DROP TABLE tamper.aside'),
            format('^row_missing\|public\.other\|%s$', r.a), '^row_duplicate\|public\.other\|');
    END LOOP;
END $$;

-- values that were erased without a redaction, or are there again after one
DO $$
DECLARE
    r record;
    commitment text := 'UPDATE person SET %1$I = energyledger.redactable_in(textout(''energyledger:redacted:'' || encode(energyledger.commitment(%1$I), ''hex''))) WHERE n = %2$s';
    value text := 'UPDATE person p SET %1$I = k.%1$I FROM tamper.kept k WHERE p.n = %2$s AND k.n = %2$s';
BEGIN
    FOR r IN SELECT pl.place, 2 * pl.at - 1 AS n, p.ledger_id AS id FROM tamper.places(20) pl JOIN person p ON p.n = 2 * pl.at - 1 LOOP
        CALL tamper.try('redaction: a value erased without one', r.place, tamper.edit('person', format(commitment, 'name', r.n)),
            tamper.edit('person', format(value, 'name', r.n)), format('^redaction_missing\|public\.person\|%s$', r.id));
    END LOOP;
    FOR r IN SELECT pl.place, 2 * pl.at AS n, p.ledger_id AS id FROM tamper.places(20) pl JOIN person p ON p.n = 2 * pl.at LOOP
        CALL tamper.try('redaction: the value put back', r.place, tamper.edit('person', format(value, 'name', r.n)),
            tamper.edit('person', format(commitment, 'name', r.n)), format('^redaction_undone\|public\.person\|%s$', r.id));
        CALL tamper.try('redaction: of a row that is gone', r.place,
            tamper.edit('person', format('CREATE TABLE tamper.aside AS SELECT * FROM person WHERE n = %s', r.n), format('DELETE FROM person WHERE n = %s', r.n)),
            tamper.edit('person', 'INSERT INTO person TABLE tamper.aside', 'DROP TABLE tamper.aside'),
            format('^row_missing\|public\.person\|%s$', r.id));
        -- and where other rows do not fit either
        CALL tamper.try('redaction: the value put back, another row edited', r.place,
            tamper.edit('person', format(value, 'name', r.n), 'UPDATE person SET n = -n WHERE n = 1'),
            tamper.edit('person', format(commitment, 'name', r.n), 'UPDATE person SET n = -n WHERE n = -1'),
            format('^redaction_undone\|public\.person\|%s$', r.id), '^row_changed\|public\.person\|[0-9]+$');
    END LOOP;
END $$;

-- the table itself: the catalog says something else than the log
DO $$
DECLARE
    r record;
    changed text := '^row_changed\|public\.t\|';
BEGIN
    FOR r IN SELECT t, m, place FROM (VALUES ('t', 'note', 'first'), ('every', 'c_text', 'middle'), ('other', 'n', 'last'), ('wide', 'blob', 'drawn')) v(t, m, place) LOOP
        CALL tamper.try('catalog: access method switched', r.place,
            ARRAY[format('UPDATE pg_class SET relam = (SELECT oid FROM pg_am WHERE amname = ''heap'') WHERE oid = %L::regclass', r.t)],
            ARRAY[format('UPDATE pg_class SET relam = (SELECT oid FROM pg_am WHERE amname = ''ledger'') WHERE oid = %L::regclass', r.t)],
            format('^access_method\|public\.%s$', r.t));
        CALL tamper.try('catalog: table renamed', r.place,
            ARRAY[format('UPDATE pg_class SET relname = ''hidden'' WHERE oid = %L::regclass', r.t)],
            ARRAY[format('UPDATE pg_class SET relname = %L WHERE oid = ''hidden''::regclass', r.t)],
            format('^table_missing\|public\.%s$', r.t), format('^(row_missing|entry_rows)\|public\.%s\|', r.t));
        CALL tamper.try('catalog: another table in its place', r.place,
            ARRAY[format('UPDATE pg_class SET relname = ''hidden'' WHERE oid = %L::regclass', r.t),
                  format('UPDATE pg_type SET typname = ''hidden'' WHERE typname = %L', r.t),
                  format('CREATE TABLE %I (LIKE hidden INCLUDING DEFAULTS) USING ledger', r.t)],
            ARRAY[format('UPDATE pg_class SET relam = 2 WHERE oid = %L::regclass', r.t), format('DROP TABLE %I', r.t),
                  format('UPDATE pg_class SET relname = %L WHERE oid = ''hidden''::regclass', r.t),
                  format('UPDATE pg_type SET typname = %L WHERE typname = ''hidden''', r.t)],
            format('^(row_missing|entry_rows)\|public\.%s\|', r.t));
        CALL tamper.try('catalog: column renamed', r.place,
            ARRAY[format('UPDATE pg_attribute SET attname = ''m'' WHERE attrelid = %L::regclass AND attname = %L', r.t, r.m)],
            ARRAY[format('UPDATE pg_attribute SET attname = %2$L WHERE attrelid = %1$L::regclass AND attname = ''m''', r.t, r.m)],
            format('^table_columns\|public\.%s$', r.t), format('^(row_missing|entry_rows)\|public\.%s\|', r.t));
        CALL tamper.try('catalog: column''s type changed', r.place,
            ARRAY[format('UPDATE pg_attribute SET atttypid = %3$s WHERE attrelid = %1$L::regclass AND attname = %2$L', r.t, r.m,
                CASE r.m WHEN 'n' THEN '''date''::regtype' WHEN 'blob' THEN '''text''::regtype' ELSE '''bytea''::regtype' END)],
            ARRAY[format('UPDATE pg_attribute SET atttypid = %3$s WHERE attrelid = %1$L::regclass AND attname = %2$L', r.t, r.m,
                CASE r.m WHEN 'n' THEN '''int''::regtype' WHEN 'blob' THEN '''bytea''::regtype' ELSE '''text''::regtype' END)],
            format('^table_columns\|public\.%s$', r.t), format('^(row_missing|entry_rows)\|public\.%s\|', r.t));
    END LOOP;
    CALL tamper.try('catalog: names of two columns exchanged', 'all',
        ARRAY['UPDATE pg_attribute SET attname = ''x'' WHERE attrelid = ''t''::regclass AND attname = ''note''',
              'UPDATE pg_attribute SET attname = ''note'' WHERE attrelid = ''t''::regclass AND attname = ''other_note''',
              'UPDATE pg_attribute SET attname = ''other_note'' WHERE attrelid = ''t''::regclass AND attname = ''x'''],
        ARRAY['UPDATE pg_attribute SET attname = ''x'' WHERE attrelid = ''t''::regclass AND attname = ''note''',
              'UPDATE pg_attribute SET attname = ''note'' WHERE attrelid = ''t''::regclass AND attname = ''other_note''',
              'UPDATE pg_attribute SET attname = ''other_note'' WHERE attrelid = ''t''::regclass AND attname = ''x'''], changed);
    CALL tamper.try('catalog: types of two columns exchanged', 'all',
        ARRAY['UPDATE pg_attribute SET atttypid = CASE attname WHEN ''c_date'' THEN ''int''::regtype ELSE ''date''::regtype END
               WHERE attrelid = ''every''::regclass AND attname IN (''c_date'', ''c_int4'')'],
        ARRAY['UPDATE pg_attribute SET atttypid = CASE attname WHEN ''c_date'' THEN ''date''::regtype ELSE ''int''::regtype END
               WHERE attrelid = ''every''::regclass AND attname IN (''c_date'', ''c_int4'')'],
        '^table_columns\|public\.every$', '^(row_missing|entry_rows)\|public\.every\|');
    CALL tamper.try('catalog: column dropped', 'all',
        ARRAY['UPDATE pg_attribute SET attisdropped = true WHERE attrelid = ''t''::regclass AND attname = ''at'''],
        ARRAY['UPDATE pg_attribute SET attisdropped = false WHERE attrelid = ''t''::regclass AND attname = ''at'''],
        '^table_columns\|public\.t$', '^(row_missing|entry_rows)\|public\.t\|');
    CALL tamper.try('catalog: older rows made to have a value', 'all',
        ARRAY['UPDATE pg_attribute SET atthasmissing = true, atthasdef = false,
               attmissingval = (SELECT attmissingval FROM (SELECT array_in(''{7}'', 23, -1) AS v) x, LATERAL (SELECT v AS attmissingval) y)
               WHERE attrelid = ''other''::regclass AND attname = ''added'''],
        ARRAY['UPDATE pg_attribute SET atthasmissing = false, attmissingval = NULL WHERE attrelid = ''other''::regclass AND attname = ''added'''],
        '^row_changed\|public\.other\|');
    CALL tamper.try('catalog: the access method''s handler replaced', 'all',
        ARRAY['UPDATE pg_am SET amhandler = ''heap_tableam_handler'' WHERE amname = ''ledger''', 'UPDATE pg_class SET relam = relam WHERE relam = (SELECT oid FROM pg_am WHERE amname = ''ledger'')'],
        ARRAY['UPDATE pg_am SET amhandler = ''energyledger.ledger_handler'' WHERE amname = ''ledger''', 'UPDATE pg_class SET relam = relam WHERE relam = (SELECT oid FROM pg_am WHERE amname = ''ledger'')'],
        '^access_method\|');
    -- an enum's labels exchanged: the rows mean something else
    CALL tamper.try('catalog: two labels of an enum exchanged', 'all',
        ARRAY['UPDATE pg_enum SET enumlabel = ''x'' WHERE enumlabel = ''calm''', 'UPDATE pg_enum SET enumlabel = ''calm'' WHERE enumlabel = ''Ünruly''',
              'UPDATE pg_enum SET enumlabel = ''Ünruly'' WHERE enumlabel = ''x'''],
        ARRAY['UPDATE pg_enum SET enumlabel = ''x'' WHERE enumlabel = ''calm''', 'UPDATE pg_enum SET enumlabel = ''calm'' WHERE enumlabel = ''Ünruly''',
              'UPDATE pg_enum SET enumlabel = ''Ünruly'' WHERE enumlabel = ''x'''], '^row_changed\|public\.every\|');
END $$;
