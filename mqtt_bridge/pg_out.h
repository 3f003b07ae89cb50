/*
 * pg_out.h: messages into the database, and what it says to them.
 */
#ifndef BRIDGE_PG_OUT_H
#define BRIDGE_PG_OUT_H

#include "batch.h"
#include "pg_link.h"

typedef void (*pg_out_receipt_fn) (void *arg, const char *meter, int64_t epoch, int64_t seq,
								   const char *receipt, int receipt_len);

/*
 * One transaction: messages first .. first + count - 1.  Sets their verdicts after
 * COMMIT; with dry_run, after ROLLBACK.
 */
extern pg_link_result pg_out_store(pg_link *p, batch *b, int first, int count, bool dry_run, int64_t deadline_ms);

/*
 * Put a message that ingest() fails on into quarantine as it is, with the
 * error: one transaction.  Sets its verdict after COMMIT.
 */
extern pg_link_result pg_out_set_aside(pg_link *p, batch_message *m, const char *why, int64_t deadline_ms);

/* Calls take for each receipt; meters without any are not mentioned. */
extern pg_link_result pg_out_receipts(pg_link *p, const char *const *meter, int count,
									  int64_t deadline_ms, pg_out_receipt_fn take, void *arg);

/* Show the bridge's state in the database: report is JSON for energyledger.bridge_report(). */
extern pg_link_result pg_out_report(pg_link *p, const char *report, int64_t deadline_ms);

#endif							/* BRIDGE_PG_OUT_H */
