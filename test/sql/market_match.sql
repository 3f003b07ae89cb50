/*
 * market_match.sql: match_orders(): each method and option once, and bad input of
 * every field.
 */
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
CREATE SCHEMA market_match;
SET search_path = market_match;
\set VERBOSITY default

-- id, side, actor, energy, price, arrival
CREATE FUNCTION o(bigint, text, text, bigint, bigint, bigint DEFAULT 0, partner text DEFAULT NULL, partner_price bigint DEFAULT NULL, zone text DEFAULT NULL)
RETURNS energyledger.order_input LANGUAGE sql IMMUTABLE AS
$$ SELECT ROW($1, $2, $3, $4, $5, zone, partner, partner_price, $6)::energyledger.order_input $$;
CREATE TABLE book AS SELECT ARRAY[
    o(1, 'bid', 'anna', 1, 9), o(2, 'bid', 'bert', 3, 20), o(3, 'bid', 'cleo', 4, 17),
    o(4, 'ask', 'dora', 1, 30), o(5, 'ask', 'emil', 4, 10), o(6, 'ask', 'fred', 3, 8)] AS orders;
CREATE FUNCTION match(orders energyledger.order_input[], method text, options jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s-%s %s@%s', bid_id, ask_id, energy, price), ', ' ORDER BY trade_seq)
      FROM energyledger.match_orders(orders, method, options) $$;

SELECT * FROM book, energyledger.match_orders(orders, 'pay_as_clear');
SELECT match(orders, 'pay_as_clear', '{"policy": "ask_side"}') AS ask_side, match(orders, 'pay_as_clear', '{"policy": "bid_side"}') AS bid_side,
       match(orders, 'pay_as_clear', '{"policy": "midpoint"}') AS midpoint FROM book;
SELECT match(orders, 'pay_as_bid') AS merit, match(orders, 'pay_as_bid', '{"order": "gsy"}') AS gsy, match(orders, 'continuous') AS continuous,
       match(orders, 'proportional', '{"reference_price": 10}') AS proportional FROM book;

-- No orders, one side, nothing that crosses: no trades and no price.
SELECT match('{}', m) AS none, match(ARRAY[o(1, 'bid', 'a', 5, NULL)], m) AS one_side, match(ARRAY[o(1, 'bid', 'a', 5, 9), o(2, 'ask', 'b', 5, 10)], m) AS apart
  FROM unnest(ARRAY['pay_as_clear', 'pay_as_bid', 'continuous']) m;
-- At any price, and below zero.
SELECT match(ARRAY[o(1, 'bid', 'a', 5, NULL), o(2, 'bid', 'b', 5, -3), o(3, 'ask', 'c', 8, -7)], 'pay_as_clear') AS marginal_bid,
       match(ARRAY[o(1, 'bid', 'a', 5, NULL), o(2, 'ask', 'c', 3, NULL)], 'pay_as_clear', '{"reference_price": -4}') AS reference;
-- Ends of the range.
SELECT match(ARRAY[o(1, 'bid', 'a', 9223372036854775807, 9223372036854775807), o(-1, 'ask', 'b', 9223372036854775807, -9223372036854775808)],
             'pay_as_clear', '{"policy": "midpoint"}') AS ends;
-- Own orders; of nobody known they are not own.
SELECT match(ARRAY[o(1, 'bid', 'a', 5, 9), o(2, 'ask', 'a', 5, 8)], 'pay_as_clear') AS net,
       match(ARRAY[o(1, 'bid', 'a', 5, 9), o(2, 'ask', 'a', 5, 8)], 'pay_as_clear', '{"self_trade": "allow"}') AS allow,
       match(ARRAY[o(1, 'bid', NULL, 5, 9), o(2, 'ask', NULL, 5, 8)], 'pay_as_clear') AS unknown;
-- Partners.
SELECT match(p, 'pay_as_clear') AS none, match(p, 'pay_as_clear', '{"first_phase": "peer_fixed"}') AS contracts,
       match(p, 'pay_as_clear', '{"first_phase": "preference"}') AS preference
  FROM (SELECT ARRAY[o(1, 'bid', 'a', 5, 20, partner => 'c', partner_price => 12), o(2, 'bid', 'b', 5, 20), o(3, 'ask', 'c', 5, 10, partner => 'a', partner_price => 12),
                     o(4, 'ask', 'd', 5, 10, partner => 'b', partner_price => 20)] AS p) s;
-- One zone, or none.
SELECT match(ARRAY[o(1, 'bid', 'a', 5, 9, zone => 'n'), o(2, 'ask', 'b', 5, 8), o(3, 'ask', 'c', 5, 7, zone => 'n')], 'pay_as_clear') AS one_zone;

-- Any sequence of the same orders, the same trades.
SELECT count(DISTINCT match(x.orders, 'pay_as_clear')) FROM book, LATERAL (
    SELECT array_agg(o ORDER BY md5(n::text || o::text)) AS orders FROM unnest(orders) o, generate_series(1, 20) n GROUP BY n) x;
-- One hash of any sequence of the same orders; the bytes, put together by hand; every field counts.
SELECT count(DISTINCT energyledger.match_input_hash(x.orders, 'pay_as_clear')) FROM book, LATERAL (
    SELECT array_agg(o ORDER BY md5(n::text || o::text)) AS orders FROM unnest(orders) o, generate_series(1, 20) n GROUP BY n) x;
SELECT energyledger.match_input_hash(ARRAY[o(-2, 'ask', 'b', 5, NULL, 7), o(258, 'bid', 'ü', 6, 1, 0, 'b', -1, 'z')], 'pay_as_clear', '{"policy":   "midpoint"}')
     = sha256('pg_energyledger match input 1\012'::bytea || int8send(2)
     || int8send(-2) || '\x01' || int8send(5) || '\x00' || int8send(7) || '\x000162' || '\x0000' || '\x0000' || '\x00' || '\x0000' || int8send(0)
     || int8send(258) || '\x00' || int8send(6) || '\x01' || int8send(1) || int8send(0) || '\x0002c3bc' || '\x00017a' || '\x000162' || '\x01' || int8send(-1) || '\x0000' || int8send(0)
     || '\x0000000c' || 'pay_as_clear' || '\x00000016' || '{"policy": "midpoint"}') AS is_documented;
SELECT count(DISTINCT energyledger.match_input_hash(ARRAY[x], m, op::jsonb)) AS fourteen
  FROM (SELECT o(1, 'bid', 'a', 5, 9, 3, 'b', 8, 'z')
        UNION ALL SELECT o(2, 'bid', 'a', 5, 9, 3, 'b', 8, 'z') UNION ALL SELECT o(1, 'ask', 'a', 5, 9, 3, 'b', 8, 'z') UNION ALL SELECT o(1, 'bid', 'c', 5, 9, 3, 'b', 8, 'z')
        UNION ALL SELECT o(1, 'bid', 'a', 6, 9, 3, 'b', 8, 'z') UNION ALL SELECT o(1, 'bid', 'a', 5, NULL, 3, 'b', 8, 'z') UNION ALL SELECT o(1, 'bid', 'a', 5, 9, 4, 'b', 8, 'z')
        UNION ALL SELECT o(1, 'bid', 'a', 5, 9, 3, 'c', 8, 'z') UNION ALL SELECT o(1, 'bid', 'a', 5, 9, 3, 'b', 7, 'z') UNION ALL SELECT o(1, 'bid', 'a', 5, 9, 3, 'b', NULL, 'z')
        UNION ALL SELECT o(1, 'bid', 'a', 5, 9, 3, 'b', 8, 'y') UNION ALL SELECT o(1, 'bid', 'a', 5, 9, 3, 'b', 8)) s (x),
       (VALUES ('pay_as_clear', '{}'), ('pay_as_bid', '{}'), ('pay_as_clear', '{"policy": "midpoint"}')) r (m, op)
 WHERE x = o(1, 'bid', 'a', 5, 9, 3, 'b', 8, 'z') OR (m, op) = ('pay_as_clear', '{}');
SELECT provolatile, proparallel, prosecdef FROM pg_proc WHERE proname = 'match_orders';

-- ---- bad input ----
SELECT energyledger.match_input_hash('{}', NULL);
SELECT energyledger.match_input_hash(ARRAY[o(1, 'bid', 'a', 1, 1), o(2, 'ask', 'b', 1, 1), o(1, 'ask', 'c', 1, 1)], 'pay_as_clear');
SELECT energyledger.match_input_hash('{}', 'pay_as_clear', '{"fees": 1}');
SELECT energyledger.match_orders(NULL, 'pay_as_clear');
SELECT energyledger.match_orders('{}', NULL);
SELECT energyledger.match_orders('{}', 'pay_as_clear', NULL);
SELECT energyledger.match_orders('{NULL}', 'pay_as_clear');
SELECT energyledger.match_orders(ARRAY[ARRAY[o(1, 'bid', 'a', 1, 1)]], 'pay_as_clear');
SELECT energyledger.match_orders(ARRAY[o(1, 'bid', 'a', 1, 1), o(NULL, 'bid', 'a', 1, 1)], 'pay_as_clear');
SELECT energyledger.match_orders(ARRAY[o(1, NULL, 'a', 1, 1)], 'pay_as_clear');
SELECT energyledger.match_orders(ARRAY[o(1, 'Bid', 'a', 1, 1)], 'pay_as_clear');
SELECT energyledger.match_orders(ARRAY[o(1, repeat('ü', 100), 'a', 1, 1)], 'pay_as_clear');
SELECT energyledger.match_orders(ARRAY[o(1, 'bid', '', 1, 1)], 'pay_as_clear');
SELECT energyledger.match_orders(ARRAY[o(1, 'bid', repeat('a', 1001), 1, 1)], 'pay_as_clear');
SELECT energyledger.match_orders(ARRAY[o(1, 'bid', 'a', NULL, 1)], 'pay_as_clear');
SELECT energyledger.match_orders(ARRAY[o(7, 'ask', 'b', 1, 1), o(9, 'bid', 'a', 0, 1)], 'pay_as_clear');
SELECT energyledger.match_orders(ARRAY[o(1, 'bid', 'a', -5, 1)], 'continuous');
SELECT energyledger.match_orders(ARRAY[o(1, 'ask', 'a', 9223372036854775807, 1), o(2, 'bid', 'a', 1, 1), o(3, 'ask', 'a', 1, 1)], 'pay_as_clear');
SELECT energyledger.match_orders(ARRAY[o(1, 'bid', 'a', 1, 1, zone => 'n'), o(2, 'ask', 'b', 1, 1, zone => 's')], 'pay_as_clear');
SELECT energyledger.match_orders(ARRAY[o(1, 'bid', 'a', 1, 1, zone => '')], 'pay_as_clear');
SELECT energyledger.match_orders(ARRAY[o(1, 'bid', 'a', 1, 1, partner => '')], 'pay_as_clear');
SELECT energyledger.match_orders(ARRAY[o(1, 'bid', 'a', 1, 1, partner => 'a')], 'pay_as_clear');
SELECT energyledger.match_orders(ARRAY[o(1, 'bid', 'a', 1, 1, NULL)], 'pay_as_clear');
SELECT energyledger.match_orders(ARRAY[o(1, 'bid', 'a', 1, 1), o(2, 'ask', 'b', 1, 1), o(1, 'ask', 'c', 1, 1)], 'pay_as_clear');
SELECT energyledger.match_orders(ARRAY[o(1, 'bid', 'a', 2, NULL), o(2, 'ask', 'b', 1, 1)], 'pay_as_clear');
SELECT energyledger.match_orders(ARRAY[o(1, 'bid', 'a', 2, NULL), o(2, 'ask', 'b', 1, NULL)], 'pay_as_bid');
SELECT energyledger.match_orders(ARRAY[o(1, 'bid', 'a', 2, 5)], 'proportional');
SELECT energyledger.match_orders('{}', 'proportional');
SELECT energyledger.match_orders('{}', 'Pay_as_clear');
SELECT energyledger.match_orders('{}', 'pay_as_clear', '[]');
SELECT energyledger.match_orders('{}', 'pay_as_clear', '{"fees": 1}');
SELECT energyledger.match_orders('{}', 'continuous', '{"policy": "midpoint"}');
SELECT energyledger.match_orders('{}', 'pay_as_clear', '{"policy": "middle"}');
SELECT energyledger.match_orders('{}', 'pay_as_clear', '{"policy": null}');
SELECT energyledger.match_orders('{}', 'pay_as_clear', '{"policy": ["midpoint"]}');
SELECT energyledger.match_orders('{}', 'pay_as_clear', '{"self_trade": true}');
SELECT energyledger.match_orders('{}', 'pay_as_clear', '{"first_phase": "all"}');
SELECT energyledger.match_orders('{}', 'pay_as_bid', '{"order": "peer"}');
SELECT energyledger.match_orders('{}', 'pay_as_bid', '{"reference_price": 1.5}');
SELECT energyledger.match_orders('{}', 'pay_as_bid', '{"reference_price": 9223372036854775808}');
SELECT energyledger.match_orders('{}', 'pay_as_bid', '{"reference_price": "12"}');

DROP SCHEMA market_match CASCADE;
