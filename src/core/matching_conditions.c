/*
 * matching_conditions.c: orders that say with whom, of which source and from where they
 * trade, at which price.
 *
 * An order's conditions are served before the method, because a method with one price has
 * no place for them.  The dearest bid goes first and takes the cheapest ask that satisfies
 * it and is satisfied by it.  An open condition then goes on to the method as if it were
 * the order.
 */
#include "core/matching_conditions.h"

#include <string.h>

#define CONDITIONS_PAUSE_EVERY 65536	/* asks looked at */

static size_t
conditions_entries(size_t orders, const matching_rule *rule)
{
	return orders + rule->conditions;
}

static size_t
conditions_groups(const matching_rule *rule)
{
	return (size_t) rule->conditions * CONDITIONS_SELECTORS;
}

/* At least twice as many as groups. */
static size_t
conditions_slots(const matching_rule *rule)
{
	size_t		slots = 16;

	while (slots < 2 * conditions_groups(rule))
		slots *= 2;
	return slots;
}

/* A bid asks at most four groups, each in each zone. */
static size_t
conditions_asked(size_t orders, const matching_rule *rule)
{
	size_t		zones = rule->zones == NULL ? orders + 1 : rule->zones->zones;

	return CONDITIONS_GROUPS_EACH * zones;
}

size_t
matching_conditions_memory(size_t orders, const matching_rule *rule)
{
	size_t		entries = conditions_entries(orders, rule);
	size_t		members = entries * CONDITIONS_SELECTORS;

	return matching_part_size(1, sizeof(matching_condition_state)) + matching_part_size(orders, sizeof(matching_order)) +
		matching_part_size(orders, sizeof(uint32_t)) + matching_part_size(rule->conditions, sizeof(int64_t)) +
		2 * matching_part_size(entries, sizeof(uint32_t)) + matching_part_size(entries, sizeof(condition_entry)) +
		matching_part_size(entries, sizeof(matching_entry)) + 2 * matching_part_size(members, sizeof(matching_entry)) +
		matching_part_size(members, sizeof(uint32_t)) + matching_part_size(conditions_groups(rule), sizeof(condition_group)) +
		matching_part_size(conditions_slots(rule), sizeof(uint32_t)) + matching_part_size(members, sizeof(condition_run)) +
		matching_part_size(conditions_asked(orders, rule), sizeof(uint32_t));
}

static void
conditions_lay_out(matching_run_state *run, char **at)
{
	const matching_rule *rule = run->rule;
	size_t		entries = conditions_entries(run->orders, rule);
	size_t		members = entries * CONDITIONS_SELECTORS;
	matching_condition_state *state = matching_part_take(at, 1, sizeof(*state));

	memset(state, 0, sizeof(*state));
	state->order = matching_part_take(at, run->orders, sizeof(*state->order));
	state->first = matching_part_take(at, run->orders, sizeof(uint32_t));
	state->left = matching_part_take(at, rule->conditions, sizeof(int64_t));
	for (int side = 0; side < 2; side++)
		state->by[side] = matching_part_take(at, entries, sizeof(uint32_t));
	state->entry = matching_part_take(at, entries, sizeof(*state->entry));
	state->sequence = matching_part_take(at, entries, sizeof(*state->sequence));
	state->member = matching_part_take(at, members, sizeof(*state->member));
	state->spare = matching_part_take(at, members, sizeof(*state->spare));
	state->member_group = matching_part_take(at, members, sizeof(uint32_t));
	state->group = matching_part_take(at, conditions_groups(rule), sizeof(*state->group));
	state->slot = matching_part_take(at, conditions_slots(rule), sizeof(uint32_t));
	state->run = matching_part_take(at, members, sizeof(*state->run));
	state->asked = matching_part_take(at, conditions_asked(run->orders, rule), sizeof(uint32_t));
	state->mask = (uint32_t) (conditions_slots(rule) - 1);
	memset(state->slot, 0, conditions_slots(rule) * sizeof(uint32_t));
	memset(state->first, 0xff, run->orders * sizeof(uint32_t));
	state->given = run->order;
	memcpy(state->order, run->order, run->orders * sizeof(*state->order));
	run->order = state->order;
	run->by_condition = state;
}

