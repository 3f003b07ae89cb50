/*
 * certificate_claims.sql: certificates against consumption: the same hour, the same zone, no more
 * than was consumed, each certificate and each Wh once; what is withdrawn is free again.
 */
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never
\pset null '(null)'

INSERT INTO energyledger.party (party) VALUES ('q:anna'), ('q:bert');
SELECT energyledger.register_meter('q:roof', party => 'q:anna', technology => 'hydro', capacity_w => 4000, grid_zone => 'q:north') > 0 AS roof,
       energyledger.register_meter('q:far', party => 'q:anna', technology => 'hydro', capacity_w => 4000, grid_zone => 'q:south') > 0 AS far,
       energyledger.register_meter('q:house', party => 'q:bert', grid_zone => 'q:north') > 0 AS house,
       energyledger.register_meter('q:barn', party => 'q:bert', grid_zone => 'q:north') > 0 AS barn,
       energyledger.register_meter('q:lost', party => 'q:bert') > 0 AS lost;
SELECT energyledger.register_device('q:roof', 'hydro') > 0 AS roof, energyledger.register_device('q:far', 'hydro') > 0 AS far;
INSERT INTO energyledger.message (meter, epoch, seq, type, envelope, digest, sent_at, clock_status, received_at, chained, raw)
SELECT 'q:' || m, 1, 1, 'reading', 'cose', sha256(m::bytea), '2025-06-02', 'S', '2025-06-02', true, '\x01' FROM unnest(ARRAY['roof', 'far', 'house', 'barn', 'lost']) m;
INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
SELECT 'q:' || m, 1, 1, k, obis, timestamptz '2025-06-01 10:00Z' + (k - 1) * interval '15 minutes', timestamptz '2025-06-01 10:00Z' + k * interval '15 minutes', v, 0, 'Wh', 'G'
  FROM (VALUES ('roof', '1-0:2.8.0', 500), ('far', '1-0:2.8.0', 500), ('house', '1-0:1.8.0', 100), ('barn', '1-0:1.8.0', 250), ('lost', '1-0:1.8.0', 100)) r(m, obis, v), generate_series(1, 8) k
 WHERE NOT (m = 'barn' AND k = 6);
-- half an hour over the end of an hour
INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
VALUES ('q:roof', 1, 1, 20, '1-0:2.8.0', '2025-06-01 12:45Z', '2025-06-01 13:15Z', 100, 0, 'Wh', 'G');
SELECT * FROM energyledger.issue_certificates('{q:roof,q:far}'::text[], '2025-06-01', '2025-06-02');
SELECT energyledger.accept_certificates('q:bert', 'q:anna');
SELECT energyledger.transfer_certificates('{"(q:roof,electricity,1,3000)", "(q:far,electricity,1,500)"}', 'q:bert') > 0 AS moved;
CREATE FUNCTION q(first bigint, last bigint, device text DEFAULT 'q:roof') RETURNS energyledger.certificate_range[] LANGUAGE sql AS $$ SELECT ARRAY[(device, 'electricity', first, last)::energyledger.certificate_range] $$;

