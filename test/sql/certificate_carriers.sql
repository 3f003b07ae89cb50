/*
 * certificate_carriers.sql: certificates of heat and hydrogen from their meters' registers, and
 * emission allowances, which an authority grants: the same moves, but no claim; what a register
 * tells is never granted, and no register makes what is granted.
 */
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
RESET client_min_messages;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never
\pset null '(null)'

-- joules: 3600 are a Wh, rounded down
SELECT v, s, u, energyledger.reading_wh(v, s::smallint, u) FROM (VALUES
    (3600, 0, 'J'), (3599, 0, 'J'), (0, 0, 'J'), (-1, 0, 'J'), (36, 2, 'J'), (1, 0, 'kJ'), (7200, -3, 'MJ'), (1, 0, 'MJ'), (1, 0, 'GJ'), (15833, 3, 'MJ'), (15833, 9, 'GJ'), (36000000000, -9, 'kJ'),
    (15832967209470, 0, 'kJ'), (15832967209471, 0, 'kJ'), (15833, 10, 'J'), (1, -10, 'J'), (9223372036854775807, -9, 'J'), (9223372036854775807, 9, 'GJ'), (1, 0, 'mJ'), (1, 0, 'j'), (1, 0, 'MWh')) t(v, s, u);
SELECT energyledger.reading_wh(v, 0::smallint, 'kJ') FROM (VALUES (15833026543616), (15833026543615), (15832967198208)) t(v);

INSERT INTO energyledger.party (party) VALUES ('c:anna'), ('c:bert'), ('c:authority');
SELECT energyledger.register_meter('c:boiler', party => 'c:anna', technology => 'solar heat', capacity_w => 20000, grid_zone => 'c:north') > 0 AS boiler,
       energyledger.register_meter('c:chp', party => 'c:anna', technology => 'chp', capacity_w => 8000, grid_zone => 'c:north') > 0 AS chp,
       energyledger.register_meter('c:split', party => 'c:anna', technology => 'electrolyser', capacity_w => 50000) > 0 AS split,
       energyledger.register_meter('c:house', party => 'c:bert', grid_zone => 'c:north') > 0 AS house,
       energyledger.register_meter('c:account', party => 'c:authority') > 0 AS account;
SELECT energyledger.register_device('c:boiler', 'solar_thermal', 'heat', '6-0:1.0.0') > 0 AS boiler,
       energyledger.register_device('c:chp', 'biomass', 'heat', '6-0:1.0.0') > 0 AS chp_heat, energyledger.register_device('c:chp', 'biomass') > 0 AS chp,
       energyledger.register_device('c:split', 'electricity', 'hydrogen', '7-0:33.8.0') > 0 AS split;
-- one register, one carrier
SELECT energyledger.register_device('c:chp', 'biomass', 'cold', '6-0:1.0.0');
INSERT INTO energyledger.message (meter, epoch, seq, type, envelope, digest, sent_at, clock_status, received_at, chained, raw)
SELECT 'c:' || m, 1, 1, 'reading', 'cose', sha256(m::bytea), '2025-06-02', 'S', '2025-06-02', true, '\x01' FROM unnest(ARRAY['boiler', 'chp', 'split', 'house', 'account']) m;
INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
SELECT 'c:' || m, 1, 1, k, obis, timestamptz '2025-06-01 10:00Z' + h * interval '1 hour', timestamptz '2025-06-01 11:00Z' + h * interval '1 hour', v, s, u, 'G'
  FROM (VALUES ('boiler', '6-0:1.0.0', 1, 0, 7199, 0, 'kJ'), ('boiler', '6-0:1.0.0', 2, 1, 36, 0, 'MJ'), ('boiler', '6-0:1.0.0', 3, 2, 5, 0, 'kWh'), ('boiler', '6-0:1.0.0', 4, 3, 1, 0, 'GJ'), ('boiler', '6-0:1.0.0', 5, 4, 3, 0, 'm3'),
               ('chp', '6-0:1.0.0', 1, 0, 9, 0, 'MJ'), ('chp', '1-0:2.8.0', 2, 0, 1000, 0, 'Wh'), ('chp', '1-0:2.8.0', 3, 1, 1, 0, 'MJ'),
               ('split', '7-0:33.8.0', 1, 0, 20, 0, 'kWh'), ('account', '1-0:2.8.0', 1, 0, 20, 0, 'kWh'), ('account', 'none', 2, 0, 20, 0, 'kWh'), ('house', '1-0:1.8.0', 1, 0, 3000, 0, 'Wh')) r(m, obis, k, h, v, s, u);
