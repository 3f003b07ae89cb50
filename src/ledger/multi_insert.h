/*
 * multi_insert.h: rows into one table of the extension, many at a time.
 */
#ifndef LEDGER_MULTI_INSERT_H
#define LEDGER_MULTI_INSERT_H

typedef struct MultiInsert MultiInsert;

/* columns: how many of the table's first columns the caller gives; any others are NULL, but for ledger_id. */
extern MultiInsert *multi_insert_begin(const char *table, int columns);

/*
 * The next row's values and null flags, for the caller to fill; all are not NULL
 * to begin with.  What values point to is made in multi_insert_memory(), which is
 * emptied when the rows are written.  The row is taken by the next call of
 * multi_insert_row() or multi_insert_end().
 */
extern Datum *multi_insert_row(MultiInsert *w, bool **nulls);
extern MemoryContext multi_insert_memory(const MultiInsert *w);

/* Writes what is left; fires the statement's triggers. */
extern void multi_insert_end(MultiInsert *w);

#endif							/* LEDGER_MULTI_INSERT_H */
