/*
 * pg_link.c: connecting to PostgreSQL, asking with a deadline, judging errors.
 *
 * Errors are of three kinds, told apart by SQLSTATE: those of the situation (no
 * connection, no disk, no privilege, a standby, a timeout), which say nothing
 * about the messages; conflicts with other transactions, which a repetition
 * mends; and those of the data, after which store.c looks for the message that
 * caused them.
 */
#include "pg_link.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "signals.h"

/*
 * Run once on each connection.  A commit that is not on disk must not be
 * acknowledged, so synchronous_commit = off, where it is somebody's default, is
 * turned on here; a stronger setting stays.
 */
static const char pg_link_setup_sql[] =
"SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";
static const char pg_link_check_sql[] =
"SELECT (SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'pg_energyledger'),"
" pg_catalog.to_regprocedure('energyledger.ingest(bytea[],text[])') IS NOT NULL"
" AND pg_catalog.to_regprocedure('energyledger.meter_receipts(text[])') IS NOT NULL,"
" pg_catalog.current_database(),"
" pg_catalog.to_regprocedure('energyledger.set_aside(bytea,text,text)') IS NOT NULL"
" AND pg_catalog.to_regprocedure('energyledger.bridge_report(jsonb)') IS NOT NULL,"
" pg_catalog.to_regprocedure('energyledger.meter_commands(text[],interval,text[],text)') IS NOT NULL"
" AND pg_catalog.to_regprocedure('energyledger.commands_published(uuid[])') IS NOT NULL"
" AND pg_catalog.to_regprocedure('energyledger.meter_resends(text[],interval,interval,text[])') IS NOT NULL";

pg_link_result
pg_link_fail(pg_link *p, pg_link_result result, const char *what)
{
	snprintf(p->error, sizeof(p->error), "%s", what);
	return result;
}

/* A connection in an unknown state is not worth saving. */
pg_link_result
pg_link_lose(pg_link *p, const char *what)
{
	pg_link_fail(p, PG_LINK_UNAVAILABLE, what);
	pg_link_close(p);
	return PG_LINK_UNAVAILABLE;
}

/* Errors of the situation: another try, later, with the same messages may do. */
static bool
pg_link_is_situation(const char *sqlstate)
{
	static const char *const class_of_situation[] = {
		"08", "0A", "25", "26", "28", "3D", "3F", "42", "53", "55", "57", "58"
	};

	if (sqlstate == NULL)
		return true;
	for (size_t i = 0; i < sizeof(class_of_situation) / sizeof(class_of_situation[0]); i++)
	{
		if (strncmp(sqlstate, class_of_situation[i], 2) == 0)
			return true;
	}
	return false;
}

/* Wait until the socket allows it; false at the deadline. */
static bool
pg_link_wait(pg_link *p, short events, int64_t deadline_ms)
{
	for (;;)
	{
		struct pollfd fd = {.fd = PQsocket(p->conn),.events = events};
		int			ready = poll(&fd, 1, clock_left_ms(deadline_ms));

		if (ready > 0)
			return true;
		if (ready == 0 || errno != EINTR)
			return false;
	}
}

/*
 * Send a statement (NULL sql: it is sent already) and read its one result.
 * NULL, with the connection given up, where it broke or the deadline passed.
 */
