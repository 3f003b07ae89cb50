-- ledger.sql: the table access method and the log that its rows are hashed into.

-- First of all: without shared_preload_libraries nothing would guard the tables.
CREATE FUNCTION energyledger.require_preload() RETURNS void
    AS 'MODULE_PATHNAME', 'require_preload' LANGUAGE C STRICT;
SELECT energyledger.require_preload();
DROP FUNCTION energyledger.require_preload();

CREATE FUNCTION energyledger.ledger_handler(internal) RETURNS table_am_handler
    AS 'MODULE_PATHNAME', 'ledger_handler' LANGUAGE C STRICT;
COMMENT ON FUNCTION energyledger.ledger_handler(internal) IS
'handler of the table access method "ledger": heap whose rows are hashed as they are written, and never change';
CREATE ACCESS METHOD ledger TYPE TABLE HANDLER energyledger.ledger_handler;
COMMENT ON ACCESS METHOD ledger IS
'append-only tables whose rows are hashed into entries of one Merkle log: CREATE TABLE ... USING ledger';

CREATE FUNCTION energyledger.ledger_log_handler(internal) RETURNS table_am_handler
    AS 'MODULE_PATHNAME', 'ledger_log_handler' LANGUAGE C STRICT;
COMMENT ON FUNCTION energyledger.ledger_log_handler(internal) IS
'handler of the table access method "ledger_log": the log''s own tables, which only the extension writes';
CREATE ACCESS METHOD ledger_log TYPE TABLE HANDLER energyledger.ledger_log_handler;
COMMENT ON ACCESS METHOD ledger_log IS
'the log''s own tables: written by pg_energyledger alone, never changed';

CREATE FUNCTION energyledger.unassigned_id() RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT 0::bigint $$;
COMMENT ON FUNCTION energyledger.unassigned_id() IS
'Default of the column ledger_id: 0, in whose place the access method puts the id. No arguments, no errors.
A function rather than a number, so that a dump of a ledger table cannot be restored as an ordinary table where pg_energyledger is missing.';

-- One call reserves a slab of 2^20 ids; 45 bits of counter.
CREATE SEQUENCE energyledger.ledger_id_seq AS bigint
    INCREMENT 1048576 MINVALUE 1048576 MAXVALUE 35184370040832 START 1048576;
COMMENT ON SEQUENCE energyledger.ledger_id_seq IS
'counter of ledger_id, reserved in slabs of 1048576; at most 2^45 ids a site';

CREATE TABLE energyledger.site (
    site_id           smallint NOT NULL CHECK (site_id BETWEEN 1 AND 255),
    incarnation       integer NOT NULL,
    key_number        integer NOT NULL,
    origin            text NOT NULL,
    public_key        bytea NOT NULL,
    system_identifier bigint NOT NULL,
    database_oid      oid NOT NULL,
    xid_space         integer NOT NULL,
    timeline          integer NOT NULL,
    created_at        timestamptz NOT NULL,
    PRIMARY KEY (site_id, incarnation, key_number)
) USING ledger_log;
COMMENT ON TABLE energyledger.site IS
'who signs: a row for each incarnation of this log (where it was copied or restored it goes on under another name) and for each signing key it had; each has its event in the log';
COMMENT ON COLUMN energyledger.site.site_id IS 'top 8 bits of the ledger_ids written here, 1 to 255';
COMMENT ON COLUMN energyledger.site.incarnation IS 'counts from 1: the names that this log had';
COMMENT ON COLUMN energyledger.site.key_number IS 'counts the incarnation''s signing keys from 1; the highest is the one that signs';
COMMENT ON COLUMN energyledger.site.origin IS 'first line of the checkpoints, and name of the signing key';
COMMENT ON COLUMN energyledger.site.public_key IS 'Ed25519 public key, 32 bytes';
COMMENT ON COLUMN energyledger.site.system_identifier IS 'the cluster it was made in (pg_control_system())';
COMMENT ON COLUMN energyledger.site.database_oid IS 'the database it was made in';
COMMENT ON COLUMN energyledger.site.xid_space IS
'first of the incarnations that share their transaction ids with this one: its own number where a dump was restored, since ids start over there';
COMMENT ON COLUMN energyledger.site.timeline IS 'WAL timeline of the server that made it';
COMMENT ON COLUMN energyledger.site.created_at IS 'when';

