# bridge.sh: what a message costs from the broker to COMMIT, and how many there are a second.
#
# Sourced by bench.sh, called as bench_bridge.  A real broker, the bridge as installed, the
# cluster that the other parts use.  The broker's queue is filled first, while the bridge is
# away and its session stays; then the bridge is started and timed until all is accepted,
# so that neither signing nor publishing takes part.  Processor time is that of the
# bridge and of all of PostgreSQL, with what it takes to seal the last rows and to write
# everything to disk (CHECKPOINT); the broker's is not counted, nor is what publishes.
# bridge_cores says how many cores all of them, the broker too, had busy meanwhile.
# In the same run, in turn: bridges of 1, 2 and 4 shards; meters so many that no two
# messages of a batch share a receipt; the same messages through mosquitto_sub | psql COPY
# into a plain table, checked by nobody; and libsodium checking their signatures.

BRIDGE_RUNS=${BRIDGE_RUNS:-3}
BRIDGE_MESSAGES=${BRIDGE_MESSAGES:-50000}	# a run, and each from a new fleet
BRIDGE_METERS=${BRIDGE_METERS:-50}
BRIDGE_MANY_METERS=${BRIDGE_MANY_METERS:-5000}
BRIDGE_VERIFY_S=1
BRIDGE_WAIT_S=600
# name:shards:meters of what is compared; copy is not a bridge
BRIDGE_KINDS="1:1:$BRIDGE_METERS 2:2:$BRIDGE_METERS 4:4:$BRIDGE_METERS many_meters:1:$BRIDGE_MANY_METERS copy:1:$BRIDGE_METERS"

# Shards 0 to $1 - 1.
bench_bridge_shards() { seq -s, 0 $(($1 - 1)); }

# Each kind has a tenant, and so sessions, of its own.
bench_bridge_start()
{
	BENCH_METRICS_PORT=$(el_free_port) || el_die "no free port"
	el_bridge_start --id "bench-$1" --tenant "$1" --shard "$(bench_bridge_shards "$2")" \
		--metrics-port "$BENCH_METRICS_PORT"
}

# How many messages the bridge's shards have had accepted, by its own account.
bench_bridge_accepted()
{
	local fd

	exec {fd}<>"/dev/tcp/127.0.0.1/$BENCH_METRICS_PORT" 2>/dev/null || return 1
	printf 'GET /metrics HTTP/1.0\r\n\r\n' >&$fd
	awk '/^energyledger_bridge_messages_accepted_total/ { n += $2 } END { printf "%.0f\n", n }' <&$fd
	exec {fd}>&-
}

bench_bridge_has_accepted() { [ "$(bench_bridge_accepted)" -ge "$1" ]; }

# Sessions without a bridge, which is what the broker queues for.
bench_bridge_sessions()
{
	local kind name shards meters

	for kind in $BRIDGE_KINDS; do
		IFS=: read -r name shards meters <<< "$kind"
		if [ "$name" = copy ]; then
			mosquitto_sub "${BENCH_SUBSCRIBE[@]}" -E || el_die "could not subscribe"
		else
			bench_bridge_start "$name" "$shards"
			el_bridge_stop TERM || el_die "the bridge did not end well"
		fi
	done
}

# bench_bridge_fill NAME SHARDS METERS: registers a new fleet and queues its messages.
bench_bridge_fill()
{
	"$BENCH_SIGN" keys "$BENCH_FIRST" "$3" |
		el_psql -c "COPY energyledger.meter_key (meter, public_key, algorithm) FROM STDIN" ||
		el_die "could not register the meters"
	"$BENCH_PUBLISH" "$EL_MQTT_PORT" "$1" "$2" "$BENCH_FIRST" "$3" 1 <<< "$BRIDGE_MESSAGES" > /dev/null ||
		el_die "could not publish"
	BENCH_FIRST=$((BENCH_FIRST + $3))
	bench_settle
}

bench_now_ms() { echo $((${EPOCHREALTIME/./} / 1000)); }

