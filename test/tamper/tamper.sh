#!/bin/bash
# tamper.sh: whoever edits behind the ledger's back is found out, by row.
#
# Two ways in: the files, server stopped (bits of rows flipped; page checksums are
# off, as a careful intruder would mend them), and the catalog (a superuser makes a ledger table plain heap,
# edits it with SQL, and makes it a ledger table again).  After each change verify()
# must name what was changed, and after it is undone find nothing.  Where to flip
# is drawn from SEED, which is printed: the same seed does the same again.

. "$(dirname "$0")/../lib.sh"

SEED=${SEED:-$RANDOM}
RANDOM=$SEED
echo "# SEED=$SEED"

el_begin tamper
el_cluster main "fsync = off" "autovacuum = off" "energyledger.seal_interval = 0"

el_psql -o /dev/null <<'SQL'
SET client_min_messages = warning;
CREATE EXTENSION pg_energyledger;
CREATE EXTENSION pageinspect;
CREATE TABLE t (n int, note text, at timestamptz) USING ledger;
CREATE TABLE other (n int) USING ledger;
SQL
# Several entries of several sizes, one with gaps, over two blocks.
el_psql -o /dev/null <<'SQL'
INSERT INTO t SELECT g, 'note ' || g, '2030-01-01 00:00+00'::timestamptz + g * interval '1 s' FROM generate_series(1, 10) g;
INSERT INTO t VALUES (11, 'note 11', '2030-01-01 00:00:11+00');
INSERT INTO t SELECT g, 'note ' || g, '2030-01-01 00:00+00'::timestamptz + g * interval '1 s' FROM generate_series(12, 3000) g;
INSERT INTO other VALUES (1), (2);
SELECT energyledger.seal();
BEGIN;
INSERT INTO t SELECT g, 'note ' || g, '2030-01-01 00:00+00'::timestamptz + g * interval '1 s' FROM generate_series(3001, 3005) g;
SAVEPOINT s;
INSERT INTO t SELECT g, 'undone', now() FROM generate_series(1, 5) g;
ROLLBACK TO s;
INSERT INTO t SELECT g, 'note ' || g, '2030-01-01 00:00+00'::timestamptz + g * interval '1 s' FROM generate_series(3006, 3010) g;
COMMIT;
INSERT INTO other VALUES (3);
SELECT energyledger.seal();
INSERT INTO t SELECT g, 'note ' || g, '2030-01-01 00:00+00'::timestamptz + g * interval '1 s' FROM generate_series(3011, 3020) g;
INSERT INTO other VALUES (4);
SQL

# findings: kind and relation of each, and the ledger_id, sorted.
findings()
{
	el_psql -c "SET client_min_messages = warning" \
		-c "SELECT kind, relation, ledger_id FROM energyledger.verify() ORDER BY 1, 2, 3"
}

healthy()
{
	el_is "$1" "$(findings)" ""
}

id_of()
{
	el_psql -c "SELECT ledger_id FROM t WHERE n = $1"
}

healthy "before: no finding"

# ---------------------------------------------------------------- in the files

