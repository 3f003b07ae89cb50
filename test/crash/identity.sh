#!/bin/bash
# identity.sh: one name, one log: keys that change, copies that are reopened, and
# nothing signed that another server may have signed otherwise.
#
# Keys are rotated beside writers, in several databases that share a key file, by
# rolled back, concurrent and crashing transactions; a handover is signed by both
# keys.  Where a database is restored, by dump, by recovery to a target, by
# pg_upgrade or by hand, the log goes on under a new name, and what was written and
# not sealed is sealed there once.  A log that has lost a block is not signed on.

. "$(dirname "$0")/../lib.sh"

el_begin identity
archive=$EL_TMP/archive
mkdir "$archive"
[ "$(id -u)" = 0 ] && chown "$EL_SERVER_USER" "$archive"
el_cluster main "fsync = off" "energyledger.seal_interval = 0" "max_worker_processes = 20" "max_prepared_transactions = 10" \
	"max_wal_senders = 5" "archive_mode = on" "archive_command = 'cp %p $archive/%f'"
main_host=$PGHOST main_port=$PGPORT main_data=$EL_PGDATA main_log=$EL_PGLOG
key_file=$EL_PGDATA/energyledger_site.key

sql()
{
	local db=$1 statement arguments=()

	shift
	for statement in "$@"; do
		arguments+=(-c "$statement")
	done
	el_psql -d "$db" "${arguments[@]}" 2>&1
}

seal()
{
	sql "$1" "SELECT energyledger.seal()"
}

intact()
{
	el_is "$2: no finding" "$(sql "$1" "SET client_min_messages = warning" "SELECT * FROM energyledger.verify()")" ""
}

# Everything that was written is a leaf of the log, once, and the leaves are numbered without a gap.
sealed_once()
{
	el_is "$2: every entry, schema and event is in the log once" "$(sql "$1" "WITH w AS (
		SELECT 1 AS kind, first_id AS ref FROM energyledger.entry UNION ALL SELECT 2, schema_id FROM energyledger.table_schema
		UNION ALL SELECT kind, event_id FROM energyledger.event), l AS (SELECT kind, ref FROM energyledger.leaf WHERE kind <> 3)
		SELECT (SELECT count(*) FROM (TABLE w EXCEPT ALL TABLE l) x), (SELECT count(*) FROM (TABLE l EXCEPT ALL TABLE w) x),
			(SELECT max(leaf_index) + 1 - count(*) FROM energyledger.leaf)")" "0|0|0"
}

keys_in_file()
{
	wc -l < "${1:-$key_file}"
}

# by DB HEIGHT: which keys' signatures the block's note has, as incarnation.key
signed_by()
{
	sql "$1" "SELECT string_agg(k.incarnation || '.' || k.key_number, ' ' ORDER BY k.incarnation, k.key_number)
		FROM energyledger.site_vkeys() k, energyledger.block b WHERE b.height = $2 AND energyledger.verify_note(b.note, k.vkey)"
}

signatures()
{
	sql "$1" "SELECT array_length(string_to_array(note, chr(8212) || ' '), 1) - 1 FROM energyledger.block WHERE height = $2"
}

current_vkey()
{
	sql "$1" "SELECT energyledger.site_vkey()"
}

make_ledger()
{
	sql postgres "CREATE DATABASE $1"
	sql "$1" "SET client_min_messages = warning" "CREATE EXTENSION pg_energyledger" \
		"CREATE TABLE t (n int PRIMARY KEY, note text) USING ledger" "INSERT INTO t VALUES (1, 'one')"
	seal "$1" > /dev/null
}

make_ledger a
make_ledger b

# ---- the log says how it began

el_is "creation is an event" "$(sql a "SELECT kind, field_names, field_values[1], field_values[2] = split_part(energyledger.site_vkey(), '+', 1), field_values[4:5] FROM energyledger.event")" \
	'6|{incarnation,origin,public_key,previous_origin,reason}|1|t|{"",created}'
el_is "with the key of the site" "$(sql a "SELECT energyledger.vkey(field_values[2], decode(field_values[3], 'base64')) = energyledger.site_vkey() FROM energyledger.event")" t

# ---- a rotation, and what signs what

old=$(current_vkey a)
new=$(sql a "SELECT energyledger.rotate_key()")
el_ok "rotate_key() returns a key that was not there" test "$new" != "$old" -a -n "$new"
el_is "which is the current one" "$(current_vkey a)" "$new"
el_is "the file has one key more" "$(keys_in_file)" 2
el_is "and is still its owner's alone" "$(stat -c %a "$key_file")" 600
el_ok "nothing is left beside it" test ! -e "$key_file.tmp"
el_is "the block with the event" "$(seal a)" 2
el_is "is signed by both keys" "$(signed_by a 2)" "1.1 1.2"
el_is "and by nobody else" "$(signatures a 2)" 2
el_is "the event names both" "$(sql a "SELECT e.kind, e.field_names, e.field_values[1:2], energyledger.vkey(s.origin, decode(field_values[3], 'base64')) = '$new',
	energyledger.vkey(s.origin, decode(field_values[4], 'base64')) = '$old' FROM energyledger.event e, energyledger.site s WHERE e.kind = 7 AND s.key_number = 1")" \
	"7|{incarnation,key_number,public_key,previous_public_key}|{1,2}|t|t"
