/*
 * settlement.sql: what was traded against what was delivered, and who owes whom for it.
 *
 * A slot is settled in runs.  Nothing is edited: a later run, made when readings came
 * late or were corrected, takes back the postings that are no longer right and books
 * new ones.
 */

CREATE TABLE energyledger.settlement (
    market      text COLLATE "C" NOT NULL,
    slot        timestamptz NOT NULL,
    run         integer NOT NULL CHECK (run >= 0),
    clearing_id bigint NOT NULL,
    known_at    timestamptz NOT NULL,
    parties     integer NOT NULL,
    changed     integer NOT NULL,
    pending     integer NOT NULL,
    settled_at  timestamptz NOT NULL,
    settled_by  text NOT NULL
) USING ledger;
CREATE UNIQUE INDEX settlement_key ON energyledger.settlement (market, slot, run);
CREATE UNIQUE INDEX settlement_id_key ON energyledger.settlement (ledger_id);
COMMENT ON TABLE energyledger.settlement IS
'runs in which slots were settled: 0 is the first (SF), then R1, R2, ... where readings came late or were corrected. Written by settle()';
COMMENT ON COLUMN energyledger.settlement.market IS 'where';
COMMENT ON COLUMN energyledger.settlement.slot IS 'beginning of the slot';
COMMENT ON COLUMN energyledger.settlement.run IS '0: SF, the first; n: Rn';
COMMENT ON COLUMN energyledger.settlement.clearing_id IS 'what was traded: the slot''s last clearing, its ledger_id';
COMMENT ON COLUMN energyledger.settlement.known_at IS 'readings and estimates that had come by then';
COMMENT ON COLUMN energyledger.settlement.parties IS 'members of the market when the slot was cleared, and others who traded';
COMMENT ON COLUMN energyledger.settlement.changed IS 'parties whose position is new or another in this run';
COMMENT ON COLUMN energyledger.settlement.pending IS 'parties of whose meters energy is missing: their trades are booked, their deviations wait';
COMMENT ON COLUMN energyledger.settlement.settled_at IS 'when';
COMMENT ON COLUMN energyledger.settlement.settled_by IS 'by which role';
COMMENT ON COLUMN energyledger.settlement.ledger_id IS 'assigned by the ledger: site, then a counter. Postings name it in booking';
COMMENT ON INDEX energyledger.settlement_key IS 'each run once';
COMMENT ON INDEX energyledger.settlement_id_key IS 'a run by its number';

CREATE TABLE energyledger.settlement_position (
    market       text COLLATE "C" NOT NULL,
    slot         timestamptz NOT NULL,
    run          integer NOT NULL,
    party        text COLLATE "C" NOT NULL,
    bought_wh    bigint NOT NULL,
    sold_wh      bigint NOT NULL,
    import_wh    bigint NOT NULL,
    export_wh    bigint NOT NULL,
    deviation_wh bigint NOT NULL,
    quality      text COLLATE "C" NOT NULL,
    CONSTRAINT settlement_position_deviation_check CHECK (deviation_wh = (import_wh::numeric - export_wh) - (bought_wh::numeric - sold_wh))
) USING ledger;
CREATE UNIQUE INDEX settlement_position_key ON energyledger.settlement_position (market, slot, party, run);
COMMENT ON TABLE energyledger.settlement_position IS
'what a party traded and what its meters measured; of a party''s rows for a slot that of the highest run counts. Written by settle(), in the run in which it became so';
COMMENT ON COLUMN energyledger.settlement_position.market IS 'where';
COMMENT ON COLUMN energyledger.settlement_position.slot IS 'beginning of the slot';
COMMENT ON COLUMN energyledger.settlement_position.run IS 'settlement.run';
COMMENT ON COLUMN energyledger.settlement_position.party IS 'whose';
COMMENT ON COLUMN energyledger.settlement_position.bought_wh IS 'by trades, in Wh';
COMMENT ON COLUMN energyledger.settlement_position.sold_wh IS 'by trades';
COMMENT ON COLUMN energyledger.settlement_position.import_wh IS 'taken from the grid, all its meters';
COMMENT ON COLUMN energyledger.settlement_position.export_wh IS 'given to it';
COMMENT ON COLUMN energyledger.settlement_position.deviation_wh IS '(import - export) - (bought - sold): above zero it was short, and bought from the grid; below, long';
COMMENT ON COLUMN energyledger.settlement_position.quality IS 'worst quality of its meters'' energy: measured, spread, substitute or estimated; none where it has no meter';
COMMENT ON COLUMN energyledger.settlement_position.ledger_id IS 'assigned by the ledger: site, then a counter';
COMMENT ON INDEX energyledger.settlement_position_key IS 'a party''s positions for a slot, run after run';

