/*
 * market_make.sql: a market's rules: which hold for a slot, and writing them; its members,
 * its gates, and the locks under which all of it is done.
 */

-- ---------------------------------------------------------------- rules of a slot

CREATE VIEW energyledger.market_current AS
    SELECT DISTINCT ON (m.market) m.*
      FROM energyledger.market m
     WHERE m.applies_from <= now()
     ORDER BY m.market, m.applies_from DESC, m.recorded_at DESC, m.ledger_id DESC;
COMMENT ON VIEW energyledger.market_current IS 'what counts of each market for a slot that begins now';

CREATE VIEW energyledger.market_member_current AS
    SELECT DISTINCT ON (m.market, m.party) m.*
      FROM energyledger.market_member m
     ORDER BY m.market, m.party, m.recorded_at DESC, m.ledger_id DESC;
COMMENT ON VIEW energyledger.market_member_current IS 'what counts of each member of a market: its newest row';

-- What is said of a view's columns is said of the tables'.
DO $$
DECLARE
    c record;
BEGIN
    FOR c IN
        SELECT v.attrelid::regclass AS view, v.attname, col_description(t.attrelid, t.attnum) AS said
          FROM (VALUES ('market'), ('market_member')) n(name)
          JOIN pg_attribute t ON t.attrelid = ('energyledger.' || n.name)::regclass AND t.attnum > 0 AND NOT t.attisdropped
          JOIN pg_attribute v ON v.attrelid = ('energyledger.' || n.name || '_current')::regclass AND v.attname = t.attname
    LOOP
        EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', c.view, c.attname, c.said);
    END LOOP;
END
$$;

CREATE FUNCTION energyledger.market_rules(market text, slot timestamptz)
RETURNS SETOF energyledger.market
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT m.* FROM energyledger.market m
     WHERE m.market = $1 AND m.applies_from <= $2
     ORDER BY m.applies_from DESC, m.recorded_at DESC, m.ledger_id DESC LIMIT 1
$$;
COMMENT ON FUNCTION energyledger.market_rules(text, timestamptz) IS
'The rules of a market for the slot that begins at a time: the row of market with the latest applies_from that is not after it, of several the newest. No row where there is none, or for NULL. Needs SELECT on market. No errors.';

CREATE FUNCTION energyledger.gate_closes_at(market text, slot timestamptz)
RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT least(r.slot_gate, (SELECT g.closed_at FROM energyledger.market_gate g WHERE g.market = $1 AND g.slot = $2))
      FROM (SELECT $2 - make_interval(mins => m.gate_closure_minutes) AS slot_gate FROM energyledger.market_rules($1, $2) m) r
$$;
COMMENT ON FUNCTION energyledger.gate_closes_at(text, timestamptz) IS
'When the gate of a slot closes or closed: orders are taken before it. market, slot: its beginning. NULL where there is no such market, or for NULL. Needs SELECT on market and market_gate. No errors.';

CREATE FUNCTION energyledger.market_lock(market text, exclusive boolean)
RETURNS void
LANGUAGE C VOLATILE STRICT
AS 'MODULE_PATHNAME', 'energyledger_market_lock';
REVOKE EXECUTE ON FUNCTION energyledger.market_lock(text, boolean) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.market_lock(text, boolean) IS
'Locks a market to the end of the transaction: shared, as whoever takes orders does, or exclusive, as whoever clears or changes it. For functions of the extension. Errors: 25000 in other isolation levels than READ COMMITTED.';

CREATE FUNCTION energyledger.parties_lock(parties text[])
RETURNS void
LANGUAGE C VOLATILE STRICT
AS 'MODULE_PATHNAME', 'energyledger_parties_lock';
REVOKE EXECUTE ON FUNCTION energyledger.parties_lock(text[]) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.parties_lock(text[]) IS
'Locks parties to the end of the transaction, so that two orders of one are not held against its limits at a time. Parties share 256 locks, which are taken in their sequence. For functions of the extension. Errors: 22004 for a NULL element, 25000 in other isolation levels than READ COMMITTED.';

-- ---------------------------------------------------------------- making them

