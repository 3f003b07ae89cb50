/*
 * energy_slots.sql: from readings to the energy of slots: every rule of doc/energy.md once,
 * with values worked out by hand.
 *
 * Readings are written here as ingest() would: a message each, with a row of its own in
 * message only where the time of receipt matters.
 */
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
RESET client_min_messages;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\pset null '-'

CREATE SEQUENCE pg_temp.seq;
-- An interval from one time of 1 June 2025 to another, or a stand: one time.
CREATE PROCEDURE pg_temp.says(meter text, obis text, from_t text, to_t text, value bigint, scale int DEFAULT 0, unit text DEFAULT 'Wh', status text DEFAULT 'G')
LANGUAGE sql AS $$
    INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
    VALUES (meter, 1, nextval('pg_temp.seq'), 1, obis, ('2025-06-01 ' || from_t)::timestamptz, ('2025-06-01 ' || coalesce(to_t, from_t))::timestamptz, value, scale, unit, status)
$$;
CREATE FUNCTION pg_temp.slots(meter text, from_t text, to_t text, spread_max interval DEFAULT '1 hour')
RETURNS TABLE (slot text, direction text, energy_wh bigint, quality text, reason text) LANGUAGE sql AS $$
    SELECT to_char(e.from_at, 'HH24:MI'), e.direction, e.energy_wh, e.quality, e.reason
      FROM energyledger.interval_energy(meter, ('2025-06-01 ' || from_t)::timestamptz, ('2025-06-01 ' || to_t)::timestamptz, spread_max) e
$$;

-- Which register is which (IEC 62056-61): only active energy of electricity, and no spelling is guessed.
SELECT o AS obis, energyledger.register_role(o)
  FROM unnest('{1-0:1.8.0,1-0:2.8.0,1-1:1.8.0,1-1:1.29.0,1-0:2.29.0,1-0:1.8.0*255,1-0:1.8.1,1-0:2.8.63,
                1-0:1.8.64,1-0:1.29.1,1-2:1.8.0,1-0:1.8.0*01,1-0:3.8.0,1-0:1.7.0,1-0:1.9.0,1-0:16.8.0,6-0:1.0.0,6-0:1.8.0,7-0:3.0.0,
                1.8.0,1-0:1.8,1-0:1.8.0.0,1-0:01.8.0,1-0:1.8.256,C.1.0,1-0:1.8.0&255}'::text[]) o;

-- ---- intervals
-- 3 of 5 quarters are there: one is missing, one the meter says is bad.
CALL pg_temp.says('energy:a', '1-0:1.8.0', '00:00', '00:15', 125);
CALL pg_temp.says('energy:a', '1-0:1.8.0', '00:15', '00:30', 7, 1);                      -- 70 Wh
CALL pg_temp.says('energy:a', '1-0:1.8.0', '00:45', '01:00', 90, -3, 'kWh', 'S');        -- 0.090 kWh = 90 Wh, the meter's substitute
CALL pg_temp.says('energy:a', '1-0:1.8.0', '01:00', '01:15', 0, 0, 'Wh', 'M');
CALL pg_temp.says('energy:a', '1-0:2.8.0', '00:00', '00:15', 3);
SELECT * FROM pg_temp.slots('energy:a', '00:00', '01:15');
SELECT direction, to_char(from_at, 'HH24:MI') AS from_at, to_char(to_at, 'HH24:MI') AS to_at, slots, quality, reason
  FROM energyledger.missing_intervals('energy:a', '2025-06-01 00:00', '2025-06-01 02:00');

