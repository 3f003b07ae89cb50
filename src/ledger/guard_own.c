/*
 * guard_own.c: keeps the extension's own objects as the extension made them.
 *
 * Rows are guarded by code that the catalogs lead to: the access methods'
 * handlers, the log's tables with their unique indexes, the sequence of ids.
 * Whoever replaces one of these by a statement has disabled the guard without
 * touching a ledger table, so those statements are refused too, for everybody.
 * The extension's own scripts (CREATE and ALTER EXTENSION ... UPDATE) may.
 *
 * Rules and triggers of any ledger table are judged here as well: a row that an
 * INSERT reports as written must be written.
 */
#include "postgres.h"
#include "compat.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/dependency.h"
#include "catalog/index.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "parser/parse_func.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/reltrigger.h"
#include "utils/syscache.h"

#include "ledger/am.h"
#include "ledger/guard_change.h"
#include "ledger/guard_own.h"
#include "ledger/log.h"

/* The extension's scripts, and pg_upgrade's, make and change what they like. */
static bool
guard_own_may(void)
{
	return creating_extension || IsBinaryUpgrade;
}

static bool
guard_is_own(Oid class_id, Oid object_id)
{
	Oid			extension = getExtensionOfObject(class_id, object_id);

	return OidIsValid(extension) && extension == log_extension_oid();
}

bool
guard_is_own_table(Oid relid)
{
	return guard_is_own(RelationRelationId, relid);
}

static bool
guard_is_log_table(Oid relid)
{
	return am_is_log_oid(relid) && !guard_own_may();
}

void
guard_refuse_own(const char *what, Oid relid, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("cannot %s ledger table \"%s\"", what, get_rel_name(relid)),
			 errdetail("Table \"%s.%s\" belongs to pg_energyledger, which relies on it.",
					   get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid)),
			 hint != NULL ? errhint("%s", hint) : 0));
}

static void
guard_own_refuse_object(const char *what, const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("cannot %s \"%s\"", what, name),
			 errdetail("It belongs to pg_energyledger, which relies on it.")));
}

/*
 * Its other tables: what keeps a message from being stored twice, and a reading from
 * being without one, stays; what could keep a good message out is not added.
 */
static void
guard_own_alter_ledger_table(Oid relid, const AlterTableCmd *cmd)
{
	switch (cmd->subtype)
	{
		case AT_AddColumn:
			if (castNode(ColumnDef, cmd->def)->constraints == NIL)
				break;
			guard_refuse_own("add a column with a constraint or a default to", relid,
							 "Add the column without.");
			break;
		case AT_AddConstraint:
		case AT_AddIndexConstraint:
		case AT_SetNotNull:
		case AT_DropConstraint:
		case AT_AlterConstraint:
		case AT_DropNotNull:
		case AT_ColumnDefault:
		case AT_DisableTrig:
		case AT_DisableTrigAll:
		case AT_DisableTrigUser:
		case AT_EnableReplicaTrig:
			guard_refuse_own("alter", relid, NULL);
		default:
			break;
	}
}

/* The log's rows are written beneath the executor: nothing that is added here would be evaluated. */
void
guard_own_alter_table(Oid relid, const AlterTableCmd *cmd)
{
	if (!guard_is_log_table(relid))
	{
		if (guard_is_own_table(relid) && !guard_own_may())
			guard_own_alter_ledger_table(relid, cmd);
		return;
	}
	switch (cmd->subtype)
	{
		case AT_ChangeOwner:
		case AT_SetRelOptions:
		case AT_ResetRelOptions:
		case AT_SetTableSpace:
		case AT_SetStatistics:
		case AT_SetOptions:
		case AT_ResetOptions:
		case AT_ClusterOn:
		case AT_DropCluster:
		case AT_ReplicaIdentity:
		case AT_SetLogged:
			break;
		default:
			guard_refuse_own("alter", relid, NULL);
	}
}

/* Is a variable-length attribute of two pg_proc rows the same? */
static bool
guard_same_text(HeapTuple before, HeapTuple after, AttrNumber attnum)
{
	bool		null_before;
	bool		null_after;
	Datum		a = SysCacheGetAttr(PROCOID, before, attnum, &null_before);
	Datum		b = SysCacheGetAttr(PROCOID, after, attnum, &null_after);

	if (null_before || null_after)
		return null_before == null_after;
	return datumIsEqual(PointerGetDatum(PG_DETOAST_DATUM(a)), PointerGetDatum(PG_DETOAST_DATUM(b)), false, -1);
}

