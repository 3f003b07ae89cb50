/*
 * tariff_prepaid.sql: payments, the credit that runs down with readings, and meters that are
 * switched off where it is used up and on again where there is some, by commands that
 * are really signed.
 */
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
RESET client_min_messages;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\pset null '-'
\set SHOW_CONTEXT never

-- ---- payments: once each
SELECT energyledger.record_payment('pp:anna', 'pp:supply', 20000000000, 'EUR', '2025-06-01 10:00', 'RF18') AS first \gset
SELECT energyledger.record_payment('pp:anna', 'pp:supply', 20000000000, 'EUR', '2025-06-01 10:00', 'RF18') = :first AS the_same;
SELECT energyledger.record_payment('pp:anna', 'pp:supply', 20000000001, 'EUR', '2025-06-01 10:00', 'RF18');
SELECT energyledger.record_payment('pp:anna', 'pp:grid', 1000000000, 'EUR', '2025-06-01 10:00', 'RF18') > 0 AS of_another_payee;
-- the bank takes it back
SELECT energyledger.record_payment('pp:anna', 'pp:grid', -1000000000, 'EUR', '2025-06-03 10:00', 'RF18 returned') > 0 AS back;
SELECT kind, payer, payee, amount_nano, currency, from_at, to_at, booking = :first AS of_first FROM energyledger.posting WHERE kind = 'payment' AND payer LIKE 'pp:%' ORDER BY ledger_id;
SELECT party, balance_nano FROM energyledger.party_balance WHERE party LIKE 'pp:%' ORDER BY party;
SELECT payer, payee, amount_nano, currency, paid_at, reference, recorded_by = current_user AS mine FROM energyledger.payment WHERE payer LIKE 'pp:%' ORDER BY ledger_id;

SELECT energyledger.record_payment(NULL, 'pp:b', 1, 'EUR', '2025-06-01', 'x');
SELECT energyledger.record_payment('pp a', 'pp:b', 1, 'EUR', '2025-06-01', 'x');
SELECT energyledger.record_payment('pp:a', 'pp:a', 1, 'EUR', '2025-06-01', 'x');
SELECT energyledger.record_payment('pp:a', 'pp:b', 0, 'EUR', '2025-06-01', 'x');
SELECT energyledger.record_payment('pp:a', 'pp:b', -9223372036854775808, 'EUR', '2025-06-01', 'x');
SELECT energyledger.record_payment('pp:a', 'pp:b', 1, 'Euro', '2025-06-01', 'x');
SELECT energyledger.record_payment('pp:a', 'pp:b', 1, 'EUR', 'infinity', 'x');
SELECT energyledger.record_payment('pp:a', 'pp:b', 1, 'EUR', '2025-06-01', '');
SELECT energyledger.record_payment('pp:a', 'pp:b', 1, 'EUR', '2025-06-01', repeat('x', 141));

-- ---- a prepaid contract: two meters, 20 cents and 25 % VAT: 25 cents a kWh, cut off at 1 EUR
SELECT energyledger.add_tariff_component('pp:pay', 'energy', 'energy', 'pp:supply', 'EUR', 150000, vat_ppm => 250000) > 0 AS energy,
       energyledger.add_tariff_component('pp:pay', 'grid', 'network', 'pp:grid', 'EUR', 50000, vat_ppm => 250000) > 0 AS grid,
       energyledger.register_meter('pp:1', party => 'pp:anna') > 0 AS one, energyledger.register_meter('pp:2', party => 'pp:anna') > 0 AS two;
SELECT energyledger.prepaid_state('pp:anna');
SELECT energyledger.prepaid_enforce('pp:anna');
-- days ago, in the contract's time zone: what is asked about is now
CREATE FUNCTION pg_temp.ago(days int) RETURNS timestamptz LANGUAGE sql AS $$ SELECT energyledger.day_start((now() AT TIME ZONE 'UTC')::date - days, 'UTC') $$;
SELECT energyledger.set_contract('pp:anna', 'pp:pay', 'UTC', pg_temp.ago(3), prepaid => true, prepaid_floor_nano => 1000000000) > 0 AS contract;
SELECT * FROM energyledger.prepaid_state('pp:anna');
SELECT tariff, component, kind, creditor, price_micro_per_kwh, currency, vat_ppm FROM energyledger.contract_prices('pp:anna');

