/*
 * outcome.h: what a clearing comes to, whatever made it.
 */
#ifndef MARKET_OUTCOME_H
#define MARKET_OUTCOME_H

#include "market/book.h"
#include "market/match_run.h"

#define OUTCOME_RULE_VERSION 1	/* another one gives other trades for the same orders */

typedef enum LapseReason
{
	LAPSE_NETTED, LAPSE_DROPPED, LAPSE_EXPIRED, LAPSE_CANCELLED
} LapseReason;

/* Energy of an order that left the book without a trade. */
typedef struct OutcomeLapse
{
	uint32		position;		/* of the order */
	uint8		reason;			/* LapseReason */
	int64		energy;
} OutcomeLapse;

/* Trades and lapses stand in the order in which they came about. */
typedef struct Outcome
{
	MatchResult result;
	OutcomeLapse *lapse;
	uint32		lapses;
	uint32		lapses_size;
	uint8		input_hash[32];
} Outcome;

extern void outcome_lapse(Outcome *out, uint32 position, LapseReason reason, int64 energy);

/* "netted", ... */
extern const char *outcome_reason_name(LapseReason reason);

/* An auction: all at once, by match_run(). */
extern Outcome *outcome_of_auction(Book *book, const char *method, Jsonb *options);

/* A continuous market: one event after the other. */
extern Outcome *outcome_of_events(Book *book, Jsonb *options);

#endif							/* MARKET_OUTCOME_H */
