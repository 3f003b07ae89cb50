/*
 * test_payload_ocmf.c: what a charging station's record becomes, and why it is
 * refused.
 */
#include "unit.h"

#include "core/payload.h"

#define TM1 "\"TM\":\"2018-07-24T13:22:04,000+0200 S\""
#define TM1_MS INT64_C(1532431324000)
#define ONE "{" TM1 ",\"RV\":2935.600,\"RI\":\"1-0:1.8.0\",\"RU\":\"kWh\",\"ST\":\"G\"}"
#define SOUND "\"PG\":\"T12\",\"MS\":\"m-1\",\"RD\":[" ONE "]"

static payload said;

static refusal
parse(const char *text)
{
	size_t		len = strlen(text);
	uint8_t    *exact = unit_exact(text, len);
	refusal		why = payload_parse(ENVELOPE_OCMF, exact, len, &said);

	free(exact);
	return why;
}

static refusal
parse_readings(const char *readings)
{
	char		text[16384];

	snprintf(text, sizeof(text), "{\"PG\":\"T12\",\"MS\":\"m-1\",\"RD\":[%s]}", readings);
	return parse(text);
}

static void
check_reading(int i, const char *obis, int64_t ms, int64_t value, int scale, const char *unit, char status)
{
	assert_in_range(i, 0, said.reading_count - 1);
	assert_string_equal(said.reading[i].obis, obis);
	assert_true(said.reading[i].from_ms == ms && said.reading[i].to_ms == ms);
	assert_true(said.reading[i].value == value);
	assert_int_equal(said.reading[i].scale, scale);
	assert_string_equal(said.reading[i].unit, unit);
	assert_int_equal(said.reading[i].status, status);
}

static void
one_reading(void **state)
{
	assert_int_equal(parse("{" SOUND "}"), REFUSAL_NONE);
	assert_int_equal(said.type, PAYLOAD_READING);
	assert_string_equal(said.meter, "m-1");
	assert_int_equal(said.epoch, 0);
	assert_int_equal(said.seq, 13);
	assert_false(said.has_prev);
	assert_true(said.t_ms == TM1_MS);
	assert_int_equal(said.clock_status, 'S');
	assert_int_equal(said.reading_count, 1);
	check_reading(0, "1-0:1.8.0", TM1_MS, 2935600, -3, "kWh", 'G');
}

/* The specification's example, and members that we do not use, of every kind. */
static void
other_members_are_passed_over(void **state)
{
	assert_int_equal(parse("{\n\"FV\":\"1.4\",\"GI\":\"ABL \\u00fc\\/\",\"GS\":\"808829900001\",\"GV\":\"1.4p3\",\"PG\":\"T12345\","
						   "\"MV\":\"Phoenix Contact\",\"MM\":\"EEM\",\"MS\":\"BQ27400330016\",\"MF\":\"1.0\",\"IS\":true,\"IL\":\"VERIFIED\","
						   "\"IF\":[\"RFID_PLAIN\",\"OCPP_RS_TLS\"],\"IT\":\"ISO14443\",\"ID\":\"1F2D3A4F5506C7\",\"TT\":\"Tarif 1\",\"CT\":0,"
						   "\"LC\":{\"LN\":\"cable_name\",\"LI\":1,\"LR\":2.50,\"LU\":\"mOhm\"},\"U\":null,\"X\":[[{\"a\":-1e-3}],[]],\t"
						   "\"RD\":[{" TM1 ",\"TX\":\"B\",\"RV\":2935.600,\"RI\":\"01-0B:01.08.00*FF\",\"RU\":\"kWh\",\"RT\":\"DC\",\"EF\":\"\",\"ST\":\"G\","
						   "\"XV\":76040,\"UC\":{\"UN\":\"No_Comp\",\"UI\":2,\"UR\":0.0}}]}"), REFUSAL_NONE);
	assert_string_equal(said.meter, "BQ27400330016");
	assert_int_equal(said.seq, 12346);
	check_reading(0, "01-0B:01.08.00*FF", TM1_MS, 2935600, -3, "kWh", 'G');
	/* the readings first, before anything that names them */
	assert_int_equal(parse("{\"RD\":[" ONE "],\"FV\":1.0,\"MS\":\"m\",\"PG\":\"F9\"}"), REFUSAL_NONE);
	assert_int_equal(said.epoch, 1);
	assert_int_equal(said.seq, 10);
}

