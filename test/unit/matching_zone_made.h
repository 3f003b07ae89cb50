/*
 * matching_zone_made.h: books of several zones and with conditions, for the tests of
 * matching.
 */
#ifndef MATCHING_ZONE_MADE_H
#define MATCHING_ZONE_MADE_H

#include "matching_made.h"

#define SIDE_MAX 7
#define ACTORS 4
#define SOURCES 2
#define ZONES_MAX 5
#define CONDITIONS_MAX (4 * 2 * SIDE_MAX)
#define ENTRIES_MAX (CONDITIONS_MAX + 2 * SIDE_MAX)

typedef struct zone_book
{
	made_book	book;
	fee_zone	zone[ZONES_MAX];
	coupling_line line[ZONES_MAX];
	matching_zones zones;
	matching_condition condition[CONDITIONS_MAX];
	uint32_t	source[MADE_ORDERS_MAX];
	matching_rule rule;
} zone_book;

static inline matching_result
run_book(const zone_book *b, matching_outcome *out, void **memory)
{
	size_t		size = matching_memory_size(b->book.orders, &b->rule);

	*memory = malloc(size);
	assert_non_null(*memory);
	memset(*memory, 0xa5, size);
	return matching_run(b->book.order, b->book.orders, &b->rule, *memory, out);
}

#endif							/* MATCHING_ZONE_MADE_H */
