-- invoice_read.sql: the postings, trades and readings behind an invoice, its document, CSV
-- and statement; what each argument may not be.

SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
RESET client_min_messages;
SET TIME ZONE 'UTC';
\set SHOW_CONTEXT never

SELECT energyledger.register_biller('read:s', 'Supplier, Inc.', 'Main Street 1', 'help@supplier.example', '+1 555 0100', 'XX123', 'Ombudsman, Side Street 2', 'contact.example',
    'compare.example', 'You may change at any time, free of charge.', 'save.example', '{"wind": 1000000}', '{"wind": 600000, "gas": 400000}', 210000, 3, 3650000, 'Europe/Berlin', 10) > 0 AS registered;
INSERT INTO energyledger.party (party, name, contact) VALUES ('read:a', 'Anna', 'anna@example.org');
SELECT energyledger.register_meter('read:m', location => 'read:house', party => 'read:a') > 0 AS registered,
       energyledger.register_meter('read:n', party => 'read:b') > 0 AS registered;

-- June 2025 in Berlin begins on 31 May at 22:00 in UTC.  Quarters of 100 Wh on its first day, stands around it, an estimate,
-- and the year before two stands: 7000 Wh.
CREATE SEQUENCE pg_temp.seq;
INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
SELECT 'read:m', 1, nextval('pg_temp.seq'), 1, o.obis, t, t + interval '15 minutes', 100, 0, o.unit, 'G'
  FROM generate_series('2025-05-31 22:00', '2025-05-31 22:30', interval '15 minutes') t, (VALUES ('1-0:1.8.0', 'Wh'), ('1-0:3.8.0', 'varh')) o(obis, unit);
INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
SELECT 'read:m', 1, nextval('pg_temp.seq'), 1, '1-0:1.8.0', t, t, v, 0, 'Wh', 'G'
  FROM (VALUES ('2024-05-31 22:00'::timestamptz, 1000), ('2024-06-30 22:00', 8000), ('2025-05-31 22:00', 90000), ('2025-06-01 10:00', 94000), ('2025-06-30 22:00', 97000), ('2025-07-31 22:00', 99000)) s(t, v);
SELECT count(*) FROM energyledger.estimate('read:m', '2025-06-01 00:00', '2025-06-01 00:30', 'linear');

INSERT INTO energyledger.posting (booking, kind, payer, payee, amount_nano, currency, vat_ppm, energy_wh, price_micro_per_kwh, from_at, to_at, market, trade_seq, meter, tariff, component)
VALUES (1, 'energy', 'read:a', 'read:s', 25000000, 'EUR', 190000, 100, 250000, '2025-05-31 22:00', '2025-05-31 22:15', NULL, NULL, 'read:m', '=1+1', 'work, day'),
       (1, 'energy', 'read:a', 'read:s', 25000000, 'EUR', 190000, 100, 250000, '2025-05-31 22:15', '2025-05-31 22:30', NULL, NULL, 'read:m', '=1+1', 'work, day'),
       (1, 'energy', 'read:a', 'read:s', 50000000, 'EUR', 190000, 200, 250000, '2025-06-01 00:00', '2025-06-01 00:30', NULL, NULL, 'read:m', '=1+1', 'late'),
       -- (ends where a stand is: the one after it is not needed)
       (1, 'energy', 'read:a', 'read:s', 0, 'EUR', 190000, 0, 250000, '2025-06-30 21:45', '2025-06-30 22:00', NULL, NULL, 'read:m', '=1+1', 'last'),
       (1, 'trade', 'read:a', 'read:s', 24000000, 'EUR', 190000, 120, 200000, '2025-06-02 00:00', '2025-06-02 00:15', 'm"1"', 7, NULL, NULL, NULL),
       (1, 'levy', 'read:a', 'read:s', 20000000, 'EUR', 190000, NULL, NULL, '2025-05-31 22:00', '2025-06-30 22:00', NULL, NULL, NULL, '=1+1', '@law'),
       (1, 'network', 'read:a', 'read:s', 30000000, 'EUR', 0, NULL, NULL, '2025-05-31 22:00', '2025-06-30 22:00', NULL, NULL, NULL, NULL, NULL),
       (1, 'payment', 'read:s', 'read:a', 100000000, 'EUR', 0, NULL, NULL, '2025-06-20', '2025-06-20', NULL, NULL, NULL, NULL, NULL),
       (1, 'payment', 'read:s', 'read:a', 70000000, 'EUR', 0, NULL, NULL, '2025-07-20', '2025-07-20', NULL, NULL, NULL, NULL, NULL),
       (1, 'fee', 'read:a', 'read:x', 5, 'USD', 0, NULL, NULL, '2025-01-20', '2025-01-20', NULL, NULL, NULL, NULL, NULL);
