/*
 * tree.h: the log's Merkle tree as it is stored.
 */
#ifndef LEDGER_TREE_H
#define LEDGER_TREE_H

#include "core/merkle.h"

#define TREE_TILE_BITS 8		/* a stored level is this many levels of the tree:
								 * hashes of c2sp.org/tlog-tiles */
#define TREE_LEVELS 8			/* stored levels there can be: 64 / TREE_TILE_BITS */
#define TREE_RUN 40				/* leaves a row of leaf_run at most: 41 bytes each, below
								 * what is toasted */

#define TREE_RUN 40				/* leaves a row of leaf_run at most: 49 bytes each, below
								 * what is toasted */

typedef struct TreeWriter TreeWriter;

/* Leaves of one block: appended to the frontier, and stored. */
extern TreeWriter *tree_write_begin(int site_id, merkle_frontier *frontier);
extern void tree_write_leaf(TreeWriter *w, int kind, uint64 ref, const uint8 hash[MERKLE_HASH_LEN]);
extern void tree_write_end(TreeWriter *w);

#endif							/* LEDGER_TREE_H */
