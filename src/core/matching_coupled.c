/*
 * matching_coupled.c: several zones cleared together: the coupling says how much each zone
 * sells, buys and passes on and at what prices; here its energy goes back to orders.
 *
 * Among a zone's orders it goes by priority, as it does within one zone.  Whose energy
 * a buyer gets from elsewhere no law of nature tells; so that every trade has two
 * orders, what a zone's own orders leave over is paired by priority among the zones
 * between which energy flowed.  What is paid does not depend on the pairs.
 */
#include "core/matching_zones.h"

#include <string.h>

/* ---- the problem ---- */

static int64_t
coupled_limit(const matching_run_state *run, const matching_order *order)
{
	if (!order->any_price)
		return order->price;
	return order->side == MATCHING_BID ? run->in_zones->rule->price_max : run->in_zones->rule->price_min;
}

/* Steps of one zone and side, one a price. */
static coupling_step *
coupled_make_steps(matching_run_state *run, uint32_t zone, int side, coupling_step *step)
{
	matching_zone_state *state = run->in_zones;
	coupling_step *first = step;

	for (uint32_t i = state->first[side][zone]; i < state->first[side][zone + 1]; i++)
	{
		uint32_t	position = state->list[side][i];
		int64_t		limit = coupled_limit(run, &run->order[position]);

		if (step > first && step[-1].price_micro_per_kwh == limit)
			step[-1].energy_wh += run->left[position];
		else
			*step++ = (coupling_step) {limit, run->left[position]};
	}
	return step;
}

static void
coupled_make_zones(matching_run_state *run)
{
	matching_zone_state *state = run->in_zones;
	coupling_step *step = state->step;

	for (uint32_t z = 0; z < state->rule->zones; z++)
	{
		coupling_zone *zone = &state->zone[z];

		*zone = (coupling_zone) {.id = z,.fee_micro_per_kwh = state->rule->zone[z].fee};
		zone->supply = step;
		step = coupled_make_steps(run, z, MATCHING_ASK, step);
		zone->supply_count = (size_t) (step - zone->supply);
		zone->demand = step;
		step = coupled_make_steps(run, z, MATCHING_BID, step);
		zone->demand_count = (size_t) (step - zone->demand);
	}
}

/* The lines given, or one without limit from each zone to the one above it. */
static void
coupled_make_lines(matching_zone_state *state)
{
	const matching_zones *rule = state->rule;

	if (rule->has_lines)
	{
		for (uint32_t i = 0; i < rule->lines; i++)
			state->line[state->lines++] = rule->line[i];
		return;
	}
	for (uint32_t z = 0; z < rule->zones; z++)
	{
		if (rule->zone[z].parent >= 0)
			state->line[state->lines++] = (coupling_line) {.id = z,.from_zone = z,.to_zone = rule->zone[z].parent,
				.capacity_forth_wh = INT64_MAX,.capacity_back_wh = INT64_MAX
			};
	}
}

static matching_result
coupled_solve(matching_run_state *run)
{
	matching_zone_state *state = run->in_zones;
	coupling_problem problem = {.zone = state->zone,.zone_count = state->rule->zones,.line = state->line,
		.price_rule = (coupling_price_rule) run->rule->policy,.pause = run->rule->pause
	};
	coupling_status status;

	coupled_make_zones(run);
	coupled_make_lines(state);
	problem.line_count = state->lines;
	status = coupling_solve(&problem, state->solver, state->zone_result, state->line_result, state->total);
	if (status == COUPLING_ENERGY_RANGE)
		return MATCHING_ZONES_ENERGY;
	if (status != COUPLING_OK)
		return MATCHING_BAD_RULE;
	if (coupling_check(&problem, state->zone_result, state->line_result, state->total) != COUPLING_SOUND)
		return MATCHING_BROKEN;
	run->out->zone = state->zone_result;
	run->out->line = state->line;
	run->out->line_result = state->line_result;
	run->out->lines = state->lines;
	return MATCHING_OK;
}

/* ---- back to orders ---- */

/* A zone's energy to its orders, the best first. */
static void
coupled_accept(matching_run_state *run, uint32_t zone, int side, int64_t energy)
{
	matching_zone_state *state = run->in_zones;

	for (uint32_t i = state->first[side][zone]; i < state->first[side][zone + 1] && energy > 0; i++)
	{
		uint32_t	position = state->list[side][i];

		run->share[position] = matching_least(energy, run->left[position]);
		energy -= run->share[position];
	}
}

