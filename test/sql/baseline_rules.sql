-- baseline_rules.sql: each rule for baselines with values worked out by hand, days that are
-- no measure, clocks that change, and bad input.

SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
RESET client_min_messages;
SET TIME ZONE 'UTC';
\set SHOW_CONTEXT never

CREATE SEQUENCE pg_temp.seq;
-- wh in each quarter of [since, until)
CREATE PROCEDURE pg_temp.takes(meter text, since timestamptz, until timestamptz, wh bigint, obis text DEFAULT '1-0:1.8.0', status text DEFAULT 'G', seq bigint DEFAULT NULL)
LANGUAGE sql AS $$
    INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
    SELECT $1, 1, coalesce($7, nextval('pg_temp.seq')), 1, $5, t, t + interval '15 minutes', $4, 0, 'Wh', $6 FROM generate_series($2, $3 - interval '15 minutes', interval '15 minutes') t
$$;
CREATE FUNCTION pg_temp.shown(meter text, method text, x integer DEFAULT NULL, y integer DEFAULT NULL, adjustment text DEFAULT NULL, cap_ppm integer DEFAULT NULL,
    since timestamptz DEFAULT '2025-06-17 17:00', until timestamptz DEFAULT '2025-06-17 18:00', time_zone text DEFAULT 'UTC')
RETURNS TABLE (baseline_wh text, unadjusted_wh text, days text, reason text) LANGUAGE sql AS $$
    SELECT string_agg(coalesce(b.baseline_wh::text, 'NULL'), ' ' ORDER BY b.from_at), string_agg(coalesce(b.unadjusted_wh::text, 'NULL'), ' ' ORDER BY b.from_at),
           (SELECT string_agg(to_char(d, 'MM-DD'), ' ' ORDER BY d) FROM unnest(min(b.days)) d), min(b.reason)
      FROM energyledger.baseline($1, $2, $7, $8, time_zone => $9, x => $3, y => $4, adjustment => $5, cap_ppm => $6) b
$$;

-- The event is on Tuesday 17 June 2025, 17:00 to 18:00.  In its quarters the ten weekdays before have a level and 0, 1, 2, 3 more;
-- in the two hours before it, the level.  The eleventh day has 1000, the weekend 5000.
CREATE TEMP TABLE level (day date, wh bigint);
INSERT INTO level VALUES ('2025-06-16', 101), ('2025-06-13', 110), ('2025-06-12', 90), ('2025-06-11', 130), ('2025-06-10', 120), ('2025-06-09', 80), ('2025-06-06', 150),
    ('2025-06-05', 70), ('2025-06-04', 140), ('2025-06-03', 60), ('2025-06-02', 1000), ('2025-06-14', 5000), ('2025-06-15', 5000);
-- a, b, c differ on the event's day, in the two hours before it: 110, 200, 50; in d that is not known
DO $$
DECLARE l record; m text;
BEGIN
    FOREACH m IN ARRAY '{base:a,base:b,base:c,base:d}'::text[] LOOP
        FOR l IN SELECT * FROM level LOOP
            CALL pg_temp.takes(m, l.day + time '15:00', l.day + time '17:00', l.wh);
            FOR k IN 0..3 LOOP
                CALL pg_temp.takes(m, l.day + time '17:00' + k * interval '15 minutes', l.day + time '17:15' + k * interval '15 minutes', l.wh + k);
            END LOOP;
        END LOOP;
    END LOOP;
END $$;
CALL pg_temp.takes('base:a', '2025-06-17 15:00', '2025-06-17 17:00', 110);
CALL pg_temp.takes('base:b', '2025-06-17 15:00', '2025-06-17 17:00', 200);
CALL pg_temp.takes('base:c', '2025-06-17 15:00', '2025-06-17 17:00', 50);
CALL pg_temp.takes('base:d', '2025-06-17 15:00', '2025-06-17 16:45', 50);

