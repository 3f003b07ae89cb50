/*
 * wind_power.h: the power of a wind turbine from its curve and the wind at its hub.
 *
 * A curve is linear between its points and 0 outside them.  Air that is denser or thinner
 * than 1.225 kg/m3, for which curves are made, is taken as moving each of the curve's
 * speeds v to v * (1.225 / density) ^ p, with p = 1/3 up to 7.5 m/s, 2/3 from 12.5 m/s, and
 * linear between.  1/3 alone, IEC 61400-12-1's, says that power goes with density * v ^ 3;
 * near rated power it does not (L. Svenningsen, Power Curve Air Density Correction and Other
 * Power Curve Options in WindPRO, EMD International 2010; windpowerlib does the same).
 */
#ifndef CORE_WIND_POWER_H
#define CORE_WIND_POWER_H

#define WIND_POWER_DENSITY_KG_M3 1.225

typedef struct wind_power_point
{
	double		speed_m_s;		/* above the point's before */
	double		power_w;		/* not below 0 */
} wind_power_point;

/* W at a speed in m/s; density in kg/m3, above 0. */
extern double wind_power_at_w(const wind_power_point *point, int count, double speed_m_s, double density_kg_m3);

/*
 * An upper bound that grows with the speed and has no jumps: the most power at any speed
 * up to this one, so that no cut-out counts, and below the curve's first point the line
 * from 0 to it.
 */
extern double wind_power_most_w(const wind_power_point *point, int count, double speed_m_s, double density_kg_m3);

/*
 * Power of a power coefficient: half of density * area * speed ^ 3, times the coefficient.
 * A curve of coefficients that is to be corrected for density is first made one of power,
 * at WIND_POWER_DENSITY_KG_M3.
 */
extern double wind_power_of_coefficient_w(double coefficient, double speed_m_s, double rotor_m, double density_kg_m3);

#endif							/* CORE_WIND_POWER_H */