static matching_result
conditions_check(const matching_run_state *run)
{
	uint32_t	open = MATCHING_NOBODY; /* the order whose open condition was seen */
	uint32_t	of_order = 0;

	for (uint32_t i = 0; i < run->rule->conditions; i++)
	{
		const matching_condition *condition = &run->rule->condition[i];
		uint32_t	before = i == 0 ? MATCHING_NOBODY : condition[-1].order;

		run->out->bad_condition = i;
		run->out->bad_order = condition->order;
		if (condition->order >= run->orders || (i > 0 && condition->order < before) ||
			(condition->has_energy && condition->energy <= 0))
			return MATCHING_BAD_CONDITION;
		of_order = condition->order == before ? of_order + 1 : 1;
		if (of_order > MATCHING_CONDITIONS_EACH_MAX)
			return MATCHING_TOO_MANY_CONDITIONS;
		if (condition->partner != MATCHING_NOBODY && condition->partner == run->order[condition->order].actor)
			return MATCHING_OWN_PARTNER;
		if (condition_names(condition))
			continue;
		if (open == condition->order)
			return MATCHING_TWO_OPEN;
		open = condition->order;
	}
	run->out->bad_condition = MATCHING_NOBODY;
	run->out->bad_order = 0;
	return MATCHING_OK;
}

static void
conditions_set_limit(matching_order *order, int64_t limit, bool any)
{
	order->any_price = any;
	order->price = any ? 0 : limit;
}

/* Whether the condition has no limit, and none from its order. */
static bool
condition_any_price(const matching_run_state *run, uint32_t condition)
{
	const matching_condition *c = &run->rule->condition[condition];

	return !c->has_price && run->by_condition->given[c->order].any_price;
}

matching_result
matching_conditions_begin(matching_run_state *run, char **at)
{
	matching_result result = conditions_check(run);
	matching_condition_state *state;

	if (result != MATCHING_OK)
		return result;
	conditions_lay_out(run, at);
	state = run->by_condition;
	for (uint32_t i = 0; i < run->rule->conditions; i++)
	{
		const matching_condition *condition = &run->rule->condition[i];
		matching_order *order = &state->order[condition->order];
		const condition_entry entry = {condition->order, i, false};
		int64_t		limit = condition_limit(run, &entry);
		bool		first = state->first[condition->order] == MATCHING_NOBODY;

		state->left[i] = order->energy;
		if (condition->has_energy)
			state->left[i] = matching_least(condition->energy, order->energy);
		if (first)
			state->first[condition->order] = i;
		if (first || (order->side == MATCHING_BID ? limit > matching_limit(order) : limit < matching_limit(order)))
			conditions_set_limit(order, limit, condition_any_price(run, i));
	}
	return MATCHING_OK;
}

bool
matching_conditions_has(const matching_run_state *run, uint32_t position)
{
	return run->by_condition->first[position] != MATCHING_NOBODY;
}

/* ---- the phase ---- */

/* With zones paid as clear, any price is the market's own lowest or highest. */
int64_t
matching_conditions_limit(const matching_run_state *run, const condition_entry *entry)
{
	int64_t		limit = condition_limit(run, entry);

	if (run->in_zones != NULL && run->rule->method == MATCHING_PAY_AS_CLEAR)
	{
		if (limit == INT64_MAX)
			return run->rule->zones->price_max;
		if (limit == INT64_MIN)
			return run->rule->zones->price_min;
	}
	return limit;
}

