/*
 * matching_condition_groups.c: asks by what conditions ask for, and whether what was traded
 * by conditions agrees with them.
 *
 * A group is what a bid may have named (an actor, a source, both or nothing) and what the
 * ask names in return (the bid's actor, its zone, both or nothing).  So a bid's condition
 * looks into four groups and finds there only asks that suit it, and none has to be
 * passed over.  Groups are made for what conditions name; plain asks are put into those that
 * are there.
 */
#include "core/matching_conditions.h"

#include <string.h>

static uint32_t
group_hash(const condition_group *key)
{
	const uint32_t part[4] = {key->to_actor, key->to_zone, key->actor, key->source};
	uint64_t	hash = 0;

	for (int i = 0; i < 4; i++)
	{
		hash = (hash ^ part[i]) * UINT64_C(0x9E3779B97F4A7C15);
		hash ^= hash >> 29;
	}
	return (uint32_t) (hash >> 16);
}

static bool
group_same(const condition_group *a, const condition_group *b)
{
	return a->to_actor == b->to_actor && a->to_zone == b->to_zone && a->actor == b->actor && a->source == b->source;
}

/* Its number, or MATCHING_NOBODY where it is not there and not to be made. */
static uint32_t
group_find(matching_condition_state *state, const condition_group *key, bool make)
{
	uint32_t	at = group_hash(key) & state->mask;

	while (state->slot[at] != 0)
	{
		if (group_same(&state->group[state->slot[at] - 1], key))
			return state->slot[at] - 1;
		at = (at + 1) & state->mask;
	}
	if (!make)
		return MATCHING_NOBODY;
	state->group[state->groups] = *key;
	state->slot[at] = ++state->groups;
	return state->groups - 1;
}

static uint32_t
source_of(const matching_run_state *run, uint32_t position)
{
	if (run->rule->source == NULL || run->order[position].side != MATCHING_ASK)
		return MATCHING_NOBODY;
	return run->rule->source[position];
}

/* A group for each selector: bit 0 the ask's actor, bit 1 its source. */
static void
group_add_ask(matching_run_state *run, size_t at)
{
	matching_condition_state *state = run->by_condition;
	const condition_entry *entry = &state->entry[at];
	condition_group key = {MATCHING_NOBODY, MATCHING_NOBODY};
	uint64_t	price = matching_key(matching_conditions_limit(run, entry));

	if (entry->condition != MATCHING_NOBODY)
	{
		key.to_actor = run->rule->condition[entry->condition].partner;
		key.to_zone = run->rule->condition[entry->condition].zone;
	}
	for (uint32_t selector = 0; selector < CONDITIONS_SELECTORS; selector++)
	{
		uint32_t	number = (uint32_t) at * CONDITIONS_SELECTORS + selector;
		uint32_t	group;

		key.actor = selector & 1 ? run->order[entry->order].actor : MATCHING_NOBODY;
		key.source = selector & 2 ? source_of(run, entry->order) : MATCHING_NOBODY;
		/* nobody is none that could be named */
		if ((selector & 1 && key.actor == MATCHING_NOBODY) || (selector & 2 && key.source == MATCHING_NOBODY))
			continue;
		group = group_find(state, &key, entry->named);
		if (group == MATCHING_NOBODY)
			continue;
		state->member_group[number] = group;
		state->member[state->members++] = (matching_entry) {price, number};
	}
}

/* By group, zone and price; what is equal stays by arrival. */
static void
group_sort_members(matching_run_state *run)
{
	matching_condition_state *state = run->by_condition;

	matching_sort(state->member, state->spare, state->members);
	for (size_t i = 0; i < state->members; i++)
		state->member[i].key = run->order[state->entry[state->member[i].position / CONDITIONS_SELECTORS].order].zone;
	matching_sort(state->member, state->spare, state->members);
	for (size_t i = 0; i < state->members; i++)
		state->member[i].key = state->member_group[state->member[i].position];
	matching_sort(state->member, state->spare, state->members);
	for (size_t i = 0; i < state->members; i++)
		state->member[i].position /= CONDITIONS_SELECTORS;
}

static void
group_make_runs(matching_run_state *run)
{
	matching_condition_state *state = run->by_condition;

	for (size_t i = 0; i < state->members; i++)
	{
		condition_group *group = &state->group[state->member[i].key];
		uint32_t	zone = run->order[state->entry[state->member[i].position].order].zone;

		if (i == 0 || state->member[i].key != state->member[i - 1].key || zone != state->run[state->runs - 1].zone)
		{
			if (group->runs++ == 0)
				group->first_run = state->runs;
			state->run[state->runs++] = (condition_run) {zone, (uint32_t) i, (uint32_t) i};
		}
		state->run[state->runs - 1].end++;
	}
}

