#!/bin/bash
# clock.sh: clocks that are a day wrong: meters' ahead, behind, and jumping back in
# mid-stream; the bridge's. Nothing is refused for it, what is seen is noted, the order
# stays that of the sequence. And the days on which the clock is changed, of 23 and 25 hours.
#
# The database's clock is the one that counts, and is right here.

. "$(dirname "$0")/../lib.sh"

METER=$EL_ROOT/tools/energyledger-meter
DAY_S=86400

el_begin clock
el_stage
el_cluster clock "fsync = off"
el_psql -c "CREATE EXTENSION pg_energyledger"
VKEY=$(el_psql -c "SELECT energyledger.site_vkey()")

# fleet NAME [ARG...]: two meters, registered, and what they play sent; its exit status.
play()
{
	"$METER" --broker "127.0.0.1:$EL_MQTT_PORT" --site-vkey "$VKEY" --prefix "$1-" --client-id "meters-$1" --timeout-s 60 --quiet "${@:2}"
}
fleet()
{
	"$METER" --register --prefix "$1-" --meters 2 | el_psql -f - > /dev/null
	play "$1" --meters 2 "${@:2}"
}
# Messages of a fleet; whether they are in the order of their numbers, whole and in one chain.
sound() { el_psql -c "SELECT count(*), bool_and(chained AND coalesce(prev_valid, seq = 1)), max(seq), string_agg(DISTINCT clock_status, '') FROM energyledger.message WHERE meter LIKE '$1-%'"; }
noted() { el_psql -c "SELECT count(clock_ahead_ms), count(clock_back_ms) FROM energyledger.meter_clock WHERE meter LIKE '$1-%'"; }
day() { date -u -d "$1 days ago" +%F; }

# ---------------------------------------------------------------- meters

el_broker
el_bridge_start
el_ok "a right clock: receipts" fleet right --date "$(day 2)"
el_is "a right clock: nothing is noted" "$(noted right)" "0|0"

el_ok "a day ahead: receipts" fleet ahead --date "$(day 0)" --clock-s $DAY_S
el_is "a day ahead: all is taken, in its order" "$(sound ahead)" "192|t|96|S"
el_is "a day ahead: noted of each message" "$(noted ahead)" "192|0"
el_is "a day ahead: as far as it is from the time of receipt" \
	"$(el_psql -c "SELECT bool_and(abs(clock_ahead_ms - 1000 * extract(epoch FROM sent_at - received_at)) < 2 AND clock_ahead_ms > 300000)
		FROM energyledger.meter_clock WHERE meter LIKE 'ahead-%'")" t
el_is "a day ahead: its readings are where its clock says" \
	"$(el_psql -c "SELECT min(from_at)::date - current_date, count(*) FROM energyledger.reading WHERE meter LIKE 'ahead-house-01'")" \
	"$(($(date -u -d "$(day 0)" +%s) / DAY_S + 1 - $(date -u +%s) / DAY_S))|96"

el_ok "a day behind: receipts" fleet behind --date "$(day 2)" --clock-s -$DAY_S
el_is "a day behind: all is taken, in its order" "$(sound behind)" "192|t|96|S"
el_is "a day behind is no different from late: nothing is noted" "$(noted behind)" "0|0"

# The same meters, whose clock is set right between two messages.
el_ok "a day ahead, for a day: receipts" fleet jump --date "$(day 4)" --clock-s $DAY_S --state "$EL_TMP/state"
el_ok "then set right: receipts" play jump --meters 2 --date "$(day 4)" --days 2 --state "$EL_TMP/state"
el_is "set right: all is taken, in its order" "$(sound jump)" "384|t|192|S"
el_is "set right: the message after the jump is noted, and it only" \
	"$(el_psql -c "SELECT meter, seq, clock_ahead_ms, clock_back_ms FROM energyledger.meter_clock WHERE meter LIKE 'jump-%' ORDER BY meter")" \
	"$(printf 'jump-battery-01|97||%d\njump-house-01|97||%d' $(((DAY_S - 900) * 1000)) $(((DAY_S - 900) * 1000)))"
