-- invoice_many.sql: invoices of many random postings, recomputed by sums of another kind.

SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
RESET client_min_messages;
SET TIME ZONE 'UTC';
SELECT energyledger.register_biller('many:s', 'Supplier') > 0 AS registered;

-- 200 parties, each 40 postings in two months: either side pays, amounts of either sign and of 1 to 10^16, rates, currencies
-- with 0, 2 and 3 decimals, priced by energy or not.
SELECT setseed(0.25) IS NOT NULL AS seeded;
CREATE TEMP TABLE made AS
SELECT g AS n, 'many:' || g % 200 AS party, random() < 0.3 AS credit, (ARRAY['energy', 'feed_in', 'network', 'tax', 'trade', 'fee'])[1 + floor(random() * 6)] AS kind,
       (ARRAY['EUR', 'EUR', 'EUR', 'JPY', 'KWD'])[1 + floor(random() * 5)] AS currency, (ARRAY[0, 70000, 190000, 190001, 333333, 1000000])[1 + floor(random() * 6)] AS vat_ppm,
       CASE WHEN random() < 0.6 THEN floor(random() * 2000 - 500)::bigint END AS wh, (ARRAY[250000, -3, 87, 123457])[1 + floor(random() * 4)]::bigint AS price,
       ((random() - 0.3) * 10::numeric ^ floor(random() * 17)::int)::bigint AS amount,
       '2025-01-01'::timestamptz + floor(random() * 59) * interval '1 day' AS at, (ARRAY['a', 'b', NULL])[1 + floor(random() * 3)] AS tariff
  FROM generate_series(1, 8000) g;
INSERT INTO energyledger.posting (booking, kind, payer, payee, amount_nano, currency, vat_ppm, energy_wh, price_micro_per_kwh, from_at, to_at, tariff)
SELECT n, kind, CASE WHEN credit THEN 'many:s' ELSE party END, CASE WHEN credit THEN party ELSE 'many:s' END, coalesce(wh * price, amount), currency, vat_ppm,
       wh, CASE WHEN wh IS NOT NULL THEN price END, at, at + interval '1 day', tariff
  FROM made WHERE at < '2025-02-01' OR n % 3 <> 0;
SELECT count(*) > 400 AS many FROM energyledger.invoice_all('many:s', '2025-01-01', '2025-02-01');
-- then a tenth is taken back, and what was late arrives
INSERT INTO energyledger.posting (booking, kind, payer, payee, amount_nano, currency, vat_ppm, energy_wh, price_micro_per_kwh, from_at, to_at, tariff, reverses)
SELECT booking, kind, payer, payee, -amount_nano, currency, vat_ppm, -energy_wh, price_micro_per_kwh, from_at, to_at, tariff, ledger_id
  FROM energyledger.posting WHERE 'many:s' IN (payer, payee) AND kind NOT IN ('vat', 'rounding') AND booking % 10 = 7;
INSERT INTO energyledger.posting (booking, kind, payer, payee, amount_nano, currency, vat_ppm, energy_wh, price_micro_per_kwh, from_at, to_at, tariff)
SELECT n, kind, CASE WHEN credit THEN 'many:s' ELSE party END, CASE WHEN credit THEN party ELSE 'many:s' END, coalesce(wh * price, amount), currency, vat_ppm,
       wh, CASE WHEN wh IS NOT NULL THEN price END, at - interval '20 days', at, tariff
  FROM made WHERE at >= '2025-02-01' AND n % 3 = 0;
SELECT count(*) > 400 AS many FROM energyledger.invoice_all('many:s', '2025-02-01', '2025-03-01');
SELECT count(*) AS again FROM energyledger.invoice_all('many:s', '2025-02-01', '2025-03-01');

-- ---- all of it is on one line each, and is what the totals say
SELECT * FROM energyledger.invoice_check;
SELECT count(*) AS not_invoiced FROM energyledger.unbilled('many:s');
SELECT count(*) = count(DISTINCT i.posting) AS once, count(*) = (SELECT count(*) FROM energyledger.posting WHERE 'many:s' IN (payer, payee)) AS all_of_them
  FROM energyledger.invoice_posting i WHERE i.number LIKE 'many:s/%';
-- each party owes what its invoices say, to the nano
SELECT count(*) > 400 AS balances, count(*) FILTER (WHERE b.balance_nano <> -t.total) AS wrong
  FROM energyledger.party_balance b JOIN (SELECT party, currency, sum(total_cents * 10::numeric ^ (9 - exponent)) AS total FROM energyledger.invoice WHERE biller = 'many:s' GROUP BY 1, 2) t USING (party, currency);
-- the totals from what was made, without a posting or a line: whole numbers, half of the divisor added before each division
CREATE FUNCTION pg_temp.half(n numeric, d numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$ SELECT CASE WHEN n < 0 THEN -div(-n + div(d, 2), d) ELSE div(n + div(d, 2), d) END $$;
CREATE TEMP TABLE expected AS
WITH wanted AS (
    SELECT party, currency, vat_ppm, month, sum(amount) AS net
      FROM (SELECT party, currency, vat_ppm, CASE WHEN at < '2025-02-01' THEN 1 ELSE 2 END AS month, CASE WHEN credit THEN -1 ELSE 1 END * coalesce(wh * price, amount)::numeric AS amount FROM made
            UNION ALL
            SELECT party, currency, vat_ppm, 2, CASE WHEN credit THEN 1 ELSE -1 END * coalesce(wh * price, amount)::numeric FROM made WHERE n % 10 = 7 AND (at < '2025-02-01' OR n % 3 <> 0)) a
     GROUP BY 1, 2, 3, 4)
SELECT party, currency, month, pg_temp.half(sum(net + pg_temp.half(net * vat_ppm, 1000000)), CASE currency WHEN 'JPY' THEN 1000000000 WHEN 'KWD' THEN 1000000 ELSE 10000000 END) AS total
  FROM wanted GROUP BY 1, 2, 3;
SELECT count(*) > 800 AS many, count(*) FILTER (WHERE i.total_cents IS DISTINCT FROM e.total) AS wrong, count(*) FILTER (WHERE i.total_cents < 0) > 50 AS credit_notes,
       count(*) FILTER (WHERE i.corrects IS NOT NULL) > 20 AS corrections
  FROM expected e FULL JOIN (SELECT *, extract(month FROM from_at) AS month FROM energyledger.invoice WHERE biller = 'many:s') i USING (party, currency, month);
-- lines: all that is from January, or takes January's back, is apart in February's
SELECT i.from_at, l.earlier, l.corrects IS NOT NULL AS corrects, count(*) > 0 AS there, bool_and(l.to_at <= '2025-02-20') AS early
  FROM energyledger.invoice i JOIN energyledger.invoice_line l USING (number) WHERE i.biller = 'many:s' AND l.kind NOT IN ('vat', 'rounding') AND (l.earlier OR l.corrects IS NOT NULL) GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
