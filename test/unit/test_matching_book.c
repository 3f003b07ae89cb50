/*
 * test_matching_book.c: the continuous book: its rules one by one, then half a million
 * random events beside a book that is a plain array and looks through all of it.
 */
#include "unit.h"

#include "core/matching_book.h"

#define CAPACITY 200
#define EVENTS 500000
#define REPORTS_MAX 256

typedef struct reported
{
	matching_book_event event[REPORTS_MAX];
	int			count;
} reported;

static void
report(void *to, const matching_book_order *incoming, const matching_book_event *event)
{
	reported   *r = to;

	assert_true(r->count < REPORTS_MAX);
	r->event[r->count++] = *event;
}

static matching_book *
book_of(uint32_t capacity, bool own_trades)
{
	void	   *memory = malloc(matching_book_size(capacity));

	assert_non_null(memory);
	return matching_book_init(memory, capacity, own_trades);
}

static matching_book_order
made(int64_t id, matching_side side, int64_t energy, int64_t price)
{
	return (matching_book_order) {.order_id = id,.side = side,.energy = energy,.price = price,.actor = MATCHING_NOBODY,.tag = (uint32_t) id * 2};
}

/* Inserts, and says what came of it: "id energy@price ..., rests n, dropped n". */
static const char *
inserted(matching_book *book, matching_book_order order)
{
	static char text[1000];
	char	   *at = text;
	reported	r = {.count = 0};
	int64_t		rests;
	int64_t		dropped;
	matching_result result = matching_book_insert(book, &order, report, &r, &rests, &dropped);

	if (result != MATCHING_OK)
	{
		sprintf(text, "error %d", (int) result);
		return text;
	}
	for (int i = 0; i < r.count; i++)
	{
		assert_int_equal(r.event[i].resting_tag, r.event[i].resting_id * 2);
		at += sprintf(at, "%lld%s %lld@%lld, ", (long long) r.event[i].resting_id, r.event[i].netted ? " netted" : "",
					  (long long) r.event[i].energy, (long long) r.event[i].price);
	}
	sprintf(at, "rests %lld, dropped %lld", (long long) rests, (long long) dropped);
	return text;
}

static void
rules(void **state)
{
	matching_book *book = book_of(8, false);
	matching_book_order order;
	int64_t		price;
	int64_t		energy;

	assert_false(matching_book_best(book, MATCHING_ASK, &price, &energy));
	assert_string_equal(inserted(book, made(1, MATCHING_ASK, 10, 20)), "rests 10, dropped 0");
	assert_string_equal(inserted(book, made(2, MATCHING_ASK, 10, -5)), "rests 10, dropped 0");
	assert_string_equal(inserted(book, made(3, MATCHING_ASK, 10, 20)), "rests 10, dropped 0");
	assert_string_equal(inserted(book, made(4, MATCHING_BID, 5, -6)), "rests 5, dropped 0");
	/* price, then time, each at the resting price */
	assert_string_equal(inserted(book, made(5, MATCHING_BID, 23, 20)), "2 10@-5, 1 10@20, 3 3@20, rests 0, dropped 0");
	assert_true(matching_book_best(book, MATCHING_ASK, &price, &energy));
	assert_int_equal(price, 20);
	assert_int_equal(energy, 7);
	/* what is left of an immediate one is dropped */
	order = made(6, MATCHING_BID, 9, 30);
	order.kind = MATCHING_IMMEDIATE_OR_CANCEL;
	assert_string_equal(inserted(book, order), "3 7@20, rests 0, dropped 2");
	/* all or none */
	assert_string_equal(inserted(book, made(7, MATCHING_ASK, 4, 30)), "rests 4, dropped 0");
	assert_string_equal(inserted(book, made(8, MATCHING_ASK, 4, 31)), "rests 4, dropped 0");
	order = made(9, MATCHING_BID, 8, 30);
	order.kind = MATCHING_ALL_OR_NONE;
	assert_string_equal(inserted(book, order), "rests 0, dropped 8");
	order.price = 31;
	assert_string_equal(inserted(book, order), "7 4@30, 8 4@31, rests 0, dropped 0");
	/* at any price: never rests */
	order = made(10, MATCHING_ASK, 8, 0);
	order.any_price = true;
	assert_string_equal(inserted(book, order), "4 5@-6, rests 0, dropped 3");
	assert_int_equal(matching_book_orders(book), 0);
	free(book);
}

