/*
 * tariff_charge.sql: days that are charged, with amounts worked out by hand: flat, by time of
 * use, dynamic, feed-in and standing charges; days of 23 and 25 hours; what is missing;
 * what is charged again, taken back, and left alone.
 *
 * Readings are written here as ingest() would.
 */
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
RESET client_min_messages;
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
\pset null '-'
\set SHOW_CONTEXT never

CREATE SEQUENCE pg_temp.seq;
-- So many Wh in each quarter of a time.
CREATE PROCEDURE pg_temp.uses(meter text, since timestamptz, until timestamptz, wh bigint, obis text DEFAULT '1-0:1.8.0')
LANGUAGE sql AS $$
    INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
    SELECT meter, 1, nextval('pg_temp.seq'), 1, obis, t, t + interval '15 minutes', wh, 0, 'Wh', 'G'
      FROM generate_series(since, until - interval '15 minutes', '15 minutes') t
$$;
-- A party's postings that count: those that are not taken back, and take nothing back.
CREATE FUNCTION pg_temp.owed(party text, day date DEFAULT NULL)
RETURNS TABLE (from_at timestamptz, kind text, component text, meter text, payer text, payee text, energy_wh bigint, price bigint, amount_nano bigint, vat_ppm int) LANGUAGE sql AS $$
    SELECT p.from_at, p.kind, p.component, p.meter, p.payer, p.payee, p.energy_wh, p.price_micro_per_kwh, p.amount_nano, p.vat_ppm
      FROM energyledger.posting p
     WHERE owed.party IN (p.payer, p.payee) AND p.reverses IS NULL AND p.kind <> 'payment' AND NOT EXISTS (SELECT FROM energyledger.posting r WHERE r.reverses = p.ledger_id)
       AND (owed.day IS NULL OR p.booking IN (SELECT c.ledger_id FROM energyledger.charge c WHERE c.day = owed.day))
     ORDER BY p.from_at, p.meter, p.component, p.price_micro_per_kwh
$$;
CREATE FUNCTION pg_temp.runs(party text)
RETURNS TABLE (day date, lasts interval, run int, tariff text, import_wh bigint, export_wh bigint, estimated bigint, amount_nano bigint, reason text) LANGUAGE sql AS $$
    SELECT c.day, c.to_at - c.from_at, c.run, c.tariff, c.import_wh, c.export_wh, c.estimated_slots, c.amount_nano, c.reason
      FROM energyledger.charge c WHERE c.party = runs.party ORDER BY c.from_at, c.run
$$;

SELECT count(energyledger.add_tariff_component(tariff, component, kind, creditor, 'EUR', price, price_micro_per_day => a_day, local_from => f::time, local_to => t::time, vat_ppm => vat))
  FROM (VALUES ('ch:flat', 'energy', 'energy', 'ch:supply', 300000, NULL::bigint, NULL, NULL, 190000),
               ('ch:flat', 'grid', 'network', 'ch:grid', 80000, NULL, NULL, NULL, 190000),
               ('ch:flat', 'base', 'standing', 'ch:supply', NULL, 250000, NULL, NULL, 190000),
               ('ch:tou', 'day', 'energy', 'ch:supply', 320000, NULL, '06:00', '22:00', 0),
               ('ch:tou', 'night', 'energy', 'ch:supply', 210000, NULL, '22:00', '06:00', 0),
               ('ch:tou', 'tax', 'tax', 'ch:state', 20500, NULL, NULL, NULL, 0),
               ('ch:tou', 'pv', 'feed_in', 'ch:supply', 79600, NULL, NULL, NULL, 0)) v(tariff, component, kind, creditor, price, a_day, f, t, vat);
SELECT count(energyledger.register_meter(meter, party => party))
  FROM (VALUES ('ch:f', 'ch:anna'), ('ch:t1', 'ch:bert'), ('ch:t2', 'ch:bert'), ('ch:d', 'ch:dora'), ('ch:e', 'ch:emil')) v(meter, party);

