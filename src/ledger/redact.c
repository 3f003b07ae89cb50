/*
 * redact.c: erases a redactable value from its row, and says so in the log.
 *
 * The row is replaced beneath the access method, which lets nobody else update,
 * by one that has the value's commitment where salt and value were.  Its hash is
 * the same as before.  No trigger fires and no foreign key is asked: nothing that
 * either looks at can have changed.  Constraints are checked all the same, because
 * a row that breaks one could not be restored from a dump.
 *
 * Row and event are written in the caller's transaction, and come and go together.
 * The old version of the row stays in the table's file until VACUUM (erase.c).
 */
#include "postgres.h"
#include "compat.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "core/encode.h"
#include "guc.h"
#include "ledger/am.h"
#include "ledger/event.h"
#include "ledger/ids.h"
#include "ledger/log.h"
#include "ledger/redact.h"
#include "ledger/redactable.h"
#include "ledger/schema.h"
#include "ledger/site.h"
#include "ledger/write.h"

#define REDACT_OPERATOR_ROLE "energyledger_operator"

/* columns of energyledger.entry by position */
#define ENTRY_ATTR_FIRST_ID 1
#define ENTRY_ATTR_LAST_ID 2
#define ENTRY_ATTR_LOW_TID 9
#define ENTRY_ATTR_HIGH_TID 10

/* The row, its table, and the column. */
typedef struct Redaction
{
	int64		ledger_id;
	const char *column;
	Relation	rel;
	const LedgerSchema *schema;
	AttrNumber	attnum;
	uint16		ordinal;
	TupleTableSlot *slot;		/* the row's newest version */
	LogPlace	place;			/* where its entry was written */
} Redaction;

/* ---- who may, and when ---- */

static void
redact_check_state(void)
{
	PreventCommandIfReadOnly("energyledger.redact()");
	PreventCommandDuringRecovery("energyledger.redact()");
	if (restore_mode || write_takes_ids())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot redact in restore mode or while applying replicated changes"),
				 errhint("Redact once the restore is through.")));
}

void
redact_check_rights(Oid relid)
{
	Oid			operator_role = get_role_oid(REDACT_OPERATOR_ROLE, true);
	char		relkind = get_rel_relkind(relid);
	char	   *name = get_rel_name(relid);

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	if (relkind != RELKIND_RELATION && relkind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a ledger table", name)));
	if (!object_ownercheck(RelationRelationId, relid, GetUserId()) &&
		!(OidIsValid(operator_role) && has_privs_of_role(GetUserId(), operator_role)))
		aclcheck_error(ACLCHECK_NOT_OWNER, get_relkind_objtype(relkind), name);
}

static void
redact_check_reason(const char *reason)
{
	if (reason[0] == '\0' || strlen(reason) > REDACT_REASON_LEN_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("reason of a redaction must have 1 to %d bytes", REDACT_REASON_LEN_MAX),
				 errdetail("It has %zu.", strlen(reason))));
}

/* ---- finding the row ---- */

static Relation
redact_open_entry_index(Relation entry)
{
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(entry))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		if (index->rd_index->indisprimary)
			return index;
		index_close(index, AccessShareLock);
	}
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("primary key of energyledger.entry is missing")));
	return NULL;				/* not reached */
}

/* The entry whose run the id lies in; false where there is none. */
static bool
redact_find_entry(Redaction *r)
{
	Relation	rel = table_open(log_relation_oid("entry"), AccessShareLock);
	Relation	index = redact_open_entry_index(rel);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		found = false;

	ScanKeyInit(&key, ENTRY_ATTR_FIRST_ID, BTLessEqualStrategyNumber, F_INT8LE, Int64GetDatum(r->ledger_id));
	scan = systable_beginscan_ordered(rel, index, GetActiveSnapshot(), 1, &key);
	tuple = systable_getnext_ordered(scan, BackwardScanDirection);
	if (HeapTupleIsValid(tuple))
	{
		TupleDesc	desc = RelationGetDescr(rel);
		bool		null[3];
		Datum		last_id = heap_getattr(tuple, ENTRY_ATTR_LAST_ID, desc, &null[0]);
		ItemPointer low = (ItemPointer) DatumGetPointer(heap_getattr(tuple, ENTRY_ATTR_LOW_TID, desc, &null[1]));
		ItemPointer high = (ItemPointer) DatumGetPointer(heap_getattr(tuple, ENTRY_ATTR_HIGH_TID, desc, &null[2]));

		found = !null[0] && low != NULL && high != NULL && DatumGetInt64(last_id) >= r->ledger_id;
		if (found)
		{
			/* whole pages: a row that was redacted before may have moved within its own */
			ItemPointerSet(&r->place.low, ItemPointerGetBlockNumberNoCheck(low), 1);
			ItemPointerSet(&r->place.high, ItemPointerGetBlockNumberNoCheck(high), MaxOffsetNumber);
		}
	}
	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
	table_close(rel, AccessShareLock);
	return found;
}

