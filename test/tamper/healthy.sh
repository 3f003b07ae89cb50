#!/bin/bash
# healthy.sh: verify() never reports damage where there is none: beside writers, after a
# crash, over scattered rows, prepared transactions, partitions, another site's rows, on a
# standby; and it can be watched, slowed down and cancelled.

. "$(dirname "$0")/../lib.sh"

WRITE_SECONDS=${WRITE_SECONDS:-5}
export PGOPTIONS="-c client_min_messages=warning"

el_begin healthy
el_stage
el_cluster healthy "fsync = off" "max_prepared_transactions = 10" "energyledger.seal_interval = 100ms" \
	"max_worker_processes = 16" "wal_level = replica"
el_psql -c "CREATE EXTENSION pg_energyledger" -c "CREATE EXTENSION amcheck" \
	-c "CREATE TABLE a (n int, note text, r double precision DEFAULT random()) USING ledger" \
	-c "CREATE TABLE b (n int) USING ledger" -c "CREATE INDEX ON a (n)" \
	-c "CREATE TABLE person (n int, name energyledger.redactable, memo energyledger.redactable) USING ledger" \
	-c "CREATE TABLE p (n int, k int, ledger_id bigint NOT NULL DEFAULT 0) PARTITION BY LIST (k)" \
	-c "CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1) USING ledger" \
	-c "CREATE TABLE p2 (k int, ledger_id bigint NOT NULL DEFAULT 0, n int) USING ledger" \
	-c "ALTER TABLE p ATTACH PARTITION p2 FOR VALUES IN (2)"

# verify ARGUMENTS: what it finds, kind by kind; nothing where all is well.
verify()
{
	el_psql -c "SELECT kind, relation, ledger_id, expected, found FROM energyledger.verify($1) LIMIT 5" 2>&1
}

# ---------------------------------------------------------------- beside writers

cat > "$EL_TMP/short.sql" <<'SQL'
INSERT INTO a (n, note) VALUES (1, 'short');
SQL
cat > "$EL_TMP/mixed.sql" <<'SQL'
\set rows random(1, 600)
\set pause random(0, 30)
BEGIN;
INSERT INTO a (n) SELECT g FROM generate_series(1, :rows) g;
SAVEPOINT s;
INSERT INTO b (n) SELECT g FROM generate_series(1, :rows) g;
INSERT INTO a (n) VALUES (-1);
ROLLBACK TO s;
INSERT INTO p (n, k) SELECT g, 1 + g % 2 FROM generate_series(1, 20) g;
\sleep :pause ms
SAVEPOINT s2;
INSERT INTO a (n) VALUES (3);
RELEASE s2;
COMMIT;
SQL
cat > "$EL_TMP/erase.sql" <<'SQL'
INSERT INTO person SELECT g, 'name ' || g, 'memo' FROM generate_series(1, 5) g;
SELECT energyledger.redact('person', ledger_id, 'name', 'asked for') FROM
	(SELECT ledger_id FROM person WHERE NOT energyledger.is_redacted(name) ORDER BY random() LIMIT 3) p;
SQL
cat > "$EL_TMP/long.sql" <<'SQL'
\set pause random(500, 3000)
BEGIN;
INSERT INTO b (n) SELECT g FROM generate_series(1, 700) g;
\sleep :pause ms
INSERT INTO a (n) VALUES (5);
COMMIT;
SQL

# write: sixteen of them, in the background
write()
{
	local script

	writers=()
	for script in short:6 mixed:5 long:4 erase:1; do
		"$EL_BIN/pgbench" -n -c "${script#*:}" -j 1 -T "$1" -f "$EL_TMP/${script%:*}.sql" > "$EL_TMP/${script%:*}.out" 2>&1 &
		writers+=($!)
	done
}

