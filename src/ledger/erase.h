/*
 * erase.h: VACUUM of tables with redactable columns.
 */
#ifndef LEDGER_ERASE_H
#define LEDGER_ERASE_H

#include "commands/vacuum.h"
#include "utils/rel.h"

/* Heap's VACUUM, and afterwards what it leaves behind of values that were redacted. */
extern void erase_vacuum(Relation rel, struct VacuumParams *params, BufferAccessStrategy strategy);

/*
 * Pages of the table and its TOAST table that may still hold something that was
 * redacted, or never committed: versions of rows that are not current, bytes in
 * free space.
 */
extern int64 erase_pending_pages(Relation rel);

#endif							/* LEDGER_ERASE_H */