-- A correction: the later message counts, both stay, and what superseded what is said.  The bad quarter is replaced
-- by a good one, a good one by a bad one; of one message's two readings the later item counts.
CALL pg_temp.says('energy:a', '1-0:1.8.0', '00:00', '00:15', 130);
CALL pg_temp.says('energy:a', '1-0:1.8.0', '01:00', '01:15', 44);
CALL pg_temp.says('energy:a', '1-0:1.8.0', '00:15', '00:30', 0, 0, 'Wh', 'E');
CALL pg_temp.says('energy:a', '1-0:1.8.0', '00:00', '00:15', 131);
INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
VALUES ('energy:a', 0, 1000000, 1, '1-0:1.8.0', '2025-06-01 00:00', '2025-06-01 00:15', 1, 0, 'Wh', 'G'),     -- an older epoch
       ('energy:a', 2, 1, 1, '1-0:2.8.0', '2025-06-01 00:00', '2025-06-01 00:15', 4, 0, 'Wh', 'G'),
       ('energy:a', 2, 1, 2, '1-0:2.8.0', '2025-06-01 00:00', '2025-06-01 00:15', 5, 0, 'Wh', 'G');
SELECT * FROM pg_temp.slots('energy:a', '00:00', '01:15');
SELECT obis, to_char(from_at, 'HH24:MI') AS slot, epoch, value, status, by_epoch,
       (SELECT value FROM energyledger.reading b WHERE (b.meter, b.epoch, b.seq, b.item) = (s.meter, s.by_epoch, s.by_seq, s.by_item)) AS by_value
  FROM energyledger.reading_superseded s WHERE meter = 'energy:a' ORDER BY obis, from_at, epoch, seq, item;

-- Ends that are on no quarter: [00:07, 00:22) has 15 minutes and 150 Wh: 8 minutes are 80 Wh, 7 are 70.
-- [00:22, 00:37): 100 Wh: 8/15 are 53.3 -> 53, and 47 for the rest.
CALL pg_temp.says('energy:b', '1-0:1.8.0', '00:07', '00:22', 150);
CALL pg_temp.says('energy:b', '1-0:1.8.0', '00:22', '00:37', 100);
SELECT * FROM pg_temp.slots('energy:b', '00:00', '00:45');
-- three five-minute intervals make a slot: 1 + 2 + 3
CALL pg_temp.says('energy:b', '1-0:1.8.0', '03:00', '03:05', 1);
CALL pg_temp.says('energy:b', '1-0:1.8.0', '03:05', '03:10', 2);
CALL pg_temp.says('energy:b', '1-0:1.8.0', '03:10', '03:15', 3);
-- an hour's interval is spread over its quarters: 10 Wh: shares of 2.5, 5, 7.5, 10 -> 3, 5, 8, 10: 3, 2, 3, 2
CALL pg_temp.says('energy:b', '1-0:1.8.0', '04:00', '05:00', 10);
-- with a quarter of it known, 4 Wh, the rest is 6 Wh in 45 minutes: 2 each
CALL pg_temp.says('energy:b', '1-0:1.8.0', '05:00', '06:00', 10);
CALL pg_temp.says('energy:b', '1-0:1.8.0', '05:15', '05:30', 4);
-- with three of them known, 2 Wh each, the rest is 4 Wh and is known exactly
CALL pg_temp.says('energy:b', '1-0:1.8.0', '06:00', '07:00', 10);
CALL pg_temp.says('energy:b', '1-0:1.8.0', '06:00', '06:15', 2);
CALL pg_temp.says('energy:b', '1-0:1.8.0', '06:15', '06:30', 2);
CALL pg_temp.says('energy:b', '1-0:1.8.0', '06:45', '07:00', 2);
-- two hours are too long to be spread, unless that is asked for: 17 Wh in 8 quarters: 2.125 each, 2, 4, 6, 9 (8.5 up), 11, 13, 15, 17
CALL pg_temp.says('energy:b', '1-0:1.8.0', '08:00', '10:00', 17);
SELECT * FROM pg_temp.slots('energy:b', '03:00', '03:15');
SELECT * FROM pg_temp.slots('energy:b', '04:00', '07:00');
SELECT * FROM pg_temp.slots('energy:b', '08:00', '08:30');
SELECT * FROM pg_temp.slots('energy:b', '08:00', '10:00', '2 hours');
-- but both hours together are measured, whatever lies between
SELECT to_char(from_at, 'HH24:MI') AS from_at, to_char(to_at, 'HH24:MI') AS to_at, energy_wh, quality, reason, known_wh, linear_wh
  FROM energyledger.energy_between('energy:b', '{2025-06-01 08:00,2025-06-01 10:00}');
