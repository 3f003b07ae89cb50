/*
 * matching_levels.c: finds, makes and removes price levels.
 */
#include "core/matching_levels.h"

#include <stddef.h>

static inline uint32_t
key_bit(uint64_t key, uint32_t bit)
{
	return (uint32_t) (key >> (63 - bit)) & 1;
}

static uint32_t
level_make(matching_level_pool *pool, uint64_t key)
{
	uint32_t	index = pool->free_level;
	matching_level *level = &pool->level[index];

	pool->free_level = level->worse;
	*level = (matching_level) {.key = key,.first = LEVEL_NONE,.last = LEVEL_NONE,.better = LEVEL_NONE,.worse = LEVEL_NONE};
	return index;
}

/* Any level below a child: all agree in the bits above it. */
static uint32_t
level_below(const matching_level_pool *pool, uint32_t child, uint32_t side)
{
	while (!(child & LEVEL_LEAF))
		child = pool->node[child].child[side];
	return child & ~LEVEL_LEAF;
}

/* Into the list, before or after a neighbour. */
static void
level_link(matching_levels *levels, matching_level_pool *pool, uint32_t index, uint32_t neighbour, bool before)
{
	matching_level *level = &pool->level[index];

	level->worse = before ? neighbour : pool->level[neighbour].worse;
	level->better = before ? pool->level[neighbour].better : neighbour;
	if (level->worse != LEVEL_NONE)
		pool->level[level->worse].better = index;
	if (level->better != LEVEL_NONE)
		pool->level[level->better].worse = index;
	else
		levels->best = index;
}

uint32_t
matching_levels_get(matching_levels *levels, matching_level_pool *pool, uint64_t key)
{
	uint32_t   *at = &levels->root;
	uint32_t	found;
	uint32_t	bit;
	uint32_t	made;
	uint32_t	node;
	uint64_t	differs;

	if (levels->root == LEVEL_NONE)
	{
		levels->best = level_make(pool, key);
		levels->root = levels->best | LEVEL_LEAF;
		return levels->best;
	}
	found = levels->root;
	while (!(found & LEVEL_LEAF))
		found = pool->node[found].child[key_bit(key, pool->node[found].bit)];
	found &= ~LEVEL_LEAF;
	differs = pool->level[found].key ^ key;
	if (differs == 0)
		return found;
	bit = (uint32_t) __builtin_clzll(differs);
	while (!(*at & LEVEL_LEAF) && pool->node[*at].bit < bit)
		at = &pool->node[*at].child[key_bit(key, pool->node[*at].bit)];
	made = level_make(pool, key);
	/* all below the place are on one side of the new one: next to it in the list */
	if (key_bit(key, bit) == 0)
		level_link(levels, pool, made, level_below(pool, *at, 0), true);
	else
		level_link(levels, pool, made, level_below(pool, *at, 1), false);
	node = pool->free_node;
	pool->free_node = pool->node[node].child[0];
	pool->node[node].bit = bit;
	pool->node[node].child[key_bit(key, bit)] = made | LEVEL_LEAF;
	pool->node[node].child[!key_bit(key, bit)] = *at;
	*at = node;
	return made;
}

void
matching_levels_remove(matching_levels *levels, matching_level_pool *pool, uint32_t index)
{
	matching_level *level = &pool->level[index];
	uint32_t   *at = &levels->root;
	uint32_t   *above = NULL;

	if (level->better != LEVEL_NONE)
		pool->level[level->better].worse = level->worse;
	else
		levels->best = level->worse;
	if (level->worse != LEVEL_NONE)
		pool->level[level->worse].better = level->better;

	while (!(*at & LEVEL_LEAF))
	{
		above = at;
		at = &pool->node[*at].child[key_bit(level->key, pool->node[*at].bit)];
	}
	if (above == NULL)
		levels->root = LEVEL_NONE;
	else
	{
		/* its sibling takes the place of the node above both */
		uint32_t	node = *above;

		*above = pool->node[node].child[!key_bit(level->key, pool->node[node].bit)];
		pool->node[node].child[0] = pool->free_node;
		pool->free_node = node;
	}
	level->worse = pool->free_level;
	pool->free_level = index;
}
