/*
 * ledger_types.sql: column types: each that can be hashed, stored and verified,
 * with ordinary values, limits, NULLs and values long enough to be toasted; and
 * those that are refused by name.
 */
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
CREATE SCHEMA types;
SET search_path = types;
SET timezone = 'UTC';

CREATE FUNCTION refused(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN 'was not refused';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END $$;

CREATE TYPE mood AS ENUM ('calm', 'windy', 'Ünruly');
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE DOMAIN positive_even AS positive CHECK (VALUE % 2 = 0);
CREATE DOMAIN moods AS mood[];
CREATE TYPE floatrange AS RANGE (subtype = float8);

CREATE TABLE every_type (
    c_bool boolean, c_int2 smallint, c_int4 integer, c_int8 bigint,
    c_float4 real, c_float8 double precision, c_numeric numeric, c_numeric_mod numeric(10, 2),
    c_text text, c_varchar varchar(20), c_char char(5), c_onechar char, c_name name,
    c_bytea bytea, c_date date, c_time time, c_timetz timetz, c_timestamp timestamp,
    c_timestamptz timestamptz, c_timestamp_mod timestamp(0), c_interval interval,
    c_uuid uuid, c_inet inet, c_cidr cidr, c_json json, c_jsonb jsonb,
    c_enum mood, c_domain positive, c_domain2 positive_even, c_domain_array moods,
    c_int4range int4range, c_int8range int8range, c_numrange numrange,
    c_tsrange tsrange, c_tstzrange tstzrange, c_daterange daterange, c_floatrange floatrange,
    c_int_array integer[], c_text_array text[], c_enum_array mood[], c_domain_in_array positive[],
    c_numeric_array numeric[], c_range_array int4range[], c_uuid_array uuid[], c_array_mod varchar(3)[]
) USING ledger;

INSERT INTO every_type VALUES (
    true, 1, 2, 3, 1.5, -2.5, 12345678901234567890.123456789, 1.005,
    'text ü', 'varchar', 'ab', 'x', 'a_name',
    '\x00ff', '2030-06-01', '12:34:56.789', '12:34:56+02', '2030-06-01 12:00',
    '2030-06-01 12:00+02', '2030-06-01 12:00:00.7', '1 year 2 months 3 days 04:05:06',
    'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '192.168.0.1/24', '10.0.0.0/8', '{"b": 1,  "a": 2}', '{"b": 1,  "a": 2}',
    'Ünruly', 7, 8, '{calm,windy}',
    '[1,5)', '(,9]', '[1.5,2.5]', '[2030-01-01,2031-01-01)', '[2030-01-01 00:00+00,)', 'empty', '[0.5,1.5)',
    '{1,NULL,3}', '{"a,b","","NULL",NULL}', '{calm}', '{1,2}',
    '{1.50,-0}', '{"[1,2)",empty}', '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}', '{abc,de}');
-- nothing at all
INSERT INTO every_type DEFAULT VALUES;
-- limits
INSERT INTO every_type (c_int2, c_int4, c_int8, c_float4, c_float8, c_numeric, c_date, c_timestamp, c_timestamptz,
                        c_text, c_bytea, c_int_array, c_jsonb, c_interval)
VALUES (-32768, -2147483648, -9223372036854775808, 'NaN', '-Infinity', 'NaN', '-infinity', 'infinity', '-infinity',
        '', '', '{}', 'null', '-178000000 years'),
       (32767, 2147483647, 9223372036854775807, '-0', '1e-300', 'Infinity', 'infinity', '-infinity', 'infinity',
        repeat('long ', 20000), decode(repeat('00', 100000), 'hex'), '[0:1][-1:0]={{1,2},{3,4}}', '[]', '178000000 years');
-- random bytes: toasted out of line, not compressed
INSERT INTO every_type (c_bytea, c_text)
SELECT string_agg(sha256(g::text::bytea), ''), string_agg(md5(g::text), '') FROM generate_series(1, 1000) g;
SELECT count(*) FROM every_type;
SELECT * FROM energyledger.verify('every_type');

-- Two sessions settings that change how values print change nothing that is hashed.
SET datestyle = 'German'; SET intervalstyle = 'iso_8601'; SET bytea_output = 'escape'; SET extra_float_digits = 0; SET timezone = 'Asia/Tokyo';
SELECT * FROM energyledger.verify('every_type');
RESET datestyle; RESET intervalstyle; RESET bytea_output; RESET extra_float_digits; SET timezone = 'UTC';

-- What is registered: types by name, domains as themselves, typmods.
SELECT n AS name, t AS type
  FROM energyledger.table_schema s, unnest(s.names, s.types) AS u(n, t)
 WHERE s.relation = 'types.every_type' AND n ~ 'mod|enum|domain|range|char' ORDER BY 1;

-- An added enum label is usable, in and out of the transaction that adds it.
ALTER TYPE mood ADD VALUE 'stormy';
INSERT INTO every_type (c_enum) VALUES ('stormy');

-- Refused by name, at CREATE TABLE and at ADD COLUMN.
CREATE TYPE pair AS (a int, b int);
CREATE DOMAIN pairs AS pair;
CREATE TYPE pairrange AS RANGE (subtype = pair);
CREATE TABLE simple (a int) USING ledger;
SELECT t AS type, refused(format('CREATE TABLE types.r (a int, wrong %s) USING ledger', t)) AS "create",
       left(refused(format('ALTER TABLE types.simple ADD COLUMN wrong %s', t)), 5) AS add
  FROM unnest(ARRAY['point', 'money', 'xml', 'tsvector', 'bit(3)', 'varbit', 'macaddr', 'pair', 'pairs', 'pair[]',
                    'pairrange', 'int4multirange', 'oid', 'regclass', 'oidvector', 'pg_lsn', 'xid8', '"char"', 'polygon[]']) t;
INSERT INTO simple VALUES (1);

-- Partial-width columns before and after ledger_id: alignment and NULL bitmaps.
CREATE TABLE around (a smallint, b text, ledger_id bigint NOT NULL DEFAULT 0, c boolean, d text) USING ledger;
INSERT INTO around (a, b, c, d)
SELECT CASE WHEN g % 2 = 0 THEN g END, CASE WHEN g % 3 = 0 THEN repeat('b', g) END,
       CASE WHEN g % 5 = 0 THEN true END, CASE WHEN g % 7 = 0 THEN repeat('d', g * 50) END
  FROM generate_series(1, 210) g;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.d := NEW.d || '!'; RETURN NEW; END $$;
CREATE TRIGGER touch BEFORE INSERT ON around FOR EACH ROW EXECUTE FUNCTION touch();
INSERT INTO around (a, b, c, d)
SELECT CASE WHEN g % 2 = 0 THEN g END, CASE WHEN g % 3 = 0 THEN repeat('b', g) END,
       CASE WHEN g % 5 = 0 THEN true END, CASE WHEN g % 7 = 0 THEN repeat('d', g * 50) END
  FROM generate_series(1, 210) g;
SELECT count(*), count(DISTINCT ledger_id), count(*) FILTER (WHERE ledger_id >> 45 = 1) FROM around;

-- As many columns as a table can have.
DO $$
BEGIN
    EXECUTE 'CREATE TABLE types.wide (' ||
        (SELECT string_agg(format('c%s smallint', g), ', ') FROM generate_series(1, 1599) g) || ') USING ledger';
    EXECUTE 'INSERT INTO types.wide (c1, c800, c1599) VALUES (1, 2, 3)';
END $$;
SELECT c1, c800, c1599, ledger_id > 0 AS assigned FROM wide;
SELECT refused('CREATE TABLE types.too_wide (' ||
    (SELECT string_agg(format('c%s smallint', g), ', ') FROM generate_series(1, 1600) g) || ') USING ledger');
CREATE TABLE no_columns () USING ledger;
INSERT INTO no_columns DEFAULT VALUES;
INSERT INTO no_columns DEFAULT VALUES;

SELECT * FROM energyledger.verify();
