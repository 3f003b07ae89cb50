/*
 * downlink.c: what is to be published for meters, and when again.
 *
 * Commands: only what is committed and on disk may leave, as with receipts.  A meter
 * that was just heard from is listening, so what it has not answered is published to it
 * again soon; where nobody was heard from, the wait doubles.  All of a meter's open
 * commands go out together and in the order of their counters, because a meter that
 * took a later one refuses an earlier one.
 *
 * Requests to send again say what is missing.  They need not be exact: what is asked for
 * twice is a duplicate.  So when a meter was last asked is kept in an ordinary table.
 */
#include "postgres.h"
#include "compat.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "core/downlink_note.h"
#include "ledger/site.h"
#include "metering/downlink.h"
#include "metering/receipt.h"
#include "metering/unix_time.h"

/*
 * $1 meters, $2 retry in us, $3 rows at most, $4 the time.  The two differ in whose commands are looked at,
 * and in how long to wait.  The time is a parameter, as no index is searched by clock_timestamp(): all
 * commands there ever were would be read to find the few that are open.  Nor is a newer one for the
 * same thing found by NOT EXISTS, which a planner may make a hash of all commands.
 */
#define COMMANDS_SQL(whose, wait) \
"WITH open AS (" \
" SELECT c.id, c.meter, c.counter, c.expires_at, c.note, p.attempts, p.last_at" \
" FROM energyledger.command c" \
" CROSS JOIN LATERAL (SELECT count(*) AS attempts, max(u.published_at) AS last_at" \
"  FROM energyledger.command_publication u WHERE u.command_id = c.id) p" \
" WHERE c.expires_at > $4 AND " whose \
" AND NOT EXISTS (SELECT FROM energyledger.command_ack a WHERE a.command_id = c.id AND a.verdict = 'matched')" \
" AND NOT EXISTS (SELECT FROM energyledger.command_cancellation x WHERE x.command_id = c.id)" \
" AND (SELECT true FROM energyledger.command n WHERE n.meter = c.meter AND n.thing = c.thing" \
"  AND n.counter > c.counter AND n.not_before <= greatest(c.not_before, $4) LIMIT 1) IS NULL" \
"), due AS (SELECT DISTINCT meter FROM open WHERE attempts = 0" \
"  OR last_at <= $4 - make_interval(secs => $2::float8 / 1000000 * " wait ")" \
") SELECT o.meter, (SELECT m.shard FROM energyledger.meter m WHERE m.meter = o.meter" \
"  ORDER BY m.registered_at DESC, m.ledger_id DESC LIMIT 1), o.id, o.counter, o.expires_at, o.note" \
" FROM open o JOIN due USING (meter) ORDER BY o.meter, o.counter LIMIT $3"

static const char commands_of_sql[] = COMMANDS_SQL("c.meter = ANY ($1)", "1");
static const char commands_sql[] = COMMANDS_SQL("$1 IS NULL", "2 ^ least(attempts - 1, 7)");

/* The rows that a query gave, in the caller's context. */
static int
downlink_take(MemoryContext context, DownlinkRow **rows)
{
	TupleDesc	desc = SPI_tuptable->tupdesc;
	int			count = (int) SPI_processed;
	MemoryContext old = MemoryContextSwitchTo(context);

	*rows = palloc0(sizeof(DownlinkRow) * Max(count, 1));
	for (int i = 0; i < count; i++)
		for (int c = 0; c < desc->natts; c++)
		{
			Form_pg_attribute a = TupleDescAttr(desc, c);
			Datum		value = SPI_getbinval(SPI_tuptable->vals[i], desc, c + 1, &(*rows)[i].null[c]);

			if (!(*rows)[i].null[c])
				(*rows)[i].value[c] = datumCopy(value, a->attbyval, a->attlen);
		}
	MemoryContextSwitchTo(old);
	return count;
}

static void
downlink_execute(SPIPlanPtr *plan, const char *sql, int count, Oid *types, Datum *values, const char *nulls,
				 bool read_only, int expected)
{
	int			result;

	if (*plan == NULL)
	{
		SPIPlanPtr	made = SPI_prepare(sql, count, types);

		if (made == NULL || SPI_keepplan(made) != 0)
			elog(ERROR, "could not prepare: %s", SPI_result_code_string(SPI_result));
		*plan = made;
	}
	result = SPI_execute_plan(*plan, values, nulls, read_only, 0);
	if (result != expected)
		elog(ERROR, "downlink ended with %s", SPI_result_code_string(result));
}

