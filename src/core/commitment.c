/*
 * commitment.c: salted commitments, and the two forms in which a redactable value
 * is kept: bytes in a table, text in a dump.
 *
 * The text form is for machines that must bring back the same bytes: what a dump,
 * COPY or replication carries has to give the row the same hash afterwards.  A
 * prefix no name or address begins with tells it from a value as people type it;
 * a value that does begin so is written with a prefix of its own.
 *
 * The salt keeps an erased value from being found by trying: 32 random bytes,
 * erased with the value.
 */
#include "core/commitment.h"

#include <string.h>

#include <openssl/crypto.h>

#include "core/sha256.h"

#define COMMITMENT_HASH_PREFIX 0x02

#define TEXT_PLAIN COMMITMENT_TEXT_PREFIX "plain:"
#define TEXT_SALTED COMMITMENT_TEXT_PREFIX "salted:"
#define TEXT_REDACTED COMMITMENT_TEXT_PREFIX "redacted:"
#define HEX_LEN (2 * 32)

_Static_assert(COMMITMENT_LEN == SHA256_LEN && COMMITMENT_SALT_LEN == 32, "both are written as 64 hex digits");

void
commitment_of(const uint8_t salt[COMMITMENT_SALT_LEN], const uint8_t *value, size_t value_len,
			  uint8_t out[COMMITMENT_LEN])
{
	uint8_t		head[1 + COMMITMENT_SALT_LEN];

	head[0] = COMMITMENT_HASH_PREFIX;
	memcpy(head + 1, salt, COMMITMENT_SALT_LEN);
	sha256_of_two(head, sizeof(head), value, value_len, out);
}

bool
commitment_of_parts(const commitment_parts *p, uint8_t out[COMMITMENT_LEN])
{
	if (p->form == COMMITMENT_SALTED)
		commitment_of(p->salt, p->value, p->value_len, out);
	else if (p->form == COMMITMENT_REDACTED)
		memcpy(out, p->commitment, COMMITMENT_LEN);
	else
		return false;
	return true;
}

bool
commitment_opens(const uint8_t *commitment, size_t commitment_len,
				 const uint8_t *salt, size_t salt_len,
				 const uint8_t *value, size_t value_len)
{
	uint8_t		made[COMMITMENT_LEN];

	if (commitment_len != COMMITMENT_LEN || salt_len != COMMITMENT_SALT_LEN ||
		value_len > COMMITMENT_VALUE_LEN_MAX)
		return false;
	commitment_of(salt, value, value_len, made);
	return CRYPTO_memcmp(made, commitment, COMMITMENT_LEN) == 0;
}

/* ---- bytes ---- */

bool
commitment_parse(const uint8_t *data, size_t len, commitment_parts *p)
{
	size_t		head = 1;

	memset(p, 0, sizeof(*p));
	if (len < 1)
		return false;
	switch (data[0])
	{
		case COMMITMENT_PLAIN:
			break;
		case COMMITMENT_SALTED:
			head += COMMITMENT_SALT_LEN;
			if (len < head)
				return false;
			p->salt = data + 1;
			break;
		case COMMITMENT_REDACTED:
			p->form = COMMITMENT_REDACTED;
			p->commitment = data + 1;
			return len == 1 + COMMITMENT_LEN;
		default:
			return false;
	}
	p->form = (commitment_form) data[0];
	p->value = data + head;
	p->value_len = len - head;
	return p->value_len <= COMMITMENT_VALUE_LEN_MAX;
}

size_t
commitment_size(const commitment_parts *p)
{
	return p->form == COMMITMENT_REDACTED ? 1 + COMMITMENT_LEN :
		(p->form == COMMITMENT_SALTED ? 1 + COMMITMENT_SALT_LEN : 1) + p->value_len;
}

