/*
 * test_coupling_check.c: results that were tampered with, and results of which every sum
 * is right and that are none all the same.
 */
#include "coupling_case.h"

static coupling_case c;

/* Any number of a result changed is found. */
static void
tampered(void **state)
{
	coupling_case kept;

	case_begin(&c, 3);
	c.zone[1].fee_micro_per_kwh = 2;
	case_ask(&c, 0, 10, 100);
	case_ask(&c, 1, 45, 100);
	case_bid(&c, 1, 50, 80);
	case_bid(&c, 2, 50, 80);
	case_line(&c, 0, 1, 30, 30, 2);
	case_line(&c, 1, 2, 30, 30, 3);
	case_line(&c, 2, 0, 40, 40, 4);
	c.problem.price_rule = COUPLING_PRICE_MIDPOINT;
	case_solve(&c);
	kept = c;
#define FOUND(field, change, fault) \
	do { \
		(field) += (change); \
		assert_int_equal(coupling_check(&c.problem, c.zone_result, c.line_result, &c.total), fault); \
		c = kept; \
	} while (0)
	FOUND(c.line_result[0].flow_wh, 1, COUPLING_FAULT_LINE);
	FOUND(c.line_result[0].flow_wh, INT64_MAX - 100, COUPLING_FAULT_LINE);
	FOUND(c.line_result[2].flow_wh, -1000, COUPLING_FAULT_LINE);
	FOUND(c.line_result[0].flow_wh, -1, COUPLING_FAULT_SLACK);
	FOUND(c.zone_result[0].sold_wh, 1, COUPLING_FAULT_BALANCE);
	FOUND(c.zone_result[1].bought_wh, -1, COUPLING_FAULT_BALANCE);
	FOUND(c.zone_result[1].forwarded_wh, 1, COUPLING_FAULT_BALANCE);
	FOUND(c.zone_result[1].seller_price_micro_per_kwh, 1, COUPLING_FAULT_PRICE);
	FOUND(c.zone_result[1].buyer_price_micro_per_kwh, 1, COUPLING_FAULT_PRICE);
	FOUND(c.zone_result[1].has_price, -1, COUPLING_FAULT_PRICE);
	FOUND(c.zone_result[1].low_micro_per_kwh, INT64_MAX - 1000, COUPLING_FAULT_PRICE);
	FOUND(c.zone_result[1].fee_nano, 1, COUPLING_FAULT_MONEY);
	FOUND(c.line_result[1].fee_nano, 1, COUPLING_FAULT_MONEY);
	FOUND(c.line_result[0].rent_nano, 1, COUPLING_FAULT_MONEY);
	FOUND(c.total.sold_wh, 1, COUPLING_FAULT_MONEY);
	FOUND(c.total.welfare_nano, 1, COUPLING_FAULT_MONEY);
	FOUND(c.total.buyers_pay_nano, 1, COUPLING_FAULT_MONEY);
	FOUND(c.total.sellers_get_nano, 1, COUPLING_FAULT_MONEY);
	FOUND(c.total.fee_nano, 1, COUPLING_FAULT_MONEY);
	FOUND(c.total.rent_nano, 1, COUPLING_FAULT_MONEY);
#undef FOUND
	/* a Wh sold and bought in zone 1 left out: all sums are right, and it would have gained */
	c.zone_result[1].sold_wh--;
	c.zone_result[1].bought_wh--;
	assert_int_equal(coupling_check(&c.problem, c.zone_result, c.line_result, &c.total), COUPLING_FAULT_DEMAND);
}

static coupling_fault
fault(void)
{
	return coupling_check(&c.problem, c.zone_result, c.line_result, &c.total);
}

static void
set_prices(int zone, int64_t price)
{
	c.zone_result[zone].low_micro_per_kwh = price;
	c.zone_result[zone].high_micro_per_kwh = price;
	c.zone_result[zone].seller_price_micro_per_kwh = price;
	c.zone_result[zone].buyer_price_micro_per_kwh = price;
}

/* Results of which every sum is right, and only the prices tell that they are none. */
static void
wrong_and_consistent(void **state)
{
	case_begin(&c, 1);
	case_ask(&c, 0, 10, 100);
	case_bid(&c, 0, 51, 100);
	case_solve(&c);
	c.zone_result[0].low_micro_per_kwh = 51;
	c.zone_result[0].high_micro_per_kwh = 10;
	c.zone_result[0].seller_price_micro_per_kwh = 51;
	c.zone_result[0].buyer_price_micro_per_kwh = 51;
	assert_int_equal(fault(), COUPLING_FAULT_PRICE);
	set_prices(0, 9);
	assert_int_equal(fault(), COUPLING_FAULT_SUPPLY);
	set_prices(0, 52);
	assert_int_equal(fault(), COUPLING_FAULT_DEMAND);
	set_prices(0, 30);
	c.zone_result[0].sold_wh = c.zone_result[0].bought_wh = 99;
	assert_int_equal(fault(), COUPLING_FAULT_SUPPLY);

	/* energy that zone 1 has itself, carried there for a fee */
	case_begin(&c, 2);
	case_ask(&c, 0, 10, 100);
	case_bid(&c, 0, 10, 10);
	case_ask(&c, 1, 10, 100);
	case_bid(&c, 1, 51, 60);
	case_line(&c, 0, 1, 50, 50, 2);
	case_solve(&c);
	assert_int_equal(c.line_result[0].flow_wh, 0);
	c.line_result[0].flow_wh = 5;
	c.zone_result[0].sold_wh += 5;
	c.zone_result[0].forwarded_wh = 5;
	c.zone_result[1].sold_wh -= 5;
	assert_int_equal(fault(), COUPLING_FAULT_SLACK);

	/* an end of an interval that the line does not allow */
	case_begin(&c, 2);
	case_ask(&c, 0, 10, 100);
	case_bid(&c, 0, 51, 100);
	case_line(&c, 0, 1, 50, 50, 2);
	case_solve(&c);
	case_interval(&c, 1, 8, 53);
	c.zone_result[1].high_micro_per_kwh++;
	assert_int_equal(fault(), COUPLING_FAULT_SLACK);
	c.zone_result[1].high_micro_per_kwh--;
	c.zone_result[1].low_micro_per_kwh--;
	assert_int_equal(fault(), COUPLING_FAULT_SLACK);

	/* one line's rent booked on the other */
	case_begin(&c, 2);
	case_ask(&c, 0, 10, 100);
	case_bid(&c, 1, 51, 100);
	case_line(&c, 0, 1, 20, 20, 0);
	case_line(&c, 0, 1, 30, 30, 0);
	case_solve(&c);
	c.line_result[0].rent_nano++;
	c.line_result[1].rent_nano--;
	assert_int_equal(fault(), COUPLING_FAULT_MONEY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tampered),
		cmocka_unit_test(wrong_and_consistent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