el_is "it is a leaf of that block" "$(sql a "SELECT l.leaf_index BETWEEN b.first_index AND b.first_index + b.leaf_count - 1 FROM energyledger.leaf l, energyledger.block b WHERE l.kind = 7 AND b.height = 2")" t
sql a "INSERT INTO t VALUES (2, 'two')"
el_is "the next block" "$(seal a)" 3
el_is "is signed by the new key" "$(signed_by a 3)" 1.2
el_is "alone" "$(signatures a 3)" 1
el_is "the old block is still checked with the old key" "$(sql a "SELECT energyledger.verify_note(note, '$old') FROM energyledger.block WHERE height = 1")" t
el_is "site_vkeys() knows which key signed what" "$(sql a "SELECT incarnation, key_number, vkey, first_height, last_height FROM energyledger.site_vkeys()")" \
	"1|1|$old|1|1
1|2|$new|2|3"
intact a "after a rotation"

# Receipts are signed by the current key, also in a session that signed with the old one.
message=$(od -An -v -tx1 "$EL_ROOT/test/fuzz/corpus/envelope/household_1_1" | tr -d ' \n')
sql b "SELECT energyledger.register_meter('test:household', '\xb145a0d86e8954e35d80697136aa028eba87addba4be7b2e5abfa727fda063b6')" > /dev/null
el_is "a message comes" "$(sql b "SELECT verdict FROM energyledger.ingest(ARRAY['\x$message'::bytea])")" accepted
receipt="SELECT k.key_number FROM energyledger.meter_receipts('{test:household}') r JOIN energyledger.site_vkeys() k ON energyledger.verify_note(r.receipt, k.vkey);"
(
	echo "$receipt"
	until [ -e "$EL_TMP/rotated" ]; do sleep 0.1; done
	echo "$receipt"
) | "$EL_BIN/psql" -X -qAt -d b > "$EL_TMP/receipts" 2>&1 &
session=$!
el_ok "its receipt is signed by the old key" el_wait 10 grep -qx 1 "$EL_TMP/receipts"
sql b "SELECT energyledger.rotate_key(fresh => true)" > /dev/null
touch "$EL_TMP/rotated"
wait "$session"
el_is "then by the new one" "$(paste -sd' ' "$EL_TMP/receipts")" "1 2"
seal b > /dev/null
intact b "with a message"

# ---- rolled back, in one go, at once

sql a "BEGIN" "SELECT energyledger.rotate_key(fresh => true)" "ROLLBACK" > /dev/null
el_is "rolled back: the file keeps the key" "$(keys_in_file)" 4
el_is "and the log the one it had" "$(current_vkey a)" "$new"
el_is "a session that rolled back goes on with it" "$(sql a "BEGIN" "SELECT 1 FROM energyledger.rotate_key()" "SELECT energyledger.site_vkey() <> '$new'" "ROLLBACK" "SELECT energyledger.site_vkey() = '$new'" | paste -sd' ')" "1 t t"
el_is "a savepoint rolled back, too" "$(sql a "BEGIN" "SAVEPOINT s" "SELECT 1 FROM energyledger.rotate_key()" "ROLLBACK TO s" "SELECT energyledger.site_vkey() = '$new'" "COMMIT" "SELECT energyledger.site_vkey() = '$new'" | paste -sd' ')" "1 t t"
sql a "INSERT INTO t VALUES (3, 'three')"
el_is "and so does the sealer" "$(signed_by a "$(seal a)")" 1.2
next=$(sql a "SELECT energyledger.rotate_key()")
el_is "the next rotation takes the key that is there" "$(keys_in_file)" 4
el_is "twice in one transaction" "$(sql a "BEGIN" "SELECT energyledger.rotate_key() <> '$next'" "SELECT energyledger.rotate_key() = energyledger.site_vkey()" "COMMIT" | paste -sd' ')" "t t"
el_is "the block is signed by all of them" "$(signed_by a "$(seal a)")" "1.2 1.3 1.4 1.5"
intact a "after several at once"

before=$(keys_in_file)
jobs=()
for i in 1 2 3 4 5 6; do
	sql a "SELECT energyledger.rotate_key()" > "$EL_TMP/rotated.$i" &
	jobs+=($!)
	sql a "INSERT INTO t SELECT g, 'beside' FROM generate_series($i * 100, $i * 100 + 20) g" &
	jobs+=($!)
	seal a > /dev/null &
	jobs+=($!)
done
wait "${jobs[@]}"
el_is "six at a time: six keys" "$(sort -u "$EL_TMP"/rotated.[1-6] | wc -l)|$(($(keys_in_file) - before))" "6|6"
seal a > /dev/null
el_is "each with its number and event" "$(sql a "SELECT max(key_number), count(*) FROM energyledger.site")|$(sql a "SELECT count(*) FROM energyledger.event WHERE kind = 7")" "11|11|10"
intact a "beside writers and the sealer"
sealed_once a "beside writers and the sealer"

# Names change while blocks are made: each block is signed by what its own leaves say.
make_ledger c
touch "$EL_TMP/naming"
while [ -e "$EL_TMP/naming" ]; do
	seal c