INSERT INTO energyledger.trade (market, slot, trade_seq, bid_id, ask_id, buyer, seller, energy_wh, price_micro_per_kwh, buyer_price_micro_per_kwh, phase)
SELECT 'm"1"', slot, n, 1, 2, 'read:a', 'read:s', 120, 200000, 200000, 'main' FROM generate_series(6, 8) n, unnest('{2025-06-01 00:00,2025-06-02 00:00}'::timestamptz[]) slot;
-- (144 + 30 = 174) million nano, VAT of 144 is 27.36: 201360000, 20 cents
SELECT energyledger.invoice('read:a', '2025-05-31 22:00', '2025-06-30 22:00') AS number \gset

-- ---- what is behind it: of each line its postings; the readings of active energy, not the reactive ones, nor stands that other stands keep away
SELECT on_line, kind, count(*), sum(amount_nano) FROM energyledger.invoice_postings(:'number') GROUP BY 1, 2 ORDER BY 1;
SELECT on_line, count(*) FROM energyledger.invoice_postings(:'number', 1) GROUP BY 1;
SELECT on_line, evidence, evidence_id IS NOT NULL AS id, market, slot, trade_seq, meter, obis, from_at, to_at FROM energyledger.invoice_evidence(:'number') WHERE on_line <= 4;
SELECT e.evidence, count(*), bool_and(e.evidence_id = ANY (SELECT ledger_id FROM energyledger.reading UNION ALL SELECT ledger_id FROM energyledger.posting UNION ALL SELECT ledger_id FROM energyledger.energy_estimate
           UNION ALL SELECT ledger_id FROM energyledger.trade WHERE slot = '2025-06-02' AND trade_seq = 7)) AS found
  FROM energyledger.invoice_evidence(:'number') e GROUP BY 1 ORDER BY 1;
-- and each can be proved
SELECT energyledger.seal() > 0 AS sealed;
SELECT e.evidence, bool_and(energyledger.verify_receipt(energyledger.receipt(e.evidence_id), energyledger.site_vkey())) AS proved
  FROM energyledger.invoice_evidence(:'number') e GROUP BY 1 ORDER BY 1;

