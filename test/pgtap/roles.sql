-- roles.sql: what each role may do and what it may not: every function and every table
-- of the extension against every role.  Whoever adds a function or a table decides here
-- who may use it; until then the first two tests fail.

\set QUIET 1
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;

-- A row to make a receipt of, in a block.
SELECT energyledger.register_meter('role:0', decode(repeat('07', 32), 'hex')) AS row_id, energyledger.seal() AS height \gset
SELECT energyledger.register_biller('role:s', 'Biller') > 0 AS registered \gset
SELECT energyledger.seal() AS height, energyledger.rotate_operator_key() IS NOT NULL AS made \gset

BEGIN;
CREATE ROLE energyledger_nobody;
CREATE TEMP TABLE role (name text, letter text);
INSERT INTO role VALUES ('energyledger_reader', 'r'), ('energyledger_writer', 'w'),
    ('energyledger_operator', 'o'), ('energyledger_auditor', 'a'),
    ('energyledger_trader', 't'), ('energyledger_billing', 'b'), ('energyledger_registrar', 'c'), ('energyledger_nobody', 'n');

-- Letters of those who may; rwoatbcn is everybody.
CREATE TEMP TABLE may_execute (signature text, letters text);
INSERT INTO may_execute VALUES
    ('energyledger.ingest(bytea[],text[])', 'w'),
    ('energyledger.meter_receipts(text[])', 'w'),
    ('energyledger.set_aside(bytea,text,text)', 'w'),
    ('energyledger.bridge_report(jsonb)', 'w'),
    ('energyledger.register_meter(text,bytea,text,text,bigint,integer,integer,text,text,text,integer,integer,integer,text,text,timestamp with time zone)', 'o'),
    ('energyledger.add_meter_key(text,bytea,text,bigint,bigint,bigint,bigint,timestamp with time zone,timestamp with time zone,text)', 'o'),
    ('energyledger.revoke_meter_key(text,bytea,text)', 'o'),
    ('energyledger.release(bigint,text)', 'o'),
    ('energyledger.send_command(text,jsonb,timestamp with time zone,timestamp with time zone,text)', 'o'),
    ('energyledger.cancel_command(uuid,text)', 'o'),
    ('energyledger.rotate_operator_key(interval,boolean)', 'o'),
    ('energyledger.meter_commands(text[],interval,text[],text)', 'w'),
    ('energyledger.commands_published(uuid[])', 'w'),
    ('energyledger.meter_resends(text[],interval,interval,text[])', 'w'),
    ('energyledger.seal()', 'o'),
    ('energyledger.rotate_key(boolean)', 'o'),
    ('energyledger.reopen(text)', 'o'),
    ('energyledger.estimate(text,timestamp with time zone,timestamp with time zone,text,text,text,text,bigint,boolean,text)', 'o'),
    ('energyledger.add_profile(text,timestamp with time zone,interval,bigint[])', 'o'),
    ('energyledger.declare_rollover(text,text,bigint)', 'o'),
    ('energyledger.add_prices(text,timestamp with time zone,interval,bigint[])', 'b'),
    ('energyledger.set_market(text,text,text,text,text,text,text,integer,integer,text,jsonb,jsonb,jsonb,jsonb,bigint,bigint,bigint,bigint,bigint,integer,boolean,timestamp with time zone)', 'o'),
    ('energyledger.set_member(text,text,text,bigint,bigint,bigint,boolean)', 'o'),
    ('energyledger.close_gate(text,timestamp with time zone,text)', 'o'),
    ('energyledger.clear(text,timestamp with time zone)', 'o'),
    ('energyledger.run_market(interval,integer)', 'o'),
    ('energyledger.place_order(text,text,timestamp with time zone,text,bigint,bigint,text,timestamp with time zone,text,text,text,bigint,jsonb)', 't'),
    ('energyledger.cancel_order(bigint)', 't'),
    ('energyledger.settle(text,timestamp with time zone)', 'b'),
    ('energyledger.settle_market(text,timestamp with time zone,timestamp with time zone)', 'b'),
    ('energyledger.issue_certificates(text,timestamp with time zone,timestamp with time zone)', 'c'),
    ('energyledger.correct_certificates(text[],timestamp with time zone,timestamp with time zone,text)', 'c'),
    ('energyledger.register_device(text,text,text,text,text,text,date,text,text,text,text,text,text,boolean,text,text,integer,text,integer,bigint,text,integer,text,integer[],bigint[],integer,boolean,boolean)', 'c'),
    ('energyledger.add_weather(text,timestamp with time zone,interval,text,integer[],integer[],integer[],integer[])', 'c'),
    ('energyledger.issue_certificates(text[],timestamp with time zone,timestamp with time zone)', 'c'),
    ('energyledger.expire_certificates(timestamp with time zone,timestamp with time zone)', 'c'),
    ('energyledger.transfer_certificates(energyledger.certificate_range[],text,bigint,integer,text)', 'c'),
    ('energyledger.reserve_certificates(energyledger.certificate_range[],bigint,integer,text)', 'c'),
    ('energyledger.cancel_certificates(energyledger.certificate_range[],text,text,timestamp with time zone,timestamp with time zone,bigint,integer,text)', 'c'),
    ('energyledger.release_certificates(energyledger.certificate_range[],text,bigint,integer)', 'c'),
    ('energyledger.lock_certificates(energyledger.certificate_range[],text,bigint,integer)', 'c'),
    ('energyledger.withdraw_certificates(energyledger.certificate_range[],text,bigint,integer)', 'c'),
    ('energyledger.accept_certificates(text,text,boolean)', 'c'),
    ('energyledger.claim_certificates(energyledger.certificate_range[],text,text)', 'c'),
    ('energyledger.match_certificates(text,timestamp with time zone,timestamp with time zone)', 'c'),
    ('energyledger.rebuild_certificate_sums()', 'c'),
    ('energyledger.verify_certificates()', 'ac'),
    ('energyledger.run_certificates(text,interval,integer)', 'c'),
    ('energyledger.expire_all(interval)', 'c'),
    ('energyledger.register_asset(text,text,text,text,text,timestamp with time zone)', 'c'),
    ('energyledger.transfer_asset(text,text,text,integer,timestamp with time zone)', 'c'),
    ('energyledger.record_calibration(text,timestamp with time zone,text,timestamp with time zone,bytea,text,text)', 'c'),
    ('energyledger.asset_owners(text,timestamp with time zone)', 'ac'),
    ('energyledger.meter_owners(text,timestamp with time zone)', 'ac'),
    ('energyledger.asset_share_check()', ''),
    ('energyledger.assets_lock(text[])', ''),
    ('energyledger.take_asset_transfer(text,text,text,integer,timestamp with time zone,text,bigint,bigint)', ''),
    ('energyledger.certificate_parts(bigint[])', 'ac'),
    ('energyledger.share_certificates(bigint[])', ''),
    ('energyledger.record_charge(text,energyledger.certificate_range[],timestamp with time zone,timestamp with time zone)', 'c'),
    ('energyledger.record_discharge(text,timestamp with time zone,timestamp with time zone)', 'c'),
    ('energyledger.discharge_sources(text,timestamp with time zone,timestamp with time zone)', 'ac'),
    ('energyledger.verify_storage()', 'ac'),
    ('energyledger.grant_certificates(text,text,text,bigint,timestamp with time zone,timestamp with time zone,text)', 'c'),
    ('energyledger.add_emission_factor(text,text,bigint,timestamp with time zone,timestamp with time zone,text)', 'c'),
    -- work within others
    ('energyledger.certificates_lock(energyledger.certificate_range[])', ''),
    ('energyledger.certificate_bundle_check()', ''),
    ('energyledger.move_certificates(text,energyledger.certificate_range[],text,text,bigint,integer,text,text,timestamp with time zone,timestamp with time zone,text,text,bigint,bigint)', ''),
    ('energyledger.move_for_reason(text,energyledger.certificate_range[],text,bigint,integer)', ''),
    ('energyledger.refuse_certificates(text,text,text)', ''),
    ('energyledger.take_acceptance(text,text,boolean,text,bigint,bigint)', ''),
    ('energyledger.take_claim(energyledger.certificate_range[],text,text,text,bigint,bigint)', ''),
    ('energyledger.certificate_candidates(text[],timestamp with time zone,timestamp with time zone,boolean)', ''),
    ('energyledger.certificate_devices_lock(text[],timestamp with time zone,timestamp with time zone)', ''),
    ('energyledger.write_certificates(text[],timestamp with time zone,timestamp with time zone,text,text)', ''),
    ('energyledger.storage_charge_check()', ''),
    ('energyledger.stored_wh(text,timestamp with time zone)', ''),
    ('energyledger.storage_allocation_check()', ''),
    ('energyledger.refuse_storage(text,text,text,text)', ''),
    ('energyledger.storage_reading(text,timestamp with time zone,timestamp with time zone,text)', ''),
    ('energyledger.allocate_discharge(text,text,timestamp with time zone,bigint)', ''),
    ('energyledger.settlement_postings(energyledger.clearing,energyledger.market,timestamp with time zone,energyledger.settlement_position[],bigint,bigint,bigint)', ''),
    ('energyledger.market_lock(text,boolean)', ''),
    ('energyledger.parties_lock(text[])', ''),
    ('energyledger.lock_orders(text[],text[])', ''),
    ('energyledger.take_signed_order(text,bigint,bigint,text,timestamp with time zone,text,bigint,bigint,text,timestamp with time zone,text,bigint,jsonb)', ''),
    ('energyledger.take_signed_cancel(text,bigint,bigint,bigint,bigint)', ''),
    ('energyledger.lock_transfers(text[])', ''),
    ('energyledger.take_signed_transfer(text,bigint,bigint,text,text[],text[],bigint[],bigint[],text,bigint,integer,text,text,timestamp with time zone,timestamp with time zone)', ''),
    ('energyledger.order_fits(energyledger.market_order,energyledger.market)', ''),
    ('energyledger.member_exposure(text,text,text,bigint,bigint)', ''),
    ('energyledger.order_cost(text,bigint,bigint,jsonb,bigint,bigint)', ''),
    ('energyledger.take_order(text,timestamp with time zone,text,text,bigint,bigint,text,timestamp with time zone,text,text,text,bigint,jsonb,text,bigint,bigint)', ''),
    ('energyledger.take_cancel(bigint,text,bigint,bigint)', ''),
    ('energyledger.clear_book(text,timestamp with time zone,timestamp with time zone,text,jsonb,bigint,bigint,bigint)', ''),
    ('energyledger.add_tariff_component(text,text,text,text,text,bigint,text,bigint,bigint,bigint,text,smallint[],time without time zone,time without time zone,smallint[],timestamp with time zone,timestamp with time zone,integer)', 'b'),
    ('energyledger.set_contract(text,text,text,timestamp with time zone,timestamp with time zone,boolean,bigint)', 'b'),
    ('energyledger.charge(text,date,date)', 'b'),
    ('energyledger.record_payment(text,text,bigint,text,timestamp with time zone,text)', 'b'),
    ('energyledger.prepaid_enforce(text)', 'b'),
    ('energyledger.register_biller(text,text,text,text,text,text,text,text,text,text,text,jsonb,jsonb,bigint,bigint,bigint,text,integer,text[],integer)', 'b'),
    ('energyledger.invoice(text,timestamp with time zone,timestamp with time zone,text,text,timestamp with time zone,timestamp with time zone)', 'b'),
    ('energyledger.invoice_all(text,timestamp with time zone,timestamp with time zone,text,timestamp with time zone,timestamp with time zone)', 'b'),
    ('energyledger.invoice_write(text,text,timestamp with time zone,timestamp with time zone,text,timestamp with time zone,timestamp with time zone)', ''),
    ('energyledger.invoice_arguments(text,text,timestamp with time zone,timestamp with time zone,text,timestamp with time zone,timestamp with time zone)', ''),
    ('energyledger.unbilled(text,text,timestamp with time zone,timestamp with time zone)', 'rwoatbcn'),
    ('energyledger.invoice_postings(text,integer)', 'rwoatbcn'),
    ('energyledger.invoice_evidence(text,integer)', 'rwoatbcn'),
    ('energyledger.invoice_consumption(text,timestamp with time zone,timestamp with time zone)', 'rwoatbcn'),
    ('energyledger.consumption_document(text,timestamp with time zone,timestamp with time zone)', 'rwoatbcn'),
    ('energyledger.invoice_document(text)', 'rwoatbcn'),
    ('energyledger.invoice_csv(text)', 'rwoatbcn'),
    ('energyledger.statement(text,timestamp with time zone,timestamp with time zone,text)', 'rwoatbcn'),
    ('energyledger.csv_text(text)', 'rwoatbcn'),
    ('energyledger.exclude_from_baseline(text,timestamp with time zone,timestamp with time zone,text,boolean)', 'ob'),
    ('energyledger.baseline(text,text,timestamp with time zone,timestamp with time zone,text,integer,integer,text,integer,interval,interval,text,integer,timestamp with time zone)', 'rwoatbcn'),
    ('energyledger.baseline_slots(timestamp with time zone,timestamp with time zone,text,text,boolean,interval,interval)', 'rwoatbcn'),
    ('energyledger.currency_exponent(text)', 'rwoatbcn'),
    ('energyledger.invoice_number(text,integer,integer)', 'rwoatbcn'),
    -- ask for the table's owner themselves
    ('energyledger.retire(regclass,text)', 'rwoatbcn'),
    ('energyledger.convert(regclass)', 'rwoatbcn'),
    -- read what their caller may read
    ('energyledger.slot_parties(text,timestamp with time zone)', 'rwoatbcn'),
    ('energyledger.unassigned_id()', 'rwoatbcn'),
    ('energyledger.interval_energy(text,timestamp with time zone,timestamp with time zone,interval,timestamp with time zone)', 'rwoatbcn'),
    ('energyledger.energy_between(text,timestamp with time zone[],interval,timestamp with time zone,boolean)', 'rwoatbcn'),
    ('energyledger.missing_intervals(text,timestamp with time zone,timestamp with time zone,interval,timestamp with time zone)', 'rwoatbcn'),
    ('energyledger.reading_conflicts(text,timestamp with time zone,timestamp with time zone,timestamp with time zone)', 'rwoatbcn'),
    ('energyledger.daily_energy(text,date,date,text,interval,timestamp with time zone)', 'rwoatbcn'),
    ('energyledger.estimate_slots(text,timestamp with time zone,timestamp with time zone,timestamp with time zone,timestamp with time zone,text,text,text,text,bigint)', 'rwoatbcn'),
    ('energyledger.meter_registers(text)', 'rwoatbcn'),
    ('energyledger.verify_progress()', 'rwoatbcn'),
    ('energyledger.checkpoint()', 'rwoatbcn'),
    ('energyledger.site_vkey()', 'rwoatbcn'),
    ('energyledger.site_vkeys()', 'rwoatbcn'),
    ('energyledger.operator_vkey()', 'rwoatbcn'),
    ('energyledger.operator_vkeys()', 'rwoatbcn'),
    ('energyledger.verify(regclass,integer,int8range,text,text,boolean,integer)', 'rwoatbcn'),
    ('energyledger.receipt(bigint)', 'rwoatbcn'),
    ('energyledger.export(bigint)', 'rwoatbcn'),
    ('energyledger.export_rows(bigint)', 'rwoatbcn'),
    ('energyledger.price_at(text,timestamp with time zone,timestamp with time zone)', 'rwoatbcn'),
    ('energyledger.market_rules(text,timestamp with time zone)', 'rwoatbcn'),
    ('energyledger.slot_rules(text,timestamp with time zone)', 'rwoatbcn'),
    ('energyledger.gate_closes_at(text,timestamp with time zone)', 'rwoatbcn'),
    ('energyledger.reference_price(energyledger.market,timestamp with time zone)', 'rwoatbcn'),
    ('energyledger.rematch_book(text,timestamp with time zone,timestamp with time zone,text,jsonb,bigint,boolean)', 'rwoatbcn'),
    ('energyledger.verify_clearing(bigint)', 'rwoatbcn'),
    ('energyledger.market_meters(text,timestamp with time zone)', 'rwoatbcn'),
    ('energyledger.settlement_energy(text,timestamp with time zone,timestamp with time zone,timestamp with time zone)', 'rwoatbcn'),
    ('energyledger.due_slots(timestamp with time zone,interval)', 'rwoatbcn'),
    ('energyledger.lottery_block(timestamp with time zone,integer)', 'rwoatbcn'),
    ('energyledger.charge_slot(text,date,date,timestamp with time zone)', 'rwoatbcn'),
    ('energyledger.charge_pending(text,date,date)', 'rwoatbcn'),
    ('energyledger.contract_prices(text,timestamp with time zone,text)', 'rwoatbcn'),
    ('energyledger.prepaid_state(text)', 'rwoatbcn'),
    -- show hashes of the log, which are for everybody
    ('energyledger.root(bigint)', 'rwoatbcn'),
    ('energyledger.inclusion_proof(bigint,bigint)', 'rwoatbcn'),
    ('energyledger.consistency_proof(bigint,bigint)', 'rwoatbcn'),
    ('energyledger.tile(integer,bigint,integer)', 'rwoatbcn'),
    ('energyledger.log_index(bigint)', 'rwoatbcn'),
    -- ask for the table''s owner or an operator themselves
    ('energyledger.redact(regclass,bigint,name,text)', 'rwoatbcn'),
    ('energyledger.redaction_pending(regclass)', 'rwoatbcn'),
    ('energyledger.block_hash(bigint)', 'rwoatbcn'),
    -- compute
    ('energyledger.solar_position(timestamp with time zone,integer,integer,integer)', 'rwoatbcn'),
    ('energyledger.sun_times(date,text,integer,integer)', 'rwoatbcn'),
    ('energyledger.clear_sky(timestamp with time zone,integer,integer,integer,integer)', 'rwoatbcn'),
    ('energyledger.production_bound(text,timestamp with time zone,timestamp with time zone,bigint,integer,integer,integer,integer,integer,integer[],bigint[],integer,integer,integer,integer,bigint)', 'rwoatbcn'),
    ('energyledger.market_options(energyledger.market,bigint,text)', 'rwoatbcn'),
    ('energyledger.bands_problem(jsonb)', 'rwoatbcn'),
    ('energyledger.posting_text(text)', 'rwoatbcn'),
    ('energyledger.deviation_price(jsonb,bigint,bigint,bigint)', 'rwoatbcn'),
    ('energyledger.deviation_bands(jsonb,text,bigint,bigint)', 'rwoatbcn'),
    ('energyledger.settlement_run_name(integer)', 'rwoatbcn'),
    ('energyledger.conditions_problem(jsonb)', 'rwoatbcn'),
    ('energyledger.vkey(text,bytea)', 'rwoatbcn'),
    ('energyledger.command_text(jsonb)', 'rwoatbcn'),
    ('energyledger.ed25519_verify(bytea,bytea,bytea)', 'rwoatbcn'),
    ('energyledger.p256_verify(bytea,bytea,bytea)', 'rwoatbcn'),
    ('energyledger.leaf_hash(bytea)', 'rwoatbcn'),
    ('energyledger.merkle_root(bytea[])', 'rwoatbcn'),
    ('energyledger.verify_inclusion(bytea,bigint,bigint,bytea[],bytea)', 'rwoatbcn'),
    ('energyledger.verify_consistency(bigint,bigint,bytea[],bytea,bytea)', 'rwoatbcn'),
    ('energyledger.verify_note(text,text)', 'rwoatbcn'),
    ('energyledger.parse_message(bytea)', 'rwoatbcn'),
    ('energyledger.reading_wh(bigint,smallint,text)', 'rwoatbcn'),
    ('energyledger.certificate_step(text,text)', 'rwoatbcn'),
    ('energyledger.identifier_range(text,text)', 'rwoatbcn'),
    ('energyledger.identifier_range(text,text,text)', 'rwoatbcn'),
    ('energyledger.identifier_multirange()', 'rwoatbcn'),
    ('energyledger.identifier_multirange(energyledger.identifier_range)', 'rwoatbcn'),
    ('energyledger.identifier_multirange(energyledger.identifier_range[])', 'rwoatbcn'),
    ('energyledger.storage_in_wh(bigint,integer)', 'rwoatbcn'),
    ('energyledger.consumption_wh(text,timestamp with time zone)', 'rwoatbcn'),
    ('energyledger.certificate_hash(energyledger.certificate_range)', 'rwoatbcn'),
    ('energyledger.emission_mg_per_kwh(text,text,timestamp with time zone)', 'rwoatbcn'),
    ('energyledger.emission_hours(text,timestamp with time zone,timestamp with time zone)', 'rwoatbcn'),
    ('energyledger.emissions(text,timestamp with time zone,timestamp with time zone)', 'rwoatbcn'),
    ('energyledger.certificate_rule_version()', 'rwoatbcn'),
    ('energyledger.register_role(text)', 'rwoatbcn'),
    ('energyledger.day_start(date,text)', 'rwoatbcn'),
    ('energyledger.check_days(date,date)', 'rwoatbcn'),
    ('energyledger.scaled_price(bigint,bigint,bigint)', 'rwoatbcn'),
    ('energyledger.numbers_between(smallint[],integer,integer)', 'rwoatbcn'),
    ('energyledger.window_holds(timestamp without time zone,smallint[],time without time zone,time without time zone,smallint[])', 'rwoatbcn'),
    ('energyledger.slot_boundaries(timestamp with time zone,timestamp with time zone)', 'rwoatbcn'),
    ('energyledger.message_signature_valid(bytea,bytea,text)', 'rwoatbcn'),
    ('energyledger.identifier_valid(text)', 'rwoatbcn'),
    ('energyledger.public_key_valid(bytea,text)', 'rwoatbcn'),
    ('energyledger.decode_public_key(text)', 'rwoatbcn'),
    ('energyledger.decode_ocmf(text)', 'rwoatbcn'),
    ('energyledger.verify_receipt(jsonb,text)', 'rwoatbcn'),
    ('energyledger.receipt_failure(jsonb,text)', 'rwoatbcn'),
    ('energyledger.verify_commitment(bytea,bytea,text)', 'rwoatbcn'),
    ('energyledger.encrypt_to(bytea,bytea)', 'rwoatbcn'),
    ('energyledger.encrypt_to(text,bytea)', 'rwoatbcn'),
    ('energyledger.decrypt_sealed(bytea,bytea,bytea)', 'rwoatbcn'),
    ('energyledger.match_input_hash(energyledger.order_input[],text,jsonb)', 'rwoatbcn'),
    ('energyledger.match_orders(energyledger.order_input[],text,jsonb)', 'rwoatbcn'),
    ('energyledger.match_trades(energyledger.order_input[],text,jsonb)', 'rwoatbcn'),
    ('energyledger.redactable(text)', 'rwoatbcn'),
    ('energyledger.value(energyledger.redactable)', 'rwoatbcn'),
    ('energyledger.is_redacted(energyledger.redactable)', 'rwoatbcn'),
    ('energyledger.commitment(energyledger.redactable)', 'rwoatbcn'),
    ('energyledger.salt(energyledger.redactable)', 'rwoatbcn'),
    ('energyledger.redactable_in(cstring)', 'rwoatbcn'),
    ('energyledger.redactable_out(energyledger.redactable)', 'rwoatbcn'),
    ('energyledger.redactable_send(energyledger.redactable)', 'rwoatbcn'),
    ('energyledger.redactable_recv(internal)', 'rwoatbcn'),
    -- SQL cannot call them
    ('energyledger.ledger_handler(internal)', 'rwoatbcn'),
    ('energyledger.ledger_log_handler(internal)', 'rwoatbcn');

