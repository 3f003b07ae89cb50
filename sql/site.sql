-- site.sql: the log's names and keys.

CREATE FUNCTION energyledger.site_vkey() RETURNS text
    AS 'MODULE_PATHNAME', 'site_vkey' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION energyledger.site_vkey() IS
'Verifier key of this site (c2sp.org/signed-note): <origin>+<key id, 8 hex digits>+<base64 of 0x01 and the Ed25519 public key>.
The current one, which signs receipts and the next block; site_vkeys() lists them all. Hand it to those who check, by a way they trust.';

CREATE FUNCTION energyledger.vkey(name text, public_key bytea) RETURNS text
    AS 'MODULE_PATHNAME', 'vkey' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION energyledger.vkey(text, bytea) IS
'A verifier key in its written form: <name>+<key id, 8 hex digits>+<base64 of 0x01 and the key>. name: of the key, for a log its origin; public_key: Ed25519, 32 bytes. '
'NULL for a NULL argument. Errors: 22023 for a key of another length and a name that cannot stand in a note. Rule: c2sp.org/signed-note.';

CREATE FUNCTION energyledger.site_vkeys(
    OUT incarnation integer, OUT key_number integer, OUT vkey text, OUT since timestamptz,
    OUT first_height bigint, OUT last_height bigint)
    RETURNS SETOF record
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 5
    SET search_path = pg_catalog, pg_temp
    AS $$
        SELECT s.incarnation, s.key_number, energyledger.vkey(s.origin, s.public_key), s.created_at,
               min(b.height), max(b.height)
          FROM energyledger.site s
          LEFT JOIN energyledger.block b
            ON b.site_id = s.site_id AND b.incarnation = s.incarnation AND b.key_number = s.key_number
         GROUP BY s.site_id, s.incarnation, s.key_number, s.origin, s.public_key, s.created_at
         ORDER BY s.incarnation, s.key_number
    $$;
COMMENT ON FUNCTION energyledger.site_vkeys() IS
'All verifier keys that this log ever had, oldest first; the last is site_vkey(). Old notes stay checkable with the key of their time.
incarnation and key_number: as in energyledger.site; since: when it became the current one; first_height and last_height: the blocks that it signed as the newest key, NULL where it has signed none yet.
A key that replaced another (key_number above 1) is handed over in its first block, which both signed.';

CREATE FUNCTION energyledger.rotate_key(fresh boolean DEFAULT false) RETURNS text
    AS 'MODULE_PATHNAME', 'rotate_key' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
REVOKE EXECUTE ON FUNCTION energyledger.rotate_key(boolean) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.rotate_key(boolean) IS
'Replaces the site''s signing key. Takes the last line of the signing key file where this log has not used that key; otherwise, or with fresh, makes a key and appends it to the file.
Returns the new verifier key: hand it to those who check, beside the old one, with which old notes stay checkable. Takes effect at commit: the change is an event of the log, and the block that holds it is signed by the old key and the new one.
Each database of a cluster rotates on its own. Copy the file to the standbys. The old secret is needed until the next block is sealed; then its line can be removed.
Errors: 25006 on a standby or in a read-only transaction; 55000 where the file does not hold the current key, or another incarnation is not open yet; 53400 where it holds 64 keys; file errors (class 58, 42501, 53100) where it cannot be written: append a line to it yourself.';

CREATE FUNCTION energyledger.reopen(reason text) RETURNS text
    AS 'MODULE_PATHNAME', 'reopen' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
REVOKE EXECUTE ON FUNCTION energyledger.reopen(text) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.reopen(text) IS
'Opens a new incarnation: the log goes on, with all that it holds, under another name, and with the last key of the signing key file. reason: 1 to 1000 bytes, written to the log.
For a log whose old name may still be signed with elsewhere or was signed further than this copy knows (a standby promoted without the primary''s last blocks, a cloned data directory), and for one whose key is lost or stolen.
Copies of the database, restored dumps and recovery to a target are reopened without it. Returns the new verifier key. NULL for NULL. Takes effect at commit.
Errors: 22023 for a reason too short or too long; 25006 on a standby or in a read-only transaction; file errors where the key file cannot be read.';
