#!/bin/bash
# market.sh: a meter's orders, from its key through broker and bridge to the market's book.
#
# A market whose gates are still open after its slots takes the orders of a day that is
# over; what it does not take it says why, and the meter has its receipt for that too.
# What an order should be is read from the readings that the same meter signs.

. "$(dirname "$0")/../lib.sh"

METER=$EL_ROOT/tools/energyledger-meter
DAY=$(($(date -u +%Y) - 1))-06-21

# play PREFIX [ARG...]
play()
{
	local prefix=$1

	shift
	"$METER" --broker "127.0.0.1:$EL_MQTT_PORT" --site-vkey "$VKEY" --prefix "$prefix" --date "$DAY" --quiet --timeout-s 60 "$@"
}

# register PREFIX [ARG...]
register()
{
	local prefix=$1

	shift
	"$METER" --register --prefix "$prefix" "$@" | el_psql > /dev/null
}

# wrong_use NAME ARG...
wrong_use()
{
	local name=$1

	shift
	"$METER" --no-receipt "$@" > /dev/null 2>&1
	el_is "wrong use: $name" $? 2
}

# What became of the messages of a fleet, by their type.
came_of()
{
	el_psql -c "SELECT m.type, count(*), count(o.meter) + count(c.meter) AS taken, count(r.meter) AS refused
		FROM energyledger.message m LEFT JOIN energyledger.market_order o USING (meter, epoch, seq)
		LEFT JOIN energyledger.order_cancel c USING (meter, epoch, seq) LEFT JOIN energyledger.order_refusal r USING (meter, epoch, seq)
		WHERE m.meter LIKE '$1%' AND m.type IN ('order', 'cancel') GROUP BY 1 ORDER BY 1"
}

refusals_of()
{
	el_psql -c "SELECT type, reason, count(*) > 0 FROM energyledger.order_refusal WHERE meter LIKE '$1%' GROUP BY 1, 2 ORDER BY 1, 2"
}

# Orders and what was measured, one row each: NULL where one has no other.
el_pairs="(SELECT DISTINCT ON (meter, obis, from_at) meter, obis, from_at, value, epoch, seq FROM energyledger.reading WHERE meter LIKE '%s%%') r
	FULL JOIN (SELECT o.*, CASE side WHEN 'bid' THEN '1-0:1.8.0' ELSE '1-0:2.8.0' END AS obis, slot AS from_at
		FROM energyledger.market_order o WHERE meter LIKE '%s%%') o USING (meter, obis, from_at)"

# pairs PREFIX EXPRESSION
pairs()
{
	el_psql -c "SELECT $2 FROM ${el_pairs//%s%%/$1%}"
}

el_begin market
el_cluster market "fsync = off"
el_broker
el_psql -c "CREATE EXTENSION pg_energyledger"
VKEY=$(el_psql -c "SELECT energyledger.site_vkey()")
el_bridge_start
el_psql > /dev/null <<-SQL || el_die "could not make the markets"
	INSERT INTO energyledger.party (party) VALUES ('grid'), ('office');
	SELECT energyledger.set_market('street', 'EUR', 'grid', 'office', 'buy', 'sell', gate_closure_minutes => -2000000, applies_from => '$DAY 00:00Z'),
		energyledger.set_market('narrow', 'EUR', 'grid', 'office', 'buy', 'sell', gate_closure_minutes => -2000000, applies_from => '$DAY 06:00Z',
			price_max_micro_per_kwh => 190000);
	SELECT energyledger.close_gate('narrow', slot, 'a trial')
		FROM generate_series('$DAY 10:00Z'::timestamptz, '$DAY 16:45Z', '15 minutes') slot;
SQL

wrong_use "a market's name with a space" --market "my street"
wrong_use "a range without an end" --market street --bid-price 100000
wrong_use "a range that ends before it begins" --market street --bid-price 200000-100000
wrong_use "a price between the steps" --market street --ask-price 1500-20000
wrong_use "a day of minutes, when there may be 200" --readings-per-message 1440

