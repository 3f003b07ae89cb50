/*
 * sun.h: where the sun stands, when it rises and sets, and how it strikes a plane.
 *
 * Times are ms since 1970-01-01 UTC, from SUN_FROM_MS to before SUN_TO_MS (1900 to 2100),
 * which callers keep to; latitudes north and longitudes east in degrees (WGS 84); azimuths
 * clockwise from north.  UTC is taken for UT1, from which it is kept within 0.9 s
 * (0.004 degrees of hour angle), and TT - UTC for SUN_DELTA_T_S all the time, whose
 * error moves the sun by less than 0.002 degrees in those years.
 *
 * Sources: J. Meeus, Astronomical Algorithms, 2nd edition: chapter 25 (place of the sun,
 * with nutation and aberration), 12 (sidereal time), 13 (horizontal coordinates), 15
 * (rising and setting), 16 (refraction), 28 (equation of time), 40 (parallax).  To chapter
 * 25's place are added the five greatest perturbations of the earth's longitude, from the
 * series VSOP87 (Bretagnon and Francou 1988; appendix III of the same book).
 */
#ifndef CORE_SUN_H
#define CORE_SUN_H

#include <stdbool.h>
#include <stdint.h>

#define SUN_FROM_MS INT64_C(-2208988800000)
#define SUN_TO_MS INT64_C(4102444800000)
#define SUN_DELTA_T_S 69
#define SUN_DAY_MS INT64_C(86400000)

/* The solar constant: C. Gueymard, Solar Energy 168 (2018) 2. */
#define SUN_CONSTANT_W_M2 1361.1

/*
 * Elevation of the sun's centre when its upper limb is in a level horizon: 34' of
 * refraction and 16' of radius (Meeus, chapter 15).
 */
#define SUN_RISING_DEGREES (-0.8333)

#define SUN_RADIANS (3.14159265358979323846 / 180)

/* The sun as it is for the whole earth at a moment. */
typedef struct sun_orbit
{
	double		sin_declination;	/* apparent */
	double		cos_declination;
	double		hour_minus_time;	/* degrees: hour angle at Greenwich less 15 for each hour of UTC */
	double		equation_of_time_min;	/* apparent less mean solar time, minutes */
	double		distance_au;
} sun_orbit;

extern void sun_orbit_at(int64_t at_ms, sun_orbit *out);

/* Of the sun at a longitude, in radians, -pi to pi: 0 at its transit, rising with time. */
extern double sun_hour_angle(const sun_orbit *orbit, int64_t at_ms, double longitude_degrees);

/* W/m2 above the air on a plane that faces the sun: the solar constant by the square of its distance. */
extern double sun_extraterrestrial_w_m2(const sun_orbit *orbit);

typedef struct sun_position
{
	double		elevation_degrees;	/* of the centre, as seen from the ground, without refraction */
	double		azimuth_degrees;	/* 0 to below 360 */
	double		equation_of_time_min;
	double		distance_au;
} sun_position;

/* An altitude counts only for the air's pressure: see sun_pressure_pa(). */
extern void sun_position_at(int64_t at_ms, double latitude_degrees, double longitude_degrees, sun_position *out);

/*
 * What the air adds to an elevation, in degrees: Saemundsson's formula (Meeus 16.4) with
 * its factors for pressure (Pa) and temperature (C).  0 where not even the upper limb is
 * above a level horizon, where no formula holds.
 */
extern double sun_refraction_degrees(double elevation_degrees, double pressure_pa, double temperature_c);

/* Pressure in Pa at an altitude in metres: the standard atmosphere (ISO 2533). */
extern double sun_pressure_pa(double altitude_m);

/*
 * A quantity that goes with the hour angle H as base + with_cos * cos H + with_sin * sin H.
 * The sine of the sun's elevation is one, the cosine of its angle to a plane another: of a
 * place and a declination they are known once, and cost two products a moment.
 */
typedef struct sun_wave
{
	double		base;
	double		with_cos;
	double		with_sin;
} sun_wave;

/* A place on the earth. */
typedef struct sun_place
{
	double		sin_latitude;
	double		cos_latitude;
	double		longitude_degrees;
} sun_place;

/* The direction a plane faces: a unit vector. */
typedef struct sun_plane
{
	double		east;
	double		north;
	double		up;
} sun_plane;

extern sun_place sun_place_of(double latitude_degrees, double longitude_degrees);

/* tilt: 0 flat, 90 upright, 180 facing the ground; azimuth: where it faces. */
extern sun_plane sun_plane_of(double tilt_degrees, double azimuth_degrees);

/* The sine of the elevation (which is the cosine of the zenith angle), without parallax and refraction. */
extern sun_wave sun_elevation_wave(const sun_orbit *orbit, const sun_place *place);

/* The cosine of the angle between the sun and what the plane faces; below 0 the sun is behind it. */
extern sun_wave sun_incidence_wave(const sun_orbit *orbit, const sun_place *place, const sun_plane *plane);

static inline double
sun_wave_at(const sun_wave *wave, double cos_hour_angle, double sin_hour_angle)
{
	return wave->base + wave->with_cos * cos_hour_angle + wave->with_sin * sin_hour_angle;
}

typedef enum sun_day_kind
{
	SUN_DAY_NORMAL,				/* the sun rises or sets in that time */
	SUN_DAY_POLAR_DAY,			/* it is above the horizon all the time */
	SUN_DAY_POLAR_NIGHT			/* it is below */
} sun_day_kind;

typedef struct sun_day
{
	sun_day_kind kind;
	bool		has_sunrise;
	bool		has_transit;
	bool		has_sunset;
	int64_t		sunrise_ms;
	int64_t		transit_ms;
	int64_t		sunset_ms;
} sun_day;

/*
 * Sunrise, transit and sunset in [from, to), which is a local day: longer than 0 and at
 * most SUN_DAY_LENGTH_MAX_MS.  Each is the first that lies in it; near polar day and night a
 * day may have one of them only.  The horizon is level and at sea level.  That is within
 * seconds of a full theory of the sun's motion; refraction at the horizon varies by more.
 */
#define SUN_DAY_LENGTH_MAX_MS (2 * SUN_DAY_MS)
extern void sun_day_find(int64_t from_ms, int64_t to_ms, double latitude_degrees, double longitude_degrees, sun_day *out);

extern const char *sun_day_kind_name(sun_day_kind kind);

#endif							/* CORE_SUN_H */
