/*
 * ledger_insert.sql: every way a row gets into a ledger table, who sees its
 * ledger_id, and which entries it makes.
 */
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
CREATE SCHEMA ins;
SET search_path = ins;

CREATE FUNCTION refused(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN 'was not refused';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END $$;

-- The entries of a table in order: how many rows each has.
CREATE FUNCTION entries(name text) RETURNS integer[] LANGUAGE sql AS $$
    SELECT array_agg(row_count ORDER BY first_id) FROM energyledger.entry WHERE relation = 'ins.' || name
$$;

-- VALUES, DEFAULT, DEFAULT VALUES, SELECT, WITH, RETURNING.
CREATE TABLE t (a int DEFAULT 7, b text) USING ledger;
INSERT INTO t VALUES (1, 'one'), (2, 'two');
INSERT INTO t VALUES (DEFAULT, 'default');
INSERT INTO t (a, b, ledger_id) VALUES (3, 'three', DEFAULT);
INSERT INTO t (a, b, ledger_id) VALUES (4, 'four', 0);
INSERT INTO t DEFAULT VALUES;
INSERT INTO t SELECT g, 'selected' FROM generate_series(10, 12) g;
INSERT INTO t SELECT a + 100, b FROM t WHERE a < 3 ORDER BY a DESC;
WITH made AS (INSERT INTO t VALUES (20, 'in with') RETURNING *),
     again AS (INSERT INTO t SELECT a + 1, b FROM made RETURNING *)
SELECT made.a, again.a, again.ledger_id > made.ledger_id AS later FROM made, again;
INSERT INTO t VALUES (30, 'returning') RETURNING a, ledger_id >> 45 AS site, ledger_id & (2::bigint ^ 45 - 1)::bigint > 0 AS counter;
SELECT a, b FROM t ORDER BY ledger_id;
SELECT count(*) = count(DISTINCT ledger_id) AS unique_ids, bool_and(ledger_id > 0) AS positive FROM t;
SELECT entries('t');

-- A transaction's rows in one table are one entry, whatever the statements.
CREATE TABLE grouped (a int) USING ledger;
CREATE TABLE other (a int) USING ledger;
BEGIN;
INSERT INTO grouped VALUES (1);
INSERT INTO other VALUES (1), (2);
INSERT INTO grouped VALUES (2), (3);
INSERT INTO grouped SELECT g FROM generate_series(4, 100) g;
COMMIT;
SELECT sum(row_count) AS rows, bool_and(last_id - first_id + 1 = row_count) AS dense
  FROM energyledger.entry WHERE relation = 'ins.grouped';
SELECT entries('other');
CREATE TABLE alone (a int) USING ledger;
INSERT INTO alone SELECT g FROM generate_series(1, 2500) g;
SELECT entries('alone');

-- COPY stays on the multi-insert path: no record of a single insert in the WAL.
CREATE EXTENSION IF NOT EXISTS pg_walinspect SCHEMA public;
CREATE TABLE copied (a int, b text) USING ledger;
SELECT pg_current_wal_insert_lsn() AS before \gset
\copy copied (a, b) FROM PROGRAM 'i=1; while [ $i -le 1000 ]; do echo "$i,row $i"; i=$((i+1)); done' WITH (FORMAT csv)
SELECT count(*) FILTER (WHERE record_type LIKE 'MULTI_INSERT%') > 0 AS many_at_a_time,
       count(*) FILTER (WHERE record_type LIKE 'INSERT%') AS one_at_a_time
  FROM public.pg_get_wal_records_info(:'before', pg_current_wal_flush_lsn())
 WHERE resource_manager IN ('Heap', 'Heap2') AND block_ref LIKE '%/' || pg_relation_filenode('copied') || ' %';
SELECT entries('copied');
SELECT count(*), count(DISTINCT ledger_id), max(ledger_id) - min(ledger_id) + 1 AS span FROM copied;
SELECT bool_and(a - 1 = ledger_id - (SELECT min(ledger_id) FROM copied)) AS in_order FROM copied;
\copy copied (a, b) FROM PROGRAM 'i=1; while [ $i -le 2500 ]; do echo "$i,more $i"; i=$((i+1)); done' WITH (FORMAT csv)
SELECT entries('copied');
-- The other forms of COPY.
COPY copied (a) FROM stdin;
1
2
\.
COPY copied (a, b) FROM stdin WHERE a > 2;
1	no
3	yes
\.
BEGIN;
CREATE TABLE frozen (a int) USING ledger;
COPY frozen (a) FROM stdin (FREEZE);
1
2
\.
SELECT * FROM energyledger.verify('frozen');
COMMIT;
SELECT entries('frozen');
-- ledger_id by hand.
COPY t (a, ledger_id) FROM stdin;
1	99
\.
COPY t (a, ledger_id) FROM stdin;
50	0
\.
SELECT refused('INSERT INTO ins.t (a, ledger_id) VALUES (1, 99)');
SELECT refused('INSERT INTO ins.t (a, ledger_id) VALUES (1, -1)');
SELECT refused('INSERT INTO ins.t (a, b, ledger_id) SELECT a, b, ledger_id FROM ins.t');
SELECT refused('INSERT INTO ins.t (a, ledger_id) VALUES (1, NULL)');

-- COPY TO and back out.
COPY (SELECT a, b FROM t WHERE a > 100 ORDER BY ledger_id) TO stdout;

-- ON CONFLICT.
CREATE TABLE keyed (k int PRIMARY KEY, v text) USING ledger;
INSERT INTO keyed VALUES (1, 'first') ON CONFLICT DO NOTHING;
INSERT INTO keyed VALUES (1, 'again') ON CONFLICT DO NOTHING;
INSERT INTO keyed VALUES (1, 'again'), (2, 'second'), (2, 'second again') ON CONFLICT (k) DO NOTHING RETURNING k, v, ledger_id > 0 AS assigned;
INSERT INTO keyed VALUES (3, 'third') ON CONFLICT (k) DO UPDATE SET v = excluded.v RETURNING k, v, ledger_id > 0 AS assigned;
INSERT INTO keyed VALUES (3, 'changed') ON CONFLICT (k) DO UPDATE SET v = excluded.v;
\echo :SQLSTATE
INSERT INTO keyed VALUES (1, 'duplicate');
SELECT k, v FROM keyed ORDER BY ledger_id;
SELECT entries('keyed');

-- MERGE: insert works, the rest is refused.
MERGE INTO keyed USING (VALUES (1, 'x'), (4, 'merged')) AS s(k, v) ON keyed.k = s.k
 WHEN MATCHED THEN DO NOTHING
 WHEN NOT MATCHED THEN INSERT (k, v) VALUES (s.k, s.v);
SELECT refused('MERGE INTO ins.keyed USING (VALUES (1)) AS s(k) ON keyed.k = s.k WHEN MATCHED THEN UPDATE SET v = ''x''');
SELECT refused('MERGE INTO ins.keyed USING (VALUES (1)) AS s(k) ON keyed.k = s.k WHEN MATCHED THEN DELETE');
SELECT k, v, ledger_id > 0 AS assigned FROM keyed WHERE k = 4;

-- Who sees ledger_id: AFTER triggers, views, rules, generated columns by the others.
CREATE TABLE seen (what text, same boolean);
CREATE TABLE watched (a int, twice int GENERATED ALWAYS AS (a * 2) STORED) USING ledger;
CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_LEVEL = 'ROW' THEN
        INSERT INTO seen SELECT 'row', EXISTS (SELECT FROM watched w WHERE w.ledger_id = NEW.ledger_id AND w.a = NEW.a);
    ELSE
        INSERT INTO seen SELECT 'statement', bool_and(n.ledger_id >> 45 = 1) FROM new_rows n;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER see_row AFTER INSERT ON watched FOR EACH ROW EXECUTE FUNCTION see();
CREATE TRIGGER see_statement AFTER INSERT ON watched REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION see();
INSERT INTO watched VALUES (1), (2);
COPY watched (a) FROM stdin;
3
4
\.
SELECT what, same, count(*) FROM seen GROUP BY 1, 2 ORDER BY 1, 2;
SELECT a, twice FROM watched ORDER BY ledger_id;
-- A BEFORE trigger may change the row; what is stored is what is hashed; not the id.
CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.a = 9 THEN RETURN NULL; END IF;
    IF NEW.a = 13 THEN NEW.ledger_id := 13; END IF;
    NEW.a := NEW.a * 10;
    RETURN NEW;
END $$;
CREATE TRIGGER change BEFORE INSERT ON watched FOR EACH ROW EXECUTE FUNCTION change();
INSERT INTO watched VALUES (5), (9), (6);
COPY watched (a) FROM stdin;
7
9
8
\.
SELECT a, twice FROM watched WHERE a > 10 ORDER BY ledger_id;
SELECT refused('INSERT INTO ins.watched VALUES (13)');
SELECT entries('watched');
-- Through views, and INSTEAD.
CREATE VIEW t_view AS SELECT a, b FROM t WHERE a >= 1000;
INSERT INTO t_view VALUES (1000, 'through a view');
CREATE RULE also AS ON INSERT TO grouped DO ALSO INSERT INTO other VALUES (NEW.a);
INSERT INTO grouped VALUES (1000);
SELECT count(*) FROM other WHERE a = 1000;

-- Cursors and row locks read as they always do.
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT a FROM t ORDER BY ledger_id;
FETCH LAST FROM c;
FETCH PRIOR FROM c;
SELECT a FROM t WHERE a = 1 FOR UPDATE;
DECLARE d CURSOR FOR SELECT a FROM t WHERE a = 1 FOR UPDATE;
FETCH d;
SAVEPOINT s;
DELETE FROM t WHERE CURRENT OF d;
ROLLBACK TO s;
UPDATE t SET a = 0 WHERE CURRENT OF d;
ROLLBACK;

-- Foreign keys, both ways.
CREATE TABLE heap_parent (id int PRIMARY KEY);
CREATE TABLE ledger_parent (id int PRIMARY KEY) USING ledger;
CREATE TABLE child (id int REFERENCES heap_parent ON DELETE CASCADE ON UPDATE CASCADE, lid int REFERENCES ledger_parent) USING ledger;
CREATE TABLE heap_child (lid int REFERENCES ledger_parent);
INSERT INTO heap_parent VALUES (1);
INSERT INTO ledger_parent VALUES (1);
INSERT INTO child VALUES (1, 1);
INSERT INTO heap_child VALUES (1);
INSERT INTO child VALUES (2, 1);
INSERT INTO child VALUES (1, 2);
INSERT INTO heap_child VALUES (2);
SELECT refused('DELETE FROM ins.heap_parent');
SELECT refused('UPDATE ins.heap_parent SET id = 5');

-- Rows whose checks fail leave nothing; those that pass do.
CREATE TABLE checked (a int CHECK (a > 0), b text NOT NULL) USING ledger;
INSERT INTO checked VALUES (1, 'good');
INSERT INTO checked VALUES (-1, 'bad');
INSERT INTO checked VALUES (1, NULL);
SELECT entries('checked');

-- Row level security.
CREATE ROLE regress_ledger_reader;
CREATE TABLE secured (who text, a int) USING ledger;
ALTER TABLE secured ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON secured USING (who = current_user) WITH CHECK (who = current_user);
GRANT USAGE ON SCHEMA ins TO regress_ledger_reader;
GRANT SELECT, INSERT ON secured TO regress_ledger_reader;
INSERT INTO secured VALUES ('another', 1);
SET ROLE regress_ledger_reader;
INSERT INTO secured VALUES ('regress_ledger_reader', 2);
INSERT INTO secured VALUES ('another', 3);
SELECT who, a FROM secured;
RESET ROLE;
SELECT count(*) FROM secured;
DROP OWNED BY regress_ledger_reader;
DROP ROLE regress_ledger_reader;

-- Deferred constraint triggers that write at commit.
CREATE TABLE late (a int) USING ledger;
CREATE TABLE trigger_source (a int) USING ledger;
CREATE FUNCTION write_late() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO late VALUES (NEW.a), (NEW.a + 1);
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER write_late AFTER INSERT ON trigger_source
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION write_late();
BEGIN;
INSERT INTO trigger_source VALUES (1), (10);
SELECT count(*) FROM late;
COMMIT;
SELECT a FROM late ORDER BY ledger_id;
SELECT entries('late');

-- One entry has at most 512 rows, and each row is in exactly one.
SELECT max(row_count) FROM energyledger.entry;
SELECT count(*) AS rows_without_entry
  FROM (SELECT ledger_id FROM t UNION ALL SELECT ledger_id FROM copied UNION ALL SELECT ledger_id FROM alone
        UNION ALL SELECT ledger_id FROM keyed UNION ALL SELECT ledger_id FROM watched) r
 WHERE (SELECT count(*) FROM energyledger.entry e WHERE r.ledger_id BETWEEN e.first_id AND e.last_id) <> 1;

SELECT * FROM energyledger.verify();