-- Not dumped: it is how a restored dump is told from a copy of the files.
CREATE TABLE energyledger.local_incarnation (
    incarnation integer NOT NULL PRIMARY KEY
) USING ledger_log;
COMMENT ON TABLE energyledger.local_incarnation IS
'incarnations that were opened where these files are: their transaction ids count here. Never dumped, so that a restored dump knows that its own start over';
COMMENT ON COLUMN energyledger.local_incarnation.incarnation IS 'site.incarnation';
COMMENT ON INDEX energyledger.local_incarnation_pkey IS 'each once';

CREATE TABLE energyledger.table_schema (
    schema_id      bigint NOT NULL PRIMARY KEY,
    site_id        smallint NOT NULL,
    incarnation    integer NOT NULL,
    xid            xid8 NOT NULL,
    relation       text NOT NULL,
    schema_version integer NOT NULL,
    ordinals       smallint[] NOT NULL,
    names          text[] NOT NULL,
    types          text[] NOT NULL,
    made_at        timestamptz NOT NULL,
    role           text NOT NULL,
    UNIQUE (site_id, relation, schema_version)
) USING ledger_log;
COMMENT ON TABLE energyledger.table_schema IS
'columns of each ledger table, a row for each version; a leaf of the log (kind 2)';
COMMENT ON COLUMN energyledger.table_schema.schema_id IS 'a ledger_id of its own';
COMMENT ON COLUMN energyledger.table_schema.site_id IS 'site that registered it';
COMMENT ON COLUMN energyledger.table_schema.incarnation IS 'incarnation in which xid counts';
COMMENT ON COLUMN energyledger.table_schema.xid IS 'transaction that registered it';
COMMENT ON COLUMN energyledger.table_schema.relation IS 'schema.table';
COMMENT ON COLUMN energyledger.table_schema.schema_version IS 'counts from 1 for each table';
COMMENT ON COLUMN energyledger.table_schema.ordinals IS 'the columns'' numbers in hashed rows, ascending; ledger_id has none';
COMMENT ON COLUMN energyledger.table_schema.names IS 'the columns'' names, in the order of ordinals';
COMMENT ON COLUMN energyledger.table_schema.types IS 'the columns'' types, in the order of ordinals';
COMMENT ON COLUMN energyledger.table_schema.made_at IS 'when it was registered';
COMMENT ON COLUMN energyledger.table_schema.role IS 'by whom';

