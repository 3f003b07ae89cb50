/*
 * month_sums.sql: what should have come of the days, by plain arithmetic.
 *
 * From rows of reading, meter, market_order, order_cancel, trade and price alone; of
 * the extension no function is called and no view is read.  Prices are micro-currency
 * per kWh, so that Wh times a price is nano-currency.
 */
CREATE SCHEMA sums;

CREATE TABLE sums.slot AS
    SELECT slot FROM generate_series(:'since'::timestamptz, :'until'::timestamptz - interval '15 minutes', interval '15 minutes') slot;

-- Of what a meter said of the same quarter, the last word.
CREATE TABLE sums.measured AS
    SELECT h.party, r.from_at AS slot, coalesce(sum(r.value) FILTER (WHERE r.obis = '1-0:1.8.0'), 0) AS taken, coalesce(sum(r.value) FILTER (WHERE r.obis = '1-0:2.8.0'), 0) AS given
      FROM (SELECT DISTINCT ON (meter, obis, from_at) meter, obis, from_at, value FROM energyledger.reading ORDER BY meter, obis, from_at, epoch DESC, seq DESC) r
      JOIN energyledger.meter h USING (meter)
     GROUP BY 1, 2;

CREATE TABLE sums.traded AS
    SELECT party, slot, sum(bought) AS bought, sum(sold) AS sold, sum(got_nano) AS got_nano
      FROM (SELECT buyer AS party, slot, energy_wh AS bought, 0 AS sold, -energy_wh::numeric * price_micro_per_kwh AS got_nano FROM energyledger.trade
            UNION ALL
            SELECT seller, slot, 0, energy_wh, energy_wh::numeric * price_micro_per_kwh FROM energyledger.trade) t
     GROUP BY 1, 2;

CREATE TABLE sums.price AS
    SELECT s.slot, b.price_micro_per_kwh AS buy, x.price_micro_per_kwh AS sell
      FROM sums.slot s
      JOIN energyledger.price b ON b.series = 'grid-buy' AND b.from_at <= s.slot AND b.to_at > s.slot
      JOIN energyledger.price x ON x.series = 'grid-sell' AND x.from_at <= s.slot AND x.to_at > s.slot;

-- What each party should have got for each slot.  Short: a tenth of what it traded (or
-- 100 Wh) at the grid's price, the rest at 1.2 of it; long: likewise, and 0.8.
CREATE TABLE sums.due AS
    SELECT d.*, CASE WHEN d.deviation > 0 THEN d.near * d.buy + (d.deviation - d.near) * floor(d.buy * 1.2 + 0.5) ELSE 0 END AS short_nano,
           CASE WHEN d.deviation < 0 THEN d.near * d.sell + (-d.deviation - d.near) * floor(d.sell * 0.8 + 0.5) ELSE 0 END AS long_nano
      FROM (SELECT x.*, least(abs(x.deviation), CASE WHEN x.traded > 0 THEN div(x.traded, 10) ELSE 100 END) AS near
              FROM (SELECT m.party, m.slot, p.buy, p.sell, coalesce(t.got_nano, 0) AS got_nano, coalesce(t.bought + t.sold, 0)::numeric AS traded,
                           (m.taken - m.given - coalesce(t.bought, 0) + coalesce(t.sold, 0))::numeric AS deviation
                      FROM sums.measured m JOIN sums.price p USING (slot) LEFT JOIN sums.traded t USING (party, slot)) x) d;

CREATE TABLE sums.posted AS
    SELECT party, slot, sum(amount) AS amount
      FROM (SELECT payee AS party, from_at AS slot, amount_nano::numeric AS amount FROM energyledger.posting WHERE market = 'street'
            UNION ALL
            SELECT payer, from_at, -amount_nano FROM energyledger.posting WHERE market = 'street') p
     GROUP BY 1, 2;

