/*
 * am.c: the table access method: heap with its writing callbacks wrapped.
 *
 * Everything that stores, finds, vacuums and logs tuples is heap's own code, so
 * indexes, foreign keys, TOAST, crash recovery, standbys and logical decoding
 * work as they always did.  What is ours: rows get their ledger_id before the
 * heap sees them and are hashed after it took them; what would change or remove
 * a row is refused.
 *
 * "ledger_log" is the same with one difference: nobody inserts through it.  The
 * extension writes its log tables beneath the access method (log.c).
 *
 * Nothing here decides by who asks: owner and superuser are refused alike.
 */
#include "postgres.h"
#include "compat.h"

#include "access/heapam.h"
#include "access/multixact.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "commands/vacuum.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "replication/logicalworker.h"
#include "storage/bufmgr.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "guc.h"
#include "ledger/am.h"
#include "ledger/convert.h"
#include "ledger/erase.h"
#include "ledger/index_build.h"
#include "ledger/schema.h"
#include "ledger/write.h"
#include "worker/shared.h"

PG_FUNCTION_INFO_V1(ledger_handler);
PG_FUNCTION_INFO_V1(ledger_log_handler);

static TableAmRoutine ledger_methods;
static TableAmRoutine ledger_log_methods;
static const TableAmRoutine *heap_methods;

static void
am_refuse(Relation rel, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("cannot %s ledger table \"%s\"", what, RelationGetRelationName(rel)),
			 errdetail("Table \"%s\" is append-only: its rows are part of a hash-chained log.",
					   schema_relation_name(rel)),
			 errhint("Insert a row that corrects the old one.")));
}

/* ---- writing ---- */

/*
 * Rows are inserted into a table that is being rewritten: they would be hashed
 * again.  Unless it is being converted: then they are hashed for the first time,
 * as rows of the table that they will be in.
 */
static bool
am_is_converted(Relation rel)
{
	if (likely(!OidIsValid(rel->rd_rel->relrewrite)))
		return false;
	if (convert_is_running(rel->rd_rel->relrewrite))
		return true;
	if (!am_is_ledger_oid(rel->rd_rel->relrewrite))
		convert_refuse_by_hand(rel->rd_rel->relrewrite);
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("cannot rewrite ledger table \"%s\"", get_rel_name(rel->rd_rel->relrewrite)),
			 errdetail("The rows of an append-only table stay as they were written."),
			 errhint("Add a column without a default instead.")));
}

static void
am_insert_converted(Relation rel, TupleTableSlot *slot, CommandId cid,
					int options, BulkInsertState bistate)
{
	Relation	original = table_open(rel->rd_rel->relrewrite, NoLock);

	(void) write_assign_ids(original, &slot, 1);
	heap_methods->tuple_insert(rel, slot, cid, options, bistate);
	convert_note_row(write_hash_rows(original, &slot, 1));
	table_close(original, NoLock);
}

static void
ledger_tuple_insert(Relation rel, TupleTableSlot *slot, CommandId cid,
					int options, BulkInsertState bistate)
{
	bool		ours;

	if (unlikely(am_is_converted(rel)))
	{
		am_insert_converted(rel, slot, cid, options, bistate);
		return;
	}
	ours = write_assign_ids(rel, &slot, 1);
	heap_methods->tuple_insert(rel, slot, cid, options, bistate);
	if (ours)
		write_hash_rows(rel, &slot, 1);
}

static void
ledger_multi_insert(Relation rel, TupleTableSlot **slots, int nslots,
					CommandId cid, int options, BulkInsertState bistate)
{
	bool		ours = write_assign_ids(rel, slots, nslots);

	heap_methods->multi_insert(rel, slots, nslots, cid, options, bistate);
	if (ours)
		write_hash_rows(rel, slots, nslots);
}

/* ON CONFLICT: the row counts only once it is known that nothing conflicts. */
static void
ledger_tuple_insert_speculative(Relation rel, TupleTableSlot *slot, CommandId cid,
								int options, BulkInsertState bistate, uint32 token)
{
	(void) write_assign_ids(rel, &slot, 1);
	heap_methods->tuple_insert_speculative(rel, slot, cid, options, bistate, token);
}

static void
ledger_tuple_complete_speculative(Relation rel, TupleTableSlot *slot,
								  uint32 token, bool succeeded)
{
	heap_methods->tuple_complete_speculative(rel, slot, token, succeeded);
	if (succeeded && !write_takes_ids())
		write_hash_rows(rel, &slot, 1);
}

/* ---- refusing ---- */

static TM_Result
ledger_tuple_delete(Relation rel, ItemPointer tid, CommandId cid,
					Snapshot snapshot, Snapshot crosscheck, bool wait,
					TM_FailureData *tmfd, bool changing_part)
{
	am_refuse(rel, "delete from");
	return TM_Ok;
}

