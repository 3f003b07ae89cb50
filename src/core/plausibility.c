/*
 * plausibility.c: bounds of what a plant can have produced.
 *
 * An interval is cut into pieces of at most five minutes, and a piece's bound is of
 * the sun's highest and lowest place in it, with what may lie between its ends: so
 * that it is an upper one at every moment, and not only where it was computed.  Declination
 * and equation of time are those of the interval's middle; what they change in half an
 * hour, parallax and the series' own error are in PLAUSIBILITY_SLACK.
 *
 * Where the sun passes the horizon there is light on one side and none on the other.  A
 * jump there could fall on either side on another processor, so light begins over a tenth
 * of a degree.  What nature does below the horizon is less than what inverters start with.
 */
#include "core/plausibility.h"

#include <math.h>
#include <string.h>

#include "core/wind_power.h"

#define PIECE_MS 300000
#define QUARTER_HOUR_MS 900000
#define HOUR_MS 3600000
#define DARK_DEGREES 0.1

/* A sea horizon lies lower by 1.76' times the root of the metres above it (refraction included). */
#define DIP_DEGREES (1.76 / 60)

/* Light on the clear-sky model's side begins here, and dims with the limb's way through the horizon. */
#define MU_LEAST 0.001

/*
 * Of a sine or cosine: a wave of the hour angle is between two moments that are 1.25 degrees
 * apart at most 0.00006 above the higher one; declination 0.00015 and equation of time
 * 0.00005 in half an hour; parallax 0.00004; the series 0.00003.  Together less than 0.0004.
 */
#define PLAUSIBILITY_SLACK 0.0004

/* The sun over a site, for as long as its declination is one. */
typedef struct plausibility_sky
{
	const plausibility_site *site;
	sun_wave	elevation;
	sun_wave	incidence;
	double		extraterrestrial_w_m2;
} plausibility_sky;

/* A moment, or the extremes of a piece. */
typedef struct plausibility_angle
{
	double		mu_low;			/* sine of the elevation, not below 0 */
	double		mu_high;
	double		incidence_high; /* cosine to the plane, not below 0 */
	double		light;			/* 0 below the horizon, 1 above it */
} plausibility_angle;

qcrad_limits
qcrad_limits_of(double mu, double extraterrestrial_w_m2)
{
	double		slant = mu > 0 ? pow(mu, 1.2) * extraterrestrial_w_m2 : 0;

	return (qcrad_limits) {1.5 * slant + 100, 0.95 * slant + 50, extraterrestrial_w_m2};
}

bool
qcrad_possible(double value_w_m2, double limit_w_m2)
{
	return value_w_m2 > QCRAD_LOWEST_W_M2 && value_w_m2 < limit_w_m2;
}

/* ---- sunlight on a plane ---- */

/*
 * Irradiance of a plane from direct light d and diffuse light f, both seen as the same from
 * everywhere (isotropic), and from the ground, which reflects a share of all that falls on it.
 *
 * Without a plane it is that of the best one: of a direction n it is
 *     d * n.s + (f - r) / 2 * n.up + (f + r) / 2,     r = albedo * global,
 * so the best n is that of the vector d * s + (f - r) / 2 * up, and its length is the most.
 * (A plane that turns its back to the sun is never better, as r is at most what d and f bring.)
 */
static double
plausibility_on_plane(const plausibility_site *site, const plausibility_angle *angle, double d, double f,
					  double global, double albedo)
{
	double		difference = (f - albedo * global) / 2;
	double		mean = (f + albedo * global) / 2;
	double		mu = difference > 0 ? angle->mu_high : angle->mu_low;

	if (site->has_plane)
		return d * angle->incidence_high + difference * site->plane.up + mean;
	return sqrt(d * d + 2 * d * difference * mu + difference * difference) + mean;
}

/*
 * The most that QCRad's limits allow on the plane, with global irradiance of at most
 * global_most besides: what is sought is the greatest value of plausibility_on_plane() for
 *
 *     0 <= d <= I0,   0 <= f <= DHI's limit,   d * mu + f = global <= GHI's limit.
 *
 * These enclose a polygon in d and f.  The value is linear in them, or without a plane
 * the length of a vector that is, which is convex: either is greatest at a vertex.  It
 * never falls with d or f.  That leaves the two vertices on the side away from 0, where
 * GHI's limit meets that of d and that of f; where it does not cut the rectangle they are the
 * same.  Of a piece's mu the low one counts where it uses up GHI's limit, and the high one
 * where it raises a limit.
 */
