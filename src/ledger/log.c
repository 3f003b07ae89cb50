/*
 * log.c: the only writer of the log's own tables, and the only reader of their
 * rows as leaves.
 *
 * Rows are formed and inserted directly, with their indexes, not through SQL:
 * this runs at the commit of every transaction that wrote to a ledger table,
 * where a planner has no business, and it works whatever rights, triggers or
 * settings the writing session has.  The tables' access method lets nobody else
 * in.  Entries, of which every such commit writes one, are in log_entry.c.
 */
#include "postgres.h"
#include "compat.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/xid8.h"

#include "core/merkle.h"
#include "ledger/log.h"
#include "ledger/verify_datum.h"

#define LOG_SCHEMA_NAME "energyledger"

#define UNIX_EPOCH_US \
	((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY * USECS_PER_SEC)

Oid
log_extension_oid(void)
{
	return get_extension_oid("pg_energyledger", true);
}

Oid
log_relation_oid(const char *name)
{
	Oid			schema = get_namespace_oid(LOG_SCHEMA_NAME, true);
	Oid			relation = OidIsValid(schema) ? get_relname_relid(name, schema) : InvalidOid;

	if (!OidIsValid(relation))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("relation \"%s.%s\" does not exist", LOG_SCHEMA_NAME, name),
				 errhint("Run CREATE EXTENSION pg_energyledger in this database.")));
	return relation;
}

int64
log_unix_us(TimestampTz t)
{
	return t + UNIX_EPOCH_US;
}

TimestampTz
log_timestamp(int64 unix_us)
{
	return unix_us - UNIX_EPOCH_US;
}

Datum
log_bytea(const uint8 *data, Size len)
{
	bytea	   *b = palloc(VARHDRSZ + len);

	SET_VARSIZE(b, VARHDRSZ + len);
	memcpy(VARDATA(b), data, len);
	return PointerGetDatum(b);
}

/*
 * At commit the statement's snapshot is gone, and a table with a TOAST table is
 * written to under one only: servers with assertions insist on it.
 */
static void
log_insert(const char *table, Datum *values)
{
	Relation	rel = table_open(log_relation_oid(table), RowExclusiveLock);
	bool		nulls[MaxHeapAttributeNumber] = {false};
	HeapTuple	tuple = heap_form_tuple(RelationGetDescr(rel), values, nulls);
	bool		without = !HaveRegisteredOrActiveSnapshot();

	if (without)
		PushActiveSnapshot(GetTransactionSnapshot());
	CatalogTupleInsert(rel, tuple);
	if (without)
		PopActiveSnapshot();
	heap_freetuple(tuple);
	table_close(rel, NoLock);
}

void
log_check_leaf_size(const char *what, Size size)
{
	if (size > LOG_LEAF_BYTES_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("description of \"%s\" is too long for the log", what),
				 errdetail("It takes %zu bytes, and a leaf of the log has at most %d.", size, LOG_LEAF_BYTES_MAX),
				 errhint("Use fewer columns or shorter names, or a shorter reason.")));
}

void
log_insert_schema(const encode_schema *s, uint64 schema_id,
				  int site_id, int incarnation, uint64 xid)
{
	int			n = s->column_count;
	Datum	   *ordinals = palloc(sizeof(Datum) * Max(n, 1));
	Datum	   *names = palloc(sizeof(Datum) * Max(n, 1));
	Datum	   *types = palloc(sizeof(Datum) * Max(n, 1));

	for (int i = 0; i < n; i++)
	{
		ordinals[i] = Int16GetDatum((int16) s->column[i].ordinal);
		names[i] = CStringGetTextDatum(s->column[i].name);
		types[i] = CStringGetTextDatum(s->column[i].type);
	}
	{
		Datum		values[11] = {
			Int64GetDatum((int64) schema_id),
			Int16GetDatum((int16) site_id),
			Int32GetDatum(incarnation),
			FullTransactionIdGetDatum(FullTransactionIdFromU64(xid)),
			CStringGetTextDatum(s->relation),
			Int32GetDatum((int32) s->schema_version),
			PointerGetDatum(construct_array(ordinals, n, INT2OID, 2, true, TYPALIGN_SHORT)),
			PointerGetDatum(construct_array(names, n, TEXTOID, -1, false, TYPALIGN_INT)),
			PointerGetDatum(construct_array(types, n, TEXTOID, -1, false, TYPALIGN_INT)),
			TimestampTzGetDatum(log_timestamp(s->time_us)),
			CStringGetTextDatum(s->role),
		};

		log_insert("table_schema", values);
	}
}

