# bridge_memory.sh: the memory of the bridge and of its backends over very many messages
# of very many meters.
#
# Sourced by bench.sh, called as bench_bridge_memory, after bridge.sh, whose functions it
# uses.  Not among the parts that run by default: 10 million messages take a quarter of an
# hour or more and some 15 GB of disk.  First one message each of BRIDGE_MEMORY_METERS meters,
# each with a key that no session has read; then the rest of BRIDGE_MEMORY_MESSAGES from
# BRIDGE_MEMORY_FLEET others.  All through one bridge that is not restarted, and so the
# same backends.  What is told is memory of their own (RssAnon): the shared buffers that a
# backend has touched are everybody's.  Messages are signed as they go, BRIDGE_MEMORY_STEP
# at a time, and the broker holds twice that at most.

BRIDGE_MEMORY_MESSAGES=${BRIDGE_MEMORY_MESSAGES:-10000000}
BRIDGE_MEMORY_METERS=${BRIDGE_MEMORY_METERS:-1000000}
BRIDGE_MEMORY_FLEET=${BRIDGE_MEMORY_FLEET:-200}
BRIDGE_MEMORY_SHARDS=${BRIDGE_MEMORY_SHARDS:-2}
BRIDGE_MEMORY_STEP=50000
BRIDGE_MEMORY_SHOW=${BRIDGE_MEMORY_SHOW:-1000000}	# a line of figures every so many

# The largest of these processes, in kB.
bench_anonymous_kb()
{
	local pid

	for pid in "$@"; do
		awk '/^RssAnon:/ { print $2 }' "/proc/$pid/status" || el_die "process $pid is gone"
	done | sort -n | tail -1
}

# Looks, and keeps the peak of each.
bench_bridge_memory_look()
{
	BENCH_BRIDGE_KB=$(bench_anonymous_kb "$EL_BRIDGE_PID") || exit 1
	BENCH_BACKEND_KB=$(bench_anonymous_kb $BENCH_BACKENDS) || exit 1
	BENCH_SEALER_KB=$(bench_anonymous_kb $BENCH_SEALERS) || exit 1
	BENCH_BRIDGE_PEAK_KB=$((BENCH_BRIDGE_KB > BENCH_BRIDGE_PEAK_KB ? BENCH_BRIDGE_KB : BENCH_BRIDGE_PEAK_KB))
	BENCH_BACKEND_PEAK_KB=$((BENCH_BACKEND_KB > BENCH_BACKEND_PEAK_KB ? BENCH_BACKEND_KB : BENCH_BACKEND_PEAK_KB))
	BENCH_SEALER_PEAK_KB=$((BENCH_SEALER_KB > BENCH_SEALER_PEAK_KB ? BENCH_SEALER_KB : BENCH_SEALER_PEAK_KB))
}

bench_bridge_memory_show()
{
	bench_print "bridge_memory_bridge_at_$1" "$BENCH_BRIDGE_KB" kB
	bench_print "bridge_memory_backend_at_$1" "$BENCH_BACKEND_KB" kB
	bench_print "bridge_memory_sealer_at_$1" "$BENCH_SEALER_KB" kB
}

# bench_bridge_memory_send FIRST METERS MESSAGES: through the bridge, in turns of the meters.
bench_bridge_memory_send()
{
	local first=$1 meters=$2 left=$3 step answer

	coproc PUBLISHER { exec "$BENCH_PUBLISH" "$EL_MQTT_PORT" memory "$BRIDGE_MEMORY_SHARDS" "$first" "$meters" 1; }
	while [ "$left" -gt 0 ]; do
		step=$((left < BRIDGE_MEMORY_STEP ? left : BRIDGE_MEMORY_STEP))
		echo "$step" >&"${PUBLISHER[1]}" && read -r answer <&"${PUBLISHER[0]}" || el_die "could not publish"
		BENCH_SENT=$((BENCH_SENT + step))
		left=$((left - step))
		el_wait 600 bench_bridge_has_accepted $((BENCH_SENT - (left > 0 ? BRIDGE_MEMORY_STEP : 0))) ||
			el_die "the bridge does not take them: $(bench_bridge_accepted) of $BENCH_SENT"
		bench_bridge_memory_look
		if [ $((BENCH_SENT / BRIDGE_MEMORY_SHOW)) -gt $(((BENCH_SENT - step) / BRIDGE_MEMORY_SHOW)) ]; then
			el_progress_end
			bench_bridge_memory_show "$BENCH_SENT"
		fi
		el_progress "bridge_memory: $BENCH_SENT of $BRIDGE_MEMORY_MESSAGES"
	done
	exec {PUBLISHER[1]}>&-
	wait "$PUBLISHER_PID"
}