static void
own_orders(void **state)
{
	matching_book *book = book_of(8, false);
	matching_book_order order = made(1, MATCHING_ASK, 10, 20);

	order.actor = 3;
	inserted(book, order);
	inserted(book, made(2, MATCHING_ASK, 10, 21));
	order = made(3, MATCHING_BID, 15, 30);
	order.actor = 3;
	order.kind = MATCHING_ALL_OR_NONE;
	assert_string_equal(inserted(book, order), "1 netted 10@20, 2 5@21, rests 0, dropped 0");
	free(book);
	book = book_of(8, true);
	order = made(1, MATCHING_ASK, 10, 20);
	order.actor = 3;
	inserted(book, order);
	order = made(3, MATCHING_BID, 5, 30);
	order.actor = 3;
	assert_string_equal(inserted(book, order), "1 5@20, rests 0, dropped 0");
	free(book);
}

static void
refusals(void **state)
{
	matching_book *book = book_of(2, false);
	matching_book_order order = made(1, MATCHING_BID, INT64_MAX, INT64_MAX);
	int64_t		left;

	assert_string_equal(inserted(book, order), "rests 9223372036854775807, dropped 0");
	assert_string_equal(inserted(book, order), "error 7");
	assert_string_equal(inserted(book, made(2, MATCHING_BID, 1, 1)), "error 6");
	assert_string_equal(inserted(book, made(2, MATCHING_ASK, 0, 1)), "error 5");
	order = made(2, MATCHING_ASK, 1, 1);
	order.side = 2;
	assert_string_equal(inserted(book, order), "error 3");
	order.side = MATCHING_ASK;
	order.kind = 3;
	assert_string_equal(inserted(book, order), "error 4");
	assert_int_equal(matching_book_cancel(book, 2, &left), MATCHING_UNKNOWN_ID);
	assert_int_equal(matching_book_cancel(book, 1, &left), MATCHING_OK);
	assert_true(left == INT64_MAX);
	assert_int_equal(matching_book_cancel(book, 1, &left), MATCHING_UNKNOWN_ID);
	inserted(book, made(1, MATCHING_BID, 1, INT64_MIN));
	inserted(book, made(2, MATCHING_BID, 1, INT64_MIN));
	/* full: only what cannot rest still comes in */
	assert_string_equal(inserted(book, made(3, MATCHING_ASK, 1, 1)), "error 1");
	order = made(3, MATCHING_ASK, 3, INT64_MIN);
	order.kind = MATCHING_IMMEDIATE_OR_CANCEL;
	assert_string_equal(inserted(book, order), "1 1@-9223372036854775808, 2 1@-9223372036854775808, rests 0, dropped 1");
	free(book);
	book = book_of(0, false);
	assert_string_equal(inserted(book, made(3, MATCHING_ASK, 1, 1)), "error 1");
	free(book);
}

/* ---- a plain array ---- */

typedef struct slow_book
{
	matching_book_order resting[CAPACITY];
	int			count;			/* in order of arrival */
	bool		own_trades;
} slow_book;

static bool
slow_good(const matching_book_order *in, const matching_book_order *resting)
{
	return in->side != resting->side &&
		(in->any_price || (in->side == MATCHING_BID ? resting->price <= in->price : resting->price >= in->price));
}

static void
slow_remove(slow_book *book, int at)
{
	memmove(&book->resting[at], &book->resting[at + 1], sizeof(book->resting[0]) * (size_t) (book->count - at - 1));
	book->count--;
}

static matching_result
slow_insert(slow_book *book, const matching_book_order *in, reported *r, int64_t *rests, int64_t *dropped)
{
	int64_t		left = in->energy;
	int64_t		there = 0;
	bool		may_rest = in->kind == MATCHING_LIMIT && !in->any_price;

	for (int i = 0; i < book->count; i++)
	{
		if (book->resting[i].order_id == in->order_id)
			return MATCHING_DUPLICATE_ID;
		there += slow_good(in, &book->resting[i]) ? book->resting[i].energy : 0;
	}
	if (may_rest && book->count == CAPACITY)
		return MATCHING_TOO_MANY_ORDERS;
	while (left > 0 && (in->kind != MATCHING_ALL_OR_NONE || there >= in->energy))
	{
		matching_book_order *best = NULL;
		int64_t		energy;

		for (int i = 0; i < book->count; i++)
		{
			matching_book_order *o = &book->resting[i];

			if (slow_good(in, o) && (best == NULL || (in->side == MATCHING_BID ? o->price < best->price : o->price > best->price)))
				best = o;
		}
		if (best == NULL)
			break;
		energy = left < best->energy ? left : best->energy;
		left -= energy;
		best->energy -= energy;
		r->event[r->count++] = (matching_book_event) {
			!book->own_trades && in->actor == best->actor && in->actor != MATCHING_NOBODY,
			energy, best->price, best->order_id, best->tag, best->energy
		};
		if (best->energy == 0)
			slow_remove(book, (int) (best - book->resting));
	}
	*rests = may_rest ? left : 0;
	*dropped = may_rest ? 0 : left;
	if (*rests > 0)
	{
		book->resting[book->count] = *in;
		book->resting[book->count++].energy = left;
	}
	return MATCHING_OK;
}

