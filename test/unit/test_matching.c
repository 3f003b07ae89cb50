/*
 * test_matching.c: clearings small enough to be worked out by hand: each rule of
 * doc/matching.md, each refusal, and numbers at the ends of their range.
 */
#include "matching_made.h"

#define PAY_AS_CLEAR(how) {.method = MATCHING_PAY_AS_CLEAR,.policy = how,.own_trades = true}

static const matching_rule ask_side = PAY_AS_CLEAR(MATCHING_ASK_SIDE);
static const matching_rule bid_side = PAY_AS_CLEAR(MATCHING_BID_SIDE);
static const matching_rule midpoint = PAY_AS_CLEAR(MATCHING_MIDPOINT);

static void
expect_error(const made_book *book, const matching_rule *rule, matching_result wanted, uint32_t bad_order)
{
	matching_outcome out;
	void	   *memory;

	assert_int_equal(made_run(book, rule, &out, &memory), wanted);
	assert_int_equal(out.trades, 0);
	assert_int_equal(out.bad_order, bad_order);
	free(memory);
}

static void
expect_interval(const made_book *book, bool has_low, int64_t low, bool has_high, int64_t high)
{
	matching_rule rule = {.own_trades = true,.has_reference = true};
	matching_outcome out;
	void	   *memory;

	assert_int_equal(made_run(book, &rule, &out, &memory), MATCHING_OK);
	assert_int_equal(out.has_low, has_low);
	assert_int_equal(out.has_high, has_high);
	assert_true(!has_low || out.low == low);
	assert_true(!has_high || out.high == high);
	free(memory);
}

static void
clear_policies(void **state)
{
	made_book	book = {0};

	made_bid(&book, 1, 9);
	made_bid(&book, 3, 20);
	made_bid(&book, 4, 17);
	made_ask(&book, 1, 30);
	made_ask(&book, 4, 10);
	made_ask(&book, 3, 8);
	made_expect(&book, &ask_side, "2-6 3@10, 3-5 4@10");
	made_expect(&book, &bid_side, "2-6 3@17, 3-5 4@17");
	made_expect(&book, &midpoint, "2-6 3@13, 3-5 4@13");
	expect_interval(&book, true, 10, true, 17);
	/* a bid that gets only a part names the price */
	book.order[2].energy = 5;
	made_expect(&book, &ask_side, "2-6 3@17, 3-5 4@17");
	/* and so does an ask */
	book.order[2].energy = 3;
	made_expect(&book, &bid_side, "2-6 3@10, 3-5 3@10");
}

/* Not whole bid levels: what is traded is all that is worth it. */
static void
clear_optimum(void **state)
{
	made_book	book = {0};

	made_bid(&book, 10, 100000);
	made_bid(&book, 15, 200000);
	made_bid(&book, 20, 300000);
	made_ask(&book, 25, 100002);
	made_ask(&book, 30, 500000);
	made_ask(&book, 35, 240000);
	made_expect(&book, &ask_side, "3-4 20@200000, 2-4 5@200000");
	expect_interval(&book, true, 200000, true, 200000);
}

/* Two sellers at the price at which demand crosses: that price, not the next buyer's. */
static void
clear_marginal_sellers(void **state)
{
	made_book	book = {0};

	made_bid(&book, 10, 50);
	made_bid(&book, 10, 20);
	made_ask(&book, 8, 30);
	made_ask(&book, 8, 30);
	for (int p = MATCHING_ASK_SIDE; p <= MATCHING_MIDPOINT; p++)
	{
		matching_rule rule = PAY_AS_CLEAR(p);

		made_expect(&book, &rule, "1-3 8@30, 1-4 2@30");
	}
}

static void
clear_one_sided(void **state)
{
	made_book	book = {0};
	matching_outcome out;
	void	   *memory;
	matching_rule rule = {.has_reference = true,.reference = 5};

	made_expect(&book, &midpoint, "");
	made_bid(&book, 10, 50);
	made_expect(&book, &midpoint, "");
	made_ask(&book, 10, 51);
	assert_int_equal(made_run(&book, &rule, &out, &memory), MATCHING_OK);
	assert_int_equal(out.volume, 0);
	assert_false(out.has_price || out.has_low || out.has_high);
	free(memory);
}

