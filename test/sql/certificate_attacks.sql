/*
 * certificate_attacks.sql: an attacker's tour of the certificates: what is tried, and the
 * reason with which it is refused or by which it is found.
 *
 * The messages are really signed, by two meters that energyledger-meter plays: a reading, then
 * transfers.  The others' certificates are of readings written as a superuser.
 */
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set VERBOSITY terse
\set SHOW_CONTEXT never
\pset null '(null)'

CREATE TEMP TABLE said (kind text, n int, raw bytea);
INSERT INTO said VALUES
('right', 1, '\xd28443a10127a05858a90101026772656164696e67036f61747461636b3a686f7573652d3031040105010640071b0000019794ef4c0008615309818769312d303a312e382e301b000001978fc8f0001b0000019794ef4c0019411000625768614758409bd835e7b6486bad00f80f99a1ac36f057c433c2346690789040a98f27642d62019df5061ca170e258801709c8e55fce0305c5d429cba25ceefc1e9cf874b201'),
('right', 2, '\xd28443a10127a05858a90101026772656164696e67036f61747461636b3a686f7573652d3032040105010640071b0000019794ef4c0008615309818769312d303a312e382e301b000001978fc8f0001b0000019794ef4c00192ac000625768614758405dcad6fe49273a67f77f84847740a8907d19f90c46761de8bdf1ca27e454029e56ce19f295ec91eca148140f90095fba92101de9ac4fd33187d3e747ad2b5d0d'),
('right', 3, '\xd28443a10127a05887a9010102687472616e73666572036f61747461636b3a686f7573652d303104010502065820f925a0c8230f80c99a51f19f328286f7fd88007998875d47423ddee180d92c11071b0000019794ef4c000861530989687472616e7366657281846b61747461636b3a6d696c6c6b656c656374726963697479011864666b3a62657274f6f6f6f6f6f658405dc24d325e81faa1098ec60ea12f1750129d964880a85670918dd370720b6489cf917b8b451049b7d1da2722b384e76b5a45ab83c715d469f53c1e21dbd26908'),
('right', 4, '\xd28443a10127a05888a9010102687472616e73666572036f61747461636b3a686f7573652d303204010502065820186a32a6f5c7943a1d83e778c29946fdea8a21faa0f7d915e6abf0d60ab7af98071b0000019794ef4c000861530989687472616e7366657281846b61747461636b3a6d696c6c6b656c656374726963697479186518c8666b3a62657274f6f6f6f6f6f658402cfa40a23fd8381bfbd673b9ebd8eb706aa4055a7724cd37a3168182d28965d773ac1f97e556642553d5f0815088337e3b01fdb27bfa1ca236774b9f2b89670e'),
('right', 5, '\xd28443a10127a05887a9010102687472616e73666572036f61747461636b3a686f7573652d30310401050306582098c9b89cdaff1867515618d8afc4ea448fb6b55b28b0b87c0b95708410f88e04071b0000019794ef4c000861530989687472616e7366657281846b61747461636b3a6d696c6c6b656c656374726963697479011864666b3a62657274f6f6f6f6f6f65840ac1958bee4fc9217d95f4206feff2bd28b5a55bb770fbdda0d08f7de89f262009207b554f43801f295992413268776be8df5a492f0fda5e20dbc3b10e42e8c03'),
('right', 6, '\xd28443a10127a05884a9010102687472616e73666572036f61747461636b3a686f7573652d303204010503065820f8b0d588535ec636f8d7e1f1337b13fa3a635daaaa17794c39db60466c150e0e071b0000019794ef4c0008615309896663616e63656c81846b61747461636b3a6d696c6c6b656c656374726963697479186518c8f6f6f66442657274f6f6f6584072cd3602524595fbdf833b8a834c3b635e3850987dee7286ca889fc0973ced95f4f0418e7d168a9eae49e6fee22546f84bc839d4820d75b463103ae59628d00f'),
('right', 7, '\xd28443a10127a05883a9010102687472616e73666572036f61747461636b3a686f7573652d303104010504065820c4a78071405e66ffb9a53e1f570c795506dacc4ea3ef0d654b24c4e9c696334d071b0000019794ef4c0008615309896663616e63656c81846b61747461636b3a6d696c6c6b656c656374726963697479011864f6f6f664416e6e61f6f6f658408791ad9d4c90c99bc48ec5254849d226461c74d586181a9356c3eb2d95f342b5348cd891f6373ae0b677f95ee5a96ad12d245c88ac39ff06cbc6973e5b4b0d07'),
('wrong key', 1, '\xd28443a10127a05858a90101026772656164696e67036f61747461636b3a686f7573652d3031040105010640071b0000019794ef4c0008615309818769312d303a312e382e301b000001978fc8f0001b0000019794ef4c00192f700062576861475840e8f58bfadd8fd4a3d92ea3b65a90693bc174fb2d8f0854c5918b170e70c3cf363902aeefb87eb6233a245dcd475fd10a9aa332844849282062d989f2c4bb8b02'),
('wrong key', 2, '\xd28443a10127a05887a9010102687472616e73666572036f61747461636b3a686f7573652d30310401050206582071e130dbd62153cfaf8361c26774c71708feacbf4918a412cd8ce09906df806a071b0000019794ef4c000861530989687472616e7366657281846b61747461636b3a6d696c6c6b656c656374726963697479011864666b3a62657274f6f6f6f6f6f658403c26ee7dc0748648635dffaae765dd97cb908ea9ca823417f6a0993427b56b8862be029d4d45b0c4124b61b14b605637f0b956958a09136cf6f09f02e9e48202');
INSERT INTO energyledger.party (party) VALUES ('k:anna'), ('k:bert');
SELECT energyledger.register_meter('attack:house-01', '\xcb3d159f47cc5f6799d91a799ba0a22a55084318813386ebb923f7d82ef5a47f', party => 'k:anna') > 0 AS house_of_anna,
       energyledger.register_meter('attack:house-02', '\x0de20d8b1c18cbe2e992710449010fa223f3e54994758f5c0ea7daf5fe741c69', party => 'k:bert') > 0 AS house_of_bert,
       energyledger.register_meter('attack:mill', party => 'k:anna', capacity_w => 4000) > 0 AS mill, energyledger.register_meter('attack:weir', party => 'k:bert', capacity_w => 4000) > 0 AS weir,
       energyledger.register_meter('attack:roof', party => 'k:anna', capacity_w => 4000, latitude_microdegrees => 52520000, longitude_microdegrees => 13405000) > 0 AS roof;
