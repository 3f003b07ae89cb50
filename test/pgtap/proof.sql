/*
 * proof.sql: how the checks of signatures, proofs and notes answer in SQL: what
 * is false, what is an error and with which code, who may call them.  That they
 * compute the right thing is shown by test/unit and test/vectors.
 */
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;

BEGIN;
SET LOCAL search_path = energyledger, public;
SELECT no_plan();

-- Signatures: whatever is wrong is false.  RFC 8032 TEST 2; RFC 6979 A.2.5.
CREATE TEMP TABLE signed (verifier text, key bytea, message bytea, signature bytea);
INSERT INTO signed VALUES
	('ed25519_verify', '\x3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c', '\x72',
	 '\x92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00'),
	('p256_verify', '\x0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb67903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299', 'sample',
	 '\xefd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8');

CREATE FUNCTION pg_temp.verify(s signed, key bytea, message bytea, signature bytea) RETURNS boolean
LANGUAGE sql
RETURN CASE s.verifier
	WHEN 'ed25519_verify' THEN ed25519_verify(key, message, signature)
	ELSE p256_verify(key, message, signature)
END;

SELECT ok(pg_temp.verify(s, key, message, signature), verifier || ': right') FROM signed s;
SELECT ok(NOT pg_temp.verify(s, key, message || 'x', signature), verifier || ': another message') FROM signed s;
SELECT ok(NOT pg_temp.verify(s, substr(key, 1, length(key) - 1), message, signature), verifier || ': a key one byte short') FROM signed s;
SELECT ok(NOT pg_temp.verify(s, key || '\x00', message, signature), verifier || ': a key one byte long') FROM signed s;
SELECT ok(NOT pg_temp.verify(s, '', message, signature), verifier || ': no key') FROM signed s;
SELECT ok(NOT pg_temp.verify(s, key, message, substr(signature, 1, 63)), verifier || ': 63 bytes of signature') FROM signed s;
SELECT ok(NOT pg_temp.verify(s, key, message, signature || '\x00'), verifier || ': 65 bytes of signature') FROM signed s;
SELECT ok(NOT pg_temp.verify(s, key, message, ''), verifier || ': no signature') FROM signed s;
SELECT ok(pg_temp.verify(s, NULL, message, signature) IS NULL, verifier || ': NULL for a NULL') FROM signed s;

-- Hashing.  A value from a table may be compressed or stored out of line.
SELECT is(leaf_hash(''), sha256('\x00'), 'leaf_hash of nothing');
SELECT is(leaf_hash('abc'), sha256('\x00'::bytea || 'abc'), 'leaf_hash prefixes a zero byte');
CREATE TEMP TABLE large (data bytea);
INSERT INTO large SELECT convert_to(repeat('reading ', 200000), 'UTF8');
INSERT INTO large SELECT string_agg(sha256(i::text::bytea), '' ORDER BY i) FROM generate_series(1, 20000) i;
SELECT is(leaf_hash(data), sha256('\x00'::bytea || data), format('leaf_hash of %s toasted bytes', length(data))) FROM large;
SELECT is(merkle_root(array_agg(data ORDER BY length(data))),
	sha256('\x01'::bytea || string_agg(leaf_hash(data), '' ORDER BY length(data))), 'merkle_root of toasted entries') FROM large;

SELECT is(merkle_root('{}'), sha256(''), 'merkle_root of no entries');
SELECT is(merkle_root(ARRAY['a'::bytea]), leaf_hash('a'), 'merkle_root of one entry');
SELECT is(merkle_root(ARRAY['a', 'b', 'c']::bytea[]),
	sha256('\x01'::bytea || sha256('\x01'::bytea || leaf_hash('a') || leaf_hash('b')) || leaf_hash('c')), 'merkle_root of three entries');
SELECT is(merkle_root('[5:6]={a,b}'::bytea[]), merkle_root('{a,b}'::bytea[]), 'merkle_root does not mind where an array starts');
SELECT throws_ok($$SELECT merkle_root('{{a,b}}'::bytea[])$$, '22023', 'argument "entries" must be a one-dimensional array', 'merkle_root: two dimensions');
SELECT throws_ok($$SELECT merkle_root('{a,NULL}'::bytea[])$$, '22004', 'argument "entries" must not contain NULLs', 'merkle_root: a NULL entry');

-- Proofs in the tree of a, b, c
CREATE TEMP VIEW tree AS
SELECT leaf_hash('a') AS a, leaf_hash('b') AS b, leaf_hash('c') AS c,
	merkle_root(ARRAY['a', 'b']::bytea[]) AS ab, merkle_root(ARRAY['a', 'b', 'c']::bytea[]) AS abc;

