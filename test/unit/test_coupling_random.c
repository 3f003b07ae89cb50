/*
 * test_coupling_random.c: what holds for any coupling, tried on many.
 *
 * Small ones are compared with all there is: every combination of flows, each zone's
 * best for what it then gives away (welfare, then volume, then energy over lines), and
 * every combination of prices, whose dual value tells the lowest and the highest.
 * Larger ones are checked by the laws, shuffled, and put together from two apart.
 *
 *   COUPLING_SEED=n  other couplings
 */
#include "coupling_case.h"

static coupling_case c;
static coupling_case other;
static uint64_t seed;

static int64_t
between(int64_t low, int64_t high)
{
	return low + (int64_t) (unit_random(&seed) % (uint64_t) (high - low + 1));
}

static void
make_random(int zones, int lines, int steps, int64_t energy_max, int64_t price_max, int64_t fee_max)
{
	case_begin(&c, zones);
	c.problem.price_rule = (coupling_price_rule) between(0, 2);
	for (int i = 0; i < zones; i++)
	{
		c.zone[i].id = 10 + 3 * i;
		c.zone[i].fee_micro_per_kwh = between(0, 1) * between(0, fee_max);
		for (int j = (int) between(0, steps); j > 0; j--)
			case_ask(&c, i, between(-price_max / 3, price_max), between(1, energy_max));
		for (int j = (int) between(0, steps); j > 0; j--)
			case_bid(&c, i, between(-price_max / 3, price_max), between(1, energy_max));
	}
	for (int i = 0; i < lines && zones > 1; i++)
	{
		int			from = (int) between(0, zones - 1);
		int			to = (int) between(0, zones - 2);

		case_line(&c, from, to + (to >= from), between(0, energy_max), between(0, energy_max),
				  between(0, 1) * between(0, fee_max));
	}
}

/* ---- all flows there are ---- */

#define UNITS 40				/* Wh of a zone's supply, or demand, at most */

typedef struct best
{
	bool		possible;
	int64_t		welfare;
	int64_t		volume;
	int64_t		carried;
} best;

static bool
is_better(const best *a, const best *b)
{
	if (!b->possible || a->welfare != b->welfare)
		return !b->possible || a->welfare > b->welfare;
	if (a->volume != b->volume)
		return a->volume > b->volume;
	return a->carried < b->carried;
}

static int
compare_prices(const void *a, const void *b)
{
	int64_t		x = *(const int64_t *) a;
	int64_t		y = *(const int64_t *) b;

	return (x > y) - (x < y);
}

/* Each Wh's price, rising. */
static int
single_units(const coupling_step *step, size_t count, int64_t price[UNITS])
{
	int			n = 0;

	for (size_t i = 0; i < count; i++)
		for (int64_t j = 0; j < step[i].energy_wh; j++)
		{
			assert_true(n < UNITS);
			price[n++] = step[i].price_micro_per_kwh;
		}
	qsort(price, n, sizeof(price[0]), compare_prices);
	return n;
}

/* A zone that gives away net Wh and forwards none: best over all volumes. */
static best
best_of_zone(const coupling_zone *zone, int64_t net)
{
	int64_t		ask[UNITS];
	int64_t		bid[UNITS];
	int			asks = single_units(zone->supply, zone->supply_count, ask);
	int			bids = single_units(zone->demand, zone->demand_count, bid);
	best		found = {false};

	for (int bought = 0; bought <= bids; bought++)
	{
		best		this = {true, 0, bought, 0};

		if (bought + net < 0 || bought + net > asks)
			continue;
		for (int i = 0; i < bought; i++)
			this.welfare += bid[bids - 1 - i] - zone->fee_micro_per_kwh;
		for (int i = 0; i < bought + net; i++)
			this.welfare -= ask[i];
		if (is_better(&this, &found))
			found = this;
	}
	return found;
}

static best zone_best[CASE_ZONES][4 * UNITS + 1];	/* by net Wh, from -2 UNITS on */
static best all_best;