static void
coupled_add_trade(matching_run_state *run, uint32_t b, uint32_t a)
{
	const coupling_zone_result *zone = run->in_zones->zone_result;
	int64_t		energy = matching_least(run->share[b], run->share[a]);

	run->share[b] -= energy;
	run->share[a] -= energy;
	matching_add_trade(run, b, a, energy, zone[run->order[a].zone].seller_price_micro_per_kwh);
	run->trade[run->out->trades - 1].buyer_price = zone[run->order[b].zone].buyer_price_micro_per_kwh;
}

static void
coupled_pair_within(matching_run_state *run, uint32_t zone)
{
	matching_zone_state *state = run->in_zones;
	uint32_t	i = state->first[MATCHING_BID][zone];
	uint32_t	j = state->first[MATCHING_ASK][zone];

	while (i < state->first[MATCHING_BID][zone + 1] && j < state->first[MATCHING_ASK][zone + 1])
	{
		uint32_t	b = state->list[MATCHING_BID][i];
		uint32_t	a = state->list[MATCHING_ASK][j];

		if (run->share[b] > 0 && run->share[a] > 0)
			coupled_add_trade(run, b, a);
		i += run->share[b] == 0;
		j += run->share[a] == 0;
	}
}

static uint32_t
coupled_root(uint32_t *component, uint32_t zone)
{
	while (component[zone] != zone)
	{
		component[zone] = component[component[zone]];
		zone = component[zone];
	}
	return zone;
}

/* Zones between which energy flowed; the lowest place names them all. */
static void
coupled_components(matching_zone_state *state)
{
	for (uint32_t z = 0; z < state->rule->zones; z++)
		state->component[z] = z;
	for (size_t i = 0; i < state->lines; i++)
	{
		uint32_t	from = coupled_root(state->component, (uint32_t) state->line[i].from_zone);
		uint32_t	to = coupled_root(state->component, (uint32_t) state->line[i].to_zone);

		if (state->line_result[i].flow_wh == 0)
			continue;
		if (from < to)
			state->component[to] = from;
		else
			state->component[from] = to;
	}
}

/* What is left of a side, by component, in each by priority. */
static size_t
coupled_rest(matching_run_state *run, const uint32_t *list, size_t count, matching_entry *to)
{
	size_t		rest = 0;

	for (size_t i = 0; i < count; i++)
	{
		if (run->share[list[i]] > 0)
			to[rest++] = (matching_entry) {coupled_root(run->in_zones->component, run->order[list[i]].zone), list[i]};
	}
	matching_sort(to, run->spare, rest);
	return rest;
}

static void
coupled_pair_between(matching_run_state *run)
{
	matching_entry *bid = run->entry;
	matching_entry *ask = run->entry + run->bids;
	size_t		bids;
	size_t		asks;
	size_t		i = 0;
	size_t		j = 0;

	coupled_components(run->in_zones);
	bids = coupled_rest(run, run->bid, run->bids, bid);
	asks = coupled_rest(run, run->ask, run->asks, ask);
	/* a component's sums are equal, so both come to its end together */
	while (i < bids && j < asks && bid[i].key == ask[j].key)
	{
		coupled_add_trade(run, bid[i].position, ask[j].position);
		i += run->share[bid[i].position] == 0;
		j += run->share[ask[j].position] == 0;
	}
}

matching_result
matching_zones_coupled(matching_run_state *run)
{
	matching_zone_state *state = run->in_zones;
	matching_result result;

	matching_zones_lists(run);
	result = coupled_solve(run);
	if (result != MATCHING_OK)
		return result;
	memset(run->share, 0, run->orders * sizeof(*run->share));
	for (uint32_t z = 0; z < state->rule->zones; z++)
	{
		coupled_accept(run, z, MATCHING_ASK, state->zone_result[z].sold_wh);
		coupled_accept(run, z, MATCHING_BID, state->zone_result[z].bought_wh);
		coupled_pair_within(run, z);
	}
	coupled_pair_between(run);
	return MATCHING_OK;
}
