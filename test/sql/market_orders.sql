/*
 * market_orders.sql: what is taken as an order and what is not, with the reason; limits,
 * cancellations, clearing, and clearing again after somebody changed what is stored.
 */
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
SET timezone = 'UTC';
\set VERBOSITY default
\set SHOW_CONTEXT never
INSERT INTO energyledger.party (party) VALUES ('o:grid'), ('o:a'), ('o:b'), ('o:c'), ('o:d'), ('o:out');
SELECT energyledger.add_prices('o:buy', '2025-01-01 00:00Z', NULL, '{300000}') + energyledger.add_prices('o:sell', '2025-01-01 00:00Z', NULL, '{80000}') AS prices;
-- gates that close years after their slots, or when somebody closes them
CREATE FUNCTION pg_temp.market(name text, method text DEFAULT 'pay_as_clear', options jsonb DEFAULT '{}', zones jsonb DEFAULT NULL, lines jsonb DEFAULT NULL) RETURNS boolean LANGUAGE sql AS $$
    SELECT energyledger.set_market(name, 'EUR', 'o:grid', 'o:grid', 'o:buy', 'o:sell', gate_closure_minutes => -2000000, method => method, options => options,
        zones => zones, lines => lines, price_step_micro_per_kwh => 100, price_min_micro_per_kwh => -500000, price_max_micro_per_kwh => 1000000,
        energy_step_wh => 10, order_max_wh => 100000, applies_from => '2025-01-01 00:00Z') > 0 $$;
SELECT pg_temp.market('o:m');
SELECT energyledger.set_member('o:m', p) > 0 AS member FROM unnest(ARRAY['o:a', 'o:b', 'o:c', 'o:d']) p;
SELECT energyledger.set_member('o:m', 'o:d', active => false) > 0 AS out;
SELECT energyledger.register_meter('o:meter', decode(repeat('07', 32), 'hex'), party => 'o:b', technology => 'solar') > 0 AS meter;
\set slot '''2025-06-01 12:00Z'''

-- refused
SELECT energyledger.place_order(NULL, 'o:a', :slot, 'bid', 10);
SELECT energyledger.place_order('o:m', 'o:a', :slot, NULL, 10);
SELECT energyledger.place_order('o:none', 'o:a', :slot, 'bid', 10);
SELECT energyledger.place_order('o:m', 'o:a', '2024-12-31 23:45Z', 'bid', 10);
SELECT energyledger.place_order('o:m', 'o:nobody', :slot, 'bid', 10);
SELECT energyledger.place_order('o:m', 'o:out', :slot, 'bid', 10);
SELECT energyledger.place_order('o:m', 'o:d', :slot, 'bid', 10);
SELECT energyledger.place_order('o:m', 'o:a', '2025-06-01 12:01Z', 'bid', 10);
SELECT energyledger.place_order('o:m', 'o:a', 'infinity', 'bid', 10);
SELECT energyledger.place_order('o:m', 'o:a', :slot, 'buy', 10);
SELECT energyledger.place_order('o:m', 'o:a', :slot, 'bid', 0);
SELECT energyledger.place_order('o:m', 'o:a', :slot, 'bid', -10);
SELECT energyledger.place_order('o:m', 'o:a', :slot, 'bid', 15);
SELECT energyledger.place_order('o:m', 'o:a', :slot, 'bid', 100010);
SELECT energyledger.place_order('o:m', 'o:a', :slot, 'bid', 10, 150);
SELECT energyledger.place_order('o:m', 'o:a', :slot, 'bid', 10, -500100);
SELECT energyledger.place_order('o:m', 'o:a', :slot, 'bid', 10, 1000100);
SELECT energyledger.place_order('o:m', 'o:a', :slot, 'bid', 10, kind => 'all_or_none');
SELECT energyledger.place_order('o:m', 'o:a', :slot, 'bid', 10, kind => 'stop');
SELECT energyledger.place_order('o:m', 'o:a', :slot, 'bid', 10, zone => 'n1');
SELECT energyledger.place_order('o:m', 'o:a', :slot, 'bid', 10, source => 'solar');
SELECT energyledger.place_order('o:m', 'o:a', :slot, 'ask', 10, source => 'solar');
SELECT energyledger.place_order('o:m', 'o:a', :slot, 'bid', 10, partner => 'o:a');
SELECT energyledger.place_order('o:m', 'o:a', :slot, 'bid', 10, partner => 'a b');
SELECT energyledger.place_order('o:m', 'o:a', :slot, 'bid', 10, partner_price_micro_per_kwh => 50);
SELECT conditions, energyledger.conditions_problem(conditions::jsonb) FROM unnest(ARRAY['{}', '[]', '[1]', '[{"colour": "red"}]', '[{"partner": ""}]', '[{"source": 5}]', '[{"energy_wh": 0}]',
    '[{"energy_wh": 1.5}]', '[{"limit_price_micro_per_kwh": "1"}]', '[{}, {"energy_wh": 1}]', '[{"zone": "n1"}, {}]']) conditions;
