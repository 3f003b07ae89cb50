#!/bin/bash
# independent.sh: that doc/format.md is enough to write another verifier.  independent.mjs was written from that page
# alone; here it gets a log with all that the page describes: every column type, savepoints, added and renamed columns,
# renamed, converted and retired tables, a redaction, a second key and a second name, tiles of two levels and old
# partial files.  It must take the folder and the receipts, and refuse both where a bit of them is another.
#
# SEED=N flips other bits.

. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

SEED=${SEED:-1}
if ! node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2> /dev/null; then
	el_skip "the second verifier" "there is no node of version 20 or later"
	el_done
fi

el_begin independent
el_cluster main "energyledger.seal_interval = 0" "fsync = off"

FOLDER=$EL_TMP/folder
OUT=$EL_TMP/log/second

second()
{
	node "$EL_ROOT/test/verifier/independent.mjs" "$@" > "$OUT" 2>&1
}

# Takes it, or says what it has against it.
takes()
{
	second "$@" || { sed 's/^/# /' "$OUT"; return 1; }
}

# Status 1 with a reason in words: an exception of node's has status 1 as well.
refuses()
{
	second "$@"
	[ $? = 1 ] && grep -q '^not verified: ' "$OUT" || { sed 's/^/# /' "$OUT"; return 1; }
}

seal_and_export()
{
	local from

	el_psql -c "SELECT energyledger.seal()" > /dev/null
	from=$(energyledger-verify export "$FOLDER" --next) || el_die "the folder does not say where to go on"
	el_psql -c "COPY (SELECT * FROM energyledger.export($from)) TO STDOUT (FORMAT binary)" > "$EL_TMP/stream"
	energyledger-verify export "$FOLDER" "$@" < "$EL_TMP/stream" > "$EL_TMP/log/export" 2>&1 ||
		{ cat "$EL_TMP/log/export" >&2; el_die "the export failed"; }
}

# Flips one bit of a file, of its bytes from FIRST on, COUNT of them.
flip()
{
	local at bit byte

	at=$(($2 + (RANDOM * 32768 + RANDOM) % $3))
	bit=$((RANDOM % 8))
	byte=$(od -An -tu1 -j "$at" -N 1 "$1")
	printf "\\x$(printf %02x $((byte ^ (1 << bit))))" | dd of="$1" bs=1 seek="$at" conv=notrunc status=none
	FLIPPED="bit $bit of byte $at"
}

# ---------------------------------------------------------------- a log with everything

el_psql > /dev/null <<'SQL' || el_die "the tables could not be made"
CREATE EXTENSION pg_energyledger;
CREATE SCHEMA app; CREATE SCHEMA kind;
CREATE TYPE kind.mood AS ENUM ('happy', 'Not "so" happy');
CREATE TYPE kind.span AS RANGE (subtype = float8);
CREATE DOMAIN kind."Pos Int" AS int CHECK (value > 0);
CREATE DOMAIN kind.ids AS int[];
CREATE TABLE every_type (
	b boolean, i2 smallint, i4 integer, i8 bigint, r real, d double precision, n numeric, n2 numeric(10,2),
	t text, v varchar(10), c char(5), na name, j json, jb jsonb, by bytea, da date, u uuid, i inet, ci cidr,
	ti time, ti3 time(3), tz timetz, tz2 timetz(2), ts timestamp, ts0 timestamp(0), tsz timestamptz, tsz3 timestamptz(3),
	iv interval, ivy interval year to month, ivs interval day to second(3), iv2 interval(2),
	r4 int4range, r8 int8range, rn numrange, rd daterange, rt tsrange, rtz tstzrange, rs kind.span,
	m kind.mood, dom kind."Pos Int", doma kind.ids, red energyledger.redactable,
	ai int[], an numeric(10,2)[], av varchar(3)[], ac char(3)[], am kind.mood[], adom kind."Pos Int"[], ats timestamptz(0)[],
	ar int4range[], ab bytea[], aiv interval(2)[], aj jsonb[]) USING ledger;
