-- energy.sql: what must hold whatever the readings: the slots between two stands add up to their
-- difference; a slot is the same whatever else is asked; longer slots are sums of shorter ones;
-- corrections leave what the last word says; estimates keep totals; readings are found by indexes.
--
-- The readings are random, from a seed that is printed and that energy.seed sets.

\set QUIET 1
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
SET timezone = 'UTC';

BEGIN;
SELECT plan(17);
SELECT diag('seed ' || coalesce(current_setting('energy.seed', true), '1'));
SELECT setseed(coalesce(current_setting('energy.seed', true), '1')::float / 1000) \g /dev/null

CREATE FUNCTION pg_temp.pick(n int) RETURNS int LANGUAGE sql VOLATILE AS $$ SELECT floor(random() * n)::int $$;
CREATE FUNCTION pg_temp.wh(value bigint, scale int, unit text) RETURNS bigint LANGUAGE sql IMMUTABLE AS
    $$ SELECT floor(value * 10::numeric ^ scale * CASE unit WHEN 'kWh' THEN 1000 ELSE 1 END + 0.5)::bigint $$;
CREATE FUNCTION pg_temp.slot_of(at timestamptz) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS
    $$ SELECT date_bin('15 minutes', at, 'epoch') $$;
-- Two moments and all ends of quarters between them.
CREATE FUNCTION pg_temp.cuts(since timestamptz, until timestamptz) RETURNS timestamptz[] LANGUAGE sql STABLE AS $$
    SELECT since || array_agg(t ORDER BY t) FILTER (WHERE t < until) || until
      FROM generate_series(pg_temp.slot_of(since) + interval '15 minutes', until, '15 minutes') t $$;
-- What is known of each slot, spread or not.
CREATE FUNCTION pg_temp.known(meter text, since timestamptz, until timestamptz) RETURNS TABLE (from_at timestamptz, energy_wh bigint, quality text, known_wh bigint)
LANGUAGE sql STABLE AS $$
    SELECT e.from_at, e.energy_wh, e.quality, coalesce(e.energy_wh, e.linear_wh)
      FROM energyledger.energy_between(meter, pg_temp.cuts(since, until), estimates => false) e $$;

-- ---- stands: any scale and unit, any second, over days on which clocks change
CREATE TEMP TABLE stand_meter AS
    SELECT 'prop:s:' || n AS meter, (ARRAY[-3, -2, -1, 0, 0, 1])[1 + pg_temp.pick(6)] AS scale, (ARRAY['Wh', 'kWh', 'Wh'])[1 + pg_temp.pick(3)] AS unit,
           (ARRAY['2025-03-29 20:00', '2025-10-25 20:00', '2025-06-01 00:00', '2024-02-28 23:00'])[1 + pg_temp.pick(4)]::timestamptz AS since,
           pg_temp.pick(1000000)::bigint AS first_value
      FROM generate_series(1, 60) n;
CREATE TEMP TABLE stand AS
    SELECT meter, scale, unit, k, at, value, pg_temp.wh(value, scale, unit) AS wh
      FROM (SELECT c.*, since + sum(step) OVER w AS at, (first_value + sum(used) OVER w)::bigint AS value
              FROM (SELECT m.*, k, make_interval(secs => CASE WHEN pg_temp.pick(3) = 0 THEN 900 ELSE 1 + pg_temp.pick(9000) END) AS step,
                           CASE WHEN pg_temp.pick(4) = 0 THEN 0 ELSE pg_temp.pick(5000) END AS used
                      FROM stand_meter m, generate_series(1, 30) k) c
            WINDOW w AS (PARTITION BY meter ORDER BY k)) s;
INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
SELECT meter, 1, k, 1, '1-0:1.8.0', at, at, value, scale, unit, 'G' FROM stand ORDER BY meter, k;

CREATE TEMP TABLE between_stands AS
    SELECT a.meter, a.at AS since, b.at AS until, b.wh - a.wh AS stands_wh
      FROM stand a JOIN stand b ON b.meter = a.meter AND b.k - a.k IN (1, 2, 7, 29);
SELECT cmp_ok((SELECT count(*) FROM between_stands), '>', 4000::bigint, 'there are pairs of stands to look at');
CREATE TEMP TABLE between_sum AS
    SELECT p.*, k.slots, k.wh, k.least_wh FROM between_stands p
     CROSS JOIN LATERAL (SELECT count(*) AS slots, sum(known_wh) AS wh, min(known_wh) AS least_wh FROM pg_temp.known(p.meter, p.since, p.until)) k;
