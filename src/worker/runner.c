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
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/bufmgr.h"
#include "storage/ipc.h"
#include "storage/latch.h"
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
#include "worker/shared.h"

#define RUNNER_IDLE_MS 10000	/* between two looks at the setting while it is off */
#define RUNNER_SLOTS 100		/* cleared in one transaction */
#define RUNNER_HOLES_EVERY_S 3600	/* so often it looks a week back, otherwise an hour */

PGDLLEXPORT void runner_main(Datum arg);

static SharedDatabase *mine = NULL;

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
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	/* nobody's functions but the system's, and one level whatever the database's settings say */
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_LOCAL, true, 0, false);
	XactIsoLevel = XACT_READ_COMMITTED;
	PushActiveSnapshot(GetTransactionSnapshot());
}

/* An error is said when it comes up, not each second that it stays. */
static void
runner_complain(const char *market, const char *slot, const char *error)
{
	static char last[512] = "";
	char		now[512];

	snprintf(now, sizeof(now), "%s %s %s", market, slot, error);
	if (strcmp(now, last) == 0)
		return;
	strlcpy(last, now, sizeof(last));
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
		char	   *error = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 3);

		if (error != NULL)
			runner_complain(SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1),
							SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2), error);
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
			tried = runner_try(context, far ? "7 days" : "1 hour");
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
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	BackgroundWorkerUnblockSignals();
	TRANSACTION_TIMEOUT_OFF();
	BackgroundWorkerInitializeConnectionByOid(DatumGetObjectId(arg), InvalidOid, 0);
	if (IsBinaryUpgrade || !runner_has_work() || !runner_enter())
		proc_exit(0);
	pgstat_report_appname("energyledger market runner");
	runner_loop();
	proc_exit(0);
}
