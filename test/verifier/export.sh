#!/bin/bash
# export.sh: the export's stream, the folder made of it, and checkpoints old and new: what
# is whole is accepted, and whatever is cut, flipped, missing or forked is refused by name.
#
# Replayed with SEED=n.

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/verifier_lib.sh"

el_begin export
el_site export
grow 180
stream 0 | verify export "$EL_TMP/grown" > /dev/null
cp "$EL_TMP/grown/checkpoint" "$EL_TMP/old"
grow 160
stream "$("$VERIFY" export "$EL_TMP/grown" --next)" | verify export "$EL_TMP/grown" > /dev/null
grow 240
checkpoint_size() { sed -n 2p "$1/checkpoint"; }

# -- whole
stream 0 > "$EL_TMP/stream"
el_is "an export is written" "$(verdict export "$EL_TMP/folder" < "$EL_TMP/stream")" 0
el_is "and is whole" "$(verdict folder "$EL_TMP/folder")" 0
size=$(checkpoint_size "$EL_TMP/folder")
el_is "up to the newest checkpoint" "$(cat "$EL_TMP/folder/checkpoint")" "$(el_psql -c "SELECT energyledger.checkpoint()")"
el_is "with all rows" "$(sed -n 's/^ *rows *//p' "$EL_TMP/said")" \
	"$(el_psql -c "SELECT (SELECT count(*) FROM payment) + (SELECT count(*) FROM meter_reading)")"
el_is "its tiles are those that SQL gives" "$(for n in 0 1; do cat "$EL_TMP/folder/tile/0/00$n"; done | od -An -v -tx1 | tr -d ' \n')" \
	"$(el_psql -c "SELECT encode(energyledger.tile(0, 0) || energyledger.tile(0, 1), 'hex')")"
stream "$("$VERIFY" export "$EL_TMP/grown" --next)" > "$EL_TMP/rest"
el_is "a folder grows by what is new" "$(verdict export "$EL_TMP/grown" < "$EL_TMP/rest")" 0
el_is "into the same folder, but for older partial files" "$(diff -r "$EL_TMP/folder" "$EL_TMP/grown" | grep -cv '^Only in .*/grown/.*\.p: [0-9]*$')" 0
cp -r "$EL_TMP/folder" "$EL_TMP/public"
rm -r "$EL_TMP/public/rows"
el_is "published without rows the log is whole" "$(verdict folder "$EL_TMP/public" --no-rows)$(verdict folder "$EL_TMP/public")" 01
el_is "which is whole" "$(verdict folder "$EL_TMP/grown" --against "$EL_TMP/old")" 0
el_is "again from the first leaf: nothing to do" "$(verdict export "$EL_TMP/grown" < "$EL_TMP/stream")" 0
el_ok "and it says so" grep -q 'up to date' "$EL_TMP/said"
el_is "a stream that begins too late: 2" "$(verdict export "$EL_TMP/late" < "$EL_TMP/rest")" 2
verify folder "$EL_TMP/folder" --json > "$EL_TMP/json"
el_is "--json" "$(el_psql -v j="$(cat "$EL_TMP/json")" <<< "SELECT :'j'::jsonb->>'result', :'j'::jsonb->>'log_size'")" "verified|$size"

