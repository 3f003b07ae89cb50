/*
 * verify.c: recomputes entries from rows, and says what does not fit.
 *
 * Every row of every ledger table is hashed again, the hashes are put in
 * ledger_id order, and walked together with the entries in the order of their
 * runs: ids are unique over all tables, so one walk tells a row that changed from
 * one that vanished, appeared or moved to another table.  Roots decide; the short
 * tags that an entry keeps of its rows only help to name the row.
 *
 * All reading is done with one snapshot, so writers may go on: an entry and its
 * rows become visible together.  Nothing is cached between calls.
 */
#include "postgres.h"
#include "compat.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "commands/defrem.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/tuplesort.h"

#include "ledger/am.h"
#include "ledger/lineage.h"
#include "ledger/log.h"
#include "ledger/schema.h"
#include "ledger/site.h"
#include "ledger/verify.h"
#include "ledger/verify_log.h"
#include "ledger/verify_site.h"
#include "ledger/verify_redaction.h"
#include "ledger/write.h"

#define VERIFY_FETCH 1000

/* One row as the walk sees it. */
typedef struct VerifiedRow
{
	int64		id;
	int32		table;			/* index into RowPass.lineage */
	uint8		hash[MERKLE_HASH_LEN];
} VerifiedRow;

typedef struct RowPass
{
	Findings   *findings;
	Lineage    *lineage;		/* the tables that the log knows */
	int			only;			/* the one asked for, or -1 */
	int			entry_table;	/* of the entry at hand, or -1 */
	Tuplesortstate *sort;
	TupleTableSlot *sorted;		/* the row after those collected */
	bool		more;			/* there is one */
	VerifiedRow *row;			/* rows of the entry at hand */
	int			row_count;
	int			row_cap;
	HTAB	   *digest;			/* (relation, version) to digest */
} RowPass;

typedef struct DigestKey
{
	char		relation[2 * NAMEDATALEN + 2];
	int32		version;
} DigestKey;

typedef struct DigestEntry
{
	DigestKey	key;
	uint8		digest[MERKLE_HASH_LEN];
} DigestEntry;

void
verify_finding(Findings *f, const char *relation, int64 ledger_id, const char *kind,
			   const char *expected, const char *found)
{
	Datum		values[5] = {0};
	bool		nulls[5] = {false};

	values[0] = CStringGetTextDatum(relation);
	values[1] = Int64GetDatum(ledger_id);
	nulls[1] = ledger_id < 0;
	values[2] = CStringGetTextDatum(kind);
	if (expected != NULL)
		values[3] = CStringGetTextDatum(expected);
	nulls[3] = expected == NULL;
	if (found != NULL)
		values[4] = CStringGetTextDatum(found);
	nulls[4] = found == NULL;
	tuplestore_putvalues(f->result->setResult, f->result->setDesc, values, nulls);
	f->count++;
}

char *
verify_hex(const uint8 hash[MERKLE_HASH_LEN])
{
	char	   *hex = palloc(2 * MERKLE_HASH_LEN + 1);

	hex_encode((const char *) hash, MERKLE_HASH_LEN, hex);
	hex[2 * MERKLE_HASH_LEN] = '\0';
	return hex;
}

/* ---- schemas ---- */

