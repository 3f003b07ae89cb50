/*
 * test_plausibility.c: bounds of what a plant can have produced: against published limits,
 * against their own definition tried out by hand, and what must hold of any plant anywhere.
 */
#include "unit.h"

#include <math.h>

#include "core/plausibility.h"
#include "vector_csv.h"

#define QUARTER_MS INT64_C(900000)
#define HOUR_MS INT64_C(3600000)
#define NOON_MS INT64_C(1718971200000)	/* 2024-06-21 12:00 UTC */
#define LARGE_W PLAUSIBILITY_CAPACITY_MAX_W

static double
random_between(uint64_t *state, double low, double high)
{
	return low + (high - low) * (double) (unit_random(state) >> 11) / 9007199254740992.0;
}

static int64_t
random_time(uint64_t *state)
{
	return (int64_t) random_between(state, SUN_FROM_MS, SUN_TO_MS);
}

/* A solar plant anywhere, with a plane in two of three, with turbidity in one of two. */
static plausibility_device
random_device(uint64_t *state)
{
	plausibility_device device = {.kind = PLAUSIBILITY_SOLAR,.has_place = true};

	device.capacity_w = 1 + (int64_t) pow(10, random_between(state, 0, 10));
	device.latitude_microdegrees = (int32_t) random_between(state, -9e7, 9e7);
	device.longitude_microdegrees = (int32_t) random_between(state, -18e7, 18e7);
	device.altitude_m = (int32_t) random_between(state, -400, 4000);
	device.has_plane = unit_random(state) % 3 != 0;
	device.tilt_degrees = (int16_t) (unit_random(state) % 181);
	device.azimuth_degrees = (int16_t) (unit_random(state) % 360);
	device.has_turbidity = unit_random(state) % 2 == 0;
	for (int m = 0; m < 12; m++)
		device.turbidity_hundredths[m] = (int16_t) (200 + unit_random(state) % 600);
	return device;
}

static plausibility_bound
bound_of(const plausibility_device *device, int64_t from_ms, int64_t length_ms, const plausibility_weather *weather)
{
	plausibility_bound bound;

	assert_int_equal(plausibility_bound_of(device, from_ms, from_ms + length_ms, weather, &bound), PLAUSIBILITY_OK);
	return bound;
}

/* ---- QCRad ---- */

static void
published_limits(void **state)
{
	qcrad_limits half = qcrad_limits_of(0.5, 1000);	/* 0.5 ^ 1.2 = 0.4352753 */
	vector_csv	csv;
	int			rows = 0;

	assert_true(fabs(half.ghi_w_m2 - 752.9129) < 1e-4 && fabs(half.dhi_w_m2 - 463.5115) < 1e-4 && half.dni_w_m2 == 1000);
	vector_open(&csv, "energy/solar_wind/qcrad_limits.csv");
	for (; vector_next(&csv); rows++)
	{
		qcrad_limits limit = qcrad_limits_of(cos(vector_number(&csv, 3) * SUN_RADIANS), vector_number(&csv, 4));

		assert_int_equal(qcrad_possible(vector_number(&csv, 0), limit.ghi_w_m2), vector_number(&csv, 5));
		assert_int_equal(qcrad_possible(vector_number(&csv, 1), limit.dhi_w_m2), vector_number(&csv, 6));
		assert_int_equal(qcrad_possible(vector_number(&csv, 2), limit.dni_w_m2), vector_number(&csv, 7));
	}
	assert_int_equal(rows, 15);
}

/* What a plane gets of direct light d and diffuse f, from the directions themselves. */
static double
on_plane(const double sun[3], const double normal[3], double d, double f)
{
	double		incidence = sun[0] * normal[0] + sun[1] * normal[1] + sun[2] * normal[2];

	return d * fmax(incidence, 0) + f * (1 + normal[2]) / 2
		+ PLAUSIBILITY_ALBEDO_MOST * (d * fmax(sun[2], 0) + f) * (1 - normal[2]) / 2;
}

/*
 * All allowed pairs of direct and diffuse light on a grid, and without a plane all
 * directions on another: none gives more than the bound, and some give nearly as much.
 */
