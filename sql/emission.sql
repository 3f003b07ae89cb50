/*
 * emission.sql: what a party's consumption emitted: by the grid it came from, and by the
 * certificates that were claimed against it.
 *
 * Wh times mg/kWh are micrograms, exactly: hours are told in these, and a total is rounded to
 * milligrams once.  What is not known is counted apart and never taken for 0; no factor
 * stands in for another.  Rules: GHG Protocol Scope 2 Guidance, doc/emissions.md.
 */

CREATE TABLE energyledger.emission_factor (
    zone        text COLLATE "C" NOT NULL CHECK (energyledger.identifier_valid(zone)),
    kind        text COLLATE "C" NOT NULL CHECK (kind IN ('location', 'residual')),
    from_at     timestamptz NOT NULL CHECK (date_trunc('hour', from_at, 'UTC') = from_at),
    to_at       timestamptz CHECK (date_trunc('hour', to_at, 'UTC') = to_at),
    mg_per_kwh  bigint NOT NULL CHECK (mg_per_kwh BETWEEN 0 AND 100000000),
    source      text NOT NULL CHECK (octet_length(source) BETWEEN 1 AND 200),
    recorded_at timestamptz NOT NULL,
    recorded_by text NOT NULL,
    CONSTRAINT emission_factor_period_check CHECK (to_at > from_at)
) USING ledger;
CREATE INDEX emission_factor_idx ON energyledger.emission_factor (zone, kind, recorded_at, ledger_id);
COMMENT ON TABLE energyledger.emission_factor IS 'what a kWh from the grid of a zone emits; of the rows of a zone, kind and hour the newest counts. Written by add_emission_factor()';
COMMENT ON COLUMN energyledger.emission_factor.zone IS 'zone of the grid: meter.grid_zone';
COMMENT ON COLUMN energyledger.emission_factor.kind IS 'location: of all that the grid delivers; residual: of what is left of it without what certificates tell';
COMMENT ON COLUMN energyledger.emission_factor.from_at IS 'the first hour that it is for, in UTC';
COMMENT ON COLUMN energyledger.emission_factor.to_at IS 'the end of the last, not part of it; NULL: until further notice';
COMMENT ON COLUMN energyledger.emission_factor.mg_per_kwh IS 'CO2 equivalent in mg per kWh consumed';
COMMENT ON COLUMN energyledger.emission_factor.source IS 'who says so: 1 to 200 bytes';
COMMENT ON COLUMN energyledger.emission_factor.recorded_at IS 'when this row was written';
COMMENT ON COLUMN energyledger.emission_factor.recorded_by IS 'by which role';
COMMENT ON COLUMN energyledger.emission_factor.ledger_id IS 'assigned by the ledger: site, then a counter';
COMMENT ON INDEX energyledger.emission_factor_idx IS 'a zone''s factors, the newest last';
SELECT pg_catalog.pg_extension_config_dump('energyledger.emission_factor', '');

CREATE FUNCTION energyledger.add_emission_factor(
    zone text,
    kind text,
    mg_per_kwh bigint,
    from_at timestamptz,
    to_at timestamptz,
    source text)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    id bigint;
BEGIN
    IF num_nulls(zone, kind, mg_per_kwh, from_at, source) > 0 THEN
        RAISE EXCEPTION 'zone, kind, mg_per_kwh, from_at and source of an emission factor must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF NOT energyledger.identifier_valid(zone) THEN
        RAISE EXCEPTION '"%" is no name for a zone', zone USING ERRCODE = 'invalid_parameter_value', DETAIL = 'It must have 1 to 64 of A-Z a-z 0-9 . _ : -.';
    END IF;
    IF kind NOT IN ('location', 'residual') THEN
        RAISE EXCEPTION 'emission factors are of kind location or residual' USING ERRCODE = 'invalid_parameter_value', DETAIL = format('It is "%s".', kind);
    END IF;
    IF mg_per_kwh NOT BETWEEN 0 AND 100000000 THEN
        RAISE EXCEPTION 'an emission factor must be 0 to 100000000 mg per kWh' USING ERRCODE = 'numeric_value_out_of_range', DETAIL = format('It is %s.', mg_per_kwh);
    END IF;
    IF octet_length(source) NOT BETWEEN 1 AND 200 THEN
        RAISE EXCEPTION 'a source must have 1 to 200 bytes' USING ERRCODE = CASE WHEN source = '' THEN 'invalid_parameter_value' ELSE 'string_data_right_truncation' END;
    END IF;
    IF NOT isfinite(from_at) OR NOT isfinite(coalesce(to_at, from_at)) OR to_at <= from_at
       OR date_trunc('hour', from_at, 'UTC') <> from_at OR date_trunc('hour', to_at, 'UTC') <> to_at THEN
        RAISE EXCEPTION 'an emission factor is for full hours of UTC' USING ERRCODE = 'invalid_parameter_value', DETAIL = format('It is for %s to %s.', from_at, coalesce(to_at::text, 'further notice'));
    END IF;
    INSERT INTO energyledger.emission_factor (zone, kind, from_at, to_at, mg_per_kwh, source, recorded_at, recorded_by)
    VALUES (zone, kind, from_at, to_at, mg_per_kwh, source, clock_timestamp(), coalesce(nullif(current_setting('role'), 'none'), session_user))
    RETURNING ledger_id INTO id;
    RETURN id;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.add_emission_factor(text, text, bigint, timestamptz, timestamptz, text) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.add_emission_factor(text, text, bigint, timestamptz, timestamptz, text) IS
