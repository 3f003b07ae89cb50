#!/bin/bash
# kill.sh: nothing is lost and nothing doubled, whoever dies.
#
# Two fleets of meters send while the bridge is killed with -9 twenty times, the
# broker is restarted and PostgreSQL killed twice.  One fleet keeps its messages
# until it has receipts; the other forgets a message as soon as the broker has it
# (--no-receipt), so what it sent survives only if the bridge holds back its
# PUBACKs until COMMIT: libmosquitto does not document the way that is done, and
# this test is what notices when a version changes it.

. "$(dirname "$0")/../lib.sh"

KILLS=20
KEEPERS=12						# meters that wait for receipts
FORGETTERS=6					# meters that do not
RATE=150						# messages a second, each fleet
DAYS=5							# 96 messages a day and meter

el_begin kill
el_stage
el_cluster kill
el_broker

el_psql -c "CREATE EXTENSION pg_energyledger"
METER=$EL_BIN/energyledger-meter
fleet_a=(--seed kill-a --prefix a- --meters "$KEEPERS" --days "$DAYS")
fleet_b=(--seed kill-b --prefix b- --meters "$FORGETTERS" --days $((2 * DAYS)))
"$METER" --register "${fleet_a[@]}" | el_psql -f - > /dev/null || el_die "cannot register meters"
"$METER" --register "${fleet_b[@]}" | el_psql -f - > /dev/null || el_die "cannot register meters"
vkey=$(el_psql -c "SELECT energyledger.site_vkey()")

run_meters()
{
	el_spawn "$EL_TMP/log/$1" "$METER" --broker "127.0.0.1:$EL_MQTT_PORT" --rate "$RATE" \
		--quiet --timeout-s 100 --dump "$EL_RUN/$1.dump" "${@:2}"
}

el_bridge_start					# the session exists before the first message
run_meters a "${fleet_a[@]}" --site-vkey "$vkey" --resend-after-ms 2000
a_pid=$EL_SPAWN_PID a_job=$EL_SPAWN_JOB
run_meters b "${fleet_b[@]}" --no-receipt
b_pid=$EL_SPAWN_PID b_job=$EL_SPAWN_JOB

stored()
{
	el_psql -c "SELECT count(*) FROM energyledger.message"
}

for ((i = 1; i <= KILLS; i++)); do
	el_progress "kill: bridge $i of $KILLS"
	sleep 0.$((1 + RANDOM % 8))
	el_bridge_stop KILL 2> /dev/null
	el_bridge_start
done
killed_at=$(stored)
el_ok "messages were under way while the bridge was killed" test "$killed_at" -gt 500

el_progress "kill: broker restarted"
kill -0 "$a_pid" && kill -0 "$b_pid"
el_ok "meters still send when the broker goes" test $? = 0
el_broker_stop TERM
sleep 0.5
el_broker_start
sleep 1

el_progress "kill: postmaster killed"
postmaster=$(head -1 "$EL_PGDATA/postmaster.pid")
children=$(pgrep -P "$postmaster")
kill -KILL "$postmaster"
# Its children notice by themselves; a new one cannot start before they are gone.
orphans_gone() { ! kill -0 $children 2> /dev/null; }
el_ok "PostgreSQL's processes end without their postmaster" el_wait 20 orphans_gone
el_cluster_start
sleep 2
el_progress "kill: postgres stopped at once"
kill -0 "$a_pid"
el_ok "meters still send when PostgreSQL goes" test $? = 0
el_cluster_stop immediate
el_cluster_start

el_progress "kill: waiting for the meters"
wait "$a_job"
el_is "every meter that waits for receipts got them all" $? 0
wait "$b_job"
el_is "every meter that trusts the broker got its word" $? 0
el_forget "$a_pid"
el_forget "$b_pid"

sent=$(sort -u "$EL_RUN/a.dump" "$EL_RUN/b.dump" | wc -l)
el_is "meters made the messages asked for" "$sent" $(((KEEPERS + 2 * FORGETTERS) * DAYS * 96))
all_stored() { [ "$(stored)" -ge "$sent" ]; }
el_wait 30 all_stored

sort "$EL_RUN/a.dump" "$EL_RUN/b.dump" > "$EL_TMP/sent"
el_psql -F ' ' -c "SELECT meter, epoch, seq, encode(digest, 'hex') FROM energyledger.message" | sort > "$EL_TMP/stored"
el_ok "the set sent is the set stored, each once" cmp "$EL_TMP/sent" "$EL_TMP/stored" ||
	diff "$EL_TMP/sent" "$EL_TMP/stored" | head -20 | sed 's/^/# /'
el_is "each row read alike through an index and without it" \
	"$(el_psql -c "SET enable_indexscan = off" -c "SET enable_bitmapscan = off" -c "SET enable_indexonlyscan = off" \
		-c "SELECT count(DISTINCT (meter, epoch, seq)) FROM energyledger.message")" "$sent"
el_is "nothing in quarantine" "$(el_psql -c "SELECT count(*) FROM energyledger.quarantine")" 0

# The newest receipt of each keeper stands retained at the broker and names its last message.
sub()
{
	mosquitto_sub -V 5 -h 127.0.0.1 -p "$EL_MQTT_PORT" -t 'el/v1/+/+/+/down/receipt' -F '>%p' -W 2 2> /dev/null
}
sub | awk '/^>energyledger\/receipt/ { getline; getline m; getline s; print m, s }' | grep '^a-' | sort > "$EL_TMP/receipts"
el_psql -F ' ' -c "SELECT meter, epoch || ' ' || max(seq) FROM energyledger.message WHERE meter LIKE 'a-%' GROUP BY meter, epoch" |
	sort > "$EL_TMP/last"
el_ok "every meter ends with a receipt for its last message" cmp "$EL_TMP/receipts" "$EL_TMP/last" ||
	diff "$EL_TMP/receipts" "$EL_TMP/last" | head -20 | sed 's/^/# /'

el_bridge_stop TERM
el_is "the last bridge ends with 0" $? 0
el_psql -c "SELECT energyledger.seal()" > /dev/null
el_is "the ledger is intact" "$(el_psql -c "SET client_min_messages = warning" -c "SELECT count(*) FROM energyledger.verify()")" 0
el_done
