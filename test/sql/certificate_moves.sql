/*
 * certificate_moves.sql: certificates from issue to their end: ranges that split exactly,
 * amounts and shares, states, holders, who accepts from whom, all or nothing, and rows that
 * somebody writes by hand.
 */
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
RESET client_min_messages;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never
\pset null '(null)'

INSERT INTO energyledger.party (party) VALUES ('m:anna'), ('m:bert'), ('m:carl');
SELECT energyledger.register_meter('m:mill', party => 'm:anna', technology => 'hydro', capacity_w => 4000) > 0 AS meter,
       energyledger.register_device('m:mill', 'hydro') > 0 AS device;
INSERT INTO energyledger.message (meter, epoch, seq, type, envelope, digest, sent_at, clock_status, received_at, chained, raw)
VALUES ('m:mill', 1, 1, 'reading', 'cose', '\x01', '2025-06-02', 'S', '2025-06-02', true, '\x01');
INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
SELECT 'm:mill', 1, 1, n, '1-0:2.8.0', timestamptz '2025-06-01' + (n - 1) * interval '15 minutes', timestamptz '2025-06-01' + n * interval '15 minutes', v, 0, 'Wh', 'G'
  FROM unnest(ARRAY[1000, 1, 7, 500]) WITH ORDINALITY u(v, n);
SELECT * FROM energyledger.issue_certificates('m:mill', '2025-06-01', '2025-06-02');

CREATE VIEW held AS SELECT h.holder, h.state, h.first_id, h.last_id, h.quantity_wh, h.from_at::time FROM energyledger.certificate_holding h WHERE h.device = 'm:mill' ORDER BY h.first_id;
CREATE FUNCTION ids(first bigint, last bigint) RETURNS energyledger.certificate_range[] LANGUAGE sql AS $$ SELECT ARRAY[('m:mill', 'electricity', first, last)::energyledger.certificate_range] $$;
TABLE held;

-- from whom parties take
SELECT energyledger.transfer_certificates(ids(1, 1000), 'm:bert', 250);
SELECT energyledger.accept_certificates('m:bert', 'm:anna');
-- 250 of 1000 are the first 250, and 750 are left
SELECT energyledger.transfer_certificates(ids(1, 1000), 'm:bert', 250) > 0 AS moved;
TABLE held;
-- one certificate, one whole bundle
SELECT energyledger.transfer_certificates(ids(1001, 1001), 'm:bert') > 0 AS moved;
-- a range in the middle leaves both ends; over several bundles
SELECT energyledger.reserve_certificates(ids(900, 1003)) > 0 AS moved;
SELECT energyledger.release_certificates(ids(1001, 1001), 'not hers') > 0 AS moved;
-- a third of each, rounded down: of 899 - 250, 101, 2, 5 and 500
SELECT energyledger.cancel_certificates(ARRAY[('m:mill', 'electricity', 251, 1000), ('m:mill', 'electricity', 1002, 1508)]::energyledger.certificate_range[],
    'Bakery', 'label', '2025-06-01', '2025-07-01', share_ppm => 333333) > 0 AS moved;
TABLE held;
SELECT kind, quantity_wh, bundles, recipient, beneficiary, purpose, from_at, until_at, reason, recorded_by = current_user AS by_me FROM energyledger.certificate_event e
 WHERE EXISTS (SELECT FROM energyledger.certificate_bundle b WHERE b.device = 'm:mill' AND b.event_id = e.ledger_id) ORDER BY recorded_at, ledger_id;
-- what is left of reserved is reserved, and active again
SELECT energyledger.release_certificates(ids(933, 933), 'changed her mind') > 0 AS moved;
SELECT energyledger.lock_certificates(ids(933, 940), 'dispute') > 0 AS moved;
SELECT energyledger.transfer_certificates(ids(940, 941), 'm:bert');
SELECT energyledger.release_certificates(ids(933, 940), 'settled', energy_wh => 2) > 0 AS moved;
SELECT energyledger.withdraw_certificates(ids(935, 950), 'metered twice') > 0 AS moved;
TABLE held;
SELECT * FROM energyledger.certificate_balance WHERE holder LIKE 'm:%' ORDER BY 1, 2, 3;

-- what every state leads to
CREATE TABLE tried (kind text, state text, result text);
DO $$
DECLARE
    s record;
    k text;
    said text;
BEGIN
    FOR s IN SELECT DISTINCT ON (state) state, holder, first_id FROM held ORDER BY state, quantity_wh DESC LOOP
        FOREACH k IN ARRAY ARRAY['transfer', 'reserve', 'release', 'lock', 'cancel', 'withdraw'] LOOP
            BEGIN
                EXECUTE format('SELECT energyledger.%s_certificates(ids(%s, %2$s)%s)', k, s.first_id,
                               CASE k WHEN 'transfer' THEN ', ''m:bert''' WHEN 'reserve' THEN '' WHEN 'cancel' THEN '' ELSE ', ''why''' END);
                said := energyledger.certificate_step(k, s.state);
                RAISE EXCEPTION USING ERRCODE = 'ZZ001', MESSAGE = (SELECT state FROM held WHERE first_id = s.first_id);
            EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
                INSERT INTO tried VALUES (k, s.state, CASE WHEN SQLERRM = said THEN SQLERRM ELSE 'not ' || SQLERRM END);
            WHEN OTHERS THEN
                INSERT INTO tried VALUES (k, s.state, CASE WHEN energyledger.certificate_step(k, s.state) IS NULL THEN SQLSTATE ELSE SQLERRM END);
            END;
        END LOOP;
    END LOOP;
