/*
 * decode.c: reads what encode.c and row.c write.
 *
 * Whoever holds a leaf's bytes and a proof knows that the log has these bytes; what
 * they say must then be the same for every reader.  So only one spelling is taken:
 * the version and kind of the format, lengths that end where the bytes end, texts
 * that are UTF-8 without a zero byte, ordinals that ascend, and numbers of rows that
 * an entry can have.  Whatever is read here gives the same bytes again when it is
 * encoded, and a test and a fuzz target hold it to that.
 */
#include "core/decode.h"

#include <string.h>

#include "core/bytes.h"
#include "core/encode.h"
#include "core/utf8.h"

#define DECODE_ROW_VERSION 1
#define DECODE_HASH_LEN 32

int
decode_kind(const void *data, size_t len)
{
	const uint8_t *p = data;

	if (len < 2 || p[0] != ENCODE_VERSION || p[1] < ENCODE_KIND_ENTRY || p[1] > ENCODE_KIND_LAST)
		return 0;
	return p[1];
}

bool
decode_text_is(const decode_text *t, const char *text, size_t len)
{
	return t->len == len && memcmp(t->text, text, len) == 0;
}

/* A text of lp form.  False where it is no text; where it is cut short the reader is marked. */
static bool
decode_take_text(bytes_in *in, decode_text *t)
{
	uint32_t	len = bytes_take_u32(in);
	const uint8_t *p = bytes_take(in, len);

	t->text = p == NULL ? "" : (const char *) p;
	t->len = p == NULL ? 0 : len;
	return p != NULL && memchr(p, 0, len) == NULL && utf8_valid(p, len);
}

static bool
decode_ended(const bytes_in *in)
{
	return !in->short_of && in->at == in->end;
}

bool
decode_entry_read(const void *data, size_t len, decode_entry *out)
{
	bytes_in	in;

	if (decode_kind(data, len) != ENCODE_KIND_ENTRY)
		return false;
	bytes_in_init(&in, (const uint8_t *) data + 2, len - 2);
	out->first_id = bytes_take_u64(&in);
	out->last_id = bytes_take_u64(&in);
	out->row_count = bytes_take_u32(&in);
	if (!decode_take_text(&in, &out->relation))
		return false;
	out->schema_version = bytes_take_u32(&in);
	out->schema_digest = bytes_take(&in, DECODE_HASH_LEN);
	out->rows_root = bytes_take(&in, DECODE_HASH_LEN);
	out->xid = bytes_take_u64(&in);
	out->time_us = (int64_t) bytes_take_u64(&in);
	if (!decode_take_text(&in, &out->role) || !decode_ended(&in))
		return false;
	/* rows lie in the run, one an id */
	return out->row_count >= 1 && out->row_count <= DECODE_ENTRY_ROWS_MAX &&
		out->first_id <= out->last_id && out->row_count - 1 <= out->last_id - out->first_id;
}

bool
decode_schema_read(const void *data, size_t len, decode_schema *out)
{
	bytes_in	in;
	uint16_t	last = 0;

	if (decode_kind(data, len) != ENCODE_KIND_SCHEMA)
		return false;
	bytes_in_init(&in, (const uint8_t *) data + 2, len - 2);
	if (!decode_take_text(&in, &out->relation))
		return false;
	out->schema_version = bytes_take_u32(&in);
	out->column_count = bytes_take_u16(&in);
	out->columns = in.at;
	for (int i = 0; i < out->column_count; i++)
	{
		decode_column c;

		c.ordinal = bytes_take_u16(&in);
		if (!decode_take_text(&in, &c.name) || !decode_take_text(&in, &c.type) || c.ordinal <= last)
			return false;
		last = c.ordinal;
	}
	out->time_us = (int64_t) bytes_take_u64(&in);
	return decode_take_text(&in, &out->role) && decode_ended(&in);
}

bool
decode_block_read(const void *data, size_t len, decode_block *out)
{
	bytes_in	in;

	if (decode_kind(data, len) != ENCODE_KIND_BLOCK)
		return false;
	bytes_in_init(&in, (const uint8_t *) data + 2, len - 2);
	out->height = bytes_take_u64(&in);
	out->previous_block_hash = bytes_take(&in, DECODE_HASH_LEN);
	out->first_index = bytes_take_u64(&in);
	out->count = bytes_take_u64(&in);
	out->sealed_at_us = (int64_t) bytes_take_u64(&in);
	return decode_ended(&in);
}

bool
decode_event_read(const void *data, size_t len, decode_event *out)
{
	bytes_in	in;

	out->kind = (uint8_t) decode_kind(data, len);
	if (!ENCODE_IS_EVENT(out->kind))
		return false;
	bytes_in_init(&in, (const uint8_t *) data + 2, len - 2);
	out->event_id = bytes_take_u64(&in);
	out->field_count = bytes_take_u16(&in);
	out->fields = in.at;
	for (int i = 0; i < out->field_count; i++)
	{
		decode_text name;
		decode_text value;

		if (!decode_take_text(&in, &name) || !decode_take_text(&in, &value))
			return false;
	}
	out->time_us = (int64_t) bytes_take_u64(&in);
	return decode_take_text(&in, &out->role) && decode_ended(&in);
}

bool
decode_row_read(const void *data, size_t len, decode_row *out)
{
	bytes_in	in;
	uint16_t	last = 0;

	bytes_in_init(&in, data, len);
	if (bytes_take_u8(&in) != DECODE_ROW_VERSION)
		return false;
	out->ledger_id = bytes_take_u64(&in);
	out->column_count = bytes_take_u16(&in);
	out->columns = in.at;
	for (int i = 0; i < out->column_count; i++)
	{
		uint16_t	ordinal = bytes_take_u16(&in);

		if (bytes_take(&in, bytes_take_u32(&in)) == NULL || ordinal <= last)
			return false;
		last = ordinal;
	}
	return decode_ended(&in);
}

/* A text where one is known to stand. */
static void
decode_next_text(const uint8_t **at, decode_text *t)
{
	t->len = bytes_load_u32(*at);
	t->text = (const char *) *at + 4;
	*at += 4 + t->len;
}

void
decode_schema_next(const uint8_t **at, decode_column *column)
{
	column->ordinal = bytes_load_u16(*at);
	*at += 2;
	decode_next_text(at, &column->name);
	decode_next_text(at, &column->type);
}

void
decode_event_next(const uint8_t **at, decode_text *name, decode_text *value)
{
	decode_next_text(at, name);
	decode_next_text(at, value);
}

void
decode_row_next(const uint8_t **at, decode_value *value)
{
	value->ordinal = bytes_load_u16(*at);
	value->len = bytes_load_u32(*at + 2);
	value->data = *at + 6;
	*at = value->data + value->len;
}

bool
decode_schema_find(const decode_schema *s, uint16_t ordinal, decode_column *column)
{
	const uint8_t *at = s->columns;

	for (int i = 0; i < s->column_count; i++)
	{
		decode_schema_next(&at, column);
		if (column->ordinal == ordinal)
			return true;
	}
	return false;
}
