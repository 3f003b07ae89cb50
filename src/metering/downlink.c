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
 * $1 meters, $2 retry in us, $3 rows at most, $4 shards, $5 and $6 behind which name and up to
 * which, $7 the time.  They differ in whose commands are looked at, and in how long to wait.  The
 * time is a parameter, as no index is searched by clock_timestamp(): all commands there ever were
 * would be read to find the few that are open.  Nor is a newer one for the same thing found by NOT
 * EXISTS, which a planner may make a hash of all commands; and nothing is joined that a planner
 * may take for a few rows.
 */
#define COMMANDS_SQL(whose, wait) \
"WITH open AS (" \
" SELECT c.id, c.meter, c.counter, c.expires_at, c.note, p.attempts, p.last_at" \
" FROM energyledger.command c" \
" CROSS JOIN LATERAL (SELECT count(*) AS attempts, max(u.published_at) AS last_at" \
"  FROM energyledger.command_publication u WHERE u.command_id = c.id) p" \
" WHERE c.expires_at > $7 AND " whose \
" AND NOT EXISTS (SELECT FROM energyledger.command_ack a WHERE a.command_id = c.id AND a.verdict = 'matched')" \
" AND NOT EXISTS (SELECT FROM energyledger.command_cancellation x WHERE x.command_id = c.id)" \
" AND (SELECT true FROM energyledger.command n WHERE n.meter = c.meter AND n.thing = c.thing" \
"  AND n.counter > c.counter AND n.not_before <= greatest(c.not_before, $7) LIMIT 1) IS NULL" \
"), judged AS (SELECT o.*, bool_or(attempts = 0" \
"  OR last_at <= $7 - make_interval(secs => $2::float8 / 1000000 * " wait "))" \
"  OVER (PARTITION BY meter) AS due FROM open o" \
"), placed AS MATERIALIZED (SELECT j.*, " SHARD_SQL("j.meter") " AS shard FROM judged j WHERE j.due" \
") SELECT meter, shard, id, counter, expires_at, note" \
" FROM placed WHERE $4 IS NULL OR shard = ANY ($4) ORDER BY meter, counter LIMIT $3"

/* Where a meter is registered to be. */
#define SHARD_SQL(meter) \
"(SELECT r.shard FROM energyledger.meter r WHERE r.meter = " meter \
" ORDER BY r.registered_at DESC, r.ledger_id DESC LIMIT 1)"

static const char commands_of_sql[] = COMMANDS_SQL("c.meter = ANY ($1)", "1");
static const char commands_sql[] = COMMANDS_SQL("$1 IS NULL", "2 ^ least(attempts - 1, 7)");
static const char commands_page_sql[] = COMMANDS_SQL("c.meter > $5 AND c.meter <= $6", "2 ^ least(attempts - 1, 7)");

/* $1 behind which name, $2 how many, $3 the time: the last name of a page of meters that may have something. */
static const char page_sql[] =
"SELECT max(meter COLLATE \"C\"), count(*) FROM (SELECT DISTINCT meter FROM energyledger.command"
" WHERE meter > $1 AND expires_at > $3 ORDER BY meter LIMIT $2) p";

/* The rows that a query gave, in the caller's context. */
static int
downlink_take(MemoryContext context, DownlinkRow **rows)
{
	TupleDesc	desc = SPI_tuptable->tupdesc;
	int			count = (int) SPI_processed;
	MemoryContext old = MemoryContextSwitchTo(context);

	*rows = palloc0(sizeof(DownlinkRow) * (count + 1));	/* and one more */
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

/* A value that may be absent. */
static void
downlink_give(Datum *value, char *null, const Datum *given)
{
	*value = given != NULL ? *given : (Datum) 0;
	*null = given != NULL ? ' ' : 'n';
}

/* The end of the page of meters behind this name; false where there are none. */
static bool
downlink_page(Datum after, Datum now, Datum *upto, bool *more)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[3] = {TEXTOID, INT8OID, TIMESTAMPTZOID};
	Datum		values[3] = {after, Int64GetDatum(DOWNLINK_PAGE_METERS), now};
	TupleDesc	desc;
	bool		null;

	downlink_execute(&plan, page_sql, 3, types, values, NULL, true, SPI_OK_SELECT);
	desc = SPI_tuptable->tupdesc;
	*more = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], desc, 2, &null)) == DOWNLINK_PAGE_METERS;
	*upto = SPI_getbinval(SPI_tuptable->vals[0], desc, 1, &null);
	return !null;
}