CREATE FUNCTION energyledger.market_options(rules energyledger.market, reference_price_micro_per_kwh bigint, lottery text)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT ((rules).options - 'lottery')
        || CASE WHEN lottery IS NULL THEN '{}' ELSE jsonb_build_object('lottery', lottery) END
        || CASE WHEN reference_price_micro_per_kwh IS NULL OR (rules).method = 'continuous' OR ((rules).zones IS NOT NULL AND (rules).method = 'pay_as_clear') THEN '{}'
                ELSE jsonb_build_object('reference_price', reference_price_micro_per_kwh) END
        || CASE WHEN (rules).zones IS NULL THEN '{}'
                ELSE jsonb_build_object('zones', (SELECT jsonb_agg(z.zone - 'operator' ORDER BY z.n)
                                                    FROM jsonb_array_elements((rules).zones) WITH ORDINALITY z(zone, n))) END
        || CASE WHEN (rules).zones IS NULL OR (rules).method <> 'pay_as_clear' THEN '{}'
                ELSE jsonb_build_object('price_min', (rules).price_min_micro_per_kwh, 'price_max', (rules).price_max_micro_per_kwh) END
        || CASE WHEN (rules).lines IS NULL THEN '{}' ELSE jsonb_build_object('lines', (rules).lines) END
$$;
COMMENT ON FUNCTION energyledger.market_options(energyledger.market, bigint, text) IS
'Options of match_orders() that a market''s rules come to. rules: a row of market; reference_price_micro_per_kwh: of the slot, NULL: none; lottery: 64 hexadecimal digits, NULL: none. No errors.';

CREATE FUNCTION energyledger.bands_problem(bands jsonb)
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    b record;
    last_ppm numeric := 0;
    last_wh numeric := 0;
    last_side text := '';
    ended boolean := false;
BEGIN
    IF bands IS NULL OR jsonb_typeof(bands) <> 'array' OR jsonb_array_length(bands) > 100 THEN
        RETURN 'They must be an array of at most 100 objects.';
    END IF;
    IF EXISTS (SELECT FROM jsonb_array_elements(bands) e WHERE jsonb_typeof(e) <> 'object') THEN
        RETURN 'An element is no object.';
    END IF;
    FOR b IN
        SELECT e.n, e.band, e.band ->> 'side' AS side, e.band -> 'up_to_ppm' AS ppm, e.band -> 'up_to_wh' AS wh, e.band -> 'multiplier_ppm' AS multiplier,
               (SELECT k FROM jsonb_object_keys(e.band) k WHERE k NOT IN ('side', 'up_to_ppm', 'up_to_wh', 'multiplier_ppm', 'price') LIMIT 1) AS unknown
          FROM jsonb_array_elements(bands) WITH ORDINALITY e(band, n) ORDER BY e.band ->> 'side', e.n
    LOOP
        IF b.unknown IS NOT NULL THEN
            RETURN format('Band %s has a member "%s".', b.n, b.unknown);
        END IF;
        IF b.side IS NULL OR b.side NOT IN ('short', 'long') OR coalesce(b.band ->> 'price', '') NOT IN ('buy', 'sell', 'reference') THEN
            RETURN format('Band %s needs a side, short or long, and a price: buy, sell or reference.', b.n);
        END IF;
        IF EXISTS (SELECT FROM (VALUES (b.ppm), (b.wh), (b.multiplier)) v(n)
                    WHERE v.n IS NOT NULL AND (jsonb_typeof(v.n) <> 'number' OR v.n::text !~ '^[0-9]{1,13}$'))
           OR b.multiplier IS NULL OR b.multiplier::text::bigint > 1000000000 THEN
            RETURN format('Numbers of band %s must be whole and not below zero, multiplier_ppm one of 0 to 1000000000.', b.n);
        END IF;
        IF (b.ppm IS NULL) <> (b.wh IS NULL) THEN
            RETURN format('Band %s must have both up_to_ppm and up_to_wh, for parties that traded and for those that did not, or neither.', b.n);
        END IF;
        IF b.side <> last_side THEN
            IF last_side <> '' AND NOT ended THEN
                EXIT;
            END IF;
            last_side := b.side;
            last_ppm := 0;
            last_wh := 0;
            ended := false;
        END IF;
        IF ended THEN
            RETURN format('Band %s comes after one without an end.', b.n);
        END IF;
        ended := b.ppm IS NULL;
        IF NOT ended AND (b.ppm::text::numeric <= last_ppm OR b.wh::text::numeric <= last_wh) THEN
            RETURN format('Band %s does not reach beyond the one before.', b.n);
        END IF;
        last_ppm := b.ppm::text::numeric;
        last_wh := b.wh::text::numeric;
    END LOOP;
    IF last_side <> '' AND NOT ended THEN
        RETURN format('The last band of side %s must have no end.', last_side);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION energyledger.bands_problem(jsonb) IS
