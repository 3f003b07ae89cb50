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

-- ---- zones, conditions, lottery ----
CREATE FUNCTION trades(orders energyledger.order_input[], method text, options jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s-%s %s@%s/%s %s', bid_id, ask_id, energy, price, buyer_price, phase), ', ' ORDER BY trade_seq)
      FROM energyledger.match_trades(orders, method, options) $$;
SELECT * FROM book, energyledger.match_trades(orders, 'pay_as_bid');
CREATE TABLE zoned AS SELECT '[{"zone": "grid", "fee": 1}, {"zone": "n1", "parent": "grid", "fee": 2}, {"zone": "n2", "parent": "grid", "fee": 3}]'::jsonb AS zones,
    ARRAY[o(1, 'bid', 'anna', 5, 30, 1, zone => 'n1'), o(2, 'ask', 'bert', 5, 10, 2, zone => 'n2'), o(3, 'ask', 'cleo', 2, 11, 3, zone => 'n1')] AS orders;
-- Along the tree; over a line that is full; each bid at its own limit, of what is cheapest where it is.
SELECT trades(orders, 'pay_as_clear', jsonb_build_object('zones', zones, 'policy', p)) AS tree,
       trades(orders, 'pay_as_clear', jsonb_build_object('zones', zones, 'policy', p, 'lines', '[{"from": "n2", "to": "n1", "capacity": 2, "capacity_back": 0, "fee": 1}]'::jsonb)) AS line
  FROM zoned, unnest(ARRAY['ask_side', 'bid_side', 'midpoint']) p;
SELECT trades(orders, 'pay_as_bid', jsonb_build_object('zones', zones)) AS constant,
       trades(orders, 'pay_as_bid', '{"zones": [{"zone": "n1", "fee_kind": "parts", "fee": 100000}, {"zone": "n2", "fee_kind": "parts", "fee": 50000, "parent": "n1"}]}') AS parts,
       trades(orders, 'pay_as_bid', '{"zones": [{"zone": "n1", "parent": null}, {"zone": "n2"}]}') AS two_trees FROM zoned;
-- At any price.
SELECT trades(a, 'pay_as_clear', jsonb_build_object('zones', zones, 'policy', 'bid_side')) AS limits,
       trades(a, 'pay_as_clear', jsonb_build_object('zones', zones, 'policy', 'midpoint', 'price_min', -10, 'price_max', 40)) AS given,
       trades(a, 'pay_as_bid', jsonb_build_object('zones', zones, 'reference_price', 7)) AS reference,
       trades(ARRAY[a[1], orders[2]], 'pay_as_bid', jsonb_build_object('zones', zones)) AS ask_limit
  FROM zoned, LATERAL (SELECT ARRAY[o(1, 'bid', 'anna', 5, NULL, 1, zone => 'n1'), o(2, 'ask', 'bert', 5, NULL, 2, zone => 'n2')]) x (a);
-- Own orders are netted in their zone; partners are of one zone, and the seller's price and the fee are the buyer's.
SELECT trades(ARRAY[o(1, 'bid', 'anna', 5, 30, zone => 'n1'), o(2, 'ask', 'anna', 2, 10, zone => 'n1'), o(3, 'ask', 'anna', 5, 10, zone => 'n2')], 'pay_as_bid', jsonb_build_object('zones', zones)) AS own,
       trades(ARRAY[o(1, 'bid', 'a', 5, 30, partner => 'b', partner_price => 14, zone => 'n1'), o(2, 'ask', 'b', 2, 12, partner => 'a', zone => 'n1'), o(3, 'ask', 'b', 2, 14, partner => 'a', zone => 'n2')],
              'pay_as_bid', jsonb_build_object('zones', zones, 'first_phase', 'peer_fixed')) AS partners FROM zoned;
-- No orders; a zone without any.
SELECT trades('{}', m, jsonb_build_object('zones', zones)) AS none, trades('{}', m, '{"zones": []}') AS no_zones FROM zoned, unnest(ARRAY['pay_as_clear', 'pay_as_bid']) m;

-- Mom first, then solar at less, then anything at less still.
CREATE TABLE wishes AS SELECT ARRAY[o(1, 'bid', 'me', 1000, 28, 1), o(2, 'ask', 'roof', 300, 21, 2), o(3, 'ask', 'mom', 100, 27, 3), o(4, 'ask', 'grid', 5000, 19, 4)] AS orders,
    '[{"order_id": 2, "source": "solar"}]'::jsonb AS sources,
    '[{"order_id": 1, "partner": "mom"}, {"order_id": 1, "source": "solar", "price": 25, "energy": 200}, {"order_id": 1, "price": 20, "energy": 500}]'::jsonb AS conditions;
SELECT m, trades(orders, m, jsonb_build_object('sources', sources, 'conditions', conditions, 'reference_price', 20)),
       trades(orders, m, jsonb_build_object('sources', sources, 'conditions', conditions - 2, 'reference_price', 22)) AS nothing_open
  FROM wishes, unnest(ARRAY['pay_as_bid', 'pay_as_clear', 'proportional']) m;
-- An ask that sells to one actor only, or to a zone; sources of bids are none.
SELECT trades(ARRAY[o(1, 'bid', 'a', 5, 30, 1), o(2, 'bid', 'b', 5, 20, 2), o(3, 'ask', 'c', 5, 10, 3)], 'pay_as_bid', '{"conditions": [{"order_id": 3, "partner": "b"}]}') AS to_b,
       trades(ARRAY[o(1, 'bid', 'a', 5, 30, 1, zone => 'n2'), o(2, 'bid', 'b', 5, 25, 2, zone => 'n1'), o(3, 'ask', 'c', 5, 10, 3, zone => 'n1')], 'pay_as_clear',
              jsonb_build_object('zones', zones, 'policy', 'midpoint', 'conditions', '[{"order_id": 3, "zone": "n1"}]'::jsonb)) AS to_n1,
       trades(ARRAY[o(1, 'bid', 'a', 5, 30), o(3, 'ask', 'c', 5, 10)], 'pay_as_bid', '{"sources": [{"order_id": 1, "source": "wind"}], "conditions": [{"order_id": 3, "source": "wind"}]}') AS of_a_bid
  FROM zoned;
-- Between zones along the tree, with lines within a zone only.
SELECT trades(orders, 'pay_as_clear', jsonb_build_object('zones', zones, 'conditions', c)) AS tree,
       trades(orders, 'pay_as_clear', jsonb_build_object('zones', zones, 'lines', '[]'::jsonb, 'conditions', c)) AS lines
  FROM zoned, (SELECT '[{"order_id": 1, "zone": "n2", "energy": 3}, {"order_id": 1}]'::jsonb) x (c);
-- Among equal prices, by lot: each order may come first.
SELECT count(DISTINCT first) FROM (SELECT split_part(match(ARRAY[o(1, 'bid', 'a', 5, 9), o(2, 'bid', 'b', 5, 9), o(3, 'bid', 'c', 5, 9), o(4, 'ask', 'd', 5, 9)], 'pay_as_clear',
    jsonb_build_object('lottery', encode(sha256(n::text::bytea), 'hex'))), '-', 1) AS first FROM generate_series(1, 40) n) s;
-- The number that decides, put together by hand; a better price still goes before it.
SELECT bool_and(split_part(match(ARRAY[o(1, 'bid', 'a', 5, 9), o(2, 'bid', 'b', 5, 9), o(-3, 'bid', 'c', 5, 9), o(4, 'ask', 'd', 5, 9)], 'pay_as_bid', jsonb_build_object('lottery', encode(seed, 'hex'))), '-1', 1)
    LIKE (SELECT id || '-4%' FROM unnest(ARRAY[1, 2, -3]::bigint[]) id ORDER BY substr(sha256(seed || int8send(id)), 1, 8) LIMIT 1)) AS is_documented
  FROM (SELECT sha256(n::text::bytea) AS seed FROM generate_series(1, 20) n) s;
SELECT match(ARRAY[o(1, 'bid', 'a', 5, 9, 1), o(2, 'bid', 'b', 5, 10, 2), o(4, 'ask', 'd', 5, 9)], 'pay_as_bid', jsonb_build_object('lottery', repeat('aB', 32))) AS better;
-- One hash, whether conditions and sources stand in one sequence or another; every part of them counts.
SELECT count(DISTINCT energyledger.match_input_hash(orders, 'pay_as_bid', x::jsonb)) AS eight FROM wishes, unnest(ARRAY[
    '{"sources": [{"order_id": 2, "source": "solar"}, {"order_id": 3, "source": "wind"}], "conditions": [{"order_id": 1, "partner": "mom"}, {"order_id": 4, "zone": "z"}]}',
    '{"conditions": [{"order_id": 4, "zone": "z"}, {"order_id": 1, "partner": "mom", "price": null}], "sources": [{"order_id": 3, "source": "wind"}, {"order_id": 2, "source": "solar"}]}',
    '{"sources": [{"order_id": 3, "source": "wind"}], "conditions": [{"order_id": 1, "partner": "mom"}, {"order_id": 4, "zone": "z"}]}',
    '{"sources": [], "conditions": [{"order_id": 1, "partner": "mom"}, {"order_id": 4, "zone": "z"}]}',
    '{"conditions": [{"order_id": 1, "source": "mom"}, {"order_id": 4, "zone": "z"}]}',
    '{"conditions": [{"order_id": 1, "partner": "mom", "price": 1}, {"order_id": 4, "zone": "z"}]}',
    '{"conditions": [{"order_id": 1, "partner": "mom", "energy": 1}, {"order_id": 4, "zone": "z"}]}',
    '{"conditions": [{"order_id": 1, "zone": "z"}, {"order_id": 1, "partner": "mom"}]}',
    '{"conditions": [{"order_id": 1, "partner": "mom"}, {"order_id": 1, "zone": "z"}]}']) x;
SELECT energyledger.match_input_hash(ARRAY[o(1, 'bid', 'a', 5, 9, 3), o(2, 'ask', 'b', 5, 9, 3)], 'pay_as_bid',
           '{"lottery": "00000000000000000000000000000000000000000000000000000000000000aa", "sources": [{"order_id": 2, "source": "s"}], "conditions": [{"order_id": 1, "partner": "b", "energy": 4}, {"order_id": 1, "zone": "z", "price": 7}]}')
     = sha256('pg_energyledger match input 1\012'::bytea || int8send(2)
     || int8send(1) || '\x00' || int8send(5) || '\x01' || int8send(9) || int8send(3) || '\x000161' || '\x0000' || '\x0000' || '\x00' || '\x0000' || int8send(2)
     || '\x000162' || '\x0000' || '\x0000' || '\x01' || int8send(4) || '\x00' || '\x0000' || '\x0000' || '\x00017a' || '\x00' || '\x01' || int8send(7)
     || int8send(2) || '\x01' || int8send(5) || '\x01' || int8send(9) || int8send(3) || '\x000162' || '\x0000' || '\x0000' || '\x00' || '\x000173' || int8send(0)
     || '\x0000000a' || 'pay_as_bid' || '\x0000004f' || '{"lottery": "00000000000000000000000000000000000000000000000000000000000000aa"}') AS is_documented;

-- Many names: 3,000 contracts, each of two actors that nobody else names, in one of 1,000 zones.
SELECT count(*), sum(energy), bool_and(phase = 'first' AND bid_id + 1 = ask_id) AS as_named
  FROM energyledger.match_trades((SELECT array_agg(o(i, CASE i % 2 WHEN 0 THEN 'bid' ELSE 'ask' END, 'actor ' || i, i / 2 + 1, 7, -i, 'actor ' || CASE i % 2 WHEN 0 THEN i + 1 ELSE i - 1 END, zone => 'zone ' || i / 2 % 1000))
                                    FROM generate_series(0, 5999) i), 'pay_as_clear',
           (SELECT jsonb_build_object('first_phase', 'peer_fixed', 'zones', jsonb_agg(jsonb_build_object('zone', 'zone ' || n))) FROM generate_series(0, 999) n));
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

-- ---- bad zones, lines, sources, conditions and lotteries ----
CREATE FUNCTION z(options jsonb, method text DEFAULT 'pay_as_clear', orders energyledger.order_input[] DEFAULT '{}') RETURNS text LANGUAGE plpgsql AS $$
DECLARE message text; detail text; hint text;
BEGIN
    RETURN coalesce(match(orders, method, options), 'none');
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(' | ', SQLSTATE, message, detail, nullif(hint, ''));
END $$;
CREATE FUNCTION z1(fields text, method text DEFAULT 'pay_as_bid', more jsonb DEFAULT '{}', orders energyledger.order_input[] DEFAULT '{}') RETURNS text LANGUAGE sql AS
$$ SELECT z(jsonb_build_object('zones', jsonb_build_array('{"zone": "n"}'::jsonb, ('{' || fields || '}')::jsonb)) || more, method, orders) $$;
SELECT z('{"zones": {}}'), z('{"zones": "n"}'), z('{"zones": null}'), z('{"zones": [1]}'), z('{"zones": [[]]}') \gx
SELECT z1('"name": "x"'), z1('"fee": 1'), z1('"zone": null'), z1('"zone": ""'), z1('"zone": 5') \gx
SELECT z1(format('"zone": "%s"', repeat('z', 1001))), z1('"zone": "n"'), z1('"zone": "s", "parent": "w"'), z1('"zone": "s", "parent": "s"'), z1('"zone": "s", "parent": ""') \gx
SELECT z1('"zone": "s", "fee": -1'), z1('"zone": "s", "fee": 100000000001'), z1('"zone": "s", "fee": 1000001, "fee_kind": "parts"'), z1('"zone": "s", "fee": "1"'), z1('"zone": "s", "fee": 0.5') \gx
SELECT z1('"zone": "s", "fee_kind": "percent"'), z1('"zone": "s", "fee_kind": 1'), z1('"zone": "s", "fee_kind": "parts"', 'pay_as_clear'), z1('"zone": "s"', 'continuous'), z1('"zone": "s"', 'proportional') \gx
SELECT z((SELECT jsonb_build_object('zones', jsonb_agg(jsonb_build_object('zone', n::text, 'parent', nullif(n - 1, 0)::text))) FROM generate_series(1, 33) n)) AS deep,
       z((SELECT jsonb_build_object('zones', jsonb_agg(jsonb_build_object('zone', n::text))) FROM generate_series(1, 1001) n)) AS many,
       z1('"zone": "s"', 'pay_as_bid', '{"order": "gsy"}') AS gsy \gx
SELECT z1('"zone": "s"', 'pay_as_bid', orders => ARRAY[o(1, 'bid', 'a', 1, 1)]) AS null_zone, z1('"zone": "s"', 'pay_as_bid', orders => ARRAY[o(1, 'bid', 'a', 1, 1, zone => 'w')]) AS unknown_zone,
       z1('"zone": "s"', 'pay_as_bid', orders => ARRAY[o(1, 'bid', 'a', 1, 1000000000001, zone => 'n')]) AS price_by_bid, z1('"zone": "s"', 'pay_as_clear', orders => ARRAY[o(1, 'bid', 'a', 1, -1000000001, zone => 'n')]) AS price_clear,
       z1('"zone": "s"', 'pay_as_clear', orders => ARRAY[o(1, 'bid', 'a', 1, 1, partner => 'b', partner_price => 1000000001, zone => 'n')]) AS partner_price,
       z1('"zone": "s"', 'pay_as_clear', orders => ARRAY[o(1, 'bid', 'a', 2305843009213693952, 1, zone => 'n'), o(2, 'ask', 'b', 1, 1, zone => 's')]) AS energy \gx
SELECT z('{"price_min": 0}') AS alone, z1('"zone": "s"', 'pay_as_clear', '{"price_min": 5, "price_max": 4}') AS crossed, z1('"zone": "s"', 'pay_as_clear', '{"price_max": 1000000000001}') AS high,
       z1('"zone": "s"', 'pay_as_clear', '{"price_min": "x"}') AS text, z1('"zone": "s"', 'pay_as_clear', '{"reference_price": 4}') AS reference_clear, z1('"zone": "s"', 'pay_as_bid', '{"reference_price": 1000000000001}') AS reference_by_bid,
       z1('"zone": "s"', 'pay_as_bid', '{"price_max": 5}') AS by_bid \gx
CREATE FUNCTION l1(fields text) RETURNS text LANGUAGE sql AS
$$ SELECT z(jsonb_build_object('zones', '[{"zone": "n"}, {"zone": "s"}]'::jsonb, 'lines', jsonb_build_array(('{' || fields || '}')::jsonb))) $$;
SELECT z('{"lines": []}'), z1('"zone": "s"', 'pay_as_bid', '{"lines": []}'), z1('"zone": "s"', 'pay_as_clear', '{"lines": 5}'), l1('"from": "n"'), l1('"from": "n", "to": "s"'), l1('"from": "n", "to": "s", "capacity": 1') \gx
SELECT l1('"from": "w", "to": "s", "capacity": 1, "capacity_back": 1'), l1('"from": "n", "to": "w", "capacity": 1, "capacity_back": 1'), l1('"from": "n", "to": "n", "capacity": 1, "capacity_back": 1'),
       l1('"from": "n", "to": "s", "capacity": -1, "capacity_back": 1'), l1('"from": "n", "to": "s", "capacity": 1, "capacity_back": -1'), l1('"from": "n", "to": "s", "capacity": 1e30, "capacity_back": 1'),
       l1('"from": "n", "to": "s", "capacity": 1, "capacity_back": 1, "fee": -1'), l1('"from": "n", "to": "s", "capacity": 1, "capacity_back": 1, "fee": 100000000001'), l1('"cable": 1'), l1('"fee": 1e200') \gx
CREATE FUNCTION c1(option text, fields text, method text DEFAULT 'pay_as_bid') RETURNS text LANGUAGE sql AS
$$ SELECT z(jsonb_build_object(option, jsonb_build_array(('{' || fields || '}')::jsonb)), method, ARRAY[o(1, 'bid', 'a', 5, 1), o(2, 'ask', 'b', 5, 1)]) $$;
SELECT z('{"sources": {}}'), c1('sources', '"source": "s"'), c1('sources', '"order_id": 2'), c1('sources', '"order_id": 3, "source": "s"'), c1('sources', '"order_id": 2, "source": ""'), c1('sources', '"order_id": 2, "source": "s"', 'continuous'),
       z('{"sources": [{"order_id": 1, "source": "s"}, {"order_id": 1, "source": "t"}]}', 'pay_as_bid', ARRAY[o(1, 'ask', 'a', 5, 1)]) AS twice \gx
SELECT z('{"conditions": 1}'), c1('conditions', '"partner": "b"'), c1('conditions', '"order_id": 9'), c1('conditions', '"order_id": "1"'), c1('conditions', '"order_id": 1, "partner": ""'), c1('conditions', '"order_id": 1, "partner": "a"'),
       c1('conditions', '"order_id": 1, "source": 1'), c1('conditions', '"order_id": 1, "zone": true'), c1('conditions', '"order_id": 1, "energy": 0'), c1('conditions', '"order_id": 1, "energy": 1.5'), c1('conditions', '"order_id": 1, "price": "x"'),
       c1('conditions', '"order_id": 1, "actor": "x"'), c1('conditions', '"order_id": 1', 'continuous') \gx
SELECT z((SELECT jsonb_build_object('conditions', jsonb_agg('{"order_id": 1, "partner": "b"}'::jsonb)) FROM generate_series(1, 17)), 'pay_as_bid', ARRAY[o(1, 'bid', 'a', 5, 1)]) AS seventeen,
       z('{"conditions": [{"order_id": 1}, {"order_id": 1, "price": 5}]}', 'pay_as_bid', ARRAY[o(1, 'bid', 'a', 5, 1)]) AS two_open,
       z('{"order": "gsy", "conditions": [{"order_id": 1}]}', 'pay_as_bid', ARRAY[o(1, 'bid', 'a', 5, 1)]) AS gsy,
       z('{"conditions": [{"order_id": 1}]}', 'pay_as_bid', ARRAY[o(1, 'bid', 'a', 5, 1), o(1, 'ask', 'b', 5, 1)]) AS duplicate,
       z('{"conditions": [{"order_id": 1, "partner": "b"}]}', 'pay_as_clear', ARRAY[o(1, 'bid', 'a', 5, NULL), o(2, 'ask', 'b', 5, NULL)]) AS no_price,
       z1('"zone": "s"', 'pay_as_bid', '{"conditions": [{"order_id": 1, "zone": "w"}]}', ARRAY[o(1, 'bid', 'a', 5, 1, zone => 'n')]) AS zone,
       z1('"zone": "s"', 'pay_as_bid', '{"conditions": [{"order_id": 1, "price": -1000000000001}]}', ARRAY[o(1, 'bid', 'a', 5, 1, zone => 'n')]) AS price \gx
SELECT z('{"lottery": ""}'), z('{"lottery": 5}'), z(jsonb_build_object('lottery', repeat('0', 63) || 'g')), z(jsonb_build_object('lottery', repeat('0', 66))), z(jsonb_build_object('lottery', repeat('0', 64)), 'continuous') \gx

DROP SCHEMA market_match CASCADE;
