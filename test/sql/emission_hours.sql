/*
 * emission_hours.sql: what consumption emitted, by the grid's factors and by what was claimed,
 * exactly; unknown consumption and factors counted apart; a day of 25 hours.
 */
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
RESET client_min_messages;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never
\pset null '(null)'

INSERT INTO energyledger.party (party) VALUES ('e:anna'), ('e:bert'), ('e:carl');
SELECT energyledger.register_meter('e:mill', party => 'e:anna', technology => 'hydro', capacity_w => 4000, grid_zone => 'e:north') > 0 AS mill,
       energyledger.register_meter('e:wood', party => 'e:anna', technology => 'biomass', capacity_w => 4000, grid_zone => 'e:north') > 0 AS wood,
       energyledger.register_meter('e:house', party => 'e:bert', grid_zone => 'e:north') > 0 AS house,
       energyledger.register_meter('e:barn', party => 'e:bert', grid_zone => 'e:south') > 0 AS barn,
       energyledger.register_meter('e:lost', party => 'e:carl') > 0 AS lost, energyledger.register_meter('e:new', party => 'e:carl', grid_zone => 'e:north') > 0 AS new,
       energyledger.register_meter('e:account', party => 'e:anna') > 0 AS account, energyledger.register_device('e:account', 'allowance', 'emission_allowance', 'none') > 0 AS account_device;
SELECT energyledger.register_device('e:mill', 'hydro', emission_mg_per_kwh => 4500) > 0 AS mill, energyledger.register_device('e:wood', 'biomass') > 0 AS wood;
INSERT INTO energyledger.message (meter, epoch, seq, type, envelope, digest, sent_at, clock_status, received_at, chained, raw)
SELECT 'e:' || m, 1, 1, 'reading', 'cose', sha256(m::bytea), '2025-11-02', 'S', '2025-11-02', true, '\x01' FROM unnest(ARRAY['mill', 'wood', 'house', 'barn', 'lost']) m;
-- three hours: all; a quarter missing; nothing
INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
SELECT 'e:' || m, 1, 1, k, obis, timestamptz '2025-06-01 10:00Z' + (k - 1) * interval '15 minutes', timestamptz '2025-06-01 10:00Z' + k * interval '15 minutes', v, 0, 'Wh', 'G'
  FROM (VALUES ('mill', '1-0:2.8.0', 500), ('wood', '1-0:2.8.0', 500), ('house', '1-0:1.8.0', 333), ('barn', '1-0:1.8.0', 101), ('lost', '1-0:1.8.0', 100)) r(m, obis, v), generate_series(1, 8) k
 WHERE NOT (m = 'house' AND k = 6);
SELECT bundles FROM energyledger.issue_certificates('{e:mill,e:wood}'::text[], '2025-06-01', '2025-06-02');

SELECT energyledger.add_emission_factor('e:north', 'location', 400000, '2025-01-01', NULL, 'TSO') > 0 AS north, energyledger.add_emission_factor('e:north', 'residual', 512345, '2025-01-01', '2026-01-01', 'AIB') > 0 AS residual,
       energyledger.add_emission_factor('e:north', 'location', 300001, '2025-06-01 11:00', '2025-06-01 12:00', 'TSO, by the hour') > 0 AS hour,
       energyledger.add_emission_factor('e:south', 'location', 0, '2025-06-01 10:00', '2025-06-01 11:00', 'TSO') > 0 AS south;
SELECT h::time, energyledger.emission_mg_per_kwh('e:north', 'location', h) AS north, energyledger.emission_mg_per_kwh('e:south', 'location', h) AS south, energyledger.emission_mg_per_kwh('e:south', 'residual', h) AS south_residual
  FROM generate_series(timestamptz '2025-06-01 09:00', '2025-06-01 12:00', '1 hour') h;
SELECT energyledger.emission_mg_per_kwh('e:north', 'residual', '2025-12-31 23:59:59') AS the_last, energyledger.emission_mg_per_kwh('e:north', 'residual', '2026-01-01') AS ended, energyledger.emission_mg_per_kwh(NULL, 'residual', '2025-06-01') AS of_null;