-- ---- flat: 100 Wh a quarter on days of 23, 24 and 25 hours; a standing charge a day
SELECT energyledger.set_contract('ch:anna', 'ch:flat', 'Europe/Berlin', '2025-03-30 00:00+01') > 0 AS contract;
CALL pg_temp.uses('ch:f', '2025-03-30 00:00+01', '2025-04-01 00:00+02', 100);
CALL pg_temp.uses('ch:f', '2025-10-26 00:00+02', '2025-10-27 00:00+01', 100);
SELECT energyledger.charge('ch:anna', '2025-03-29', '2025-04-02'), energyledger.charge('ch:anna', '2025-10-26', '2025-10-27');
SELECT * FROM pg_temp.runs('ch:anna');
SELECT * FROM pg_temp.owed('ch:anna');
-- nothing changed, nothing is written
SELECT energyledger.charge('ch:anna', '2025-03-29', '2025-04-02'), energyledger.charge('ch:anna', '2025-10-26', '2025-10-27'), energyledger.charge('ch:anna', '2025-10-26', '2025-10-26');

-- ---- by time of use, two meters, one with export.  Nights have 5, 6 and 7 hours before 06:00, and 2 after 22:00:
-- 20 + 8 quarters, 24 + 8, 28 + 8; days always 64
SELECT energyledger.set_contract('ch:bert', 'ch:tou', 'Europe/Berlin', '2025-03-30 00:00+01') > 0 AS contract;
CALL pg_temp.uses('ch:t1', '2025-03-30 00:00+01', '2025-04-01 00:00+02', 10);
CALL pg_temp.uses('ch:t1', '2025-10-26 00:00+02', '2025-10-27 00:00+01', 10);
CALL pg_temp.uses('ch:t2', '2025-03-30 00:00+01', '2025-04-01 00:00+02', 0);
CALL pg_temp.uses('ch:t2', '2025-03-30 00:00+01', '2025-04-01 00:00+02', 1, '1-0:2.8.0');
CALL pg_temp.uses('ch:t2', '2025-10-26 00:00+02', '2025-10-27 00:00+01', 3, '1-0:2.8.0');
SELECT energyledger.charge('ch:bert', '2025-03-30', '2025-04-01'), energyledger.charge('ch:bert', '2025-10-26', '2025-10-27');
SELECT * FROM pg_temp.runs('ch:bert');
SELECT from_at, component, meter, payer, payee, energy_wh, price, amount_nano FROM pg_temp.owed('ch:bert');
-- the import of t2 is missing on the last of them
SELECT reason, meter, direction, count(*), min(from_at), max(from_at) FROM energyledger.charge_pending('ch:bert', '2025-10-26', '2025-10-28') GROUP BY 1, 2, 3 ORDER BY 4, 2, 3;
CALL pg_temp.uses('ch:t2', '2025-10-26 00:00+02', '2025-10-27 00:00+01', 0);
SELECT energyledger.charge('ch:bert', '2025-10-26', '2025-10-27');
SELECT from_at, component, meter, payer, payee, energy_wh, price, amount_nano FROM pg_temp.owed('ch:bert', '2025-10-26');

-- ---- charged again: a reading is corrected, a quarter moves from night to day, and nothing else
CALL pg_temp.uses('ch:f', '2025-03-31 12:00+02', '2025-03-31 12:15+02', 150);
SELECT energyledger.charge('ch:anna', '2025-03-30', '2025-04-01');
CALL pg_temp.uses('ch:t1', '2025-03-31 05:45+02', '2025-03-31 06:00+02', 0);
CALL pg_temp.uses('ch:t1', '2025-03-31 06:00+02', '2025-03-31 06:15+02', 20);
SELECT energyledger.charge('ch:bert', '2025-03-30', '2025-04-01'), energyledger.charge('ch:bert', '2025-03-30', '2025-04-01');
SELECT * FROM pg_temp.runs('ch:anna') WHERE day = '2025-03-31' UNION ALL SELECT * FROM pg_temp.runs('ch:bert') WHERE day = '2025-03-31';
SELECT c.run, p.kind, p.energy_wh, p.amount_nano, p.reverses IS NOT NULL AS reverses, r.energy_wh AS of_wh, r.amount_nano AS of_amount
  FROM energyledger.charge c JOIN energyledger.posting p ON p.booking = c.ledger_id LEFT JOIN energyledger.posting r ON r.ledger_id = p.reverses
 WHERE c.party = 'ch:anna' AND c.day = '2025-03-31' ORDER BY p.ledger_id;

