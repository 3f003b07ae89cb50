/*
 * runner_market.c: the runner's job of clearing markets.
 *
 * Which slots are due says due_slots(); run_market() clears them.
 */
#include "postgres.h"
#include "compat.h"

#include "common/hashfn.h"
#include "executor/spi.h"
#include "pgstat.h"
#include "utils/hsearch.h"
#include "utils/timestamp.h"

#include "guc.h"
#include "worker/runner_job.h"

#define MARKET_SLOTS 100		/* cleared in one transaction */
#define MARKET_HOLES_EVERY_S 3600	/* so often it looks a week back, otherwise an hour */
#define MARKET_COMPLAINTS_MAX 10000 /* remembered */

typedef struct RunnerComplaint
{
	uint64		slot;			/* hash of market and slot */
	uint64		error;			/* hash of what was said of it */
} RunnerComplaint;

static HTAB *
runner_complaints(void)
{
	static HTAB *complaints = NULL;
	HASHCTL		info;

	if (complaints != NULL && hash_get_num_entries(complaints) >= MARKET_COMPLAINTS_MAX)
	{
		hash_destroy(complaints);
		complaints = NULL;
	}
	if (complaints == NULL)
	{
		info.keysize = sizeof(uint64);
		info.entrysize = sizeof(RunnerComplaint);
		complaints = hash_create("markets complained about", 64, &info, HASH_ELEM | HASH_BLOBS);
	}
	return complaints;
}

static uint64
runner_hash(const char *text)
{
	return hash_bytes_extended((const unsigned char *) text, strlen(text), 0);
}

/* An error is said when it comes up, not each second that it stays.  NULL: there is none. */
static void
runner_complain(const char *market, const char *slot, const char *error)
{
	uint64		key = runner_hash(psprintf("%s %s", market, slot));
	uint64		hash;
	RunnerComplaint *complaint;
	bool		found;

	if (error == NULL)
	{
		(void) hash_search(runner_complaints(), &key, HASH_REMOVE, NULL);
		return;
	}
	hash = runner_hash(error);
	complaint = hash_search(runner_complaints(), &key, HASH_ENTER, &found);
	if (found && complaint->error == hash)
		return;
	complaint->error = hash;
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
	if (SPI_execute(psprintf("SELECT market, slot::text, error FROM energyledger.run_market('%s', %d)", holes, MARKET_SLOTS), false, 0) != SPI_OK_SELECT)
		elog(ERROR, "run_market() failed");
	tried = SPI_processed;
	for (uint64 i = 0; i < tried; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];

		runner_complain(SPI_getvalue(row, SPI_tuptable->tupdesc, 1),
						SPI_getvalue(row, SPI_tuptable->tupdesc, 2),
						SPI_getvalue(row, SPI_tuptable->tupdesc, 3));
	}
	SPI_finish();
	runner_end();
	return tried;
}

long
runner_market_work(void)
{
	static TimestampTz looked_back = 0;
	bool		far = TimestampDifferenceExceeds(looked_back, GetCurrentTimestamp(), MARKET_HOLES_EVERY_S * 1000);
	uint64		tried = runner_clear(far ? "7 days" : "1 hour");

	if (far && tried < MARKET_SLOTS)
		looked_back = GetCurrentTimestamp();
	return tried == MARKET_SLOTS ? 1 : market_interval_ms;
}
