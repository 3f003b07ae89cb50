#!/bin/bash
# bridge.sh: energyledger-bridge by itself: its settings, what it does with wrong
# messages, when it acknowledges, what happens when broker or database go away, how
# it ends, and whether it can count.

. "$(dirname "$0")/../lib.sh"

el_begin bridge
el_stage
BRIDGE=$EL_BIN/energyledger-bridge
METER=$EL_BIN/energyledger-meter
conf=$EL_TMP/bridge.conf

# ---------------------------------------------------------------- settings

# try ARG...: output in $said, status in $status.
try()
{
	said=$(timeout 10 "$BRIDGE" "$@" 2>&1 < /dev/null)
	status=$?
}

# refuses NAME TEXT ARG...: exit 1, and TEXT is in what it says.
refuses()
{
	local name=$1 text=$2

	shift 2
	try "$@" --test-config
	el_is "$name: exit status" "$status" 1
	el_ok "$name: says why" grep -qF -- "$text" <<< "$said" || sed 's/^/# /' <<< "$said"
}

try --help
el_ok "--help lists a setting" grep -q -- '--batch-messages-max' <<< "$said"
try --version
el_ok "--version" grep -qE '^energyledger-bridge [0-9]+\.[0-9]+' <<< "$said"
try --config "$EL_ROOT/mqtt_bridge/energyledger-bridge.conf.example" --test-config
el_is "the example file is a good configuration" "$status|$said" "0|"
try --config "$EL_ROOT/mqtt_bridge/energyledger-bridge.conf.example" --linger-ms 7 --test-config
el_is "a flag overrides the file" "$status" 0

printf '# comment\n\nlinger_ms = 5\nlinger = 5\n' > "$conf"
refuses "unknown key" 'line 4: unknown key "linger"' --config "$conf"
printf 'linger_ms 5\n' > "$conf"
refuses "no equals sign" 'line 1: expected "key = value"' --config "$conf"
printf 'broker_port = 1883x\n' > "$conf"
refuses "not a number" 'broker_port must be a whole number from 1 to 65535' --config "$conf"
printf 'log_level = loud\n' > "$conf"
refuses "unknown level" 'log_level must be' --config "$conf"
printf 'tenant = a/b\n' > "$conf"
refuses "a tenant that is no topic level" 'tenant must be' --config "$conf"
printf 'conninfo = hots=localhost\n' > "$conf"
refuses "connection string libpq does not know" 'hots' --config "$conf"
printf 'conninfo = hots=localhost password=sesame\n' > "$conf"
refuses "connection string with a password" 'not a libpq connection string' --config "$conf"
el_ok "the password is not repeated" test -n "${said##*sesame*}"
refuses "unknown option" 'unknown option --brokr-host' --brokr-host x
refuses "option without value" 'needs a value' --broker-host
refuses "password on the command line" 'can be read by every user' --broker-password=sesame
refuses "password in --conninfo" 'can be read by every user' --conninfo "password=sesame"
refuses "file that is not there" 'cannot read' --config "$EL_TMP/nowhere"
refuses "CA file that is not there" 'cannot read broker_cafile' --broker-cafile "$EL_TMP/nowhere"
refuses "certificate without key" 'need each other' --broker-cafile "$conf" --broker-certfile "$conf"
refuses "a batch longer than the keep-alive" 'keepalive_s' --keepalive-s 10 --database-timeout-ms 9000
ENERGYLEDGER_BRIDGE_BROKER_PASSWORD=sesame try --test-config
el_is "a password from the environment" "$status|$said" "0|"

# ---------------------------------------------------------------- messages

el_cluster bridge
el_broker "log_type debug"

el_as_server timeout 20 "$BRIDGE" --broker-port "$EL_MQTT_PORT" > "$EL_TMP/said" 2>&1
el_is "without the extension: exit status" $? 2
el_ok "without the extension: says what to do" grep -q 'CREATE EXTENSION pg_energyledger' "$EL_TMP/said"

