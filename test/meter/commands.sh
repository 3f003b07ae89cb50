#!/bin/bash
# commands.sh: a meter does what the operator's key has signed, once, and nothing else.
#
# Real broker, bridge and ledger; the notes are published by mosquitto_pub, so that this
# decides what reaches the meter and when.  What the meter did is read from its signed
# readings and answers: a switched-off house uses nothing, a limited one no more than the
# limit, a prepaid one just what was paid for, also when it is killed in between.

. "$(dirname "$0")/../lib.sh"

METER=$EL_ROOT/tools/energyledger-meter
NAME=cmd-house-01

# start_meter [ARG...]
start_meter()
{
	"$METER" --broker "127.0.0.1:$EL_MQTT_PORT" --site-vkey "$VKEY" --operator-vkey "$OPERATOR" --prefix cmd- --meters 1 \
		--profile household --days 30 --state "$EL_TMP/state" --timeout-s 120 "$@" >> "$EL_TMP/meter.out" 2>> "$EL_TMP/meter.err" &
	playing=$!
}

# send COMMAND [NOT_BEFORE [EXPIRES]]: the command's id; times as SQL.
send()
{
	el_psql -c "SELECT energyledger.send_command('$NAME', '$1', ${2:-NULL}, ${3:-NULL})"
}

# publish ID [METER [SED]]: its note, as the bridge would, to whatever meter.
publish()
{
	el_psql -c "COPY (SELECT regexp_split_to_table(rtrim(note, E'\\n'), E'\\n') FROM energyledger.command WHERE id = '$1') TO STDOUT" |
		sed -e 's/\\\\/\\/g' -e "${3:-}" > "$EL_TMP/note"
	mosquitto_pub -p "$EL_MQTT_PORT" -q 1 -t "el/v1/local/0/${2:-$NAME}/down/cmd" -f "$EL_TMP/note"
}

state_of()
{
	el_psql -c "SELECT state || coalesce(' ' || result, '') FROM energyledger.command_state WHERE id = '$1'"
}

is_state()
{
	[ "$(state_of "$1")" = "$2" ]
}

# carried_out NAME ID
carried_out()
{
	el_ok "$1" el_wait 20 is_state "$2" "acknowledged done"
}

# sent_since N: so many readings came after the newest answer.
sent_since()
{
	[ "$(el_psql -c "SELECT count(*) FROM energyledger.message WHERE type = 'reading'
		AND seq > (SELECT max(seq) FROM energyledger.message WHERE type = 'ack')")" -ge "$1" ]
}

# between FROM [TO]: readings between the answers to two commands: count, least, most and sum in Wh
between()
{
	el_psql -c "SELECT count(*) > 3, min(wh), max(wh), sum(wh) FROM (
		SELECT trim_scale(value * 10::numeric ^ scale) AS wh FROM energyledger.reading
		WHERE seq > (SELECT ack_seq FROM energyledger.command_state WHERE id = '$1')
		  AND seq < coalesce((SELECT ack_seq FROM energyledger.command_state WHERE id = '${2:-00000000-0000-4000-8000-000000000000}'), 1000000)) r"
}

el_begin commands
el_cluster commands "fsync = off"
el_broker
el_psql -c "CREATE EXTENSION pg_energyledger"
VKEY=$(el_psql -c "SELECT energyledger.site_vkey()")
OPERATOR=$(el_psql -c "SELECT energyledger.rotate_operator_key()")
el_bridge_start --commands-interval-s 0 --resends-interval-s 0
"$METER" --register --prefix cmd- --meters 1 --profile household | el_psql > /dev/null
el_is "the operator's secrets are its own to read" "$(stat -c %a "$EL_PGDATA/energyledger_operator.key")" 600
"$METER" --operator-vkey "$OPERATOR" --site-vkey "$VKEY" 2> "$EL_TMP/usage"
el_is "commands are not obeyed without a state" "$?" 2

late=$(send '{"type":"text","text":"too late"}' NULL "clock_timestamp() + interval '1 second'")
sleep 1.2
start_meter --rate 30
el_ok "the meter plays" el_wait 20 test "$(el_psql -c 'SELECT 1')" = 1
el_ok "and is heard" el_wait 20 sh -c "[ \"\$('$EL_BIN/psql' -XAtc 'SELECT count(*) > 5 FROM energyledger.message')\" = t ]"

publish "$late"
el_ok "a command that has expired is not carried out" el_wait 20 is_state "$late" "expired expired"

