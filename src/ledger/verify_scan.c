/*
 * verify_scan.c: rows to entries in one pass over the heap, without a sort.
 *
 * A transaction's rows lie together, in the order of their ids, almost always.  So a
 * few entries are kept open while the heap is read: a row goes to the one that spans
 * its id, and an entry that has all its rows is settled by its root.  What two
 * participants share, what many interleaved writers or a CLUSTER scattered, is left
 * over: it is sorted at the end and put to the same test.
 *
 * Nothing is named here.  Where anything at all does not fit, the pass says so, and the
 * sorted walk (verify_walk.c) says what.  Which entries were settled is remembered
 * as a multiset of their ids: two copies of one entry's rows do not make up for
 * another entry's that are gone.
 */
#include "postgres.h"
#include "compat.h"

#include "access/heapam.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "core/sha256.h"
#include "ledger/verify_parts.h"
#include "ledger/verify_progress.h"
#include "ledger/verify_redaction.h"

#define SCAN_OPEN_MAX 64		/* entries open at a time: 20 kB each */
#define SCAN_EVICTED_MIN 256	/* evictions before it can be seen that a table is scattered */

/* An entry some of whose rows have been seen. */
typedef struct OpenEntry
{
	int64		first_id;
	int64		last_id;
	int			table;
	uint32		row_count;
	uint32		seen;
	bool		ordered;		/* seen in ascending order so far */
	uint64		used;			/* when last */
	uint8		rows_root[MERKLE_HASH_LEN];
	int64		id[ENTRY_ROWS_MAX];
	uint8		hash[ENTRY_ROWS_MAX][MERKLE_HASH_LEN];
} OpenEntry;

struct Participant
{
	VerifyTables *tables;
	const Selection *selection;
	EntryDirectory *directory;
	leftover_function leftover;
	void	   *leftover_arg;
	bool		may_be_own;		/* this transaction may have written rows */
	int			table_open;		/* or -1 */
	MemoryContext context;		/* holds what lives longer than a row */
	MemoryContext scratch;		/* of one row */
	uint64		clock;
	OpenEntry  *current;
	int			open_count;
	OpenEntry  *open[SCAN_OPEN_MAX];
	OpenEntry  *spare;
	int			waiting_count;	/* rows in slots of row.c, to be hashed together */
	sha256_message waiting[ROW_SLOTS];
	uint64		evicted;
	ScanResult	result;
};

Participant *
scan_begin(VerifyTables *tables, const Selection *selection, leftover_function leftover, void *arg)
{
	Participant *p = palloc0(sizeof(Participant));

	p->tables = tables;
	p->selection = selection;
	p->directory = entries_open(tables, selection, false);
	p->leftover = leftover;
	p->leftover_arg = arg;
	p->may_be_own = TransactionIdIsValid(GetTopTransactionIdIfAny());
	p->table_open = -1;
	p->context = CurrentMemoryContext;
	p->scratch = AllocSetContextCreate(CurrentMemoryContext, "verify rows", ALLOCSET_DEFAULT_SIZES);
	multiset_init(&p->result.settled);
	multiset_init(&p->result.expected);
	multiset_init(&p->result.sealed);
	multiset_init(&p->result.redacted);
	return p;
}

/* ---- entries that are complete ---- */

static void
scan_settled(Participant *p, int64 first_id)
{
	multiset_add(&p->result.settled, p->selection->key, first_id);
}

