-- invoice_collect.sql: a market's operator invoices to both sides what members owe each other.

SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
RESET client_min_messages;
SET TIME ZONE 'UTC';
\set SHOW_CONTEXT never

INSERT INTO energyledger.market (market, applies_from, slot_minutes, gate_closure_minutes, currency, price_step_micro_per_kwh, price_min_micro_per_kwh, price_max_micro_per_kwh,
    energy_step_wh, order_max_wh, method, options, bands, grid_party, operator_party, buy_series, sell_series, vat_ppm, open, recorded_at, recorded_by, zones)
SELECT m, '2025-01-01', 15, 5, 'EUR', 1, 0, 1000000, 1, 100000, 'pay_as_clear', '{}', '[]', 'collect:grid', 'collect:op', 'x', 'x', 190000, true, now(), 'x', '[{"zone": "north", "operator": "collect:north"}]'
  FROM unnest('{collect:m,collect:n}'::text[]) m;
INSERT INTO energyledger.market_member (market, party, active, recorded_at, recorded_by)
SELECT m, p, true, now(), 'x' FROM unnest('{collect:m,collect:n}'::text[]) m, unnest('{collect:a,collect:b,collect:c}'::text[]) p;
INSERT INTO energyledger.meter (meter, party, technology, registered_at) VALUES ('collect:meter', 'collect:a', 'consumption', '2025-01-01'), ('collect:sold', 'collect:a', 'consumption', '2024-01-01'),
    ('collect:sold', 'collect:b', 'consumption', '2025-01-01 00:10'), ('collect:key', 'collect:a', 'signer', '2025-01-01');
INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
SELECT m, 1, n, 1, '1-0:1.8.0', '2025-01-01'::timestamptz + n * interval '15 minutes', '2025-01-01 00:15'::timestamptz + n * interval '15 minutes', 100, 0, 'Wh', 'G'
  FROM generate_series(0, 2) n, unnest('{collect:meter,collect:sold,collect:key}'::text[]) m;

-- a buys 100 Wh of b at 20 cents and pays 1 cent a kWh for the way, half of which is the zone's; a is short by 50 Wh at 30 cents, b long by 40 Wh at 5;
-- b buys 10 Wh of a in a market that nobody collects; c has nothing
INSERT INTO energyledger.posting (booking, kind, payer, payee, amount_nano, currency, vat_ppm, energy_wh, price_micro_per_kwh, from_at, to_at, market, trade_seq, component)
VALUES (1, 'trade', 'collect:a', 'collect:b', 20000000, 'EUR', 190000, 100, 200000, '2025-01-01 00:00', '2025-01-01 00:15', 'collect:m', 1, NULL),
       (1, 'fee', 'collect:a', 'collect:op', 1000000, 'EUR', 190000, 100, 10000, '2025-01-01 00:00', '2025-01-01 00:15', 'collect:m', 1, NULL),
       (1, 'zone_fee', 'collect:op', 'collect:north', 500000, 'EUR', 190000, NULL, NULL, '2025-01-01 00:00', '2025-01-01 00:15', 'collect:m', NULL, 'north'),
       (1, 'deviation_short', 'collect:a', 'collect:grid', 15000000, 'EUR', 190000, 50, 300000, '2025-01-01 00:00', '2025-01-01 00:15', 'collect:m', NULL, 'band 1'),
       (1, 'deviation_long', 'collect:grid', 'collect:b', 2000000, 'EUR', 190000, 40, 50000, '2025-01-01 00:15', '2025-01-01 00:30', 'collect:m', NULL, 'band 1'),
       (1, 'trade', 'collect:b', 'collect:a', 2000000, 'EUR', 190000, 10, 200000, '2025-01-01 00:00', '2025-01-01 00:15', 'collect:n', 1, NULL);

SELECT energyledger.register_biller('collect:op', 'Operator', collects => '{collect:m}') > 0 AS registered, energyledger.register_biller('collect:b', 'A member that invoices, too') > 0 AS registered;
SELECT side, party, kind, amount_nano, energy_wh FROM energyledger.unbilled('collect:op') ORDER BY party, kind;
SELECT side, party, kind, amount_nano FROM energyledger.unbilled('collect:op', 'collect:b') ORDER BY party, kind;
-- between the two, only what nobody collects
SELECT side, party, kind, market, amount_nano FROM energyledger.unbilled('collect:b');

-- a: 20 + 1 + 15 million and 6.84 of VAT: 4.284 cents.  grid: -15 + 2, VAT -2.47: -1.547.  north: -0.5, VAT -0.095: -0.0595.
-- b writes invoices itself: by name.  -22, VAT -4.18: -2.618
SELECT right(number, 6) AS number, party, total_cents FROM energyledger.invoice_all('collect:op', '2025-01-01', '2025-02-01');
SELECT right(energyledger.invoice('collect:b', '2025-01-01', '2025-02-01'), 6) AS number;
SELECT right(number, 6) AS number, party, net_nano, vat_nano, rounding_nano, total_cents FROM energyledger.invoice WHERE biller = 'collect:op' ORDER BY 1;
SELECT count(*) AS again FROM energyledger.invoice_all('collect:op', '2025-01-01', '2025-02-01');
SELECT energyledger.invoice('collect:b', '2025-01-01', '2025-02-01', 'collect:op') IS NULL AS nothing;
SELECT total_cents FROM energyledger.invoice WHERE number = energyledger.invoice('collect:a', '2025-01-01', '2025-02-01', 'collect:b');
SELECT total_cents FROM energyledger.invoice WHERE biller = 'collect:b';
-- The balances are what the invoices say; the operator has what is rounded and VAT, as it collects both.
SELECT party, balance_nano FROM energyledger.party_balance WHERE party LIKE 'collect:%' ORDER BY 1;
SELECT sum(balance_nano) FROM energyledger.party_balance WHERE party LIKE 'collect:%';
SELECT * FROM energyledger.invoice_check;
SELECT p.kind, array_agg(i.side || ' ' || split_part(i.number, '/', 1) ORDER BY i.side) FROM energyledger.invoice_posting i JOIN energyledger.posting p ON p.ledger_id = i.posting
 WHERE i.number LIKE 'collect:%' AND p.kind NOT IN ('vat', 'rounding') GROUP BY p.kind, p.market ORDER BY 1, 2;