static void
meter_and_pagination(void **state)
{
	static const struct
	{
		const char *members;
		const char *meter;
	}			names[] = {
		{"\"MS\":\"ms\",\"GS\":\"gs\"", "ms"}, {"\"GS\":\"gs\",\"MS\":\"ms\"", "ms"}, {"\"GS\":\"gs\"", "gs"}, {"\"MS\":\"ms\"", "ms"},
		{"\"MS\":\"\",\"GS\":\"gs\"", "gs"}, {"\"MS\":\"m m\",\"GS\":\"gs\"", "gs"}, {"\"GS\":\"gs\",\"MS\":\"m\\/m\"", "gs"},
		{"\"GS\":\"\",\"MS\":\"ms\"", "ms"}
	};
	static const struct
	{
		const char *pagination;
		refusal		why;
	}			pages[] = {
		{"T1", REFUSAL_NONE}, {"F1", REFUSAL_NONE}, {"T9223372036854775806", REFUSAL_NONE}, {"T0", REFUSAL_NONE}, {"F0", REFUSAL_NONE},
		{"T9223372036854775807", REFUSAL_BAD_SEQUENCE}, {"T9223372036854775808", REFUSAL_BAD_SEQUENCE}, {"T99999999999999999999999999", REFUSAL_BAD_SEQUENCE},
		{"T01", REFUSAL_BAD_PAGINATION}, {"T00", REFUSAL_BAD_PAGINATION}, {"T", REFUSAL_BAD_PAGINATION},
		{"", REFUSAL_BAD_PAGINATION}, {"1", REFUSAL_BAD_PAGINATION}, {"X1", REFUSAL_BAD_PAGINATION}, {"t1", REFUSAL_BAD_PAGINATION},
		{"T-1", REFUSAL_BAD_PAGINATION}, {"T1 ", REFUSAL_BAD_PAGINATION}, {"T 1", REFUSAL_BAD_PAGINATION}, {"T1.0", REFUSAL_BAD_PAGINATION},
		{"\\u00541", REFUSAL_NON_CANONICAL}
	};
	char		text[512];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
	{
		snprintf(text, sizeof(text), "{\"PG\":\"T1\",%s,\"RD\":[" ONE "]}", names[i].members);
		assert_int_equal(parse(text), REFUSAL_NONE);
		assert_string_equal(said.meter, names[i].meter);
	}
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
	{
		snprintf(text, sizeof(text), "{\"MS\":\"m\",\"PG\":\"%s\",\"RD\":[" ONE "]}", pages[i].pagination);
		assert_int_equal(parse(text), pages[i].why);
		assert_string_equal(said.meter, "m");
	}
	assert_int_equal(said.seq, 0);
}

static void
omitted_members_are_inherited(void **state)
{
	assert_int_equal(parse_readings("{" TM1 ",\"TX\":\"B\",\"RV\":1.5,\"RI\":\"a\",\"RU\":\"kWh\",\"EF\":\"\",\"ST\":\"S\"},"
									"{\"RV\":2,\"RI\":\"b\",\"RU\":\"Wh\"},"
									"{\"TM\":\"2018-07-24T13:22:05,250+0200 R\",\"RV\":3},"
									"{\"ST\":\"G\"}"), REFUSAL_NONE);
	assert_int_equal(said.reading_count, 4);
	check_reading(0, "a", TM1_MS, 15, -1, "kWh", 'S');
	check_reading(1, "b", TM1_MS, 2, 0, "Wh", 'S');
	check_reading(2, "b", TM1_MS + 1250, 3, 0, "Wh", 'S');
	check_reading(3, "b", TM1_MS + 1250, 3, 0, "Wh", 'G');
	assert_true(said.t_ms == TM1_MS + 1250);
	assert_int_equal(said.clock_status, 'R');
}

