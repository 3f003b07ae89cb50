/*
 * test_sun.c: the sun's place, its rising and setting, and planes: published values, an
 * example of Meeus's book, and what must hold anywhere.
 */
#include "unit.h"

#include <math.h>
#include <time.h>

#include "core/sun.h"
#include "vector_csv.h"

/* What is seen of the vectors' rows is 0.0004 degrees and 1.0 s. */
#define POSITION_DEGREES 0.001
#define REFERENCE_S 2
#define MINUTE_S 31				/* where the reference has minutes, rounded */

static int64_t
utc_ms(int year, int month, int day, int hour, int minute, int second)
{
	struct tm	t = {.tm_year = year - 1900,.tm_mon = month - 1,.tm_mday = day,
	.tm_hour = hour,.tm_min = minute,.tm_sec = second};

	return (int64_t) timegm(&t) * 1000;
}

static void
assert_near(double value, double expected, double tolerance)
{
	if (!(fabs(value - expected) <= tolerance))
		fail_msg("%.9f is not within %g of %.9f", value, tolerance, expected);
}

static double
random_between(uint64_t *state, double low, double high)
{
	return low + (high - low) * (double) (unit_random(state) >> 11) / 9007199254740992.0;
}

/* ---- places ---- */

static void
published_positions(void **state)
{
	vector_csv	csv;
	int			rows = 0;

	vector_open(&csv, "energy/solar_wind/solar_position.csv");
	while (vector_next(&csv))
	{
		int			t[6];
		sun_position position;
		double		pressure_pa;

		assert_int_equal(sscanf(csv.field[4], "%d-%d-%dT%d:%d:%dZ", &t[0], &t[1], &t[2], &t[3], &t[4], &t[5]), 6);
		sun_position_at(utc_ms(t[0], t[1], t[2], t[3], t[4], t[5]), vector_number(&csv, 1), vector_number(&csv, 2), &position);
		assert_near(position.azimuth_degrees, vector_number(&csv, 10), POSITION_DEGREES);
		rows++;
		if (csv.field[7][0] == '\0')
			continue;
		assert_near(position.elevation_degrees, vector_number(&csv, 7), POSITION_DEGREES);
		pressure_pa = strcmp(csv.field[5], "from altitude") == 0 ? sun_pressure_pa(vector_number(&csv, 3)) : vector_number(&csv, 5);
		assert_near(position.elevation_degrees
					+ sun_refraction_degrees(position.elevation_degrees, pressure_pa, vector_number(&csv, 6)),
					vector_number(&csv, 8), POSITION_DEGREES);
		/* the note beside this row */
		if (strcmp(csv.field[0], "golden-alt2000") == 0)
			assert_near(position.equation_of_time_min, 14.64151, 0.005);
	}
	assert_int_equal(rows, 4);
}

/* Meeus, examples 25.b (a complete theory's values) and 28.a: 1992 October 13, 0 h TD. */
static void
book_examples(void **state)
{
	sun_orbit	orbit;

	sun_orbit_at(utc_ms(1992, 10, 13, 0, 0, 0) - SUN_DELTA_T_S * 1000, &orbit);
	assert_near(asin(orbit.sin_declination) / SUN_RADIANS, -(7 + 47 / 60.0 + 1.74 / 3600), 0.001);
	assert_near(orbit.distance_au, 0.99760775, 0.0001);
	assert_near(orbit.equation_of_time_min, 13 + 42.6 / 60, 0.01);
	assert_near(orbit.sin_declination * orbit.sin_declination + orbit.cos_declination * orbit.cos_declination, 1, 1e-12);
	assert_near(sun_extraterrestrial_w_m2(&orbit), 1361.1 / (0.99760775 * 0.99760775), 0.3);
}

static void
refraction(void **state)
{
	/* Meeus, chapter 16: 28.754' at an apparent elevation of 0.5 degrees; 1010 mbar, 10 C; and a standard horizon's 34' */
	assert_near(60 * sun_refraction_degrees(0.5 - 28.754 / 60, 101000, 10), 28.754, 0.1);
	assert_near(60 * sun_refraction_degrees(-0.5667, 101325, 10), 34, 1);
	assert_near(sun_refraction_degrees(90, 101325, 10), 0, 0.0001);
	assert_true(sun_refraction_degrees(SUN_RISING_DEGREES - 0.0001, 101325, 10) == 0);
	/* half the air, half of it */
	assert_near(sun_refraction_degrees(10, 50500, 10) * 2, sun_refraction_degrees(10, 101000, 10), 1e-12);
	assert_near(sun_pressure_pa(0), 101325, 0.001);
	/* ISO 2533, by geopotential altitude */
	assert_near(sun_pressure_pa(1000), 89874.6, 2);
	assert_near(sun_pressure_pa(5000), 54019.9, 2);
}

