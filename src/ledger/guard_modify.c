/*
 * guard_modify.c: UPDATE, DELETE and MERGE are refused when they begin.
 *
 * The access method refuses each row that they would change, and that is what
 * counts: nothing gets past it.  But a statement that happened to find no row
 * would pass, and an application that relies on it would fail one day in
 * production; so what a plan would change is looked at when it starts.
 *
 * Not so inside triggers: PostgreSQL's foreign keys delete and update from there
 * without knowing whether there is a row.  Those that find none pass.
 * INSERT ... ON CONFLICT DO UPDATE begins, too: only a conflict makes it an update.
 */
#include "postgres.h"
#include "compat.h"

#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "nodes/plannodes.h"
#include "parser/parsetree.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"

#include "ledger/am.h"
#include "ledger/guard_change.h"
#include "ledger/guard_modify.h"

static ExecutorStart_hook_type prev_executor_start_hook = NULL;

/* relid, or where it is a parent without storage, a ledger table below it, or InvalidOid. */
static Oid
modify_ledger_table(Oid relid)
{
	ListCell   *lc;

	if (get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE)
		return am_is_ledger_oid(relid) ? relid : InvalidOid;
	/* the planner has found that no partition can have rows to change */
	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
		if (am_is_ledger_oid(lfirst_oid(lc)))
			return lfirst_oid(lc);
	return InvalidOid;
}

/* What a plan node does to rows that are there: NULL for nothing. */
static const char *
modify_what(const ModifyTable *node)
{
	ListCell   *lc;

	if (node->operation == CMD_UPDATE)
		return "update";
	if (node->operation == CMD_DELETE)
		return "delete from";
	if (node->operation != CMD_MERGE)
		return NULL;
	foreach(lc, node->mergeActionLists)
	{
		ListCell   *a;

		foreach(a, (List *) lfirst(lc))
			if (lfirst_node(MergeAction, a)->commandType == CMD_UPDATE)
				return "update";
			else if (lfirst_node(MergeAction, a)->commandType == CMD_DELETE)
				return "delete from";
	}
	return NULL;
}

static void
modify_check(const PlannedStmt *stmt, const Plan *plan)
{
	const ModifyTable *node = (const ModifyTable *) plan;
	const char *what;
	ListCell   *lc;

	if (plan == NULL || !IsA(plan, ModifyTable) || (what = modify_what(node)) == NULL)
		return;
	foreach(lc, node->resultRelations)
	{
		Oid			relid = modify_ledger_table(rt_fetch(lfirst_int(lc), stmt->rtable)->relid);

		if (OidIsValid(relid) && DatumGetInt32(DirectFunctionCall1(pg_trigger_depth, (Datum) 0)) == 0)
			guard_refuse(what, relid, "Insert a row that corrects the old one.");
	}
}

static void
modify_executor_start(QueryDesc *query, int eflags)
{
	const PlannedStmt *stmt = query->plannedstmt;
	ListCell   *lc;

	/* first of all the rights are checked, which is PostgreSQL's to refuse */
	if (prev_executor_start_hook)
		prev_executor_start_hook(query, eflags);
	else
		standard_ExecutorStart(query, eflags);
	if (stmt->resultRelations == NIL || (eflags & EXEC_FLAG_EXPLAIN_ONLY) != 0)
		return;
	/* one that changes rows is at the top of the plan, or of a WITH query's */
	modify_check(stmt, stmt->planTree);
	foreach(lc, stmt->subplans)
		modify_check(stmt, lfirst(lc));
}

void
guard_modify_init(void)
{
	prev_executor_start_hook = ExecutorStart_hook;
	ExecutorStart_hook = modify_executor_start;
}
