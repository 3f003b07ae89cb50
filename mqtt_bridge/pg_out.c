/*
 * pg_out.c: storing messages in PostgreSQL, one transaction at a time.
 *
 * A message counts as stored when, and only when, COMMIT was answered with
 * COMMIT and ingest() had answered for every message of the transaction.  A
 * connection that breaks during COMMIT leaves the outcome unknown; that is
 * harmless, as the messages stay unacknowledged, come again, and are then
 * stored or found to be duplicates.
 *
 * Errors are of three kinds, told apart by SQLSTATE: those of the situation (no
 * connection, no disk, no privilege, a standby, a timeout), which say nothing
 * about the messages; conflicts with other transactions, which a repetition
 * mends; and those of the data, after which store.c looks for the message that
 * caused them.
 */
#include "pg_out.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "core/bytes.h"
#include "log.h"
#include "signals.h"

#define PG_OUT_BYTEA_OID 17
#define PG_OUT_TEXT_OID 25
#define PG_OUT_ARRAY_HEADER_BYTES 20	/* dimensions, flags, element type,
										 * length, lower bound */

static const char pg_out_ingest_sql[] =
"SELECT ordinal, verdict, meter, epoch, seq, reason FROM energyledger.ingest($1::bytea[], $2::text[])";
static const char pg_out_receipts_sql[] =
"SELECT meter, epoch, seq, receipt FROM energyledger.meter_receipts($1::text[])";

/*
 * Run once on each connection.  A commit that is not on disk must not be
 * acknowledged, so synchronous_commit = off, where it is somebody's default, is
 * turned on here; a stronger setting stays.
 */
static const char pg_out_setup_sql[] =
"SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";
static const char pg_out_check_sql[] =
"SELECT (SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'pg_energyledger'),"
" pg_catalog.to_regprocedure('energyledger.ingest(bytea[],text[])') IS NOT NULL"
" AND pg_catalog.to_regprocedure('energyledger.meter_receipts(text[])') IS NOT NULL,"
" pg_catalog.current_database()";

static pg_out_result
pg_out_fail(pg_out *p, pg_out_result result, const char *what)
{
	snprintf(p->error, sizeof(p->error), "%s", what);
	return result;
}

/* A connection in an unknown state is not worth saving. */
static pg_out_result
pg_out_lose(pg_out *p, const char *what)
{
	pg_out_fail(p, PG_OUT_UNAVAILABLE, what);
	pg_out_close(p);
	return PG_OUT_UNAVAILABLE;
}

/* Errors of the situation: another try, later, with the same messages may do. */
static bool
pg_out_is_situation(const char *sqlstate)
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
pg_out_wait(pg_out *p, short events, int64_t deadline_ms)
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
static PGresult *
pg_out_result_of(pg_out *p, int sent, int64_t deadline_ms)
{
	PGresult   *first = NULL;
	PGresult   *next;
	int			unflushed;

	if (!sent)
	{
		pg_out_lose(p, PQerrorMessage(p->conn));
		return NULL;
	}
	/* Reading while writing: the server may be stuck telling us something. */
	while ((unflushed = PQflush(p->conn)) == 1)
	{
		if (!pg_out_wait(p, POLLIN | POLLOUT, deadline_ms) || !PQconsumeInput(p->conn))
			break;
	}
	while (unflushed == 0)
	{
		while (PQisBusy(p->conn))
		{
			if (!pg_out_wait(p, POLLIN, deadline_ms))
			{
				PQclear(first);
				pg_out_lose(p, "no answer in database_timeout_ms");
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
		pg_out_lose(p, PQerrorMessage(p->conn)[0] != '\0' ? PQerrorMessage(p->conn) : "no answer in database_timeout_ms");
		return NULL;
	}
	return first;
}

static PGresult *
pg_out_query(pg_out *p, const char *sql, int64_t deadline_ms)
{
	return pg_out_result_of(p, PQsendQuery(p->conn, sql), deadline_ms);
}

/* Turn an error result into ours, and leave the transaction. */
static pg_out_result
pg_out_judge_error(pg_out *p, PGresult *r, int64_t deadline_ms)
{
	const char *sqlstate = PQresultErrorField(r, PG_DIAG_SQLSTATE);
	bool		situation = pg_out_is_situation(sqlstate);
	bool		conflict = sqlstate != NULL && strncmp(sqlstate, "40", 2) == 0;
	PGresult   *rollback;

	snprintf(p->error, sizeof(p->error), "%s (SQLSTATE %s)",
			 PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY) != NULL ?
			 PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY) : "unexpected answer",
			 sqlstate != NULL ? sqlstate : "none");
	PQclear(r);
	if (situation)
	{
		pg_out_close(p);
		return PG_OUT_UNAVAILABLE;
	}
	rollback = pg_out_query(p, "ROLLBACK", deadline_ms);
	if (rollback == NULL)
		return PG_OUT_UNAVAILABLE;
	PQclear(rollback);
	return conflict ? PG_OUT_CONFLICT : PG_OUT_REFUSED;
}

