#!/bin/bash
# metrics.sh: what can be seen of a running bridge: Prometheus' port, the row in the
# database, the log as JSON; and that none of them can be used against it.

. "$(dirname "$0")/../lib.sh"

el_begin metrics
el_stage
el_cluster metrics
el_broker "sys_interval 1"
el_psql -c "CREATE EXTENSION pg_energyledger"
METER=$EL_BIN/energyledger-meter
port=$(el_free_port)

# get [PATH]: the answer's body.
get() { curl -s --max-time 5 "http://127.0.0.1:$port${1:-/metrics}"; }
command -v curl > /dev/null || get()
{
	exec 4<> "/dev/tcp/127.0.0.1/$port" || return 1
	printf 'GET %s HTTP/1.1\r\nHost: x\r\n\r\n' "${1:-/metrics}" >&4
	sed '1,/^\r$/d' <&4
	exec 4>&-
}
# sample NAME [LABELS]: one number.
sample() { get | grep -F "energyledger_bridge_$1{shard=\"${3:-all}\"${2:-}}" | awk '{ print $NF }'; }
is_sample() { [ "$(sample "$1" "${3:-}")" = "$2" ]; }
raw()
{
	exec 5<> "/dev/tcp/127.0.0.1/$port" || return 1
	printf "$1" >&5
	timeout 5 head -1 <&5 | tr -d '\r'
	exec 5>&-
}

el_bridge_start --metrics-port "$port" --log-format json --stats-interval-s 1 --backoff-ms-max 500
mqtt=(-V 5 -h 127.0.0.1 -p "$EL_MQTT_PORT")
"$METER" --register --seed metrics --meters 4 | el_psql -f - > /dev/null
vkey=$(el_psql -c "SELECT energyledger.site_vkey()")
"$METER" --broker "127.0.0.1:$EL_MQTT_PORT" --seed metrics --meters 4 --site-vkey "$vkey" --flip-bit 50 --resend-after-ms 500 --timeout-s 60 --quiet
el_is "messages pass" $? 0
for i in 1 2 3; do mosquitto_pub "${mqtt[@]}" -q 1 -t el/v1/local/0/nobody/up/reading -m "nonsense $i"; done
mosquitto_pub "${mqtt[@]}" -q 0 -t el/v1/local/0/nobody/up/reading -m "fire and forget"
el_ok "refusals by reason" el_wait 5 is_sample refusals_total 4 ',reason="unknown_envelope"'
el_is "refusals by reason: those of the database" "$(get | grep '^energyledger_bridge_refusals_total' | sed -E 's/.*reason="([^"]*)"\} /\1=/' | sort | tr '\n' ' ')" \
	"$(el_psql -c "SELECT string_agg(reason || '=' || n, ' ' ORDER BY reason COLLATE \"C\") FROM (SELECT reason, count(*) AS n FROM energyledger.quarantine GROUP BY 1) q") "
el_is "what was accepted" "$(sample messages_accepted_total)" 384
el_is "received = accepted + duplicate + quarantined + in flight" "$(sample messages_received)" \
	$(($(sample messages_accepted_total) + $(sample messages_duplicate_total) + $(sample messages_quarantined_total) + $(sample messages_in_flight)))
el_is "QoS 0 is counted" "$(sample messages_qos0_total)" 1
el_is "both neighbours are up" "$(sample broker_up) $(sample database_up)" "1 1"
el_is "the histogram's buckets add up" "$(get | awk -F'[ "]' '/batch_seconds_bucket/ { if ($NF < last) bad = 1; last = $NF } /batch_seconds_count/ { print bad + 0, (last == $NF && last > 0) ? 1 : 0 }')" "0 1"
el_ok "the lag is that of the meters' clock" test "$(sample lag_seconds | cut -d. -f1)" -gt 86400
el_ok "every metric says what it is" test "$(get | awk '/^# HELP/ { h[$3] = 1 } /^# TYPE/ { t[$3] = 1 } /^energy/ { sub(/[{ ].*/, ""); sub(/_(bucket|sum|count)$/, ""); if (!($0 in h) || !($0 in t)) n++ } END { print n + 0 }')" = 0

# A message that comes before its predecessor.
"$METER" --register --seed gap --prefix gap- --meters 1 | el_psql -f - > /dev/null
el_as_server "$METER" --seed gap --prefix gap- --meters 1 --quiet --write "$EL_RUN/gap.copy"
meter=$(el_psql -c "SELECT meter FROM energyledger.meter_current WHERE meter LIKE 'gap-%'")
third=$(sed -n '3s/^\\*x//p' "$EL_RUN/gap.copy")
beyond=$(sample messages_beyond_gap_total)	# damaged ones were missing for a moment
printf "$(sed 's/../\\x&/g' <<< "$third")" | mosquitto_pub "${mqtt[@]}" -q 1 -t "el/v1/local/0/$meter/up/reading" -s
el_ok "a gap shows" el_wait 5 is_sample messages_beyond_gap_total $((beyond + 1))

# ---------------------------------------------------------------- the database's view

