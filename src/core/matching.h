/*
 * matching.h: which bids meet which asks, how much and at what price.
 *
 * A market must be checkable by whoever lost in it.  So everything here is a pure
 * function of the orders and the rule: integers only, products in 128 bits, no
 * clock, no chance, no floating point, and every tie decided by arrival and then
 * order id; in whatever order the orders are handed over, the trades are the same.
 * doc/matching.md states the rules for readers; this file says what a caller owes.
 *
 * Energy is in any whole unit (Wh in the database), a price in any whole unit for a
 * fixed amount of energy (micro-currency per kWh), and may be negative.
 *
 * The orders are checked before anything is matched, and the trades before they are
 * given out.  The caller brings the memory: nothing is allocated here.
 */
#ifndef CORE_MATCHING_H
#define CORE_MATCHING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/coupling.h"
#include "core/zone_fees.h"

#define MATCHING_ORDERS_MAX (UINT32_C(1) << 24)
#define MATCHING_CONDITIONS_MAX 1000000
#define MATCHING_CONDITIONS_EACH_MAX 16
#define MATCHING_ZONES_MAX COUPLING_ZONES_MAX
/* So that a price with the fees of any way is within what fees and couplings take. */
#define MATCHING_ZONES_PRICE_MAX INT64_C(1000000000000)	/* and its negative */
#define MATCHING_NOBODY UINT32_MAX	/* an actor that is not known, a partner not named */

typedef enum matching_side
{
	MATCHING_BID,				/* wants to buy */
	MATCHING_ASK				/* wants to sell */
} matching_side;

typedef struct matching_order
{
	int64_t		order_id;		/* unique among the orders */
	int64_t		arrival;		/* earlier is less; equal ones go by order_id */
	int64_t		energy;			/* above 0; a side's sum fits an int64 */
	int64_t		price;			/* limit, unless any_price */
	int64_t		partner_price;	/* for the partner, if has_partner_price */
	uint32_t	actor;			/* whose: a number the caller gives out, or
								 * MATCHING_NOBODY */
	uint32_t	partner;		/* with whom first, as an actor's number */
	uint32_t	zone;			/* its place in the rule's zones; without those only
								 * conditions ask for it, any number */
	uint8_t		side;
	bool		any_price;
	bool		has_partner_price;
} matching_order;

typedef enum matching_method
{
	MATCHING_PAY_AS_CLEAR,		/* one price for all */
	MATCHING_PAY_AS_BID,		/* each bid at its own */
	MATCHING_CONTINUOUS,		/* one after the other, at the resting price */
	MATCHING_PROPORTIONAL		/* equal shares at the reference price */
} matching_method;

typedef enum matching_policy
{
	MATCHING_ASK_SIDE,			/* the interval's low end */
	MATCHING_BID_SIDE,			/* its high end */
	MATCHING_MIDPOINT			/* between them, rounded down */
} matching_policy;

typedef enum matching_sequence
{
	MATCHING_MERIT,				/* highest bid, lowest ask */
	MATCHING_GSY				/* highest bid, highest ask, the later first */
} matching_sequence;

typedef enum matching_first
{
	MATCHING_FIRST_NONE,
	MATCHING_FIRST_PEER_FIXED,	/* contracts: each names the other */
	MATCHING_FIRST_PREFERENCE	/* the same, then those that one side names */
} matching_first;

/*
 * Zones with fees.  Energy that is paid as bid goes from zone to zone along the trees, and
 * each zone on the way takes its fee.  Energy that is paid as clear flows over the lines,
 * or without has_lines between each zone and its parent without limit.
 */
typedef struct matching_zones
{
	const fee_zone *zone;		/* that passed zone_fees_check(); for pay as clear, of
								 * constant fees */
	uint32_t	zones;
	const coupling_line *line;	/* from_zone and to_zone are places of zones */
	uint32_t	lines;
	bool		has_lines;
	int64_t		price_min;		/* no limit is below; what asks at any price take */
	int64_t		price_max;		/* likewise, and what bids at any price pay */
} matching_zones;

/*
 * One way in which an order agrees to trade.  It is open where it names nothing, and
 * then takes part in the method.
 */
typedef struct matching_condition
{
	uint32_t	order;			/* position */
	uint32_t	partner;		/* the other's actor; MATCHING_NOBODY: any */
	uint32_t	source;			/* of the ask's energy; likewise */
	uint32_t	zone;			/* the other's; likewise */
	bool		has_price;		/* otherwise the order's limit */
	bool		has_energy;		/* otherwise the order's energy */
	int64_t		price;
	int64_t		energy;			/* the most by this condition, above 0 */
} matching_condition;

