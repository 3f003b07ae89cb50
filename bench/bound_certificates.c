/*
 * bound_certificates.c: how long the caps of certificates take, with nothing else to do.
 *
 *   bound_certificates instant COUNT RUNS     hard and soft bound at moments
 *   bound_certificates interval COUNT RUNS    both bounds of quarter hours
 *
 * Prints a line a run: evaluations a second of the processor's time.  Every evaluation is
 * of another of 1024 solar plants all over the world, half of them with a known plane, and
 * of another time, in which the sun is above the horizon about half of the time: nothing
 * is left over from the one before.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/plausibility.h"

#define COUNT_MAX 1000000000
#define RUNS_MAX 1000
#define DEVICES 1024
#define BEGIN_MS INT64_C(1704067200000)
#define YEAR_MS INT64_C(31622400000)
#define QUARTER_MS 900000

static uint64_t seed = 20240101;

static uint64_t
random_bits(void)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (seed * UINT64_C(2685821657736338717)) >> 16;
}

static double
now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void
make_devices(plausibility_device *device)
{
	memset(device, 0, DEVICES * sizeof(*device));
	for (int i = 0; i < DEVICES; i++)
	{
		device[i].kind = PLAUSIBILITY_SOLAR;
		device[i].capacity_w = 1000 + (int64_t) (random_bits() % 1000000);
		device[i].has_place = true;
		device[i].latitude_microdegrees = (int32_t) (random_bits() % 130000000) - 65000000;
		device[i].longitude_microdegrees = (int32_t) (random_bits() % 360000000) - 180000000;
		device[i].altitude_m = (int32_t) (random_bits() % 2000);
		device[i].has_plane = i % 2 == 0;
		device[i].tilt_degrees = (int16_t) (random_bits() % 91);
		device[i].azimuth_degrees = (int16_t) (random_bits() % 360);
	}
}

static double
bench_instant(const plausibility_device *device, long count)
{
	static plausibility_site site[DEVICES];
	double		sum = 0;
	double		start;

	for (int i = 0; i < DEVICES; i++)
		site[i] = plausibility_site_of(&device[i], 0);
	start = now_s();
	for (long i = 0; i < count; i++)
	{
		plausibility_sunlight light;

		plausibility_sunlight_at(&site[i % DEVICES], BEGIN_MS + (int64_t) (i * UINT64_C(2654435761) % YEAR_MS), &light);
		sum += light.hard_w_m2 + light.clear_sky_w_m2;
	}
	start = now_s() - start;
	return sum > 0 ? count / start : 0;
}

static double
bench_interval(const plausibility_device *device, long count)
{
	int64_t		sum = 0;
	double		start = now_s();

	for (long i = 0; i < count; i++)
	{
		int64_t		from_ms = BEGIN_MS + (int64_t) (i * UINT64_C(2654435761) % YEAR_MS);
		plausibility_bound bound;

		if (plausibility_bound_of(&device[i % DEVICES], from_ms, from_ms + QUARTER_MS, NULL, &bound) != PLAUSIBILITY_OK)
			return 0;
		sum += bound.hard_wh + bound.clear_sky_wh;
	}
	start = now_s() - start;
	return sum > 0 ? count / start : 0;
}

int
main(int argc, char **argv)
{
	static plausibility_device device[DEVICES];
	long		count = argc == 4 ? strtol(argv[2], NULL, 10) : 0;
	long		runs = argc == 4 ? strtol(argv[3], NULL, 10) : 0;

	if (count < 1 || count > COUNT_MAX || runs < 1 || runs > RUNS_MAX)
	{
		fprintf(stderr, "usage: bound_certificates instant|interval COUNT RUNS\n");
		return 1;
	}
	make_devices(device);
	for (long r = 0; r < runs; r++)
	{
		double		rate = strcmp(argv[1], "instant") == 0 ? bench_instant(device, count) : bench_interval(device, count);

		if (rate == 0)
		{
			fprintf(stderr, "bound_certificates: no bounds\n");
			return 1;
		}
		printf("%.0f\n", rate);
	}
	return 0;
}
