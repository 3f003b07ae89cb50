/*
 * payload_item.c: reads and writes the items of a body that is a list.
 *
 * Orders and transfers are lists of texts, numbers and lists, with null for what is
 * not said.  What each item may be is theirs to say; how it stands in CBOR or JSON is
 * said here once.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/payload.h"
#include "core/payload_item.h"

/* The number of a name among first to last, 0 where it is none of them. */
static int
item_find(const char *const *names, int first, int last, const char *text, size_t len)
{
	for (int i = first; i <= last; i++)
	{
		if (len == strlen(names[i]) && memcmp(text, names[i], len) == 0)
			return i;
	}
	return 0;
}

bool
item_text_printable(const char *text, size_t len, size_t max)
{
	if (len == 0 || len > max)
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char) text[i] < 0x20 || text[i] == 0x7F)
			return false;
	return true;
}

/* ---- reading ---- */

refusal
item_next(field_reader *r, field_walk *w)
{
	bool		more = false;
	refusal		why = field_more(r, w, &more);

	return why == REFUSAL_NONE && !more ? REFUSAL_BAD_BODY : why;
}

refusal
item_end(field_reader *r, field_walk *w)
{
	bool		more = false;
	refusal		why = field_more(r, w, &more);

	return why == REFUSAL_NONE && more ? REFUSAL_BAD_BODY : why;
}

refusal
item_read_text(field_reader *r, field_walk *w, bool required, item_text_valid valid, char *out)
{
	const char *text = "";
	size_t		len = 0;
	bool		null = false;
	refusal		why = item_next(r, w);

	if (why == REFUSAL_NONE)
		why = field_read_null(r, &null);
	if (why != REFUSAL_NONE || null)
		return why == REFUSAL_NONE && required ? REFUSAL_BAD_BODY : why;
	why = field_read_text(r, &text, &len);
	if (why == REFUSAL_NONE && !valid(text, len))
		why = REFUSAL_BAD_BODY;
	if (why == REFUSAL_NONE)
		memcpy(out, text, len);
	return why;
}

refusal
item_read_number(field_reader *r, field_walk *w, bool *has, int64_t *out)
{
	bool		null = false;
	refusal		why = item_next(r, w);

	if (why == REFUSAL_NONE && has != NULL)
		why = field_read_null(r, &null);
	if (why == REFUSAL_NONE && !null)
		why = field_read_int(r, out);
	if (has != NULL)
		*has = why == REFUSAL_NONE && !null;
	return why;
}

refusal
item_read_name(field_reader *r, field_walk *w, const char *const *names, int first, int last, int *out)
{
	const char *text = "";
	size_t		len = 0;
	refusal		why = item_next(r, w);

	if (why == REFUSAL_NONE)
		why = field_read_text(r, &text, &len);
	*out = why == REFUSAL_NONE ? item_find(names, first, last, text, len) : 0;
	return why == REFUSAL_NONE && *out == 0 ? REFUSAL_BAD_BODY : why;
}

/* ---- writing ---- */

bool
item_name_writable(const char *name, bool required)
{
	return name[0] == '\0' ? !required : payload_meter_valid(name, strnlen(name, PAYLOAD_METER_LEN_MAX + 1));
}

bool
item_text_writable(const char *text, size_t cap)
{
	size_t		len = strnlen(text, cap);

	return len == 0 || (item_text_printable(text, len, cap - 1) && memchr(text, '"', len) == NULL && memchr(text, '\\', len) == NULL);
}

void
item_out_init(item_out *out, bytes_out *o, bool cbor)
{
	*out = (item_out) {.o = o,.cbor = cbor,.first = true};
}

static void
item_put_raw(item_out *out, const char *text)
{
	bytes_put(out->o, text, strlen(text));
}

static void
item_put_separator(item_out *out)
{
	if (!out->cbor && !out->first)
		item_put_raw(out, ",");
	out->first = false;
}

void
item_put_list(item_out *out, int count)
{
	item_put_separator(out);
	out->first = true;
	if (out->cbor)
		cbor_put_head(out->o, CBOR_ARRAY, (uint64_t) count);
	else
		item_put_raw(out, "[");
}

void
item_put_end(item_out *out)
{
	if (!out->cbor)
		item_put_raw(out, "]");
	out->first = false;
}

void
item_put_null(item_out *out)
{
	item_put_separator(out);
	if (out->cbor)
		cbor_put_head(out->o, CBOR_SIMPLE, CBOR_NULL);
	else
		item_put_raw(out, "null");
}

void
item_put_number(item_out *out, bool has, int64_t number)
{
	char		text[24];

	if (!has)
	{
		item_put_null(out);
		return;
	}
	item_put_separator(out);
	if (out->cbor)
		cbor_put_int(out->o, number);
	else
	{
		snprintf(text, sizeof(text), "%" PRId64, number);
		item_put_raw(out, text);
	}
}

void
item_put_text(item_out *out, const char *text)
{
	if (text[0] == '\0')
	{
		item_put_null(out);
		return;
	}
	item_put_separator(out);
	if (out->cbor)
	{
		cbor_put_string(out->o, CBOR_TEXT, text, strlen(text));
		return;
	}
	item_put_raw(out, "\"");
	item_put_raw(out, text);
	item_put_raw(out, "\"");
}
