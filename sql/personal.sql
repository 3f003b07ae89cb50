/*
 * personal.sql: data about people: values that can be erased from a row whose hash
 * stays, and values encrypted to a public key.
 */

CREATE TYPE energyledger.redactable;

CREATE FUNCTION energyledger.redactable_in(cstring) RETURNS energyledger.redactable
    AS 'MODULE_PATHNAME', 'redactable_in_text' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION energyledger.redactable_in(cstring) IS
'Input of type redactable. A text is a value; one that begins with "energyledger:" must be what the output writes, otherwise it is refused (22P02). '
'At most 16 MiB (54000).';

CREATE FUNCTION energyledger.redactable_out(energyledger.redactable) RETURNS cstring
    AS 'MODULE_PATHNAME', 'redactable_out_text' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION energyledger.redactable_out(energyledger.redactable) IS
'Output of type redactable: exact, so that a dump brings back the row''s hash: "energyledger:salted:<salt>:<value>", "energyledger:redacted:<commitment>", '
'or the value alone where no ledger table has stored it yet. Cast to text to read the value.';

CREATE FUNCTION energyledger.redactable_recv(internal) RETURNS energyledger.redactable
    AS 'MODULE_PATHNAME', 'redactable_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION energyledger.redactable_recv(internal) IS
'Binary input of type redactable: a byte, 0 and the value, 1 and 32 bytes of salt and the value, or 2 and the 32 bytes of the commitment. Errors: 22P03, 54000.';

CREATE FUNCTION energyledger.redactable_send(energyledger.redactable) RETURNS bytea
    AS 'MODULE_PATHNAME', 'redactable_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION energyledger.redactable_send(energyledger.redactable) IS
'Binary output of type redactable: what redactable_recv reads.';

CREATE TYPE energyledger.redactable (
    INPUT = energyledger.redactable_in,
    OUTPUT = energyledger.redactable_out,
    RECEIVE = energyledger.redactable_recv,
    SEND = energyledger.redactable_send,
    INTERNALLENGTH = VARIABLE,
    STORAGE = extended
);
COMMENT ON TYPE energyledger.redactable IS
'text that can be erased from a ledger table: the row''s hash is made with a salted commitment in its place, and stays when redact() erases salt and value';

CREATE FUNCTION energyledger.redactable(value text) RETURNS energyledger.redactable
    AS 'MODULE_PATHNAME', 'redactable_from_text' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION energyledger.redactable(text) IS
'The cast from text: any text is a value, whatever it begins with. It gets a salt of its own when a ledger table stores it. NULL for NULL. At most 16 MiB (54000).';

CREATE FUNCTION energyledger.value(redactable energyledger.redactable) RETURNS text
    AS 'MODULE_PATHNAME', 'redactable_value' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION energyledger.value(energyledger.redactable) IS
'The cast to text: the value, NULL once it is redacted (is_redacted() tells that from a NULL that was stored). Errors: XX001 where what is stored is malformed.';

CREATE CAST (text AS energyledger.redactable) WITH FUNCTION energyledger.redactable(text) AS ASSIGNMENT;
COMMENT ON CAST (text AS energyledger.redactable) IS 'a new value, which gets its salt when it is stored';
CREATE CAST (varchar AS energyledger.redactable) WITH FUNCTION energyledger.redactable(text) AS ASSIGNMENT;
COMMENT ON CAST (varchar AS energyledger.redactable) IS 'a new value, which gets its salt when it is stored';
CREATE CAST (energyledger.redactable AS text) WITH FUNCTION energyledger.value(energyledger.redactable) AS IMPLICIT;
COMMENT ON CAST (energyledger.redactable AS text) IS 'the value; NULL once it is redacted';
CREATE CAST (energyledger.redactable AS varchar) WITH FUNCTION energyledger.value(energyledger.redactable) AS ASSIGNMENT;
COMMENT ON CAST (energyledger.redactable AS varchar) IS 'the value; NULL once it is redacted';

CREATE FUNCTION energyledger.is_redacted(redactable energyledger.redactable) RETURNS boolean
    AS 'MODULE_PATHNAME', 'redactable_is_redacted' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION energyledger.is_redacted(energyledger.redactable) IS
'Has the value been erased? NULL for NULL; no errors.';

CREATE FUNCTION energyledger.commitment(redactable energyledger.redactable) RETURNS bytea
    AS 'MODULE_PATHNAME', 'redactable_get_commitment' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION energyledger.commitment(energyledger.redactable) IS
'What stands for the value in the row''s hash: SHA-256 of a byte 02, the salt and the value, 32 bytes; the same before and after redaction. NULL for NULL. '
'Errors: 55000 for a value that no ledger table has stored, which has no salt. Rule: doc/format.md.';

