/*
 * test_payload.c: payloads written and read in both encodings; what the writer
 * will not write, the reader does not take.
 */
#include "unit.h"

#include "core/payload.h"

static payload said;
static payload read_back;
static uint8_t bytes[MESSAGE_BYTES_MAX];

static void
fill(payload *p, int readings)
{
	memset(p, 0, sizeof(*p));
	p->type = PAYLOAD_READING;
	strcpy(p->meter, "street-7:flat.3_a");
	p->epoch = UINT32_MAX;
	p->seq = INT64_MAX;
	p->has_prev = true;
	memset(p->prev, 0xFB, sizeof(p->prev));
	p->t_ms = INT64_C(1751328000000);
	p->clock_status = 'S';
	p->reading_count = readings;
	for (int i = 0; i < readings; i++)
	{
		payload_reading *g = &p->reading[i];

		strcpy(g->obis, "1-0:1.8.0*255");
		g->from_ms = p->t_ms - 900000;
		g->to_ms = p->t_ms;
		g->value = i % 2 ? INT64_MIN + i : INT64_MAX - i;
		g->scale = (int8_t) (i % 19 - 9);
		strcpy(g->unit, "kWh");
		g->status = "GTDRMXIOSEF"[i % 11];
	}
}

/* p is written, cut to its own length, and read into read_back. */
static refusal
there_and_back(envelope_kind kind, const payload *p)
{
	size_t		len = payload_write(kind, p, bytes, sizeof(bytes));
	uint8_t    *exact;
	refusal		why;

	assert_true(len > 0);
	assert_int_equal(payload_write(kind, p, bytes, len - 1), 0);
	assert_int_equal(payload_write(kind, p, bytes, len), len);
	exact = unit_exact(bytes, len);
	why = payload_parse(kind, exact, len, &read_back);
	free(exact);
	return why;
}

static void
what_was_written_is_read(void **state)
{
	static const int counts[] = {1, 2, 96};

	for (int kind = ENVELOPE_COSE_SIGN1; kind <= ENVELOPE_JWS; kind++)
	{
		for (int i = 0; i < 3; i++)
		{
			fill(&said, counts[i]);
			memset(&read_back, 0, sizeof(read_back));
			assert_int_equal(there_and_back((envelope_kind) kind, &said), REFUSAL_NONE);
			assert_memory_equal(&read_back, &said, sizeof(said));
		}
		fill(&said, 1);
		said.seq = 1;
		said.epoch = 0;
		said.has_prev = false;
		memset(said.prev, 0, sizeof(said.prev));
		memset(&read_back, 0, sizeof(read_back));
		assert_int_equal(there_and_back((envelope_kind) kind, &said), REFUSAL_NONE);
		assert_memory_equal(&read_back, &said, sizeof(said));
	}
}

/* A whole day of quarter hours with four registers, as one COSE message. */
static void
a_day_fits(void **state)
{
	fill(&said, 4 * 96);
	for (int i = 0; i < said.reading_count; i++)
	{
		said.reading[i].value = 123456 + i;
		strcpy(said.reading[i].obis, "1-0:1.8.0");
		strcpy(said.reading[i].unit, "Wh");
	}
	assert_true(payload_write(ENVELOPE_COSE_SIGN1, &said, bytes, sizeof(bytes)) > 0);
}

static void
writer_refuses(void **state)
{
	for (int kind = ENVELOPE_COSE_SIGN1; kind <= ENVELOPE_JWS; kind++)
	{
#define UNWRITABLE(change) \
		do { \
			fill(&said, 1); \
			change; \
			assert_int_equal(payload_write((envelope_kind) kind, &said, bytes, sizeof(bytes)), 0); \
		} while (0)

		UNWRITABLE(said.type = PAYLOAD_ORDER);
		UNWRITABLE(strcpy(said.meter, "a\"b"));
		UNWRITABLE(said.meter[0] = '\0');
		UNWRITABLE(said.seq = 0);
		UNWRITABLE(said.seq = (uint64_t) INT64_MAX + 1);
		UNWRITABLE(said.seq = 1);
		UNWRITABLE(said.has_prev = false);
		UNWRITABLE(said.t_ms = -1);
		UNWRITABLE(said.clock_status = 'X');
		UNWRITABLE(said.reading_count = 0);
		UNWRITABLE(said.reading_count = PAYLOAD_READINGS_MAX + 1);
		UNWRITABLE(strcpy(said.reading[0].obis, "1 0"));
		UNWRITABLE(strcpy(said.reading[0].unit, ""));
		UNWRITABLE(said.reading[0].from_ms = said.reading[0].to_ms + 1);
		UNWRITABLE(said.reading[0].scale = 10);
		UNWRITABLE(said.reading[0].status = 'Z');
	}
}