void
matching_conditions_group(matching_run_state *run)
{
	matching_condition_state *state = run->by_condition;

	for (size_t i = 0; i < state->bids; i++)
	{
		const matching_condition *condition = &run->rule->condition[state->entry[i].condition];

		if (state->entry[i].named)
			group_find(state, &(condition_group) {MATCHING_NOBODY, MATCHING_NOBODY, condition->partner, condition->source}, true);
	}
	/* those that name something first, as they make groups */
	for (int plain = 0; plain < 2; plain++)
	{
		for (size_t i = state->bids; i < state->bids + state->asks; i++)
		{
			if (state->entry[i].named == !plain)
				group_add_ask(run, i);
		}
	}
	group_sort_members(run);
	group_make_runs(run);
}

uint32_t
matching_conditions_ask(matching_run_state *run, const condition_entry *bid)
{
	matching_condition_state *state = run->by_condition;
	const matching_order *order = &run->order[bid->order];
	const matching_condition *condition = bid->named ? &run->rule->condition[bid->condition] : NULL;
	uint32_t	asked = 0;

	for (int to = bid->named ? 0 : 1; to < CONDITIONS_GROUPS_EACH; to++)
	{
		condition_group key = {.to_actor = to & 1 ? order->actor : MATCHING_NOBODY,.to_zone = to & 2 ? order->zone : MATCHING_NOBODY,
			.actor = MATCHING_NOBODY,.source = MATCHING_NOBODY
		};
		uint32_t	group;

		if ((to & 1 && order->actor == MATCHING_NOBODY) || (to & 2 && order->zone == MATCHING_NOBODY))
			continue;
		if (condition != NULL)
		{
			key.actor = condition->partner;
			key.source = condition->source;
		}
		group = group_find(state, &key, false);
		if (group == MATCHING_NOBODY)
			continue;
		for (uint32_t i = 0; i < state->group[group].runs; i++)
		{
			uint32_t	r = state->group[group].first_run + i;

			if (condition == NULL || condition->zone == MATCHING_NOBODY || condition->zone == state->run[r].zone)
				state->asked[asked++] = r;
		}
	}
	return asked;
}

/* ---- the check ---- */

/* Whether an order that has conditions trades by one of them, and the other suits it. */
static bool
kept_by(const matching_run_state *run, uint32_t position, uint32_t other, uint32_t c)
{
	const matching_condition *condition;

	if (c == MATCHING_NOBODY)
		return !matching_conditions_has(run, position);
	condition = &run->rule->condition[c];
	return condition->order == position &&
		(condition->partner == MATCHING_NOBODY || condition->partner == run->order[other].actor) &&
		(condition->source == MATCHING_NOBODY || condition->source == source_of(run, other)) &&
		(condition->zone == MATCHING_NOBODY || condition->zone == run->order[other].zone);
}

/* The open condition of an order that has conditions. */
static uint32_t
kept_open(const matching_run_state *run, uint32_t position)
{
	uint32_t	c = run->by_condition->first[position];

	for (; c < run->rule->conditions && run->rule->condition[c].order == position; c++)
	{
		if (!condition_names(&run->rule->condition[c]))
			return c;
	}
	return MATCHING_NOBODY;
}

/* The limit as it was given: no more for a bid, no less for an ask. */
static bool
kept_limit(const matching_run_state *run, uint32_t position, uint32_t c, int64_t price)
{
	const condition_entry entry = {position, c, false};
	int64_t		limit = condition_limit(run, &entry);

	return run->order[position].side == MATCHING_BID ? price <= limit : price >= limit;
}

/* Energy by condition, counted down again from what was given. */
static bool
kept_energy(const matching_run_state *run, uint32_t c, int64_t energy)
{
	if (c == MATCHING_NOBODY)
		return true;
	run->by_condition->left[c] -= energy;
	return run->by_condition->left[c] >= 0;
}

bool
matching_conditions_are_kept(const matching_run_state *run)
{
	matching_condition_state *state = run->by_condition;

	for (uint32_t c = 0; c < run->rule->conditions; c++)
	{
		const matching_condition *condition = &run->rule->condition[c];

		state->left[c] = condition->has_energy ? condition->energy : state->given[condition->order].energy;
	}
	for (size_t i = run->out->first_trades; i < run->out->trades; i++)
	{
		const matching_trade *trade = &run->trade[i];
		size_t		n = i - run->out->first_trades;
		bool		phase = n < run->out->condition_trades;
		uint32_t	bid = phase ? state->by[MATCHING_BID][n] : kept_open(run, trade->bid);
		uint32_t	ask = phase ? state->by[MATCHING_ASK][n] : kept_open(run, trade->ask);

		if (!kept_by(run, trade->bid, trade->ask, bid) || !kept_by(run, trade->ask, trade->bid, ask) ||
			!kept_limit(run, trade->bid, bid, trade->buyer_price) || !kept_limit(run, trade->ask, ask, trade->price) ||
			!kept_energy(run, bid, trade->energy) || !kept_energy(run, ask, trade->energy))
			return false;
	}
	return true;
}
