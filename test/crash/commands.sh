#!/bin/bash
# commands.sh: a command's counter is never seen twice, whenever the server is killed.
#
# Four sessions send commands to one meter, some of which they roll back, while two others
# play the bridge: they fetch what is to be published, write it down as published, and say so.
# The server is killed with SIGKILL over and over, with synchronous_commit off, which loses
# the newest commits: none of them may have been handed out.

. "$(dirname "$0")/../lib.sh"

ROUNDS=${ROUNDS:-4}
SENDERS=4

el_begin commands-crash
el_cluster main "fsync = off" "synchronous_commit = off" "wal_writer_delay = 10s" "wal_writer_flush_after = 1GB" "restart_after_crash = off"
el_psql -o /dev/null <<'SQL'
CREATE EXTENSION pg_energyledger;
SELECT energyledger.register_meter('m');
SELECT energyledger.rotate_operator_key();
SQL

# Each by psql alone, which ends when the server does.
sender()
{
	local n=0

	while :; do
		n=$((n + 1))
		echo "BEGIN; SELECT energyledger.send_command('m', '{\"type\":\"text\",\"text\":\"$1 $n\"}'); $([ $((n % 3)) = 0 ] && echo ROLLBACK || echo COMMIT); SELECT pg_sleep(0.002);"
	done | "$EL_BIN/psql" -X -qAt -v ON_ERROR_STOP=1 > /dev/null 2>> "$EL_TMP/log/senders"
}

bridge()
{
	while :; do
		echo "SELECT counter, id, md5(note) FROM energyledger.meter_commands(NULL, '1 second'); SELECT energyledger.commands_published(array_agg(id)) FROM energyledger.meter_commands(ARRAY['m'], '1 second') HAVING count(*) > 0;"
	done | "$EL_BIN/psql" -X -qAt -v ON_ERROR_STOP=1 2>> "$EL_TMP/log/senders" | grep '|' >> "$EL_TMP/published.$1"
}

for ((round = 1; round <= ROUNDS; round++)); do
	el_progress "commands: round $round of $ROUNDS"
	jobs=()
	for ((s = 1; s <= SENDERS; s++)); do
		sender "$round-$s" &
		jobs+=($!)
	done
	for b in 1 2; do
		bridge $b &
		jobs+=($!)
	done
	sleep "1.$((RANDOM % 10))"
	kill -KILL "$(head -1 "$EL_PGDATA/postmaster.pid")"
	while el_as_server "$EL_BIN/pg_ctl" -D "$EL_PGDATA" status > /dev/null; do sleep 0.05; done
	wait "${jobs[@]}" 2> /dev/null
	sleep 0.5
	el_cluster_start
	cat "$EL_TMP"/published.* | sort -u | grep -E '^[0-9]+\|[0-9a-f-]{36}\|[0-9a-f]{32}$' > "$EL_TMP/all"
	el_is "round $round: no counter was handed out with two commands" "$(cut -d'|' -f1 "$EL_TMP/all" | sort | uniq -d | wc -l)" 0
	el_is "round $round: what was handed out is there, as it was" "$(el_psql -c "CREATE TEMP TABLE handed (counter bigint, id uuid, note text)" \
		-c "\\copy handed FROM '$EL_TMP/all' (DELIMITER '|')" \
		-c "SELECT count(*) FROM handed h WHERE NOT EXISTS (SELECT FROM energyledger.command c
			WHERE c.counter = h.counter AND c.id = h.id AND md5(c.note) = h.note)")" 0
done
echo "# $(wc -l < "$EL_TMP/all") commands handed out"
el_ok "some were" test "$(wc -l < "$EL_TMP/all")" -gt 20
el_is "counters have no hole" "$(el_psql -c "SELECT max(counter) - count(*) FROM energyledger.command")" 0
el_is "no finding" "$(el_psql -c "SET client_min_messages = warning" -c "SELECT count(*) FROM energyledger.verify()")" 0
el_done
