/*
 * test_cbor.c: the strict CBOR reader: each item of the profile, each refusal,
 * never a byte past the end; and that what is written is read back.
 */
#include "unit.h"

#include "core/cbor.h"

/* Skip one item of at most `depth` levels that must be all of the bytes. */
static refusal
skip_all(const char *hex, int depth)
{
	uint8_t		bytes[256];
	size_t		len = unit_hex(hex, bytes, sizeof(bytes));
	uint8_t    *exact = unit_exact(bytes, len);
	cbor_reader r;
	refusal		why;

	cbor_open(&r, exact, len);
	why = cbor_skip(&r, depth);
	if (why == REFUSAL_NONE)
		why = cbor_close(&r);
	free(exact);
	return why;
}

static void
items_of_the_profile(void **state)
{
	static const char *const sound[] = {
		"00", "17", "1818", "18ff", "190100", "19ffff", "1a00010000", "1affffffff",
		"1b0000000100000000", "1b7fffffffffffffff", "20", "3b7fffffffffffffff",
		"40", "4100", "60", "6161", "62c3a9", "63e0a080", "63ed9fbf", "64f0908080", "64f48fbfbf", "80", "83010203", "a0", "a10102", "a2616101616202",
		"f4", "f5", "f6", "818181f6"
	};

	for (size_t i = 0; i < sizeof(sound) / sizeof(sound[0]); i++)
		assert_int_equal(skip_all(sound[i], 3), REFUSAL_NONE);
}

static void
refusals(void **state)
{
	static const struct
	{
		const char *hex;
		refusal		why;
	}			bad[] = {
		{"", REFUSAL_BAD_CBOR},
		{"0000", REFUSAL_TRAILING_BYTES},
		{"1817", REFUSAL_NON_CANONICAL}, {"1900ff", REFUSAL_NON_CANONICAL},
		{"1a0000ffff", REFUSAL_NON_CANONICAL}, {"1b00000000ffffffff", REFUSAL_NON_CANONICAL},
		{"5801ff", REFUSAL_NON_CANONICAL}, {"9801f6", REFUSAL_NON_CANONICAL}, {"b8010000", REFUSAL_NON_CANONICAL},
		{"18", REFUSAL_BAD_CBOR}, {"1901", REFUSAL_BAD_CBOR}, {"1a010000", REFUSAL_BAD_CBOR},
		{"1b01000000000000", REFUSAL_BAD_CBOR},
		{"1c", REFUSAL_BAD_CBOR}, {"1d", REFUSAL_BAD_CBOR}, {"1e", REFUSAL_BAD_CBOR},
		{"1f", REFUSAL_INDEFINITE_LENGTH}, {"5f4100ff", REFUSAL_INDEFINITE_LENGTH},
		{"7f6161ff", REFUSAL_INDEFINITE_LENGTH}, {"9fff", REFUSAL_INDEFINITE_LENGTH},
		{"bfff", REFUSAL_INDEFINITE_LENGTH}, {"ff", REFUSAL_INDEFINITE_LENGTH},
		{"1b8000000000000000", REFUSAL_INTEGER_RANGE}, {"3b8000000000000000", REFUSAL_INTEGER_RANGE},
		{"41", REFUSAL_BAD_CBOR}, {"5affffffff00", REFUSAL_BAD_CBOR}, {"5bffffffffffffffff00", REFUSAL_BAD_CBOR},
		{"61ff", REFUSAL_BAD_UTF8}, {"62c080", REFUSAL_BAD_UTF8}, {"63eda080", REFUSAL_BAD_UTF8},
		{"64f4908080", REFUSAL_BAD_UTF8}, {"63e09fbf", REFUSAL_BAD_UTF8}, {"64f08fbfbf", REFUSAL_BAD_UTF8},
		{"63e28228", REFUSAL_BAD_UTF8}, {"64f0908028", REFUSAL_BAD_UTF8}, {"64f5808080", REFUSAL_BAD_UTF8}, {"61c3", REFUSAL_BAD_UTF8},
		{"8201", REFUSAL_BAD_CBOR}, {"9affffffff01", REFUSAL_BAD_CBOR}, {"a101", REFUSAL_BAD_CBOR},
		{"a201020102", REFUSAL_DUPLICATE_KEY}, {"a2616101616102", REFUSAL_DUPLICATE_KEY},
		{"a18000", REFUSAL_TOO_DEEP}, {"81818180", REFUSAL_TOO_DEEP}, {"a101a101a101a0", REFUSAL_TOO_DEEP},
		{"c000", REFUSAL_UNSUPPORTED_ITEM}, {"d81800", REFUSAL_UNSUPPORTED_ITEM}, {"f7", REFUSAL_UNSUPPORTED_ITEM},
		{"e0", REFUSAL_UNSUPPORTED_ITEM}, {"f8ff", REFUSAL_UNSUPPORTED_ITEM}, {"fc", REFUSAL_BAD_CBOR},
		{"f93c00", REFUSAL_NOT_AN_INTEGER}, {"fa3f800000", REFUSAL_NOT_AN_INTEGER},
		{"fb3ff0000000000000", REFUSAL_NOT_AN_INTEGER}
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		refusal		why = skip_all(bad[i].hex, 3);

		if (why != bad[i].why)
			fail_msg("%s: %s, not %s", bad[i].hex, refusal_name(why), refusal_name(bad[i].why));
	}
}

