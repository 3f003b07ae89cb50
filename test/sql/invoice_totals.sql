-- invoice_totals.sql: amounts, VAT and rounding worked out by hand; corrections, credits,
-- currencies, what is taken and what is not.

SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
RESET client_min_messages;
SET TIME ZONE 'UTC';
\set SHOW_CONTEXT never

SELECT energyledger.register_biller('invoice:s', 'Supplier') > 0 AS registered;
SELECT energyledger.register_biller('invoice:grid', 'Grid', time_zone => 'Europe/Berlin') > 0 AS registered;

-- What settle() and charge() do, by hand: one for each call, the booking any number.
CREATE PROCEDURE pg_temp.owes(payer text, payee text, kind text, from_at timestamptz, to_at timestamptz, energy bigint, price bigint,
    amount bigint DEFAULT NULL, vat integer DEFAULT 190000, currency text DEFAULT 'EUR', tariff text DEFAULT NULL, component text DEFAULT NULL,
    market text DEFAULT NULL, reverses bigint DEFAULT NULL)
LANGUAGE sql AS $$
    INSERT INTO energyledger.posting (booking, kind, payer, payee, amount_nano, currency, vat_ppm, energy_wh, price_micro_per_kwh, from_at, to_at, market, tariff, component, reverses)
    VALUES (1, $3, $1, $2, coalesce($8, $6 * $7), $10, $9, $6, $7, $4, $5, $13, $11, $12, $14)
$$;
-- An invoice without what differs from run to run.
CREATE FUNCTION pg_temp.shown(number text)
RETURNS TABLE (line integer, what text, energy_wh bigint, price bigint, amount_nano bigint, vat_ppm integer, earlier boolean, postings integer)
LANGUAGE sql AS $$
    SELECT l.line, regexp_replace(l.text, '/[0-9]{4}/', '/YEAR/'), l.energy_wh, l.price_micro_per_kwh, l.amount_nano, l.vat_ppm, l.earlier, l.postings
      FROM energyledger.invoice_line l WHERE l.number = $1 ORDER BY 1
$$;
CREATE FUNCTION pg_temp.total(number text)
RETURNS TABLE (number text, party text, currency text, net_nano bigint, vat_nano bigint, rounding_nano bigint, total_cents bigint, lines integer, corrects text)
LANGUAGE sql AS $$
    SELECT regexp_replace(i.number, '/[0-9]{4}/', '/YEAR/'), i.party, i.currency, i.net_nano, i.vat_nano, i.rounding_nano, i.total_cents, i.lines, regexp_replace(i.corrects, '/[0-9]{4}/', '/YEAR/')
      FROM energyledger.invoice i WHERE i.number = $1
$$;

-- ---- January
-- Two quarters of energy at 25 cents and one at 30, a standing charge at 19 %, a network charge at 7 %.
--   100 Wh * 250000 = 25000000, 201 Wh * 250000 = 50250000: one line of 75250000
--   333 Wh * 300001 =  99900333
--   standing 1234567891; network 77777777 at 7 %
-- 19 %: 75250000 + 99900333 + 1234567891 = 1409718224, * 0.19 = 267846462.56 -> 267846463
--  7 %: 77777777 * 0.07 = 5444444.39 -> 5444444
-- net 1487496001 + VAT 273290907 = 1760786908 nano = 1.760786908: 1.76, rounding -786908
CALL pg_temp.owes('invoice:a', 'invoice:s', 'energy', '2025-01-01 00:00', '2025-01-01 00:15', 100, 250000, tariff => 'flat', component => 'energy');
CALL pg_temp.owes('invoice:a', 'invoice:s', 'energy', '2025-01-01 00:15', '2025-01-01 00:30', 201, 250000, tariff => 'flat', component => 'energy');
CALL pg_temp.owes('invoice:a', 'invoice:s', 'energy', '2025-01-31 23:45', '2025-02-01 00:00', 333, 300001, tariff => 'flat', component => 'energy');
CALL pg_temp.owes('invoice:a', 'invoice:s', 'standing', '2025-01-01', '2025-02-01', NULL, NULL, 1234567891, tariff => 'flat', component => 'meter');
CALL pg_temp.owes('invoice:a', 'invoice:s', 'network', '2025-01-01', '2025-02-01', NULL, NULL, 77777777, 70000, tariff => 'flat', component => 'grid');
-- not of this period; not between these; a payment; another party's
CALL pg_temp.owes('invoice:a', 'invoice:s', 'energy', '2025-02-01 00:00', '2025-02-01 00:15', 1000, 250000, tariff => 'flat', component => 'energy');
CALL pg_temp.owes('invoice:a', 'invoice:b', 'trade', '2025-01-01 00:00', '2025-01-01 00:15', 1000, 250000, market => 'm');
CALL pg_temp.owes('invoice:s', 'invoice:a', 'payment', '2025-01-20', '2025-01-20', NULL, NULL, 1000000000, 0);
CALL pg_temp.owes('invoice:b', 'invoice:s', 'energy', '2025-01-01 00:00', '2025-01-01 00:15', 1, 1);
-- what it will be
SELECT kind, count(*), sum(amount_nano) FROM energyledger.unbilled('invoice:s', 'invoice:a', '2025-01-01', '2025-02-01') GROUP BY kind ORDER BY kind;
SELECT energyledger.invoice('invoice:a', '2025-01-01', '2025-02-01') AS jan \gset
SELECT * FROM pg_temp.total(:'jan');
SELECT * FROM pg_temp.shown(:'jan');
SELECT kind, payer, payee, amount_nano, component, from_at, to_at, booking = (SELECT ledger_id FROM energyledger.invoice WHERE number = :'jan') AS booked
  FROM energyledger.posting WHERE payer = 'invoice:a' AND kind IN ('vat', 'rounding') ORDER BY ledger_id;
