/*
 * transfers.c: what accepted messages say of certificates.
 *
 * Whether a transfer is carried out is decided by the registry's functions
 * (sql/certificate_signed.sql); what they refuse is a row of certificate_refusal.
 */
#include "postgres.h"
#include "compat.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "metering/signed_call.h"
#include "metering/transfers.h"
#include "metering/unix_time.h"

static const Oid transfers_lock_types[] = {TEXTARRAYOID};

static SignedCall transfers_lock_call = {
	"SELECT energyledger.lock_transfers($1)", "lock certificates", lengthof(transfers_lock_types), transfers_lock_types, NULL
};

static const Oid transfers_take_types[] = {TEXTOID, INT8OID, INT8OID, TEXTOID, TEXTARRAYOID, TEXTARRAYOID, INT8ARRAYOID, INT8ARRAYOID,
TEXTOID, INT8OID, INT4OID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID};

static SignedCall transfers_take_call = {
	"SELECT energyledger.take_signed_transfer($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
	"take a transfer", lengthof(transfers_take_types), transfers_take_types, NULL
};

/* All of the batch, before anything is done: the function puts them in the one sequence in which all take them. */
static void
transfers_lock(IngestMessage **messages, int count)
{
	Datum	   *device;
	Datum		value[1];
	int			total = 0;
	int			n = 0;

	for (int i = 0; i < count; i++)
		total += messages[i]->transfer->range_count + (messages[i]->transfer->operation == TRANSFER_ASSET);
	device = palloc(Max(total, 1) * sizeof(Datum));
	for (int i = 0; i < count; i++)
	{
		for (int k = 0; k < messages[i]->transfer->range_count; k++)
			device[n++] = CStringGetTextDatum(messages[i]->transfer->range[k].device);
		if (messages[i]->transfer->operation == TRANSFER_ASSET)
			device[n++] = CStringGetTextDatum(messages[i]->transfer->asset);
	}
	value[0] = signed_call_texts(device, n);
	signed_call(&transfers_lock_call, value, NULL);
}

static void
transfers_put_text(Datum *value, char *null, const char *text)
{
	*value = CStringGetTextDatum(text);
	*null = text[0] != '\0' ? ' ' : 'n';
}

static void
transfers_put_ranges(Datum *value, const payload_transfer *t)
{
	Datum		device[TRANSFER_RANGES_MAX];
	Datum		carrier[TRANSFER_RANGES_MAX];
	Datum		first_id[TRANSFER_RANGES_MAX];
	Datum		last_id[TRANSFER_RANGES_MAX];

	for (int i = 0; i < t->range_count; i++)
	{
		device[i] = CStringGetTextDatum(t->range[i].device);
		carrier[i] = CStringGetTextDatum(t->range[i].carrier);
		first_id[i] = Int64GetDatum(t->range[i].first_id);
		last_id[i] = Int64GetDatum(t->range[i].last_id);
	}
	value[0] = signed_call_texts(device, t->range_count);
	value[1] = signed_call_texts(carrier, t->range_count);
	value[2] = signed_call_numbers(first_id, t->range_count);
	value[3] = signed_call_numbers(last_id, t->range_count);
}

static void
transfers_take(const IngestMessage *m)
{
	const payload_transfer *t = m->transfer;
	Datum		value[lengthof(transfers_take_types)];
	char		null[lengthof(transfers_take_types)];

	memset(null, ' ', sizeof(null));
	value[0] = CStringGetTextDatum(m->meter);
	value[1] = Int64GetDatum(m->epoch);
	value[2] = Int64GetDatum(m->seq);
	value[3] = CStringGetTextDatum(transfer_operation_name(t->operation));
	transfers_put_ranges(&value[4], t);
	transfers_put_text(&value[8], &null[8], t->to);
	value[9] = Int64GetDatum(t->energy_wh);
	null[9] = t->has_energy ? ' ' : 'n';
	value[10] = Int32GetDatum((int32) t->share_ppm);
	null[10] = t->has_share ? ' ' : 'n';
	transfers_put_text(&value[11], &null[11], t->beneficiary);
	/* of a plant's transfer the plant stands there: it has no purpose */
	transfers_put_text(&value[12], &null[12], t->operation == TRANSFER_ASSET ? t->asset : t->purpose);
	value[13] = TimestampTzGetDatum(unix_ms_to_timestamp(t->from_ms));
	value[14] = TimestampTzGetDatum(unix_ms_to_timestamp(t->until_ms));
	null[13] = null[14] = t->has_period ? ' ' : 'n';
	signed_call(&transfers_take_call, value, null);
}

void
transfers_store(IngestMessage **accepted, int count)
{
	IngestMessage **messages = palloc(Max(count, 1) * sizeof(*messages));
	int			n = 0;

	for (int i = 0; i < count; i++)
	{
		if (accepted[i]->transfer != NULL)
			messages[n++] = accepted[i];
	}
	if (n == 0)
		return;
	signed_call_sort(messages, n);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	transfers_lock(messages, n);
	for (int i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		transfers_take(messages[i]);
	}
	SPI_finish();
}
