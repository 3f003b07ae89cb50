/*
 * test_row_text.c: hashed values as people read them, beside what PostgreSQL prints
 * (DateStyle ISO, timezone UTC).
 */
#include "unit.h"

#include "core/row_text.h"

static void
shows(const char *type, const char *hex, const char *wanted, row_text_form form)
{
	uint8_t		value[256];
	size_t		len = unit_hex(hex, value, sizeof(value));
	uint8_t    *exact = unit_exact(value, len);
	size_t		cap = row_text_size_max(len);
	char	   *text = malloc(cap + 1);
	bytes_out	o;

	assert_non_null(text);
	bytes_out_init(&o, text, cap);
	assert_int_equal(row_text_put(&o, type, strlen(type), exact, len), form);
	assert_false(o.overflow);
	text[o.len] = '\0';
	assert_string_equal(text, wanted);
	free(text);
	free(exact);
}

static void
numbers(void **state)
{
	shows("smallint", "8000", "-32768", ROW_TEXT_NUMBER);
	shows("integer", "7fffffff", "2147483647", ROW_TEXT_NUMBER);
	shows("bigint", "8000000000000000", "-9223372036854775808", ROW_TEXT_NUMBER);
	shows("real", "3dcccccd", "0.1", ROW_TEXT_NUMBER);
	shows("double precision", "3fb999999999999a", "0.1", ROW_TEXT_NUMBER);
	shows("double precision", "7ff0000000000000", "Infinity", ROW_TEXT_STRING);
	shows("double precision", "fff0000000000000", "-Infinity", ROW_TEXT_STRING);
	shows("real", "7fc00000", "NaN", ROW_TEXT_STRING);
	shows("integer", "7fffff", "\\x7fffff", ROW_TEXT_HEX);
}

/* numeric_send: groups, weight, sign, decimals, groups of four digits */
static void
numerics(void **state)
{
	shows("numeric", "0000000000000000", "0", ROW_TEXT_NUMBER);
	shows("numeric(10,2)", "0000000000000002", "0.00", ROW_TEXT_NUMBER);
	shows("numeric", "0002000000000002000c1388", "12.50", ROW_TEXT_NUMBER);
	shows("numeric", "0001000240000000007b", "-12300000000", ROW_TEXT_NUMBER);
	shows("numeric", "0001ffff000000040001", "0.0001", ROW_TEXT_NUMBER);
	shows("numeric", "0001fffd0000000c0001", "0.000000000001", ROW_TEXT_NUMBER);
	shows("numeric", "0003000100000006000103e8162e", "11000.567800", ROW_TEXT_NUMBER);
	shows("numeric", "00000000c0000000", "NaN", ROW_TEXT_STRING);
	shows("numeric", "00000000d0000000", "Infinity", ROW_TEXT_STRING);
	shows("numeric", "00000000f0000000", "-Infinity", ROW_TEXT_STRING);
	shows("numeric", "0001000000000000", "\\x0001000000000000", ROW_TEXT_HEX);
	shows("numeric", "00010000000000002710", "\\x00010000000000002710", ROW_TEXT_HEX);
	shows("numeric", "00017fff000000000001", "\\x00017fff000000000001", ROW_TEXT_HEX);
	shows("numeric", "", "\\x", ROW_TEXT_HEX);
}

static void
texts(void **state)
{
	shows("text", "c3a472", "\xc3\xa4r", ROW_TEXT_STRING);
	shows("text", "", "", ROW_TEXT_STRING);
	shows("text", "ff", "\\xff", ROW_TEXT_HEX);
	shows("text", "6100", "\\x6100", ROW_TEXT_HEX);
	shows("character varying(10)", "6162", "ab", ROW_TEXT_STRING);
	shows("character(4)", "61622020", "ab  ", ROW_TEXT_STRING);
	shows("json", "7b7d", "{}", ROW_TEXT_STRING);
	shows("name", "78", "x", ROW_TEXT_STRING);
	shows("jsonb", "017b2261223a20317d", "{\"a\": 1}", ROW_TEXT_STRING);
	shows("jsonb", "027b7d", "\\x027b7d", ROW_TEXT_HEX);
	shows("boolean", "01", "true", ROW_TEXT_BOOLEAN);
	shows("boolean", "00", "false", ROW_TEXT_BOOLEAN);
	shows("boolean", "02", "\\x02", ROW_TEXT_HEX);
	shows("bytea", "00ff", "\\x00ff", ROW_TEXT_HEX);
	shows("public.mood", "6f6b", "\\x6f6b", ROW_TEXT_HEX);
	shows("uuid", "a0eebc999c0b4ef8bb6d6bb9bd380a11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", ROW_TEXT_STRING);
	shows("", "61", "\\x61", ROW_TEXT_HEX);
	shows("text(", "61", "\\x61", ROW_TEXT_HEX);
}

static void
times(void **state)
{
	shows("date", "00000000", "2000-01-01", ROW_TEXT_STRING);
	shows("date", "0000265e", "2026-11-22", ROW_TEXT_STRING);
	shows("date", "ffffffff", "1999-12-31", ROW_TEXT_STRING);
	shows("date", "ffda97a7", "4714-11-24 BC", ROW_TEXT_STRING);
	shows("date", "7fffffff", "infinity", ROW_TEXT_STRING);
	shows("date", "80000000", "-infinity", ROW_TEXT_STRING);
	shows("time without time zone", "0000000000000000", "00:00:00", ROW_TEXT_STRING);
	shows("time(3) without time zone", "0000000a9b79ab80", "12:39:18.1152", ROW_TEXT_STRING);
	shows("time without time zone", "000000141dd76000", "24:00:00", ROW_TEXT_STRING);
	shows("time without time zone", "ffffffffffffffff", "\\xffffffffffffffff", ROW_TEXT_HEX);
	shows("timestamp without time zone", "0000000000000001", "2000-01-01 00:00:00.000001", ROW_TEXT_STRING);
	shows("timestamp(0) without time zone", "fffffffffff0bdc0", "1999-12-31 23:59:59", ROW_TEXT_STRING);
	shows("timestamp with time zone", "7fffffffffffffff", "infinity", ROW_TEXT_STRING);
	shows("timestamp with time zone", "8000000000000000", "-infinity", ROW_TEXT_STRING);
	shows("timestamp with time zone", "0000000000000000", "2000-01-01 00:00:00+00", ROW_TEXT_STRING);
}

static void
room_that_is_short_is_marked(void **state)
{
	char		text[4];
	uint8_t		value[8] = {0};
	bytes_out	o;

	bytes_out_init(&o, text, sizeof(text));
	row_text_put(&o, "date", 4, value, 4);
	assert_true(o.overflow);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(numerics),
		cmocka_unit_test(texts),
		cmocka_unit_test(times),
		cmocka_unit_test(room_that_is_short_is_marked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