SELECT energyledger.register_device('attack:mill', 'hydro') > 0 AS mill, energyledger.register_device('attack:weir', 'hydro') > 0 AS weir, energyledger.register_device('attack:roof', 'solar_pv') > 0 AS roof;
-- a message of one reading of a quarter hour
CREATE FUNCTION read(meter text, seq bigint, at timestamptz, wh bigint, sent timestamptz DEFAULT '2025-06-02', received timestamptz DEFAULT '2025-06-02') RETURNS void LANGUAGE sql AS $$
    INSERT INTO energyledger.message (meter, epoch, seq, type, envelope, digest, sent_at, clock_status, received_at, chained, raw)
    VALUES (meter, 1, seq, 'reading', 'cose', sha256(convert_to(meter || seq, 'UTF8')), sent, 'S', received, true, '\x01');
    INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
    VALUES (meter, 1, seq, 1, '1-0:2.8.0', at, at + interval '15 minutes', wh, 0, 'Wh', 'G') $$;
SELECT read('attack:mill', 1, '2025-06-01 10:00Z', 500), read('attack:weir', 1, '2025-06-01 10:00Z', 500);
SELECT bundles, energy_wh FROM energyledger.issue_certificates('attack:mill', '2025-06-01', '2025-06-02');
SELECT energyledger.accept_certificates('k:bert', 'k:anna');
CREATE VIEW held AS SELECT h.holder, h.state, h.first_id, h.last_id FROM energyledger.certificate_holding h WHERE h.device = 'attack:mill' ORDER BY h.first_id;
SELECT h.bundle_id, h.issue_id FROM energyledger.certificate_holding h WHERE h.device = 'attack:mill' \gset
SELECT r.ledger_id AS reading_id FROM energyledger.reading r WHERE r.meter = 'attack:mill' \gset
SELECT r.ledger_id AS weir_reading_id FROM energyledger.reading r WHERE r.meter = 'attack:weir' \gset

