#!/bin/bash
# keys.sh: receipts, checkpoints and folders of a log whose key was changed, whose name
# was changed, and from which a value was erased.

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/verifier_lib.sh"

el_begin keys
el_site keys
grow 20
el_psql -c "CREATE TABLE person (name energyledger.redactable, born date) USING ledger" -c "INSERT INTO person VALUES ('Ada', '1815-12-10'), ('Alan', '1912-06-23')" \
	-c "SELECT energyledger.seal()" > /dev/null
row=$(el_psql -c "SELECT min(ledger_id) FROM person")
receipt() { el_psql -c "SELECT energyledger.receipt($row)"; }
keep() { receipt > "$EL_TMP/receipt$1"; el_psql -c "SELECT energyledger.checkpoint()" > "$EL_TMP/checkpoint$1"; }

keep 1
KEY1=$VKEY
el_psql -c "SELECT energyledger.rotate_key(true)" > /dev/null
grow 5
KEY2=$(el_psql -c "SELECT energyledger.site_vkey()")
keep 2
el_psql -c "SELECT energyledger.reopen('a test')" > /dev/null
grow 5
KEY3=$(el_psql -c "SELECT energyledger.site_vkey()")
keep 3
stream 0 > "$EL_TMP/stream"
el_psql -c "SELECT vkey FROM energyledger.site_vkeys()" > "$EL_TMP/vkeys"

# try KEYS ARG...: KEYS as digits
try()
{
	local keys=() key n

	for ((n = 0; n < ${#1}; n++)); do
		key=KEY${1:n:1}
		keys+=(--vkey "${!key}")
	done
	shift
	"$VERIFY" "$@" "${keys[@]}" > "$EL_TMP/said" 2>&1
	echo $?
}

el_is "three keys, two names" "$(cut -d+ -f1 "$EL_TMP/vkeys" | uniq | wc -l) $(sort -u "$EL_TMP/vkeys" | wc -l)" "2 3"
for n in 1 2 3; do
	el_is "a receipt of key $n verifies by it, and by all" "$(try $n receipt "$EL_TMP/receipt$n")$(try 123 receipt "$EL_TMP/receipt$n")" 00
	el_is "not by key $((n % 3 + 1))" "$(try $((n % 3 + 1)) receipt "$EL_TMP/receipt$n")" "1"
done
el_is "an export needs every key" "$(try 123 export "$EL_TMP/folder" < "$EL_TMP/stream")" 0
for keys in 1 2 3 12 23; do
	el_is "none is made with keys $keys alone" "$(try $keys export "$EL_TMP/other" < "$EL_TMP/stream")$(ls "$EL_TMP/other" 2> /dev/null | grep -c '^checkpoint$')" 10
done
el_is "nor is the folder whole by the last key" "$(try 3 folder "$EL_TMP/folder")" 1
el_ok "which is said of the old checkpoints" grep -q 'checkpoints/[0-9]*, leaf [0-9]*: other_key' "$EL_TMP/said"
el_is "by all three it is, and holds what was held from earlier" "$(try 123 folder "$EL_TMP/folder" --against "$EL_TMP/checkpoint1" --against "$EL_TMP/checkpoint2")" 0
el_is "keys as site_vkeys() lists them" "$("$VERIFY" folder "$EL_TMP/folder" --vkey-file "$EL_TMP/vkeys" > /dev/null; echo $?)" 0
el_is "the log grew on under the second key" "$(try 12 checkpoints "$EL_TMP/checkpoint1" "$EL_TMP/checkpoint2" --tiles "$EL_TMP/folder" --vkey "$KEY3")" 0
el_is "and under its second name" "$(try 123 checkpoints "$EL_TMP/checkpoint1" "$EL_TMP/checkpoint3" --tiles "$EL_TMP/folder")" 0

# -- a value erased: what was proven stays proven
commitment=$(try 3 receipt "$EL_TMP/receipt3" > /dev/null; grep 'name (energyledger.redactable' "$EL_TMP/said")
el_ok "a redactable value is shown as its commitment" grep -Eq 'bytes\): \\x[0-9a-f]{64}$' <<< "$commitment"
el_psql -c "SELECT energyledger.redact('person', $row, 'name', 'asked for')" > /dev/null
grow 3
keep 4
KEY4=$KEY3
el_is "its row's receipt verifies" "$(try 4 receipt "$EL_TMP/receipt4")" 0
el_is "with the same commitment" "$(grep 'name (energyledger.redactable' "$EL_TMP/said")" "$commitment"
el_is "the old receipt too" "$(try 4 receipt "$EL_TMP/receipt3")" 0
stream "$("$VERIFY" export "$EL_TMP/folder" --next)" > "$EL_TMP/stream"
el_is "the folder grows on, whole" "$(try 123 export "$EL_TMP/folder" < "$EL_TMP/stream")$(try 123 folder "$EL_TMP/folder" --against "$EL_TMP/checkpoint4")" 00
stream 0 > "$EL_TMP/stream"
el_is "and a new one made after is the same" "$(try 123 export "$EL_TMP/again" < "$EL_TMP/stream")$(diff -rq "$EL_TMP/folder" "$EL_TMP/again" | grep -cv '^Only in .*/folder/.*\.p: ')" 00
el_done
