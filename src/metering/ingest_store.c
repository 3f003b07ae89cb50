/*
 * ingest_store.c: writes a judged batch, one statement a table.
 *
 * Rows go through SQL's INSERT so that indexes, the ledger's hashing and
 * ON CONFLICT are PostgreSQL's own.  A batch is handed over as one array a
 * column; the three plans are made once a session and kept.
 *
 * Nothing here judges: what it is given is stored as it is.
 */
#include "postgres.h"
#include "compat.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "metering/ingest.h"
#include "metering/registration.h"
#include "metering/unix_time.h"

/* The rows of one INSERT, column by column. */
typedef struct StoreRows
{
	int			column_count;
	const Oid  *type;			/* element type of each column */
	int			count;			/* rows so far */
	Datum	  **value;
	bool	  **null;
} StoreRows;

static StoreRows *
store_rows(const Oid *type, int column_count, int capacity)
{
	StoreRows  *rows = palloc(sizeof(*rows));

	rows->column_count = column_count;
	rows->type = type;
	rows->count = 0;
	rows->value = palloc(column_count * sizeof(Datum *));
	rows->null = palloc(column_count * sizeof(bool *));
	for (int c = 0; c < column_count; c++)
	{
		rows->value[c] = palloc(capacity * sizeof(Datum));
		rows->null[c] = palloc0(capacity * sizeof(bool));
	}
	return rows;
}

static inline void
store_set(StoreRows *rows, int column, Datum value)
{
	rows->value[column][rows->count] = value;
}

static inline void
store_set_if(StoreRows *rows, int column, bool known, Datum value)
{
	rows->value[column][rows->count] = value;
	rows->null[column][rows->count] = !known;
}

static Datum
store_bytes(const uint8 *data, size_t len)
{
	bytea	   *v = palloc(VARHDRSZ + len);

	SET_VARSIZE(v, VARHDRSZ + len);
	memcpy(VARDATA(v), data, len);
	return PointerGetDatum(v);
}

static Datum
store_char(char c)
{
	return PointerGetDatum(cstring_to_text_with_len(&c, 1));
}

static Datum
store_array(const StoreRows *rows, int column)
{
	int			dims[1] = {rows->count};
	int			lbs[1] = {1};
	int			len;
	bool		byval;
	char		align;

	switch (rows->type[column])
	{
		case BOOLOID:
			len = 1, byval = true, align = TYPALIGN_CHAR;
			break;
		case INT2OID:
			len = 2, byval = true, align = TYPALIGN_SHORT;
			break;
		case INT8OID:
		case TIMESTAMPTZOID:
			len = 8, byval = true, align = TYPALIGN_DOUBLE;
			break;
		default:				/* text, bytea */
			len = -1, byval = false, align = TYPALIGN_INT;
			break;
	}
	return PointerGetDatum(construct_md_array(rows->value[column], rows->null[column],
											  1, dims, lbs, rows->type[column],
											  len, byval, align));
}

#define STORE_COLUMNS_MAX 16	/* beside the time of receipt */

/*
 * Run an INSERT whose parameters are the rows' columns as arrays and then,
 * where given, the time of receipt.  Leaves SPI connected, for the caller to read what came back.
 */
static void
store_execute(SPIPlanPtr *plan, const char *sql, const StoreRows *rows,
			  const TimestampTz *received_at, int expected)
{
	Oid			types[STORE_COLUMNS_MAX + 1];
	Datum		values[STORE_COLUMNS_MAX + 1];
	int			n = rows->column_count;
	int			result;

	Assert(n <= STORE_COLUMNS_MAX);
	for (int c = 0; c < n; c++)
	{
		types[c] = get_array_type(rows->type[c]);
		values[c] = store_array(rows, c);
	}
	if (received_at != NULL)
	{
		types[n] = TIMESTAMPTZOID;
		values[n++] = TimestampTzGetDatum(*received_at);
	}

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (*plan == NULL)
	{
		SPIPlanPtr	made = SPI_prepare(sql, n, types);

		if (made == NULL || SPI_keepplan(made) != 0)
			elog(ERROR, "could not prepare: %s", SPI_result_code_string(SPI_result));
		*plan = made;
	}
	result = SPI_execute_plan(*plan, values, NULL, false, 0);
	if (result != expected)
		elog(ERROR, "insert ended with %s", SPI_result_code_string(result));
}

