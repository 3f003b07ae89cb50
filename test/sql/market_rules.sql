/*
 * market_rules.sql: set_market(), set_member(), close_gate(), add_prices(): good and bad
 * input of every field.
 */
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
SET timezone = 'UTC';
\set VERBOSITY terse
INSERT INTO energyledger.party (party) VALUES ('rules:grid'), ('rules:op'), ('rules:a'), ('rules:b');

-- prices
SELECT energyledger.add_prices('rules:buy', '2025-01-01 00:00Z', NULL, '{300000}'), energyledger.add_prices('rules:sell', '2025-01-01 00:00Z', NULL, '{80000}');
SELECT energyledger.add_prices('rules:hour', '2025-06-01 00:00Z', '1 hour', '{1,-2,3}');
SELECT at, energyledger.price_at('rules:hour', at) FROM unnest(ARRAY['2025-05-31 23:59:59Z', '2025-06-01 00:00Z', '2025-06-01 01:59:59.999999Z', '2025-06-01 02:30Z', '2025-06-01 03:00Z']::timestamptz[]) at;
SELECT energyledger.price_at('rules:buy', '2024-12-31 23:59Z'), energyledger.price_at('rules:buy', '2035-01-01 00:00Z'), energyledger.price_at('rules:none', now()), energyledger.price_at(NULL, now());
-- what was added last counts, and what was known stays known
SELECT clock_timestamp() AS before \gset
SELECT energyledger.add_prices('rules:hour', '2025-06-01 01:00Z', '30 minutes', '{7}');
SELECT energyledger.price_at('rules:hour', '2025-06-01 01:10Z'), energyledger.price_at('rules:hour', '2025-06-01 01:40Z'), energyledger.price_at('rules:hour', '2025-06-01 01:10Z', :'before');
SELECT energyledger.add_prices(NULL, '2025-01-01', NULL, '{1}');
SELECT energyledger.add_prices('a b', '2025-01-01', NULL, '{1}');
SELECT energyledger.add_prices('x', 'infinity', NULL, '{1}');
SELECT energyledger.add_prices('x', '2025-01-01 00:00:00.5', NULL, '{1}');
SELECT energyledger.add_prices('x', '2025-01-01', NULL, '{1,2}');
SELECT energyledger.add_prices('x', '2025-01-01', '1 hour', '{1,NULL}');
SELECT energyledger.add_prices('x', '2025-01-01', '1 hour', '{}');
SELECT energyledger.add_prices('x', '2025-01-01', '1 hour', '{{1}}');
SELECT energyledger.add_prices('x', '2025-01-01', '1 hour', '{100000000000001}');
SELECT energyledger.add_prices('x', '2025-01-01', '1 month', '{1}');
SELECT energyledger.add_prices('x', '2025-01-01', '30 seconds', '{1}');

