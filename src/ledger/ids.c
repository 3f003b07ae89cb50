/*
 * ids.c: hands out runs of ledger_ids.
 *
 * Writers take runs, not single ids, and a run grows while nobody else has
 * reserved behind it, so that one transaction's rows stay one contiguous range:
 * that is what lets a row find its entry.  The slab makes a reservation an
 * addition under a lightweight lock; the sequence, which is crash-safe, is asked
 * once in a million ids.  A crash loses the rest of a slab and nothing else.
 */
#include "postgres.h"
#include "compat.h"

#include "catalog/namespace.h"
#include "commands/sequence.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"

#include "ledger/ids.h"
#include "ledger/log.h"
#include "ledger/site.h"
#include "worker/shared.h"

/* The sequence's WAL record precedes every commit that uses the slab. */
static void
ids_refill(SharedDatabase *db, uint64 n)
{
	/* after a start the sequence is believed only as far as the log lets us */
	uint64		used = db->id_end == 0 ? ids_used() : 0;
	int64		start = nextval_internal(log_relation_oid("ledger_id_seq"), false);

	CHECK_FOR_INTERRUPTS();
	LWLockAcquire(&db->id_lock, LW_EXCLUSIVE);
	if (db->id_end == 0 && used >= (uint64) start)
		db->id_next = db->id_end = used + 1;
	/*
	 * Where another backend was faster, ours is lost.  An older slab is never
	 * installed after a newer one: ids only ever grow.
	 */
	if (db->id_end - db->id_next < n && (uint64) start >= db->id_end)
	{
		db->id_next = (uint64) start;
		db->id_end = (uint64) start + LEDGER_ID_SLAB;
	}
	LWLockRelease(&db->id_lock);
}

uint64
ids_reserve(uint64 n)
{
	SharedDatabase *db = shared_database();
	uint64		site = (uint64) site_current()->site_id;

	Assert(n > 0 && n <= LEDGER_ID_SLAB);
	for (;;)
	{
		uint64		first = 0;

		LWLockAcquire(&db->id_lock, LW_EXCLUSIVE);
		if (db->id_end - db->id_next >= n)
		{
			first = db->id_next;
			db->id_next += n;
		}
		LWLockRelease(&db->id_lock);
		if (first != 0)
			return site << LEDGER_ID_COUNTER_BITS | first;
		ids_refill(db, n);
	}
}

bool
ids_extend(uint64 end, uint64 n)
{
	SharedDatabase *db = shared_database();
	uint64		counter = end & ((UINT64CONST(1) << LEDGER_ID_COUNTER_BITS) - 1);
	bool		extended = false;

	LWLockAcquire(&db->id_lock, LW_EXCLUSIVE);
	if (db->id_next == counter && db->id_end - db->id_next >= n)
	{
		db->id_next += n;
		extended = true;
	}
	LWLockRelease(&db->id_lock);
	return extended;
}

void
ids_return(uint64 from, uint64 end)
{
	SharedDatabase *db = shared_database();
	uint64		mask = (UINT64CONST(1) << LEDGER_ID_COUNTER_BITS) - 1;

	if (from >= end)
		return;
	LWLockAcquire(&db->id_lock, LW_EXCLUSIVE);
	if (db->id_next == (end & mask))
		db->id_next = Max(from & mask, db->id_floor);
	LWLockRelease(&db->id_lock);
}

uint64
ids_floor(void)
{
	SharedDatabase *db = shared_database();
	uint64		site = (uint64) site_current()->site_id;
	uint64		floor;

	/* with no slab nothing is known of the ids to come: get one */
	if (db->id_end == 0)
		ids_refill(db, 1);
	LWLockAcquire(&db->id_lock, LW_EXCLUSIVE);
	floor = db->id_floor = db->id_next;
	LWLockRelease(&db->id_lock);
	return site << LEDGER_ID_COUNTER_BITS | floor;
}
