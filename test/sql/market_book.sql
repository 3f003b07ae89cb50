/*
 * market_book.sql: a continuous market worked off in several runs: the next goes on
 * where the one before ended; orders expire, are cancelled, dropped and netted; each run
 * can be verified by itself.
 */
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
SET timezone = 'UTC';
INSERT INTO energyledger.party (party) VALUES ('b:grid'), ('b:a'), ('b:b'), ('b:c');
SELECT energyledger.set_market('b:m', 'EUR', 'b:grid', 'b:grid', 'b:buy', 'b:sell', gate_closure_minutes => 0, method => 'continuous') > 0 AS market;
SELECT energyledger.set_member('b:m', p) > 0 AS member FROM unnest(ARRAY['b:a', 'b:b', 'b:c']) p;
SELECT date_bin('15 minutes', now(), 'epoch') + interval '1 hour' AS slot \gset
CREATE TEMP TABLE of_slot AS SELECT :'slot'::timestamptz AS slot;
CREATE FUNCTION pg_temp.o(party text, side text, energy bigint, price bigint, kind text DEFAULT 'limit', until timestamptz DEFAULT NULL) RETURNS bigint LANGUAGE sql AS $$
    SELECT energyledger.place_order('b:m', party, (SELECT slot FROM of_slot), side, energy, price, kind => kind, valid_until => until) $$;
CREATE VIEW pg_temp.book AS
    SELECT party, side, limit_price_micro_per_kwh AS price, energy_wh, open_wh FROM energyledger.open_orders WHERE market = 'b:m' ORDER BY order_id;
CREATE VIEW pg_temp.traded AS
    SELECT trade_seq, buyer, seller, energy_wh, price_micro_per_kwh AS price FROM energyledger.trade WHERE market = 'b:m' ORDER BY trade_seq;
CREATE VIEW pg_temp.lapsed AS
    SELECT o.party, o.side, l.energy_wh, l.reason FROM energyledger.order_lapse l JOIN energyledger.market_order o ON o.ledger_id = l.order_id WHERE l.market = 'b:m' ORDER BY l.ledger_id;
SELECT pg_temp.o('b:a', 'ask', 300, 100) AS a1 \gset
SELECT pg_temp.o('b:b', 'ask', 300, 90) > 0, pg_temp.o('b:c', 'bid', 400, 95) > 0;
SELECT energyledger.clear('b:m', :'slot') AS first \gset
SELECT energyledger.clear('b:m', :'slot') = :first AS nothing_new;
SELECT * FROM pg_temp.traded;
SELECT * FROM pg_temp.book;
-- an own order meets the book; what cannot rest; all or nothing
SELECT pg_temp.o('b:a', 'bid', 100, 120) > 0, pg_temp.o('b:c', 'bid', 50, NULL) > 0, pg_temp.o('b:c', 'bid', 250, 110, 'immediate_or_cancel') > 0,
    pg_temp.o('b:b', 'ask', 101, 95, 'all_or_none') > 0, pg_temp.o('b:b', 'ask', 100, 95, 'all_or_none') > 0;
SELECT energyledger.clear('b:m', :'slot') AS second \gset
SELECT * FROM pg_temp.traded;
SELECT * FROM pg_temp.lapsed;
SELECT * FROM pg_temp.book;
-- one that ends by itself, and one that is taken back; both were there first
SELECT pg_temp.o('b:a', 'ask', 70, 80, until => clock_timestamp() + interval '0.3 s') AS a3, pg_temp.o('b:a', 'ask', 60, 81) AS a2 \gset
SELECT energyledger.clear('b:m', :'slot') AS third \gset
SELECT pg_sleep(0.4);
SELECT energyledger.cancel_order(:a2);
SELECT pg_temp.o('b:b', 'bid', 500, 85) > 0 AS finds_nobody;
SELECT energyledger.clear('b:m', :'slot') AS fourth \gset
SELECT * FROM pg_temp.traded;
SELECT * FROM pg_temp.lapsed;
SELECT * FROM pg_temp.book;
SELECT run, orders, trades, volume_wh, netted_wh, v.equal, v.what FROM energyledger.clearing c, energyledger.verify_clearing(c.ledger_id) v WHERE market = 'b:m' ORDER BY run;
-- after the gate one more, and no other
SELECT energyledger.close_gate('b:m', :'slot', 'enough') IS NOT NULL AS closed;
SELECT count(*) AS due FROM energyledger.due_slots() WHERE market = 'b:m' AND slot = :'slot';
SELECT energyledger.clear('b:m', :'slot') > :fourth AS last;
SELECT count(*) AS due FROM energyledger.due_slots() WHERE market = 'b:m' AND slot = :'slot';
SELECT energyledger.clear('b:m', :'slot') > :fourth AS still, count(*) AS runs FROM energyledger.clearing WHERE market = 'b:m';
SELECT * FROM pg_temp.book;
-- a changed beginning is found from every run
BEGIN;
INSERT INTO energyledger.order_lapse SELECT market, slot, order_id, 1, 'netted' FROM energyledger.order_lapse WHERE market = 'b:m' LIMIT 1;
SELECT run, v.equal, v.what FROM energyledger.clearing c, energyledger.verify_clearing(c.ledger_id) v WHERE market = 'b:m' ORDER BY run;
ROLLBACK;
-- energy of each order is traded, lapsed or left
SELECT count(*) FILTER (WHERE o.energy_wh <> coalesce(t.wh, 0) + coalesce(l.wh, 0) AND coalesce(t.wh, 0) + coalesce(l.wh, 0) > o.energy_wh) AS too_much, count(*) AS orders
  FROM energyledger.market_order o
  LEFT JOIN LATERAL (SELECT sum(energy_wh) AS wh FROM energyledger.trade WHERE market = 'b:m' AND o.ledger_id IN (bid_id, ask_id)) t ON true
  LEFT JOIN LATERAL (SELECT sum(energy_wh) AS wh FROM energyledger.order_lapse WHERE order_id = o.ledger_id) l ON true
 WHERE o.market = 'b:m';