# -- on and off
off=$(send '{"type":"relay","relay":1,"on":false}')
publish "$off"
carried_out "switched off" "$off"
el_ok "it goes on to measure" el_wait 20 sent_since 8
el_is "what it is to be is what it is" "$(el_psql -c "SELECT count(*) FROM energyledger.meter_difference")" 0
el_is "and that is off" "$(el_psql -c "SELECT thing, actual FROM energyledger.meter_desired JOIN
	(SELECT meter, thing, command AS actual FROM energyledger.meter_actual) a USING (meter, thing)")" 'relay:1|{"on": false, "type": "relay", "relay": 1}'
on=$(send '{"type":"relay","relay":1,"on":true}')
publish "$on"
carried_out "switched on" "$on"
el_is "while it was off nothing was used" "$(between "$off" "$on")" "t|0|0|0"

# -- a limit, and a crash under it
el_ok "on it uses something" el_wait 20 sent_since 5
limit=$(send '{"type":"limit","direction":"import","power_w":100}')
publish "$limit"
carried_out "limited" "$limit"
el_ok "it goes on" el_wait 20 sent_since 5
kill -KILL $playing
wait $playing 2> /dev/null
start_meter --rate 30
el_ok "killed and started again it goes on" el_wait 20 sent_since 15
publish "$limit"
publish "$on"
publish "$off"
free=$(send '{"type":"limit_end","direction":"import"}')
publish "$free"
carried_out "the limit's end" "$free"
el_is "a quarter hour at 100 W is 25 Wh, before the crash and after it" "$(between "$limit" "$free" | cut -d'|' -f1,3)" "t|25"
el_ok "without it it uses more" el_wait 20 sent_since 20
el_is "more than 25 Wh" "$(el_psql -c "SELECT max(value) > 25 FROM energyledger.reading
	WHERE seq > (SELECT ack_seq FROM energyledger.command_state WHERE id = '$free')")" t
el_is "what came twice was taken once" "$(el_psql -c "SELECT DISTINCT verdict FROM energyledger.command_ack")" matched

# -- what it refuses
absent=$(send '{"type":"relay","relay":5,"on":true}')
publish "$absent"
el_ok "a relay that it does not have" el_wait 20 is_state "$absent" "refused unsupported"
taken_back=$(send '{"type":"relay","relay":1,"on":false}')
by=$(el_psql -c "SELECT energyledger.cancel_command('$taken_back', 'wrong house')")
publish "$by"
carried_out "a cancellation of what never came" "$by"
publish "$taken_back"
el_ok "which comes too late then" el_wait 20 is_state "$taken_back" "refused old_counter"
other=$(send '{"type":"text","text":"not \"signed\" so"}')
publish "$other" "" "s/not/now/"
publish "$other" "" "s/operator/nobody/"
publish "$other"
carried_out "a text as it was signed" "$other"
el_ok "others are not believed" grep -q 'not signed by the right key' "$EL_TMP/meter.err"
el_is "and not answered" "$(el_psql -c "SELECT count(*) FROM energyledger.command_ack WHERE command_id = '$other'")" 1

# -- later
soon=$(send '{"type":"text","text":"soon"}' "clock_timestamp() + interval '2 seconds'")
publish "$soon"
el_ok "what lies ahead waits" el_wait 20 is_state "$soon" "scheduled scheduled"
plan=$(send '{"type":"relay","relay":1,"on":false}' "clock_timestamp() + interval '1 hour'")
publish "$plan"
el_ok "a plan" el_wait 20 is_state "$plan" "scheduled scheduled"
by=$(el_psql -c "SELECT energyledger.cancel_command('$plan', 'not needed')")
publish "$by"
carried_out "is cancelled" "$by"
el_is "by the meter" "$(state_of "$plan")" "cancelled cancelled"
carried_out "what lay ahead is done in time" "$soon"
el_is "not before" "$(el_psql -c "SELECT at >= not_before FROM energyledger.command_state WHERE id = '$soon'")" t
plan=$(send '{"type":"relay","relay":1,"on":false}' "clock_timestamp() + interval '1 hour'")
publish "$plan"
el_ok "another plan" el_wait 20 is_state "$plan" "scheduled scheduled"
on=$(send '{"type":"relay","relay":1,"on":true}')
publish "$on"
carried_out "gives way to a newer command" "$on"
el_is "and says so" "$(state_of "$plan")" "superseded superseded"

