/*
 * zone_fees.c: fees of zones along a trade's way.
 *
 * Apart from the matching, because a fee belongs to a pair of orders and not to a
 * market: an average over a uniform price takes from a seller what another's way
 * costs.  Nothing here is a floating-point number, and there is one division that
 * rounds for a whole way, so that the zones' fees add up to what the buyer pays
 * above what the seller gets, to the last micro-unit.
 */
#include "core/zone_fees.h"

#include <stdbool.h>

#define MILLION 1000000

static bool
zone_fees_price_in_range(int64_t price)
{
	return price >= -ZONE_FEES_PRICE_MAX && price <= ZONE_FEES_PRICE_MAX;
}

zone_fees_status
zone_fees_check(const fee_zone *zone, int count)
{
	for (int i = 0; i < count; i++)
	{
		int			depth = 1;

		if (zone[i].kind != ZONE_FEE_CONSTANT && zone[i].kind != ZONE_FEE_PARTS)
			return ZONE_FEES_BAD_FEE;
		if (zone[i].fee < 0 ||
			zone[i].fee > (zone[i].kind == ZONE_FEE_CONSTANT ? ZONE_FEES_CONSTANT_MAX : ZONE_FEES_PARTS_MAX))
			return ZONE_FEES_BAD_FEE;
		/* a ring has no root, so it is too deep */
		for (int up = zone[i].parent; up != -1; up = zone[up].parent)
		{
			if (up < 0 || up >= count)
				return ZONE_FEES_BAD_PARENT;
			if (++depth > ZONE_FEES_DEPTH_MAX)
				return ZONE_FEES_TOO_DEEP;
		}
	}
	return ZONE_FEES_OK;
}

/* The zone and all above it; how many. */
static int
zone_fees_ancestors(const fee_zone *zone, int from, int out[ZONE_FEES_DEPTH_MAX])
{
	int			n = 0;

	out[n++] = from;
	for (int up = zone[from].parent; up != -1 && n < ZONE_FEES_DEPTH_MAX; up = zone[up].parent)
		out[n++] = up;
	return n;
}

zone_fees_status
zone_fees_find_path(const fee_zone *zone, int ask_zone, int bid_zone, zone_fees_path *out)
{
	int			up[ZONE_FEES_DEPTH_MAX];
	int			down[ZONE_FEES_DEPTH_MAX];
	int			up_count = zone_fees_ancestors(zone, ask_zone, up);
	int			down_count = zone_fees_ancestors(zone, bid_zone, down);
	int			shared = 0;

	/* both end with the zones above both, the lowest of which is on the way */
	while (shared < up_count && shared < down_count &&
		   up[up_count - 1 - shared] == down[down_count - 1 - shared])
		shared++;
	if (shared == 0)
		return ZONE_FEES_NO_PATH;
	out->count = 0;
	out->top = up_count - shared;
	for (int i = 0; i <= out->top; i++)
		out->zone[out->count++] = up[i];
	for (int i = down_count - shared - 1; i >= 0; i--)
		out->zone[out->count++] = down[i];
	return ZONE_FEES_OK;
}

/* Sums of the constants and of the parts of the path's zones first to last - 1. */
static void
zone_fees_sum(const fee_zone *zone, const zone_fees_path *path, int first, int last,
			  int64_t *constants, int64_t *parts)
{
	*constants = 0;
	*parts = 0;
	for (int i = first; i < last; i++)
	{
		const fee_zone *z = &zone[path->zone[i]];

		*(z->kind == ZONE_FEE_CONSTANT ? constants : parts) += z->fee;
	}
}

/* price * parts / 1000000, rounded up; nothing of a price not above zero. */
static int64_t
zone_fees_part_of(int64_t price, int64_t parts)
{
	if (price <= 0)
		return 0;
	return (int64_t) (((__int128) price * parts + MILLION - 1) / MILLION);
}

/*
 * Shares amount among the zones by their parts.  Each gets what its division gives;
 * what is left is fewer units than zones, and they go to the largest remainders.
 */