-- nothing claimed
SELECT meter, hour::time, zone, consumption_wh, location_mg_per_kwh, location_ug, claimed_wh, claimed_unknown_wh, claimed_ug, unclaimed_wh, residual_mg_per_kwh, unclaimed_ug, market_ug FROM energyledger.emission_hours('e:bert', '2025-06-01 10:00', '2025-06-01 13:00');
SELECT * FROM energyledger.emissions('e:bert', '2025-06-01 10:00', '2025-06-01 13:00');

-- claimed from a device with a factor, and from one without
SELECT energyledger.accept_certificates('e:bert', 'e:anna');
CREATE FUNCTION e(first bigint, last bigint, device text DEFAULT 'e:mill') RETURNS energyledger.certificate_range[] LANGUAGE sql AS $$ SELECT ARRAY[(device, 'electricity', first, last)::energyledger.certificate_range] $$;
SELECT energyledger.transfer_certificates(e(1, 2000) || e(1, 2000, 'e:wood'), 'e:bert') > 0 AS moved;
SELECT energyledger.cancel_certificates(e(1, 1000) || e(1, 100, 'e:wood')) > 0 AS cancelled;
SELECT energyledger.claim_certificates(e(1, 1000) || e(1, 100, 'e:wood'), 'e:house') > 0 AS claimed;
-- by what was said of the device at issue
SELECT energyledger.register_device('e:mill', 'hydro', emission_mg_per_kwh => 999999) > 0 AS later;
SELECT meter, hour::time, consumption_wh, claimed_wh, claimed_unknown_wh, claimed_ug, unclaimed_wh, unclaimed_ug, market_ug FROM energyledger.emission_hours('e:bert', '2025-06-01 10:00', '2025-06-01 11:00');
SELECT * FROM energyledger.emissions('e:bert', '2025-06-01 10:00', '2025-06-01 11:00');
SELECT energyledger.withdraw_certificates(e(1, 100, 'e:wood') || e(1, 1, 'e:mill'), 'metered twice') > 0 AS withdrawn;
SELECT meter, consumption_wh, claimed_wh, claimed_unknown_wh, claimed_ug, unclaimed_wh, unclaimed_ug, market_ug FROM energyledger.emission_hours('e:bert', '2025-06-01 10:00', '2025-06-01 11:00') WHERE meter = 'e:house';
-- 1332 Wh at 400000 are 532.8 g; 999 at 4500 and 333 at 512345 are 4.4955 and 170.610885 g: rounded once, together
SELECT consumption_wh, location_mg, claimed_wh, unclaimed_wh, market_mg FROM energyledger.emissions('e:bert', '2025-06-01 10:00', '2025-06-01 11:00');
-- a later reading leaves less than is claimed
BEGIN;
INSERT INTO energyledger.message (meter, epoch, seq, type, envelope, digest, sent_at, clock_status, received_at, chained, raw) VALUES ('e:house', 1, 2, 'reading', 'cose', '\x02', '2025-11-03', 'S', '2025-11-03', true, '\x01');
INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
SELECT 'e:house', 1, 2, k, '1-0:1.8.0', timestamptz '2025-06-01 10:00Z' + (k - 1) * interval '15 minutes', timestamptz '2025-06-01 10:00Z' + k * interval '15 minutes', 1, 0, 'Wh', 'G' FROM generate_series(1, 4) k;
SELECT consumption_wh, claimed_wh, unclaimed_wh, market_ug FROM energyledger.emission_hours('e:bert', '2025-06-01 10:00', '2025-06-01 11:00') WHERE meter = 'e:house';
ROLLBACK;
-- who may
SET ROLE energyledger_registrar;
SELECT market_mg FROM energyledger.emissions('e:bert', '2025-06-01 10:00', '2025-06-01 11:00');
SET ROLE energyledger_auditor;
SELECT market_mg FROM energyledger.emissions('e:bert', '2025-06-01 10:00', '2025-06-01 11:00');
SET ROLE energyledger_reader;
SELECT market_mg FROM energyledger.emissions('e:bert', '2025-06-01 10:00', '2025-06-01 11:00');
RESET ROLE;
-- said anew
SELECT energyledger.add_emission_factor('e:north', 'location', 1, '2025-06-01 10:00', '2025-06-01 11:00', 'put right') > 0 AS again;
SELECT location_mg, market_mg FROM energyledger.emissions('e:bert', '2025-06-01 10:00', '2025-06-01 11:00');

