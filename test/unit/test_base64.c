/*
 * test_base64.c: base64 has one spelling a value, in both alphabets.
 */
#include "unit.h"

#include "core/base64.h"

#define LEN_MAX 100

static void
rfc4648_section_10(void **state)
{
	static const char *const vector[][2] = {
		{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"},
		{"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}
	};

	for (size_t i = 0; i < sizeof(vector) / sizeof(vector[0]); i++)
	{
		const char *plain = vector[i][0];
		const char *text = vector[i][1];
		char		out[16];
		uint8_t		back[16];
		size_t		len;

		len = base64_encode((const uint8_t *) plain, strlen(plain), out, sizeof(out));
		assert_int_equal(len, strlen(text));
		assert_memory_equal(out, text, len);
		assert_true(base64_decode(text, strlen(text), back, sizeof(back), &len));
		assert_int_equal(len, strlen(plain));
		assert_memory_equal(back, plain, len);
	}
}

static void
alphabets_differ_in_two_digits(void **state)
{
	static const uint8_t bytes[] = {0xfb, 0xff, 0xbf};
	char		out[4];
	uint8_t		back[3];
	size_t		len;

	assert_int_equal(base64_encode(bytes, 3, out, 4), 4);
	assert_memory_equal(out, "+/+/", 4);
	assert_false(base64url_decode(out, 4, back, 3, &len));
	assert_int_equal(base64url_encode(bytes, 3, out, 4), 4);
	assert_memory_equal(out, "-_-_", 4);
	assert_false(base64_decode(out, 4, back, 3, &len));
	assert_true(base64url_decode(out, 4, back, 3, &len));
	assert_memory_equal(back, bytes, 3);
}

static void
every_length_comes_back(void **state)
{
	uint64_t	seed = 4648;

	for (size_t n = 0; n <= LEN_MAX; n++)
	{
		uint8_t		bytes[LEN_MAX];
		char		text[BASE64_LEN(LEN_MAX)];
		uint8_t		back[LEN_MAX];
		size_t		text_len;
		size_t		len;

		unit_random_bytes(&seed, bytes, n);
		text_len = base64_encode(bytes, n, text, sizeof(text));
		assert_int_equal(text_len, BASE64_LEN(n));
		assert_true(base64_decode(text, text_len, back, n, &len));
		assert_int_equal(len, n);
		assert_memory_equal(back, bytes, n);

		text_len = base64url_encode(bytes, n, text, sizeof(text));
		assert_int_equal(text_len, (n * 4 + 2) / 3);
		assert_true(base64url_decode(text, text_len, back, n, &len));
		assert_int_equal(len, n);
		assert_memory_equal(back, bytes, n);
	}
}

/* Exact room is enough; one byte less is refused and nothing is written past it. */
static void
room_is_respected(void **state)
{
	uint8_t		bytes[LEN_MAX] = {0};
	char		text[BASE64_LEN(LEN_MAX) + 1];

	for (size_t n = 1; n <= LEN_MAX; n++)
	{
		size_t		len = base64_encode(bytes, n, text, sizeof(text));
		uint8_t    *out = unit_exact(bytes, n - 1);
		char	   *small = unit_exact(text, len - 1);
		size_t		got;

		assert_int_equal(base64_encode(bytes, n, small, len - 1), 0);
		assert_false(base64_decode(text, len, out, n - 1, &got));
		free(small);

		len = base64url_encode(bytes, n, text, sizeof(text));
		small = unit_exact(text, len - 1);
		assert_int_equal(base64url_encode(bytes, n, small, len - 1), 0);
		assert_false(base64url_decode(text, len, out, n - 1, &got));
		free(small);
		free(out);
	}
}

/*
 * All texts of two and three characters: whatever is accepted is what the
 * encoder writes for it, and all 256 and 65,536 values are reached.
 */
static void
one_spelling_a_value(void **state)
{
	uint8_t		out[2];
	char		again[4];
	size_t		len;
	int			accepted = 0;

	for (int a = 0; a < 256; a++)
	{
		for (int b = 0; b < 256; b++)
		{
			char		text[2] = {(char) a, (char) b};

			if (!base64url_decode(text, 2, out, sizeof(out), &len))
				continue;
			accepted++;
			assert_int_equal(len, 1);
			assert_int_equal(base64url_encode(out, len, again, sizeof(again)), 2);
			assert_memory_equal(again, text, 2);
		}
	}
	assert_int_equal(accepted, 256);

	accepted = 0;
	for (uint32_t v = 0; v < 1u << 24; v++)
	{
		char		text[4] = {(char) (v >> 16), (char) (v >> 8), (char) v, '='};

		if (!base64_decode(text, 4, out, sizeof(out), &len) || len != 2)
			continue;
		accepted++;
		assert_int_equal(base64_encode(out, len, again, sizeof(again)), 4);
		assert_memory_equal(again, text, 4);
	}
	assert_int_equal(accepted, 65536);
}

static void
malformed_is_refused(void **state)
{
	static const char *const bad[] = {
		"A", "A===", "AAAAA", "AA==A===", "Z", "Zg", "Zg=", "Zg===", "====", "Z===", "Zg==Zg==", "Zm8=Zm8=", "Zm9v\n",
		" Zm9v", "Zm 9v", "Zm9v=", "=Zm9", "Zh==", "Zm9=", "Zm9v====", "Zm-v", "Zm_v"
	};
	static const char *const bad_url[] = {
		"A", "AAAAA", "Z", "Zg==", "Zm8=", "Zh", "Zm9", "Zm9vZ", "Zm+v", "Zm/v", "Zm9v ", "Zm9v\n"
	};
	uint8_t		out[16];
	size_t		len;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		char	   *text = unit_exact(bad[i], strlen(bad[i]));

		assert_false(base64_decode(text, strlen(bad[i]), out, sizeof(out), &len));
		free(text);
	}
	for (size_t i = 0; i < sizeof(bad_url) / sizeof(bad_url[0]); i++)
	{
		char	   *text = unit_exact(bad_url[i], strlen(bad_url[i]));

		assert_false(base64url_decode(text, strlen(bad_url[i]), out, sizeof(out), &len));
		free(text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc4648_section_10),
		cmocka_unit_test(alphabets_differ_in_two_digits),
		cmocka_unit_test(every_length_comes_back),
		cmocka_unit_test(room_is_respected),
		cmocka_unit_test(one_spelling_a_value),
		cmocka_unit_test(malformed_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
