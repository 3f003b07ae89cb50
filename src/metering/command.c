/*
 * command.c: commands are checked, numbered, signed and stored; and taken back.
 *
 * A meter's commands are numbered one after the other by whoever holds its lock, the
 * last number being the highest in the table: what was rolled back, or lost in a crash,
 * was not published, as only committed notes are (downlink.c).  So no number is ever
 * seen twice.
 */
#include "postgres.h"
#include "compat.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/snapmgr.h"

#include "core/downlink_note.h"
#include "ledger/site.h"
#include "metering/command.h"
#include "metering/operator_key.h"
#include "metering/registration.h"
#include "metering/unix_time.h"

void
command_read(const char *json, command *out)
{
	const char *wrong = command_parse(json, strlen(json), out);

	if (wrong != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("this is no command to a meter"),
				 errdetail("%s: %s.", strlen(json) > 500 ? "A long text" : json, wrong),
				 errhint("doc/messages.md lists the commands.")));
}

char *
command_text(const command *c)
{
	char	   *text = palloc(COMMAND_BYTES_MAX + 1);

	if (command_write(c, text, COMMAND_BYTES_MAX + 1) == 0)
		elog(ERROR, "command does not fit its buffer");
	return text;
}

/* ---- checks ---- */

static void
command_check_times(const command *c, TimestampTz now, TimestampTz not_before, TimestampTz expires_at)
{
	const TimestampTz ahead = COMMAND_DAYS_AHEAD_MAX * USECS_PER_DAY;
	const char *wrong = NULL;

	if (not_before < now - ahead || not_before > now + ahead)
		wrong = "not_before is more than 366 days from now";
	else if (expires_at <= not_before)
		wrong = "expires_at is not after not_before";
	else if (expires_at <= now)
		wrong = "expires_at has passed";
	else if (expires_at > not_before + ahead || expires_at > now + 2 * ahead)
		wrong = "expires_at is more than 366 days after not_before";
	else if (c->until_ms > 0 && c->until_ms <= unix_ms_of_timestamp(Max(not_before, now)))
		wrong = "the limit's until has passed when it begins";
	if (wrong != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a command with these times could not be carried out"),
				 errdetail("Not before %s, expires %s: %s.", pstrdup(timestamptz_to_str(not_before)),
						   pstrdup(timestamptz_to_str(expires_at)), wrong)));
}

/* ---- SPI, with the newest snapshot whatever the isolation level ---- */

static void
command_query(const char *sql, int count, Oid *types, Datum *values)
{
	PushActiveSnapshot(GetLatestSnapshot());
	if (SPI_execute_with_args(sql, count, types, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the commands");
	PopActiveSnapshot();
}

static Datum
command_column(int column, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, isnull);
}

/* The next counter of a registered meter, whose lock we hold. */
static int64
command_next_counter(const char *meter)
{
	Oid			types[1] = {TEXTOID};
	Datum		values[1] = {CStringGetTextDatum(meter)};
	bool		isnull;
	int64		last;

	command_query("SELECT coalesce((SELECT max(counter) FROM energyledger.command WHERE meter = $1), 0)"
				  " WHERE EXISTS (SELECT FROM energyledger.meter WHERE meter = $1)", 1, types, values);
	if (SPI_processed == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("there is no meter \"%s\"", meter),
				 errhint("Register it with energyledger.register_meter().")));
	last = DatumGetInt64(command_column(1, &isnull));
	if (last == PG_INT64_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("meter \"%s\" cannot be sent more commands", meter)));
	return last + 1;
}

static void
command_insert(const command *c, const command_note *n, const pg_uuid_t *id, const char *note, int key_number,
			   const char *reason)
{
	char		thing[COMMAND_THING_LEN_MAX + 1];
	Oid			types[13] = {UUIDOID, TEXTOID, INT8OID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID,
	TEXTOID, INT4OID, TEXTOID, TEXTOID, TIMESTAMPTZOID};
	Datum		values[13];
	char		nulls[14] = "             ";

	command_thing(c, thing);
	values[0] = UUIDPGetDatum(id);
	values[1] = CStringGetTextDatum(n->meter);
	values[2] = Int64GetDatum(n->counter);
	values[3] = CStringGetTextDatum(thing);
	values[4] = CStringGetTextDatum(command_type_name(c->type));
	values[5] = CStringGetTextDatum(n->command);
	values[6] = TimestampTzGetDatum(unix_ms_to_timestamp(n->not_before_ms));
	values[7] = TimestampTzGetDatum(unix_ms_to_timestamp(n->expires_ms));
	values[8] = CStringGetTextDatum(note);
	values[9] = Int32GetDatum(key_number);
	values[10] = CStringGetTextDatum(reason != NULL ? reason : "");
	if (reason == NULL)
		nulls[10] = 'n';
	/* not the owner, with whose rights this runs */
	values[11] = CStringGetTextDatum(GetUserNameFromId(GetSessionUserId(), false));
	values[12] = TimestampTzGetDatum(GetCurrentTimestamp());
	if (SPI_execute_with_args("INSERT INTO energyledger.command (id, meter, counter, thing, type, command, not_before,"
							  " expires_at, note, key_number, reason, role, sent_at)"
							  " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
							  13, types, values, nulls, false, 0) != SPI_OK_INSERT)
		elog(ERROR, "could not store the command");
}

