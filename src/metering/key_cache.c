/*
 * key_cache.c: the keys that meters sign with, kept by each session.
 *
 * Every message asks for its meter's keys.  They hardly ever change, so a session keeps
 * those it has read, up to a limit.  Whoever writes to meter_key, by SQL, COPY,
 * a message of type key or replication, sends an invalidation of that table with the
 * commit, as DDL does; a session forgets all it keeps when it sees one, before it
 * takes the next snapshot.  Meters that are not known are not kept: anybody can make
 * names up.
 */
#include "postgres.h"
#include "compat.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/skey.h"
#include "access/stratnum.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"

#include "core/payload.h"
#include "ledger/log.h"
#include "ledger/write.h"
#include "metering/key_cache.h"
#include "metering/tables.h"

/* of what the allocator holds; looked at between batches, so one batch may stand above it */
#define KEY_CACHE_BYTES_MAX ((Size) 32 * 1024 * 1024)

typedef struct KeyCacheEntry
{
	char		meter[PAYLOAD_METER_LEN_MAX + 1];	/* hash key */
	MeterKeys  *keys;			/* NULL until they have been read */
} KeyCacheEntry;

static MemoryContext cache_context = NULL;
static HTAB *cache = NULL;
static Oid	cache_relid = InvalidOid;
static bool cache_is_stale = false;

static void
key_cache_callback(Datum arg, Oid relid)
{
	if (!OidIsValid(relid) || relid == cache_relid)
		cache_is_stale = true;
}

/* Told of each insertion: other sessions are to know when it commits. */
static void
key_cache_watch(Relation rel)
{
	/* only one table has this name and is worth looking up */
	if (strcmp(RelationGetRelationName(rel), "meter_key") == 0 &&
		RelationGetRelid(rel) == log_relation_oid("meter_key"))
		CacheInvalidateRelcache(rel);
}

void
key_cache_init(void)
{
	CacheRegisterRelcacheCallback(key_cache_callback, (Datum) 0);
	write_watch = key_cache_watch;
}

static void
key_cache_reset(void)
{
	HASHCTL		ctl = {.keysize = PAYLOAD_METER_LEN_MAX + 1,.entrysize = sizeof(KeyCacheEntry)};

	if (cache_context == NULL)
		cache_context = AllocSetContextCreate(CacheMemoryContext, "keys of meters", ALLOCSET_DEFAULT_SIZES);
	cache = NULL;
	MemoryContextReset(cache_context);
	ctl.hcxt = cache_context;
	cache = hash_create("keys of meters", 1024, &ctl, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
}

void
key_cache_begin(Relation rel)
{
	/* its lock may have been ours already: then nobody has looked */
	AcceptInvalidationMessages();
	if (cache != NULL && !cache_is_stale && cache_relid == RelationGetRelid(rel) &&
		MemoryContextMemAllocated(cache_context, true) <= KEY_CACHE_BYTES_MAX)
		return;
	cache_is_stale = false;
	cache_relid = RelationGetRelid(rel);
	key_cache_reset();
}

/* ---- reading ---- */

static void
key_cache_read(TupleDesc desc, HeapTuple tuple, MeterKey *out)
{
	Datum	   *values = palloc(sizeof(Datum) * desc->natts);
	bool	   *nulls = palloc(sizeof(bool) * desc->natts);
	bytea	   *key;
	char	   *name;

	heap_deform_tuple(tuple, desc, values, nulls);
	key = DatumGetByteaPP(values[Anum_meter_key_public_key - 1]);
	name = TextDatumGetCString(values[Anum_meter_key_algorithm - 1]);
	out->algorithm = envelope_algorithm_by_name(name);
	out->key_len = VARSIZE_ANY_EXHDR(key);
	if (!key_form_valid(out->algorithm, (uint8 *) VARDATA_ANY(key), out->key_len))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("a meter is registered with a key that cannot be used"),
				 errdetail("Algorithm \"%s\", key of %zu bytes.", name, out->key_len)));
	memcpy(out->key, VARDATA_ANY(key), out->key_len);
	out->from_epoch = DatumGetInt64(values[Anum_meter_key_from_epoch - 1]);
	out->from_seq = DatumGetInt64(values[Anum_meter_key_from_seq - 1]);
	out->until_epoch = nulls[Anum_meter_key_until_epoch - 1] ? PG_INT64_MAX :
		DatumGetInt64(values[Anum_meter_key_until_epoch - 1]);
	out->until_seq = nulls[Anum_meter_key_until_seq - 1] ? PG_INT64_MAX :
		DatumGetInt64(values[Anum_meter_key_until_seq - 1]);
	out->valid_from = DatumGetTimestampTz(values[Anum_meter_key_valid_from - 1]);
	out->valid_until = DatumGetTimestampTz(values[Anum_meter_key_valid_until - 1]);
	out->revoked = DatumGetBool(values[Anum_meter_key_revoked - 1]);
	pfree(values);
	pfree(nulls);
}

const MeterKey *
meter_key_find(const MeterKeys *keys, const uint8 *key, size_t key_len)
{
	for (int i = 0; i < keys->count; i++)
		if (keys->key[i].key_len == key_len && memcmp(keys->key[i].key, key, key_len) == 0)
			return &keys->key[i];
	return NULL;
}

/*
 * A meter's keys, the newest row of each, into *keys with room for all of them.  A
 * key is revoked where any row says so: whoever has stolen it has it still.
 */
static void
key_cache_load(Relation rel, Snapshot snapshot, const char *meter, MeterKeys *keys)
{
	Relation	index = index_open(log_relation_oid("meter_key_meter_idx"), AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	keys->count = 0;
	/* the column is COLLATE "C", which is what ScanKeyInit compares text by */
	ScanKeyInit(&key, Anum_meter_key_meter, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(meter));
	scan = systable_beginscan_ordered(rel, index, snapshot, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext_ordered(scan, BackwardScanDirection)))
	{
		MeterKey	read;
		const MeterKey *known;

		CHECK_FOR_INTERRUPTS();
		key_cache_read(RelationGetDescr(rel), tuple, &read);
		known = meter_key_find(keys, read.key, read.key_len);
		if (known != NULL)
			keys->key[known - keys->key].revoked |= read.revoked;
		else if (keys->count < METER_KEYS_MAX)
			keys->key[keys->count++] = read;
	}
	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
}

const MeterKeys *
key_cache_find(Relation rel, Snapshot snapshot, const char *meter)
{
	KeyCacheEntry *entry = hash_search(cache, meter, HASH_FIND, NULL);
	MeterKeys  *read;
	Size		size;
	bool		found;

	if (entry != NULL && entry->keys != NULL)
		return entry->keys;
	read = palloc(offsetof(MeterKeys, key) + sizeof(MeterKey) * METER_KEYS_MAX);
	key_cache_load(rel, snapshot, meter, read);
	if (read->count == 0)
	{
		pfree(read);
		return NULL;
	}
	size = offsetof(MeterKeys, key) + sizeof(MeterKey) * read->count;
	entry = hash_search(cache, meter, HASH_ENTER, &found);
	entry->keys = NULL;			/* should there be no memory for them */
	entry->keys = MemoryContextAlloc(cache_context, size);
	memcpy(entry->keys, read, size);
	pfree(read);
	return entry->keys;
}
