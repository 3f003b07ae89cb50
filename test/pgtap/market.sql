-- market.sql: random books through a market and, from the same rows, through match_trades():
-- what clear() reads and writes is what whoever has the orders computes.  All methods, zones,
-- lines, conditions, sources, partners, lotteries, cancellations, orders that end early.
--
-- And what must be true of any clearing and settlement, by sums made here.

\set QUIET 1
SET client_min_messages = warning;
SET timezone = 'UTC';
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;

BEGIN;
SELECT plan(13);

INSERT INTO energyledger.party (party) SELECT 'rb:' || p FROM unnest(ARRAY['grid', 'op', 'p0', 'p1', 'p2', 'p3', 'p4', 'p5', 'p6', 'p7']) p;
SELECT energyledger.register_meter('rb:m' || i, decode(repeat('07', 32), 'hex'), party => 'rb:p' || i, technology => (ARRAY['solar', 'wind', 'house'])[1 + i % 3], grid_zone => 'z' || i % 4) FROM generate_series(0, 7) i;
SELECT energyledger.add_prices('rb:buy', '2025-01-01 00:00Z', NULL, '{300000}'), energyledger.add_prices('rb:sell', '2025-01-01 00:00Z', NULL, '{80001}');
SELECT energyledger.seal();

-- Markets of every kind, each with its rules as match_orders() has them.
CREATE TEMP TABLE kind (name text, method text, options jsonb, zones jsonb, lines jsonb);
INSERT INTO kind
SELECT 'rb:' || row_number() OVER (), v.* FROM (VALUES
    ('pay_as_clear', '{"policy": "ask_side"}'::jsonb, NULL::jsonb, NULL::jsonb), ('pay_as_clear', '{"policy": "bid_side", "first_phase": "preference"}', NULL, NULL),
    ('pay_as_clear', '{"policy": "midpoint", "lottery": true}', NULL, NULL), ('pay_as_bid', '{"first_phase": "peer_fixed"}', NULL, NULL), ('pay_as_bid', '{"self_trade": "allow"}', NULL, NULL),
    ('proportional', '{}', NULL, NULL), ('continuous', '{}', NULL, NULL), ('continuous', '{"self_trade": "allow"}', NULL, NULL),
    ('pay_as_clear', '{"policy": "midpoint"}', '[{"zone": "z0", "fee": 1000, "operator": "rb:op"}, {"zone": "z1", "parent": "z0", "fee": 500}, {"zone": "z2", "parent": "z0"}, {"zone": "z3", "parent": "z1", "fee": 20000}]', NULL),
    ('pay_as_clear', '{}', '[{"zone": "z0", "fee": 1000}, {"zone": "z1", "fee": 500}, {"zone": "z2"}, {"zone": "z3", "fee": 20000}]',
        '[{"from": "z0", "to": "z1", "capacity": 700, "capacity_back": 300, "fee": 10}, {"from": "z1", "to": "z2", "capacity": 200, "capacity_back": 2000}, {"from": "z2", "to": "z0", "capacity": 100, "capacity_back": 0}]'),
    ('pay_as_bid', '{}', '[{"zone": "z0", "fee": 50000, "fee_kind": "parts"}, {"zone": "z1", "parent": "z0", "fee": 500, "operator": "rb:op"}, {"zone": "z2", "parent": "z0"}, {"zone": "z3", "parent": "z1", "fee": 100000, "fee_kind": "parts"}]', NULL)) v(method, options, zones, lines);
SELECT energyledger.set_market(name, 'EUR', 'rb:grid', 'rb:op', 'rb:buy', 'rb:sell', gate_closure_minutes => -2000000, applies_from => '2025-01-01 00:00Z', method => method, options => options, zones => zones, lines => lines) FROM kind;
SELECT energyledger.set_member(name, 'rb:p' || i, CASE WHEN zones IS NOT NULL THEN 'z' || i % 4 END) FROM kind, generate_series(0, 7) i;

SELECT setseed(0.20251124);
DO $$
DECLARE
    k record;
    at timestamptz;
    side text;
    i int;
