-- verify.sql: recomputing the ledger, and watching it being done.

CREATE FUNCTION energyledger.verify(only_relation regclass DEFAULT NULL, site integer DEFAULT NULL,
    ids int8range DEFAULT NULL, against text DEFAULT NULL, since text DEFAULT NULL,
    deep boolean DEFAULT false, workers integer DEFAULT NULL,
    OUT relation text, OUT ledger_id bigint, OUT kind text, OUT expected text, OUT found text)
    RETURNS SETOF record
    LANGUAGE C VOLATILE
    SET search_path = pg_catalog, pg_temp
    -- where something is not in the log, whole tables are joined, whose sizes the planner
    -- cannot guess from arrays of references (and what that adds to its costs is no reason to compile)
    SET enable_nestloop = off
    SET jit = off
    AS 'MODULE_PATHNAME', 'verify';
COMMENT ON FUNCTION energyledger.verify(regclass, integer, int8range, text, text, boolean, integer) IS
'Recomputes everything from what is stored: rows to entries, entries to the log, the block chain, the roots and the signatures of the checkpoints, the stored tree.
Arguments, all optional:
only_relation: a ledger table to read the rows of; NULL: all. The log itself is checked all the same.
site: whose log, and only the rows written there; NULL: this site''s log, and rows of all sites whose entries are here.
ids: ledger_ids; only entries that overlap the range, and their rows.
against: a checkpoint (signed note) held outside: finds a log whose tail was cut off, or that was rewritten and signed again.
since: a checkpoint that the caller trusts: only what is new since then is read. Where the log does not bear it out, everything is.
deep: also compares indexes with their tables (needs the extension amcheck).
workers: processes to read with, beside this one; NULL: as max_parallel_maintenance_workers allows and the tables are worth it.
Returns one row for each finding, none where all is intact: the table, the ledger_id (of the row where it can be told, else of the entry''s first row; for a row of the log''s own tables its key there: first_id, height, leaf_index), the kind of finding, what was expected and what was found. The kinds are listed in doc/operations.md.
Says in a NOTICE up to which size and time it is intact, and what was covered. Reads with one snapshot and may run beside writers and on a standby; rows that the calling transaction itself wrote are not covered. It can be cancelled; energyledger.verify_rate_limit slows it down.
Errors: 22023 where against or since is no checkpoint, or site has no log here; 42809 where only_relation is not a ledger table; 42501 without SELECT on the log''s tables and on those that are read; 0A000 for deep without amcheck.
The source of the rules is doc/format.md.';

CREATE FUNCTION energyledger.verify_progress(OUT pid integer, OUT datname text, OUT phase text, OUT relation text,
    OUT blocks_total bigint, OUT blocks_done bigint, OUT rows_done bigint,
    OUT leaves_total bigint, OUT leaves_done bigint, OUT findings bigint, OUT started_at timestamptz)
    RETURNS SETOF record
    LANGUAGE C VOLATILE STRICT
    AS 'MODULE_PATHNAME', 'verify_progress';
COMMENT ON FUNCTION energyledger.verify_progress() IS
'What the calls of energyledger.verify() that run now are doing: see the view energyledger.stat_verify. No arguments, no errors.
Only the process and its database are shown to those who are neither its role nor members of pg_read_all_stats.';

CREATE VIEW energyledger.stat_verify AS SELECT * FROM energyledger.verify_progress();
COMMENT ON VIEW energyledger.stat_verify IS
'a row for each call of energyledger.verify() that runs in this cluster, at most 64 of them';
COMMENT ON COLUMN energyledger.stat_verify.pid IS 'process that was called';
COMMENT ON COLUMN energyledger.stat_verify.datname IS 'its database';
COMMENT ON COLUMN energyledger.stat_verify.phase IS 'log, rows, naming rows (something did not fit), or indexes';
COMMENT ON COLUMN energyledger.stat_verify.relation IS 'table or index that is being read';
COMMENT ON COLUMN energyledger.stat_verify.blocks_total IS 'blocks of tables to read, as far as it is known now';
COMMENT ON COLUMN energyledger.stat_verify.blocks_done IS 'blocks read, by all its processes';
COMMENT ON COLUMN energyledger.stat_verify.rows_done IS 'rows and entries read in them';
COMMENT ON COLUMN energyledger.stat_verify.leaves_total IS 'leaves of the log to recompute';
COMMENT ON COLUMN energyledger.stat_verify.leaves_done IS 'leaves recomputed';
COMMENT ON COLUMN energyledger.stat_verify.findings IS 'findings so far';
COMMENT ON COLUMN energyledger.stat_verify.started_at IS 'when it was called';
GRANT SELECT ON energyledger.stat_verify TO PUBLIC;
