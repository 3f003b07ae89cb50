/*
 * matching.sql: matching bids with asks.  The rules are in doc/matching.md, the
 * arithmetic in src/core/matching*.c.
 *
 * A pure function of its arguments: no table is read, so whoever has the orders of a
 * market can run it again, and gets the same trades.
 */

CREATE TYPE energyledger.order_input AS (
    order_id      bigint,
    side          text,
    actor         text,
    energy        bigint,
    price         bigint,
    zone          text,
    partner       text,
    partner_price bigint,
    arrival       bigint
);
COMMENT ON TYPE energyledger.order_input IS 'an order as match_orders() takes it';
COMMENT ON COLUMN energyledger.order_input.order_id IS 'unique among the orders; decides between those that arrived together';
COMMENT ON COLUMN energyledger.order_input.side IS 'bid (buys) or ask (sells)';
COMMENT ON COLUMN energyledger.order_input.actor IS 'whose order it is, 1 to 1000 bytes; NULL: nobody that is known';
COMMENT ON COLUMN energyledger.order_input.energy IS 'in Wh, above 0; all bids together, and all asks, fit a bigint';
COMMENT ON COLUMN energyledger.order_input.price IS
'limit in micro-currency per kWh, may be negative: a bid''s highest, an ask''s lowest; NULL: at any price';
COMMENT ON COLUMN energyledger.order_input.zone IS 'where, 1 to 1000 bytes; without option zones all orders that have one have the same';
COMMENT ON COLUMN energyledger.order_input.partner IS 'the actor to trade with first, 1 to 1000 bytes; NULL: none';
COMMENT ON COLUMN energyledger.order_input.partner_price IS
'price for a partner in micro-currency per kWh, whichever of the two named the other; NULL: as price';
COMMENT ON COLUMN energyledger.order_input.arrival IS 'the earlier has the lower number; of equal ones the lower order_id is first';

CREATE TYPE energyledger.match_output AS (
    trade_seq int,
    bid_id    bigint,
    ask_id    bigint,
    energy    bigint,
    price     bigint
);
COMMENT ON TYPE energyledger.match_output IS 'a trade as match_orders() gives it';
COMMENT ON COLUMN energyledger.match_output.trade_seq IS 'from 1, in the order in which the rule makes them';
COMMENT ON COLUMN energyledger.match_output.bid_id IS 'order_id of the bid';
COMMENT ON COLUMN energyledger.match_output.ask_id IS 'order_id of the ask';
COMMENT ON COLUMN energyledger.match_output.energy IS 'in Wh, above 0';
COMMENT ON COLUMN energyledger.match_output.price IS 'what the seller gets, in micro-currency per kWh';

CREATE FUNCTION energyledger.match_orders(orders energyledger.order_input[], method text, options jsonb DEFAULT '{}')
    RETURNS SETOF energyledger.match_output
    AS 'MODULE_PATHNAME', 'energyledger_match_orders' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION energyledger.match_orders(energyledger.order_input[], text, jsonb) IS
'Matches bids with asks: who trades with whom, how much, at what price. The same orders in any sequence give the same trades. '
'orders: at most 16777216; method: pay_as_clear (one price for all, or in each zone), pay_as_bid (each bid at its own limit), '
'continuous (one order after the other as they arrived, at the price of the one that was there), '
'proportional (equal shares of what there is, at the reference price). '
'options, of pay_as_clear: policy, where in the interval of possible prices: ask_side (its low end, the default), bid_side (its high end), midpoint (rounded down); '
'of pay_as_bid: order merit (default) or gsy (for comparison: the dearest ask first); '
'of all: self_trade net (default: own bids and asks of a zone that cross cancel each other before they meet others, and are no trades) or allow; '
'of all but continuous: first_phase none (default), peer_fixed (first trades between actors who name each other at one price), '
'preference (the same, then where one side names the other); reference_price, a whole number: where limits leave the price open, and of proportional; '
'lottery, 64 hexadecimal digits: among equal prices SHA-256 of this seed and the order_id decides instead of arrival; '
'sources [{order_id, source}]: what an ask''s energy is of; conditions [{order_id, partner, source, zone, energy, price}]: the only ways in which an order trades, '
'where what is absent means any, energy (Wh) is the most by this one and price its limit; '
'of pay_as_clear and pay_as_bid: zones [{zone, parent, fee, fee_kind}], trees of zones that orders are in, fee_kind constant (default, micro-currency per kWh) or parts '
'(per million of what the seller gets; not with pay_as_clear); of pay_as_clear with zones: lines [{from, to, capacity, capacity_back, fee}], over which alone energy then flows (Wh each way), '
'price_min and price_max, what orders at any price stand for (default -1000000000 and 1000000000). '
'Result: a row a trade, none where nothing is matched; energy in Wh and price, what the seller gets, in micro-currency per kWh, as in the orders (any other two units do as well); '
'what the buyer pays: match_trades(). '
'Errors: 22004 for a NULL argument, order, order_id, side, energy or arrival, for a zone that is NULL with option zones, for a field of a list that must be given; '
'22023 for an unknown method, option, field or value, options that do not go together, a side that is neither bid nor ask, energy not above 0, an empty name, '
'a zone that is none of the zones, zones that are no trees, an order whose partner is its own actor, two conditions of an order that name nothing, '
'orders at any price that only a reference_price could price, proportional without one; '
'22001 for a name too long; 22003 where a side''s energy is more than a bigint, and for a price, fee, capacity or energy beyond the limits of zones; '
'23505 for an order_id, a zone or an order''s source that is there twice; 0A000 for orders of several zones without option zones; '
'54000 for too many orders, zones, lines, sources or conditions. '
'Reads no table. Rules: doc/matching.md.';

CREATE FUNCTION energyledger.match_trades(orders energyledger.order_input[], method text, options jsonb DEFAULT '{}')
    RETURNS TABLE (trade_seq int, bid_id bigint, ask_id bigint, energy bigint, price bigint, buyer_price bigint, phase text)
    AS 'MODULE_PATHNAME', 'energyledger_match_trades' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION energyledger.match_trades(energyledger.order_input[], text, jsonb) IS
'The trades of match_orders(), with what the buyer pays and why they were made. Arguments and errors: as of match_orders(). '
'Result: its columns (price is what the seller gets), and buyer_price, what the buyer pays in micro-currency per kWh: the same within one zone without fees, '
'otherwise with the fees of the zones on the way and, where one price is paid in each zone, what their prices differ by; '
'phase: first (named partners), conditions, or main (the method). Reads no table. Rules: doc/matching.md.';

CREATE FUNCTION energyledger.match_input_hash(orders energyledger.order_input[], method text, options jsonb DEFAULT '{}')
    RETURNS bytea
    AS 'MODULE_PATHNAME', 'energyledger_match_input_hash' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION energyledger.match_input_hash(energyledger.order_input[], text, jsonb) IS
'SHA-256 of all that match_orders() computes with: every field of every order, the method and the options. '
'It does not depend on the sequence of the orders. Arguments: as of match_orders(). Result: 32 bytes. '
'Errors: as match_orders() has for a NULL, an order''s names and side, an order_id that is there twice, the method and its options; '
'whether the orders can be matched is not asked. The bytes that are hashed: doc/matching.md.';
