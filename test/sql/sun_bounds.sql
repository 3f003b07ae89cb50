/*
 * sun_bounds.sql: the sun, clear skies and bounds of production in SQL: values as in the unit
 * tests, rules by name, every argument out of its range.  Of floating-point numbers only
 * what no platform gives otherwise is printed.
 */
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
RESET client_min_messages;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\pset null '-'
\set SHOW_CONTEXT never

-- ---- the sun: SPA's reference for Golden, Colorado (39.872046, 39.888378, 194.340241, 14.64 min)
SELECT round(elevation_degrees::numeric, 2) AS elevation, round(apparent_elevation_degrees::numeric, 2) AS apparent,
       round(azimuth_degrees::numeric, 2) AS azimuth, round(equation_of_time_min::numeric, 1) AS equation_of_time
  FROM energyledger.solar_position('2003-10-17 19:30:30+00', 39742476, -105178600, 1830);
SELECT energyledger.solar_position(NULL, 0, 0) IS NULL AS strict;
SELECT round((apparent_elevation_degrees - elevation_degrees)::numeric, 2) AS at_night FROM energyledger.solar_position('2024-06-21 00:00+00', 0, 0);

-- local days: SPA's for Golden (07:21:55, 12:04:45, 16:47:43) and Pittsburgh; a sunrise of the
-- UTC day before; the long day of a clock change
SELECT kind, date_trunc('minute', sunrise AT TIME ZONE 'America/Denver') AS sunrise, date_trunc('minute', transit AT TIME ZONE 'America/Denver') AS transit,
       date_trunc('minute', sunset AT TIME ZONE 'America/Denver') AS sunset
  FROM energyledger.sun_times('2015-01-02', 'America/Denver', 39742476, -105178600);
SELECT abs(extract(epoch FROM sunrise - '2000-01-01 12:41:51+00')) <= 5 AS sunrise, abs(extract(epoch FROM transit - '2000-01-01 17:23:23+00')) <= 5 AS transit,
       abs(extract(epoch FROM sunset - '2000-01-01 22:05:04+00')) <= 5 AS sunset
  FROM energyledger.sun_times('2000-01-01', 'America/New_York', 40000000, -80000000);
SELECT date_trunc('hour', sunrise) AS sunrise, date_trunc('hour', sunset) AS sunset FROM energyledger.sun_times('2024-12-21', 'Australia/Sydney', -33868800, 151209300);
SELECT kind, date_trunc('hour', sunrise) AS sunrise, date_trunc('hour', sunset) AS sunset FROM energyledger.sun_times('2024-10-27', 'Europe/Amsterdam', 52370000, 4900000);
SELECT kind, sunrise, transit IS NOT NULL AS has_transit, sunset FROM energyledger.sun_times('2024-06-21', 'Europe/Oslo', 69650000, 18960000);
SELECT kind, sunrise, transit IS NOT NULL AS has_transit, sunset FROM energyledger.sun_times('2024-12-21', 'Europe/Oslo', 69650000, 18960000);
-- a day that Samoa left out
SELECT energyledger.sun_times('2011-12-30', 'Pacific/Apia', -13830000, -171760000) IS NULL AS left_out;

SELECT round(ghi_w_m2::numeric) AS ghi, round(dni_w_m2::numeric) AS dni, round(dhi_w_m2::numeric) AS dhi
  FROM energyledger.clear_sky('2024-06-21 12:00+00', 47000000, 0, 400, 300);
SELECT * FROM energyledger.clear_sky('2024-06-21 00:00+00', 47000000, 0);

-- ---- bounds
-- nameplate: exactly, whatever the length
SELECT * FROM energyledger.production_bound('other', '2024-06-21 12:00+00', '2024-06-21 12:15+00', 999);
SELECT * FROM energyledger.production_bound('other', '2024-06-21 12:00+00', '2024-06-21 13:00+00', 30000000000);
SELECT * FROM energyledger.production_bound('solar', '2024-06-21 00:00+00', '2024-06-21 01:00+00', 1040);
SELECT * FROM energyledger.production_bound('solar', '2024-06-21 12:00+00', '2024-06-21 12:30+00', 1040, 47000000, 0);
-- the sun is down; one count of the register
SELECT * FROM energyledger.production_bound('solar', '2024-06-21 00:00+00', '2024-06-21 01:00+00', 1040, 47000000, 0);
SELECT * FROM energyledger.production_bound('solar', '2024-06-21 00:00+00', '2024-06-21 01:00+00', 1040, 47000000, 0, count_wh => 7);
-- from a mountain the sun is seen earlier
SELECT n, rule FROM (VALUES (0), (3000), (NULL)) a (n),
    energyledger.production_bound('solar', '2024-06-21 03:50+00', '2024-06-21 03:56+00', 1000000, 47000000, 0, n);