INSERT INTO every_type VALUES (
	true, -2, 4, -8, 1.5, 'NaN', 12345.6789, 3.14, 'Zähler', 'abc', 'ä', 'na', '{"a": 1}', '{"b": [2, "ü"]}', '\x00ff', '2030-01-31',
	'00112233-4455-6677-8899-aabbccddeeff', '10.1.2.3/8', '2001:db8::/32', '24:00', '12:34:56.789', '12:00+02', '01:02:03.45-11',
	'1970-01-01', '1969-12-31 23:59:59', '2030-01-01 00:00:00.123456+00', '1999-12-31 23:59:59.999+00', '-1 mon 2 days', '3 years', '1 day 02:03:04.567',
	'0.12 s', '[1,5)', '(,7]', '[1.5,)', 'empty', '[2020-01-01,2021-01-01)', '(,)', '[0.5,1.5]', 'Not "so" happy', 7, '{1,2}', 'name of a customer',
	'[2:3][-1:0]={{1,NULL},{3,4}}', '{1.25,NaN,NULL}', '{abc,""}', '{a,bcd}', '{happy,NULL}', '{1}', '{2030-01-01}', '{"[1,2)",empty}', '{"\\x","\\x01"}', '{1 day}', '{"{\"x\": null}"}');
INSERT INTO every_type (b, n, t, da, ts, tsz, d, i, ai, iv, jb, c, by, rn) VALUES (false, '-0.0001', '', 'infinity', '-infinity', 'infinity', '-0', '::1', '{}', '-1 year', '"x"', '', '', '(,)');
INSERT INTO every_type DEFAULT VALUES;
CREATE TABLE app."Odd ""Näme""" ("a b" int, "+" text) USING ledger;
INSERT INTO app."Odd ""Näme""" SELECT i, repeat('x', i % 7) FROM generate_series(1, 1100) i;
CREATE TABLE saved (x int) USING ledger;
BEGIN;
INSERT INTO saved VALUES (1);
SAVEPOINT a; INSERT INTO saved VALUES (2); ROLLBACK TO a;
INSERT INTO saved VALUES (3);
SAVEPOINT b; INSERT INTO saved SELECT 4 FROM generate_series(1, 600); ROLLBACK TO b;
INSERT INTO saved VALUES (5);
SAVEPOINT c; INSERT INTO saved VALUES (6); ROLLBACK TO c;
COMMIT;
BEGIN;
SAVEPOINT a; INSERT INTO saved VALUES (1); ROLLBACK TO a;
INSERT INTO saved VALUES (2);
COMMIT;
CREATE TABLE once (k int UNIQUE) USING ledger;
INSERT INTO once VALUES (1), (1), (2), (2), (3), (3) ON CONFLICT DO NOTHING;
CREATE TABLE made (a int, ledger_id bigint NOT NULL DEFAULT 0, b int GENERATED ALWAYS AS (a * 2) STORED) PARTITION BY RANGE (a);
CREATE TABLE made_1 PARTITION OF made FOR VALUES FROM (0) TO (10) USING ledger;
CREATE TABLE made_2 PARTITION OF made FOR VALUES FROM (10) TO (20) USING ledger;
INSERT INTO made (a) SELECT i * 7 % 20 FROM generate_series(1, 9) i;
SQL
KEY1=$(el_psql -c "SELECT energyledger.site_vkey()")
seal_and_export --vkey "$KEY1"
el_psql -c "SELECT energyledger.receipt(min(ledger_id)) FROM every_type" > "$EL_TMP/first.json"

el_psql > /dev/null <<'SQL' || el_die "the tables could not be changed"
ALTER TABLE saved ADD COLUMN y text;
INSERT INTO saved (x, y) VALUES (7, 'seven');
ALTER TABLE saved RENAME y TO "why not";
INSERT INTO saved (x, "why not") VALUES (8, 'eight');
ALTER TABLE saved RENAME TO kept;
INSERT INTO kept (x, "why not") VALUES (9, 'nine');
CREATE TABLE saved (z bytea) USING ledger;
INSERT INTO saved VALUES ('\x00');
ALTER TABLE every_type RENAME TO many_types;
SELECT energyledger.redact('many_types', (SELECT min(ledger_id) FROM many_types), 'red', 'asked for');
CREATE TABLE old_rows AS SELECT i, i::text AS t FROM generate_series(1, 700) i;
SELECT energyledger.convert('old_rows');
SELECT energyledger.retire('once', 'made for it');
ALTER SCHEMA app RENAME TO application;
INSERT INTO application."Odd ""Näme""" VALUES (0, 'after');
SQL
seal_and_export --vkey "$KEY1"

# ---------------------------------------------------------------- forged with the site's own key

forged()
{
	local name reason said failed=0 folders

	mapfile -t folders < <(sed "s|^\([^ ]*\) .*|$EL_TMP/forged/\1|" "$EL_TMP/faults")
	second folder "${folders[@]}" --vkey "$KEY1"
	while read -r name reason <&3 && read -r said <&4; do
		[[ $said =~ $reason ]] || { echo "# $name: $said"; failed=1; }
	done 3< "$EL_TMP/faults" 4< "$OUT"
	[ "$(wc -l < "$OUT")" = "$(wc -l < "$EL_TMP/faults")" ] && [ $failed = 0 ]
}

