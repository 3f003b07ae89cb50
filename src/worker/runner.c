/*
 * runner.c: the background worker that clears a database's markets when their gates close.
 *
 * What is to be cleared stands in the tables (due_slots()), so it does not matter who
 * clears nor when: after a crash, or a night without a server, the slots that were missed
 * are due and are cleared one after the other.  A slot that cannot be cleared does not
 * keep the others waiting; it is tried again, and said so once.
 *
 * It is started once the sealer sees markets in an open ledger.  A ledger that was copied
 * is not open before somebody writes to it: no copy clears markets by itself.
 */
#include "postgres.h"
#include "compat.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/bufmgr.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "guc.h"
#include "ledger/log.h"
#include "worker/runner.h"
#include "worker/shared.h"
#include "worker/transaction.h"

#define RUNNER_IDLE_MS 10000	/* between two looks at the setting while it is off */
#define RUNNER_SLOTS 100		/* cleared in one transaction */
#define RUNNER_HOLES_EVERY_S 3600	/* so often it looks a week back, otherwise an hour */
#define RUNNER_LOCK_WAIT "2s"	/* for whoever has orders of a market in an open transaction */
#define RUNNER_COMPLAINTS_MAX 10000 /* remembered */

PGDLLEXPORT void runner_main(Datum arg);

static SharedDatabase *mine = NULL;
static volatile sig_atomic_t runner_in_transaction = false;

/*
 * Between transactions it leaves by itself.  In one it may be waiting for a lock that
 * nobody gives back, as that of a prepared transaction.
 */
static void
runner_terminate(SIGNAL_ARGS)
{
	SignalHandlerForShutdownRequest(postgres_signal_arg);
	if (runner_in_transaction)
		die(postgres_signal_arg);
}

static bool
runner_market_exists(void)
{
	Oid			schema = get_namespace_oid("energyledger", true);
	Oid			relid = OidIsValid(schema) ? get_relname_relid("market", schema) : InvalidOid;
	Relation	rel;
	bool		exists;

	if (!OidIsValid(relid))
		return false;
	/* rows of a ledger table never go */
	rel = table_open(relid, AccessShareLock);
	exists = RelationGetNumberOfBlocks(rel) > 0;
	table_close(rel, AccessShareLock);
	return exists;
}

void
runner_ask_where_needed(void)
{
	SharedDatabase *db = shared_database();

	if (db->runner_pid != 0 || db->runner_wanted || market_interval_ms == 0 || !runner_market_exists())
		return;
	LWLockAcquire(shared_state->lock, LW_EXCLUSIVE);
	db->runner_wanted = db->runner_pid == 0;
	if (shared_state->launcher_latch != NULL)
		SetLatch(shared_state->launcher_latch);
	LWLockRelease(shared_state->lock);
}

static void
runner_leave(int code, Datum arg)
{
	LWLockAcquire(shared_state->lock, LW_EXCLUSIVE);
	if (mine->runner_pid == MyProcPid)
		mine->runner_pid = 0;
	LWLockRelease(shared_state->lock);
}

/* False where another is there already, or one must not be. */
static bool
runner_enter(void)
{
	bool		entered = false;

	mine = shared_database();
	LWLockAcquire(shared_state->lock, LW_EXCLUSIVE);
	if (mine->runner_pid == 0 && !shared_database_held(MyDatabaseId))
	{
		mine->runner_pid = MyProcPid;
		mine->runner_wanted = false;
		entered = true;
	}
	LWLockRelease(shared_state->lock);
	if (entered)
		before_shmem_exit(runner_leave, (Datum) 0);
	return entered;
}

static void
runner_begin(void)
{
	transaction_begin();
	/* a market that somebody keeps locked shall not keep the others waiting */
	transaction_set("lock_timeout", RUNNER_LOCK_WAIT);
	/* whatever the database's default is */
	XactIsoLevel = XACT_READ_COMMITTED;
	PushActiveSnapshot(GetTransactionSnapshot());
}

typedef struct RunnerComplaint
{
	uint64		slot;			/* hash of market and slot */
	uint64		error;			/* hash of what was said of it */
} RunnerComplaint;

