/*
 * test_command.c: commands have one text; notes and acknowledgements come back as they
 * were written; what is not exactly one is refused.
 */
#include "unit.h"

#include "core/downlink_note.h"
#include "core/payload.h"

#define ID "6f1d2a0e-8a55-4c65-9b0e-3f4a8f0b9d11"

static const char *
parse(const char *json, command *c)
{
	char	   *exact = unit_exact(json, strlen(json));
	const char *wrong = command_parse(exact, strlen(json), c);

	free(exact);
	return wrong;
}

static void
canonical(void **state)
{
	static const char *const text[][3] = {
		{"{\"on\": false, \"relay\": 1, \"type\": \"relay\"}", "{\"type\":\"relay\",\"relay\":1,\"on\":false}", "relay:1"},
		{"{\"type\":\"limit\",\"power_w\":0,\"direction\":\"export\"}",
		"{\"type\":\"limit\",\"direction\":\"export\",\"power_w\":0}", "limit:export"},
		{"{\"duration_s\":60,\"type\":\"limit\",\"power_w\":5,\"direction\":\"import\"}",
		"{\"type\":\"limit\",\"direction\":\"import\",\"power_w\":5,\"duration_s\":60}", "limit:import"},
		{"{\"until\":1751328000000,\"type\":\"limit\",\"power_w\":5,\"direction\":\"import\"}",
		"{\"type\":\"limit\",\"direction\":\"import\",\"power_w\":5,\"until\":1751328000000}", "limit:import"},
		{"{\"direction\":\"import\",\"type\":\"limit_end\"}", "{\"type\":\"limit_end\",\"direction\":\"import\"}", "limit:import"},
		{"{\"type\":\"credit\",\"cutoff\":true,\"total_wh\":500}", "{\"type\":\"credit\",\"total_wh\":500,\"cutoff\":true}", "credit"},
		{"{ \"type\" : \"credit_end\" }", "{\"type\":\"credit_end\"}", "credit"},
		{"{\"text\":\"a \\u0022b\\u0022 \\\\ \\u00e9\",\"type\":\"text\"}",
		"{\"type\":\"text\",\"text\":\"a \\\"b\\\" \\\\ \xc3\xa9\"}", "text"},
		{"{\"type\":\"cancel\",\"id\":\"" ID "\"}", "{\"type\":\"cancel\",\"id\":\"" ID "\"}", "cancel:" ID},
	};

	for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++)
	{
		command		c;
		char		out[COMMAND_BYTES_MAX + 1];
		char		thing[COMMAND_THING_LEN_MAX + 1];

		assert_null(parse(text[i][0], &c));
		assert_int_equal(command_write(&c, out, sizeof(out)), strlen(text[i][1]));
		assert_string_equal(out, text[i][1]);
		assert_int_equal(command_write(&c, out, strlen(text[i][1])), 0);
		command_thing(&c, thing);
		assert_string_equal(thing, text[i][2]);
		assert_null(command_parse_canonical(text[i][1], strlen(text[i][1]), &c));
		if (strcmp(text[i][0], text[i][1]) != 0)
			assert_non_null(command_parse_canonical(text[i][0], strlen(text[i][0]), &c));
	}
}

static void
longest_text(void **state)
{
	char		json[1024] = "{\"type\":\"text\",\"text\":\"";
	char		out[COMMAND_BYTES_MAX + 1];
	command		c;

	for (int i = 0; i < COMMAND_TEXT_LEN_MAX; i++)
		strcat(json, "\\\"");
	strcat(json, "\"}");
	assert_null(parse(json, &c));
	assert_int_not_equal(command_write(&c, out, sizeof(out)), 0);
	assert_null(command_parse_canonical(out, strlen(out), &c));
	strcpy(json + strlen(json) - 2, "x\"}");
	assert_non_null(parse(json, &c));
}