/* Bids, then asks, each by arrival and order id, an order's conditions in their sequence. */
static void
conditions_make_entries(matching_run_state *run)
{
	matching_condition_state *state = run->by_condition;
	size_t		count = 0;

	for (int side = 0; side < 2; side++)
	{
		for (size_t i = 0; i < run->orders; i++)
		{
			uint32_t	position = run->arrived[i];
			uint32_t	c = state->first[position];

			if (run->order[position].side != side || run->left[position] == 0)
				continue;
			if (c == MATCHING_NOBODY)
				state->entry[count++] = (condition_entry) {position, MATCHING_NOBODY, false};
			for (; c < run->rule->conditions && run->rule->condition[c].order == position; c++)
			{
				const matching_condition *condition = &run->rule->condition[c];

				/* bids have no source that an ask could name */
				if (side == MATCHING_ASK && condition->source != MATCHING_NOBODY)
					continue;
				state->asks_name |= side == MATCHING_ASK && condition_names(condition);
				state->entry[count++] = (condition_entry) {position, c, condition_names(condition)};
			}
		}
		if (side == MATCHING_BID)
			state->bids = count;
	}
	state->asks = count - state->bids;
}

typedef struct condition_prices
{
	int64_t		seller;
	int64_t		buyer;
} condition_prices;

/* Where in [low, high], the seller's prices that both agree to; an end may be open. */
static bool
conditions_seller_price(const matching_run_state *run, int64_t low, int64_t high, int64_t *price)
{
	const matching_rule *rule = run->rule;

	if (rule->has_reference && (rule->method == MATCHING_PROPORTIONAL || low == INT64_MIN || high == INT64_MAX))
	{
		*price = rule->reference;
		*price = *price < low ? low : matching_least(*price, high);
	}
	else if (low == INT64_MIN && high == INT64_MAX)
		return false;
	else if (low == INT64_MIN || (high != INT64_MAX && rule->policy == MATCHING_BID_SIDE))
		*price = high;
	else if (high == INT64_MAX || rule->policy == MATCHING_ASK_SIDE)
		*price = low;
	else
		*price = (int64_t) (((__int128) low + high) >> 1);
	return true;
}

/*
 * The prices of one trade.  Paid as bid it is the bid's limit, or else the ask's; otherwise
 * the policy says where between them, as if the two were alone in the market.
 */
static bool
conditions_prices(const matching_run_state *run, int64_t ask, int64_t bid, zone_fees_way fees, condition_prices *out)
{
	int64_t		high = bid == INT64_MAX ? bid : zone_fees_seller_price(fees, bid);
	bool		by_bid = run->rule->method == MATCHING_PAY_AS_BID;

	if (by_bid && bid != INT64_MAX)
		*out = (condition_prices) {high, bid};
	else if (by_bid && ask != INT64_MIN)
		*out = (condition_prices) {ask, zone_fees_buyer_price(fees, ask)};
	else
	{
		if (!conditions_seller_price(run, ask, high, &out->seller))
			return false;
		out->buyer = zone_fees_buyer_price(fees, out->seller);
	}
	return true;
}

typedef struct condition_offer
{
	const condition_entry *ask;
	int64_t		limit;
	int64_t		delivered;
	zone_fees_way fees;
} condition_offer;

static bool
conditions_way(const matching_run_state *run, uint32_t from, uint32_t to, zone_fees_way *fees)
{
	matching_way way;

	*fees = (zone_fees_way) {0, 0};
	if (run->in_zones == NULL)
		return true;
	way = matching_zones_way(run, from, to);
	*fees = way.fees;
	return way.zones > 0;
}

/* The cheapest of the runs' heads; entries stand by arrival, so of equals the lower one is first. */
static bool
conditions_find_offer(matching_run_state *run, uint32_t zone, uint32_t *asked, condition_offer *best)
{
	matching_condition_state *state = run->by_condition;
	bool		found = false;

	for (uint32_t i = 0; i < *asked;)
	{
		condition_run *r = &state->run[state->asked[i]];
		condition_offer offer;

		while (r->head < r->end && condition_left(run, &state->entry[state->member[r->head].position]) == 0)
			r->head++;
		if (r->head == r->end || !conditions_way(run, r->zone, zone, &offer.fees))
		{
			state->asked[i] = state->asked[--*asked];
			continue;
		}
		i++;
		offer.ask = &state->entry[state->member[r->head].position];
		offer.limit = matching_conditions_limit(run, offer.ask);
		offer.delivered = offer.limit == INT64_MIN ? offer.limit : zone_fees_buyer_price(offer.fees, offer.limit);
		if (!found || offer.delivered < best->delivered || (offer.delivered == best->delivered && offer.ask < best->ask))
			*best = offer;
		found = true;
	}
	return found;
}

