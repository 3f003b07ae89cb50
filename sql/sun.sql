/*
 * sun.sql: the sun's place, clear skies, and how much a plant can have produced.
 *
 * Functions of their arguments alone; doc/plausibility.md tells their rules.  Angles
 * and irradiance are floating-point numbers and are stored nowhere; bounds are whole Wh.
 */

CREATE FUNCTION energyledger.solar_position(
    at timestamptz,
    latitude_microdegrees integer,
    longitude_microdegrees integer,
    altitude_m integer DEFAULT 0,
    OUT elevation_degrees double precision,
    OUT apparent_elevation_degrees double precision,
    OUT azimuth_degrees double precision,
    OUT equation_of_time_min double precision)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'energyledger_solar_position';
COMMENT ON FUNCTION energyledger.solar_position(timestamptz, integer, integer, integer) IS
'Where the sun stands. at: years 1900 to 2099; latitude and longitude in millionths of a degree (WGS 84); altitude_m: metres, -500 to 9000. '
'elevation_degrees: of its centre above the horizon; apparent_elevation_degrees: with refraction in the standard atmosphere of that altitude at 12 C, above -0.83 degrees; azimuth_degrees: clockwise from north, 0 to below 360; equation_of_time_min: apparent less mean solar time in minutes. '
'Within 0.01 degrees. NULL for NULL. Errors: 22023 for a value out of its range. Source: J. Meeus, Astronomical Algorithms (1998), chapters 12, 13, 16, 25, 28, 40.';

CREATE FUNCTION energyledger.sun_times(
    day date,
    time_zone text,
    latitude_microdegrees integer,
    longitude_microdegrees integer,
    OUT sunrise timestamptz,
    OUT transit timestamptz,
    OUT sunset timestamptz,
    OUT kind text)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'energyledger_sun_times';
COMMENT ON FUNCTION energyledger.sun_times(date, text, integer, integer) IS
'When the sun''s upper limb rises over a level horizon at sea level, when the sun is highest, and when the limb sets, on a local calendar day. '
'day: in the years 1900 to 2099; time_zone: what timezone() takes, best a name (of an offset the sign is POSIX''s: +05 is west of Greenwich); latitude and longitude in millionths of a degree. '
'A time is NULL where it is not in that day; kind: normal, polar_day (above the horizon all day) or polar_night. Seconds of a calculation; refraction at the horizon varies by more. '
'NULL for NULL and for a day that the time zone left out. Errors: 22023 for a value out of its range or an unknown time zone. Source: J. Meeus, Astronomical Algorithms (1998), chapters 15, 25.';

CREATE FUNCTION energyledger.clear_sky(
    at timestamptz,
    latitude_microdegrees integer,
    longitude_microdegrees integer,
    altitude_m integer DEFAULT 0,
    turbidity_hundredths integer DEFAULT 200,
    OUT ghi_w_m2 double precision,
    OUT dni_w_m2 double precision,
    OUT dhi_w_m2 double precision)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'energyledger_clear_sky';
COMMENT ON FUNCTION energyledger.clear_sky(timestamptz, integer, integer, integer, integer) IS
'Irradiance in W/m2 under a sky without clouds: global on a level plane, direct on one that faces the sun, diffuse on a level plane. '
'at: years 1900 to 2099; latitude and longitude in millionths of a degree; altitude_m: metres, -500 to 9000; turbidity_hundredths: Linke''s turbidity times 100, 100 to 2000 (200: very clean air). '
'NULL for NULL. Errors: 22023 for a value out of its range. Source: P. Ineichen and R. Perez, Solar Energy 73 (2002) 151, without the enhancement at low sun; airmass: F. Kasten and A. Young, Applied Optics 28 (1989) 4735.';

CREATE FUNCTION energyledger.production_bound(
    technology text,
    from_at timestamptz,
    to_at timestamptz,
    capacity_w bigint,
    latitude_microdegrees integer DEFAULT NULL,
    longitude_microdegrees integer DEFAULT NULL,
    altitude_m integer DEFAULT NULL,
    tilt_degrees integer DEFAULT NULL,
    azimuth_degrees integer DEFAULT NULL,
    turbidity_hundredths integer[] DEFAULT NULL,
    power_curve bigint[] DEFAULT NULL,
    irradiance_w_m2 integer DEFAULT NULL,
    plane_irradiance_w_m2 integer DEFAULT NULL,
    wind_speed_cm_s integer DEFAULT NULL,
    air_density_g_m3 integer DEFAULT NULL,
    count_wh bigint DEFAULT 0,
    OUT hard_wh bigint,
    OUT rule text,
    OUT clear_sky_wh bigint)
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'energyledger_production_bound';
COMMENT ON FUNCTION energyledger.production_bound(text, timestamptz, timestamptz, bigint, integer, integer, integer, integer, integer, integer[], bigint[], integer, integer, integer, integer, bigint) IS
'How much energy a plant can have produced in [from_at, to_at): hard_wh, above which nature or the nameplate would be broken; which rule gave it; clear_sky_wh, above which it is unusual, NULL where it is no solar plant or has no place. '
'technology: solar, wind or other; from_at, to_at: whole milliseconds, at most one hour, years 1900 to 2099; capacity_w: nameplate power in W, 1 to 30000000000; latitude and longitude in millionths of a degree, both or neither (without them a solar plant has only its nameplate); altitude_m: -500 to 9000, 0 where NULL; '
'tilt_degrees (0 flat to 180) and azimuth_degrees (0 to 359 clockwise from north): the best plane there is where they are not known; turbidity_hundredths: Linke''s turbidity times 100, January first, twelve of 100 to 2000, a very clean sky where NULL; power_curve: {{speed in cm/s, power in W}, ...}, at most 64 with rising speeds; '
'irradiance_w_m2, plane_irradiance_w_m2: the maximum measured in the interval, on a level plane and on the modules'', 0 to 3000; wind_speed_cm_s: at hub height, 0 to 10000; air_density_g_m3: 500 to 1600, 1225 where NULL; count_wh: what one count of its register may hold of other intervals, 0 to 1000000. '
'rule: nameplate (capacity times time), sun_below_horizon, irradiance_limit, measured_irradiance, power_curve. '
'Errors: 22004 for a NULL technology, time, capacity or count and for NULLs in an array, 22023 for a value out of its range. Rules and their sources (QCRad, Ineichen, IEC 61400-12-1): doc/plausibility.md.';
