/*
 * verify_record.c: reads rows of the log's own tables by their primary keys.
 *
 * The log pass asks for rows one after the other, in the order of the log, which
 * is nearly the order in which they were written and so that of their keys: index
 * scans without a planner between, no join, no sort, and memory for one row.  What is
 * read is bounds-checked, as the rows of ledger tables are.
 */
#include "postgres.h"
#include "compat.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relscan.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/varlena.h"

#include "ledger/log.h"
#include "ledger/verify_parts.h"

static Relation
record_primary_key(Relation rel)
{
	List	   *indexes = RelationGetIndexList(rel);
	ListCell   *lc;

	foreach(lc, indexes)
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		if (index->rd_index->indisprimary && index->rd_index->indisvalid)
			return index;
		index_close(index, AccessShareLock);
	}
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("primary key of energyledger.%s is missing", RelationGetRelationName(rel))));
}

Record *
record_open(const char *table, const char *columns)
{
	Record	   *r = palloc0(sizeof(Record));
	Oid			relid = log_relation_oid(table);
	AclResult	right = pg_class_aclcheck(relid, GetUserId(), ACL_SELECT);
	List	   *names;
	ListCell   *lc;
	int			natts;

	if (right != ACLCHECK_OK)
		aclcheck_error(right, OBJECT_TABLE, table);
	r->rel = table_open(relid, AccessShareLock);
	r->index = record_primary_key(r->rel);
	natts = RelationGetDescr(r->rel)->natts;
	if (!SplitIdentifierString(pstrdup(columns), ',', &names) || list_length(names) > RECORD_COLUMNS_MAX)
		elog(ERROR, "columns \"%s\" cannot be read", columns);
	foreach(lc, names)
	{
		AttrNumber	attnum = get_attnum(relid, lfirst(lc));

		if (attnum <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("column \"%s\" of energyledger.%s is missing", (char *) lfirst(lc), table)));
		r->attnum[r->count] = attnum;
		datum_check_init(&r->check[r->count], TupleDescAttr(RelationGetDescr(r->rel), attnum - 1)->atttypid);
		r->count++;
	}
	r->shape = datum_shape(RelationGetDescr(r->rel), natts);
	r->all = palloc(sizeof(Datum) * natts);
	r->all_null = palloc(sizeof(bool) * natts);
	r->key_count = r->index->rd_index->indnkeyatts;
	for (int i = 0; i < r->key_count; i++)
	{
		r->key[i] = r->index->rd_index->indkey.values[i];
		r->key_type[i] = TupleDescAttr(RelationGetDescr(r->rel), r->key[i] - 1)->atttypid;
	}
	return r;
}

void
record_close(Record *r)
{
	index_close(r->index, AccessShareLock);
	table_close(r->rel, AccessShareLock);
	pfree(r);
}

bool
record_read(Record *r, HeapTuple tuple, Datum *values, bool *nulls)
{
	if (!datum_deform(r->shape, tuple, r->all, r->all_null))
		return false;
	for (int i = 0; i < r->count; i++)
	{
		values[i] = r->all[r->attnum[i] - 1];
		nulls[i] = r->all_null[r->attnum[i] - 1];
		if (!nulls[i] && !datum_check(&r->check[i], &values[i]))
			return false;
	}
	return true;
}

static RegProcedure
record_comparison(Oid type, StrategyNumber strategy)
{
	static const RegProcedure int8[] = {F_INT8LT, F_INT8LE, F_INT8EQ, F_INT8GE, F_INT8GT};
	static const RegProcedure int4[] = {F_INT4LT, F_INT4LE, F_INT4EQ, F_INT4GE, F_INT4GT};
	static const RegProcedure int2[] = {F_INT2LT, F_INT2LE, F_INT2EQ, F_INT2GE, F_INT2GT};

	return (type == INT2OID ? int2 : type == INT4OID ? int4 : int8)[strategy - 1];
}

void
record_key(const Record *r, ScanKey key, int at, StrategyNumber strategy, int64 value)
{
	Oid			type = r->key_type[at];

	ScanKeyInit(key, r->key[at], strategy, record_comparison(type, strategy),
				type == INT2OID ? Int16GetDatum((int16) value) :
				type == INT4OID ? Int32GetDatum((int32) value) : Int64GetDatum(value));
}

SysScanDesc
record_begin(Record *r, int key_count, ScanKey keys)
{
	return systable_beginscan_ordered(r->rel, r->index, GetActiveSnapshot(), key_count, keys);
}

HeapTuple
record_next(SysScanDesc scan, ScanDirection direction)
{
	CHECK_FOR_INTERRUPTS();
	return systable_getnext_ordered(scan, direction);
}

void
record_end(SysScanDesc scan)
{
	systable_endscan_ordered(scan);
}

HeapTuple
record_get(Record *r, int key_count, int64 key1, int64 key2)
{
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	record_key(r, &key[0], 0, BTEqualStrategyNumber, key1);
	if (key_count > 1)
		record_key(r, &key[1], 1, BTEqualStrategyNumber, key2);
	scan = record_begin(r, key_count, key);
	tuple = record_next(scan, ForwardScanDirection);
	if (HeapTupleIsValid(tuple))
		tuple = heap_copytuple(tuple);
	record_end(scan);
	return tuple;
}

bool
record_is_own(HeapTuple tuple)
{
	return TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data));
}
