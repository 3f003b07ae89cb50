#!/bin/bash
# crash.sh: a ledger is as durable as the transaction it is in.
#
# Eight writers and a sealer run while the server is taken away, by SIGKILL of the
# postmaster or by an immediate stop, over and over.  A writer notes a row only once
# its commit is acknowledged.  Afterwards every noted row is there once, verify()
# finds nothing, the blocks chain on under one incarnation, every entry is in the
# log once, and no id was given twice.  Prepared transactions outlive the same.

. "$(dirname "$0")/../lib.sh"

ROUNDS=${ROUNDS:-5}
WRITERS=8
SEED=${SEED:-$RANDOM}
RANDOM=$SEED
echo "# SEED=$SEED ROUNDS=$ROUNDS"

el_begin crash
# fsync = off loses nothing here: the server dies, the operating system does not.
el_cluster main "fsync = off" "max_prepared_transactions = 10" "energyledger.seal_interval = 100" "restart_after_crash = off"
el_psql -o /dev/null <<'SQL'
SET client_min_messages = warning;
CREATE EXTENSION pg_energyledger;
CREATE TABLE t (writer int, n bigint, pad text, PRIMARY KEY (writer, n)) USING ledger;
CREATE TABLE side (writer int, n bigint) USING ledger;
SELECT energyledger.seal();
SQL

# writer W FIRST: commits rows W, FIRST, FIRST+1 ... and prints each once it is
# acknowledged: psql prints a statement's result only when COMMIT has answered.
writer()
{
	local w=$1 n=$2

	while :; do
		case $((n % 4)) in
			0) echo "INSERT INTO t VALUES ($w, $n, repeat('x', $n % 900)); SELECT '$w,$n';" ;;
			1) echo "BEGIN; INSERT INTO t VALUES ($w, $n, 'a'); SAVEPOINT s; INSERT INTO t VALUES ($w, -$n, 'undone'); ROLLBACK TO s;" \
				"INSERT INTO side VALUES ($w, $n); COMMIT; SELECT '$w,$n';" ;;
			2) echo "BEGIN; INSERT INTO t VALUES ($w, -$n, 'undone'); ROLLBACK; INSERT INTO t VALUES ($w, $n, NULL); SELECT '$w,$n';" ;;
			3) echo "BEGIN; INSERT INTO side SELECT $w, -g FROM generate_series(1, CASE $((n % 64)) WHEN 3 THEN 1500 ELSE 5 END) g; INSERT INTO t VALUES ($w, $n, 'b');" \
				"COMMIT; SELECT '$w,$n';" ;;
		esac
		n=$((n + 1))
	done | "$EL_BIN/psql" -X -qAt -v ON_ERROR_STOP=1 >> "$EL_TMP/acknowledged.$w" 2>> "$EL_TMP/log/writers"
}

sealing()
{
	while "$EL_BIN/psql" -X -qAt -c "SELECT energyledger.seal()" >> "$EL_TMP/heights" 2>> "$EL_TMP/log/writers"; do
		sleep 0.05
	done
}

take_away()
{
	local pid

	pid=$(head -1 "$EL_PGDATA/postmaster.pid")
	if [ $((round % 2)) = 1 ]; then
		echo "# SIGKILL"
		kill -KILL "$pid"
		# its children end when they see it gone, and the data directory is free
		while el_as_server "$EL_BIN/pg_ctl" -D "$EL_PGDATA" status > /dev/null; do sleep 0.05; done
		sleep 0.5
	else
		echo "# immediate stop"
		el_cluster_stop immediate
	fi
}

findings()
{
	el_psql -c "SET client_min_messages = warning" -c "SELECT count(*) FROM energyledger.verify()"
}

# Rows that a writer was told of and that are not there, or are there twice.
lost()
{
	cat "$EL_TMP"/acknowledged.* > "$EL_TMP/acknowledged"
	el_psql -c "CREATE TEMP TABLE told (writer int, n bigint)" -c "\\copy told FROM '$EL_TMP/acknowledged' (FORMAT csv)" \
		-c "SELECT count(*) FROM told LEFT JOIN t USING (writer, n) WHERE t.n IS NULL"
}

# Entries that are not in the log exactly once.
astray()
{
	el_psql -c "SELECT count(*) FROM (SELECT e.first_id FROM energyledger.entry e
		LEFT JOIN energyledger.leaf l ON l.kind = 1 AND l.ref = e.first_id GROUP BY 1 HAVING count(l.ref) <> 1) x"
}