# -- the same command line, the same orders
"$METER" --write "$EL_TMP/a" --meters 7 --quiet --market street
"$METER" --write "$EL_TMP/b" --meters 7 --quiet --market street
el_ok "the same seed signs the same orders" cmp -s "$EL_TMP/a" "$EL_TMP/b"
el_ok "there are more messages than readings" test "$(wc -l < "$EL_TMP/a")" -gt 1000

# -- a day, a message each quarter hour, some damaged on their way
register street- --meters 7 --market street
el_is "meters are registered with parties, roofs with their house's" \
	"$(el_psql -c "SELECT string_agg(meter || ' ' || party, ', ' ORDER BY meter) FROM energyledger.meter_current WHERE meter LIKE 'street-%'")" \
	"street-battery-01 street-battery-01, street-house-01 street-home-01, street-house-02 street-home-02, street-house-03 street-home-03, street-house-04 street-home-04, street-shop-01 street-shop-01, street-solar-01 street-home-01"
el_is "who are members" "$(el_psql -c "SELECT count(*) FROM energyledger.market_member_current WHERE market = 'street' AND active")" 6
el_ok "orders and readings are receipted to the last message" play street- --meters 7 --market street --flip-bit 100 --resend-after-ms 300
el_is "all orders and cancellations are taken" "$(came_of street- | sed -E 's/\|([0-9]+)\|\1\|0/ all/')" "cancel all
order all"
el_is "what is measured is ordered, and nothing else" "$(pairs street- "count(*) FILTER (WHERE o.slot IS NULL AND value > 3), count(*) FILTER (WHERE o.slot IS NOT NULL AND (r.value IS NULL OR r.value = 0))")" "0|0"
el_is "it is a fifth wrong at most, and mostly wrong" "$(pairs street- "bool_and(abs(energy_wh - value) <= value * 0.2 + 1), avg((energy_wh <> value)::int) > 0.8, min(energy_wh * 100 / value) < 85, max(energy_wh * 100 / value) > 115")" "t|t|t|t"
el_is "an order comes before its readings, in one chain" "$(pairs street- "bool_and(r.seq > o.seq AND r.seq <= o.seq + 2)")" t
el_is "said by the time its slot begins" "$(el_psql -c "SELECT bool_and(m.sent_at <= o.slot) FROM energyledger.market_order o JOIN energyledger.message m USING (meter, epoch, seq)")" t
el_is "each meter has one limit a side, in its range" "$(el_psql -c "SELECT count(*), max(n), bool_and(low >= CASE side WHEN 'bid' THEN 150000 ELSE 60000 END AND low <= CASE side WHEN 'bid' THEN 350000 ELSE 200000 END AND low % 1000 = 0), count(DISTINCT low) > 5
	FROM (SELECT meter, side, count(DISTINCT limit_price_micro_per_kwh) AS n, min(limit_price_micro_per_kwh) AS low FROM energyledger.market_order GROUP BY 1, 2) p")" "8|1|t|t"
el_is "about one in 50 is taken back, by the next message" "$(el_psql -c "SELECT count(*) BETWEEN 3 AND 30, bool_and(c.meter = o.meter AND c.seq = o.seq + 1)
	FROM energyledger.order_cancel c JOIN energyledger.market_order o ON o.ledger_id = c.order_id")" "t|t"
el_is "what was damaged is in quarantine, whatever it was" "$(el_psql -c "SELECT reason, count(*) > 5 FROM energyledger.quarantine GROUP BY reason")" "bad_signature|t"
orders=$(el_psql -c "SELECT count(*) FROM energyledger.market_order")
el_ok "without its state a meter says all of it again and is receipted" play street- --meters 7 --market street
el_is "and the book has not grown" "$(el_psql -c "SELECT count(*) FROM energyledger.market_order")" "$orders"