/* Every prefix of a payload is refused, whatever it ends in. */
static void
cut_anywhere(void **state)
{
	for (int kind = ENVELOPE_COSE_SIGN1; kind <= ENVELOPE_JWS; kind++)
	{
		size_t		len;

		fill(&said, 2);
		len = payload_write((envelope_kind) kind, &said, bytes, sizeof(bytes));
		for (size_t n = 0; n < len; n++)
		{
			uint8_t    *exact = unit_exact(bytes, n);

			assert_int_not_equal(payload_parse((envelope_kind) kind, exact, n, &read_back), REFUSAL_NONE);
			free(exact);
		}
	}
}

static refusal
parse_json(const char *text)
{
	size_t		len = strlen(text);
	uint8_t    *exact = unit_exact(text, len);
	refusal		why = payload_parse(ENVELOPE_JWS, exact, len, &read_back);

	free(exact);
	return why;
}

/* Fields in any order, the body before its type; what was claimed is kept of a refused message. */
static void
order_and_claims(void **state)
{
	assert_int_equal(parse_json("{\"body\":[[\"1\",1,1,2,0,\"Wh\",\"G\"]],\"ts\":\"U\",\"t\":5,\"prev\":\"\",\"seq\":1,"
								"\"epoch\":3,\"meter\":\"m\",\"type\":\"reading\",\"v\":1}"), REFUSAL_NONE);
	assert_int_equal(read_back.reading_count, 1);
	assert_int_equal(read_back.reading[0].value, 2);

	assert_int_equal(parse_json("{\"meter\":\"m\",\"epoch\":3,\"seq\":7,\"v\":2}"), REFUSAL_UNSUPPORTED_VERSION);
	assert_string_equal(read_back.meter, "m");
	assert_int_equal(read_back.epoch, 3);
	assert_int_equal(read_back.seq, 7);
	assert_int_equal(parse_json("[]"), REFUSAL_WRONG_TYPE);
	assert_string_equal(read_back.meter, "");
}

/* The sound text with one piece of it replaced. */
static refusal
parse_changed(const char *old, const char *new)
{
	static const char sound[] =
	"{\"v\":1,\"type\":\"reading\",\"meter\":\"m\",\"epoch\":0,\"seq\":2,"
	"\"prev\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\",\"t\":9,\"ts\":\"S\","
	"\"body\":[[\"1-0:1.8.0\",1,2,3,0,\"Wh\",\"G\"]]}";
	char		text[500];
	const char *at = strstr(sound, old);

	assert_non_null(at);
	sprintf(text, "%.*s%s%s", (int) (at - sound), sound, new, at + strlen(old));
	return parse_json(text);
}

