/*
 * ingest_store.c: writes a judged batch, table by table.
 *
 * What is accepted goes in as COPY would put it (multi_insert.c).  Messages in a
 * subtransaction: where another session stores one of them first, none of ours is
 * stored, and the caller looks again.
 *
 * The quarantine goes through SQL's INSERT, because what is in it already is
 * passed over (ON CONFLICT).
 *
 * Nothing here judges: what it is given is stored as it is.
 */
#include "postgres.h"
#include "compat.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/resowner.h"

#include "metering/ingest.h"
#include "ledger/multi_insert.h"
#include "metering/registration.h"
#include "metering/unix_time.h"

/* How many of the tables' first columns are given, see sql/metering.sql and sql/fleet.sql. */
#define STORE_MESSAGE_COLUMNS 16
#define STORE_READING_COLUMNS 11
#define STORE_KEY_COLUMNS 14

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

static void
store_message_row(MultiInsert *w, const IngestMessage *m, const IngestBatch *b)
{
	bool	   *null;
	Datum	   *value = multi_insert_row(w, &null);
	MemoryContext old = MemoryContextSwitchTo(multi_insert_memory(w));

	value[0] = CStringGetTextDatum(m->meter);
	value[1] = Int64GetDatum(m->epoch);
	value[2] = Int64GetDatum(m->seq);
	value[3] = CStringGetTextDatum(payload_type_name(m->type));
	value[4] = CStringGetTextDatum(envelope_kind_name(m->envelope));
	null[5] = !m->has_prev;
	value[5] = store_bytes(m->prev, SHA256_LEN);
	value[6] = store_bytes(m->digest, SHA256_LEN);
	value[7] = TimestampTzGetDatum(unix_ms_to_timestamp(m->t_ms));
	value[8] = store_char(m->clock_status);
	value[9] = TimestampTzGetDatum(b->received_at);
	value[10] = BoolGetDatum(m->chained);
	null[11] = !m->prev_known;
	value[11] = BoolGetDatum(m->prev_valid);
	null[12] = m->clock_ahead_ms == 0;
	value[12] = Int64GetDatum(m->clock_ahead_ms);
	null[13] = m->clock_back_ms == 0;
	value[13] = Int64GetDatum(m->clock_back_ms);
	null[14] = b->quarantine_id == 0;
	value[14] = Int64GetDatum(b->quarantine_id);
	value[15] = m->raw;
	MemoryContextSwitchTo(old);
}

static void
store_messages(const IngestBatch *b, IngestMessage **accepted, int count)
{
	MultiInsert *w = multi_insert_begin("message", STORE_MESSAGE_COLUMNS);

	for (int i = 0; i < count; i++)
		store_message_row(w, accepted[i], b);
	multi_insert_end(w);
}

ErrorData *
ingest_store_messages(const IngestBatch *b, IngestMessage **accepted, int count)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile taken = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		store_messages(b, accepted, count);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		taken = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	if (taken != NULL && taken->sqlerrcode != ERRCODE_UNIQUE_VIOLATION)
		ReThrowError(taken);
	return taken;
}

static void
store_reading_row(MultiInsert *w, const IngestMessage *m, int k)
{
	const payload_reading *g = &m->reading[k];
	bool	   *null;
	Datum	   *value = multi_insert_row(w, &null);
	MemoryContext old = MemoryContextSwitchTo(multi_insert_memory(w));

	value[0] = CStringGetTextDatum(m->meter);
	value[1] = Int64GetDatum(m->epoch);
	value[2] = Int64GetDatum(m->seq);
	value[3] = Int16GetDatum(k + 1);
	value[4] = CStringGetTextDatum(g->obis);
	value[5] = TimestampTzGetDatum(unix_ms_to_timestamp(g->from_ms));
	value[6] = TimestampTzGetDatum(unix_ms_to_timestamp(g->to_ms));
	value[7] = Int64GetDatum(g->value);
	value[8] = Int16GetDatum(g->scale);
	value[9] = CStringGetTextDatum(g->unit);
	value[10] = store_char(g->status);
	MemoryContextSwitchTo(old);
}

void
ingest_store_readings(IngestMessage **accepted, int count)
{
	MultiInsert *w = NULL;

	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (w == NULL && accepted[i]->reading_count > 0)
			w = multi_insert_begin("reading", STORE_READING_COLUMNS);
		for (int k = 0; k < accepted[i]->reading_count; k++)
			store_reading_row(w, accepted[i], k);
	}
	if (w != NULL)
		multi_insert_end(w);
}