# -- what a market does not take
register narrow- --meters 7 --market narrow
el_psql -c "SELECT energyledger.set_member('narrow', 'narrow-home-04', active => false)" > /dev/null
el_ok "refused orders are receipted too" play narrow- --meters 7 --market narrow
el_is "with their reasons" "$(refusals_of narrow-)" "cancel|unknown_order|t
order|bad_price|t
order|closed_gate|t
order|no_member|t
order|unknown_market|t"
el_is "each order is in the book or refused" "$(came_of narrow- | awk -F'|' '{ print $1, ($2 == $3 + $4), ($1 == "cancel" || $3 > 0), ($4 > 0) }')" "cancel 1 1 1
order 1 1 1"
register lone- --meters 2
el_ok "a meter of no party" play lone- --meters 2 --market street
el_is "has its orders refused" "$(refusals_of lone-)" "cancel|unknown_order|t
order|unknown_party|t"

# -- a message a day, by another clock, in JWS, with prices below zero
register long- --meters 4 --market street
el_ok "a day's orders are receipted" play long- --meters 4 --market street --format jws --readings-per-message day --ask-price -20000--5000 --bid-price 0-0 \
	--timezone Europe/Amsterdam --interval-s 3600 --days 2
el_is "two messages of readings a meter" "$(el_psql -c "SELECT count(*), max(seq) FILTER (WHERE type = 'reading') = max(seq) FROM energyledger.message WHERE meter LIKE 'long-%' AND type = 'reading'")" "8|t"
el_is "after all their orders" "$(el_psql -c "SELECT bool_and(o.seq < r.seq), bool_and(m.sent_at = date_trunc('day', o.slot, 'Europe/Amsterdam')) FROM energyledger.market_order o JOIN energyledger.message m USING (meter, epoch, seq)
	JOIN energyledger.reading r ON r.meter = o.meter AND r.from_at = o.slot WHERE o.meter LIKE 'long-%'")" "t|t"
el_is "limits below zero" "$(el_psql -c "SELECT side, min(limit_price_micro_per_kwh) < 0, max(limit_price_micro_per_kwh) <= 0 FROM energyledger.market_order WHERE meter LIKE 'long-%' GROUP BY 1 ORDER BY 1")" "ask|t|t
bid|f|t"

# -- stopped after each message: an order without its readings yet is not said again
register stopped- --meters 1 --market street
for ((i = 0; i < 4; i++)); do
	play stopped- --meters 1 --market street --rate 0.5 --timeout-s 1 --state "$EL_TMP/stopped" 2> /dev/null
done
el_is "a meter was stopped after two orders and their readings" "$(el_psql -c "SELECT string_agg(type, ' ' ORDER BY seq) FROM energyledger.message WHERE meter LIKE 'stopped-%'")" "order reading order reading"
el_ok "and goes on" play stopped- --meters 1 --market street --state "$EL_TMP/stopped"
el_is "nothing is ordered twice, nothing left out" "$(pairs stopped- "count(*), count(DISTINCT (meter, obis, from_at)), count(o.slot)")" "96|96|96"

# -- kill -9 in the middle of the day
register killed- --meters 4 --market street
"$METER" --broker "127.0.0.1:$EL_MQTT_PORT" --site-vkey "$VKEY" --prefix killed- --date "$DAY" --quiet --meters 4 --market street \
	--rate 250 --state "$EL_TMP/killed" --timeout-s 60 &
killed=$!
sleep 1
kill -KILL $killed
wait $killed 2> /dev/null
el_is "the meter was killed in the middle" $? 137
el_ok "started again it goes on where it was" play killed- --meters 4 --market street --state "$EL_TMP/killed"
el_is "nothing is ordered twice" "$(pairs killed- "count(*) = count(DISTINCT (meter, obis, from_at)), count(*) FILTER (WHERE o.slot IS NULL AND value > 3)")" "t|0"
el_is "in chains without a gap" "$(el_psql -c "SELECT count(*) FROM energyledger.meter_gap")" 0

el_psql -c "SELECT energyledger.seal()" > /dev/null
el_is "verify finds nothing" "$(el_psql -c "SELECT count(*) FROM energyledger.verify()")" 0
el_ok "the bridge drains and exits 0" el_bridge_stop
el_done
