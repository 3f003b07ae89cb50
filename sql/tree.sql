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