static void
verify_load_digests(RowPass *p)
{
	HASHCTL		ctl = {.keysize = sizeof(DigestKey),.entrysize = sizeof(DigestEntry),
	.hcxt = CurrentMemoryContext};

	p->digest = hash_create("schema digests", 64, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	if (SPI_execute("SELECT " LOG_SCHEMA_COLUMNS " FROM energyledger.table_schema", true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the schemas");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		Datum		values[LOG_SCHEMA_COLUMN_COUNT];
		bool		nulls[LOG_SCHEMA_COLUMN_COUNT];
		encode_schema s;
		DigestKey	key;
		DigestEntry *entry;

		heap_deform_tuple(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, values, nulls);
		if (!log_read_schema(values, nulls, &s))
			continue;			/* reported with its leaf */
		memset(&key, 0, sizeof(key));
		strlcpy(key.relation, s.relation, sizeof(key.relation));
		key.version = (int32) s.schema_version;
		entry = hash_search(p->digest, &key, HASH_ENTER, NULL);
		log_schema_hash(&s, entry->digest);
	}
}

/* The entry's schema must be the registered one. */
static void
verify_entry_schema(RowPass *p, const encode_entry *e)
{
	DigestKey	key;
	DigestEntry *entry;

	memset(&key, 0, sizeof(key));
	strlcpy(key.relation, e->relation, sizeof(key.relation));
	key.version = (int32) e->schema_version;
	entry = hash_search(p->digest, &key, HASH_FIND, NULL);
	if (entry == NULL)
		verify_finding(p->findings, e->relation, (int64) e->first_id, "schema_missing",
					   psprintf("version %u of the table's columns", e->schema_version), NULL);
	else if (memcmp(entry->digest, e->schema_digest, MERKLE_HASH_LEN) != 0)
		verify_finding(p->findings, e->relation, (int64) e->first_id, "schema_digest",
					   verify_hex(e->schema_digest), verify_hex(entry->digest));
}

/* ---- rows into the sort ---- */

static TupleDesc
verify_sort_desc(void)
{
	TupleDesc	desc = CreateTemplateTupleDesc(3);

	TupleDescInitEntry(desc, 1, "id", INT8OID, -1, 0);
	TupleDescInitEntry(desc, 2, "relation", INT4OID, -1, 0);
	TupleDescInitEntry(desc, 3, "hash", BYTEAOID, -1, 0);
	return desc;
}

/*
 * Did this transaction write it?  COPY FREEZE hides that behind a frozen xid, but
 * only in a table that the transaction itself made.  A version that redact() made
 * is of a row that has its entry.
 */
static bool
verify_is_own_row(Relation rel, HeapTuple tuple)
{
	TransactionId xmin = rel->rd_createSubid != InvalidSubTransactionId ?
		HeapTupleHeaderGetRawXmin(tuple->t_data) : HeapTupleHeaderGetXmin(tuple->t_data);

	return TransactionIdIsCurrentTransactionId(xmin) && (tuple->t_data->t_infomask & HEAP_UPDATED) == 0;
}

static void
verify_scan_table(RowPass *p, Relation rel, const LedgerSchema *schema, int table)
{
	TableScanDesc scan = table_beginscan(rel, GetActiveSnapshot(), 0, NULL);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	TupleTableSlot *out = MakeSingleTupleTableSlot(p->sorted->tts_tupleDescriptor, &TTSOpsVirtual);
	union
	{
		char		bytes[VARHDRSZ + MERKLE_HASH_LEN];
		int32		align;
	}			hash;
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "verify rows",
												  ALLOCSET_DEFAULT_SIZES);

	SET_VARSIZE(hash.bytes, sizeof(hash.bytes));
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		HeapTuple	tuple = ((BufferHeapTupleTableSlot *) slot)->base.tuple;
		MemoryContext old;
		uint64		id;

		CHECK_FOR_INTERRUPTS();
		/* our own transaction's rows have no entry before it commits */
		if (verify_is_own_row(rel, tuple))
			continue;
		slot_getallattrs(slot);
		id = slot->tts_isnull[schema->id_attnum - 1] ? 0 :
			(uint64) DatumGetInt64(slot->tts_values[schema->id_attnum - 1]);
		old = MemoryContextSwitchTo(scratch);
		row_leaf_hash(schema->plan, id, slot->tts_values, slot->tts_isnull,
					  (uint8 *) VARDATA(hash.bytes));
		MemoryContextSwitchTo(old);
		MemoryContextReset(scratch);
		ExecClearTuple(out);
		out->tts_values[0] = Int64GetDatum((int64) id);
		out->tts_values[1] = Int32GetDatum(table);
		out->tts_values[2] = PointerGetDatum(hash.bytes);
		memset(out->tts_isnull, false, 3);
		ExecStoreVirtualTuple(out);
		tuplesort_puttupleslot(p->sort, out);
	}
	ExecDropSingleTupleTableSlot(out);
	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
	MemoryContextDelete(scratch);
}