-- The party owes exactly 1.76 for what was invoiced.
SELECT sum(p.amount_nano) FROM energyledger.posting p JOIN energyledger.invoice_posting i ON i.posting = p.ledger_id WHERE i.number = :'jan';
-- Nothing new: no second one.
SELECT energyledger.invoice('invoice:a', '2025-01-01', '2025-02-01') IS NULL AS nothing;
SELECT energyledger.invoice('invoice:nobody', '2025-01-01', '2025-02-01') IS NULL AS nothing;

-- ---- February, with January corrected
-- The second quarter was 301 Wh: taken back at -201 Wh, booked anew; a posting of January that came late; and one of
-- February that was taken back before anybody saw it, which leaves a line of 0 Wh.
SELECT ledger_id AS wrong FROM energyledger.posting WHERE payer = 'invoice:a' AND energy_wh = 201 \gset
CALL pg_temp.owes('invoice:a', 'invoice:s', 'energy', '2025-01-01 00:15', '2025-01-01 00:30', -201, 250000, tariff => 'flat', component => 'energy', reverses => :wrong);
CALL pg_temp.owes('invoice:a', 'invoice:s', 'energy', '2025-01-01 00:15', '2025-01-01 00:30', 301, 250000, tariff => 'flat', component => 'energy');
CALL pg_temp.owes('invoice:a', 'invoice:s', 'energy', '2025-01-01 00:30', '2025-01-01 00:45', 10, 250000, tariff => 'flat', component => 'energy');
CALL pg_temp.owes('invoice:a', 'invoice:s', 'energy', '2025-02-02 00:00', '2025-02-02 00:15', 50, 260000, tariff => 'flat', component => 'energy');
SELECT ledger_id AS wrong FROM energyledger.posting WHERE payer = 'invoice:a' AND energy_wh = 50 \gset
CALL pg_temp.owes('invoice:a', 'invoice:s', 'energy', '2025-02-02 00:00', '2025-02-02 00:15', -50, 260000, tariff => 'flat', component => 'energy', reverses => :wrong);
-- earlier: 311 * 250000 = 77750000; -201 * 250000 = -50250000; February 250000000; net 277500000
-- VAT 52725000; 330225000 nano: 33 cents, rounding -225000
SELECT energyledger.invoice('invoice:a', '2025-02-01', '2025-03-01', 'invoice:s', 'EUR', '2025-04-01') AS feb \gset
SELECT * FROM pg_temp.total(:'feb');
SELECT * FROM pg_temp.shown(:'feb');
SELECT due_at FROM energyledger.invoice WHERE number = :'feb';