BEGIN
    FOR k IN SELECT kind.*, book FROM kind, generate_series(0, 24) book LOOP
        at := timestamptz '2025-06-01 00:00Z' + k.book * interval '15 minutes';
        FOR n IN 1 .. floor(random() * 40) LOOP
            i := floor(random() * 8);
            side := CASE WHEN random() < 0.5 THEN 'bid' ELSE 'ask' END;
            PERFORM energyledger.place_order(k.name, 'rb:p' || i, at, side, 1 + floor(random() * 300)::bigint,
                -- few prices, so that many are equal; some at any
                CASE WHEN random() < 0.9 THEN (floor(random() * 12) - 2)::bigint * 20000 END,
                kind => CASE WHEN k.method = 'continuous' AND random() < 0.3 THEN CASE WHEN random() < 0.5 THEN 'all_or_none' ELSE 'immediate_or_cancel' END ELSE 'limit' END,
                -- the gate is closed by hand, long before these; others never end
                valid_until => CASE WHEN random() < 0.1 THEN '2028-01-01 00:00Z'::timestamptz END,
                partner => CASE WHEN k.method <> 'continuous' AND random() < 0.2 THEN 'rb:p' || (i + 1 + floor(random() * 7)::int) % 8 END,
                partner_price_micro_per_kwh => CASE WHEN random() < 0.1 THEN 100000 END,
                conditions => CASE WHEN k.method <> 'continuous' AND random() < 0.2 THEN jsonb_build_array(
                    jsonb_build_object('source', 'solar', 'energy_wh', 1 + floor(random() * 100)),
                    jsonb_build_object('partner', 'rb:p' || (i + 1) % 8, 'limit_price_micro_per_kwh', (floor(random() * 12) - 2) * 20000),
                    CASE WHEN random() < 0.5 THEN '{}'::jsonb ELSE jsonb_build_object('zone', 'z' || floor(random() * 4)) END) END);
        END LOOP;
        PERFORM energyledger.cancel_order(o.ledger_id) FROM energyledger.market_order o WHERE o.market = k.name AND o.slot = at AND random() < 0.1;
        IF k.method = 'continuous' AND random() < 0.5 THEN
            PERFORM energyledger.clear(k.name, at);
            PERFORM energyledger.place_order(k.name, 'rb:p0', at, 'bid', 50, 100000);
        END IF;
        PERFORM energyledger.close_gate(k.name, at, 'random');
        PERFORM energyledger.clear(k.name, at);
    END LOOP;
END $$;

CREATE TEMP TABLE cleared AS
SELECT c.* FROM energyledger.clearing c JOIN kind ON name = market WHERE NOT EXISTS (SELECT FROM energyledger.clearing l WHERE l.market = c.market AND l.slot = c.slot AND l.run > c.run);
-- The orders of a clearing, as anybody would read them.
CREATE TEMP TABLE orders AS
SELECT c.market, c.slot, c.method, o.ledger_id, o.side, o.party, o.energy_wh, o.limit_price_micro_per_kwh, o.zone, o.partner, o.partner_price_micro_per_kwh, o.source, o.conditions,
       (extract(epoch FROM o.received_at) * 1000000)::bigint AS arrival
  FROM cleared c JOIN energyledger.market_order o USING (market, slot)
 WHERE c.method = 'continuous' OR NOT EXISTS (SELECT FROM energyledger.order_cancel x WHERE x.order_id = o.ledger_id);
CREATE TEMP TABLE given AS
SELECT c.market, c.slot, coalesce((SELECT array_agg(ROW(o.ledger_id, o.side, o.party, o.energy_wh, o.limit_price_micro_per_kwh, o.zone, o.partner, o.partner_price_micro_per_kwh, o.arrival)::energyledger.order_input ORDER BY random())
           FROM orders o WHERE (o.market, o.slot) = (c.market, c.slot)), '{}') AS orders,
       c.options || CASE WHEN c.method = 'continuous' THEN '{}' ELSE jsonb_build_object(
           'sources', coalesce((SELECT jsonb_agg(jsonb_build_object('order_id', o.ledger_id, 'source', o.source)) FROM orders o WHERE (o.market, o.slot) = (c.market, c.slot) AND o.source IS NOT NULL), '[]'),
           'conditions', coalesce((SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('order_id', o.ledger_id, 'partner', x.c -> 'partner', 'source', x.c -> 'source', 'zone', x.c -> 'zone',
                   'energy', x.c -> 'energy_wh', 'price', x.c -> 'limit_price_micro_per_kwh')) ORDER BY x.n)
               FROM orders o, jsonb_array_elements(o.conditions) WITH ORDINALITY x(c, n) WHERE (o.market, o.slot) = (c.market, c.slot)), '[]')) END AS options
  FROM cleared c;

