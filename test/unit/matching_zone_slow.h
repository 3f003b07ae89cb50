/*
 * matching_zone_slow.h: the rules of zones and conditions written down a second time, as
 * loops over all pairs.
 */
#ifndef MATCHING_ZONE_SLOW_H
#define MATCHING_ZONE_SLOW_H

#include "matching_zone_made.h"

typedef struct slow_run
{
	const zone_book *b;
	int64_t		left[MADE_ORDERS_MAX];
	int64_t		by[CONDITIONS_MAX];
	matching_trade trade[2 * ENTRIES_MAX];
	size_t		trades;
	bool		no_price;
} slow_run;

/* A way to trade: an order, or one of its conditions (-1: none). */
typedef struct slow_way
{
	uint32_t	order;
	int			condition;
} slow_way;

static inline int64_t
slow_limit(const zone_book *b, slow_way way)
{
	const matching_order *order = &b->book.order[way.order];

	if (way.condition >= 0 && b->condition[way.condition].has_price)
		return b->condition[way.condition].price;
	if (!order->any_price)
		return order->price;
	return order->side == MATCHING_BID ? INT64_MAX : INT64_MIN;
}

static inline bool
slow_has_conditions(const zone_book *b, uint32_t order)
{
	for (uint32_t c = 0; c < b->rule.conditions; c++)
	{
		if (b->condition[c].order == order)
			return true;
	}
	return false;
}

/* The ways of a side, in the caller's sequence. */
static inline size_t
slow_ways(const zone_book *b, int side, slow_way *way)
{
	size_t		count = 0;

	for (uint32_t i = 0; i < b->book.orders; i++)
	{
		if (b->book.order[i].side != side)
			continue;
		if (!slow_has_conditions(b, i))
			way[count++] = (slow_way) {i, -1};
		for (uint32_t c = 0; c < b->rule.conditions; c++)
		{
			if (b->condition[c].order == i)
				way[count++] = (slow_way) {i, (int) c};
		}
	}
	return count;
}

/* The best that an order would give by any of its ways. */
static inline int64_t
slow_best_limit(const zone_book *b, uint32_t order)
{
	slow_way	way[ENTRIES_MAX];
	int			side = b->book.order[order].side;
	size_t		count = slow_ways(b, side, way);
	int64_t		best = side == MATCHING_BID ? INT64_MIN : INT64_MAX;

	for (size_t i = 0; i < count; i++)
	{
		int64_t		limit = slow_limit(b, way[i]);

		if (way[i].order == order && (side == MATCHING_BID ? limit > best : limit < best))
			best = limit;
	}
	return best;
}

static inline bool
slow_earlier(const zone_book *b, slow_way x, slow_way y)
{
	const matching_order *a = &b->book.order[x.order];
	const matching_order *c = &b->book.order[y.order];

	if (a->arrival != c->arrival)
		return a->arrival < c->arrival;
	if (a->order_id != c->order_id)
		return a->order_id < c->order_id;
	return x.condition < y.condition;
}

static inline bool
slow_is_own(const zone_book *b, uint32_t x, uint32_t y)
{
	const matching_order *a = &b->book.order[x];
	const matching_order *c = &b->book.order[y];

	return a->actor == c->actor && a->actor != MATCHING_NOBODY && (b->rule.zones == NULL || a->zone == c->zone);
}

/* Own pairs until none crosses: always the best bid and, for it, the best ask. */
static inline void
slow_net(slow_run *run)
{
	const zone_book *b = run->b;

	for (;;)
	{
		slow_way	best[2] = {{0, -2}, {0, -2}};

		for (uint32_t i = 0; i < b->book.orders; i++)
		{
			for (uint32_t j = 0; j < b->book.orders; j++)
			{
				slow_way	bid = {i, -1};
				slow_way	ask = {j, -1};
				int64_t		p = slow_best_limit(b, i);
				int64_t		q = slow_best_limit(b, j);

				if (b->book.order[i].side != MATCHING_BID || b->book.order[j].side != MATCHING_ASK || run->left[i] == 0 ||
					run->left[j] == 0 || !slow_is_own(b, i, j) || p < q)
					continue;
				if (best[0].condition == -2 || p > slow_best_limit(b, best[0].order) ||
					(p == slow_best_limit(b, best[0].order) && slow_earlier(b, bid, best[0])))
				{
					best[0] = bid;
					best[1] = ask;
				}
				else if (best[0].order == i && (q < slow_best_limit(b, best[1].order) ||
												(q == slow_best_limit(b, best[1].order) && slow_earlier(b, ask, best[1]))))
					best[1] = ask;
			}
		}
		if (best[0].condition == -2)
			return;
		{
			int64_t		energy = run->left[best[0].order] < run->left[best[1].order] ? run->left[best[0].order] : run->left[best[1].order];

			run->left[best[0].order] -= energy;
			run->left[best[1].order] -= energy;
		}
	}
}

