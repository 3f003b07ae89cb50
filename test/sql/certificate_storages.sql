/*
 * certificate_storages.sql: charging uses certificates up, discharging makes new ones of what was
 * charged before: in the order that is fixed, times the efficiency, never more than went in.
 */
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never
\pset null '(null)'

INSERT INTO energyledger.party (party) VALUES ('st:anna'), ('st:bert');
SELECT count(energyledger.register_meter('st:' || m, party => CASE m WHEN 'alien' THEN 'st:bert' WHEN 'orphan' THEN NULL ELSE 'st:anna' END, technology => 'x', capacity_w => CASE m WHEN 'bare' THEN NULL ELSE 10000 END, grid_zone => CASE m WHEN 'far' THEN 'st:south' ELSE 'st:north' END))
  FROM unnest(ARRAY['roof', 'wind', 'far', 'alien', 'heat', 'first', 'last', 'share', 'idle', 'bare', 'orphan', 'plain']) m;
SELECT count(energyledger.register_device('st:' || m, 'hydro')) FROM unnest(ARRAY['roof', 'wind', 'far', 'alien', 'plain']) m;
SELECT energyledger.register_device('st:heat', 'biomass', carrier => 'heat', register => '6-0:1.0.0') > 0 AS heat;
SELECT count(energyledger.register_device('st:' || m, 'storage', storage_allocation => r, storage_efficiency_ppm => e))
  FROM (VALUES ('first', 'first_in_first_out', 900000), ('last', 'last_in_first_out', 900000), ('share', 'pro_rata', 900000), ('bare', 'pro_rata', 1000000), ('orphan', 'pro_rata', 1000000)) s(m, r, e);
SELECT energyledger.register_device('st:idle', 'storage', storage_allocation => 'pro_rata', storage_efficiency_ppm => 1000000, active => false) > 0 AS idle;
INSERT INTO energyledger.message (meter, epoch, seq, type, envelope, digest, sent_at, clock_status, received_at, chained, raw)
SELECT 'st:' || m, 1, 1, 'reading', 'cose', sha256(m::bytea), '2025-06-02', 'S', '2025-06-02', true, '\x01'
  FROM unnest(ARRAY['roof', 'wind', 'far', 'alien', 'heat', 'first', 'last', 'share', 'idle', 'bare', 'orphan', 'plain']) m;
CREATE FUNCTION st_read(m text, obis text, since timestamptz, minutes int, wh bigint, seq bigint DEFAULT 1, status text DEFAULT 'G') RETURNS void LANGUAGE sql AS $$
    INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
    SELECT 'st:' || m, 1, seq, 1, obis, since, since + make_interval(mins => minutes), wh, 0, 'Wh', status
$$;
CREATE FUNCTION st(first bigint, last bigint, device text DEFAULT 'roof', carrier text DEFAULT 'electricity') RETURNS energyledger.certificate_range[] LANGUAGE sql AS $$ SELECT ARRAY[('st:' || device, carrier, first, last)::energyledger.certificate_range] $$;
CREATE FUNCTION st_charge(m text, certificates energyledger.certificate_range[], since timestamptz, minutes int DEFAULT 60) RETURNS boolean LANGUAGE sql AS $$ SELECT energyledger.record_charge('st:' || m, certificates, since, since + make_interval(mins => minutes)) > 0 $$;
CREATE FUNCTION st_discharge(m text, since timestamptz, minutes int DEFAULT 60) RETURNS text LANGUAGE sql AS $$ SELECT issued_wh || ' of ' || discharged_wh FROM energyledger.record_discharge('st:' || m, since, since + make_interval(mins => minutes)) $$;

-- 1000 Wh of each plant in every hour from 8 to 14: numbers 1 to 1000 are of 8, 1001 to 2000 of 9, ...
SELECT count(st_read(m, CASE m WHEN 'heat' THEN '6-0:1.0.0' ELSE '1-0:2.8.0' END, '2025-06-01Z'::timestamptz + make_interval(hours => h), 60, 1000))
  FROM unnest(ARRAY['roof', 'wind', 'far', 'alien', 'heat']) m, generate_series(8, 13) h;