/* Against the definition by angles, over the whole earth and all planes. */
static void
planes(void **state)
{
	uint64_t	random = 11;

	for (int i = 0; i < 20000; i++)
	{
		int64_t		at_ms = (int64_t) random_between(&random, SUN_FROM_MS, SUN_TO_MS);
		double		latitude = random_between(&random, -90, 90);
		double		longitude = random_between(&random, -180, 180);
		double		tilt = random_between(&random, 0, 180);
		double		azimuth = random_between(&random, 0, 360);
		sun_place	place = sun_place_of(latitude, longitude);
		sun_plane	plane = sun_plane_of(tilt, azimuth);
		sun_position position;
		sun_orbit	orbit;
		sun_wave	up;
		sun_wave	incidence;
		double		hour;
		double		elevation;

		sun_position_at(at_ms, latitude, longitude, &position);
		sun_orbit_at(at_ms, &orbit);
		hour = sun_hour_angle(&orbit, at_ms, longitude);
		assert_true(hour >= -M_PI && hour <= M_PI);
		assert_true(position.azimuth_degrees >= 0 && position.azimuth_degrees < 360);
		up = sun_elevation_wave(&orbit, &place);
		incidence = sun_incidence_wave(&orbit, &place, &plane);
		elevation = position.elevation_degrees * SUN_RADIANS;
		/* parallax is in the position and not in the waves */
		assert_near(sun_wave_at(&up, cos(hour), sin(hour)), sin(elevation), 0.00005);
		assert_near(sun_wave_at(&incidence, cos(hour), sin(hour)),
					sin(elevation) * cos(tilt * SUN_RADIANS) + cos(elevation) * sin(tilt * SUN_RADIANS)
					* cos((position.azimuth_degrees - azimuth) * SUN_RADIANS), 0.00005);
	}
}

/* ---- days ---- */

static int
second_of_day(int64_t at_ms, int64_t midnight_ms)
{
	return (int) llround((at_ms - midnight_ms) / 1000.0);
}

static void
assert_time(const vector_csv *csv, int field, bool has, int64_t at_ms, int64_t midnight_ms)
{
	int			t[3] = {0};
	int			parts = sscanf(csv->field[field], "%d:%d:%d", &t[0], &t[1], &t[2]);
	int			difference = second_of_day(at_ms, midnight_ms) - (t[0] * 3600 + t[1] * 60 + t[2]);

	assert_true(parts >= 2);
	assert_true(has);
	if (abs(difference) > (parts == 2 ? MINUTE_S : REFERENCE_S))
		fail_msg("%s: %s is %d s off", csv->field[0], csv->field[field], difference);
}

/*
 * One sunset of the file, golden-0802's, is that of the local day before: 02:13:58 of
 * 2015-08-02 in UTC, at 7 hours' difference.  It cannot be the day's own: days become
 * shorter in August, and it lies further from the transit than the sunrise.
 */
static void
published_days(void **state)
{
	vector_csv	csv;
	int			rows = 0;

	vector_open(&csv, "energy/solar_wind/sunrise_sunset.csv");
	while (vector_next(&csv))
	{
		bool		day_before = strcmp(csv.field[0], "golden-0802") == 0;
		int			date[3];
		int64_t		midnight_ms;
		sun_day		day;

		assert_int_equal(sscanf(csv.field[3], "%d-%d-%d", &date[0], &date[1], &date[2]), 3);
		assert_memory_equal(csv.field[4], "UTC", 3);
		midnight_ms = utc_ms(date[0], date[1], date[2], 0, 0, 0) - atoi(csv.field[4] + 3) * INT64_C(3600000);
		sun_day_find(midnight_ms, midnight_ms + SUN_DAY_MS, vector_number(&csv, 1), vector_number(&csv, 2), &day);
		assert_int_equal(day.kind, SUN_DAY_NORMAL);
		assert_time(&csv, 5, day.has_sunrise, day.sunrise_ms, midnight_ms);
		assert_time(&csv, 6, day.has_transit, day.transit_ms, midnight_ms);
		if (day_before)
		{
			assert_int_equal(second_of_day(day.sunset_ms, midnight_ms), 19 * 3600 + 12 * 60 + 54);
			midnight_ms -= SUN_DAY_MS;
			sun_day_find(midnight_ms, midnight_ms + SUN_DAY_MS, vector_number(&csv, 1), vector_number(&csv, 2), &day);
		}
		assert_time(&csv, 7, day.has_sunset, day.sunset_ms, midnight_ms);
		rows++;
	}
	assert_int_equal(rows, 7);
}

