/*
 * guard.c: refuses the DDL by which rows could vanish or change without a row
 * being written.
 *
 * Two hooks.  ProcessUtility sees statements: it refuses ALTER TABLE commands by
 * their kind, with the hint that fits, and hands CREATE TABLE to guard_create.c.
 * The object access hook sees what happens whichever statement it is part of:
 * every removal (CASCADE, DROP OWNED, DROP SCHEMA, DROP EXTENSION) and every
 * change of a name, a type or an access method that came by another way than
 * the statements known here (a partitioned parent, ALTER INDEX on a table).
 */
#include "postgres.h"
#include "compat.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parse_type.h"
#include "storage/ipc.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "guc.h"
#include "ledger/am.h"
#include "ledger/guard.h"
#include "ledger/guard_constraint.h"
#include "ledger/guard_create.h"
#include "ledger/guard_type.h"
#include "ledger/log.h"
#include "ledger/schema.h"
#include "worker/sealer.h"
#include "worker/shared.h"

static ProcessUtility_hook_type prev_utility_hook = NULL;
static object_access_hook_type prev_object_access_hook = NULL;

static void
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

/* ---- ALTER TABLE and its like ---- */

static bool
guard_is_zero(Node *def)
{
	return def != NULL && IsA(def, A_Const) && !((A_Const *) def)->isnull &&
		IsA(&((A_Const *) def)->val, Integer) && intVal(&((A_Const *) def)->val) == 0;
}

/* Any value that older rows would then seem to have: its own default or its domain's. */
static bool
guard_column_has_default(ColumnDef *column)
{
	ListCell   *lc;
	HeapTuple	type = LookupTypeName(NULL, column->typeName, NULL, true);

	if (HeapTupleIsValid(type))
	{
		bool		has_default = get_typdefault(typeTypeId(type)) != NULL;

		ReleaseSysCache(type);
		if (has_default)
			return true;
	}
	if (column->raw_default != NULL || column->generated || column->identity)
		return true;
	foreach(lc, column->constraints)
	{
		Constraint *constraint = lfirst_node(Constraint, lc);
		ConstrType	type = constraint->contype;

		if (type == CONSTR_GENERATED && CONSTRAINT_IS_VIRTUAL(constraint))
			continue;
		if (type == CONSTR_DEFAULT || type == CONSTR_GENERATED || type == CONSTR_IDENTITY)
			return true;
	}
	return false;
}

/* named: the table that the statement names, relid or one above it. */
static void
guard_alter_command(AlterTableCmd *cmd, Oid relid, Oid named)
{
	switch (cmd->subtype)
	{
		case AT_AddColumn:
			if (guard_column_has_default((ColumnDef *) cmd->def))
				guard_refuse("add a column with a default to", relid,
							 "Add the column without a default: older rows read as NULL and keep their hash.");
			break;
		case AT_AlterColumnType:
			guard_refuse("change a column's type in", relid,
						 "Add a column of the new type instead.");
			break;
		case AT_SetAccessMethod:
			if (relid == named) /* it changes nothing below */
				guard_refuse("change the access method of", relid, NULL);
			break;
		case AT_SetUnLogged:
			guard_refuse("make unlogged", relid, NULL);
			break;
		case AT_ColumnDefault:
			if (guard_is_zero(cmd->def))
				break;			/* what it should be; guard_create.c says so too */
			/* FALLTHROUGH */
		case AT_DropNotNull:
		case AT_AddIdentity:
			if (cmd->name != NULL && strcmp(cmd->name, LEDGER_ID_COLUMN) == 0)
				guard_refuse("alter column \"ledger_id\" of", relid, NULL);
			break;
		case AT_DropConstraint:
			if (guard_is_not_null(named, cmd->name, LEDGER_ID_COLUMN))
				guard_refuse("alter column \"ledger_id\" of", relid, NULL);
			break;
		case AT_AddOf:
			guard_refuse("make a typed table of", relid, NULL);
			break;
		default:
			break;
	}
}

