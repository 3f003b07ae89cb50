/*
 * verify_progress.c: what a running verify() tells others, and how fast it may read.
 *
 * A small array in shared memory, a slot for each call that runs.  Counters are
 * added to in steps of a page or more; whoever looks sees them a moment late.  Where all
 * slots are taken the call runs all the same, unseen.
 *
 * The brake: each process counts what it has read since it began and sleeps where
 * that is more than energyledger.verify_rate_limit allows for the time that passed.
 * Processes that read for one call share the rate.
 */
#include "postgres.h"
#include "compat.h"

#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "catalog/pg_authid.h"

#include "guc.h"
#include "ledger/verify_progress.h"
#include "worker/shared.h"

#define PROGRESS_RELATION_LEN_MAX (2 * NAMEDATALEN + 2)
#define BRAKE_SLEEP_MIN_MS 20	/* shorter ones are saved up */
#define BRAKE_SLEEP_MAX_MS 1000

typedef struct ProgressSlot
{
	int			pid;			/* 0: free.  This and what follows under shared_state->lock */
	Oid			database;
	Oid			role;
	ProgressPhase phase;
	char		relation[PROGRESS_RELATION_LEN_MAX];
	TimestampTz started_at;
	pg_atomic_uint64 blocks_total;
	pg_atomic_uint64 blocks_done;
	pg_atomic_uint64 rows_done;
	pg_atomic_uint64 leaves_total;
	pg_atomic_uint64 leaves_done;
	pg_atomic_uint64 findings;
} ProgressSlot;

static ProgressSlot *progress_slots = NULL;
static ProgressSlot *mine = NULL;

static TimestampTz brake_since = 0;
static uint64 brake_blocks = 0;
static int	brake_participants = 1;

Size
progress_shmem_size(void)
{
	return mul_size(PROGRESS_SLOTS, sizeof(ProgressSlot));
}

void
progress_shmem_init(void)
{
	bool		found;

	progress_slots = ShmemInitStruct("energyledger verify", progress_shmem_size(), &found);
	if (found)
		return;
	memset(progress_slots, 0, progress_shmem_size());
	for (int i = 0; i < PROGRESS_SLOTS; i++)
	{
		ProgressSlot *slot = &progress_slots[i];

		pg_atomic_init_u64(&slot->blocks_total, 0);
		pg_atomic_init_u64(&slot->blocks_done, 0);
		pg_atomic_init_u64(&slot->rows_done, 0);
		pg_atomic_init_u64(&slot->leaves_total, 0);
		pg_atomic_init_u64(&slot->leaves_done, 0);
		pg_atomic_init_u64(&slot->findings, 0);
	}
}

static void
brake_reset(int participants)
{
	brake_since = GetCurrentTimestamp();
	brake_blocks = 0;
	brake_participants = participants;
}

void
progress_begin(void)
{
	brake_reset(1);
	mine = NULL;
	LWLockAcquire(shared_state->lock, LW_EXCLUSIVE);
	for (int i = 0; i < PROGRESS_SLOTS && mine == NULL; i++)
		if (progress_slots[i].pid == 0)
			mine = &progress_slots[i];
	if (mine != NULL)
	{
		mine->pid = MyProcPid;
		mine->database = MyDatabaseId;
		mine->role = GetUserId();
		mine->phase = PROGRESS_LOG;
		mine->relation[0] = '\0';
		mine->started_at = GetCurrentTimestamp();
		pg_atomic_write_u64(&mine->blocks_total, 0);
		pg_atomic_write_u64(&mine->blocks_done, 0);
		pg_atomic_write_u64(&mine->rows_done, 0);
		pg_atomic_write_u64(&mine->leaves_total, 0);
		pg_atomic_write_u64(&mine->leaves_done, 0);
		pg_atomic_write_u64(&mine->findings, 0);
	}
	LWLockRelease(shared_state->lock);
}

void
progress_end(void)
{
	if (mine == NULL)
		return;
	LWLockAcquire(shared_state->lock, LW_EXCLUSIVE);
	mine->pid = 0;
	LWLockRelease(shared_state->lock);
	mine = NULL;
}

int
progress_slot(void)
{
	return mine != NULL ? (int) (mine - progress_slots) : -1;
}

void
progress_attach(int slot)
{
	mine = slot >= 0 && slot < PROGRESS_SLOTS ? &progress_slots[slot] : NULL;
	brake_reset(1);
}

