/*
 * test_coupling.c: zones and lines whose result is known beforehand, and input that is
 * refused.
 *
 * What holds for any input is in test_coupling_random.c.
 */
#include "coupling_case.h"

#include "core/zone_fees.h"

static coupling_case c;

/* ---- two zones: 100 Wh asked at 10 in one, 60 Wh bid at 50 in the other ---- */

static void
make_two(int64_t forth_wh, int64_t back_wh)
{
	case_begin(&c, 2);
	case_ask(&c, 0, 10, 100);
	case_bid(&c, 1, 50, 60);
	case_line(&c, 0, 1, forth_wh, back_wh, 0);
	case_solve(&c);
}

static void
line_with_room(void **state)
{
	make_two(61, 0);
	assert_int_equal(c.line_result[0].flow_wh, 60);
	case_energy(&c, 0, 60, 0);
	case_energy(&c, 1, 0, 60);
	case_interval(&c, 0, 10, 10);
	case_interval(&c, 1, 10, 10);
	assert_true(c.line_result[0].rent_nano == 0);
	assert_true(c.total.welfare_nano == 60 * 40);
	assert_true(c.total.buyers_pay_nano == 600 && c.total.sellers_get_nano == 600);
}

static void
line_full(void **state)
{
	make_two(40, 0);
	assert_int_equal(c.line_result[0].flow_wh, 40);
	case_interval(&c, 0, 10, 10);
	case_interval(&c, 1, 50, 50);
	assert_true(c.line_result[0].rent_nano == 40 * 40);
	assert_true(c.total.buyers_pay_nano == 2000 && c.total.sellers_get_nano == 400);
	/* exactly full: the buyer's price is anything from 10 to 50 */
	c.line[0].capacity_forth_wh = 60;
	c.problem.price_rule = COUPLING_PRICE_MIDPOINT;
	case_solve(&c);
	case_interval(&c, 0, 10, 10);
	case_interval(&c, 1, 10, 50);
	assert_int_equal(c.zone_result[1].seller_price_micro_per_kwh, 30);
	assert_true(c.line_result[0].rent_nano == 60 * 20);
}

static void
line_closed(void **state)
{
	make_two(0, 1000);
	assert_int_equal(c.line_result[0].flow_wh, 0);
	case_energy(&c, 0, 0, 0);
	case_energy(&c, 1, 0, 0);
	assert_false(c.zone_result[0].has_low);
	assert_true(c.zone_result[0].has_high);
	assert_int_equal(c.zone_result[0].high_micro_per_kwh, 10);
	assert_true(c.zone_result[1].has_low);
	assert_false(c.zone_result[1].has_high);
	assert_false(c.zone_result[0].has_price || c.zone_result[1].has_price);
	assert_true(c.total.welfare_nano == 0 && c.total.buyers_pay_nano == 0);
}

/* The same line the other way round carries its other capacity, as a negative flow. */
static void
line_asymmetric(void **state)
{
	case_begin(&c, 2);
	case_ask(&c, 0, 10, 100);
	case_bid(&c, 1, 50, 60);
	case_line(&c, 1, 0, 7, 25, 3);
	case_solve(&c);
	assert_int_equal(c.line_result[0].flow_wh, -25);
	assert_true(c.line_result[0].rent_nano == 25 * (50 - 10 - 3));
	assert_true(c.line_result[0].fee_nano == 25 * 3);
}

/* Both zones have both sides: what flows is what both gain by. */
static void
prices_meet(void **state)
{
	case_begin(&c, 2);
	for (int i = 0; i < 10; i++)
	{
		case_ask(&c, 0, 10 + i, 10);
		case_ask(&c, 1, 30 + i, 10);
		case_bid(&c, 0, 40 - 4 * i, 10);
		case_bid(&c, 1, 60 - 4 * i, 10);
	}
	case_line(&c, 0, 1, 1000, 1000, 0);
	c.problem.price_rule = COUPLING_PRICE_MIDPOINT;
	case_solve(&c);
	/* asks of 10 to 19 and 30 are sold, bids of 40, 36 and 32, and of 60 to 32 are served */
	case_energy(&c, 0, 100, 30);
	case_energy(&c, 1, 10, 80);
	assert_int_equal(c.line_result[0].flow_wh, 70);
	case_interval(&c, 0, 30, 31);
	case_interval(&c, 1, 30, 31);
	assert_int_equal(c.zone_result[0].seller_price_micro_per_kwh, c.zone_result[1].seller_price_micro_per_kwh);
}