-- ---- a credit note: fed in 10000 Wh at 8.2 cents, VAT 19 %, taken 1000 Wh at 25 cents
-- -820000000 + 250000000 = -570000000, VAT -108300000, -678300000: -68 cents (-67.83), rounding -1700000
CALL pg_temp.owes('invoice:s', 'invoice:c', 'feed_in', '2025-01-01 00:00', '2025-01-01 00:15', 10000, 82000, tariff => 'sun');
CALL pg_temp.owes('invoice:c', 'invoice:s', 'energy', '2025-01-01 00:00', '2025-01-01 00:15', 1000, 250000, tariff => 'flat');
SELECT energyledger.invoice('invoice:c', '2025-01-01', '2025-02-01') AS credit \gset
SELECT * FROM pg_temp.total(:'credit');
SELECT * FROM pg_temp.shown(:'credit');
SELECT balance_nano FROM energyledger.party_balance WHERE party = 'invoice:c';

-- ---- halves go away from zero, so that what is taken back whole is the opposite: 0.005 is a cent, -0.005 minus one.
-- VAT: 50 nano * 1 % is half a nano.
CALL pg_temp.owes('invoice:d', 'invoice:s', 'fee', '2025-01-01', '2025-01-02', NULL, NULL, 4999951, 0);
CALL pg_temp.owes('invoice:d', 'invoice:s', 'fee', '2025-01-01', '2025-01-02', NULL, NULL, 49, 0);
CALL pg_temp.owes('invoice:d', 'invoice:s', 'levy', '2025-01-01', '2025-01-02', NULL, NULL, 50, 10000);
CALL pg_temp.owes('invoice:d', 'invoice:s', 'levy', '2025-01-01', '2025-01-02', NULL, NULL, -50, 10001);
SELECT energyledger.invoice('invoice:d', '2025-01-01', '2025-02-01') AS half \gset
SELECT * FROM pg_temp.total(:'half');
SELECT * FROM pg_temp.shown(:'half');
INSERT INTO energyledger.posting (booking, kind, payer, payee, amount_nano, currency, vat_ppm, from_at, to_at, reverses)
SELECT 2, kind, payer, payee, -amount_nano, currency, vat_ppm, from_at, to_at, ledger_id FROM energyledger.posting WHERE payer = 'invoice:d' AND kind NOT IN ('vat', 'rounding');
SELECT energyledger.invoice('invoice:d', '2025-01-01', '2025-02-01') AS back \gset
SELECT * FROM pg_temp.total(:'back');
SELECT balance_nano FROM energyledger.party_balance WHERE party = 'invoice:d';

-- ---- one invoice a currency; yen have no cents, dinars a thousand fils
CALL pg_temp.owes('invoice:e', 'invoice:s', 'fee', '2025-01-01', '2025-01-02', NULL, NULL, 1500000000, 100000, 'JPY');
CALL pg_temp.owes('invoice:e', 'invoice:s', 'fee', '2025-01-01', '2025-01-02', NULL, NULL, 1500600000, 0, 'KWD');
CALL pg_temp.owes('invoice:e', 'invoice:s', 'fee', '2025-01-01', '2025-01-02', NULL, NULL, 1500000000, 0, 'EUR');
SELECT energyledger.invoice('invoice:e', '2025-01-01', '2025-02-01');
SELECT t.* FROM (SELECT energyledger.invoice('invoice:e', '2025-01-01', '2025-02-01', currency => c) AS n FROM unnest('{JPY,KWD,EUR,USD}'::text[]) c OFFSET 0) i, pg_temp.total(i.n) t;
SELECT c, energyledger.currency_exponent(c) FROM unnest('{EUR,USD,JPY,KWD,BHD,CLF,ISK,XAF,XAU,XXX,eur,EURO,NULL}'::text[]) c;