done > /dev/null &
sealing=$!
for i in $(seq 300); do
	echo "SELECT 1 FROM energyledger.reopen('once more'); INSERT INTO t VALUES (1000 + $i, 'between');"
done | el_psql -d c > /dev/null
rm "$EL_TMP/naming"
wait "$sealing"
seal c > /dev/null
el_ok "names and blocks came to be side by side" test "$(sql c "SELECT count(DISTINCT incarnation) FROM energyledger.block")" -gt 5
intact c "300 names"
sealed_once c "300 names"

# ---- databases of one cluster share the file

lines=$(keys_in_file)
sql b "SELECT energyledger.rotate_key()" > /dev/null
el_is "another database takes the newest key that it has not used" "$(keys_in_file)" "$lines"
el_is "which is the first's" "$(sql b "SELECT public_key FROM energyledger.site ORDER BY key_number DESC LIMIT 1")" "$(sql a "SELECT public_key FROM energyledger.site ORDER BY key_number DESC LIMIT 1")"
el_is "under its own name" "$(signed_by b "$(seal b)")" "1.2 1.3"
sql b "SELECT energyledger.rotate_key(fresh => true)" > /dev/null
el_is "fresh makes one" "$(keys_in_file)" "$((lines + 1))"
sql a "SELECT energyledger.rotate_key(fresh => true)" > /dev/null
el_is "also where there is an unused one" "$(keys_in_file)" "$((lines + 2))"
seal a > /dev/null
seal b > /dev/null
intact b "the other database"

# ---- the server dies between file and commit

(
	echo "BEGIN; SELECT energyledger.rotate_key(); SELECT 'made';"
	until [ -e "$EL_TMP/died" ]; do sleep 0.1; done
) | "$EL_BIN/psql" -X -qAt -d a > "$EL_TMP/dying" 2> /dev/null &
dying=$!
el_ok "a rotation is under way" el_wait 10 grep -q made "$EL_TMP/dying"
lines=$(keys_in_file)
el_cluster_stop immediate
touch "$EL_TMP/died"
wait "$dying" 2> /dev/null
el_cluster_start
el_is "after the crash the file has the key" "$(keys_in_file)" "$lines"
el_is "the log does not" "$(sql a "SELECT max(key_number) FROM energyledger.site")" 12
sql a "INSERT INTO t VALUES (4, 'after the crash')"
el_is "and is signed as before" "$(signed_by a "$(seal a)")" 1.12
sql a "SELECT energyledger.rotate_key()" > /dev/null
el_is "the next rotation takes it" "$(keys_in_file)" "$lines"
seal a > /dev/null
intact a "after a crash"

# ---- secrets

el_is "no secret in the server's log" "$(cut -d' ' -f2 "$key_file" | grep -cFf - "$main_log")" 0
el_is "nor in the WAL" "$(cut -d' ' -f2 "$key_file" | cat "$EL_PGDATA"/pg_wal/0* "$archive"/0* | grep -caFf <(cut -d' ' -f2 "$key_file") -)" 0

# Lines can be taken away once nobody signs with them, and not before.
cp -p "$key_file" "$EL_TMP/all.key"
keep()
{
	grep -n '' "$EL_TMP/all.key" | grep -E "^($1):" | cut -d: -f2- > "$EL_TMP/some.key"
	cat "$EL_TMP/some.key" > "$key_file"
}
last=$(keys_in_file)
sql a "INSERT INTO t VALUES (5, 'five')"
keep "$last"
el_is "old lines gone: it seals on" "$(signed_by a "$(seal a)")" 1.13
el_cluster_stop fast
el_cluster_start
sql a "INSERT INTO t VALUES (6, 'six')"
el_is "also after a restart" "$(signed_by a "$(seal a)")" 1.13
height=$(sql a "SELECT max(height) FROM energyledger.block")
sql a "SELECT energyledger.rotate_key()" > /dev/null
cp -p "$key_file" "$EL_TMP/all.key"
keep 2
el_ok "the old line gone before the handover: nothing is signed" grep -q 'the signing key file does not hold the key of log' <(seal a)
el_ok "the server log says which key it wants" grep -q "has no line for the public key" "$main_log"
el_is "no block" "$(sql a "SELECT max(height) FROM energyledger.block")" "$height"
el_ok "nor another rotation" grep -q 'the signing key file does not hold the key that shall be replaced' <(keep 1; sql a "SELECT energyledger.rotate_key()")
el_ok "writers write on" sql a "INSERT INTO t VALUES (7, 'seven')"
cat "$EL_TMP/all.key" > "$key_file"
el_is "put back: both sign" "$(signed_by a "$(seal a)")" "1.13 1.14"
for bad in "nonsense" "$(head -c 69 "$EL_TMP/all.key")" "$(head -1 "$EL_TMP/all.key") "; do
	echo "$bad" > "$key_file"
	el_ok "a file with a bad line is refused" grep -q 'does not hold signing keys' <(sql a "SELECT energyledger.rotate_key()")
done
cat "$EL_TMP/all.key" > "$key_file"
chmod 644 "$key_file"
el_ok "one that others can read, too" grep -q 'is not a file that only its owner can read' <(sql a "SELECT energyledger.rotate_key()")
chmod 600 "$key_file"
for ((i = $(keys_in_file); i < 64; i++)); do
	echo "energyledger-ed25519-seed $(head -c 32 /dev/urandom | base64)"