# The bridge's way: sets BENCH_MS, BENCH_CLIENT_MS and BENCH_SERVER_MS.
bench_bridge_run()
{
	local before server start

	before=$(el_psql -c "SELECT count(*) FROM energyledger.message") || exit 1
	server=$(bench_server_cpu_ms)
	start=$(bench_now_ms)
	bench_bridge_start "$1" "$2"
	until bench_bridge_has_accepted "$BRIDGE_MESSAGES"; do
		kill -0 "$EL_BRIDGE_PID" 2>/dev/null && [ $(($(bench_now_ms) - start)) -lt $((BRIDGE_WAIT_S * 1000)) ] ||
			el_die "the bridge did not bring all messages: $(bench_bridge_accepted) of $BRIDGE_MESSAGES"
		sleep 0.1
	done
	BENCH_MS=$(($(bench_now_ms) - start))
	bench_settle
	BENCH_CLIENT_MS=$(bench_process_cpu_ms "$EL_BRIDGE_PID")
	BENCH_SERVER_MS=$(($(bench_server_cpu_ms) - server))
	el_bridge_stop TERM || el_die "the bridge did not end well"
	[ "$(el_psql -c "SELECT count(*) FROM energyledger.message")" = $((before + BRIDGE_MESSAGES)) ] ||
		el_die "not every message is stored"
}

# The same messages into a plain table.  -F writes what CSV takes for a bytea.
bench_bridge_copy_run()
{
	local server start times

	el_psql -c "DROP TABLE IF EXISTS plain_message" -c "CREATE TABLE plain_message (message bytea NOT NULL)" 2>/dev/null ||
		el_die "could not create a table"
	server=$(bench_server_cpu_ms)
	start=$(bench_now_ms)
	times=$(TIMEFORMAT='%U %S' && { time mosquitto_sub "${BENCH_SUBSCRIBE[@]}" -F '\\x%x' -C "$BRIDGE_MESSAGES" |
		el_psql -c "COPY plain_message FROM STDIN (FORMAT csv)"; } 2>&1) || el_die "could not copy: $times"
	BENCH_MS=$(($(bench_now_ms) - start))
	bench_settle
	BENCH_CLIENT_MS=$(awk '{ printf "%.0f", ($1 + $2) * 1000 }' <<< "$times")
	BENCH_SERVER_MS=$(($(bench_server_cpu_ms) - server))
	[ "$(el_psql -c "SELECT count(*) FROM plain_message")" = "$BRIDGE_MESSAGES" ] || el_die "not every message is copied"
}

# A run of every kind, and of Ed25519.  Lists of figures by kind.
bench_bridge_round()
{
	local run=$1 kind name shards meters rate ns broker

	read -r rate ns < <("$BENCH_SIGN" verify "$BRIDGE_METERS" "$BRIDGE_VERIFY_S" 1) || el_die "could not measure Ed25519"
	BENCH_VERIFY_US+=" $(awk "BEGIN { print $ns / 1000 }")"
	for kind in $(bench_rotate "$run" $BRIDGE_KINDS); do
		IFS=: read -r name shards meters <<< "$kind"
		el_progress "bridge: run $((run + 1)), $name"
		bench_bridge_fill "$name" "$shards" "$meters"
		broker=$(bench_process_cpu_ms "$EL_BROKER_PID")
		if [ "$name" = copy ]; then
			bench_bridge_copy_run
		else
			bench_bridge_run "$name" "$shards"
		fi
		broker=$(($(bench_process_cpu_ms "$EL_BROKER_PID") - broker))
		BENCH_CORES[$name]+=" $(awk "BEGIN { print ($BENCH_CLIENT_MS + $BENCH_SERVER_MS + $broker) / $BENCH_MS }")"
		BENCH_RATES[$name]+=" $(bench_rate "$BRIDGE_MESSAGES" "$BENCH_MS")"
		BENCH_CLIENT_US[$name]+=" $(awk "BEGIN { print $BENCH_CLIENT_MS * 1000 / $BRIDGE_MESSAGES }")"
		BENCH_SERVER_US[$name]+=" $(awk "BEGIN { print $BENCH_SERVER_MS * 1000 / $BRIDGE_MESSAGES }")"
		BENCH_BOTH_US[$name]+=" $(awk "BEGIN { print ($BENCH_CLIENT_MS + $BENCH_SERVER_MS) * 1000 / $BRIDGE_MESSAGES }")"
	done
}