'What is wrong with the bands of a market, in words; NULL: nothing. bands: an array of objects, for each side in ascending order: side (short: took more than it bought, or gave less than it sold; long: the other way), '
'up_to_ppm (in millionths of the energy traded) and up_to_wh (where nothing was traded), both left out in the last; multiplier_ppm, and price (buy, sell or reference): what the energy in the band costs. No errors. Rule: doc/market.md.';

CREATE FUNCTION energyledger.order_fits(ordered energyledger.market_order, rules energyledger.market)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT date_bin(make_interval(mins => (rules).slot_minutes), (ordered).slot, 'epoch') = (ordered).slot
       AND ((rules).zones IS NULL) = ((ordered).zone IS NULL)
       AND ((ordered).zone IS NULL OR EXISTS (SELECT FROM jsonb_array_elements((rules).zones) z WHERE z ->> 'zone' = (ordered).zone))
       -- in zones, limits are held against the market's when orders are matched
       AND ((rules).zones IS NULL OR NOT EXISTS (
               SELECT FROM (SELECT (ordered).limit_price_micro_per_kwh UNION ALL SELECT (ordered).partner_price_micro_per_kwh
                            UNION ALL SELECT (c ->> 'limit_price_micro_per_kwh')::bigint FROM jsonb_array_elements((ordered).conditions) c) v(price)
                WHERE v.price NOT BETWEEN (rules).price_min_micro_per_kwh AND (rules).price_max_micro_per_kwh))
       AND CASE WHEN (rules).method = 'continuous' THEN num_nonnulls((ordered).partner, (ordered).conditions) = 0
                ELSE (ordered).kind <> 'all_or_none' AND ((ordered).conditions IS NULL OR (rules).options ->> 'order' IS DISTINCT FROM 'gsy') END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.order_fits(energyledger.market_order, energyledger.market) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.order_fits(energyledger.market_order, energyledger.market) IS
'Can an order that is open be matched by these rules, which are to be its slot''s? For functions of the extension. No errors.';

