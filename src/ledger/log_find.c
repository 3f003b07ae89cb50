/*
 * log_find.c: looks rows of the log up by their keys, as proofs need them.
 *
 * A receipt takes some fifty look-ups: halving the blocks, then a block's leaves.
 * Planned as queries they would cost more than everything else in it; as index
 * scans by hand they cost a few microseconds each, and never change their mind.
 *
 * What is stored is not trusted: whatever has another shape than the ledger gives
 * its rows is an error that sends the reader to energyledger.verify().
 */
#include "postgres.h"
#include "compat.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "catalog/pg_collation.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/xid8.h"

#include "ledger/ids.h"
#include "ledger/log_find.h"
#include "ledger/site.h"

/* columns by position: sql/ledger.sql */
#define ENTRY_COLUMNS 15
#define ENTRY_FIRST_ID 1
#define ENTRY_NEAR 16
#define BLOCK_COLUMNS 14
#define BLOCK_SITE_ID 1
#define BLOCK_HEIGHT 2
#define SCHEMA_COLUMNS 11
#define SCHEMA_ID 1
#define SCHEMA_SITE_ID 2
#define SCHEMA_RELATION 5
#define SCHEMA_VERSION 6
#define EVENT_COLUMNS 9
#define EVENT_ID 1

/* pg_snapshot as it is stored: how many xids follow stands inside. */
typedef struct StoredSnapshot
{
	int32		varlena_header;
	uint32		xid_count;
	FullTransactionId xmin;
	FullTransactionId xmax;
	FullTransactionId xid[FLEXIBLE_ARRAY_MEMBER];
} StoredSnapshot;

void
log_find_key_int2(ScanKey key, int column, int value)
{
	ScanKeyInit(key, (AttrNumber) column, BTEqualStrategyNumber, F_INT2EQ, Int16GetDatum((int16) value));
}

void
log_find_key_int8(ScanKey key, int column, int strategy, uint64 value)
{
	static const RegProcedure procedure[] = {
		[BTLessStrategyNumber] = F_INT8LT,
		[BTLessEqualStrategyNumber] = F_INT8LE,
		[BTEqualStrategyNumber] = F_INT8EQ,
		[BTGreaterEqualStrategyNumber] = F_INT8GE,
		[BTGreaterStrategyNumber] = F_INT8GT,
	};

	ScanKeyInit(key, (AttrNumber) column, (StrategyNumber) strategy, procedure[strategy],
				Int64GetDatum((int64) value));
}

bool
log_find_row(const char *table, const char *index, ScanKey keys, int key_count,
			 bool backward, Datum *values, bool *nulls, int column_count)
{
	Relation	rel = table_open(log_relation_oid(table), AccessShareLock);
	Relation	index_rel = index_open(log_relation_oid(index), AccessShareLock);
	SysScanDesc scan;
	HeapTuple	tuple;

	if (RelationGetDescr(rel)->natts != column_count)
		log_malformed(table);
	scan = systable_beginscan_ordered(rel, index_rel, GetActiveSnapshot(), key_count, keys);
	tuple = systable_getnext_ordered(scan, backward ? BackwardScanDirection : ForwardScanDirection);
	if (tuple != NULL)
		heap_deform_tuple(heap_copytuple(tuple), RelationGetDescr(rel), values, nulls);
	systable_endscan_ordered(scan);
	index_close(index_rel, AccessShareLock);
	table_close(rel, AccessShareLock);
	return tuple != NULL;
}

/* ---- blocks ---- */

static struct varlena *
log_find_snapshot(Datum value)
{
	StoredSnapshot *s = (StoredSnapshot *) PG_DETOAST_DATUM(value);

	if (VARSIZE(s) < offsetof(StoredSnapshot, xid) ||
		(VARSIZE(s) - offsetof(StoredSnapshot, xid)) / sizeof(FullTransactionId) != s->xid_count ||
		(VARSIZE(s) - offsetof(StoredSnapshot, xid)) % sizeof(FullTransactionId) != 0)
		log_malformed("block");
	return (struct varlena *) s;
}

static merkle_frontier *
log_find_frontier(Datum value, uint64 size)
{
	bytea	   *stored = DatumGetByteaPP(value);
	merkle_frontier *frontier = palloc(sizeof(merkle_frontier));

	if (!merkle_frontier_load(frontier, (const uint8 *) VARDATA_ANY(stored), VARSIZE_ANY_EXHDR(stored)) ||
		frontier->size != size)
		log_malformed("block");
	return frontier;
}

