/*
 * matching_levels.h: the price levels of one side of a book.
 *
 * A crit-bit tree: each inner node tells apart the keys below it by the first bit in
 * which they differ.  It needs no balancing, is never deeper than a key has bits,
 * and is the same whatever the order in which its levels came.  The levels also
 * stand in a list from the best to the worst, for those who only walk.
 */
#ifndef CORE_MATCHING_LEVELS_H
#define CORE_MATCHING_LEVELS_H

#include <stdbool.h>
#include <stdint.h>

#define LEVEL_NONE UINT32_MAX
#define LEVEL_LEAF (UINT32_C(1) << 31)	/* marks a child that is a level */

typedef struct matching_level
{
	uint64_t	key;			/* ascending from the best price */
	int64_t		price;
	int64_t		energy;			/* of all its orders */
	uint32_t	first;			/* its orders, the earliest first */
	uint32_t	last;
	uint32_t	better;			/* neighbours in the list */
	uint32_t	worse;
} matching_level;

typedef struct matching_level_node
{
	uint32_t	child[2];
	uint32_t	bit;			/* 0 is the highest */
} matching_level_node;

/* Levels and nodes of both sides; free ones are chained through worse and child[0]. */
typedef struct matching_level_pool
{
	matching_level *level;
	matching_level_node *node;
	uint32_t	free_level;
	uint32_t	free_node;
} matching_level_pool;

typedef struct matching_levels
{
	uint32_t	root;			/* LEVEL_NONE: empty */
	uint32_t	best;
} matching_levels;

/* The level of that key, made if it is not there.  The pool has one free. */
extern uint32_t matching_levels_get(matching_levels *levels, matching_level_pool *pool, uint64_t key);

/* Takes a level out, and back into the pool. */
extern void matching_levels_remove(matching_levels *levels, matching_level_pool *pool, uint32_t level);

#endif							/* CORE_MATCHING_LEVELS_H */
