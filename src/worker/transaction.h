/*
 * transaction.h: how the background workers begin a transaction.
 */
#ifndef WORKER_TRANSACTION_H
#define WORKER_TRANSACTION_H

/*
 * Begins one in which names mean the system's functions and nobody else's, whatever the
 * database's settings say.
 */
extern void transaction_begin(void);

/* A setting until the transaction ends. */
extern void transaction_set(const char *name, const char *value);

#endif							/* WORKER_TRANSACTION_H */
