/*
 * health.h: is one of our two neighbours there, and has the log been told?
 *
 * A loss is worth one line, however often it is tried again, and however often
 * a connection is had that breaks at once: what comes back after a short life
 * is believed, and said to be there, only once it has held.
 */
#ifndef BRIDGE_HEALTH_H
#define BRIDGE_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "backoff.h"

#define HEALTH_STABLE_MS 10000	/* a connection that lived this long was a good one */

typedef struct health
{
	bool		up;
	bool		said;			/* the log has been told something */
	bool		said_up;		/* and that it is there */
	bool		unproven;		/* not to be told so yet */
	int64_t		since_ms;		/* up since */
	backoff		again;			/* when to try again */
} health;

extern void health_init(health *h, int64_t backoff_ms_max);

/* Another longest wait; the next try is made at once. */
extern void health_limit(health *h, int64_t backoff_ms_max);

/* Each returns whether the log is to be told. */
extern bool health_connected(health *h);
extern bool health_proved(health *h);	/* it did what it is for */
extern bool health_held(health *h); /* call now and then: it may have held long enough */
extern bool health_lost(health *h, bool was_no_use);

#endif							/* BRIDGE_HEALTH_H */