END
$$;
SELECT state, string_agg(kind || ' ' || result, ', ' ORDER BY kind) FROM tried GROUP BY 1 ORDER BY 1;

-- what is asked for badly; nothing of it is done
SELECT count(*) AS events FROM energyledger.certificate_event \gset
SELECT energyledger.transfer_certificates(ids(1, 250), 'm:bert');
SELECT energyledger.transfer_certificates(ids(1, 250), 'm:carl', holder => 'm:anna');
SELECT energyledger.transfer_certificates(ids(1, 250), 'm:dora');
SELECT energyledger.transfer_certificates(ids(1500, 1600), 'm:bert');
SELECT energyledger.transfer_certificates(ids(0, 5), 'm:bert');
SELECT energyledger.transfer_certificates(ids(5, 4), 'm:bert');
SELECT energyledger.transfer_certificates('{}', 'm:bert');
SELECT energyledger.transfer_certificates(NULL, 'm:bert');
SELECT energyledger.transfer_certificates(ARRAY[NULL]::energyledger.certificate_range[], 'm:bert');
SELECT energyledger.transfer_certificates(ARRAY[('m:mill', NULL, 1, 2)]::energyledger.certificate_range[], 'm:bert');
SELECT energyledger.transfer_certificates(ARRAY[('m:none', 'electricity', 1, 2)]::energyledger.certificate_range[], 'm:bert');
SELECT energyledger.transfer_certificates(ARRAY[('m:mill', 'heat', 1, 2)]::energyledger.certificate_range[], 'm:bert');
SELECT energyledger.reserve_certificates(ids(1300, 1310) || ids(1305, 1320));
SELECT energyledger.reserve_certificates(ids(1300, 1310), energy_wh => 12);
SELECT energyledger.reserve_certificates(ids(1300, 1310), energy_wh => 0);
SELECT energyledger.reserve_certificates(ids(1300, 1310), energy_wh => -1);
SELECT energyledger.reserve_certificates(ids(1300, 1310), share_ppm => 0);
SELECT energyledger.reserve_certificates(ids(1300, 1310), share_ppm => 1000001);
SELECT energyledger.reserve_certificates(ids(1300, 1310), share_ppm => 1);
SELECT energyledger.reserve_certificates(ids(1300, 1310), 1, 1);
SELECT energyledger.cancel_certificates(ids(1300, 1310), '');
SELECT energyledger.cancel_certificates(ids(1300, 1310), 'x', repeat('x', 201));
SELECT energyledger.cancel_certificates(ids(1300, 1310), 'x', 'y', '2025-06-01', NULL);
SELECT energyledger.cancel_certificates(ids(1300, 1310), 'x', 'y', '2025-06-02', '2025-06-01');
SELECT energyledger.lock_certificates(ids(1300, 1310), '');
SELECT energyledger.lock_certificates(ids(1300, 1310), NULL);
SELECT energyledger.withdraw_certificates(ids(1300, 1310), repeat('x', 1001));
SELECT energyledger.accept_certificates('m:anna', 'm:anna');
SELECT energyledger.accept_certificates('m:anna', 'm:dora');
SELECT energyledger.accept_certificates('m:bert', 'm:anna', false);
SELECT energyledger.transfer_certificates(ids(1300, 1310), 'm:bert');
-- all or nothing: the last range is not hers
SELECT energyledger.reserve_certificates(ids(1300, 1310) || ids(1, 1), holder => 'm:anna');
SELECT count(*) = :events AS nothing_done FROM energyledger.certificate_event;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT energyledger.reserve_certificates(ids(1300, 1310));
ROLLBACK;

