/*
 * market_settle.sql: settlement of a slot with values worked out by hand: deviations in
 * bands, who traded nothing, fees and zones, missing, late and corrected readings.
 */
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
SET timezone = 'UTC';
\set SHOW_CONTEXT never
INSERT INTO energyledger.party (party) SELECT 's:' || unnest(ARRAY['grid', 'op', 'wires', 'anna', 'bert', 'cleo', 'dora', 'emil']);
SELECT energyledger.set_market('s:m', 'EUR', 's:grid', 's:op', 's:buy', 's:sell', gate_closure_minutes => -2000000, applies_from => '2025-01-01 00:00Z', vat_ppm => 190000,
    bands => '[{"side": "short", "up_to_ppm": 100000, "up_to_wh": 100, "multiplier_ppm": 1000000, "price": "buy"}, {"side": "short", "multiplier_ppm": 1200001, "price": "buy"}]') > 0 AS market;
-- anna and bert buy, cleo sells and has a meter; dora sells and has none; emil does not trade
SELECT energyledger.set_member('s:m', 's:' || p) > 0 AS member FROM unnest(ARRAY['anna', 'bert', 'cleo', 'dora', 'emil']) p;
SELECT energyledger.register_meter('s:m:' || p, decode(repeat('07', 32), 'hex'), party => 's:' || p) > 0 AS meter FROM unnest(ARRAY['anna', 'bert', 'cleo', 'emil']) p;
SELECT energyledger.register_meter('s:key:anna', decode(repeat('08', 32), 'hex'), party => 's:anna', technology => 'signer') > 0 AS signer;
\set slot '''2025-06-01 12:00Z'''
SELECT energyledger.place_order('s:m', 's:anna', :slot, 'bid', 3000, 200000) > 0, energyledger.place_order('s:m', 's:bert', :slot, 'bid', 4000, 170000) > 0,
    energyledger.place_order('s:m', 's:cleo', :slot, 'ask', 3000, 80000) > 0, energyledger.place_order('s:m', 's:dora', :slot, 'ask', 4000, 100000) > 0;
\set VERBOSITY terse
SELECT energyledger.settle('s:m', :slot);
SELECT energyledger.settle('s:m', '2025-06-01 12:01Z');
SELECT energyledger.settle('s:none', :slot);
SELECT energyledger.settle(NULL, :slot);
SELECT energyledger.close_gate('s:m', :slot, 'x') IS NOT NULL, energyledger.clear('s:m', :slot) > 0;
SELECT energyledger.settle('s:m', :slot);
SELECT energyledger.add_prices('s:buy', '2025-01-01 00:00Z', NULL, '{300000}') + energyledger.add_prices('s:sell', '2025-01-01 00:00Z', NULL, '{80000}') AS prices;

CREATE FUNCTION pg_temp.read(meter text, seq bigint, obis text, wh bigint, minutes int DEFAULT 0) RETURNS void LANGUAGE sql AS $$
    INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
    VALUES ('s:m:' || meter, 1, seq, 1, '1-0:' || obis, timestamptz '2025-06-01 12:00Z' + make_interval(mins => minutes), timestamptz '2025-06-01 12:15Z' + make_interval(mins => minutes), wh, 0, 'Wh', 'G') $$;
CREATE VIEW pg_temp.posted AS
    SELECT energyledger.settlement_run_name(s.run) AS run, p.kind, substr(p.payer, 3) AS payer, substr(p.payee, 3) AS payee, p.amount_nano, p.energy_wh, p.price_micro_per_kwh AS price, p.component, p.vat_ppm, p.reverses IS NOT NULL AS undoes
      FROM energyledger.posting p JOIN energyledger.settlement s ON s.ledger_id = p.booking WHERE s.market = 's:m' ORDER BY s.run, p.kind, p.payer, p.payee, p.component, p.trade_seq, p.ledger_id;
CREATE VIEW pg_temp.status AS
    SELECT slot, state, run, parties, pending, waits_for_party, waits_for_meter, waits_for_direction, waits_because, known_now FROM energyledger.settlement_status WHERE market = 's:m' ORDER BY 1, 6, 7, 8;
