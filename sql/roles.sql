-- roles.sql: seven roles to grant, and what each may do.  The last part of the script:
-- it names objects of all the others.

-- Roles are the cluster's: another database with the extension, or the globals of a
-- dump, may have brought them.  They outlive this database.
DO $$
DECLARE
    made record;
BEGIN
    FOR made IN
        SELECT * FROM (VALUES
            ('energyledger_reader', 'pg_energyledger: reads meters, messages, readings, gaps, commands and checkpoints'),
            ('energyledger_writer', 'pg_energyledger: brings signed messages and fetches receipts, commands and requests; for bridges'),
            ('energyledger_operator', 'pg_energyledger: registers meters and their keys, releases quarantined messages, sends commands, estimates, seals, replaces keys and names'),
            ('energyledger_trader', 'pg_energyledger: places and cancels orders for parties; for energy desks'),
            ('energyledger_billing', 'pg_energyledger: prices, tariffs, settlement, invoices and payments; for billing teams'),
            ('energyledger_registrar', 'pg_energyledger: registers devices, issues certificates of origin and does with them what their holders ask for'),
            ('energyledger_auditor', 'pg_energyledger: reads everything of the extension and verifies it')) r(name, comment)
    LOOP
        CONTINUE WHEN EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = made.name);
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', made.name);
            EXECUTE format('COMMENT ON ROLE %I IS %L', made.name, made.comment);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;               -- made in another database meanwhile
        END;
    END LOOP;
END
$$;

-- No role is a member of another, and none may write to a table but the operator to the
-- register of meters: what else is written is written by functions.

-- (names and addresses are personal data: not for every reader)
GRANT SELECT ON energyledger.meter, energyledger.meter_key, energyledger.meter_current, energyledger.meter_key_current,
    energyledger.message, energyledger.reading,
    energyledger.meter_gap, energyledger.meter_fork, energyledger.meter_clock,
    energyledger.meter_register, energyledger.interval_energy, energyledger.energy_estimate, energyledger.load_profile,
    energyledger.register_rollover, energyledger.reading_superseded, energyledger.estimate_superseded, energyledger.register_step,
    energyledger.command_state, energyledger.meter_desired, energyledger.meter_actual, energyledger.meter_difference
    TO energyledger_reader;

GRANT EXECUTE ON FUNCTION energyledger.ingest(bytea[], text[]), energyledger.meter_receipts(text[]),
    energyledger.meter_commands(text[], interval, text[], text), energyledger.commands_published(uuid[]),
    energyledger.meter_resends(text[], interval, interval, text[]),
    energyledger.set_aside(bytea, text, text), energyledger.bridge_report(jsonb)
    TO energyledger_writer;

-- What it needs to see is who is registered, what is missing and what was not believed.
GRANT EXECUTE ON FUNCTION
    energyledger.register_meter(text, bytea, text, text, bigint, integer, integer, text, text, text, integer, integer, integer, text, text, timestamptz),
    energyledger.add_meter_key(text, bytea, text, bigint, bigint, bigint, bigint, timestamptz, timestamptz, text),
    energyledger.revoke_meter_key(text, bytea, text), energyledger.release(bigint, text),
    energyledger.send_command(text, jsonb, timestamptz, timestamptz, text), energyledger.cancel_command(uuid, text),
    energyledger.rotate_operator_key(interval, boolean),
    energyledger.seal(), energyledger.rotate_key(boolean), energyledger.reopen(text),
    energyledger.estimate(text, timestamptz, timestamptz, text, text, text, text, bigint, boolean, text),
    energyledger.add_profile(text, timestamptz, interval, bigint[]), energyledger.declare_rollover(text, text, bigint)
    TO energyledger_operator;
GRANT SELECT ON energyledger.party, energyledger.location, energyledger.meter, energyledger.meter_key,
    energyledger.party_current, energyledger.location_current, energyledger.meter_current, energyledger.meter_key_current,
    energyledger.meter_gap, energyledger.meter_fork, energyledger.meter_clock,
    energyledger.quarantine, energyledger.quarantine_open, energyledger.quarantine_release,
    energyledger.energy_estimate, energyledger.load_profile, energyledger.register_rollover,
    energyledger.operator_key, energyledger.command_cancellation, energyledger.command_publication, energyledger.command_ack,
    energyledger.command_state, energyledger.meter_desired, energyledger.meter_actual, energyledger.meter_difference,
    energyledger.resend_request,
    energyledger.bridge_status, energyledger.bridge_state
    TO energyledger_operator;
-- (not command itself: a note must not leave before it is committed, and the view shows the rest)

-- A fleet comes by COPY.  When a row was written is the server's to say, and that a key came
-- by a message, ingest()'s.
GRANT INSERT (party, name, contact, description) ON energyledger.party TO energyledger_operator;
GRANT INSERT (location, party, address, latitude_microdegrees, longitude_microdegrees, grid_zone, time_zone, description)
    ON energyledger.location TO energyledger_operator;