SELECT issues, bundles, energy_wh, held FROM energyledger.issue_certificates('{st:roof,st:wind,st:far,st:alien,st:heat}'::text[], '2025-06-01', '2025-06-02');
-- storages take in 300 Wh in each of the hours, and give from 18 on
SELECT count(st_read(m, '1-0:1.8.0', '2025-06-01Z'::timestamptz + make_interval(hours => h), 60, 300)) FROM unnest(ARRAY['first', 'last', 'share', 'idle', 'orphan', 'plain']) m, generate_series(8, 13) h;
SELECT count(st_read(m, '1-0:2.8.0', '2025-06-01Z'::timestamptz + make_interval(hours => h), 60, 100)) FROM unnest(ARRAY['first', 'last', 'share', 'bare', 'idle', 'orphan', 'plain']) m, generate_series(18, 22) h;
-- a storage never issues for what it gives by the way of plants
SELECT * FROM energyledger.issue_certificates('{st:first,st:last}'::text[], '2025-06-01', '2025-06-02');

-- discharge without charge
SELECT st_discharge('first', '2025-06-01 18:00Z');
-- charging: what must not be
SELECT energyledger.record_charge('st:first', NULL, '2025-06-01 08:00Z', '2025-06-01 09:00Z');
SELECT energyledger.record_charge('st:first', '{}', '2025-06-01 08:00Z', '2025-06-01 09:00Z');
SELECT st_charge('first', st(1, 100), '2025-06-01 08:00Z', 61);
SELECT st_charge('first', st(1, 100), '2025-06-01 08:30Z', 60);
SELECT st_charge('first', st(1, 100), 'infinity');
SELECT st_charge('first', st(1, 100), '2025-06-01 08:00Z', 15);
SELECT st_charge('first', st(1, 301), '2025-06-01 08:00Z');
SELECT st_charge('first', st(1001, 1100), '2025-06-01 08:00Z');
SELECT st_charge('first', st(901, 1100), '2025-06-01 08:00Z');
SELECT st_charge('first', st(1, 100, 'far'), '2025-06-01 08:00Z');
SELECT st_charge('first', st(1, 100, 'alien'), '2025-06-01 08:00Z');
SELECT st_charge('first', st(1, 100, 'heat', 'heat'), '2025-06-01 08:00Z');
SELECT st_charge('first', st(5901, 6100), '2025-06-01 13:00Z');
SELECT st_charge('first', st(1, 10) || st(10, 20), '2025-06-01 08:00Z');
SELECT st_charge('first', st(20, 10), '2025-06-01 08:00Z');
SELECT st_charge('plain', st(1, 100), '2025-06-01 08:00Z');
SELECT st_charge('idle', st(1, 100), '2025-06-01 08:00Z');
SELECT st_charge('orphan', st(1, 100), '2025-06-01 08:00Z');
SELECT st_charge('nobody', st(1, 100), '2025-06-01 08:00Z');
SELECT count(*) FROM energyledger.certificate_holding WHERE device LIKE 'st:%' AND state <> 'active';
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT st_charge('first', st(1, 100), '2025-06-01 08:00Z');
ROLLBACK;
-- readings that are no evidence: substituted, of a clock that is not set, of two registers, after the calibration's end
BEGIN;
SELECT st_read('first', '1-0:1.8.0', '2025-06-01 07:00Z', 60, 300, status => 'S');
SELECT st_charge('first', st(1, 100), '2025-06-01 07:00Z');
ROLLBACK;
BEGIN;
INSERT INTO energyledger.message (meter, epoch, seq, type, envelope, digest, sent_at, clock_status, received_at, chained, raw) VALUES ('st:first', 1, 2, 'reading', 'cose', '\x02', '2025-06-03', 'U', '2025-06-03', true, '\x01');
SELECT st_read('first', '1-0:1.8.0', '2025-06-01 08:00Z', 60, 300, 2);
SELECT st_charge('first', st(1, 100), '2025-06-01 08:00Z');
ROLLBACK;
BEGIN;
SELECT st_read('first', '1-1:1.8.0', '2025-06-01 08:00Z', 60, 300);
SELECT st_charge('first', st(1, 100), '2025-06-01 08:00Z');
ROLLBACK;
BEGIN;
SELECT energyledger.register_meter('st:first', party => 'st:anna', capacity_w => 10000, grid_zone => 'st:north', calibrated_until => '2025-01-01') > 0 AS registered;
SELECT st_charge('first', st(1, 100), '2025-06-01 08:00Z');
ROLLBACK;
BEGIN;
SELECT st_read('first', '1-0:1.8.0', '2025-06-01 07:00Z', 60, 0);
SELECT st_charge('first', st(1, 100), '2025-06-01 07:00Z');
ROLLBACK;