static TM_Result
ledger_tuple_update(Relation rel, ItemPointer otid, TupleTableSlot *slot,
					CommandId cid, Snapshot snapshot, Snapshot crosscheck,
					bool wait, TM_FailureData *tmfd,
					LockTupleMode *lockmode, AM_UPDATE_INDEXES *update_indexes)
{
	am_refuse(rel, "update");
	return TM_Ok;
}

/* TRUNCATE inside the transaction that made the table. */
static void
ledger_relation_nontransactional_truncate(Relation rel)
{
	am_refuse(rel, "truncate");
}

/* A table that has no pg_class row yet is being made; otherwise it is truncated. */
static bool
am_is_being_created(Relation rel)
{
	return !SearchSysCacheExists1(RELOID, ObjectIdGetDatum(RelationGetRelid(rel)));
}

/* A parallel pg_restore truncates each table before it loads it: an empty one. */
static bool
am_may_truncate(Relation rel)
{
	return write_is_restoring() && RelationGetNumberOfBlocks(rel) == 0;
}

/*
 * New storage: for a table being created, whose columns are checked (the one
 * that VACUUM FULL and CLUSTER copy into is one of these), or for TRUNCATE.
 * Replicated TRUNCATE comes by no other way than this.
 */
static void
ledger_relation_set_new_filelocator(Relation rel, const RelFileLocator *locator,
									char persistence, TransactionId *freeze_xid,
									MultiXactId *min_multi)
{
	if (!am_is_being_created(rel) && !am_may_truncate(rel))
		am_refuse(rel, "truncate");
	if (persistence != RELPERSISTENCE_PERMANENT)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
				 errmsg("ledger table \"%s\" cannot be %s", RelationGetRelationName(rel),
						persistence == RELPERSISTENCE_TEMP ? "temporary" : "unlogged"),
				 errdetail("A ledger is kept through crashes and replicated.")));
	if (rel->rd_rel->relkind == RELKIND_MATVIEW)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
				 errmsg("materialized view \"%s\" cannot use access method \"ledger\"",
						RelationGetRelationName(rel)),
				 errdetail("REFRESH replaces its rows.")));
	schema_check_name(get_namespace_name(RelationGetNamespace(rel)), RelationGetRelationName(rel));
	schema_check_columns(RelationGetDescr(rel), RelationGetRelationName(rel));
	heap_methods->relation_set_new_filelocator(rel, locator, persistence, freeze_xid, min_multi);
}

static void
ledger_log_refuse(Relation rel)
{
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("cannot insert into \"%s\": it is the ledger's own log",
					RelationGetRelationName(rel)),
			 errdetail("Only the extension writes it, at commit and when a block is sealed."),
			 write_restore_hint()));
}

static void
ledger_log_tuple_insert(Relation rel, TupleTableSlot *slot, CommandId cid,
						int options, BulkInsertState bistate)
{
	if (!write_takes_log_rows(rel, &slot, 1))
		ledger_log_refuse(rel);
	heap_methods->tuple_insert(rel, slot, cid, options, bistate);
}

static void
ledger_log_multi_insert(Relation rel, TupleTableSlot **slots, int nslots,
						CommandId cid, int options, BulkInsertState bistate)
{
	if (!write_takes_log_rows(rel, slots, nslots))
		ledger_log_refuse(rel);
	heap_methods->multi_insert(rel, slots, nslots, cid, options, bistate);
}

static void
ledger_log_tuple_insert_speculative(Relation rel, TupleTableSlot *slot, CommandId cid,
									int options, BulkInsertState bistate, uint32 token)
{
	ledger_log_refuse(rel);
}

static void
ledger_log_relation_set_new_filelocator(Relation rel, const RelFileLocator *locator,
										char persistence, TransactionId *freeze_xid,
										MultiXactId *min_multi)
{
	if (!am_is_being_created(rel) && !am_may_truncate(rel))
		am_refuse(rel, "truncate");
	heap_methods->relation_set_new_filelocator(rel, locator, persistence, freeze_xid, min_multi);
}

/*
 * The log is written beneath the executor (log.c), which is what evaluates
 * expressions and checks constraints that may wait.
 */
