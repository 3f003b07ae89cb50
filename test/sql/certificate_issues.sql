/*
 * certificate_issues.sql: from readings to certificates: what is evidence and what is not, numbers
 * that go on, times that are issued once, bounds, corrections, expiry.
 */
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never
\set VERBOSITY default
\pset null '(null)'

-- read(meter, seq, sent at, received at, clock): a message of readings [obis, minute, minutes, value, scale, unit, status]
CREATE FUNCTION read(meter text, seq bigint, readings text, received interval DEFAULT '1 day', clock text DEFAULT 'S', sent interval DEFAULT '1 day') RETURNS bigint LANGUAGE sql AS $$
    WITH m AS (INSERT INTO energyledger.message (meter, epoch, seq, type, envelope, digest, sent_at, clock_status, received_at, chained, raw)
               VALUES (meter, 1, seq, 'reading', 'cose', sha256(convert_to(meter || seq, 'UTF8')), timestamptz '2025-06-01' + sent, clock, timestamptz '2025-06-01' + received, true, '\x01')),
    r AS (INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
          SELECT meter, 1, seq, n, x ->> 0, timestamptz '2025-06-01' + (x ->> 1)::int * interval '1 minute', timestamptz '2025-06-01' + ((x ->> 1)::int + (x ->> 2)::int) * interval '1 minute',
                 (x ->> 3)::bigint, (x ->> 4)::smallint, x ->> 5, x ->> 6
            FROM jsonb_array_elements(readings::jsonb) WITH ORDINALITY j(x, n) RETURNING 1)
    SELECT count(*) FROM r $$;
CREATE VIEW issued AS
    SELECT b.device, b.carrier, b.from_at::time, b.to_at::time, b.first_id, b.last_id, b.holder, b.bound_wh, b.bound_rule, i.kind, b.issue_id - min(b.issue_id) OVER () < 0 AS never
      FROM energyledger.certificate_bundle b JOIN energyledger.certificate_issue i ON i.ledger_id = b.issue_id
     WHERE b.parent_id IS NULL AND b.device LIKE 'i:%';
CREATE VIEW kept AS
    SELECT device, from_at::time, to_at::time, energy_wh, reason, bound_wh FROM energyledger.certificate_hold WHERE device LIKE 'i:%';

INSERT INTO energyledger.party (party) VALUES ('i:anna'), ('i:bert');
SELECT count(energyledger.register_meter('i:' || m, party => 'i:anna', technology => 'hydro', capacity_w => 4000)) AS meters FROM unnest(ARRAY['mill', 'gap', 'bad', 'late', 'small', 'change', 'old']) m;
SELECT count(energyledger.register_device('i:' || m, 'hydro')) AS devices FROM unnest(ARRAY['mill', 'gap', 'bad', 'late', 'change', 'old']) m;

-- Wh are rounded down; an interval of more than an hour, a stand, what is consumed and another register are no evidence
SELECT read('i:mill', 1, '[["1-0:2.8.0", 0, 15, 1000, 0, "Wh", "G"], ["1-0:2.8.0", 15, 15, 1, -3, "kWh", "G"], ["1-0:2.8.0", 30, 15, 99999, -2, "Wh", "G"],
    ["1-0:2.8.0", 45, 15, 0, 0, "Wh", "G"], ["1-0:2.8.0", 60, 60, 4, 0, "kWh", "G"], ["1-0:2.8.0", 120, 61, 1, 0, "kWh", "G"], ["1-0:2.8.0", 200, 0, 700, 0, "kWh", "G"],
    ["1-0:1.8.0", 240, 15, 500, 0, "Wh", "G"], ["1-0:2.8.1", 240, 15, 500, 0, "Wh", "G"], ["1-0:2.8.0", 255, 5, 999, -3, "Wh", "G"], ["1-0:2.8.0", 260, 1, 66, 0, "Wh", "G"]]');
