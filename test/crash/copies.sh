#!/bin/bash
# copies.sh: databases that are copies of others, and servers that do not know us.
#
# A dump restored, a database made from a template: each holds the same log and
# must go on under a name of its own, with every row still verified.  A standby is
# the same log, and reads it.  A server without shared_preload_libraries, or
# without a free worker, says so instead of half working.

. "$(dirname "$0")/../lib.sh"

el_begin copies
el_cluster main "fsync = off" "max_worker_processes = 20" "max_prepared_transactions = 5" "max_wal_senders = 5"

findings()
{
	el_psql -d "$1" -c "SET client_min_messages = warning" -c "SELECT count(*) FROM energyledger.verify()"
}

show_findings()
{
	el_psql -d "$1" -c "SELECT * FROM energyledger.verify() LIMIT 5" 2>&1 | sed 's/^/# /'
}

intact()
{
	el_is "$2" "$(findings "$1")" 0 || show_findings "$1"
}

opened()
{
	[ "$(el_psql -d "$1" -c "SELECT max(incarnation) FROM energyledger.site")" -gt "${2:-1}" ]
}

checkpoint_valid()
{
	el_psql -d "$1" -c "SELECT energyledger.verify_note(energyledger.checkpoint(), energyledger.site_vkey())"
}

# ---- a ledger worth copying: types, partitions, savepoints, sealed and not sealed yet

el_psql -c "CREATE DATABASE original"
el_psql -d original -o /dev/null <<'SQL'
SET client_min_messages = warning;
CREATE EXTENSION pg_energyledger;
CREATE SCHEMA shop;
CREATE TYPE shop.state AS ENUM ('open', 'paid');
CREATE TABLE shop.bill (id int PRIMARY KEY, state shop.state, amount numeric(12, 2), tags text[], at timestamptz DEFAULT now()) USING ledger;
CREATE INDEX ON shop.bill (at);
CREATE TABLE shop.line (bill int REFERENCES shop.bill, energy_wh bigint) USING ledger;
CREATE TABLE shop.parent (k int, ledger_id bigint NOT NULL DEFAULT 0) PARTITION BY LIST (k);
CREATE TABLE shop.leaf PARTITION OF shop.parent FOR VALUES IN (1) USING ledger;
CREATE TABLE public.empty (a int) USING ledger;
INSERT INTO shop.bill SELECT g, CASE WHEN g % 2 = 0 THEN 'paid' ELSE 'open' END::shop.state, g / 3.0, ARRAY['a', NULL, g::text] FROM generate_series(1, 2000) g;
INSERT INTO shop.line SELECT g % 2000 + 1, g FROM generate_series(1, 5000) g;
INSERT INTO shop.parent VALUES (1);
SELECT energyledger.register_meter('meter:1', decode(repeat('01', 32), 'hex'));
INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
SELECT 'meter:1', 1, n, 1, '1-0:1.8.0', t, t, (10000 + n * 777) % 10100, 0, 'Wh', 'G' FROM generate_series(0, 9) n, LATERAL (SELECT '2025-06-01'::timestamptz + n * interval '3 hours' AS t) d;
SELECT energyledger.declare_rollover('meter:1', '1-0:1.8.0', 10100);
SELECT energyledger.add_profile('flat', '2025-06-01', '1 hour', ARRAY(SELECT n % 5 + 1 FROM generate_series(1, 24) n));
SELECT energyledger.estimate('meter:1', '2025-06-01', '2025-06-01 12:00', 'linear');
SELECT energyledger.estimate('meter:1', '2025-06-01 06:00', '2025-06-01 18:00', 'profile', profile => 'flat', replace => true);
ALTER TABLE shop.line ADD COLUMN note text;
INSERT INTO shop.line (bill, energy_wh, note) VALUES (1, 7, 'after the column');
ALTER TABLE shop.line RENAME TO item;
ALTER TABLE shop.item RENAME TO line;
ALTER TABLE shop.bill RENAME COLUMN amount TO total;
CREATE TABLE public.old (a int);
INSERT INTO public.old SELECT generate_series(1, 700);
SELECT energyledger.convert('public.old');
SELECT energyledger.retire('public.old', 'no longer used');
SQL
el_psql -d original -c "SELECT energyledger.seal()" > /dev/null
el_psql -c "ALTER SYSTEM SET energyledger.seal_interval = 0" -c "SELECT pg_reload_conf()" > /dev/null
el_psql -d original -c "INSERT INTO shop.line (bill, energy_wh, note) VALUES (2, 8, 'not sealed yet')"
intact original "the original has no finding"

