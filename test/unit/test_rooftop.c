/*
 * test_rooftop.c: half a year of a real rooftop near Sydney (1.04 kWp) against the bounds:
 * nothing that the sun made is held back, and what it cannot have made is.
 *
 * The figures that are asserted are the ones doc/plausibility.md tells.  A half hour is
 * named by its start: sunrise, sunset and the fit of a plane are all worse with the end.
 */
#include "unit.h"

#include <math.h>
#include <time.h>

#include "core/plausibility.h"
#include "vector_csv.h"

#define HALF_HOUR_MS INT64_C(1800000)
#define HOUR_MS INT64_C(3600000)
#define ROWS_MAX 9000
#define COUNT_WH 7				/* its register counts 6.25 Wh: rounded up to whole Wh */

typedef struct half_hour
{
	int64_t		from_ms;
	double		energy_wh;
} half_hour;

typedef struct tally
{
	int			produced;		/* at least 1 Wh */
	int			held;
	int			held_counts;	/* of those, the ones that are a single count of the register */
	int			held_rule[5];
	int			flagged;
	double		hard_max;		/* of what is issued, over its bound */
	double		clear_max;
	int			lowest_degrees; /* the sun, in the darkest half hour that was held */
} tally;

static half_hour row[ROWS_MAX];
static int	rows;

/* Local time with daylight saving, which began on 2011-10-02 at 02:00; the hour that was left out stands there as zeros. */
static bool
read_row(const vector_csv *csv, half_hour *out)
{
	struct tm	t = {0};
	bool		summer;

	assert_int_equal(sscanf(csv->field[0], "%d-%d-%d %d:%d:%d", &t.tm_year, &t.tm_mon, &t.tm_mday, &t.tm_hour, &t.tm_min, &t.tm_sec), 6);
	summer = t.tm_mon > 10 || (t.tm_mon == 10 && (t.tm_mday > 2 || (t.tm_mday == 2 && t.tm_hour >= 3)));
	if (t.tm_mon == 10 && t.tm_mday == 2 && t.tm_hour == 2)
		return false;
	t.tm_year -= 1900;
	t.tm_mon -= 1;
	out->from_ms = timegm(&t) * INT64_C(1000) - (summer ? 11 : 10) * HOUR_MS;
	out->energy_wh = vector_number(csv, 2) * 500;
	return true;
}

static void
read_rooftop(void)
{
	vector_csv	csv;

	vector_open(&csv, "energy/profiles/ausgrid_customer12_2011H2.csv");
	for (rows = 0; vector_next(&csv);)
	{
		assert_true(rows < ROWS_MAX);
		rows += read_row(&csv, &row[rows]);
	}
	assert_int_equal(rows, 8830);
}

/* The middle of the city, as the house's own place is not known. */
static plausibility_device
rooftop(bool has_plane, int64_t count_wh)
{
	return (plausibility_device)
	{
		.kind = PLAUSIBILITY_SOLAR,.capacity_w = 1040,.count_wh = count_wh,.has_place = true,
			.latitude_microdegrees = -33868800,.longitude_microdegrees = 151209300,.altitude_m = 20,
			.has_plane = has_plane,.tilt_degrees = 25,.azimuth_degrees = 325
	};
}

static tally
judge(const char *what, const plausibility_device *device, double times, int shift_hours)
{
	tally		sum = {0};

	for (int i = 0; i < rows; i++)
	{
		int64_t		from_ms = row[i].from_ms + shift_hours * HOUR_MS;
		int64_t		energy_wh = (int64_t) floor(row[i].energy_wh * times + 1e-6);
		plausibility_bound bound;
		sun_position position;

		if (energy_wh < 1)
			continue;
		sum.produced++;
		assert_int_equal(plausibility_bound_of(device, from_ms, from_ms + HALF_HOUR_MS, NULL, &bound), PLAUSIBILITY_OK);
		if (energy_wh > bound.hard_wh)
		{
			sum.held++;
			sum.held_rule[bound.rule]++;
			sum.held_counts += fabs(row[i].energy_wh - 6.25) < 0.3;
			sun_position_at(from_ms + HALF_HOUR_MS / 2, -33.8688, 151.2093, &position);
			sum.lowest_degrees = (int) fmin(sum.lowest_degrees, floor(position.elevation_degrees));
			continue;
		}
		sum.flagged += energy_wh > bound.clear_sky_wh;
		sum.hard_max = fmax(sum.hard_max, (double) energy_wh / bound.hard_wh);
		if (bound.clear_sky_wh > 0)
			sum.clear_max = fmax(sum.clear_max, (double) energy_wh / bound.clear_sky_wh);
	}
	print_message("# %s: %d of %d held (%d at night, %d irradiance, %d nameplate; %d single counts), %d flagged; issued up to %.3f of the hard bound, %.3f of the clear sky's\n",
				  what, sum.held, sum.produced, sum.held_rule[PLAUSIBILITY_SUN_BELOW_HORIZON],
				  sum.held_rule[PLAUSIBILITY_IRRADIANCE_LIMIT], sum.held_rule[PLAUSIBILITY_NAMEPLATE], sum.held_counts,
				  sum.flagged, sum.hard_max, sum.clear_max);
	return sum;
}

