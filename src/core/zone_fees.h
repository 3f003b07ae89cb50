/*
 * zone_fees.h: what the zones between a seller and a buyer take of their price.
 *
 * Zones form trees.  A trade's way leads from the ask's zone up to the lowest zone
 * above both and down to the bid's zone; each zone on it, both ends included, takes
 * its fee once.  The sum belongs to the pair: it is never averaged over others.
 *
 * A fee is constant, in micro-currency per kWh, or a part in a million of the
 * original rate, which is what the seller receives:
 *
 *   buyer's price = seller's price + constants + seller's price * parts / 1000000
 *
 * The last term is rounded once, for the whole way: up, so that what a division
 * leaves over goes to the zones and neither party's price is passed.  It is shared
 * among them by their parts, by largest remainder, then lowest id.  Of a price
 * that is not above zero no part is taken: nobody is paid for using a line.
 */
#ifndef CORE_ZONE_FEES_H
#define CORE_ZONE_FEES_H

#include <stdint.h>

#define ZONE_FEES_DEPTH_MAX 32	/* zones from a root down to the deepest */
#define ZONE_FEES_PATH_MAX (2 * ZONE_FEES_DEPTH_MAX - 1)
#define ZONE_FEES_CONSTANT_MAX INT64_C(100000000000)	/* micro per kWh */
#define ZONE_FEES_PARTS_MAX 1000000
#define ZONE_FEES_PRICE_MAX INT64_C(100000000000000)	/* micro per kWh, and its negative */

typedef enum zone_fee_kind
{
	ZONE_FEE_CONSTANT,			/* fee is micro-currency per kWh */
	ZONE_FEE_PARTS				/* fee is parts per million of the seller's price */
} zone_fee_kind;

typedef struct fee_zone
{
	int64_t		id;				/* of no other zone */
	int			parent;			/* its place in the array; -1 of a root */
	zone_fee_kind kind;
	int64_t		fee;			/* not below zero */
} fee_zone;

typedef enum zone_fees_status
{
	ZONE_FEES_OK = 0,
	ZONE_FEES_BAD_PARENT,		/* not in the array */
	ZONE_FEES_TOO_DEEP,			/* more than ZONE_FEES_DEPTH_MAX, or a ring */
	ZONE_FEES_BAD_FEE,			/* negative, above its limit, or of no kind */
	ZONE_FEES_NO_PATH,			/* the zones are of different trees */
	ZONE_FEES_PRICE_RANGE		/* above ZONE_FEES_PRICE_MAX or below its negative */
} zone_fees_status;

typedef struct zone_fees_path
{
	int			zone[ZONE_FEES_PATH_MAX];	/* from the ask's to the bid's */
	int			count;
	int			top;			/* which of them is the highest */
} zone_fees_path;

typedef struct zone_fees_split
{
	int64_t		seller_price_micro_per_kwh;
	int64_t		buyer_price_micro_per_kwh;	/* the seller's and all fees, exactly */
	int64_t		fee_micro_per_kwh[ZONE_FEES_PATH_MAX];	/* as in the path */
} zone_fees_split;

/* Every zone's parent and fee.  The other functions expect zones that passed. */
extern zone_fees_status zone_fees_check(const fee_zone *zone, int count);

/* Both zones by their place in the array; from one to itself it is that zone. */
extern zone_fees_status zone_fees_find_path(const fee_zone *zone, int ask_zone, int bid_zone,
											zone_fees_path *out);

/*
 * Who pays and gets what, where one price is given.  From the buyer's, the seller's
 * is the highest with which no more than that is due, and the zones take the rest.
 */
extern zone_fees_status zone_fees_from_seller(const fee_zone *zone, const zone_fees_path *path,
											  int64_t price_micro_per_kwh, zone_fees_split *out);
extern zone_fees_status zone_fees_from_buyer(const fee_zone *zone, const zone_fees_path *path,
											 int64_t price_micro_per_kwh, zone_fees_split *out);

/* Sums of a whole way, where it is asked for more than once. */
typedef struct zone_fees_way
{
	int64_t		constants;
	int64_t		parts;
} zone_fees_way;

extern zone_fees_way zone_fees_of_path(const fee_zone *zone, const zone_fees_path *path);

/* The same prices as above, of prices in the same range. */
extern int64_t zone_fees_seller_price(zone_fees_way way, int64_t buyer_price_micro_per_kwh);
extern int64_t zone_fees_buyer_price(zone_fees_way way, int64_t seller_price_micro_per_kwh);

/* The rate behind the path's zone at: the seller's and the fees up to its own. */
extern int64_t zone_fees_rate_at(const zone_fees_split *split, int at);

/*
 * What an order's limit looks like in the path's zone at, where it was forwarded to:
 * an ask raised by the fees of the zones up to this one, a bid lowered by those of
 * the zones behind it.  Parts are of the order's own limit, and rounded up.  A
 * forwarded price is for showing: whether two limits meet is asked of
 * zone_fees_from_buyer().
 */
extern zone_fees_status zone_fees_forward_ask(const fee_zone *zone, const zone_fees_path *path,
											  int at, int64_t price_micro_per_kwh, int64_t *out);
extern zone_fees_status zone_fees_forward_bid(const fee_zone *zone, const zone_fees_path *path,
											  int at, int64_t price_micro_per_kwh, int64_t *out);

#endif							/* CORE_ZONE_FEES_H */