CREATE TEMP TABLE may_select (relation text, letters text);
INSERT INTO may_select VALUES
    ('site', 'rwoatbcn'), ('block', 'rwoatbcn'), ('stat_verify', 'rwoatbcn'),
    ('entry', 'a'), ('event', 'a'), ('leaf', 'a'), ('leaf_run', 'a'), ('subtree', 'a'), ('table_schema', 'a'),
    ('local_incarnation', 'a'), ('ledger_id_seq', ''), ('market_sequence', ''),
    ('party', 'oabc'), ('location', 'oabc'), ('party_current', 'oabc'), ('location_current', 'oabc'),
    ('market', 'roatb'), ('market_current', 'roatb'), ('market_gate', 'roatb'), ('clearing', 'roatb'), ('clearing_prices', 'roatb'),
    ('market_member', 'oatb'), ('market_member_current', 'oatb'), ('market_order', 'oatb'), ('order_cancel', 'oatb'), ('order_refusal', 'oatb'),
    ('order_lapse', 'oatb'), ('trade', 'oatb'), ('open_orders', 'oatb'), ('trades', 'oatb'),
    ('settlement', 'ab'), ('settlement_position', 'ab'), ('settlement_status', 'ab'), ('imbalance', 'ab'),
    ('price', 'oatb'), ('posting', 'ab'), ('party_balance', 'ab'),
    ('tariff_component', 'ab'), ('tariff_current', 'ab'), ('contract', 'ab'), ('contract_current', 'ab'),
    ('charge', 'ab'), ('unbilled_energy', 'ab'), ('payment', 'ab'), ('prepaid_switch', 'ab'),
    ('baseline_exclusion', 'roab'), ('certificate_refusal', 'oac'), ('asset', 'ac'), ('asset_share', 'ac'), ('asset_calibration', 'ac'), ('asset_current', 'ac'),
    ('certificate_device', 'ac'), ('certificate_issue', 'ac'), ('certificate_bundle', 'ac'), ('certificate_event', 'ac'), ('certificate_hold', 'ac'), ('certificate_acceptance', 'ac'),
    ('certificate_sum', 'ac'), ('certificate_holding', 'ac'), ('certificate_balance', 'ac'), ('certificate_claim', 'ac'), ('certificate_claimed', 'ac'), ('weather', 'ac'),
    ('storage_charge', 'ac'), ('storage_discharge', 'ac'), ('storage_allocation', 'ac'), ('storage_content', 'ac'), ('certificate_storage', 'ac'), ('storage_shortfall', 'ac'),
    ('certificate', 'ac'), ('certificate_retirement', 'ac'),
    ('emission_factor', 'rabc'),
    ('biller', 'ab'), ('biller_current', 'ab'), ('invoice', 'ab'), ('invoice_line', 'ab'), ('invoice_posting', 'ab'), ('invoice_check', 'ab'),
    ('meter', 'roabc'), ('meter_current', 'roabc'), ('meter_key', 'roa'), ('meter_key_current', 'roa'),
    ('meter_gap', 'roa'), ('meter_fork', 'roa'), ('meter_clock', 'roa'),
    ('message', 'rabc'), ('reading', 'rabc'), ('meter_register', 'rabc'), ('interval_energy', 'rabc'),
    ('reading_superseded', 'ra'), ('estimate_superseded', 'ra'), ('register_step', 'ra'),
    ('energy_estimate', 'roabc'), ('load_profile', 'roa'), ('register_rollover', 'roabc'),
    ('quarantine', 'oa'), ('quarantine_open', 'oa'), ('quarantine_release', 'oa'),
    ('command', 'a'), ('operator_key', 'oa'), ('command_cancellation', 'oa'), ('command_publication', 'oa'), ('command_ack', 'oa'),
    ('command_state', 'roa'), ('meter_desired', 'roa'), ('meter_actual', 'roa'), ('meter_difference', 'roa'),
    ('resend_request', 'oa'),
    ('bridge_status', 'oa'), ('bridge_state', 'oa');

