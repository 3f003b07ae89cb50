/*
 * ledger_refuse_rows.sql: every statement that would change or remove rows, by
 * every way that SQL has to run it, as owner and as superuser: the same refusal,
 * and the rows as they were.
 */
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
CREATE ROLE regress_ledger_rows;
CREATE SCHEMA rows AUTHORIZATION regress_ledger_rows;
SET search_path = rows;
SET ROLE regress_ledger_rows;

CREATE TABLE t (a int PRIMARY KEY, b text) USING ledger;
CREATE TABLE parent (k int, v text, ledger_id bigint NOT NULL DEFAULT 0) PARTITION BY LIST (k);
CREATE TABLE leaf_1 PARTITION OF parent FOR VALUES IN (1) USING ledger;
CREATE TABLE leaf_2 PARTITION OF parent FOR VALUES IN (2) USING ledger;
CREATE TABLE root (a int);
CREATE TABLE heir (b text, ledger_id bigint NOT NULL DEFAULT 0) INHERITS (root) USING ledger;
CREATE TABLE wish (a int, b text);
CREATE TABLE child (a int REFERENCES t ON DELETE CASCADE ON UPDATE CASCADE, b text) USING ledger;
CREATE TABLE referenced (a int PRIMARY KEY);
CREATE TABLE child_of_heap (a int REFERENCES referenced ON DELETE CASCADE ON UPDATE CASCADE, b text) USING ledger;
CREATE TABLE child_to_null (a int REFERENCES referenced ON DELETE SET NULL, b text) USING ledger;
CREATE VIEW seen AS SELECT a, b FROM t;
CREATE VIEW seen_by_trigger AS SELECT a, b FROM t;
CREATE TABLE request (a int);
INSERT INTO t VALUES (1, 'one'), (2, 'two');
INSERT INTO parent VALUES (1, 'one'), (2, 'two');
INSERT INTO heir VALUES (1, 'one');
INSERT INTO wish VALUES (1, 'changed'), (3, 'three');
INSERT INTO child VALUES (1, 'one');
INSERT INTO referenced VALUES (1), (2), (3);
INSERT INTO child_of_heap VALUES (1, 'one');
INSERT INTO child_to_null VALUES (2, 'two');
CREATE TABLE as_it_was AS SELECT a, b, ledger_id FROM t;

-- Functions of every language that PostgreSQL itself brings.
CREATE FUNCTION by_sql() RETURNS void LANGUAGE sql AS 'UPDATE rows.t SET b = ''by sql''';
CREATE FUNCTION by_sql_body() RETURNS void BEGIN ATOMIC DELETE FROM t; END;
CREATE FUNCTION by_plpgsql() RETURNS void LANGUAGE plpgsql AS 'BEGIN DELETE FROM rows.t WHERE a = 1; END';
CREATE FUNCTION by_execute(s text) RETURNS void LANGUAGE plpgsql AS 'BEGIN EXECUTE s; END';
CREATE FUNCTION by_definer() RETURNS void LANGUAGE sql SECURITY DEFINER AS 'DELETE FROM rows.t';
CREATE FUNCTION by_cursor() RETURNS void LANGUAGE plpgsql AS $$
DECLARE c CURSOR FOR SELECT * FROM rows.t FOR UPDATE;
BEGIN
    FOR r IN c LOOP
        UPDATE rows.t SET b = 'by cursor' WHERE CURRENT OF c;
    END LOOP;
END $$;
CREATE PROCEDURE by_procedure() LANGUAGE plpgsql AS 'BEGIN COMMIT; DELETE FROM rows.t; END';
CREATE FUNCTION on_request() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN DELETE FROM rows.t WHERE a = NEW.a; RETURN NEW; END';
CREATE TRIGGER on_request BEFORE INSERT ON request FOR EACH ROW EXECUTE FUNCTION on_request();
CREATE FUNCTION on_view() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN UPDATE rows.t SET b = NEW.b WHERE a = OLD.a; RETURN NEW; END';
CREATE TRIGGER on_view INSTEAD OF UPDATE ON seen_by_trigger FOR EACH ROW EXECUTE FUNCTION on_view();
CREATE RULE on_wish AS ON DELETE TO wish DO INSTEAD DELETE FROM t WHERE a = OLD.a;

