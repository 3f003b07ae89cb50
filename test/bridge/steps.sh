#!/bin/bash
# steps.sh: bridge, broker, PostgreSQL and meters, each killed with -9 at each step of a
# message's way: what was sent is stored, each once.
#
# A fleet sends all the while.  Where the bridge or PostgreSQL is killed it forgets a
# message once the broker has it, so that what it sent survives only if the bridge
# holds its acknowledgements back until COMMIT; where the broker or the meters are, it
# keeps a message until it has a receipt.  CYCLES (3): how often each is killed at each
# step; make check-long takes 20.

. "$(dirname "$0")/../lib.sh"

CYCLES=${CYCLES:-3}
METERS=4
RATE=60							# messages a second
# As the meters, the bridge and PostgreSQL get to them.
STEPS=${STEPS:-"publish published
	received begin begin-sent ingest-sent ingested commit commit-sent committed receipts-sent
	receipt receipt-queued acknowledge acknowledged
	parse parsed insert flush flushed"}

el_begin steps
el_stage
cc -shared -fPIC -Wall -o "$EL_TMP/die_at.so" "$EL_ROOT/test/bridge/die_at.c" \
	-I"$("$PG_CONFIG" --includedir)" -ldl || el_die "cannot build die_at"
chmod 755 "$EL_TMP/die_at.so"
export DIE_FILE=$EL_RUN/die
watched() { LD_PRELOAD="$EL_TMP/die_at.so" "$@"; }
el_cluster_init steps
watched el_cluster_start
el_broker
el_psql -c "CREATE EXTENSION pg_energyledger" -c "CREATE ROLE bridge LOGIN IN ROLE energyledger_writer"
METER=$EL_BIN/energyledger-meter
vkey=$(el_psql -c "SELECT energyledger.site_vkey()")
EL_BRIDGE_LOG=$EL_TMP/log/bridge

# meter_start RATE [ARG...]: the fleet called $name, from where it was.
meter_start()
{
	local word=(--site-vkey "$vkey" --resend-after-ms 1000)

	case $name in
		bridge | postgres) word=(--no-receipt) ;;
	esac
	el_spawn "$EL_TMP/log/meter-$name" env LD_PRELOAD="$EL_TMP/die_at.so" "$METER" --broker "127.0.0.1:$EL_MQTT_PORT" --seed "$name" --prefix "$name-" \
		--meters "$METERS" --days "$days" --client-id "meters-$name" --rate "$1" --quiet --timeout-s 0 \
		--state "$EL_RUN/$name.state" "${word[@]}" "${@:2}"
	meter_pid=$EL_SPAWN_PID meter_job=$EL_SPAWN_JOB
}
bridge_start()
{
	el_spawn "$EL_BRIDGE_LOG" env PGUSER=bridge LD_PRELOAD="$EL_TMP/die_at.so" \
		"$EL_BIN/energyledger-bridge" --broker-port "$EL_MQTT_PORT" --backoff-ms-max 200 --database-timeout-ms 5000
	EL_BRIDGE_PID=$EL_SPAWN_PID EL_BRIDGE_JOB=$EL_SPAWN_JOB
}

happened() { [ -e "$DIE_FILE.struck" ]; }
number=0
missed=
# Once: kill VICTIM at STEP, and set it up again.
once()
{
	local victim=$1 step=$2 pid postmaster children

	rm -f "$DIE_FILE" "$DIE_FILE.struck"
	bridge_start
	case $victim in
		bridge) pid=$EL_BRIDGE_PID ;;
		broker) pid=$EL_BROKER_PID ;;
		postgres) pid=$(head -1 "$EL_PGDATA/postmaster.pid") ;;
		meter) pid=$meter_pid ;;
	esac
	postmaster=$pid
	[ "$victim" != postgres ] || children=$(pgrep -P "$postmaster")
	number=$((number + 1))
	echo "$number $step $((1 + RANDOM % 3)) $pid" > "$DIE_FILE.new"
	chmod 644 "$DIE_FILE.new"
	mv "$DIE_FILE.new" "$DIE_FILE"
	if ! el_wait 15 happened; then
		missed="$missed $victim:$step"
		rm -f "$DIE_FILE"
		kill -KILL "$pid"
	fi
	case $victim in
		broker)
			el_reap KILL "$EL_BROKER_PID" "$EL_BROKER_JOB" 2> /dev/null
			el_broker_start
			;;
		postgres)
			orphans_gone() { ! kill -0 $children 2> /dev/null; }
			el_wait 20 orphans_gone
			watched el_cluster_start
			;;
		meter)
			el_reap KILL "$meter_pid" "$meter_job" 2> /dev/null
			meter_start $RATE
			;;
	esac
	el_reap KILL "$EL_BRIDGE_PID" "$EL_BRIDGE_JOB" 2> /dev/null
}

days=$((8 * CYCLES))			# more than can be sent while somebody is killed
wanted=$((METERS * days * 96))
sound() { el_psql -c "SELECT count(*), count(DISTINCT (meter, epoch, seq)), max(seq) FROM energyledger.message WHERE meter LIKE '$name-%'"; }
all_sound() { [ "$(sound)" = "$wanted|$wanted|$((days * 96))" ]; }
for victim in bridge broker postgres meter; do
	name=$victim
	"$METER" --register --seed "$name" --prefix "$name-" --meters "$METERS" | el_psql -f - > /dev/null || el_die "cannot register meters"
	: > "$EL_BRIDGE_LOG"
	bridge_start				# so that there is a session before the first message
	session() { grep -q 'connected to the broker' "$EL_BRIDGE_LOG"; }
	el_wait 15 session
	meter_start $RATE
	el_reap KILL "$EL_BRIDGE_PID" "$EL_BRIDGE_JOB" 2> /dev/null
	for step in $STEPS; do
		for ((i = 0; i < CYCLES; i++)); do
			el_progress "steps: $victim killed: $step"
			once "$victim" "$step"
		done
	done
	el_is "$victim: killed at every step" "$missed" ""
	missed=
	# The rest, as fast as it goes; on a busy machine, sending all again each second would be what goes.
	el_reap TERM "$meter_pid" "$meter_job" 2> /dev/null
	meter_start 0 --window 1000 --resend-after-ms 10000
	bridge_start
	el_wait $((60 + 10 * CYCLES)) all_sound
	el_is "$victim: every message is stored once" "$(sound)" "$wanted|$wanted|$((days * 96))"
	el_is "$victim: none was taken for a bad one" "$(el_psql -c "SELECT count(*) FROM energyledger.quarantine WHERE topic LIKE '%/$name-%'")" 0
	wait "$meter_job"
	el_is "$victim: the meters have all they waited for" $? 0
	el_forget "$meter_pid"
	el_reap TERM "$EL_BRIDGE_PID" "$EL_BRIDGE_JOB"
	el_is "$victim: the last bridge ends with 0" $? 0
done
el_psql -c "SELECT energyledger.seal()" > /dev/null
el_is "the ledger is intact" "$(el_psql -c "SET client_min_messages = warning" -c "SELECT count(*) FROM energyledger.verify()")" 0
el_done
