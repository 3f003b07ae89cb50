/*
 * check_receipt.sql: a receipt checked as doc/format.md says, from nothing but it
 * and a verifier key.  Says "ok", or what does not hold.
 */
CREATE FUNCTION public.check_receipt(receipt jsonb, vkey text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	row_bytes bytea := decode(receipt ->> 'row', 'base64');
	entry bytea := decode(receipt ->> 'entry', 'base64');
	schema_bytes bytea := decode(receipt ->> 'schema', 'base64');
	row_path bytea[] := ARRAY(SELECT decode(h, 'base64') FROM jsonb_array_elements_text(receipt -> 'row_path') WITH ORDINALITY x (h, n) ORDER BY n);
	head text[] := string_to_array(split_part(receipt ->> 'proof', E'\n\n', 1), E'\n');
	note text := substr(receipt ->> 'proof', strpos(receipt ->> 'proof', E'\n\n') + 2);
	checkpoint text[] := string_to_array(note, E'\n');
	log_path bytea[] := ARRAY(SELECT decode(h, 'base64') FROM unnest(head) WITH ORDINALITY x (h, n) WHERE n > 2 ORDER BY n);
	name_len int := ('x' || encode(substr(entry, 23, 4), 'hex'))::bit(32)::int;
	first_id bigint := ('x' || encode(substr(entry, 3, 8), 'hex'))::bit(64)::bigint;
	last_id bigint := ('x' || encode(substr(entry, 11, 8), 'hex'))::bit(64)::bigint;
BEGIN
	IF receipt ->> 'format' <> 'energyledger/row-receipt/v1' THEN RETURN 'format'; END IF;
	IF head[1] <> 'c2sp.org/tlog-proof@v1' OR head[2] !~ '^index (0|[1-9][0-9]*)$' THEN RETURN 'proof''s head'; END IF;
	IF NOT energyledger.verify_note(note, vkey) OR checkpoint[1] <> split_part(vkey, '+', 1) THEN RETURN 'checkpoint'; END IF;
	IF NOT energyledger.verify_inclusion(energyledger.leaf_hash(entry), substr(head[2], 7)::bigint, checkpoint[2]::bigint,
		log_path, decode(checkpoint[3], 'base64')) THEN RETURN 'proof'; END IF;
	IF substr(entry, 1, 2) <> '\x0101' THEN RETURN 'no entry'; END IF;
	IF convert_from(substr(entry, 27, name_len), 'UTF8') <> receipt ->> 'relation' THEN RETURN 'relation'; END IF;
	IF energyledger.leaf_hash(schema_bytes) <> substr(entry, 31 + name_len, 32) THEN RETURN 'schema'; END IF;
	IF ('x' || encode(substr(entry, 19, 4), 'hex'))::bit(32)::int <> (receipt ->> 'row_count')::int THEN RETURN 'row_count'; END IF;
	IF NOT energyledger.verify_inclusion(energyledger.leaf_hash(row_bytes), (receipt ->> 'row_index')::bigint, (receipt ->> 'row_count')::bigint,
		row_path, substr(entry, 63 + name_len, 32)) THEN RETURN 'row_path'; END IF;
	IF ('x' || encode(substr(row_bytes, 2, 8), 'hex'))::bit(64)::bigint <> (receipt ->> 'ledger_id')::bigint OR
		(receipt ->> 'ledger_id')::bigint NOT BETWEEN first_id AND last_id THEN RETURN 'ledger_id'; END IF;
	RETURN 'ok';
EXCEPTION WHEN invalid_parameter_value THEN
	RETURN SQLERRM;
END $$;