int
downlink_commands(const Datum *meters, int64 retry_us, DownlinkRow **rows)
{
	static SPIPlanPtr plan_of = NULL;
	static SPIPlanPtr plan_all = NULL;
	Oid			types[4] = {TEXTARRAYOID, INT8OID, INT8OID, TIMESTAMPTZOID};
	Datum		values[4];
	MemoryContext context = CurrentMemoryContext;
	Snapshot	snapshot = receipt_snapshot("commands");
	int			count;

	values[0] = meters != NULL ? *meters : (Datum) 0;
	values[1] = Int64GetDatum(retry_us);
	values[2] = Int64GetDatum(DOWNLINK_ROWS_MAX);
	values[3] = TimestampTzGetDatum(GetCurrentTimestamp());
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	PushActiveSnapshot(snapshot);
	if (meters != NULL)
		downlink_execute(&plan_of, commands_of_sql, 4, types, values, NULL, true, SPI_OK_SELECT);
	else
		downlink_execute(&plan_all, commands_sql, 4, types, values, "n   ", true, SPI_OK_SELECT);
	PopActiveSnapshot();
	count = downlink_take(context, rows);
	SPI_finish();
	UnregisterSnapshot(snapshot);
	return count;
}

int64
downlink_published(Datum ids)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[1] = {UUIDARRAYOID};
	int64		count;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	downlink_execute(&plan,
					 "INSERT INTO energyledger.command_publication (command_id, attempt, published_at)"
					 " SELECT c.id, coalesce((SELECT max(u.attempt) FROM energyledger.command_publication u"
					 " WHERE u.command_id = c.id), 0) + 1, clock_timestamp()"
					 " FROM energyledger.command c WHERE c.id = ANY ($1) ORDER BY c.id"
					 " ON CONFLICT (command_id, attempt) DO NOTHING",
					 1, types, &ids, NULL, false, SPI_OK_INSERT);
	count = (int64) SPI_processed;
	SPI_finish();
	return count;
}

/* ---- requests ---- */

/*
 * The newest gaps of each meter that are old enough, and whether it may be asked.  In the
 * order of meters, so that two bridges do not wait for each other crosswise.
 */
static const char resends_sql[] =
"WITH gap AS ("
" SELECT g.meter, g.epoch, g.from_seq, g.to_seq,"
"  row_number() OVER (PARTITION BY g.meter ORDER BY g.epoch DESC, g.from_seq DESC) AS n"
" FROM energyledger.meter_gap g"
" JOIN energyledger.message m ON m.meter = g.meter AND m.epoch = g.epoch AND m.seq = g.to_seq + 1"
" WHERE ($1 IS NULL OR g.meter = ANY ($1))"
" AND m.received_at <= clock_timestamp() - make_interval(secs => $2::float8 / 1000000)"
"), ask AS ("
" SELECT meter, string_agg(format('%s %s %s', epoch, from_seq, to_seq), E'\\n' ORDER BY epoch, from_seq) AS ranges"
" FROM gap WHERE n <= $4 GROUP BY meter ORDER BY meter LIMIT $5"
"), asked AS ("
" INSERT INTO energyledger.resend_request AS r (meter, ranges, attempts, asked_at)"
" SELECT meter, ranges, 1, clock_timestamp() FROM ask ORDER BY meter"
" ON CONFLICT (meter) DO UPDATE SET ranges = excluded.ranges, asked_at = excluded.asked_at,"
"  attempts = CASE WHEN r.ranges = excluded.ranges THEN r.attempts + 1 ELSE 1 END"
" WHERE r.asked_at <= clock_timestamp() - make_interval(secs => $3::float8 / 1000000"
"  * CASE WHEN r.ranges = excluded.ranges THEN 2 ^ least(r.attempts - 1, 6) ELSE 1 END)"
" RETURNING r.meter, r.ranges)"
" SELECT a.meter, (SELECT m.shard FROM energyledger.meter m WHERE m.meter = a.meter"
"  ORDER BY m.registered_at DESC, m.ledger_id DESC LIMIT 1), a.ranges FROM asked a";

static Datum
downlink_sign_request(const char *meter, const char *ranges, const char *origin)
{
	char	   *text = psprintf("energyledger/resend/v1\n%s\n%s\n%lld\n%s\n", origin, meter,
								(long long) unix_ms_of_timestamp(GetCurrentTimestamp()), ranges);

	return CStringGetTextDatum(site_sign_note(text, strlen(text)));
}

int
downlink_resends(const Datum *meters, int64 grace_us, int64 every_us, DownlinkRow **rows)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[5] = {TEXTARRAYOID, INT8OID, INT8OID, INT8OID, INT8OID};
	Datum		values[5];
	MemoryContext context = CurrentMemoryContext;
	int			count;

	values[0] = meters != NULL ? *meters : (Datum) 0;
	values[1] = Int64GetDatum(grace_us);
	values[2] = Int64GetDatum(every_us);
	values[3] = Int64GetDatum(RESEND_RANGES_MAX);
	values[4] = Int64GetDatum(DOWNLINK_ROWS_MAX);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	downlink_execute(&plan, resends_sql, 5, types, values, meters != NULL ? "     " : "n    ", false, SPI_OK_SELECT);
	count = downlink_take(context, rows);
	SPI_finish();
	for (int i = 0; i < count; i++)
	{
		DownlinkRow *r = &(*rows)[i];

		r->value[2] = downlink_sign_request(TextDatumGetCString(r->value[0]), TextDatumGetCString(r->value[2]),
											site_origin());
	}
	return count;
}