done >> "$key_file"
sql a "SELECT energyledger.rotate_key()" > /dev/null
el_ok "a full one is not added to" grep -q 'already holds 64 keys' <(sql a "SELECT energyledger.rotate_key()")
el_is "both keys sign" "$(signed_by a "$(seal a)")" "1.14 1.15"
intact a "after all that"

# A file that the server can only read: the operator appends a line.
mkdir "$EL_TMP/vault"
cp "$EL_TMP/all.key" "$EL_TMP/vault/key"
tail -1 "$key_file" >> "$EL_TMP/vault/key"
chmod 400 "$EL_TMP/vault/key"
[ "$(id -u)" = 0 ] && chown "$EL_SERVER_USER" "$EL_TMP/vault/key"
chmod 555 "$EL_TMP/vault"
sql postgres "ALTER SYSTEM SET energyledger.signing_key_file = '$EL_TMP/vault/key'"
el_cluster_stop fast
el_cluster_start
sql a "INSERT INTO t VALUES (8, 'eight')"
el_is "a file elsewhere that is read only: it seals" "$(signed_by a "$(seal a)")" 1.15
if [ "$(id -u)" = 0 ]; then
	el_ok "rotate_key() cannot add to it, and says what to do" grep -q 'Append a line with a new key' <(sql a "SELECT energyledger.rotate_key()")
	el_is "and nothing has changed" "$(sql a "SELECT max(key_number) FROM energyledger.site")" 15
fi
chmod 755 "$EL_TMP/vault"
chmod 600 "$EL_TMP/vault/key"
echo "energyledger-ed25519-seed $(head -c 32 /dev/urandom | base64)" >> "$EL_TMP/vault/key"
chmod 400 "$EL_TMP/vault/key"
sql a "SELECT energyledger.rotate_key()" > /dev/null
el_is "the operator's line is taken" "$(signed_by a "$(seal a)")" "1.15 1.16"
intact a "with the operator's key"

# ---- reopened by hand: what was under way belongs to the log all the same

sql a "BEGIN" "INSERT INTO t VALUES (20, 'prepared')" "PREPARE TRANSACTION 'p'"
(
	echo "BEGIN; INSERT INTO t VALUES (21, 'open'); SELECT 'written';"
	until [ -e "$EL_TMP/go" ]; do sleep 0.1; done
	echo "INSERT INTO t VALUES (22, 'open, later'); COMMIT; SELECT 'committed';"
) | "$EL_BIN/psql" -X -qAt -d a > "$EL_TMP/open" 2>&1 &
open=$!
el_ok "a transaction is open" el_wait 10 grep -q written "$EL_TMP/open"
sql a "INSERT INTO t VALUES (23, 'not sealed')"
origin=$(sql a "SELECT split_part(energyledger.site_vkey(), '+', 1)")
el_is "reopen() rolled back changes nothing" "$(sql a "BEGIN" "SELECT 1 FROM energyledger.reopen('no')" "ROLLBACK" "SELECT split_part(energyledger.site_vkey(), '+', 1) = '$origin'" | paste -sd' ')" "1 t"
reopened=$(sql a "SELECT energyledger.reopen('the test wants it')")
el_ok "another name" grep -qE "^$origin/2-[0-9a-f]{8}\+" <<< "$reopened"
el_ok "the next block" test "$(seal a)" -gt 0
el_is "is signed under it" "$(signed_by a "$(sql a "SELECT max(height) FROM energyledger.block")")" 2.1
touch "$EL_TMP/go"
wait "$open"
el_ok "the open transaction commits" grep -q committed "$EL_TMP/open"
sql a "INSERT INTO t VALUES (24, 'in the second')"
seal a > /dev/null
sql a "COMMIT PREPARED 'p'"
intact a "before the prepared one is sealed"
seal a > /dev/null
intact a "reopened"
sealed_once a "reopened"
el_is "the event says why" "$(sql a "SELECT field_values[1], field_values[4:5] FROM energyledger.event WHERE kind = 6 ORDER BY event_id DESC LIMIT 1")" "2|{$origin,\"the test wants it\"}"
el_ok "a reason is wanted" grep -q 'the reason must have 1 to 1000 bytes' <(sql a "SELECT energyledger.reopen('')")
el_ok "and not a novel" grep -q 'the reason must have 1 to 1000 bytes' <(sql a "SELECT energyledger.reopen(repeat('x', 1001))")
el_ok "read-only transactions rotate nothing" grep -q 'cannot execute energyledger.rotate_key() in a read-only transaction' \
	<(sql a "BEGIN READ ONLY" "SELECT energyledger.rotate_key()")
sql a "SELECT energyledger.rotate_key(true)" > /dev/null 2>&1 || sql a "SELECT energyledger.reopen('again')" > /dev/null
seal a > /dev/null
intact a "and once more"

# ---- a block is lost

edit()
{
	sql a "SET session_replication_role = replica" "UPDATE pg_class SET relam = (SELECT oid FROM pg_am WHERE amname = 'heap') WHERE oid = 'energyledger.$1'::regclass" \
		"$2" "UPDATE pg_class SET relam = (SELECT oid FROM pg_am WHERE amname = 'ledger_log') WHERE oid = 'energyledger.$1'::regclass"
}

