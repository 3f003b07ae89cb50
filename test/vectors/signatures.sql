/*
 * signatures.sql: Ed25519 and ECDSA P-256, alone and as JWS and COSE carry them.
 */

-- RFC 8032 section 7.1, and that no bit of a signature is idle
INSERT INTO vector_suite (suite, wanted) VALUES ('rfc8032 ed25519', 4), ('rfc8032 ed25519, one bit flipped, refused', 4 * 512);

CREATE TEMP VIEW rfc8032 AS
SELECT t ->> 'name' AS id,
	decode(t ->> 'public', 'hex') AS public_key,
	decode(t ->> 'message', 'hex') AS message,
	decode(t ->> 'signature', 'hex') AS signature
FROM jsonb_array_elements(pg_temp.vector_json('ledger/rfc8032/rfc8032_7_1.json')) t;

INSERT INTO vector_case
SELECT 'rfc8032 ed25519', id, energyledger.ed25519_verify(public_key, message, signature)
FROM rfc8032;

INSERT INTO vector_case
SELECT 'rfc8032 ed25519, one bit flipped, refused', format('%s bit %s', id, bit_number),
	NOT energyledger.ed25519_verify(public_key, message, pg_temp.flipped(signature, bit_number))
FROM rfc8032, generate_series(0, 511) bit_number;

-- Wycheproof: each group has a key, each test a message, a signature, a result
CREATE TEMP VIEW wycheproof AS
SELECT f.path, t ->> 'tcId' AS id, g AS test_group,
	decode(t ->> 'msg', 'hex') AS message,
	decode(t ->> 'sig', 'hex') AS signature,
	CASE t ->> 'result' WHEN 'valid' THEN true WHEN 'invalid' THEN false END AS is_valid
FROM vector_file f,
	jsonb_array_elements(f.content::jsonb -> 'testGroups') g,
	jsonb_array_elements(g -> 'tests') t
WHERE f.path ~ '/wycheproof/(ed25519|ecdsa).*_test\.json$';

INSERT INTO vector_suite (suite, wanted)
SELECT s.suite, (pg_temp.vector_json(s.path) ->> 'numberOfTests')::bigint
FROM (VALUES
	('wycheproof ed25519', 'ledger/wycheproof/ed25519_test.json'),
	('wycheproof ecdsa p-256 DER, key as point', 'metering/wycheproof/ecdsa_secp256r1_sha256_test.json'),
	('wycheproof ecdsa p-256 DER, key as SPKI', 'metering/wycheproof/ecdsa_secp256r1_sha256_test.json'),
	('wycheproof ecdsa p-256 raw, key as point', 'metering/wycheproof/ecdsa_secp256r1_sha256_p1363_test.json'),
	('wycheproof ecdsa p-256 raw, key as SPKI', 'metering/wycheproof/ecdsa_secp256r1_sha256_p1363_test.json')
) s (suite, path);

INSERT INTO vector_case
SELECT 'wycheproof ed25519', id,
	energyledger.ed25519_verify(decode(test_group -> 'publicKey' ->> 'pk', 'hex'), message, signature) = is_valid
FROM wycheproof
WHERE path = 'ledger/wycheproof/ed25519_test.json';

INSERT INTO vector_case
SELECT format('wycheproof ecdsa p-256 %s, key as %s', CASE WHEN path ~ 'p1363' THEN 'raw' ELSE 'DER' END, k.form), id,
	energyledger.p256_verify(decode(k.hex, 'hex'), message, signature) = is_valid
FROM wycheproof,
	LATERAL (VALUES
		('point', test_group -> 'publicKey' ->> 'uncompressed'),
		('SPKI', test_group ->> 'publicKeyDer')) k (form, hex)
WHERE path ~ 'ecdsa';

-- RFC 8037 appendix A.4: a compact JWS; its signature covers header.payload
INSERT INTO vector_suite (suite, wanted) VALUES ('rfc8037 jws ed25519', 2);

WITH jws AS (
	SELECT pg_temp.base64url(v -> 'jwk_private' ->> 'x') AS public_key,
		convert_to(regexp_replace(v ->> 'compact', '\.[^.]*$', ''), 'UTF8') AS message,
		pg_temp.base64url(split_part(v ->> 'compact', '.', 3)) AS signature
	FROM pg_temp.vector_json('metering/rfc8037/rfc8037_appendix_a4.json') v
)
INSERT INTO vector_case
SELECT 'rfc8037 jws ed25519', 'A.4', energyledger.ed25519_verify(public_key, message, signature) FROM jws
UNION ALL
SELECT 'rfc8037 jws ed25519', 'A.4 without its last payload byte',
	NOT energyledger.ed25519_verify(public_key, substr(message, 1, length(message) - 1), signature)
FROM jws;

-- COSE_Sign1: the signature is the message's last 64 bytes, over ToBeSign
INSERT INTO vector_suite (suite, wanted) VALUES ('cose eddsa-sig-01', 2), ('cose ecdsa-sig-01', 2);

CREATE TEMP VIEW cose AS
SELECT format('cose %s', substring(path FROM '([^/]+)\.json$')) AS suite,
	v -> 'input' -> 'sign0' -> 'key' AS key,
	decode(v -> 'intermediates' ->> 'ToBeSign_hex', 'hex') AS message,
	decode(right(v -> 'output' ->> 'cbor', 128), 'hex') AS signature
FROM (SELECT path, content::jsonb AS v FROM vector_file WHERE path ~ '/cose/.*/(eddsa|ecdsa)-sig-01\.json$') f;

CREATE FUNCTION pg_temp.cose_verify(key jsonb, message bytea, signature bytea) RETURNS boolean
LANGUAGE sql IMMUTABLE
RETURN CASE key ->> 'crv'
	WHEN 'Ed25519' THEN energyledger.ed25519_verify(decode(key ->> 'x_hex', 'hex'), message, signature)
	WHEN 'P-256' THEN energyledger.p256_verify(
		'\x04'::bytea || pg_temp.base64url(key ->> 'x') || pg_temp.base64url(key ->> 'y'), message, signature)
END;

INSERT INTO vector_case
SELECT suite, 'as published', pg_temp.cose_verify(key, message, signature) FROM cose
UNION ALL
SELECT suite, 'one bit of the message flipped', NOT pg_temp.cose_verify(key, pg_temp.flipped(message, 80), signature) FROM cose;
