/*
 * plausibility.h: how much energy a plant can have produced in an interval.
 *
 * Two bounds: a hard one, above which nature or the nameplate would have to be broken,
 * and for solar plants that of a sky without clouds, above which a value is unusual.
 * doc/plausibility.md tells each rule, its source and its margin.
 *
 * Rules of the hard bound, of which the lowest counts:
 *
 *   nameplate            capacity times time, without a margin
 *   sun_below_horizon    0 where the sun's upper limb is below the horizon all the time
 *   irradiance_limit     the limits of what is physically possible of QCRad, on the plane
 *   measured_irradiance  the same, or the plane's own, with what a pyranometer showed
 *   power_curve          of a wind turbine whose wind speed is known
 *
 * The geometry is in floating point, the bounds are whole Wh, rounded down; on no
 * platform do they differ by more than 1 Wh, as nothing in them has a jump.
 */
#ifndef CORE_PLAUSIBILITY_H
#define CORE_PLAUSIBILITY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/clear_sky.h"
#include "core/sun.h"

/* ---- QCRad ---- */

/*
 * The limits of what is physically possible, in W/m2: C. Long and Y. Shi, The Open
 * Atmospheric Science Journal 2 (2008) 23; the same as of the BSRN (C. Long and E. Dutton 2002).
 * mu: the cosine of the sun's zenith angle, taken as 0 where it is below.
 */
#define QCRAD_LOWEST_W_M2 (-4)

typedef struct qcrad_limits
{
	double		ghi_w_m2;		/* 1.5 * I0 * mu ^ 1.2 + 100 */
	double		dhi_w_m2;		/* 0.95 * I0 * mu ^ 1.2 + 50 */
	double		dni_w_m2;		/* I0 */
} qcrad_limits;

extern qcrad_limits qcrad_limits_of(double mu, double extraterrestrial_w_m2);

/* Is a measured value between QCRAD_LOWEST_W_M2 and its limit, and neither of them? */
extern bool qcrad_possible(double value_w_m2, double limit_w_m2);

/* ---- facts ---- */

#define PLAUSIBILITY_CAPACITY_MAX_W INT64_C(30000000000)	/* 30 GW: more than any plant has */
#define PLAUSIBILITY_ALTITUDE_MIN_M (-500)
#define PLAUSIBILITY_ALTITUDE_MAX_M 9000
#define PLAUSIBILITY_TURBIDITY_MIN 100	/* hundredths: clean and dry air */
#define PLAUSIBILITY_TURBIDITY_MAX 2000
#define PLAUSIBILITY_CURVE_MAX 64
#define PLAUSIBILITY_SPEED_MAX_CM_S 10000
#define PLAUSIBILITY_COUNT_MAX_WH 1000000
#define PLAUSIBILITY_IRRADIANCE_MAX_W_M2 3000
#define PLAUSIBILITY_DENSITY_MIN_G_M3 500
#define PLAUSIBILITY_DENSITY_MAX_G_M3 1600
#define PLAUSIBILITY_INTERVAL_MAX_MS 3600000

/* Linke turbidity where none is given: as clean as air at sea level gets, so that less is flagged. */
#define PLAUSIBILITY_CLEAN_TURBIDITY 200

/* What modules give above their rating: -25 C, at half a percent a kelvin. */
#define PLAUSIBILITY_COLD_FACTOR 1.25

/* Of the ground: fresh snow for the hard bound, what is usual for the soft one. */
#define PLAUSIBILITY_ALBEDO_MOST 0.9
#define PLAUSIBILITY_ALBEDO_USUAL 0.2

/* A pyranometer of moderate quality (WMO-No. 8, part I, chapter 7): 20 %, and 30 W/m2 of offset. */
#define PLAUSIBILITY_PYRANOMETER_FACTOR 1.2
#define PLAUSIBILITY_PYRANOMETER_OFFSET_W_M2 30

/* Wind at the hub: 10 % and 0.5 m/s, then 10 % of power. */
#define PLAUSIBILITY_WIND_FACTOR 1.1
#define PLAUSIBILITY_WIND_OFFSET_M_S 0.5
#define PLAUSIBILITY_WIND_POWER_FACTOR 1.1

typedef enum plausibility_kind
{
	PLAUSIBILITY_SOLAR,
	PLAUSIBILITY_WIND,
	PLAUSIBILITY_OTHER
} plausibility_kind;

typedef struct plausibility_curve_point
{
	int32_t		speed_cm_s;		/* rising from point to point, 0 to PLAUSIBILITY_SPEED_MAX_CM_S */
	int64_t		power_w;		/* 0 to PLAUSIBILITY_CAPACITY_MAX_W */
} plausibility_curve_point;

