#!/bin/bash
# unsafe.sh: what the bridge says of a broker whose settings would cost messages or let
# strangers in, each by its name and once; shipped.sh sees that good ones are passed in silence.

. "$(dirname "$0")/../lib.sh"

el_begin unsafe
el_stage
el_cluster unsafe
el_psql -c "CREATE EXTENSION pg_energyledger"
printf 'topic readwrite el/#\n' > "$EL_RUN/acl"	# and nothing of $SYS
chmod 644 "$EL_RUN/acl"
[ "$(id -u)" != 0 ] || chown "$EL_SERVER_USER" "$EL_RUN/acl"
lines() { grep -cE -- "$1" "$EL_BRIDGE_LOG"; }
said() { [ "$(lines "$1: ")" -gt 0 ]; }

el_broker "acl_file $EL_RUN/acl" "max_keepalive 15"
# 0.0.0.0 is this machine, and no name that says so.
el_bridge_start --broker-host 0.0.0.0 --keepalive-s 60 --database-timeout-ms 10000
events="broker_anonymous broker_unencrypted broker_keepalive broker_unseen"
for event in $events; do
	el_ok "$event" el_wait 20 said $event
done
sleep 2
for event in $events; do
	el_is "$event: once" "$(lines "$event: ")" 1
done
el_is "the keep-alive is the broker's" "$(lines 'broker_keepalive: .* every 15 s')" 1
el_bridge_stop TERM
el_is "the bridge ends with 0" $? 0
el_broker_stop TERM

rm -rf "$EL_MQTT_DIR"
el_broker "retain_available false"
EL_BRIDGE_LOG=$EL_TMP/log/retain
el_spawn "$EL_BRIDGE_LOG" env PGUSER=bridge "$EL_BIN/energyledger-bridge" --broker-port "$EL_MQTT_PORT" --backoff-ms-max 200
EL_BRIDGE_PID=$EL_SPAWN_PID EL_BRIDGE_JOB=$EL_SPAWN_JOB
el_ok "a broker that retains nothing is not taken" el_wait 10 grep -q "broker_lost: .*Retain not supported" "$EL_BRIDGE_LOG"
sleep 2
el_is "said once" "$(lines broker_lost)" 1
el_bridge_stop TERM
el_is "the bridge ends with 0 " $? 0
el_done
