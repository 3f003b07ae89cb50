/*
 * energy.sql: what readings mean: the energy of slots, what is missing, and
 * estimates in its place.  The rules are in doc/energy.md, the arithmetic in
 * src/metering/energy*.c.
 *
 * Three ledger tables, written by functions of operators.  Everything else here
 * reads, with its caller's rights.
 */

-- Few rows are in either: stands; and intervals that a range of times around a slot does not
-- find.  One interval a day is in the second whatever its length, so that from the two
-- it can be told which registers a meter has.  Its predicate stands in
-- src/metering/energy_read.c too.
CREATE INDEX reading_stand_idx ON energyledger.reading (meter, obis, from_at)
    WHERE from_at = to_at;
COMMENT ON INDEX energyledger.reading_stand_idx IS 'the stand before a moment, and the one after; registers with stands';
CREATE INDEX reading_long_idx ON energyledger.reading (meter, obis, from_at, to_at)
    WHERE to_at - from_at > interval '1 hour' OR date_bin('1 day', to_at, timestamptz '2000-01-01 00:00:00+00') > from_at;
COMMENT ON INDEX energyledger.reading_long_idx IS 'intervals of more than an hour that overlap a time, and those over a midnight (UTC): registers with intervals';

CREATE TABLE energyledger.energy_estimate (
    meter        text COLLATE "C" NOT NULL,
    direction    text COLLATE "C" NOT NULL CHECK (direction IN ('import', 'export')),
    from_at      timestamptz NOT NULL,
    to_at        timestamptz NOT NULL CHECK (to_at > from_at),
    energy_wh    bigint NOT NULL CHECK (energy_wh >= 0),
    method       text NOT NULL CHECK (method IN ('linear', 'interpolated', 'profile')),
    source       text NOT NULL,
    reason       text,
    estimated_at timestamptz NOT NULL,
    estimated_by text NOT NULL
) USING ledger;
CREATE INDEX energy_estimate_idx ON energyledger.energy_estimate (meter, direction, from_at);
COMMENT ON TABLE energyledger.energy_estimate IS
'energy of slots that no reading tells, for billing. A slot''s newest row counts, and only where there is still no measured value. Written by estimate()';
COMMENT ON COLUMN energyledger.energy_estimate.meter IS 'which meter';
COMMENT ON COLUMN energyledger.energy_estimate.direction IS 'import or export';
COMMENT ON COLUMN energyledger.energy_estimate.from_at IS 'start of the slot';
COMMENT ON COLUMN energyledger.energy_estimate.to_at IS 'its end, not part of it';
COMMENT ON COLUMN energyledger.energy_estimate.energy_wh IS 'estimated energy in Wh';
COMMENT ON COLUMN energyledger.energy_estimate.method IS
'linear: an even share of a total; interpolated: on the line between the slots before and after; profile: a share of a total by a load profile or another meter';
COMMENT ON COLUMN energyledger.energy_estimate.source IS 'from what: the total and where it comes from, the profile or meter';
COMMENT ON COLUMN energyledger.energy_estimate.reason IS 'why, in the words of who had it estimated';
COMMENT ON COLUMN energyledger.energy_estimate.estimated_at IS 'when';
COMMENT ON COLUMN energyledger.energy_estimate.estimated_by IS 'the role that had it estimated';
COMMENT ON COLUMN energyledger.energy_estimate.ledger_id IS 'assigned by the ledger: site, then a counter';
COMMENT ON INDEX energyledger.energy_estimate_idx IS 'a meter''s estimates by time';

CREATE TABLE energyledger.load_profile (
    profile     text COLLATE "C" NOT NULL,
    from_at     timestamptz NOT NULL,
    to_at       timestamptz NOT NULL CHECK (to_at > from_at),
    weight      bigint NOT NULL CHECK (weight >= 0),
    recorded_at timestamptz NOT NULL,
    recorded_by text NOT NULL
) USING ledger;
CREATE INDEX load_profile_idx ON energyledger.load_profile (profile, from_at);
COMMENT ON TABLE energyledger.load_profile IS
'how a kind of customer uses energy over time, as weights: only their proportions count. A slot''s newest row counts. Written by add_profile()';
COMMENT ON COLUMN energyledger.load_profile.profile IS 'name';
COMMENT ON COLUMN energyledger.load_profile.from_at IS 'start of the slot';
COMMENT ON COLUMN energyledger.load_profile.to_at IS 'its end, not part of it';
COMMENT ON COLUMN energyledger.load_profile.weight IS 'energy in the slot, in any unit';
COMMENT ON COLUMN energyledger.load_profile.recorded_at IS 'when it was written';
COMMENT ON COLUMN energyledger.load_profile.recorded_by IS 'by which role';
COMMENT ON COLUMN energyledger.load_profile.ledger_id IS 'assigned by the ledger: site, then a counter';
COMMENT ON INDEX energyledger.load_profile_idx IS 'a profile''s slots by time';

CREATE TABLE energyledger.register_rollover (
    meter       text COLLATE "C" NOT NULL,
    obis        text COLLATE "C" NOT NULL,
    rollover_wh bigint NOT NULL CHECK (rollover_wh BETWEEN 1 AND 4398046511104),
    declared_at timestamptz NOT NULL,
    declared_by text NOT NULL
) USING ledger;
CREATE INDEX register_rollover_idx ON energyledger.register_rollover (meter, obis, declared_at);
COMMENT ON TABLE energyledger.register_rollover IS
'where registers start again from 0. A register''s newest row counts, for all its stands. Written by declare_rollover()';
COMMENT ON COLUMN energyledger.register_rollover.meter IS 'which meter';
COMMENT ON COLUMN energyledger.register_rollover.obis IS 'which register';
COMMENT ON COLUMN energyledger.register_rollover.rollover_wh IS 'the stand in Wh that it never shows: six digits of kWh have 1000000000';
COMMENT ON COLUMN energyledger.register_rollover.declared_at IS 'when it was declared';
COMMENT ON COLUMN energyledger.register_rollover.declared_by IS 'by which role';
COMMENT ON COLUMN energyledger.register_rollover.ledger_id IS 'assigned by the ledger: site, then a counter';
COMMENT ON INDEX energyledger.register_rollover_idx IS 'what was declared of a register, the newest last';