void
log_insert_event(const encode_event *e, int site_id, int incarnation, uint64 xid)
{
	int			n = e->field_count;
	Datum	   *names = palloc(sizeof(Datum) * Max(n, 1));
	Datum	   *texts = palloc(sizeof(Datum) * Max(n, 1));

	for (int i = 0; i < n; i++)
	{
		names[i] = CStringGetTextDatum(e->name[i]);
		texts[i] = CStringGetTextDatum(e->value[i]);
	}
	{
		Datum		values[9] = {
			Int64GetDatum((int64) e->event_id),
			Int16GetDatum((int16) site_id),
			Int16GetDatum((int16) e->kind),
			Int32GetDatum(incarnation),
			FullTransactionIdGetDatum(FullTransactionIdFromU64(xid)),
			PointerGetDatum(construct_array(names, n, TEXTOID, -1, false, TYPALIGN_INT)),
			PointerGetDatum(construct_array(texts, n, TEXTOID, -1, false, TYPALIGN_INT)),
			TimestampTzGetDatum(log_timestamp(e->time_us)),
			CStringGetTextDatum(e->role),
		};

		log_insert("event", values);
	}
}

void
log_insert_block(const encode_block *b, const LogBlockExtra *extra)
{
	uint8		frontier[MERKLE_FRONTIER_BYTES_MAX];
	size_t		frontier_len = merkle_frontier_store(extra->frontier, frontier);
	Datum		values[14] = {
		Int16GetDatum((int16) extra->site_id),
		Int64GetDatum((int64) b->height),
		log_bytea(b->previous_block_hash, MERKLE_HASH_LEN),
		Int64GetDatum((int64) b->first_index),
		Int64GetDatum((int64) b->count),
		TimestampTzGetDatum(log_timestamp(b->sealed_at_us)),
		Int32GetDatum(extra->incarnation),
		Int32GetDatum(extra->key_number),
		Int32GetDatum((int32) extra->timeline),
		extra->snapshot,
		Int64GetDatum((int64) extra->id_floor),
		FullTransactionIdGetDatum(FullTransactionIdFromU64(extra->xid_floor)),
		log_bytea(frontier, frontier_len),
		CStringGetTextDatum(extra->note),
	};

	log_insert("block", values);
}

void
log_malformed(const char *table)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("a row of \"%s.%s\" is not as the ledger writes it", LOG_SCHEMA_NAME, table),
			 errhint("Run SELECT * FROM energyledger.verify().")));
}

bool
log_read_hash(Datum value, uint8 out[MERKLE_HASH_LEN])
{
	bytea	   *b = DatumGetByteaPP(value);

	if (VARSIZE_ANY_EXHDR(b) != MERKLE_HASH_LEN)
		return false;
	memcpy(out, VARDATA_ANY(b), MERKLE_HASH_LEN);
	return true;
}

static bool
log_any_null(const bool *nulls, int count)
{
	for (int i = 0; i < count; i++)
		if (nulls[i])
			return true;
	return false;
}

bool
log_read_entry(const Datum *values, const bool *nulls, encode_entry *e)
{
	if (log_any_null(nulls, LOG_ENTRY_COLUMN_COUNT))
		return false;
	e->first_id = (uint64) DatumGetInt64(values[0]);
	e->last_id = (uint64) DatumGetInt64(values[1]);
	e->xid = U64FromFullTransactionId(DatumGetFullTransactionId(values[2]));
	e->time_us = log_unix_us(DatumGetTimestampTz(values[3]));
	e->row_count = (uint32) DatumGetInt32(values[4]);
	e->schema_version = (uint32) DatumGetInt32(values[5]);
	e->relation = TextDatumGetCString(values[6]);
	e->role = TextDatumGetCString(values[7]);
	return log_read_hash(values[8], e->schema_digest) &&
		log_read_hash(values[9], e->rows_root);
}

/* A one-dimensional array from 1 without NULLs, taken apart; -1 where it is not one. */
static int
log_read_array(Datum value, Oid type, int len, bool byval, char align, Datum **elements)
{
	DatumCheck	check;
	ArrayType  *array;
	bool	   *nulls;
	int			count;

	/* one that was edited may have lengths that lead anywhere */
	datum_check_init(&check, get_array_type(type));
	if (!datum_check(&check, &value))
		return -1;
	array = DatumGetArrayTypeP(value);
	if (ARR_NDIM(array) > 1 || ARR_ELEMTYPE(array) != type || array_contains_nulls(array) ||
		(ARR_NDIM(array) == 1 && ARR_LBOUND(array)[0] != 1))
		return -1;
	deconstruct_array(array, type, len, byval, align, elements, &nulls, &count);
	return count;
}

/* A one-dimensional array of texts; -1 where it is not one. */
static int
log_read_texts(Datum value, const char ***texts)
{
	Datum	   *elements;
	int			n = log_read_array(value, TEXTOID, -1, false, TYPALIGN_INT, &elements);

	if (n < 0)
		return -1;
	*texts = palloc(sizeof(char *) * Max(n, 1));
	for (int i = 0; i < n; i++)
		(*texts)[i] = TextDatumGetCString(elements[i]);
	return n;
}

