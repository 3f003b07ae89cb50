/*
 * pg_out.h: the bridge's one connection to PostgreSQL.
 *
 * Everything waits with a deadline, so that a database that hangs looks like
 * one that is gone, before the broker thinks the same of us.
 */
#ifndef BRIDGE_PG_OUT_H
#define BRIDGE_PG_OUT_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "batch.h"

#define PG_OUT_ERROR_BYTES_MAX 512

typedef enum pg_out_result
{
	PG_OUT_OK,
	PG_OUT_UNAVAILABLE,			/* gone, hung, full, read-only, ... : try later;
								 * whether a COMMIT took effect is not known */
	PG_OUT_CONFLICT,			/* rolled back for a concurrent transaction: the
								 * same again may do */
	PG_OUT_REFUSED,				/* it answers, and refuses these messages:
								 * rolled back */
	PG_OUT_NOT_INSTALLED		/* reachable, without our extension */
} pg_out_result;

typedef struct pg_out
{
	PGconn	   *conn;			/* NULL: not connected */
	char		error[PG_OUT_ERROR_BYTES_MAX];	/* of the last result that was not
												 * PG_OUT_OK */
} pg_out;

typedef void (*pg_out_receipt_fn) (void *arg, const char *meter, const char *receipt, int receipt_len);

extern pg_out_result pg_out_connect(pg_out *p, const char *conninfo, int64_t timeout_ms);
extern void pg_out_close(pg_out *p);

/* One transaction: messages first .. first + count - 1.  Sets their verdicts after COMMIT. */
extern pg_out_result pg_out_store(pg_out *p, batch *b, int first, int count, int64_t deadline_ms);

/* Calls take for each receipt; meters without any are not mentioned. */
extern pg_out_result pg_out_receipts(pg_out *p, const char *const *meter, int count,
									 int64_t deadline_ms, pg_out_receipt_fn take, void *arg);

/* The socket was readable while nothing was asked: false where the connection ended. */
extern bool pg_out_still_there(pg_out *p);

#endif							/* BRIDGE_PG_OUT_H */
