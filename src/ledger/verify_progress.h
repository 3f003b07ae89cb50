/*
 * verify_progress.h: what a running verify() tells others, and how fast it may read.
 */
#ifndef LEDGER_VERIFY_PROGRESS_H
#define LEDGER_VERIFY_PROGRESS_H

#include "nodes/execnodes.h"

#define PROGRESS_SLOTS 64		/* calls of verify() at a time that are shown */

typedef enum ProgressPhase
{
	PROGRESS_LOG,
	PROGRESS_ROWS,
	PROGRESS_NAMING,
	PROGRESS_INDEXES
} ProgressPhase;

/* Shared memory: shared.c asks and makes it. */
extern Size progress_shmem_size(void);
extern void progress_shmem_init(void);

/* The leader: from begin to end, whatever happens between. */
extern void progress_begin(void);
extern void progress_end(void);
extern int	progress_slot(void);	/* for workers; -1: all slots were taken */
extern void progress_phase(ProgressPhase phase, const char *relation);
extern void progress_totals(uint64 blocks, uint64 leaves);	/* added to what is there */

/* A worker. */
extern void progress_attach(int slot);

/* Everybody: work done since the last call.  Sleeps where energyledger.verify_rate_limit says so. */
extern void progress_blocks(uint64 blocks, uint64 rows);
extern void progress_leaves(uint64 leaves);
extern void progress_finding(void);

/* How many processes share the rate. */
extern void progress_share_rate(int participants);

/* Rows of energyledger.stat_verify. */
extern void progress_show(ReturnSetInfo *result);

#endif							/* LEDGER_VERIFY_PROGRESS_H */