-- high 3 of 5: of 101 110 90 130 120 the three highest, 360 / 3 = 120; 2 of 3: (110 + 101) / 2 = 105.5, halves up
SELECT * FROM pg_temp.shown('base:a', 'high_x_of_y', 3, 5);
SELECT * FROM pg_temp.shown('base:a', 'high_x_of_y', 2, 3);
-- 11 of 11 has the eleventh: 1051 + 1000 = 2051 / 11 = 186.45
SELECT * FROM pg_temp.shown('base:a', 'high_x_of_y', 11, 11);
-- one slot alone
SELECT * FROM energyledger.baseline('base:a', 'high_x_of_y', '2025-06-17 17:15', x => 3, y => 5);

-- middle 8 of 10: without 150 and 60, 841 / 8 = 105.125; 2 of 4: of 101 110 90 130 without 130 and 90
SELECT * FROM pg_temp.shown('base:a', 'middle_x_of_y');
SELECT * FROM pg_temp.shown('base:a', 'middle_x_of_y', 2, 4);

-- 10 of 10: 1051 / 10 = 105.1; before the event 8 * 105.1 = 840.8.
-- a: 880 / 840.8 = 1.04662: 110 111.05 112.09 113.14; b: 1600 / 840.8 is more than 1.2: 126.12 127.32 128.52 129.72; c: 0.8: 84.08 84.88 85.68 86.48
SELECT m, s.* FROM unnest('{base:a,base:b,base:c}'::text[]) m, pg_temp.shown(m, 'caiso_10_of_10') s;
-- without a cap of its own: 105.1 * 1600 / 840.8 = 200
SELECT * FROM pg_temp.shown('base:b', 'high_x_of_y', 10, 10, 'multiplicative');
SELECT * FROM pg_temp.shown('base:b', 'high_x_of_y', 10, 10, 'multiplicative', 0);
SELECT * FROM pg_temp.shown('base:b', 'caiso_10_of_10', adjustment => 'none');

-- middle 8 of 10, adjusted: 841 / 8 * 1600 / 841 = 200; 849 / 8 = 106.125 -> 201.90, 203.80, 205.71
SELECT * FROM pg_temp.shown('base:b', 'ercot_mid_8_of_10');

-- additive: 3 of 5 has 120 before the event; 110 and 50 are not more, 200 is 80 more
SELECT m, s.* FROM unnest('{base:a,base:b,base:c}'::text[]) m, pg_temp.shown(m, 'high_x_of_y', 3, 5, 'additive') s;
-- 500 kW, 600 kW before the event: 100 kW more; 400 kW: nothing.  A quarter of 500 kW is 125000 Wh.
CALL pg_temp.takes('base:e', '2025-06-16 15:00', '2025-06-16 18:00', 125000);
CALL pg_temp.takes('base:e', '2025-06-17 15:00', '2025-06-17 17:00', 150000);
CALL pg_temp.takes('base:f', '2025-06-16 15:00', '2025-06-16 18:00', 125000);
CALL pg_temp.takes('base:f', '2025-06-17 15:00', '2025-06-17 17:00', 100000);
SELECT m, b.from_at, b.baseline_wh * 4 / 1000 AS kw FROM unnest('{base:e,base:f}'::text[]) m, energyledger.baseline(m, 'high_x_of_y', '2025-06-17 17:00', x => 1, y => 1, adjustment => 'additive') b;
-- the window: one hour that ends an hour before the event; the quarter before alone is all the same here
SELECT baseline_wh FROM energyledger.baseline('base:e', 'high_x_of_y', '2025-06-17 17:00', x => 1, y => 1, adjustment => 'additive', adjust_length => '1 hour', adjust_gap => '1 hour');
SELECT baseline_wh FROM energyledger.baseline('base:e', 'high_x_of_y', '2025-06-17 17:00', x => 1, y => 1, adjustment => 'additive', adjust_length => '15 minutes');
-- of b with three quarters at 200 and one, at 16:30, at 240: (3 * 200 + 240) / 4 = 210, 90 more than 120
CALL pg_temp.takes('base:b', '2025-06-17 16:30', '2025-06-17 16:45', 240);
SELECT baseline_wh FROM energyledger.baseline('base:b', 'high_x_of_y', '2025-06-17 17:00', x => 3, y => 5, adjustment => 'additive', adjust_length => '1 hour');
-- a quarter before the event is not known
SELECT * FROM pg_temp.shown('base:d', 'caiso_10_of_10');
-- nothing was taken before the event on the days: no ratio, no adjustment
CALL pg_temp.takes('base:z', '2025-06-16 15:00', '2025-06-16 17:00', 0);
CALL pg_temp.takes('base:z', '2025-06-16 17:00', '2025-06-16 18:00', 7);
CALL pg_temp.takes('base:z', '2025-06-17 15:00', '2025-06-17 17:00', 9);
SELECT * FROM pg_temp.shown('base:z', 'high_x_of_y', 1, 1, 'multiplicative');