'Says what a kWh from the grid of a zone emits; it counts from now on for its hours, whatever was said before. zone: meter.grid_zone; kind: location (all that the grid delivers) or residual (what is left without what certificates tell); mg_per_kwh: CO2 equivalent, 0 to 100000000; '
'from_at, to_at: full hours of UTC, the end not part of it, NULL: until further notice; source: 1 to 200 bytes. Result: the row''s ledger_id. Errors: 22004 for NULL, 22023 for a bad name, kind or time and an empty source, 22003 for a factor out of range, 22001 for a source too long. Rule: GHG Protocol Scope 2 Guidance.';

CREATE FUNCTION energyledger.emission_mg_per_kwh(zone text, kind text, hour timestamptz)
RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT f.mg_per_kwh FROM energyledger.emission_factor f
     WHERE f.zone = $1 AND f.kind = $2 AND f.from_at <= $3 AND (f.to_at IS NULL OR f.to_at > $3)
     ORDER BY f.recorded_at DESC, f.ledger_id DESC LIMIT 1
$$;
COMMENT ON FUNCTION energyledger.emission_mg_per_kwh(text, text, timestamptz) IS
'The emission factor that counts: CO2 equivalent in mg per kWh. zone; kind: location or residual; hour: a time. NULL where none was said, and for NULL. Needs SELECT on emission_factor. No errors.';

CREATE FUNCTION energyledger.emission_hours(party text, since timestamptz, until timestamptz)
RETURNS TABLE (meter text, hour timestamptz, zone text, consumption_wh bigint, location_mg_per_kwh bigint, location_ug numeric,
               claimed_wh bigint, claimed_unknown_wh bigint, claimed_ug numeric, unclaimed_wh bigint, residual_mg_per_kwh bigint, unclaimed_ug numeric, market_ug numeric)
LANGUAGE plpgsql STABLE ROWS 1000
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
BEGIN
    IF num_nulls(party, since, until) > 0 THEN
        RAISE EXCEPTION 'party, since and until must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF NOT isfinite(since) OR NOT isfinite(until) OR since >= until OR until - since > interval '400 days'
       OR date_trunc('hour', since, 'UTC') <> since OR date_trunc('hour', until, 'UTC') <> until THEN
        RAISE EXCEPTION 'emissions are told from one hour to another, at most 400 days later' USING ERRCODE = 'invalid_parameter_value', DETAIL = format('It is %s to %s.', since, until);
    END IF;
    RETURN QUERY
    SELECT e.meter, e.hour, e.grid_zone, e.energy_wh, l.mg_per_kwh, e.energy_wh::numeric * l.mg_per_kwh,
           c.known_wh + c.unknown_wh, c.unknown_wh, c.ug, u.wh, r.mg_per_kwh, u.wh::numeric * r.mg_per_kwh,
           CASE WHEN c.unknown_wh = 0 THEN c.ug + CASE WHEN u.wh = 0 THEN 0 ELSE u.wh::numeric * r.mg_per_kwh END END
      FROM (SELECT m.meter, m.grid_zone, x.from_at AS hour, CASE WHEN x.quality IN ('measured', 'spread') THEN x.energy_wh END AS energy_wh
              FROM energyledger.meter_current m
             CROSS JOIN LATERAL energyledger.energy_between(m.meter, ARRAY(SELECT generate_series(emission_hours.since, emission_hours.until, interval '1 hour')), estimates => false) x
             WHERE m.party = emission_hours.party AND x.direction = 'import'
            UNION ALL
            -- of a meter that told nothing yet, or nothing of that time, nothing is known; one of production or heat consumes no electricity
            SELECT m.meter, m.grid_zone, g.hour, NULL
              FROM energyledger.meter_current m
             CROSS JOIN generate_series(emission_hours.since, emission_hours.until - interval '1 hour', interval '1 hour') g(hour)
             WHERE m.party = emission_hours.party
               AND NOT EXISTS (SELECT FROM energyledger.energy_between(m.meter, ARRAY[emission_hours.since, emission_hours.until], estimates => false) x WHERE x.direction = 'import')
               AND (EXISTS (SELECT FROM energyledger.meter_registers(m.meter) x WHERE x.role LIKE 'import%')
                    OR NOT EXISTS (SELECT FROM energyledger.meter_registers(m.meter)) AND NOT EXISTS (SELECT FROM energyledger.certificate_device d WHERE d.device = m.meter AND d.register = 'none'))) e
     CROSS JOIN LATERAL (SELECT energyledger.emission_mg_per_kwh(e.grid_zone, 'location', e.hour) AS mg_per_kwh) l
     CROSS JOIN LATERAL (SELECT energyledger.emission_mg_per_kwh(e.grid_zone, 'residual', e.hour) AS mg_per_kwh) r
     CROSS JOIN LATERAL (
           SELECT coalesce(sum(h.quantity_wh) FILTER (WHERE d.emission_mg_per_kwh IS NOT NULL), 0)::bigint AS known_wh,
                  coalesce(sum(h.quantity_wh) FILTER (WHERE d.emission_mg_per_kwh IS NULL), 0)::bigint AS unknown_wh,
                  coalesce(sum(h.quantity_wh::numeric * d.emission_mg_per_kwh), 0) AS ug
             FROM energyledger.certificate_claim k
             JOIN energyledger.certificate_holding h ON h.device = k.device AND h.carrier = k.carrier AND h.first_id BETWEEN k.first_id AND k.last_id AND h.state = 'claimed'
             JOIN energyledger.certificate_issue i ON i.ledger_id = h.issue_id
             LEFT JOIN energyledger.certificate_device d ON d.device = h.device AND d.carrier = h.carrier AND d.ledger_id = i.device_id
            WHERE k.meter = e.meter AND k.hour = e.hour) c
     CROSS JOIN LATERAL (SELECT CASE WHEN e.energy_wh IS NOT NULL THEN greatest(e.energy_wh - c.known_wh - c.unknown_wh, 0) END AS wh) u
     ORDER BY e.hour, e.meter;
