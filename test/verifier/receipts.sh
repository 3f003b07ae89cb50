#!/bin/bash
# receipts.sh: receipts of rows of many types, and what is left of them when something
# in them is changed: energyledger-verify and verify_receipt() on the same ones.
#
# Replayed with SEED=n.

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/verifier_lib.sh"

el_begin receipts
el_site receipts

el_psql -v seed="$SEED" > /dev/null <<'SQL'
SELECT setseed(1.0 / :seed);
CREATE ROLE clerk;
CREATE TYPE mood AS ENUM ('well', 'badly');
CREATE DOMAIN amount AS numeric(12,3);
CREATE TABLE "Every ""thing""" (b boolean, i2 smallint, i4 integer, i8 bigint, f4 real, f8 double precision, n numeric,
	n2 numeric(12,2), t text, v varchar(20), c char(5), nm name, d date, ti time, ti3 time(3), ts timestamp, ts0 timestamp(0),
	tz timestamptz, u uuid, j json, jb jsonb, "Üben" text, by bytea, e mood, am amount, iv interval, ip inet, r int4range, a int[])
	USING ledger;
GRANT INSERT, SELECT ON "Every ""thing""" TO clerk;
GRANT CREATE, USAGE ON SCHEMA public TO clerk;
SET ROLE clerk;
INSERT INTO "Every ""thing""" VALUES (true, -32768, 2147483647, 9007199254740993, 0.1, 1e300, 12345.6789, 10.5, E'Gr\u00fc\u00dfe', 'vc', 'ch', 'nm',
	'2026-02-28', '12:34:56.789', '01:02:03.004', '1999-12-31 23:59:59.5', '2000-01-01', '2026-11-22 01:25:16.591628+02',
	'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a":  1}', '{"b": [1,2], "a": "\u20ac"}', '', '\x00ff', 'well', 5, '1 day 2 hours', '10.0.0.1', '[1,5)', '{1,NULL}');
INSERT INTO "Every ""thing""" (f4, f8, n, d, ts, tz) VALUES ('NaN', '-Infinity', 'NaN', 'infinity', '-infinity', 'infinity'),
	('-0', 5e-324, '-Infinity', '-infinity', '0044-03-15 BC', '0001-01-01 00:00:00+00 BC'),
	(3.4028235e38, 0.1::float8 + 0.2, 1e-20, '4713-01-01 BC', '294276-12-31 23:59:59.999999', '4713-01-01 00:00:00+00 BC');
INSERT INTO "Every ""thing""" (b, i2, i4, i8, f4, f8, n, n2, t, c, d, ti, ts, tz, u)
	SELECT random() < 0.5, (random() * 65535 - 32768)::int, (random() - 0.5) * 4e9, (random() - 0.5) * 1.8e19, (random() - 0.5) * 10 ^ (random() * 60 - 30)::int,
		(random() - 0.5) * 10 ^ (random() * 600 - 300)::int, ((random() - 0.5) * 10 ^ (random() * 30 - 10)::int)::numeric,
		(random() - 0.5) * 1e9, repeat(chr(161 + (random() * 900)::int), g), chr(97 + g % 26), date '2000-01-01' + ((random() - 0.5) * 4e6)::int % 730000,
		time '00:00' + random() * interval '23 hours', timestamp '2000-01-01' + (random() - 0.5) * interval '1900 years',
		timestamptz '2000-01-01' + (random() - 0.5) * interval '1900 years', gen_random_uuid()
	FROM generate_series(1, 600) g;
RESET ROLE;
ALTER TABLE "Every ""thing""" ADD COLUMN later bigint;
INSERT INTO "Every ""thing""" (t, later) VALUES (E'a\nb\u0007\\x"', 7), (NULL, NULL);
BEGIN;
INSERT INTO "Every ""thing""" (t) VALUES ('first');
SAVEPOINT s;
INSERT INTO "Every ""thing""" (t) VALUES ('taken back');
ROLLBACK TO s;
INSERT INTO "Every ""thing""" (t) VALUES ('last');
COMMIT;
SELECT energyledger.seal();
-- what the tool prints, made by PostgreSQL: a line a column
SET DateStyle = ISO;
CREATE FUNCTION shown(id bigint) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	c record;
	value text;