-- What is behind a's deviation: readings of its meters, as they were its own at 0:00; no keys
SELECT number FROM energyledger.invoice WHERE biller = 'collect:op' AND party = 'collect:a' \gset
SELECT e.evidence, e.trade_seq, e.meter, e.from_at, l.kind FROM energyledger.invoice_evidence(:'number') e JOIN energyledger.invoice_line l ON l.number = :'number' AND l.line = e.on_line
 WHERE l.kind NOT IN ('vat', 'rounding') ORDER BY l.line, e.evidence, e.meter;
SELECT on_line, kind, amount_nano FROM energyledger.invoice_postings(:'number');

-- Statements of both: each names the invoice that it got itself.
SELECT s.kind, s.other_party, s.amount_nano, i.party AS invoiced_to FROM energyledger.statement('collect:a', '2025-01-01', '2025-02-01') s
  LEFT JOIN energyledger.invoice i ON i.number = s.invoice WHERE s.entry = 'posting' ORDER BY s.kind, s.other_party, s.amount_nano;
SELECT s.kind, s.other_party, s.amount_nano, i.party AS invoiced_to FROM energyledger.statement('collect:b', '2025-01-01', '2025-02-01', 'collect:a') s
  LEFT JOIN energyledger.invoice i ON i.number = s.invoice WHERE s.entry = 'posting' ORDER BY s.kind, s.amount_nano;

-- Taken back and booked anew: both sides are corrected, each by the invoice that it was on.
INSERT INTO energyledger.posting (booking, kind, payer, payee, amount_nano, currency, vat_ppm, energy_wh, price_micro_per_kwh, from_at, to_at, market, trade_seq, reverses)
SELECT 2, kind, payer, payee, -amount_nano, currency, vat_ppm, -energy_wh, price_micro_per_kwh, from_at, to_at, market, trade_seq, ledger_id FROM energyledger.posting WHERE market = 'collect:m' AND kind = 'trade';
SELECT u.party, u.amount_nano, i.party AS corrects_invoice_of FROM energyledger.unbilled('collect:op') u JOIN energyledger.invoice i ON i.number = u.corrects ORDER BY 1;
SELECT u.party, u.amount_nano, i.party AS corrects_invoice_of FROM energyledger.unbilled('collect:op', 'collect:b') u JOIN energyledger.invoice i ON i.number = u.corrects;
-- collected by nobody any more: what was invoiced by its sides is not invoiced between the two
SELECT count(*) > 0 AS collected FROM energyledger.invoice_all('collect:op', '2025-02-01', '2025-03-01');
SELECT energyledger.register_biller('collect:op', 'Operator') > 0 AS registered;
SELECT party, kind, market, amount_nano FROM energyledger.unbilled('collect:b');
-- invoiced as a whole, then collected: not again
INSERT INTO energyledger.posting (booking, kind, payer, payee, amount_nano, currency, vat_ppm, from_at, to_at, market)
VALUES (3, 'trade', 'collect:c', 'collect:b', 20000000, 'EUR', 0, '2025-01-01 00:00', '2025-01-01 00:15', 'collect:m');
SELECT total_cents FROM energyledger.invoice_all('collect:b', '2025-01-01', '2025-02-01');
SELECT energyledger.register_biller('collect:op', 'Operator', collects => '{collect:m,collect:n}') > 0 AS registered;
SELECT side, party, kind, market, amount_nano FROM energyledger.unbilled('collect:op', 'collect:b');
SELECT side, party, kind, market, amount_nano FROM energyledger.unbilled('collect:op', 'collect:c');
SELECT * FROM energyledger.invoice_check;

-- ---- bad input
SELECT energyledger.register_biller('collect:b', 'x', collects => '{collect:x,collect:n}');
SELECT energyledger.register_biller('collect:b', 'x', collects => '{}');
SELECT energyledger.register_biller('collect:b', 'x', collects => '{a,NULL}');
SELECT energyledger.register_biller('collect:b', 'x', collects => '{"a b"}');
SELECT energyledger.register_biller('collect:b', 'x', collects => '{{a},{b}}');
-- what invoice_check says of a posting on both ways
BEGIN;
INSERT INTO energyledger.invoice_posting (posting, side, number, line) SELECT posting, 1, number, line FROM energyledger.invoice_posting WHERE side = 0 AND number LIKE 'collect:b/%' ORDER BY posting LIMIT 1;
SELECT finding, expected, found FROM energyledger.invoice_check ORDER BY 1, 2, 3;
ROLLBACK;
