/*
 * prepaid.sql: payments, and meters that are switched off where they are used up.
 *
 * A customer's credit is what its postings leave, less what its readings tell and no day's
 * charge has booked yet.  The meter is told by relay 1, its main switch, and not by a credit
 * in Wh: what a Wh costs changes with the hour, so that only the ledger knows when the
 * money is used up.
 */

CREATE TABLE energyledger.payment (
    payer       text COLLATE "C" NOT NULL CHECK (energyledger.identifier_valid(payer)),
    payee       text COLLATE "C" NOT NULL CHECK (energyledger.identifier_valid(payee)),
    amount_nano bigint NOT NULL CHECK (amount_nano <> 0),
    currency    text COLLATE "C" NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    paid_at     timestamptz NOT NULL CHECK (isfinite(paid_at)),
    reference   text COLLATE "C" NOT NULL CHECK (octet_length(reference) BETWEEN 1 AND 140),
    recorded_at timestamptz NOT NULL,
    recorded_by text NOT NULL,
    CONSTRAINT payment_parties_check CHECK (payer <> payee)
) USING ledger;
CREATE UNIQUE INDEX payment_reference ON energyledger.payment (payee, reference);
COMMENT ON TABLE energyledger.payment IS
'money that was paid, each once. Its posting, of kind payment, has the same payer and payee and the negative amount: the payer owes so much less. Written by record_payment()';
COMMENT ON COLUMN energyledger.payment.payer IS 'party that paid';
COMMENT ON COLUMN energyledger.payment.payee IS 'party that got it';
COMMENT ON COLUMN energyledger.payment.amount_nano IS 'in nano-currency (10^-9), VAT included; below zero: it was paid back, or the bank took it back';
COMMENT ON COLUMN energyledger.payment.currency IS 'ISO 4217';
COMMENT ON COLUMN energyledger.payment.paid_at IS 'when, as the bank says';
COMMENT ON COLUMN energyledger.payment.reference IS 'the payee''s name for it: 1 to 140 bytes, as a SEPA transfer has. No personal data';
COMMENT ON COLUMN energyledger.payment.recorded_at IS 'when it was written';
COMMENT ON COLUMN energyledger.payment.recorded_by IS 'by which role';
COMMENT ON COLUMN energyledger.payment.ledger_id IS 'assigned by the ledger: site, then a counter';
COMMENT ON INDEX energyledger.payment_reference IS 'a payee''s payments by its reference, each once';

CREATE TABLE energyledger.prepaid_switch (
    party       text COLLATE "C" NOT NULL,
    meter       text COLLATE "C" NOT NULL,
    is_on       boolean NOT NULL,
    command_id  uuid NOT NULL,
    credit_nano numeric NOT NULL,
    currency    text COLLATE "C" NOT NULL,
    switched_at timestamptz NOT NULL
) USING ledger;
CREATE INDEX prepaid_switch_idx ON energyledger.prepaid_switch (meter, command_id);
COMMENT ON TABLE energyledger.prepaid_switch IS
'meters that were told to switch off because a credit was used up, or on again. What became of the command is in command_state. Written by prepaid_enforce()';
COMMENT ON COLUMN energyledger.prepaid_switch.party IS 'whose credit';
COMMENT ON COLUMN energyledger.prepaid_switch.meter IS 'whose relay 1';
COMMENT ON COLUMN energyledger.prepaid_switch.is_on IS 'what it was told';
COMMENT ON COLUMN energyledger.prepaid_switch.command_id IS 'by which command: command.id';
COMMENT ON COLUMN energyledger.prepaid_switch.credit_nano IS 'the credit then, in nano-currency';
COMMENT ON COLUMN energyledger.prepaid_switch.currency IS 'ISO 4217';
COMMENT ON COLUMN energyledger.prepaid_switch.switched_at IS 'when it was sent';
COMMENT ON COLUMN energyledger.prepaid_switch.ledger_id IS 'assigned by the ledger: site, then a counter';
COMMENT ON INDEX energyledger.prepaid_switch_idx IS 'was it this that told the meter';

SELECT pg_catalog.pg_extension_config_dump('energyledger.payment', '');
SELECT pg_catalog.pg_extension_config_dump('energyledger.prepaid_switch', '');

CREATE FUNCTION energyledger.record_payment(payer text, payee text, amount_nano bigint, currency text, paid_at timestamptz, reference text) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    before energyledger.payment;
    id bigint;