-- ---- dynamic: the price of each quarter, times 1.05, plus 2 cents; negative prices; what is missing
SELECT energyledger.add_tariff_component('ch:dyn', 'spot', 'energy', 'ch:supply', 'EUR', price_series => 'ch:spot', multiplier_ppm => 1050000, adder_micro_per_kwh => 20000) > 0 AS spot,
       energyledger.add_tariff_component('ch:dyn', 'sold', 'feed_in', 'ch:supply', 'EUR', price_series => 'ch:spot') > 0 AS sold,
       energyledger.set_contract('ch:dora', 'ch:dyn', 'UTC', '2025-06-01') > 0 AS contract,
       energyledger.add_prices('ch:spot', '2025-06-01', '12 hours', '{100003, -30001}') AS prices;
CALL pg_temp.uses('ch:d', '2025-06-01', '2025-06-03', 7);
CALL pg_temp.uses('ch:d', '2025-06-01', '2025-06-03', 2, '1-0:2.8.0');
SELECT energyledger.charge('ch:dora', '2025-06-01', '2025-06-03');
SELECT from_at, component, payer, payee, energy_wh, price, amount_nano FROM pg_temp.owed('ch:dora');
SELECT reason, component, count(*), min(from_at), max(from_at) FROM energyledger.charge_pending('ch:dora', '2025-06-01', '2025-06-03') GROUP BY 1, 2 ORDER BY 2;
-- prices come, some twice, some without an end; one of a quarter is put right
SELECT energyledger.add_prices('ch:spot', '2025-06-02', NULL, '{90000}'), energyledger.add_prices('ch:spot', '2025-06-02 06:00', '15 minutes', '{1, 2, 3, 4}'),
       energyledger.add_prices('ch:spot', '2025-06-01 03:00', '15 minutes', '{100004}');
SELECT energyledger.charge('ch:dora', '2025-06-01', '2025-06-03'), energyledger.charge('ch:dora', '2025-06-01', '2025-06-03');
SELECT day, run, amount_nano, reason FROM pg_temp.runs('ch:dora');
SELECT from_at, component, energy_wh, price, amount_nano FROM pg_temp.owed('ch:dora');
SELECT count(*), count(*) FILTER (WHERE price_micro_per_kwh <> CASE component WHEN 'sold' THEN energyledger.price_at('ch:spot', from_at)
           ELSE energyledger.scaled_price(energyledger.price_at('ch:spot', from_at), 1050000, 20000) END) AS other
  FROM energyledger.charge_slot('ch:dora', '2025-06-01', '2025-06-03');
