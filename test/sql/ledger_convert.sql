/*
 * ledger_convert.sql: energyledger.convert(): an ordinary table with all that tables
 * have becomes a ledger table; its rows become entries.
 */
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
CREATE SCHEMA con;
SET search_path = con;

CREATE FUNCTION refused(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE why text;
BEGIN
    EXECUTE statement;
    RETURN 'was not refused';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS why = PG_EXCEPTION_DETAIL;
    RETURN SQLSTATE || ' ' || SQLERRM || ': ' || why;
END $$;

-- A table that has been lived in.
CREATE TYPE state AS ENUM ('open', 'paid');
CREATE DOMAIN price AS numeric(12, 2) CHECK (VALUE >= 0);
CREATE TABLE customer (id int PRIMARY KEY, name text);
CREATE TABLE bill (
    gone int,
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer int NOT NULL REFERENCES customer,
    at timestamptz DEFAULT '2030-01-01 00:00+00',
    state state NOT NULL DEFAULT 'open',
    amount price CHECK (amount < 1000000),
    tags text[],
    big text,
    twice numeric GENERATED ALWAYS AS (amount * 2) STORED,
    UNIQUE (customer, id)
);
CREATE TABLE line (bill int REFERENCES bill, wh bigint);
CREATE INDEX ON bill (at) WHERE state = 'paid';
CREATE INDEX ON bill USING gin (tags);
CREATE INDEX ON bill (left(big, 20));
CREATE STATISTICS bill_statistics ON customer, state FROM bill;
INSERT INTO customer SELECT g, 'c' || g FROM generate_series(1, 10) g;
INSERT INTO bill (customer, amount, tags, big)
SELECT g % 10 + 1, g / 7.0, ARRAY[g::text, NULL], CASE WHEN g % 500 = 0 THEN (SELECT string_agg(md5((g * i)::text), '') FROM generate_series(1, 1000) i) END
  FROM generate_series(1, 3000) g;
ALTER TABLE bill DROP COLUMN gone;
ALTER TABLE bill ADD COLUMN fast int DEFAULT 7;
UPDATE bill SET state = 'paid' WHERE id % 3 = 0;
DELETE FROM bill WHERE id % 5 = 0;
INSERT INTO line SELECT id, id FROM bill;
CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.big := coalesce(NEW.big, 'by trigger'); RETURN NEW; END $$;
CREATE TRIGGER noted BEFORE INSERT ON bill FOR EACH ROW EXECUTE FUNCTION noted();
CREATE VIEW paid AS SELECT id, amount FROM bill WHERE state = 'paid';
CREATE RULE also AS ON INSERT TO bill DO ALSO NOTIFY bill;
CREATE ROLE regress_ledger_reader;
GRANT USAGE ON SCHEMA con TO regress_ledger_reader;
GRANT SELECT ON bill TO regress_ledger_reader;
ALTER TABLE bill ENABLE ROW LEVEL SECURITY;
CREATE POLICY few ON bill TO regress_ledger_reader USING (customer = 3);
COMMENT ON TABLE bill IS 'bills';
CREATE TABLE before_it AS SELECT * FROM bill;

SELECT energyledger.convert('bill');
-- The same rows, the same table.
SELECT count(*) FROM (SELECT id, customer, at, state, amount, tags, big, twice, fast FROM bill EXCEPT ALL SELECT * FROM before_it) x;
SELECT count(*) FROM (SELECT * FROM before_it EXCEPT ALL SELECT id, customer, at, state, amount, tags, big, twice, fast FROM bill) x;
SELECT am.amname, c.relrowsecurity, obj_description(c.oid) FROM pg_class c JOIN pg_am am ON am.oid = c.relam WHERE c.oid = 'bill'::regclass;
SELECT count(*), count(DISTINCT ledger_id), bool_and(ledger_id > 0) FROM bill;
SELECT a.attname, a.attnotnull, pg_get_expr(d.adbin, d.adrelid) FROM pg_attribute a
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum WHERE a.attrelid = 'bill'::regclass AND a.attname = 'ledger_id';
-- The log: columns, entries of this transaction, the event.
SELECT schema_version, ordinals, names FROM energyledger.table_schema WHERE relation = 'con.bill';
SELECT sum(row_count), count(DISTINCT xid), max(row_count) FROM energyledger.entry WHERE relation = 'con.bill';
SELECT v.kind, v.field_names, v.field_values[1:2], v.field_values[3]::bigint = min(e.first_id) AS first_id, v.field_values[4]::bigint = max(e.last_id) AS last_id
  FROM energyledger.event v, energyledger.entry e WHERE v.kind = 9 AND v.field_values[1] = 'con.bill' AND e.relation = 'con.bill' GROUP BY v.event_id;
SELECT * FROM energyledger.verify('bill');
-- It works on, guarded.
INSERT INTO bill (customer, amount) VALUES (1, 5) RETURNING id, big, twice, ledger_id > 0 AS assigned;
SELECT s AS statement, refused(s) FROM unnest(ARRAY[
    'UPDATE con.bill SET amount = 0',
    'DELETE FROM con.bill',
    'TRUNCATE con.bill CASCADE',
    'ALTER TABLE con.bill DROP COLUMN big',
    'INSERT INTO con.bill (customer, amount) VALUES (99, 1)',
    'INSERT INTO con.bill (customer, amount) VALUES (1, -1)',
    'INSERT INTO con.line VALUES (5, 5)']) s;
INSERT INTO line VALUES (1, 1);
SET enable_seqscan = off;
SELECT count(*) FROM bill WHERE customer = 3;
SELECT count(*) FROM bill WHERE tags @> '{77}';
SELECT id FROM bill WHERE left(big, 20) = 'by trigger';
RESET enable_seqscan;
SET ROLE regress_ledger_reader;
SELECT count(*) > 0 AS some, bool_and(customer = 3) AS few FROM bill;
RESET ROLE;
SELECT count(*) FROM paid;
SELECT energyledger.seal() > 0 AS sealed;
VACUUM FULL bill;
SELECT * FROM energyledger.verify();

-- None, many; in a transaction with more; rolled back, to a savepoint.
CREATE TABLE empty_one (a int);
SELECT energyledger.convert('empty_one');
INSERT INTO empty_one VALUES (1);
SELECT field_values[2:4] FROM energyledger.event WHERE kind = 9 AND field_values[1] = 'con.empty_one';
CREATE TABLE many (a int);
INSERT INTO many SELECT generate_series(1, 20000);
BEGIN;
INSERT INTO many VALUES (20001);
SELECT energyledger.convert('many');
INSERT INTO many VALUES (20002);
ROLLBACK;
SELECT count(*), (SELECT amname FROM pg_am WHERE oid = (SELECT relam FROM pg_class WHERE oid = 'many'::regclass)) FROM many;
DELETE FROM many WHERE a > 19000;
SELECT count(*) FROM energyledger.table_schema WHERE relation = 'con.many';
BEGIN;
SAVEPOINT s;
SELECT energyledger.convert('many');
ROLLBACK TO s;
INSERT INTO many VALUES (20003);
SELECT energyledger.convert('many');
ALTER TABLE many RENAME a TO b;
ALTER TABLE many RENAME TO many_more;
INSERT INTO many_more VALUES (20004);
COMMIT;
SELECT count(*), max(b) FROM many_more;
SELECT relation, sum(row_count) FROM energyledger.entry WHERE relation LIKE 'con.many%' GROUP BY 1 ORDER BY 1;
-- Partitions: detached, converted, attached.
CREATE TABLE p (k int, v text) PARTITION BY LIST (k);
CREATE TABLE p_1 PARTITION OF p FOR VALUES IN (1);
INSERT INTO p VALUES (1, 'one');
ALTER TABLE p DETACH PARTITION p_1;
SELECT energyledger.convert('p_1');
ALTER TABLE p ADD COLUMN ledger_id bigint NOT NULL DEFAULT 0;
ALTER TABLE p ATTACH PARTITION p_1 FOR VALUES IN (1);
INSERT INTO p VALUES (1, 'two');
SELECT k, v FROM p ORDER BY ledger_id;
SELECT * FROM energyledger.verify();

-- What cannot be one, and says why, and stays what it was.
CREATE TABLE points (a int, b point);
INSERT INTO points VALUES (1, '(1,1)');
CREATE TABLE has_id (a int, ledger_id int);
CREATE TABLE with_rule (a int);
CREATE RULE instead AS ON INSERT TO with_rule DO INSTEAD NOTHING;
CREATE TABLE parent (a int);
CREATE TABLE heir () INHERITS (parent);
CREATE TABLE p_2 PARTITION OF p DEFAULT USING ledger;
CREATE TEMP TABLE passing (a int);
CREATE UNLOGGED TABLE unlogged (a int);
CREATE TYPE shape AS (a int);
CREATE TABLE typed OF shape;
CREATE TABLE "dot.ted" (a int);
CREATE MATERIALIZED VIEW seen AS SELECT 1 AS a;
SELECT t AS "table", refused(format('SELECT energyledger.convert(%L)', t)) FROM unnest(ARRAY[
    'con.points', 'con.has_id', 'con.with_rule', 'con.parent', 'con.heir', 'con.p', 'con.p_2', 'con.paid', 'con.seen', 'con.bill',
    'passing', 'con.unlogged', 'con.typed', 'con."dot.ted"', 'pg_class', 'energyledger.entry']) t;
SELECT refused('ALTER TABLE con.parent SET ACCESS METHOD ledger'), refused('ALTER TABLE con.parent SET ACCESS METHOD ledger_log');
SELECT refused('ALTER MATERIALIZED VIEW con.seen SET ACCESS METHOD ledger');
ALTER TABLE parent SET ACCESS METHOD ledger;
SET ROLE regress_ledger_reader;
SELECT refused('SELECT energyledger.convert(''con.customer'')');
RESET ROLE;
SET energyledger.restore_mode = on;
SELECT refused('SELECT energyledger.convert(''con.customer'')');
RESET energyledger.restore_mode;
-- Used by a query of this session.
SELECT refused('SELECT energyledger.convert(''con.customer'') FROM con.customer');
SELECT am.amname, count(*) FROM pg_class c JOIN pg_am am ON am.oid = c.relam
 WHERE c.oid IN ('points'::regclass, 'has_id'::regclass, 'with_rule'::regclass, 'parent'::regclass, 'customer'::regclass, 'seen'::regclass) GROUP BY 1;
REVOKE ALL ON bill FROM regress_ledger_reader;
DROP POLICY few ON bill;
DROP OWNED BY regress_ledger_reader;
DROP ROLE regress_ledger_reader;
SELECT * FROM energyledger.verify();