static void
each_field_is_checked(void **state)
{
	static const struct
	{
		const char *old;
		const char *new;
		refusal		why;
	}			changes[] = {
		{"", "", REFUSAL_NONE},
		{"\"v\":1", "\"v\":2", REFUSAL_UNSUPPORTED_VERSION},
		{"\"reading\"", "\"weather\"", REFUSAL_UNKNOWN_TYPE},
		{"\"m\"", "\"m m\"", REFUSAL_BAD_METER}, {"\"m\"", "7", REFUSAL_WRONG_TYPE},
		{"\"m\"", "\"\\u006d\"", REFUSAL_NON_CANONICAL},
		{"\"epoch\":0", "\"epoch\":-1", REFUSAL_BAD_SEQUENCE},
		{"\"epoch\":0", "\"epoch\":4294967295", REFUSAL_NONE},
		{"\"epoch\":0", "\"epoch\":4294967296", REFUSAL_BAD_SEQUENCE},
		{"\"epoch\":0", "\"epoch\":0,\"epoch\":0", REFUSAL_DUPLICATE_KEY},
		{"\"epoch\":0", "\"epoch\":0,\"x\":0", REFUSAL_UNKNOWN_FIELD},
		{"\"epoch\":0,", "", REFUSAL_MISSING_FIELD},
		{"\"seq\":2", "\"seq\":0", REFUSAL_BAD_SEQUENCE},
		{"\"seq\":2", "\"seq\":9223372036854775807", REFUSAL_NONE},
		{"\"seq\":2", "\"seq\":9223372036854775808", REFUSAL_BAD_SEQUENCE},
		{"\"seq\":2", "\"seq\":2.0", REFUSAL_NOT_AN_INTEGER},
		{"\"seq\":2", "\"seq\":1", REFUSAL_BAD_PREV},
		{"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", "", REFUSAL_BAD_PREV},
		{"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", "AAEC", REFUSAL_BAD_PREV},
		{"Gxwd", "Gx==", REFUSAL_BAD_BASE64},
		{"\"t\":9", "\"t\":-1", REFUSAL_BAD_TIME},
		{"\"t\":9", "\"t\":253402300799999", REFUSAL_NONE},
		{"\"t\":9", "\"t\":253402300800000", REFUSAL_BAD_TIME},
		{"\"ts\":\"S\"", "\"ts\":\"X\"", REFUSAL_BAD_CLOCK_STATUS},
		{"\"ts\":\"S\"", "\"ts\":\"SS\"", REFUSAL_BAD_CLOCK_STATUS},
		{"1,2,3,0", "2,1,3,0", REFUSAL_BAD_TIME}, {"1,2,3,0", "2,2,3,0", REFUSAL_NONE},
		{"1,2,3,0", "1,2,3,9", REFUSAL_NONE}, {"1,2,3,0", "1,2,3,10", REFUSAL_BAD_BODY},
		{"1,2,3,0", "1,2,9223372036854775808,0", REFUSAL_INTEGER_RANGE},
		{"1,2,3,0", "1,2,\"3\",0", REFUSAL_BAD_BODY}, {",\"G\"", "", REFUSAL_BAD_BODY},
		{",\"G\"", ",\"G\",1", REFUSAL_BAD_BODY}, {"\"G\"", "\"Z\"", REFUSAL_BAD_BODY},
		{"1-0:1.8.0", "1 0", REFUSAL_BAD_BODY}, {"1-0:1.8.0", "1-0:1.8.0*255-and-more-xx", REFUSAL_BAD_BODY},
		{"\"Wh\"", "\"megawatts\"", REFUSAL_BAD_BODY},
		{"[[\"1-0:1.8.0\",1,2,3,0,\"Wh\",\"G\"]]", "[]", REFUSAL_BAD_BODY},
		{"]]}", "]]}x", REFUSAL_TRAILING_BYTES}
	};

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
	{
		refusal		why = parse_changed(changes[i].old, changes[i].new);

		if (why != changes[i].why)
			fail_msg("%s to %s: %s, not %s", changes[i].old, changes[i].new,
					 refusal_name(why), refusal_name(changes[i].why));
	}
}

static void
readings_are_counted(void **state)
{
	for (int n = PAYLOAD_READINGS_MAX; n <= PAYLOAD_READINGS_MAX + 1; n++)
	{
		static char text[MESSAGE_BYTES_MAX];
		size_t		len = (size_t) sprintf(text, "{\"v\":1,\"type\":\"reading\",\"meter\":\"m\",\"epoch\":0,"
										   "\"seq\":1,\"prev\":\"\",\"t\":9,\"ts\":\"S\",\"body\":");

		for (int i = 0; i < n; i++)
			len += (size_t) sprintf(text + len, "%c[\"1\",1,2,3,0,\"W\",\"G\"]", i == 0 ? '[' : ',');
		strcpy(text + len, "]}");
		assert_int_equal(parse_json(text), n == PAYLOAD_READINGS_MAX ? REFUSAL_NONE : REFUSAL_BAD_BODY);
	}
}

static void
other_types_have_any_body(void **state)
{
#define EVENT(body) "{\"v\":1,\"type\":\"event\",\"meter\":\"m\",\"epoch\":0,\"seq\":1,\"prev\":\"\",\"t\":5,\"ts\":\"S\",\"body\":" body "}"
	assert_int_equal(parse_json(EVENT("{}")), REFUSAL_NONE);
	assert_int_equal(read_back.type, PAYLOAD_EVENT);
	assert_int_equal(read_back.reading_count, 0);
	assert_int_equal(parse_json(EVENT("[[[1,null,\"\\n\"]]]")), REFUSAL_NONE);
	assert_int_equal(parse_json(EVENT("[[[[]]]]")), REFUSAL_TOO_DEEP);
	assert_int_equal(parse_json(EVENT("[0.5]")), REFUSAL_NOT_AN_INTEGER);
	assert_int_equal(parse_json(EVENT("null")), REFUSAL_BAD_BODY);
}

