/*
 * verify_entries.c: entries by ledger_id, as fast as rows ask for them.
 *
 * A row's entry is the last one that begins at or before its ledger_id.  Rows come
 * nearly in the order of their ids, so whoever needs one entry soon needs the next
 * ones: they are read in pages of a few dozen, and some pages are kept.  Two index
 * descents then serve dozens of entries, and memory stays what it is however many
 * entries there are.
 */
#include "postgres.h"
#include "compat.h"

#include "access/htup_details.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/xid8.h"

#include "ledger/log.h"
#include "ledger/verify_parts.h"

#define ENTRIES_PAGE 64			/* entries read at a time */
#define ENTRIES_PAGES 64		/* pages kept */

#define AT_SITE LOG_ENTRY_COLUMN_COUNT
#define AT_INCARNATION (AT_SITE + 1)
#define AT_LOW_TID (AT_SITE + 2)
#define AT_COUNT (AT_SITE + 3)

/* Entries from low on, and all of them below end. */
typedef struct EntryPage
{
	int64		low;
	int64		end;
	uint64		used;			/* when last */
	int			count;
	VerifyEntry entry[ENTRIES_PAGE];
} EntryPage;

struct EntryDirectory
{
	Record	   *record;
	VerifyTables *tables;
	const Selection *selection;
	bool		leaf_hashes;
	MemoryContext context;		/* holds the pages */
	MemoryContext scratch;		/* of one entry */
	uint64		clock;
	EntryPage  *last;
	int			page_count;
	EntryPage  *page[ENTRIES_PAGES];
};

EntryDirectory *
entries_open(VerifyTables *tables, const Selection *selection, bool leaf_hashes)
{
	EntryDirectory *d = palloc0(sizeof(EntryDirectory));

	d->record = record_open("entry", LOG_ENTRY_COLUMNS ", site_id, incarnation, low_tid");
	d->tables = tables;
	d->selection = selection;
	d->leaf_hashes = leaf_hashes;
	d->context = CurrentMemoryContext;
	d->scratch = AllocSetContextCreate(CurrentMemoryContext, "verify entries", ALLOCSET_DEFAULT_SIZES);
	return d;
}

void
entries_close(EntryDirectory *d)
{
	for (int i = 0; i < d->page_count; i++)
		pfree(d->page[i]);
	MemoryContextDelete(d->scratch);
	record_close(d->record);
	pfree(d);
}

Record *
entries_record(EntryDirectory *d)
{
	return d->record;
}

static void
entries_fill(EntryDirectory *d, const Datum *values, const bool *nulls, VerifyEntry *v)
{
	encode_entry e;
	const Selection *s = d->selection;

	if (!log_read_entry(values, nulls, &e) || nulls[AT_SITE] || nulls[AT_INCARNATION] || nulls[AT_LOW_TID])
		return;
	v->readable = true;
	v->first_id = (int64) e.first_id;
	v->last_id = (int64) e.last_id;
	v->row_count = e.row_count;
	v->time_us = e.time_us;
	v->site_id = DatumGetInt16(values[AT_SITE]);
	v->low_block = BlockIdGetBlockNumber(&((ItemPointer) DatumGetPointer(values[AT_LOW_TID]))->ip_blkid);
	v->table = tables_of_entry(d->tables, e.relation, (int32) e.schema_version);
	v->schema_fits = tables_entry_schema(d->tables, v->site_id, &e, NULL);
	v->sealed = v->site_id == s->log_site && selection_sealed(s, DatumGetInt32(values[AT_INCARNATION]), e.xid);
	v->old = s->since_given &&
		(v->site_id != s->log_site || selection_is_old(s, DatumGetInt32(values[AT_INCARNATION]), e.xid));
	memcpy(v->rows_root, e.rows_root, MERKLE_HASH_LEN);
	if (d->leaf_hashes)
		log_entry_hash(&e, v->leaf_hash);
}