void
commitment_put(const commitment_parts *p, uint8_t *out)
{
	*out++ = (uint8_t) p->form;
	if (p->form == COMMITMENT_REDACTED)
	{
		memcpy(out, p->commitment, COMMITMENT_LEN);
		return;
	}
	if (p->form == COMMITMENT_SALTED)
	{
		memcpy(out, p->salt, COMMITMENT_SALT_LEN);
		out += COMMITMENT_SALT_LEN;
	}
	if (p->value_len > 0)
		memcpy(out, p->value, p->value_len);
}

/* ---- text ---- */

static bool
text_begins(const char *text, size_t len, const char *prefix)
{
	return len >= strlen(prefix) && memcmp(text, prefix, strlen(prefix)) == 0;
}

/* Lower case only: one text for one value. */
static int
hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
hex_parse(const char *text, uint8_t hash[32])
{
	for (int i = 0; i < 32; i++)
	{
		int			high = hex_digit(text[2 * i]);
		int			low = hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		hash[i] = (uint8_t) (high << 4 | low);
	}
	return true;
}

static char *
hex_put(const uint8_t *hash, char *out)
{
	static const char digit[] = "0123456789abcdef";

	for (int i = 0; i < 32; i++)
	{
		*out++ = digit[hash[i] >> 4];
		*out++ = digit[hash[i] & 15];
	}
	return out;
}

bool
commitment_text_parse(const char *text, size_t len, uint8_t hash[32], commitment_parts *p)
{
	size_t		head = 0;

	memset(p, 0, sizeof(*p));
	if (text_begins(text, len, TEXT_REDACTED))
	{
		head = strlen(TEXT_REDACTED);
		p->form = COMMITMENT_REDACTED;
		p->commitment = hash;
		return len == head + HEX_LEN && hex_parse(text + head, hash);
	}
	if (text_begins(text, len, TEXT_SALTED))
	{
		head = strlen(TEXT_SALTED);
		p->form = COMMITMENT_SALTED;
		p->salt = hash;
		if (len < head + HEX_LEN + 1 || !hex_parse(text + head, hash) || text[head + HEX_LEN] != ':')
			return false;
		head += HEX_LEN + 1;
	}
	else if (text_begins(text, len, TEXT_PLAIN))
	{
		head = strlen(TEXT_PLAIN);
		/* the escape is for values that need it */
		if (!text_begins(text + head, len - head, COMMITMENT_TEXT_PREFIX))
			return false;
	}
	else if (text_begins(text, len, COMMITMENT_TEXT_PREFIX))
		return false;
	p->value = (const uint8_t *) text + head;
	p->value_len = len - head;
	return p->value_len <= COMMITMENT_VALUE_LEN_MAX;
}

/* What stands before the value, or before the digits. */
static const char *
text_prefix(const commitment_parts *p)
{
	if (p->form == COMMITMENT_REDACTED)
		return TEXT_REDACTED;
	if (p->form == COMMITMENT_SALTED)
		return TEXT_SALTED;
	return text_begins((const char *) p->value, p->value_len, COMMITMENT_TEXT_PREFIX) ? TEXT_PLAIN : "";
}

size_t
commitment_text_size(const commitment_parts *p)
{
	size_t		head = strlen(text_prefix(p));

	return p->form == COMMITMENT_REDACTED ? head + HEX_LEN :
		p->form == COMMITMENT_SALTED ? head + HEX_LEN + 1 + p->value_len : head + p->value_len;
}

void
commitment_text_put(const commitment_parts *p, char *out)
{
	const char *prefix = text_prefix(p);

	memcpy(out, prefix, strlen(prefix));
	out += strlen(prefix);
	if (p->form == COMMITMENT_REDACTED)
	{
		hex_put(p->commitment, out);
		return;
	}
	if (p->form == COMMITMENT_SALTED)
	{
		out = hex_put(p->salt, out);
		*out++ = ':';
	}
	if (p->value_len > 0)
		memcpy(out, p->value, p->value_len);
}
