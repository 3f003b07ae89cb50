/*
 * release.c: a quarantined message is taken after all, because a person says so.
 *
 * A key may be registered late, or revoked too early, or a gateway may publish on a
 * wrong topic; then the meter told the truth, and its message is not lost.  What a
 * person can stand in for is whether the key was good at the time, and the topic; not
 * whether the signature is right, nor what the message says, nor that its number is
 * free.  The decision is a row of a ledger table, and the message names the row of
 * the quarantine that it came from.
 */
#include "postgres.h"
#include "compat.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

#include "metering/registration.h"
#include "metering/release.h"

/* Who released it before is read by a snapshot that sees what was committed while we waited. */
static void
release_check_first(int64 quarantine_id)
{
	Oid			types[1] = {INT8OID};
	Datum		values[1] = {Int64GetDatum(quarantine_id)};

	PushActiveSnapshot(GetLatestSnapshot());
	if (SPI_execute_with_args("SELECT role FROM energyledger.quarantine_release WHERE quarantine_id = $1",
							  1, types, values, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read what was released");
	PopActiveSnapshot();
	if (SPI_processed > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("message " INT64_FORMAT " of the quarantine was released before", quarantine_id),
				 errdetail("By role \"%s\".", SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1))));
}

#define RELEASE_ENTRY(column) \
	"(SELECT " column " FROM energyledger.entry WHERE first_id <= $1 ORDER BY first_id DESC LIMIT 1)"

/*
 * No index leads from a ledger_id to its row.  The log says between which tids an entry's rows were
 * put; that is a hint, which VACUUM FULL and a restore make worthless.
 */
static void
release_find(int64 quarantine_id)
{
	Oid			types[1] = {INT8OID};
	Datum		values[1] = {Int64GetDatum(quarantine_id)};
	static const char *const sql[] = {
		"SELECT raw FROM energyledger.quarantine WHERE ledger_id = $1"
		" AND ctid BETWEEN " RELEASE_ENTRY("low_tid") " AND " RELEASE_ENTRY("high_tid"),
		"SELECT raw FROM energyledger.quarantine WHERE ledger_id = $1"
	};

	for (size_t i = 0; i < lengthof(sql); i++)
	{
		if (SPI_execute_with_args(sql[i], 1, types, values, NULL, false, 1) != SPI_OK_SELECT)
			elog(ERROR, "could not read the quarantine");
		if (SPI_processed > 0)
			return;
	}
	ereport(ERROR,
			(errcode(ERRCODE_NO_DATA_FOUND),
			 errmsg("the quarantine has no message " INT64_FORMAT, quarantine_id),
			 errhint("Messages are named by their ledger_id in energyledger.quarantine.")));
}

/* The message's bytes, in the caller's context. */
static void
release_read(int64 quarantine_id, MemoryContext context, IngestMessage *m)
{
	bool		isnull;
	Datum		raw;
	bytea	   *bytes;
	MemoryContext old;

	release_find(quarantine_id);
	raw = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	old = MemoryContextSwitchTo(context);
	bytes = DatumGetByteaPCopy(raw);
	MemoryContextSwitchTo(old);
	m->ordinal = 1;
	m->raw = PointerGetDatum(bytes);
	m->data = (uint8 *) VARDATA(bytes);
	m->len = VARSIZE(bytes) - VARHDRSZ;
}

static void
release_record(int64 quarantine_id, const char *reason, const IngestMessage *m)
{
	Oid			types[7] = {INT8OID, TEXTOID, TEXTOID, INT8OID, INT8OID, TEXTOID, TEXTOID};
	Datum		values[7];

	values[0] = Int64GetDatum(quarantine_id);
	values[1] = CStringGetTextDatum(m->verdict == INGEST_ACCEPTED ? "accepted" : "duplicate");
	values[2] = CStringGetTextDatum(m->meter);
	values[3] = Int64GetDatum(m->epoch);
	values[4] = Int64GetDatum(m->seq);
	values[5] = CStringGetTextDatum(reason);
	/* not the owner, with whose rights this runs */
	values[6] = CStringGetTextDatum(GetUserNameFromId(GetSessionUserId(), false));
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args("INSERT INTO energyledger.quarantine_release"
							  " (quarantine_id, verdict, meter, epoch, seq, reason, role, released_at)"
							  " VALUES ($1, $2, $3, $4, $5, $6, $7, clock_timestamp())"
							  " ON CONFLICT (quarantine_id) DO NOTHING",
							  7, types, values, NULL, false, 0) != SPI_OK_INSERT)
		elog(ERROR, "could not record the release");
	/* another session released it, and we waited for it to commit */
	if (SPI_processed == 0)
		release_check_first(quarantine_id);
	SPI_finish();
}

void
release_message(int64 quarantine_id, const char *reason, IngestMessage *m)
{
	MemoryContext context = CurrentMemoryContext;

	registration_check_reason(reason, "a release");
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	release_check_first(quarantine_id);
	release_read(quarantine_id, context, m);
	SPI_finish();
	ingest_batch(m, 1, quarantine_id);
	if (m->verdict == INGEST_QUARANTINED)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("message " INT64_FORMAT " of the quarantine cannot be released", quarantine_id),
				 errdetail("It is still refused: %s%s%s.", refusal_name(m->reason),
						   m->detail != NULL ? ", " : "", m->detail != NULL ? m->detail : ""),
				 errhint("Where its key is missing, register it first.")));
	release_record(quarantine_id, reason, m);
}