-- ---- more than one biller
CALL pg_temp.owes('invoice:f', 'invoice:s', 'energy', '2025-01-01', '2025-01-02', 1000, 250000);
CALL pg_temp.owes('invoice:f', 'invoice:grid', 'network', '2025-01-01', '2025-01-02', NULL, NULL, 1);
CALL pg_temp.owes('invoice:s', 'invoice:grid', 'network', '2025-01-01', '2025-01-02', NULL, NULL, 2000000000);
SELECT energyledger.invoice('invoice:f', '2025-01-01', '2025-02-01');
SELECT t.* FROM pg_temp.total(energyledger.invoice('invoice:f', '2025-01-01', '2025-02-01', 'invoice:grid')) t;
-- all that is left: of b, e and f; not of the grid, which writes invoices itself, and not of a, which has nothing new
CALL pg_temp.owes('invoice:b', 'invoice:s', 'fee', '2025-01-01', '2025-01-02', NULL, NULL, 7, 0, 'USD');
SELECT t.* FROM energyledger.invoice_all('invoice:s', '2025-01-01', '2025-02-01') i, pg_temp.total(i.number) t ORDER BY t.number;
SELECT count(*) FROM energyledger.invoice_all('invoice:s', '2025-01-01', '2025-02-01');
SELECT t.* FROM pg_temp.total(energyledger.invoice('invoice:s', '2025-01-01', '2025-02-01')) t;
-- what is older than earliest waits
CALL pg_temp.owes('invoice:f', 'invoice:s', 'energy', '2024-12-01', '2024-12-02', 1000, 250000);
SELECT count(*) FROM energyledger.invoice_all('invoice:s', '2025-01-01', '2025-02-01', earliest => '2025-01-01');
SELECT total_cents FROM energyledger.invoice_all('invoice:s', '2025-01-01', '2025-02-01', earliest => '2024-12-01');

-- ---- what two invoices have is taken back by one: a line for each, and the whole corrects none by itself
INSERT INTO energyledger.posting (booking, kind, payer, payee, amount_nano, currency, vat_ppm, energy_wh, price_micro_per_kwh, from_at, to_at, tariff, component, reverses)
SELECT 3, kind, payer, payee, -amount_nano, currency, vat_ppm, -energy_wh, price_micro_per_kwh, from_at, to_at, tariff, component, ledger_id
  FROM energyledger.posting WHERE payer = 'invoice:a' AND energy_wh IN (100, 1000) AND payee = 'invoice:s';
SELECT energyledger.invoice('invoice:a', '2025-03-01', '2025-04-01') AS mar \gset
SELECT * FROM pg_temp.total(:'mar');
SELECT * FROM pg_temp.shown(:'mar');

-- ---- prices by the hour: with prices_max 2 three are one line, in the place of the first, two are two; each VAT rate by itself
SELECT energyledger.register_biller('invoice:t', 'Supplier', prices_max => 2) > 0 AS registered;
CALL pg_temp.owes('invoice:p', 'invoice:t', 'energy', '2025-01-01 00:00', '2025-01-01 01:00', 100, 10, tariff => 'hours', component => 'a');
CALL pg_temp.owes('invoice:p', 'invoice:t', 'energy', '2025-01-01 01:00', '2025-01-01 02:00', 100, 20, tariff => 'hours', component => 'a');
CALL pg_temp.owes('invoice:p', 'invoice:t', 'energy', '2025-01-01 02:00', '2025-01-01 03:00', 100, -30, tariff => 'hours', component => 'a');
CALL pg_temp.owes('invoice:p', 'invoice:t', 'energy', '2025-01-01 03:00', '2025-01-01 04:00', 100, 20, tariff => 'hours', component => 'a');
CALL pg_temp.owes('invoice:p', 'invoice:t', 'energy', '2025-01-01 00:00', '2025-01-01 01:00', 100, 20, vat => 70000, tariff => 'hours', component => 'a');
CALL pg_temp.owes('invoice:p', 'invoice:t', 'energy', '2025-01-01 00:00', '2025-01-01 01:00', 1, 7, tariff => 'hours', component => 'b');
CALL pg_temp.owes('invoice:p', 'invoice:t', 'energy', '2025-01-01 01:00', '2025-01-01 02:00', 1, 8, tariff => 'hours', component => 'b');
SELECT energyledger.invoice('invoice:p', '2025-01-01', '2025-02-01') AS hours \gset
SELECT * FROM pg_temp.shown(:'hours') WHERE line < 5;
SELECT on_line, energy_wh, price_micro_per_kwh FROM energyledger.invoice_postings(:'hours', 1);

