/*
 * clear.h: clears a slot, or clears it again to compare.
 */
#ifndef MARKET_CLEAR_H
#define MARKET_CLEAR_H

#include "market/outcome.h"

typedef struct Clearing
{
	text	   *market;
	TimestampTz slot;
	TimestampTz gate_at;
	const char *method;
	Jsonb	   *options;
	int64		through_no;		/* continuous: events up to this sequence_no */
	Book	   *book;
	Outcome    *out;
} Clearing;

/* Reads the book and matches it.  Needs SPI. */
extern void clear_compute(Clearing *c);

/* Writes trades and lapses that are not there yet: all but so many first ones. */
extern void clear_write(const Clearing *c, int64 trades_there, int64 lapses_there);

/*
 * The first difference between what is stored and what is computed, in words; NULL: none.
 * newest: nothing may be stored beyond it.
 */
extern char *clear_compare(const Clearing *c, bool newest);

/* Zones and lines of the outcome as jsonb text; NULL: none. */
extern char *clear_zones(const Outcome *out);
extern char *clear_lines(const Outcome *out);

#endif							/* MARKET_CLEAR_H */
