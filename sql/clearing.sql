/*
 * clearing.sql: clears slots, by hand and by themselves, and clears them again for
 * whoever wants to compare.
 */

CREATE FUNCTION energyledger.clear_book(
    market text, slot timestamptz, gate_at timestamptz, method text, options jsonb, through_no bigint, trades_there bigint, lapses_there bigint,
    OUT last_no bigint, OUT input_hash bytea, OUT orders bigint, OUT trades bigint, OUT bid_wh bigint, OUT ask_wh bigint,
    OUT netted_wh bigint, OUT volume_wh bigint, OUT price_micro_per_kwh bigint, OUT low_micro_per_kwh bigint, OUT high_micro_per_kwh bigint,
    OUT zones jsonb, OUT lines jsonb, OUT rule_version integer, OUT difference text)
LANGUAGE C VOLATILE
AS 'MODULE_PATHNAME', 'energyledger_clear_book';
REVOKE EXECUTE ON FUNCTION energyledger.clear_book(text, timestamptz, timestamptz, text, jsonb, bigint, bigint, bigint) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.clear_book(text, timestamptz, timestamptz, text, jsonb, bigint, bigint, bigint) IS
'Reads the orders of a slot, matches them, and writes trades and lapses but for so many that are there already; or, where trades_there is NULL, compares with what is there: difference is the first in words. For functions of the extension.';

CREATE FUNCTION energyledger.rematch_book(
    market text, slot timestamptz, gate_at timestamptz, method text, options jsonb, through_no bigint, newest boolean,
    OUT last_no bigint, OUT input_hash bytea, OUT orders bigint, OUT trades bigint, OUT bid_wh bigint, OUT ask_wh bigint,
    OUT netted_wh bigint, OUT volume_wh bigint, OUT price_micro_per_kwh bigint, OUT low_micro_per_kwh bigint, OUT high_micro_per_kwh bigint,
    OUT zones jsonb, OUT lines jsonb, OUT rule_version integer, OUT difference text)
LANGUAGE C STABLE
AS 'MODULE_PATHNAME', 'energyledger_rematch_book';
COMMENT ON FUNCTION energyledger.rematch_book(text, timestamptz, timestamptz, text, jsonb, bigint, boolean) IS
'What a clearing of these orders comes to, and the first difference to the trades and lapses that are stored, in words; NULL: none. What verify_clearing() stands on. market; slot; gate_at: orders that were over by then are left out; method, options: of match_orders(); '
'through_no: of continuous markets, events up to this number; newest: nothing is stored beyond it. Needs SELECT on market_order, order_cancel, trade and order_lapse. Errors: those of match_orders().';

CREATE FUNCTION energyledger.block_hash(height bigint)
RETURNS bytea
LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    -- with its owner's rights: hashes of the log are for everybody
    SELECT substr(l.hashes, (b.first_index + b.leaf_count - l.first_index)::int * 32 + 1, 32)
      FROM energyledger.block b
     CROSS JOIN LATERAL (SELECT r.first_index, r.hashes FROM energyledger.leaf_run r
                          WHERE r.site_id = b.site_id AND r.first_index <= b.first_index + b.leaf_count
                          ORDER BY r.first_index DESC LIMIT 1) l
     WHERE b.height = $1 AND b.site_id = (SELECT s.site_id FROM energyledger.site s ORDER BY s.incarnation DESC LIMIT 1)
$$;
COMMENT ON FUNCTION energyledger.block_hash(bigint) IS
'Leaf hash of a block of this log, 32 bytes; the next block names it as previous_block_hash. height: the block''s. NULL where there is none, or for NULL. No errors. Rule: doc/format.md.';

CREATE FUNCTION energyledger.lottery_block(at timestamptz, back integer)
RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT b.height FROM energyledger.block b
     WHERE b.site_id = (SELECT s.site_id FROM energyledger.site s ORDER BY s.incarnation DESC LIMIT 1) AND b.sealed_at <= $1
     ORDER BY b.height DESC LIMIT 1 OFFSET $2
