/*
 * personal_type.sql: type redactable: what goes in, what comes out, what it may be
 * used for and what it may not.
 */
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
CREATE SCHEMA personal_type;
SET search_path = personal_type;

CREATE FUNCTION refused(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN 'was not refused';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END $$;

-- dumped(t): what input makes of a text, as COPY and a dump hand it in; text itself is always a value
CREATE FUNCTION dumped(t text) RETURNS energyledger.redactable LANGUAGE sql IMMUTABLE AS $$ SELECT energyledger.redactable_in(textout(t)) $$;

-- Text is a value until a ledger table stores it.
SELECT 'Erika'::energyledger.redactable, ''::energyledger.redactable,
       'Erika'::text::energyledger.redactable, 'x'::varchar(3)::energyledger.redactable;
-- The dumped forms, and the escape, go in and come out as they are.
SELECT dumped(t)::text AS value, textin(energyledger.redactable_out(dumped(t))) = t AS exact,
       energyledger.is_redacted(dumped(t)) AS redacted, left(encode(energyledger.salt(dumped(t)), 'hex'), 8) AS salt
  FROM (VALUES ('energyledger:salted:' || repeat('a1', 32) || ':Erika: Muster' || chr(228)),
               ('energyledger:salted:' || repeat('a1', 32) || ':'),
               ('energyledger:redacted:' || repeat('0f', 32)),
               ('energyledger:plain:energyledger:salted'),
               ('energyledger'), ('Energyledger:x')) v(t)
 ORDER BY t COLLATE "C";
-- A text that begins as they do is not guessed at ...
SELECT refused(format('SELECT %L::energyledger.redactable', t))
  FROM (VALUES ('energyledger:'), ('energyledger:x'), ('energyledger:plain:x'), ('energyledger:redacted:00'),
               ('energyledger:redacted:' || repeat('0F', 32)), ('energyledger:salted:' || repeat('a1', 32))) v(t);
SELECT 'energyledger:salted:somebody'::energyledger.redactable;
-- ... and is a value where it comes as text.
SELECT 'energyledger:x'::text::energyledger.redactable AS escaped, 'energyledger:x'::text::energyledger.redactable::text AS value,
       ('energyledger:redacted:' || repeat('00', 32))::text::energyledger.redactable::text AS value;
-- Limits.
SELECT octet_length(repeat('x', 16777216)::energyledger.redactable::text);
SELECT refused('SELECT repeat(''x'', 16777217)::energyledger.redactable');
SELECT refused('SELECT octet_length(energyledger.redactable_in(textout(repeat(''x'', 16777217)))::text)');

-- Commitments: the example of doc/format.md, and nothing without a salt.
SELECT encode(energyledger.commitment(dumped(t)), 'hex') AS commitment
  FROM (VALUES ('energyledger:salted:a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf:Erika'),
               ('energyledger:redacted:c56969dbc207811154cb6bdda1c6500d770ae66b9cf00458b377a309dcc2acbc')) v(t);
SELECT sha256('\x02' || energyledger.salt(c) || convert_to(c::text, 'UTF8')) = energyledger.commitment(c) AS rule
  FROM (SELECT dumped('energyledger:salted:' || repeat('a1', 32) || ':Erika') c) s;
SELECT refused($$SELECT energyledger.commitment('Erika')$$);
SELECT energyledger.salt('Erika') IS NULL AS no_salt, energyledger.is_redacted('Erika') AS redacted;
SELECT energyledger.verify_commitment(c, s, 'Erika') AS "right", energyledger.verify_commitment(c, s, 'Erik') AS value,
       energyledger.verify_commitment(c, sha256(s), 'Erika') AS salt, energyledger.verify_commitment(sha256(c), s, 'Erika') AS commitment,
       energyledger.verify_commitment(c || '\x00', s, 'Erika') AS long, energyledger.verify_commitment(c, s || '\x00', 'Erika') AS long,
       energyledger.verify_commitment('', '', 'Erika') AS nothing, energyledger.verify_commitment(c, NULL, 'Erika') AS "null"
  FROM (VALUES (decode('c56969dbc207811154cb6bdda1c6500d770ae66b9cf00458b377a309dcc2acbc', 'hex'),
                decode('a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf', 'hex'))) v(c, s);

-- In a ledger table every row gets a salt of its own: from literals, text, a default
-- that was read once, a prepared statement, a function, a copy of another row.
CREATE TABLE person (n int, name energyledger.redactable, note energyledger.redactable DEFAULT 'none') USING ledger;
INSERT INTO person (n, name) VALUES (1, 'Erika'), (2, 'Erika'), (3, NULL);
INSERT INTO person (n, name) VALUES (4, 'energyledger:salted:a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1:Erika');
INSERT INTO person (n, name) VALUES (5, dumped('energyledger:salted:' || repeat('a1', 32) || ':Erika'));
INSERT INTO person (n, name) SELECT 6, name FROM person WHERE n = 1;
PREPARE p(int) AS INSERT INTO person (n, name) VALUES ($1, 'Erika');
EXECUTE p(7); EXECUTE p(8);
COPY person (n, name) FROM stdin;
9	Erika
10	energyledger:salted:a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1:Erika
\.
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.name := upper(NEW.name::text); RETURN NEW; END $$;
CREATE TRIGGER touch BEFORE INSERT ON person FOR EACH ROW WHEN (NEW.n = 11) EXECUTE FUNCTION touch();
INSERT INTO person (n, name) VALUES (11, 'Erika') RETURNING n, name::text, energyledger.salt(name) IS NOT NULL AS salted;
INSERT INTO person (n, name) VALUES (12, 'Erika') ON CONFLICT DO NOTHING;
CREATE TABLE selected USING ledger AS SELECT n, name, note FROM person ORDER BY name::text, n;
SELECT count(*), count(name), count(DISTINCT energyledger.salt(name)) AS names, count(DISTINCT energyledger.salt(note)) AS notes
  FROM (SELECT n, name, note FROM person UNION ALL SELECT n, name, note FROM selected) u;
SELECT n, name::text FROM person WHERE n IN (4, 5, 10) ORDER BY n;
-- Once it is stored, what comes out goes in as a value of the same hash.
SELECT bool_and(name::text = 'Erika') AS value, bool_and(energyledger.verify_commitment(energyledger.commitment(name), energyledger.salt(name), 'Erika')) AS opens,
       bool_and(textin(energyledger.redactable_out(name)) = format('energyledger:salted:%s:Erika', encode(energyledger.salt(name), 'hex'))) AS text
  FROM person WHERE n < 11;
-- A redacted value is nothing that could be stored.
SELECT refused($$INSERT INTO person VALUES (13, 'energyledger:redacted:$$ || repeat('00', 32) || $$')$$);

-- Read as text.
SELECT n FROM person WHERE name = 'ERIKA' OR name LIKE 'X%';
SELECT lower(name), length(name) FROM person WHERE n = 11;
SELECT name::text, count(*) FROM person GROUP BY name::text ORDER BY 1;
SELECT refused('SELECT DISTINCT name FROM person'), refused('SELECT 1 FROM person ORDER BY name');

-- Binary, there and back (test/crash/redaction.sh has COPY).
SELECT energyledger.redactable_send(dumped('energyledger:salted:' || repeat('a1', 32) || ':x')),
       energyledger.redactable_send(dumped('energyledger:redacted:' || repeat('a1', 32))),
       energyledger.redactable_send('x');

-- What it cannot be.
CREATE DOMAIN redactable_domain AS energyledger.redactable;
SELECT refused(format('CREATE TABLE wrong (a %s) USING ledger', t))
  FROM unnest(ARRAY['energyledger.redactable[]', 'redactable_domain', 'redactable_domain[]']) t;
SELECT refused('CREATE TABLE wrong (a energyledger.redactable, b text GENERATED ALWAYS AS (a::text) STORED) USING ledger');
SELECT refused('CREATE TABLE wrong (a energyledger.redactable PRIMARY KEY) USING ledger');
SELECT refused('CREATE INDEX ON person ((name::text))'), refused('CREATE INDEX ON person (n) WHERE name IS NULL'),
       refused('CREATE INDEX ON person (n) INCLUDE (name)'), refused('CREATE INDEX ON person USING brin ((length(name)))');
SELECT refused('ALTER TABLE person ADD EXCLUDE ((name::text) WITH =)'), refused('CREATE STATISTICS s ON (name::text) FROM person');
CREATE INDEX CONCURRENTLY ON person ((name::text));
SELECT count(*) FROM pg_index WHERE indrelid = 'person'::regclass AND NOT indisvalid;
-- Nothing of it is in the planner's statistics.
ANALYZE person;
SELECT attname, stanullfrac, stakind1 FROM pg_statistic s JOIN pg_attribute a ON a.attrelid = starelid AND a.attnum = staattnum
 WHERE starelid = 'person'::regclass AND attname = 'name';

-- Registered under its own name, and verified.
SELECT types FROM energyledger.table_schema WHERE relation = 'personal_type.person';
ALTER TABLE person ADD COLUMN late energyledger.redactable;
INSERT INTO person (n, late) VALUES (15, 'late');
SELECT energyledger.seal() > 0 AS sealed;
SELECT * FROM energyledger.verify();
