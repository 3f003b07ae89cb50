/*
 * ledger_refuse_own.sql: what the guard itself stands on: the log's tables, the
 * extension's functions and access methods, rules and triggers.
 */
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
CREATE SCHEMA own;
SET search_path = own;

CREATE FUNCTION refused(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE why text;
BEGIN
    EXECUTE statement;
    RETURN 'was not refused';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS why = PG_EXCEPTION_DETAIL;
    RETURN SQLSTATE || ' ' || regexp_replace(SQLERRM, ' DETAIL.*', '') || ' / ' || regexp_replace(why, E'\n.*', '');
END $$;
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';

CREATE TABLE t (a int, b text) USING ledger;
CREATE TABLE empty_one (a int) USING ledger;
CREATE TABLE elsewhere (a int, b text);
INSERT INTO t VALUES (1, 'one');

-- The log's tables: nothing is added to them, taken from them or renamed.
SELECT s AS statement, refused(s) FROM unnest(ARRAY[
    'CREATE INDEX ON energyledger.entry ((row_count % 2))',
    'CREATE INDEX ON energyledger.entry (xid) WHERE row_count > 1',
    'CREATE UNIQUE INDEX ON energyledger.block (note)',
    'ALTER TABLE energyledger.entry ADD CHECK (row_count < 0) NOT VALID',
    'ALTER TABLE energyledger.entry ADD COLUMN x int',
    'ALTER TABLE energyledger.entry ADD UNIQUE (xid)',
    'ALTER TABLE energyledger.entry ADD EXCLUDE USING btree (xid WITH =)',
    'ALTER TABLE energyledger.entry DROP CONSTRAINT entry_pkey',
    'ALTER TABLE energyledger.entry ALTER COLUMN role DROP NOT NULL',
    'ALTER TABLE energyledger.entry ALTER COLUMN role SET DEFAULT ''x''',
    'ALTER TABLE energyledger.entry ALTER COLUMN role TYPE varchar',
    'ALTER TABLE energyledger.entry DROP COLUMN role',
    'ALTER TABLE energyledger.entry ENABLE ROW LEVEL SECURITY',
    'ALTER TABLE energyledger.entry FORCE ROW LEVEL SECURITY',
    'ALTER TABLE energyledger.entry DISABLE TRIGGER ALL',
    'ALTER TABLE energyledger.entry DISABLE RULE x',
    'ALTER TABLE energyledger.entry SET UNLOGGED',
    'ALTER TABLE energyledger.entry SET ACCESS METHOD heap',
    'ALTER TABLE energyledger.entry INHERIT own.t',
    'ALTER TABLE energyledger.entry RENAME CONSTRAINT entry_pkey TO x',
    'ALTER INDEX energyledger.entry_pkey RENAME TO x',
    'ALTER TABLE energyledger.entry_pkey RENAME TO x',
    'DROP INDEX energyledger.entry_pkey',
    'CREATE TRIGGER x BEFORE INSERT ON energyledger.entry FOR EACH ROW EXECUTE FUNCTION own.nothing()',
    'CREATE RULE x AS ON INSERT TO energyledger.entry DO ALSO NOTHING',
    'CREATE TABLE own.below () INHERITS (energyledger.entry)',
    'CREATE TABLE own.log (a int) USING ledger_log',
    'INSERT INTO energyledger.table_schema SELECT * FROM energyledger.table_schema',
    'INSERT INTO energyledger.subtree VALUES (1, 1, 0, ''\x00'')',
    'INSERT INTO energyledger.leaf VALUES (1, 1, 1, 1, ''\x00'')',
    'COPY energyledger.subtree FROM PROGRAM ''printf "1\t1\t0\t"''',
    'WITH x AS (DELETE FROM energyledger.entry RETURNING *) INSERT INTO energyledger.entry SELECT * FROM x',
    'MERGE INTO energyledger.subtree USING own.t ON false WHEN NOT MATCHED THEN INSERT VALUES (1, 1, 0, ''\x00'')']) s;
-- Its other tables keep what they promise.
SELECT s AS statement, refused(s) FROM unnest(ARRAY[
    'DROP INDEX energyledger.message_key',
    'DROP INDEX energyledger.quarantine_key CASCADE',
    'CREATE UNIQUE INDEX ON energyledger.message (digest)',
    'ALTER TABLE energyledger.message ADD UNIQUE (digest)',
    'ALTER TABLE energyledger.message ADD CHECK (seq < 1000) NOT VALID',
    'ALTER TABLE energyledger.quarantine ALTER COLUMN topic SET NOT NULL',
    'ALTER TABLE energyledger.quarantine ADD COLUMN x int NOT NULL',
    'ALTER TABLE energyledger.quarantine ADD COLUMN x int CHECK (x > 0)',
    'ALTER TABLE energyledger.quarantine ADD COLUMN x int UNIQUE',
    'ALTER TABLE energyledger.message ALTER COLUMN raw DROP NOT NULL',
    'ALTER TABLE energyledger.message DISABLE TRIGGER ALL',
    'ALTER TABLE energyledger.message DISABLE TRIGGER USER']) s;
-- Where nothing is evaluated and nothing is lost, they are tables like others.
ALTER TABLE energyledger.entry SET (fillfactor = 95, autovacuum_enabled = off);
ALTER TABLE energyledger.entry RESET (fillfactor, autovacuum_enabled);
ALTER TABLE energyledger.entry ALTER COLUMN row_count SET STATISTICS 50;
ALTER TABLE energyledger.entry CLUSTER ON entry_pkey;
CLUSTER energyledger.entry;
ALTER TABLE energyledger.entry SET WITHOUT CLUSTER;
REINDEX TABLE CONCURRENTLY energyledger.entry;
REINDEX INDEX CONCURRENTLY energyledger.message_key;
CREATE INDEX mine ON energyledger.message (seq);
DROP INDEX energyledger.mine;
VACUUM FULL energyledger.block;
ANALYZE energyledger.entry;
CREATE TABLE refers (event bigint REFERENCES energyledger.event);
SET client_min_messages = error;	-- whatever wal_level is
CREATE PUBLICATION own_log FOR TABLE energyledger.entry;
SET client_min_messages = warning;
DROP PUBLICATION own_log;
DROP TABLE refers;

-- Functions, access methods, the sequence, the extension.
SELECT s AS statement, refused(s) FROM unnest(ARRAY[
    'CREATE OR REPLACE FUNCTION energyledger.ledger_handler(internal) RETURNS table_am_handler LANGUAGE internal AS ''heap_tableam_handler''',
    'CREATE OR REPLACE FUNCTION energyledger.ledger_log_handler(internal) RETURNS table_am_handler LANGUAGE internal AS ''heap_tableam_handler''',
    'CREATE OR REPLACE FUNCTION energyledger.checkpoint() RETURNS text LANGUAGE sql AS ''SELECT ''''none''''''',
    'CREATE OR REPLACE FUNCTION energyledger.seal() RETURNS bigint LANGUAGE sql AS ''SELECT 1::bigint''',
    'ALTER FUNCTION energyledger.ledger_handler(internal) RENAME TO x',
    'ALTER FUNCTION energyledger.ledger_handler(internal) SET SCHEMA own',
    'ALTER FUNCTION energyledger.verify SET search_path = own',
    'ALTER FUNCTION energyledger.verify RESET ALL',
    'ALTER FUNCTION energyledger.seal() SECURITY DEFINER',
    'DROP FUNCTION energyledger.ledger_handler(internal) CASCADE',
    'DROP ACCESS METHOD ledger CASCADE',
    'DROP ACCESS METHOD ledger_log CASCADE',
    'CREATE ACCESS METHOD other TYPE TABLE HANDLER energyledger.ledger_handler',
    'ALTER SEQUENCE energyledger.ledger_id_seq RESTART WITH 1048576',
    'ALTER SEQUENCE energyledger.ledger_id_seq INCREMENT 1',
    'ALTER SEQUENCE energyledger.ledger_id_seq RENAME TO x',
    'ALTER SEQUENCE energyledger.ledger_id_seq SET SCHEMA own',
    'DROP SEQUENCE energyledger.ledger_id_seq',
    'ALTER EXTENSION pg_energyledger DROP ACCESS METHOD ledger',
    'ALTER EXTENSION pg_energyledger DROP FUNCTION energyledger.ledger_handler(internal)',
    'ALTER EXTENSION pg_energyledger DROP TABLE energyledger.entry']) s;
-- Owners and rights may change.
CREATE ROLE regress_ledger_own;
ALTER FUNCTION energyledger.seal() OWNER TO regress_ledger_own;
GRANT EXECUTE ON FUNCTION energyledger.seal() TO regress_ledger_own;
REVOKE EXECUTE ON FUNCTION energyledger.seal() FROM regress_ledger_own;
ALTER FUNCTION energyledger.seal() OWNER TO CURRENT_USER;
GRANT SELECT ON energyledger.entry TO regress_ledger_own;
REVOKE SELECT ON energyledger.entry FROM regress_ledger_own;
DROP ROLE regress_ledger_own;

-- Rules and triggers of ledger tables.
SELECT s AS statement, refused(s) FROM unnest(ARRAY[
    'CREATE RULE x AS ON INSERT TO own.t DO INSTEAD NOTHING',
    'CREATE RULE x AS ON INSERT TO own.t WHERE a > 1 DO INSTEAD INSERT INTO own.elsewhere VALUES (NEW.a, NEW.b)',
    'CREATE RULE x AS ON INSERT TO energyledger.message DO ALSO NOTHING',
    'CREATE TRIGGER x BEFORE INSERT ON energyledger.message FOR EACH ROW EXECUTE FUNCTION own.nothing()',
    'CREATE TRIGGER x BEFORE INSERT ON energyledger.message EXECUTE FUNCTION own.nothing()']) s;
DROP INDEX IF EXISTS empty_one_ledger_id_idx;
VACUUM empty_one;
-- from 16 on PostgreSQL refuses it for every table, in its own words
DO $$ BEGIN
    CREATE RULE "_RETURN" AS ON SELECT TO empty_one DO INSTEAD SELECT 1 AS a, 2::bigint AS ledger_id;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'refused';
END $$;
-- These only add, or stand in for what is refused anyway.
CREATE RULE also AS ON INSERT TO t DO ALSO INSERT INTO elsewhere VALUES (NEW.a, NEW.b);
CREATE RULE corrects AS ON UPDATE TO t DO INSTEAD INSERT INTO t VALUES (NEW.a, NEW.b);
CREATE RULE ignores AS ON DELETE TO t DO INSTEAD NOTHING;
INSERT INTO t VALUES (2, 'two');
UPDATE t SET b = 'corrected' WHERE a = 1;
DELETE FROM t;
SELECT a, b FROM t ORDER BY ledger_id;
SELECT count(*) FROM elsewhere;
CREATE OR REPLACE RULE also AS ON INSERT TO t DO INSTEAD NOTHING;
ALTER TABLE t DISABLE RULE ignores;
SELECT refused('DELETE FROM own.t');
ALTER TABLE t ENABLE RULE ignores;
DROP RULE also ON t;
CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF NEW.a < 0 THEN RETURN NULL; END IF; NEW.b := upper(NEW.b); RETURN NEW; END';
CREATE TRIGGER shout BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION shout();
CREATE TRIGGER after_it AFTER INSERT ON energyledger.message FOR EACH ROW EXECUTE FUNCTION nothing();
DROP TRIGGER after_it ON energyledger.message;
INSERT INTO t VALUES (3, 'three'), (-1, 'passed over');
ALTER TABLE t DISABLE TRIGGER shout;
INSERT INTO t VALUES (4, 'four');
SELECT a, b FROM t WHERE a > 2 OR a < 0 ORDER BY ledger_id;

SELECT energyledger.seal() > 0 AS sealed;
SELECT * FROM energyledger.verify();
