/*
 * entry_rows.c: finds the rows of an entry.
 *
 * An entry says where its rows were put.  That is a hint: VACUUM FULL, CLUSTER and a
 * restore move rows.  So whatever is found is hashed, and only rows that give the
 * entry's root are its rows.  Where the hint does not lead to them: an index on
 * ledger_id, if somebody made one; then the table itself, halved like a sorted file,
 * which it nearly is, since ids are given out in order and rows are only ever
 * appended; from there in ever wider rings, at last the whole of it.  The answer
 * never depends on the guess, only the time does.
 *
 * At most 512 rows are held, and their bytes only up to a limit: a row may be large.
 */
#include "postgres.h"
#include "compat.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relscan.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "ledger/entry_rows.h"
#include "ledger/entry_table.h"

#define TABLES_OPEN_MAX 64
#define KEPT_BYTES_MAX (4 * 1024 * 1024)	/* of rows, as long as more come */
#define RING_FIRST 4			/* blocks to either side */
#define RING_GROWTH 8
#define RING_NEAR 256			/* as far as an attempt goes that may be a wrong
								 * table's */
#define GUESS_BLOCKS 8			/* of which one must have a row */

struct EntryReader
{
	MemoryContext context;		/* of the tables */
	List	   *tables;
};

EntryReader *
entry_reader_make(MemoryContext context)
{
	EntryReader *r = MemoryContextAllocZero(context, sizeof(EntryReader));

	r->context = context;
	return r;
}

void
entry_reader_end(EntryReader *r)
{
	ListCell   *lc;

	foreach(lc, r->tables)
		entry_table_close(lfirst(lc));
	r->tables = NIL;
}

/* ---- rows that are found ---- */

static Size
entry_rows_kept(const EntryRows *out)
{
	Size		kept = 0;

	for (int i = 0; i < out->count; i++)
		if (out->row[i].bytes != NULL)
			kept += out->row[i].len;
	return kept;
}

static void
entry_rows_forget(EntryRows *out)
{
	for (int i = 0; i < out->count; i++)
		if (out->row[i].bytes != NULL)
			pfree(out->row[i].bytes);
	out->count = 0;
	out->whole = false;
}

/* False: there are more rows with ids of the entry than an entry can have. */
static bool
entry_rows_take(EntryRows *out, Size *kept, uint64 id, ItemPointer tid,
				const Datum *values, const bool *nulls)
{
	EntryTable *t = out->table;
	MemoryContext old;
	EntryRow   *row;

	if (out->count == ENTRY_ROWS_MAX)
		return false;
	row = &out->row[out->count];
	row->id = id;
	row->tid = *tid;
	old = MemoryContextSwitchTo(t->scratch);
	row->bytes = row_bytes(t->schema->plan, id, values, nulls, &row->len);
	merkle_leaf_hash(row->bytes, row->len, row->hash);
	MemoryContextSwitchTo(old);
	if (*kept + row->len <= KEPT_BYTES_MAX)
	{
		row->bytes = memcpy(palloc(row->len), row->bytes, row->len);
		*kept += row->len;
	}
	else
		row->bytes = NULL;
	MemoryContextReset(t->scratch);
	out->count++;
	return true;
}

