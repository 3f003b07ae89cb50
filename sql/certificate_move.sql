/*
 * certificate_move.sql: what is done with certificates: transfer, reserve, release, lock,
 * cancel, withdraw, expire.
 *
 * There is one way for all of them, for one certificate or a hundred thousand: the devices
 * are locked, and move_certificates() (src/certificate/move.c) finds the bundles that have
 * the numbers now, sees whether state, holder and recipient allow it, and writes the event
 * and the bundles that come of it.  It says why not instead of raising an error, for a
 * signed message that is refused is written down and is no error.
 */

CREATE FUNCTION energyledger.move_certificates(
    kind text, certificates energyledger.certificate_range[], actor text, recipient text, energy_wh bigint, share_ppm integer,
    beneficiary text, purpose text, from_at timestamptz, until_at timestamptz, why text, meter text, epoch bigint, seq bigint,
    OUT event_id bigint, OUT quantity_wh bigint, OUT reason text, OUT detail text)
LANGUAGE C VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan SET jit = off
AS 'MODULE_PATHNAME', 'energyledger_move_certificates';
REVOKE EXECUTE ON FUNCTION energyledger.move_certificates(text, energyledger.certificate_range[], text, text, bigint, integer, text, text, timestamptz, timestamptz, text, text, bigint, bigint) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.move_certificates(text, energyledger.certificate_range[], text, text, bigint, integer, text, text, timestamptz, timestamptz, text, text, bigint, bigint) IS
'Does something with certificates, or says why not: reason is a code of doc/certificates.md. For functions of the extension, which have locked them. kind: of certificate_event; certificates; actor: party whose they must be, NULL: the registry; '
'recipient; energy_wh, share_ppm: as transfer_certificates; beneficiary, purpose, from_at, until_at: of a cancellation; why: its reason; meter, epoch, seq: the signed message, NULL: none.';

CREATE FUNCTION energyledger.refuse_certificates(kind text, reason text, detail text)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF reason IS NULL THEN
        RETURN;
    END IF;
    RAISE EXCEPTION '% of certificates is refused: %', kind, reason
        USING DETAIL = detail,
              ERRCODE = CASE WHEN reason IN ('unknown_certificates', 'unknown_party', 'unknown_meter', 'unknown_device') THEN 'no_data_found'
                             WHEN reason = 'not_holder' THEN 'insufficient_privilege'
                             WHEN reason IN ('bad_range', 'bad_amount', 'bad_text', 'bad_period', 'own_certificates') THEN 'invalid_parameter_value'
                             ELSE 'object_not_in_prerequisite_state' END;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.refuse_certificates(text, text, text) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.refuse_certificates(text, text, text) IS
'Raises the error of a refusal; nothing where reason is NULL. For functions of the extension.';

