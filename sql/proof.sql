/*
 * proof.sql: signatures, Merkle proofs and signed notes, checked by pure
 * functions.
 *
 * Anyone may call them: they read nothing but their arguments, so an auditor
 * can check a proof without a privilege on any table.  Each follows a published
 * rule, named in its comment, and can be tried with that rule's test vectors.
 */

-- To look a name up in the schema; it gives no right on anything in it.
GRANT USAGE ON SCHEMA energyledger TO PUBLIC;

CREATE FUNCTION energyledger.ed25519_verify(public_key bytea, message bytea, signature bytea)
RETURNS boolean
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50
AS 'MODULE_PATHNAME', 'energyledger_ed25519_verify';

COMMENT ON FUNCTION energyledger.ed25519_verify(bytea, bytea, bytea) IS
'Did this Ed25519 key sign this message? public_key: 32 bytes; message: any bytes; signature: 64 bytes. '
'False for a wrong signature and for a key or signature of any other length; NULL for a NULL argument; no errors. '
'Rule: RFC 8032 section 5.1.7, as libsodium applies it (small-order keys and non-canonical S are refused).';

CREATE FUNCTION energyledger.p256_verify(public_key bytea, message bytea, signature bytea)
RETURNS boolean
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50
AS 'MODULE_PATHNAME', 'energyledger_p256_verify';

COMMENT ON FUNCTION energyledger.p256_verify(bytea, bytea, bytea) IS
'Did this P-256 key sign the SHA-256 of this message with ECDSA? public_key: 65-byte uncompressed point (04, x, y) or the 91-byte '
'SubjectPublicKeyInfo DER of one on the named curve; message: any bytes; signature: 64 bytes r and s, or strict DER. '
'False for a wrong signature and for a malformed key or signature; NULL for a NULL argument; no errors. '
'A high s is accepted, so a signature is not unique. Rule: FIPS 186-5 section 6.4.2; key: RFC 5480; DER: RFC 3279 section 2.2.3.';

CREATE FUNCTION energyledger.leaf_hash(data bytea)
RETURNS bytea
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'energyledger_leaf_hash';

COMMENT ON FUNCTION energyledger.leaf_hash(bytea) IS
'The Merkle leaf hash of an entry: SHA-256 of a zero byte and the data. data: any bytes. Result: 32 bytes; NULL for NULL; no errors. '
'Rule: RFC 6962 section 2.1.';

CREATE FUNCTION energyledger.merkle_root(entries bytea[])
RETURNS bytea
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100
AS 'MODULE_PATHNAME', 'energyledger_merkle_root';

COMMENT ON FUNCTION energyledger.merkle_root(bytea[]) IS
'The Merkle tree hash of a list of entries. entries: the data of the leaves in order, not their hashes; one dimension, no NULLs. '
'Result: 32 bytes; of an empty array the SHA-256 of nothing. '
'Errors: 22023 for an array of several dimensions, 22004 for a NULL element. Rule: RFC 6962 section 2.1.';

CREATE FUNCTION energyledger.verify_inclusion(leaf_hash bytea, index bigint, size bigint, proof bytea[], root bytea)
RETURNS boolean
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50
AS 'MODULE_PATHNAME', 'energyledger_verify_inclusion';

COMMENT ON FUNCTION energyledger.verify_inclusion(bytea, bigint, bigint, bytea[], bytea) IS
'Does the tree with this root hold this leaf at this index? leaf_hash, root: 32 bytes; index: from 0; size: leaves of the tree; '
'proof: the hashes from the leaf''s sibling upwards, at most 64, 32 bytes each. True where the proof leads to the root, otherwise false. '
'Errors: 22023 where no tree could have such a proof: a hash that is not 32 bytes, a negative number, index not below size, '
'a wrong number of hashes, several dimensions; 22004 for a NULL element. Rule: RFC 6962 section 2.1.1, RFC 9162 section 2.1.3.2.';

CREATE FUNCTION energyledger.verify_consistency(size1 bigint, size2 bigint, proof bytea[], root1 bytea, root2 bytea)
RETURNS boolean
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50
AS 'MODULE_PATHNAME', 'energyledger_verify_consistency';

COMMENT ON FUNCTION energyledger.verify_consistency(bigint, bigint, bytea[], bytea, bytea) IS
'Did the tree with root2 grow from the tree with root1 by appending only? size1, size2: leaves of each; root1, root2: 32 bytes; '
'proof: at most 64 hashes of 32 bytes, none for equal sizes or size1 = 0. True where the proof leads to both roots, otherwise false. '
'Errors: 22023 where no two trees could have such a proof: a hash that is not 32 bytes, a negative size, size1 above size2, '
'a wrong number of hashes, several dimensions; 22004 for a NULL element. Rule: RFC 6962 section 2.1.2, RFC 9162 section 2.1.4.2.';

CREATE FUNCTION energyledger.verify_note(note text, vkey text)
RETURNS boolean
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
AS 'MODULE_PATHNAME', 'energyledger_verify_note';

COMMENT ON FUNCTION energyledger.verify_note(text, text) IS
'Is this a signed note with a valid signature of this key? note: its text, an empty line, 1 to 64 signature lines, at most 65536 bytes; '
'vkey: <name>+<key id>+<base64>, an Ed25519 key of type 01. False where the note is malformed, not signed by the key, or any signature '
'with the key''s name and id does not verify; signatures of other keys are passed over. Errors: 22023 for a malformed vkey. '
'Rule: c2sp.org/signed-note. What the text says (a checkpoint''s size and root) is not looked at.';

CREATE FUNCTION energyledger.verify_receipt(receipt jsonb, vkey text)
RETURNS boolean
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100
AS 'MODULE_PATHNAME', 'energyledger_verify_receipt';

COMMENT ON FUNCTION energyledger.verify_receipt(jsonb, text) IS
'Does this receipt prove its row, to somebody who trusts this key? receipt: what energyledger.receipt() gave; vkey: <name>+<key id>+<base64>, '
'by a way that the asker trusts. True where the checkpoint is signed by the key under its name, the proof leads from the entry to the checkpoint''s root, '
'the row''s path from the row to the entry''s root of rows, and table, ledger_id, number of rows and schema are those that the proven bytes name. '
'Everything else is false, malformed receipts too; energyledger.receipt_failure() says why. Reads nothing but its arguments. '
'Errors: 22023 for a malformed vkey. Rule: doc/format.md (row receipt), c2sp.org/tlog-proof, RFC 6962 section 2.1.1.';

CREATE FUNCTION energyledger.receipt_failure(receipt jsonb, vkey text)
RETURNS text
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100
AS 'MODULE_PATHNAME', 'energyledger_receipt_failure';

COMMENT ON FUNCTION energyledger.receipt_failure(jsonb, text) IS
'Why energyledger.verify_receipt(receipt, vkey) is false; NULL where it is true. Arguments and errors are the same. Result: '
'too_large, malformed, unknown_format, proof_malformed, note_malformed (the receipt''s form); other_key, wrong_signature, wrong_origin (the checkpoint); '
'entry_malformed, not_in_log, other_schema, schema_malformed, other_relation, other_row_count (the entry); '
'not_in_entry, row_malformed, other_ledger_id, id_outside, unknown_column (the row). Where several are true, the first in the order of the check. '
'Rule: doc/format.md (row receipt).';
