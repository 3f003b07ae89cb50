/*
 * runner.c: the background worker that does what falls due in a database: clears markets when
 * their gates close, issues certificates for devices that opted in.
 *
 * What is due stands in the tables, so it does not matter who does it nor when: after a
 * crash, or a night without a server, what was missed is due and is done.  What cannot be
 * done does not keep the rest waiting; it is tried again, and said so once.
 *
 * It is started once the sealer sees markets or such devices in an open ledger.  A ledger that
 * was copied is not open before somebody writes to it: no copy does such work by itself.
 */
#include "postgres.h"
#include "compat.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
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
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "guc.h"
#include "ledger/log.h"
#include "worker/runner.h"
#include "worker/runner_job.h"
#include "worker/shared.h"
#include "worker/transaction.h"

#define RUNNER_IDLE_MS 10000	/* between two looks at the settings */
#define RUNNER_LOCK_WAIT "2s"	/* for whoever has orders of a market, or certificates, in an open transaction */

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

/* Rows of a ledger table never go. */
static bool
runner_has_rows(const char *table)
{
	Oid			schema = get_namespace_oid("energyledger", true);
	Oid			relid = OidIsValid(schema) ? get_relname_relid(table, schema) : InvalidOid;
	Relation	rel;
	bool		exists;

	if (!OidIsValid(relid))
		return false;
	rel = table_open(relid, AccessShareLock);
	exists = RelationGetNumberOfBlocks(rel) > 0;
	table_close(rel, AccessShareLock);
	return exists;
}

static bool
runner_is_needed(void)
{
	return (market_interval_ms > 0 && runner_has_rows("market")) || (certificate_interval_s > 0 && runner_has_rows("certificate_device"));
}

void
runner_ask_where_needed(void)
{
	SharedDatabase *db = shared_database();

	if (db->runner_pid != 0 || db->runner_wanted || !runner_is_needed())
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

void
runner_begin(void)
{
	transaction_begin();
	/* what somebody keeps locked shall not keep the rest waiting */
	transaction_set("lock_timeout", RUNNER_LOCK_WAIT);
	/* whatever the database's default is */
	XactIsoLevel = XACT_READ_COMMITTED;
	PushActiveSnapshot(GetTransactionSnapshot());
}

void
runner_end(void)
{
	PopActiveSnapshot();
	CommitTransactionCommand();
	pgstat_report_stat(false);
	pgstat_report_activity(STATE_IDLE, NULL);
}

/* Nothing to do any more, or for now: then it stays while the extension does. */
static bool
runner_has_work(void)
{
	bool		has;

	StartTransactionCommand();
	has = OidIsValid(log_extension_oid()) && (runner_has_rows("market") || runner_has_rows("certificate_device"));
	CommitTransactionCommand();
	return has;
}

/* Milliseconds until there is more to do.  An error is said once. */
static long
runner_try(MemoryContext context, const RunnerJob *job, bool *complained)
{
	volatile long wait_ms = RUNNER_IDLE_MS;

	runner_in_transaction = true;
	PG_TRY();
	{
		wait_ms = job->work();
		*complained = false;
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		if (!*complained)
			EmitErrorReport();
		FlushErrorState();
		AbortCurrentTransaction();
		pgstat_report_activity(STATE_IDLE, NULL);
		*complained = true;
		wait_ms = Max(*job->interval * job->unit_ms, 1000L);
	}
	PG_END_TRY();
	runner_in_transaction = false;
	MemoryContextReset(context);
	return wait_ms;
}

static void
runner_loop(void)
{
	static const RunnerJob jobs[] = {
		{runner_market_work, &market_interval_ms, 1},
		{runner_certificate_work, &certificate_interval_s, 1000},
	};
	MemoryContext context = AllocSetContextCreate(TopMemoryContext, "energyledger runner",
												  ALLOCSET_DEFAULT_SIZES);
	TimestampTz due[lengthof(jobs)] = {0};
	bool		complained[lengthof(jobs)] = {false};

	while (!ShutdownRequestPending)
	{
		long		wait_ms = RUNNER_IDLE_MS;

		MemoryContextSwitchTo(context);
		if (!runner_has_work())
			break;
		for (int i = 0; i < (int) lengthof(jobs) && !ShutdownRequestPending; i++)
		{
			if (*jobs[i].interval == 0)
				continue;
			MemoryContextSwitchTo(context);
			if (GetCurrentTimestamp() >= due[i])
				due[i] = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), runner_try(context, &jobs[i], &complained[i]));
			wait_ms = Min(wait_ms, TimestampDifferenceMilliseconds(GetCurrentTimestamp(), due[i]));
		}
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, Max(wait_ms, 1), PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
			memset(due, 0, sizeof(due));
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
	pgstat_report_appname("energyledger runner");
	runner_loop();
	proc_exit(0);
}