static void
try_flows(size_t line, int64_t net[CASE_ZONES], best sum)
{
	const coupling_line *l = &c.line[line];
	int			from = 0;
	int			to = 0;

	if (line == c.problem.line_count)
	{
		for (size_t i = 0; i < c.problem.zone_count; i++)
		{
			const best *b = &zone_best[i][net[i] + 2 * UNITS];

			if (!b->possible)
				return;
			sum.welfare += b->welfare;
			sum.volume += b->volume;
		}
		if (is_better(&sum, &all_best))
			all_best = sum;
		return;
	}
	while (c.zone[from].id != l->from_zone)
		from++;
	while (c.zone[to].id != l->to_zone)
		to++;
	for (int64_t flow = -l->capacity_back_wh; flow <= l->capacity_forth_wh; flow++)
	{
		best		with = sum;
		int64_t		carried = flow < 0 ? -flow : flow;

		with.welfare -= carried * (l->fee_micro_per_kwh + c.zone[flow < 0 ? to : from].fee_micro_per_kwh);
		with.carried += carried;
		net[from] += flow;
		net[to] -= flow;
		try_flows(line + 1, net, with);
		net[from] -= flow;
		net[to] += flow;
	}
}

static void
assert_best_flows(void)
{
	int64_t		net[CASE_ZONES] = {0};
	int64_t		carried = 0;

	for (size_t i = 0; i < c.problem.zone_count; i++)
		for (int n = -2 * UNITS; n <= 2 * UNITS; n++)
			zone_best[i][n + 2 * UNITS] = best_of_zone(&c.zone[i], n);
	all_best = (best) {false};
	try_flows(0, net, (best) {true, 0, 0, 0});
	assert_true(all_best.possible);
	assert_true(c.total.welfare_nano == all_best.welfare);
	assert_int_equal(c.total.sold_wh, all_best.volume);
	for (size_t i = 0; i < c.problem.line_count; i++)
		carried += c.line_result[i].flow_wh < 0 ? -c.line_result[i].flow_wh : c.line_result[i].flow_wh;
	assert_int_equal(carried, all_best.carried);
}

/* ---- all prices there are ---- */

#define PRICE_LOW (-14)
#define PRICE_HIGH 26

/* What would be gained if everybody took these prices for given: least at the right ones. */
static int64_t
dual_value(const int64_t *price)
{
	int64_t		sum = 0;

	for (size_t i = 0; i < c.problem.zone_count; i++)
	{
		const coupling_zone *z = &c.zone[i];

		for (size_t j = 0; j < z->supply_count; j++)
			if (z->supply[j].price_micro_per_kwh < price[i])
				sum += z->supply[j].energy_wh * (price[i] - z->supply[j].price_micro_per_kwh);
		for (size_t j = 0; j < z->demand_count; j++)
			if (z->demand[j].price_micro_per_kwh > price[i] + z->fee_micro_per_kwh)
				sum += z->demand[j].energy_wh * (z->demand[j].price_micro_per_kwh - price[i] - z->fee_micro_per_kwh);
	}
	for (size_t i = 0; i < c.problem.line_count; i++)
	{
		const coupling_line *l = &c.line[i];
		size_t		from = (size_t) (l->from_zone - 10) / 3;
		size_t		to = (size_t) (l->to_zone - 10) / 3;
		int64_t		forth = price[to] - price[from] - l->fee_micro_per_kwh - c.zone[from].fee_micro_per_kwh;
		int64_t		back = price[from] - price[to] - l->fee_micro_per_kwh - c.zone[to].fee_micro_per_kwh;

		sum += forth > 0 ? forth * l->capacity_forth_wh : 0;
		sum += back > 0 ? back * l->capacity_back_wh : 0;
	}
	return sum;
}

static void
assert_bounds(void)
{
	size_t		zones = c.problem.zone_count;
	int64_t		price[3];
	int64_t		low[3];
	int64_t		high[3];
	int64_t		least = INT64_MAX;
	bool		more = true;

	for (size_t i = 0; i < zones; i++)
		price[i] = PRICE_LOW;
	while (more)
	{
		int64_t		value = dual_value(price);

		for (size_t i = 0; i < zones && value <= least; i++)
		{
			low[i] = value < least || price[i] < low[i] ? price[i] : low[i];
			high[i] = value < least || price[i] > high[i] ? price[i] : high[i];
		}
		if (value < least)
			least = value;
		more = false;
		for (size_t i = 0; i < zones && !more; i++)
		{
			more = price[i] < PRICE_HIGH;
			price[i] = more ? price[i] + 1 : PRICE_LOW;
		}
	}
	assert_true(c.total.welfare_nano == least);
	for (size_t i = 0; i < zones; i++)
	{
		assert_int_equal(c.zone_result[i].has_low ? c.zone_result[i].low_micro_per_kwh : PRICE_LOW, low[i]);
		assert_int_equal(c.zone_result[i].has_high ? c.zone_result[i].high_micro_per_kwh : PRICE_HIGH, high[i]);
	}
}

