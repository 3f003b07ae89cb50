/*
 * test_json.c: the strict JSON reader: each value of the profile, each refusal,
 * never a byte past the end.
 */
#include "unit.h"

#include "core/json.h"

static refusal
skip_all(const char *text, size_t len, int depth)
{
	uint8_t    *exact = unit_exact(text, len);
	json_reader r;
	refusal		why;

	json_open(&r, exact, len);
	why = json_skip(&r, depth);
	if (why == REFUSAL_NONE)
		why = json_close(&r);
	free(exact);
	return why;
}

static void
values_of_the_profile(void **state)
{
	static const char *const sound[] = {
		"0", "-1", "9223372036854775807", "-9223372036854775808", "\"\"", "\"a\\n\\u00e9\\ud83d\\ude00\\/\"",
		"\"\xc3\xa9\"", "true", "false", "null", "[]", "{}", " [ 1 ,\t2\r\n] ", "{\"a\":1,\"b\":[{\"a\":null}]}"
	};

	for (size_t i = 0; i < sizeof(sound) / sizeof(sound[0]); i++)
		assert_int_equal(skip_all(sound[i], strlen(sound[i]), 3), REFUSAL_NONE);
}

static void
refusals(void **state)
{
	static const struct
	{
		const char *text;
		refusal		why;
	}			bad[] = {
		{"", REFUSAL_BAD_JSON}, {" ", REFUSAL_BAD_JSON}, {"x", REFUSAL_BAD_JSON}, {"tru", REFUSAL_BAD_JSON},
		{"nullx", REFUSAL_TRAILING_BYTES}, {"1 1", REFUSAL_TRAILING_BYTES}, {"{}{}", REFUSAL_TRAILING_BYTES},
		{"1.", REFUSAL_NOT_AN_INTEGER}, {"1.0", REFUSAL_NOT_AN_INTEGER}, {"1e2", REFUSAL_NOT_AN_INTEGER},
		{"-1E2", REFUSAL_NOT_AN_INTEGER}, {"01", REFUSAL_BAD_JSON}, {"-01", REFUSAL_BAD_JSON},
		{"-", REFUSAL_BAD_JSON}, {"+1", REFUSAL_BAD_JSON}, {"-0", REFUSAL_NON_CANONICAL},
		{"9223372036854775808", REFUSAL_INTEGER_RANGE}, {"-9223372036854775809", REFUSAL_INTEGER_RANGE},
		{"99999999999999999999999999", REFUSAL_INTEGER_RANGE},
		{"\"", REFUSAL_BAD_JSON}, {"\"a", REFUSAL_BAD_JSON}, {"\"\\", REFUSAL_BAD_JSON}, {"\"\\x\"", REFUSAL_BAD_JSON},
		{"\"\\u12\"", REFUSAL_BAD_JSON}, {"\"\\u12g4\"", REFUSAL_BAD_JSON}, {"\"\\ud83d\"", REFUSAL_BAD_JSON},
		{"\"\\ud83d\\u0041\"", REFUSAL_BAD_JSON}, {"\"\\ude00\"", REFUSAL_BAD_JSON}, {"\"\\ud83d\\n12345\"", REFUSAL_BAD_JSON},
		{"\"a\nb\"", REFUSAL_BAD_JSON}, {"\"\xff\"", REFUSAL_BAD_UTF8}, {"\"\xc0\x80\"", REFUSAL_BAD_UTF8},
		{"[", REFUSAL_BAD_JSON}, {"[1", REFUSAL_BAD_JSON}, {"[1,", REFUSAL_BAD_JSON}, {"[1,]", REFUSAL_BAD_JSON},
		{"[,1]", REFUSAL_BAD_JSON}, {"[1 2]", REFUSAL_BAD_JSON}, {"[1}", REFUSAL_BAD_JSON},
		{"{", REFUSAL_BAD_JSON}, {"{\"a\"", REFUSAL_BAD_JSON}, {"{\"a\":", REFUSAL_BAD_JSON}, {"{\"a\":1,}", REFUSAL_BAD_JSON},
		{"{1:1}", REFUSAL_BAD_JSON}, {"{\"\\u0061\":1}", REFUSAL_NON_CANONICAL}, {"{\"a\" 1}", REFUSAL_BAD_JSON},
		{"{\"a\":1,\"a\":1}", REFUSAL_DUPLICATE_KEY}, {"[[[[]]]]", REFUSAL_TOO_DEEP}, {"{\"a\":[{\"b\":{}}]}", REFUSAL_TOO_DEEP}
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		refusal		why = skip_all(bad[i].text, strlen(bad[i].text), 3);

		if (why != bad[i].why)
			fail_msg("%s: %s, not %s", bad[i].text, refusal_name(why), refusal_name(bad[i].why));
	}
	assert_int_equal(skip_all("\"a\0b\"", 5, 3), REFUSAL_BAD_JSON);
	assert_int_equal(skip_all("\"\\\0\"", 4, 3), REFUSAL_BAD_JSON);
}

