/*
 * test_wind_power.c: power curves against published values, and what a bound must be.
 */
#include "unit.h"

#include <math.h>

#include "core/wind_power.h"
#include "vector_csv.h"

#define ROTOR_M 80
#define POINTS 3

static void
assert_near(double value, double expected, double tolerance)
{
	if (!(fabs(value - expected) <= tolerance))
		fail_msg("%.9f is not within %g of %.9f", value, tolerance, expected);
}

/* "4:300;5:400;6:500" */
static void
read_curve(char *text, wind_power_point point[POINTS])
{
	for (int i = 0; i < POINTS; i++)
	{
		char	   *part = strsep(&text, ";");

		assert_non_null(part);
		assert_int_equal(sscanf(part, "%lf:%lf", &point[i].speed_m_s, &point[i].power_w), 2);
	}
	assert_null(text);
}

static double
power_w(const wind_power_point point[POINTS], bool coefficients, double speed, double density, bool corrected)
{
	wind_power_point made[POINTS];

	if (!coefficients)
		return wind_power_at_w(point, POINTS, speed, corrected ? density : WIND_POWER_DENSITY_KG_M3);
	/* without the correction coefficients are read and used at the wind's own speed */
	if (!corrected)
		return wind_power_of_coefficient_w(wind_power_at_w(point, POINTS, speed, WIND_POWER_DENSITY_KG_M3), speed, ROTOR_M, density);
	for (int i = 0; i < POINTS; i++)
		made[i] = (wind_power_point) {point[i].speed_m_s, wind_power_of_coefficient_w(point[i].power_w, point[i].speed_m_s, ROTOR_M, WIND_POWER_DENSITY_KG_M3)};
	return wind_power_at_w(made, POINTS, speed, density);
}

/* To the last digit that is given. */
static void
published_curves(void **state)
{
	vector_csv	csv;
	int			rows = 0;

	vector_open(&csv, "energy/solar_wind/wind_power_curve.csv");
	for (; vector_next(&csv); rows++)
	{
		bool		coefficients = strncmp(csv.field[0], "cp_curve", 8) == 0;
		bool		corrected = vector_number(&csv, 4) != 0;
		wind_power_point point[POINTS];
		char	   *speed = csv.field[1];
		char	   *expected = csv.field[5];

		read_curve(csv.field[3], point);
		for (int i = 0; i < 3; i++)
			assert_near(power_w(point, coefficients, strtod(strsep(&speed, ";"), NULL), vector_number(&csv, 2), corrected),
						strtod(strsep(&expected, ";"), NULL), coefficients ? 0.001 : 1e-8);
	}
	assert_int_equal(rows, 4);
}

static void
points_and_ends(void **state)
{
	const wind_power_point point[] = {{3, 0}, {8, 1000}, {13, 2000}, {25, 2000}};

	for (int i = 0; i < 4; i++)
		assert_true(wind_power_at_w(point, 4, point[i].speed_m_s, WIND_POWER_DENSITY_KG_M3) == point[i].power_w);
	assert_true(wind_power_at_w(point, 4, 2.9, WIND_POWER_DENSITY_KG_M3) == 0);
	assert_true(wind_power_at_w(point, 4, 25.1, WIND_POWER_DENSITY_KG_M3) == 0);
	assert_true(wind_power_at_w(point, 0, 10, WIND_POWER_DENSITY_KG_M3) == 0);
	assert_true(wind_power_most_w(point, 0, 10, WIND_POWER_DENSITY_KG_M3) == 0);
	/* thin air needs more wind, and makes nothing stronger than its rating */
	assert_true(wind_power_at_w(point, 4, 8, 1.0) < 1000 && wind_power_at_w(point, 4, 8, 1.4) > 1000);
	assert_true(wind_power_at_w(point, 4, 18, 1.6) == 2000);
}

/* Never below the curve, never falling, without jumps. */
static void
bounds(void **state)
{
	const wind_power_point point[] = {{4, 300}, {8, 1000}, {13, 2000}, {20, 1900}, {25, 1800}};

	for (double density = 0.5; density <= 1.6; density += 0.1)
	{
		double		before = 0;

		for (int i = 0; i <= 4000; i++)
		{
			double		speed = i / 100.0;
			double		most = wind_power_most_w(point, 5, speed, density);

			assert_true(most >= wind_power_at_w(point, 5, speed, density));
			assert_true(most >= before && most - before < 5);
			before = most;
		}
		assert_true(before == 2000);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_curves),
		cmocka_unit_test(points_and_ends),
		cmocka_unit_test(bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