static void
clear_negative(void **state)
{
	made_book	book = {0};

	made_bid(&book, 5, -10);
	made_ask(&book, 5, -21);
	made_expect(&book, &ask_side, "1-2 5@-21");
	made_expect(&book, &bid_side, "1-2 5@-10");
	made_expect(&book, &midpoint, "1-2 5@-16");		/* -15.5, down */
	book.order[0].price = INT64_MAX;
	book.order[1].price = INT64_MIN;
	made_expect(&book, &midpoint, "1-2 5@-1");
	book.order[1].price = 0;
	made_expect(&book, &midpoint, "1-2 5@4611686018427387903");
}

/* At any price: first in line, and never the one who names the price. */
static void
clear_any_price(void **state)
{
	made_book	book = {0};
	matching_rule reference = {.own_trades = true,.has_reference = true,.reference = 40};

	made_bid(&book, 6, 90);
	made_bid(&book, 4, 0)->any_price = true;
	made_bid(&book, 5, 20);
	made_ask(&book, 12, 30);
	made_expect(&book, &bid_side, "2-4 4@30, 1-4 6@30");
	/* exactly all of it: the interval has no high end */
	book.orders = 0;
	made_bid(&book, 10, 0)->any_price = true;
	made_ask(&book, 10, 30);
	expect_interval(&book, true, 30, false, 0);
	made_expect(&book, &bid_side, "1-2 10@30");
	made_expect(&book, &reference, "1-2 10@40");
	reference.reference = 20;
	made_expect(&book, &reference, "1-2 10@30");
	/* more demand at any price than there is: only a reference knows */
	book.order[0].energy = 11;
	expect_error(&book, &bid_side, MATCHING_NO_PRICE, 0);
	made_expect(&book, &reference, "1-2 10@30");
	reference.reference = 40;
	made_expect(&book, &reference, "1-2 10@40");
	/* and the same of supply */
	book.orders = 0;
	made_bid(&book, 10, 30);
	made_ask(&book, 10, 0)->any_price = true;
	made_expect(&book, &ask_side, "1-2 10@30");
	made_expect(&book, &reference, "1-2 10@30");
	book.order[1].energy = 11;
	expect_error(&book, &ask_side, MATCHING_NO_PRICE, 0);
	made_expect(&book, &reference, "1-2 10@30");
	reference.reference = -5;
	made_expect(&book, &reference, "1-2 10@-5");
	/* on both sides */
	book.order[0].any_price = true;
	expect_error(&book, &ask_side, MATCHING_NO_PRICE, 0);
	made_expect(&book, &reference, "1-2 10@-5");
}

static void
ties(void **state)
{
	made_book	book = {0};

	made_bid(&book, 5, 10)->arrival = 7;
	made_bid(&book, 5, 10)->arrival = 7;
	made_bid(&book, 5, 10)->arrival = INT64_MIN;
	book.order[0].order_id = 20;
	book.order[1].order_id = -20;
	made_ask(&book, 12, 10);
	made_expect(&book, &ask_side, "3-4 5@10, -20-4 5@10, 20-4 2@10");
}

/* Own crossing orders, the best first, before all others. */
static void
own_orders(void **state)
{
	made_book	book = {0};
	matching_rule net = {0};
	matching_outcome out;
	void	   *memory;

	made_bid(&book, 10, 30)->actor = 1;
	made_bid(&book, 10, 20)->actor = 1;
	made_bid(&book, 10, 10)->actor = 1;
	made_ask(&book, 4, 5)->actor = 1;
	made_ask(&book, 11, 20)->actor = 1;
	made_ask(&book, 50, 15)->actor = 2;
	assert_int_equal(made_run(&book, &net, &out, &memory), MATCHING_OK);
	assert_int_equal(out.netted_volume, 15);
	assert_int_equal(out.netted[0], 10);
	assert_int_equal(out.netted[1], 5);
	assert_int_equal(out.netted[2], 0);
	assert_int_equal(out.netted[3], 4);
	assert_int_equal(out.netted[4], 11);
	assert_string_equal(made_trades(&book, &out), "2-6 5@15");
	free(memory);
	net.own_trades = true;
	made_expect(&book, &net, "1-4 4@15, 1-6 6@15, 2-6 10@15");
	/* of nobody known: never one's own */
	book.orders = 0;
	net.own_trades = false;
	made_bid(&book, 10, 30);
	made_ask(&book, 10, 30);
	made_expect(&book, &net, "1-2 10@30");
}