static void
store_key_row(MultiInsert *w, const IngestMessage *m, const MeterKey *key)
{
	bool	   *null;
	Datum	   *value = multi_insert_row(w, &null);
	MemoryContext old = MemoryContextSwitchTo(multi_insert_memory(w));

	value[0] = CStringGetTextDatum(m->meter);
	value[1] = store_bytes(key->key, key->key_len);
	value[2] = CStringGetTextDatum(envelope_algorithm_name(key->algorithm));
	value[3] = Int64GetDatum(key->from_epoch);
	value[4] = Int64GetDatum(key->from_seq);
	null[5] = null[6] = key->until_epoch == PG_INT64_MAX;
	value[5] = Int64GetDatum(key->until_epoch);
	value[6] = Int64GetDatum(key->until_seq);
	value[7] = TimestampTzGetDatum(key->valid_from);
	value[8] = TimestampTzGetDatum(key->valid_until);
	value[9] = BoolGetDatum(false);
	null[10] = true;			/* reason */
	value[11] = Int64GetDatum(m->epoch);
	value[12] = Int64GetDatum(m->seq);
	value[13] = TimestampTzGetDatum(GetCurrentTimestamp());
	MemoryContextSwitchTo(old);
}

void
ingest_store_keys(IngestMessage **accepted, int count)
{
	MultiInsert *w = NULL;

	for (int i = 0; i < count; i++)
	{
		const IngestMessage *m = accepted[i];

		if (m->new_key == NULL || !m->key_counts)
			continue;
		registration_lock_meter(m->meter);
		if (w == NULL)
			w = multi_insert_begin("meter_key", STORE_KEY_COLUMNS);
		store_key_row(w, m, m->signed_with);
		store_key_row(w, m, m->new_key);
	}
	if (w != NULL)
		multi_insert_end(w);
}

/* ---------------------------------------------------------------- quarantine */

#define STORE_QUARANTINE_COLUMNS 9

static const char store_quarantine_sql[] =
"INSERT INTO energyledger.quarantine (received_at, reason, detail, meter, epoch, seq, topic, digest, raw)"
" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (digest, reason) DO NOTHING";

static SPIPlanPtr
store_quarantine_plan(void)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[STORE_QUARANTINE_COLUMNS] = {TIMESTAMPTZOID, TEXTOID, TEXTOID, TEXTOID, INT8OID,
	INT8OID, TEXTOID, BYTEAOID, BYTEAOID};

	if (plan == NULL)
	{
		SPIPlanPtr	made = SPI_prepare(store_quarantine_sql, STORE_QUARANTINE_COLUMNS, types);

		if (made == NULL || SPI_keepplan(made) != 0)
			elog(ERROR, "could not prepare: %s", SPI_result_code_string(SPI_result));
		plan = made;
	}
	return plan;
}

static void
store_quarantine_row(SPIPlanPtr plan, const IngestMessage *m, TimestampTz received_at)
{
	Datum		value[STORE_QUARANTINE_COLUMNS] = {0};
	char		null[STORE_QUARANTINE_COLUMNS];
	int			result;

	memset(null, ' ', sizeof(null));
	value[0] = TimestampTzGetDatum(received_at);
	value[1] = CStringGetTextDatum(refusal_name(m->reason));
	if (m->detail != NULL)
		value[2] = CStringGetTextDatum(m->detail);
	else
		null[2] = 'n';
	if (m->meter[0] != '\0')
		value[3] = CStringGetTextDatum(m->meter);
	else
		null[3] = 'n';
	value[4] = Int64GetDatum(m->epoch);
	value[5] = Int64GetDatum(m->seq);
	if (m->seq == 0)
		null[5] = 'n';
	if (m->epoch == 0 && m->seq == 0)
		null[4] = 'n';
	if (m->topic != NULL)
		value[6] = CStringGetTextDatum(m->topic);
	else
		null[6] = 'n';
	value[7] = store_bytes(m->digest, SHA256_LEN);
	value[8] = m->raw;
	result = SPI_execute_plan(plan, value, null, false, 0);
	if (result != SPI_OK_INSERT)
		elog(ERROR, "insert ended with %s", SPI_result_code_string(result));
}

void
ingest_store_quarantine(IngestMessage **quarantined, int count, TimestampTz received_at)
{
	SPIPlanPtr	plan;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	plan = store_quarantine_plan();
	for (int i = 0; i < count; i++)
		store_quarantine_row(plan, quarantined[i], received_at);
	SPI_finish();
}