/* Also where the ledger tables are partitions below the one that is named. */
static void
guard_alter_table(AlterTableStmt *stmt)
{
	Oid			relid = RangeVarGetRelid(stmt->relation, NoLock, true);
	ListCell   *lc;

	if (!OidIsValid(relid) || (stmt->objtype != OBJECT_TABLE))
		return;
	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
	{
		ListCell   *c;

		if (!am_is_ledger_oid(lfirst_oid(lc)))
			continue;
		foreach(c, stmt->cmds)
			guard_alter_command(lfirst_node(AlterTableCmd, c), lfirst_oid(lc), relid);
	}
}

/* Columns added: register them now, so that no writer has to. */
static void
guard_register_altered(AlterTableStmt *stmt)
{
	Oid			relid = RangeVarGetRelid(stmt->relation, NoLock, true);
	ListCell   *lc;

	if (!OidIsValid(relid) || stmt->objtype != OBJECT_TABLE || restore_mode)
		return;
	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
	{
		Relation	rel;

		if (!am_is_ledger_oid(lfirst_oid(lc)))
			continue;
		rel = table_open(lfirst_oid(lc), AccessShareLock);
		if (am_hashes_rows(rel))
			(void) schema_current(rel);
		table_close(rel, NoLock);
	}
}

/* A ledger table in a schema whose name is part of the log, or InvalidOid. */
static Oid
guard_ledger_table_in(Oid schema)
{
	Relation	rel = table_open(RelationRelationId, AccessShareLock);
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;
	Oid			found = InvalidOid;

	ScanKeyInit(&key, Anum_pg_class_relnamespace, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(schema));
	scan = systable_beginscan(rel, InvalidOid, false, NULL, 1, &key);
	while (!OidIsValid(found) && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);

		if (form->relkind == RELKIND_RELATION && am_is_ledger_oid(form->oid))
			found = form->oid;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

/* relid, or a ledger table that inherits from it, or InvalidOid. */
static Oid
guard_ledger_table_below(Oid relid)
{
	ListCell   *lc;

	if (!OidIsValid(relid))
		return InvalidOid;
	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
		if (am_is_ledger_oid(lfirst_oid(lc)))
			return lfirst_oid(lc);
	return InvalidOid;
}

static void
guard_rename(RenameStmt *stmt)
{
	Oid			relid = InvalidOid;

	if (stmt->renameType == OBJECT_SCHEMA)
	{
		Oid			schema = get_namespace_oid(stmt->subname, true);

		if (OidIsValid(schema))
			relid = guard_ledger_table_in(schema);
		if (OidIsValid(schema) && !OidIsValid(relid) &&
			OidIsValid(relid = guard_table_of_types_in(schema)))
			guard_refuse("rename the schema of a type used by", relid, NULL);
	}
	else if (stmt->renameType == OBJECT_TABLE || stmt->renameType == OBJECT_COLUMN ||
			 stmt->renameType == OBJECT_INDEX)	/* which a table's name may follow */
		relid = stmt->relation != NULL ? RangeVarGetRelid(stmt->relation, NoLock, true) : InvalidOid;
	if (stmt->renameType == OBJECT_COLUMN)
		relid = guard_ledger_table_below(relid);
	if (OidIsValid(relid) && am_is_ledger_oid(relid))
		guard_refuse(stmt->renameType == OBJECT_COLUMN ? "rename a column of" :
					 stmt->renameType == OBJECT_SCHEMA ? "rename the schema of" : "rename",
					 relid, "Make a view with the new name.");
}

static void
guard_set_schema(AlterObjectSchemaStmt *stmt)
{
	Oid			relid = stmt->relation != NULL ? RangeVarGetRelid(stmt->relation, NoLock, true) : InvalidOid;

	if (OidIsValid(relid) && stmt->objectType == OBJECT_TABLE && am_is_ledger_oid(relid))
		guard_refuse("change the schema of", relid, "Make a view in the other schema.");
}

/* ADD VALUE takes nothing from anybody; a renamed label would change the rows that have it. */
static void
guard_alter_enum(AlterEnumStmt *stmt)
{
	Oid			relid;

	if (stmt->oldVal == NULL)
		return;
	relid = guard_table_of_type(typenameTypeId(NULL, makeTypeNameFromNameList(stmt->typeName)));
	if (OidIsValid(relid))
		guard_refuse("rename a value of an enum used by", relid, "Add a value instead.");
}

/* ---- the hooks ---- */

/*
 * The database that a statement needs unconnected: our sealer leaves it for as
 * long as the statement runs.
 */
static Oid
guard_database_to_leave(Node *stmt)
{
	const char *name = NULL;

	if (IsA(stmt, DropdbStmt))
		name = ((DropdbStmt *) stmt)->dbname;
	else if (IsA(stmt, RenameStmt) && ((RenameStmt *) stmt)->renameType == OBJECT_DATABASE)
		name = ((RenameStmt *) stmt)->subname;
	else if (IsA(stmt, CreatedbStmt))
	{
		ListCell   *lc;

		name = "template1";
		foreach(lc, ((CreatedbStmt *) stmt)->options)
		{
			DefElem    *option = lfirst_node(DefElem, lc);

			if (strcmp(option->defname, "template") == 0 && option->arg != NULL)
				name = defGetString(option);
		}
	}
	else if (IsA(stmt, AlterDatabaseStmt))
	{
		ListCell   *lc;

		foreach(lc, ((AlterDatabaseStmt *) stmt)->options)
			if (strcmp(lfirst_node(DefElem, lc)->defname, "tablespace") == 0)
				name = ((AlterDatabaseStmt *) stmt)->dbname;
	}
	return name != NULL ? get_database_oid(name, true) : InvalidOid;
}

static void
guard_call_next(PlannedStmt *pstmt, const char *query_string, bool read_only_tree,
				ProcessUtilityContext context, ParamListInfo params,
				QueryEnvironment *environment, DestReceiver *dest, QueryCompletion *qc)
{
	if (prev_utility_hook)
		prev_utility_hook(pstmt, query_string, read_only_tree, context, params,
						  environment, dest, qc);
	else
		standard_ProcessUtility(pstmt, query_string, read_only_tree, context, params,
								environment, dest, qc);
}

static void
guard_release(int code, Datum hold)
{
	sealer_release(DatumGetInt32(hold), false);
}

static void
guard_without_sealer(Oid database, PlannedStmt *pstmt, const char *query_string,
					 bool read_only_tree, ProcessUtilityContext context, ParamListInfo params,
					 QueryEnvironment *environment, DestReceiver *dest, QueryCompletion *qc)
{
	int			hold = sealer_hold(database);

	/* also where this backend is terminated meanwhile */
	PG_ENSURE_ERROR_CLEANUP(guard_release, Int32GetDatum(hold));
	{
		guard_call_next(pstmt, query_string, read_only_tree, context, params,
						environment, dest, qc);
	}
	PG_END_ENSURE_ERROR_CLEANUP(guard_release, Int32GetDatum(hold));
	sealer_release(hold, IsA(pstmt->utilityStmt, DropdbStmt));
}

static void
guard_process_utility(PlannedStmt *pstmt, const char *query_string, bool read_only_tree,
					  ProcessUtilityContext context, ParamListInfo params,
					  QueryEnvironment *environment, DestReceiver *dest, QueryCompletion *qc)
{
	Node	   *stmt = pstmt->utilityStmt;
	CreatedTable created;
	Oid			left = guard_database_to_leave(stmt);

	if (OidIsValid(left))
	{
		guard_without_sealer(left, pstmt, query_string, read_only_tree, context, params,
							 environment, dest, qc);
		return;
	}
	pstmt = guard_create_prepare(pstmt, &created);
	if (IsA(stmt, AlterTableStmt))
		guard_alter_table((AlterTableStmt *) stmt);
	else if (IsA(stmt, RenameStmt))
		guard_rename((RenameStmt *) stmt);
	else if (IsA(stmt, AlterObjectSchemaStmt))
		guard_set_schema((AlterObjectSchemaStmt *) stmt);
	else if (IsA(stmt, AlterEnumStmt))
		guard_alter_enum((AlterEnumStmt *) stmt);

	guard_call_next(pstmt, query_string, read_only_tree, context, params,
					environment, dest, qc);

	guard_create_finish(&created);
	if (IsA(stmt, AlterTableStmt))
		guard_register_altered((AlterTableStmt *) stmt);
	else if (IsA(stmt, TransactionStmt) &&
			 ((TransactionStmt *) stmt)->kind == TRANS_STMT_COMMIT_PREPARED)
	{
		/* what it committed may have been entries */
		SharedDatabase *db = shared_database_find(MyDatabaseId);

		if (db != NULL && pg_atomic_exchange_u32(&db->unsealed, 1) == 0)
			sealer_wake(db);
	}
}

/* A catalog row as this command has just left it, or NULL; free with heap_freetuple. */
static HeapTuple
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

/*
 * A ledger table's catalog row was changed, by whatever statement: the caches
 * still have the old one, a fresh look the new one.
 */
static void
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

		if (strcmp(NameStr(old->relname), NameStr(new->relname)) != 0)
			guard_refuse("rename", relid, "Make a view with the new name.");
		if (old->relnamespace != new->relnamespace)
			guard_refuse("change the schema of", relid, "Make a view in the other schema.");
		if (old->relam != new->relam && !OidIsValid(old->relrewrite))
			guard_refuse("change the access method of", relid, NULL);
		if (old->relpersistence != new->relpersistence)
			guard_refuse("make unlogged", relid, NULL);
		heap_freetuple(after);
	}
	ReleaseSysCache(before);
}

