/*
 * ledger_entry.sql: entries go into every index that their table has, whatever was
 * done to the indexes since this session inserted its first entry.
 */
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
CREATE EXTENSION IF NOT EXISTS amcheck;
CREATE SCHEMA entry_test;
SET search_path = entry_test, public;
CREATE TABLE t (a int) USING ledger;

-- An entry for each row of t, and each found by the index that is asked.
CREATE FUNCTION complete(index regclass) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM bt_index_check(index, true);
    RETURN format('%s rows, %s entries',
                  (SELECT count(*) FROM t),
                  (SELECT count(*) FROM energyledger.entry WHERE relation = 'entry_test.t'));
END $$;

INSERT INTO t VALUES (1);
SELECT complete('energyledger.entry_pkey');

-- Another index in place of the one this session knows.
REINDEX INDEX CONCURRENTLY energyledger.entry_pkey;
INSERT INTO t VALUES (2);
SELECT complete('energyledger.entry_pkey');
REINDEX TABLE energyledger.entry;
INSERT INTO t VALUES (3);
SELECT complete('energyledger.entry_pkey');

-- One more, of more than one column; made while others may write; of another kind.
CREATE INDEX entry_by_relation ON energyledger.entry (relation, first_id);
INSERT INTO t VALUES (4);
SELECT complete('energyledger.entry_by_relation');
CREATE INDEX CONCURRENTLY entry_by_last ON energyledger.entry (last_id) INCLUDE (row_count);
INSERT INTO t VALUES (5);
SELECT complete('energyledger.entry_by_last'), complete('energyledger.entry_pkey');
CREATE INDEX entry_hash ON energyledger.entry USING hash (last_id);
INSERT INTO t VALUES (6);
SELECT complete('energyledger.entry_by_last'), complete('energyledger.entry_pkey');
SET enable_seqscan = off;
SELECT count(*) FROM energyledger.entry WHERE last_id = (SELECT max(ledger_id) FROM t);
RESET enable_seqscan;

-- More than are remembered, then none but the first again.
CREATE INDEX entry_by_time ON energyledger.entry (made_at, role);
CREATE INDEX entry_by_xid ON energyledger.entry (xid);
INSERT INTO t VALUES (7);
SELECT complete('energyledger.entry_by_time'), complete('energyledger.entry_by_xid');
DROP INDEX energyledger.entry_hash;
INSERT INTO t VALUES (8);
SELECT complete('energyledger.entry_by_time'), complete('energyledger.entry_by_xid');
DROP INDEX energyledger.entry_by_relation, energyledger.entry_by_last, energyledger.entry_by_time, energyledger.entry_by_xid;
INSERT INTO t VALUES (9);
SELECT complete('energyledger.entry_pkey');

-- What only the executor could keep is refused, and an index that could not be made does no harm.
CREATE INDEX entry_by_length ON energyledger.entry (octet_length(row_tags));
CREATE INDEX entry_some ON energyledger.entry (last_id) WHERE row_count = 1;
CREATE INDEX ON energyledger.block (abs(height));
CREATE INDEX CONCURRENTLY entry_failed ON energyledger.entry (octet_length(row_tags));
INSERT INTO t VALUES (10);
SELECT complete('energyledger.entry_pkey');
DROP INDEX energyledger.entry_failed;

-- In the transaction that changes the indexes, and when that is rolled back.
BEGIN;
INSERT INTO t VALUES (11);
CREATE INDEX entry_gone ON energyledger.entry (last_id);
SAVEPOINT s;
INSERT INTO t VALUES (-1);
ROLLBACK TO s;
ROLLBACK;
INSERT INTO t VALUES (11);
SELECT complete('energyledger.entry_pkey');

-- The table's storage replaced.
VACUUM FULL energyledger.entry;
INSERT INTO t VALUES (12);
SELECT complete('energyledger.entry_pkey');

SELECT count(*) = count(DISTINCT first_id) AS each_once FROM energyledger.entry;
SELECT * FROM energyledger.verify();

-- The entry names whoever writes, as that role is called then.
CREATE ROLE entry_writer;
GRANT USAGE ON SCHEMA entry_test TO entry_writer;
GRANT INSERT ON t TO entry_writer;
SET ROLE entry_writer;
INSERT INTO t VALUES (13);
RESET ROLE;
ALTER ROLE entry_writer RENAME TO entry_renamed;
SET ROLE entry_renamed;
INSERT INTO t VALUES (14);
INSERT INTO t VALUES (15);
RESET ROLE;
SELECT role, sum(row_count) FROM energyledger.entry WHERE relation = 'entry_test.t' AND role LIKE 'entry%' GROUP BY 1 ORDER BY 1;
REVOKE ALL ON t FROM entry_renamed;
REVOKE ALL ON SCHEMA entry_test FROM entry_renamed;
DROP ROLE entry_renamed;