bench_bridge_memory_register()
{
	el_progress "bridge_memory: registering $2 meters"
	"$BENCH_SIGN" keys "$1" "$2" |
		el_psql -c "COPY energyledger.meter_key (meter, public_key, algorithm) FROM STDIN" ||
		el_die "could not register the meters"
}

bench_bridge_memory()
{
	local meters=$BRIDGE_MEMORY_METERS fleet=$BRIDGE_MEMORY_FLEET rest=$((BRIDGE_MEMORY_MESSAGES - BRIDGE_MEMORY_METERS))
	local BENCH_SIGN BENCH_PUBLISH BENCH_METRICS_PORT BENCH_BACKENDS BENCH_SEALERS BENCH_SENT=0 start
	local BENCH_BRIDGE_KB BENCH_BACKEND_KB BENCH_SEALER_KB
	local BENCH_BRIDGE_PEAK_KB=0 BENCH_BACKEND_PEAK_KB=0 BENCH_SEALER_PEAK_KB=0

	[ "$rest" -gt 0 ] || el_die "more meters than messages"
	BENCH_SIGN=$(bench_program sign_messages "$BENCH_DIR/signed_meter.c") || exit 1
	BENCH_PUBLISH=$(bench_program publish_messages "$BENCH_DIR/signed_meter.c" -lmosquitto) || exit 1
	bench_bridge_memory_register 0 $((meters + fleet))
	el_broker "persistence false"
	bench_bridge_start memory "$BRIDGE_MEMORY_SHARDS"
	BENCH_BACKENDS=$(el_psql -c "SELECT pid FROM pg_stat_activity WHERE application_name = 'energyledger-bridge'")
	BENCH_SEALERS=$(el_psql -c "SELECT pid FROM pg_stat_activity WHERE backend_type = 'energyledger sealer' AND datname = current_database()")
	[ "$(wc -w <<< "$BENCH_BACKENDS")" = "$BRIDGE_MEMORY_SHARDS" ] && [ -n "$BENCH_SEALERS" ] ||
		el_die "backends not found"
	start=$(bench_now_ms)
	bench_bridge_memory_look
	el_progress_end
	bench_bridge_memory_show 0
	bench_bridge_memory_send 0 "$meters" "$meters"
	bench_bridge_memory_show one_message_each
	bench_bridge_memory_send "$meters" "$fleet" "$rest"
	el_progress_end
	bench_print bridge_memory_messages "$BENCH_SENT" messages
	bench_print bridge_memory_meters $((meters + fleet)) meters
	bench_print bridge_memory_shards "$BRIDGE_MEMORY_SHARDS" shards
	bench_print bridge_memory_seconds $((($(bench_now_ms) - start) / 1000)) s
	bench_print bridge_memory_bridge_peak "$BENCH_BRIDGE_PEAK_KB" kB
	bench_print bridge_memory_backend_peak "$BENCH_BACKEND_PEAK_KB" kB
	bench_print bridge_memory_sealer_peak "$BENCH_SEALER_PEAK_KB" kB
	[ "$(el_psql -c "SELECT count(*) FROM energyledger.message")" = "$BENCH_SENT" ] || el_die "not every message is stored"
	el_bridge_stop TERM || el_die "the bridge did not end well"
	el_broker_stop TERM
}