# lost NAME TABLE SQL MESSAGE: nothing is signed; verify() finds it; put back, sealing goes on
lost()
{
	local height leaves

	sql a "INSERT INTO t VALUES ((SELECT max(n) + 1 FROM t), 'lost')"
	edit "$2" "CREATE TABLE aside AS TABLE energyledger.$2; $3"
	height=$(sql a "SELECT max(height) FROM energyledger.block")
	leaves=$(sql a "SELECT count(*) FROM energyledger.leaf_run")
	el_ok "$1: nothing more is signed" grep -q "$4" <(seal a)
	el_is "$1: no block and no leaf" "$(sql a "SELECT (SELECT max(height) FROM energyledger.block), (SELECT count(*) FROM energyledger.leaf_run)")" "$height|$leaves"
	el_ok "$1: verify() finds it" test -n "$(sql a "SET client_min_messages = warning" "SELECT kind FROM energyledger.verify()")"
	edit "$2" "DELETE FROM energyledger.$2; INSERT INTO energyledger.$2 TABLE aside; DROP TABLE aside"
	el_ok "$1: put back, it seals on" test "$(seal a)" -gt "${height:-0}"
}
newest="WHERE height = (SELECT max(height) FROM energyledger.block)"
lost "the newest block" block "DELETE FROM energyledger.block $newest" "does not end with its newest block: nothing more is signed"
lost "the two newest blocks" block "DELETE FROM energyledger.block WHERE height >= (SELECT max(height) - 1 FROM energyledger.block)" "does not end with its newest block: nothing more is signed"
lost "all blocks" block "DELETE FROM energyledger.block" "does not end with its newest block: nothing more is signed"
lost "the newest checkpoint" block "UPDATE energyledger.block SET note = '' $newest" "does not verify: nothing more is signed"
lost "its root" block "UPDATE energyledger.block SET note = overlay(note PLACING 'AAAA' FROM position(E'\n\n' IN note) - 10) $newest" "does not verify: nothing more is signed"
lost "its frontier" block "UPDATE energyledger.block SET frontier = '' $newest" "does not verify: nothing more is signed"
lost "the newest leaves" leaf_run "DELETE FROM energyledger.leaf_run WHERE first_index = (SELECT max(first_index) FROM energyledger.leaf_run)" "does not end with its newest block: nothing more is signed"
lost "the key of the newest block" site "DELETE FROM energyledger.site WHERE key_number = 1 AND incarnation = (SELECT max(incarnation) FROM energyledger.site)" "has no key"
intact a "everything put back"
sealed_once a "everything put back"

# What verify() says of keys that the log does not name.
edit site "CREATE TABLE aside AS TABLE energyledger.site; INSERT INTO energyledger.site SELECT site_id, incarnation, key_number + 1, origin, sha256(''), system_identifier, database_oid, xid_space, timeline, now() FROM energyledger.site ORDER BY incarnation DESC, key_number DESC LIMIT 1"
el_is "a key that no event names is found" "$(sql a "SET client_min_messages = warning" "SELECT relation, kind FROM energyledger.verify()")" "energyledger.site|site_event"
edit site "DELETE FROM energyledger.site; INSERT INTO energyledger.site TABLE aside; DROP TABLE aside"
edit block "CREATE TABLE aside AS TABLE energyledger.block; UPDATE energyledger.block SET note = regexp_replace(note, E'[^\n]*\n\$', '') WHERE height = 2"
el_is "a handover that the old key did not sign is found" "$(sql a "SET client_min_messages = warning" "SELECT relation, ledger_id, kind FROM energyledger.verify()")" "energyledger.block|2|key_handover"
edit block "DELETE FROM energyledger.block; INSERT INTO energyledger.block TABLE aside; DROP TABLE aside"
edit block "CREATE TABLE aside AS TABLE energyledger.block; UPDATE energyledger.block SET key_number = 2, note = (SELECT note FROM energyledger.block WHERE height = 2) WHERE height = 1"
el_ok "a key that signs before it is named is found" grep -qx "energyledger.block|1|key_event" <(sql a "SET client_min_messages = warning" "SELECT relation, ledger_id, kind FROM energyledger.verify()")
edit block "DELETE FROM energyledger.block; INSERT INTO energyledger.block TABLE aside; DROP TABLE aside"
intact a "all put back"

# ---- the same dump restored twice, into databases with the same numbers

el_ok "pg_dump" "$EL_BIN/pg_dump" -d a -Fc -f "$EL_TMP/a.dump"
for i in 1 2; do
	sql postgres "CREATE DATABASE twin OID 70000"
	PGOPTIONS='-c energyledger.restore_mode=on' "$EL_BIN/pg_restore" -d twin --exit-on-error "$EL_TMP/a.dump"
	current_vkey twin > "$EL_TMP/twin.$i"
	seal twin > /dev/null
	intact twin "restored dump $i"
	sealed_once twin "restored dump $i"
	el_is "restored dump $i: its event says so" "$(sql twin "SELECT field_values[5] FROM energyledger.event WHERE kind = 6 ORDER BY event_id DESC LIMIT 1")" "dump restored"
	el_is "restored dump $i: its transaction ids are its own" "$(sql twin "SELECT xid_space = incarnation FROM energyledger.site ORDER BY incarnation DESC LIMIT 1")" t
	sql postgres "DROP DATABASE twin"