el_psql -c "CREATE EXTENSION pg_energyledger"
el_bridge_start --backoff-ms-max 500
mqtt=(-V 5 -h 127.0.0.1 -p "$EL_MQTT_PORT")
pub() { mosquitto_pub "${mqtt[@]}" -q 1 "$@"; }
state() { mosquitto_sub "${mqtt[@]}" -t el/v1/bridge/bridge/state -C 1 -W 10; }
stored() { el_psql -c "SELECT count(*) FROM energyledger.message WHERE meter LIKE '$1%'"; }
is_stored() { [ "$(stored "$1")" = "$2" ]; }
quarantined() { el_psql -c "SELECT count(*) FROM energyledger.quarantine WHERE $1"; }
is_quarantined() { [ "$(quarantined "$1")" = "$2" ]; }
logged() { grep -qE -- "$1" "$EL_BRIDGE_LOG"; }
acks() { grep -c 'Received PUBACK from energyledger-bridge.bridge.all.all (' "$EL_TMP/log/broker"; }

# fleet NAME ARG...: one meter more, registered; its messages, hex, in $EL_TMP/NAME.hex.
fleet()
{
	local name=$1

	shift
	"$METER" --register --seed "$name" --prefix "$name-" --meters 1 "$@" | el_psql -f - > /dev/null
	el_as_server "$METER" --seed "$name" --prefix "$name-" --meters 1 --quiet --write "$EL_RUN/$name.copy" "$@"
	sed 's/^\\*x//' "$EL_RUN/$name.copy" > "$EL_TMP/$name.hex"	# without COPY's \\x
	meter=$(el_psql -c "SELECT meter FROM energyledger.meter_current WHERE meter LIKE '$name-%'")
}
bytes() { printf "$(sed 's/../\\x&/g' <<< "$1")"; }
# publish FIRST LAST: these messages of the newest fleet, each on its topic.
publish()
{
	local hex

	sed -n "$1,$2p" "$EL_TMP/${meter%%-*}.hex" | while read -r hex; do
		bytes "$hex" | pub -t "el/v1/local/0/$meter/up/reading" -s
	done
}

el_is "state is online" "$(state)" online
vkey=$(el_psql -c "SELECT energyledger.site_vkey()")
for format in cose jws; do
	"$METER" --register --seed "$format" --prefix "$format-" --meters 4 | el_psql -f - > /dev/null
	el_ok "$format: every message gets its receipt, damaged ones when sent again" \
		"$METER" --broker "127.0.0.1:$EL_MQTT_PORT" --seed "$format" --prefix "$format-" --meters 4 --format "$format" \
		--site-vkey "$vkey" --flip-bit 50 --resend-after-ms 500 --timeout-s 60 --quiet
	el_is "$format: all are stored" "$(stored "$format")" 384
	el_ok "$format: damaged ones are in quarantine" test "$(quarantined "topic LIKE 'el/v1/local/0/$format-%'")" -ge 7
done

head -c 20000 /dev/zero | pub -t el/v1/local/0/nobody/up/reading -s
head -c 1000000 /dev/zero | pub -t el/v1/local/0/nobody/up/reading -s
pub -t el/v1/local/0/nobody/up/reading -n
pub -t 'el/v1/no tenant/0/no meter/up/no type' -m garbage
el_wait 10 is_quarantined "reason = 'too_large'" 2
el_is "messages that are too large are in quarantine, whole" \
	"$(el_psql -c "SELECT string_agg(octet_length(raw)::text, ' ' ORDER BY octet_length(raw)) FROM energyledger.quarantine WHERE reason = 'too_large'")" \
	"20000 1000000"
el_wait 10 is_quarantined "topic = 'el/v1/no tenant/0/no meter/up/no type'" 1
el_is "a message on a topic that is garbage is in quarantine" "$(quarantined "topic LIKE 'el/v1/no tenant/%'")" 1
el_is "an empty message is in quarantine" "$(quarantined "reason = 'empty'")" 1
fleet wrongtopic
bytes "$(head -1 "$EL_TMP/wrongtopic.hex")" | pub -t el/v1/local/0/somebody-else/up/reading -s
el_wait 10 is_quarantined "reason = 'topic_mismatch'" 1
el_is "a sound message on another meter's topic is in quarantine" "$(quarantined "reason = 'topic_mismatch'")" 1
publish 1 1
el_ok "and is accepted on its own" el_wait 10 is_stored wrongtopic 1

# ---------------------------------------------------------------- acknowledgement