/* Where the sun rises or sets its limb is in the horizon, and between it is above. */
static void
days_anywhere(void **state)
{
	uint64_t	random = 12;
	int			risen = 0;
	int			polar = 0;
	int			missing = 0;

	for (int i = 0; i < 5000; i++)
	{
		double		latitude = random_between(&random, -90, 90);
		double		longitude = random_between(&random, -180, 180);
		int64_t		from_ms = (int64_t) random_between(&random, SUN_FROM_MS, SUN_TO_MS - 2 * (double) SUN_DAY_MS);
		int64_t		to_ms = from_ms + SUN_DAY_MS;
		sun_position position;
		sun_day		day;

		sun_day_find(from_ms, to_ms, latitude, longitude, &day);
		if (day.has_sunrise)
		{
			assert_true(day.sunrise_ms >= from_ms && day.sunrise_ms < to_ms);
			sun_position_at(day.sunrise_ms, latitude, longitude, &position);
			assert_near(position.elevation_degrees, SUN_RISING_DEGREES, 0.004);
			risen++;
		}
		if (day.has_sunset)
		{
			assert_true(day.sunset_ms >= from_ms && day.sunset_ms < to_ms);
			sun_position_at(day.sunset_ms, latitude, longitude, &position);
			assert_near(position.elevation_degrees, SUN_RISING_DEGREES, 0.004);
		}
		if (fabs(latitude) < 60)
		{
			assert_int_equal(day.kind, SUN_DAY_NORMAL);
			missing += !day.has_sunrise + !day.has_transit + !day.has_sunset;
		}
		for (int64_t at_ms = from_ms; day.kind != SUN_DAY_NORMAL && at_ms < to_ms; at_ms += 600000)
		{
			sun_position_at(at_ms, latitude, longitude, &position);
			/* within what a day's grazing may be off */
			if (day.kind == SUN_DAY_POLAR_DAY)
				assert_true(position.elevation_degrees > SUN_RISING_DEGREES - 0.05);
			else
				assert_true(position.elevation_degrees < SUN_RISING_DEGREES + 0.05);
		}
		polar += day.kind != SUN_DAY_NORMAL;
	}
	assert_true(risen > 3000 && polar > 500);
	/* only where one comes a little before a day's start, and the next a little after its end */
	assert_in_range(missing, 0, 20);
}

static void
polar_days(void **state)
{
	int64_t		june_ms = utc_ms(2024, 6, 21, 0, 0, 0);
	int64_t		december_ms = utc_ms(2024, 12, 21, 0, 0, 0);
	sun_day		day;

	sun_day_find(june_ms, june_ms + SUN_DAY_MS, 69.65, 18.96, &day);
	assert_int_equal(day.kind, SUN_DAY_POLAR_DAY);
	assert_true(day.has_transit && !day.has_sunrise && !day.has_sunset);
	sun_day_find(december_ms, december_ms + SUN_DAY_MS, 69.65, 18.96, &day);
	assert_int_equal(day.kind, SUN_DAY_POLAR_NIGHT);
	assert_string_equal(sun_day_kind_name(day.kind), "polar_night");
	sun_day_find(december_ms, december_ms + SUN_DAY_MS, -69.65, 18.96, &day);
	assert_int_equal(day.kind, SUN_DAY_POLAR_DAY);
	/* at the poles, where no hour angle leads anywhere */
	sun_day_find(june_ms, june_ms + SUN_DAY_MS, 90, 0, &day);
	assert_int_equal(day.kind, SUN_DAY_POLAR_DAY);
	sun_day_find(june_ms, june_ms + SUN_DAY_MS, -90, 0, &day);
	assert_int_equal(day.kind, SUN_DAY_POLAR_NIGHT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_positions),
		cmocka_unit_test(book_examples),
		cmocka_unit_test(refraction),
		cmocka_unit_test(planes),
		cmocka_unit_test(published_days),
		cmocka_unit_test(days_anywhere),
		cmocka_unit_test(polar_days),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
