/*
 * weather.sql: what was measured of sun and wind at a place: it tightens what a plant
 * there can have made.
 */

CREATE TABLE energyledger.weather (
    place                    text COLLATE "C" NOT NULL CHECK (energyledger.identifier_valid(place)),
    from_at                  timestamptz NOT NULL,
    to_at                    timestamptz NOT NULL,
    irradiance_w_m2          integer CHECK (irradiance_w_m2 BETWEEN 0 AND 3000),
    plane_irradiance_w_m2    integer CHECK (plane_irradiance_w_m2 BETWEEN 0 AND 3000),
    wind_speed_cm_s          integer CHECK (wind_speed_cm_s BETWEEN 0 AND 12000),
    air_density_g_m3         integer CHECK (air_density_g_m3 BETWEEN 300 AND 2000),
    source                   text NOT NULL CHECK (octet_length(source) BETWEEN 1 AND 200),
    recorded_at              timestamptz NOT NULL,
    recorded_by              text NOT NULL,
    CONSTRAINT weather_period_check CHECK (to_at > from_at AND to_at - from_at <= interval '1 hour'),
    CONSTRAINT weather_measured_check CHECK (num_nonnulls(irradiance_w_m2, plane_irradiance_w_m2, wind_speed_cm_s) > 0)
) USING ledger;
CREATE INDEX weather_place_idx ON energyledger.weather (place, from_at);
COMMENT ON TABLE energyledger.weather IS 'sun and wind as measured at a place; of the rows of one time the newest counts. Written by add_weather()';
COMMENT ON COLUMN energyledger.weather.place IS 'name of the place or instrument: certificate_device.weather_place';
COMMENT ON COLUMN energyledger.weather.from_at IS 'start of the time it is for';
COMMENT ON COLUMN energyledger.weather.to_at IS 'its end, not part of it; at most an hour later';
COMMENT ON COLUMN energyledger.weather.irradiance_w_m2 IS 'global irradiance on a level plane, the highest of that time, W/m2; NULL: not measured';
COMMENT ON COLUMN energyledger.weather.plane_irradiance_w_m2 IS 'irradiance on the plane of the array, the highest of that time, W/m2; NULL: not measured';
COMMENT ON COLUMN energyledger.weather.wind_speed_cm_s IS 'wind at the height of the hub, the highest mean of that time, cm/s; NULL: not measured';
COMMENT ON COLUMN energyledger.weather.air_density_g_m3 IS 'density of the air, g/m3; NULL: not measured';
COMMENT ON COLUMN energyledger.weather.source IS 'instrument or service, 1 to 200 bytes';
COMMENT ON COLUMN energyledger.weather.recorded_at IS 'when this row was written';
COMMENT ON COLUMN energyledger.weather.recorded_by IS 'by which role';
COMMENT ON COLUMN energyledger.weather.ledger_id IS 'assigned by the ledger: site, then a counter';
COMMENT ON INDEX energyledger.weather_place_idx IS 'a place''s weather by time';
SELECT pg_catalog.pg_extension_config_dump('energyledger.weather', '');

CREATE FUNCTION energyledger.add_weather(
    place text,
    since timestamptz,
    slot interval,
    source text,
    irradiance_w_m2 integer[] DEFAULT NULL,
    plane_irradiance_w_m2 integer[] DEFAULT NULL,
    wind_speed_cm_s integer[] DEFAULT NULL,
    air_density_g_m3 integer[] DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    slots integer := greatest(cardinality(irradiance_w_m2), cardinality(plane_irradiance_w_m2), cardinality(wind_speed_cm_s));
    added bigint;
BEGIN
    IF num_nulls(place, since, slot, source) > 0 THEN
        RAISE EXCEPTION 'place, since, slot and source of weather must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF NOT energyledger.identifier_valid(place) THEN
        RAISE EXCEPTION '"%" is no name for a place', place USING ERRCODE = 'invalid_parameter_value', DETAIL = 'It must have 1 to 64 of A-Z a-z 0-9 . _ : -.';
    END IF;
    IF octet_length(source) NOT BETWEEN 1 AND 200 THEN
        RAISE EXCEPTION 'a source must have 1 to 200 bytes' USING ERRCODE = CASE WHEN source = '' THEN 'invalid_parameter_value' ELSE 'string_data_right_truncation' END;
    END IF;
    IF NOT isfinite(since) OR slot <= interval '0' OR slot > interval '1 hour' OR extract(month FROM slot) <> 0 THEN
        RAISE EXCEPTION 'weather is for slots of at most an hour' USING ERRCODE = 'invalid_parameter_value', DETAIL = format('It begins at %s, with slots of %s.', since, slot);
    END IF;
    IF slots IS NULL OR slots NOT BETWEEN 1 AND 100000
       OR EXISTS (SELECT FROM (VALUES (irradiance_w_m2), (plane_irradiance_w_m2), (wind_speed_cm_s), (air_density_g_m3)) v(a)
                   WHERE v.a IS NOT NULL AND (cardinality(v.a) <> slots OR array_ndims(v.a) <> 1)) THEN
        RAISE EXCEPTION 'weather must be arrays of 1 to 100000 numbers, all of the same length' USING ERRCODE = 'invalid_parameter_value',
            DETAIL = 'At least one of irradiance_w_m2, plane_irradiance_w_m2 and wind_speed_cm_s must be given.';
    END IF;
    INSERT INTO energyledger.weather (place, from_at, to_at, irradiance_w_m2, plane_irradiance_w_m2, wind_speed_cm_s, air_density_g_m3, source, recorded_at, recorded_by)
    SELECT place, since + n * slot, since + (n + 1) * slot, irradiance_w_m2[n + 1], plane_irradiance_w_m2[n + 1], wind_speed_cm_s[n + 1], air_density_g_m3[n + 1],
           source, clock_timestamp(), coalesce(nullif(current_setting('role'), 'none'), session_user)
      FROM generate_series(0, slots - 1) n
     WHERE num_nonnulls(irradiance_w_m2[n + 1], plane_irradiance_w_m2[n + 1], wind_speed_cm_s[n + 1]) > 0;
    GET DIAGNOSTICS added = ROW_COUNT;
    RETURN added;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.add_weather(text, timestamptz, interval, text, integer[], integer[], integer[], integer[]) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.add_weather(text, timestamptz, interval, text, integer[], integer[], integer[], integer[]) IS
'Adds what was measured at a place, slot by slot. place: name; since: start of the first slot; slot: their length, at most an hour; source: instrument or service, 1 to 200 bytes; '
'irradiance_w_m2: global, on a level plane, plane_irradiance_w_m2: on the plane of the array, wind_speed_cm_s: at the height of the hub, air_density_g_m3: arrays of the same length of 1 to 100000, an element NULL where nothing was measured; of sun and wind the highest value of the slot. '
'Result: number of rows. Errors: 22004 for NULL, 22023 for a bad name, slot or array, 22001 for a source too long, 23514 for a value out of range.';