SELECT pg_catalog.pg_extension_config_dump('energyledger.energy_estimate', '');
SELECT pg_catalog.pg_extension_config_dump('energyledger.load_profile', '');
SELECT pg_catalog.pg_extension_config_dump('energyledger.register_rollover', '');

-- ---------------------------------------------------------------- reading it

CREATE FUNCTION energyledger.register_role(obis text) RETURNS text
    AS 'MODULE_PATHNAME', 'energyledger_register_role' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION energyledger.register_role(text) IS
'What a register counts: import, export, import tariff, export tariff, or other for all that is not taken for active energy of electricity. '
'Known are 1-b:c.8.e and 1-b:c.29.0 with b 0 or 1, c 1 (import) or 2 (export), e 0 (total) to 63 (tariffs), with *255 or without. '
'NULL for NULL; no errors. Rule: IEC 62056-61 (OBIS), doc/energy.md.';

CREATE FUNCTION energyledger.reading_wh(value bigint, scale smallint, unit text) RETURNS bigint
    AS 'MODULE_PATHNAME', 'energyledger_reading_wh' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION energyledger.reading_wh(bigint, smallint, text) IS
'A reading''s energy in whole Wh, rounded down: value * 10^scale units. scale: -9 to 9; unit: Wh, kWh, MWh, GWh, and as meters of heat have it J, kJ, MJ, GJ (1 Wh is 3600 J). NULL for another unit, what is below zero or above 2^42 Wh, and for NULL; no errors. Rule: doc/energy.md.';

CREATE FUNCTION energyledger.meter_registers(meter text)
RETURNS TABLE (obis text, role text)
LANGUAGE sql STABLE STRICT PARALLEL SAFE ROWS 4
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
    -- from each register to the next: an index entry or two a register are read
    WITH RECURSIVE register AS (
        SELECT ''::text COLLATE "C" AS obis
        UNION ALL
        SELECT (SELECT min(n.obis) FROM (
                    (SELECT r.obis FROM energyledger.reading r WHERE r.meter = $1 AND r.obis > g.obis AND r.from_at = r.to_at
                      ORDER BY r.obis LIMIT 1)
                    UNION ALL
                    (SELECT r.obis FROM energyledger.reading r WHERE r.meter = $1 AND r.obis > g.obis
                        AND (r.to_at - r.from_at > interval '1 hour' OR date_bin('1 day', r.to_at, timestamptz '2000-01-01 00:00:00+00') > r.from_at)
                      ORDER BY r.obis LIMIT 1)) n)
          FROM register g WHERE g.obis IS NOT NULL)
    SELECT g.obis, energyledger.register_role(g.obis)
      FROM (SELECT obis FROM register WHERE obis <> ''
            UNION
            SELECT obis FROM (SELECT r.obis FROM energyledger.reading r WHERE r.meter = $1 ORDER BY r.from_at DESC LIMIT 1000) latest) g
     ORDER BY g.obis
$$;
COMMENT ON FUNCTION energyledger.meter_registers(text) IS
'The registers of a meter, and what each counts (register_role): those that ever had a stand, an interval of more than an hour or one that reaches a midnight in UTC, and those of its latest 1000 readings. '
'meter: its name. Nothing for NULL and for a meter without readings; no errors.';

-- Sequential scans are switched off for what these two read: a plan that was made
-- while the table was small is kept, and would be used on the full one.
CREATE FUNCTION energyledger.interval_energy(
    meter text,
    since timestamptz,
    until timestamptz,
    spread_max interval DEFAULT '1 hour',
    known_at timestamptz DEFAULT NULL)
RETURNS TABLE (from_at timestamptz, to_at timestamptz, direction text, energy_wh bigint, quality text, reason text)
LANGUAGE C STABLE PARALLEL SAFE COST 1000 ROWS 200
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan SET jit = off
AS 'MODULE_PATHNAME', 'energyledger_interval_energy';
COMMENT ON FUNCTION energyledger.interval_energy(text, timestamptz, timestamptz, interval, timestamptz) IS
'Energy of a meter in each 15-minute slot of [since, until): a row for each slot and for each direction (import, export) of which the meter has a register: '
'one with a reading in that time or, at any time, a stand, an interval of more than an hour or one that reaches a midnight in UTC. '
'meter: its name; since, until: ends of slots (multiples of 15 minutes in UTC), at most 1000000 slots; spread_max: a total that is known for at most this long is spread evenly over it; '
'known_at: only what had been received, estimated, and declared of rollovers by then; NULL: all. '
'energy_wh: whole Wh, NULL where quality is missing or conflicting; quality: measured, spread (a boundary lies inside a reading), substitute (by the meter), estimated, conflicting, missing; '
'reason, of the last two: no_reading, not_spread (a total is known, over a longer time), not_usable (the reading says so, or is negative, too large or no energy), exchanged, decreased (a stand below the one before), contradicted (the parts are more than the total). '
'The slots between two stands add up to the difference of the stands, each rounded to Wh, unless finer readings contradict it or are off by the tolerance. Needs SELECT on reading, and on energy_estimate, register_rollover, message where it comes to that. '
'Errors: 22004 for a NULL other than known_at, 22023 for times that are no ends of slots or in the wrong order, a spread_max with months or below zero, 54000 for too many slots. Rules: doc/energy.md.';

