/*
 * tree.sql: roots, proofs and tiles out of the stored tree, against the leaves' own
 * bytes as export() gives them; each proof verified, and refused when it is altered.
 */
\set QUIET 1
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
CREATE SCHEMA tree;
SET search_path = tree, energyledger, public;

-- A log of blocks of many sizes: single entries, runs that begin anywhere, a transaction of several entries.
CREATE TABLE reading (value_wh bigint, note text) USING ledger;
CREATE TABLE other (k int) USING ledger;
DO $$
BEGIN
	FOR i IN 1..120 LOOP
		INSERT INTO reading VALUES (i, repeat('n', i));
		IF i % 7 = 0 THEN INSERT INTO other VALUES (i); END IF;
		COMMIT;
		IF i % 5 = 0 OR i > 100 THEN PERFORM energyledger.seal(); END IF;
	END LOOP;
	INSERT INTO reading SELECT g FROM generate_series(1, 200000) g;
	COMMIT;
END $$;
SELECT energyledger.seal() IS NOT NULL AS sealed \gset

BEGIN;
SELECT no_plan();

-- What is checked against: the leaves' data in order, and the roots over them as SQL computes them.
CREATE TEMP TABLE item AS SELECT row_number() OVER () AS n, * FROM export();
CREATE TEMP TABLE leaf_data AS SELECT index, data FROM item WHERE kind = 'L' ORDER BY index;
CREATE TEMP TABLE tree_root AS
	SELECT s AS size, merkle_root(ARRAY(SELECT data FROM leaf_data WHERE index < s ORDER BY index)) AS root
	  FROM generate_series(0, (SELECT count(*) FROM leaf_data)) s;
SELECT count(*) AS size FROM leaf_data \gset

SELECT cmp_ok(:size, '>', 512, 'the log has more than two tiles');
SELECT is(:size::bigint, split_part(checkpoint(), E'\n', 2)::bigint, 'export() ends where the newest checkpoint does');
SELECT is_empty('SELECT index FROM leaf_data EXCEPT SELECT generate_series(0, (SELECT count(*) - 1 FROM leaf_data))', 'and has every leaf');
SELECT is_empty('SELECT index FROM leaf_data d JOIN leaf l ON l.leaf_index = d.index WHERE leaf_hash(d.data) <> l.hash', 'whose data has the hash that was stored');

-- Roots.
SELECT is_empty('SELECT size FROM tree_root WHERE root(size) <> root', 'root() of every size');
SELECT is_empty($$SELECT height FROM block WHERE encode(root(first_index + leaf_count + 1), 'base64') <> split_part(note, E'\n', 3)$$,
	'root() of every block''s size is what was signed');

-- Proofs: all pairs of small sizes, and of larger ones those around the edges of tiles and blocks.
CREATE TEMP TABLE small AS
	SELECT size, root FROM tree_root
	 WHERE size <= 60 OR size % 256 < 2 OR size % 256 > 254 OR size % 41 = 0 OR size > :size - 4;
SELECT is((SELECT count(*) FILTER (WHERE NOT verify_inclusion(leaf_hash(d.data), d.index, s.size, inclusion_proof(d.index, s.size), s.root))
	FROM small s JOIN leaf_data d ON d.index < s.size), 0::bigint, 'every inclusion proof verifies');
SELECT is((SELECT count(*) FILTER (WHERE NOT verify_consistency(a.size, b.size, consistency_proof(a.size, b.size), a.root, b.root))
	FROM tree_root a JOIN small b ON a.size <= b.size AND (a.size <= 60 OR b.size > :size - 4)), 0::bigint, 'every consistency proof verifies');

-- Altered: one bit in one hash, the neighbour's leaf, another root.
CREATE FUNCTION pg_temp.flip(proof bytea[], nth int, which int) RETURNS bytea[]
LANGUAGE sql AS $$
	SELECT array_agg(CASE WHEN n = nth THEN set_bit(h, which, 1 - get_bit(h, which)) ELSE h END ORDER BY n)
	  FROM unnest(proof) WITH ORDINALITY x (h, n)
$$;
SELECT is((SELECT count(*) FILTER (WHERE verify_inclusion(leaf_hash(d.data), d.index, s.size, pg_temp.flip(p, i, (7 * i + d.index::int) % 256), s.root))
	FROM small s JOIN leaf_data d ON d.index < s.size AND s.size <= 60, inclusion_proof(d.index, s.size) p, generate_subscripts(p, 1) i),
	0::bigint, 'no inclusion proof with a bit changed');