-- charging: each of the three 40 Wh at 8, 50 at 9, 60 at 10, partly of another plant
SELECT st_charge(m, st(o + 1, o + 40), '2025-06-01 08:00Z'), st_charge(m, st(1000 + o + 1, 1000 + o + 50), '2025-06-01 09:00Z'),
       st_charge(m, st(2000 + o + 1, 2000 + o + 40) || st(2000 + o + 1, 2000 + o + 20, 'wind'), '2025-06-01 10:00Z')
  FROM (VALUES ('first', 0), ('last', 100), ('share', 200)) s(m, o);
SELECT device, from_at::time, charged_wh, source_device, first_id, last_id, efficiency_ppm FROM energyledger.storage_charge WHERE device LIKE 'st:%' ORDER BY 1, 2, 4;
SELECT DISTINCT kind, purpose, e.from_at::time, e.until_at::time FROM energyledger.certificate_event e WHERE purpose = 'storage' ORDER BY 3;
-- used once: not charged again, not claimed, not of more than is left of the reading
SELECT st_charge('last', st(1, 40), '2025-06-01 08:00Z');
SELECT st_charge('first', st(41, 301), '2025-06-01 08:00Z');
SELECT energyledger.claim_certificates(st(30, 45), 'st:first');
SELECT st_read('plain', '1-0:1.8.0', '2025-06-01 08:00Z', 60, 300) IS NULL AS again, energyledger.match_certificates('st:anna', '2025-06-01 08:00Z', '2025-06-01 09:00Z') IS NOT NULL AS matched;
SELECT state, sum(quantity_wh) FROM energyledger.certificate_holding h WHERE device = 'st:roof' AND last_id <= 300 GROUP BY 1 ORDER BY 1;
-- what a storage took in is its consumption but for what is charged, and not charged where it is claimed
SELECT meter, sum(quantity_wh) FROM energyledger.certificate_claimed WHERE meter LIKE 'st:%' GROUP BY 1 ORDER BY 1;
SELECT energyledger.cancel_certificates(st(901, 910, 'wind')) > 0 AS cancelled;
SELECT energyledger.claim_certificates(st(901, 910, 'wind'), 'st:first');
SELECT st_charge('first', st(911, 920, 'wind'), '2025-06-01 08:00Z');
BEGIN;
SELECT energyledger.cancel_certificates(st(1601, 1800, 'wind')) > 0 AS cancelled, energyledger.claim_certificates(st(1601, 1800, 'wind'), 'st:first') > 0 AS claimed;
SELECT st_charge('first', st(1501, 1550, 'wind'), '2025-06-01 09:00Z'), energyledger.stored_wh('st:first', '2025-06-01 09:00Z');
SELECT st_charge('first', st(1551, 1551, 'wind'), '2025-06-01 09:00Z');
ROLLBACK;
-- a reading of a part of the hour, beside the hour that is charged
BEGIN;
SELECT st_read('first', '1-0:1.8.0', '2025-06-01 08:00Z', 15, 100);
SELECT st_charge('first', st(921, 930, 'wind'), '2025-06-01 08:00Z', 15);
ROLLBACK;
-- the rule is fixed now, the efficiency is not
SELECT energyledger.register_device('st:first', 'storage', storage_allocation => 'pro_rata', storage_efficiency_ppm => 900000);
SELECT energyledger.register_device('st:first', 'storage');
SELECT energyledger.register_device('st:idle', 'storage', storage_allocation => 'first_in_first_out', storage_efficiency_ppm => 1000000, active => false) > 0 AS not_charged;
SELECT energyledger.register_device('st:first', 'storage', storage_allocation => 'first_in_first_out', storage_efficiency_ppm => 800000) > 0 AS registered;

