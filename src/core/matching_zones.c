/*
 * matching_zones.c: orders of several zones, with fees on the way: lists by zone, what is
 * paid as bid, and the sums that are made at the end.
 *
 * A fee belongs to a pair of zones, so within a zone priority is what it is without fees;
 * only the best ask of each zone has to be looked at.  A bid takes the one that is the
 * cheapest where the bid is.
 */
#include "core/matching_zones.h"

#include <string.h>

#define ZONES_PAUSE_EVERY 65536 /* asks looked at */

static size_t
zones_lines(const matching_zones *zones)
{
	return zones->has_lines ? zones->lines : zones->zones;
}

size_t
matching_zones_memory(size_t orders, const matching_rule *rule)
{
	const matching_zones *zones = rule->zones;
	size_t		z = zones->zones;
	size_t		lines = zones_lines(zones);
	size_t		size = matching_part_size(1, sizeof(matching_zone_state)) + matching_part_size(z, sizeof(zone_fees_way)) +
		matching_part_size(z, sizeof(matching_zone_sum)) + 2 * matching_part_size(z + 1, sizeof(uint32_t)) +
		2 * matching_part_size(orders, sizeof(uint32_t)) + 3 * matching_part_size(z, sizeof(uint32_t)) +
		matching_part_size(z * z, sizeof(matching_way));

	if (rule->method == MATCHING_PAY_AS_CLEAR)
		size += matching_part_size(orders, sizeof(coupling_step)) + matching_part_size(z, sizeof(coupling_zone)) +
			matching_part_size(lines, sizeof(coupling_line)) + matching_part_size(z, sizeof(coupling_zone_result)) +
			matching_part_size(lines, sizeof(coupling_line_result)) + matching_part_size(1, sizeof(coupling_total)) +
			matching_part_size(1, coupling_memory_of(z, lines, orders));
	return size;
}

static void
zones_lay_out(matching_run_state *run, char **at)
{
	const matching_zones *rule = run->rule->zones;
	size_t		z = rule->zones;
	size_t		lines = zones_lines(rule);
	matching_zone_state *state = matching_part_take(at, 1, sizeof(*state));

	memset(state, 0, sizeof(*state));
	state->rule = rule;
	state->own = matching_part_take(at, z, sizeof(*state->own));
	state->sum = matching_part_take(at, z, sizeof(*state->sum));
	for (int side = 0; side < 2; side++)
	{
		state->first[side] = matching_part_take(at, z + 1, sizeof(uint32_t));
		state->list[side] = matching_part_take(at, run->orders, sizeof(uint32_t));
	}
	state->head = matching_part_take(at, z, sizeof(uint32_t));
	state->open = matching_part_take(at, z, sizeof(uint32_t));
	state->component = matching_part_take(at, z, sizeof(uint32_t));
	state->way = matching_part_take(at, z * z, sizeof(*state->way));
	if (run->rule->method == MATCHING_PAY_AS_CLEAR)
	{
		state->step = matching_part_take(at, run->orders, sizeof(*state->step));
		state->zone = matching_part_take(at, z, sizeof(*state->zone));
		state->line = matching_part_take(at, lines, sizeof(*state->line));
		state->zone_result = matching_part_take(at, z, sizeof(*state->zone_result));
		state->line_result = matching_part_take(at, lines, sizeof(*state->line_result));
		state->total = matching_part_take(at, 1, sizeof(*state->total));
		state->solver = matching_part_take(at, 1, coupling_memory_of(z, lines, run->orders));
		/* results stay as they are where nothing is solved */
		memset(state->zone_result, 0, z * sizeof(*state->zone_result));
		memset(state->line_result, 0, lines * sizeof(*state->line_result));
	}
	run->in_zones = state;
}

/* Every way, once: with few zones it is nothing, with a thousand a few hundredths of a second. */
static void
zones_make_ways(matching_zone_state *state)
{
	uint32_t	zones = state->rule->zones;
	zone_fees_path path;

	for (uint32_t from = 0; from < zones; from++)
	{
		for (uint32_t to = 0; to < zones; to++)
		{
			matching_way *way = &state->way[(size_t) from * zones + to];

			memset(way, 0, sizeof(*way));
			/* over lines a pair has no way of its own */
			if ((state->rule->has_lines && from != to) ||
				zone_fees_find_path(state->rule->zone, (int) from, (int) to, &path) != ZONE_FEES_OK)
				continue;
			way->fees = zone_fees_of_path(state->rule->zone, &path);
			way->zones = (uint32_t) path.count;
		}
		state->own[from] = state->way[(size_t) from * zones + from].fees;
	}
}

static bool
zones_price_is_good(const matching_zones *zones, int64_t price)
{
	return price >= zones->price_min && price <= zones->price_max;
}

