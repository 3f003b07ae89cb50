#!/bin/bash
# damage.sh: a log whose rows were edited gives no false receipt and ends no session.
#
# Each edit is made as a superuser makes it who knows the catalog, and asked about in
# the same transaction, which is then rolled back: so every case begins with a log
# that is whole.

. "$(dirname "$0")/../lib.sh"

el_begin damage
el_cluster main "fsync = off" "autovacuum = off" "energyledger.seal_interval = 0"
el_psql -o /dev/null <<SQL
SET client_min_messages = warning;
CREATE EXTENSION pg_energyledger;
\\i $EL_ROOT/test/proof/check_receipt.sql
CREATE TABLE t (n int, note text) USING ledger;
CREATE TABLE other (n int) USING ledger;
INSERT INTO t SELECT g, 'note ' || g FROM generate_series(1, 100) g;
SELECT energyledger.seal();
DO \$\$ BEGIN FOR i IN 101..400 LOOP INSERT INTO t VALUES (i, 'note'); COMMIT; END LOOP; END \$\$;
SELECT energyledger.seal();
INSERT INTO other VALUES (1);
SELECT energyledger.seal();
INSERT INTO t VALUES (401, 'the last');
SELECT energyledger.seal();
SQL
id=$(el_psql -c "SELECT ledger_id FROM t WHERE n = 50")
single=$(el_psql -c "SELECT ledger_id FROM t WHERE n = 200")
at=$(el_psql -c "SELECT energyledger.log_index($single)")
size=$(el_psql -c "SELECT count(*) FROM energyledger.leaf")
vkey=$(el_psql -c "SELECT energyledger.site_vkey()")

# edited RELATION SQL QUERY: what QUERY says in a transaction that made the edit.
edited()
{
	local am=ledger

	case $1 in energyledger.*) am=ledger_log ;; esac
	"$EL_BIN/psql" -X -qAt -v VERBOSITY=verbose 2>&1 <<-SQL
		BEGIN;
		SET LOCAL session_replication_role = replica;
		UPDATE pg_class SET relam = (SELECT oid FROM pg_am WHERE amname = 'heap') WHERE oid = '$1'::regclass;
		$2;
		UPDATE pg_class SET relam = (SELECT oid FROM pg_am WHERE amname = '$am') WHERE oid = '$1'::regclass;
		$3;
		ROLLBACK;
	SQL
}

# damaged NAME RELATION SQL QUERY: QUERY is data_corrupted, and nothing but that, and says what to do.
damaged()
{
	local out

	out=$(edited "$2" "$3" "$4")
	el_ok "$1" test "$(grep -c 'ERROR:' <<< "$out")" = 1 -a "$(grep -c 'ERROR:  XX001: .' <<< "$out")" = 1 \
		-a "$(grep -c 'HINT:  Run SELECT \* FROM energyledger.verify()' <<< "$out")" = 1 || sed 's/^/# /' <<< "$out"
}

# harmless NAME RELATION SQL: what is only a hint may be anything.
harmless()
{
	el_is "$1" "$(edited "$2" "$3" "SELECT public.check_receipt(energyledger.receipt($id), '$vkey'), public.check_receipt(energyledger.receipt($single), '$vkey')")" "ok|ok"
}

receipt="SELECT energyledger.receipt($single)"
many="SELECT energyledger.receipt($id)"
proof="SELECT energyledger.inclusion_proof($at, $size)"
export="SELECT count(*) FROM energyledger.export()"
run="site_id = 1 AND first_index = (SELECT max(first_index) FROM energyledger.leaf_run WHERE first_index <= $at)"
harmless "nothing edited" energyledger.entry "SELECT 1 WHERE false"

# ---- the tree

