/*
 * test_matching_large.c: what only many orders reach: the sort by bytes, and books of
 * thousands handed over in another order.
 */
#include "unit.h"

#include "core/matching.h"
#include "core/matching_parts.h"

#define SORT_MAX 3000
#define ORDERS 4000

/* How random bits become a key: all bytes, few, one in the middle, hardly any. */
static uint64_t
key_of(uint64_t random, int shape)
{
	static const uint64_t mask[] = {UINT64_MAX, 0xffff, UINT64_C(0xff0000000000), 1, UINT64_C(0xff000000000000ff), 0};

	return random & mask[shape];
}

static void
sorted_and_stable(void **state)
{
	static matching_entry entry[SORT_MAX];
	static matching_entry spare[SORT_MAX];
	uint64_t	seed = 11;

	for (int n = 0; n < 600; n++)
	{
		size_t		count = unit_random(&seed) % (n % 2 ? SORT_MAX : 120);
		uint64_t	sum = 0;
		uint64_t	sorted_sum = 0;

		for (size_t i = 0; i < count; i++)
		{
			entry[i] = (matching_entry) {key_of(unit_random(&seed) >> 3 ^ unit_random(&seed) << 40, n % 6), (uint32_t) i};
			sum += entry[i].key * (i + 7);
		}
		matching_sort(entry, spare, count);
		for (size_t i = 0; i < count; i++)
		{
			/* each still beside its key */
			sorted_sum += entry[i].key * (entry[i].position + 7);
			if (i == 0)
				continue;
			assert_true(entry[i - 1].key <= entry[i].key);
			assert_true(entry[i - 1].key < entry[i].key || entry[i - 1].position < entry[i].position);
		}
		assert_true(sum == sorted_sum);
	}
}

static void
make_orders(matching_order *order, uint64_t *seed)
{
	memset(order, 0, ORDERS * sizeof(*order));
	for (int i = 0; i < ORDERS; i++)
	{
		uint64_t	random = unit_random(seed);

		order[i].order_id = (int64_t) (random << 12) + i;
		order[i].arrival = (int64_t) (random >> 20 & 63) - 32;
		order[i].energy = 1 + (int64_t) (random >> 26 & 1023);
		order[i].price = (int64_t) (random >> 36 & 255) - 128;
		order[i].actor = (uint32_t) (random >> 44 & 255);
		order[i].partner = random >> 52 & 1 ? MATCHING_NOBODY : (order[i].actor + 1 + (uint32_t) (random >> 53 & 15)) & 255;
		order[i].side = random >> 57 & 1;
		order[i].any_price = (random >> 58 & 15) == 0;
	}
}

static void
shuffle(matching_order *order, uint64_t *seed)
{
	for (size_t i = ORDERS; i > 1; i--)
	{
		size_t		j = unit_random(seed) % i;
		matching_order swap = order[i - 1];

		order[i - 1] = order[j];
		order[j] = swap;
	}
}

/* The same trades of the same orders; the volume that one price could move at most. */
static void
same_shuffled(void **state)
{
	static matching_order order[2][ORDERS];
	uint64_t	seed = 12;
	void	   *memory[2];

	for (int m = 0; m < 2; m++)
		memory[m] = malloc(matching_memory_size(ORDERS, &(matching_rule) {.method = MATCHING_CONTINUOUS}));
	for (int n = 0; n < 40; n++)
	{
		matching_rule rule = {.method = (matching_method) (n % 4),.own_trades = n % 3 == 0,.reference = 10,
		.has_reference = n % 4 != MATCHING_CONTINUOUS};
		matching_outcome out[2];

		if (rule.method != MATCHING_CONTINUOUS)
			rule.first = (matching_first) (n / 4 % 3);
		make_orders(order[0], &seed);
		memcpy(order[1], order[0], sizeof(order[0]));
		shuffle(order[1], &seed);
		for (int m = 0; m < 2; m++)
			assert_int_equal(matching_run(order[m], ORDERS, &rule, memory[m], &out[m]), MATCHING_OK);
		assert_true(out[0].trades > 100);
		assert_int_equal(out[0].trades, out[1].trades);
		assert_int_equal(out[0].volume, out[1].volume);
		assert_int_equal(out[0].netted_volume, out[1].netted_volume);
		for (size_t i = 0; i < out[0].trades; i++)
		{
			assert_true(order[0][out[0].trade[i].bid].order_id == order[1][out[1].trade[i].bid].order_id);
			assert_true(order[0][out[0].trade[i].ask].order_id == order[1][out[1].trade[i].ask].order_id);
			assert_int_equal(out[0].trade[i].energy, out[1].trade[i].energy);
			assert_int_equal(out[0].trade[i].price, out[1].trade[i].price);
		}
	}
	free(memory[0]);
	free(memory[1]);
}

/* Without nets and partners: what is wanted and offered at each price, summed up. */
static void
optimum_volume(void **state)
{
	static matching_order order[ORDERS];
	static const matching_rule rule = {.own_trades = true,.has_reference = true};
	void	   *memory = malloc(matching_memory_size(ORDERS, &rule));
	uint64_t	seed = 13;

	for (int n = 0; n < 20; n++)
	{
		matching_outcome out;
		int64_t		best = 0;

		make_orders(order, &seed);
		assert_int_equal(matching_run(order, ORDERS, &rule, memory, &out), MATCHING_OK);
		for (int64_t price = -130; price <= 130; price++)
		{
			int64_t		sum[2] = {0, 0};

			for (int i = 0; i < ORDERS; i++)
				sum[order[i].side] += order[i].any_price ||
					(order[i].side == MATCHING_BID ? order[i].price >= price : order[i].price <= price) ? order[i].energy : 0;
			sum[0] = sum[0] < sum[1] ? sum[0] : sum[1];
			best = best > sum[0] ? best : sum[0];
		}
		assert_int_equal(out.volume, best);
	}
	free(memory);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sorted_and_stable),
		cmocka_unit_test(same_shuffled),
		cmocka_unit_test(optimum_volume),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