CREATE FUNCTION letters_of(allowed text[]) RETURNS text LANGUAGE sql AS
    $$ SELECT coalesce(string_agg(letter, '' ORDER BY position(letter IN 'rwoatbcn')), '') FROM role WHERE name = ANY (allowed) $$;

-- What a role's own call or statement ends with: done, or the SQLSTATE.
CREATE FUNCTION tried(role text, query text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('SET LOCAL ROLE %I', role);
    EXECUTE query;
    RESET ROLE;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END $$;

CREATE TEMP TABLE relation AS
    SELECT c.oid, c.relname::text AS name, c.relkind FROM pg_class c
     WHERE c.relnamespace = 'energyledger'::regnamespace AND c.relkind IN ('r', 'v', 'm', 'S', 'p', 'f');

SELECT plan(13 + (SELECT count(*)::int FROM relation) * (SELECT count(*)::int FROM role));

SELECT set_eq(
    $$ SELECT p.oid::regprocedure::text FROM pg_proc p WHERE p.pronamespace = 'energyledger'::regnamespace $$,
    $$ SELECT signature FROM may_execute $$, 'who may execute is decided for every function');
SELECT set_eq($$ SELECT name FROM relation $$, $$ SELECT relation FROM may_select $$,
    'who may read is decided for every table, view and sequence');

SELECT results_eq(
    $$ SELECT signature, letters_of(array_agg(r.name) FILTER (WHERE has_function_privilege(r.name, signature, 'EXECUTE')))
         FROM may_execute, role r GROUP BY 1 ORDER BY 1 $$,
    $$ SELECT signature, letters FROM may_execute ORDER BY 1 $$, 'functions: as decided');
SELECT results_eq(
    $$ SELECT relation, letters_of(array_agg(r.name) FILTER (WHERE has_table_privilege(r.name, 'energyledger.' || relation, 'SELECT')))
         FROM may_select, role r GROUP BY 1 ORDER BY 1 $$,
    $$ SELECT relation, letters FROM may_select ORDER BY 1 $$, 'tables: as decided');
SELECT is_empty(
    $$ SELECT r.name, t.name, p FROM role r, relation t, unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) p
        WHERE t.relkind <> 'S' AND has_table_privilege(r.name, t.oid, p) $$, 'nobody writes to a table');