static void
pay_as_bid(void **state)
{
	made_book	book = {0};
	matching_rule merit = {.method = MATCHING_PAY_AS_BID};
	matching_rule gsy = {.method = MATCHING_PAY_AS_BID,.sequence = MATCHING_GSY};

	made_bid(&book, 20, 30)->actor = 1;
	made_bid(&book, 20, 30)->actor = 2;
	made_bid(&book, 5, 12)->actor = 3;
	made_ask(&book, 10, 10)->actor = 4;
	made_ask(&book, 10, 40)->actor = 5;
	made_ask(&book, 30, 20)->actor = 6;
	made_expect(&book, &merit, "1-4 10@30, 1-6 10@30, 2-6 20@30");
	made_expect(&book, &gsy, "2-6 20@30, 1-6 10@30, 1-4 10@30");
	/* no limit of the bid: the ask's; none at all: the reference */
	book.orders = 0;
	made_bid(&book, 20, 0)->any_price = true;
	made_ask(&book, 5, 0)->any_price = true;
	made_ask(&book, 5, -7);
	expect_error(&book, &merit, MATCHING_NO_PRICE, 0);
	merit.has_reference = true;
	merit.reference = 11;
	made_expect(&book, &merit, "1-2 5@11, 1-3 5@-7");
}

/* Partners by name, at their own price, and what is left goes on. */
static void
partners(void **state)
{
	made_book	book = {0};
	matching_rule rule = {.first = MATCHING_FIRST_PREFERENCE,.policy = MATCHING_MIDPOINT};
	matching_order *order;

	order = made_bid(&book, 10, 20);
	order->actor = 1;
	order->partner = 2;
	order->partner_price = 15;
	order->has_partner_price = true;
	order = made_ask(&book, 12, 10);
	order->actor = 2;
	order->partner_price = 15;
	order->has_partner_price = true;
	made_bid(&book, 5, 25)->actor = 3;
	made_expect(&book, &rule, "1-2 10@15, 3-2 2@25");
	/* a contract needs both names */
	rule.first = MATCHING_FIRST_PEER_FIXED;
	made_expect(&book, &rule, "3-2 5@20, 1-2 7@20");
	book.order[1].partner = 1;
	made_expect(&book, &rule, "1-2 10@15, 3-2 2@25");
	/* whoever names another is nobody else's partner */
	rule.first = MATCHING_FIRST_PREFERENCE;
	book.order[1].partner = 4;
	made_expect(&book, &rule, "3-2 5@20, 1-2 7@20");
	/* one price only; without one for partners, the limit */
	book.order[1].partner = 1;
	book.order[1].partner_price = 14;
	made_expect(&book, &rule, "3-2 5@20, 1-2 7@20");
	book.order[1].has_partner_price = false;
	book.order[1].price = 15;
	made_expect(&book, &rule, "1-2 10@15, 3-2 2@25");
	/* the seller's name is enough, before a higher bid */
	book.order[0].partner = MATCHING_NOBODY;
	made_expect(&book, &rule, "1-2 10@15, 3-2 2@25");
	/* at any price is no price */
	book.order[1].any_price = true;
	made_expect(&book, &rule, "3-2 5@20, 1-2 7@20");
	book.order[0].partner = 1;
	expect_error(&book, &rule, MATCHING_OWN_PARTNER, 0);
}