-- ---- messages
-- signed by somebody else's key
SELECT verdict, reason FROM energyledger.ingest(ARRAY(SELECT raw FROM said WHERE kind = 'wrong key' ORDER BY n)) ORDER BY 1;
SELECT reason, count(*) FROM energyledger.quarantine WHERE meter LIKE 'attack:%' GROUP BY 1;
-- 1-100 to bert by anna's house; the same order in a new message; they are cancelled by anna, who does not have them any more; and 101-200 taken and cancelled by bert's house
SELECT verdict, reason, count(*) FROM energyledger.ingest(ARRAY(SELECT raw FROM said WHERE kind = 'right' ORDER BY n)) GROUP BY 1, 2;
SELECT meter, seq, operation, reason, detail FROM energyledger.certificate_refusal WHERE meter LIKE 'attack:%' ORDER BY meter, seq;
SELECT meter, seq, kind, quantity_wh, recipient FROM energyledger.certificate_event WHERE meter LIKE 'attack:%';
TABLE held;
-- the same bytes again, alone and twice in one batch
SELECT verdict, reason FROM energyledger.ingest(ARRAY(SELECT raw FROM said WHERE kind = 'right' AND n = 3));
SELECT verdict, reason FROM energyledger.ingest(ARRAY(SELECT raw FROM said, generate_series(1, 2) WHERE kind = 'right' AND n = 3));
-- one byte of it changed: the recipient
SELECT verdict, reason FROM energyledger.ingest(ARRAY(SELECT set_byte(raw, position('k:bert'::bytea IN raw) + 1, ascii('c')) FROM said WHERE kind = 'right' AND n = 3));
SELECT count(*) AS events FROM energyledger.certificate_event WHERE meter LIKE 'attack:%';
TABLE held;

-- ---- readings that are none
SELECT read('attack:roof', 1, '2025-06-01 22:30Z', 1), read('attack:roof', 2, '2025-06-01 10:00Z', 1010), read('attack:roof', 3, '2025-06-01 10:15Z', 1000), read('attack:mill', 2, '2025-06-01 11:00Z', 1010);
-- a clock that is a day ahead: held; one that is a day behind: what it tells is issued, of the day that it says, once: a message may come a day late
SELECT read('attack:mill', 3, '2025-06-02 10:00Z', 300, '2025-06-02 10:16Z', '2025-06-01 10:16Z'), read('attack:mill', 4, '2025-05-31 10:00Z', 300, '2025-05-31 10:16Z', '2025-06-01 10:16Z');
SELECT bundles, energy_wh, held FROM energyledger.issue_certificates('{attack:roof,attack:mill}'::text[], '2025-05-31', '2025-06-03');
SELECT device, from_at, energy_wh, reason, bound_wh FROM energyledger.certificate_hold WHERE device LIKE 'attack:%' ORDER BY 1, 2;
SELECT device, from_at, last_id - first_id + 1 AS energy_wh, bound_wh, bound_rule FROM energyledger.certificate_bundle WHERE device LIKE 'attack:%' AND parent_id IS NULL ORDER BY 1, 2;

