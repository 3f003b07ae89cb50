/*
 * ocmf_time.c: reads OCMF's TM.
 *
 * The text is of one shape and one length, so it is compared with a picture of
 * itself first; after that every digit is where it must be.
 */
#include "core/ocmf_time.h"

#include <stdbool.h>

#include "core/payload_field.h"

static const char ocmf_time_shape[] = "9999-99-99T99:99:99,999+9999 A";

#define OCMF_TIME_LEN (sizeof(ocmf_time_shape) - 1)
#define OCMF_OFFSET_HOURS_MAX 14
#define MS_PER_MINUTE 60000

static bool
ocmf_time_has_shape(const char *text, size_t len)
{
	if (len != OCMF_TIME_LEN)
		return false;
	for (size_t i = 0; i < OCMF_TIME_LEN; i++)
	{
		const char	c = text[i];
		const char	shape = ocmf_time_shape[i];
		const bool	fits = shape == '9' ? c >= '0' && c <= '9' :
			shape == '+' ? c == '+' || c == '-' :
			shape == 'A' ? true : c == shape;

		if (!fits)
			return false;
	}
	return true;
}

static int
ocmf_time_number(const char *text, int at, int digits)
{
	int			n = 0;

	for (int i = at; i < at + digits; i++)
		n = n * 10 + (text[i] - '0');
	return n;
}

/* Days since 1970-01-01 of a day of the proleptic Gregorian calendar, from year 1 on. */
static int64_t
ocmf_time_days(int year, int month, int day)
{
	static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
	const bool	leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	const int64_t years = year - 1;

	return years * 365 + years / 4 - years / 100 + years / 400 +
		before[month - 1] + (leap && month > 2) + day - 1 - 719162;
}

static int
ocmf_time_days_in(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	const bool	leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month - 1];
}

refusal
ocmf_time_parse(const char *text, size_t len, int64_t *ms, char *clock_status)
{
	int			year;
	int			month;
	int			day;
	int			minute;
	int			offset;

	if (!ocmf_time_has_shape(text, len))
		return REFUSAL_BAD_TIME;
	year = ocmf_time_number(text, 0, 4);
	month = ocmf_time_number(text, 5, 2);
	day = ocmf_time_number(text, 8, 2);
	if (year < 1 || month < 1 || month > 12 || day < 1 || day > ocmf_time_days_in(year, month) ||
		ocmf_time_number(text, 11, 2) > 23 || ocmf_time_number(text, 14, 2) > 59 ||
		ocmf_time_number(text, 17, 2) > 59 || ocmf_time_number(text, 26, 2) > 59)
		return REFUSAL_BAD_TIME;
	offset = ocmf_time_number(text, 24, 2) * 60 + ocmf_time_number(text, 26, 2);
	if (offset > OCMF_OFFSET_HOURS_MAX * 60)
		return REFUSAL_BAD_TIME;
	minute = ocmf_time_number(text, 11, 2) * 60 + ocmf_time_number(text, 14, 2);
	minute -= text[23] == '-' ? -offset : offset;
	*ms = (ocmf_time_days(year, month, day) * 24 * 60 + minute) * MS_PER_MINUTE +
		ocmf_time_number(text, 17, 2) * 1000 + ocmf_time_number(text, 20, 3);
	if (!payload_time_valid(*ms))
		return REFUSAL_BAD_TIME;
	*clock_status = text[OCMF_TIME_LEN - 1];
	return payload_clock_status_valid(*clock_status) ? REFUSAL_NONE : REFUSAL_BAD_CLOCK_STATUS;
}
