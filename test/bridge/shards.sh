#!/bin/bash
# shards.sh: several shards in one process: each its own session and account, none
# held up by another; and what one connection that comes and goes does to the log.

. "$(dirname "$0")/../lib.sh"

el_begin shards
el_stage
el_cluster shards
el_broker
el_psql -c "CREATE EXTENSION pg_energyledger"
BRIDGE=$EL_BIN/energyledger-bridge
METER=$EL_BIN/energyledger-meter
mqtt=(-V 5 -h 127.0.0.1 -p "$EL_MQTT_PORT")

refuses()
{
	local said

	said=$("$BRIDGE" --test-config --shard "$2" 2>&1)
	el_is "$1: exit status" $? 1
	el_ok "$1: says why" grep -qF -- "$3" <<< "$said"
}
refuses "a shard twice" "a, b,a" 'shard names "a" twice'
refuses "all, and one by name" "+,a" 'shard must be + or a list'
refuses "an empty name" "a,,b" 'shard must be + or a list'
refuses "two names without a comma" "a b" 'shard must be + or a list'
refuses "too many" "$(seq -s, 65)" 'the limit is 64'
el_ok "64 shards are allowed" "$BRIDGE" --test-config --shard "$(seq -s, 64)"

# What the last line of its counters says of a shard.
counter() { grep "counters: $3 .* shard=$1 " "$EL_BRIDGE_LOG" | tail -1 | grep -oE " $2=[0-9]+" | cut -d= -f2; }
lines() { grep -cE -- "$1" "$EL_BRIDGE_LOG"; }
stored() { el_psql -c "SELECT count(*) FROM energyledger.message WHERE meter LIKE '$1%'"; }
is_stored() { [ "$(stored "$1")" = "$2" ]; }

el_bridge_start --shard north,south,west --linger-ms 5 --backoff-ms-max 500
connected() { [ "$(lines 'connected to the broker')" = 3 ]; }
el_ok "each shard connects" el_wait 10 connected
for shard in north south west; do
	"$METER" --register --seed $shard --prefix $shard- --meters 5 --shard $shard | el_psql -f - > /dev/null
done
vkey=$(el_psql -c "SELECT energyledger.site_vkey()")
send()
{
	"$METER" --broker "127.0.0.1:$EL_MQTT_PORT" --seed "$1" --prefix "$1-" --meters 5 --shard "$1" --client-id "meters-$1" \
		--site-vkey "$vkey" --timeout-s 60 --quiet "${@:2}"
}
send north & north=$!
send south & south=$!
send west --flip-bit 10 --resend-after-ms 500
el_is "west: all receipts" $? 0
wait $north
el_is "north: all receipts" $? 0
wait $south
el_is "south: all receipts" $? 0
el_is "all are stored" "$(stored north) $(stored south) $(stored west)" "480 480 480"
el_is "each shard says that it is at work" \
	"$(mosquitto_sub "${mqtt[@]}" -t 'el/v1/bridge/+/state' -F '%t=%p' -C 3 -W 5 | sort | tr '\n' ' ')" \
	"el/v1/bridge/bridge.north/state=online el/v1/bridge/bridge.south/state=online el/v1/bridge/bridge.west/state=online "

# Another client with one shard's client id throws that shard out again and again.
for ((i = 0; i < 12; i++)); do
	mosquitto_sub "${mqtt[@]}" -i energyledger-bridge.bridge.all.south.down -t nothing -W 1 > /dev/null 2>&1
	sleep 0.3
done
el_is "a connection lost again and again is one line" "$(grep -c 'broker_lost.* shard=south ' "$EL_BRIDGE_LOG")" 1
el_is "and no line of the others" "$(lines 'broker_lost.* shard=(north|west) ')" 0
said_back() { [ "$(lines 'broker_up: .* shard=south ')" = 2 ]; }
el_ok "it is said to be back once it holds" el_wait 20 said_back

el_bridge_stop TERM
el_is "SIGTERM ends all: exit status" $? 0
for shard in north south west; do
	el_is "$shard: received = accepted + duplicate + quarantined + in flight" "$(counter $shard received 'at the end')" \
		$(($(counter $shard accepted 'at the end') + $(counter $shard duplicate 'at the end') +
		$(counter $shard quarantined 'at the end') + $(counter $shard in_flight 'at the end')))
	el_is "$shard: accepted its own" "$(counter $shard accepted 'at the end')" 480
done
el_ok "west: what was damaged is in quarantine" test "$(counter west quarantined 'at the end')" -ge 40
el_is "each shard says that it is not" \
	"$(mosquitto_sub "${mqtt[@]}" -t 'el/v1/bridge/+/state' -F '%p' -C 3 -W 5 | sort -u)" offline
el_is "the database shows each shard, ended, nothing unaccounted for" \
	"$(el_psql -c "SELECT string_agg(format('%s %s %s %s', shard, accepted, at_work, conserved), ' ' ORDER BY shard) FROM energyledger.bridge_state")" \
	"north 480 f t south 480 f t west 480 f t"

# The database away while several shards start: one line each, whatever the tries.
el_cluster_stop fast
el_spawn "$EL_BRIDGE_LOG" env PGUSER=bridge "$BRIDGE" --broker-port "$EL_MQTT_PORT" --shard north,south --id second --backoff-ms-max 200
pid=$EL_SPAWN_PID job=$EL_SPAWN_JOB
before=$(lines database_lost)
sleep 3
el_is "the database away for 3 s: a line a shard" "$(lines database_lost)" 2
el_is "and none of the broker" "$(lines 'broker_lost.* shard=(north|west) ')" 0
el_cluster_start
both() { [ "$(grep -c 'energyledger-bridge.* starting as "second"' "$EL_BRIDGE_LOG")" = 1 ] && [ "$(lines 'connected to the broker.*shard=north')" = 2 ]; }
el_ok "it is back: both go on" el_wait 10 both

# A broker that answers nothing keeps a thread in connect(); the end must not wait for that.
el_broker_stop TERM
sleep 0.5
kill -TERM "$pid"
gone() { ! kill -0 "$pid"; }
el_ok "SIGTERM while the broker is away ends it at once" el_wait 3 gone
wait "$job"
el_is "with exit status" $? 0
el_done
