#!/bin/bash
# tables.sh: conversions, renames and retirements that are cut off, and how far ids
# have come.
#
# convert() rewrites a table; an immediate stop in the middle leaves the ordinary
# table as it was.  Its memory does not grow with the rows.  A rename and a
# retirement that were prepared survive the crash and commit, or roll back, after it.
# The sequence of ids, set back, gives no id twice.

. "$(dirname "$0")/../lib.sh"

ROWS=400000
MEMORY_KB_MAX=20480				# more than for a table of a hundredth of the rows

el_begin tables
el_cluster main "fsync = off" "max_prepared_transactions = 5" "max_wal_size = 4GB"

intact()
{
	el_is "$1" "$(el_psql -c "SET client_min_messages = warning" -c "SELECT count(*) FROM energyledger.verify()")" 0 ||
		el_psql -c "SELECT * FROM energyledger.verify() LIMIT 5" 2>&1 | sed 's/^/# /'
}

method()
{
	el_psql -c "SELECT amname FROM pg_class c JOIN pg_am a ON a.oid = c.relam WHERE c.oid = '$1'::regclass"
}

el_psql -o /dev/null <<SQL
SET client_min_messages = warning;
CREATE EXTENSION pg_energyledger;
CREATE TABLE big (a int PRIMARY KEY, b text, c numeric);
INSERT INTO big SELECT g, repeat('x', g % 100), g / 3.0 FROM generate_series(1, $ROWS) g;
CREATE TABLE small (LIKE big);
INSERT INTO small SELECT * FROM big LIMIT $ROWS / 100;
CREATE TABLE t (a int) USING ledger;
CREATE TABLE u (a int) USING ledger;
INSERT INTO t VALUES (1);
INSERT INTO u VALUES (1);
SQL
want=$(el_psql -c "SELECT md5(string_agg(b::text, '|' ORDER BY a)) FROM big b")

# ---- the server is stopped while it converts: the rewrite has begun, and is not done

el_psql -c "SELECT energyledger.convert('big')" > "$EL_TMP/convert.log" 2>&1 &
converting=$!
rewrites()
{
	[ "$(el_psql -c "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
		WHERE l.mode = 'AccessExclusiveLock' AND l.granted AND l.relation = 'big'::regclass
		AND a.query LIKE '%convert%' AND a.query_start < clock_timestamp() - interval '200 ms'")" = 1 ]
}
el_ok "convert() is at work" el_wait 20 rewrites
el_cluster_stop immediate
wait "$converting"
el_ok "it did not come to its end" grep -q 'server closed the connection\|terminating connection' "$EL_TMP/convert.log"
el_cluster_start
el_is "the table is an ordinary one" "$(method big)" heap
el_is "with its rows" "$(el_psql -c "SELECT md5(string_agg(b::text, '|' ORDER BY a)) FROM big b")" "$want"
el_is "and no column more" "$(el_psql -c "SELECT count(*) FROM pg_attribute WHERE attrelid = 'big'::regclass AND attname = 'ledger_id'")" 0
el_is "the log knows nothing of it" "$(el_psql -c "SELECT count(*) FROM energyledger.table_schema WHERE relation = 'public.big'")" 0
intact "no finding after it"

# ---- and now to its end; memory as of a small one

# Private memory of a backend that converts a table, at most, in kB.
convert_memory_kb()
{
	local most=0 now pid job

	PGAPPNAME=converts el_psql -c "SELECT energyledger.convert('$1')" > "$EL_TMP/rows" &
	job=$!
	while kill -0 "$job" 2>/dev/null; do
		pid=$(el_psql -c "SELECT pid FROM pg_stat_activity WHERE application_name = 'converts'")
		now=$(sed -n 's/^RssAnon:[^0-9]*\([0-9]*\).*/\1/p' "/proc/${pid:-none}/status" 2>/dev/null)
		[ "${now:-0}" -gt "$most" ] && most=$now
	done
	wait "$job"
	echo "$most"
}
small_kb=$(convert_memory_kb small)
el_is "a small table is converted" "$(cat "$EL_TMP/rows")" $((ROWS / 100))
big_kb=$(convert_memory_kb big)
el_is "a big one too" "$(cat "$EL_TMP/rows")" "$ROWS"
echo "# private memory: $small_kb kB for $((ROWS / 100)) rows, $big_kb kB for $ROWS"
el_ok "in bounded memory" test "$big_kb" -gt 0 -a $((big_kb - small_kb)) -lt "$MEMORY_KB_MAX"
el_is "it is a ledger table" "$(method big)" ledger
el_is "with its rows still" "$(el_psql -c "SELECT md5(string_agg((a, b, c)::text, '|' ORDER BY a)) FROM big")" \
	"$(el_psql -c "SELECT md5(string_agg((g, repeat('x', g % 100), g / 3.0)::text, '|' ORDER BY g)) FROM generate_series(1, $ROWS) g")"
el_cluster_stop immediate
el_cluster_start
intact "no finding after a crash"

# ---- prepared, crashed, committed or not

# One after the other: registrations wait for one another.
el_psql <<'SQL'
BEGIN;
SELECT energyledger.retire('u', 'prepared') \g /dev/null
PREPARE TRANSACTION 'retire';
SQL
el_cluster_stop immediate
el_cluster_start
el_psql -c "ROLLBACK PREPARED 'retire'"
el_psql <<'SQL'
BEGIN;
INSERT INTO t VALUES (2);
ALTER TABLE t RENAME TO t_named;
INSERT INTO t_named VALUES (3);
PREPARE TRANSACTION 'rename';
SQL
el_cluster_stop immediate
el_cluster_start
el_psql -c "COMMIT PREPARED 'rename'"
el_psql -c "INSERT INTO t_named VALUES (4)" -c "INSERT INTO u VALUES (2)"
el_is "the prepared rename is there" "$(el_psql -c "SELECT count(*) FROM t_named")" 4
el_is "with its event" "$(el_psql -c "SELECT count(*) FROM energyledger.event WHERE kind = 4")" 1
el_is "the other is not" "$(el_psql -c "SELECT count(*) FROM energyledger.event WHERE kind = 5")" 0
el_psql -c "SELECT energyledger.seal()" > /dev/null
intact "no finding"

# ---- the sequence of ids is set back

el_psql -c "SELECT setval('energyledger.ledger_id_seq', 1048576, false)" > /dev/null
el_cluster_stop fast
el_cluster_start
highest=$(el_psql -c "SELECT max(ledger_id) FROM (SELECT max(ledger_id) AS ledger_id FROM big UNION ALL SELECT max(ledger_id) FROM t_named
	UNION ALL SELECT max(event_id) FROM energyledger.event) x")
el_is "ids go on above those that the log has" "$(el_psql -c "INSERT INTO u VALUES (3) RETURNING ledger_id > $highest")" t
el_psql -c "SELECT energyledger.seal()" > /dev/null
intact "no finding with the sequence set back"
el_done
