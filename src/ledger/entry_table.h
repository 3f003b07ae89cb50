/*
 * entry_table.h: a ledger table as it is read to recompute entries of it.
 */
#ifndef LEDGER_ENTRY_TABLE_H
#define LEDGER_ENTRY_TABLE_H

#include "ledger/schema.h"

struct EntryTable
{
	MemoryContext context;		/* of all this */
	char	   *entry_relation; /* as entries name it */
	Relation	rel;
	LedgerSchema *schema;		/* the newest: it reads older rows too */
	Oid			index;			/* a btree that begins with ledger_id, or InvalidOid */
	TupleTableSlot *slot;
	MemoryContext scratch;		/* for one row */
	BlockNumber near;			/* where the last entry looked for was found, if its
								 * place was not where it said */
};

/*
 * Opens the table that is called `name` now, for entries that name it
 * `entry_relation`, in the current context.  NULL where that is not possible and not
 * strict; else an error: there is no such table, its columns do not fit, the caller
 * may not read it.
 */
extern struct EntryTable *entry_table_open(const char *name, const char *entry_relation, bool strict);
extern void entry_table_close(struct EntryTable *t);

#endif							/* LEDGER_ENTRY_TABLE_H */