# -- checkpoints
cp "$EL_TMP/folder/checkpoint" "$EL_TMP/new"
old_size=$(sed -n 2p "$EL_TMP/old")
el_psql -c "SELECT encode(h, 'base64') FROM unnest(energyledger.consistency_proof($old_size, $size)) h" > "$EL_TMP/proof"
el_is "an old checkpoint without proof: cannot tell" "$(verdict checkpoints "$EL_TMP/old" "$EL_TMP/new")" 2
el_is "with a consistency proof: verified" "$(verdict checkpoints "$EL_TMP/old" "$EL_TMP/new" --proof "$EL_TMP/proof")" 0
el_is "with an exported folder: verified" "$(verdict checkpoints "$EL_TMP/old" "$EL_TMP/new" --tiles "$EL_TMP/folder")" 0
el_is "against itself: verified" "$(verdict checkpoints "$EL_TMP/new" "$EL_TMP/new")" 0
el_is "the other way round: not" "$(verdict checkpoints "$EL_TMP/new" "$EL_TMP/old" --tiles "$EL_TMP/folder")" 1
bad=0
for line in $(seq "$(wc -l < "$EL_TMP/proof")"); do
	awk -v l="$line" 'NR == l { c = substr($0, 5, 1); $0 = substr($0, 1, 4) (c == "A" ? "B" : "A") substr($0, 6) } 1' "$EL_TMP/proof" > "$EL_TMP/proof1"
	[ "$(verdict checkpoints "$EL_TMP/old" "$EL_TMP/new" --proof "$EL_TMP/proof1")" = 1 ] || bad=$((bad + 1))
	sed "${line}d" "$EL_TMP/proof" > "$EL_TMP/proof1"
	[ "$(verdict checkpoints "$EL_TMP/old" "$EL_TMP/new" --proof "$EL_TMP/proof1")" = 1 ] || bad=$((bad + 1))
done
el_is "with a proof that is changed or lacks a line: not" $bad 0
el_is "the checkpoint as a note: verified" "$(verdict note "$EL_TMP/new")" 0
bad=0
for i in $(seq 40); do
	cp "$EL_TMP/new" "$EL_TMP/note"
	flip "$EL_TMP/note" "$(below "$(wc -c < "$EL_TMP/note")")" "$(below 8)"
	[ "$(verdict note "$EL_TMP/note")" = 1 ] && [ "$(verdict checkpoints "$EL_TMP/old" "$EL_TMP/note" --tiles "$EL_TMP/folder")" = 1 ] ||
		bad=$((bad + 1))
done
el_is "40 notes with a flipped bit: not" $bad 0

# -- a stream that is cut or flipped never makes a checkpoint
bad=0
bytes=$(wc -c < "$EL_TMP/stream")
for i in $(seq 25); do
	rm -rf "$EL_TMP/cut"
	[ "$(head -c "$(below "$bytes")" "$EL_TMP/stream" | verdict export "$EL_TMP/cut")" = 1 ] || bad=$((bad + 1))
	[ ! -e "$EL_TMP/cut/checkpoint" ] || bad=$((bad + 1))
done
el_is "25 streams cut short are refused" $bad 0
for i in $(seq 40); do
	rm -rf "$EL_TMP/cut"
	cp "$EL_TMP/stream" "$EL_TMP/flipped"
	# behind the first record, whose index only says that the stream begins late: 2
	flip "$EL_TMP/flipped" $((100 + $(below $((bytes - 100))))) "$(below 8)"
	[ "$(verdict export "$EL_TMP/cut" < "$EL_TMP/flipped")" = 1 ] || bad=$((bad + 1))
	[ ! -e "$EL_TMP/cut/checkpoint" ] || bad=$((bad + 1))
done
el_is "and 40 with a flipped bit" $bad 0
cp "$EL_TMP/stream" "$EL_TMP/flipped"
# the column's name in the columns of our table, not of one that the extension has
table_at=$(grep -abo 'public\.payment' "$EL_TMP/stream" | head -1 | cut -d: -f1)
flip "$EL_TMP/flipped" "$(grep -abo customer "$EL_TMP/stream" | awk -F: -v from="$table_at" '$1 > from { print $1; exit }')" 0
el_is "an entry whose schema is not in the log is refused" "$(verdict export "$EL_TMP/cut" < "$EL_TMP/flipped")" 1
el_ok "as that" grep -q 'no leaf before it has' "$EL_TMP/said"
el_is "no stream at all: not" "$(verdict export "$EL_TMP/cut" < /dev/null)" 1
cp -r "$EL_TMP/grown" "$EL_TMP/kept"
grow 20
stream "$size" | head -c -100 > "$EL_TMP/rest"
el_is "a folder that is there is not extended by half a stream" "$(verdict export "$EL_TMP/kept" < "$EL_TMP/rest")" 1
el_is "and is what it was" "$(verdict folder "$EL_TMP/kept")$(checkpoint_size "$EL_TMP/kept")" "0$size"
el_is "nor is a damaged one extended" "$(flip "$EL_TMP/kept/tile/entries/002.p/$((size % 256))" 40 1
	stream "$size" | verdict export "$EL_TMP/kept")" 1

