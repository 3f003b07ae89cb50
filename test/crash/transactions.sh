#!/bin/bash
# transactions.sh: a ledger through everything that can end a transaction early, and
# through the readers of WAL.
#
# Writers are cancelled and terminated at random moments, statements time out in the
# middle of COPY and COMMIT, a backend and the sealer are killed so hard that the
# server restarts itself, the disk is full for the log.  Afterwards there is a row
# for every acknowledged commit, none from any other, and verify() finds nothing.
# A logical decoder sees a transaction's rows and its entries together.

# A mount namespace of its own, so that a small file system goes with the script.
if [ -z "${EL_OWN_MOUNTS:-}" ]; then
	EL_OWN_MOUNTS=no
	[ "$(id -u)" = 0 ] && unshare -m true 2> /dev/null && EL_OWN_MOUNTS=yes
	export EL_OWN_MOUNTS
	[ $EL_OWN_MOUNTS = no ] || exec unshare -m bash "$0" "$@"
fi
. "$(dirname "$0")/../lib.sh"

SEED=${SEED:-$RANDOM}
RANDOM=$SEED
STRIKES=${STRIKES:-60}
echo "# SEED=$SEED STRIKES=$STRIKES"

el_begin transactions
el_cluster main "fsync = off" "wal_level = logical" "max_wal_senders = 5" "max_replication_slots = 5" \
	"energyledger.seal_interval = 50" "deadlock_timeout = 50ms"
el_psql -o /dev/null <<'SQL'
SET client_min_messages = warning;
CREATE EXTENSION pg_energyledger;
CREATE TABLE t (writer int, n bigint, pad text, PRIMARY KEY (writer, n)) USING ledger;
CREATE TABLE side (writer int, n bigint) USING ledger;
-- a deferred trigger writes at commit, in another ledger table
CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO side VALUES (NEW.writer, NEW.n);
	RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION late();
SELECT energyledger.seal();
SQL

findings()
{
	el_psql -c "SET client_min_messages = warning" -c "SELECT count(*) FROM energyledger.verify()"
}

astray()
{
	el_psql -c "SELECT count(*) FROM (SELECT e.first_id FROM energyledger.entry e
		LEFT JOIN energyledger.leaf l ON l.kind = 1 AND l.ref = e.first_id GROUP BY 1 HAVING count(l.ref) <> 1) x"
}

# ---- cancelled and terminated at any moment

# writer W: commits rows and notes the acknowledged ones; connects again when it is thrown out.
writer()
{
	local w=$1 n=0 out

	while [ ! -f "$EL_TMP/enough" ]; do
		n=$((n + 1))
		case $((n % 5)) in
			0) sql="INSERT INTO t SELECT $w, $n * 1000 + g, repeat('y', 50) FROM generate_series(1, 600) g" ;;
			1) sql="BEGIN; INSERT INTO t VALUES ($w, $n * 1000 + 1); SAVEPOINT a; INSERT INTO t VALUES ($w, -$n); ROLLBACK TO a; COMMIT" ;;
			2) sql="BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT count(*) FROM side WHERE writer = $w; INSERT INTO t VALUES ($w, $n * 1000 + 1); COMMIT" ;;
			3) sql="SET statement_timeout = $((RANDOM % 20 + 1)); INSERT INTO t SELECT $w, $n * 1000 + g FROM generate_series(1, 3000) g" ;;
			4) sql="INSERT INTO t VALUES ($w, $n * 1000 + 1) ON CONFLICT DO NOTHING" ;;
		esac
		# psql's status says whether COMMIT was acknowledged
		if "$EL_BIN/psql" -X -qAt -v ON_ERROR_STOP=1 -o /dev/null -c "SET application_name = 'writer'" \
			-c "SET client_min_messages = error" -c "$sql" 2>> "$EL_TMP/log/writers"; then
			echo "$w,$((n * 1000 + 1))" >> "$EL_TMP/acknowledged.$w"
		fi
	done
}

