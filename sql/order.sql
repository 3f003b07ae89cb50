/*
 * order.sql: taking orders and cancellations, from roles and from signed messages.
 *
 * An order is held against the market's rules and its party's limits under the
 * market's lock, which orders share and a clearing has alone (market.sql).
 */

CREATE FUNCTION energyledger.conditions_problem(conditions jsonb)
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    c record;
    plain integer := 0;
BEGIN
    IF jsonb_typeof(conditions) <> 'array' OR jsonb_array_length(conditions) NOT BETWEEN 1 AND 16 THEN
        RETURN 'Conditions must be an array of 1 to 16 objects.';
    END IF;
    FOR c IN
        SELECT e.n, e.condition, jsonb_typeof(e.condition) AS type FROM jsonb_array_elements(conditions) WITH ORDINALITY e(condition, n)
    LOOP
        IF c.type <> 'object' THEN
            RETURN format('Condition %s is no object.', c.n);
        END IF;
        IF EXISTS (SELECT FROM jsonb_object_keys(c.condition) k WHERE k NOT IN ('partner', 'source', 'zone', 'energy_wh', 'limit_price_micro_per_kwh')) THEN
            RETURN format('Condition %s has a member other than partner, source, zone, energy_wh and limit_price_micro_per_kwh.', c.n);
        END IF;
        IF EXISTS (SELECT FROM jsonb_each(c.condition) m WHERE m.key IN ('partner', 'source', 'zone')
                      AND (jsonb_typeof(m.value) <> 'string' OR octet_length(m.value #>> '{}') NOT BETWEEN 1 AND 1000)) THEN
            RETURN format('Partner, source and zone of condition %s must be texts of 1 to 1000 bytes.', c.n);
        END IF;
        IF EXISTS (SELECT FROM jsonb_each(c.condition) m WHERE m.key IN ('energy_wh', 'limit_price_micro_per_kwh')
                      AND (jsonb_typeof(m.value) <> 'number' OR m.value::text !~ '^-?[0-9]{1,15}$')) OR c.condition -> 'energy_wh' <= '0' THEN
            RETURN format('Energy and price of condition %s must be whole numbers, energy above 0.', c.n);
        END IF;
        plain := plain + (NOT c.condition ?| ARRAY['partner', 'source', 'zone'])::int;
    END LOOP;
    IF plain > 1 THEN
        RETURN 'Only one condition may name neither partner, source nor zone.';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION energyledger.conditions_problem(jsonb) IS
'What is wrong with the conditions of an order, in words; NULL: nothing. conditions: an array of 1 to 16 objects with any of partner, source, zone (texts of 1 to 1000 bytes), energy_wh (above 0) and limit_price_micro_per_kwh; one at most names none of the first three. No errors. Rule: doc/market.md.';

-- no setting of its own: it is expanded into the statements that call it
CREATE FUNCTION energyledger.order_cost(
    side text, limit_price_micro_per_kwh bigint, partner_price_micro_per_kwh bigint, conditions jsonb, price_min_micro_per_kwh bigint, price_max_micro_per_kwh bigint)
RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE side
        WHEN 'bid' THEN greatest(0, coalesce((SELECT max(coalesce((c ->> 'limit_price_micro_per_kwh')::bigint, limit_price_micro_per_kwh, price_max_micro_per_kwh)) FROM jsonb_array_elements(conditions) c),
                                             limit_price_micro_per_kwh, price_max_micro_per_kwh), partner_price_micro_per_kwh)
        ELSE greatest(0, -coalesce((SELECT min(coalesce((c ->> 'limit_price_micro_per_kwh')::bigint, limit_price_micro_per_kwh, price_min_micro_per_kwh)) FROM jsonb_array_elements(conditions) c),
                                   limit_price_micro_per_kwh, price_min_micro_per_kwh), -partner_price_micro_per_kwh) END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.order_cost(text, bigint, bigint, jsonb, bigint, bigint) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.order_cost(text, bigint, bigint, jsonb, bigint, bigint) IS
'The most that a kWh of an order may cost whoever placed it, in micro-currency: a bid''s highest limit, or what an ask with a limit below zero may have to pay; 0 where it cannot cost anything. '
'side; limit, price for a partner and conditions of the order; lowest and highest price of the market: taken for orders at any price. For functions of the extension. No errors.';

CREATE FUNCTION energyledger.member_exposure(market text, party text, currency text, price_min_micro_per_kwh bigint, price_max_micro_per_kwh bigint)
RETURNS numeric
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH settled AS (
        SELECT coalesce((SELECT s.slot FROM energyledger.settlement s WHERE s.market = $1 ORDER BY s.slot DESC LIMIT 1) - interval '2 days', '-infinity') AS before),
    own AS (
        SELECT o.ledger_id, o.slot, o.side,
               o.energy_wh::numeric * energyledger.order_cost(o.side, o.limit_price_micro_per_kwh, o.partner_price_micro_per_kwh, o.conditions, $4, $5) AS cost_nano
          FROM energyledger.market_order o, settled
         WHERE o.party = $2 AND o.market = $1 AND o.slot > settled.before
           AND NOT EXISTS (SELECT FROM energyledger.order_cancel x WHERE x.order_id = o.ledger_id)
           AND NOT EXISTS (SELECT FROM energyledger.settlement s WHERE s.market = $1 AND s.slot = o.slot)),
    -- what a sale brings is not counted before it is delivered, what it costs is
    traded AS (
        SELECT o.ledger_id, sum(t.energy_wh::numeric * t.buyer_price_micro_per_kwh) AS cost_nano
          FROM own o JOIN energyledger.trade t ON t.market = $1 AND t.slot = o.slot AND t.bid_id = o.ledger_id WHERE o.side = 'bid'
         GROUP BY 1
        UNION ALL
        SELECT o.ledger_id, sum(t.energy_wh::numeric * greatest(0, -t.price_micro_per_kwh))
          FROM own o JOIN energyledger.trade t ON t.market = $1 AND t.slot = o.slot AND t.ask_id = o.ledger_id WHERE o.side = 'ask'
         GROUP BY 1)
    SELECT coalesce((SELECT sum(CASE WHEN EXISTS (SELECT FROM energyledger.clearing c WHERE c.market = $1 AND c.slot = o.slot AND c.method <> 'continuous')
                                     THEN coalesce(t.cost_nano, 0) ELSE o.cost_nano END)
                       FROM own o LEFT JOIN traded t USING (ledger_id)), 0)
         - coalesce((SELECT sum(p.amount_nano::numeric) FROM energyledger.posting p WHERE p.payee = $2 AND p.currency = $3), 0)
         + coalesce((SELECT sum(p.amount_nano::numeric) FROM energyledger.posting p WHERE p.payer = $2 AND p.currency = $3), 0)
$$;
REVOKE EXECUTE ON FUNCTION energyledger.member_exposure(text, text, text, bigint, bigint) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.member_exposure(text, text, text, bigint, bigint) IS
'What a member may come to owe, in nano-currency: what it owes by postings in the market''s currency, what its trades cost in slots that are not settled, and the highest cost of its orders that are not cleared. market, party, currency; price_min_micro_per_kwh, price_max_micro_per_kwh: taken for asks and bids at any price. '
'Slots count from two days before the newest that is settled. For functions of the extension. No errors.';

CREATE FUNCTION energyledger.take_order(
    market text, slot timestamptz, side text, party text, energy_wh bigint, limit_price_micro_per_kwh bigint, kind text,
    valid_until timestamptz, zone text, source text, partner text, partner_price_micro_per_kwh bigint, conditions jsonb,
    meter text, epoch bigint, seq bigint,
    OUT order_id bigint, OUT reason text, OUT detail text)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    rules energyledger.market;
    member energyledger.market_member;
    device energyledger.meter;
    own text;
    gate timestamptz;
    at timestamptz;
    most bigint;
    used numeric;
    price bigint;
BEGIN
    PERFORM energyledger.market_lock(market, false);
    SELECT r.* INTO rules FROM energyledger.market_rules(market, slot) r;
    IF NOT FOUND THEN
        reason := 'unknown_market';
        detail := format('There is no market "%s" at %s.', market, slot);
        RETURN;
    END IF;
    IF NOT isfinite(slot) OR date_bin(make_interval(mins => rules.slot_minutes), slot, 'epoch') <> slot THEN
        reason := 'no_slot';
        detail := format('Slots begin at multiples of %s minutes in UTC, none at %s.', rules.slot_minutes, slot);
        RETURN;
    END IF;
    at := clock_timestamp();
    gate := energyledger.gate_closes_at(market, slot);
    -- a continuous market has clearings before its gate closes
    IF at >= gate OR (rules.method <> 'continuous' AND EXISTS (SELECT FROM energyledger.clearing c WHERE c.market = take_order.market AND c.slot = take_order.slot)) THEN
        reason := 'closed_gate';
        detail := format('The gate closed at %s.', gate);
        RETURN;
    END IF;
    IF NOT rules.open THEN
        reason := 'closed_market';
        detail := 'The market takes no orders.';
        RETURN;
    END IF;
    IF slot > at + interval '366 days' THEN
        reason := 'no_slot';
        detail := 'Orders are taken from 366 days before their slot.';
        RETURN;
    END IF;
    IF meter IS NOT NULL THEN
        SELECT m.* INTO device FROM energyledger.meter m WHERE m.meter = take_order.meter ORDER BY m.registered_at DESC, m.ledger_id DESC LIMIT 1;
        party := device.party;
    END IF;
    IF party IS NULL OR NOT EXISTS (SELECT FROM energyledger.party p WHERE p.party = take_order.party) THEN
        reason := 'unknown_party';
        detail := CASE WHEN meter IS NULL THEN format('Party "%s" is not registered.', party)
                       WHEN party IS NULL THEN format('Device "%s" is of no party.', meter)
                       ELSE format('Party "%s" of device "%s" is not registered.', party, meter) END;
        RETURN;
    END IF;
    SELECT m.* INTO member FROM energyledger.market_member m
     WHERE m.market = take_order.market AND m.party = take_order.party ORDER BY m.recorded_at DESC, m.ledger_id DESC LIMIT 1;
    IF NOT FOUND OR NOT member.active THEN
        reason := 'no_member';
        detail := format('Party "%s" takes no part in market "%s".', party, market);
        RETURN;
    END IF;
    IF side IS NULL OR side NOT IN ('bid', 'ask') THEN
        reason := 'bad_side';
        detail := format('Side "%s" is neither bid nor ask.', side);
        RETURN;
    END IF;
    IF energy_wh IS NULL OR energy_wh <= 0 OR energy_wh > rules.order_max_wh OR energy_wh % rules.energy_step_wh <> 0 THEN
        reason := 'bad_energy';
        detail := format('Energy of %s Wh is not a multiple of %s Wh from that to %s Wh.', energy_wh, rules.energy_step_wh, rules.order_max_wh);
        RETURN;
    END IF;
    FOREACH price IN ARRAY ARRAY[limit_price_micro_per_kwh, partner_price_micro_per_kwh]
        || ARRAY(SELECT (c ->> 'limit_price_micro_per_kwh')::bigint
                   FROM jsonb_array_elements(CASE WHEN energyledger.conditions_problem(conditions) IS NULL THEN conditions END) c) LOOP
        IF price % rules.price_step_micro_per_kwh <> 0 OR price NOT BETWEEN rules.price_min_micro_per_kwh AND rules.price_max_micro_per_kwh THEN
            reason := 'bad_price';
            detail := format('Price %s is not a multiple of %s from %s to %s micro-%s per kWh.', price, rules.price_step_micro_per_kwh,
                             rules.price_min_micro_per_kwh, rules.price_max_micro_per_kwh, rules.currency);
            RETURN;
        END IF;
    END LOOP;
    IF kind IS NULL OR kind NOT IN ('limit', 'immediate_or_cancel', 'all_or_none') OR (kind = 'all_or_none' AND rules.method <> 'continuous') THEN
        reason := 'bad_kind';
        detail := CASE kind WHEN 'all_or_none' THEN 'Orders that trade whole or not at all are for continuous markets.'
                            ELSE format('Kind "%s" is neither limit, immediate_or_cancel nor all_or_none.', kind) END;
        RETURN;
    END IF;
    IF valid_until <= at THEN
        reason := 'expired';
        detail := format('It was valid until %s.', valid_until);
        RETURN;
    END IF;
    IF partner IS NOT NULL AND (rules.method = 'continuous' OR partner = party OR NOT energyledger.identifier_valid(partner)) THEN
        reason := 'bad_partner';
        detail := CASE WHEN partner = party THEN 'It names itself.' WHEN rules.method = 'continuous' THEN 'A continuous market knows no partners.'
                       ELSE format('"%s" is no party.', partner) END;
        RETURN;
    END IF;
    IF conditions IS NOT NULL THEN
        detail := CASE WHEN rules.method = 'continuous' THEN 'A continuous market knows no conditions.'
                       WHEN rules.options ->> 'order' = 'gsy' THEN 'The order of the gsy-framework knows no conditions.'
                       ELSE energyledger.conditions_problem(conditions) END;
        IF detail IS NOT NULL THEN
            reason := 'bad_conditions';
            RETURN;
        END IF;
    END IF;

    -- where it is, and what makes it, are what is registered, not what is said
    IF zone IS NULL THEN
        zone := coalesce(CASE WHEN rules.zones IS NOT NULL THEN device.grid_zone END, member.zone);
    END IF;
    IF (rules.zones IS NULL) <> (zone IS NULL)
       OR (zone IS NOT NULL AND NOT EXISTS (SELECT FROM jsonb_array_elements(rules.zones) z WHERE z ->> 'zone' = take_order.zone))
       OR (zone IS NOT NULL AND zone IS DISTINCT FROM member.zone
           AND NOT EXISTS (SELECT FROM energyledger.meter_current m WHERE m.party = take_order.party AND m.grid_zone = take_order.zone)) THEN
        reason := 'bad_zone';
        detail := CASE WHEN rules.zones IS NULL THEN 'The market has one zone.'
                       WHEN zone IS NULL THEN 'Neither the order, its device nor the member names a zone.'
                       ELSE format('Zone "%s" is not one of the market in which the party has a meter.', zone) END;
        RETURN;
    END IF;
    IF side = 'ask' THEN
        IF source IS NULL THEN
            source := device.technology;
        ELSIF source IS DISTINCT FROM device.technology
              AND NOT EXISTS (SELECT FROM energyledger.meter_current m WHERE m.party = take_order.party AND m.technology = take_order.source) THEN
            reason := 'bad_source';
            detail := format('The party has no meter of technology "%s".', source);
            RETURN;
        END IF;
    ELSIF source IS NOT NULL THEN
        reason := 'bad_source';
        detail := 'A bid has no source.';
        RETURN;
    END IF;

    most := CASE side WHEN 'bid' THEN member.bid_limit_wh ELSE member.ask_limit_wh END;
    price := energyledger.order_cost(side, limit_price_micro_per_kwh, partner_price_micro_per_kwh, conditions, rules.price_min_micro_per_kwh, rules.price_max_micro_per_kwh);
    IF most IS NOT NULL OR member.credit_limit_nano IS NOT NULL THEN
        PERFORM energyledger.parties_lock(ARRAY[party]);
    END IF;
    IF most IS NOT NULL THEN
        SELECT coalesce(sum(o.energy_wh::numeric), 0) INTO used FROM energyledger.market_order o
         WHERE o.party = take_order.party AND o.market = take_order.market AND o.slot = take_order.slot AND o.side = take_order.side
           AND NOT EXISTS (SELECT FROM energyledger.order_cancel x WHERE x.order_id = o.ledger_id);
        IF used + energy_wh > most THEN
            reason := 'capacity_limit';
            detail := format('%s Wh are in orders; with %s Wh they are more than the limit of %s Wh.', used, energy_wh, most);
            RETURN;
        END IF;
    END IF;
    -- (an ask that costs nothing makes no debt greater)
    IF member.credit_limit_nano IS NOT NULL AND (side = 'bid' OR price > 0) THEN
        used := energyledger.member_exposure(market, party, rules.currency, rules.price_min_micro_per_kwh, rules.price_max_micro_per_kwh);
        IF used + energy_wh::numeric * price > member.credit_limit_nano THEN
            reason := 'credit_limit';
            detail := format('With this order it might owe %s nano-%s; its limit is %s.', used + energy_wh::numeric * price, rules.currency, member.credit_limit_nano);
            RETURN;
        END IF;
    END IF;

    INSERT INTO energyledger.market_order AS o (market, slot, side, party, energy_wh, limit_price_micro_per_kwh, kind, valid_until, zone, source,
        partner, partner_price_micro_per_kwh, conditions, received_at, meter, epoch, seq, placed_by)
    VALUES (market, slot, side, party, energy_wh, limit_price_micro_per_kwh, kind, valid_until, zone, source,
        partner, partner_price_micro_per_kwh, conditions, at, meter, epoch, seq,
        CASE WHEN meter IS NULL THEN coalesce(nullif(current_setting('role'), 'none'), session_user) END)
    RETURNING o.ledger_id INTO order_id;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.take_order(text, timestamptz, text, text, bigint, bigint, text, timestamptz, text, text, text, bigint, jsonb, text, bigint, bigint) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.take_order(text, timestamptz, text, text, bigint, bigint, text, timestamptz, text, text, text, bigint, jsonb, text, bigint, bigint) IS
'Takes an order, or says why not: reason is a code of doc/market.md. For functions of the extension: arguments as place_order(), and the message of a signed one.';

CREATE FUNCTION energyledger.place_order(
    market text,
    party text,
    slot timestamptz,
    side text,
    energy_wh bigint,
    limit_price_micro_per_kwh bigint DEFAULT NULL,
    kind text DEFAULT 'limit',
    valid_until timestamptz DEFAULT NULL,
    zone text DEFAULT NULL,
    source text DEFAULT NULL,
    partner text DEFAULT NULL,
    partner_price_micro_per_kwh bigint DEFAULT NULL,
    conditions jsonb DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    taken record;
BEGIN
    IF num_nulls(market, party, slot, side, energy_wh, kind) > 0 THEN
        RAISE EXCEPTION 'market, party, slot, side, energy_wh and kind of an order must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    SELECT * INTO taken FROM energyledger.take_order(market, slot, side, party, energy_wh, limit_price_micro_per_kwh, kind, valid_until, zone, source,
        partner, partner_price_micro_per_kwh, conditions, NULL, NULL, NULL);
    IF taken.reason IS NOT NULL THEN
        RAISE EXCEPTION 'order of party "%" is refused: %', party, taken.reason
            USING DETAIL = taken.detail,
                  ERRCODE = CASE WHEN taken.reason IN ('unknown_market', 'unknown_party') THEN 'no_data_found'
                                 WHEN taken.reason IN ('closed_gate', 'closed_market', 'no_member', 'expired') THEN 'object_not_in_prerequisite_state'
                                 WHEN taken.reason IN ('capacity_limit', 'credit_limit') THEN 'program_limit_exceeded'
                                 ELSE 'invalid_parameter_value' END;
    END IF;
    RETURN taken.order_id;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.place_order(text, text, timestamptz, text, bigint, bigint, text, timestamptz, text, text, text, bigint, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.place_order(text, text, timestamptz, text, bigint, bigint, text, timestamptz, text, text, text, bigint, jsonb) IS
'Places an order for a party. market; party: a member; slot: its beginning; side: bid or ask; energy_wh: above 0; limit_price_micro_per_kwh: a bid''s highest, an ask''s lowest, may be negative, NULL: at any price; '
'kind: limit, or in continuous markets immediate_or_cancel or all_or_none; valid_until: it lapses then; zone: where the party has a meter, NULL: the member''s; source: of an ask, technology of a meter of the party; '
'partner, partner_price_micro_per_kwh: party to trade with first, and at which price; conditions: it trades only by one of these, [{"partner", "source", "zone", "energy_wh", "limit_price_micro_per_kwh"}, ...] (doc/market.md). '
'Result: the order''s number. Errors: 22004 for NULL where the default is none; else the message ends with the reason''s code, the detail says more: P0002 unknown_market, unknown_party; 55000 closed_gate, closed_market, no_member, expired; '
'54000 capacity_limit, credit_limit; 22023 no_slot, bad_side, bad_energy, bad_price, bad_kind, bad_zone, bad_source, bad_partner, bad_conditions; 25000 in other isolation levels than READ COMMITTED.';

CREATE FUNCTION energyledger.take_cancel(
    order_id bigint, meter text, epoch bigint, seq bigint,
    OUT market text, OUT slot timestamptz, OUT reason text, OUT detail text)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    o energyledger.market_order;
    gate timestamptz;
    at timestamptz;
BEGIN
    SELECT x.* INTO o FROM energyledger.market_order x WHERE x.ledger_id = take_cancel.order_id;
    IF NOT FOUND THEN
        reason := 'unknown_order';
        detail := 'There is no such order.';
        RETURN;
    END IF;
    market := o.market;
    slot := o.slot;
    PERFORM energyledger.market_lock(o.market, false);
    at := clock_timestamp();
    gate := energyledger.gate_closes_at(o.market, o.slot);
    IF at >= gate OR EXISTS (SELECT FROM energyledger.clearing c WHERE c.market = o.market AND c.slot = o.slot AND c.method <> 'continuous') THEN
        reason := 'closed_gate';
        detail := format('The gate closed at %s.', gate);
        RETURN;
    END IF;
    INSERT INTO energyledger.order_cancel (order_id, market, slot, received_at, meter, epoch, seq, cancelled_by)
    VALUES (order_id, o.market, o.slot, at, meter, epoch, seq, CASE WHEN meter IS NULL THEN coalesce(nullif(current_setting('role'), 'none'), session_user) END)
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        reason := 'cancelled_before';
        detail := 'The order was cancelled before.';
    END IF;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.take_cancel(bigint, text, bigint, bigint) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.take_cancel(bigint, text, bigint, bigint) IS
'Cancels an order, or says why not. For functions of the extension: the order''s number, and the message of a signed cancellation.';

CREATE FUNCTION energyledger.cancel_order(order_id bigint)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    taken record;
BEGIN
    IF order_id IS NULL THEN
        RAISE EXCEPTION 'argument "order_id" must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    SELECT * INTO taken FROM energyledger.take_cancel(order_id, NULL, NULL, NULL);
    IF taken.reason IS NOT NULL THEN
        RAISE EXCEPTION 'order % cannot be cancelled: %', order_id, taken.reason
            USING DETAIL = taken.detail, ERRCODE = CASE taken.reason WHEN 'unknown_order' THEN 'no_data_found' ELSE 'object_not_in_prerequisite_state' END;
    END IF;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.cancel_order(bigint) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.cancel_order(bigint) IS
'Takes an order back before its slot is cleared; in a continuous market what has not traded. order_id: its number. Errors: 22004 for NULL, P0002 unknown_order, 55000 closed_gate, cancelled_before, 25000 in other isolation levels than READ COMMITTED.';

-- ---------------------------------------------------------------- signed ones

CREATE FUNCTION energyledger.lock_orders(markets text[], meters text[])
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM energyledger.market_lock(m.market, false) FROM (SELECT DISTINCT u.market COLLATE "C" AS market FROM unnest(markets) u(market) ORDER BY 1) m;
    PERFORM energyledger.parties_lock(coalesce((SELECT array_agg(DISTINCT c.party) FROM energyledger.meter_current c WHERE c.meter = ANY (meters) AND c.party IS NOT NULL), '{}'));
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.lock_orders(text[], text[]) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.lock_orders(text[], text[]) IS
'Takes the locks that a batch of signed orders needs, in the one sequence in which all batches take them. For functions of the extension.';

CREATE FUNCTION energyledger.take_signed_order(
    meter text, epoch bigint, seq bigint, market text, slot timestamptz, side text, energy_wh bigint, limit_price_micro_per_kwh bigint, kind text,
    valid_until timestamptz, partner text, partner_price_micro_per_kwh bigint, conditions jsonb)
RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    taken record;
BEGIN
    SELECT * INTO taken FROM energyledger.take_order(market, slot, side, NULL, energy_wh, limit_price_micro_per_kwh, kind, valid_until, NULL, NULL,
        partner, partner_price_micro_per_kwh, conditions, meter, epoch, seq);
    IF taken.reason IS NOT NULL THEN
        INSERT INTO energyledger.order_refusal (meter, epoch, seq, type, market, slot, reason, detail, refused_at)
        VALUES (meter, epoch, seq, 'order', market, slot, taken.reason, taken.detail, clock_timestamp());
    END IF;
    RETURN taken.reason;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.take_signed_order(text, bigint, bigint, text, timestamptz, text, bigint, bigint, text, timestamptz, text, bigint, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.take_signed_order(text, bigint, bigint, text, timestamptz, text, bigint, bigint, text, timestamptz, text, bigint, jsonb) IS
'Takes the order of a signed message, or writes down why not. For ingest(): arguments as place_order(), and the message; its party is the device''s.';

CREATE FUNCTION energyledger.take_signed_cancel(meter text, epoch bigint, seq bigint, of_epoch bigint, of_seq bigint)
RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    order_id bigint;
    taken record;
BEGIN
    SELECT o.ledger_id INTO order_id FROM energyledger.market_order o
     WHERE o.meter = take_signed_cancel.meter AND o.epoch = of_epoch AND o.seq = of_seq;
    SELECT * INTO taken FROM energyledger.take_cancel(order_id, meter, epoch, seq);
    IF taken.reason IS NOT NULL THEN
        INSERT INTO energyledger.order_refusal (meter, epoch, seq, type, market, slot, reason, detail, refused_at)
        VALUES (meter, epoch, seq, 'cancel', taken.market, taken.slot, taken.reason, taken.detail, clock_timestamp());
    END IF;
    RETURN taken.reason;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.take_signed_cancel(text, bigint, bigint, bigint, bigint) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.take_signed_cancel(text, bigint, bigint, bigint, bigint) IS
'Takes the cancellation of a signed message, or writes down why not. For ingest(): the message, and that of the order, of the same device.';