write "$WRITE_SECONDS"
sleep 0.5
rounds=0 found="" held=""
while kill -0 "${writers[0]}" 2>/dev/null; do
	el_progress "healthy: beside writers, round $((++rounds))"
	found+=$(verify "workers => $((rounds % 3))")
	[ -n "$held" ] && found+=$(verify "since => \$n\$$held\$n\$, against => \$n\$$held\$n\$, workers => $((rounds % 2))")
	held=$(el_psql -c "SELECT energyledger.checkpoint()")
	found+=$(verify "'b', ids => int8range((SELECT min(ledger_id) + 1000 FROM b), (SELECT greatest(max(ledger_id), min(ledger_id) + 1000) FROM b))")
	[ $((rounds % 3)) = 1 ] && found+=$(verify "deep => true")
done
wait "${writers[@]}"
el_is "beside 16 writers, $rounds times four ways: no finding" "$found" ""
el_ok "it was looked often enough" [ "$rounds" -ge 2 ]
el_ok "and rows were redacted" [ "$(el_psql -c "SELECT count(*) FROM energyledger.event WHERE kind = 8")" -ge 20 ]

# ---------------------------------------------------------------- just after a crash

for mode in immediate kill; do
	write 30
	sleep 1
	if [ $mode = kill ]; then
		kill -KILL "$(head -1 "$EL_PGDATA/postmaster.pid")"
		el_wait 10 sh -c "! kill -0 $(head -1 "$EL_PGDATA/postmaster.pid")"
		sleep 1
	else
		el_cluster_stop immediate
	fi
	wait "${writers[@]}"
	el_cluster_start 2> /dev/null
	el_is "$mode, and started again: no finding" "$(verify "workers => 1")" ""
	el_psql -o /dev/null -c "SELECT energyledger.seal()"
	el_is "$mode: nor when it has sealed" "$(verify "deep => true, against => \$n\$$held\$n\$")" ""
done

# ---------------------------------------------------------------- transactions

el_psql -c "BEGIN" -c "INSERT INTO a (n) SELECT generate_series(1, 1300)" -c "INSERT INTO b (n) VALUES (1)" -c "PREPARE TRANSACTION 'one'" \
	-c "BEGIN" -c "INSERT INTO a (n) VALUES (1)" -c "PREPARE TRANSACTION 'two'"
el_is "prepared transactions: no finding" "$(verify "workers => 1")" ""
el_cluster_stop fast
el_cluster_start
el_psql -c "COMMIT PREPARED 'one'" -c "ROLLBACK PREPARED 'two'"
el_is "committed and rolled back: no finding" "$(verify "")" ""
el_psql -o /dev/null -c "SELECT energyledger.seal()"
el_is "and since a checkpoint of before" "$(verify "since => \$n\$$held\$n\$")" ""

# A key that is replaced after the checkpoint: handed over, and found where it is not.
el_psql -o /dev/null -c "SELECT energyledger.rotate_key()" -c "SELECT energyledger.seal()"
el_is "since a checkpoint of before the key was replaced: no finding" "$(verify "since => \$n\$$held\$n\$")" ""
block=$(el_psql -c "SELECT min(height) FROM energyledger.block WHERE key_number = 2")
handed=$(el_psql -c "SELECT note FROM energyledger.block WHERE height = $block")
# note TEXT: into that block
note()
{
	el_psql -c "UPDATE pg_class SET relam = 2 WHERE oid = 'energyledger.block'::regclass" \
		-c "UPDATE energyledger.block SET note = \$n\$$1
\$n\$ WHERE height = $block" \
		-c "UPDATE pg_class SET relam = (SELECT oid FROM pg_am WHERE amname = 'ledger_log') WHERE oid = 'energyledger.block'::regclass"
}
el_is "that block is signed by both" "$(grep -c '^— ' <<< "$handed")" 2
new_id=$(el_psql -c "SELECT split_part(energyledger.site_vkey(), '+', 2)")
kept=$(while IFS= read -r line; do
	case $line in
		'— '*) [ "$(awk '{ print $NF }' <<< "$line" | base64 -d | od -An -tx1 -N4 | tr -d ' ')" = "$new_id" ] && printf '%s\n' "$line" ;;
		*) printf '%s\n' "$line" ;;
	esac
