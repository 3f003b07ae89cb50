/*
 * command_fn.c: the SQL face of commands to meters and of what bridges publish.
 *
 * All but command_text run with their owner's rights (see sql/command.sql), so every
 * argument is doubted here or where it is used.
 */
#include "postgres.h"
#include "compat.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "fn/array_arg.h"
#include "metering/command.h"
#include "metering/downlink.h"
#include "metering/operator_key.h"
#include "metering/registration.h"

PG_FUNCTION_INFO_V1(energyledger_command_text);
PG_FUNCTION_INFO_V1(energyledger_rotate_operator_key);
PG_FUNCTION_INFO_V1(energyledger_send_command);
PG_FUNCTION_INFO_V1(energyledger_cancel_command);
PG_FUNCTION_INFO_V1(energyledger_meter_commands);
PG_FUNCTION_INFO_V1(energyledger_commands_published);
PG_FUNCTION_INFO_V1(energyledger_meter_resends);

static void
command_fn_require(FunctionCallInfo fcinfo, int arg, const char *name)
{
	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be NULL", name)));
}

static void
command_fn_read(Datum jsonb, command *c)
{
	Jsonb	   *given = DatumGetJsonbP(jsonb);

	command_read(JsonbToCString(NULL, &given->root, VARSIZE(given)), c);
}

/* An interval in microseconds; months count as 30 days. */
static int64
command_fn_interval(FunctionCallInfo fcinfo, int arg, const char *name, int64 least_us, int64 most_us)
{
	const Interval *given;
	double		us;

	command_fn_require(fcinfo, arg, name);
	given = PG_GETARG_INTERVAL_P(arg);
	us = (double) given->time + ((double) given->day + 30.0 * given->month) * (double) USECS_PER_DAY;
	if (us < (double) least_us || us > (double) most_us)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" is out of range", name),
				 errdetail("It must be from %lld to %lld seconds.",
						   (long long) (least_us / USECS_PER_SEC), (long long) (most_us / USECS_PER_SEC))));
	return (int64) us;
}

static TimestampTz
command_fn_time(FunctionCallInfo fcinfo, int arg, const char *name, TimestampTz otherwise)
{
	TimestampTz t;

	if (PG_ARGISNULL(arg))
		return otherwise;
	t = PG_GETARG_TIMESTAMPTZ(arg);
	if (TIMESTAMP_NOT_FINITE(t))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be a finite time", name)));
	return t;
}

/* text[]: NULL for all, else each of them a name. */
static const Datum *
command_fn_names(FunctionCallInfo fcinfo, int arg, const char *name)
{
	Datum	   *elements;

	if (PG_ARGISNULL(arg))
		return NULL;
	(void) array_elements(PG_GETARG_ARRAYTYPE_P(arg), name, TEXTOID, DOWNLINK_METERS_MAX, &elements, NULL);
	return &fcinfo->args[arg].value;
}

static void
command_fn_put(FunctionCallInfo fcinfo, DownlinkRow *rows, int count)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	for (int i = 0; i < count; i++)
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, rows[i].value, rows[i].null);
}

/* command_text(command jsonb): strict. */
Datum
energyledger_command_text(PG_FUNCTION_ARGS)
{
	command		c;

	command_fn_read(PG_GETARG_DATUM(0), &c);
	PG_RETURN_DATUM(CStringGetTextDatum(command_text(&c)));
}

/* rotate_operator_key(old_signs_for interval, fresh boolean): the new verifier key */
Datum
energyledger_rotate_operator_key(PG_FUNCTION_ARGS)
{
	int64		overlap_us = -1;
	char		vkey[NOTE_NAME_LEN_MAX + 64];
	note_key	key;

	PreventCommandIfReadOnly("energyledger.rotate_operator_key()");
	command_fn_require(fcinfo, 1, "fresh");
	if (!PG_ARGISNULL(0))
		overlap_us = command_fn_interval(fcinfo, 0, "old_signs_for", 0, OPERATOR_KEY_OVERLAP_DAYS_MAX * USECS_PER_DAY);
	operator_key_rotate(overlap_us, PG_GETARG_BOOL(1), &key);
	PG_RETURN_DATUM(PointerGetDatum(cstring_to_text_with_len(vkey, (int) note_key_format(&key, vkey, sizeof(vkey)))));
}