static void
map_size_is_limited(void **state)
{
	uint8_t		bytes[2 + 4 * 65];
	bytes_out	o;
	cbor_reader r;

	for (int n = 64; n <= 65; n++)
	{
		bytes_out_init(&o, bytes, sizeof(bytes));
		cbor_put_head(&o, CBOR_MAP, (uint64_t) n);
		for (int i = 0; i < n; i++)
		{
			cbor_put_int(&o, i);
			cbor_put_int(&o, 0);
		}
		assert_false(o.overflow);
		cbor_open(&r, bytes, o.len);
		assert_int_equal(cbor_skip(&r, 1), n == 64 ? REFUSAL_NONE : REFUSAL_TOO_MANY_ENTRIES);
	}
}

static void
integers_come_back(void **state)
{
	static const int64_t values[] = {
		0, 23, 24, 255, 256, 65535, 65536, 4294967295, 4294967296, INT64_MAX,
		-1, -24, -25, -256, -257, -65536, -65537, -4294967296, -4294967297, INT64_MIN
	};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
	{
		uint8_t		bytes[9];
		bytes_out	o;
		cbor_reader r;
		int64_t		back = 1;

		bytes_out_init(&o, bytes, sizeof(bytes));
		cbor_put_int(&o, values[i]);
		cbor_open(&r, bytes, o.len);
		assert_int_equal(cbor_read_int(&r, &back), REFUSAL_NONE);
		assert_int_equal(cbor_close(&r), REFUSAL_NONE);
		assert_true(back == values[i]);
	}
}

static void
another_type_is_told(void **state)
{
	uint8_t		text[] = {0x61, 'a'};
	uint8_t		number[] = {0x01};
	cbor_reader r;
	int64_t		value;
	uint64_t	count;
	const uint8_t *bytes;
	size_t		len;

	cbor_open(&r, text, sizeof(text));
	assert_int_equal(cbor_read_int(&r, &value), REFUSAL_WRONG_TYPE);
	cbor_open(&r, text, sizeof(text));
	assert_int_equal(cbor_read_string(&r, CBOR_BYTES, &bytes, &len), REFUSAL_WRONG_TYPE);
	cbor_open(&r, number, sizeof(number));
	assert_int_equal(cbor_read_container(&r, CBOR_ARRAY, &count), REFUSAL_WRONG_TYPE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_of_the_profile),
		cmocka_unit_test(refusals),
		cmocka_unit_test(map_size_is_limited),
		cmocka_unit_test(integers_come_back),
		cmocka_unit_test(another_type_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