SELECT to_char(from_at, 'HH24:MI') AS from_at, to_char(to_at, 'HH24:MI') AS to_at, energy_wh, quality, reason,
       to_char(known_from, 'HH24:MI') AS known_from, to_char(known_to, 'HH24:MI') AS known_to, known_wh, linear_wh
  FROM energyledger.energy_between('energy:b', '{2025-06-01 07:45,2025-06-01 08:15,2025-06-01 09:00,2025-06-01 10:00}');

-- Less than 1 Wh a slot: 0.4 Wh eight times are 3.2.  Sums 0.4 0.8 1.2 1.6 2.0 2.4 2.8 3.2, rounded 0 1 1 2 2 2 3 3.
-- Asked for the end alone, the slots are the same.
INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
SELECT 'energy:c', 1, nextval('pg_temp.seq'), 1, '1-0:1.8.0', t, t + interval '15 minutes', 4, -1, 'Wh', 'G'
  FROM generate_series('2025-06-01 00:00', '2025-06-01 01:45', interval '15 minutes') t;
SELECT slot, energy_wh, quality FROM pg_temp.slots('energy:c', '00:00', '02:00');
SELECT slot, energy_wh, quality FROM pg_temp.slots('energy:c', '01:30', '02:00');

-- The sum begins anew with the day: 0.3 Wh each are 0.3 and 0.6 on either side of midnight, 0 and 1.
INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
SELECT 'energy:c', 1, nextval('pg_temp.seq'), 1, '1-0:1.8.0', t, t + interval '15 minutes', 3, -1, 'Wh', 'G'
  FROM generate_series('2025-06-02 23:30', '2025-06-03 00:15', interval '15 minutes') t;
SELECT to_char(from_at, 'HH24:MI') AS slot, energy_wh FROM energyledger.interval_energy('energy:c', '2025-06-02 23:30', '2025-06-03 00:30');

-- ---- stands
-- Ends of quarters: 12.3, 137.9 and 137.9 kWh with one decimal are measured; differences of 125600 and 0 Wh.
-- A stand at 00:37: 60 Wh in 7 minutes, then 120 Wh in 8 + 15 minutes: 8/23 of 120 are 41.7 -> 42.
CALL pg_temp.says('energy:d', '1-0:1.8.0', '00:00', NULL, 123, -1, 'kWh');
CALL pg_temp.says('energy:d', '1-0:1.8.0', '00:15', NULL, 1379, -1, 'kWh');
CALL pg_temp.says('energy:d', '1-0:1.8.0', '00:30', NULL, 1379, -1, 'kWh');
CALL pg_temp.says('energy:d', '1-0:1.8.0', '00:37', NULL, 137960);
CALL pg_temp.says('energy:d', '1-0:1.8.0', '01:00', NULL, 138080);
-- A whole watt-hour is what is rounded, not the difference: 138080.4 and 138080.5 are 138080 and 138081, 138080.6 is 138081.
CALL pg_temp.says('energy:d', '1-0:1.8.0', '01:15', NULL, 1380804, -1);
CALL pg_temp.says('energy:d', '1-0:1.8.0', '01:30', NULL, 1380805, -1);
CALL pg_temp.says('energy:d', '1-0:1.8.0', '01:45', NULL, 1380806, -1);
-- Stands three hours apart, and a gap without end.
CALL pg_temp.says('energy:d', '1-0:1.8.0', '04:45', NULL, 138181);
SELECT * FROM pg_temp.slots('energy:d', '00:00', '02:15');
SELECT direction, to_char(from_at, 'HH24:MI') AS from_at, to_char(to_at, 'HH24:MI') AS to_at, slots, reason
  FROM energyledger.missing_intervals('energy:d', '2025-05-31 23:00', '2025-06-01 06:00');