CREATE TABLE energyledger.entry (
    first_id       bigint NOT NULL PRIMARY KEY,
    last_id        bigint NOT NULL,
    xid            xid8 NOT NULL,
    made_at        timestamptz NOT NULL,
    site_id        smallint NOT NULL,
    incarnation    integer NOT NULL,
    row_count      integer NOT NULL,
    schema_version integer NOT NULL,
    low_tid        tid NOT NULL,
    high_tid       tid NOT NULL,
    relation       text NOT NULL,
    role           text NOT NULL,
    schema_digest  bytea NOT NULL,
    rows_root      bytea NOT NULL,
    row_tags       bytea NOT NULL
) USING ledger_log;
-- at most 1024 bytes of noise: not worth a try to compress
ALTER TABLE energyledger.entry ALTER COLUMN row_tags SET STORAGE EXTERNAL;
COMMENT ON TABLE energyledger.entry IS
'what one transaction wrote into one ledger table: a run of at most 512 rows and the Merkle root of its rows; a leaf of the log (kind 1)';
COMMENT ON COLUMN energyledger.entry.first_id IS 'ledger_id of the first row: the entry''s name';
COMMENT ON COLUMN energyledger.entry.last_id IS 'ledger_id of the last row';
COMMENT ON COLUMN energyledger.entry.xid IS 'transaction that wrote the rows';
COMMENT ON COLUMN energyledger.entry.made_at IS 'when the entry was closed';
COMMENT ON COLUMN energyledger.entry.site_id IS 'site that wrote it';
COMMENT ON COLUMN energyledger.entry.incarnation IS 'incarnation in which xid counts';
COMMENT ON COLUMN energyledger.entry.row_count IS 'number of rows; less than the run''s length where savepoints were rolled back';
COMMENT ON COLUMN energyledger.entry.schema_version IS 'version of table_schema by which the rows were hashed';
COMMENT ON COLUMN energyledger.entry.low_tid IS
'where the first of the rows in the table''s storage was put. Not hashed: a hint, which VACUUM FULL, CLUSTER, a restore and, for its row, a redaction make stale';
COMMENT ON COLUMN energyledger.entry.high_tid IS 'the same of the last';
COMMENT ON COLUMN energyledger.entry.relation IS 'schema.table';
COMMENT ON COLUMN energyledger.entry.role IS 'role that wrote the rows';
COMMENT ON COLUMN energyledger.entry.schema_digest IS 'leaf hash of that schema, 32 bytes';
COMMENT ON COLUMN energyledger.entry.rows_root IS 'RFC 6962 root over the rows in ledger_id order, 32 bytes';
COMMENT ON COLUMN energyledger.entry.row_tags IS
'first 2 bytes of each row''s leaf hash, in order: lets verify name the row that changed. Not hashed and never trusted: the root decides';

CREATE TABLE energyledger.block (
    site_id             smallint NOT NULL,
    height              bigint NOT NULL,
    previous_block_hash bytea NOT NULL,
    first_index         bigint NOT NULL,
    leaf_count          bigint NOT NULL,
    sealed_at           timestamptz NOT NULL,
    incarnation         integer NOT NULL,
    key_number          integer NOT NULL,
    timeline            integer NOT NULL,
    snapshot            pg_snapshot NOT NULL,
    id_floor            bigint NOT NULL,
    xid_floor           xid8 NOT NULL,
    frontier            bytea NOT NULL,
    note                text NOT NULL,
    PRIMARY KEY (site_id, height)
) USING ledger_log;
COMMENT ON TABLE energyledger.block IS
'batches of leaves under a signed checkpoint, chained by hash; each block is the last leaf of its batch (kind 3)';
COMMENT ON COLUMN energyledger.block.site_id IS 'site that sealed it';
COMMENT ON COLUMN energyledger.block.height IS 'counts from 1';
COMMENT ON COLUMN energyledger.block.previous_block_hash IS 'leaf hash of the block before, 32 bytes; zeros at height 1';
COMMENT ON COLUMN energyledger.block.first_index IS 'index in the log of the batch''s first leaf';
COMMENT ON COLUMN energyledger.block.leaf_count IS 'leaves of the batch, not counting the block itself, whose index is first_index + leaf_count';
COMMENT ON COLUMN energyledger.block.sealed_at IS 'when';
COMMENT ON COLUMN energyledger.block.incarnation IS 'incarnation to which snapshot belongs';
COMMENT ON COLUMN energyledger.block.key_number IS 'which of the incarnation''s keys signed the checkpoint; where the block before has a lower one, that and those between signed it as well';
COMMENT ON COLUMN energyledger.block.timeline IS 'WAL timeline of the server that sealed it';
COMMENT ON COLUMN energyledger.block.snapshot IS 'what was visible when it was sealed: the next block takes what was not';
COMMENT ON COLUMN energyledger.block.id_floor IS 'the next ledger_id not yet reserved when it was sealed: transactions from xid_floor on have no lower ones';
COMMENT ON COLUMN energyledger.block.xid_floor IS 'first transaction id not yet given out just after that';
COMMENT ON COLUMN energyledger.block.frontier IS 'roots of the perfect subtrees up to and with this block: u64 size, then 32 bytes each, largest first';
COMMENT ON COLUMN energyledger.block.note IS 'the checkpoint: a C2SP signed note over size and root';

