#!/bin/bash
# hang.sh: one shard's thread hangs while the others go on: systemd's watchdog is told no
# more, the log names the shard, the others take what comes; and all is well again when
# it goes on.

. "$(dirname "$0")/../lib.sh"

el_begin hang
el_stage
el_cluster hang
el_broker
el_psql -c "CREATE EXTENSION pg_energyledger" -c "CREATE ROLE bridge LOGIN IN ROLE energyledger_writer"
cc -shared -fPIC -Wall -o "$EL_TMP/hang_at.so" "$EL_ROOT/test/bridge/hang_at.c" -ldl || el_die "cannot build hang_at"
cc -o "$EL_TMP/notify_listen" "$EL_ROOT/test/bridge/notify_listen.c" || el_die "cannot build notify_listen"
METER=$EL_BIN/energyledger-meter
for shard in north south; do
	"$METER" --register --seed $shard --prefix $shard- --meters 2 --shard $shard | el_psql -f - > /dev/null
done
vkey=$(el_psql -c "SELECT energyledger.site_vkey()")
send()
{
	"$METER" --broker "127.0.0.1:$EL_MQTT_PORT" --seed "$1" --prefix "$1-" --meters 2 --shard "$1" --client-id "meters-$1" \
		--site-vkey "$vkey" --timeout-s 60 --quiet "${@:2}"
}
stored() { el_psql -c "SELECT count(*) FROM energyledger.message WHERE meter LIKE '$1-%'"; }

el_spawn "$EL_TMP/log/notify" "$EL_TMP/notify_listen" "$EL_RUN/notify"
el_wait 10 test -S "$EL_RUN/notify"
told() { grep -qE -- "$1" "$EL_TMP/log/notify"; }
watchdogs() { grep -c '^WATCHDOG=1' "$EL_TMP/log/notify"; }
hang=$EL_RUN/stuck
port=$(el_free_port)
export EL_BRIDGE_LOG=$EL_TMP/log/bridge
el_spawn "$EL_BRIDGE_LOG" env PGUSER=bridge LD_PRELOAD="$EL_TMP/hang_at.so" HANG_SHARD=north HANG_FILE="$hang" \
	NOTIFY_SOCKET="$EL_RUN/notify" WATCHDOG_USEC=400000 "$EL_BIN/energyledger-bridge" --broker-port "$EL_MQTT_PORT" \
	--shard north,south --database-timeout-ms 5000 --keepalive-s 600 --metrics-port "$port"
EL_BRIDGE_PID=$EL_SPAWN_PID EL_BRIDGE_JOB=$EL_SPAWN_JOB
logged() { grep -qE -- "$1" "$EL_BRIDGE_LOG"; }
el_ok "ready" el_wait 15 told '^READY=1'
el_ok "messages pass: north" send north
el_ok "messages pass: south" send south
fed() { [ "$(watchdogs)" -gt "$before" ]; }
before=$(watchdogs)
el_ok "the watchdog is fed" el_wait 5 fed

touch "$hang"
send north --date 2025-06-22 --epoch 2 & north=$!
el_ok "north hangs: the log says so, and which" el_wait 30 logged 'shard_stuck: shard north hangs'
sleep 0.5
before=$(watchdogs)
sleep 2
el_is "the watchdog is told no more" "$(watchdogs)" "$before"
el_is "that is said once" "$(grep -c 'shard_stuck' "$EL_BRIDGE_LOG")" 1
el_is "of one shard only" "$(grep -c 'shard south hangs' "$EL_BRIDGE_LOG")" 0
el_ok "south goes on" send south --date 2025-06-22 --epoch 2
el_is "all of it is stored" "$(stored south)" 384
el_is "and none of north's" "$(stored north)" 192
up() { exec 4<> "/dev/tcp/127.0.0.1/$port" && printf 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n' >&4 && timeout 5 grep -q '^energyledger_bridge_' <&4; local rc=$?; exec 4>&-; return $rc; }
el_ok "Prometheus is answered" up
el_is "the watchdog is still told nothing" "$(watchdogs)" "$before"

rm "$hang"
el_ok "north goes on: the watchdog is fed again" el_wait 10 fed
wait $north
el_is "its meters get their receipts" $? 0
el_is "all of it is stored, once" "$(stored north)" 384
el_bridge_stop TERM
el_is "the bridge ends with 0" $? 0
el_done
