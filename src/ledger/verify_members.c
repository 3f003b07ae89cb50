/*
 * verify_members.c: what is sealed is in the log, once, and nothing else is.
 *
 * The log pass has seen what the leaves refer to; here stand the rows that the
 * newest block's snapshot saw, which must be the same.  Both are compared as multisets,
 * without a join; only where they differ are both sorted, to name what does not fit.
 *
 * All rows are read from the heap, no index is asked (but for what is new since a
 * trusted checkpoint), and no row is handed to the executor, which would trust it.
 */
#include "postgres.h"
#include "compat.h"

#include "access/htup_details.h"
#include "access/tableam.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/xid8.h"

#include "ledger/log.h"
#include "ledger/verify_parts.h"

/* A table whose rows are leaves. */
typedef struct Members
{
	const char *table;
	const char *columns;		/* what leaves refer to, the site, which transaction wrote it; and behind
								 * that, what verify_site.c reads through the executor */
	bool		transactional;
	int			kind_low;		/* of the leaves */
	int			kind_high;
	const char *name;			/* in findings */
} Members;

#define MEMBERS_COLUMNS_MAX 8

static const Members members_of_entries = {
	"entry", "first_id, site_id, incarnation, xid", true, ENCODE_KIND_ENTRY, ENCODE_KIND_ENTRY, "entry"
};
static const Members members_of_schemas = {
	"table_schema", "schema_id, site_id, incarnation, xid, ordinals, names, types", true,
	ENCODE_KIND_SCHEMA, ENCODE_KIND_SCHEMA, "schema"
};
static const Members members_of_blocks = {
	"block", "height, site_id", false, ENCODE_KIND_BLOCK, ENCODE_KIND_BLOCK, "block"
};
static const Members members_of_events = {
	"event", "event_id, site_id, incarnation, xid, field_names, field_values", true,
	ENCODE_KIND_RENAME, ENCODE_KIND_LAST, "event"
};

typedef void (*member_function) (void *arg, int64 id);

/* ---- reading ---- */

/* Is it one that must be a leaf, of those that are verified? */
static bool
members_selects(const Verification *v, const Members *m, const Datum *values)
{
	const Selection *s = &v->selection;
	uint64		xid;
	int			incarnation;

	if (DatumGetInt16(values[1]) != s->log_site)
		return false;
	if (!m->transactional)
		return v->start == NULL || DatumGetInt64(values[0]) > (int64) v->start->height;
	xid = U64FromFullTransactionId(DatumGetFullTransactionId(values[3]));
	incarnation = DatumGetInt32(values[2]);
	return selection_sealed(s, incarnation, xid) &&
		!(s->since_given && selection_is_old(s, incarnation, xid));
}

static void
members_read_row(Verification *v, const Members *m, Record *r, HeapTuple tuple, member_function take, void *arg)
{
	Datum		values[MEMBERS_COLUMNS_MAX];
	bool		nulls[MEMBERS_COLUMNS_MAX];

	if (!record_read(r, tuple, values, nulls))
	{
		/* a sealed one has been told with its leaf */
		if (!v->findings.damage)
			verify_finding(&v->findings, psprintf("energyledger.%s", m->table), -1,
						   psprintf("%s_malformed", m->name), "a row that can be read", NULL);
		return;
	}
	for (int i = 0; i < (m->transactional ? 4 : 2); i++)
		if (nulls[i])
			return;				/* such a row is no leaf */
	if (members_selects(v, m, values))
		take(arg, DatumGetInt64(values[0]));
}

/* Rows that must be leaves. */
static void
members_read(Verification *v, const Members *m, member_function take, void *arg)
{
	Record	   *r = record_open(m->table, m->columns);
	TableScanDesc scan = table_beginscan_strat(r->rel, GetActiveSnapshot(), 0, NULL, true, false);
	TupleTableSlot *slot = table_slot_create(r->rel, NULL);
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "verify members", ALLOCSET_DEFAULT_SIZES);

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		MemoryContext old = MemoryContextSwitchTo(scratch);

		CHECK_FOR_INTERRUPTS();
		members_read_row(v, m, r, ((BufferHeapTupleTableSlot *) slot)->base.tuple, take, arg);
		MemoryContextSwitchTo(old);
		MemoryContextReset(scratch);
	}
	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
	record_close(r);
	MemoryContextDelete(scratch);
}

/* What came since the trusted checkpoint, without reading what was before. */
static void
members_read_new(Verification *v, const Members *m, member_function take, void *arg)
{
	Record	   *r = record_open(m->table, m->columns);
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "verify members", ALLOCSET_DEFAULT_SIZES);
	ScanKeyData key[2];
	int			key_count = 0;
	SysScanDesc scan;
	HeapTuple	tuple;

	if (m->transactional)
		record_key(r, &key[key_count++], 0, BTGreaterEqualStrategyNumber, v->start->id_from);
	else
	{
		record_key(r, &key[key_count++], 0, BTEqualStrategyNumber, v->selection.log_site);
		record_key(r, &key[key_count++], 1, BTGreaterStrategyNumber, (int64) v->start->height);
	}
	scan = record_begin(r, key_count, key);
	while (HeapTupleIsValid(tuple = record_next(scan, ForwardScanDirection)))
	{
		MemoryContext old = MemoryContextSwitchTo(scratch);

		members_read_row(v, m, r, tuple, take, arg);
		MemoryContextSwitchTo(old);
		MemoryContextReset(scratch);
	}
	record_end(scan);
	record_close(r);
	MemoryContextDelete(scratch);
}

static void
members_read_any(Verification *v, const Members *m, member_function take, void *arg)
{
	if (v->start != NULL)
		members_read_new(v, m, take, arg);
	else
		members_read(v, m, take, arg);
}

