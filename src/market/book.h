/*
 * book.h: the orders of a market's slot, read from their tables.
 */
#ifndef MARKET_BOOK_H
#define MARKET_BOOK_H

#include "utils/timestamp.h"

#include "market/match_input.h"

/* What a continuous market asks of an order beside what match_run() does. */
typedef struct BookOrder
{
	int64		received_us;	/* since 1970 UTC */
	int64		valid_until_us; /* PG_INT64_MAX: no end of its own */
	uint8		kind;			/* matching_kind */
} BookOrder;

typedef struct BookCancel
{
	int64		sequence_no;
	int64		order_no;		/* of the order that it takes back */
	int64		received_us;
} BookCancel;

typedef struct Book
{
	MatchInput *in;				/* positions follow sequence_no, which in a continuous
								 * market is the orders' arrival */
	BookOrder  *order;			/* by position; continuous only */
	BookCancel *cancel;			/* by sequence_no; continuous only */
	uint32		cancels;
	uint32		orders_size;
	uint32		cancels_size;
	int64		through_no;		/* highest sequence_no of both, 0: none */
	int64		energy[2];		/* of all bids, all asks; by matching_side */
} Book;

/*
 * An auction: orders that were neither cancelled nor over when the gate closed.
 * Needs SPI; made in the current memory context.
 */
extern Book *book_read_auction(text *market, TimestampTz slot, TimestampTz gate_at);

/* A continuous market: all orders and cancellations up to a sequence_no. */
extern Book *book_read_events(text *market, TimestampTz slot, int64 through_no);

#endif							/* MARKET_BOOK_H */