/* With the register's count known, nothing of half a year is held, whether the plane is known or not. */
static void
as_it_was(void **state)
{
	plausibility_device device = rooftop(false, COUNT_WH);
	tally		sum;

	read_rooftop();
	sum = judge("no plane", &device, 1, 0);
	assert_int_equal(sum.produced, 4299);
	assert_int_equal(sum.held, 0);
	assert_int_equal(sum.flagged, 0);
	assert_true(sum.hard_max < 0.87);
	device = rooftop(true, COUNT_WH);
	sum = judge("its plane", &device, 1, 0);
	assert_int_equal(sum.held, 0);
	assert_in_range(sum.flagged, 60, 80);
	assert_true(sum.hard_max < 0.87);
}

/*
 * Without it, what is held is one count each, at any hour of the night and with the sun as
 * far as 70 degrees below the horizon: energy of the day before that filled up a count
 * of 6.25 Wh at night.  No night has two of them.
 */
static void
counts_at_night(void **state)
{
	plausibility_device device = rooftop(false, 0);
	int64_t		last_ms = 0;
	tally		sum;

	read_rooftop();
	sum = judge("no plane, count not known", &device, 1, 0);
	assert_int_equal(sum.held, 77);
	assert_int_equal(sum.held_rule[PLAUSIBILITY_SUN_BELOW_HORIZON], 77);
	assert_int_equal(sum.held_counts, 77);
	assert_true(sum.lowest_degrees < -65);
	for (int i = 0; i < rows; i++)
	{
		plausibility_bound bound;

		assert_int_equal(plausibility_bound_of(&device, row[i].from_ms, row[i].from_ms + HALF_HOUR_MS, NULL, &bound), PLAUSIBILITY_OK);
		if (bound.hard_wh > 0 || row[i].energy_wh < 1)
			continue;
		assert_true(row[i].from_ms - last_ms > 8 * HOUR_MS);
		last_ms = row[i].from_ms;
	}
}

/* More than it can make: a plant of 1.04 kWp whose meter says 1.6 times as much. */
static void
too_much(void **state)
{
	plausibility_device device = rooftop(false, COUNT_WH);
	tally		sum;

	read_rooftop();
	sum = judge("times 1.6", &device, 1.6, 0);
	assert_int_equal(sum.held_rule[PLAUSIBILITY_NAMEPLATE], 487);
	device = rooftop(true, COUNT_WH);
	sum = judge("times 1.6, its plane", &device, 1.6, 0);
	assert_in_range(sum.held, 487, 600);
	assert_true(sum.flagged > 200);
	sum = judge("times 2.5, its plane", &device, 2.5, 0);
	assert_true(sum.held > 1300);
}

/* When it cannot: a clock that is six or twelve hours off. */
static void
wrong_time(void **state)
{
	plausibility_device device = rooftop(false, COUNT_WH);
	plausibility_device turned = rooftop(true, COUNT_WH);

	read_rooftop();
	assert_true(judge("six hours late", &device, 1, 6).held > 1800);
	assert_true(judge("six hours early", &device, 1, -6).held > 1700);
	assert_true(judge("twelve hours late", &device, 1, 12).held > 3500);
	assert_true(judge("six hours late, its plane", &turned, 1, 6).held > 2000);
	assert_true(judge("six hours early, its plane", &turned, 1, -6).held > 2300);
}

/* And its full power in every half hour of every night. */
static void
full_power_at_night(void **state)
{
	plausibility_device device = rooftop(false, COUNT_WH);
	int			nights = 0;

	read_rooftop();
	for (int i = 0; i < rows; i++)
	{
		plausibility_bound bound;
		sun_position from;
		sun_position to;

		sun_position_at(row[i].from_ms, -33.8688, 151.2093, &from);
		sun_position_at(row[i].from_ms + HALF_HOUR_MS, -33.8688, 151.2093, &to);
		if (from.elevation_degrees > -1.2 || to.elevation_degrees > -1.2)
			continue;
		nights++;
		assert_int_equal(plausibility_bound_of(&device, row[i].from_ms, row[i].from_ms + HALF_HOUR_MS, NULL, &bound), PLAUSIBILITY_OK);
		assert_true(bound.rule == PLAUSIBILITY_SUN_BELOW_HORIZON && bound.hard_wh == COUNT_WH);
	}
	print_message("# 520 Wh in each of %d half hours of night: all held\n", nights);
	assert_true(nights > 3900);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_it_was),
		cmocka_unit_test(counts_at_night),
		cmocka_unit_test(too_much),
		cmocka_unit_test(wrong_time),
		cmocka_unit_test(full_power_at_night),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