-- discharging: 36 + 45 + 36 + 18 Wh can come out
SELECT charge_id > 0 AS charge, device, to_at::time, quantity_wh, valid_wh, out_max_wh, out_wh, left_wh FROM energyledger.storage_content WHERE device = 'st:first' ORDER BY to_at, source_device;
SELECT st_discharge(m, '2025-06-01 18:00Z') FROM unnest(ARRAY['first', 'last', 'share']) m;
SELECT device, charged_from::time, source_device, source, source_from::time, source_first_id, source_last_id, in_wh, out_wh, share_ppm, first_id, last_id
  FROM unnest(ARRAY['st:first', 'st:last', 'st:share']) device, energyledger.discharge_sources(device, '2025-06-01', '2025-06-02') ORDER BY 1, 2, 3;
-- one reading once
SELECT st_discharge('first', '2025-06-01 18:00Z');
-- what is left, and no more; then nothing
SELECT st_discharge(m, '2025-06-01 19:00Z') FROM unnest(ARRAY['first', 'last', 'share']) m;
SELECT st_discharge('first', '2025-06-01 20:00Z');
SELECT device, first_id, last_id, issued_wh, is_storage, discharging_start::time, discharging_end::time, in_wh, storage_efficiency_ppm, storage_allocation, discharged_wh, uncovered_wh
  FROM energyledger.certificate_storage WHERE device LIKE 'st:%' ORDER BY 1, 2;
SELECT device, sum(quantity_wh), sum(in_wh) AS in_wh, sum(out_wh) AS out_wh, sum(left_wh) AS left_wh FROM energyledger.storage_content WHERE device LIKE 'st:%' GROUP BY 1 ORDER BY 1;
SELECT holder, state, device, from_at::time, first_id, last_id FROM energyledger.certificate_holding WHERE device IN ('st:first', 'st:last', 'st:share') ORDER BY 3, 5;
SELECT relation, kind, expected, found FROM energyledger.verify_certificates();
-- at an efficiency of 80 %: 30 Wh in, 24 Wh out, charged until 18, when it gave before
SELECT st_read('roof', '1-0:2.8.0', '2025-06-01 17:00Z', 60, 1000), st_read('first', '1-0:1.8.0', '2025-06-01 17:00Z', 60, 30), st_read('first', '1-0:2.8.0', '2025-06-01 17:45Z', 15, 30);
SELECT energy_wh FROM energyledger.issue_certificates('st:roof', '2025-06-01 17:00Z', '2025-06-01 18:00Z');
SELECT st_charge('first', st(6001, 6030), '2025-06-01 17:00Z');
SELECT st_discharge('first', '2025-06-01 17:45Z', 15);
SELECT st_discharge('first', '2025-06-01 19:00Z');
SELECT st_discharge('first', '2025-06-01 20:00Z');
-- not above the nameplate, not without one, not by what is no storage
SELECT st_read('first', '1-0:2.8.0', '2025-06-01 23:00Z', 60, 10001), st_read('share', '1-0:2.8.0', '2025-06-01 23:00Z', 60, 10000);
SELECT st_discharge('first', '2025-06-01 23:00Z');
SELECT st_discharge('share', '2025-06-01 23:00Z');
SELECT st_discharge('bare', '2025-06-01 18:00Z');
SELECT st_discharge('plain', '2025-06-01 18:00Z');
SELECT st_discharge('idle', '2025-06-01 18:00Z');
SELECT st_discharge('first', '2025-06-01 21:00Z', 30);
SELECT st_discharge(NULL, '2025-06-01 21:00Z');
SELECT st_discharge('first', '2025-06-01 21:00Z', 0);

