/*
 * energy_fn.c: the SQL face of what readings mean: arguments checked, slots given
 * as rows.  Runs with its caller's rights and only reads.
 */
#include "postgres.h"
#include "compat.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "metering/energy.h"

PG_FUNCTION_INFO_V1(energyledger_interval_energy);
PG_FUNCTION_INFO_V1(energyledger_energy_between);
PG_FUNCTION_INFO_V1(energyledger_reading_conflicts);
PG_FUNCTION_INFO_V1(energyledger_register_role);
PG_FUNCTION_INFO_V1(energyledger_reading_wh);

#define ENERGY_COLUMNS_MAX 10
#define ENERGY_SPREAD_MAX_US (INT64CONST(1) << 60)	/* of either part of an interval: their sum has 64 bits */

/* The columns of interval_energy are the first six of energy_between's. */
static void
energy_emit(void *to, EnergyDirection direction, const EnergySlot *slot)
{
	ReturnSetInfo *rsinfo = to;
	Datum		value[ENERGY_COLUMNS_MAX];
	bool		null[ENERGY_COLUMNS_MAX] = {false};
	bool		known = slot->quality < ENERGY_CONFLICTING;

	value[0] = TimestampTzGetDatum(slot->from);
	value[1] = TimestampTzGetDatum(slot->to);
	value[2] = CStringGetTextDatum(energy_direction_name(direction));
	value[3] = Int64GetDatum(slot->wh);
	null[3] = !known;
	value[4] = CStringGetTextDatum(energy_quality_name(slot->quality));
	value[5] = known ? (Datum) 0 : CStringGetTextDatum(energy_reason_name(slot->reason));
	null[5] = known;
	value[6] = TimestampTzGetDatum(slot->known_from);
	value[7] = TimestampTzGetDatum(slot->known_to);
	value[8] = Int64GetDatum(slot->known_wh);
	null[6] = null[7] = null[8] = known || !slot->has_known;
	value[9] = Int64GetDatum(slot->linear_wh);
	null[9] = known || !slot->has_linear;
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, value, null);
	pfree(DatumGetPointer(value[2]));
	pfree(DatumGetPointer(value[4]));
	if (!known)
		pfree(DatumGetPointer(value[5]));
}

static void
energy_required(FunctionCallInfo fcinfo, int arg, const char *name)
{
	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be NULL", name)));
}

/* A length of time in microseconds: no months, and a day is 24 hours. */
static int64
energy_spread_max(FunctionCallInfo fcinfo, int arg)
{
	Interval   *span;

	energy_required(fcinfo, arg, "spread_max");
	span = PG_GETARG_INTERVAL_P(arg);
	if (span->month != 0 || span->time < 0 || span->day < 0 || span->time > ENERGY_SPREAD_MAX_US ||
		span->day > ENERGY_SPREAD_MAX_US / USECS_PER_DAY)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"spread_max\" must be a length of time in days or less, not below zero"),
				 errdetail("It is %s.", DatumGetCString(DirectFunctionCall1(interval_out, PG_GETARG_DATUM(arg))))));
	return span->time + span->day * USECS_PER_DAY;
}

static void
energy_finite(TimestampTz at)
{
	if (TIMESTAMP_NOT_FINITE(at))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a slot must begin and end at finite times")));
}

/* known_at, and everything but the boundaries. */
static void
energy_query(FunctionCallInfo fcinfo, int spread_arg, EnergyQuery *q)
{
	energy_required(fcinfo, 0, "meter");
	memset(q, 0, sizeof(*q));
	q->meter = text_to_cstring(PG_GETARG_TEXT_PP(0));
	q->spread_max_us = energy_spread_max(fcinfo, spread_arg);
	q->has_known_at = !PG_ARGISNULL(spread_arg + 1);
	if (q->has_known_at)
		q->known_at = PG_GETARG_TIMESTAMPTZ(spread_arg + 1);
	q->estimates = true;
	InitMaterializedSRF(fcinfo, 0);
}