static void
conditions_add_trade(matching_run_state *run, const condition_entry *bid, const condition_entry *ask, const condition_prices *prices)
{
	matching_condition_state *state = run->by_condition;
	int64_t		energy = matching_least(condition_left(run, bid), condition_left(run, ask));
	size_t		n = run->out->trades - run->out->first_trades;

	state->by[MATCHING_BID][n] = bid->condition;
	state->by[MATCHING_ASK][n] = ask->condition;
	if (bid->condition != MATCHING_NOBODY)
		state->left[bid->condition] -= energy;
	if (ask->condition != MATCHING_NOBODY)
		state->left[ask->condition] -= energy;
	matching_add_trade(run, bid->order, ask->order, energy, prices->seller);
	run->trade[run->out->trades - 1].buyer_price = prices->buyer;
}

static matching_result
conditions_serve(matching_run_state *run, const condition_entry *bid, uint64_t *looked_at)
{
	int64_t		limit = matching_conditions_limit(run, bid);
	uint32_t	zone = run->order[bid->order].zone;
	uint32_t	asked = matching_conditions_ask(run, bid);
	bool		shared = run->rule->method == MATCHING_PROPORTIONAL;
	condition_offer offer = {NULL};
	condition_prices prices;

	while (condition_left(run, bid) > 0 && conditions_find_offer(run, zone, &asked, &offer))
	{
		*looked_at += asked;
		if (*looked_at >= CONDITIONS_PAUSE_EVERY && run->rule->pause != NULL)
		{
			*looked_at = 0;
			run->rule->pause();
		}
		if (offer.delivered > limit)
			break;
		/* a community has one price, and whoever does not agree to it takes no part */
		if (shared && run->rule->has_reference && (offer.limit > run->rule->reference || limit < run->rule->reference))
			break;
		if (!conditions_prices(run, offer.limit, limit, offer.fees, &prices))
		{
			run->out->bad_order = bid->order;
			return MATCHING_NO_PRICE;
		}
		conditions_add_trade(run, bid, offer.ask, &prices);
	}
	return MATCHING_OK;
}

/* What is open to the method: its price, and how much of it. */
static void
conditions_open(matching_run_state *run)
{
	matching_condition_state *state = run->by_condition;

	for (uint32_t i = 0; i < run->rule->conditions; i++)
	{
		uint32_t	position = run->rule->condition[i].order;
		uint32_t	open = MATCHING_NOBODY;
		condition_entry entry = {position, MATCHING_NOBODY, false};

		if (state->first[position] != i)
			continue;
		for (uint32_t c = i; c < run->rule->conditions && run->rule->condition[c].order == position; c++)
		{
			if (!condition_names(&run->rule->condition[c]))
				open = c;
		}
		entry.condition = open;
		run->left[position] = open == MATCHING_NOBODY ? 0 : condition_left(run, &entry);
		if (open != MATCHING_NOBODY)
			conditions_set_limit(&state->order[position], condition_limit(run, &entry), condition_any_price(run, open));
	}
}

matching_result
matching_conditions_phase(matching_run_state *run)
{
	matching_condition_state *state = run->by_condition;
	matching_result result = MATCHING_OK;
	uint64_t	looked_at = 0;
	size_t		count = 0;

	conditions_make_entries(run);
	matching_conditions_group(run);
	for (size_t i = 0; i < state->bids; i++)
	{
		/* a plain bid meets only asks that name something */
		if (state->entry[i].named || state->asks_name)
			state->sequence[count++] = (matching_entry) {~matching_key(matching_conditions_limit(run, &state->entry[i])), (uint32_t) i};
	}
	matching_sort(state->sequence, state->spare, count);
	for (size_t i = 0; i < count && result == MATCHING_OK; i++)
		result = conditions_serve(run, &state->entry[state->sequence[i].position], &looked_at);
	conditions_open(run);
	return result;
}