GRANT INSERT (meter, party, location, technology, capacity_w, latitude_microdegrees, longitude_microdegrees, altitude_m,
    tilt_degrees, azimuth_degrees, grid_zone, shard, calibrated_until, description)
    ON energyledger.meter TO energyledger_operator;
GRANT INSERT (meter, public_key, algorithm, from_epoch, from_seq, until_epoch, until_seq, valid_from, valid_until, revoked, reason)
    ON energyledger.meter_key TO energyledger_operator;

-- Billing reads what bills are made of.
GRANT EXECUTE ON FUNCTION energyledger.add_prices(text, timestamptz, interval, bigint[]) TO energyledger_billing;
GRANT SELECT ON energyledger.price, energyledger.posting, energyledger.party_balance,
    energyledger.party, energyledger.party_current, energyledger.location, energyledger.location_current,
    energyledger.meter, energyledger.meter_current, energyledger.message, energyledger.reading,
    energyledger.energy_estimate, energyledger.register_rollover, energyledger.meter_register, energyledger.interval_energy
    TO energyledger_billing;

GRANT EXECUTE ON FUNCTION
    energyledger.add_tariff_component(text, text, text, text, text, bigint, text, bigint, bigint, bigint, text, smallint[], time, time, smallint[], timestamptz, timestamptz, integer),
    energyledger.set_contract(text, text, text, timestamptz, timestamptz, boolean, bigint), energyledger.charge(text, date, date),
    energyledger.record_payment(text, text, bigint, text, timestamptz, text), energyledger.prepaid_enforce(text)
    TO energyledger_billing;
GRANT SELECT ON energyledger.tariff_component, energyledger.tariff_current, energyledger.contract, energyledger.contract_current,
    energyledger.charge, energyledger.unbilled_energy, energyledger.payment, energyledger.prepaid_switch
    TO energyledger_billing;

-- (what invoices add)
GRANT EXECUTE ON FUNCTION
    energyledger.register_biller(text, text, text, text, text, text, text, text, text, text, text, jsonb, jsonb, bigint, bigint, bigint, text, integer, text[], integer),
    energyledger.invoice(text, timestamptz, timestamptz, text, text, timestamptz, timestamptz),
    energyledger.invoice_all(text, timestamptz, timestamptz, text, timestamptz, timestamptz)
    TO energyledger_billing;
GRANT SELECT ON energyledger.biller, energyledger.biller_current, energyledger.invoice, energyledger.invoice_line, energyledger.invoice_posting,
    energyledger.invoice_check TO energyledger_billing;

GRANT EXECUTE ON FUNCTION energyledger.exclude_from_baseline(text, timestamptz, timestamptz, text, boolean) TO energyledger_billing, energyledger_operator;
GRANT SELECT ON energyledger.baseline_exclusion TO energyledger_billing, energyledger_operator, energyledger_reader;

GRANT SELECT ON energyledger.price TO energyledger_trader, energyledger_operator;

-- Markets are the operator's to make, orders the traders', and both read what came of them.
-- (settlement_position tells how much each house took: for those who bill and audit)
GRANT EXECUTE ON FUNCTION
    energyledger.set_market(text, text, text, text, text, text, text, integer, integer, text, jsonb, jsonb, jsonb, jsonb, bigint, bigint, bigint, bigint, bigint, integer, boolean, timestamptz),
    energyledger.set_member(text, text, text, bigint, bigint, bigint, boolean), energyledger.close_gate(text, timestamptz, text),
    energyledger.clear(text, timestamptz), energyledger.run_market(interval, integer)
    TO energyledger_operator;
GRANT EXECUTE ON FUNCTION
    energyledger.place_order(text, text, timestamptz, text, bigint, bigint, text, timestamptz, text, text, text, bigint, jsonb), energyledger.cancel_order(bigint)
    TO energyledger_trader;
GRANT SELECT ON energyledger.market, energyledger.market_current, energyledger.market_member, energyledger.market_member_current, energyledger.market_gate,
    energyledger.market_order, energyledger.order_cancel, energyledger.order_refusal, energyledger.order_lapse,
    energyledger.clearing, energyledger.trade, energyledger.open_orders, energyledger.trades, energyledger.clearing_prices
    TO energyledger_trader, energyledger_operator, energyledger_billing;
GRANT SELECT ON energyledger.market, energyledger.market_current, energyledger.market_gate, energyledger.clearing, energyledger.clearing_prices
    TO energyledger_reader;
GRANT EXECUTE ON FUNCTION energyledger.settle(text, timestamptz), energyledger.settle_market(text, timestamptz, timestamptz) TO energyledger_billing;
GRANT SELECT ON energyledger.settlement, energyledger.settlement_position, energyledger.settlement_status, energyledger.imbalance TO energyledger_billing;