SELECT is_empty(
    $$ SELECT r.name, t.name, p FROM role r, relation t, unnest(ARRAY['USAGE', 'UPDATE']) p
        WHERE t.relkind = 'S' AND has_sequence_privilege(r.name, t.oid, p) $$, 'nor takes ids');
SELECT results_eq(
    $$ SELECT DISTINCT t.name, a.attname::text, x.grantee::regrole::text, x.privilege_type
         FROM relation t JOIN pg_attribute a ON a.attrelid = t.oid, aclexplode(a.attacl) x ORDER BY 1, 2 $$,
    $$ SELECT t.name, a.attname::text, 'energyledger_operator', 'INSERT' FROM relation t JOIN pg_attribute a ON a.attrelid = t.oid
        WHERE t.name IN ('party', 'location', 'meter', 'meter_key') AND a.attnum > 0
          AND a.attname NOT IN ('ledger_id', 'registered_at', 'message_epoch', 'message_seq') ORDER BY 1, 2 $$,
    'but the operator to the register, and not when nor by which message');
SELECT is_empty($$ SELECT name FROM role WHERE has_schema_privilege(name, 'energyledger', 'CREATE') $$, 'nobody creates in the schema');
SELECT is_empty(
    $$ SELECT r.rolname FROM pg_roles r JOIN role ON name = rolname
        WHERE rolcanlogin OR rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls $$, 'they cannot log in and have no other powers');