/* False where the row has not even a first_id. */
bool
entries_from_tuple(EntryDirectory *d, HeapTuple tuple, VerifyEntry *v)
{
	Datum		values[AT_COUNT];
	bool		nulls[AT_COUNT];
	MemoryContext old = MemoryContextSwitchTo(d->scratch);
	bool		readable = record_read(d->record, tuple, values, nulls);

	memset(v, 0, offsetof(VerifyEntry, rows_root));
	v->table = -1;
	v->first_id = -1;
	if (readable && !nulls[0])
	{
		v->first_id = v->last_id = DatumGetInt64(values[0]);
		entries_fill(d, values, nulls, v);
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(d->scratch);
	return v->first_id >= 0;
}

/* Where the page that holds id begins: the last entry at or before it, or id itself. */
static int64
entries_page_start(EntryDirectory *d, int64 id)
{
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	int64		start = id;

	record_key(d->record, &key, 0, BTLessEqualStrategyNumber, id);
	scan = record_begin(d->record, 1, &key);
	tuple = record_next(scan, BackwardScanDirection);
	if (HeapTupleIsValid(tuple))
	{
		VerifyEntry v;

		if (entries_from_tuple(d, tuple, &v))
			start = v.first_id;
	}
	record_end(scan);
	return start;
}

static void
entries_load_page(EntryDirectory *d, EntryPage *page, int64 id)
{
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	page->low = entries_page_start(d, id);
	page->end = PG_INT64_MAX;
	page->count = 0;
	record_key(d->record, &key, 0, BTGreaterEqualStrategyNumber, page->low);
	scan = record_begin(d->record, 1, &key);
	while (HeapTupleIsValid(tuple = record_next(scan, ForwardScanDirection)))
	{
		VerifyEntry v;

		/* our own transaction's rows are not looked at either */
		if (record_is_own(tuple) || !entries_from_tuple(d, tuple, &v))
			continue;
		if (page->count == ENTRIES_PAGE)
		{
			page->end = v.first_id;
			break;
		}
		page->entry[page->count++] = v;
	}
	record_end(scan);
}

static EntryPage *
entries_find_page(EntryDirectory *d, int64 id)
{
	EntryPage  *oldest = NULL;
	MemoryContext old;

	d->clock++;
	if (d->last != NULL && d->last->low <= id && id < d->last->end)
		return d->last;
	for (int i = 0; i < d->page_count; i++)
	{
		EntryPage  *page = d->page[i];

		if (page->low <= id && id < page->end)
		{
			page->used = d->clock;
			return d->last = page;
		}
		if (oldest == NULL || page->used < oldest->used)
			oldest = page;
	}
	old = MemoryContextSwitchTo(d->context);
	if (d->page_count < ENTRIES_PAGES)
		oldest = d->page[d->page_count++] = palloc0(sizeof(EntryPage));
	oldest->low = oldest->end = 0;	/* nothing, should reading it fail */
	entries_load_page(d, oldest, id);
	MemoryContextSwitchTo(old);
	oldest->used = d->clock;
	return d->last = oldest;
}

const VerifyEntry *
entries_before(EntryDirectory *d, int64 id)
{
	EntryPage  *page;
	int			low = 0;
	int			high;

	if (id < 0)
		return NULL;
	page = entries_find_page(d, id);
	high = page->count;
	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (page->entry[middle].first_id <= id)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 ? &page->entry[low - 1] : NULL;
}

bool
entries_selected(const EntryDirectory *d, const VerifyEntry *e)
{
	const Selection *s = d->selection;

	return (e->table < 0 || d->tables->table[e->table].selected) &&
		!(e->table < 0 && s->only_table) &&
		!(s->only_site && e->site_id != s->log_site) &&
		!(s->ids_given && (e->last_id < s->ids_low || e->first_id > s->ids_high)) &&
		!e->old;
}

/* ---- snapshots of blocks ---- */

/*
 * What was written with earlier transaction ids was all there; what shares the block's
 * is where its snapshot says so.
 */
static bool
selection_sees(const XidSpace *space, const char *snapshot, int incarnation, uint64 xid)
{
	if (incarnation < space->from || incarnation >= space->next)
		return incarnation < space->from;
	return DatumGetBool(DirectFunctionCall2(pg_visible_in_snapshot,
											FullTransactionIdGetDatum(FullTransactionIdFromU64(xid)),
											PointerGetDatum(snapshot)));
}

bool
selection_sealed(const Selection *s, int incarnation, uint64 xid)
{
	return s->block_snapshot_len > 0 &&
		selection_sees(&s->block_space, s->block_snapshot, incarnation, xid);
}

bool
selection_is_old(const Selection *s, int incarnation, uint64 xid)
{
	return s->since_snapshot_len > 0 &&
		selection_sees(&s->since_space, s->since_snapshot, incarnation, xid);
}
