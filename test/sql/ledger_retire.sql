/*
 * ledger_retire.sql: energyledger.retire(): a last event, another name, no more
 * rows; read, indexed, referenced and verified as before.
 */
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
CREATE SCHEMA ret;
SET search_path = ret;

CREATE FUNCTION refused(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN 'was not refused';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || regexp_replace(SQLERRM, '\d{10,}', '<id>', 'g');
END $$;
-- Ids are not the same in every run.
CREATE FUNCTION shown(name text) RETURNS text LANGUAGE sql AS $$ SELECT regexp_replace(name, '\d{10,}', '<id>', 'g') $$;

CREATE TABLE t (a int PRIMARY KEY, b text) USING ledger;
CREATE INDEX ON t (b);
CREATE TABLE child (a int REFERENCES t) USING ledger;
CREATE TABLE heap_child (a int REFERENCES t);
INSERT INTO t SELECT g, 'row ' || g FROM generate_series(1, 1000) g;
INSERT INTO child VALUES (1);
CREATE TABLE remembered (name text);
INSERT INTO remembered SELECT energyledger.retire('t', 'moved to another system');
SELECT shown(name) FROM remembered;
-- The event names itself, the rows and the reason; it is a leaf once sealed.
SELECT kind, field_names, shown(array_to_string(field_values, ' | ')) AS said,
       field_values[2] = 'ret.retired_' || event_id || '_t' AS named_by_its_id,
       field_values[6]::bigint = (SELECT max(e.last_id) FROM energyledger.entry e WHERE e.relation = 'ret.t') AS last_id
  FROM energyledger.event WHERE field_values[1] = 'ret.t';
SELECT energyledger.seal() > 0 AS sealed;
SELECT count(*) FROM energyledger.leaf l JOIN energyledger.event v ON v.event_id = l.ref AND v.kind = l.kind
 WHERE v.field_values[1] = 'ret.t';

SELECT name AS retired FROM remembered \gset
-- No way in.
SELECT refused(format('INSERT INTO %s VALUES (1001, ''late'')', name)),
       refused(format('INSERT INTO %s VALUES (1001, ''x'') ON CONFLICT (a) DO UPDATE SET b = ''x''', name)),
       refused(format('UPDATE %s SET b = ''x''', name)), refused(format('DROP TABLE %s', name)) FROM remembered;
SET session_replication_role = replica;
SELECT refused(format('INSERT INTO %s VALUES (1001, ''x'')', name)) FROM remembered;
RESET session_replication_role;
-- Read, by its indexes too; referenced; maintained; renamed once more.
SELECT count(*), max(a) FROM :retired;
SET enable_seqscan = off;
SELECT a FROM :retired WHERE b = 'row 77';
RESET enable_seqscan;
INSERT INTO child VALUES (1000);
INSERT INTO heap_child VALUES (2);
SELECT refused('INSERT INTO ret.child VALUES (1001)');
VACUUM FULL :retired;
CREATE INDEX ON :retired (a, b);
SELECT * FROM energyledger.verify(:'retired');
ALTER TABLE :retired RENAME TO kept;
INSERT INTO kept VALUES (1001, 'late');
COPY kept (a, b) FROM stdin;
1001	late
\.
-- Its name is free.
CREATE TABLE t (other text) USING ledger;
INSERT INTO t VALUES ('new');
SELECT schema_version, names FROM energyledger.table_schema WHERE relation = 'ret.t' ORDER BY 1;
SELECT shown(energyledger.retire('t', '')) AS again;
SELECT * FROM energyledger.verify();

-- In a transaction with rows; rolled back; in a savepoint.
CREATE TABLE u (a int) USING ledger;
BEGIN;
INSERT INTO u VALUES (1), (2);
SELECT shown(energyledger.retire('u', 'in one transaction'));
ROLLBACK;
INSERT INTO u VALUES (3);
BEGIN;
INSERT INTO u VALUES (4);
SAVEPOINT s;
SELECT shown(energyledger.retire('u', 'undone'));
ROLLBACK TO s;
INSERT INTO u VALUES (5);
SELECT shown(energyledger.retire('u', 'for good')) AS name;
COMMIT;
SELECT field_values[5] AS row_count, field_values[7] AS reason FROM energyledger.event WHERE field_values[1] = 'ret.u';
-- An empty one; a long name, cut between characters; a leaf.
CREATE TABLE nothing_in_it (a int) USING ledger;
SELECT shown(energyledger.retire('nothing_in_it', 'never used'));
SELECT field_values[5:6] FROM energyledger.event WHERE field_values[1] = 'ret.nothing_in_it';
CREATE TABLE äöüäöüäöüäöüäöüäöüäöüäöüäöüäöü (a int) USING ledger;
SELECT energyledger.retire('äöüäöüäöüäöüäöüäöüäöüäöüäöüäöü', 'long') AS long_name \gset
SELECT octet_length(relname) AS bytes, relname LIKE 'retired\_%\_äöü%' AS named FROM pg_class WHERE oid = :'long_name'::regclass;
CREATE TABLE p (k int, ledger_id bigint NOT NULL DEFAULT 0) PARTITION BY LIST (k);
CREATE TABLE p_1 PARTITION OF p FOR VALUES IN (1) USING ledger;
INSERT INTO p VALUES (1);
SELECT shown(energyledger.retire('p_1', 'closed month'));
SELECT refused('INSERT INTO ret.p VALUES (1)');
SELECT count(*) FROM p;

-- Not by just anybody, not anything.
CREATE ROLE regress_ledger_retirer;
GRANT USAGE, CREATE ON SCHEMA ret TO regress_ledger_retirer;
CREATE TABLE theirs (a int) USING ledger;
CREATE TABLE plain (a int);
SET ROLE regress_ledger_retirer;
SELECT refused('SELECT energyledger.retire(''ret.theirs'', ''x'')');
CREATE TABLE own (a int) USING ledger;
SELECT shown(energyledger.retire('own', 'by its owner'));
RESET ROLE;
SELECT s AS statement, refused(s) FROM unnest(ARRAY[
    'SELECT energyledger.retire(''ret.plain'', ''x'')',
    'SELECT energyledger.retire(''ret.p'', ''x'')',
    'SELECT energyledger.retire(''ret.kept'', ''x'')',
    'SELECT energyledger.retire(''energyledger.entry'', ''x'')',
    'SELECT energyledger.retire(''energyledger.message'', ''x'')',
    'SELECT energyledger.retire(''pg_class'', ''x'')']) s;
SET energyledger.restore_mode = on;
SELECT refused('SELECT energyledger.retire(''ret.theirs'', ''x'')');
RESET energyledger.restore_mode;
REASSIGN OWNED BY regress_ledger_retirer TO CURRENT_USER;
DROP OWNED BY regress_ledger_retirer;
DROP ROLE regress_ledger_retirer;
SELECT * FROM energyledger.verify();