/* Hashes of rows are shown to those who may read the rows. */
static void
verify_check_rights(Relation rel)
{
	AclResult	right = pg_class_aclcheck(RelationGetRelid(rel), GetUserId(), ACL_SELECT);

	if (right != ACLCHECK_OK)
		aclcheck_error(right, OBJECT_TABLE, RelationGetRelationName(rel));
}

/* A table that the log knows: is it still there, still what it was? */
static void
verify_read_table(RowPass *p, int at)
{
	LineageTable today;
	Relation	rel = lineage_open_table(p->lineage, at, AccessShareLock, &today);
	const char *name = today.name;
	LedgerSchema *schema;
	char	   *why = NULL;

	if (rel == NULL)
	{
		verify_finding(p->findings, name, -1, "table_missing", "a ledger table", NULL);
		return;
	}
	verify_check_rights(rel);
	if (!am_hashes_rows(rel))
	{
		const char *found = OidIsValid(rel->rd_rel->relam) ? get_am_name(rel->rd_rel->relam) : "none";

		verify_finding(p->findings, name, -1, "access_method", "ledger",
					   strcmp(found, "ledger") == 0 ? "ledger, with another handler" : found);
	}
	schema = schema_of_version(rel, name, today.version, &why);
	if (schema == NULL)
		verify_finding(p->findings, name, -1, "table_columns", "the columns that the log has registered", why);
	else if (schema->id_attnum == InvalidAttrNumber)
		verify_finding(p->findings, name, -1, "table_columns", "a column ledger_id", NULL);
	else
		verify_scan_table(p, rel, schema, at);
	table_close(rel, AccessShareLock);
}

/* The name by which findings call a table: today's. */
static const char *
verify_table_name(const RowPass *p, int at)
{
	return p->lineage->table[at].name;
}

/* The tables that the log knows. */
static void
verify_read_tables(RowPass *p)
{
	for (int i = 0; i < p->lineage->count; i++)
		if (p->only < 0 || p->only == i)
			verify_read_table(p, i);
}

/* ---- the walk ---- */

static void
verify_advance(RowPass *p)
{
	p->more = tuplesort_gettupleslot(p->sort, true, false, p->sorted, NULL);
}

static void
verify_current_row(RowPass *p, VerifiedRow *row)
{
	bool		isnull;
	Datum		hash;

	row->id = DatumGetInt64(slot_getattr(p->sorted, 1, &isnull));
	row->table = DatumGetInt32(slot_getattr(p->sorted, 2, &isnull));
	hash = slot_getattr(p->sorted, 3, &isnull);
	memcpy(row->hash, VARDATA_ANY(DatumGetPointer(hash)), MERKLE_HASH_LEN);
}

/* Rows below `id` that no entry has. */
static void
verify_skip_to(RowPass *p, uint64 id, bool to_end)
{
	while (p->more)
	{
		VerifiedRow row;

		verify_current_row(p, &row);
		if (!to_end && (uint64) row.id >= id)
			return;
		verify_finding(p->findings, verify_table_name(p, row.table), row.id, "row_without_entry",
					   "no such row", psprintf("leaf hash %s", verify_hex(row.hash)));
		verify_advance(p);
	}
}