typedef struct plausibility_device
{
	plausibility_kind kind;
	int64_t		capacity_w;		/* 1 to PLAUSIBILITY_CAPACITY_MAX_W */
	int64_t		count_wh;		/* what one count of its register may hold of other intervals; 0 to PLAUSIBILITY_COUNT_MAX_WH */
	bool		has_place;		/* a solar plant without one has only its nameplate */
	int32_t		latitude_microdegrees;
	int32_t		longitude_microdegrees;
	int32_t		altitude_m;
	bool		has_plane;		/* without: whatever orientation gives most */
	int16_t		tilt_degrees;	/* 0 flat to 180 */
	int16_t		azimuth_degrees;	/* where it faces, 0 to 359 clockwise from north */
	bool		has_turbidity;
	int16_t		turbidity_hundredths[12];	/* Linke's, January first */
	int			curve_count;	/* 0: none; at most PLAUSIBILITY_CURVE_MAX */
	const plausibility_curve_point *curve;
} plausibility_device;

/* What was measured of an interval; each may be absent. */
typedef struct plausibility_weather
{
	bool		has_global;
	bool		has_plane;
	bool		has_wind;
	bool		has_density;
	int32_t		global_w_m2;	/* on a level plane: the interval's maximum */
	int32_t		plane_w_m2;		/* on the modules' plane: the interval's maximum */
	int32_t		wind_cm_s;		/* at hub height: the interval's mean */
	int32_t		density_g_m3;	/* of the air there; without: 1225 */
} plausibility_weather;

typedef enum plausibility_rule
{
	PLAUSIBILITY_NAMEPLATE,
	PLAUSIBILITY_SUN_BELOW_HORIZON,
	PLAUSIBILITY_IRRADIANCE_LIMIT,
	PLAUSIBILITY_MEASURED_IRRADIANCE,
	PLAUSIBILITY_POWER_CURVE
} plausibility_rule;

typedef struct plausibility_bound
{
	int64_t		hard_wh;
	plausibility_rule rule;		/* which gave it */
	int64_t		clear_sky_wh;	/* with its margin, at most hard_wh; -1: none, as it is no solar plant or has no place */
} plausibility_bound;

typedef enum plausibility_status
{
	PLAUSIBILITY_OK = 0,
	PLAUSIBILITY_BAD_CAPACITY,
	PLAUSIBILITY_BAD_COUNT,
	PLAUSIBILITY_BAD_PLACE,
	PLAUSIBILITY_BAD_PLANE,
	PLAUSIBILITY_BAD_TURBIDITY,
	PLAUSIBILITY_BAD_CURVE,
	PLAUSIBILITY_BAD_TIME,		/* not from SUN_FROM_MS to SUN_TO_MS */
	PLAUSIBILITY_BAD_INTERVAL,	/* empty, or longer than PLAUSIBILITY_INTERVAL_MAX_MS */
	PLAUSIBILITY_BAD_WEATHER
} plausibility_status;

/*
 * The bounds of [from, to).  weather may be NULL.  Nothing is written unless the status
 * is PLAUSIBILITY_OK.
 */
extern plausibility_status plausibility_bound_of(const plausibility_device *device, int64_t from_ms, int64_t to_ms,
												 const plausibility_weather *weather, plausibility_bound *out);

extern const char *plausibility_rule_name(plausibility_rule rule);

/* False for a name that is none. */
extern bool plausibility_kind_of_name(const char *name, plausibility_kind *out);

/* 1.25 up to 15 minutes, 1.15 at an hour, linear between: what clouds beside the sun add, which a longer mean levels out. */
extern double plausibility_clear_sky_margin(int64_t length_ms);

/* ---- sunlight on a plant, at a moment ---- */

/* What does not change with the hour: made once for a device and a month (0 January). */
typedef struct plausibility_site
{
	sun_place	place;
	sun_plane	plane;
	bool		has_plane;
	double		sin_dark;		/* at and below this elevation there is no light: 0.1 degrees below the next */
	double		sin_limb;		/* here the upper limb is in the horizon, which lies lower from a mountain */
	clear_sky_air air;
} plausibility_site;

typedef struct plausibility_sunlight
{
	double		hard_w_m2;		/* on the plane, without PLAUSIBILITY_COLD_FACTOR */
	double		clear_sky_w_m2; /* without a margin */
} plausibility_sunlight;

/* The device's place must have been checked. */
extern plausibility_site plausibility_site_of(const plausibility_device *device, int month);
extern void plausibility_sunlight_at(const plausibility_site *site, int64_t at_ms, plausibility_sunlight *out);

#endif							/* CORE_PLAUSIBILITY_H */
