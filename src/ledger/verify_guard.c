/*
 * verify_guard.c: an error that damage causes is a finding, not the end.
 *
 * PostgreSQL raises an error where a page, a TOAST chunk or an index is not what
 * it should be.  Whoever verifies wants to hear of that, and then of the rest.  So what
 * reads is run in a subtransaction, which gives back pins, locks and files when it
 * fails.  Errors that say nothing about the data (a cancelled query, no memory, no
 * rights) are not ours to swallow.
 */
#include "postgres.h"
#include "compat.h"

#include "access/xact.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "ledger/verify_parts.h"

static bool
guard_is_damage(int code)
{
	switch (ERRCODE_TO_CATEGORY(code))
	{
		case ERRCODE_TO_CATEGORY(ERRCODE_INTERNAL_ERROR):
		case ERRCODE_TO_CATEGORY(ERRCODE_IO_ERROR):
		case ERRCODE_TO_CATEGORY(ERRCODE_DATA_EXCEPTION):
		case ERRCODE_TO_CATEGORY(ERRCODE_PROGRAM_LIMIT_EXCEEDED):
			return true;
		default:
			return code == ERRCODE_UNDEFINED_FILE || code == ERRCODE_UNDEFINED_OBJECT;
	}
}

bool
verify_guarded(guarded_function run, void *arg, char **why)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool done = true;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		run(arg);
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		/* also before it goes on upwards: a caller's own subtransaction is next */
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		if (!guard_is_damage(error->sqlerrcode))
			ReThrowError(error);
		*why = error->detail != NULL ? psprintf("%s: %s", error->message, error->detail) :
			pstrdup(error->message);
		FreeErrorData(error);
		done = false;
	}
	PG_END_TRY();
	return done;
}
