/*
 * shared.c: lays out the shared memory and finds a database's slot in it.
 *
 * A slot, once given to a database, stays with it until the server stops or the
 * database is dropped: whoever is connected to it may keep the pointer.
 */
#include "postgres.h"
#include "compat.h"

#include <unistd.h>

#include "access/xlog.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/shmem.h"

#include "guc.h"
#include "ledger/site_key.h"
#include "ledger/verify_progress.h"
#include "worker/shared.h"

SharedState *shared_state = NULL;

static shmem_request_hook_type prev_shmem_request_hook = NULL;
static shmem_startup_hook_type prev_shmem_startup_hook = NULL;

static Size
shared_size(void)
{
	return add_size(offsetof(SharedState, database),
					mul_size(databases_max, sizeof(SharedDatabase)));
}

static void
shared_request(void)
{
	if (prev_shmem_request_hook)
		prev_shmem_request_hook();
	RequestAddinShmemSpace(shared_size());
	RequestAddinShmemSpace(progress_shmem_size());
	RequestNamedLWLockTranche("energyledger", 1);
}

static void
shared_database_init(SharedDatabase *db, int tranche)
{
	LWLockInitialize(&db->id_lock, tranche);
	LWLockInitialize(&db->seal_lock, tranche);
	pg_atomic_init_u32(&db->opened, 0);
	pg_atomic_init_u32(&db->unsealed, 0);
	pg_atomic_init_u64(&db->seal_requested, 0);
	pg_atomic_init_u64(&db->seal_done, 0);
	ConditionVariableInit(&db->seal_cv);
}

static void
shared_startup(void)
{
	bool		found;

	if (prev_shmem_startup_hook)
		prev_shmem_startup_hook();

	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	shared_state = ShmemInitStruct("energyledger", shared_size(), &found);
	if (!found)
	{
		memset(shared_state, 0, shared_size());
		shared_state->lock = &GetNamedLWLockTranche("energyledger")->lock;
		shared_state->id_tranche = LWLockNewTrancheId();
		LWLockInitialize(&shared_state->key_lock, shared_state->id_tranche);
		for (int i = 0; i < databases_max; i++)
			shared_database_init(&shared_state->database[i], shared_state->id_tranche);
		/* both are gone by the time that anybody could ask */
		shared_state->backup_restored = access(RECOVERY_SIGNAL_FILE, F_OK) == 0 &&
			access(STANDBY_SIGNAL_FILE, F_OK) != 0;
		if (!IsBinaryUpgrade)
			site_key_prepare();
	}
	progress_shmem_init();
	LWLockRelease(AddinShmemInitLock);
	LWLockRegisterTranche(shared_state->id_tranche, "energyledger_database");
}

void
shared_init_hooks(void)
{
	prev_shmem_request_hook = shmem_request_hook;
	shmem_request_hook = shared_request;
	prev_shmem_startup_hook = shmem_startup_hook;
	shmem_startup_hook = shared_startup;
}

SharedDatabase *
shared_database_find(Oid database)
{
	SharedDatabase *found = NULL;

	LWLockAcquire(shared_state->lock, LW_SHARED);
	for (int i = 0; i < databases_max && found == NULL; i++)
		if (shared_state->database[i].database == database)
			found = &shared_state->database[i];
	LWLockRelease(shared_state->lock);
	return found;
}

SharedDatabase *
shared_database(void)
{
	static SharedDatabase *mine = NULL;

	if (mine != NULL)
		return mine;
	mine = shared_database_find(MyDatabaseId);
	if (mine != NULL)
		return mine;

	LWLockAcquire(shared_state->lock, LW_EXCLUSIVE);
	for (int i = 0; i < databases_max && mine == NULL; i++)
	{
		SharedDatabase *db = &shared_state->database[i];

		if (db->database == MyDatabaseId || !OidIsValid(db->database))
		{
			db->database = MyDatabaseId;
			mine = db;
		}
	}
	LWLockRelease(shared_state->lock);
	if (mine == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("too many databases with a ledger in this cluster"),
				 errdetail("energyledger.max_databases is %d.", databases_max),
				 errhint("Raise energyledger.max_databases and restart the server.")));
	return mine;
}

void
shared_database_forget(Oid database)
{
	LWLockAcquire(shared_state->lock, LW_EXCLUSIVE);
	for (int i = 0; i < databases_max; i++)
	{
		SharedDatabase *db = &shared_state->database[i];

		if (db->database != database)
			continue;
		memset(db, 0, sizeof(*db));
		shared_database_init(db, shared_state->id_tranche);
	}
	LWLockRelease(shared_state->lock);
}

bool
shared_database_held(Oid database)
{
	for (int i = 0; i < SEALER_HELD_MAX; i++)
		if (shared_state->held[i] == database)
			return true;
	return false;
}

void
shared_seal_answer(SharedDatabase *db, uint64 ticket, uint64 height, const char *error)
{
	LWLockAcquire(&db->seal_lock, LW_EXCLUSIVE);
	if (error == NULL)
		db->seal_height = height;
	strlcpy(db->seal_error, error != NULL ? error : "", SEAL_ERROR_LEN_MAX);
	LWLockRelease(&db->seal_lock);
	pg_atomic_write_u64(&db->seal_done, ticket);
	ConditionVariableBroadcast(&db->seal_cv);
}

void
sealer_wake(SharedDatabase *db)
{
	LWLockAcquire(shared_state->lock, LW_EXCLUSIVE);
	if (db->sealer_latch != NULL)
		SetLatch(db->sealer_latch);
	else
	{
		db->sealer_wanted = true;
		if (shared_state->launcher_latch != NULL)
			SetLatch(shared_state->launcher_latch);
	}
	LWLockRelease(shared_state->lock);
}

void
sealer_ask_to_open(SharedDatabase *db)
{
	LWLockAcquire(shared_state->lock, LW_EXCLUSIVE);
	db->open_wanted = true;
	LWLockRelease(shared_state->lock);
	sealer_wake(db);
}