SELECT * FROM energyledger.issue_certificates('i:mill', '2025-06-01', '2025-06-02');
SELECT from_at, to_at, first_id, last_id, holder, bound_wh, bound_rule FROM issued WHERE device = 'i:mill' ORDER BY first_id;
SELECT first_id, last_id, from_at, to_at, bundles, kind FROM energyledger.certificate_issue WHERE device = 'i:mill' ORDER BY 1;
-- again: nothing new
SELECT * FROM energyledger.issue_certificates('i:mill', '2025-06-01', '2025-06-02');
-- numbers go on, also where it is earlier; an hour over what is issued is not
SELECT read('i:mill', 2, '[["1-0:2.8.0", -15, 15, 10, 0, "Wh", "G"], ["1-0:2.8.0", 30, 60, 800, 0, "Wh", "G"], ["1-0:2.8.0", 300, 15, 20, 0, "Wh", "G"]]');
SELECT * FROM energyledger.issue_certificates('i:mill', '2025-05-31', '2025-06-02');
SELECT from_at, first_id, last_id FROM issued WHERE device = 'i:mill' ORDER BY first_id;

-- of overlapping ones the shorter, of the same length the earlier; of one time the newest
SELECT read('i:gap', 1, '[["1-0:2.8.0", 0, 60, 400, 0, "Wh", "G"], ["1-0:2.8.0", 15, 15, 100, 0, "Wh", "G"], ["1-0:2.8.0", 45, 15, 101, 0, "Wh", "G"],
    ["1-0:2.8.0", 120, 30, 200, 0, "Wh", "G"], ["1-0:2.8.0", 130, 30, 300, 0, "Wh", "G"], ["1-0:2.8.0", 180, 30, 5, 0, "Wh", "G"], ["1-0:2.8.0", 240, 15, 6, 0, "Wh", "G"]]');
SELECT read('i:gap', 2, '[["1-0:2.8.0", 180, 30, 7, 0, "Wh", "G"], ["1-0:2.8.0", 240, 15, 0, 0, "Wh", "G"]]');
SELECT * FROM energyledger.issue_certificates('i:gap', '2025-06-01', '2025-06-02');
SELECT from_at, to_at, first_id, last_id FROM issued WHERE device = 'i:gap' ORDER BY first_id;

-- what is held: more than the nameplate by 1 Wh, not measured, no energy, a clock that is ahead or unknown
SELECT read('i:bad', 1, '[["1-0:2.8.0", 0, 15, 1000, 0, "Wh", "G"], ["1-0:2.8.0", 15, 15, 1001, 0, "Wh", "G"], ["1-0:2.8.0", 30, 15, 500, 0, "Wh", "S"], ["1-0:2.8.0", 45, 15, 500, 0, "W", "G"],
    ["1-0:2.8.0", 60, 15, -5, 0, "Wh", "G"], ["1-0:2.8.0", 75, 15, 1, 9, "GWh", "G"]]');
SELECT read('i:bad', 2, '[["1-0:2.8.0", 120, 15, 10, 0, "Wh", "G"]]', clock => 'U');
SELECT read('i:bad', 3, '[["1-0:2.8.0", 180, 15, 10, 0, "Wh", "G"]]', received => '3 hours 9 minutes');
SELECT read('i:bad', 4, '[["1-0:2.8.0", 1440, 15, 10, 0, "Wh", "G"]]', sent => '2 days', received => '1 day');
SELECT read('i:bad', 5, '[["1-0:2.8.0", 240, 15, 10, 0, "Wh", "G"]]', received => '4 hours 10 minutes', sent => '4 hours 10 minutes');
SELECT * FROM energyledger.issue_certificates('i:bad', '2025-06-01', '2025-06-03');
SELECT * FROM kept WHERE device = 'i:bad' ORDER BY 2;
SELECT from_at, first_id, last_id FROM issued WHERE device = 'i:bad' ORDER BY first_id;
-- held once; and issued when a better nameplate is known
SELECT * FROM energyledger.issue_certificates('i:bad', '2025-06-01', '2025-06-03');
SELECT count(*) AS held FROM kept WHERE device = 'i:bad';
SELECT energyledger.register_meter('i:bad', party => 'i:anna', technology => 'hydro', capacity_w => 4004) > 0 AS meter;
SELECT * FROM energyledger.issue_certificates('i:bad', '2025-06-01', '2025-06-03');
SELECT from_at, first_id, last_id, bound_wh FROM issued WHERE device = 'i:bad' ORDER BY first_id;