SELECT energyledger.place_order('o:m', 'o:a', :slot, 'bid', 10, conditions => '[{}, {}]');
SELECT energyledger.place_order('o:m', 'o:a', :slot, 'bid', 10, conditions => '[{"limit_price_micro_per_kwh": 50}]');
DO $$ BEGIN PERFORM energyledger.place_order('o:m', 'o:a', '2025-06-01 12:00Z', 'bid', 10, valid_until => clock_timestamp()); EXCEPTION WHEN object_not_in_prerequisite_state THEN RAISE WARNING '%', SQLERRM; END $$;
DO $$ BEGIN PERFORM energyledger.place_order('o:m', 'o:a', date_bin('15 minutes', now(), 'epoch') + interval '4 years', 'bid', 10); EXCEPTION WHEN invalid_parameter_value THEN RAISE WARNING '%', SQLERRM; END $$;
SELECT count(*) FROM energyledger.market_order WHERE market LIKE 'o:%';

-- limits of a member: energy, cancelled orders left out, and money
SELECT energyledger.set_member('o:m', 'o:c', bid_limit_wh => 100, ask_limit_wh => 0, credit_limit_nano => 20000000) > 0 AS limited;
SELECT energyledger.place_order('o:m', 'o:c', :slot, 'ask', 10);
SELECT energyledger.place_order('o:m', 'o:c', :slot, 'bid', 60, 200000) AS first \gset
SELECT energyledger.place_order('o:m', 'o:c', :slot, 'bid', 50, 100000);
SELECT energyledger.place_order('o:m', 'o:c', :slot, 'bid', 40, 200100);
SELECT energyledger.place_order('o:m', 'o:c', '2025-06-01 12:15Z', 'bid', 50, 200000);
SELECT energyledger.place_order('o:m', 'o:c', '2025-06-01 12:15Z', 'bid', 10);
SELECT energyledger.place_order('o:m', 'o:c', '2025-06-01 12:15Z', 'bid', 40, 200000) > 0 AS taken;
SELECT energyledger.place_order('o:m', 'o:c', :slot, 'bid', 10, -100) > 0 AS costs_nothing;
SELECT energyledger.cancel_order(:first);
DO $$ BEGIN PERFORM energyledger.cancel_order(ledger_id) FROM energyledger.market_order WHERE market = 'o:m' AND party = 'o:c' AND energy_wh = 60; EXCEPTION WHEN object_not_in_prerequisite_state THEN RAISE WARNING '%', regexp_replace(SQLERRM, '\d+', 'N'); END $$;
SELECT energyledger.cancel_order(NULL);
SELECT energyledger.cancel_order(1);
SELECT energyledger.place_order('o:m', 'o:c', :slot, 'bid', 60, 150000) > 0 AS there_is_room_again;
-- an ask below zero may cost as much as a bid, one above costs nothing; at any price it is the market's lowest
SELECT energyledger.set_member('o:m', 'o:d', credit_limit_nano => 1000) > 0 AS limited;
SELECT energyledger.place_order('o:m', 'o:d', :slot, 'ask', 10, -200);
SELECT energyledger.place_order('o:m', 'o:d', :slot, 'ask', 10);
SELECT energyledger.place_order('o:m', 'o:d', :slot, 'ask', 10, 100) AS costs_nothing, energyledger.place_order('o:m', 'o:d', :slot, 'ask', 10, -100) AS up_to_it \gset
SELECT energyledger.place_order('o:m', 'o:d', :slot, 'ask', 10, -100);
SELECT energyledger.place_order('o:m', 'o:d', :slot, 'bid', 10, 100);
SELECT energyledger.cancel_order(n) FROM unnest(ARRAY[:costs_nothing, :up_to_it]) n;
-- what it owes by postings, in this currency
SELECT energyledger.record_payment('o:d', 'o:grid', -1000, 'JPY', now(), 'o:1') > 0 AS owes_another;
SELECT energyledger.place_order('o:m', 'o:d', :slot, 'bid', 10, 100) AS still \gset
SELECT energyledger.record_payment('o:d', 'o:grid', -1, 'EUR', now(), 'o:2') > 0 AS owes;
SELECT energyledger.cancel_order(:still);
SELECT energyledger.place_order('o:m', 'o:d', :slot, 'bid', 10, 100);
SELECT energyledger.set_member('o:m', 'o:d', active => false) > 0 AS out;