/* RETURNING gives the rows that went in, in the order they were offered. */
static void
store_match(IngestMessage **accepted, int count, bool *stored)
{
	uint64		row = 0;
	TupleDesc	desc = SPI_tuptable->tupdesc;

	for (int i = 0; i < count; i++)
	{
		stored[i] = false;
		if (row < SPI_processed)
		{
			HeapTuple	tuple = SPI_tuptable->vals[row];
			bool		isnull;
			char	   *meter = TextDatumGetCString(SPI_getbinval(tuple, desc, 1, &isnull));

			stored[i] = strcmp(meter, accepted[i]->meter) == 0 &&
				DatumGetInt64(SPI_getbinval(tuple, desc, 2, &isnull)) == accepted[i]->epoch &&
				DatumGetInt64(SPI_getbinval(tuple, desc, 3, &isnull)) == accepted[i]->seq;
			pfree(meter);
		}
		if (stored[i])
			row++;
	}
	if (row != SPI_processed)
		elog(ERROR, "messages came back in another order than they were stored in");
}

static const char store_message_sql[] =
"INSERT INTO energyledger.message (meter, epoch, seq, type, envelope, prev, digest,"
" sent_at, clock_status, chained, prev_valid, raw, clock_ahead_ms, clock_back_ms, quarantine_id, received_at)"
" SELECT u.*, $16 FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) u"
" ON CONFLICT (meter, epoch, seq) DO NOTHING"
" RETURNING meter, epoch, seq";

void
ingest_store_messages(const IngestBatch *b, IngestMessage **accepted, int count, bool *stored)
{
	static const Oid types[] = {TEXTOID, INT8OID, INT8OID, TEXTOID, TEXTOID, BYTEAOID, BYTEAOID,
	TIMESTAMPTZOID, TEXTOID, BOOLOID, BOOLOID, BYTEAOID, INT8OID, INT8OID, INT8OID};
	static SPIPlanPtr plan = NULL;
	StoreRows  *rows = store_rows(types, lengthof(types), count);

	for (int i = 0; i < count; i++)
	{
		const IngestMessage *m = accepted[i];

		store_set(rows, 0, CStringGetTextDatum(m->meter));
		store_set(rows, 1, Int64GetDatum(m->epoch));
		store_set(rows, 2, Int64GetDatum(m->seq));
		store_set(rows, 3, CStringGetTextDatum(payload_type_name(m->type)));
		store_set(rows, 4, CStringGetTextDatum(envelope_kind_name(m->envelope)));
		store_set_if(rows, 5, m->has_prev, store_bytes(m->prev, SHA256_LEN));
		store_set(rows, 6, store_bytes(m->digest, SHA256_LEN));
		store_set(rows, 7, TimestampTzGetDatum(unix_ms_to_timestamp(m->t_ms)));
		store_set(rows, 8, store_char(m->clock_status));
		store_set(rows, 9, BoolGetDatum(m->chained));
		store_set_if(rows, 10, m->prev_known, BoolGetDatum(m->prev_valid));
		store_set(rows, 11, m->raw);
		store_set_if(rows, 12, m->clock_ahead_ms != 0, Int64GetDatum(m->clock_ahead_ms));
		store_set_if(rows, 13, m->clock_back_ms != 0, Int64GetDatum(m->clock_back_ms));
		store_set_if(rows, 14, b->quarantine_id != 0, Int64GetDatum(b->quarantine_id));
		rows->count++;
	}
	store_execute(&plan, store_message_sql, rows, &b->received_at, SPI_OK_INSERT_RETURNING);
	if (SPI_processed == (uint64) count)
		memset(stored, true, count * sizeof(bool));
	else
		store_match(accepted, count, stored);
	SPI_finish();
}

static const char store_reading_sql[] =
"INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at,"
" value, scale, unit, status)"
" SELECT u.* FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) u";

void
ingest_store_readings(IngestMessage **accepted, int count)
{
	static const Oid types[] = {TEXTOID, INT8OID, INT8OID, INT2OID, TEXTOID, TIMESTAMPTZOID,
	TIMESTAMPTZOID, INT8OID, INT2OID, TEXTOID, TEXTOID};
	static SPIPlanPtr plan = NULL;
	StoreRows  *rows;
	int			total = 0;

	for (int i = 0; i < count; i++)
		total += accepted[i]->reading_count;
	if (total == 0)
		return;
	rows = store_rows(types, lengthof(types), total);
	for (int i = 0; i < count; i++)
	{
		const IngestMessage *m = accepted[i];
		Datum		meter = CStringGetTextDatum(m->meter);

		for (int k = 0; k < m->reading_count; k++)
		{
			const payload_reading *g = &m->reading[k];

			store_set(rows, 0, meter);
			store_set(rows, 1, Int64GetDatum(m->epoch));
			store_set(rows, 2, Int64GetDatum(m->seq));
			store_set(rows, 3, Int16GetDatum(k + 1));
			store_set(rows, 4, CStringGetTextDatum(g->obis));
			store_set(rows, 5, TimestampTzGetDatum(unix_ms_to_timestamp(g->from_ms)));
			store_set(rows, 6, TimestampTzGetDatum(unix_ms_to_timestamp(g->to_ms)));
			store_set(rows, 7, Int64GetDatum(g->value));
			store_set(rows, 8, Int16GetDatum(g->scale));
			store_set(rows, 9, CStringGetTextDatum(g->unit));
			store_set(rows, 10, store_char(g->status));
			rows->count++;
		}
	}
	store_execute(&plan, store_reading_sql, rows, NULL, SPI_OK_INSERT);
	SPI_finish();
}