void
command_send(const char *meter, const command *c, TimestampTz not_before, TimestampTz expires_at,
			 const char *reason, pg_uuid_t *id)
{
	TimestampTz now = GetCurrentTimestamp();
	command_note n = {0};
	char		text[DOWNLINK_TEXT_MAX];
	size_t		len;
	char	   *note;
	int			key_number;

	if (TIMESTAMP_IS_NOBEGIN(not_before))
		not_before = now;
	if (TIMESTAMP_IS_NOEND(expires_at) && !TIMESTAMP_NOT_FINITE(not_before))
		expires_at = not_before + USECS_PER_DAY;
	command_check_times(c, now, not_before, expires_at);
	registration_lock_meter(meter);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	n.counter = command_next_counter(meter);
	strlcpy(n.meter, meter, sizeof(n.meter));
	strlcpy(n.origin, site_origin(), sizeof(n.origin));
	memcpy(id, DatumGetUUIDP(DirectFunctionCall1(gen_random_uuid, (Datum) 0)), sizeof(*id));
	strlcpy(n.id, DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(id))), sizeof(n.id));
	n.not_before_ms = unix_ms_of_timestamp(not_before);
	n.expires_ms = Max(unix_ms_of_timestamp(expires_at), n.not_before_ms + 1);
	strlcpy(n.command, command_text(c), sizeof(n.command));
	len = command_note_format(&n, text, sizeof(text));
	if (len == 0)
		elog(ERROR, "command does not fit its note");
	note = operator_key_sign(text, len, &key_number);
	command_insert(c, &n, id, note, key_number, reason);
	SPI_finish();
}

/* ---- cancelling ---- */

/* Whose it is, and until when; errors where it cannot be taken back.  meter in the caller's context. */
static char *
command_find_open(const pg_uuid_t *id, MemoryContext context, TimestampTz *not_before, TimestampTz *expires_at)
{
	Oid			types[1] = {UUIDOID};
	Datum		values[1] = {UUIDPGetDatum(id)};
	bool		isnull;
	char	   *state;

	command_query("SELECT meter, state, not_before, expires_at, command ->> 'type' = 'cancel'"
				  " FROM energyledger.command_state WHERE id = $1", 1, types, values);
	if (SPI_processed == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("there is no command %s", DatumGetCString(DirectFunctionCall1(uuid_out, values[0])))));
	if (DatumGetBool(command_column(5, &isnull)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a cancellation cannot be cancelled"),
				 errhint("Send the command again.")));
	state = TextDatumGetCString(command_column(2, &isnull));
	if (strcmp(state, "pending") != 0 && strcmp(state, "published") != 0 && strcmp(state, "scheduled") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("this command can no longer be cancelled"),
				 errdetail("Command %s is %s.", DatumGetCString(DirectFunctionCall1(uuid_out, values[0])), state)));
	*not_before = DatumGetTimestampTz(command_column(3, &isnull));
	*expires_at = DatumGetTimestampTz(command_column(4, &isnull));
	return MemoryContextStrdup(context, TextDatumGetCString(command_column(1, &isnull)));
}

/* Only its meter's name: what counts is read again under the meter's lock. */
static char *
command_meter(const pg_uuid_t *id, MemoryContext context)
{
	Oid			types[1] = {UUIDOID};
	Datum		values[1] = {UUIDPGetDatum(id)};
	bool		isnull;

	command_query("SELECT meter FROM energyledger.command WHERE id = $1", 1, types, values);
	return SPI_processed == 0 ? NULL : MemoryContextStrdup(context, TextDatumGetCString(command_column(1, &isnull)));
}

void
command_cancel(const pg_uuid_t *id, const char *reason, pg_uuid_t *by)
{
	MemoryContext context = CurrentMemoryContext;
	Oid			types[4] = {UUIDOID, UUIDOID, TEXTOID, TEXTOID};
	Datum		values[4];
	TimestampTz not_before;
	TimestampTz expires_at;
	command		c = {.type = COMMAND_CANCEL};
	char	   *meter;

	registration_check_reason(reason, "a cancellation");
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	meter = command_meter(id, context);
	if (meter != NULL)
		registration_lock_meter(meter);
	meter = command_find_open(id, context, &not_before, &expires_at);
	strlcpy(c.id, DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(id))), sizeof(c.id));
	/* for as long as the meter could still carry out what is cancelled */
	command_send(meter, &c, DT_NOBEGIN, Min(expires_at, GetCurrentTimestamp() + COMMAND_DAYS_AHEAD_MAX * USECS_PER_DAY),
				 reason, by);
	values[0] = UUIDPGetDatum(id);
	values[1] = UUIDPGetDatum(by);
	values[2] = CStringGetTextDatum(reason);
	values[3] = CStringGetTextDatum(GetUserNameFromId(GetSessionUserId(), false));
	if (SPI_execute_with_args("INSERT INTO energyledger.command_cancellation"
							  " (command_id, cancelled_by, reason, role, cancelled_at)"
							  " VALUES ($1, $2, $3, $4, clock_timestamp())",
							  4, types, values, NULL, false, 0) != SPI_OK_INSERT)
		elog(ERROR, "could not record the cancellation");
	SPI_finish();
}
