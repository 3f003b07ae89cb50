#!/bin/bash
# receipts.sh: every row has a receipt that verifies, wherever the row lies by now and
# whoever serves it, and nobody gets one who may not read it.

. "$(dirname "$0")/../lib.sh"

el_begin receipts
el_cluster main "fsync = off" "autovacuum = off" "energyledger.seal_interval = 0" "max_wal_senders = 5"
main_host=$PGHOST main_port=$PGPORT
HERE=$EL_ROOT/test/proof

# psql for a session that may fail: what it says, errors with their codes.
says()
{
	"$EL_BIN/psql" -X -qAt -v VERBOSITY=verbose "$@" 2>&1
}

# refused NAME CODE TEXT PSQL-ARGS...: the error has that code and says that.
refused()
{
	local name=$1 code=$2 text=$3 out

	shift 3
	out=$(says "$@")
	el_ok "$name" grep -q "ERROR:  $code: .*$text" <<< "$(tr '\n' ' ' <<< "$out")" || sed 's/^/# /' <<< "$out"
}

# Receipts of all rows of all ledger tables but the large one: the verdicts, with their numbers.
verdicts()
{
	local query

	query=$(el_psql "$@" -c "SELECT string_agg(format('SELECT ledger_id FROM %s', c.oid::regclass), ' UNION ALL ')
		FROM pg_class c JOIN pg_am a ON a.oid = c.relam WHERE a.amname = 'ledger' AND c.relkind = 'r' AND c.relname <> 'wide'")
	el_psql "$@" -c "SELECT public.check_receipt(energyledger.receipt(ledger_id), '$vkey'), count(*) FROM ($query) r GROUP BY 1 ORDER BY 1"
}

el_psql -c "CREATE DATABASE shop"
export PGDATABASE=shop
el_psql -o /dev/null <<SQL
SET client_min_messages = warning;
CREATE EXTENSION pg_energyledger;
\\i $HERE/check_receipt.sql
CREATE TYPE state AS ENUM ('open', 'paid');
CREATE DOMAIN cents AS bigint CHECK (VALUE >= 0);
CREATE TABLE kinds (b boolean, i2 smallint, i4 int, i8 bigint, f4 real, f8 double precision, n numeric(20, 5), t text, v varchar(10), c char(5), nm name,
	by bytea, d date, tm time, tz timetz, ts timestamp, tt timestamptz, iv interval, u uuid, ip inet, ci cidr, j json, jb jsonb, e state, dm cents,
	r int4range, a int[], ta text[], ea state[]) USING ledger;
INSERT INTO kinds VALUES (true, -2, 4, -8, 1.5, 'NaN', 12345.67891, 'text', 'varchar', 'char', 'name', '\\xdeadbeef', '2030-01-02', '03:04:05', '03:04:05+02', '2030-01-02 03:04',
	'2030-01-02 03:04+00', '1 mon 2 days 3 s', '00000000-0000-0000-0000-000000000001', '10.0.0.1/8', '10.0.0.0/8', '{"a":  1}', '{"a": 1}', 'paid', 7, '[1,5)',
	'{{1,2},{3,4}}', '{a,NULL}', '{open,paid}');
INSERT INTO kinds DEFAULT VALUES;
INSERT INTO kinds (t, by) VALUES (repeat('long ', 100000), decode(repeat(md5('x'), 40000), 'hex'));
CREATE TABLE parent (k int, v text, ledger_id bigint NOT NULL DEFAULT 0) PARTITION BY LIST (k);
CREATE TABLE leaf_a PARTITION OF parent FOR VALUES IN (1) USING ledger;
CREATE TABLE leaf_b (v text, ledger_id bigint NOT NULL DEFAULT 0, k int) USING ledger;
ALTER TABLE parent ATTACH PARTITION leaf_b FOR VALUES IN (2);
INSERT INTO parent SELECT 1 + g % 2, 'row ' || g FROM generate_series(1, 100) g;
CREATE SCHEMA "Odd ""one";
CREATE TABLE "Odd ""one"."a table" ("a column" int) USING ledger;
INSERT INTO "Odd ""one"."a table" VALUES (1);
CREATE TABLE payment (id int, amount_micro bigint) USING ledger;
INSERT INTO payment SELECT g, g * 1000 FROM generate_series(1, 2000) g;
SQL
# Columns added between entries, and within one transaction; savepoints; rows of a single entry.
el_psql -o /dev/null <<'SQL'
ALTER TABLE payment ADD COLUMN note text;
INSERT INTO payment (id, amount_micro, note) VALUES (2001, 1, 'noted');
BEGIN;
INSERT INTO payment (id, amount_micro, note) VALUES (2002, 1, 'before');
ALTER TABLE payment ADD COLUMN more int;
INSERT INTO payment (id, amount_micro, note, more) VALUES (2003, 1, 'after', 5);
SAVEPOINT a;
INSERT INTO payment (id, amount_micro, note, more) VALUES (2004, 1, 'undone', 5);
ROLLBACK TO a;
INSERT INTO payment (id, amount_micro, note, more) VALUES (2005, 1, 'after the savepoint', 6);
COMMIT;
BEGIN;
INSERT INTO payment (id) VALUES (2101);
SAVEPOINT a;
INSERT INTO payment (id) VALUES (2102);
ROLLBACK TO a;
INSERT INTO payment (id) VALUES (2103);
COMMIT;
DO $$ BEGIN FOR i IN 3001..3300 LOOP INSERT INTO payment VALUES (i, i); COMMIT; END LOOP; END $$;
SELECT energyledger.register_meter('meter:1', decode(repeat('01', 32), 'hex'));
SELECT energyledger.seal();
INSERT INTO payment VALUES (4001, 1);
SQL
vkey=$(el_psql -c "SELECT energyledger.site_vkey()")

id_of()
{
	el_psql -c "SELECT ledger_id FROM payment WHERE id = $1"
}

refused "a row that is not sealed yet: 55000, and what to do" 55000 'is not sealed yet.*HINT:  Run SELECT energyledger.seal()' -c "SELECT energyledger.receipt($(id_of 4001))"
el_psql -c "SELECT energyledger.seal()" > /dev/null
# kinds, partitions, the odd one, payments, the meter and its key
all="ok|$((3 + 100 + 1 + 2000 + 4 + 2 + 300 + 1 + 2))"
el_is "every row of every table has a receipt that verifies" "$(verdicts)" "$all"
refused "a row of a rolled-back savepoint: P0002" P0002 'rolled back' -c "SELECT energyledger.receipt($(id_of 2101) + 1)"
refused "an id that nobody has: P0002" P0002 'no row with ledger_id' -c "SELECT energyledger.receipt($(id_of 4001) + 1)"
refused "a row of the asking transaction: P0002" P0002 'No committed entry' -c "BEGIN" -c "INSERT INTO payment VALUES (4002, 1)" \
	-c "SELECT energyledger.receipt((SELECT max(ledger_id) FROM payment))"
el_psql -c "CREATE DATABASE bare" && el_psql -d bare -o /dev/null -c "SET client_min_messages = warning" -c "CREATE EXTENSION pg_energyledger" \
	-c "CREATE TABLE payment (id int) USING ledger" -c "INSERT INTO payment VALUES (1)"
refused "where nothing is sealed: 55000" 55000 'nothing of the log is sealed yet' -d bare -c "SELECT energyledger.receipt(ledger_id) FROM payment"

# ---- what is in it

el_is "the row's bytes are those of the format" "$(el_psql -c "SELECT count(*) FILTER (WHERE decode(energyledger.receipt(ledger_id) ->> 'row', 'base64') <>
	'\\x01'::bytea || int8send(ledger_id) || '\\x0002000100000004' || int4send(id) || '\\x000200000008' || int8send(amount_micro)) FROM payment WHERE id <= 2000")" 0
schema_version()
{
	el_psql -c "SELECT s, ('x' || encode(substr(s, 7 + length('public.payment'), 4), 'hex'))::bit(32)::int
		FROM decode(energyledger.receipt($(id_of "$1")) ->> 'schema', 'base64') s" | cut -d'|' -f2
}
el_is "an old row's receipt has the columns of its time" "$(schema_version 7) $(schema_version 2002) $(schema_version 2005)" "1 2 3"
el_is "it has the index that log_index() has" "$(el_psql -c "SELECT substring(energyledger.receipt($(id_of 3100)) ->> 'proof' FROM 'index ([0-9]+)')")" \
	"$(el_psql -c "SELECT energyledger.log_index($(id_of 3100))")"
el_is "and its place among the entry's rows" "$(el_psql -c "SELECT r ->> 'row_index', r ->> 'row_count', jsonb_array_length(r -> 'row_path') FROM energyledger.receipt($(id_of 515)) r")" "2|512|9"
el_is "nothing else" "$(el_psql -c "SELECT string_agg(k, ' ' ORDER BY k) FROM jsonb_object_keys(energyledger.receipt($(id_of 1))) k")" \
	"entry format ledger_id proof relation row row_count row_index row_path schema"

# Any byte of it altered: no longer ok.
el_psql -c "CREATE TABLE altered AS SELECT energyledger.receipt($(id_of 700)) AS r, energyledger.receipt($(id_of 701)) AS other"
el_is "each field of another row's receipt makes it void" "$(el_psql -c "SELECT string_agg(k, ' ' ORDER BY k) FROM altered, jsonb_object_keys(r) k
	WHERE public.check_receipt(jsonb_set(r, ARRAY[k], other -> k), '$vkey') = 'ok' AND r -> k <> other -> k")" ""
el_is "a bit changed in any of its bytes makes it void" "$(el_psql -c "SELECT count(*) FROM altered, unnest(ARRAY['row', 'entry', 'schema']) k,
	LATERAL (SELECT decode(r ->> k, 'base64') AS b) d, generate_series(0, length(b) - 1) i
	WHERE public.check_receipt(jsonb_set(r, ARRAY[k], to_jsonb(replace(encode(set_byte(b, i, get_byte(b, i) # 1), 'base64'), E'\n', ''))), '$vkey') = 'ok'")" 0
el_is "another site's key makes it void" "$(el_psql -c "SELECT public.check_receipt(r, '$(el_psql -d bare -c "SELECT energyledger.site_vkey()")') FROM altered")" checkpoint

# ---- wherever the rows lie; and how much is read for it (in buffers of 8 kB)

el_psql -c "CREATE TABLE wide (id int, filler text) USING ledger" \
	-c "INSERT INTO wide SELECT g, repeat('f', 1000) FROM generate_series(1, 70000) g" -c "SELECT energyledger.seal()" > /dev/null
buffers()
{
	el_psql -c "SELECT energyledger.receipt($1)" > /dev/null	# what a session sets up once is not counted
	el_psql -c "SELECT energyledger.receipt($1)" -c "EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT energyledger.receipt($1)" |
		sed -n 's/^ *Buffers: shared//p' | tail -1 | sed 's/[a-z]*=/ /g' | awk '{ print $1 + $2 }'
}
few()
{
	local pages=$(buffers "$2")

	el_ok "$1: few pages are read" test "${pages:-99999}" -le "$3" || echo "# $pages pages"
}
wide=$(el_psql -c "SELECT ledger_id FROM wide WHERE id = 41234")
sampled=99
sample()
{
	el_is "$1" "$(el_psql -c "SELECT public.check_receipt(energyledger.receipt(ledger_id), '$vkey'), count(*) FROM wide WHERE id % 701 = 0 GROUP BY 1")" "ok|$sampled"
}
sample "rows where they were written"
few "rows where they were written" "$wide" 400
el_psql -c "INSERT INTO wide SELECT g, 'later' FROM generate_series(70001, 70400) g" -c "SELECT energyledger.seal()" -c "VACUUM FULL wide, payment, kinds, leaf_b" > /dev/null
sampled=100
sample "after VACUUM FULL"
few "after VACUUM FULL, without an index" "$wide" 600
el_is "after VACUUM FULL every receipt verifies" "$(verdicts)" "$all"
el_psql -c "CREATE INDEX wide_hash ON wide (md5(id::text))" -c "CLUSTER wide USING wide_hash"
el_is "after CLUSTER into no order at all" "$(el_psql -c "SELECT public.check_receipt(energyledger.receipt($wide), '$vkey')")" ok
el_psql -c "CREATE INDEX wide_partial ON wide (ledger_id) WHERE id < 10" -c "CREATE INDEX wide_second ON wide (id, ledger_id)"
el_is "an index that does not have all rows is not used" "$(el_psql -c "SELECT public.check_receipt(energyledger.receipt($wide), '$vkey')")" ok
el_psql -c "CREATE INDEX wide_ledger_id ON wide (ledger_id, id)"
few "after CLUSTER, with an index that begins with ledger_id" "$wide" 1200
sample "after CLUSTER, with that index"
el_psql -c "DROP INDEX wide_ledger_id" -c "CREATE INDEX wide_brin ON wide USING brin (ledger_id)"
el_is "a BRIN index is not taken for a btree" "$(el_psql -c "SELECT public.check_receipt(energyledger.receipt($wide), '$vkey')")" ok
# in order again: without an index, each of the copies' receipts would read all of it
el_psql -c "CREATE INDEX wide_ledger_id ON wide (ledger_id)" -c "CLUSTER wide USING wide_ledger_id" -c "DROP INDEX wide_ledger_id"

# ---- whatever the table is called by now

el_psql -o /dev/null <<'SQL'
CREATE TABLE named (n int) USING ledger;
INSERT INTO named SELECT g FROM generate_series(1, 600) g;
ALTER TABLE named RENAME TO renamed;
INSERT INTO renamed SELECT g FROM generate_series(601, 700) g;
CREATE TABLE named (t text) USING ledger;
INSERT INTO named VALUES ('another table of that name');
ALTER TABLE renamed ADD COLUMN later int;
INSERT INTO renamed (n, later) VALUES (701, 1);
CREATE TABLE converted (k int, v text);
INSERT INTO converted SELECT g, 'from before' FROM generate_series(1, 700) g;
SELECT energyledger.convert('converted');
INSERT INTO converted VALUES (701);
SELECT energyledger.seal();
SQL
named="SELECT ledger_id FROM named UNION ALL SELECT ledger_id FROM %s UNION ALL SELECT ledger_id FROM converted"
names()
{
	el_is "$1" "$(el_psql -c "SELECT public.check_receipt(energyledger.receipt(ledger_id), '$vkey'), count(*) FROM ($(printf "$named" "$2")) x GROUP BY 1")" "ok|1403"
}
names "renamed, its name another's, and converted" renamed
retired=$(el_psql -c "SELECT energyledger.retire('renamed', 'done')" -c "SELECT energyledger.seal()" | head -1)
names "retired" "$retired"
# A snapshot from before the table got its new name
first=$(el_psql -c "SELECT min(ledger_id) FROM converted")
el_is "renamed meanwhile" "$(el_psql 2>&1 <<SQL
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM energyledger.site;
\\! $EL_BIN/psql -X -qAt -c "ALTER TABLE converted RENAME TO converted_2" -c "CREATE TABLE converted (n int) USING ledger"
SELECT public.check_receipt(energyledger.receipt($first), '$vkey');
COMMIT;
SQL
)" "1
ok"
el_psql -c "SELECT energyledger.retire('named', 'done')" -c "SELECT energyledger.seal()" > /dev/null
all="ok|$((${all#ok|} + 1403))"

# ---- who may

el_psql -o /dev/null <<'SQL'
CREATE ROLE nobody_special LOGIN;
CREATE ROLE reader LOGIN;
CREATE ROLE bypassing LOGIN BYPASSRLS;
CREATE TABLE hidden (id int, owner text) USING ledger;
INSERT INTO hidden VALUES (1, 'reader'), (2, 'other');
SELECT energyledger.seal();
SQL
hidden=$(el_psql -c "SELECT min(ledger_id) FROM hidden")
leaf=$(el_psql -c "SELECT min(ledger_id) FROM leaf_a")
refused "a role without SELECT on the table: 42501" 42501 'permission denied for table hidden' -U reader -c "SELECT energyledger.receipt($hidden)"
el_psql -c "GRANT SELECT (id) ON hidden TO reader"
refused "with SELECT on some columns: 42501" 42501 'permission denied for table hidden' -U reader -c "SELECT energyledger.receipt($hidden)"
as()
{
	el_is "$1" "$(says -U "$2" -c "SELECT public.check_receipt(energyledger.receipt($3), '$vkey')")" ok
}
el_psql -c "GRANT SELECT (owner, ledger_id) ON hidden TO reader"
as "with SELECT on every column: a receipt" reader "$hidden"
el_psql -c "GRANT SELECT ON hidden TO reader, bypassing" -c "ALTER TABLE hidden ENABLE ROW LEVEL SECURITY" -c "CREATE POLICY own ON hidden USING (owner = current_user)"
refused "under row-level security: 42501, even for a row of theirs" 42501 'row-level security hides rows of table "hidden"' -U reader -c "SELECT energyledger.receipt($hidden)"
as "who bypasses row-level security: a receipt" bypassing "$hidden"
as "so does the owner" postgres "$hidden"
el_psql -c "GRANT SELECT ON parent TO reader"
as "who may read the partitioned table: a receipt of a partition's row" reader "$leaf"
el_psql -c "ALTER TABLE parent ENABLE ROW LEVEL SECURITY"
refused "not where the partitioned table hides rows" 42501 'row-level security' -U reader -c "SELECT energyledger.receipt($leaf)"
el_psql -c "ALTER TABLE parent DISABLE ROW LEVEL SECURITY"
el_is "proofs and tiles are for everybody" "$(says -U nobody_special -c "SELECT energyledger.verify_inclusion(substr(energyledger.tile(0, 0, 8), 161, 32), 5, 8,
	energyledger.inclusion_proof(5, 8), energyledger.root(8)), energyledger.verify_consistency(3, 8, energyledger.consistency_proof(3, 8), energyledger.root(3), energyledger.root(8)),
	energyledger.log_index($hidden) > 0, energyledger.checkpoint() IS NOT NULL")" "t|t|t|t"
refused "the export is not" 42501 'permission denied for table table_schema' -U nobody_special -c "SELECT count(*) FROM energyledger.export()"
el_psql -c "GRANT SELECT ON ALL TABLES IN SCHEMA energyledger TO bypassing" -c "GRANT USAGE ON SCHEMA \"Odd \"\"one\" TO bypassing" \
	-c "GRANT SELECT ON kinds, parent, payment, converted, converted_2, \"Odd \"\"one\".\"a table\" TO bypassing" \
	-c "DO \$\$ DECLARE t regclass; BEGIN FOR t IN SELECT oid FROM pg_class WHERE relname LIKE 'retired\_%' AND relkind = 'r' LOOP EXECUTE format('GRANT SELECT ON %s TO bypassing', t); END LOOP; END \$\$"
refused "nor for those who may not read a table of it" 42501 'permission denied for table wide' -U bypassing -c "SELECT count(*) FROM energyledger.export()"
el_psql -c "GRANT SELECT ON wide TO bypassing"
el_is "with SELECT on the log and on all tables: the export" "$(says -U bypassing -c "SELECT count(*) FROM energyledger.export() WHERE kind = 'R'")" "$((${all#ok|} + 70400 + 2))"

# ---- the export

exported()
{
	el_psql "$@" -c "SELECT md5(string_agg(md5(e::text), '')) FROM (SELECT kind, index, md5(data) FROM energyledger.export()) e"
}
want=$(exported)
# In parts, by a cursor whose subtransactions come and go.
el_is "read through a cursor, across savepoints, it is the same" "$(el_psql <<'SQL'
CREATE TEMP TABLE part (n serial, kind "char", index bigint, data bytea);
DO $$
DECLARE
	c CURSOR FOR SELECT * FROM energyledger.export();
	item record;
BEGIN
	OPEN c;
	LOOP
		BEGIN
			FETCH c INTO item;
			EXIT WHEN NOT FOUND;
			INSERT INTO part (kind, index, data) VALUES (item.kind, item.index, item.data);
			IF item.index % 50 = 0 THEN
				-- a subtransaction that fetched is rolled back, and its item kept
				BEGIN
					FETCH c INTO item;
					RAISE division_by_zero;
				EXCEPTION WHEN division_by_zero THEN
					INSERT INTO part (kind, index, data) SELECT item.kind, item.index, item.data WHERE item.kind IS NOT NULL;
				END;
			END IF;
		END;
	END LOOP;
END $$;
SELECT md5(string_agg(md5(e::text), '' ORDER BY n)) FROM (SELECT n, (SELECT x FROM (SELECT kind, index, md5(data)) x) AS e FROM part) p;
SQL
)" "$want"
el_is "one that is left in the middle leaves nothing behind" "$(el_psql -c "BEGIN" -c "DECLARE c CURSOR FOR SELECT * FROM energyledger.export()" -c "FETCH 7 FROM c" -c "CLOSE c" \
	-c "SELECT 1 FROM energyledger.export() LIMIT 1" -c "COMMIT" 2>&1 | grep -ciE 'leak|warning')" 0
# A backend's memory at its highest, in kB, after a statement.
peak_kb()
{
	el_psql -c "$1" -c "SELECT pg_read_file('/proc/self/status')" | sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p'
}
before=$(peak_kb "COPY (SELECT * FROM energyledger.export() LIMIT 3000) TO '/dev/null' (FORMAT binary)")
after=$(peak_kb "COPY (SELECT * FROM energyledger.export()) TO '/dev/null' (FORMAT binary)")
shared_kb=$(el_psql -c "SELECT setting::bigint * 8 FROM pg_settings WHERE name = 'shared_buffers'")
el_ok "the export of 70000 rows of 1 kB does not hold them" test "$after" -le "$((before + shared_kb + 16384))" || echo "# $before kB, then $after kB"
el_psql -c "SELECT pg_stat_force_next_flush()" > /dev/null
temp=$(el_psql -c "SELECT temp_bytes FROM pg_stat_database WHERE datname = 'shop'")
el_psql -c "COPY (SELECT * FROM energyledger.export()) TO '/dev/null' (FORMAT binary)" -c "SELECT pg_stat_force_next_flush()" > /dev/null
el_is "nor writes them to a temporary file" "$(el_psql -c "SELECT temp_bytes FROM pg_stat_database WHERE datname = 'shop'")" "$temp"

# ---- copies: restored, by template, on a standby

el_psql -c "ALTER SYSTEM SET energyledger.seal_interval = 0" > /dev/null
checkpoint=$(el_psql -c "SELECT energyledger.checkpoint()")
dump=$EL_TMP/shop.dump
"$EL_BIN/pg_dump" -d shop -Fc -f "$dump" || el_die "pg_dump failed"
PGDATABASE=postgres el_psql -c "CREATE DATABASE restored" -c "CREATE DATABASE templated TEMPLATE shop"
PGOPTIONS='-c energyledger.restore_mode=on' "$EL_BIN/pg_restore" -d restored --exit-on-error "$dump" || el_die "pg_restore failed"
all="ok|$((${all#ok|} + 2))"
for copy in restored templated; do
	el_psql -d $copy -c "SELECT energyledger.site_vkey()" > /dev/null
	# until it seals something itself, its newest checkpoint is the original's
	el_is "$copy: receipts up to the original's checkpoint verify" "$(verdicts -d $copy)" "$all"
	el_is "$copy: the export is the same" "$(exported -d $copy)" "$want"
	el_psql -d $copy -c "INSERT INTO payment VALUES (5001, 1)" -c "SELECT energyledger.seal()" > /dev/null
	original=$vkey
	vkey=$(el_psql -d $copy -c "SELECT energyledger.site_vkey()")
	el_is "$copy: sealed on, every receipt verifies under its own key" "$(verdicts -d $copy)" "ok|$((${all#ok|} + 1))"
	vkey=$original
	el_is "$copy: the log of the copies is the original's, grown" "$(el_psql -d $copy -c "SELECT energyledger.verify_consistency(a.size, b.size,
		energyledger.consistency_proof(a.size, b.size), a.root, b.root)
		FROM (SELECT split_part(note, E'\n', 2)::bigint AS size, decode(split_part(note, E'\n', 3), 'base64') AS root FROM (VALUES ('$checkpoint')) c (note)) a,
		LATERAL (SELECT split_part(n, E'\n', 2)::bigint AS size, decode(split_part(n, E'\n', 3), 'base64') AS root FROM energyledger.checkpoint() n) b")" t
done

EL_PGDATA=$EL_TMP/pg-standby
EL_PGLOG=$EL_TMP/log/pg-standby
mkdir "$EL_RUN/standby" "$EL_PGDATA"
[ "$(id -u)" = 0 ] && chown "$EL_SERVER_USER" "$EL_RUN/standby" "$EL_PGDATA"
chmod 700 "$EL_RUN/standby" "$EL_PGDATA"
el_as_server "$EL_BIN/pg_basebackup" -h "$main_host" -p "$main_port" -U postgres -D "$EL_PGDATA" -R -c fast || el_die "pg_basebackup failed"
PGHOST=$EL_RUN/standby
PGPORT=$(el_free_port)
{
	echo "unix_socket_directories = '$PGHOST'"
	echo "port = $PGPORT"
} >> "$EL_PGDATA/postgresql.conf"
EL_CLUSTERS+=("$EL_PGDATA")
el_cluster_start
el_is "on a standby every receipt verifies" "$(verdicts)" "$all"
el_is "and the export is the primary's" "$(exported)" "$want"
el_cluster_stop fast
PGHOST=$main_host PGPORT=$main_port EL_PGDATA=$EL_TMP/pg-main
el_done