-- a market
CREATE FUNCTION pg_temp.make(VARIADIC changes text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    arguments jsonb := '{"market": "rules:m", "currency": "EUR", "grid_party": "rules:grid", "operator_party": "rules:op", "buy_series": "rules:buy", "sell_series": "rules:sell"}';
    id bigint;
    d text;
BEGIN
    FOR i IN 1 .. cardinality(changes) / 2 LOOP
        arguments := arguments || jsonb_build_object(changes[2 * i - 1], changes[2 * i]);
    END LOOP;
    EXECUTE 'SELECT energyledger.set_market(' || (SELECT string_agg(format('%I => %L', key, value), ', ') FROM jsonb_each_text(arguments)) || ')' INTO id;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL;
    RETURN SQLSTATE || ' ' || SQLERRM || CASE WHEN d <> '' THEN ' / ' || d ELSE '' END;
END $$;
SELECT name, pg_temp.make(VARIADIC ARRAY[name, value]) FROM (VALUES
    ('market', 'a b'), ('market', NULL), ('currency', 'euro'), ('currency', NULL), ('grid_party', 'rules:nobody'), ('operator_party', 'rules:nobody'), ('grid_party', 'a b'),
    ('buy_series', 'a b'), ('sell_series', NULL), ('reference_series', 'a b'), ('slot_minutes', '7'), ('slot_minutes', '0'), ('slot_minutes', '120'),
    ('gate_closure_minutes', '2000001'), ('gate_closure_minutes', '-2000001'), ('method', 'guess'), ('method', NULL), ('options', '[]'), ('options', '{"policy": "best"}'),
    ('options', '{"reference_price": 5}'), ('options', '{"lottery": "yes"}'), ('options', '{"order": "merit"}'), ('zones', '{}'), ('zones', '[1]'), ('zones', '[]'),
    ('zones', '[{"zone": "a", "fee": -1}]'), ('zones', '[{"zone": "a", "fee": 1, "operator": "rules:nobody"}]'), ('zones', '[{"zone": "a", "parent": "b"}]'),
    ('lines', '[{"from": "a", "to": "b", "capacity": 1}]'), ('bands', '{}'), ('bands', '[1]'), ('price_step_micro_per_kwh', '0'), ('energy_step_wh', '0'),
    ('order_max_wh', '0'), ('order_max_wh', '4398046511105'), ('price_min_micro_per_kwh', '1000000001'), ('price_max_micro_per_kwh', '100000000000001'), ('vat_ppm', '1000001'), ('vat_ppm', '-1'), ('open', NULL)) v(name, value);
SELECT pg_temp.make('zones', '[{"zone": "a"}]', 'price_max_micro_per_kwh', '1000000000001');
SELECT bands, energyledger.bands_problem(bands::jsonb) FROM unnest(ARRAY['[]',
    '[{"side": "short", "price": "buy", "multiplier_ppm": 1000000}]',
    '[{"side": "short", "price": "buy", "multiplier_ppm": 1000000, "up_to_ppm": 5}]',
    '[{"side": "short", "price": "buy", "multiplier_ppm": 1000000, "up_to_ppm": 5, "up_to_wh": 5}]',
    '[{"side": "short", "price": "buy", "multiplier_ppm": 1000000, "up_to_ppm": 5, "up_to_wh": 5}, {"side": "long", "price": "sell", "multiplier_ppm": 1}]',
    '[{"side": "long", "price": "sell", "multiplier_ppm": 1, "up_to_ppm": 5, "up_to_wh": 5}, {"side": "long", "price": "sell", "multiplier_ppm": 1, "up_to_ppm": 5, "up_to_wh": 6}, {"side": "long", "price": "sell", "multiplier_ppm": 1}]',
    '[{"side": "long", "price": "sell", "multiplier_ppm": 1}, {"side": "long", "price": "sell", "multiplier_ppm": 1}]',
    '[{"side": "up", "price": "buy", "multiplier_ppm": 1}]', '[{"side": "short", "price": "market", "multiplier_ppm": 1}]', '[{"side": "short", "price": "buy"}]',
    '[{"side": "short", "price": "buy", "multiplier_ppm": 1.5}]', '[{"side": "short", "price": "buy", "multiplier_ppm": -1}]', '[{"side": "short", "price": "buy", "multiplier_ppm": 1000000001}]',
    '[{"side": "short", "price": "buy", "multiplier_ppm": "1"}]', '[{"side": "short", "price": "buy", "multiplier_ppm": 1, "to": 1}]']) bands;
SELECT pg_temp.make('applies_from', '2025-01-01 00:00Z', 'zones', '[{"zone": "z", "fee": 100, "operator": "rules:a"}, {"zone": "y", "parent": "z", "fee": 5}]');
SELECT slot_minutes, gate_closure_minutes, method, options, zones, bands, open FROM energyledger.market_current WHERE market = 'rules:m';
-- not for the past; the newest of those that apply counts
SELECT pg_temp.make('applies_from', '2025-01-02 00:00Z');
SELECT pg_temp.make('slot_minutes', '60', 'open', 'false', 'applies_from', (date_trunc('hour', now()) + interval '5 hours')::text);
SELECT (energyledger.market_rules('rules:m', '2024-12-31 23:45Z')).slot_minutes, (energyledger.market_rules('rules:m', '2025-01-01 00:00Z')).slot_minutes;
SELECT slot_minutes, open FROM energyledger.market_rules('rules:m', date_trunc('hour', now()) + interval '5 hours');
SELECT pg_temp.make('currency', 'CHF') = 'done' AS again, (SELECT max(applies_from) > now() FROM energyledger.market WHERE market = 'rules:m') AS from_the_next_slot;
SELECT energyledger.gate_closes_at('rules:m', '2025-06-01 12:00Z'), energyledger.gate_closes_at('rules:none', now());

-- members
SELECT energyledger.set_member('rules:none', 'rules:a');
SELECT energyledger.set_member('rules:m', 'rules:nobody');
SELECT energyledger.set_member('rules:m', NULL);
SELECT energyledger.set_member('rules:m', 'rules:a', bid_limit_wh => -1);
SELECT energyledger.set_member('rules:m', 'rules:a', zone => 'x');
SELECT energyledger.set_member('rules:m', 'rules:a', zone => 'y', credit_limit_nano => 5) > 0;
SELECT party, zone, credit_limit_nano, active FROM energyledger.market_member_current WHERE market = 'rules:m';

-- gates
SELECT pg_temp.make('market', 'rules:late', 'gate_closure_minutes', '-2000000', 'applies_from', '2025-01-01 00:00Z');
SELECT energyledger.close_gate('rules:late', '2025-06-01 12:00Z', '');
SELECT energyledger.close_gate('rules:late', '2025-06-01 12:00Z', NULL);
SELECT energyledger.close_gate('rules:late', '2025-06-01 12:00Z', repeat('x', 1001));
SELECT energyledger.close_gate('rules:late', '2025-06-01 12:01Z', 'x');
SELECT energyledger.close_gate('rules:late', '2024-06-01 12:00Z', 'x');
SELECT energyledger.close_gate('rules:none', '2025-06-01 12:00Z', 'x');
SELECT energyledger.close_gate('rules:late', '2025-06-01 12:00Z', 'a trial') <= clock_timestamp() AS closed;
SELECT energyledger.gate_closes_at('rules:late', '2025-06-01 12:00Z') <= clock_timestamp() AS closed;
DO $$ BEGIN PERFORM energyledger.close_gate('rules:late', '2025-06-01 12:00Z', 'again'); EXCEPTION WHEN object_not_in_prerequisite_state THEN RAISE WARNING '%', SQLERRM; END $$;
SELECT energyledger.close_gate('rules:m', '2025-06-01 12:00Z', 'long closed');
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT energyledger.close_gate('rules:late', '2025-06-01 12:15Z', 'x');
ROLLBACK;

-- what is due: all since the market was made, also where the server was away for long, and slots whose gate closes two weeks after they began also
-- where a later one was cleared before; holes of those that close when they begin only as far back as is asked for
SELECT pg_temp.make('market', 'rules:after', 'slot_minutes', '60', 'gate_closure_minutes', '-20160', 'applies_from', '2025-01-01 00:00Z'),
       pg_temp.make('market', 'rules:ahead', 'slot_minutes', '60', 'gate_closure_minutes', '0', 'applies_from', '2025-01-01 00:00Z');
SELECT recorded_at AS made, date_bin('1 hour', recorded_at, 'epoch') + interval '10 days' AS tenth FROM energyledger.market WHERE market = 'rules:after' \gset
CREATE FUNCTION pg_temp.due(market text, at timestamptz, holes interval DEFAULT '1 hour') RETURNS text LANGUAGE sql AS $$
    SELECT format('%s, gates closed: %s, in their sequence: %s', count(*), bool_and(gate_at <= at), array_agg(slot) = array_agg(slot ORDER BY slot))
      FROM energyledger.due_slots(at, holes) d WHERE d.market = due.market $$;
SELECT pg_temp.due('rules:after', timestamptz :'made' + interval '24 days'), pg_temp.due('rules:ahead', timestamptz :'made' + interval '24 days');
SELECT energyledger.close_gate(m, :'tenth', 'early') IS NOT NULL AND energyledger.clear(m, :'tenth') > 0 AS cleared FROM unnest('{rules:after,rules:ahead}'::text[]) m;
SELECT pg_temp.due('rules:after', timestamptz :'made' + interval '24 days'), pg_temp.due('rules:ahead', timestamptz :'made' + interval '24 days');
SELECT pg_temp.due('rules:after', timestamptz :'made' + interval '15 days', '1 day'), pg_temp.due('rules:ahead', timestamptz :'made' + interval '5 days', '1 day');
-- slots of 15 minutes that become slots of 20
SELECT pg_temp.make('market', 'rules:steps', 'applies_from', '2025-01-01 00:00Z'), pg_temp.make('market', 'rules:steps', 'slot_minutes', '20', 'applies_from', (date_trunc('hour', now()) + interval '5 hours')::text);
SELECT date_part('minute', slot) AS minute, count(*) FROM energyledger.due_slots(now() + interval '2 days')
 WHERE market = 'rules:steps' AND slot >= date_trunc('hour', now()) + interval '5 hours' AND slot < date_trunc('hour', now()) + interval '8 hours' GROUP BY 1 ORDER BY 1;
-- an order for a slot long over whose gate is open, of a continuous market
SELECT pg_temp.make('market', 'rules:old', 'method', 'continuous', 'options', '{}', 'gate_closure_minutes', '-20160', 'applies_from', '2025-01-01 00:00Z');
SELECT energyledger.set_member('rules:old', 'rules:a') > 0 AS member;
-- in one transaction: no runner comes in between
BEGIN;
SELECT energyledger.place_order('rules:old', 'rules:a', date_bin('1 hour', now() - interval '10 days', 'epoch'), 'bid', 1000, 100000) > 0 AS placed;
SELECT count(*) FROM energyledger.due_slots(now(), '1 hour') WHERE market = 'rules:old';
COMMIT;

-- rules that open orders could not be matched by, which would leave their slots without a clearing for good
SELECT pg_temp.make('market', 'rules:open', 'zones', '[{"zone": "n"}]', 'applies_from', '2025-01-01 00:00Z'), pg_temp.make('market', 'rules:book', 'method', 'continuous', 'options', '{}', 'applies_from', '2025-01-01 00:00Z'),
       pg_temp.make('market', 'rules:gsy', 'method', 'pay_as_bid', 'options', '{"order": "gsy"}', 'applies_from', '2025-01-01 00:00Z');
SELECT energyledger.set_member('rules:open', 'rules:a', 'n') > 0 AND energyledger.set_member('rules:book', 'rules:a') > 0 AND energyledger.set_member('rules:gsy', 'rules:a') > 0 AS members;
SELECT date_trunc('hour', now()) + interval '2 days 15 minutes' AS ahead \gset
SELECT energyledger.place_order('rules:open', 'rules:a', :'ahead', 'bid', 1000, 100000, conditions => '[{"source": "solar", "limit_price_micro_per_kwh": 200000}]') AS zoned,
       energyledger.place_order('rules:book', 'rules:a', :'ahead', 'bid', 1000, 100000, kind => 'all_or_none') AS whole \gset
CREATE FUNCTION pg_temp.change(VARIADIC changes text[]) RETURNS text LANGUAGE sql AS $$
    SELECT regexp_replace(regexp_replace(pg_temp.make(VARIADIC changes), '\w{3} \w{3} \d\d [\d:]+ \d{4} UTC', 'TIME', 'g'), '\d{10,}', 'N') $$;
SELECT pg_temp.change('market', 'rules:open') AS no_zones, pg_temp.change('market', 'rules:open', 'zones', '[{"zone": "m"}]') AS another, pg_temp.change('market', 'rules:open', 'zones', '[{"zone": "n"}]', 'slot_minutes', '60') AS slots,
       pg_temp.change('market', 'rules:open', 'zones', '[{"zone": "n"}]', 'price_max_micro_per_kwh', '150000') AS prices, pg_temp.change('market', 'rules:open', 'method', 'continuous', 'options', '{}') AS conditions,
       pg_temp.change('market', 'rules:book') AS whole \gx
SELECT pg_temp.change('market', 'rules:open', 'zones', '[{"zone": "n"}, {"zone": "m"}]', 'price_max_micro_per_kwh', '200000') AS fits, pg_temp.change('market', 'rules:open', 'applies_from', (timestamptz :'ahead' + interval '15 minutes')::text) AS after;
-- a continuous market in which somebody has worked them off does not become an auction for the same slot
SELECT energyledger.cancel_order(:zoned), energyledger.cancel_order(:whole);
SELECT energyledger.place_order('rules:book', 'rules:a', :'ahead', 'bid', 1000, 100000) AS plain \gset
SELECT energyledger.clear('rules:book', :'ahead') > 0 AS worked_off, energyledger.cancel_order(:plain);
SELECT pg_temp.change('market', 'rules:open'), pg_temp.change('market', 'rules:book'), pg_temp.change('market', 'rules:book', 'applies_from', (timestamptz :'ahead' + interval '15 minutes')::text);
SELECT energyledger.place_order('rules:gsy', 'rules:a', :'ahead', 'bid', 1000, 100000, conditions => '[{"partner": "rules:b"}]');

-- the price where limits leave it open is none that the market does not have
SELECT energyledger.add_prices('mr:reference', '2025-01-01 00:00Z', '15 minutes', '{-7, 50, 300000}') AS prices;
SELECT slot::time, energyledger.reference_price(jsonb_populate_record(NULL::energyledger.market,
           '{"reference_series": "mr:reference", "price_min_micro_per_kwh": 10, "price_max_micro_per_kwh": 100}'), slot) AS reference
  FROM generate_series(timestamptz '2025-01-01 00:00Z', '2025-01-01 00:45Z', '15 minutes') slot;
