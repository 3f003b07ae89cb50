/*
 * test_matching_books.c: 100,000 random books, small enough for rules that are
 * written down a second time, as slowly and as plainly as they can be.
 *
 * The volume is compared with that of every price there is; the price interval with
 * what it must mean; nets, partners, shares and the comparison order with loops over
 * all pairs.  Every book is run again with its orders shuffled.  MATCHING_SEED
 * names another sequence of books, which is not 0.
 */
#include "matching_made.h"

#define BOOKS 100000
#define SIDE_MAX 8
#define ACTORS 4

static uint64_t seed;

static int64_t
below(int64_t n)
{
	return (int64_t) (unit_random(&seed) >> 33) % n;
}

/* Few prices and few actors, so that ties, partners and own orders are common. */
static void
random_book(made_book *book)
{
	int			bids = (int) below(SIDE_MAX + 1);
	int			asks = (int) below(SIDE_MAX + 1);
	int64_t		base = below(4) == 0 ? -20 : 10;
	int64_t		large = below(20) == 0 ? INT64_MAX / 80 : 1;

	book->orders = 0;
	for (int i = 0; i < bids + asks; i++)
	{
		matching_order *order = made_add(book, i < bids ? MATCHING_BID : MATCHING_ASK,
										 (1 + below(9)) * large, base + below(12));

		order->order_id = 1000 - 7 * i;
		order->arrival = below(6);
		order->any_price = below(8) == 0;
		if (below(4) > 0)
			order->actor = (uint32_t) below(ACTORS);
		if (below(2) == 0)
			order->partner = (uint32_t) below(ACTORS);
		if (order->partner == order->actor)
			order->partner = MATCHING_NOBODY;
		if (below(2) == 0)
		{
			order->has_partner_price = true;
			order->partner_price = base + below(2);
		}
	}
}

static bool
earlier(const matching_order *a, const matching_order *b)
{
	return a->arrival != b->arrival ? a->arrival < b->arrival : a->order_id < b->order_id;
}

/* Whether a comes before b, on one side. */
static bool
better(const matching_order *a, const matching_order *b)
{
	if (a->any_price != b->any_price)
		return a->any_price;
	if (!a->any_price && a->price != b->price)
		return a->side == MATCHING_BID ? a->price > b->price : a->price < b->price;
	return earlier(a, b);
}

static bool
crosses(const matching_order *bid, const matching_order *ask)
{
	return bid->any_price || ask->any_price || bid->price >= ask->price;
}

/* The best of a side that has energy left and that an actor owns (NOBODY: any); -1. */
static int
best_of(const made_book *book, const int64_t *left, int side, uint32_t actor)
{
	int			best = -1;

	for (int i = 0; i < (int) book->orders; i++)
	{
		if (book->order[i].side == side && left[i] > 0 && (actor == MATCHING_NOBODY || book->order[i].actor == actor) &&
			(best < 0 || better(&book->order[i], &book->order[best])))
			best = i;
	}
	return best;
}

