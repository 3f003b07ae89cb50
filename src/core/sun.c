/*
 * sun.c: the sun's place from series of a few terms.
 *
 * Here and not from a library, because an issue cap must be the same wherever it is
 * computed again, and cheap enough for every interval of every device.  What belongs
 * to the earth as a whole (declination, equation of time, distance) is apart from what
 * belongs to a place, and this from what changes with the hour, so that a caller with
 * many moments of an hour pays for a sine and a cosine each.
 *
 * Nothing is stored of these numbers; they bound what is.
 */
#include "core/sun.h"

#include <math.h>

#define J2000_MS INT64_C(946728000000)	/* 2000-01-01 12:00 */
#define CENTURY_DAYS 36525.0
#define ABERRATION_DEGREES 0.00569
#define PARALLAX_DEGREES (8.794 / 3600)
#define TRANSIT_ROUNDS 3
#define HORIZON_ROUNDS 5

/* What an angle in degrees is beyond whole turns: -180 to 180. */
static double
sun_turn(double degrees)
{
	return degrees - 360 * floor((degrees + 180) / 360);
}

/*
 * Perturbations of the earth's longitude by Jupiter, the moon and Venus, and one of long
 * period, in degrees: VSOP87's terms of L0 after those of the ellipse.  T: centuries of
 * TT since J2000.  Left out are ten terms of at most 0.0008 degrees.
 */
static double
sun_perturbation(double t)
{
	return 0.002004 * cos(2.7441 + 575.33849 * t)
		+ 0.001958 * cos(2.8289 + 0.35231 * t)
		+ 0.001797 * cos(3.6277 + 7771.37715 * t)
		+ 0.001533 * cos(4.4181 + 786.04194 * t)
		+ 0.001342 * cos(6.1352 + 393.02097 * t);
}

void
sun_orbit_at(int64_t at_ms, sun_orbit *out)
{
	double		days = (double) (at_ms - J2000_MS) / SUN_DAY_MS;
	double		t = (days + SUN_DELTA_T_S / 86400.0) / CENTURY_DAYS;
	double		mean_longitude = 280.46646 + t * (36000.76983 + t * 0.0003032);
	double		anomaly = (357.52911 + t * (35999.05029 - t * 0.0001537)) * SUN_RADIANS;
	double		eccentricity = 0.016708634 - t * (0.000042037 + t * 0.0000001267);
	double		node = (125.04 - 1934.136 * t) * SUN_RADIANS;
	double		sin_m = sin(anomaly);
	double		cos_m = cos(anomaly);
	double		sin_2m = 2 * sin_m * cos_m;
	double		cos_2m = 1 - 2 * sin_m * sin_m;
	double		center = (1.914602 - t * (0.004817 + t * 0.000014)) * sin_m
		+ (0.019993 - t * 0.000101) * sin_2m + 0.000289 * (sin_2m * cos_m + cos_2m * sin_m);
	double		nutation = -0.00478 * sin(node) - 0.00037 * sin(2 * mean_longitude * SUN_RADIANS);
	double		longitude = (mean_longitude + center + sun_perturbation(t) - ABERRATION_DEGREES + nutation) * SUN_RADIANS;
	double		obliquity = (23.439291 - 0.0130042 * t + 0.00256 * cos(node)) * SUN_RADIANS;
	double		sin_e = sin(obliquity);
	double		cos_e = cos(obliquity);
	double		sin_l = sin(longitude);
	double		cos_l = cos(longitude);
	double		cos_v = cos_m - center * SUN_RADIANS * sin_m;
	double		ascension = atan2(cos_e * sin_l, cos_l) / SUN_RADIANS;
	double		hour;

	out->sin_declination = sin_e * sin_l;
	out->cos_declination = sqrt(1 - out->sin_declination * out->sin_declination);
	out->distance_au = 1.000001018 * (1 - eccentricity * eccentricity) / (1 + eccentricity * cos_v);
	/* sidereal time at Greenwich (12.4) less the turns of the days, as apparent time, less right ascension */
	hour = 280.46061837 + 0.98564736629 * days + nutation * cos_e - ascension;
	out->equation_of_time_min = 4 * sun_turn(hour);
	out->hour_minus_time = sun_turn(hour) - 180;
}