-- sources that are withdrawn: what came out of them has none
SELECT energyledger.withdraw_certificates(st(1, 20), 'metered wrong') > 0 AS withdrawn;
SELECT device, from_at::time, first_id, last_id, missing_wh, withdrawn_wh, shortfall_wh FROM energyledger.storage_shortfall WHERE device LIKE 'st:%' ORDER BY 1, 2;
SELECT energyledger.withdraw_certificates(st(1, 18, 'first'), 'without source') > 0 AS withdrawn;
SELECT count(*) FROM energyledger.storage_shortfall WHERE device LIKE 'st:%';
-- and what is withdrawn before it came out does not come out
SELECT st_charge('first', st(3001, 3100), '2025-06-01 11:00Z'), energyledger.withdraw_certificates(st(3001, 3050), 'metered wrong') > 0 AS withdrawn;
SELECT st_discharge('first', '2025-06-01 21:00Z');
-- to the last Wh
BEGIN;
SELECT st_charge('share', st(5001, 5002) , '2025-06-01 13:00Z'), st_read('share', '1-0:2.8.0', '2025-06-01 14:00Z', 15, 1) IS NULL AS given;
SELECT st_discharge('share', '2025-06-01 14:00Z', 15), st_discharge('share', '2025-06-01 20:00Z');
ROLLBACK;
BEGIN;
SELECT energyledger.register_device('st:share', 'storage', storage_allocation => 'pro_rata', storage_efficiency_ppm => 1000000) > 0 AS registered, st_charge('share', st(5001, 5002) , '2025-06-01 13:00Z'), st_read('share', '1-0:2.8.0', '2025-06-01 14:00Z', 15, 1) IS NULL AS given;
SELECT st_discharge('share', '2025-06-01 14:00Z', 15), st_discharge('share', '2025-06-01 20:00Z');
SELECT st_discharge('share', '2025-06-01 21:00Z');
ROLLBACK;
-- a certificate of a storage is charged into another, its sources go on from there
SELECT st_read('last', '1-0:1.8.0', '2025-06-01 21:00Z', 60, 10);
SELECT st_charge('last', ARRAY[numbers], '2025-06-01 21:00Z') FROM (SELECT ('st:first', 'electricity', h.first_id, h.first_id + 9)::energyledger.certificate_range AS numbers FROM energyledger.certificate_holding h
  WHERE device = 'st:first' AND from_at = '2025-06-01 21:00Z') x;
SELECT st_discharge('last', '2025-06-01 22:00Z');
SELECT source_device, source, source_from::time, in_wh, out_wh FROM energyledger.discharge_sources('st:last', '2025-06-01 22:00Z', '2025-06-02');
SELECT relation, kind, expected, found FROM energyledger.verify_certificates();

CREATE FUNCTION st_try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    name text;
BEGIN
    EXECUTE statement;
    RETURN 'done';
EXCEPTION WHEN integrity_constraint_violation OR exclusion_violation THEN
    GET STACKED DIAGNOSTICS name = CONSTRAINT_NAME;
    RETURN name;