static HTAB *
runner_complaints(void)
{
	static HTAB *complaints = NULL;
	HASHCTL		info;

	if (complaints != NULL && hash_get_num_entries(complaints) >= RUNNER_COMPLAINTS_MAX)
	{
		hash_destroy(complaints);
		complaints = NULL;
	}
	if (complaints == NULL)
	{
		info.keysize = sizeof(uint64);
		info.entrysize = sizeof(RunnerComplaint);
		complaints = hash_create("energyledger market runner's complaints", 64, &info, HASH_ELEM | HASH_BLOBS);
	}
	return complaints;
}

static uint64
runner_hash(const char *text)
{
	return hash_bytes_extended((const unsigned char *) text, strlen(text), 0);
}

/* An error is said when it comes up, not each second that it stays.  NULL: there is none. */
static void
runner_complain(const char *market, const char *slot, const char *error)
{
	uint64		key = runner_hash(psprintf("%s %s", market, slot));
	uint64		hash;
	RunnerComplaint *complaint;
	bool		found;

	if (error == NULL)
	{
		(void) hash_search(runner_complaints(), &key, HASH_REMOVE, NULL);
		return;
	}
	hash = runner_hash(error);
	complaint = hash_search(runner_complaints(), &key, HASH_ENTER, &found);
	if (found && complaint->error == hash)
		return;
	complaint->error = hash;
	ereport(LOG,
			(errmsg("market \"%s\" could not be cleared for %s: %s", market, slot, error),
			 errdetail("It is tried again.")));
}

/* How many slots were tried. */
static uint64
runner_clear(const char *holes)
{
	uint64		tried;

	runner_begin();
	pgstat_report_activity(STATE_RUNNING, "clearing markets");
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute(psprintf("SELECT market, slot::text, error FROM energyledger.run_market('%s', %d)", holes, RUNNER_SLOTS), false, 0) != SPI_OK_SELECT)
		elog(ERROR, "run_market() failed");
	tried = SPI_processed;
	for (uint64 i = 0; i < tried; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];

		runner_complain(SPI_getvalue(row, SPI_tuptable->tupdesc, 1),
						SPI_getvalue(row, SPI_tuptable->tupdesc, 2),
						SPI_getvalue(row, SPI_tuptable->tupdesc, 3));
	}
	SPI_finish();
	PopActiveSnapshot();
	CommitTransactionCommand();
	pgstat_report_stat(false);
	pgstat_report_activity(STATE_IDLE, NULL);
	return tried;
}

static bool
runner_has_work(void)
{
	bool		has;

	StartTransactionCommand();
	has = OidIsValid(log_extension_oid()) && runner_market_exists();
	CommitTransactionCommand();
	return has;
}

/* False where it failed: said once. */
static uint64
runner_try(MemoryContext context, const char *holes)
{
	static bool complained = false;
	volatile uint64 tried = 0;

	PG_TRY();
	{
		tried = runner_clear(holes);
		complained = false;
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		if (!complained)
			EmitErrorReport();
		FlushErrorState();
		AbortCurrentTransaction();
		pgstat_report_activity(STATE_IDLE, NULL);
		complained = true;
	}
	PG_END_TRY();
	MemoryContextReset(context);
	return tried;
}

static void
runner_loop(void)
{
	MemoryContext context = AllocSetContextCreate(TopMemoryContext, "energyledger market runner",
												  ALLOCSET_DEFAULT_SIZES);
	TimestampTz looked_back = 0;

	while (!ShutdownRequestPending)
	{
		bool		far = TimestampDifferenceExceeds(looked_back, GetCurrentTimestamp(), RUNNER_HOLES_EVERY_S * 1000);
		uint64		tried = 0;

		if (market_interval_ms > 0)
		{
			MemoryContextSwitchTo(context);
			if (!runner_has_work())
				break;
			runner_in_transaction = true;
			tried = runner_try(context, far ? "7 days" : "1 hour");
			runner_in_transaction = false;
			if (far && tried < RUNNER_SLOTS)
				looked_back = GetCurrentTimestamp();
		}
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 market_interval_ms == 0 ? RUNNER_IDLE_MS : tried == RUNNER_SLOTS ? 1 : market_interval_ms,
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
	}
}

void
runner_main(Datum arg)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, runner_terminate);
	BackgroundWorkerUnblockSignals();
	TRANSACTION_TIMEOUT_OFF();
	BackgroundWorkerInitializeConnectionByOid(DatumGetObjectId(arg), InvalidOid, 0);
	if (IsBinaryUpgrade || !runner_has_work() || !runner_enter())
		proc_exit(0);
	pgstat_report_appname("energyledger market runner");
	runner_loop();
	proc_exit(0);
}
