/*
 * baseline.sql: what a meter would have taken, had nobody asked it to take less: of its
 * other days or hours, by rules that markets use.  Rules: doc/baseline.md.
 *
 * One function that reads, and a table of days that are no measure.  All of it is in whole
 * numbers: sums and counts are kept apart until the one rounding at the end.
 */

CREATE TABLE energyledger.baseline_exclusion (
    meter       text COLLATE "C" CHECK (energyledger.identifier_valid(meter)),
    from_at     timestamptz NOT NULL CHECK (isfinite(from_at)),
    to_at       timestamptz NOT NULL CHECK (to_at > from_at AND isfinite(to_at)),
    reason      text NOT NULL CHECK (octet_length(reason) BETWEEN 1 AND 1000),
    withdrawn   boolean NOT NULL,
    recorded_at timestamptz NOT NULL,
    recorded_by text NOT NULL
) USING ledger;
CREATE INDEX baseline_exclusion_meter_idx ON energyledger.baseline_exclusion (meter, from_at);
COMMENT ON TABLE energyledger.baseline_exclusion IS
'times that make their days no measure for baselines: events, outages, holidays. Of the rows with the same meter and times the newest counts. Written by exclude_from_baseline()';
COMMENT ON COLUMN energyledger.baseline_exclusion.meter IS 'which meter; NULL: all, as for a holiday';
COMMENT ON COLUMN energyledger.baseline_exclusion.from_at IS 'start';
COMMENT ON COLUMN energyledger.baseline_exclusion.to_at IS 'end, not part of it';
COMMENT ON COLUMN energyledger.baseline_exclusion.reason IS 'why: event, outage, holiday, in the words of who wrote it, at most 1000 bytes';
COMMENT ON COLUMN energyledger.baseline_exclusion.withdrawn IS 'it is not excluded after all';
COMMENT ON COLUMN energyledger.baseline_exclusion.recorded_at IS 'when it was written';
COMMENT ON COLUMN energyledger.baseline_exclusion.recorded_by IS 'by which role';
COMMENT ON COLUMN energyledger.baseline_exclusion.ledger_id IS 'assigned by the ledger: site, then a counter';
COMMENT ON INDEX energyledger.baseline_exclusion_meter_idx IS 'a meter''s exclusions by time, and those of all';
SELECT pg_catalog.pg_extension_config_dump('energyledger.baseline_exclusion', '');

CREATE FUNCTION energyledger.exclude_from_baseline(meter text, since timestamptz, until timestamptz, reason text, withdrawn boolean DEFAULT false)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    written bigint;
BEGIN
    IF since IS NULL OR until IS NULL OR reason IS NULL OR withdrawn IS NULL THEN
        RAISE EXCEPTION 'arguments of exclude_from_baseline other than meter must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF NOT energyledger.identifier_valid(meter) THEN
        RAISE EXCEPTION '"%" is no name for a meter', meter USING ERRCODE = 'invalid_parameter_value', DETAIL = 'It must have 1 to 64 of A-Z a-z 0-9 . _ : -.';
    END IF;
    IF NOT isfinite(since) OR NOT isfinite(until) OR since >= until THEN
        RAISE EXCEPTION 'since must be before until, and both finite' USING ERRCODE = 'invalid_parameter_value', DETAIL = format('They are %s and %s.', since, until);
    END IF;
    IF octet_length(reason) NOT BETWEEN 1 AND 1000 THEN
        RAISE EXCEPTION 'reason must have 1 to 1000 bytes'
            USING ERRCODE = CASE reason WHEN '' THEN 'invalid_parameter_value' ELSE 'string_data_right_truncation' END, DETAIL = format('It has %s.', octet_length(reason));
    END IF;
    INSERT INTO energyledger.baseline_exclusion AS e (meter, from_at, to_at, reason, withdrawn, recorded_at, recorded_by)
    VALUES ($1, $2, $3, $4, $5, clock_timestamp(), coalesce(nullif(current_setting('role'), 'none'), session_user))
    RETURNING e.ledger_id INTO written;
    RETURN written;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.exclude_from_baseline(text, timestamptz, timestamptz, text, boolean) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.exclude_from_baseline(text, timestamptz, timestamptz, text, boolean) IS