static int
scan_compare_rows(const void *a, const void *b)
{
	const VerifiedRow *x = a;
	const VerifiedRow *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

/* Rows into the order of their ids; false where one is there twice. */
static bool
scan_order_rows(OpenEntry *o)
{
	VerifiedRow *row = palloc(sizeof(VerifiedRow) * o->seen);
	bool		distinct = true;

	for (uint32 i = 0; i < o->seen; i++)
	{
		row[i].id = o->id[i];
		memcpy(row[i].hash, o->hash[i], MERKLE_HASH_LEN);
	}
	qsort(row, o->seen, sizeof(VerifiedRow), scan_compare_rows);
	for (uint32 i = 0; i < o->seen; i++)
	{
		distinct &= i == 0 || row[i].id > row[i - 1].id;
		memcpy(o->hash[i], row[i].hash, MERKLE_HASH_LEN);
	}
	pfree(row);
	return distinct;
}

/* The rows that wait for others get their hashes. */
static void
scan_hash_waiting(Participant *p)
{
	sha256_of_each(p->waiting, p->waiting_count);
	p->waiting_count = 0;
}

/* A row's hash into *hash, together with the next ones'. */
static bool
scan_hash_row(Participant *p, VerifyTable *t, int64 id, uint8 *hash)
{
	sha256_message *m = &p->waiting[p->waiting_count];
	Size		len;
	uint8	   *bytes = tables_row_bytes(t, p->waiting_count, id, &len);

	if (bytes == NULL)
	{
		p->result.misfit = true;
		return false;
	}
	if (t->redactable_count > 0)
		redaction_count_row(t, id, p->selection, p->directory, &p->result.redacted);
	m->data = bytes;
	m->len = len;
	m->out = hash;
	if (++p->waiting_count == ROW_SLOTS)
		scan_hash_waiting(p);
	return true;
}

/* The leaf hashes are overwritten. */
static bool
scan_root_fits(OpenEntry *o)
{
	merkle_frontier frontier;
	uint8		root[MERKLE_HASH_LEN];

	merkle_frontier_init(&frontier);
	merkle_frontier_append_all(&frontier, o->hash, o->seen);
	merkle_frontier_root(&frontier, root);
	return memcmp(root, o->rows_root, MERKLE_HASH_LEN) == 0;
}

static void
scan_settle(Participant *p, OpenEntry *o)
{
	if ((o->ordered || scan_order_rows(o)) && scan_root_fits(o))
		scan_settled(p, o->first_id);
	else
		p->result.misfit = true;
}

/* ---- entries that are open ---- */

static void
scan_close(Participant *p, int at)
{
	OpenEntry  *o = p->open[at];

	if (p->current == o)
		p->current = NULL;
	p->open[at] = p->open[--p->open_count];
	if (p->spare == NULL)
		p->spare = o;
	else
		pfree(o);
}

/* Whoever takes them keeps them longer than the row at hand lives. */
static void
scan_leave_row(Participant *p, const VerifiedRow *row)
{
	MemoryContext old = MemoryContextSwitchTo(p->context);

	p->leftover(p->leftover_arg, row);
	MemoryContextSwitchTo(old);
}

static void
scan_leave_over(Participant *p, int at)
{
	const OpenEntry *o = p->open[at];
	VerifiedRow row = {.table = o->table};

	scan_hash_waiting(p);
	for (uint32 i = 0; i < o->seen; i++)
	{
		row.id = o->id[i];
		memcpy(row.hash, o->hash[i], MERKLE_HASH_LEN);
		scan_leave_row(p, &row);
	}
	scan_close(p, at);
}

void
scan_flush(Participant *p)
{
	while (p->open_count > 0)
		scan_leave_over(p, 0);
	if (p->table_open >= 0)
		tables_close(&p->tables->table[p->table_open]);
	p->table_open = -1;
}

static OpenEntry *
scan_open(Participant *p, const VerifyEntry *e)
{
	OpenEntry  *o;

	if (p->open_count == SCAN_OPEN_MAX)
	{
		int			oldest = 0;

		for (int i = 1; i < p->open_count; i++)
			if (p->open[i]->used < p->open[oldest]->used)
				oldest = i;
		scan_leave_over(p, oldest);
		p->evicted++;
	}
	o = p->spare != NULL ? p->spare : MemoryContextAlloc(p->context, sizeof(OpenEntry));
	p->spare = NULL;
	o->first_id = e->first_id;
	o->last_id = e->last_id;
	o->table = e->table;
	o->row_count = e->row_count;
	o->seen = 0;
	o->ordered = true;
	memcpy(o->rows_root, e->rows_root, MERKLE_HASH_LEN);
	p->open[p->open_count++] = o;
	return o;
}

/* Is it an entry whose rows can be collected? */
static bool
scan_fits(const VerifyEntry *e, int table)
{
	return e->table == table && e->readable && e->schema_fits && e->last_id >= e->first_id &&
		e->row_count > 0 && e->row_count <= ENTRY_ROWS_MAX;
}

typedef enum RowFate
{
	ROW_SKIP,					/* not selected, or no entry fits it */
	ROW_LEFT_OVER,
	ROW_SINGLE,					/* the only one of its entry */
	ROW_COLLECT					/* into p->current */
} RowFate;

/* What is to be done with a row that does not belong to the current entry. */
static RowFate
scan_find(Participant *p, int64 id, int table, const VerifyEntry **entry)
{
	const VerifyEntry *e;

	p->current = NULL;
	if (id < p->selection->rows_low || id > p->selection->rows_high ||
		(p->selection->only_site && LEDGER_ID_SITE(id) != p->selection->log_site))
		return ROW_SKIP;
	for (int i = 0; i < p->open_count; i++)
	{
		OpenEntry  *o = p->open[i];

		if (id < o->first_id || id > o->last_id || o->table != table)
			continue;
		o->used = ++p->clock;
		p->current = o;
		return ROW_COLLECT;
	}
	/* scattered: looking each row's entry up would cost more than sorting */
	if (p->evicted > SCAN_EVICTED_MIN && p->evicted > p->result.settled.count)
		return ROW_LEFT_OVER;
	*entry = e = entries_before(p->directory, id);
	if (e == NULL || id > e->last_id || (entries_selected(p->directory, e) && !scan_fits(e, table)))
	{
		p->result.misfit = true;
		return ROW_SKIP;
	}
	if (!entries_selected(p->directory, e))
		return ROW_SKIP;
	if (e->row_count == 1)
		return ROW_SINGLE;
	p->current = scan_open(p, e);
	p->current->used = ++p->clock;
	return ROW_COLLECT;
}

static void
scan_collect(Participant *p, VerifyTable *t, int64 id)
{
	OpenEntry  *o = p->current;

	if (!scan_hash_row(p, t, id, o->hash[o->seen]))
		return;
	o->ordered &= o->seen == 0 || id > o->id[o->seen - 1];
	o->id[o->seen++] = id;
	if (o->seen < o->row_count)
		return;
	scan_hash_waiting(p);
	scan_settle(p, o);
	for (int i = 0; i < p->open_count; i++)
	{
		if (p->open[i] == o)
		{
			scan_close(p, i);
			break;
		}
	}
}

static void
scan_row(Participant *p, int table, HeapTuple tuple)
{
	VerifyTable *t = &p->tables->table[table];
	const VerifyEntry *entry = NULL;
	VerifiedRow row = {.table = table};
	RowFate		fate = ROW_COLLECT;

	/* our own transaction's rows have no entry before it commits */
	if (p->may_be_own && tables_is_own_row(t, tuple))
		return;
	if (!tables_row_id(t, tuple, &row.id))
	{
		p->result.misfit = true;
		return;
	}
	if (p->current == NULL || row.id < p->current->first_id || row.id > p->current->last_id)
		fate = scan_find(p, row.id, table, &entry);
	if (fate == ROW_SKIP)
		return;
	if (fate == ROW_COLLECT)
	{
		scan_collect(p, t, row.id);
		return;
	}
	if (!scan_hash_row(p, t, row.id, row.hash))
		return;
	scan_hash_waiting(p);
	if (fate == ROW_LEFT_OVER)
		scan_leave_row(p, &row);
	else if (memcmp(row.hash, entry->rows_root, MERKLE_HASH_LEN) == 0)
		scan_settled(p, entry->first_id);
	else
		p->result.misfit = true;
}

/* ---- the heap ---- */

typedef void (*tuple_function) (Participant *p, int table, HeapTuple tuple);

static void
scan_blocks(Participant *p, Relation rel, int table, BlockNumber first, BlockNumber count, tuple_function take)
{
	/* with a ring of buffers: a whole table is not worth everybody's cache */
	TableScanDesc scan = table_beginscan_strat(rel, GetActiveSnapshot(), 0, NULL, true, false);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	BlockNumber at = first;
	uint64		rows = 0;

	heap_setscanlimits(scan, first, count);
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		HeapTuple	tuple = ((BufferHeapTupleTableSlot *) slot)->base.tuple;
		BlockNumber block = ItemPointerGetBlockNumberNoCheck(&tuple->t_self);
		MemoryContext old;

		if (block != at)
		{
			CHECK_FOR_INTERRUPTS();
			progress_blocks(block - at, rows);
			at = block;
			rows = 0;
		}
		rows++;
		old = MemoryContextSwitchTo(p->scratch);
		take(p, table, tuple);
		MemoryContextSwitchTo(old);
		MemoryContextReset(p->scratch);
	}
	progress_blocks(first + count - at, rows);
	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
}

