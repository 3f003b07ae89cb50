/*
 * market.sql: markets, who takes part in them, orders, clearings and trades.
 *
 * Ledger tables: nothing is edited.  A market and a member are changed by another row;
 * an order is taken back by a row of order_cancel.  What the rules make of the orders
 * (clearing, trade, order_lapse) can be computed again by anybody from the rows of
 * market and market_order: the rules are match_orders()'s, doc/market.md.
 *
 * Orders of a market are taken under a lock that they share and that a clearing has
 * alone.  So a clearing sees every order that was taken, and none is taken after it.
 */

-- ---------------------------------------------------------------- markets and members

CREATE TABLE energyledger.market (
    market                   text COLLATE "C" NOT NULL CHECK (energyledger.identifier_valid(market)),
    applies_from             timestamptz NOT NULL,
    slot_minutes             integer NOT NULL CHECK (slot_minutes IN (5, 10, 15, 20, 30, 60)),
    gate_closure_minutes     integer NOT NULL CHECK (gate_closure_minutes BETWEEN -2000000 AND 2000000),
    currency                 text COLLATE "C" NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    price_step_micro_per_kwh bigint NOT NULL CHECK (price_step_micro_per_kwh > 0),
    price_min_micro_per_kwh  bigint NOT NULL CHECK (price_min_micro_per_kwh >= -100000000000000),
    price_max_micro_per_kwh  bigint NOT NULL CHECK (price_max_micro_per_kwh <= 100000000000000),
    energy_step_wh           bigint NOT NULL CHECK (energy_step_wh > 0),
    order_max_wh             bigint NOT NULL CHECK (order_max_wh BETWEEN 1 AND 4398046511104),
    method                   text COLLATE "C" NOT NULL,
    options                  jsonb NOT NULL,
    zones                    jsonb,
    lines                    jsonb,
    bands                    jsonb NOT NULL,
    grid_party               text COLLATE "C" NOT NULL CHECK (energyledger.identifier_valid(grid_party)),
    operator_party           text COLLATE "C" NOT NULL CHECK (energyledger.identifier_valid(operator_party)),
    buy_series               text COLLATE "C" NOT NULL CHECK (energyledger.identifier_valid(buy_series)),
    sell_series              text COLLATE "C" NOT NULL CHECK (energyledger.identifier_valid(sell_series)),
    reference_series         text COLLATE "C" CHECK (energyledger.identifier_valid(reference_series)),
    vat_ppm                  integer NOT NULL CHECK (vat_ppm BETWEEN 0 AND 1000000),
    open                     boolean NOT NULL,
    recorded_at              timestamptz NOT NULL,
    recorded_by              text NOT NULL,
    CONSTRAINT market_price_check CHECK (price_min_micro_per_kwh <= price_max_micro_per_kwh)
) USING ledger;
CREATE INDEX market_market_idx ON energyledger.market (market, applies_from);
COMMENT ON TABLE energyledger.market IS
'markets and their rules. For a slot counts the row with the latest applies_from that is not after it, of several the newest. Written by set_market()';
COMMENT ON COLUMN energyledger.market.market IS 'name: 1 to 64 of A-Z a-z 0-9 . _ : -';
COMMENT ON COLUMN energyledger.market.applies_from IS 'for slots that begin then or later';
COMMENT ON COLUMN energyledger.market.slot_minutes IS 'length of a slot; slots begin at multiples of it in UTC';
COMMENT ON COLUMN energyledger.market.gate_closure_minutes IS 'orders are taken until so long before a slot begins; below zero: so long after';
COMMENT ON COLUMN energyledger.market.currency IS 'ISO 4217';
COMMENT ON COLUMN energyledger.market.price_step_micro_per_kwh IS 'limits are multiples of it';
COMMENT ON COLUMN energyledger.market.price_min_micro_per_kwh IS 'lowest limit that is taken';
COMMENT ON COLUMN energyledger.market.price_max_micro_per_kwh IS 'highest limit that is taken';
COMMENT ON COLUMN energyledger.market.energy_step_wh IS 'an order''s energy is a multiple of it';
COMMENT ON COLUMN energyledger.market.order_max_wh IS 'most energy of one order';
COMMENT ON COLUMN energyledger.market.method IS 'of match_orders(): pay_as_clear, pay_as_bid, continuous, proportional';
COMMENT ON COLUMN energyledger.market.options IS 'of match_orders(); and "lottery": true, where chance decides between equal prices';
COMMENT ON COLUMN energyledger.market.zones IS 'zones with their fees as match_orders() takes them, and "operator": the party that gets the fee; NULL: one zone';
COMMENT ON COLUMN energyledger.market.lines IS 'lines between zones as match_orders() takes them; NULL: no limits between zones';
COMMENT ON COLUMN energyledger.market.bands IS 'what deviations from trades cost: see doc/market.md, Settlement';
COMMENT ON COLUMN energyledger.market.grid_party IS 'party that supplies what nobody sold and takes what nobody bought';
COMMENT ON COLUMN energyledger.market.operator_party IS 'party that gets what lines earn by being full, and fees of zones without an operator';
COMMENT ON COLUMN energyledger.market.buy_series IS 'series of the prices at which parties buy from the grid';
COMMENT ON COLUMN energyledger.market.sell_series IS 'series of the prices at which they sell to it';
COMMENT ON COLUMN energyledger.market.reference_series IS 'series of the prices where limits leave it open; NULL: midway between the two above, rounded down';
COMMENT ON COLUMN energyledger.market.vat_ppm IS 'VAT on what is traded and settled here, in millionths';
COMMENT ON COLUMN energyledger.market.open IS 'false: no orders are taken';
COMMENT ON COLUMN energyledger.market.recorded_at IS 'when this row was written';
COMMENT ON COLUMN energyledger.market.recorded_by IS 'by which role';
COMMENT ON COLUMN energyledger.market.ledger_id IS 'assigned by the ledger: site, then a counter';
COMMENT ON INDEX energyledger.market_market_idx IS 'a market''s rules by the time from which they apply';