static double
plausibility_most(const plausibility_sky *sky, const plausibility_angle *angle, double global_most)
{
	qcrad_limits limit = qcrad_limits_of(angle->mu_high, sky->extraterrestrial_w_m2);
	double		global = fmin(limit.ghi_w_m2, global_most);
	double		diffuse = fmin(limit.dhi_w_m2, global);
	double		mu = angle->mu_low;
	double		d[2] = {limit.dni_w_m2, limit.dni_w_m2};
	double		f[2] = {diffuse, diffuse};
	double		most = 0;

	if (d[0] * mu > global)
		d[0] = global / mu;
	f[0] = fmin(diffuse, global - d[0] * mu);
	if (d[1] * mu > global - diffuse)
		d[1] = (global - diffuse) / mu;
	for (int i = 0; i < 2; i++)
		most = fmax(most, plausibility_on_plane(sky->site, angle, d[i], f[i],
												fmin(d[i] * angle->mu_high + f[i], global), PLAUSIBILITY_ALBEDO_MOST));
	return most * angle->light;
}

static double
plausibility_clear(const plausibility_sky *sky, const plausibility_angle *angle)
{
	double		mu = fmax(angle->mu_low, MU_LEAST);
	clear_sky	clear;

	if (angle->light == 0)
		return 0;
	clear_sky_ineichen(&sky->site->air, mu, clear_sky_airmass_true(mu) * sky->site->air.pressure_ratio,
					   sky->extraterrestrial_w_m2, false, &clear);
	return plausibility_on_plane(sky->site, angle, clear.dni_w_m2, clear.dhi_w_m2, clear.ghi_w_m2,
								 PLAUSIBILITY_ALBEDO_USUAL) * angle->light;
}

static plausibility_sky
plausibility_sky_of(const plausibility_site *site, const sun_orbit *orbit)
{
	plausibility_sky sky;

	sky.site = site;
	sky.elevation = sun_elevation_wave(orbit, &site->place);
	sky.incidence = sun_incidence_wave(orbit, &site->place, &site->plane);
	sky.extraterrestrial_w_m2 = sun_extraterrestrial_w_m2(orbit);
	return sky;
}

/* From the sine of the elevation and the cosine to the plane, with what they may be above. */
static plausibility_angle
plausibility_angle_of(const plausibility_site *site, double low, double high, double incidence, double slack)
{
	plausibility_angle angle;

	angle.mu_low = fmax(low - slack, 0);
	angle.mu_high = fmin(fmax(high + slack, 0), 1);
	angle.incidence_high = fmin(fmax(incidence + slack, 0), 1);
	angle.light = fmin(fmax((high + slack - site->sin_dark) / (site->sin_limb - site->sin_dark), 0), 1);
	return angle;
}

plausibility_site
plausibility_site_of(const plausibility_device *device, int month)
{
	double		limb = SUN_RISING_DEGREES - DIP_DEGREES * sqrt(device->altitude_m > 0 ? device->altitude_m : 0);
	plausibility_site site;

	site.place = sun_place_of(device->latitude_microdegrees / 1e6, device->longitude_microdegrees / 1e6);
	site.has_plane = device->has_plane;
	site.plane = (sun_plane) {0, 0, 1};
	if (device->has_plane)
		site.plane = sun_plane_of(device->tilt_degrees, device->azimuth_degrees);
	site.sin_limb = sin(limb * SUN_RADIANS);
	site.sin_dark = sin((limb - DARK_DEGREES) * SUN_RADIANS);
	site.air = clear_sky_air_of(device->altitude_m, (device->has_turbidity ? device->turbidity_hundredths[month]
													  : PLAUSIBILITY_CLEAN_TURBIDITY) / 100.0);
	return site;
}

