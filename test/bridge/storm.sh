#!/bin/bash
# storm.sh: many meters, a connection each, that all lose the broker and all come back
# at once, three times, while the bridge does too.
#
# METERS (300): make check-long takes 5000.

. "$(dirname "$0")/../lib.sh"

METERS=${METERS:-300}
GONE_S=${GONE_S:-2}				# between two times that the broker goes

el_begin storm
files=$((METERS + 500))
if [ "$(ulimit -Hn)" != unlimited ] && [ "$(ulimit -Hn)" -lt $files ]; then
	el_die "$METERS meters need $files file descriptors: the limit is $(ulimit -Hn)"
fi
[ "$(ulimit -n)" = unlimited ] || [ "$(ulimit -n)" -ge $files ] || ulimit -Sn $files
el_stage
el_cluster storm
# What starts servers may have gone back to the system's usual limit.
broker_files() { el_as_server prlimit --pid "$EL_BROKER_PID" --nofile="$files:" || el_die "the broker cannot have $files file descriptors"; }
el_broker
broker_files
el_psql -c "CREATE EXTENSION pg_energyledger"
cc -O2 -Wall -o "$EL_TMP/storm" "$EL_ROOT/test/bridge/storm.c" || el_die "cannot build storm"
fleet=(--seed storm --meters "$METERS" --readings-per-message 96)
"$EL_BIN/energyledger-meter" --register "${fleet[@]}" | el_psql -f - > /dev/null || el_die "cannot register meters"
# One message a meter, on its topic: judged by the database, which knows who it is of.
el_as_server "$EL_BIN/energyledger-meter" "${fleet[@]}" --quiet --write "$EL_RUN/copy"
el_psql -c "CREATE TABLE line (message bytea)" -c "\\copy line FROM '$EL_RUN/copy'"
el_psql -F "$(printf '\t')" -c "SELECT 'el/v1/local/0/' || (energyledger.parse_message(message) ->> 'meter') || '/up/reading', encode(message, 'hex') FROM line" \
	> "$EL_TMP/meters"
el_is "a message a meter" "$(cut -f 1 "$EL_TMP/meters" | sort -u | wc -l)" "$METERS"

el_bridge_start --backoff-ms-max 500 --metrics-port 0
"$EL_TMP/storm" "$EL_MQTT_PORT" $((4 * GONE_S)) 300 < "$EL_TMP/meters" > "$EL_TMP/storm.said" 2>&1 & storm=$!
for i in 1 2 3; do
	el_progress "storm: broker gone, $i of 3"
	sleep "$GONE_S"
	kill -0 $storm 2> /dev/null || break
	el_broker_stop KILL 2> /dev/null
	el_broker_start
	broker_files
done
el_is "the storm was still on when the broker went the third time" "$i" 3
wait $storm
el_is "every meter that came back has its receipt" $? 0
sed 's/^/# /' "$EL_TMP/storm.said"
el_ok "each came at least four times" test "$(grep -oE 'connects=[0-9]+' "$EL_TMP/storm.said" | cut -d= -f2)" -ge $((4 * METERS))
el_is "each message is stored once" "$(el_psql -c "SELECT count(*), count(DISTINCT meter) FROM energyledger.message")" "$METERS|$METERS"
el_is "nothing in quarantine" "$(el_psql -c "SELECT count(*) FROM energyledger.quarantine")" 0
el_ok "the log has a line or two a loss, not one a try" test "$(grep -cE 'broker_(lost|up)' "$EL_BRIDGE_LOG")" -le 8
echo "# bridge: $(awk '/VmHWM/ { print $2 }' "/proc/$EL_BRIDGE_PID/status") kB at most"
el_bridge_stop TERM
el_is "the bridge ends with 0" $? 0
line=$(grep 'counters: at the end' "$EL_BRIDGE_LOG" | tail -1)
n() { grep -oE " $1=[0-9]+" <<< "$line" | cut -d= -f2; }
el_is "received = accepted + duplicate + quarantined + in flight" "$(n received)" $(($(n accepted) + $(n duplicate) + $(n quarantined) + $(n in_flight)))
el_is "accepted: each once" "$(n accepted)" "$METERS"
el_done
