-- table.sql: what a ledger table's owner can do with it beyond DDL.

-- Both may be called by everybody: they ask for the owner of the table themselves.
CREATE FUNCTION energyledger.retire(relation regclass, reason text) RETURNS text
    AS 'MODULE_PATHNAME', 'energyledger_retire' LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION energyledger.retire(regclass, text) IS
'Closes a ledger table for ever: it is renamed retired_<id of the event>_<name>, cut to the length of a name, and takes no more rows. Its rows, indexes, constraints and the foreign keys to it stay; it is read and verified as before, and its old name is free.
relation: a ledger table that the caller owns, not one of the extension; reason: any text, written to the log with the number of rows and the last ledger_id (event of kind 5). Result: the new name, quoted for SQL.
Takes ACCESS EXCLUSIVE on the table and reads all of it. Errors: 42501 where the caller does not own it, 42809 where it is no ledger table, 55000 where it is retired already, belongs to the extension, or in restore mode.';

CREATE FUNCTION energyledger.convert(relation regclass) RETURNS bigint
    AS 'MODULE_PATHNAME', 'energyledger_convert' LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION energyledger.convert(regclass) IS
'Makes a ledger table of an ordinary one: adds ledger_id, rewrites it once with the access method ledger, and writes its rows to the log as entries of this transaction. Indexes, constraints, foreign keys, triggers, rights and row-level security stay.
relation: a permanent heap table that the caller owns, with columns of types that can be hashed, not partitioned, nor child or parent of another. Result: the number of its rows, which the log also names (event of kind 9).
Takes ACCESS EXCLUSIVE on the table for as long as that takes. Logical decoding does not show the rewrite: subscribers see none of its rows. Errors: 42501 where the caller does not own it, 42809 or 0A000 for a table that cannot be one (the detail says why), 42701 where it has a column ledger_id, 55000 in restore mode.';
