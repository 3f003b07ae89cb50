/*
 * sun_fn.c: the SQL face of the sun, of clear skies, and of what a plant can have
 * produced: arguments checked one by one, so that an error names what is wrong.
 *
 * Nothing is read or written: results are of the arguments alone.
 */
#include "postgres.h"
#include "compat.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/timestamp.h"

#include "core/plausibility.h"

PG_FUNCTION_INFO_V1(energyledger_solar_position);
PG_FUNCTION_INFO_V1(energyledger_sun_times);
PG_FUNCTION_INFO_V1(energyledger_clear_sky);
PG_FUNCTION_INFO_V1(energyledger_production_bound);

#define SUN_OUT_MAX 4
#define SUN_EPOCH_MS (INT64CONST(1000) * SECS_PER_DAY * (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE))

/* What refraction is computed with, where nobody measures. */
#define SUN_TEMPERATURE_C 12

/* Arguments of production_bound(). */
enum
{
	BOUND_TECHNOLOGY,
	BOUND_FROM,
	BOUND_TO,
	BOUND_CAPACITY,
	BOUND_LATITUDE,
	BOUND_LONGITUDE,
	BOUND_ALTITUDE,
	BOUND_TILT,
	BOUND_AZIMUTH,
	BOUND_TURBIDITY,
	BOUND_CURVE,
	BOUND_GLOBAL,
	BOUND_PLANE,
	BOUND_WIND,
	BOUND_DENSITY,
	BOUND_COUNT
};

static Datum
sun_row(FunctionCallInfo fcinfo, int columns, Datum *value, bool *null)
{
	TupleDesc	desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE || desc->natts != columns)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("function must return a row of %d columns", columns)));
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), value, null));
}

static void
sun_required(FunctionCallInfo fcinfo, int arg, const char *name)
{
	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be NULL", name)));
}

static int64
sun_in_range(int64 value, const char *name, int64 least, int64 most)
{
	if (value < least || value > most)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be %lld to %lld", name, (long long) least, (long long) most),
				 errdetail("It is %lld.", (long long) value)));
	return value;
}

static int32
sun_latitude(int32 microdegrees)
{
	return (int32) sun_in_range(microdegrees, "latitude_microdegrees", -90000000, 90000000);
}

static int32
sun_longitude(int32 microdegrees)
{
	return (int32) sun_in_range(microdegrees, "longitude_microdegrees", -180000000, 180000000);
}

static int32
sun_altitude(int32 metres)
{
	return (int32) sun_in_range(metres, "altitude_m", PLAUSIBILITY_ALTITUDE_MIN_M, PLAUSIBILITY_ALTITUDE_MAX_M);
}

/* ms since 1970, rounded down; only years in which the sun's series holds. */
static int64
sun_ms(TimestampTz at, const char *name)
{
	if (TIMESTAMP_NOT_FINITE(at) || at < (SUN_FROM_MS - SUN_EPOCH_MS) * 1000 || at >= (SUN_TO_MS - SUN_EPOCH_MS) * 1000)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be in the years 1900 to 2099, in UTC", name),
				 errdetail("It is %s.", timestamptz_to_str(at))));
	/* a whole number of days from a multiple of a millisecond: nothing here is below 0 */
	return (at - (SUN_FROM_MS - SUN_EPOCH_MS) * 1000) / 1000 + SUN_FROM_MS;
}

static TimestampTz
sun_timestamp(int64 at_ms)
{
	return (at_ms - SUN_EPOCH_MS) * 1000;
}

/* ---- the sun ---- */

/* solar_position(at, latitude, longitude, altitude) */
Datum
energyledger_solar_position(PG_FUNCTION_ARGS)
{
	int64		at_ms = sun_ms(PG_GETARG_TIMESTAMPTZ(0), "at");
	int32		latitude = sun_latitude(PG_GETARG_INT32(1));
	int32		longitude = sun_longitude(PG_GETARG_INT32(2));
	int32		altitude_m = sun_altitude(PG_GETARG_INT32(3));
	bool		null[SUN_OUT_MAX] = {false};
	Datum		value[SUN_OUT_MAX];
	sun_position position;

	sun_position_at(at_ms, latitude / 1e6, longitude / 1e6, &position);
	value[0] = Float8GetDatum(position.elevation_degrees);
	value[1] = Float8GetDatum(position.elevation_degrees +
							  sun_refraction_degrees(position.elevation_degrees, sun_pressure_pa(altitude_m), SUN_TEMPERATURE_C));
	value[2] = Float8GetDatum(position.azimuth_degrees);
	value[3] = Float8GetDatum(position.equation_of_time_min);
	return sun_row(fcinfo, 4, value, null);
}

