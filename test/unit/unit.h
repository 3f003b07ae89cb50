/*
 * unit.h: what the unit tests share: cmocka, bytes from hex, and random bytes
 * that are the same in every run.
 */
#ifndef UNIT_H
#define UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Bytes written to out; the text must be well-formed and fit. */
static inline size_t
unit_hex(const char *hex, uint8_t *out, size_t cap)
{
	size_t		len = strlen(hex) / 2;

	assert_true(strlen(hex) % 2 == 0 && len <= cap);
	for (size_t i = 0; i < len; i++)
	{
		unsigned int v;

		assert_int_equal(sscanf(hex + 2 * i, "%2x", &v), 1);
		out[i] = (uint8_t) v;
	}
	return len;
}

/* xorshift64*: not for keys, only for variety that can be repeated. */
static inline uint64_t
unit_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(2685821657736338717);
}

static inline void
unit_random_bytes(uint64_t *state, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t) (unit_random(state) >> 32);
}

/*
 * A copy with no byte to spare behind it, so that a read past the end is a
 * sanitizer's finding; the caller frees it.
 */
static inline void *
unit_exact(const void *data, size_t len)
{
	void	   *copy = malloc(len > 0 ? len : 1);

	assert_non_null(copy);
	if (len > 0)
		memcpy(copy, data, len);
	return copy;
}

#endif							/* UNIT_H */
