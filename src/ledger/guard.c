/*
 * guard.c: refuses the DDL by which rows could vanish or change without a row
 * being written.
 *
 * Two hooks for DDL.  ProcessUtility sees statements: it refuses ALTER TABLE
 * commands by their kind, with the hint that fits, and hands CREATE TABLE to
 * guard_create.c.  The object access hook sees what happens whichever statement it
 * is part of: every removal (CASCADE, DROP OWNED, DROP SCHEMA, DROP EXTENSION) and
 * every change of a name, a type, an access method, a parent.  Statements that
 * change rows are guard_modify.c's.
 */
#include "postgres.h"
#include "compat.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parse_type.h"
#include "storage/ipc.h"
#include "tcop/utility.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "guc.h"
#include "ledger/am.h"
#include "ledger/convert.h"
#include "ledger/guard.h"
#include "ledger/guard_change.h"
#include "ledger/guard_constraint.h"
#include "ledger/guard_create.h"
#include "ledger/guard_modify.h"
#include "ledger/guard_own.h"
#include "ledger/guard_tree.h"
#include "ledger/guard_type.h"
#include "ledger/schema.h"
#include "ledger/write.h"
#include "worker/sealer.h"
#include "worker/shared.h"

static ProcessUtility_hook_type prev_utility_hook = NULL;
static object_access_hook_type prev_object_access_hook = NULL;

/* ---- ALTER TABLE and its like ---- */

/* The defaults that ledger_id may have: zero, and the function that says so. */
static bool
guard_is_zero(Node *def)
{
	if (def != NULL && IsA(def, FuncCall))
	{
		List	   *name = ((FuncCall *) def)->funcname;

		return list_length(name) == 2 && strcmp(strVal(linitial(name)), "energyledger") == 0 &&
			strcmp(strVal(lsecond(name)), LEDGER_ID_DEFAULT) == 0;
	}
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

/* What is no ledger table becomes one by convert() only. */
static void
guard_access_method_by_hand(AlterTableStmt *stmt, Oid relid)
{
	ListCell   *lc;
	char		kind = get_rel_relkind(relid);

	if (am_is_ledger_oid(relid) || convert_is_running(relid) ||
		(kind != RELKIND_RELATION && kind != RELKIND_MATVIEW))
		return;
	foreach(lc, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (cmd->subtype == AT_SetAccessMethod && am_is_ledger_am(get_table_am_oid(cmd->name != NULL ?
																				   cmd->name : default_table_access_method, true)))
			convert_refuse_by_hand(relid);
	}
}

/* Also where the ledger tables are partitions below the one that is named. */
static void
guard_alter_table(AlterTableStmt *stmt)
{
	Oid			relid = RangeVarGetRelid(stmt->relation, NoLock, true);
	ListCell   *lc;

	if (!OidIsValid(relid))
		return;
	guard_access_method_by_hand(stmt, relid);
	if (stmt->objtype != OBJECT_TABLE)
		return;
	foreach(lc, stmt->cmds)
		guard_detach_concurrently(relid, lfirst_node(AlterTableCmd, lc));
	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
	{
		ListCell   *c;

		if (!am_is_ledger_oid(lfirst_oid(lc)))
			continue;
		foreach(c, stmt->cmds)
		{
			guard_own_alter_table(lfirst_oid(lc), lfirst_node(AlterTableCmd, c));
			guard_alter_command(lfirst_node(AlterTableCmd, c), lfirst_oid(lc), relid);
		}
	}
}

/* Columns added: register them now, so that no writer has to. */
static void
guard_register_altered(AlterTableStmt *stmt)
{
	Oid			relid = RangeVarGetRelid(stmt->relation, NoLock, true);
	ListCell   *lc;

	if (!OidIsValid(relid) || stmt->objtype != OBJECT_TABLE || write_is_restoring())
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
	else if (IsA(stmt, AlterEnumStmt))
		guard_alter_enum((AlterEnumStmt *) stmt);
	else
		guard_own_statement(stmt);

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

static void
guard_after_change(Oid class_id, Oid object_id, int sub_id, void *arg)
{
	switch (class_id)
	{
		case TypeRelationId:
			guard_after_type_change(object_id);
			break;
		case NamespaceRelationId:
			guard_after_schema_change(object_id);
			break;
		case ProcedureRelationId:
			guard_own_function(object_id);
			break;
		case RewriteRelationId:
			guard_own_rule(object_id);
			break;
		case TriggerRelationId:
			guard_own_trigger(object_id);
			break;
		case InheritsRelationId:
			guard_after_parent_change(object_id, ((ObjectAccessPostAlter *) arg)->auxiliary_id);
			break;
		case RelationRelationId:
			if (sub_id == 0)
				guard_after_table_change(object_id);
			else if (am_is_ledger_oid(object_id))
				guard_after_column_change(object_id, (AttrNumber) sub_id);
			break;
		default:
			break;
	}
}

static void
guard_object_access(ObjectAccessType access, Oid class_id, Oid object_id, int sub_id, void *arg)
{
	if (prev_object_access_hook)
		prev_object_access_hook(access, class_id, object_id, sub_id, arg);
	if (!IsTransactionState())
		return;
	if (access == OAT_POST_ALTER)
		guard_after_change(class_id, object_id, sub_id, arg);
	else if (access == OAT_POST_CREATE)
	{
		/* CREATE OR REPLACE comes this way */
		if (class_id == ProcedureRelationId || class_id == RewriteRelationId || class_id == TriggerRelationId)
			guard_after_change(class_id, object_id, sub_id, arg);
	}
	else if (access == OAT_DROP && class_id == RelationRelationId &&
			 get_rel_relkind(object_id) == RELKIND_RELATION && am_is_ledger_oid(object_id))
		guard_drop(object_id, sub_id, arg);
}

void
guard_init(void)
{
	prev_utility_hook = ProcessUtility_hook;
	ProcessUtility_hook = guard_process_utility;
	prev_object_access_hook = object_access_hook;
	object_access_hook = guard_object_access;
	guard_modify_init();
}