static bool
log_find_block_by(int site_id, const uint64 *height, FoundBlock *out)
{
	Datum		values[BLOCK_COLUMNS];
	bool		nulls[BLOCK_COLUMNS];
	ScanKeyData keys[2];
	Datum		leaf[LOG_BLOCK_COLUMN_COUNT];
	bool		leaf_nulls[LOG_BLOCK_COLUMN_COUNT] = {false};

	log_find_key_int2(&keys[0], BLOCK_SITE_ID, site_id);
	if (height != NULL)
		log_find_key_int8(&keys[1], BLOCK_HEIGHT, BTEqualStrategyNumber, *height);
	if (!log_find_row("block", "block_pkey", keys, height != NULL ? 2 : 1, true,
					  values, nulls, BLOCK_COLUMNS))
		return false;
	for (int i = 0; i < BLOCK_COLUMNS; i++)
		if (nulls[i])
			log_malformed("block");
	memcpy(leaf, values + 1, sizeof(leaf));
	if (!log_read_block(leaf, leaf_nulls, &out->block) ||
		out->block.first_index >= PG_INT64_MAX / 2 || out->block.count >= PG_INT64_MAX / 2)
		log_malformed("block");
	out->size = out->block.first_index + out->block.count + 1;
	out->incarnation = DatumGetInt32(values[6]);
	out->snapshot = log_find_snapshot(values[9]);
	out->frontier = log_find_frontier(values[12], out->size);
	out->note = TextDatumGetCString(values[13]);
	return true;
}

bool
log_find_newest_block(int site_id, FoundBlock *out)
{
	return log_find_block_by(site_id, NULL, out);
}

bool
log_find_block(int site_id, uint64 height, FoundBlock *out)
{
	return log_find_block_by(site_id, &height, out);
}

/* As seal.c decides it: xids can be compared within a space of them, not across. */
bool
log_find_sees(const FoundBlock *b, int incarnation, uint64 xid)
{
	XidSpace	space = site_xid_space(b->incarnation);

	/* what was written with earlier transaction ids was all there */
	if (incarnation < space.from || incarnation >= space.next)
		return incarnation < space.from;
	return DatumGetBool(DirectFunctionCall2(pg_visible_in_snapshot,
											FullTransactionIdGetDatum(FullTransactionIdFromU64(xid)),
											PointerGetDatum(b->snapshot)));
}

uint64
log_find_next_xid(const FoundBlock *b)
{
	return U64FromFullTransactionId(((const StoredSnapshot *) b->snapshot)->xmax);
}

/* ---- entries ---- */

/* The last entry that begins at `from` or after, and not after `to`. */
static bool
log_find_entry_by(uint64 from, uint64 to, FoundEntry *out)
{
	Datum		values[ENTRY_COLUMNS];
	bool		nulls[ENTRY_COLUMNS];
	ScanKeyData keys[2];
	static const int leaf_column[LOG_ENTRY_COLUMN_COUNT] = {0, 1, 2, 3, 6, 7, 10, 11, 12, 13};
	Datum		leaf[LOG_ENTRY_COLUMN_COUNT];
	bool		leaf_nulls[LOG_ENTRY_COLUMN_COUNT] = {false};

	log_find_key_int8(&keys[0], ENTRY_FIRST_ID, BTGreaterEqualStrategyNumber, from);
	log_find_key_int8(&keys[1], ENTRY_FIRST_ID, BTLessEqualStrategyNumber, to);
	if (!log_find_row("entry", "entry_pkey", keys, 2, true, values, nulls, ENTRY_COLUMNS))
		return false;
	for (int i = 0; i < ENTRY_COLUMNS; i++)
		if (nulls[i])
			log_malformed("entry");
	for (int i = 0; i < LOG_ENTRY_COLUMN_COUNT; i++)
		leaf[i] = values[leaf_column[i]];
	if (!log_read_entry(leaf, leaf_nulls, &out->entry))
		log_malformed("entry");
	out->site_id = DatumGetInt16(values[4]);
	out->incarnation = DatumGetInt32(values[5]);
	out->place.low = *(ItemPointer) DatumGetPointer(values[8]);
	out->place.high = *(ItemPointer) DatumGetPointer(values[9]);
	return true;
}

bool
log_find_entry(uint64 first_id, FoundEntry *out)
{
	return log_find_entry_by(first_id, first_id, out);
}

/*
 * Runs do not overlap: only the last that begins at or before the id can have it.
 * Most are short, and a short look back takes less of the index into account.
 */
bool
log_find_entry_of(uint64 ledger_id, FoundEntry *out)
{
	uint64		floor = (uint64) LEDGER_ID_SITE(ledger_id) << LEDGER_ID_COUNTER_BITS;
	uint64		near = Max(ledger_id - Min(ledger_id, ENTRY_NEAR), floor);

	return (log_find_entry_by(near, ledger_id, out) || log_find_entry_by(floor, ledger_id, out)) &&
		out->entry.last_id >= ledger_id;
}

void
log_find_no_row(int64 ledger_id, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_NO_DATA_FOUND),
			 errmsg("no row with ledger_id " INT64_FORMAT " is in the log", ledger_id),
			 errdetail("%s", detail)));
}