SELECT * FROM energyledger.issue_certificates('{c:boiler,c:chp,c:split}'::text[], '2025-06-01', '2025-06-02');
SELECT device, carrier, from_at::time, first_id, last_id, holder, state FROM energyledger.certificate_holding WHERE device LIKE 'c:%' ORDER BY device, carrier, first_id;
SELECT device, carrier, from_at::time, energy_wh, reason, bound_wh FROM energyledger.certificate_hold WHERE device LIKE 'c:%' ORDER BY device, carrier, from_at;
-- what intervals of electricity are knows no joules still
SELECT energy_wh, quality, reason FROM energyledger.energy_between('c:chp', '{2025-06-01 10:00Z,2025-06-01 11:00Z,2025-06-01 12:00Z}') WHERE direction = 'export';

CREATE FUNCTION c(device text, carrier text, first bigint, last bigint) RETURNS energyledger.certificate_range[] LANGUAGE sql AS $$ SELECT ARRAY[(device, carrier, first, last)::energyledger.certificate_range] $$;
SELECT energyledger.accept_certificates('c:bert', 'c:anna'), energyledger.accept_certificates('c:anna', 'c:bert');
SELECT energyledger.transfer_certificates(c('c:boiler', 'heat', 1, 500), 'c:bert') > 0 AS moved, energyledger.transfer_certificates(c('c:chp', 'heat', 1, 500), 'c:bert') > 0 AS moved, energyledger.transfer_certificates(c('c:split', 'hydrogen', 1, 500), 'c:bert') > 0 AS moved;
SELECT energyledger.cancel_certificates(c('c:boiler', 'heat', 1, 100), 'Bath') > 0 AS cancelled, energyledger.cancel_certificates(c('c:chp', 'heat', 1, 100)) > 0 AS cancelled;
SELECT energyledger.claim_certificates(c('c:chp', 'heat', 1, 100), 'c:house');
SELECT issuance_id, energy_carrier, energy_source, issuance_post_energy_carrier_conversion AS converted, face_value_wh, certificate_bundle_status, bundle_quantity, beneficiary
  FROM energyledger.certificate WHERE account = 'c:bert' ORDER BY device, carrier, certificate_bundle_id_range_start;

-- allowances: an account is a device without a register
SELECT energyledger.register_device('c:account', 'allowance', 'emission_allowance');
SELECT energyledger.register_device('c:boiler', 'allowance', 'emission_allowance', '6-0:1.0.0');
SELECT energyledger.register_device('c:account', 'allowance', 'emission_allowance', 'none', issuing_body => 'Authority', expires_after_months => 1200) > 0 AS account;
SELECT * FROM energyledger.issue_certificates('{c:account}'::text[], '2025-06-01', '2025-06-02');
SELECT energyledger.grant_certificates('c:account', 'emission_allowance', 'c:anna', 1000, '2025-01-01', '2026-01-01', 'allocation 2025') > 0 AS granted,
       energyledger.grant_certificates('c:account', 'emission_allowance', 'c:bert', 50, '2025-01-01', '2031-01-01', 'auction') > 0 AS granted;
