/*
 * matching_first.c: partners first: contracts, then preferences of one side.
 *
 * Two orders are partners where at least one names the other's actor, the other names
 * it or nobody, and both have the same price for it.  That is a join by actor and
 * price, so each of its three steps sorts two lists by what they are joined on and
 * walks them with two pointers; among those that are equal, the first to arrive.
 * Where there are zones, partners are of the same one, and what the seller asks for and
 * the zone's fee are together what the buyer pays.
 */
#include "core/matching_parts.h"

/* Who names whom. */
typedef enum first_step
{
	FIRST_BOTH,
	FIRST_BID_NAMES,
	FIRST_ASK_NAMES
} first_step;

/* What orders of both sides are joined on. */
typedef struct first_key
{
	uint32_t	buyer;			/* MATCHING_NOBODY where the step does not ask */
	uint32_t	seller;
	uint32_t	zone;
	int64_t		price;			/* for the buyer: the seller's and the zone's fee */
} first_key;

bool
matching_partner_price(const matching_order *order, int64_t *price)
{
	*price = order->has_partner_price ? order->partner_price : order->price;
	return order->has_partner_price || !order->any_price;
}

static first_key
first_key_of(const matching_run_state *run, uint32_t position, first_step step)
{
	const matching_order *order = &run->order[position];
	first_key	key;
	bool		bid = order->side == MATCHING_BID;

	key.buyer = bid ? order->actor : order->partner;
	key.seller = bid ? order->partner : order->actor;
	if (step == FIRST_BID_NAMES)
		key.buyer = MATCHING_NOBODY;
	if (step == FIRST_ASK_NAMES)
		key.seller = MATCHING_NOBODY;
	key.zone = matching_zone_of(run, order);
	matching_partner_price(order, &key.price);
	if (!bid && run->in_zones != NULL)
		key.price = matching_zones_delivered(run, key.zone, key.price);
	return key;
}

static int
first_compare(first_key a, first_key b)
{
	if (a.buyer != b.buyer)
		return a.buyer < b.buyer ? -1 : 1;
	if (a.seller != b.seller)
		return a.seller < b.seller ? -1 : 1;
	if (a.zone != b.zone)
		return a.zone < b.zone ? -1 : 1;
	if (a.price != b.price)
		return a.price < b.price ? -1 : 1;
	return 0;
}

static bool
first_takes_part(const matching_run_state *run, uint32_t position, first_step step)
{
	const matching_order *order = &run->order[position];
	bool		names = order->partner != MATCHING_NOBODY;
	bool		must_name = step == FIRST_BOTH || (step == FIRST_BID_NAMES) == (order->side == MATCHING_BID);
	int64_t		price;

	if (run->by_condition != NULL && matching_conditions_has(run, position))
		return false;
	return run->left[position] > 0 && order->actor != MATCHING_NOBODY && names == must_name && matching_partner_price(order, &price);
}

/* A side's orders that the step is about, by key, then arrival. */
static size_t
first_side(matching_run_state *run, matching_side side, first_step step, matching_entry *to)
{
	size_t		count = 0;

	for (size_t i = 0; i < run->orders; i++)
	{
		uint32_t	position = run->arrived[i];

		if (run->order[position].side != side || !first_takes_part(run, position, step))
			continue;
		to[count++] = (matching_entry) {matching_key(first_key_of(run, position, step).price), position};
	}
	matching_sort(to, run->spare, count);
	if (run->in_zones != NULL)
	{
		for (size_t i = 0; i < count; i++)
			to[i].key = run->order[to[i].position].zone;
		matching_sort(to, run->spare, count);
	}
	for (size_t i = 0; i < count; i++)
	{
		first_key	key = first_key_of(run, to[i].position, step);

		to[i].key = (uint64_t) key.buyer << 32 | key.seller;
	}
	matching_sort(to, run->spare, count);
	return count;
}

static void
first_join(matching_run_state *run, first_step step)
{
	matching_entry *bid = run->entry;
	matching_entry *ask = run->entry + run->bids;
	size_t		bids = first_side(run, MATCHING_BID, step, bid);
	size_t		asks = first_side(run, MATCHING_ASK, step, ask);
	size_t		i = 0;
	size_t		j = 0;

	while (i < bids && j < asks)
	{
		uint32_t	b = bid[i].position;
		uint32_t	a = ask[j].position;
		first_key	key = first_key_of(run, b, step);
		int			order = first_compare(key, first_key_of(run, a, step));
		int64_t		price;

		if (order != 0)
		{
			i += order < 0;
			j += order > 0;
			continue;
		}
		matching_partner_price(&run->order[a], &price);
		matching_add_trade(run, b, a, matching_least(run->left[b], run->left[a]), price);
		run->trade[run->out->trades - 1].buyer_price = key.price;
		i += run->left[b] == 0;
		j += run->left[a] == 0;
	}
}

void
matching_first_phase(matching_run_state *run)
{
	first_join(run, FIRST_BOTH);
	if (run->rule->first != MATCHING_FIRST_PREFERENCE)
		return;
	first_join(run, FIRST_BID_NAMES);
	first_join(run, FIRST_ASK_NAMES);
}
