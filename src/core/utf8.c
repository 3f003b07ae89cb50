/*
 * utf8.c: strict UTF-8 (RFC 3629).
 *
 * Names and texts that are signed are compared as bytes.  A reader that let an
 * overlong form or a surrogate through would accept texts that others read as
 * something else, or not at all.
 */
#include "core/utf8.h"

size_t
utf8_decode(const char *text, size_t len, uint32_t *code_point)
{
	const uint8_t *p = (const uint8_t *) text;
	uint32_t	c;
	uint32_t	least;			/* below it, a shorter form exists */
	size_t		n;

	if (p[0] < 0x80)
	{
		*code_point = p[0];
		return 1;
	}
	if ((p[0] & 0xe0) == 0xc0)
	{
		n = 2;
		c = p[0] & 0x1f;
		least = 0x80;
	}
	else if ((p[0] & 0xf0) == 0xe0)
	{
		n = 3;
		c = p[0] & 0x0f;
		least = 0x800;
	}
	else if ((p[0] & 0xf8) == 0xf0)
	{
		n = 4;
		c = p[0] & 0x07;
		least = 0x10000;
	}
	else
		return 0;
	if (n > len)
		return 0;
	for (size_t i = 1; i < n; i++)
	{
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = (c << 6) | (p[i] & 0x3f);
	}
	if (c < least || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*code_point = c;
	return n;
}

bool
utf8_valid(const char *text, size_t len)
{
	size_t		at = 0;

	while (at < len)
	{
		uint32_t	c;
		size_t		n = utf8_decode(text + at, len - at, &c);

		if (n == 0)
			return false;
		at += n;
	}
	return true;
}