/* When a local day begins, as timezone() says it. */
static int64
sun_midnight_ms(DateADT day, text *time_zone)
{
	Timestamp	midnight = (Timestamp) day * USECS_PER_DAY;

	return sun_ms(DatumGetTimestampTz(DirectFunctionCall2(timestamp_zone, PointerGetDatum(time_zone), TimestampGetDatum(midnight))), "day");
}

/* sun_times(day, time_zone, latitude, longitude) */
Datum
energyledger_sun_times(PG_FUNCTION_ARGS)
{
	DateADT		day = PG_GETARG_DATEADT(0);
	text	   *time_zone = PG_GETARG_TEXT_PP(1);
	int32		latitude = sun_latitude(PG_GETARG_INT32(2));
	int32		longitude = sun_longitude(PG_GETARG_INT32(3));
	bool		null[SUN_OUT_MAX] = {false};
	Datum		value[SUN_OUT_MAX];
	int64		from_ms;
	int64		to_ms;
	sun_day		times;

	/* before a date is made a time, which not all can be */
	if (DATE_NOT_FINITE(day) || day < -POSTGRES_EPOCH_JDATE || day > (SUN_TO_MS - SUN_EPOCH_MS) / SUN_DAY_MS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be in the years 1900 to 2099, in UTC", "day"),
				 errdetail("It is %s.", DatumGetCString(DirectFunctionCall1(date_out, DateADTGetDatum(day))))));
	from_ms = sun_midnight_ms(day, time_zone);
	to_ms = sun_midnight_ms(day + 1, time_zone);
	/* a day that a zone left out, as Samoa one in 2011 */
	if (to_ms <= from_ms || to_ms - from_ms > SUN_DAY_LENGTH_MAX_MS)
		PG_RETURN_NULL();
	sun_day_find(from_ms, to_ms, latitude / 1e6, longitude / 1e6, &times);
	null[0] = !times.has_sunrise;
	null[1] = !times.has_transit;
	null[2] = !times.has_sunset;
	value[0] = TimestampTzGetDatum(sun_timestamp(times.sunrise_ms));
	value[1] = TimestampTzGetDatum(sun_timestamp(times.transit_ms));
	value[2] = TimestampTzGetDatum(sun_timestamp(times.sunset_ms));
	value[3] = CStringGetTextDatum(sun_day_kind_name(times.kind));
	return sun_row(fcinfo, 4, value, null);
}

/* clear_sky(at, latitude, longitude, altitude, turbidity) */
Datum
energyledger_clear_sky(PG_FUNCTION_ARGS)
{
	int64		at_ms = sun_ms(PG_GETARG_TIMESTAMPTZ(0), "at");
	int32		latitude = sun_latitude(PG_GETARG_INT32(1));
	int32		longitude = sun_longitude(PG_GETARG_INT32(2));
	int32		altitude_m = sun_altitude(PG_GETARG_INT32(3));
	int64		turbidity = sun_in_range(PG_GETARG_INT32(4), "turbidity_hundredths",
										 PLAUSIBILITY_TURBIDITY_MIN, PLAUSIBILITY_TURBIDITY_MAX);
	clear_sky_air air = clear_sky_air_of(altitude_m, turbidity / 100.0);
	bool		null[SUN_OUT_MAX] = {false};
	Datum		value[SUN_OUT_MAX];
	sun_position position;
	sun_orbit	orbit;
	clear_sky	sky;
	double		apparent;

	sun_position_at(at_ms, latitude / 1e6, longitude / 1e6, &position);
	sun_orbit_at(at_ms, &orbit);
	apparent = position.elevation_degrees +
		sun_refraction_degrees(position.elevation_degrees, sun_pressure_pa(altitude_m), SUN_TEMPERATURE_C);
	clear_sky_ineichen(&air, sin(apparent * SUN_RADIANS), clear_sky_airmass(90 - apparent) * air.pressure_ratio,
					   sun_extraterrestrial_w_m2(&orbit), false, &sky);
	value[0] = Float8GetDatum(sky.ghi_w_m2);
	value[1] = Float8GetDatum(sky.dni_w_m2);
	value[2] = Float8GetDatum(sky.dhi_w_m2);
	return sun_row(fcinfo, 3, value, null);
}

/* ---- bounds ---- */

/* An integer argument that may be absent. */
static int32
sun_optional(FunctionCallInfo fcinfo, int arg, const char *name, int32 least, int32 most, bool *has)
{
	*has = !PG_ARGISNULL(arg);
	return *has ? (int32) sun_in_range(PG_GETARG_INT32(arg), name, least, most) : 0;
}

