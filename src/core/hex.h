/*
 * hex.h: bytes written in hexadecimal, either case.
 *
 * Anybody may include this: no PostgreSQL header, no library.
 */
#ifndef CORE_HEX_H
#define CORE_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a digit stands for, or -1. */
static inline int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* False where the text is not pairs of digits, or more than cap of them. */
static inline bool
hex_decode(const char *text, size_t len, uint8_t *out, size_t cap, size_t *out_len)
{
	if (len % 2 != 0 || len / 2 > cap)
		return false;
	for (size_t i = 0; i < len / 2; i++)
	{
		int			high = hex_digit(text[2 * i]);
		int			low = hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t) (high << 4 | low);
	}
	*out_len = len / 2;
	return true;
}

#endif							/* CORE_HEX_H */
