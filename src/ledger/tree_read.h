/*
 * tree_read.h: reads the log's Merkle tree as tree.c stores it, and makes proofs.
 *
 * With the snapshot that is active when the reader is made.  A stored row that is
 * missing or malformed is an error (data_corrupted).  No right is asked for here.
 */
#ifndef LEDGER_TREE_READ_H
#define LEDGER_TREE_READ_H

#include "core/merkle_path.h"
#include "ledger/tree.h"

typedef struct TreeReader TreeReader;

/* What a leaf is: of which kind, of which row, and its stored hash. */
typedef struct TreeLeaf
{
	uint64		index;
	int			kind;
	uint64		ref;
	uint8		hash[MERKLE_HASH_LEN];
} TreeLeaf;

/* size: of the tree that is asked about; it must be covered by a block. */
extern TreeReader *tree_read_begin(int site_id, uint64 size);
extern void tree_read_end(TreeReader *r);

/*
 * Stored hashes of a level: 0 are leaves, k roots over 256^k of them.  All of them
 * must lie in the tree.
 */
extern void tree_read_hashes(TreeReader *r, int level, uint64 first, int count,
							 uint8 (*out)[MERKLE_HASH_LEN]);

/* Root of the tree's first `size` leaves. */
extern void tree_read_root(TreeReader *r, uint64 size, uint8 out[MERKLE_HASH_LEN]);

/* Number of hashes.  index is below the tree's size, size1 not above it. */
extern int	tree_read_inclusion(TreeReader *r, uint64 index, uint8 (*out)[MERKLE_HASH_LEN]);
extern int	tree_read_consistency(TreeReader *r, uint64 size1, uint8 (*out)[MERKLE_HASH_LEN]);

/* The stored row of leaves in which `index` lies, taken apart; returns their number. */
extern int	tree_read_run(TreeReader *r, uint64 index, TreeLeaf out[TREE_RUN]);

#endif							/* LEDGER_TREE_READ_H */