static void
limits_by_hand(void **state)
{
	uint64_t	random = 21;

	for (int i = 0; i < 60; i++)
	{
		plausibility_device device = random_device(&random);
		plausibility_site site = plausibility_site_of(&device, 0);
		int64_t		at_ms = random_time(&random);
		plausibility_sunlight light;
		sun_position position;
		sun_orbit	orbit;
		qcrad_limits limit;
		double		azimuth;
		double		elevation;
		double		most = 0;

		sun_position_at(at_ms, device.latitude_microdegrees / 1e6, device.longitude_microdegrees / 1e6, &position);
		plausibility_sunlight_at(&site, at_ms, &light);
		if (position.elevation_degrees < 0)
			continue;
		sun_orbit_at(at_ms, &orbit);
		elevation = position.elevation_degrees * SUN_RADIANS;
		azimuth = position.azimuth_degrees * SUN_RADIANS;
		limit = qcrad_limits_of(sin(elevation), sun_extraterrestrial_w_m2(&orbit));
		for (int direction = 0; direction < (device.has_plane ? 1 : 46 * 90); direction++)
		{
			double		tilt = (device.has_plane ? device.tilt_degrees : direction / 90 * 4) * SUN_RADIANS;
			double		facing = (device.has_plane ? device.azimuth_degrees : direction % 90 * 4) * SUN_RADIANS;
			double		sun[3] = {cos(elevation) * sin(azimuth), cos(elevation) * cos(azimuth), sin(elevation)};
			double		normal[3] = {sin(tilt) * sin(facing), sin(tilt) * cos(facing), cos(tilt)};

			for (int j = 0; j <= 40; j++)
			{
				double		d = limit.dni_w_m2 * j / 40;
				double		rest = limit.ghi_w_m2 - d * sin(elevation);

				for (int k = 0; k <= 20 && rest >= 0; k++)
					most = fmax(most, on_plane(sun, normal, d, fmin(limit.dhi_w_m2, rest) * k / 20));
			}
		}
		/* the parallax, which the position has */
		assert_true(most <= light.hard_w_m2 + 0.3);
		assert_true(most >= light.hard_w_m2 * 0.96);
	}
}

/* ---- intervals ---- */

/* Never below the bound of any moment in it, and not far above their mean. */
static void
upper_at_every_moment(void **state)
{
	uint64_t	random = 22;
	int			lit = 0;

	for (int i = 0; i < 3000; i++)
	{
		plausibility_device device = random_device(&random);
		int64_t		length_ms = (int64_t) random_between(&random, 1000, 3600000);
		int64_t		from_ms = random_time(&random);
		plausibility_site site = plausibility_site_of(&device, 0);
		plausibility_bound bound;
		double		sum = 0;
		double		mean;
		int			n = 100;

		device.capacity_w = LARGE_W;
		for (int k = 0; k < n; k++)
		{
			plausibility_sunlight light;

			plausibility_sunlight_at(&site, from_ms + (length_ms * (2 * k + 1)) / (2 * n), &light);
			sum += light.hard_w_m2 * PLAUSIBILITY_COLD_FACTOR / n;
		}
		bound = bound_of(&device, from_ms, length_ms, NULL);
		mean = bound.hard_wh * 1000.0 / (LARGE_W * ((double) length_ms / HOUR_MS));
		if (bound.rule != PLAUSIBILITY_NAMEPLATE)
			assert_true(mean >= sum * (1 - 1e-6) - 1e-3);
		/* what a piece's relaxation costs; and a horizon in a piece counts for all of it */
		assert_true(mean <= sum * 1.1 + 20 + (sum < 1700 ? 1700.0 * 300000 / fmax(length_ms, 300000) : 0));
		if (bound.rule == PLAUSIBILITY_SUN_BELOW_HORIZON)
			assert_true(sum == 0 && bound.hard_wh == 0 && bound.clear_sky_wh == 0);
		lit += bound.rule == PLAUSIBILITY_IRRADIANCE_LIMIT;
	}
	assert_in_range(lit, 500, 2500);
}