static void
no_commands(void **state)
{
	static const char *const bad[] = {
		"", "[]", "{}", "null", "{\"type\":\"relay\"}", "{\"type\":\"boom\"}", "{\"relay\":1,\"on\":true}",
		"{\"type\":\"relay\",\"relay\":0,\"on\":true}", "{\"type\":\"relay\",\"relay\":17,\"on\":true}",
		"{\"type\":\"relay\",\"relay\":1.0,\"on\":true}", "{\"type\":\"relay\",\"relay\":1,\"on\":1}",
		"{\"type\":\"relay\",\"relay\":1,\"on\":\"true\"}", "{\"type\":\"relay\",\"relay\":1,\"on\":true,\"x\":1}",
		"{\"type\":\"relay\",\"relay\":1,\"relay\":2,\"on\":true}", "{\"type\":\"relay\",\"relay\":1,\"on\":true}x",
		"{\"type\":\"relay\",\"relay\":1,\"on\":true,\"power_w\":1}",
		"{\"type\":\"limit\",\"direction\":\"sideways\",\"power_w\":1}", "{\"type\":\"limit\",\"direction\":\"import\",\"power_w\":-1}",
		"{\"type\":\"limit\",\"direction\":\"import\",\"power_w\":1000000001}",
		"{\"type\":\"limit\",\"direction\":\"import\",\"power_w\":1,\"duration_s\":0}",
		"{\"type\":\"limit\",\"direction\":\"import\",\"power_w\":1,\"until\":0}",
		"{\"type\":\"limit\",\"direction\":\"import\",\"power_w\":1,\"duration_s\":1,\"until\":1}",
		"{\"type\":\"credit\",\"total_wh\":1}", "{\"type\":\"credit\",\"total_wh\":1000000000001,\"cutoff\":true}",
		"{\"type\":\"text\",\"text\":\"\"}", "{\"type\":\"text\",\"text\":\"a\\nb\"}", "{\"type\":\"text\",\"text\":\"a\\u0000b\"}",
		"{\"type\":\"cancel\",\"id\":\"6F1D2A0E-8A55-4C65-9B0E-3F4A8F0B9D11\"}", "{\"type\":\"cancel\",\"id\":\"1\"}",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		command		c;

		if (parse(bad[i], &c) == NULL)
			fail_msg("taken: %s", bad[i]);
	}
}

static void
command_notes(void **state)
{
	command_note n = {.origin = "log", .meter = "m-1", .id = ID, .counter = 7, .not_before_ms = 1, .expires_ms = 2,
	.command = "{\"type\":\"credit_end\"}"};
	command_note back;
	char		text[DOWNLINK_TEXT_MAX];
	size_t		len = command_note_format(&n, text, sizeof(text));

	assert_string_equal(text, "energyledger/command/v1\nlog\nm-1\n" ID "\n7\n1\n2\n{\"type\":\"credit_end\"}\n");
	assert_true(command_note_parse(text, len, &back));
	assert_memory_equal(&n, &back, sizeof(n));
	assert_int_equal(command_note_format(&n, text, len), 0);
	/* no shorter and no longer text is one, nor one with another byte for a newline */
	len = command_note_format(&n, text, sizeof(text));
	for (size_t i = 0; i < len; i++)
	{
		char	   *exact = unit_exact(text, i);

		assert_false(command_note_parse(exact, i, &back));
		free(exact);
	}
	text[len] = '\n';
	assert_false(command_note_parse(text, len + 1, &back));
	n.expires_ms = 1;
	len = command_note_format(&n, text, sizeof(text));
	assert_false(command_note_parse(text, len, &back));
	n.expires_ms = 2;
	n.counter = 0;
	len = command_note_format(&n, text, sizeof(text));
	assert_false(command_note_parse(text, len, &back));
}

