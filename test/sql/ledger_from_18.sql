/*
 * ledger_from_18.sql: what PostgreSQL 18 brought: generated columns that are not
 * stored, NOT NULL as a constraint with a name, RETURNING OLD and NEW, constraints
 * that are not enforced, keys over periods.
 *
 * ledger_from_18_1.out is what older servers say: nothing.
 */
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
SELECT current_setting('server_version_num')::int < 180000 AS older \gset
\if :older
\quit
\endif
CREATE SCHEMA from_18;
SET search_path = from_18;

-- Hashed is what is stored: a virtual column is neither registered nor missed, may
-- have a type that cannot be hashed, use ledger_id, come later and be defined anew.
CREATE TABLE computed (a int, twice int GENERATED ALWAYS AS (a * 2), stored int GENERATED ALWAYS AS (a * 4) STORED,
    place point GENERATED ALWAYS AS (point(a, a)) VIRTUAL, next_id bigint GENERATED ALWAYS AS (ledger_id + 1) VIRTUAL) USING ledger;
INSERT INTO computed (a) VALUES (1), (2);
ALTER TABLE computed ADD COLUMN more int GENERATED ALWAYS AS (a + 1) VIRTUAL;
ALTER TABLE computed ADD COLUMN none int GENERATED ALWAYS AS (a + 1) STORED;
ALTER TABLE computed ALTER COLUMN twice SET EXPRESSION AS (a * 3);
INSERT INTO computed (a) VALUES (3);
SELECT a, twice, stored, place, next_id - ledger_id AS one, more FROM computed ORDER BY a;
SELECT schema_version, names FROM energyledger.table_schema WHERE relation = 'from_18.computed';
CREATE TABLE alike (LIKE computed INCLUDING ALL) USING ledger;
INSERT INTO alike (a) VALUES (1);
SELECT names FROM energyledger.table_schema WHERE relation = 'from_18.alike';
CREATE TABLE of_ids (a int, b bigint GENERATED ALWAYS AS (ledger_id + 1) STORED) USING ledger;
CREATE TABLE virtual_id (a int, ledger_id bigint GENERATED ALWAYS AS (a + 1) VIRTUAL) USING ledger;
SELECT * FROM energyledger.verify('computed');

-- NOT NULL by its name, of the table and from the table above it.
SELECT conname, convalidated, conenforced FROM pg_constraint WHERE conrelid = 'computed'::regclass AND contype = 'n';
ALTER TABLE computed DROP CONSTRAINT computed_ledger_id_not_null;
ALTER TABLE computed ALTER COLUMN ledger_id DROP NOT NULL;
CREATE TABLE parent (k int, j int CONSTRAINT j_there NOT NULL, ledger_id bigint CONSTRAINT id_there NOT NULL DEFAULT 0) PARTITION BY LIST (k);
CREATE TABLE leaf PARTITION OF parent FOR VALUES IN (1) USING ledger;
ALTER TABLE parent DROP CONSTRAINT id_there;
ALTER TABLE parent DROP CONSTRAINT j_there;
SELECT attname, attnotnull FROM pg_attribute WHERE attrelid = 'leaf'::regclass AND attnum > 0 ORDER BY attnum;
ALTER TABLE parent DROP CONSTRAINT not_there;

-- The row as it was before and as it is now.
CREATE TABLE paid (id int PRIMARY KEY, amount int) USING ledger;
INSERT INTO paid VALUES (1, 10) RETURNING old.ledger_id AS before, new.ledger_id > 0 AS assigned;
INSERT INTO paid VALUES (1, 20) ON CONFLICT (id) DO NOTHING RETURNING new.*;
INSERT INTO paid VALUES (1, 20) ON CONFLICT (id) DO UPDATE SET amount = 20 RETURNING old.amount, new.amount;

-- Constraints that are not enforced, not validated, and over periods.
ALTER TABLE paid ADD CONSTRAINT small CHECK (amount < 5) NOT ENFORCED;
ALTER TABLE paid ADD CONSTRAINT amount_there NOT NULL amount NOT VALID;
ALTER TABLE paid VALIDATE CONSTRAINT amount_there;
CREATE EXTENSION IF NOT EXISTS btree_gist SCHEMA public;
CREATE TABLE tariff (id int, valid daterange, PRIMARY KEY (id, valid WITHOUT OVERLAPS)) USING ledger;
INSERT INTO tariff VALUES (1, '[2030-01-01,2031-01-01)');
INSERT INTO tariff VALUES (1, '[2030-05-01,2032-01-01)');
SELECT * FROM energyledger.verify();
