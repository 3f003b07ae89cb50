/*
 * lock_fn.c: locks by name, held to the end of the transaction: markets, parties' limits,
 * devices' certificates.
 *
 * Of parties and devices a call may name any number, and must not fill the lock table.
 * Parties share a fixed number of locks, by their names' hashes.  Devices are in groups: a
 * call with few of them shares their groups with others and locks each device; one with
 * many has the groups alone.  Each call takes its locks in the same sequence.  Two names that
 * share a lock wait for each other without need, rarely.
 */
#include "postgres.h"
#include "compat.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "certificate/move.h"

PG_FUNCTION_INFO_V1(energyledger_market_lock);
PG_FUNCTION_INFO_V1(energyledger_parties_lock);
PG_FUNCTION_INFO_V1(energyledger_certificates_lock);

/* pg_advisory_lock() uses 1 and 2, site.c 3, registration.c 4 */
#define LOCK_FIELD_MARKET 5
#define LOCK_FIELD_PARTY 6
#define LOCK_FIELD_GROUP 7
#define LOCK_FIELD_DEVICE 8
#define LOCKS_PARTY 256
#define LOCKS_GROUP 64
#define LOCKS_DEVICE (1 << 24)
#define LOCK_DEVICES_MAX 128	/* locked one by one by a call ... */
#define LOCK_DEVICES_TOTAL_MAX 1024 /* ... and by the calls of a transaction */

/*
 * What was committed by those who had the lock before must be seen, and a transaction with
 * a snapshot of its own would not.
 */
static void
lock_refuse_isolation(const char *subject)
{
	if (IsolationUsesXactSnapshot())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TRANSACTION_STATE),
				 errmsg("%s are worked with in transactions of isolation level READ COMMITTED only", subject)));
}

static uint64
lock_hash(text *name)
{
	return hash_bytes_extended((const unsigned char *) VARDATA_ANY(name), (int) VARSIZE_ANY_EXHDR(name), 0);
}

static void
lock_number(uint64 number, uint16 field, LOCKMODE mode)
{
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, (uint32) (number >> 32), (uint32) number, field);
	(void) LockAcquire(&tag, mode, false, false);
}

/* market_lock(market text, exclusive boolean) */
Datum
energyledger_market_lock(PG_FUNCTION_ARGS)
{
	lock_refuse_isolation("markets");
	lock_number(lock_hash(PG_GETARG_TEXT_PP(0)), LOCK_FIELD_MARKET, PG_GETARG_BOOL(1) ? ExclusiveLock : ShareLock);
	PG_RETURN_VOID();
}

/* parties_lock(parties text[]) */
Datum
energyledger_parties_lock(PG_FUNCTION_ARGS)
{
	bool		wanted[LOCKS_PARTY] = {false};
	Datum	   *element;
	bool	   *null;
	int			count;

	lock_refuse_isolation("markets");
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), TEXTOID, -1, false, TYPALIGN_INT, &element, &null, &count);
	for (int i = 0; i < count; i++)
	{
		if (null[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("parties must not contain NULLs")));
		wanted[lock_hash(DatumGetTextPP(element[i])) % LOCKS_PARTY] = true;
	}
	for (int i = 0; i < LOCKS_PARTY; i++)
	{
		if (wanted[i])
			lock_number((uint64) i, LOCK_FIELD_PARTY, ExclusiveLock);
	}
	PG_RETURN_VOID();
}

static int
lock_compare(const void *a, const void *b)
{
	uint32		x = *(const uint32 *) a;
	uint32		y = *(const uint32 *) b;

	return x < y ? -1 : x > y;
}

/* Whether a transaction that locks so many more devices has too many to lock them one by one. */
static bool
lock_too_many(uint32 devices)
{
	static TimestampTz counted_at = 0;
	static uint32 counted = 0;

	if (counted_at != GetCurrentTransactionStartTimestamp())
	{
		counted_at = GetCurrentTransactionStartTimestamp();
		counted = 0;
	}
	counted += devices;
	return devices > LOCK_DEVICES_MAX || counted > LOCK_DEVICES_TOTAL_MAX;
}

/* certificates_lock(certificates certificate_range[]) */
Datum
energyledger_certificates_lock(PG_FUNCTION_ARGS)
{
	bool		group[LOCKS_GROUP] = {false};
	uint32		count;
	uint32		devices = 0;
	MoveRange  *range = move_ranges(PG_GETARG_ARRAYTYPE_P(0), &count);
	uint32	   *device = palloc_extended(Max(count, 1) * sizeof(uint32), MCXT_ALLOC_HUGE);
	LOCKMODE	mode;

	lock_refuse_isolation("certificates");
	for (uint32 i = 0; i < count; i++)
		device[i] = (uint32) (lock_hash(range[i].device) % LOCKS_DEVICE);
	qsort(device, count, sizeof(uint32), lock_compare);
	for (uint32 i = 0; i < count; i++)
	{
		if (devices == 0 || device[devices - 1] != device[i])
			device[devices++] = device[i];
		group[device[i] % LOCKS_GROUP] = true;
	}
	mode = lock_too_many(devices) ? ExclusiveLock : ShareLock;
	for (int i = 0; i < LOCKS_GROUP; i++)
	{
		if (group[i])
			lock_number((uint64) i, LOCK_FIELD_GROUP, mode);
	}
	for (uint32 i = 0; mode == ShareLock && i < devices; i++)
		lock_number(device[i], LOCK_FIELD_DEVICE, ExclusiveLock);
	PG_RETURN_VOID();
}
