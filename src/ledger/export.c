/*
 * export.c: hands out the ledger in the order of its log, an item at a time.
 *
 * The reader outside puts the same tree together from it, so nothing is judged here:
 * leaves are written from the rows of the log as they are, and an entry is followed
 * by whatever rows its table has for it, right or wrong.  Only what cannot be read
 * at all ends the export.
 *
 * Held at a time: a row of leaf_run, a leaf, and an entry's rows.  Nothing grows with
 * the ledger.
 */
#include "postgres.h"
#include "compat.h"

#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "ledger/entry_rows.h"
#include "ledger/export.h"
#include "ledger/log_find.h"
#include "ledger/site.h"
#include "ledger/tree_read.h"

struct Export
{
	MemoryContext context;		/* of all that lasts */
	MemoryContext leaf_context; /* of the leaf at hand */
	MemoryContext item_context; /* of a row that was read again */
	Snapshot	snapshot;
	int			site_id;
	uint64		next;			/* leaf */
	uint64		end;
	TreeReader *tree;
	int			run_count;		/* leaves at hand */
	TreeLeaf	run[TREE_RUN];
	EntryReader *reader;
	uint64		index;			/* of the leaf given out last */
	int			row_next;		/* of its rows, if it is an entry */
	const char *note;			/* of its block, if it is one: comes next */
	EntryRows	rows;
};

static void
export_check_rights(void)
{
	static const char *const table[] = {
		"site", "table_schema", "entry", "block", "event", "leaf_run", "subtree"
	};

	for (int i = 0; i < (int) lengthof(table); i++)
	{
		AclResult	right = pg_class_aclcheck(log_relation_oid(table[i]), GetUserId(), ACL_SELECT);

		if (right != ACLCHECK_OK)
			aclcheck_error(right, OBJECT_TABLE, table[i]);
	}
}

Export *
export_begin(MemoryContext context, uint64 from_index)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	Export	   *x = palloc0(sizeof(Export));
	FoundBlock	newest;

	export_check_rights();
	x->context = context;
	x->leaf_context = AllocSetContextCreate(context, "exported leaf", ALLOCSET_DEFAULT_SIZES);
	x->item_context = AllocSetContextCreate(context, "exported row", ALLOCSET_DEFAULT_SIZES);
	x->snapshot = RegisterSnapshot(GetActiveSnapshot());
	x->site_id = site_current()->site_id;
	x->next = from_index;
	x->end = log_find_newest_block(x->site_id, &newest) ? newest.size : 0;
	if (x->next > x->end)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"from_index\" is beyond the log"),
				 errdetail("It is " UINT64_FORMAT "; " UINT64_FORMAT " leaves are sealed.", x->next, x->end)));
	x->tree = tree_read_begin(x->site_id, x->end);
	x->reader = entry_reader_make(context);
	MemoryContextSwitchTo(old);
	return x;
}

void
export_end(Export *x)
{
	entry_reader_end(x->reader);
	tree_read_end(x->tree);
	UnregisterSnapshot(x->snapshot);
}

static void
export_lost(const TreeLeaf *leaf)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("leaf " UINT64_FORMAT " of the log is missing", leaf->index),
			 errdetail("It is of kind %d, number " UINT64_FORMAT ".", leaf->kind, leaf->ref),
			 errhint("Run SELECT * FROM energyledger.verify().")));
}

static uint8 *
export_entry(Export *x, const TreeLeaf *leaf, Size *len)
{
	FoundEntry	e;

	if (!log_find_entry(leaf->ref, &e))
		export_lost(leaf);
	entry_reader_rows(x->reader, &e, false, &x->rows);
	return log_entry_bytes(&e.entry, len);
}

static uint8 *
export_block(Export *x, const TreeLeaf *leaf, Size *len)
{
	FoundBlock	b;

	if (!log_find_block(x->site_id, leaf->ref, &b))
		export_lost(leaf);
	x->note = b.note;
	return log_block_bytes(&b.block, len);
}

/* The leaf's data, and what comes after it made ready. */
static uint8 *
export_leaf(Export *x, const TreeLeaf *leaf, Size *len)
{
	encode_schema schema;
	encode_event event;

	switch (leaf->kind)
	{
		case ENCODE_KIND_ENTRY:
			return export_entry(x, leaf, len);
		case ENCODE_KIND_BLOCK:
			return export_block(x, leaf, len);
		case ENCODE_KIND_SCHEMA:
			if (!log_find_schema_by_id(leaf->ref, &schema))
				export_lost(leaf);
			return log_schema_bytes(&schema, len);
		default:
			if (!ENCODE_IS_EVENT(leaf->kind) || !log_find_event(leaf->ref, &event))
				export_lost(leaf);
			return log_event_bytes(&event, len);
	}
}

static const TreeLeaf *
export_next_leaf(Export *x)
{
	uint64		at = x->run_count > 0 ? x->next - x->run[0].index : 0;

	if (at >= (uint64) x->run_count)
	{
		x->run_count = tree_read_run(x->tree, x->next, x->run);
		at = x->next - x->run[0].index;
	}
	x->next++;
	return &x->run[at];
}

bool
export_next(Export *x, ExportItem *item)
{
	MemoryContext old;

	CHECK_FOR_INTERRUPTS();
	item->index = x->index;
	if (x->row_next < x->rows.count)
	{
		MemoryContextReset(x->item_context);
		old = MemoryContextSwitchTo(x->item_context);
		item->kind = EXPORT_ROW;
		item->data = entry_row_bytes(&x->rows, x->row_next++, &item->len);
		MemoryContextSwitchTo(old);
		return true;
	}
	if (x->note != NULL)
	{
		item->kind = EXPORT_CHECKPOINT;
		item->data = (const uint8 *) x->note;
		item->len = strlen(x->note);
		x->note = NULL;
		return true;
	}
	MemoryContextReset(x->leaf_context);
	x->rows.count = x->row_next = 0;
	if (x->next >= x->end)
		return false;
	old = MemoryContextSwitchTo(x->leaf_context);
	item->kind = EXPORT_LEAF;
	item->index = x->index = x->next;
	item->data = export_leaf(x, export_next_leaf(x), &item->len);
	MemoryContextSwitchTo(old);
	return true;
}
