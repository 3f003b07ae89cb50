/*
 * guard.c: makes CREATE TABLE ... USING ledger whole, and refuses the DDL by
 * which rows could vanish or change without a row being written.
 *
 * Two hooks.  ProcessUtility sees statements: it adds ledger_id to a table that
 * is created without one, makes its BRIN index and registers its columns, and
 * refuses ALTER TABLE commands by their kind.  The object access hook sees every
 * removal, whichever statement it is part of (CASCADE, DROP OWNED, DROP SCHEMA,
 * DROP EXTENSION).
 *
 * A restore makes tables as they were dumped, index and all, so it is left alone.
 */
#include "postgres.h"
#include "compat.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "commands/extension.h"
#include "commands/tablecmds.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "guc.h"
#include "ledger/am.h"
#include "ledger/guard.h"
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

/* ---- CREATE TABLE ---- */

static bool
guard_uses_ledger(const char *access_method)
{
	if (access_method == NULL)
		access_method = default_table_access_method;
	return strcmp(access_method, "ledger") == 0;
}

static Node *
guard_zero(void)
{
	A_Const    *zero = makeNode(A_Const);

	zero->val.ival = *makeInteger(0);
	zero->location = -1;
	return (Node *) zero;
}

static Constraint *
guard_constraint(ConstrType type, Node *expr)
{
	Constraint *c = makeNode(Constraint);

	c->contype = type;
	c->raw_expr = expr;
	c->location = -1;
	return c;
}

/*
 * ledger_id bigint NOT NULL DEFAULT 0, as the last column.  Zero stands for
 * "not yet assigned" and satisfies what is checked before the access method
 * sees the row.
 */
static ColumnDef *
guard_id_column(void)
{
	ColumnDef  *column = makeColumnDef(LEDGER_ID_COLUMN, INT8OID, -1, InvalidOid);

	column->constraints = list_make2(guard_constraint(CONSTR_NOTNULL, NULL),
									 guard_constraint(CONSTR_DEFAULT, guard_zero()));
	return column;
}

static void
guard_add_id_column(CreateStmt *stmt)
{
	ListCell   *lc;

	/* columns of these come from another table, which must have it */
	if (stmt->partbound != NULL || stmt->ofTypename != NULL || stmt->inhRelations != NIL)
		return;
	foreach(lc, stmt->tableElts)
	{
		ColumnDef  *column = lfirst(lc);

		if (IsA(column, TableLikeClause))
			return;				/* may bring it; schema_check_columns says if not */
		if (IsA(column, ColumnDef) && strcmp(column->colname, LEDGER_ID_COLUMN) == 0)
		{
			ListCell   *c;

			foreach(c, column->constraints)
				if (lfirst_node(Constraint, c)->contype == CONSTR_DEFAULT)
					return;
			column->constraints = lappend(column->constraints,
										  guard_constraint(CONSTR_DEFAULT, guard_zero()));
			return;
		}
	}
	stmt->tableElts = lappend(stmt->tableElts, guard_id_column());
}

/*
 * CREATE TABLE ... AS: the same column, as one more constant of the query.  A
 * query whose rows are compared as wholes (UNION, DISTINCT) cannot take one more
 * column this way; it is told so by the check of the columns.
 */
static void
guard_add_id_target(CreateTableAsStmt *stmt)
{
	Query	   *query = (Query *) stmt->query;
	ListCell   *lc;
	int			visible = 0;
	Const	   *zero;

	if (!IsA(query, Query) || query->commandType != CMD_SELECT ||
		query->setOperations != NULL || query->distinctClause != NIL)
		return;
	foreach(lc, query->targetList)
	{
		TargetEntry *target = lfirst(lc);

		if (target->resjunk)
			continue;
		visible++;
		if (target->resname != NULL && strcmp(target->resname, LEDGER_ID_COLUMN) == 0)
			return;
	}
	zero = makeConst(INT8OID, -1, InvalidOid, sizeof(int64), Int64GetDatum(0), false, true);
	foreach(lc, query->targetList)
	{
		TargetEntry *target = lfirst(lc);

		if (target->resno > visible)
			target->resno++;
	}
	query->targetList = list_insert_nth(query->targetList, visible,
										makeTargetEntry((Expr *) zero, visible + 1,
														pstrdup(LEDGER_ID_COLUMN), false));
}

/* The table is there: give it its index and register its columns. */
static void
guard_finish_table(RangeVar *name)
{
	Oid			relid = RangeVarGetRelid(name, NoLock, true);
	Relation	rel;

	if (!OidIsValid(relid) || !am_is_ledger_oid(relid))
		return;
	rel = table_open(relid, AccessShareLock);
	if (am_hashes_rows(rel))
	{
		char	   *create =
			psprintf("CREATE INDEX ON %s USING brin (ledger_id pg_catalog.int8_minmax_multi_ops)",
					 quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)),
												RelationGetRelationName(rel)));

		(void) schema_current(rel);
		table_close(rel, NoLock);
		SPI_connect();
		if (SPI_execute(create, false, 0) != SPI_OK_UTILITY)
			elog(ERROR, "could not create the index on ledger_id");
		SPI_finish();
		return;
	}
	table_close(rel, NoLock);
}

/* ---- ALTER TABLE and its like ---- */