done
el_ok "their names differ" test "$(cat "$EL_TMP/twin.1")" != "$(cat "$EL_TMP/twin.2")" -a -s "$EL_TMP/twin.1"

# ---- a copy that cannot be opened yet

chmod 644 "$EL_TMP/vault/key"
errors=$(grep -c 'is not a file that only its owner can read' "$main_log")
sql postgres "CREATE DATABASE shut TEMPLATE b"
el_ok "a copy whose key cannot be read is not open: no seal" grep -q 'sealing failed' <(seal shut)
el_ok "no write" grep -q 'is not open yet' <(sql shut "INSERT INTO t VALUES (2, 'two')")
el_ok "the sealer waits, and does not fill the log" test $(($(grep -c 'is not a file that only its owner can read' "$main_log") - errors)) -le 4
chmod 400 "$EL_TMP/vault/key"
el_ok "once it can be read, it is" sql shut "INSERT INTO t VALUES (2, 'two')"
seal shut > /dev/null
el_is "its log says what it is" "$(sql shut "SELECT field_values[5] FROM energyledger.event WHERE kind = 6 ORDER BY event_id DESC LIMIT 1")" "database copied"
intact shut "opened late"
sealed_once shut "opened late"
sql postgres "DROP DATABASE shut"

# ---- recovery to a target

# copy NAME: a base backup of the main server, as a server of its own
copy()
{
	EL_PGDATA=$EL_TMP/pg-$1
	EL_PGLOG=$EL_TMP/log/pg-$1
	mkdir "$EL_PGDATA" "$EL_RUN/$1"
	[ "$(id -u)" = 0 ] && chown "$EL_SERVER_USER" "$EL_RUN/$1" "$EL_PGDATA"
	chmod 700 "$EL_RUN/$1" "$EL_PGDATA"
	el_as_server "$EL_BIN/pg_basebackup" -h "$main_host" -p "$main_port" -U postgres -D "$EL_PGDATA" -c fast --no-sync "${@:2}" || el_die "pg_basebackup failed"
	PGHOST=$EL_RUN/$1
	PGPORT=$(el_free_port)
	{
		echo "unix_socket_directories = '$PGHOST'"
		echo "port = $PGPORT"
		echo "archive_command = '/bin/true'"
		echo "restore_command = 'cp $archive/%f %p'"
	} >> "$EL_PGDATA/postgresql.conf"
	EL_CLUSTERS+=("$EL_PGDATA")
}

main()
{
	PGHOST=$main_host PGPORT=$main_port "$@"
}

signal()
{
	touch "$EL_PGDATA/$1"
	[ "$(id -u)" = 0 ] && chown "$EL_SERVER_USER" "$EL_PGDATA/$1"
}

primary()
{
	[ "$(sql postgres "SELECT pg_is_in_recovery()")" = f ]
}

incarnation()
{
	sql "$1" "SELECT max(incarnation) FROM energyledger.site"
}

opened()
{
	[ "$(incarnation "$1")" = "$2" ]
}

copy restored
restored=("$PGHOST" "$PGPORT" "$EL_PGDATA" "$EL_PGLOG")
copy late
late=("$PGHOST" "$PGPORT" "$EL_PGDATA" "$EL_PGLOG")
copy backup
backup=("$PGHOST" "$PGPORT" "$EL_PGDATA" "$EL_PGLOG")
copy standby -R
standby=("$PGHOST" "$PGPORT" "$EL_PGDATA" "$EL_PGLOG")
PGHOST=$main_host PGPORT=$main_port EL_PGDATA=$main_data EL_PGLOG=$main_log
sql a "INSERT INTO t VALUES (1001, 'sealed before the target')"
seal a > /dev/null
n=$(incarnation a)
sql a "BEGIN" "INSERT INTO t VALUES (1002, 'prepared before the target')" "PREPARE TRANSACTION 'p'"
sql a "INSERT INTO t VALUES (1003, 'not sealed before the target')"
sql b "INSERT INTO t VALUES (1003, 'not sealed before the target')"
sql postgres "SELECT pg_create_restore_point('here')" > /dev/null
sql a "INSERT INTO t VALUES (1004, 'after the target')"
seal a > /dev/null
beyond=$(sql a "SELECT energyledger.checkpoint()")
sql a "ROLLBACK PREPARED 'p'"
sql postgres "SELECT pg_switch_wal()" > /dev/null
archived()
{
	[ "$(sql postgres "SELECT last_archived_wal >= '$1' FROM pg_stat_archiver")" = t ]
}
el_ok "the WAL is archived" el_wait 20 archived "$(sql postgres "SELECT pg_walfile_name(pg_current_wal_lsn() - 1)")"

at()
{
	PGHOST=$1 PGPORT=$2 EL_PGDATA=$3 EL_PGLOG=$4
}

