/*
 * trouble.h: a thing that the bridge does besides its work, and that may fail without
 * stopping that: said once when it begins to fail and once when it works again, and
 * tried later and later.
 */
#ifndef BRIDGE_TROUBLE_H
#define BRIDGE_TROUBLE_H

#include <stdbool.h>
#include <stdint.h>

#include "backoff.h"

typedef struct trouble
{
	const char *fails;			/* "commands do not go out" */
	const char *works;			/* "commands go out again" */
	bool		said;
	backoff		again;
} trouble;

extern void trouble_init(trouble *t, const char *fails, const char *works, int64_t backoff_ms_max);
extern void trouble_had(trouble *t, const char *why);
extern void trouble_over(trouble *t);

#endif							/* BRIDGE_TROUBLE_H */
