/*
 * asset_shares.sql: assets, who owns which share of them since when, calibrations, and that
 * certificates go to the owners by share.
 */
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never
\set VERBOSITY default
\pset null '(null)'

INSERT INTO energyledger.party (party) VALUES ('a:anna'), ('a:bert'), ('a:carl'), ('a:dora');
SELECT count(energyledger.register_meter('a:' || m, party => 'a:dora', technology => 'hydro', capacity_w => 4000)) AS meters FROM unnest(ARRAY['mill', 'wheel', 'shaft', 'old', 'plain']) m;
SELECT count(energyledger.register_device('a:' || m, 'hydro')) AS devices FROM unnest(ARRAY['mill', 'wheel', 'shaft', 'old', 'plain']) m;
-- read(meter, seq, readings [minute, value in Wh]): a message of quarter hours
CREATE FUNCTION read(meter text, seq bigint, readings text) RETURNS bigint LANGUAGE sql AS $$
    WITH m AS (INSERT INTO energyledger.message (meter, epoch, seq, type, envelope, digest, sent_at, clock_status, received_at, chained, raw)
               VALUES (meter, 1, seq, 'reading', 'cose', sha256(convert_to(meter || seq, 'UTF8')), '2025-06-02', 'S', '2025-06-02', true, '\x01')),
    r AS (INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
          SELECT meter, 1, seq, n, '1-0:2.8.0', timestamptz '2025-06-01' + (x ->> 0)::int * interval '1 minute', timestamptz '2025-06-01' + ((x ->> 0)::int + 15) * interval '1 minute', (x ->> 1)::bigint, 0, 'Wh', 'G'
            FROM jsonb_array_elements(readings::jsonb) WITH ORDINALITY j(x, n) RETURNING 1)
    SELECT count(*) FROM r $$;
