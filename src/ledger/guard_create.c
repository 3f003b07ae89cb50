/*
 * guard_create.c: what CREATE TABLE ... USING ledger does beyond creating a table.
 *
 * It adds ledger_id where it is not declared, and once the table is there, gives
 * that column its default and registers the columns in the log.  CREATE TABLE AS,
 * SELECT INTO and default_table_access_method count as much as USING ledger does.
 * No index is made: nothing of ours needs one on ledger_id (an entry knows where
 * its rows lie), and every row would pay for it.
 *
 * A restore makes tables as they were dumped, default included, and brings the
 * registered columns along; so it is left alone.  Only the
 * extension's own tables are never dumped, and are made whole even then.
 */
#include "postgres.h"
#include "compat.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "rewrite/rewriteHandler.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "guc.h"
#include "ledger/am.h"
#include "ledger/guard_create.h"
#include "ledger/schema.h"
#include "ledger/write.h"

/* The access method that a statement gives its table. */
static const char *
create_access_method(const char *named)
{
	return named != NULL ? named : default_table_access_method;
}

/*
 * The one that CREATE TABLE gives its table.  A partition takes its partitioned
 * table's, which has one from PostgreSQL 17 on.
 */
static const char *
create_table_access_method(const CreateStmt *stmt)
{
	HeapTuple	parent;
	Oid			am;

	if (stmt->accessMethod != NULL || stmt->partbound == NULL)
		return create_access_method(stmt->accessMethod);
	parent = SearchSysCache1(RELOID, ObjectIdGetDatum(RangeVarGetRelid(linitial_node(RangeVar, stmt->inhRelations),
																	   NoLock, true)));
	if (!HeapTupleIsValid(parent))
		return create_access_method(NULL);
	am = ((Form_pg_class) GETSTRUCT(parent))->relam;
	ReleaseSysCache(parent);
	return create_access_method(OidIsValid(am) ? get_am_name(am) : NULL);
}

static Node *
create_default(void)
{
	return (Node *) makeFuncCall(list_make2(makeString("energyledger"), makeString(LEDGER_ID_DEFAULT)),
								 NIL, COERCE_EXPLICIT_CALL, -1);
}

static Constraint *
create_constraint(ConstrType type, Node *expr)
{
	Constraint *c = makeNode(Constraint);

	c->contype = type;
	c->raw_expr = expr;
	c->location = -1;
	return c;
}

/*
 * ledger_id bigint NOT NULL DEFAULT energyledger.unassigned_id(), as the last column.
 * That is zero, which stands for "not yet assigned" and satisfies what is checked
 * before the access method sees the row.  It is a function because a dump names it:
 * where pg_energyledger is not there, the table cannot be made, and least of all as
 * an ordinary one.
 */
static ColumnDef *
create_id_column(void)
{
	ColumnDef  *column = makeColumnDef(LEDGER_ID_COLUMN, INT8OID, -1, InvalidOid);

	column->constraints = list_make2(create_constraint(CONSTR_NOTNULL, NULL),
									 create_constraint(CONSTR_DEFAULT, create_default()));
	return column;
}

/* Does LIKE bring the column along? */
static bool
create_like_has_id(const TableLikeClause *like)
{
	Oid			relid = RangeVarGetRelid(like->relation, NoLock, true);

	return OidIsValid(relid) && get_attnum(relid, LEDGER_ID_COLUMN) != InvalidAttrNumber;
}

static void
create_add_id_column(CreateStmt *stmt)
{
	ListCell   *lc;

	/* columns of these come from another table, which must have it */
	if (stmt->partbound != NULL || stmt->inhRelations != NIL)
		return;
	foreach(lc, stmt->tableElts)
	{
		Node	   *element = lfirst(lc);

		if (IsA(element, TableLikeClause) && create_like_has_id((TableLikeClause *) element))
			return;
		if (IsA(element, ColumnDef) && strcmp(((ColumnDef *) element)->colname, LEDGER_ID_COLUMN) == 0)
			return;
	}
	stmt->tableElts = lappend(stmt->tableElts, create_id_column());
}

/*
 * CREATE TABLE ... AS: the same column, as one more constant of the query.  A
 * query whose rows are compared as wholes (UNION, DISTINCT) cannot take one more
 * column this way; it is told so by the check of the columns.
 */
static void
create_add_id_target(CreateTableAsStmt *stmt)
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