/* ---- more zones ---- */

/* 0 sells to 1 directly, and round by 2 what the line to 1 cannot carry. */
static void
ring_of_three(void **state)
{
	case_begin(&c, 3);
	case_ask(&c, 0, 10, 100);
	case_bid(&c, 1, 50, 80);
	case_line(&c, 0, 1, 30, 30, 2);
	case_line(&c, 1, 2, 30, 30, 3);
	case_line(&c, 2, 0, 40, 40, 4);
	case_solve(&c);
	assert_int_equal(c.line_result[0].flow_wh, 30);
	assert_int_equal(c.line_result[1].flow_wh, -30);
	assert_int_equal(c.line_result[2].flow_wh, -30);
	assert_int_equal(c.zone_result[2].forwarded_wh, 30);
	case_interval(&c, 0, 10, 10);
	case_interval(&c, 2, 14, 14);
	case_interval(&c, 1, 50, 50);
	assert_true(c.line_result[0].rent_nano == 30 * 38);
	assert_true(c.line_result[1].rent_nano == 30 * 33);
	assert_true(c.line_result[2].rent_nano == 0);

	/* with room on both, only the cheaper way is used */
	c.line[0].capacity_forth_wh = 80;
	case_solve(&c);
	assert_int_equal(c.line_result[0].flow_wh, 80);
	assert_int_equal(c.line_result[1].flow_wh, 0);
	/* and the dearer one to its last Wh where the other way costs no less */
	c.line[0] = (coupling_line) {1, 1, 2, 80, 80, 8};
	case_solve(&c);
	assert_int_equal(c.line_result[1].flow_wh, -30);
	assert_int_equal(c.line_result[0].flow_wh, 50);
}

/* Of ways that cost the same, the one over fewest lines. */
static void
least_over_lines(void **state)
{
	case_begin(&c, 3);
	case_ask(&c, 0, 10, 100);
	case_bid(&c, 1, 50, 80);
	case_line(&c, 0, 2, 100, 100, 1);
	case_line(&c, 2, 1, 100, 100, 1);
	case_line(&c, 0, 1, 100, 100, 2);
	case_solve(&c);
	assert_int_equal(c.line_result[2].flow_wh, 80);
	/* and nobody's energy is exchanged for energy of the same price */
	case_begin(&c, 2);
	for (int i = 0; i < 2; i++)
	{
		case_ask(&c, i, 10, 50);
		case_bid(&c, i, 10, 50);
	}
	case_line(&c, 0, 1, 100, 100, 0);
	case_solve(&c);
	assert_int_equal(c.line_result[0].flow_wh, 0);
	case_energy(&c, 0, 50, 50);
}

/* What gains nothing is traded all the same: the highest volume of the same welfare. */
static void
traded_without_gain(void **state)
{
	case_begin(&c, 2);
	c.zone[0].fee_micro_per_kwh = 2;
	c.zone[1].fee_micro_per_kwh = 3;
	case_ask(&c, 0, 10, 50);
	case_bid(&c, 1, 16, 50);
	case_line(&c, 0, 1, 100, 100, 1);
	case_solve(&c);
	case_energy(&c, 0, 50, 0);
	assert_true(c.total.welfare_nano == 0);
	c.demand[1][0].price_micro_per_kwh = 15;
	case_solve(&c);
	case_energy(&c, 0, 0, 0);
}

/*
 * The dearest buyer is reached first, over the line that another seller needs: its
 * energy is then sent another way.
 */
