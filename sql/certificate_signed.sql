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

-- To be filled: the locks of the devices' certificates, in one sequence.
CREATE FUNCTION energyledger.lock_transfers(devices text[])
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(d.device, 0)) FROM (SELECT DISTINCT u.device COLLATE "C" AS device FROM unnest(devices) u(device) ORDER BY 1) d;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.lock_transfers(text[]) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.lock_transfers(text[]) IS
'Takes the locks that a batch of signed transfers needs, in the one sequence in which all batches take them. For functions of the extension.';

-- To be filled: the operation itself. Until then nothing is known of any certificate, and all that was said stands in detail.
CREATE FUNCTION energyledger.take_signed_transfer(
    meter text, epoch bigint, seq bigint, operation text, devices text[], carriers text[], first_ids bigint[], last_ids bigint[],
    recipient text, energy_wh bigint, share_ppm integer, beneficiary text, purpose text, from_at timestamptz, until_at timestamptz)
RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO energyledger.certificate_refusal (meter, epoch, seq, operation, reason, detail, refused_at)
    VALUES (meter, epoch, seq, operation, 'not_known', jsonb_strip_nulls(jsonb_build_object('devices', devices, 'carriers', carriers,
        'first_ids', first_ids, 'last_ids', last_ids, 'recipient', recipient, 'energy_wh', energy_wh, 'share_ppm', share_ppm, 'beneficiary', beneficiary, 'purpose', purpose,
        'from_at', from_at, 'until_at', until_at))::text, clock_timestamp());
    RETURN 'not_known';
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.take_signed_transfer(text, bigint, bigint, text, text[], text[], bigint[], bigint[], text, bigint, integer, text, text, timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.take_signed_transfer(text, bigint, bigint, text, text[], text[], bigint[], bigint[], text, bigint, integer, text, text, timestamptz, timestamptz) IS
'Carries out what a signed message of type transfer says, or writes down why not. For ingest(): the message; operation; ranges of certificates as four arrays of one length; recipient party or meter; energy in Wh, share in millionths; beneficiary, purpose (of transfer_asset the plant) and period of a cancellation. Result: the reason of a refusal, or NULL.';
