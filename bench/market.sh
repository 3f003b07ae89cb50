# market.sh: a market's slot from orders to postings, in the database.
#
# Sourced by bench.sh, called as bench_market.  market_clear_ms is clear() of MARKET_ORDERS
# orders of as many parties, half of them bids, paid as clear: read, matched and its
# trades written to the ledger, committed.  Beside it, in the same run, market_plain_insert_ms
# writes the same trades to an ordinary table with the same key: what PostgreSQL takes for that
# alone.  market_settle_ms is settle() of a slot of MARKET_METERS meters of as many
# parties, each with an order and a reading; market_settle_again_ms the same again, when nothing is new.

MARKET_ORDERS=${MARKET_ORDERS:-1000000}
MARKET_METERS=${MARKET_METERS:-100000}
MARKET_RUNS=${MARKET_RUNS:-3}

bench_market_make()
{
	el_progress "market: making a market"
	el_psql > /dev/null <<-SQL || el_die "could not make a market"
		INSERT INTO energyledger.party (party) VALUES ('grid'), ('operator');
		INSERT INTO energyledger.party (party) SELECT 'house-' || i FROM generate_series(1, $MARKET_METERS) i;
		INSERT INTO energyledger.meter (meter, party, technology) SELECT 'meter-' || i, 'house-' || i, 'house' FROM generate_series(1, $MARKET_METERS) i;
		SELECT energyledger.add_prices('buy', '2020-01-01', NULL, '{300000}'), energyledger.add_prices('sell', '2020-01-01', NULL, '{80000}');
		SELECT energyledger.set_market(m, 'EUR', 'grid', 'operator', 'buy', 'sell', gate_closure_minutes => -2000000, applies_from => '2025-01-01 00:00Z') FROM unnest(ARRAY['large', 'street']) m;
		INSERT INTO energyledger.market_member (market, party, active, recorded_at, recorded_by) SELECT 'street', 'house-' || i, true, now(), 'bench' FROM generate_series(1, $MARKET_METERS) i;
		INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
			SELECT 'meter-' || i, 1, 1, k + 1, '1-0:1.8.0', t.at, t.at + interval '15 minutes', (i::bigint * 7919 + k * 31) % 2000, 0, 'Wh', 'G'
			FROM generate_series(1, $MARKET_METERS) i, generate_series(0, 7) k, LATERAL (VALUES (timestamptz '2025-06-01 11:00Z' + k * interval '15 minutes')) t(at);
	SQL
}

# bench_market_orders MARKET SLOT COUNT: as ingest() and place_order() write them.
bench_market_orders()
{
	el_psql <<-SQL || el_die "could not make orders"
		INSERT INTO energyledger.market_order (market, slot, side, party, energy_wh, limit_price_micro_per_kwh, kind, received_at, placed_by)
			SELECT '$1', '$2', CASE i % 2 WHEN 0 THEN 'bid' ELSE 'ask' END, 'house-' || i, 1 + (i::bigint * 104729) % 2000, (i::bigint * 7919) % 300000, 'limit',
				timestamptz '2025-05-30 00:00Z' + i * interval '1 microsecond', 'bench'
			FROM generate_series(1, $3) i;
		SELECT FROM energyledger.close_gate('$1', '$2', 'bench');
	SQL
}

bench_market()
{
	local run slot times=() plain=() again=() settled=() trades

	bench_market_make
	for ((run = 0; run < MARKET_RUNS; run++)); do
		slot="2025-06-01 0$run:00Z"
		el_progress "market: making orders, run $((run + 1))"
		bench_market_orders large "$slot" "$MARKET_ORDERS"
		bench_settle
		el_progress "market: clearing, run $((run + 1))"
		times+=("$(bench_statement_ms "SELECT energyledger.clear('large', '$slot')")") || exit 1
		el_psql -c "CREATE TABLE plain_trade (LIKE energyledger.trade)" -c "CREATE UNIQUE INDEX ON plain_trade (market, slot, trade_seq)" || exit 1
		plain+=("$(bench_statement_ms "INSERT INTO plain_trade SELECT * FROM energyledger.trade WHERE market = 'large' AND slot = '$slot'")") || exit 1
		el_psql -c "DROP TABLE plain_trade" || exit 1
	done
	trades=$(el_psql -c "SELECT trades FROM energyledger.clearing WHERE market = 'large' ORDER BY slot LIMIT 1") || exit 1
	[ "$trades" -gt $((MARKET_ORDERS / 10)) ] || el_die "only $trades trades of $MARKET_ORDERS orders"
	bench_print market_orders "$MARKET_ORDERS" orders
	bench_print market_trades "$trades" trades
	bench_print market_clear_ms "$(bench_median "${times[@]}")" ms
	bench_print market_plain_insert_ms "$(bench_median "${plain[@]}")" ms
	times=()
	for ((run = 0; run < MARKET_RUNS; run++)); do
		slot="2025-06-01 11:$((15 * run))Z"
		[ $run = 0 ] && slot="2025-06-01 11:00Z"
		bench_market_orders street "$slot" "$MARKET_METERS"
		el_psql -c "SELECT FROM energyledger.clear('street', '$slot')" || exit 1
		bench_settle
		el_progress "market: settling, run $((run + 1))"
		settled+=("$(bench_statement_ms "SELECT energyledger.settle('street', '$slot')")") || exit 1
		again+=("$(bench_statement_ms "SELECT energyledger.settle('street', '$slot')")") || exit 1
	done
	[ "$(el_psql -c "SELECT min(changed) FROM energyledger.settlement WHERE pending = 0")" = "$MARKET_METERS" ] || el_die "not all meters were settled"
	el_progress_end
	bench_print market_meters "$MARKET_METERS" meters
	bench_print market_settle_ms "$(bench_median "${settled[@]}")" ms
	bench_print market_settle_again_ms "$(bench_median "${again[@]}")" ms
}