static int64_t
min64(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void
slow_net(const made_book *book, int64_t *left)
{
	for (uint32_t actor = 0; actor < ACTORS; actor++)
	{
		for (;;)
		{
			int			bid = best_of(book, left, MATCHING_BID, actor);
			int			ask = best_of(book, left, MATCHING_ASK, actor);
			int64_t		energy;

			if (bid < 0 || ask < 0 || !crosses(&book->order[bid], &book->order[ask]))
				break;
			energy = min64(left[bid], left[ask]);
			left[bid] -= energy;
			left[ask] -= energy;
		}
	}
}

/* How much would be wanted and offered at a price; the less of the two. */
static int64_t
volume_at(const made_book *book, const int64_t *left, int64_t price)
{
	int64_t		sum[2] = {0, 0};

	for (size_t i = 0; i < book->orders; i++)
	{
		const matching_order *order = &book->order[i];

		if (order->any_price || (order->side == MATCHING_BID ? order->price >= price : order->price <= price))
			sum[order->side] += left[i];
	}
	return min64(sum[0], sum[1]);
}

static int64_t
best_volume(const made_book *book, const int64_t *left)
{
	int64_t		best = 0;

	for (int64_t price = -30; price <= 30; price++)
	{
		int64_t		volume = volume_at(book, left, price);

		if (volume > best)
			best = volume;
	}
	return best;
}

/* Nobody who trades minds the price, and nobody who does not would have liked it. */
static bool
nobody_envies(const made_book *book, const int64_t *left, const int64_t *got, int64_t price)
{
	for (size_t i = 0; i < book->orders; i++)
	{
		const matching_order *order = &book->order[i];
		int64_t		gain = order->side == MATCHING_BID ? order->price - price : price - order->price;

		if (order->any_price)
			gain = 1;
		if ((gain > 0 && got[i] != left[i]) || (gain < 0 && got[i] != 0))
			return false;
	}
	return true;
}

static void
sum_trades(const made_book *book, const matching_outcome *out, size_t from, size_t to, int64_t *got)
{
	int64_t		bought = 0;
	int64_t		sold = 0;

	memset(got, 0, MADE_ORDERS_MAX * sizeof(*got));
	for (size_t i = from; i < to; i++)
	{
		const matching_trade *t = &out->trade[i];

		assert_true(t->energy > 0);
		assert_int_equal(book->order[t->bid].side, MATCHING_BID);
		assert_int_equal(book->order[t->ask].side, MATCHING_ASK);
		got[t->bid] += t->energy;
		got[t->ask] += t->energy;
	}
	for (size_t i = 0; i < book->orders; i++)
		*(book->order[i].side == MATCHING_BID ? &bought : &sold) += got[i];
	assert_int_equal(bought, sold);
}

/* What is left after nets and first phase, as the outcome says. */
static void
left_after(const made_book *book, const matching_outcome *out, int64_t *left)
{
	sum_trades(book, out, 0, out->first_trades, left);
	for (size_t i = 0; i < book->orders; i++)
	{
		left[i] = book->order[i].energy - out->netted[i] - left[i];
		assert_true(left[i] >= 0);
	}
}

static void
within_limits(const made_book *book, const matching_outcome *out)
{
	for (size_t i = out->first_trades; i < out->trades; i++)
	{
		const matching_trade *t = &out->trade[i];

		assert_true(book->order[t->bid].any_price || book->order[t->bid].price >= t->price);
		assert_true(book->order[t->ask].any_price || book->order[t->ask].price <= t->price);
	}
}

static void
shuffled(const made_book *book, made_book *other)
{
	*other = *book;
	for (size_t i = other->orders; i > 1; i--)
	{
		size_t		j = (size_t) below((int64_t) i);
		matching_order swap = other->order[i - 1];

		other->order[i - 1] = other->order[j];
		other->order[j] = swap;
	}
}

/* The same trades, whatever the order in which the orders are handed over. */
static void
same_shuffled(const made_book *book, const matching_rule *rule, matching_result result, const matching_outcome *out)
{
	made_book	other;
	matching_outcome out2;
	void	   *memory;
	char	   *text = strdup(result == MATCHING_OK ? made_trades(book, out) : "");

	shuffled(book, &other);
	assert_int_equal(made_run(&other, rule, &out2, &memory), result);
	assert_string_equal(text, result == MATCHING_OK ? made_trades(&other, &out2) : "");
	free(memory);
	free(text);
}

static void
check_clear(const made_book *book, const matching_rule *rule, const matching_outcome *out)
{
	int64_t		left[MADE_ORDERS_MAX];
	int64_t		got[MADE_ORDERS_MAX];

	left_after(book, out, left);
	sum_trades(book, out, out->first_trades, out->trades, got);
	if (!out->has_price)
	{
		assert_int_equal(best_volume(book, left), 0);
		return;
	}
	for (size_t i = out->first_trades; i < out->trades; i++)
		assert_int_equal(out->trade[i].price, out->price);
	if (out->has_low)
	{
		assert_true(out->price >= out->low);
		assert_true(nobody_envies(book, left, got, out->low));
		assert_false(nobody_envies(book, left, got, out->low - 1));
	}
	if (out->has_high)
	{
		assert_true(out->price <= out->high);
		assert_true(nobody_envies(book, left, got, out->high));
		assert_false(nobody_envies(book, left, got, out->high + 1));
	}
	if (out->has_low && out->has_high)
		assert_int_equal(out->price, rule->policy == MATCHING_ASK_SIDE ? out->low : rule->policy == MATCHING_BID_SIDE ?
						 out->high : out->low + (out->high - out->low) / 2);
	else if (out->has_low || out->has_high)
		assert_int_equal(out->price, out->has_low ? (rule->reference > out->low ? rule->reference : out->low) :
						 (rule->reference < out->high ? rule->reference : out->high));
}

static int64_t
bought(const made_book *book, const int64_t *energy)
{
	int64_t		sum = 0;

	for (size_t i = 0; i < book->orders; i++)
		sum += book->order[i].side == MATCHING_BID ? energy[i] : 0;
	return sum;
}

static void
start_left(const made_book *book, const matching_rule *rule, int64_t *left)
{
	for (size_t i = 0; i < book->orders; i++)
		left[i] = book->order[i].energy;
	if (!rule->own_trades)
		slow_net(book, left);
}

static void
clear_books(void **state)
{
	int			priced = 0;

	for (int n = 0; n < BOOKS; n++)
	{
		made_book	book;
		matching_rule rule = {.policy = (matching_policy) below(3),.first = (matching_first) below(3),
		.own_trades = below(3) == 0,.has_reference = below(4) > 0,.reference = below(60) - 30};
		matching_outcome out;
		matching_result result;
		int64_t		left[MADE_ORDERS_MAX];
		int64_t		got[MADE_ORDERS_MAX];
		void	   *memory;

		random_book(&book);
		result = made_run(&book, &rule, &out, &memory);
		if (result == MATCHING_OK)
		{
			start_left(&book, &rule, left);
			for (size_t i = 0; i < book.orders; i++)
				assert_int_equal(book.order[i].energy - out.netted[i], left[i]);
			left_after(&book, &out, left);
			sum_trades(&book, &out, out.first_trades, out.trades, got);
			assert_int_equal(bought(&book, got), best_volume(&book, left));
			within_limits(&book, &out);
			if (rule.has_reference)
				check_clear(&book, &rule, &out);
			priced += out.has_price;
		}
		else
		{
			assert_int_equal(result, MATCHING_NO_PRICE);
			assert_false(rule.has_reference);
		}
		same_shuffled(&book, &rule, result, &out);
		free(memory);
	}
	assert_true(priced > BOOKS / 2);
}

/* ---- trades made by loops over all pairs ---- */

typedef struct slow_trades
{
	matching_trade trade[MADE_ORDERS_MAX * 2];
	size_t		trades;
} slow_trades;

static void
slow_add(slow_trades *to, int64_t *left, size_t bid, size_t ask, int64_t price)
{
	int64_t		energy = min64(left[bid], left[ask]);

	if (energy == 0)
		return;
	to->trade[to->trades++] = (matching_trade) {(uint32_t) bid, (uint32_t) ask, energy, price};
	left[bid] -= energy;
	left[ask] -= energy;
}

static int
by_pair(const void *a, const void *b)
{
	const matching_trade *x = a;
	const matching_trade *y = b;

	if (x->bid != y->bid)
		return x->bid < y->bid ? -1 : 1;
	return x->ask < y->ask ? -1 : x->ask > y->ask;
}

static void
same_trades(const slow_trades *slow, const matching_trade *trade, size_t trades)
{
	assert_int_equal(trades, slow->trades);
	for (size_t i = 0; i < trades; i++)
	{
		assert_int_equal(trade[i].bid, slow->trade[i].bid);
		assert_int_equal(trade[i].ask, slow->trade[i].ask);
		assert_int_equal(trade[i].energy, slow->trade[i].energy);
		assert_int_equal(trade[i].price, slow->trade[i].price);
	}
}

/* A side's positions, sorted by whatever comes first. */
static size_t
slow_list(const made_book *book, int side, bool (*first) (const matching_order *, const matching_order *), size_t *list)
{
	size_t		count = 0;

	for (size_t i = 0; i < book->orders; i++)
	{
		size_t		at;

		if (book->order[i].side != side)
			continue;
		for (at = count++; at > 0 && first(&book->order[i], &book->order[list[at - 1]]); at--)
			list[at] = list[at - 1];
		list[at] = i;
	}
	return count;
}

/* The highest price first, and of equal ones the last to arrive. */
static bool
gsy_first(const matching_order *a, const matching_order *b)
{
	if (a->any_price == b->any_price && (a->any_price || a->price == b->price))
		return earlier(b, a);
	return a->side == MATCHING_BID ? better(a, b) : better(b, a);
}

/* The peer's loops: each ask, from the dearest, with each bid, from the highest. */
static void
slow_gsy(const made_book *book, int64_t *left, slow_trades *to)
{
	size_t		bid[MADE_ORDERS_MAX];
	size_t		ask[MADE_ORDERS_MAX];
	size_t		bids = slow_list(book, MATCHING_BID, gsy_first, bid);
	size_t		asks = slow_list(book, MATCHING_ASK, gsy_first, ask);

	for (size_t a = 0; a < asks; a++)
	{
		for (size_t b = 0; b < bids; b++)
		{
			const matching_order *buy = &book->order[bid[b]];
			const matching_order *sell = &book->order[ask[a]];

			if (crosses(buy, sell))
				slow_add(to, left, bid[b], ask[a], !buy->any_price ? buy->price : sell->any_price ? 99 : sell->price);
		}
	}
}

static void
gsy_books(void **state)
{
	for (int n = 0; n < BOOKS; n++)
	{
		made_book	book;
		matching_rule rule = {.method = MATCHING_PAY_AS_BID,.sequence = MATCHING_GSY,.has_reference = true,.reference = 99};
		matching_outcome out;
		int64_t		left[MADE_ORDERS_MAX];
		slow_trades slow = {.trades = 0};
		void	   *memory;

		random_book(&book);
		start_left(&book, &rule, left);
		slow_gsy(&book, left, &slow);
		assert_int_equal(made_run(&book, &rule, &out, &memory), MATCHING_OK);
		same_trades(&slow, out.trade, out.trades);
		same_shuffled(&book, &rule, MATCHING_OK, &out);
		free(memory);
	}
}

/* Price for a partner; false where the order has none. */
static bool
price_for_partner(const matching_order *order, int64_t *price)
{
	*price = order->has_partner_price ? order->partner_price : order->price;
	return order->has_partner_price || !order->any_price;
}

static bool
are_partners(const matching_order *bid, const matching_order *ask, bool bid_names, bool ask_names)
{
	int64_t		buy;
	int64_t		sell;

	return (bid->partner != MATCHING_NOBODY) == bid_names && (ask->partner != MATCHING_NOBODY) == ask_names &&
		bid->actor != MATCHING_NOBODY && ask->actor != MATCHING_NOBODY &&
		(!bid_names || bid->partner == ask->actor) && (!ask_names || ask->partner == bid->actor) &&
		price_for_partner(bid, &buy) && price_for_partner(ask, &sell) && buy == sell;
}

/* Both names, then the bid's alone, then the ask's. */
static void
slow_partners(const made_book *book, int64_t *left, matching_first first, slow_trades *to)
{
	size_t		bid[MADE_ORDERS_MAX];
	size_t		ask[MADE_ORDERS_MAX];
	size_t		bids = slow_list(book, MATCHING_BID, earlier, bid);
	size_t		asks = slow_list(book, MATCHING_ASK, earlier, ask);

	for (int step = 0; step < (first == MATCHING_FIRST_PREFERENCE ? 3 : 1); step++)
	{
		for (size_t b = 0; b < bids; b++)
		{
			for (size_t a = 0; a < asks; a++)
			{
				int64_t		price;

				price_for_partner(&book->order[bid[b]], &price);
				if (are_partners(&book->order[bid[b]], &book->order[ask[a]], step != 2, step != 1))
					slow_add(to, left, bid[b], ask[a], price);
			}
		}
	}
}

static void
partner_books(void **state)
{
	int			paired = 0;

	for (int n = 0; n < BOOKS; n++)
	{
		made_book	book;
		matching_rule rule = {.first = 1 + (matching_first) below(2),.own_trades = below(2) == 0,.has_reference = true};
		matching_outcome out;
		matching_trade trade[MADE_ORDERS_MAX];
		int64_t		left[MADE_ORDERS_MAX];
		slow_trades slow = {.trades = 0};
		void	   *memory;

		random_book(&book);
		start_left(&book, &rule, left);
		slow_partners(&book, left, rule.first, &slow);
		assert_int_equal(made_run(&book, &rule, &out, &memory), MATCHING_OK);
		/* found in another order: compared as a set */
		memcpy(trade, out.trade, out.first_trades * sizeof(*trade));
		qsort(trade, out.first_trades, sizeof(*trade), by_pair);
		qsort(slow.trade, slow.trades, sizeof(*trade), by_pair);
		same_trades(&slow, trade, out.first_trades);
		paired += out.first_trades > 0;
		free(memory);
	}
	assert_true(paired > BOOKS / 20);
}

/* Each order's share is its part of the volume, rounded up or down. */
static void
share_books(void **state)
{
	for (int n = 0; n < BOOKS; n++)
	{
		made_book	book;
		matching_rule rule = {.method = MATCHING_PROPORTIONAL,.first = (matching_first) below(3),.own_trades = below(2) == 0,
		.has_reference = true,.reference = below(30) - 15};
		matching_outcome out;
		int64_t		left[MADE_ORDERS_MAX];
		int64_t		got[MADE_ORDERS_MAX];
		int64_t		sum[2] = {0, 0};
		int64_t		volume;
		void	   *memory;

		random_book(&book);
		assert_int_equal(made_run(&book, &rule, &out, &memory), MATCHING_OK);
		left_after(&book, &out, left);
		sum_trades(&book, &out, out.first_trades, out.trades, got);
		within_limits(&book, &out);
		for (size_t i = 0; i < book.orders; i++)
		{
			const matching_order *order = &book.order[i];

			if (!order->any_price && (order->side == MATCHING_BID ? order->price < rule.reference : order->price > rule.reference))
				left[i] = 0;
			sum[order->side] += left[i];
		}
		volume = min64(sum[0], sum[1]);
		assert_int_equal(bought(&book, got), volume);
		for (size_t i = 0; i < book.orders; i++)
		{
			__int128	off = (__int128) got[i] * sum[book.order[i].side] - (__int128) left[i] * volume;

			assert_true(volume == 0 || (off < sum[book.order[i].side] && -off < sum[book.order[i].side]));
		}
		same_shuffled(&book, &rule, MATCHING_OK, &out);
		free(memory);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clear_books),
		cmocka_unit_test(gsy_books),
		cmocka_unit_test(partner_books),
		cmocka_unit_test(share_books),
	};
	const char *given = getenv("MATCHING_SEED");

	seed = given != NULL ? strtoull(given, NULL, 10) : 20111001;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
