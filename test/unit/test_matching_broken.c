/*
 * test_matching_broken.c: whether a matching that went wrong is noticed before its trades
 * are given out.
 *
 * No orders are known for which it does go wrong.  So matching.c is compiled here once more
 * with the methods' outcome changed before the sums are made: one trade by a single Wh or
 * micro-unit, or an order's netted energy.
 */
#include "matching_zone_made.h"

#include "core/matching_parts.h"

static matching_result spoiled_auction(matching_run_state *run);
static matching_result spoiled_one_by_one(matching_run_state *run);
static matching_result spoiled_zones_by_bid(matching_run_state *run);
static matching_result spoiled_zones_coupled(matching_run_state *run);

extern matching_result spoiled_run(const matching_order *order, size_t orders, const matching_rule *rule, void *memory, matching_outcome *out);
extern size_t spoiled_memory_size(size_t orders, const matching_rule *rule);
extern void spoiled_by_priority(matching_run_state *run);

#define matching_run spoiled_run
#define matching_memory_size spoiled_memory_size
#define matching_by_priority spoiled_by_priority
#define matching_auction spoiled_auction
#define matching_one_by_one spoiled_one_by_one
#define matching_zones_by_bid spoiled_zones_by_bid
#define matching_zones_coupled spoiled_zones_coupled
#include "../../src/core/matching.c"
#undef matching_run
#undef matching_memory_size
#undef matching_by_priority
#undef matching_auction
#undef matching_one_by_one
#undef matching_zones_by_bid
#undef matching_zones_coupled

typedef enum spoil
{
	SPOIL_NOTHING,
	SPOIL_MORE,					/* a Wh more than its orders have */
	SPOIL_NO_ENERGY,
	SPOIL_TWICE,				/* the same trade once more */
	SPOIL_DEAR,					/* beyond the bid's limit */
	SPOIL_CHEAP,				/* below the ask's */
	SPOIL_MONEY,				/* the buyer pays what nobody gets */
	SPOIL_SIDES,				/* the bid sells */
	SPOIL_NETTED,				/* on one side only */
	SPOIL_ELSEWHERE				/* energy of another zone than was computed */
} spoil;

static spoil spoiling;

/* The last trade, of the orders that made_books() has. */
static void
spoil_run(matching_run_state *run)
{
	matching_trade *trade = &run->trade[run->out->trades - 1];
	uint32_t	bid = trade->bid;

	switch (spoiling)
	{
		case SPOIL_NOTHING:
			break;
		case SPOIL_MORE:
			trade->energy++;
			break;
		case SPOIL_NO_ENERGY:
			trade->energy = 0;
			break;
		case SPOIL_TWICE:
			run->trade[run->out->trades++] = *trade;
			break;
		case SPOIL_DEAR:
			trade->price = trade->buyer_price = run->order[bid].price + 1;
			break;
		case SPOIL_CHEAP:
			trade->price = trade->buyer_price = run->order[trade->ask].price - 1;
			break;
		case SPOIL_MONEY:
			trade->buyer_price++;
			break;
		case SPOIL_SIDES:
			trade->bid = trade->ask;
			trade->ask = bid;
			break;
		case SPOIL_NETTED:
			run->netted[3]++;
			break;
		case SPOIL_ELSEWHERE:
			trade->ask = 2;
			break;
	}
}

static matching_result
spoiled_auction(matching_run_state *run)
{
	matching_result result = matching_auction(run);

	spoil_run(run);
	return result;
}

static matching_result
spoiled_one_by_one(matching_run_state *run)
{
	matching_result result = matching_one_by_one(run);

	spoil_run(run);
	return result;
}

static matching_result
spoiled_zones_by_bid(matching_run_state *run)
{
	matching_result result = matching_zones_by_bid(run);

	spoil_run(run);
	return result;
}

static matching_result
spoiled_zones_coupled(matching_run_state *run)
{
	matching_result result = matching_zones_coupled(run);

	spoil_run(run);
	return result;
}

/*
 * A bid that is served in full, by the first ask.  The third order is a dearer ask that would
 * do as well, the fourth one that crosses nothing.
 */
static void
made_order_book(zone_book *b)
{
	memset(b, 0, sizeof(*b));
	made_bid(&b->book, 10, 100)->actor = 1;
	made_ask(&b->book, 10, 40)->actor = 2;
	made_ask(&b->book, 10, 50)->actor = 3;
	made_ask(&b->book, 20, 101)->actor = 4;
}

static void
made_zones(zone_book *b)
{
	b->zone[0] = (fee_zone) {.id = 0,.parent = -1,.fee = 5};
	b->zone[1] = (fee_zone) {.id = 1,.parent = 0,.fee = 5};
	b->zones = (matching_zones) {.zone = b->zone,.zones = 2,.price_min = -1000,.price_max = 1000};
	b->rule.zones = &b->zones;
	for (size_t i = 1; i < b->book.orders; i++)
		b->book.order[i].zone = i == 1;
}

static void
expect(const zone_book *b, spoil how, matching_result wanted)
{
	void	   *memory = malloc(spoiled_memory_size(b->book.orders, &b->rule));
	matching_outcome out;

	assert_non_null(memory);
	spoiling = how;
	assert_int_equal(spoiled_run(b->book.order, b->book.orders, &b->rule, memory, &out), wanted);
	assert_int_equal(out.trades, wanted == MATCHING_OK ? 1 : 0);
	free(memory);
}

static void
broken_in_one_zone(void **state)
{
	const matching_method method[] = {MATCHING_PAY_AS_CLEAR, MATCHING_PAY_AS_BID, MATCHING_CONTINUOUS};
	zone_book	b;

	for (size_t m = 0; m < sizeof(method) / sizeof(*method); m++)
	{
		made_order_book(&b);
		b.rule.method = method[m];
		expect(&b, SPOIL_NOTHING, MATCHING_OK);
		for (spoil how = SPOIL_MORE; how <= SPOIL_NETTED; how++)
			expect(&b, how, MATCHING_BROKEN);
	}
}

static void
broken_in_zones(void **state)
{
	const matching_method method[] = {MATCHING_PAY_AS_CLEAR, MATCHING_PAY_AS_BID};
	zone_book	b;

	for (size_t m = 0; m < sizeof(method) / sizeof(*method); m++)
	{
		made_order_book(&b);
		made_zones(&b);
		b.rule.method = method[m];
		expect(&b, SPOIL_NOTHING, MATCHING_OK);
		for (spoil how = SPOIL_MORE; how <= SPOIL_ELSEWHERE; how++)
			expect(&b, how, MATCHING_BROKEN);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(broken_in_one_zone),
		cmocka_unit_test(broken_in_zones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
