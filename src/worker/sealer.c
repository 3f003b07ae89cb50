/*
 * sealer.c: the background worker that makes a database's blocks.
 *
 * It is the only process that seals, so blocks are made one after the other
 * without locking anybody out, in a transaction that is committed and flushed
 * before anyone can see the signature.  It sleeps while nothing is written;
 * after a commit it seals once seal_interval has passed since the last block,
 * and at once when somebody calls seal().
 *
 * An error (a full disk, a log that does not verify) is logged once, told to
 * those who wait, and tried again; the sealer lives on.
 */
#include "postgres.h"
#include "compat.h"

#include "access/xact.h"
#include "catalog/pg_database.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "tcop/utility.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "guc.h"
#include "ledger/log.h"
#include "ledger/seal.h"
#include "ledger/site_change.h"
#include "worker/runner.h"
#include "worker/sealer.h"
#include "worker/shared.h"
#include "worker/transaction.h"

#define SEALER_IDLE_MS 10000	/* look at least this often: a commit that could
								 * not say so (recovered, prepared) is found */
#define SEALER_RETRY_MS 1000	/* while the log cannot be opened */

PGDLLEXPORT void sealer_main(Datum arg);

static SharedDatabase *mine = NULL;

static void
sealer_leave(int code, Datum arg)
{
	LWLockAcquire(shared_state->lock, LW_EXCLUSIVE);
	if (mine->sealer_pid == MyProcPid)
	{
		mine->sealer_pid = 0;
		mine->sealer_latch = NULL;
		/* died of an error: the launcher, told by our exit, starts another */
		if (code != 0)
			mine->sealer_wanted = true;
		if (shared_state->launcher_latch != NULL)
			SetLatch(shared_state->launcher_latch);
	}
	LWLockRelease(shared_state->lock);
	ConditionVariableBroadcast(&mine->seal_cv);
}

/* False where another sealer is there already, or one must not be. */
static bool
sealer_enter(void)
{
	bool		entered = false;

	mine = shared_database();
	LWLockAcquire(shared_state->lock, LW_EXCLUSIVE);
	if (mine->sealer_pid == 0 && !shared_database_held(MyDatabaseId))
	{
		mine->sealer_pid = MyProcPid;
		mine->sealer_latch = MyLatch;
		mine->sealer_wanted = false;
		entered = true;
	}
	LWLockRelease(shared_state->lock);
	if (entered)
		before_shmem_exit(sealer_leave, (Datum) 0);
	return entered;
}

static bool
sealer_has_extension(void)
{
	bool		has;

	StartTransactionCommand();
	has = OidIsValid(log_extension_oid());
	CommitTransactionCommand();
	return has;
}

/*
 * A transaction.  Its commit is flushed whatever the server's default is: a
 * signature must never outlive what it signs.
 */
static void
sealer_begin(void)
{
	transaction_begin();
	transaction_set("synchronous_commit", "on");
	/* what is new stands in order at the end of an index, whatever old statistics say */
	transaction_set("enable_seqscan", "off");
	transaction_set("enable_bitmapscan", "off");
	transaction_set("enable_sort", "off");
}

/*
 * Where the log must not go on under its name it gets another one, in a transaction
 * of its own, so that the next block's snapshot can tell what that wrote.  A
 * copied ledger is opened when somebody needs it, not because a sealer came by (a
 * server restarts in the middle of a restore), and not while a session restores into
 * it.  False where it stays closed.
 */
static bool
sealer_open(bool asked)
{
	bool		wanted;
	bool		open;

	LWLockAcquire(shared_state->lock, LW_EXCLUSIVE);
	wanted = mine->open_wanted || asked;
	mine->open_wanted = false;
	LWLockRelease(shared_state->lock);
	sealer_begin();
	PushActiveSnapshot(GetTransactionSnapshot());
	open = site_open_where_needed(wanted);
	if (open)
		runner_ask_where_needed();
	PopActiveSnapshot();
	CommitTransactionCommand();
	if (open)
		pg_atomic_write_u32(&mine->opened, 1);
	return open;
}

/* One block, in one transaction with one snapshot.  0 also where the ledger stays closed. */
static uint64
sealer_seal(bool asked)
{
	uint64		height;
	SealFloor	floor;

	if (!sealer_open(asked))
	{
		if (asked)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("this ledger was copied from another database and is still being restored")));
		return 0;
	}
	sealer_begin();
	/* in this order: see seal.c */
	floor = seal_floor();
	XactIsoLevel = XACT_REPEATABLE_READ;
	PushActiveSnapshot(GetTransactionSnapshot());
	pgstat_report_activity(STATE_RUNNING, "sealing");
	height = seal_block(floor);
	PopActiveSnapshot();
	CommitTransactionCommand();
	pgstat_report_activity(STATE_IDLE, NULL);
	return height;
}