END
$$;
COMMENT ON FUNCTION energyledger.emission_hours(text, timestamptz, timestamptz) IS
'What the consumption of a party''s meters emitted, hour by hour, a row for each meter and hour, also where nothing is known. party; since, until: full hours of UTC, at most 400 days apart. zone: of the meter; consumption_wh: as consumption_wh(), NULL: not known; '
'location_mg_per_kwh: the zone''s factor of that hour, location_ug: consumption times it; claimed_wh: certificates claimed against that hour, of which claimed_unknown_wh are of devices without a factor, claimed_ug: the others, each by its device''s factor when it was issued; '
'unclaimed_wh: consumption beyond all claims; residual_mg_per_kwh: the zone''s factor, unclaimed_ug: unclaimed times it; market_ug: claimed_ug and unclaimed_ug, NULL where some of it is without a factor or consumption is not known. Micrograms of CO2 equivalent, exact. NULL: not known. '
'Meters are those that are the party''s now; meters without a register of import are left out. Needs SELECT on what it reads. Errors: 22004 for NULL, 22023 for a bad time. Rule: GHG Protocol Scope 2 Guidance, doc/emissions.md.';

CREATE FUNCTION energyledger.emissions(
    party text, since timestamptz, until timestamptz,
    OUT hours bigint, OUT unknown_hours bigint, OUT consumption_wh numeric,
    OUT location_mg numeric, OUT location_unknown_wh numeric,
    OUT claimed_wh numeric, OUT claimed_unknown_wh numeric, OUT unclaimed_wh numeric, OUT unclaimed_unknown_wh numeric, OUT market_mg numeric)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT count(*), count(*) FILTER (WHERE h.consumption_wh IS NULL), coalesce(sum(h.consumption_wh), 0),
           round(coalesce(sum(h.location_ug), 0) / 1000), coalesce(sum(h.consumption_wh) FILTER (WHERE h.location_mg_per_kwh IS NULL), 0),
           coalesce(sum(h.claimed_wh), 0), coalesce(sum(h.claimed_unknown_wh), 0),
           coalesce(sum(h.unclaimed_wh), 0), coalesce(sum(h.unclaimed_wh) FILTER (WHERE h.residual_mg_per_kwh IS NULL), 0),
           round((coalesce(sum(h.claimed_ug), 0) + coalesce(sum(h.unclaimed_ug), 0)) / 1000)
      FROM energyledger.emission_hours($1, $2, $3) h
$$;
COMMENT ON FUNCTION energyledger.emissions(text, timestamptz, timestamptz) IS
'What the consumption of a party''s meters emitted: the sums of emission_hours(), in mg of CO2 equivalent, rounded once (half a milligram up). party; since, until: full hours of UTC, at most 400 days apart. '
'hours: of all meters, of which unknown_hours have no known consumption; consumption_wh: of the others; location_mg: by the grid''s factors, without the consumption of hours without a factor: location_unknown_wh; '
'market_mg: claimed certificates by their devices'' factors, without claimed_unknown_wh, and what is unclaimed by the residual factors, without unclaimed_unknown_wh. Where any of the unknown is above 0, the sums are too low. Errors: as emission_hours(). Rule: GHG Protocol Scope 2 Guidance, doc/emissions.md.';
