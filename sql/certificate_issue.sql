/*
 * certificate_issue.sql: devices whose production is certified, and issuing.
 *
 * Certificates are made of one kind of evidence only: signed readings of an interval of at
 * most an hour, of the register that was registered.  What is more than the device can have
 * made (production_bound(), doc/plausibility.md) is not issued but held, with its reason.
 */

CREATE FUNCTION energyledger.register_device(
    device text,
    source text,
    carrier text DEFAULT 'electricity',
    register text DEFAULT '1-0:2.8.0',
    name text DEFAULT NULL,
    technology_code text DEFAULT NULL,
    operational_since date DEFAULT NULL,
    country text DEFAULT NULL,
    grid text DEFAULT NULL,
    issuing_body text DEFAULT NULL,
    legal_status text DEFAULT NULL,
    purpose text DEFAULT NULL,
    support text DEFAULT 'unknown',
    other_certificates boolean DEFAULT NULL,
    quality_scheme text DEFAULT NULL,
    dissemination_level text DEFAULT NULL,
    registry_configuration integer DEFAULT 1,
    storage_allocation text DEFAULT NULL,
    storage_efficiency_ppm integer DEFAULT NULL,
    emission_mg_per_kwh bigint DEFAULT NULL,
    emission_source text DEFAULT NULL,
    count_wh integer DEFAULT 0,
    weather_place text DEFAULT NULL,
    turbidity_hundredths integer[] DEFAULT NULL,
    power_curve bigint[] DEFAULT NULL,
    expires_after_months integer DEFAULT 24,
    automatic boolean DEFAULT false,
    active boolean DEFAULT true)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    id bigint;
    other text;
BEGIN
    IF num_nulls(device, source, carrier, register, support, registry_configuration, count_wh, expires_after_months, automatic, active) > 0 THEN
        RAISE EXCEPTION 'device, source, carrier, register, support, registry_configuration, count_wh, expires_after_months, automatic and active must not be NULL'
            USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF carrier = 'electricity' AND energyledger.register_role(register) <> 'export' THEN
        RAISE EXCEPTION 'register "%" does not count what is made', register USING ERRCODE = 'invalid_parameter_value',
            DETAIL = format('Its role is "%s": certificates are issued for export alone.', energyledger.register_role(register));
    END IF;
    IF carrier = 'emission_allowance' AND register <> 'none' THEN
        RAISE EXCEPTION 'emission allowances are not made of a register' USING ERRCODE = 'invalid_parameter_value',
            DETAIL = format('Register "%s" is given.', register), HINT = 'Give ''none'': they come of grant_certificates().';
    END IF;
    IF storage_allocation IS NOT NULL AND storage_efficiency_ppm IS NULL OR storage_allocation IS NULL AND storage_efficiency_ppm IS NOT NULL THEN
        RAISE EXCEPTION 'a storage has an allocation and an efficiency' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF NOT EXISTS (SELECT FROM energyledger.meter m WHERE m.meter = device) THEN
        RAISE EXCEPTION 'there is no meter "%"', device USING ERRCODE = 'no_data_found', HINT = 'Register it with register_meter().';
    END IF;
    PERFORM energyledger.certificates_lock(ARRAY[ROW(device, carrier, 1, 1)::energyledger.certificate_range]);
    -- one reading must not make two kinds of certificates
    SELECT c.carrier INTO other
      FROM (SELECT DISTINCT ON (d.carrier) d.* FROM energyledger.certificate_device d WHERE d.device = register_device.device ORDER BY d.carrier, d.recorded_at DESC, d.ledger_id DESC) c
     WHERE c.register = register_device.register AND c.carrier <> register_device.carrier AND c.active
     LIMIT 1;
    IF FOUND AND active THEN
        RAISE EXCEPTION 'register "%" of device "%" is certified as %', register, device, other USING ERRCODE = 'object_not_in_prerequisite_state',
            DETAIL = 'What a register counts is certified as one carrier.';
    END IF;
    -- in which order a storage gives back is fixed once it took something in
    IF carrier = 'electricity' AND EXISTS (SELECT FROM energyledger.storage_charge s WHERE s.device = register_device.device) THEN
        SELECT d.storage_allocation INTO other FROM energyledger.certificate_device d
         WHERE d.device = register_device.device AND d.carrier = register_device.carrier ORDER BY d.recorded_at DESC, d.ledger_id DESC LIMIT 1;
        IF other IS DISTINCT FROM storage_allocation THEN
            RAISE EXCEPTION 'allocation of storage "%" is fixed', device USING ERRCODE = 'object_not_in_prerequisite_state',
                DETAIL = format('It has charge records, and its rule is "%s".', other);
        END IF;
    END IF;
    INSERT INTO energyledger.certificate_device (device, carrier, source, register, name, technology_code, operational_since, country, grid, issuing_body, legal_status,
        purpose, support, other_certificates, quality_scheme, dissemination_level, registry_configuration, storage_allocation, storage_efficiency_ppm,
        emission_mg_per_kwh, emission_source, count_wh, weather_place, turbidity_hundredths, power_curve, expires_after_months, automatic, active, recorded_at, recorded_by)
    VALUES (device, carrier, source, register, name, technology_code, operational_since, country, grid, issuing_body, legal_status,
        purpose, support, other_certificates, quality_scheme, dissemination_level, registry_configuration, storage_allocation, storage_efficiency_ppm,
        emission_mg_per_kwh, emission_source, count_wh, weather_place, turbidity_hundredths, power_curve, expires_after_months, automatic, active, clock_timestamp(),
        coalesce(nullif(current_setting('role'), 'none'), session_user))
    RETURNING ledger_id INTO id;
    RETURN id;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.register_device(text, text, text, text, text, text, date, text, text, text, text, text, text, boolean, text, text, integer, text, integer, bigint, text, integer, text, integer[], bigint[], integer, boolean, boolean) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.register_device(text, text, text, text, text, text, date, text, text, text, text, text, text, boolean, text, text, integer, text, integer, bigint, text, integer, text, integer[], bigint[], integer, boolean, boolean) IS
