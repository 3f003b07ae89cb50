/*
 * merkle_path.h: which subtrees the proofs of RFC 6962 are put together from.
 *
 * A proof is a list of hashes, each the root over a range of leaves.  Such a range
 * is made of perfect subtrees, and a perfect subtree is a few neighbouring hashes
 * of one tile of c2sp.org/tlog-tiles.  So whoever has tiles has every proof.
 */
#ifndef CORE_MERKLE_PATH_H
#define CORE_MERKLE_PATH_H

#include "core/merkle.h"

#define MERKLE_PATH_MAX 65		/* hashes in the longest proof: a consistency proof
								 * between trees of less than 2^64 leaves */
#define MERKLE_TILE_BITS 8		/* a tile is this many levels of the tree */
#define MERKLE_TILE_WIDTH 256	/* hashes in a full one */

/* Leaves begin to end - 1. */
typedef struct merkle_range
{
	uint64_t	begin;
	uint64_t	end;
} merkle_range;

/* Leaves index * 2^level to (index + 1) * 2^level - 1. */
typedef struct merkle_subtree
{
	int			level;
	uint64_t	index;
} merkle_subtree;

/* Where a perfect subtree lies in tiles: count hashes, from position first on. */
typedef struct merkle_span
{
	int			tile_level;
	uint64_t	tile;
	int			first;
	int			count;			/* 1, 2, ... 128 */
} merkle_span;

/*
 * The ranges whose roots are the proof, in the proof's order.  False where there
 * is no such proof: index not below size, size1 above size2.
 */
extern bool merkle_path_inclusion(uint64_t index, uint64_t size,
								  merkle_range out[MERKLE_PATH_MAX], int *count);
extern bool merkle_path_consistency(uint64_t size1, uint64_t size2,
									merkle_range out[MERKLE_PATH_MAX], int *count);

/*
 * The perfect subtrees that a range is made of, largest first.  False where it is
 * no range of an RFC 6962 tree: one that ends before it begins, or begins where no
 * tree of its length does.
 */
extern bool merkle_path_subtrees(merkle_range range,
								 merkle_subtree out[MERKLE_LEVELS_MAX], int *count);

extern merkle_span merkle_path_span(merkle_subtree subtree);

/*
 * The tree over 2^k hashes that stand at node[count] to node[2 * count - 1]: node i's
 * children are 2 i and 2 i + 1, and the root is node[1].  node[0] is not used.
 */
extern void merkle_path_tree(uint8_t (*node)[MERKLE_HASH_LEN], int count);

/* Root over 2^k neighbouring hashes, at most a tile of them. */
extern void merkle_path_perfect(const uint8_t (*hash)[MERKLE_HASH_LEN], int count,
								uint8_t out[MERKLE_HASH_LEN]);

/* Where roots of perfect subtrees come from; false ends the making of the proof. */
typedef bool (*merkle_path_source) (void *arg, merkle_subtree subtree,
									uint8_t out[MERKLE_HASH_LEN]);

/* Root over a range; {0, size} gives the tree's.  False as above, or as source says. */
extern bool merkle_path_root(merkle_range range, merkle_path_source source, void *arg,
							 uint8_t out[MERKLE_HASH_LEN]);

#endif							/* CORE_MERKLE_PATH_H */
