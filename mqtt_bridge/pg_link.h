/*
 * pg_link.h: one connection to PostgreSQL.
 *
 * Everything waits with a deadline, so that a database that hangs looks like
 * one that is gone, before the broker thinks the same of us.
 */
#ifndef BRIDGE_PG_LINK_H
#define BRIDGE_PG_LINK_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#define PG_LINK_ERROR_BYTES_MAX 512

typedef enum pg_link_result
{
	PG_LINK_OK,
	PG_LINK_UNAVAILABLE,		/* gone, hung, full, read-only, ... : try later;
								 * whether a COMMIT took effect is not known */
	PG_LINK_CONFLICT,			/* rolled back for a concurrent transaction: the
								 * same again may do */
	PG_LINK_REFUSED,			/* it answers, and refuses these messages:
								 * rolled back */
	PG_LINK_NOT_INSTALLED		/* reachable, without our extension */
} pg_link_result;

typedef struct pg_link
{
	PGconn	   *conn;			/* NULL: not connected */
	bool		has_bridge;		/* the extension knows set_aside and
								 * bridge_report */
	bool		has_downlink;	/* and commands and requests to send again */
	char		error[PG_LINK_ERROR_BYTES_MAX]; /* of the last result that was
												 * not PG_LINK_OK */
} pg_link;

extern pg_link_result pg_link_connect(pg_link *p, const char *conninfo, int64_t timeout_ms);
extern void pg_link_close(pg_link *p);

/* The socket was readable while nothing was asked: false where the connection ended. */
extern bool pg_link_still_there(pg_link *p);

/* ---- for pg_out.c and pg_downlink.c, which make statements ---- */

extern pg_link_result pg_link_fail(pg_link *p, pg_link_result result, const char *what);

/* The same, and give up a connection whose state is unknown: PG_LINK_UNAVAILABLE. */
extern pg_link_result pg_link_lose(pg_link *p, const char *what);

/*
 * The one result of what was sent (sent: what PQsend... returned).  NULL, with the
 * connection given up, where it broke or the deadline passed.
 */
extern PGresult *pg_link_result_of(pg_link *p, int sent, int64_t deadline_ms);
extern PGresult *pg_link_query(pg_link *p, const char *sql, int64_t deadline_ms);

/* Turn an error result (freed) into ours, and leave the transaction. */
extern pg_link_result pg_link_judge_error(pg_link *p, PGresult *r, int64_t deadline_ms);

#endif							/* BRIDGE_PG_LINK_H */