-- ---- estimates, and what replaces them
SELECT energyledger.set_contract('ch:emil', 'ch:flat', 'UTC', '2025-06-01') > 0 AS contract;
SELECT DISTINCT meter, from_at, reason FROM energyledger.charge_pending('ch:emil', '2025-06-01', '2025-06-02');
CALL pg_temp.uses('ch:e', '2025-06-01', '2025-06-01 10:00', 40);
CALL pg_temp.uses('ch:e', '2025-06-01 10:30', '2025-06-02', 40);
SELECT * FROM energyledger.charge_pending('ch:emil', '2025-06-01', '2025-06-02');
SELECT energyledger.charge('ch:emil', '2025-06-01', '2025-06-02');
SELECT count(*) FROM energyledger.estimate('ch:e', '2025-06-01', '2025-06-02', 'linear');
SELECT energyledger.charge('ch:emil', '2025-06-01', '2025-06-02');
-- measured, and just so much: nothing is to be paid or given back
CALL pg_temp.uses('ch:e', '2025-06-01 10:00', '2025-06-01 10:30', 40);
SELECT energyledger.charge('ch:emil', '2025-06-01', '2025-06-02');
CALL pg_temp.uses('ch:e', '2025-06-01 10:15', '2025-06-01 10:30', 50);
SELECT energyledger.charge('ch:emil', '2025-06-01', '2025-06-02');
SELECT * FROM pg_temp.runs('ch:emil');
-- a slot that is lost again: what was charged stays
INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
VALUES ('ch:e', 2, 1, 1, '1-0:1.8.0', '2025-06-01 11:00', '2025-06-01 11:15', 0, 0, 'Wh', 'E');
SELECT energyledger.charge('ch:emil', '2025-06-01', '2025-06-02');
SELECT * FROM energyledger.charge_pending('ch:emil', '2025-06-01', '2025-06-02');

-- ---- a tariff with a hole is an error, and nothing of the call is written
SELECT energyledger.add_tariff_component('ch:hole', 'work', 'energy', 'ch:supply', 'EUR', 1, weekdays => '{1,2,3,4,5}') > 0 AS work,
       energyledger.add_tariff_component('ch:hole', 'lunch', 'energy', 'ch:supply', 'EUR', 1, local_from => '12:00', local_to => '13:00') > 0 AS lunch,
       energyledger.register_meter('ch:h', party => 'ch:hank') > 0 AS meter, energyledger.set_contract('ch:hank', 'ch:hole', 'UTC', '2025-06-06') > 0 AS contract;
CALL pg_temp.uses('ch:h', '2025-06-06', '2025-06-08', 1);
SELECT energyledger.charge('ch:hank', '2025-06-06', '2025-06-08');
SELECT count(*) FROM pg_temp.runs('ch:hank');
SELECT reason, count(*), min(from_at) FROM energyledger.charge_pending('ch:hank', '2025-06-06', '2025-06-08') GROUP BY 1;
SELECT energyledger.charge('ch:hank', '2025-06-06', '2025-06-07');
-- two that hold at once add up
SELECT component, energy_wh, price, amount_nano FROM pg_temp.owed('ch:hank');
-- a component due to the customer itself
SELECT energyledger.add_tariff_component('ch:hole', 'week-end', 'energy', 'ch:hank', 'EUR', 1, weekdays => '{6,7}') > 0 AS own;
\set VERBOSITY sqlstate
SELECT energyledger.charge('ch:hank', '2025-06-07', '2025-06-08');
\set VERBOSITY default

-- ---- another tariff from a day on, for days already charged; and in the middle of a day's component
SELECT energyledger.set_contract('ch:anna', 'ch:tou', 'Europe/Berlin', '2025-03-31 00:00+02') > 0 AS contract;
SELECT energyledger.charge('ch:anna', '2025-03-30', '2025-04-01');
SELECT * FROM pg_temp.owed('ch:anna', '2025-03-31');
SELECT energyledger.add_tariff_component('ch:tou', 'tax', 'tax', 'ch:state', 'EUR', 10000, from_at => '2025-03-31 12:00+02') > 0 AS tax;
SELECT energyledger.charge('ch:anna', '2025-03-30', '2025-04-01');
SELECT component, energy_wh, price, amount_nano FROM pg_temp.owed('ch:anna', '2025-03-31');
-- the contract ended before: the days after are taken back, once; and it comes back
SELECT energyledger.set_contract('ch:anna', 'ch:flat', 'Europe/Berlin', '2025-03-30 00:00+01', '2025-03-31 00:00+02') > 0 AS flat,
       energyledger.set_contract('ch:anna', 'ch:tou', 'Europe/Berlin', '2025-03-31 00:00+02', '2025-03-31 00:00+02') > 0 AS none;
