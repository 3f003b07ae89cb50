/*
 * test_zone_fees.c: fees along a trade's way: published examples, the rounding rule,
 * and sums that are exact.
 */
#include "unit.h"

#include "core/zone_fees.h"

enum
{
	GRID, N1, N2, HOUSE1, HOUSE2, ZONES
};

/* House1 in N1, House2 in N2, both in the Grid; fees of the houses are none. */
static void
make_tree(fee_zone zone[ZONES], zone_fee_kind kind, int64_t grid, int64_t n1, int64_t n2)
{
	const int	parent[ZONES] = {-1, GRID, GRID, N1, N2};
	const int64_t fee[ZONES] = {grid, n1, n2, 0, 0};

	for (int i = 0; i < ZONES; i++)
		zone[i] = (fee_zone) {i + 1, parent[i], kind, fee[i]};
	assert_int_equal(zone_fees_check(zone, ZONES), ZONE_FEES_OK);
}

/* ---- paths ---- */

static void
assert_path(const fee_zone *zone, int from, int to, const int *expected, int count, int top)
{
	zone_fees_path path;

	assert_int_equal(zone_fees_find_path(zone, from, to, &path), ZONE_FEES_OK);
	assert_int_equal(path.count, count);
	assert_int_equal(path.top, top);
	for (int i = 0; i < count; i++)
		assert_int_equal(path.zone[i], expected[i]);
}

static void
paths(void **state)
{
	fee_zone	zone[ZONES];

	make_tree(zone, ZONE_FEE_CONSTANT, 1, 1, 1);
	assert_path(zone, HOUSE2, HOUSE1, (const int[]) {HOUSE2, N2, GRID, N1, HOUSE1}, 5, 2);
	assert_path(zone, HOUSE1, N1, (const int[]) {HOUSE1, N1}, 2, 1);
	assert_path(zone, N1, HOUSE1, (const int[]) {N1, HOUSE1}, 2, 0);
	assert_path(zone, GRID, GRID, (const int[]) {GRID}, 1, 0);
	assert_path(zone, N1, N2, (const int[]) {N1, GRID, N2}, 3, 1);
}

static void
bad_trees(void **state)
{
	fee_zone	zone[ZONE_FEES_DEPTH_MAX + 1];
	fee_zone	two[2] = {{1, -1, ZONE_FEE_CONSTANT, 5}, {2, -1, ZONE_FEE_CONSTANT, 5}};
	zone_fees_path path;

	assert_int_equal(zone_fees_check(two, 2), ZONE_FEES_OK);
	assert_int_equal(zone_fees_find_path(two, 0, 1, &path), ZONE_FEES_NO_PATH);
	two[1].parent = 2;
	assert_int_equal(zone_fees_check(two, 2), ZONE_FEES_BAD_PARENT);
	two[1].parent = -2;
	assert_int_equal(zone_fees_check(two, 2), ZONE_FEES_BAD_PARENT);
	two[1].parent = 1;
	assert_int_equal(zone_fees_check(two, 2), ZONE_FEES_TOO_DEEP);
	two[1].parent = 0;
	two[0].parent = 1;
	assert_int_equal(zone_fees_check(two, 2), ZONE_FEES_TOO_DEEP);
	two[0].parent = -1;
	two[1].fee = -1;
	assert_int_equal(zone_fees_check(two, 2), ZONE_FEES_BAD_FEE);
	two[1].fee = ZONE_FEES_CONSTANT_MAX;
	assert_int_equal(zone_fees_check(two, 2), ZONE_FEES_OK);
	two[1].kind = ZONE_FEE_PARTS;
	assert_int_equal(zone_fees_check(two, 2), ZONE_FEES_BAD_FEE);
	two[1].fee = ZONE_FEES_PARTS_MAX;
	assert_int_equal(zone_fees_check(two, 2), ZONE_FEES_OK);

	/* as deep as can be, and one deeper; the longest path is of the deepest */
	for (int i = 0; i <= ZONE_FEES_DEPTH_MAX; i++)
		zone[i] = (fee_zone) {i, i - 1, ZONE_FEE_CONSTANT, 1};
	assert_int_equal(zone_fees_check(zone, ZONE_FEES_DEPTH_MAX), ZONE_FEES_OK);
	assert_int_equal(zone_fees_find_path(zone, ZONE_FEES_DEPTH_MAX - 1, 0, &path), ZONE_FEES_OK);
	assert_int_equal(path.count, ZONE_FEES_DEPTH_MAX);
	assert_int_equal(zone_fees_check(zone, ZONE_FEES_DEPTH_MAX + 1), ZONE_FEES_TOO_DEEP);
}

