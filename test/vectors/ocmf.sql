/*
 * ocmf.sql: records signed by charging stations' own meters, P-256 with SHA-256.
 *
 * A record is OCMF|payload|signature object; what was signed is the payload,
 * byte for byte as it stands between the bars.  EXPECTED.txt has a line for each
 * value element, in the order of the file.  Records of other curves are not this
 * function's and are left out by their line there.
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

CREATE TEMP VIEW ocmf_record AS
SELECT substring(f.path FROM '[^/]+$') AS file, x.n,
	parts[1] AS payload,
	decode(parts[2]::jsonb ->> 'SD', 'hex') AS signature,
	x.public_key
FROM vector_file f,
	XMLTABLE('/values/value' PASSING XMLPARSE(DOCUMENT ltrim(f.content, U&'\FEFF'))
		COLUMNS n FOR ORDINALITY, signed_data text PATH 'signedData', public_key text PATH 'publicKey') x,
	regexp_match(x.signed_data, '^OCMF\|(.*)\|(\{[^|]*\})\s*$') parts
WHERE f.path LIKE 'metering/ocmf/%.xml';

INSERT INTO vector_suite (suite, wanted) VALUES ('ocmf p-256, valid', 126), ('ocmf p-256, altered, refused', 1);

INSERT INTO vector_case
SELECT CASE WHEN e.is_valid THEN 'ocmf p-256, valid' ELSE 'ocmf p-256, altered, refused' END,
	format('%s value %s', e.file, e.n),
	energyledger.p256_verify(decode(regexp_replace(r.public_key, '\s', '', 'g'), 'hex'),
		convert_to(r.payload, 'UTF8'), r.signature) = e.is_valid
FROM ocmf_expected e
	JOIN ocmf_record r USING (file, n)
WHERE e.algorithm = 'ECDSA-secp256r1-SHA256';
