/*
 * matching_auction.c: pay as clear and pay as bid, and the netting before them.
 *
 * Both walk the same two lists with two pointers: the best bid left meets the best
 * ask left as long as their limits cross.  No one price would let more be traded.
 * They differ in what is paid.
 */
#include "core/matching_parts.h"

/* A price that may lie beyond all prices: below (-1), above (1), or be one (0). */
typedef struct auction_end
{
	int			beyond;
	int64_t		price;
} auction_end;

static int
end_compare(auction_end a, auction_end b)
{
	if (a.beyond != b.beyond)
		return a.beyond < b.beyond ? -1 : 1;
	if (a.beyond != 0 || a.price == b.price)
		return 0;
	return a.price < b.price ? -1 : 1;
}

/* What an order would pay at most, or take at least. */
static auction_end
end_of_order(const matching_order *order)
{
	if (order->any_price)
		return (auction_end) {order->side == MATCHING_BID ? 1 : -1, 0};
	return (auction_end) {0, order->price};
}

/* ---- netting ---- */

/* A side's positions by actor; an actor's own stay in priority. */
static size_t
net_side(matching_run_state *run, const uint32_t *list, size_t count, matching_entry *to)
{
	size_t		known = 0;

	for (size_t i = 0; i < count; i++)
	{
		uint32_t	actor = run->order[list[i]].actor;

		if (actor != MATCHING_NOBODY)
			to[known++] = (matching_entry) {actor, list[i]};
	}
	/* what is of another zone is not own: its energy does go there */
	for (size_t i = 0; run->in_zones != NULL && i < known; i++)
		to[i].key |= (uint64_t) run->order[to[i].position].zone << 32;
	matching_sort(to, run->spare, known);
	return known;
}

/*
 * Their limits and energies, brought together in that order: the walk below goes
 * where the numbers send it, and would wait for memory at every step.  At any price is
 * a limit that crosses all.
 */
static void
net_gather(const matching_run_state *run, const matching_entry *entry, size_t count, int64_t *limit, matching_entry *left)
{
	for (size_t i = 0; i < count; i++)
	{
		const matching_order *order = &run->order[entry[i].position];

		limit[i] = matching_limit(order);
		left[i].key = (uint64_t) order->energy;
	}
}

static void
net_scatter(matching_run_state *run, const matching_entry *entry, size_t count, const matching_entry *left)
{
	for (size_t i = 0; i < count; i++)
	{
		uint32_t	position = entry[i].position;

		run->netted[position] = run->left[position] - (int64_t) left[i].key;
		run->left[position] = (int64_t) left[i].key;
	}
}

void
matching_net(matching_run_state *run)
{
	matching_entry *bid = run->entry;
	matching_entry *ask = run->entry + run->bids;
	matching_entry *bid_left = run->spare;
	matching_entry *ask_left = run->spare + run->bids;
	int64_t    *bid_limit = run->share;
	int64_t    *ask_limit = run->share + run->bids;
	size_t		bids = net_side(run, run->bid, run->bids, bid);
	size_t		asks = net_side(run, run->ask, run->asks, ask);
	size_t		i = 0;
	size_t		j = 0;

	net_gather(run, bid, bids, bid_limit, bid_left);
	net_gather(run, ask, asks, ask_limit, ask_left);
	while (i < bids && j < asks)
	{
		int64_t		energy;

		if (bid[i].key > ask[j].key)
			j++;
		else if (bid[i].key < ask[j].key || bid_limit[i] < ask_limit[j])
		{
			/* another actor's, or as low as all of this actor's other bids are */
			i++;
		}
		else
		{
			energy = matching_least((int64_t) bid_left[i].key, (int64_t) ask_left[j].key);
			bid_left[i].key -= (uint64_t) energy;
			ask_left[j].key -= (uint64_t) energy;
			i += bid_left[i].key == 0;
			j += ask_left[j].key == 0;
		}
	}
	net_scatter(run, bid, bids, bid_left);
	net_scatter(run, ask, asks, ask_left);
}

/* ---- the comparison order ---- */

static void
reverse(uint32_t *list, size_t begin, size_t end)
{
	while (begin + 1 < end)
	{
		uint32_t	swap = list[begin];

		list[begin++] = list[--end];
		list[end] = swap;
	}
}

/* The dearest ask first, and on both sides the later of equal prices. */
static void
auction_gsy(matching_run_state *run)
{
	size_t		begin = 0;

	reverse(run->ask, 0, run->asks);
	for (size_t i = 1; i <= run->bids; i++)
	{
		if (i < run->bids && end_compare(end_of_order(&run->order[run->bid[i]]), end_of_order(&run->order[run->bid[begin]])) == 0)
			continue;
		reverse(run->bid, begin, i);
		begin = i;
	}
}

/* ---- the walk ---- */

typedef struct auction_walk
{
	size_t		bid;			/* where it ended: the first with energy left */
	size_t		ask;
	size_t		last_bid;		/* the last that traded, where any did */
	size_t		last_ask;
	bool		traded;
} auction_walk;