static void
all_flows(void **state)
{
	for (int round = 0; round < 4000; round++)
	{
		make_random((int) between(1, 5), (int) between(0, 4), 4, 4, 12, 3);
		case_solve(&c);
		assert_best_flows();
	}
}

static void
all_prices(void **state)
{
	for (int round = 0; round < 300; round++)
	{
		make_random((int) between(1, 3), (int) between(0, 4), 4, 4, 12, 3);
		case_solve(&c);
		assert_bounds();
	}
}

/* ---- laws, written again: the check is no judge of itself ---- */

static void
assert_laws(void)
{
	__int128	fees = 0;
	__int128	rents = 0;
	__int128	pay = 0;
	__int128	get = 0;
	int64_t		net[CASE_ZONES] = {0};

	for (size_t i = 0; i < c.problem.line_count; i++)
	{
		const coupling_line *l = &c.line[i];
		int			from = (int) (l->from_zone - 10) / 3;
		int			to = (int) (l->to_zone - 10) / 3;
		int64_t		flow = c.line_result[i].flow_wh;
		int64_t		rise = c.zone_result[to].seller_price_micro_per_kwh - c.zone_result[from].seller_price_micro_per_kwh;
		int64_t		forth = l->fee_micro_per_kwh + c.zone[from].fee_micro_per_kwh;
		int64_t		back = l->fee_micro_per_kwh + c.zone[to].fee_micro_per_kwh;

		assert_true(flow <= l->capacity_forth_wh && -flow <= l->capacity_back_wh);
		net[from] += flow;
		net[to] -= flow;
		if (c.zone_result[from].has_price && c.zone_result[to].has_price)
		{
			/* unless the line is full, prices meet but for the fees */
			assert_true(flow == l->capacity_forth_wh || rise <= forth);
			assert_true(-flow == l->capacity_back_wh || -rise <= back);
			assert_true(flow <= 0 || rise >= forth);
			assert_true(flow >= 0 || -rise >= back);
		}
		fees += (__int128) (flow > 0 ? flow * forth : -flow * back);
		rents += flow > 0 ? (__int128) flow * (rise - forth) : (__int128) -flow * (-rise - back);
	}
	for (size_t i = 0; i < c.problem.zone_count; i++)
	{
		const coupling_zone_result *r = &c.zone_result[i];

		assert_int_equal(r->sold_wh - r->bought_wh, net[i]);
		pay += (__int128) r->bought_wh * r->buyer_price_micro_per_kwh;
		get += (__int128) r->sold_wh * r->seller_price_micro_per_kwh;
		fees += (__int128) r->bought_wh * c.zone[i].fee_micro_per_kwh;
	}
	assert_true(pay == get + fees + rents);
	assert_true(c.total.buyers_pay_nano == pay && c.total.sellers_get_nano == get);
	assert_true(c.total.fee_nano == fees && c.total.rent_nano == rents);
}

static void
laws(void **state)
{
	for (int round = 0; round < 3000; round++)
	{
		make_random((int) between(1, CASE_ZONES), (int) between(0, CASE_LINES), 20, 1000, between(5, 5000), 40);
		case_solve(&c);
		assert_laws();
	}
}

/* ---- the same, shuffled ---- */

#define SHUFFLE(array, count) \
	do { \
		for (size_t i_ = (count); i_ > 1; i_--) \
		{ \
			size_t		j_ = unit_random(&seed) % i_; \
			__typeof__((array)[0]) t_ = (array)[i_ - 1]; \
			(array)[i_ - 1] = (array)[j_]; \
			(array)[j_] = t_; \
		} \
	} while (0)

