/*
 * ledger_savepoint.sql: subtransactions: an entry has exactly the rows that are
 * there, whatever was rolled back, released or caught, and however deep.
 */
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
CREATE SCHEMA sp;
SET search_path = sp;

CREATE FUNCTION entries(name text) RETURNS integer[] LANGUAGE sql AS $$
    SELECT array_agg(row_count ORDER BY first_id) FROM energyledger.entry WHERE relation = 'sp.' || name
$$;

-- Rolled back, released, rolled back to twice, nested.
CREATE TABLE t (a int) USING ledger;
BEGIN;
INSERT INTO t VALUES (1);
SAVEPOINT one;
INSERT INTO t VALUES (-1);
ROLLBACK TO one;
INSERT INTO t VALUES (2);
SAVEPOINT two;
INSERT INTO t VALUES (3);
SAVEPOINT three;
INSERT INTO t VALUES (-2);
ROLLBACK TO three;
INSERT INTO t VALUES (4);
RELEASE two;
INSERT INTO t VALUES (5);
SAVEPOINT four;
SAVEPOINT five;
INSERT INTO t VALUES (-3);
RELEASE five;
ROLLBACK TO four;
COMMIT;
SELECT a FROM t ORDER BY ledger_id;
SELECT entries('t');
SELECT * FROM energyledger.verify('t');

-- All of it rolled back: no entry.
BEGIN;
SAVEPOINT s;
INSERT INTO t VALUES (-4);
ROLLBACK TO s;
COMMIT;
BEGIN;
INSERT INTO t VALUES (-5);
ROLLBACK;
SELECT entries('t');

-- Only inside savepoints, the outer level writes nothing itself.
BEGIN;
SAVEPOINT a;
SAVEPOINT b;
SAVEPOINT c;
INSERT INTO t VALUES (6);
RELEASE a;
COMMIT;
SELECT entries('t');

-- An error inside a savepoint.
BEGIN;
INSERT INTO t VALUES (7);
SAVEPOINT s;
INSERT INTO t SELECT 100 / (5 - g) FROM generate_series(1, 10) g;
ROLLBACK TO s;
INSERT INTO t VALUES (8);
COMMIT;
SELECT a FROM t ORDER BY ledger_id;

-- Entries written and undone inside a savepoint: more than 512 rows at once.
CREATE TABLE many (a int) USING ledger;
BEGIN;
INSERT INTO many SELECT g FROM generate_series(1, 1000) g;
SAVEPOINT s;
INSERT INTO many SELECT -g FROM generate_series(1, 3000) g;
ROLLBACK TO s;
INSERT INTO many SELECT g FROM generate_series(1001, 1500) g;
SAVEPOINT s2;
INSERT INTO many SELECT g FROM generate_series(1501, 3000) g;
RELEASE s2;
COMMIT;
SELECT count(*), min(a), max(a) FROM many;
SELECT sum(row_count) AS rows, max(row_count) <= 512 AS short FROM energyledger.entry WHERE relation = 'sp.many';
SELECT * FROM energyledger.verify('many');

-- Exception blocks in a loop: every third row is undone.
CREATE TABLE looped (a int PRIMARY KEY) USING ledger;
CREATE TABLE failures (a int) USING ledger;
DO $$
BEGIN
    FOR i IN 1..300 LOOP
        BEGIN
            INSERT INTO sp.looped VALUES (i);
            IF i % 3 = 0 THEN
                INSERT INTO sp.looped VALUES (i - 1);
            END IF;
        EXCEPTION WHEN unique_violation THEN
            INSERT INTO sp.failures VALUES (i);
        END;
    END LOOP;
END $$;
SELECT (SELECT count(*) FROM looped), (SELECT count(*) FROM failures);
SELECT sum(row_count) FILTER (WHERE relation = 'sp.looped') AS looped, sum(row_count) FILTER (WHERE relation = 'sp.failures') AS failures
  FROM energyledger.entry WHERE relation IN ('sp.looped', 'sp.failures');
SELECT * FROM energyledger.verify('looped');

-- Procedures that commit and roll back in the middle.
CREATE TABLE proc (a int) USING ledger;
CREATE PROCEDURE work() LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1..9 LOOP
        INSERT INTO sp.proc VALUES (i);
        IF i % 3 = 0 THEN ROLLBACK; ELSIF i % 3 = 2 THEN COMMIT; END IF;
    END LOOP;
END $$;
CALL work();
SELECT array_agg(a ORDER BY ledger_id) FROM proc;
SELECT entries('proc');

-- Columns added in a savepoint: registered there, and gone with it.
CREATE TABLE grown (a int) USING ledger;
BEGIN;
INSERT INTO grown VALUES (1);
SAVEPOINT s;
ALTER TABLE grown ADD COLUMN b text;
INSERT INTO grown (a, b) VALUES (-1, 'undone');
ROLLBACK TO s;
INSERT INTO grown VALUES (2);
SAVEPOINT s;
ALTER TABLE grown ADD COLUMN c int;
INSERT INTO grown (a, c) VALUES (3, 3);
RELEASE s;
INSERT INTO grown (a, c) VALUES (4, 4);
COMMIT;
SELECT a, c FROM grown ORDER BY ledger_id;
SELECT schema_version, ordinals, names FROM energyledger.table_schema WHERE relation = 'sp.grown' ORDER BY 1;
SELECT row_count, schema_version FROM energyledger.entry WHERE relation = 'sp.grown' ORDER BY first_id;

-- A table, made by another way than CREATE TABLE, is registered by its first
-- write: in a savepoint that is rolled back, then again.
CREATE TABLE adopted (a int, ledger_id bigint NOT NULL DEFAULT 0);
UPDATE pg_class SET relam = (SELECT oid FROM pg_am WHERE amname = 'ledger') WHERE oid = 'adopted'::regclass;
BEGIN;
SAVEPOINT s;
INSERT INTO adopted VALUES (-1);
ROLLBACK TO s;
INSERT INTO adopted VALUES (1);
SAVEPOINT s;
INSERT INTO adopted VALUES (2);
COMMIT;
SELECT schema_version, names FROM energyledger.table_schema WHERE relation = 'sp.adopted';
SELECT entries('adopted');
SELECT a FROM adopted;

-- Several tables over several levels, interleaved.
CREATE TABLE p (a int) USING ledger;
CREATE TABLE q (a int) USING ledger;
BEGIN;
INSERT INTO p VALUES (1);
SAVEPOINT s1;
INSERT INTO q VALUES (1);
SAVEPOINT s2;
INSERT INTO p VALUES (2);
INSERT INTO q VALUES (-1);
ROLLBACK TO s2;
INSERT INTO p VALUES (3);
RELEASE s1;
INSERT INTO q VALUES (2);
COMMIT;
SELECT array_agg(a ORDER BY ledger_id) FROM p;
SELECT array_agg(a ORDER BY ledger_id) FROM q;

-- Fifty levels.
CREATE TABLE deep (a int) USING ledger;
CREATE FUNCTION dive(level int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO sp.deep VALUES (level);
    IF level < 50 THEN
        PERFORM sp.dive(level + 1);
    END IF;
    IF level % 10 = 0 THEN
        RAISE EXCEPTION 'up';
    END IF;
EXCEPTION WHEN raise_exception THEN
    INSERT INTO sp.deep VALUES (-level);
END $$;
SELECT dive(1);
SELECT array_agg(a ORDER BY ledger_id) FROM deep;

SELECT * FROM energyledger.verify();