'Registers a device for certificates, or writes anew what they say of it (all of it: what is left out is not known from then on). Place, plane, nameplate, zone and owner are the meter''s (register_meter). '
'device: a meter; source: solar_pv, wind, hydro, biomass, nuclear, ... (solar_pv and wind have bounds of their own); carrier: electricity, heat, hydrogen, ...: certificates of each are counted by themselves; register: OBIS of the register of what is made, of electricity one of export, of emission_allowance none (an authority''s account: a meter without a key); '
'country: ISO 3166-1; purpose: disclosure, voluntary_disclosure, support; support: none, investment, production, both, unknown; registry_configuration: 1 to 3; storage_allocation: first_in_first_out, last_in_first_out, pro_rata, with storage_efficiency_ppm: energy out per energy in, in millionths; '
'emission_mg_per_kwh: CO2 equivalent; count_wh: energy of one count of its register, which an interval may have from the one before, 0 to 1000000; weather_place: of add_weather(); turbidity_hundredths: Linke turbidity of twelve months, in hundredths; power_curve: {{cm/s, W}, ...}; expires_after_months: 1 to 1200; automatic: the worker issues; active: false: none is issued any more; texts of at most 200 bytes. '
'Result: the row''s ledger_id. Errors: 22004 for NULL, P0002 where there is no such meter, 22023 for a register that does not count what is made, one of emission allowances and a storage without efficiency, 55000 where the register is certified as another carrier, or a storage with charge records would get another allocation, 23514 for a value that the table does not take. Fields: EnergyTag, EECS.';

CREATE FUNCTION energyledger.certificate_candidates(devices text[], since timestamptz, until timestamptz, corrections boolean)
RETURNS TABLE (device text, carrier text, from_at timestamptz, to_at timestamptz, reading_id bigint, energy_wh bigint, reason text,
               bound_wh bigint, bound_rule text, clear_sky_wh bigint, owner text, device_id bigint, meter_id bigint)