/* What leaves refer to, of those that are verified. */
static void
members_read_leaves(Verification *v, const Members *m, member_function take, void *arg)
{
	Record	   *r = record_open("leaf_run", "first_index, kinds, refs");
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "verify leaves", ALLOCSET_DEFAULT_SIZES);
	ScanKeyData key[2];
	int			key_count = 1;
	SysScanDesc scan;
	HeapTuple	tuple;

	record_key(r, &key[0], 0, BTEqualStrategyNumber, v->selection.log_site);
	if (v->start != NULL)
		record_key(r, &key[key_count++], 1, BTGreaterEqualStrategyNumber, (int64) v->start->frontier.size);
	scan = record_begin(r, key_count, key);
	while (HeapTupleIsValid(tuple = record_next(scan, ForwardScanDirection)))
	{
		Datum		values[3];
		bool		nulls[3];
		MemoryContext old = MemoryContextSwitchTo(scratch);

		if (record_read(r, tuple, values, nulls) && !nulls[1] && !nulls[2])
		{
			bytea	   *kinds = DatumGetByteaPP(values[1]);
			Datum	   *refs;
			bool	   *no_ref;
			int			count;

			deconstruct_array(DatumGetArrayTypeP(values[2]), INT8OID, 8, true, TYPALIGN_DOUBLE,
							  &refs, &no_ref, &count);
			for (int i = 0; i < count && i < VARSIZE_ANY_EXHDR(kinds); i++)
			{
				int			kind = ((uint8 *) VARDATA_ANY(kinds))[i];

				if (kind >= m->kind_low && kind <= m->kind_high && !no_ref[i])
					take(arg, DatumGetInt64(refs[i]));
			}
		}
		MemoryContextSwitchTo(old);
		MemoryContextReset(scratch);
	}
	record_end(scan);
	record_close(r);
	MemoryContextDelete(scratch);
}

/* ---- naming ---- */

/* Ids in order, each with how often it is there. */
typedef struct IdGroups
{
	MemoryContext context;
	RowSort    *sort;
	bool		more;			/* there is an id behind those counted: */
	VerifiedRow next;
	bool		have;			/* the group at hand: */
	int64		id;
	uint64		count;
} IdGroups;

static void
groups_take(void *arg, int64 id)
{
	IdGroups   *g = arg;
	VerifiedRow row = {.id = id};
	MemoryContext old = MemoryContextSwitchTo(g->context);

	rowsort_put(g->sort, &row);
	MemoryContextSwitchTo(old);
}

static void
groups_next(IdGroups *g)
{
	CHECK_FOR_INTERRUPTS();
	g->have = g->more;
	g->id = g->next.id;
	g->count = 0;
	while (g->more && g->next.id == g->id)
	{
		g->count++;
		g->more = rowsort_next(g->sort, &g->next);
	}
}

static void
groups_begin(IdGroups *g)
{
	rowsort_perform(g->sort);
	g->more = rowsort_next(g->sort, &g->next);
	groups_next(g);
}

static void
members_finding(Verification *v, const Members *m, int64 id, const char *what, const char *expected, const char *found)
{
	verify_finding(&v->findings, psprintf("energyledger.%s", m->table), id,
				   psprintf("%s_%s", m->name, what), expected, found);
}

/* A leaf without a row has been told with the leaf. */
static void
members_name(Verification *v, const Members *m)
{
	IdGroups	rows = {.context = CurrentMemoryContext,.sort = rowsort_begin()};
	IdGroups	leaves = {.context = CurrentMemoryContext,.sort = rowsort_begin()};

	members_read_any(v, m, groups_take, &rows);
	members_read_leaves(v, m, groups_take, &leaves);
	groups_begin(&rows);
	groups_begin(&leaves);
	while (rows.have || leaves.have)
	{
		bool		a_row = rows.have && (!leaves.have || rows.id <= leaves.id);
		bool		a_leaf = leaves.have && (!rows.have || leaves.id <= rows.id);

		if (a_row && !a_leaf)
			members_finding(v, m, rows.id, "not_in_log", "a leaf of the log", "none");
		if (a_row && rows.count > 1)
			members_finding(v, m, rows.id, "duplicate", "one row",
							psprintf(UINT64_FORMAT " rows", rows.count));
		if (a_leaf && leaves.count > 1)
			members_finding(v, m, leaves.id, "twice_in_log", "one leaf of the log",
							psprintf(UINT64_FORMAT " leaves", leaves.count));
		if (a_row)
			groups_next(&rows);
		if (a_leaf)
			groups_next(&leaves);
	}
	rowsort_end(rows.sort);
	rowsort_end(leaves.sort);
}

/* ---- comparing ---- */

typedef struct MemberCount
{
	Multiset	found;
	uint64		key;
} MemberCount;

static void
members_count(void *arg, int64 id)
{
	MemberCount *c = arg;

	multiset_add(&c->found, c->key, id);
}

static void
members_compare(Verification *v, const Members *m, const Multiset *in_log)
{
	MemberCount c = {.key = v->selection.key};

	multiset_init(&c.found);
	if (m == &members_of_entries && v->sealed_known)
		c.found = v->sealed;
	else
		members_read_any(v, m, members_count, &c);
	if (!multiset_equal(&c.found, in_log))
		members_name(v, m);
}

void
verify_members(Verification *v)
{
	if (!v->snapshot_fits)
	{
		verify_finding(&v->findings, "energyledger.block", (int64) v->log.height, "block_snapshot",
					   "a snapshot", "other bytes");
		return;
	}
	members_compare(v, &members_of_blocks, &v->log.blocks);
	members_compare(v, &members_of_entries, &v->log.entries);
	members_compare(v, &members_of_schemas, &v->log.schemas);
	members_compare(v, &members_of_events, &v->log.events);
}