matching_result
matching_zones_begin(matching_run_state *run, char **at)
{
	const matching_zones *zones = run->rule->zones;

	for (size_t i = 0; i < run->orders; i++)
	{
		const matching_order *order = &run->order[i];

		run->out->bad_order = (uint32_t) i;
		if (order->zone >= zones->zones)
			return MATCHING_BAD_ZONE;
		if ((!order->any_price && !zones_price_is_good(zones, order->price)) ||
			(order->has_partner_price && !zones_price_is_good(zones, order->partner_price)))
			return MATCHING_PRICE_RANGE;
	}
	for (uint32_t i = 0; i < run->rule->conditions; i++)
	{
		const matching_condition *condition = &run->rule->condition[i];

		run->out->bad_order = condition->order;
		run->out->bad_condition = i;
		if (condition->zone != MATCHING_NOBODY && condition->zone >= zones->zones)
			return MATCHING_BAD_ZONE;
		if (condition->has_price && !zones_price_is_good(zones, condition->price))
			return MATCHING_PRICE_RANGE;
	}
	run->out->bad_order = 0;
	run->out->bad_condition = MATCHING_NOBODY;
	if (run->rule->has_reference && !zones_price_is_good(zones, run->rule->reference))
		return MATCHING_BAD_RULE;
	zones_lay_out(run, at);
	zones_make_ways(run->in_zones);
	return MATCHING_OK;
}

matching_way
matching_zones_way(const matching_run_state *run, uint32_t from, uint32_t to)
{
	const matching_zone_state *state = run->in_zones;

	return state->way[(size_t) from * state->rule->zones + to];
}

int64_t
matching_zones_delivered(const matching_run_state *run, uint32_t zone, int64_t price)
{
	return zone_fees_buyer_price(run->in_zones->own[zone], price);
}

/* Both sides, without those that have no energy left. */
void
matching_zones_lists(matching_run_state *run)
{
	matching_zone_state *state = run->in_zones;

	for (int side = 0; side < 2; side++)
	{
		const uint32_t *from = side == MATCHING_BID ? run->bid : run->ask;
		size_t		count = side == MATCHING_BID ? run->bids : run->asks;
		uint32_t   *first = state->first[side];

		memset(first, 0, (state->rule->zones + 1) * sizeof(*first));
		for (size_t i = 0; i < count; i++)
			first[run->order[from[i]].zone + 1] += run->left[from[i]] > 0;
		for (uint32_t z = 0; z < state->rule->zones; z++)
			first[z + 1] += first[z];
		/* filled from its beginning, which moves to where the next zone begins */
		for (size_t i = 0; i < count; i++)
		{
			if (run->left[from[i]] > 0)
				state->list[side][first[run->order[from[i]].zone]++] = from[i];
		}
		memmove(first + 1, first, state->rule->zones * sizeof(*first));
		first[0] = 0;
	}
}

/* ---- paid as bid ---- */

typedef struct zones_offer
{
	uint32_t	ask;
	uint32_t	open;			/* place among the open zones */
	int64_t		delivered;
	matching_way way;
} zones_offer;

/* Whether a is to be taken before b. */
static bool
zones_offer_is_better(const matching_run_state *run, const zones_offer *a, const zones_offer *b)
{
	const matching_order *ask_a = &run->order[a->ask];
	const matching_order *ask_b = &run->order[b->ask];

	if (a->delivered != b->delivered)
		return a->delivered < b->delivered;
	if (a->way.zones != b->way.zones)
		return a->way.zones < b->way.zones;
	if (ask_a->arrival != ask_b->arrival)
		return ask_a->arrival < ask_b->arrival;
	return ask_a->order_id < ask_b->order_id;
}

/* The ask that is the cheapest in a bid's zone; zones that are sold out are forgotten. */
static bool
zones_find_offer(const matching_run_state *run, uint32_t bid_zone, zones_offer *best)
{
	matching_zone_state *state = run->in_zones;
	bool		found = false;

	for (uint32_t i = 0; i < state->opens;)
	{
		uint32_t	zone = state->open[i];
		zones_offer offer = {.open = i,.way = matching_zones_way(run, zone, bid_zone)};

		while (state->head[zone] < state->first[MATCHING_ASK][zone + 1] &&
			   run->left[state->list[MATCHING_ASK][state->head[zone]]] == 0)
			state->head[zone]++;
		if (state->head[zone] == state->first[MATCHING_ASK][zone + 1])
		{
			state->open[i] = state->open[--state->opens];
			continue;
		}
		i++;
		if (offer.way.zones == 0)
			continue;
		offer.ask = state->list[MATCHING_ASK][state->head[zone]];
		offer.delivered = INT64_MIN;
		if (!run->order[offer.ask].any_price)
			offer.delivered = zone_fees_buyer_price(offer.way.fees, run->order[offer.ask].price);
		if (!found || zones_offer_is_better(run, &offer, best))
			*best = offer;
		found = true;
	}
	return found;
}

