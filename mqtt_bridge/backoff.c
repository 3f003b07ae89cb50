/*
 * backoff.c: exponential back-off with jitter; see backoff.h.
 *
 * Jitter takes the upper half of each delay at random.  rand() is enough: it
 * spreads load and protects nothing.
 */
#include "backoff.h"

#include <stdlib.h>

#include "clock.h"

void
backoff_init(backoff *b, int64_t delay_ms_max)
{
	b->delay_ms_max = delay_ms_max;
	b->delay_ms = BACKOFF_MS_MIN;
	b->due_ms = 0;
}

void
backoff_failed(backoff *b)
{
	int64_t		half_ms = b->delay_ms / 2;

	b->due_ms = clock_now_ms() + half_ms + rand() % (half_ms + 1);
	b->delay_ms *= 2;
	if (b->delay_ms > b->delay_ms_max)
		b->delay_ms = b->delay_ms_max;
}

bool
backoff_due(const backoff *b)
{
	return clock_now_ms() >= b->due_ms;
}
