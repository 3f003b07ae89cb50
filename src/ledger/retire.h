/*
 * retire.h: the end of a ledger table: kept, and closed.
 */
#ifndef LEDGER_RETIRE_H
#define LEDGER_RETIRE_H

/* Returns the table's new name, quoted for SQL. */
extern char *retire_table(Oid relid, const char *reason);

#endif							/* LEDGER_RETIRE_H */
