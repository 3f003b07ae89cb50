/*
 * write.h: what a transaction has written to ledger tables so far.
 */
#ifndef LEDGER_WRITE_H
#define LEDGER_WRITE_H

#include "executor/tuptable.h"
#include "utils/rel.h"

/*
 * Rows an entry may have: a longer run is closed and another begun.  Their tags
 * then stay in the entry's own page.
 */
#define ENTRY_ROWS_MAX 512
#define ROW_TAG_BYTES 2

/*
 * Before the heap forms the tuples: give each slot its ledger_id.  Errors where
 * a value was supplied by hand.  False where the rows are not ours to hash
 * (replication, restore) and the ids stand as supplied.
 */
extern bool write_assign_ids(Relation rel, TupleTableSlot **slots, int count);

/* After the heap took them: hash them into the open entry.  Returns the last one's id. */
extern uint64 write_hash_rows(Relation rel, TupleTableSlot **slots, int count);

/*
 * Are rows of this backend taken with the ids they have?  Replication's apply
 * worker and a restore bring rows that were hashed where they were written.
 */
extern bool write_takes_ids(void);

/* Such rows: error where one has no id, or one of ours from a subscription. */
extern void write_check_given(Relation rel, TupleTableSlot **slots, int count);

/* Rows of the log, likewise.  Errors where a subscription brings rows in our name. */
extern bool write_takes_log_rows(Relation rel, TupleTableSlot **slots, int count);

/*
 * Restore mode is set, and this database's ledger is not open yet: its log is
 * that of the database which was dumped, or not there at all.
 */
extern bool write_is_restoring(void);

/* For ereport: why restore mode does not help, where it is set. */
extern int	write_restore_hint(void);

/* This transaction leaves something for the sealer, once it has committed. */
extern void write_tell_sealer(void);

/* Who wants to know of insertions into ledger tables, before each; NULL: nobody. */
extern PGDLLIMPORT void (*write_watch) (Relation rel);

extern void write_init(void);	/* _PG_init only */

#endif							/* LEDGER_WRITE_H */