CREATE FUNCTION energyledger.set_market(
    market text,
    currency text,
    grid_party text,
    operator_party text,
    buy_series text,
    sell_series text,
    reference_series text DEFAULT NULL,
    slot_minutes integer DEFAULT 15,
    gate_closure_minutes integer DEFAULT 60,
    method text DEFAULT 'pay_as_clear',
    options jsonb DEFAULT '{}',
    zones jsonb DEFAULT NULL,
    lines jsonb DEFAULT NULL,
    bands jsonb DEFAULT '[]',
    price_step_micro_per_kwh bigint DEFAULT 1,
    price_min_micro_per_kwh bigint DEFAULT -1000000000,
    price_max_micro_per_kwh bigint DEFAULT 1000000000,
    energy_step_wh bigint DEFAULT 1,
    order_max_wh bigint DEFAULT 1000000000000,
    vat_ppm integer DEFAULT 0,
    open boolean DEFAULT true,
    applies_from timestamptz DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    made energyledger.market;
    since timestamptz := set_market.applies_from;
    first boolean;
    next_from timestamptz;
    unfit record;
    bad text;
    id bigint;
BEGIN
    IF num_nulls(market, currency, grid_party, operator_party, buy_series, sell_series, slot_minutes, gate_closure_minutes, method, options, bands,
                 price_step_micro_per_kwh, price_min_micro_per_kwh, price_max_micro_per_kwh, energy_step_wh, order_max_wh, vat_ppm, open) > 0 THEN
        RAISE EXCEPTION 'arguments of set_market other than reference_series, zones, lines and applies_from must not be NULL'
            USING ERRCODE = 'null_value_not_allowed';
    END IF;
    SELECT n.name INTO bad FROM unnest(ARRAY[market, grid_party, operator_party, buy_series, sell_series, reference_series]) n(name)
     WHERE NOT energyledger.identifier_valid(n.name) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '"%" is no name', bad USING ERRCODE = 'invalid_parameter_value', DETAIL = 'It must have 1 to 64 of A-Z a-z 0-9 . _ : -.';
    END IF;
    SELECT p.party INTO bad
      FROM (SELECT set_market.grid_party UNION ALL SELECT set_market.operator_party
            UNION ALL SELECT z.zone ->> 'operator' FROM jsonb_array_elements(CASE jsonb_typeof(zones) WHEN 'array' THEN zones ELSE '[]' END) z(zone) WHERE jsonb_typeof(z.zone) = 'object') p(party)
     WHERE p.party IS NOT NULL AND NOT EXISTS (SELECT FROM energyledger.party r WHERE r.party = p.party) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'party "%" is not registered', bad USING ERRCODE = 'no_data_found', HINT = 'Write it to energyledger.party first.';
    END IF;
    IF currency !~ '^[A-Z]{3}$' THEN
        RAISE EXCEPTION '"%" is no currency', currency USING ERRCODE = 'invalid_parameter_value', DETAIL = 'It must be a code of ISO 4217, as EUR.';
    END IF;
    IF slot_minutes NOT IN (5, 10, 15, 20, 30, 60) THEN
        RAISE EXCEPTION 'slots must be of 5, 10, 15, 20, 30 or 60 minutes' USING ERRCODE = 'invalid_parameter_value', DETAIL = format('They are of %s.', slot_minutes);
    END IF;
    IF gate_closure_minutes NOT BETWEEN -2000000 AND 2000000 OR price_step_micro_per_kwh < 1 OR energy_step_wh < 1 OR order_max_wh NOT BETWEEN 1 AND 4398046511104
       OR price_min_micro_per_kwh < -100000000000000 OR price_max_micro_per_kwh > 100000000000000 OR vat_ppm NOT BETWEEN 0 AND 1000000 THEN
        RAISE EXCEPTION 'a number of a market is out of range' USING ERRCODE = 'numeric_value_out_of_range',
            DETAIL = 'Gates close 2000000 minutes before to 2000000 after a slot begins, steps are at least 1, orders of 1 to 2^42 Wh, prices of -10^14 to 10^14 micro-currency per kWh, VAT of 0 to 1000000 millionths.';
    END IF;
    IF price_min_micro_per_kwh > price_max_micro_per_kwh THEN
        RAISE EXCEPTION 'the lowest price of a market must not be above the highest' USING ERRCODE = 'invalid_parameter_value',
            DETAIL = format('They are %s and %s.', price_min_micro_per_kwh, price_max_micro_per_kwh);
    END IF;
    IF zones IS NOT NULL AND (price_min_micro_per_kwh < -1000000000000 OR price_max_micro_per_kwh > 1000000000000) THEN
        RAISE EXCEPTION 'prices of a market with zones are out of range' USING ERRCODE = 'numeric_value_out_of_range',
            DETAIL = format('They are %s to %s; -10^12 to 10^12 micro-currency per kWh can be matched.', price_min_micro_per_kwh, price_max_micro_per_kwh);
    END IF;
    IF jsonb_typeof(options) <> 'object' OR options ?| ARRAY['reference_price', 'zones', 'lines', 'conditions', 'sources', 'price_min', 'price_max'] THEN
        RAISE EXCEPTION 'options of a market must be an object with options of its method' USING ERRCODE = 'invalid_parameter_value',
            DETAIL = 'Zones, lines, prices and conditions have arguments or places of their own.';
    END IF;
    IF options ? 'lottery' AND options -> 'lottery' NOT IN ('true', 'false') THEN
        RAISE EXCEPTION 'option "lottery" of a market must be true or false' USING ERRCODE = 'invalid_parameter_value',
            DETAIL = 'It is drawn with the hash of the block before the clearing.';
    END IF;
    IF zones IS NOT NULL AND (jsonb_typeof(zones) <> 'array' OR EXISTS (SELECT FROM jsonb_array_elements(CASE jsonb_typeof(zones) WHEN 'array' THEN zones ELSE '[]' END) z(zone) WHERE jsonb_typeof(z.zone) <> 'object')) THEN
        RAISE EXCEPTION 'zones of a market must be an array of objects' USING ERRCODE = 'invalid_parameter_value',
            DETAIL = format('They are %s.', CASE jsonb_typeof(zones) WHEN 'array' THEN 'an array of something else' ELSE 'of type ' || jsonb_typeof(zones) END);
    END IF;
    IF lines IS NOT NULL AND zones IS NULL THEN
        RAISE EXCEPTION 'lines of a market need its zones' USING ERRCODE = 'invalid_parameter_value', DETAIL = 'Zones are NULL.';
    END IF;
    bad := energyledger.bands_problem(bands);
    IF bad IS NOT NULL THEN
        RAISE EXCEPTION 'bands of a market are not right' USING ERRCODE = 'invalid_parameter_value', DETAIL = bad;
    END IF;

    PERFORM energyledger.market_lock(market, true);
    first := NOT EXISTS (SELECT FROM energyledger.market m WHERE m.market = set_market.market);
    since := coalesce(since, date_bin(make_interval(mins => slot_minutes), clock_timestamp(), 'epoch'));
    IF NOT first AND set_market.applies_from < clock_timestamp() THEN
        RAISE EXCEPTION 'rules of market "%" cannot be changed for the past', market USING ERRCODE = 'invalid_parameter_value',
            DETAIL = format('They are to apply from %s on.', since);
    END IF;
    IF NOT first THEN
        since := greatest(since, date_bin(make_interval(mins => slot_minutes), clock_timestamp(), 'epoch') + make_interval(mins => slot_minutes));
    END IF;
    made.slot_minutes := slot_minutes;
    made.options := options;
    made.zones := zones;
    made.lines := lines;
    made.method := method;
    made.price_min_micro_per_kwh := price_min_micro_per_kwh;
    made.price_max_micro_per_kwh := price_max_micro_per_kwh;
    -- whoever can match nothing with them can match something
    PERFORM energyledger.match_orders('{}', method, energyledger.market_options(made, 0,
        CASE WHEN options -> 'lottery' = 'true' THEN repeat('0', 64) END));

    -- a slot with an order that its rules cannot match would never be cleared, nor one that was traded in continuously
    next_from := coalesce((SELECT min(m.applies_from) FROM energyledger.market m WHERE m.market = set_market.market AND m.applies_from > since), 'infinity');
    SELECT count(*) AS orders, min(o.slot) AS slot, (array_agg(o.ledger_id ORDER BY o.slot, o.sequence_no))[1] AS number INTO unfit
      FROM energyledger.market_order o
     WHERE o.market = set_market.market AND o.slot >= since AND o.slot < next_from
       AND NOT EXISTS (SELECT FROM energyledger.order_cancel x WHERE x.order_id = o.ledger_id)
       AND NOT EXISTS (SELECT FROM energyledger.clearing c WHERE c.market = o.market AND c.slot = o.slot AND c.method <> 'continuous')
       AND NOT energyledger.order_fits(o, made);
    IF unfit.orders > 0 THEN
        RAISE EXCEPTION 'orders of market "%" cannot be matched by these rules', market USING ERRCODE = 'object_not_in_prerequisite_state',
            DETAIL = format('There are %s for slots from %s on; the first is order %s for %s.', unfit.orders, since, unfit.number, unfit.slot),
            HINT = 'Let the rules apply from a later slot, or cancel these orders first.';
    END IF;
    SELECT max(c.slot) AS slot INTO unfit FROM energyledger.clearing c
     WHERE c.market = set_market.market AND c.slot >= since AND c.slot < next_from AND c.method = 'continuous';
    IF method <> 'continuous' AND unfit.slot IS NOT NULL THEN
        RAISE EXCEPTION 'market "%" has been traded in continuously for slots of these rules', market USING ERRCODE = 'object_not_in_prerequisite_state',
            DETAIL = format('They are to apply from %s on; the last such slot is %s.', since, unfit.slot), HINT = 'Let the rules apply from a later slot.';
    END IF;

    INSERT INTO energyledger.market (market, applies_from, slot_minutes, gate_closure_minutes, currency, price_step_micro_per_kwh,
        price_min_micro_per_kwh, price_max_micro_per_kwh, energy_step_wh, order_max_wh, method, options, zones, lines, bands, grid_party,
        operator_party, buy_series, sell_series, reference_series, vat_ppm, open, recorded_at, recorded_by)
    VALUES (market, since, slot_minutes, gate_closure_minutes, currency, price_step_micro_per_kwh,
        price_min_micro_per_kwh, price_max_micro_per_kwh, energy_step_wh, order_max_wh, method, options, zones, lines, bands, grid_party,
        operator_party, buy_series, sell_series, reference_series, vat_ppm, open, clock_timestamp(), coalesce(nullif(current_setting('role'), 'none'), session_user))
    RETURNING ledger_id INTO id;
    RETURN id;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.set_market(text, text, text, text, text, text, text, integer, integer, text, jsonb, jsonb, jsonb, jsonb, bigint, bigint, bigint, bigint, bigint, integer, boolean, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.set_market(text, text, text, text, text, text, text, integer, integer, text, jsonb, jsonb, jsonb, jsonb, bigint, bigint, bigint, bigint, bigint, integer, boolean, timestamptz) IS
'Makes a market, or writes its rules anew for slots that have not begun (all of them: what is left out is the default). market: name; currency: ISO 4217; grid_party: supplies what nobody sold and takes what nobody bought; '
'operator_party: gets what full lines earn and fees of zones without an operator; buy_series, sell_series: series of prices (add_prices) at which parties buy from the grid and sell to it; '
'reference_series: prices where limits leave it open, NULL: midway between these two; slot_minutes: 5, 10, 15, 20, 30 or 60; gate_closure_minutes: orders are taken until so long before a slot, below zero: after its beginning, at most 2000000; '
'method, options: of match_orders(), and "lottery": true; zones, lines: of match_orders(), a zone also with "operator", the party that gets its fee; bands: what deviations cost (doc/market.md); '
'price_step, price_min, price_max, energy_step, order_max: what limits and energies of orders must keep to; vat_ppm: VAT in millionths; open: false takes no orders; '
'applies_from: for slots from then on; NULL: from now, of a market that is there from the next slot. Result: the row''s ledger_id. '
'Errors: 22004 for NULL, P0002 for a party that is not registered, 22023 and 22003 for what is not right or out of range, 55000 where orders that are open cannot be matched by these rules (zones, slots, prices in zones, conditions and kinds of the method), or a continuous market of whose slots some are worked off becomes an auction, 25000 in other isolation levels than READ COMMITTED, and those of match_orders().';

CREATE FUNCTION energyledger.set_member(
    market text,
    party text,
    zone text DEFAULT NULL,
    bid_limit_wh bigint DEFAULT NULL,
    ask_limit_wh bigint DEFAULT NULL,
    credit_limit_nano bigint DEFAULT NULL,
    active boolean DEFAULT true)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    id bigint;
BEGIN
    IF market IS NULL OR party IS NULL OR active IS NULL THEN
        RAISE EXCEPTION 'market, party and active must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF NOT EXISTS (SELECT FROM energyledger.market m WHERE m.market = set_member.market) THEN
        RAISE EXCEPTION 'there is no market "%"', market USING ERRCODE = 'no_data_found';
    END IF;
    IF NOT EXISTS (SELECT FROM energyledger.party p WHERE p.party = set_member.party) THEN
        RAISE EXCEPTION 'party "%" is not registered', party USING ERRCODE = 'no_data_found', HINT = 'Write it to energyledger.party first.';
    END IF;
    IF bid_limit_wh < 0 OR ask_limit_wh < 0 OR credit_limit_nano < 0 THEN
        RAISE EXCEPTION 'limits of a member must not be below zero' USING ERRCODE = 'numeric_value_out_of_range',
            DETAIL = format('They are %s Wh, %s Wh and %s nano-currency.', coalesce(bid_limit_wh::text, 'no'), coalesce(ask_limit_wh::text, 'no'), coalesce(credit_limit_nano::text, 'no'));
    END IF;
    -- of rules that apply now or later: they may change after the member
    IF zone IS NOT NULL AND NOT EXISTS (SELECT FROM energyledger.market m, jsonb_array_elements(m.zones) z
                                         WHERE m.market = set_member.market AND z ->> 'zone' = set_member.zone) THEN
        RAISE EXCEPTION 'market "%" has no zone "%"', market, zone USING ERRCODE = 'invalid_parameter_value',
            DETAIL = format('Its zones are %s.', coalesce((SELECT string_agg(DISTINCT z ->> 'zone', ', ' ORDER BY z ->> 'zone') FROM energyledger.market m, jsonb_array_elements(m.zones) z WHERE m.market = set_member.market), 'none'));
    END IF;
    PERFORM energyledger.market_lock(market, true);
    INSERT INTO energyledger.market_member (market, party, zone, bid_limit_wh, ask_limit_wh, credit_limit_nano, active, recorded_at, recorded_by)
    VALUES (market, party, zone, bid_limit_wh, ask_limit_wh, credit_limit_nano, active, clock_timestamp(), coalesce(nullif(current_setting('role'), 'none'), session_user))
    RETURNING ledger_id INTO id;
    RETURN id;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.set_member(text, text, text, bigint, bigint, bigint, boolean) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.set_member(text, text, text, bigint, bigint, bigint, boolean) IS
'Lets a party take part in a market, or writes anew how (all of it). market, party: both must be there; zone: of its orders that name none; bid_limit_wh, ask_limit_wh: most energy of all its bids, and asks, for a slot; '
'credit_limit_nano: most it may come to owe, in nano-currency; NULL: no limit; active: false: its orders are refused from now on; it is settled for slots that are cleared already, and where it trades yet. Result: the row''s ledger_id. '
'Errors: 22004 for NULL, P0002 where there is no such market or party, 22003 for a limit below zero, 22023 for a zone that the market has not, 25000 in other isolation levels than READ COMMITTED.';

CREATE FUNCTION energyledger.close_gate(market text, slot timestamptz, reason text)
RETURNS timestamptz
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    at timestamptz;
BEGIN
    IF market IS NULL OR slot IS NULL OR reason IS NULL THEN
        RAISE EXCEPTION 'arguments of close_gate must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF octet_length(reason) NOT BETWEEN 1 AND 1000 THEN
        RAISE EXCEPTION 'a reason must have 1 to 1000 bytes' USING ERRCODE = CASE WHEN reason = '' THEN 'invalid_parameter_value' ELSE 'string_data_right_truncation' END,
            DETAIL = format('It has %s.', octet_length(reason));
    END IF;
    PERFORM energyledger.market_lock(market, true);
    PERFORM energyledger.slot_rules(market, slot);
    at := energyledger.gate_closes_at(market, slot);
    IF at <= clock_timestamp() THEN
        RAISE EXCEPTION 'the gate of market "%" for % is closed', market, slot USING ERRCODE = 'object_not_in_prerequisite_state', DETAIL = format('It closed at %s.', at);
    END IF;
    INSERT INTO energyledger.market_gate (market, slot, closed_at, reason, closed_by)
    VALUES (market, slot, clock_timestamp(), reason, coalesce(nullif(current_setting('role'), 'none'), session_user))
    RETURNING closed_at INTO at;
    RETURN at;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.close_gate(text, timestamptz, text) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.close_gate(text, timestamptz, text) IS
'Closes the gate of a slot now, before its time: the slot can be cleared. market; slot: its beginning; reason: 1 to 1000 bytes. Result: when it was closed. '
'Errors: 22004 for NULL, P0002 where there is no such market, 22023 for a time at which no slot begins and an empty reason, 22001 for one too long, 55000 where it is closed, 25000 in other isolation levels than READ COMMITTED.';

CREATE FUNCTION energyledger.slot_rules(market text, slot timestamptz)
RETURNS energyledger.market
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    rules energyledger.market;
BEGIN
    IF market IS NULL OR slot IS NULL THEN
        RAISE EXCEPTION 'market and slot must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    SELECT r.* INTO rules FROM energyledger.market_rules(market, slot) r;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no market "%" at %', market, slot USING ERRCODE = 'no_data_found';
    END IF;
    IF NOT isfinite(slot) OR date_bin(make_interval(mins => rules.slot_minutes), slot, 'epoch') <> slot THEN
        RAISE EXCEPTION 'no slot of market "%" begins at %', market, slot USING ERRCODE = 'invalid_parameter_value',
            DETAIL = format('Its slots begin at multiples of %s minutes in UTC.', rules.slot_minutes);
    END IF;
    RETURN rules;
END
$$;
COMMENT ON FUNCTION energyledger.slot_rules(text, timestamptz) IS
'As market_rules(), and an error where there is nothing: 22004 for NULL, P0002 where there is no such market at that time, 22023 where no slot of it begins then.';
