/*
 * log_entry.c: inserts entries, at the commit of every transaction that wrote to a
 * ledger table.
 *
 * For a transaction of one row this is most of what the ledger costs, so it does
 * what CatalogTupleInsert does without what that sets up anew each time: which
 * relation, which indexes, how their keys are made.  A backend keeps that until
 * the relation cache says that something about the table has changed.  The locks
 * are taken each time, as by anyone who inserts.
 */
#include "postgres.h"
#include "compat.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/index.h"
#include "catalog/indexing.h"
#include "catalog/pg_am.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/xid8.h"

#include "ledger/log.h"

#define ENTRY_NATTS 15
#define ENTRY_INDEXES_MAX 4		/* kept; with more, nothing is */

typedef struct EntryIndex
{
	Oid			oid;
	IndexInfo  *info;
} EntryIndex;

static Oid	entry_relid = InvalidOid;	/* invalid: look it up */
static bool entry_indexes_known = false;	/* what stands below is as it is now */
static bool entry_news = false; /* something changed while it was looked up */
static bool entry_indexes_plain = false;	/* all are as entry_insert_index takes them */
static int	entry_index_count = 0;
static EntryIndex entry_index[ENTRY_INDEXES_MAX];
static MemoryContext entry_context = NULL;	/* holds entry_index[].info */

static void
entry_relcache_callback(Datum arg, Oid relid)
{
	if (OidIsValid(relid) && relid != entry_relid)
		return;
	entry_relid = InvalidOid;
	entry_indexes_known = false;
	entry_news = true;
}

/* Columns of a btree, not expressions, not some of the rows only. */
static bool
entry_index_is_plain(Relation index, const IndexInfo *info)
{
	for (int i = 0; i < info->ii_NumIndexAttrs; i++)
		if (info->ii_IndexAttrNumbers[i] < 1 || info->ii_IndexAttrNumbers[i] > ENTRY_NATTS)
			return false;
	return index->rd_rel->relam == BTREE_AM_OID && info->ii_Expressions == NIL &&
		info->ii_Predicate == NIL && info->ii_ExclusionOps == NULL && index->rd_index->indimmediate;
}

/*
 * The caller has locked rel: these are the indexes that it has to insert into, even
 * where news comes in meanwhile.  Then they are looked up again next time.
 */
static void
entry_look_up_indexes(Relation rel)
{
	List	   *oids;
	ListCell   *lc;

	MemoryContextReset(entry_context);
	entry_index_count = 0;
	entry_news = false;
	oids = RelationGetIndexList(rel);
	entry_indexes_plain = list_length(oids) <= ENTRY_INDEXES_MAX;
	foreach(lc, oids)
	{
		Relation	index = index_open(lfirst_oid(lc), RowExclusiveLock);
		MemoryContext old = MemoryContextSwitchTo(entry_context);
		IndexInfo  *info = BuildIndexInfo(index);

		MemoryContextSwitchTo(old);
		entry_indexes_plain = entry_indexes_plain && entry_index_is_plain(index, info);
		/* one that is being made, or could not be, gets nothing yet */
		if (entry_indexes_plain && info->ii_ReadyForInserts)
		{
			entry_index[entry_index_count].oid = lfirst_oid(lc);
			entry_index[entry_index_count++].info = info;
		}
		index_close(index, NoLock);
	}
	list_free(oids);
	entry_indexes_known = !entry_news;
}

static Relation
entry_open(void)
{
	Relation	rel;
	Oid			relid;

	if (entry_context == NULL)
	{
		CacheRegisterRelcacheCallback(entry_relcache_callback, (Datum) 0);
		entry_context = AllocSetContextCreate(CacheMemoryContext, "ledger entry indexes",
											  ALLOCSET_SMALL_SIZES);
	}
	relid = OidIsValid(entry_relid) ? entry_relid : log_relation_oid("entry");
	rel = table_open(relid, RowExclusiveLock);
	/* only now: locking has taken in what others changed */
	entry_relid = relid;
	if (!entry_indexes_known)
		entry_look_up_indexes(rel);
	return rel;
}

static void
entry_insert_index(Relation rel, HeapTuple tuple, const EntryIndex *i,
				   const Datum *values, const bool *nulls)
{
	Relation	index = index_open(i->oid, RowExclusiveLock);
	Datum		key[INDEX_MAX_KEYS];
	bool		isnull[INDEX_MAX_KEYS];

	for (int k = 0; k < i->info->ii_NumIndexAttrs; k++)
	{
		key[k] = values[i->info->ii_IndexAttrNumbers[k] - 1];
		isnull[k] = nulls[i->info->ii_IndexAttrNumbers[k] - 1];
	}
	index_insert(index, key, isnull, &tuple->t_self, rel,
				 i->info->ii_Unique ? UNIQUE_CHECK_YES : UNIQUE_CHECK_NO, false, i->info);
	index_close(index, NoLock);
}

void
log_insert_entry(const encode_entry *e, int site_id, int incarnation,
				 const LogPlace *place, const uint8 *row_tags, size_t row_tags_len)
{
	bool		nulls[ENTRY_NATTS] = {false};
	Datum		values[ENTRY_NATTS] = {
		Int64GetDatum((int64) e->first_id),
		Int64GetDatum((int64) e->last_id),
		FullTransactionIdGetDatum(FullTransactionIdFromU64(e->xid)),
		TimestampTzGetDatum(log_timestamp(e->time_us)),
		Int16GetDatum((int16) site_id),
		Int32GetDatum(incarnation),
		Int32GetDatum((int32) e->row_count),
		Int32GetDatum((int32) e->schema_version),
		PointerGetDatum(&place->low),
		PointerGetDatum(&place->high),
		CStringGetTextDatum(e->relation),
		CStringGetTextDatum(e->role),
		log_bytea(e->schema_digest, MERKLE_HASH_LEN),
		log_bytea(e->rows_root, MERKLE_HASH_LEN),
		log_bytea(row_tags, row_tags_len),
	};
	Relation	rel = entry_open();
	HeapTuple	tuple = heap_form_tuple(RelationGetDescr(rel), values, nulls);

	if (entry_indexes_plain)
	{
		simple_heap_insert(rel, tuple);
		for (int i = 0; i < entry_index_count; i++)
			entry_insert_index(rel, tuple, &entry_index[i], values, nulls);
	}
	else
		CatalogTupleInsert(rel, tuple);
	table_close(rel, NoLock);
}