bool
log_read_schema(const Datum *values, const bool *nulls, encode_schema *s)
{
	Datum	   *ordinals;
	const char **names;
	const char **types;
	int			n;
	encode_column *column;

	if (log_any_null(nulls, LOG_SCHEMA_COLUMN_COUNT))
		return false;
	s->relation = TextDatumGetCString(values[0]);
	s->schema_version = (uint32) DatumGetInt32(values[1]);
	n = log_read_array(values[2], INT2OID, 2, true, TYPALIGN_SHORT, &ordinals);
	if (n < 0 || n > MaxHeapAttributeNumber ||
		log_read_texts(values[3], &names) != n || log_read_texts(values[4], &types) != n)
		return false;
	column = palloc(sizeof(encode_column) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		column[i].ordinal = (uint16) DatumGetInt16(ordinals[i]);
		column[i].name = names[i];
		column[i].type = types[i];
	}
	s->column = column;
	s->column_count = (uint16) n;
	s->time_us = log_unix_us(DatumGetTimestampTz(values[5]));
	s->role = TextDatumGetCString(values[6]);
	return true;
}

bool
log_read_event(const Datum *values, const bool *nulls, encode_event *e)
{
	const char **names;
	const char **texts;
	int			n;

	if (log_any_null(nulls, LOG_EVENT_COLUMN_COUNT))
		return false;
	e->event_id = (uint64) DatumGetInt64(values[0]);
	e->kind = (uint8) DatumGetInt16(values[1]);
	n = log_read_texts(values[2], &names);
	if (!ENCODE_IS_EVENT(DatumGetInt16(values[1])) || n < 0 || n > PG_UINT16_MAX ||
		log_read_texts(values[3], &texts) != n)
		return false;
	e->field_count = (uint16) n;
	e->name = names;
	e->value = texts;
	e->time_us = log_unix_us(DatumGetTimestampTz(values[4]));
	e->role = TextDatumGetCString(values[5]);
	return true;
}

bool
log_read_block(const Datum *values, const bool *nulls, encode_block *b)
{
	if (log_any_null(nulls, LOG_BLOCK_COLUMN_COUNT))
		return false;
	b->height = (uint64) DatumGetInt64(values[0]);
	b->first_index = (uint64) DatumGetInt64(values[2]);
	b->count = (uint64) DatumGetInt64(values[3]);
	b->sealed_at_us = log_unix_us(DatumGetTimestampTz(values[4]));
	return log_read_hash(values[1], b->previous_block_hash);
}

/* What was written must fill its buffer, neither more nor less. */
static uint8 *
log_leaf_done(const bytes_out *o, Size *len)
{
	if (o->overflow || o->len != o->cap)
		elog(ERROR, "leaf does not fit its buffer");
	*len = o->len;
	return o->data;
}

uint8 *
log_entry_bytes(const encode_entry *e, Size *len)
{
	Size		size = ENCODE_ENTRY_FIXED_BYTES + strlen(e->relation) + strlen(e->role);
	bytes_out	o;

	bytes_out_init(&o, palloc(size), size);
	encode_entry_put(&o, e);
	return log_leaf_done(&o, len);
}

uint8 *
log_schema_bytes(const encode_schema *s, Size *len)
{
	Size		size = encode_schema_size(s);
	bytes_out	o;

	bytes_out_init(&o, palloc(size), size);
	encode_schema_put(&o, s);
	return log_leaf_done(&o, len);
}

uint8 *
log_event_bytes(const encode_event *e, Size *len)
{
	Size		size = encode_event_size(e);
	bytes_out	o;

	bytes_out_init(&o, palloc(size), size);
	encode_event_put(&o, e);
	return log_leaf_done(&o, len);
}

uint8 *
log_block_bytes(const encode_block *b, Size *len)
{
	bytes_out	o;

	bytes_out_init(&o, palloc(ENCODE_BLOCK_BYTES), ENCODE_BLOCK_BYTES);
	encode_block_put(&o, b);
	return log_leaf_done(&o, len);
}

static void
log_leaf_hash(uint8 *data, Size len, uint8 out[MERKLE_HASH_LEN])
{
	merkle_leaf_hash(data, len, out);
	pfree(data);
}

void
log_entry_hash(const encode_entry *e, uint8 out[MERKLE_HASH_LEN])
{
	Size		len;
	uint8	   *data = log_entry_bytes(e, &len);

	log_leaf_hash(data, len, out);
}

void
log_schema_hash(const encode_schema *s, uint8 out[MERKLE_HASH_LEN])
{
	Size		len;
	uint8	   *data = log_schema_bytes(s, &len);

	log_leaf_hash(data, len, out);
}

void
log_event_hash(const encode_event *e, uint8 out[MERKLE_HASH_LEN])
{
	Size		len;
	uint8	   *data = log_event_bytes(e, &len);

	log_leaf_hash(data, len, out);
}

void
log_block_hash(const encode_block *b, uint8 out[MERKLE_HASH_LEN])
{
	Size		len;
	uint8	   *data = log_block_bytes(b, &len);

	log_leaf_hash(data, len, out);
}
