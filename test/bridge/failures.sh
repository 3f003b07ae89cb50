#!/bin/bash
# failures.sh: what goes wrong around the bridge: a broker whose queue is full, one that
# forgets, a database that is slow, hangs or has no room left; and how much memory the
# bridge takes while nothing moves.

. "$(dirname "$0")/../lib.sh"

el_begin failures
el_stage
METER=$EL_BIN/energyledger-meter

# The database's tables have a small disk of their own, where root can make one.
disk=
if [ "$(id -u)" = 0 ]; then
	disk=$EL_TMP/disk
	mkdir "$disk"
	if mount -t tmpfs -o size=96m none "$disk" 2> /dev/null; then
		# the script's status is what el_end passes on
		trap 'status=$?; umount -l "$disk"; (exit $status); el_end' EXIT
		mkdir "$disk/tables"
		chown "$EL_SERVER_USER" "$disk/tables"
	else
		disk=
	fi
fi
el_cluster failures "max_wal_size = 64MB" "checkpoint_timeout = 30s"
if [ -n "$disk" ]; then
	el_psql -c "CREATE TABLESPACE small LOCATION '$disk/tables'" -c "CREATE DATABASE ledger TABLESPACE small"
else
	el_psql -c "CREATE DATABASE ledger"
fi
export PGDATABASE=ledger
el_psql -c "CREATE EXTENSION pg_energyledger"
vkey=$(el_psql -c "SELECT energyledger.site_vkey()")
mqtt=()
lines() { grep -cE -- "$1" "$EL_BRIDGE_LOG"; }
logged() { grep -qE -- "$1" "$EL_BRIDGE_LOG"; }
stored() { el_psql -c "SELECT count(*) FROM energyledger.message WHERE meter LIKE '$1%'"; }
is_stored() { [ "$(stored "$1")" = "$2" ]; }

# fleet NAME METERS: registered; send NAME METERS ARG...
fleet() { "$METER" --register --seed "$1" --prefix "$1-" --meters "$2" | el_psql -f - > /dev/null; }
send()
{
	"$METER" --broker "127.0.0.1:$EL_MQTT_PORT" --seed "$1" --prefix "$1-" --meters "$2" --client-id "meters-$1" \
		--site-vkey "$vkey" --resend-after-ms 1000 --timeout-s 90 --quiet "${@:3}"
}

# ---------------------------------------------------------------- the broker's queue is full

el_broker "max_queued_messages 50" "sys_interval 1"
mqtt=(-V 5 -h 127.0.0.1 -p "$EL_MQTT_PORT")
fleet full 4
el_bridge_start --backoff-ms-max 500
el_bridge_stop TERM
send full 4 & sender=$!
sleep 3		# all are sent, and all but 50 thrown away
el_bridge_start --backoff-ms-max 500
wait $sender
el_is "broker full: every meter gets its receipts" $? 0
el_ok "broker full: all are stored" is_stored full 384
el_ok "broker full: the bridge sees that, and says so" el_wait 10 logged 'broker_drops: .* dropped=[0-9]+'
sleep 2
el_is "broker full: once" "$(lines broker_drops)" 1

# ---------------------------------------------------------------- the broker forgets

