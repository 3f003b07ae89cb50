/*
 * solve_coupling.c: what a coupling of many steps costs, alone in memory.
 *
 *   solve_coupling ZONES LINES STEPS
 *
 * prints the processor's milliseconds that coupling_solve() and coupling_check() took,
 * how many lines are full, and the Wh that were sold and carried.  Every other zone is
 * a cheap one and lines hold a part of what their zones would exchange, so the search
 * has many steps to pass.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/coupling.h"

static uint64_t state = 88172645463325252U;

static int64_t
between(int64_t low, int64_t high)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return low + (int64_t) (state * UINT64_C(2685821657736338717) % (uint64_t) (high - low + 1));
}

static double
now_ms(void)
{
	struct timespec t;

	/* the processor's time, not the clock's: others may have it meanwhile */
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static void *
must(void *memory)
{
	if (memory == NULL)
	{
		fputs("solve_coupling: out of memory\n", stderr);
		exit(1);
	}
	return memory;
}

static coupling_step *
make_steps(size_t count, int64_t low, int64_t high)
{
	coupling_step *step = must(calloc(count + 1, sizeof(*step)));

	for (size_t i = 0; i < count; i++)
		step[i] = (coupling_step) {between(low, high), between(1, 1000)};
	return step;
}

static void
make_zones(coupling_zone *zone, size_t zones, size_t each)
{
	for (size_t i = 0; i < zones; i++)
	{
		int64_t		level = (i % 2 == 0 ? 50000 : 250000) + between(0, 50000);

		zone[i].id = (int64_t) i;
		zone[i].fee_micro_per_kwh = between(0, 5000);
		zone[i].supply = make_steps(each, level, level + 200000);
		zone[i].demand = make_steps(each, level - 100000, level + 150000);
		zone[i].supply_count = zone[i].demand_count = each;
	}
}

/* First a tree over all zones, then any two. */
static void
make_lines(coupling_line *line, size_t lines, size_t zones, size_t each)
{
	for (size_t i = 0; i < lines; i++)
	{
		int64_t		from = i + 1 < zones ? (int64_t) i + 1 : between(0, (int64_t) zones - 1);
		int64_t		to = i + 1 < zones ? between(0, (int64_t) i) : (from + between(1, (int64_t) zones - 1)) % (int64_t) zones;
		int64_t		capacity_wh = (int64_t) each * between(10, 300);

		line[i] = (coupling_line) {(int64_t) i, from, to, capacity_wh, capacity_wh, between(0, 5000)};
	}
}

int
main(int argc, char **argv)
{
	size_t		zones = argc == 4 ? strtoul(argv[1], NULL, 10) : 0;
	size_t		lines = argc == 4 ? strtoul(argv[2], NULL, 10) : 0;
	size_t		steps = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
	coupling_zone *zone = must(calloc(zones + 1, sizeof(*zone)));
	coupling_line *line = must(calloc(lines + 1, sizeof(*line)));
	coupling_zone_result *zone_result = must(calloc(zones + 1, sizeof(*zone_result)));
	coupling_line_result *line_result = must(calloc(lines + 1, sizeof(*line_result)));
	coupling_problem problem = {zone, zones, line, lines, COUPLING_PRICE_MIDPOINT, NULL};
	coupling_total total;
	double		begun;
	double		solved;
	double		checked;
	int64_t		carried_wh = 0;
	int			full = 0;

	if (zones < 2 || steps < 2 * zones || coupling_memory(&problem) == 0)
	{
		fputs("usage: solve_coupling ZONES LINES STEPS\n", stderr);
		return 2;
	}
	make_zones(zone, zones, steps / zones / 2);
	make_lines(line, lines, zones, steps / zones / 2);
	begun = now_ms();
	if (coupling_solve(&problem, must(malloc(coupling_memory(&problem))), zone_result, line_result, &total) != COUPLING_OK)
		return 1;
	solved = now_ms();
	if (coupling_check(&problem, zone_result, line_result, &total) != COUPLING_SOUND)
		return 1;
	checked = now_ms();
	for (size_t i = 0; i < lines; i++)
	{
		int64_t		flow_wh = line_result[i].flow_wh < 0 ? -line_result[i].flow_wh : line_result[i].flow_wh;

		carried_wh += flow_wh;
		full += flow_wh == line[i].capacity_forth_wh;
	}
	printf("%.1f %.1f %d %lld %lld\n", solved - begun, checked - solved, full,
		   (long long) total.sold_wh, (long long) carried_wh);
	return 0;
}