void
plausibility_sunlight_at(const plausibility_site *site, int64_t at_ms, plausibility_sunlight *out)
{
	sun_orbit	orbit;
	plausibility_sky sky;
	plausibility_angle angle;
	double		hour;
	double		cos_hour;
	double		sin_hour;
	double		up;

	sun_orbit_at(at_ms, &orbit);
	sky = plausibility_sky_of(site, &orbit);
	hour = sun_hour_angle(&orbit, at_ms, site->place.longitude_degrees);
	cos_hour = cos(hour);
	sin_hour = sin(hour);
	up = sun_wave_at(&sky.elevation, cos_hour, sin_hour);
	angle = plausibility_angle_of(site, up, up, sun_wave_at(&sky.incidence, cos_hour, sin_hour), 0);
	out->hard_w_m2 = 0;
	if (angle.light > 0)
		out->hard_w_m2 = plausibility_most(&sky, &angle, INFINITY);
	out->clear_sky_w_m2 = plausibility_clear(&sky, &angle);
}

/* ---- an interval ---- */

/* Means over an interval, W/m2 on the plane. */
typedef struct plausibility_means
{
	bool		light;			/* the sun was above the horizon some of the time */
	double		limit_w_m2;
	double		measured_w_m2;	/* the same with the measured values */
	double		clear_sky_w_m2;
} plausibility_means;

static double
plausibility_pyranometer_most(int32_t shown_w_m2)
{
	return shown_w_m2 * PLAUSIBILITY_PYRANOMETER_FACTOR + PLAUSIBILITY_PYRANOMETER_OFFSET_W_M2;
}

static void
plausibility_piece(const plausibility_sky *sky, const plausibility_angle *angle, const plausibility_weather *weather,
				   plausibility_means *sums)
{
	double		limit = plausibility_most(sky, angle, INFINITY);
	double		measured = limit;

	sums->light = true;
	if (weather != NULL && weather->has_global)
		measured = plausibility_most(sky, angle, plausibility_pyranometer_most(weather->global_w_m2));
	if (weather != NULL && weather->has_plane)
		measured = fmin(measured, plausibility_pyranometer_most(weather->plane_w_m2) * angle->light);
	sums->limit_w_m2 += limit;
	sums->measured_w_m2 += fmin(measured, limit);
}

static plausibility_means
plausibility_means_of(const plausibility_site *site, int64_t from_ms, int64_t to_ms, const plausibility_weather *weather)
{
	int64_t		middle_ms = from_ms + (to_ms - from_ms) / 2;
	int			pieces = (int) ((to_ms - from_ms + PIECE_MS - 1) / PIECE_MS);
	double		step = (to_ms - from_ms) * (360.0 / SUN_DAY_MS) * SUN_RADIANS / pieces;
	plausibility_means sums = {false, 0, 0, 0};
	plausibility_sky sky;
	sun_orbit	orbit;
	double		start;
	double		up_before = 0;
	double		incidence_before = 0;

	sun_orbit_at(middle_ms, &orbit);
	sky = plausibility_sky_of(site, &orbit);
	start = sun_hour_angle(&orbit, middle_ms, site->place.longitude_degrees)
		- (middle_ms - from_ms) * (360.0 / SUN_DAY_MS) * SUN_RADIANS;
	for (int i = 0; i <= pieces; i++)
	{
		double		cos_hour = cos(start + i * step);
		double		sin_hour = sin(start + i * step);
		double		up = sun_wave_at(&sky.elevation, cos_hour, sin_hour);
		double		incidence = sun_wave_at(&sky.incidence, cos_hour, sin_hour);
		plausibility_angle angle = plausibility_angle_of(site, up, up, incidence, 0);

		sums.clear_sky_w_m2 += plausibility_clear(&sky, &angle) * (i == 0 || i == pieces ? 0.5 : 1);
		if (i > 0)
		{
			angle = plausibility_angle_of(site, fmin(up, up_before), fmax(up, up_before),
										  fmax(incidence, incidence_before), PLAUSIBILITY_SLACK);
			if (angle.light > 0)
				plausibility_piece(&sky, &angle, weather, &sums);
		}
		up_before = up;
		incidence_before = incidence;
	}
	sums.limit_w_m2 /= pieces;
	sums.measured_w_m2 /= pieces;
	sums.clear_sky_w_m2 /= pieces;
	return sums;
}

double
plausibility_clear_sky_margin(int64_t length_ms)
{
	double		beyond = (double) (length_ms - QUARTER_HOUR_MS) / (HOUR_MS - QUARTER_HOUR_MS);

	return 1.25 - 0.1 * fmin(fmax(beyond, 0), 1);
}