SELECT first_id, last_id, from_at::date, to_at::date, bundles, kind, meter_id IS NOT NULL AS meter, reason, issued_by = current_user AS by_me FROM energyledger.certificate_issue WHERE device = 'c:account' ORDER BY first_id;
-- what is granted
SELECT energyledger.grant_certificates('c:chp', 'electricity', 'c:anna', 1, '2025-01-01', '2025-01-02', 'no');
SELECT energyledger.grant_certificates('c:chp', 'heat', 'c:anna', 1, '2025-01-01', '2025-01-02', 'no');
SELECT energyledger.grant_certificates('c:chp', 'emission_allowance', 'c:anna', 1, '2025-01-01', '2025-01-02', 'no');
SELECT energyledger.grant_certificates('c:account', 'emission_allowance', 'c:nobody', 1, '2025-01-01', '2025-01-02', 'no');
SELECT energyledger.grant_certificates('c:account', 'emission_allowance', 'c:anna', 0, '2025-01-01', '2025-01-02', 'no');
SELECT energyledger.grant_certificates('c:account', 'emission_allowance', 'c:anna', 1000000000001, '2025-01-01', '2025-01-02', 'no');
SELECT energyledger.grant_certificates('c:account', 'emission_allowance', 'c:anna', 1, '2025-01-02', '2025-01-02', 'no');
SELECT energyledger.grant_certificates('c:account', 'emission_allowance', 'c:anna', 1, '2025-01-01', 'infinity', 'no');
SELECT energyledger.grant_certificates('c:account', 'emission_allowance', 'c:anna', 1, '2025-01-01', '2036-01-01', 'no');
SELECT energyledger.grant_certificates('c:account', 'emission_allowance', 'c:anna', 1, '2025-01-01', '2025-01-02', '');
SELECT energyledger.grant_certificates('c:account', 'emission_allowance', 'c:anna', 1, '2025-01-01', '2025-01-02', NULL);
BEGIN;
SELECT energyledger.register_device('c:account', 'allowance', 'emission_allowance', 'none', active => false) > 0 AS ended;
SELECT energyledger.grant_certificates('c:account', 'emission_allowance', 'c:anna', 1, '2025-01-01', '2025-01-02', 'no');
ROLLBACK;
-- nor by hand
\set VERBOSITY terse
INSERT INTO energyledger.certificate_issue (device, carrier, first_id, last_id, from_at, to_at, bundles, kind, device_id, rule_version, issued_at, issued_by) VALUES ('c:chp', 'electricity', 5001, 5002, '2025-01-01', '2025-01-02', 1, 'grant', 1, 1, now(), 'me');
INSERT INTO energyledger.certificate_issue (device, carrier, first_id, last_id, from_at, to_at, bundles, kind, device_id, rule_version, issued_at, issued_by) VALUES ('c:account', 'emission_allowance', 5001, 5002, '2025-01-01', '2025-01-02', 1, 'production', 1, 1, now(), 'me');

\set VERBOSITY default
-- all that is done with certificates; but there is no consumption of them
SELECT energyledger.transfer_certificates(c('c:account', 'emission_allowance', 1, 1000), 'c:bert', 250) > 0 AS moved;
SELECT energyledger.transfer_certificates(c('c:account', 'emission_allowance', 1001, 1001), 'c:anna') > 0 AS moved;
SELECT energyledger.reserve_certificates(c('c:account', 'emission_allowance', 1, 30)) > 0 AS reserved, energyledger.lock_certificates(c('c:account', 'emission_allowance', 31, 40), 'dispute') > 0 AS locked;
SELECT energyledger.release_certificates(c('c:account', 'emission_allowance', 1, 40), 'settled') > 0 AS released;
SELECT energyledger.cancel_certificates(c('c:account', 'emission_allowance', 1, 120), 'Smelter', 'surrender', '2025-01-01', '2026-01-01', holder => 'c:bert') > 0 AS cancelled;
SELECT energyledger.cancel_certificates(c('c:account', 'emission_allowance', 1, 1));
SELECT energyledger.claim_certificates(c('c:account', 'emission_allowance', 1, 120), 'c:house');
SELECT energyledger.withdraw_certificates(c('c:account', 'emission_allowance', 999, 1000), 'granted twice') > 0 AS withdrawn;
SELECT certificate_serial_number_range, quantity_unit, face_value_wh, energy_carrier, bundle_quantity, certificate_bundle_status, account, beneficiary, issuing_body, expiry_datestamp
  FROM energyledger.certificate WHERE device = 'c:account' ORDER BY certificate_bundle_id_range_start;
SELECT certificate_serial_number_range, quantity, quantity_unit, retirement_reason_code, retirement_reason_description, retirement_year, notification_name FROM energyledger.certificate_retirement WHERE device = 'c:account' ORDER BY (numbers).first_id;
SELECT * FROM energyledger.certificate_balance WHERE carrier = 'emission_allowance' AND holder LIKE 'c:%' ORDER BY holder, state;
SELECT relation, kind, expected, found FROM energyledger.verify_certificates();
DROP FUNCTION c;
