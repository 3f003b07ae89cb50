/*
 * meter_profile.c: what a household, a solar roof, a shop and a battery measure
 * in an interval.
 *
 * Plausible daily shapes in whole watts and watt-hours: integer arithmetic only,
 * as the numbers are signed and must come out the same on every machine.  A
 * reading depends on the seed, the meter and the interval alone, never on what
 * was read before, so a meter that starts again in the middle of a day goes on
 * with the same numbers.
 */
#include <string.h>

#include "meter.h"

#define MS_PER_DAY INT64_C(86400000)

/* Watts at each full hour, linear in between. */
static const int household_w[25] = {
	160, 140, 130, 130, 140, 200, 480, 820, 640, 420, 360, 380,
	520, 430, 360, 380, 480, 780, 1180, 1320, 1150, 820, 460, 260, 160
};
static const int shop_w[25] = {
	420, 400, 400, 400, 420, 480, 900, 2200, 3400, 3800, 4000, 4100,
	4200, 4100, 4000, 3900, 3900, 4000, 4100, 3600, 1600, 700, 480, 440, 420
};

/* Sunrise and sunset in minutes after midnight, month by month, near 50 degrees north. */
static const int sun_min[12][2] = {
	{490, 985}, {445, 1035}, {385, 1080}, {315, 1130}, {260, 1180}, {235, 1210},
	{250, 1205}, {295, 1155}, {340, 1090}, {390, 1025}, {440, 975}, {485, 955}
};

/* splitmix64: one well-mixed number for each (meter, interval). */
uint64_t
meter_mix(uint64_t a, uint64_t b)
{
	uint64_t	z = a + b * UINT64_C(0x9e3779b97f4a7c15) + UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

int64_t
meter_between(uint64_t random, int64_t low, int64_t high)
{
	return low + (int64_t) (random % (uint64_t) (high - low + 1));
}

static int64_t
curve_w(const int by_hour[25], int minute)
{
	int			hour = minute / 60;
	int			rest = minute % 60;

	return by_hour[hour] + (int64_t) (by_hour[hour + 1] - by_hour[hour]) * rest / 60;
}

/* Month 0-11 of a day since 1970 (proleptic Gregorian; Howard Hinnant's civil_from_days). */
static int
month_of_day(int64_t day)
{
	int64_t		z = day + 719468;
	int64_t		era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t		doe = z - era * 146097;
	int64_t		yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t		doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t		mp = (5 * doy + 2) / 153;

	return (int) ((mp + 2) % 12);
}

/*
 * A roof's share of its nameplate under a clear sky, in thousandths: the square
 * of the sun's half wave, as a low sun is weakened by air and angle both.
 * Bhaskara's sine needs only whole numbers.
 */
static int64_t
sun_permille(int64_t day, int minute)
{
	const int  *span = sun_min[month_of_day(day)];
	int64_t		length = span[1] - span[0];
	int64_t		d = minute - span[0];
	int64_t		p;
	int64_t		sine;

	if (d <= 0 || d >= length)
		return 0;
	p = d * (length - d);
	sine = 16000 * p / (5 * length * length - 4 * p);
	return sine * sine / 1000;
}

int64_t
meter_kind_capacity_w(meter_kind k, uint64_t noise_key)
{
	uint64_t	r = meter_mix(noise_key, 0);

	switch (k)
	{
		case KIND_SOLAR:
			return meter_between(r, 30, 98) * 100;
		case KIND_BATTERY:
			return 2400;
		case KIND_FILE_PV:
			return 1040;		/* what the profile's source says */
		default:
			return 0;
	}
}

const char *
meter_kind_technology(meter_kind k)
{
	switch (k)
	{
		case KIND_SOLAR:
		case KIND_FILE_PV:
			return "solar";
		case KIND_BATTERY:
			return "battery";
		default:
			return "consumption";
	}
}

static int64_t
household_power_w(const meter *m, int minute, uint64_t r)
{
	int64_t		size_percent = meter_between(meter_mix(m->noise_key, 1), 60, 150);
	int64_t		w = curve_w(household_w, minute) * size_percent / 100;

	w = w * meter_between(r, 75, 125) / 100;
	/* Now and then a kettle, an oven, a washing machine. */
	if ((r >> 32) % 20 == 0 && minute > 6 * 60 && minute < 22 * 60)
		w += meter_between(r >> 40, 600, 2200);
	return w;
}

static int64_t
solar_power_w(const meter *m, int64_t day, int minute, uint64_t r)
{
	int64_t		clear_percent = meter_between(meter_mix(m->noise_key, (uint64_t) day), 55, 92);

	return m->capacity_w * sun_permille(day, minute) / 1000 * clear_percent / 100 *
		meter_between(r, 85, 100) / 100;
}

static void
reading_set(payload_reading *out, const char *obis, const meter_slot *slot, int64_t value, int scale)
{
	strcpy(out->obis, obis);
	out->from_ms = slot->from_ms;
	out->to_ms = slot->to_ms;
	out->value = value;
	out->scale = (int8_t) scale;
	strcpy(out->unit, "Wh");
	out->status = 'G';
}

/* Energy of a steady power over the slot, to the nearest Wh. */
static void
reading_from_power(payload_reading *out, const char *obis, const meter_slot *slot, int64_t power_w)
{
	int64_t		ms = slot->to_ms - slot->from_ms;

	reading_set(out, obis, slot, (power_w * ms + 1800000) / 3600000, 0);
}

/* A file's energy, with no more decimals than it has. */
static void
reading_from_uwh(payload_reading *out, const char *obis, const meter_slot *slot, int64_t uwh)
{
	int			scale = -6;

	while (scale < 0 && uwh % 10 == 0)
	{
		uwh /= 10;
		scale++;
	}
	reading_set(out, obis, slot, uwh, scale);
}

int
meter_profile_read(const meter *m, const meter_slot *slot,
				   payload_reading out[METER_READINGS_PER_SLOT_MAX])
{
	int64_t		middle_ms = slot->from_ms + (slot->to_ms - slot->from_ms) / 2;
	int64_t		day = middle_ms / MS_PER_DAY;
	int			minute = (int) (middle_ms % MS_PER_DAY / 60000);
	uint64_t	r = meter_mix(m->noise_key, (uint64_t) slot->from_ms);

	switch (m->kind)
	{
		case KIND_HOUSEHOLD:
			reading_from_power(&out[0], METER_OBIS_IMPORT, slot, household_power_w(m, minute, r));
			return 1;
		case KIND_SHOP:
			reading_from_power(&out[0], METER_OBIS_IMPORT, slot,
							   curve_w(shop_w, minute) * meter_between(r, 90, 110) / 100);
			return 1;
		case KIND_SOLAR:
			reading_from_power(&out[0], METER_OBIS_EXPORT, slot, solar_power_w(m, day, minute, r));
			return 1;
		case KIND_BATTERY:
			/* Fills from ten to three; gives nine tenths of it back from six to eleven. */
			reading_from_power(&out[0], METER_OBIS_IMPORT, slot,
							   minute >= 600 && minute < 900 ? m->capacity_w : 0);
			reading_from_power(&out[1], METER_OBIS_EXPORT, slot,
							   minute >= 1080 && minute < 1380 ? m->capacity_w * 9 / 10 : 0);
			return 2;
		case KIND_FILE_IMPORT:
			reading_from_uwh(&out[0], METER_OBIS_IMPORT, slot, slot->import_uwh);
			return 1;
		case KIND_FILE_PV:
			reading_from_uwh(&out[0], METER_OBIS_EXPORT, slot, slot->pv_uwh);
			return 1;
	}
	return 0;
}