-- 3 + 2 hours of the same day: event 12 to 17; 8 to 11 has 10 20 30, 18 to 20 has 40 51: 604 / 20 = 30.2.  The hours beside the event do not count.
DO $$ DECLARE h record; BEGIN
    FOR h IN SELECT * FROM unnest('{7,8,9,10,11,12,13,14,15,16,17,18,19,20}'::int[], '{999,10,20,30,999,1,1,1,1,1,999,40,51,999}'::bigint[]) u(hour, wh) LOOP
        CALL pg_temp.takes('base:g', '2025-06-17'::timestamptz + h.hour * interval '1 hour', '2025-06-17'::timestamptz + (h.hour + 1) * interval '1 hour', h.wh);
    END LOOP;
END $$;
SELECT from_at, baseline_wh, unadjusted_wh, days, reason FROM energyledger.baseline('base:g', 'pjm_3_plus_2', '2025-06-17 12:00', '2025-06-17 17:00') WHERE from_at IN ('2025-06-17 12:00', '2025-06-17 16:45');
SELECT DISTINCT baseline_wh, reason FROM energyledger.baseline('base:g', 'pjm_3_plus_2', '2025-06-17 13:00', '2025-06-17 19:00');

-- the days most like this one, outside of 16 to 19: 50 then; 47 54 50 48 60 on the days before: squares 9 16 0 4 100.
-- The nearest three have 101 90 130 in the event's time, 321 / 3 = 107; of the latest three 101 110 90, 100.33
INSERT INTO level VALUES ('2025-06-17', 0);
DO $$ DECLARE l record; BEGIN
    FOR l IN SELECT level.*, u.outside FROM level JOIN unnest('{2025-06-17,2025-06-16,2025-06-13,2025-06-12,2025-06-11,2025-06-10}'::date[], '{50,47,54,50,48,60}'::bigint[]) u(day, outside) USING (day) LOOP
        CALL pg_temp.takes('base:h', l.day + time '00:00', l.day + time '16:00', l.outside);
        CALL pg_temp.takes('base:h', l.day + time '16:00', l.day + time '19:00', l.wh);
        CALL pg_temp.takes('base:h', l.day + time '19:00', l.day + interval '24 hours', l.outside);
    END LOOP;
END $$;
SELECT * FROM pg_temp.shown('base:h', 'pjm_match_day');
SELECT * FROM pg_temp.shown('base:h', 'pjm_match_day', 3, 3);
SELECT * FROM pg_temp.shown('base:h', 'pjm_match_day', 3, 6);
-- the rest of the day is not known yet
CALL pg_temp.takes('base:h', '2025-06-17 23:45', '2025-06-18 00:00', 0, status => 'N');
SELECT * FROM pg_temp.shown('base:h', 'pjm_match_day');