static bool
guard_column_has_default(ColumnDef *column)
{
	ListCell   *lc;

	if (column->raw_default != NULL || column->generated || column->identity)
		return true;
	foreach(lc, column->constraints)
	{
		ConstrType	type = lfirst_node(Constraint, lc)->contype;

		if (type == CONSTR_DEFAULT || type == CONSTR_GENERATED || type == CONSTR_IDENTITY)
			return true;
	}
	return false;
}

static void
guard_alter_command(AlterTableCmd *cmd, Oid relid)
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
			guard_refuse("change the access method of", relid, NULL);
			break;
		case AT_SetUnLogged:
			guard_refuse("make unlogged", relid, NULL);
			break;
		case AT_ColumnDefault:
		case AT_DropNotNull:
		case AT_AddIdentity:
			if (cmd->name != NULL && strcmp(cmd->name, LEDGER_ID_COLUMN) == 0)
				guard_refuse("alter column \"ledger_id\" of", relid, NULL);
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
			guard_alter_command(lfirst_node(AlterTableCmd, c), lfirst_oid(lc));
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

static void
guard_rename(RenameStmt *stmt)
{
	Oid			relid = InvalidOid;

	if (stmt->renameType == OBJECT_SCHEMA)
	{
		Oid			schema = get_namespace_oid(stmt->subname, true);

		if (OidIsValid(schema))
			relid = guard_ledger_table_in(schema);
	}
	else if (stmt->renameType == OBJECT_TABLE || stmt->renameType == OBJECT_COLUMN)
		relid = stmt->relation != NULL ? RangeVarGetRelid(stmt->relation, NoLock, true) : InvalidOid;
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
guard_without_sealer(Oid database, PlannedStmt *pstmt, const char *query_string,
					 bool read_only_tree, ProcessUtilityContext context, ParamListInfo params,
					 QueryEnvironment *environment, DestReceiver *dest, QueryCompletion *qc)
{
	sealer_hold(database);
	PG_TRY();
	{
		guard_call_next(pstmt, query_string, read_only_tree, context, params,
						environment, dest, qc);
	}
	PG_FINALLY();
	{
		sealer_release(database);
	}
	PG_END_TRY();
}

static void
guard_process_utility(PlannedStmt *pstmt, const char *query_string, bool read_only_tree,
					  ProcessUtilityContext context, ParamListInfo params,
					  QueryEnvironment *environment, DestReceiver *dest, QueryCompletion *qc)
{
	Node	   *stmt = pstmt->utilityStmt;
	RangeVar   *created = NULL;
	Oid			left = guard_database_to_leave(stmt);

	if (OidIsValid(left))
	{
		guard_without_sealer(left, pstmt, query_string, read_only_tree, context, params,
							 environment, dest, qc);
		return;
	}
	if (IsA(stmt, CreateStmt) && !restore_mode && guard_uses_ledger(((CreateStmt *) stmt)->accessMethod))
	{
		pstmt = copyObject(pstmt);
		stmt = pstmt->utilityStmt;
		created = ((CreateStmt *) stmt)->relation;
		if (OidIsValid(RangeVarGetRelid(created, NoLock, true)))
			created = NULL;		/* IF NOT EXISTS, or an error */
		guard_add_id_column((CreateStmt *) stmt);
	}
	else if (IsA(stmt, CreateTableAsStmt) && !restore_mode &&
			 ((CreateTableAsStmt *) stmt)->objtype == OBJECT_TABLE &&
			 guard_uses_ledger(((CreateTableAsStmt *) stmt)->into->accessMethod))
	{
		pstmt = copyObject(pstmt);
		stmt = pstmt->utilityStmt;
		created = ((CreateTableAsStmt *) stmt)->into->rel;
		if (OidIsValid(RangeVarGetRelid(created, NoLock, true)))
			created = NULL;
		guard_add_id_target((CreateTableAsStmt *) stmt);
	}
	else if (IsA(stmt, AlterTableStmt))
		guard_alter_table((AlterTableStmt *) stmt);
	else if (IsA(stmt, RenameStmt))
		guard_rename((RenameStmt *) stmt);
	else if (IsA(stmt, AlterObjectSchemaStmt))
		guard_set_schema((AlterObjectSchemaStmt *) stmt);

	guard_call_next(pstmt, query_string, read_only_tree, context, params,
					environment, dest, qc);

	if (created != NULL)
		guard_finish_table(created);
	else if (IsA(stmt, AlterTableStmt))
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

/* Every removal of a relation or a column passes here. */
static void
guard_object_access(ObjectAccessType access, Oid class_id, Oid object_id, int sub_id, void *arg)
{
	if (prev_object_access_hook)
		prev_object_access_hook(access, class_id, object_id, sub_id, arg);
	if (access != OAT_DROP || class_id != RelationRelationId || !IsTransactionState())
		return;
	if (get_rel_relkind(object_id) != RELKIND_RELATION || !am_is_ledger_oid(object_id))
		return;
	if (sub_id != 0)
		guard_refuse("drop a column of", object_id, NULL);
	/* what VACUUM FULL and CLUSTER copied from */
	if ((((ObjectAccessDrop *) arg)->dropflags & PERFORM_DELETION_INTERNAL) != 0 &&
		am_is_transient(object_id))
		return;
	guard_refuse("drop", object_id, NULL);
}

void
guard_init(void)
{
	prev_utility_hook = ProcessUtility_hook;
	ProcessUtility_hook = guard_process_utility;
	prev_object_access_hook = object_access_hook;
	object_access_hook = guard_object_access;
}