static void
proportional(void **state)
{
	made_book	book = {0};
	matching_rule rule = {.method = MATCHING_PROPORTIONAL,.has_reference = true,.reference = 15};

	made_bid(&book, 10, 20)->arrival = 9;
	made_bid(&book, 10, 20);
	made_bid(&book, 10, 0)->any_price = true;
	made_bid(&book, 10, 14);
	made_ask(&book, 10, 15);
	made_ask(&book, 10, 10);
	made_ask(&book, 10, 16);
	/* 20 of 30: 6 and two thirds each; the rest to the lowest ids */
	made_expect(&book, &rule, "3-6 6@15, 2-6 4@15, 2-5 3@15, 1-5 7@15");
	rule.has_reference = false;
	expect_error(&book, &rule, MATCHING_NO_PRICE, 0);
}

static void
continuous(void **state)
{
	made_book	book = {0};
	matching_rule rule = {.method = MATCHING_CONTINUOUS};

	made_bid(&book, 10, 30);
	made_ask(&book, 4, 20);
	made_ask(&book, 10, 25);
	made_bid(&book, 9, 40);
	made_bid(&book, 7, 0)->any_price = true;
	made_ask(&book, 3, 0)->any_price = true;
	made_expect(&book, &rule, "1-2 4@30, 1-3 6@30, 4-3 4@25, 4-6 3@40");
	/* own ones are netted as they meet */
	book.order[0].actor = book.order[1].actor = 7;
	made_expect(&book, &rule, "1-3 6@30, 4-3 4@25, 4-6 3@40");
	rule.own_trades = true;
	made_expect(&book, &rule, "1-2 4@30, 1-3 6@30, 4-3 4@25, 4-6 3@40");
}

static void
refusals(void **state)
{
	made_book	book = {0};
	matching_rule rule = {0};
	matching_outcome out;

	made_bid(&book, INT64_MAX - 1, 1);
	made_bid(&book, 1, 1);
	made_ask(&book, INT64_MAX, 1);
	made_expect(&book, &rule, "1-3 9223372036854775806@1, 2-3 1@1");
	book.order[1].energy = 2;
	expect_error(&book, &rule, MATCHING_ENERGY_OVERFLOW, 1);
	book.order[1].energy = 0;
	expect_error(&book, &rule, MATCHING_BAD_ENERGY, 1);
	book.order[1].energy = -1;
	expect_error(&book, &rule, MATCHING_BAD_ENERGY, 1);
	book.order[1].energy = 1;
	book.order[2].side = 2;
	expect_error(&book, &rule, MATCHING_BAD_SIDE, 2);
	book.order[2].side = MATCHING_ASK;
	book.order[2].order_id = 1;
	expect_error(&book, &rule, MATCHING_DUPLICATE_ID, 2);
	assert_int_equal(matching_run(book.order, (size_t) MATCHING_ORDERS_MAX + 1, &rule, NULL, &out), MATCHING_TOO_MANY_ORDERS);
}

static void
bad_rules(void **state)
{
	static const matching_rule bad[] = {
		{.method = MATCHING_PROPORTIONAL + 1},
		{.policy = MATCHING_MIDPOINT + 1},
		{.sequence = MATCHING_GSY},
		{.method = MATCHING_PAY_AS_BID,.sequence = MATCHING_GSY + 1},
		{.method = MATCHING_PAY_AS_BID,.policy = MATCHING_MIDPOINT},
		{.first = MATCHING_FIRST_PREFERENCE + 1},
		{.method = MATCHING_CONTINUOUS,.first = MATCHING_FIRST_PEER_FIXED},
		{.method = MATCHING_CONTINUOUS,.has_reference = true},
		{.method = MATCHING_PROPORTIONAL,.policy = MATCHING_BID_SIDE},
	};
	made_book	book = {0};

	made_bid(&book, 1, 1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		expect_error(&book, &bad[i], MATCHING_BAD_RULE, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clear_policies),
		cmocka_unit_test(clear_optimum),
		cmocka_unit_test(clear_marginal_sellers),
		cmocka_unit_test(clear_one_sided),
		cmocka_unit_test(clear_negative),
		cmocka_unit_test(clear_any_price),
		cmocka_unit_test(ties),
		cmocka_unit_test(own_orders),
		cmocka_unit_test(pay_as_bid),
		cmocka_unit_test(partners),
		cmocka_unit_test(proportional),
		cmocka_unit_test(continuous),
		cmocka_unit_test(refusals),
		cmocka_unit_test(bad_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