-- a revision as it would have been recorded then: transfer_asset() writes none for the past
CREATE FUNCTION owned(asset text, revision int, since timestamptz, shares text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO energyledger.asset_share (asset, revision, parent_revision, since, party, share_ppm, recorded_at, recorded_by)
    SELECT asset, revision, nullif(revision - 1, 0), since, key, value::int, since, 'test' FROM jsonb_each_text(shares::jsonb) $$;

-- an asset and its first owner
SELECT energyledger.register_asset('a:roof', 'a:anna', description => '12 modules', since => '2020-05-01') > 0 AS asset;
SELECT asset, kind, meter, description, party, share_ppm, since, revision FROM energyledger.asset_current WHERE asset = 'a:roof';
SELECT * FROM energyledger.asset_owners('a:roof', '2020-04-30');
-- what is said of it anew; the meter stays
SELECT energyledger.register_asset('a:roof', kind => 'battery', meter => 'a:plain') > 0 AS again, energyledger.register_asset('a:roof', kind => 'plant', description => '14 modules') > 0 AS once_more;
SELECT asset, kind, meter, description, party, share_ppm, since, revision FROM energyledger.asset_current WHERE asset = 'a:roof';

-- passed on: the shares of all are written anew
SELECT energyledger.transfer_asset('a:roof', 'a:anna', 'a:bert', 250000) AS revision;
SELECT energyledger.transfer_asset('a:roof', 'a:bert', 'a:carl', 1) AS revision;
SELECT energyledger.transfer_asset('a:roof', 'a:carl', 'a:bert', 1) AS revision;
SELECT energyledger.transfer_asset('a:roof', 'a:anna', 'a:dora', 750000, '2100-01-01') AS revision;
SELECT revision, parent_revision, party, share_ppm, since = recorded_at AS at_once, recorded_by = current_user AS by_me FROM energyledger.asset_share WHERE asset = 'a:roof' ORDER BY 1, 3;
SELECT party, share_ppm, revision FROM energyledger.asset_owners('a:roof');
SELECT party, share_ppm, since, revision FROM energyledger.asset_owners('a:roof', '2100-01-01') WHERE party = 'a:dora';
-- anna's share is the same since the first transfer, bert's since it came back
SELECT o.party, o.share_ppm, (SELECT min(s.revision) FROM energyledger.asset_share s WHERE s.asset = 'a:roof' AND s.since = o.since) AS since_revision FROM energyledger.asset_owners('a:roof') o;
-- after one that counts later the next counts with it
SELECT energyledger.transfer_asset('a:roof', 'a:dora', 'a:anna', 1) AS revision;
SELECT DISTINCT since FROM energyledger.asset_share WHERE asset = 'a:roof' AND revision = 6;
SELECT party, share_ppm FROM energyledger.asset_owners('a:roof', '2100-01-01');

-- refused
SELECT energyledger.register_asset(NULL, 'a:anna');
SELECT energyledger.register_asset('a:new');
SELECT energyledger.register_asset('a:new', 'a:nobody');
SELECT energyledger.register_asset('a:new', 'a:anna', meter => 'a:nothing');
SELECT energyledger.register_asset('a:new', 'a:anna', meter => 'a:plain');
SELECT energyledger.register_asset('a:new', 'a:anna', since => '2100-01-01');
SELECT energyledger.register_asset('a:roof', 'a:bert');
SELECT energyledger.register_asset('a:roof', since => '2019-01-01');
SELECT energyledger.register_asset('a:roof', meter => 'a:mill');
\set VERBOSITY terse
SELECT energyledger.register_asset('a:new', 'a:anna', 'castle');
SELECT energyledger.register_asset('a new', 'a:anna');
\set VERBOSITY default
SELECT energyledger.transfer_asset('a:roof', 'a:anna', 'a:bert', NULL);
SELECT energyledger.transfer_asset('a:new', 'a:anna', 'a:bert', 1);
SELECT energyledger.transfer_asset('a:roof', 'a:anna', 'a:bert', 0);
SELECT energyledger.transfer_asset('a:roof', 'a:anna', 'a:bert', 1000001);
SELECT energyledger.transfer_asset('a:roof', 'a:anna', 'a:nobody', 1);
SELECT energyledger.transfer_asset('a:roof', 'a:anna', 'a:anna', 1);
SELECT energyledger.transfer_asset('a:roof', 'a:anna', 'a:bert', 2);
SELECT energyledger.transfer_asset('a:roof', 'a:carl', 'a:bert', 1);
\set VERBOSITY terse
SELECT energyledger.transfer_asset('a:roof', 'a:dora', 'a:bert', 1, '2099-12-31');
SELECT energyledger.transfer_asset('a:roof', 'a:dora', 'a:bert', 1, 'infinity');
SELECT energyledger.register_asset('a:late', 'a:anna') > 0 AS asset;
SELECT energyledger.transfer_asset('a:late', 'a:anna', 'a:bert', 1, now() - interval '1 second');
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT energyledger.transfer_asset('a:late', 'a:anna', 'a:bert', 1);
ROLLBACK;
-- all of it, and back: one owner is one row
SELECT energyledger.transfer_asset('a:late', 'a:anna', 'a:bert', 1000000) AS revision;
SELECT party, share_ppm FROM energyledger.asset_owners('a:late');

-- whoever inserts: a revision is whole
\set VERBOSITY default
SELECT owned('a:late', 3, '2100-01-01', '{"a:bert": 999999}');
SELECT owned('a:late', 3, '2100-01-01', '{"a:bert": 999999, "a:anna": 2}');
SELECT owned('a:late', 2, '2100-01-01', '{"a:anna": 1000000}');
SELECT owned('a:late', 4, '2100-01-01', '{"a:anna": 1000000}');
SELECT owned('a:roof', 7, '2099-12-31', '{"a:anna": 1000000}');
SELECT owned('a:none', 1, '2025-01-01', '{"a:anna": 1000000}');
SELECT owned('a:late', 3, '2100-01-01', '{"a:nobody": 1000000}');
INSERT INTO energyledger.asset_share (asset, revision, parent_revision, since, party, share_ppm, recorded_at, recorded_by)
VALUES ('a:late', 3, 2, '2100-01-01', 'a:anna', 500000, '2026-01-01', 'test'), ('a:late', 3, 2, '2100-01-02', 'a:bert', 500000, '2026-01-01', 'test');
\set VERBOSITY terse
INSERT INTO energyledger.asset_share (asset, revision, parent_revision, since, party, share_ppm, recorded_at, recorded_by) VALUES ('a:late', 3, 2, '2100-01-01', 'a:anna', 1000000, '2100-01-02', 'test');
INSERT INTO energyledger.asset_share (asset, revision, parent_revision, since, party, share_ppm, recorded_at, recorded_by) VALUES ('a:late', 3, 1, '2100-01-01', 'a:anna', 1000000, '2026-01-02', 'test');
INSERT INTO energyledger.asset_share (asset, revision, parent_revision, since, party, share_ppm, recorded_at) VALUES ('a:late', 3, 2, '2100-01-01', 'a:anna', 1000000, '2026-01-02');
INSERT INTO energyledger.asset_share (asset, revision, parent_revision, since, party, share_ppm, recorded_at, recorded_by)
VALUES ('a:late', 3, 2, '2100-01-01', 'a:anna', 500000, '2026-01-01', 'test'), ('a:late', 3, 2, '2100-01-01', 'a:anna', 500000, '2026-01-01', 'test');
-- at most 1000 owners
INSERT INTO energyledger.party (party) SELECT 'a:n' || n FROM generate_series(1, 1001) n;
SELECT owned('a:late', 3, '2100-01-01', (SELECT jsonb_object_agg('a:n' || n, CASE n WHEN 1 THEN 999000 ELSE 1 END)::text FROM generate_series(1, 1001) n));
SELECT owned('a:late', 3, '2100-01-01', (SELECT jsonb_object_agg('a:n' || n, CASE n WHEN 1 THEN 999001 ELSE 1 END)::text FROM generate_series(1, 1000) n));
SELECT energyledger.transfer_asset('a:late', 'a:n1', 'a:n1001', 1);
SELECT energyledger.transfer_asset('a:late', 'a:n2', 'a:n1001', 1) AS revision;
SELECT sum(share_ppm), count(*), count(*) FILTER (WHERE party = 'a:n2') AS left_over FROM energyledger.asset_share WHERE asset = 'a:late' AND revision = 4;

-- certificates: by share, as owned when the interval began
INSERT INTO energyledger.asset (asset, kind, meter, registered_at, registered_by) VALUES ('a:works', 'plant', 'a:mill', '2025-05-01', 'test');
SELECT owned('a:works', 1, '2025-06-01 01:00Z', '{"a:anna": 1000000}'), owned('a:works', 2, '2025-06-01 02:00Z', '{"a:bert": 333333, "a:anna": 333333, "a:carl": 333334}'),
       owned('a:works', 3, '2025-06-01 02:30Z', '{"a:bert": 600000, "a:anna": 399999, "a:carl": 1}');
SELECT minute, party, share_ppm, asset FROM unnest(ARRAY[59, 60, 120, 150]) minute, energyledger.meter_owners('a:mill', timestamptz '2025-06-01' + minute * interval '1 minute');
SELECT party, share_ppm, asset FROM energyledger.meter_owners('a:wheel'), (VALUES (1)) v;
SELECT party FROM energyledger.meter_owners('a:nothing');
SELECT read('a:mill', 1, '[[45, 10], [60, 11], [105, 12], [120, 998], [135, 1], [150, 10], [165, 2], [180, 3]]'), read('a:wheel', 1, '[[150, 7]]'), read('a:shaft', 1, '[[150, 8]]');
SELECT energyledger.register_asset('a:axle', 'a:carl', since => '2025-01-01') > 0 AS without_meter;
INSERT INTO energyledger.asset (asset, kind, meter, registered_at, registered_by) VALUES ('a:beam', 'plant', 'a:shaft', '2025-05-01', 'test');
SELECT * FROM energyledger.issue_certificates(ARRAY['a:mill', 'a:wheel', 'a:shaft'], '2025-06-01', '2025-06-02');
-- 998 Wh by thirds: of two that are left one is carl's, who has 1 ppm more, and one anna's, by name; 1 Wh is carl's; of 10 Wh bert has 6, anna 3.99999, carl 0.00001
SELECT from_at::time, first_id, last_id, quantity_wh, holder, state FROM energyledger.certificate_holding WHERE device = 'a:mill' ORDER BY first_id;
SELECT b.from_at::time, b.first_id, b.last_id, b.holder FROM energyledger.certificate_bundle b WHERE device = 'a:mill' AND parent_id IS NULL ORDER BY first_id;
SELECT kind, quantity_wh, bundles, recipient, recorded_by = current_user AS by_me FROM energyledger.certificate_event e
 WHERE EXISTS (SELECT FROM energyledger.certificate_bundle b WHERE b.event_id = e.ledger_id AND b.device = 'a:mill');
SELECT holder, state, quantity_wh, bundles FROM energyledger.certificate_balance WHERE holder LIKE 'a:%' ORDER BY 1, 2;
SELECT relation, kind, expected, found FROM energyledger.verify_certificates();
-- what is known later, and who buys a share later, does not change what was issued
SELECT energyledger.register_asset('a:axle', meter => 'a:wheel') > 0 AS with_meter;
INSERT INTO energyledger.asset_share (asset, revision, since, party, share_ppm, recorded_at, recorded_by) VALUES ('a:beam', 1, '2025-05-01', 'a:carl', 1000000, clock_timestamp(), 'test');
SELECT DISTINCT device, holder FROM energyledger.certificate_holding WHERE device IN ('a:wheel', 'a:shaft');
SELECT energyledger.transfer_asset('a:works', 'a:bert', 'a:dora', 1, '2025-07-01');
SELECT energyledger.transfer_asset('a:works', 'a:bert', 'a:dora', 600000) AS revision;
SELECT relation, kind, expected, found FROM energyledger.verify_certificates();

-- a correction: what is still his whose share it was is withdrawn and issued anew, by share
SELECT energyledger.reserve_certificates(ARRAY[numbers], 5) > 0 AS reserved FROM energyledger.certificate_holding WHERE device = 'a:mill' AND from_at = '2025-06-01 02:00Z' AND holder = 'a:bert';
SELECT energyledger.accept_certificates('a:dora', 'a:bert');
SELECT energyledger.transfer_certificates(ARRAY[numbers], 'a:dora', 1) > 0 AS passed_on FROM energyledger.certificate_holding WHERE device = 'a:mill' AND from_at = '2025-06-01 02:30Z' AND holder = 'a:bert';
SELECT read('a:mill', 2, '[[120, 100], [150, 20]]');
SELECT * FROM energyledger.correct_certificates('{a:mill}', '2025-06-01', '2025-06-02', 'better values');
SELECT from_at::time, first_id, last_id, quantity_wh, holder FROM energyledger.certificate_holding WHERE device = 'a:mill' AND state <> 'withdrawn' AND from_at BETWEEN '2025-06-01 02:00Z' AND '2025-06-01 02:30Z' ORDER BY first_id;
SELECT reason, energy_wh FROM energyledger.certificate_hold WHERE device = 'a:mill';
SELECT relation, kind, expected, found FROM energyledger.verify_certificates();

-- one who owns a device without being its party; nobody at all
SELECT energyledger.register_meter('a:old', capacity_w => 4000) > 0 AS without_party, read('a:old', 1, '[[0, 5], [60, 6]]');
INSERT INTO energyledger.asset (asset, kind, meter, registered_at, registered_by) VALUES ('a:relic', 'plant', 'a:old', '2025-05-01', 'test');
SELECT owned('a:relic', 1, '2025-06-01 00:30Z', '{"a:carl": 1000000}');
SELECT * FROM energyledger.issue_certificates('a:old', '2025-06-01', '2025-06-02');
SELECT from_at::time, quantity_wh, holder FROM energyledger.certificate_holding WHERE device = 'a:old';
SELECT from_at::time, reason FROM energyledger.certificate_hold WHERE device = 'a:old';

-- calibrations: of those before a reading the newest counts; the meter's own end counts beside it
SELECT energyledger.record_calibration('a:plain', '2025-06-01 01:00Z', 'PTB', '2025-06-01 02:00Z', sha256('report')) > 0 AS first,
       energyledger.record_calibration('a:plain', '2025-06-01 03:00Z', 'PTB', result => 'failed', remark => 'seal broken') > 0 AS second,
       energyledger.record_calibration('a:plain', '2025-06-01 04:00Z', 'PTB') > 0 AS third,
       energyledger.register_meter('a:plain', party => 'a:dora', technology => 'hydro', capacity_w => 4000, calibrated_until => '2025-06-01 05:00Z') > 0 AS meter;
SELECT read('a:plain', 1, '[[0, 1], [60, 2], [105, 3], [120, 4], [180, 5], [225, 6], [240, 7], [285, 8], [300, 9]]');
SELECT * FROM energyledger.issue_certificates('a:plain', '2025-06-01', '2025-06-02');
SELECT from_at::time, energy_wh, reason FROM energyledger.certificate_hold WHERE device = 'a:plain' ORDER BY 1;
SELECT from_at::time, quantity_wh, holder FROM energyledger.certificate_holding WHERE device = 'a:plain' ORDER BY 1;
-- recorded later, with the same time: the newer row counts
SELECT energyledger.record_calibration('a:plain', '2025-06-01 03:00Z', 'PTB', remark => 'the report was another meter''s') > 0 AS corrected;
SELECT issues, bundles, held FROM energyledger.issue_certificates('a:plain', '2025-06-01', '2025-06-02');
SELECT energyledger.record_calibration(NULL, '2025-06-01', 'PTB');
SELECT energyledger.record_calibration('a:nothing', '2025-06-01', 'PTB');
SELECT energyledger.record_calibration('a:plain', '2100-06-01', 'PTB');
SELECT energyledger.record_calibration('a:plain', '2025-06-01', 'PTB', '2025-06-01');
SELECT energyledger.record_calibration('a:plain', '2025-06-01', 'PTB', document_hash => '\x01');
SELECT energyledger.record_calibration('a:plain', '2025-06-01', 'PTB', result => 'perhaps');

-- shared by hand otherwise than by the owners' shares: found
BEGIN;
WITH h AS (SELECT * FROM energyledger.certificate_holding WHERE device = 'a:wheel'),
e AS (INSERT INTO energyledger.certificate_event (kind, quantity_wh, bundles, recorded_at, recorded_by) VALUES ('share', 7, 2, now(), 'test') RETURNING ledger_id)
INSERT INTO energyledger.certificate_bundle (device, carrier, from_at, to_at, first_id, last_id, holder, state, issue_id, parent_id, event_id)
SELECT h.device, h.carrier, h.from_at, h.to_at, p.first_id, p.last_id, p.holder, 'active', h.issue_id, h.bundle_id, e.ledger_id
  FROM h, e, (VALUES (1, 3, 'a:dora'), (4, 7, 'a:carl')) p(first_id, last_id, holder);
SELECT relation, kind, expected, found FROM energyledger.verify_certificates();
ROLLBACK;
BEGIN;
WITH h AS (SELECT * FROM energyledger.certificate_holding WHERE device = 'a:mill' AND from_at = '2025-06-01 03:00Z' AND holder = 'a:anna'),
e AS (INSERT INTO energyledger.certificate_event (kind, quantity_wh, bundles, recorded_at, recorded_by) VALUES ('share', 2, 1, now(), 'test') RETURNING ledger_id)
INSERT INTO energyledger.certificate_bundle (device, carrier, from_at, to_at, first_id, last_id, holder, state, issue_id, parent_id, event_id)
SELECT h.device, h.carrier, h.from_at, h.to_at, h.first_id, h.last_id, 'a:carl', 'active', h.issue_id, h.bundle_id, e.ledger_id FROM h, e;
SELECT relation, kind, regexp_replace(found, '[0-9]{5,}', 'N') AS found FROM energyledger.verify_certificates();
ROLLBACK;
-- what was written past the trigger: other owners than those that they were issued to, shares that do not sum to one, a revision without the one before
BEGIN;
SET LOCAL session_replication_role = replica;
INSERT INTO energyledger.asset_share (asset, revision, parent_revision, since, party, share_ppm, recorded_at, recorded_by) VALUES
    ('a:works', 5, 4, '2025-06-01 02:50Z', 'a:dora', 999999, '2025-06-01 02:50Z', 'test'), ('a:works', 7, 6, '2100-01-01', 'a:dora', 1000000, '2025-06-01 02:50Z', 'test'),
    ('a:relic', 2, 1, '2025-06-01 00:40Z', 'a:anna', 1000000, '2025-06-01 00:40Z', 'test');
SELECT relation, kind, expected, found FROM energyledger.verify_certificates();
ROLLBACK;
SELECT relation, kind, expected, found FROM energyledger.verify_certificates();
DROP FUNCTION read, owned;
