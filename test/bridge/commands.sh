#!/bin/bash
# commands.sh: commands and requests to send again go from the database over bridge and
# broker to the meter and are obeyed, once; and nothing about them stops messages.
#
# Only the bridge publishes here.  What the meter did is read from its signed answers and
# readings, what went over the wire from a listener, where there is one: as long as it
# listens, every topic has somebody who hears it.

. "$(dirname "$0")/../lib.sh"

NAME=cmd-house-01
OTHER=00000000-0000-4000-8000-000000000000

el_begin bridge-commands
el_stage
el_cluster commands "fsync = off"
printf 'topic readwrite #\n' > "$EL_RUN/acl"
[ "$(id -u)" = 0 ] && chown "$EL_SERVER_USER" "$EL_RUN/acl"
el_broker "acl_file $EL_RUN/acl"
el_psql -c "CREATE EXTENSION pg_energyledger"
cc -shared -fPIC -Wall -o "$EL_TMP/die_at.so" "$EL_ROOT/test/bridge/die_at.c" \
	-I"$("$PG_CONFIG" --includedir)" -ldl || el_die "cannot build die_at"
METER=$EL_BIN/energyledger-meter
VKEY=$(el_psql -c "SELECT energyledger.site_vkey()")
OPERATOR=$(el_psql -c "SELECT energyledger.rotate_operator_key()")
often=(--commands-interval-s 1 --commands-retry-s 1 --resends-interval-s 1 --resends-grace-s 1 --resends-every-s 1
	--backoff-ms-max 2000)

# meter_start [ARG...]: the house, from where it was.
meter_start()
{
	stdbuf -oL "$METER" --broker "127.0.0.1:$EL_MQTT_PORT" --site-vkey "$VKEY" --operator-vkey "$OPERATOR" --prefix cmd- --meters 1 \
		--profile household --days 60 --rate 30 --state "$EL_TMP/state" --timeout-s 400 "$@" >> "$EL_TMP/meter.out" 2>> "$EL_TMP/meter.err" &
	playing=$!
	EL_PIDS+=("$playing")
}
meter_stop()
{
	kill -TERM "$playing"
	wait "$playing" 2> /dev/null
	el_forget "$playing"
}
# send COMMAND [NOT_BEFORE [EXPIRES [METER]]]: the command's id; times as SQL.
send() { el_psql -c "SELECT energyledger.send_command('${4:-$NAME}', '$1', ${2:-NULL}, ${3:-NULL})"; }
state_of() { el_psql -c "SELECT state || coalesce(' ' || result, '') FROM energyledger.command_state WHERE id = '$1'"; }
is_state() { [ "$(state_of "$1")" = "$2" ]; }
carried_out() { el_ok "$1" el_wait "${3:-20}" is_state "$2" "acknowledged done"; }
stored() { el_psql -c "SELECT count(*) FROM energyledger.message"; }
answers() { el_psql -c "SELECT count(*) FROM energyledger.command_ack WHERE command_id = '$1'"; }
attempts() { el_psql -c "SELECT attempts FROM energyledger.command_state WHERE id = '$1'"; }
relay() { send "{\"type\":\"relay\",\"relay\":1,\"on\":$1}" "${@:2}"; }
# sent_since N: so many readings came after the newest answer.
sent_since()
{
	[ "$(el_psql -c "SELECT count(*) FROM energyledger.message WHERE type = 'reading'
		AND seq > (SELECT max(seq) FROM energyledger.message WHERE type = 'ack')")" -ge "$1" ]
}
# between FROM [TO]: readings between the answers to two commands: some, least, most and sum in Wh
between()
{
	el_psql -c "SELECT count(*) > 3, min(wh), max(wh), sum(wh) FROM (
		SELECT trim_scale(value * 10::numeric ^ scale) AS wh FROM energyledger.reading
		WHERE seq > (SELECT ack_seq FROM energyledger.command_state WHERE id = '$1')
		  AND seq < coalesce((SELECT ack_seq FROM energyledger.command_state WHERE id = '${2:-$OTHER}'), 1000000)) r"
}
lines() { grep -cE -- "$1" "$EL_BRIDGE_LOG"; }
# shows WHAT WANTED: of the bridge that reported last
shows() { [ "$(el_psql -c "SELECT $1 FROM energyledger.bridge_state ORDER BY reported_at DESC LIMIT 1")" = "$2" ]; }
listen()
{
	mosquitto_sub -V 5 -p "$EL_MQTT_PORT" -q 1 -t "el/v1/+/+/+/down/$1" -F "${2:-%t %q %r %E}" > "$EL_TMP/wire" 2>&1 &
	listening=$!
	EL_PIDS+=("$listening")
	sleep 0.5
}
listen_end()
{
	kill "$listening"
	wait "$listening" 2> /dev/null
	el_forget "$listening"
}