-- no owner, no nameplate, not in operation, calibration over, no place
SELECT read('i:old', 1, '[["1-0:2.8.0", 0, 15, 10, 0, "Wh", "G"]]');
SELECT energyledger.register_meter('i:old', capacity_w => 4000) > 0 AS meter;
SELECT held FROM energyledger.issue_certificates('i:old', '2025-06-01', '2025-06-02');
SELECT energyledger.register_meter('i:old', party => 'i:anna') > 0 AS meter;
SELECT held FROM energyledger.issue_certificates('i:old', '2025-06-01', '2025-06-02');
SELECT energyledger.register_meter('i:old', party => 'i:anna', capacity_w => 4000, calibrated_until => '2025-06-01') > 0 AS meter;
SELECT held FROM energyledger.issue_certificates('i:old', '2025-06-01', '2025-06-02');
SELECT energyledger.register_meter('i:old', party => 'i:anna', capacity_w => 4000) > 0 AS meter, energyledger.register_device('i:old', 'hydro', operational_since => '2025-06-02') > 0 AS device;
SELECT held FROM energyledger.issue_certificates('i:old', '2025-06-01', '2025-06-02');
SELECT energyledger.register_device('i:old', 'solar_pv') > 0 AS device;
SELECT held FROM energyledger.issue_certificates('i:old', '2025-06-01', '2025-06-02');
SELECT * FROM kept WHERE device = 'i:old' ORDER BY reason;
SELECT energyledger.register_device('i:old', 'hydro', active => false) > 0 AS device;
SELECT * FROM energyledger.issue_certificates('i:old', '2025-06-01', '2025-06-02');

-- a later reading: withdrawn and issued anew; what was used is held
SELECT read('i:change', 1, '[["1-0:2.8.0", 0, 15, 100, 0, "Wh", "G"], ["1-0:2.8.0", 15, 15, 200, 0, "Wh", "G"], ["1-0:2.8.0", 30, 15, 300, 0, "Wh", "G"], ["1-0:2.8.0", 45, 15, 400, 0, "Wh", "G"], ["1-0:2.8.0", 60, 15, 500, 0, "Wh", "G"]]');
SELECT * FROM energyledger.issue_certificates('i:change', '2025-06-01', '2025-06-02');
SELECT energyledger.reserve_certificates('{"(i:change,electricity,1,40)"}') > 0 AS reserved, energyledger.cancel_certificates('{"(i:change,electricity,601,601)"}') > 0 AS cancelled;
SELECT read('i:change', 2, '[["1-0:2.8.0", 0, 15, 90, 0, "Wh", "G"], ["1-0:2.8.0", 15, 15, 200, 0, "Wh", "G"], ["1-0:2.8.0", 30, 15, 0, 0, "Wh", "G"], ["1-0:2.8.0", 45, 15, 410, 0, "Wh", "G"], ["1-0:2.8.0", 60, 15, 500, 0, "Wh", "S"]]');
SELECT * FROM energyledger.issue_certificates('i:change', '2025-06-01', '2025-06-02');
SELECT * FROM energyledger.correct_certificates('{i:change}', '2025-06-01', '2025-06-02', 'better values');
SELECT from_at::time, state, first_id, last_id, quantity_wh FROM energyledger.certificate_holding WHERE device = 'i:change' ORDER BY first_id;
SELECT * FROM kept WHERE device = 'i:change' ORDER BY 2;
SELECT * FROM energyledger.correct_certificates('{i:change}', '2025-06-01', '2025-06-02', 'once more');
SELECT energyledger.withdraw_certificates('{"(i:change,electricity,601,1000)"}', 'used, but wrong') > 0 AS withdrawn;
SELECT * FROM energyledger.correct_certificates('{i:change}', '2025-06-01', '2025-06-02', 'better values');
SELECT * FROM energyledger.correct_certificates('{i:change}', '2025-06-01', '2025-06-02', 'better values');
SELECT from_at::time, state, first_id, last_id, quantity_wh FROM energyledger.certificate_holding WHERE device = 'i:change' AND state <> 'withdrawn' ORDER BY first_id;
-- and what was withdrawn stays so where no reading is new
SELECT energyledger.withdraw_certificates('{"(i:change,electricity,101,300)"}', 'no') > 0 AS withdrawn;
SELECT * FROM energyledger.correct_certificates('{i:change}', '2025-06-01', '2025-06-02', 'better values');
SELECT * FROM energyledger.issue_certificates('i:change', '2025-06-01', '2025-06-02');