el_is "set right: both words on that day are kept, the later message's counts" \
	"$(el_psql -c "SELECT (SELECT count(*) FROM energyledger.reading r WHERE r.meter = 'jump-house-01' AND obis = '1-0:1.8.0'),
		(SELECT sum(energy_wh) FROM energyledger.daily_energy('jump-house-01', '$(day 3)', '$(day 2)') WHERE direction = 'import') =
		(SELECT sum(value) FROM energyledger.reading r WHERE r.meter = 'jump-house-01' AND obis = '1-0:1.8.0' AND seq > 96)")" "192|t"

# ---------------------------------------------------------------- commands

el_psql -c "SELECT energyledger.rotate_operator_key()" > /dev/null
OPERATOR=$(el_psql -c "SELECT energyledger.operator_vkey()")
# command FLEET SECONDS: what becomes of one that is good for an hour, with such a clock.
command()
{
	local id

	el_progress "clock: a command to a meter that is $2 s ahead"
	"$METER" --register --prefix "$1-" --meters 1 --profile household | el_psql -f - > /dev/null
	id=$(el_psql -c "SELECT energyledger.send_command('$1-house-01', '{\"type\":\"relay\",\"relay\":1,\"on\":false}', now(), now() + interval '1 hour')")
	el_psql -c "COPY (SELECT regexp_split_to_table(rtrim(note, E'\\n'), E'\\n') FROM energyledger.command WHERE id = '$id') TO STDOUT" |
		sed 's/\\\\/\\/g' > "$EL_TMP/note"
	play "$1" --meters 1 --profile household --operator-vkey "$OPERATOR" --state "$EL_TMP/state-$1" --clock-s "$2" --listen-s 4 & playing=$!
	sleep 1
	mosquitto_pub -p "$EL_MQTT_PORT" -q 1 -t "el/v1/local/0/$1-house-01/down/cmd" -f "$EL_TMP/note"
	wait $playing
	el_psql -c "SELECT state, result FROM energyledger.command_state WHERE id = '$id'"
}
el_is "a command for an hour: the meter whose clock is right does it" "$(command obeys 0)" "acknowledged|done"
el_is "a command for an hour: over, by a clock that is a day ahead" "$(command hasty $DAY_S)" "expired|expired"
el_is "a command for an hour: still to come, by one that is a day behind" "$(command tardy -$DAY_S)" "scheduled|scheduled"

# ---------------------------------------------------------------- local days

el_ok "around the last Sunday of March: receipts" fleet march --date 2025-03-29 --days 3 --readings-per-message 96
el_ok "around the last Sunday of October: receipts" fleet october --date 2025-10-25 --days 3 --readings-per-message 96
# hours FLEET DAY: of that day in Berlin, its import, and what was read in that time.
hours()
{
	el_psql -c "SELECT (extract(epoch FROM to_at - from_at) / 3600)::int, energy_wh = (SELECT sum(value) FROM energyledger.reading r WHERE r.meter = '$1-house-01' AND obis = '1-0:1.8.0'
			AND r.from_at >= e.from_at AND r.to_at <= e.to_at), reason
		FROM energyledger.daily_energy('$1-house-01', '$2', date '$2' + 1, 'Europe/Berlin') e WHERE direction = 'import'"
}
el_is "a day of 23 hours" "$(hours march 2025-03-30)" "23|t|"
el_is "a day of 25 hours" "$(hours october 2025-10-26)" "25|t|"
el_bridge_stop TERM
el_is "the bridge ends with 0" $? 0
el_broker_stop TERM

# ---------------------------------------------------------------- the bridge's host