static const char store_key_sql[] =
"INSERT INTO energyledger.meter_key (meter, public_key, algorithm, from_epoch, from_seq,"
" until_epoch, until_seq, valid_from, valid_until, message_epoch, message_seq)"
" SELECT u.* FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) u";

static void
store_set_key(StoreRows *rows, const IngestMessage *m, const MeterKey *key)
{
	store_set(rows, 0, CStringGetTextDatum(m->meter));
	store_set(rows, 1, store_bytes(key->key, key->key_len));
	store_set(rows, 2, CStringGetTextDatum(envelope_algorithm_name(key->algorithm)));
	store_set(rows, 3, Int64GetDatum(key->from_epoch));
	store_set(rows, 4, Int64GetDatum(key->from_seq));
	store_set_if(rows, 5, key->until_epoch != PG_INT64_MAX, Int64GetDatum(key->until_epoch));
	store_set_if(rows, 6, key->until_epoch != PG_INT64_MAX, Int64GetDatum(key->until_seq));
	store_set(rows, 7, TimestampTzGetDatum(key->valid_from));
	store_set(rows, 8, TimestampTzGetDatum(key->valid_until));
	store_set(rows, 9, Int64GetDatum(m->epoch));
	store_set(rows, 10, Int64GetDatum(m->seq));
	rows->count++;
}

void
ingest_store_keys(IngestMessage **accepted, int count)
{
	static const Oid types[] = {TEXTOID, BYTEAOID, TEXTOID, INT8OID, INT8OID, INT8OID, INT8OID,
	TIMESTAMPTZOID, TIMESTAMPTZOID, INT8OID, INT8OID};
	static SPIPlanPtr plan = NULL;
	StoreRows  *rows = NULL;

	for (int i = 0; i < count; i++)
	{
		const IngestMessage *m = accepted[i];

		if (m->new_key == NULL || !m->key_counts)
			continue;
		if (rows == NULL)
			rows = store_rows(types, lengthof(types), 2 * (count - i));
		registration_lock_meter(m->meter);
		store_set_key(rows, m, m->signed_with);
		store_set_key(rows, m, m->new_key);
	}
	if (rows == NULL)
		return;
	store_execute(&plan, store_key_sql, rows, NULL, SPI_OK_INSERT);
	SPI_finish();
}

static const char store_quarantine_sql[] =
"INSERT INTO energyledger.quarantine (reason, detail, meter, epoch, seq, topic, digest, raw, received_at)"
" SELECT u.*, $9 FROM unnest($1, $2, $3, $4, $5, $6, $7, $8) u"
" ON CONFLICT (digest, reason) DO NOTHING";

void
ingest_store_quarantine(IngestMessage **quarantined, int count, TimestampTz received_at)
{
	static const Oid types[] = {TEXTOID, TEXTOID, TEXTOID, INT8OID, INT8OID, TEXTOID, BYTEAOID,
	BYTEAOID};
	static SPIPlanPtr plan = NULL;
	StoreRows  *rows = store_rows(types, lengthof(types), count);

	for (int i = 0; i < count; i++)
	{
		const IngestMessage *m = quarantined[i];

		store_set(rows, 0, CStringGetTextDatum(refusal_name(m->reason)));
		store_set_if(rows, 1, m->detail != NULL,
					 m->detail != NULL ? CStringGetTextDatum(m->detail) : (Datum) 0);
		store_set_if(rows, 2, m->meter[0] != '\0', CStringGetTextDatum(m->meter));
		store_set_if(rows, 3, m->epoch != 0 || m->seq != 0, Int64GetDatum(m->epoch));
		store_set_if(rows, 4, m->seq != 0, Int64GetDatum(m->seq));
		store_set_if(rows, 5, m->topic != NULL,
					 m->topic != NULL ? CStringGetTextDatum(m->topic) : (Datum) 0);
		store_set(rows, 6, store_bytes(m->digest, SHA256_LEN));
		store_set(rows, 7, m->raw);
		rows->count++;
	}
	store_execute(&plan, store_quarantine_sql, rows, &received_at, SPI_OK_INSERT);
	SPI_finish();
}