SELECT is_empty($$ SELECT * FROM between_sum WHERE wh IS DISTINCT FROM stands_wh $$, 'the slots between two stands add up to their difference');
SELECT is_empty($$ SELECT * FROM between_sum WHERE least_wh < 0 $$, 'none is negative');
SELECT is_empty($$
    SELECT p.* FROM between_stands p CROSS JOIN LATERAL energyledger.energy_between(p.meter, ARRAY[p.since, p.until]) e
     WHERE (e.energy_wh, e.quality) IS DISTINCT FROM (p.stands_wh, 'measured') $$, 'and as one slot they have it, measured');

-- ---- intervals of all lengths, in gaps and over one another, with stands, twice as many as needed
CREATE TEMP TABLE mixed AS
    SELECT 'prop:m:' || m AS meter, n AS seq, since + make_interval(secs => a) AS from_at, since + make_interval(secs => a + len) AS to_at,
           CASE WHEN len = 0 THEN 100000 + a ELSE pg_temp.pick(2 + len / 4) END::bigint AS value,
           CASE WHEN len = 0 THEN 0 ELSE -pg_temp.pick(2) END AS scale, (ARRAY['G', 'G', 'G', 'G', 'S', 'E'])[1 + pg_temp.pick(6)] AS status
      FROM (SELECT m, n, '2025-06-01 00:00'::timestamptz AS since,
                   CASE WHEN grid THEN pg_temp.pick(96) * 900 ELSE pg_temp.pick(86400) END AS a,
                   CASE WHEN grid THEN (ARRAY[900, 900, 900, 900, 900, 3600, 0])[1 + pg_temp.pick(7)]
                        ELSE (ARRAY[0, 60, 300, 900, 1000, 3600, 7200, 20000, 50000])[1 + pg_temp.pick(9)] END AS len
              FROM (SELECT m, n, pg_temp.pick(10) > 1 AS grid FROM generate_series(1, 40) m, generate_series(1, 120) n) g) r;
INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
SELECT meter, 1, seq, 1, '1-0:1.8.0', from_at, to_at, value, scale, 'Wh', status FROM mixed ORDER BY meter, seq;
CREATE TEMP TABLE mixed_slot AS
    SELECT m.meter, e.* FROM (SELECT DISTINCT meter FROM mixed) m
     CROSS JOIN LATERAL energyledger.interval_energy(m.meter, '2025-05-31 12:00', '2025-06-03 00:00') e;
SELECT is((SELECT array_agg(DISTINCT quality ORDER BY quality) FROM mixed_slot), '{conflicting,measured,missing,spread,substitute}', 'every quality occurs');
SELECT is_empty($$ SELECT * FROM mixed_slot WHERE energy_wh < 0 OR (energy_wh IS NULL) <> (quality IN ('missing', 'conflicting')) OR (energy_wh IS NULL) <> (reason IS NOT NULL) $$,
    'energy is missing exactly where it says so, with a reason, and never negative');

-- Whatever else is asked: the same slot.
CREATE TEMP TABLE asked AS
    SELECT meter, since, since + (1 + pg_temp.pick(9)) * interval '15 minutes' AS until
      FROM (SELECT meter, '2025-06-01 00:00'::timestamptz + pg_temp.pick(100) * interval '15 minutes' AS since
              FROM (SELECT DISTINCT meter FROM mixed) m, generate_series(1, 40)) a;
SELECT is_empty($$
    SELECT a.*, e.*, s.energy_wh AS of_all, s.quality
      FROM asked a CROSS JOIN LATERAL energyledger.interval_energy(a.meter, a.since, a.until) e
      JOIN mixed_slot s ON s.meter = a.meter AND s.from_at = e.from_at AND s.direction = e.direction
     WHERE (s.energy_wh, s.quality, s.reason) IS DISTINCT FROM (e.energy_wh, e.quality, e.reason) $$, 'a slot is the same whatever else is asked: intervals');
