/*
 * verify_members.c: what is sealed is in the log, once, and nothing else is.
 *
 * The log pass has seen what the leaves refer to; here stand the rows that the
 * newest block's snapshot saw, which must be the same.  Both are compared as multisets,
 * without a join; only where they differ is it asked which ones.
 */
#include "postgres.h"
#include "compat.h"

#include "access/htup_details.h"
#include "access/tableam.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/xid8.h"

#include "ledger/log.h"
#include "ledger/verify_parts.h"

/* A table whose rows are leaves. */
typedef struct Members
{
	const char *table;
	const char *id;				/* its column that leaves refer to */
	const char *kinds;			/* condition on the leaf's kind */
	const char *name;			/* in findings */
	bool		transactional;	/* its rows say which transaction wrote them */
} Members;

static const Members members_of_entries = {"entry", "first_id", "= 1", "entry", true};
static const Members members_of_schemas = {"table_schema", "schema_id", "= 2", "schema", true};
static const Members members_of_blocks = {"block", "height", "= 3", "block", false};
static const Members members_of_events = {"event", "event_id", ">= 4", "event", true};

/* ---- naming ---- */

static void
members_report(Verification *v, const Members *m, const char *query, const char *finding, const char *expected)
{
	Oid			types[1] = {INT4OID};
	Datum		args[1] = {Int32GetDatum(v->selection.log_site)};

	if (SPI_execute_with_args(query, 1, types, args, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not compare energyledger.%s with the log", m->table);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;

		verify_finding(&v->findings, psprintf("energyledger.%s", m->table),
					   DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull)),
					   psprintf("%s_%s", m->name, finding), expected,
					   SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2));
	}
	SPI_freetuptable(SPI_tuptable);
}

static void
members_name(Verification *v, const Members *m)
{
	const char *sealed = !m->transactional ? "" :
		" AND (t.incarnation < b.from_space OR"
		" t.incarnation < b.next_space AND pg_visible_in_snapshot(t.xid, b.snapshot))";

	/* what the newest block's snapshot saw must be in the log; later things are not sealed yet */
	members_report(v, m,
				   psprintf("SELECT t.%s, 'none' FROM energyledger.%s t,"
							" (SELECT %d AS from_space, %d AS next_space, snapshot FROM energyledger.block"
							" WHERE site_id = $1 ORDER BY height DESC LIMIT 1) b"
							" WHERE t.site_id = $1%s AND NOT EXISTS (SELECT FROM " LOG_LEAVES " l"
							" WHERE l.site_id = $1 AND l.kind %s AND l.ref = t.%s) ORDER BY 1",
							m->id, m->table, v->selection.block_space.from, v->selection.block_space.next,
							sealed, m->kinds, m->id),
				   "not_in_log", "a leaf of the log");
	members_report(v, m,
				   psprintf("SELECT ref, count(*) || ' leaves' FROM " LOG_LEAVES " l"
							" WHERE site_id = $1 AND kind %s GROUP BY 1 HAVING count(*) > 1 ORDER BY 1", m->kinds),
				   "twice_in_log", "one leaf of the log");
	members_report(v, m,
				   psprintf("SELECT %s, count(*) || ' rows' FROM energyledger.%s"
							" WHERE site_id = $1 GROUP BY 1 HAVING count(*) > 1 ORDER BY 1", m->id, m->table),
				   "duplicate", "one row");
}

/* ---- comparing ---- */

/* Ids of the rows that must be leaves, read from the heap: no index is asked. */
static void
members_read(Verification *v, const Members *m, Multiset *found)
{
	Record	   *r = record_open(m->table, m->transactional ? psprintf("%s, site_id, incarnation, xid", m->id) :
								psprintf("%s, site_id", m->id));
	const Selection *s = &v->selection;
	TableScanDesc scan = table_beginscan_strat(r->rel, GetActiveSnapshot(), 0, NULL, true, false);
	TupleTableSlot *slot = table_slot_create(r->rel, NULL);

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		HeapTuple	tuple = ((BufferHeapTupleTableSlot *) slot)->base.tuple;
		Datum		values[4];
		bool		nulls[4] = {false};

		CHECK_FOR_INTERRUPTS();
		if (!record_read(r, tuple, values, nulls) || nulls[0] || nulls[1] || nulls[2] || nulls[3] ||
			DatumGetInt16(values[1]) != s->log_site)
			continue;
		if (m->transactional)
		{
			uint64		xid = U64FromFullTransactionId(DatumGetFullTransactionId(values[3]));
			int			incarnation = DatumGetInt32(values[2]);

			if (!selection_sealed(s, incarnation, xid) ||
				(s->since_given && selection_is_old(s, incarnation, xid)))
				continue;
		}
		else if (v->start != NULL && DatumGetInt64(values[0]) <= (int64) v->start->height)
			continue;
		multiset_add(found, s->key, DatumGetInt64(values[0]));
	}
	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
	record_close(r);
}

/* Blocks that came since the trusted checkpoint, without reading those before. */
static void
members_read_new_blocks(Verification *v, Multiset *found)
{
	Record	   *r = record_open("block", "height");
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	Datum		height;
	bool		isnull;

	record_key(r, &key[0], 0, BTEqualStrategyNumber, v->selection.log_site);
	record_key(r, &key[1], 1, BTGreaterStrategyNumber, (int64) v->start->height);
	scan = record_begin(r, 2, key);
	while (HeapTupleIsValid(tuple = record_next(scan, ForwardScanDirection)))
		if (record_read(r, tuple, &height, &isnull) && !isnull)
			multiset_add(found, v->selection.key, DatumGetInt64(height));
	record_end(scan);
	record_close(r);
}

static void
members_compare(Verification *v, const Members *m, const Multiset *in_log)
{
	Multiset	found;

	multiset_init(&found);
	if (m == &members_of_entries && v->sealed_known)
		found = v->sealed;
	else if (m == &members_of_blocks && v->start != NULL)
		members_read_new_blocks(v, &found);
	else
		members_read(v, m, &found);
	if (!multiset_equal(&found, in_log))
		members_name(v, m);
}

void
verify_members(Verification *v)
{
	if (!v->snapshot_fits)
	{
		verify_finding(&v->findings, "energyledger.block", (int64) v->log.height, "block_snapshot",
					   "a snapshot", "other bytes");
		return;
	}
	members_compare(v, &members_of_blocks, &v->log.blocks);
	members_compare(v, &members_of_entries, &v->log.entries);
	members_compare(v, &members_of_schemas, &v->log.schemas);
	members_compare(v, &members_of_events, &v->log.events);
}
