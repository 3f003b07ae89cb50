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
	struct matching_zone_state *in_zones;	/* null without zones */
	struct matching_condition_state *by_condition;	/* null without conditions */
} matching_run_state;

/* A way's fees from a zone to another; zones is 0 where there is none. */
typedef struct matching_way
{
	zone_fees_way fees;
	uint32_t	zones;			/* on the way, both ends included */
} matching_way;

/* Parts of the caller's memory, each a multiple of 16 bytes so that the next is aligned. */
static inline size_t
matching_part_size(size_t count, size_t width)
{
	return (count * width + 15) / 16 * 16;
}

static inline void *
matching_part_take(char **at, size_t count, size_t width)
{
	void	   *part = *at;

	*at += matching_part_size(count, width);
	return part;
}

/* The zone that fees and partners are asked for; one and the same where there are none. */
static inline uint32_t
matching_zone_of(const matching_run_state *run, const matching_order *order)
{
	return run->in_zones == NULL ? 0 : order->zone;
}

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
	trade->buyer_price = price;
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

/* A limit, or the end of all numbers that crosses everything. */
static inline int64_t
matching_limit(const matching_order *order)
{
	if (order->any_price)
		return order->side == MATCHING_BID ? INT64_MAX : INT64_MIN;
	return order->price;
}

/* Both sides in priority, from run->order; again where this has changed. */
extern void matching_by_priority(matching_run_state *run);

/* ---- zones ---- */

extern size_t matching_zones_memory(size_t orders, const matching_rule *rule);
extern matching_result matching_zones_begin(matching_run_state *run, char **at);

/* From the seller's zone to the buyer's. */
extern matching_way matching_zones_way(const matching_run_state *run, uint32_t from, uint32_t to);

/* A side's positions by zone, in each by priority; first has a place for each zone and one more. */
extern void matching_zones_lists(matching_run_state *run);

extern matching_result matching_zones_by_bid(matching_run_state *run);
extern matching_result matching_zones_coupled(matching_run_state *run);

/* Whether every zone's energy and money adds up; fills in the sums. */
extern bool matching_zones_sum(matching_run_state *run);

/* What a partner's price is for the buyer of that zone. */
extern int64_t matching_zones_delivered(const matching_run_state *run, uint32_t zone, int64_t price);

/* ---- conditions ---- */

extern size_t matching_conditions_memory(size_t orders, const matching_rule *rule);

/* Checks them; run->order becomes a copy in which an order has its best condition's price. */
extern matching_result matching_conditions_begin(matching_run_state *run, char **at);
extern bool matching_conditions_has(const matching_run_state *run, uint32_t position);

/* The phase, after which run->order and run->left are what is open to the method. */
extern matching_result matching_conditions_phase(matching_run_state *run);

/* The limits and energies that the trades of an order with conditions may have. */
extern bool matching_conditions_are_kept(const matching_run_state *run);

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
