/*
 * energy_estimate.sql: energy of slots that no reading tells: by both methods, marked, never over a measured value,
 * totals kept.  Values worked out by hand.
 */
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
RESET client_min_messages;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\pset null '-'
\set VERBOSITY terse

CREATE SEQUENCE pg_temp.seq;
CREATE PROCEDURE pg_temp.says(meter text, obis text, from_t text, to_t text, value bigint, status text DEFAULT 'G')
LANGUAGE sql AS $$
    INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
    VALUES (meter, 1, nextval('pg_temp.seq'), 1, obis, ('2025-06-01 ' || from_t)::timestamptz, ('2025-06-01 ' || coalesce(to_t, from_t))::timestamptz, value, 0, 'Wh', status)
$$;
CREATE FUNCTION pg_temp.slots(meter text, from_t text, to_t text)
RETURNS TABLE (slot text, energy_wh bigint, quality text, reason text) LANGUAGE sql AS $$
    SELECT to_char(e.from_at, 'HH24:MI'), e.energy_wh, e.quality, e.reason
      FROM energyledger.interval_energy(meter, ('2025-06-01 ' || from_t)::timestamptz, ('2025-06-01 ' || to_t)::timestamptz) e
$$;
SELECT count(energyledger.register_meter('estimate:' || m, decode(repeat('07', 32), 'hex'))) FROM unnest('{a,b,c,d,none}'::text[]) m;

-- ---- linear, between two stands two hours apart: 1001 Wh in 8 slots, 125.125 each; sums rounded: 125 250 375 501 (500.5)
-- 626 751 876 1001: the fourth has 126
CALL pg_temp.says('estimate:a', '1-0:1.8.0', '00:00', NULL, 5000);
CALL pg_temp.says('estimate:a', '1-0:1.8.0', '02:00', NULL, 6001);
SELECT * FROM pg_temp.slots('estimate:a', '00:00', '02:00');
-- half of it first, then all: what is there stays
SELECT meter, direction, to_char(from_at, 'HH24:MI') AS slot, energy_wh, method, source, reason, estimated_by = current_user AS by_me
  FROM energyledger.estimate('estimate:a', '2025-06-01 00:30', '2025-06-01 01:30', 'linear', reason => 'June''s bill');
SELECT to_char(from_at, 'HH24:MI') AS slot, energy_wh, method FROM energyledger.estimate('estimate:a', '2025-06-01 00:00', '2025-06-01 02:00', 'linear');
SELECT * FROM pg_temp.slots('estimate:a', '00:00', '02:00');
SELECT from_at, to_at, direction, energy_wh, quality FROM energyledger.energy_between('estimate:a', '{2025-06-01 00:00,2025-06-01 01:00,2025-06-01 02:00}');
-- Measured later: one slot of 300 Wh.  It counts, the estimate stays and is no longer counted; the others are as they were
-- estimated until they are estimated again: 701 Wh in 7 slots are 100.14: sums 100 200 300 401 (400.57) 501 601 701.
CALL pg_temp.says('estimate:a', '1-0:1.8.0', '01:00', '01:15', 300);
SELECT * FROM pg_temp.slots('estimate:a', '00:00', '02:00');
SELECT to_char(from_at, 'HH24:MI') AS slot, energy_wh, method, by_ledger_id IS NOT NULL AS by_estimate, measured_wh, quality
  FROM energyledger.estimate_superseded WHERE meter = 'estimate:a';
SELECT to_char(from_at, 'HH24:MI') AS slot, energy_wh, source FROM energyledger.estimate('estimate:a', '2025-06-01 00:00', '2025-06-01 02:00', 'linear', replace => true);
SELECT sum(energy_wh), count(*) FILTER (WHERE quality = 'estimated') FROM pg_temp.slots('estimate:a', '00:00', '02:00');
SELECT count(*), count(*) FILTER (WHERE by_ledger_id IS NOT NULL) AS by_estimate, count(measured_wh) AS by_reading
  FROM energyledger.estimate_superseded WHERE meter = 'estimate:a';
-- nothing is missing any more
SELECT count(*) FROM energyledger.estimate('estimate:a', '2025-06-01 00:00', '2025-06-01 02:00', 'linear');