-- Orders that stood when the gates closed, less what a party would have sold to itself.
CREATE TABLE sums.book AS
    WITH live AS (
        SELECT o.ledger_id AS id, o.slot, o.side, o.party, o.energy_wh AS wh, o.limit_price_micro_per_kwh AS price
          FROM energyledger.market_order o WHERE NOT EXISTS (SELECT FROM energyledger.order_cancel c WHERE c.order_id = o.ledger_id))
    SELECT l.*, l.wh - least(l.wh, coalesce(x.wh, 0)) AS open_wh
      FROM live l
      LEFT JOIN live x ON x.slot = l.slot AND x.party = l.party AND x.side <> l.side
           AND CASE l.side WHEN 'bid' THEN l.price >= x.price ELSE x.price >= l.price END;
CREATE TABLE sums.filled AS
    SELECT b.*, coalesce(t.wh, 0) AS traded_wh
      FROM sums.book b
      LEFT JOIN (SELECT id, sum(energy_wh) AS wh
                   FROM (SELECT bid_id AS id, energy_wh FROM energyledger.trade UNION ALL SELECT ask_id, energy_wh FROM energyledger.trade) e GROUP BY id) t USING (id);

-- The most that could be traded: at each price, the lesser of what is wanted at it or above and
-- what is offered at it or below.
CREATE TABLE sums.optimum AS
    SELECT slot, max(least(demand, supply)) AS volume
      FROM (SELECT slot, price, sum(bid) OVER (PARTITION BY slot ORDER BY price DESC) AS demand, sum(ask) OVER (PARTITION BY slot ORDER BY price) AS supply
              FROM (SELECT slot, price, sum(CASE side WHEN 'bid' THEN open_wh ELSE 0 END) AS bid, sum(CASE side WHEN 'ask' THEN open_wh ELSE 0 END) AS ask
                      FROM sums.book GROUP BY 1, 2) p) c
     GROUP BY slot;

-- Prices at which nobody would want more or less: from the last accepted ask or the first
-- bid not served in full, to the last accepted bid or the first ask not served in full.
CREATE TABLE sums.range AS
    SELECT slot, greatest(max(price) FILTER (WHERE side = 'ask' AND traded_wh > 0), max(price) FILTER (WHERE side = 'bid' AND traded_wh < open_wh)) AS low,
           least(min(price) FILTER (WHERE side = 'bid' AND traded_wh > 0), min(price) FILTER (WHERE side = 'ask' AND traded_wh < open_wh)) AS high
      FROM sums.filled GROUP BY slot HAVING sum(traded_wh) > 0;
ANALYZE;

-- ---------------------------------------------------------------- orders and messages

SELECT 'every order and cancellation is of a signed message of its type', count(*), 0
  FROM (SELECT meter, epoch, seq, 'order' AS type FROM energyledger.market_order UNION ALL SELECT meter, epoch, seq, 'cancel' FROM energyledger.order_cancel) o
  FULL JOIN (SELECT meter, epoch, seq, type FROM energyledger.message WHERE type IN ('order', 'cancel')) m USING (meter, epoch, seq, type)
 WHERE o IS NULL OR m IS NULL;
SELECT 'all meters speak, of each quarter once, in whole Wh', count(DISTINCT meter) || ' ' || bool_and(value >= 0 AND scale = 0 AND unit = 'Wh' AND to_at - from_at = interval '15 minutes'),
       (SELECT count(*) FROM energyledger.meter) || ' true' FROM energyledger.reading;
SELECT 'every party has its energy in every slot', count(*) || ' ' || count(DISTINCT party), (SELECT count(*) FROM sums.slot) * (SELECT count(DISTINCT party) FROM energyledger.market_member) || ' ' ||
       (SELECT count(DISTINCT party) FROM energyledger.market_member) FROM sums.measured;
SELECT 'a party has one order a side and slot', count(*), 0 FROM (SELECT FROM sums.book GROUP BY slot, party, side HAVING count(*) > 1) b;
SELECT 'a forecast is wrong by a fifth at most', count(*), 0
  FROM energyledger.market_order o
  JOIN energyledger.reading r ON r.meter = o.meter AND r.from_at = o.slot AND r.epoch = 1 AND r.obis = CASE o.side WHEN 'bid' THEN '1-0:1.8.0' ELSE '1-0:2.8.0' END
 WHERE abs(o.energy_wh - r.value) > r.value * 0.2 + 1;
