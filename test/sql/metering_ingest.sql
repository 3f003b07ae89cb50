/*
 * metering_ingest.sql: signed messages on their way into the ledger: each verdict, gaps,
 * receipts, rights.
 *
 * The messages are really signed, with keys that only tests use: Ed25519 ones of
 * the seed 'a seed that only tests are using', ES256 ones by key 11 of the COSE
 * working group's examples; made with npm's jose and @auth0/cose.
 */
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
RESET client_min_messages;
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET bytea_output = 'hex';
\pset null '(null)'

CREATE TEMP TABLE fixture (name text, raw bytea);
INSERT INTO fixture VALUES
('household_1_1', 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoicmVhZGluZyIsIm1ldGVyIjoidGVzdDpob3VzZWhvbGQiLCJlcG9jaCI6MSwic2VxIjoxLCJwcmV2IjoiIiwidCI6MTc1MTMyODkwMDAwMCwidHMiOiJTIiwiYm9keSI6W1siMS0wOjEuOC4wIiwxNzUxMzI4MDAwMDAwLDE3NTEzMjg5MDAwMDAsMTI1LDAsIldoIiwiRyJdXX0.ufwkv33rqF-Eh-4t7lT8RwJK8gNk_8us2x6l_41gBfY97MlQ2WNxQrE213ztsnHnGmsoNQQlH1T6MXPqKjQ8Bg'::bytea),
('household_1_2', '\xd28443a10127a10449686f757365686f6c645877a90101026772656164696e67036e746573743a686f757365686f6c640401050206582068ea47a191bb8dc31175fbbd1ca003c363805ea320fa92cc231464f2e154c481071b00000197c363ff4008615309818769312d303a312e382e301b00000197c35643a01b00000197c363ff40188200625768614758402daa602ee5cfe67f04ccddd5ceda2088ea7eee6c053c55e37950e138d0441544624b553cf08d235ce7522100d655ed64779b9e869896e6e1f27311e4487a6c08'::bytea),
('household_1_2_other', '\xd28443a10127a10449686f757365686f6c645878a90101026772656164696e67036e746573743a686f757365686f6c640401050206582068ea47a191bb8dc31175fbbd1ca003c363805ea320fa92cc231464f2e154c481071b00000197c363ff4008615309818769312d303a312e382e301b00000197c35643a01b00000197c363ff401903e70062576861475840145433647ddca5d00f9cf992927c28a384197669c2706c17fffbb4226ca185907145b8bd0ff51f5775b4a1336760cc9c945467a4e49ca5a294954e2e92926f08'::bytea),
('household_1_3', 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoicmVhZGluZyIsIm1ldGVyIjoidGVzdDpob3VzZWhvbGQiLCJlcG9jaCI6MSwic2VxIjozLCJwcmV2IjoiSzgwT2hWN1J3ZkVLY3FBN2cxWmxsU0kzYzUzX2NkMkIyZkNtQnhjdkdGayIsInQiOjE3NTEzMzA3MDAwMDAsInRzIjoiUyIsImJvZHkiOltbIjEtMDoxLjguMCIsMTc1MTMyOTgwMDAwMCwxNzUxMzMwNzAwMDAwLDE0MCwtMywia1doIiwiRyJdLFsiMS0wOjIuOC4wIiwxNzUxMzI5ODAwMDAwLDE3NTEzMzA3MDAwMDAsNywwLCJXaCIsIlMiXSxbIjEtMDoxLjguMCIsMTc1MTMzMDcwMDAwMCwxNzUxMzMwNzAwMDAwLDEyMzQ1NjcsMCwiV2giLCJHIl1dfQ.IG4mRiFJL54kfS3KRXDADz81pO-X2oZFVgunhlwPETRYv--rXsYcocM0_ge16_RqK41xTjRoIj0KzfBCosIXBw'::bytea),
('household_1_4', '\xd28443a10127a10449686f757365686f6c645876a90101026772656164696e67036e746573743a686f757365686f6c64040105040658206198b0375bb52b9ba931525d2728ecbbd9a55e7858ccc6264a21cda7101028fe071b00000197c37f768008615309818769312d303a312e382e301b00000197c371bae01b00000197c37f76802400625768614758401a380fcdb6b79f344f383a540f99142e95e06e8e289b9c97397b8346c65a70d60f4d4bbf2e3e5dab88ca04719d9da70586d0c5faed7eb67d9ea4a2b0feedc502'::bytea),
('household_1_5', 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoicmVhZGluZyIsIm1ldGVyIjoidGVzdDpob3VzZWhvbGQiLCJlcG9jaCI6MSwic2VxIjo1LCJwcmV2IjoiSmRyVVp0dmJoRzF0MHlZU3RxZlVtMFlUOHZLT0tEaE43Wnh1eUJoMVhpWSIsInQiOjE3NTEzMzI1MDAwMDAsInRzIjoiUyIsImJvZHkiOltbIjEtMDoxLjguMCIsMTc1MTMzMTYwMDAwMCwxNzUxMzMyNTAwMDAwLDE1MCwwLCJXaCIsIkciXV19.vL__BWXB3-9Vt8BuY5aOcRynMm_DOmQ5LW1y1YRRsgW8kZNlgjl4DOCfuhIvC1pF5OuxO88xJoiIM4V8j4YLBg'::bytea),
('household_1_6_wrong_prev', 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoicmVhZGluZyIsIm1ldGVyIjoidGVzdDpob3VzZWhvbGQiLCJlcG9jaCI6MSwic2VxIjo2LCJwcmV2IjoiS09vUEl4R1NwbGNScGtRQU93eXpvRW1fcjBNNWV6Ykl2dTFqRTNOMDdaYyIsInQiOjE3NTEzMzM0MDAwMDAsInRzIjoiSSIsImJvZHkiOltbIjEtMDoxLjguMCIsMTc1MTMzMjUwMDAwMCwxNzUxMzMzNDAwMDAwLDE2MCwwLCJXaCIsIkciXV19.c-NFlLmVQNF-sVyshAWippp8cxTS88AipGRfeiGAEP5BIJtX7QtmYQKlR0EpaKryuavGeI39JXaa2ejj9zlxAw'::bytea),
('household_2_1', 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoicmVhZGluZyIsIm1ldGVyIjoidGVzdDpob3VzZWhvbGQiLCJlcG9jaCI6Miwic2VxIjoxLCJwcmV2IjoiIiwidCI6MTc1MTMyODkwMDAwMCwidHMiOiJVIiwiYm9keSI6W1siMS0wOjEuOC4wIiwxNzUxMzMzNDAwMDAwLDE3NTEzMzQzMDAwMDAsMTcwLDAsIldoIiwiRyJdXX0.mTKheLa0I59LdkMaoXcB9uzqLoqIRSF-3ngeq-izk2ER7LvEhPu4OSn4fj7XasjrE9Q6jY8jCwGXjuDNLI-PAg'::bytea),
('household_2_3', 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoiZXZlbnQiLCJtZXRlciI6InRlc3Q6aG91c2Vob2xkIiwiZXBvY2giOjIsInNlcSI6MywicHJldiI6ImFPcEhvWkc3amNNUmRmdTlIS0FEdzJPQVhxTWctcExNSXhSazh1RlV4SUUiLCJ0IjoxNzUxMzMwNzAwMDAwLCJ0cyI6IlUiLCJib2R5Ijp7ImtpbmQiOiJkb29yIG9wZW5lZCJ9fQ.WZoEZPFG7PGYysHr8qZ5ckgQ3ScVmdwSEaU_UUvmLyXu8E9cHMo3hVW3EPKeYO941TO3pznkJ4f2ODSA-rqRCQ'::bytea),
('shop_1_1', 'eyJhbGciOiJFUzI1NiJ9.eyJ2IjoxLCJ0eXBlIjoicmVhZGluZyIsIm1ldGVyIjoidGVzdDpzaG9wIiwiZXBvY2giOjEsInNlcSI6MSwicHJldiI6IiIsInQiOjE3NTEzMjg5MDAwMDAsInRzIjoiUyIsImJvZHkiOltbIjEtMDoxLjguMCIsMTc1MTMyODAwMDAwMCwxNzUxMzI4OTAwMDAwLDIsMCwiV2giLCJHIl1dfQ.eXVwHqW-qQb1lXI-_WCSlLOBYWlZ5QZgcE8wGO-SG1vqsuqZ2Ij55zsh4FDjI6E4M69bHCYF7tE36j_YZdYP3g'::bytea),
('shop_1_2', '\xd28443a10126a10449686f757365686f6c645871a90101026772656164696e670369746573743a73686f7004010502065820720353c452947ac0cd787676e3466bbb2724402b284b39be5fda0c10944f6ca3071b00000197c363ff4008615309818769312d303a312e382e301b00000197c35643a01b00000197c363ff4003006257686147584002fd169d4be4270f9fbd700f668548d8c7edc0ca9c8aa3bbf35244be5128036453fe68d707a7f2fcb496433d7e86ac9447ecf704fd2923dae6c666bccbb2659c'::bytea),
('nobody_1_1', 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoicmVhZGluZyIsIm1ldGVyIjoidGVzdDpub2JvZHkiLCJlcG9jaCI6MSwic2VxIjoxLCJwcmV2IjoiIiwidCI6MTc1MTMyODkwMDAwMCwidHMiOiJTIiwiYm9keSI6W1siMS0wOjEuOC4wIiwxNzUxMzI4MDAwMDAwLDE3NTEzMjg5MDAwMDAsMSwwLCJXaCIsIkciXV19.R2wchS2X8GBg8-RKWyztT1cJu8xmWCwTVj4s_IjbmKYGami7Zgqh48_-1MGC5wSBLIb9hJm7FyqtyobRyhonAw'::bytea),
('shop_by_household', 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoicmVhZGluZyIsIm1ldGVyIjoidGVzdDpzaG9wIiwiZXBvY2giOjEsInNlcSI6MywicHJldiI6ImNnTlR4RktVZXNETmVIWjI0MFpydXlja1FDc29Tem0tWDlvTUVKUlBiS00iLCJ0IjoxNzUxMzMwNzAwMDAwLCJ0cyI6IlMiLCJib2R5IjpbWyIxLTA6MS44LjAiLDE3NTEzMjk4MDAwMDAsMTc1MTMzMDcwMDAwMCw0LDAsIldoIiwiRyJdXX0.v6hstjU1HpgrNKePKxEcgBpZwUxt5Hr5M8qNiAOSgqw8Rw3sLR-erEVZUOniOuCBc0PapGpkGAhG7912nWabBw'::bytea);

-- The messages of some fixtures, in the order named.
CREATE FUNCTION pg_temp.messages(VARIADIC names text[]) RETURNS bytea[] LANGUAGE sql AS
$$ SELECT array_agg(f.raw ORDER BY n.ord) FROM unnest(names) WITH ORDINALITY n(name, ord) JOIN fixture f USING (name) $$;

-- Registration: what is refused, then the two meters.
SELECT energyledger.register_meter('a meter', '\x00');
SELECT energyledger.register_meter('', decode(repeat('00', 32), 'hex'));
SELECT energyledger.register_meter('test:household', '\x0011');
SELECT energyledger.register_meter('test:household', decode(repeat('00', 32), 'hex'), 'RS256');
SELECT energyledger.register_meter('test:household', decode(repeat('00', 32), 'hex'), 'ES256');
SELECT energyledger.register_meter(NULL, decode(repeat('00', 32), 'hex'));
SELECT energyledger.register_meter('test:household', decode(repeat('00', 32), 'hex'), NULL);
SELECT energyledger.register_meter('test:household', decode(repeat('00', 32), 'hex'), capacity_w => 0);
SELECT energyledger.register_meter('test:household', decode(repeat('00', 32), 'hex'), latitude_microdegrees => 90000001);
SELECT energyledger.register_meter('test:household', decode(repeat('00', 32), 'hex'), party => repeat('x', 1001));
-- the second registration is the one that counts
SELECT energyledger.register_meter('test:household', decode(repeat('00', 32), 'hex')) > 0 AS registered;
SELECT energyledger.register_meter('test:household', '\xb145a0d86e8954e35d80697136aa028eba87addba4be7b2e5abfa727fda063b6',
    technology => 'consumption', capacity_w => 11000, latitude_microdegrees => 52370000, longitude_microdegrees => 4890000,
    party => 'flat-3') > 0 AS registered;
SELECT energyledger.register_meter('test:shop',
    '\x04bac5b11cad8f99f9c72b05cf4b9e26d244dc189f745228255a219a86d6a09eff20138bf82dc1b6d562be0fa54ab7804a3a64b6d72ccfed6b6fb6ed28bbfc117e',
    'ES256') > 0 AS registered;
SELECT meter, technology, capacity_w, latitude_microdegrees, longitude_microdegrees, party
  FROM energyledger.meter_current WHERE meter LIKE 'test:%' ORDER BY meter;
SELECT meter, left(encode(public_key, 'hex'), 8) AS key, algorithm, valid_until = 'infinity' AS valid, revoked, reason
  FROM energyledger.meter_key_current WHERE meter LIKE 'test:%' ORDER BY meter, valid;

-- Both envelopes, both algorithms; the same bytes twice in one batch; out of order.
SELECT * FROM energyledger.ingest(pg_temp.messages('household_1_2', 'shop_1_1', 'household_1_1', 'household_1_1', 'shop_1_2'));
-- Again: all duplicates.  Other bytes under the same number: equivocation.
SELECT * FROM energyledger.ingest(pg_temp.messages('household_1_1', 'household_1_2_other', 'household_1_2'));
-- Nobody's key, another's key, another algorithm, a flipped bit, none of which costs the sound one.
SELECT * FROM energyledger.ingest(
    pg_temp.messages('nobody_1_1', 'shop_by_household')
    || (SELECT set_bit(raw, 8 * 40, 1 - get_bit(raw, 8 * 40)) FROM fixture WHERE name = 'household_1_1')
    || (SELECT set_bit(raw, 8 * (length(raw) - 20), 1 - get_bit(raw, 8 * (length(raw) - 20))) FROM fixture WHERE name = 'household_1_4')
    || pg_temp.messages('household_1_4') || '\x'::bytea || 'hello'::bytea);
-- 4 came before 3: a gap, that 3 closes; 5 then extends the walk over 4.
SELECT * FROM energyledger.meter_gap WHERE meter LIKE 'test:%' ORDER BY meter, epoch, from_seq;
SELECT meter, epoch, seq FROM energyledger.meter_receipts('{test:household}');
SELECT * FROM energyledger.ingest(pg_temp.messages('household_1_3'));
SELECT * FROM energyledger.meter_gap WHERE meter LIKE 'test:%';
SELECT meter, epoch, seq FROM energyledger.meter_receipts('{test:household}');
SELECT * FROM energyledger.ingest(pg_temp.messages('household_1_6_wrong_prev', 'household_1_5'));

-- A new epoch, with a gap; a receipt is for the newest epoch that began.
SELECT meter, epoch, seq FROM energyledger.meter_receipts('{test:household}');
SELECT * FROM energyledger.ingest(pg_temp.messages('household_2_3'));
SELECT meter, epoch, seq FROM energyledger.meter_receipts('{test:household}');
SELECT * FROM energyledger.ingest(pg_temp.messages('household_2_1'));
SELECT * FROM energyledger.meter_gap WHERE meter LIKE 'test:%' ORDER BY meter, epoch, from_seq;

SELECT meter, epoch, seq, type, envelope, sent_at, clock_status, chained, prev_valid,
       digest = sha256(raw) AS digest_right,
       prev = lag(digest) OVER (PARTITION BY meter, epoch ORDER BY seq) AS prev_fits,
       raw = (SELECT f.raw FROM fixture f WHERE sha256(f.raw) = digest) AS bytes_kept
  FROM energyledger.message WHERE meter LIKE 'test:%' ORDER BY meter, epoch, seq;
SELECT meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status
  FROM energyledger.reading WHERE meter LIKE 'test:%' ORDER BY meter, epoch, seq, item;
SELECT meter, direction, sum(energy_wh), array_agg(DISTINCT quality) FROM energyledger.interval_energy WHERE meter LIKE 'test:%' GROUP BY 1, 2 ORDER BY 1, 2;

-- Topics are compared with what was signed.
SELECT i.* FROM energyledger.ingest(
    pg_temp.messages('household_1_1', 'household_1_1', 'household_1_1', 'household_1_1', 'household_1_1', 'household_2_3'),
    ARRAY['el/v1/town/0/test:household/up/reading', 'el/v1/town/0/test:shop/up/reading', 'el/v1/town/0/test:household/up/event',
          'el/v1/town/0/test:household/down/cmd', NULL, 'el/v1/town/0/test:household/up/#']) i;

-- Quarantine keeps what arrived, the same bytes for the same reason once.
SELECT verdict, reason FROM energyledger.ingest(pg_temp.messages('nobody_1_1', 'nobody_1_1'));
SELECT reason, detail, meter, epoch, seq, topic, left(encode(raw, 'escape'), 24) AS raw, digest = sha256(raw) AS digest_right
  FROM energyledger.quarantine
 WHERE raw IN (SELECT raw FROM fixture) OR meter LIKE 'test:%' OR length(raw) < 6
 ORDER BY reason, digest;

-- Receipts: a signed note about committed data.
SELECT r.meter, r.epoch, r.seq,
       energyledger.verify_note(r.receipt, energyledger.site_vkey()) AS signed,
       l[1] AS line_1, l[2] = split_part(energyledger.site_vkey(), '+', 1) AS origin, l[3] AS line_3, l[4] AS line_4,
       decode(l[5], 'base64') = m.digest AS head,
       abs(extract(epoch FROM clock_timestamp()) * 1000 - l[6]::bigint) < 60000 AS time,
       l[7] = '' AS text_ends
  FROM energyledger.meter_receipts('{test:shop,test:nobody,test:household}') r
 CROSS JOIN LATERAL string_to_array(r.receipt, E'\n') l
  JOIN energyledger.message m ON (m.meter, m.epoch, m.seq) = (r.meter, r.epoch, r.seq);
-- not in a transaction that has written: its rows may still go away
BEGIN;
SELECT energyledger.register_meter('test:nobody', decode(repeat('00', 32), 'hex')) > 0 AS registered;
SELECT * FROM energyledger.meter_receipts('{test:shop}');
ROLLBACK;
-- what a transaction that went away had accepted is accepted again
BEGIN;
SELECT energyledger.register_meter('test:nobody', '\xb145a0d86e8954e35d80697136aa028eba87addba4be7b2e5abfa727fda063b6') > 0 AS registered;
SELECT verdict FROM energyledger.ingest(pg_temp.messages('nobody_1_1'));
SELECT verdict FROM energyledger.ingest(pg_temp.messages('nobody_1_1'));
ROLLBACK;
SELECT verdict, reason FROM energyledger.ingest(pg_temp.messages('nobody_1_1'));

-- A meter with a new key: what is stored was verified when it came, the rest needs the new key.
BEGIN;
SELECT energyledger.register_meter('test:household', decode(repeat('00', 32), 'hex')) > 0 AS registered;
SELECT verdict, seq, reason FROM energyledger.ingest(pg_temp.messages('household_1_1', 'household_1_2_other'));
ROLLBACK;

-- Arguments.
SELECT * FROM energyledger.ingest(NULL);
SELECT * FROM energyledger.ingest('{}');
SELECT * FROM energyledger.ingest(ARRAY[NULL]::bytea[]);
SELECT * FROM energyledger.ingest('{{a,b},{c,d}}'::bytea[]);
SELECT * FROM energyledger.ingest('{a,b}'::bytea[], '{a}');
SELECT * FROM energyledger.ingest(array_fill('\x00'::bytea, ARRAY[10001]));
SELECT * FROM energyledger.meter_receipts(NULL);
SELECT * FROM energyledger.meter_receipts(ARRAY[NULL]::text[]);
SELECT * FROM energyledger.meter_receipts('{}');

-- A bridge may bring messages, and nothing else.
CREATE ROLE metering_test_bridge;
GRANT USAGE ON SCHEMA energyledger TO metering_test_bridge;
GRANT SELECT ON fixture TO metering_test_bridge;
SET ROLE metering_test_bridge;
SELECT * FROM energyledger.ingest(pg_temp.messages('household_1_1'));
SELECT * FROM energyledger.meter_receipts('{test:shop}');
SELECT energyledger.register_meter('test:mine', decode(repeat('00', 32), 'hex'));
RESET ROLE;
GRANT EXECUTE ON FUNCTION energyledger.ingest(bytea[], text[]), energyledger.meter_receipts(text[]) TO metering_test_bridge;
SET ROLE metering_test_bridge;
SELECT * FROM energyledger.ingest(pg_temp.messages('household_1_1'));
SELECT meter, epoch, seq FROM energyledger.meter_receipts('{test:shop}');
INSERT INTO energyledger.message SELECT * FROM energyledger.message;
RESET ROLE;
DROP OWNED BY metering_test_bridge;
DROP ROLE metering_test_bridge;

-- Nothing is written where nothing may be.
BEGIN READ ONLY;
SELECT energyledger.ingest('{}');
ROLLBACK;
BEGIN READ ONLY;
SELECT energyledger.release(1, 'x');
ROLLBACK;

-- What ingest wrote is what the ledger hashed.
SET client_min_messages = warning;
SELECT energyledger.seal() > 0 AS sealed;
SELECT relation, kind, expected, found
  FROM unnest('{meter,message,reading,quarantine}'::text[]) t(name), energyledger.verify(('energyledger.' || name)::regclass);
RESET client_min_messages;

-- Everything here has a comment.
SELECT c.relname, a.attname FROM pg_class c
  LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attname <> 'ledger_id'
 WHERE c.relnamespace = 'energyledger'::regnamespace AND c.relkind IN ('r', 'v')
   AND c.relname IN ('meter', 'message', 'reading', 'quarantine', 'meter_current', 'meter_gap')
   AND (col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid, 'pg_class') IS NULL);
