/*
 * decimal.c: reads a decimal number exactly.
 *
 * Two bounds keep it exact: the digits must fit int64, the scale -9 to 9.  A
 * number outside is refused and never rounded: it was signed as it stands.
 */
#include "core/decimal.h"

#include <stdbool.h>

/* Beyond this no further digit of an exponent changes the answer. */
#define DECIMAL_EXPONENT_MAX 100000

static inline bool
decimal_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* [+-] digits, to the end; saturates. */
static refusal
decimal_exponent(const char *at, const char *end, int *out)
{
	bool		negative = false;
	int			exponent = 0;

	if (at < end && (*at == '+' || *at == '-'))
		negative = *at++ == '-';
	if (at == end)
		return REFUSAL_BAD_DECIMAL;
	for (; at < end; at++)
	{
		if (!decimal_is_digit(*at))
			return REFUSAL_BAD_DECIMAL;
		if (exponent < DECIMAL_EXPONENT_MAX)
			exponent = exponent * 10 + (*at - '0');
	}
	*out = negative ? -exponent : exponent;
	return REFUSAL_NONE;
}

refusal
decimal_parse(const char *text, size_t len, decimal *out)
{
	const char *at = text;
	const char *end = text + len;
	bool		negative = at < end && *at == '-';
	bool		point = false;
	bool		overflow = false;
	size_t		digits = 0;
	int64_t		below = 0;		/* gathered below zero, where int64 reaches further */
	int64_t		scale = 0;
	int			exponent = 0;

	if (negative)
		at++;
	for (; at < end && (decimal_is_digit(*at) || (*at == '.' && !point && digits > 0)); at++)
	{
		if (*at == '.')
		{
			point = true;
			digits = 0;			/* as many again must follow it: at least one */
			continue;
		}
		digits++;
		scale -= point;
		if (__builtin_mul_overflow(below, (int64_t) 10, &below) ||
			__builtin_sub_overflow(below, (int64_t) (*at - '0'), &below))
			overflow = true;
	}
	if (digits == 0)
		return REFUSAL_BAD_DECIMAL;
	if (at < end)
	{
		refusal		why;

		if (*at != 'e' && *at != 'E')
			return REFUSAL_BAD_DECIMAL;
		why = decimal_exponent(at + 1, end, &exponent);
		if (why != REFUSAL_NONE)
			return why;
	}
	scale += exponent;
	if (overflow || (!negative && below == INT64_MIN) ||
		scale < -DECIMAL_SCALE_MAX || scale > DECIMAL_SCALE_MAX)
		return REFUSAL_DECIMAL_RANGE;
	out->value = negative ? below : -below;
	out->scale = (int8_t) scale;
	return REFUSAL_NONE;
}