SELECT 'orders were cancelled, about one in 50', count(*) BETWEEN (SELECT count(*) / 60 FROM energyledger.market_order) AND (SELECT count(*) / 40 FROM energyledger.market_order), true FROM energyledger.order_cancel;

-- ---------------------------------------------------------------- trades

SELECT 'trades are of standing orders of their slot, sides and parties', count(*), 0
  FROM energyledger.trade t
  LEFT JOIN sums.book b ON b.id = t.bid_id AND b.slot = t.slot AND b.side = 'bid' AND b.party = t.buyer
  LEFT JOIN sums.book a ON a.id = t.ask_id AND a.slot = t.slot AND a.side = 'ask' AND a.party = t.seller
 WHERE a IS NULL OR b IS NULL OR t.buyer = t.seller;
SELECT 'and within their limits', count(*), 0
  FROM energyledger.trade t JOIN sums.book b ON b.id = t.bid_id JOIN sums.book a ON a.id = t.ask_id
 WHERE t.price_micro_per_kwh NOT BETWEEN a.price AND b.price OR t.buyer_price_micro_per_kwh <> t.price_micro_per_kwh;
SELECT 'no order trades more than it has', count(*), 0 FROM sums.filled WHERE traded_wh > open_wh;
SELECT 'in each slot orders sell what orders buy', count(*), 0
  FROM (SELECT FROM sums.filled GROUP BY slot HAVING sum(CASE side WHEN 'bid' THEN traded_wh ELSE -traded_wh END) <> 0) s;
SELECT 'no slot trades less than it could, or more', count(*), 0
  FROM sums.optimum o FULL JOIN (SELECT slot, sum(energy_wh) AS volume FROM energyledger.trade GROUP BY slot) t USING (slot) WHERE coalesce(o.volume, 0) <> coalesce(t.volume, 0);
SELECT 'each slot has one price', count(*), 0 FROM (SELECT FROM energyledger.trade GROUP BY slot HAVING min(price_micro_per_kwh) <> max(price_micro_per_kwh)) s;
SELECT 'it is the midpoint of those at which nobody would want another amount', count(*), 0
  FROM sums.range r FULL JOIN (SELECT slot, min(price_micro_per_kwh) AS price FROM energyledger.trade GROUP BY slot) t USING (slot)
 WHERE t.price IS DISTINCT FROM div(r.low + r.high, 2);
SELECT 'many slots traded, at many prices', count(*) > 50 AND count(DISTINCT price_micro_per_kwh) > 20, true FROM energyledger.trade;

-- ---------------------------------------------------------------- money

SELECT 'what each party got for each slot is what it should have got', count(*), 0
  FROM (SELECT party, slot, got_nano + long_nano - short_nano AS amount FROM sums.due WHERE got_nano <> 0 OR deviation <> 0) d
  FULL JOIN (SELECT * FROM sums.posted WHERE party <> 'grid') p USING (party, slot)
 WHERE d.amount IS DISTINCT FROM p.amount;
SELECT 'and the grid has the other side', count(*), 0
  FROM (SELECT slot, sum(short_nano - long_nano) AS amount FROM sums.due GROUP BY slot) d FULL JOIN (SELECT * FROM sums.posted WHERE party = 'grid') p USING (slot)
 WHERE d.amount IS DISTINCT FROM p.amount;
SELECT 'all parties of a slot together have nothing', count(*), 0 FROM (SELECT FROM sums.posted GROUP BY slot HAVING sum(amount) <> 0) s;
SELECT 'what the street took from the grid is what it bought there, and did not sell', count(*), 0
  FROM (SELECT slot, sum(taken - given) AS wh FROM sums.measured GROUP BY slot) m
  FULL JOIN (SELECT from_at AS slot, sum(CASE kind WHEN 'deviation_short' THEN energy_wh ELSE -energy_wh END) AS wh FROM energyledger.posting WHERE kind LIKE 'deviation%' GROUP BY 1) p USING (slot)
 WHERE coalesce(m.wh, 0) <> coalesce(p.wh, 0);
