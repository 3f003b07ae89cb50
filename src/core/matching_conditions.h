/*
 * matching_conditions.h: what the files of matching by conditions share.
 */
#ifndef CORE_MATCHING_CONDITIONS_H
#define CORE_MATCHING_CONDITIONS_H

#include "core/matching_parts.h"

#define CONDITIONS_SELECTORS 4	/* groups that an ask may be in */
#define CONDITIONS_GROUPS_EACH 4	/* groups that a bid may ask */

/* A bid or an ask by one of its conditions, or a plain order. */
typedef struct condition_entry
{
	uint32_t	order;
	uint32_t	condition;		/* or MATCHING_NOBODY */
	bool		named;			/* the condition names something */
} condition_entry;

/* What the asks of a group have in common. */
typedef struct condition_group
{
	uint32_t	to_actor;		/* named by the ask: the bid's actor, */
	uint32_t	to_zone;		/* and the bid's zone; MATCHING_NOBODY: not named */
	uint32_t	actor;			/* the ask's; MATCHING_NOBODY: of any */
	uint32_t	source;			/* likewise */
	uint32_t	first_run;
	uint32_t	runs;
} condition_group;

/* Members of a group in one zone, the cheapest first. */
typedef struct condition_run
{
	uint32_t	zone;
	uint32_t	head;			/* the first that may have energy left */
	uint32_t	end;
} condition_run;

typedef struct matching_condition_state
{
	const matching_order *given;	/* the orders, as they came */
	matching_order *order;		/* as they are matched */
	uint32_t   *first;			/* by position: the first condition, or MATCHING_NOBODY */
	int64_t    *left;			/* by condition */
	uint32_t   *by[2];			/* of the phase's trades, by side: the condition */
	condition_entry *entry;		/* bids, then asks, each by arrival */
	matching_entry *sequence;	/* of bids: by price */
	matching_entry *member;		/* asks in groups, by group, zone and price; position is
								 * that of an entry */
	matching_entry *spare;
	uint32_t   *member_group;	/* by entry times CONDITIONS_SELECTORS */
	condition_group *group;
	uint32_t   *slot;			/* of groups: number + 1, or 0 */
	condition_run *run;
	size_t		bids;
	size_t		asks;
	size_t		members;
	uint32_t	groups;
	uint32_t	runs;
	uint32_t	mask;
	bool		asks_name;		/* an ask's condition names something */
	uint32_t   *asked;			/* runs that a bid may take from */
} matching_condition_state;

/* Asks into groups: conditions of bids say which are needed. */
extern void matching_conditions_group(matching_run_state *run);

/* The runs that a bid's entry may take from, into state->asked; how many. */
extern uint32_t matching_conditions_ask(matching_run_state *run, const condition_entry *bid);

/* Its limit where the phase compares it: with zones paid as clear never open. */
extern int64_t matching_conditions_limit(const matching_run_state *run, const condition_entry *entry);

/* What the entry may still trade. */
static inline int64_t
condition_left(const matching_run_state *run, const condition_entry *entry)
{
	int64_t		left = run->left[entry->order];

	if (entry->condition == MATCHING_NOBODY)
		return left;
	return matching_least(left, run->by_condition->left[entry->condition]);
}

static inline bool
condition_names(const matching_condition *condition)
{
	return condition->partner != MATCHING_NOBODY || condition->source != MATCHING_NOBODY || condition->zone != MATCHING_NOBODY;
}

/* Its limit; where there is none, the end of all numbers that crosses everything. */
static inline int64_t
condition_limit(const matching_run_state *run, const condition_entry *entry)
{
	if (entry->condition != MATCHING_NOBODY && run->rule->condition[entry->condition].has_price)
		return run->rule->condition[entry->condition].price;
	return matching_limit(&run->by_condition->given[entry->order]);
}

#endif							/* CORE_MATCHING_CONDITIONS_H */