# -- each file of a folder: a bit flipped, a byte more, a byte less, gone; named each time
files=$(cd "$EL_TMP/grown" && find . -type f | sed 's,^\./,,' | sort)
el_ok "the folder has partial files of three sizes, full ones, and tiles of two levels" bash -c "
	cd '$EL_TMP/grown' && [ -e tile/1/000.p/2 ] && [ -e tile/1/000.p/1 ] && [ -e rows/001 ] && [ -e tile/entries/002.p/$((size % 256)) ]"
bad=0
for file in $files; do
	bytes=$(wc -c < "$EL_TMP/grown/$file")
	for damage in flip flip flip more less gone; do
		cp "$EL_TMP/grown/$file" "$EL_TMP/whole"
		case $damage in
			flip) flip "$EL_TMP/grown/$file" "$(below "$bytes")" "$(below 8)" ;;
			more) printf x >> "$EL_TMP/grown/$file" ;;
			less) truncate -s -1 "$EL_TMP/grown/$file" ;;
			gone) rm "$EL_TMP/grown/$file" ;;
		esac
		status=$(verdict folder "$EL_TMP/grown")
		wanted=1
		[ "$file$damage" = checkpointgone ] && wanted=2
		# a partial file of an older checkpoint is not missed: it may go
		case $file$damage in
			*.p/"$((size % 256))"gone | tile/1/000.p/2gone) ;;
			*.p/*gone) wanted=0 ;;
		esac
		if [ "$status" != $wanted ] || { [ $wanted = 1 ] && ! grep -qF "$file" "$EL_TMP/said"; }; then
			bad=$((bad + 1))
			echo "# $damage $file: status $status"
			sed 's/^/#   /' "$EL_TMP/said" | head -5
		fi
		if [ $wanted = 1 ] && [ "$(grep -c '^  .*: [a-z_]*: ' "$EL_TMP/said")" -gt 4 ]; then
			bad=$((bad + 1))
			echo "# $damage $file: one damage, many findings"
			sed 's/^/#   /' "$EL_TMP/said" | head -8
		fi
		mkdir -p "$(dirname "$EL_TMP/grown/$file")"
		cp "$EL_TMP/whole" "$EL_TMP/grown/$file"
	done
done
el_is "$(wc -w <<< "$files") files, six damages each: refused, with the file's name" $bad 0
el_is "put back it is whole" "$(verdict folder "$EL_TMP/grown")" 0
cp "$EL_TMP/grown/checkpoints/$old_size" "$EL_TMP/grown/checkpoints/7"
el_is "a checkpoint that no block has is found" "$(verdict folder "$EL_TMP/grown")" 1
rm "$EL_TMP/grown/checkpoints/7"

bundle=$EL_TMP/grown/tile/entries/000
cp "$bundle" "$EL_TMP/whole"
flip "$bundle" "$(grep -abo customer "$bundle" | head -1 | cut -d: -f1)" 0
el_is "a schema of another column's name is one finding" "$(verdict folder "$EL_TMP/grown") $(grep -c '^  .*: [a-z_]*: ' "$EL_TMP/said")" "1 1"
cp "$EL_TMP/whole" "$bundle"

# a leaf's length is wrong, so that all behind it are shifted; another bundle's tile
flip "$bundle" 1 0
el_is "a length changed is not a finding for every leaf" "$(verdict folder "$EL_TMP/grown") $(grep -c '^  .*: [a-z_]*: ' "$EL_TMP/said" | sed 's/^[1-4]$/few/')" "1 few"
cp "$EL_TMP/whole" "$bundle"
cp "$EL_TMP/grown/tile/0/000" "$EL_TMP/whole"
cp "$EL_TMP/grown/tile/0/001" "$EL_TMP/grown/tile/0/000"
el_is "nor is another tile in the place of one" "$(verdict folder "$EL_TMP/grown") $(grep -c '^  .*: [a-z_]*: ' "$EL_TMP/said" | sed 's/^[1-4]$/few/')" "1 few"
cp "$EL_TMP/whole" "$EL_TMP/grown/tile/0/000"

# -- the tail cut off: only who holds a later checkpoint can tell
cp "$EL_TMP/old" "$EL_TMP/short.checkpoint"
cp -r "$EL_TMP/grown" "$EL_TMP/short"
cp "$EL_TMP/old" "$EL_TMP/short/checkpoint"
el_is "a log that ends earlier than one held: not" "$(verdict folder "$EL_TMP/short" --against "$EL_TMP/new")" 1
el_ok "by name" grep -qF "$EL_TMP/new" "$EL_TMP/said"

# -- a fork: the same key and name, another history from some point on
el_cluster_stop fast
cp -a "$EL_PGDATA" "$EL_TMP/copy"
el_cluster_start
grow 30
stream 0 > "$EL_TMP/ours"
verify export "$EL_TMP/ours.d" < "$EL_TMP/ours" > /dev/null
el_cluster_stop fast
mv "$EL_PGDATA" "$EL_TMP/original"
mv "$EL_TMP/copy" "$EL_PGDATA"
el_cluster_start
el_psql -c "INSERT INTO payment (customer) VALUES ('who never was')"
grow 40
stream 0 > "$EL_TMP/theirs"
el_is "a fork is a whole log by itself" "$(verdict export "$EL_TMP/theirs.d" < "$EL_TMP/theirs")$(verdict folder "$EL_TMP/theirs.d")" 00
el_is "under the same name and key" "$(head -1 "$EL_TMP/theirs.d/checkpoint")" "$(head -1 "$EL_TMP/ours.d/checkpoint")"
el_is "against a checkpoint of before: verified" "$(verdict folder "$EL_TMP/theirs.d" --against "$EL_TMP/new")" 0
el_is "against one of the other history: not" "$(verdict folder "$EL_TMP/theirs.d" --against "$EL_TMP/ours.d/checkpoint")" 1
el_ok "by name" grep -qF "$EL_TMP/ours.d/checkpoint" "$EL_TMP/said"
el_is "nor do the checkpoints follow from each other" \
	"$(verdict checkpoints "$EL_TMP/ours.d/checkpoint" "$EL_TMP/theirs.d/checkpoint" --tiles "$EL_TMP/theirs.d")" 1
el_is "nor by a proof of the fork's own" "$(el_psql -c "SELECT encode(h, 'base64') FROM
	unnest(energyledger.consistency_proof($(checkpoint_size "$EL_TMP/ours.d"), $(checkpoint_size "$EL_TMP/theirs.d"))) h" > "$EL_TMP/proof"
	verdict checkpoints "$EL_TMP/ours.d/checkpoint" "$EL_TMP/theirs.d/checkpoint" --proof "$EL_TMP/proof")" 1
before=$(cd "$EL_TMP/ours.d" && find . -type f -exec sha256sum {} + | sort)
el_is "nor is the one's folder extended with the other's stream" "$(verdict export "$EL_TMP/ours.d" < "$EL_TMP/theirs")" 1
el_is "it is what it was" "$(cd "$EL_TMP/ours.d" && find . -type f -exec sha256sum {} + | sort)" "$before"
VKEY=example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k
el_is "and with another's key nothing is verified" "$(verdict folder "$EL_TMP/ours.d")" 1

# -- limits
VKEY=$(el_psql -c "SELECT energyledger.site_vkey()")
wide()
{
	el_psql -c "SELECT format('CREATE TABLE wide (%s) USING ledger', string_agg(format('%s int', rpad('c' || g || '_', 63, 'x')), ', '))
		FROM generate_series(1, $1) g" | el_psql -f - 2>&1
}
el_ok "a table whose description tlog-tiles could not hold is not made" grep -q 'description of "public.wide" is too long for the log' <(wide 1000)
wide 800
el_psql -c "INSERT INTO wide DEFAULT VALUES" -c "SELECT energyledger.seal()" > /dev/null
el_is "the widest is exported" "$(stream 0 | verdict export "$EL_TMP/wide")" 0
el_done
