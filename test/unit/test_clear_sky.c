/*
 * test_clear_sky.c: airmass, Haurwitz and Ineichen against published values, each to the
 * last of their digits.
 */
#include "unit.h"

#include <math.h>

#include "core/clear_sky.h"
#include "core/sun.h"
#include "vector_csv.h"

static void
assert_near(double value, double expected, double tolerance)
{
	if (!(fabs(value - expected) <= tolerance))
		fail_msg("%.12f is not within %g of %.12f", value, tolerance, expected);
}

static void
airmass(void **state)
{
	assert_near(clear_sky_airmass(0), 1, 0.001);
	assert_near(clear_sky_airmass(60), 1.994, 0.001);
	assert_near(clear_sky_airmass(85), 10.306, 0.001);
	assert_near(clear_sky_airmass(90), 37.92, 0.01);
	assert_true(isnan(clear_sky_airmass(90.001)));
	assert_true(isnan(clear_sky_airmass(NAN)));
	assert_near(clear_sky_airmass_true(0), 31.735, 0.001);	/* Young 1994 */
	assert_near(clear_sky_airmass_true(-0.5), 31.735, 0.001);
	/* one is of the true and one of the apparent zenith angle */
	for (double zenith = 0; zenith < 80; zenith += 0.5)
		assert_near(clear_sky_airmass_true(cos(zenith * SUN_RADIANS))
					/ clear_sky_airmass(zenith - sun_refraction_degrees(90 - zenith, 101325, 10)), 1, 0.003);
}

static void
haurwitz(void **state)
{
	vector_csv	csv;
	int			rows = 0;

	vector_open(&csv, "energy/solar_wind/haurwitz.csv");
	for (; vector_next(&csv); rows++)
		assert_near(clear_sky_haurwitz_w_m2(sin(vector_number(&csv, 0) * SUN_RADIANS)), vector_number(&csv, 1), 1e-10);
	assert_int_equal(rows, 8);
}

static void
ineichen(void **state)
{
	vector_csv	csv;
	int			rows = 0;
	int			dark = 0;

	vector_open(&csv, "energy/solar_wind/ineichen.csv");
	for (; vector_next(&csv); rows++)
	{
		clear_sky_air air = clear_sky_air_of(vector_number(&csv, 4), vector_number(&csv, 3));
		double		airmass = vector_number(&csv, 2);
		clear_sky	sky;

		clear_sky_ineichen(&air, cos(vector_number(&csv, 1) * SUN_RADIANS), airmass, vector_number(&csv, 5),
						   vector_number(&csv, 6) != 0, &sky);
		/* zenith angle and airmass of most rows are given to 1e-8 */
		assert_near(sky.ghi_w_m2, vector_number(&csv, 7), 5e-6);
		assert_near(sky.dni_w_m2, vector_number(&csv, 8), 5e-6);
		assert_near(sky.dhi_w_m2, vector_number(&csv, 9), 5e-6);
		dark += isnan(airmass);
	}
	assert_int_equal(rows, 15);
	assert_int_equal(dark, 2);
}

/* More air and more dust make less light, and the parts are the whole; direct light has its share. */
static void
directions(void **state)
{
	assert_near(clear_sky_air_of(0, 3).direct_share, 0.9083069, 1e-7);
	for (double turbidity = 1; turbidity < 8; turbidity += 0.5)
	{
		clear_sky_air air = clear_sky_air_of(300, turbidity);
		clear_sky_air clearer = clear_sky_air_of(300, turbidity - 0.25);
		double		before = 0;

		assert_near(air.pressure_ratio, 0.965, 0.001);
		for (double mu = 0.01; mu <= 1; mu += 0.01)
		{
			clear_sky	sky;
			clear_sky	other;

			clear_sky_ineichen(&air, mu, clear_sky_airmass_true(mu), 1361, false, &sky);
			clear_sky_ineichen(&clearer, mu, clear_sky_airmass_true(mu), 1361, false, &other);
			assert_true(sky.ghi_w_m2 > before && sky.ghi_w_m2 < other.ghi_w_m2);
			assert_true(sky.dni_w_m2 >= 0 && sky.dhi_w_m2 >= 0);
			assert_near(sky.dni_w_m2 * mu + sky.dhi_w_m2, sky.ghi_w_m2, 1e-9);
			assert_true(sky.dni_w_m2 * mu <= sky.ghi_w_m2 * air.direct_share + 1e-9);
			before = sky.ghi_w_m2;
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(airmass),
		cmocka_unit_test(haurwitz),
		cmocka_unit_test(ineichen),
		cmocka_unit_test(directions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