static bool
redact_is_row(Redaction *r, TupleTableSlot *slot)
{
	bool		isnull;
	Datum		id = slot_getattr(slot, r->schema->id_attnum, &isnull);

	CHECK_FOR_INTERRUPTS();
	return !isnull && DatumGetInt64(id) == r->ledger_id;
}

/* Where the entry says that its rows are. */
static bool
redact_find_in_place(Redaction *r)
{
	TableScanDesc scan = table_beginscan_tidrange(r->rel, GetActiveSnapshot(), &r->place.low, &r->place.high);
	bool		found = false;

	while (!found && table_scan_getnextslot_tidrange(scan, ForwardScanDirection, r->slot))
		found = redact_is_row(r, r->slot);
	table_endscan(scan);
	return found;
}

/* A btree that begins with ledger_id and has all rows, or NULL. */
static Relation
redact_open_index(Redaction *r)
{
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(r->rel))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		if (index->rd_rel->relam == BTREE_AM_OID && index->rd_index->indisvalid &&
			index->rd_index->indkey.values[0] == r->schema->id_attnum &&
			RelationGetIndexPredicate(index) == NIL)
			return index;
		index_close(index, AccessShareLock);
	}
	return NULL;
}

/* Anywhere in the table. */
static bool
redact_find_anywhere(Redaction *r)
{
	Relation	index = redact_open_index(r);
	bool		found = false;

	if (index != NULL)
	{
		IndexScanDesc scan = index_beginscan_of(r->rel, index, GetActiveSnapshot(), 1);
		ScanKeyData key;

		ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(r->ledger_id));
		index_rescan(scan, &key, 1, NULL, 0);
		found = index_getnext_slot(scan, ForwardScanDirection, r->slot);
		index_endscan(scan);
		index_close(index, AccessShareLock);
	}
	else
	{
		TableScanDesc scan = table_beginscan(r->rel, GetActiveSnapshot(), 0, NULL);

		while (!found && table_scan_getnextslot(scan, ForwardScanDirection, r->slot))
			found = redact_is_row(r, r->slot);
		table_endscan(scan);
	}
	return found;
}

/* In this table?  Its name in the log is of no use here: tables may have been renamed since. */
static bool
redact_find_in_table(Redaction *r, Oid relid, bool anywhere)
{
	r->rel = table_open(relid, NoLock);
	if (am_hashes_rows(r->rel))
	{
		r->schema = schema_current(r->rel);
		r->slot = table_slot_create(r->rel, NULL);
		if (anywhere ? redact_find_anywhere(r) : redact_find_in_place(r))
			return true;
		ExecDropSingleTupleTableSlot(r->slot);
	}
	table_close(r->rel, NoLock);
	return false;
}