/*
 * The columns of a typed table change with its type, beyond the reach of what
 * guards the table; and the log's own access method is the extension's.
 */
static void
create_check(const CreateStmt *stmt, const char *access_method)
{
	if (strcmp(access_method, "ledger_log") == 0 && !creating_extension)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
				 errmsg("table \"%s\" cannot use access method \"ledger_log\"", stmt->relation->relname),
				 errdetail("It is for the log that pg_energyledger keeps."),
				 errhint("CREATE TABLE ... USING ledger")));
	if (strcmp(access_method, "ledger") == 0 && stmt->ofTypename != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
				 errmsg("ledger table \"%s\" cannot be a typed table", stmt->relation->relname),
				 errdetail("Its columns would change with the type."),
				 errhint("CREATE TABLE ... (LIKE the_type) USING ledger")));
}

/* Remember what is made; not where a table of that name is there (IF NOT EXISTS, or an error). */
static void
create_note_name(const RangeVar *name, CreatedTable *created)
{
	Oid			schema;

	if (name->relpersistence != RELPERSISTENCE_PERMANENT)
		return;					/* will be refused */
	schema = RangeVarGetCreationNamespace(name);
	if (OidIsValid(get_relname_relid(name->relname, schema)))
		return;
	created->schema = schema;
	created->name = pstrdup(name->relname);
}

PlannedStmt *
guard_create_prepare(PlannedStmt *pstmt, CreatedTable *created)
{
	Node	   *stmt = pstmt->utilityStmt;

	created->schema = InvalidOid;
	if (!creating_extension && write_is_restoring())
		return pstmt;
	if (IsA(stmt, CreateStmt))
	{
		const char *access_method = create_table_access_method((CreateStmt *) stmt);

		create_check((CreateStmt *) stmt, access_method);
		if (strcmp(access_method, "ledger") != 0)
			return pstmt;
		pstmt = copyObject(pstmt);
		create_note_name(((CreateStmt *) pstmt->utilityStmt)->relation, created);
		create_add_id_column((CreateStmt *) pstmt->utilityStmt);
	}
	else if (IsA(stmt, CreateTableAsStmt) && ((CreateTableAsStmt *) stmt)->objtype == OBJECT_TABLE)
	{
		if (strcmp(create_access_method(((CreateTableAsStmt *) stmt)->into->accessMethod), "ledger") != 0)
			return pstmt;
		pstmt = copyObject(pstmt);
		create_note_name(((CreateTableAsStmt *) pstmt->utilityStmt)->into->rel, created);
		create_add_id_target((CreateTableAsStmt *) pstmt->utilityStmt);
	}
	return pstmt;
}

/* Has ledger_id the default that it should have?  A partition may have its parent's. */
static bool
create_has_default(Relation rel, AttrNumber id)
{
	Node	   *expr = TupleDescAttr(RelationGetDescr(rel), id - 1)->atthasdef ?
		build_column_default(rel, id) : NULL;
	char	   *name = expr != NULL && IsA(expr, FuncExpr) ? get_func_name(((FuncExpr *) expr)->funcid) : NULL;

	return name != NULL && strcmp(name, LEDGER_ID_DEFAULT) == 0;
}

void
guard_create_finish(const CreatedTable *created)
{
	Oid			relid = OidIsValid(created->schema) ? get_relname_relid(created->name, created->schema) : InvalidOid;
	Relation	rel;
	char	   *name;
	char	   *command;
	AttrNumber	id;
	bool		has_default;

	if (!OidIsValid(relid) || !am_is_ledger_oid(relid))
		return;					/* a partitioned parent has no access method */
	rel = table_open(relid, AccessShareLock);
	name = quote_qualified_identifier(get_namespace_name(created->schema), created->name);
	id = get_attnum(relid, LEDGER_ID_COLUMN);
	if (!am_hashes_rows(rel) || id == InvalidAttrNumber)
	{
		table_close(rel, NoLock);
		return;
	}
	has_default = create_has_default(rel, id);
	if (!write_is_restoring())
		(void) schema_current(rel);
	table_close(rel, NoLock);

	if (has_default)
		return;
	SPI_connect();
	command = psprintf("ALTER TABLE ONLY %s ALTER COLUMN ledger_id SET DEFAULT energyledger." LEDGER_ID_DEFAULT "()", name);
	if (SPI_execute(command, false, 0) != SPI_OK_UTILITY)
		elog(ERROR, "could not execute \"%s\"", command);
	SPI_finish();
}
