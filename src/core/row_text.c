/*
 * row_text.c: values of hashed rows as text, without PostgreSQL.
 *
 * A receipt proves bytes; its reader wants to see an amount and a date.  What is
 * shown must be what the bytes say and nothing nicer, so a value whose length or
 * content does not fit its type, and every type that only its own database knows
 * (enums, domains, arrays, ranges), is shown as the hex of its bytes.
 */
#include "core/row_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/utf8.h"

#define DAYS_1970_TO_2000 10957
#define US_PER_DAY INT64_C(86400000000)
#define NUMERIC_DIGITS_SHOWN 1000	/* a longer numeric is shown as hex */

#define NUMERIC_POSITIVE 0x0000
#define NUMERIC_NEGATIVE 0x4000
#define NUMERIC_NAN 0xC000
#define NUMERIC_PLUS_INFINITY 0xD000
#define NUMERIC_MINUS_INFINITY 0xF000

static void
row_text_string(bytes_out *o, const char *s)
{
	bytes_put(o, s, strlen(s));
}

static row_text_form
row_text_hex(bytes_out *o, const uint8_t *value, size_t len)
{
	static const char digit[] = "0123456789abcdef";

	row_text_string(o, "\\x");
	for (size_t i = 0; i < len; i++)
	{
		bytes_put_u8(o, (uint8_t) digit[value[i] >> 4]);
		bytes_put_u8(o, (uint8_t) digit[value[i] & 15]);
	}
	return ROW_TEXT_HEX;
}

/* Days since 1970-01-01 in the proleptic Gregorian calendar; year 0 is 1 BC. */
static void
row_text_civil(int64_t days, int64_t *year, int *month, int *day)
{
	int64_t		z = days + 719468;
	int64_t		era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t		doe = z - era * 146097;
	int64_t		yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t		doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t		mp = (5 * doy + 2) / 153;

	*day = (int) (doy - (153 * mp + 2) / 5 + 1);
	*month = (int) (mp < 10 ? mp + 3 : mp - 9);
	*year = yoe + era * 400 + (*month <= 2 ? 1 : 0);
}

/* Returns whether the year is before Christ; " BC" then stands at the end. */
static bool
row_text_days(bytes_out *o, int64_t days)
{
	char		text[48];
	int64_t		year;
	int			month;
	int			day;

	row_text_civil(days, &year, &month, &day);
	snprintf(text, sizeof(text), "%04" PRId64 "-%02d-%02d", year > 0 ? year : 1 - year, month, day);
	row_text_string(o, text);
	return year <= 0;
}

/* hh:mm:ss and as many digits of the second as are not zero. */
static void
row_text_clock(bytes_out *o, int64_t us)
{
	char		text[48];
	int			len;
	int64_t		s = us / 1000000;

	len = snprintf(text, sizeof(text), "%02d:%02d:%02d.%06d", (int) (s / 3600), (int) (s / 60 % 60),
				   (int) (s % 60), (int) (us % 1000000));
	while (text[len - 1] == '0')
		len--;
	if (text[len - 1] == '.')
		len--;
	bytes_put(o, text, (size_t) len);
}

/* Microseconds since 1970; zone: what is written behind. */
static void
row_text_timestamp(bytes_out *o, int64_t us, int64_t epoch_days, const char *zone)
{
	int64_t		days = us / US_PER_DAY;
	int64_t		rest = us % US_PER_DAY;
	bool		bc;

	if (rest < 0)
	{
		rest += US_PER_DAY;
		days--;
	}
	bc = row_text_days(o, days + epoch_days);
	bytes_put_u8(o, ' ');
	row_text_clock(o, rest);
	row_text_string(o, zone);
	if (bc)
		row_text_string(o, " BC");
}

void
row_text_put_time(bytes_out *o, int64_t unix_us)
{
	row_text_timestamp(o, unix_us, 0, "+00");
}

static row_text_form
row_text_int(bytes_out *o, int64_t v)
{
	char		text[24];

	snprintf(text, sizeof(text), "%" PRId64, v);
	row_text_string(o, text);
	return ROW_TEXT_NUMBER;
}

/* The shortest decimal that gives the same number again. */
static row_text_form
row_text_float(bytes_out *o, double v, bool single)
{
	char		text[40];

	if (isnan(v) || isinf(v))
	{
		row_text_string(o, isnan(v) ? "NaN" : v < 0 ? "-Infinity" : "Infinity");
		return ROW_TEXT_STRING;
	}
	for (int digits = 1; digits <= 17; digits++)
	{
		snprintf(text, sizeof(text), "%.*g", digits, v);
		if (single ? strtof(text, NULL) == (float) v : strtod(text, NULL) == v)
			break;
	}
	row_text_string(o, text);
	return ROW_TEXT_NUMBER;
}

