/*
 * test_matching_zones.c: random books in several zones and with conditions, against rules
 * that are written down a second time as loops over all pairs.
 *
 * What is paid as bid and what is traded by conditions is compared trade by trade; what is
 * paid as clear by what must be true of it, as coupled flows have tests of their
 * own.  Every book is run again with its orders shuffled.  MATCHING_SEED names another
 * sequence of books, which is not 0.
 */
#include "matching_zone_slow.h"

#define BOOKS 60000

static uint64_t seed;

static int64_t
below(int64_t n)
{
	return (int64_t) (unit_random(&seed) >> 33) % n;
}

/* ---- books ---- */

static void
random_zones(zone_book *b, bool parts)
{
	uint32_t	count = 1 + (uint32_t) below(ZONES_MAX);

	for (uint32_t z = 0; z < count; z++)
	{
		b->zone[z] = (fee_zone) {.id = z,.parent = z == 0 || below(6) == 0 ? -1 : (int) below(z),.fee = below(4)};
		if (parts && below(2) == 0)
		{
			b->zone[z].kind = ZONE_FEE_PARTS;
			b->zone[z].fee = below(400000);
		}
	}
	b->zones = (matching_zones) {.zone = b->zone,.zones = count,.line = b->line,.price_min = -100,.price_max = 100};
	if (b->rule.method == MATCHING_PAY_AS_CLEAR && count > 1 && below(3) == 0)
	{
		b->zones.has_lines = true;
		b->zones.lines = (uint32_t) below(ZONES_MAX);
	}
	for (uint32_t i = 0; i < b->zones.lines; i++)
	{
		int64_t		from = below(count);

		b->line[i] = (coupling_line) {.id = i,.from_zone = from,.to_zone = (from + 1 + below(count - 1)) % count,
			.capacity_forth_wh = below(12),.capacity_back_wh = below(12),.fee_micro_per_kwh = below(2)
		};
	}
	b->rule.zones = &b->zones;
}

/* An actor's condition names another one. */
static void
random_condition(zone_book *b, uint32_t position, bool open)
{
	const matching_order *order = &b->book.order[position];
	matching_condition *c = &b->condition[b->rule.conditions++];
	int64_t		names = open ? 0 : 1 + below(7);

	*c = (matching_condition) {.order = position,.partner = MATCHING_NOBODY,.source = MATCHING_NOBODY,.zone = MATCHING_NOBODY};
	if (names & 1)
	{
		c->partner = (uint32_t) below(ACTORS);
		if (c->partner == order->actor)
			c->partner = (c->partner + 1) % ACTORS;
	}
	if (names & 2 && (order->side == MATCHING_BID || below(4) == 0))
		c->source = (uint32_t) below(SOURCES);
	if (names & 4 || (c->partner == MATCHING_NOBODY && c->source == MATCHING_NOBODY && !open))
		c->zone = (uint32_t) below(b->rule.zones == NULL ? 2 : b->zones.zones);
	c->has_energy = below(2) == 0;
	c->energy = 1 + below(6);
	c->has_price = below(2) == 0;
	c->price = 10 + below(14);
}

static void
random_orders(zone_book *b)
{
	int			bids = (int) below(SIDE_MAX + 1);
	int			asks = (int) below(SIDE_MAX + 1);

	for (int i = 0; i < bids + asks; i++)
	{
		matching_order *order = made_add(&b->book, i < bids ? MATCHING_BID : MATCHING_ASK, 1 + below(9),
										 10 + below(12) + (i < bids ? 4 : 0));

		order->order_id = 1000 - 7 * i;
		order->arrival = below(5);
		order->any_price = below(9) == 0;
		order->zone = (uint32_t) below(b->rule.zones == NULL ? 2 : b->zones.zones);
		if (below(4) > 0)
			order->actor = (uint32_t) below(ACTORS);
		if (b->rule.first != MATCHING_FIRST_NONE && below(2) == 0)
			order->partner = (uint32_t) below(ACTORS);
		if (order->partner == order->actor)
			order->partner = MATCHING_NOBODY;
		order->has_partner_price = order->partner != MATCHING_NOBODY && below(2) == 0;
		order->partner_price = order->has_partner_price ? 12 + below(3) : 0;
		b->source[i] = below(3) == 0 ? MATCHING_NOBODY : (uint32_t) below(SOURCES);
	}
}