SELECT energyledger.charge('ch:anna', '2025-03-30', '2025-10-28'), energyledger.charge('ch:anna', '2025-03-30', '2025-10-28');
SELECT day, run, tariff, amount_nano, reason FROM pg_temp.runs('ch:anna');
SELECT count(*) FROM pg_temp.owed('ch:anna', '2025-03-31');
SELECT energyledger.set_contract('ch:anna', 'ch:flat', 'Europe/Berlin', '2025-03-30 00:00+01') > 0 AS flat,
       energyledger.set_contract('ch:anna', 'ch:flat', 'Europe/Berlin', '2025-03-31 00:00+02') > 0 AS flat_again;
SELECT energyledger.charge('ch:anna', '2025-03-30', '2025-10-28');
SELECT day, run, tariff, amount_nano, reason FROM pg_temp.runs('ch:anna') WHERE run = 5 OR day > '2025-04-01';
-- another time zone from noon of the day on, as its days begin then: the day before is cut off there
SELECT energyledger.set_contract('ch:anna', 'ch:flat', 'Pacific/Auckland', '2025-04-01 00:00+13') > 0 AS auckland;
SELECT energyledger.charge('ch:anna', '2025-03-31', '2025-04-01');
SELECT * FROM pg_temp.runs('ch:anna') WHERE day = '2025-03-31' AND run > 5;

-- ---- whose a meter is: from the day on whose end it was registered to another party; before, its first one's
SELECT energyledger.register_meter('ch:d', party => 'ch:nobody') > 0 AS sold;
SELECT energyledger.charge('ch:dora', '2025-06-01', '2025-06-03'), (SELECT count(DISTINCT meter) FROM energyledger.charge_slot('ch:dora', '2025-06-01', '2025-06-03')) AS then,
       (SELECT array_agg(DISTINCT missing) FROM energyledger.charge_slot('ch:dora', current_date, current_date + 1)) AS now;

-- ---- arguments
SELECT energyledger.charge(NULL, '2025-06-01', '2025-06-02');
SELECT energyledger.charge('ch:nobody', '2025-06-01', '2025-06-02');
SELECT energyledger.charge('ch:anna', '2025-06-02', '2025-06-01');
SELECT energyledger.charge('ch:anna', '-infinity', '2025-06-01');
SELECT energyledger.charge('ch:anna', '2020-01-01', '2025-06-01');
SELECT count(*) FROM energyledger.charge_slot('ch:nobody', '2025-06-01', '2025-06-02');

-- ---- always: a run's amount is that of its postings that take nothing back; a day's postings are the last run's; all together are zero
SELECT count(*) AS runs, count(*) FILTER (WHERE c.amount_nano IS DISTINCT FROM coalesce(
           (SELECT sum(CASE WHEN p.payer = c.party THEN p.amount_nano ELSE -p.amount_nano END) FROM energyledger.posting p WHERE p.booking = c.ledger_id AND p.reverses IS NULL), 0)) AS other
  FROM energyledger.charge c WHERE party LIKE 'ch:%';
SELECT count(*) AS days, count(*) FILTER (WHERE c.amount_nano IS DISTINCT FROM coalesce(
           (SELECT sum(CASE WHEN p.payer = c.party THEN p.amount_nano ELSE -p.amount_nano END)
              FROM energyledger.charge h JOIN energyledger.posting p ON p.booking = h.ledger_id WHERE h.party = c.party AND h.from_at = c.from_at), 0)) AS other
  FROM (SELECT DISTINCT ON (party, from_at) * FROM energyledger.charge WHERE party LIKE 'ch:%' ORDER BY party, from_at, run DESC) c;
SELECT party, balance_nano FROM energyledger.party_balance WHERE party LIKE 'ch:%' ORDER BY party;
SELECT sum(balance_nano) FROM energyledger.party_balance WHERE party LIKE 'ch:%';

-- ---- what is not charged yet
SELECT * FROM energyledger.unbilled_energy WHERE party IN ('ch:dora', 'ch:emil', 'ch:hank') ORDER BY party, meter;