SELECT * FROM pg_temp.status;
-- anna took 500 more than she bought: 300 at the grid's price, 200 at 1.200001 times it (360000.3 is 360000); bert's readings are late; dora gave nothing: 4000 short of 4000 sold, emil 250
SELECT pg_temp.read('anna', 1, '1.8.0', 3500), pg_temp.read('cleo', 1, '2.8.0', 3100), pg_temp.read('emil', 1, '1.8.0', 250);
SELECT energyledger.settle('s:m', :slot) AS sf \gset
SELECT energyledger.settle('s:m', :slot) = :sf AS once;
SELECT * FROM pg_temp.posted;
SELECT * FROM pg_temp.status;
SELECT party, bought_wh, sold_wh, import_wh, export_wh, side, deviation_wh, cost, quality, run FROM energyledger.imbalance WHERE market = 's:m' ORDER BY party;
-- bert's come, and anna's were wrong
SELECT pg_temp.read('bert', 1, '1.8.0', 2000), pg_temp.read('anna', 2, '1.8.0', 3600);
SELECT * FROM pg_temp.status;
SELECT energyledger.settle('s:m', :slot) > :sf AS r1;
SELECT * FROM pg_temp.posted WHERE run = 'R1';
SELECT * FROM pg_temp.status;
SELECT party, side, deviation_wh, cost, run FROM energyledger.imbalance WHERE market = 's:m' ORDER BY party;
-- nothing to do with what anna bought: exactly hers
SELECT pg_temp.read('anna', 3, '1.8.0', 3000);
SELECT energyledger.settle('s:m', :slot) AS id \gset
SELECT run, changed, pending FROM energyledger.settlement WHERE ledger_id = :id;
SELECT * FROM pg_temp.posted WHERE run = 'R2';
-- a reading that is taken back leaves what was booked, and waits
INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status) VALUES ('s:m:emil', 1, 2, 1, '1-0:1.8.0', :slot, '2025-06-01 12:15Z', 0, 0, 'Wh', 'E');
SELECT energyledger.settle('s:m', :slot) AS id \gset
SELECT run, changed, pending FROM energyledger.settlement WHERE ledger_id = :id;
SELECT * FROM pg_temp.posted WHERE run = 'R3';
SELECT * FROM pg_temp.status;
SELECT sum(balance_nano) FROM energyledger.party_balance WHERE party LIKE 's:%';
-- what is booked is what the trades and the last positions come to, by other SQL
SELECT party, sum(nano) FROM (
    SELECT buyer AS party, -energy_wh * price_micro_per_kwh AS nano FROM energyledger.trade WHERE market = 's:m'
    UNION ALL SELECT seller, energy_wh * price_micro_per_kwh FROM energyledger.trade WHERE market = 's:m'
    UNION ALL SELECT party, -(least(d, b) * 300000 + (d - least(d, b)) * 360000)
      FROM (SELECT party, deviation_wh AS d, CASE WHEN bought_wh + sold_wh > 0 THEN (bought_wh + sold_wh) / 10 ELSE 100 END AS b FROM energyledger.imbalance WHERE market = 's:m' AND side = 'short') x
    UNION ALL SELECT party, deviation_wh * 80000 FROM energyledger.imbalance WHERE market = 's:m' AND side = 'long') y
 GROUP BY party
EXCEPT SELECT party, balance_nano FROM energyledger.party_balance WHERE party LIKE 's:%';
-- prices below zero are paid the other way; rounding of a band's price
SELECT number, energy_wh, energyledger.deviation_price(band, -300001, -5, 7) AS price
  FROM energyledger.deviation_bands('[{"side": "short", "up_to_ppm": 333333, "up_to_wh": 100, "multiplier_ppm": 500000, "price": "buy"}, {"side": "short", "up_to_ppm": 333334, "up_to_wh": 200, "multiplier_ppm": 500000, "price": "sell"}, {"side": "short", "multiplier_ppm": 500000, "price": "reference"}]', 'short', 5, 10);