CREATE TABLE energyledger.market_member (
    market            text COLLATE "C" NOT NULL CHECK (energyledger.identifier_valid(market)),
    party             text COLLATE "C" NOT NULL CHECK (energyledger.identifier_valid(party)),
    zone              text COLLATE "C" CHECK (energyledger.identifier_valid(zone)),
    bid_limit_wh      bigint CHECK (bid_limit_wh >= 0),
    ask_limit_wh      bigint CHECK (ask_limit_wh >= 0),
    credit_limit_nano bigint CHECK (credit_limit_nano >= 0),
    active            boolean NOT NULL,
    recorded_at       timestamptz NOT NULL,
    recorded_by       text NOT NULL
) USING ledger;
CREATE INDEX market_member_idx ON energyledger.market_member (market, party);
COMMENT ON TABLE energyledger.market_member IS 'parties that take part in a market; of the rows of both the newest counts. Written by set_member()';
COMMENT ON COLUMN energyledger.market_member.market IS 'where';
COMMENT ON COLUMN energyledger.market_member.party IS 'who';
COMMENT ON COLUMN energyledger.market_member.zone IS 'zone of its orders that name none and whose meter has none';
COMMENT ON COLUMN energyledger.market_member.bid_limit_wh IS 'most energy of all its bids for a slot; NULL: no limit';
COMMENT ON COLUMN energyledger.market_member.ask_limit_wh IS 'most energy of all its asks for a slot; NULL: no limit';
COMMENT ON COLUMN energyledger.market_member.credit_limit_nano IS 'most that it may come to owe, in nano-currency (10^-9); NULL: no limit';
COMMENT ON COLUMN energyledger.market_member.active IS 'false: its orders are refused; it is settled for slots that were cleared before, and where it traded';
COMMENT ON COLUMN energyledger.market_member.recorded_at IS 'when this row was written';
COMMENT ON COLUMN energyledger.market_member.recorded_by IS 'by which role';
COMMENT ON COLUMN energyledger.market_member.ledger_id IS 'assigned by the ledger: site, then a counter';
COMMENT ON INDEX energyledger.market_member_idx IS 'the members of a market';

