/*
 * runner_certificate.c: the runner's job of issuing certificates for devices that opted in.
 *
 * run_certificates() does some devices at a time, each batch in a transaction of its own, from
 * the first name to the last; then it rests.  Once a day it looks further back: for what came
 * late, and for what expires.
 */
#include "postgres.h"
#include "compat.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "pgstat.h"
#include "utils/memutils.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "guc.h"
#include "worker/runner_job.h"

#define CERTIFICATE_DEVICES 100 /* in one transaction: few enough to be locked one by one */
#define CERTIFICATE_FAR_EVERY_S 86400
#define CERTIFICATE_NEAR "3 days"
#define CERTIFICATE_FAR "40 days"

static char certificate_after[65] = "";	/* the last device that was done; "": none */
static bool certificate_far = true;
static TimestampTz certificate_far_at = 0;

/* What could not be done is said each time round: it is rare, and somebody has to look. */
static void
certificate_complain(void)
{
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		char	   *error = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2);

		if (error != NULL)
			ereport(LOG,
					(errmsg("certificates of device \"%s\" could not be issued: %s",
							SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1), error),
					 errdetail("It is tried again.")));
	}
}

long
runner_certificate_work(void)
{
	Oid			types[] = {TEXTOID};
	Datum		value[1];
	bool		done;

	if (certificate_after[0] == '\0')
		certificate_far = TimestampDifferenceExceeds(certificate_far_at, GetCurrentTimestamp(), CERTIFICATE_FAR_EVERY_S * 1000);
	runner_begin();
	pgstat_report_activity(STATE_RUNNING, "issuing certificates");
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	value[0] = CStringGetTextDatum(certificate_after);
	if (SPI_execute_with_args(psprintf("SELECT device, error FROM energyledger.run_certificates($1, '%s', %d)",
									   certificate_far ? CERTIFICATE_FAR : CERTIFICATE_NEAR, CERTIFICATE_DEVICES),
							  1, types, value, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "run_certificates() failed");
	certificate_complain();
	done = SPI_processed < CERTIFICATE_DEVICES;
	strlcpy(certificate_after, done ? "" : SPI_getvalue(SPI_tuptable->vals[SPI_processed - 1], SPI_tuptable->tupdesc, 1), sizeof(certificate_after));
	if (done && certificate_far)
	{
		if (SPI_execute("SELECT energyledger.expire_all('" CERTIFICATE_FAR "')", false, 0) != SPI_OK_SELECT)
			elog(ERROR, "expire_all() failed");
	}
	SPI_finish();
	runner_end();
	if (done && certificate_far)
		certificate_far_at = GetCurrentTimestamp();
	return done ? certificate_interval_s * 1000L : 1;
}