SELECT cmp_ok((SELECT count(*) FROM energyledger.trade JOIN kind ON name = market), '>', 1000::bigint, 'there are trades');
SELECT is((SELECT count(DISTINCT (market, phase)) FROM energyledger.trade JOIN kind ON name = market WHERE phase <> 'main'), 9::bigint, 'by partners and by conditions, where there are any');
SELECT is_empty($$ SELECT c.market, c.slot, v.* FROM cleared c, energyledger.verify_clearing(c.ledger_id) v WHERE NOT v.equal $$, 'every clearing is verified');
SELECT is_empty($$
    SELECT c.market, c.slot, 'expected', t.* FROM cleared c JOIN given g USING (market, slot), energyledger.match_trades(g.orders, c.method, g.options) t WHERE c.method <> 'continuous'
    EXCEPT
    SELECT t.market, t.slot, 'expected', t.trade_seq, t.bid_id, t.ask_id, t.energy_wh, t.price_micro_per_kwh, t.buyer_price_micro_per_kwh, t.phase FROM energyledger.trade t $$,
    'trades are those of match_trades() from the same rows');
SELECT results_eq(
    $$ SELECT c.market, c.slot, c.trades FROM cleared c WHERE c.method <> 'continuous' ORDER BY 1, 2 $$,
    $$ SELECT c.market, c.slot, (SELECT count(*) FROM energyledger.match_trades(g.orders, c.method, g.options)) FROM cleared c JOIN given g USING (market, slot) WHERE c.method <> 'continuous' ORDER BY 1, 2 $$,
    'and no others');
SELECT is_empty($$ SELECT c.market, c.slot FROM cleared c JOIN given g USING (market, slot)
    WHERE c.method <> 'continuous' AND c.input_hash <> energyledger.match_input_hash(g.orders, c.method, g.options) $$, 'the hash of the input is match_input_hash()''s');

CREATE TEMP TABLE side AS
SELECT t.market, t.slot, t.bid_id AS order_id, t.energy_wh, t.buyer_price_micro_per_kwh AS price, t.phase, 'bid' AS side FROM energyledger.trade t JOIN kind ON name = market
UNION ALL
SELECT t.market, t.slot, t.ask_id, t.energy_wh, t.price_micro_per_kwh, t.phase, 'ask' FROM energyledger.trade t JOIN kind ON name = market;
SELECT is_empty($$ SELECT o.ledger_id FROM orders o
    WHERE o.energy_wh < coalesce((SELECT sum(s.energy_wh) FROM side s WHERE s.order_id = o.ledger_id), 0) + coalesce((SELECT sum(l.energy_wh) FROM energyledger.order_lapse l WHERE l.order_id = o.ledger_id), 0) $$,
    'no order trades or loses more than its energy');
SELECT is_empty($$ SELECT s.* FROM side s JOIN orders o ON o.ledger_id = s.order_id
    WHERE s.side <> o.side OR (o.conditions IS NULL AND s.phase <> 'first' AND CASE s.side WHEN 'bid' THEN s.price > o.limit_price_micro_per_kwh ELSE s.price < o.limit_price_micro_per_kwh END) $$,
    'none pays or gets what its limit forbids');
SELECT is_empty($$ SELECT s.order_id FROM side s JOIN energyledger.order_cancel x USING (order_id) JOIN cleared c ON (c.market, c.slot) = (s.market, s.slot) WHERE c.method <> 'continuous' $$, 'what was cancelled does not trade');
SELECT is_empty($$ SELECT c.market, c.slot FROM cleared c
    LEFT JOIN LATERAL (SELECT sum(energy_wh * (buyer_price_micro_per_kwh - price_micro_per_kwh)::numeric) AS nano, sum(energy_wh) AS wh FROM energyledger.trade t WHERE (t.market, t.slot) = (c.market, c.slot)) t ON true
    WHERE coalesce(t.nano, 0) <> coalesce((SELECT sum((z ->> 'fee_nano')::numeric) FROM jsonb_array_elements(c.zones) z), 0)
            + coalesce((SELECT sum((l ->> 'fee_nano')::numeric + (l ->> 'rent_nano')::numeric) FROM jsonb_array_elements(c.lines) l), 0)
       OR coalesce(t.wh, 0) <> c.volume_wh $$, 'what buyers pay is what sellers get, fees and rents');
