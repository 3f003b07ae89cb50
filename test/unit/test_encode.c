/*
 * test_encode.c: the bytes of leaves, written out by hand from doc/format.md, and back.
 *
 * These bytes are hashed and signed: if one of these tests fails, every log there is has
 * become unreadable.
 */
#include "unit.h"

#include "core/decode.h"
#include "core/encode.h"
#include "core/merkle.h"

#define HASH_A "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define HASH_B "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"

static const char golden_entry[] =
	"01" "01" "0000200000000001" "0000200000000003" "00000002" "0000000e" "7075626c69632e7061796d656e74"
	"00000007" HASH_A HASH_B "00000000000012d6" "00060a24181e4001" "00000006" "777269746572";
static const char golden_schema[] =
	"01" "02" "0000000e" "7075626c69632e7061796d656e74" "00000007" "0002"
	"0001" "00000008" "637573746f6d6572" "00000004" "74657874"
	"0003" "00000006" "616d6f756e74" "0000000d" "6e756d657269632831302c3229"
	"fffffffffffffffe" "00000005" "c3b6776e72";
static const char golden_block[] =
	"01" "03" "0000000000000102" HASH_A "0000000000001000" "0000000000000010" "00060a24181e4001";
static const char golden_event[] =
	"01" "05" "0000200000000009" "0002" "00000008" "72656c6174696f6e" "00000003" "612e62"
	"00000006" "726561736f6e" "00000000" "00060a24181e4001" "00000001" "78";

static void
expect(const bytes_out *o, const char *hex)
{
	uint8_t		wanted[512];
	size_t		len = unit_hex(hex, wanted, sizeof(wanted));

	assert_false(o->overflow);
	assert_int_equal(o->len, len);
	assert_memory_equal(o->data, wanted, len);
}

static encode_entry
entry_of_the_example(void)
{
	encode_entry e = {0};

	e.first_id = 0x200000000001;
	e.last_id = 0x200000000003;
	e.row_count = 2;
	e.relation = "public.payment";
	e.schema_version = 7;
	unit_hex(HASH_A, e.schema_digest, 32);
	unit_hex(HASH_B, e.rows_root, 32);
	e.xid = 4822;
	e.time_us = 0x00060a24181e4001;
	e.role = "writer";
	return e;
}

static const encode_column columns[] = {{1, "customer", "text"}, {3, "amount", "numeric(10,2)"}};
static const encode_schema schema = {"public.payment", 7, 2, columns, -2, "\xc3\xb6wnr"};
static const char *const names[] = {"relation", "reason"};
static const char *const values[] = {"a.b", ""};
static const encode_event event = {
	ENCODE_KIND_RETIRE, 0x200000000009, 2, names, values, 0x00060a24181e4001, "x"
};

static void
entries(void **state)
{
	encode_entry e = entry_of_the_example();
	uint8_t		data[512];
	bytes_out	o;
	decode_entry d;

	bytes_out_init(&o, data, sizeof(data));
	encode_entry_put(&o, &e);
	expect(&o, golden_entry);
	assert_int_equal(o.len, ENCODE_ENTRY_FIXED_BYTES + strlen(e.relation) + strlen(e.role));

	assert_true(decode_entry_read(data, o.len, &d));
	assert_true(d.first_id == e.first_id && d.last_id == e.last_id);
	assert_int_equal(d.row_count, 2);
	assert_int_equal(d.schema_version, 7);
	assert_true(decode_text_is(&d.relation, "public.payment", 14));
	assert_memory_equal(d.schema_digest, e.schema_digest, 32);
	assert_memory_equal(d.rows_root, e.rows_root, 32);
	assert_int_equal(d.xid, 4822);
	assert_true(d.time_us == e.time_us);
	assert_true(decode_text_is(&d.role, "writer", 6));
}

