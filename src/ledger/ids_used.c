/*
 * ids_used.c: the highest ledger_id that the log has, looked up once after a start.
 *
 * The sequence that ids come from can be set back by whoever owns it (setval), and
 * a restore may have forgotten it.  While the server runs, shared memory knows how
 * far ids have come; after a restart only the log does.  Without a look at it, ids
 * would be given out twice and damage what can never be mended.
 */
#include "postgres.h"
#include "compat.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "ledger/ids.h"
#include "ledger/log.h"
#include "ledger/site.h"

/* The last row of this site by the table's key, or 0: what its column says. */
static int64
used_last(const char *table, const char *index, AttrNumber attnum)
{
	Relation	rel = table_open(log_relation_oid(table), AccessShareLock);
	Relation	by = index_open(log_relation_oid(index), AccessShareLock);
	SnapshotData dirty;			/* those of prepared transactions are used, too */
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	int64		last = 0;

	InitDirtySnapshot(dirty);
	ScanKeyInit(&key, 1, BTLessStrategyNumber, F_INT8LT,
				Int64GetDatum((int64) (site_current()->site_id + 1) << LEDGER_ID_COUNTER_BITS));
	scan = systable_beginscan_ordered(rel, by, &dirty, 1, &key);
	tuple = systable_getnext_ordered(scan, BackwardScanDirection);
	if (HeapTupleIsValid(tuple))
	{
		bool		isnull;

		last = DatumGetInt64(heap_getattr(tuple, attnum, RelationGetDescr(rel), &isnull));
	}
	systable_endscan_ordered(scan);
	index_close(by, AccessShareLock);
	table_close(rel, AccessShareLock);
	return LEDGER_ID_SITE(last) == site_current()->site_id ? last : 0;
}

uint64
ids_used(void)
{
	int64		last = used_last("entry", "entry_pkey", 2);

	last = Max(last, used_last("table_schema", "table_schema_pkey", 1));
	last = Max(last, used_last("event", "event_pkey", 1));
	return (uint64) last & ((UINT64CONST(1) << LEDGER_ID_COUNTER_BITS) - 1);
}