done <<< "$handed")
note "$kept"
el_is "without the old key's signature it is found" "$(verify "since => \$n\$$held\$n\$" | cut -d'|' -f1-3)" "key_handover|energyledger.block|$block"
note "$handed"
el_is "put back, nothing is" "$(verify "since => \$n\$$held\$n\$")" ""
el_is "one's own rows, entries and tables are not covered" "$(el_psql -f - <<'SQL'
BEGIN;
INSERT INTO a (n) SELECT generate_series(1, 2000);
SAVEPOINT s;
INSERT INTO b (n) SELECT generate_series(1, 2000);
CREATE TABLE fresh (n int) USING ledger;
COPY fresh (n) FROM PROGRAM 'seq 1 2000' WITH (FREEZE);
SELECT kind, relation, ledger_id FROM energyledger.verify(workers => 0) LIMIT 5;
SELECT kind, relation, ledger_id FROM energyledger.verify(workers => 2) LIMIT 5;
ROLLBACK TO s;
SELECT kind, relation, ledger_id FROM energyledger.verify(workers => 2) LIMIT 5;
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY;
SELECT kind, relation, ledger_id FROM energyledger.verify(workers => 2) LIMIT 5;
COMMIT;
SQL
)" ""

# ---------------------------------------------------------------- rows elsewhere

el_psql -o /dev/null -c "VACUUM FULL a"
el_is "VACUUM FULL: no finding" "$(verify "")" ""
el_psql -o /dev/null -c "CREATE INDEX a_r ON a (r)" -c "CLUSTER a USING a_r"
el_is "CLUSTER in a random order: no finding" "$(verify "")" ""
el_is "the same with workers" "$(verify "workers => 2")" ""
el_is "since a checkpoint, where no row is where its entry says" "$(verify "since => \$n\$$held\$n\$")" ""
el_is "settled all the same without naming rows" "$(PGOPTIONS="-c client_min_messages=debug1" verify "workers => 2" | grep -c 'sorting all')" 0
el_psql -c "ALTER TABLE a ADD COLUMN later text" -c "INSERT INTO a (n, later) VALUES (1, 'x')" \
	-c "ALTER TABLE p ADD COLUMN q int" -c "INSERT INTO p (n, k, q) VALUES (1, 2, 3)" -c "REINDEX TABLE a" -c "VACUUM (FREEZE)"
el_is "columns added, indexes rebuilt, frozen: no finding" "$(verify "deep => true")" ""

# ---------------------------------------------------------------- another site's rows

# A database whose site is number 2, with a log of its own.  Its rows and its log are brought, as replication
# would bring them, to a copy of this database (which is a second incarnation of site 1).
el_psql -c "CREATE DATABASE two" -c "CREATE DATABASE joined TEMPLATE postgres"
el_psql -d two -c "CREATE EXTENSION pg_energyledger" \
	-c "UPDATE pg_class SET relam = 2 WHERE oid IN ('energyledger.site'::regclass, 'energyledger.event'::regclass)" \
	-c "UPDATE energyledger.site SET site_id = 2" -c "UPDATE energyledger.event SET site_id = 2, event_id = event_id + (1::bigint << 45)" \
	-c "UPDATE pg_class SET relam = (SELECT oid FROM pg_am WHERE amname = 'ledger_log')
		WHERE oid IN ('energyledger.site'::regclass, 'energyledger.event'::regclass)"
