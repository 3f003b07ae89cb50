/*
 * trouble.c: see trouble.h.
 */
#include "trouble.h"

#include <stddef.h>

#include "log.h"

void
trouble_init(trouble *t, const char *fails, const char *works, int64_t backoff_ms_max)
{
	t->fails = fails;
	t->works = works;
	t->said = false;
	backoff_init(&t->again, backoff_ms_max);
}

void
trouble_had(trouble *t, const char *why)
{
	backoff_failed(&t->again);
	if (!t->said)
		log_warning("downlink_failed", "%s: %s; messages are stored as before; trying again", t->fails, why);
	t->said = true;
}

void
trouble_over(trouble *t)
{
	backoff_init(&t->again, t->again.delay_ms_max);
	if (t->said)
		log_info("downlink_works", "%s", t->works);
	t->said = false;
}
