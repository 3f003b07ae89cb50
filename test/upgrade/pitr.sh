#!/bin/bash
# pitr.sh: a server recovered to a point in time holds a ledger that verifies, and
# does not go on as if nothing had come after.
#
# What was sealed after that point was signed, and somebody may hold the checkpoint.
# A server that seals on under the same name would sign a second history of the same
# length: a fork.  So the recovered one must open a log with a name of its own.

. "$(dirname "$0")/../lib.sh"

el_begin pitr
mkdir "$EL_TMP/archive" "$EL_TMP/pg-base"
[ "$(id -u)" = 0 ] && chown "$EL_SERVER_USER" "$EL_TMP/archive" "$EL_TMP/pg-base"
el_cluster main "fsync = off" "energyledger.seal_interval = 0" "archive_mode = on" \
	"archive_command = 'cp %p $EL_TMP/archive/%f'" "max_wal_senders = 3"
main_host=$PGHOST
main_port=$PGPORT

one()
{
	el_psql -c "SET client_min_messages = warning" -c "$1"
}

on_main()
{
	PGHOST=$main_host PGPORT=$main_port one "$1"
}

one "CREATE EXTENSION pg_energyledger" > /dev/null
one "CREATE TABLE t (n int) USING ledger"
one "INSERT INTO t SELECT generate_series(1, 1000)"
one "SELECT energyledger.seal()" > /dev/null
el_ok "pg_basebackup" el_as_server "$EL_BIN/pg_basebackup" -h "$PGHOST" -p "$PGPORT" -U postgres -D "$EL_TMP/pg-base" -c fast
one "INSERT INTO t SELECT generate_series(1001, 1100)"
one "SELECT energyledger.seal()" > /dev/null
one "INSERT INTO t VALUES (1101)"			# in the log's tables, in no block yet
one "SELECT pg_create_restore_point('here')" > /dev/null
height=$(one "SELECT max(height) FROM energyledger.block")
rows=$(one "SELECT count(*) FROM t")
at_point=$(one "SELECT energyledger.checkpoint()")
# what is to be lost, and signed all the same
one "INSERT INTO t SELECT generate_series(2001, 2100)"
one "SELECT energyledger.seal()" > /dev/null
lost=$(one "SELECT energyledger.checkpoint()")
vkey=$(one "SELECT energyledger.site_vkey()")
# its segment, and not whichever one somebody writes into by then
segment=$(one "SELECT pg_walfile_name(pg_current_wal_insert_lsn())")
one "SELECT pg_switch_wal()" > /dev/null
archived() { [ "$(one "SELECT last_archived_wal >= '$segment' FROM pg_stat_archiver")" = t ]; }
el_wait 20 archived ||
	el_die "the WAL was not archived"

# recover NAME: another cluster from the backup, recovered to the point and open for writing
recover()
{
	EL_PGDATA=$EL_TMP/pg-$1
	EL_PGLOG=$EL_TMP/log/pg-$1
	PGHOST=$EL_RUN/$1
	PGPORT=$(el_free_port)
	cp -a "$EL_TMP/pg-base" "$EL_PGDATA"
	mkdir "$PGHOST"
	[ "$(id -u)" = 0 ] && chown "$EL_SERVER_USER" "$PGHOST"
	chmod 700 "$PGHOST" "$EL_PGDATA"
	{
		echo "unix_socket_directories = '$PGHOST'"
		echo "port = $PGPORT"
		echo "archive_mode = off"
		echo "restore_command = 'cp $EL_TMP/archive/%f %p'"
		echo "recovery_target_name = 'here'"
		echo "recovery_target_action = '$2'"
	} >> "$EL_PGDATA/postgresql.conf"
	: > "$EL_PGDATA/recovery.signal"
	[ "$(id -u)" = 0 ] && chown "$EL_SERVER_USER" "$EL_PGDATA/recovery.signal"
	EL_CLUSTERS+=("$EL_PGDATA")
	el_cluster_start
}

open_for_writing()
{
	[ "$(one "SELECT NOT pg_is_in_recovery()")" = t ]
}

recover paused pause
el_wait 20 bash -c "[ \"\$('$EL_BIN/psql' -X -qAt -c 'SELECT pg_get_wal_replay_pause_state()')\" = paused ]"
el_is "paused at the point: no finding" "$(one "SELECT count(*) FROM energyledger.verify()")" 0
el_is "the rows are those of that moment" "$(one "SELECT count(*) FROM t")" "$rows"
el_is "and so is the newest block" "$(one "SELECT max(height) FROM energyledger.block")" "$height"
el_is "its checkpoint is the one that was held then" "$(one "SELECT energyledger.checkpoint()")" "$at_point"
el_cluster_stop fast

recover promoted promote
el_ok "promoted at the point" el_wait 20 open_for_writing
el_is "no finding" "$(one "SELECT count(*) FROM energyledger.verify()")" 0
one "INSERT INTO t VALUES (3001)"
el_is "sealing goes on" "$(one "SELECT energyledger.seal()")" $((height + 1))
el_is "what no block held is in this one" "$(one "SELECT count(*) FROM energyledger.entry e
	WHERE NOT EXISTS (SELECT FROM energyledger.leaf l WHERE l.kind = 1 AND l.ref = e.first_id)")" 0
el_is "sealed: no finding" "$(one "SELECT count(*) FROM energyledger.verify()")" 0
el_ok "ids go on above the old ones" test "$(one "SELECT max(ledger_id) FILTER (WHERE n = 3001) > max(ledger_id) FILTER (WHERE n <> 3001) FROM t")" = t
# The first line of a checkpoint is the log's name, the third its root.
fork=$(one "SELECT energyledger.checkpoint()")
el_ok "it signed another history than the one that was lost" test "$(sed -n 3p <<< "$fork")" != "$(sed -n 3p <<< "$lost")"
el_ok "and so under another name" test "$(sed -n 1p <<< "$fork")" != "$(sed -n 1p <<< "$lost")" ||
	printf '# %s\n' "$(sed -n 1,2p <<< "$lost" | paste -sd' ')" "$(sed -n 1,2p <<< "$fork" | paste -sd' ')"
el_ok "in an incarnation of its own" test "$(one "SELECT max(incarnation) FROM energyledger.site")" = 2
el_is "what was signed and lost is still checked with the key it was signed with" \
	"$("$EL_BIN/psql" -X -qAt -v note="$lost"$'\n' -v vkey="$vkey" <<< "SELECT energyledger.verify_note(:'note', :'vkey')")" t
el_cluster_stop fast
el_cluster_start
el_is "after a restart: still that one" "$(one "SELECT max(incarnation) FROM energyledger.site")" 2
el_done