static void
same_best(const matching_book *book, const slow_book *slow, matching_side side)
{
	int64_t		best = 0;
	int64_t		energy = 0;
	int64_t		price;
	int64_t		there;

	for (int i = 0; i < slow->count; i++)
	{
		const matching_book_order *o = &slow->resting[i];

		if (o->side != side)
			continue;
		if (energy == 0 || (side == MATCHING_BID ? o->price > best : o->price < best))
			energy = 0;
		else if (o->price != best)
			continue;
		best = o->price;
		energy += o->energy;
	}
	assert_int_equal(matching_book_best(book, side, &price, &there), energy > 0);
	if (energy > 0)
	{
		assert_int_equal(price, best);
		assert_int_equal(there, energy);
	}
}

static void
same_insert(matching_book *book, slow_book *slow, const matching_book_order *in)
{
	reported	ours = {.count = 0};
	reported	theirs = {.count = 0};
	int64_t		left[2] = {0, 0};
	int64_t		slow_left[2] = {0, 0};

	assert_int_equal(matching_book_insert(book, in, report, &ours, &left[0], &left[1]),
					 slow_insert(slow, in, &theirs, &slow_left[0], &slow_left[1]));
	assert_int_equal(left[0], slow_left[0]);
	assert_int_equal(left[1], slow_left[1]);
	assert_int_equal(ours.count, theirs.count);
	for (int i = 0; i < ours.count; i++)
	{
		assert_int_equal(ours.event[i].netted, theirs.event[i].netted);
		assert_int_equal(ours.event[i].energy, theirs.event[i].energy);
		assert_int_equal(ours.event[i].price, theirs.event[i].price);
		assert_int_equal(ours.event[i].resting_id, theirs.event[i].resting_id);
		assert_int_equal(ours.event[i].resting_tag, theirs.event[i].resting_tag);
		assert_int_equal(ours.event[i].resting_left, theirs.event[i].resting_left);
	}
}

static void
random_events(void **state)
{
	uint64_t	seed = 7;
	matching_book *book = book_of(CAPACITY, false);
	slow_book  *slow = calloc(1, sizeof(*slow));
	int64_t		trend = 0;
	uint64_t	full = 0;

	for (int n = 0; n < EVENTS; n++)
	{
		uint64_t	random = unit_random(&seed);
		matching_book_order in = {.order_id = (int64_t) (random % 1000),.energy = 1 + (int64_t) (random >> 10 & 15),
			.price = trend + (int64_t) (random >> 14 & 63) - 32,.actor = random >> 20 & 7 ? (uint32_t) (random >> 20 & 7) : MATCHING_NOBODY,
			.tag = (uint32_t) n,.side = random >> 23 & 1,.kind = random >> 24 & 7 ? 0 : 1 + (random >> 27 & 1),
		.any_price = (random >> 28 & 31) == 0};

		/* prices wander over the whole range, zero included */
		if (n % 1000 == 0)
			trend = (random >> 33 & 3) == 0 ? 0 : (int64_t) (random >> 40) - (1 << 23);
		/* most of the time few cancel, and the book fills up */
		if (random >> 60 > (n / 20000 % 2 ? 6 : 13))
		{
			int64_t		left = 0;
			int			at = 0;

			while (at < slow->count && slow->resting[at].order_id != in.order_id)
				at++;
			if (at == slow->count && slow->count > 0 && (random >> 30 & 1))
			{
				at = (int) (random >> 31) % slow->count;
				at = at < 0 ? -at : at;
				in.order_id = slow->resting[at].order_id;
			}
			assert_int_equal(matching_book_cancel(book, in.order_id, &left), at < slow->count ? MATCHING_OK : MATCHING_UNKNOWN_ID);
			if (at < slow->count)
			{
				assert_int_equal(left, slow->resting[at].energy);
				slow_remove(slow, at);
			}
		}
		else
			same_insert(book, slow, &in);
		assert_int_equal(matching_book_orders(book), slow->count);
		same_best(book, slow, MATCHING_BID);
		same_best(book, slow, MATCHING_ASK);
		full += slow->count == CAPACITY;
	}
	assert_true(full > 0);
	free(slow);
	free(book);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules),
		cmocka_unit_test(own_orders),
		cmocka_unit_test(refusals),
		cmocka_unit_test(random_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