# ---------------------------------------------------------------- settings

limit()
{
	el_is "$1 = $2" "$("$EL_BIN/energyledger-bridge" --test-config "--${1//_/-}" "$2" 2>&1 > /dev/null | grep -c "$1 must be a whole number from")" "$3"
}
for case in "commands_interval_s 3600 3601" "commands_retry_s 1 0" "commands_retry_s 86400 86401" "resends_interval_s 3600 3601" \
	"resends_grace_s 86400 86401" "resends_every_s 1 0" "resends_every_s 86400 86401"; do
	read -r name good bad <<< "$case"
	limit "$name" "$good" 0
	limit "$name" "$bad" 1
done

# ---------------------------------------------------------------- obeyed

el_bridge_start "${often[@]}"
"$METER" --register --prefix cmd- --meters 1 --profile household | el_psql > /dev/null
early=$(send '{"type":"text","text":"nobody is there"}')
el_ok "who was never heard has no address" el_wait 10 shows commands_addressless 1
el_is "said once" "$(lines commands_addressless:)" 1
meter_start
carried_out "heard, it is told what waited" "$early"
el_ok "nobody waits any more" el_wait 10 shows commands_addressless 0

off=$(relay false)
carried_out "switched off" "$off"
el_is "what it is to be is what it is" "$(el_psql -c "SELECT count(*) FROM energyledger.meter_difference")" 0
el_is "off" "$(el_psql -c "SELECT command FROM energyledger.meter_actual WHERE thing = 'relay:1'")" '{"on": false, "type": "relay", "relay": 1}'
el_ok "it goes on to measure" el_wait 20 sent_since 8
on=$(relay true)
carried_out "switched on" "$on"
el_is "while it was off nothing was used" "$(between "$off" "$on")" "t|0|0|0"
limit=$(send '{"type":"limit","direction":"import","power_w":100}')
carried_out "limited" "$limit"
el_ok "it uses something" el_wait 20 sent_since 12
free=$(send '{"type":"limit_end","direction":"import"}')
carried_out "the limit's end" "$free"
el_is "a quarter hour at 100 W is 25 Wh" "$(between "$limit" "$free" | cut -d'|' -f1,3)" "t|25"

credit=$(send '{"type":"credit","total_wh":150,"cutoff":true}')
carried_out "prepaid" "$credit"
el_ok "until it is used up" el_wait 20 sent_since 30
more=$(send '{"type":"credit","total_wh":400,"cutoff":true}')
carried_out "more is paid" "$more"
el_is "it used what was paid for, and no more" "$(between "$credit" "$more" | cut -d'|' -f1,2,4)" "t|0|150"
el_ok "with that it goes on" el_wait 20 sent_since 30
end=$(send '{"type":"credit_end"}')
carried_out "its end" "$end"
el_is "to the Wh" "$(between "$more" "$end" | cut -d'|' -f1,4)" "t|250"
el_is "each was published as often as it was needed" "$(el_psql -c "SELECT count(*) FROM energyledger.command_state WHERE attempts NOT BETWEEN 1 AND 2")" 0

# ---------------------------------------------------------------- away

meter_stop
away=$(relay false)
late=$(send '{"type":"text","text":"too late"}' NULL "clock_timestamp() + interval '3 seconds'")
back=$(send '{"type":"limit","direction":"export","power_w":1}')
by=$(el_psql -c "SELECT energyledger.cancel_command('$back', 'never mind')")
unheard() { [ "$(el_psql -c "SELECT commands_unheard FROM energyledger.bridge_state")" -ge 3 ]; }
el_ok "away: the broker says that nobody listens" el_wait 10 unheard
el_is "which is no publication" "$(state_of "$away") $(attempts "$away")" "pending 0"
sleep 3.5
meter_start
carried_out "it comes, and is told" "$away" 5
carried_out "that something was cancelled, too" "$by"
el_is "which it does not do" "$(state_of "$back") $(answers "$back")" "cancelled 0"
el_is "nor what has expired" "$(state_of "$late") $(answers "$late")" "expired 0"
el_is "its relay is off, its export free" "$(el_psql -c "SELECT thing, command ->> 'on' FROM energyledger.meter_actual WHERE thing IN ('relay:1', 'limit:export')")" "relay:1|false"

# ---------------------------------------------------------------- once

# A bridge that starts knows where the meter is from its registration.
el_psql -o /dev/null -c "SELECT energyledger.register_meter('$NAME', shard => '0')"
often+=(--tenant local)
for step in command-queued commands-taken; do
	el_bridge_stop TERM
	listen cmd
	rm -f "$EL_RUN/die" "$EL_RUN/die.struck"
	el_spawn "$EL_BRIDGE_LOG" env PGUSER=bridge LD_PRELOAD="$EL_TMP/die_at.so" DIE_FILE="$EL_RUN/die" \
		"$EL_BIN/energyledger-bridge" --broker-port "$EL_MQTT_PORT" "${often[@]}"
	pid=$EL_SPAWN_PID job=$EL_SPAWN_JOB
	echo "1 $step 1 $pid" > "$EL_RUN/die"
	chmod 644 "$EL_RUN/die"
	# what it answers comes later than the command does again
	[ $step = command-queued ] || kill -STOP "$playing"
	once=$(relay true)
	el_ok "killed: $step" el_wait 15 test -e "$EL_RUN/die.struck"
	el_reap KILL "$pid" "$job" 2> /dev/null
	el_is "$step: nothing is recorded" "$(attempts "$once")" 0
	el_bridge_start "${often[@]}"
	published() { [ "$(attempts "$once")" -ge 1 ]; }
	[ $step = command-queued ] || el_wait 10 published
	kill -CONT "$playing"
	carried_out "$step: obeyed" "$once"
	counter=$(el_psql -c "SELECT counter FROM energyledger.command WHERE id = '$once'")
	el_is "$step: once" "$(grep -c "^$NAME: command $counter " "$EL_TMP/meter.out")" 1
	el_is "$step: answered once" "$(answers "$once")" 1
	listen_end
	[ $step = command-queued ] || el_ok "$step: although it came twice" test "$(wc -l < "$EL_TMP/wire")" -ge 2
done

# ---------------------------------------------------------------- nothing of this stops messages

grows() { local n=$1; [ "$(stored)" -gt "$n" ]; }
before=$(lines 'downlink_failed: commands do not go out')
losses=$(lines database_lost)
el_psql -c "REVOKE EXECUTE ON FUNCTION energyledger.meter_commands, energyledger.meter_resends FROM energyledger_writer"
had() { [ "$(lines 'downlink_failed: commands do not go out')" -gt "$before" ]; }
el_ok "without the privilege" el_wait 10 had
sleep 4
el_is "said once" "$(lines 'downlink_failed: commands do not go out')" $((before + 1))
el_ok "messages are stored" el_wait 10 grows "$(stored)"
el_is "the database does not count as away" "$(lines database_lost)" "$losses"
el_psql -c "GRANT EXECUTE ON FUNCTION energyledger.meter_commands, energyledger.meter_resends TO energyledger_writer"
works() { [ "$(lines 'downlink_works: commands go out again')" -ge 1 ]; }
el_ok "with it again, it is said" el_wait 10 works

el_psql -c "REVOKE EXECUTE ON FUNCTION energyledger.commands_published FROM energyledger_writer"
unrecorded=$(relay false)
carried_out "without the privilege to record it is obeyed all the same" "$unrecorded"
el_ok "which is said" grep -q 'downlink_failed: commands go out, but are not recorded' "$EL_BRIDGE_LOG"
el_psql -c "GRANT EXECUTE ON FUNCTION energyledger.commands_published TO energyledger_writer"

el_psql -c "BEGIN" -c "LOCK TABLE energyledger.command" -c "SELECT pg_sleep(8)" -c "COMMIT" > /dev/null &
locking=$!
sleep 2.5
for ((i = 0; i < 4; i++)); do
	n=$(stored)
	sleep 1.2
	[ "$(stored)" -gt "$n" ] && moved=$((${moved:-0} + 1))
done
el_ok "while somebody locks the commands, messages are stored" test "${moved:-0}" -ge 2
wait $locking

# ---------------------------------------------------------------- refused

printf 'topic deny el/v1/+/+/+/down/cmd\ntopic readwrite #\n' > "$EL_RUN/acl"
kill -HUP "$EL_BROKER_PID"
refused=$(relay true)
is_refused() { [ "$(el_psql -c "SELECT commands_refused FROM energyledger.bridge_state ORDER BY reported_at DESC LIMIT 1")" -ge 1 ]; }
el_ok "a broker that refuses commands" el_wait 10 is_refused
el_ok "is said to" grep -q 'command_refused: the broker refuses a command on topic el/v1/local/0/cmd-house-01/down/cmd' "$EL_BRIDGE_LOG"
el_is "once" "$(lines command_refused:)" 1
el_is "nothing is recorded" "$(state_of "$refused")" pending
el_ok "messages are stored and receipted" el_wait 10 grows "$(stored)"
printf 'topic readwrite #\n' > "$EL_RUN/acl"
kill -HUP "$EL_BROKER_PID"
carried_out "once it takes them, the command arrives" "$refused" 30

# ---------------------------------------------------------------- not believed

note=$(el_psql -c "SELECT note FROM energyledger.command WHERE id = '$refused'")
printf '%s\n' "$note" | sed 's/"on":true/"on":false/' > "$EL_TMP/forged"
mosquitto_pub -p "$EL_MQTT_PORT" -q 1 -t "el/v1/local/0/$NAME/down/cmd" -f "$EL_TMP/forged"
believed_not() { [ "$(grep -c 'not signed by the right key' "$EL_TMP/meter.err")" -gt "$1" ]; }
el_ok "a forged command is not believed" el_wait 10 believed_not 0
count=$(el_psql -c "SELECT count(*) FROM energyledger.command_ack")
el_psql -o /dev/null -c "SELECT energyledger.rotate_operator_key(fresh => true)"
foreign=$(relay false)
was_published() { [ "$(attempts "$1")" -ge 1 ]; }
el_ok "a command by a key that the meter does not have" el_wait 10 was_published "$foreign"
sleep 2
el_is "is not answered" "$(answers "$foreign") $(el_psql -c "SELECT count(*) FROM energyledger.command_ack")" "0 $count"
el_is "nor obeyed" "$(el_psql -c "SELECT command ->> 'on' FROM energyledger.meter_actual WHERE thing = 'relay:1'")" true
el_is "which shows" "$(el_psql -c "SELECT thing, state FROM energyledger.meter_difference")" "relay:1|published"
meter_stop

# ---------------------------------------------------------------- missing messages

"$METER" --register --prefix gap- --meters 2 --profile household | el_psql > /dev/null
"$METER" --broker "127.0.0.1:$EL_MQTT_PORT" --site-vkey "$VKEY" --prefix gap- --meters 2 --profile household \
	--flip-bit 9 --resend-after-ms 86400000 --timeout-s 60 --state "$EL_TMP/gap" --quiet 2>> "$EL_TMP/meter.err"
el_is "asked over the broker, the meters send again what was lost" $? 0
el_ok "something was missing" test "$(el_psql -c "SELECT count(*) FROM energyledger.quarantine WHERE topic LIKE '%/gap-%'")" -ge 18
el_is "no gap is left" "$(el_psql -c "SELECT count(*) FROM energyledger.meter_gap")" 0
el_is "who was asked is known" "$(el_psql -c "SELECT count(*) FROM energyledger.resend_request WHERE meter LIKE 'gap-%'")" 2
asked() { [ "$(el_psql -c "SELECT resends FROM energyledger.bridge_state ORDER BY reported_at DESC LIMIT 1")" -ge 2 ]; }
el_ok "and counted" el_wait 15 asked
el_bridge_stop TERM
el_is "the bridge ends with 0" $? 0

# What was missing before the bridge started, of meters that say nothing more.
"$METER" --register --prefix old- --meters 1 --profile household | el_psql > /dev/null
el_psql -o /dev/null -c "SELECT energyledger.register_meter('old-house-01', shard => '0')"
el_bridge_start --tenant local --resends-interval-s 0
"$METER" --broker "127.0.0.1:$EL_MQTT_PORT" --site-vkey "$VKEY" --prefix old- --meters 1 --profile household \
	--flip-bit 10 --resend-after-ms 86400000 --timeout-s 60 --state "$EL_TMP/old" --quiet 2>> "$EL_TMP/meter.err" &
waiting=$!
EL_PIDS+=("$waiting")
all_but_damaged() { [ "$(el_psql -c "SELECT count(*) FROM energyledger.message WHERE meter = 'old-house-01'")" = 87 ]; }
el_ok "with requests turned off a gap stays" el_wait 20 all_but_damaged
el_bridge_stop TERM
el_bridge_start "${often[@]}"
wait $waiting
el_is "a bridge that starts asks for what was missing before" $? 0
el_forget "$waiting"
el_bridge_stop TERM
el_is "no message is unaccounted for" "$(el_psql -c "SELECT bool_and(conserved) FROM energyledger.bridge_state")" t

# ---------------------------------------------------------------- addresses, order, expiry

# Never heard: 150 in a shard that is served, the others nowhere or elsewhere.
el_psql -o /dev/null -c "SELECT energyledger.register_meter('sh-' || i, shard => CASE WHEN i <= 150 THEN 'east' WHEN i <= 160 THEN 'mars' END) FROM generate_series(1, 170) i" \
	-c "SELECT energyledger.send_command('sh-' || i, '{\"type\":\"relay\",\"relay\":1,\"on\":true}', NULL, clock_timestamp() + interval '1 hour') FROM generate_series(1, 170) i" \
	-c "SELECT energyledger.send_command('sh-' || i, '{\"type\":\"credit_end\"}', NULL, clock_timestamp() + interval '1 hour') FROM generate_series(1, 170) i" \
	-c "SELECT energyledger.send_command('sh-' || i, '{\"type\":\"text\",\"text\":\"x\"}', NULL, clock_timestamp() + interval '4 seconds') FROM generate_series(1, 170) i"
# One of them sleeps, and its broker keeps what comes for it.
asleep=(-V 5 -p "$EL_MQTT_PORT" -i asleep -c -x 3600 -q 1 -t el/v1/local/east/sh-7/down/cmd)
mosquitto_sub "${asleep[@]}" -E > /dev/null 2>&1
listen cmd '%t %q %r %E %p'
el_bridge_start --tenant local --shard west,east --commands-interval-s 1 --commands-retry-s 3600
out() { [ "$(el_psql -c "SELECT count(*) FROM energyledger.command_publication u JOIN energyledger.command c ON c.id = u.command_id WHERE c.meter LIKE 'sh-%'")" = 450 ]; }
el_ok "who was never heard is reached where it is registered" el_wait 20 out
sleep 2.5
el_is "each once, in the shard that is served" "$(el_psql -c "SELECT count(*), min(attempts), max(attempts), string_agg(DISTINCT (SELECT shard FROM energyledger.meter_current m WHERE m.meter = c.meter), ',')
	FROM energyledger.command_state c WHERE meter LIKE 'sh-%' AND attempts > 0")" "450|1|1|east"
el_is "on its own topic, QoS 1, not retained" "$(grep '^el/' "$EL_TMP/wire" | sed -E 's/sh-[0-9]+/M/' | awk '{ print $1, $2, $3 }' | sort | uniq -c | sed 's/^ *//')" \
	"450 el/v1/local/east/M/down/cmd 1 0"
el_is "the broker keeps it for no longer than it is good for" "$(grep '^el/' "$EL_TMP/wire" | awk '{ print ($4 > 3590 && $4 <= 3600) ? "hour" : ($4 >= 1 && $4 <= 4) ? "seconds" : $4 }' | sort | uniq -c | sed 's/^ *//' | tr '\n' ' ')" "300 hour 150 seconds "
el_is "in the order of their counters" "$(awk '/^el\// { topic = $1; n = 0 } ++n == 5 { if ($1 <= last[topic]) bad++; last[topic] = $1 } END { print bad + 0, length(last) }' "$EL_TMP/wire")" "0 150"
listen_end
sleep 3
el_is "who slept gets what is still good, and not what has expired" "$(mosquitto_sub "${asleep[@]}" -W 2 -F '%p' 2> /dev/null | grep -oE '^\{"type":"[a-z_]+"' | tr '\n' ' ')" '{"type":"relay" {"type":"credit_end" '
el_bridge_stop TERM
el_is "exit status" $? 0

el_psql -c "SELECT energyledger.seal()" > /dev/null
el_is "the ledger is intact" "$(el_psql -c "SET client_min_messages = warning" -c "SELECT count(*) FROM energyledger.verify()")" 0
el_done
