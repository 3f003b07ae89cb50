/*
 * guard_create.h: CREATE TABLE ... USING ledger, made whole; guard.c only.
 */
#ifndef LEDGER_GUARD_CREATE_H
#define LEDGER_GUARD_CREATE_H

#include "nodes/plannodes.h"

/* A ledger table that a statement is about to make. */
typedef struct CreatedTable
{
	Oid			schema;			/* InvalidOid: none */
	const char *name;
} CreatedTable;

/*
 * Before the statement: the statement to run instead, where it makes a ledger
 * table, and which; else pstmt itself.  Errors where it cannot be one.
 */
extern PlannedStmt *guard_create_prepare(PlannedStmt *pstmt, CreatedTable *created);

/* After it. */
extern void guard_create_finish(const CreatedTable *created);

#endif							/* LEDGER_GUARD_CREATE_H */