static inline bool
slow_suits(const zone_book *b, slow_way way, uint32_t other)
{
	const matching_order *order = &b->book.order[other];
	const matching_condition *c;

	if (way.condition < 0)
		return true;
	c = &b->condition[way.condition];
	if (c->partner != MATCHING_NOBODY && c->partner != order->actor)
		return false;
	if (c->source != MATCHING_NOBODY && (order->side == MATCHING_BID || b->source[other] != c->source))
		return false;
	return c->zone == MATCHING_NOBODY || c->zone == order->zone;
}

static inline bool
slow_names(const zone_book *b, slow_way way)
{
	const matching_condition *c;

	if (way.condition < 0)
		return false;
	c = &b->condition[way.condition];
	return c->partner != MATCHING_NOBODY || c->source != MATCHING_NOBODY || c->zone != MATCHING_NOBODY;
}

/* False where there is no way. */
static inline bool
slow_path(const zone_book *b, uint32_t ask, uint32_t bid, zone_fees_path *path)
{
	int			from = (int) b->book.order[ask].zone;
	int			to = (int) b->book.order[bid].zone;

	path->count = 0;
	if (b->rule.zones == NULL)
		return true;
	if (b->zones.has_lines && from != to)
		return false;
	return zone_fees_find_path(b->zone, from, to, path) == ZONE_FEES_OK;
}

static inline int64_t
slow_delivered(const zone_book *b, const zone_fees_path *path, int64_t price)
{
	zone_fees_split split;

	if (price == INT64_MIN)
		return price;
	assert_int_equal(zone_fees_from_seller(b->zone, path, price, &split), ZONE_FEES_OK);
	return split.buyer_price_micro_per_kwh;
}

/* What the seller would get of a buyer's price. */
static inline int64_t
slow_received(const zone_book *b, const zone_fees_path *path, int64_t price)
{
	zone_fees_split split;

	if (price == INT64_MAX)
		return price;
	assert_int_equal(zone_fees_from_buyer(b->zone, path, price, &split), ZONE_FEES_OK);
	return split.seller_price_micro_per_kwh;
}

/* A community's one price, the bid's, or where the policy says; false: none. */
static inline bool
slow_prices(const zone_book *b, const zone_fees_path *path, int64_t ask, int64_t bid, matching_trade *trade)
{
	int64_t		high = slow_received(b, path, bid);
	bool		open = ask == INT64_MIN || high == INT64_MAX;

	if (b->rule.method == MATCHING_PAY_AS_BID && bid != INT64_MAX)
	{
		trade->price = high;
		trade->buyer_price = bid;
		return true;
	}
	if (b->rule.method == MATCHING_PROPORTIONAL && b->rule.has_reference)
		trade->price = b->rule.reference;
	else if (open && b->rule.method != MATCHING_PAY_AS_BID && b->rule.has_reference)
		trade->price = b->rule.reference < ask ? ask : b->rule.reference > high ? high : b->rule.reference;
	else if (ask == INT64_MIN && high == INT64_MAX)
	{
		if (!b->rule.has_reference)
			return false;
		trade->price = b->rule.reference;
	}
	else if (open)
		trade->price = ask == INT64_MIN ? high : ask;
	else if (b->rule.method == MATCHING_PAY_AS_BID)
		trade->price = ask;
	else
		trade->price = b->rule.policy == MATCHING_ASK_SIDE ? ask : b->rule.policy == MATCHING_BID_SIDE ? high : ask + (high - ask) / 2;
	trade->buyer_price = slow_delivered(b, path, trade->price);
	return true;
}