/* Values as numbers and as the texts that some write. */
static void
values(void **state)
{
	static const struct
	{
		const char *text;
		refusal		why;
		int64_t		value;
		int			scale;
	}			cases[] = {
		{"0", REFUSAL_NONE, 0, 0}, {"-0.5", REFUSAL_NONE, -5, -1}, {"1E3", REFUSAL_NONE, 1, 3}, {"62500.1270", REFUSAL_NONE, 625001270, -4},
		{"\"9.038\"", REFUSAL_NONE, 9038, -3}, {"\"       9.038\"", REFUSAL_NONE, 9038, -3}, {"\"00000000.000\"", REFUSAL_NONE, 0, -3},
		{"\"9.038 \"", REFUSAL_BAD_DECIMAL}, {"\"\"", REFUSAL_BAD_DECIMAL}, {"\"  \"", REFUSAL_BAD_DECIMAL}, {"\"9,038\"", REFUSAL_BAD_DECIMAL},
		{"\"\\t9\"", REFUSAL_NON_CANONICAL}, {"9.", REFUSAL_BAD_JSON}, {"09", REFUSAL_BAD_JSON}, {"null", REFUSAL_WRONG_TYPE},
		{"true", REFUSAL_WRONG_TYPE}, {"[1]", REFUSAL_WRONG_TYPE}, {"9223372036854775808", REFUSAL_DECIMAL_RANGE},
		{"0.0000000001", REFUSAL_DECIMAL_RANGE}, {"1e10", REFUSAL_DECIMAL_RANGE}
	};
	char		text[512];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		snprintf(text, sizeof(text), "{" TM1 ",\"RV\":%s,\"RI\":\"1\",\"RU\":\"kWh\",\"ST\":\"G\"}", cases[i].text);
		assert_int_equal(parse_readings(text), cases[i].why);
		if (cases[i].why == REFUSAL_NONE)
			check_reading(0, "1", TM1_MS, cases[i].value, cases[i].scale, "kWh", 'G');
	}
}

/* A reading that states an error has no value but its own; one that may not be billed by is not good. */
static void
errors(void **state)
{
	assert_int_equal(parse_readings(ONE ",{\"ST\":\"F\"}"), REFUSAL_NONE);
	assert_int_equal(said.reading_count, 1);
	assert_int_equal(parse_readings(ONE ",{\"EF\":\"t\"}"), REFUSAL_NONE);
	assert_int_equal(said.reading_count, 1);
	assert_int_equal(said.clock_status, 'U');
	assert_int_equal(parse_readings(ONE ",{\"TX\":\"X\"}"), REFUSAL_NONE);
	assert_int_equal(said.reading_count, 1);
	assert_int_equal(parse_readings(ONE ",{\"TX\":\"E\"}"), REFUSAL_NONE);
	assert_int_equal(said.reading_count, 2);
	assert_int_equal(parse_readings(ONE ",{\"TX\":\"X\",\"RV\":7}"), REFUSAL_NONE);
	assert_int_equal(said.reading_count, 2);

	/* an error that is inherited is none of its own: the value is inherited too */
	assert_int_equal(parse_readings("{" TM1 ",\"RV\":1,\"RI\":\"1\",\"RU\":\"Wh\",\"ST\":\"S\"},{\"TX\":\"E\"}"), REFUSAL_NONE);
	assert_int_equal(said.reading_count, 2);
	check_reading(1, "1", TM1_MS, 1, 0, "Wh", 'S');

	/* what the error left behind does not make a later reading of the same value one */
	assert_int_equal(parse_readings(ONE ",{\"EF\":\"E\"},{\"RV\":8}"), REFUSAL_NONE);
	assert_int_equal(said.reading_count, 2);
	check_reading(1, "1-0:1.8.0", TM1_MS, 8, 0, "kWh", 'E');
	assert_int_equal(parse_readings(ONE ",{\"EF\":\"Et\"},{\"RV\":8,\"EF\":\"\"}"), REFUSAL_NONE);
	check_reading(1, "1-0:1.8.0", TM1_MS, 8, 0, "kWh", 'G');
	assert_int_equal(said.clock_status, 'S');
	assert_int_equal(parse_readings(ONE ",{\"EF\":\"E\",\"ST\":\"M\",\"RV\":8}"), REFUSAL_NONE);
	check_reading(1, "1-0:1.8.0", TM1_MS, 8, 0, "kWh", 'M');

	/* an error and nothing else: sound, and no reading */
	assert_int_equal(parse_readings("{" TM1 ",\"ST\":\"N\"}"), REFUSAL_NONE);
	assert_int_equal(said.reading_count, 0);
	assert_true(said.t_ms == TM1_MS);
	assert_int_equal(said.seq, 13);
}