SELECT 'what was wrong changed what its house pays', count(*) > 0 AND sum(p.amount_nano) < 0, true FROM energyledger.posting p WHERE p.reverses IS NOT NULL AND p.kind = 'deviation_short';

-- ---------------------------------------------------------------- invoices

-- What each party owes at each rate of VAT: the market's sums, grid and levy by what it took, a
-- standing charge by day; the grid only what it traded.
CREATE TABLE sums.bill AS
    SELECT party, -got + coalesce(taken, 0) * (79990 + 12345) AS net_21, CASE WHEN taken IS NULL THEN 0 ELSE :days * 333333000::numeric END AS net_9
      FROM (SELECT party, sum(amount) AS got FROM sums.posted GROUP BY party) p FULL JOIN (SELECT party, sum(taken) AS taken FROM sums.measured GROUP BY party) m USING (party);

SELECT 'what is invoiced to each party is what it owes, to the nano', count(*), 0
  FROM sums.bill b FULL JOIN (SELECT party, sum(net_nano) AS net FROM energyledger.invoice GROUP BY party) i USING (party) WHERE b.net_21 + b.net_9 IS DISTINCT FROM i.net;
SELECT 'with VAT, rounded to cents, where one invoice has it all', count(*) FILTER (WHERE i.vat_nano <> round(b.net_21 * 0.21) + round(b.net_9 * 0.09)
           OR i.total_cents <> round((b.net_21 + b.net_9 + round(b.net_21 * 0.21) + round(b.net_9 * 0.09)) / 10000000)) || ' of ' || count(*),
       '0 of ' || (SELECT count(DISTINCT party) - 2 FROM energyledger.market_member)
  FROM sums.bill b JOIN (SELECT party, max(total_cents) AS total_cents, max(vat_nano) AS vat_nano FROM energyledger.invoice GROUP BY party HAVING count(*) = 1) i USING (party);
SELECT 'each invoice is its lines, and its lines are their postings', count(*), 0
  FROM energyledger.invoice i
  LEFT JOIN (SELECT number, sum(amount_nano) AS amount, count(*) AS lines FROM energyledger.invoice_line GROUP BY number) l USING (number)
  LEFT JOIN (SELECT x.number, sum(CASE i.party WHEN p.payer THEN p.amount_nano::numeric WHEN p.payee THEN -p.amount_nano END) AS amount
               FROM energyledger.invoice_posting x JOIN energyledger.posting p ON p.ledger_id = x.posting JOIN energyledger.invoice i USING (number) GROUP BY x.number) p USING (number)
 WHERE (l.amount, l.lines, p.amount) IS DISTINCT FROM (i.total_cents * 10000000::numeric, i.lines::bigint, i.total_cents * 10000000::numeric);
SELECT 'the late house pays more for it, the wrong one gets back', count(*) FILTER (WHERE i.party = 'home-' || right(:'late', 2) AND i.total_cents > 0) || ' ' || count(*) FILTER (WHERE i.party = 'home-' || right(:'wrong', 2) AND i.total_cents < 0), '1 1'
  FROM invoiced i WHERE i.round = 2;
SELECT 'numbers run without a gap', min(sequence) || ' ' || max(sequence) || ' ' || count(DISTINCT sequence), '1 ' || count(*) || ' ' || count(*) FROM energyledger.invoice;
SELECT 'each party''s postings come to its invoices', count(*), 0
  FROM (SELECT party, sum(amount) AS amount
          FROM (SELECT payer AS party, amount_nano::numeric AS amount FROM energyledger.posting UNION ALL SELECT payee, -amount_nano FROM energyledger.posting) p
         WHERE party <> 'office' GROUP BY party) p
  FULL JOIN (SELECT party, sum(total_cents) * 10000000 AS amount FROM energyledger.invoice GROUP BY party) i USING (party) WHERE p.amount IS DISTINCT FROM i.amount;
