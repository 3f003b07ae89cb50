/*
 * ledger_from_17.sql: what PostgreSQL 17 brought: partitioned tables that name an
 * access method for their partitions, MERGE with RETURNING and BY SOURCE, the
 * MAINTAIN privilege, new expressions of generated columns, parallel BRIN builds.
 *
 * ledger_from_17_1.out is what older servers say: nothing.
 */
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
SELECT current_setting('server_version_num')::int < 170000 AS older \gset
\if :older
\quit
\endif
CREATE SCHEMA from_17;
SET search_path = from_17;

-- A partition takes its parent's access method, and is as whole a ledger table as any.
CREATE TABLE parent (k int) PARTITION BY LIST (k) USING ledger;
CREATE TABLE leaf_1 PARTITION OF parent FOR VALUES IN (1);
CREATE TABLE leaf_2 PARTITION OF parent FOR VALUES IN (2) USING heap;
SELECT c.relname, a.amname
  FROM pg_class c JOIN pg_am a ON a.oid = c.relam
 WHERE c.relnamespace = 'from_17'::regnamespace AND c.relkind IN ('r', 'p') ORDER BY 1;
SELECT relation, names FROM energyledger.table_schema WHERE relation LIKE 'from_17.%' ORDER BY 1;
INSERT INTO parent VALUES (1), (2);
SELECT k, ledger_id > 0 AS assigned FROM parent ORDER BY 1;
DELETE FROM parent WHERE k = 1;
-- The parent holds no rows: its name and what it gives to new partitions are free.
ALTER TABLE parent SET ACCESS METHOD heap;
ALTER TABLE parent SET ACCESS METHOD ledger;
ALTER TABLE parent SET ACCESS METHOD DEFAULT;
ALTER TABLE parent RENAME TO renamed;
ALTER TABLE leaf_1 SET ACCESS METHOD DEFAULT;
ALTER TABLE leaf_1 RENAME TO hidden;
-- A table with rows does not become one by the default either.
CREATE TABLE plain (a int, ledger_id bigint NOT NULL DEFAULT 0) USING heap;
INSERT INTO plain VALUES (1);
SET default_table_access_method = ledger;
ALTER TABLE plain SET ACCESS METHOD DEFAULT;
RESET default_table_access_method;

-- MERGE: inserts, and says what it did; changes and removes nothing.
CREATE TABLE merged (a int PRIMARY KEY, b text) USING ledger;
INSERT INTO merged VALUES (1, 'one');
MERGE INTO merged m USING (VALUES (1, 'uno'), (2, 'two')) v (a, b) ON m.a = v.a
 WHEN NOT MATCHED THEN INSERT (a, b) VALUES (v.a, v.b)
 WHEN MATCHED THEN DO NOTHING
RETURNING merge_action(), m.a, m.b, m.ledger_id > 0 AS assigned;
MERGE INTO merged m USING (VALUES (1, 'uno')) v (a, b) ON m.a = v.a WHEN MATCHED THEN UPDATE SET b = v.b RETURNING m.*;
MERGE INTO merged m USING (VALUES (9)) v (a) ON m.a = v.a WHEN NOT MATCHED BY SOURCE THEN DELETE;
MERGE INTO merged m USING (VALUES (9)) v (a) ON m.a = v.a WHEN NOT MATCHED BY SOURCE THEN UPDATE SET b = 'gone';

-- COPY that leaves out what it cannot read hashes what it took.
\copy merged (a, b) FROM PROGRAM 'printf "7\tseven\nx\tnot a number\n8\teight\n"' WITH (ON_ERROR ignore, LOG_VERBOSITY default)
SELECT row_count FROM energyledger.entry WHERE relation = 'from_17.merged' ORDER BY first_id DESC LIMIT 1;

-- An expression that would be computed anew for rows that are there.
CREATE TABLE computed (a int, b int GENERATED ALWAYS AS (a * 2) STORED) USING ledger;
INSERT INTO computed (a) VALUES (1);
ALTER TABLE computed ALTER COLUMN b SET EXPRESSION AS (a * 3);

-- Who may only maintain a table changes no row of it.
CREATE ROLE energyledger_maintainer;
GRANT USAGE ON SCHEMA from_17 TO energyledger_maintainer;
GRANT MAINTAIN ON merged TO energyledger_maintainer;
SET ROLE energyledger_maintainer;
VACUUM (FULL) merged;
CLUSTER merged USING merged_pkey;
REINDEX TABLE merged;
ANALYZE merged;
INSERT INTO merged VALUES (3, 'three');
RESET ROLE;
DROP OWNED BY energyledger_maintainer;
DROP ROLE energyledger_maintainer;

-- Indexes built by several processes.
CREATE TABLE wide (a int, b int[]) USING ledger;
INSERT INTO wide SELECT g, ARRAY[g % 10, g % 7] FROM generate_series(1, 20000) g;
SET min_parallel_table_scan_size = 0;
SET max_parallel_maintenance_workers = 2;
CREATE INDEX wide_brin ON wide USING brin (a int4_minmax_multi_ops);
CREATE INDEX wide_gin ON wide USING gin (b);
RESET min_parallel_table_scan_size;
RESET max_parallel_maintenance_workers;
SET enable_seqscan = off;
SELECT count(*) FROM wide WHERE a BETWEEN 100 AND 199;
SELECT count(*) FROM wide WHERE b @> '{3,5}';
RESET enable_seqscan;
SELECT * FROM energyledger.verify();