BEGIN
	FOR c IN SELECT attname, atttypid, format_type(atttypid, atttypmod) AS type FROM pg_attribute
		WHERE attrelid = '"Every ""thing"""'::regclass AND attnum > 0 AND attname <> 'ledger_id'
		AND atttypid NOT IN ('bytea'::regtype, 'mood'::regtype, 'amount'::regtype, 'interval'::regtype, 'inet'::regtype, 'int4range'::regtype, 'int[]'::regtype)
		ORDER BY attnum
	LOOP
		EXECUTE format('SELECT CASE WHEN %1$I IS NULL THEN ''NULL'' ELSE %2$s END FROM "Every ""thing""" WHERE ledger_id = $1', c.attname,
			CASE WHEN c.atttypid = 'boolean'::regtype THEN format('%I::text', c.attname) ELSE format('concat(%I)', c.attname) END) INTO value USING id;
		RETURN NEXT format('    %s (%s): %s', c.attname, c.type, replace(replace(value, E'\n', '\x0a'), chr(7), '\x07'));
	END LOOP;
END $$;
SQL

TABLE='"Every ""thing"""'
el_psql -c "SELECT ledger_id FROM $TABLE ORDER BY ledger_id" > "$EL_TMP/ids"
el_psql -c "SELECT energyledger.receipt(ledger_id) FROM $TABLE ORDER BY ledger_id" > "$EL_TMP/receipts"
el_is "all rows have receipts" "$(wc -l < "$EL_TMP/receipts")" "$(wc -l < "$EL_TMP/ids")"
el_is "which verify in SQL" "$(el_psql -c "SELECT count(*) FROM $TABLE t, energyledger.receipt(ledger_id) x
	WHERE NOT energyledger.verify_receipt(x, '$VKEY') OR energyledger.receipt_failure(x, '$VKEY') IS NOT NULL")" 0

# -- a third of them by the tool
bad=0
sed -n '1~3p' "$EL_TMP/receipts" > "$EL_TMP/some"
while read -r line; do
	printf '%s\n' "$line" > "$EL_TMP/one"
	[ "$(verdict receipt "$EL_TMP/one")" = 0 ] || bad=$((bad + 1))
done < "$EL_TMP/some"
el_is "and by energyledger-verify" $bad 0

# -- what is shown is what PostgreSQL shows
: > "$EL_TMP/shown" > "$EL_TMP/wanted"
for n in 1 2 3 4 $(seq 5 23 600) 605 606 607 608; do
	sed -n "${n}p" "$EL_TMP/receipts" > "$EL_TMP/one"
	verify receipt "$EL_TMP/one" | grep -a '^    ' | grep -av ', bytes): ' |
		grep -avE '^    (by|e|am|iv|ip|r|a) \(.*\): NULL$' >> "$EL_TMP/shown"
	el_psql -c "SELECT * FROM shown($(sed -n "${n}p" "$EL_TMP/ids"))" | grep -av ' (bytes): ' >> "$EL_TMP/wanted"
done
# a version registered before the column came does not list it
grep -av '^    later (bigint): NULL$' "$EL_TMP/wanted" > "$EL_TMP/wanted1"
grep -av '^    later (bigint): NULL$' "$EL_TMP/shown" > "$EL_TMP/shown1"
el_ok "columns are shown as PostgreSQL shows them ($(wc -l < "$EL_TMP/shown1") values)" diff "$EL_TMP/wanted1" "$EL_TMP/shown1"