static void
any_plant(void **state)
{
	uint64_t	random = 23;
	int			rule[5] = {0};

	for (int i = 0; i < 50000; i++)
	{
		plausibility_device device = random_device(&random);
		int64_t		length_ms = 1 + (int64_t) (unit_random(&random) % HOUR_MS);
		int64_t		from_ms = random_time(&random);
		plausibility_weather weather = {.has_global = true,.global_w_m2 = (int32_t) random_between(&random, 0, 1200)};
		plausibility_site site = plausibility_site_of(&device, 0);
		plausibility_sunlight light;
		plausibility_bound bound = bound_of(&device, from_ms, length_ms, NULL);
		plausibility_bound measured = bound_of(&device, from_ms, length_ms, &weather);
		plausibility_bound more;

		assert_true(bound.hard_wh >= 0 && bound.clear_sky_wh >= 0 && bound.clear_sky_wh <= bound.hard_wh);
		assert_true((__int128) bound.hard_wh * HOUR_MS <= (__int128) device.capacity_w * length_ms);
		assert_true(measured.hard_wh >= 0 && measured.hard_wh <= bound.hard_wh);
		rule[measured.rule]++;
		rule[bound.rule]++;
		device.capacity_w += 1 + device.capacity_w / 7;
		more = bound_of(&device, from_ms, length_ms, NULL);
		assert_true(more.hard_wh >= bound.hard_wh && more.clear_sky_wh >= bound.clear_sky_wh);
		device.has_plane = false;
		more = bound_of(&device, from_ms, length_ms, NULL);
		assert_true(more.hard_wh >= bound.hard_wh);
		/* what is usual is possible, up to the highest towns */
		plausibility_sunlight_at(&site, from_ms, &light);
		assert_true(light.clear_sky_w_m2 >= 0 && light.hard_w_m2 >= 0);
		assert_true(light.clear_sky_w_m2 <= light.hard_w_m2 + 1e-9);
	}
	for (int i = PLAUSIBILITY_NAMEPLATE; i <= PLAUSIBILITY_MEASURED_IRRADIANCE; i++)
		assert_true(rule[i] > 1000);
}

static void
nights(void **state)
{
	plausibility_device device = {.kind = PLAUSIBILITY_SOLAR,.capacity_w = LARGE_W,.has_place = true,.latitude_microdegrees = 80000000};
	int64_t		december_ms = INT64_C(1734739200000);	/* 2024-12-21 */

	for (int hour = 0; hour < 24; hour++)
	{
		plausibility_bound bound = bound_of(&device, december_ms + hour * HOUR_MS, HOUR_MS, NULL);

		assert_int_equal(bound.rule, PLAUSIBILITY_SUN_BELOW_HORIZON);
		assert_true(bound.hard_wh == 0 && bound.clear_sky_wh == 0);
		/* and half a year away never */
		bound = bound_of(&device, NOON_MS + hour * HOUR_MS, HOUR_MS, NULL);
		assert_true(bound.rule != PLAUSIBILITY_SUN_BELOW_HORIZON && bound.clear_sky_wh > 0);
	}
	/* one count of the register, and no more; of the nameplate nothing is added */
	device.capacity_w = 1040;
	device.count_wh = 7;
	assert_true(bound_of(&device, december_ms, HOUR_MS, NULL).hard_wh == 7);
	assert_true(bound_of(&device, december_ms, HOUR_MS, NULL).clear_sky_wh == 7);
	device.capacity_w = 5;
	assert_true(bound_of(&device, december_ms, HOUR_MS, NULL).hard_wh == 5);
}

/* The sun's limb at the horizon, at sea and from a mountain of 2500 m, whose horizon lies 1.47 degrees lower. */
static void
horizons(void **state)
{
	plausibility_device device = {.kind = PLAUSIBILITY_SOLAR,.capacity_w = LARGE_W,.has_place = true,.latitude_microdegrees = 40000000};
	int64_t		midnight_ms = NOON_MS - 12 * HOUR_MS;
	sun_day		day;

	sun_day_find(midnight_ms, midnight_ms + SUN_DAY_MS, 40, 0, &day);
	assert_true(bound_of(&device, day.sunrise_ms - 60000, 60000, NULL).hard_wh > 0);
	assert_int_equal(bound_of(&device, day.sunrise_ms - 120000, 60000, NULL).rule, PLAUSIBILITY_SUN_BELOW_HORIZON);
	assert_int_equal(bound_of(&device, day.sunset_ms + 60000, HOUR_MS, NULL).rule, PLAUSIBILITY_SUN_BELOW_HORIZON);
	device.altitude_m = 2500;
	assert_true(bound_of(&device, day.sunrise_ms - 8 * 60000, 60000, NULL).hard_wh > 0);
	assert_true(bound_of(&device, day.sunrise_ms - 12 * 60000, 60000, NULL).hard_wh == 0);
}