-- a meter without a zone, one that told nothing yet; meters of production consume nothing, nor does an account
SELECT * FROM energyledger.emissions('e:carl', '2025-06-01 10:00', '2025-06-01 12:00');
SELECT * FROM energyledger.emissions('e:anna', '2025-06-01 10:00', '2025-06-01 12:00');
SELECT meter, hour::time, consumption_wh, location_ug, unclaimed_wh, market_ug FROM energyledger.emission_hours('e:carl', '2025-06-01 10:00', '2025-06-01 12:00');
-- of another day it told nothing
SELECT hours, unknown_hours, consumption_wh FROM energyledger.emissions('e:bert', '2025-05-01', '2025-05-01 02:00');
SELECT * FROM energyledger.emissions('e:nobody', '2025-06-01 10:00', '2025-06-01 12:00');

-- the last Sunday of October: a local day of 25 hours, with 1 Wh each
INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
SELECT 'e:house', 1, 1, 100 + n, '1-0:1.8.0', h, h + interval '1 hour', 1, 0, 'Wh', 'G'
  FROM generate_series(timestamp '2025-10-26' AT TIME ZONE 'Europe/Amsterdam', timestamp '2025-10-27' AT TIME ZONE 'Europe/Amsterdam' - interval '1 hour', '1 hour') WITH ORDINALITY g(h, n);
SET timezone = 'Europe/Amsterdam';
SELECT hours, consumption_wh, location_mg, unclaimed_wh, market_mg FROM energyledger.emissions('e:bert', '2025-10-26', '2025-10-27') WHERE unknown_hours = 25;
SELECT count(*), count(DISTINCT hour) AS hours, sum(location_ug) AS location_ug, sum(market_ug) AS market_ug, min(hour) AS first, max(hour) AS last FROM energyledger.emission_hours('e:bert', '2025-10-26', '2025-10-27') WHERE meter = 'e:house';
SET timezone = 'UTC';

-- half a milligram goes up, and once: 2 hours of 250 ug are 1 mg of the total, and each would be 0
SELECT energyledger.add_emission_factor('e:north', 'location', 250, '2025-10-26 00:00', '2025-10-26 02:00', 'small') > 0 AS small;
SELECT hours, location_mg FROM energyledger.emissions('e:bert', '2025-10-26 00:00', '2025-10-26 01:00');
SELECT hours, location_mg FROM energyledger.emissions('e:bert', '2025-10-26 00:00', '2025-10-26 02:00');

-- what is asked for badly
SELECT energyledger.add_emission_factor(NULL, 'location', 1, '2025-01-01', NULL, 'x');
SELECT energyledger.add_emission_factor('e north', 'location', 1, '2025-01-01', NULL, 'x');
SELECT energyledger.add_emission_factor('e:north', 'market', 1, '2025-01-01', NULL, 'x');
SELECT energyledger.add_emission_factor('e:north', 'location', -1, '2025-01-01', NULL, 'x');
SELECT energyledger.add_emission_factor('e:north', 'location', 1, '2025-01-01 00:30', NULL, 'x');
SELECT energyledger.add_emission_factor('e:north', 'location', 1, '2025-01-01', '2025-01-01', 'x');
SELECT energyledger.add_emission_factor('e:north', 'location', 1, '2025-01-01', 'infinity', 'x');
SELECT energyledger.add_emission_factor('e:north', 'location', 1, '2025-01-01', NULL, '');
SELECT energyledger.emissions(NULL, '2025-06-01', '2025-06-02');
SELECT energyledger.emissions('e:bert', '2025-06-01 10:30', '2025-06-02');
SELECT energyledger.emissions('e:bert', '2025-06-01', '2026-08-02');
SELECT energyledger.emission_hours('e:bert', '2025-06-02', '2025-06-01');
DROP FUNCTION e;