static double
ledger_log_index_build_range_scan(Relation rel, Relation index, struct IndexInfo *info,
								  bool allow_sync, bool anyvisible, bool progress,
								  BlockNumber start_blockno, BlockNumber numblocks,
								  IndexBuildCallback callback, void *callback_state,
								  TableScanDesc scan)
{
	if (info->ii_Expressions != NIL || info->ii_Predicate != NIL ||
		info->ii_ExclusionOps != NULL || !index->rd_index->indimmediate)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot create index \"%s\" on \"%s\": it is the ledger's own log",
						RelationGetRelationName(index), RelationGetRelationName(rel)),
				 errdetail("An index of the log has no expression, no predicate, no exclusion and no deferrable constraint.")));
	return index_build_range_scan(rel, index, info, allow_sync, anyvisible, progress,
								  start_blockno, numblocks, callback, callback_state, scan);
}

/* TOAST tables are plain heap. */
static Oid
ledger_relation_toast_am(Relation rel)
{
	return HEAP_TABLE_AM_OID;
}

/* ---- set-up ---- */

void
am_init(void)
{
	heap_methods = GetHeapamTableAmRoutine();

	ledger_methods = *heap_methods;
	ledger_methods.tuple_insert = ledger_tuple_insert;
	ledger_methods.multi_insert = ledger_multi_insert;
	ledger_methods.tuple_insert_speculative = ledger_tuple_insert_speculative;
	ledger_methods.tuple_complete_speculative = ledger_tuple_complete_speculative;
	ledger_methods.tuple_delete = ledger_tuple_delete;
	ledger_methods.tuple_update = ledger_tuple_update;
	ledger_methods.relation_nontransactional_truncate = ledger_relation_nontransactional_truncate;
	ledger_methods.relation_set_new_filelocator = ledger_relation_set_new_filelocator;
	ledger_methods.relation_toast_am = ledger_relation_toast_am;
	ledger_methods.relation_vacuum = erase_vacuum;
	ledger_methods.index_build_range_scan = index_build_range_scan;
	ledger_methods.index_validate_scan = index_build_validate_scan;

	ledger_log_methods = ledger_methods;
	ledger_log_methods.tuple_insert = ledger_log_tuple_insert;
	ledger_log_methods.multi_insert = ledger_log_multi_insert;
	ledger_log_methods.tuple_insert_speculative = ledger_log_tuple_insert_speculative;
	ledger_log_methods.tuple_complete_speculative = heap_methods->tuple_complete_speculative;
	ledger_log_methods.index_build_range_scan = ledger_log_index_build_range_scan;
	ledger_log_methods.relation_set_new_filelocator = ledger_log_relation_set_new_filelocator;
}

/* The library may have been loaded late: then nothing guards and nobody seals. */
static void
am_check_preloaded(void)
{
	if (shared_state == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("pg_energyledger must be loaded via shared_preload_libraries"),
				 errdetail("Without it nothing would guard, hash and seal ledger tables."),
				 errhint("Add pg_energyledger to shared_preload_libraries in postgresql.conf and restart the server.")));
}

Datum
ledger_handler(PG_FUNCTION_ARGS)
{
	am_check_preloaded();
	PG_RETURN_POINTER(&ledger_methods);
}

Datum
ledger_log_handler(PG_FUNCTION_ARGS)
{
	am_check_preloaded();
	PG_RETURN_POINTER(&ledger_log_methods);
}

bool
am_hashes_rows(Relation rel)
{
	return rel->rd_tableam == &ledger_methods;
}

bool
am_is_transient(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	bool		transient;

	if (!HeapTupleIsValid(tuple))
		return false;
	transient = OidIsValid(((Form_pg_class) GETSTRUCT(tuple))->relrewrite);
	ReleaseSysCache(tuple);
	return transient;
}

static bool
am_named(Oid am, const char *name)
{
	HeapTuple	tuple = SearchSysCache1(AMOID, ObjectIdGetDatum(am));
	bool		same;

	if (!HeapTupleIsValid(tuple))
		return false;
	same = strcmp(NameStr(((Form_pg_am) GETSTRUCT(tuple))->amname), name) == 0;
	ReleaseSysCache(tuple);
	return same;
}

bool
am_is_ledger_am(Oid am)
{
	return OidIsValid(am) && am != HEAP_TABLE_AM_OID &&
		(am_named(am, "ledger") || am_named(am, "ledger_log"));
}

static Oid
am_of(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Form_pg_class form;
	Oid			am;

	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	form = (Form_pg_class) GETSTRUCT(tuple);
	/* a partitioned table may name an access method for its partitions; it holds no rows */
	am = form->relkind == RELKIND_RELATION ? form->relam : InvalidOid;
	ReleaseSysCache(tuple);
	return am;
}

bool
am_is_ledger_oid(Oid relid)
{
	return am_is_ledger_am(am_of(relid));
}

bool
am_is_log_oid(Oid relid)
{
	Oid			am = am_of(relid);

	return OidIsValid(am) && am != HEAP_TABLE_AM_OID && am_named(am, "ledger_log");
}
