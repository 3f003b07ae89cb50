/*
 * cbor.c: the strict CBOR reader and the few writers a signed message needs.
 *
 * General CBOR libraries allocate by declared counts and accept several
 * spellings of one value; a signed message wants neither.  This reader walks the
 * bytes it was given, never allocates, and recurses (cbor_skip only) no deeper
 * than its caller allows.  Every length is compared with what is left before a
 * byte is looked at.
 */
#include <stdbool.h>

#include "core/cbor.h"
#include "core/keyset.h"
#include "core/utf8.h"

void
cbor_open(cbor_reader *r, const uint8_t *data, size_t len)
{
	r->at = data;
	r->end = data + len;
}

refusal
cbor_close(const cbor_reader *r)
{
	return r->at == r->end ? REFUSAL_NONE : REFUSAL_TRAILING_BYTES;
}

static inline size_t
cbor_left(const cbor_reader *r)
{
	return (size_t) (r->end - r->at);
}

/*
 * The argument after the initial byte (RFC 8949 section 3), refused where a
 * shorter form would have held it (section 4.2.1).
 */
static refusal
cbor_read_argument(cbor_reader *r, unsigned info, uint64_t *argument)
{
	size_t		width;
	uint64_t	value = 0;
	static const uint64_t least[4] = {24, 0x100, 0x10000, UINT64_C(0x100000000)};

	if (info < 24)
	{
		*argument = info;
		return REFUSAL_NONE;
	}
	if (info == 31)
		return REFUSAL_INDEFINITE_LENGTH;
	if (info > 27)
		return REFUSAL_BAD_CBOR;
	width = (size_t) 1 << (info - 24);
	if (cbor_left(r) < width)
		return REFUSAL_BAD_CBOR;
	for (size_t i = 0; i < width; i++)
		value = (value << 8) | *r->at++;
	if (value < least[info - 24])
		return REFUSAL_NON_CANONICAL;
	*argument = value;
	return REFUSAL_NONE;
}

/* false, true and null are all the profile has of major type 7. */
static refusal
cbor_check_simple(unsigned info)
{
	if (info >= 20 && info <= 22)
		return REFUSAL_NONE;
	if (info >= 25 && info <= 27)
		return REFUSAL_NOT_AN_INTEGER;
	if (info == 31)
		return REFUSAL_INDEFINITE_LENGTH;
	return info > 27 ? REFUSAL_BAD_CBOR : REFUSAL_UNSUPPORTED_ITEM;
}

refusal
cbor_read_head(cbor_reader *r, cbor_head *head)
{
	unsigned	info;
	refusal		why;

	if (cbor_left(r) == 0)
		return REFUSAL_BAD_CBOR;
	head->type = (cbor_type) (*r->at >> 5);
	head->bytes = NULL;
	info = *r->at++ & 0x1F;

	if (head->type == CBOR_SIMPLE)
	{
		head->argument = info;
		return cbor_check_simple(info);
	}
	why = cbor_read_argument(r, info, &head->argument);
	if (why != REFUSAL_NONE)
		return why;

	switch (head->type)
	{
		case CBOR_BYTES:
		case CBOR_TEXT:
			if (head->argument > cbor_left(r))
				return REFUSAL_BAD_CBOR;
			head->bytes = r->at;
			r->at += head->argument;
			if (head->type == CBOR_TEXT && !utf8_valid(head->bytes, head->argument))
				return REFUSAL_BAD_UTF8;
			break;
		case CBOR_ARRAY:
			if (head->argument > cbor_left(r))
				return REFUSAL_BAD_CBOR;	/* an item is at least a byte */
			break;
		case CBOR_MAP:
			if (head->argument > cbor_left(r) / 2)
				return REFUSAL_BAD_CBOR;
			if (head->argument > KEYSET_KEYS_MAX)
				return REFUSAL_TOO_MANY_ENTRIES;
			break;
		default:
			break;
	}
	return REFUSAL_NONE;
}

/* What a sound item of another type than expected is refused as. */
static inline refusal
cbor_expect(const cbor_head *head, cbor_type type)
{
	if (head->type == CBOR_TAG)
		return REFUSAL_UNSUPPORTED_ITEM;
	return head->type == type ? REFUSAL_NONE : REFUSAL_WRONG_TYPE;
}

