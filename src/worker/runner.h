/*
 * runner.h: the worker that does what falls due, as the sealer sees it.
 */
#ifndef WORKER_RUNNER_H
#define WORKER_RUNNER_H

/*
 * In a transaction of a database whose ledger is open: has it markets, or devices that are
 * certified, and nobody who looks after them?  Then the launcher is asked for a runner.
 */
extern void runner_ask_where_needed(void);

#endif							/* WORKER_RUNNER_H */