static void
flow_taken_back(void **state)
{
	case_begin(&c, 4);
	case_ask(&c, 0, 10, 10);
	case_ask(&c, 1, 20, 10);
	case_bid(&c, 2, 100, 10);
	case_bid(&c, 3, 90, 10);
	case_line(&c, 0, 2, 10, 0, 0);
	case_line(&c, 0, 3, 10, 0, 5);
	case_line(&c, 1, 2, 10, 0, 0);
	case_solve(&c);
	assert_int_equal(c.line_result[0].flow_wh, 0);
	assert_int_equal(c.line_result[1].flow_wh, 10);
	assert_int_equal(c.line_result[2].flow_wh, 10);
	assert_true(c.total.welfare_nano == 10 * (100 - 20 + 90 - 10 - 5));
}

/* Two pairs that no line connects are as two couplings. */
static void
disconnected(void **state)
{
	case_begin(&c, 4);
	case_ask(&c, 0, 10, 100);
	case_bid(&c, 1, 50, 60);
	case_ask(&c, 2, 70, 5);
	case_bid(&c, 3, 90, 6);
	case_line(&c, 0, 1, 40, 0, 0);
	case_line(&c, 3, 2, 0, 10, 0);
	case_solve(&c);
	assert_int_equal(c.line_result[0].flow_wh, 40);
	assert_int_equal(c.line_result[1].flow_wh, -5);
	case_interval(&c, 0, 10, 10);
	case_interval(&c, 1, 50, 50);
	case_interval(&c, 2, 90, 90);
	case_interval(&c, 3, 90, 90);
}

/* Sellers who pay to get rid of energy; a midpoint is rounded down below zero too. */
static void
negative_prices(void **state)
{
	case_begin(&c, 2);
	case_ask(&c, 0, -50, 100);
	case_bid(&c, 1, -10, 100);
	case_bid(&c, 1, -21, 100);
	case_line(&c, 0, 1, 1000, 0, 0);
	case_solve(&c);
	case_energy(&c, 0, 100, 0);
	case_interval(&c, 0, -21, -10);
	assert_int_equal(c.zone_result[0].seller_price_micro_per_kwh, -21);
	assert_true(c.total.buyers_pay_nano == -2100);
	c.problem.price_rule = COUPLING_PRICE_HIGH;
	case_solve(&c);
	assert_int_equal(c.zone_result[1].seller_price_micro_per_kwh, -10);
	c.problem.price_rule = COUPLING_PRICE_MIDPOINT;
	case_solve(&c);
	assert_int_equal(c.zone_result[0].seller_price_micro_per_kwh, -16);
	assert_int_equal(c.zone_result[1].seller_price_micro_per_kwh, -16);
	/* a fee of 5 between them stays 5, whatever the rounding */
	c.line[0].fee_micro_per_kwh = 5;
	case_solve(&c);
	case_interval(&c, 0, -26, -15);
	assert_int_equal(c.zone_result[0].seller_price_micro_per_kwh, -21);
	assert_int_equal(c.zone_result[1].seller_price_micro_per_kwh, -16);
}

static void
empty_zones(void **state)
{
	case_begin(&c, 0);
	case_solve(&c);
	assert_int_equal(c.total.sold_wh, 0);
	case_begin(&c, 3);
	case_line(&c, 0, 1, 10, 10, 0);
	case_line(&c, 1, 2, 10, 10, 0);
	case_solve(&c);
	assert_false(c.zone_result[1].has_low || c.zone_result[1].has_high);
	/* carried through a zone in which nobody is */
	case_ask(&c, 0, 1, 5);
	case_bid(&c, 2, 4, 5);
	case_solve(&c);
	assert_int_equal(c.zone_result[1].forwarded_wh, 5);
	case_interval(&c, 1, 1, 4);
	/* only one side anywhere */
	c.zone[2].demand_count = 0;
	case_solve(&c);
	assert_true(c.zone_result[2].has_high);
	assert_int_equal(c.zone_result[2].high_micro_per_kwh, 1);
	assert_false(c.zone_result[2].has_price);
}