static void
random_book(zone_book *b, matching_method method)
{
	memset(b, 0, sizeof(*b));
	b->rule = (matching_rule) {.method = method,.first = (matching_first) below(3),.own_trades = below(4) == 0,
		.condition = b->condition,.source = b->source
	};
	if (method == MATCHING_PAY_AS_CLEAR)
		b->rule.policy = (matching_policy) below(3);
	if (method != MATCHING_PROPORTIONAL && below(4) > 0)
		random_zones(b, method == MATCHING_PAY_AS_BID && below(2) == 0);
	b->rule.has_reference = (method != MATCHING_PAY_AS_CLEAR || b->rule.zones == NULL) && below(4) > 0;
	b->rule.reference = 10 + below(14);
	random_orders(b);
	for (uint32_t i = 0; i < b->book.orders; i++)
	{
		int64_t		count = below(3) == 0 ? 1 + below(3) : 0;
		int64_t		open = below(4);

		for (int64_t c = 0; c < count; c++)
			random_condition(b, i, c == open);
	}
}

/* ---- what must be true ---- */

static void
same_trades(const matching_trade *a, const matching_trade *b, size_t count)
{
	for (size_t i = 0; i < count; i++)
	{
		assert_int_equal(a[i].bid, b[i].bid);
		assert_int_equal(a[i].ask, b[i].ask);
		assert_int_equal(a[i].energy, b[i].energy);
		assert_int_equal(a[i].price, b[i].price);
		assert_int_equal(a[i].buyer_price, b[i].buyer_price);
	}
}

/* Partners of one zone, neither with conditions, at one price but for the zone's fee. */
static void
check_first(slow_run *run, const matching_outcome *out)
{
	const zone_book *b = run->b;

	for (size_t i = 0; i < out->first_trades; i++)
	{
		const matching_trade *t = &out->trade[i];
		const matching_order *bid = &b->book.order[t->bid];
		const matching_order *ask = &b->book.order[t->ask];
		zone_fees_path path;

		assert_true(bid->partner == ask->actor || ask->partner == bid->actor);
		assert_false(slow_has_conditions(b, t->bid) || slow_has_conditions(b, t->ask));
		assert_true(b->rule.zones == NULL || bid->zone == ask->zone);
		slow_path(b, t->ask, t->bid, &path);
		assert_int_equal(t->price, ask->has_partner_price ? ask->partner_price : ask->price);
		assert_int_equal(t->buyer_price, bid->has_partner_price ? bid->partner_price : bid->price);
		assert_int_equal(t->buyer_price, slow_delivered(b, &path, t->price));
		run->left[t->bid] -= t->energy;
		run->left[t->ask] -= t->energy;
	}
	/* nobody who names the other has stayed behind */
	for (uint32_t i = 0; b->rule.first != MATCHING_FIRST_NONE && i < b->book.orders * b->book.orders; i++)
	{
		const matching_order *bid = &b->book.order[i / b->book.orders];
		const matching_order *ask = &b->book.order[i % b->book.orders];
		int64_t		p = bid->has_partner_price ? bid->partner_price : bid->price;
		int64_t		q = ask->has_partner_price ? ask->partner_price : ask->price;
		zone_fees_path path;

		if (bid->side != MATCHING_BID || ask->side != MATCHING_ASK || bid->actor == MATCHING_NOBODY || ask->actor == MATCHING_NOBODY ||
			bid->partner != ask->actor || ask->partner != bid->actor || (b->rule.zones != NULL && bid->zone != ask->zone) ||
			(bid->any_price && !bid->has_partner_price) || (ask->any_price && !ask->has_partner_price) ||
			slow_has_conditions(b, i / (uint32_t) b->book.orders) || slow_has_conditions(b, i % (uint32_t) b->book.orders))
			continue;
		slow_path(b, i % (uint32_t) b->book.orders, i / (uint32_t) b->book.orders, &path);
		assert_true(p != slow_delivered(b, &path, q) || run->left[i / b->book.orders] == 0 || run->left[i % b->book.orders] == 0);
	}
}