/* The month of a time in UTC, 0 January: H. Hinnant's days, in a year that begins with March. */
static int
plausibility_month(int64_t at_ms)
{
	int64_t		days = (at_ms - SUN_FROM_MS) / SUN_DAY_MS + 693901;	/* of 1900 since 0000-03-01 */
	int64_t		of_era = days % 146097;
	int64_t		year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t		of_year = of_era - (365 * year + year / 4 - year / 100);

	return (int) ((5 * of_year + 2) / 153 + 2) % 12;
}

/* Wh of W/m2, rounded down: a plant gives its capacity at 1000 W/m2. */
static int64_t
plausibility_wh(const plausibility_device *device, double mean_w_m2, double factor, int64_t length_ms)
{
	return (int64_t) floor(mean_w_m2 / 1000 * factor * (double) device->capacity_w * ((double) length_ms / HOUR_MS));
}

static void
plausibility_lower(plausibility_bound *bound, int64_t wh, plausibility_rule rule)
{
	if (wh < bound->hard_wh)
	{
		bound->hard_wh = wh;
		bound->rule = rule;
	}
}

static void
plausibility_solar(const plausibility_device *device, int64_t from_ms, int64_t to_ms,
				   const plausibility_weather *weather, plausibility_bound *bound)
{
	plausibility_site site = plausibility_site_of(device, plausibility_month(from_ms + (to_ms - from_ms) / 2));
	plausibility_means means = plausibility_means_of(&site, from_ms, to_ms, weather);
	int64_t		length_ms = to_ms - from_ms;
	int64_t		clear_wh;

	if (!means.light)
		plausibility_lower(bound, device->count_wh, PLAUSIBILITY_SUN_BELOW_HORIZON);
	plausibility_lower(bound, plausibility_wh(device, means.limit_w_m2, PLAUSIBILITY_COLD_FACTOR, length_ms)
					   + device->count_wh, PLAUSIBILITY_IRRADIANCE_LIMIT);
	plausibility_lower(bound, plausibility_wh(device, means.measured_w_m2, PLAUSIBILITY_COLD_FACTOR, length_ms)
					   + device->count_wh, PLAUSIBILITY_MEASURED_IRRADIANCE);
	clear_wh = plausibility_wh(device, means.clear_sky_w_m2, plausibility_clear_sky_margin(length_ms), length_ms)
		+ device->count_wh;
	bound->clear_sky_wh = clear_wh < bound->hard_wh ? clear_wh : bound->hard_wh;
}

static void
plausibility_wind(const plausibility_device *device, int64_t length_ms, const plausibility_weather *weather,
				  plausibility_bound *bound)
{
	wind_power_point point[PLAUSIBILITY_CURVE_MAX];
	double		speed = weather->wind_cm_s / 100.0 * PLAUSIBILITY_WIND_FACTOR + PLAUSIBILITY_WIND_OFFSET_M_S;
	double		density = weather->has_density ? weather->density_g_m3 / 1000.0 : WIND_POWER_DENSITY_KG_M3;
	double		most;

	for (int i = 0; i < device->curve_count; i++)
		point[i] = (wind_power_point) {device->curve[i].speed_cm_s / 100.0, (double) device->curve[i].power_w};
	most = wind_power_most_w(point, device->curve_count, speed, density) * PLAUSIBILITY_WIND_POWER_FACTOR;
	plausibility_lower(bound, (int64_t) floor(most * ((double) length_ms / HOUR_MS)) + device->count_wh,
					   PLAUSIBILITY_POWER_CURVE);
}

/* ---- what is asked ---- */

static bool
plausibility_within(int64_t value, int64_t least, int64_t most)
{
	return value >= least && value <= most;
}

static bool
plausibility_curve_good(const plausibility_device *device)
{
	if (!plausibility_within(device->curve_count, 0, PLAUSIBILITY_CURVE_MAX))
		return false;
	for (int i = 0; i < device->curve_count; i++)
	{
		const plausibility_curve_point *point = &device->curve[i];

		if (!plausibility_within(point->speed_cm_s, i == 0 ? 0 : point[-1].speed_cm_s + 1, PLAUSIBILITY_SPEED_MAX_CM_S) ||
			!plausibility_within(point->power_w, 0, PLAUSIBILITY_CAPACITY_MAX_W))
			return false;
	}
	return true;
}