/* Two lines between the same zones, the cheaper full first. */
static void
parallel_lines(void **state)
{
	case_begin(&c, 2);
	case_ask(&c, 0, 10, 100);
	case_bid(&c, 1, 50, 60);
	case_line(&c, 0, 1, 30, 0, 9);
	case_line(&c, 1, 0, 0, 20, 4);
	case_solve(&c);
	assert_int_equal(c.line_result[0].flow_wh, 30);
	assert_int_equal(c.line_result[1].flow_wh, -20);
	c.line[0].capacity_forth_wh = 100;
	case_solve(&c);
	assert_int_equal(c.line_result[0].flow_wh, 40);
	case_interval(&c, 1, 19, 19);
	assert_true(c.line_result[0].rent_nano == 0);
	assert_true(c.line_result[1].rent_nano == 20 * 5);
}

/* Along a tree of zones a pair pays what zone_fees finds for it. */
static void
fees_along_a_tree(void **state)
{
	const int	parent[] = {-1, 0, 0, 1, 1, 2, 2};
	const int	zones = 7;
	fee_zone	tree[7];

	for (int i = 0; i < zones; i++)
		tree[i] = (fee_zone) {i + 1, parent[i], ZONE_FEE_CONSTANT, 1 << i};
	for (int ask = 0; ask < zones; ask++)
		for (int bid = 0; bid < zones; bid++)
		{
			zone_fees_path path;
			zone_fees_split split;
			__int128	fee_nano = 0;

			case_begin(&c, zones);
			for (int i = 0; i < zones; i++)
			{
				c.zone[i].fee_micro_per_kwh = tree[i].fee;
				if (parent[i] >= 0)
					case_line(&c, i, parent[i], INT64_MAX, INT64_MAX, 0);
			}
			case_ask(&c, ask, 1000, 8);
			case_bid(&c, bid, 2000, 8);
			case_solve(&c);
			assert_int_equal(zone_fees_find_path(tree, ask, bid, &path), ZONE_FEES_OK);
			assert_int_equal(zone_fees_from_seller(tree, &path, c.zone_result[ask].seller_price_micro_per_kwh, &split),
							 ZONE_FEES_OK);
			assert_int_equal(c.zone_result[bid].buyer_price_micro_per_kwh, split.buyer_price_micro_per_kwh);
			for (int i = 0; i < path.count; i++)
			{
				assert_true(c.zone_result[path.zone[i]].fee_nano == 8 * split.fee_micro_per_kwh[i]);
				fee_nano += c.zone_result[path.zone[i]].fee_nano;
			}
			assert_true(fee_nano == c.total.fee_nano);
		}
}

/* ---- limits ---- */

