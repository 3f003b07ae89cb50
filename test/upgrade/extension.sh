#!/bin/bash
# extension.sh: ALTER EXTENSION UPDATE, while writers write.
#
# There is only one version yet, so the next one is made up: a script that adds a
# function and a table of the log, as updates will.  It shows that the mechanism
# holds: writers meet no error, nothing is lost, ledger tables stay guarded, and the
# extension still cannot be dropped.

. "$(dirname "$0")/../lib.sh"

LOAD_SECONDS=6

el_begin extension
# A stage of our own: the made-up version must not be found by anybody else.
el_stage
cp -a "$EL_STAGE" "$EL_TMP/own" || exit 1
EL_STAGE=$EL_TMP/own
el_stage
el_cluster main "fsync = off" "energyledger.seal_interval = 100ms"

one()
{
	el_psql -c "SET client_min_messages = warning" -c "$1"
}

one "CREATE EXTENSION pg_energyledger"
now=$(one "SELECT extversion FROM pg_extension WHERE extname = 'pg_energyledger'")
next=$now.next
folder=$EL_STAGE$("$PG_CONFIG" --sharedir)/extension
cat > "$folder/pg_energyledger--$now--$next.sql" <<'SQL'
\echo Use "ALTER EXTENSION pg_energyledger UPDATE" to load this file. \quit
CREATE FUNCTION energyledger.came_later() RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT 1';
CREATE TABLE energyledger.later (id bigint PRIMARY KEY, ledger_id bigint NOT NULL DEFAULT 0) USING ledger_log;
SQL
chmod a+r "$folder"/*.sql
el_psql -o /dev/null -c "CREATE TABLE t (client int, n bigint) USING ledger" -c "CREATE SEQUENCE s" -c "SELECT energyledger.seal()"
vkey=$(one "SELECT energyledger.site_vkey()")

cat > "$EL_TMP/load.sql" <<'SQL'
BEGIN;
INSERT INTO t VALUES (:client_id, nextval('s'));
SAVEPOINT a;
INSERT INTO t VALUES (:client_id, -1);
ROLLBACK TO a;
COMMIT;
SQL
"$EL_BIN/pgbench" -n -c 4 -j 1 -T "$LOAD_SECONDS" -f "$EL_TMP/load.sql" > "$EL_TMP/log/load" 2>&1 &
load=$!
sleep 2
before=$(one "SELECT max(height) FROM energyledger.block")

# Rolled back it was never there; a script that fails changes nothing.
el_psql -c "BEGIN" -c "ALTER EXTENSION pg_energyledger UPDATE TO '$next'" -c "ROLLBACK"
el_is "rolled back: the version is as it was" "$(one "SELECT extversion FROM pg_extension WHERE extname = 'pg_energyledger'")" "$now"
el_ok "ALTER EXTENSION UPDATE under load" el_psql -c "ALTER EXTENSION pg_energyledger UPDATE TO '$next'"
el_is "the version is the next one" "$(one "SELECT extversion FROM pg_extension WHERE extname = 'pg_energyledger'")" "$next"
el_is "what it brought is there" "$(one "SELECT energyledger.came_later()")" 1
el_ok "writers were still writing" kill -0 "$load"
wait "$load"
el_is "no writer met an error" "$?" 0
done_by=$(sed -n 's/^number of transactions actually processed: \([0-9]*\).*/\1/p' "$EL_TMP/log/load")
echo "# $done_by transactions"
el_is "every commit has its row" "$(one "SELECT count(*) FROM t")" "$done_by"
one "SELECT energyledger.seal()" > /dev/null
el_ok "blocks went on" test "$(one "SELECT max(height) FROM energyledger.block")" -gt "$before"
el_is "no finding" "$(one "SELECT count(*) FROM energyledger.verify()")" 0
el_is "every entry is in the log" "$(one "SELECT count(*) FROM energyledger.entry e
	LEFT JOIN energyledger.leaf l ON l.kind = 1 AND l.ref = e.first_id WHERE l.ref IS NULL")" 0
el_is "the same name and key" "$(one "SELECT energyledger.site_vkey()")" "$vkey"

refused()
{
	el_psql -c "$2" > "$EL_TMP/refused" 2>&1
	el_ok "$1 is refused" grep -q "$3" "$EL_TMP/refused" || sed 's/^/# /' "$EL_TMP/refused"
}
for statement in "UPDATE t SET n = 0" "DELETE FROM t" "TRUNCATE t" "DROP TABLE t" "ALTER TABLE t ALTER n TYPE int"; do
	refused "after it, $statement" "$statement" 'ERROR:  cannot .* ledger table "t"'
done
refused "a row in the log" "INSERT INTO energyledger.entry SELECT * FROM energyledger.entry LIMIT 1" 'cannot insert into "entry"'
refused "a row in its new table" "INSERT INTO energyledger.later VALUES (1)" 'cannot insert into "later"'
refused "DROP EXTENSION" "DROP EXTENSION pg_energyledger" 'ERROR:  cannot drop'
refused "DROP EXTENSION CASCADE" "DROP EXTENSION pg_energyledger CASCADE" 'ERROR:  cannot drop'
refused "taking a table out of the extension" "ALTER EXTENSION pg_energyledger DROP TABLE energyledger.entry" 'ERROR:  cannot take anything out'
el_is "and it is all there" "$(one "SELECT count(*) FROM energyledger.verify()")" 0
el_done
