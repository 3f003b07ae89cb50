/*
 * meter_csv.c: a measured profile from a file: local_time,consumption_kw,pv_kw.
 *
 * Each line is the mean power of one interval that begins at a local time.
 * Local time has holes and folds: an interval that does not exist (the hour that
 * spring skips) is left out, an hour that comes twice is taken in order of
 * appearance.  Decimal text goes to whole micro-watts digit by digit, so no
 * binary fraction comes between the file and what is signed.
 */
#define _GNU_SOURCE				/* strptime, timegm */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "meter.h"

#define LINE_BYTES_MAX 256
#define POWER_KW_MAX 1000000	/* keeps micro-Wh of a day within 64 bits */

typedef struct csv_line
{
	int64_t		local_s;		/* calendar time, as if it were UTC */
	int64_t		import_uw;
	int64_t		pv_uw;
} csv_line;

/* Seconds in UTC of a local calendar time, at or after not_before; -1: it does not exist. */
static int64_t
local_to_utc(int64_t local_s, int64_t not_before)
{
	time_t		as_utc = local_s;
	int64_t		best = -1;
	struct tm	want;

	gmtime_r(&as_utc, &want);
	for (int dst = 1; dst >= 0; dst--)
	{
		struct tm	tm = want;
		struct tm	back;
		time_t		t;

		tm.tm_isdst = dst;
		t = mktime(&tm);
		localtime_r(&t, &back);
		/* mktime bends what does not fit; only what comes back unchanged is real. */
		if (t < not_before || back.tm_isdst != dst || timegm(&back) != as_utc)
			continue;
		if (best == -1 || t < best)
			best = t;
	}
	return best;
}

/* "0.48200000000000004" kW in whole micro-watts, rounded at the tenth decimal. */
static bool
parse_kw(const char *text, const char *end, int64_t *uw)
{
	int64_t		whole = 0;
	int64_t		fraction = 0;
	int			digits = 0;
	bool		round_up = false;

	if (text == end || *text < '0' || *text > '9')
		return false;
	for (; text < end && *text >= '0' && *text <= '9'; text++)
	{
		whole = whole * 10 + (*text - '0');
		if (whole > POWER_KW_MAX)
			return false;
	}
	if (text < end && *text == '.')
	{
		for (text++; text < end && *text >= '0' && *text <= '9'; text++, digits++)
		{
			if (digits < 9)
				fraction = fraction * 10 + (*text - '0');
			else if (digits == 9)
				round_up = *text >= '5';
		}
	}
	for (; digits < 9; digits++)
		fraction *= 10;
	*uw = whole * INT64_C(1000000000) + fraction + (round_up ? 1 : 0);
	return text == end;
}

static bool
parse_line(char *line, csv_line *out)
{
	struct tm	tm = {0};
	char	   *rest = strptime(line, "%Y-%m-%d %H:%M:%S", &tm);
	char	   *comma;
	size_t		len;

	if (rest == NULL || *rest != ',')
		return false;
	out->local_s = timegm(&tm);
	comma = strchr(++rest, ',');
	if (comma == NULL)
		return false;
	len = strcspn(comma + 1, "\r\n");
	return parse_kw(rest, comma, &out->import_uw) &&
		parse_kw(comma + 1, comma + 1 + len, &out->pv_uw);
}

static csv_line *
read_lines(const char *path, int *count)
{
	FILE	   *in = fopen(path, "r");
	csv_line   *lines = NULL;
	char		text[LINE_BYTES_MAX];
	int			room = 0;
	int			number = 0;

	*count = 0;
	if (in == NULL)
	{
		meter_error("could not open profile \"%s\": %s", path, strerror(errno));
		return NULL;
	}
	while (fgets(text, sizeof(text), in) != NULL)
	{
		if (number++ == 0)
			continue;			/* heading */
		if (*count == room)
		{
			room = room ? room * 2 : 4096;
			lines = realloc(lines, (size_t) room * sizeof(csv_line));
			if (lines == NULL)
			{
				meter_error("out of memory");
				exit(1);
			}
		}
		if (*count >= METER_SLOTS_MAX || !parse_line(text, &lines[*count]))
		{
			meter_error("profile \"%s\", line %d: expected local_time,consumption_kw,pv_kw, and at most %d lines",
						path, number, METER_SLOTS_MAX);
			fclose(in);
			free(lines);
			return NULL;
		}
		(*count)++;
	}
	fclose(in);
	return lines;
}