node "$EL_ROOT/test/verifier/independent_forge.mjs" "$FOLDER" "$EL_PGDATA/energyledger_site.key" "$EL_TMP/forged" > "$EL_TMP/faults" ||
	el_die "the forger failed"
el_is "folders were forged" "$(wc -l < "$EL_TMP/faults")" 28
el_ok "what is wrong is named, though tree and signatures are right" forged

# ---------------------------------------------------------------- keys and names

el_psql > /dev/null <<'SQL' || el_die "the keys could not be changed"
SELECT energyledger.rotate_key();
SELECT energyledger.retire('kept', 'replaced');
SQL
KEY2=$(el_psql -c "SELECT energyledger.site_vkey()")
# an entry each, so that there are more than 256 leaves
yes "INSERT INTO saved VALUES (decode(md5(random()::text), 'hex'));" | head -215 | el_psql
seal_and_export --vkey "$KEY1" --vkey "$KEY2"
el_ok "a folder of two keys is taken with the newest" takes folder "$FOLDER" --vkey "$KEY2"
el_ok "and with the first, which handed over to it" takes folder "$FOLDER" --vkey "$KEY1"
el_ok "a row that was redacted and whose table was renamed since" takes receipt "$EL_TMP/first.json" --vkey "$KEY1"

el_psql > /dev/null <<'SQL' || el_die "the log could not be named"
SELECT energyledger.reopen('a new name');
INSERT INTO saved VALUES (NULL);
SQL
KEY3=$(el_psql -c "SELECT energyledger.site_vkey()")
seal_and_export --vkey "$KEY1" --vkey "$KEY2" --vkey "$KEY3"
el_psql -c "INSERT INTO saved VALUES ('\xff')" -c "SELECT energyledger.rotate_key()" > /dev/null
KEY4=$(el_psql -c "SELECT energyledger.site_vkey()")
seal_and_export --vkey "$KEY1" --vkey "$KEY2" --vkey "$KEY3" --vkey "$KEY4"
# a block signed by one key: a line of an unknown key is ignored, as signed-note has it, and so is a bit of its name
el_psql -c "INSERT INTO saved VALUES ('\xfe')"
seal_and_export --vkey "$KEY1" --vkey "$KEY2" --vkey "$KEY3" --vkey "$KEY4"

el_ok "a folder with all that the page describes" takes folder "$FOLDER" --vkey "$KEY3"
el_is "has all its leaves, blocks and rows in it" "$(cat "$OUT")" \
	"verified: $(el_psql -c "SELECT max(first_index + leaf_count) + 1 FROM energyledger.block") leaves, 6 blocks, $(el_psql -c "SELECT sum(row_count) FROM energyledger.entry") rows"
el_is "tiles of two levels, and a partial one of an older checkpoint" \
	"$(cd "$FOLDER" && ls -d tile/0/000 tile/1/000.p/1 2>&1; [ "$(ls tile/0/001.p | wc -l)" -gt 1 ] && echo partial)" "$(printf 'tile/0/000\ntile/1/000.p/1\npartial')"
