/*
 * certificate_fields.sql: certificates by the fields that others know: from the rows that counted
 * at issue, through transfer, split, cancellation and claim; their hash; how it is found.
 */
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
RESET client_min_messages;
SET timezone = 'America/New_York';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never
\pset null '(null)'

INSERT INTO energyledger.party (party) VALUES ('f:anna'), ('f:bert');
INSERT INTO energyledger.location (location, latitude_microdegrees, longitude_microdegrees, grid_zone) VALUES ('f:field', 52100000, 5200000, 'f:field-zone');
SELECT energyledger.register_meter('f:mill', party => 'f:anna', technology => 'hydro', capacity_w => 4000, location => 'f:field', grid_zone => 'f:north') > 0 AS mill,
       energyledger.register_meter('f:roof', party => 'f:anna', technology => 'run of river', capacity_w => 3000, latitude_microdegrees => 1, longitude_microdegrees => 2, grid_zone => 'f:north') > 0 AS roof,
       energyledger.register_meter('f:house', party => 'f:bert', grid_zone => 'f:north') > 0 AS house;
SELECT energyledger.register_device('f:mill', 'hydro', name => 'Mühle', technology_code => 'T030000', operational_since => '2020-05-01', country => 'NL', grid => 'NL-grid', issuing_body => 'Body',
           legal_status => 'law', purpose => 'disclosure', support => 'none', other_certificates => false, quality_scheme => 'label', dissemination_level => 'public', registry_configuration => 2,
           emission_mg_per_kwh => 4000, emission_source => 'study') > 0 AS mill,
       energyledger.register_device('f:roof', 'gas', expires_after_months => 1) > 0 AS roof;
INSERT INTO energyledger.message (meter, epoch, seq, type, envelope, digest, sent_at, clock_status, received_at, chained, raw)
SELECT 'f:' || m, 1, 1, 'reading', 'cose', sha256(m::bytea), '2025-04-02 00:00Z', 'S', '2025-04-02 00:00Z', true, '\x01' FROM unnest(ARRAY['mill', 'roof', 'house']) m;
INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
SELECT 'f:' || m, 1, 1, k, obis, timestamptz '2025-03-31 23:45Z' + (k - 1) * interval '15 minutes', timestamptz '2025-03-31 23:45Z' + k * interval '15 minutes', v, 0, 'Wh', 'G'
  FROM (VALUES ('mill', '1-0:2.8.0', 1000), ('roof', '1-0:2.8.0', 500), ('house', '1-0:1.8.0', 300)) r(m, obis, v), generate_series(1, 5) k WHERE m <> 'roof' OR k < 3;
SELECT * FROM energyledger.issue_certificates('{f:mill,f:roof}'::text[], '2025-03-31', '2025-04-02');
-- what is registered later is not what they say
SELECT energyledger.register_device('f:mill', 'wind', name => 'Other') > 0 AS other, energyledger.register_meter('f:mill', party => 'f:anna', technology => 'wind', capacity_w => 1) > 0 AS meter;
INSERT INTO energyledger.location (location, latitude_microdegrees, longitude_microdegrees, grid_zone) VALUES ('f:field', 1, 1, 'f:south');

CREATE FUNCTION f(first bigint, last bigint, device text DEFAULT 'f:mill') RETURNS energyledger.certificate_range[] LANGUAGE sql AS $$ SELECT ARRAY[(device, 'electricity', first, last)::energyledger.certificate_range] $$;
\x on
SELECT to_jsonb(c) - '{hash,issue_id,issued_at,bundle_id}'::text[] AS fields FROM energyledger.certificate c WHERE device = 'f:mill' AND certificate_bundle_id_range_start = 1;
SELECT to_jsonb(c) - '{hash,issue_id,issued_at,bundle_id}'::text[] AS fields FROM energyledger.certificate c WHERE device = 'f:roof' AND certificate_bundle_id_range_start = 1;
\x off
SELECT count(*) AS all_of_the_account, count(DISTINCT hash) AS hashes FROM energyledger.certificate WHERE account = 'f:anna';

-- the bytes of the hash, by hand
CREATE FUNCTION line_of(value text) RETURNS text LANGUAGE sql AS $$ SELECT coalesce(octet_length(value) || ':' || value, '-') || E'\n' $$;
CREATE TABLE before AS SELECT certificate_bundle_id_range_start AS first_id, hash, issue_id FROM energyledger.certificate WHERE device = 'f:mill';
CREATE FUNCTION by_hand(nonce text, first bigint, last bigint) RETURNS bytea LANGUAGE sql AS $$
    SELECT sha256(convert_to(concat(E'energyledger/certificate/v1\n', nonce, E'\n', line_of('f:mill-2025-03-31T23:45:00Z'), line_of((SELECT issue_id::text FROM before LIMIT 1)), line_of('electricity'), line_of('hydro'), line_of('Wh'), line_of('false'), line_of('2'),
        line_of('f:mill'), line_of('Mühle'), line_of('T030000'), line_of('2020-05-01'), line_of('4000'), line_of('52100000'), line_of('5200000'), line_of('hydro'),
        line_of('2025-03-31T23:45:00.000000Z'), line_of('2025-04-01T00:00:00.000000Z'), line_of('2027-04-01'), line_of('false'), line_of('NL'), line_of('NL-grid'), line_of('Body'), line_of('law'), line_of('disclosure'), line_of('none'), line_of('label'), line_of('public'),
        line_of('f:north'), line_of('4000'), line_of('study'), first, E'\n', last, E'\n'), 'UTF8')) $$;