refusal
cbor_read_int(cbor_reader *r, int64_t *value)
{
	cbor_head	head;
	refusal		why = cbor_read_head(r, &head);

	if (why != REFUSAL_NONE)
		return why;
	if (head.type != CBOR_UNSIGNED && head.type != CBOR_NEGATIVE)
		return head.type == CBOR_TAG ? REFUSAL_UNSUPPORTED_ITEM : REFUSAL_WRONG_TYPE;
	if (head.argument > INT64_MAX)
		return REFUSAL_INTEGER_RANGE;
	*value = head.type == CBOR_UNSIGNED ? (int64_t) head.argument : -1 - (int64_t) head.argument;
	return REFUSAL_NONE;
}

refusal
cbor_read_string(cbor_reader *r, cbor_type type, const uint8_t **bytes, size_t *len)
{
	cbor_head	head;
	refusal		why = cbor_read_head(r, &head);

	if (why == REFUSAL_NONE)
		why = cbor_expect(&head, type);
	if (why != REFUSAL_NONE)
		return why;
	*bytes = head.bytes;
	*len = (size_t) head.argument;
	return REFUSAL_NONE;
}

refusal
cbor_read_container(cbor_reader *r, cbor_type type, uint64_t *count)
{
	cbor_head	head;
	refusal		why = cbor_read_head(r, &head);

	if (why == REFUSAL_NONE)
		why = cbor_expect(&head, type);
	if (why == REFUSAL_NONE)
		*count = head.argument;
	return why;
}

static refusal
cbor_skip_map(cbor_reader *r, uint64_t count, int depth)
{
	keyset		seen;

	keyset_init(&seen);
	for (uint64_t i = 0; i < count; i++)
	{
		const uint8_t *key = r->at;
		refusal		why = cbor_skip(r, 0);	/* a key is no container */

		if (why == REFUSAL_NONE)
			why = keyset_add(&seen, key, (size_t) (r->at - key));
		if (why == REFUSAL_NONE)
			why = cbor_skip(r, depth);
		if (why != REFUSAL_NONE)
			return why;
	}
	return REFUSAL_NONE;
}

refusal
cbor_skip(cbor_reader *r, int depth)
{
	cbor_head	head;
	refusal		why = cbor_read_head(r, &head);

	if (why != REFUSAL_NONE)
		return why;
	switch (head.type)
	{
		case CBOR_UNSIGNED:
		case CBOR_NEGATIVE:
			return head.argument > INT64_MAX ? REFUSAL_INTEGER_RANGE : REFUSAL_NONE;
		case CBOR_TAG:
			return REFUSAL_UNSUPPORTED_ITEM;
		case CBOR_ARRAY:
			if (depth <= 0)
				return REFUSAL_TOO_DEEP;
			for (uint64_t i = 0; i < head.argument; i++)
			{
				why = cbor_skip(r, depth - 1);
				if (why != REFUSAL_NONE)
					return why;
			}
			return REFUSAL_NONE;
		case CBOR_MAP:
			if (depth <= 0)
				return REFUSAL_TOO_DEEP;
			return cbor_skip_map(r, head.argument, depth - 1);
		default:
			return REFUSAL_NONE;
	}
}

void
cbor_put_head(bytes_out *o, cbor_type type, uint64_t argument)
{
	uint8_t		major = (uint8_t) (type << 5);

	if (argument < 24)
		bytes_put_u8(o, major | (uint8_t) argument);
	else if (argument <= UINT8_MAX)
	{
		bytes_put_u8(o, major | 24);
		bytes_put_u8(o, (uint8_t) argument);
	}
	else if (argument <= UINT16_MAX)
	{
		bytes_put_u8(o, major | 25);
		bytes_put_u16(o, (uint16_t) argument);
	}
	else if (argument <= UINT32_MAX)
	{
		bytes_put_u8(o, major | 26);
		bytes_put_u32(o, (uint32_t) argument);
	}
	else
	{
		bytes_put_u8(o, major | 27);
		bytes_put_u64(o, argument);
	}
}

void
cbor_put_int(bytes_out *o, int64_t value)
{
	if (value >= 0)
		cbor_put_head(o, CBOR_UNSIGNED, (uint64_t) value);
	else
		cbor_put_head(o, CBOR_NEGATIVE, (uint64_t) (-1 - value));
}

void
cbor_put_string(bytes_out *o, cbor_type type, const void *bytes, size_t len)
{
	cbor_put_head(o, type, len);
	bytes_put(o, bytes, len);
}