/* Around a sunrise, a millisecond later the greatest plant's bound is hardly another: nothing has a jump. */
static void
no_jumps(void **state)
{
	plausibility_device device = {.kind = PLAUSIBILITY_SOLAR,.capacity_w = LARGE_W,.has_place = true,
	.latitude_microdegrees = 40000000,.has_plane = true,.tilt_degrees = 90,.azimuth_degrees = 60};
	int64_t		midnight_ms = NOON_MS - 12 * HOUR_MS;
	sun_day		day;
	plausibility_bound before = {0};

	sun_day_find(midnight_ms, midnight_ms + SUN_DAY_MS, 40, 0, &day);
	for (int ms = 0; ms < 240000; ms++)
	{
		plausibility_bound bound = bound_of(&device, day.sunrise_ms - QUARTER_MS - 120000 + ms, QUARTER_MS, NULL);

		assert_true(ms == 0 || llabs(bound.hard_wh - before.hard_wh) < 200000);
		assert_true(ms == 0 || llabs(bound.clear_sky_wh - before.clear_sky_wh) < 20000);
		before = bound;
	}
	assert_true(before.hard_wh > INT64_C(1000000000));
}

/* ---- rules ---- */

static void
nameplates(void **state)
{
	plausibility_device device = {.kind = PLAUSIBILITY_OTHER,.capacity_w = 1040};
	plausibility_bound bound = bound_of(&device, NOON_MS, HOUR_MS / 2, NULL);

	assert_int_equal(bound.hard_wh, 520);
	assert_int_equal(bound.clear_sky_wh, -1);
	assert_string_equal(plausibility_rule_name(bound.rule), "nameplate");
	assert_true(1040 * 101 / 200 > bound.hard_wh);
	device.capacity_w = 999;
	assert_int_equal(bound_of(&device, NOON_MS, QUARTER_MS, NULL).hard_wh, 249);
	device.capacity_w = LARGE_W;
	assert_true(bound_of(&device, NOON_MS, HOUR_MS, NULL).hard_wh == LARGE_W);
	/* the same of a solar plant at noon, and of one that is nowhere */
	device = (plausibility_device) {.kind = PLAUSIBILITY_SOLAR,.capacity_w = 999,.has_place = true};
	assert_int_equal(bound_of(&device, NOON_MS, QUARTER_MS, NULL).hard_wh, 249);
	device.has_place = false;
	assert_int_equal(bound_of(&device, NOON_MS + 12 * HOUR_MS, QUARTER_MS, NULL).hard_wh, 249);
	assert_int_equal(bound_of(&device, NOON_MS, QUARTER_MS, NULL).clear_sky_wh, -1);
}

