/*
 * verify_redaction.h: between verify.c and verify_redaction.c.
 */
#ifndef LEDGER_VERIFY_REDACTION_H
#define LEDGER_VERIFY_REDACTION_H

#include "ledger/verify_parts.h"

/* Redacted values of the selected tables against the log's redactions. */
extern void verify_redactions(Verification *v);

#endif							/* LEDGER_VERIFY_REDACTION_H */