BEGIN
    IF payer IS NULL OR payee IS NULL OR amount_nano IS NULL OR currency IS NULL OR paid_at IS NULL OR reference IS NULL THEN
        RAISE EXCEPTION 'arguments of record_payment must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF NOT energyledger.identifier_valid(payer) OR NOT energyledger.identifier_valid(payee) OR payer = payee THEN
        RAISE EXCEPTION 'a payment needs two parties' USING ERRCODE = 'invalid_parameter_value',
            DETAIL = format('They are "%s" and "%s"; each must have 1 to 64 of A-Z a-z 0-9 . _ : -.', payer, payee);
    END IF;
    IF amount_nano = 0 OR amount_nano = -9223372036854775808 THEN
        RAISE EXCEPTION 'the amount of a payment is out of range' USING ERRCODE = 'numeric_value_out_of_range', DETAIL = format('It is %s.', amount_nano);
    END IF;
    IF currency !~ '^[A-Z]{3}$' THEN
        RAISE EXCEPTION '"%" is no currency', currency USING ERRCODE = 'invalid_parameter_value', DETAIL = 'It must be three capital letters (ISO 4217).';
    END IF;
    IF NOT isfinite(paid_at) THEN
        RAISE EXCEPTION 'a payment was made at some time' USING ERRCODE = 'invalid_parameter_value', DETAIL = format('It is %s.', paid_at);
    END IF;
    IF octet_length(reference) NOT BETWEEN 1 AND 140 THEN
        RAISE EXCEPTION 'the reference of a payment must have 1 to 140 bytes' USING ERRCODE = 'invalid_parameter_value', DETAIL = format('It has %s.', octet_length(reference));
    END IF;

    INSERT INTO energyledger.payment AS made (payer, payee, amount_nano, currency, paid_at, reference, recorded_at, recorded_by)
    VALUES (payer, payee, amount_nano, currency, paid_at, reference, clock_timestamp(), coalesce(nullif(current_setting('role'), 'none'), session_user))
    ON CONFLICT DO NOTHING RETURNING made.ledger_id INTO id;
    IF id IS NULL THEN
        SELECT p.* INTO before FROM energyledger.payment p WHERE p.payee = record_payment.payee AND p.reference = record_payment.reference;
        IF (before.payer, before.amount_nano, before.currency, before.paid_at) IS DISTINCT FROM (payer, amount_nano, currency, paid_at) THEN
            RAISE EXCEPTION 'another payment to "%" has the reference "%"', payee, reference USING ERRCODE = 'unique_violation',
                DETAIL = format('It is of %s nano-%s by "%s" at %s.', before.amount_nano, before.currency, before.payer, before.paid_at);
        END IF;
        RETURN before.ledger_id;
    END IF;
    INSERT INTO energyledger.posting (booking, kind, payer, payee, amount_nano, currency, from_at, to_at)
    VALUES (id, 'payment', payer, payee, -amount_nano, currency, paid_at, paid_at);
    RETURN id;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.record_payment(text, text, bigint, text, timestamptz, text) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.record_payment(text, text, bigint, text, timestamptz, text) IS
'Records a payment, and books it: payer, payee: two parties; amount_nano: nano-currency, below zero where money went back; currency: ISO 4217; paid_at: when; reference: the payee''s name for it, 1 to 140 bytes. '
'The same payment again is recorded once. Result: its ledger_id. Errors: 22004 for NULL, 22023 for a bad name, currency, time or reference and for a payment to oneself, 22003 for an amount of 0 or out of range, 23505 where the reference stands for another payment to that party.';

CREATE FUNCTION energyledger.prepaid_state(
    party text,
    OUT prepaid boolean,
    OUT currency text,
    OUT credit_nano numeric,
    OUT floor_nano bigint,
    OUT unbilled_nano numeric,
    OUT price_micro_per_kwh numeric,
    OUT energy_wh bigint,
    OUT cut_off boolean)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    held energyledger.contract;
    today date;
    first_day date;
    gross_ppm numeric;
BEGIN
    IF prepaid_state.party IS NULL THEN
        RAISE EXCEPTION 'party must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    SELECT c.* INTO held FROM energyledger.contract c
     WHERE c.party = prepaid_state.party AND c.from_at <= now() ORDER BY c.from_at DESC, c.recorded_at DESC, c.ledger_id DESC LIMIT 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'party "%" has no contract', prepaid_state.party USING ERRCODE = 'no_data_found', HINT = 'Give it a tariff with set_contract().';
    END IF;
    prepaid := held.prepaid AND held.until_at > now();
    floor_nano := held.prepaid_floor_nano;
    SELECT min(t.currency) INTO currency FROM energyledger.tariff_component t WHERE t.tariff = held.tariff;

    -- What readings tell since the last charged day, VAT included; what is missing in between
    -- is not known, and costs nothing yet.
    today := (now() AT TIME ZONE held.time_zone)::date;
    SELECT coalesce(max(l.day) + 1, (held.from_at AT TIME ZONE held.time_zone)::date) INTO first_day
      FROM (SELECT DISTINCT ON (c.from_at) c.day, c.reason FROM energyledger.charge c
             WHERE c.party = prepaid_state.party AND c.from_at >= held.from_at ORDER BY c.from_at, c.run DESC) l
     WHERE l.reason <> 'contract';
    first_day := greatest(first_day, today - 99);
    SELECT coalesce(ceil(sum(CASE s.kind WHEN 'feed_in' THEN -1 ELSE 1 END * s.amount_nano::numeric * (1000000 + s.vat_ppm)) / 1000000), 0) INTO unbilled_nano
      FROM energyledger.charge_slot(prepaid_state.party, least(first_day, today + 1), today + 1) s;

    -- What is booked, less the VAT that an invoice will add: it is posted with kind vat.
    SELECT floor(coalesce(sum(p.amount_nano::numeric * (1000000 + CASE p.kind WHEN 'vat' THEN -1000000 ELSE p.vat_ppm END)), 0) / 1000000) - unbilled_nano
      INTO credit_nano
      FROM (SELECT i.kind, i.vat_ppm, i.amount_nano FROM energyledger.posting i WHERE i.payee = prepaid_state.party AND i.currency = prepaid_state.currency
            UNION ALL
            SELECT o.kind, o.vat_ppm, -o.amount_nano FROM energyledger.posting o WHERE o.payer = prepaid_state.party AND o.currency = prepaid_state.currency) p;
    cut_off := prepaid AND credit_nano <= floor_nano;

    SELECT CASE WHEN count(*) = count(c.price_micro_per_kwh) THEN sum(c.price_micro_per_kwh::numeric * (1000000 + c.vat_ppm)) END INTO gross_ppm
      FROM energyledger.contract_prices(prepaid_state.party, now()) c;
    price_micro_per_kwh := ceil(gross_ppm / 1000000);
    IF gross_ppm > 0 THEN
        energy_wh := least(div(greatest(credit_nano - floor_nano, 0) * 1000000, gross_ppm), 9223372036854775807);
    END IF;