void
log_find_entry_or_error(int64 ledger_id, FoundEntry *out)
{
	if (ledger_id < 0 || !log_find_entry_of((uint64) ledger_id, out))
		log_find_no_row(ledger_id, "No committed entry's run of ledger_ids has it.");
}

/* ---- schemas and events ---- */

bool
log_find_schema(int site_id, const char *relation, uint32 version, encode_schema *out)
{
	Datum		values[SCHEMA_COLUMNS];
	bool		nulls[SCHEMA_COLUMNS];
	ScanKeyData keys[3];
	const int	first = SCHEMA_COLUMNS - LOG_SCHEMA_COLUMN_COUNT;

	log_find_key_int2(&keys[0], SCHEMA_SITE_ID, site_id);
	ScanKeyInit(&keys[1], SCHEMA_RELATION, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(relation));
	keys[1].sk_collation = DEFAULT_COLLATION_OID;
	ScanKeyInit(&keys[2], SCHEMA_VERSION, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum((int32) version));
	if (!log_find_row("table_schema", "table_schema_site_id_relation_schema_version_key",
					  keys, 3, false, values, nulls, SCHEMA_COLUMNS))
		return false;
	if (!log_read_schema(values + first, nulls + first, out))
		log_malformed("table_schema");
	return true;
}

bool
log_find_schema_by_id(uint64 schema_id, encode_schema *out)
{
	Datum		values[SCHEMA_COLUMNS];
	bool		nulls[SCHEMA_COLUMNS];
	ScanKeyData key;
	const int	first = SCHEMA_COLUMNS - LOG_SCHEMA_COLUMN_COUNT;

	log_find_key_int8(&key, SCHEMA_ID, BTEqualStrategyNumber, schema_id);
	if (!log_find_row("table_schema", "table_schema_pkey", &key, 1, false, values, nulls, SCHEMA_COLUMNS))
		return false;
	if (!log_read_schema(values + first, nulls + first, out))
		log_malformed("table_schema");
	return true;
}

static void
log_find_read_event(const Datum *values, const bool *nulls, encode_event *out)
{
	static const int leaf_column[LOG_EVENT_COLUMN_COUNT] = {0, 2, 5, 6, 7, 8};
	Datum		leaf[LOG_EVENT_COLUMN_COUNT];
	bool		leaf_nulls[LOG_EVENT_COLUMN_COUNT];

	for (int i = 0; i < LOG_EVENT_COLUMN_COUNT; i++)
	{
		leaf[i] = values[leaf_column[i]];
		leaf_nulls[i] = nulls[leaf_column[i]];
	}
	if (!log_read_event(leaf, leaf_nulls, out))
		log_malformed("event");
}

bool
log_find_event(uint64 event_id, encode_event *out)
{
	Datum		values[EVENT_COLUMNS];
	bool		nulls[EVENT_COLUMNS];
	ScanKeyData key;

	log_find_key_int8(&key, EVENT_ID, BTEqualStrategyNumber, event_id);
	if (!log_find_row("event", "event_pkey", &key, 1, false, values, nulls, EVENT_COLUMNS))
		return false;
	log_find_read_event(values, nulls, out);
	return true;
}

/* The value of an event's field; NULL where it has none of that name. */
static const char *
log_find_field(const encode_event *e, const char *name)
{
	for (int i = 0; i < e->field_count; i++)
		if (strcmp(e->name[i], name) == 0)
			return e->value[i];
	return NULL;
}

char *
log_find_name_now(const char *relation, uint64 since_id)
{
	Relation	rel = table_open(log_relation_oid("event"), AccessShareLock);
	Relation	index = index_open(log_relation_oid("event_pkey"), AccessShareLock);
	char	   *name = pstrdup(relation);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	if (RelationGetDescr(rel)->natts != EVENT_COLUMNS)
		log_malformed("event");
	log_find_key_int8(&key, EVENT_ID, BTGreaterStrategyNumber, since_id);
	/* names are the catalog's, which is not of the caller's snapshot either */
	scan = systable_beginscan_ordered(rel, index, SnapshotSelf, 1, &key);
	while ((tuple = systable_getnext_ordered(scan, ForwardScanDirection)) != NULL)
	{
		Datum		values[EVENT_COLUMNS];
		bool		nulls[EVENT_COLUMNS];
		encode_event e;
		const char *from;
		const char *to;

		CHECK_FOR_INTERRUPTS();
		heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
		if (nulls[2] || (DatumGetInt16(values[2]) != ENCODE_KIND_RENAME &&
						 DatumGetInt16(values[2]) != ENCODE_KIND_RETIRE))
			continue;
		log_find_read_event(values, nulls, &e);
		from = log_find_field(&e, "relation");
		to = log_find_field(&e, "new_relation");
		if (from != NULL && to != NULL && strcmp(from, name) == 0)
			name = pstrdup(to);
	}
	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
	table_close(rel, AccessShareLock);
	return name;
}