void
scan_rows(Participant *p, int table, BlockNumber first, BlockNumber count)
{
	char	   *why = NULL;

	if (p->table_open != table)
	{
		scan_flush(p);
		if (!tables_open(&p->tables->table[table], &why))
		{
			p->result.misfit = true;
			return;
		}
		p->table_open = table;
	}
	scan_blocks(p, p->tables->table[table].rel, table, first, count, scan_row);
}

/* What the entries themselves say: how many there are, and which. */
static void
scan_entry(Participant *p, int table, HeapTuple tuple)
{
	VerifyEntry e;

	if (p->may_be_own && record_is_own(tuple))
		return;
	if (!entries_from_tuple(p->directory, tuple, &e))
	{
		p->result.misfit = true;
		return;
	}
	if (entries_selected(p->directory, &e))
		multiset_add(&p->result.expected, p->selection->key, e.first_id);
	if (e.sealed && !e.old)
		multiset_add(&p->result.sealed, p->selection->key, e.first_id);
}

void
scan_entries(Participant *p, BlockNumber first, BlockNumber count)
{
	scan_blocks(p, entries_record(p->directory)->rel, -1, first, count, scan_entry);
}

void
scan_entries_from(Participant *p, int64 first_id)
{
	Record	   *r = entries_record(p->directory);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	record_key(r, &key, 0, BTGreaterEqualStrategyNumber, first_id);
	scan = record_begin(r, 1, &key);
	while (HeapTupleIsValid(tuple = record_next(scan, ForwardScanDirection)))
		scan_entry(p, -1, tuple);
	record_end(scan);
}

