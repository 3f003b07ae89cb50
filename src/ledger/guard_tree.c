/*
 * guard_tree.c: what whoever reads a parent sees of the ledger tables below it.
 *
 * A ledger table with rows stays below its parent: detached, its rows would
 * vanish for all who read the parent, as if they had been deleted.  And below a
 * parent with ledger tables no table of another kind is attached: rows would be
 * routed into it, look like the others, and could be changed.
 */
#include "postgres.h"
#include "compat.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "ledger/am.h"
#include "ledger/guard_tree.h"
#include "ledger/write.h"

/* Is the one the other's child?  NULL: as the catalog was before this command. */
static bool
tree_is_child(Oid child, Oid parent, Snapshot snapshot)
{
	Relation	rel = table_open(InheritsRelationId, AccessShareLock);
	bool		is = false;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_inherits_inhrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(child));
	scan = systable_beginscan(rel, InheritsRelidSeqnoIndexId, true, snapshot, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		is |= ((Form_pg_inherits) GETSTRUCT(tuple))->inhparent == parent;
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return is;
}

/* Does it hold rows?  Nobody writes any until this transaction ends. */
static bool
tree_has_rows(Oid relid)
{
	Relation	rel = table_open(relid, ShareLock);
	bool		has = false;

	if (RelationGetNumberOfBlocks(rel) > 0)
	{
		Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
		TupleTableSlot *slot = table_slot_create(rel, NULL);
		TableScanDesc scan = table_beginscan(rel, snapshot, 0, NULL);

		has = table_scan_getnextslot(scan, ForwardScanDirection, slot);
		table_endscan(scan);
		ExecDropSingleTupleTableSlot(slot);
		UnregisterSnapshot(snapshot);
	}
	table_close(rel, NoLock);
	return has;
}

static void
tree_detached(Oid child, Oid parent, bool concurrently)
{
	ListCell   *lc;

	foreach(lc, find_all_inheritors(child, NoLock, NULL))
	{
		Oid			relid = lfirst_oid(lc);

		if (!am_is_ledger_oid(relid))
			continue;
		if (concurrently)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("cannot detach ledger table \"%s\" from \"%s\" concurrently",
							get_rel_name(relid), get_rel_name(parent)),
					 errdetail("Rows could be written to \"%s.%s\" meanwhile, which whoever reads \"%s\" would not see.",
							   get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid), get_rel_name(parent)),
					 errhint("Where it has no rows, detach it without CONCURRENTLY.")));
		if (tree_has_rows(relid))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("cannot detach ledger table \"%s\" from \"%s\"",
							get_rel_name(relid), get_rel_name(parent)),
					 errdetail("Table \"%s.%s\" holds rows, which whoever reads \"%s\" would no longer see.",
							   get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid), get_rel_name(parent))));
	}
}

/* A ledger table in the tree that rel belongs to, or InvalidOid. */
static Oid
tree_ledger_table(Oid relid)
{
	ListCell   *lc;

	if (get_rel_relispartition(relid))
		relid = llast_oid(get_partition_ancestors(relid));
	if (get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE)
		return am_is_ledger_oid(relid) ? relid : InvalidOid;
	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
		if (am_is_ledger_oid(lfirst_oid(lc)))
			return lfirst_oid(lc);
	return InvalidOid;
}

static void
tree_attached(Oid child, Oid parent)
{
	Oid			ledger = tree_ledger_table(parent);
	ListCell   *lc;

	if (!OidIsValid(ledger))
		return;
	foreach(lc, find_all_inheritors(child, NoLock, NULL))
	{
		Oid			relid = lfirst_oid(lc);

		if (get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE || am_is_ledger_oid(relid))
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("cannot attach table \"%s\" to \"%s\": it is not a ledger table",
						get_rel_name(relid), get_rel_name(parent)),
				 errdetail("Rows of \"%s\" are in ledger tables, such as \"%s\"; rows of \"%s\" could be changed.",
						   get_rel_name(parent), get_rel_name(ledger), get_rel_name(relid)),
				 errhint("Create it with USING ledger, or convert it: SELECT energyledger.convert(table).")));
	}
}

/* A restore makes trees as they were. */
static bool
tree_is_free(void)
{
	return IsBinaryUpgrade || write_is_restoring();
}

void
guard_after_parent_change(Oid child, Oid parent)
{
	bool		before = tree_is_child(child, parent, NULL);
	bool		after = tree_is_child(child, parent, SnapshotSelf);

	if (before == after || tree_is_free())
		return;
	if (before)
		tree_detached(child, parent, false);
	else
		tree_attached(child, parent);
}

void
guard_detach_concurrently(Oid parent, const AlterTableCmd *cmd)
{
	Oid			child;

	if (cmd->subtype != AT_DetachPartition || !((PartitionCmd *) cmd->def)->concurrent || tree_is_free())
		return;
	child = RangeVarGetRelid(((PartitionCmd *) cmd->def)->name, NoLock, true);
	if (OidIsValid(child))
		tree_detached(child, parent, true);
}
