/*
 * transfer_ingest.sql: signed messages of type transfer on their way to the registry of
 * certificates: every item arrives, in the sequence of arrival, under locks taken before;
 * what is refused as a message is not heard of there.
 *
 * The messages are really signed, by meters that energyledger-meter plays (seed 1): a reading,
 * then transfers, in COSE and, as epoch 2, in JWS.
 */
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
RESET client_min_messages;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set VERBOSITY terse
\set SHOW_CONTEXT never
\pset null '(null)'

CREATE TEMP TABLE said (envelope text, n int, raw bytea);
INSERT INTO said VALUES
('cose', 1, '\xd28443a10127a0585aa90101026772656164696e6703717472616e736665723a686f7573652d3031040105010640071b0000019794ef4c0008615309818769312d303a312e382e301b000001978fc8f0001b0000019794ef4c001930d80062576861475840919f76e330432864bf4cbf83976c6c78fef974e6cecf8869214374f154725885b10257487de4af450f6cebe072d7a79a3eef4c155cb807ad60fa513f8fdf1809'),
('cose', 2, '\xd28443a10127a0585aa90101026772656164696e6703717472616e736665723a686f7573652d3032040105010640071b0000019794ef4c0008615309818769312d303a312e382e301b000001978fc8f0001b0000019794ef4c001946f800625768614758400ee408abb50b5c2c53a7349916db9444f6489fe89b09f4e18b632451d03aa6a6b53edf712d0512c63cff449a5176d3ec4ca7471356aadd7e2f974118d384d502'),
('cose', 3, '\xd28443a10127a05882a9010102687472616e7366657203717472616e736665723a686f7573652d303104010502065820f016949fe673124e7f9bfe56265bb5ded1454b3861711a09c52788375f25be9c071b0000019794ef4c00086153098965636c61696d818466726f6f662d336468656174070967743a6d657465721b4000000000000000f6f6f6f6f658402ef8c22ceb226512f2a891173ea7642f495059d70967c30517484689996a74f97661d862fadb4cc2756e1ed3d749819a364683ce0d84c407d7ee51f0ea4c650c'),
('cose', 4, '\xd28443a10127a0589fa9010102687472616e7366657203717472616e736665723a686f7573652d3032040105020658203b0cee5ec9388ac54cf4172b015ef0fb7ea9961736c6c0650aed8c198bc71b4b071b0000019794ef4c000861530989687472616e73666572828466726f6f662d326b656c6563747269636974790118fa8466726f6f662d316b656c6563747269636974791903e91903e966743a626572741864f6f6f6f6f65840cd25318197051f24e1eb442346e96ff62e35e57a37511d72823e8e0f7d13677244d066953ef4a701efb818419abc7edbf51d0c700eca0af7d63b816ab1b02904'),
('cose', 5, '\xd28443a10127a05875a9010102687472616e7366657203717472616e736665723a686f7573652d303104010503065820051f388aea4c28c73c3e2f9f697ef81a8990ebc8a4976bf1fed7658d5df6c9cf071b0000019794ef4c0008615309896772657365727665818466726f6f662d3364686561740709f6f6f6f6f6f6f658400e700956d7afdcd47e9528d562446dde7d6e848fb151a179617602b2d2a424b67cd7b799a22c61c6149b6d032cc352c2fda47170b68214f3603c3b629c917e00'),
('cose', 6, '\xd28443a10127a058b6a9010102687472616e7366657203717472616e736665723a686f7573652d3032040105030658202b05babc8334fc967317ba2909f71fef8f3094d8a5a609b7fac553873e0c7e89071b0000019794ef4c0008615309896663616e63656c818466726f6f662d326b656c65637472696369747918fb1b4000000000000000f6f61a0007a1207442c3a4636b657265692c204d61696e20537420356a6c6162656c20323032351b0000019ad9c8b2001b0000019ad9ffa080584037c96d62c1fa622277fb1a6c7e498b02c68f1e40896c72a0d84b6a499438d94e69851e52ed9f135aef578e9807aac34febf0f6a230912179f7c4d2f1a133850f'),
('cose', 7, '\xd28443a10127a05875a9010102687472616e7366657203717472616e736665723a686f7573652d303104010504065820e635b7ddaeae5e57d59b1ce3a15d99d4f8aafed06339665de55c570da9167df8071b0000019794ef4c0008615309896772656c65617365818466726f6f662d3364686561740709f6f601f6f6f6f65840594ace9872d1ddd262e752b89a8dc8cd238dd27dfe1a3bb7f4173c69e143ad9eae6ec02479933abec70ecb232c0836f04b5b90261d3508e076dee1fe160c0a0f'),
('cose', 8, '\xd28443a10127a05874a9010102687472616e7366657203717472616e736665723a686f7573652d3031040105050658201d4e24a20e8e5575fe961ab580086d13d6b18cbb3dc8bfcfb766682c8d45ac15071b0000019794ef4c0008615309896663616e63656c818466726f6f662d3364686561740709f6f6f6f6f6f6f65840403d18ef0e64e3e4fda84450fac5c2ff4ba3ad125e73e56cde1eb06d260e501b8383a38298daa2311e6d27ab8eb1ccc662a0b832903fb90b79f5ddb36c34390a'),
('cose', 9, '\xd28443a10127a0586ba9010102687472616e7366657203717472616e736665723a686f7573652d303104010506065820689ebbfad30b86b5c6fdbc159c3fa107267e989752f8ae56c8463d570d729db4071b0000019794ef4c000861530989666163636570748066743a616e6e61f6f6f6f6f6f658400f58d48abada1293e3965685e831588a708c3f9ba85c2f8e22125c1d20ac877b310ff0f34f25f06c4c0c1a692d463c1a8ff86f8b27c799b506a0ec7d38822105'),
('cose', 10, '\xd28443a10127a0586ba9010102687472616e7366657203717472616e736665723a686f7573652d30310401050706582049c80bdc96652610a6f9286e859b45c766a15b404649992e32c7be39dd9b14ce071b0000019794ef4c000861530989667265667573658066743a616e6e61f6f6f6f6f6f6584095d9911d387e4d3323568c269bec006eba64aecd281d1bdb77319e0303cbce3e10515bc0f69f16bd5d5e6408000c38b1f615ddad61ad8326ab8ec854e0050303'),
('cose', 11, '\xd28443a10127a05878a9010102687472616e7366657203717472616e736665723a686f7573652d303104010508065820207341076bff886d22661a6e2d0d75f4723658a4af2503e061b29259eef067c2071b0000019794ef4c0008615309846e7472616e736665725f617373657466726f6f663a3166743a626572741a0003d09058404b145e608d403432e76c7c6d5b6fbab6305c19c8911a5868d4d0919eebe85529deabb491abd0ceacee457a56512fd85c9816012a6ee84282b8f70a200abc1a0a'),
('jws', 1, 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoicmVhZGluZyIsIm1ldGVyIjoidHJhbnNmZXI6aG91c2UtMDEiLCJlcG9jaCI6Miwic2VxIjoxLCJwcmV2IjoiIiwidCI6MTc1MDU1MDQwMDAwMCwidHMiOiJTIiwiYm9keSI6W1siMS0wOjEuOC4wIiwxNzUwNDY0MDAwMDAwLDE3NTA1NTA0MDAwMDAsMTI1MDQsMCwiV2giLCJHIl1dfQ.VgkS1gf3U33GKFjjOwzNlSI1OdMj4tZs8oLM5h8JF9kqN3G5wjjQwA0aJhKpZ6ECNtuyDysevOpIAt0umzgzAQ'),
('jws', 2, 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoicmVhZGluZyIsIm1ldGVyIjoidHJhbnNmZXI6aG91c2UtMDIiLCJlcG9jaCI6Miwic2VxIjoxLCJwcmV2IjoiIiwidCI6MTc1MDU1MDQwMDAwMCwidHMiOiJTIiwiYm9keSI6W1siMS0wOjEuOC4wIiwxNzUwNDY0MDAwMDAwLDE3NTA1NTA0MDAwMDAsMTgxNjgsMCwiV2giLCJHIl1dfQ.3Qe-pwf6HuKg1kcazMHbqd_kSQ3dKqRHfhnrYqwr9zwKi8hKz3lMugOOp8XQuZIbtwe1dLDX8Bmc78OXGwtWCg'),
('jws', 3, 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoidHJhbnNmZXIiLCJtZXRlciI6InRyYW5zZmVyOmhvdXNlLTAxIiwiZXBvY2giOjIsInNlcSI6MiwicHJldiI6ImpsQndxVkpHeTFzdnJXX2hURHNTb2l2SDZQdDhRZUlBV3RXS1ZYbnhzX3MiLCJ0IjoxNzUwNTUwNDAwMDAwLCJ0cyI6IlMiLCJib2R5IjpbImNsYWltIixbWyJyb29mLTMiLCJoZWF0Iiw3LDldXSwidDptZXRlciIsNDYxMTY4NjAxODQyNzM4NzkwNCxudWxsLG51bGwsbnVsbCxudWxsLG51bGxdfQ.9fahHy1nigQtr7SZAwsJ7STpELoX2r4N_-fJjJBUP7-FdQQK38ieLr7y57iUEzTPLyc03FwdEnYSWif8KYuRCg'),
('jws', 4, 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoidHJhbnNmZXIiLCJtZXRlciI6InRyYW5zZmVyOmhvdXNlLTAyIiwiZXBvY2giOjIsInNlcSI6MiwicHJldiI6IlcycHZFeTFTbmVEdWF6UkhrMlBmYmJFM2pQUmhHT0NwNzJzNC1uQld6dlkiLCJ0IjoxNzUwNTUwNDAwMDAwLCJ0cyI6IlMiLCJib2R5IjpbInRyYW5zZmVyIixbWyJyb29mLTIiLCJlbGVjdHJpY2l0eSIsMSwyNTBdLFsicm9vZi0xIiwiZWxlY3RyaWNpdHkiLDEwMDEsMTAwMV1dLCJ0OmJlcnQiLDEwMCxudWxsLG51bGwsbnVsbCxudWxsLG51bGxdfQ.tZLe1dHTeQ7sOpKfqmzb6XofVugUMljmQTely1hGmmRAD3Pp-oiULjCZa29VY2n3zN6WlM4R9et20NlwYiPtCw'),
('jws', 5, 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoidHJhbnNmZXIiLCJtZXRlciI6InRyYW5zZmVyOmhvdXNlLTAxIiwiZXBvY2giOjIsInNlcSI6MywicHJldiI6Ik9peV9iTTc1eHZnZTZibWp6RTlZSVpXY2EyMUZuTlM0RzNQMDBMbFNhT1kiLCJ0IjoxNzUwNTUwNDAwMDAwLCJ0cyI6IlMiLCJib2R5IjpbInJlc2VydmUiLFtbInJvb2YtMyIsImhlYXQiLDcsOV1dLG51bGwsbnVsbCxudWxsLG51bGwsbnVsbCxudWxsLG51bGxdfQ.lxKSC5isJvQEEhuGFvDt6ArjXWZmXZDq78K6CziebHVoP0YKIB8mlt6_uUIgUYDFfLBAb8jG_okvTng8q-e3AQ'),
('jws', 6, 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoidHJhbnNmZXIiLCJtZXRlciI6InRyYW5zZmVyOmhvdXNlLTAyIiwiZXBvY2giOjIsInNlcSI6MywicHJldiI6Im5jNDE5dFFzcjRUM2Yxd05obUF6SmZKbDdZWG1nRGRydzZpVHVkUFlvQzAiLCJ0IjoxNzUwNTUwNDAwMDAwLCJ0cyI6IlMiLCJib2R5IjpbImNhbmNlbCIsW1sicm9vZi0yIiwiZWxlY3RyaWNpdHkiLDI1MSw0NjExNjg2MDE4NDI3Mzg3OTA0XV0sbnVsbCxudWxsLDUwMDAwMCwiQsOkY2tlcmVpLCBNYWluIFN0IDUiLCJsYWJlbCAyMDI1IiwxNzY0NTkwNDAwMDAwLDE3NjQ1OTQwMDAwMDBdfQ.Bn8pusvEOiAg4PKwiIIzSBh2bPPl8wAi-az3OU_et7ZVg2wT3wI2uhFUqGmBYOGX4I13E2aH8wAukM9E3wAZCg'),
('jws', 7, 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoidHJhbnNmZXIiLCJtZXRlciI6InRyYW5zZmVyOmhvdXNlLTAxIiwiZXBvY2giOjIsInNlcSI6NCwicHJldiI6InUzX2pCTUJuSkdHVkQzOWxTNm9LZ1Y4Z3ZSNWVVdnJ2ZjBZN1dTWm8xZDgiLCJ0IjoxNzUwNTUwNDAwMDAwLCJ0cyI6IlMiLCJib2R5IjpbInJlbGVhc2UiLFtbInJvb2YtMyIsImhlYXQiLDcsOV1dLG51bGwsbnVsbCwxLG51bGwsbnVsbCxudWxsLG51bGxdfQ.8S7JsHH0AONCYYFX1Q8ws_8QskpIins8OYBHO9NKq6KwWsGHIg5NkVEe1wTRPuMcrFXcS8-7YW6ZckIc4fsUBw'),
('jws', 8, 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoidHJhbnNmZXIiLCJtZXRlciI6InRyYW5zZmVyOmhvdXNlLTAxIiwiZXBvY2giOjIsInNlcSI6NSwicHJldiI6IldaUmRuSjlEUi1KdXowbDFZM1ExY1l1c2lkVXpzSEdMR2xicDNrSmVxWHciLCJ0IjoxNzUwNTUwNDAwMDAwLCJ0cyI6IlMiLCJib2R5IjpbImNhbmNlbCIsW1sicm9vZi0zIiwiaGVhdCIsNyw5XV0sbnVsbCxudWxsLG51bGwsbnVsbCxudWxsLG51bGwsbnVsbF19.sM450oQVot2WypW5N4D2DyxQ8B1Denjbl96E81AcXwntS97WK6pdILwyzAALnkYSrVC6AVZnB9xJNC5SqSZYAg'),
('jws', 9, 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoidHJhbnNmZXIiLCJtZXRlciI6InRyYW5zZmVyOmhvdXNlLTAxIiwiZXBvY2giOjIsInNlcSI6NiwicHJldiI6IkZPTTZybm40aGRfNTNjbGZMalEyalJLYlU0TElwSENzRk5CLXRONV9vdXMiLCJ0IjoxNzUwNTUwNDAwMDAwLCJ0cyI6IlMiLCJib2R5IjpbImFjY2VwdCIsW10sInQ6YW5uYSIsbnVsbCxudWxsLG51bGwsbnVsbCxudWxsLG51bGxdfQ.Mhhn7GNYZwex1l4gh-ByAj2A26WhFpW4O91fWU-Ts4Ry0i_WWvHGduuULSeQcTWqD_TSMgpUdQmL7fk46vnMAw'),
('jws', 10, 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoidHJhbnNmZXIiLCJtZXRlciI6InRyYW5zZmVyOmhvdXNlLTAxIiwiZXBvY2giOjIsInNlcSI6NywicHJldiI6IllhSzRBOU04ajQtM2daak12S05DS2F3djlRVUVrNUlNajRjY2FVQXJtQVEiLCJ0IjoxNzUwNTUwNDAwMDAwLCJ0cyI6IlMiLCJib2R5IjpbInJlZnVzZSIsW10sInQ6YW5uYSIsbnVsbCxudWxsLG51bGwsbnVsbCxudWxsLG51bGxdfQ.jjIDuhZ-VKJDGJ-Ox7pAPXhDGVn4utTR-sv2vW1HJZ6VZdwyv-IKBKjy9QRqkYZVgV8acz9WCmIBj1Y3ST8dAw'),
('jws', 11, 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoidHJhbnNmZXIiLCJtZXRlciI6InRyYW5zZmVyOmhvdXNlLTAxIiwiZXBvY2giOjIsInNlcSI6OCwicHJldiI6IlFaRGJZeDNPYUtYYTJXSENTUFlOMnhZeDFseVJxU2hEZnJsMjBrMXFWZ3ciLCJ0IjoxNzUwNTUwNDAwMDAwLCJ0cyI6IlMiLCJib2R5IjpbInRyYW5zZmVyX2Fzc2V0Iiwicm9vZjoxIiwidDpiZXJ0IiwyNTAwMDBdfQ.Zmoc0qpETRCVKbauDQ3GPvRBgv8jd10VQeo7eFQ2fI4dRO41AFRjhLpdsSbwmsOJWXoHEuCEreCDUgdQwdf5Bg');
-- what is written by hand follows from nothing: it is taken back at the end
BEGIN;
INSERT INTO energyledger.party (party) VALUES ('t:anna'), ('t:bert'), ('t:carl'), ('t:dora');
SELECT energyledger.register_meter('transfer:house-01', '\x7fede20ce2555b6edb1e27c1a59317cabb5f45b265cd50104d4ceade75e898ec', party => 't:dora') > 0 AS one,
    energyledger.register_meter('transfer:house-02', '\xf52f18f2ed6dd6e7b561a808df6bec0621f31949c02447db4c77ebec5c86139b', party => 't:carl') > 0 AS two;
-- certificates, written by hand: of no reading
WITH i AS (
    INSERT INTO energyledger.certificate_issue (device, carrier, first_id, last_id, from_at, to_at, bundles, kind, device_id, rule_version, issued_at, issued_by)
    VALUES ('roof-1', 'electricity', 1, 2000, '2025-06-01 00:00Z', '2025-06-01 01:00Z', 1, 'production', 1, 1, now(), 'test'),
           ('roof-2', 'electricity', 1, 4611686018427387904, '2025-06-01 00:00Z', '2025-06-01 01:00Z', 1, 'production', 1, 1, now(), 'test'),
           ('roof-3', 'heat', 1, 10, '2025-06-01 00:00Z', '2025-06-01 01:00Z', 1, 'production', 1, 1, now(), 'test') RETURNING *)
INSERT INTO energyledger.certificate_bundle (device, carrier, from_at, to_at, first_id, last_id, holder, state, issue_id, reading_id)
SELECT device, carrier, from_at, to_at, first_id, last_id, CASE device WHEN 'roof-3' THEN 't:dora' ELSE 't:carl' END, 'active', ledger_id, 1 FROM i;
SELECT energyledger.accept_certificates('t:bert', 't:carl');
-- a plant that is passed on
SELECT energyledger.register_asset('roof:1', 't:dora') > 0 AS asset;

-- a plant is locked before anything is done, also where its transfer is refused before it is looked at
SAVEPOINT before;
SELECT energyledger.register_meter('transfer:house-01', party => 't:nobody') > 0 AS of_nobody;
SELECT verdict, count(*) FROM energyledger.ingest(ARRAY(SELECT raw FROM said WHERE envelope = 'cose' AND n IN (1, 3, 5, 7, 8, 9, 10, 11) ORDER BY n)) GROUP BY 1;
SELECT reason, count(*) FROM energyledger.certificate_refusal WHERE meter = 'transfer:house-01' GROUP BY 1;
SELECT count(*) AS locks FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND objsubid = 8;
ROLLBACK TO before;

-- what arrives, in the sequence of arrival; one lock for each device and asset
SELECT verdict, count(*) FROM energyledger.ingest(ARRAY(SELECT raw FROM said WHERE envelope = 'cose' ORDER BY n)) GROUP BY 1;
SELECT count(*) AS locks FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND objsubid = 8;
CREATE VIEW done AS
    SELECT e.meter, e.epoch, e.seq, e.kind, e.quantity_wh, e.bundles, e.recipient, e.beneficiary, e.purpose, e.from_at, e.until_at, e.ledger_id
      FROM energyledger.certificate_event e WHERE e.meter LIKE 'transfer:%';
SELECT seq, kind, quantity_wh, bundles, recipient, beneficiary, purpose, from_at, until_at FROM done ORDER BY ledger_id;
SELECT meter, seq, operation, reason, detail FROM energyledger.certificate_refusal WHERE meter LIKE 'transfer:%' ORDER BY ledger_id;
SELECT holder, sender, accepted, meter, seq FROM energyledger.certificate_acceptance WHERE meter LIKE 'transfer:%' ORDER BY ledger_id;
SELECT holder, state, device, first_id, last_id, quantity_wh FROM energyledger.certificate_holding WHERE device LIKE 'roof-_' ORDER BY 3, 4;
SELECT party, share_ppm, revision, parent_revision, meter, epoch, seq FROM energyledger.asset_share WHERE asset = 'roof:1' AND meter IS NOT NULL ORDER BY revision, party;
SELECT type, count(*) FROM energyledger.message WHERE meter LIKE 'transfer:%' GROUP BY 1 ORDER BY 1;

-- the other way round, by their topics: what is left is transferred and cancelled again
SELECT verdict, reason, count(*) FROM energyledger.ingest(ARRAY(SELECT raw FROM said WHERE envelope = 'jws' ORDER BY n DESC),
    ARRAY(SELECT format('el/v1/t/0/%s/up/%s', m ->> 'meter', m ->> 'type') FROM said, energyledger.parse_message(raw) m WHERE envelope = 'jws' ORDER BY n DESC)) GROUP BY 1, 2;
SELECT seq, kind, quantity_wh, bundles, recipient, beneficiary, purpose, from_at, until_at FROM done WHERE epoch = 2 ORDER BY ledger_id;
SELECT meter, seq, operation, reason, detail FROM energyledger.certificate_refusal WHERE meter LIKE 'transfer:%' AND epoch = 2 ORDER BY ledger_id;
SELECT party, share_ppm, revision FROM energyledger.asset_owners('roof:1', 'infinity');

-- once more they are duplicates, and nothing is said again
SELECT count(*) AS before FROM energyledger.certificate_refusal \gset
SELECT count(*) AS events FROM done \gset
SELECT verdict, count(*) FROM energyledger.ingest(ARRAY(SELECT raw FROM said ORDER BY n)) GROUP BY 1;
SELECT count(*) = :before AS nothing_new FROM energyledger.certificate_refusal;
SELECT count(*) = :events AS nothing_done FROM done;

-- a body is judged before a signature; neither is heard of there
CREATE FUNCTION pg_temp.forged(body text) RETURNS bytea LANGUAGE sql AS $$
    SELECT convert_to('eyJhbGciOiJFZERTQSJ9.' || translate(encode(convert_to(format('{"v":1,"type":"transfer","meter":"transfer:house-01","epoch":3,"seq":1,"prev":"","t":5,"ts":"S","body":%s}', body), 'UTF8'), 'base64'), E'+/=\n', '-_')
        || '.' || repeat('A', 86), 'UTF8') $$;
SELECT b.body, i.verdict, i.reason FROM (VALUES (1, '["reserve",[["d","e",1,9]],null,null,null,null,null,null,null]'), (2, '["reserve",[["d","e",9,1]],null,null,null,null,null,null,null]'),
    (3, '["reserve",[],null,null,null,null,null,null,null]'), (4, '["reserve",[["d","e",1,9]],"t:bert",null,null,null,null,null,null]'),
    (5, '["transfer_asset","roof:1","t:bert",250000,null]'), (6, '{}')) b(n, body), energyledger.ingest(ARRAY[pg_temp.forged(b.body)]) i ORDER BY b.n;
SELECT reason, count(*) FROM energyledger.quarantine WHERE meter = 'transfer:house-01' GROUP BY 1 ORDER BY 1;
SELECT count(*) = :before AS nothing_new FROM energyledger.certificate_refusal;
ROLLBACK;
SET client_min_messages = warning;
SELECT energyledger.seal() IS NOT NULL AS sealed, (SELECT count(*) FROM energyledger.verify()) AS findings;
SELECT relation, kind, expected, found FROM energyledger.verify_certificates() WHERE kind NOT IN ('reading', 'bound');