/* Rows of [first_id, last_id]; those of other tables are reported and left out. */
static void
verify_collect(RowPass *p, const encode_entry *e)
{
	p->row_count = 0;
	while (p->more)
	{
		VerifiedRow row;
		const char *name;

		verify_current_row(p, &row);
		if ((uint64) row.id > e->last_id)
			return;
		name = verify_table_name(p, row.table);
		if (row.table != p->entry_table)
			verify_finding(p->findings, name, row.id, "row_in_wrong_table", e->relation, name);
		else if (p->row_count > 0 && p->row[p->row_count - 1].id == row.id)
			verify_finding(p->findings, name, row.id, "row_duplicate", "one row", "another with the same ledger_id");
		else
		{
			if (p->row_count == p->row_cap)
			{
				p->row_cap *= 2;
				p->row = repalloc(p->row, sizeof(VerifiedRow) * p->row_cap);
			}
			p->row[p->row_count++] = row;
		}
		verify_advance(p);
	}
}

static char *
verify_tag(const uint8 *tag)
{
	return psprintf("leaf hash %02x%02x...", tag[0], tag[1]);
}

/*
 * Which rows?  With as many rows as there were, each is compared with its tag.
 * With fewer and no gaps in the run, the ids that are not there are named.
 * Returns how many rows were named.
 */
static int
verify_name_rows(RowPass *p, const encode_entry *e, const uint8 *tags, Size tag_count)
{
	bool		dense = e->last_id - e->first_id + 1 == e->row_count;
	int			named = 0;
	int			at = 0;

	if (tag_count != e->row_count)
		return 0;
	for (uint32 i = 0; i < e->row_count; i++)
	{
		const uint8 *tag = tags + (Size) i * ROW_TAG_BYTES;
		int64		id = (int64) (e->first_id + i);

		if (dense ? (at < p->row_count && p->row[at].id == id) : p->row_count == (int) e->row_count)
		{
			if (memcmp(p->row[at].hash, tag, ROW_TAG_BYTES) != 0)
			{
				verify_finding(p->findings, e->relation, p->row[at].id, "row_changed",
							   verify_tag(tag), verify_tag(p->row[at].hash));
				named++;
			}
			at++;
		}
		else if (dense)
		{
			verify_finding(p->findings, e->relation, id, "row_missing", verify_tag(tag), NULL);
			named++;
		}
	}
	return named;
}

static void
verify_entry(RowPass *p, const encode_entry *e, const uint8 *tags, Size tag_count)
{
	merkle_frontier frontier;
	uint8		root[MERKLE_HASH_LEN];

	verify_entry_schema(p, e);
	verify_skip_to(p, e->first_id, false);
	verify_collect(p, e);
	merkle_frontier_init(&frontier);
	for (int i = 0; i < p->row_count; i++)
		merkle_frontier_append(&frontier, p->row[i].hash);
	merkle_frontier_root(&frontier, root);
	if (p->row_count == (int) e->row_count && memcmp(root, e->rows_root, MERKLE_HASH_LEN) == 0)
		return;
	if (verify_name_rows(p, e, tags, tag_count) == 0)
		verify_finding(p->findings, e->relation, (int64) e->first_id, "entry_rows",
					   psprintf("%u rows to ledger_id " UINT64_FORMAT " with root %s",
								e->row_count, e->last_id, verify_hex(e->rows_root)),
					   psprintf("%d rows with root %s", p->row_count, verify_hex(root)));
}

/* An entry's table, by the name that it had; e->relation becomes today's. */
static bool
verify_find_table(RowPass *p, encode_entry *e)
{
	p->entry_table = lineage_find(p->lineage, e->relation, (int32) e->schema_version);
	return p->only < 0 || p->entry_table == p->only;
}

