/*
 * certificate_signed.sql: what signed messages of type transfer ask for, and why it was not
 * done.
 *
 * ingest() calls lock_transfers() once for a batch, then take_signed_transfer() for each of its
 * transfers in the sequence of arrival.
 */

CREATE TABLE energyledger.certificate_refusal (
    meter      text COLLATE "C" NOT NULL,
    epoch      bigint NOT NULL,
    seq        bigint NOT NULL,
    operation  text COLLATE "C" NOT NULL
               CHECK (operation IN ('transfer', 'cancel', 'claim', 'reserve', 'release', 'accept', 'refuse', 'transfer_asset')),
    reason     text COLLATE "C" NOT NULL,
    detail     text,
    refused_at timestamptz NOT NULL
) USING ledger;
CREATE UNIQUE INDEX certificate_refusal_key ON energyledger.certificate_refusal (meter, epoch, seq);
COMMENT ON TABLE energyledger.certificate_refusal IS
'signed transfers that are in the ledger as messages and were not carried out, with the reason. Written by ingest()';
COMMENT ON COLUMN energyledger.certificate_refusal.meter IS 'device that signed it';
COMMENT ON COLUMN energyledger.certificate_refusal.epoch IS 'the message''s epoch';
COMMENT ON COLUMN energyledger.certificate_refusal.seq IS 'the message''s sequence number';
COMMENT ON COLUMN energyledger.certificate_refusal.operation IS 'what it asked for: transfer, cancel, claim, reserve, release, accept, refuse or transfer_asset';
COMMENT ON COLUMN energyledger.certificate_refusal.reason IS 'code of why not';
COMMENT ON COLUMN energyledger.certificate_refusal.detail IS 'more about it';
COMMENT ON COLUMN energyledger.certificate_refusal.refused_at IS 'when';
COMMENT ON COLUMN energyledger.certificate_refusal.ledger_id IS 'assigned by the ledger: site, then a counter';
COMMENT ON INDEX energyledger.certificate_refusal_key IS 'each message once';
SELECT pg_catalog.pg_extension_config_dump('energyledger.certificate_refusal', '');

CREATE FUNCTION energyledger.lock_transfers(devices text[])
RETURNS void
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT energyledger.assets_lock(devices)
$$;
REVOKE EXECUTE ON FUNCTION energyledger.lock_transfers(text[]) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.lock_transfers(text[]) IS
'Takes the locks that a batch of signed transfers needs, in the one sequence in which all batches take them: of devices, and of assets by name. For functions of the extension.';

CREATE FUNCTION energyledger.take_signed_transfer(
    meter text, epoch bigint, seq bigint, operation text, devices text[], carriers text[], first_ids bigint[], last_ids bigint[],
    recipient text, energy_wh bigint, share_ppm integer, beneficiary text, purpose text, from_at timestamptz, until_at timestamptz)
RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    actor text;
    certificates energyledger.certificate_range[];
    done record;
BEGIN
    SELECT m.party INTO actor FROM energyledger.meter m WHERE m.meter = take_signed_transfer.meter ORDER BY m.registered_at DESC, m.ledger_id DESC LIMIT 1;
    IF actor IS NULL OR NOT EXISTS (SELECT FROM energyledger.party p WHERE p.party = actor) THEN
        SELECT 'unknown_party' AS reason, CASE WHEN actor IS NULL THEN format('Device "%s" is of no party.', meter)
                                               ELSE format('Party "%s" of device "%s" is not registered.', actor, meter) END AS detail INTO done;
    ELSIF operation IN ('accept', 'refuse') THEN
        done := energyledger.take_acceptance(actor, recipient, operation = 'accept', meter, epoch, seq);
    ELSIF operation = 'transfer_asset' THEN
        SELECT t.reason, t.detail INTO done FROM energyledger.take_asset_transfer(purpose, actor, recipient, share_ppm, NULL, meter, epoch, seq) t;
    ELSE
        certificates := ARRAY(SELECT ROW(u.device, u.carrier, u.first_id, u.last_id)::energyledger.certificate_range
                                FROM unnest(devices, carriers, first_ids, last_ids) WITH ORDINALITY u(device, carrier, first_id, last_id, n) ORDER BY u.n);
        IF operation = 'claim' THEN
            SELECT c.reason, c.detail INTO done FROM energyledger.take_claim(certificates, actor, recipient, meter, epoch, seq) c;
        ELSE
            SELECT c.reason, c.detail INTO done
              FROM energyledger.move_certificates(operation, certificates, actor, recipient, energy_wh, share_ppm, beneficiary, purpose, take_signed_transfer.from_at, take_signed_transfer.until_at,
                                                  NULL, meter, epoch, seq) c;
        END IF;
    END IF;
    IF done.reason IS NOT NULL THEN
        INSERT INTO energyledger.certificate_refusal (meter, epoch, seq, operation, reason, detail, refused_at)
        VALUES (meter, epoch, seq, operation, done.reason, done.detail, clock_timestamp());
    END IF;
    RETURN done.reason;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.take_signed_transfer(text, bigint, bigint, text, text[], text[], bigint[], bigint[], text, bigint, integer, text, text, timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.take_signed_transfer(text, bigint, bigint, text, text[], text[], bigint[], bigint[], text, bigint, integer, text, text, timestamptz, timestamptz) IS
'Carries out what a signed message of type transfer says, or writes down why not. For ingest(): the message; operation; ranges of certificates as four arrays of one length; recipient party or meter; energy in Wh, share in millionths; beneficiary, purpose (of transfer_asset the plant) and period of a cancellation. Result: the reason of a refusal, or NULL.';