jobs=()
for w in 1 2 3 4; do
	writer $w &
	jobs+=($!)
done
for ((i = 0; i < STRIKES; i++)); do
	el_psql -o /dev/null -c "SELECT CASE (random() * 2)::int WHEN 0 THEN pg_terminate_backend(pid) ELSE pg_cancel_backend(pid) END
		FROM pg_stat_activity WHERE application_name = 'writer' ORDER BY random() LIMIT 2" || true
	sleep "0.0$((RANDOM % 9 + 1))"
done
touch "$EL_TMP/enough"
wait "${jobs[@]}" 2> /dev/null
cat "$EL_TMP"/acknowledged.* > "$EL_TMP/acknowledged"
echo "# $(wc -l < "$EL_TMP/acknowledged") transactions acknowledged, $(grep -c 'ERROR\|FATAL' "$EL_TMP/log/writers") ended early"
el_ok "some were ended early, some were not" test "$(grep -c 'ERROR\|FATAL' "$EL_TMP/log/writers")" -gt 5 -a "$(wc -l < "$EL_TMP/acknowledged")" -gt 20
el_is "nothing acknowledged is lost" "$(el_psql -c "CREATE TEMP TABLE told (writer int, n bigint)" \
	-c "\\copy told FROM '$EL_TMP/acknowledged' (FORMAT csv)" \
	-c "SELECT count(*) FROM told LEFT JOIN t USING (writer, n) WHERE t.n IS NULL")" 0
el_is "what was rolled back to a savepoint is not there" "$(el_psql -c "SELECT count(*) FROM t WHERE n < 0")" 0
el_is "what the deferred trigger wrote is there, with its row" \
	"$(el_psql -c "SELECT count(*) FROM t FULL JOIN side USING (writer, n) WHERE t.writer IS NULL OR side.writer IS NULL")" 0
el_psql -c "SELECT energyledger.seal()" > /dev/null
el_is "no finding" "$(findings)" 0
el_is "every entry is in the log once" "$(astray)" 0

# ---- killed so that the server restarts itself: a writer in COPY, the sealer

restarts()
{
	grep -c 'all server processes terminated; reinitializing' "$EL_PGLOG"
}
restarted()
{
	[ "$(restarts)" -gt "$1" ] && el_psql -c "SELECT 1"
}

before=$(restarts)
{
	echo "COPY t (writer, n) FROM stdin;"
	for ((n = 1; n <= 3000; n++)); do printf '9\t%d\n' "$n"; done
	sleep 3
	echo '\.'
} | "$EL_BIN/psql" -X -q > /dev/null 2>&1 &
copying()
{
	[ -n "$(el_psql -c "SELECT pid FROM pg_stat_activity WHERE query LIKE 'COPY t (writer, n)%' AND state = 'active'")" ]
}
el_ok "a COPY is on its way" el_wait 10 copying
kill -KILL "$(el_psql -c "SELECT pid FROM pg_stat_activity WHERE query LIKE 'COPY t (writer, n)%' AND state = 'active'")"
el_ok "its backend killed: the server starts itself again" el_wait 20 restarted "$before"
wait $! 2> /dev/null
el_is "nothing of it is there" "$(el_psql -c "SELECT count(*) FROM t WHERE writer = 9")" 0
el_is "no finding" "$(findings)" 0
before=$(restarts)
el_psql -c "INSERT INTO t VALUES (10, 1)" -c "SELECT energyledger.seal()" > /dev/null
kill -KILL "$(el_psql -c "SELECT pid FROM pg_stat_activity WHERE backend_type = 'energyledger sealer'")"
el_ok "the sealer killed: the server starts itself again" el_wait 20 restarted "$before"
el_psql -c "INSERT INTO t VALUES (10, 2)"
el_ok "and seals on" el_run 20 "$EL_BIN/psql" -X -qAt -o /dev/null -c "SELECT energyledger.seal()"
el_is "no finding after that" "$(findings)" 0
el_is "every entry is in the log once after that" "$(astray)" 0