SELECT is((SELECT count(*) FILTER (WHERE verify_consistency(a.size, b.size, pg_temp.flip(p, i, (5 * i + a.size::int) % 256), a.root, b.root))
	FROM small a JOIN small b ON a.size <= b.size AND b.size <= 60, consistency_proof(a.size, b.size) p, generate_subscripts(p, 1) i),
	0::bigint, 'no consistency proof with a bit changed');
SELECT is((SELECT count(*) FILTER (WHERE verify_inclusion(leaf_hash(d.data), other.index, s.size, inclusion_proof(other.index, s.size), s.root))
	FROM small s JOIN leaf_data d ON d.index < s.size JOIN leaf_data other ON other.index < s.size AND other.index <> d.index AND s.size <= 30),
	0::bigint, 'no leaf at another''s place');
SELECT is((SELECT count(*) FILTER (WHERE verify_consistency(a.size, b.size, consistency_proof(a.size, b.size), a.root, c.root))
	FROM small a JOIN small b ON a.size <= b.size JOIN small c ON c.size <> b.size AND a.size > 0 AND b.size <= 30 AND c.size <= 30),
	0::bigint, 'no proof leads to another size''s root');
SELECT throws_ok($$SELECT verify_inclusion(root(1), 2, 5, (inclusion_proof(2, 5))[2:], root(5))$$, '22023', NULL, 'a hash left out is no proof');

-- Tiles: level 0 are leaf hashes, level 1 the roots of the full tiles below.
SELECT is((SELECT string_agg(tile(0, n, least(256, :size - n * 256)::int), '' ORDER BY n) FROM generate_series(0, :size / 256) n WHERE n * 256 < :size),
	(SELECT string_agg(leaf_hash(data), '' ORDER BY index) FROM leaf_data), 'the tiles of level 0 are the leaf hashes');
SELECT is(tile(1, 0, (:size / 256)::int),
	(SELECT string_agg(merkle_root(ARRAY(SELECT data FROM leaf_data WHERE index / 256 = n ORDER BY index)), '' ORDER BY n) FROM generate_series(0, :size / 256 - 1) n),
	'the tile of level 1 has the roots of the full ones below');
SELECT is((SELECT array_agg(length(tile(0, 0, w)) ORDER BY w) FROM generate_series(1, 256) w), (SELECT array_agg(32 * w ORDER BY w) FROM generate_series(1, 256) w),
	'a tile of every width');
SELECT is(tile(0, 0), tile(0, 0, 256), 'a full tile unless said otherwise');
SELECT is(substr(tile(0, 1), 1, 32 * 17), tile(0, 1, 17), 'a partial tile is the full one''s beginning');

-- What is not there.
SELECT throws_ok(c.statement, c.code, c.message, c.what)
FROM (VALUES
	($$SELECT root(-1)$$, '22023', 'argument "size" must not be negative', 'root of a negative size'),
	($$SELECT root(9223372036854775807)$$, '22023', 'argument "size" is beyond the log', 'root of the largest size'),
	($$SELECT inclusion_proof(-1, 5)$$, '22023', 'argument "entry_index" must not be negative', 'a negative index'),
	($$SELECT inclusion_proof(5, 5)$$, '22023', 'entry_index is outside the tree', 'an index that is the size'),
	($$SELECT inclusion_proof(9223372036854775807, 5)$$, '22023', 'entry_index is outside the tree', 'the largest index'),
	($$SELECT inclusion_proof(0, 0)$$, '22023', 'entry_index is outside the tree', 'an index in the empty tree'),
	($$SELECT inclusion_proof(0, 1 + split_part(checkpoint(), E'\n', 2)::bigint)$$, '22023', 'argument "size" is beyond the log', 'a size beyond the log'),
	($$SELECT consistency_proof(-1, 5)$$, '22023', 'argument "size1" must not be negative', 'a negative size1'),
	($$SELECT consistency_proof(6, 5)$$, '22023', 'size1 must not exceed size2', 'size1 above size2'),
	($$SELECT consistency_proof(1, 1 + split_part(checkpoint(), E'\n', 2)::bigint)$$, '22023', 'argument "size2" is beyond the log', 'a size2 beyond the log'),
	($$SELECT tile(-1, 0)$$, '22023', 'argument "level" must be between 0 and 7', 'a negative level'),
	($$SELECT tile(8, 0)$$, '22023', 'argument "level" must be between 0 and 7', 'level 8'),
	($$SELECT tile(0, -1)$$, '22023', 'argument "n" must not be negative', 'a negative tile'),
	($$SELECT tile(0, 0, 0)$$, '22023', 'argument "width" must be between 1 and 256', 'no width'),
	($$SELECT tile(0, 0, 257)$$, '22023', 'argument "width" must be between 1 and 256', 'a width of 257'),
	($$SELECT tile(0, split_part(checkpoint(), E'\n', 2)::bigint / 256)$$, '22023', 'there is no such tile yet', 'the whole of a partial tile'),
	($$SELECT tile(1, 0)$$, '22023', 'there is no such tile yet', 'a full tile of level 1'),
	($$SELECT tile(2, 0, 1)$$, '22023', 'there is no such tile yet', 'a tile of level 2'),
	($$SELECT tile(7, 9223372036854775807, 1)$$, '22023', 'there is no such tile yet', 'the last tile of all'),
	($$SELECT tile(0, 9223372036854775807, 256)$$, '22023', 'there is no such tile yet', 'the last tile of level 0'),
	($$SELECT * FROM export(-1)$$, '22023', 'argument "from_index" must not be negative', 'an export from before the log'),
	($$SELECT * FROM export(1 + split_part(checkpoint(), E'\n', 2)::bigint)$$, '22023', 'argument "from_index" is beyond the log', 'an export from beyond it'),
	($$SELECT log_index(1)$$, 'P0002', 'no row with ledger_id 1 is in the log', 'an id of no site'),
	($$SELECT log_index(-1)$$, 'P0002', 'no row with ledger_id -1 is in the log', 'a negative id'),
	($$SELECT receipt(9223372036854775807)$$, 'P0002', 'no row with ledger_id 9223372036854775807 is in the log', 'the largest id')
) c (statement, code, message, what);
SELECT is(inclusion_proof(NULL, 1), NULL, 'NULL for a NULL index');
SELECT is(consistency_proof(0, 0), '{}', 'no hashes from nothing to nothing');
SELECT is_empty('SELECT * FROM export(NULL)', 'nothing from NULL on');
SELECT is_empty(format('SELECT * FROM export(%s)', :size), 'nothing from the end on');

