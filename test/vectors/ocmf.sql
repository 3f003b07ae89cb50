/*
 * ocmf.sql: records signed by charging stations' own meters.
 *
 * A record is OCMF|payload|signature section; what was signed is the payload, byte
 * for byte as it stands between the bars.  EXPECTED.txt has a line for each value
 * element, in the order of the file: algorithm, then OK or FAIL.  The one that fails
 * is meant to: a day in it was changed.
 *
 * What our reader makes of a record is compared with what PostgreSQL's own jsonb,
 * numeric and timestamptz make of it.
 */
CREATE TEMP VIEW ocmf_expected AS
SELECT w[1] AS file,
	row_number() OVER (PARTITION BY w[1] ORDER BY line_number) AS n,
	w[2] AS algorithm,
	NOT 'FAIL' = ANY (w) AS is_valid
FROM vector_file,
	regexp_split_to_table(content, '\n') WITH ORDINALITY l (line, line_number),
	regexp_split_to_array(trim(line), '\s+') w
WHERE path = 'metering/ocmf/EXPECTED.txt' AND line ~ '\.xml ';

CREATE TEMP TABLE ocmf_record AS
SELECT format('%s value %s', e.file, e.n) AS id, e.*, message,
	convert_from(message, 'UTF8') AS record,
	energyledger.decode_public_key(x.public_key) AS public_key,
	energyledger.parse_message(message) AS said
FROM vector_file f,
	XMLTABLE('/values/value' PASSING XMLPARSE(DOCUMENT ltrim(f.content, U&'\FEFF'))
		COLUMNS n FOR ORDINALITY, signed_data text PATH 'signedData', public_key text PATH 'publicKey') x,
	energyledger.decode_ocmf(x.signed_data) message,
	ocmf_expected e
WHERE f.path LIKE 'metering/ocmf/%.xml' AND e.file = substring(f.path FROM '[^/]+$') AND e.n = x.n;
ALTER TABLE ocmf_record ADD payload text;
UPDATE ocmf_record SET payload = split_part(record, '|', 2);

INSERT INTO vector_suite (suite, wanted) VALUES
	('ocmf, valid', 130), ('ocmf, altered, refused', 1), ('ocmf, a bit of the payload flipped, refused', 130),
	('ocmf, base64 and hexadecimal of a record', 131), ('ocmf, read', 131), ('ocmf, readings as numeric and timestamptz read them', 131),
	('ocmf p-256, payload and signature alone, valid', 126), ('ocmf, ingested', 131);

INSERT INTO vector_case
SELECT CASE WHEN is_valid THEN 'ocmf, valid' ELSE 'ocmf, altered, refused' END, id,
	energyledger.message_signature_valid(message, public_key, algorithm) = is_valid
FROM ocmf_record;

INSERT INTO vector_case
SELECT 'ocmf, a bit of the payload flipped, refused', id,
	NOT energyledger.message_signature_valid(pg_temp.flipped(message, 8 * (position('"PG"' IN record) + 10)), public_key, algorithm)
FROM ocmf_record
WHERE is_valid;

INSERT INTO vector_case
SELECT 'ocmf, base64 and hexadecimal of a record', id,
	energyledger.decode_ocmf(encode(message, 'base64')) = message AND energyledger.decode_ocmf(E' \n' || encode(message, 'hex')) = message
FROM ocmf_record;

INSERT INTO vector_case
SELECT 'ocmf, read', id,
	said ->> 'envelope' = 'ocmf' AND NOT said ? 'reason' AND said ->> 'type' = 'reading'
	AND said ->> 'meter' IN (payload::jsonb ->> 'MS', payload::jsonb ->> 'GS')
	AND payload::jsonb ->> 'PG' = 'T' || ((said ->> 'seq')::bigint - 1) AND said ->> 'epoch' = '0'
FROM ocmf_record;

-- readings in order; what one leaves out is the last that was written before
INSERT INTO vector_case
SELECT 'ocmf, readings as numeric and timestamptz read them', id,
	jsonb_array_length(said -> 'body') = jsonb_array_length(payload::jsonb -> 'RD') AND bool_and(
		(b ->> 'value')::numeric * 10::numeric ^ (b ->> 'scale')::int = trim(theirs ->> 'RV')::numeric
		AND -(b ->> 'scale')::int = scale(trim(theirs ->> 'RV')::numeric)
		AND b ->> 'obis' = theirs ->> 'RI' AND b ->> 'unit' = theirs ->> 'RU'
		AND to_timestamp((b ->> 'from')::numeric / 1000) = replace(left(time, 28), ',', '.')::timestamptz
		AND b ->> 'to' = b ->> 'from' AND b ->> 'status' = 'G')
FROM ocmf_record,
	jsonb_array_elements(said -> 'body') WITH ORDINALITY o (b, place),
	LATERAL (SELECT payload::jsonb -> 'RD' -> (place - 1)::int AS theirs) t,
	LATERAL (SELECT r ->> 'TM' AS time FROM jsonb_array_elements(payload::jsonb -> 'RD') WITH ORDINALITY u (r, p)
		WHERE p <= place AND r ? 'TM' ORDER BY p DESC LIMIT 1) tm
GROUP BY id, said, payload;

INSERT INTO vector_case
SELECT 'ocmf p-256, payload and signature alone, valid', id,
	energyledger.p256_verify(public_key, convert_to(payload, 'UTF8'),
		decode(split_part(record, '|', 3)::jsonb ->> 'SD', 'hex'))
FROM ocmf_record
WHERE algorithm = 'ECDSA-secp256r1-SHA256' AND is_valid;

-- Each file by itself: stations of the same number in two files have two keys.
DO $$
DECLARE
	f text;
	m record;
BEGIN
	FOR f IN SELECT file FROM ocmf_record GROUP BY file ORDER BY file COLLATE "C" LOOP
		FOR m IN SELECT * FROM ocmf_record WHERE file = f ORDER BY n LOOP
			PERFORM energyledger.register_meter(m.said ->> 'meter', m.public_key, m.algorithm);
			INSERT INTO vector_case
			SELECT 'ocmf, ingested', m.id, verdict = CASE
				WHEN NOT m.is_valid THEN 'quarantined'
				WHEN f = 'xml__test_ocmf_keba_kcp30.xml' THEN 'duplicate'	-- of fromweb.xml's
				ELSE 'accepted' END
			FROM energyledger.ingest(ARRAY[m.message]);
		END LOOP;
	END LOOP;
END $$;