SELECT pg_catalog.pg_extension_config_dump('energyledger.settlement', '');
SELECT pg_catalog.pg_extension_config_dump('energyledger.settlement_position', '');

-- ---------------------------------------------------------------- what it is made of

CREATE FUNCTION energyledger.slot_parties(market text, slot timestamptz)
RETURNS TABLE (party text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    -- who joins or leaves later does not change what is settled again
    SELECT m.party
      FROM (SELECT DISTINCT ON (x.party) x.party, x.active FROM energyledger.market_member x
             WHERE x.market = $1
               AND x.recorded_at <= coalesce((SELECT c.cleared_at FROM energyledger.clearing c WHERE c.market = $1 AND c.slot = $2 ORDER BY c.run DESC LIMIT 1), 'infinity')
             ORDER BY x.party, x.recorded_at DESC, x.ledger_id DESC) m
     WHERE m.active
    UNION
    SELECT u.party FROM energyledger.trade t CROSS JOIN LATERAL (VALUES (t.buyer), (t.seller)) u(party) WHERE t.market = $1 AND t.slot = $2
$$;
COMMENT ON FUNCTION energyledger.slot_parties(text, timestamptz) IS
'Who is settled for a slot: members of the market when it was cleared (last, of a continuous market), or now, where it is not; and all who traded. market; slot: its beginning. Needs SELECT on market_member, clearing and trade. No errors.';

CREATE FUNCTION energyledger.market_meters(market text, at timestamptz)
RETURNS TABLE (party text, meter text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
-- a market of a street in a register of millions: settle() itself has them off
SET enable_nestloop = on
AS $$
    WITH member AS MATERIALIZED (
        SELECT s.party FROM energyledger.slot_parties($1, $2) s),
    ever AS (
        SELECT DISTINCT x.meter FROM member m JOIN energyledger.meter x ON x.party = m.party)
    -- whose a meter was at that time: a later owner does not take over what was settled
    SELECT n.party, n.meter
      FROM (SELECT DISTINCT ON (x.meter) x.meter, x.party, x.technology FROM ever e JOIN energyledger.meter x ON x.meter = e.meter
             ORDER BY x.meter, x.registered_at > $2, CASE WHEN x.registered_at > $2 THEN x.registered_at END,
                      x.registered_at DESC, x.ledger_id DESC) n
      JOIN member m ON m.party = n.party
     WHERE n.technology IS DISTINCT FROM 'signer'
$$;
COMMENT ON FUNCTION energyledger.market_meters(text, timestamptz) IS
'The meters that are settled in a market''s slot: of the parties that slot_parties() has, as they were registered at its beginning, or first, where they were not there then. Devices of technology signer measure nothing and are left out. market; at: the slot''s beginning. '
'Needs SELECT on meter and what slot_parties() reads. No errors.';

CREATE FUNCTION energyledger.settlement_energy(market text, slot timestamptz, slot_end timestamptz, known_at timestamptz DEFAULT NULL)
RETURNS TABLE (party text, meter text, direction text, energy_wh bigint, quality text, reason text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT m.party, m.meter, e.direction, e.energy_wh, coalesce(e.quality, 'missing'), CASE WHEN e.quality IS NULL THEN 'no_register' ELSE e.reason END
      FROM energyledger.market_meters($1, $2) m
      LEFT JOIN LATERAL energyledger.energy_between(m.meter, ARRAY[$2, $3], known_at => $4) e ON true
$$;
COMMENT ON FUNCTION energyledger.settlement_energy(text, timestamptz, timestamptz, timestamptz) IS
'What the meters of those who are settled in a market took and gave in a slot: a row for each meter and direction, as energy_between() has it; a meter without a register of energy is missing, reason no_register. '
'market; slot, slot_end: its beginning and end; known_at: what had come by then, NULL: all. Errors: as energy_between().';

-- no setting of its own: it is expanded into settle()'s statement, which has one
CREATE FUNCTION energyledger.deviation_price(band jsonb, buy bigint, sell bigint, reference bigint)
RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    -- halves up, of prices below zero too
    SELECT floor((CASE band ->> 'price' WHEN 'buy' THEN buy WHEN 'sell' THEN sell ELSE reference END)::numeric
                 * (band ->> 'multiplier_ppm')::numeric / 1000000 + 0.5)::bigint
$$;
COMMENT ON FUNCTION energyledger.deviation_price(jsonb, bigint, bigint, bigint) IS
'Price of energy in a band of deviations: its reference times its multiplier, rounded to whole micro-currency per kWh, halves up. band: of a market''s bands; buy, sell, reference: prices of the slot. NULL where that price is none. No errors.';

-- no setting of its own: it is expanded into settle()'s statement, which has one
CREATE FUNCTION energyledger.deviation_bands(bands jsonb, side text, deviation_wh bigint, traded_wh bigint)
RETURNS TABLE (number integer, energy_wh bigint, band jsonb)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    WITH own AS (
        SELECT row_number() OVER (ORDER BY e.n)::integer AS number, e.band,
               CASE WHEN e.band -> 'up_to_ppm' IS NULL THEN NULL
                    WHEN $4 > 0 THEN floor($4 * (e.band ->> 'up_to_ppm')::numeric / 1000000)
                    ELSE (e.band ->> 'up_to_wh')::numeric END AS up_to
          FROM jsonb_array_elements($1) WITH ORDINALITY e(band, n) WHERE e.band ->> 'side' = $2
        UNION ALL
        SELECT 1, jsonb_build_object('side', $2, 'multiplier_ppm', 1000000, 'price', CASE $2 WHEN 'short' THEN 'buy' ELSE 'sell' END), NULL
         WHERE NOT EXISTS (SELECT FROM jsonb_array_elements($1) e WHERE e ->> 'side' = $2)),
    part AS (
        SELECT o.number, o.band, least($3, coalesce(o.up_to, $3)) - least($3, coalesce(lag(o.up_to) OVER (ORDER BY o.number), 0)) AS energy
          FROM own o)
    SELECT p.number, p.energy::bigint, p.band FROM part p WHERE p.energy > 0
$$;
COMMENT ON FUNCTION energyledger.deviation_bands(jsonb, text, bigint, bigint) IS
'How a deviation falls into the bands of a market. bands: of the market; side: short or long; deviation_wh: above 0; traded_wh: energy the party traded: bands end at millionths of it, rounded down, or where it is 0 at their Wh. '
'Result: the bands with energy in them, counted from 1 within the side; where a side has none, one that is the grid''s price. No errors. Rule: doc/market.md.';

-- ---------------------------------------------------------------- settling

CREATE FUNCTION energyledger.settlement_postings(
    c energyledger.clearing, rules energyledger.market, slot_end timestamptz, positions energyledger.settlement_position[],
    buy bigint, sell bigint, reference bigint)
RETURNS SETOF energyledger.posting
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH line (kind, payer, payee, amount, energy, price, trade_seq, component) AS (
        SELECT 'trade', t.buyer, t.seller, t.energy_wh::numeric * t.price_micro_per_kwh, t.energy_wh, t.price_micro_per_kwh, t.trade_seq, NULL
          FROM energyledger.trade t WHERE t.market = (c).market AND t.slot = (c).slot
        UNION ALL
        -- what the way costs goes to the market's operator, who hands the zones their part
        SELECT 'fee', t.buyer, (rules).operator_party, t.energy_wh::numeric * (t.buyer_price_micro_per_kwh - t.price_micro_per_kwh),
               t.energy_wh, t.buyer_price_micro_per_kwh - t.price_micro_per_kwh, t.trade_seq, NULL
          FROM energyledger.trade t
         WHERE t.market = (c).market AND t.slot = (c).slot AND t.buyer_price_micro_per_kwh <> t.price_micro_per_kwh
        UNION ALL
        SELECT 'zone_fee', (rules).operator_party, coalesce(d.zone ->> 'operator', (rules).operator_party), (z.zone ->> 'fee_nano')::numeric, NULL, NULL, NULL, z.zone ->> 'zone'
          FROM jsonb_array_elements((c).zones) z(zone)
          JOIN jsonb_array_elements((rules).zones) d(zone) ON d.zone ->> 'zone' = z.zone ->> 'zone'
         WHERE (z.zone ->> 'fee_nano')::numeric <> 0
        UNION ALL
        SELECT 'deviation_' || s.side, CASE s.side WHEN 'short' THEN p.party ELSE (rules).grid_party END, CASE s.side WHEN 'short' THEN (rules).grid_party ELSE p.party END,
               b.energy_wh::numeric * energyledger.deviation_price(b.band, buy, sell, reference), b.energy_wh,
               energyledger.deviation_price(b.band, buy, sell, reference), NULL, 'band ' || b.number
          FROM unnest(positions) p
         CROSS JOIN LATERAL (SELECT CASE WHEN p.deviation_wh > 0 THEN 'short' ELSE 'long' END AS side) s
         CROSS JOIN LATERAL energyledger.deviation_bands((rules).bands, s.side, abs(p.deviation_wh), p.bought_wh + p.sold_wh) b
         WHERE p.deviation_wh <> 0)
    SELECT 0::bigint, l.kind, l.payer COLLATE "C", l.payee COLLATE "C", l.amount::bigint, (rules).currency, (rules).vat_ppm, l.energy, l.price, (c).slot, slot_end,
           (c).market, l.trade_seq, NULL::text COLLATE "C", NULL::text COLLATE "C", l.component COLLATE "C", NULL::bigint, 0::bigint
      FROM line l WHERE l.payer <> l.payee
$$;
REVOKE EXECUTE ON FUNCTION energyledger.settlement_postings(energyledger.clearing, energyledger.market, timestamptz, energyledger.settlement_position[], bigint, bigint, bigint) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.settlement_postings(energyledger.clearing, energyledger.market, timestamptz, energyledger.settlement_position[], bigint, bigint, bigint) IS
'The postings that a slot''s trades and positions come to. For functions of the extension: the clearing, its rules, the slot''s end, positions of the parties whose energy is known, the grid''s two prices and the reference. Errors: 22003 where an amount is more than a bigint of nano-currency.';

-- Of the trades that were just written no statistics know: joins must not be planned as if
-- there were one.
CREATE FUNCTION energyledger.settle(market text, slot timestamptz)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    c energyledger.clearing;
    rules energyledger.market;
    slot_end timestamptz;
    at timestamptz;
    buy bigint;
    sell bigint;
    bad text;
    last energyledger.settlement;
    run integer;
    positions energyledger.settlement_position[];
    fresh energyledger.settlement_position[];
    wanted energyledger.posting[];
    undone bigint[] := '{}';
    bookings bigint[];
    parties integer;
    pending integer;
    id bigint;
BEGIN
    IF settle.market IS NULL OR settle.slot IS NULL THEN
        RAISE EXCEPTION 'market and slot must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    -- one settles a market at a time; names have no space, so nobody else has this lock
    PERFORM energyledger.market_lock(settle.market || ' settle', true);
    SELECT x.* INTO c FROM energyledger.clearing x WHERE x.market = settle.market AND x.slot = settle.slot ORDER BY x.run DESC LIMIT 1;
    IF NOT FOUND THEN
        rules := energyledger.slot_rules(settle.market, settle.slot);
        RAISE EXCEPTION 'slot % of market "%" is not cleared', settle.slot, settle.market USING ERRCODE = 'object_not_in_prerequisite_state',
            DETAIL = format('Its gate closes at %s.', energyledger.gate_closes_at(settle.market, settle.slot));
    END IF;
    SELECT m.* INTO rules FROM energyledger.market m WHERE m.ledger_id = c.market_id AND m.market = settle.market;
    slot_end := settle.slot + make_interval(mins => rules.slot_minutes);
    at := clock_timestamp();
    IF c.cleared_at < c.gate_at OR slot_end > at THEN
        RAISE EXCEPTION 'slot % of market "%" is not over', settle.slot, settle.market USING ERRCODE = 'object_not_in_prerequisite_state',
            DETAIL = format('It ends at %s, its gate closes at %s.', slot_end, c.gate_at);
    END IF;
    buy := energyledger.price_at(rules.buy_series, settle.slot);
    sell := energyledger.price_at(rules.sell_series, settle.slot);
    IF buy IS NULL OR sell IS NULL THEN
        RAISE EXCEPTION 'series "%" has no price at %', CASE WHEN buy IS NULL THEN rules.buy_series ELSE rules.sell_series END, settle.slot
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'add_prices() adds one.';
    END IF;
    SELECT s.* INTO last FROM energyledger.settlement s WHERE s.market = settle.market AND s.slot = settle.slot ORDER BY s.run DESC LIMIT 1;
    run := coalesce(last.run, -1) + 1;

    -- who traded what, and who took what
    WITH traded AS (
        SELECT t.party, sum(t.bought) AS bought, sum(t.sold) AS sold
          FROM (SELECT x.buyer AS party, x.energy_wh::numeric AS bought, 0::numeric AS sold FROM energyledger.trade x WHERE x.market = settle.market AND x.slot = settle.slot
                UNION ALL
                SELECT x.seller, 0, x.energy_wh FROM energyledger.trade x WHERE x.market = settle.market AND x.slot = settle.slot) t
         GROUP BY t.party),
    measured AS (
        SELECT e.party, coalesce(sum(e.energy_wh) FILTER (WHERE e.direction = 'import'), 0) AS import, coalesce(sum(e.energy_wh) FILTER (WHERE e.direction = 'export'), 0) AS export,
               bool_or(e.energy_wh IS NULL) AS incomplete,
               (ARRAY['measured', 'spread', 'substitute', 'estimated', 'conflicting', 'missing'])
                   [max(array_position(ARRAY['measured', 'spread', 'substitute', 'estimated', 'conflicting', 'missing'], e.quality))] AS quality
          FROM energyledger.settlement_energy(settle.market, settle.slot, slot_end) e
         GROUP BY e.party),
    member AS (
        SELECT m.party FROM energyledger.slot_parties(settle.market, settle.slot) m),
    position AS (
        SELECT p.party, coalesce(t.bought, 0) AS bought, coalesce(t.sold, 0) AS sold, coalesce(e.import, 0) AS import, coalesce(e.export, 0) AS export,
               coalesce(e.incomplete, false) AS incomplete, coalesce(e.quality, 'none') AS quality
          FROM member p LEFT JOIN traded t USING (party) LEFT JOIN measured e USING (party)
         WHERE p.party <> rules.grid_party)
    SELECT array_agg(ROW(settle.market, settle.slot, run, p.party, p.bought, p.sold, p.import, p.export,
                         (p.import - p.export) - (p.bought - p.sold), p.quality, 0)::energyledger.settlement_position) FILTER (WHERE NOT p.incomplete),
           count(*), count(*) FILTER (WHERE p.incomplete)
      INTO positions, parties, pending FROM position p;
    positions := coalesce(positions, '{}');
    wanted := ARRAY(SELECT p FROM energyledger.settlement_postings(c, rules, slot_end, positions, buy, sell, (c.options ->> 'reference_price')::bigint) p);

    IF run = 0 THEN
        fresh := positions;
    ELSE
        fresh := ARRAY(SELECT p FROM unnest(positions) p
                         LEFT JOIN (SELECT DISTINCT ON (x.party) x.* FROM energyledger.settlement_position x
                                     WHERE x.market = settle.market AND x.slot = settle.slot ORDER BY x.party, x.run DESC) b ON b.party = p.party
                        WHERE (p.bought_wh, p.sold_wh, p.import_wh, p.export_wh, p.quality) IS DISTINCT FROM (b.bought_wh, b.sold_wh, b.import_wh, b.export_wh, b.quality));
        -- what stands and is still right stays
        -- (an array: joined to the runs, with nested loops off, all postings there are would be read)
        bookings := ARRAY(SELECT s.ledger_id FROM energyledger.settlement s WHERE s.market = settle.market AND s.slot = settle.slot);
        WITH standing AS (
            SELECT p.*, md5(ROW(p.kind, p.payer, p.payee, p.amount_nano, p.currency, p.vat_ppm, p.energy_wh, p.price_micro_per_kwh, p.trade_seq, p.component)::text) AS same
              FROM energyledger.posting p
             WHERE p.booking = ANY (bookings)
               AND p.reverses IS NULL AND NOT EXISTS (SELECT FROM energyledger.posting r WHERE r.booking = ANY (bookings) AND r.reverses = p.ledger_id)),
        due AS (
            SELECT w AS posting, md5(ROW(w.kind, w.payer, w.payee, w.amount_nano, w.currency, w.vat_ppm, w.energy_wh, w.price_micro_per_kwh, w.trade_seq, w.component)::text) AS same
              FROM unnest(wanted) w)
        -- a party whose energy went missing again keeps what it was settled by
        SELECT ARRAY(SELECT s.ledger_id FROM standing s LEFT JOIN due d ON d.same = s.same
                       LEFT JOIN unnest(positions) p ON p.party = CASE s.kind WHEN 'deviation_short' THEN s.payer WHEN 'deviation_long' THEN s.payee END
                      WHERE d.same IS NULL AND (p.party IS NOT NULL OR s.kind NOT LIKE 'deviation%')),
               ARRAY(SELECT d.posting FROM due d LEFT JOIN standing s ON s.same = d.same WHERE s.same IS NULL)
          INTO undone, wanted;
        IF cardinality(fresh) = 0 AND cardinality(wanted) = 0 AND cardinality(undone) = 0 AND pending = last.pending THEN
            RETURN last.ledger_id;
        END IF;
    END IF;

    INSERT INTO energyledger.settlement (market, slot, run, clearing_id, known_at, parties, changed, pending, settled_at, settled_by)
    VALUES (settle.market, settle.slot, run, c.ledger_id, at, parties, cardinality(fresh), pending, clock_timestamp(), coalesce(nullif(current_setting('role'), 'none'), session_user))
    RETURNING ledger_id INTO id;
    INSERT INTO energyledger.settlement_position (market, slot, run, party, bought_wh, sold_wh, import_wh, export_wh, deviation_wh, quality)
    SELECT p.market, p.slot, p.run, p.party, p.bought_wh, p.sold_wh, p.import_wh, p.export_wh, p.deviation_wh, p.quality FROM unnest(fresh) p ORDER BY p.party;
    IF cardinality(undone) > 0 THEN
        INSERT INTO energyledger.posting (booking, kind, payer, payee, amount_nano, currency, vat_ppm, energy_wh, price_micro_per_kwh, from_at, to_at, market, trade_seq, component, reverses)
        SELECT id, p.kind, p.payer, p.payee, -p.amount_nano, p.currency, p.vat_ppm, -p.energy_wh, p.price_micro_per_kwh, p.from_at, p.to_at, p.market, p.trade_seq, p.component, p.ledger_id
          FROM energyledger.posting p WHERE p.ledger_id = ANY (undone) AND p.booking = ANY (bookings);
    END IF;
    INSERT INTO energyledger.posting (booking, kind, payer, payee, amount_nano, currency, vat_ppm, energy_wh, price_micro_per_kwh, from_at, to_at, market, trade_seq, component)
    SELECT id, p.kind, p.payer, p.payee, p.amount_nano, p.currency, p.vat_ppm, p.energy_wh, p.price_micro_per_kwh, p.from_at, p.to_at, p.market, p.trade_seq, p.component
      FROM unnest(wanted) p;
    RETURN id;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.settle(text, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.settle(text, timestamptz) IS
'Settles a slot: books what was traded, and of each who traded or was a member when it was cleared what it took or gave beside that, bought from or sold to the grid. Called again, with readings that came late or were corrected: takes back what is no longer right and books what is; where nothing is new, nothing. '
'market; slot: its beginning. Parties of whose meters energy is missing wait (settlement_status); their trades are booked. Result: the number of the run (settlement.ledger_id), of the last one where nothing is new. '
'Errors: 22004 for NULL, 55000 where the slot is not cleared or not over or the grid has no price for it, 22003 where an amount is more than a bigint of nano-currency, 25000 in other isolation levels than READ COMMITTED, P0002 and 22023 where there is no such market or slot. Rules: doc/market.md.';

CREATE FUNCTION energyledger.settle_market(market text, since timestamptz, until timestamptz)
RETURNS TABLE (slot timestamptz, settlement bigint, run integer, pending integer, error text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    IF num_nulls(settle_market.market, since, until) > 0 THEN
        RAISE EXCEPTION 'market, since and until must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    FOR slot IN SELECT DISTINCT c.slot FROM energyledger.clearing c WHERE c.market = settle_market.market AND c.slot >= since AND c.slot < until ORDER BY 1 LOOP
        settlement := NULL;
        error := NULL;
        run := NULL;
        pending := NULL;
        BEGIN
            settlement := energyledger.settle(settle_market.market, slot);
            SELECT s.run, s.pending INTO run, pending FROM energyledger.settlement s WHERE s.ledger_id = settlement;
        EXCEPTION WHEN object_not_in_prerequisite_state OR numeric_value_out_of_range THEN
            error := SQLERRM;
        END;
        RETURN NEXT;
    END LOOP;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.settle_market(text, timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.settle_market(text, timestamptz, timestamptz) IS
'Settles all cleared slots of a market that begin in [since, until), or settles them again. market, since, until. Result: a row for each slot: its last run, how many parties wait, or the error for which it could not be settled. Errors: 22004 for NULL.';

-- ---------------------------------------------------------------- reading it

CREATE FUNCTION energyledger.settlement_run_name(run integer)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT CASE WHEN run = 0 THEN 'SF' ELSE 'R' || run END $$;
COMMENT ON FUNCTION energyledger.settlement_run_name(integer) IS 'What a run of a settlement is called: SF, R1, R2, ... NULL for NULL; no errors.';

CREATE VIEW energyledger.settlement_status AS
    SELECT c.market, c.slot, c.slot_end, CASE WHEN s.ledger_id IS NULL THEN 'not settled' WHEN s.pending = 0 THEN 'settled' ELSE 'waits' END AS state,
           energyledger.settlement_run_name(s.run) AS run, s.settled_at, s.parties, s.pending,
           w.party AS waits_for_party, w.meter AS waits_for_meter, w.direction AS waits_for_direction, w.reason AS waits_because,
           w.known AS known_now
      FROM (SELECT DISTINCT x.market, x.slot, x.slot + make_interval(mins => m.slot_minutes) AS slot_end
              FROM energyledger.clearing x JOIN energyledger.market m ON m.ledger_id = x.market_id AND m.market = x.market) c
      LEFT JOIN LATERAL (SELECT x.* FROM energyledger.settlement x WHERE x.market = c.market AND x.slot = c.slot ORDER BY x.run DESC LIMIT 1) s ON true
      -- parties that it left out, or whose energy is missing now
      LEFT JOIN LATERAL (SELECT e.party, e.meter, e.direction, e.reason, e.energy_wh IS NOT NULL AS known
                           FROM energyledger.settlement_energy(c.market, c.slot, c.slot_end) e
                          WHERE e.energy_wh IS NULL
                             OR NOT EXISTS (SELECT FROM energyledger.settlement_position p WHERE p.market = c.market AND p.slot = c.slot AND p.party = e.party)) w
             ON s.pending > 0;
COMMENT ON VIEW energyledger.settlement_status IS
'how far the settlement of each cleared slot is, and for which meters it waits: a row for each of these, and one for a slot that waits for none. Ask for a market and slots of interest';
COMMENT ON COLUMN energyledger.settlement_status.market IS 'where';
COMMENT ON COLUMN energyledger.settlement_status.slot IS 'beginning of the slot';
COMMENT ON COLUMN energyledger.settlement_status.slot_end IS 'its end, not part of it';
COMMENT ON COLUMN energyledger.settlement_status.state IS 'not settled, waits, or settled';
COMMENT ON COLUMN energyledger.settlement_status.run IS 'last run: SF, R1, R2, ...; NULL: none yet';
COMMENT ON COLUMN energyledger.settlement_status.settled_at IS 'when that was';
COMMENT ON COLUMN energyledger.settlement_status.parties IS 'parties in it';
COMMENT ON COLUMN energyledger.settlement_status.pending IS 'of these, how many wait';
COMMENT ON COLUMN energyledger.settlement_status.waits_for_party IS 'a party that waits';
COMMENT ON COLUMN energyledger.settlement_status.waits_for_meter IS 'one of its meters';
COMMENT ON COLUMN energyledger.settlement_status.waits_for_direction IS 'import or export; NULL: it has no register of energy';
COMMENT ON COLUMN energyledger.settlement_status.waits_because IS 'why its energy is missing, as energy_between() says, or no_register; NULL: it is known';
COMMENT ON COLUMN energyledger.settlement_status.known_now IS 'its energy is known now: where that is so for all of a party''s meters, settle() again';

CREATE VIEW energyledger.imbalance AS
    SELECT p.market, p.slot, p.slot + make_interval(mins => m.slot_minutes) AS slot_end, p.party, p.bought_wh, p.sold_wh, p.import_wh, p.export_wh,
           CASE WHEN p.deviation_wh > 0 THEN 'short' WHEN p.deviation_wh < 0 THEN 'long' ELSE 'balanced' END AS side, abs(p.deviation_wh) AS deviation_wh,
           m.currency, coalesce(b.cost, 0) AS cost, p.quality, energyledger.settlement_run_name(p.run) AS run
      FROM (SELECT DISTINCT ON (x.market, x.slot, x.party) x.* FROM energyledger.settlement_position x ORDER BY x.market, x.slot, x.party, x.run DESC) p
      JOIN energyledger.clearing c ON c.market = p.market AND c.slot = p.slot AND c.run = 1
      JOIN energyledger.market m ON m.ledger_id = c.market_id AND m.market = p.market
      LEFT JOIN (SELECT d.market, d.slot, d.party, trim_scale(sum(d.nano)::numeric / 1000000000) AS cost
                   FROM (SELECT s.market, s.slot, CASE x.kind WHEN 'deviation_short' THEN x.payer ELSE x.payee END AS party,
                                CASE x.kind WHEN 'deviation_short' THEN x.amount_nano ELSE -x.amount_nano END AS nano
                           FROM energyledger.settlement s JOIN energyledger.posting x ON x.booking = s.ledger_id
                          WHERE x.kind IN ('deviation_short', 'deviation_long')) d
                  GROUP BY d.market, d.slot, d.party) b ON b.market = p.market AND b.slot = p.slot AND b.party = p.party;
COMMENT ON VIEW energyledger.imbalance IS
'what each party traded, what it took and gave, and what the difference cost it, as last settled. Ask for a market and slots of interest';
COMMENT ON COLUMN energyledger.imbalance.market IS 'where';
COMMENT ON COLUMN energyledger.imbalance.slot IS 'beginning of the slot';
COMMENT ON COLUMN energyledger.imbalance.slot_end IS 'its end, not part of it';
COMMENT ON COLUMN energyledger.imbalance.party IS 'whose';
COMMENT ON COLUMN energyledger.imbalance.bought_wh IS 'by trades, in Wh';
COMMENT ON COLUMN energyledger.imbalance.sold_wh IS 'by trades, in Wh';
COMMENT ON COLUMN energyledger.imbalance.import_wh IS 'taken from the grid, in Wh';
COMMENT ON COLUMN energyledger.imbalance.export_wh IS 'given to it, in Wh';
COMMENT ON COLUMN energyledger.imbalance.side IS 'short: bought the difference from the grid; long: sold it to the grid; balanced';
COMMENT ON COLUMN energyledger.imbalance.deviation_wh IS 'the difference, in Wh';
COMMENT ON COLUMN energyledger.imbalance.currency IS 'ISO 4217';
COMMENT ON COLUMN energyledger.imbalance.cost IS 'what it paid for that, in currency, exact; below zero: what it got';
COMMENT ON COLUMN energyledger.imbalance.quality IS 'worst quality of its meters'' energy; none: it has no meter';
COMMENT ON COLUMN energyledger.imbalance.run IS 'the run in which it became so: SF, R1, ...';