static row_text_form
row_text_date(bytes_out *o, int32_t days)
{
	if (days == INT32_MAX || days == INT32_MIN)
		row_text_string(o, days > 0 ? "infinity" : "-infinity");
	else if (row_text_days(o, (int64_t) days + DAYS_1970_TO_2000))
		row_text_string(o, " BC");
	return ROW_TEXT_STRING;
}

static row_text_form
row_text_stamp(bytes_out *o, int64_t us, const char *zone)
{
	if (us == INT64_MAX || us == INT64_MIN)
		row_text_string(o, us > 0 ? "infinity" : "-infinity");
	else
		row_text_timestamp(o, us, DAYS_1970_TO_2000, zone);
	return ROW_TEXT_STRING;
}

static row_text_form
row_text_uuid(bytes_out *o, const uint8_t *value)
{
	char		text[40];
	char	   *p = text;

	for (int i = 0; i < 16; i++)
		p += sprintf(p, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", value[i]);
	row_text_string(o, text);
	return ROW_TEXT_STRING;
}

/*
 * numeric_send: u16 groups, i16 weight, u16 sign, u16 decimals, then groups of four
 * decimal digits, the first worth 10000^weight.
 */
static row_text_form
row_text_numeric(bytes_out *o, const uint8_t *value, size_t len)
{
	int			groups = len >= 8 ? bytes_load_u16(value) : 0;
	int			weight = len >= 8 ? (int16_t) bytes_load_u16(value + 2) : 0;
	int			sign = len >= 8 ? bytes_load_u16(value + 4) : -1;
	int			decimals = len >= 8 ? bytes_load_u16(value + 6) : 0;
	char		text[8];

	if (len < 8 || len != 8 + (size_t) groups * 2)
		return row_text_hex(o, value, len);
	if (sign == NUMERIC_NAN || sign == NUMERIC_PLUS_INFINITY || sign == NUMERIC_MINUS_INFINITY)
	{
		row_text_string(o, sign == NUMERIC_NAN ? "NaN" :
						sign == NUMERIC_PLUS_INFINITY ? "Infinity" : "-Infinity");
		return ROW_TEXT_STRING;
	}
	if ((sign != NUMERIC_POSITIVE && sign != NUMERIC_NEGATIVE) ||
		weight * 4 + decimals > NUMERIC_DIGITS_SHOWN || decimals > NUMERIC_DIGITS_SHOWN)
		return row_text_hex(o, value, len);
	for (int i = 0; i < groups; i++)
	{
		if (bytes_load_u16(value + 8 + i * 2) > 9999)
			return row_text_hex(o, value, len);
	}
	if (sign == NUMERIC_NEGATIVE)
		bytes_put_u8(o, '-');
	if (weight < 0)
		bytes_put_u8(o, '0');
	for (int i = 0; i <= weight; i++)
	{
		snprintf(text, sizeof(text), i == 0 ? "%u" : "%04u",
				 (unsigned) (i < groups ? bytes_load_u16(value + 8 + i * 2) : 0));
		row_text_string(o, text);
	}
	if (decimals > 0)
		bytes_put_u8(o, '.');
	/* below zero where the first group is worth less than 1/10000: zeros come before it */
	for (int i = weight + 1, left = decimals; left > 0; i++, left -= 4)
	{
		snprintf(text, sizeof(text), "%04u",
				 (unsigned) (i >= 0 && i < groups ? bytes_load_u16(value + 8 + i * 2) : 0));
		bytes_put(o, text, (size_t) (left < 4 ? left : 4));
	}
	return ROW_TEXT_NUMBER;
}

size_t
row_text_size_max(size_t len)
{
	return 2 * len + NUMERIC_DIGITS_SHOWN + 2 * ROW_TEXT_ROOM;
}

typedef enum row_text_type
{
	TYPE_UNKNOWN, TYPE_BOOLEAN, TYPE_INT, TYPE_FLOAT, TYPE_TEXT, TYPE_DATE, TYPE_TIME, TYPE_TIMESTAMP,
	TYPE_TIMESTAMPTZ, TYPE_UUID, TYPE_NUMERIC, TYPE_JSONB
} row_text_type;

static const struct
{
	const char *name;
	row_text_type type;
	int			len;			/* of the value; 0: any */
}			row_text_types[] = {
	{"boolean", TYPE_BOOLEAN, 1},
	{"smallint", TYPE_INT, 2}, {"integer", TYPE_INT, 4}, {"bigint", TYPE_INT, 8},
	{"real", TYPE_FLOAT, 4}, {"double precision", TYPE_FLOAT, 8},
	{"text", TYPE_TEXT, 0}, {"character varying", TYPE_TEXT, 0}, {"character", TYPE_TEXT, 0},
	{"bpchar", TYPE_TEXT, 0}, {"json", TYPE_TEXT, 0}, {"name", TYPE_TEXT, 0},
	{"date", TYPE_DATE, 4}, {"time without time zone", TYPE_TIME, 8},
	{"timestamp without time zone", TYPE_TIMESTAMP, 8},
	{"timestamp with time zone", TYPE_TIMESTAMPTZ, 8},
	{"uuid", TYPE_UUID, 16}, {"numeric", TYPE_NUMERIC, 0}, {"jsonb", TYPE_JSONB, 0}
};

/* By name, the modifier in parentheses left out; values of a wrong length are unknown. */
static row_text_type
row_text_type_of(const char *type, size_t type_len, size_t len)
{
	const char *open = type_len == 0 ? NULL : memchr(type, '(', type_len);
	const char *close = open == NULL ? NULL : memchr(open, ')', type_len - (size_t) (open - type));
	size_t		head = close == NULL ? type_len : (size_t) (open - type);
	const char *tail = close == NULL ? type + type_len : close + 1;
	size_t		tail_len = (size_t) (type + type_len - tail);

	for (size_t i = 0; i < sizeof(row_text_types) / sizeof(row_text_types[0]); i++)
	{
		const char *name = row_text_types[i].name;

		if (strlen(name) == head + tail_len && memcmp(name, type, head) == 0 &&
			memcmp(name + head, tail, tail_len) == 0)
			return row_text_types[i].len == 0 || (size_t) row_text_types[i].len == len ?
				row_text_types[i].type : TYPE_UNKNOWN;
	}
	return TYPE_UNKNOWN;
}

static int64_t
row_text_load_int(const uint8_t *value, size_t len)
{
	return len == 2 ? (int16_t) bytes_load_u16(value) :
		len == 4 ? (int32_t) bytes_load_u32(value) : (int64_t) bytes_load_u64(value);
}

static double
row_text_load_float(const uint8_t *value, size_t len)
{
	uint64_t	bits8;
	uint32_t	bits4;
	double		d;
	float		f;

	if (len == 4)
	{
		bits4 = bytes_load_u32(value);
		memcpy(&f, &bits4, 4);
		return f;
	}
	bits8 = bytes_load_u64(value);
	memcpy(&d, &bits8, 8);
	return d;
}

static bool
row_text_is_text(const uint8_t *value, size_t len)
{
	return len == 0 || (memchr(value, 0, len) == NULL && utf8_valid(value, len));
}

row_text_form
row_text_put(bytes_out *o, const char *type, size_t type_len, const uint8_t *value, size_t len)
{
	row_text_type t = row_text_type_of(type, type_len, len);

	switch (t)
	{
		case TYPE_BOOLEAN:
			if (value[0] > 1)
				break;
			row_text_string(o, value[0] == 1 ? "true" : "false");
			return ROW_TEXT_BOOLEAN;
		case TYPE_INT:
			return row_text_int(o, row_text_load_int(value, len));
		case TYPE_FLOAT:
			return row_text_float(o, row_text_load_float(value, len), len == 4);
		case TYPE_TEXT:
			if (!row_text_is_text(value, len))
				break;
			bytes_put(o, value, len);
			return ROW_TEXT_STRING;
		case TYPE_JSONB:
			/* jsonb_send: the version of its text form, then the text */
			if (len < 1 || value[0] != 1 || !row_text_is_text(value + 1, len - 1))
				break;
			bytes_put(o, value + 1, len - 1);
			return ROW_TEXT_STRING;
		case TYPE_DATE:
			return row_text_date(o, (int32_t) bytes_load_u32(value));
		case TYPE_TIME:
			if (row_text_load_int(value, len) < 0 || row_text_load_int(value, len) > US_PER_DAY)
				break;
			row_text_clock(o, row_text_load_int(value, len));
			return ROW_TEXT_STRING;
		case TYPE_TIMESTAMP:
			return row_text_stamp(o, row_text_load_int(value, len), "");
		case TYPE_TIMESTAMPTZ:
			return row_text_stamp(o, row_text_load_int(value, len), "+00");
		case TYPE_UUID:
			return row_text_uuid(o, value);
		case TYPE_NUMERIC:
			return row_text_numeric(o, value, len);
		case TYPE_UNKNOWN:
			break;
	}
	return row_text_hex(o, value, len);
}