-- rows by hand, each refused; the event is taken back at the end
BEGIN;
\set ON_ERROR_ROLLBACK on
INSERT INTO energyledger.certificate_event (kind, quantity_wh, bundles, recipient, recorded_at, recorded_by) VALUES ('transfer', 1, 1, 'm:carl', now(), 'me') RETURNING ledger_id AS event_id \gset
SELECT bundle_id, issue_id, from_at, to_at FROM energyledger.certificate_holding WHERE device = 'm:mill' AND first_id = 1 \gset
\set VERBOSITY terse
-- spent to two
INSERT INTO energyledger.certificate_bundle (device, carrier, from_at, to_at, first_id, last_id, holder, state, issue_id, parent_id, event_id)
SELECT 'm:mill', 'electricity', :'from_at', :'to_at', 1, 250, 'm:carl', 'active', :issue_id, :bundle_id, :event_id FROM generate_series(1, 2);
\set VERBOSITY sqlstate
-- a part alone; more than there is; another state; another's; of no event; of another parent
INSERT INTO energyledger.certificate_bundle (device, carrier, from_at, to_at, first_id, last_id, holder, state, issue_id, parent_id, event_id)
VALUES ('m:mill', 'electricity', :'from_at', :'to_at', 1, 249, 'm:carl', 'active', :issue_id, :bundle_id, :event_id);
INSERT INTO energyledger.certificate_bundle (device, carrier, from_at, to_at, first_id, last_id, holder, state, issue_id, parent_id, event_id)
VALUES ('m:mill', 'electricity', :'from_at', :'to_at', 1, 251, 'm:carl', 'active', :issue_id, :bundle_id, :event_id);
INSERT INTO energyledger.certificate_bundle (device, carrier, from_at, to_at, first_id, last_id, holder, state, issue_id, parent_id, event_id)
VALUES ('m:mill', 'electricity', :'from_at', :'to_at', 1, 250, 'm:carl', 'claimed', :issue_id, :bundle_id, :event_id);
INSERT INTO energyledger.certificate_bundle (device, carrier, from_at, to_at, first_id, last_id, holder, state, issue_id, parent_id, event_id)
VALUES ('m:mill', 'electricity', :'from_at', :'to_at', 1, 250, 'm:anna', 'active', :issue_id, :bundle_id, :event_id);
INSERT INTO energyledger.certificate_bundle (device, carrier, from_at, to_at, first_id, last_id, holder, state, issue_id, parent_id, event_id)
VALUES ('m:mill', 'electricity', :'from_at', :'to_at', 1, 250, 'm:carl', 'active', :issue_id, :bundle_id, 1);
INSERT INTO energyledger.certificate_bundle (device, carrier, from_at, to_at, first_id, last_id, holder, state, issue_id, parent_id, event_id)
VALUES ('m:mill', 'electricity', :'from_at', :'to_at', 1, 250, 'm:carl', 'active', :issue_id, 7, :event_id);
INSERT INTO energyledger.certificate_bundle (device, carrier, from_at, to_at, first_id, last_id, holder, state, issue_id, parent_id, event_id)
VALUES ('m:mill', 'electricity', timestamptz :'from_at' + interval '1 hour', timestamptz :'to_at' + interval '1 hour', 1, 250, 'm:carl', 'active', :issue_id, :bundle_id, :event_id);
\set VERBOSITY terse
-- numbers that are issued, of no issue, out of the air
INSERT INTO energyledger.certificate_bundle (device, carrier, from_at, to_at, first_id, last_id, holder, state, issue_id, reading_id)
VALUES ('m:mill', 'electricity', :'from_at', :'to_at', 5, 7, 'm:carl', 'active', :issue_id, 1);
INSERT INTO energyledger.certificate_bundle (device, carrier, from_at, to_at, first_id, last_id, holder, state, issue_id, reading_id)
VALUES ('m:mill', 'electricity', :'from_at', :'to_at', 1, 1000, 'm:carl', 'active', :issue_id, 1);
INSERT INTO energyledger.certificate_bundle (device, carrier, from_at, to_at, first_id, last_id, holder, state, issue_id, reading_id)
VALUES ('m:mill', 'electricity', :'from_at', :'to_at', 5000, 5001, 'm:carl', 'active', 3, 1);
INSERT INTO energyledger.certificate_bundle (device, carrier, from_at, to_at, first_id, last_id, holder, state, issue_id, reading_id)
VALUES ('m:mill', 'electricity', :'from_at', :'to_at', 5000, 5001, 'm:carl', 'claimed', :issue_id, 1);
INSERT INTO energyledger.certificate_issue (device, carrier, first_id, last_id, from_at, to_at, bundles, kind, device_id, rule_version, issued_at, issued_by)
VALUES ('m:mill', 'electricity', 1508, 1600, '2025-06-09', '2025-06-10', 1, 'production', 1, 1, now(), 'me');
INSERT INTO energyledger.certificate_issue (device, carrier, first_id, last_id, from_at, to_at, bundles, kind, device_id, rule_version, issued_at, issued_by)
VALUES ('m:mill', 'electricity', 1509, 1600, '2025-06-01 00:59', '2025-06-01 01:30', 1, 'production', 1, 1, now(), 'me');
UPDATE energyledger.certificate_bundle SET holder = 'm:carl';
DELETE FROM energyledger.certificate_bundle;
ROLLBACK;
\set ON_ERROR_ROLLBACK off
\set VERBOSITY default
-- nothing came of it
SELECT relation, kind, expected, found FROM energyledger.verify_certificates();
SELECT energyledger.rebuild_certificate_sums() > 0 AS rebuilt;
SELECT * FROM energyledger.certificate_balance WHERE holder LIKE 'm:%' ORDER BY 1, 2, 3;
SET client_min_messages = warning;
SELECT energyledger.seal() IS NOT NULL AS sealed, (SELECT count(*) FROM energyledger.verify()) AS findings;
DROP VIEW held CASCADE;
DROP FUNCTION ids;
DROP TABLE tried;