SELECT is_empty($$ SELECT c.market, c.slot, z.zone FROM cleared c, jsonb_to_recordset(c.zones) z (zone text, sold_wh bigint, bought_wh bigint)
    WHERE z.sold_wh <> coalesce((SELECT sum(energy_wh) FROM energyledger.trade t WHERE (t.market, t.slot, t.seller_zone) = (c.market, c.slot, z.zone)), 0)
       OR z.bought_wh <> coalesce((SELECT sum(energy_wh) FROM energyledger.trade t WHERE (t.market, t.slot, t.buyer_zone) = (c.market, c.slot, z.zone)), 0) $$, 'each zone sold and bought what its orders did');

-- Settled: meters that tell something else, and some nothing.
INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
SELECT 'rb:m' || i, 1, 1, 1, CASE d WHEN 0 THEN '1-0:1.8.0' ELSE '1-0:2.8.0' END, t.at, t.at + interval '15 minutes', floor(random() * 500), 0, 'Wh', 'G'
  FROM generate_series(0, 7) i, generate_series(0, 1) d, generate_series(timestamptz '2025-06-01 00:00Z', '2025-06-01 06:00Z', '15 minutes') t(at) WHERE random() < 0.97;
CREATE TEMP TABLE settled AS SELECT k.name AS market, s.* FROM kind k, energyledger.settle_market(k.name, '2025-06-01 00:00Z', '2025-06-02 00:00Z') s;
SELECT is((SELECT count(*) FILTER (WHERE error IS NULL) FROM settled), 275::bigint, 'every slot is settled');
SELECT is_empty($$
    SELECT p.market, p.slot, p.party,
           (SELECT coalesce(sum(CASE WHEN x.payee = p.party THEN x.amount_nano ELSE -x.amount_nano END), 0) FROM energyledger.posting x
             WHERE x.market = p.market AND x.from_at = p.slot AND p.party IN (x.payer, x.payee)) AS booked,
           coalesce((SELECT sum(CASE WHEN t.seller = p.party THEN t.energy_wh * t.price_micro_per_kwh ELSE 0 END) - sum(CASE WHEN t.buyer = p.party THEN t.energy_wh * t.buyer_price_micro_per_kwh ELSE 0 END)
              FROM energyledger.trade t WHERE (t.market, t.slot) = (p.market, p.slot)), 0)
           - greatest(d.wh, 0) * 300000 + greatest(-d.wh, 0) * 80001 AS due
      FROM energyledger.settlement_position p JOIN kind ON name = market,
           LATERAL (SELECT (SELECT coalesce(sum(CASE WHEN obis = '1-0:1.8.0' THEN value ELSE -value END), 0) FROM energyledger.reading r WHERE r.meter = replace(p.party, ':p', ':m') AND r.from_at = p.slot)
                         - (SELECT coalesce(sum(CASE WHEN buyer = p.party THEN energy_wh ELSE 0 END - CASE WHEN seller = p.party THEN energy_wh ELSE 0 END), 0) FROM energyledger.trade t WHERE (t.market, t.slot) = (p.market, p.slot)) AS wh) d
     WHERE (SELECT coalesce(sum(CASE WHEN x.payee = p.party THEN x.amount_nano ELSE -x.amount_nano END), 0) FROM energyledger.posting x
             WHERE x.market = p.market AND x.from_at = p.slot AND p.party IN (x.payer, x.payee))
        <> coalesce((SELECT sum(CASE WHEN t.seller = p.party THEN t.energy_wh * t.price_micro_per_kwh ELSE 0 END) - sum(CASE WHEN t.buyer = p.party THEN t.energy_wh * t.buyer_price_micro_per_kwh ELSE 0 END)
              FROM energyledger.trade t WHERE (t.market, t.slot) = (p.market, p.slot)), 0)
           - greatest(d.wh, 0) * 300000 + greatest(-d.wh, 0) * 80001 $$, 'each party was booked what its trades, readings and the grid''s prices come to');
SELECT * FROM finish();
ROLLBACK;