static void
clear_skies(void **state)
{
	plausibility_device device = {.kind = PLAUSIBILITY_SOLAR,.capacity_w = 1000000,.has_place = true,
	.latitude_microdegrees = 47000000,.longitude_microdegrees = 0,.altitude_m = 400,.has_plane = true};
	clear_sky_air air = clear_sky_air_of(400, 3);
	sun_position position;
	sun_orbit	orbit;
	clear_sky	sky;
	double		mu;
	int64_t		expected;

	assert_true(plausibility_clear_sky_margin(1) == 1.25 && plausibility_clear_sky_margin(QUARTER_MS) == 1.25);
	assert_true(fabs(plausibility_clear_sky_margin(HOUR_MS) - 1.15) < 1e-12);
	assert_true(fabs(plausibility_clear_sky_margin(2 * QUARTER_MS) - (1.25 - 0.1 / 3)) < 1e-12);
	device.has_turbidity = true;
	for (int m = 0; m < 12; m++)
		device.turbidity_hundredths[m] = 300;
	/* a second of a level plane is what the model says of its middle */
	sun_position_at(NOON_MS - 4 * HOUR_MS, 47, 0, &position);
	sun_orbit_at(NOON_MS - 4 * HOUR_MS, &orbit);
	mu = sin(position.elevation_degrees * SUN_RADIANS);
	clear_sky_ineichen(&air, mu, clear_sky_airmass_true(mu) * air.pressure_ratio, sun_extraterrestrial_w_m2(&orbit), false, &sky);
	expected = (int64_t) (sky.ghi_w_m2 * 1.25 * 1000000 / 3600);
	device.capacity_w = 1000000000;
	assert_true(llabs(bound_of(&device, NOON_MS - 4 * HOUR_MS - 500, 1000, NULL).clear_sky_wh - expected) < expected / 5000);
	/* without turbidity the sky is cleaner */
	device.capacity_w = 1000000;
	expected = bound_of(&device, NOON_MS - 4 * HOUR_MS, QUARTER_MS, NULL).clear_sky_wh;
	device.has_turbidity = false;
	assert_true(bound_of(&device, NOON_MS - 4 * HOUR_MS, QUARTER_MS, NULL).clear_sky_wh > expected);
}

/* The month is that of the interval's middle in UTC. */
static void
months(void **state)
{
	static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	plausibility_device device = {.kind = PLAUSIBILITY_SOLAR,.capacity_w = LARGE_W,.has_place = true,.longitude_microdegrees = 170000000,
	.has_turbidity = true};
	int64_t		at_ms = INT64_C(1704067200000); /* 2024-01-01 00:00, noon at that place */

	for (int month = 0; month < 12; month++)
	{
		for (int day = 0; day < days[month]; day++, at_ms += SUN_DAY_MS)
		{
			int64_t		clean_wh;

			for (int m = 0; m < 12; m++)
				device.turbidity_hundredths[m] = 700;
			assert_int_equal(bound_of(&device, at_ms, HOUR_MS, NULL).rule, PLAUSIBILITY_NAMEPLATE);
			clean_wh = bound_of(&device, at_ms, HOUR_MS, NULL).clear_sky_wh;
			for (int m = 0; m < 12; m++)
				device.turbidity_hundredths[m] = m == month ? 700 : 100;
			assert_true(bound_of(&device, at_ms, HOUR_MS, NULL).clear_sky_wh == clean_wh);
		}
	}
}

static void
measured(void **state)
{
	plausibility_device device = {.kind = PLAUSIBILITY_SOLAR,.capacity_w = 1000000,.has_place = true,.has_plane = true};
	plausibility_weather weather = {.has_global = true};
	plausibility_bound bound;

	/* on a level plane it is the value itself: 300 W/m2 may be 390, at 1.25 times 1 MW and 1000 W/m2, and the sun's way in a piece */
	weather.global_w_m2 = 300;
	bound = bound_of(&device, NOON_MS, HOUR_MS, &weather);
	assert_int_equal(bound.rule, PLAUSIBILITY_MEASURED_IRRADIANCE);
	assert_in_range(bound.hard_wh, 487499, 490000);
	assert_true(bound.clear_sky_wh == bound.hard_wh);
	weather = (plausibility_weather) {.has_plane = true,.plane_w_m2 = 200};
	assert_in_range(bound_of(&device, NOON_MS, HOUR_MS, &weather).hard_wh, 337499, 337500);
	/* of both the lower counts; a high one says nothing; at night there is nothing to add to */
	weather.has_global = true;
	weather.global_w_m2 = 100;
	assert_in_range(bound_of(&device, NOON_MS, HOUR_MS, &weather).hard_wh, 187499, 190000);
	weather.global_w_m2 = weather.plane_w_m2 = 3000;
	assert_int_equal(bound_of(&device, NOON_MS, HOUR_MS, &weather).rule, PLAUSIBILITY_NAMEPLATE);
	assert_int_equal(bound_of(&device, NOON_MS + 12 * HOUR_MS, HOUR_MS, &weather).rule, PLAUSIBILITY_SUN_BELOW_HORIZON);
	/* of the wind nothing follows */
	weather = (plausibility_weather) {.has_wind = true,.wind_cm_s = 0};
	assert_int_equal(bound_of(&device, NOON_MS, HOUR_MS, &weather).rule, PLAUSIBILITY_NAMEPLATE);
}

