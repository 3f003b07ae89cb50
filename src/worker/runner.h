/*
 * runner.h: the worker that clears markets, as the sealer sees it.
 */
#ifndef WORKER_RUNNER_H
#define WORKER_RUNNER_H

/*
 * In a transaction of a database whose ledger is open: has it markets, and nobody who
 * clears them?  Then the launcher is asked for a runner.
 */
extern void runner_ask_where_needed(void);

#endif							/* WORKER_RUNNER_H */