el_cluster_stop fast
el_as_server "$EL_BIN/pg_checksums" --disable -D "$EL_PGDATA" > "$EL_TMP/log/checksums" 2>&1 || el_die "pg_checksums failed"
el_cluster_start
# flip FILE OFFSET: the lowest bit of one byte.
flip()
{
	local byte

	byte=$(od -An -tu1 -j "$2" -N 1 "$1")
	printf "\\x$(printf %02x $((byte ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# Where in t's file a value of row n lies: the row's data holds n (4 bytes), then
# the text with its 1-byte header, then the time, which is aligned to 8.
place_of()
{
	el_psql -c "SELECT (ctid::text::point)[0]::bigint * 8192 + lp_off + t_hoff + CASE '$2' WHEN 'int' THEN 0
			WHEN 'text' THEN 4 + 1 + octet_length(note) - 1
			ELSE (4 + 1 + octet_length(note) + 7) / 8 * 8 END
		FROM t, heap_page_items(get_raw_page('t', (ctid::text::point)[0]::int)) i
		WHERE n = $1 AND lp = (ctid::text::point)[1]"
}

file=$EL_PGDATA/$(el_psql -c "SELECT pg_relation_filepath('t')")
# first, middle and last row of entries, and five that are drawn
rows=$({ printf '%s\n' 1 5 10 11 12 1035 1036 2500 3000 3001 3006 3010 3011 3020
	for i in 1 2 3 4 5; do echo $((RANDOM % 3020 + 1)); done; } | sort -nu)
flip_all()
{
	local place

	el_cluster_stop fast
	for place in "$@"; do
		flip "$file" "$place"
	done
	el_cluster_start
}
for column in int text time; do
	places=$(for n in $rows; do place_of "$n" $column; done)
	want=$(for n in $rows; do echo "row_changed|public.t|$(id_of "$n")"; done | sort)
	flip_all $places
	el_is "a bit of the $column column of each of $(wc -w <<< "$rows") rows: exactly these are named" "$(findings | sort)" "$want"
	flip_all $places
done
healthy "every bit back: no finding"

# ---------------------------------------------------------------- through the catalog

# edit RELATION SQL: what a superuser can do who knows the catalog
edit()
{
	el_psql -o /dev/null <<-SQL
		SET session_replication_role = replica;
		UPDATE pg_class SET relam = (SELECT oid FROM pg_am WHERE amname = 'heap') WHERE oid = '$1'::regclass;
		$2;
		UPDATE pg_class SET relam = (SELECT oid FROM pg_am WHERE amname = '${3:-ledger}') WHERE oid = '$1'::regclass;
	SQL
}

# found NAME RELATION SQL UNDO WANTED: the edit is found, as WANTED; the undo leaves nothing.
found()
{
	edit "$2" "$3"
	el_is "$1" "$(findings)" "$5"
	edit "$2" "$4"
	healthy "$1: undone, no finding"
}

for n in 1 11 2000 3003 3020; do
	found "UPDATE of row $n" t "UPDATE t SET n = -n WHERE n = $n" "UPDATE t SET n = -n WHERE n = -$n" "row_changed|public.t|$(id_of "$n")"
done
n=$((RANDOM % 3000 + 1))
id=$(id_of $n)
found "a value becomes NULL" t "UPDATE t SET note = NULL WHERE n = $n" "UPDATE t SET note = 'note ' || n WHERE n = $n" "row_changed|public.t|$id"
found "a row disappears" t "CREATE TABLE aside AS SELECT * FROM t WHERE n = $n; DELETE FROM t WHERE n = $n" \
	"INSERT INTO t SELECT * FROM aside; DROP TABLE aside" "row_missing|public.t|$id"
id=$(id_of 11)
found "an entry's only row disappears" t "CREATE TABLE aside AS SELECT * FROM t WHERE n = 11; DELETE FROM t WHERE n = 11" \
	"INSERT INTO t SELECT * FROM aside; DROP TABLE aside" "row_missing|public.t|$id"
first=$(id_of 3001)
found "a row of an entry with gaps disappears: the entry is named" t \
	"CREATE TABLE aside AS SELECT * FROM t WHERE n = 3004; DELETE FROM t WHERE n = 3004" \
	"INSERT INTO t SELECT * FROM aside; DROP TABLE aside" "entry_rows|public.t|$first"
far=$((2 ** 45 + 2 ** 44))
found "a row appears beyond all ids" t "INSERT INTO t VALUES (7, 'x', now(), $far)" \
	"DELETE FROM t WHERE ledger_id = $far" \
	"row_without_entry|public.t|$far"
id=$(id_of 5)
found "a row is doubled" t "INSERT INTO t SELECT * FROM t WHERE n = 5" \
	"DELETE FROM t a WHERE n = 5 AND ctid > (SELECT min(ctid) FROM t WHERE n = 5)" "row_duplicate|public.t|$id"
id5=$(id_of 5) id6=$(id_of 6)
found "two rows change places" t "UPDATE t SET ledger_id = CASE n WHEN 5 THEN $id6 ELSE $id5 END WHERE n IN (5, 6)" \
	"UPDATE t SET ledger_id = CASE n WHEN 5 THEN $id5 ELSE $id6 END WHERE n IN (5, 6)" \
	"row_changed|public.t|$id5
row_changed|public.t|$id6"
found "a row with ledger_id NULL" t "ALTER TABLE t ALTER ledger_id DROP NOT NULL; INSERT INTO t VALUES (7, 'x', now(), NULL)" \
	"DELETE FROM t WHERE ledger_id IS NULL; ALTER TABLE t ALTER ledger_id SET NOT NULL" "row_without_entry|public.t|0"
edit other "UPDATE other SET n = 9 WHERE n = 3"
el_is "verify(table) finds it in its table" "$(el_psql -c "SET client_min_messages = warning" -c "SELECT kind FROM energyledger.verify('other')")" row_changed
el_is "and not in another" "$(el_psql -c "SET client_min_messages = warning" -c "SELECT kind FROM energyledger.verify('t')")" ""
edit other "UPDATE other SET n = 3 WHERE n = 9"

# The table itself.
el_psql -c "UPDATE pg_class SET relname = 'hidden' WHERE oid = 'other'::regclass"
el_ok "a renamed table is missed" grep -q "^table_missing|public.other|" <(findings)
el_psql -c "UPDATE pg_class SET relname = 'other' WHERE oid = 'hidden'::regclass"
el_psql -c "UPDATE pg_class SET relam = (SELECT oid FROM pg_am WHERE amname = 'heap') WHERE oid = 'other'::regclass"
el_is "one that is heap is told" "$(findings)" "access_method|public.other|"
el_psql -c "UPDATE pg_class SET relam = (SELECT oid FROM pg_am WHERE amname = 'ledger') WHERE oid = 'other'::regclass"
el_psql -c "UPDATE pg_am SET amhandler = 'heap_tableam_handler' WHERE amname = 'ledger'"
el_ok "another handler of the access method is told" grep -q "ledger, with another handler" \
	<(el_psql -c "SELECT found FROM energyledger.verify() WHERE relation = 'public.other'" 2>&1)
el_psql -c "UPDATE pg_am SET amhandler = 'energyledger.ledger_handler' WHERE amname = 'ledger'"
el_psql -c "UPDATE pg_attribute SET attname = 'm' WHERE attrelid = 'other'::regclass AND attname = 'n'"
el_ok "a renamed column is told" grep -q "^table_columns|public.other|" <(findings)
el_psql -c "UPDATE pg_attribute SET attname = 'n' WHERE attrelid = 'other'::regclass AND attname = 'm'"
healthy "tables as they were: no finding"

# ---------------------------------------------------------------- the log

# What is found is told by kind and number: ids of the log are not the point here.
kinds()
{
	findings | cut -d'|' -f1,2 | uniq -c | sed 's/^ *//; s/public\.//; s/energyledger\.//' | paste -sd, -
}

# log NAME TABLE SQL WANTED: an edit of the log is found as WANTED; the table put back, nothing is.
log()
{
	edit "energyledger.$2" "CREATE TABLE aside AS TABLE energyledger.$2; $3" ledger_log
	el_is "$1" "$(kinds)" "$4"
	edit "energyledger.$2" "DELETE FROM energyledger.$2; INSERT INTO energyledger.$2 TABLE aside; DROP TABLE aside" ledger_log
	healthy "$1: undone, no finding"
}

entry="WHERE first_id = $(id_of 11)"
unsealed="WHERE relation = 'public.other' AND NOT EXISTS (SELECT FROM energyledger.leaf l WHERE l.kind = 1 AND l.ref = first_id)"
E=energyledger
leaf=$(el_psql -c "SELECT leaf_index FROM $E.leaf WHERE kind = 1 AND ref = $(id_of 11)")
log "an entry's root" entry "UPDATE $E.entry SET rows_root = sha256(rows_root) $entry" "1 entry_rows|t,1 leaf_hash|leaf_run,1 log_root|block"
log "an entry's root and its row together" entry "UPDATE $E.entry SET role = 'mallory' $entry" "1 leaf_hash|leaf_run,1 log_root|block"
log "an entry's time" entry "UPDATE $E.entry SET made_at = made_at + interval '1 us' $entry" "1 leaf_hash|leaf_run,1 log_root|block"
log "an entry's transaction" entry "UPDATE $E.entry SET xid = '3' $entry" "1 leaf_hash|leaf_run,1 log_root|block"
log "an entry's table" entry "UPDATE $E.entry SET relation = 'public.other' $entry" "1 leaf_hash|leaf_run,1 log_root|block,1 row_in_wrong_table|t,1 row_missing|other,1 schema_digest|other"
log "an entry's number of rows" entry "UPDATE $E.entry SET row_count = 2 $entry" "1 entry_rows|t,1 leaf_hash|leaf_run,1 log_root|block"
log "an entry's schema version" entry "UPDATE $E.entry SET schema_version = 2 $entry" "1 leaf_hash|leaf_run,1 log_root|block,1 schema_missing|t"
log "an entry's schema digest" entry "UPDATE $E.entry SET schema_digest = sha256('') $entry" "1 leaf_hash|leaf_run,1 log_root|block,1 schema_digest|t"
log "an entry's root cut short" entry "UPDATE $E.entry SET rows_root = substr(rows_root, 1, 31) $entry" "1 entry_malformed|entry,1 row_without_entry|t"
log "an entry without a role" entry "ALTER TABLE $E.entry ALTER role DROP NOT NULL; UPDATE $E.entry SET role = NULL $entry" "1 entry_malformed|entry,1 row_without_entry|t"
log "an entry without tags" entry "ALTER TABLE $E.entry ALTER row_tags DROP NOT NULL; UPDATE $E.entry SET row_tags = NULL $entry" ""
log "an entry disappears" entry "DELETE FROM $E.entry $entry" "1 entry_missing|entry,1 row_without_entry|t"
log "an entry not sealed yet disappears" entry "DELETE FROM $E.entry $unsealed" "1 row_without_entry|other"
log "only the tags: the root decides" entry "UPDATE $E.entry SET row_tags = decode(repeat('00', length(row_tags)), 'hex')" ""
log "a registered column" table_schema "UPDATE $E.table_schema SET names = ARRAY['m'] WHERE relation = 'public.other'" \
	"1 leaf_hash|leaf_run,1 log_root|block,4 row_missing|other,3 schema_digest|other,1 table_columns|other"
log "a column without a name" table_schema "UPDATE $E.table_schema SET names = ARRAY[NULL] WHERE relation = 'public.other'" "4 row_missing|other,1 schema_malformed|table_schema,3 schema_missing|other,1 table_columns|other"
log "a schema disappears" table_schema "DELETE FROM $E.table_schema WHERE relation = 'public.other'" \
	"4 row_missing|other,1 schema_missing|table_schema,3 schema_missing|other"
log "a block's checkpoint" block "UPDATE $E.block SET note = replace(note, split_part(note, E'\n', 3), 'AAAA' || substr(split_part(note, E'\n', 3), 5)) WHERE height = 1" \
	"1 checkpoint_signature|block"
log "a signature of another block" block "UPDATE $E.block b SET note = (SELECT note FROM $E.block o WHERE o.height = 2) WHERE height = 1" \
	"1 frontier|block,1 log_root|block"
log "a block's time" block "UPDATE $E.block SET sealed_at = sealed_at - interval '1 s' WHERE height = 1" "1 block_chain|block,1 leaf_hash|leaf_run,1 log_root|block"
log "the newest block's time" block "UPDATE $E.block SET sealed_at = sealed_at - interval '1 s' WHERE height = 2" "1 leaf_hash|leaf_run,1 log_root|block"
log "a block's predecessor" block "UPDATE $E.block SET previous_block_hash = sha256('') WHERE height = 2" "1 block_chain|block,1 leaf_hash|leaf_run,1 log_root|block"
log "a block's frontier" block "UPDATE $E.block SET frontier = set_byte(frontier, 20, get_byte(frontier, 20) # 1) WHERE height = 1" "1 frontier|block"
log "a frontier cut short" block "UPDATE $E.block SET frontier = substr(frontier, 1, 11) WHERE height = 1" "1 frontier|block"
log "a block without a checkpoint" block "ALTER TABLE $E.block ALTER note DROP NOT NULL; UPDATE $E.block SET note = NULL WHERE height = 1" "1 checkpoint_signature|block"
log "a block without a predecessor" block "ALTER TABLE $E.block ALTER previous_block_hash DROP NOT NULL; UPDATE $E.block SET previous_block_hash = NULL WHERE height = 2" "1 block_malformed|block,1 leaf_without_block|leaf_run"
log "a block's range" block "UPDATE $E.block SET leaf_count = leaf_count + 1 WHERE height = 1" "1 block_chain|block,1 block_range|block,1 leaf_hash|leaf_run,1 log_root|block"
# the run that the leaf stands in, and its place there
run="WHERE first_index <= $leaf AND $leaf < first_index + cardinality(refs)" at="($leaf - first_index)::int"
log "two leaves change places" leaf_run "UPDATE $E.leaf_run SET refs[$at + 1] = refs[$at + 2], refs[$at + 2] = refs[$at + 1] $run" \
	"2 leaf_hash|leaf_run,1 log_root|block"
log "the newest block disappears" block "DELETE FROM $E.block WHERE height = 2" "1 block_missing|block,1 leaf_without_block|leaf_run"
log "a leaf disappears" leaf_run "UPDATE $E.leaf_run SET refs = refs[:$at] || refs[$at + 2:], kinds = overlay(kinds PLACING '' FROM $at + 1 FOR 1) $run" "2 block_range|block,1 entry_not_in_log|entry,8 leaf_hash|leaf_run,1 log_root|block"
log "a run at the end of all numbers" leaf_run "UPDATE $E.leaf_run SET first_index = -1 $run" "2 block_range|block,1 leaf_missing|leaf_run"
log "a run of nothing" leaf_run "UPDATE $E.leaf_run SET refs[$at + 1] = NULL $run" "1 entry_not_in_log|entry,1 leaf_kind|leaf_run"
log "a run of leaves disappears" leaf_run "DELETE FROM $E.leaf_run $run" "1 block_chain|block,1 block_height|block,1 block_not_in_log|block,1 block_range|block,9 entry_not_in_log|entry,1 event_not_in_log|event,1 leaf_missing|leaf_run,6 schema_not_in_log|table_schema"
log "kinds cut short" leaf_run "UPDATE $E.leaf_run SET kinds = '' $run" "1 block_chain|block,1 block_height|block,1 block_not_in_log|block,1 block_range|block,9 entry_not_in_log|entry,1 event_not_in_log|event,17 leaf_kind|leaf_run,6 schema_not_in_log|table_schema"
log "a leaf is added" leaf_run "INSERT INTO $E.leaf_run SELECT site_id, max(leaf_index) + 1, '\\x01', ARRAY[$(id_of 1)], sha256('') FROM $E.leaf GROUP BY 1" "1 leaf_hash|leaf_run,1 leaf_without_block|leaf_run"
log "a leaf of no kind" leaf_run "UPDATE $E.leaf_run SET kinds = set_byte(kinds, $at, 9) $run" "1 entry_not_in_log|entry,1 event_missing|event"
log "another public key" site "UPDATE $E.site SET public_key = sha256('')" "2 checkpoint_signature|block,1 site_event|site,1 site_missing|event"
log "another name" site "UPDATE $E.site SET origin = 'energyledger/1/2'" "2 checkpoint_signature|block,1 site_event|site,1 site_missing|event"

# The sealer signs nothing on top of a block that does not verify.
edit $E.block "CREATE TABLE aside AS TABLE $E.block; UPDATE $E.block SET frontier = set_byte(frontier, 20, get_byte(frontier, 20) # 1) WHERE height = 2" ledger_log
el_ok "seal() refuses to go on from a changed frontier" grep -q 'does not verify: nothing more is signed' \
	<(el_psql -c "SELECT energyledger.seal()" 2>&1)
edit $E.block "DELETE FROM $E.block; INSERT INTO $E.block TABLE aside; DROP TABLE aside" ledger_log
el_is "put back, it seals on" "$(el_psql -c "SELECT energyledger.seal()")" 3
healthy "and nothing is found"
el_done
