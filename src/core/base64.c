/*
 * base64.c: base64 and base64url, one spelling a value.
 *
 * Signatures, hashes and keys travel as base64 in notes, tokens and receipts.
 * A decoder that shrugs at padding, white space or left-over bits lets one
 * value be written in many ways, and then two parties that compare texts
 * disagree about the same bytes; so this one refuses all of them.  One routine
 * a direction serves both alphabets.  Nothing here allocates, and the result's
 * length is known, and compared with the room, before a byte is written.
 *
 * Not constant-time: nothing secret is encoded with it.
 */
#include "core/base64.h"

static const char base64_alphabet[] =
"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64url_alphabet[] =
"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* The six bits a character stands for, or -1. */
static int
base64_digit(char c, const char *alphabet)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == alphabet[62])
		return 62;
	if (c == alphabet[63])
		return 63;
	return -1;
}

static size_t
base64_write(const uint8_t *data, size_t len, char *out, size_t cap,
			 const char *alphabet, bool pad)
{
	size_t		rest = len % 3;
	size_t		tail_len = rest == 0 ? 0 : pad ? 4 : rest + 1;
	size_t		at = 0;

	/* Compared as quotients, so that no length can wrap around. */
	if (len / 3 > cap / 4 || len / 3 * 4 + tail_len > cap)
		return 0;
	for (size_t i = 0; i < len; i += 3)
	{
		size_t		n = len - i < 3 ? len - i : 3;
		uint32_t	bits = (uint32_t) data[i] << 16;

		if (n > 1)
			bits |= (uint32_t) data[i + 1] << 8;
		if (n > 2)
			bits |= data[i + 2];
		for (size_t k = 0; k < 4; k++)
		{
			if (k <= n)
				out[at++] = alphabet[(bits >> (18 - 6 * k)) & 63];
			else if (pad)
				out[at++] = '=';
		}
	}
	return at;
}

/* text holds digits only: padding has been taken off. */
static bool
base64_read(const char *text, size_t len, uint8_t *out, size_t cap, size_t *out_len,
			const char *alphabet)
{
	size_t		rest = len % 4;
	size_t		need;
	uint32_t	bits = 0;
	int			have = 0;
	size_t		at = 0;

	if (rest == 1)
		return false;			/* six bits are no byte */
	need = len / 4 * 3 + (rest == 0 ? 0 : rest - 1);
	if (need > cap)
		return false;
	for (size_t i = 0; i < len; i++)
	{
		int			digit = base64_digit(text[i], alphabet);

		if (digit < 0)
			return false;
		bits = (bits << 6) | (uint32_t) digit;
		have += 6;
		if (have >= 8)
		{
			have -= 8;
			out[at++] = (uint8_t) (bits >> have);
			bits &= (1u << have) - 1;
		}
	}
	if (bits != 0)
		return false;			/* unused bits of the last digit */
	*out_len = at;
	return true;
}

size_t
base64_encode(const uint8_t *data, size_t len, char *out, size_t cap)
{
	return base64_write(data, len, out, cap, base64_alphabet, true);
}

size_t
base64url_encode(const uint8_t *data, size_t len, char *out, size_t cap)
{
	return base64_write(data, len, out, cap, base64url_alphabet, false);
}

bool
base64_decode(const char *text, size_t len, uint8_t *out, size_t cap, size_t *out_len)
{
	if (len % 4 != 0)
		return false;
	if (len > 0 && text[len - 1] == '=')
	{
		len--;
		if (text[len - 1] == '=')
			len--;
	}
	return base64_read(text, len, out, cap, out_len, base64_alphabet);
}

bool
base64url_decode(const char *text, size_t len, uint8_t *out, size_t cap, size_t *out_len)
{
	return base64_read(text, len, out, cap, out_len, base64url_alphabet);
}