fleet forget 4
send forget 4 --rate 150 & sender=$!
sleep 1
el_broker_stop KILL 2> /dev/null
rm -f "$EL_MQTT_DIR"/*.db*
el_broker_start
wait $sender
el_is "broker without its state: every meter gets its receipts" $? 0
el_ok "broker without its state: all are stored" is_stored forget 384
el_is "broker without its state: said once" "$(lines 'session_lost: the broker has lost our session')" 1
el_bridge_stop TERM
el_broker_stop TERM
rm -rf "$EL_MQTT_DIR"
el_broker

# ---------------------------------------------------------------- a slow database

# slow SECONDS: what one call of ingest() takes longer from now on; 0: as before.
slow()
{
	el_psql <<-SQL
		SET client_min_messages = warning;
		CREATE TABLE IF NOT EXISTS patience (seconds float8);
		GRANT SELECT ON patience TO PUBLIC;
		TRUNCATE patience;
		INSERT INTO patience VALUES ($1);
		DO \$\$ BEGIN
		IF to_regprocedure('energyledger.ingest_sound(bytea[], text[])') IS NULL THEN
			-- in the catalog, as ALTER FUNCTION refuses it
			UPDATE pg_proc SET proname = 'ingest_sound' WHERE oid = 'energyledger.ingest(bytea[], text[])'::regprocedure;
			CREATE FUNCTION energyledger.ingest(messages bytea[], topics text[])
			RETURNS TABLE (ordinal int, verdict text, meter text, epoch bigint, seq bigint, reason text) LANGUAGE plpgsql AS
			\$f\$ BEGIN PERFORM pg_sleep(seconds) FROM patience; RETURN QUERY SELECT * FROM energyledger.ingest_sound(messages, topics); END \$f\$;
		END IF; END \$\$;
	SQL
}
fleet slow 4
el_bridge_start --backoff-ms-max 300 --database-timeout-ms 1500
losses=$(lines '(broker|database)_lost')
slow 0.4
send slow 4 --rate 200 & sender=$!
wait $sender
el_is "slow database: every meter gets its receipts" $? 0
el_ok "slow database: all are stored" is_stored slow 384
el_is "slow database: that is no loss of anybody" "$(lines '(broker|database)_lost')" "$losses"
fleet hang 2
slow 30
send hang 2 & sender=$!
sleep 7		# four tries and more, each given up
slow 0
wait $sender
el_is "hanging database: every meter gets its receipts" $? 0
el_is "hanging database: the loss is one line" "$(lines 'database_lost: .*(database_timeout_ms|statement timeout)')" 1
el_ok "hanging database: and one when it is back" test "$(lines database_up)" = "$(($(lines database_lost) + $(lines 'info starting')))"
el_is "hanging database: no loss of the broker" "$(lines broker_lost)" 1
el_bridge_stop TERM

# ---------------------------------------------------------------- no room left

fleet disk 4
el_bridge_start --backoff-ms-max 500
if [ -n "$disk" ]; then
	head -c 200M /dev/zero > "$disk/ballast" 2> /dev/null
	full=$(df --output=avail "$disk" | tail -1 | tr -d ' ')
	el_is "disk full: it is" "$full" 0
	room() { rm -f "$disk/ballast"; }
	why='No space left on device'
else
	# Not root: the bridge's server process may write no file beyond 64 kB, which its
	# kernel refuses as it would a full disk.
	backend=$(el_psql -c "SELECT pid FROM pg_stat_activity WHERE application_name = 'energyledger-bridge'")
	prlimit --pid "$backend" --fsize=65536:
	room() { prlimit --pid "$backend" --fsize=unlimited: 2> /dev/null; true; }
	why='File too large'
fi
send disk 4 --readings-per-message 1 --days 8 & sender=$!
el_ok "disk full: the log says why" el_wait 40 logged "database_lost: .*$why"
sleep 5
quarantined=$(el_psql -c "SELECT count(*) FROM energyledger.quarantine" 2> /dev/null)
el_is "disk full: one line, whatever the tries" "$(lines 'database_lost.*(No space|File too)')" 1
el_is "disk full: no message is taken for a bad one" "$quarantined" 0
room
wait $sender
el_is "disk full: once there is room, every meter gets its receipts" $? 0
el_ok "disk full: all are stored" is_stored disk 3072
el_bridge_stop TERM

# ---------------------------------------------------------------- bounded memory

el_bridge_start --batch-bytes-max 4194304 --batch-messages-max 100 --keepalive-s 60
hwm() { awk '/VmHWM/ { print $2 }' "/proc/$EL_BRIDGE_PID/status"; }
before=$(hwm)
el_psql -c "BEGIN" -c "LOCK TABLE energyledger.quarantine IN SHARE MODE" -c "SELECT pg_sleep(6)" > /dev/null 2>&1 & lock=$!
head -c 1000000 /dev/zero | tr '\0' x > "$EL_TMP/large"
for ((i = 0; i < 40; i++)); do
	echo "$i" >> "$EL_TMP/large"
	mosquitto_pub -V 5 -h 127.0.0.1 -p "$EL_MQTT_PORT" -q 1 -t el/v1/local/0/nobody/up/reading -f "$EL_TMP/large"
done
large() { [ "$(el_psql -c "SELECT count(*) FROM energyledger.quarantine WHERE reason = 'too_large'")" = 40 ]; }
wait $lock
el_ok "memory: 40 MB come through 4 MB" el_wait 30 large
el_ok "memory: at most 5 x (batch_bytes_max + 1 MiB) more than idle: $(($(hwm) - before)) kB" test $(($(hwm) - before)) -le $((5 * 5 * 1024))
el_bridge_stop TERM
el_is "the last bridge ends with 0" $? 0
el_is "no bridge lost count" "$(lines 'do not add up')" 0
el_psql -c "SELECT energyledger.seal()" > /dev/null
el_is "the ledger is intact" "$(el_psql -c "SET client_min_messages = warning" -c "SELECT count(*) FROM energyledger.verify()")" 0

# ---------------------------------------------------------------- no room for WAL

# PostgreSQL does not survive that: it stops, and cannot start before there is room.
if [ -n "$disk" ]; then
	el_cluster_stop fast
	rm -rf "${disk:?}"/*
	export PGDATABASE=postgres
	el_cluster_init wal "max_wal_size = 48MB" "min_wal_size = 32MB"
	mv "$EL_PGDATA/pg_wal" "$disk/wal"
	ln -s "$disk/wal" "$EL_PGDATA/pg_wal"
	el_cluster_start
	el_psql -c "CREATE EXTENSION pg_energyledger"
	vkey=$(el_psql -c "SELECT energyledger.site_vkey()")
	fleet wal 4
	: > "$EL_BRIDGE_LOG"
	el_bridge_start --backoff-ms-max 500
	send wal 4 --rate 100 --days 2 & sender=$!
	some() { [ "$(stored wal)" -gt 50 ]; }
	el_wait 20 some
	head -c 200M /dev/zero > "$disk/ballast" 2> /dev/null
	# From segment to segment, until there is no room for another.
	switched() { ! el_psql -c "SELECT pg_switch_wal()" -c "SELECT txid_current()" > /dev/null 2>&1; }
	el_ok "WAL disk full: PostgreSQL stops over it" el_wait 20 switched
	el_ok "WAL disk full: it says why" el_wait 10 grep -q 'PANIC.*No space left on device' "$EL_PGLOG"
	el_ok "WAL disk full: the bridge sees it go" el_wait 20 logged 'database_lost'
	sleep 4
	el_is "WAL disk full: one line, whatever the tries" "$(lines database_lost)" 1
	rm -f "$disk/ballast"
	el_as_server "$EL_BIN/pg_ctl" -D "$EL_PGDATA" status > /dev/null || el_cluster_start
	wait $sender
	el_is "WAL disk full: once there is room, every meter gets its receipts" $? 0
	el_is "WAL disk full: all are stored, once" "$(el_psql -c "SELECT count(*), count(DISTINCT (meter, epoch, seq)) FROM energyledger.message")" "768|768"
	el_is "WAL disk full: no message is taken for a bad one" "$(el_psql -c "SELECT count(*) FROM energyledger.quarantine")" 0
	el_bridge_stop TERM
	el_psql -c "SELECT energyledger.seal()" > /dev/null
	el_is "WAL disk full: the ledger is intact" "$(el_psql -c "SET client_min_messages = warning" -c "SELECT count(*) FROM energyledger.verify()")" 0
	el_cluster_stop fast
else
	el_skip "WAL disk full" "only root can make a small disk"
fi
el_done