CREATE FUNCTION energyledger.energy_between(
    meter text,
    boundaries timestamptz[],
    spread_max interval DEFAULT '1 hour',
    known_at timestamptz DEFAULT NULL,
    estimates boolean DEFAULT true)
RETURNS TABLE (from_at timestamptz, to_at timestamptz, direction text, energy_wh bigint, quality text, reason text,
               known_from timestamptz, known_to timestamptz, known_wh bigint, linear_wh bigint)
LANGUAGE C STABLE PARALLEL SAFE COST 1000 ROWS 200
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan SET jit = off
AS 'MODULE_PATHNAME', 'energyledger_energy_between';
COMMENT ON FUNCTION energyledger.energy_between(text, timestamptz[], interval, timestamptz, boolean) IS
'Energy of a meter between each boundary and the next, as interval_energy gives it for 15-minute slots: for hours, days of any time zone, billing periods. '
'boundaries: ascending; estimates: false leaves them out. A slot longer than 15 minutes that has no energy by its readings alone is the sum of its quarters, where they all have any (boundaries on ends of quarters). '
'known_from, known_to, known_wh: where the reason is not_spread and one total has the whole slot, that total''s time and what of it is not told by finer readings; '
'linear_wh: where the quality is missing but the slot lies in known totals, its even share of them. '
'Errors: as interval_energy; 22023 for boundaries that do not ascend or are infinite. Rules: doc/energy.md.';

CREATE FUNCTION energyledger.missing_intervals(
    meter text,
    since timestamptz,
    until timestamptz,
    spread_max interval DEFAULT '1 hour',
    known_at timestamptz DEFAULT NULL)