'Says that the days that a time touches are no measure for baselines: events, outages, holidays. meter: NULL: for all meters; since, until: the time; reason: 1 to 1000 bytes; withdrawn: true takes back what was written with the same meter and times. '
'Result: the ledger_id of its row in baseline_exclusion. Errors: 22004 for NULL other than meter, 22023 for a bad name, times or an empty reason, 22001 for a reason too long.';

-- Which slots a rule looks at, by where they are from the event: a row each.
CREATE FUNCTION energyledger.baseline_slots(since timestamptz, until timestamptz, time_zone text, shape text, adjust boolean, adjust_length interval, adjust_gap interval)
RETURNS TABLE (part text, from_at timestamptz, wall timestamp)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH day AS (SELECT date_trunc('day', $1 AT TIME ZONE $3) AS midnight)
    SELECT s.part, s.at, s.at AT TIME ZONE $3
      FROM (SELECT 'event' AS part, t.at FROM generate_series($1, $2 - interval '15 minutes', interval '15 minutes') t(at)
            UNION ALL
            SELECT 'adjust', t.at FROM generate_series($1 - $7 - $6, $1 - $7 - interval '15 minutes', interval '15 minutes') t(at) WHERE $5
            UNION ALL
            SELECT 'outside', t.at FROM day, generate_series(day.midnight AT TIME ZONE $3, ((day.midnight + interval '1 day') AT TIME ZONE $3) - interval '15 minutes', interval '15 minutes') t(at)
             WHERE $4 = 'match' AND (t.at < $1 - interval '1 hour' OR t.at >= $2 + interval '1 hour')
            UNION ALL
            SELECT 'beside', t.at FROM generate_series($1 - interval '4 hours', $2 + interval '2 hours 45 minutes', interval '15 minutes') t(at)
             WHERE $4 = 'same_day' AND (t.at < $1 - interval '1 hour' OR t.at >= $2 + interval '1 hour')) s
$$;
COMMENT ON FUNCTION energyledger.baseline_slots(timestamptz, timestamptz, text, text, boolean, interval, interval) IS
'The slots that baseline() looks at, for it: part event, adjust, outside (of a day that is to match) or beside (hours of the same day), their starts and their local wall time. Arguments as baseline() has checked them.';

CREATE FUNCTION energyledger.baseline(
    meter text, method text, slot timestamptz, until timestamptz DEFAULT NULL, time_zone text DEFAULT 'UTC', x integer DEFAULT NULL, y integer DEFAULT NULL,
    adjustment text DEFAULT NULL, cap_ppm integer DEFAULT NULL, adjust_length interval DEFAULT '2 hours', adjust_gap interval DEFAULT '0',
    direction text DEFAULT 'import', look_back_days integer DEFAULT 60, known_at timestamptz DEFAULT NULL)
RETURNS TABLE (from_at timestamptz, to_at timestamptz, baseline_wh bigint, unadjusted_wh bigint, days date[], reason text)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 20
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    since CONSTANT timestamptz := slot;
    ends CONSTANT timestamptz := coalesce(until, slot + interval '15 minutes');
    shape text;
    adjust text;
    cap integer := cap_ppm;
    use_days integer := x;
    of_days integer := y;
    midnight timestamp;
