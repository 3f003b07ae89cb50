/*
 * matching_book.h: a continuous market: a book of resting orders, kept across calls.
 *
 * An order that comes in trades at once with the best that rest on the other side,
 * each at the resting order's price, the earlier first where prices are equal; what
 * is left of it rests, or is dropped, as its kind says.  Cost is a few dozen steps
 * an event, whatever is in the book: price levels are found in a tree of price bits
 * (at most 64 deep) and stand in a list, orders in a hash table.
 *
 * The caller's order of calls is the order of arrival.  Memory is the caller's, and all
 * of it is asked for once.
 */
#ifndef CORE_MATCHING_BOOK_H
#define CORE_MATCHING_BOOK_H

#include "core/matching.h"

typedef enum matching_kind
{
	MATCHING_LIMIT,				/* what is left rests */
	MATCHING_IMMEDIATE_OR_CANCEL,	/* what is left is dropped */
	MATCHING_ALL_OR_NONE		/* at once and whole, or not at all; never rests */
} matching_kind;

typedef struct matching_book_order
{
	int64_t		order_id;		/* no resting order has it; may come back later */
	int64_t		energy;			/* above 0; a side's sum fits an int64 */
	int64_t		price;			/* limit, unless any_price */
	uint32_t	actor;			/* or MATCHING_NOBODY */
	uint32_t	tag;			/* the caller's, given back in events */
	uint8_t		side;
	uint8_t		kind;
	bool		any_price;		/* what is left is dropped: it has no price to rest at */
} matching_book_order;

/* One meeting of the order that came in and one that rested. */
typedef struct matching_book_event
{
	bool		netted;			/* both are the same actor's: no trade */
	int64_t		energy;			/* taken from both */
	int64_t		price;			/* the resting order's */
	int64_t		resting_id;
	uint32_t	resting_tag;
	int64_t		resting_left;	/* 0: it is out of the book */
} matching_book_event;

typedef void (*matching_book_report) (void *to, const matching_book_order *incoming, const matching_book_event *event);

typedef struct matching_book matching_book;

/* Bytes for a book of so many resting orders (at most MATCHING_ORDERS_MAX). */
extern size_t matching_book_size(uint32_t capacity);

/* memory: matching_book_size() bytes, aligned as malloc does. */
extern matching_book *matching_book_init(void *memory, uint32_t capacity, bool own_trades);

/*
 * MATCHING_OK, with *rests and *dropped set to what is left of the order, or nothing
 * is changed: MATCHING_BAD_SIDE, _BAD_KIND, _BAD_ENERGY, _DUPLICATE_ID, _ENERGY_OVERFLOW
 * (with what rests on its side), _TOO_MANY_ORDERS (no room to rest, where it might).
 * report: called for each meeting, in the order in which they happen; must not call
 * back into the book.
 */
extern matching_result matching_book_insert(matching_book *book, const matching_book_order *order,
											matching_book_report report, void *to,
											int64_t *rests, int64_t *dropped);

/* MATCHING_OK and what was left of it, or MATCHING_UNKNOWN_ID. */
extern matching_result matching_book_cancel(matching_book *book, int64_t order_id, int64_t *left);

/* The best price of a side and the energy there; false where the side is empty. */
extern bool matching_book_best(const matching_book *book, matching_side side, int64_t *price, int64_t *energy);

/* How many orders rest. */
extern uint32_t matching_book_orders(const matching_book *book);

#endif							/* CORE_MATCHING_BOOK_H */