-- Nothing was used in 3 hours: then nothing was in each slot.
CALL pg_temp.says('energy:d', '1-0:1.8.0', '07:45', NULL, 138181);
SELECT * FROM pg_temp.slots('energy:d', '06:00', '06:30');

-- What happens to registers: below the one before; another meter; round once.  Six digits of kWh start again at
-- 1000000 kWh = 10^9 Wh: from 999999.5 to 0.25 kWh are 750 Wh.
CALL pg_temp.says('energy:e', '1-0:1.8.0', '00:00', NULL, 5000);
CALL pg_temp.says('energy:e', '1-0:1.8.0', '00:15', NULL, 4990);
CALL pg_temp.says('energy:e', '1-0:1.8.0', '00:30', NULL, 5020);
CALL pg_temp.says('energy:e', '1-0:1.8.0', '00:45', NULL, 5050);      -- the old meter's last
CALL pg_temp.says('energy:e', '1-0:1.8.0', '00:45', NULL, 10, 0, 'Wh', 'X');  -- the new one's first, at the same time
CALL pg_temp.says('energy:e', '1-0:1.8.0', '01:00', NULL, 25);
CALL pg_temp.says('energy:e', '1-0:1.8.0', '01:30', NULL, 3, 0, 'Wh', 'X');   -- another one, and nobody read the last
CALL pg_temp.says('energy:e', '1-0:1.8.0', '01:45', NULL, 9);
CALL pg_temp.says('energy:e', '1-0:1.8.0', '02:00', NULL, 7, 0, 'Wh', 'F');   -- not read: as if it were not there
CALL pg_temp.says('energy:e', '1-0:1.8.0', '02:15', NULL, 19);                -- 10 Wh in two quarters
CALL pg_temp.says('energy:e', '1-0:2.8.0', '00:00', NULL, 9999995, -1, 'kWh');
CALL pg_temp.says('energy:e', '1-0:2.8.0', '00:15', NULL, 25, -2, 'kWh');
SELECT * FROM pg_temp.slots('energy:e', '00:00', '02:15') WHERE direction = 'import';
SELECT * FROM pg_temp.slots('energy:e', '00:00', '00:15') WHERE direction = 'export';
SELECT energyledger.declare_rollover('energy:e', '1-0:2.8.0', 1000000000) > 0 AS declared;
SELECT * FROM pg_temp.slots('energy:e', '00:00', '00:15') WHERE direction = 'export';
SELECT obis, to_char(at, 'HH24:MI') AS at, stand_wh, status, to_char(previous_at, 'HH24:MI') AS previous_at, previous_wh, step
  FROM energyledger.register_step WHERE meter = 'energy:e' ORDER BY obis, at, status = 'X';
-- half of the range and more is no rolling over
SELECT energyledger.declare_rollover('energy:e', '1-0:1.8.0', 5000) > 0 AS declared;
SELECT * FROM pg_temp.slots('energy:e', '00:00', '00:15') WHERE direction = 'import';
\set VERBOSITY terse
SELECT energyledger.declare_rollover('energy:e', '6-0:1.0.0', 5000);
SELECT energyledger.declare_rollover('energy:e', '1-0:1.8.0', NULL);
SELECT energyledger.declare_rollover('energy:e', '1-0:1.8.0', 0);
\set VERBOSITY default

