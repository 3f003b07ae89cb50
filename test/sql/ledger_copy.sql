/*
 * ledger_copy.sql: rows that come together are hashed together; each as if alone.
 *
 * Rows of every size, from nothing to more than is hashed at once, in one COPY.  Their
 * bytes are put together here as doc/format.md has them, hashed by PostgreSQL, and
 * compared with what the entries say of them.
 */
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
CREATE SCHEMA copy_test;
SET search_path = copy_test, public;

-- short and long, stored in the row, compressed and out of line; NULLs anywhere
CREATE TABLE c (
    n int,
    small smallint GENERATED ALWAYS AS (CASE WHEN n % 3 > 0 THEN n % 100 END) STORED,
    short text GENERATED ALWAYS AS (CASE WHEN n % 5 > 0 THEN repeat('s', n % 133) END) STORED,
    bytes bytea GENERATED ALWAYS AS (CASE WHEN n % 7 = 0 THEN sha256(int4send(n)) || sha512(int4send(n)) || decode(repeat('00', n % 2100), 'hex') END) STORED,
    long text GENERATED ALWAYS AS (CASE WHEN n % 301 = 0 THEN repeat(md5(n::text), 3000) END) STORED,
    ledger_id bigint NOT NULL DEFAULT 0,
    price numeric GENERATED ALWAYS AS (CASE WHEN n % 2 = 0 THEN n / 7.0 END) STORED
) USING ledger;

COPY c (n) FROM PROGRAM 'seq 1 2500';
BEGIN;
COPY c (n) FROM PROGRAM 'seq 3001 3130';
SAVEPOINT s;
COPY c (n) FROM PROGRAM 'seq -9 -1';
ROLLBACK TO s;
SAVEPOINT s;
COPY c (n) FROM PROGRAM 'seq 4001 4009';
RELEASE s;
INSERT INTO c (n) VALUES (5000), (5001);
COMMIT;

-- ledger_id is in its place in the stored row, for whoever reads it and for an index.
SELECT count(*) AS rows, count(DISTINCT ledger_id) AS ids, max(ledger_id) - min(ledger_id) < 10000 AS in_runs FROM c;
CREATE INDEX ON c (ledger_id);
SET enable_seqscan = off;
SELECT n FROM c WHERE ledger_id = (SELECT max(ledger_id) FROM c);
RESET enable_seqscan;

CREATE FUNCTION field(ordinal int, value bytea) RETURNS bytea LANGUAGE sql AS
$$ SELECT coalesce(int2send(ordinal::int2) || int4send(length(value)) || value, '') $$;
CREATE VIEW encoded AS
    SELECT ledger_id, n,
           '\x01'::bytea || int8send(ledger_id) || int2send(num_nonnulls(n, small, short, bytes, long, price)::int2)
           || field(1, int4send(n)) || field(2, int2send(small)) || field(3, convert_to(short, 'UTF8')) || field(4, bytes)
           || field(5, convert_to(long, 'UTF8')) || field(6, numeric_send(price)) AS row
      FROM c;

-- Each entry's rows, root and tags.
SELECT e.row_count, e.row_count = count(*) AS rows,
       e.rows_root = energyledger.merkle_root(array_agg(r.row ORDER BY r.ledger_id)) AS root,
       e.row_tags = string_agg(substr(sha256('\x00'::bytea || r.row), 1, 2), '' ORDER BY r.ledger_id) AS tags
  FROM energyledger.entry e JOIN encoded r ON r.ledger_id BETWEEN e.first_id AND e.last_id
 WHERE e.relation = 'copy_test.c'
 GROUP BY e.first_id ORDER BY e.first_id;

SELECT max(length(row)) AS longest, min(length(row)) AS shortest FROM encoded;
SELECT * FROM energyledger.verify();