-- Certificates are the registrar's; holders sign what they do with theirs.
-- (they tell how much each house made: nobody else reads them)
GRANT EXECUTE ON FUNCTION
    energyledger.register_device(text, text, text, text, text, text, date, text, text, text, text, text, text, boolean, text, text, integer, text, integer, bigint, text, integer, text, integer[], bigint[], integer, boolean, boolean),
    energyledger.add_weather(text, timestamptz, interval, text, integer[], integer[], integer[], integer[]),
    energyledger.issue_certificates(text[], timestamptz, timestamptz), energyledger.issue_certificates(text, timestamptz, timestamptz),
    energyledger.correct_certificates(text[], timestamptz, timestamptz, text), energyledger.expire_certificates(timestamptz, timestamptz),
    energyledger.run_certificates(text, interval, integer), energyledger.expire_all(interval),
    energyledger.transfer_certificates(energyledger.certificate_range[], text, bigint, integer, text),
    energyledger.reserve_certificates(energyledger.certificate_range[], bigint, integer, text),
    energyledger.cancel_certificates(energyledger.certificate_range[], text, text, timestamptz, timestamptz, bigint, integer, text),
    energyledger.release_certificates(energyledger.certificate_range[], text, bigint, integer),
    energyledger.lock_certificates(energyledger.certificate_range[], text, bigint, integer),
    energyledger.withdraw_certificates(energyledger.certificate_range[], text, bigint, integer),
    energyledger.accept_certificates(text, text, boolean), energyledger.claim_certificates(energyledger.certificate_range[], text, text),
    energyledger.match_certificates(text, timestamptz, timestamptz), energyledger.rebuild_certificate_sums()
    TO energyledger_registrar;
GRANT EXECUTE ON FUNCTION energyledger.verify_certificates() TO energyledger_registrar, energyledger_auditor;
GRANT EXECUTE ON FUNCTION energyledger.record_charge(text, energyledger.certificate_range[], timestamptz, timestamptz), energyledger.record_discharge(text, timestamptz, timestamptz) TO energyledger_registrar;
GRANT EXECUTE ON FUNCTION energyledger.discharge_sources(text, timestamptz, timestamptz), energyledger.verify_storage() TO energyledger_registrar, energyledger_auditor;
GRANT SELECT ON energyledger.storage_charge, energyledger.storage_discharge, energyledger.storage_allocation, energyledger.storage_content, energyledger.certificate_storage, energyledger.storage_shortfall
    TO energyledger_registrar;
GRANT SELECT ON energyledger.certificate_device, energyledger.certificate_issue, energyledger.certificate_bundle, energyledger.certificate_event, energyledger.certificate_hold,
    energyledger.certificate_acceptance, energyledger.certificate_sum, energyledger.certificate_holding, energyledger.certificate_balance, energyledger.certificate_claim,
    energyledger.certificate_claimed, energyledger.certificate_refusal, energyledger.weather,
    energyledger.party, energyledger.party_current, energyledger.location, energyledger.location_current, energyledger.meter, energyledger.meter_current,
    energyledger.message, energyledger.reading, energyledger.energy_estimate, energyledger.register_rollover, energyledger.meter_register, energyledger.interval_energy
    TO energyledger_registrar;
GRANT SELECT ON energyledger.certificate_refusal TO energyledger_operator;
GRANT EXECUTE ON FUNCTION
    energyledger.register_asset(text, text, text, text, text, timestamptz), energyledger.transfer_asset(text, text, text, integer, timestamptz),
    energyledger.record_calibration(text, timestamptz, text, timestamptz, bytea, text, text)
    TO energyledger_registrar;
GRANT EXECUTE ON FUNCTION energyledger.asset_owners(text, timestamptz), energyledger.meter_owners(text, timestamptz), energyledger.certificate_parts(bigint[])
    TO energyledger_registrar, energyledger_auditor;
GRANT SELECT ON energyledger.asset, energyledger.asset_share, energyledger.asset_calibration, energyledger.asset_current TO energyledger_registrar;

-- (as others' registries name them, what is granted, and what consumption emitted)
GRANT EXECUTE ON FUNCTION
    energyledger.grant_certificates(text, text, text, bigint, timestamptz, timestamptz, text),
    energyledger.add_emission_factor(text, text, bigint, timestamptz, timestamptz, text)
    TO energyledger_registrar;
GRANT SELECT ON energyledger.certificate, energyledger.certificate_retirement TO energyledger_registrar;
GRANT SELECT ON energyledger.emission_factor TO energyledger_registrar, energyledger_billing, energyledger_reader;

GRANT SELECT ON ALL TABLES IN SCHEMA energyledger TO energyledger_auditor;