content()
{
	el_psql -d "$1" -c "SELECT md5(string_agg(r, '|' ORDER BY r)) FROM (
		SELECT b::text AS r FROM shop.bill b UNION ALL SELECT l::text FROM shop.line l UNION ALL SELECT p::text FROM shop.parent p
		UNION ALL SELECT m::text FROM energyledger.meter m UNION ALL SELECT e::text FROM energyledger.reading e
		UNION ALL SELECT s::text FROM energyledger.energy_estimate s UNION ALL SELECT f::text FROM energyledger.load_profile f
		UNION ALL SELECT o::text FROM energyledger.register_rollover o UNION ALL SELECT i::text FROM energyledger.interval_energy i
		UNION ALL SELECT d::text FROM energyledger.estimate_superseded d) x"
}
indexes()
{
	el_psql -d "$1" -c "SELECT string_agg(indexdef, ';' ORDER BY indexdef) FROM pg_indexes WHERE schemaname = 'shop'"
}
want=$(content original)
want_indexes=$(indexes original)

# ---- dump and restore: custom format, parallel, and plain text; in the same cluster

heights=$(el_psql -d original -c "SELECT max(height) FROM energyledger.block")
restored()
{
	el_is "$2: the same rows" "$(content "$1")" "$want"
	el_ok "$2: opened as a new incarnation, at the first need" el_psql -d "$1" -o /dev/null -c "SELECT energyledger.site_vkey()"
	el_ok "$2: under a number of its own" opened "$1"
	intact "$1" "$2: no finding"
	el_is "$2: the blocks came along" "$(el_psql -d "$1" -c "SELECT max(height) FROM energyledger.block")" "$heights"
	el_psql -d "$1" -c "INSERT INTO shop.bill (id, state) VALUES (9001, 'open')"
	el_ok "$2: sealing goes on" test "$(el_psql -d "$1" -c "SELECT energyledger.seal()")" -gt "$heights"
	el_is "$2: its checkpoint is its own" "$(checkpoint_valid "$1")" t
	intact "$1" "$2: no finding after sealing"
	el_is "$2: nothing is left out of the log" "$(el_psql -d "$1" -c "SELECT count(*) FROM energyledger.entry e
		WHERE NOT EXISTS (SELECT FROM energyledger.leaf l WHERE l.kind = 1 AND l.ref = e.first_id)")" 0
	el_is "$2: ids go on above the old ones" "$(el_psql -d "$1" -c "SELECT (SELECT ledger_id FROM shop.bill WHERE id = 9001) >
		(SELECT max(ledger_id) FROM shop.line)")" t
	el_is "$2: the indexes are those that were dumped" "$(indexes "$1")" "$want_indexes"
	el_ok "$2: and guards as before" test "$(el_psql -d "$1" -c "DELETE FROM shop.bill" 2>&1 | grep -c 'cannot delete from ledger table')" = 1
}

dump=$EL_TMP/original.dump
el_ok "pg_dump, custom format" "$EL_BIN/pg_dump" -d original -Fc -f "$dump"
el_psql -c "CREATE DATABASE restored"
el_ok "pg_restore in restore mode" env PGOPTIONS='-c energyledger.restore_mode=on' \
	"$EL_BIN/pg_restore" -d restored --exit-on-error -j 3 "$dump"
restored restored "restored"

el_ok "pg_dump, plain" "$EL_BIN/pg_dump" -d original -f "$EL_TMP/original.sql"
el_psql -c "CREATE DATABASE restored_plain"
el_ok "psql in restore mode" env PGOPTIONS='-c energyledger.restore_mode=on' \
	"$EL_BIN/psql" -X -q -v ON_ERROR_STOP=1 -d restored_plain -f "$EL_TMP/original.sql" -o /dev/null