END
$$;
COMMENT ON FUNCTION energyledger.prepaid_state(text) IS
'How much of a party''s credit is left, by the contract that holds now or held last. prepaid: its contract is a prepaid one, and holds; currency: its tariff''s; '
'credit_nano: balance of all its postings, less the VAT that invoices will add to them (VAT that is booked has kind vat), less unbilled_nano: what the readings since its last charged day (of the last 100 days at most) and the standing charges of days begun cost, VAT included; '
'floor_nano: credit at which it is cut off; price_micro_per_kwh: all that a kWh of import costs now, VAT included, rounded up; NULL: nothing holds, or a price is missing; energy_wh: what the credit above the floor buys at that price; NULL: no price above 0; '
'cut_off: prepaid, and the credit is at or below the floor. Needs SELECT on what charge_slot needs, charge and posting. Errors: 22004 for NULL, P0002 for a party without a contract so far.';

CREATE FUNCTION energyledger.prepaid_enforce(party text) RETURNS SETOF uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    state record;
    told record;
    id uuid;
BEGIN
    -- with charge()'s lock: a day that is being booked counts as booked
    PERFORM pg_advisory_xact_lock(hashtextextended('energyledger.charge:' || prepaid_enforce.party, 0));
    SELECT * INTO state FROM energyledger.prepaid_state(prepaid_enforce.party);
    FOR told IN
        SELECT m.meter, coalesce((d.command ->> 'on')::boolean, true) AS is_on,
               EXISTS (SELECT FROM energyledger.prepaid_switch s WHERE s.meter = m.meter AND s.command_id = d.command_id) AS by_us
          FROM energyledger.meter_current m
          LEFT JOIN energyledger.meter_desired d ON d.meter = m.meter AND d.thing = 'relay:1'
         WHERE m.meter IN (SELECT r.meter FROM energyledger.meter r WHERE r.party = prepaid_enforce.party) AND m.party = prepaid_enforce.party
         ORDER BY m.meter
    LOOP
        -- what somebody else has switched off stays off: there may be works on the line
        CONTINUE WHEN CASE WHEN state.cut_off THEN NOT told.is_on ELSE told.is_on OR NOT told.by_us END;
        id := energyledger.send_command(told.meter, jsonb_build_object('type', 'relay', 'relay', 1, 'on', NOT state.cut_off),
                  expires_at => clock_timestamp() + interval '365 days',
                  reason => CASE WHEN state.cut_off THEN 'prepaid: the credit is used up' ELSE 'prepaid: there is credit again' END);
        INSERT INTO energyledger.prepaid_switch (party, meter, is_on, command_id, credit_nano, currency, switched_at)
        VALUES (prepaid_enforce.party, told.meter, NOT state.cut_off, id, state.credit_nano, state.currency, clock_timestamp());
        RETURN NEXT id;
    END LOOP;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.prepaid_enforce(text) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.prepaid_enforce(text) IS
'Switches the meters of a party off (relay 1) where its credit is used up (prepaid_state), and those that it has switched off on again where there is credit, or the contract is no prepaid one any more. '
'What counts is the newest command for the relay (meter_desired): a meter is told once for each change, and again only where the command was cancelled or expired unheard, after 365 days; one that somebody else has switched off is not switched on. Call it after charge() and record_payment(), and as often as readings come. '
'party: one with a contract. Result: ids of the commands. Runs with its owner''s rights: who may enforce need not be able to send other commands. '
'Errors: 22004 for NULL, P0002 for a party without a contract so far, 55000 where there is no operator key, as send_command().';