static plausibility_status
plausibility_check_device(const plausibility_device *device)
{
	if (!plausibility_within(device->capacity_w, 1, PLAUSIBILITY_CAPACITY_MAX_W))
		return PLAUSIBILITY_BAD_CAPACITY;
	if (!plausibility_within(device->count_wh, 0, PLAUSIBILITY_COUNT_MAX_WH))
		return PLAUSIBILITY_BAD_COUNT;
	if (device->has_place && (!plausibility_within(device->latitude_microdegrees, -90000000, 90000000) ||
							  !plausibility_within(device->longitude_microdegrees, -180000000, 180000000) ||
							  !plausibility_within(device->altitude_m, PLAUSIBILITY_ALTITUDE_MIN_M, PLAUSIBILITY_ALTITUDE_MAX_M)))
		return PLAUSIBILITY_BAD_PLACE;
	if (device->has_plane && (!plausibility_within(device->tilt_degrees, 0, 180) ||
							  !plausibility_within(device->azimuth_degrees, 0, 359)))
		return PLAUSIBILITY_BAD_PLANE;
	for (int i = 0; device->has_turbidity && i < 12; i++)
	{
		if (!plausibility_within(device->turbidity_hundredths[i], PLAUSIBILITY_TURBIDITY_MIN, PLAUSIBILITY_TURBIDITY_MAX))
			return PLAUSIBILITY_BAD_TURBIDITY;
	}
	return plausibility_curve_good(device) ? PLAUSIBILITY_OK : PLAUSIBILITY_BAD_CURVE;
}

static bool
plausibility_weather_good(const plausibility_weather *weather)
{
	return (!weather->has_global || plausibility_within(weather->global_w_m2, 0, PLAUSIBILITY_IRRADIANCE_MAX_W_M2)) &&
		(!weather->has_plane || plausibility_within(weather->plane_w_m2, 0, PLAUSIBILITY_IRRADIANCE_MAX_W_M2)) &&
		(!weather->has_wind || plausibility_within(weather->wind_cm_s, 0, PLAUSIBILITY_SPEED_MAX_CM_S)) &&
		(!weather->has_density || plausibility_within(weather->density_g_m3, PLAUSIBILITY_DENSITY_MIN_G_M3,
													  PLAUSIBILITY_DENSITY_MAX_G_M3));
}

plausibility_status
plausibility_bound_of(const plausibility_device *device, int64_t from_ms, int64_t to_ms,
					  const plausibility_weather *weather, plausibility_bound *out)
{
	plausibility_status status = plausibility_check_device(device);

	if (status != PLAUSIBILITY_OK)
		return status;
	if (from_ms < SUN_FROM_MS || from_ms >= SUN_TO_MS)
		return PLAUSIBILITY_BAD_TIME;
	if (to_ms <= from_ms || to_ms > from_ms + PLAUSIBILITY_INTERVAL_MAX_MS)
		return PLAUSIBILITY_BAD_INTERVAL;
	if (weather != NULL && !plausibility_weather_good(weather))
		return PLAUSIBILITY_BAD_WEATHER;
	out->hard_wh = device->capacity_w * (to_ms - from_ms) / HOUR_MS;
	out->rule = PLAUSIBILITY_NAMEPLATE;
	out->clear_sky_wh = -1;
	if (device->kind == PLAUSIBILITY_SOLAR && device->has_place)
		plausibility_solar(device, from_ms, to_ms, weather, out);
	if (device->kind == PLAUSIBILITY_WIND && device->curve_count > 0 && weather != NULL && weather->has_wind)
		plausibility_wind(device, to_ms - from_ms, weather, out);
	return PLAUSIBILITY_OK;
}

const char *
plausibility_rule_name(plausibility_rule rule)
{
	static const char *const name[] = {
		"nameplate", "sun_below_horizon", "irradiance_limit", "measured_irradiance", "power_curve"
	};

	return name[rule];
}

bool
plausibility_kind_of_name(const char *name, plausibility_kind *out)
{
	static const char *const known[] = {"solar", "wind", "other"};

	for (int i = 0; i < 3; i++)
	{
		if (strcmp(name, known[i]) == 0)
		{
			*out = (plausibility_kind) i;
			return true;
		}
	}
	return false;
}