SELECT is_empty($$
    SELECT s.meter, e.*, w.*
      FROM stand_meter s CROSS JOIN LATERAL generate_series(1, 10) n
     CROSS JOIN LATERAL (SELECT pg_temp.slot_of(s.since) + (n * 7) * interval '15 minutes' AS a) o
     CROSS JOIN LATERAL energyledger.interval_energy(s.meter, o.a, o.a + interval '30 minutes') e
      JOIN LATERAL energyledger.interval_energy(s.meter, pg_temp.slot_of(s.since), pg_temp.slot_of(s.since) + interval '3 days') w USING (from_at, direction)
     WHERE (w.energy_wh, w.quality, w.reason) IS DISTINCT FROM (e.energy_wh, e.quality, e.reason) $$, 'the same: stands');

-- Hours are the sums of their quarters where these are known.
SELECT is_empty($$
    SELECT h.*, q.* FROM (SELECT DISTINCT meter FROM mixed) m
     CROSS JOIN LATERAL energyledger.energy_between(m.meter, ARRAY(SELECT generate_series('2025-06-01 00:00'::timestamptz, '2025-06-02 00:00', '1 hour'))) h
     CROSS JOIN LATERAL (SELECT sum(s.energy_wh) AS wh, count(s.energy_wh) AS n FROM mixed_slot s WHERE s.meter = m.meter AND s.from_at >= h.from_at AND s.to_at <= h.to_at) q
     WHERE q.n = 4 AND q.wh IS DISTINCT FROM h.energy_wh $$, 'an hour is the sum of its quarters');

-- Sent again, everything is as it was; of what is superseded nothing is left.
INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
SELECT 'prop:last:' || meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status
  FROM energyledger.reading r WHERE meter LIKE 'prop:m:%'
   AND NOT EXISTS (SELECT FROM energyledger.reading_superseded s WHERE s.meter = r.meter AND (s.epoch, s.seq, s.item) = (r.epoch, r.seq, r.item)) ORDER BY 1, seq;
SELECT is_empty($$
    SELECT s.* FROM mixed_slot s CROSS JOIN LATERAL energyledger.interval_energy('prop:last:' || s.meter, s.from_at, s.to_at) e
     WHERE (s.energy_wh, s.quality, s.reason) IS DISTINCT FROM (e.energy_wh, e.quality, e.reason) $$, 'without what is superseded, the same slots');

-- ---- less than 1 Wh a slot: a day is the rounded sum
INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
SELECT 'prop:d:' || m, 1, n, 1, '1-0:1.8.0', '2025-06-01'::timestamptz + n * interval '5 minutes', '2025-06-01'::timestamptz + (n + 1) * interval '5 minutes', pg_temp.pick(1500), -3, 'Wh', 'G'
  FROM generate_series(1, 20) m, generate_series(0, 287) n;
SELECT is_empty($$
    SELECT d.meter, d.exact_wh, e.wh FROM (SELECT meter, floor(sum(value) / 1000.0 + 0.5) AS exact_wh FROM energyledger.reading WHERE meter LIKE 'prop:d:%' GROUP BY meter) d
     CROSS JOIN LATERAL (SELECT sum(energy_wh) AS wh FROM energyledger.interval_energy(d.meter, '2025-06-01', '2025-06-02')) e
     WHERE e.wh <> d.exact_wh $$, 'what is less than 1 Wh a slot adds up over the day');

-- ---- days of a time zone: 92 and 100 quarters, each once
SELECT is_empty($$
    SELECT s.meter, d.* FROM stand_meter s
     CROSS JOIN LATERAL energyledger.daily_energy(s.meter, (s.since AT TIME ZONE 'Europe/Berlin')::date, (s.since AT TIME ZONE 'Europe/Berlin')::date + 3, 'Europe/Berlin', '10 days') d
     CROSS JOIN LATERAL (SELECT sum(energy_wh) AS wh, count(*) AS n, count(energy_wh) AS known FROM energyledger.interval_energy(s.meter, d.from_at, d.to_at, '10 days')) q
     WHERE q.n <> CASE d.day WHEN '2025-03-30' THEN 92 WHEN '2025-10-26' THEN 100 ELSE 96 END OR (q.known = q.n AND q.wh <> d.energy_wh) OR (q.known < q.n AND d.energy_wh IS NOT NULL) $$,
    'a day is the sum of its quarters, of 23 and 25 hours too');

-- ---- estimates keep the totals, by either method
SELECT count(energyledger.register_meter(meter, decode(repeat('07', 32), 'hex'))) FROM stand_meter \g /dev/null
SELECT energyledger.add_profile('prop:p', since, '15 minutes', ARRAY(SELECT 1 + pg_temp.pick(1000) FROM generate_series(1, 500)))
  FROM (SELECT DISTINCT pg_temp.slot_of(since) AS since FROM stand_meter) s \g /dev/null