END
$$;
-- whoever inserts: not more than was taken in, or put in, not what does not belong to it
BEGIN;
SELECT st_try($i$INSERT INTO energyledger.storage_charge SELECT device, from_at, to_at, reading_id, charged_wh, source_device, carrier, 3500, 3510, event_id, efficiency_ppm, device_id, meter_id, recorded_at, recorded_by FROM energyledger.storage_charge WHERE source_device = 'st:roof' AND first_id = 1$i$);
ROLLBACK;
BEGIN;
SELECT st_try($i$INSERT INTO energyledger.storage_charge SELECT device, from_at, to_at, reading_id, charged_wh, source_device, carrier, 30, 35, event_id, efficiency_ppm, device_id, meter_id, recorded_at, recorded_by FROM energyledger.storage_charge WHERE source_device = 'st:roof' AND first_id = 1$i$);
ROLLBACK;
BEGIN;
SELECT st_try($i$INSERT INTO energyledger.storage_charge SELECT device, from_at, to_at, reading_id, charged_wh + 1, 'st:nobody', carrier, 30, 35, event_id, efficiency_ppm, device_id, meter_id, recorded_at, recorded_by FROM energyledger.storage_charge WHERE source_device = 'st:roof' AND first_id = 1$i$);
ROLLBACK;
-- (cancelled for storage, but not by it: 300 Wh were taken in, of which 50 are recorded)
CREATE FUNCTION st_hand(first bigint, last bigint, since timestamptz, minutes int) RETURNS void LANGUAGE sql AS $$
    SELECT energyledger.cancel_certificates(st(first, last, 'wind'), purpose => 'storage');
    INSERT INTO energyledger.storage_charge SELECT c.device, since, since + make_interval(mins => minutes), r.ledger_id, r.value, 'st:wind', c.carrier, first, last, h.event_id, c.efficiency_ppm, c.device_id, c.meter_id, now(), 'me'
      FROM energyledger.storage_charge c, energyledger.certificate_holding h, energyledger.reading r
     WHERE c.source_device = 'st:roof' AND c.first_id = 1 AND h.device = 'st:wind' AND h.first_id = first AND h.last_id = last
       AND r.meter = c.device AND r.from_at = since AND r.to_at = since + make_interval(mins => minutes)
$$;
BEGIN;
SELECT st_try($i$SELECT st_hand(1501, 1751, '2025-06-01 09:00Z', 60)$i$);
ROLLBACK;
BEGIN;
SELECT st_try($i$SELECT st_hand(2501, 2600, '2025-06-01 09:00Z', 60)$i$);
ROLLBACK;
BEGIN;
SELECT st_read('first', '1-0:1.8.0', '2025-06-01 09:15Z', 15, 100);
SELECT st_try($i$SELECT st_hand(1501, 1600, '2025-06-01 09:15Z', 15)$i$);
ROLLBACK;
BEGIN;
SELECT st_hand(1501, 1750, '2025-06-01 09:00Z', 60);
SELECT relation, kind FROM energyledger.verify_storage();
ROLLBACK;
BEGIN;
SELECT st_try($i$INSERT INTO energyledger.storage_allocation SELECT d.ledger_id, c.ledger_id, 1, 1 FROM energyledger.storage_discharge d, energyledger.storage_charge c WHERE d.device = 'st:last' AND d.from_at = '2025-06-01 22:00Z' AND c.device = 'st:last' AND c.from_at = '2025-06-01 08:00Z'$i$);
ROLLBACK;
BEGIN;
SELECT st_try($i$INSERT INTO energyledger.storage_allocation SELECT d.ledger_id, c.ledger_id, 1, 1 FROM energyledger.storage_discharge d, energyledger.storage_charge c WHERE d.device = 'st:last' AND d.from_at = '2025-06-01 18:00Z' AND c.device = 'st:last' AND c.from_at = '2025-06-01 21:00Z'$i$);
ROLLBACK;
BEGIN;
SELECT st_try($i$INSERT INTO energyledger.storage_allocation SELECT d.ledger_id, c.ledger_id, 1, 1 FROM energyledger.storage_discharge d, energyledger.storage_charge c WHERE d.device = 'st:first' AND d.from_at = '2025-06-01 18:00Z' AND c.device = 'st:last' AND c.from_at = '2025-06-01 08:00Z'$i$);
ROLLBACK;
-- more than was issued of a discharge
BEGIN;
SELECT st_charge('first', st(4001, 4100), '2025-06-01 12:00Z');
SELECT st_try($i$INSERT INTO energyledger.storage_allocation SELECT d.ledger_id, c.ledger_id, energyledger.storage_in_wh(1, 800000), 1 FROM energyledger.storage_discharge d, energyledger.storage_charge c WHERE d.device = 'st:first' AND d.from_at = '2025-06-01 18:00Z' AND c.device = 'st:first' AND c.from_at = '2025-06-01 12:00Z'$i$);
ROLLBACK;

