/*
 * verify_range.c: a part of the ledger: which entries are selected, and where
 * their rows are.
 *
 * What is new since a trusted checkpoint, or what a range of ledger_ids touches, is
 * found by the primary key of entry, so that its cost goes with its size and not with the
 * ledger's.  Each entry says in which block its first row was put: tables are read from
 * the lowest of these on.
 */
#include "postgres.h"
#include "compat.h"

#include "access/htup_details.h"
#include "miscadmin.h"

#include "ledger/verify_parts.h"

static void
range_take(Verification *v, EntryDirectory *d, const VerifyEntry *e)
{
	if (!entries_selected(d, e))
		return;
	multiset_add(&v->entries_expected, v->selection.key, e->first_id);
	if (e->table >= 0)
		v->low_block[e->table] = Min(v->low_block[e->table], e->low_block);
	if (v->selection.ids_given)
	{
		v->selection.rows_low = Min(v->selection.rows_low, e->first_id);
		v->selection.rows_high = Max(v->selection.rows_high, e->last_id);
	}
}

void
verify_plan_range(Verification *v)
{
	Selection  *s = &v->selection;
	EntryDirectory *d = entries_open(v->tables, s, false);
	Record	   *r = entries_record(d);
	int64		from = v->start != NULL ? v->start->id_from : 0;
	ScanKeyData key[2];
	int			key_count = 1;
	SysScanDesc scan;
	HeapTuple	tuple;

	multiset_init(&v->entries_expected);
	multiset_init(&v->sealed);
	v->low_block = palloc(sizeof(BlockNumber) * Max(v->tables->count, 1));
	for (int i = 0; i < v->tables->count; i++)
		v->low_block[i] = MaxBlockNumber;	/* nothing is read of it */
	if (s->ids_given)
	{
		const VerifyEntry *first = entries_before(d, s->ids_low);

		s->rows_low = s->ids_low;
		s->rows_high = s->ids_high;
		/* all that is new must be looked at for the log, whatever range is asked for */
		if (v->start == NULL)
		{
			from = first != NULL ? first->first_id : s->ids_low;
			record_key(r, &key[key_count++], 0, BTLessEqualStrategyNumber, s->ids_high);
		}
	}
	record_key(r, &key[0], 0, BTGreaterEqualStrategyNumber, from);
	scan = record_begin(r, key_count, key);
	while (HeapTupleIsValid(tuple = record_next(scan, ForwardScanDirection)))
	{
		VerifyEntry e;

		if (record_is_own(tuple) || !entries_from_tuple(d, tuple, &e))
			continue;
		range_take(v, d, &e);
		if (v->start != NULL && e.sealed && !e.old)
			multiset_add(&v->sealed, s->key, e.first_id);
	}
	record_end(scan);
	entries_close(d);
	/* since a checkpoint, these are all there are */
	v->entries_counted = v->sealed_known = v->start != NULL;
}
