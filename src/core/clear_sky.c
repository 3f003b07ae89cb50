/*
 * clear_sky.c: models of sunlight under a sky without clouds.
 *
 * They say what is usual, not what is possible: clouds beside the sun can raise global
 * irradiance above them.  So they may flag, and the limits of plausibility.c refuse.
 */
#include "core/clear_sky.h"

#include <math.h>

#include "core/sun.h"

double
clear_sky_airmass(double apparent_zenith_degrees)
{
	if (!(apparent_zenith_degrees <= 90))
		return NAN;
	return 1 / (cos(apparent_zenith_degrees * SUN_RADIANS) + 0.50572 * pow(96.07995 - apparent_zenith_degrees, -1.6364));
}

double
clear_sky_airmass_true(double mu)
{
	mu = mu > 0 ? mu : 0;
	return (0.0096467 + mu * (0.148386 + mu * 1.002432))
		/ (0.000303978 + mu * (0.0102963 + mu * (0.149864 + mu)));
}

double
clear_sky_haurwitz_w_m2(double mu)
{
	return mu > 0 ? 1098 * mu * exp(-0.059 / mu) : 0;
}

clear_sky_air
clear_sky_air_of(double altitude_m, double linke_turbidity)
{
	double		fh1 = exp(-altitude_m / 8000);
	double		fh2 = exp(-altitude_m / 1250);
	clear_sky_air air;

	air.linke_turbidity = linke_turbidity;
	air.global_factor = 5.09e-5 * altitude_m + 0.868;
	air.global_exponent = (3.92e-5 * altitude_m + 0.0387) * (fh1 + fh2 * (linke_turbidity - 1));
	air.direct_factor = 0.664 + 0.163 / fh1;
	air.direct_exponent = 0.09 * (linke_turbidity - 1);
	air.direct_share = 1 - (0.1 - 0.2 * exp(-linke_turbidity)) / (0.1 + 0.882 / fh1);
	if (air.direct_share < 0)
		air.direct_share = 0;
	air.pressure_ratio = sun_pressure_pa(altitude_m) / sun_pressure_pa(0);
	return air;
}

void
clear_sky_ineichen(const clear_sky_air *air, double mu, double airmass, double extraterrestrial_w_m2,
				   bool enhanced, clear_sky *out)
{
	double		global;
	double		direct;
	double		direct_most;

	*out = (clear_sky) {0, 0, 0};
	if (isnan(airmass) || !(mu > 0))
		return;
	global = exp(-air->global_exponent * airmass);
	if (enhanced)
		global *= exp(0.01 * pow(airmass, 1.8));
	out->ghi_w_m2 = air->global_factor * extraterrestrial_w_m2 * mu * global;
	direct = extraterrestrial_w_m2 * air->direct_factor * exp(-air->direct_exponent * airmass);
	/* compared as irradiance on a level plane, where no small number divides */
	direct_most = out->ghi_w_m2 * air->direct_share;
	if (direct * mu > direct_most)
		direct = direct_most / mu;
	out->dni_w_m2 = direct;
	out->dhi_w_m2 = out->ghi_w_m2 - direct * mu;
}