CREATE FUNCTION energyledger.transfer_certificates(
    certificates energyledger.certificate_range[],
    recipient text,
    energy_wh bigint DEFAULT NULL,
    share_ppm integer DEFAULT NULL,
    holder text DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    moved record;
BEGIN
    IF num_nulls(certificates, recipient) > 0 THEN
        RAISE EXCEPTION 'certificates and recipient must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    PERFORM energyledger.certificates_lock(certificates);
    SELECT * INTO moved FROM energyledger.move_certificates('transfer', certificates, holder, recipient, energy_wh, share_ppm, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
    PERFORM energyledger.refuse_certificates('transfer', moved.reason, moved.detail);
    RETURN moved.event_id;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.transfer_certificates(energyledger.certificate_range[], text, bigint, integer, text) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.transfer_certificates(energyledger.certificate_range[], text, bigint, integer, text) IS
'Gives certificates to another party, which must accept them from their holder (accept_certificates). certificates: ranges of numbers, each {device, carrier, first_id, last_id} with last_id included, as certificate_holding.numbers has them; energy_wh: so many of them, from the first range''s first number on; share_ppm: that share of each bundle, in millionths, from its first number on, rounded down to whole Wh; NULL: all; recipient: party; holder: party whose they must be, NULL: whoever has them. One call is done as a whole or not at all. Result: the event''s ledger_id. Errors: 22004 for NULL, 22023 bad_range, bad_amount; P0002 unknown_certificates, unknown_party; 55000 wrong_state, not_accepted; 42501 not_holder; 22023 own_certificates; 25000 in another isolation level than READ COMMITTED. The message ends with the code, the detail says which. Rule: EnergyTag, doc/certificates.md.';

CREATE FUNCTION energyledger.reserve_certificates(
    certificates energyledger.certificate_range[],
    energy_wh bigint DEFAULT NULL,
    share_ppm integer DEFAULT NULL,
    holder text DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    moved record;
BEGIN
    IF certificates IS NULL THEN
        RAISE EXCEPTION 'argument "certificates" must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    PERFORM energyledger.certificates_lock(certificates);
    SELECT * INTO moved FROM energyledger.move_certificates('reserve', certificates, holder, NULL, energy_wh, share_ppm, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
    PERFORM energyledger.refuse_certificates('reserve', moved.reason, moved.detail);
    RETURN moved.event_id;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.reserve_certificates(energyledger.certificate_range[], bigint, integer, text) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.reserve_certificates(energyledger.certificate_range[], bigint, integer, text) IS
'Reserves certificates for their holder: they can be cancelled or released, and not be transferred. From state active. certificates: ranges of numbers, each {device, carrier, first_id, last_id} with last_id included, as certificate_holding.numbers has them; energy_wh: so many of them, from the first range''s first number on; share_ppm: that share of each bundle, in millionths, from its first number on, rounded down to whole Wh; NULL: all; holder: party whose they must be, NULL: whoever has them. One call is done as a whole or not at all. Result: the event''s ledger_id. Errors: 22004 for NULL, 22023 bad_range, bad_amount; P0002 unknown_certificates; 55000 wrong_state; 42501 not_holder; 25000 in another isolation level than READ COMMITTED. The message ends with the code, the detail says which.';

CREATE FUNCTION energyledger.cancel_certificates(
    certificates energyledger.certificate_range[],
    beneficiary text DEFAULT NULL,
    purpose text DEFAULT NULL,
    from_at timestamptz DEFAULT NULL,
    until_at timestamptz DEFAULT NULL,
    energy_wh bigint DEFAULT NULL,
    share_ppm integer DEFAULT NULL,
    holder text DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    moved record;
BEGIN
    IF certificates IS NULL THEN
        RAISE EXCEPTION 'argument "certificates" must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    PERFORM energyledger.certificates_lock(certificates);
    SELECT * INTO moved FROM energyledger.move_certificates('cancel', certificates, holder, NULL, energy_wh, share_ppm, beneficiary, purpose, from_at, until_at, NULL, NULL, NULL, NULL);
    PERFORM energyledger.refuse_certificates('cancel', moved.reason, moved.detail);
    RETURN moved.event_id;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.cancel_certificates(energyledger.certificate_range[], text, text, timestamptz, timestamptz, bigint, integer, text) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.cancel_certificates(energyledger.certificate_range[], text, text, timestamptz, timestamptz, bigint, integer, text) IS
'Cancels certificates: the energy is used, and nobody can have them any more; claim_certificates() may say by which meter. From state active or reserved. beneficiary: on whose behalf, NULL: the holder; purpose: what for; each 1 to 200 bytes; from_at, until_at: time of the consumption, both or none. certificates: ranges of numbers, each {device, carrier, first_id, last_id} with last_id included, as certificate_holding.numbers has them; energy_wh: so many of them, from the first range''s first number on; share_ppm: that share of each bundle, in millionths, from its first number on, rounded down to whole Wh; NULL: all; holder: party whose they must be, NULL: whoever has them. One call is done as a whole or not at all. Result: the event''s ledger_id. Errors: 22004 for NULL, 22023 bad_range, bad_amount; P0002 unknown_certificates; 55000 wrong_state; 42501 not_holder; 22023 bad_text, bad_period; 25000 in another isolation level than READ COMMITTED. The message ends with the code, the detail says which. Rule: EnergyTag, EECS.';

CREATE FUNCTION energyledger.move_for_reason(kind text, certificates energyledger.certificate_range[], reason text, energy_wh bigint, share_ppm integer)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    moved record;
BEGIN
    IF num_nulls(certificates, reason) > 0 THEN
        RAISE EXCEPTION 'certificates and reason must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF octet_length(reason) NOT BETWEEN 1 AND 1000 THEN
        RAISE EXCEPTION 'a reason must have 1 to 1000 bytes' USING ERRCODE = CASE WHEN reason = '' THEN 'invalid_parameter_value' ELSE 'string_data_right_truncation' END;
    END IF;
    PERFORM energyledger.certificates_lock(certificates);
    SELECT * INTO moved FROM energyledger.move_certificates(kind, certificates, NULL, NULL, energy_wh, share_ppm, NULL, NULL, NULL, NULL, reason, NULL, NULL, NULL);
    PERFORM energyledger.refuse_certificates(kind, moved.reason, moved.detail);
    RETURN moved.event_id;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.move_for_reason(text, energyledger.certificate_range[], text, bigint, integer) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.move_for_reason(text, energyledger.certificate_range[], text, bigint, integer) IS
'What the registry does with certificates for a reason: release, lock, withdraw. For functions of the extension: kind of event; the rest as withdraw_certificates(), and its errors.';

CREATE FUNCTION energyledger.release_certificates(
    certificates energyledger.certificate_range[],
    reason text,
    energy_wh bigint DEFAULT NULL,
    share_ppm integer DEFAULT NULL)
RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$ SELECT energyledger.move_for_reason('release', certificates, reason, energy_wh, share_ppm) $$;
REVOKE EXECUTE ON FUNCTION energyledger.release_certificates(energyledger.certificate_range[], text, bigint, integer) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.release_certificates(energyledger.certificate_range[], text, bigint, integer) IS
'Makes certificates active again, from state reserved or locked. reason: 1 to 1000 bytes. certificates: ranges of numbers, each {device, carrier, first_id, last_id} with last_id included, as certificate_holding.numbers has them; energy_wh: so many of them, from the first range''s first number on; share_ppm: that share of each bundle, in millionths, from its first number on, rounded down to whole Wh; NULL: all. One call is done as a whole or not at all. Result: the event''s ledger_id. Errors: 22004 for NULL, 22023 bad_range, bad_amount; P0002 unknown_certificates; 55000 wrong_state; 25000 in another isolation level than READ COMMITTED; 22023 for an empty reason, 22001 for one too long. The message ends with the code, where there is one, the detail says which.';

CREATE FUNCTION energyledger.lock_certificates(
    certificates energyledger.certificate_range[],
    reason text,
    energy_wh bigint DEFAULT NULL,
    share_ppm integer DEFAULT NULL)
RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$ SELECT energyledger.move_for_reason('lock', certificates, reason, energy_wh, share_ppm) $$;
REVOKE EXECUTE ON FUNCTION energyledger.lock_certificates(energyledger.certificate_range[], text, bigint, integer) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.lock_certificates(energyledger.certificate_range[], text, bigint, integer) IS
'Locks certificates, as during a dispute: nothing can be done with them before release_certificates(). From state active or reserved. reason: 1 to 1000 bytes. certificates: ranges of numbers, each {device, carrier, first_id, last_id} with last_id included, as certificate_holding.numbers has them; energy_wh: so many of them, from the first range''s first number on; share_ppm: that share of each bundle, in millionths, from its first number on, rounded down to whole Wh; NULL: all. One call is done as a whole or not at all. Result: the event''s ledger_id. Errors: 22004 for NULL, 22023 bad_range, bad_amount; P0002 unknown_certificates; 55000 wrong_state; 25000 in another isolation level than READ COMMITTED; 22023 for an empty reason, 22001 for one too long. The message ends with the code, where there is one, the detail says which.';

CREATE FUNCTION energyledger.withdraw_certificates(
    certificates energyledger.certificate_range[],
    reason text,
    energy_wh bigint DEFAULT NULL,
    share_ppm integer DEFAULT NULL)
RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$ SELECT energyledger.move_for_reason('withdraw', certificates, reason, energy_wh, share_ppm) $$;
REVOKE EXECUTE ON FUNCTION energyledger.withdraw_certificates(energyledger.certificate_range[], text, bigint, integer) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.withdraw_certificates(energyledger.certificate_range[], text, bigint, integer) IS
'Withdraws certificates that should not have been issued, for good; what was claimed with them is free to be claimed with others. From every state but withdrawn and expired. reason: 1 to 1000 bytes. certificates: ranges of numbers, each {device, carrier, first_id, last_id} with last_id included, as certificate_holding.numbers has them; energy_wh: so many of them, from the first range''s first number on; share_ppm: that share of each bundle, in millionths, from its first number on, rounded down to whole Wh; NULL: all. One call is done as a whole or not at all. Result: the event''s ledger_id. Errors: 22004 for NULL, 22023 bad_range, bad_amount; P0002 unknown_certificates; 55000 wrong_state; 25000 in another isolation level than READ COMMITTED; 22023 for an empty reason, 22001 for one too long. The message ends with the code, where there is one, the detail says which.';

CREATE FUNCTION energyledger.take_acceptance(holder text, sender text, accepted boolean, meter text, epoch bigint, seq bigint, OUT reason text, OUT detail text)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF holder = sender OR NOT EXISTS (SELECT FROM energyledger.party p WHERE p.party = sender) OR NOT EXISTS (SELECT FROM energyledger.party p WHERE p.party = holder) THEN
        reason := 'unknown_party';
        detail := format('"%s" and "%s" are not two registered parties.', holder, sender);
        RETURN;
    END IF;
    INSERT INTO energyledger.certificate_acceptance (holder, sender, accepted, recorded_at, meter, epoch, seq, recorded_by)
    VALUES (holder, sender, accepted, clock_timestamp(), meter, epoch, seq, CASE WHEN meter IS NULL THEN coalesce(nullif(current_setting('role'), 'none'), session_user) END);
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.take_acceptance(text, text, boolean, text, bigint, bigint) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.take_acceptance(text, text, boolean, text, bigint, bigint) IS
'Writes down that a party accepts certificates from another or no longer does, or says why not. For functions of the extension: arguments as accept_certificates(), and the signed message, NULL: none.';

CREATE FUNCTION energyledger.accept_certificates(holder text, sender text, accepted boolean DEFAULT true)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    taken record;
BEGIN
    IF num_nulls(holder, sender, accepted) > 0 THEN
        RAISE EXCEPTION 'arguments of accept_certificates must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    taken := energyledger.take_acceptance(holder, sender, accepted, NULL, NULL, NULL);
    PERFORM energyledger.refuse_certificates('acceptance', taken.reason, taken.detail);
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.accept_certificates(text, text, boolean) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.accept_certificates(text, text, boolean) IS
'Says that a party accepts certificates from another, or no longer does. holder: who would get them; sender: who would send them; accepted: false: no longer. Errors: 22004 for NULL, P0002 unknown_party unless they are two registered parties.';
