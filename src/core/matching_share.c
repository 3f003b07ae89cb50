/*
 * matching_share.c: a community that shares what it has at one price.
 *
 * Whoever agrees to the price takes part.  The side that has less is served whole;
 * on the other one each order gets the same part of what it asked for, in whole
 * units: what rounding leaves goes to the largest remainders, then to the lowest
 * order ids.
 */
#include "core/matching_parts.h"

static bool
share_agrees(const matching_order *order, int64_t price)
{
	return order->any_price || (order->side == MATCHING_BID ? order->price >= price : order->price <= price);
}

/* Only those that agree stay in the list, and none that has no energy left. */
static size_t
share_keep(matching_run_state *run, uint32_t *list, size_t count, int64_t *sum)
{
	size_t		kept = 0;

	*sum = 0;
	for (size_t i = 0; i < count; i++)
	{
		uint32_t	position = list[i];

		if (run->left[position] == 0 || !share_agrees(&run->order[position], run->rule->reference))
			continue;
		*sum += run->left[position];	/* fits: it did with those left out */
		list[kept++] = position;
	}
	return kept;
}

/* volume of sum, over the orders of one side; volume is at most sum. */
static void
share_side(matching_run_state *run, const uint32_t *list, size_t count, int64_t volume, int64_t sum)
{
	int64_t		rest = volume;

	for (size_t i = 0; i < count; i++)
		run->entry[i] = (matching_entry) {matching_key(run->order[list[i]].order_id), list[i]};
	matching_sort(run->entry, run->spare, count);
	for (size_t i = 0; i < count; i++)
	{
		uint32_t	position = run->entry[i].position;
		__int128	part = (__int128) run->left[position] * volume;

		run->share[position] = (int64_t) (part / sum);
		rest -= run->share[position];
		/* largest first */
		run->entry[i].key = ~(uint64_t) (part % sum);
	}
	matching_sort(run->entry, run->spare, count);
	for (int64_t i = 0; i < rest; i++)
		run->share[run->entry[i].position]++;
}

matching_result
matching_share_out(matching_run_state *run)
{
	int64_t		wanted;
	int64_t		offered;
	int64_t		volume;
	size_t		i = 0;
	size_t		j = 0;

	if (!run->rule->has_reference)
		return MATCHING_NO_PRICE;
	run->bids = share_keep(run, run->bid, run->bids, &wanted);
	run->asks = share_keep(run, run->ask, run->asks, &offered);
	volume = matching_least(wanted, offered);
	if (volume == 0)
		return MATCHING_OK;
	share_side(run, run->bid, run->bids, volume, wanted);
	share_side(run, run->ask, run->asks, volume, offered);
	/* the shares of both sides have the same sum */
	while (i < run->bids && j < run->asks)
	{
		uint32_t	b = run->bid[i];
		uint32_t	a = run->ask[j];
		int64_t		energy = matching_least(run->share[b], run->share[a]);

		if (energy > 0)
			matching_add_trade(run, b, a, energy, run->rule->reference);
		run->share[b] -= energy;
		run->share[a] -= energy;
		i += run->share[b] == 0;
		j += run->share[a] == 0;
	}
	run->out->has_price = true;
	run->out->price = run->rule->reference;
	return MATCHING_OK;
}