-- ---- several registers
-- The total counts, the tariffs do not count again; where only tariffs are there, their sum does.  Tariff 2 begins at
-- 01:00: before that it is nothing.  Heat, reactive energy and a register without medium stay out.
CALL pg_temp.says('energy:f', '1-0:1.8.0', '00:00', NULL, 1000);
CALL pg_temp.says('energy:f', '1-0:1.8.1', '00:00', NULL, 600);
CALL pg_temp.says('energy:f', '1-0:1.8.0', '00:15', NULL, 1030);
CALL pg_temp.says('energy:f', '1-0:1.8.1', '00:15', NULL, 630);
CALL pg_temp.says('energy:f', '1-0:1.8.1', '00:30', NULL, 640);
CALL pg_temp.says('energy:f', '1-0:1.8.1', '01:00', NULL, 650);
CALL pg_temp.says('energy:f', '1-0:1.8.2', '01:00', NULL, 50);
CALL pg_temp.says('energy:f', '1-0:1.8.1', '01:15', NULL, 655);
CALL pg_temp.says('energy:f', '1-0:1.8.2', '01:15', NULL, 57);
CALL pg_temp.says('energy:f', '1-0:1.8.1', '01:30', NULL, 660);
CALL pg_temp.says('energy:f', '6-0:1.0.0', '00:00', '00:15', 99);
CALL pg_temp.says('energy:f', '1-0:3.8.0', '00:00', '00:15', 99, 0, 'varh');
CALL pg_temp.says('energy:f', '1.8.0', '00:00', '00:15', 99);
SELECT * FROM pg_temp.slots('energy:f', '00:00', '01:30');
SELECT * FROM energyledger.meter_registers('energy:f');
-- The load profile (1.29.0) and the stands (1.8.0) are the same energy: 20 Wh of 50 are told by the profile, the rest is 30.
CALL pg_temp.says('energy:g', '1-1:1.8.0', '00:00', NULL, 100);
CALL pg_temp.says('energy:g', '1-1:1.29.0', '00:00', '00:15', 20);
CALL pg_temp.says('energy:g', '1-1:1.8.0', '00:30', NULL, 150);
-- no energy, less than none, more than any meter
CALL pg_temp.says('energy:g', '1-1:1.29.0', '00:30', '00:45', 20, 0, 'W');
CALL pg_temp.says('energy:g', '1-1:1.29.0', '00:45', '01:00', -20);
CALL pg_temp.says('energy:g', '1-1:1.29.0', '01:00', '01:15', 5, 9, 'GWh');
CALL pg_temp.says('energy:g', '1-1:1.29.0', '01:15', '01:30', 4398046511104);
CALL pg_temp.says('energy:g', '1-1:1.29.0', '01:30', '01:45', 4398046511105);
SELECT * FROM pg_temp.slots('energy:g', '00:00', '01:45');

-- ---- contradictions
-- An hour of 10 Wh whose first half is 11; an hour of 10 whose quarters are 2 each; stands of whole kWh may be one off
-- (1 kWh for 1.2 of quarters), but not two.
CALL pg_temp.says('energy:h', '1-0:1.8.0', '00:00', '01:00', 10);
CALL pg_temp.says('energy:h', '1-0:1.8.0', '00:00', '00:15', 5);
CALL pg_temp.says('energy:h', '1-0:1.8.0', '00:15', '00:30', 6);
CALL pg_temp.says('energy:h', '1-0:1.8.0', '01:00', '02:00', 10);
INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
SELECT 'energy:h', 1, nextval('pg_temp.seq'), 1, '1-0:1.8.0', t, t + interval '15 minutes', 2, 0, 'Wh', 'G'
  FROM generate_series('2025-06-01 01:00', '2025-06-01 01:45', interval '15 minutes') t;
