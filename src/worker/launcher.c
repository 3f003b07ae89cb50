/*
 * launcher.c: one background worker for the cluster that sees to it that every
 * database with the extension has a sealer.
 *
 * It needs no list of databases.  At start it tries each database once: a sealer
 * that finds no extension leaves again.  Later, whoever first writes to a ledger
 * in a database without a sealer asks for one in shared memory.  A sealer that
 * died is started again after a pause.
 */
#include "postgres.h"
#include "compat.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "guc.h"
#include "worker/sealer.h"
#include "worker/shared.h"

#define LAUNCHER_PAUSE_MS 1000	/* between two rounds while something failed */
#define HOLD_WAIT_MS 10
#define HOLD_WAIT_MAX_MS 5000

PGDLLEXPORT void launcher_main(Datum arg);

static bool complained_of_slots = false;

/* Databases that one can connect to. */
static List *
launcher_databases(void)
{
	MemoryContext caller = CurrentMemoryContext;
	List	   *databases = NIL;
	Relation	rel;
	TableScanDesc scan;
	HeapTuple	tuple;

	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	rel = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(rel, 0, NULL);
	while (HeapTupleIsValid(tuple = heap_getnext(scan, ForwardScanDirection)))
	{
		Form_pg_database form = (Form_pg_database) GETSTRUCT(tuple);

		if (form->datallowconn && !form->datistemplate)
		{
			MemoryContext old = MemoryContextSwitchTo(caller);

			databases = lappend_oid(databases, form->oid);
			MemoryContextSwitchTo(old);
		}
	}
	table_endscan(scan);
	table_close(rel, AccessShareLock);
	CommitTransactionCommand();
	return databases;
}

/* What is started for a database. */
typedef struct LauncherKind
{
	const char *function;
	const char *name;
} LauncherKind;

static const LauncherKind launcher_sealer = {"sealer_main", "sealer"};
static const LauncherKind launcher_runner = {"runner_main", "runner"};

/* False where there is no free worker slot. */
static bool
launcher_start(Oid database, const LauncherKind *kind)
{
	BackgroundWorker worker;
	BackgroundWorkerHandle *handle;

	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	worker.bgw_main_arg = ObjectIdGetDatum(database);
	worker.bgw_notify_pid = MyProcPid;
	strlcpy(worker.bgw_library_name, "pg_energyledger", BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, kind->function, BGW_MAXLEN);
	snprintf(worker.bgw_name, BGW_MAXLEN, "energyledger %s of database %u", kind->name, database);
	snprintf(worker.bgw_type, BGW_MAXLEN, "energyledger %s", kind->name);
	if (RegisterDynamicBackgroundWorker(&worker, &handle))
	{
		pid_t		pid;

		(void) WaitForBackgroundWorkerStartup(handle, &pid);
		pfree(handle);
		complained_of_slots = false;
		return true;
	}
	if (!complained_of_slots)
		ereport(WARNING,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("no background worker slot for the %s of database %u", kind->name, database),
				 errhint("Raise max_worker_processes (now %d) and restart the server.",
						 max_worker_processes)));
	complained_of_slots = true;
	return false;
}

/* Is it wanted, and may it be?  Then it is ours to start. */
static bool
launcher_take(SharedDatabase *db, bool *wanted, const int *pid, Oid *database)
{
	bool		taken;

	LWLockAcquire(shared_state->lock, LW_EXCLUSIVE);
	taken = OidIsValid(db->database) && *wanted && *pid == 0 && !shared_database_held(db->database);
	if (taken)
	{
		*database = db->database;
		*wanted = false;
	}
	LWLockRelease(shared_state->lock);
	return taken;
}

static void
launcher_give_back(bool *wanted)
{
	LWLockAcquire(shared_state->lock, LW_EXCLUSIVE);
	*wanted = true;
	LWLockRelease(shared_state->lock);
}