CREATE TABLE energyledger.event (
    event_id     bigint NOT NULL PRIMARY KEY,
    site_id      smallint NOT NULL,
    kind         smallint NOT NULL,
    incarnation  integer NOT NULL,
    xid          xid8 NOT NULL,
    field_names  text[] NOT NULL,
    field_values text[] NOT NULL,
    made_at      timestamptz NOT NULL,
    role         text NOT NULL,
    UNIQUE (site_id, kind, event_id)
) USING ledger_log;
COMMENT ON TABLE energyledger.event IS
'what happened to ledger tables and to the log itself; each a leaf of the log (kinds 4 to 9)';
COMMENT ON COLUMN energyledger.event.event_id IS 'a ledger_id of its own';
COMMENT ON COLUMN energyledger.event.site_id IS 'site where it happened';
COMMENT ON COLUMN energyledger.event.kind IS '4 rename, 5 retire, 6 incarnation, 7 key, 8 redaction, 9 conversion';
COMMENT ON COLUMN energyledger.event.incarnation IS 'incarnation in which xid counts';
COMMENT ON COLUMN energyledger.event.xid IS 'transaction that did it';
COMMENT ON COLUMN energyledger.event.field_names IS 'names of what is said about it: see doc/format.md';
COMMENT ON COLUMN energyledger.event.field_values IS 'what is said, in the order of field_names';
COMMENT ON COLUMN energyledger.event.made_at IS 'when';
COMMENT ON COLUMN energyledger.event.role IS 'by whom';

-- Runs, since a row for each leaf would cost three times as much with its index.
CREATE TABLE energyledger.leaf_run (
    site_id     smallint NOT NULL,
    first_index bigint NOT NULL,
    kinds       bytea NOT NULL,
    refs        bigint[] NOT NULL,
    hashes      bytea NOT NULL,
    PRIMARY KEY (site_id, first_index)
) USING ledger_log;
COMMENT ON TABLE energyledger.leaf_run IS 'order of the log, up to 40 consecutive leaves of one block a row; see the view leaf';
COMMENT ON COLUMN energyledger.leaf_run.site_id IS 'whose log';
COMMENT ON COLUMN energyledger.leaf_run.first_index IS 'index in the log of the first, from 0';
COMMENT ON COLUMN energyledger.leaf_run.kinds IS 'a byte each: 1 entry, 2 schema, 3 block, 4 to 9 event';
COMMENT ON COLUMN energyledger.leaf_run.refs IS 'for each: entry.first_id, table_schema.schema_id, block.height or event.event_id';
COMMENT ON COLUMN energyledger.leaf_run.hashes IS 'for each its leaf hash, 32 bytes';

CREATE TABLE energyledger.subtree (
    site_id    smallint NOT NULL,
    level      smallint NOT NULL,
    node_index bigint NOT NULL,
    hash       bytea NOT NULL,
    PRIMARY KEY (site_id, level, node_index)
) USING ledger_log;
COMMENT ON TABLE energyledger.subtree IS
'roots of the log''s complete subtrees of 256, 256^2, ... leaves: the hashes of c2sp.org/tlog-tiles from level 1 on';
COMMENT ON COLUMN energyledger.subtree.site_id IS 'whose log';
COMMENT ON COLUMN energyledger.subtree.level IS 'over 256^level leaves, from 1';
COMMENT ON COLUMN energyledger.subtree.node_index IS 'counts the subtrees of its level from 0';
COMMENT ON COLUMN energyledger.subtree.hash IS 'RFC 6962 root, 32 bytes';

CREATE VIEW energyledger.leaf AS
    SELECT l.site_id,
           l.first_index + r.position - 1 AS leaf_index,
           CASE WHEN r.position <= octet_length(l.kinds)
                THEN get_byte(l.kinds, r.position::int - 1) ELSE 0 END::smallint AS kind,
           r.ref,
           substr(l.hashes, r.position::int * 32 - 31, 32) AS hash
      FROM energyledger.leaf_run l
     CROSS JOIN LATERAL unnest(l.refs) WITH ORDINALITY AS r(ref, position);
