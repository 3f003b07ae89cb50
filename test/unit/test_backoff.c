/*
 * test_backoff.c: the bridge's back-off: it doubles up to its limit, and no two come
 * back at the same moment for long.
 */
#include "unit.h"

#include "../../mqtt_bridge/backoff.c"	/* it needs nothing else of the bridge */

#define DELAY_MS_MAX 30000

/* How long the next failure makes us wait. */
static int64_t
wait_of(backoff *b)
{
	int64_t		before_ms = clock_now_ms();

	backoff_failed(b);
	return b->due_ms - before_ms;
}

static void
test_doubles(void **state)
{
	backoff		b;
	int64_t		delay_ms = BACKOFF_MS_MIN;

	backoff_init(&b, DELAY_MS_MAX);
	assert_true(backoff_due(&b));
	for (int i = 0; i < 20; i++)
	{
		int64_t		wait_ms = wait_of(&b);

		assert_false(backoff_due(&b));
		assert_in_range(wait_ms, delay_ms / 2, delay_ms + 1000);	/* we may have been away a moment */
		delay_ms = delay_ms * 2 < DELAY_MS_MAX ? delay_ms * 2 : DELAY_MS_MAX;
	}
	backoff_init(&b, DELAY_MS_MAX);
	assert_true(backoff_due(&b));
}

/* A hundred that failed together are spread over the upper half of the delay. */
static void
test_jitter(void **state)
{
	int			quarter[2] = {0, 0};

	for (int i = 0; i < 100; i++)
	{
		backoff		b;

		backoff_init(&b, DELAY_MS_MAX);
		b.delay_ms = DELAY_MS_MAX;
		quarter[wait_of(&b) < DELAY_MS_MAX * 3 / 4 ? 0 : 1]++;
	}
	assert_true(quarter[0] > 20 && quarter[1] > 20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_doubles),
		cmocka_unit_test(test_jitter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