static void
refusals(void **state)
{
	static const struct
	{
		const char *text;
		refusal		why;
	}			bad[] = {
		{"", REFUSAL_EMPTY}, {"[]", REFUSAL_WRONG_TYPE}, {"{", REFUSAL_BAD_JSON}, {"{" SOUND "}x", REFUSAL_TRAILING_BYTES},
		{"{" SOUND ",\"PG\":\"T12\"}", REFUSAL_DUPLICATE_KEY}, {"{" SOUND ",\"ZZ\":1,\"ZZ\":1}", REFUSAL_DUPLICATE_KEY},
		{"{" SOUND ",\"ZZ\":[[[[]]]]}", REFUSAL_TOO_DEEP}, {"{" SOUND ",\"ZZ\":01}", REFUSAL_BAD_JSON},
		{"{" SOUND ",\"ZZ\":\"\xff\"}", REFUSAL_BAD_UTF8}, {"{" SOUND ",\"Z\\u0041\":1}", REFUSAL_NON_CANONICAL},
		{"{" SOUND ",\"FV\":\"2.0\"}", REFUSAL_UNSUPPORTED_VERSION}, {"{" SOUND ",\"FV\":\"10.0\"}", REFUSAL_UNSUPPORTED_VERSION},
		{"{" SOUND ",\"FV\":\"\"}", REFUSAL_UNSUPPORTED_VERSION}, {"{" SOUND ",\"FV\":2}", REFUSAL_UNSUPPORTED_VERSION},
		{"{" SOUND ",\"FV\":null}", REFUSAL_WRONG_TYPE}, {"{" SOUND ",\"GS\":1}", REFUSAL_WRONG_TYPE},
		{"{\"MS\":\"m\",\"RD\":[" ONE "]}", REFUSAL_MISSING_FIELD}, {"{\"MS\":\"m\",\"PG\":\"T1\"}", REFUSAL_MISSING_FIELD},
		{"{\"PG\":\"T1\",\"RD\":[" ONE "]}", REFUSAL_BAD_METER}, {"{\"PG\":\"T1\",\"MS\":\"\",\"GS\":\" \",\"RD\":[" ONE "]}", REFUSAL_BAD_METER},
		{"{\"PG\":1,\"MS\":\"m\",\"RD\":[" ONE "]}", REFUSAL_WRONG_TYPE}, {"{\"PG\":\"T1\",\"MS\":1,\"RD\":[" ONE "]}", REFUSAL_WRONG_TYPE},
		{"{\"PG\":\"T1\",\"MS\":\"m\",\"RD\":{}}", REFUSAL_WRONG_TYPE}, {"{\"PG\":\"T1\",\"MS\":\"m\",\"RD\":[]}", REFUSAL_BAD_BODY},
		{"{\"PG\":\"T1\",\"MS\":\"m\",\"RD\":[1]}", REFUSAL_WRONG_TYPE}
	};
	static const struct
	{
		const char *reading;
		refusal		why;
	}			bad_readings[] = {
		{"{}", REFUSAL_MISSING_FIELD}, {ONE ",{\"RV\":1,\"RV\":1}", REFUSAL_DUPLICATE_KEY},
		{"{" TM1 ",\"RI\":\"1\",\"RU\":\"kWh\",\"ST\":\"G\"}", REFUSAL_MISSING_FIELD},
		{"{" TM1 ",\"RV\":1,\"RU\":\"kWh\",\"ST\":\"G\"}", REFUSAL_MISSING_FIELD},
		{"{" TM1 ",\"RV\":1,\"RI\":\"1\",\"ST\":\"G\"}", REFUSAL_MISSING_FIELD},
		{"{" TM1 ",\"RV\":1,\"RI\":\"1\",\"RU\":\"kWh\"}", REFUSAL_MISSING_FIELD},
		{"{\"RV\":1,\"RI\":\"1\",\"RU\":\"kWh\",\"ST\":\"G\"}", REFUSAL_MISSING_FIELD}, {"{" TM1 ",\"EF\":\"E\"}", REFUSAL_MISSING_FIELD},
		{ONE ",{\"RV\":1,\"RI\":\"2\"}", REFUSAL_BAD_BODY}, {ONE ",{\"RV\":1,\"RU\":\"Wh\"}", REFUSAL_BAD_BODY},
		{ONE ",{\"RI\":\"1 0\",\"RU\":\"Wh\"}", REFUSAL_BAD_BODY}, {ONE ",{\"RI\":\"1234567890123456789012345\",\"RU\":\"Wh\"}", REFUSAL_BAD_BODY},
		{ONE ",{\"RI\":\"1\",\"RU\":\"megawatts\"}", REFUSAL_BAD_BODY}, {ONE ",{\"ST\":\"Z\"}", REFUSAL_BAD_BODY},
		{ONE ",{\"ST\":\"GG\"}", REFUSAL_BAD_BODY}, {ONE ",{\"ST\":\"\"}", REFUSAL_BAD_BODY}, {ONE ",{\"EF\":\"e\"}", REFUSAL_BAD_ERROR_FLAGS},
		{ONE ",{\"EF\":\"EX\"}", REFUSAL_BAD_ERROR_FLAGS}, {ONE ",{\"EF\":1}", REFUSAL_WRONG_TYPE}, {ONE ",{\"TX\":1}", REFUSAL_WRONG_TYPE},
		{ONE ",{\"TM\":\"2018-07-24\"}", REFUSAL_BAD_TIME}, {ONE ",{\"TM\":\"2018-07-24T13:22:04,000+0200 X\"}", REFUSAL_BAD_CLOCK_STATUS},
		{ONE ",{\"ZZ\":{\"a\":{}}}", REFUSAL_TOO_DEEP}, {ONE ",", REFUSAL_BAD_JSON}
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse(bad[i].text), bad[i].why);
	for (size_t i = 0; i < sizeof(bad_readings) / sizeof(bad_readings[0]); i++)
		assert_int_equal(parse_readings(bad_readings[i].reading), bad_readings[i].why);
}

