/*
 * pg_out.c: storing messages in PostgreSQL, one transaction at a time.
 *
 * A message counts as stored when, and only when, COMMIT was answered with
 * COMMIT and ingest() had answered for every message of the transaction.  A
 * connection that breaks during COMMIT leaves the outcome unknown; that is
 * harmless, as the messages stay unacknowledged, come again, and are then
 * stored or found to be duplicates.
 */
#include "pg_out.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "core/bytes.h"
#include "log.h"

#define PG_OUT_BYTEA_OID 17
#define PG_OUT_TEXT_OID 25
#define PG_OUT_ARRAY_HEADER_BYTES 20	/* dimensions, flags, element type,
										 * length, lower bound */

static const char pg_out_ingest_sql[] =
"SELECT ordinal, verdict, meter, epoch, seq, reason FROM energyledger.ingest($1::bytea[], $2::text[])";
static const char pg_out_receipts_sql[] =
"SELECT meter, epoch, seq, receipt FROM energyledger.meter_receipts($1::text[])";
static const char pg_out_set_aside_sql[] =
"SELECT energyledger.set_aside($1::bytea, $2::text, $3::text)";
/* Nobody waits for the disk over a report that is overwritten a second later. */
static const char pg_out_report_sql[] =
"SELECT set_config('synchronous_commit', 'off', true), energyledger.bridge_report(convert_from($1::bytea, 'UTF8')::jsonb)";

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
#define PG_OUT_PARAMETERS_MAX 3

typedef struct pg_out_value
{
	const void *data;
	size_t		len;
} pg_out_value;

/* Binary parameters in, text columns out. */
static PGresult *
pg_out_call(pg_link *p, const char *sql, const pg_out_value *given, int count, int64_t deadline_ms)
{
	const char *value[PG_OUT_PARAMETERS_MAX];
	int			length[PG_OUT_PARAMETERS_MAX];
	static const int binary[PG_OUT_PARAMETERS_MAX] = {1, 1, 1};

	for (int i = 0; i < count; i++)
	{
		value[i] = given[i].data;
		length[i] = (int) given[i].len;
	}
	return pg_link_result_of(p, PQsendQueryParams(p->conn, sql, count, NULL, value, length, binary, 0), deadline_ms);
}

static PGresult *
pg_out_call_ingest(pg_link *p, const batch *b, int first, int count, int64_t deadline_ms)
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
		pg_link_lose(p, "out of memory");
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
	r = pg_out_call(p, pg_out_ingest_sql,
					(pg_out_value[]) {{array[0].data, array[0].len}, {array[1].data, array[1].len}}, 2, deadline_ms);
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

/* A column's text, cut where there is no room. */
static void
pg_out_copy(char *out, size_t cap, const PGresult *r, int row, int column)
{
	size_t		len = (size_t) PQgetlength(r, row, column);

	if (len >= cap)
		len = cap - 1;
	memcpy(out, PQgetvalue(r, row, column), len);
	out[len] = '\0';
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
		pg_out_copy(m->meter, sizeof(m->meter), r, row, 2);
		m->epoch = strtoll(PQgetvalue(r, row, 3), NULL, 10);
		m->seq = strtoll(PQgetvalue(r, row, 4), NULL, 10);
		pg_out_copy(m->reason, sizeof(m->reason), r, row, 5);
	}
}

/* End the transaction: true to its word, or as if it had never been. */
static pg_link_result
pg_out_end(pg_link *p, bool dry_run, int64_t deadline_ms)
{
	const char *end = dry_run ? "ROLLBACK" : "COMMIT";
	PGresult   *r = pg_link_query(p, end, deadline_ms);
	bool		ended;

	if (r == NULL)
		return PG_LINK_UNAVAILABLE;
	if (PQresultStatus(r) != PGRES_COMMAND_OK)
		return pg_link_judge_error(p, r, deadline_ms);
	/* A transaction that had failed answers COMMIT with ROLLBACK, without an error. */
	ended = strcmp(PQcmdStatus(r), end) == 0;
	PQclear(r);
	return ended ? PG_LINK_OK : pg_link_lose(p, "COMMIT was answered with ROLLBACK");
}