static void
verify_walk(RowPass *p)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "verify entries",
												  ALLOCSET_DEFAULT_SIZES);
	Portal		portal =
		SPI_cursor_open_with_args(NULL, "SELECT " LOG_ENTRY_COLUMNS ", row_tags FROM energyledger.entry"
								  " ORDER BY first_id", 0, NULL, NULL, NULL, true, 0);

	verify_advance(p);
	do
	{
		SPI_cursor_fetch(portal, true, VERIFY_FETCH);
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			Datum		values[LOG_ENTRY_COLUMN_COUNT + 1];
			bool		isnull[LOG_ENTRY_COLUMN_COUNT + 1];
			encode_entry e;
			bytea	   *tags;
			MemoryContext old = MemoryContextSwitchTo(scratch);

			heap_deform_tuple(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, values, isnull);
			/* a malformed one is reported with its leaf; its rows have no entry then */
			if (log_read_entry(values, isnull, &e) && verify_find_table(p, &e))
			{
				tags = isnull[LOG_ENTRY_COLUMN_COUNT] ? NULL : DatumGetByteaPP(values[LOG_ENTRY_COLUMN_COUNT]);
				verify_entry(p, &e, tags != NULL ? (uint8 *) VARDATA_ANY(tags) : NULL,
							 tags != NULL ? VARSIZE_ANY_EXHDR(tags) / ROW_TAG_BYTES : 0);
			}
			MemoryContextSwitchTo(old);
			CHECK_FOR_INTERRUPTS();
		}
		SPI_freetuptable(SPI_tuptable);
		MemoryContextReset(scratch);
	} while (SPI_processed > 0);
	SPI_cursor_close(portal);
	verify_skip_to(p, 0, true);
	MemoryContextDelete(scratch);
}

static void
verify_rows(Findings *f, const char *only)
{
	RowPass    *p = palloc0(sizeof(RowPass));
	TupleDesc	desc = verify_sort_desc();
	AttrNumber	key = 1;
	Oid			less = Int8LessOperator;
	Oid			collation = InvalidOid;
	bool		nulls_first = false;

	p->findings = f;
	p->lineage = lineage_load();
	p->only = only != NULL ? lineage_find_name(p->lineage, only) : -1;
	if (only != NULL && p->only < 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the log does not know ledger table \"%s\"", only),
				 errdetail("No version of its columns is registered under that name.")));
	p->row_cap = ENTRY_ROWS_MAX;
	p->row = palloc(sizeof(VerifiedRow) * p->row_cap);
	p->sorted = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	p->sort = tuplesort_begin_heap(desc, 1, &key, &less, &collation, &nulls_first,
								   maintenance_work_mem, NULL, TUPLESORT_NONE);
	verify_load_digests(p);
	verify_read_tables(p);
	tuplesort_performsort(p->sort);
	verify_walk(p);
	ExecDropSingleTupleTableSlot(p->sorted);
	tuplesort_end(p->sort);
}

static char *
verify_only(Oid relid)
{
	Relation	rel = table_open(relid, AccessShareLock);
	char	   *name = schema_relation_name(rel);

	if (!am_hashes_rows(rel))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a ledger table", RelationGetRelationName(rel)),
				 errhint("Without an argument, energyledger.verify() checks every table that the log knows.")));
	table_close(rel, AccessShareLock);
	return name;
}

void
verify_ledger(ReturnSetInfo *result, Oid relid)
{
	Findings	f = {.result = result};
	VerifiedLog log;
	const char *only = OidIsValid(relid) ? verify_only(relid) : NULL;

	SPI_connect();
	verify_log(&f, site_current()->site_id, &log);
	verify_site(&f, site_current()->site_id);
	verify_rows(&f, only);
	verify_redactions(&f, only);
	SPI_finish();
	if (f.count > 0)
		ereport(NOTICE,
				(errmsg(UINT64_FORMAT " findings in a log of " UINT64_FORMAT " leaves", f.count, log.size)));
	else if (log.height == 0)
		ereport(NOTICE, (errmsg("intact, nothing sealed yet")));
	else
		ereport(NOTICE,
				(errmsg("intact up to size " UINT64_FORMAT " at %s", log.size,
						timestamptz_to_str(log.sealed_at_us -
										   (log_unix_us(0))))));
}