CREATE TABLE energyledger.market_gate (
    market    text COLLATE "C" NOT NULL,
    slot      timestamptz NOT NULL,
    closed_at timestamptz NOT NULL,
    reason    text NOT NULL CHECK (octet_length(reason) BETWEEN 1 AND 1000),
    closed_by text NOT NULL
) USING ledger;
CREATE UNIQUE INDEX market_gate_key ON energyledger.market_gate (market, slot);
CREATE INDEX market_gate_closed_idx ON energyledger.market_gate (closed_at);
COMMENT ON TABLE energyledger.market_gate IS 'gates that somebody closed before their time. Written by close_gate()';
COMMENT ON COLUMN energyledger.market_gate.market IS 'where';
COMMENT ON COLUMN energyledger.market_gate.slot IS 'for which slot: its beginning';
COMMENT ON COLUMN energyledger.market_gate.closed_at IS 'when';
COMMENT ON COLUMN energyledger.market_gate.reason IS 'why, 1 to 1000 bytes';
COMMENT ON COLUMN energyledger.market_gate.closed_by IS 'by which role';
COMMENT ON COLUMN energyledger.market_gate.ledger_id IS 'assigned by the ledger: site, then a counter';
COMMENT ON INDEX energyledger.market_gate_key IS 'each once';
COMMENT ON INDEX energyledger.market_gate_closed_idx IS 'what was closed lately';

-- ---------------------------------------------------------------- orders

-- ledger_ids are given out in runs, so a later row may have a lower one.
CREATE SEQUENCE energyledger.market_sequence;
COMMENT ON SEQUENCE energyledger.market_sequence IS 'counts orders and cancellations, of all markets, in the order in which they were taken';
SELECT pg_catalog.pg_extension_config_dump('energyledger.market_sequence', '');

