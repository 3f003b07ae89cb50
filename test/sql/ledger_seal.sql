/*
 * ledger_seal.sql: blocks, checkpoints, and what verify() answers on a ledger
 * that nobody touched.
 */
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
CREATE SCHEMA seal;
SET search_path = seal;

CREATE TABLE t (a int) USING ledger;
INSERT INTO t VALUES (1);

-- seal() gives a height; again without writes, the same; a write, the next.
SELECT energyledger.seal() AS first \gset
SELECT energyledger.seal() = :first AS same_height;
INSERT INTO t VALUES (2), (3);
SELECT energyledger.seal() > :first AS next_height;
-- What the calling transaction wrote is not in it, and is in the next.
BEGIN;
INSERT INTO t VALUES (4);
SELECT energyledger.seal() IS NOT NULL AS sealed;
SELECT count(*) AS entries_of_ours FROM energyledger.entry WHERE xid = pg_current_xact_id();
COMMIT;
SELECT energyledger.seal() IS NOT NULL AS sealed;
SELECT count(*) AS not_in_the_log FROM energyledger.entry e
 WHERE NOT EXISTS (SELECT FROM energyledger.leaf l WHERE l.kind = 1 AND l.ref = e.first_id);

-- The log: indexes without a gap, each entry, schema and block once, blocks in a chain.
SELECT min(leaf_index) AS first, max(leaf_index) - count(*) + 1 AS gaps FROM energyledger.leaf;
SELECT kind, count(*) - count(DISTINCT ref) AS twice FROM energyledger.leaf WHERE kind <= 3 GROUP BY kind ORDER BY kind;
SELECT bool_and(b.first_index = coalesce(p.first_index + p.leaf_count + 1, 0)) AS ranges_meet,
       bool_and(b.previous_block_hash = coalesce(energyledger.leaf_hash('\x0103'::bytea || int8send(p.height) || p.previous_block_hash
                || int8send(p.first_index) || int8send(p.leaf_count)
                || int8send((extract(epoch FROM p.sealed_at) * 1000000)::bigint)), decode(repeat('00', 32), 'hex'))) AS hashes_chain
  FROM energyledger.block b LEFT JOIN energyledger.block p ON p.site_id = b.site_id AND p.height = b.height - 1;

-- The checkpoint: origin, size, root, signed by the key that site_vkey() names.
SELECT energyledger.checkpoint() = (SELECT note FROM energyledger.block ORDER BY height DESC LIMIT 1) AS newest;
SELECT energyledger.verify_note(energyledger.checkpoint(), energyledger.site_vkey()) AS valid;
SELECT bool_and(energyledger.verify_note(note, energyledger.site_vkey())) AS all_valid FROM energyledger.block;
SELECT energyledger.verify_note(replace(energyledger.checkpoint(), E'\n\n', E'1\n\n'), energyledger.site_vkey()) AS changed;
SELECT split_part(energyledger.checkpoint(), E'\n', 1) = split_part(energyledger.site_vkey(), '+', 1) AS origin,
       split_part(energyledger.checkpoint(), E'\n', 2)::bigint = (SELECT count(*) FROM energyledger.leaf) AS size,
       length(decode(split_part(energyledger.checkpoint(), E'\n', 3), 'base64')) AS root_bytes;

-- The root is RFC 6962's over the leaves as their own bytes give them: the rows'
-- root of an entry, recomputed from the row's bytes as the format has them.
SELECT e.rows_root = energyledger.merkle_root(array_agg('\x01'::bytea || int8send(t.ledger_id) || '\x0001'::bytea
           || '\x0001'::bytea || '\x00000004'::bytea || int4send(t.a) ORDER BY t.ledger_id)) AS recomputed
  FROM energyledger.entry e JOIN t ON t.ledger_id BETWEEN e.first_id AND e.last_id
 WHERE e.relation = 'seal.t' GROUP BY e.first_id, e.rows_root ORDER BY e.first_id;

-- verify(): all, one table, not a ledger table, none at all.
SELECT * FROM energyledger.verify();
SELECT * FROM energyledger.verify('t');
SELECT * FROM energyledger.verify(NULL);
CREATE TABLE plain (a int);
SELECT * FROM energyledger.verify('plain');
\echo :SQLSTATE
SELECT * FROM energyledger.verify('energyledger.entry');
\echo :SQLSTATE
-- With rows of our own that have no entry yet, and beside other transactions' locks.
BEGIN;
INSERT INTO t VALUES (5);
CREATE TABLE unborn (a int) USING ledger;
INSERT INTO unborn VALUES (1);
SELECT * FROM energyledger.verify();
ROLLBACK;
BEGIN TRANSACTION ISOLATION LEVEL SERIALIZABLE READ ONLY;
SELECT * FROM energyledger.verify();
COMMIT;

-- CREATE EXTENSION rolled back leaves a database that can have it again.
SELECT current_database() AS here \gset
DROP DATABASE IF EXISTS regress_ledger_twice;
CREATE DATABASE regress_ledger_twice;
\c regress_ledger_twice
SET client_min_messages = warning;
BEGIN;
CREATE EXTENSION pg_energyledger;
CREATE TABLE t (a int) USING ledger;
INSERT INTO t VALUES (1);
ROLLBACK;
CREATE EXTENSION pg_energyledger;
CREATE TABLE t (a int) USING ledger;
INSERT INTO t VALUES (1);
SELECT energyledger.seal() IS NOT NULL AS sealed;
SELECT incarnation, site_id FROM energyledger.site;
SELECT * FROM energyledger.verify();
\c :here
DROP DATABASE regress_ledger_twice;
