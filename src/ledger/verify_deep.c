/*
 * verify_deep.c: do the indexes say what the tables say?
 *
 * Queries believe an index.  One that hides a row, or that leads to one under another
 * value, lies to everybody who asks by it, while the table itself is intact.  B-tree
 * indexes, of ledger tables, of their TOAST tables and of the log's own, are checked by
 * amcheck: their order, and that they have every row of the table.  That they have no
 * more than that is checked here: each entry of the index must lead to a row that has
 * the entry's values, and to each row once.  TOAST tables are plain heap, which
 * amcheck checks too.
 *
 * What amcheck reports are findings.  Other kinds of indexes it cannot check.
 */
#include "postgres.h"
#include "compat.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/itup.h"
#include "access/relscan.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "ledger/log.h"
#include "ledger/schema.h"
#include "ledger/verify_parts.h"
#include "ledger/verify_progress.h"

#define DEEP_FINDINGS_MAX 100	/* of one index: it is to be rebuilt anyway */

typedef struct DeepIndex
{
	Verification *v;
	Oid			index;
	char	   *name;			/* schema.index */
	Oid			table;
	AttrNumber	id_attnum;		/* of ledger_id, or of another bigint that names rows */
	int			named;
} DeepIndex;

/* ---- amcheck ---- */

void
verify_deep_prepare(Verification *v)
{
	if (SPI_execute("SELECT quote_ident(n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace"
					" WHERE e.extname = 'amcheck'", true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not look for the extension amcheck");
	if (SPI_processed == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot verify indexes without the extension amcheck"),
				 errdetail("Argument \"deep\" was true."),
				 errhint("Run CREATE EXTENSION amcheck in this database.")));
	v->amcheck = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
}

static void
deep_amcheck_index(void *arg)
{
	DeepIndex  *d = arg;
	Oid			types[1] = {REGCLASSOID};
	Datum		args[1] = {ObjectIdGetDatum(d->index)};

	if (SPI_execute_with_args(psprintf("SELECT %s.bt_index_check($1, true)", d->v->amcheck),
							  1, types, args, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not check index \"%s\"", d->name);
}

/* A TOAST table's pages: a row for each fault. */
static void
deep_amcheck_toast(void *arg)
{
	DeepIndex  *d = arg;
	Oid			types[1] = {REGCLASSOID};
	Datum		args[1] = {ObjectIdGetDatum(d->table)};

	if (SPI_execute_with_args(psprintf("SELECT 'block ' || blkno, msg FROM %s.verify_heapam($1)", d->v->amcheck),
							  1, types, args, NULL, true, DEEP_FINDINGS_MAX) != SPI_OK_SELECT)
		elog(ERROR, "could not check table \"%s\"", d->name);
	for (uint64 i = 0; i < SPI_processed; i++)
		verify_finding(&d->v->findings, d->name, -1, "toast_corrupt",
					   SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1),
					   SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2));
}

/* ---- what the index has ---- */

/* Does the entry have the row's values?  Columns that are stored in another form are passed over. */
static bool
deep_same_values(Relation index, IndexScanDesc scan, TupleTableSlot *row)
{
	Datum		values[INDEX_MAX_KEYS];
	bool		nulls[INDEX_MAX_KEYS];

	index_deform_tuple(scan->xs_itup, scan->xs_itupdesc, values, nulls);
	for (int i = 0; i < index->rd_index->indnatts; i++)
	{
		AttrNumber	attnum = index->rd_index->indkey.values[i];
		Form_pg_attribute stored = TupleDescAttr(scan->xs_itupdesc, i);
		Form_pg_attribute att = attnum > 0 ? TupleDescAttr(row->tts_tupleDescriptor, attnum - 1) : NULL;
		bool		isnull;
		Datum		value;

		if (att == NULL || att->atttypid != stored->atttypid || att->attlen != stored->attlen)
			continue;
		value = slot_getattr(row, attnum, &isnull);
		if (isnull != nulls[i] ||
			(!isnull && !datum_image_eq(value, values[i], att->attbyval, att->attlen)))
			return false;
	}
	return true;
}

static int64
deep_row_id(const DeepIndex *d, TupleTableSlot *row)
{
	bool		isnull = true;
	Datum		id = d->id_attnum > 0 ? slot_getattr(row, d->id_attnum, &isnull) : (Datum) 0;

	return isnull ? -1 : DatumGetInt64(id);
}