-- ---- rows by hand, by a superuser
BEGIN;
\set ON_ERROR_ROLLBACK on
-- a time that is issued, numbers that are issued; the next numbers of a time that is free, with another meter's reading or none
INSERT INTO energyledger.certificate_issue (device, carrier, first_id, last_id, from_at, to_at, bundles, kind, device_id, rule_version, issued_at, issued_by)
VALUES ('attack:mill', 'electricity', 2000, 2100, '2025-06-01 10:05', '2025-06-01 10:10', 1, 'production', 1, 1, now(), 'me');
INSERT INTO energyledger.certificate_issue (device, carrier, first_id, last_id, from_at, to_at, bundles, kind, device_id, rule_version, issued_at, issued_by)
VALUES ('attack:mill', 'electricity', 100, 120, '2025-06-01 12:00', '2025-06-01 12:15', 1, 'production', 1, 1, now(), 'me');
-- a correction in place of what is not withdrawn
INSERT INTO energyledger.certificate_issue (device, carrier, first_id, last_id, from_at, to_at, bundles, kind, device_id, rule_version, issued_at, issued_by)
VALUES ('attack:mill', 'electricity', 801, 900, '2025-06-01 10:00', '2025-06-01 10:15', 1, 'correction', 1, 1, now(), 'me') RETURNING ledger_id AS correction_id \gset
INSERT INTO energyledger.certificate_bundle (device, carrier, from_at, to_at, first_id, last_id, holder, state, issue_id, reading_id, bound_wh)
VALUES ('attack:mill', 'electricity', '2025-06-01 10:00', '2025-06-01 10:15', 801, 900, 'k:bert', 'active', :correction_id, :reading_id, 1000);
-- certificates of an issue that has them already, of none, of another device
INSERT INTO energyledger.certificate_bundle (device, carrier, from_at, to_at, first_id, last_id, holder, state, issue_id, reading_id, bound_wh)
VALUES ('attack:mill', 'electricity', '2025-06-01 10:00', '2025-06-01 10:15', 1, 500, 'k:bert', 'active', :issue_id, :reading_id, 1000);
INSERT INTO energyledger.certificate_bundle (device, carrier, from_at, to_at, first_id, last_id, holder, state, issue_id, reading_id, bound_wh)
VALUES ('attack:mill', 'electricity', '2025-06-01 10:00', '2025-06-01 10:15', 3000, 3001, 'k:bert', 'active', 1, :reading_id, 1000);
INSERT INTO energyledger.certificate_bundle (device, carrier, from_at, to_at, first_id, last_id, holder, state, issue_id, reading_id, bound_wh)
VALUES ('attack:weir', 'electricity', '2025-06-01 10:00', '2025-06-01 10:15', 1, 500, 'k:bert', 'active', :issue_id, :reading_id, 1000);
-- without a reading, and more than the bound that is written beside it
INSERT INTO energyledger.certificate_bundle (device, carrier, from_at, to_at, first_id, last_id, holder, state, issue_id, bound_wh)
VALUES ('attack:mill', 'electricity', '2025-06-01 10:00', '2025-06-01 10:15', 801, 900, 'k:bert', 'active', :correction_id, 1000);
INSERT INTO energyledger.certificate_bundle (device, carrier, from_at, to_at, first_id, last_id, holder, state, issue_id, reading_id, bound_wh)
VALUES ('attack:mill', 'electricity', '2025-06-01 10:00', '2025-06-01 10:15', 801, 900, 'k:bert', 'active', :correction_id, :reading_id, 99);
-- spent again by its first owner, by an event of his own
INSERT INTO energyledger.certificate_event (kind, quantity_wh, bundles, recipient, recorded_at, recorded_by) VALUES ('transfer', 500, 1, 'k:bert', now(), 'me') RETURNING ledger_id AS event_id \gset
INSERT INTO energyledger.certificate_bundle (device, carrier, from_at, to_at, first_id, last_id, holder, state, issue_id, parent_id, event_id)
VALUES ('attack:mill', 'electricity', '2025-06-01 10:00', '2025-06-01 10:15', 1, 500, 'k:bert', 'active', :issue_id, :bundle_id, :event_id);
UPDATE energyledger.certificate_bundle SET holder = 'k:bert';
DELETE FROM energyledger.certificate_claim;
ROLLBACK;
-- what a superuser's rows can say, and verify_certificates() finds: another meter's reading as evidence
BEGIN;
INSERT INTO energyledger.certificate_issue (device, carrier, first_id, last_id, from_at, to_at, bundles, kind, device_id, meter_id, rule_version, issued_at, issued_by)
SELECT 'attack:mill', 'electricity', 801, 1300, '2025-06-01 13:00', '2025-06-01 13:15', 1, 'production', i.device_id, i.meter_id, 1, now(), 'me' FROM energyledger.certificate_issue i WHERE i.ledger_id = :issue_id RETURNING ledger_id AS made_id \gset
INSERT INTO energyledger.certificate_bundle (device, carrier, from_at, to_at, first_id, last_id, holder, state, issue_id, reading_id, bound_wh, bound_rule)
VALUES ('attack:mill', 'electricity', '2025-06-01 13:00', '2025-06-01 13:15', 801, 1300, 'k:bert', 'active', :made_id, :weir_reading_id, 1000, 'nameplate');
UPDATE energyledger.certificate_sum SET quantity_wh = quantity_wh + 1 WHERE holder = 'k:bert' AND state = 'active';
SELECT relation, kind, expected, found FROM energyledger.verify_certificates() ORDER BY 1, 2;
ROLLBACK;