/* interval_energy(meter, since, until, spread_max, known_at): a row a slot and direction. */
Datum
energyledger_interval_energy(PG_FUNCTION_ARGS)
{
	EnergyQuery q;
	TimestampTz from;
	TimestampTz to;
	TimestampTz *boundary;
	int64		slots;

	energy_query(fcinfo, 3, &q);
	energy_required(fcinfo, 1, "since");
	energy_required(fcinfo, 2, "until");
	from = PG_GETARG_TIMESTAMPTZ(1);
	to = PG_GETARG_TIMESTAMPTZ(2);
	energy_finite(from);
	energy_finite(to);
	if (from >= to || from % ENERGY_SLOT_US != 0 || to % ENERGY_SLOT_US != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"since\" and \"until\" must be ends of 15-minute slots, in this order"),
				 errdetail("They are %s and %s.", pstrdup(timestamptz_to_str(from)), pstrdup(timestamptz_to_str(to)))));
	/* the times may be further apart than 64 bits have microseconds */
	slots = to / ENERGY_SLOT_US - from / ENERGY_SLOT_US;
	if (slots > ENERGY_SLOTS_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many slots"),
				 errdetail("%lld are asked for; at most %d are worked out at a time.",
						   (long long) slots, ENERGY_SLOTS_MAX),
				 errhint("Ask for less time at once.")));
	q.count = (int) slots;
	boundary = palloc(sizeof(TimestampTz) * (q.count + 1));
	for (int i = 0; i <= q.count; i++)
		boundary[i] = from + i * ENERGY_SLOT_US;
	q.boundary = boundary;
	energy_slots(&q, energy_emit, fcinfo->resultinfo);
	pfree(boundary);
	return (Datum) 0;
}

/* energy_between(meter, boundaries, spread_max, known_at, estimates): between each boundary and the next. */
Datum
energyledger_energy_between(PG_FUNCTION_ARGS)
{
	EnergyQuery q;
	ArrayType  *array;
	Datum	   *element;
	bool	   *null;
	int			count;
	TimestampTz *boundary;

	energy_query(fcinfo, 2, &q);
	energy_required(fcinfo, 1, "boundaries");
	energy_required(fcinfo, 4, "estimates");
	q.estimates = PG_GETARG_BOOL(4);
	array = PG_GETARG_ARRAYTYPE_P(1);
	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"boundaries\" must be a one-dimensional array"),
				 errdetail("The array has %d dimensions.", ARR_NDIM(array))));
	deconstruct_array(array, TIMESTAMPTZOID, 8, true, TYPALIGN_DOUBLE, &element, &null, &count);
	boundary = palloc(sizeof(TimestampTz) * Max(count, 1));
	for (int i = 0; i < count; i++)
	{
		if (null[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument \"boundaries\" must not contain NULLs"),
					 errdetail("Element %d is NULL.", i + 1)));
		boundary[i] = DatumGetTimestampTz(element[i]);
		energy_finite(boundary[i]);
		if (i > 0 && boundary[i] <= boundary[i - 1])
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("argument \"boundaries\" must ascend"),
					 errdetail("Element %d is not later than the one before.", i + 1)));
	}
	q.count = count - 1;
	q.boundary = boundary;
	if (q.count > 0)
		energy_slots(&q, energy_emit, fcinfo->resultinfo);
	return (Datum) 0;
}

static void
energy_emit_conflict(void *to, EnergyDirection direction, const EnergyNode *node)
{
	ReturnSetInfo *rsinfo = to;
	Datum		value[9];
	bool		null[9] = {false};

	value[0] = CStringGetTextDatum(energy_direction_name(direction));
	value[1] = TimestampTzGetDatum(node->from);
	value[2] = TimestampTzGetDatum(node->to);
	value[3] = BoolGetDatum(node->stands);
	value[4] = Int64GetDatum(node->wh);
	value[5] = Int64GetDatum(node->parts_wh);
	value[6] = Int64GetDatum(node->epoch);
	value[7] = Int64GetDatum(node->seq);
	value[8] = Int16GetDatum(node->item);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, value, null);
	pfree(DatumGetPointer(value[0]));
}