/* The row, in the table itself or a partition: first where its entry says, then everywhere. */
static void
redact_find_row(Redaction *r, Oid relid)
{
	List	   *tables = NIL;
	ListCell   *lc;

	/* which locks what inherits from it, not the table itself */
	LockRelationOid(relid, RowExclusiveLock);
	foreach(lc, find_all_inheritors(relid, RowExclusiveLock, NULL))
		if (am_is_ledger_oid(lfirst_oid(lc)))
			tables = lappend_oid(tables, lfirst_oid(lc));
	if (tables == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a ledger table", get_rel_name(relid))));
	if (redact_find_entry(r))
	{
		foreach(lc, tables)
			if (redact_find_in_table(r, lfirst_oid(lc), false))
				return;
		foreach(lc, tables)
			if (redact_find_in_table(r, lfirst_oid(lc), true))
				return;
	}
	ereport(ERROR,
			(errcode(ERRCODE_NO_DATA_FOUND),
			 errmsg("ledger table \"%s\" has no row with ledger_id " INT64_FORMAT,
					get_rel_name(relid), r->ledger_id),
			 errhint("A row can be redacted once the transaction that inserted it has committed.")));
}

/* The columns as the row's own site registered them, by which it is hashed. */
static const RowPlan *
redact_row_plan(Redaction *r)
{
	int			site_id = LEDGER_ID_SITE(r->ledger_id);
	const LedgerSchema *theirs = NULL;
	char	   *why = NULL;

	if (site_id != site_current()->site_id)
		theirs = schema_of_version(r->rel, r->schema->relation, site_id, 0, &why);
	return theirs != NULL ? theirs->plan : r->schema->plan;
}

static void
redact_find_column(Redaction *r)
{
	const RowPlan *plan;

	r->attnum = get_attnum(RelationGetRelid(r->rel), r->column);
	if (r->attnum == InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of ledger table \"%s\" does not exist",
						r->column, RelationGetRelationName(r->rel))));
	plan = redact_row_plan(r);
	for (int i = 0; i < plan->column_count; i++)
		if (plan->column[i].attnum == r->attnum && plan->column[i].form == ROW_REDACTABLE)
			r->ordinal = plan->column[i].ordinal;
	if (r->ordinal == 0)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("column \"%s\" of ledger table \"%s\" is not redactable",
						r->column, RelationGetRelationName(r->rel)),
				 errdetail("Its hash is made from the value itself; only columns of type energyledger.redactable can be redacted.")));
}

/* Nobody else redacts it until we are done; whoever was before us has made a newer version. */
static void
redact_lock_row(Redaction *r)
{
	ItemPointerData tid = r->slot->tts_tid;
	TM_FailureData failure;
	TM_Result	result = table_tuple_lock(r->rel, &tid, GetActiveSnapshot(), r->slot,
										  GetCurrentCommandId(true), LockTupleNoKeyExclusive,
										  LockWaitBlock, TUPLE_LOCK_FLAG_FIND_LAST_VERSION, &failure);

	if (result != TM_Ok || (failure.traversed && IsolationUsesXactSnapshot()))
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access due to concurrent redaction"),
				 errdetail("Row " INT64_FORMAT " of ledger table \"%s\" was redacted meanwhile.",
						   r->ledger_id, RelationGetRelationName(r->rel))));
}

/* ---- replacing it ---- */

/* Its own transaction's row has no place in the log yet.  A version that redact() made is not one. */
static void
redact_check_committed(Redaction *r, HeapTuple tuple)
{
	/* COPY FREEZE hides it behind a frozen xid, but only in a table that the transaction made */
	TransactionId xmin = r->rel->rd_createSubid != InvalidSubTransactionId ?
		HeapTupleHeaderGetRawXmin(tuple->t_data) : HeapTupleHeaderGetXmin(tuple->t_data);

	if (TransactionIdIsCurrentTransactionId(xmin) &&
		(tuple->t_data->t_infomask & HEAP_UPDATED) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot redact row " INT64_FORMAT " of ledger table \"%s\" in the transaction that inserted it",
						r->ledger_id, RelationGetRelationName(r->rel)),
				 errdetail("It is not in the log yet."),
				 errhint("Commit first, or do not insert the value.")));
}

/* The value's commitment as a value. */
static Datum
redact_commitment(Redaction *r)
{
	uint8		commitment[COMMITMENT_LEN];
	commitment_parts parts = {.form = COMMITMENT_REDACTED,.commitment = commitment};
	bool		isnull;
	Datum		value = slot_getattr(r->slot, r->attnum, &isnull);

	if (isnull)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("column \"%s\" of row " INT64_FORMAT " of ledger table \"%s\" is null",
						r->column, r->ledger_id, RelationGetRelationName(r->rel)),
				 errdetail("There is nothing to redact.")));
	if (redactable_form(value) == COMMITMENT_REDACTED)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("column \"%s\" of row " INT64_FORMAT " of ledger table \"%s\" is redacted already",
						r->column, r->ledger_id, RelationGetRelationName(r->rel))));
	if (!redactable_commitment(value, commitment))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("column \"%s\" of row " INT64_FORMAT " of ledger table \"%s\" is not as the ledger stored it",
						r->column, r->ledger_id, RelationGetRelationName(r->rel)),
				 errhint("Run SELECT * FROM energyledger.verify().")));
	return redactable_datum(&parts);
}

