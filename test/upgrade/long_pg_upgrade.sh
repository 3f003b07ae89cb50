#!/bin/bash
# long_pg_upgrade.sh: a ledger moves to the next major version and goes on there.
#
# pg_upgrade takes files as they are and makes the catalog anew, in a cluster with
# another system identifier.  The rows and the log must verify as before, sealing
# must go on, under a name of its own, and whoever holds an old checkpoint must be
# able to check it.  With the signing key brought along and without it.
#
# OLD_PG_CONFIG, OLD_STAGE: the older server; PG_CONFIG, EL_STAGE: the newer one.

. "$(dirname "$0")/../lib.sh"

new_config=$PG_CONFIG
new_stage=$EL_STAGE

el_begin pg_upgrade
PG_CONFIG=$OLD_PG_CONFIG
EL_STAGE=$OLD_STAGE
el_stage
old_bin=$EL_BIN
mkdir "$EL_TMP/work"
[ "$(id -u)" = 0 ] && chown "$EL_SERVER_USER" "$EL_TMP/work"

# upgrade NEW_BIN OLD_DATA NEW_DATA HOST PORT [ARG...]; it writes where it stands
upgrade()
{
	local new_bin=$1 from=$2 to=$3 host=$4 port=$5

	shift 5
	el_as_server bash -c 'cd "$0" && exec "$@"' "$EL_TMP/work" "$new_bin/pg_upgrade" -b "$old_bin" -B "$new_bin" \
		-d "$from" -D "$to" -U postgres -p "$port" -P "$port" -s "$host" "$@" > "$EL_TMP/log/pg_upgrade" 2>&1
}

# What went wrong, as comments.
explain()
{
	tail -20 "$EL_TMP/log/pg_upgrade" | sed 's/^/# /'
	find "$1/pg_upgrade_output.d" -name '*.log' -exec grep -h 'error:' {} + 2> /dev/null | head -5 | sed 's/^/# /'
}

# First without us: two servers of which one cannot read the other's catalog (minor
# releases too far apart) say nothing about a ledger.
el_cluster control "fsync = off"
sed -i '/shared_preload_libraries/d' "$EL_PGDATA/postgresql.conf"
el_cluster_stop fast
el_cluster_start
el_psql -c "CREATE TABLE plain (a int)"
el_cluster_stop fast
control_data=$EL_PGDATA
PG_CONFIG=$new_config
EL_STAGE=$new_stage
el_stage
new_bin=$EL_BIN
versions="$("$old_bin/postgres" --version) to $("$new_bin/postgres" --version)"
el_cluster_init control_new "fsync = off"
sed -i '/shared_preload_libraries/d' "$EL_PGDATA/postgresql.conf"
if ! upgrade "$new_bin" "$control_data" "$EL_PGDATA" "$PGHOST" "$PGPORT"; then
	explain "$EL_PGDATA"
	echo "1..0 # SKIP $versions: pg_upgrade fails for a cluster without a ledger too"
	exit 0
fi
PG_CONFIG=$OLD_PG_CONFIG
EL_STAGE=$OLD_STAGE
el_stage
el_cluster old "fsync = off" "energyledger.seal_interval = 0" "max_prepared_transactions = 5"
old_data=$EL_PGDATA
old_host=$PGHOST
old_port=$PGPORT

one()
{
	el_psql -c "SET client_min_messages = warning" -c "$1"
}

intact()
{
	el_is "$1: no finding" "$(one "SELECT count(*) FROM energyledger.verify()")" 0 ||
		one "SELECT * FROM energyledger.verify() LIMIT 5" | sed 's/^/# /'
}

content()
{
	one "SELECT md5(string_agg(r, '|' ORDER BY r)) FROM (SELECT b::text AS r FROM shop.bill b UNION ALL SELECT p::text FROM shop.parent p
		UNION ALL SELECT e::text FROM energyledger.entry e UNION ALL SELECT k::text FROM energyledger.block k
		UNION ALL SELECT l::text FROM energyledger.leaf_run l UNION ALL SELECT m::text FROM energyledger.meter m) x"
}

indexes()
{
	one "SELECT count(*), bool_and(i.indisvalid AND i.indisready), md5(string_agg(pg_get_indexdef(i.indexrelid), '|' ORDER BY i.indexrelid::regclass::text))
		FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_am a ON a.oid = c.relam WHERE a.amname IN ('ledger', 'ledger_log')"
}

one "CREATE EXTENSION pg_energyledger" > /dev/null
el_psql -o /dev/null <<'SQL'
SET client_min_messages = warning;
CREATE SCHEMA shop;
CREATE TYPE shop.state AS ENUM ('open', 'paid');
CREATE DOMAIN shop.amount AS numeric(12, 2) CHECK (value >= 0);
CREATE TABLE shop.bill (id int PRIMARY KEY, state shop.state, amount shop.amount, tags text[], doc jsonb, span tstzrange,
	twice int GENERATED ALWAYS AS (id * 2) STORED, at timestamptz DEFAULT now()) USING ledger;