-- the house took 400 Wh from 10 to 11, and 400 from 11 to 12; the barn 1000, and nobody knows
SELECT energyledger.consumption_wh('q:house', '2025-06-01 10:00Z') AS house, energyledger.consumption_wh('q:barn', '2025-06-01 10:00Z') AS barn, energyledger.consumption_wh('q:barn', '2025-06-01 11:00Z') AS barn_later;
SELECT energyledger.claim_certificates(q(1, 10), 'q:house');
SELECT energyledger.cancel_certificates(q(1, 700) || q(2001, 2500) || q(1, 500, 'q:far'), purpose => 'consumption') > 0 AS cancelled;
SELECT energyledger.claim_certificates(q(1, 300), 'q:house') > 0 AS claimed;
SELECT energyledger.claim_certificates(q(301, 401), 'q:house');
SELECT energyledger.claim_certificates(q(301, 400), 'q:house', 'q:anna');
SELECT energyledger.claim_certificates(q(301, 400), 'q:house', 'q:bert') > 0 AS claimed;
SELECT energyledger.claim_certificates(q(300, 300), 'q:barn');
SELECT energyledger.claim_certificates(q(401, 700) || q(2001, 2100), 'q:barn');
SELECT energyledger.claim_certificates(q(1, 100, 'q:far'), 'q:barn');
SELECT energyledger.claim_certificates(q(401, 410), 'q:lost');
SELECT energyledger.claim_certificates(q(401, 410), 'q:none');
SELECT energyledger.claim_certificates(q(401, 410), NULL);
SELECT energyledger.claim_certificates(q(401, 5000), 'q:barn');
SELECT energyledger.cancel_certificates(q(4001, 4100)) > 0 AS cancelled;
SELECT energyledger.claim_certificates(q(4001, 4100), 'q:house');
-- an hour each of two
SELECT energyledger.claim_certificates(q(401, 700), 'q:barn') > 0 AS claimed, energyledger.claim_certificates(q(2001, 2400), 'q:house') > 0 AS claimed_too;
SELECT meter, hour::time, device, first_id, last_id, quantity_wh FROM energyledger.certificate_claimed WHERE meter LIKE 'q:%' ORDER BY 1, 2, 4;
SELECT state, sum(quantity_wh) FROM energyledger.certificate_holding WHERE device = 'q:roof' GROUP BY 1 ORDER BY 1;
-- withdrawn: the consumption is free again, not the certificates
SELECT energyledger.withdraw_certificates(q(101, 150), 'metered wrong') > 0 AS withdrawn;
SELECT energyledger.claim_certificates(q(101, 150), 'q:house');
SELECT first_id, last_id, quantity_wh FROM energyledger.certificate_claimed WHERE meter = 'q:house' AND hour = '2025-06-01 10:00Z' ORDER BY 1;
-- all the rest by itself: 50 of the house's first hour, 700 of the barn's; the last are cancelled first
SELECT * FROM energyledger.match_certificates('q:bert', '2025-06-01 10:00Z', '2025-06-01 12:00Z');
SELECT * FROM energyledger.match_certificates('q:bert', '2025-06-01 10:00Z', '2025-06-01 12:00Z');
SELECT meter, hour::time, sum(quantity_wh) FROM energyledger.certificate_claimed WHERE meter LIKE 'q:%' GROUP BY 1, 2 ORDER BY 1, 2;
SELECT kind, purpose, from_at::time, until_at::time, sum(quantity_wh), sum(bundles) FROM energyledger.certificate_event WHERE purpose ~ 'consum' GROUP BY 1, 2, 3, 4 ORDER BY 2, 3;
SELECT state, sum(quantity_wh) FROM energyledger.certificate_holding WHERE device = 'q:roof' GROUP BY 1 ORDER BY 1;
SELECT energyledger.match_certificates('q:bert', '2025-06-01 10:30Z', '2025-06-01 12:00Z');
SELECT energyledger.match_certificates('q:bert', NULL, '2025-06-01 12:00Z');
SELECT * FROM energyledger.match_certificates('q:nobody', '2025-06-01 10:00Z', '2025-06-01 12:00Z');
SELECT relation, kind, expected, found FROM energyledger.verify_certificates();
-- a meter that says less afterwards: found
BEGIN;
INSERT INTO energyledger.message (meter, epoch, seq, type, envelope, digest, sent_at, clock_status, received_at, chained, raw) VALUES ('q:house', 1, 2, 'reading', 'cose', '\x02', '2025-06-03', 'S', '2025-06-03', true, '\x01');
INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status) VALUES ('q:house', 1, 2, 1, '1-0:1.8.0', '2025-06-01 10:00Z', '2025-06-01 10:15Z', 99, 0, 'Wh', 'G');
SELECT relation, kind, expected, found FROM energyledger.verify_certificates();
ROLLBACK;
-- a claim over the border, and one of another hour, written by hand: found
BEGIN;
WITH e AS (
    INSERT INTO energyledger.certificate_event (kind, quantity_wh, bundles, recipient, recorded_at, recorded_by) VALUES ('claim', 500, 1, 'q:barn', clock_timestamp(), 'me') RETURNING ledger_id)
INSERT INTO energyledger.certificate_bundle (device, carrier, from_at, to_at, first_id, last_id, holder, state, issue_id, parent_id, event_id)
SELECT h.device, h.carrier, h.from_at, h.to_at, h.first_id, h.last_id, h.holder, 'claimed', h.issue_id, h.bundle_id, e.ledger_id
  FROM energyledger.certificate_holding h, e WHERE h.device = 'q:far' AND h.first_id = 1;
INSERT INTO energyledger.certificate_claim (meter, hour, device, carrier, first_id, last_id, event_id)
SELECT 'q:barn', '2025-06-01 11:00Z', device, carrier, first_id, last_id, event_id FROM energyledger.certificate_holding WHERE device = 'q:far' AND state = 'claimed';
SELECT relation, kind, expected, found FROM energyledger.verify_certificates() ORDER BY 2, 3;
ROLLBACK;
DROP FUNCTION q;