/* Starts what is wanted.  True where something has to be tried again. */
static bool
launcher_round(void)
{
	bool		again = false;

	for (int i = 0; i < databases_max; i++)
	{
		SharedDatabase *db = &shared_state->database[i];
		Oid			database = InvalidOid;

		if (launcher_take(db, &db->sealer_wanted, &db->sealer_pid, &database) && !launcher_start(database, &launcher_sealer))
		{
			launcher_give_back(&db->sealer_wanted);
			again = true;
			/* nobody shall wait for a sealer that may never come */
			shared_seal_answer(db, pg_atomic_read_u64(&db->seal_requested), 0,
							   "no background worker slot is free: raise max_worker_processes");
		}
		if (launcher_take(db, &db->runner_wanted, &db->runner_pid, &database) && !launcher_start(database, &launcher_runner))
		{
			launcher_give_back(&db->runner_wanted);
			again = true;
		}
	}
	return again;
}

static void
launcher_leave(int code, Datum arg)
{
	LWLockAcquire(shared_state->lock, LW_EXCLUSIVE);
	shared_state->launcher_latch = NULL;
	LWLockRelease(shared_state->lock);
}

void
launcher_main(Datum arg)
{
	List	   *untried;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	before_shmem_exit(launcher_leave, (Datum) 0);
	LWLockAcquire(shared_state->lock, LW_EXCLUSIVE);
	shared_state->launcher_latch = MyLatch;
	LWLockRelease(shared_state->lock);

	untried = launcher_databases();
	while (!ShutdownRequestPending)
	{
		bool		again = false;

		while (untried != NIL && !ShutdownRequestPending)
		{
			if (!launcher_start(linitial_oid(untried), &launcher_sealer))
			{
				again = true;
				break;
			}
			untried = list_delete_first(untried);
		}
		again |= launcher_round();
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_EXIT_ON_PM_DEATH | (again ? WL_TIMEOUT : 0),
						 again ? LAUNCHER_PAUSE_MS : -1L, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
	}
	proc_exit(0);
}

void
launcher_register(void)
{
	BackgroundWorker worker;

	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = 5;
	strlcpy(worker.bgw_library_name, "pg_energyledger", BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, "launcher_main", BGW_MAXLEN);
	strlcpy(worker.bgw_name, "energyledger launcher", BGW_MAXLEN);
	strlcpy(worker.bgw_type, "energyledger launcher", BGW_MAXLEN);
	RegisterBackgroundWorker(&worker);
}

/* Asks a database's workers to leave; true while one is there. */
static bool
launcher_send_away(Oid database)
{
	SharedDatabase *db = shared_database_find(database);
	int			pid[2] = {0, 0};

	if (db == NULL)
		return false;
	LWLockAcquire(shared_state->lock, LW_SHARED);
	if (db->database == database)
	{
		pid[0] = db->sealer_pid;
		pid[1] = db->runner_pid;
	}
	LWLockRelease(shared_state->lock);
	for (int i = 0; i < 2; i++)
		if (pid[i] != 0)
			(void) kill(pid[i], SIGTERM);
	return pid[0] != 0 || pid[1] != 0;
}

/*
 * Sealer and runner are gone when this returns, or had five seconds to go.  One that is
 * just starting finds the database held, and leaves.
 */
int
sealer_hold(Oid database)
{
	int			hold = -1;

	LWLockAcquire(shared_state->lock, LW_EXCLUSIVE);
	for (int i = 0; i < SEALER_HELD_MAX && hold < 0; i++)
		if (!OidIsValid(shared_state->held[i]))
			hold = i;
	if (hold >= 0)
		shared_state->held[hold] = database;
	LWLockRelease(shared_state->lock);
	if (hold < 0)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("too many statements that need a database without its sealer at once"),
				 errdetail("At most %d can run at a time.", SEALER_HELD_MAX)));
	for (int waited_ms = 0; waited_ms < HOLD_WAIT_MAX_MS && launcher_send_away(database); waited_ms += HOLD_WAIT_MS)
		pg_usleep(HOLD_WAIT_MS * 1000L);
	return hold;
}

void
sealer_release(int hold, bool dropped)
{
	Oid			database = shared_state->held[hold];

	if (dropped)
		shared_database_forget(database);
	LWLockAcquire(shared_state->lock, LW_EXCLUSIVE);
	shared_state->held[hold] = InvalidOid;
	for (int i = 0; i < databases_max; i++)
		if (shared_state->database[i].database == database)
			shared_state->database[i].sealer_wanted = true;
	if (shared_state->launcher_latch != NULL)
		SetLatch(shared_state->launcher_latch);
	LWLockRelease(shared_state->lock);
}
