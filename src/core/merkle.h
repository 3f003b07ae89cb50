/*
 * merkle.h: the Merkle tree of RFC 6962 section 2.1 and the checks of RFC 9162
 * sections 2.1.3.2 and 2.1.4.2.
 *
 * Leaf hash H(00 | data), node hash H(01 | left | right), empty tree H("").
 * A tree under construction is held as its frontier: the roots of the perfect
 * subtrees that make it up, at most one a level, so memory does not grow with
 * the number of leaves.
 */
#ifndef CORE_MERKLE_H
#define CORE_MERKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MERKLE_HASH_LEN 32
#define MERKLE_LEVELS_MAX 64	/* a frontier of up to 2^64 - 1 leaves */

typedef struct merkle_frontier
{
	uint64_t	size;			/* leaves so far */
	uint8_t		node[MERKLE_LEVELS_MAX][MERKLE_HASH_LEN];	/* [k]: the last
															 * subtree of 2^k
															 * leaves that was
															 * completed; part of
															 * the frontier where
															 * bit k of size is
															 * set */
} merkle_frontier;

typedef enum merkle_result
{
	MERKLE_VALID,				/* the proof leads to the root */
	MERKLE_INVALID,				/* it does not */
	MERKLE_MALFORMED			/* no tree could have this proof (index beyond
								 * size, wrong number of hashes) */
} merkle_result;

extern void merkle_leaf_hash(const void *data, size_t len, uint8_t out[MERKLE_HASH_LEN]);
extern void merkle_node_hash(const uint8_t left[MERKLE_HASH_LEN],
							 const uint8_t right[MERKLE_HASH_LEN],
							 uint8_t out[MERKLE_HASH_LEN]);

/* The n parents of 2 n neighbours, several at a time; out may be child. */
extern void merkle_node_hashes(const uint8_t (*child)[MERKLE_HASH_LEN], size_t n,
							   uint8_t (*out)[MERKLE_HASH_LEN]);

extern void merkle_frontier_init(merkle_frontier *f);

/*
 * After it, node[k] holds the subtree of 2^k leaves just completed for every k up
 * to the number of trailing zero bits of size.
 */
extern void merkle_frontier_append(merkle_frontier *f, const uint8_t leaf_hash[MERKLE_HASH_LEN]);

/*
 * The same as count of those, one after the other, and faster.  leaf_hash is
 * overwritten.
 */
extern void merkle_frontier_append_all(merkle_frontier *f, uint8_t (*leaf_hash)[MERKLE_HASH_LEN], size_t count);
extern void merkle_frontier_root(const merkle_frontier *f, uint8_t out[MERKLE_HASH_LEN]);

/* A frontier as bytes: u64 size, then its nodes from the highest level down. */
#define MERKLE_FRONTIER_BYTES_MAX (8 + MERKLE_LEVELS_MAX * MERKLE_HASH_LEN)
extern size_t merkle_frontier_store(const merkle_frontier *f, uint8_t out[MERKLE_FRONTIER_BYTES_MAX]);
extern bool merkle_frontier_load(merkle_frontier *f, const uint8_t *data, size_t len);

extern merkle_result merkle_verify_inclusion(const uint8_t leaf_hash[MERKLE_HASH_LEN],
											 uint64_t index, uint64_t size,
											 const uint8_t (*proof)[MERKLE_HASH_LEN], size_t proof_count,
											 const uint8_t root[MERKLE_HASH_LEN]);
extern merkle_result merkle_verify_consistency(uint64_t size1, uint64_t size2,
											   const uint8_t (*proof)[MERKLE_HASH_LEN], size_t proof_count,
											   const uint8_t root1[MERKLE_HASH_LEN],
											   const uint8_t root2[MERKLE_HASH_LEN]);

#endif							/* CORE_MERKLE_H */
