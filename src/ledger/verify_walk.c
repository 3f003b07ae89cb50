/*
 * verify_walk.c: says which rows do not fit.
 *
 * All rows are hashed and sorted by ledger_id, and walked together with the
 * entries in the order of their runs: ids are unique over all tables, so one walk
 * tells a row that changed from one that vanished, appeared or moved to another
 * table.  Roots decide; the short tags that an entry keeps of its rows only help to name
 * the row.
 *
 * This is the long way, taken where the quick one (verify_scan.c) found that
 * something is wrong somewhere.  It reads page by page, each in a subtransaction of
 * its own, so that what cannot be read is a finding too.
 */
#include "postgres.h"
#include "compat.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/tableam.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "core/sha256.h"
#include "ledger/log.h"
#include "ledger/verify_parts.h"
#include "ledger/verify_progress.h"
#include "ledger/verify_redaction.h"

#define AT_TAGS LOG_ENTRY_COLUMN_COUNT
#define AT_SITE (AT_TAGS + 1)
#define AT_COUNT (AT_TAGS + 2)

typedef struct Walk
{
	Verification *v;
	RowSort    *sort;
	bool		more;			/* there is a row after those collected: */
	VerifiedRow next;
	VerifiedRow *row;			/* rows of the entry at hand */
	int			row_count;
	int			row_cap;
	Redactions *redactions;		/* NULL: there are none to look for */
} Walk;

/* stands for the hash of a row that could not be read */
static const uint8 walk_unreadable[MERKLE_HASH_LEN] = {0};

/* ---- rows into the sort ---- */

/* A page's rows, or the one that is `only`. */
typedef struct PageRows
{
	VerifyTable *t;
	Redactions *redactions;
	BlockNumber block;
	int			only;			/* of the visible ones, from 0; -1: all */
	MemoryContext scratch;
	bool		opened;			/* the page could be read */
	int			seen;			/* visible rows */
	int64		id;				/* of the row at hand; -1: not known */
	int			count;
	VerifiedRow row[MaxHeapTuplesPerPage];
	int			misfit_count;	/* of their redactable values */
	RedactionMisfit *misfit;
} PageRows;

static void
walk_take_row(PageRows *page, HeapTuple tuple)
{
	VerifiedRow *row = &page->row[page->count];
	const uint8 *bytes;
	Size		len;

	page->id = -1;
	if (tables_is_own_row(page->t, tuple))
		return;
	if (!tables_row_id(page->t, tuple, &page->id))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED), errmsg("a value lies beyond the end of the row")));
	bytes = tables_row_bytes(page->t, 0, page->id, &len);
	if (bytes == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED), errmsg("a value is not one of its type")));
	sha256_of(bytes, len, row->hash);
	row->id = page->id;
	page->count++;
	if (page->redactions != NULL && page->misfit != NULL)
		page->misfit_count += redactions_of_row(page->redactions, page->t, page->id,
												page->misfit + page->misfit_count);
}

static void
walk_read_page(void *arg)
{
	PageRows   *page = arg;
	Relation	rel = page->t->rel;
	TableScanDesc scan = table_beginscan_strat(rel, GetActiveSnapshot(), 0, NULL, true, false);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	int			at = 0;

	page->count = 0;
	page->misfit_count = 0;
	page->seen = 0;
	page->opened = false;
	heap_setscanlimits(scan, page->block, 1);
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		MemoryContext old = MemoryContextSwitchTo(page->scratch);

		page->opened = true;
		page->seen++;
		if (page->only < 0 || page->only == at)
			walk_take_row(page, ((BufferHeapTupleTableSlot *) slot)->base.tuple);
		at++;
		MemoryContextSwitchTo(old);
		MemoryContextReset(page->scratch);
	}
	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
}

static void
walk_put(Walk *p, PageRows *page)
{
	const Selection *s = &p->v->selection;

	for (int i = 0; i < page->count; i++)
	{
		int64		id = page->row[i].id;

		page->row[i].table = (int32) (page->t - p->v->tables->table);
		if (id >= s->rows_low && id <= s->rows_high &&
			(!s->only_site || LEDGER_ID_SITE(id) == s->log_site))
			rowsort_put(p->sort, &page->row[i]);
	}
	for (int i = 0; i < page->misfit_count; i++)
		redactions_name(&p->v->findings, page->t->name, &page->misfit[i]);
}

