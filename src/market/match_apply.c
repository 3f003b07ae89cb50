/*
 * match_apply.c: what a rule says about single orders, by their ids, goes to the orders.
 *
 * A clearing that reads conditions from tables adds them to its orders itself; in SQL
 * they come with the options.  Behind this both are the same, for the matching and for
 * the hash of its input.
 */
#include "postgres.h"
#include "compat.h"

#include "miscadmin.h"

#include "market/match_rule.h"

typedef struct match_by_id
{
	int64		order_id;
	uint32		position;
} match_by_id;

static int
match_compare_ids(const void *a, const void *b)
{
	const match_by_id *x = a;
	const match_by_id *y = b;

	if (x->order_id != y->order_id)
		return x->order_id < y->order_id ? -1 : 1;
	return (x->position > y->position) - (x->position < y->position);
}

static match_by_id *
match_sort_ids(const MatchInput *in)
{
	match_by_id *by_id = palloc_extended(sizeof(match_by_id) * ((Size) in->count + 1), MCXT_ALLOC_HUGE);

	for (uint32 i = 0; i < in->count; i++)
		by_id[i] = (match_by_id) {in->order[i].order_id, i};
	qsort(by_id, in->count, sizeof(match_by_id), match_compare_ids);
	for (uint32 i = 1; i < in->count; i++)
	{
		if (by_id[i].order_id == by_id[i - 1].order_id)
			match_refuse_duplicate(in, by_id[i].position);
	}
	return by_id;
}

uint32 *
match_input_by_id(const MatchInput *in)
{
	match_by_id *by_id = match_sort_ids(in);
	uint32	   *position = palloc_extended(sizeof(uint32) * ((Size) in->count + 1), MCXT_ALLOC_HUGE);

	for (uint32 i = 0; i < in->count; i++)
		position[i] = by_id[i].position;
	pfree(by_id);
	return position;
}

static uint32
match_find_id(const MatchInput *in, const match_by_id *by_id, int64 order_id, const char *option, int element)
{
	uint32		low = 0;
	uint32		high = in->count;

	while (low < high)
	{
		uint32		middle = low + (high - low) / 2;

		if (by_id[middle].order_id < order_id)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == in->count || by_id[low].order_id != order_id)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"order_id\" in element %d of option \"%s\" is of no order", element + 1, option),
				 errdetail("It is %lld.", (long long) order_id)));
	return by_id[low].position;
}

void
match_rule_apply(const MatchRule *rule, MatchInput *in)
{
	match_by_id *by_id;

	if (in->rule_applied || (rule->sources == 0 && rule->conditions == 0))
		return;
	by_id = match_sort_ids(in);
	for (int i = 0; i < rule->sources; i++)
	{
		uint32		position = match_find_id(in, by_id, rule->source[i].order_id, "sources", i);

		CHECK_FOR_INTERRUPTS();
		if (in->source != NULL && in->source[position] != MATCHING_NOBODY)
			ereport(ERROR,
					(errcode(ERRCODE_UNIQUE_VIOLATION),
					 errmsg("option \"sources\" has an order that has a source already"),
					 errdetail("Element %d, order %lld.", i + 1, (long long) rule->source[i].order_id)));
		match_input_source(in, position, rule->source[i].source);
	}
	for (int i = 0; i < rule->conditions; i++)
	{
		CHECK_FOR_INTERRUPTS();
		match_input_condition(in, match_find_id(in, by_id, rule->condition[i].order_id, "conditions", i),
							  &rule->condition[i].condition);
	}
	in->rule_applied = true;
	pfree(by_id);
}