static void
resend_notes(void **state)
{
	resend_note n = {.origin = "log", .meter = "m-1", .asked_ms = 5, .range_count = 2,
	.range = {{1, 2, 3}, {4294967295u, 1, INT64_MAX}}};
	resend_note back;
	char		text[DOWNLINK_TEXT_MAX];
	size_t		len = resend_note_format(&n, text, sizeof(text));

	assert_string_equal(text, "energyledger/resend/v1\nlog\nm-1\n5\n1 2 3\n4294967295 1 9223372036854775807\n");
	assert_true(resend_note_parse(text, len, &back));
	assert_memory_equal(&n, &back, sizeof(n));
	for (size_t i = 0; i < len; i++)
		if (i != strlen("energyledger/resend/v1\nlog\nm-1\n5\n1 2 3\n"))
			assert_false(resend_note_parse(text, i, &back));
	n.range[0].to_seq = 1;
	len = resend_note_format(&n, text, sizeof(text));
	assert_false(resend_note_parse(text, len, &back));
	n.range_count = 0;
	len = resend_note_format(&n, text, sizeof(text));
	assert_false(resend_note_parse(text, len, &back));
	n.range_count = RESEND_RANGES_MAX;
	for (int i = 0; i < RESEND_RANGES_MAX; i++)
		n.range[i] = (resend_range) {1, 1, 1};
	len = resend_note_format(&n, text, sizeof(text));
	assert_true(resend_note_parse(text, len, &back));
	strcpy(text + len, "1 1 1\n");
	assert_false(resend_note_parse(text, len + 6, &back));
}

static payload
ack_payload(void)
{
	payload		p = {.type = PAYLOAD_ACK, .meter = "m-1", .epoch = 1, .seq = 1, .t_ms = 9, .clock_status = 'S',
	.ack = {.id = ID, .counter = 3, .result = ACK_OLD_COUNTER, .detail = "the last one was 4", .at_ms = 8}};

	return p;
}

static void
acks(void **state)
{
	static const envelope_kind kinds[] = {ENVELOPE_COSE_SIGN1, ENVELOPE_JWS};
	static payload back;
	static payload p;
	uint8_t		bytes[MESSAGE_BYTES_MAX];

	p = ack_payload();
	for (int i = 0; i < 2; i++)
	{
		size_t		len = payload_write(kinds[i], &p, bytes, sizeof(bytes));

		assert_int_not_equal(len, 0);
		assert_int_equal(payload_parse(kinds[i], bytes, len, &back), REFUSAL_NONE);
		assert_int_equal(back.type, PAYLOAD_ACK);
		assert_memory_equal(&back.ack, &p.ack, sizeof(p.ack));
	}
	p.ack.detail[0] = '"';
	assert_int_equal(payload_write(ENVELOPE_JWS, &p, bytes, sizeof(bytes)), 0);
}

static void
no_acks(void **state)
{
	static const char *const bad[] = {
		"[]", "{}", "[\"" ID "\",1,\"done\",\"\"]", "[\"" ID "\",1,\"done\",\"\",1,1]", "[\"x\",1,\"done\",\"\",1]",
		"[\"" ID "\",0,\"done\",\"\",1]", "[\"" ID "\",1,\"fine\",\"\",1]", "[\"" ID "\",1,\"done\",\"\",-1]",
		"[1,1,\"done\",\"\",1]", "[\"" ID "\",\"1\",\"done\",\"\",1]", "[\"" ID "\",1,\"done\",0,1]",
	};
	static payload back;
	char		text[512];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		int			len = snprintf(text, sizeof(text), "{\"v\":1,\"type\":\"ack\",\"meter\":\"m\",\"epoch\":1,\"seq\":1,"
								   "\"prev\":\"\",\"t\":1,\"ts\":\"S\",\"body\":%s}", bad[i]);

		if (payload_parse(ENVELOPE_JWS, (uint8_t *) text, (size_t) len, &back) != REFUSAL_BAD_BODY)
			fail_msg("not bad_body: %s", bad[i]);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(canonical), cmocka_unit_test(longest_text), cmocka_unit_test(no_commands),
		cmocka_unit_test(command_notes), cmocka_unit_test(resend_notes), cmocka_unit_test(acks),
		cmocka_unit_test(no_acks),
	};

	return cmocka_run_group_tests_name("command", tests, NULL, NULL);
}
