/*
 * entry_index.h: where in the log an entry is.
 */
#ifndef LEDGER_ENTRY_INDEX_H
#define LEDGER_ENTRY_INDEX_H

#include "ledger/log_find.h"

/*
 * Index of the entry's leaf.  newest: the newest block, as the caller found it.
 * Errors: object_not_in_prerequisite_state where no block covers the entry yet,
 * data_corrupted where the log does not have it where it must be.
 */
extern uint64 entry_index(const FoundEntry *e, const FoundBlock *newest);

/* The newest block; error where there is none (nothing has been sealed). */
extern void entry_index_newest(int site_id, FoundBlock *newest);

#endif							/* LEDGER_ENTRY_INDEX_H */