pg_link_result
pg_out_store(pg_link *p, batch *b, int first, int count, bool dry_run, int64_t deadline_ms)
{
	PGresult   *r;
	pg_link_result result;
	batch_verdict *verdict;

	if (p->conn == NULL)
		return PG_LINK_UNAVAILABLE;
	r = pg_link_query(p, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", deadline_ms);
	if (r == NULL)
		return PG_LINK_UNAVAILABLE;
	if (PQresultStatus(r) != PGRES_COMMAND_OK)
		return pg_link_judge_error(p, r, deadline_ms);
	PQclear(r);

	r = pg_out_call_ingest(p, b, first, count, deadline_ms);
	if (r == NULL)
		return PG_LINK_UNAVAILABLE;
	if (PQresultStatus(r) != PGRES_TUPLES_OK)
		return pg_link_judge_error(p, r, deadline_ms);

	verdict = calloc((size_t) count, sizeof(*verdict));
	if (verdict == NULL)
		result = pg_link_lose(p, "out of memory");
	else if (!pg_out_read_verdicts(r, verdict, count))
		result = pg_link_lose(p, "energyledger.ingest() did not answer for every message: do bridge and extension belong together?");
	else
		result = pg_out_end(p, dry_run, deadline_ms);
	if (verdict != NULL && result == PG_LINK_OK)
		pg_out_take_verdicts(r, verdict, b, first, count);
	free(verdict);
	PQclear(r);
	return result;
}

pg_link_result
pg_out_receipts(pg_link *p, const char *const *meter, int count,
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
		return pg_link_fail(p, PG_LINK_UNAVAILABLE, "out of memory");
	bytes_out_init(&array, memory, size);
	pg_out_array_open(&array, PG_OUT_TEXT_OID, count);
	for (int i = 0; i < count; i++)
		bytes_put_lp(&array, meter[i], strlen(meter[i]));
	r = pg_out_call(p, pg_out_receipts_sql, &(pg_out_value) {array.data, array.len}, 1, deadline_ms);
	free(memory);
	if (r == NULL)
		return PG_LINK_UNAVAILABLE;
	if (PQresultStatus(r) != PGRES_TUPLES_OK || PQnfields(r) != 4)
		return pg_link_judge_error(p, r, deadline_ms);
	for (int row = 0; row < PQntuples(r); row++)
	{
		if (!PQgetisnull(r, row, 3))
			take(arg, PQgetvalue(r, row, 0), strtoll(PQgetvalue(r, row, 1), NULL, 10),
				 strtoll(PQgetvalue(r, row, 2), NULL, 10), PQgetvalue(r, row, 3), PQgetlength(r, row, 3));
	}
	PQclear(r);
	return PG_LINK_OK;
}

/* One statement is one transaction: it either answers with its row, or did nothing. */
static pg_link_result
pg_out_do(pg_link *p, const char *sql, const pg_out_value *given, int count, int64_t deadline_ms)
{
	PGresult   *r;

	if (p->conn == NULL)
		return PG_LINK_UNAVAILABLE;
	r = pg_out_call(p, sql, given, count, deadline_ms);
	if (r == NULL)
		return PG_LINK_UNAVAILABLE;
	if (PQresultStatus(r) != PGRES_TUPLES_OK)
		return pg_link_judge_error(p, r, deadline_ms);
	PQclear(r);
	return PG_LINK_OK;
}

pg_link_result
pg_out_set_aside(pg_link *p, batch_message *m, const char *why, int64_t deadline_ms)
{
	const pg_out_value given[] = {{m->payload, m->payload_len}, {m->topic, m->topic_len}, {why, strlen(why)}};
	pg_link_result result = pg_out_do(p, pg_out_set_aside_sql, given, 3, deadline_ms);

	if (result == PG_LINK_OK)
	{
		m->verdict = BATCH_QUARANTINED;
		m->meter[0] = '\0';
		snprintf(m->reason, sizeof(m->reason), "ingest_failed");
	}
	return result;
}

pg_link_result
pg_out_report(pg_link *p, const char *report, int64_t deadline_ms)
{
	return pg_out_do(p, pg_out_report_sql, &(pg_out_value) {report, strlen(report)}, 1, deadline_ms);
}