CREATE SEQUENCE pg_temp.seq;
CREATE PROCEDURE pg_temp.uses(meter text, since timestamptz, until timestamptz, wh bigint)
LANGUAGE sql AS $$
    INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
    SELECT meter, 1, nextval('pg_temp.seq'), 1, '1-0:1.8.0', t, t + interval '15 minutes', wh, 0, 'Wh', 'G'
      FROM generate_series(since, until - interval '15 minutes', '15 minutes') t
$$;
-- 96 quarters of 250 and 100 Wh: 33.6 kWh, 8.40 EUR with VAT; booked without
CALL pg_temp.uses('pp:1', pg_temp.ago(3), pg_temp.ago(2), 250);
CALL pg_temp.uses('pp:2', pg_temp.ago(3), pg_temp.ago(2), 100);
SELECT credit_nano, unbilled_nano, energy_wh, cut_off FROM energyledger.prepaid_state('pp:anna');
SELECT energyledger.charge('pp:anna', current_date - 3, current_date);
SELECT credit_nano, unbilled_nano, energy_wh, cut_off FROM energyledger.prepaid_state('pp:anna');
SELECT balance_nano FROM energyledger.party_balance WHERE party = 'pp:anna';
-- once the VAT is booked it is not counted twice
BEGIN;
INSERT INTO energyledger.posting (booking, kind, payer, payee, amount_nano, currency, from_at, to_at)
VALUES (0, 'vat', 'pp:anna', 'pp:supply', 1260000000, 'EUR', pg_temp.ago(3), pg_temp.ago(2)), (0, 'vat', 'pp:anna', 'pp:grid', 420000000, 'EUR', pg_temp.ago(3), pg_temp.ago(2));
SELECT credit_nano FROM energyledger.prepaid_state('pp:anna');
ROLLBACK;
-- there is credit: nobody is told anything, and no key is needed
SELECT count(*) FROM energyledger.prepaid_enforce('pp:anna');

-- ---- the next day goes on, with a hole, and is not charged; what readings tell counts all the same: 70 quarters of 600 Wh, 42 kWh, 10.50 EUR
CALL pg_temp.uses('pp:1', pg_temp.ago(2), pg_temp.ago(2) + interval '17 hours 30 minutes', 600);
SELECT energyledger.charge('pp:anna', current_date - 3, current_date);
SELECT credit_nano, floor_nano, unbilled_nano, price_micro_per_kwh, energy_wh, cut_off FROM energyledger.prepaid_state('pp:anna');
-- 400 Wh more: 1 EUR is left, which is the floor
CALL pg_temp.uses('pp:1', pg_temp.ago(2) + interval '17 hours 30 minutes', pg_temp.ago(2) + interval '17 hours 45 minutes', 400);
SELECT credit_nano, energy_wh, cut_off FROM energyledger.prepaid_state('pp:anna');
SELECT coalesce(energyledger.operator_vkey(), energyledger.rotate_operator_key()) AS vkey \gset
SELECT count(*) FROM energyledger.prepaid_enforce('pp:anna');
SELECT count(*) FROM energyledger.prepaid_enforce('pp:anna');
SELECT c.meter, c.counter, c.command, c.reason, c.expires_at - c.sent_at > interval '364 days' AS lasts, c.note LIKE '%' || c.id || '%' || c.command || '%' AND energyledger.verify_note(c.note, :'vkey') AS signed
  FROM energyledger.command c WHERE meter LIKE 'pp:%' ORDER BY c.meter, c.counter;
SELECT party, meter, is_on, credit_nano, currency FROM energyledger.prepaid_switch WHERE party LIKE 'pp:%' ORDER BY ledger_id;
SELECT meter, thing, command FROM energyledger.meter_desired WHERE meter LIKE 'pp:%' ORDER BY meter;

