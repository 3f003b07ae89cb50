-- ledger.sql: the ledger that is tampered with: a table of every type, tables with entries of
-- many sizes, gaps, several blocks, more than 256 leaves, an event, and rows not sealed yet.
SET client_min_messages = warning;
SET timezone = 'UTC';
CREATE TYPE mood AS ENUM ('calm', 'windy', 'Ünruly');
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE TYPE floatrange AS RANGE (subtype = float8);
CREATE TABLE every (
    c_bool boolean, c_int2 smallint, c_int4 integer, c_int8 bigint,
    c_float4 real, c_float8 double precision, c_numeric numeric, c_numeric_mod numeric(10, 2),
    c_text text, c_varchar varchar(20), c_char char(5), c_name name,
    c_bytea bytea, c_date date, c_time time, c_timetz timetz, c_timestamp timestamp,
    c_timestamptz timestamptz, c_interval interval,
    c_uuid uuid, c_inet inet, c_cidr cidr, c_json json, c_jsonb jsonb,
    c_enum mood, c_domain positive,
    c_int4range int4range, c_int8range int8range, c_numrange numrange,
    c_tsrange tsrange, c_tstzrange tstzrange, c_daterange daterange, c_floatrange floatrange,
    c_int_array integer[], c_text_array text[], c_enum_array mood[], c_domain_array positive[],
    c_numeric_array numeric[], c_range_array int4range[], c_uuid_array uuid[], c_jsonb_array jsonb[]
) USING ledger;
INSERT INTO every SELECT
    true, g, g, g, g + 0.5, -g, 12345678901234567890.123456789 + g, g + 0.05,
    'text ü ' || g, 'varchar ' || g, 'ab', 'a_name_' || g,
    decode(lpad(to_hex(g), 8, '0'), 'hex'), date '2030-06-01' + g, '12:34:56.789', '12:34:56+02', timestamp '2030-06-01 12:00' + g * interval '1 s',
    timestamptz '2030-06-01 12:00+02' + g * interval '1 s', interval '1 year 2 months 3 days 04:05:06' * g,
    md5(g::text)::uuid, '192.168.0.1/24'::inet + g, '10.0.0.0/8', json_build_object('b', g, 'a', 2), jsonb_build_object('b', g, 'a', jsonb_build_array(1.5, 'x', null, true)),
    'Ünruly', g, int4range(g, g + 5), int8range(NULL, g), numrange(g + 0.5, g + 2.5),
    tsrange('2030-01-01', '2031-01-01'), tstzrange('2030-01-01 00:00+00', NULL), daterange('2030-01-01', '2030-02-01'), floatrange(0.5, g + 1.5),
    ARRAY[g, NULL, 3], ARRAY['a,b', '', g::text, NULL], '{calm,windy}', ARRAY[1, g]::positive[],
    ARRAY[1.50, g + 0.25], ARRAY[int4range(1, g + 1), 'empty'], ARRAY[md5(g::text)::uuid], ARRAY[jsonb_build_object('k', g), '[1, "two"]']
    FROM generate_series(1, 30) g;
CREATE TABLE t (n int, note text, other_note text, at timestamptz) USING ledger;
CREATE TABLE other (n int) USING ledger;
CREATE TABLE wide (n int, blob bytea) USING ledger;
CREATE TABLE person (n int, name energyledger.redactable, memo energyledger.redactable) USING ledger;
INSERT INTO person SELECT g, 'name ' || g, CASE WHEN g % 3 > 0 THEN 'memo ' || g END FROM generate_series(1, 40) g;
CREATE TABLE tamper.kept AS TABLE person;
INSERT INTO t SELECT g, 'note ' || g, 'else ' || g, '2030-01-01 00:00+00'::timestamptz + g * interval '1 s' FROM generate_series(1, 10) g;
INSERT INTO t VALUES (11, 'note 11', 'else 11', '2030-01-01 00:00:11+00');
INSERT INTO t SELECT g, 'note ' || g, 'else ' || g, '2030-01-01 00:00+00'::timestamptz + g * interval '1 s' FROM generate_series(12, 3000) g;
INSERT INTO other VALUES (1), (2);
INSERT INTO wide SELECT g, (SELECT string_agg(sha256((g * 1000 + i)::text::bytea), '') FROM generate_series(1, 300) i) FROM generate_series(1, 8) g;
SELECT energyledger.seal();
BEGIN;
INSERT INTO t SELECT g, 'note ' || g, 'else ' || g, '2030-01-01 00:00+00'::timestamptz + g * interval '1 s' FROM generate_series(3001, 3005) g;
SAVEPOINT s;
INSERT INTO t SELECT g, 'undone', '', now() FROM generate_series(1, 5) g;
ROLLBACK TO s;
INSERT INTO t SELECT g, 'note ' || g, 'else ' || g, '2030-01-01 00:00+00'::timestamptz + g * interval '1 s' FROM generate_series(3006, 3010) g;
COMMIT;
INSERT INTO other VALUES (3);
SELECT energyledger.seal();
-- many leaves: complete subtrees
DO $$ BEGIN FOR i IN 1 .. 520 LOOP INSERT INTO other VALUES (1000 + i); COMMIT; END LOOP; END $$;
SELECT energyledger.seal();
-- events, beside that of the first incarnation
CREATE TABLE briefly (n int) USING ledger;
INSERT INTO briefly VALUES (1);
ALTER TABLE briefly RENAME TO longer;
SELECT count(energyledger.redact('person', ledger_id, 'name', 'asked for')) FROM person WHERE n % 2 = 0;
INSERT INTO longer VALUES (2);
INSERT INTO t VALUES (3011, 'note 3011', 'else 3011', '2030-01-01 00:50:11+00');
SELECT energyledger.seal();
ALTER TABLE other ADD COLUMN added int;
INSERT INTO other (n, added) VALUES (4, 44);
SELECT energyledger.seal();
SELECT energyledger.checkpoint() IS NOT NULL;
INSERT INTO t SELECT g, 'note ' || g, 'else ' || g, '2030-01-01 00:00+00'::timestamptz + g * interval '1 s' FROM generate_series(3012, 3020) g;
INSERT INTO other (n, added) VALUES (5, 55);
CREATE INDEX t_n ON t (n);
CREATE INDEX t_note ON t (note);
VACUUM (FREEZE) t, other, every, wide, person;
VACUUM (FREEZE) energyledger.entry, energyledger.block, energyledger.leaf_run, energyledger.subtree, energyledger.table_schema, energyledger.event, energyledger.site;
-- read to push everything else out of shared buffers
CREATE TABLE tamper.filler AS SELECT g, repeat('x', 1000) FROM generate_series(1, 3600) g;
-- ids of t's rows in order, and the entries of each table
CREATE VIEW tamper.row_of_t AS SELECT ledger_id AS id, n, row_number() OVER (ORDER BY ledger_id) AS at, ctid AS tid FROM t;
CREATE VIEW tamper.sealed_entry AS
    SELECT e.*, l.leaf_index, row_number() OVER (ORDER BY l.leaf_index) AS at
      FROM energyledger.entry e JOIN energyledger.leaf l ON l.kind = 1 AND l.ref = e.first_id;