LANGUAGE sql STABLE ROWS 1000
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
    WITH d AS MATERIALIZED (
        SELECT c.*, m.ledger_id AS meter_id, m.party, m.capacity_w, m.latitude_microdegrees, m.longitude_microdegrees, m.altitude_m, m.tilt_degrees, m.azimuth_degrees, m.calibrated_until,
               i.runs, CASE WHEN corrections THEN i.left_over ELSE i.runs END AS issued, i.first_id AS issued_first_id, i.last_id AS issued_last_id,
               (SELECT x.asset FROM energyledger.asset x WHERE x.meter = u.device ORDER BY x.registered_at, x.ledger_id LIMIT 1) AS asset,
               EXISTS (SELECT FROM energyledger.asset_calibration x WHERE x.meter = u.device) AS calibrated
          FROM (SELECT DISTINCT u.device FROM unnest(devices) u(device)) u
         CROSS JOIN LATERAL (SELECT DISTINCT ON (x.carrier) x.* FROM energyledger.certificate_device x WHERE x.device = u.device ORDER BY x.carrier, x.recorded_at DESC, x.ledger_id DESC) c
         CROSS JOIN LATERAL (SELECT x.* FROM energyledger.meter x WHERE x.meter = u.device ORDER BY x.registered_at DESC, x.ledger_id DESC LIMIT 1) m
         CROSS JOIN LATERAL (
               -- what is issued of that time; for corrections, what of it is not withdrawn
               SELECT range_agg(tstzrange(x.from_at, x.to_at)) FILTER (WHERE x.kind IN ('production', 'discharge')) AS runs,
                      CASE WHEN corrections THEN
                          (SELECT range_agg(tstzrange(h.from_at, h.to_at)) FROM energyledger.certificate_holding h
                            WHERE h.device = c.device AND h.carrier = c.carrier AND h.first_id BETWEEN min(x.first_id) AND max(x.last_id)
                              AND h.from_at < until AND h.to_at > since AND h.state <> 'withdrawn') END AS left_over,
                      min(x.first_id) AS first_id, max(x.last_id) AS last_id
                 FROM energyledger.certificate_issue x
                WHERE energyledger.identifier_range(x.device || '/' || x.carrier, x.device || '/' || x.carrier, '[]')
                      && energyledger.identifier_range(c.device || '/' || c.carrier, c.device || '/' || c.carrier, '[]')
                  AND tstzrange(x.from_at, x.to_at) && tstzrange(since, until) AND (corrections OR x.kind IN ('production', 'discharge'))) i
         WHERE c.active AND c.storage_allocation IS NULL AND c.carrier <> 'emission_allowance')
    SELECT d.device, d.carrier, a.from_at, a.to_at, a.ledger_id, a.energy_wh,
           CASE WHEN a.status <> 'G' THEN 'not_measured'
                WHEN a.energy_wh IS NULL THEN 'not_usable'
                WHEN d.party IS NULL AND (d.asset IS NULL OR NOT EXISTS (SELECT FROM energyledger.asset_share x WHERE x.asset = d.asset AND x.since <= a.from_at)) THEN 'no_owner'
                WHEN d.capacity_w IS NULL THEN 'no_nameplate'
                WHEN d.source = 'solar_pv' AND num_nulls(d.latitude_microdegrees, d.longitude_microdegrees) > 0 THEN 'no_place'
                WHEN d.operational_since IS NOT NULL AND a.from_at < d.operational_since::timestamp AT TIME ZONE 'UTC' THEN 'not_operational'
                WHEN a.from_at >= d.calibrated_until
                     OR (d.calibrated AND (SELECT x.result <> 'passed' OR a.from_at >= x.valid_until FROM energyledger.asset_calibration x WHERE x.meter = d.device AND x.calibrated_at <= a.from_at
                                            ORDER BY x.calibrated_at DESC, x.recorded_at DESC, x.ledger_id DESC LIMIT 1)) THEN 'not_calibrated'
                WHEN m.clock_status IN ('R', 'U') OR a.to_at > m.received_at + interval '5 minutes' OR a.to_at > m.sent_at + interval '5 minutes' THEN 'clock'
                WHEN a.energy_wh > b.hard_wh THEN b.rule END,
           CASE WHEN d.capacity_w IS NOT NULL THEN b.hard_wh END, CASE WHEN d.capacity_w IS NOT NULL THEN b.rule END, CASE WHEN d.capacity_w IS NOT NULL THEN b.clear_sky_wh END,
           -- of the owners when the interval began the one with the greatest share: share_certificates() has the rest
           CASE WHEN d.asset IS NULL THEN d.party
                ELSE coalesce((SELECT x.party FROM energyledger.asset_share x WHERE x.asset = d.asset AND x.since <= a.from_at ORDER BY x.revision DESC, x.share_ppm DESC, x.party LIMIT 1), d.party) END,
           d.ledger_id, d.meter_id
      FROM d
     CROSS JOIN LATERAL (
           -- no moment twice: of two readings of one time the newest counts; of two that overlap the shorter, of the same length the earlier
           SELECT b.*, max(b.to_at) OVER (ORDER BY b.from_at, b.to_at ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS until_then
             FROM (SELECT n.*, lag(n.from_at) OVER w AS before_from, lag(n.to_at) OVER w AS before_to, lead(n.from_at) OVER w AS after_from, lead(n.to_at) OVER w AS after_to
                     FROM (SELECT DISTINCT ON (r.from_at, r.to_at) r.from_at, r.to_at, r.epoch, r.seq, r.status, r.ledger_id,
                                  -- electricity has no joules in energy_between() either
                                  CASE WHEN d.carrier <> 'electricity' OR r.unit NOT IN ('J', 'kJ', 'MJ', 'GJ') THEN energyledger.reading_wh(r.value, r.scale, r.unit) END AS energy_wh
                             FROM energyledger.reading r
                            WHERE r.meter = d.device AND r.from_at >= since AND r.from_at < until AND r.to_at <= until
                              AND r.from_at < r.to_at AND r.to_at - r.from_at <= interval '1 hour' AND r.obis = d.register
                              AND (d.issued IS NULL OR NOT d.issued && tstzrange(r.from_at, r.to_at))
                              AND (NOT corrections OR d.runs && tstzrange(r.from_at, r.to_at))
                            ORDER BY r.from_at, r.to_at, r.epoch DESC, r.seq DESC, r.item DESC) n
                   WINDOW w AS (ORDER BY n.from_at, n.to_at)) b
            WHERE NOT coalesce(b.before_to > b.from_at AND b.before_to - b.before_from <= b.to_at - b.from_at, false)
              AND NOT coalesce(b.after_from < b.to_at AND b.after_to - b.after_from < b.to_at - b.from_at, false)) a
      JOIN energyledger.message m ON m.meter = d.device AND m.epoch = a.epoch AND m.seq = a.seq
      LEFT JOIN LATERAL (SELECT CASE WHEN range_agg(w.period) FILTER (WHERE w.irradiance_w_m2 IS NOT NULL) @> tstzrange(a.from_at, a.to_at) THEN max(w.irradiance_w_m2) END AS irradiance_w_m2,
                                CASE WHEN range_agg(w.period) FILTER (WHERE w.plane_irradiance_w_m2 IS NOT NULL) @> tstzrange(a.from_at, a.to_at) THEN max(w.plane_irradiance_w_m2) END AS plane_irradiance_w_m2,
                                CASE WHEN range_agg(w.period) FILTER (WHERE w.wind_speed_cm_s IS NOT NULL) @> tstzrange(a.from_at, a.to_at) THEN max(w.wind_speed_cm_s) END AS wind_speed_cm_s,
                                max(w.air_density_g_m3) AS air_density_g_m3
                           FROM (SELECT DISTINCT ON (x.from_at, x.to_at) tstzrange(x.from_at, x.to_at) AS period, x.irradiance_w_m2, x.plane_irradiance_w_m2, x.wind_speed_cm_s, x.air_density_g_m3
                                   FROM energyledger.weather x
                                  WHERE x.place = d.weather_place AND x.from_at > a.from_at - interval '1 hour' AND x.from_at < a.to_at AND x.to_at > a.from_at
                                  ORDER BY x.from_at, x.to_at, x.recorded_at DESC, x.ledger_id DESC) w) w ON d.weather_place IS NOT NULL
      LEFT JOIN LATERAL energyledger.production_bound(
                CASE d.source WHEN 'solar_pv' THEN 'solar' WHEN 'wind' THEN 'wind' ELSE 'other' END, a.from_at, a.to_at, coalesce(d.capacity_w, 1),
                d.latitude_microdegrees, d.longitude_microdegrees, d.altitude_m, d.tilt_degrees, d.azimuth_degrees, d.turbidity_hundredths, d.power_curve,
                w.irradiance_w_m2, w.plane_irradiance_w_m2, w.wind_speed_cm_s, w.air_density_g_m3, d.count_wh) b ON true
     WHERE (a.until_then IS NULL OR a.until_then <= a.from_at) AND (a.energy_wh > 0 OR a.energy_wh IS NULL OR a.status <> 'G')
       -- certificates that were withdrawn are not issued again, unless a later reading tells something else
       AND (NOT corrections OR NOT EXISTS (
            SELECT FROM (SELECT x.* FROM energyledger.certificate_bundle x
                          WHERE x.device = d.device AND x.carrier = d.carrier AND x.first_id BETWEEN d.issued_first_id AND d.issued_last_id AND x.parent_id IS NULL AND x.from_at = a.from_at
                          ORDER BY x.first_id DESC LIMIT 1) x
             WHERE x.reading_id = a.ledger_id OR (a.status = 'G' AND x.last_id - x.first_id + 1 = a.energy_wh)))
$$;
REVOKE EXECUTE ON FUNCTION energyledger.certificate_candidates(text[], timestamptz, timestamptz, boolean) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.certificate_candidates(text[], timestamptz, timestamptz, boolean) IS
'Readings of devices in [since, until) that certificates could be issued for and were not, and why not: reason is a code of doc/certificates.md, NULL where nothing is against it. Nothing of storages. corrections: readings of times of which all certificates were withdrawn, and that tell something else than the last of these. For functions of the extension. No errors but production_bound()''s.';

-- The version of the rules that decide what is issued, and of the bounds: counted up with every
-- change of what they give.
CREATE FUNCTION energyledger.certificate_rule_version() RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT 1';
COMMENT ON FUNCTION energyledger.certificate_rule_version() IS 'Version of the rules by which certificates are issued and held: certificate_issue.rule_version. No errors.';

CREATE FUNCTION energyledger.certificate_devices_lock(meters text[], since timestamptz, until timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    unknown text;
BEGIN
    IF num_nulls(meters, since, until) > 0 OR array_position(meters, NULL) IS NOT NULL THEN
        RAISE EXCEPTION 'meters, since and until must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF NOT isfinite(since) OR NOT isfinite(until) OR since >= until OR until - since > interval '400 days' THEN
        RAISE EXCEPTION 'certificates are issued for at most 400 days at a time' USING ERRCODE = 'invalid_parameter_value', DETAIL = format('It is %s to %s.', since, until);
    END IF;
    IF cardinality(meters) > 10000 THEN
        RAISE EXCEPTION 'certificates are issued for at most 10000 devices at a time' USING ERRCODE = 'program_limit_exceeded', DETAIL = format('There are %s.', cardinality(meters));
    END IF;
    SELECT u.meter INTO unknown FROM unnest(meters) u(meter)
     WHERE NOT EXISTS (SELECT FROM energyledger.certificate_device d WHERE d.device = u.meter) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'device "%" is not registered for certificates', unknown USING ERRCODE = 'no_data_found', HINT = 'Register it with register_device().';
    END IF;
    PERFORM energyledger.certificates_lock(ARRAY(SELECT ROW(u.meter, '', 1, 1)::energyledger.certificate_range FROM unnest(meters) u(meter)));
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.certificate_devices_lock(text[], timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.certificate_devices_lock(text[], timestamptz, timestamptz) IS
'Locks devices for which something is issued for [since, until). For functions of the extension. Errors: those of issue_certificates().';

CREATE FUNCTION energyledger.certificate_parts(issues bigint[])
RETURNS TABLE (bundle_id bigint, device text, carrier text, from_at timestamptz, to_at timestamptz, issue_id bigint, part bigint, parts bigint,
               first_id bigint, last_id bigint, owner text)
LANGUAGE sql STABLE ROWS 1000
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = on SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
    WITH bundle AS MATERIALIZED (
        SELECT b.*, a.asset, b.last_id - b.first_id + 1 AS quantity_wh,
               -- as it was known when they were issued
               (SELECT s.revision FROM energyledger.asset_share s WHERE s.asset = a.asset AND s.since <= b.from_at AND s.recorded_at <= i.issued_at
                 ORDER BY s.revision DESC LIMIT 1) AS revision
          FROM unnest(issues) u(issue_id)
          JOIN energyledger.certificate_issue i ON i.ledger_id = u.issue_id
         CROSS JOIN LATERAL (SELECT x.asset, x.registered_at FROM energyledger.asset x WHERE x.meter = i.device ORDER BY x.registered_at, x.ledger_id LIMIT 1) a
          JOIN energyledger.certificate_bundle b ON b.device = i.device AND b.carrier = i.carrier AND b.first_id BETWEEN i.first_id AND i.last_id AND b.parent_id IS NULL
         WHERE a.registered_at <= i.issued_at),
    -- share and quantity multiplied without leaving 64 bits: 10^6 x + y
    floored AS (
        SELECT b.*, s.party, s.share_ppm, b.quantity_wh / 1000000 * s.share_ppm + b.quantity_wh % 1000000 * s.share_ppm / 1000000 AS floor_wh,
               b.quantity_wh % 1000000 * s.share_ppm % 1000000 AS remainder
          FROM bundle b JOIN energyledger.asset_share s ON s.asset = b.asset AND s.revision = b.revision),
    sized AS (
        SELECT f.*, f.floor_wh + CASE WHEN row_number() OVER (PARTITION BY f.ledger_id ORDER BY f.remainder DESC, f.party)
                                         <= f.quantity_wh - sum(f.floor_wh) OVER (PARTITION BY f.ledger_id) THEN 1 ELSE 0 END AS part_wh
          FROM floored f)
    SELECT p.ledger_id, p.device, p.carrier, p.from_at, p.to_at, p.issue_id, row_number() OVER w, count(*) OVER (PARTITION BY p.ledger_id),
           p.first_id + (sum(p.part_wh) OVER w)::bigint - p.part_wh, p.first_id + (sum(p.part_wh) OVER w)::bigint - 1, p.party
      FROM sized p
     WHERE p.part_wh > 0
    WINDOW w AS (PARTITION BY p.ledger_id ORDER BY p.share_ppm DESC, p.party)
$$;
REVOKE EXECUTE ON FUNCTION energyledger.certificate_parts(bigint[]) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.certificate_parts(bigint[]) IS
'To whom the certificates of issues go whose device is an asset''s: of each bundle as it was issued the numbers of each owner when its period began, as it was known when it was issued. Whole Wh by share, rounded down; what is left goes by the largest remainder, then by party; the greatest share has the first numbers. part counts from 1, of parts. Needs SELECT on what it reads. No errors.';

CREATE FUNCTION energyledger.share_certificates(issues bigint[])
RETURNS void
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH part AS MATERIALIZED (
        SELECT p.* FROM energyledger.certificate_parts(issues) p WHERE p.parts > 1),
    event AS (
        INSERT INTO energyledger.certificate_event (kind, quantity_wh, bundles, recorded_at, recorded_by)
        SELECT 'share', sum(p.last_id - p.first_id + 1), count(*), clock_timestamp(), coalesce(nullif(current_setting('role'), 'none'), session_user)
          FROM part p HAVING count(*) > 0
        RETURNING ledger_id)
    INSERT INTO energyledger.certificate_bundle (device, carrier, from_at, to_at, first_id, last_id, holder, state, issue_id, parent_id, event_id)
    SELECT p.device, p.carrier, p.from_at, p.to_at, p.first_id, p.last_id, p.owner, 'active', p.issue_id, p.bundle_id, e.ledger_id
      FROM part p CROSS JOIN event e
     ORDER BY p.device, p.carrier, p.first_id
$$;
REVOKE EXECUTE ON FUNCTION energyledger.share_certificates(bigint[]) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.share_certificates(bigint[]) IS
'Shares certificates that were just issued among the owners of the asset: one event, of kind share, for all; nothing where each bundle is one owner''s. For functions of the extension, which have locked the devices: ledger_ids of the issues.';

CREATE FUNCTION energyledger.write_certificates(
    meters text[], since timestamptz, until timestamptz, kind text, why text,
    OUT issues bigint, OUT bundles bigint, OUT energy_wh numeric, OUT held bigint)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = off SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
DECLARE
    owned bigint[];
BEGIN
    WITH candidate AS MATERIALIZED (
        SELECT c.* FROM energyledger.certificate_candidates(meters, since, until, kind = 'correction') c),
    hold AS (
        INSERT INTO energyledger.certificate_hold (device, carrier, from_at, to_at, reading_id, energy_wh, reason, bound_wh, device_id, meter_id, rule_version, held_at)
        SELECT c.device, c.carrier, c.from_at, c.to_at, c.reading_id, c.energy_wh, c.reason, c.bound_wh, c.device_id, c.meter_id, energyledger.certificate_rule_version(), clock_timestamp()
          FROM candidate c WHERE c.reason IS NOT NULL
         ORDER BY c.device, c.carrier, c.from_at
        ON CONFLICT DO NOTHING),
    run AS MATERIALIZED (
        SELECT c.*, sum(c.starts) OVER w AS run, sum(c.energy_wh) OVER w AS until_wh
          FROM (SELECT c.*, CASE WHEN lag(c.to_at) OVER (PARTITION BY c.device, c.carrier ORDER BY c.from_at) = c.from_at THEN 0 ELSE 1 END AS starts
                  FROM candidate c WHERE c.reason IS NULL) c
        WINDOW w AS (PARTITION BY c.device, c.carrier ORDER BY c.from_at)),
    last AS MATERIALIZED (
        SELECT x.device, x.carrier, coalesce((SELECT i.last_id FROM energyledger.certificate_issue i WHERE i.device = x.device AND i.carrier = x.carrier
                                               ORDER BY i.first_id DESC LIMIT 1), 0) AS last_id
          FROM (SELECT DISTINCT r.device, r.carrier FROM run r) x),
    bundle AS MATERIALIZED (
        SELECT n.*, min(n.first_id) OVER (PARTITION BY n.device, n.carrier, n.run) AS run_id
          FROM (SELECT r.*, l.last_id + r.until_wh - r.energy_wh + 1 AS first_id FROM run r JOIN last l USING (device, carrier)) n),
    issue AS (
        INSERT INTO energyledger.certificate_issue (device, carrier, first_id, last_id, from_at, to_at, bundles, kind, device_id, meter_id, rule_version, reason, issued_at, issued_by)
        SELECT b.device, b.carrier, b.run_id, max(b.first_id + b.energy_wh - 1), min(b.from_at), max(b.to_at), count(*), kind,
               b.device_id, b.meter_id, energyledger.certificate_rule_version(), why, clock_timestamp(), coalesce(nullif(current_setting('role'), 'none'), session_user)
          FROM bundle b
         GROUP BY b.device, b.carrier, b.run_id, b.device_id, b.meter_id
         ORDER BY b.device, b.carrier, b.run_id
        RETURNING device, carrier, first_id, ledger_id),
    written AS (
        INSERT INTO energyledger.certificate_bundle (device, carrier, from_at, to_at, first_id, last_id, holder, state, issue_id, reading_id, bound_wh, bound_rule, clear_sky_wh)
        SELECT b.device, b.carrier, b.from_at, b.to_at, b.first_id, b.first_id + b.energy_wh - 1, b.owner, 'active', i.ledger_id,
               b.reading_id, b.bound_wh, b.bound_rule, b.clear_sky_wh
          FROM bundle b
          JOIN issue i ON i.device = b.device AND i.carrier = b.carrier AND i.first_id = b.run_id
         ORDER BY b.device, b.carrier, b.first_id)
    SELECT (SELECT count(*) FROM issue), count(*) FILTER (WHERE c.reason IS NULL), coalesce(sum(c.energy_wh) FILTER (WHERE c.reason IS NULL), 0), count(c.reason),
           (SELECT array_agg(i.ledger_id) FROM issue i WHERE i.device IN (SELECT a.meter FROM energyledger.asset a WHERE a.meter = ANY (meters)))
      INTO issues, bundles, energy_wh, held, owned
      FROM candidate c;
    IF owned IS NOT NULL THEN
        PERFORM energyledger.share_certificates(owned);
    END IF;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.write_certificates(text[], timestamptz, timestamptz, text, text) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.write_certificates(text[], timestamptz, timestamptz, text, text) IS
'Issues what certificate_candidates() has, shares it among owners, and holds the rest. For functions of the extension, which have locked the devices: meters, since, until; kind: production or correction; why: reason, or NULL. Result: as issue_certificates().';

CREATE FUNCTION energyledger.issue_certificates(
    meters text[],
    since timestamptz,
    until timestamptz,
    OUT issues bigint, OUT bundles bigint, OUT energy_wh numeric, OUT held bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM energyledger.certificate_devices_lock(meters, since, until);
    SELECT * INTO issues, bundles, energy_wh, held FROM energyledger.write_certificates(meters, since, until, 'production', NULL);
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.issue_certificates(text[], timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.issue_certificates(text[], timestamptz, timestamptz) IS
'Issues certificates for what devices made in [since, until), of signed readings of intervals of at most an hour that lie in it and are not issued yet; Wh rounded down, numbered on from the device''s last. They go to the owners of the device''s asset when the interval began, by share, or to the meter''s party where none is known (meter_owners()). What is above the bound, or not fit as evidence, is held: certificate_hold. '
'meters: at most 10000 that register_device() knows; since, until: at most 400 days. Result: issues (times without a gap), bundles (one an interval), energy_wh, and held: readings held, also those that were before. '
'Errors: 22004 for NULL, 22023 for a bad time, 54000 for too many devices, P0002 for one that is not registered, 25000 in another isolation level than READ COMMITTED. Rules: EnergyTag, EECS, doc/certificates.md.';

CREATE FUNCTION energyledger.issue_certificates(
    meter text,
    since timestamptz,
    until timestamptz,
    OUT issues bigint, OUT bundles bigint, OUT energy_wh numeric, OUT held bigint)
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS 'SELECT * FROM energyledger.issue_certificates(ARRAY[meter], since, until)';
REVOKE EXECUTE ON FUNCTION energyledger.issue_certificates(text, timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.issue_certificates(text, timestamptz, timestamptz) IS
'Issues certificates for what a device made in [since, until): issue_certificates() of one meter.';

-- ---------------------------------------------------------------- later readings, and the end

CREATE FUNCTION energyledger.correct_certificates(
    meters text[],
    since timestamptz,
    until timestamptz,
    reason text,
    OUT withdrawn_wh numeric, OUT issued_wh numeric, OUT held bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changed record;
    moved record;
BEGIN
    IF reason IS NULL THEN
        RAISE EXCEPTION 'argument "reason" must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF octet_length(reason) NOT BETWEEN 1 AND 1000 THEN
        RAISE EXCEPTION 'a reason must have 1 to 1000 bytes' USING ERRCODE = CASE WHEN reason = '' THEN 'invalid_parameter_value' ELSE 'string_data_right_truncation' END;
    END IF;
    PERFORM energyledger.certificate_devices_lock(meters, since, until);
    withdrawn_wh := 0;
    held := 0;
    FOR changed IN
        SELECT b.device, b.carrier, b.from_at, b.to_at, b.first_id, b.last_id, i.device_id, i.meter_id, r.ledger_id AS reading_id, energyledger.reading_wh(r.value, r.scale, r.unit) AS energy_wh,
               EXISTS (SELECT FROM energyledger.certificate_holding h WHERE h.device = b.device AND h.carrier = b.carrier AND h.first_id BETWEEN b.first_id AND b.last_id
                          AND (h.state NOT IN ('active', 'reserved', 'locked', 'withdrawn')
                               -- it is no longer his to whom it was issued, or whose share it was
                               OR h.holder <> coalesce((SELECT s.holder FROM energyledger.certificate_bundle s JOIN energyledger.certificate_event e ON e.ledger_id = s.event_id AND e.kind = 'share'
                                                         WHERE s.device = b.device AND s.carrier = b.carrier AND s.first_id BETWEEN b.first_id AND h.first_id AND s.last_id >= h.first_id
                                                           AND s.parent_id = b.ledger_id), b.holder))) AS used
          FROM (SELECT DISTINCT u.device FROM unnest(meters) u(device)) u
          JOIN energyledger.certificate_device d ON d.device = u.device AND d.ledger_id = (SELECT x.ledger_id FROM energyledger.certificate_device x
                                                     WHERE x.device = d.device AND x.carrier = d.carrier ORDER BY x.recorded_at DESC, x.ledger_id DESC LIMIT 1)
          JOIN energyledger.certificate_issue i ON i.device = d.device AND i.carrier = d.carrier AND i.from_at < until AND i.to_at > since AND i.kind IN ('production', 'correction')
          JOIN energyledger.certificate_bundle b ON b.device = i.device AND b.carrier = i.carrier AND b.first_id BETWEEN i.first_id AND i.last_id AND b.parent_id IS NULL
               AND b.from_at >= since AND b.to_at <= until
         CROSS JOIN LATERAL (SELECT x.* FROM energyledger.reading x WHERE x.meter = b.device AND x.from_at = b.from_at AND x.to_at = b.to_at AND x.obis = d.register
                              ORDER BY x.epoch DESC, x.seq DESC, x.item DESC LIMIT 1) r
         WHERE r.ledger_id <> b.reading_id
           AND (r.status <> 'G' OR energyledger.reading_wh(r.value, r.scale, r.unit) IS DISTINCT FROM b.last_id - b.first_id + 1)
           AND EXISTS (SELECT FROM energyledger.certificate_holding h WHERE h.device = b.device AND h.carrier = b.carrier AND h.first_id BETWEEN b.first_id AND b.last_id AND h.state <> 'withdrawn')
         ORDER BY b.device, b.carrier, b.first_id
    LOOP
        IF changed.used THEN
            INSERT INTO energyledger.certificate_hold (device, carrier, from_at, to_at, reading_id, energy_wh, reason, device_id, meter_id, rule_version, held_at)
            VALUES (changed.device, changed.carrier, changed.from_at, changed.to_at, changed.reading_id, changed.energy_wh, 'used_before_correction', changed.device_id, changed.meter_id,
                    energyledger.certificate_rule_version(), clock_timestamp())
            ON CONFLICT DO NOTHING;
            held := held + 1;
            CONTINUE;
        END IF;
        SELECT m.* INTO moved
          FROM energyledger.move_certificates('withdraw', ARRAY(SELECT h.numbers FROM energyledger.certificate_holding h
                                                                 WHERE h.device = changed.device AND h.carrier = changed.carrier AND h.first_id BETWEEN changed.first_id AND changed.last_id AND h.state <> 'withdrawn'),
                                              NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, correct_certificates.reason, NULL, NULL, NULL) m;
        PERFORM energyledger.refuse_certificates('withdraw', moved.reason, moved.detail);
        withdrawn_wh := withdrawn_wh + moved.quantity_wh;
    END LOOP;
    SELECT w.energy_wh, w.held + correct_certificates.held INTO issued_wh, held FROM energyledger.write_certificates(meters, since, until, 'correction', reason) w;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.correct_certificates(text[], timestamptz, timestamptz, text) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.correct_certificates(text[], timestamptz, timestamptz, text) IS
'Puts certificates right of which a later reading of the same interval says something else: those of an interval are withdrawn, and new ones issued with new numbers. Where some were transferred, cancelled, claimed or expired nothing is done, and the reading is held (used_before_correction): withdraw_certificates() decides, and this is called again. '
'meters, since, until: as for issue_certificates(); reason: 1 to 1000 bytes. Result: withdrawn_wh, issued_wh, and held: readings held. Errors: as issue_certificates(); 22023 for an empty reason, 22001 for one too long.';

CREATE FUNCTION energyledger.expire_certificates(since timestamptz, until timestamptz)
RETURNS numeric
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    due energyledger.certificate_range[];
    moved record;
BEGIN
    IF num_nulls(since, until) > 0 THEN
        RAISE EXCEPTION 'arguments of expire_certificates must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    due := ARRAY(SELECT h.numbers
                   FROM energyledger.certificate_issue i
                   JOIN energyledger.certificate_device d ON d.device = i.device AND d.ledger_id = i.device_id
                   JOIN energyledger.certificate_holding h ON h.device = i.device AND h.carrier = i.carrier AND h.first_id BETWEEN i.first_id AND i.last_id
                  WHERE i.from_at < expire_certificates.until AND i.to_at > expire_certificates.since
                    AND h.to_at > expire_certificates.since AND h.to_at <= expire_certificates.until AND h.state IN ('active', 'reserved')
                    AND h.to_at + make_interval(months => d.expires_after_months) <= clock_timestamp()
                  ORDER BY h.device, h.carrier, h.first_id LIMIT 1000000);
    IF cardinality(due) = 0 THEN
        RETURN 0;
    END IF;
    PERFORM energyledger.certificates_lock(due);
    SELECT m.* INTO moved FROM energyledger.move_certificates('expire', due, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL) m;
    PERFORM energyledger.refuse_certificates('expire', moved.reason, moved.detail);
    RETURN moved.quantity_wh;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.expire_certificates(timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.expire_certificates(timestamptz, timestamptz) IS
'Lets certificates expire whose time has come: of those whose period ended in (since, until], the active and reserved ones whose device''s expires_after_months have passed; at most a million bundles a call. Result: Wh that expired. '
'Errors: 22004 for NULL, 55000 where somebody used them meanwhile, 25000 in another isolation level than READ COMMITTED. Rule: EECS.';

-- ---------------------------------------------------------------- by itself

CREATE FUNCTION energyledger.run_certificates(after text DEFAULT '', lookback interval DEFAULT '3 days', most integer DEFAULT 500)
RETURNS TABLE (device text, error text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    devices text[];
    since timestamptz;
    until timestamptz := clock_timestamp();
    d text;
BEGIN
    IF num_nulls(after, lookback, most) > 0 THEN
        RAISE EXCEPTION 'arguments of run_certificates must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    since := until - lookback;
    IF lookback <= interval '0' OR until - since > interval '400 days' OR most NOT BETWEEN 1 AND 10000 THEN
        RAISE EXCEPTION 'certificates are issued for at most 400 days and 10000 devices at a time' USING ERRCODE = 'invalid_parameter_value', DETAIL = format('They are %s, %s.', lookback, most);
    END IF;
    devices := ARRAY(SELECT DISTINCT x.device COLLATE "C" FROM energyledger.certificate_device x
                      WHERE x.automatic AND x.device > after
                        AND EXISTS (SELECT FROM (SELECT n.* FROM energyledger.certificate_device n WHERE n.device = x.device AND n.carrier = x.carrier
                                                  ORDER BY n.recorded_at DESC, n.ledger_id DESC LIMIT 1) n WHERE n.automatic AND n.active)
                      ORDER BY 1 LIMIT most);
    BEGIN
        PERFORM energyledger.issue_certificates(devices, since, until);
        PERFORM energyledger.correct_certificates(devices, since, until, 'a later reading');
        RETURN QUERY SELECT u.device, NULL::text FROM unnest(devices) WITH ORDINALITY u(device, n) ORDER BY u.n;
        RETURN;
    EXCEPTION WHEN OTHERS THEN
        -- one of them: find out which
        NULL;
    END;
    FOREACH d IN ARRAY devices LOOP
        device := d;
        error := NULL;
        BEGIN
            PERFORM energyledger.issue_certificates(ARRAY[d], since, until);
            PERFORM energyledger.correct_certificates(ARRAY[d], since, until, 'a later reading');
        EXCEPTION WHEN OTHERS THEN
            error := SQLERRM;
        END;
        RETURN NEXT;
    END LOOP;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.run_certificates(text, interval, integer) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.run_certificates(text, interval, integer) IS
'Issues and corrects certificates of devices that were registered as automatic, as the background worker does every energyledger.certificate_interval, in batches, with 3 days to look back and once a day 40. after: devices whose names come after this one; lookback: how far back readings are looked for, at most 400 days; most: so many devices at most, 1 to 10000. '
'Result: a row for each device that was looked at, by name, with the error for which nothing was issued for it, or NULL. Errors: 22004 for NULL, 22023 for a value out of range, 25000 in another isolation level than READ COMMITTED.';

CREATE FUNCTION energyledger.expire_all(lookback interval DEFAULT '40 days')
RETURNS numeric
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(sum(energyledger.expire_certificates(clock_timestamp() - make_interval(months => m.months) - lookback, clock_timestamp() - make_interval(months => m.months))), 0)
      FROM (SELECT DISTINCT d.expires_after_months FROM energyledger.certificate_device d) m(months)
$$;
REVOKE EXECUTE ON FUNCTION energyledger.expire_all(interval) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.expire_all(interval) IS
'Lets certificates expire whose time came within lookback, as the background worker does once a day with 40 days. Result: Wh that expired. Errors: as expire_certificates().';
