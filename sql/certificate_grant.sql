/*
 * certificate_grant.sql: what an authority gives out without a reading: emission allowances.
 *
 * They are certificates like the others, numbered by the device that stands for the
 * authority's account, in bundles that one party holds in one state.  1 is one tonne of
 * CO2 equivalent (Directive 2003/87/EC, Article 3).  What a meter can tell is never
 * granted: certificate_issue_grant_check.
 */

CREATE FUNCTION energyledger.grant_certificates(
    device text,
    carrier text,
    holder text,
    quantity bigint,
    from_at timestamptz,
    to_at timestamptz,
    reason text)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    account record;
    issued bigint;
    issue bigint;
BEGIN
    IF num_nulls(device, carrier, holder, quantity, from_at, to_at, reason) > 0 THEN
        RAISE EXCEPTION 'arguments of grant_certificates must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF carrier <> 'emission_allowance' THEN
        PERFORM energyledger.refuse_certificates('grant', 'wrong_carrier', format('Certificates of %s are issued of readings; emission_allowance alone is granted.', carrier));
    END IF;
    IF octet_length(reason) NOT BETWEEN 1 AND 1000 THEN
        PERFORM energyledger.refuse_certificates('grant', 'bad_text', 'A reason must have 1 to 1000 bytes.');
    END IF;
    IF NOT isfinite(from_at) OR NOT isfinite(to_at) OR from_at >= to_at OR to_at - from_at > interval '3660 days' THEN
        PERFORM energyledger.refuse_certificates('grant', 'bad_period', format('It is %s to %s; a period must have a beginning, and an end at most 3660 days after it.', from_at, to_at));
    END IF;
    IF quantity NOT BETWEEN 1 AND 1000000000000 THEN
        PERFORM energyledger.refuse_certificates('grant', 'bad_amount', format('It is %s; 1 to 1000000000000 are granted at a time.', quantity));
    END IF;
    PERFORM energyledger.certificates_lock(ARRAY[ROW(device, carrier, 1, 1)::energyledger.certificate_range]);
    SELECT d.ledger_id, d.active INTO account FROM energyledger.certificate_device d WHERE d.device = grant_certificates.device AND d.carrier = grant_certificates.carrier
     ORDER BY d.recorded_at DESC, d.ledger_id DESC LIMIT 1;
    IF NOT FOUND THEN
        PERFORM energyledger.refuse_certificates('grant', 'unknown_device', format('Device "%s" is not registered for carrier "%s".', device, carrier));
    END IF;
    IF NOT account.active THEN
        PERFORM energyledger.refuse_certificates('grant', 'not_active', format('Device "%s" issues nothing any more.', device));
    END IF;
    IF NOT EXISTS (SELECT FROM energyledger.party p WHERE p.party = holder) THEN
        PERFORM energyledger.refuse_certificates('grant', 'unknown_party', format('Party "%s" is not registered.', holder));
    END IF;
    SELECT coalesce(max(i.last_id), 0) INTO issued FROM energyledger.certificate_issue i WHERE i.device = grant_certificates.device AND i.carrier = grant_certificates.carrier
       AND i.first_id = (SELECT max(x.first_id) FROM energyledger.certificate_issue x WHERE x.device = grant_certificates.device AND x.carrier = grant_certificates.carrier);
    INSERT INTO energyledger.certificate_issue (device, carrier, first_id, last_id, from_at, to_at, bundles, kind, device_id, meter_id, rule_version, reason, issued_at, issued_by)
    VALUES (device, carrier, issued + 1, issued + quantity, from_at, to_at, 1, 'grant', account.ledger_id,
            (SELECT m.ledger_id FROM energyledger.meter m WHERE m.meter = device ORDER BY m.registered_at DESC, m.ledger_id DESC LIMIT 1),
            energyledger.certificate_rule_version(), reason, clock_timestamp(), coalesce(nullif(current_setting('role'), 'none'), session_user))
    RETURNING ledger_id INTO issue;
    INSERT INTO energyledger.certificate_bundle (device, carrier, from_at, to_at, first_id, last_id, holder, state, issue_id)
    VALUES (device, carrier, from_at, to_at, issued + 1, issued + quantity, holder, 'active', issue);
    RETURN issue;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.grant_certificates(text, text, text, bigint, timestamptz, timestamptz, text) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.grant_certificates(text, text, text, bigint, timestamptz, timestamptz, text) IS
'Grants a party emission allowances: one bundle, numbered on from the device''s last, without a reading. What is done with certificates is done with them (transfer, reserve, lock, cancel, withdraw, expire); they are not claimed against consumption. '
'device: the authority''s account, registered with register_device(carrier => ''emission_allowance'', register => ''none''); carrier: emission_allowance, 1 is one tonne of CO2 equivalent; holder: party; quantity: 1 to 1000000000000; from_at, to_at: the period they are for, at most 3660 days; reason: 1 to 1000 bytes. '
'Result: the ledger_id of its row in certificate_issue. Errors: 22004 for NULL, 22023 bad_amount, bad_period, 22023 bad_text; P0002 unknown_device, unknown_party; 55000 wrong_carrier (what readings tell is never granted), not_active; 25000 in another isolation level than READ COMMITTED. Rule: Directive 2003/87/EC, Article 3.';