-- The statements.  Those of one line are tried one by one, each by many ways.
CREATE TABLE statement (n serial, s text);
INSERT INTO statement (s) VALUES
    ('UPDATE rows.t SET b = ''x'''),
    ('UPDATE rows.t SET b = ''x'' WHERE a = 99'),
    ('UPDATE rows.t SET b = b WHERE false'),
    ('UPDATE ONLY rows.t SET b = w.b FROM rows.wish w WHERE w.a = t.a'),
    ('UPDATE rows.t SET (a, b) = (SELECT 9, ''x'') RETURNING a'),
    ('UPDATE rows.t SET ledger_id = ledger_id'),
    ('UPDATE rows.parent SET v = ''x'''),
    ('UPDATE rows.parent SET v = ''x'' WHERE k = 2'),
    ('UPDATE rows.parent SET v = ''x'' WHERE k = 99'),
    ('UPDATE rows.parent SET k = 2 WHERE k = 1'),
    ('UPDATE rows.leaf_1 SET v = ''x'''),
    ('UPDATE rows.root SET a = 2'),
    ('UPDATE rows.seen SET b = ''x'''),
    ('UPDATE rows.seen_by_trigger SET b = ''x'''),
    ('DELETE FROM rows.t'),
    ('DELETE FROM rows.t WHERE a = 99'),
    ('DELETE FROM rows.t USING rows.wish w WHERE w.a = t.a RETURNING *'),
    ('DELETE FROM rows.parent'),
    ('DELETE FROM rows.parent WHERE k = 99'),
    ('DELETE FROM rows.root'),
    ('DELETE FROM rows.seen'),
    ('DELETE FROM rows.wish'),
    ('DELETE FROM rows.referenced WHERE a = 1'),
    ('DELETE FROM rows.referenced WHERE a = 2'),
    ('UPDATE rows.referenced SET a = 9 WHERE a = 1'),
    ('WITH x AS (DELETE FROM rows.t RETURNING *) SELECT count(*) FROM x'),
    ('WITH x AS (UPDATE rows.t SET b = ''x'' RETURNING *) INSERT INTO rows.wish SELECT a, b FROM x'),
    ('WITH x AS (DELETE FROM rows.t WHERE false RETURNING *) SELECT 1'),
    ('MERGE INTO rows.t USING rows.wish w ON w.a = t.a WHEN MATCHED THEN UPDATE SET b = w.b'),
    ('MERGE INTO rows.t USING rows.wish w ON w.a = t.a WHEN MATCHED THEN DELETE'),
    ('MERGE INTO rows.t USING rows.wish w ON w.a = t.a WHEN MATCHED AND false THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (w.a, w.b)'),
    ('MERGE INTO rows.parent USING rows.wish w ON w.a = k WHEN MATCHED THEN UPDATE SET v = w.b'),
    ('INSERT INTO rows.t VALUES (1, ''x'') ON CONFLICT (a) DO UPDATE SET b = ''x'''),
    ('INSERT INTO rows.t SELECT a, b FROM rows.wish ON CONFLICT (a) DO UPDATE SET b = excluded.b'),
    ('INSERT INTO rows.seen VALUES (1, ''x'') ON CONFLICT (a) DO UPDATE SET b = ''x'''),
    ('INSERT INTO rows.request VALUES (1)'),
    ('EXPLAIN ANALYZE DELETE FROM rows.t'),
    ('COPY (DELETE FROM rows.t RETURNING *) TO ''/dev/null'''),
    ('SELECT rows.by_sql()'),
    ('SELECT rows.by_sql_body()'),
    ('SELECT rows.by_plpgsql()'),
    ('SELECT rows.by_cursor()'),
    ('SELECT rows.by_execute(''DELETE FROM rows.t'')'),
    ('SELECT rows.by_definer()'),
    ('CREATE TABLE rows.made AS SELECT rows.by_sql()::text'),
    ('TRUNCATE rows.t CASCADE'),
    ('TRUNCATE rows.child'),
    ('TRUNCATE rows.wish, rows.leaf_1'),
    ('TRUNCATE rows.parent RESTART IDENTITY'),
    ('TRUNCATE rows.root'),
    ('TRUNCATE rows.referenced CASCADE');

