/*
 * verify_redaction.h: between verify.c and verify_redaction.c.
 */
#ifndef LEDGER_VERIFY_REDACTION_H
#define LEDGER_VERIFY_REDACTION_H

#include "ledger/verify_parts.h"

/*
 * Redacted values against the log's redactions; SPI is connected, the active
 * snapshot is the one to read with.  only: schema.table, or NULL for all.
 */
extern void verify_redactions(Findings *f, const char *only);

#endif							/* LEDGER_VERIFY_REDACTION_H */
