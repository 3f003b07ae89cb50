/*
 * fuzz_decode.c: any bytes as a leaf or a row.
 *
 * What a decoder takes must be one spelling only: encoded again it gives the same
 * bytes.  And what it took is shown as text, whatever its type is said to be.
 */
#include "fuzz.h"

#include "core/decode.h"
#include "core/encode.h"
#include "core/row_text.h"

static char *
text_of(const decode_text *t)
{
	char	   *s = malloc(t->len + 1);

	FUZZ_CHECK(s != NULL);
	memcpy(s, t->text, t->len);
	s[t->len] = '\0';
	FUZZ_CHECK(strlen(s) == t->len);
	return s;
}

static void
same(const bytes_out *o, const uint8_t *data, size_t size)
{
	FUZZ_CHECK(!o->overflow && o->len == size && memcmp(o->data, data, size) == 0);
}

static void
try_entry(const uint8_t *data, size_t size, bytes_out *o)
{
	decode_entry d;
	encode_entry e;

	if (!decode_entry_read(data, size, &d))
		return;
	e.first_id = d.first_id;
	e.last_id = d.last_id;
	e.row_count = d.row_count;
	e.relation = text_of(&d.relation);
	e.schema_version = d.schema_version;
	memcpy(e.schema_digest, d.schema_digest, 32);
	memcpy(e.rows_root, d.rows_root, 32);
	e.xid = d.xid;
	e.time_us = d.time_us;
	e.role = text_of(&d.role);
	encode_entry_put(o, &e);
	same(o, data, size);
	free((char *) e.relation);
	free((char *) e.role);
}

static void
try_schema(const uint8_t *data, size_t size, bytes_out *o)
{
	decode_schema d;
	encode_schema s;
	encode_column *column;
	const uint8_t *at;

	if (!decode_schema_read(data, size, &d))
		return;
	column = calloc((size_t) d.column_count + 1, sizeof(*column));
	FUZZ_CHECK(column != NULL);
	at = d.columns;
	for (int i = 0; i < d.column_count; i++)
	{
		decode_column c;
		decode_column found;

		decode_schema_next(&at, &c);
		column[i].ordinal = c.ordinal;
		column[i].name = text_of(&c.name);
		column[i].type = text_of(&c.type);
		FUZZ_CHECK(i >= 16 || (decode_schema_find(&d, c.ordinal, &found) && found.name.text == c.name.text));
	}
	s.relation = text_of(&d.relation);
	s.schema_version = d.schema_version;
	s.column_count = d.column_count;
	s.column = column;
	s.time_us = d.time_us;
	s.role = text_of(&d.role);
	encode_schema_put(o, &s);
	same(o, data, size);
	FUZZ_CHECK(encode_schema_size(&s) == size);
	for (int i = 0; i < d.column_count; i++)
	{
		free((char *) column[i].name);
		free((char *) column[i].type);
	}
	free(column);
	free((char *) s.relation);
	free((char *) s.role);
}

static void
try_block(const uint8_t *data, size_t size, bytes_out *o)
{
	decode_block d;
	encode_block b;

	if (!decode_block_read(data, size, &d))
		return;
	b.height = d.height;
	memcpy(b.previous_block_hash, d.previous_block_hash, 32);
	b.first_index = d.first_index;
	b.count = d.count;
	b.sealed_at_us = d.sealed_at_us;
	encode_block_put(o, &b);
	same(o, data, size);
}

static void
try_event(const uint8_t *data, size_t size, bytes_out *o)
{
	decode_event d;
	encode_event e;
	char	  **name;
	char	  **value;
	const uint8_t *at;

	if (!decode_event_read(data, size, &d))
		return;
	name = calloc((size_t) d.field_count + 1, sizeof(*name));
	value = calloc((size_t) d.field_count + 1, sizeof(*value));
	FUZZ_CHECK(name != NULL && value != NULL);
	at = d.fields;
	for (int i = 0; i < d.field_count; i++)
	{
		decode_text n;
		decode_text v;

		decode_event_next(&at, &n, &v);
		name[i] = text_of(&n);
		value[i] = text_of(&v);
	}
	e.kind = d.kind;
	e.event_id = d.event_id;
	e.field_count = d.field_count;
	e.name = (const char *const *) name;
	e.value = (const char *const *) value;
	e.time_us = d.time_us;
	e.role = text_of(&d.role);
	encode_event_put(o, &e);
	same(o, data, size);
	FUZZ_CHECK(encode_event_size(&e) == size);
	for (int i = 0; i < d.field_count; i++)
	{
		free(name[i]);
		free(value[i]);
	}
	free(name);
	free(value);
	free((char *) e.role);
}

static void
show(const char *type, const uint8_t *value, size_t len)
{
	size_t		cap = row_text_size_max(len);
	char	   *text = malloc(cap);
	bytes_out	o;

	FUZZ_CHECK(text != NULL);
	bytes_out_init(&o, text, cap);
	(void) row_text_put(&o, type, strlen(type), value, len);
	FUZZ_CHECK(!o.overflow);
	free(text);
}

static void
try_row(const uint8_t *data, size_t size, bytes_out *o)
{
	static const char *const type[] = {
		"boolean", "smallint", "integer", "bigint", "real", "double precision", "numeric(10,2)", "text", "jsonb", "date",
		"time without time zone", "timestamp(3) without time zone", "timestamp with time zone", "uuid", "interval"
	};
	decode_row	r;
	const uint8_t *at;

	if (!decode_row_read(data, size, &r))
		return;
	bytes_put_u8(o, 1);
	bytes_put_u64(o, r.ledger_id);
	bytes_put_u16(o, r.column_count);
	at = r.columns;
	for (int i = 0; i < r.column_count; i++)
	{
		decode_value v;

		decode_row_next(&at, &v);
		bytes_put_u16(o, v.ordinal);
		bytes_put_lp(o, v.data, v.len);
		show(type[v.ordinal % (sizeof(type) / sizeof(type[0]))], v.data, v.len);
	}
	FUZZ_CHECK(at == data + size);
	same(o, data, size);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t    *again = malloc(size + 1);
	bytes_out	o;

	FUZZ_CHECK(again != NULL);
	bytes_out_init(&o, again, size);
	try_entry(data, size, &o);
	try_schema(data, size, &o);
	try_block(data, size, &o);
	try_event(data, size, &o);
	FUZZ_CHECK(o.len == 0 || decode_kind(data, size) != 0);
	bytes_out_init(&o, again, size);
	try_row(data, size, &o);
	free(again);
	return 0;
}