static void
schemas(void **state)
{
	uint8_t		data[512];
	bytes_out	o;
	decode_schema d;
	decode_column c;
	const uint8_t *at;

	bytes_out_init(&o, data, sizeof(data));
	encode_schema_put(&o, &schema);
	expect(&o, golden_schema);
	assert_int_equal(encode_schema_size(&schema), o.len);

	assert_true(decode_schema_read(data, o.len, &d));
	assert_int_equal(d.column_count, 2);
	assert_true(d.time_us == -2);
	assert_true(decode_text_is(&d.role, "\xc3\xb6wnr", 5));
	at = d.columns;
	decode_schema_next(&at, &c);
	assert_true(c.ordinal == 1 && decode_text_is(&c.name, "customer", 8) && decode_text_is(&c.type, "text", 4));
	decode_schema_next(&at, &c);
	assert_true(c.ordinal == 3 && decode_text_is(&c.name, "amount", 6) && decode_text_is(&c.type, "numeric(10,2)", 13));
	assert_true(decode_schema_find(&d, 3, &c));
	assert_false(decode_schema_find(&d, 2, &c));
	assert_false(decode_schema_find(&d, 4, &c));
}

static void
blocks(void **state)
{
	encode_block b = {0x102, {0}, 0x1000, 0x10, 0x00060a24181e4001};
	uint8_t		data[ENCODE_BLOCK_BYTES];
	bytes_out	o;
	decode_block d;

	unit_hex(HASH_A, b.previous_block_hash, 32);
	bytes_out_init(&o, data, sizeof(data));
	encode_block_put(&o, &b);
	expect(&o, golden_block);
	assert_int_equal(o.len, ENCODE_BLOCK_BYTES);

	assert_true(decode_block_read(data, o.len, &d));
	assert_int_equal(d.height, 0x102);
	assert_memory_equal(d.previous_block_hash, b.previous_block_hash, 32);
	assert_int_equal(d.first_index, 0x1000);
	assert_int_equal(d.count, 0x10);
	assert_true(d.sealed_at_us == b.sealed_at_us);
}

static void
events(void **state)
{
	uint8_t		data[512];
	bytes_out	o;
	decode_event d;
	decode_text name;
	decode_text value;
	const uint8_t *at;

	bytes_out_init(&o, data, sizeof(data));
	encode_event_put(&o, &event);
	expect(&o, golden_event);
	assert_int_equal(encode_event_size(&event), o.len);

	assert_true(decode_event_read(data, o.len, &d));
	assert_int_equal(d.kind, ENCODE_KIND_RETIRE);
	assert_true(d.event_id == event.event_id);
	assert_int_equal(d.field_count, 2);
	at = d.fields;
	decode_event_next(&at, &name, &value);
	assert_true(decode_text_is(&name, "relation", 8) && decode_text_is(&value, "a.b", 3));
	decode_event_next(&at, &name, &value);
	assert_true(decode_text_is(&name, "reason", 6) && value.len == 0);
}

static bool
reads(int kind, const uint8_t *data, size_t len)
{
	decode_entry e;
	decode_schema s;
	decode_block b;
	decode_event v;
	uint8_t    *exact = unit_exact(data, len);
	bool		ok = kind == ENCODE_KIND_ENTRY ? decode_entry_read(exact, len, &e) :
		kind == ENCODE_KIND_SCHEMA ? decode_schema_read(exact, len, &s) :
		kind == ENCODE_KIND_BLOCK ? decode_block_read(exact, len, &b) : decode_event_read(exact, len, &v);

	free(exact);
	return ok;
}

/* Every length but the right one, another version, another kind. */
static void
only_whole_leaves_are_read(void **state)
{
	static const struct
	{
		const char *hex;
		int			kind;
	}			leaf[] = {
		{golden_entry, ENCODE_KIND_ENTRY}, {golden_schema, ENCODE_KIND_SCHEMA},
		{golden_block, ENCODE_KIND_BLOCK}, {golden_event, ENCODE_KIND_RETIRE}
	};

	for (int i = 0; i < 4; i++)
	{
		uint8_t		data[512] = {0};
		size_t		len = unit_hex(leaf[i].hex, data, sizeof(data));

		assert_int_equal(decode_kind(data, len), leaf[i].kind);
		for (size_t n = 0; n <= len + 2; n++)
			assert_int_equal(reads(leaf[i].kind, data, n), n == len);
		for (int kind = 0; kind < 256; kind++)
		{
			data[1] = (uint8_t) kind;
			if (kind != leaf[i].kind && !(ENCODE_IS_EVENT(kind) && i == 3))
				assert_false(reads(leaf[i].kind, data, len));
			assert_int_equal(decode_kind(data, len), kind >= 1 && kind <= ENCODE_KIND_LAST ? kind : 0);
		}
		data[1] = (uint8_t) leaf[i].kind;
		data[0] = 2;
		assert_false(reads(leaf[i].kind, data, len));
		assert_int_equal(decode_kind(data, len), 0);
	}
}

