/*
 * guard_modify.h: statements that would change rows, refused before they look for any.
 */
#ifndef LEDGER_GUARD_MODIFY_H
#define LEDGER_GUARD_MODIFY_H

extern void guard_modify_init(void);	/* guard_init only */

#endif							/* LEDGER_GUARD_MODIFY_H */