double
sun_hour_angle(const sun_orbit *orbit, int64_t at_ms, double longitude_degrees)
{
	int64_t		of_day = at_ms % SUN_DAY_MS;
	double		degrees = of_day * (360.0 / SUN_DAY_MS) + orbit->hour_minus_time + longitude_degrees;

	return sun_turn(degrees) * SUN_RADIANS;
}

double
sun_extraterrestrial_w_m2(const sun_orbit *orbit)
{
	return SUN_CONSTANT_W_M2 / (orbit->distance_au * orbit->distance_au);
}

sun_place
sun_place_of(double latitude_degrees, double longitude_degrees)
{
	double		latitude = latitude_degrees * SUN_RADIANS;

	return (sun_place) {sin(latitude), cos(latitude), longitude_degrees};
}

sun_plane
sun_plane_of(double tilt_degrees, double azimuth_degrees)
{
	double		tilt = tilt_degrees * SUN_RADIANS;
	double		azimuth = azimuth_degrees * SUN_RADIANS;

	return (sun_plane) {sin(tilt) * sin(azimuth), sin(tilt) * cos(azimuth), cos(tilt)};
}

/* The sun stands east = -cos d sin H, north = sin d cos p - cos d cos H sin p, up = sin d sin p + cos d cos H cos p. */
sun_wave
sun_elevation_wave(const sun_orbit *orbit, const sun_place *place)
{
	return (sun_wave)
	{
		orbit->sin_declination * place->sin_latitude,
			orbit->cos_declination * place->cos_latitude, 0
	};
}

sun_wave
sun_incidence_wave(const sun_orbit *orbit, const sun_place *place, const sun_plane *plane)
{
	return (sun_wave)
	{
		orbit->sin_declination * (plane->up * place->sin_latitude + plane->north * place->cos_latitude),
			orbit->cos_declination * (plane->up * place->cos_latitude - plane->north * place->sin_latitude),
			-orbit->cos_declination * plane->east
	};
}

void
sun_position_at(int64_t at_ms, double latitude_degrees, double longitude_degrees, sun_position *out)
{
	sun_place	place = sun_place_of(latitude_degrees, longitude_degrees);
	sun_orbit	orbit;
	sun_wave	wave;
	double		hour_angle;
	double		up;
	double		north;
	double		east;
	double		level;

	sun_orbit_at(at_ms, &orbit);
	hour_angle = sun_hour_angle(&orbit, at_ms, longitude_degrees);
	wave = sun_elevation_wave(&orbit, &place);
	up = sun_wave_at(&wave, cos(hour_angle), sin(hour_angle));
	north = orbit.sin_declination * place.cos_latitude - orbit.cos_declination * cos(hour_angle) * place.sin_latitude;
	east = -orbit.cos_declination * sin(hour_angle);
	level = sqrt(north * north + east * east);
	/* the ground is nearer to the sun than the earth's centre, from which it was seen so far */
	out->elevation_degrees = atan2(up, level) / SUN_RADIANS - PARALLAX_DEGREES / orbit.distance_au * level;
	out->azimuth_degrees = atan2(east, north) / SUN_RADIANS;
	if (out->azimuth_degrees < 0)
		out->azimuth_degrees += 360;
	if (out->azimuth_degrees >= 360)
		out->azimuth_degrees = 0;
	out->equation_of_time_min = orbit.equation_of_time_min;
	out->distance_au = orbit.distance_au;
}

double
sun_refraction_degrees(double elevation_degrees, double pressure_pa, double temperature_c)
{
	if (elevation_degrees < SUN_RISING_DEGREES)
		return 0;
	return pressure_pa / 101000 * 283 / (273 + temperature_c) * 1.02 / 60
		/ tan((elevation_degrees + 10.3 / (elevation_degrees + 5.11)) * SUN_RADIANS);
}

