/*
 * energy_edges.sql: the energy of slots at the edges: days without a midnight or with two, the ends
 * of time, what was declared later, intervals that overlap a midnight.
 */
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
RESET client_min_messages;
SET timezone = 'UTC';
SET datestyle = 'ISO';
-- what is refused is refused before it is worked out
SET statement_timeout = '20s';
\pset null '-'
\set SHOW_CONTEXT never

CREATE PROCEDURE pg_temp.quarters(meter text, since timestamptz, until timestamptz, wh int)
LANGUAGE sql AS $$
    INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
    SELECT meter, 1, extract(epoch FROM t)::bigint, 1, '1-0:1.8.0', t, t + interval '15 minutes', wh, 0, 'Wh', 'G'
      FROM generate_series(since, until - interval '15 minutes', interval '15 minutes') t
$$;
CREATE FUNCTION pg_temp.stand(meter text, at timestamptz, wh bigint, OUT ledger_id bigint)
LANGUAGE sql AS $$
    INSERT INTO energyledger.reading AS r (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
    VALUES (meter, 1, extract(epoch FROM at)::bigint, 1, '1-0:1.8.0', at, at, wh, 0, 'Wh', 'G') RETURNING r.ledger_id
$$;

-- ---- local days

-- The clock goes back from 01:00 to 00:00: the day has 25 hours from its first midnight on, the day before 24.
CALL pg_temp.quarters('edge:days', '2025-10-24', '2025-11-05', 1);
SELECT day, from_at, to_at - from_at AS length, energy_wh, quality
  FROM energyledger.daily_energy('edge:days', '2025-10-25', '2025-10-28', 'Atlantic/Azores');
SELECT day, from_at, to_at - from_at AS length, energy_wh
  FROM energyledger.daily_energy('edge:days', '2025-11-01', '2025-11-04', 'America/Havana');
-- Forward from 00:00 to 01:00: the day begins with what is there.
SELECT day, from_at, to_at - from_at AS length FROM energyledger.daily_energy('edge:days', '2025-03-08', '2025-03-11', 'America/Havana');
-- A day that a zone left out.
SELECT day, from_at, to_at - from_at AS length FROM energyledger.daily_energy('edge:days', '2011-12-28', '2012-01-02', 'Pacific/Apia');
SELECT day, to_at - from_at AS length FROM energyledger.daily_energy('edge:days', '2025-10-26', '2025-10-27', 'Europe/Berlin');

-- ---- the ends of time

SELECT * FROM energyledger.daily_energy('edge:days', '2025-01-01', 'infinity');
SELECT * FROM energyledger.daily_energy('edge:days', '-infinity', '2025-01-01');
SELECT * FROM energyledger.daily_energy('edge:days', '4713-01-01 BC', '200000-01-01');
SELECT * FROM energyledger.interval_energy('edge:days', '4713-01-01 BC', '294276-12-30');
SELECT * FROM energyledger.energy_between('edge:days', '{4713-01-01 BC, 294276-12-30}');
SELECT * FROM energyledger.reading_conflicts('edge:days', '4713-01-01 BC', '294276-12-30');
SELECT energyledger.slot_boundaries('2025-01-01', 'infinity');
-- A total is divided where that takes at most so long; a length beyond 64 bits of microseconds is none.
SELECT energy_wh, quality FROM energyledger.energy_between('edge:days', '{2025-10-24 00:00, 2025-10-24 00:07:30}', '13000000 days');
SELECT energy_wh, quality FROM energyledger.energy_between('edge:days', '{2025-10-24 00:00, 2025-10-24 00:07:30}', '110000000 days');

-- ---- estimates

SELECT energyledger.register_meter('edge:estimate') > 0 AS registered;
SELECT count(*) FROM energyledger.estimate('edge:estimate', '2025-01-01', 'infinity', 'linear');
SELECT count(*) FROM energyledger.estimate('edge:estimate', '0001-01-01', '2025-01-01', 'linear');
SELECT count(*) FROM energyledger.estimate('edge:estimate', '2025-01-01', '2025-01-02', 'linear', reason => repeat('x', 1001));
-- A stand of a wrong clock: the total reaches to the year 9999.
SELECT pg_temp.stand('edge:estimate', '2025-01-01', 100) > 0 AS said, pg_temp.stand('edge:estimate', '9999-12-31', 200) > 0 AS said;
SELECT count(*) FROM energyledger.estimate('edge:estimate', '2025-01-01', '2025-01-02', 'linear');

-- ---- a rollover that is declared later

-- 900 up to 1000 and 40 on: 140 Wh, once it is known that the register ends there.  As it was known before, it fell.
SELECT pg_temp.stand('edge:rollover', '2025-06-01 00:00', 900) > 0 AS said, pg_temp.stand('edge:rollover', '2025-06-01 00:15', 40) > 0 AS said;
INSERT INTO energyledger.message (meter, epoch, seq, type, envelope, digest, sent_at, clock_status, received_at, chained, raw)
SELECT r.meter, r.epoch, r.seq, 'reading', 'jws', sha256('edge' || r.seq::text::bytea), r.to_at, 'S', '2025-06-02', true, ''
  FROM energyledger.reading r WHERE r.meter = 'edge:rollover';
SELECT energy_wh, quality, reason FROM energyledger.interval_energy('edge:rollover', '2025-06-01 00:00', '2025-06-01 00:15');
SELECT energyledger.declare_rollover('edge:rollover', '1-0:1.8.0', 1000) > 0 AS declared;
SELECT energy_wh, quality, reason FROM energyledger.interval_energy('edge:rollover', '2025-06-01 00:00', '2025-06-01 00:15');
SELECT energy_wh, quality, reason FROM energyledger.interval_energy('edge:rollover', '2025-06-01 00:00', '2025-06-01 00:15', known_at => '2025-06-03');
SELECT energy_wh, quality, reason FROM energyledger.interval_energy('edge:rollover', '2025-06-01 00:00', '2025-06-01 00:15', known_at => now() + interval '1 hour');

-- ---- intervals over a midnight in UTC, one within another

-- A day's sum goes on over all that ends in the day, whatever ends before: 0.4 Wh and 0.4 Wh of 2 June are 1 Wh, the second's.
-- A slot is the same, whatever else was asked for.
INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status) VALUES
    ('edge:midnight', 1, 1, 1, '1-0:1.8.0', '2025-06-01 23:50', '2025-06-02 00:05', 4, -1, 'Wh', 'G'),
    ('edge:midnight', 1, 2, 1, '1-0:1.8.0', '2025-06-01 23:55', '2025-06-02 00:00', 4, -1, 'Wh', 'G'),
    ('edge:midnight', 1, 3, 1, '1-0:1.8.0', '2025-06-02 00:00', '2025-06-02 00:15', 4, -1, 'Wh', 'G');
