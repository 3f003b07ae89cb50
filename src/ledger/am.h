/*
 * am.h: the table access methods "ledger" and "ledger_log".
 */
#ifndef LEDGER_AM_H
#define LEDGER_AM_H

#include "utils/rel.h"

extern void am_init(void);		/* _PG_init only */

/* A ledger or log table, by the catalog. */
extern bool am_is_ledger_oid(Oid relid);

/* The access method itself: one of ours? */
extern bool am_is_ledger_am(Oid am);

/* A table of the log. */
extern bool am_is_log_oid(Oid relid);

/* One whose rows are hashed: "ledger", not "ledger_log". */
extern bool am_hashes_rows(Relation rel);

/* The temporary relation of a rewrite. */
extern bool am_is_transient(Oid relid);

#endif							/* LEDGER_AM_H */