PGresult *
pg_link_result_of(pg_link *p, int sent, int64_t deadline_ms)
{
	PGresult   *first = NULL;
	PGresult   *next;
	int			unflushed;

	if (!sent)
	{
		pg_link_lose(p, PQerrorMessage(p->conn));
		return NULL;
	}
	/* Reading while writing: the server may be stuck telling us something. */
	while ((unflushed = PQflush(p->conn)) == 1)
	{
		if (!pg_link_wait(p, POLLIN | POLLOUT, deadline_ms) || !PQconsumeInput(p->conn))
			break;
	}
	while (unflushed == 0)
	{
		while (PQisBusy(p->conn))
		{
			if (!pg_link_wait(p, POLLIN, deadline_ms))
			{
				PQclear(first);
				pg_link_lose(p, "no answer in database_timeout_ms");
				return NULL;
			}
			if (!PQconsumeInput(p->conn))
				break;
		}
		next = PQgetResult(p->conn);
		if (next == NULL)
			break;
		PQclear(first);
		first = next;
		if (PQstatus(p->conn) == CONNECTION_BAD)
			break;
	}
	if (unflushed != 0 || first == NULL || PQstatus(p->conn) == CONNECTION_BAD)
	{
		PQclear(first);
		pg_link_lose(p, PQerrorMessage(p->conn)[0] != '\0' ? PQerrorMessage(p->conn) : "no answer in database_timeout_ms");
		return NULL;
	}
	return first;
}

PGresult *
pg_link_query(pg_link *p, const char *sql, int64_t deadline_ms)
{
	return pg_link_result_of(p, PQsendQuery(p->conn, sql), deadline_ms);
}

/* Turn an error result into ours, and leave the transaction. */
pg_link_result
pg_link_judge_error(pg_link *p, PGresult *r, int64_t deadline_ms)
{
	const char *sqlstate = PQresultErrorField(r, PG_DIAG_SQLSTATE);
	bool		situation = pg_link_is_situation(sqlstate);
	bool		conflict = sqlstate != NULL && strncmp(sqlstate, "40", 2) == 0;
	PGresult   *rollback;

	snprintf(p->error, sizeof(p->error), "%s (SQLSTATE %s)",
			 PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY) != NULL ?
			 PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY) : "unexpected answer",
			 sqlstate != NULL ? sqlstate : "none");
	PQclear(r);
	if (situation)
	{
		pg_link_close(p);
		return PG_LINK_UNAVAILABLE;
	}
	if (PQtransactionStatus(p->conn) != PQTRANS_IDLE)
	{
		rollback = pg_link_query(p, "ROLLBACK", deadline_ms);
		if (rollback == NULL)
			return PG_LINK_UNAVAILABLE;
		PQclear(rollback);
	}
	return conflict ? PG_LINK_CONFLICT : PG_LINK_REFUSED;
}

/* ---------------------------------------------------------------- connecting */

/* The server's notices ("terminating connection ...") belong into our log. */
static void
pg_link_on_notice(void *arg, const char *message)
{
	log_info("database_notice", "database says: %s", message);
}

static bool
pg_link_start(pg_link *p, const char *conninfo, int64_t deadline_ms)
{
	const char *keyword[5] = {"fallback_application_name", "client_encoding", NULL};
	const char *value[5] = {"energyledger-bridge", "UTF8", NULL};
	PostgresPollingStatusType step = PGRES_POLLING_WRITING;

	if (conninfo[0] != '\0')
	{
		keyword[2] = "dbname";	/* expanded: may be a whole connection string */
		value[2] = conninfo;
	}
	p->conn = PQconnectStartParams(keyword, value, 1);
	if (p->conn == NULL || PQstatus(p->conn) == CONNECTION_BAD)
		return false;
	PQsetNoticeProcessor(p->conn, pg_link_on_notice, NULL);
	while (step != PGRES_POLLING_OK)
	{
		struct pollfd fd[2] = {
			{.fd = PQsocket(p->conn),.events = step == PGRES_POLLING_READING ? POLLIN : POLLOUT},
			{.fd = signals_fd(),.events = POLLIN}
		};
		int			ready = poll(fd, 2, clock_left_ms(deadline_ms));

		if (ready == 0 || signals_stop())
		{
			pg_link_fail(p, PG_LINK_UNAVAILABLE, "no answer in database_timeout_ms");
			return false;
		}
		if (fd[1].revents != 0)
			signals_drain();
		if (ready < 0 || fd[0].revents == 0)
			continue;
		step = PQconnectPoll(p->conn);
		if (step == PGRES_POLLING_FAILED)
			return false;
	}
	return PQsetnonblocking(p->conn, 1) == 0;
}