CALL pg_temp.says('energy:h', '1-0:1.8.0', '02:00', NULL, 7, 0, 'kWh');
CALL pg_temp.says('energy:h', '1-0:1.8.0', '02:30', NULL, 8, 0, 'kWh');
CALL pg_temp.says('energy:h', '1-0:1.8.0', '03:00', NULL, 9, 0, 'kWh');
CALL pg_temp.says('energy:h', '1-0:1.8.0', '02:00', '02:15', 600);
CALL pg_temp.says('energy:h', '1-0:1.8.0', '02:15', '02:30', 600);
CALL pg_temp.says('energy:h', '1-0:1.8.0', '02:30', '02:45', 2001);
SELECT * FROM pg_temp.slots('energy:h', '00:00', '03:00');
SELECT direction, to_char(from_at, 'HH24:MI') AS from_at, to_char(to_at, 'HH24:MI') AS to_at, stands, total_wh, parts_wh
  FROM energyledger.reading_conflicts('energy:h', '2025-06-01 00:00', '2025-06-02 00:00') ORDER BY from_at;
SELECT count(*) FROM energyledger.reading_conflicts('energy:b', '2025-06-01 00:00', '2025-06-02 00:00');
-- Two that cross, of the same length: the later counts whole.  [00:00, 00:15) of 90 Wh, then [00:05, 00:20) of 60, of which
-- 10 minutes are 40: 50 are left for the first five minutes, 90 for the slot.
CALL pg_temp.says('energy:i', '1-0:1.8.0', '00:00', '00:15', 90);
CALL pg_temp.says('energy:i', '1-0:1.8.0', '00:05', '00:20', 60);
SELECT * FROM pg_temp.slots('energy:i', '00:00', '00:15');
-- Corrected to 30, it is the later of the two: all 30 are the slot's.  Its 10 minutes, 20 Wh, leave 40 for [00:15, 00:20).
CALL pg_temp.says('energy:i', '1-0:1.8.0', '00:00', '00:15', 30);
SELECT * FROM energyledger.energy_between('energy:i', '{2025-06-01 00:00,2025-06-01 00:15,2025-06-01 00:20}');
-- The other one corrected to 63: its 10 minutes are 42 of the 30.
CALL pg_temp.says('energy:i', '1-0:1.8.0', '00:05', '00:20', 63);
SELECT * FROM pg_temp.slots('energy:i', '00:00', '00:15');

-- ---- what was known when
INSERT INTO energyledger.message (meter, epoch, seq, type, envelope, digest, sent_at, clock_status, received_at, chained, raw)
SELECT 'energy:k', 1, n, 'reading', 'jws', '\x', '2025-06-01', 'S', '2025-06-02 00:00'::timestamptz + n * interval '1 day', true, '\x' FROM generate_series(1, 4) n;
INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
VALUES ('energy:k', 1, 1, 1, '1-0:1.8.0', '2025-06-01 00:00', '2025-06-01 00:15', 10, 0, 'Wh', 'S'),
       ('energy:k', 1, 2, 1, '1-0:1.8.0', '2025-06-01 00:00', '2025-06-01 00:15', 12, 0, 'Wh', 'G'),
       ('energy:k', 1, 3, 1, '1-0:1.8.0', '2025-06-01 00:00', '2025-06-01 00:00', 100, 0, 'Wh', 'G'),
       ('energy:k', 1, 4, 1, '1-0:1.8.0', '2025-06-01 00:30', '2025-06-01 00:30', 130, 0, 'Wh', 'G');
SELECT k::date AS known_at, array_agg(coalesce(energy_wh::text, quality) ORDER BY from_at) AS slots, min(quality) AS quality
  FROM generate_series('2025-06-02', '2025-06-06', interval '1 day') k,
       energyledger.interval_energy('energy:k', '2025-06-01 00:00', '2025-06-01 00:30', known_at => k)
 GROUP BY k ORDER BY k;

-- ---- days of 23, 24 and 25 hours: 1 Wh a quarter, one missing on 1 November
INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
SELECT 'energy:l', 1, nextval('pg_temp.seq'), 1, '1-0:1.8.0', t, t + interval '15 minutes', 1, 0, 'Wh', 'G'
  FROM (VALUES ('2025-03-29 12:00Z'::timestamptz), ('2025-10-25 12:00Z'), ('2025-10-31 20:00Z')) d(at), generate_series(d.at, d.at + interval '2 days', interval '15 minutes') t
 WHERE t <> '2025-11-01 11:00Z';