# Nothing can be stored while this lock is held.
lock()
{
	el_psql -c "BEGIN" -c "LOCK TABLE energyledger.message IN SHARE MODE" -c "SELECT pg_sleep(100)" > /dev/null 2>&1 &
	lock_job=$!
	el_wait 10 lock_held
}
lock_held() { [ "$(el_psql -c "SELECT count(*) FROM pg_locks WHERE mode = 'ShareLock' AND granted AND relation = 'energyledger.message'::regclass")" = 1 ]; }
unlock()
{
	el_psql -c "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE mode = 'ShareLock' AND granted AND relation = 'energyledger.message'::regclass" > /dev/null
	wait "$lock_job" 2> /dev/null
}
waiting() { [ "$(el_psql -c "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'energyledger-bridge' AND wait_event_type = 'Lock'")" = 1 ]; }

fleet held
lock
before=$(acks)
publish 1 40
el_ok "a batch is in the database" el_wait 10 waiting
sleep 1
el_is "nothing is acknowledged before COMMIT" $(($(acks) - before)) 0
el_bridge_stop KILL 2> /dev/null
el_is "last will: state is offline" "$(state)" offline
unlock
sleep 0.5
el_is "killed before COMMIT: the messages of its batch are not stored" "$(stored held)" 0
el_bridge_start --backoff-ms-max 500
el_ok "the broker delivers them to the next bridge" el_wait 10 is_stored held 40
all_acknowledged() { [ $(($(acks) - before)) -ge 40 ]; }
el_ok "and they are acknowledged" el_wait 10 all_acknowledged
el_ok "it keeps its session" logged 'it kept our session'

lock
before=$(acks)
publish 41 60
el_wait 10 waiting
kill -TERM "$EL_BRIDGE_PID"
sleep 1
el_ok "SIGTERM: the bridge waits for its batch" kill -0 "$EL_BRIDGE_PID"
unlock
el_bridge_stop TERM
el_is "SIGTERM: exit status" $? 0
held_now=$(stored held)
el_ok "SIGTERM: the batch it held is stored" test "$held_now" -gt 40
el_is "SIGTERM: what is stored is acknowledged, what is not is not" $(($(acks) - before)) $((held_now - 40))
el_is "SIGTERM: state is offline" "$(state)" offline

# ---------------------------------------------------------------- one that cannot be stored

# They come together also where the machine is busy: one that comes alone is complained of.
el_bridge_start --backoff-ms-max 500 --linger-ms 300
el_wait 10 is_stored held 60

# break_ingest CONDITION: from now on ingest() fails where this holds of its messages.
break_ingest()
{
	el_psql <<-SQL
		-- in the catalog, as ALTER FUNCTION refuses it
		UPDATE pg_proc SET proname = 'ingest_sound' WHERE oid = 'energyledger.ingest(bytea[], text[])'::regprocedure;
		CREATE FUNCTION energyledger.ingest(messages bytea[], topics text[])
		RETURNS TABLE (ordinal int, verdict text, meter text, epoch bigint, seq bigint, reason text) LANGUAGE plpgsql AS \$\$
		BEGIN
			IF $1 THEN
				RAISE EXCEPTION 'cannot take this' USING ERRCODE = '22000';
			END IF;
			RETURN QUERY SELECT * FROM energyledger.ingest_sound(messages, topics);
		END \$\$;
	SQL
}
mend_ingest()
{
	el_psql <<-'SQL'
		DROP FUNCTION energyledger.ingest(bytea[], text[]);
		UPDATE pg_proc SET proname = 'ingest' WHERE oid = 'energyledger.ingest_sound(bytea[], text[])'::regprocedure;
	SQL
}
complaints() { grep -c 'the database refuses the message' "$EL_BRIDGE_LOG"; }

fleet poison
third=$(sed -n 3p "$EL_TMP/poison.hex")
last=$(tail -1 "$EL_TMP/poison.hex")
break_ingest "EXISTS (SELECT FROM unnest(messages) m WHERE m IN ('\\x$third', '\\x$last'))"
before=$(acks)
publish 1 6
el_ok "a message that ingest() fails on does not keep the others out" el_wait 10 is_stored poison 5
poison_acknowledged() { [ $(($(acks) - before)) = 6 ]; }
el_ok "all are acknowledged: it holds nobody up" el_wait 10 poison_acknowledged
el_is "it is in quarantine, whole, with the error" "$(el_psql -c "SELECT encode(raw, 'hex') = '$third', detail, topic FROM energyledger.quarantine WHERE reason = 'ingest_failed'")" \
	"t|cannot take this (SQLSTATE 22000)|el/v1/local/0/$meter/up/reading"
