/*
 * backoff.h: when to try something again: after 100 ms, then twice as long each
 * time up to a limit, with jitter, so that many bridges that lost one broker do
 * not come back to it in the same instant.
 */
#ifndef BRIDGE_BACKOFF_H
#define BRIDGE_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

#define BACKOFF_MS_MIN 100

typedef struct backoff
{
	/* fixed */
	int64_t		delay_ms_max;
	/* moving */
	int64_t		delay_ms;		/* after the next failure */
	int64_t		due_ms;			/* not before this; 0: at once */
} backoff;

extern void backoff_init(backoff *b, int64_t delay_ms_max);
extern void backoff_failed(backoff *b);
extern bool backoff_due(const backoff *b);

#endif							/* BRIDGE_BACKOFF_H */
