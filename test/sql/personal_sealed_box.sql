/*
 * personal_sealed_box.sql: columns encrypted to a public key: in an INSERT, through
 * a view that does it by itself, and what is refused.
 */
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
CREATE SCHEMA sealed_box;
SET search_path = sealed_box;

CREATE FUNCTION refused(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN 'was not refused';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END $$;

-- A key pair for this test; a database needs the public half alone.
\set public '''\\x07a37cbc142093c8b755dc1b10e86cb426374ad16aa853ed0bdfc0b2b86d1c7c'''
\set secret '''\\x0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20'''

SELECT octet_length(energyledger.encrypt_to('Erika', :public)) AS text_box, octet_length(energyledger.encrypt_to('\x00ff'::bytea, :public)) AS bytea_box,
       octet_length(energyledger.encrypt_to('', :public)) AS empty_box, energyledger.encrypt_to('a', :public) <> energyledger.encrypt_to('a', :public) AS never_the_same;
SELECT convert_from(energyledger.decrypt_sealed(energyledger.encrypt_to('Erika Müller', :public), :public, :secret), 'UTF8') AS text,
       energyledger.decrypt_sealed(energyledger.encrypt_to('\x00ff'::bytea, :public), :public, :secret) AS bytes,
       energyledger.decrypt_sealed(energyledger.encrypt_to('', :public), :public, :secret) AS empty,
       octet_length(energyledger.decrypt_sealed(energyledger.encrypt_to(repeat('x', 16777216), :public), :public, :secret)) AS longest;
SELECT energyledger.encrypt_to(NULL::text, :public) IS NULL AS n1, energyledger.encrypt_to('x', NULL) IS NULL AS n2, energyledger.decrypt_sealed(NULL, :public, :secret) IS NULL AS n3;

-- Refused, with lengths and without contents.
SELECT refused('SELECT energyledger.encrypt_to(''x'', ''\x00'')') AS short_key, refused('SELECT energyledger.encrypt_to(''x'', decode(repeat(''01'', 33), ''hex''))') AS long_key,
       refused('SELECT energyledger.encrypt_to(''x'', decode(repeat(''00'', 32), ''hex''))') AS no_key;
SELECT refused('SELECT energyledger.encrypt_to(repeat(''x'', 16777217), decode(repeat(''01'', 32), ''hex''))') AS too_long;
SELECT refused(format('SELECT energyledger.decrypt_sealed(decode(repeat(''00'', 47), ''hex''), %L, %L)', :public, :secret)) AS short_box,
       refused(format('SELECT energyledger.decrypt_sealed(decode(repeat(''00'', 48), ''hex''), %L, %L)', :public, :secret)) AS no_box,
       refused(format('SELECT energyledger.decrypt_sealed(decode(repeat(''00'', 48), ''hex''), %L, ''\x00'')', :public)) AS short_secret,
       refused(format('SELECT energyledger.decrypt_sealed(decode(repeat(''00'', 48), ''hex''), ''\x00'', %L)', :secret)) AS short_public,
       refused('SELECT energyledger.decrypt_sealed(decode(repeat(''00'', 16777216 + 49), ''hex''), decode(repeat(''01'', 32), ''hex''), decode(repeat(''01'', 32), ''hex''))') AS long_box;
SELECT refused(format('SELECT energyledger.decrypt_sealed(%L, %L, sha256(%L))', energyledger.encrypt_to('x', :public), :public, :secret)) AS wrong_secret,
       refused(format('SELECT energyledger.decrypt_sealed(%L, sha256(%L), %L)', energyledger.encrypt_to('x', :public), :public, :secret)) AS wrong_public,
       refused(format('SELECT energyledger.decrypt_sealed(set_byte(%L, 50, 1), %L, %L)', energyledger.encrypt_to('xxxxxx', :public), :public, :secret)) AS changed;

-- A table with such a column: what is stored and hashed is the box.
CREATE TABLE reading (meter text, customer bytea CHECK (octet_length(customer) >= 48), energy_wh bigint) USING ledger;
INSERT INTO reading VALUES ('m-1', energyledger.encrypt_to('Erika', :public), 17);
-- Through a view, whoever inserts need not know: plain in, sealed stored.
CREATE TABLE public_key (key bytea NOT NULL CHECK (octet_length(key) = 32));
INSERT INTO public_key VALUES (:public);
CREATE VIEW reading_in AS SELECT meter, NULL::text AS customer, energy_wh FROM reading;
CREATE FUNCTION reading_seal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO sealed_box.reading (meter, customer, energy_wh)
    VALUES (NEW.meter, energyledger.encrypt_to(NEW.customer, (SELECT key FROM sealed_box.public_key)), NEW.energy_wh);
    RETURN NEW;
END $$;
CREATE TRIGGER reading_seal INSTEAD OF INSERT ON reading_in FOR EACH ROW EXECUTE FUNCTION reading_seal();
INSERT INTO reading_in VALUES ('m-2', 'Bob', 18), ('m-3', NULL, 19);
COPY reading_in FROM stdin;
m-4	Carol	20
\.
SELECT meter, octet_length(customer) AS stored, convert_from(energyledger.decrypt_sealed(customer, :public, :secret), 'UTF8') AS with_the_key
  FROM reading ORDER BY meter;
SELECT refused('INSERT INTO reading VALUES (''m-5'', ''in the clear'', 1)');
SELECT energyledger.seal() > 0 AS sealed;
SELECT * FROM energyledger.verify();