lib=$(ls /usr/lib/*/faketime/libfaketimeMT.so.1 2> /dev/null | head -1)
if [ -z "$lib" ]; then
	el_skip "a bridge whose clock is a day wrong" "libfaketime is not installed"
	el_done
fi
tls=$EL_TMP/tls
mkdir "$tls" && chmod 755 "$tls"
quiet() { "$@" > "$EL_TMP/log/openssl" 2>&1 || { cat "$EL_TMP/log/openssl" >&2; el_die "openssl failed"; }; }
at() { env LD_PRELOAD="$lib" FAKETIME="$1" FAKETIME_DONT_FAKE_MONOTONIC=1 "${@:2}"; }
key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)
quiet at -30d openssl req -x509 "${key[@]}" -days 60 -subj /CN=ca -keyout "$tls/ca.key" -out "$tls/ca.crt"
# certificate NAME SINCE DAYS
certificate()
{
	quiet openssl req "${key[@]}" -subj "/CN=$1" -keyout "$tls/$1.key" -out "$tls/$1.csr"
	quiet at "$2" openssl x509 -req -in "$tls/$1.csr" -CA "$tls/ca.crt" -CAkey "$tls/ca.key" -CAcreateserial -days "$3" \
		-extfile <(echo "subjectAltName=IP:127.0.0.1") -out "$tls/$1.crt"
}
certificate wide -10d 20
certificate fresh -1h 20		# not valid yet by a clock that is a day behind
certificate over -708h 30			# no longer valid by one that is a day ahead
chmod 644 "$tls"/*
declare -A port
for name in wide fresh over; do
	port[$name]=$(el_free_port)
	listen+=("listener ${port[$name]} 127.0.0.1" "cafile $tls/ca.crt" "certfile $tls/$name.crt" "keyfile $tls/$name.key")
done
rm -rf "$EL_MQTT_DIR"
el_broker "${listen[@]}"
# bridge_at TIME LISTENER: returns when it has tried.
bridge_at()
{
	EL_BRIDGE_LOG=$EL_TMP/log/bridge-$1-$2
	el_spawn "$EL_BRIDGE_LOG" env PGUSER=bridge LD_PRELOAD="$lib" FAKETIME="$1" FAKETIME_DONT_FAKE_MONOTONIC=1 "$EL_BIN/energyledger-bridge" \
		--broker-host 127.0.0.1 --broker-port "${port[$2]}" --broker-cafile "$tls/ca.crt" --backoff-ms-max 300
	EL_BRIDGE_PID=$EL_SPAWN_PID EL_BRIDGE_JOB=$EL_SPAWN_JOB
	el_wait 15 grep -qE 'broker_(up|lost)' "$EL_BRIDGE_LOG"
}
for time in +1d -1d; do
	host=host$((${time%d} + 1))
	bridge_at $time wide
	el_is "a bridge at $time: its log shows that clock" "$(head -1 "$EL_BRIDGE_LOG" | cut -c1-10)" "$(date -u -d "${time/d/ day}" +%F)"
	el_ok "a bridge at $time: receipts" fleet "$host" --date "$(day 2)"
	el_is "a bridge at $time: all is taken, in its order" "$(sound "$host")" "192|t|96|S"
	el_is "a bridge at $time: nothing is noted of the meters' clocks" "$(noted "$host")" "0|0"
	el_is "a bridge at $time: messages came when the database says" \
		"$(el_psql -c "SELECT bool_and(received_at BETWEEN now() - interval '10 minutes' AND now()) FROM energyledger.message WHERE meter LIKE '$host-%'")" t
	el_bridge_stop TERM
	el_is "a bridge at $time: ends with 0" $? 0
done
turned_away()
{
	bridge_at "$1" "$2"
	sleep 1
	el_ok "a bridge at $1 and $3: says why it does not get in" grep -qE "broker_lost: .*$4" "$EL_BRIDGE_LOG" || sed 's/^/# /' "$EL_BRIDGE_LOG"
	el_is "a bridge at $1 and $3: once" "$(grep -c broker_lost "$EL_BRIDGE_LOG")" 1
	el_bridge_stop TERM
}
turned_away -1d fresh "a broker's certificate of today" "not yet valid|certificate verify failed"
turned_away +1d over "a broker's certificate that ends today" "has expired|certificate verify failed"
el_is "no message was refused, whatever the clock" "$(el_psql -c "SELECT count(*) FROM energyledger.quarantine")" 0
el_psql -c "SELECT energyledger.seal()" > /dev/null
el_is "the ledger is intact" "$(el_psql -c "SET client_min_messages = warning" -c "SELECT count(*) FROM energyledger.verify()")" 0
el_done