static void
object_size_is_limited(void **state)
{
	for (int n = 64; n <= 65; n++)
	{
		char		text[65 * 12];
		size_t		len = 0;

		for (int i = 0; i < n; i++)
			len += (size_t) sprintf(text + len, "%c\"m%d\":%d", i == 0 ? '{' : ',', i, i);
		text[len++] = '}';
		assert_int_equal(skip_all(text, len, 1), n == 64 ? REFUSAL_NONE : REFUSAL_TOO_MANY_ENTRIES);
	}
}

static void
pulling_members(void **state)
{
	static const char text[] = "{ \"a\" : -5, \"b\":\"x\\u0041\",\"c\":\"plain\"}";
	json_reader r;
	json_string name;
	json_string value;
	int64_t		number;
	bool		more;

	json_open(&r, (const uint8_t *) text, sizeof(text) - 1);
	assert_int_equal(json_enter(&r, '['), REFUSAL_WRONG_TYPE);
	assert_int_equal(json_enter(&r, '{'), REFUSAL_NONE);
	assert_int_equal(json_more(&r, '{', true, &more), REFUSAL_NONE);
	assert_true(more);
	assert_int_equal(json_read_name(&r, &name), REFUSAL_NONE);
	assert_int_equal(name.len, 1);
	assert_int_equal(json_read_string(&r, &value), REFUSAL_WRONG_TYPE);
	assert_int_equal(json_read_int(&r, &number), REFUSAL_NONE);
	assert_int_equal(number, -5);
	assert_int_equal(json_more(&r, '{', false, &more), REFUSAL_NONE);
	assert_int_equal(json_read_name(&r, &name), REFUSAL_NONE);
	assert_int_equal(json_read_int(&r, &number), REFUSAL_WRONG_TYPE);
	assert_int_equal(json_read_string(&r, &value), REFUSAL_NONE);
	assert_false(value.plain);
	assert_int_equal(json_more(&r, '{', false, &more), REFUSAL_NONE);
	assert_int_equal(json_read_name(&r, &name), REFUSAL_NONE);
	assert_int_equal(json_read_string(&r, &value), REFUSAL_NONE);
	assert_true(value.plain);
	assert_memory_equal(value.bytes, "plain", value.len);
	assert_int_equal(json_more(&r, '{', false, &more), REFUSAL_NONE);
	assert_false(more);
	assert_int_equal(json_close(&r), REFUSAL_NONE);
}

/* Escapes are resolved where they stand. */
static void
unescaping(void **state)
{
	static const struct
	{
		const char *json;
		const char *text;
	}			c[] = {
		{"\"plain\"", "plain"},
		{"\"\"", ""},
		{"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
		{"\"\\u0041\\u00e9\\u20ac\\ud83d\\ude00.\"", "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80."},
		{"\"\\u07FF\\u0800\\uFFFF\\uDBFF\\uDFFF\"", "\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf4\x8f\xbf\xbf"},
		{"\"\xe2\x80\x94\\n\xc3\xa9\"", "\xe2\x80\x94\n\xc3\xa9"}
	};

	for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++)
	{
		size_t		len = strlen(c[i].json);
		uint8_t    *exact = unit_exact(c[i].json, len);
		json_reader r;
		json_string s;

		json_open(&r, exact, len);
		assert_int_equal(json_read_string(&r, &s), REFUSAL_NONE);
		assert_int_equal(json_unescape(&s, (uint8_t *) (uintptr_t) s.bytes), strlen(c[i].text));
		assert_memory_equal(s.bytes, c[i].text, strlen(c[i].text));
		free(exact);
	}
}

/* Other people's numbers, as they stand; the strict reader still refuses them. */
static void
any_number(void **state)
{
	static const char *const sound[] = {"0", "-0", "10", "0.0", "-0.50", "1e3", "1E+03", "12.5e-7", "123456789012345678901234567890"};
	static const char *const bad[] = {"01", "-01", "1.", ".5", "-", "+1", "1e", "1e+", "1.e1", "0x1", "1.2.3", "00"};

	for (size_t i = 0; i < sizeof(sound) / sizeof(sound[0]); i++)
	{
		size_t		n = strlen(sound[i]);
		uint8_t    *exact = unit_exact(sound[i], n);
		json_reader r;
		const char *text;
		size_t		len;

		json_open_decimals(&r, exact, n);
		assert_int_equal(json_skip(&r, 0), REFUSAL_NONE);
		assert_int_equal(json_close(&r), REFUSAL_NONE);
		json_open(&r, exact, n);
		assert_int_equal(json_read_number(&r, &text, &len), REFUSAL_NONE);
		assert_int_equal(len, n);
		assert_memory_equal(text, sound[i], n);
		free(exact);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		size_t		n = strlen(bad[i]);
		uint8_t    *exact = unit_exact(bad[i], n);
		json_reader r;
		refusal		why;

		json_open_decimals(&r, exact, n);
		why = json_skip(&r, 0);
		if (why == REFUSAL_NONE)
			why = json_close(&r);
		assert_int_not_equal(why, REFUSAL_NONE);
		free(exact);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_of_the_profile),
		cmocka_unit_test(refusals),
		cmocka_unit_test(object_size_is_limited),
		cmocka_unit_test(pulling_members),
		cmocka_unit_test(unescaping),
		cmocka_unit_test(any_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
