/*
 * site_change.h: the log gets a name or a key.
 */
#ifndef LEDGER_SITE_CHANGE_H
#define LEDGER_SITE_CHANGE_H

#define SITE_REASON_LEN_MAX 1000	/* bytes of what an operator may say */

/* CREATE EXTENSION: the first incarnation.  Nothing in restore mode. */
extern void site_open_first(void);

/*
 * The sealer, in a transaction of its own: a new incarnation where the log must not
 * go on under its name.  A copy of another database is opened only where that is
 * wanted, and not while a session restores into it.  False where it stays closed.
 */
extern bool site_open_where_needed(bool wanted);

/* By hand. */
extern void site_reopen(const char *reason);
extern void site_rotate_key(bool fresh);

#endif							/* LEDGER_SITE_CHANGE_H */
