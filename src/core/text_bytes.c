/*
 * text_bytes.c: decodes what people paste.
 *
 * The text without its white space is laid into the caller's room and decoded
 * there: bytes are always fewer than the characters they are written in.
 */
#include "core/text_bytes.h"

#include <string.h>

#include "core/base64.h"
#include "core/hex.h"

static const char text_bytes_pem_begin[] = "-----BEGIN PUBLIC KEY-----";
static const char text_bytes_pem_end[] = "-----END PUBLIC KEY-----";

static inline bool
text_bytes_is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

void
text_bytes_trim(const char **text, size_t *len)
{
	while (*len > 0 && text_bytes_is_space(**text))
	{
		(*text)++;
		(*len)--;
	}
	while (*len > 0 && text_bytes_is_space((*text)[*len - 1]))
		(*len)--;
}

bool
text_bytes_decode(const char *text, size_t len, uint8_t *out, size_t *out_len)
{
	const size_t begin_len = sizeof(text_bytes_pem_begin) - 1;
	const size_t end_len = sizeof(text_bytes_pem_end) - 1;
	size_t		bare_len = 0;
	bool		hex = true;
	bool		colon = false;

	text_bytes_trim(&text, &len);
	if (len >= begin_len + end_len && memcmp(text, text_bytes_pem_begin, begin_len) == 0 &&
		memcmp(text + len - end_len, text_bytes_pem_end, end_len) == 0)
	{
		text += begin_len;
		len -= begin_len + end_len;
		hex = false;
	}
	for (size_t i = 0; i < len; i++)
	{
		if (text_bytes_is_space(text[i]))
			continue;
		if (text[i] == ':' && bare_len % 2 == 0)
		{
			colon = true;
			continue;
		}
		if (hex_digit(text[i]) < 0)
			hex = false;
		out[bare_len++] = (uint8_t) text[i];
	}
	if (bare_len == 0 || (colon && !hex))
		return false;
	if (hex)
		return hex_decode((const char *) out, bare_len, out, bare_len, out_len);
	return base64_decode((const char *) out, bare_len, out, bare_len, out_len);
}
