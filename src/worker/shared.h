/*
 * shared.h: what the backends, the launcher and the sealers of one cluster
 * share in memory: one slot a database.
 */
#ifndef WORKER_SHARED_H
#define WORKER_SHARED_H

#include "port/atomics.h"
#include "storage/condition_variable.h"
#include "storage/latch.h"
#include "storage/lwlock.h"

#define SEAL_ERROR_LEN_MAX 256
#define SEALER_HELD_MAX 32		/* statements at a time that need a database
								 * unconnected */

typedef struct SharedDatabase
{
	Oid			database;		/* InvalidOid: the slot is free.  Set under
								 * SharedState.lock, unset when the database is
								 * dropped and so nobody can be in it */

	/* ids: under id_lock */
	LWLock		id_lock;
	uint64		id_next;		/* next counter to hand out */
	uint64		id_end;			/* end of the slab; id_next == id_end: empty */
	uint64		id_floor;		/* id_next never goes back below this */

	/* sealing */
	pg_atomic_uint32 opened;	/* its sealer saw that the log goes on under its name */
	pg_atomic_uint32 unsealed;	/* something committed since the last block */
	pg_atomic_uint64 seal_requested;	/* tickets drawn by seal() */
	pg_atomic_uint64 seal_done; /* tickets answered */
	ConditionVariable seal_cv;	/* wakes those who wait for seal_done */
	uint64		seal_height;	/* answer: newest height; written before
								 * seal_done, under seal_lock */
	LWLock		seal_lock;
	char		seal_error[SEAL_ERROR_LEN_MAX]; /* why the last attempt failed, or "" */

	/* the sealer: under SharedState.lock */
	int			sealer_pid;
	Latch	   *sealer_latch;
	bool		sealer_wanted;	/* the launcher shall start one */
	bool		open_wanted;	/* somebody needs the copied ledger open */

	/* who clears its markets: likewise */
	int			runner_pid;
	bool		runner_wanted;	/* the launcher shall start one */
} SharedDatabase;

typedef struct SharedState
{
	LWLock	   *lock;
	Latch	   *launcher_latch;
	int			id_tranche;
	Oid			held[SEALER_HELD_MAX];	/* databases without a sealer for now, under
										 * lock; one may stand here more than once */
	LWLock		key_lock;		/* whoever appends to the signing key file */
	bool		backup_restored;	/* this start began with the recovery of a backup */
	SharedDatabase database[FLEXIBLE_ARRAY_MEMBER];
} SharedState;

extern SharedState *shared_state;

extern void shared_init_hooks(void);	/* _PG_init only */

/* This database's slot, made on first use.  Errors where all slots are taken. */
extern SharedDatabase *shared_database(void);

/* Another's, or NULL. */
extern SharedDatabase *shared_database_find(Oid database);

/* A database was dropped: its slot is another's. */
extern void shared_database_forget(Oid database);

/* Is a sealer kept out of it?  Under SharedState.lock. */
extern bool shared_database_held(Oid database);

/* Tell those who wait for tickets up to `ticket`: the height, or why there is none. */
extern void shared_seal_answer(SharedDatabase *db, uint64 ticket, uint64 height, const char *error);

/* Make sure that a sealer runs for this database, and that it looks. */
extern void sealer_wake(SharedDatabase *db);

/* The same, and that it opens this database's ledger where it is a copy. */
extern void sealer_ask_to_open(SharedDatabase *db);

#endif							/* WORKER_SHARED_H */