SELECT d.day, to_at - from_at AS length, energy_wh, quality, reason
  FROM (VALUES ('2025-03-30'::date), ('2025-10-26'), ('2025-11-01')) v(day), energyledger.daily_energy('energy:l', v.day, v.day + 1, 'Europe/Berlin') d;
SELECT day, from_at, to_at, energy_wh FROM energyledger.daily_energy('energy:l', '2025-03-30', '2025-04-01', 'Asia/Kathmandu');
SELECT * FROM energyledger.daily_energy('energy:l', '2025-03-30', '2025-03-30');

-- ---- the views
SELECT energyledger.register_meter('energy:g', decode(repeat('07', 32), 'hex')) > 0 AS registered;
SELECT to_char(from_at, 'HH24:MI') AS from_at, to_char(to_at, 'HH24:MI') AS to_at, direction, energy_wh, quality
  FROM energyledger.interval_energy WHERE meter = 'energy:g' AND energy_wh IS NOT NULL;
SELECT * FROM energyledger.meter_register WHERE meter = 'energy:g';

-- ---- a meter that nobody knows, one without energy, and arguments
SELECT * FROM energyledger.interval_energy('energy:nobody', '2025-06-01 00:00', '2025-06-01 01:00');
SELECT * FROM energyledger.missing_intervals('energy:nobody', '2025-06-01 00:00', '2025-06-01 01:00');
SELECT * FROM energyledger.interval_energy(NULL, '2025-06-01 00:00', '2025-06-01 01:00');
SELECT * FROM energyledger.interval_energy('energy:a', NULL, '2025-06-01 01:00');
SELECT * FROM energyledger.interval_energy('energy:a', '2025-06-01 00:00', NULL);
SELECT * FROM energyledger.interval_energy('energy:a', '2025-06-01 00:00', '2025-06-01 00:00');
SELECT * FROM energyledger.interval_energy('energy:a', '2025-06-01 00:01', '2025-06-01 01:00');
SELECT * FROM energyledger.interval_energy('energy:a', '-infinity', '2025-06-01 01:00');
SELECT * FROM energyledger.interval_energy('energy:a', '1925-06-01 00:00', '2025-06-01 00:00');
SELECT * FROM energyledger.interval_energy('energy:a', '2025-06-01 00:00', '2025-06-01 01:00', '1 month');
SELECT * FROM energyledger.interval_energy('energy:a', '2025-06-01 00:00', '2025-06-01 01:00', '-1 hour');
SELECT * FROM energyledger.interval_energy('energy:a', '2025-06-01 00:00', '2025-06-01 01:00', NULL);
SELECT * FROM energyledger.energy_between('energy:a', NULL);
SELECT * FROM energyledger.energy_between('energy:a', '{}');
SELECT * FROM energyledger.energy_between('energy:a', '{2025-06-01}');
SELECT * FROM energyledger.energy_between('energy:a', '{2025-06-01,NULL}');
SELECT * FROM energyledger.energy_between('energy:a', '{2025-06-02,2025-06-01}');
SELECT * FROM energyledger.energy_between('energy:a', '{{2025-06-01},{2025-06-02}}');
SELECT * FROM energyledger.energy_between('energy:a', '{2025-06-01,infinity}');
SELECT * FROM energyledger.energy_between('energy:a', '{1925-06-01,2025-06-01}');
SELECT * FROM energyledger.reading_conflicts('energy:a', '2025-06-01', '2025-06-01');
SELECT * FROM energyledger.reading_conflicts('energy:a', NULL, '2025-06-01');
\set VERBOSITY terse
SELECT * FROM energyledger.daily_energy('energy:a', '2025-06-01', '2025-06-02', 'Nowhere');