height=0
for ((round = 1; round <= ROUNDS; round++)); do
	el_progress "crash: round $round of $ROUNDS"
	jobs=()
	for ((w = 1; w <= WRITERS; w++)); do
		writer $w $((round * 1000000)) &
		jobs+=($!)
	done
	sealing &
	jobs+=($!)
	sleep "1.$((RANDOM % 10))"
	take_away
	wait "${jobs[@]}" 2> /dev/null
	el_cluster_start
	el_is "round $round: nothing acknowledged is lost" "$(lost)" 0
	el_is "round $round: no finding" "$(findings)" 0
	newest=$(el_psql -c "SELECT max(height) FROM energyledger.block")
	el_ok "round $round: no sealed block is lost" test "$newest" -ge "$(tail -1 "$EL_TMP/heights")"
	el_ok "round $round: blocks went on" test "$newest" -gt "$height"
	height=$newest
done

echo "# $(wc -l < "$EL_TMP/acknowledged") rows acknowledged, $height blocks"
el_ok "writers wrote" test "$(wc -l < "$EL_TMP/acknowledged")" -gt 100
el_is "nothing that was rolled back" "$(el_psql -c "SELECT count(*) FROM t WHERE n < 0")" 0
el_psql -c "SELECT energyledger.seal()" > /dev/null
el_is "no finding after the last seal" "$(findings)" 0
el_is "every entry is in the log once" "$(astray)" 0
el_is "no leaf twice, none left out" "$(el_psql -c "SELECT count(*) - count(DISTINCT (kind, ref)), max(leaf_index) + 1 - count(*) FROM energyledger.leaf")" "0|0"
el_is "blocks count on by one" "$(el_psql -c "SELECT max(height) - count(*) FROM energyledger.block")" 0
el_is "in one incarnation" "$(el_psql -c "SELECT count(*) FROM energyledger.site")" 1
el_is "no id twice" "$(el_psql -c "SELECT count(*) - count(DISTINCT ledger_id) FROM (SELECT ledger_id FROM t UNION ALL SELECT ledger_id FROM side) x")" 0

# ---- prepared transactions

el_psql <<'SQL'
BEGIN;
INSERT INTO t VALUES (100, 1, 'prepared'), (100, 2, 'prepared');
SAVEPOINT s;
INSERT INTO t VALUES (100, -3, 'undone');
ROLLBACK TO s;
PREPARE TRANSACTION 'kept';
BEGIN;
INSERT INTO t VALUES (100, 4, 'prepared');
PREPARE TRANSACTION 'dropped';
BEGIN;
CREATE TABLE born (a int) USING ledger;
INSERT INTO born VALUES (1);
PREPARE TRANSACTION 'table';
INSERT INTO t VALUES (100, 5, 'later, and sealed before');
SQL
el_psql -c "SELECT energyledger.seal()" > /dev/null
el_cluster_stop immediate
el_cluster_start
el_is "while they are prepared: no finding" "$(findings)" 0
el_psql -c "INSERT INTO t VALUES (100, 6, 'after the restart')"
el_psql -c "SELECT energyledger.seal()" > /dev/null
el_psql -c "COMMIT PREPARED 'kept'" -c "ROLLBACK PREPARED 'dropped'" -c "COMMIT PREPARED 'table'"
el_psql -c "SELECT energyledger.seal()" > /dev/null
el_is "committed, they are there; rolled back, not" \
	"$(el_psql -c "SELECT array_agg(n ORDER BY n) FROM t WHERE writer = 100")" "{1,2,5,6}"
el_is "and sealed" "$(astray)" 0
el_psql -c "INSERT INTO born VALUES (2)"
el_is "no finding after them" "$(findings)" 0

# ---- a sealer that dies is replaced, and a launcher

kill_worker()
{
	local pid

	pid=$(el_psql -c "SELECT pid FROM pg_stat_activity WHERE backend_type = '$1'")
	el_psql -c "SELECT pg_terminate_backend($pid)" > /dev/null
	el_psql -c "INSERT INTO t VALUES (101, $pid, '$1')"
	el_ok "the $1 was ended: seal() works on" el_run 20 "$EL_BIN/psql" -X -qAt -o /dev/null -c "SELECT energyledger.seal()"
}
kill_worker "energyledger sealer"
kill_worker "energyledger sealer"
kill_worker "energyledger launcher"
el_is "no finding at the end" "$(findings)" 0
el_done
