#!/bin/bash
# replay.sh: messages from a file, by the way that messages from the broker take; and
# judging without writing.

. "$(dirname "$0")/../lib.sh"

el_begin replay
el_stage
el_cluster replay
el_broker
el_psql -c "CREATE EXTENSION pg_energyledger" -c "CREATE ROLE bridge LOGIN IN ROLE energyledger_writer"
METER=$EL_BIN/energyledger-meter
mqtt=(-V 5 -h 127.0.0.1 -p "$EL_MQTT_PORT")
file=$EL_TMP/messages
bridge() { PGUSER=bridge timeout 60 "$EL_BIN/energyledger-bridge" "$@" > "$EL_TMP/said" 2>&1; }
said() { grep -qE -- "$1" "$EL_TMP/said"; }
counted() { grep 'counters: at the end' "$EL_TMP/said" | grep -oE ' (accepted|duplicate|quarantined|in_flight|returned)=[0-9]+' | sed 's/.*=//' | tr '\n' ' '; }
rows() { el_psql -F ' ' -c "SELECT (SELECT count(*) FROM energyledger.message), (SELECT count(*) FROM energyledger.quarantine)"; }

# What mosquitto_sub writes is a file to replay.
"$METER" --register --seed replay --meters 4 | el_psql -f - > /dev/null
mosquitto_sub "${mqtt[@]}" -q 1 -t 'el/v1/+/+/+/up/+' -F '%t\t%x' -C 384 -W 30 > "$file" & listener=$!
sleep 0.5
"$METER" --broker "127.0.0.1:$EL_MQTT_PORT" --seed replay --meters 4 --no-receipt --quiet
wait $listener
el_is "mosquitto_sub has written the messages" "$(wc -l < "$file")" 384

{
	echo "# two hundred messages, one of them twice, one damaged"
	head -200 "$file"
	echo
	head -1 "$file"
	sed -n '201{s/.$/0/;s/..$/00/;p}' "$file"
} > "$file.some"
bridge --replay "$file.some" --dry-run
el_is "judging: exit status" $? 0
el_is "judging: accepted, duplicate, quarantined, in flight, returned" "$(counted)" "200 1 1 0 0 "
el_is "judging: a line a message" "$(grep -c ' info judged: ' "$EL_TMP/said")" 202
el_ok "judging: with verdict and reason" said 'judged: quarantined: [a-z_]+  verdict=quarantined reason=[a-z_]+ '
el_is "judging: nothing is written" "$(rows)" "0 0"

bridge --replay "$file.some"
el_is "exit status" $? 0
el_is "accepted, duplicate, quarantined, in flight, returned" "$(counted)" "200 1 1 0 0 "
el_is "they are stored" "$(rows)" "200 1"
bridge --replay - < "$file.some"
el_is "again, from standard input: all are duplicates" "$? $(counted)" "0 0 201 1 0 0 "
el_is "again: nothing is stored twice" "$(rows)" "200 1"

# lines that are no messages do not keep the others out
{
	sed -n 202p "$file"
	echo "no tab here"
	printf 'topic\tabc\n'
	printf 'topic\tzz\n'
	printf '\tabcd\n'
	printf 'topic\t'; head -c 2300000 /dev/zero | tr '\0' a; echo
	sed -n 203p "$file" | tr -d '\n'
} > "$file.bad"
bridge --replay "$file.bad"
el_is "lines that are no messages: exit status" $? 4
el_is "lines that are no messages: the others are stored" "$(rows)" "202 1"
el_is "lines that are no messages: each is named" \
	"$(grep -oE 'line_unreadable: line [0-9]+' "$EL_TMP/said" | sed 's/.* //' | tr '\n' ' ')" "2 3 4 5 6 "
bridge --replay "$EL_TMP/nowhere"
el_is "no file: exit status" $? 1

# The database goes and comes while a file is brought.
el_cluster_stop fast
PGUSER=bridge "$EL_BIN/energyledger-bridge" --replay "$file" --batch-messages-max 2 --backoff-ms-max 300 > "$EL_TMP/said" 2>&1 & job=$!
sleep 1
el_cluster_start
some() { [ "$(el_psql -c "SELECT count(*) FROM energyledger.message")" -gt 210 ]; }
el_wait 20 some
el_cluster_stop immediate
sleep 0.5
el_cluster_start
wait $job
el_is "the database goes and comes: exit status" $? 0
el_is "the database goes and comes: all are stored, each once" "$(rows)" "384 1"
el_is "the database goes and comes: nothing lost count" "$(counted | awk '{ print $1 + $2 + $3, $4, $5 }')" "384 0 0"

# Listening in: a session of its own, which takes nothing from the bridge's.
el_bridge_start
"$METER" --register --seed beside --prefix beside- --meters 2 | el_psql -f - > /dev/null
PGUSER=bridge "$EL_BIN/energyledger-bridge" --broker-port "$EL_MQTT_PORT" --dry-run > "$EL_TMP/said" 2>&1 & job=$!
listens() { said 'connected to the broker'; }
el_wait 10 listens
"$METER" --broker "127.0.0.1:$EL_MQTT_PORT" --seed beside --prefix beside- --meters 2 --quiet --timeout-s 30 \
	--site-vkey "$(el_psql -c "SELECT energyledger.site_vkey()")"
el_is "judging beside the bridge: all messages have their receipts" $? 0
heard() { [ "$(grep -c ' judged: ' "$EL_TMP/said")" -ge 192 ]; }
el_ok "judging beside the bridge: every message is judged" el_wait 10 heard
kill -TERM $job
wait $job
el_is "judging beside the bridge: exit status" $? 0
el_is "judging beside the bridge: its state says nothing of it" "$(mosquitto_sub "${mqtt[@]}" -t el/v1/bridge/bridge/state -C 1 -W 5)" online
el_is "judging beside the bridge: stored once" "$(rows)" "576 1"
el_bridge_stop TERM
el_is "the bridge ends with 0" $? 0
el_done