# (its columns in another order)
el_psql -d two -o /dev/null -c "CREATE TABLE b (n int) USING ledger" -c "INSERT INTO b SELECT generate_series(1, 1500)" \
	-c "CREATE TABLE person (memo energyledger.redactable, n int, name energyledger.redactable) USING ledger" \
	-c "INSERT INTO person SELECT 'memo', -g, 'name ' || g FROM generate_series(1, 10) g" \
	-c "SELECT energyledger.redact('person', ledger_id, 'name', 'there') FROM person WHERE n = -1" \
	-c "INSERT INTO b VALUES (1), (2)" -c "SELECT energyledger.seal()" || el_die "site 2 does not write"
el_is "site 2 by itself: no finding" "$(PGDATABASE=two verify "")" ""
el_is "its ids are its own" "$(el_psql -d two -c "SELECT DISTINCT ledger_id >> 45 FROM b")" 2
el_psql -d joined -o /dev/null -c "INSERT INTO b VALUES (1)" -c "SELECT energyledger.seal()"
bring()			# TABLE COLUMNS AM CONDITION
{
	el_psql -d two -c "COPY (SELECT $2 FROM $1 $4) TO STDOUT (FORMAT binary)" |
		{ el_psql -d joined -c "UPDATE pg_class SET relam = 2 WHERE oid = '$1'::regclass" \
			-c "COPY $1 FROM STDIN (FORMAT binary)" \
			-c "UPDATE pg_class SET relam = (SELECT oid FROM pg_am WHERE amname = '$3') WHERE oid = '$1'::regclass" ||
			el_die "$1 did not come over"; }
}
for table in site table_schema entry block event leaf_run subtree; do
	# (what CREATE EXTENSION registered was site 1's)
	bring energyledger.$table "*" ledger_log "WHERE site_id = 2"
done
bring b "*" ledger ""
bring person "n, name, memo, ledger_id" ledger ""
PGDATABASE=joined
el_is "rows of two sites in a table: no finding" "$(verify "")" ""
el_is "site 2's log and rows alone" "$(verify "site => 2, workers => 1")" ""
el_is "site 1's alone" "$(verify "site => 1")" ""
el_is "a row of site 2 is redacted here" "$(el_psql -c "SELECT count(energyledger.redact('person', ledger_id, 'name', 'here')) FROM person WHERE n = -2")" 1
el_is "by the column's number there" "$(el_psql -c "SELECT field_values[4] FROM energyledger.event WHERE field_values[5] IN ('here', 'there')" | paste -sd, -)" "3,3"
el_is "no finding" "$(verify "")$(verify "site => 1")$(verify "site => 2")$(verify "since => energyledger.checkpoint()")" ""
# edit SQL: as somebody does who knows the catalog
edit()
{
	el_psql -c "UPDATE pg_class SET relam = 2 WHERE oid = 'b'::regclass" -c "$1" \
		-c "UPDATE pg_class SET relam = (SELECT oid FROM pg_am WHERE amname = 'ledger') WHERE oid = 'b'::regclass"
}
edit "UPDATE b SET n = -n WHERE ledger_id = (SELECT max(ledger_id) FROM b)"
el_is "one of its rows edited: found" "$(verify "site => 2" | cut -d'|' -f1,2)" "row_changed|public.b"
el_is "which is not site 1's" "$(verify "site => 1")" ""
PGDATABASE=postgres

# ---------------------------------------------------------------- watched, slowed down, cancelled