/* The way that is open to the method, or condition -2. */
static slow_way
open_way(const zone_book *b, uint32_t order)
{
	slow_way	way[ENTRIES_MAX];
	size_t		count = slow_ways(b, b->book.order[order].side, way);

	for (size_t i = 0; i < count; i++)
	{
		if (way[i].order == order && !slow_names(b, way[i]))
			return way[i];
	}
	return (slow_way) {order, -2};
}

/*
 * In each zone one price, at which who would gain trades in full and who would lose
 * does not; and what is bought is sold, and every amount of money goes somewhere.
 */
static void
check_clear(slow_run *run, const matching_outcome *out)
{
	const zone_book *b = run->b;
	int64_t		got[MADE_ORDERS_MAX] = {0};
	__int128	above = 0;

	for (size_t i = out->first_trades + out->condition_trades; i < out->trades; i++)
	{
		const matching_trade *t = &out->trade[i];

		got[t->bid] += t->energy;
		got[t->ask] += t->energy;
		assert_int_equal(t->price, out->zone[b->book.order[t->ask].zone].seller_price_micro_per_kwh);
		assert_int_equal(t->buyer_price, out->zone[b->book.order[t->bid].zone].buyer_price_micro_per_kwh);
		above += (__int128) t->energy * (t->buyer_price - t->price);
	}
	for (uint32_t i = 0; i < b->book.orders; i++)
	{
		slow_way	way = open_way(b, i);
		const coupling_zone_result *zone = &out->zone[b->book.order[i].zone];
		int64_t		gain;

		if (way.condition == -2)
		{
			assert_int_equal(got[i], 0);
			continue;
		}
		if (!zone->has_price)
			continue;
		gain = b->book.order[i].side == MATCHING_BID ? slow_limit_here(b, way) - zone->buyer_price_micro_per_kwh :
			zone->seller_price_micro_per_kwh - slow_limit_here(b, way);
		assert_true(gain <= 0 || got[i] == slow_left(run, way));
		assert_true(gain >= 0 || got[i] == 0);
		assert_true(got[i] <= slow_left(run, way));
	}
	for (uint32_t z = 0; z < b->zones.zones; z++)
		above -= out->zone[z].fee_nano;
	for (size_t i = 0; i < out->lines; i++)
		above -= out->line_result[i].fee_nano + out->line_result[i].rent_nano;
	assert_true(above == 0);
}

/* The best of a side with energy in got, among the zones that are marked; -1. */
static int
best_in_zones(const zone_book *b, const int64_t *got, int side, const bool *marked)
{
	int			best = -1;

	for (uint32_t i = 0; i < b->book.orders; i++)
	{
		slow_way	x = open_way(b, i);
		slow_way	y = open_way(b, (uint32_t) (best < 0 ? 0 : best));
		int64_t		p = slow_limit(b, x);
		int64_t		q = slow_limit(b, y);

		if (b->book.order[i].side != side || got[i] == 0 || !marked[b->book.order[i].zone])
			continue;
		if (best < 0 || (side == MATCHING_BID ? p > q : p < q) || (p == q && slow_earlier(b, x, y)))
			best = (int) i;
	}
	return best;
}

/* Zones that energy flowed to or from, directly or through others. */
static void
mark_connected(const matching_outcome *out, bool *marked)
{
	bool		more = true;

	while (more)
	{
		more = false;
		for (size_t i = 0; i < out->lines; i++)
		{
			int64_t		from = out->line[i].from_zone;
			int64_t		to = out->line[i].to_zone;

			if (out->line_result[i].flow_wh == 0 || marked[from] == marked[to])
				continue;
			marked[from] = marked[to] = true;
			more = true;
		}
	}
}

