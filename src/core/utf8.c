/*
 * utf8.c: UTF-8 validation by RFC 3629's syntax table.
 *
 * Both readers of signed messages need the same answer, because a string that
 * one side calls text and the other refuses would be a message that some
 * verifiers accept and some do not.
 */
#include "core/utf8.h"

static inline bool
utf8_continues(uint8_t b, uint8_t low, uint8_t high)
{
	return b >= low && b <= high;
}

bool
utf8_valid(const uint8_t *text, size_t len)
{
	size_t		i = 0;

	while (i < len)
	{
		uint8_t		lead = text[i];
		uint8_t		low = 0x80;
		uint8_t		high = 0xBF;
		size_t		extra;

		if (lead < 0x80)
		{
			i++;
			continue;
		}
		if (lead >= 0xC2 && lead <= 0xDF)
			extra = 1;
		else if (lead >= 0xE0 && lead <= 0xEF)
			extra = 2;
		else if (lead >= 0xF0 && lead <= 0xF4)
			extra = 3;
		else
			return false;
		if (extra > len - i - 1)
			return false;

		/* the first continuation byte shuts out overlongs and surrogates */
		if (lead == 0xE0)
			low = 0xA0;
		else if (lead == 0xED)
			high = 0x9F;
		else if (lead == 0xF0)
			low = 0x90;
		else if (lead == 0xF4)
			high = 0x8F;
		if (!utf8_continues(text[i + 1], low, high))
			return false;
		for (size_t k = 2; k <= extra; k++)
		{
			if (!utf8_continues(text[i + k], 0x80, 0xBF))
				return false;
		}
		i += extra + 1;
	}
	return true;
}