-- ---- the tables and what guards them; a trigger that somebody adds may go again
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER mine AFTER INSERT ON energyledger.certificate_bundle FOR EACH STATEMENT EXECUTE FUNCTION nothing();
ALTER TRIGGER mine ON energyledger.certificate_bundle RENAME TO mine_too;
CREATE OR REPLACE TRIGGER mine_too AFTER INSERT ON energyledger.certificate_bundle FOR EACH ROW EXECUTE FUNCTION nothing();
DROP TRIGGER mine_too ON energyledger.certificate_bundle;
DROP TRIGGER IF EXISTS mine_too ON energyledger.certificate_bundle;
TRUNCATE energyledger.certificate_bundle;
TRUNCATE energyledger.certificate_issue, energyledger.certificate_event;
ALTER TABLE energyledger.certificate_bundle DISABLE TRIGGER certificate_bundle_check;
ALTER TABLE energyledger.certificate_bundle DISABLE TRIGGER ALL;
ALTER TABLE energyledger.certificate_bundle ENABLE REPLICA TRIGGER certificate_bundle_check;
DROP TRIGGER certificate_bundle_check ON energyledger.certificate_bundle;
ALTER TRIGGER certificate_bundle_check ON energyledger.certificate_bundle RENAME TO other;
CREATE OR REPLACE TRIGGER certificate_bundle_check AFTER INSERT ON energyledger.certificate_bundle FOR EACH STATEMENT WHEN (false) EXECUTE FUNCTION energyledger.certificate_bundle_check();
CREATE OR REPLACE FUNCTION energyledger.certificate_bundle_check() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
ALTER FUNCTION energyledger.certificate_bundle_check() SET energyledger.restore_mode = on;
CREATE OR REPLACE TRIGGER certificate_bundle_check AFTER INSERT ON energyledger.certificate_bundle FOR EACH STATEMENT EXECUTE FUNCTION nothing();
CREATE RULE bundle_nothing AS ON INSERT TO energyledger.certificate_bundle DO INSTEAD NOTHING;
ALTER TABLE energyledger.certificate_issue DROP CONSTRAINT certificate_issue_period;
DROP INDEX energyledger.certificate_bundle_key;
DROP TABLE energyledger.certificate_bundle;
-- a superuser's session in which triggers do not fire: the row is written, and found
BEGIN;
SET LOCAL session_replication_role = replica;
INSERT INTO energyledger.certificate_bundle (device, carrier, from_at, to_at, first_id, last_id, holder, state, issue_id, reading_id)
VALUES ('attack:mill', 'electricity', '2025-06-01 13:00', '2025-06-01 13:15', 801, 1300, 'k:bert', 'active', 1, :reading_id);
SELECT relation, kind, expected, found FROM energyledger.verify_certificates() ORDER BY 1, 2;
ROLLBACK;

-- ---- somebody without a role, and one who may only read
CREATE ROLE attack_nobody;
CREATE ROLE attack_reader;
GRANT energyledger_reader TO attack_reader;
CREATE FUNCTION attempt(call text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE call;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
SET ROLE attack_nobody;
SELECT call, attempt(call) FROM unnest(ARRAY[
    'SELECT energyledger.transfer_certificates(''{"(attack:mill,electricity,1,10)"}'', ''k:bert'')', 'SELECT energyledger.issue_certificates(''attack:mill'', ''2025-06-01'', ''2025-06-02'')', 'SELECT energyledger.certificates_lock(''{}'')',
    'SELECT * FROM energyledger.certificate_holding', 'INSERT INTO energyledger.certificate_sum VALUES (''k:bert'', ''electricity'', ''active'', 1, 1, 1)', 'SET energyledger.restore_mode = on']) call;
-- every function of certificates, called with NULLs, unless everybody may (it says nothing of anybody); none may do more
SELECT p.oid::regprocedure::text AS allowed FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e' JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'pg_energyledger'
 WHERE p.proname ~ 'certificate|claim|consumption_wh|signed_transfer|register_device|acceptance|lock_transfers' AND has_function_privilege(p.oid, 'EXECUTE') ORDER BY 1;
SELECT count(*) > 10 AS many, array_agg(p.oid::regprocedure) FILTER (WHERE attempt(format('SELECT energyledger.%I(%s)', p.proname, (SELECT string_agg('NULL::' || format_type(t, NULL), ', ' ORDER BY n) FROM unnest(p.proargtypes) WITH ORDINALITY a(t, n))))
       NOT LIKE '42501 permission denied%') AS not_refused
  FROM pg_proc p WHERE p.pronamespace = 'energyledger'::regnamespace AND p.proname ~ 'certificate|claim|consumption_wh|signed_transfer|register_device|acceptance|lock_transfers'
   AND p.prorettype <> 'trigger'::regtype AND NOT p.proisstrict AND NOT has_function_privilege(p.oid, 'EXECUTE');
SET ROLE attack_reader;
SELECT call, attempt(call) FROM unnest(ARRAY[
    'SELECT energyledger.transfer_certificates(''{"(attack:mill,electricity,1,10)"}'', ''k:bert'')', 'SELECT energyledger.withdraw_certificates(''{"(attack:mill,electricity,1,10)"}'', ''x'')',
    'INSERT INTO energyledger.certificate_bundle (device) VALUES (''x'')', 'TRUNCATE energyledger.certificate_sum', 'SET energyledger.restore_mode = on']) call;
RESET ROLE;

-- nothing came of it
SELECT relation, kind, expected, found FROM energyledger.verify_certificates();
SELECT energyledger.seal() IS NOT NULL AS sealed, (SELECT count(*) FROM energyledger.verify()) AS findings;
DROP ROLE attack_nobody, attack_reader;
DROP VIEW held;
DROP FUNCTION read, attempt, nothing;
