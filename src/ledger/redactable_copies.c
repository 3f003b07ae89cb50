/*
 * redactable_copies.c: refuses what would keep redacted values by itself: indexes,
 * and extended statistics, over expressions of redactable columns.
 *
 * VACUUM takes an erased value's entry out of an index, but not what the index made
 * of it: the keys in a btree's upper pages, a BRIN summary, a GIN entry stay.  And
 * statistics are samples of the values.  Plain columns cannot be had there anyway,
 * as the type has no operator class; expressions can.
 *
 * All ways to make either pass through the object access hook, once their catalog
 * row is written and before anything is built.  A table that becomes a ledger table
 * with what it has already is looked at when its columns are registered.
 */
#include "postgres.h"
#include "compat.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_statistic_ext.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "ledger/am.h"
#include "ledger/redactable.h"
#include "ledger/redactable_copies.h"

static object_access_hook_type prev_object_access_hook = NULL;

/* An expression list as the catalog keeps it: does it read a redactable column? */
static bool
copies_expression(Relation table, Relation catalog, HeapTuple tuple, AttrNumber attnum)
{
	bool		isnull;
	Datum		stored = heap_getattr(tuple, attnum, RelationGetDescr(catalog), &isnull);

	return !isnull && redactable_is_used(table, stringToNode(TextDatumGetCString(stored)));
}

static bool
copies_column(Relation table, const int16 *attnum, int count)
{
	Oid			type = redactable_type();

	for (int i = 0; i < count; i++)
		if (attnum[i] > 0 && TupleDescAttr(RelationGetDescr(table), attnum[i] - 1)->atttypid == type)
			return true;
	return false;
}

static void
copies_refuse(Relation table, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("ledger table \"%s\" cannot have %s over a redactable column",
					RelationGetRelationName(table), what),
			 errdetail("It would keep values after they have been redacted.")));
}

/* becoming: the table is none yet, but about to be one */
static void
copies_check_index(Relation catalog, HeapTuple tuple, bool becoming)
{
	Form_pg_index form = (Form_pg_index) GETSTRUCT(tuple);
	Relation	table;

	if (!becoming && !am_is_ledger_oid(form->indrelid))
		return;
	table = relation_open(form->indrelid, NoLock);
	if (redactable_in(RelationGetDescr(table)) &&
		(copies_column(table, form->indkey.values, form->indnatts) ||
		 copies_expression(table, catalog, tuple, Anum_pg_index_indexprs) ||
		 copies_expression(table, catalog, tuple, Anum_pg_index_indpred)))
		copies_refuse(table, "an index");
	relation_close(table, NoLock);
}

static void
copies_check_statistics(Relation catalog, HeapTuple tuple, bool becoming)
{
	Form_pg_statistic_ext form = (Form_pg_statistic_ext) GETSTRUCT(tuple);
	Relation	table;

	if (!becoming && !am_is_ledger_oid(form->stxrelid))
		return;
	table = relation_open(form->stxrelid, NoLock);
	if (redactable_in(RelationGetDescr(table)) &&
		(copies_column(table, form->stxkeys.values, form->stxkeys.dim1) ||
		 copies_expression(table, catalog, tuple, Anum_pg_statistic_ext_stxexprs)))
		copies_refuse(table, "a statistics object");
	relation_close(table, NoLock);
}

/* A catalog row, also one that this command has just written. */
static void
copies_check(Oid catalog_oid, Oid index_oid, AttrNumber key_attnum, Oid object, bool becoming,
			 void (*check) (Relation catalog, HeapTuple tuple, bool becoming))
{
	Relation	catalog = table_open(catalog_oid, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, key_attnum, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(object));
	scan = systable_beginscan(catalog, index_oid, true, SnapshotSelf, 1, &key);
	if (HeapTupleIsValid(tuple = systable_getnext(scan)))
		check(catalog, tuple, becoming);
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
}

static void
copies_object_access(ObjectAccessType access, Oid class_id, Oid object_id, int sub_id, void *arg)
{
	if (prev_object_access_hook)
		prev_object_access_hook(access, class_id, object_id, sub_id, arg);
	if (access != OAT_POST_CREATE || sub_id != 0 || !IsTransactionState())
		return;
	/* a relation that is no index has no row there */
	if (class_id == RelationRelationId)
		copies_check(IndexRelationId, IndexRelidIndexId, Anum_pg_index_indexrelid, object_id, false,
					 copies_check_index);
	else if (class_id == StatisticExtRelationId)
		copies_check(StatisticExtRelationId, StatisticExtOidIndexId, Anum_pg_statistic_ext_oid, object_id, false,
					 copies_check_statistics);
}

void
redactable_refuse_copies(Relation rel)
{
	ListCell   *lc;

	if (!redactable_in(RelationGetDescr(rel)))
		return;
	foreach(lc, RelationGetIndexList(rel))
		copies_check(IndexRelationId, IndexRelidIndexId, Anum_pg_index_indexrelid, lfirst_oid(lc), true,
					 copies_check_index);
	foreach(lc, RelationGetStatExtList(rel))
		copies_check(StatisticExtRelationId, StatisticExtOidIndexId, Anum_pg_statistic_ext_oid, lfirst_oid(lc), true,
					 copies_check_statistics);
}

void
redactable_copies_init(void)
{
	prev_object_access_hook = object_access_hook;
	object_access_hook = copies_object_access;
}
