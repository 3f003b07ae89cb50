/*
 * test_decimal.c: decimal numbers come out digit for digit, or not at all.
 */
#include "unit.h"

#include <inttypes.h>

#include "core/decimal.h"

static refusal
parse(const char *text, decimal *out)
{
	size_t		len = strlen(text);
	char	   *exact = unit_exact(text, len);
	refusal		why = decimal_parse(exact, len, out);

	free(exact);
	return why;
}

static void
exact_values(void **state)
{
	static const struct
	{
		const char *text;
		int64_t		value;
		int			scale;
	}			sound[] = {
		{"0", 0, 0}, {"-0", 0, 0}, {"0.00", 0, -2}, {"7", 7, 0}, {"-7", -7, 0}, {"2935.600", 2935600, -3},
		{"00000000.000", 0, -3}, {"0009.038", 9038, -3}, {"62500.1271", 625001271, -4}, {"-0.5", -5, -1},
		{"1e3", 1, 3}, {"1E+3", 1, 3}, {"1.5e3", 15, 2}, {"15e-1", 15, -1}, {"1.5e0", 15, -1}, {"0e9", 0, 9},
		{"0.1", 1, -1}, {"0.123456789", 123456789, -9}, {"1e9", 1, 9}, {"1.000000000e18", 1000000000, 9},
		{"9223372036854775807", INT64_MAX, 0}, {"-9223372036854775808", INT64_MIN, 0},
		{"9223372036.854775807", INT64_MAX, -9}, {"1e0000000000000000000000000000009", 1, 9},
		{"0.000000001e1", 1, -8}
	};

	for (size_t i = 0; i < sizeof(sound) / sizeof(sound[0]); i++)
	{
		decimal		d = {42, 42};

		assert_int_equal(parse(sound[i].text, &d), REFUSAL_NONE);
		assert_true(d.value == sound[i].value);
		assert_int_equal(d.scale, sound[i].scale);
	}
}

static void
refused(void **state)
{
	static const char *const bad[] = {
		"", "-", "+1", ".5", "5.", "-.5", "1..2", "1.2.3", "1e", "1e+", "1e-", "1e1.0", "1e1e1", "e1", ".", "1 ", " 1",
		"1,5", "0x10", "NaN", "Infinity", "--1", "1-", "1.e1", "١"
	};
	static const char *const outside[] = {
		"9223372036854775808", "-9223372036854775809", "99999999999999999999999999", "0.0000000001", "1e10", "1e-10",
		"9223372036.8547758070", "1e99999999999999999999999999", "1e-99999999999999999999999999", "10e9999999999",
		"18446744073709551617", "1.0000000000"
	};
	decimal		d;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse(bad[i], &d), REFUSAL_BAD_DECIMAL);
	for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++)
		assert_int_equal(parse(outside[i], &d), REFUSAL_DECIMAL_RANGE);
}

/* Any integer and scale, written with a point, comes back. */
static void
there_and_back(void **state)
{
	uint64_t	random = 5;

	for (int i = 0; i < 20000; i++)
	{
		int64_t		value = (int64_t) (unit_random(&random) >> (unit_random(&random) % 64));
		int			places = (int) (unit_random(&random) % 10);
		uint64_t	power = 1;
		char		text[64];
		decimal		d;

		for (int k = 0; k < places; k++)
			power *= 10;
		if (places == 0)
			snprintf(text, sizeof(text), "%" PRId64, value);
		else
			snprintf(text, sizeof(text), "%s%" PRIu64 ".%0*" PRIu64, value < 0 ? "-" : "",
					 (value < 0 ? -(uint64_t) value : (uint64_t) value) / power, places,
					 (value < 0 ? -(uint64_t) value : (uint64_t) value) % power);
		assert_int_equal(parse(text, &d), REFUSAL_NONE);
		assert_true(d.value == value);
		assert_int_equal(d.scale, -places);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exact_values),
		cmocka_unit_test(refused),
		cmocka_unit_test(there_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
