/*
 * ledger_allowed.sql: what a ledger table can do like any other, beside what
 * ledger_alter.sql has: constraints, foreign keys both ways, security, views,
 * triggers, publications, partitions.  Nothing of it changes a row's hash.
 */
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
CREATE SCHEMA alw;
SET search_path = alw;

CREATE TABLE customer (id int PRIMARY KEY, name text);
CREATE TABLE bill (id int, customer int, amount numeric(12, 2), at date DEFAULT '2030-01-01', double numeric GENERATED ALWAYS AS (amount * 2) STORED) USING ledger;
INSERT INTO customer SELECT g, 'c' || g FROM generate_series(1, 5) g;
INSERT INTO bill (id, customer, amount) SELECT g, g % 5 + 1, g FROM generate_series(1, 500) g;

-- Constraints, also checked later, also dropped.
ALTER TABLE bill ADD CONSTRAINT amount_positive CHECK (amount > 0) NOT VALID;
ALTER TABLE bill VALIDATE CONSTRAINT amount_positive;
ALTER TABLE bill ADD CONSTRAINT amount_small CHECK (amount < 100);
ALTER TABLE bill ADD PRIMARY KEY (id);
ALTER TABLE bill ALTER COLUMN customer SET NOT NULL;
CREATE UNIQUE INDEX bill_customer ON bill (customer, id);
ALTER TABLE bill ADD CONSTRAINT bill_customer UNIQUE USING INDEX bill_customer DEFERRABLE INITIALLY DEFERRED;
INSERT INTO bill (id, customer, amount) VALUES (501, 1, -1);
INSERT INTO bill (id, customer, amount) VALUES (1, 1, 1);

-- Foreign keys: to an ordinary table, from one, to a ledger table, to itself, deferred.
ALTER TABLE bill ADD CONSTRAINT bill_of FOREIGN KEY (customer) REFERENCES customer NOT VALID;
ALTER TABLE bill VALIDATE CONSTRAINT bill_of;
CREATE TABLE note (bill int REFERENCES bill ON DELETE CASCADE, t text);
CREATE TABLE line (bill int REFERENCES bill DEFERRABLE INITIALLY DEFERRED, corrects bigint, t text) USING ledger;
ALTER TABLE line ADD UNIQUE (ledger_id);
ALTER TABLE line ADD FOREIGN KEY (corrects) REFERENCES line (ledger_id);
INSERT INTO note VALUES (1, 'n');
DELETE FROM note;
BEGIN;
INSERT INTO line VALUES (600, NULL, 'before its bill');
INSERT INTO bill (id, customer, amount) VALUES (600, 1, 1);
COMMIT;
INSERT INTO line SELECT 600, ledger_id, 'corrects it' FROM line;
INSERT INTO line VALUES (601, NULL, 'of none');
INSERT INTO bill (id, customer, amount) VALUES (602, 9, 1);
UPDATE customer SET name = 'renamed' WHERE id = 1;
DELETE FROM customer WHERE id = 1;
SELECT count(*) FROM bill;

-- Who may do what, and sees what; comments; owners.
CREATE ROLE regress_ledger_allowed;
GRANT USAGE, CREATE ON SCHEMA alw TO regress_ledger_allowed;
GRANT SELECT (id, amount), INSERT (id, customer, amount) ON bill TO regress_ledger_allowed;
ALTER TABLE bill ENABLE ROW LEVEL SECURITY;
ALTER TABLE bill FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON bill TO regress_ledger_allowed USING (id % 100 = 0) WITH CHECK (id > 1000);
SET ROLE regress_ledger_allowed;
SELECT id FROM bill ORDER BY id;
INSERT INTO bill (id, customer, amount) VALUES (1001, 2, 5);
INSERT INTO bill (id, customer, amount) VALUES (999, 2, 5);
SELECT customer FROM bill;
RESET ROLE;
REVOKE ALL ON bill FROM regress_ledger_allowed;
ALTER POLICY own ON bill USING (true);
DROP POLICY own ON bill;
ALTER TABLE bill NO FORCE ROW LEVEL SECURITY;
ALTER TABLE bill DISABLE ROW LEVEL SECURITY;
COMMENT ON TABLE bill IS 'bills';
COMMENT ON COLUMN bill.amount IS 'net';
ALTER TABLE line OWNER TO regress_ledger_allowed;
SET ROLE regress_ledger_allowed;
INSERT INTO line (t) VALUES ('by its new owner');
RESET ROLE;
ALTER TABLE line OWNER TO CURRENT_USER;
DROP OWNED BY regress_ledger_allowed;
DROP ROLE regress_ledger_allowed;

-- Views, materialized views, tables made of it, cursors, samples, COPY out.
CREATE VIEW high AS SELECT * FROM bill WHERE amount > 90;
CREATE VIEW writable WITH (security_barrier) AS SELECT id, customer, amount FROM bill WHERE amount > 0 WITH CHECK OPTION;
INSERT INTO writable VALUES (700, 3, 7);
INSERT INTO writable VALUES (701, 3, -7);
CREATE MATERIALIZED VIEW sums AS SELECT customer, sum(amount) FROM bill GROUP BY 1;
CREATE UNIQUE INDEX ON sums (customer);
INSERT INTO bill (id, customer, amount) VALUES (800, 2, 0.5);
REFRESH MATERIALIZED VIEW sums;
REFRESH MATERIALIZED VIEW CONCURRENTLY sums;
SELECT * FROM sums ORDER BY 1;
CREATE TABLE copied USING ledger AS SELECT id, amount FROM bill WHERE id < 10;
CREATE TABLE copied_heap AS TABLE bill;
COPY (SELECT id, amount FROM bill WHERE id < 3 ORDER BY id) TO stdout;
SELECT count(*) FROM copied;
BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT id FROM bill ORDER BY id; COMMIT; FETCH 2 FROM c; CLOSE c;