static inline int64_t
slow_left(const slow_run *run, slow_way way)
{
	int64_t		left = run->left[way.order];

	if (way.condition >= 0 && run->by[way.condition] < left)
		left = run->by[way.condition];
	return left;
}

static inline void
slow_add(slow_run *run, slow_way bid, slow_way ask, matching_trade prices)
{
	int64_t		energy = slow_left(run, bid) < slow_left(run, ask) ? slow_left(run, bid) : slow_left(run, ask);
	matching_trade *trade = &run->trade[run->trades++];

	*trade = prices;
	trade->bid = bid.order;
	trade->ask = ask.order;
	trade->energy = energy;
	run->left[bid.order] -= energy;
	run->left[ask.order] -= energy;
	if (bid.condition >= 0)
		run->by[bid.condition] -= energy;
	if (ask.condition >= 0)
		run->by[ask.condition] -= energy;
}

/* With zones paid as clear, any price is the market's limit. */
static inline int64_t
slow_limit_here(const zone_book *b, slow_way way)
{
	int64_t		limit = slow_limit(b, way);

	if (b->rule.zones != NULL && b->rule.method == MATCHING_PAY_AS_CLEAR)
		return limit == INT64_MAX ? 100 : limit == INT64_MIN ? -100 : limit;
	return limit;
}

/*
 * One bid's way takes asks until none suits.  conditions: in the phase of conditions, where one of the
 * two names something; otherwise ways that name nothing, and the nearer ask first.
 */
static inline void
slow_serve(slow_run *run, slow_way bid, bool conditions)
{
	const zone_book *b = run->b;
	slow_way	ask[ENTRIES_MAX];
	size_t		asks = slow_ways(b, MATCHING_ASK, ask);

	while (slow_left(run, bid) > 0 && !run->no_price)
	{
		int			best = -1;
		int64_t		best_delivered = 0;
		int			best_count = 0;
		zone_fees_path path;
		matching_trade prices = {0};

		for (size_t i = 0; i < asks; i++)
		{
			int64_t		delivered;

			if (slow_left(run, ask[i]) == 0 || !slow_suits(b, bid, ask[i].order) || !slow_suits(b, ask[i], bid.order) ||
				(slow_names(b, bid) || slow_names(b, ask[i])) != conditions || !slow_path(b, ask[i].order, bid.order, &path))
				continue;
			delivered = slow_delivered(b, &path, slow_limit_here(b, ask[i]));
			if (delivered > slow_limit_here(b, bid))
				continue;
			if (b->rule.method == MATCHING_PROPORTIONAL && b->rule.has_reference &&
				(slow_limit(b, ask[i]) > b->rule.reference || slow_limit(b, bid) < b->rule.reference))
				continue;
			if (best >= 0 && (delivered > best_delivered ||
							  (delivered == best_delivered && !conditions && path.count > best_count) ||
							  (delivered == best_delivered && (conditions || path.count == best_count) && !slow_earlier(b, ask[i], ask[best]))))
				continue;
			best = (int) i;
			best_delivered = delivered;
			best_count = path.count;
		}
		if (best < 0)
			return;
		slow_path(b, ask[best].order, bid.order, &path);
		run->no_price = !slow_prices(b, &path, slow_limit_here(b, ask[best]), slow_limit_here(b, bid), &prices);
		if (!run->no_price)
			slow_add(run, bid, ask[best], prices);
	}
}

/* The dearest first. */
static inline void
slow_all(slow_run *run, bool conditions)
{
	const zone_book *b = run->b;
	slow_way	bid[ENTRIES_MAX];
	size_t		bids = slow_ways(b, MATCHING_BID, bid);

	for (size_t i = 1; i < bids; i++)
	{
		for (size_t j = i; j > 0; j--)
		{
			slow_way	swap = bid[j];
			int64_t		p = slow_limit_here(b, bid[j]);
			int64_t		q = slow_limit_here(b, bid[j - 1]);

			if (p < q || (p == q && !slow_earlier(b, bid[j], bid[j - 1])))
				break;
			bid[j] = bid[j - 1];
			bid[j - 1] = swap;
		}
	}
	for (size_t i = 0; i < bids; i++)
		slow_serve(run, bid[i], conditions);
}

#endif							/* MATCHING_ZONE_SLOW_H */
