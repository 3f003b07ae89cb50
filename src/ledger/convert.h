/*
 * convert.h: an ordinary table becomes a ledger table.
 */
#ifndef LEDGER_CONVERT_H
#define LEDGER_CONVERT_H

#include "executor/tuptable.h"
#include "utils/rel.h"

/* Returns the number of rows. */
extern uint64 convert_table(Oid relid);

/* Is convert_table() at work on this table, in this backend? */
extern bool convert_is_running(Oid relid);

/* A row of the table being converted got its id (am.c). */
extern void convert_note_row(uint64 ledger_id);

/* Error: SET ACCESS METHOD by a statement of somebody's own. */
extern void convert_refuse_by_hand(Oid relid) pg_attribute_noreturn();

#endif							/* LEDGER_CONVERT_H */
