/*
 * ledger_tree.sql: partitions and heirs: a ledger table with rows stays where who
 * reads its parent sees it, and beside ledger tables only ledger tables are attached.
 */
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
CREATE SCHEMA tree;
SET search_path = tree;

CREATE FUNCTION refused(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE why text;
BEGIN
    EXECUTE statement;
    RETURN 'was not refused';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS why = PG_EXCEPTION_DETAIL;
    RETURN SQLSTATE || ' ' || SQLERRM || ' / ' || why;
END $$;

CREATE TABLE p (k int, v text, ledger_id bigint NOT NULL DEFAULT 0) PARTITION BY LIST (k);
CREATE TABLE p_1 PARTITION OF p FOR VALUES IN (1) USING ledger;
CREATE TABLE p_2 PARTITION OF p FOR VALUES IN (2) USING ledger;
CREATE TABLE p_sub PARTITION OF p FOR VALUES IN (3, 4) PARTITION BY LIST (k);
CREATE TABLE p_3 PARTITION OF p_sub FOR VALUES IN (3) USING ledger;
CREATE TABLE p_4 PARTITION OF p_sub FOR VALUES IN (4) USING ledger;
INSERT INTO p VALUES (1, 'one'), (3, 'three');
CREATE TABLE root (a int);
CREATE TABLE heir_without (b int) INHERITS (root) USING ledger;
ALTER TABLE root ADD COLUMN ledger_id bigint NOT NULL DEFAULT 0;
CREATE TABLE heir (b int) INHERITS (root) USING ledger;
CREATE TABLE heir_empty () INHERITS (root) USING ledger;
INSERT INTO heir VALUES (1, DEFAULT, 1);

-- With rows: not by any way.
ALTER TABLE p DETACH PARTITION p_1;
\echo :SQLSTATE
ALTER TABLE p DETACH PARTITION p_1 CONCURRENTLY;
\echo :SQLSTATE
ALTER TABLE p DETACH PARTITION p_2 CONCURRENTLY;
SELECT s AS statement, refused(s) FROM unnest(ARRAY[
    'ALTER TABLE tree.p DETACH PARTITION tree.p_1',
    'ALTER TABLE tree.p DETACH PARTITION tree.p_sub',
    'ALTER TABLE tree.p_sub DETACH PARTITION tree.p_3',
    'ALTER TABLE tree.heir NO INHERIT tree.root',
    'DROP TABLE tree.p',
    'DROP TABLE tree.p CASCADE',
    'DROP TABLE tree.p_sub',
    'DROP TABLE tree.root CASCADE']) s;
SET session_replication_role = replica;
SELECT refused('ALTER TABLE tree.p DETACH PARTITION tree.p_1');
RESET session_replication_role;
SELECT inhrelid::regclass, inhparent::regclass, inhdetachpending FROM pg_inherits
 WHERE inhrelid IN ('p_1'::regclass, 'p_2'::regclass, 'p_3'::regclass, 'p_sub'::regclass, 'heir'::regclass) ORDER BY 1;
-- Rows of the transaction itself count, rows that were rolled back do not.
BEGIN;
INSERT INTO p VALUES (2, 'two');
ALTER TABLE p DETACH PARTITION p_2;
ROLLBACK;
-- Without rows they come and go.
ALTER TABLE p DETACH PARTITION p_2;
ALTER TABLE p ATTACH PARTITION p_2 FOR VALUES IN (2);
ALTER TABLE p_sub DETACH PARTITION p_4;
INSERT INTO p_4 (k, v) VALUES (4, 'four');
ALTER TABLE p_sub ATTACH PARTITION p_4 FOR VALUES IN (4);
ALTER TABLE heir_empty NO INHERIT root;
ALTER TABLE heir_empty INHERIT root;
SELECT tableoid::regclass, k, v FROM p ORDER BY k;

-- A ledger table below a parent with others; one of another kind below a parent with ledger tables.
CREATE TABLE mixed (k int, v text, ledger_id bigint NOT NULL DEFAULT 0) PARTITION BY LIST (k);
CREATE TABLE mixed_heap PARTITION OF mixed FOR VALUES IN (1);
CREATE TABLE mixed_ledger PARTITION OF mixed FOR VALUES IN (2) USING ledger;
INSERT INTO mixed VALUES (1, 'heap'), (2, 'ledger');
UPDATE mixed SET v = 'changed' WHERE k = 1;
SELECT refused('UPDATE tree.mixed SET v = ''changed''');
ALTER TABLE mixed DETACH PARTITION mixed_heap;
CREATE TABLE plain (k int, v text, ledger_id bigint NOT NULL DEFAULT 0);
CREATE TABLE plain_sub (k int, v text, ledger_id bigint NOT NULL DEFAULT 0) PARTITION BY LIST (k);
CREATE TABLE plain_sub_1 PARTITION OF plain_sub FOR VALUES IN (9);
CREATE TABLE empty_sub (k int, v text, ledger_id bigint NOT NULL DEFAULT 0) PARTITION BY LIST (k);
CREATE FOREIGN DATA WRAPPER tree_wrapper;
CREATE SERVER tree_server FOREIGN DATA WRAPPER tree_wrapper;
CREATE FOREIGN TABLE abroad (k int, v text, ledger_id bigint NOT NULL DEFAULT 0) SERVER tree_server;
CREATE TABLE p_5 PARTITION OF p FOR VALUES IN (5);
\echo :SQLSTATE
SELECT s AS statement, refused(s) FROM unnest(ARRAY[
    'CREATE TABLE tree.p_5 PARTITION OF tree.p DEFAULT',
    'CREATE TABLE tree.p_5 PARTITION OF tree.p_sub DEFAULT',
    'CREATE UNLOGGED TABLE tree.p_5 PARTITION OF tree.p DEFAULT',
    'ALTER TABLE tree.p ATTACH PARTITION tree.plain DEFAULT',
    'ALTER TABLE tree.p ATTACH PARTITION tree.plain_sub FOR VALUES IN (9)',
    'ALTER TABLE tree.p ATTACH PARTITION tree.abroad DEFAULT',
    'ALTER TABLE tree.mixed ATTACH PARTITION tree.mixed_heap FOR VALUES IN (1)',
    'CREATE TABLE tree.below () INHERITS (tree.heir)',
    'ALTER TABLE tree.plain INHERIT tree.p_1',
    'ALTER TABLE tree.plain INHERIT tree.root']) s;
ALTER TABLE p ATTACH PARTITION empty_sub FOR VALUES IN (6);
SELECT refused('CREATE TABLE tree.p_6 PARTITION OF tree.empty_sub FOR VALUES IN (6)');
CREATE TABLE p_6 PARTITION OF empty_sub FOR VALUES IN (6) USING ledger;
INSERT INTO p VALUES (6, 'six');
CREATE TABLE below () INHERITS (heir) USING ledger;
INSERT INTO below VALUES (2, DEFAULT, 2);
SELECT count(*) FROM root;
SELECT refused('ALTER TABLE tree.below NO INHERIT tree.heir');

SELECT * FROM energyledger.verify();