BEGIN
    IF meter IS NULL OR method IS NULL OR slot IS NULL OR time_zone IS NULL OR adjust_length IS NULL OR adjust_gap IS NULL OR direction IS NULL OR look_back_days IS NULL THEN
        RAISE EXCEPTION 'arguments of baseline other than until, x, y, adjustment, cap_ppm and known_at must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    SELECT m.shape, coalesce($6, m.x), coalesce($7, m.y), coalesce($8, m.adjustment), coalesce($9, CASE WHEN coalesce($8, m.adjustment) = 'multiplicative' THEN m.cap END)
      INTO shape, use_days, of_days, adjust, cap
      FROM (VALUES ('high_x_of_y', 'high', NULL, NULL, 'none', NULL), ('middle_x_of_y', 'middle', 8, 10, 'none', NULL),
                   ('caiso_10_of_10', 'high', 10, 10, 'multiplicative', 200000), ('ercot_mid_8_of_10', 'middle', 8, 10, 'multiplicative', NULL),
                   ('pjm_3_plus_2', 'same_day', NULL, NULL, 'none', NULL), ('pjm_match_day', 'match', 3, NULL, 'none', NULL)) m(name, shape, x, y, adjustment, cap)
     WHERE m.name = $2;
    IF shape IS NULL THEN
        RAISE EXCEPTION 'no baseline method "%"', method USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Use high_x_of_y, middle_x_of_y, caiso_10_of_10, ercot_mid_8_of_10, pjm_3_plus_2 or pjm_match_day.';
    END IF;
    IF direction NOT IN ('import', 'export') THEN
        RAISE EXCEPTION 'no direction "%"', direction USING ERRCODE = 'invalid_parameter_value', HINT = 'Use import or export.';
    END IF;
    IF look_back_days NOT BETWEEN 1 AND 366 THEN
        RAISE EXCEPTION 'look_back_days must be 1 to 366' USING ERRCODE = 'numeric_value_out_of_range', DETAIL = format('It is %s.', look_back_days);
    END IF;
    IF NOT isfinite(since) OR NOT isfinite(ends) OR since >= ends OR extract(epoch FROM since) % 900 <> 0 OR extract(epoch FROM ends) % 900 <> 0 THEN
        RAISE EXCEPTION 'the event must begin before it ends, both on ends of 15-minute slots' USING ERRCODE = 'invalid_parameter_value',
            DETAIL = format('It is from %s to %s.', since, ends);
    END IF;
    midnight := date_trunc('day', since AT TIME ZONE time_zone);
    IF ends AT TIME ZONE time_zone > midnight + interval '1 day' OR ends - since > interval '25 hours' THEN
        RAISE EXCEPTION 'the event must be on one day' USING ERRCODE = 'invalid_parameter_value',
            DETAIL = format('It is from %s to %s in time zone %s.', since AT TIME ZONE time_zone, ends AT TIME ZONE time_zone, time_zone);
    END IF;
    IF adjust NOT IN ('none', 'additive', 'multiplicative') OR (adjust <> 'none' AND shape = 'same_day') THEN
        RAISE EXCEPTION 'no adjustment "%" of method "%"', adjust, method USING ERRCODE = 'invalid_parameter_value',
            HINT = CASE WHEN shape = 'same_day' THEN 'Use none.' ELSE 'Use none, additive or multiplicative.' END;
    END IF;
    IF cap IS NOT NULL AND (adjust <> 'multiplicative' OR cap NOT BETWEEN 0 AND 1000000) THEN
        RAISE EXCEPTION 'cap_ppm must be 0 to 1000000, with a multiplicative adjustment' USING ERRCODE = 'invalid_parameter_value',
            DETAIL = format('It is %s, the adjustment is %s.', cap, adjust);
    END IF;
    IF adjust <> 'none' AND (adjust_length < interval '15 minutes' OR adjust_length > interval '24 hours' OR adjust_gap < interval '0' OR adjust_gap > interval '24 hours'
            OR extract(epoch FROM adjust_length) % 900 <> 0 OR extract(epoch FROM adjust_gap) % 900 <> 0) THEN
        RAISE EXCEPTION 'the adjustment''s window must be of 15-minute slots, 15 minutes to 24 hours long, and end up to 24 hours before the event' USING ERRCODE = 'invalid_parameter_value',
            DETAIL = format('It is %s long and ends %s before the event.', adjust_length, adjust_gap);
    END IF;
    IF shape = 'same_day' THEN
        IF use_days IS NOT NULL OR of_days IS NOT NULL THEN
            RAISE EXCEPTION 'method "%" has no x and y', method USING ERRCODE = 'invalid_parameter_value';
        END IF;
    ELSIF use_days IS NULL OR (of_days IS NULL AND shape <> 'match') OR use_days < 1 OR use_days > of_days OR of_days > 366 OR use_days > 366
            OR (shape = 'middle' AND (of_days - use_days) % 2 <> 0) THEN
        RAISE EXCEPTION 'x days of y must be 1 to y, and y at most 366; of the middle as many are left out above as below' USING ERRCODE = 'invalid_parameter_value',
            DETAIL = format('They are %s of %s.', coalesce(use_days::text, 'NULL'), coalesce(of_days::text, 'NULL'));
    END IF;

    RETURN QUERY
    WITH looked_at AS MATERIALIZED (
        SELECT s.part, s.from_at, s.wall FROM energyledger.baseline_slots(since, ends, $5, shape, adjust <> 'none', $10, $11) s),
    energy AS MATERIALIZED (
        SELECT e.from_at, e.energy_wh::numeric AS wh
          FROM energyledger.interval_energy($1, date_bin('15 minutes', since - ($13 + 3) * interval '24 hours', 'epoch'),
                   (SELECT max(l.from_at) + interval '15 minutes' FROM looked_at l), known_at => $14) e
         WHERE e.direction = $12 AND e.energy_wh IS NOT NULL),
    -- the event's own day, as far as the rule needs it
    own AS (
        SELECT l.part, l.from_at, l.wall, e.wh FROM looked_at l LEFT JOIN energy e ON e.from_at = l.from_at),
    excluded AS (
        SELECT n.from_at, n.to_at
          FROM (SELECT DISTINCT ON (b.meter, b.from_at, b.to_at) b.from_at, b.to_at, b.withdrawn FROM energyledger.baseline_exclusion b
                 WHERE (b.meter = $1 OR b.meter IS NULL) AND b.from_at < since AND ($14 IS NULL OR b.recorded_at <= $14)
                 ORDER BY b.meter, b.from_at, b.to_at, b.recorded_at DESC, b.ledger_id DESC) n
         WHERE NOT n.withdrawn),
    candidate AS (
        SELECT midnight::date - n AS day, -n AS shift
          FROM generate_series(1, $13) n
         WHERE shape <> 'same_day' AND (extract(isodow FROM midnight::date - n) >= 6) = (extract(isodow FROM midnight) >= 6)
           AND NOT EXISTS (SELECT FROM excluded x WHERE x.from_at < ((midnight::date - n + 1)::timestamp AT TIME ZONE $5)
                                                     AND x.to_at > ((midnight::date - n)::timestamp AT TIME ZONE $5))),
    -- the same wall time on another day: not there where the clock jumps over it, nor where it has it twice
    there AS (
        SELECT c.day, l.part, l.from_at AS own_from, i.at,
               i.at AT TIME ZONE $5 = l.wall + c.shift * interval '1 day'
               AND NOT EXISTS (SELECT FROM unnest('{-1:00, -0:30, 0:30, 1:00}'::interval[]) t(jump) WHERE (i.at + t.jump) AT TIME ZONE $5 = l.wall + c.shift * interval '1 day') AS once
          FROM candidate c CROSS JOIN looked_at l
         CROSS JOIN LATERAL (SELECT (l.wall + c.shift * interval '1 day') AT TIME ZONE $5) i(at)),
    other AS MATERIALIZED (
        SELECT t.day, t.part, t.own_from, CASE WHEN t.once THEN e.wh END AS wh FROM there t LEFT JOIN energy e ON e.from_at = t.at),
    eligible AS (
        SELECT o.day, sum(o.wh) FILTER (WHERE o.part = 'event') AS load, sum(o.wh) FILTER (WHERE o.part = 'adjust') AS before,
               sum((o.wh - w.wh) * (o.wh - w.wh)) FILTER (WHERE o.part = 'outside') AS distance
          FROM other o LEFT JOIN own w ON w.part = o.part AND w.from_at = o.own_from AND o.part = 'outside'
         GROUP BY o.day HAVING bool_and(o.wh IS NOT NULL)),
    recent AS (
        SELECT e.*, row_number() OVER (ORDER BY e.load DESC, e.day DESC) AS high, row_number() OVER (ORDER BY e.distance, e.day DESC) AS near, count(*) OVER () AS found
          FROM (SELECT * FROM eligible e ORDER BY e.day DESC LIMIT of_days) e),
    chosen AS MATERIALIZED (
        SELECT r.day, r.before FROM recent r
         WHERE r.found >= coalesce(of_days, use_days)
           AND CASE shape WHEN 'high' THEN r.high <= use_days
                          WHEN 'middle' THEN r.high > (of_days - use_days) / 2 AND r.high <= (of_days + use_days) / 2
                          ELSE r.near <= use_days END),
    summed AS (
        SELECT l.from_at, CASE WHEN shape = 'same_day' THEN (SELECT sum(w.wh) FROM own w WHERE w.part = 'beside')
                               ELSE (SELECT sum(o.wh) FROM other o JOIN chosen c ON c.day = o.day WHERE o.part = 'event' AND o.own_from = l.from_at) END AS total
          FROM looked_at l WHERE l.part = 'event'),
    -- numbers of the whole: how many the totals are of; the adjustment window then and on the days
    whole AS (
        SELECT CASE WHEN shape = 'same_day' THEN (SELECT count(*) FROM own w WHERE w.part = 'beside')::numeric ELSE use_days END AS of,
               (SELECT count(*) FROM own w WHERE w.part = 'adjust')::numeric AS n, (SELECT sum(w.wh) FROM own w WHERE w.part = 'adjust') AS now_wh, (SELECT sum(c.before) FROM chosen c) AS then_wh,
               (SELECT array_agg(c.day ORDER BY c.day) FROM chosen c) AS days,
               CASE WHEN EXISTS (SELECT FROM own w WHERE w.part IN ('outside', 'beside') AND w.wh IS NULL) THEN 'day_unknown'
                    WHEN shape <> 'same_day' AND NOT EXISTS (SELECT FROM chosen) THEN 'few_days'
                    WHEN EXISTS (SELECT FROM own w WHERE w.part = 'adjust' AND w.wh IS NULL) THEN 'adjustment_unknown' END AS reason),
    -- baseline = total * factor / below, then one rounding, halves up
    fraction AS (
        SELECT s.from_at, s.total, w.of, w.days, w.reason,
               CASE WHEN w.reason IS NOT NULL THEN NULL
                    WHEN adjust = 'additive' THEN s.total * w.n + greatest(w.now_wh * w.of - w.then_wh, 0)
                    WHEN adjust = 'multiplicative' AND w.then_wh > 0 THEN s.total *
                         CASE WHEN w.now_wh * w.of * 1000000 > w.then_wh * (1000000 + cap) THEN 1000000 + cap
                              WHEN w.now_wh * w.of * 1000000 < w.then_wh * (1000000 - cap) THEN 1000000 - cap ELSE w.now_wh * w.of END
                    ELSE s.total END AS above,
               CASE WHEN adjust = 'additive' THEN w.n * w.of
                    WHEN adjust = 'multiplicative' AND w.then_wh > 0 THEN w.of *
                         CASE WHEN w.now_wh * w.of * 1000000 > w.then_wh * (1000000 + cap) OR w.now_wh * w.of * 1000000 < w.then_wh * (1000000 - cap) THEN 1000000 ELSE w.then_wh END
                    ELSE w.of END AS below
          FROM summed s CROSS JOIN whole w)
    SELECT f.from_at, f.from_at + interval '15 minutes', div(2 * f.above + f.below, 2 * f.below)::bigint,
           CASE WHEN f.reason IS NULL OR f.reason = 'adjustment_unknown' THEN div(2 * f.total + f.of, 2 * f.of)::bigint END, f.days, f.reason
      FROM fraction f ORDER BY f.from_at;