-- found afterwards: a discharge without record, without allocation, out of turn, by another rule, a meter that says less
BEGIN;
INSERT INTO energyledger.certificate_issue SELECT 'st:bare', 'electricity', 1, 10, '2025-06-01 18:00Z', '2025-06-01 19:00Z', 1, 'discharge', device_id, meter_id, 1, NULL, now(), 'me' FROM energyledger.certificate_issue WHERE device = 'st:first' AND first_id = 1;
SELECT relation, expected, found FROM energyledger.verify_storage();
ROLLBACK;
BEGIN;
INSERT INTO energyledger.storage_discharge SELECT 'st:bare', '2025-06-01 18:00Z', '2025-06-01 19:00Z', 7, 10, 10, 7;
SELECT relation, expected, replace(found, ', issue 7', '') FROM energyledger.verify_storage();
ROLLBACK;
BEGIN;
SELECT st_charge('first', st(4001, 4100), '2025-06-01 12:00Z'), st_charge('last', st(4101, 4200), '2025-06-01 12:00Z'), st_charge('share', st(4201, 4300), '2025-06-01 12:00Z');
SELECT st_charge('first', st(5001, 5100), '2025-06-01 13:00Z'), st_charge('last', st(5101, 5200), '2025-06-01 13:00Z'), st_charge('share', st(5201, 5300), '2025-06-01 13:00Z');
CREATE FUNCTION st_out(m text, charged timestamptz, at timestamptz, wh bigint) RETURNS void LANGUAGE sql AS $$
    WITH i AS (INSERT INTO energyledger.certificate_issue SELECT x.device, x.carrier, x.last_id + 1, x.last_id + wh, at, at + interval '30 minutes', 1, 'discharge', d.ledger_id, x.meter_id, 1, NULL, clock_timestamp(), 'me'
                 FROM energyledger.certificate_issue x, energyledger.certificate_device d
                WHERE x.device = 'st:' || m AND d.device = x.device ORDER BY x.first_id DESC, d.ledger_id DESC LIMIT 1 RETURNING *),
         d AS (INSERT INTO energyledger.storage_discharge SELECT i.device, i.from_at, i.to_at, i.ledger_id, wh, wh, i.ledger_id FROM i RETURNING *)
    INSERT INTO energyledger.storage_allocation SELECT d.ledger_id, c.ledger_id, energyledger.storage_in_wh(wh, c.efficiency_ppm), wh FROM d JOIN energyledger.storage_charge c ON c.device = d.device AND c.from_at = charged