head -1 "$EL_TMP/receipts" > "$EL_TMP/good"
verify receipt "$EL_TMP/good" > "$EL_TMP/said"
el_ok "and table, id, role and size with them" bash -c "grep -q 'relation *public.Every \"thing\"' '$EL_TMP/said' &&
	grep -q 'ledger_id *$(head -1 "$EL_TMP/ids")' '$EL_TMP/said' && grep -q 'role *clerk' '$EL_TMP/said' && grep -q 'log_size' '$EL_TMP/said'"
el_is "control characters do not reach the terminal" "$(sed -n 605p "$EL_TMP/receipts" | verify receipt - | grep -ac $'\a')" 0
verify receipt "$EL_TMP/good" --json > "$EL_TMP/json"
el_is "--json is one JSON object" "$(el_psql -v j="$(cat "$EL_TMP/json")" <<< "SELECT j->>'result', j->>'reason', j->>'relation', j->>'role', jsonb_array_length(j->'columns') FROM (SELECT :'j'::jsonb AS j) x")" \
	'verified|valid|public.Every "thing"|clerk|29'

# -- keys
OTHER=example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k
one() { "$VERIFY" receipt "$EL_TMP/good" "$@" > "$EL_TMP/said" 2>&1; echo $?; }
el_is "a key that did not sign: 1" "$(one --vkey "$OTHER")" 1
el_is "one of several that did: 0" "$(one --vkey "$OTHER" --vkey "$VKEY")" 0
printf '# keys\n%s\n%s\n' "$OTHER" "$VKEY" > "$EL_TMP/keys"
el_is "keys from a file: 0" "$(one --vkey-file "$EL_TMP/keys")" 0
el_is "no key: 2" "$(one)" 2
el_is "a key that is none: 2" "$(one --vkey "${VKEY}A")" 2
el_is "no such receipt: 2" "$(verdict receipt "$EL_TMP/none")" 2
el_is "no such command: 2" "$(verdict recipt "$EL_TMP/good")" 2
el_is "an empty file: 1" "$(verdict receipt /dev/null)" 1
el_is "SQL refuses a key that is none" \
	"$(el_psql -c "SELECT energyledger.verify_receipt('{}', 'no key')" 2>&1 | grep -c 'invalid verifier key')" 1

