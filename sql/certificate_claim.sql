/*
 * certificate_claim.sql: certificates against consumption, hour by hour.
 *
 * A claim has two sides: cancelled certificates, and a meter's consumption of the same hour
 * in the same zone of the grid.  Neither is used twice: certificates go from cancelled to
 * claimed, and all claims against an hour's consumption together are no more than it.
 * What is claimed with certificates that are withdrawn later is free again.
 */

CREATE TABLE energyledger.certificate_claim (
    meter     text COLLATE "C" NOT NULL,
    hour      timestamptz NOT NULL,
    device    text COLLATE "C" NOT NULL,
    carrier   text COLLATE "C" NOT NULL,
    first_id  bigint NOT NULL CHECK (first_id > 0),
    last_id   bigint NOT NULL CHECK (last_id >= first_id),
    event_id  bigint NOT NULL,
    CONSTRAINT certificate_claim_hour_check CHECK (date_trunc('hour', hour, 'UTC') = hour)
) USING ledger;
CREATE UNIQUE INDEX certificate_claim_key ON energyledger.certificate_claim (device, carrier, first_id);
CREATE INDEX certificate_claim_meter_idx ON energyledger.certificate_claim (meter, hour);
COMMENT ON TABLE energyledger.certificate_claim IS 'which certificates are claimed against which consumption. Written by claim_certificates() and ingest()';
COMMENT ON COLUMN energyledger.certificate_claim.meter IS 'meter that consumed';
COMMENT ON COLUMN energyledger.certificate_claim.hour IS 'in which hour of UTC: its beginning';
COMMENT ON COLUMN energyledger.certificate_claim.device IS 'whose certificates';
COMMENT ON COLUMN energyledger.certificate_claim.carrier IS 'of what';
COMMENT ON COLUMN energyledger.certificate_claim.first_id IS 'first number';
COMMENT ON COLUMN energyledger.certificate_claim.last_id IS 'last number, included: last_id - first_id + 1 Wh are claimed, less what is withdrawn since';
COMMENT ON COLUMN energyledger.certificate_claim.event_id IS 'ledger_id of the event: certificate_event of kind claim';
COMMENT ON COLUMN energyledger.certificate_claim.ledger_id IS 'assigned by the ledger: site, then a counter';
COMMENT ON INDEX energyledger.certificate_claim_key IS 'no certificate is claimed twice';
COMMENT ON INDEX energyledger.certificate_claim_meter_idx IS 'what is claimed against an hour''s consumption';
SELECT pg_catalog.pg_extension_config_dump('energyledger.certificate_claim', '');

CREATE VIEW energyledger.certificate_claimed AS
    SELECT c.meter, c.hour, h.device, h.carrier, h.from_at, h.to_at, h.first_id, h.last_id, h.quantity_wh, h.holder, c.event_id, c.ledger_id AS claim_id
      FROM energyledger.certificate_claim c
      JOIN energyledger.certificate_holding h ON h.device = c.device AND h.carrier = c.carrier AND h.first_id BETWEEN c.first_id AND c.last_id AND h.state = 'claimed';
COMMENT ON VIEW energyledger.certificate_claimed IS 'claims as they are now: without what was withdrawn';
COMMENT ON COLUMN energyledger.certificate_claimed.meter IS 'meter that consumed';
COMMENT ON COLUMN energyledger.certificate_claimed.hour IS 'in which hour of UTC: its beginning';
COMMENT ON COLUMN energyledger.certificate_claimed.device IS 'whose certificates';
COMMENT ON COLUMN energyledger.certificate_claimed.carrier IS 'of what';
COMMENT ON COLUMN energyledger.certificate_claimed.from_at IS 'start of the time in which it was made';
COMMENT ON COLUMN energyledger.certificate_claimed.to_at IS 'its end, not part of it';
COMMENT ON COLUMN energyledger.certificate_claimed.first_id IS 'first number';
COMMENT ON COLUMN energyledger.certificate_claimed.last_id IS 'last number, included';
COMMENT ON COLUMN energyledger.certificate_claimed.quantity_wh IS 'how many: 1 Wh each';
COMMENT ON COLUMN energyledger.certificate_claimed.holder IS 'party that holds them';
COMMENT ON COLUMN energyledger.certificate_claimed.event_id IS 'ledger_id of the event: certificate_event of kind claim';
COMMENT ON COLUMN energyledger.certificate_claimed.claim_id IS 'ledger_id of the row of certificate_claim';