-- early: a level plane, and one that faces away, against the best there is
SELECT tilt, azimuth, b.rule, b.hard_wh BETWEEN least AND most AS hard, b.clear_sky_wh < b.hard_wh AS clear_below
  FROM (VALUES (0, NULL, 530000, 540000), (60, 270, 340000, 350000), (60, NULL, 1000000, 1000000), (NULL, 90, 1000000, 1000000)) p (tilt, azimuth, least, most),
    energyledger.production_bound('solar', '2024-06-21 05:00+00', '2024-06-21 06:00+00', 1000000, 47000000, 0, 0, tilt, azimuth) b;
-- turbidity lowers the soft bound, in its month
SELECT b.clear_sky_wh < a.clear_sky_wh AS dirty_below, c.clear_sky_wh = a.clear_sky_wh AS other_months
  FROM energyledger.production_bound('solar', '2024-06-21 08:00+00', '2024-06-21 09:00+00', 1000000, 47000000, 0, 0, 0) a,
    energyledger.production_bound('solar', '2024-06-21 08:00+00', '2024-06-21 09:00+00', 1000000, 47000000, 0, 0, 0, 0, array_fill(500, ARRAY[12])) b,
    energyledger.production_bound('solar', '2024-06-21 08:00+00', '2024-06-21 09:00+00', 1000000, 47000000, 0, 0, 0, 0, '{900,900,900,900,900,200,900,900,900,900,900,900}') c;
-- measured irradiance
SELECT rule, hard_wh BETWEEN 487499 AND 490000 AS hard, clear_sky_wh = hard_wh AS clear
  FROM energyledger.production_bound('solar', '2024-06-21 12:00+00', '2024-06-21 13:00+00', 1000000, 0, 0, 0, 0, irradiance_w_m2 => 300);
SELECT rule, hard_wh BETWEEN 337499 AND 337500 AS hard
  FROM energyledger.production_bound('solar', '2024-06-21 12:00+00', '2024-06-21 13:00+00', 1000000, 0, 0, 0, 0, plane_irradiance_w_m2 => 200);
-- wind
SELECT wind, density, b.*
  FROM (VALUES (NULL, NULL), (0, NULL), (500, NULL), (4000, NULL), (500, 1000)) w (wind, density),
    energyledger.production_bound('wind', '2024-06-21 12:00+00', '2024-06-21 13:00+00', 2000000, power_curve => '{{300,0},{1000,1000000},{1200,2000000},{2500,2000000}}',
        wind_speed_cm_s => wind, air_density_g_m3 => density) b;

-- ---- what is refused
SELECT energyledger.solar_position('infinity', 0, 0);
SELECT energyledger.solar_position('1899-12-31 23:59:59+00', 0, 0);
SELECT energyledger.solar_position('2100-01-01 00:00+00', 0, 0);
SELECT energyledger.solar_position('2024-01-01', 90000001, 0);
SELECT energyledger.solar_position('2024-01-01', 0, -180000001);
SELECT energyledger.solar_position('2024-01-01', 0, 0, 9001);
SELECT energyledger.sun_times('infinity', 'UTC', 0, 0);
SELECT energyledger.sun_times('2100-01-02', 'UTC', 0, 0);
SELECT energyledger.sun_times('5874897-12-31', 'UTC', 0, 0);
SELECT energyledger.sun_times('4713-01-01 BC', 'UTC', 0, 0);
SELECT energyledger.sun_times('2024-01-01', 'Atlantis', 0, 0);
SELECT energyledger.sun_times('2024-01-01', 'UTC', -90000001, 0);
SELECT energyledger.clear_sky('2024-01-01', 0, 0, 0, 99);
SELECT energyledger.clear_sky('2024-01-01', 0, 0, -501, 300);
CREATE FUNCTION pg_temp.refused(VARIADIC arg text[]) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    message text;
    detail text;
    state text;