/* Row by row, since one of the page's rows, or the page itself, cannot be read. */
static void
walk_page_rows(Walk *p, PageRows *page, const char *page_why)
{
	int			rows = 1;

	for (page->only = 0; page->only < rows; page->only++)
	{
		char	   *why = NULL;

		if (verify_guarded(walk_read_page, page, &why))
		{
			rows = page->seen;
			walk_put(p, page);
			continue;
		}
		if (!page->opened)
		{
			verify_finding(&p->v->findings, page->t->name, -1, "page_unreadable",
						   psprintf("block %u", page->block), why);
			return;
		}
		rows = Max(rows, page->only + 2);
		verify_finding(&p->v->findings, page->t->name, page->id, "row_unreadable",
					   psprintf("a row in block %u", page->block), why);
		page->count = 0;
		page->misfit_count = 0;
		if (page->id >= 0)
		{
			page->count = 1;
			page->row[0].id = page->id;
			memcpy(page->row[0].hash, walk_unreadable, MERKLE_HASH_LEN);
		}
		walk_put(p, page);
	}
}

static void
walk_read_table(Walk *p, VerifyTable *t)
{
	PageRows   *page = palloc0(sizeof(PageRows));
	char	   *why = NULL;
	BlockNumber blocks;

	if (!tables_open(t, &why))
		return;
	progress_phase(PROGRESS_NAMING, t->name);
	blocks = RelationGetNumberOfBlocks(t->rel);
	progress_totals(blocks, 0);
	page->t = t;
	page->redactions = p->redactions;
	if (t->redactable_count > 0)
		page->misfit = palloc(sizeof(RedactionMisfit) * MaxHeapTuplesPerPage * t->redactable_count);
	page->scratch = AllocSetContextCreate(CurrentMemoryContext, "verify page", ALLOCSET_DEFAULT_SIZES);
	for (page->block = 0; page->block < blocks; page->block++)
	{
		CHECK_FOR_INTERRUPTS();
		page->only = -1;
		if (verify_guarded(walk_read_page, page, &why))
			walk_put(p, page);
		else
			walk_page_rows(p, page, why);
		progress_blocks(1, page->seen);
	}
	MemoryContextDelete(page->scratch);
	if (page->misfit != NULL)
		pfree(page->misfit);
	pfree(page);
	tables_close(t);
}

/* ---- the walk ---- */

static const char *
walk_name(Walk *p, int table)
{
	return p->v->tables->table[table].name;
}

static void
walk_advance(Walk *p)
{
	CHECK_FOR_INTERRUPTS();
	p->more = rowsort_next(p->sort, &p->next);
}

/* Rows below `id` that no entry has. */
static void
walk_skip_to(Walk *p, int64 id, bool to_end)
{
	for (; p->more && (to_end || p->next.id < id); walk_advance(p))
		verify_finding(&p->v->findings, walk_name(p, p->next.table), p->next.id, "row_without_entry",
					   "no such row", psprintf("leaf hash %s", verify_hex(p->next.hash)));
}

/* Rows of [first_id, last_id]; those of other tables are reported and left out. */
static void
walk_collect(Walk *p, const encode_entry *e)
{
	int			table = tables_of_entry(p->v->tables, e->relation, (int32) e->schema_version);

	p->row_count = 0;
	for (; p->more && p->next.id <= (int64) e->last_id; walk_advance(p))
	{
		const char *name = walk_name(p, p->next.table);

		if (p->next.table != table)
			verify_finding(&p->v->findings, name, p->next.id, "row_in_wrong_table", e->relation, name);
		else if (p->row_count > 0 && p->row[p->row_count - 1].id == p->next.id)
			verify_finding(&p->v->findings, name, p->next.id, "row_duplicate", "one row",
						   "another with the same ledger_id");
		else
		{
			if (p->row_count == p->row_cap)
			{
				p->row_cap *= 2;
				p->row = repalloc_huge(p->row, sizeof(VerifiedRow) * p->row_cap);
			}
			p->row[p->row_count++] = p->next;
		}
	}
}

static char *
walk_tag(const uint8 *tag)
{
	return psprintf("leaf hash %02x%02x...", tag[0], tag[1]);
}

/*
 * Which rows?  With as many rows as there were, each is compared with its tag.
 * With fewer and no gaps in the run, the ids that are not there are named.
 * Returns how many rows were named.
 */
static int
walk_name_rows(Walk *p, const encode_entry *e, const uint8 *tags, Size tag_count)
{
	bool		dense = e->last_id - e->first_id + 1 == e->row_count;
	int			named = 0;
	int			at = 0;

	if (tag_count != e->row_count)
		return 0;
	for (uint32 i = 0; i < e->row_count; i++)
	{
		const uint8 *tag = tags + (Size) i * ROW_TAG_BYTES;
		int64		id = (int64) (e->first_id + i);

		if (dense ? (at < p->row_count && p->row[at].id == id) : p->row_count == (int) e->row_count)
		{
			const uint8 *hash = p->row[at].hash;

			/* one that could not be read has been named already */
			if (memcmp(hash, walk_unreadable, MERKLE_HASH_LEN) == 0)
				named++;
			else if (memcmp(hash, tag, ROW_TAG_BYTES) != 0)
			{
				verify_finding(&p->v->findings, e->relation, p->row[at].id, "row_changed",
							   walk_tag(tag), walk_tag(hash));
				named++;
			}
			at++;
		}
		else if (dense)
		{
			verify_finding(&p->v->findings, e->relation, id, "row_missing", walk_tag(tag), NULL);
			named++;
		}
	}
	return named;
}