END
$$;
COMMENT ON FUNCTION energyledger.baseline(text, text, timestamptz, timestamptz, text, integer, integer, text, integer, interval, interval, text, integer, timestamptz) IS
'What a meter would have taken in the 15-minute slots of an event, by its other days. meter: its name; slot, until: the event, on one local day; until NULL: one slot; time_zone: whose wall times and weekdays count; '
'method: high_x_of_y (the x with the highest load in the event''s time, of the y latest eligible days), middle_x_of_y (8 of 10), caiso_10_of_10, ercot_mid_8_of_10, pjm_match_day (the x, 3, most like the event''s day outside of it), '
'pjm_3_plus_2 (3 hours before and 2 hours after the event, an hour away). x, y, adjustment, cap_ppm: NULL: the method''s; adjustment: none, additive (never below zero), multiplicative (at most cap_ppm millionths up or down), by the energy in a window of adjust_length that ends adjust_gap before the event; '
'direction: import or export; look_back_days: 1 to 366; known_at: as interval_energy. Eligible days are of the same kind (Monday to Friday, or Saturday and Sunday), are not in baseline_exclusion, and have energy in every slot that is looked at. '
'baseline_wh: rounded once, halves up; unadjusted_wh: without the adjustment; days: those that were used; reason: NULL, or why there is no baseline: few_days, adjustment_unknown, day_unknown. '
'Needs SELECT on baseline_exclusion and what interval_energy reads. Errors: 22004 for NULL, 22023 for a bad method, time, zone or option, 22003 for a number out of range. Rules: doc/baseline.md.';