SELECT number, energy_wh FROM energyledger.deviation_bands('[{"side": "long", "up_to_ppm": 1, "up_to_wh": 100, "multiplier_ppm": 500000, "price": "buy"}, {"side": "long", "multiplier_ppm": 1, "price": "buy"}]', 'long', 150, 0);

-- zones: what the way costs goes to the operator, and from there to the zones'
SELECT energyledger.set_market('s:z', 'EUR', 's:grid', 's:op', 's:buy', 's:sell', gate_closure_minutes => -2000000, applies_from => '2025-01-01 00:00Z', slot_minutes => 60,
    zones => '[{"zone": "top", "fee": 20000, "operator": "s:wires"}, {"zone": "n1", "parent": "top", "fee": 10000}, {"zone": "n2", "parent": "top", "fee": 10000}]',
    lines => '[{"from": "n1", "to": "top", "capacity": 1000, "capacity_back": 1000}, {"from": "n2", "to": "top", "capacity": 500, "capacity_back": 500}]') > 0 AS market;
SELECT energyledger.set_member('s:z', 's:cleo', 'n1') > 0, energyledger.set_member('s:z', 's:dora', 'n2') > 0;
SELECT energyledger.place_order('s:z', 's:cleo', :slot, 'ask', 3000, 80000) > 0, energyledger.place_order('s:z', 's:dora', :slot, 'bid', 2000, 200000) > 0;
SELECT energyledger.close_gate('s:z', :slot, 'x') IS NOT NULL, energyledger.clear('s:z', :slot) > 0;
SELECT pg_temp.read('cleo', 2, '2.8.0', 100, m) FROM unnest(ARRAY[15, 30, 45]) m;
SELECT run, pending, error FROM energyledger.settle_market('s:z', '2025-06-01 00:00Z', '2025-06-02 00:00Z');
SELECT kind, payer, payee, amount_nano, energy_wh, price_micro_per_kwh, component, to_at FROM energyledger.posting WHERE market = 's:z' ORDER BY kind, component, payer, payee;
SELECT kind, sum(amount_nano) FROM energyledger.posting WHERE market = 's:z' AND 's:op' IN (payer, payee) GROUP BY 1 ORDER BY 1;
SELECT * FROM energyledger.settle_market('s:z', NULL, now());

-- who leaves or joins after the slot was cleared changes nothing of it; who left before, and traded by an order that was open, is settled with its meters
INSERT INTO energyledger.party (party) SELECT 's:' || unnest(ARRAY['fred', 'gina', 'hugo']);
SELECT energyledger.register_meter('s:m:' || p, decode(repeat('07', 32), 'hex'), party => 's:' || p) > 0 AS meter FROM unnest(ARRAY['fred', 'gina', 'hugo']) p;
SELECT energyledger.set_market('s:l', 'EUR', 's:grid', 's:op', 's:buy', 's:sell', gate_closure_minutes => -2000000, applies_from => '2025-01-01 00:00Z') > 0 AS market;
SELECT energyledger.set_member('s:l', 's:fred') > 0, energyledger.set_member('s:l', 's:gina') > 0;
SELECT energyledger.place_order('s:l', 's:fred', :slot, 'bid', 3000, 200000) > 0, energyledger.place_order('s:l', 's:gina', :slot, 'ask', 3000, 100000) > 0;
SELECT pg_temp.read('fred', 1, '1.8.0', 3000), pg_temp.read('gina', 1, '2.8.0', 3010), pg_temp.read('hugo', 1, '1.8.0', 700);
SELECT energyledger.set_member('s:l', 's:gina', active => false) > 0;
SELECT energyledger.close_gate('s:l', :slot, 'x') IS NOT NULL, energyledger.clear('s:l', :slot) > 0;
SELECT energyledger.set_member('s:l', 's:fred', active => false) > 0, energyledger.set_member('s:l', 's:hugo') > 0;
SELECT energyledger.settle('s:l', :slot) AS sf \gset
SELECT party, bought_wh, sold_wh, import_wh, export_wh, side, deviation_wh, cost, quality, run FROM energyledger.imbalance WHERE market = 's:l' ORDER BY party;
SELECT energyledger.settle('s:l', :slot) = :sf AS once;
