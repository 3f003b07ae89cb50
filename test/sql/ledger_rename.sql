/*
 * ledger_rename.sql: renames are allowed, and recorded in the transaction that makes
 * them: a column's as a new version of the table's columns, a table's or its
 * schema's as an event.  Entries keep the names that they were written under, and
 * verify() finds their rows under today's.
 */
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
CREATE SCHEMA ren;
SET search_path = ren;

CREATE FUNCTION refused(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN 'was not refused';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
-- What the log says of tables whose names begin so.
CREATE FUNCTION versions(prefix text) RETURNS TABLE (relation text, version int, ordinals smallint[], names text[]) LANGUAGE sql AS
$$ SELECT relation, schema_version, ordinals, names FROM energyledger.table_schema WHERE starts_with(relation, prefix) ORDER BY schema_id $$;
CREATE FUNCTION renames(prefix text) RETURNS TABLE (kind smallint, names text[], said text[]) LANGUAGE sql AS
$$ SELECT kind, field_names, field_values FROM energyledger.event WHERE kind IN (4, 5) AND starts_with(field_values[1], prefix) ORDER BY event_id $$;
CREATE FUNCTION entries(prefix text) RETURNS TABLE (relation text, version int, row_count int) LANGUAGE sql AS
$$ SELECT relation, schema_version, row_count FROM energyledger.entry WHERE starts_with(relation, prefix) ORDER BY first_id $$;

-- A column: the ordinal has another name.
CREATE TABLE c (x int, y text) USING ledger;
INSERT INTO c VALUES (1, 'under y');
ALTER TABLE c RENAME COLUMN y TO z;
INSERT INTO c VALUES (2, 'under z');
ALTER TABLE c RENAME z TO "The z";
ALTER TABLE c ADD COLUMN y int;
INSERT INTO c VALUES (3, 'under The z', DEFAULT, 3);
SELECT * FROM versions('ren.c');
SELECT x, "The z", y FROM c ORDER BY x;
SELECT * FROM energyledger.verify();
-- Two names swapped in one transaction: types are the same, ordinals are not.
CREATE TABLE c_swap (a int, b int) USING ledger;
INSERT INTO c_swap VALUES (1, 2);
BEGIN;
INSERT INTO c_swap VALUES (3, 4);
ALTER TABLE c_swap RENAME a TO t;
ALTER TABLE c_swap RENAME b TO a;
ALTER TABLE c_swap RENAME t TO b;
INSERT INTO c_swap (a, b) VALUES (6, 5);
COMMIT;
SELECT b, a FROM c_swap ORDER BY b;
SELECT * FROM versions('ren.c_swap');
SELECT * FROM entries('ren.c_swap');
SELECT * FROM energyledger.verify('c_swap');
-- A parent's column, and so all leaves'.
CREATE TABLE p (k int, v text, ledger_id bigint NOT NULL DEFAULT 0) PARTITION BY LIST (k);
CREATE TABLE p_1 PARTITION OF p FOR VALUES IN (1) USING ledger;
CREATE TABLE p_2 PARTITION OF p FOR VALUES IN (2) USING ledger;
INSERT INTO p VALUES (1, 'one'), (2, 'two');
ALTER TABLE p RENAME COLUMN v TO w;
INSERT INTO p VALUES (1, 'three'), (2, 'four');
SELECT * FROM versions('ren.p_');
-- A leaf.
ALTER TABLE p_1 RENAME TO p_first;
INSERT INTO p VALUES (1, 'five');
SELECT tableoid::regclass, k, w FROM p ORDER BY ledger_id;
-- A parent has no rows, and the log does not know it.
ALTER TABLE p RENAME TO p_parent;
ALTER TABLE p_parent RENAME TO p;
SELECT * FROM renames('ren.p');
SELECT * FROM energyledger.verify();

-- A table, twice, and back; rows before, between and after, in one transaction.
CREATE TABLE a (n int) USING ledger;
INSERT INTO a VALUES (1);
BEGIN;
INSERT INTO a VALUES (2);
ALTER TABLE a RENAME TO a_second;
INSERT INTO a_second VALUES (3);
ALTER INDEX a_second RENAME TO a_third;
INSERT INTO a_third VALUES (4);
ALTER TABLE a_third RENAME TO a;
INSERT INTO a VALUES (5);
COMMIT;
SELECT * FROM renames('ren.a');
SELECT * FROM entries('ren.a');
SELECT count(*) FROM a;
SELECT * FROM energyledger.verify('a');
-- A later table of the name begins at the next version, with ordinals of its own.
ALTER TABLE a RENAME TO a_gone;
CREATE TABLE a (s text, n int) USING ledger;
INSERT INTO a VALUES ('new', 1);
INSERT INTO a_gone VALUES (6);
SELECT * FROM versions('ren.a');
SELECT n FROM a_gone ORDER BY n;
SELECT * FROM energyledger.verify();
-- Two tables swap their names.
CREATE TABLE left_one (l int) USING ledger;
CREATE TABLE right_one (r text) USING ledger;
INSERT INTO left_one VALUES (1);
INSERT INTO right_one VALUES ('r');
BEGIN;
ALTER TABLE left_one RENAME TO middle;
ALTER TABLE right_one RENAME TO left_one;
ALTER TABLE middle RENAME TO right_one;
INSERT INTO left_one VALUES ('s');
INSERT INTO right_one VALUES (2);
COMMIT;
SELECT l FROM right_one ORDER BY l;
SELECT r FROM left_one ORDER BY r;
SELECT * FROM energyledger.verify();

-- Rolled back, and to a savepoint.
BEGIN;
ALTER TABLE a RENAME TO a_not;
ALTER TABLE c RENAME x TO x_not;
INSERT INTO a_not VALUES ('not', 1);
ROLLBACK;
BEGIN;
SAVEPOINT s;
ALTER TABLE a RENAME TO a_not;
INSERT INTO a_not VALUES ('not', 2);
ALTER TABLE c RENAME x TO x_not;
INSERT INTO c (x_not) VALUES (-1);
ROLLBACK TO s;
INSERT INTO a VALUES ('kept', 2);
INSERT INTO c (x) VALUES (4);
SAVEPOINT s;
ALTER TABLE a RENAME TO a_kept;
INSERT INTO a_kept VALUES ('kept', 3);
RELEASE s;
COMMIT;
SELECT s, n FROM a_kept ORDER BY n;
SELECT * FROM renames('ren.a') WHERE said[1] LIKE '%not' OR said[2] LIKE '%not';
SELECT count(*) FROM versions('ren.c') WHERE 'x_not' = ANY (names);
SELECT * FROM energyledger.verify();

-- A schema: SET SCHEMA, and the schema's own name.
CREATE SCHEMA ren_one;
CREATE SCHEMA ren_two;
CREATE TABLE ren_one.t (n int) USING ledger;
CREATE TABLE ren_one.u (n int) USING ledger;
CREATE TABLE ren_one.heap (n int);
INSERT INTO ren_one.t VALUES (1);
INSERT INTO ren_one.u VALUES (1);
ALTER TABLE ren_one.t SET SCHEMA ren_two;
INSERT INTO ren_two.t VALUES (2);
BEGIN;
INSERT INTO ren_one.u VALUES (2);
ALTER SCHEMA ren_one RENAME TO ren_three;
INSERT INTO ren_three.u VALUES (3);
COMMIT;
INSERT INTO ren_three.u VALUES (4);
BEGIN;
ALTER SCHEMA ren_three RENAME TO ren_not;
INSERT INTO ren_not.u VALUES (-1);
ROLLBACK;
INSERT INTO ren_three.u VALUES (5);
-- A schema of the old name may come back, with a table of the old name.
CREATE SCHEMA ren_one CREATE TABLE u (s text) USING ledger;
INSERT INTO ren_one.u VALUES ('other');
SELECT * FROM renames('ren_');
SELECT * FROM versions('ren_');
SELECT * FROM entries('ren_');
SELECT energyledger.seal() > 0 AS sealed;
SELECT * FROM energyledger.verify();
SELECT * FROM energyledger.verify('ren_three.u');

-- By an owner who has no right on the log; and the events are in the log.
CREATE ROLE regress_ledger_renamer;
GRANT CREATE, USAGE ON SCHEMA ren TO regress_ledger_renamer;
SET ROLE regress_ledger_renamer;
CREATE TABLE mine (n int) USING ledger;
INSERT INTO mine VALUES (1);
ALTER TABLE mine RENAME n TO m;
ALTER TABLE mine RENAME TO mine_too;
INSERT INTO mine_too VALUES (2);
SELECT refused('ALTER TABLE ren.a_kept RENAME TO stolen');
RESET ROLE;
SELECT DISTINCT role FROM energyledger.event WHERE field_values[1] = 'ren.mine';
ALTER TABLE mine_too OWNER TO CURRENT_USER;
DROP OWNED BY regress_ledger_renamer;
DROP ROLE regress_ledger_renamer;
SELECT energyledger.seal() > 0 AS sealed;
SELECT count(*) AS not_in_the_log FROM energyledger.event v
 WHERE NOT EXISTS (SELECT FROM energyledger.leaf l WHERE l.kind = v.kind AND l.ref = v.event_id);

-- Foreign keys, indexes, rights and views go along, as with any table.
CREATE TABLE bill (id int PRIMARY KEY, amount int) USING ledger;
CREATE TABLE line (bill int REFERENCES bill, note text) USING ledger;
CREATE VIEW bills AS SELECT id, amount FROM bill;
INSERT INTO bill VALUES (1, 10);
ALTER TABLE bill RENAME TO invoice;
ALTER TABLE invoice RENAME id TO number;
INSERT INTO invoice VALUES (2, 20);
INSERT INTO line VALUES (2, 'of the renamed');
SELECT refused('INSERT INTO ren.line VALUES (3, ''of none'')');
SELECT refused('INSERT INTO ren.invoice VALUES (2, 30)');
SELECT * FROM bills ORDER BY id;

-- What stays as it is.
SELECT s AS statement, regexp_replace(refused(s), '(schema of ledger table) .*', '\1') AS refused FROM unnest(ARRAY[
    'ALTER TABLE ren.c RENAME ledger_id TO id',
    'ALTER TABLE ren.p RENAME ledger_id TO id',
    'ALTER TABLE ren.c RENAME TO "with.dot"',
    'ALTER SCHEMA ren_two RENAME TO "with.dot"',
    'ALTER TABLE energyledger.entry RENAME TO x',
    'ALTER TABLE energyledger.entry RENAME xid TO x',
    'ALTER TABLE energyledger.entry SET SCHEMA ren',
    'ALTER TABLE energyledger.meter RENAME TO x',
    'ALTER TABLE energyledger.meter RENAME meter TO x',
    'ALTER TABLE energyledger.meter SET SCHEMA ren',
    'ALTER SCHEMA energyledger RENAME TO x']) s;
-- A name that the log gives to a table which is not there is not given to another.
BEGIN;
UPDATE pg_class SET relname = 'hidden' WHERE oid = 'ren.c'::regclass;
ALTER TABLE ren.c_swap RENAME TO c;
ROLLBACK;

-- A catalog edit is no rename: verify() finds it.
BEGIN;
UPDATE pg_attribute SET attname = 'sneaked' WHERE attrelid = 'ren.c_swap'::regclass AND attname = 'a';
SELECT relation, kind, found, count(*) FROM energyledger.verify() GROUP BY 1, 2, 3 ORDER BY 2 DESC;
INSERT INTO ren.c_swap VALUES (1, 2);
ROLLBACK;
BEGIN;
UPDATE pg_class SET relname = 'sneaked' WHERE oid = 'ren.c_swap'::regclass;
SELECT relation, kind, expected, found FROM energyledger.verify() WHERE kind = 'table_missing';
ROLLBACK;
SELECT * FROM energyledger.verify();