RETURNS TABLE (direction text, from_at timestamptz, to_at timestamptz, slots bigint, quality text, reason text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
    WITH slot AS (
        SELECT e.*, row_number() OVER (PARTITION BY e.direction ORDER BY e.from_at)
                  - row_number() OVER (PARTITION BY e.direction, e.quality, e.reason ORDER BY e.from_at) AS run
          FROM energyledger.interval_energy($1, $2, $3, $4, $5) e)
    SELECT s.direction, min(s.from_at), max(s.to_at), count(*), s.quality, s.reason
      FROM slot s
     WHERE s.energy_wh IS NULL
     GROUP BY s.direction, s.quality, s.reason, s.run
    UNION ALL
    SELECT NULL, $2, $3, extract(epoch FROM $3 - $2)::bigint / 900, 'missing', 'no_register'
     WHERE NOT EXISTS (SELECT FROM slot)
     ORDER BY 1, 2
$$;
COMMENT ON FUNCTION energyledger.missing_intervals(text, timestamptz, timestamptz, interval, timestamptz) IS
'The slots of [since, until) without energy, neighbours of the same quality and reason together. Arguments and reasons as interval_energy; '
'for a meter without a register of energy one row without direction, reason no_register. slots: how many of 15 minutes. Errors: as interval_energy.';

CREATE FUNCTION energyledger.reading_conflicts(
    meter text,
    since timestamptz,
    until timestamptz,
    known_at timestamptz DEFAULT NULL)
RETURNS TABLE (direction text, from_at timestamptz, to_at timestamptz, stands boolean, total_wh bigint, parts_wh bigint,
               epoch bigint, seq bigint, item smallint)
LANGUAGE C STABLE PARALLEL SAFE COST 1000 ROWS 10
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan SET jit = off
AS 'MODULE_PATHNAME', 'energyledger_reading_conflicts';
COMMENT ON FUNCTION energyledger.reading_conflicts(text, timestamptz, timestamptz, timestamptz) IS
'Readings of the total registers, and differences of two stands, that touch [since, until) and that finer readings inside contradict: the parts are more than the total, or all of it and something else. '
'meter: its name; known_at: as interval_energy. stands: a difference of stands, which may be one digit of the stands off, and 1 Wh; total_wh, parts_wh: what each says; '
'epoch, seq, item: the message that has the total, the later stand''s. Errors: 22004 for a NULL other than known_at, 22023 for infinite times or a wrong order. Rules: doc/energy.md.';

CREATE FUNCTION energyledger.daily_energy(
    meter text,
    since date,
    until date,
    time_zone text DEFAULT 'UTC',
    spread_max interval DEFAULT '1 hour',
    known_at timestamptz DEFAULT NULL)
RETURNS TABLE (day date, from_at timestamptz, to_at timestamptz, direction text, energy_wh bigint, quality text, reason text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 60
SET search_path = pg_catalog, pg_temp
AS $$
    -- A day begins at its first midnight: some zones put their clocks back over midnight, and
    -- AT TIME ZONE takes the second.  A day that a zone left out has no time.  Too many days,
    -- and days without end, are for energy_between to refuse.
    SELECT (e.from_at AT TIME ZONE $4)::date, e.from_at, e.to_at, e.direction, e.energy_wh, e.quality, e.reason
      FROM (SELECT CASE WHEN isfinite($2) AND isfinite($3) THEN
                   (SELECT array_agg(DISTINCT coalesce((SELECT min(t.at) FROM (SELECT (d.midnight AT TIME ZONE $4) - back
                                                          FROM unnest('{3:00, 2:00, 1:00, 0:30, 0:00}'::interval[]) back) t(at)
                                                         WHERE t.at AT TIME ZONE $4 = d.midnight), d.midnight AT TIME ZONE $4))
                      FROM (SELECT ($2 + n)::timestamp AS midnight FROM generate_series(0, least($3 - $2, 20000)) n) d)
                   ELSE ARRAY[$2::timestamptz, $3::timestamptz] END AS boundaries) b,
           energyledger.energy_between($1, b.boundaries, $5, $6) e
$$;
COMMENT ON FUNCTION energyledger.daily_energy(text, date, date, text, interval, timestamptz) IS
'Energy of a meter on each day of [since, until) of a time zone: from one local midnight to the next, the first where there are two, so on 23 or 25 hours where the clock changes. '
'time_zone: a name of pg_timezone_names; the rest as energy_between. Nothing where since is not before until. Errors: 22023 for an unknown time zone, and as interval_energy (54000 beyond some 10000 days).';

-- ---------------------------------------------------------------- views

CREATE VIEW energyledger.meter_register AS
    SELECT m.meter, r.obis, r.role
      FROM energyledger.meter_current m
     CROSS JOIN LATERAL energyledger.meter_registers(m.meter) r;
COMMENT ON VIEW energyledger.meter_register IS
'the registers that meters ever sent and what each counts; role other: readings that no energy is made of';
COMMENT ON COLUMN energyledger.meter_register.meter IS 'which meter';
COMMENT ON COLUMN energyledger.meter_register.obis IS 'its register';
COMMENT ON COLUMN energyledger.meter_register.role IS 'import, export, import tariff, export tariff, other';

-- A wrong clock may date a reading anywhere; the function has no such limits.
CREATE VIEW energyledger.interval_energy AS
    SELECT m.meter, e.from_at, e.to_at, e.direction, e.energy_wh, e.quality
      FROM energyledger.meter_current m
     CROSS JOIN LATERAL (
               SELECT greatest(min(a.from_at), date_bin('15 minutes', now() - interval '3653 days', 'epoch')) AS since,
                      least(max(a.to_at), date_bin('15 minutes', now() + interval '1 day', 'epoch')) AS until
                 FROM ((SELECT r.from_at, r.to_at FROM energyledger.reading r WHERE r.meter = m.meter ORDER BY r.from_at LIMIT 1)
                       UNION ALL
                       (SELECT r.from_at, r.to_at FROM energyledger.reading r WHERE r.meter = m.meter ORDER BY r.from_at DESC LIMIT 1)) a) s
     CROSS JOIN LATERAL energyledger.interval_energy(m.meter,
               date_bin('15 minutes', s.since, 'epoch'),
               date_bin('15 minutes', s.until + interval '15 minutes' - interval '1 microsecond', 'epoch')) e
     WHERE s.since < s.until;
COMMENT ON VIEW energyledger.interval_energy IS
'energy of every meter in every 15-minute slot from its first reading to its last, of the last ten years; what is missing is there without energy. '
'Ask for single meters; for a time, use the function of this name, which reads no more than that';
COMMENT ON COLUMN energyledger.interval_energy.meter IS 'which meter';
COMMENT ON COLUMN energyledger.interval_energy.from_at IS 'start of the slot';
COMMENT ON COLUMN energyledger.interval_energy.to_at IS 'its end, not part of it';
COMMENT ON COLUMN energyledger.interval_energy.direction IS 'import or export';
COMMENT ON COLUMN energyledger.interval_energy.energy_wh IS 'energy in Wh; NULL where quality is missing or conflicting';
COMMENT ON COLUMN energyledger.interval_energy.quality IS 'measured, spread, substitute, estimated, conflicting or missing';

CREATE VIEW energyledger.reading_superseded AS
    SELECT r.meter, r.obis, r.from_at, r.to_at, r.epoch, r.seq, r.item, r.value, r.scale, r.unit, r.status,
           r.by_epoch, r.by_seq, r.by_item
      FROM (SELECT s.*, lead(s.epoch) OVER w AS by_epoch, lead(s.seq) OVER w AS by_seq, lead(s.item) OVER w AS by_item
              FROM energyledger.reading s
            WINDOW w AS (PARTITION BY s.meter, s.obis, s.from_at, s.to_at, s.status = 'X' AND s.from_at = s.to_at
                             ORDER BY s.epoch, s.seq, s.item)) r
     WHERE r.by_seq IS NOT NULL;
COMMENT ON VIEW energyledger.reading_superseded IS
'readings that do not count because a later one speaks of the same register and time, and which that is (the next one; it may be superseded itself). Both stay in reading';
COMMENT ON COLUMN energyledger.reading_superseded.meter IS 'which meter';
COMMENT ON COLUMN energyledger.reading_superseded.obis IS 'which register';
COMMENT ON COLUMN energyledger.reading_superseded.from_at IS 'start of the interval, or the time of the stand';
COMMENT ON COLUMN energyledger.reading_superseded.to_at IS 'end of the interval';
COMMENT ON COLUMN energyledger.reading_superseded.epoch IS 'the message that is superseded: its epoch';
COMMENT ON COLUMN energyledger.reading_superseded.seq IS 'its sequence number';
COMMENT ON COLUMN energyledger.reading_superseded.item IS 'place in the message';
COMMENT ON COLUMN energyledger.reading_superseded.value IS 'the integer that no longer counts';
COMMENT ON COLUMN energyledger.reading_superseded.scale IS 'its power of ten';
COMMENT ON COLUMN energyledger.reading_superseded.unit IS 'its unit';
COMMENT ON COLUMN energyledger.reading_superseded.status IS 'its status';
COMMENT ON COLUMN energyledger.reading_superseded.by_epoch IS 'the message that supersedes it: its epoch';
COMMENT ON COLUMN energyledger.reading_superseded.by_seq IS 'its sequence number';
COMMENT ON COLUMN energyledger.reading_superseded.by_item IS 'place in that message';

CREATE VIEW energyledger.estimate_superseded AS
    SELECT s.meter, s.direction, s.from_at, s.to_at, s.energy_wh, s.method, s.ledger_id,
           s.by_ledger_id, e.energy_wh AS measured_wh, e.quality
      FROM (SELECT x.*, lead(x.ledger_id) OVER (PARTITION BY x.meter, x.direction, x.from_at, x.to_at
                                                    ORDER BY x.estimated_at, x.ledger_id) AS by_ledger_id
              FROM energyledger.energy_estimate x) s
      LEFT JOIN LATERAL energyledger.energy_between(s.meter, ARRAY[s.from_at, s.to_at], estimates => false) e
        ON e.direction = s.direction AND e.energy_wh IS NOT NULL
     WHERE s.by_ledger_id IS NOT NULL OR e.energy_wh IS NOT NULL;
COMMENT ON VIEW energyledger.estimate_superseded IS
'estimates that no longer count: because of a later estimate of the slot (by_ledger_id), or because readings now tell its energy (measured_wh). They stay in energy_estimate';
COMMENT ON COLUMN energyledger.estimate_superseded.meter IS 'which meter';
COMMENT ON COLUMN energyledger.estimate_superseded.direction IS 'import or export';
COMMENT ON COLUMN energyledger.estimate_superseded.from_at IS 'start of the slot';
COMMENT ON COLUMN energyledger.estimate_superseded.to_at IS 'its end, not part of it';
COMMENT ON COLUMN energyledger.estimate_superseded.energy_wh IS 'what was estimated, in Wh';
COMMENT ON COLUMN energyledger.estimate_superseded.method IS 'how';
COMMENT ON COLUMN energyledger.estimate_superseded.ledger_id IS 'the estimate''s row';
COMMENT ON COLUMN energyledger.estimate_superseded.by_ledger_id IS 'row of the next estimate of the slot; NULL: there is none';
COMMENT ON COLUMN energyledger.estimate_superseded.measured_wh IS 'what readings tell now, in Wh; NULL: nothing';
COMMENT ON COLUMN energyledger.estimate_superseded.quality IS 'quality of that: measured, spread or substitute';

-- A stand that is superseded, or is no number of Wh, takes no part.
CREATE VIEW energyledger.register_step AS
    WITH stand AS (
        SELECT r.meter, r.obis, r.to_at AS at, r.status, r.epoch, r.seq, r.item,
               trim_scale(r.value * 10::numeric ^ (r.scale +
                   CASE r.unit WHEN 'Wh' THEN 0 WHEN 'kWh' THEN 3 WHEN 'MWh' THEN 6 WHEN 'GWh' THEN 9 END)) AS stand_wh,
               lead(r.seq) OVER (PARTITION BY r.meter, r.obis, r.from_at, r.status = 'X'
                                     ORDER BY r.epoch, r.seq, r.item) IS NULL AS counts
          FROM energyledger.reading r
         WHERE r.from_at = r.to_at AND energyledger.register_role(r.obis) <> 'other'),
    step AS (
        SELECT s.*, lag(s.at) OVER w AS previous_at, lag(s.stand_wh) OVER w AS previous_wh
          FROM stand s
         WHERE s.counts AND s.status IN ('G', 'S', 'X') AND s.stand_wh >= 0
        WINDOW w AS (PARTITION BY s.meter, s.obis ORDER BY s.at, s.status = 'X'))
    SELECT t.meter, t.obis, t.at, t.stand_wh, t.status, t.epoch, t.seq, t.previous_at, t.previous_wh,
           CASE WHEN t.previous_at IS NULL THEN 'first'
                WHEN t.status = 'X' THEN 'exchanged'
                WHEN t.stand_wh >= t.previous_wh THEN 'counted'
                WHEN o.rollover_wh >= t.previous_wh
                     AND round(t.stand_wh) - round(t.previous_wh) + o.rollover_wh BETWEEN 0 AND o.rollover_wh / 2 THEN 'rolled over'
                ELSE 'decreased' END AS step
      FROM step t
      LEFT JOIN LATERAL (SELECT v.rollover_wh FROM energyledger.register_rollover v
                          WHERE v.meter = t.meter AND v.obis = t.obis
                          ORDER BY v.declared_at DESC, v.ledger_id DESC LIMIT 1) o ON true;
COMMENT ON VIEW energyledger.register_step IS
'stands of registers of energy in their order, each with the one before and what lies between: first, counted, rolled over (declare_rollover), exchanged (another meter: status X), decreased (no energy is made of it)';
COMMENT ON COLUMN energyledger.register_step.meter IS 'which meter';
COMMENT ON COLUMN energyledger.register_step.obis IS 'which register';
COMMENT ON COLUMN energyledger.register_step.at IS 'when it stood there';
COMMENT ON COLUMN energyledger.register_step.stand_wh IS 'the stand in Wh, exact';
COMMENT ON COLUMN energyledger.register_step.status IS 'G good, S substitute, X the first stand of another meter';
COMMENT ON COLUMN energyledger.register_step.epoch IS 'the message: its epoch';
COMMENT ON COLUMN energyledger.register_step.seq IS 'its sequence number';
COMMENT ON COLUMN energyledger.register_step.previous_at IS 'time of the stand before';
COMMENT ON COLUMN energyledger.register_step.previous_wh IS 'that stand in Wh';
COMMENT ON COLUMN energyledger.register_step.step IS 'first, counted, rolled over, exchanged or decreased';

-- ---------------------------------------------------------------- estimating

-- These run with their owner's rights: an operator gets EXECUTE on them and no
-- INSERT on the tables.  Who it was is the role that calls, not the owner.

CREATE FUNCTION energyledger.declare_rollover(meter text, obis text, rollover_wh bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    id bigint;
BEGIN
    IF meter IS NULL OR obis IS NULL OR rollover_wh IS NULL THEN
        RAISE EXCEPTION 'arguments of declare_rollover must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF energyledger.register_role(obis) = 'other' THEN
        RAISE EXCEPTION '"%" is no register of energy', obis USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF rollover_wh NOT BETWEEN 1 AND 4398046511104 THEN
        RAISE EXCEPTION 'rollover_wh is out of range' USING ERRCODE = 'numeric_value_out_of_range',
            DETAIL = format('It is %s; 1 to 4398046511104 are allowed.', rollover_wh);
    END IF;
    INSERT INTO energyledger.register_rollover (meter, obis, rollover_wh, declared_at, declared_by)
    VALUES (meter, obis, rollover_wh, clock_timestamp(), coalesce(nullif(current_setting('role'), 'none'), session_user))
    RETURNING ledger_id INTO id;
    RETURN id;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.declare_rollover(text, text, bigint) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.declare_rollover(text, text, bigint) IS
'Declares where a register starts again from 0, so that a stand below the one before can be told from a wrong one: it counts as rolled over where at most half of that range lies between the two. '
'meter, obis: which register; rollover_wh: the stand it never shows, in Wh, 1 to 2^42 (six digits of kWh: 1000000000). Result: the row''s ledger_id. '
'Errors: 22004 for NULL, 22023 for a register that counts no energy, 22003 for a rollover_wh out of range.';

CREATE FUNCTION energyledger.add_profile(profile text, since timestamptz, slot interval, weights bigint[]) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    added bigint;
BEGIN
    IF profile IS NULL OR since IS NULL OR slot IS NULL OR weights IS NULL THEN
        RAISE EXCEPTION 'arguments of add_profile must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF slot NOT IN (interval '15 minutes', interval '30 minutes', interval '1 hour')
       OR date_bin('15 minutes', since, 'epoch') <> since OR length(profile) NOT BETWEEN 1 AND 64 THEN
        RAISE EXCEPTION 'a profile has a name of 1 to 64 characters and slots of 15, 30 or 60 minutes that begin on a quarter of an hour'
            USING ERRCODE = 'invalid_parameter_value', DETAIL = format('It is "%s", %s from %s on.', profile, slot, since);
    END IF;
    IF array_ndims(weights) > 1 OR array_position(weights, NULL) IS NOT NULL OR cardinality(weights) NOT BETWEEN 1 AND 100000
       OR 0 > ANY (weights) THEN
        RAISE EXCEPTION 'weights must be 1 to 100000 numbers in one dimension, none of them negative' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    INSERT INTO energyledger.load_profile (profile, from_at, to_at, weight, recorded_at, recorded_by)
    SELECT profile, since + (w.n - 1) * slot, since + w.n * slot, w.weight, statement_timestamp(),
           coalesce(nullif(current_setting('role'), 'none'), session_user)
      FROM unnest(weights) WITH ORDINALITY w(weight, n);
    GET DIAGNOSTICS added = ROW_COUNT;
    RETURN added;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.add_profile(text, timestamptz, interval, bigint[]) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.add_profile(text, timestamptz, interval, bigint[]) IS
'Adds slots to a load profile. profile: name, 1 to 64 characters; since: start of the first slot, on a quarter of an hour; slot: 15, 30 or 60 minutes; '
'weights: energy in each slot from then on, in any unit, not below 0, at most 100000. A slot that is added again replaces the older; both stay. Result: number of slots. '
'Errors: 22004 for NULL, 22023 for a bad name, slot or array.';

-- The two that estimate() is made of.  They read with their caller's rights.

CREATE FUNCTION energyledger.slot_boundaries(since timestamptz, until timestamptz) RETURNS timestamptz[]
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    slots CONSTANT numeric := extract(epoch FROM until) / 900 - extract(epoch FROM since) / 900;
BEGIN
    -- a stand with a wrong clock makes a total that reaches to the end of time
    IF slots > 1000000 THEN
        RAISE EXCEPTION 'too many slots' USING ERRCODE = 'program_limit_exceeded',
            DETAIL = format('%s of 15 minutes lie between %s and %s; at most 1000000 are worked out at a time.', ceil(slots), since, until);
    END IF;
    RETURN (SELECT array_agg(t ORDER BY t) FROM generate_series(since, until, '15 minutes') t);
END
$$;
COMMENT ON FUNCTION energyledger.slot_boundaries(timestamptz, timestamptz) IS
'The times from since to until, both included, in steps of 15 minutes: boundaries for energy_between. NULL for NULL and where since is after until. Errors: 54000 for more than 1000000 of them.';

CREATE FUNCTION energyledger.estimate_slots(
    meter text, lo timestamptz, hi timestamptz, since timestamptz, until timestamptz, method text,
    only_direction text, profile text, reference_meter text, total_wh bigint)
RETURNS TABLE (direction text, from_at timestamptz, to_at timestamptz, energy_wh bigint, method_used text, source text, unweighted timestamptz)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off
-- times stand in source
SET timezone = 'UTC' SET datestyle = 'ISO'
AS $$
    WITH slot AS MATERIALIZED (
        SELECT e.*, row_number() OVER (PARTITION BY e.direction ORDER BY e.from_at) AS n
          FROM energyledger.energy_between($1, energyledger.slot_boundaries($2, $3), estimates => false) e
         WHERE $7 IS NULL OR e.direction = $7),
    open AS MATERIALIZED (
        SELECT s.*,
               s.n - row_number() OVER (PARTITION BY s.direction, s.linear_wh IS NULL ORDER BY s.n) AS gap,
               CASE WHEN s.known_from IS NOT NULL AND $6 = 'profile' THEN 'shared'
                    WHEN s.linear_wh IS NOT NULL THEN 'linear'
                    WHEN $10 IS NOT NULL THEN CASE WHEN s.from_at >= $4 AND s.from_at < $5 THEN 'given' END
                    WHEN $6 = 'linear' THEN 'interpolated' END AS kind
          FROM slot s WHERE s.energy_wh IS NULL),
    reference AS MATERIALIZED (
        SELECT r.direction, r.from_at, r.energy_wh::numeric AS weight
          FROM energyledger.interval_energy($9, $2, $3) r WHERE $9 IS NOT NULL),
    weighted AS (
        SELECT o.*, CASE WHEN o.kind = 'given' THEN $10 ELSE sum(o.linear_wh) OVER same END AS total,
               CASE WHEN $6 = 'linear' THEN 1 WHEN $9 IS NOT NULL THEN r.weight
                    -- a quarter's part of a slot of one, two or four quarters
                    ELSE div(p.weight::numeric * 3600, extract(epoch FROM p.to_at - p.from_at)) END AS weight
          FROM open o
          LEFT JOIN reference r ON r.direction = o.direction AND r.from_at = o.from_at
          LEFT JOIN LATERAL (
                   SELECT l.weight, l.from_at, l.to_at FROM energyledger.load_profile l
                    WHERE l.profile = $8 AND l.from_at <= o.from_at AND l.from_at > o.from_at - interval '1 hour' AND l.to_at >= o.to_at
                    ORDER BY l.recorded_at DESC, l.ledger_id DESC LIMIT 1) p ON true
         WHERE o.kind IN ('shared', 'given')
        WINDOW same AS (PARTITION BY o.direction, o.kind, o.known_from, o.known_to)),
    part AS (
        SELECT w.*, sum(w.weight) OVER same AS weights, bool_or(w.weight IS NULL) OVER same AS incomplete,
               min(w.from_at) FILTER (WHERE w.weight IS NULL) OVER same AS first_without
          FROM weighted w
        WINDOW same AS (PARTITION BY w.direction, w.kind, w.known_from, w.known_to)),
    share AS (
        SELECT p.*, p.incomplete OR p.weights = 0 AS unweighted_group,
               div(p.total * p.weight, nullif(p.weights, 0)) AS whole, mod(p.total * p.weight, nullif(p.weights, 0)) AS remainder
          FROM part p),
    ranked AS (
        SELECT h.*, h.total - sum(h.whole) OVER same AS rest,
               row_number() OVER (PARTITION BY h.direction, h.kind, h.known_from, h.known_to ORDER BY h.remainder DESC, h.from_at) AS place
          FROM share h
        WINDOW same AS (PARTITION BY h.direction, h.kind, h.known_from, h.known_to)),
    gap AS (
        SELECT o.*, count(*) OVER same AS slots, row_number() OVER (PARTITION BY o.direction, o.gap ORDER BY o.n) AS place,
               b.energy_wh AS before_wh, a.energy_wh AS after_wh
          FROM (SELECT o.*, min(o.n) OVER same AS first_n, max(o.n) OVER same AS last_n FROM open o
                 WHERE o.kind = 'interpolated' WINDOW same AS (PARTITION BY o.direction, o.gap)) o
          JOIN slot b ON b.direction = o.direction AND b.n = o.first_n - 1
          JOIN slot a ON a.direction = o.direction AND a.n = o.last_n + 1
        WINDOW same AS (PARTITION BY o.direction, o.gap))
    SELECT r.direction, r.from_at, r.to_at, CASE WHEN r.total = 0 THEN 0 WHEN NOT r.unweighted_group THEN (r.whole + (r.place <= r.rest)::int)::bigint END,
           CASE $6 WHEN 'linear' THEN 'linear' ELSE 'profile' END,
           CASE r.kind WHEN 'shared' THEN format('%s Wh known from %s to %s', r.known_wh, r.known_from, r.known_to)
                ELSE format('%s Wh given', $10) END
           || CASE WHEN $8 IS NOT NULL THEN format(', by profile %s', $8) WHEN $9 IS NOT NULL THEN format(', by meter %s', $9) ELSE '' END,
           CASE WHEN r.total > 0 AND r.unweighted_group THEN coalesce(r.first_without, r.from_at) END
      FROM ranked r
    UNION ALL
    SELECT o.direction, o.from_at, o.to_at, o.linear_wh, 'linear',
           CASE WHEN o.known_from IS NULL THEN 'readings that meet in the slot'
                ELSE format('%s Wh known from %s to %s', o.known_wh, o.known_from, o.known_to) END, NULL
      FROM open o WHERE o.kind = 'linear'
    UNION ALL
    SELECT g.direction, g.from_at, g.to_at, div(2 * (g.before_wh::numeric * (g.slots + 1 - g.place) + g.after_wh::numeric * g.place) + g.slots + 1, 2 * (g.slots + 1))::bigint,
           'interpolated', format('%s Wh before, %s Wh after', g.before_wh, g.after_wh), NULL
      FROM gap g WHERE g.slots <= 8 AND g.before_wh IS NOT NULL AND g.after_wh IS NOT NULL
$$;
COMMENT ON FUNCTION energyledger.estimate_slots(text, timestamptz, timestamptz, timestamptz, timestamptz, text, text, text, text, bigint) IS
'What estimate() would write for the slots of [lo, hi), shares worked out over all of it, a total that is given over [since, until); unweighted: a slot of the same total that has no weight, the slot itself where all are 0. Arguments and errors as estimate().';

CREATE FUNCTION energyledger.estimate(
    meter text,
    since timestamptz,
    until timestamptz,
    method text,
    direction text DEFAULT NULL,
    profile text DEFAULT NULL,
    reference_meter text DEFAULT NULL,
    total_wh bigint DEFAULT NULL,
    replace boolean DEFAULT false,
    reason text DEFAULT NULL)
RETURNS SETOF energyledger.energy_estimate
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    -- a gap without a known total is interpolated up to this length
    gap_max CONSTANT interval := '2 hours';
    quarter CONSTANT interval := '15 minutes';
    lo timestamptz := estimate.since;
    hi timestamptz := estimate.until;
    unweighted timestamptz;
BEGIN
    IF estimate.meter IS NULL OR estimate.since IS NULL OR estimate.until IS NULL OR estimate.method IS NULL OR estimate.replace IS NULL THEN
        RAISE EXCEPTION 'meter, since, until, method and replace must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF NOT EXISTS (SELECT FROM energyledger.meter_current m WHERE m.meter = estimate.meter) THEN
        RAISE EXCEPTION 'meter "%" is not registered', estimate.meter USING ERRCODE = 'no_data_found';
    END IF;
    IF estimate.since >= estimate.until OR NOT isfinite(estimate.since) OR NOT isfinite(estimate.until) OR date_bin(quarter, estimate.since, 'epoch') <> estimate.since
       OR date_bin(quarter, estimate.until, 'epoch') <> estimate.until THEN
        RAISE EXCEPTION '"since" and "until" must be ends of 15-minute slots, in this order'
            USING ERRCODE = 'invalid_parameter_value', DETAIL = format('They are %s and %s.', estimate.since, estimate.until);
    END IF;
    IF estimate.method NOT IN ('linear', 'profile') OR estimate.direction NOT IN ('import', 'export') THEN
        RAISE EXCEPTION 'the method must be linear or profile, the direction import, export or NULL'
            USING ERRCODE = 'invalid_parameter_value', DETAIL = format('They are %s and %s.', estimate.method, estimate.direction);
    END IF;
    IF num_nonnulls(estimate.profile, estimate.reference_meter) <> (estimate.method = 'profile')::int THEN
        RAISE EXCEPTION 'method profile takes either a profile or a reference meter, method linear neither'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF estimate.total_wh IS NOT NULL AND (estimate.direction IS NULL OR estimate.total_wh < 0) THEN
        RAISE EXCEPTION 'a total needs a direction and must not be negative' USING ERRCODE = 'invalid_parameter_value';
    END IF;

    IF octet_length(estimate.reason) > 1000 THEN
        RAISE EXCEPTION 'the reason of an estimate is too long' USING ERRCODE = 'string_data_right_truncation',
            DETAIL = format('It has %s bytes; at most 1000 are kept.', octet_length(estimate.reason));
    END IF;

    -- As far as the known totals reach, so that a part of a gap gets what it would get
    -- with the whole of it; and far enough to see how long other gaps are.
    SELECT least(lo, min(e.known_from)), greatest(hi, max(e.known_to)) INTO lo, hi
      FROM energyledger.energy_between(estimate.meter, energyledger.slot_boundaries(lo, hi), estimates => false) e
     WHERE e.energy_wh IS NULL AND (estimate.direction IS NULL OR e.direction = estimate.direction);
    lo := date_bin(quarter, lo, 'epoch') - gap_max - quarter;
    hi := date_bin(quarter, hi + quarter - interval '1 microsecond', 'epoch') + gap_max + quarter;

    FOR unweighted IN
        SELECT s.unweighted FROM energyledger.estimate_slots(estimate.meter, lo, hi, estimate.since, estimate.until, estimate.method,
                   estimate.direction, estimate.profile, estimate.reference_meter, estimate.total_wh) s
         WHERE s.unweighted IS NOT NULL AND s.from_at >= estimate.since AND s.from_at < estimate.until LIMIT 1
    LOOP
        RAISE EXCEPTION '% has no weight for the slot of %', coalesce('profile "' || estimate.profile || '"', 'meter "' || estimate.reference_meter || '"'), unweighted
            USING ERRCODE = 'invalid_parameter_value', DETAIL = 'Each slot over which a total is shared out needs one, and they must not all be 0.';
    END LOOP;

    RETURN QUERY
    INSERT INTO energyledger.energy_estimate AS made
           (meter, direction, from_at, to_at, energy_wh, method, source, reason, estimated_at, estimated_by)
    SELECT estimate.meter, s.direction, s.from_at, s.to_at, s.energy_wh, s.method_used, s.source, estimate.reason,
           statement_timestamp(), coalesce(nullif(current_setting('role'), 'none'), session_user)
      FROM energyledger.estimate_slots(estimate.meter, lo, hi, estimate.since, estimate.until, estimate.method,
               estimate.direction, estimate.profile, estimate.reference_meter, estimate.total_wh) s
     WHERE s.from_at >= estimate.since AND s.from_at < estimate.until AND s.energy_wh IS NOT NULL
       AND (estimate.replace OR NOT EXISTS (
               SELECT FROM energyledger.energy_estimate x
                WHERE x.meter = estimate.meter AND x.direction = s.direction AND x.from_at = s.from_at AND x.to_at = s.to_at))
     ORDER BY s.direction, s.from_at
    RETURNING made.*;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.estimate(text, timestamptz, timestamptz, text, text, text, text, bigint, boolean, text) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.estimate(text, timestamptz, timestamptz, text, text, text, text, bigint, boolean, text) IS
'Estimates the energy of a meter''s slots that are missing or conflicting, and writes it to energy_estimate. A measured value is never touched, and counts as soon as there is one. '
'meter: a registered one; since, until: ends of 15-minute slots; direction: import, export, NULL: both. '
'method linear: where a total is known (between two stands, or of a longer reading), an even share of it; elsewhere, in gaps of up to 2 hours, on the line between the slots before and after. '
'method profile: where a total is known, a share of it by the weights of a profile (load_profile), or by the energy of reference_meter in the same slots and direction. '
'total_wh: what to share out over the slots for which no total is known, in the direction named; without it those that nothing tells about stay missing. '
'replace: estimate again where there are estimates; reason: at most 1000 bytes. Shares are whole Wh and add up to the total: largest remainder, then the earliest slot. '
'Result: the rows written. Errors: 22004 for a NULL in meter, since, until, method or replace; P0002 for a meter that is not registered; 22023 for bad times, method, direction or combination of arguments, '
'and where a weight is missing or all are 0; 22001 for a reason too long; 54000 for too many slots, known totals that reach beyond the time asked about included. Rules: doc/energy.md.';