static pg_link_result
pg_link_check(pg_link *p, int64_t deadline_ms)
{
	PGresult   *r = pg_link_query(p, pg_link_check_sql, deadline_ms);
	pg_link_result result = PG_LINK_NOT_INSTALLED;

	if (r == NULL)
		return PG_LINK_UNAVAILABLE;
	if (PQresultStatus(r) != PGRES_TUPLES_OK || PQntuples(r) != 1)
	{
		pg_link_judge_error(p, r, deadline_ms);
		return PG_LINK_UNAVAILABLE;
	}
	if (PQgetisnull(r, 0, 0))
		snprintf(p->error, sizeof(p->error),
				 "database \"%s\" does not have the extension pg_energyledger: run CREATE EXTENSION pg_energyledger there",
				 PQgetvalue(r, 0, 2));
	else if (strcmp(PQgetvalue(r, 0, 1), "t") != 0)
		snprintf(p->error, sizeof(p->error),
				 "pg_energyledger %s in database \"%s\" does not have the functions that this bridge (%s) calls: run ALTER EXTENSION pg_energyledger UPDATE there",
				 PQgetvalue(r, 0, 0), PQgetvalue(r, 0, 2), PROGRAM_VERSION);
	else
		result = PG_LINK_OK;
	p->has_bridge = strcmp(PQgetvalue(r, 0, 3), "t") == 0;
	p->has_downlink = strcmp(PQgetvalue(r, 0, 4), "t") == 0;
	PQclear(r);
	return result;
}

pg_link_result
pg_link_connect(pg_link *p, const char *conninfo, int64_t timeout_ms)
{
	int64_t		deadline_ms = clock_now_ms() + timeout_ms;
	char		set_timeout[64];
	const char *setup[3] = {pg_link_setup_sql, set_timeout, NULL};
	pg_link_result result;

	p->error[0] = '\0';
	if (!pg_link_start(p, conninfo, deadline_ms))
	{
		if (p->error[0] == '\0')
			pg_link_fail(p, PG_LINK_UNAVAILABLE, p->conn != NULL ? PQerrorMessage(p->conn) : "out of memory");
		pg_link_close(p);
		return PG_LINK_UNAVAILABLE;
	}

	/* The server, too, should let go of what we have given up. */
	snprintf(set_timeout, sizeof(set_timeout), "SET statement_timeout = %lld", (long long) timeout_ms);
	for (int i = 0; setup[i] != NULL; i++)
	{
		PGresult   *r = pg_link_query(p, setup[i], deadline_ms);

		if (r == NULL)
			return PG_LINK_UNAVAILABLE;
		if (PQresultStatus(r) == PGRES_FATAL_ERROR)
		{
			pg_link_judge_error(p, r, deadline_ms);
			pg_link_close(p);
			return PG_LINK_UNAVAILABLE;
		}
		PQclear(r);
	}
	result = pg_link_check(p, deadline_ms);
	if (result != PG_LINK_OK)
		pg_link_close(p);
	return result;
}

void
pg_link_close(pg_link *p)
{
	if (p->conn != NULL)
		PQfinish(p->conn);
	p->conn = NULL;
}

bool
pg_link_still_there(pg_link *p)
{
	PGresult   *r;

	if (!PQconsumeInput(p->conn) || PQstatus(p->conn) == CONNECTION_BAD)
	{
		pg_link_lose(p, PQerrorMessage(p->conn));
		return false;
	}
	/* A server that shuts down says so before it closes. */
	while (!PQisBusy(p->conn) && (r = PQgetResult(p->conn)) != NULL)
		PQclear(r);
	if (PQstatus(p->conn) == CONNECTION_BAD)
	{
		pg_link_lose(p, "the connection was closed");
		return false;
	}
	return true;
}
