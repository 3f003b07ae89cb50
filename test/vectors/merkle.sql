/*
 * merkle.sql: inclusion and consistency proofs, whole and tampered with.
 *
 * The publisher knows two outcomes, accepted and refused.  We have a third, the
 * error for a proof that no tree could have; it counts as refused, but only
 * with the error codes that the functions document, and the one that a number
 * beyond bigint gives before they are called.
 */
CREATE FUNCTION pg_temp.hash(value jsonb) RETURNS bytea
LANGUAGE sql IMMUTABLE
RETURN decode(coalesce(value #>> '{}', ''), 'base64');

CREATE FUNCTION pg_temp.hashes(value jsonb) RETURNS bytea[]
LANGUAGE sql IMMUTABLE
RETURN CASE jsonb_typeof(value)
	WHEN 'array' THEN ARRAY(SELECT pg_temp.hash(h) FROM jsonb_array_elements(value) WITH ORDINALITY e (h, n) ORDER BY n)
	ELSE '{}'
END;

CREATE FUNCTION pg_temp.accepts(kind text, v jsonb) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
	IF kind = 'inclusion' THEN
		RETURN energyledger.verify_inclusion(pg_temp.hash(v -> 'leafHash'), (v -> 'leafIdx')::bigint,
			(v -> 'treeSize')::bigint, pg_temp.hashes(v -> 'proof'), pg_temp.hash(v -> 'root'));
	END IF;
	RETURN energyledger.verify_consistency((v -> 'size1')::bigint, (v -> 'size2')::bigint,
		pg_temp.hashes(v -> 'proof'), pg_temp.hash(v -> 'root1'), pg_temp.hash(v -> 'root2'));
EXCEPTION
	WHEN invalid_parameter_value OR numeric_value_out_of_range THEN
		RETURN false;
END $$;

INSERT INTO vector_suite (suite, wanted) VALUES
	('merkle inclusion, accepted', 3), ('merkle inclusion, refused', 46),
	('merkle consistency, accepted', 3), ('merkle consistency, refused', 40);

INSERT INTO vector_case
SELECT format('merkle %s, %s', kind, CASE WHEN is_refused THEN 'refused' ELSE 'accepted' END), id,
	pg_temp.accepts(kind, v) <> is_refused
FROM (
	SELECT split_part(path, '/', 3) AS kind, path AS id, content::jsonb AS v,
		(content::jsonb -> 'wantErr')::boolean AS is_refused
	FROM vector_file
	WHERE path LIKE 'ledger/merkle/%.json'
) f;