/* Who is paired with whom: in each zone, then between those that are connected, always the best. */
static void
check_pairs(const zone_book *b, const matching_outcome *out)
{
	const matching_trade *t = out->trade + out->first_trades + out->condition_trades;
	int64_t		got[MADE_ORDERS_MAX] = {0};

	for (const matching_trade *u = t; u < out->trade + out->trades; u++)
	{
		got[u->bid] += u->energy;
		got[u->ask] += u->energy;
	}
	for (uint32_t n = 0; n < 2 * b->zones.zones; n++)
	{
		bool		marked[ZONES_MAX] = {false};
		int			bid;
		int			ask;

		marked[n % b->zones.zones] = true;
		if (n >= b->zones.zones)
			mark_connected(out, marked);
		while ((bid = best_in_zones(b, got, MATCHING_BID, marked)) >= 0 && (ask = best_in_zones(b, got, MATCHING_ASK, marked)) >= 0)
		{
			assert_int_equal(t->bid, bid);
			assert_int_equal(t->ask, ask);
			assert_int_equal(t->energy, got[bid] < got[ask] ? got[bid] : got[ask]);
			got[bid] -= t->energy;
			got[ask] -= t->energy;
			t++;
		}
	}
	assert_true(t == out->trade + out->trades);
}

/* What each zone takes of trades that have a way of their own. */
static void
check_zone_fees(const zone_book *b, const matching_outcome *out)
{
	bool		coupled = b->rule.method == MATCHING_PAY_AS_CLEAR;
	__int128	fee[ZONES_MAX] = {0};
	size_t		count = coupled ? out->first_trades + out->condition_trades : out->trades;

	for (size_t i = 0; i < count; i++)
	{
		zone_fees_path path;
		zone_fees_split split;

		assert_true(slow_path(b, out->trade[i].ask, out->trade[i].bid, &path));
		assert_int_equal(zone_fees_from_seller(b->zone, &path, out->trade[i].price, &split), ZONE_FEES_OK);
		/* a bid's limit may leave more than the seller's price asks for */
		if (split.buyer_price_micro_per_kwh != out->trade[i].buyer_price)
			assert_int_equal(zone_fees_from_buyer(b->zone, &path, out->trade[i].buyer_price, &split), ZONE_FEES_OK);
		for (int z = 0; z < path.count; z++)
			fee[path.zone[z]] += (__int128) out->trade[i].energy * split.fee_micro_per_kwh[z];
	}
	for (uint32_t z = 0; z < b->zones.zones; z++)
	{
		fee[z] += coupled ? out->zone[z].fee_nano : 0;
		assert_true(fee[z] == out->zone_sum[z].fee);
	}
}

/* All that buyers pay is what sellers get and zones and lines take, all phases together. */
static void
check_money(const zone_book *b, const matching_outcome *out)
{
	__int128	above = 0;

	for (size_t i = 0; i < out->trades; i++)
		above += (__int128) out->trade[i].energy * (out->trade[i].buyer_price - out->trade[i].price);
	for (uint32_t z = 0; b->rule.zones != NULL && z < b->zones.zones; z++)
		above -= out->zone_sum[z].fee;
	for (size_t i = 0; i < out->lines; i++)
		above -= out->line_result[i].fee_nano + out->line_result[i].rent_nano;
	assert_true(above == 0);
}

/* The same trades of orders in another sequence; conditions move with their orders. */
static void
same_shuffled(const zone_book *b, matching_result result, const matching_outcome *out)
{
	static zone_book other;
	uint32_t	to[MADE_ORDERS_MAX];
	uint32_t	from[MADE_ORDERS_MAX];
	matching_outcome out2;
	void	   *memory;

	other = *b;
	other.rule.zones = b->rule.zones == NULL ? NULL : &other.zones;
	other.zones.zone = other.zone;
	other.zones.line = other.line;
	other.rule.condition = other.condition;
	other.rule.source = other.source;
	other.rule.conditions = 0;
	for (uint32_t i = 0; i < b->book.orders; i++)
	{
		uint32_t	j = (uint32_t) below(i + 1);

		from[i] = from[j];
		from[j] = i;
	}
	for (uint32_t i = 0; i < b->book.orders; i++)
	{
		to[from[i]] = i;
		other.book.order[i] = b->book.order[from[i]];
		other.source[i] = b->source[from[i]];
		for (uint32_t c = 0; c < b->rule.conditions; c++)
		{
			if (b->condition[c].order != from[i])
				continue;
			other.condition[other.rule.conditions] = b->condition[c];
			other.condition[other.rule.conditions++].order = i;
		}
	}
	assert_int_equal(run_book(&other, &out2, &memory), result);
	if (result == MATCHING_OK)
	{
		assert_int_equal(out2.trades, out->trades);
		for (size_t i = 0; i < out->trades; i++)
		{
			matching_trade trade = out->trade[i];

			trade.bid = to[trade.bid];
			trade.ask = to[trade.ask];
			same_trades(&trade, &out2.trade[i], 1);
		}
	}
	free(memory);
}

