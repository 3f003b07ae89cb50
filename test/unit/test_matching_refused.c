/*
 * test_matching_refused.c: zones and conditions that are refused, each with the order or the
 * condition that it is about.
 */
#include "matching_zone_made.h"

static void
expect(const zone_book *b, matching_result wanted, uint32_t order, uint32_t condition)
{
	matching_outcome out;
	void	   *memory;

	assert_int_equal(run_book(b, &out, &memory), wanted);
	assert_int_equal(out.bad_order, order);
	assert_int_equal(out.bad_condition, condition);
	assert_int_equal(out.trades, 0);
	free(memory);
}

/* Two zones, a bid and an ask that would trade, and a condition of the ask. */
static void
good_book(zone_book *b)
{
	memset(b, 0, sizeof(*b));
	b->zone[0] = (fee_zone) {.id = 0,.parent = -1,.fee = 1};
	b->zone[1] = (fee_zone) {.id = 1,.parent = 0,.fee = 2};
	b->zones = (matching_zones) {.zone = b->zone,.zones = 2,.line = b->line,.price_min = -100,.price_max = 100};
	made_bid(&b->book, 5, 20);
	made_ask(&b->book, 5, 10)->zone = 1;
	b->condition[0] = (matching_condition) {.order = 1,.partner = MATCHING_NOBODY,.source = MATCHING_NOBODY,.zone = 0};
	b->condition[1] = b->condition[0];
	b->rule = (matching_rule) {.method = MATCHING_PAY_AS_BID,.zones = &b->zones,.condition = b->condition,.conditions = 1};
}

static void
refused_orders(void **state)
{
	zone_book	b;
	matching_outcome out;
	void	   *memory;

	good_book(&b);
	assert_int_equal(run_book(&b, &out, &memory), MATCHING_OK);
	assert_int_equal(out.trades, 1);
	assert_int_equal(out.condition_trades, 1);
	assert_int_equal(out.trade[0].price, 17);
	assert_true(out.zone_sum[0].fee == 5 && out.zone_sum[1].fee == 10);
	free(memory);

	b.book.order[1].zone = 2;
	expect(&b, MATCHING_BAD_ZONE, 1, MATCHING_NOBODY);
	good_book(&b);
	b.book.order[1].price = -101;
	expect(&b, MATCHING_PRICE_RANGE, 1, MATCHING_NOBODY);
	good_book(&b);
	b.book.order[1].has_partner_price = true;
	b.book.order[1].partner_price = 101;
	expect(&b, MATCHING_PRICE_RANGE, 1, MATCHING_NOBODY);
	good_book(&b);
	b.condition[0].zone = 2;
	expect(&b, MATCHING_BAD_ZONE, 1, 0);
	good_book(&b);
	b.condition[0].has_price = true;
	b.condition[0].price = 101;
	expect(&b, MATCHING_PRICE_RANGE, 1, 0);
	good_book(&b);
	b.condition[0].has_energy = true;
	expect(&b, MATCHING_BAD_CONDITION, 1, 0);
	good_book(&b);
	b.condition[0].order = 2;
	expect(&b, MATCHING_BAD_CONDITION, 2, 0);
	good_book(&b);
	b.condition[1].order = 0;
	b.rule.conditions = 2;
	expect(&b, MATCHING_BAD_CONDITION, 0, 1);
	good_book(&b);
	b.condition[0].zone = b.condition[1].zone = MATCHING_NOBODY;
	b.rule.conditions = 2;
	expect(&b, MATCHING_TWO_OPEN, 1, 1);
	good_book(&b);
	b.book.order[1].actor = b.condition[0].partner = 3;
	expect(&b, MATCHING_OWN_PARTNER, 1, 0);
	good_book(&b);
	b.rule.conditions = MATCHING_CONDITIONS_EACH_MAX + 1;
	for (uint32_t c = 1; c < b.rule.conditions; c++)
		b.condition[c] = b.condition[0];
	expect(&b, MATCHING_TOO_MANY_CONDITIONS, 1, MATCHING_CONDITIONS_EACH_MAX);
	good_book(&b);
	b.rule.method = MATCHING_PAY_AS_CLEAR;
	b.rule.conditions = 0;
	b.book.order[0].energy = b.book.order[1].energy = COUPLING_ENERGY_MAX;
	expect(&b, MATCHING_ZONES_ENERGY, 0, MATCHING_NOBODY);
}

static void
refused_rules(void **state)
{
	zone_book	b;

	good_book(&b);
	b.rule.sequence = MATCHING_GSY;
	expect(&b, MATCHING_BAD_RULE, 0, MATCHING_NOBODY);
	b.rule.zones = NULL;
	expect(&b, MATCHING_BAD_RULE, 0, MATCHING_NOBODY);
	good_book(&b);
	b.zones.has_lines = true;
	expect(&b, MATCHING_BAD_RULE, 0, MATCHING_NOBODY);
	good_book(&b);
	b.zones.price_max = MATCHING_ZONES_PRICE_MAX + 1;
	expect(&b, MATCHING_BAD_RULE, 0, MATCHING_NOBODY);
	good_book(&b);
	b.rule.has_reference = true;
	b.rule.reference = 101;
	expect(&b, MATCHING_BAD_RULE, 0, MATCHING_NOBODY);
	b.rule.reference = 5;
	b.rule.method = MATCHING_PAY_AS_CLEAR;
	expect(&b, MATCHING_BAD_RULE, 0, MATCHING_NOBODY);
	b.rule.method = MATCHING_PROPORTIONAL;
	expect(&b, MATCHING_BAD_RULE, 0, MATCHING_NOBODY);
	good_book(&b);
	b.rule.zones = NULL;
	b.rule.method = MATCHING_CONTINUOUS;
	expect(&b, MATCHING_BAD_RULE, 0, MATCHING_NOBODY);
	b.rule.zones = &b.zones;
	b.rule.conditions = 0;
	expect(&b, MATCHING_BAD_RULE, 0, MATCHING_NOBODY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused_orders),
		cmocka_unit_test(refused_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