static int
entry_row_compare(const void *a, const void *b)
{
	const EntryRow *x = a;
	const EntryRow *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

/* Are these the entry's rows? */
static bool
entry_rows_check(EntryRows *out, const FoundEntry *e)
{
	merkle_frontier frontier;
	uint8		root[MERKLE_HASH_LEN];

	qsort(out->row, out->count, sizeof(EntryRow), entry_row_compare);
	if ((uint32) out->count != e->entry.row_count)
		return false;
	merkle_frontier_init(&frontier);
	for (int i = 0; i < out->count; i++)
		merkle_frontier_append(&frontier, out->row[i].hash);
	merkle_frontier_root(&frontier, root);
	out->whole = memcmp(root, e->entry.rows_root, MERKLE_HASH_LEN) == 0;
	return out->whole;
}

/* ---- where to look ---- */

/* Rows of the entry's run between two places of the table. */
static bool
entry_rows_scan(EntryRows *out, const FoundEntry *e, ItemPointerData low, ItemPointerData high)
{
	EntryTable *t = out->table;
	TableScanDesc scan = table_beginscan_tidrange(t->rel, GetActiveSnapshot(), &low, &high);
	Size		kept = entry_rows_kept(out);
	bool		room = true;

	while (room && table_scan_getnextslot_tidrange(scan, ForwardScanDirection, t->slot))
	{
		bool		isnull;
		Datum		id = slot_getattr(t->slot, t->schema->id_attnum, &isnull);

		CHECK_FOR_INTERRUPTS();
		if (isnull || (uint64) DatumGetInt64(id) < e->entry.first_id ||
			(uint64) DatumGetInt64(id) > e->entry.last_id)
			continue;
		slot_getallattrs(t->slot);
		room = entry_rows_take(out, &kept, (uint64) DatumGetInt64(id), &t->slot->tts_tid,
							   t->slot->tts_values, t->slot->tts_isnull);
	}
	ExecClearTuple(t->slot);
	table_endscan(scan);
	return entry_rows_check(out, e);
}

static bool
entry_rows_scan_blocks(EntryRows *out, const FoundEntry *e, BlockNumber low, BlockNumber high)
{
	ItemPointerData first;
	ItemPointerData last;

	entry_rows_forget(out);
	ItemPointerSet(&first, low, 1);
	ItemPointerSet(&last, high, MaxOffsetNumber);
	return entry_rows_scan(out, e, first, last);
}

static bool
entry_rows_by_index(EntryRows *out, const FoundEntry *e)
{
	EntryTable *t = out->table;
	TupleDesc	desc = RelationGetDescr(t->rel);
	Datum	   *values = palloc(sizeof(Datum) * desc->natts);
	bool	   *nulls = palloc(sizeof(bool) * desc->natts);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	Size		kept = 0;
	bool		room = true;

	entry_rows_forget(out);
	log_find_key_int8(&keys[0], t->schema->id_attnum, BTGreaterEqualStrategyNumber, e->entry.first_id);
	log_find_key_int8(&keys[1], t->schema->id_attnum, BTLessEqualStrategyNumber, e->entry.last_id);
	scan = systable_beginscan(t->rel, t->index, true, GetActiveSnapshot(), 2, keys);
	while (room && (tuple = systable_getnext(scan)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		heap_deform_tuple(tuple, desc, values, nulls);
		room = entry_rows_take(out, &kept, (uint64) DatumGetInt64(values[t->schema->id_attnum - 1]),
							   &tuple->t_self, values, nulls);
	}
	systable_endscan(scan);
	pfree(values);
	pfree(nulls);
	return entry_rows_check(out, e);
}

/* The id of a row in these blocks; false where there is none. */
static bool
entry_rows_sample(EntryTable *t, BlockNumber block, uint64 *id)
{
	ItemPointerData low;
	ItemPointerData high;
	TableScanDesc scan;
	bool		found;
	bool		isnull;

	ItemPointerSet(&low, block, 1);
	ItemPointerSet(&high, block + GUESS_BLOCKS - 1, MaxOffsetNumber);
	scan = table_beginscan_tidrange(t->rel, GetActiveSnapshot(), &low, &high);
	found = table_scan_getnextslot_tidrange(scan, ForwardScanDirection, t->slot);
	if (found)
		*id = (uint64) DatumGetInt64(slot_getattr(t->slot, t->schema->id_attnum, &isnull));
	ExecClearTuple(t->slot);
	table_endscan(scan);
	return found;
}

/* The block where rows with that id are, if they lie in the order of their ids. */
static BlockNumber
entry_rows_guess(EntryTable *t, uint64 first_id, BlockNumber blocks)
{
	BlockNumber low = 0;
	BlockNumber high = blocks;

	while (low < high)
	{
		BlockNumber middle = low + (high - low) / 2;
		uint64		id = 0;

		CHECK_FOR_INTERRUPTS();
		if (entry_rows_sample(t, middle, &id) && id < first_id)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 ? low - 1 : 0;
}

/* Ever wider rings around the guess, up to ring_max blocks to either side. */
static bool
entry_rows_by_guess(EntryRows *out, const FoundEntry *e, uint64 ring_max)
{
	EntryTable *t = out->table;
	BlockNumber blocks = RelationGetNumberOfBlocks(t->rel);
	BlockNumber guess;

	entry_rows_forget(out);
	if (blocks == 0)
		return entry_rows_check(out, e);
	if (t->near < blocks && entry_rows_scan_blocks(out, e, t->near, Min(t->near + 1, blocks - 1)))
		return true;
	guess = entry_rows_guess(t, e->entry.first_id, blocks);
	for (uint64 ring = RING_FIRST;; ring *= RING_GROWTH)
	{
		BlockNumber low = guess > ring ? guess - (BlockNumber) ring : 0;
		BlockNumber high = (BlockNumber) Min((uint64) guess + ring, (uint64) blocks - 1);

		if (entry_rows_scan_blocks(out, e, low, high))
			return true;
		if ((low == 0 && high == blocks - 1) || ring >= ring_max)
			return false;
	}
}

/* How far an attempt goes: all of a table is read only where it must be the one. */
static bool
entry_rows_look(EntryRows *out, const FoundEntry *e, uint64 ring_max)
{
	EntryTable *t = out->table;

	if (ItemPointerIsValid(&e->place.low) && ItemPointerIsValid(&e->place.high))
	{
		entry_rows_forget(out);
		if (entry_rows_scan(out, e, e->place.low, e->place.high))
			return true;
	}
	if (OidIsValid(t->index) && entry_rows_by_index(out, e))
		return true;
	if (!entry_rows_by_guess(out, e, ring_max))
		return false;
	t->near = ItemPointerGetBlockNumber(&out->row[out->count - 1].tid);
	return true;
}

/* ---- the table ---- */

static EntryTable *
entry_reader_table(EntryReader *r, const char *name, const char *entry_relation, bool strict)
{
	MemoryContext old = MemoryContextSwitchTo(r->context);
	EntryTable *t = entry_table_open(name, entry_relation, strict);

	if (t != NULL)
	{
		if (list_length(r->tables) == TABLES_OPEN_MAX)
			entry_reader_end(r);
		r->tables = lappend(r->tables, t);
	}
	MemoryContextSwitchTo(old);
	return t;
}

/* Tables opened for entries that name it so. */
static EntryTable *
entry_reader_open_table(EntryReader *r, const char *entry_relation)
{
	ListCell   *lc;

	foreach(lc, r->tables)
		if (strcmp(((EntryTable *) lfirst(lc))->entry_relation, entry_relation) == 0)
			return lfirst(lc);
	return NULL;
}

static void
entry_reader_drop(EntryReader *r, EntryTable *t)
{
	r->tables = list_delete_ptr(r->tables, t);
	entry_table_close(t);
}

void
entry_reader_rows(EntryReader *r, const FoundEntry *e, bool strict, EntryRows *out)
{
	const char *relation = e->entry.relation;

	out->count = 0;
	out->whole = false;
	/* the table of that name, which is the one unless names were changed */
	out->table = entry_reader_open_table(r, relation);
	if (out->table == NULL)
		out->table = entry_reader_table(r, relation, relation, false);
	if (out->table != NULL)
	{
		if (entry_rows_look(out, e, RING_NEAR))
			return;
		entry_rows_forget(out);
		entry_reader_drop(r, out->table);
	}
	/* once more where it got another name in between */
	out->table = entry_reader_table(r, log_find_name_now(relation, e->entry.first_id), relation, false);
	if (out->table == NULL)
		out->table = entry_reader_table(r, log_find_name_now(relation, e->entry.first_id), relation, true);
	if (entry_rows_look(out, e, PG_UINT32_MAX) || !strict)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("the rows of entry " UINT64_FORMAT " do not give its root", e->entry.first_id),
			 errdetail("Of its %u rows, %d are in table \"%s\", or one was changed.",
					   e->entry.row_count, out->count, relation),
			 errhint("Run SELECT * FROM energyledger.verify().")));
}

uint8 *
entry_row_bytes(const EntryRows *rows, int at, Size *len)
{
	const EntryRow *row = &rows->row[at];
	EntryTable *t = rows->table;
	uint8	   *bytes;

	*len = row->len;
	if (row->bytes != NULL)
		return row->bytes;
	if (!table_tuple_fetch_row_version(t->rel, (ItemPointer) &row->tid, GetActiveSnapshot(), t->slot))
		elog(ERROR, "row " UINT64_FORMAT " is gone", row->id);
	slot_getallattrs(t->slot);
	bytes = row_bytes(t->schema->plan, row->id, t->slot->tts_values, t->slot->tts_isnull, len);
	ExecClearTuple(t->slot);
	return bytes;
}
