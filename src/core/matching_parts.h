/*
 * matching_parts.h: what the files of matching share, and nobody else.
 */
#ifndef CORE_MATCHING_PARTS_H
#define CORE_MATCHING_PARTS_H

#include "core/matching.h"

typedef struct matching_entry
{
	uint64_t	key;
	uint32_t	position;
} matching_entry;

/* A run's state.  Arrays have as many elements as there are orders. */
typedef struct matching_run_state
{
	const matching_order *order;
	size_t		orders;
	const matching_rule *rule;
	matching_outcome *out;
	matching_trade *trade;
	matching_entry *entry;
	matching_entry *spare;
	int64_t    *left;			/* energy not yet netted or traded */
	int64_t    *netted;
	int64_t    *share;			/* scratch */
	uint32_t   *arrived;		/* positions by arrival, then order id */
	uint32_t   *bid;			/* positions of bids in priority */
	uint32_t   *ask;			/* likewise, behind them in one array */
	size_t		bids;
	size_t		asks;
	void	   *book;			/* continuous: memory of the book */
} matching_run_state;

/* An int64 as a key that sorts as it does. */
static inline uint64_t
matching_key(int64_t value)
{
	return (uint64_t) value ^ (UINT64_C(1) << 63);
}

/* Whether the two may trade, at some price within both limits. */
static inline bool
matching_crosses(const matching_order *bid, const matching_order *ask)
{
	return bid->any_price || ask->any_price || bid->price >= ask->price;
}

static inline void
matching_add_trade(matching_run_state *run, uint32_t bid, uint32_t ask, int64_t energy, int64_t price)
{
	matching_trade *trade = &run->trade[run->out->trades++];

	trade->bid = bid;
	trade->ask = ask;
	trade->energy = energy;
	trade->price = price;
	run->left[bid] -= energy;
	run->left[ask] -= energy;
}

static inline int64_t
matching_least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Ascending by key; equal keys stay as they were.  spare: as long. */
extern void matching_sort(matching_entry *entry, matching_entry *spare, size_t count);

/* Own crossing orders out of the run. */
extern void matching_net(matching_run_state *run);

/* The phase before the auction. */
extern void matching_first_phase(matching_run_state *run);

/* The price that an order would have with its partner; false where it has none. */
extern bool matching_partner_price(const matching_order *order, int64_t *price);

extern matching_result matching_auction(matching_run_state *run);
extern matching_result matching_share_out(matching_run_state *run);
extern matching_result matching_one_by_one(matching_run_state *run);

#endif							/* CORE_MATCHING_PARTS_H */
