/*
 * json.c: the strict JSON reader of signed messages.
 *
 * General JSON libraries turn numbers into doubles, keep the last of two equal
 * members and accept bytes that are no UTF-8; each of these makes one signed
 * text mean two things.  This reader pulls tokens from the bytes it was given,
 * never allocates, and recurses (json_skip only) no deeper than its caller
 * allows.
 */
#include <string.h>

#include "core/json.h"
#include "core/keyset.h"
#include "core/utf8.h"

void
json_open(json_reader *r, const uint8_t *data, size_t len)
{
	r->at = data;
	r->end = data + len;
	r->decimals = false;
}

void
json_open_decimals(json_reader *r, const uint8_t *data, size_t len)
{
	json_open(r, data, len);
	r->decimals = true;
}

uint8_t
json_peek(json_reader *r)
{
	while (r->at < r->end &&
		   (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r'))
		r->at++;
	return r->at < r->end ? *r->at : 0;
}

refusal
json_close(json_reader *r)
{
	(void) json_peek(r);
	return r->at == r->end ? REFUSAL_NONE : REFUSAL_TRAILING_BYTES;
}

/* Can a value begin with this byte?  Tells a wrong type from broken syntax. */
static bool
json_begins_value(uint8_t c)
{
	return c != 0 && strchr("{[\"-0123456789tfn", c) != NULL;
}

refusal
json_enter(json_reader *r, uint8_t bracket)
{
	uint8_t		c = json_peek(r);

	if (c != bracket)
		return json_begins_value(c) ? REFUSAL_WRONG_TYPE : REFUSAL_BAD_JSON;
	r->at++;
	return REFUSAL_NONE;
}

refusal
json_more(json_reader *r, uint8_t bracket, bool first, bool *more)
{
	uint8_t		c = json_peek(r);

	*more = false;
	if (c == (bracket == '{' ? '}' : ']'))
	{
		r->at++;
		return REFUSAL_NONE;
	}
	if (!first)
	{
		if (c != ',')
			return REFUSAL_BAD_JSON;
		r->at++;
		c = json_peek(r);
	}
	/* also refuses a comma before the closing bracket */
	if (!json_begins_value(c))
		return REFUSAL_BAD_JSON;
	*more = true;
	return REFUSAL_NONE;
}

static int
json_hex(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Four hex digits at p, or -1. */
static int32_t
json_hex4(const uint8_t *p, const uint8_t *end)
{
	int32_t		unit = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++)
	{
		int			digit = json_hex(p[i]);

		if (digit < 0)
			return -1;
		unit = (unit << 4) | digit;
	}
	return unit;
}

/* at stands after a backslash.  \u escapes of surrogates must come as a pair. */
static refusal
json_skip_escape(json_reader *r)
{
	int32_t		unit;

	if (r->at == r->end)
		return REFUSAL_BAD_JSON;
	if (*r->at != 'u')
	{
		if (*r->at == 0 || strchr("\"\\/bfnrt", *r->at) == NULL)
			return REFUSAL_BAD_JSON;
		r->at++;
		return REFUSAL_NONE;
	}
	r->at++;
	unit = json_hex4(r->at, r->end);
	if (unit < 0 || (unit >= 0xDC00 && unit <= 0xDFFF))
		return REFUSAL_BAD_JSON;
	r->at += 4;
	if (unit >= 0xD800 && unit <= 0xDBFF)
	{
		if (r->end - r->at < 6 || r->at[0] != '\\' || r->at[1] != 'u')
			return REFUSAL_BAD_JSON;
		unit = json_hex4(r->at + 2, r->end);
		if (unit < 0xDC00 || unit > 0xDFFF)
			return REFUSAL_BAD_JSON;
		r->at += 6;
	}
	return REFUSAL_NONE;
}

refusal
json_read_string(json_reader *r, json_string *s)
{
	bool		ascii = true;
	refusal		why = json_enter(r, '"');

	if (why != REFUSAL_NONE)
		return why;
	s->bytes = r->at;
	s->plain = true;
	for (;;)
	{
		uint8_t		c;

		if (r->at == r->end)
			return REFUSAL_BAD_JSON;
		c = *r->at++;
		if (c == '"')
			break;
		if (c < 0x20)
			return REFUSAL_BAD_JSON;
		if (c >= 0x80)
			ascii = false;
		if (c == '\\')
		{
			s->plain = false;
			why = json_skip_escape(r);
			if (why != REFUSAL_NONE)
				return why;
		}
	}
	s->len = (size_t) (r->at - 1 - s->bytes);
	if (!ascii && !utf8_valid(s->bytes, s->len))
		return REFUSAL_BAD_UTF8;
	return REFUSAL_NONE;
}

refusal
json_read_name(json_reader *r, json_string *name)
{
	refusal		why;

	if (json_peek(r) != '"')
		return REFUSAL_BAD_JSON;
	why = json_read_string(r, name);
	if (why != REFUSAL_NONE)
		return why;
	if (json_peek(r) != ':')
		return REFUSAL_BAD_JSON;
	/* an escaped name is a second spelling of a plain one */
	if (!name->plain)
		return REFUSAL_NON_CANONICAL;
	r->at++;
	return REFUSAL_NONE;
}

/* One code point as UTF-8: bytes written. */
static size_t
json_put_utf8(uint32_t c, uint8_t *out)
{
	if (c < 0x80)
	{
		out[0] = (uint8_t) c;
		return 1;
	}
	if (c < 0x800)
	{
		out[0] = (uint8_t) (0xC0 | (c >> 6));
		out[1] = (uint8_t) (0x80 | (c & 0x3F));
		return 2;
	}
	if (c < 0x10000)
	{
		out[0] = (uint8_t) (0xE0 | (c >> 12));
		out[1] = (uint8_t) (0x80 | ((c >> 6) & 0x3F));
		out[2] = (uint8_t) (0x80 | (c & 0x3F));
		return 3;
	}
	out[0] = (uint8_t) (0xF0 | (c >> 18));
	out[1] = (uint8_t) (0x80 | ((c >> 12) & 0x3F));
	out[2] = (uint8_t) (0x80 | ((c >> 6) & 0x3F));
	out[3] = (uint8_t) (0x80 | (c & 0x3F));
	return 4;
}

/* Every escape is longer than what it stands for, so writing never overtakes reading. */
size_t
json_unescape(const json_string *s, uint8_t *out)
{
	static const char letter[] = "\"\\/bfnrt";
	static const char meaning[] = "\"\\/\b\f\n\r\t";
	const uint8_t *at = s->bytes;
	const uint8_t *end = s->bytes + s->len;
	size_t		len = 0;

	if (s->plain)
	{
		memmove(out, at, s->len);
		return s->len;
	}
	while (at < end)
	{
		uint32_t	c;

		if (*at != '\\')
		{
			out[len++] = *at++;
			continue;
		}
		at += 2;
		if (at[-1] != 'u')
		{
			out[len++] = (uint8_t) meaning[strchr(letter, at[-1]) - letter];
			continue;
		}
		c = (uint32_t) json_hex4(at, end);
		at += 4;
		if (c >= 0xD800 && c <= 0xDBFF)
		{
			c = 0x10000 + ((c - 0xD800) << 10) + ((uint32_t) json_hex4(at + 2, end) - 0xDC00);
			at += 6;
		}
		len += json_put_utf8(c, out + len);
	}
	return len;
}

/* Digits of an integer (RFC 8259 section 6), gathered below zero, where int64 reaches further. */
refusal
json_read_int(json_reader *r, int64_t *value)
{
	uint8_t		c = json_peek(r);
	bool		negative = c == '-';
	const uint8_t *digits;
	int64_t		below = 0;
	bool		overflow = false;

	if (c != '-' && (c < '0' || c > '9'))
		return json_begins_value(c) ? REFUSAL_WRONG_TYPE : REFUSAL_BAD_JSON;
	if (negative)
		r->at++;
	for (digits = r->at; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++)
	{
		if (__builtin_mul_overflow(below, (int64_t) 10, &below) ||
			__builtin_sub_overflow(below, (int64_t) (*r->at - '0'), &below))
			overflow = true;
	}
	if (r->at == digits)
		return REFUSAL_BAD_JSON;
	if (r->at < r->end && (*r->at == '.' || *r->at == 'e' || *r->at == 'E'))
		return REFUSAL_NOT_AN_INTEGER;
	if (*digits == '0' && r->at - digits > 1)
		return REFUSAL_BAD_JSON;
	if (overflow || (!negative && below == INT64_MIN))
		return REFUSAL_INTEGER_RANGE;
	if (negative && below == 0)
		return REFUSAL_NON_CANONICAL;	/* -0 is a second spelling of 0 */
	*value = negative ? below : -below;
	return REFUSAL_NONE;
}

/* At least one digit. */
static bool
json_pass_digits(json_reader *r)
{
	const uint8_t *first = r->at;

	while (r->at < r->end && *r->at >= '0' && *r->at <= '9')
		r->at++;
	return r->at > first;
}

refusal
json_read_number(json_reader *r, const char **text, size_t *len)
{
	uint8_t		c = json_peek(r);
	const uint8_t *first = r->at;

	if (c != '-' && (c < '0' || c > '9'))
		return json_begins_value(c) ? REFUSAL_WRONG_TYPE : REFUSAL_BAD_JSON;
	if (c == '-')
		r->at++;
	if (r->end - r->at >= 2 && r->at[0] == '0' && r->at[1] >= '0' && r->at[1] <= '9')
		return REFUSAL_BAD_JSON;
	if (!json_pass_digits(r))
		return REFUSAL_BAD_JSON;
	if (r->at < r->end && *r->at == '.')
	{
		r->at++;
		if (!json_pass_digits(r))
			return REFUSAL_BAD_JSON;
	}
	if (r->at < r->end && (*r->at == 'e' || *r->at == 'E'))
	{
		r->at++;
		if (r->at < r->end && (*r->at == '+' || *r->at == '-'))
			r->at++;
		if (!json_pass_digits(r))
			return REFUSAL_BAD_JSON;
	}
	*text = (const char *) first;
	*len = (size_t) (r->at - first);
	return REFUSAL_NONE;
}

static refusal
json_skip_literal(json_reader *r)
{
	static const char *const literals[] = {"true", "false", "null"};

	for (int i = 0; i < 3; i++)
	{
		size_t		len = strlen(literals[i]);

		if ((size_t) (r->end - r->at) >= len && memcmp(r->at, literals[i], len) == 0)
		{
			r->at += len;
			return REFUSAL_NONE;
		}
	}
	return REFUSAL_BAD_JSON;
}

static refusal
json_skip_container(json_reader *r, uint8_t bracket, int depth)
{
	keyset		seen;
	bool		first = true;

	keyset_init(&seen);
	r->at++;
	for (;;)
	{
		bool		more;
		refusal		why = json_more(r, bracket, first, &more);

		if (why != REFUSAL_NONE || !more)
			return why;
		first = false;
		if (bracket == '{')
		{
			json_string name;

			why = json_read_name(r, &name);
			if (why == REFUSAL_NONE)
				why = keyset_add(&seen, name.bytes, name.len);
		}
		if (why == REFUSAL_NONE)
			why = json_skip(r, depth);
		if (why != REFUSAL_NONE)
			return why;
	}
}

refusal
json_skip(json_reader *r, int depth)
{
	uint8_t		c = json_peek(r);
	int64_t		number;
	json_string text;
	const char *digits;
	size_t		len;

	if (c == '{' || c == '[')
		return depth <= 0 ? REFUSAL_TOO_DEEP : json_skip_container(r, c, depth - 1);
	if (c == '"')
		return json_read_string(r, &text);
	if (c == '-' || (c >= '0' && c <= '9'))
		return r->decimals ? json_read_number(r, &digits, &len) : json_read_int(r, &number);
	return json_skip_literal(r);
}