CREATE FUNCTION energyledger.salt(redactable energyledger.redactable) RETURNS bytea
    AS 'MODULE_PATHNAME', 'redactable_get_salt' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION energyledger.salt(energyledger.redactable) IS
'The value''s salt, 32 bytes: with it the person the value is about can prove the value to others, also after it is redacted here. '
'NULL once redacted, and where no ledger table has stored it. Errors: XX001 where what is stored is malformed.';

CREATE FUNCTION energyledger.verify_commitment(commitment bytea, salt bytea, value text) RETURNS boolean
    AS 'MODULE_PATHNAME', 'verify_commitment' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION energyledger.verify_commitment(bytea, bytea, text) IS
'Was it this value that the commitment in a row or receipt was made of? commitment, salt: 32 bytes. '
'False for anything else and for any other length; NULL for a NULL argument; no errors. Rule: doc/format.md.';

CREATE FUNCTION energyledger.redact(relation regclass, ledger_id bigint, "column" name, reason text) RETURNS bigint
    AS 'MODULE_PATHNAME', 'redact' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION energyledger.redact(regclass, bigint, name, text) IS
'Erases a value of type redactable from a row: its commitment takes the place of salt and value, the row''s hash stays, and the log gets an event. '
'Arguments: a ledger table, or a partitioned table over it; the row''s ledger_id; the column; why, 1 to 1000 bytes, which everybody who reads the log will see. '
'Returns the event''s event_id. Takes effect with the calling transaction. Run VACUUM on the table afterwards: until then the old version of the row is still in its file; WAL and backups keep it until they expire (doc/operations.md). '
'Needs to own the table, or to be a member of energyledger_operator. '
'Errors: P0002 no such row, or inserted by a transaction that has not committed; 42703 no such column; 42809 not a ledger table, or not a redactable column; '
'55000 redacted already, NULL, inserted by this very transaction, or restore mode; 40001 redacted by another transaction, under repeatable read; '
'23514 the redacted row would break a CHECK constraint; 42501 not the owner; 22004 a NULL argument; 22023 no reason or too long a one; 25006 on a standby or in a read-only transaction.';

CREATE FUNCTION energyledger.redaction_pending(relation regclass) RETURNS bigint
    AS 'MODULE_PATHNAME', 'redaction_pending' LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION energyledger.redaction_pending(regclass) IS
'How many pages of the table, its partitions and their TOAST may still hold what was redacted (or rolled back): old versions of rows, bytes left in free space. '
'0 after VACUUM, unless a transaction (the sealer''s too, for a moment), a prepared one, a standby or a replication slot still needed old versions, or rows are being inserted right now: then VACUUM again later. Reads every page. '
'Needs to own the table, or to be a member of energyledger_operator. Errors: 42809 not a ledger table, 42501 not the owner.';

CREATE FUNCTION energyledger.encrypt_to(plaintext bytea, public_key bytea) RETURNS bytea
    AS 'MODULE_PATHNAME', 'encrypt_to' LANGUAGE C VOLATILE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION energyledger.encrypt_to(bytea, bytea) IS
'Encrypts to a public key: only the holder of the secret key can decrypt, not even who encrypted. plaintext: at most 16 MiB; public_key: X25519, 32 bytes. '
'Result: 48 bytes more than the plaintext, another each time. NULL for a NULL argument. '
'Errors: 22023 for a key that is not 32 bytes or that no secret belongs to, 54000 for too long a plaintext. Rule: libsodium''s crypto_box_seal.';

CREATE FUNCTION energyledger.encrypt_to(plaintext text, public_key bytea) RETURNS bytea
    AS 'MODULE_PATHNAME', 'encrypt_to' LANGUAGE C VOLATILE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION energyledger.encrypt_to(text, bytea) IS
'The same for a text, whose UTF-8 bytes are encrypted.';

CREATE FUNCTION energyledger.decrypt_sealed(ciphertext bytea, public_key bytea, secret_key bytea) RETURNS bytea
    AS 'MODULE_PATHNAME', 'decrypt_sealed' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION energyledger.decrypt_sealed(bytea, bytea, bytea) IS
'Decrypts what encrypt_to made. ciphertext: 48 bytes or more; public_key, secret_key: 32 bytes each. NULL for a NULL argument; convert_from(…, ''UTF8'') makes a text of the result. '
'A secret key in a statement can end up in logs, in pg_stat_activity and in the client''s history: better decrypt with energyledger-box where the key is. '
'Errors: 22023 for a key or a ciphertext of another length, 22000 where it does not decrypt, which does not say why. Rule: libsodium''s crypto_box_seal_open.';
