# matching.sh: how fast a market is cleared, in the core alone and in SQL.
#
# Sourced by bench.sh, called as bench_matching.  match_orders.c says what orders it makes.
# matching_clear_exponent_* is the power of the number of orders with which the time
# grew: n log n is 1.08 from 100,000 to a million, and what is above it comes from
# memory that no longer fits into the processor's caches.  matching_sql_ms has what the core
# has not: reading a table, an array of rows, texts, and rows of trades that are counted.
# matching_sql_* below it are the same orders in a hundred zones, with a hundred thousand
# conditions, by lot, and hashed.

MATCHING_RUNS=${MATCHING_RUNS:-9}
MATCHING_SIZES="10000 100000 1000000"
MATCHING_PAIR=20000				# 10,000 bids and 10,000 asks
MATCHING_EVENTS=3000000
MATCHING_SQL_ORDERS=${MATCHING_SQL_ORDERS:-1000000}

# bench_matching_exponent N1 MS1 N2 MS2
bench_matching_exponent()
{
	awk -v n1="$1" -v t1="$2" -v n2="$3" -v t2="$4" 'BEGIN { printf "%.2f", log(t2 / t1) / log(n2 / n1) }'
}

bench_matching_sql()
{
	local run times=()

	el_psql <<-SQL || el_die "could not make orders"
		SELECT setseed(0.5);
		CREATE TABLE book AS SELECT i AS order_id, CASE i % 2 WHEN 0 THEN 'bid' ELSE 'ask' END AS side,
			'house-' || (random() * $MATCHING_SQL_ORDERS / 10)::int AS actor, 1 + (random() * 5000)::bigint AS energy,
			(random() * 400000)::bigint - 50000 AS price, (random() * $MATCHING_SQL_ORDERS)::bigint AS arrival, 'z' || i % 1009 % 100 AS zone
		FROM generate_series(1, $MATCHING_SQL_ORDERS) i;
		CREATE TABLE rule (name text, options jsonb);
		INSERT INTO rule SELECT 'zones', jsonb_build_object('zones', jsonb_agg(
				jsonb_build_object('zone', 'z' || i, 'parent', CASE WHEN i > 0 THEN 'z' || (i - 1) / 4 END, 'fee', 1000 + i)))
			FROM generate_series(0, 99) i;
		INSERT INTO rule SELECT 'lines', r.options || jsonb_build_object('lines', jsonb_agg(
				jsonb_build_object('from', 'z' || i, 'to', 'z' || (i - 1) / 4, 'capacity', 5 * $MATCHING_SQL_ORDERS, 'capacity_back', 5 * $MATCHING_SQL_ORDERS)))
			FROM rule r, generate_series(1, 99) i GROUP BY r.options;
		INSERT INTO rule SELECT 'conditions', jsonb_build_object(
			'sources', (SELECT jsonb_agg(jsonb_build_object('order_id', i, 'source', 'solar')) FROM generate_series(1, $MATCHING_SQL_ORDERS, 20) i),
			'conditions', jsonb_agg(jsonb_build_object('order_id', i) || CASE WHEN i % 3 = 0 THEN jsonb_build_object('partner', 'house-' || i % ($MATCHING_SQL_ORDERS / 10))
				WHEN i % 2 = 0 THEN '{"source": "solar"}' ELSE jsonb_build_object('zone', 'z' || i % 100) END))
			FROM book, LATERAL (SELECT order_id) o (i)
			WHERE i <= $MATCHING_SQL_ORDERS / 10 AND actor <> 'house-' || i % ($MATCHING_SQL_ORDERS / 10);
		INSERT INTO rule VALUES ('lottery', jsonb_build_object('lottery', repeat('5a', 32)));
		ANALYZE book;
	SQL
	for ((run = 1; run <= 3; run++)); do
		el_progress "matching: SQL, run $run"
		times+=("$(bench_statement_ms "SELECT count(*), sum(energy) FROM energyledger.match_orders((SELECT array_agg(
			ROW(order_id, side, actor, energy, price, NULL, NULL, NULL, arrival)::energyledger.order_input) FROM book), 'pay_as_clear')")") || exit 1
	done
	bench_print matching_sql_orders "$MATCHING_SQL_ORDERS" orders
	bench_print matching_sql_ms "$(bench_median "${times[@]}")" ms
	bench_matching_sql_one zones_clear match_orders pay_as_clear zones
	bench_matching_sql_one lines_clear match_orders pay_as_clear lines
	bench_matching_sql_one zones_bid match_orders pay_as_bid zones
	bench_matching_sql_one conditions_clear match_orders pay_as_clear conditions
	bench_matching_sql_one zones_conditions_bid match_orders pay_as_bid zones conditions
	bench_matching_sql_one lottery_clear match_orders pay_as_clear lottery
	bench_matching_sql_one hash match_input_hash pay_as_bid zones
}

# bench_matching_sql_one NAME FUNCTION METHOD RULE...
bench_matching_sql_one()
{
	local name=$1 function=$2 method=$3 zone=NULL run rules times=()

	shift 3
	rules=$(printf "'%s', " "$@")
	case " $* " in *" zones "*|*" lines "*) zone=zone ;; esac
	for ((run = 1; run <= 3; run++)); do
		el_progress "matching: SQL, $name, run $run"
		times+=("$(bench_statement_ms "SELECT count(*) FROM energyledger.$function((SELECT array_agg(
			ROW(order_id, side, actor, energy, price, $zone, NULL, NULL, arrival)::energyledger.order_input) FROM book), '$method',
			(SELECT jsonb_object_agg(key, value) FROM rule, jsonb_each(options) WHERE name IN (${rules%, })))")") || exit 1
	done
	bench_print "matching_sql_${name}_ms" "$(bench_median "${times[@]}")" ms
}

bench_matching()
{
	local program size ms before_size= before_ms= out

	el_progress "matching: in core"
	program=$(bench_program match_orders) || exit 1
	for size in $MATCHING_SIZES; do
		out=$("$program" clear "$size" "$MATCHING_RUNS") || el_die "match_orders failed"
		ms=$(bench_median $out)
		bench_print "matching_clear_${size}_ms" "$ms" ms
		[ -z "$before_ms" ] || bench_print "matching_clear_exponent_${before_size}_${size}" \
			"$(bench_matching_exponent "$before_size" "$before_ms" "$size" "$ms")" power
		before_size=$size before_ms=$ms
	done
	out=$("$program" clear "$MATCHING_PAIR" "$MATCHING_RUNS") || el_die "match_orders failed"
	bench_print "matching_clear_${MATCHING_PAIR}_ms" "$(bench_median $out)" ms
	out=$("$program" bid "$MATCHING_PAIR" "$MATCHING_RUNS") || el_die "match_orders failed"
	bench_print "matching_bid_${MATCHING_PAIR}_ms" "$(bench_median $out)" ms
	out=$("$program" book "$MATCHING_EVENTS" "$MATCHING_RUNS") || el_die "match_orders failed"
	bench_print_rate matching_book_events_per_s events/s $(cut -d' ' -f1 <<< "$out")
	bench_print matching_book_orders "$(bench_median $(cut -d' ' -f2 <<< "$out"))" resting_orders
	bench_matching_sql
	el_progress_end
}
