/*
 * lock_fn.c: locks by name, held to the end of the transaction: markets, parties' limits,
 * devices' certificates.
 *
 * Of parties and devices a call may name any number, and must not fill the lock table: they
 * share a fixed number of locks, by their names' hashes, which each call takes in the
 * same sequence.  Two that share one wait for each other without need, rarely.
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
#define LOCK_FIELD_CERTIFICATES 7
#define LOCKS_PARTY 256
#define LOCKS_CERTIFICATES 1024

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

/* Which of a subject's locks a name has. */
static void
lock_want(bool *wanted, int locks, text *name)
{
	wanted[lock_hash(name) % locks] = true;
}

static void
lock_wanted(const bool *wanted, int locks, uint16 field)
{
	for (int i = 0; i < locks; i++)
	{
		if (wanted[i])
			lock_number((uint64) i, field, ExclusiveLock);
	}
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
		lock_want(wanted, LOCKS_PARTY, DatumGetTextPP(element[i]));
	}
	lock_wanted(wanted, LOCKS_PARTY, LOCK_FIELD_PARTY);
	PG_RETURN_VOID();
}

/* certificates_lock(certificates certificate_range[]) */
Datum
energyledger_certificates_lock(PG_FUNCTION_ARGS)
{
	bool		wanted[LOCKS_CERTIFICATES] = {false};
	uint32		count;
	MoveRange  *range = move_ranges(PG_GETARG_ARRAYTYPE_P(0), &count);

	lock_refuse_isolation("certificates");
	for (uint32 i = 0; i < count; i++)
		lock_want(wanted, LOCKS_CERTIFICATES, range[i].device);
	lock_wanted(wanted, LOCKS_CERTIFICATES, LOCK_FIELD_CERTIFICATES);
	PG_RETURN_VOID();
}