-- ---- a payment that is too small, and one that is enough
SELECT energyledger.record_payment('pp:anna', 'pp:supply', 250000000, 'EUR', now(), 'small') > 0 AS paid;
SELECT credit_nano, energy_wh, cut_off FROM energyledger.prepaid_state('pp:anna');
SELECT count(*) FROM energyledger.prepaid_enforce('pp:anna');
SELECT energyledger.record_payment('pp:anna', 'pp:supply', -250000000, 'EUR', now(), 'small, back') > 0 AS back;
SELECT count(*) FROM energyledger.prepaid_enforce('pp:anna');
SELECT energyledger.record_payment('pp:anna', 'pp:supply', 5000000000, 'EUR', now(), 'enough') > 0 AS paid;
-- one is off for another reason meanwhile, and stays off; it is on again, then off with the credit like the other
SELECT energyledger.send_command('pp:2', '{"type": "relay", "relay": 1, "on": false}', reason => 'works on the line') IS NOT NULL AS works;
SELECT count(*) FROM energyledger.prepaid_enforce('pp:anna');
SELECT count(*) FROM energyledger.prepaid_enforce('pp:anna');
SELECT energyledger.send_command('pp:2', '{"type": "relay", "relay": 1, "on": true}', reason => 'works done') IS NOT NULL AS done;
SELECT count(*) FROM energyledger.prepaid_enforce('pp:anna');
SELECT energyledger.record_payment('pp:anna', 'pp:supply', -5000000000, 'EUR', now(), 'enough, back') > 0 AS back;
SELECT count(*) FROM energyledger.prepaid_enforce('pp:anna');
-- a command that is taken back is not as if it had been sent
SELECT energyledger.cancel_command((SELECT command_id FROM energyledger.meter_desired WHERE meter = 'pp:1' AND thing = 'relay:1'), 'too late in the day') IS NOT NULL AS cancelled;
SELECT count(*) FROM energyledger.prepaid_enforce('pp:anna');
SELECT energyledger.record_payment('pp:anna', 'pp:supply', 5000000000, 'EUR', now(), 'enough again') > 0 AS paid;
SELECT count(*) FROM energyledger.prepaid_enforce('pp:anna');
SELECT meter, counter, command, reason FROM energyledger.command WHERE meter LIKE 'pp:%' AND type = 'relay' ORDER BY meter, counter;

-- ---- a credit that may be below zero; a contract that is no prepaid one any more switches on what was off
SELECT energyledger.record_payment('pp:anna', 'pp:supply', -10000000000, 'EUR', now(), 'all back') > 0 AS back;
SELECT energyledger.set_contract('pp:anna', 'pp:pay', 'UTC', pg_temp.ago(3), prepaid => true, prepaid_floor_nano => -5000000000) > 0 AS overdraft;
SELECT credit_nano, floor_nano, energy_wh, cut_off FROM energyledger.prepaid_state('pp:anna');
SELECT count(*) FROM energyledger.prepaid_enforce('pp:anna');
SELECT energyledger.set_contract('pp:anna', 'pp:pay', 'UTC', pg_temp.ago(3), prepaid => true) > 0 AS strict;
SELECT count(*) FROM energyledger.prepaid_enforce('pp:anna');
SELECT energyledger.set_contract('pp:anna', 'pp:pay', 'UTC', pg_temp.ago(3)) > 0 AS free;
SELECT prepaid, credit_nano, cut_off FROM energyledger.prepaid_state('pp:anna');
SELECT count(*) FROM energyledger.prepaid_enforce('pp:anna');
SELECT meter, is_on FROM energyledger.prepaid_switch WHERE party LIKE 'pp:%' ORDER BY ledger_id;

-- ---- a price that is missing, or below zero, buys no energy that can be counted
SELECT energyledger.add_tariff_component('pp:dyn', 'spot', 'energy', 'pp:supply', 'EUR', price_series => 'pp:spot') > 0 AS spot,
       energyledger.set_contract('pp:bert', 'pp:dyn', 'UTC', pg_temp.ago(0), prepaid => true, prepaid_floor_nano => -1) > 0 AS contract;
SELECT * FROM energyledger.prepaid_state('pp:bert');
SELECT energyledger.add_prices('pp:spot', '2025-01-01', NULL, '{-1}') AS price;
SELECT price_micro_per_kwh, energy_wh FROM energyledger.prepaid_state('pp:bert');
SELECT energyledger.prepaid_state(NULL);
SELECT energyledger.prepaid_enforce(NULL);
