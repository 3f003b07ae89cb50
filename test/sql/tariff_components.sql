/*
 * tariff_components.sql: what tariffs and contracts may say, and which of their rows holds
 * when.  Nothing is charged here.
 */
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
RESET client_min_messages;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\pset null '-'
\set SHOW_CONTEXT never

-- What a statement says: done, or its error.
CREATE FUNCTION pg_temp.said(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    detail text;
    hint text;
BEGIN
    EXECUTE query;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(E'\n', SQLSTATE || ': ' || SQLERRM, nullif(detail, ''), nullif(hint, ''));
END $$;

-- ---- when a day begins: its first midnight, and where there is none the first moment
SELECT z, d, energyledger.day_start(d, z) AS begins, energyledger.day_start(d + 1, z) - energyledger.day_start(d, z) AS lasts
  FROM (VALUES ('UTC', '2025-03-30'::date), ('Europe/Berlin', '2025-03-30'), ('Europe/Berlin', '2025-10-26'), ('Australia/Sydney', '2011-10-02'), ('Australia/Lord_Howe', '2025-04-06'),
        ('Atlantic/Azores', '2025-10-25'), ('Atlantic/Azores', '2025-10-26'), ('America/Sao_Paulo', '2018-11-04'), ('Pacific/Apia', '2011-12-29'), ('Pacific/Apia', '2011-12-30'), ('Asia/Kathmandu', '2025-01-01')) v(z, d);
-- as daily_energy() has it (a stand makes a register)
INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
VALUES ('tariff:days', 1, 1, 1, '1-0:1.8.0', '2017-06-01', '2017-06-01', 0, 0, 'Wh', 'G');
SELECT count(*) AS days, count(*) FILTER (WHERE energyledger.day_start(e.day, z) <> e.from_at OR energyledger.day_start(e.day + 1, z) <> e.to_at) AS other
  FROM unnest('{Europe/Berlin,Atlantic/Azores,America/Sao_Paulo,Australia/Lord_Howe,America/Havana,Asia/Beirut}'::text[]) z,
       energyledger.daily_energy('tariff:days', '2017-01-01', '2019-01-01', z) e;
SELECT energyledger.day_start(NULL, 'UTC'), energyledger.day_start('2025-01-01', NULL);
SELECT energyledger.day_start('2025-01-01', 'Mars/Olympus');

-- ---- a price times a multiplier, rounded half up
SELECT p, m, a, energyledger.scaled_price(p, m, a) AS price, floor(p::numeric * m / 1000000 + 0.5) + a = energyledger.scaled_price(p, m, a) AS right
  FROM (VALUES (100000, 1000000, 0), (100001, 1050000, 15000), (5, 500000, 0), (-5, 500000, 0), (4, 500000, 0), (-3, 500000, 0), (-7, 1500000, -1), (3, 0, 7),
               (100000000000000, 100000000, 100000000000000), (-100000000000000, 100000000, -100000000000000), (-99999999999999, 99999999, 0)) v(p, m, a);
SELECT energyledger.scaled_price(NULL, 1, 1), energyledger.scaled_price(1, NULL, 1), energyledger.scaled_price(1, 1, NULL);

-- ---- windows
SELECT t, energyledger.window_holds(t, NULL, NULL, NULL, NULL) AS always, energyledger.window_holds(t, '{1,2,3,4,5}', '06:00', '22:00', NULL) AS working,
       energyledger.window_holds(t, NULL, '22:00', '06:00', NULL) AS night, energyledger.window_holds(t, '{6,7}', '22:00', '24:00', '{11,12,1,2}') AS winter,
       energyledger.window_holds(t, '{7}', '22:00', '06:00', NULL) AS sunday_night
  FROM unnest('{2025-01-03 05:45, 2025-01-03 06:00, 2025-01-03 21:45, 2025-01-03 22:00, 2025-01-05 23:45, 2025-01-06 00:00, 2025-07-06 22:00}'::timestamp[]) t;
SELECT n, energyledger.numbers_between(n, 1, 7) FROM (VALUES ('{1,7}'::smallint[]), ('{}'), ('{0}'), ('{8}'), ('{1,NULL}'), ('{1,1}'), ('{{1,2}}'), (NULL)) v(n);

-- ---- components
SELECT energyledger.add_tariff_component('tc:a', 'day', 'energy', 'tc:supply', 'EUR', 300000, local_from => '06:00', local_to => '22:00', weekdays => '{1,2,3,4,5}', vat_ppm => 190000) > 0 AS day,
       energyledger.add_tariff_component('tc:a', 'spot', 'energy', 'tc:supply', 'EUR', price_series => 'tc:spot') > 0 AS spot,
       energyledger.add_tariff_component('tc:a', 'grid', 'network', 'tc:grid', 'EUR', 80000, months => '{1,12}') > 0 AS grid,
       energyledger.add_tariff_component('tc:a', 'grid-out', 'network', 'tc:grid', 'EUR', 1000, direction => 'export') > 0 AS out,
       energyledger.add_tariff_component('tc:a', 'tax', 'tax', 'tc:state', 'EUR', 20500) > 0 AS tax,
       energyledger.add_tariff_component('tc:a', 'levy', 'levy', 'tc:state', 'EUR', -100) > 0 AS levy,
       energyledger.add_tariff_component('tc:a', 'pv', 'feed_in', 'tc:supply', 'EUR', price_series => 'tc:spot', multiplier_ppm => 900000, adder_micro_per_kwh => -5000) > 0 AS pv,
       energyledger.add_tariff_component('tc:a', 'base', 'standing', 'tc:supply', 'EUR', price_micro_per_day => 333000) > 0 AS base;
SELECT component, kind, creditor, direction, price_micro_per_kwh AS kwh, price_series AS series, multiplier_ppm AS ppm, adder_micro_per_kwh AS adder, price_micro_per_day AS a_day,
       weekdays, local_from, local_to, months, currency, vat_ppm, from_at, until_at, recorded_by = current_user AS mine
  FROM energyledger.tariff_current WHERE tariff = 'tc:a' ORDER BY component;

-- a version of the same moment takes the older one's place; one that begins later ends it; an empty one ends the component
SELECT energyledger.add_tariff_component('tc:a', 'tax', 'tax', 'tc:state', 'EUR', 20600) > 0 AS again,
       energyledger.add_tariff_component('tc:a', 'levy', 'levy', 'tc:state', 'EUR', 200, from_at => now() - interval '1 day') > 0 AS since_yesterday,
       energyledger.add_tariff_component('tc:a', 'grid', 'network', 'tc:grid', 'EUR', 90000, from_at => now() + interval '1 day') > 0 AS from_tomorrow,
       energyledger.add_tariff_component('tc:a', 'grid-out', 'network', 'tc:grid', 'EUR', 0, direction => 'export', from_at => now() - interval '1 day', until_at => now() - interval '1 day') > 0 AS ended;
SELECT component, price_micro_per_kwh FROM energyledger.tariff_current WHERE tariff = 'tc:a' AND component IN ('tax', 'levy', 'grid', 'grid-out') ORDER BY component;

-- what is refused
SELECT pg_temp.said('SELECT energyledger.add_tariff_component(' || a || ')') AS said, a FROM unnest(ARRAY[
    $$ NULL, 'x', 'energy', 's', 'EUR', 1 $$,
    $$ 't', 'x', 'energy', 's', 'EUR', 1, from_at => NULL $$,
    $$ 't t', 'x', 'energy', 's', 'EUR', 1 $$,
    $$ 't', '', 'energy', 's', 'EUR', 1 $$,
    $$ 't', 'x', 'energy', 'ä', 'EUR', 1 $$,
    $$ 't', 'x', 'energy', 's', 'EUR', price_series => 'a b' $$,
    $$ 't', 'x', 'gift', 's', 'EUR', 1 $$,
    $$ 't', 'x', 'energy', 's', 'eur', 1 $$,
    $$ 't', 'x', 'energy', 's', 'EUR', 1, direction => 'export' $$,
    $$ 't', 'x', 'feed_in', 's', 'EUR', 1, direction => 'import' $$,
    $$ 't', 'x', 'tax', 's', 'EUR', 1, direction => 'sideways' $$,
    $$ 't', 'x', 'standing', 's', 'EUR', price_micro_per_day => 1, direction => 'import' $$,
    $$ 't', 'x', 'energy', 's', 'EUR' $$,
    $$ 't', 'x', 'energy', 's', 'EUR', 1, price_series => 'p' $$,
    $$ 't', 'x', 'energy', 's', 'EUR', price_micro_per_day => 1 $$,
    $$ 't', 'x', 'standing', 's', 'EUR', 1 $$,
    $$ 't', 'x', 'energy', 's', 'EUR', 1, multiplier_ppm => 1 $$,
    $$ 't', 'x', 'energy', 's', 'EUR', 100000000000001 $$,
    $$ 't', 'x', 'energy', 's', 'EUR', -9223372036854775808 $$,
    $$ 't', 'x', 'energy', 's', 'EUR', price_series => 'p', multiplier_ppm => -1 $$,
    $$ 't', 'x', 'energy', 's', 'EUR', 1, vat_ppm => 1000001 $$,
    $$ 't', 'x', 'energy', 's', 'EUR', 1, weekdays => '{0}' $$,
    $$ 't', 'x', 'energy', 's', 'EUR', 1, months => '{}' $$,
    $$ 't', 'x', 'energy', 's', 'EUR', 1, local_from => '06:00' $$,
    $$ 't', 'x', 'energy', 's', 'EUR', 1, local_from => '06:00', local_to => '06:00' $$,
    $$ 't', 'x', 'energy', 's', 'EUR', 1, local_from => '06:00', local_to => '06:10' $$,
    $$ 't', 'x', 'standing', 's', 'EUR', price_micro_per_day => 1, months => '{1}' $$,
    $$ 't', 'x', 'energy', 's', 'EUR', 1, from_at => '2025-01-02', until_at => '2025-01-01' $$,
    $$ 't', 'x', 'energy', 's', 'EUR', 1, from_at => 'infinity' $$,
    $$ 'tc:a', 'x', 'energy', 's', 'CHF', 1 $$]) a;
SELECT count(*) FROM energyledger.tariff_component WHERE tariff = 't';

-- ---- contracts
SELECT energyledger.set_contract('tc:anna', 'tc:a', 'Europe/Berlin', '2025-01-01 00:00+01') > 0 AS first,
       energyledger.set_contract('tc:anna', 'tc:a', 'Europe/Berlin', '2025-06-01 00:00+02', prepaid => true, prepaid_floor_nano => -5000000000) > 0 AS prepaid,
       energyledger.set_contract('tc:bert', 'tc:a', 'Europe/Berlin', '2025-01-01 00:00+01', '2025-06-01 00:00+02') > 0 AS ended;
SELECT party, tariff, time_zone, from_at, until_at, prepaid, prepaid_floor_nano, recorded_by = current_user AS mine FROM energyledger.contract_current WHERE party LIKE 'tc:%' ORDER BY party;
SELECT energyledger.set_contract('tc:anna', 'tc:a', 'Europe/Berlin', '2025-06-01 00:00+02') > 0 AS not_prepaid;
SELECT party, prepaid FROM energyledger.contract_current WHERE party LIKE 'tc:%' ORDER BY party;

SELECT pg_temp.said('SELECT energyledger.set_contract(' || a || ')') AS said, a FROM unnest(ARRAY[
    $$ 'tc:x', 'tc:a', NULL, '2025-01-01' $$,
    $$ 'tc:x', 'tc:a', 'UTC', '2025-01-01', prepaid => NULL $$,
    $$ 'tc x', 'tc:a', 'UTC', '2025-01-01' $$,
    $$ 'tc:x', 'tc:none', 'UTC', '2025-01-01' $$,
    $$ 'tc:grid', 'tc:a', 'UTC', '2025-01-01' $$,
    $$ 'tc:x', 'tc:a', '', '2025-01-01' $$,
    $$ 'tc:x', 'tc:a', 'Mars/Olympus', '2025-01-01' $$,
    $$ 'tc:x', 'tc:a', 'UTC', '-infinity' $$,
    $$ 'tc:x', 'tc:a', 'UTC', '2025-01-02', '2025-01-01' $$,
    $$ 'tc:x', 'tc:a', 'Europe/Berlin', '2025-01-01 00:00Z' $$,
    $$ 'tc:x', 'tc:a', 'Europe/Berlin', '2025-01-01 00:00+01', '2025-07-01 00:00+01' $$]) a;
SELECT count(*) FROM energyledger.contract WHERE party LIKE 'tc:x%';

-- nor is it written past the function's checks
\set VERBOSITY terse
INSERT INTO energyledger.tariff_component (tariff, component, kind, creditor, direction, price_micro_per_kwh, currency, vat_ppm, from_at, until_at, recorded_at, recorded_by)
VALUES ('t', 'x', 'energy', 's', 'export', 1, 'EUR', 0, '-infinity', 'infinity', now(), 'x');
