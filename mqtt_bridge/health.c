/*
 * health.c: what is known of a neighbour, and what was said of it; see health.h.
 */
#include "health.h"

#include <string.h>

#include "clock.h"

void
health_init(health *h, int64_t backoff_ms_max)
{
	memset(h, 0, sizeof(*h));
	backoff_init(&h->again, backoff_ms_max);
}

void
health_limit(health *h, int64_t backoff_ms_max)
{
	backoff_init(&h->again, backoff_ms_max);
}

static bool
health_say_up(health *h)
{
	bool		news = !h->said_up;

	h->said = true;
	h->said_up = true;
	return news;
}

bool
health_connected(health *h)
{
	h->up = true;
	h->since_ms = clock_now_ms();
	return !h->unproven && health_say_up(h);
}

bool
health_proved(health *h)
{
	h->unproven = false;
	backoff_init(&h->again, h->again.delay_ms_max);
	return health_say_up(h);
}

bool
health_held(health *h)
{
	return h->up && (h->unproven || !h->said_up || h->again.delay_ms > BACKOFF_MS_MIN) &&
		clock_now_ms() - h->since_ms > HEALTH_STABLE_MS && health_proved(h);
}

bool
health_lost(health *h, bool was_no_use)
{
	bool		news = h->said_up || !h->said;
	bool		held = h->up && clock_now_ms() - h->since_ms > HEALTH_STABLE_MS;

	if (held && !was_no_use)
		backoff_init(&h->again, h->again.delay_ms_max);
	else
		h->unproven = h->unproven || h->up;
	h->up = false;
	h->said = true;
	h->said_up = false;
	backoff_failed(&h->again);
	return news;
}