restored restored_plain "restored from text"

# In an open ledger restore mode lets nothing in.
el_psql -d restored_plain -c "SET energyledger.restore_mode = on" \
	-c "INSERT INTO shop.line VALUES (1, 1, 35184372088833, 'by hand')" > "$EL_TMP/open.log" 2>&1
el_ok "an open ledger takes no rows by hand in restore mode either" grep -q 'cannot insert a value into column "ledger_id"' "$EL_TMP/open.log"
el_ok "and says why" grep -q 'takes rows only where the ledger is not open yet' "$EL_TMP/open.log"
el_psql -d restored_plain -c "SET energyledger.restore_mode = on" -c "INSERT INTO energyledger.subtree VALUES (1, 1, 9, '\x00')" > "$EL_TMP/open.log" 2>&1
el_ok "nor rows of the log" grep -q 'takes rows only where the ledger is not open yet' "$EL_TMP/open.log"

# Whoever needs the ledger in the middle of a restore waits, and then is told; the restore goes on.
awk -v half="$EL_RUN/half" -v on="$EL_RUN/go_on" '/^\\(un)?restrict / { next }
	{ print }
	/^COPY energyledger.site / { site = 1 }
	/^\\\.$/ && site { site = 0; print "\\! touch " half "; while [ ! -f " on " ]; do sleep 0.1; done" }' \
	"$EL_TMP/original.sql" > "$EL_TMP/half.sql"
el_psql -c "CREATE DATABASE half"
PGOPTIONS='-c energyledger.restore_mode=on' "$EL_BIN/psql" -X -q -v ON_ERROR_STOP=1 -d half -f "$EL_TMP/half.sql" -o /dev/null &
restoring=$!
el_ok "a restore is half-way" el_wait 30 test -f "$EL_RUN/half"
el_psql -d half -c "SELECT energyledger.site_vkey()" > "$EL_TMP/half.log" 2>&1
el_ok "nobody opens the ledger then" grep -q 'not open yet' "$EL_TMP/half.log"
el_psql -d half -c "SELECT energyledger.seal()" > "$EL_TMP/half.log" 2>&1
el_ok "and nobody seals it" grep -q 'still being restored' "$EL_TMP/half.log"
el_is "it is the original's still" "$(el_psql -d half -c "SELECT max(incarnation) FROM energyledger.site")" 1
touch "$EL_RUN/go_on"
el_ok "the restore goes on to its end" wait "$restoring"
# A server that starts brings a sealer to each database: no reason to open one.
el_cluster_stop fast
el_cluster_start
el_ok "the sealer is there" el_wait 20 test "$(el_psql -c "SELECT 1")" = 1
sleep 1
el_is "a sealer that comes by does not open it" "$(el_psql -d half -c "SELECT max(incarnation) FROM energyledger.site")" 1
restored half "restored with an interruption"
el_psql -c "DROP DATABASE half"
# The session that restored may go on with the copy.
el_psql -c "CREATE DATABASE at_once"
el_ok "the session that restored opens it" env PGOPTIONS='-c energyledger.restore_mode=on' \
	"$EL_BIN/psql" -X -q -v ON_ERROR_STOP=1 -d at_once -o /dev/null -f "$EL_TMP/original.sql" \
	-c "SET energyledger.restore_mode = off" -c "INSERT INTO shop.bill (id) VALUES (9001)"
el_ok "as its own" opened at_once
intact at_once "restored and written to at once: no finding"
el_psql -c "DROP DATABASE at_once"

# A copy of the copy.
el_psql -c "CREATE DATABASE restored_again"
el_ok "the copy is dumped and restored once more" bash -c \
	"'$EL_BIN/pg_dump' -d restored -Fc | PGOPTIONS='-c energyledger.restore_mode=on' '$EL_BIN/pg_restore' -d restored_again --exit-on-error"
el_psql -d restored_again -c "INSERT INTO shop.line (bill, energy_wh, note) VALUES (1, 1, 'again')"
el_psql -d restored_again -c "SELECT energyledger.seal()" > /dev/null
el_ok "third incarnation" opened restored_again 2
intact restored_again "the copy of the copy has no finding"