CREATE INDEX ON shop.bill (at);
CREATE TABLE shop.line (bill int REFERENCES shop.bill, energy_wh bigint) USING ledger;
CREATE TABLE shop.parent (k int, ledger_id bigint NOT NULL DEFAULT 0) PARTITION BY LIST (k);
CREATE TABLE shop.leaf PARTITION OF shop.parent FOR VALUES IN (1) USING ledger;
CREATE TABLE public.empty (a int) USING ledger;
INSERT INTO shop.bill (id, state, amount, tags, doc, span) SELECT g, CASE WHEN g % 2 = 0 THEN 'paid' ELSE 'open' END::shop.state, g / 3.0,
	ARRAY['a', NULL, g::text], jsonb_build_object('n', g, 'long', repeat('y', CASE WHEN g % 100 = 0 THEN 9000 ELSE 3 END)),
	tstzrange('2030-01-01', NULL) FROM generate_series(1, 2000) g;
INSERT INTO shop.line SELECT g % 2000 + 1, g FROM generate_series(1, 5000) g;
INSERT INTO shop.parent VALUES (1);
SELECT energyledger.register_meter('meter:1', decode(repeat('01', 32), 'hex'));
ALTER TABLE shop.line ADD COLUMN note text;
INSERT INTO shop.line (bill, energy_wh, note) VALUES (1, 7, 'after the column');
SELECT energyledger.seal();
INSERT INTO shop.line (bill, energy_wh, note) VALUES (2, 8, 'not sealed yet');
SQL
intact "before"
checkpoint=$(one "SELECT energyledger.checkpoint()")
old_vkey=$(one "SELECT energyledger.site_vkey()")
old_content=$(content)
old_indexes=$(indexes)
old_height=$(one "SELECT max(height) FROM energyledger.block")
old_id=$(one "SELECT max(last_id) FROM energyledger.entry")
el_cluster_stop fast

PG_CONFIG=$new_config
EL_STAGE=$new_stage
el_stage
echo "# from $versions"
el_cluster_init new "fsync = off" "energyledger.seal_interval = 0"
el_ok "pg_upgrade --check" upgrade "$new_bin" "$old_data" "$EL_PGDATA" "$old_host" "$old_port" --check || explain "$EL_PGDATA"
if ! el_ok "pg_upgrade" upgrade "$new_bin" "$old_data" "$EL_PGDATA" "$old_host" "$old_port"; then
	explain "$EL_PGDATA"
	el_done
fi
el_ok "it made no signing key" test ! -e "$EL_PGDATA/energyledger_site.key"

# One copy goes on with the key, one without.
cp -a "$EL_PGDATA" "$EL_TMP/pg-keyless"

goes_on()
{
	intact "$1"
	el_is "$1: the same rows, entries and blocks" "$(content)" "$old_content"
	el_is "$1: an old checkpoint is checked with the old key" \
		"$("$EL_BIN/psql" -X -qAt -v note="$checkpoint"$'\n' -v vkey="$old_vkey" <<< "SELECT energyledger.verify_note(:'note', :'vkey')")" t
	el_ok "$1: its log has a name of its own" test "$(one "SELECT energyledger.site_vkey()")" != "$old_vkey"
	el_is "$1: it is the second incarnation" "$(one "SELECT max(incarnation) FROM energyledger.site")" 2
	one "INSERT INTO shop.bill (id, state) VALUES (9001, 'open')"
	el_ok "$1: ids go on above the old ones" test "$(one "SELECT ledger_id FROM shop.bill WHERE id = 9001")" -gt "$old_id"
	el_is "$1: sealing goes on" "$(one "SELECT energyledger.seal()")" $((old_height + 1))
	el_is "$1: nothing is left out of the log" "$(one "SELECT count(*) FROM energyledger.entry e
		WHERE NOT EXISTS (SELECT FROM energyledger.leaf l WHERE l.kind = 1 AND l.ref = e.first_id)")" 0
	intact "$1, sealed"
	el_is "$1: the same indexes, all valid" "$(indexes)" "$old_indexes"
	el_ok "$1: guards as before" grep -q 'cannot delete from ledger table' <(el_psql -c "DELETE FROM shop.bill" 2>&1)
	el_ok "$1: the log as well" grep -q 'cannot insert into "entry"' \
		<(el_psql -c "INSERT INTO energyledger.entry SELECT * FROM energyledger.entry LIMIT 1" 2>&1)
	one "CREATE TABLE born (a int) USING ledger" -c "INSERT INTO born VALUES (1)"
	el_ok "$1: new tables are made" test "$(one "SELECT energyledger.seal()")" = $((old_height + 2))
	el_cluster_stop fast
	el_cluster_start
	intact "$1, restarted"
	el_is "$1: and stays what it is" "$(one "SELECT max(incarnation) FROM energyledger.site")" 2
}

public_key()
{
	one "SELECT encode(public_key, 'hex') FROM energyledger.site WHERE incarnation = $1"
}

cp -p "$old_data/energyledger_site.key" "$EL_PGDATA/"
el_cluster_start
goes_on "with its key"
el_is "with its key: it is the same key" "$(public_key 2)" "$(public_key 1)"
el_cluster_stop fast

EL_PGDATA=$EL_TMP/pg-keyless
EL_CLUSTERS+=("$EL_PGDATA")
el_cluster_start
goes_on "without its key"
el_ok "without its key: it made one" test "$(public_key 2)" != "$(public_key 1)"
el_done