static void
prices_out_of_range(void **state)
{
	fee_zone	zone[ZONES];
	zone_fees_path path;
	zone_fees_split split;
	int64_t		price;
	const int64_t far[] = {ZONE_FEES_PRICE_MAX + 1, -ZONE_FEES_PRICE_MAX - 1, INT64_MAX, INT64_MIN};

	make_tree(zone, ZONE_FEE_PARTS, ZONE_FEES_PARTS_MAX, ZONE_FEES_PARTS_MAX, ZONE_FEES_PARTS_MAX);
	assert_int_equal(zone_fees_find_path(zone, N1, N2, &path), ZONE_FEES_OK);
	for (size_t i = 0; i < sizeof(far) / sizeof(far[0]); i++)
	{
		assert_int_equal(zone_fees_from_seller(zone, &path, far[i], &split), ZONE_FEES_PRICE_RANGE);
		assert_int_equal(zone_fees_from_buyer(zone, &path, far[i], &split), ZONE_FEES_PRICE_RANGE);
		assert_int_equal(zone_fees_forward_ask(zone, &path, 0, far[i], &price), ZONE_FEES_PRICE_RANGE);
		assert_int_equal(zone_fees_forward_bid(zone, &path, 0, far[i], &price), ZONE_FEES_PRICE_RANGE);
	}
	assert_int_equal(zone_fees_from_seller(zone, &path, ZONE_FEES_PRICE_MAX, &split), ZONE_FEES_OK);
	assert_int_equal(split.buyer_price_micro_per_kwh, 4 * ZONE_FEES_PRICE_MAX);
}

/* ---- rounding ---- */

static int64_t
sum_of_fees(const zone_fees_path *path, const zone_fees_split *split)
{
	int64_t		sum = 0;

	for (int i = 0; i < path->count; i++)
	{
		assert_true(split->fee_micro_per_kwh[i] >= 0);
		sum += split->fee_micro_per_kwh[i];
	}
	return sum;
}

/* 10 * 25 % is 2.5: rounded up to 3, one for each and the third to the lowest id. */
static void
remainders(void **state)
{
	fee_zone	zone[ZONES];
	zone_fees_path path;
	zone_fees_split split;

	make_tree(zone, ZONE_FEE_PARTS, 100000, 50000, 100000);
	assert_int_equal(zone_fees_find_path(zone, N2, N1, &path), ZONE_FEES_OK);
	assert_int_equal(zone_fees_from_seller(zone, &path, 10, &split), ZONE_FEES_OK);
	assert_int_equal(split.buyer_price_micro_per_kwh, 13);
	/* 3 by 2:2:1 is 1.2, 1.2, 0.6: the largest remainder is N1's */
	assert_int_equal(split.fee_micro_per_kwh[0], 1);
	assert_int_equal(split.fee_micro_per_kwh[1], 1);
	assert_int_equal(split.fee_micro_per_kwh[2], 1);
	/* 1 by 2:2:1: the Grid and N2 have the same remainder, the Grid the lower id */
	assert_int_equal(zone_fees_from_seller(zone, &path, 1, &split), ZONE_FEES_OK);
	assert_int_equal(split.buyer_price_micro_per_kwh, 2);
	assert_int_equal(split.fee_micro_per_kwh[0], 0);
	assert_int_equal(split.fee_micro_per_kwh[1], 1);
	assert_int_equal(split.fee_micro_per_kwh[2], 0);
	/* and with the ids the other way round, N2 */
	zone[GRID].id = 9;
	assert_int_equal(zone_fees_from_seller(zone, &path, 1, &split), ZONE_FEES_OK);
	assert_int_equal(split.fee_micro_per_kwh[0], 1);
	assert_int_equal(split.fee_micro_per_kwh[1], 0);
	/* of 14 the seller gets 11: 11.2 rounded down */
	assert_int_equal(zone_fees_from_buyer(zone, &path, 14, &split), ZONE_FEES_OK);
	assert_int_equal(split.seller_price_micro_per_kwh, 11);
	assert_int_equal(sum_of_fees(&path, &split), 3);
}