/* Zones, lines and steps in another order, some lines named from their other end. */
static void
shuffle_other(void)
{
	other = c;
	other.problem.zone = other.zone;
	other.problem.line = other.line;
	for (size_t i = 0; i < c.problem.zone_count; i++)
	{
		SHUFFLE(other.supply[i], c.zone[i].supply_count);
		SHUFFLE(other.demand[i], c.zone[i].demand_count);
		other.zone[i].supply = other.supply[i];
		other.zone[i].demand = other.demand[i];
	}
	SHUFFLE(other.zone, c.problem.zone_count);
	SHUFFLE(other.line, c.problem.line_count);
	for (size_t i = 0; i < c.problem.line_count; i++)
		if (unit_random(&seed) % 2 == 0)
		{
			coupling_line l = other.line[i];

			other.line[i] = (coupling_line) {l.id, l.to_zone, l.from_zone,
			l.capacity_back_wh, l.capacity_forth_wh, l.fee_micro_per_kwh};
		}
	memset(other.zone_result, 0, sizeof(other.zone_result));
	memset(other.line_result, 0, sizeof(other.line_result));
	case_solve(&other);
}

static void
shuffled(void **state)
{
	for (int round = 0; round < 2000; round++)
	{
		/* few prices and fees: many flows that are equally good */
		make_random((int) between(2, CASE_ZONES), (int) between(0, CASE_LINES), 10, 20, between(2, 10), 1);
		case_solve(&c);
		shuffle_other();
		for (size_t i = 0; i < c.problem.zone_count; i++)
		{
			const coupling_zone_result *a = &other.zone_result[i];
			const coupling_zone_result *b = &c.zone_result[(other.zone[i].id - 10) / 3];

			assert_int_equal(a->sold_wh, b->sold_wh);
			assert_int_equal(a->bought_wh, b->bought_wh);
			assert_int_equal(a->forwarded_wh, b->forwarded_wh);
			assert_true(a->has_low == b->has_low && a->has_high == b->has_high);
			assert_int_equal(a->low_micro_per_kwh, b->low_micro_per_kwh);
			assert_int_equal(a->high_micro_per_kwh, b->high_micro_per_kwh);
			assert_int_equal(a->seller_price_micro_per_kwh, b->seller_price_micro_per_kwh);
		}
		for (size_t i = 0; i < c.problem.line_count; i++)
		{
			size_t		at = (size_t) other.line[i].id - 1;
			bool		turned = other.line[i].from_zone != c.line[at].from_zone;
			int64_t		flow = other.line_result[i].flow_wh;

			assert_int_equal(turned ? -flow : flow, c.line_result[at].flow_wh);
			assert_true(other.line_result[i].rent_nano == c.line_result[at].rent_nano);
		}
	}
}

/* Lines without end and fees make one market of all zones. */
static void
as_one_zone(void **state)
{
	for (int round = 0; round < 500; round++)
	{
		int			zones = (int) between(2, 6);

		make_random(zones, 0, 8, 1000, between(5, 500), 0);
		for (int i = 1; i < zones; i++)
			case_line(&c, i, (int) between(0, i - 1), INT64_MAX, INT64_MAX, 0);
		case_solve(&c);
		case_begin(&other, 1);
		other.problem.price_rule = c.problem.price_rule;
		for (int i = 0; i < zones; i++)
		{
			for (size_t j = 0; j < c.zone[i].supply_count; j++)
				case_ask(&other, 0, c.supply[i][j].price_micro_per_kwh, c.supply[i][j].energy_wh);
			for (size_t j = 0; j < c.zone[i].demand_count; j++)
				case_bid(&other, 0, c.demand[i][j].price_micro_per_kwh, c.demand[i][j].energy_wh);
		}
		case_solve(&other);
		assert_int_equal(other.total.sold_wh, c.total.sold_wh);
		assert_true(other.total.welfare_nano == c.total.welfare_nano);
		for (int i = 0; i < zones; i++)
		{
			assert_int_equal(c.zone_result[i].has_price, other.zone_result[0].has_price);
			assert_int_equal(c.zone_result[i].seller_price_micro_per_kwh, other.zone_result[0].seller_price_micro_per_kwh);
		}
	}
}

int
main(void)
{
	const char *from = getenv("COUPLING_SEED");
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_flows),
		cmocka_unit_test(all_prices),
		cmocka_unit_test(laws),
		cmocka_unit_test(shuffled),
		cmocka_unit_test(as_one_zone),
	};

	seed = (from != NULL ? strtoull(from, NULL, 10) : 0) * 2654435761U + 88172645463325252U;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