BEGIN
    FOR i IN 1 .. cardinality(arg) LOOP
        BEGIN
            EXECUTE 'SELECT energyledger.production_bound(' || arg[i] || ')';
            RETURN NEXT 'not refused: ' || arg[i];
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, state = RETURNED_SQLSTATE;
            RETURN NEXT concat_ws(' | ', state, message, nullif(detail, ''));
        END;
    END LOOP;
END $$;
SELECT r FROM pg_temp.refused(VARIADIC (SELECT array_agg(replace(a, ':t', '''2024-06-21 12:00+00'', ''2024-06-21 13:00+00''') ORDER BY n) FROM unnest(ARRAY[
    'NULL, :t, 5', '''Solar'', :t, 5', '''solar'', NULL, ''2024-06-21'', 5', '''solar'', ''2024-06-21'', NULL, 5', '''solar'', :t, NULL',
    '''solar'', :t, 5, count_wh => NULL', '''solar'', :t, 5, count_wh => -1', '''solar'', :t, 5, count_wh => 1000001',
    '''solar'', :t, 0', '''solar'', :t, 30000000001', '''solar'', :t, -5',
    '''solar'', ''2024-06-21'', ''2024-06-21'', 5', '''solar'', ''2024-06-21 01:00'', ''2024-06-21'', 5', '''solar'', ''2024-06-21'', ''2024-06-21 01:00:00.001'', 5',
    '''solar'', ''2024-06-21'', ''2024-06-21 00:15:00.0001'', 5', '''solar'', ''-infinity'', ''infinity'', 5', '''solar'', ''2024-06-21'', ''infinity'', 5',
    '''solar'', :t, 5, 1', '''solar'', :t, 5, NULL, 1', '''solar'', :t, 5, 90000001, 0', '''solar'', :t, 5, 0, 180000001', '''solar'', :t, 5, 0, 0, 9001',
    '''solar'', :t, 5, 0, 0, 0, 181', '''solar'', :t, 5, 0, 0, 0, -1', '''solar'', :t, 5, 0, 0, 0, 0, 360', '''solar'', :t, 5, 0, 0, 0, 0, -1',
    '''solar'', :t, 5, turbidity_hundredths => ''{}''', '''solar'', :t, 5, turbidity_hundredths => ''{300}''',
    '''solar'', :t, 5, turbidity_hundredths => ''{300,300,300,300,300,300,300,300,300,300,300,99}''',
    '''solar'', :t, 5, turbidity_hundredths => ''{2001,300,300,300,300,300,300,300,300,300,300,300}''',
    '''solar'', :t, 5, turbidity_hundredths => ''{300,NULL,300,300,300,300,300,300,300,300,300,300}''',
    '''solar'', :t, 5, turbidity_hundredths => ''{{300,300,300,300,300,300},{300,300,300,300,300,300}}''',
    '''wind'', :t, 5, power_curve => ''{}''', '''wind'', :t, 5, power_curve => ''{300,0}''', '''wind'', :t, 5, power_curve => ''{{300,0,1}}''',
    '''wind'', :t, 5, power_curve => ''{{300,0},{300,1}}''', '''wind'', :t, 5, power_curve => ''{{300,-1}}''', '''wind'', :t, 5, power_curve => ''{{-1,1}}''',
    '''wind'', :t, 5, power_curve => ''{{10001,1}}''', '''wind'', :t, 5, power_curve => ''{{300,NULL}}''', '''wind'', :t, 5, power_curve => array_fill(1, ARRAY[65,2])::bigint[]',
    '''solar'', :t, 5, irradiance_w_m2 => -1', '''solar'', :t, 5, irradiance_w_m2 => 3001', '''solar'', :t, 5, plane_irradiance_w_m2 => -1',
    '''wind'', :t, 5, wind_speed_cm_s => -1', '''wind'', :t, 5, wind_speed_cm_s => 10001', '''wind'', :t, 5, air_density_g_m3 => 499', '''wind'', :t, 5, air_density_g_m3 => 1601'])
    WITH ORDINALITY u (a, n))) r;