SELECT is_empty(
    $$ SELECT m.roleid::regrole, m.member::regrole FROM pg_auth_members m JOIN role ON name IN (m.roleid::regrole::text, m.member::regrole::text) $$,
    'none is a member of another');

-- The same, tried: a catalog that says so is not yet a server that does so.
SELECT is(tried(r.name, format('SELECT FROM energyledger.%I', t.name)),
          CASE WHEN m.letters LIKE '%' || r.letter || '%' THEN 'done' ELSE '42501' END,
          format('%s: SELECT FROM %s', r.name, t.name))
  FROM relation t JOIN may_select m ON m.relation = t.name CROSS JOIN role r ORDER BY r.name, t.name;

-- Somebody with a prepaid contract and no credit, for a team that may send no command but this.
SELECT energyledger.add_tariff_component('role:t', 'x', 'energy', 'role:s', 'EUR', 1) > 0 AS tariff, energyledger.set_contract('role:p', 'role:t', 'UTC', '2025-06-01', prepaid => true) > 0 AS contract,
       energyledger.register_meter('role:3', party => 'role:p') > 0 AS meter \gset

CREATE TEMP TABLE action (name text, query text, letters text, allowed text DEFAULT 'done');
INSERT INTO action (name, query, letters) VALUES
    ('ingest', $$ SELECT * FROM energyledger.ingest(ARRAY['\x00'::bytea]) $$, 'w'),
    ('receipts', $$ SELECT * FROM energyledger.meter_receipts(ARRAY['m']) $$, 'w'),
    ('register a meter', $$ SELECT energyledger.register_meter('role:1', decode(repeat('07', 32), 'hex')) $$, 'o'),
    ('register a fleet', $$ INSERT INTO energyledger.meter (meter) VALUES ('role:2') $$, 'o'),
    ('and its keys', $$ INSERT INTO energyledger.meter_key (meter, public_key, algorithm) VALUES ('role:2', decode(repeat('07', 32), 'hex'), 'Ed25519') $$, 'o'),
    ('some time ago', $$ INSERT INTO energyledger.meter (meter, registered_at) VALUES ('role:2', '2020-01-01') $$, ''),
    ('make an operator''s key', $$ SELECT energyledger.rotate_operator_key() $$, 'o'),
    ('command a meter', $$ SELECT energyledger.send_command('role:0', '{"type": "credit_end"}') $$, 'o'),
    ('publish', $$ SELECT energyledger.commands_published('{}') $$, 'w'),
    ('ask again', $$ SELECT * FROM energyledger.meter_resends() $$, 'w'),
    ('seal', $$ SELECT energyledger.seal() $$, 'o'),
    ('energy', $$ SELECT count(*) FROM energyledger.interval_energy('role:0', '2025-06-01', '2025-06-02') $$, 'rabc'),
    ('what is missing', $$ SELECT count(*) FROM energyledger.missing_intervals('role:0', '2025-06-01', '2025-06-02') $$, 'rabc'),
    ('estimate', $$ SELECT energyledger.estimate('role:0', '2025-06-01', '2025-06-02', 'linear') $$, 'o'),
    ('add a profile', $$ SELECT energyledger.add_profile('role:0', '2025-06-01', '1 hour', '{1}') $$, 'o'),
    ('register a biller', $$ SELECT energyledger.register_biller('role:b', 'Biller') $$, 'b'),
    ('invoice', $$ SELECT energyledger.invoice('role:0', '2025-06-01', '2025-07-01') $$, 'b'),
    ('invoice all', $$ SELECT count(*) FROM energyledger.invoice_all('role:s', '2025-06-01', '2025-07-01') $$, 'b'),
    ('check invoices', $$ SELECT count(*) FROM energyledger.invoice_check $$, 'ab'),
    ('issue certificates', $$ SELECT * FROM energyledger.issue_certificates('{}'::text[], '2025-06-01', '2025-06-02') $$, 'c'),
    ('read who owns an asset', $$ SELECT * FROM energyledger.asset_current, energyledger.meter_owners('role:0') $$, 'ac'),
    ('verify certificates', $$ SELECT * FROM energyledger.verify_certificates() $$, 'ac'),
    ('verify storages', $$ SELECT * FROM energyledger.verify_storage() $$, 'ac'),
    ('declare a rollover', $$ SELECT energyledger.declare_rollover('role:0', '1-0:1.8.0', 1000) $$, 'o'),
    ('add a tariff', $$ SELECT energyledger.add_tariff_component('role:t', 'x', 'energy', 'role:s', 'EUR', 1) $$, 'b'),
    ('make a contract', $$ SELECT energyledger.set_contract('role:q', 'role:t', 'UTC', '2025-06-01') $$, 'b'),
    ('charge', $$ SELECT energyledger.charge('role:p', '2025-06-01', '2025-06-02') $$, 'b'),
    ('what is not charged', $$ SELECT count(*) FROM energyledger.charge_pending('role:p', '2025-06-01', '2025-06-02') $$, 'ab'),
    ('what a kWh costs', $$ SELECT count(*) FROM energyledger.contract_prices('role:p') $$, 'ab'),
    ('record a payment', $$ SELECT energyledger.record_payment('role:q', 'role:s', 1, 'EUR', '2025-06-01', 'x') $$, 'b'),
    ('credit', $$ SELECT energyledger.prepaid_state('role:p') $$, 'ab'),
    ('cut off who has no credit', $$ SELECT energyledger.prepaid_enforce('role:p') $$, 'b'),
    ('rotate the key', $$ SELECT energyledger.rotate_key() $$, 'o'),
    ('reopen', $$ SELECT energyledger.reopen('tried') $$, 'o'),
    ('verify', $$ SELECT * FROM energyledger.verify() $$, 'a'),
    ('export', $$ SELECT count(*) FROM energyledger.export() $$, 'a'),
    ('proofs', $$ SELECT energyledger.root(1), energyledger.inclusion_proof(0, 1), energyledger.consistency_proof(1, 1), energyledger.tile(0, 0, 1) $$, 'rwoatbcn'),
    ('receipt', format($$ SELECT energyledger.receipt(%s) $$, :row_id), 'roabc'),
    ('redact', format($$ SELECT energyledger.redact('energyledger.meter', %s, 'party', 'tried') $$, :row_id), 'o'),
    ('redacted yet?', $$ SELECT energyledger.redaction_pending('energyledger.meter') $$, 'o'),
    ('checkpoint', $$ SELECT energyledger.checkpoint() $$, 'rwoatbcn'),
    ('keys', $$ SELECT * FROM energyledger.site_vkeys() $$, 'rwoatbcn'),
    ('INSERT', $$ INSERT INTO energyledger.quarantine_release VALUES (1, 'accepted', 'm', 1, 1, 'x', 'x', now()) $$, ''),
    ('UPDATE', $$ UPDATE energyledger.reading SET value = 0 $$, ''),
    ('DELETE', $$ DELETE FROM energyledger.entry $$, ''),
    ('write to the log', $$ INSERT INTO energyledger.leaf_run DEFAULT VALUES $$, ''),
    ('nextval', $$ SELECT nextval('energyledger.ledger_id_seq') $$, ''),
    ('restore mode', $$ SET energyledger.restore_mode = on $$, ''),
    ('where the key is', $$ SHOW energyledger.signing_key_file $$, '');
