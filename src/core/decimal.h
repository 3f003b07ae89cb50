/*
 * decimal.h: a decimal number as an integer and a power of ten, exactly.
 *
 * The digits stand as they were written: 2935.600 is 2935600 * 10^-3, because the
 * places that a meter writes say how exact it is.  Nothing is a double on the way.
 */
#ifndef CORE_DECIMAL_H
#define CORE_DECIMAL_H

#include <stddef.h>
#include <stdint.h>

#include "core/refusal.h"

#define DECIMAL_SCALE_MAX 9		/* and -9: what a reading's scale may be */

typedef struct decimal
{
	int64_t		value;			/* value * 10^scale */
	int8_t		scale;
} decimal;

/*
 * The whole text must be [-] digits [. digits] [e [+-] digits]; leading zeros are
 * allowed.  REFUSAL_BAD_DECIMAL where it is something else, REFUSAL_DECIMAL_RANGE
 * where it fits no int64 with a scale of -9 to 9.
 */
extern refusal decimal_parse(const char *text, size_t len, decimal *out);

#endif							/* CORE_DECIMAL_H */