static void
wind(void **state)
{
	static const plausibility_curve_point curve[] = {{300, 0}, {1000, 1000000}, {1200, 2000000}, {2500, 2000000}};
	plausibility_device device = {.kind = PLAUSIBILITY_WIND,.capacity_w = 2000000,.curve = curve,.curve_count = 4};
	plausibility_weather weather = {.has_wind = true,.wind_cm_s = 500};
	plausibility_bound bound = bound_of(&device, NOON_MS, HOUR_MS, NULL);

	assert_true(bound.hard_wh == 2000000 && bound.rule == PLAUSIBILITY_NAMEPLATE && bound.clear_sky_wh == -1);
	/* 5 m/s may be 6, of which the curve says 3/7 MW, and a tenth more */
	bound = bound_of(&device, NOON_MS, HOUR_MS, &weather);
	assert_in_range(bound.hard_wh, 471427, 471428);
	assert_string_equal(plausibility_rule_name(bound.rule), "power_curve");
	weather.has_density = true;
	weather.density_g_m3 = 1225;
	assert_true(bound_of(&device, NOON_MS, HOUR_MS, &weather).hard_wh == bound.hard_wh);
	weather.density_g_m3 = 1000;
	assert_true(bound_of(&device, NOON_MS, HOUR_MS, &weather).hard_wh < bound.hard_wh);
	weather.density_g_m3 = 1400;
	assert_true(bound_of(&device, NOON_MS, HOUR_MS, &weather).hard_wh > bound.hard_wh);
	/* no wind at all; a storm, of which the hour's mean says nothing against */
	weather.wind_cm_s = 0;
	assert_true(bound_of(&device, NOON_MS, HOUR_MS, &weather).hard_wh == 0);
	weather.wind_cm_s = 4000;
	assert_true(bound_of(&device, NOON_MS, HOUR_MS, &weather).hard_wh == 2000000);
	weather.wind_cm_s = 500;
	device.curve_count = 0;
	assert_true(bound_of(&device, NOON_MS, HOUR_MS, &weather).hard_wh == 2000000);
}

static void
assert_refused(const plausibility_device *device, const plausibility_weather *weather, plausibility_status status)
{
	plausibility_bound bound = {-5, PLAUSIBILITY_NAMEPLATE, -5};

	assert_int_equal(plausibility_bound_of(device, NOON_MS, NOON_MS + HOUR_MS, weather, &bound), status);
	assert_true(status == PLAUSIBILITY_OK || (bound.hard_wh == -5 && bound.clear_sky_wh == -5));
}

/* Of a good device with one field set to a value. */
#define REFUSED(field, value, status) \
	do { plausibility_device d_ = good; d_.field = (value); assert_refused(&d_, NULL, status); } while (0)