# Without restore mode nothing slips in half.
el_psql -c "CREATE DATABASE refused"
env PGOPTIONS='' "$EL_BIN/pg_restore" -d refused "$dump" > "$EL_TMP/refused.log" 2>&1
el_ok "without restore mode the log's rows are refused" grep -q 'cannot insert into "entry"' "$EL_TMP/refused.log"
el_ok "and rows with ids of another log" grep -q 'cannot insert a value into column "ledger_id"' "$EL_TMP/refused.log"

# ---- CREATE DATABASE ... TEMPLATE and DROP DATABASE with a sealer connected

el_psql -d original -c "SELECT energyledger.seal()" > /dev/null
el_psql -c "CREATE DATABASE templated TEMPLATE original"
el_ok "CREATE DATABASE ... TEMPLATE with a sealer connected" el_psql -d templated -c "SELECT 1" -o /dev/null
el_ok "the copy is written to at once" el_psql -d templated -c "INSERT INTO shop.bill (id) VALUES (9001)"
el_ok "and is another incarnation" opened templated
el_psql -d templated -c "SELECT energyledger.seal()" > /dev/null
intact templated "the copy by template has no finding"
el_ok "its log has a name of its own" test "$(el_psql -d templated -c "SELECT energyledger.site_vkey()")" != \
	"$(el_psql -d original -c "SELECT energyledger.site_vkey()")"
el_psql -d original -c "INSERT INTO shop.bill (id) VALUES (9002)"
el_ok "the template seals on" el_psql -d original -o /dev/null -c "SELECT energyledger.seal()"
intact original "the template has no finding"
el_ok "ALTER DATABASE ... RENAME with a sealer connected" el_psql -c "ALTER DATABASE templated RENAME TO renamed"
for db in renamed restored_again restored_plain refused; do
	el_ok "DROP DATABASE $db with a sealer connected" el_psql -c "DROP DATABASE $db"
done
el_is "their sealers are gone" "$(el_psql -c "SELECT count(*) FROM pg_stat_activity WHERE datname IN ('renamed', 'refused')")" 0
# Slots come back: more databases than there are slots for, one after the other.
el_psql -c "ALTER SYSTEM SET energyledger.max_databases = 4"
el_cluster_stop fast
el_cluster_start
for i in 1 2 3 4 5 6; do
	el_psql -c "CREATE DATABASE passing"
	el_psql -d passing -c "CREATE EXTENSION pg_energyledger" -c "CREATE TABLE t (a int) USING ledger" -c "INSERT INTO t VALUES (1)" \
		-c "SELECT energyledger.seal()" > "$EL_TMP/passing.log" 2>&1 || cat "$EL_TMP/passing.log"
	el_psql -c "DROP DATABASE passing"
done
el_ok "a dropped database's place is another's" test "$(tail -1 "$EL_TMP/passing.log")" -ge 1

# ---- a standby reads the same log; promoted, it goes on with it

main_host=$PGHOST main_port=$PGPORT main_data=$EL_PGDATA
EL_PGDATA=$EL_TMP/pg-standby
EL_PGLOG=$EL_TMP/log/pg-standby
mkdir "$EL_RUN/standby" "$EL_PGDATA"
[ "$(id -u)" = 0 ] && chown "$EL_SERVER_USER" "$EL_RUN/standby" "$EL_PGDATA"
chmod 700 "$EL_RUN/standby" "$EL_PGDATA"
el_ok "pg_basebackup" el_as_server "$EL_BIN/pg_basebackup" -h "$main_host" -p "$main_port" -U postgres -D "$EL_PGDATA" -R -c fast
PGHOST=$EL_RUN/standby
PGPORT=$(el_free_port)
{
	echo "unix_socket_directories = '$PGHOST'"
	echo "port = $PGPORT"
} >> "$EL_PGDATA/postgresql.conf"
EL_CLUSTERS+=("$EL_PGDATA")
el_cluster_start
PGHOST=$main_host PGPORT=$main_port el_psql -d original -c "INSERT INTO shop.line (bill, energy_wh, note) VALUES (3, 9, 'to the standby')"
PGHOST=$main_host PGPORT=$main_port el_psql -d original -c "SELECT energyledger.seal()" > /dev/null
lsn=$(PGHOST=$main_host PGPORT=$main_port el_psql -c "SELECT pg_current_wal_lsn()")
replayed()
{
	[ "$(el_psql -c "SELECT pg_last_wal_replay_lsn() >= '$lsn'")" = t ]
}
el_ok "the standby follows" el_wait 20 replayed
intact original "verify() on the standby has no finding"
el_is "its checkpoint is the primary's" "$(el_psql -d original -c "SELECT energyledger.checkpoint()")" \
	"$(PGHOST=$main_host PGPORT=$main_port el_psql -d original -c "SELECT energyledger.checkpoint()")"
