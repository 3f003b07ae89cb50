/*
 * test_ocmf_time.c: TM against the C library's calendar, and all that is no TM.
 */
#include "unit.h"

#include <inttypes.h>
#include <time.h>

#include "core/ocmf_time.h"

static refusal
parse(const char *text, int64_t *ms, char *status)
{
	size_t		len = strlen(text);
	char	   *exact = unit_exact(text, len);
	refusal		why = ocmf_time_parse(exact, len, ms, status);

	free(exact);
	return why;
}

static void
known_times(void **state)
{
	int64_t		ms;
	char		status;

	assert_int_equal(parse("2018-07-24T13:22:04,000+0200 S", &ms, &status), REFUSAL_NONE);
	assert_true(ms == INT64_C(1532431324000) && status == 'S');
	assert_int_equal(parse("1970-01-01T01:00:00,001+0100 U", &ms, &status), REFUSAL_NONE);
	assert_true(ms == 1 && status == 'U');
	assert_int_equal(parse("1969-12-31T23:00:00,000-0100 R", &ms, &status), REFUSAL_NONE);
	assert_true(ms == 0 && status == 'R');
	assert_int_equal(parse("2024-02-29T23:59:59,999-1130 I", &ms, &status), REFUSAL_NONE);
	assert_true(ms == INT64_C(1709292599999) && status == 'I');
	assert_int_equal(parse("9999-12-31T23:59:59,999+0000 S", &ms, &status), REFUSAL_NONE);
	assert_true(ms == INT64_C(253402300799999));
}

/* Any time of the C library's, written with any offset, comes back. */
static void
random_times(void **state)
{
	uint64_t	random = 3;

	for (int i = 0; i < 20000; i++)
	{
		int64_t		want = (int64_t) (unit_random(&random) % INT64_C(253402214400000));
		int			offset = (int) (unit_random(&random) % (28 * 60 + 1)) - 14 * 60;
		time_t		local = (time_t) (want / 1000 + offset * 60);
		struct tm	t;
		char		text[64];
		int64_t		ms;
		char		status;

		if (local < 0)
			continue;
		assert_non_null(gmtime_r(&local, &t));
		snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d,%03d%c%02d%02d S",
				 t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec,
				 (int) (want % 1000), offset < 0 ? '-' : '+', abs(offset) / 60, abs(offset) % 60);
		assert_int_equal(parse(text, &ms, &status), REFUSAL_NONE);
		assert_true(ms == want);
	}
}

static void
refused(void **state)
{
	static const char *const bad[] = {
		"", "2018-07-24", "2018-07-24T13:22:04,000+0200", "2018-07-24T13:22:04,000+0200 ", "2018-07-24T13:22:04,000+0200 SS",
		"2018-07-24T13:22:04.000+0200 S", "2018-07-24 13:22:04,000+0200 S", "2018-07-24T13:22:04,000+02:00 S",
		"2018-07-24T13:22:04,000Z S", "2018-07-24T13:22:04,000 0200 S", "2018-07-24T13:22:04,000+0200_S",
		" 2018-07-24T13:22:04,000+0200 ", "2018-07-24T13:22:04,0000+020 S", "2018-7-24T13:22:04,000+02000 S",
		"2018-00-24T13:22:04,000+0200 S", "2018-13-24T13:22:04,000+0200 S", "2018-07-00T13:22:04,000+0200 S",
		"2018-07-32T13:22:04,000+0200 S", "2018-06-31T13:22:04,000+0200 S", "2018-02-29T13:22:04,000+0200 S",
		"2100-02-29T13:22:04,000+0200 S", "2018-07-24T24:00:00,000+0200 S", "2018-07-24T13:60:04,000+0200 S",
		"2018-07-24T13:22:60,000+0200 S", "2018-07-24T13:22:04,000+1401 S", "2018-07-24T13:22:04,000+0260 S",
		"2018-07-24T13:22:04,000-1500 S", "1970-01-01T00:59:59,999+0100 U", "1969-12-31T23:59:59,999+0000 U",
		"0000-01-01T00:00:00,000+0000 U", "9999-12-31T23:59:59,999-0001 S", "2018-07-24T13:22:04,-00+0200 S"
	};
	static const char *const status[] = {
		"2018-07-24T13:22:04,000+0200 s", "2018-07-24T13:22:04,000+0200 X", "2018-07-24T13:22:04,000+0200  "
	};
	int64_t		ms;
	char		letter;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse(bad[i], &ms, &letter), REFUSAL_BAD_TIME);
	for (size_t i = 0; i < sizeof(status) / sizeof(status[0]); i++)
		assert_int_equal(parse(status[i], &ms, &letter), REFUSAL_BAD_CLOCK_STATUS);
	/* a NUL is no letter either */
	assert_int_equal(ocmf_time_parse("2018-07-24T13:22:04,000+0200 ", 30, &ms, &letter), REFUSAL_BAD_CLOCK_STATUS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_times),
		cmocka_unit_test(random_times),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