/* reading_conflicts(meter, since, until, known_at): totals that disagree with their parts. */
Datum
energyledger_reading_conflicts(PG_FUNCTION_ARGS)
{
	EnergyQuery q = {0};
	TimestampTz boundary[2];

	energy_required(fcinfo, 0, "meter");
	energy_required(fcinfo, 1, "since");
	energy_required(fcinfo, 2, "until");
	q.meter = text_to_cstring(PG_GETARG_TEXT_PP(0));
	boundary[0] = PG_GETARG_TIMESTAMPTZ(1);
	boundary[1] = PG_GETARG_TIMESTAMPTZ(2);
	energy_finite(boundary[0]);
	energy_finite(boundary[1]);
	if (boundary[0] >= boundary[1])
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"since\" must be before \"until\""),
				 errdetail("They are %s and %s.", pstrdup(timestamptz_to_str(boundary[0])),
						   pstrdup(timestamptz_to_str(boundary[1])))));
	q.has_known_at = !PG_ARGISNULL(3);
	if (q.has_known_at)
		q.known_at = PG_GETARG_TIMESTAMPTZ(3);
	q.count = 1;
	q.boundary = boundary;
	InitMaterializedSRF(fcinfo, 0);
	energy_conflicts(&q, energy_emit_conflict, fcinfo->resultinfo);
	return (Datum) 0;
}

/* Powers of ten of the units of heat; -1 for any other unit. */
static int
energy_joule_exponent(const char *unit)
{
	if (strcmp(unit, "J") == 0)
		return 0;
	if (strcmp(unit, "kJ") == 0)
		return 3;
	if (strcmp(unit, "MJ") == 0)
		return 6;
	return strcmp(unit, "GJ") == 0 ? 9 : -1;
}

/* value * 10^places J as whole Wh, rounded down; -1 for what is below zero or too large. */
static int64
energy_joule_wh(int64 value, int places)
{
	const int128 wh = (int128) 3600 * 1000000000;	/* in nJ */
	int128		one = 1;

	for (int i = -9; i < places; i++)
		one *= 10;
	if (value < 0 || value > ENERGY_WH_MAX * wh / one)
		return -1;
	return (int64) (value * one / wh);
}

/* reading_wh(value, scale, unit): strict. */
Datum
energyledger_reading_wh(PG_FUNCTION_ARGS)
{
	EnergyReading r = {.to = 1,.status = 'G'};
	int			scale = PG_GETARG_INT16(1);
	char	   *unit = text_to_cstring(PG_GETARG_TEXT_PP(2));
	int			joule = energy_joule_exponent(unit);

	if (joule >= 0 && scale >= -9 && scale <= 9)
	{
		int64		wh = energy_joule_wh(PG_GETARG_INT64(0), scale + joule);

		if (wh < 0)
			PG_RETURN_NULL();
		PG_RETURN_INT64(wh);
	}
	energy_read_quantity(&r, PG_GETARG_INT64(0), PG_GETARG_INT16(1), unit);
	if (!r.usable)
		PG_RETURN_NULL();
	PG_RETURN_INT64((int64) (r.nwh / 1000000000));
}

/* register_role(obis): strict. */
Datum
energyledger_register_role(PG_FUNCTION_ARGS)
{
	EnergyRegister reg;
	char	   *obis = text_to_cstring(PG_GETARG_TEXT_PP(0));

	/* a longer one is cut, and no name of ours then either */
	strlcpy(reg.obis, obis, sizeof(reg.obis));
	energy_obis(&reg);
	if (reg.direction == ENERGY_OTHER)
		PG_RETURN_TEXT_P(cstring_to_text("other"));
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("%s%s", energy_direction_name(reg.direction),
											  reg.tariff > 0 ? " tariff" : "")));
}
