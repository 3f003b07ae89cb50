/*
 * lookup.c: index lookups of the ingest path, without a plan.
 *
 * Each message asks two or three questions by full key (which key has this
 * meter, is this message here, is the one before it), and a planner could answer
 * them by reading the table once the statistics are old.  An index scan by hand
 * costs about a microsecond and never changes its mind.
 *
 * Nothing here writes.
 */
#include "postgres.h"
#include "compat.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/skey.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"

#include "ledger/log.h"
#include "metering/lookup.h"
#include "metering/tables.h"
#include "metering/unix_time.h"

void
lookup_open(Lookup *l)
{
	l->meter_key = table_open(log_relation_oid("meter_key"), AccessShareLock);
	l->message = table_open(log_relation_oid("message"), AccessShareLock);
	key_cache_begin(l->meter_key);
	l->message_index = log_relation_oid("message_key");
	l->chained_index = log_relation_oid("message_chained_idx");
	l->snapshot = NULL;
}

void
lookup_close(Lookup *l)
{
	table_close(l->meter_key, NoLock);
	table_close(l->message, NoLock);
}

/* The columns are COLLATE "C", which is what ScanKeyInit compares text by. */
static void
lookup_key_text(ScanKey key, AttrNumber column, const char *value)
{
	ScanKeyInit(key, column, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(value));
}

static void
lookup_key_int8(ScanKey key, AttrNumber column, int64 value)
{
	ScanKeyInit(key, column, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(value));
}

static void
lookup_read_message(const Lookup *l, HeapTuple tuple, StoredMessage *out)
{
	TupleDesc	desc = RelationGetDescr(l->message);
	bool		isnull;
	bytea	   *digest;
	text	   *envelope;

	out->epoch = DatumGetInt64(heap_getattr(tuple, Anum_message_epoch, desc, &isnull));
	out->seq = DatumGetInt64(heap_getattr(tuple, Anum_message_seq, desc, &isnull));
	out->chained = DatumGetBool(heap_getattr(tuple, Anum_message_chained, desc, &isnull));
	out->t_ms = unix_ms_of_timestamp(DatumGetTimestampTz(heap_getattr(tuple, Anum_message_sent_at, desc, &isnull)));
	envelope = DatumGetTextPP(heap_getattr(tuple, Anum_message_envelope, desc, &isnull));
	out->ocmf = VARSIZE_ANY_EXHDR(envelope) == 4 && memcmp(VARDATA_ANY(envelope), "ocmf", 4) == 0;
	digest = DatumGetByteaPP(heap_getattr(tuple, Anum_message_digest, desc, &isnull));
	if (isnull || VARSIZE_ANY_EXHDR(digest) != SHA256_LEN)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("stored message has no digest of %d bytes", SHA256_LEN),
				 errdetail("Epoch %lld, sequence number %lld.",
						   (long long) out->epoch, (long long) out->seq)));
	memcpy(out->digest, VARDATA_ANY(digest), SHA256_LEN);
}

const MeterKeys *
lookup_meter_keys(const Lookup *l, const char *meter)
{
	return key_cache_find(l->meter_key, l->snapshot, meter);
}

static SysScanDesc
lookup_begin_message(const Lookup *l, const char *meter, int64 epoch, int64 seq)
{
	ScanKeyData key[3];

	lookup_key_text(&key[0], Anum_message_meter, meter);
	lookup_key_int8(&key[1], Anum_message_epoch, epoch);
	lookup_key_int8(&key[2], Anum_message_seq, seq);
	return systable_beginscan(l->message, l->message_index, true, l->snapshot, 3, key);
}

bool
lookup_message(const Lookup *l, const char *meter, int64 epoch, int64 seq, StoredMessage *out)
{
	SysScanDesc scan = lookup_begin_message(l, meter, epoch, seq);
	HeapTuple	tuple;

	tuple = systable_getnext(scan);
	if (tuple != NULL)
		lookup_read_message(l, tuple, out);
	systable_endscan(scan);
	return tuple != NULL;
}

bytea *
lookup_message_raw(const Lookup *l, const char *meter, int64 epoch, int64 seq)
{
	SysScanDesc scan = lookup_begin_message(l, meter, epoch, seq);
	HeapTuple	tuple = systable_getnext(scan);
	bytea	   *raw = NULL;
	bool		isnull;

	if (tuple != NULL)
		raw = DatumGetByteaPCopy(heap_getattr(tuple, Anum_message_raw, RelationGetDescr(l->message), &isnull));
	systable_endscan(scan);
	return raw;
}

/* The highest row of an index on (meter, epoch, seq), of one epoch or with -1 of the newest. */
static bool
lookup_highest(const Lookup *l, Oid index_oid, const char *meter, int64 epoch, StoredMessage *out)
{
	ScanKeyData key[2];
	SysScanDesc scan;
	Relation	index = index_open(index_oid, AccessShareLock);
	HeapTuple	tuple;

	lookup_key_text(&key[0], Anum_message_meter, meter);
	lookup_key_int8(&key[1], Anum_message_epoch, epoch);
	scan = systable_beginscan_ordered(l->message, index, l->snapshot, epoch >= 0 ? 2 : 1, key);
	tuple = systable_getnext_ordered(scan, BackwardScanDirection);
	if (tuple != NULL)
		lookup_read_message(l, tuple, out);
	systable_endscan_ordered(scan);
	index_close(index, NoLock);
	return tuple != NULL;
}

bool
lookup_newest(const Lookup *l, const char *meter, StoredMessage *out)
{
	return lookup_highest(l, l->message_index, meter, -1, out);
}

void
lookup_walk(const Lookup *l, const char *meter, StoredMessage *reach)
{
	ScanKeyData key[3];
	SysScanDesc scan;
	Relation	index = index_open(l->message_index, AccessShareLock);
	HeapTuple	tuple;

	lookup_key_text(&key[0], Anum_message_meter, meter);
	lookup_key_int8(&key[1], Anum_message_epoch, reach->epoch);
	ScanKeyInit(&key[2], Anum_message_seq, BTGreaterStrategyNumber, F_INT8GT,
				Int64GetDatum(reach->seq));
	scan = systable_beginscan_ordered(l->message, index, l->snapshot, 3, key);
	while ((tuple = systable_getnext_ordered(scan, ForwardScanDirection)) != NULL)
	{
		StoredMessage next;

		CHECK_FOR_INTERRUPTS();
		lookup_read_message(l, tuple, &next);
		if (next.seq != reach->seq + 1)
			break;
		*reach = next;
	}
	systable_endscan_ordered(scan);
	index_close(index, NoLock);
}

/*
 * On a sound fleet the newest message is chained, and that is it.  Where it is not,
 * something is missing: message_chained_idx has every 64th of the chained messages,
 * and where each sequence begins.
 */
bool
lookup_reach(const Lookup *l, const char *meter, int64 epoch, StoredMessage *reach)
{
	if (!lookup_highest(l, l->message_index, meter, epoch, reach))
		return false;
	if (reach->chained)
		return true;
	if (!lookup_highest(l, l->chained_index, meter, epoch, reach))
		return false;
	lookup_walk(l, meter, reach);
	return true;
}
