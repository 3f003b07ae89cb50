#!/bin/bash
# made.sh: logs that no database made: one of three levels of tiles, and what a site could
# sign that does not keep its own rules, each refused by name.

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/verifier_lib.sh"

el_begin made
[ -x "$VERIFY" ] || el_stage
made_stream 70000 > "$EL_TMP/stream" 2> "$EL_TMP/vkey"
VKEY=$(cat "$EL_TMP/vkey")

# -- a large one
el_is "70000 leaves are exported" "$(verdict export "$EL_TMP/large" < "$EL_TMP/stream")" 0
el_is "and whole" "$(verdict folder "$EL_TMP/large")" 0
el_ok "with tiles of three levels" bash -c "[ \$(stat -c %s '$EL_TMP/large/tile/1/000') = 8192 ] && [ -e '$EL_TMP/large/tile/1/001.p/17' ] &&
	[ \$(stat -c %s '$EL_TMP/large/tile/2/000.p/1') = 32 ] && [ -e '$EL_TMP/large/rows/273.p/112' ]"
# the same, grown from a smaller one that ends within a tile of level 1
made_stream 40001 > "$EL_TMP/first" 2> /dev/null
el_is "a smaller one" "$(verdict export "$EL_TMP/grown" < "$EL_TMP/first")" 0
el_is "does not become the other: its last block is another" "$(verdict export "$EL_TMP/grown" < "$EL_TMP/stream")" 1
made_stream 40000 > "$EL_TMP/first" 2> /dev/null
rm -r "$EL_TMP/grown"
el_is "one that ends with the same block" "$(verdict export "$EL_TMP/grown" < "$EL_TMP/first")" 0
el_is "does" "$(verdict export "$EL_TMP/grown" < "$EL_TMP/stream")" 0
el_is "into the same folder" "$(diff -rq "$EL_TMP/large" "$EL_TMP/grown" | grep -cv '^Only in .*/grown/.*\.p: ')" 0
el_is "which is whole" "$(verdict folder "$EL_TMP/grown" --against "$EL_TMP/large/checkpoints/40000")" 0
el_is "from any checkpoint to any other by its tiles" "$(for size in 1000 33000 65000 66000 70000; do
	for later in 34000 66000 69000 70000; do
		[ $later -lt $size ] || verdict checkpoints "$EL_TMP/large/checkpoints/$size" "$EL_TMP/large/checkpoints/$later" --tiles "$EL_TMP/grown"
	done; done | sort | uniq -c | tr -d ' \n')" 150
for file in tile/1/000 tile/1/001.p/17 tile/2/000.p/1; do
	cp "$EL_TMP/large/$file" "$EL_TMP/whole"
	flip "$EL_TMP/large/$file" "$(below "$(wc -c < "$EL_TMP/whole")")" "$(below 8)"
	el_is "a bit of $file flipped is one finding" "$(verdict folder "$EL_TMP/large") $(grep -c "large/$file: tile_hash" "$EL_TMP/said")" "1 1"
	el_is "and no proof is made of it" "$(for size in $(seq 1000 3000 67000); do
		verdict checkpoints "$EL_TMP/large/checkpoints/$size" "$EL_TMP/large/checkpoint" --tiles "$EL_TMP/large"
	done | sort -u | tr -d '0\n')" 1
	cp "$EL_TMP/whole" "$EL_TMP/large/$file"
done

# -- a partial file that should have gone must still be the beginning of the full one
mkdir "$EL_TMP/large/tile/1/000.p"
head -c 224 "$EL_TMP/large/tile/1/000" > "$EL_TMP/large/tile/1/000.p/7"
el_is "a partial tile beside the full one" "$(verdict folder "$EL_TMP/large")" 0
flip "$EL_TMP/large/tile/1/000.p/7" 100 3
el_is "is checked" "$(verdict folder "$EL_TMP/large") $(grep -c 'tile/1/000.p/7: partial' "$EL_TMP/said")" "1 1"

# -- another log of the same size, under the same name and key
made_stream 2100 > "$EL_TMP/stream" 2> /dev/null
made_stream 2100 other > "$EL_TMP/other" 2> /dev/null
el_is "two logs, each sound" "$(verdict export "$EL_TMP/one" < "$EL_TMP/stream")$(verdict export "$EL_TMP/two" < "$EL_TMP/other")" 00
el_is "the one's folder is not up to date with the other's stream" "$(verdict export "$EL_TMP/one" < "$EL_TMP/other")" 1
el_ok "from the leaf on that differs" grep -q 'leaf 41 is not the one that the folder has' "$EL_TMP/said"
el_is "and their checkpoints are a fork" "$(verdict checkpoints "$EL_TMP/one/checkpoint" "$EL_TMP/two/checkpoint")" 1
el_is "nor does the larger come before the smaller" "$(verdict checkpoints "$EL_TMP/one/checkpoint" "$EL_TMP/one/checkpoints/1000" --tiles "$EL_TMP/one")" 1
el_ok "as such" grep -q 'NEW is smaller than OLD' "$EL_TMP/said"

# -- what must not be, though it is signed
while read -r fault kind; do
	made_stream 2100 "$fault" > "$EL_TMP/stream" 2> /dev/null
	rm -rf "$EL_TMP/bad"
	verify export "$EL_TMP/bad" --json < "$EL_TMP/stream" > "$EL_TMP/said"
	el_is "$fault: refused as $kind" "$? $(sed 's/.*"reason": "\([a-z_]*\)".*/\1/' "$EL_TMP/said") $([ -e "$EL_TMP/bad/checkpoint" ] && echo written)" "1 $kind "
done <<'END'
schema schema_unknown
version schema_unknown
rows_root rows_root
run row_outside
order row_order
row_count row_count
one_row_more row_order
stray_row row_count
kind leaf_malformed
chain block_chain
height block_height
span block_span
origin wrong_origin
signature wrong_signature
size checkpoint_size
root checkpoint_root
no_checkpoint no_checkpoint
no_block cut
gap gap
END
el_done