-- The ways: each runs one statement.
CREATE FUNCTION way_plain(s text) RETURNS void LANGUAGE plpgsql AS 'BEGIN EXECUTE s; END';
CREATE FUNCTION way_do(s text) RETURNS void LANGUAGE plpgsql AS
    $$ BEGIN EXECUTE format('DO $d$ BEGIN EXECUTE %L; END $d$', s); END $$;
CREATE FUNCTION way_prepared(s text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE 'PREPARE way AS ' || s;
    EXECUTE 'EXECUTE way';
END $$;
CREATE FUNCTION tried(s text, way text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    detail text;
BEGIN
    IF way = 'way_prepared' AND s !~ '^(UPDATE|DELETE|INSERT|WITH|SELECT|MERGE)' THEN
        RETURN NULL;
    END IF;
    EXECUTE format('SELECT rows.%I(%L)', way, s);
    IF way = 'way_prepared' THEN DEALLOCATE way; END IF;
    RAISE EXCEPTION 'was not refused' USING ERRCODE = 'P0001';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    IF way = 'way_prepared' AND EXISTS (SELECT FROM pg_prepared_statements WHERE name = 'way') THEN DEALLOCATE way; END IF;
    RETURN SQLSTATE || ' ' || SQLERRM || ' / ' || regexp_replace(detail, '\d{14}', '<id>');
END $$;

-- As the owner: one line a statement, then what ended otherwise by another way.
CREATE TABLE answer AS SELECT n, s, tried(s, 'way_plain') AS answer FROM statement;
SELECT n, s, CASE WHEN s LIKE 'COPY%' THEN left(answer, 5) ELSE answer END AS answer FROM answer ORDER BY n;
SELECT n, w.way, tried(s, w.way) AS other
  FROM answer, unnest(ARRAY['way_do', 'way_prepared']) WITH ORDINALITY w(way, o)
 WHERE tried(s, w.way) <> answer ORDER BY n, o;
CALL by_procedure();
-- As superuser.  In replica mode foreign keys and ordinary triggers do nothing: what
-- would have come by one of them then touches no ledger table.
RESET ROLE;
CREATE FUNCTION way_replica(s text) RETURNS void LANGUAGE plpgsql SET session_replication_role = replica AS 'BEGIN EXECUTE s; END';
CREATE FUNCTION way_restore_mode(s text) RETURNS void LANGUAGE plpgsql SET energyledger.restore_mode = on AS 'BEGIN EXECUTE s; END';
SELECT n, w.way, tried(s, w.way) AS other
  FROM answer, unnest(ARRAY['way_plain', 'way_replica', 'way_do', 'way_prepared', 'way_restore_mode']) WITH ORDINALITY w(way, o)
 WHERE tried(s, w.way) <> answer ORDER BY n, o;
CALL by_procedure();

-- By a cursor of the session; prepared with a generic plan; in a transaction, and the one that wrote the row.
BEGIN;
DECLARE c CURSOR FOR SELECT a, b FROM t FOR UPDATE;
FETCH c;
UPDATE t SET b = 'by cursor' WHERE CURRENT OF c;
ROLLBACK;
BEGIN;
DECLARE c CURSOR FOR SELECT a, b FROM t;
FETCH c;
DELETE FROM t WHERE CURRENT OF c;
ROLLBACK;
SET plan_cache_mode = force_generic_plan;
PREPARE p AS UPDATE parent SET v = 'x' WHERE k = $1;
EXECUTE p(1);
EXECUTE p(99);
RESET plan_cache_mode;
BEGIN;
INSERT INTO t VALUES (9, 'nine');
SAVEPOINT s;
UPDATE t SET b = 'x' WHERE a = 9;
ROLLBACK TO s;
DELETE FROM t WHERE a = 9;
ROLLBACK;
BEGIN ISOLATION LEVEL SERIALIZABLE;
DELETE FROM t;
ROLLBACK;
SET session_replication_role = replica;
UPDATE t SET b = 'x';
TRUNCATE t CASCADE;
RESET session_replication_role;

-- The ids, by hand.
COPY t (a, b, ledger_id) FROM stdin;
5	five	35184372088833
\.
SELECT s, tried(s, 'way_plain'), tried(s, 'way_replica') = tried(s, 'way_plain') AS same, tried(s, 'way_restore_mode') = tried(s, 'way_plain') AS same
  FROM unnest(ARRAY[
    'INSERT INTO rows.t VALUES (5, ''five'', 35184372088833)',
    'INSERT INTO rows.t (ledger_id, a) VALUES (-1, 5)',
    'INSERT INTO rows.t (ledger_id, a) OVERRIDING SYSTEM VALUE VALUES (1, 5)',
    'INSERT INTO rows.t (ledger_id, a) OVERRIDING USER VALUE VALUES (1, 5)',
    'INSERT INTO rows.t SELECT 5, ''five'', 7',
    'INSERT INTO rows.t SELECT 5, b, ledger_id FROM rows.t WHERE a = 1',
    'INSERT INTO rows.t VALUES (5, ''five'', 7) ON CONFLICT DO NOTHING',
    'INSERT INTO rows.t VALUES (1, ''one'', 7) ON CONFLICT (a) DO UPDATE SET ledger_id = 7',
    'INSERT INTO rows.parent VALUES (1, ''x'', 7)',
    'INSERT INTO rows.leaf_1 VALUES (1, ''x'', 7)',
    'MERGE INTO rows.t USING rows.wish w ON w.a = t.a WHEN NOT MATCHED THEN INSERT VALUES (w.a, w.b, 7)']) s;
-- Restore mode is no way in where the ledger is open, and says so.
SET energyledger.restore_mode = on;
INSERT INTO t VALUES (5, 'five', 35184372088833);
INSERT INTO energyledger.leaf_run VALUES (1, 1000000, '\x01', '{1}', '\x00');
BEGIN;
INSERT INTO t VALUES (5, 'as ever') RETURNING ledger_id > 35184372088832 AS assigned;
ROLLBACK;
RESET energyledger.restore_mode;

-- Not refused: locks, INSERT that meets no conflict, MERGE that only inserts, EXPLAIN,
-- and what a foreign key asks where there is no row to change.
SELECT a FROM t ORDER BY a FOR UPDATE;
SELECT a FROM t ORDER BY a FOR NO KEY UPDATE;
SELECT a FROM t ORDER BY a FOR SHARE;
SELECT a FROM t ORDER BY a FOR KEY SHARE SKIP LOCKED;
INSERT INTO t VALUES (3, 'three') ON CONFLICT (a) DO UPDATE SET b = 'x';
INSERT INTO t VALUES (3, 'again') ON CONFLICT (a) DO NOTHING;
INSERT INTO t VALUES (3, 'again') ON CONFLICT (a) DO UPDATE SET b = 'x' WHERE false;
MERGE INTO t USING wish w ON w.a = t.a WHEN MATCHED THEN DO NOTHING WHEN NOT MATCHED THEN INSERT VALUES (w.a, w.b);
EXPLAIN (COSTS off) DELETE FROM t;
DELETE FROM referenced WHERE a = 3;
UPDATE referenced SET a = 4 WHERE a = 1;
DELETE FROM wish WHERE a = 77;

-- Untouched.
SELECT count(*) FROM (SELECT a, b, ledger_id FROM t WHERE a < 3 EXCEPT ALL SELECT a, b, ledger_id FROM as_it_was) x;
SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM as_it_was), (SELECT count(*) FROM parent), (SELECT count(*) FROM root),
       (SELECT count(*) FROM child), (SELECT count(*) FROM child_of_heap), (SELECT count(*) FROM child_to_null WHERE a = 2);
SELECT * FROM energyledger.verify();
SET client_min_messages = error;
REASSIGN OWNED BY regress_ledger_rows TO CURRENT_USER;
DROP OWNED BY regress_ledger_rows;
DROP ROLE regress_ledger_rows;