$$;
COMMENT ON FUNCTION energyledger.lottery_block(timestamptz, integer) IS
'Height of the block that was the newest at a time, or of one so many before it; NULL: there was none. No errors.';

CREATE FUNCTION energyledger.reference_price(rules energyledger.market, slot timestamptz)
RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    -- orders at any price may trade at it, and a member's credit was held against the highest price
    SELECT CASE WHEN r.price < (rules).price_min_micro_per_kwh THEN (rules).price_min_micro_per_kwh
                WHEN r.price > (rules).price_max_micro_per_kwh THEN (rules).price_max_micro_per_kwh
                ELSE r.price END
      FROM (SELECT CASE WHEN (rules).reference_series IS NOT NULL THEN energyledger.price_at((rules).reference_series, slot)
                        ELSE floor((energyledger.price_at((rules).buy_series, slot)::numeric + energyledger.price_at((rules).sell_series, slot)) / 2)::bigint END) r(price)
$$;
COMMENT ON FUNCTION energyledger.reference_price(energyledger.market, timestamptz) IS
'The price that a slot''s clearing takes where limits leave it open: that of the market''s reference series, or midway between the grid''s two, rounded down; within the market''s lowest and highest price. rules: a row of market; slot: its beginning. NULL where no price is known. Needs SELECT on price. No errors.';

CREATE FUNCTION energyledger.clear(market text, slot timestamptz)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    rules energyledger.market;
    before energyledger.clearing;
    gate timestamptz;
    found_there boolean;
    options jsonb;
    made record;
    lapses bigint := 0;
    id bigint;
