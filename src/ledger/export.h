/*
 * export.h: the whole ledger, leaf by leaf, with the rows.
 */
#ifndef LEDGER_EXPORT_H
#define LEDGER_EXPORT_H

#include "utils/palloc.h"

#define EXPORT_LEAF 'L'			/* a leaf's data */
#define EXPORT_ROW 'R'			/* a row of the entry before, its bytes */
#define EXPORT_CHECKPOINT 'C'	/* the checkpoint of the block before */

typedef struct ExportItem
{
	char		kind;
	uint64		index;			/* of the leaf that it belongs to */
	const uint8 *data;			/* until the next item is asked for */
	Size		len;
} ExportItem;

typedef struct Export Export;

/*
 * From a leaf on, up to what the newest block covers now; in `context`, whose size
 * does not depend on the ledger's.  The caller must have SELECT on the log's tables,
 * and on each table as it is reached.
 */
extern Export *export_begin(MemoryContext context, uint64 from_index);
extern bool export_next(Export *x, ExportItem *item);
extern void export_end(Export *x);

#endif							/* LEDGER_EXPORT_H */