static bool
guard_same_function(HeapTuple before, HeapTuple after)
{
	Form_pg_proc old = (Form_pg_proc) GETSTRUCT(before);
	Form_pg_proc new = (Form_pg_proc) GETSTRUCT(after);

	return strcmp(NameStr(old->proname), NameStr(new->proname)) == 0 &&
		old->pronamespace == new->pronamespace && old->prolang == new->prolang &&
		old->prosecdef == new->prosecdef &&
		guard_same_text(before, after, Anum_pg_proc_prosrc) &&
		guard_same_text(before, after, Anum_pg_proc_probin) &&
		guard_same_text(before, after, Anum_pg_proc_proconfig);
}

/* A function of the extension with another body, name or setting is another function. */
void
guard_own_function(Oid function)
{
	HeapTuple	before = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	HeapTuple	after;
	ScanKeyData key;

	if (!HeapTupleIsValid(before))
		return;					/* it is new */
	ScanKeyInit(&key, Anum_pg_proc_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(function));
	if (!guard_own_may() && guard_is_own(ProcedureRelationId, function) &&
		HeapTupleIsValid(after = guard_new_row(ProcedureRelationId, ProcedureOidIndexId, &key, 1)))
	{
		if (!guard_same_function(before, after))
			guard_own_refuse_object("change function", NameStr(((Form_pg_proc) GETSTRUCT(before))->proname));
		heap_freetuple(after);
	}
	ReleaseSysCache(before);
}

/*
 * A rule in place of an INSERT would report rows as written that are not; one in
 * place of a SELECT makes a view of an empty table.  Rules in place of UPDATE and
 * DELETE take nothing away.
 */
void
guard_own_rule(Oid rule)
{
	ScanKeyData key;
	HeapTuple	tuple;
	Form_pg_rewrite form;

	ScanKeyInit(&key, Anum_pg_rewrite_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(rule));
	tuple = guard_new_row(RewriteRelationId, RewriteOidIndexId, &key, 1);
	if (!HeapTupleIsValid(tuple))
		return;
	form = (Form_pg_rewrite) GETSTRUCT(tuple);
	if (am_is_ledger_oid(form->ev_class))
	{
		if (form->ev_type == '0' + CMD_SELECT)
			guard_refuse("make a view of", form->ev_class, "Create a view that reads it.");
		if (guard_is_own_table(form->ev_class) && !guard_own_may())
			guard_refuse_own("create a rule on", form->ev_class, NULL);
		if (form->ev_type == '0' + CMD_INSERT && form->is_instead)
			guard_refuse("replace INSERT by a rule on", form->ev_class,
						 "Use a rule with DO ALSO, or a trigger.");
	}
	heap_freetuple(tuple);
}

/*
 * Nothing fires on the log's tables; on the extension's other tables nothing may
 * drop a message that is then acknowledged.
 */
void
guard_own_trigger(Oid trigger)
{
	ScanKeyData key;
	HeapTuple	tuple;
	Form_pg_trigger form;

	ScanKeyInit(&key, Anum_pg_trigger_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(trigger));
	tuple = guard_new_row(TriggerRelationId, TriggerOidIndexId, &key, 1);
	if (!HeapTupleIsValid(tuple))
		return;
	form = (Form_pg_trigger) GETSTRUCT(tuple);
	if (!form->tgisinternal && am_is_ledger_oid(form->tgrelid) &&
		guard_is_own_table(form->tgrelid) && !guard_own_may())
	{
		if (guard_is_log_table(form->tgrelid))
			guard_refuse_own("create a trigger on", form->tgrelid, NULL);
		if (TRIGGER_FOR_BEFORE(form->tgtype))
			guard_refuse_own("create a BEFORE trigger on", form->tgrelid, "Create an AFTER trigger.");
	}
	heap_freetuple(tuple);
}

/* What checks the extension's rows stays: a trigger of its table that calls its function. */
static bool
guard_own_has_trigger(Oid relid, const char *name)
{
	Relation	rel;
	bool		found = false;

	if (!OidIsValid(relid) || !guard_is_own_table(relid))
		return false;
	rel = relation_open(relid, AccessShareLock);
	for (int i = 0; rel->trigdesc != NULL && i < rel->trigdesc->numtriggers && !found; i++)
		found = strcmp(rel->trigdesc->triggers[i].tgname, name) == 0 &&
			guard_is_own(ProcedureRelationId, rel->trigdesc->triggers[i].tgfoid);
	relation_close(rel, AccessShareLock);
	return found;
}

/* Each is the table's name with the trigger's after it. */
static void
guard_own_drop_trigger(DropStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->objects)
	{
		List	   *name = list_copy(lfirst(lc));
		const char *trigger = strVal(llast(name));
		Oid			relid = RangeVarGetRelid(makeRangeVarFromNameList(list_delete_last(name)), NoLock, true);

		if (guard_own_has_trigger(relid, trigger))
			guard_refuse_own("drop a trigger of", relid, NULL);
	}
}

