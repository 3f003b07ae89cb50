/*
 * command_ack.c: what meters answer to commands.
 *
 * An answer is a signed message like any other, and is stored as one whatever it says.
 * Here it is held against what was sent: the first that fits counts, and every other
 * one is kept with what is odd about it, as evidence.  The meter's lock makes sure that
 * two sessions do not both bring the first.
 */
#include "postgres.h"
#include "compat.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "metering/command.h"
#include "metering/registration.h"
#include "metering/unix_time.h"

static const char store_ack_sql[] =
"INSERT INTO energyledger.command_ack (meter, epoch, seq, command_id, counter, result, detail, at, final,"
" verdict, received_at)"
" SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9,"
" CASE WHEN c.id IS NULL THEN 'unknown_command'"
" WHEN c.meter <> $1 THEN 'other_meter'"
" WHEN c.counter <> $5 THEN 'other_counter'"
" WHEN a.result IS NULL THEN 'matched'"
" WHEN a.result = $6 THEN 'repeated'"
" ELSE 'contradiction' END, $10"
" FROM (VALUES (1)) v"
" LEFT JOIN energyledger.command c ON c.id = $4"
" LEFT JOIN energyledger.command_ack a ON a.command_id = $4 AND a.final = $9 AND a.verdict = 'matched'";

#define STORE_ACK_COLUMNS 10

static void
command_store_ack(const IngestMessage *m, TimestampTz received_at)
{
	static const Oid types[STORE_ACK_COLUMNS] = {TEXTOID, INT8OID, INT8OID, UUIDOID, INT8OID, TEXTOID, TEXTOID,
	TIMESTAMPTZOID, BOOLOID, TIMESTAMPTZOID};
	static SPIPlanPtr plan = NULL;
	Datum		values[STORE_ACK_COLUMNS];

	if (plan == NULL)
	{
		SPIPlanPtr	made = SPI_prepare(store_ack_sql, STORE_ACK_COLUMNS, (Oid *) types);

		if (made == NULL || SPI_keepplan(made) != 0)
			elog(ERROR, "could not prepare: %s", SPI_result_code_string(SPI_result));
		plan = made;
	}
	values[0] = CStringGetTextDatum(m->meter);
	values[1] = Int64GetDatum(m->epoch);
	values[2] = Int64GetDatum(m->seq);
	values[3] = DirectFunctionCall1(uuid_in, CStringGetDatum(m->ack->id));
	values[4] = Int64GetDatum(m->ack->counter);
	values[5] = CStringGetTextDatum(ack_result_name(m->ack->result));
	values[6] = CStringGetTextDatum(m->ack->detail);
	values[7] = TimestampTzGetDatum(unix_ms_to_timestamp(m->ack->at_ms));
	values[8] = BoolGetDatum(m->ack->result != ACK_SCHEDULED);
	values[9] = TimestampTzGetDatum(received_at);
	if (SPI_execute_plan(plan, values, NULL, false, 0) != SPI_OK_INSERT)
		elog(ERROR, "could not store an acknowledgement");
}

void
command_store_acks(IngestMessage **accepted, int count, TimestampTz received_at)
{
	bool		connected = false;

	/* few: one at a time, so that of two in a batch the second sees the first */
	for (int i = 0; i < count; i++)
	{
		if (accepted[i]->ack == NULL)
			continue;
		if (!connected && SPI_connect() != SPI_OK_CONNECT)
			elog(ERROR, "SPI_connect failed");
		connected = true;
		registration_lock_meter(accepted[i]->meter);
		command_store_ack(accepted[i], received_at);
	}
	if (connected)
		SPI_finish();
}