/* send_command(meter text, command jsonb, not_before, expires_at timestamptz, reason text): its id */
Datum
energyledger_send_command(PG_FUNCTION_ARGS)
{
	pg_uuid_t  *id = palloc(sizeof(pg_uuid_t));
	char	   *reason = NULL;
	command		c;

	PreventCommandIfReadOnly("energyledger.send_command()");
	command_fn_require(fcinfo, 0, "meter");
	command_fn_require(fcinfo, 1, "command");
	command_fn_read(PG_GETARG_DATUM(1), &c);
	if (c.type == COMMAND_CANCEL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("commands of type cancel are sent by cancel_command()")));
	if (!PG_ARGISNULL(4))
	{
		reason = text_to_cstring(PG_GETARG_TEXT_PP(4));
		registration_check_reason(reason, "a command");
	}
	command_send(text_to_cstring(PG_GETARG_TEXT_PP(0)), &c, command_fn_time(fcinfo, 2, "not_before", DT_NOBEGIN),
				 command_fn_time(fcinfo, 3, "expires_at", DT_NOEND), reason, id);
	PG_RETURN_UUID_P(id);
}

/* cancel_command(id uuid, reason text): the id of the command that tells the meter */
Datum
energyledger_cancel_command(PG_FUNCTION_ARGS)
{
	pg_uuid_t  *by = palloc(sizeof(pg_uuid_t));

	PreventCommandIfReadOnly("energyledger.cancel_command()");
	command_fn_require(fcinfo, 0, "id");
	command_fn_require(fcinfo, 1, "reason");
	command_cancel(PG_GETARG_UUID_P(0), text_to_cstring(PG_GETARG_TEXT_PP(1)), by);
	PG_RETURN_UUID_P(by);
}

/* meter_commands(meters text[], retry interval, shards text[], after text) */
Datum
energyledger_meter_commands(PG_FUNCTION_ARGS)
{
	const Datum *meters = command_fn_names(fcinfo, 0, "meters");
	int64		retry_us = command_fn_interval(fcinfo, 1, "retry", DOWNLINK_WAIT_LEAST_US, DOWNLINK_WAIT_MOST_US);
	const Datum *shards = command_fn_names(fcinfo, 2, "shards");
	DownlinkRow *rows;
	int			count;

	InitMaterializedSRF(fcinfo, 0);
	count = downlink_commands(meters, retry_us, shards, PG_ARGISNULL(3) ? NULL : &fcinfo->args[3].value, &rows);
	command_fn_put(fcinfo, rows, count);
	return (Datum) 0;
}

/* commands_published(ids uuid[]): how many rows were written */
Datum
energyledger_commands_published(PG_FUNCTION_ARGS)
{
	Datum	   *elements;

	PreventCommandIfReadOnly("energyledger.commands_published()");
	(void) array_elements(array_required(fcinfo, 0, "ids"), "ids", UUIDOID, DOWNLINK_ROWS_MAX, &elements, NULL);
	PG_RETURN_INT32((int32) downlink_published(PG_GETARG_DATUM(0)));
}

/* meter_resends(meters text[], grace interval, every interval, shards text[]) */
Datum
energyledger_meter_resends(PG_FUNCTION_ARGS)
{
	const Datum *meters = command_fn_names(fcinfo, 0, "meters");
	int64		grace_us = command_fn_interval(fcinfo, 1, "grace", 0, DOWNLINK_WAIT_MOST_US);
	int64		every_us = command_fn_interval(fcinfo, 2, "every", DOWNLINK_WAIT_LEAST_US, DOWNLINK_WAIT_MOST_US);
	const Datum *shards = command_fn_names(fcinfo, 3, "shards");
	DownlinkRow *rows;
	int			count;

	PreventCommandIfReadOnly("energyledger.meter_resends()");
	InitMaterializedSRF(fcinfo, 0);
	count = downlink_resends(meters, grace_us, every_us, shards, &rows);
	command_fn_put(fcinfo, rows, count);
	return (Datum) 0;
}