-- ---- what cannot be written: more than a bigint holds, and gold, which has no smallest unit
CALL pg_temp.owes('invoice:g', 'invoice:s', 'fee', '2025-01-01', '2025-01-02', NULL, NULL, 9000000000000000000);
CALL pg_temp.owes('invoice:g', 'invoice:s', 'fee', '2025-01-02', '2025-01-03', NULL, NULL, 9000000000000000000);
SELECT energyledger.invoice('invoice:g', '2025-01-01', '2025-02-01');
SELECT total_cents FROM energyledger.invoice WHERE number = energyledger.invoice('invoice:g', '2025-01-01', '2025-01-02');
SELECT total_cents FROM energyledger.invoice_all('invoice:s', '2025-01-01', '2025-02-01');
CALL pg_temp.owes('invoice:h', 'invoice:s', 'fee', '2025-01-01', '2025-01-02', NULL, NULL, 1, 190000, 'XAU');
SELECT energyledger.invoice('invoice:h', '2025-01-01', '2025-02-01');
SELECT count(*) FROM energyledger.invoice_all('invoice:s', '2025-01-01', '2025-02-01');
SELECT posting > 0 AS posting, party, kind, amount_nano, currency FROM energyledger.unbilled('invoice:s') WHERE party = 'invoice:h';

-- ---- and it is all true, also by sums of another hand
SELECT * FROM energyledger.invoice_check;
SELECT count(*), bool_and(i.number = l.number AND i.total_cents * 10::numeric ^ (9 - i.exponent) = l.sum) AS lines_are_totals
  FROM energyledger.invoice i LEFT JOIN (SELECT number, sum(amount_nano) FROM energyledger.invoice_line GROUP BY 1) l USING (number)
 WHERE i.biller LIKE 'invoice:%';
SELECT sequence, number = 'invoice:s/' || year || '/' || to_char(sequence, 'FM000000') AS named FROM energyledger.invoice WHERE biller = 'invoice:s' ORDER BY 1;

-- what it says where it is not: a total of other amounts, a line of another sum, VAT that is not the rate's, a posting of others, a number left out
BEGIN;
INSERT INTO energyledger.posting (booking, kind, payer, payee, amount_nano, currency, vat_ppm, from_at, to_at)
SELECT 9, 'fee', 'invoice:z', p, 10000000, 'EUR', 190000, '2025-01-01', '2025-01-02' FROM unnest('{invoice:s,invoice:y}'::text[]) p;
INSERT INTO energyledger.invoice (number, biller, year, sequence, party, from_at, to_at, currency, exponent, net_nano, vat_nano, rounding_nano, total_cents, lines, due_at, issued_at, issued_by)
VALUES ('invoice:s/2001/000002', 'invoice:s', 2001, 2, 'invoice:z', '2025-01-01', '2025-02-01', 'EUR', 2, 10000000, 0, 10000000, 2, 2, '2025-02-01', now(), 'x');
INSERT INTO energyledger.invoice_line (number, line, kind, from_at, to_at, amount_nano, vat_ppm, earlier, postings, text)
VALUES ('invoice:s/2001/000002', 1, 'fee', '2025-01-01', '2025-01-02', 10000001, 190000, false, 3, 'fee');
INSERT INTO energyledger.invoice_posting (posting, side, number, line)
SELECT ledger_id, 0, 'invoice:s/2001/000002', 1 FROM energyledger.posting WHERE payer = 'invoice:z';
SELECT number, line, posting IS NOT NULL AS posting, finding, expected, found FROM energyledger.invoice_check ORDER BY finding;
ROLLBACK;

\set VERBOSITY terse
-- a second line for a posting, a total that is no sum, a line that is no product
INSERT INTO energyledger.invoice_posting (posting, side, number, line) SELECT posting, 0, 'x', 1 FROM energyledger.invoice_posting WHERE number = :'jan' LIMIT 1;
INSERT INTO energyledger.invoice (number, biller, year, sequence, party, from_at, to_at, currency, exponent, net_nano, vat_nano, rounding_nano, total_cents, lines, due_at, issued_at, issued_by)
VALUES ('invoice:s/2001/000001', 'invoice:s', 2001, 1, 'invoice:z', '2025-01-01', '2025-02-01', 'EUR', 2, 10000000, 0, 0, 2, 2, '2025-02-01', '2025-02-01', 'x');
INSERT INTO energyledger.invoice_line (number, line, kind, from_at, to_at, energy_wh, price_micro_per_kwh, amount_nano, vat_ppm, earlier, postings, text)
VALUES ('x', 1, 'fee', '2025-01-01', '2025-01-02', 3, 4, 13, 190000, false, 3, 'fee');