shows() { [ "$(el_psql -c "SELECT $1 FROM energyledger.bridge_state")" = "$2" ]; }
el_ok "the view in the database says the same" el_wait 5 shows \
	"format('%s %s %s %s %s %s', shard, accepted, beyond_gap, conserved, silent, refusals ->> 'unknown_envelope')" "+ 385 $((beyond + 1)) t f 4"
el_is "who reports is who is connected" "$(el_psql -c "SELECT role FROM energyledger.bridge_state")" bridge
el_ok "a bridge cannot write there by itself" test "$(el_psql -c "SET ROLE bridge" -c "INSERT INTO energyledger.bridge_status SELECT * FROM energyledger.bridge_status" 2>&1 | grep -c 'permission denied')" = 1
el_ok "a report that is none is refused" test "$(el_psql -c "SET ROLE bridge" -c "SELECT energyledger.bridge_report('{\"bridge\":\"x y\"}')" 2>&1 | grep -c ERROR)" = 1
versions() { el_psql -c "SELECT n_tup_ins + n_tup_upd FROM pg_stat_user_tables WHERE relname = 'bridge_status'"; }
sleep 1
v=$(versions)
for ((i = 0; i < 60; i++)); do mosquitto_pub "${mqtt[@]}" -q 1 -t el/v1/local/0/nobody/up/reading -m "more $i"; done
started=$SECONDS
sleep 2
el_ok "at most a row a second" test $(($(versions) - v)) -le $((SECONDS - started + 4))

# ---------------------------------------------------------------- the log

if command -v node > /dev/null; then
	# A topic that would forge a line.
	mosquitto_pub "${mqtt[@]}" -q 0 -t $'el/v1/local/0/"\\ evil\xc3\xa9/up/reading' -m x
	sleep 0.5
	el_is "every line of the log is JSON with the same four members" "$(node -e '
		let n = 0, events = new Set();
		for (const line of require("fs").readFileSync(process.argv[1], "utf8").split("\n").filter(Boolean)) {
			const o = JSON.parse(line);
			if (Object.keys(o).slice(0, 4).join() !== "time,level,event,message" || isNaN(Date.parse(o.time))) n++;
			if (o.event === "counters" && o.received !== o.accepted + o.duplicate + o.quarantined + o.in_flight) n++;
			events.add(o.event);
		}
		console.log(n, ["starting", "database_up", "broker_up", "counters", "qos0", "broker_anonymous"].every(e => events.has(e)));
	' "$EL_BRIDGE_LOG")" "0 true"
else
	el_skip "every line of the log is JSON" "node is not installed"
fi

# ---------------------------------------------------------------- what the port is asked

el_is "another path" "$(raw 'GET / HTTP/1.1\r\n\r\n')" "HTTP/1.1 404 Not Found"
el_is "another method" "$(raw 'POST /metrics HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n')" "HTTP/1.1 405 Method Not Allowed"
el_is "a longer path" "$(raw 'GET /metricsx HTTP/1.1\r\n\r\n')" "HTTP/1.1 404 Not Found"
el_is "a query" "$(raw 'GET /metrics?x=1 HTTP/1.1\r\n\r\n')" "HTTP/1.1 200 OK"
el_is "a request without an end is cut off" "$(head -c 5000 /dev/zero | tr '\0' a | timeout 5 bash -c "exec 5<> /dev/tcp/127.0.0.1/$port; cat >&5; head -1 <&5" 2> /dev/null)" ""
for ((i = 10; i < 18; i++)); do eval "exec $i<> /dev/tcp/127.0.0.1/$port"; done
start=$SECONDS
el_ok "eight that say nothing do not keep the ninth out" test -n "$(get)"
el_ok "for longer than two seconds" test $((SECONDS - start)) -le 4
for ((i = 10; i < 18; i++)); do eval "exec $i>&-"; done
el_is "nobody else can ask" "$(awk -v port="$(printf ':%04X' "$port")" '$4 == "0A" && substr($2, length($2) - 4) == port { print $2 }' /proc/net/tcp /proc/net/tcp6)" \
	"0100007F:$(printf %04X "$port")"

# ---------------------------------------------------------------- neighbours told apart

el_cluster_stop fast
el_ok "without the database" el_wait 5 is_sample database_up 0
el_is "the broker is not connected either, and no loss of it is counted" "$(sample broker_up) $(sample broker_losses_total)" "0 0"
el_cluster_start
el_ok "and with it again" el_wait 10 is_sample broker_up 1
el_broker_stop TERM
el_ok "without the broker" el_wait 5 is_sample broker_up 0
el_is "the database is there" "$(sample database_up)" 1
el_bridge_stop TERM
el_is "exit status" $? 0
el_broker_start
timeout 5 "$EL_BIN/energyledger-bridge" --metrics-port "$EL_MQTT_PORT" > "$EL_TMP/said" 2>&1
el_is "a port that is taken: exit status" $? 3
el_ok "a port that is taken: says so" grep -q "cannot listen on 127.0.0.1 port $EL_MQTT_PORT for metrics" "$EL_TMP/said"
el_done