-- the end: after the months that the registration says, what is active or reserved
SELECT energyledger.register_device('i:late', 'hydro', expires_after_months => 1) > 0 AS device, read('i:late', 1, '[["1-0:2.8.0", 0, 15, 100, 0, "Wh", "G"], ["1-0:2.8.0", 15, 15, 100, 0, "Wh", "G"]]');
SELECT * FROM energyledger.issue_certificates('i:late', '2025-06-01', '2025-06-02');
SELECT energyledger.cancel_certificates('{"(i:late,electricity,1,50)"}') > 0 AS cancelled;
SELECT energyledger.expire_certificates('2025-06-01', '2025-06-01 00:15Z');
SELECT energyledger.expire_certificates('2025-06-01', '2025-06-01 00:15Z');
SELECT state, first_id, last_id FROM energyledger.certificate_holding WHERE device = 'i:late' ORDER BY 2;
SELECT energyledger.expire_certificates('2025-06-01', '2025-06-02'), energyledger.expire_certificates(now() - interval '1 week', now());

-- bad arguments
SELECT energyledger.issue_certificates('i:none', '2025-06-01', '2025-06-02');
SELECT energyledger.issue_certificates('i:small', '2025-06-01', '2025-06-02');
SELECT energyledger.issue_certificates(NULL::text, '2025-06-01', '2025-06-02');
SELECT energyledger.issue_certificates('i:mill', NULL, '2025-06-02');
SELECT energyledger.issue_certificates('i:mill', '2025-06-01', '2025-06-01');
SELECT energyledger.issue_certificates('i:mill', '2025-06-01', 'infinity');
SELECT energyledger.issue_certificates('i:mill', '2025-06-01', '2026-09-02');
SELECT energyledger.issue_certificates(array_fill('i:mill'::text, ARRAY[10001]), '2025-06-01', '2025-06-02');
SELECT energyledger.correct_certificates('{i:mill}', '2025-06-01', '2025-06-02', '');
SELECT energyledger.correct_certificates('{i:mill}', '2025-06-01', '2025-06-02', NULL);
SELECT energyledger.expire_certificates(NULL, now());
SELECT energyledger.register_device('i:none', 'hydro');
SELECT energyledger.register_device('i:small', 'hydro', register => '1-0:1.8.0');
SELECT energyledger.register_device('i:small', 'hydro', register => '1-0:2.8.1');
SELECT energyledger.register_device('i:small', NULL);
SELECT energyledger.register_device('i:small', 'battery', storage_allocation => 'pro_rata');
SELECT energyledger.register_device('i:mill', 'hydro', carrier => 'hydrogen');
\set VERBOSITY terse
SELECT energyledger.register_device('i:small', 'hydro', country => 'Germany');
-- a storage is not a source
SELECT energyledger.register_device('i:small', 'battery', storage_allocation => 'pro_rata', storage_efficiency_ppm => 900000) > 0 AS storage, read('i:small', 1, '[["1-0:2.8.0", 0, 15, 100, 0, "Wh", "G"]]');
SELECT * FROM energyledger.issue_certificates('i:small', '2025-06-01', '2025-06-02');

SELECT relation, kind, expected, found FROM energyledger.verify_certificates();
DROP FUNCTION read;
DROP VIEW issued, kept;
