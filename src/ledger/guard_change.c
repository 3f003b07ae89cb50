/*
 * guard_change.c: a ledger table's rows in the catalogs were changed, by whatever
 * statement.
 *
 * The object access hook is called after the change and before it is visible to
 * this command: the caches still have what was, a fresh look has what will be.
 * What the log knows by name may be renamed, and the log is told in the same
 * transaction; what would make rows unreadable or take them out of the guard is
 * refused.
 */
#include "postgres.h"
#include "compat.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "storage/lmgr.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "ledger/am.h"
#include "ledger/convert.h"
#include "ledger/guard_change.h"
#include "ledger/guard_own.h"
#include "ledger/guard_type.h"
#include "ledger/schema.h"
#include "ledger/schema_rename.h"
#include "ledger/write.h"

void
guard_refuse(const char *what, Oid relid, const char *hint)
{
	char	   *name = get_rel_name(relid);

	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("cannot %s ledger table \"%s\"", what, name != NULL ? name : "?"),
			 errdetail("Table \"%s.%s\" is append-only: its rows are part of a hash-chained log.",
					   get_namespace_name(get_rel_namespace(relid)), name != NULL ? name : "?"),
			 hint != NULL ? errhint("%s", hint) : 0));
}

HeapTuple
guard_new_row(Oid catalog, Oid index, ScanKey key, int key_count)
{
	Relation	rel = table_open(catalog, AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, index, true, SnapshotSelf, key_count, key);
	HeapTuple	tuple = systable_getnext(scan);

	if (HeapTupleIsValid(tuple))
		tuple = heap_copytuple(tuple);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return tuple;
}

/* May names be changed?  Those of the extension stay, and a restore records nothing. */
static void
guard_check_rename(const char *what, Oid relid)
{
	if (guard_is_own_table(relid))
		guard_refuse_own(what, relid, NULL);
	if (write_is_restoring())
		guard_refuse(what, relid, "Leave restore mode first: SET energyledger.restore_mode = off.");
}