CREATE TABLE energyledger.market_order (
    market                      text COLLATE "C" NOT NULL,
    slot                        timestamptz NOT NULL,
    side                        text COLLATE "C" NOT NULL CHECK (side IN ('bid', 'ask')),
    party                       text COLLATE "C" NOT NULL,
    energy_wh                   bigint NOT NULL CHECK (energy_wh > 0),
    limit_price_micro_per_kwh   bigint,
    kind                        text COLLATE "C" NOT NULL CHECK (kind IN ('limit', 'immediate_or_cancel', 'all_or_none')),
    valid_until                 timestamptz,
    zone                        text COLLATE "C",
    source                      text COLLATE "C",
    partner                     text COLLATE "C",
    partner_price_micro_per_kwh bigint,
    conditions                  jsonb,
    received_at                 timestamptz NOT NULL,
    meter                       text COLLATE "C",
    epoch                       bigint,
    seq                         bigint,
    placed_by                   text,
    sequence_no                 bigint NOT NULL DEFAULT nextval('energyledger.market_sequence'),
    CONSTRAINT market_order_origin_check CHECK (num_nulls(meter, epoch, seq) IN (0, 3) AND (meter IS NULL) <> (placed_by IS NULL))
) USING ledger;
CREATE INDEX market_order_slot_idx ON energyledger.market_order (market, slot, sequence_no);
CREATE INDEX market_order_party_idx ON energyledger.market_order (party, market, slot);
CREATE UNIQUE INDEX market_order_message_key ON energyledger.market_order (meter, epoch, seq) WHERE meter IS NOT NULL;
CREATE UNIQUE INDEX market_order_id_key ON energyledger.market_order (ledger_id);
COMMENT ON TABLE energyledger.market_order IS
'orders that were taken, signed by a device or placed by a role; the ledger_id is the order''s number. Written by ingest() and place_order()';
COMMENT ON COLUMN energyledger.market_order.market IS 'where';
COMMENT ON COLUMN energyledger.market_order.slot IS 'beginning of the slot it is for';
COMMENT ON COLUMN energyledger.market_order.side IS 'bid (buys) or ask (sells)';
COMMENT ON COLUMN energyledger.market_order.party IS 'whose order it is: who placed it, or the party of the device that signed it';
COMMENT ON COLUMN energyledger.market_order.energy_wh IS 'how much, in Wh';
COMMENT ON COLUMN energyledger.market_order.limit_price_micro_per_kwh IS 'a bid''s highest price, an ask''s lowest, in micro-currency per kWh; NULL: at any price';
COMMENT ON COLUMN energyledger.market_order.kind IS 'limit; in continuous markets also immediate_or_cancel (what does not trade at once lapses) and all_or_none (trades at once and whole, or lapses)';
COMMENT ON COLUMN energyledger.market_order.valid_until IS 'lapses then; NULL: with its slot''s gate';
COMMENT ON COLUMN energyledger.market_order.zone IS 'where in the grid; NULL in markets of one zone';
COMMENT ON COLUMN energyledger.market_order.source IS 'what makes the energy of an ask: technology of a meter of the party; NULL: not said';
COMMENT ON COLUMN energyledger.market_order.partner IS 'party to trade with first; NULL: none';
COMMENT ON COLUMN energyledger.market_order.partner_price_micro_per_kwh IS 'price for a partner; NULL: the limit';
COMMENT ON COLUMN energyledger.market_order.conditions IS 'under which of these it trades: [{"partner", "source", "zone", "energy_wh", "limit_price_micro_per_kwh"}, ...]; NULL: none';
COMMENT ON COLUMN energyledger.market_order.received_at IS 'when it was taken: the earlier is first';
COMMENT ON COLUMN energyledger.market_order.meter IS 'device that signed it, with epoch and seq the message; NULL: placed_by says who';
COMMENT ON COLUMN energyledger.market_order.epoch IS 'the message''s epoch';
COMMENT ON COLUMN energyledger.market_order.seq IS 'the message''s sequence number';
COMMENT ON COLUMN energyledger.market_order.placed_by IS 'role that placed it; NULL: it is signed';
COMMENT ON COLUMN energyledger.market_order.sequence_no IS 'drawn under the market''s lock: an order or cancellation that is taken later has a higher one';
COMMENT ON COLUMN energyledger.market_order.ledger_id IS 'assigned by the ledger: site, then a counter. The order''s number';
COMMENT ON INDEX energyledger.market_order_slot_idx IS 'the orders of a slot';
COMMENT ON INDEX energyledger.market_order_party_idx IS 'a party''s orders by slot: what its limits are held against';
COMMENT ON INDEX energyledger.market_order_message_key IS 'the order of a message; each message once';
COMMENT ON INDEX energyledger.market_order_id_key IS 'an order by its number';

CREATE TABLE energyledger.order_cancel (
    order_id     bigint NOT NULL PRIMARY KEY,
    market       text COLLATE "C" NOT NULL,
    slot         timestamptz NOT NULL,
    received_at  timestamptz NOT NULL,
    meter        text COLLATE "C",
    epoch        bigint,
    seq          bigint,
    cancelled_by text,
    sequence_no  bigint NOT NULL DEFAULT nextval('energyledger.market_sequence'),
    CONSTRAINT order_cancel_origin_check CHECK (num_nulls(meter, epoch, seq) IN (0, 3) AND (meter IS NULL) <> (cancelled_by IS NULL))
) USING ledger;
CREATE INDEX order_cancel_slot_idx ON energyledger.order_cancel (market, slot, sequence_no);
COMMENT ON TABLE energyledger.order_cancel IS 'orders that were taken back before they were cleared. Written by ingest() and cancel_order()';
COMMENT ON COLUMN energyledger.order_cancel.order_id IS 'market_order.ledger_id';
COMMENT ON COLUMN energyledger.order_cancel.market IS 'the order''s market';
COMMENT ON COLUMN energyledger.order_cancel.slot IS 'the order''s slot';
COMMENT ON COLUMN energyledger.order_cancel.received_at IS 'when';
COMMENT ON COLUMN energyledger.order_cancel.meter IS 'device that signed it, with epoch and seq the message; NULL: cancelled_by says who';
COMMENT ON COLUMN energyledger.order_cancel.epoch IS 'the message''s epoch';
COMMENT ON COLUMN energyledger.order_cancel.seq IS 'the message''s sequence number';
COMMENT ON COLUMN energyledger.order_cancel.cancelled_by IS 'role that cancelled it; NULL: it is signed';
COMMENT ON COLUMN energyledger.order_cancel.sequence_no IS 'see market_order.sequence_no';
COMMENT ON COLUMN energyledger.order_cancel.ledger_id IS 'assigned by the ledger: site, then a counter';
COMMENT ON INDEX energyledger.order_cancel_pkey IS 'each order once';
COMMENT ON INDEX energyledger.order_cancel_slot_idx IS 'the cancellations of a slot';