CREATE FUNCTION energyledger.consumption_wh(meter text, hour timestamptz)
RETURNS bigint
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT e.energy_wh FROM energyledger.energy_between($1, ARRAY[$2, $2 + interval '1 hour'], estimates => false) e
     WHERE e.direction = 'import' AND e.quality IN ('measured', 'spread')
$$;
COMMENT ON FUNCTION energyledger.consumption_wh(text, timestamptz) IS
'What a meter consumed in an hour, in Wh, by its readings alone: nothing that was estimated. meter; hour: its beginning. NULL where it is not known. Errors: as energy_between().';

CREATE FUNCTION energyledger.stored_wh(meter text, hour timestamptz)
RETURNS bigint
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT coalesce(sum(s.last_id - s.first_id + 1), 0) FROM energyledger.storage_charge s
             WHERE s.device = meter AND s.to_at > hour AND s.to_at <= hour + interval '1 hour');
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.stored_wh(text, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.stored_wh(text, timestamptz) IS
'What a storage took in of certificates in an hour, in Wh: no consumption to claim anything against. For functions of the extension: meter; hour: its beginning.';

CREATE FUNCTION energyledger.take_claim(
    certificates energyledger.certificate_range[], actor text, consumer text, meter text, epoch bigint, seq bigint,
    OUT event_id bigint, OUT quantity_wh bigint, OUT reason text, OUT detail text)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    zone text;
    p record;
BEGIN
    PERFORM energyledger.certificates_lock(certificates || ROW(consumer, '', 1, 1)::energyledger.certificate_range);
    SELECT m.grid_zone, m.party INTO p FROM energyledger.meter m WHERE m.meter = consumer ORDER BY m.registered_at DESC, m.ledger_id DESC LIMIT 1;
    IF NOT FOUND THEN
        reason := 'unknown_meter';
        detail := format('There is no meter "%s".', consumer);
        RETURN;
    END IF;
    zone := p.grid_zone;
    -- where each was made, and in which hour
    SELECT a.device, a.carrier, h.from_at, h.to_at, m.grid_zone INTO p
      FROM unnest(certificates) a
      JOIN energyledger.certificate_holding h ON h.device = a.device AND h.carrier = a.carrier AND h.last_id >= a.first_id AND h.first_id <= a.last_id
      JOIN energyledger.certificate_issue i ON i.ledger_id = h.issue_id
      LEFT JOIN energyledger.meter m ON m.meter = h.device AND m.ledger_id = i.meter_id
     WHERE h.carrier <> 'electricity' OR zone IS NULL OR m.grid_zone IS DISTINCT FROM zone OR date_trunc('hour', h.from_at, 'UTC') + interval '1 hour' < h.to_at
     LIMIT 1;
    IF FOUND THEN
        reason := CASE WHEN p.carrier <> 'electricity' THEN 'wrong_carrier' WHEN zone IS NOT NULL AND p.grid_zone = zone THEN 'wrong_hour' ELSE 'wrong_zone' END;
        detail := CASE reason WHEN 'wrong_carrier' THEN format('Certificates of device "%s" are of %s.', p.device, p.carrier)
                              WHEN 'wrong_hour' THEN format('Certificates of device "%s" of %s to %s are not of one hour.', p.device, p.from_at, p.to_at)
                              ELSE format('Device "%s" was in zone "%s", meter "%s" is in zone "%s".', p.device, p.grid_zone, consumer, zone) END;
        RETURN;
    END IF;
    -- what a storage took in is used up by it
    SELECT s.device, s.source_device, s.first_id, s.last_id INTO p
      FROM unnest(certificates) a
      JOIN energyledger.storage_charge s ON energyledger.identifier_range(s.source_device || '/' || s.carrier, s.source_device || '/' || s.carrier, '[]')
                                             && energyledger.identifier_range(a.device || '/' || a.carrier, a.device || '/' || a.carrier, '[]')
       AND int8range(s.first_id, s.last_id, '[]') && int8range(a.first_id, greatest(a.last_id, a.first_id), '[]')
     LIMIT 1;
    IF FOUND THEN
        reason := 'in_storage';
        detail := format('Certificates %s to %s of device "%s" are charged into storage "%s".', p.first_id, p.last_id, p.source_device, p.device);
        RETURN;
    END IF;
    SELECT x.hour, x.asked_wh, energyledger.consumption_wh(consumer, x.hour) AS consumed_wh,
           coalesce((SELECT sum(c.quantity_wh) FROM energyledger.certificate_claimed c WHERE c.meter = consumer AND c.hour = x.hour), 0) AS claimed_wh,
           energyledger.stored_wh(consumer, x.hour) AS stored_wh INTO p
      FROM (SELECT date_trunc('hour', h.from_at, 'UTC') AS hour, sum(least(h.last_id, a.last_id) - greatest(h.first_id, a.first_id) + 1) AS asked_wh
              FROM unnest(certificates) a
              JOIN energyledger.certificate_holding h ON h.device = a.device AND h.carrier = a.carrier AND h.last_id >= a.first_id AND h.first_id <= a.last_id
             GROUP BY 1) x
     WHERE coalesce(energyledger.consumption_wh(consumer, x.hour), 0)
           < x.asked_wh + coalesce((SELECT sum(c.quantity_wh) FROM energyledger.certificate_claimed c WHERE c.meter = consumer AND c.hour = x.hour), 0) + energyledger.stored_wh(consumer, x.hour)
     LIMIT 1;
    IF FOUND THEN
        reason := 'no_consumption';
        detail := format('Meter "%s" consumed %s Wh in the hour from %s, of which %s Wh are claimed%s; %s Wh are to be claimed.', consumer, coalesce(p.consumed_wh::text, 'an unknown number of'), p.hour, p.claimed_wh,
                         CASE WHEN p.stored_wh > 0 THEN format(' and %s Wh stored', p.stored_wh) ELSE '' END, p.asked_wh);
        RETURN;
    END IF;
    SELECT * INTO event_id, quantity_wh, reason, detail
      FROM energyledger.move_certificates('claim', certificates, actor, consumer, NULL, NULL, NULL, NULL, NULL, NULL, NULL, meter, epoch, seq);
    IF reason IS NULL THEN
        INSERT INTO energyledger.certificate_claim (meter, hour, device, carrier, first_id, last_id, event_id)
        SELECT consumer, date_trunc('hour', b.from_at, 'UTC'), b.device, b.carrier, b.first_id, b.last_id, b.event_id
          FROM unnest(certificates) a
          JOIN energyledger.certificate_bundle b ON b.device = a.device AND b.carrier = a.carrier AND b.first_id BETWEEN a.first_id AND a.last_id
         WHERE b.event_id = take_claim.event_id AND b.state = 'claimed';
    END IF;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.take_claim(energyledger.certificate_range[], text, text, text, bigint, bigint) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.take_claim(energyledger.certificate_range[], text, text, text, bigint, bigint) IS
'Claims certificates, or says why not: reason is a code of doc/certificates.md. For functions of the extension: certificates; actor: party whose they must be, NULL: the registry; consumer: a meter; meter, epoch, seq: the signed message, NULL: none.';

CREATE FUNCTION energyledger.claim_certificates(certificates energyledger.certificate_range[], meter text, holder text DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    claimed record;
BEGIN
    IF num_nulls(certificates, meter) > 0 THEN
        RAISE EXCEPTION 'certificates and meter must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    SELECT * INTO claimed FROM energyledger.take_claim(certificates, holder, meter, NULL, NULL, NULL);
    PERFORM energyledger.refuse_certificates('claim', claimed.reason, claimed.detail);
    RETURN claimed.event_id;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.claim_certificates(energyledger.certificate_range[], text, text) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.claim_certificates(energyledger.certificate_range[], text, text) IS
'Claims cancelled certificates against what a meter consumed in the same hour, in the same zone: all claims of an hour together are no more than that. One call is done as a whole or not at all. '
'certificates: ranges of numbers, as for transfer_certificates; meter: that consumed, with readings of that hour; holder: party whose they must be, NULL: whoever has them. Result: the event''s ledger_id. '
'Errors: 22004 for NULL, 22023 bad_range; P0002 unknown_certificates, unknown_meter; 42501 not_holder; 55000 wrong_state, wrong_zone, wrong_hour, wrong_carrier, no_consumption, in_storage. Rule: EnergyTag, doc/certificates.md.';

CREATE FUNCTION energyledger.match_certificates(party text, since timestamptz, until timestamptz, OUT hours bigint, OUT claimed_wh numeric, OUT consumed_wh numeric)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    c record;
    h record;
    due bigint;
    part energyledger.certificate_range;
BEGIN
    IF num_nulls(party, since, until) > 0 THEN
        RAISE EXCEPTION 'arguments of match_certificates must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF NOT isfinite(since) OR NOT isfinite(until) OR since >= until OR until - since > interval '400 days'
       OR date_trunc('hour', since, 'UTC') <> since OR date_trunc('hour', until, 'UTC') <> until THEN
        RAISE EXCEPTION 'certificates are matched from one hour to another, at most 400 days later' USING ERRCODE = 'invalid_parameter_value', DETAIL = format('It is %s to %s.', since, until);
    END IF;
    hours := 0;
    claimed_wh := 0;
    consumed_wh := 0;
    FOR c IN
        SELECT m.meter, m.grid_zone, e.from_at AS hour, e.energy_wh,
               e.energy_wh - coalesce((SELECT sum(x.quantity_wh) FROM energyledger.certificate_claimed x WHERE x.meter = m.meter AND x.hour = e.from_at), 0) - energyledger.stored_wh(m.meter, e.from_at) AS open_wh
          FROM energyledger.meter_current m
         CROSS JOIN LATERAL energyledger.energy_between(m.meter, ARRAY(SELECT generate_series(match_certificates.since, match_certificates.until, interval '1 hour')), estimates => false) e
         WHERE m.party = match_certificates.party AND e.direction = 'import' AND e.quality IN ('measured', 'spread')
         ORDER BY e.from_at, m.meter
    LOOP
        hours := hours + 1;
        consumed_wh := consumed_wh + c.energy_wh;
        due := c.open_wh;
        CONTINUE WHEN due <= 0 OR c.grid_zone IS NULL;
        -- what was cancelled already goes first
        FOR h IN
            SELECT b.* FROM energyledger.certificate_holding b
              JOIN energyledger.certificate_issue i ON i.ledger_id = b.issue_id
              JOIN energyledger.meter d ON d.meter = b.device AND d.ledger_id = i.meter_id
             WHERE b.holder = match_certificates.party AND b.from_at >= c.hour AND b.from_at < c.hour + interval '1 hour' AND b.to_at <= c.hour + interval '1 hour'
               AND b.carrier = 'electricity' AND b.state IN ('cancelled', 'reserved', 'active') AND d.grid_zone = c.grid_zone
               AND NOT (b.state = 'cancelled' AND EXISTS (SELECT FROM energyledger.storage_charge s
                                                           WHERE energyledger.identifier_range(s.source_device || '/' || s.carrier, s.source_device || '/' || s.carrier, '[]')
                                                                 && energyledger.identifier_range(b.device || '/' || b.carrier, b.device || '/' || b.carrier, '[]')
                                                             AND int8range(s.first_id, s.last_id, '[]') && int8range(b.first_id, b.last_id, '[]')))
             ORDER BY array_position('{cancelled,reserved,active}', b.state), b.from_at, b.device, b.first_id
        LOOP
            EXIT WHEN due = 0;
            part := ROW(h.device, h.carrier, h.first_id, least(h.last_id, h.first_id + due - 1));
            IF h.state <> 'cancelled' THEN
                PERFORM energyledger.cancel_certificates(ARRAY[part], purpose => 'matched to consumption', from_at => c.hour, until_at => c.hour + interval '1 hour', holder => match_certificates.party);
            END IF;
            PERFORM energyledger.claim_certificates(ARRAY[part], c.meter, match_certificates.party);
            due := due - (part.last_id - part.first_id + 1);
        END LOOP;
        claimed_wh := claimed_wh + c.open_wh - due;
    END LOOP;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.match_certificates(text, timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.match_certificates(text, timestamptz, timestamptz) IS
'Matches what a party''s meters consumed, hour by hour, with the certificates of the same hour and zone that it holds: cancels and claims as many as there are, cancelled ones first, then by time, device and number. '
'party; since, until: full hours in UTC, at most 400 days apart. Result: hours with known consumption (of each meter), claimed_wh: claimed by this call, consumed_wh: all that was consumed in them. Doing it again claims what came since. '
'Errors: 22004 for NULL, 22023 for a bad time, 25000 in another isolation level than READ COMMITTED. Rule: EnergyTag, doc/certificates.md.';