SELECT hash = by_hand('-', 1, 1000) AS by_hand FROM before WHERE first_id = 1;
SELECT count(*) AS null_fields FROM energyledger.certificate WHERE device = 'f:roof' AND hash IS NULL;

-- moved as a whole it is the same; split, each part has its own, with the whole's as nonce
SELECT energyledger.accept_certificates('f:bert', 'f:anna');
SELECT energyledger.transfer_certificates(f(1, 5000), 'f:bert') > 0 AS moved;
SELECT bool_and(c.hash = b.hash) AS same FROM energyledger.certificate c JOIN before b ON b.first_id = c.certificate_bundle_id_range_start WHERE c.device = 'f:mill';
SELECT energyledger.reserve_certificates(f(1, 400)) > 0 AS reserved;
SELECT energyledger.lock_certificates(f(101, 200), 'dispute') > 0 AS locked;
SELECT c.certificate_serial_number_range, c.certificate_bundle_status, c.issuance_id,
       c.hash = by_hand(CASE WHEN c.certificate_bundle_id_range_start < 401 THEN encode(by_hand(encode(by_hand('-', 1, 1000), 'hex'), 1, 400), 'hex') ELSE encode(by_hand('-', 1, 1000), 'hex') END,
                        c.certificate_bundle_id_range_start, c.certificate_bundle_id_range_end) AS by_hand
  FROM energyledger.certificate c WHERE c.device = 'f:mill' AND c.certificate_bundle_id_range_start < 1001 ORDER BY c.certificate_bundle_id_range_start;
SELECT energyledger.certificate_hash(('f:mill', 'electricity', 1, 1000)) = by_hand('-', 1, 1000) AS as_issued, energyledger.certificate_hash(('f:mill', 'electricity', 1, 400)) IS NOT NULL AS as_it_was,
       energyledger.certificate_hash(('f:mill', 'electricity', 1, 99)) AS never, energyledger.certificate_hash(('f:mill', 'heat', 1, 100)) AS other_carrier, energyledger.certificate_hash(('f:mill', 'electricity', 900, 1100)) AS of_two,
       energyledger.certificate_hash(NULL) AS of_null;

-- cancelled, with and without a beneficiary; claimed; what is left of both
SELECT energyledger.cancel_certificates(f(1001, 1600), 'Bakery', 'label', '2025-02-01', '2025-03-01') > 0 AS cancelled, energyledger.cancel_certificates(f(3001, 3100)) > 0 AS cancelled;
SELECT energyledger.claim_certificates(f(1101, 1200), 'f:house') > 0 AS claimed;
SELECT energyledger.withdraw_certificates(f(1151, 1160), 'metered twice') > 0 AS withdrawn;
SELECT certificate_serial_number_range, certificate_bundle_status, account, beneficiary, cancellation_purpose, consumption_from AT TIME ZONE 'UTC' AS consumption_from, consumption_until AT TIME ZONE 'UTC' AS consumption_until, cancelled_at IS NOT NULL AS cancelled
  FROM energyledger.certificate WHERE device = 'f:mill' AND certificate_bundle_id_range_start BETWEEN 1001 AND 4000 ORDER BY certificate_bundle_id_range_start;
SELECT r.certificate_serial_number_range, r.quantity, r.quantity_unit, r.certificate_status, r.vintage_month, r.fuel_type_code, r.retirement_date IS NOT NULL AS dated, r.retirement_type_code, r.retirement_reason_code,
       r.retirement_reason_description, r.retirement_compliance_zone, r.retirement_year = extract(year FROM CASE WHEN r.certificate_serial_number_range LIKE '%-3001 %' THEN r.retirement_date ELSE '2025-04-01' END) AS in_year, r.notification_name,
       r.retirement_details, r.claimed_meter, r.claimed_hour AT TIME ZONE 'UTC' AS claimed_hour
  FROM energyledger.certificate_retirement r WHERE r.account = 'f:bert' ORDER BY (r.numbers).first_id;
SELECT sum(quantity) = (SELECT sum(quantity_wh) FROM energyledger.certificate_balance WHERE holder = 'f:bert' AND state IN ('cancelled', 'claimed')) AS all_of_them FROM energyledger.certificate_retirement WHERE account = 'f:bert';

-- found by an index, for an account and for a device: no table of certificates need be read as a whole
CREATE FUNCTION plan_of(asked text) RETURNS TABLE (bad text) LANGUAGE plpgsql AS $$
DECLARE
    line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || asked LOOP
        IF line ~ 'Seq Scan' THEN bad := line; RETURN NEXT; END IF;
    END LOOP;
END $$;
BEGIN;
SET LOCAL enable_seqscan = off;
SELECT 'account' AS by, b.* FROM plan_of($$ SELECT * FROM energyledger.certificate WHERE account = 'f:bert' $$) b;
SELECT 'device' AS by, b.* FROM plan_of($$ SELECT * FROM energyledger.certificate WHERE device = 'f:mill' $$) b;
SELECT 'retired' AS by, b.* FROM plan_of($$ SELECT * FROM energyledger.certificate_retirement WHERE account = 'f:bert' $$) b;
SELECT 'retired of a device' AS by, b.* FROM plan_of($$ SELECT * FROM energyledger.certificate_retirement WHERE device = 'f:mill' $$) b;
ROLLBACK;
DROP FUNCTION plan_of; DROP FUNCTION by_hand; DROP FUNCTION line_of; DROP FUNCTION f; DROP TABLE before;
