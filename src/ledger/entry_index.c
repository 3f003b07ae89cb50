/*
 * entry_index.c: finds an entry's leaf without an index on it.
 *
 * An index from entries to leaves would cost every block its upkeep, for a question
 * that is asked when somebody wants a proof.  Both steps of the answer can be
 * searched for instead.  A block takes what its snapshot sees and the one before did not,
 * and snapshots only grow: so the first block that sees the entry's transaction
 * has it.  Within a block the order is given: schemas, events, entries, each by
 * their ids, then the block.
 */
#include "postgres.h"
#include "compat.h"

#include "miscadmin.h"

#include "ledger/entry_index.h"
#include "ledger/tree_read.h"

void
entry_index_newest(int site_id, FoundBlock *newest)
{
	if (!log_find_newest_block(site_id, newest))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("nothing of the log is sealed yet"),
				 errdetail("Proofs lead to a block's checkpoint, and there is no block."),
				 errhint("Run SELECT energyledger.seal().")));
}

static void
entry_index_lost(const FoundEntry *e, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("entry " UINT64_FORMAT " is not where the log must have it", e->entry.first_id),
			 errdetail("%s", detail),
			 errhint("Run SELECT * FROM energyledger.verify().")));
}

static void
entry_index_find_block(const FoundEntry *e, uint64 height, FoundBlock *out)
{
	CHECK_FOR_INTERRUPTS();
	if (!log_find_block(e->site_id, height, out))
		entry_index_lost(e, psprintf("Block " UINT64_FORMAT " is missing.", height));
}

/*
 * The first block that sees the entry.  Two times of three it is looked for where it
 * would be if the blocks in between took as many transactions each, which is near;
 * the third time in the middle, so that no log takes long.
 */
static void
entry_index_block(const FoundEntry *e, const FoundBlock *newest, FoundBlock *out)
{
	uint64		low = 1;
	uint64		high = newest->block.height;
	uint64		low_xid = 0;	/* transactions below are in blocks before low */
	uint64		high_xid = newest->incarnation == e->incarnation ? log_find_next_xid(newest) : 0;

	*out = *newest;
	for (int step = 0; low < high; step++)
	{
		uint64		probe = low + (high - low) / 2;
		FoundBlock	b;

		if (step % 3 != 2 && low_xid <= e->entry.xid && e->entry.xid < high_xid)
			probe = low + (uint64) ((double) (high - low) * (double) (e->entry.xid - low_xid) / (double) (high_xid - low_xid));
		probe = Min(probe, high - 1);
		entry_index_find_block(e, probe, &b);
		if (log_find_sees(&b, e->incarnation, e->entry.xid))
		{
			high = probe;
			*out = b;
			if (b.incarnation == e->incarnation)
				high_xid = log_find_next_xid(&b);
		}
		else
		{
			low = probe + 1;
			if (b.incarnation == e->incarnation)
				low_xid = log_find_next_xid(&b);
		}
	}
}

/* Which part of a batch a leaf belongs to. */
static int
entry_index_part(int kind)
{
	switch (kind)
	{
		case ENCODE_KIND_SCHEMA:
			return 0;
		case ENCODE_KIND_ENTRY:
			return 2;
		case ENCODE_KIND_BLOCK:
			return 3;
		default:
			return 1;
	}
}

/* <0, 0, >0: the leaf stands before the entry, is it, stands behind it. */
static int
entry_index_compare(const TreeLeaf *leaf, const FoundEntry *e)
{
	int			part = entry_index_part(leaf->kind) - entry_index_part(ENCODE_KIND_ENTRY);

	if (part != 0)
		return part;
	if (leaf->ref == e->entry.first_id)
		return 0;
	return leaf->ref < e->entry.first_id ? -1 : 1;
}

uint64
entry_index(const FoundEntry *e, const FoundBlock *newest)
{
	FoundBlock	b;
	TreeReader *tree;
	TreeLeaf	leaf[TREE_RUN];
	uint64		low;
	uint64		high;

	if (!log_find_sees(newest, e->incarnation, e->entry.xid))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("entry " UINT64_FORMAT " is not sealed yet", e->entry.first_id),
				 errdetail("The newest block, " UINT64_FORMAT ", was made before it was committed.",
						   newest->block.height),
				 errhint("Run SELECT energyledger.seal().")));
	entry_index_block(e, newest, &b);
	tree = tree_read_begin(e->site_id, newest->size);
	low = b.block.first_index;
	high = b.block.first_index + b.block.count;
	while (low < high)
	{
		uint64		middle = low + (high - low) / 2;
		int			count = tree_read_run(tree, middle, leaf);

		CHECK_FOR_INTERRUPTS();
		if (entry_index_compare(&leaf[0], e) > 0)
			high = leaf[0].index;
		else if (entry_index_compare(&leaf[count - 1], e) < 0)
			low = leaf[count - 1].index + 1;
		else
		{
			for (int i = 0; i < count; i++)
				if (entry_index_compare(&leaf[i], e) == 0)
				{
					tree_read_end(tree);
					return leaf[i].index;
				}
			break;
		}
	}
	entry_index_lost(e, psprintf("Block " UINT64_FORMAT " has to have it among its leaves.", b.block.height));
	pg_unreachable();
}
