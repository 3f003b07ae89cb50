/*
 * verify.h: recomputing the ledger.
 */
#ifndef LEDGER_VERIFY_H
#define LEDGER_VERIFY_H

#include "nodes/execnodes.h"

/*
 * Recompute with the active snapshot and put findings (relation, ledger_id,
 * kind, expected, found) into result.  relid: the only table to read rows of, or
 * InvalidOid for all.
 */
extern void verify_ledger(ReturnSetInfo *result, Oid relid);

#endif							/* LEDGER_VERIFY_H */