el_ok "a key of another name's is not enough" refuses folder "$FOLDER" --vkey "$KEY2"
OTHER=$(node -e '
	const { createHash, generateKeyPairSync } = require("node:crypto");
	const name = process.argv[1].split("+")[0];
	const key = Buffer.concat([Buffer.from([1]), generateKeyPairSync("ed25519").publicKey.export({ format: "der", type: "spki" }).subarray(12)]);
	console.log(name + "+" + createHash("sha256").update(name + "\n").update(key).digest("hex").slice(0, 8) + "+" + key.toString("base64"));
' "$KEY4")
el_ok "nor another key under the same name" refuses folder "$FOLDER" --vkey "$OTHER"

# ---------------------------------------------------------------- a bit of every file

RANDOM=$SEED
damaged()
{
	local file failed=0

	while IFS= read -r file; do
		el_progress "a bit of $file"
		cp "$file" "$EL_TMP/whole"
		flip "$file" 0 "$(stat -c %s "$file")"
		refuses folder "$FOLDER" --vkey "$KEY4" || { echo "# $FLIPPED of $file was not noticed"; failed=1; }
		cp "$EL_TMP/whole" "$file"
	done
	return $failed
}

find "$FOLDER" -type f | sort > "$EL_TMP/files"
el_ok "a bit of each of the folder's files is noticed" damaged < "$EL_TMP/files"
el_ok "and with each of them put back the folder is taken" takes folder "$FOLDER" --vkey "$KEY4"
cp "$FOLDER/checkpoints/$(ls "$FOLDER/checkpoints" | sort -n | head -1)" "$EL_TMP/old"
cp "$FOLDER/checkpoint" "$EL_TMP/whole" && cp "$EL_TMP/old" "$FOLDER/checkpoint"
el_ok "an older checkpoint in the newest one's place is noticed" refuses folder "$FOLDER" --vkey "$KEY1"
cp "$EL_TMP/whole" "$FOLDER/checkpoint"
touch "$FOLDER/rows/002"
el_ok "a file that belongs to nothing is noticed" refuses folder "$FOLDER" --vkey "$KEY4"

# ---------------------------------------------------------------- receipts

# one of each table, under each of its names
el_psql > "$EL_TMP/receipts" <<'SQL'
SELECT energyledger.receipt(id) FROM (SELECT DISTINCT ON (relation) last_id - CASE WHEN row_count > 100 THEN 77 ELSE 0 END AS id FROM energyledger.entry ORDER BY relation, first_id DESC) e;
SQL
(cd "$EL_TMP" && split -l 1 receipts receipt-of-)
el_ok "a receipt of each table's" takes receipt "$EL_TMP"/receipt-of-* --vkey "$KEY4"

id=$(el_psql -c "SELECT first_id + 300 FROM energyledger.entry WHERE relation = 'public.old_rows' AND row_count > 400 LIMIT 1")
el_psql -c "SELECT energyledger.receipt($id)" > "$EL_TMP/receipt.json"
el_ok "a receipt of a long entry" takes receipt "$EL_TMP/receipt.json" --vkey "$KEY4"
el_ok "it is refused with another key" refuses receipt "$EL_TMP/receipt.json" --vkey "$OTHER"
el_ok "and with that of another name" refuses receipt "$EL_TMP/receipt.json" --vkey "$KEY2"

# None of the files is taken, and each is said to be refused.
refuses_all()
{
	second receipt "$@" --vkey "$KEY4"
	if [ "$(grep -c '^not verified: ' "$OUT")" != $# ] || [ "$(wc -l < "$OUT")" != $# ]; then
		printf '%s\n' "$@" | paste -d ' ' - "$OUT" | grep -v ' not verified: ' | sed 's/^/# /'
		return 1
	fi
}

# Two bits of every member, in what stands between its name and the next.
node -e '
	const text = require("node:fs").readFileSync(process.argv[1], "latin1");
	for (const [all, name, value] of text.matchAll(/"(\w+)": ("(?:[^"\\]|\\.)*"|\[[^\]]*\]|\d+)/g))
		console.log(name, text.indexOf(all) + all.length - value.length, value.length);
' "$EL_TMP/receipt.json" > "$EL_TMP/members"
while read -r member first count; do
	for n in 1 2; do
		cp "$EL_TMP/receipt.json" "$EL_TMP/bit-$member-$n"
		flip "$EL_TMP/bit-$member-$n" "$first" "$count"
	done
done < "$EL_TMP/members"
el_is "the receipt has ten members" "$(wc -l < "$EL_TMP/members")" 10
el_ok "two bits of each are noticed" refuses_all "$EL_TMP"/bit-*

# Other values, as well spelled.
cat > "$EL_TMP/changes" <<'JS'
j.ledger_id++
j.row_index++
j.row_index = j.row_count
j.row_count++
j.row_index = 0.5
j.relation = "public.old_row"
j.row_path.pop()
j.row_path.push(j.row_path[0])
j.row_path.reverse()
j.schema = j.entry
j.entry = j.schema
j.more = 1
delete j.relation
j.proof = j.proof.replace(/index \d+/, "index 3")
j.proof = j.proof.replace(/\n[^\n]*=\n/, "\n")
j.proof += "x"
j.row = j.row.replace(/=*$/, "AAAA")
JS
node -e '
	const fs = require("node:fs"), [receipt, changes, into] = process.argv.slice(1);
	fs.readFileSync(changes, "utf8").trim().split("\n").forEach((change, n) => {
		const j = JSON.parse(fs.readFileSync(receipt));
		eval(change);
		fs.writeFileSync(`${into}-${n}`, JSON.stringify(j));
	});
' "$EL_TMP/receipt.json" "$EL_TMP/changes" "$EL_TMP/change" || el_die "the receipt could not be changed"
el_is "the receipt is changed in other ways" "$(ls "$EL_TMP"/change-* | wc -l)" 17
el_ok "each is noticed" refuses_all "$EL_TMP"/change-*
sed 's/^{/{"row_count": 512, /' "$EL_TMP/receipt.json" > "$EL_TMP/twice"
el_ok "a member that comes twice is noticed" refuses_all "$EL_TMP/twice"

el_done