static void
check_book(const zone_book *b, const matching_outcome *out, matching_result result)
{
	slow_run	run = {.b = b};
	size_t		before = out->first_trades + out->condition_trades;

	for (uint32_t i = 0; i < b->book.orders; i++)
		run.left[i] = b->book.order[i].energy;
	for (uint32_t c = 0; c < b->rule.conditions; c++)
		run.by[c] = b->condition[c].has_energy ? b->condition[c].energy : INT64_MAX;
	if (!b->rule.own_trades)
		slow_net(&run);
	for (uint32_t i = 0; result == MATCHING_OK && i < b->book.orders; i++)
		assert_int_equal(out->netted[i], b->book.order[i].energy - run.left[i]);
	if (result == MATCHING_OK || b->rule.first == MATCHING_FIRST_NONE)
	{
		check_first(&run, out);
		slow_all(&run, true);
	}
	if (result == MATCHING_OK)
	{
		assert_false(run.no_price);
		assert_int_equal(run.trades, out->condition_trades);
		same_trades(run.trade, out->trade + out->first_trades, run.trades);
		check_money(b, out);
		if (b->rule.zones != NULL)
			check_zone_fees(b, out);
	}
	if (b->rule.method == MATCHING_PAY_AS_CLEAR && b->rule.zones != NULL && result == MATCHING_OK)
	{
		check_clear(&run, out);
		check_pairs(b, out);
	}
	if (b->rule.method != MATCHING_PAY_AS_BID || (result != MATCHING_OK && b->rule.first != MATCHING_FIRST_NONE))
		return;
	run.trades = 0;
	slow_all(&run, false);
	assert_int_equal(result, run.no_price ? MATCHING_NO_PRICE : MATCHING_OK);
	if (result == MATCHING_OK)
	{
		assert_int_equal(run.trades, out->trades - before);
		same_trades(run.trade, out->trade + before, run.trades);
	}
}

static void
books_of(matching_method method)
{
	static zone_book b;
	int			ran = 0;
	int			by_condition = 0;
	int			between = 0;

	for (int n = 0; n < BOOKS; n++)
	{
		matching_outcome out;
		matching_result result;
		void	   *memory;

		random_book(&b, method);
		result = run_book(&b, &out, &memory);
		if (result != MATCHING_NO_PRICE)
			assert_int_equal(result, MATCHING_OK);
		check_book(&b, &out, result);
		same_shuffled(&b, result, &out);
		ran += result == MATCHING_OK;
		by_condition += out.condition_trades > 0;
		for (size_t i = 0; i < out.trades; i++)
			between += b.rule.zones != NULL && b.book.order[out.trade[i].bid].zone != b.book.order[out.trade[i].ask].zone;
		free(memory);
	}
	assert_true(ran > BOOKS / 2);
	assert_true(by_condition > BOOKS / 8);
	assert_true(between > BOOKS / 8 || method == MATCHING_PROPORTIONAL);
}

static void
books_by_bid(void **state)
{
	books_of(MATCHING_PAY_AS_BID);
}

static void
books_by_clear(void **state)
{
	books_of(MATCHING_PAY_AS_CLEAR);
}

static void
books_by_share(void **state)
{
	books_of(MATCHING_PROPORTIONAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(books_by_bid),
		cmocka_unit_test(books_by_clear),
		cmocka_unit_test(books_by_share),
	};

	seed = getenv("MATCHING_SEED") != NULL ? strtoull(getenv("MATCHING_SEED"), NULL, 10) : 20260724;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
