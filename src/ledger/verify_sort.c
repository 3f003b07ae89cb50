/*
 * verify_sort.c: hashed rows put into the order of their ledger_ids, in
 * maintenance_work_mem and on disk beyond that.
 */
#include "postgres.h"
#include "compat.h"

#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/tuplesort.h"

#include "ledger/verify_parts.h"

struct RowSort
{
	Tuplesortstate *sort;
	TupleTableSlot *in;
	TupleTableSlot *out;
	union
	{
		char		bytes[VARHDRSZ + MERKLE_HASH_LEN];
		int32		align;
	}			hash;
};

static TupleDesc
rowsort_desc(void)
{
	TupleDesc	desc = CreateTemplateTupleDesc(3);

	TupleDescInitEntry(desc, 1, "id", INT8OID, -1, 0);
	TupleDescInitEntry(desc, 2, "relation", INT4OID, -1, 0);
	TupleDescInitEntry(desc, 3, "hash", BYTEAOID, -1, 0);
	return desc;
}

TupleTableSlot *
rowsort_slot(void)
{
	return MakeSingleTupleTableSlot(rowsort_desc(), &TTSOpsMinimalTuple);
}

void
rowsort_store(TupleTableSlot *slot, const VerifiedRow *row)
{
	char		hash[VARHDRSZ + MERKLE_HASH_LEN] pg_attribute_aligned(4);

	SET_VARSIZE(hash, sizeof(hash));
	memcpy(VARDATA(hash), row->hash, MERKLE_HASH_LEN);
	ExecClearTuple(slot);
	slot->tts_values[0] = Int64GetDatum(row->id);
	slot->tts_values[1] = Int32GetDatum(row->table);
	slot->tts_values[2] = PointerGetDatum(hash);
	memset(slot->tts_isnull, false, 3);
	ExecStoreVirtualTuple(slot);
	/* its own copy: the hash above goes away */
	ExecMaterializeSlot(slot);
}

void
rowsort_load(TupleTableSlot *slot, VerifiedRow *row)
{
	bool		isnull;

	row->id = DatumGetInt64(slot_getattr(slot, 1, &isnull));
	row->table = DatumGetInt32(slot_getattr(slot, 2, &isnull));
	memcpy(row->hash, VARDATA_ANY(DatumGetPointer(slot_getattr(slot, 3, &isnull))), MERKLE_HASH_LEN);
}

RowSort *
rowsort_begin(void)
{
	RowSort    *s = palloc0(sizeof(RowSort));
	AttrNumber	key = 1;
	Oid			less = Int8LessOperator;
	Oid			collation = InvalidOid;
	bool		nulls_first = false;

	s->out = rowsort_slot();
	s->in = MakeSingleTupleTableSlot(s->out->tts_tupleDescriptor, &TTSOpsVirtual);
	SET_VARSIZE(s->hash.bytes, sizeof(s->hash.bytes));
	s->sort = tuplesort_begin_heap(s->out->tts_tupleDescriptor, 1, &key, &less, &collation, &nulls_first,
								   maintenance_work_mem, NULL, TUPLESORT_NONE);
	return s;
}

void
rowsort_put(RowSort *s, const VerifiedRow *row)
{
	TupleTableSlot *slot = s->in;

	memcpy(VARDATA(s->hash.bytes), row->hash, MERKLE_HASH_LEN);
	ExecClearTuple(slot);
	slot->tts_values[0] = Int64GetDatum(row->id);
	slot->tts_values[1] = Int32GetDatum(row->table);
	slot->tts_values[2] = PointerGetDatum(s->hash.bytes);
	memset(slot->tts_isnull, false, 3);
	ExecStoreVirtualTuple(slot);
	tuplesort_puttupleslot(s->sort, slot);
}

void
rowsort_perform(RowSort *s)
{
	tuplesort_performsort(s->sort);
}

bool
rowsort_next(RowSort *s, VerifiedRow *row)
{
	if (!tuplesort_gettupleslot(s->sort, true, false, s->out, NULL))
		return false;
	rowsort_load(s->out, row);
	return true;
}

void
rowsort_end(RowSort *s)
{
	ExecDropSingleTupleTableSlot(s->in);
	ExecDropSingleTupleTableSlot(s->out);
	tuplesort_end(s->sort);
	pfree(s);
}
