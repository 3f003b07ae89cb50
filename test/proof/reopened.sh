#!/bin/bash
# reopened.sh: receipts across incarnations that share their transaction ids.
#
# A transaction that was prepared before the log was reopened is an entry of the older
# incarnation, and is sealed by the newer one when it commits: not by its first block.
# Its row's receipt must lead to the block that took it.

. "$(dirname "$0")/../lib.sh"

el_begin reopened
el_cluster main "fsync = off" "max_prepared_transactions = 5" "energyledger.seal_interval = 0"
el_psql -o /dev/null <<'SQL'
SET client_min_messages = warning;
CREATE EXTENSION pg_energyledger;
CREATE TABLE t (n int) USING ledger;
INSERT INTO t VALUES (1);
SELECT energyledger.seal();
BEGIN;
INSERT INTO t VALUES (2);
PREPARE TRANSACTION 'late';
INSERT INTO t VALUES (3);
SELECT energyledger.reopen('a test');
SELECT energyledger.seal();
INSERT INTO t VALUES (4);
SELECT energyledger.seal();
COMMIT PREPARED 'late';
INSERT INTO t VALUES (5);
SELECT energyledger.seal();
INSERT INTO t VALUES (6);
SELECT energyledger.seal();
SQL
el_is "two incarnations" "$(el_psql -c "SELECT max(incarnation) FROM energyledger.site")" 2
el_is "the prepared row's entry is of the first" "$(el_psql -c "SELECT e.incarnation FROM energyledger.entry e JOIN t ON ledger_id = first_id WHERE n = 2")" 1
el_is "and was taken by a later block of the second than the row written after it" "$(el_psql -c "SELECT a.leaf_index > b.leaf_index
	FROM energyledger.leaf a, energyledger.leaf b, t x, t y WHERE a.kind = 1 AND a.ref = x.ledger_id AND x.n = 2 AND b.kind = 1 AND b.ref = y.ledger_id AND y.n = 4")" t
el_is "each row's place in the log is found" "$(el_psql -c "SELECT count(*) FROM t JOIN energyledger.leaf l ON l.kind = 1 AND l.ref = ledger_id WHERE energyledger.log_index(ledger_id) = l.leaf_index")" 6
el_is "every receipt verifies with the key of now" "$(el_psql -c "SELECT count(*) FROM t WHERE energyledger.verify_receipt(energyledger.receipt(ledger_id), energyledger.site_vkey())")" 6
el_is "no finding" "$(el_psql -c "SET client_min_messages = warning" -c "SELECT count(*) FROM energyledger.verify()")" 0
el_done