int
downlink_commands(const Datum *meters, int64 retry_us, const Datum *shards, const Datum *after, DownlinkRow **rows)
{
	static SPIPlanPtr plan_of = NULL;
	static SPIPlanPtr plan_all = NULL;
	static SPIPlanPtr plan_page = NULL;
	Oid			types[7] = {TEXTARRAYOID, INT8OID, INT8OID, TEXTARRAYOID, TEXTOID, TEXTOID, TIMESTAMPTZOID};
	Datum		values[7];
	char		nulls[7] = {' ', ' ', ' ', ' ', ' ', ' ', ' '};
	bool		more = false;
	MemoryContext context = CurrentMemoryContext;
	Snapshot	snapshot = receipt_snapshot("commands");
	int			count;

	downlink_give(&values[0], &nulls[0], meters);
	values[1] = Int64GetDatum(retry_us);
	values[2] = Int64GetDatum(DOWNLINK_ROWS_MAX);
	downlink_give(&values[3], &nulls[3], shards);
	downlink_give(&values[4], &nulls[4], after);
	downlink_give(&values[5], &nulls[5], NULL);
	values[6] = TimestampTzGetDatum(GetCurrentTimestamp());
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	PushActiveSnapshot(snapshot);
	if (meters != NULL)
		downlink_execute(&plan_of, commands_of_sql, 7, types, values, nulls, true, SPI_OK_SELECT);
	else if (after == NULL)
		downlink_execute(&plan_all, commands_sql, 7, types, values, nulls, true, SPI_OK_SELECT);
	else
	{
		if (downlink_page(*after, values[6], &values[5], &more))
			nulls[5] = ' ';
		downlink_execute(&plan_page, commands_page_sql, 7, types, values, nulls, true, SPI_OK_SELECT);
	}
	PopActiveSnapshot();
	count = downlink_take(context, rows);
	if (more)
	{
		/* where to go on */
		MemoryContext old = MemoryContextSwitchTo(context);
		DownlinkRow *r = &(*rows)[count++];

		memset(r->null, true, sizeof(r->null));
		r->null[0] = false;
		r->value[0] = datumCopy(values[5], false, -1);
		MemoryContextSwitchTo(old);
	}
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

/* r: when its meter was last asked.  Is it too soon to ask for these ranges? */
#define RESEND_SOON_SQL(ranges) \
"r.asked_at > clock_timestamp() - make_interval(secs => $3::float8 / 1000000" \
"  * CASE WHEN r.ranges = " ranges " THEN 2 ^ least(r.attempts - 1, 6) ELSE 1 END)"

/*
 * The newest gaps of each meter that are old enough, of those that may be asked.  In the
 * order of meters, so that two bridges do not wait for each other crosswise.  Who was asked
 * too short a time ago is left out before the LIMIT, and once more where another bridge
 * asked in the meantime.
 */
static const char resends_sql[] =
"WITH gap AS ("
" SELECT g.meter, g.epoch, g.from_seq, g.to_seq,"
"  row_number() OVER (PARTITION BY g.meter ORDER BY g.epoch DESC, g.from_seq DESC) AS n"
" FROM energyledger.meter_gap g"
" JOIN energyledger.message m ON m.meter = g.meter AND m.epoch = g.epoch AND m.seq = g.to_seq + 1"
" WHERE ($1 IS NULL OR g.meter = ANY ($1))"
" AND m.received_at <= clock_timestamp() - make_interval(secs => $2::float8 / 1000000)"
"), missing AS ("
" SELECT meter, string_agg(format('%s %s %s', epoch, from_seq, to_seq), E'\\n' ORDER BY epoch, from_seq) AS ranges"
" FROM gap WHERE n <= $4 GROUP BY meter"
"), ask AS ("
" SELECT a.meter, a.ranges FROM missing a LEFT JOIN energyledger.resend_request r USING (meter)"
" WHERE (r.meter IS NULL OR NOT " RESEND_SOON_SQL("a.ranges") ")"
" AND ($6 IS NULL OR " SHARD_SQL("a.meter") " = ANY ($6))"
" ORDER BY meter LIMIT $5"
"), asked AS ("
" INSERT INTO energyledger.resend_request AS r (meter, ranges, attempts, asked_at)"
" SELECT meter, ranges, 1, clock_timestamp() FROM ask ORDER BY meter"
" ON CONFLICT (meter) DO UPDATE SET ranges = excluded.ranges, asked_at = excluded.asked_at,"
"  attempts = CASE WHEN r.ranges = excluded.ranges THEN r.attempts + 1 ELSE 1 END"
" WHERE NOT " RESEND_SOON_SQL("excluded.ranges")
" RETURNING r.meter, r.ranges)"
" SELECT a.meter, " SHARD_SQL("a.meter") ", a.ranges FROM asked a";

static Datum
downlink_sign_request(const char *meter, const char *ranges, const char *origin)
{
	char	   *text = psprintf("energyledger/resend/v1\n%s\n%s\n%lld\n%s\n", origin, meter,
								(long long) unix_ms_of_timestamp(GetCurrentTimestamp()), ranges);

	return CStringGetTextDatum(site_sign_note(text, strlen(text)));
}

int
downlink_resends(const Datum *meters, int64 grace_us, int64 every_us, const Datum *shards, DownlinkRow **rows)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[6] = {TEXTARRAYOID, INT8OID, INT8OID, INT8OID, INT8OID, TEXTARRAYOID};
	Datum		values[6];
	char		nulls[6] = {' ', ' ', ' ', ' ', ' ', ' '};
	MemoryContext context = CurrentMemoryContext;
	int			count;

	downlink_give(&values[0], &nulls[0], meters);
	values[1] = Int64GetDatum(grace_us);
	values[2] = Int64GetDatum(every_us);
	values[3] = Int64GetDatum(RESEND_RANGES_MAX);
	values[4] = Int64GetDatum(DOWNLINK_ROWS_MAX);
	downlink_give(&values[5], &nulls[5], shards);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	downlink_execute(&plan, resends_sql, 6, types, values, nulls, false, SPI_OK_SELECT);
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