# -- prepaid
credit=$(send '{"type":"credit","total_wh":150,"cutoff":true}')
publish "$credit"
carried_out "credit" "$credit"
el_ok "it uses some" el_wait 20 sent_since 3
kill -KILL $playing
wait $playing 2> /dev/null
start_meter --rate 30
el_ok "it goes on" el_wait 20 sent_since 30
more=$(send '{"type":"credit","total_wh":1000,"cutoff":true}')
publish "$more"
carried_out "more credit" "$more"
el_is "it used what was paid for, to the Wh, and no more" "$(between "$credit" "$more" | cut -d'|' -f1,2,4)" "t|0|150"
el_is "and said what is left" "$(el_psql -c "SELECT detail FROM energyledger.command_state WHERE id = '$more'")" "850 Wh left"
end=$(send '{"type":"credit_end"}')
publish "$end"
carried_out "its end" "$end"

kill -TERM $playing
wait $playing
start_meter
wait $playing
el_is "the rest of its days in one go, to the last receipt" $? 0
el_is "one chain without a gap" "$(el_psql -c "SELECT count(*) = max(seq), bool_and(prev IS NOT DISTINCT FROM before) FROM
	(SELECT seq, prev, lag(digest) OVER (ORDER BY seq) AS before FROM energyledger.message) m")" "t|t"
el_is "nothing in quarantine" "$(el_psql -c "SELECT count(*) FROM energyledger.quarantine")" 0
el_is "the load was played to its end" "$(el_psql -c "SELECT count(*) FROM energyledger.reading")" 2880

# -- messages that were lost are sent again when the site asks, and not before
"$METER" --register --prefix gap- --meters 1 --profile household | el_psql > /dev/null
"$METER" --broker "127.0.0.1:$EL_MQTT_PORT" --site-vkey "$VKEY" --prefix gap- --meters 1 --profile household \
	--flip-bit 10 --resend-after-ms 86400000 --timeout-s 60 --state "$EL_TMP/gap" --quiet 2>> "$EL_TMP/meter.err" &
playing=$!
all_but_damaged()
{
	[ "$(el_psql -c "SELECT count(*) FROM energyledger.message WHERE meter = 'gap-house-01'")" = 87 ]
}
el_ok "nine of 96 messages are damaged on their way" el_wait 20 all_but_damaged
el_is "nine gaps" "$(el_psql -c "SELECT count(*) FROM energyledger.meter_gap")" 9
printf '%s\n' "$(el_psql -c "SELECT request FROM energyledger.meter_resends(ARRAY['gap-house-01'], '0 seconds')")" > "$EL_TMP/request"
sed 's/10 10/10 11/' "$EL_TMP/request" > "$EL_TMP/forged"
mosquitto_pub -p "$EL_MQTT_PORT" -q 1 -t el/v1/local/0/gap-house-01/down/resend -f "$EL_TMP/forged"
sleep 0.5
el_ok "a forged request changes nothing" all_but_damaged
mosquitto_pub -p "$EL_MQTT_PORT" -q 1 -t el/v1/local/0/gap-house-01/down/resend -f "$EL_TMP/request"
wait $playing
el_is "asked, it sends them, and has its receipt for all" $? 0
el_is "no gap is left" "$(el_psql -c "SELECT count(*) FROM energyledger.meter_gap")" 0

el_psql -c "SELECT energyledger.seal()" > /dev/null
el_is "verify finds nothing" "$(el_psql -c "SELECT count(*) FROM energyledger.verify()")" 0
el_ok "the bridge drains and exits 0" el_bridge_stop

# -- a copy has all that was said, and commands nobody
states="SELECT md5(string_agg(concat_ws('|', id, counter, state, result, attempts), ',' ORDER BY counter)) FROM energyledger.command_state"
el_psql -c "CREATE DATABASE copy"
"$EL_BIN/pg_dump" -Fc -d postgres > "$EL_TMP/dump" &&
	PGOPTIONS='-c energyledger.restore_mode=on' "$EL_BIN/pg_restore" -d copy "$EL_TMP/dump" > "$EL_TMP/log/restore" 2>&1
el_is "a restored dump is whole" $? 0
el_is "with what became of each command" "$(el_psql -d copy -c "$states")" "$(el_psql -c "$states")"
el_is "it has no key to command with" "$(el_psql -d copy -c "SELECT energyledger.send_command('$NAME', '{\"type\":\"credit_end\"}')" 2>&1 | grep -c 'no operator key for log')" 1
el_ok "until it is given one" el_psql -d copy -o /dev/null -c "SELECT energyledger.rotate_operator_key()" -c "SELECT energyledger.send_command('$NAME', '{\"type\":\"credit_end\"}')"
el_done