static void
refused(void **state)
{
	plausibility_curve_point curve[] = {{300, 0}, {300, 5}};
	const plausibility_device good = {.kind = PLAUSIBILITY_SOLAR,.capacity_w = 5,.has_place = true,.has_plane = true,.has_turbidity = true,
	.turbidity_hundredths = {300, 300, 300, 300, 300, 300, 300, 300, 300, 300, 300, 300},.curve = curve,.curve_count = 1};
	plausibility_weather weather = {.has_wind = true,.wind_cm_s = 0};
	plausibility_bound bound;

	assert_refused(&good, NULL, PLAUSIBILITY_OK);
	REFUSED(capacity_w, 0, PLAUSIBILITY_BAD_CAPACITY);
	REFUSED(capacity_w, LARGE_W + 1, PLAUSIBILITY_BAD_CAPACITY);
	REFUSED(count_wh, -1, PLAUSIBILITY_BAD_COUNT);
	REFUSED(count_wh, PLAUSIBILITY_COUNT_MAX_WH + 1, PLAUSIBILITY_BAD_COUNT);
	REFUSED(latitude_microdegrees, 90000001, PLAUSIBILITY_BAD_PLACE);
	REFUSED(longitude_microdegrees, -180000001, PLAUSIBILITY_BAD_PLACE);
	REFUSED(altitude_m, 9001, PLAUSIBILITY_BAD_PLACE);
	REFUSED(altitude_m, -501, PLAUSIBILITY_BAD_PLACE);
	REFUSED(tilt_degrees, 181, PLAUSIBILITY_BAD_PLANE);
	REFUSED(azimuth_degrees, 360, PLAUSIBILITY_BAD_PLANE);
	REFUSED(azimuth_degrees, -1, PLAUSIBILITY_BAD_PLANE);
	REFUSED(turbidity_hundredths[11], 99, PLAUSIBILITY_BAD_TURBIDITY);
	REFUSED(turbidity_hundredths[0], 2001, PLAUSIBILITY_BAD_TURBIDITY);
	REFUSED(curve_count, 2, PLAUSIBILITY_BAD_CURVE);
	REFUSED(curve_count, -1, PLAUSIBILITY_BAD_CURVE);
	REFUSED(curve_count, PLAUSIBILITY_CURVE_MAX + 1, PLAUSIBILITY_BAD_CURVE);
	curve[0].power_w = -1;
	assert_refused(&good, NULL, PLAUSIBILITY_BAD_CURVE);
	curve[0].power_w = 0;
	weather.wind_cm_s = -1;
	assert_refused(&good, &weather, PLAUSIBILITY_BAD_WEATHER);
	weather = (plausibility_weather) {.has_global = true,.global_w_m2 = 3001};
	assert_refused(&good, &weather, PLAUSIBILITY_BAD_WEATHER);
	weather = (plausibility_weather) {.has_plane = true,.plane_w_m2 = -1};
	assert_refused(&good, &weather, PLAUSIBILITY_BAD_WEATHER);
	weather = (plausibility_weather) {.has_density = true,.density_g_m3 = 499};
	assert_refused(&good, &weather, PLAUSIBILITY_BAD_WEATHER);
	assert_int_equal(plausibility_bound_of(&good, NOON_MS, NOON_MS, NULL, &bound), PLAUSIBILITY_BAD_INTERVAL);
	assert_int_equal(plausibility_bound_of(&good, NOON_MS, NOON_MS + HOUR_MS + 1, NULL, &bound), PLAUSIBILITY_BAD_INTERVAL);
	assert_int_equal(plausibility_bound_of(&good, INT64_MIN, INT64_MAX, NULL, &bound), PLAUSIBILITY_BAD_TIME);
	assert_int_equal(plausibility_bound_of(&good, SUN_TO_MS, SUN_TO_MS + 1, NULL, &bound), PLAUSIBILITY_BAD_TIME);
	assert_int_equal(plausibility_bound_of(&good, SUN_FROM_MS, SUN_FROM_MS + 1, NULL, &bound), PLAUSIBILITY_OK);
}

static void
names(void **state)
{
	plausibility_kind kind = PLAUSIBILITY_OTHER;

	assert_true(plausibility_kind_of_name("solar", &kind) && kind == PLAUSIBILITY_SOLAR);
	assert_true(plausibility_kind_of_name("wind", &kind) && kind == PLAUSIBILITY_WIND);
	assert_true(plausibility_kind_of_name("other", &kind) && kind == PLAUSIBILITY_OTHER);
	assert_false(plausibility_kind_of_name("Solar", &kind));
	assert_string_equal(plausibility_rule_name(PLAUSIBILITY_SUN_BELOW_HORIZON), "sun_below_horizon");
	assert_string_equal(plausibility_rule_name(PLAUSIBILITY_IRRADIANCE_LIMIT), "irradiance_limit");
	assert_string_equal(plausibility_rule_name(PLAUSIBILITY_MEASURED_IRRADIANCE), "measured_irradiance");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_limits),
		cmocka_unit_test(limits_by_hand),
		cmocka_unit_test(upper_at_every_moment),
		cmocka_unit_test(any_plant),
		cmocka_unit_test(nights),
		cmocka_unit_test(horizons),
		cmocka_unit_test(no_jumps),
		cmocka_unit_test(nameplates),
		cmocka_unit_test(clear_skies),
		cmocka_unit_test(months),
		cmocka_unit_test(measured),
		cmocka_unit_test(wind),
		cmocka_unit_test(refused),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
