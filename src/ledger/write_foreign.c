/*
 * write_foreign.c: rows that were hashed where they were written: a restore brings
 * them, or a subscription.
 *
 * They keep the ids that they have and make no entries.  A restore may bring them only
 * where the ledger is not open yet, and a subscription never in our own name: what
 * this site signs was written here.
 */
#include "postgres.h"
#include "compat.h"

#include "replication/logicalworker.h"
#include "utils/lsyscache.h"

#include "guc.h"
#include "ledger/ids.h"
#include "ledger/schema.h"
#include "ledger/site.h"
#include "ledger/write.h"

bool
write_is_restoring(void)
{
	return unlikely(restore_mode) && !site_is_open();
}

int
write_restore_hint(void)
{
	return restore_mode ?
		errhint("energyledger.restore_mode takes rows only where the ledger is not open yet: restore into a new database.") : 0;
}

bool
write_takes_ids(void)
{
	if (unlikely(restore_mode) && !site_is_open())
	{
		/* nobody opens it while we bring rows; somebody may have, before */
		site_keep_closed();
		return !site_is_open();
	}
	return IsLogicalWorker();
}

static void
write_refuse_foreign(Relation rel, const char *what, int64 value)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("cannot take replicated rows of site %d into \"%s\"",
					site_current()->site_id, RelationGetRelationName(rel)),
			 errdetail("%s is " INT64_FORMAT ": rows of this site are written here and nowhere else.", what, value),
			 errhint("Filter the publication's rows by site.")));
}

/*
 * Rows that were hashed elsewhere have their ids.  A subscription brings what
 * other sites wrote, never rows in our own name.
 */
void
write_check_given(Relation rel, TupleTableSlot **slots, int count)
{
	AttrNumber	attnum = get_attnum(RelationGetRelid(rel), LEDGER_ID_COLUMN);

	for (int i = 0; i < count; i++)
	{
		bool		isnull = attnum == InvalidAttrNumber;
		int64		id = isnull ? 0 : DatumGetInt64(slot_getattr(slots[i], attnum, &isnull));

		if (isnull || id <= 0 || LEDGER_ID_SITE(id) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_NOT_NULL_VIOLATION),
					 errmsg("row for ledger table \"%s\" brings no ledger_id", RelationGetRelationName(rel)),
					 errdetail("Rows that were written in another ledger keep the ids that they have there.")));
		if (IsLogicalWorker() && LEDGER_ID_SITE(id) == site_current()->site_id)
			write_refuse_foreign(rel, "ledger_id", id);
	}
}

bool
write_takes_log_rows(Relation rel, TupleTableSlot **slots, int count)
{
	AttrNumber	attnum;

	if (!write_takes_ids())
		return false;
	if (!IsLogicalWorker())
		return true;
	attnum = get_attnum(RelationGetRelid(rel), "site_id");
	for (int i = 0; i < count; i++)
	{
		bool		isnull = attnum == InvalidAttrNumber;
		int16		site = isnull ? 0 : DatumGetInt16(slot_getattr(slots[i], attnum, &isnull));

		if (isnull || site == site_current()->site_id)
			write_refuse_foreign(rel, "site_id", isnull ? 0 : site);
	}
	return true;
}
