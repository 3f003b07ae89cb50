/*
 * verify_fn.c: energyledger.verify() and what shows it at work: arguments from SQL.
 */
#include "postgres.h"
#include "compat.h"

#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/rangetypes.h"
#include "utils/typcache.h"

#include "ledger/verify.h"
#include "ledger/verify_progress.h"

#define VERIFY_WORKERS_MAX 1024 /* as max_parallel_workers_per_gather has it */

PG_FUNCTION_INFO_V1(verify);
PG_FUNCTION_INFO_V1(verify_progress);

/* int8range in its canonical form has a lower bound that belongs to it and an upper that does not. */
static void
verify_ids(RangeType *range, VerifyOptions *o)
{
	TypeCacheEntry *type = lookup_type_cache(RangeTypeGetOid(range), TYPECACHE_RANGE_INFO);
	RangeBound	lower;
	RangeBound	upper;
	bool		empty;

	range_deserialize(type, range, &lower, &upper, &empty);
	o->ids_given = true;
	o->ids_low = empty ? 1 : lower.infinite ? PG_INT64_MIN : DatumGetInt64(lower.val);
	o->ids_high = empty ? 0 : upper.infinite ? PG_INT64_MAX : DatumGetInt64(upper.val) - 1;
}

/* verify(only_relation, site, ids, against, since, deep, workers): findings, one a row. */
Datum
verify(PG_FUNCTION_ARGS)
{
	VerifyOptions o = {.relid = InvalidOid,.workers = -1};

	if (!PG_ARGISNULL(0))
		o.relid = PG_GETARG_OID(0);
	if (!PG_ARGISNULL(1))
		o.site_id = PG_GETARG_INT32(1);
	if (!PG_ARGISNULL(1) && (o.site_id < 1 || o.site_id > 255))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("site %d does not exist", o.site_id),
				 errdetail("Sites have numbers from 1 to 255.")));
	if (!PG_ARGISNULL(2))
		verify_ids(PG_GETARG_RANGE_P(2), &o);
	if (!PG_ARGISNULL(3))
		o.against = text_to_cstring(PG_GETARG_TEXT_PP(3));
	if (!PG_ARGISNULL(4))
		o.since = text_to_cstring(PG_GETARG_TEXT_PP(4));
	o.deep = !PG_ARGISNULL(5) && PG_GETARG_BOOL(5);
	if (!PG_ARGISNULL(6))
		o.workers = PG_GETARG_INT32(6);
	if (!PG_ARGISNULL(6) && (o.workers < 0 || o.workers > VERIFY_WORKERS_MAX))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("cannot verify with %d workers", o.workers),
				 errdetail("Between 0 and %d are possible.", VERIFY_WORKERS_MAX)));
	InitMaterializedSRF(fcinfo, 0);
	verify_ledger((ReturnSetInfo *) fcinfo->resultinfo, &o);
	return (Datum) 0;
}

Datum
verify_progress(PG_FUNCTION_ARGS)
{
	InitMaterializedSRF(fcinfo, 0);
	progress_show((ReturnSetInfo *) fcinfo->resultinfo);
	return (Datum) 0;
}