/* All zero is pay as clear, ask side, own orders netted. */
typedef struct matching_rule
{
	matching_method method;
	matching_policy policy;		/* of MATCHING_PAY_AS_CLEAR */
	matching_sequence sequence; /* of MATCHING_PAY_AS_BID */
	matching_first first;		/* not with MATCHING_CONTINUOUS */
	bool		own_trades;		/* an actor may trade with itself */
	bool		has_reference;
	int64_t		reference;		/* price where the orders give none */
	const matching_zones *zones;	/* null: one zone without fees */
	const matching_condition *condition;	/* by ascending position, an order's in
											 * their sequence */
	uint32_t	conditions;
	const uint32_t *source;		/* by position, of asks; null: none is known */
	void		(*pause) (void);	/* called now and then with zones and conditions; may
								 * be null, and need not return */
} matching_rule;

typedef enum matching_result
{
	MATCHING_OK = 0,
	MATCHING_TOO_MANY_ORDERS,	/* above MATCHING_ORDERS_MAX, or a book is full */
	MATCHING_BAD_RULE,			/* unknown, or parts that do not go together */
	MATCHING_BAD_SIDE,
	MATCHING_BAD_KIND,
	MATCHING_BAD_ENERGY,		/* not above 0 */
	MATCHING_ENERGY_OVERFLOW,	/* a side's sum fits no int64 */
	MATCHING_DUPLICATE_ID,
	MATCHING_OWN_PARTNER,		/* names itself */
	MATCHING_NO_PRICE,			/* trades that only a reference could price */
	MATCHING_BAD_ZONE,			/* of an order, or of a condition: none of the rule's */
	MATCHING_PRICE_RANGE,		/* a limit beyond those of the zones */
	MATCHING_ZONES_ENERGY,		/* more than COUPLING_ENERGY_MAX in all zones */
	MATCHING_BAD_CONDITION,		/* its energy, its order or its place */
	MATCHING_TOO_MANY_CONDITIONS,	/* in all, or of an order */
	MATCHING_TWO_OPEN,			/* conditions of an order that name nothing */
	MATCHING_UNKNOWN_ID,		/* to be cancelled, and not in the book */
	MATCHING_BROKEN				/* our own fault: nothing is given out */
} matching_result;

typedef struct matching_trade
{
	uint32_t	bid;			/* positions among the orders given */
	uint32_t	ask;
	int64_t		energy;
	int64_t		price;			/* what the seller gets */
	int64_t		buyer_price;	/* that and the fees, and where prices of zones
								 * differ by more, a share of the rent */
} matching_trade;

/* Of all phases. */
typedef struct matching_zone_sum
{
	int64_t		sold;
	int64_t		bought;
	__int128	fee;			/* energy times price units */
} matching_zone_sum;

/*
 * What came out.  Pointers are into the caller's memory.  low and high are pay as
 * clear's price interval, each only where has_ says so; it has no price where it
 * has no volume.
 */
typedef struct matching_outcome
{
	const matching_trade *trade;
	size_t		trades;			/* at most as many as orders and conditions */
	size_t		first_trades;	/* of these, the first phase's, which come first */
	size_t		condition_trades;	/* and those by conditions, which come next */
	const int64_t *netted;		/* by position: energy taken out against own orders */
	int64_t		volume;			/* energy of all trades */
	int64_t		netted_volume;	/* of each side */
	bool		has_price;
	bool		has_low;
	bool		has_high;
	int64_t		price;
	int64_t		low;
	int64_t		high;
	uint32_t	bad_order;		/* position, where a result speaks of one order */
	uint32_t	bad_condition;	/* likewise */
	const matching_zone_sum *zone_sum;	/* as the zones stand in the rule */
	const coupling_zone_result *zone;	/* pay as clear with zones: without the phases
										 * before it */
	const coupling_line *line;
	const coupling_line_result *line_result;
	size_t		lines;
} matching_outcome;

/*
 * Bytes that matching_run needs for so many orders (at most MATCHING_ORDERS_MAX) and such a
 * rule, whose zones and conditions are within their limits.
 */
extern size_t matching_memory_size(size_t orders, const matching_rule *rule);

/*
 * memory: matching_memory_size() bytes, aligned as malloc does, to 16.  The orders are not
 * changed.  With any result but MATCHING_OK there are no trades; bad_order is set
 * with MATCHING_BAD_SIDE, _BAD_ENERGY, _ENERGY_OVERFLOW, _DUPLICATE_ID (the later
 * of the two in the caller's order), _OWN_PARTNER, _BAD_ZONE, _PRICE_RANGE, _TWO_OPEN and, as
 * one example of many, _NO_PRICE; bad_condition, where it is not MATCHING_NOBODY, says that one
 * of its conditions is meant.  n log n, at worst; with zones and conditions see doc/matching.md.
 */
extern matching_result matching_run(const matching_order *order, size_t orders, const matching_rule *rule,
									void *memory, matching_outcome *out);

#endif							/* CORE_MATCHING_H */