/* Seal and answer; false where it failed. */
static bool
sealer_try(MemoryContext context)
{
	static bool complained = false;
	uint64		ticket;
	volatile uint64 height = 0;
	volatile bool failed = false;
	char		error[SEAL_ERROR_LEN_MAX] = "";

	/* first the flag and the ticket, then the snapshot: what comes later stays */
	pg_atomic_write_u32(&mine->unsealed, 0);
	pg_memory_barrier();
	ticket = pg_atomic_read_u64(&mine->seal_requested);

	PG_TRY();
	{
		height = sealer_seal(ticket != pg_atomic_read_u64(&mine->seal_done));
	}
	PG_CATCH();
	{
		ErrorData  *data;

		MemoryContextSwitchTo(context);
		data = CopyErrorData();
		strlcpy(error, data->message, sizeof(error));
		if (!complained)
			EmitErrorReport();
		FlushErrorState();
		AbortCurrentTransaction();
		pgstat_report_activity(STATE_IDLE, NULL);
		failed = true;
	}
	PG_END_TRY();

	if (complained && !failed)
		ereport(LOG, (errmsg("sealing works again")));
	complained = failed;
	if (failed)
		pg_atomic_write_u32(&mine->unsealed, 1);
	shared_seal_answer(mine, ticket, height, failed ? error : NULL);
	MemoryContextReset(context);
	return !failed;
}

/*
 * At start, and for somebody who needs no block.  False where it failed, as with a
 * key file that cannot be read.
 */
static bool
sealer_try_open(MemoryContext context)
{
	static bool complained = false;
	volatile bool looked = true;

	PG_TRY();
	{
		(void) sealer_open(false);
		complained = false;
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		if (!complained)
			EmitErrorReport();
		FlushErrorState();
		AbortCurrentTransaction();
		complained = true;
		looked = false;
	}
	PG_END_TRY();
	MemoryContextReset(context);
	return looked;
}

static bool
sealer_is_asked(void)
{
	return pg_atomic_read_u64(&mine->seal_requested) != pg_atomic_read_u64(&mine->seal_done);
}

static void
sealer_loop(void)
{
	MemoryContext context = AllocSetContextCreate(TopMemoryContext, "energyledger sealer",
												  ALLOCSET_DEFAULT_SIZES);
	TimestampTz last = 0;
	bool		look = true;	/* at start there may be something */
	bool		looked = false; /* whether the ledger has to be opened */

	while (!ShutdownRequestPending)
	{
		long		wait_ms = SEALER_IDLE_MS;
		bool		asked = sealer_is_asked();
		bool		due = false;

		/* where nothing is sealed by itself, a look is for the runner */
		if (look && seal_interval_ms == 0 && !sealer_has_extension())
			break;
		if (!looked || mine->open_wanted || (look && seal_interval_ms == 0))
		{
			MemoryContextSwitchTo(context);
			looked = sealer_try_open(context);
			if (!looked)
				wait_ms = SEALER_RETRY_MS;
		}
		if (seal_interval_ms > 0 && (look || pg_atomic_read_u32(&mine->unsealed) != 0))
		{
			long		rest_ms = TimestampDifferenceMilliseconds(GetCurrentTimestamp(),
																  TimestampTzPlusMilliseconds(last, seal_interval_ms));

			wait_ms = Min(wait_ms, rest_ms);
			due = wait_ms <= 0;
		}
		if (due || asked)
		{
			MemoryContextSwitchTo(context);
			if (!sealer_has_extension())
				break;
			look = !sealer_try(context);
			last = GetCurrentTimestamp();
			continue;
		}
		look = WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 Max(wait_ms, 1), PG_WAIT_EXTENSION) & WL_TIMEOUT;
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
sealer_main(Datum arg)
{
	Oid			database = DatumGetObjectId(arg);

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	BackgroundWorkerUnblockSignals();
	TRANSACTION_TIMEOUT_OFF();
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
	if (IsBinaryUpgrade || !sealer_has_extension() || !sealer_enter())
		proc_exit(0);
	pgstat_report_appname("energyledger sealer");
	sealer_loop();
	proc_exit(0);
}
