/*
 * clear_sky.h: sunlight under a sky without clouds, and how much air it passes.
 *
 * Irradiance in W/m2, angles as sines and cosines: mu is the cosine of the sun's zenith
 * angle.  A Linke turbidity of 1 is clean and dry air, 2 very clean and cold air, 3 clean
 * and warm, 5 and more polluted (F. Kasten, Solar Energy 56 (1996) 239).
 */
#ifndef CORE_CLEAR_SKY_H
#define CORE_CLEAR_SKY_H

#include <stdbool.h>

typedef struct clear_sky
{
	double		ghi_w_m2;		/* global, on a level plane */
	double		dni_w_m2;		/* direct, on a plane that faces the sun */
	double		dhi_w_m2;		/* diffuse, on a level plane */
} clear_sky;

/*
 * How many times the air above a place that the light passes, 1 at the zenith; NAN where
 * the zenith angle is above 90 degrees.  Of the apparent zenith angle in degrees: F. Kasten and
 * A. Young, Applied Optics 28 (1989) 4735.
 */
extern double clear_sky_airmass(double apparent_zenith_degrees);

/*
 * The same of the cosine of the true zenith angle, in products only: A. Young, Applied
 * Optics 33 (1994) 1108.  Below the horizon that of the horizon, 31.7.
 */
extern double clear_sky_airmass_true(double mu);

/*
 * Global irradiance of the sun's elevation alone: B. Haurwitz, J. Meteorology 2 (1945)
 * 154, with the coefficients of M. Reno et al., SAND2012-2389.  Not an upper limit: values
 * 1.365 times as high have been measured.
 */
extern double clear_sky_haurwitz_w_m2(double mu);

/* What Ineichen's model takes of a place and a turbidity, once for any number of moments. */
typedef struct clear_sky_air
{
	double		linke_turbidity;
	double		global_factor;	/* cg1 */
	double		global_exponent;	/* cg2 * (fh1 + fh2 * (TL - 1)) */
	double		direct_factor;	/* b */
	double		direct_exponent;	/* 0.09 * (TL - 1) */
	double		direct_share;	/* of global irradiance, that direct light does not exceed */
	double		pressure_ratio;	/* of the standard atmosphere, to sea level's */
} clear_sky_air;

extern clear_sky_air clear_sky_air_of(double altitude_m, double linke_turbidity);

/*
 * P. Ineichen and R. Perez, Solar Energy 73 (2002) 151, as M. Reno et al., SAND2012-2389,
 * have it.  airmass is absolute, times pressure_ratio; NAN gives 0.  extraterrestrial_w_m2:
 * above the air, facing the sun.  enhanced: with the factor exp(0.01 * airmass ^ 1.8) of R.
 * Perez et al., Solar Energy 73 (2002) 307, for global irradiance at low sun.
 */
extern void clear_sky_ineichen(const clear_sky_air *air, double mu, double airmass, double extraterrestrial_w_m2,
							   bool enhanced, clear_sky *out);

#endif							/* CORE_CLEAR_SKY_H */
