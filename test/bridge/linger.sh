#!/bin/bash
# linger.sh: a message waits for others as long as it is told to, and no longer.

. "$(dirname "$0")/../lib.sh"

el_begin linger
el_stage
el_cluster linger
el_broker
el_psql -c "CREATE EXTENSION pg_energyledger"
port=$(el_free_port)

sample()
{
	exec 4<> "/dev/tcp/127.0.0.1/$port" || return 1
	printf 'GET /metrics HTTP/1.0\r\n\r\n' >&4
	awk -v name="energyledger_bridge_$1{" 'index($1, name) == 1 { print $2 }' <&4
	exec 4>&-
}
are_quarantined() { [ "$(sample messages_quarantined_total)" = "$1" ]; }

# two TEXT SECONDS: two messages, so far apart
two()
{
	for i in 1 2; do
		[ $i = 1 ] || sleep "$2"
		mosquitto_pub -V 5 -h 127.0.0.1 -p "$EL_MQTT_PORT" -q 1 -t el/v1/local/0/nobody/up/reading -m "$1 $i"
	done
	el_wait 10 are_quarantined 2
}

el_bridge_start --metrics-port "$port" --linger-ms 3000
two long 0.2
el_is "with 3 s to wait, two messages share a transaction" "$(sample transactions_total)" 1
el_ok "and the first has waited so long" awk -v s="$(sample batch_seconds_sum)" 'BEGIN { exit !(s >= 3 && s < 10) }'
el_bridge_stop TERM
el_bridge_start --metrics-port "$port"
two short 2
el_is "with 20 ms, as it is without being told, each has its own" "$(sample transactions_total)" 2
el_ok "and each has waited that long" awk -v s="$(sample batch_seconds_sum)" 'BEGIN { exit !(s >= 0.04) }'
el_bridge_stop TERM
el_done