static void
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

		if (strcmp(NameStr(old->attname), NameStr(new->attname)) != 0)
			guard_refuse("rename a column of", relid, "Make a view with the new name.");
		if (old->atttypid != new->atttypid || old->atttypmod != new->atttypmod)
			guard_refuse("change a column's type in", relid, "Add a column of the new type instead.");
		heap_freetuple(after);
	}
	ReleaseSysCache(before);
}

/* The log knows a column's type by its name. */
static void
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

/* Every removal of a relation or a column passes here. */
static void
guard_drop(Oid relid, int sub_id, const ObjectAccessDrop *drop)
{
	if (sub_id != 0)
		guard_refuse("drop a column of", relid, NULL);
	/* what VACUUM FULL and CLUSTER copied from */
	if ((drop->dropflags & PERFORM_DELETION_INTERNAL) != 0 && am_is_transient(relid))
		return;
	guard_refuse("drop", relid, NULL);
}

static void
guard_object_access(ObjectAccessType access, Oid class_id, Oid object_id, int sub_id, void *arg)
{
	if (prev_object_access_hook)
		prev_object_access_hook(access, class_id, object_id, sub_id, arg);
	if ((access != OAT_DROP && access != OAT_POST_ALTER) || !IsTransactionState())
		return;
	if (access == OAT_POST_ALTER && class_id == TypeRelationId)
		guard_after_type_change(object_id);
	if (class_id != RelationRelationId)
		return;
	if (get_rel_relkind(object_id) != RELKIND_RELATION || !am_is_ledger_oid(object_id))
		return;
	if (access == OAT_DROP)
		guard_drop(object_id, sub_id, arg);
	else if (sub_id == 0)
		guard_after_table_change(object_id);
	else
		guard_after_column_change(object_id, (AttrNumber) sub_id);
}

void
guard_init(void)
{
	prev_utility_hook = ProcessUtility_hook;
	ProcessUtility_hook = guard_process_utility;
	prev_object_access_hook = object_access_hook;
	object_access_hook = guard_object_access;
}