static void
guard_own_replace_trigger(CreateTrigStmt *stmt)
{
	Oid			relid = RangeVarGetRelid(stmt->relation, NoLock, true);

	if (stmt->replace && guard_own_has_trigger(relid, stmt->trigname))
		guard_refuse_own("replace a trigger of", relid, "Create a trigger of another name.");
}

/* relid, or the table whose index it is. */
static Oid
guard_own_subject(const RangeVar *name)
{
	Oid			relid = name != NULL ? RangeVarGetRelid(name, NoLock, true) : InvalidOid;
	char		kind = OidIsValid(relid) ? get_rel_relkind(relid) : '\0';

	if (kind == RELKIND_INDEX)
		return IndexGetRelation(relid, true);
	return relid;
}

/* Another access method with our handler would have tables that nothing here knows. */
static void
guard_own_access_method(CreateAmStmt *stmt)
{
	Oid			argument[1] = {INTERNALOID};
	Oid			handler = LookupFuncName(stmt->handler_name, 1, argument, true);

	if (OidIsValid(handler) && guard_is_own(ProcedureRelationId, handler))
		guard_own_refuse_object("create another access method with handler", get_func_name(handler));
}

/* A unique index of one of our tables is a promise too. */
static void
guard_own_drop_index(DropStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->objects)
	{
		Oid			index = RangeVarGetRelid(makeRangeVarFromNameList(lfirst(lc)), NoLock, true);
		Oid			relid = OidIsValid(index) && get_rel_relkind(index) == RELKIND_INDEX ?
			IndexGetRelation(index, true) : InvalidOid;
		HeapTuple	tuple;

		if (!OidIsValid(relid) || !guard_is_own_table(relid))
			continue;
		tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
		if (!HeapTupleIsValid(tuple))
			continue;
		if (((Form_pg_index) GETSTRUCT(tuple))->indisunique)
			guard_refuse_own("drop a unique index of", relid, NULL);
		ReleaseSysCache(tuple);
	}
}

void
guard_own_statement(Node *stmt)
{
	Oid			relid;

	if (guard_own_may())
		return;
	switch (nodeTag(stmt))
	{
		case T_IndexStmt:
			/* others are welcome; one of these could keep a writer from its commit */
			relid = guard_own_subject(((IndexStmt *) stmt)->relation);
			if (((IndexStmt *) stmt)->unique && OidIsValid(relid) && guard_is_own_table(relid))
				guard_refuse_own("create a unique index on", relid, "Create an index that is not unique.");
			break;
		case T_RenameStmt:
			relid = guard_own_subject(((RenameStmt *) stmt)->relation);
			if (OidIsValid(relid) && guard_is_log_table(relid))
				guard_refuse_own("rename a part of", relid, NULL);
			if (OidIsValid(relid) && get_rel_relkind(relid) == RELKIND_SEQUENCE && guard_is_own_table(relid))
				guard_own_refuse_object("rename sequence", get_rel_name(relid));
			if (((RenameStmt *) stmt)->renameType == OBJECT_TRIGGER && guard_own_has_trigger(relid, ((RenameStmt *) stmt)->subname))
				guard_refuse_own("rename a trigger of", relid, NULL);
			break;
		case T_DropStmt:
			if (((DropStmt *) stmt)->removeType == OBJECT_INDEX)
				guard_own_drop_index((DropStmt *) stmt);
			else if (((DropStmt *) stmt)->removeType == OBJECT_TRIGGER)
				guard_own_drop_trigger((DropStmt *) stmt);
			break;
		case T_CreateTrigStmt:
			guard_own_replace_trigger((CreateTrigStmt *) stmt);
			break;
		case T_AlterSeqStmt:
			relid = guard_own_subject(((AlterSeqStmt *) stmt)->sequence);
			if (OidIsValid(relid) && guard_is_own_table(relid))
				guard_own_refuse_object("alter sequence", get_rel_name(relid));
			break;
		case T_AlterObjectSchemaStmt:
			relid = guard_own_subject(((AlterObjectSchemaStmt *) stmt)->relation);
			if (OidIsValid(relid) && get_rel_relkind(relid) == RELKIND_SEQUENCE && guard_is_own_table(relid))
				guard_own_refuse_object("change the schema of sequence", get_rel_name(relid));
			break;
		case T_AlterExtensionContentsStmt:
			if (((AlterExtensionContentsStmt *) stmt)->action < 0 &&
				strcmp(((AlterExtensionContentsStmt *) stmt)->extname, "pg_energyledger") == 0)
				guard_own_refuse_object("take anything out of extension", "pg_energyledger");
			break;
		case T_CreateAmStmt:
			guard_own_access_method((CreateAmStmt *) stmt);
			break;
		default:
			break;
	}
}