static void
impossible_leaves_are_refused(void **state)
{
	encode_entry e = entry_of_the_example();
	encode_column wrong[] = {{3, "a", "text"}, {3, "b", "text"}};
	encode_schema s = schema;
	encode_event v = event;
	const char *const bad[] = {"\xff", "b"};
	uint8_t		data[512];
	bytes_out	o;

#define REFUSED(kind, put, leaf) \
	do { \
		bytes_out_init(&o, data, sizeof(data)); \
		put(&o, &(leaf)); \
		assert_false(reads(kind, data, o.len)); \
	} while (0)

	e.row_count = 0;
	REFUSED(ENCODE_KIND_ENTRY, encode_entry_put, e);
	e.last_id = UINT64_MAX;
	REFUSED(ENCODE_KIND_ENTRY, encode_entry_put, e);
	e.last_id = e.first_id + 2;
	e.row_count = 4;			/* more than ids in the run */
	REFUSED(ENCODE_KIND_ENTRY, encode_entry_put, e);
	e.row_count = 513;
	e.last_id = e.first_id + 1000;
	REFUSED(ENCODE_KIND_ENTRY, encode_entry_put, e);
	e.row_count = 1;
	e.last_id = e.first_id - 1;
	REFUSED(ENCODE_KIND_ENTRY, encode_entry_put, e);
	e = entry_of_the_example();
	e.relation = "\xc3";
	REFUSED(ENCODE_KIND_ENTRY, encode_entry_put, e);

	s.column = wrong;			/* an ordinal twice */
	REFUSED(ENCODE_KIND_SCHEMA, encode_schema_put, s);
	wrong[0].ordinal = 0;
	REFUSED(ENCODE_KIND_SCHEMA, encode_schema_put, s);
	wrong[0].ordinal = 1;
	wrong[1].type = "\xed\xa0\x80"; /* a surrogate */
	REFUSED(ENCODE_KIND_SCHEMA, encode_schema_put, s);

	v.value = bad;
	REFUSED(ENCODE_KIND_RETIRE, encode_event_put, v);

	/* a zero byte in a text */
	bytes_out_init(&o, data, sizeof(data));
	encode_event_put(&o, &event);
	data[o.len - 1] = 0;
	assert_false(reads(ENCODE_KIND_RETIRE, data, o.len));
}

static void
what_does_not_fit_is_marked(void **state)
{
	uint8_t		data[512];

	for (size_t cap = 0; cap < strlen(golden_schema) / 2; cap++)
	{
		bytes_out	o;

		bytes_out_init(&o, data, cap);
		encode_schema_put(&o, &schema);
		assert_true(o.overflow);
	}
}

static void
rows(void **state)
{
	uint8_t		data[64];
	size_t		len = unit_hex("01" "0000200000000001" "0002" "0001" "00000003" "616263" "0004" "00000000", data, sizeof(data));
	decode_row	r;
	decode_value v;
	const uint8_t *at;

	assert_true(decode_row_read(data, len, &r));
	assert_true(r.ledger_id == 0x200000000001);
	at = r.columns;
	decode_row_next(&at, &v);
	assert_true(v.ordinal == 1 && v.len == 3 && memcmp(v.data, "abc", 3) == 0);
	decode_row_next(&at, &v);
	assert_true(v.ordinal == 4 && v.len == 0);
	for (size_t n = 1; n <= len + 1; n++)
	{
		uint8_t    *exact = unit_exact(data, n);

		assert_int_equal(decode_row_read(exact, n, &r), n == len);
		free(exact);
	}
	data[0] = 2;
	assert_false(decode_row_read(data, len, &r));
	data[0] = 1;
	data[21] = 1;				/* the second ordinal as the first */
	assert_false(decode_row_read(data, len, &r));
	/* a row without a column that is not NULL */
	assert_true(decode_row_read(data, unit_hex("01" "0000200000000001" "0000", data, sizeof(data)), &r));
	assert_int_equal(r.column_count, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries),
		cmocka_unit_test(schemas),
		cmocka_unit_test(blocks),
		cmocka_unit_test(events),
		cmocka_unit_test(only_whole_leaves_are_read),
		cmocka_unit_test(impossible_leaves_are_refused),
		cmocka_unit_test(what_does_not_fit_is_marked),
		cmocka_unit_test(rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