BEGIN
    IF market IS NULL OR slot IS NULL THEN
        RAISE EXCEPTION 'market and slot must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    PERFORM energyledger.market_lock(market, true);
    rules := energyledger.slot_rules(market, slot);
    gate := energyledger.gate_closes_at(market, slot);
    SELECT c.* INTO before FROM energyledger.clearing c WHERE c.market = clear.market AND c.slot = clear.slot ORDER BY c.run DESC LIMIT 1;
    found_there := FOUND;
    IF found_there AND (before.method <> 'continuous' OR rules.method <> 'continuous') THEN
        RETURN before.ledger_id;
    END IF;
    IF rules.method <> 'continuous' AND clock_timestamp() < gate THEN
        RAISE EXCEPTION 'the gate of market "%" for % is still open', market, slot USING ERRCODE = 'object_not_in_prerequisite_state',
            DETAIL = format('It closes at %s.', gate), HINT = 'close_gate() closes it before its time.';
    END IF;
    options := energyledger.market_options(rules, energyledger.reference_price(rules, slot),
        CASE WHEN rules.options -> 'lottery' = 'true'
             THEN coalesce(encode(energyledger.block_hash(energyledger.lottery_block(clock_timestamp(), 0)), 'hex'), repeat('0', 64)) END);
    IF found_there THEN
        SELECT count(*) INTO lapses FROM energyledger.order_lapse l WHERE l.market = clear.market AND l.slot = clear.slot;
    END IF;
    SELECT * INTO made FROM energyledger.clear_book(market, slot, gate, rules.method, options, 9223372036854775807,
        coalesce(before.trades, 0), lapses);
    -- a continuous market of which nothing is new, and whose gate is open or was closed before
    IF found_there AND made.last_no = before.through_no AND (before.cleared_at >= gate OR clock_timestamp() < gate) THEN
        RETURN before.ledger_id;
    END IF;
    INSERT INTO energyledger.clearing (market, slot, run, market_id, gate_at, through_no, method, options, rule_version, input_hash, orders, trades,
        bid_wh, ask_wh, netted_wh, volume_wh, price_micro_per_kwh, low_micro_per_kwh, high_micro_per_kwh, zones, lines, cleared_at, cleared_by)
    VALUES (market, slot, coalesce(before.run, 0) + 1, rules.ledger_id, gate, made.last_no, rules.method, options, made.rule_version, made.input_hash, made.orders, made.trades,
        made.bid_wh, made.ask_wh, made.netted_wh, made.volume_wh, made.price_micro_per_kwh, made.low_micro_per_kwh, made.high_micro_per_kwh, made.zones, made.lines,
        clock_timestamp(), coalesce(nullif(current_setting('role'), 'none'), session_user))
    RETURNING ledger_id INTO id;
    RETURN id;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.clear(text, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.clear(text, timestamptz) IS
'Clears a slot whose gate is closed: matches its orders by the market''s rules and writes the trades. A slot that is cleared stays as it is; in a continuous market, also before the gate closes, what is new is worked off. '
'market; slot: its beginning. Result: the number of the clearing (clearing.ledger_id), of one that was there before where nothing was done. '
'Errors: 22004 for NULL, P0002 where there is no such market, 22023 for a time at which no slot begins, 55000 where the gate is open, 25000 in other isolation levels than READ COMMITTED, and those of match_orders(). Rules: doc/market.md.';

CREATE FUNCTION energyledger.verify_clearing(clearing bigint)
RETURNS TABLE (equal boolean, what text, stored text, computed text)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    c energyledger.clearing;
    rules energyledger.market;
    last energyledger.clearing;
    again record;
    d record;
BEGIN
    IF clearing IS NULL THEN
        RAISE EXCEPTION 'argument "clearing" must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    SELECT x.* INTO c FROM energyledger.clearing x WHERE x.ledger_id = verify_clearing.clearing;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no clearing %', clearing USING ERRCODE = 'no_data_found';
    END IF;
    SELECT x.* INTO rules FROM energyledger.market x WHERE x.ledger_id = c.market_id AND x.market = c.market;
    SELECT x.* INTO last FROM energyledger.clearing x WHERE x.market = c.market AND x.slot = c.slot ORDER BY x.run DESC LIMIT 1;
    -- the rules and what was made of them
    FOR d IN
        SELECT v.what, v.stored, v.computed
          FROM (VALUES ('method', c.method, rules.method),
                       ('options', (c.options - 'reference_price' - 'lottery')::text,
                        (energyledger.market_options(rules, NULL, NULL))::text),
                       -- a gate that was open yet may have been closed before its time since
                       ('gate_at', c.gate_at::text, CASE WHEN c.cleared_at < c.gate_at THEN c.gate_at ELSE energyledger.gate_closes_at(c.market, c.slot) END::text),
                       -- a block may have been sealed while the slot was cleared, and not been seen yet
                       ('lottery', c.options ->> 'lottery', CASE WHEN rules.options -> 'lottery' = 'true' THEN
                            (SELECT h.seed FROM (SELECT n, coalesce(encode(energyledger.block_hash(energyledger.lottery_block(c.cleared_at, n)), 'hex'), repeat('0', 64)) AS seed
                                                   FROM generate_series(0, 2) n) h
                              ORDER BY h.seed <> (c.options ->> 'lottery'), h.n LIMIT 1) END)) v(what, stored, computed)
         WHERE v.stored IS DISTINCT FROM v.computed LIMIT 1
    LOOP
        RETURN QUERY SELECT false, d.what, d.stored, d.computed;
        RETURN;
    END LOOP;
    SELECT * INTO again FROM energyledger.rematch_book(c.market, c.slot, c.gate_at, c.method, c.options,
        CASE WHEN c.method = 'continuous' THEN c.through_no ELSE 9223372036854775807 END, c.run = last.run);
    FOR d IN
        SELECT v.what, v.stored, v.computed
          FROM (VALUES (1, 'rule_version', c.rule_version::text, again.rule_version::text),
                       (2, 'orders', c.orders::text, again.orders::text),
                       (3, 'through_no', c.through_no::text, again.last_no::text),
                       (4, 'input_hash', encode(c.input_hash, 'hex'), encode(again.input_hash, 'hex')),
                       (5, 'bid_wh', c.bid_wh::text, again.bid_wh::text),
                       (6, 'ask_wh', c.ask_wh::text, again.ask_wh::text),
                       (7, 'trade', NULL, again.difference),
                       (8, 'trades', c.trades::text, again.trades::text),
                       (9, 'netted_wh', c.netted_wh::text, again.netted_wh::text),
                       (10, 'volume_wh', c.volume_wh::text, again.volume_wh::text),
                       (11, 'price_micro_per_kwh', c.price_micro_per_kwh::text, again.price_micro_per_kwh::text),
                       (12, 'low_micro_per_kwh', c.low_micro_per_kwh::text, again.low_micro_per_kwh::text),
                       (13, 'high_micro_per_kwh', c.high_micro_per_kwh::text, again.high_micro_per_kwh::text),
                       (14, 'zones', c.zones::text, again.zones::text),
                       (15, 'lines', c.lines::text, again.lines::text)) v(n, what, stored, computed)
         WHERE v.stored IS DISTINCT FROM v.computed ORDER BY v.n LIMIT 1
    LOOP
        RETURN QUERY SELECT false, d.what, d.stored, d.computed;
        RETURN;
    END LOOP;
    RETURN QUERY SELECT true, NULL::text, NULL::text, NULL::text;
END
$$;
COMMENT ON FUNCTION energyledger.verify_clearing(bigint) IS
'Clears a slot again, from its orders and rules as they are in the ledger, and compares with what was stored. clearing: its number (clearing.ledger_id). Result: one row: equal; or, where not, what differs first, what is stored and what is computed: '
'method, options, gate_at, lottery, rule_version, orders, through_no, input_hash, bid_wh, ask_wh, trade (one that differs, or a lapse), trades, netted_wh, volume_wh, price_micro_per_kwh, low_micro_per_kwh, high_micro_per_kwh, zones, lines. '
'The price of a reference is taken as stored. Reads with its caller''s rights. Errors: 22004 for NULL, P0002 where there is no such clearing.';

CREATE FUNCTION energyledger.due_slots(at timestamptz DEFAULT now(), holes interval DEFAULT '7 days')
RETURNS TABLE (market text, slot timestamptz, gate_at timestamptz)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
-- asked every second: what was cleared long ago is never read
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off
AS $$
    -- a market that was replicated from another site is cleared there
    WITH RECURSIVE here AS (
        SELECT s.site_id FROM energyledger.site s ORDER BY s.incarnation DESC LIMIT 1),
    own AS (
        SELECT m.market, greatest(min(m.applies_from), min(m.recorded_at)) AS since,
               CASE WHEN min(m.slot_minutes) = max(m.slot_minutes) THEN min(m.slot_minutes) ELSE 5 END AS minutes,
               make_interval(mins => max(m.gate_closure_minutes)) AS ahead,
               make_interval(mins => greatest(-min(m.gate_closure_minutes), 0)) AS behind
          FROM energyledger.market m CROSS JOIN here h WHERE m.ledger_id >> 45 = h.site_id GROUP BY m.market),
    -- from the newest clearing on, and holes that were left behind it: slots whose gate closed lately, or is open
    slot AS MATERIALIZED (
        SELECT u.market, u.slot
          FROM (SELECT o.market, t.slot
                  FROM own o
                  LEFT JOIN LATERAL (SELECT x.slot FROM energyledger.clearing x WHERE x.market = o.market ORDER BY x.slot DESC LIMIT 1) c ON true
                 CROSS JOIN LATERAL generate_series(date_bin(make_interval(mins => o.minutes), greatest(o.since, least(coalesce(c.slot, o.since), $1 - $2 - o.behind)), 'epoch'),
                                                    $1 + o.ahead, make_interval(mins => o.minutes)) t(slot)
                 WHERE t.slot >= o.since
                UNION
                -- gates that were closed before their time
                SELECT g.market, g.slot FROM energyledger.market_gate g JOIN own o ON o.market = g.market WHERE g.closed_at > $1 - $2) u
         WHERE NOT EXISTS (SELECT FROM energyledger.clearing c WHERE c.market = u.market AND c.slot = u.slot)),
    auction AS (
        SELECT s.market, s.slot, energyledger.gate_closes_at(s.market, s.slot) AS gate_at
          FROM slot s CROSS JOIN LATERAL energyledger.market_rules(s.market, s.slot) r
         WHERE date_bin(make_interval(mins => r.slot_minutes), s.slot, 'epoch') = s.slot),
    -- continuous markets: slots with orders, one after the other, and what is new in each
    traded (market, slot) AS (
        SELECT o.market, (SELECT min(x.slot) FROM energyledger.market_order x WHERE x.market = o.market AND x.slot > $1 - $2 - o.behind)
          FROM own o WHERE EXISTS (SELECT FROM energyledger.market m WHERE m.market = o.market AND m.method = 'continuous')
        UNION ALL
        SELECT t.market, (SELECT min(x.slot) FROM energyledger.market_order x WHERE x.market = t.market AND x.slot > t.slot)
          FROM traded t WHERE t.slot IS NOT NULL),
    fresh AS (
        SELECT t.market, t.slot, energyledger.gate_closes_at(t.market, t.slot) AS gate_at, c.cleared_at, c.through_no,
               greatest((SELECT max(x.sequence_no) FROM energyledger.market_order x WHERE x.market = t.market AND x.slot = t.slot),
                        (SELECT max(x.sequence_no) FROM energyledger.order_cancel x WHERE x.market = t.market AND x.slot = t.slot)) AS last_no
          FROM traded t CROSS JOIN LATERAL energyledger.market_rules(t.market, t.slot) r
          LEFT JOIN LATERAL (SELECT x.cleared_at, x.through_no FROM energyledger.clearing x
                              WHERE x.market = t.market AND x.slot = t.slot ORDER BY x.run DESC LIMIT 1) c ON true
         WHERE t.slot IS NOT NULL AND r.method = 'continuous')
    SELECT a.market, a.slot, a.gate_at FROM auction a WHERE a.gate_at <= $1
    UNION ALL
    SELECT f.market, f.slot, f.gate_at FROM fresh f
     WHERE f.last_no > coalesce(f.through_no, 0) OR (f.gate_at <= $1 AND f.cleared_at < f.gate_at)
     ORDER BY 3, 2, 1
$$;
COMMENT ON FUNCTION energyledger.due_slots(timestamptz, interval) IS
'Slots that are to be cleared: of auctions those whose gate is closed, from the newest that is cleared on, and those that were left out whose gate closed not longer ago than so; of continuous markets those with something new. at: as if it were then; holes: how far back. '
'Result: market, slot, when its gate closes; the earliest first. Slots before a market was made are not looked for, nor those of markets that another site wrote. Needs SELECT on market, market_gate, market_order, order_cancel and clearing. No errors.';

CREATE FUNCTION energyledger.run_market(holes interval DEFAULT '7 days', most integer DEFAULT 1000)
RETURNS TABLE (market text, slot timestamptz, clearing bigint, error text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    due record;
    locked text[] := '{}';
BEGIN
    -- one runner: another has done it by the time that this one gets on
    PERFORM energyledger.market_lock('', true);
    -- market by market in the sequence in which batches of orders lock them: so neither waits for the other
    FOR due IN SELECT d.market, d.slot FROM (SELECT * FROM energyledger.due_slots(clock_timestamp(), holes) LIMIT most) d
                ORDER BY d.market COLLATE "C", d.gate_at, d.slot LOOP
        -- where there is a lock_timeout, a market is waited for once
        CONTINUE WHEN due.market = ANY (locked);
        market := due.market;
        slot := due.slot;
        clearing := NULL;
        error := NULL;
        BEGIN
            clearing := energyledger.clear(due.market, due.slot);
        EXCEPTION WHEN query_canceled OR admin_shutdown OR deadlock_detected THEN
            RAISE;
        WHEN lock_not_available THEN
            error := SQLERRM;
            locked := locked || due.market;
        WHEN OTHERS THEN
            error := SQLERRM;
        END;
        RETURN NEXT;
    END LOOP;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.run_market(interval, integer) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.run_market(interval, integer) IS
'Clears all slots that are due (due_slots), of each market the earliest first, as the background worker does every energyledger.market_interval. Can be called at any time, by several at a time: what is cleared stays so. holes: as due_slots(); most: so many at most, the earliest. With a lock_timeout, a market that is locked longer is left out. '
'Result: a row for each: its clearing, or the error for which it could not be cleared; then it is due again. Errors: 25000 in other isolation levels than READ COMMITTED.';

-- ---------------------------------------------------------------- reading it

CREATE VIEW energyledger.open_orders AS
    -- slots whose gate closed more than a week ago are not looked at: indexes lead to the others
    WITH own AS MATERIALIZED (
        SELECT m.market, now() + make_interval(mins => min(m.gate_closure_minutes)) - interval '7 days' AS since
          FROM energyledger.market m GROUP BY m.market),
    open AS MATERIALIZED (
        SELECT d.market, d.slot, g.gate_closes_at, c.method
          FROM (SELECT DISTINCT o.market, o.slot FROM own w JOIN energyledger.market_order o ON o.market = w.market AND o.slot > w.since) d
         CROSS JOIN LATERAL (SELECT energyledger.gate_closes_at(d.market, d.slot) AS gate_closes_at) g
          LEFT JOIN LATERAL (SELECT x.method FROM energyledger.clearing x WHERE x.market = d.market AND x.slot = d.slot ORDER BY x.run DESC LIMIT 1) c ON true
         WHERE c.method IS NULL OR (c.method = 'continuous' AND g.gate_closes_at > now()))
    SELECT o.market, o.slot, s.gate_closes_at, o.ledger_id AS order_id, o.party, o.side,
           o.energy_wh - coalesce(d.gone_wh, 0) AS open_wh, o.energy_wh, o.limit_price_micro_per_kwh, o.kind, o.valid_until,
           o.zone, o.source, o.partner, o.partner_price_micro_per_kwh, o.conditions, o.received_at
      FROM open s
      JOIN energyledger.market_order o ON o.market = s.market AND o.slot = s.slot
      LEFT JOIN (SELECT g.order_id, sum(g.energy_wh)::bigint AS gone_wh
                   FROM (SELECT t.bid_id AS order_id, t.energy_wh FROM open x JOIN energyledger.trade t ON t.market = x.market AND t.slot = x.slot WHERE x.method = 'continuous'
                         UNION ALL
                         SELECT t.ask_id, t.energy_wh FROM open x JOIN energyledger.trade t ON t.market = x.market AND t.slot = x.slot WHERE x.method = 'continuous'
                         UNION ALL
                         SELECT l.order_id, l.energy_wh FROM open x JOIN energyledger.order_lapse l ON l.market = x.market AND l.slot = x.slot WHERE x.method = 'continuous') g
                  GROUP BY g.order_id) d ON d.order_id = o.ledger_id
     WHERE NOT EXISTS (SELECT FROM energyledger.order_cancel x WHERE x.order_id = o.ledger_id)
       AND (o.valid_until IS NULL OR o.valid_until > now())
       AND o.energy_wh > coalesce(d.gone_wh, 0);
COMMENT ON VIEW energyledger.open_orders IS
'orders that may still trade: of slots that are not cleared (and whose gate closed at most a week ago), and in continuous markets what is left of them until the gate closes';
COMMENT ON COLUMN energyledger.open_orders.market IS 'where';
COMMENT ON COLUMN energyledger.open_orders.slot IS 'beginning of the slot';
COMMENT ON COLUMN energyledger.open_orders.gate_closes_at IS 'until then it can be cancelled';
COMMENT ON COLUMN energyledger.open_orders.order_id IS 'its number: market_order.ledger_id';
COMMENT ON COLUMN energyledger.open_orders.party IS 'whose';
COMMENT ON COLUMN energyledger.open_orders.side IS 'bid or ask';
COMMENT ON COLUMN energyledger.open_orders.open_wh IS 'what is left of it, in Wh';
COMMENT ON COLUMN energyledger.open_orders.energy_wh IS 'its energy when it came';
COMMENT ON COLUMN energyledger.open_orders.limit_price_micro_per_kwh IS 'a bid''s highest price, an ask''s lowest; NULL: at any price';
COMMENT ON COLUMN energyledger.open_orders.kind IS 'limit, immediate_or_cancel or all_or_none';
COMMENT ON COLUMN energyledger.open_orders.valid_until IS 'it lapses then; NULL: with the gate';
COMMENT ON COLUMN energyledger.open_orders.zone IS 'where in the grid';
COMMENT ON COLUMN energyledger.open_orders.source IS 'what makes an ask''s energy';
COMMENT ON COLUMN energyledger.open_orders.partner IS 'party to trade with first';
COMMENT ON COLUMN energyledger.open_orders.partner_price_micro_per_kwh IS 'price for a partner';
COMMENT ON COLUMN energyledger.open_orders.conditions IS 'under which of these it trades';
COMMENT ON COLUMN energyledger.open_orders.received_at IS 'when it was taken';

CREATE VIEW energyledger.trades AS
    SELECT t.market, t.slot, t.slot + make_interval(mins => m.slot_minutes) AS slot_end, t.trade_seq, t.buyer, t.seller, t.energy_wh,
           t.price_micro_per_kwh, t.buyer_price_micro_per_kwh, m.currency,
           trim_scale(t.energy_wh * t.price_micro_per_kwh::numeric / 1000000000) AS seller_gets,
           trim_scale(t.energy_wh * t.buyer_price_micro_per_kwh::numeric / 1000000000) AS buyer_pays,
           t.buyer_zone, t.seller_zone, t.phase, t.bid_id, t.ask_id, t.ledger_id
      FROM energyledger.trade t
      JOIN energyledger.clearing c ON c.market = t.market AND c.slot = t.slot AND c.run = 1
      JOIN energyledger.market m ON m.ledger_id = c.market_id AND m.market = t.market;
COMMENT ON VIEW energyledger.trades IS 'who bought how much from whom, and what it comes to in money';
COMMENT ON COLUMN energyledger.trades.market IS 'where';
COMMENT ON COLUMN energyledger.trades.slot IS 'beginning of the slot';
COMMENT ON COLUMN energyledger.trades.slot_end IS 'its end, not part of it';
COMMENT ON COLUMN energyledger.trades.trade_seq IS 'counts the slot''s trades from 1';
COMMENT ON COLUMN energyledger.trades.buyer IS 'who bought';
COMMENT ON COLUMN energyledger.trades.seller IS 'who sold';
COMMENT ON COLUMN energyledger.trades.energy_wh IS 'in Wh';
COMMENT ON COLUMN energyledger.trades.price_micro_per_kwh IS 'what the seller gets, in micro-currency per kWh';
COMMENT ON COLUMN energyledger.trades.buyer_price_micro_per_kwh IS 'what the buyer pays, fees of the way included';
COMMENT ON COLUMN energyledger.trades.currency IS 'ISO 4217';
COMMENT ON COLUMN energyledger.trades.seller_gets IS 'energy times price, in currency, exact';
COMMENT ON COLUMN energyledger.trades.buyer_pays IS 'energy times the buyer''s price, in currency, exact';
COMMENT ON COLUMN energyledger.trades.buyer_zone IS 'the bid''s zone';
COMMENT ON COLUMN energyledger.trades.seller_zone IS 'the ask''s zone';
COMMENT ON COLUMN energyledger.trades.phase IS 'first, conditions or main';
COMMENT ON COLUMN energyledger.trades.bid_id IS 'number of the bid';
COMMENT ON COLUMN energyledger.trades.ask_id IS 'number of the ask';
COMMENT ON COLUMN energyledger.trades.ledger_id IS 'of the row in trade, for a receipt';

CREATE VIEW energyledger.clearing_prices AS
    SELECT c.market, c.slot, z.zone ->> 'zone' AS zone, m.currency,
           coalesce((z.zone ->> 'price_micro_per_kwh')::bigint, c.price_micro_per_kwh) AS price_micro_per_kwh,
           coalesce((z.zone ->> 'low_micro_per_kwh')::bigint, c.low_micro_per_kwh) AS low_micro_per_kwh,
           coalesce((z.zone ->> 'high_micro_per_kwh')::bigint, c.high_micro_per_kwh) AS high_micro_per_kwh,
           (c.options ->> 'reference_price')::bigint AS reference_micro_per_kwh,
           coalesce((z.zone ->> 'sold_wh')::bigint, c.volume_wh) AS sold_wh, coalesce((z.zone ->> 'bought_wh')::bigint, c.volume_wh) AS bought_wh,
           c.orders, c.trades, c.cleared_at, c.ledger_id AS clearing_id
      FROM energyledger.clearing c
     CROSS JOIN LATERAL (SELECT r.currency FROM energyledger.market r WHERE r.ledger_id = c.market_id AND r.market = c.market) m
      LEFT JOIN LATERAL jsonb_array_elements(c.zones) z(zone) ON true
     WHERE NOT EXISTS (SELECT FROM energyledger.clearing l WHERE l.market = c.market AND l.slot = c.slot AND l.run > c.run);
COMMENT ON VIEW energyledger.clearing_prices IS
'at what price slots were cleared, for each zone where there are several. Where nothing traded there is no price, and the reference is not one; methods other than pay_as_clear and proportional have none';
COMMENT ON COLUMN energyledger.clearing_prices.market IS 'where';
COMMENT ON COLUMN energyledger.clearing_prices.slot IS 'beginning of the slot';
COMMENT ON COLUMN energyledger.clearing_prices.zone IS 'zone; NULL: the market has one';
COMMENT ON COLUMN energyledger.clearing_prices.currency IS 'ISO 4217';
COMMENT ON COLUMN energyledger.clearing_prices.price_micro_per_kwh IS 'what sellers get, in micro-currency per kWh; NULL: no price';
COMMENT ON COLUMN energyledger.clearing_prices.low_micro_per_kwh IS 'lowest price at which the same would have traded; NULL: open';
COMMENT ON COLUMN energyledger.clearing_prices.high_micro_per_kwh IS 'highest; NULL: open';
COMMENT ON COLUMN energyledger.clearing_prices.reference_micro_per_kwh IS 'price that was at hand where limits left it open; NULL: none';
COMMENT ON COLUMN energyledger.clearing_prices.sold_wh IS 'energy sold there, in Wh';
COMMENT ON COLUMN energyledger.clearing_prices.bought_wh IS 'energy bought there';
COMMENT ON COLUMN energyledger.clearing_prices.orders IS 'orders of the market''s slot';
COMMENT ON COLUMN energyledger.clearing_prices.trades IS 'trades of the market''s slot';
COMMENT ON COLUMN energyledger.clearing_prices.cleared_at IS 'when';
COMMENT ON COLUMN energyledger.clearing_prices.clearing_id IS 'number of the clearing, for verify_clearing()';
