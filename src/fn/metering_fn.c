/*
 * metering_fn.c: the SQL face of src/metering: arguments checked, results built.
 *
 * ingest, release and meter_receipts run with their owner's rights (see
 * sql/metering.sql for why), so every argument is doubted here; parse_message and
 * message_signature_valid are pure and for anyone.
 */
#include "postgres.h"
#include "compat.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/snapmgr.h"

#include "fn/array_arg.h"
#include "fn/bytea_arg.h"
#include "metering/describe.h"
#include "metering/ingest.h"
#include "metering/key_arg.h"
#include "metering/receipt.h"
#include "metering/registration.h"
#include "metering/release.h"

PG_FUNCTION_INFO_V1(energyledger_ingest);
PG_FUNCTION_INFO_V1(energyledger_release);
PG_FUNCTION_INFO_V1(energyledger_meter_receipts);
PG_FUNCTION_INFO_V1(energyledger_parse_message);
PG_FUNCTION_INFO_V1(energyledger_message_signature_valid);

/* The call's arguments as messages to judge. */
static IngestMessage *
ingest_arguments(FunctionCallInfo fcinfo, int *count)
{
	Datum	   *raw;
	Datum	   *topics = NULL;
	bool	   *no_topic = NULL;
	IngestMessage *messages;
	int			topic_count = 0;

	*count = array_elements(array_required(fcinfo, 0, "messages"), "messages",
							BYTEAOID, INGEST_MESSAGES_MAX, &raw, NULL);
	if (!PG_ARGISNULL(1))
	{
		topic_count = array_elements(PG_GETARG_ARRAYTYPE_P(1), "topics", TEXTOID,
									 INGEST_MESSAGES_MAX, &topics, &no_topic);
		if (topic_count != *count)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("arguments \"messages\" and \"topics\" must have the same length"),
					 errdetail("There are %d messages and %d topics.", *count, topic_count)));
	}
	messages = palloc0(Max(*count, 1) * sizeof(IngestMessage));
	for (int i = 0; i < *count; i++)
	{
		bytea_view	view = bytea_view_of(raw[i]);

		messages[i].ordinal = i + 1;
		messages[i].raw = raw[i];
		messages[i].data = view.data;
		messages[i].len = view.len;
		if (topics != NULL && !no_topic[i])
			messages[i].topic = TextDatumGetCString(topics[i]);
	}
	return messages;
}

/* ingest(messages bytea[], topics text[]): one row a message, in the array's order. */
Datum
energyledger_ingest(PG_FUNCTION_ARGS)
{
	static const char *const verdicts[] = {"accepted", "duplicate", "quarantined"};
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	int			count;
	IngestMessage *messages;

	PreventCommandIfReadOnly("energyledger.ingest()");
	messages = ingest_arguments(fcinfo, &count);
	InitMaterializedSRF(fcinfo, 0);
	ingest_batch(messages, count, 0);
	for (int i = 0; i < count; i++)
	{
		const IngestMessage *m = &messages[i];
		bool		refused = m->verdict == INGEST_QUARANTINED;
		Datum		values[6] = {0};
		bool		nulls[6] = {false};

		values[0] = Int32GetDatum(m->ordinal);
		values[1] = CStringGetTextDatum(verdicts[m->verdict]);
		nulls[2] = m->meter[0] == '\0';
		values[2] = CStringGetTextDatum(m->meter);
		nulls[3] = m->epoch == 0 && m->seq == 0;
		values[3] = Int64GetDatum(m->epoch);
		nulls[4] = m->seq == 0;
		values[4] = Int64GetDatum(m->seq);
		nulls[5] = !refused;
		values[5] = refused ? CStringGetTextDatum(refusal_name(m->reason)) : (Datum) 0;
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* release(quarantine_id bigint, reason text): one row. */
Datum
energyledger_release(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	IngestMessage *m = palloc0(sizeof(IngestMessage));
	Datum		values[4];
	bool		nulls[4] = {false};

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be NULL", PG_ARGISNULL(0) ? "quarantine_id" : "reason")));
	PreventCommandIfReadOnly("energyledger.release()");
	InitMaterializedSRF(fcinfo, 0);
	release_message(PG_GETARG_INT64(0), text_to_cstring(PG_GETARG_TEXT_PP(1)), m);
	values[0] = CStringGetTextDatum(m->verdict == INGEST_ACCEPTED ? "accepted" : "duplicate");
	values[1] = CStringGetTextDatum(m->meter);
	values[2] = Int64GetDatum(m->epoch);
	values[3] = Int64GetDatum(m->seq);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	return (Datum) 0;
}

static void
receipts_put(ReturnSetInfo *rsinfo, Datum meter, const StoredMessage *reach)
{
	Datum		values[4];
	bool		nulls[4] = {false};

	values[0] = meter;
	values[1] = Int64GetDatum(reach->epoch);
	values[2] = Int64GetDatum(reach->seq);
	values[3] = CStringGetTextDatum(receipt_sign(TextDatumGetCString(meter), reach));
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/* meter_receipts(meters text[]): a row for each sequence of a meter that has anything to acknowledge. */
Datum
energyledger_meter_receipts(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum	   *meters;
	int			count = array_elements(array_required(fcinfo, 0, "meters"), "meters",
									   TEXTOID, RECEIPT_METERS_MAX, &meters, NULL);
	Lookup		lookup;

	InitMaterializedSRF(fcinfo, 0);
	lookup_open(&lookup);
	lookup.snapshot = receipt_snapshot("receipts");
	for (int i = 0; i < count; i++)
	{
		char	   *meter = TextDatumGetCString(meters[i]);
		StoredMessage reach[RECEIPT_SEQUENCES_MAX];
		int			n;

		CHECK_FOR_INTERRUPTS();
		n = receipt_reach(&lookup, meter, reach);
		for (int k = 0; k < n; k++)
			receipts_put(rsinfo, meters[i], &reach[k]);
	}
	UnregisterSnapshot(lookup.snapshot);
	lookup_close(&lookup);
	return (Datum) 0;
}

/* parse_message(message bytea): strict. */
Datum
energyledger_parse_message(PG_FUNCTION_ARGS)
{
	bytea_view	message = bytea_view_of(PG_GETARG_DATUM(0));
	StringInfoData json;

	initStringInfo(&json);
	describe_message(&json, message.data, message.len);
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data)));
}

/* message_signature_valid(message bytea, public_key bytea, algorithm text): strict. */
Datum
energyledger_message_signature_valid(PG_FUNCTION_ARGS)
{
	bytea_view	message = bytea_view_of(PG_GETARG_DATUM(0));
	bytea_view	key = bytea_view_of(PG_GETARG_DATUM(1));
	envelope_algorithm algorithm = key_arg_algorithm(text_to_cstring(PG_GETARG_TEXT_PP(2)));
	uint8	   *scratch = palloc(ENVELOPE_SCRATCH_BYTES);
	key_form	form;
	envelope	e;

	if (key_form_read(algorithm, key.data, key.len, &form) != KEY_FORM_SOUND ||
		envelope_parse(message.data, message.len, scratch, &e) != REFUSAL_NONE ||
		e.algorithm != algorithm)
		PG_RETURN_BOOL(false);
	PG_RETURN_BOOL(envelope_signature_valid(&e, form.bytes, form.len));
}
