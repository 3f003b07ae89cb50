/*
 * runner_job.h: what the runner does, job by job.  For src/worker/runner*.c.
 */
#ifndef WORKER_RUNNER_JOB_H
#define WORKER_RUNNER_JOB_H

/* Milliseconds until it is to be asked again. */
typedef long (*RunnerWork) (void);

typedef struct RunnerJob
{
	RunnerWork	work;
	const int  *interval;		/* setting; 0: not to be done */
	long		unit_ms;
} RunnerJob;

extern long runner_market_work(void);	/* runner_market.c */
extern long runner_certificate_work(void);	/* runner_certificate.c */

/* runner.c: a transaction of a job, with a snapshot. */
extern void runner_begin(void);
extern void runner_end(void);

#endif							/* WORKER_RUNNER_JOB_H */
