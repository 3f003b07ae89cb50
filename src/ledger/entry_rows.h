/*
 * entry_rows.h: the rows of an entry, out of the table that holds them.
 */
#ifndef LEDGER_ENTRY_ROWS_H
#define LEDGER_ENTRY_ROWS_H

#include "ledger/log_find.h"
#include "ledger/schema.h"
#include "ledger/write.h"
#include "storage/itemptr.h"

/* One row: its bytes only where there was room to keep them. */
typedef struct EntryRow
{
	uint64		id;
	ItemPointerData tid;
	uint8		hash[MERKLE_HASH_LEN];
	uint8	   *bytes;
	Size		len;
} EntryRow;

typedef struct EntryTable EntryTable;

typedef struct EntryRows
{
	EntryTable *table;			/* that they were found in */
	bool		whole;			/* they give the entry's root */
	int			count;
	EntryRow	row[ENTRY_ROWS_MAX];	/* by ledger_id, where they are whole */
} EntryRows;

/*
 * Reads rows of many entries, and keeps the tables open.  The active snapshot's
 * rows are read; the calling user must have the right to read all of a table, and
 * no row-level security may stand before it.
 */
typedef struct EntryReader EntryReader;

extern EntryReader *entry_reader_make(MemoryContext context);
extern void entry_reader_end(EntryReader *r);

/*
 * Finds the rows of an entry, wherever the table has them.  Rows that do not give
 * the entry's root (not out->whole) are an error (data_corrupted) where strict is
 * asked for; else out has what there is.
 */
extern void entry_reader_rows(EntryReader *r, const FoundEntry *e, bool strict, EntryRows *out);

/* A found row's bytes, palloc'd; read again where they were not kept. */
extern uint8 *entry_row_bytes(const EntryRows *rows, int at, Size *len);

#endif							/* LEDGER_ENTRY_ROWS_H */