static void
walk_entry(Walk *p, int site_id, const encode_entry *e, const uint8 *tags, Size tag_count)
{
	merkle_frontier frontier;
	uint8		root[MERKLE_HASH_LEN];

	(void) tables_entry_schema(p->v->tables, site_id, e, &p->v->findings);
	walk_skip_to(p, (int64) e->first_id, false);
	walk_collect(p, e);
	merkle_frontier_init(&frontier);
	for (int i = 0; i < p->row_count; i++)
		merkle_frontier_append(&frontier, p->row[i].hash);
	merkle_frontier_root(&frontier, root);
	if (p->row_count == (int) e->row_count && memcmp(root, e->rows_root, MERKLE_HASH_LEN) == 0)
		return;
	if (walk_name_rows(p, e, tags, tag_count) == 0)
		verify_finding(&p->v->findings, e->relation, (int64) e->first_id, "entry_rows",
					   psprintf("%u rows to ledger_id " UINT64_FORMAT " with root %s",
								e->row_count, e->last_id, verify_hex(e->rows_root)),
					   psprintf("%d rows with root %s", p->row_count, verify_hex(root)));
}

/* Is the entry one of those asked for?  Also what a trusted checkpoint covers: it was no help. */
static bool
walk_selects(Walk *p, int site_id, const encode_entry *e)
{
	const Selection *s = &p->v->selection;
	int			table = tables_of_entry(p->v->tables, e->relation, (int32) e->schema_version);

	return (table < 0 ? !s->only_table : p->v->tables->table[table].selected) &&
		!(s->only_site && site_id != s->log_site) &&
		!(s->ids_given && ((int64) e->last_id < s->ids_low || (int64) e->first_id > s->ids_high));
}

static void
walk_entries(Walk *p)
{
	Record	   *r = record_open("entry", LOG_ENTRY_COLUMNS ", row_tags, site_id");
	SysScanDesc scan = record_begin(r, 0, NULL);
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "verify entries",
												  ALLOCSET_DEFAULT_SIZES);
	HeapTuple	tuple;

	walk_advance(p);
	while (HeapTupleIsValid(tuple = record_next(scan, ForwardScanDirection)))
	{
		Datum		values[AT_COUNT];
		bool		nulls[AT_COUNT];
		encode_entry e;
		MemoryContext old = MemoryContextSwitchTo(scratch);

		/* one that is not as we write it is reported with its leaf; its rows have no entry then */
		if (!record_is_own(tuple) && record_read(r, tuple, values, nulls) && !nulls[AT_SITE] &&
			log_read_entry(values, nulls, &e) && walk_selects(p, DatumGetInt16(values[AT_SITE]), &e))
		{
			bytea	   *tags = nulls[AT_TAGS] ? NULL : DatumGetByteaPP(values[AT_TAGS]);

			walk_entry(p, DatumGetInt16(values[AT_SITE]), &e,
					   tags != NULL ? (uint8 *) VARDATA_ANY(tags) : NULL,
					   tags != NULL ? VARSIZE_ANY_EXHDR(tags) / ROW_TAG_BYTES : 0);
		}
		MemoryContextSwitchTo(old);
		MemoryContextReset(scratch);
	}
	record_end(scan);
	record_close(r);
	walk_skip_to(p, 0, true);
	MemoryContextDelete(scratch);
}

void
verify_name_rows(Verification *v)
{
	Walk	   *p = palloc0(sizeof(Walk));

	p->v = v;
	p->row_cap = ENTRY_ROWS_MAX;
	p->row = palloc(sizeof(VerifiedRow) * p->row_cap);
	p->sort = rowsort_begin();
	if (v->redacted_known && v->tables->redactable)
		p->redactions = redactions_load(v);
	for (int i = 0; i < v->tables->count; i++)
		if (v->tables->table[i].selected && OidIsValid(v->tables->table[i].relid))
			walk_read_table(p, &v->tables->table[i]);
	rowsort_perform(p->sort);
	walk_entries(p);
	if (p->redactions != NULL)
		redactions_end(p->redactions);
	rowsort_end(p->sort);
	pfree(p->row);
	pfree(p);
}