void
guard_after_table_change(Oid relid)
{
	HeapTuple	before = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	HeapTuple	after;
	ScanKeyData key;

	if (!HeapTupleIsValid(before))
		return;
	ScanKeyInit(&key, Anum_pg_class_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	after = guard_new_row(RelationRelationId, ClassOidIndexId, &key, 1);
	if (HeapTupleIsValid(after))
	{
		Form_pg_class old = (Form_pg_class) GETSTRUCT(before);
		Form_pg_class new = (Form_pg_class) GETSTRUCT(after);
		bool		was = am_is_ledger_am(old->relam);

		if (old->relam != new->relam && !OidIsValid(old->relrewrite) &&
			old->relkind != RELKIND_PARTITIONED_TABLE)
		{
			if (was)
				guard_refuse("change the access method of", relid, NULL);
			if (am_is_ledger_am(new->relam) && !convert_is_running(relid))
				convert_refuse_by_hand(relid);
		}
		if (was && old->relkind == RELKIND_RELATION)
		{
			if (old->relpersistence != new->relpersistence)
				guard_refuse("make unlogged", relid, NULL);
			if (strcmp(NameStr(old->relname), NameStr(new->relname)) != 0 ||
				old->relnamespace != new->relnamespace)
			{
				guard_check_rename("rename", relid);
				schema_rename_table(relid, get_namespace_name(new->relnamespace), NameStr(new->relname));
			}
		}
		heap_freetuple(after);
	}
	ReleaseSysCache(before);
}

void
guard_after_column_change(Oid relid, AttrNumber attnum)
{
	HeapTuple	before = SearchSysCache2(ATTNUM, ObjectIdGetDatum(relid), Int16GetDatum(attnum));
	HeapTuple	after;
	ScanKeyData key[2];

	if (!HeapTupleIsValid(before))
		return;
	ScanKeyInit(&key[0], Anum_pg_attribute_attrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	ScanKeyInit(&key[1], Anum_pg_attribute_attnum, BTEqualStrategyNumber, F_INT2EQ, Int16GetDatum(attnum));
	after = guard_new_row(AttributeRelationId, AttributeRelidNumIndexId, key, 2);
	if (HeapTupleIsValid(after))
	{
		Form_pg_attribute old = (Form_pg_attribute) GETSTRUCT(before);
		Form_pg_attribute new = (Form_pg_attribute) GETSTRUCT(after);

		if (old->atttypid != new->atttypid || old->atttypmod != new->atttypmod)
			guard_refuse("change a column's type in", relid, "Add a column of the new type instead.");
		if (strcmp(NameStr(old->attname), NameStr(new->attname)) != 0)
		{
			guard_check_rename("rename a column of", relid);
			if (strcmp(NameStr(old->attname), LEDGER_ID_COLUMN) == 0)
				guard_refuse("rename column \"ledger_id\" of", relid, NULL);
			schema_rename_column(relid, NameStr(old->attname), NameStr(new->attname));
		}
		heap_freetuple(after);
	}
	ReleaseSysCache(before);
}

/* The log knows a column's type by its name. */
void
guard_after_type_change(Oid type)
{
	HeapTuple	before = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	HeapTuple	after;
	ScanKeyData key;
	bool		renamed = false;
	Oid			relid;

	if (!HeapTupleIsValid(before))
		return;
	ScanKeyInit(&key, Anum_pg_type_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(type));
	after = guard_new_row(TypeRelationId, TypeOidIndexId, &key, 1);
	if (HeapTupleIsValid(after))
	{
		Form_pg_type old = (Form_pg_type) GETSTRUCT(before);
		Form_pg_type new = (Form_pg_type) GETSTRUCT(after);

		renamed = strcmp(NameStr(old->typname), NameStr(new->typname)) != 0 ||
			old->typnamespace != new->typnamespace;
		heap_freetuple(after);
	}
	ReleaseSysCache(before);
	if (renamed && OidIsValid(relid = guard_table_of_type(type)))
		guard_refuse("rename a type used by", relid, "Create a domain with the new name.");
}

/* The ledger tables of a schema. */
static List *
guard_ledger_tables_in(Oid schema)
{
	Relation	rel = table_open(RelationRelationId, AccessShareLock);
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;
	List	   *found = NIL;

	ScanKeyInit(&key, Anum_pg_class_relnamespace, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(schema));
	scan = systable_beginscan(rel, InvalidOid, false, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);

		if (form->relkind == RELKIND_RELATION && am_is_ledger_oid(form->oid))
			found = lappend_oid(found, form->oid);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

/*
 * ALTER SCHEMA ... RENAME locks nothing itself.  Our lock on the schema keeps
 * tables from being made in it, and those on its ledger tables keep writers from
 * going on under the old name; both are told by an invalidation that there is
 * another.
 */
static void
guard_schema_renamed(Oid schema, const char *to)
{
	ListCell   *lc;
	Oid			relid;

	if (OidIsValid(relid = guard_table_of_types_in(schema)))
		guard_refuse("rename the schema of a type used by", relid, NULL);
	LockDatabaseObject(NamespaceRelationId, schema, 0, AccessExclusiveLock);
	InvalidateCatalogSnapshot();
	foreach(lc, guard_ledger_tables_in(schema))
	{
		relid = lfirst_oid(lc);
		guard_check_rename("rename the schema of", relid);
		LockRelationOid(relid, AccessExclusiveLock);
		if (get_rel_namespace(relid) != schema)
			continue;			/* it was moved out meanwhile */
		schema_rename_table(relid, to, get_rel_name(relid));
		CacheInvalidateRelcacheByRelid(relid);
	}
}

void
guard_after_schema_change(Oid schema)
{
	char	   *from = get_namespace_name(schema);
	HeapTuple	after;
	ScanKeyData key;

	ScanKeyInit(&key, Anum_pg_namespace_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(schema));
	after = guard_new_row(NamespaceRelationId, NamespaceOidIndexId, &key, 1);
	if (from == NULL || !HeapTupleIsValid(after))
		return;
	if (strcmp(from, NameStr(((Form_pg_namespace) GETSTRUCT(after))->nspname)) != 0)
		guard_schema_renamed(schema, NameStr(((Form_pg_namespace) GETSTRUCT(after))->nspname));
	heap_freetuple(after);
}

/* Every removal of a relation or a column passes here. */
void
guard_drop(Oid relid, int sub_id, const ObjectAccessDrop *drop)
{
	if (sub_id != 0)
		guard_refuse("drop a column of", relid, NULL);
	/* what VACUUM FULL and CLUSTER copied from */
	if ((drop->dropflags & PERFORM_DELETION_INTERNAL) != 0 && am_is_transient(relid))
		return;
	guard_refuse("drop", relid, guard_is_own_table(relid) ? NULL :
				 "Retire it: SELECT energyledger.retire(table, reason).");
}
