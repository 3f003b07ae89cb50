/*
 * ledger_refuse.sql: what would change or remove a row, or the log, is refused,
 * also for the owner and the superuser, whichever statement it is part of.
 */
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
CREATE SCHEMA ref;
SET search_path = ref;

CREATE FUNCTION refused(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN 'was not refused';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END $$;

CREATE TYPE mood AS ENUM ('calm', 'windy');
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN five AS int DEFAULT 5;
CREATE TABLE t (a int PRIMARY KEY, b text, m mood, ms mood[], p positive, g int GENERATED ALWAYS AS (a + 1) STORED) USING ledger;
CREATE TYPE free AS ENUM ('a', 'b');
CREATE SCHEMA only_types CREATE TABLE x (a int);
CREATE TYPE only_types.colour AS ENUM ('red');
CREATE DOMAIN only_types.colours AS only_types.colour[];
CREATE TABLE coloured (c only_types.colours) USING ledger;
CREATE TABLE child (a int REFERENCES t) USING ledger;
CREATE TABLE heap_child (a int REFERENCES t);
CREATE TABLE parent (k int, v text, ledger_id bigint NOT NULL DEFAULT 0) PARTITION BY LIST (k);
CREATE TABLE leaf PARTITION OF parent FOR VALUES IN (1) USING ledger;
CREATE TABLE leaf_2 PARTITION OF parent FOR VALUES IN (2) USING ledger;
INSERT INTO t VALUES (1, 'one', 'calm', '{windy}', 1), (2, 'two', 'windy', '{}', 2);
INSERT INTO child VALUES (1);
INSERT INTO parent VALUES (1, 'p');

-- The whole error.
UPDATE t SET b = 'changed';
\echo :SQLSTATE
DELETE FROM t WHERE a = 1;
\echo :SQLSTATE
TRUNCATE t CASCADE;
\echo :SQLSTATE
DROP TABLE t CASCADE;
\echo :SQLSTATE

-- Rows.
SELECT s AS statement, refused(s) FROM unnest(ARRAY[
    'UPDATE ref.t SET a = a',
    'UPDATE ref.t SET ledger_id = 1',
    'UPDATE ref.parent SET v = ''x''',
    'UPDATE ref.parent SET k = 2',
    'UPDATE ref.leaf SET v = ''x''',
    'DELETE FROM ref.t',
    'DELETE FROM ref.parent',
    'WITH gone AS (DELETE FROM ref.t RETURNING *) SELECT * FROM gone',
    'UPDATE ref.t SET b = c.a FROM ref.child c WHERE c.a = t.a',
    'DELETE FROM ref.t USING ref.child c WHERE c.a = t.a',
    'TRUNCATE ref.child',
    'TRUNCATE ref.t',
    'TRUNCATE ref.parent',
    'TRUNCATE ref.leaf RESTART IDENTITY',
    'TRUNCATE ref.heap_child, ref.child']) s;
-- Refused before any row is looked for.
UPDATE t SET b = 'changed' WHERE a = 99;
DELETE FROM t WHERE a = 99;

-- In the transaction, and the savepoint, that made the table or the row.
BEGIN;
CREATE TABLE young (a int) USING ledger;
INSERT INTO young VALUES (1);
SAVEPOINT s;
UPDATE young SET a = 2;
ROLLBACK TO s;
DELETE FROM young;
ROLLBACK TO s;
TRUNCATE young;
ROLLBACK TO s;
DROP TABLE young;
ROLLBACK TO s;
CREATE TABLE younger (a int) USING ledger;
INSERT INTO younger VALUES (1);
TRUNCATE younger;
ROLLBACK TO s;
CREATE TABLE younger (a int) USING ledger;
INSERT INTO younger VALUES (1);
COMMIT;
SELECT (SELECT count(*) FROM young), (SELECT count(*) FROM younger);

-- Tables.
CREATE ROLE regress_ledger_owner;
CREATE SCHEMA owned;
CREATE TABLE owned.x (a int) USING ledger;
GRANT ALL ON SCHEMA owned TO regress_ledger_owner;
ALTER TABLE owned.x OWNER TO regress_ledger_owner;
SELECT s AS statement, regexp_replace(refused(s), 'ledger table "\w+"', 'ledger table') AS refused FROM unnest(ARRAY[
    'DROP TABLE ref.child',
    'DROP TABLE ref.heap_child, ref.child',
    'DROP TABLE ref.parent',
    'DROP TABLE ref.leaf',
    'DROP SCHEMA ref CASCADE',
    'DROP OWNED BY regress_ledger_owner',
    'DROP OWNED BY regress_ledger_owner CASCADE',
    'DROP TYPE ref.mood CASCADE',
    'DROP DOMAIN ref.positive CASCADE',
    'DROP EXTENSION pg_energyledger',
    'DROP EXTENSION pg_energyledger CASCADE',
    'DROP ACCESS METHOD ledger CASCADE',
    'DROP SCHEMA energyledger CASCADE']) s;

-- Columns.
SELECT s AS statement, refused(s) FROM unnest(ARRAY[
    'ALTER TABLE ref.t DROP COLUMN b',
    'ALTER TABLE ref.t DROP COLUMN ledger_id',
    'ALTER TABLE ref.t DROP COLUMN g CASCADE',
    'ALTER TABLE ref.parent DROP COLUMN v',
    'ALTER TABLE ref.t RENAME ledger_id TO c',
    'ALTER TABLE ref.parent RENAME ledger_id TO c',
    'ALTER TABLE ref.t ALTER COLUMN b TYPE varchar',
    'ALTER TABLE ref.t ALTER COLUMN a TYPE bigint',
    'ALTER TABLE ref.t ALTER COLUMN b TYPE text',
    'ALTER TABLE ref.parent ALTER COLUMN v TYPE varchar(3)',
    'ALTER TABLE ref.t ADD COLUMN c int DEFAULT 1',
    'ALTER TABLE ref.t ADD COLUMN c timestamptz DEFAULT now()',
    'ALTER TABLE ref.t ADD COLUMN c ref.five',
    'ALTER TABLE ref.t ADD COLUMN c serial',
    'ALTER TABLE ref.t ADD COLUMN c int GENERATED ALWAYS AS (a) STORED',
    'ALTER TABLE ref.t ADD COLUMN c int GENERATED ALWAYS AS IDENTITY',
    'ALTER TABLE ref.t ADD COLUMN c point',
    'ALTER TABLE ref.parent ADD COLUMN c int DEFAULT 1',
    'ALTER TABLE ref.t ALTER COLUMN ledger_id SET DEFAULT 1',
    'ALTER TABLE ref.t ALTER COLUMN ledger_id DROP DEFAULT',
    'ALTER TABLE ref.t ALTER COLUMN ledger_id DROP NOT NULL',
    'ALTER TABLE ref.t ALTER COLUMN ledger_id ADD GENERATED ALWAYS AS IDENTITY']) s;

-- Names, storage, access method.
CREATE TABLE full_heap (a int, ledger_id bigint);
INSERT INTO full_heap VALUES (1, 1);
CREATE TABLE bare_heap (a int);
SELECT s AS statement, regexp_replace(refused(s), 'ledger table "\w+"', 'ledger table') AS refused FROM unnest(ARRAY[
    'ALTER TABLE ref.t RENAME TO "t.u"',
    'ALTER SCHEMA ref RENAME TO fer',
    'ALTER SCHEMA energyledger RENAME TO x',
    'ALTER EXTENSION pg_energyledger SET SCHEMA public',
    'ALTER TABLE ref.t SET UNLOGGED',
    'ALTER TABLE ref.t SET ACCESS METHOD heap',
    'ALTER TABLE ref.t SET ACCESS METHOD heap, SET WITHOUT CLUSTER',
    'ALTER TABLE ref.full_heap SET ACCESS METHOD ledger',
    'ALTER TABLE ref.bare_heap SET ACCESS METHOD ledger']) s;

-- Types whose names and labels are hashed.
SELECT s AS statement, refused(s) FROM unnest(ARRAY[
    'ALTER TYPE ref.mood RENAME VALUE ''calm'' TO ''still''',
    'ALTER TYPE ref.mood RENAME TO temper',
    'ALTER TYPE ref.mood SET SCHEMA public',
    'ALTER DOMAIN ref.positive RENAME TO plus',
    'ALTER DOMAIN ref.positive SET SCHEMA public',
    'ALTER SCHEMA only_types RENAME TO x']) s;
-- Those that no ledger table has may change, and values may be added.
ALTER TYPE mood ADD VALUE 'stormy';
ALTER DOMAIN positive ADD CONSTRAINT small CHECK (VALUE < 1000);
ALTER TYPE free RENAME VALUE 'a' TO 'c';
ALTER TYPE free RENAME TO freed;

-- The log.
SELECT name, refused(format('INSERT INTO energyledger.%I SELECT * FROM energyledger.%1$I LIMIT 1', name)) AS insert,
       refused(format('DELETE FROM energyledger.%I', name)) AS delete
  FROM unnest(ARRAY['site', 'table_schema', 'entry']) name;
SELECT name, left(refused(format('TRUNCATE energyledger.%I', name)), 5) AS truncate,
       left(refused(format('DROP TABLE energyledger.%I CASCADE', name)), 5) AS drop,
       left(refused(format('ALTER TABLE energyledger.%I DROP COLUMN site_id CASCADE', name)), 5) AS drop_column,
       left(refused(format('ALTER TABLE energyledger.%I RENAME TO x', name)), 5) AS rename,
       left(refused(format('ALTER TABLE energyledger.%I SET ACCESS METHOD heap', name)), 5) AS am,
       left(refused(format('ALTER TABLE energyledger.%I SET SCHEMA public', name)), 5) AS schema
  FROM unnest(ARRAY['site', 'table_schema', 'entry', 'event', 'leaf_run', 'subtree', 'block']) name;
COPY energyledger.leaf_run FROM stdin;
1	0	\\x01	{1}	\\x00
\.
INSERT INTO energyledger.leaf_run VALUES (1, -1, '\x01', '{1}', '\x00') ON CONFLICT DO NOTHING;
\echo :SQLSTATE

-- Restore mode brings rows; it takes none away.
SET energyledger.restore_mode = on;
SELECT s AS statement, refused(s) FROM unnest(ARRAY[
    'TRUNCATE ref.child',
    'TRUNCATE ref.child CASCADE',
    'UPDATE ref.t SET b = ''x''',
    'DELETE FROM energyledger.entry',
    'TRUNCATE energyledger.entry',
    'DROP TABLE ref.child']) s;
RESET energyledger.restore_mode;
-- Nobody but a superuser enters it.
SET ROLE regress_ledger_owner;
SET energyledger.restore_mode = on;
\echo :SQLSTATE
RESET ROLE;

REASSIGN OWNED BY regress_ledger_owner TO CURRENT_USER;
DROP OWNED BY regress_ledger_owner;
DROP ROLE regress_ledger_owner;

-- After all that: still there, still whole, still writable.
INSERT INTO t VALUES (3, 'three', 'calm', NULL, 3);
INSERT INTO parent VALUES (2, 'q');
SELECT a, b, m FROM t ORDER BY ledger_id;
SELECT * FROM energyledger.verify();
