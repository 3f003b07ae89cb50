/*
 * pg_downlink.c: asking for commands and requests to send again.
 *
 * Messages must not wait for these, and nothing that is wrong with them may count
 * against the database: an older role without the privilege, a lock that somebody
 * holds, a limit.  So each has a short time of its own, and an error that leaves the
 * connection usable is told apart from one that does not, whatever its SQLSTATE.
 */
#include "pg_downlink.h"

#include <stdio.h>

#include "clock.h"

#define PG_DOWNLINK_ANSWER_MS 3000	/* beyond PG_DOWNLINK_MS_MAX, until the connection counts as gone */

/* How long a command is good for is the database's to say: its clock need not be ours. */
static const char pg_commands_sql[] =
"SELECT meter, shard, note, id, ceil(extract(epoch FROM expires_at - clock_timestamp()))::bigint"
" FROM energyledger.meter_commands($1::text[], make_interval(secs => $2::float8), $3::text[], $4::text)";
static const char pg_published_sql[] = "SELECT energyledger.commands_published($1::uuid[])";
static const char pg_resends_sql[] =
"SELECT meter, shard, request"
" FROM energyledger.meter_resends($1::text[], make_interval(secs => $2::float8), make_interval(secs => $3::float8), $4::text[])";

/* An error ends our transaction, not the connection; unless that is gone. */
static pg_link_result
pg_downlink_refused(pg_link *p, PGresult *r, int64_t deadline_ms)
{
	const char *sqlstate = PQresultErrorField(r, PG_DIAG_SQLSTATE);
	const char *message = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);

	snprintf(p->error, sizeof(p->error), "%s (SQLSTATE %s)", message != NULL ? message : "unexpected answer",
			 sqlstate != NULL ? sqlstate : "none");
	PQclear(r);
	if (PQtransactionStatus(p->conn) != PQTRANS_IDLE)
	{
		r = pg_link_query(p, "ROLLBACK", deadline_ms);
		if (r == NULL)
			return PG_LINK_UNAVAILABLE;
		PQclear(r);
	}
	return PG_LINK_REFUSED;
}

static pg_link_result
pg_downlink_call(pg_link *p, const char *sql, int count, const char *const *value, PGresult **rows)
{
	int64_t		deadline_ms = clock_now_ms() + PG_DOWNLINK_MS_MAX + PG_DOWNLINK_ANSWER_MS;
	char		begin[80];
	PGresult   *r;
	PGresult   *ended;

	*rows = NULL;
	if (p->conn == NULL)
		return PG_LINK_UNAVAILABLE;
	snprintf(begin, sizeof(begin), "BEGIN; SET LOCAL statement_timeout = %d", PG_DOWNLINK_MS_MAX);
	r = pg_link_query(p, begin, deadline_ms);
	if (r == NULL)
		return PG_LINK_UNAVAILABLE;
	if (PQresultStatus(r) != PGRES_COMMAND_OK)
		return pg_downlink_refused(p, r, deadline_ms);
	PQclear(r);
	r = pg_link_result_of(p, PQsendQueryParams(p->conn, sql, count, NULL, value, NULL, NULL, 0), deadline_ms);
	if (r == NULL)
		return PG_LINK_UNAVAILABLE;
	if (PQresultStatus(r) != PGRES_TUPLES_OK)
		return pg_downlink_refused(p, r, deadline_ms);
	ended = pg_link_query(p, "COMMIT", deadline_ms);
	if (ended == NULL || PQresultStatus(ended) != PGRES_COMMAND_OK)
	{
		PQclear(r);
		return ended == NULL ? PG_LINK_UNAVAILABLE : pg_downlink_refused(p, ended, deadline_ms);
	}
	PQclear(ended);
	*rows = r;
	return PG_LINK_OK;
}

pg_link_result
pg_downlink_commands(pg_link *p, const char *meters, int64_t retry_s, const char *shards,
					 const char *after, PGresult **rows)
{
	char		retry[24];
	const char *value[] = {meters, retry, shards, after};

	snprintf(retry, sizeof(retry), "%lld", (long long) retry_s);
	return pg_downlink_call(p, pg_commands_sql, 4, value, rows);
}

pg_link_result
pg_downlink_published(pg_link *p, const char *ids)
{
	PGresult   *rows;
	pg_link_result result = pg_downlink_call(p, pg_published_sql, 1, &ids, &rows);

	PQclear(rows);
	return result;
}

pg_link_result
pg_downlink_resends(pg_link *p, const char *meters, int64_t grace_s, int64_t every_s,
					const char *shards, PGresult **rows)
{
	char		grace[24];
	char		every[24];
	const char *value[] = {meters, grace, every, shards};

	snprintf(grace, sizeof(grace), "%lld", (long long) grace_s);
	snprintf(every, sizeof(every), "%lld", (long long) every_s);
	return pg_downlink_call(p, pg_resends_sql, 4, value, rows);
}