static void
refused(void **state)
{
	case_begin(&c, 2);
	case_ask(&c, 0, COUPLING_PRICE_MAX, 1);
	case_bid(&c, 1, -COUPLING_PRICE_MAX, 1);
	case_line(&c, 0, 1, INT64_MAX, INT64_MAX, COUPLING_FEE_MAX);
	c.zone[0].fee_micro_per_kwh = COUPLING_FEE_MAX;
	case_solve(&c);
#define REFUSED(field, value, status) \
	do { int64_t kept = (field); (field) = (value); assert_int_equal(case_try(&c), status); (field) = kept; } while (0)
	REFUSED(c.supply[0][0].price_micro_per_kwh, COUPLING_PRICE_MAX + 1, COUPLING_PRICE_RANGE);
	REFUSED(c.demand[1][0].price_micro_per_kwh, -COUPLING_PRICE_MAX - 1, COUPLING_PRICE_RANGE);
	REFUSED(c.demand[1][0].price_micro_per_kwh, INT64_MIN, COUPLING_PRICE_RANGE);
	REFUSED(c.supply[0][0].energy_wh, 0, COUPLING_BAD_ENERGY);
	REFUSED(c.demand[1][0].energy_wh, -1, COUPLING_BAD_ENERGY);
	REFUSED(c.supply[0][0].energy_wh, COUPLING_ENERGY_MAX, COUPLING_ENERGY_RANGE);
	REFUSED(c.supply[0][0].energy_wh, INT64_MAX, COUPLING_ENERGY_RANGE);
	REFUSED(c.supply[0][0].energy_wh, COUPLING_ENERGY_MAX - 1, COUPLING_OK);
	REFUSED(c.line[0].capacity_forth_wh, -1, COUPLING_BAD_CAPACITY);
	REFUSED(c.line[0].capacity_back_wh, -1, COUPLING_BAD_CAPACITY);
	REFUSED(c.line[0].fee_micro_per_kwh, -1, COUPLING_BAD_FEE);
	REFUSED(c.line[0].fee_micro_per_kwh, COUPLING_FEE_MAX + 1, COUPLING_BAD_FEE);
	REFUSED(c.zone[0].fee_micro_per_kwh, -1, COUPLING_BAD_FEE);
	REFUSED(c.zone[0].fee_micro_per_kwh, COUPLING_FEE_MAX + 1, COUPLING_BAD_FEE);
	REFUSED(c.line[0].to_zone, 3, COUPLING_UNKNOWN_ZONE);
	REFUSED(c.line[0].from_zone, 0, COUPLING_UNKNOWN_ZONE);
	REFUSED(c.line[0].to_zone, 1, COUPLING_LINE_TO_ITSELF);
	REFUSED(c.zone[1].id, 1, COUPLING_DUPLICATE_ZONE);
#undef REFUSED
	c.problem.price_rule = (coupling_price_rule) 3;
	assert_int_equal(case_try(&c), COUPLING_BAD_RULE);
	c.problem.price_rule = COUPLING_PRICE_LOW;
	case_line(&c, 1, 0, 1, 1, 0);
	c.line[1].id = 1;
	assert_int_equal(case_try(&c), COUPLING_DUPLICATE_LINE);
}

static void
too_many(void **state)
{
	case_begin(&c, 2);
	c.problem.zone_count = COUPLING_ZONES_MAX + 1;
	assert_int_equal(coupling_memory(&c.problem), 0);
	assert_int_equal(case_try(&c), COUPLING_TOO_MANY);
	c.problem.zone_count = 2;
	c.problem.line_count = COUPLING_LINES_MAX + 1;
	assert_int_equal(case_try(&c), COUPLING_TOO_MANY);
	c.problem.line_count = 0;
	c.zone[0].supply_count = COUPLING_STEPS_MAX;
	c.zone[1].demand_count = 1;
	assert_int_equal(case_try(&c), COUPLING_TOO_MANY);
	c.zone[0].supply_count = SIZE_MAX;
	assert_int_equal(case_try(&c), COUPLING_TOO_MANY);
}

/* The greatest amounts there are: money in 128 bits, to the last unit. */
static void
greatest_amounts(void **state)
{
	const int64_t half_wh = COUPLING_ENERGY_MAX / 2;

	case_begin(&c, CASE_ZONES);
	for (int i = 0; i + 1 < CASE_ZONES; i++)
		case_line(&c, i, i + 1, INT64_MAX, INT64_MAX, COUPLING_FEE_MAX);
	for (int i = 0; i < CASE_ZONES; i++)
		c.zone[i].fee_micro_per_kwh = COUPLING_FEE_MAX;
	case_ask(&c, 0, -COUPLING_PRICE_MAX, half_wh);
	case_bid(&c, CASE_ZONES - 1, COUPLING_PRICE_MAX, half_wh);
	c.problem.price_rule = COUPLING_PRICE_HIGH;
	case_solve(&c);
	assert_int_equal(c.total.sold_wh, half_wh);
	assert_true(c.total.buyers_pay_nano == (__int128) half_wh * COUPLING_PRICE_MAX);
	assert_true(c.total.welfare_nano ==
				(__int128) half_wh * (2 * COUPLING_PRICE_MAX - (2 * CASE_ZONES - 1) * COUPLING_FEE_MAX));
}

