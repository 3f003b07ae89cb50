/*
 * tree.sql: the log's Merkle tree: roots, proofs and tiles, for everybody, and what
 * is made of them: receipts of rows and the export of the whole ledger.
 *
 * The C functions read the log's tables beneath the caller's rights.  Those of the
 * tree show nothing but hashes, which is what a transparency log is for; receipt()
 * and export() ask for the rights that they name.
 */

CREATE FUNCTION energyledger.root(size bigint)
RETURNS bytea
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000
AS 'MODULE_PATHNAME', 'log_root';

COMMENT ON FUNCTION energyledger.root(bigint) IS
'Root of the log''s first leaves. size: how many, up to what the newest checkpoint covers. Result: 32 bytes; of no leaves the SHA-256 of nothing. '
'Errors: 22023 for a size that is negative or beyond the log; data_corrupted (XX001) where the stored tree has a hole. Rule: RFC 6962 section 2.1.';

CREATE FUNCTION energyledger.inclusion_proof(entry_index bigint, size bigint)
RETURNS bytea[]
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000
AS 'MODULE_PATHNAME', 'inclusion_proof';

COMMENT ON FUNCTION energyledger.inclusion_proof(bigint, bigint) IS
'Proof that the leaf with this index is in the tree of the log''s first leaves. entry_index: of the leaf, from 0; size: leaves of the tree, '
'any number up to what the newest checkpoint covers. Result: hashes of 32 bytes from the leaf''s sibling upwards, for verify_inclusion. '
'Errors: 22023 for a size beyond the log, an index not below the size, a negative number; data_corrupted (XX001) where the stored tree has a hole. '
'Rule: RFC 6962 section 2.1.1.';

CREATE FUNCTION energyledger.consistency_proof(size1 bigint, size2 bigint)
RETURNS bytea[]
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000
AS 'MODULE_PATHNAME', 'consistency_proof';

COMMENT ON FUNCTION energyledger.consistency_proof(bigint, bigint) IS
'Proof that the log of size2 leaves is the log of size1 leaves with others appended. size1, size2: any numbers up to what the newest checkpoint covers. '
'Result: hashes of 32 bytes for verify_consistency, none where size1 is 0 or equals size2. '
'Errors: 22023 for a size beyond the log, size1 above size2, a negative number; data_corrupted (XX001) where the stored tree has a hole. '
'Rule: RFC 6962 section 2.1.2.';

CREATE FUNCTION energyledger.tile(level integer, n bigint, width integer DEFAULT 256)
RETURNS bytea
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000
AS 'MODULE_PATHNAME', 'tile';

COMMENT ON FUNCTION energyledger.tile(integer, bigint, integer) IS
'A tile of the log''s tree, as a tile server serves it at tile/<level>/<n>, or tile/<level>/<n>.p/<width> where width is below 256. '
'level: 0 to 7 (level 0: leaf hashes; level k: roots over 256^k leaves); n: from 0; width: hashes, 1 to 256. '
'Result: that many hashes of 32 bytes, one after the other. '
'Errors: 22023 for a level or width outside these, and for a tile that the newest checkpoint does not cover to that width; '
'data_corrupted (XX001) where the stored tree has a hole. Rule: c2sp.org/tlog-tiles.';

CREATE FUNCTION energyledger.log_index(ledger_id bigint)
RETURNS bigint
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000
AS 'MODULE_PATHNAME', 'log_index';

COMMENT ON FUNCTION energyledger.log_index(bigint) IS
'Index in the log of the entry that a row lies in, as inclusion_proof takes it. ledger_id: of the row. '
'Errors: no_data_found (P0002) where no entry''s run has that ledger_id; object_not_in_prerequisite_state (55000) where the entry is not sealed yet; '
'data_corrupted (XX001) where the log does not have the entry where it must be.';

CREATE FUNCTION energyledger.receipt(ledger_id bigint)
RETURNS jsonb
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 5000
AS 'MODULE_PATHNAME', 'row_receipt';

COMMENT ON FUNCTION energyledger.receipt(bigint) IS
'What proves a row to somebody who has nothing but the site''s verifier key: the row''s bytes, its path in its entry, the entry, the table''s columns, '
'and the entry''s proof up to the newest checkpoint. ledger_id: of the row. '
'For those who may SELECT every column of the table (or of one that it is a partition of) and from whom no row-level security hides rows: '
'a receipt holds hashes of neighbouring rows. It is checked before it is given out, except for the signature. '
'Errors: no_data_found (P0002) where there is no such row; object_not_in_prerequisite_state (55000) where it is not sealed yet; '
'insufficient_privilege (42501); program_limit_exceeded (54000) for a row of more than 128 MiB; '
'data_corrupted (XX001) where rows, log and checkpoint do not fit together. Rule: doc/format.md; the proof is a c2sp.org/tlog-proof.';

CREATE FUNCTION energyledger.export_rows(from_index bigint, OUT kind "char", OUT index bigint, OUT data bytea)
RETURNS SETOF record
LANGUAGE C STABLE STRICT PARALLEL RESTRICTED ROWS 1000000
AS 'MODULE_PATHNAME', 'export_rows';

COMMENT ON FUNCTION energyledger.export_rows(bigint) IS
'What export() consists of; call that. This one streams in a select list only: in FROM, PostgreSQL first stores all of it.';

-- Inlined into the query that calls it (so no SET, and not STRICT): rows come as they are made.
CREATE FUNCTION energyledger.export(from_index bigint DEFAULT 0, OUT kind "char", OUT index bigint, OUT data bytea)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 1000000
AS $$
    SELECT (e.item).kind, (e.item).index, (e.item).data
      FROM (SELECT energyledger.export_rows(from_index) AS item) e
$$;

COMMENT ON FUNCTION energyledger.export(bigint) IS
'The whole ledger, for energyledger-verify export: COPY (SELECT * FROM energyledger.export()) TO STDOUT (FORMAT binary). '
'from_index: the first leaf wanted, up to the number of leaves sealed (then there is nothing). Ends with what the newest checkpoint covers. '
'Result, in the log''s order: kind L, a leaf''s index and data; after an entry''s leaf its rows by ledger_id, kind R, the leaf''s index and the row''s bytes; '
'after a block''s leaf its checkpoint, kind C, the leaf''s index and the note in UTF-8. '
'Rows are made as they are read: memory does not grow with the ledger. What is exported is what is stored, right or wrong: the reader checks it. '
'For those who may SELECT the log''s tables and every column of all ledger tables, with no row-level security. '
'Errors: 22023 for a from_index that is negative or beyond the log; insufficient_privilege (42501); '
'data_corrupted (XX001) for what cannot be read at all. Rule: doc/format.md.';