-- ---- linear, where no total is known: on the line from the slot before, 100 Wh, to the one after, 60: with three slots
-- between them 90, 80, 70.  A gap of more than two hours stays missing; so does one with nothing after it.
CALL pg_temp.says('estimate:b', '1-0:1.8.0', '00:00', '00:15', 100);
CALL pg_temp.says('estimate:b', '1-0:1.8.0', '01:00', '01:15', 60);
CALL pg_temp.says('estimate:b', '1-0:1.8.0', '01:15', '01:30', 9, 'E');
CALL pg_temp.says('estimate:b', '1-0:1.8.0', '01:30', '01:45', 61);   -- (60 + 61) / 2 = 60.5 -> 61
CALL pg_temp.says('estimate:b', '1-0:1.8.0', '04:00', '04:15', 70);
SELECT direction, to_char(from_at, 'HH24:MI') AS slot, energy_wh, method, source
  FROM energyledger.estimate('estimate:b', '2025-06-01 00:00', '2025-06-01 06:00', 'linear');
-- one slot of a gap gets what it gets with the others
SELECT to_char(from_at, 'HH24:MI') AS slot, energy_wh FROM energyledger.estimate('estimate:b', '2025-06-01 00:30', '2025-06-01 00:45', 'linear', replace => true);
-- what nobody knows can be given: 25 Wh in the 9 slots up to 04:00: 2 each and one more for the first 7
SELECT to_char(from_at, 'HH24:MI') AS slot, energy_wh, method, source
  FROM energyledger.estimate('estimate:b', '2025-06-01 01:45', '2025-06-01 04:00', 'linear', direction => 'import', total_wh => 25);

-- ---- by profile: 100 Wh between the stands of 00:00 and 02:00, of which [00:30, 00:45) is measured: 16.  84 are left, and
-- half hours of weights 1 1 2 3 are quarters of 1 1 . 1 2 2 3 3 in half-weights: 13 in all.  84 * 1/13 = 6.46 (remainder 6),
-- 2/13 = 12.92 (12), 3/13 = 19.38 (5): whole parts 6 6 6 12 12 19 19 are 80, the four more go to both 12s, then to two of
-- the 6s, the earliest.
CALL pg_temp.says('estimate:c', '1-0:1.8.0', '00:00', NULL, 0);
CALL pg_temp.says('estimate:c', '1-0:1.8.0', '02:00', NULL, 100);
CALL pg_temp.says('estimate:c', '1-0:1.8.0', '00:30', '00:45', 16);
SELECT energyledger.add_profile('estimate:H0', '2025-06-01 00:00', '30 minutes', '{9,9,9,9}');
SELECT energyledger.add_profile('estimate:H0', '2025-06-01 00:00', '30 minutes', '{1,1,2,3}');   -- replaces them
SELECT to_char(from_at, 'HH24:MI') AS slot, energy_wh, method, source
  FROM energyledger.estimate('estimate:c', '2025-06-01 00:00', '2025-06-01 02:00', 'profile', profile => 'estimate:H0');
SELECT sum(energy_wh) FROM pg_temp.slots('estimate:c', '00:00', '02:00');
-- a part of the time is a part of the same shares
SELECT to_char(from_at, 'HH24:MI') AS slot, energy_wh
  FROM energyledger.estimate('estimate:c', '2025-06-01 00:15', '2025-06-01 01:00', 'profile', profile => 'estimate:H0', replace => true);
-- By another meter, which has 1 1 1 5 0 0 0 0 (and 7 in the measured slot): 84 * 1/8 = 10.5, 5/8 = 52.5:
-- 10 10 10 52 and two left over, all remainders the same: to the earliest.
CALL pg_temp.says('estimate:d', '1-0:1.8.0', '00:00', '00:15', 1);
CALL pg_temp.says('estimate:d', '1-0:1.8.0', '00:15', '00:30', 1);
CALL pg_temp.says('estimate:d', '1-0:1.8.0', '00:30', '00:45', 7);
CALL pg_temp.says('estimate:d', '1-0:1.8.0', '00:45', '01:00', 1);
CALL pg_temp.says('estimate:d', '1-0:1.8.0', '01:00', '01:15', 5);
SELECT energyledger.estimate('estimate:c', '2025-06-01 00:00', '2025-06-01 02:00', 'profile', reference_meter => 'estimate:d');
CALL pg_temp.says('estimate:d', '1-0:1.8.0', '01:15', '02:00', 0);
SELECT to_char(from_at, 'HH24:MI') AS slot, energy_wh, source
  FROM energyledger.estimate('estimate:c', '2025-06-01 00:00', '2025-06-01 02:00', 'profile', reference_meter => 'estimate:d', replace => true);