/* glibc takes an unknown zone for UTC without a word. */
static bool
timezone_set(const char *zone)
{
	char		path[512];

	snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", zone);
	if (zone[0] == '/' || strstr(zone, "..") != NULL ||
		(strcmp(zone, "UTC") != 0 && access(path, R_OK) != 0))
	{
		meter_error("unknown --timezone \"%s\" (is package tzdata installed?)", zone);
		return false;
	}
	setenv("TZ", zone, 1);
	tzset();
	return true;
}

bool
meter_series_from_csv(meter_series *s, const meter_options *o)
{
	int			count;
	int64_t		interval_s = 0;
	int64_t		utc_s = INT64_MIN;
	csv_line   *lines;

	s->slot_count = 0;
	s->slot = NULL;
	if (!timezone_set(o->timezone) || (lines = read_lines(o->profile_file, &count)) == NULL)
		return false;
	if (count > 1)
		interval_s = lines[1].local_s - lines[0].local_s;
	if (interval_s < 1 || interval_s > 86400)
	{
		meter_error("profile \"%s\": its first two lines must be one interval apart, up to a day",
					o->profile_file);
		free(lines);
		return false;
	}
	s->slot = calloc((size_t) count, sizeof(meter_slot));
	for (int i = 0; s->slot != NULL && i < count; i++)
	{
		meter_slot *slot = &s->slot[s->slot_count];
		int64_t		t;

		if (lines[i].local_s < o->profile_from_s || lines[i].local_s >= o->profile_to_s)
			continue;
		t = local_to_utc(lines[i].local_s, utc_s == INT64_MIN ? utc_s : utc_s + interval_s);
		if (t == -1)
			continue;
		utc_s = t;
		slot->from_ms = t * 1000;
		slot->to_ms = (t + interval_s) * 1000;
		slot->day = lines[i].local_s / 86400;
		/* micro-watts over an interval, in micro-Wh, to the nearest */
		slot->import_uwh = (lines[i].import_uw * interval_s + 1800) / 3600;
		slot->pv_uwh = (lines[i].pv_uw * interval_s + 1800) / 3600;
		s->slot_count++;
	}
	free(lines);
	if (s->slot_count == 0)
		meter_error("profile \"%s\" has no interval between the days asked for", o->profile_file);
	return s->slot_count > 0;
}

bool
meter_series_calendar(meter_series *s, const meter_options *o)
{
	int64_t		begin_s;
	int64_t		end_s;
	int64_t		count;

	if (!timezone_set(o->timezone))
		return false;
	begin_s = local_to_utc(o->start_ms / 1000, INT64_MIN);
	end_s = local_to_utc(o->start_ms / 1000 + (int64_t) o->days * 86400, INT64_MIN);
	if (begin_s == -1 || end_s == -1 || (end_s - begin_s) % o->interval_s != 0)
	{
		meter_error("in %s the days do not begin at midnight, or are not whole intervals of %d s", o->timezone, o->interval_s);
		return false;
	}
	count = (end_s - begin_s) / o->interval_s;
	if (count > METER_SLOTS_MAX)
	{
		meter_error("--days and --interval-s make %lld intervals, at most %d can be played",
					(long long) count, METER_SLOTS_MAX);
		return false;
	}
	s->slot_count = (int) count;
	s->slot = calloc((size_t) count, sizeof(meter_slot));
	if (s->slot == NULL)
	{
		meter_error("out of memory");
		return false;
	}
	for (int i = 0; i < s->slot_count; i++)
	{
		time_t		t = begin_s + (int64_t) i * o->interval_s;
		struct tm	local;

		localtime_r(&t, &local);
		s->slot[i].from_ms = t * 1000;
		s->slot[i].to_ms = s->slot[i].from_ms + (int64_t) o->interval_s * 1000;
		s->slot[i].day = timegm(&local) / 86400;
	}
	return true;
}
