#!/bin/bash
# writers.sh: sixteen writers with savepoints, rollbacks, runs of many rows and
# transactions of seconds, while blocks are sealed all the time: every entry is in
# the log exactly once, whatever began, wrote and committed in which order.
#
# Blocks take what their snapshot shows and find it by a floor of ids; a floor that is
# wrong by one transaction shows here and hardly anywhere else.

cd "$(dirname "$0")/../.." || exit 1
. test/lib.sh

PHASE_SECONDS=${PHASE_SECONDS:-8}

el_begin writers
el_stage
# Blocks as fast as they can be made: ten times as many chances to miss something.
el_cluster writers "energyledger.seal_interval = 100ms" "fsync = off"
el_psql -c "CREATE EXTENSION pg_energyledger" \
	-c "CREATE TABLE a (n int, note text) USING ledger" -c "CREATE TABLE b (n int) USING ledger"

cat > "$EL_TMP/short.sql" <<'SQL'
INSERT INTO a (n, note) VALUES (1, 'short');
SQL
cat > "$EL_TMP/mixed.sql" <<'SQL'
\set rows random(1, 1500)
\set pause random(0, 30)
BEGIN;
INSERT INTO a (n) SELECT g FROM generate_series(1, :rows) g;
SAVEPOINT s;
INSERT INTO b (n) SELECT g FROM generate_series(1, :rows) g;
INSERT INTO a (n) VALUES (-1);
ROLLBACK TO s;
INSERT INTO b (n) VALUES (2);
\sleep :pause ms
SAVEPOINT s2;
INSERT INTO a (n) VALUES (3);
RELEASE s2;
COMMIT;
SQL
cat > "$EL_TMP/undone.sql" <<'SQL'
BEGIN;
INSERT INTO a (n) VALUES (-2);
\sleep 5 ms
ROLLBACK;
SQL
cat > "$EL_TMP/long.sql" <<'SQL'
\set pause random(1000, 4000)
BEGIN;
INSERT INTO b (n) VALUES (4);
\sleep :pause ms
INSERT INTO a (n) VALUES (5);
COMMIT;
SQL

run()
{
	local clients=$1 script=$2

	"$EL_BIN/pgbench" -n -c "$clients" -j 1 -T "$PHASE_SECONDS" -f "$EL_TMP/$script.sql" > "$EL_TMP/$script.out" 2>&1
}

# together CLIENTS SCRIPT...: all at once; counts those that met an error.
failed=0
together()
{
	local pids=() pid

	while [ $# -gt 0 ]; do
		run "$1" "$2" & pids+=($!)
		shift 2
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || failed=$((failed + 1))
	done
}

# Short ones alone too: a transaction that stays open holds the floor down for all.
together 8 short 4 mixed 1 undone 3 long
together 16 short
el_is "no writer met an error" "$failed" 0
el_psql -c "SELECT energyledger.seal()" > /dev/null

# Joins of whole tables whose sizes the planner cannot guess: never by nested loops.
one() { el_psql -c "SET client_min_messages = warning" -c "SET enable_nestloop = off" -c "$1"; }
el_ok "there were many blocks" [ "$(one "SELECT count(*) FROM energyledger.block")" -ge 20 ]
el_is "every entry is in the log once" "$(one "
	SELECT count(*) FROM (
		SELECT e.first_id FROM energyledger.entry e LEFT JOIN energyledger.leaf l ON l.kind = 1 AND l.ref = e.first_id
		 GROUP BY 1 HAVING count(l.ref) <> 1) x")" 0
el_is "every row is in an entry" "$(one "
	SELECT (SELECT sum(row_count) FROM energyledger.entry WHERE relation = 'public.a') = (SELECT count(*) FROM a)
	   AND (SELECT sum(row_count) FROM energyledger.entry WHERE relation = 'public.b') = (SELECT count(*) FROM b)")" t
el_is "what was undone is nowhere" "$(one "SELECT count(*) FROM a WHERE n < 0")" 0
el_ok "runs were interleaved and some had gaps" [ "$(one "
	SELECT count(*) FROM energyledger.entry WHERE last_id - first_id + 1 > row_count")" -ge 1 ]
el_is "verify finds nothing" "$(one "SELECT * FROM energyledger.verify()")" ""
el_done