-- taken, and cleared by the rules of match_orders()
SELECT energyledger.place_order('o:m', 'o:a', :slot, 'bid', 2500) > 0, energyledger.place_order('o:m', 'o:b', :slot, 'ask', 1000, 100000, source => 'solar') > 0,
    energyledger.place_order('o:m', 'o:b', :slot, 'ask', 3000, 120000) > 0, energyledger.place_order('o:m', 'o:b', :slot, 'bid', 500, 130000) > 0;
SELECT party, side, open_wh, limit_price_micro_per_kwh, source, kind FROM energyledger.open_orders WHERE market = 'o:m' AND slot = :slot ORDER BY order_id;
\set VERBOSITY terse
SELECT energyledger.clear('o:m', :slot);
SELECT energyledger.clear('o:m', '2025-06-01 12:05Z');
SELECT energyledger.clear(NULL, :slot);
SELECT energyledger.clear('o:none', :slot);
SELECT energyledger.close_gate('o:m', :slot, 'enough') IS NOT NULL AS closed;
SELECT energyledger.place_order('o:m', 'o:a', :slot, 'bid', 10);
SELECT energyledger.clear('o:m', :slot) AS id \gset
SELECT energyledger.clear('o:m', :slot) = :id AS once;
SELECT orders, trades, bid_wh, ask_wh, netted_wh, volume_wh, price_micro_per_kwh, low_micro_per_kwh, high_micro_per_kwh, options FROM energyledger.clearing WHERE ledger_id = :id;
SELECT trade_seq, buyer, seller, energy_wh, price_micro_per_kwh, seller_gets, buyer_pays, slot_end, phase FROM energyledger.trades WHERE market = 'o:m' ORDER BY trade_seq;
SELECT o.party, o.side, l.energy_wh, l.reason FROM energyledger.order_lapse l JOIN energyledger.market_order o ON o.ledger_id = l.order_id WHERE l.market = 'o:m' ORDER BY l.ledger_id;
SELECT zone, price_micro_per_kwh, reference_micro_per_kwh, sold_wh FROM energyledger.clearing_prices WHERE market = 'o:m';
SELECT count(*) FROM energyledger.open_orders WHERE market = 'o:m' AND slot = :slot;
SELECT * FROM energyledger.verify_clearing(:id);
SELECT * FROM energyledger.verify_clearing(NULL);
SELECT * FROM energyledger.verify_clearing(1);
DO $$ BEGIN PERFORM energyledger.cancel_order(ledger_id) FROM energyledger.market_order WHERE market = 'o:m' AND party = 'o:a'; EXCEPTION WHEN object_not_in_prerequisite_state THEN RAISE WARNING '%', regexp_replace(SQLERRM, '\d+', 'N'); END $$;
-- whoever has the orders gets the same by match_orders()
SELECT trade_seq, energy, price FROM energyledger.match_orders(ARRAY(SELECT ROW(ledger_id, side, party, energy_wh, limit_price_micro_per_kwh, NULL, NULL, NULL,
        (extract(epoch FROM received_at) * 1000000)::bigint)::energyledger.order_input FROM energyledger.market_order o
    WHERE market = 'o:m' AND slot = :slot AND NOT EXISTS (SELECT FROM energyledger.order_cancel c WHERE c.order_id = o.ledger_id)), 'pay_as_clear', '{"reference_price": 190000}');

-- somebody adds what was not there
CREATE FUNCTION pg_temp.verify(id bigint) RETURNS text LANGUAGE sql AS $$
    SELECT regexp_replace(concat_ws(' / ', equal, what, stored, computed), '[0-9a-f]{64}|\d{12,}|(?<=through_no / 9 / )\d+', 'N', 'g') FROM energyledger.verify_clearing(id) $$;