COMMENT ON VIEW energyledger.leaf IS 'order of the log: which entry, schema, block or event is at which index';
COMMENT ON COLUMN energyledger.leaf.site_id IS 'whose log';
COMMENT ON COLUMN energyledger.leaf.leaf_index IS 'index in the log, from 0';
COMMENT ON COLUMN energyledger.leaf.kind IS '1 entry, 2 schema, 3 block, 4 to 9 event; 0 none of these';
COMMENT ON COLUMN energyledger.leaf.ref IS 'entry.first_id, table_schema.schema_id, block.height or event.event_id';
COMMENT ON COLUMN energyledger.leaf.hash IS 'its leaf hash, as it was when the leaf was sealed, 32 bytes';

COMMENT ON INDEX energyledger.site_pkey IS 'one row an incarnation and key';
COMMENT ON INDEX energyledger.event_pkey IS 'an event by the reference that leaf holds';
COMMENT ON INDEX energyledger.event_site_id_kind_event_id_key IS 'the events of a kind: which tables were renamed';
COMMENT ON INDEX energyledger.subtree_pkey IS 'the hashes of a level in order';
COMMENT ON INDEX energyledger.table_schema_pkey IS 'a schema by the reference that leaf holds';
COMMENT ON INDEX energyledger.table_schema_site_id_relation_schema_version_key IS 'a table''s versions, each once';
COMMENT ON INDEX energyledger.entry_pkey IS 'the entry of a ledger_id: the last that begins at or before it; and what the next block takes';
COMMENT ON INDEX energyledger.block_pkey IS 'blocks by height';
COMMENT ON INDEX energyledger.leaf_run_pkey IS 'leaves in the log''s order';

SELECT pg_catalog.pg_extension_config_dump('energyledger.ledger_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('energyledger.site', '');
SELECT pg_catalog.pg_extension_config_dump('energyledger.table_schema', '');
SELECT pg_catalog.pg_extension_config_dump('energyledger.entry', '');
SELECT pg_catalog.pg_extension_config_dump('energyledger.block', '');
SELECT pg_catalog.pg_extension_config_dump('energyledger.event', '');
SELECT pg_catalog.pg_extension_config_dump('energyledger.leaf_run', '');
SELECT pg_catalog.pg_extension_config_dump('energyledger.subtree', '');

-- Checkpoints are for everybody.
GRANT SELECT ON energyledger.site, energyledger.block TO PUBLIC;

CREATE FUNCTION energyledger.open_site() RETURNS void
    AS 'MODULE_PATHNAME', 'open_site' LANGUAGE C STRICT;
SELECT energyledger.open_site();
DROP FUNCTION energyledger.open_site();

CREATE FUNCTION energyledger.seal() RETURNS bigint
    AS 'MODULE_PATHNAME', 'seal' LANGUAGE C STRICT;
COMMENT ON FUNCTION energyledger.seal() IS
'Seals what has been committed and is not yet in a block, and waits for it.
Returns the height of the newest block (a new one only where there was something to seal), NULL before the first.
The sealer does the work in a transaction of its own: what the calling transaction has written is not in it.
Errors: object_not_in_prerequisite_state (55000) where sealing fails, with the sealer''s reason; read_only_sql_transaction (25006) on a standby.';
REVOKE EXECUTE ON FUNCTION energyledger.seal() FROM PUBLIC;

CREATE FUNCTION energyledger.checkpoint() RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$
        SELECT b.note
          FROM energyledger.block b
         WHERE b.site_id = (SELECT s.site_id FROM energyledger.site s ORDER BY s.incarnation DESC LIMIT 1)
         ORDER BY b.height DESC LIMIT 1
    $$;
COMMENT ON FUNCTION energyledger.checkpoint() IS
'Newest checkpoint of this log: a C2SP signed note (c2sp.org/tlog-checkpoint) whose text is origin, number of leaves and base64 root.
NULL before the first block. Keep it: whoever holds it can prove any later change of what it covers.';