static void
bound_read_place(FunctionCallInfo fcinfo, plausibility_device *device)
{
	bool		has_tilt;
	bool		has_azimuth;

	if (PG_ARGISNULL(BOUND_LATITUDE) != PG_ARGISNULL(BOUND_LONGITUDE))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a place must have both latitude and longitude"),
				 errdetail("\"%s\" is NULL, and the other is not.",
						   PG_ARGISNULL(BOUND_LATITUDE) ? "latitude_microdegrees" : "longitude_microdegrees")));
	device->has_place = !PG_ARGISNULL(BOUND_LATITUDE);
	if (device->has_place)
	{
		device->latitude_microdegrees = sun_latitude(PG_GETARG_INT32(BOUND_LATITUDE));
		device->longitude_microdegrees = sun_longitude(PG_GETARG_INT32(BOUND_LONGITUDE));
	}
	if (!PG_ARGISNULL(BOUND_ALTITUDE))
		device->altitude_m = sun_altitude(PG_GETARG_INT32(BOUND_ALTITUDE));
	device->tilt_degrees = (int16_t) sun_optional(fcinfo, BOUND_TILT, "tilt_degrees", 0, 180, &has_tilt);
	device->azimuth_degrees = (int16_t) sun_optional(fcinfo, BOUND_AZIMUTH, "azimuth_degrees", 0, 359, &has_azimuth);
	/* what lies flat faces no direction */
	device->has_plane = has_tilt && (has_azimuth || device->tilt_degrees == 0 || device->tilt_degrees == 180);
}

/* No element NULL. */
static int
bound_elements(ArrayType *array, const char *name, Oid type, Datum **element)
{
	bool	   *null;
	int			count;

	if (type == INT4OID)
		deconstruct_array(array, type, sizeof(int32), true, TYPALIGN_INT, element, &null, &count);
	else
		deconstruct_array(array, type, sizeof(int64), sizeof(int64) <= sizeof(Datum), TYPALIGN_DOUBLE, element, &null, &count);
	for (int i = 0; i < count; i++)
	{
		if (null[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument \"%s\" must not contain NULLs", name),
					 errdetail("Element %d is NULL.", i + 1)));
	}
	return count;
}

static void
bound_read_turbidity(FunctionCallInfo fcinfo, plausibility_device *device)
{
	ArrayType  *array;
	Datum	   *month;

	if (PG_ARGISNULL(BOUND_TURBIDITY))
		return;
	array = PG_GETARG_ARRAYTYPE_P(BOUND_TURBIDITY);
	if (ARR_NDIM(array) != 1 || ARR_DIMS(array)[0] != 12)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must have twelve elements", "turbidity_hundredths"),
				 errdetail("It has %d in %d dimensions.", ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)), ARR_NDIM(array))));
	bound_elements(array, "turbidity_hundredths", INT4OID, &month);
	device->has_turbidity = true;
	for (int m = 0; m < 12; m++)
		device->turbidity_hundredths[m] = (int16_t) sun_in_range(DatumGetInt32(month[m]), "turbidity_hundredths",
																 PLAUSIBILITY_TURBIDITY_MIN, PLAUSIBILITY_TURBIDITY_MAX);
}

/* Pairs of speed and power: an array of two dimensions, the inner of two elements. */
static void
bound_read_curve(FunctionCallInfo fcinfo, plausibility_device *device, plausibility_curve_point *curve)
{
	ArrayType  *array;
	Datum	   *element;

	if (PG_ARGISNULL(BOUND_CURVE))
		return;
	array = PG_GETARG_ARRAYTYPE_P(BOUND_CURVE);
	if (ARR_NDIM(array) != 2 || ARR_DIMS(array)[1] != 2 || ARR_DIMS(array)[0] > PLAUSIBILITY_CURVE_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must have 1 to %d pairs of a speed and a power", "power_curve", PLAUSIBILITY_CURVE_MAX),
				 errdetail("It has %d elements in %d dimensions.", ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)), ARR_NDIM(array))));
	device->curve_count = bound_elements(array, "power_curve", INT8OID, &element) / 2;
	device->curve = curve;
	for (int i = 0; i < device->curve_count; i++)
	{
		int64		speed_cm_s = DatumGetInt64(element[2 * i]);
		int64		power_w = DatumGetInt64(element[2 * i + 1]);

		if (speed_cm_s < 0 || speed_cm_s > PLAUSIBILITY_SPEED_MAX_CM_S || power_w < 0 || power_w > PLAUSIBILITY_CAPACITY_MAX_W)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a speed of argument \"%s\" must be 0 to %d cm/s and its power 0 to %lld W", "power_curve",
							PLAUSIBILITY_SPEED_MAX_CM_S, (long long) PLAUSIBILITY_CAPACITY_MAX_W),
					 errdetail("Pair %d has %lld cm/s and %lld W.", i + 1, (long long) speed_cm_s, (long long) power_w)));
		curve[i] = (plausibility_curve_point) {(int32_t) speed_cm_s, power_w};
		if (i > 0 && curve[i].speed_cm_s <= curve[i - 1].speed_cm_s)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("speeds of argument \"%s\" must rise", "power_curve"),
					 errdetail("Pair %d has %d cm/s, the one before %d cm/s.", i + 1, (int) curve[i].speed_cm_s, (int) curve[i - 1].speed_cm_s)));
	}
}

