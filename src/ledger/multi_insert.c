/*
 * multi_insert.c: rows into one table, many at a time, as COPY puts them there.
 *
 * A batch of messages is hundreds of rows whose values are at hand.  An INSERT
 * would have them made into arrays, taken apart again, and put into the heap one
 * by one, each with a record of its own in the WAL; the table access method takes
 * many at once, which for a ledger table is also cheaper to hash.
 *
 * What an INSERT would do besides is done here too: rights, constraints, indexes
 * and triggers, by the executor's own code.  BEFORE triggers, rules, and defaults of
 * columns that somebody added are refused on these tables when they are made
 * (guard_own.c).  The one thing left out is ON CONFLICT: a row whose key is taken is
 * an error, after its writer's transaction has ended (ingest_store.c deals with it).
 */
#include "postgres.h"
#include "compat.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"

#include "ledger/log.h"
#include "ledger/schema.h"
#include "ledger/multi_insert.h"

/* As many as are hashed together comfortably, and small enough to stay in the processor's cache. */
#define MULTI_INSERT_ROWS 256

struct MultiInsert
{
	Relation	rel;
	EState	   *estate;
	ResultRelInfo *result_rel;
	TransitionCaptureState *transitions;	/* NULL where no trigger asks for them */
	int			columns;		/* that the caller gives */
	AttrNumber	id_attnum;		/* ledger_id, 0 until the ledger sets it */
	MemoryContext memory;		/* of the rows that wait */
	CommandId	cid;
	int			count;			/* rows that wait, the last one still open */
	TupleTableSlot *slot[MULTI_INSERT_ROWS];	/* made when first used */
};

/* Policies are rewritten into statements, and here is none. */
static void
multi_insert_check_rights(Relation rel)
{
	AclResult	may = pg_class_aclcheck(RelationGetRelid(rel), GetUserId(), ACL_INSERT);

	if (may != ACLCHECK_OK)
		aclcheck_error(may, OBJECT_TABLE, RelationGetRelationName(rel));
	if (check_enable_rls(RelationGetRelid(rel), InvalidOid, false) == RLS_ENABLED)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot ingest into table \"%s\" because of its row-level security",
						RelationGetRelationName(rel)),
				 errdetail("It applies to role \"%s\", with whose rights messages are stored.",
						   GetUserNameFromId(GetUserId(), false)),
				 errhint("Use ALTER TABLE ... NO FORCE ROW LEVEL SECURITY for an owner, ALTER ROLE ... BYPASSRLS for another role.")));
}

MultiInsert *
multi_insert_begin(const char *table, int columns)
{
	MultiInsert *w = palloc0(sizeof(*w));

	w->rel = table_open(log_relation_oid(table), RowExclusiveLock);
	multi_insert_check_rights(w->rel);
	w->columns = columns;
	w->id_attnum = schema_current(w->rel)->id_attnum;
	w->memory = AllocSetContextCreate(CurrentMemoryContext, "rows to insert", ALLOCSET_DEFAULT_SIZES);
	w->cid = GetCurrentCommandId(true);
	w->estate = CreateExecutorState();
	w->estate->es_output_cid = w->cid;
	w->result_rel = makeNode(ResultRelInfo);
	InitResultRelInfo(w->result_rel, w->rel, 0, NULL, 0);
	w->estate->es_opened_result_relations = lappend(w->estate->es_opened_result_relations, w->result_rel);
	ExecOpenIndices(w->result_rel, false);
	AfterTriggerBeginQuery();
	w->transitions = MakeTransitionCaptureState(w->rel->trigdesc, RelationGetRelid(w->rel), CMD_INSERT);
	ExecBSInsertTriggers(w->estate, w->result_rel);
	return w;
}

MemoryContext
multi_insert_memory(const MultiInsert *w)
{
	return w->memory;
}

/* The last row is filled in now. */
static void
multi_insert_close_row(MultiInsert *w)
{
	TupleTableSlot *slot;

	if (w->count == 0)
		return;
	slot = w->slot[w->count - 1];
	if (!TTS_EMPTY(slot))
		return;
	for (int i = w->columns; i < slot->tts_tupleDescriptor->natts; i++)
		slot->tts_isnull[i] = i + 1 != w->id_attnum;
	slot->tts_values[w->id_attnum - 1] = Int64GetDatum(0);
	slot->tts_tableOid = RelationGetRelid(w->rel);
	ExecStoreVirtualTuple(slot);
	if (w->rel->rd_att->constr != NULL)
		ExecConstraints(w->result_rel, slot, w->estate);
}

static void
multi_insert_flush(MultiInsert *w)
{
	MemoryContext old = MemoryContextSwitchTo(GetPerTupleMemoryContext(w->estate));

	table_multi_insert(w->rel, w->slot, w->count, w->cid, 0, NULL);
	MemoryContextSwitchTo(old);
	for (int i = 0; i < w->count; i++)
	{
		List	   *recheck = NIL;

		if (w->result_rel->ri_NumIndices > 0)
			recheck = ExecInsertIndexTuplesOfInsert(w->result_rel, w->slot[i], w->estate);
		if (w->result_rel->ri_TrigDesc != NULL)
			ExecARInsertTriggers(w->estate, w->result_rel, w->slot[i], recheck, w->transitions);
		list_free(recheck);
		ExecClearTuple(w->slot[i]);
		ResetPerTupleExprContext(w->estate);
	}
	w->count = 0;
	MemoryContextReset(w->memory);
}

Datum *
multi_insert_row(MultiInsert *w, bool **nulls)
{
	TupleTableSlot *slot;

	multi_insert_close_row(w);
	if (w->count == MULTI_INSERT_ROWS)
		multi_insert_flush(w);
	if (w->slot[w->count] == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(w->estate->es_query_cxt);

		w->slot[w->count] = table_slot_create(w->rel, &w->estate->es_tupleTable);
		MemoryContextSwitchTo(old);
	}
	slot = w->slot[w->count++];
	memset(slot->tts_isnull, false, w->columns * sizeof(bool));
	*nulls = slot->tts_isnull;
	return slot->tts_values;
}

void
multi_insert_end(MultiInsert *w)
{
	multi_insert_close_row(w);
	if (w->count > 0)
		multi_insert_flush(w);
	ExecASInsertTriggers(w->estate, w->result_rel, w->transitions);
	AfterTriggerEndQuery(w->estate);
	ExecResetTupleTable(w->estate->es_tupleTable, false);
	ExecCloseResultRelations(w->estate);
	table_close(w->rel, NoLock);
	FreeExecutorState(w->estate);
	MemoryContextDelete(w->memory);
	pfree(w);
	CommandCounterIncrement();
}