/* ---- what was left over ---- */

void
scan_settle_sorted(Participant *p, RowSort *sort)
{
	OpenEntry  *o = NULL;
	VerifiedRow row;

	while (rowsort_next(sort, &row))
	{
		CHECK_FOR_INTERRUPTS();
		if (o != NULL && (row.id > o->last_id || row.table != o->table))
		{
			/* it will not become complete any more */
			p->result.misfit = true;
			return;
		}
		if (o == NULL)
		{
			const VerifyEntry *e = entries_before(p->directory, row.id);

			if (e != NULL && !entries_selected(p->directory, e) && row.id <= e->last_id)
				continue;
			if (e == NULL || row.id > e->last_id || !scan_fits(e, row.table))
			{
				p->result.misfit = true;
				return;
			}
			o = scan_open(p, e);
		}
		memcpy(o->hash[o->seen], row.hash, MERKLE_HASH_LEN);
		o->ordered &= o->seen == 0 || row.id > o->id[o->seen - 1];
		o->id[o->seen++] = row.id;
		if (o->seen < o->row_count)
			continue;
		scan_settle(p, o);
		scan_close(p, p->open_count - 1);
		o = NULL;
	}
	if (o != NULL)
		p->result.misfit = true;
}

const ScanResult *
scan_result(const Participant *p)
{
	return &p->result;
}

void
scan_end(Participant *p)
{
	entries_close(p->directory);
	MemoryContextDelete(p->scratch);
}
