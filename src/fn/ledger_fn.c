/*
 * ledger_fn.c: SQL functions of the ledger: glue between SQL and src/ledger.
 */
#include "postgres.h"
#include "compat.h"

#include "access/xlog.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/builtins.h"

#include "worker/sealer.h"
#include "worker/shared.h"

PG_FUNCTION_INFO_V1(require_preload);
PG_FUNCTION_INFO_V1(seal);

/* First line of the extension script. */
Datum
require_preload(PG_FUNCTION_ARGS)
{
	if (shared_state == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("pg_energyledger must be loaded via shared_preload_libraries"),
				 errdetail("Without it nothing would guard, hash and seal ledger tables."),
				 errhint("Add pg_energyledger to shared_preload_libraries in postgresql.conf and restart the server.")));
	PG_RETURN_VOID();
}

/*
 * seal(): draws a ticket, wakes the sealer, waits for the answer.  The answer to
 * a later ticket answers ours as well.
 */
Datum
seal(PG_FUNCTION_ARGS)
{
	SharedDatabase *db = shared_database();
	uint64		ticket;
	uint64		height;
	char		error[SEAL_ERROR_LEN_MAX];

	if (RecoveryInProgress())
		ereport(ERROR,
				(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
				 errmsg("cannot seal during recovery"),
				 errhint("Seal on the primary.")));
	ticket = pg_atomic_add_fetch_u64(&db->seal_requested, 1);
	sealer_wake(db);
	ConditionVariablePrepareToSleep(&db->seal_cv);
	while (pg_atomic_read_u64(&db->seal_done) < ticket)
	{
		ConditionVariableTimedSleep(&db->seal_cv, 1000, PG_WAIT_EXTENSION);
		/* a sealer that went away meanwhile has to be asked for again */
		sealer_wake(db);
	}
	ConditionVariableCancelSleep();

	LWLockAcquire(&db->seal_lock, LW_SHARED);
	height = db->seal_height;
	strlcpy(error, db->seal_error, sizeof(error));
	LWLockRelease(&db->seal_lock);
	if (error[0] != '\0')
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("sealing failed"),
				 errdetail("The sealer says: %s", error),
				 errhint("See the server log.")));
	if (height == 0)
		PG_RETURN_NULL();
	PG_RETURN_INT64((int64) height);
}
