/*
 * receipt.h: a row, and all that proves it to somebody who has nothing but the
 * site's key.
 */
#ifndef LEDGER_RECEIPT_H
#define LEDGER_RECEIPT_H

#define RECEIPT_ROW_BYTES_MAX (128 * 1024 * 1024)	/* what jsonb can take as base64 */

/*
 * The receipt as JSON text (doc/format.md), checked against the checkpoint in it.
 * Errors: no_data_found, object_not_in_prerequisite_state (not sealed yet),
 * insufficient_privilege, program_limit_exceeded, data_corrupted.
 */
extern char *receipt_make(int64 ledger_id);

#endif							/* LEDGER_RECEIPT_H */