static void
prices_not_above_zero(void **state)
{
	fee_zone	zone[ZONES];
	zone_fees_path path;
	zone_fees_split split;
	int64_t		price;

	make_tree(zone, ZONE_FEE_PARTS, 100000, 50000, 100000);
	zone[N1] = (fee_zone) {2, GRID, ZONE_FEE_CONSTANT, 7};
	assert_int_equal(zone_fees_find_path(zone, N2, N1, &path), ZONE_FEES_OK);
	assert_int_equal(zone_fees_from_seller(zone, &path, -1000, &split), ZONE_FEES_OK);
	assert_int_equal(split.buyer_price_micro_per_kwh, -993);
	assert_int_equal(sum_of_fees(&path, &split), 7);
	assert_int_equal(zone_fees_from_buyer(zone, &path, -993, &split), ZONE_FEES_OK);
	assert_int_equal(split.seller_price_micro_per_kwh, -1000);
	/* a buyer's price above zero from a seller's below it */
	assert_int_equal(zone_fees_from_buyer(zone, &path, 5, &split), ZONE_FEES_OK);
	assert_int_equal(split.seller_price_micro_per_kwh, -2);
	assert_int_equal(zone_fees_forward_ask(zone, &path, 1, -1000, &price), ZONE_FEES_OK);
	assert_int_equal(price, -1000);
	/* a zone's own fee is in the price there: N2's, then the Grid's too, then N1's */
	for (int at = 0; at < 3; at++)
	{
		const int64_t expected[] = {1100, 1200, 1207};

		assert_int_equal(zone_fees_forward_ask(zone, &path, at, 1000, &price), ZONE_FEES_OK);
		assert_int_equal(price, expected[at]);
	}
	assert_int_equal(zone_fees_forward_bid(zone, &path, 1, -1000, &price), ZONE_FEES_OK);
	assert_int_equal(price, -1007);
}

/* Any tree, any pair: nothing lost, no price passed, and there and back is the same. */
static void
sums_are_exact(void **state)
{
	uint64_t	seed = 20260901;

	for (int round = 0; round < 20000; round++)
	{
		fee_zone	zone[12];
		int			count = 1 + unit_random(&seed) % 12;
		zone_fees_path path;
		zone_fees_split there;
		zone_fees_split back;
		int64_t		price = (int64_t) (unit_random(&seed) % 2000) - 500;

		for (int i = 0; i < count; i++)
		{
			zone_fee_kind kind = unit_random(&seed) % 3 == 0 ? ZONE_FEE_CONSTANT : ZONE_FEE_PARTS;

			zone[i] = (fee_zone) {100 - i, i == 0 ? -1 : (int) (unit_random(&seed) % i), kind,
			kind == ZONE_FEE_CONSTANT ? unit_random(&seed) % 50 : unit_random(&seed) % 300000};
		}
		assert_int_equal(zone_fees_check(zone, count), ZONE_FEES_OK);
		assert_int_equal(zone_fees_find_path(zone, (int) (unit_random(&seed) % count),
											 (int) (unit_random(&seed) % count), &path), ZONE_FEES_OK);
		assert_int_equal(zone_fees_from_seller(zone, &path, price, &there), ZONE_FEES_OK);
		assert_int_equal(there.buyer_price_micro_per_kwh - price, sum_of_fees(&path, &there));
		assert_int_equal(zone_fees_rate_at(&there, path.count - 1), there.buyer_price_micro_per_kwh);
		assert_int_equal(zone_fees_from_buyer(zone, &path, there.buyer_price_micro_per_kwh, &back), ZONE_FEES_OK);
		assert_int_equal(back.seller_price_micro_per_kwh, price);
		assert_int_equal(sum_of_fees(&path, &back), sum_of_fees(&path, &there));

		/* a buyer's price that no seller's leads to */
		assert_int_equal(zone_fees_from_buyer(zone, &path, price, &back), ZONE_FEES_OK);
		assert_int_equal(price - back.seller_price_micro_per_kwh, sum_of_fees(&path, &back));
		assert_int_equal(zone_fees_from_seller(zone, &path, back.seller_price_micro_per_kwh, &there), ZONE_FEES_OK);
		assert_true(there.buyer_price_micro_per_kwh <= price);
		assert_int_equal(zone_fees_from_seller(zone, &path, back.seller_price_micro_per_kwh + 1, &there), ZONE_FEES_OK);
		assert_true(there.buyer_price_micro_per_kwh > price);
	}
}