-- This transaction has written, so there are no receipts in it; the right to ask was there.
UPDATE action SET allowed = '25001' WHERE name = 'receipts';
-- The column cannot be redacted; the right to was there.
UPDATE action SET allowed = '42809' WHERE name = 'redact';
SELECT results_eq(
    $$ SELECT a.name, r.name, tried(r.name, a.query) FROM action a, role r ORDER BY 1, 2 $$,
    $$ SELECT a.name, r.name, CASE WHEN a.letters LIKE '%' || r.letter || '%' THEN a.allowed ELSE '42501' END
         FROM action a, role r ORDER BY 1, 2 $$, 'actions: as decided');

SELECT results_eq($$ SELECT command FROM energyledger.command WHERE meter = 'role:3' $$, $$ VALUES ('{"type":"relay","relay":1,"on":false}') $$, 'billing has switched off, once');

-- A role of the user's own gets them by membership, and nothing comes with them.
CREATE ROLE energyledger_bridge LOGIN IN ROLE energyledger_writer;
SELECT results_eq(
    $$ SELECT tried('energyledger_bridge', query) FROM action WHERE name IN ('ingest', 'register a meter', 'verify') ORDER BY name $$,
    $$ VALUES ('done'), ('42501'), ('42501') $$, 'a member of energyledger_writer');

SELECT * FROM finish();
ROLLBACK;
