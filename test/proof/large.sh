#!/bin/bash
# large.sh: a log of more than 256^2 leaves: tiles of the third level, and proofs that
# cross them.

. "$(dirname "$0")/../lib.sh"

el_begin large
el_cluster main "fsync = off" "autovacuum = off"
# A row into each partition is an entry in each: 70000 entries in 350 transactions, while the sealer works.
el_psql -o /dev/null <<'SQL'
SET client_min_messages = warning;
CREATE EXTENSION pg_energyledger;
CREATE TABLE entered (part int, v int, ledger_id bigint NOT NULL DEFAULT 0) PARTITION BY LIST (part);
-- the root of a full tile, as its own rule says
CREATE FUNCTION public.tile_root(hashes bytea) RETURNS bytea LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	WHILE length(hashes) > 32 LOOP
		hashes := (SELECT string_agg(sha256('\x01'::bytea || substr(hashes, i * 64 + 1, 64)), '' ORDER BY i) FROM generate_series(0, length(hashes) / 64 - 1) i);
	END LOOP;
	RETURN hashes;
END $$;
DO $$ BEGIN
	FOR i IN 1..200 LOOP
		EXECUTE format('CREATE TABLE entered_%s PARTITION OF entered FOR VALUES IN (%s) USING ledger', i, i);
	END LOOP;
END $$;
DO $$ BEGIN
	FOR i IN 1..350 LOOP
		INSERT INTO entered SELECT g, i FROM generate_series(1, 200) g;
		COMMIT;
	END LOOP;
END $$;
SELECT energyledger.seal();
SQL
vkey=$(el_psql -c "SELECT energyledger.site_vkey()")
size=$(el_psql -c "SELECT split_part(energyledger.checkpoint(), E'\n', 2)")

yes()
{
	el_is "$1" "$(el_psql -c "SET search_path = energyledger, public" -c "SELECT $2")" t
}

el_ok "the log has more than 256^2 leaves" test "$size" -gt 70000
yes "its root is the one that was signed" "encode(root($size), 'base64') = split_part(checkpoint(), E'\n', 3)"
yes "level 2 has the root of the first 65536 leaves" "tile(2, 0, 1) = root(65536)"
yes "which is that of level 1's first tile" "verify_consistency(65536, $size, consistency_proof(65536, $size), tile(2, 0, 1), root($size))"
yes "each hash of level 1 is the root of its tile of level 0" "bool_and(substr(tile(1, n / 256, least(256, $size / 256 - n / 256 * 256)::int), (n % 256)::int * 32 + 1, 32) = tile_root(tile(0, n)))
	FROM generate_series(0, $size / 256 - 1) n"
yes "the hash of level 2 is the root of its tile of level 1" "tile(2, 0, 1) = tile_root(tile(1, 0))"
refused()
{
	el_ok "$1" test "$(el_psql -c "SELECT energyledger.$2" 2>&1 | grep -c 'there is no such tile yet')" = 1
}
refused "level 2 has no second hash yet" "tile(2, 0, 2)"
refused "nor has level 3 a first" "tile(3, 0, 1)"
yes "level 1's second tile is partial" "length(tile(1, 1, $size / 256 - 256)) = 32 * ($size / 256 - 256)"

# Proofs whose ways cross tiles: around every edge, and anywhere.
el_psql -c "CREATE TABLE spot AS SELECT s FROM unnest(ARRAY[0, 1, 2, 255, 256, 257, 511, 512, 32767, 32768, 65279, 65280, 65535, 65536, 65537, 65791, 65792, $size - 257, $size - 256, $size - 2, $size - 1]) s
	UNION SELECT s * 1237 % $size FROM generate_series(1, 40) s"
yes "inclusion proofs in trees of many sizes" "bool_and(verify_inclusion(l.hash, i.s, n.s + 1, inclusion_proof(i.s, n.s + 1), root(n.s + 1))) AND count(*) > 1500
	FROM spot i JOIN spot n ON i.s <= n.s JOIN leaf l ON l.leaf_index = i.s"
yes "consistency proofs between them" "bool_and(verify_consistency(a.s, b.s, consistency_proof(a.s, b.s), root(a.s), root(b.s))) AND count(*) > 1500 FROM spot a JOIN spot b ON a.s <= b.s"
yes "no inclusion proof for the leaf beside it" "NOT bool_or(verify_inclusion(l.hash, i.s, $size, inclusion_proof(i.s, $size), root($size))) AND count(*) > 50
	FROM spot i JOIN leaf l ON l.leaf_index = i.s + 1"
el_is "log_index() of entries anywhere" "$(el_psql -c "SELECT count(*) FILTER (WHERE energyledger.log_index(l.ref) <> l.leaf_index)
	FROM energyledger.leaf l WHERE l.kind = 1 AND l.leaf_index % 97 = 0")" 0
el_is "receipts of rows anywhere" "$(el_psql -c "SELECT DISTINCT energyledger.verify_receipt(energyledger.receipt(ledger_id), '$vkey') FROM entered WHERE ledger_id % 131 = 0")" t
el_done
