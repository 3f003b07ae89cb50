/*
 * merkle_path.c: takes the trees of RFC 6962 apart.
 *
 * The RFC defines proofs by recursion from the root down: at each node one half
 * holds what is proved, and the other half's root goes into the proof.  Here the
 * same descent is a loop that notes the other halves, and then turns their order,
 * because a proof begins at the leaf.
 *
 * No hash is computed to know what a proof needs, so a server that reads a table
 * and a tool that reads a folder of tiles use the same code, and nothing is
 * allocated.
 */
#include "core/merkle_path.h"

#include <string.h>

#include "core/sha256.h"

/* The largest power of two below n, for n of 2 or more. */
static uint64_t
merkle_path_split(uint64_t n)
{
	return UINT64_C(1) << (63 - __builtin_clzll(n - 1));
}

static void
merkle_path_reverse(merkle_range *range, int count)
{
	for (int i = 0; i < count / 2; i++)
	{
		merkle_range swap = range[i];

		range[i] = range[count - 1 - i];
		range[count - 1 - i] = swap;
	}
}

/* RFC 6962 section 2.1.1. */
bool
merkle_path_inclusion(uint64_t index, uint64_t size,
					  merkle_range out[MERKLE_PATH_MAX], int *count)
{
	merkle_range in = {0, size};
	int			n = 0;

	if (index >= size)
		return false;
	while (in.end - in.begin > 1)
	{
		uint64_t	middle = in.begin + merkle_path_split(in.end - in.begin);

		if (index < middle)
		{
			out[n++] = (merkle_range) {middle, in.end};
			in.end = middle;
		}
		else
		{
			out[n++] = (merkle_range) {in.begin, middle};
			in.begin = middle;
		}
	}
	merkle_path_reverse(out, n);
	*count = n;
	return true;
}

/* RFC 6962 section 2.1.2, with an empty proof where it defines none: size1 = 0. */
bool
merkle_path_consistency(uint64_t size1, uint64_t size2,
						merkle_range out[MERKLE_PATH_MAX], int *count)
{
	merkle_range in = {0, size2};
	int			n = 0;

	if (size1 > size2)
		return false;
	*count = 0;
	if (size1 == 0)
		return true;
	while (in.end != size1)
	{
		uint64_t	middle = in.begin + merkle_path_split(in.end - in.begin);

		if (size1 <= middle)
		{
			out[n++] = (merkle_range) {middle, in.end};
			in.end = middle;
		}
		else
		{
			out[n++] = (merkle_range) {in.begin, middle};
			in.begin = middle;
		}
	}
	/* the old tree itself is known to whoever checks */
	if (in.begin != 0)
		out[n++] = in;
	merkle_path_reverse(out, n);
	*count = n;
	return true;
}

bool
merkle_path_subtrees(merkle_range range, merkle_subtree out[MERKLE_LEVELS_MAX], int *count)
{
	uint64_t	at = range.begin;
	uint64_t	n = range.end - range.begin;

	*count = 0;
	if (range.begin > range.end)
		return false;
	while (n > 0)
	{
		int			level = 63 - __builtin_clzll(n);

		if ((at & ((UINT64_C(1) << level) - 1)) != 0)
			return false;
		out[(*count)++] = (merkle_subtree) {level, at >> level};
		at += UINT64_C(1) << level;
		n -= UINT64_C(1) << level;
	}
	return true;
}

merkle_span
merkle_path_span(merkle_subtree subtree)
{
	int			below = subtree.level % MERKLE_TILE_BITS;
	uint64_t	first = subtree.index << below;
	merkle_span span;

	span.tile_level = subtree.level / MERKLE_TILE_BITS;
	span.tile = first / MERKLE_TILE_WIDTH;
	span.first = (int) (first % MERKLE_TILE_WIDTH);
	span.count = 1 << below;
	return span;
}

void
merkle_path_tree(uint8_t (*node)[MERKLE_HASH_LEN], int count)
{
	for (int width = count / 2; width > 0; width /= 2)
		merkle_node_hashes((const uint8_t (*)[MERKLE_HASH_LEN]) node + 2 * (size_t) width, (size_t) width, node + width);
}

void
merkle_path_perfect(const uint8_t (*hash)[MERKLE_HASH_LEN], int count,
					uint8_t out[MERKLE_HASH_LEN])
{
	uint8_t		node[2 * MERKLE_TILE_WIDTH][MERKLE_HASH_LEN];

	memcpy(node + count, hash, (size_t) count * MERKLE_HASH_LEN);
	merkle_path_tree(node, count);
	memcpy(out, node[1], MERKLE_HASH_LEN);
}

bool
merkle_path_root(merkle_range range, merkle_path_source source, void *arg,
				 uint8_t out[MERKLE_HASH_LEN])
{
	merkle_subtree subtree[MERKLE_LEVELS_MAX];
	uint8_t		left[MERKLE_HASH_LEN];
	int			count;

	if (!merkle_path_subtrees(range, subtree, &count))
		return false;
	if (count == 0)
	{
		sha256_of(NULL, 0, out);
		return true;
	}
	if (!source(arg, subtree[count - 1], out))
		return false;
	for (int i = count - 2; i >= 0; i--)
	{
		if (!source(arg, subtree[i], left))
			return false;
		merkle_node_hash(left, out, out);
	}
	return true;
}