/* As many readings as a message of ours has, and one more. */
static void
many_readings(void **state)
{
	static char readings[MESSAGE_BYTES_MAX];

	strcpy(readings, ONE);
	for (int i = 1; i < PAYLOAD_READINGS_MAX; i++)
		strcat(readings, ",{}");
	assert_int_equal(parse_readings(readings), REFUSAL_NONE);
	assert_int_equal(said.reading_count, PAYLOAD_READINGS_MAX);
	strcat(readings, ",{}");
	assert_int_equal(parse_readings(readings), REFUSAL_BAD_BODY);
}

static void
cut_anywhere(void **state)
{
	static const char text[] = "{" SOUND "}";

	for (size_t n = 0; n < sizeof(text) - 1; n++)
	{
		uint8_t    *exact = unit_exact(text, n);

		assert_int_not_equal(payload_parse(ENVELOPE_OCMF, exact, n, &said), REFUSAL_NONE);
		free(exact);
	}
}

static void
is_not_written(void **state)
{
	static uint8_t out[4096];

	assert_int_equal(parse("{" SOUND "}"), REFUSAL_NONE);
	said.seq = 1;
	assert_int_equal(payload_write(ENVELOPE_OCMF, &said, out, sizeof(out)), 0);
	assert_true(payload_write(ENVELOPE_JWS, &said, out, sizeof(out)) > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_reading),
		cmocka_unit_test(other_members_are_passed_over),
		cmocka_unit_test(meter_and_pagination),
		cmocka_unit_test(omitted_members_are_inherited),
		cmocka_unit_test(values),
		cmocka_unit_test(errors),
		cmocka_unit_test(refusals),
		cmocka_unit_test(many_readings),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(is_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