static HeapTuple
redact_new_tuple(Redaction *r)
{
	TupleDesc	desc = RelationGetDescr(r->rel);
	Datum	   *values = palloc0(sizeof(Datum) * desc->natts);
	bool	   *nulls = palloc0(sizeof(bool) * desc->natts);
	bool	   *replace = palloc0(sizeof(bool) * desc->natts);
	bool		ours;
	HeapTuple	tuple = ExecFetchSlotHeapTuple(r->slot, false, &ours);

	redact_check_committed(r, tuple);
	values[r->attnum - 1] = redact_commitment(r);
	replace[r->attnum - 1] = true;
	return heap_modify_tuple(tuple, desc, values, nulls, replace);
}

/* Heap's update, with the indexes where the new version needs entries of its own. */
static void
redact_update(Redaction *r, HeapTuple tuple)
{
	EState	   *estate = CreateExecutorState();
	ResultRelInfo *result_rel = makeNode(ResultRelInfo);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(RelationGetDescr(r->rel), &TTSOpsHeapTuple);
	ItemPointerData old = r->slot->tts_tid;
	TM_FailureData failure;
	LockTupleMode mode;
	AM_UPDATE_INDEXES update_indexes;
	TM_Result	result;

	InitResultRelInfo(result_rel, r->rel, 0, NULL, 0);
	ExecStoreHeapTuple(tuple, slot, false);
	slot->tts_tableOid = RelationGetRelid(r->rel);
	if (r->rel->rd_att->constr != NULL)
		ExecConstraints(result_rel, slot, estate);
	if (r->rel->rd_rel->relispartition)
		(void) ExecPartitionCheck(result_rel, slot, estate, true);
	result = GetHeapamTableAmRoutine()->tuple_update(r->rel, &old, slot, GetCurrentCommandId(true),
													 GetActiveSnapshot(), InvalidSnapshot, true,
													 &failure, &mode, &update_indexes);
	if (result != TM_Ok)		/* it is locked by us */
		elog(ERROR, "could not redact row " INT64_FORMAT ": result %d", r->ledger_id, (int) result);
	if (UPDATE_NEEDS_INDEXES(update_indexes))
	{
		ExecOpenIndices(result_rel, false);
		(void) ExecInsertIndexTuplesOfUpdate(result_rel, slot, estate, update_indexes);
		ExecCloseIndices(result_rel);
	}
	ExecResetTupleTable(estate->es_tupleTable, false);
	ExecDropSingleTupleTableSlot(slot);
	FreeExecutorState(estate);
}

/*
 * Constraints and index expressions are the owner's code: it runs as in VACUUM and
 * REINDEX, with the owner's rights and none to leave a trace in the caller's session.
 */
static void
redact_update_as_owner(Redaction *r, HeapTuple tuple)
{
	Oid			user;
	int			context;
	int			guc_level = NewGUCNestLevel();

	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(r->rel->rd_rel->relowner, context | SECURITY_RESTRICTED_OPERATION);
	redact_update(r, tuple);
	AtEOXact_GUC(false, guc_level);
	SetUserIdAndSecContext(user, context);
}

static uint64
redact_record(Redaction *r, const char *reason)
{
	static const char *const name[] = {"relation", "ledger_id", "column", "ordinal", "reason"};
	const char *value[] = {
		r->schema->relation, psprintf(INT64_FORMAT, r->ledger_id), r->column,
		psprintf("%u", r->ordinal), reason
	};

	return event_record(ENCODE_KIND_REDACTION, lengthof(name), name, value);
}

uint64
redact_value(Oid relid, int64 ledger_id, const char *column, const char *reason)
{
	Redaction	r = {.ledger_id = ledger_id,.column = column};
	uint64		event_id;

	redact_check_state();
	redact_check_rights(relid);
	redact_check_reason(reason);
	/* see what the statement's own earlier calls did, and what has committed since it began */
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	redact_find_row(&r, relid);
	redact_find_column(&r);
	redact_lock_row(&r);
	redact_update_as_owner(&r, redact_new_tuple(&r));
	event_id = redact_record(&r, reason);
	ExecDropSingleTupleTableSlot(r.slot);
	table_close(r.rel, NoLock);
	PopActiveSnapshot();
	CommandCounterIncrement();
	return event_id;
}