-- Triggers: before, after, with transition tables, constraint triggers; defaults; sequences.
CREATE FUNCTION rounds() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.amount := round(NEW.amount); RETURN NEW; END';
CREATE FUNCTION notes() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO alw.line (bill, t) VALUES (NEW.id, ''by trigger''); RETURN NULL; END';
CREATE FUNCTION counts() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO alw.note SELECT id, ''inserted'' FROM new_rows; RETURN NULL; END';
CREATE TRIGGER rounds BEFORE INSERT ON bill FOR EACH ROW EXECUTE FUNCTION rounds();
CREATE TRIGGER counts AFTER INSERT ON bill REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION counts();
CREATE CONSTRAINT TRIGGER notes AFTER INSERT ON bill DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION notes();
CREATE SEQUENCE numbers OWNED BY bill.id;
ALTER TABLE bill ALTER COLUMN id SET DEFAULT 900 + nextval('numbers');
INSERT INTO bill (customer, amount) VALUES (2, 1.4), (3, 2.6) RETURNING id, amount, double;
SELECT bill, t FROM line WHERE bill > 900 ORDER BY bill;
SELECT bill, t FROM note ORDER BY bill;
ALTER TABLE bill ALTER COLUMN id DROP DEFAULT;
ALTER TABLE bill ALTER COLUMN double DROP EXPRESSION;
DROP TRIGGER counts ON bill;
ALTER TABLE bill DISABLE TRIGGER USER;

-- Storage and statistics.
ALTER TABLE bill SET (fillfactor = 50, autovacuum_enabled = off, parallel_workers = 2);
ALTER TABLE bill ALTER COLUMN at SET STATISTICS 10, ALTER COLUMN amount SET (n_distinct = -0.5);
ALTER TABLE copied ADD COLUMN body text COMPRESSION pglz;
ALTER TABLE copied ALTER COLUMN body SET STORAGE MAIN;
CREATE STATISTICS st ON customer, amount FROM bill;
ANALYZE bill;
CREATE INDEX CONCURRENTLY ON bill (amount);
REINDEX (CONCURRENTLY) TABLE bill;
REINDEX (CONCURRENTLY) INDEX bill_pkey;
CLUSTER bill USING bill_pkey;
VACUUM (FULL, ANALYZE) bill;
VACUUM (FREEZE, INDEX_CLEANUP on, TRUNCATE on) bill;
ALTER TABLE bill REPLICA IDENTITY USING INDEX bill_pkey;
SET client_min_messages = error;	-- whatever wal_level is
CREATE PUBLICATION alw_bills FOR TABLE bill WHERE (id > 10) WITH (publish = 'insert');
SET client_min_messages = warning;
ALTER PUBLICATION alw_bills SET TABLE bill, line;
DROP PUBLICATION alw_bills;

-- Partitions: keys, indexes on the parent, routing, maintenance of the whole.
CREATE TABLE reading (at date NOT NULL, meter int, wh bigint, ledger_id bigint NOT NULL DEFAULT 0, PRIMARY KEY (meter, at)) PARTITION BY RANGE (at);
CREATE TABLE reading_1 PARTITION OF reading FOR VALUES FROM ('2030-01-01') TO ('2031-01-01') USING ledger;
CREATE TABLE reading_2 PARTITION OF reading FOR VALUES FROM ('2031-01-01') TO ('2032-01-01') USING ledger;
CREATE TABLE reading_default PARTITION OF reading DEFAULT USING ledger;
CREATE INDEX ON reading (wh);
CREATE TABLE remark (meter int, at date, FOREIGN KEY (meter, at) REFERENCES reading) USING ledger;
INSERT INTO reading (at, meter, wh) SELECT '2030-06-01'::date + g, g % 7, g FROM generate_series(1, 700) g;
INSERT INTO remark VALUES (1, '2030-06-02');
INSERT INTO reading (at, meter, wh) VALUES ('2030-06-02', 1, 1) ON CONFLICT DO NOTHING;
ALTER TABLE reading ADD COLUMN unit text;
ALTER TABLE reading RENAME COLUMN wh TO energy_wh;
ALTER TABLE reading ADD CHECK (energy_wh >= 0);
VACUUM (FULL) reading;
REINDEX TABLE reading;
SELECT tableoid::regclass, count(*) FROM reading GROUP BY 1 ORDER BY 1;
SELECT relation, sum(row_count) FROM energyledger.entry WHERE relation LIKE 'alw.reading%' GROUP BY 1 ORDER BY 1;

-- Serializable, in one transaction with a heap table.
BEGIN ISOLATION LEVEL SERIALIZABLE;
INSERT INTO copied VALUES (10, 10);
INSERT INTO note VALUES (1, 'beside it');
COMMIT;
SELECT energyledger.seal() > 0 AS sealed;
SELECT * FROM energyledger.verify();