static void
zone_fees_share(const fee_zone *zone, const zone_fees_path *path, int64_t amount, int64_t parts,
				zone_fees_split *out)
{
	int64_t		remainder[ZONE_FEES_PATH_MAX];
	int64_t		left = amount;

	for (int i = 0; i < path->count; i++)
	{
		const fee_zone *z = &zone[path->zone[i]];

		remainder[i] = -1;
		out->fee_micro_per_kwh[i] = z->kind == ZONE_FEE_CONSTANT ? z->fee : 0;
		if (z->kind == ZONE_FEE_PARTS && parts > 0)
		{
			__int128	exact = (__int128) amount * z->fee;

			out->fee_micro_per_kwh[i] = (int64_t) (exact / parts);
			remainder[i] = (int64_t) (exact % parts);
			left -= out->fee_micro_per_kwh[i];
		}
	}
	for (; left > 0; left--)
	{
		int			best = 0;

		for (int i = 1; i < path->count; i++)
			if (remainder[i] > remainder[best] ||
				(remainder[i] == remainder[best] && zone[path->zone[i]].id < zone[path->zone[best]].id))
				best = i;
		out->fee_micro_per_kwh[best]++;
		remainder[best] = -1;
	}
}

zone_fees_way
zone_fees_of_path(const fee_zone *zone, const zone_fees_path *path)
{
	zone_fees_way way;

	zone_fees_sum(zone, path, 0, path->count, &way.constants, &way.parts);
	return way;
}

int64_t
zone_fees_buyer_price(zone_fees_way way, int64_t seller_price_micro_per_kwh)
{
	return seller_price_micro_per_kwh + way.constants + zone_fees_part_of(seller_price_micro_per_kwh, way.parts);
}

int64_t
zone_fees_seller_price(zone_fees_way way, int64_t buyer_price_micro_per_kwh)
{
	int64_t		rest = buyer_price_micro_per_kwh - way.constants;

	if (rest <= 0)
		return rest;
	return (int64_t) ((__int128) rest * MILLION / (MILLION + way.parts));
}

zone_fees_status
zone_fees_from_seller(const fee_zone *zone, const zone_fees_path *path,
					  int64_t price_micro_per_kwh, zone_fees_split *out)
{
	zone_fees_way way;

	if (!zone_fees_price_in_range(price_micro_per_kwh))
		return ZONE_FEES_PRICE_RANGE;
	way = zone_fees_of_path(zone, path);
	out->seller_price_micro_per_kwh = price_micro_per_kwh;
	out->buyer_price_micro_per_kwh = zone_fees_buyer_price(way, price_micro_per_kwh);
	zone_fees_share(zone, path, out->buyer_price_micro_per_kwh - price_micro_per_kwh - way.constants, way.parts, out);
	return ZONE_FEES_OK;
}

zone_fees_status
zone_fees_from_buyer(const fee_zone *zone, const zone_fees_path *path,
					 int64_t price_micro_per_kwh, zone_fees_split *out)
{
	zone_fees_way way;

	if (!zone_fees_price_in_range(price_micro_per_kwh))
		return ZONE_FEES_PRICE_RANGE;
	way = zone_fees_of_path(zone, path);
	out->seller_price_micro_per_kwh = zone_fees_seller_price(way, price_micro_per_kwh);
	out->buyer_price_micro_per_kwh = price_micro_per_kwh;
	zone_fees_share(zone, path, price_micro_per_kwh - way.constants - out->seller_price_micro_per_kwh, way.parts, out);
	return ZONE_FEES_OK;
}

int64_t
zone_fees_rate_at(const zone_fees_split *split, int at)
{
	int64_t		rate = split->seller_price_micro_per_kwh;

	for (int i = 0; i <= at; i++)
		rate += split->fee_micro_per_kwh[i];
	return rate;
}

zone_fees_status
zone_fees_forward_ask(const fee_zone *zone, const zone_fees_path *path, int at,
					  int64_t price_micro_per_kwh, int64_t *out)
{
	int64_t		constants;
	int64_t		parts;

	if (!zone_fees_price_in_range(price_micro_per_kwh))
		return ZONE_FEES_PRICE_RANGE;
	zone_fees_sum(zone, path, 0, at + 1, &constants, &parts);
	*out = price_micro_per_kwh + constants + zone_fees_part_of(price_micro_per_kwh, parts);
	return ZONE_FEES_OK;
}

zone_fees_status
zone_fees_forward_bid(const fee_zone *zone, const zone_fees_path *path, int at,
					  int64_t price_micro_per_kwh, int64_t *out)
{
	int64_t		constants;
	int64_t		parts;

	if (!zone_fees_price_in_range(price_micro_per_kwh))
		return ZONE_FEES_PRICE_RANGE;
	zone_fees_sum(zone, path, at + 1, path->count, &constants, &parts);
	*out = price_micro_per_kwh - constants - zone_fees_part_of(price_micro_per_kwh, parts);
	return ZONE_FEES_OK;
}