# recovered NAME: to the target; the log goes on as the next incarnation, with all that was not sealed
recovered()
{
	el_ok "$1: up" el_wait 20 primary
	el_ok "$1: reopened" el_wait 20 opened a $((n + 1))
	el_ok "$1: the other database, too" el_wait 20 opened b 2
	el_is "$1: nothing after the target" "$(sql a "SELECT array_agg(n ORDER BY n) FROM t WHERE n > 1000")" "{1001,1003}"
	el_is "$1: the log says so" "$(sql a "SELECT field_values[5] FROM energyledger.event WHERE kind = 6 ORDER BY event_id DESC LIMIT 1")" "recovered to a target"
	sql a "INSERT INTO t VALUES (1005, 'after recovery')"
	seal a > /dev/null
	seal b > /dev/null
	sql a "COMMIT PREPARED 'p'"
	intact a "$1"
	seal a > /dev/null
	intact a "$1, all sealed"
	intact b "$1, the other database"
	sealed_once a "$1"
	sealed_once b "$1"
	el_is "$1: the log has another name than the original's" "$(sql a "SELECT energyledger.verify_note('$beyond', energyledger.site_vkey()), split_part(energyledger.checkpoint(), E'\n', 1) = split_part('$beyond', E'\n', 1)")" "f|f"
	el_cluster_stop fast
	el_cluster_start
	sql a "INSERT INTO t VALUES (1006, 'after a restart')"
	seal a > /dev/null
	el_is "$1: once is enough" "$(incarnation a)" $((n + 1))
	intact a "$1, restarted"
}

at "${restored[@]}"
{
	echo "recovery_target_name = 'here'"
	echo "recovery_target_action = 'promote'"
} >> "$EL_PGDATA/postgresql.conf"
signal recovery.signal
el_cluster_start
recovered "recovered to a target"
first=$(current_vkey a)
el_cluster_stop fast

# The same where recovery ended before the library was there: the timeline's history tells.
at "${late[@]}"
{
	echo "recovery_target_name = 'here'"
	echo "recovery_target_action = 'promote'"
	echo "shared_preload_libraries = ''"
} >> "$EL_PGDATA/postgresql.conf"
sed -i '/^energyledger/d' "$EL_PGDATA/postgresql.conf" "$EL_PGDATA/postgresql.auto.conf"
signal recovery.signal
el_cluster_start
el_ok "recovered without the library" el_wait 20 primary
el_cluster_stop fast
{
	echo "shared_preload_libraries = 'pg_energyledger'"
	echo "energyledger.seal_interval = 0"
	echo "energyledger.signing_key_file = '$EL_TMP/vault/key'"
} >> "$EL_PGDATA/postgresql.conf"
el_cluster_start
recovered "recovered earlier"
el_ok "two servers recovered from one backup have two names" test "$first" != "$(current_vkey a)"
el_cluster_stop fast

# A backup restored as far as the archive goes: what was signed after is not known here.
at "${backup[@]}"
signal recovery.signal
el_cluster_start
el_ok "a backup restored: up" el_wait 20 primary
el_ok "a backup restored: reopened" el_wait 20 opened a $((n + 1))
el_is "a backup restored: the log says so" "$(sql a "SELECT field_values[5] FROM energyledger.event WHERE kind = 6 ORDER BY event_id DESC LIMIT 1")" "backup restored"
seal a > /dev/null
intact a "a backup restored"
sealed_once a "a backup restored"
el_cluster_stop fast

# ---- a standby: the same log, but it has the keys of its base backup only

at "${standby[@]}"
el_cluster_start
main sql a "INSERT INTO t VALUES (1010, 'to the standby')"
main seal a > /dev/null
chmod 600 "$EL_TMP/vault/key"
tail -1 "$EL_TMP/vault/key" > "$EL_TMP/some.key"
cp -p "$EL_TMP/vault/key" "$EL_TMP/old.key"
echo "energyledger-ed25519-seed $(head -c 32 /dev/urandom | base64)" >> "$EL_TMP/vault/key"
main sql a "SELECT energyledger.rotate_key()" > /dev/null
main seal a > /dev/null
lsn=$(main sql postgres "SELECT pg_current_wal_flush_lsn()")
replayed()
{
	[ "$(sql postgres "SELECT pg_last_wal_replay_lsn() >= '$lsn'")" = t ]
}
el_ok "the standby follows" el_wait 20 replayed
intact a "on the standby"
el_is "its keys are the primary's" "$(sql a "SELECT * FROM energyledger.site_vkeys()")" "$(main sql a "SELECT * FROM energyledger.site_vkeys()")"
for call in "rotate_key()" "reopen('no')"; do
	el_ok "no $call on a standby" grep -q "in a read-only transaction" <(sql a "SELECT energyledger.$call")