bench_bridge_report()
{
	local name

	bench_print bridge_messages "$BRIDGE_MESSAGES" messages_a_run
	bench_print bridge_runs "$BRIDGE_RUNS" runs
	bench_print bridge_meters "$BRIDGE_METERS" meters
	bench_print bridge_many_meters "$BRIDGE_MANY_METERS" meters
	bench_print bridge_verify_cpu "$(bench_median $BENCH_VERIFY_US)" us
	for name in 1 2 4 many_meters copy; do
		bench_print_rate "bridge_messages_per_s_$name" messages/s ${BENCH_RATES[$name]}
		bench_print "bridge_cpu_client_$name" "$(bench_median ${BENCH_CLIENT_US[$name]})" us
		bench_print "bridge_cpu_postgres_$name" "$(bench_median ${BENCH_SERVER_US[$name]})" us
		bench_print "bridge_cores_$name" "$(printf '%.2f' "$(bench_median ${BENCH_CORES[$name]})")" cores
	done
	bench_print_ratio ingest_cpu_vs_verify "${BENCH_BOTH_US[1]}" "$BENCH_VERIFY_US" cpu/verify
	bench_print_ratio ingest_cpu_vs_verify_2 "${BENCH_BOTH_US[2]}" "$BENCH_VERIFY_US" cpu/verify
	bench_print_ratio ingest_cpu_vs_verify_4 "${BENCH_BOTH_US[4]}" "$BENCH_VERIFY_US" cpu/verify
	bench_print_ratio ingest_cpu_vs_verify_many_meters "${BENCH_BOTH_US[many_meters]}" "$BENCH_VERIFY_US" cpu/verify
	bench_print_ratio bridge_two_shards "${BENCH_RATES[2]}" "${BENCH_RATES[1]}" two/one
	bench_print_ratio bridge_four_shards "${BENCH_RATES[4]}" "${BENCH_RATES[1]}" four/one
	bench_print_ratio bridge_vs_copy "${BENCH_RATES[1]}" "${BENCH_RATES[copy]}" bridge/copy
	bench_print_ratio bridge_cpu_vs_copy "${BENCH_BOTH_US[1]}" "${BENCH_BOTH_US[copy]}" bridge/copy
}

bench_bridge()
{
	local run
	local -A BENCH_RATES=() BENCH_CLIENT_US=() BENCH_SERVER_US=() BENCH_BOTH_US=() BENCH_CORES=()
	local BENCH_VERIFY_US="" BENCH_FIRST=0 BENCH_SIGN BENCH_PUBLISH BENCH_METRICS_PORT BENCH_SUBSCRIBE

	BENCH_SIGN=$(bench_program sign_messages "$BENCH_DIR/signed_meter.c") || exit 1
	BENCH_PUBLISH=$(bench_program publish_messages "$BENCH_DIR/signed_meter.c" -lmosquitto) || exit 1
	# saving the queue to disk is no part of what is measured
	el_broker "persistence false"
	BENCH_SUBSCRIBE=(-V 5 -h 127.0.0.1 -p "$EL_MQTT_PORT" -i bench-copy -c -x 86400 -q 1 -t "el/v1/copy/+/+/up/+")
	bench_bridge_sessions
	for ((run = 0; run < BRIDGE_RUNS; run++)); do
		bench_bridge_round "$run"
	done
	el_progress_end
	bench_bridge_report
	el_broker_stop TERM
}