SELECT energy_wh, quality FROM energyledger.interval_energy('edge:midnight', '2025-06-02 00:00', '2025-06-02 00:15');
SELECT energy_wh, quality FROM energyledger.interval_energy('edge:midnight', '2025-06-01 23:00', '2025-06-02 01:00') WHERE from_at = '2025-06-02 00:00';

-- ---- registers

-- As many as a meter likes that count no energy, and all the names that do: one meter does not spoil a question about many.
INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
SELECT 'edge:registers', 1, n, 1, o, t, t, 5 * extract(hour FROM t)::int, 0, 'Wh', 'G'
  FROM (SELECT format('%s:99.%s.0', b, n) FROM unnest('{1-0,6-0,1-1}'::text[]) b, generate_series(1, 300) n
        UNION ALL
        SELECT format('1-%s:%s.%s%s', b, c, de, f) FROM generate_series(0, 1) b, generate_series(1, 2) c, unnest('{"",*255}'::text[]) f,
               (SELECT '8.' || e FROM generate_series(0, 63) e UNION ALL SELECT '29.0') x(de)) y(o),
       unnest('{2025-06-01 00:00, 2025-06-01 01:00}'::timestamptz[]) WITH ORDINALITY s(t, n);
SELECT count(DISTINCT obis) FROM energyledger.reading WHERE meter = 'edge:registers';
SELECT direction, energy_wh, quality FROM energyledger.energy_between('edge:registers', '{2025-06-01 00:00, 2025-06-01 01:00}');
SELECT role, count(*) FROM energyledger.meter_registers('edge:registers') GROUP BY role ORDER BY role;