-- No weight, or none above 0.
SELECT energyledger.estimate('estimate:c', '2025-06-01 00:00', '2025-06-01 02:00', 'profile', profile => 'estimate:H1');
SELECT energyledger.add_profile('estimate:H1', '2025-06-01 00:00', '1 hour', '{0,0}');
SELECT energyledger.estimate('estimate:c', '2025-06-01 00:00', '2025-06-01 02:00', 'profile', profile => 'estimate:H1');
-- A contradiction may be estimated too.  A given total by profile: quarters of 2 and 3 / 2 weights.
CALL pg_temp.says('estimate:c', '1-0:2.8.0', '01:00', '02:00', 10);
CALL pg_temp.says('estimate:c', '1-0:2.8.0', '01:00', '01:15', 11);
SELECT to_char(from_at, 'HH24:MI') AS slot, energy_wh, source
  FROM energyledger.estimate('estimate:c', '2025-06-01 01:00', '2025-06-01 02:00', 'profile', direction => 'export', profile => 'estimate:H0', total_wh => 80);
SELECT to_char(from_at, 'HH24:MI') AS slot, energy_wh, quality, reason
  FROM energyledger.interval_energy('estimate:c', '2025-06-01 01:00', '2025-06-01 02:00') WHERE direction = 'export';

-- ---- estimates as they were known
SELECT count(*) FILTER (WHERE quality = 'estimated') FROM energyledger.interval_energy('estimate:a', '2025-06-01 00:00', '2025-06-01 02:00', known_at => '2025-07-01');

-- ---- arguments
SELECT energyledger.estimate('estimate:nobody', '2025-06-01 00:00', '2025-06-01 02:00', 'linear');
SELECT energyledger.estimate('estimate:none', '2025-06-01 00:00', '2025-06-01 02:00', 'linear');
SELECT energyledger.estimate(NULL, '2025-06-01 00:00', '2025-06-01 02:00', 'linear');
SELECT energyledger.estimate('estimate:a', '2025-06-01 02:00', '2025-06-01 00:00', 'linear');
SELECT energyledger.estimate('estimate:a', '2025-06-01 00:01', '2025-06-01 02:00', 'linear');
SELECT energyledger.estimate('estimate:a', '2025-06-01 00:00', '2025-06-01 02:00', 'guess');
SELECT energyledger.estimate('estimate:a', '2025-06-01 00:00', '2025-06-01 02:00', 'linear', direction => 'both');
SELECT energyledger.estimate('estimate:a', '2025-06-01 00:00', '2025-06-01 02:00', 'linear', profile => 'estimate:H0');
SELECT energyledger.estimate('estimate:a', '2025-06-01 00:00', '2025-06-01 02:00', 'profile');
SELECT energyledger.estimate('estimate:a', '2025-06-01 00:00', '2025-06-01 02:00', 'profile', profile => 'estimate:H0', reference_meter => 'estimate:b');
SELECT energyledger.estimate('estimate:a', '2025-06-01 00:00', '2025-06-01 02:00', 'linear', total_wh => 5);
SELECT energyledger.estimate('estimate:a', '2025-06-01 00:00', '2025-06-01 02:00', 'linear', direction => 'import', total_wh => -5);
SELECT energyledger.add_profile('', '2025-06-01 00:00', '1 hour', '{1}');
SELECT energyledger.add_profile('estimate:H2', '2025-06-01 00:01', '1 hour', '{1}');
SELECT energyledger.add_profile('estimate:H2', '2025-06-01 00:00', '20 minutes', '{1}');
SELECT energyledger.add_profile('estimate:H2', '2025-06-01 00:00', '1 hour', '{1,NULL}');
SELECT energyledger.add_profile('estimate:H2', '2025-06-01 00:00', '1 hour', '{1,-1}');
SELECT energyledger.add_profile('estimate:H2', '2025-06-01 00:00', '1 hour', '{}');
SELECT energyledger.add_profile('estimate:H2', '2025-06-01 00:00', '1 hour', NULL);

-- What was written is what the ledger hashed, and it is not edited.
UPDATE energyledger.energy_estimate SET energy_wh = 0;
SET client_min_messages = warning;
SELECT energyledger.seal() > 0 AS sealed;
SELECT relation, kind, expected, found
  FROM unnest('{energy_estimate,load_profile,register_rollover}'::text[]) t(name), energyledger.verify(('energyledger.' || name)::regclass);