-- ---- the document
\pset format unaligned
\pset tuples_only on
SELECT regexp_replace(jsonb_pretty(energyledger.invoice_document(:'number') - 'issued_at' - 'lines' #- '{1.1,b}'), '/[0-9]{4}/', '/YEAR/', 'g');
SELECT regexp_replace(l::text, '/[0-9]{4}/', '/YEAR/', 'g') FROM jsonb_array_elements(energyledger.invoice_document(:'number')->'lines') l;
-- due on the tenth day after today in Berlin
SELECT (d->'1.1'->'b'->>'due_on')::date - ((d->>'issued_at')::timestamptz AT TIME ZONE 'Europe/Berlin')::date FROM energyledger.invoice_document(:'number') d;

-- the end of the contract, as it was when the invoice was written, and only of a tariff that is on it
SELECT energyledger.invoice_document(:'number')->'1.2'->'d'->>'contract_end';
INSERT INTO energyledger.contract (party, tariff, time_zone, from_at, until_at, prepaid, prepaid_floor_nano, recorded_at, recorded_by)
SELECT 'read:c', 'flat', 'UTC', '2025-01-01', '2026-01-01', false, 0, '2025-01-01', 'x';
INSERT INTO energyledger.posting (booking, kind, payer, payee, amount_nano, currency, vat_ppm, from_at, to_at, tariff)
SELECT 1, 'standing', 'read:c', 'read:s', 1, 'EUR', 0, day, day + interval '1 day', tariff FROM (VALUES ('2025-06-01'::timestamptz, 'flat'), ('2025-07-01', 'other')) v(day, tariff);
SELECT energyledger.invoice('read:c', '2025-06-01', '2025-07-01') AS june, energyledger.invoice('read:c', '2025-07-01', '2025-08-01') AS july \gset
INSERT INTO energyledger.contract (party, tariff, time_zone, from_at, until_at, prepaid, prepaid_floor_nano, recorded_at, recorded_by)
SELECT 'read:c', 'flat', 'UTC', '2025-01-01', '2027-01-01', false, 0, clock_timestamp(), 'x';
SELECT energyledger.invoice_document(n)->'1.2'->'d'->>'contract_end' FROM unnest(ARRAY[:'june', :'july']) n;

-- ---- a meter that was another's until noon of 11 June: nobody sees what the other took, in this year or the last
INSERT INTO energyledger.meter (meter, party, registered_at) VALUES ('read:flat', 'read:old', '2024-01-01'), ('read:flat', 'read:new', '2025-06-11 10:00'), ('read:flat', 'read:new', '2025-06-12 10:00');
INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
SELECT 'read:flat', 1, n, 1, '1-0:1.8.0', t, t, v, 0, 'Wh', 'G'
  FROM (VALUES (1, '2024-05-31 22:00'::timestamptz, 0), (2, '2024-06-30 22:00', 5000), (3, '2025-05-31 22:00', 10000), (4, '2025-06-10 22:00', 13000), (5, '2025-06-30 22:00', 14000)) s(n, t, v);
INSERT INTO energyledger.posting (booking, kind, payer, payee, amount_nano, currency, vat_ppm, from_at, to_at, meter)
SELECT 1, 'energy', p, 'read:s', 1, 'EUR', 0, '2025-06-10 22:00'::timestamptz + d, '2025-06-11 22:00'::timestamptz + d, 'read:flat' FROM (VALUES ('read:old', interval '-1 day'), ('read:new', '0')) v(p, d);
SELECT energyledger.invoice('read:old', '2025-05-31 22:00', '2025-06-30 22:00') AS old, energyledger.invoice('read:new', '2025-05-31 22:00', '2025-06-30 22:00') AS new \gset
SELECT d->'customer'->>'party', d->'1.2'->'a'->'consumption'->>'import_wh', d->'1.3'->'a'->'same_period_last_year'->>'import_wh', d->'1.3'->'a'->>'change_percent'
  FROM unnest(ARRAY[:'old', :'new']) n, energyledger.invoice_document(n) d;

-- ---- CSV: a quote is two, a comma needs quotes, what a spreadsheet would compute has an apostrophe
SELECT regexp_replace(replace(energyledger.invoice_csv(:'number'), E'\r', '<CR>'), '/[0-9]{4}/', '/YEAR/', 'g');
SELECT t || ' -> ' || energyledger.csv_text(t) FROM unnest(ARRAY['plain', 'a,b', 'a"b', E'a\nb', '=1', '+1', '-1', '@a', E'\ta', '=a,b', ' =a', '']) t;
\pset tuples_only off
\pset format aligned

-- ---- statement
SELECT entry, at, kind, other_party, currency, amount_nano, balance_nano, invoice = :'number' AS invoiced FROM energyledger.statement('read:a', '2025-06-01', '2025-07-01');
SELECT entry, at, currency, balance_nano FROM energyledger.statement('read:a', '2025-07-01', '2025-08-01', 'read:s') WHERE entry <> 'posting';
SELECT b.balance_nano = s.balance_nano AS same FROM energyledger.party_balance b, energyledger.statement('read:a', '2025-07-01', '2030-01-01') s
 WHERE b.party = 'read:a' AND b.currency = 'EUR' AND s.currency = 'EUR' AND s.entry = 'closing';
SELECT count(*) FROM energyledger.statement('read:nobody', '2025-06-01', '2025-07-01');

-- ---- the billing team's rights suffice; a reader's do not
SET ROLE energyledger_billing;
SELECT energyledger.invoice_document(:'number') ? 'lines' AS document, energyledger.invoice_csv(:'number') LIKE 'number,%' AS csv, (SELECT count(*) FROM energyledger.invoice_evidence(:'number')) AS evidence,
       (SELECT count(*) FROM energyledger.statement('read:a', '2025-06-01', '2025-07-01')) AS statement, energyledger.invoice('read:a', '2025-05-31 22:00', '2025-06-30 22:00') IS NULL AS nothing_new;
SET ROLE energyledger_reader;
SELECT energyledger.invoice_csv(:'number');
SELECT energyledger.invoice('read:a', '2025-05-31 22:00', '2025-06-30 22:00');
RESET ROLE;

-- ---- NULL, and what is not there
SELECT energyledger.invoice_csv(NULL) IS NULL AS csv, energyledger.invoice_document(NULL) IS NULL AS document, energyledger.csv_text(NULL) IS NULL AS text,
       (SELECT count(*) FROM energyledger.invoice_postings(NULL)) AS postings, (SELECT count(*) FROM energyledger.invoice_evidence(NULL)) AS evidence, (SELECT count(*) FROM energyledger.unbilled(NULL)) AS unbilled;
SELECT energyledger.invoice_csv('read:s/1999/000001');
SELECT energyledger.invoice_document('read:s/1999/000001');
SELECT count(*) FROM energyledger.invoice_postings('read:s/1999/000001');
SELECT count(*) FROM energyledger.invoice_evidence('');
\set VERBOSITY terse
SELECT regexp_replace(:'number', '2[0-9]{3}', 'YEAR');
DO $$ BEGIN PERFORM energyledger.invoice_evidence((SELECT max(number) FROM energyledger.invoice WHERE biller = 'read:s'), 99); EXCEPTION WHEN no_data_found THEN RAISE NOTICE 'no such line'; END $$;
SELECT energyledger.statement(NULL, '2025-06-01', '2025-07-01');
SELECT energyledger.statement('read:a', NULL, '2025-07-01');
SELECT energyledger.statement('read:a', '2025-06-01', NULL);
SELECT energyledger.statement('read:a', '2025-07-01', '2025-06-01');

-- ---- arguments of the writers
\set VERBOSITY default
SELECT energyledger.invoice(NULL, '2025-06-01', '2025-07-01');
SELECT energyledger.invoice('', '2025-06-01', '2025-07-01');
SELECT energyledger.invoice('a b', '2025-06-01', '2025-07-01');
SELECT energyledger.invoice('read:a', NULL, '2025-07-01');
SELECT energyledger.invoice('read:a', '2025-06-01', NULL);
SELECT energyledger.invoice('read:a', '2025-06-01', '2025-06-01');
SELECT energyledger.invoice('read:a', '-infinity', '2025-06-01');
SELECT energyledger.invoice('read:a', '2025-06-01', 'infinity');
SELECT energyledger.invoice('read:a', '2025-06-01', '2025-07-01', 'read:nobody');
SELECT energyledger.invoice('read:s', '2025-06-01', '2025-07-01', 'read:s');
SELECT energyledger.invoice('read:a', '2025-06-01', '2025-07-01', currency => 'eur');
SELECT energyledger.invoice('read:a', '2025-06-01', '2025-07-01', currency => 'XAU');
SELECT energyledger.invoice('read:a', '2025-06-01', '2025-07-01', due_at => 'infinity');
SELECT energyledger.invoice('read:a', '2025-06-01', '2025-07-01', earliest => NULL);
SELECT energyledger.invoice('read:a', '2025-06-01', '2025-07-01', earliest => '2025-06-02');
SELECT energyledger.invoice_all(NULL, '2025-06-01', '2025-07-01');
SELECT energyledger.invoice_all('read:nobody', '2025-06-01', '2025-07-01');
SELECT energyledger.invoice_all('read:s', NULL, '2025-07-01');
SELECT energyledger.invoice_all('read:s', '2025-07-01', '2025-06-01');
SELECT energyledger.invoice_all('read:s', '2025-06-01', '2025-07-01', 'EURO');
SELECT energyledger.register_biller(NULL, 'x');
SELECT energyledger.register_biller('read:t', NULL);
SELECT energyledger.register_biller('read t', 'x');
SELECT energyledger.register_biller('read:t', '');
SELECT energyledger.register_biller('read:t', 'x', address => repeat('x', 1001));
SELECT energyledger.register_biller('read:t', 'x', email => '');
SELECT energyledger.register_biller('read:t', 'x', product_sources => '[1]');
SELECT energyledger.register_biller('read:t', 'x', product_sources => '{"wind": "all"}');
SELECT energyledger.register_biller('read:t', 'x', product_sources => '{"wind": -1, "gas": 1000001}');
SELECT energyledger.register_biller('read:t', 'x', supplier_sources => '{"wind": 500000.5}');
SELECT energyledger.register_biller('read:t', 'x', supplier_sources => '{"wind": 500000}');
SELECT energyledger.register_biller('read:t', 'x', supplier_sources => '{}');
SELECT energyledger.register_biller('read:t', 'x', co2_mg_per_kwh => -1);
SELECT energyledger.register_biller('read:t', 'x', nuclear_waste_ug_per_kwh => -1);
SELECT energyledger.register_biller('read:t', 'x', average_customer_wh_per_year => 0);
SELECT energyledger.register_biller('read:t', 'x', time_zone => 'Nowhere');
SELECT energyledger.register_biller('read:t', 'x', time_zone => NULL);
SELECT energyledger.register_biller('read:t', 'x', payment_days => -1);
SELECT energyledger.register_biller('read:t', 'x', payment_days => NULL);
SELECT energyledger.register_biller('read:t', 'x', prices_max => 0);
-- the newest row counts
SELECT energyledger.register_biller('read:s', 'Successor') > 0 AS registered;
SELECT biller, name, address, time_zone, payment_days FROM energyledger.biller_current WHERE biller = 'read:s';
-- but not for invoices that were there before
SELECT energyledger.invoice_document(:'number')->'1.2'->'b'->'supplier'->>'name' AS name;