/* ---- published examples, where they are at hand ---- */

#define FIELDS 19

/* A decimal number, or one in percent, as millionths. */
static int64_t
millionths(const char *text)
{
	int64_t		value = 0;
	int			places = -1;

	for (; *text != '\0' && *text != '%'; text++)
	{
		if (*text == '.')
		{
			places = 0;
			continue;
		}
		assert_true(*text >= '0' && *text <= '9');
		value = value * 10 + (*text - '0');
		places += places >= 0;
	}
	for (places = places < 0 ? 0 : places; places < (*text == '%' ? 4 : 6); places++)
		value *= 10;
	return value;
}

static void
assert_field(const char *field, int64_t value)
{
	if (*field != '\0')
		assert_int_equal(value, millionths(field));
}

static void
assert_example(char *field[FIELDS])
{
	fee_zone	zone[ZONES];
	zone_fees_path path;
	zone_fees_split split;
	int64_t		ask = millionths(field[2]);
	char	   *semicolon = strchr(field[5], ';');
	bool		two_sided = *field[3] != '\0';
	int64_t		clearing;

	assert_non_null(semicolon);
	*semicolon = '\0';
	make_tree(zone, strcmp(field[1], "constant") == 0 ? ZONE_FEE_CONSTANT : ZONE_FEE_PARTS,
			  millionths(semicolon + 1), millionths(field[6]), millionths(field[5]));
	assert_int_equal(zone_fees_find_path(zone, HOUSE2, HOUSE1, &path), ZONE_FEES_OK);
	if (two_sided)
	{
		int64_t		bid = millionths(field[3]);

		assert_string_equal(field[7], "Grid");
		assert_int_equal(path.zone[path.top], GRID);
		assert_int_equal(zone_fees_forward_bid(zone, &path, path.top, bid, &clearing), ZONE_FEES_OK);
		assert_int_equal(zone_fees_from_buyer(zone, &path, bid, &split), ZONE_FEES_OK);
		assert_true(split.seller_price_micro_per_kwh >= ask);
	}
	else
	{
		/* the ask is forwarded to where the buyer is */
		assert_int_equal(zone_fees_forward_ask(zone, &path, path.count - 1, ask, &clearing), ZONE_FEES_OK);
		assert_int_equal(zone_fees_from_seller(zone, &path, ask, &split), ZONE_FEES_OK);
	}
	assert_field(field[8], clearing);
	assert_field(field[9], split.seller_price_micro_per_kwh);
	assert_field(field[10], split.buyer_price_micro_per_kwh);
	assert_field(field[11], split.fee_micro_per_kwh[3]);
	assert_field(field[12], split.fee_micro_per_kwh[2]);
	assert_field(field[13], split.fee_micro_per_kwh[1]);
	assert_field(field[14], zone_fees_rate_at(&split, 2));
	assert_field(field[15], zone_fees_rate_at(&split, 1));
	assert_field(field[16], zone_fees_rate_at(&split, 3));
	assert_field(field[17], zone_fees_rate_at(&split, 4));
	assert_field(field[18], zone_fees_rate_at(&split, 0));
}

static void
published_examples(void **state)
{
	const char *folder = getenv("VECTORS");
	char		path[1024];
	char		line[1024];
	FILE	   *file;
	int			examples = 0;

	snprintf(path, sizeof(path), "%s/energy/matching/grid_fee_worked_examples.csv",
			 folder != NULL ? folder : "../../../shared/vectors");
	file = fopen(path, "r");
	if (file == NULL)
		skip();
	assert_non_null(fgets(line, sizeof(line), file));	/* names */
	while (fgets(line, sizeof(line), file) != NULL)
	{
		char	   *field[FIELDS];
		char	   *rest = line;

		line[strcspn(line, "\r\n")] = '\0';
		for (int i = 0; i < FIELDS; i++)
		{
			field[i] = strsep(&rest, ",");
			assert_non_null(field[i]);
		}
		assert_null(rest);
		assert_example(field);
		examples++;
	}
	fclose(file);
	assert_int_equal(examples, 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths),
		cmocka_unit_test(bad_trees),
		cmocka_unit_test(prices_out_of_range),
		cmocka_unit_test(remainders),
		cmocka_unit_test(prices_not_above_zero),
		cmocka_unit_test(sums_are_exact),
		cmocka_unit_test(published_examples),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