for query in "$receipt" "$proof" "SELECT energyledger.tile(0, 0)" "$export"; do
	what=${query#*energyledger.}
	what=${what%%(*}
	damaged "$what: leaf hashes cut short" energyledger.leaf_run "UPDATE energyledger.leaf_run SET hashes = substr(hashes, 1, 33) WHERE $run" "$query"
	damaged "$what: no leaf hashes" energyledger.leaf_run "UPDATE energyledger.leaf_run SET hashes = '' WHERE $run" "$query"
	damaged "$what: a kind too many" energyledger.leaf_run "UPDATE energyledger.leaf_run SET kinds = kinds || '\\x01' WHERE $run" "$query"
	damaged "$what: 100000 kinds" energyledger.leaf_run "UPDATE energyledger.leaf_run SET kinds = decode(repeat('01', 100000), 'hex') WHERE $run" "$query"
	damaged "$what: no kinds" energyledger.leaf_run "UPDATE energyledger.leaf_run SET kinds = '' WHERE $run" "$query"
	damaged "$what: a reference missing" energyledger.leaf_run "UPDATE energyledger.leaf_run SET refs = refs[2:] WHERE $run" "$query"
	damaged "$what: no reference" energyledger.leaf_run "UPDATE energyledger.leaf_run SET refs = '{}' WHERE $run" "$query"
	damaged "$what: a NULL reference" energyledger.leaf_run "UPDATE energyledger.leaf_run SET refs[1] = NULL WHERE $run" "$query"
	damaged "$what: references in two dimensions" energyledger.leaf_run "UPDATE energyledger.leaf_run SET refs = ARRAY[refs] WHERE $run" "$query"
	damaged "$what: hashes that are NULL" energyledger.leaf_run "ALTER TABLE energyledger.leaf_run ALTER hashes DROP NOT NULL; UPDATE energyledger.leaf_run SET hashes = NULL WHERE $run" "$query"
	damaged "$what: a row of leaves removed" energyledger.leaf_run "DELETE FROM energyledger.leaf_run WHERE $run" "$query"
	damaged "$what: a row of leaves moved" energyledger.leaf_run "UPDATE energyledger.leaf_run SET first_index = first_index + 1 WHERE $run" "$query"
done
for query in "SELECT energyledger.inclusion_proof($size - 2, $size - 1)" "SELECT energyledger.tile(1, 0, 1)" "SELECT energyledger.root($size - 1)"; do
	what=${query#*energyledger.}
	what=${what%%(*}
	damaged "$what: a subtree's root removed" energyledger.subtree "DELETE FROM energyledger.subtree" "$query"
	damaged "$what: a subtree's root cut short" energyledger.subtree "UPDATE energyledger.subtree SET hash = substr(hash, 2)" "$query"
	damaged "$what: a subtree's root that is long" energyledger.subtree "UPDATE energyledger.subtree SET hash = hash || hash" "$query"
	damaged "$what: a subtree's root moved" energyledger.subtree "UPDATE energyledger.subtree SET node_index = node_index + 1" "$query"
done
newest="height = (SELECT max(height) FROM energyledger.block)"
damaged "receipt: a neighbour's leaf hash changed" energyledger.leaf_run \
	"UPDATE energyledger.leaf_run SET hashes = set_byte(hashes, 0, 1 # get_byte(hashes, 0)) WHERE first_index = (SELECT max(first_index) FROM energyledger.leaf_run WHERE first_index < $at - 1)" "$receipt"
damaged "inclusion_proof: a neighbour's leaf hash changed" energyledger.leaf_run "UPDATE energyledger.leaf_run SET hashes = set_byte(hashes, 0, 1 # get_byte(hashes, 0)) WHERE $run" "$proof"
damaged "receipt: a frontier's hash changed" energyledger.block "UPDATE energyledger.block SET frontier = set_byte(frontier, 8, 1 # get_byte(frontier, 8)) WHERE $newest" \
	"SELECT energyledger.receipt((SELECT max(ledger_id) FROM t))"
for query in "$receipt" "$proof" "SELECT energyledger.root(5)"; do
	what=${query#*energyledger.}
	what=${what%%(*}
	damaged "$what: a frontier cut short" energyledger.block "UPDATE energyledger.block SET frontier = substr(frontier, 1, 20) WHERE $newest" "$query"
	damaged "$what: a frontier of another size" energyledger.block "UPDATE energyledger.block SET frontier = (SELECT frontier FROM energyledger.block WHERE height = 2) WHERE $newest" "$query"
	damaged "$what: a block before the log" energyledger.block "UPDATE energyledger.block SET first_index = -5 WHERE $newest" "$query"
	damaged "$what: a block of very many leaves" energyledger.block "UPDATE energyledger.block SET leaf_count = 9223372036854775807 WHERE $newest" "$query"
	damaged "$what: a block's hash cut short" energyledger.block "UPDATE energyledger.block SET previous_block_hash = '\\x00' WHERE $newest" "$query"
done

# ---- where an entry is, and what it says

damaged "a block removed" energyledger.block "DELETE FROM energyledger.block WHERE height = 2" "$receipt"
damaged "a block whose snapshot saw the entry before it was" energyledger.block "UPDATE energyledger.block SET snapshot = (SELECT snapshot FROM energyledger.block WHERE height = 3) WHERE height = 1" "$receipt"
damaged "a block whose snapshot saw nothing" energyledger.block "UPDATE energyledger.block SET snapshot = '3:3:' WHERE height = 2" "$receipt"
damaged "a leaf that refers to another entry" energyledger.leaf_run "UPDATE energyledger.leaf_run SET refs[$at - first_index + 1] = refs[$at - first_index + 1] + 1 WHERE $run" "$receipt"
damaged "a leaf of another kind" energyledger.leaf_run "UPDATE energyledger.leaf_run SET kinds = set_byte(kinds, ($at - first_index)::int, 2) WHERE $run" "$receipt"
damaged "a checkpoint that is no note" energyledger.block "UPDATE energyledger.block SET note = 'nothing' WHERE $newest" "$receipt"
damaged "a checkpoint of another block" energyledger.block "UPDATE energyledger.block SET note = (SELECT note FROM energyledger.block WHERE height = 2) WHERE $newest" "$receipt"
damaged "a checkpoint with another root" energyledger.block "UPDATE energyledger.block SET note = regexp_replace(note, E'\\n([^\\n]*)=\\n\\n', E'\\nAAAA' || substr(split_part(note, E'\\n', 3), 5) || E'\\n\\n') WHERE $newest" "$receipt"
entry="first_id = (SELECT max(first_id) FROM energyledger.entry WHERE first_id <= $id)"
for change in "rows_root = sha256(rows_root)" "rows_root = '\\x00'" "row_count = row_count + 1" "row_count = -1" "row_count = 2147483647" "last_id = last_id + 1" "role = 'another'" "xid = '5'" \
	"made_at = made_at + interval '1 us'" "schema_version = 2" "schema_version = -1" "schema_digest = sha256('')" "schema_digest = ''" "relation = 'public.other'" "relation = 'public.none'" \
	"relation = 'none'" "relation = ''" "relation = 'energyledger.entry'" "relation = 'pg_catalog.pg_class'"; do
	damaged "an entry with $change" energyledger.entry "UPDATE energyledger.entry SET $change WHERE $entry" "$many"
done
schema="relation = 'public.t'"
for change in "names[2] = 'other'" "types[2] = 'bytea'" "names = '{}'" "names = names[1:1]" "ordinals = '{1,2,3}'" "role = 'another'" "made_at = made_at + interval '1 us'" "schema_version = 7"; do
	damaged "a schema with $change" energyledger.table_schema "UPDATE energyledger.table_schema SET $change WHERE $schema" "$many"
done

# ---- the rows

damaged "a row changed" t "UPDATE t SET note = 'changed' WHERE n = 50" "$many"
damaged "another row of its entry changed" t "UPDATE t SET n = -1 WHERE n = 51" "$many"
damaged "another row of its entry removed" t "DELETE FROM t WHERE n = 51" "$many"
damaged "its one row removed" t "DELETE FROM t WHERE n = 200" "$receipt"
damaged "1000 other rows with its ids, and itself changed" t "INSERT INTO t SELECT n, note, $id FROM generate_series(1, 1000) n, (SELECT 'x' AS note) x;
	UPDATE t SET note = 'x' WHERE n = 50" "$many"
damaged "a row with no id" t "ALTER TABLE t ALTER ledger_id DROP NOT NULL; UPDATE t SET ledger_id = NULL WHERE n = 50" "$many"
damaged "a table renamed behind its back" other "UPDATE pg_class SET relname = 'hidden' WHERE oid = 't'::regclass" "$many"
damaged "a column renamed behind its back" t "UPDATE pg_attribute SET attname = 'm' WHERE attrelid = 't'::regclass AND attname = 'n'" "$many"
damaged "a table that is heap now" other "CREATE TABLE aside (n int); UPDATE pg_class SET relname = 'aside2' WHERE oid = 't'::regclass; UPDATE pg_class SET relname = 't' WHERE oid = 'aside'::regclass" "$many"
el_is "rows that were changed are exported as they are: it is for the reader to see" \
	"$(edited t "UPDATE t SET note = 'changed' WHERE n = 50" "SELECT count(*) FROM energyledger.export() WHERE kind = 'R' AND position('changed'::bytea IN data) > 0")" 1

# ---- what is only a hint

for place in "(0,0)|(0,0)" "(0,1)|(0,1)" "(4294967295,65535)|(4294967295,65535)" "(4294967294,1)|(4294967294,1)" "(0,0)|(4294967295,65535)" "(7,1)|(2,1)" "(0,65535)|(1,0)"; do
	harmless "an entry's place $place" energyledger.entry "UPDATE energyledger.entry SET low_tid = '${place%|*}', high_tid = '${place#*|}'"
done
harmless "other rows with its ids elsewhere: those that give the root are the entry's" t "INSERT INTO t SELECT n, note, $id FROM generate_series(1, 1000) n, (SELECT 'x' AS note) x"
harmless "an entry's tags" energyledger.entry "UPDATE energyledger.entry SET row_tags = ''"

el_is "no session ended" "$(grep -cE 'terminated by signal|PANIC|TRAP' "$EL_PGLOG")" 0
el_is "and the log is whole" "$(el_psql -c "SET client_min_messages = warning" -c "SELECT count(*) FROM energyledger.verify()")" 0
el_done
