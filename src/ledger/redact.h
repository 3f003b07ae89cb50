/*
 * redact.h: erasing one redactable value of a ledger table.
 */
#ifndef LEDGER_REDACT_H
#define LEDGER_REDACT_H

/* Error unless the current user may redact in that table (or the partitions below it). */
extern void redact_check_rights(Oid relid);

#define REDACT_REASON_LEN_MAX 1000	/* bytes */

/*
 * Replace the value by its commitment and record the event, whose id is returned.
 * relid: a ledger table, or a parent of one.  Checks the rights of the current user.
 */
extern uint64 redact_value(Oid relid, int64 ledger_id, const char *column, const char *reason);

#endif							/* LEDGER_REDACT_H */