SELECT ok(verify_inclusion(a, 0, 3, ARRAY[b, c], abc), 'inclusion of the first leaf') FROM tree;
SELECT ok(verify_inclusion(b, 1, 3, ARRAY[a, c], abc), 'inclusion of the second leaf') FROM tree;
SELECT ok(verify_inclusion(c, 2, 3, ARRAY[ab], abc), 'inclusion of the third leaf') FROM tree;
SELECT ok(verify_inclusion(a, 0, 1, '{}', a), 'inclusion in a tree of one') FROM tree;
SELECT ok(NOT verify_inclusion(b, 0, 3, ARRAY[b, c], abc), 'another leaf is not included') FROM tree;
SELECT ok(NOT verify_inclusion(a, 1, 3, ARRAY[b, c], abc), 'nor is the leaf at another index') FROM tree;
SELECT ok(NOT verify_inclusion(a, 0, 3, ARRAY[c, b], abc), 'nor by a proof in another order') FROM tree;
SELECT ok(verify_consistency(2, 3, ARRAY[c], ab, abc), 'consistency') FROM tree;
SELECT ok(verify_consistency(3, 3, '{}', abc, abc), 'consistency with itself') FROM tree;
SELECT ok(verify_consistency(0, 3, '{}', sha256(''), abc), 'consistency with the empty tree') FROM tree;
SELECT ok(NOT verify_consistency(2, 3, ARRAY[b], ab, abc), 'consistency by another hash') FROM tree;
SELECT ok(NOT verify_consistency(3, 3, '{}', ab, abc), 'another root of the same size') FROM tree;
SELECT ok(NOT verify_consistency(0, 3, '{}', ab, abc), 'another root of the empty tree') FROM tree;

SELECT throws_ok(format('SELECT verify_inclusion(%s) FROM tree', c.arguments), c.code, c.message, 'verify_inclusion: ' || c.what)
FROM (VALUES
	($$'\x00', 0, 3, ARRAY[b, c], abc$$, '22023', 'argument "leaf_hash" must be a hash of 32 bytes', 'a leaf hash of one byte'),
	($$a, 0, 3, ARRAY[b, c], abc || '\x00'$$, '22023', 'argument "root" must be a hash of 32 bytes', 'a root of 33 bytes'),
	($$a, 0, 3, ARRAY[b, c || '\x00'], abc$$, '22023', 'every element of argument "proof" must be a hash of 32 bytes', 'a hash of 33 bytes'),
	($$a, 0, 3, ARRAY[b, ''], abc$$, '22023', 'every element of argument "proof" must be a hash of 32 bytes', 'an empty hash'),
	($$a, 0, 3, ARRAY[b, NULL], abc$$, '22004', 'argument "proof" must not contain NULLs', 'a NULL hash'),
	($$a, 0, 3, ARRAY[ARRAY[b, c]], abc$$, '22023', 'argument "proof" must be a one-dimensional array', 'two dimensions'),
	($$a, 0, 3, array_fill(b, ARRAY[65]), abc$$, '22023', 'argument "proof" has too many hashes', '65 hashes'),
	($$a, 0, 3, array_fill(b, ARRAY[64]), abc$$, '22023', 'proof has the wrong number of hashes', '64 hashes'),
	($$a, 0, 3, ARRAY[b], abc$$, '22023', 'proof has the wrong number of hashes', 'a hash too few'),
	($$a, 0, 3, ARRAY[b, c, c], abc$$, '22023', 'proof has the wrong number of hashes', 'a hash too many'),
	($$a, -1, 3, ARRAY[b, c], abc$$, '22023', 'argument "index" must not be negative', 'a negative index'),
	($$a, 0, -1, ARRAY[b, c], abc$$, '22023', 'argument "size" must not be negative', 'a negative size'),
	($$a, 3, 3, ARRAY[b, c], abc$$, '22023', 'index is outside the tree', 'the index after the last'),
	($$a, 0, 0, '{}', a$$, '22023', 'index is outside the tree', 'an index in the empty tree'),
	($$a, 9223372036854775807, 9223372036854775807, '{}', a$$, '22023', 'index is outside the tree', 'the largest numbers')
) c (arguments, code, message, what);