/* ---------------------------------------------------------------- connecting */

/* The server's notices ("terminating connection ...") belong into our log. */
static void
pg_out_on_notice(void *arg, const char *message)
{
	log_info("database says: %s", message);
}

static bool
pg_out_start(pg_out *p, const char *conninfo, int64_t deadline_ms)
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
	PQsetNoticeProcessor(p->conn, pg_out_on_notice, NULL);
	while (step != PGRES_POLLING_OK)
	{
		struct pollfd fd[2] = {
			{.fd = PQsocket(p->conn),.events = step == PGRES_POLLING_READING ? POLLIN : POLLOUT},
			{.fd = signals_fd(),.events = POLLIN}
		};
		int			ready = poll(fd, 2, clock_left_ms(deadline_ms));

		if (ready == 0 || signals_stop())
		{
			pg_out_fail(p, PG_OUT_UNAVAILABLE, "no answer in database_timeout_ms");
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

static pg_out_result
pg_out_check(pg_out *p, int64_t deadline_ms)
{
	PGresult   *r = pg_out_query(p, pg_out_check_sql, deadline_ms);
	pg_out_result result = PG_OUT_NOT_INSTALLED;

	if (r == NULL)
		return PG_OUT_UNAVAILABLE;
	if (PQresultStatus(r) != PGRES_TUPLES_OK || PQntuples(r) != 1)
	{
		pg_out_judge_error(p, r, deadline_ms);
		return PG_OUT_UNAVAILABLE;
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
		result = PG_OUT_OK;
	PQclear(r);
	return result;
}

pg_out_result
pg_out_connect(pg_out *p, const char *conninfo, int64_t timeout_ms)
{
	int64_t		deadline_ms = clock_now_ms() + timeout_ms;
	char		set_timeout[64];
	const char *setup[3] = {pg_out_setup_sql, set_timeout, NULL};
	pg_out_result result;

	p->error[0] = '\0';
	if (!pg_out_start(p, conninfo, deadline_ms))
	{
		if (p->error[0] == '\0')
			pg_out_fail(p, PG_OUT_UNAVAILABLE, p->conn != NULL ? PQerrorMessage(p->conn) : "out of memory");
		pg_out_close(p);
		return PG_OUT_UNAVAILABLE;
	}

	/* The server, too, should let go of what we have given up. */
	snprintf(set_timeout, sizeof(set_timeout), "SET statement_timeout = %lld", (long long) timeout_ms);
	for (int i = 0; setup[i] != NULL; i++)
	{
		PGresult   *r = pg_out_query(p, setup[i], deadline_ms);

		if (r == NULL)
			return PG_OUT_UNAVAILABLE;
		if (PQresultStatus(r) == PGRES_FATAL_ERROR)
		{
			pg_out_judge_error(p, r, deadline_ms);
			pg_out_close(p);
			return PG_OUT_UNAVAILABLE;
		}
		PQclear(r);
	}
	result = pg_out_check(p, deadline_ms);
	if (result != PG_OUT_OK)
		pg_out_close(p);
	return result;
}

void
pg_out_close(pg_out *p)
{
	if (p->conn != NULL)
		PQfinish(p->conn);
	p->conn = NULL;
}

bool
pg_out_still_there(pg_out *p)
{
	PGresult   *r;

	if (!PQconsumeInput(p->conn) || PQstatus(p->conn) == CONNECTION_BAD)
	{
		pg_out_lose(p, PQerrorMessage(p->conn));
		return false;
	}
	/* A server that shuts down says so before it closes. */
	while (!PQisBusy(p->conn) && (r = PQgetResult(p->conn)) != NULL)
		PQclear(r);
	if (PQstatus(p->conn) == CONNECTION_BAD)
	{
		pg_out_lose(p, "the connection was closed");
		return false;
	}
	return true;
}

/* ---------------------------------------------------------------- statements */

/* A one-dimensional array in PostgreSQL's binary form, without its elements. */
static void
pg_out_array_open(bytes_out *o, uint32_t element_oid, int count)
{
	bytes_put_u32(o, 1);
	bytes_put_u32(o, 0);		/* no NULLs */
	bytes_put_u32(o, element_oid);
	bytes_put_u32(o, (uint32_t) count);
	bytes_put_u32(o, 1);		/* lower bound */
}

/* Binary parameters in, text columns out. */
static PGresult *
pg_out_call(pg_out *p, const char *sql, const bytes_out *array, int count, int64_t deadline_ms)
{
	const char *value[2];
	int			length[2];
	static const int binary[2] = {1, 1};

	for (int i = 0; i < count; i++)
	{
		value[i] = (const char *) array[i].data;
		length[i] = (int) array[i].len;
	}
	return pg_out_result_of(p, PQsendQueryParams(p->conn, sql, count, NULL, value, length, binary, 0), deadline_ms);
}

static PGresult *
pg_out_call_ingest(pg_out *p, const batch *b, int first, int count, int64_t deadline_ms)
{
	size_t		payloads = PG_OUT_ARRAY_HEADER_BYTES;
	size_t		topics = PG_OUT_ARRAY_HEADER_BYTES;
	bytes_out	array[2];
	uint8_t    *memory;
	PGresult   *r;

	for (int i = first; i < first + count; i++)
	{
		payloads += 4 + b->message[i].payload_len;
		topics += 4 + b->message[i].topic_len;
	}
	memory = malloc(payloads + topics);
	if (memory == NULL)
	{
		pg_out_lose(p, "out of memory");
		return NULL;
	}
	bytes_out_init(&array[0], memory, payloads);
	bytes_out_init(&array[1], memory + payloads, topics);
	pg_out_array_open(&array[0], PG_OUT_BYTEA_OID, count);
	pg_out_array_open(&array[1], PG_OUT_TEXT_OID, count);
	for (int i = first; i < first + count; i++)
	{
		bytes_put_lp(&array[0], b->message[i].payload, b->message[i].payload_len);
		bytes_put_lp(&array[1], b->message[i].topic, b->message[i].topic_len);
	}
	r = pg_out_call(p, pg_out_ingest_sql, array, 2, deadline_ms);
	free(memory);
	return r;
}

static batch_verdict
pg_out_verdict(const char *name)
{
	if (strcmp(name, "accepted") == 0)
		return BATCH_ACCEPTED;
	if (strcmp(name, "duplicate") == 0)
		return BATCH_DUPLICATE;
	if (strcmp(name, "quarantined") == 0)
		return BATCH_QUARANTINED;
	return BATCH_UNSTORED;
}

/* Every message answered for, once, with a verdict we know: only then may we COMMIT. */
static bool
pg_out_read_verdicts(const PGresult *r, batch_verdict *verdict, int count)
{
	memset(verdict, 0, (size_t) count * sizeof(*verdict));
	if (PQntuples(r) != count || PQnfields(r) != 6)
		return false;
	for (int row = 0; row < count; row++)
	{
		int			ordinal = atoi(PQgetvalue(r, row, 0));

		if (ordinal < 1 || ordinal > count || verdict[ordinal - 1] != BATCH_UNSTORED)
			return false;
		verdict[ordinal - 1] = pg_out_verdict(PQgetvalue(r, row, 1));
		if (verdict[ordinal - 1] == BATCH_UNSTORED)
			return false;
	}
	return true;
}

/* After COMMIT: what the transaction decided becomes the messages' fate. */
static void
pg_out_take_verdicts(const PGresult *r, const batch_verdict *verdict, batch *b, int first, int count)
{
	for (int row = 0; row < count; row++)
	{
		int			ordinal = atoi(PQgetvalue(r, row, 0));
		batch_message *m = &b->message[first + ordinal - 1];

		m->verdict = verdict[ordinal - 1];
		snprintf(m->meter, sizeof(m->meter), "%s", PQgetvalue(r, row, 2));
		if (m->verdict == BATCH_QUARANTINED)
			log_debug("quarantined (%s): topic %s, %zu bytes", PQgetvalue(r, row, 5), m->topic, m->payload_len);
	}
}

static pg_out_result
pg_out_commit(pg_out *p, int64_t deadline_ms)
{
	PGresult   *r = pg_out_query(p, "COMMIT", deadline_ms);
	bool		committed;

	if (r == NULL)
		return PG_OUT_UNAVAILABLE;
	if (PQresultStatus(r) != PGRES_COMMAND_OK)
		return pg_out_judge_error(p, r, deadline_ms);
	/* A transaction that had failed answers COMMIT with ROLLBACK, without an error. */
	committed = strcmp(PQcmdStatus(r), "COMMIT") == 0;
	PQclear(r);
	return committed ? PG_OUT_OK : pg_out_lose(p, "COMMIT was answered with ROLLBACK");
}

pg_out_result
pg_out_store(pg_out *p, batch *b, int first, int count, int64_t deadline_ms)
{
	PGresult   *r;
	pg_out_result result;
	batch_verdict *verdict;

	if (p->conn == NULL)
		return PG_OUT_UNAVAILABLE;
	r = pg_out_query(p, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", deadline_ms);
	if (r == NULL)
		return PG_OUT_UNAVAILABLE;
	if (PQresultStatus(r) != PGRES_COMMAND_OK)
		return pg_out_judge_error(p, r, deadline_ms);
	PQclear(r);

	r = pg_out_call_ingest(p, b, first, count, deadline_ms);
	if (r == NULL)
		return PG_OUT_UNAVAILABLE;
	if (PQresultStatus(r) != PGRES_TUPLES_OK)
		return pg_out_judge_error(p, r, deadline_ms);

	verdict = calloc((size_t) count, sizeof(*verdict));
	if (verdict == NULL)
		result = pg_out_lose(p, "out of memory");
	else if (!pg_out_read_verdicts(r, verdict, count))
		result = pg_out_lose(p, "energyledger.ingest() did not answer for every message: do bridge and extension belong together?");
	else
		result = pg_out_commit(p, deadline_ms);
	if (result == PG_OUT_OK)
		pg_out_take_verdicts(r, verdict, b, first, count);
	free(verdict);
	PQclear(r);
	return result;
}

pg_out_result
pg_out_receipts(pg_out *p, const char *const *meter, int count,
				int64_t deadline_ms, pg_out_receipt_fn take, void *arg)
{
	size_t		size = PG_OUT_ARRAY_HEADER_BYTES;
	bytes_out	array;
	uint8_t    *memory;
	PGresult   *r;

	for (int i = 0; i < count; i++)
		size += 4 + strlen(meter[i]);
	memory = malloc(size);
	if (memory == NULL)
		return pg_out_fail(p, PG_OUT_UNAVAILABLE, "out of memory");
	bytes_out_init(&array, memory, size);
	pg_out_array_open(&array, PG_OUT_TEXT_OID, count);
	for (int i = 0; i < count; i++)
		bytes_put_lp(&array, meter[i], strlen(meter[i]));
	r = pg_out_call(p, pg_out_receipts_sql, &array, 1, deadline_ms);
	free(memory);
	if (r == NULL)
		return PG_OUT_UNAVAILABLE;
	if (PQresultStatus(r) != PGRES_TUPLES_OK || PQnfields(r) != 4)
		return pg_out_judge_error(p, r, deadline_ms);
	for (int row = 0; row < PQntuples(r); row++)
	{
		if (!PQgetisnull(r, row, 3))
			take(arg, PQgetvalue(r, row, 0), PQgetvalue(r, row, 3), PQgetlength(r, row, 3));
	}
	PQclear(r);
	return PG_OUT_OK;
}
