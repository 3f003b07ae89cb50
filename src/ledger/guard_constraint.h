/*
 * guard_constraint.h: NOT NULL by the name of its constraint.  For guard.c.
 */
#ifndef LEDGER_GUARD_CONSTRAINT_H
#define LEDGER_GUARD_CONSTRAINT_H

#include "postgres.h"

/* Is that constraint of relid the one that says NOT NULL of that column? */
extern bool guard_is_not_null(Oid relid, const char *constraint, const char *column);

#endif							/* LEDGER_GUARD_CONSTRAINT_H */