/* The bid's limit, or else the ask's and the fees, or else the reference and the fees. */
static bool
zones_bid_prices(const matching_run_state *run, const matching_order *bid, const matching_order *ask, zone_fees_way fees,
				 matching_trade *trade)
{
	if (!bid->any_price)
	{
		trade->buyer_price = bid->price;
		trade->price = zone_fees_seller_price(fees, bid->price);
		return true;
	}
	if (ask->any_price && !run->rule->has_reference)
		return false;
	trade->price = ask->any_price ? run->rule->reference : ask->price;
	trade->buyer_price = zone_fees_buyer_price(fees, trade->price);
	return true;
}

static matching_result
zones_serve_bid(matching_run_state *run, uint32_t b, uint64_t *looked_at)
{
	const matching_order *bid = &run->order[b];
	zones_offer offer = {0};

	while (run->left[b] > 0 && zones_find_offer(run, bid->zone, &offer))
	{
		const matching_order *ask = &run->order[offer.ask];
		matching_trade prices = {0};

		*looked_at += run->in_zones->opens;
		if (*looked_at >= ZONES_PAUSE_EVERY && run->rule->pause != NULL)
		{
			*looked_at = 0;
			run->rule->pause();
		}
		if (offer.delivered > matching_limit(bid))
			break;
		if (!zones_bid_prices(run, bid, ask, offer.way.fees, &prices))
		{
			run->out->bad_order = b;
			return MATCHING_NO_PRICE;
		}
		matching_add_trade(run, b, offer.ask, matching_least(run->left[b], run->left[offer.ask]), prices.price);
		run->trade[run->out->trades - 1].buyer_price = prices.buyer_price;
	}
	return MATCHING_OK;
}

matching_result
matching_zones_by_bid(matching_run_state *run)
{
	matching_zone_state *state = run->in_zones;
	matching_result result = MATCHING_OK;
	uint64_t	looked_at = 0;

	matching_zones_lists(run);
	for (uint32_t z = 0; z < state->rule->zones; z++)
	{
		state->head[z] = state->first[MATCHING_ASK][z];
		if (state->head[z] < state->first[MATCHING_ASK][z + 1])
			state->open[state->opens++] = z;
	}
	for (size_t i = 0; i < run->bids && result == MATCHING_OK; i++)
		result = zones_serve_bid(run, run->bid[i], &looked_at);
	return result;
}

/* ---- sums ---- */

/* A trade that has a way of its own: each zone on it takes its fee, and nothing is left over. */
static bool
zones_sum_way(matching_zone_state *state, const matching_trade *trade, uint32_t from, uint32_t to)
{
	zone_fees_path path;
	zone_fees_split split;
	int64_t		price = trade->price;

	if ((state->rule->has_lines && from != to) ||
		zone_fees_find_path(state->rule->zone, (int) from, (int) to, &path) != ZONE_FEES_OK ||
		zone_fees_from_buyer(state->rule->zone, &path, trade->buyer_price, &split) != ZONE_FEES_OK ||
		split.seller_price_micro_per_kwh != trade->price)
		return false;
	for (int i = 0; i < path.count; i++)
	{
		state->sum[path.zone[i]].fee += (__int128) trade->energy * split.fee_micro_per_kwh[i];
		price += split.fee_micro_per_kwh[i];
	}
	return price == trade->buyer_price;
}

/* What the coupling says of zones is what its trades say, and what was paid went somewhere. */
static bool
zones_sum_coupled(matching_zone_state *state, __int128 paid_above)
{
	for (uint32_t z = 0; z < state->rule->zones; z++)
	{
		const coupling_zone_result *zone = &state->zone_result[z];

		if (state->sum[z].sold != zone->sold_wh || state->sum[z].bought != zone->bought_wh)
			return false;
		state->sum[z].fee += zone->fee_nano;
		paid_above -= zone->fee_nano;
	}
	for (size_t i = 0; i < state->lines; i++)
		paid_above -= state->line_result[i].fee_nano + state->line_result[i].rent_nano;
	return paid_above == 0;
}

/* The method's trades first, as the coupling is about these alone. */
bool
matching_zones_sum(matching_run_state *run)
{
	matching_zone_state *state = run->in_zones;
	size_t		before = run->out->first_trades + run->out->condition_trades;
	bool		coupled = run->rule->method == MATCHING_PAY_AS_CLEAR;
	__int128	paid_above = 0;

	memset(state->sum, 0, state->rule->zones * sizeof(*state->sum));
	for (size_t n = run->out->trades; n > 0; n--)
	{
		const matching_trade *trade = &run->trade[n - 1];
		uint32_t	from = run->order[trade->ask].zone;
		uint32_t	to = run->order[trade->bid].zone;

		if (n == before && coupled && !zones_sum_coupled(state, paid_above))
			return false;
		state->sum[from].sold += trade->energy;
		state->sum[to].bought += trade->energy;
		if (coupled && n > before)
			paid_above += (__int128) trade->energy * (trade->buyer_price - trade->price);
		else if (!zones_sum_way(state, trade, from, to))
			return false;
	}
	run->out->zone_sum = state->sum;
	return before > 0 || !coupled || zones_sum_coupled(state, paid_above);
}