vkey=$(PGHOST=$main_host PGPORT=$main_port el_psql -d original -c "SELECT energyledger.site_vkey()")
el_is "its key is the primary's" "$(el_psql -d original -c "SELECT energyledger.site_vkey()")" "$vkey"
el_ok "seal() says that it is a standby" grep -q 'cannot seal during recovery' \
	<(el_psql -d original -c "SELECT energyledger.seal()" 2>&1)
el_as_server "$EL_BIN/pg_ctl" -D "$main_data" -m immediate -w -s stop
el_as_server "$EL_BIN/pg_ctl" -D "$EL_PGDATA" -w -s promote
el_psql -d original -c "INSERT INTO shop.line (bill, energy_wh, note) VALUES (4, 10, 'after the promotion')"
before=$(el_psql -d original -c "SELECT max(height) FROM energyledger.block")
el_ok "promoted, it seals on" test "$(el_psql -d original -c "SELECT energyledger.seal()")" -gt "$before"
el_is "under the same key" "$(el_psql -d original -c "SELECT energyledger.site_vkey()")" "$vkey"
el_is "in the same incarnation" "$(el_psql -d original -c "SELECT max(incarnation) FROM energyledger.site")" 1
intact original "promoted: no finding"
el_cluster_stop fast

# ---- a server that was not told to load us

sed -i "/shared_preload_libraries/d" "$EL_PGDATA/postgresql.conf"
sed -i "/^energyledger/d" "$EL_PGDATA/postgresql.auto.conf"
el_cluster_start
el_psql -c "CREATE DATABASE unloaded"
el_psql -d unloaded -c "CREATE EXTENSION pg_energyledger" > "$EL_TMP/unloaded.log" 2>&1
el_ok "CREATE EXTENSION without shared_preload_libraries says so" \
	grep -q 'must be loaded via shared_preload_libraries' "$EL_TMP/unloaded.log"
el_ok "and how" grep -q 'HINT:  Add pg_energyledger to shared_preload_libraries' "$EL_TMP/unloaded.log"
el_psql -d original -c "INSERT INTO shop.line VALUES (1, 1)" > "$EL_TMP/unloaded.log" 2>&1
el_ok "ledger tables are not written to" grep -q 'must be loaded via shared_preload_libraries' "$EL_TMP/unloaded.log"
el_psql -d original -c "SELECT count(*) FROM shop.line" > "$EL_TMP/unloaded.log" 2>&1
el_ok "nor read" grep -q 'must be loaded via shared_preload_libraries' "$EL_TMP/unloaded.log"
# A dump that is restored there makes no ordinary tables of ledger tables, however
# little heed is paid to its errors.
el_psql -c "CREATE DATABASE heapless" -c "CREATE DATABASE heapless_text"
"$EL_BIN/pg_restore" -d heapless "$dump" > "$EL_TMP/heapless.log" 2>&1
el_ok "pg_restore says that it failed" test $? -ne 0
"$EL_BIN/psql" -X -q -d heapless_text -f "$EL_TMP/original.sql" > "$EL_TMP/heapless_text.log" 2>&1
for db in heapless heapless_text; do
	el_ok "$db: it says what is missing" grep -q 'must be loaded via shared_preload_libraries' "$EL_TMP/$db.log"
	el_is "$db: and no ledger table became an ordinary one" "$(el_psql -d $db -c "SELECT string_agg(relname, ',') FROM pg_class
		WHERE relkind = 'r' AND relnamespace::regnamespace::text IN ('shop', 'public', 'energyledger')")" ""
done
el_done