CREATE TABLE energyledger.order_refusal (
    meter      text COLLATE "C" NOT NULL,
    epoch      bigint NOT NULL,
    seq        bigint NOT NULL,
    type       text COLLATE "C" NOT NULL CHECK (type IN ('order', 'cancel')),
    market     text COLLATE "C",
    slot       timestamptz,
    reason     text COLLATE "C" NOT NULL,
    detail     text,
    refused_at timestamptz NOT NULL
) USING ledger;
CREATE UNIQUE INDEX order_refusal_key ON energyledger.order_refusal (meter, epoch, seq);
COMMENT ON TABLE energyledger.order_refusal IS
'signed orders and cancellations that are in the ledger as messages and that the market did not take, with the reason. Written by ingest()';
COMMENT ON COLUMN energyledger.order_refusal.meter IS 'device that signed it';
COMMENT ON COLUMN energyledger.order_refusal.epoch IS 'the message''s epoch';
COMMENT ON COLUMN energyledger.order_refusal.seq IS 'the message''s sequence number';
COMMENT ON COLUMN energyledger.order_refusal.type IS 'order or cancel';
COMMENT ON COLUMN energyledger.order_refusal.market IS 'market it names; of a cancel the order''s, NULL where there is none';
COMMENT ON COLUMN energyledger.order_refusal.slot IS 'slot it names; of a cancel the order''s';
COMMENT ON COLUMN energyledger.order_refusal.reason IS 'code, listed in doc/market.md';
COMMENT ON COLUMN energyledger.order_refusal.detail IS 'more about it';
COMMENT ON COLUMN energyledger.order_refusal.refused_at IS 'when';
COMMENT ON COLUMN energyledger.order_refusal.ledger_id IS 'assigned by the ledger: site, then a counter';
COMMENT ON INDEX energyledger.order_refusal_key IS 'each message once';

-- ---------------------------------------------------------------- clearings

