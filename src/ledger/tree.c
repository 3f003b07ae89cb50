/*
 * tree.c: stores the log's Merkle tree: its leaves in order, and the roots of its
 * complete subtrees of 256, 256^2, ... leaves.
 *
 * Both are what c2sp.org/tlog-tiles calls the hashes of a tile: level 0 are the
 * leaf hashes, a hash of level k the root over 256^k leaves.  Any proof can be put
 * together from at most 256 of them a level.  They are stored one by one or in
 * short runs, not as tiles of 256, because a tile that is not full yet would have
 * to be replaced, and nothing here is ever replaced.
 *
 * All of it can be derived from the entries, and verify does: what is stored here
 * makes proofs quick, it proves nothing.
 */
#include "postgres.h"
#include "compat.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/rel.h"

#include "ledger/log.h"
#include "ledger/tree.h"

struct TreeWriter
{
	int			site_id;
	merkle_frontier *frontier;
	Relation	leaves;
	CatalogIndexState leaf_indexes;
	Relation	subtrees;
	CatalogIndexState subtree_indexes;
	int			count;			/* leaves not yet written, from first_index */
	uint64		first_index;
	uint8		kind[TREE_RUN];
	Datum		ref[TREE_RUN];
	uint8		hash[TREE_RUN][MERKLE_HASH_LEN];
};

TreeWriter *
tree_write_begin(int site_id, merkle_frontier *frontier)
{
	TreeWriter *w = palloc0(sizeof(TreeWriter));

	w->site_id = site_id;
	w->frontier = frontier;
	w->leaves = table_open(log_relation_oid("leaf_run"), RowExclusiveLock);
	w->leaf_indexes = CatalogOpenIndexes(w->leaves);
	w->subtrees = table_open(log_relation_oid("subtree"), RowExclusiveLock);
	w->subtree_indexes = CatalogOpenIndexes(w->subtrees);
	return w;
}

static void
tree_flush(TreeWriter *w)
{
	bool		nulls[5] = {false};
	Datum		values[5];
	HeapTuple	tuple;

	if (w->count == 0)
		return;
	values[0] = Int16GetDatum((int16) w->site_id);
	values[1] = Int64GetDatum((int64) w->first_index);
	values[2] = log_bytea(w->kind, w->count);
	values[3] = PointerGetDatum(construct_array(w->ref, w->count, INT8OID, 8, true, TYPALIGN_DOUBLE));
	values[4] = log_bytea(w->hash[0], (Size) w->count * MERKLE_HASH_LEN);
	tuple = heap_form_tuple(RelationGetDescr(w->leaves), values, nulls);
	CatalogTupleInsertWithInfo(w->leaves, tuple, w->leaf_indexes);
	heap_freetuple(tuple);
	for (int i = 2; i < 5; i++)
		pfree(DatumGetPointer(values[i]));
	w->count = 0;
}

/* The subtrees of 256^k leaves that the last leaf completed. */
static void
tree_write_completed(TreeWriter *w)
{
	for (int level = 1; level < TREE_LEVELS; level++)
	{
		int			bits = level * TREE_TILE_BITS;
		bool		nulls[4] = {false};
		Datum		values[4];
		HeapTuple	tuple;

		if ((w->frontier->size & ((UINT64CONST(1) << bits) - 1)) != 0)
			return;
		values[0] = Int16GetDatum((int16) w->site_id);
		values[1] = Int16GetDatum((int16) level);
		values[2] = Int64GetDatum((int64) (w->frontier->size >> bits) - 1);
		values[3] = log_bytea(w->frontier->node[bits], MERKLE_HASH_LEN);
		tuple = heap_form_tuple(RelationGetDescr(w->subtrees), values, nulls);
		CatalogTupleInsertWithInfo(w->subtrees, tuple, w->subtree_indexes);
		heap_freetuple(tuple);
		pfree(DatumGetPointer(values[3]));
	}
}

void
tree_write_leaf(TreeWriter *w, int kind, uint64 ref, const uint8 hash[MERKLE_HASH_LEN])
{
	if (w->count == 0)
		w->first_index = w->frontier->size;
	w->kind[w->count] = (uint8) kind;
	w->ref[w->count] = Int64GetDatum((int64) ref);
	memcpy(w->hash[w->count], hash, MERKLE_HASH_LEN);
	merkle_frontier_append(w->frontier, hash);
	if (++w->count == TREE_RUN)
		tree_flush(w);
	tree_write_completed(w);
}

void
tree_write_end(TreeWriter *w)
{
	tree_flush(w);
	CatalogCloseIndexes(w->leaf_indexes);
	CatalogCloseIndexes(w->subtree_indexes);
	table_close(w->leaves, NoLock);
	table_close(w->subtrees, NoLock);
	pfree(w);
}