cat > "$EL_TMP/slow.sql" <<'SQL'
SET energyledger.verify_rate_limit = 1000;
SELECT count(*) FROM energyledger.verify(workers => 1);
SQL
el_psql -f "$EL_TMP/slow.sql" > "$EL_TMP/slow.out" 2>&1 &
slow=$!
seen() { [ "$(el_psql -c "SELECT count(*) FROM energyledger.stat_verify WHERE phase = 'rows' AND blocks_done > 0 AND blocks_total > blocks_done AND rows_done > 0 AND leaves_done > 0 AND findings = 0 AND datname = current_database()")" = 1 ]; }
el_ok "stat_verify shows it at work" el_wait 20 seen
el_ok "and its worker" [ "$(el_psql -c "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'parallel worker'")" -ge 1 ]
el_psql -c "CREATE ROLE nobody_much LOGIN"
el_is "of others only the process is shown" "$(el_psql -U nobody_much -c "SELECT pid IS NOT NULL, phase, relation FROM energyledger.stat_verify")" "t||"
el_is "it is cancelled" "$(el_psql -c "SELECT pg_cancel_backend(pid) FROM energyledger.stat_verify")" t
wait $slow
el_ok "with an error that says so" grep -q "canceling statement due to user request" "$EL_TMP/slow.out"
el_is "nothing of it is left in stat_verify" "$(el_psql -c "SELECT count(*) FROM energyledger.stat_verify")" 0
gone() { [ "$(el_psql -c "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'parallel worker'")" = 0 ]; }
el_ok "no worker is left" el_wait 10 gone
el_is "no file is left" "$(find "$EL_PGDATA/base/pgsql_tmp" -type f 2>/dev/null | wc -l)" 0
el_psql -f "$EL_TMP/slow.sql" > /dev/null 2>&1 &
slow=$!
el_ok "it is at work again" el_wait 20 seen
el_psql -o /dev/null -c "SELECT pg_terminate_backend(pid) FROM energyledger.stat_verify"
wait $slow
el_is "terminated: nothing is left in stat_verify" "$(el_psql -c "SELECT count(*) FROM energyledger.stat_verify")" 0
kb=$(el_psql -c "SELECT (pg_relation_size('b') + pg_relation_size('energyledger.entry')) / 1024")
start=$(date +%s%N)
el_psql -o /dev/null -c "SET energyledger.verify_rate_limit = $((kb / 2))" -c "SELECT * FROM energyledger.verify('b', workers => 0)"
ms=$((($(date +%s%N) - start) / 1000000))
el_ok "at half of it a second, $kb kB take two ($ms ms)" [ "$ms" -ge 1900 ]
el_is "verified at full speed: no finding" "$(verify "")" ""

# ---------------------------------------------------------------- on a standby

el_psql -o /dev/null -c "SELECT energyledger.seal()"
size=$(el_psql -c "SELECT max(first_index + leaf_count + 1) FROM energyledger.block WHERE site_id = 1")
primary=$EL_PGDATA primary_port=$PGPORT primary_host=$PGHOST
mkdir "$EL_TMP/pg-standby" "$EL_RUN/standby"
[ "$(id -u)" = 0 ] && chown "$EL_SERVER_USER" "$EL_TMP/pg-standby" "$EL_RUN/standby"
chmod 700 "$EL_TMP/pg-standby" "$EL_RUN/standby"
el_as_server "$EL_BIN/pg_basebackup" -h "$PGHOST" -p "$PGPORT" -U postgres -D "$EL_TMP/pg-standby" -R -c fast > "$EL_TMP/log/basebackup" 2>&1 ||
	el_die "pg_basebackup failed"
EL_PGDATA=$EL_TMP/pg-standby EL_PGLOG=$EL_TMP/log/pg-standby PGHOST=$EL_RUN/standby PGPORT=$(el_free_port)
printf "unix_socket_directories = '%s'\nport = %s\n" "$PGHOST" "$PGPORT" >> "$EL_PGDATA/postgresql.conf"
EL_CLUSTERS+=("$EL_PGDATA")
el_cluster_start
caught_up() { [ "$(el_psql -c "SELECT max(first_index + leaf_count + 1) >= $size FROM energyledger.block WHERE site_id = 1")" = t ]; }
el_ok "the standby has it all" el_wait 30 caught_up
el_is "on the standby, with workers: no finding" "$(verify "workers => 2")" ""
el_is "and incrementally, indexes too" "$(verify "since => \$n\$$held\$n\$, deep => true")" ""
el_cluster_stop fast
el_done