static plausibility_weather
bound_read_weather(FunctionCallInfo fcinfo)
{
	plausibility_weather weather;

	weather.global_w_m2 = sun_optional(fcinfo, BOUND_GLOBAL, "irradiance_w_m2", 0, PLAUSIBILITY_IRRADIANCE_MAX_W_M2, &weather.has_global);
	weather.plane_w_m2 = sun_optional(fcinfo, BOUND_PLANE, "plane_irradiance_w_m2", 0, PLAUSIBILITY_IRRADIANCE_MAX_W_M2, &weather.has_plane);
	weather.wind_cm_s = sun_optional(fcinfo, BOUND_WIND, "wind_speed_cm_s", 0, PLAUSIBILITY_SPEED_MAX_CM_S, &weather.has_wind);
	weather.density_g_m3 = sun_optional(fcinfo, BOUND_DENSITY, "air_density_g_m3", PLAUSIBILITY_DENSITY_MIN_G_M3,
										PLAUSIBILITY_DENSITY_MAX_G_M3, &weather.has_density);
	return weather;
}

static void
bound_read_kind(FunctionCallInfo fcinfo, plausibility_device *device)
{
	const char *technology;

	sun_required(fcinfo, BOUND_TECHNOLOGY, "technology");
	technology = text_to_cstring(PG_GETARG_TEXT_PP(BOUND_TECHNOLOGY));
	if (!plausibility_kind_of_name(technology, &device->kind))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be solar, wind or other", "technology"),
				 errdetail("It is \"%.64s\".", technology)));
}

static void
bound_read_times(FunctionCallInfo fcinfo, int64 *from_ms, int64 *to_ms)
{
	TimestampTz from_at;
	TimestampTz to_at;

	sun_required(fcinfo, BOUND_FROM, "from_at");
	sun_required(fcinfo, BOUND_TO, "to_at");
	from_at = PG_GETARG_TIMESTAMPTZ(BOUND_FROM);
	to_at = PG_GETARG_TIMESTAMPTZ(BOUND_TO);
	*from_ms = sun_ms(from_at, "from_at");
	*to_ms = sun_ms(to_at, "to_at");
	if (sun_timestamp(*from_ms) != from_at || sun_timestamp(*to_ms) != to_at)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an interval must begin and end at whole milliseconds"),
				 errdetail("It is %lld microseconds long.", (long long) (to_at - from_at))));
	if (*to_ms <= *from_ms || *to_ms - *from_ms > PLAUSIBILITY_INTERVAL_MAX_MS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an interval must be longer than 0 and at most one hour"),
				 errdetail("It is %lld milliseconds long.", (long long) (*to_ms - *from_ms))));
}

/* production_bound(...) */
Datum
energyledger_production_bound(PG_FUNCTION_ARGS)
{
	plausibility_curve_point curve[PLAUSIBILITY_CURVE_MAX];
	plausibility_device device = {.kind = PLAUSIBILITY_OTHER};
	plausibility_weather weather;
	plausibility_bound bound;
	plausibility_status status;
	bool		null[SUN_OUT_MAX] = {false};
	Datum		value[SUN_OUT_MAX];
	int64		from_ms;
	int64		to_ms;

	bound_read_kind(fcinfo, &device);
	bound_read_times(fcinfo, &from_ms, &to_ms);
	sun_required(fcinfo, BOUND_CAPACITY, "capacity_w");
	device.capacity_w = sun_in_range(PG_GETARG_INT64(BOUND_CAPACITY), "capacity_w", 1, PLAUSIBILITY_CAPACITY_MAX_W);
	sun_required(fcinfo, BOUND_COUNT, "count_wh");
	device.count_wh = sun_in_range(PG_GETARG_INT64(BOUND_COUNT), "count_wh", 0, PLAUSIBILITY_COUNT_MAX_WH);
	bound_read_place(fcinfo, &device);
	bound_read_turbidity(fcinfo, &device);
	bound_read_curve(fcinfo, &device, curve);
	weather = bound_read_weather(fcinfo);
	status = plausibility_bound_of(&device, from_ms, to_ms, &weather, &bound);
	if (status != PLAUSIBILITY_OK)
		elog(ERROR, "bound refused with status %d what was checked", (int) status);
	value[0] = Int64GetDatum(bound.hard_wh);
	value[1] = CStringGetTextDatum(plausibility_rule_name(bound.rule));
	value[2] = Int64GetDatum(bound.clear_sky_wh);
	null[2] = bound.clear_sky_wh < 0;
	return sun_row(fcinfo, 3, value, null);
}