-- ---- days that are no measure
-- a slot of Friday 13 is not known: 101 90 130 120 80, and the highest three are 130 120 101: 117
CALL pg_temp.takes('base:c', '2025-06-13 17:45', '2025-06-13 18:00', 0, status => 'N');
SELECT * FROM pg_temp.shown('base:c', 'high_x_of_y', 3, 5);
-- an event of a on the 11th: 101 110 90 120 80 -> 331 / 3; a holiday on the 16th: 110 90 120 80 150 -> 380 / 3; others' events do not matter
SELECT energyledger.exclude_from_baseline('base:a', '2025-06-11 23:00', '2025-06-12', 'event') > 0 AS excluded;
SELECT energyledger.exclude_from_baseline('base:x', '2025-06-10', '2025-06-11', 'event') > 0 AS excluded;
SELECT * FROM pg_temp.shown('base:a', 'high_x_of_y', 3, 5);
SELECT energyledger.exclude_from_baseline(NULL, '2025-06-16', '2025-06-17', 'holiday') > 0 AS excluded;
SELECT * FROM pg_temp.shown('base:a', 'high_x_of_y', 3, 5);
SELECT energyledger.exclude_from_baseline(NULL, '2025-06-16', '2025-06-17', 'it was none', true) > 0 AS withdrawn;
SELECT * FROM pg_temp.shown('base:a', 'high_x_of_y', 3, 5);
-- as it was known then: without what was said later
INSERT INTO energyledger.message (meter, epoch, seq, type, envelope, digest, sent_at, clock_status, received_at, chained, raw)
SELECT 'base:a', 1, seq, 'reading', 'jws', '\x', '2025-06-17', 'S', '2025-06-17', true, '\x' FROM energyledger.reading WHERE meter = 'base:a';
SELECT string_agg(baseline_wh::text, ' ') FROM energyledger.baseline('base:a', 'high_x_of_y', '2025-06-17 17:00', '2025-06-17 18:00', x => 3, y => 5, known_at => '2025-06-18');
-- a weekend has two days before it here; too few
SELECT * FROM pg_temp.shown('base:a', 'high_x_of_y', 2, 2, since => '2025-06-21 17:00', until => '2025-06-21 17:30');
SELECT * FROM pg_temp.shown('base:a', 'high_x_of_y', 3, 3, since => '2025-06-21 17:00', until => '2025-06-21 17:30');
SELECT reason FROM energyledger.baseline('base:a', 'high_x_of_y', '2025-06-17 17:00', x => 3, y => 5, look_back_days => 4);
SELECT reason FROM energyledger.baseline('base:a', 'middle_x_of_y', '2025-06-17 17:00', direction => 'export');
SELECT reason FROM energyledger.baseline('base:nobody', 'caiso_10_of_10', '2025-06-17 17:00');

-- ---- clocks that change: 100 and the hour in UTC, so that the hour shows
DO $$ DECLARE h timestamptz; BEGIN
    FOR h IN SELECT t FROM (VALUES ('2025-03-28 12:00'::timestamptz, '2025-03-31'::timestamptz), ('2025-10-24 12:00', '2025-10-27')) d(a, b), generate_series(d.a, d.b, interval '1 hour') t LOOP
        CALL pg_temp.takes('base:l', h, h + interval '1 hour', 100 + extract(hour FROM h)::int);
    END LOOP;
END $$;
-- Saturday 5 April in Berlin: at 3 Sunday before counts, 3:00 there is 1:00 UTC; at 2 Sunday has no such hour, and Saturday's is 1:00 UTC
SELECT * FROM pg_temp.shown('base:l', 'high_x_of_y', 1, 1, since => '2025-04-05 03:00 Europe/Berlin', until => '2025-04-05 03:15 Europe/Berlin', time_zone => 'Europe/Berlin');
SELECT * FROM pg_temp.shown('base:l', 'high_x_of_y', 1, 1, since => '2025-04-05 02:00 Europe/Berlin', until => '2025-04-05 02:15 Europe/Berlin', time_zone => 'Europe/Berlin');
-- Saturday 1 November: Sunday 26 October has 2 to 3 twice and does not count, Saturday's is 0:00 UTC; 1 and 3 it has once: 23:00 and 2:00 UTC
SELECT * FROM pg_temp.shown('base:l', 'high_x_of_y', 1, 1, since => '2025-11-01 01:00 Europe/Berlin', until => '2025-11-01 01:15 Europe/Berlin', time_zone => 'Europe/Berlin');
SELECT * FROM pg_temp.shown('base:l', 'high_x_of_y', 1, 1, since => '2025-11-01 02:00 Europe/Berlin', until => '2025-11-01 02:15 Europe/Berlin', time_zone => 'Europe/Berlin');
SELECT * FROM pg_temp.shown('base:l', 'high_x_of_y', 1, 1, since => '2025-11-01 03:00 Europe/Berlin', until => '2025-11-01 03:15 Europe/Berlin', time_zone => 'Europe/Berlin');
-- the event itself in both of the two hours: each has Saturday's from 2 to 3
SELECT * FROM pg_temp.shown('base:l', 'high_x_of_y', 1, 1, since => '2025-10-26 00:00Z', until => '2025-10-26 02:00Z', time_zone => 'Europe/Berlin');

