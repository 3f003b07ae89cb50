/*
 * wind_power.c: power curves of wind turbines, corrected for the air's density.
 *
 * The correction moves the speeds of the curve and not its power, so that no density
 * makes a turbine stronger than it is rated.
 */
#include "core/wind_power.h"

#include <math.h>

#define SLOW_M_S 7.5
#define FAST_M_S 12.5

/* Where a point of the curve lies in air of another density. */
static double
wind_power_moved_m_s(double speed_m_s, double density_kg_m3)
{
	double		part = fmin(fmax((speed_m_s - SLOW_M_S) / (FAST_M_S - SLOW_M_S), 0), 1);

	if (density_kg_m3 == WIND_POWER_DENSITY_KG_M3)
		return speed_m_s;
	return speed_m_s * pow(WIND_POWER_DENSITY_KG_M3 / density_kg_m3, (1 + part) / 3);
}

double
wind_power_at_w(const wind_power_point *point, int count, double speed_m_s, double density_kg_m3)
{
	double		before = 0;

	for (int i = 0; i < count; i++)
	{
		double		at = wind_power_moved_m_s(point[i].speed_m_s, density_kg_m3);

		if (speed_m_s == at)
			return point[i].power_w;
		if (speed_m_s < at)
			return i == 0 ? 0 : point[i - 1].power_w
				+ (point[i].power_w - point[i - 1].power_w) * (speed_m_s - before) / (at - before);
		before = at;
	}
	return 0;
}

double
wind_power_most_w(const wind_power_point *point, int count, double speed_m_s, double density_kg_m3)
{
	double		most = wind_power_at_w(point, count, speed_m_s, density_kg_m3);
	double		first = count > 0 ? wind_power_moved_m_s(point[0].speed_m_s, density_kg_m3) : 0;

	if (speed_m_s < first)
		return point[0].power_w * fmax(speed_m_s, 0) / first;
	for (int i = 0; i < count; i++)
	{
		if (wind_power_moved_m_s(point[i].speed_m_s, density_kg_m3) <= speed_m_s && point[i].power_w > most)
			most = point[i].power_w;
	}
	return most;
}

double
wind_power_of_coefficient_w(double coefficient, double speed_m_s, double rotor_m, double density_kg_m3)
{
	double		area = 3.14159265358979323846 / 4 * rotor_m * rotor_m;

	return coefficient * density_kg_m3 / 2 * area * speed_m_s * speed_m_s * speed_m_s;
}