$$;
SELECT st_out('first', '2025-06-01 13:00Z', '2025-06-01 14:00Z', 10);
SELECT st_out('last', '2025-06-01 12:00Z', '2025-06-01 14:00Z', 10);
SELECT st_out('share', '2025-06-01 12:00Z', '2025-06-01 14:00Z', 10);
SELECT relation, regexp_replace(expected, 'charge \d+', 'charge N') AS expected, regexp_replace(found, 'discharge \d+ from charge \d+', 'discharge N from charge M') AS found FROM energyledger.verify_storage() WHERE expected !~ 'signed reading' ORDER BY 1, 2, 3;
ROLLBACK;
BEGIN;
INSERT INTO energyledger.message (meter, epoch, seq, type, envelope, digest, sent_at, clock_status, received_at, chained, raw) VALUES ('st:first', 1, 2, 'reading', 'cose', '\x02', '2025-06-03', 'S', '2025-06-03', true, '\x01');
SELECT st_read('first', '1-0:1.8.0', '2025-06-01 09:00Z', 60, 49, 2);
SELECT relation, expected, found FROM energyledger.verify_storage();
SELECT st_charge('first', st(1501, 1510, 'wind'), '2025-06-01 09:00Z');
ROLLBACK;
-- and what came in by a way on which no trigger looked: a charge of no reading and no cancelled certificates, beside another; no charge; more out than in; claimed in storage, and twice
CREATE VIEW st_found AS SELECT relation, regexp_replace(expected, '\d{9,}', 'N', 'g') AS expected, regexp_replace(found, '\d{9,}', 'N', 'g') AS found FROM energyledger.verify_storage();
BEGIN;
SET LOCAL session_replication_role = replica;
INSERT INTO energyledger.storage_charge SELECT device, from_at + interval '1 minute', to_at, reading_id, charged_wh, source_device, carrier, 4001, 4010, event_id, 1000000, device_id, meter_id, recorded_at, recorded_by FROM energyledger.storage_charge WHERE source_device = 'st:roof' AND first_id = 1;
SELECT * FROM st_found ORDER BY 1, 2, 3;
ROLLBACK;
BEGIN;
SET LOCAL session_replication_role = replica;
INSERT INTO energyledger.storage_allocation SELECT d.ledger_id, 7, 10, 9 FROM energyledger.storage_discharge d WHERE d.device = 'st:first' AND d.from_at = '2025-06-01 18:00Z';
INSERT INTO energyledger.storage_allocation SELECT d.ledger_id, c.ledger_id, 2, 1 FROM energyledger.storage_discharge d JOIN energyledger.storage_charge c ON c.device = d.device AND c.from_at = '2025-06-01 09:00Z' WHERE d.device = 'st:last' AND d.from_at = '2025-06-01 22:00Z';
SELECT * FROM st_found ORDER BY 1, 2, 3;
ROLLBACK;
BEGIN;
SELECT quantity_wh FROM energyledger.move_certificates('claim', st(1001, 1010), NULL, 'st:first', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
SELECT * FROM st_found ORDER BY 1, 2, 3;
ROLLBACK;
BEGIN;
SELECT energyledger.cancel_certificates(st(1601, 1850, 'wind')) > 0 AS cancelled, energyledger.claim_certificates(st(1601, 1850, 'wind'), 'st:first') > 0 AS claimed;
SELECT st_hand(1501, 1510, '2025-06-01 09:00Z', 60);
SELECT * FROM st_found ORDER BY 1, 2, 3;
ROLLBACK;
BEGIN;
SELECT st_charge('first', st(4001, 4100), '2025-06-01 12:00Z');
INSERT INTO energyledger.certificate_device SELECT device, carrier, source, register, name, technology_code, operational_since, country, grid, issuing_body, legal_status, purpose, support, other_certificates, quality_scheme, dissemination_level,
       registry_configuration, 'last_in_first_out', storage_efficiency_ppm, emission_mg_per_kwh, emission_source, count_wh, weather_place, turbidity_hundredths, power_curve, expires_after_months, automatic, active, clock_timestamp(), recorded_by
  FROM energyledger.certificate_device WHERE device = 'st:first' ORDER BY ledger_id DESC LIMIT 1;
SELECT st_charge('first', st(5001, 5100), '2025-06-01 13:00Z');
SELECT st_discharge('first', '2025-06-01 22:00Z');
SELECT * FROM st_found ORDER BY 1, 2, 3;
ROLLBACK;
DROP VIEW st_found;
DROP FUNCTION st_try, st_hand, st_discharge, st_charge, st, st_read;
