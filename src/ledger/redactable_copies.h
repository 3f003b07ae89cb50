/*
 * redactable_copies.h: no index and no statistics over redactable columns.
 */
#ifndef LEDGER_REDACTABLE_COPIES_H
#define LEDGER_REDACTABLE_COPIES_H

#include "utils/rel.h"

/* Error where a table that is, or becomes, a ledger table has any. */
extern void redactable_refuse_copies(Relation rel);

extern void redactable_copies_init(void);	/* _PG_init only */

#endif							/* LEDGER_REDACTABLE_COPIES_H */