/* From one end of the longest chain to the other, which costs nearly all that it gains. */
static void
longest_way(void **state)
{
	enum
	{
		N = COUPLING_ZONES_MAX
	};
	static coupling_zone zone[N];
	static coupling_line line[N - 1];
	static coupling_zone_result zone_result[N];
	static coupling_line_result line_result[N - 1];
	coupling_problem problem = {zone, N, line, N - 1, COUPLING_PRICE_MIDPOINT};
	coupling_step ask = {-COUPLING_PRICE_MAX, COUPLING_ENERGY_MAX / 2};
	coupling_step bid = {COUPLING_PRICE_MAX, COUPLING_ENERGY_MAX / 2};
	const int64_t fees = (2 * N - 1) * COUPLING_FEE_MAX;
	coupling_total total;
	void	   *memory;

	for (int i = 0; i < N; i++)
		zone[i] = (coupling_zone) {i, COUPLING_FEE_MAX};
	for (int i = 0; i + 1 < N; i++)
		line[i] = (coupling_line) {i, i + 1, i, 0, INT64_MAX, COUPLING_FEE_MAX};
	zone[0].supply = &ask;
	zone[0].supply_count = 1;
	zone[N - 1].demand = &bid;
	zone[N - 1].demand_count = 1;
	memory = malloc(coupling_memory(&problem));
	assert_non_null(memory);
	for (int back = 0; back < 2; back++)
	{
		assert_int_equal(coupling_solve(&problem, memory, zone_result, line_result, &total), COUPLING_OK);
		assert_int_equal(coupling_check(&problem, zone_result, line_result, &total), COUPLING_SOUND);
		assert_int_equal(total.sold_wh, back ? 0 : COUPLING_ENERGY_MAX / 2);
		assert_true(total.welfare_nano == (back ? 0 : (__int128) (COUPLING_ENERGY_MAX / 2) * (2 * COUPLING_PRICE_MAX - fees)));
		assert_true(total.fee_nano == (__int128) total.sold_wh * fees);
		/* a little more, and it loses */
		bid.price_micro_per_kwh -= 2 * COUPLING_PRICE_MAX - fees + 1;
	}
	free(memory);
}

static int	pauses;

static void
count_pause(void)
{
	pauses++;
}

static void
pauses_between_searches(void **state)
{
	case_begin(&c, CASE_ZONES);
	c.problem.pause = count_pause;
	for (int i = 0; i < CASE_ZONES; i++)
	{
		for (int j = 0; j < CASE_STEPS; j++)
			if (i % 2 == 0)
				case_ask(&c, i, j, 10 + i);
			else
				case_bid(&c, i, 1000 - j, 11 + i);
		if (i > 0)
			case_line(&c, i - 1, i, INT64_MAX, INT64_MAX, 0);
	}
	case_solve(&c);
	/* a path ends one step at least, and there are 24 * 64 */
	assert_int_equal(pauses, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(line_with_room),
		cmocka_unit_test(line_full),
		cmocka_unit_test(line_closed),
		cmocka_unit_test(line_asymmetric),
		cmocka_unit_test(prices_meet),
		cmocka_unit_test(ring_of_three),
		cmocka_unit_test(least_over_lines),
		cmocka_unit_test(traded_without_gain),
		cmocka_unit_test(flow_taken_back),
		cmocka_unit_test(disconnected),
		cmocka_unit_test(negative_prices),
		cmocka_unit_test(empty_zones),
		cmocka_unit_test(parallel_lines),
		cmocka_unit_test(fees_along_a_tree),
		cmocka_unit_test(refused),
		cmocka_unit_test(too_many),
		cmocka_unit_test(greatest_amounts),
		cmocka_unit_test(longest_way),
		cmocka_unit_test(pauses_between_searches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