CREATE TABLE energyledger.clearing (
    market              text COLLATE "C" NOT NULL,
    slot                timestamptz NOT NULL,
    run                 integer NOT NULL CHECK (run > 0),
    market_id           bigint NOT NULL,
    gate_at             timestamptz NOT NULL,
    through_no          bigint NOT NULL,
    method              text COLLATE "C" NOT NULL,
    options             jsonb NOT NULL,
    rule_version        integer NOT NULL,
    input_hash          bytea NOT NULL CHECK (octet_length(input_hash) = 32),
    orders              bigint NOT NULL,
    trades              bigint NOT NULL,
    bid_wh              bigint NOT NULL,
    ask_wh              bigint NOT NULL,
    netted_wh           bigint NOT NULL,
    volume_wh           bigint NOT NULL,
    price_micro_per_kwh bigint,
    low_micro_per_kwh   bigint,
    high_micro_per_kwh  bigint,
    zones               jsonb,
    lines               jsonb,
    cleared_at          timestamptz NOT NULL,
    cleared_by          text NOT NULL
) USING ledger;
CREATE UNIQUE INDEX clearing_key ON energyledger.clearing (market, slot, run);
CREATE UNIQUE INDEX clearing_id_key ON energyledger.clearing (ledger_id);
COMMENT ON TABLE energyledger.clearing IS
'what became of the orders of a slot: by which rule, from what, at what price. Auctions have one for each slot, continuous markets one for each time that orders were worked off. Written by clear()';
COMMENT ON COLUMN energyledger.clearing.market IS 'where';
COMMENT ON COLUMN energyledger.clearing.slot IS 'beginning of the slot';
COMMENT ON COLUMN energyledger.clearing.run IS 'counts the slot''s clearings from 1';
COMMENT ON COLUMN energyledger.clearing.market_id IS 'the rules: market.ledger_id';
COMMENT ON COLUMN energyledger.clearing.gate_at IS 'when the gate closed, or is to close';
COMMENT ON COLUMN energyledger.clearing.through_no IS 'highest sequence_no of an order (in a continuous market, or a cancellation) that was worked off; 0: none';
COMMENT ON COLUMN energyledger.clearing.method IS 'of match_orders()';
COMMENT ON COLUMN energyledger.clearing.options IS 'of match_orders(), with the reference price of the slot and what a lottery was drawn with';
COMMENT ON COLUMN energyledger.clearing.rule_version IS 'version of the rules: another version may give other trades';
COMMENT ON COLUMN energyledger.clearing.input_hash IS 'SHA-256 over all orders, method and options: match_input_hash()';
COMMENT ON COLUMN energyledger.clearing.orders IS 'how many orders';
COMMENT ON COLUMN energyledger.clearing.trades IS 'how many trades of the slot, earlier runs'' too';
COMMENT ON COLUMN energyledger.clearing.bid_wh IS 'energy of all bids';
COMMENT ON COLUMN energyledger.clearing.ask_wh IS 'energy of all asks';
COMMENT ON COLUMN energyledger.clearing.netted_wh IS 'energy on each side that parties'' own orders took out';
COMMENT ON COLUMN energyledger.clearing.volume_wh IS 'energy of all trades';
COMMENT ON COLUMN energyledger.clearing.price_micro_per_kwh IS 'the one price of pay_as_clear in one zone; NULL: another method, zones, or no trade';
COMMENT ON COLUMN energyledger.clearing.low_micro_per_kwh IS 'low end of the interval of possible prices; NULL: open';
COMMENT ON COLUMN energyledger.clearing.high_micro_per_kwh IS 'its high end; NULL: open';
COMMENT ON COLUMN energyledger.clearing.zones IS 'zones: price, energy sold and bought; NULL: one zone';
COMMENT ON COLUMN energyledger.clearing.lines IS 'lines: energy carried, what being full earned; NULL: none';
COMMENT ON COLUMN energyledger.clearing.cleared_at IS 'when';
COMMENT ON COLUMN energyledger.clearing.cleared_by IS 'by which role';
COMMENT ON COLUMN energyledger.clearing.ledger_id IS 'assigned by the ledger: site, then a counter. The clearing''s number';
COMMENT ON INDEX energyledger.clearing_key IS 'each once';
COMMENT ON INDEX energyledger.clearing_id_key IS 'a clearing by its number';