# ---- logical decoding: rows and their entries, in one transaction

el_psql -o /dev/null -c "SELECT pg_create_logical_replication_slot('watch', 'test_decoding')"
el_psql -c "BEGIN; INSERT INTO side VALUES (20, 1), (20, 2); SAVEPOINT s; INSERT INTO side VALUES (20, 3); ROLLBACK TO s; INSERT INTO side VALUES (20, 4); COMMIT"
xid=$(el_psql -c "SELECT max(xid::text::bigint) FROM energyledger.entry WHERE relation = 'public.side'")
changes()
{
	el_psql -c "SELECT regexp_replace(data, '^table ([^:]*): INSERT:.*', '\\1') FROM pg_logical_slot_peek_changes('watch', NULL, NULL)
		WHERE xid::text = '$xid' AND data LIKE 'table%'" | sort | uniq -c | sed 's/^ *//' | paste -sd, -
}
el_is "a decoder sees rows and entry of one transaction together" "$(changes)" "1 energyledger.entry,3 public.side"
el_is "the rows with their ids" "$(el_psql -c "SELECT count(*) FROM pg_logical_slot_peek_changes('watch', NULL, NULL) c JOIN side s
	ON c.data LIKE '%n[bigint]:' || s.n || ' ledger_id[bigint]:' || s.ledger_id WHERE s.writer = 20")" 3
el_psql -o /dev/null -c "SELECT pg_drop_replication_slot('watch')"

# ---- no room for the log: the transaction fails, the table is as before

if [ "$EL_OWN_MOUNTS" = yes ] && mkdir "$EL_TMP/small" && mount -t tmpfs -o size=1m,mode=0777 tmpfs "$EL_TMP/small" 2> /dev/null; then
	mkdir "$EL_TMP/small/ts"
	chown "$EL_SERVER_USER" "$EL_TMP/small/ts"
	chmod 700 "$EL_TMP/small/ts"
	el_psql -c "CREATE DATABASE full_disk"
	el_psql -c "CREATE TABLESPACE small LOCATION '$EL_TMP/small/ts'"
	el_psql -d full_disk -o /dev/null -c "SET client_min_messages = warning" -c "CREATE EXTENSION pg_energyledger" \
		-c "CREATE TABLE f (n bigint) USING ledger" -c "INSERT INTO f VALUES (0)" -c "SELECT energyledger.seal()" \
		-c "ALTER TABLE energyledger.entry SET TABLESPACE small"
	stored=0
	for ((i = 0; i < 400; i++)); do
		el_psql -d full_disk -o /dev/null -c "INSERT INTO f SELECT g FROM generate_series(1, 1000) g" 2> "$EL_TMP/full.log" || break
		stored=$((stored + 1000))
	done
	el_ok "COMMIT fails where the log has no room" grep -q 'No space left on device\|could not extend' "$EL_TMP/full.log"
	el_is "the rows of the failed transaction are not there" "$(el_psql -d full_disk -c "SELECT count(*) FROM f")" $((stored + 1))
	el_psql -d full_disk -c "ALTER TABLE energyledger.entry SET TABLESPACE pg_default"
	el_psql -d full_disk -c "INSERT INTO f VALUES (-1)"
	el_psql -d full_disk -c "SELECT energyledger.seal()" > /dev/null
	el_is "with room again it goes on, no finding" "$(el_psql -d full_disk -c "SET client_min_messages = warning" -c "SELECT count(*) FROM energyledger.verify()")" 0
	el_psql -c "DROP DATABASE full_disk" -c "DROP TABLESPACE small"
	umount "$EL_TMP/small"
else
	el_skip "no room for the log" "a small file system cannot be mounted here"
fi
el_done
