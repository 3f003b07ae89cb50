/*
 * guard.h: statements that no table access method callback sees.
 */
#ifndef LEDGER_GUARD_H
#define LEDGER_GUARD_H

extern void guard_init(void);	/* _PG_init only */

#endif							/* LEDGER_GUARD_H */