# -- changed: each member as a whole; each byte of row, entry, schema and each character of the proof
el_psql -v seed="$SEED" -v good="$(cat "$EL_TMP/good")" -v third="$(sed -n 300p "$EL_TMP/receipts")" > "$EL_TMP/changed" <<'SQL'
SELECT setseed(1.0 / :seed) \g /dev/null
CREATE TEMP TABLE receipt AS SELECT :'good'::jsonb AS r, :'third'::jsonb AS other;
CREATE FUNCTION pg_temp.b(x bytea) RETURNS text LANGUAGE sql AS $$ SELECT replace(encode(x, 'base64'), E'\n', '') $$;
SELECT r - k FROM receipt, jsonb_object_keys(r) k;
SELECT jsonb_set(r, ARRAY[k], v::jsonb) FROM receipt, jsonb_object_keys(r) k, unnest(ARRAY['null', '1', '"x"', '[]', '{}', '-1', '1.5', 'true', '""']) v WHERE r->k <> v::jsonb;
SELECT jsonb_set(r, ARRAY[k], other->k) FROM receipt, jsonb_object_keys(r) k WHERE r->k <> other->k;
SELECT r || '{"more": 1}' FROM receipt;
SELECT jsonb_set(r, ARRAY[k], to_jsonb((r->>k)::bigint + d)) FROM receipt, unnest(ARRAY['ledger_id', 'row_index', 'row_count']) k, unnest(ARRAY[-1, 1, 256]) d;
SELECT jsonb_set(r, ARRAY[k], to_jsonb(pg_temp.b(set_byte(d, i, get_byte(d, i) # (1 << (random() * 7)::int)))))
  FROM receipt, unnest(ARRAY['row', 'entry', 'schema']) k, LATERAL (SELECT decode(r->>k, 'base64') AS d) x, generate_series(0, length(d) - 1) i;
SELECT jsonb_set(r, ARRAY[k], to_jsonb(pg_temp.b(substr(d, 1, length(d) - 1)))) FROM receipt, unnest(ARRAY['row', 'entry', 'schema']) k, LATERAL (SELECT decode(r->>k, 'base64') AS d) x;
SELECT jsonb_set(r, ARRAY[k], to_jsonb(pg_temp.b(d || '\x00'))) FROM receipt, unnest(ARRAY['row', 'entry', 'schema']) k, LATERAL (SELECT decode(r->>k, 'base64') AS d) x;
SELECT jsonb_set(r, '{proof}', to_jsonb(overlay(r->>'proof' PLACING chr(ascii(substr(r->>'proof', i, 1)) # (1 << (random() * 4)::int)) FROM i FOR 1)))
  FROM receipt, generate_series(1, length(r->>'proof')) i;
SELECT jsonb_set(r, '{proof}', to_jsonb(left(r->>'proof', i))) FROM receipt, generate_series(0, length(r->>'proof') - 1, 7) i;
SELECT jsonb_set(other, ARRAY['row_path', i::text], to_jsonb(pg_temp.b(set_byte(d, n, get_byte(d, n) # (1 << (random() * 7)::int)))))
  FROM receipt, generate_series(0, jsonb_array_length(other->'row_path') - 1) i, LATERAL (SELECT decode(other->'row_path'->>i, 'base64') AS d) x,
	generate_series(0, 31) n;
SELECT jsonb_set(other, '{row_path}', (other->'row_path') - i) FROM receipt, generate_series(0, jsonb_array_length(other->'row_path') - 1) i;
SQL
changed=$(wc -l < "$EL_TMP/changed")
el_ok "more than a thousand receipts that are changed" test "$changed" -gt 1000
wrong=0
while read -r line; do
	printf '%s\n' "$line" > "$EL_TMP/one"
	status=$(verdict receipt "$EL_TMP/one")
	if [ "$status" != 1 ]; then
		wrong=$((wrong + 1))
		echo "# status $status: $line"
	fi
done < "$EL_TMP/changed"
el_is "energyledger-verify refuses each with status 1" $wrong 0
el_psql > /dev/null <<-SQL
	CREATE TABLE changed (r jsonb);
	\copy changed FROM '$EL_TMP/changed' WITH (FORMAT csv, DELIMITER E'\x01', QUOTE E'\x02')
SQL
el_is "and SQL refuses each" "$(el_psql -c "SELECT count(*), count(*) FILTER (WHERE energyledger.verify_receipt(r, '$VKEY')),
	count(*) FILTER (WHERE energyledger.receipt_failure(r, '$VKEY') IS NULL) FROM changed")" "$changed|0|0"
el_is "with every reason that can be had this way" "$(el_psql -c "SELECT string_agg(DISTINCT energyledger.receipt_failure(r, '$VKEY'), ' ') FROM changed")" \
	"entry_malformed malformed not_in_entry not_in_log note_malformed other_key other_ledger_id other_relation other_row_count other_schema proof_malformed unknown_format wrong_signature"

# -- random damage to the text of the receipt, white space aside
wrong=0
size=$(($(wc -c < "$EL_TMP/good") - 1))
for i in $(seq 300); do
	cp "$EL_TMP/good" "$EL_TMP/one"
	flip "$EL_TMP/one" "$(below "$size")" "$(below 5)"
	status=$(verdict receipt "$EL_TMP/one")
	if [ "$status" != 1 ]; then
		wrong=$((wrong + 1))
		cmp -l "$EL_TMP/good" "$EL_TMP/one" | sed "s/^/# status $status: /"
	fi
done
el_is "300 flipped bits anywhere are refused" $wrong 0
for i in $(seq 40); do
	head -c "$(below "$size")" "$EL_TMP/good" > "$EL_TMP/one"
	[ "$(verdict receipt "$EL_TMP/one")" = 1 ] || wrong=$((wrong + 1))
done
el_is "and 40 receipts cut short" $wrong 0
el_done
