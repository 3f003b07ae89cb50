/*
 * ledger_create.sql: every way to make a ledger table, and what cannot be one.
 *
 * A table made in any of these ways has ledger_id (bigint, default 0), registered
 * columns and no index that was not asked for, and verify() finds nothing afterwards.
 */
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
CREATE SCHEMA made;
SET search_path = made;

-- A statement that must be refused: its SQLSTATE and message.
CREATE FUNCTION refused(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN 'was not refused';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END $$;

-- What makes a table a ledger table.
CREATE FUNCTION made_as(name regclass) RETURNS text LANGUAGE sql AS $$
    SELECT format('am %s, ledger_id %s%s default %s, %s indexed, version %s registered',
                  am.amname, format_type(a.atttypid, a.atttypmod),
                  CASE WHEN a.attnotnull THEN ' not null' ELSE '' END,
                  coalesce(pg_get_expr(d.adbin, d.adrelid), 'none'),
                  coalesce((SELECT string_agg(ia.amname, ',' ORDER BY ia.amname)
                              FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am ia ON ia.oid = x.relam
                             WHERE i.indrelid = c.oid), 'not'),
                  coalesce((SELECT max(s.schema_version)::text FROM energyledger.table_schema s
                             WHERE s.relation = n.nspname || '.' || c.relname), 'not'))
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_am am ON am.oid = c.relam
      LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'ledger_id'
      LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
     WHERE c.oid = $1
$$;

-- Plain, and the log's own record of it.
CREATE TABLE plain (a int, b text) USING ledger;
SELECT made_as('plain');
SELECT relation, schema_version, ordinals, names, types FROM energyledger.table_schema WHERE relation = 'made.plain';
INSERT INTO plain VALUES (1, 'one');

-- An index on ledger_id is the user's choice, of either kind.
CREATE TABLE sought (a int) USING ledger;
CREATE INDEX sought_btree ON sought (ledger_id);
CREATE INDEX sought_brin ON sought USING brin (ledger_id int8_minmax_multi_ops);
INSERT INTO sought SELECT g FROM generate_series(1, 5000) g;
SELECT made_as('sought');
SET enable_seqscan = off;
SELECT count(*) FROM sought WHERE ledger_id = (SELECT ledger_id FROM sought WHERE a = 4711);
DROP INDEX sought_btree;
SELECT count(*) FROM sought WHERE ledger_id = (SELECT ledger_id FROM sought WHERE a = 4711);
RESET enable_seqscan;

-- IF NOT EXISTS leaves the table that is there as it is.
CREATE TABLE IF NOT EXISTS plain (c int) USING ledger;
CREATE TABLE IF NOT EXISTS fresh (a int) USING ledger;
SELECT made_as('plain');
SELECT made_as('fresh');
INSERT INTO fresh VALUES (1);

-- ledger_id declared by hand: anywhere, with or without default, as a key.
CREATE TABLE declared (ledger_id bigint, a int) USING ledger;
CREATE TABLE declared_key (a int, ledger_id bigint PRIMARY KEY) USING ledger;
CREATE TABLE declared_default (ledger_id bigint NOT NULL DEFAULT 0, a int) USING ledger;
SELECT made_as('declared') UNION ALL SELECT made_as('declared_key') UNION ALL SELECT made_as('declared_default');
INSERT INTO declared (a) VALUES (1);
INSERT INTO declared VALUES (NULL, 2);
INSERT INTO declared_key VALUES (1);
INSERT INTO declared_default (a) VALUES (1);
SELECT count(*), count(*) FILTER (WHERE ledger_id >> 45 = 1) FROM declared;
SELECT refused('CREATE TABLE made.wrong (ledger_id int, a int) USING ledger');
SELECT refused('CREATE TABLE made.wrong (ledger_id text) USING ledger');
SELECT refused('CREATE TABLE made.wrong (a int, ledger_id bigint GENERATED ALWAYS AS (a) STORED) USING ledger');
SELECT refused('CREATE TABLE made.wrong (a int, ledger_id bigint GENERATED ALWAYS AS IDENTITY) USING ledger');

-- LIKE a heap table, LIKE a ledger table with and without its defaults and indexes.
CREATE TABLE pattern (a int DEFAULT 5, b text);
CREATE TABLE like_heap (LIKE pattern INCLUDING ALL) USING ledger;
CREATE TABLE like_ledger (LIKE plain) USING ledger;
CREATE TABLE like_ledger_all (LIKE plain INCLUDING ALL) USING ledger;
CREATE TABLE like_and_more (LIKE plain, more int) USING ledger;
SELECT made_as('like_heap') UNION ALL SELECT made_as('like_ledger')
UNION ALL SELECT made_as('like_ledger_all') UNION ALL SELECT made_as('like_and_more');
INSERT INTO like_heap DEFAULT VALUES RETURNING a, b, ledger_id > 0 AS assigned;
INSERT INTO like_ledger VALUES (1, 'one');
INSERT INTO like_ledger_all VALUES (1, 'one');
INSERT INTO like_and_more (a, more) VALUES (1, 2);

-- A heap table LIKE a ledger table is heap.
CREATE TABLE heap_like_ledger (LIKE plain INCLUDING DEFAULTS);
SELECT amname FROM pg_class c JOIN pg_am a ON a.oid = c.relam WHERE c.oid = 'heap_like_ledger'::regclass;

-- Inheritance.
CREATE TABLE heir () INHERITS (plain) USING ledger;
SELECT made_as('heir');
INSERT INTO heir VALUES (3, 'three');
SELECT refused('CREATE TABLE made.heir_of_heap () INHERITS (made.pattern) USING ledger');

-- Partition leaves: the parent has ledger_id, or gets it by default_table_access_method.
CREATE TABLE parent (at date NOT NULL, v int, ledger_id bigint NOT NULL DEFAULT 0) PARTITION BY RANGE (at);
CREATE TABLE leaf_1 PARTITION OF parent FOR VALUES FROM ('2030-01-01') TO ('2031-01-01') USING ledger;
CREATE TABLE leaf_2 (v int, at date NOT NULL) USING ledger;
ALTER TABLE parent ATTACH PARTITION leaf_2 FOR VALUES FROM ('2031-01-01') TO ('2032-01-01');
SELECT made_as('leaf_1') UNION ALL SELECT made_as('leaf_2');
INSERT INTO parent VALUES ('2030-05-05', 1), ('2031-05-05', 2) RETURNING v, ledger_id > 0 AS assigned;
SELECT tableoid::regclass, v FROM parent ORDER BY v;
CREATE TABLE parent_without (at date NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE leaf_without PARTITION OF parent_without FOR VALUES FROM ('2030-01-01') TO ('2031-01-01') USING ledger;
\echo :SQLSTATE

-- CREATE TABLE AS, and what it cannot take.
CREATE TABLE copied USING ledger AS SELECT g AS n, 'row ' || g AS t FROM generate_series(1, 3) g ORDER BY n DESC;
CREATE TABLE copied_names (x, y) USING ledger AS SELECT 1, 2 ORDER BY 1;
CREATE TABLE copied_empty USING ledger AS SELECT 1 AS a WITH NO DATA;
CREATE TABLE IF NOT EXISTS copied USING ledger AS SELECT 1 AS other;
CREATE TABLE copied_id USING ledger AS SELECT 1 AS a, 0::bigint AS ledger_id;
SELECT made_as('copied') UNION ALL SELECT made_as('copied_names')
UNION ALL SELECT made_as('copied_empty') UNION ALL SELECT made_as('copied_id');
SELECT n, t FROM copied ORDER BY ledger_id;
SELECT count(DISTINCT ledger_id) FROM copied;
INSERT INTO copied_names VALUES (3, 4) RETURNING x, y, ledger_id > 0 AS assigned;
INSERT INTO copied_empty VALUES (3);
INSERT INTO copied_id VALUES (3);
SELECT refused('CREATE TABLE made.u USING ledger AS SELECT 1 AS a UNION SELECT 2');
SELECT refused('CREATE TABLE made.u USING ledger AS SELECT ledger_id, a FROM made.plain');

-- default_table_access_method: plain, AS, INTO, partitioned.
SET default_table_access_method = ledger;
CREATE TABLE by_default (a int);
CREATE TABLE by_default_as AS SELECT 1 AS a;
SELECT 1 AS a INTO by_default_into;
CREATE TABLE by_default_parent (a int) PARTITION BY LIST (a);
CREATE TABLE by_default_leaf PARTITION OF by_default_parent FOR VALUES IN (1);
SELECT refused('CREATE TEMP TABLE by_default_temp (a int)');
SELECT refused('CREATE MATERIALIZED VIEW made.by_default_view AS SELECT 1 AS a');
RESET default_table_access_method;
SELECT made_as('by_default') UNION ALL SELECT made_as('by_default_as')
UNION ALL SELECT made_as('by_default_into') UNION ALL SELECT made_as('by_default_leaf');
INSERT INTO by_default_parent VALUES (1) RETURNING a, ledger_id > 0 AS assigned;

-- In a schema created in one statement, and in a schema that hides another's table.
CREATE SCHEMA made_with
    CREATE TABLE inside (a int) USING ledger;
SELECT made_as('made_with.inside');
INSERT INTO made_with.inside VALUES (1);
SET search_path = made_with, made;
CREATE TABLE plain (x int) USING ledger;
SELECT made_as('made_with.plain');
CREATE TEMP TABLE fresh (x int);
CREATE TABLE made_with.fresh (x int) USING ledger;
SELECT made_as('made_with.fresh');
CREATE TABLE made_with.of_temp (x int) USING ledger;
DROP TABLE pg_temp.fresh;
SET search_path = made;

-- Names that need quotes; a dot would make two tables' names one.
CREATE TABLE "Odd ""name" ("a b" int, "ledger.id" int) USING ledger;
INSERT INTO "Odd ""name" VALUES (1, 2);
SELECT made_as('"Odd ""name"');
CREATE SCHEMA "dot.ted" CREATE TABLE t (a int) USING ledger;
SELECT refused('CREATE TABLE made."t.u" (a int) USING ledger');

-- Made in a transaction that rolls back, then again; made in a savepoint that does.
BEGIN;
CREATE TABLE twice (a int) USING ledger;
INSERT INTO twice VALUES (1);
ROLLBACK;
BEGIN;
SAVEPOINT s;
CREATE TABLE twice (a int) USING ledger;
INSERT INTO twice VALUES (1);
ROLLBACK TO s;
CREATE TABLE twice (b text) USING ledger;
INSERT INTO twice VALUES ('kept');
COMMIT;
SELECT made_as('twice');
SELECT relation, schema_version, names FROM energyledger.table_schema WHERE relation = 'made.twice';

-- By a role that owns nothing of the log.
CREATE ROLE regress_ledger_maker;
GRANT CREATE, USAGE ON SCHEMA made TO regress_ledger_maker;
SET ROLE regress_ledger_maker;
CREATE TABLE by_role (a int) USING ledger;
INSERT INTO by_role VALUES (1);
RESET ROLE;
SELECT role, row_count FROM energyledger.entry WHERE relation = 'made.by_role';
REASSIGN OWNED BY regress_ledger_maker TO CURRENT_USER;
DROP OWNED BY regress_ledger_maker;
DROP ROLE regress_ledger_maker;
INSERT INTO by_role VALUES (2);

-- Not permanent, not a table, not typed.
SELECT refused('CREATE TEMP TABLE t (a int) USING ledger');
SELECT refused('CREATE UNLOGGED TABLE made.t (a int) USING ledger');
SELECT refused('CREATE TEMP TABLE t USING ledger AS SELECT 1 AS a');
SELECT refused('CREATE MATERIALIZED VIEW made.v USING ledger AS SELECT 1 AS a');
CREATE TYPE composite AS (a int, ledger_id bigint);
SELECT refused('CREATE TABLE made.t OF made.composite USING ledger');
SELECT refused('CREATE TABLE made.t (a int) USING ledger_log');

-- Generated columns are computed before the id is there.
SELECT refused('CREATE TABLE made.t (a int, ledger_id bigint NOT NULL DEFAULT 0, twice bigint GENERATED ALWAYS AS (ledger_id * 2) STORED) USING ledger');
CREATE TABLE generated (a int, twice int GENERATED ALWAYS AS (a * 2) STORED) USING ledger;
INSERT INTO generated VALUES (21);
SELECT a, twice FROM generated;

SELECT * FROM energyledger.verify();