SELECT throws_ok(format('SELECT verify_consistency(%s) FROM tree', c.arguments), c.code, c.message, 'verify_consistency: ' || c.what)
FROM (VALUES
	($$2, 3, ARRAY[c], '', abc$$, '22023', 'argument "root1" must be a hash of 32 bytes', 'an empty root1'),
	($$2, 3, ARRAY[c], ab, substr(abc, 2)$$, '22023', 'argument "root2" must be a hash of 32 bytes', 'a root2 of 31 bytes'),
	($$2, 3, ARRAY[substr(c, 2)], ab, abc$$, '22023', 'every element of argument "proof" must be a hash of 32 bytes', 'a hash of 31 bytes'),
	($$2, 3, ARRAY[NULL]::bytea[], ab, abc$$, '22004', 'argument "proof" must not contain NULLs', 'a NULL hash'),
	($$2, 3, ARRAY[ARRAY[c]], ab, abc$$, '22023', 'argument "proof" must be a one-dimensional array', 'two dimensions'),
	($$2, 3, array_fill(c, ARRAY[100000]), ab, abc$$, '22023', 'argument "proof" has too many hashes', '100000 hashes'),
	($$2, 3, '{}', ab, abc$$, '22023', 'proof has the wrong number of hashes', 'a hash too few'),
	($$2, 3, ARRAY[c, c], ab, abc$$, '22023', 'proof has the wrong number of hashes', 'a hash too many'),
	($$3, 3, ARRAY[c], abc, abc$$, '22023', 'proof has the wrong number of hashes', 'a hash for equal sizes'),
	($$0, 3, ARRAY[c], sha256(''), abc$$, '22023', 'proof has the wrong number of hashes', 'a hash for the empty tree'),
	($$3, 2, '{}', abc, ab$$, '22023', 'size1 must not exceed size2', 'a tree that shrank'),
	($$-1, 3, '{}', ab, abc$$, '22023', 'argument "size1" must not be negative', 'a negative size1'),
	($$0, -9223372036854775808, '{}', ab, abc$$, '22023', 'argument "size2" must not be negative', 'the smallest size2')
) c (arguments, code, message, what);

-- Notes: the example of c2sp.org/signed-note
CREATE TEMP VIEW note AS
SELECT E'This is an example message.\n\n\u2014 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n' AS note,
	'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k' AS vkey;

SELECT ok(verify_note(note, vkey), 'a signed note') FROM note;
SELECT ok(NOT verify_note(replace(note, 'example message', 'exemplary message'), vkey), 'another text') FROM note;
SELECT ok(NOT verify_note(replace(note, E'\u2014 example.com/foo', E'\u2014 example.com/bar'), vkey), 'signed by another name') FROM note;
SELECT ok(NOT verify_note(rtrim(note, E'\n'), vkey), 'a note cut short is malformed, which is false') FROM note;
SELECT ok(NOT verify_note('', vkey), 'no note') FROM note;
SELECT ok(NOT verify_note(repeat(note, 1000), vkey), 'a note beyond the limit') FROM note;
SELECT throws_ok(format('SELECT verify_note(note, %s) FROM note', k), '22023', 'invalid verifier key', 'verify_note: vkey ' || k)
FROM unnest(ARRAY[$$''$$, $$'example.com/foo'$$, $$replace(vkey, '530d903a', '530d903b')$$, $$upper(vkey)$$, $$vkey || 'A'$$, $$vkey || E'\n'$$]) k;

-- Row receipts: one of a log of four leaves that only tests have signed (test/unit/made_log.h)
CREATE TEMP VIEW receipt AS
SELECT $${"format": "energyledger/row-receipt/v1", "relation": "public.payment", "ledger_id": 35184372088833, "row": "AQAAIAAAAAABAAIAAQAAAAFhAAMAAAAI//////////8=", "row_index": 0, "row_count": 5, "row_path": ["7ym6Dfv/zACTmnBtVIvtWGOijuHkX87+ohtdJ7T3Ddg=", "JdvBPD8PL1IevweuW3Dh5GfYRD7tv/cESOTEl0kl56I=", "AEz6gtU7XvxgcxucVnQyXwfCaWfuSiIkZgeXlvHLTmE="], "entry": "AQEAACAAAAAAAQAAIAAAAAAGAAAABQAAAA5wdWJsaWMucGF5bWVudAAAAAIhawFa5+qsLac3ZP/svxDsy2Sn+tMOwwTd7DAaAVfCnxcS3zq1A2ngqqipa/U6MstxN6ualOIECXMQ1YJwkJSBAAAAAAAAEmcABgokGB5AAgAAAAZ3cml0ZXI=", "schema": "AQIAAAAOcHVibGljLnBheW1lbnQAAAACAAIAAQAAAAhjdXN0b21lcgAAAAR0ZXh0AAMAAAAMYW1vdW50X21pY3JvAAAABmJpZ2ludAAGCiQYHkAAAAAABW93bmVy", "proof": "c2sp.org/tlog-proof@v1\nindex 2\n2TEQOAbRhQjH6a5vb4QNACzOjcXZRqBJMhsSTLjgeNw=\nct0thZlMZMbMi4Cqe4KTTSVlvzntOa7cRO8nQHhURWM=\n\nsite.example/1\n4\n3tJ/mFjkHU/FuqJTMVY5MakYrQ9K3556cuj/KJ1NvdA=\n\n— site.example/1 Ml9zQo3SagxZZf0FYp91SEkLr5hCpObuJ8cOSZwuVvGlBv2B+iHqsXe9ifT3rvdB9EpZpma1PPNhLG83O8UXA6doNQk=\n"}$$::jsonb AS r,
	'site.example/1+325f7342+AbFFoNhuiVTjXYBpcTaqAo66h63bpL57Llq/pyf9oGO2' AS vkey;