BEGIN;
INSERT INTO energyledger.trade SELECT market, slot, trade_seq + 3, bid_id, ask_id, buyer, seller, energy_wh, price_micro_per_kwh, buyer_price_micro_per_kwh, buyer_zone, seller_zone, phase FROM energyledger.trade WHERE market = 'o:m' AND trade_seq = 1;
SELECT pg_temp.verify(:id);
ROLLBACK;
BEGIN;
INSERT INTO energyledger.order_lapse SELECT market, slot, order_id, 1, 'netted' FROM energyledger.order_lapse WHERE market = 'o:m' LIMIT 1;
SELECT pg_temp.verify(:id);
ROLLBACK;
BEGIN;
INSERT INTO energyledger.market_order (market, slot, side, party, energy_wh, kind, received_at, placed_by) VALUES ('o:m', :slot, 'bid', 'o:a', 10, 'limit', '2025-05-31', 'nobody');
SELECT pg_temp.verify(:id);
ROLLBACK;
BEGIN;
INSERT INTO energyledger.order_cancel (order_id, market, slot, received_at, cancelled_by) SELECT ledger_id, market, slot, now(), 'nobody' FROM energyledger.market_order WHERE market = 'o:m' AND slot = :slot AND party = 'o:a';
SELECT pg_temp.verify(:id);
ROLLBACK;
-- a clearing that says something else than what comes out
CREATE FUNCTION pg_temp.told(column_name text, value text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    c energyledger.clearing;
    id bigint;
    said text;
BEGIN
    SELECT x.* INTO c FROM energyledger.clearing x WHERE market = 'o:m' AND run = 1 AND slot = '2025-06-01 12:00Z';
    c := jsonb_populate_record(c, jsonb_build_object('run', 2, column_name, CASE WHEN value ~ '^[[{]' THEN value::jsonb ELSE to_jsonb(value) END));
    BEGIN
        INSERT INTO energyledger.clearing VALUES (c.market, c.slot, c.run, c.market_id, c.gate_at, c.through_no, c.method, c.options, c.rule_version, c.input_hash, c.orders,
            c.trades, c.bid_wh, c.ask_wh, c.netted_wh, c.volume_wh, c.price_micro_per_kwh, c.low_micro_per_kwh, c.high_micro_per_kwh, c.zones, c.lines, c.cleared_at, c.cleared_by)
        RETURNING ledger_id INTO id;
        said := pg_temp.verify(id);
        RAISE EXCEPTION 'undone';
    EXCEPTION WHEN raise_exception THEN
        RETURN said;
    END;
END $$;
SELECT column_name, pg_temp.told(column_name, value) FROM (VALUES ('method', 'pay_as_bid'), ('options', '{"policy": "bid_side"}'), ('rule_version', '2'), ('orders', '7'),
    ('through_no', '9'), ('input_hash', '\x' || repeat('00', 32)), ('bid_wh', '1'), ('ask_wh', '1'), ('trades', '9'), ('netted_wh', '0'), ('volume_wh', '1'), ('price_micro_per_kwh', '1'), ('low_micro_per_kwh', '1'),
    ('high_micro_per_kwh', '1'), ('zones', '[]'), ('lines', '[]')) v(column_name, value);

-- nothing to trade; no price to take; prices below zero
SELECT energyledger.close_gate('o:m', '2025-06-01 13:00Z', 'x') IS NOT NULL, energyledger.clear('o:m', '2025-06-01 13:00Z') > 0;
SELECT orders, trades, volume_wh, price_micro_per_kwh, equal FROM energyledger.clearing c, energyledger.verify_clearing(c.ledger_id) WHERE market = 'o:m' AND slot = '2025-06-01 13:00Z';
SELECT energyledger.set_market('o:unpriced', 'EUR', 'o:grid', 'o:grid', 'o:nothing', 'o:nothing', gate_closure_minutes => -2000000, applies_from => '2025-01-01 00:00Z') > 0 AS unpriced;
SELECT energyledger.set_member('o:unpriced', p) > 0 AS member FROM unnest(ARRAY['o:a', 'o:b']) p;
SELECT energyledger.place_order('o:unpriced', 'o:a', :slot, 'bid', 10) > 0, energyledger.place_order('o:unpriced', 'o:b', :slot, 'ask', 10) > 0, energyledger.close_gate('o:unpriced', :slot, 'x') IS NOT NULL;
\set VERBOSITY default
DO $$ BEGIN PERFORM energyledger.clear('o:unpriced', '2025-06-01 12:00Z'); EXCEPTION WHEN OTHERS THEN RAISE WARNING '% %', SQLSTATE, SQLERRM; END $$;
SELECT market, clearing, error FROM energyledger.run_market() WHERE market LIKE 'o:%';
SELECT energyledger.add_prices('o:nothing', '2025-01-01 00:00Z', NULL, '{-70000}') AS a_price;
SELECT market, clearing > 0 AS cleared, error FROM energyledger.run_market() WHERE market LIKE 'o:%';
SELECT energy_wh, price_micro_per_kwh, buyer_pays FROM energyledger.trades WHERE market = 'o:unpriced';

-- zones and lines; conditions; a lottery
SELECT pg_temp.market('o:zones', zones => '[{"zone": "top", "fee": 20000, "operator": "o:d"}, {"zone": "n1", "parent": "top", "fee": 10000}, {"zone": "n2", "parent": "top", "fee": 10000}]',
    lines => '[{"from": "n1", "to": "top", "capacity": 1000, "capacity_back": 1000}, {"from": "n2", "to": "top", "capacity": 500, "capacity_back": 500}]');
SELECT energyledger.set_member('o:zones', p, z) > 0 AS member FROM (VALUES ('o:a', 'n1'), ('o:b', 'n2'), ('o:c', NULL)) v(p, z);
SELECT energyledger.register_meter('o:c:meter', decode(repeat('08', 32), 'hex'), party => 'o:c', grid_zone => 'n1') > 0 AS meter;
SELECT energyledger.place_order('o:zones', 'o:c', :slot, 'ask', 3000, 80000);
SELECT energyledger.place_order('o:zones', 'o:a', :slot, 'ask', 3000, 80000, zone => 'n2');
SELECT energyledger.place_order('o:zones', 'o:c', :slot, 'ask', 3000, 80000, zone => 'n1') > 0, energyledger.place_order('o:zones', 'o:a', :slot, 'bid', 1000, 200000) > 0,
    energyledger.place_order('o:zones', 'o:b', :slot, 'bid', 2000, 200000) > 0;
SELECT energyledger.close_gate('o:zones', :slot, 'x') IS NOT NULL, energyledger.clear('o:zones', :slot) > 0;
SELECT buyer, seller, energy_wh, price_micro_per_kwh, buyer_price_micro_per_kwh, buyer_zone, seller_zone FROM energyledger.trades WHERE market = 'o:zones' ORDER BY trade_seq;
SELECT zone, price_micro_per_kwh, sold_wh, bought_wh FROM energyledger.clearing_prices WHERE market = 'o:zones';
SELECT lines, equal, what FROM energyledger.clearing c, energyledger.verify_clearing(c.ledger_id) WHERE market = 'o:zones';
SELECT pg_temp.market('o:wish', 'pay_as_bid'), pg_temp.market('o:lot', options => '{"lottery": true}');
SELECT energyledger.set_member(m, p) > 0 AS member FROM unnest(ARRAY['o:wish', 'o:lot']) m, unnest(ARRAY['o:a', 'o:b', 'o:c']) p;
SELECT energyledger.place_order('o:wish', 'o:a', :slot, 'bid', 1000, 100000, conditions => '[{"partner": "o:out"}, {"source": "solar", "limit_price_micro_per_kwh": 250000}, {"energy_wh": 500, "limit_price_micro_per_kwh": 200000}]') > 0,
    energyledger.place_order('o:wish', 'o:b', :slot, 'ask', 800, 210000, source => 'solar') > 0, energyledger.place_order('o:wish', 'o:c', :slot, 'ask', 800, 190000) > 0;
SELECT energyledger.place_order('o:lot', p, :slot, 'bid', 10, 100000) > 0 FROM unnest(ARRAY['o:a', 'o:b']) p;
SELECT energyledger.place_order('o:lot', 'o:c', :slot, 'ask', 10, 100000) > 0;
SELECT energyledger.close_gate(m, :slot, 'x') IS NOT NULL AS closed, energyledger.clear(m, :slot) > 0 AS cleared FROM unnest(ARRAY['o:wish', 'o:lot']) m;
SELECT buyer, seller, energy_wh, price_micro_per_kwh, phase FROM energyledger.trades WHERE market = 'o:wish' ORDER BY trade_seq;
SELECT market, options ? 'lottery' AND options ->> 'lottery' IN (SELECT encode(energyledger.block_hash(height), 'hex') FROM energyledger.block) AS by_a_block, equal, what
  FROM energyledger.clearing c, energyledger.verify_clearing(c.ledger_id) WHERE market IN ('o:wish', 'o:lot') ORDER BY 1;
-- block_hash() is what the next block names
SELECT energyledger.seal() > 0 AS sealed;
SELECT energyledger.add_prices('o:sealed', '2025-01-01 00:00Z', NULL, '{1}') AS something;
SELECT energyledger.seal() > 0 AS sealed;
SELECT bool_and(energyledger.block_hash(b.height) = n.previous_block_hash) AS hashes_follow FROM energyledger.block b JOIN energyledger.block n ON n.height = b.height + 1;
SELECT energyledger.block_hash(0), energyledger.block_hash(NULL);