CREATE TEMP TABLE inside AS
    SELECT meter, pg_temp.slot_of(min(at) + interval '15 minutes' - interval '1 microsecond') AS since, pg_temp.slot_of(max(at)) AS until FROM stand GROUP BY meter;
CREATE TEMP TABLE before_estimate AS
    SELECT i.*, (SELECT sum(known_wh) FROM pg_temp.known(i.meter, i.since, i.until)) AS wh, (SELECT count(*) FROM pg_temp.known(i.meter, i.since, i.until) k WHERE k.energy_wh IS NULL) AS missing FROM inside i;
SELECT is((SELECT count(*) FROM before_estimate i, energyledger.estimate(i.meter, i.since, i.until, 'profile', profile => 'prop:p')),
          (SELECT sum(missing)::bigint FROM before_estimate), 'by profile: a row for each missing slot');
SELECT is_empty($$ SELECT i.* FROM before_estimate i CROSS JOIN LATERAL (SELECT sum(energy_wh) AS wh, min(energy_wh) AS least, count(*) - count(energy_wh) AS missing
                     FROM energyledger.interval_energy(i.meter, i.since, i.until)) e WHERE e.wh IS DISTINCT FROM i.wh OR e.least < 0 OR e.missing > 0 $$, 'the total is kept');
SELECT count(*) FROM before_estimate i, energyledger.estimate(i.meter, i.since, i.until, 'linear', replace => true) \g /dev/null
SELECT is_empty($$ SELECT i.* FROM before_estimate i CROSS JOIN LATERAL (SELECT sum(energy_wh) AS wh, min(energy_wh) AS least, count(*) - count(energy_wh) AS missing
                     FROM energyledger.interval_energy(i.meter, i.since, i.until)) e WHERE e.wh IS DISTINCT FROM i.wh OR e.least < 0 OR e.missing > 0 $$, 'linear: the total is kept');

-- ---- a slot of a meter among many, and of a year, is read by indexes: what is near it, and a stand on either side
INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
SELECT 'prop:y', 1, n, 1, o, '2024-01-01'::timestamptz + n * interval '15 minutes', '2024-01-01'::timestamptz + (n + 1) * interval '15 minutes', 7, 0, 'Wh', 'G'
  FROM generate_series(0, 35135) n, unnest('{1-0:1.8.0,1-0:2.8.0,1-0:3.8.0}'::text[]) o WHERE n NOT BETWEEN 20000 AND 20010;
INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
SELECT 'prop:y', 1, 50000 + n, 1, '1-0:1.8.0', t, t, n * 20000, 0, 'Wh', 'G' FROM generate_series(0, 365) n, LATERAL (SELECT '2024-01-01'::timestamptz + n * interval '1 day' AS t) d;
CREATE TEMP TABLE read_before AS SELECT * FROM pg_stat_xact_all_tables WHERE relid = 'energyledger.reading'::regclass;
SELECT sum(energy_wh) FROM energyledger.interval_energy('prop:y', '2024-11-01 10:00', '2024-11-01 10:15') \g /dev/null
CREATE TEMP TABLE read_whole AS SELECT * FROM pg_stat_xact_all_tables WHERE relid = 'energyledger.reading'::regclass;
SELECT sum(energy_wh) FROM energyledger.interval_energy('prop:y', '2024-01-01 00:00'::timestamptz + 20005 * interval '15 minutes', '2024-01-01 00:00'::timestamptz + 20006 * interval '15 minutes') \g /dev/null
SELECT ok(w.seq_scan = b.seq_scan AND n.seq_scan = b.seq_scan, 'no sequential scan') FROM read_before b, read_whole w, pg_stat_xact_all_tables n WHERE n.relid = b.relid;
SELECT ok(w.idx_tup_fetch - b.idx_tup_fetch <= 20 AND n.idx_tup_fetch - w.idx_tup_fetch <= 400,
          format('rows read for a slot of a year: %s where it is there, %s where a day''s stands must tell', w.idx_tup_fetch - b.idx_tup_fetch, n.idx_tup_fetch - w.idx_tup_fetch))
  FROM read_before b, read_whole w, pg_stat_xact_all_tables n WHERE n.relid = b.relid;

SELECT * FROM finish();
ROLLBACK;