CREATE TABLE energyledger.trade (
    market                    text COLLATE "C" NOT NULL,
    slot                      timestamptz NOT NULL,
    trade_seq                 integer NOT NULL,
    bid_id                    bigint NOT NULL,
    ask_id                    bigint NOT NULL,
    buyer                     text COLLATE "C" NOT NULL,
    seller                    text COLLATE "C" NOT NULL,
    energy_wh                 bigint NOT NULL CHECK (energy_wh > 0),
    price_micro_per_kwh       bigint NOT NULL,
    buyer_price_micro_per_kwh bigint NOT NULL CHECK (buyer_price_micro_per_kwh >= price_micro_per_kwh),
    buyer_zone                text COLLATE "C",
    seller_zone               text COLLATE "C",
    phase                     text COLLATE "C" NOT NULL CHECK (phase IN ('first', 'conditions', 'main'))
) USING ledger;
CREATE UNIQUE INDEX trade_key ON energyledger.trade (market, slot, trade_seq);
COMMENT ON TABLE energyledger.trade IS 'who bought from whom, how much and at what price. Written by clear()';
COMMENT ON COLUMN energyledger.trade.market IS 'where';
COMMENT ON COLUMN energyledger.trade.slot IS 'beginning of the slot';
COMMENT ON COLUMN energyledger.trade.trade_seq IS 'counts the slot''s trades from 1, in the order in which the rule makes them';
COMMENT ON COLUMN energyledger.trade.bid_id IS 'the bid: market_order.ledger_id';
COMMENT ON COLUMN energyledger.trade.ask_id IS 'the ask: market_order.ledger_id';
COMMENT ON COLUMN energyledger.trade.buyer IS 'the bid''s party';
COMMENT ON COLUMN energyledger.trade.seller IS 'the ask''s party';
COMMENT ON COLUMN energyledger.trade.energy_wh IS 'in Wh';
COMMENT ON COLUMN energyledger.trade.price_micro_per_kwh IS 'what the seller gets, in micro-currency per kWh';
COMMENT ON COLUMN energyledger.trade.buyer_price_micro_per_kwh IS 'what the buyer pays: that, the fees of the zones between them, and what full lines earn';
COMMENT ON COLUMN energyledger.trade.buyer_zone IS 'the bid''s zone; NULL: the market has one';
COMMENT ON COLUMN energyledger.trade.seller_zone IS 'the ask''s zone; NULL: the market has one';
COMMENT ON COLUMN energyledger.trade.phase IS 'first (partners), conditions, or main (the method)';
COMMENT ON COLUMN energyledger.trade.ledger_id IS 'assigned by the ledger: site, then a counter';
COMMENT ON INDEX energyledger.trade_key IS 'the trades of a slot in their order';

CREATE TABLE energyledger.order_lapse (
    market    text COLLATE "C" NOT NULL,
    slot      timestamptz NOT NULL,
    order_id  bigint NOT NULL,
    energy_wh bigint NOT NULL CHECK (energy_wh > 0),
    reason    text COLLATE "C" NOT NULL CHECK (reason IN ('netted', 'dropped', 'expired', 'cancelled'))
) USING ledger;
CREATE INDEX order_lapse_idx ON energyledger.order_lapse (market, slot, order_id);
COMMENT ON TABLE energyledger.order_lapse IS
'energy of orders that left the book without a trade before the end. What was merely not wanted is not here: an order''s energy less trades and lapses. Written by clear()';
COMMENT ON COLUMN energyledger.order_lapse.market IS 'where';
COMMENT ON COLUMN energyledger.order_lapse.slot IS 'beginning of the slot';
COMMENT ON COLUMN energyledger.order_lapse.order_id IS 'market_order.ledger_id';
COMMENT ON COLUMN energyledger.order_lapse.energy_wh IS 'how much, in Wh';
COMMENT ON COLUMN energyledger.order_lapse.reason IS
'netted (against an own order that crossed it); in continuous markets also dropped (by its kind), expired (valid_until), cancelled';
COMMENT ON COLUMN energyledger.order_lapse.ledger_id IS 'assigned by the ledger: site, then a counter';
COMMENT ON INDEX energyledger.order_lapse_idx IS 'the lapses of a slot, and of an order';

SELECT pg_catalog.pg_extension_config_dump('energyledger.market', '');
SELECT pg_catalog.pg_extension_config_dump('energyledger.market_member', '');
SELECT pg_catalog.pg_extension_config_dump('energyledger.market_gate', '');
SELECT pg_catalog.pg_extension_config_dump('energyledger.market_order', '');
SELECT pg_catalog.pg_extension_config_dump('energyledger.order_cancel', '');
SELECT pg_catalog.pg_extension_config_dump('energyledger.order_refusal', '');
SELECT pg_catalog.pg_extension_config_dump('energyledger.clearing', '');
SELECT pg_catalog.pg_extension_config_dump('energyledger.trade', '');
SELECT pg_catalog.pg_extension_config_dump('energyledger.order_lapse', '');