el_is "it is complained of once" "$(complaints)" 1
el_ok "with its topic" logged "refuses the message on topic el/v1/local/0/$meter/up/reading .*cannot take this"
sed -n '$p' "$EL_TMP/poison.hex" | while read -r hex; do bytes "$hex" | pub -t "el/v1/local/0/$meter/up/reading" -s; done
el_ok "one that came alone is put aside after some tries" el_wait 15 is_quarantined "reason = 'ingest_failed'" 2
mend_ingest
el_is "release() takes it in once that is mended" "$(el_psql -c "SELECT r.verdict, r.seq FROM energyledger.quarantine q,
	energyledger.release(q.ledger_id, 'mended') r WHERE q.reason = 'ingest_failed' AND encode(q.raw, 'hex') = '$third'")" "accepted|3"
el_is "and nothing is missing any more" "$(el_psql -c "SELECT count(*) FROM energyledger.message WHERE meter = '$meter' AND seq <= 6")" 6

fleet broken
break_ingest true
publish 1 6
el_ok "an ingest() that fails on everything is seen as that" el_wait 10 logged "database_lost: .*it refuses every message: cannot take this"
sleep 3
el_is "and said once" "$(grep -c 'it refuses every message' "$EL_BRIDGE_LOG")" 1
el_is "not of each message" "$(grep -c "refuses the message on topic el/v1/local/0/$meter/" "$EL_BRIDGE_LOG")" 0
el_is "nothing is put aside for it" "$(quarantined "topic LIKE '%/$meter/%'")" 0
mend_ingest
el_ok "and all is stored once that is mended" el_wait 10 is_stored broken 6

# ---------------------------------------------------------------- who goes away

fleet away
before=$(grep -c 'database is away' "$EL_BRIDGE_LOG")
noticed() { [ "$(grep -c 'database is away' "$EL_BRIDGE_LOG")" -gt "$before" ]; }
el_cluster_stop fast
el_ok "the database's end is noticed while idle" el_wait 10 noticed
publish 1 30
el_is "state is offline while there is no database" "$(state)" offline
el_cluster_start
el_ok "the database is back: what came meanwhile is stored" el_wait 20 is_stored away 30
el_is "one line when it went, whatever the tries" "$(grep -c 'database is away' "$EL_BRIDGE_LOG")" $((before + 1))
el_broker_stop TERM
el_ok "the broker's end is noticed" el_wait 10 logged 'broker at .* is away'
sleep 1
el_broker_start
publish 31 60
el_ok "the broker is back: messages are stored" el_wait 20 is_stored away 60
el_is "one line when it went, whatever the tries " "$(grep -c 'broker at .* is away' "$EL_BRIDGE_LOG")" 1
el_is "state is online" "$(state)" online

# ---------------------------------------------------------------- counters

el_bridge_stop TERM
# A bridge with nothing behind it: its counters are those of what is sent now.
fleet count
rows_before=$(el_psql -c "SELECT (SELECT count(*) FROM energyledger.message) || ' ' || (SELECT count(*) FROM energyledger.quarantine)")
el_bridge_start --stats-interval-s 1
publish 1 20
publish 1 5
for i in 1 2 3; do pub -t el/v1/local/0/count/up/reading -m "nonsense $i"; done
el_wait 10 is_stored count 20
sleep 1
kill -USR1 "$EL_BRIDGE_PID"
el_ok "SIGUSR1 logs the counters" el_wait 5 logged 'counters: asked for'
el_ok "they are logged by themselves, too" el_wait 5 logged 'counters: running'
el_bridge_stop TERM
counters=$(grep 'counters: at the end' "$EL_BRIDGE_LOG" | tail -1 | sed 's/.* received=/received=/; s/ returned.*//')
el_is "received = accepted + duplicate + quarantined + in flight" "$counters" \
	"received=28 accepted=20 duplicate=5 quarantined=3 in_flight=0"
rows_after=$(el_psql -c "SELECT (SELECT count(*) FROM energyledger.message) || ' ' || (SELECT count(*) FROM energyledger.quarantine)")
el_is "the counters are the rows" "$rows_after" "$((${rows_before% *} + 20)) $((${rows_before#* } + 3))"
el_ok "no bridge lost count" test "$(grep -c 'do not add up' "$EL_BRIDGE_LOG")" = 0
el_done