-- Where an entry is.
SELECT is_empty('SELECT leaf_index FROM leaf WHERE kind = 1 AND log_index(ref) <> leaf_index', 'log_index() of every entry');
SELECT is_empty('SELECT r.ledger_id FROM reading r JOIN entry e ON r.ledger_id BETWEEN e.first_id AND e.last_id JOIN leaf l ON l.kind = 1 AND l.ref = e.first_id
	WHERE r.ledger_id % 37 = 0 AND log_index(r.ledger_id) <> l.leaf_index', 'log_index() of rows within their entries');

-- The export: an entry's rows right behind it, a block's checkpoint right behind it.
SELECT is_empty($$
	SELECT index FROM (SELECT n, kind, index, lag(kind) OVER (ORDER BY n) AS before, lag(index) OVER (ORDER BY n) AS before_index FROM item) i
	 WHERE kind <> 'L' AND (before_index <> index OR before NOT IN ('L', 'R')) OR kind = 'L' AND index <> coalesce(before_index + 1, 0)$$, 'export() is in order');
SELECT is_empty($$
	SELECT e.first_id FROM entry e JOIN leaf l ON l.kind = 1 AND l.ref = e.first_id
	  LEFT JOIN (SELECT index, merkle_root(array_agg(data ORDER BY n)) AS root, count(*) AS rows FROM item WHERE kind = 'R' GROUP BY index) i ON i.index = l.leaf_index
	 WHERE i.root IS DISTINCT FROM e.rows_root OR i.rows <> e.row_count$$, 'and has every entry''s rows');
SELECT is((SELECT count(*) FROM item WHERE kind = 'R' AND index = (SELECT log_index(max(ledger_id)) FROM reading)), 200000 % 512::bigint, 'also of the last');
SELECT is_empty($$SELECT height FROM block b WHERE NOT EXISTS (SELECT FROM item WHERE kind = 'C' AND index = b.first_index + b.leaf_count
	AND convert_from(data, 'UTF8') = b.note)$$, 'and every block''s checkpoint');
SELECT is_empty(format('(SELECT kind, index, data FROM item WHERE index >= %1$s EXCEPT SELECT * FROM export(%1$s)) UNION ALL
	(SELECT * FROM export(%1$s) EXCEPT SELECT kind, index, data FROM item WHERE index >= %1$s)', :size / 2), 'from the middle on it is the same');
SELECT is((SELECT count(*) FROM (SELECT * FROM export() LIMIT 3) x), 3::bigint, 'a reader may stop');
CREATE FUNCTION pg_temp.plan(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
	lines text := '';
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP lines := lines || line || E'\n'; END LOOP;
	RETURN lines;
END $$;
SELECT unalike(pg_temp.plan('SELECT * FROM energyledger.export()'), '%Function Scan%', 'export() streams: it is not stored before the first row');

SELECT * FROM finish();
ROLLBACK;
