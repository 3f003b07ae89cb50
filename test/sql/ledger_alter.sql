/*
 * ledger_alter.sql: what may be altered, indexed and maintained, and that it
 * changes nothing of what is hashed.
 */
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
CREATE SCHEMA alt;
SET search_path = alt;

CREATE TABLE t (a int, b text, c timestamptz DEFAULT '2030-01-01 00:00+00') USING ledger;
INSERT INTO t (a, b) SELECT g, repeat('x', g % 50) FROM generate_series(1, 3000) g;

-- Columns without a default, for a table and for all leaves of a parent.
ALTER TABLE t ADD COLUMN d int, ADD COLUMN e text;
ALTER TABLE t ADD COLUMN IF NOT EXISTS d int;
ALTER TABLE t ALTER COLUMN d SET DEFAULT 5;
INSERT INTO t (a, e) VALUES (3001, 'e');
ALTER TABLE t ALTER COLUMN d DROP DEFAULT;
SELECT count(d), max(d) FROM t;
SELECT schema_version, ordinals, names, types FROM energyledger.table_schema WHERE relation = 'alt.t' ORDER BY 1;
CREATE TABLE parent (k int, ledger_id bigint NOT NULL DEFAULT 0) PARTITION BY LIST (k);
CREATE TABLE leaf_1 PARTITION OF parent FOR VALUES IN (1) USING ledger;
CREATE TABLE leaf_2 PARTITION OF parent FOR VALUES IN (2) USING ledger;
INSERT INTO parent VALUES (1), (2);
ALTER TABLE parent ADD COLUMN note text;
INSERT INTO parent (k, note) VALUES (1, 'n'), (2, 'm');
SELECT relation, schema_version, names FROM energyledger.table_schema WHERE relation LIKE 'alt.leaf%' ORDER BY 1, 2;
SELECT * FROM energyledger.verify();

-- Constraints, defaults, storage, statistics, comments, owners, rights.
ALTER TABLE t ADD CONSTRAINT a_positive CHECK (a > 0);
ALTER TABLE t ADD CONSTRAINT a_key UNIQUE (a);
ALTER TABLE t ALTER COLUMN a SET NOT NULL;
ALTER TABLE t ALTER COLUMN a DROP NOT NULL;
ALTER TABLE t ALTER COLUMN c DROP DEFAULT;
ALTER TABLE t ALTER COLUMN b SET STORAGE EXTERNAL;
ALTER TABLE t ALTER COLUMN a SET STATISTICS 50;
ALTER TABLE t SET (fillfactor = 90);
ALTER TABLE t REPLICA IDENTITY FULL;
ALTER TABLE t RENAME CONSTRAINT a_positive TO a_is_positive;
ALTER TABLE t DROP CONSTRAINT a_is_positive;
COMMENT ON TABLE t IS 'a table';
GRANT SELECT ON t TO PUBLIC;
ALTER TABLE t SET LOGGED;
ALTER TABLE t SET ACCESS METHOD ledger;
ALTER TABLE t SET TABLESPACE pg_default;

-- Every kind of index, made on rows that are there.
CREATE INDEX t_btree ON t (b, a DESC) INCLUDE (c);
CREATE INDEX t_brin ON t USING brin (a);
CREATE INDEX t_hash ON t USING hash (b);
CREATE INDEX t_gin ON t USING gin (string_to_array(b, 'x'));
CREATE INDEX t_gist ON t USING gist (tstzrange(c, NULL));
CREATE INDEX t_expression ON t ((a % 10), lower(b));
CREATE INDEX t_partial ON t (a) WHERE e IS NOT NULL;
CREATE UNIQUE INDEX t_unique ON t (ledger_id);
CREATE INDEX CONCURRENTLY t_concurrently ON t (c, a);
CREATE UNIQUE INDEX CONCURRENTLY t_unique_concurrently ON t (a, ledger_id);
SET max_parallel_maintenance_workers = 2;
SET min_parallel_table_scan_size = 0;
CREATE INDEX t_parallel ON t (a, b, c);
RESET min_parallel_table_scan_size;
CREATE UNIQUE INDEX t_not_unique ON t (d);
CREATE UNIQUE INDEX t_duplicates ON t ((a % 2));
ALTER TABLE t ADD CONSTRAINT t_exclusion EXCLUDE USING btree (a WITH =);
ALTER INDEX t_btree RENAME TO t_btree_renamed;
ALTER INDEX t_btree_renamed SET (fillfactor = 80);
DROP INDEX t_hash;
DROP INDEX CONCURRENTLY t_gist;
REINDEX INDEX t_expression;
REINDEX TABLE t;
REINDEX TABLE CONCURRENTLY t;
SELECT bool_and(indisvalid AND indisready) AS all_valid, count(*) FROM pg_index WHERE indrelid = 't'::regclass;
-- They find what is there.
SET enable_seqscan = off; SET enable_bitmapscan = off;
SELECT a FROM t WHERE a = 2999;
SELECT count(*) FROM t WHERE a % 10 = 3 AND lower(b) = repeat('x', 3);
SELECT a FROM t WHERE e IS NOT NULL AND a > 0;
SET enable_bitmapscan = on; SET enable_indexscan = off;
SELECT count(*) FROM t WHERE ledger_id BETWEEN (SELECT min(ledger_id) FROM t) AND (SELECT max(ledger_id) FROM t);
RESET enable_seqscan; RESET enable_indexscan; RESET enable_bitmapscan;
SELECT brin_summarize_new_values('t_brin') >= 0 AS summarized;

-- Rows that came after the indexes; a conflict found by one of them.
INSERT INTO t (a, b) VALUES (3002, 'later');
INSERT INTO t (a, b) VALUES (3002, 'twice');
INSERT INTO t (a, b) VALUES (3002, 'twice') ON CONFLICT (a) DO NOTHING;

-- Maintenance.
VACUUM t;
VACUUM (FREEZE, ANALYZE) t;
VACUUM (FULL) t;
SELECT * FROM energyledger.verify('t');
CLUSTER t USING a_key;
ALTER TABLE t CLUSTER ON a_key;
CLUSTER t;
ALTER TABLE t SET WITHOUT CLUSTER;
ANALYZE t;
SELECT reltuples FROM pg_class WHERE oid = 't'::regclass;
VACUUM FULL energyledger.entry;
VACUUM energyledger.leaf_run;
REINDEX TABLE energyledger.table_schema;
CREATE STATISTICS t_statistics ON a, b FROM t;
SELECT count(*) > 0 AS sampled FROM t TABLESAMPLE SYSTEM (50) REPEATABLE (1);
BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE; INSERT INTO t (a) VALUES (3003); COMMIT;

-- Rewritten, it is still the same table, and still refuses.
DELETE FROM t;
INSERT INTO t (a, b) VALUES (3004, 'after');
SELECT count(*) FROM t;
SELECT am.amname FROM pg_class c JOIN pg_am am ON am.oid = c.relam WHERE c.oid = 't'::regclass;

-- Parallel query reads it.
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2;
SELECT count(*), sum(a) FROM t;
RESET parallel_setup_cost; RESET parallel_tuple_cost; RESET min_parallel_table_scan_size; RESET max_parallel_workers_per_gather;

SELECT * FROM energyledger.verify();