SELECT ok(verify_receipt(r, vkey), 'a receipt') FROM receipt;
SELECT is(receipt_failure(r, vkey), NULL, 'which nothing is wrong with') FROM receipt;
CREATE TEMP VIEW edited AS
SELECT vkey, c.* FROM receipt, LATERAL (VALUES
	(r || '{"ledger_id": 35184372088834}', 'other_ledger_id', 'another ledger_id'),
	(r || '{"relation": "public.refund"}', 'other_relation', 'another table'),
	(r || '{"row_index": 1}', 'not_in_entry', 'another place of the row'),
	(r || '{"row_count": 6}', 'other_row_count', 'another number of rows'),
	(r || '{"row": "AQAAIAAAAAABAAAA"}', 'not_in_entry', 'another row'),
	(r || '{"schema": "AQI="}', 'other_schema', 'another schema'),
	(r || '{"entry": "AQE="}', 'entry_malformed', 'half an entry'),
	(r || '{"format": "energyledger/row-receipt/v2"}', 'unknown_format', 'another format'),
	(r || '{"more": 1}', 'malformed', 'a member too many'),
	(r || '{"row_index": 0.0}', 'malformed', 'a fraction'),
	(r - 'proof', 'malformed', 'no proof'),
	('"text"', 'malformed', 'no receipt in it'),
	('null', 'malformed', 'the JSON null'),
	(jsonb_set(r, '{proof}', to_jsonb(replace(r->>'proof', 'index 2', 'index 1'))), 'not_in_log', 'another index'),
	(jsonb_set(r, '{proof}', to_jsonb(replace(r->>'proof', E'\n4\n', E'\n5\n'))), 'wrong_signature', 'another size'),
	(jsonb_set(r, '{proof}', to_jsonb(replace(r->>'proof', E'\u2014 site', E'\u2014 sitf'))), 'other_key', 'another signer'),
	(jsonb_set(r, '{proof}', to_jsonb(replace(r->>'proof', E'\u2014 site', '- site'))), 'note_malformed', 'no signature'),
	(jsonb_set(r, '{proof}', to_jsonb(replace(r->>'proof', '@v1', '@v2'))), 'proof_malformed', 'another form of proof')
) c (edited, failure, what);
SELECT is(verify_receipt(edited, vkey), false, 'a receipt with ' || what || ' is false') FROM edited;
SELECT is(receipt_failure(edited, vkey), failure, 'because of ' || failure) FROM edited;
SELECT is(verify_receipt(NULL, vkey), NULL, 'no receipt, no answer') FROM receipt;
SELECT throws_ok('SELECT ' || f || '(r, ''no key'') FROM receipt', '22023', 'invalid verifier key', f || ': a vkey that is none')
FROM unnest(ARRAY['verify_receipt', 'receipt_failure']) f;

-- Declared as they are: pure, for anyone, and described
CREATE TEMP VIEW pure AS
SELECT p.oid, p.proname, p.provolatile, p.proisstrict, p.proparallel, p.prosecdef
FROM pg_proc p
WHERE p.pronamespace = 'energyledger'::regnamespace
	AND p.proname IN ('ed25519_verify', 'p256_verify', 'leaf_hash', 'merkle_root', 'verify_inclusion', 'verify_consistency', 'verify_note',
		'verify_receipt', 'receipt_failure');
SELECT is(count(*), 9::bigint, 'nine functions') FROM pure;
SELECT ok(provolatile = 'i' AND proisstrict AND proparallel = 's' AND NOT prosecdef, proname || ' is immutable, strict, parallel safe, of its caller''s rights') FROM pure ORDER BY proname;
SELECT ok(obj_description(oid, 'pg_proc') ~ 'Rule: ', proname || ' names its rule') FROM pure ORDER BY proname;

CREATE ROLE energyledger_test_anyone;
SELECT ok(has_schema_privilege('energyledger_test_anyone', 'energyledger', 'USAGE'), 'anyone may look into the schema');
SELECT ok(has_function_privilege('energyledger_test_anyone', oid, 'EXECUTE'), 'anyone may call ' || proname) FROM pure ORDER BY proname;

SELECT * FROM finish();
ROLLBACK;