done
# the promoted one has a file of its own, without the newest key
cp -p "$EL_TMP/old.key" "$EL_PGDATA/energyledger_site.key"
[ "$(id -u)" = 0 ] && chown "$EL_SERVER_USER" "$EL_PGDATA/energyledger_site.key"
chmod 600 "$EL_PGDATA/energyledger_site.key"
sed -i '/^energyledger.signing_key_file/d' "$EL_PGDATA/postgresql.auto.conf"
el_cluster_stop fast
el_cluster_start
height=$(sql a "SELECT max(height) FROM energyledger.block")
name=$(current_vkey a)
EL_PGDATA=$main_data el_as_server "$EL_BIN/pg_ctl" -D "$main_data" -m immediate -w -s stop
el_as_server "$EL_BIN/pg_ctl" -D "$EL_PGDATA" -w -s promote
sql a "INSERT INTO t VALUES (1011, 'after the promotion')"
el_ok "promoted without the newest key: nothing is signed" grep -q 'the signing key file does not hold the key of log' <(seal a)
el_is "no block" "$(sql a "SELECT max(height) FROM energyledger.block")" "$height"
el_ok "the server log says what to do" grep -q "copy the file from the server where the key was made" "$EL_PGLOG"
cat "$EL_TMP/vault/key" > "$EL_PGDATA/energyledger_site.key"
el_ok "with the primary's file it seals on" test "$(seal a)" -gt "$height"
el_is "under the same key" "$(current_vkey a)" "$name"
el_is "in the same incarnation" "$(incarnation a)" "$n"
intact a "promoted"
sealed_once a "promoted"
el_cluster_stop fast
el_cluster_start
sql a "INSERT INTO t VALUES (1012, 'after a restart')"
seal a > /dev/null
el_is "and stays so after a restart" "$(incarnation a)" "$n"

# ---- roles and grants come along to another cluster

sql a "GRANT SELECT ON t TO energyledger_auditor" "CREATE ROLE some_bridge LOGIN IN ROLE energyledger_writer"
el_ok "a dump with grants to our roles" "$EL_BIN/pg_dump" -d a -Fc -f "$EL_TMP/granted.dump"
el_ok "pg_dumpall" "$EL_BIN/pg_dumpall" -f "$EL_TMP/all.sql"
el_cluster_stop fast
el_cluster fresh "fsync = off" "energyledger.seal_interval = 0" "max_worker_processes = 20"
sql postgres "CREATE DATABASE one"
el_ok "the dump restored where the roles are not" env PGOPTIONS='-c energyledger.restore_mode=on' \
	"$EL_BIN/pg_restore" -d one --exit-on-error "$EL_TMP/granted.dump"
granted="SELECT has_table_privilege('energyledger_auditor', 't', 'SELECT'), has_function_privilege('energyledger_writer', 'energyledger.ingest(bytea[],text[])', 'EXECUTE'), has_function_privilege('energyledger_reader', 'energyledger.ingest(bytea[],text[])', 'EXECUTE')"
el_is "they are made, with their rights" "$(sql one "$granted")" "t|t|f"
seal one > /dev/null
intact one "in another cluster"
sealed_once one "in another cluster"
sql postgres "DROP DATABASE one"
el_is "they outlive the database" "$(sql postgres "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'energyledger%'")" 7
for role in reader writer operator trader billing registrar auditor; do
	sql postgres "DROP ROLE energyledger_$role"
done
env PGOPTIONS='-c energyledger.restore_mode=on' "$EL_BIN/psql" -X -q -d postgres -f "$EL_TMP/all.sql" > "$EL_TMP/log/dumpall" 2>&1
el_is "pg_dumpall restored: no error but that the superuser is there" "$(grep -a 'ERROR:' "$EL_TMP/log/dumpall" | sed 's/.*ERROR: *//')" 'role "postgres" already exists'
el_is "members are members" "$(sql a "SELECT pg_has_role('some_bridge', 'energyledger_writer', 'MEMBER')")" t
el_is "and rights are rights" "$(sql a "$granted")" "t|t|f"
seal a > /dev/null
intact a "pg_dumpall restored"

# ---- a cluster upgraded: transaction ids go on, the name does not

sql a "INSERT INTO t VALUES (2001, 'sealed before the upgrade')"
seal a > /dev/null
n=$(incarnation a)
sql a "INSERT INTO t VALUES (2002, 'not sealed before the upgrade')"
el_cluster_stop fast
old_data=$EL_PGDATA
el_cluster upgraded "fsync = off" "energyledger.seal_interval = 0" "max_worker_processes = 20"
el_cluster_stop fast
el_ok "pg_upgrade" bash -c "cd '$EL_RUN' && mkdir upgrade && chmod 777 upgrade && cd upgrade && \
	$( [ "$(id -u)" = 0 ] && echo "runuser -u '$EL_SERVER_USER' --" ) '$EL_BIN/pg_upgrade' -b '$EL_BIN' -B '$EL_BIN' -d '$old_data' -D '$EL_PGDATA' -U postgres -s '$EL_RUN/upgrade' > '$EL_TMP/log/upgrade' 2>&1" || tail -30 "$EL_TMP/log/upgrade"
el_cluster_start
current_vkey a > /dev/null
el_ok "upgraded: reopened once it is needed" opened a $((n + 1))
el_is "upgraded: the log says so" "$(sql a "SELECT field_values[5] FROM energyledger.event WHERE kind = 6 ORDER BY event_id DESC LIMIT 1")" "cluster upgraded"
sql a "INSERT INTO t VALUES (2003, 'after the upgrade')"
seal a > /dev/null
intact a "upgraded"
sealed_once a "upgraded"
el_is "upgraded: its transaction ids are the old ones" "$(sql a "SELECT xid_space < incarnation FROM energyledger.site ORDER BY incarnation DESC LIMIT 1")" t
el_done