-- ---- bad input
SELECT energyledger.baseline(NULL, 'caiso_10_of_10', '2025-06-17 17:00');
SELECT energyledger.baseline('base:a', NULL, '2025-06-17 17:00');
SELECT energyledger.baseline('base:a', 'caiso_10_of_10', NULL);
SELECT energyledger.baseline('base:a', 'guess', '2025-06-17 17:00');
SELECT energyledger.baseline('base:a', 'caiso_10_of_10', '2025-06-17 17:01');
SELECT energyledger.baseline('base:a', 'caiso_10_of_10', 'infinity');
SELECT energyledger.baseline('base:a', 'caiso_10_of_10', '2025-06-17 17:00', '2025-06-17 17:00');
SELECT energyledger.baseline('base:a', 'caiso_10_of_10', '2025-06-17 17:00', '2025-06-18 00:15');
SELECT energyledger.baseline('base:a', 'caiso_10_of_10', '2025-06-17 17:00', time_zone => 'Nowhere');
SELECT energyledger.baseline('base:a', 'caiso_10_of_10', '2025-06-17 17:00', time_zone => NULL);
SELECT energyledger.baseline('base:a', 'high_x_of_y', '2025-06-17 17:00');
SELECT energyledger.baseline('base:a', 'high_x_of_y', '2025-06-17 17:00', x => 0, y => 5);
SELECT energyledger.baseline('base:a', 'high_x_of_y', '2025-06-17 17:00', x => 6, y => 5);
SELECT energyledger.baseline('base:a', 'high_x_of_y', '2025-06-17 17:00', x => 5, y => 367);
SELECT energyledger.baseline('base:a', 'middle_x_of_y', '2025-06-17 17:00', x => 7);
SELECT energyledger.baseline('base:a', 'pjm_3_plus_2', '2025-06-17 17:00', x => 7);
SELECT energyledger.baseline('base:a', 'pjm_3_plus_2', '2025-06-17 17:00', adjustment => 'additive');
SELECT energyledger.baseline('base:a', 'caiso_10_of_10', '2025-06-17 17:00', adjustment => 'better');
SELECT energyledger.baseline('base:a', 'caiso_10_of_10', '2025-06-17 17:00', cap_ppm => 1000001);
SELECT energyledger.baseline('base:a', 'caiso_10_of_10', '2025-06-17 17:00', cap_ppm => -1);
SELECT energyledger.baseline('base:a', 'middle_x_of_y', '2025-06-17 17:00', cap_ppm => 1, adjustment => 'additive');
SELECT energyledger.baseline('base:a', 'caiso_10_of_10', '2025-06-17 17:00', adjust_length => '1 minute');
SELECT energyledger.baseline('base:a', 'caiso_10_of_10', '2025-06-17 17:00', adjust_length => '25 hours');
SELECT energyledger.baseline('base:a', 'caiso_10_of_10', '2025-06-17 17:00', adjust_length => NULL);
SELECT energyledger.baseline('base:a', 'caiso_10_of_10', '2025-06-17 17:00', adjust_gap => '-15 minutes');
SELECT energyledger.baseline('base:a', 'caiso_10_of_10', '2025-06-17 17:00', direction => 'both');
SELECT energyledger.baseline('base:a', 'caiso_10_of_10', '2025-06-17 17:00', look_back_days => 0);
SELECT energyledger.baseline('base:a', 'caiso_10_of_10', '2025-06-17 17:00', look_back_days => 367);
SELECT energyledger.exclude_from_baseline('base a', '2025-06-16', '2025-06-17', 'x');
SELECT energyledger.exclude_from_baseline('base:a', NULL, '2025-06-17', 'x');
SELECT energyledger.exclude_from_baseline('base:a', '2025-06-17', '2025-06-17', 'x');
SELECT energyledger.exclude_from_baseline('base:a', '2025-06-17', 'infinity', 'x');
SELECT energyledger.exclude_from_baseline('base:a', '2025-06-16', '2025-06-17', '');
SELECT energyledger.exclude_from_baseline('base:a', '2025-06-16', '2025-06-17', repeat('x', 1001));
SELECT energyledger.exclude_from_baseline('base:a', '2025-06-16', '2025-06-17', 'x', NULL);