void
progress_phase(ProgressPhase phase, const char *relation)
{
	if (mine == NULL)
		return;
	LWLockAcquire(shared_state->lock, LW_EXCLUSIVE);
	mine->phase = phase;
	strlcpy(mine->relation, relation != NULL ? relation : "", sizeof(mine->relation));
	LWLockRelease(shared_state->lock);
}

void
progress_totals(uint64 blocks, uint64 leaves)
{
	if (mine == NULL)
		return;
	pg_atomic_fetch_add_u64(&mine->blocks_total, blocks);
	pg_atomic_fetch_add_u64(&mine->leaves_total, leaves);
}

void
progress_share_rate(int participants)
{
	brake_reset(participants);
}

/* Sleep for what was read too early. */
static void
brake(uint64 blocks)
{
	double		allowed_ms;
	long		passed_ms;

	brake_blocks += blocks;
	if (verify_rate_limit_kb == 0 || blocks == 0)
		return;
	allowed_ms = (double) brake_blocks * (BLCKSZ / 1024.0) * 1000.0 * brake_participants / verify_rate_limit_kb;
	passed_ms = TimestampDifferenceMilliseconds(brake_since, GetCurrentTimestamp());
	while (allowed_ms - passed_ms >= BRAKE_SLEEP_MIN_MS)
	{
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 (long) Min(allowed_ms - passed_ms, BRAKE_SLEEP_MAX_MS), PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		passed_ms = TimestampDifferenceMilliseconds(brake_since, GetCurrentTimestamp());
	}
}

void
progress_blocks(uint64 blocks, uint64 rows)
{
	if (mine != NULL)
	{
		pg_atomic_fetch_add_u64(&mine->blocks_done, blocks);
		pg_atomic_fetch_add_u64(&mine->rows_done, rows);
	}
	brake(blocks);
}

void
progress_leaves(uint64 leaves)
{
	if (mine != NULL)
		pg_atomic_fetch_add_u64(&mine->leaves_done, leaves);
}

void
progress_finding(void)
{
	if (mine != NULL)
		pg_atomic_fetch_add_u64(&mine->findings, 1);
}

/* ---- for those who look ---- */

static const char *
progress_phase_name(ProgressPhase phase)
{
	switch (phase)
	{
		case PROGRESS_LOG:
			return "log";
		case PROGRESS_ROWS:
			return "rows";
		case PROGRESS_NAMING:
			return "naming rows";
		default:
			return "indexes";
	}
}

static void
progress_show_slot(ReturnSetInfo *result, ProgressSlot *slot)
{
	Datum		values[11] = {0};
	bool		nulls[11] = {false};
	char	   *database = get_database_name(slot->database);
	/* what somebody else is at is theirs, and for those who watch over servers */
	bool		may_see = has_privs_of_role(GetUserId(), slot->role) ||
		has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS);

	values[0] = Int32GetDatum(slot->pid);
	nulls[1] = database == NULL;
	if (database != NULL)
		values[1] = CStringGetTextDatum(database);
	values[2] = CStringGetTextDatum(progress_phase_name(slot->phase));
	nulls[3] = slot->relation[0] == '\0';
	values[3] = CStringGetTextDatum(slot->relation);
	values[4] = Int64GetDatum((int64) pg_atomic_read_u64(&slot->blocks_total));
	values[5] = Int64GetDatum((int64) pg_atomic_read_u64(&slot->blocks_done));
	values[6] = Int64GetDatum((int64) pg_atomic_read_u64(&slot->rows_done));
	values[7] = Int64GetDatum((int64) pg_atomic_read_u64(&slot->leaves_total));
	values[8] = Int64GetDatum((int64) pg_atomic_read_u64(&slot->leaves_done));
	values[9] = Int64GetDatum((int64) pg_atomic_read_u64(&slot->findings));
	values[10] = TimestampTzGetDatum(slot->started_at);
	for (int i = 2; i < 11; i++)
		nulls[i] |= !may_see;
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

void
progress_show(ReturnSetInfo *result)
{
	ProgressSlot *copy = palloc(progress_shmem_size());

	LWLockAcquire(shared_state->lock, LW_SHARED);
	memcpy(copy, progress_slots, progress_shmem_size());
	LWLockRelease(shared_state->lock);
	for (int i = 0; i < PROGRESS_SLOTS; i++)
		if (copy[i].pid != 0)
			progress_show_slot(result, &copy[i]);
	pfree(copy);
}
