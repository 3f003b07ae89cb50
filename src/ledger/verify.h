/*
 * verify.h: recomputing the ledger.
 */
#ifndef LEDGER_VERIFY_H
#define LEDGER_VERIFY_H

#include "nodes/execnodes.h"

/* What is to be verified: the arguments of energyledger.verify(). */
typedef struct VerifyOptions
{
	Oid			relid;			/* the only table to read rows of; InvalidOid: all */
	int			site_id;		/* whose log and rows; 0: this site's log, all rows */
	bool		ids_given;
	int64		ids_low;		/* ledger_ids, both ends included */
	int64		ids_high;
	const char *against;		/* a checkpoint held outside, or NULL */
	const char *since;			/* a checkpoint that the caller trusts, or NULL */
	bool		deep;			/* indexes too */
	int			workers;		/* -1: as the server allows and the work is worth */
} VerifyOptions;

/*
 * Recompute with the active snapshot and put findings (relation, ledger_id,
 * kind, expected, found) into result.
 */
extern void verify_ledger(ReturnSetInfo *result, const VerifyOptions *options);

#endif							/* LEDGER_VERIFY_H */