/* What pay as bid pays: the bid's limit, or else the ask's, or else the reference. */
static bool
pay_as_bid_price(const matching_run_state *run, const matching_order *bid, const matching_order *ask, int64_t *price)
{
	if (!bid->any_price)
		*price = bid->price;
	else if (!ask->any_price)
		*price = ask->price;
	else if (run->rule->has_reference)
		*price = run->rule->reference;
	else
		return false;
	return true;
}

static matching_result
auction_walk_lists(matching_run_state *run, auction_walk *walk)
{
	bool		gsy = run->rule->sequence == MATCHING_GSY;

	*walk = (auction_walk) {0};
	for (;;)
	{
		int64_t		price = 0;
		uint32_t	b;
		uint32_t	a;

		while (walk->bid < run->bids && run->left[run->bid[walk->bid]] == 0)
			walk->bid++;
		while (walk->ask < run->asks && run->left[run->ask[walk->ask]] == 0)
			walk->ask++;
		if (walk->bid == run->bids || walk->ask == run->asks)
			return MATCHING_OK;
		b = run->bid[walk->bid];
		a = run->ask[walk->ask];
		if (!matching_crosses(&run->order[b], &run->order[a]))
		{
			if (!gsy)
				return MATCHING_OK;
			/* a cheaper ask may still do */
			walk->ask++;
			continue;
		}
		if (run->rule->method == MATCHING_PAY_AS_BID &&
			!pay_as_bid_price(run, &run->order[b], &run->order[a], &price))
		{
			run->out->bad_order = b;
			return MATCHING_NO_PRICE;
		}
		matching_add_trade(run, b, a, matching_least(run->left[b], run->left[a]), price);
		walk->last_bid = walk->bid;
		walk->last_ask = walk->ask;
		walk->traded = true;
	}
}

/* ---- pay as clear's price ---- */

/* The interval's two ends. */
static void
clear_interval(const matching_run_state *run, const auction_walk *walk, auction_end *low, auction_end *high)
{
	*low = end_of_order(&run->order[run->ask[walk->last_ask]]);
	*high = end_of_order(&run->order[run->bid[walk->last_bid]]);
	if (walk->bid < run->bids)
	{
		auction_end next = end_of_order(&run->order[run->bid[walk->bid]]);

		if (end_compare(next, *low) > 0)
			*low = next;
	}
	if (walk->ask < run->asks)
	{
		auction_end next = end_of_order(&run->order[run->ask[walk->ask]]);

		if (end_compare(next, *high) < 0)
			*high = next;
	}
}

static int64_t
clear_policy(matching_policy policy, int64_t low, int64_t high)
{
	if (policy == MATCHING_ASK_SIDE)
		return low;
	if (policy == MATCHING_BID_SIDE)
		return high;
	/* rounded down, below 0 as well: towards the ask side always */
	return (int64_t) (((__int128) low + high) >> 1);
}

/* The reference, as far as those who trade agree to it. */
static bool
clear_reference(const matching_run_state *run, auction_end low, auction_end high, int64_t *price)
{
	if (!run->rule->has_reference)
		return false;
	*price = run->rule->reference;
	if (low.beyond == 0 && *price < low.price)
		*price = low.price;
	if (high.beyond == 0 && *price > high.price)
		*price = high.price;
	return true;
}

static matching_result
clear_price(matching_run_state *run, const auction_walk *walk)
{
	matching_outcome *out = run->out;
	auction_end low;
	auction_end high;

	clear_interval(run, walk, &low, &high);
	out->has_low = low.beyond == 0;
	out->has_high = high.beyond == 0;
	out->low = low.price;
	out->high = high.price;
	out->has_price = true;
	if (out->has_low && out->has_high)
		out->price = clear_policy(run->rule->policy, low.price, high.price);
	else if (out->has_low || out->has_high)
	{
		/* one end: the reference beyond it, or the end itself */
		if (!clear_reference(run, low, high, &out->price))
			out->price = out->has_low ? low.price : high.price;
	}
	else
	{
		/* none: the reference, within the limits of those who trade */
		low = end_of_order(&run->order[run->ask[walk->last_ask]]);
		high = end_of_order(&run->order[run->bid[walk->last_bid]]);
		if (!clear_reference(run, low, high, &out->price))
		{
			out->bad_order = run->bid[walk->last_bid];
			return MATCHING_NO_PRICE;
		}
	}
	for (size_t i = out->first_trades + out->condition_trades; i < out->trades; i++)
		run->trade[i].price = run->trade[i].buyer_price = out->price;
	return MATCHING_OK;
}

matching_result
matching_auction(matching_run_state *run)
{
	auction_walk walk;
	matching_result result;

	if (run->rule->sequence == MATCHING_GSY)
		auction_gsy(run);
	result = auction_walk_lists(run, &walk);
	if (result != MATCHING_OK || run->rule->method != MATCHING_PAY_AS_CLEAR || !walk.traded)
		return result;
	return clear_price(run, &walk);
}