/* A new key is there and back; whatever is wrong with one, nothing of it is left to copy. */
static void
a_key_has_a_form(void **state)
{
	static const struct
	{
		const char *body;
		refusal		why;
	}			bodies[] = {
		{"[\"Ed25519\",\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"]", REFUSAL_NONE},
		{"[\"Ed25519\",\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"]", REFUSAL_BAD_KEY},
		{"[\"ES256\",\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"]", REFUSAL_BAD_KEY},
		{"[\"RS256\",\"AAAA\"]", REFUSAL_UNSUPPORTED_ALGORITHM},
		{"[\"\",\"AAAA\"]", REFUSAL_UNSUPPORTED_ALGORITHM},
		{"[\"Ed25519\",\"AAA=\"]", REFUSAL_BAD_BASE64},
		{"[\"Ed25519\"]", REFUSAL_BAD_BODY},
		{"[]", REFUSAL_BAD_BODY},
		{"{}", REFUSAL_BAD_BODY},
		{"[1,\"AAAA\"]", REFUSAL_BAD_BODY},
		{"[\"Ed25519\",\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",1]", REFUSAL_BAD_BODY},
	};
	char		text[1024];

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
	{
		snprintf(text, sizeof(text), "{\"v\":1,\"type\":\"key\",\"meter\":\"m\",\"epoch\":0,\"seq\":1,\"prev\":\"\","
				 "\"t\":5,\"ts\":\"S\",\"body\":%s}", bodies[i].body);
		assert_int_equal(parse_json(text), bodies[i].why);
		assert_int_equal(read_back.key_len, bodies[i].why == REFUSAL_NONE ? 32 : 0);
	}
	/* longer than any key, in both encodings */
	for (size_t len = sizeof(said.key) - 1; len <= 2 * sizeof(said.key); len++)
	{
		int			at = snprintf(text, sizeof(text), "{\"v\":1,\"type\":\"key\",\"meter\":\"m\",\"epoch\":0,\"seq\":1,"
								  "\"prev\":\"\",\"t\":5,\"ts\":\"S\",\"body\":[\"Ed25519\",\"");
		uint8_t		cbor[512] = {0xA9, 1, 1, 2, 0x63, 'k', 'e', 'y', 3, 0x61, 'm', 4, 0, 5, 1, 6, 0x40, 7, 5, 8, 0x61, 'S',
			9, 0x82, 0x67, 'E', 'd', '2', '5', '5', '1', '9', 0x58, (uint8_t) len};

		memset(text + at, 'A', len / 3 * 4);
		strcpy(text + at + len / 3 * 4, "\"]}");
		assert_int_equal(parse_json(text), REFUSAL_BAD_KEY);
		assert_int_equal(read_back.key_len, 0);
		assert_int_equal(payload_parse(ENVELOPE_COSE_SIGN1, cbor, 34 + len, &read_back), REFUSAL_BAD_KEY);
		assert_int_equal(read_back.key_len, 0);
	}
	for (int kind = ENVELOPE_COSE_SIGN1; kind <= ENVELOPE_JWS; kind++)
	{
		fill(&said, 0);
		said.type = PAYLOAD_KEY;
		said.key_algorithm = ENVELOPE_ED25519;
		said.key_len = 32;
		memset(said.key, 0xFE, sizeof(said.key));
		assert_int_equal(there_and_back((envelope_kind) kind, &said), REFUSAL_NONE);
		assert_int_equal(read_back.key_algorithm, ENVELOPE_ED25519);
		assert_memory_equal(read_back.key, said.key, 32);
		said.key_len = 31;
		assert_int_equal(payload_write((envelope_kind) kind, &said, bytes, sizeof(bytes)), 0);
	}
}

static void
names_of_meters(void **state)
{
	char		name[66];

	memset(name, 'a', sizeof(name));
	assert_true(payload_meter_valid(name, 64));
	assert_false(payload_meter_valid(name, 65));
	assert_false(payload_meter_valid(name, 0));
	assert_true(payload_meter_valid("AZaz09._:-", 10));
	assert_false(payload_meter_valid("a\0b", 3));
	assert_false(payload_meter_valid("a/b", 3));
	assert_false(payload_meter_valid("a+b", 3));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_written_is_read),
		cmocka_unit_test(a_day_fits),
		cmocka_unit_test(writer_refuses),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(order_and_claims),
		cmocka_unit_test(each_field_is_checked),
		cmocka_unit_test(readings_are_counted),
		cmocka_unit_test(other_types_have_any_body),
		cmocka_unit_test(a_key_has_a_form),
		cmocka_unit_test(names_of_meters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