/* Entries that lead to visible rows; those with other values than the row are named. */
static uint64
deep_count_entries(DeepIndex *d, Relation rel, Relation index)
{
	IndexScanDesc scan = index_beginscan_of(rel, index, GetActiveSnapshot(), 0);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "verify index", ALLOCSET_DEFAULT_SIZES);
	uint64		count = 0;

	scan->xs_want_itup = true;
	index_rescan(scan, NULL, 0, NULL, 0);
	while (index_getnext_tid(scan, ForwardScanDirection) != NULL)
	{
		MemoryContext old;

		CHECK_FOR_INTERRUPTS();
		/* one that leads to no row we see is of a writer that failed or goes on */
		if (!index_fetch_heap(scan, slot))
			continue;
		count++;
		old = MemoryContextSwitchTo(scratch);
		if (!deep_same_values(index, scan, slot) && d->named++ < DEEP_FINDINGS_MAX)
			verify_finding(&d->v->findings, d->name, deep_row_id(d, slot), "index_extra_row",
						   "entries with the values of their rows", "one with other values");
		MemoryContextSwitchTo(old);
		MemoryContextReset(scratch);
	}
	ExecDropSingleTupleTableSlot(slot);
	index_endscan(scan);
	MemoryContextDelete(scratch);
	return count;
}

static uint64
deep_count_rows(Relation rel)
{
	TableScanDesc scan = table_beginscan_strat(rel, GetActiveSnapshot(), 0, NULL, true, false);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	uint64		count = 0;

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		CHECK_FOR_INTERRUPTS();
		count++;
	}
	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
	return count;
}

static void
deep_compare(void *arg)
{
	DeepIndex  *d = arg;
	Relation	rel = table_open(d->table, AccessShareLock);
	Relation	index = index_open(d->index, AccessShareLock);
	uint64		entries = deep_count_entries(d, rel, index);

	/* a partial index has some of the rows only */
	if (heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL))
	{
		uint64		rows = deep_count_rows(rel);

		if (entries != rows)
			verify_finding(&d->v->findings, d->name, -1,
						   entries > rows ? "index_extra_row" : "index_missing_row",
						   psprintf(UINT64_FORMAT " rows", rows), psprintf(UINT64_FORMAT " entries", entries));
	}
	index_close(index, AccessShareLock);
	table_close(rel, AccessShareLock);
}

/* ---- which ---- */

static void
deep_check_index(DeepIndex *d)
{
	char	   *why = NULL;
	uint64		before = d->v->findings.count;

	progress_phase(PROGRESS_INDEXES, d->name);
	if (!verify_guarded(deep_amcheck_index, d, &why))
		verify_finding(&d->v->findings, d->name, -1,
					   strstr(why, "lacks matching index tuple") != NULL ? "index_missing_row" : "index_corrupt",
					   "an index that has the rows of its table in order", why);
	why = NULL;
	if (!verify_guarded(deep_compare, d, &why) && d->v->findings.count == before)
		verify_finding(&d->v->findings, d->name, -1, "index_corrupt", "an index that can be read", why);
}

static char *
deep_name(Relation rel)
{
	return psprintf("%s.%s", get_namespace_name(RelationGetNamespace(rel)), RelationGetRelationName(rel));
}

static void
deep_check_table(Verification *v, Oid relid, const char *id_column)
{
	Relation	rel = try_table_open(relid, AccessShareLock);
	Oid			toast;
	List	   *indexes;
	ListCell   *lc;

	if (rel == NULL)
		return;
	toast = rel->rd_rel->reltoastrelid;
	indexes = RelationGetIndexList(rel);
	table_close(rel, NoLock);
	foreach(lc, indexes)
	{
		DeepIndex	d = {.v = v,.index = lfirst_oid(lc),.table = relid};
		Relation	index = index_open(d.index, AccessShareLock);
		bool		checked = index->rd_rel->relam == BTREE_AM_OID && index->rd_index->indisvalid;

		d.name = deep_name(index);
		d.id_attnum = id_column != NULL ? get_attnum(relid, id_column) : InvalidAttrNumber;
		index_close(index, NoLock);
		if (checked)
			deep_check_index(&d);
	}
	if (OidIsValid(toast))
	{
		DeepIndex	d = {.v = v,.table = toast};
		char	   *why = NULL;

		d.name = psprintf("pg_toast.%s", get_rel_name(toast));
		if (!verify_guarded(deep_amcheck_toast, &d, &why))
			verify_finding(&v->findings, d.name, -1, "toast_corrupt", "a table that can be read", why);
		deep_check_table(v, toast, NULL);
	}
}

void
verify_deep(Verification *v)
{
	static const char *const log_table[][2] = {
		{"site", NULL}, {"table_schema", "schema_id"}, {"entry", "first_id"}, {"block", "height"},
		{"event", "event_id"}, {"leaf_run", "first_index"}, {"subtree", "node_index"}
	};

	for (int i = 0; i < lengthof(log_table); i++)
		deep_check_table(v, log_relation_oid(log_table[i][0]), log_table[i][1]);
	for (int i = 0; i < v->tables->count; i++)
		if (v->tables->table[i].selected && OidIsValid(v->tables->table[i].relid))
			deep_check_table(v, v->tables->table[i].relid, LEDGER_ID_COLUMN);
}