double
sun_pressure_pa(double altitude_m)
{
	return 101325 * pow(1 - 2.25577e-5 * altitude_m, 5.25588);
}

/* ---- rising and setting ---- */

/* The transit nearest to a moment. */
static int64_t
sun_transit_near(int64_t at_ms, double longitude_degrees)
{
	for (int i = 0; i < TRANSIT_ROUNDS; i++)
	{
		sun_orbit	orbit;

		sun_orbit_at(at_ms, &orbit);
		at_ms -= llround(sun_hour_angle(&orbit, at_ms, longitude_degrees) / SUN_RADIANS * (SUN_DAY_MS / 360.0));
	}
	return at_ms;
}

/*
 * When the sun's upper limb passes the horizon before (side -1) or after (1) a transit:
 * again and again with the declination and the equation of time of what was found.
 * False where there is none.
 */
static bool
sun_horizon(int64_t transit_ms, int side, const sun_place *place, int64_t *at_ms)
{
	double		sin_rising = sin(SUN_RISING_DEGREES * SUN_RADIANS);
	int64_t		at = transit_ms;
	bool		passes = false;

	for (int i = 0; i < HORIZON_ROUNDS; i++)
	{
		sun_orbit	orbit;
		sun_wave	wave;
		double		cos_hour;
		double		expected;
		double		there;

		sun_orbit_at(at, &orbit);
		wave = sun_elevation_wave(&orbit, place);
		cos_hour = (sin_rising - wave.base) / (wave.with_cos > 1e-12 ? wave.with_cos : 1e-12);
		passes = cos_hour > -1 && cos_hour < 1;
		expected = side * acos(fmin(fmax(cos_hour, -1), 1)) / SUN_RADIANS;
		there = sun_hour_angle(&orbit, at, place->longitude_degrees) / SUN_RADIANS;
		/* from one side of midnight to the other is a short way */
		at += llround(i == 0 ? (expected - there) * (SUN_DAY_MS / 360.0)
					  : sun_turn(expected - there) * (SUN_DAY_MS / 360.0));
	}
	*at_ms = at;
	return passes;
}

static void
sun_day_take(int64_t at_ms, int64_t from_ms, int64_t to_ms, bool *has, int64_t *kept_ms)
{
	if (!*has && at_ms >= from_ms && at_ms < to_ms)
	{
		*has = true;
		*kept_ms = at_ms;
	}
}

void
sun_day_find(int64_t from_ms, int64_t to_ms, double latitude_degrees, double longitude_degrees, sun_day *out)
{
	sun_place	place = sun_place_of(latitude_degrees, longitude_degrees);
	int64_t		middle_ms = from_ms + (to_ms - from_ms) / 2;
	sun_position noon;

	*out = (sun_day) {SUN_DAY_NORMAL};
	/* the sun of the day before may set, and that of the day after rise, in this one */
	for (int day = -1; day <= 1; day++)
	{
		int64_t		transit_ms = sun_transit_near(middle_ms + day * SUN_DAY_MS, longitude_degrees);
		int64_t		at_ms;

		sun_day_take(transit_ms, from_ms, to_ms, &out->has_transit, &out->transit_ms);
		if (sun_horizon(transit_ms, -1, &place, &at_ms))
			sun_day_take(at_ms, from_ms, to_ms, &out->has_sunrise, &out->sunrise_ms);
		if (sun_horizon(transit_ms, 1, &place, &at_ms))
			sun_day_take(at_ms, from_ms, to_ms, &out->has_sunset, &out->sunset_ms);
	}
	if (out->has_sunrise || out->has_sunset)
		return;
	sun_position_at(middle_ms, latitude_degrees, longitude_degrees, &noon);
	out->kind = noon.elevation_degrees > SUN_RISING_DEGREES ? SUN_DAY_POLAR_DAY : SUN_DAY_POLAR_NIGHT;
}

const char *
sun_day_kind_name(sun_day_kind kind)
{
	static const char *const name[] = {"normal", "polar_day", "polar_night"};

	return name[kind];
}
