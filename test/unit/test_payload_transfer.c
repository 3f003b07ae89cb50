/*
 * test_payload_transfer.c: transfers in both encodings: what is written comes back, each
 * item's bounds, and which items an operation may have.
 */
#define _GNU_SOURCE				/* memmem */
#include "unit.h"

#include "core/payload.h"
#include "core/payload_field.h"

static payload said;
static payload read_back;
static uint8_t bytes[1 << 16];

static void
fill(payload *p, transfer_operation operation)
{
	payload_transfer *t = &p->transfer;

	memset(p, 0, sizeof(*p));
	p->type = PAYLOAD_TRANSFER;
	strcpy(p->meter, "house-1");
	p->seq = 1;
	p->t_ms = INT64_C(1751328000000);
	p->clock_status = 'S';
	t->operation = operation;
	if (operation == TRANSFER_TRANSFER || operation == TRANSFER_CLAIM || operation >= TRANSFER_ACCEPT)
		strcpy(t->to, "bert");
	if (operation == TRANSFER_ASSET)
	{
		strcpy(t->asset, "roof:1");
		t->has_share = true;
		t->share_ppm = 1;
	}
	if (operation <= TRANSFER_RELEASE)
	{
		t->range_count = 1;
		strcpy(t->range[0].device, "solar-1");
		strcpy(t->range[0].carrier, "electricity");
		t->range[0].first_id = t->range[0].last_id = 1;
	}
}

/* Every shorter room and every shorter message fails; the whole comes back the same. */
static void
there_and_back(envelope_kind kind, bool each_length)
{
	size_t		len = payload_write(kind, &said, bytes, sizeof(bytes));
	uint8_t    *exact;

	assert_true(len > 0);
	for (size_t n = each_length ? 0 : len - 1; n < len; n++)
	{
		assert_int_equal(payload_write(kind, &said, bytes, n), 0);
		exact = unit_exact(bytes, n);
		assert_int_not_equal(payload_parse(kind, exact, n, &read_back), REFUSAL_NONE);
		assert_in_range(read_back.transfer.range_count, 0, TRANSFER_RANGES_MAX);
		free(exact);
	}
	assert_int_equal(payload_write(kind, &said, bytes, len), len);
	exact = unit_exact(bytes, len);
	/* what was there before, a longer one also, leaves no trace */
	memset(&read_back, 0xAA, sizeof(read_back));
	assert_int_equal(payload_parse(kind, exact, len, &read_back), REFUSAL_NONE);
	free(exact);
	assert_int_equal(read_back.transfer.range_count, said.transfer.range_count);
	assert_memory_equal(&read_back.transfer, &said.transfer, payload_transfer_size(&said.transfer));
	assert_memory_equal(&read_back, &said, offsetof(payload, reading));
}

static void
what_was_written_is_read(void **state)
{
	for (int kind = ENVELOPE_COSE_SIGN1; kind <= ENVELOPE_JWS; kind++)
	{
		for (int operation = TRANSFER_TRANSFER; operation <= TRANSFER_ASSET; operation++)
		{
			fill(&said, (transfer_operation) operation);
			there_and_back((envelope_kind) kind, true);
		}
		fill(&said, TRANSFER_CLAIM);
		said.transfer.has_energy = true;
		said.transfer.energy_wh = TRANSFER_ID_MAX;
		there_and_back((envelope_kind) kind, true);

		fill(&said, TRANSFER_CANCEL);
		said.transfer.has_share = true;
		said.transfer.share_ppm = TRANSFER_SHARE_PPM_MAX;
		memset(said.transfer.beneficiary, 'b', TRANSFER_TEXT_LEN_MAX);
		strcpy(said.transfer.purpose, "B\xC3\xBCro, 2025");
		said.transfer.has_period = true;
		said.transfer.from_ms = 0;
		said.transfer.until_ms = INT64_C(253402300799999);
		there_and_back((envelope_kind) kind, true);

		/* as many as there may be, and these fit a message; what is refused next forgets them */
		fill(&said, TRANSFER_RESERVE);
		said.transfer.range_count = TRANSFER_RANGES_MAX;
		for (int i = 0; i < TRANSFER_RANGES_MAX; i++)
		{
			transfer_range *g = &said.transfer.range[i];

			snprintf(g->device, sizeof(g->device), "solar-%d", i);
			memset(g->carrier, 'c', i % 2 ? 1 : TRANSFER_NAME_LEN_MAX);
			g->first_id = i + 1;
			g->last_id = TRANSFER_ID_MAX - i;
		}
		there_and_back((envelope_kind) kind, false);
		assert_int_not_equal(payload_parse((envelope_kind) kind, bytes, 20, &read_back), REFUSAL_NONE);
		assert_int_equal(read_back.transfer.range_count, 0);
	}
}

static void
writer_refuses(void **state)
{
#define UNWRITABLE(operation, change) \
	do { \
		payload_transfer *t = &said.transfer; \
		fill(&said, operation); \
		assert_int_not_equal(payload_write(ENVELOPE_JWS, &said, bytes, sizeof(bytes)), 0); \
		change; \
		assert_int_equal(payload_write(ENVELOPE_JWS, &said, bytes, sizeof(bytes)), 0); \
		assert_int_equal(payload_write(ENVELOPE_COSE_SIGN1, &said, bytes, sizeof(bytes)), 0); \
	} while (0)

	UNWRITABLE(TRANSFER_TRANSFER, t->operation = 0);
	UNWRITABLE(TRANSFER_ACCEPT, t->operation = TRANSFER_ASSET + 1);
	UNWRITABLE(TRANSFER_TRANSFER, t->to[0] = '\0');
	UNWRITABLE(TRANSFER_TRANSFER, strcpy(t->to, "a\"b"));
	UNWRITABLE(TRANSFER_TRANSFER, memset(t->to, 'a', sizeof(t->to)));
	UNWRITABLE(TRANSFER_CANCEL, strcpy(t->to, "bert"));
	UNWRITABLE(TRANSFER_TRANSFER, t->range_count = 0);
	UNWRITABLE(TRANSFER_TRANSFER, t->range_count = TRANSFER_RANGES_MAX + 1);
	UNWRITABLE(TRANSFER_TRANSFER, t->range_count = -1);
	UNWRITABLE(TRANSFER_REFUSE, t->range_count = 1);
	UNWRITABLE(TRANSFER_TRANSFER, t->range[0].device[0] = '\0');
	UNWRITABLE(TRANSFER_TRANSFER, strcpy(t->range[0].carrier, "a b"));
	UNWRITABLE(TRANSFER_TRANSFER, t->range[0].first_id = 0);
	UNWRITABLE(TRANSFER_TRANSFER, t->range[0].first_id = 2);
	UNWRITABLE(TRANSFER_TRANSFER, t->range[0].last_id = TRANSFER_ID_MAX + 1);
	UNWRITABLE(TRANSFER_TRANSFER, t->has_energy = true);
	UNWRITABLE(TRANSFER_TRANSFER, t->energy_wh = 1);
	UNWRITABLE(TRANSFER_TRANSFER, t->has_share = t->has_energy = true; t->share_ppm = t->energy_wh = 1);
	UNWRITABLE(TRANSFER_ACCEPT, t->has_energy = true; t->energy_wh = 1);
	UNWRITABLE(TRANSFER_ASSET, t->share_ppm = TRANSFER_SHARE_PPM_MAX + 1);
	UNWRITABLE(TRANSFER_ASSET, t->has_share = false; t->share_ppm = 0);
	UNWRITABLE(TRANSFER_ASSET, t->asset[0] = '\0');
	UNWRITABLE(TRANSFER_ASSET, strcpy(t->asset, "a\\b"));
	UNWRITABLE(TRANSFER_ACCEPT, strcpy(t->asset, "roof"));
	UNWRITABLE(TRANSFER_CLAIM, strcpy(t->beneficiary, "b"));
	UNWRITABLE(TRANSFER_CANCEL, strcpy(t->beneficiary, "a\"b"));
	UNWRITABLE(TRANSFER_CANCEL, strcpy(t->purpose, "a\nb"));
	UNWRITABLE(TRANSFER_CANCEL, memset(t->purpose, 'p', sizeof(t->purpose)));
	UNWRITABLE(TRANSFER_CANCEL, t->until_ms = 1);
	UNWRITABLE(TRANSFER_CANCEL, t->has_period = true; t->from_ms = t->until_ms = 5);
	UNWRITABLE(TRANSFER_RELEASE, t->has_period = true; t->until_ms = 5);
#undef UNWRITABLE
}

static refusal
parse(const char *body)
{
	static char text[1 << 16];
	uint8_t    *exact;
	size_t		len;
	refusal		why;
	refusal		alone;

	snprintf(text, sizeof(text), "{\"v\":1,\"type\":\"transfer\",\"meter\":\"m\",\"epoch\":0,\"seq\":1,\"prev\":\"\",\"t\":5,\"ts\":\"S\",\"body\":%s}", body);
	len = strlen(text);
	exact = unit_exact(text, len);
	why = payload_parse(ENVELOPE_JWS, exact, len, &read_back);
	free(exact);
	/* the body alone is judged the same */
	exact = unit_exact(body, strlen(body));
	alone = payload_transfer_parse((char *) exact, strlen(body), &read_back.transfer);
	free(exact);
	if (alone != why)
		fail_msg("%s: %s, alone %s", body, refusal_name(why), refusal_name(alone));
	return why;
}

typedef struct expected
{
	const char *body;
	refusal		why;
} expected;

static void
check_all(const expected *all, size_t count)
{
	for (size_t i = 0; i < count; i++)
	{
		refusal		why = parse(all[i].body);

		if (why != all[i].why)
			fail_msg("%s: %s, not %s", all[i].body, refusal_name(why), refusal_name(all[i].why));
	}
}

#define ONE "[[\"d\",\"e\",1,9]]"
#define RANGE(range) "[\"reserve\",[" range "],null,null,null,null,null,null,null]"
#define REST "null,null,null,null,null,null]"

static void
each_item_is_checked(void **state)
{
	static const expected all[] = {
		{RANGE("[\"d\",\"e\",1,9]"), REFUSAL_NONE},
		{RANGE("[\"d\",\"e\",1,1],[\"d\",\"f\",4611686018427387904,4611686018427387904]"), REFUSAL_NONE},
		{RANGE("[\"d\",\"e\",1,4611686018427387905]"), REFUSAL_BAD_BODY},
		{RANGE("[\"d\",\"e\",0,9]"), REFUSAL_BAD_BODY},
		{RANGE("[\"d\",\"e\",-1,9]"), REFUSAL_BAD_BODY},
		{RANGE("[\"d\",\"e\",9,8]"), REFUSAL_BAD_BODY},
		{RANGE("[\"d\",\"e\",1,9],[\"d\",\"e\",2,1]"), REFUSAL_BAD_BODY},
		{RANGE("[\"d\",\"e\",1.0,9]"), REFUSAL_NOT_AN_INTEGER},
		{RANGE("[\"d\",\"e\",1,9223372036854775808]"), REFUSAL_INTEGER_RANGE},
		{RANGE("[\"d\",\"e\",\"1\",9]"), REFUSAL_BAD_BODY},
		{RANGE("[\"d\",\"e\",null,9]"), REFUSAL_BAD_BODY},
		{RANGE("[\"d\",\"e\",1,null]"), REFUSAL_BAD_BODY},
		{RANGE("[\"d\",\"e\",1]"), REFUSAL_BAD_BODY},
		{RANGE("[\"d\",\"e\",1,9,9]"), REFUSAL_BAD_BODY},
		{RANGE("[]"), REFUSAL_BAD_BODY},
		{RANGE(""), REFUSAL_BAD_BODY},
		{RANGE("null"), REFUSAL_BAD_BODY},
		{RANGE("{}"), REFUSAL_BAD_BODY},
		{RANGE("[null,\"e\",1,9]"), REFUSAL_BAD_BODY},
		{RANGE("[\"\",\"e\",1,9]"), REFUSAL_BAD_BODY},
		{RANGE("[\"d d\",\"e\",1,9]"), REFUSAL_BAD_BODY},
		{RANGE("[\"d\",null,1,9]"), REFUSAL_BAD_BODY},
		{RANGE("[\"d\",\"\",1,9]"), REFUSAL_BAD_BODY},
		{RANGE("[\"d\",\"e/f\",1,9]"), REFUSAL_BAD_BODY},
		{RANGE("[5,\"e\",1,9]"), REFUSAL_BAD_BODY},
		{RANGE("[\"d\",\"\\u0065\",1,9]"), REFUSAL_NON_CANONICAL},
		{"[\"reserve\",null,null," REST, REFUSAL_BAD_BODY},
		{"[\"reserve\",{},null," REST, REFUSAL_BAD_BODY},
		{"[\"reserve\",5,null," REST, REFUSAL_BAD_BODY},
		/* the list itself */
		{"[]", REFUSAL_BAD_BODY},
		{"{}", REFUSAL_BAD_BODY},
		{"[\"reserve\"]", REFUSAL_BAD_BODY},
		{"[\"reserve\"," ONE ",null,null,null,null,null,null]", REFUSAL_BAD_BODY},
		{"[\"reserve\"," ONE ",null,null,null,null,null,null,null,null]", REFUSAL_BAD_BODY},
		{"[\"reserve\"," ONE ",nul,null,null,null,null,null,null]", REFUSAL_BAD_JSON},
		{"[\"steal\"," ONE ",null," REST, REFUSAL_BAD_BODY},
		{"[\"Reserve\"," ONE ",null," REST, REFUSAL_BAD_BODY},
		{"[\"\"," ONE ",null," REST, REFUSAL_BAD_BODY},
		{"[null," ONE ",null," REST, REFUSAL_BAD_BODY},
		{"[4," ONE ",null," REST, REFUSAL_BAD_BODY},
		/* energy and share */
		{"[\"reserve\"," ONE ",null,1,null,null,null,null,null]", REFUSAL_NONE},
		{"[\"reserve\"," ONE ",null,4611686018427387904,null,null,null,null,null]", REFUSAL_NONE},
		{"[\"reserve\"," ONE ",null,4611686018427387905,null,null,null,null,null]", REFUSAL_BAD_BODY},
		{"[\"reserve\"," ONE ",null,0,null,null,null,null,null]", REFUSAL_BAD_BODY},
		{"[\"reserve\"," ONE ",null,-1,null,null,null,null,null]", REFUSAL_BAD_BODY},
		{"[\"reserve\"," ONE ",null,true,null,null,null,null,null]", REFUSAL_BAD_BODY},
		{"[\"reserve\"," ONE ",null,null,1,null,null,null,null]", REFUSAL_NONE},
		{"[\"reserve\"," ONE ",null,null,1000000,null,null,null,null]", REFUSAL_NONE},
		{"[\"reserve\"," ONE ",null,null,1000001,null,null,null,null]", REFUSAL_BAD_BODY},
		{"[\"reserve\"," ONE ",null,null,0,null,null,null,null]", REFUSAL_BAD_BODY},
		{"[\"reserve\"," ONE ",null,null,-1,null,null,null,null]", REFUSAL_BAD_BODY},
		{"[\"reserve\"," ONE ",null,null,\"1\",null,null,null,null]", REFUSAL_BAD_BODY},
		{"[\"reserve\"," ONE ",null,1,1,null,null,null,null]", REFUSAL_BAD_BODY},
		/* whom it is for, and when */
		{"[\"cancel\"," ONE ",null,null,null,\"A. B.\",\"x, y\",0,1]", REFUSAL_NONE},
		{"[\"cancel\"," ONE ",null,null,null,\"A\",null,null,null]", REFUSAL_NONE},
		{"[\"cancel\"," ONE ",null,null,null,null,\"x\",null,null]", REFUSAL_NONE},
		{"[\"cancel\"," ONE ",null,null,null,\"\",null,null,null]", REFUSAL_BAD_BODY},
		{"[\"cancel\"," ONE ",null,null,null,\"\x7F\",null,null,null]", REFUSAL_BAD_BODY},
		{"[\"cancel\"," ONE ",null,null,null,5,null,null,null]", REFUSAL_BAD_BODY},
		{"[\"cancel\"," ONE ",null,null,null,null,\"\",null,null]", REFUSAL_BAD_BODY},
		{"[\"cancel\"," ONE ",null,null,null,null,\"a\\\"b\",null,null]", REFUSAL_NON_CANONICAL},
		{"[\"cancel\"," ONE ",null,null,null,null,[],null,null]", REFUSAL_BAD_BODY},
		{"[\"cancel\"," ONE ",null,null,null,null,null,0,null]", REFUSAL_BAD_BODY},
		{"[\"cancel\"," ONE ",null,null,null,null,null,null,1]", REFUSAL_BAD_BODY},
		{"[\"cancel\"," ONE ",null,null,null,null,null,5,5]", REFUSAL_BAD_BODY},
		{"[\"cancel\"," ONE ",null,null,null,null,null,6,5]", REFUSAL_BAD_BODY},
		{"[\"cancel\"," ONE ",null,null,null,null,null,-1,5]", REFUSAL_BAD_BODY},
		{"[\"cancel\"," ONE ",null,null,null,null,null,0,253402300799999]", REFUSAL_NONE},
		{"[\"cancel\"," ONE ",null,null,null,null,null,0,253402300800000]", REFUSAL_BAD_BODY},
		{"[\"cancel\"," ONE ",null,null,null,null,null,\"0\",1]", REFUSAL_BAD_BODY},
		/* who gets it */
		{"[\"transfer\"," ONE ",\"b\"," REST, REFUSAL_NONE},
		{"[\"transfer\"," ONE ",\"b b\"," REST, REFUSAL_BAD_BODY},
		{"[\"transfer\"," ONE ",\"\"," REST, REFUSAL_BAD_BODY},
		{"[\"transfer\"," ONE ",7," REST, REFUSAL_BAD_BODY},
		/* plants */
		{"[\"transfer_asset\",\"roof\",\"b\",1]", REFUSAL_NONE},
		{"[\"transfer_asset\",\"roof\",\"b\",1000000]", REFUSAL_NONE},
		{"[\"transfer_asset\",\"roof\",\"b\",1000001]", REFUSAL_BAD_BODY},
		{"[\"transfer_asset\",\"roof\",\"b\",0]", REFUSAL_BAD_BODY},
		{"[\"transfer_asset\",\"roof\",\"b\",null]", REFUSAL_BAD_BODY},
		{"[\"transfer_asset\",\"roof\",\"b\"]", REFUSAL_BAD_BODY},
		{"[\"transfer_asset\",\"roof\",\"b\",1,null]", REFUSAL_BAD_BODY},
		{"[\"transfer_asset\",null,\"b\",1]", REFUSAL_BAD_BODY},
		{"[\"transfer_asset\",\"my roof\",\"b\",1]", REFUSAL_BAD_BODY},
		{"[\"transfer_asset\",\"roof\",null,1]", REFUSAL_BAD_BODY},
		{"[\"transfer_asset\",[],\"b\",null,1,null,\"roof\",null,null]", REFUSAL_BAD_BODY},
	};

	check_all(all, sizeof(all) / sizeof(all[0]));
}

/* Every operation with and without every item. */
static void
operations_have_their_items(void **state)
{
	static const struct
	{
		const char *name;
		bool		ranges;
		bool		to;
		bool		amount;
		bool		of_cancel;
	}			operations[] = {
		{"transfer", true, true, true, false}, {"cancel", true, false, true, true}, {"claim", true, true, true, false},
		{"reserve", true, false, true, false}, {"release", true, false, true, false},
		{"accept", false, true, false, false}, {"refuse", false, true, false, false},
	};

	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
		for (unsigned has = 0; has < 1 << 7; has++)
		{
			bool		sound = operations[i].ranges == (has & 1) && operations[i].to == (has >> 1 & 1) &&
				(has & 12) != 12 && (operations[i].amount || (has & 12) == 0) && (operations[i].of_cancel || has >> 4 == 0);
			char		body[256];

			snprintf(body, sizeof(body), "[\"%s\",%s,%s,%s,%s,%s,%s,%s]", operations[i].name, has & 1 ? ONE : "[]",
					 has & 2 ? "\"b\"" : "null", has & 4 ? "7" : "null", has & 8 ? "7" : "null",
					 has & 16 ? "\"B\"" : "null", has & 32 ? "\"P\"" : "null", has & 64 ? "1,2" : "null,null");
			if ((parse(body) == REFUSAL_NONE) != sound)
				fail_msg("%s is%s taken", body, sound ? " not" : "");
		}
}

static void
lengths_are_bounded(void **state)
{
	static char body[1 << 16];
	char		name[TRANSFER_NAME_LEN_MAX + 2] = "";
	char		text[TRANSFER_TEXT_LEN_MAX + 2] = "";

	for (int over = 0; over <= 1; over++)
	{
		refusal		why = over ? REFUSAL_BAD_BODY : REFUSAL_NONE;

		memset(name, 'n', TRANSFER_NAME_LEN_MAX + (size_t) over);
		memset(text, 't', TRANSFER_TEXT_LEN_MAX + (size_t) over);
		snprintf(body, sizeof(body), "[\"reserve\",[[\"%s\",\"e\",1,1]],null," REST, name);
		assert_int_equal(parse(body), why);
		snprintf(body, sizeof(body), "[\"reserve\",[[\"d\",\"%s\",1,1]],null," REST, name);
		assert_int_equal(parse(body), why);
		snprintf(body, sizeof(body), "[\"accept\",[],\"%s\"," REST, name);
		assert_int_equal(parse(body), why);
		snprintf(body, sizeof(body), "[\"transfer_asset\",\"%s\",\"b\",1]", name);
		assert_int_equal(parse(body), why);
		snprintf(body, sizeof(body), "[\"cancel\"," ONE ",null,null,null,\"%s\",null,null,null]", text);
		assert_int_equal(parse(body), why);
		snprintf(body, sizeof(body), "[\"cancel\"," ONE ",null,null,null,null,\"%s\",null,null]", text);
		assert_int_equal(parse(body), why);
		strcpy(body, "[\"release\",[");
		for (int i = 0; i < TRANSFER_RANGES_MAX + over; i++)
			strcat(body, i == 0 ? "[\"d\",\"e\",1,1]" : ",[\"d\",\"e\",1,1]");
		strcat(body, "],null," REST);
		assert_int_equal(parse(body), why);
		assert_int_equal(read_back.transfer.range_count, over ? 0 : TRANSFER_RANGES_MAX);
	}
}

/* A body alone ends where it ends. */
static void
a_body_alone_is_whole(void **state)
{
	const char *body = "[\"accept\",[],\"b\"," REST " ,";

	assert_int_equal(payload_transfer_parse(body, strlen(body), &read_back.transfer), REFUSAL_TRAILING_BYTES);
	assert_int_equal(payload_transfer_parse(body, strlen(body) - 1, &read_back.transfer), REFUSAL_NONE);
	assert_int_not_equal(payload_transfer_parse(body, 0, &read_back.transfer), REFUSAL_NONE);
}

/* What JSON cannot say is said in CBOR: the same items, other types. */
static void
cbor_items_are_checked(void **state)
{
	static const struct
	{
		const char *from;
		const char *to;
		size_t		len;
		refusal		why;
	}			changes[] = {
		{"\x67" "solar-1", "\x47" "solar-1", 8, REFUSAL_BAD_BODY},	/* bytes, not text */
		{"\x67" "solar-1", "\x67" "sol\0r-1", 8, REFUSAL_BAD_BODY},
		{"\x67" "solar-1", "\x67" "sol\xFFr-1", 8, REFUSAL_BAD_UTF8},
		{"\x64" "text", "\x64" "t\"\\t", 5, REFUSAL_NONE},	/* a text, though JSON has none such without an escape */
		{"\x64" "text", "\x64" "t\0xt", 5, REFUSAL_BAD_BODY},
		{"\x64" "text", "\x64" "t\x1Fxt", 5, REFUSAL_BAD_BODY},
		{"\x64" "text", "\x44" "text", 5, REFUSAL_BAD_BODY},
		{"\x66" "cancel", "\x66" "cancxl", 7, REFUSAL_BAD_BODY},
		{"\x66" "cancel", "\x46" "cancel", 7, REFUSAL_BAD_BODY},
		{"\x84\x67", "\x85\x67", 2, REFUSAL_BAD_BODY},
		{"\x84\x67", "\x83\x67", 2, REFUSAL_BAD_BODY},
		{"\xF6\x18\x2A\xF6", "\xF6\x18\x2A\xF5", 4, REFUSAL_BAD_BODY},
		{"\xF6\x18\x2A\xF6", "\xF6\x18\x2A\x01", 4, REFUSAL_BAD_BODY},
		{"\xF6\x18\x2A\xF6", "\x01\x18\x2A\xF6", 4, REFUSAL_BAD_BODY},
	};
	size_t		len;

	fill(&said, TRANSFER_CANCEL);
	said.transfer.has_energy = true;
	said.transfer.energy_wh = 42;
	strcpy(said.transfer.purpose, "text");
	len = payload_write(ENVELOPE_COSE_SIGN1, &said, bytes, sizeof(bytes));
	assert_true(len > 0);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
	{
		uint8_t    *exact = unit_exact(bytes, len);
		uint8_t    *at = memmem(exact, len, changes[i].from, changes[i].len);
		refusal		why;

		assert_non_null(at);
		memcpy(at, changes[i].to, changes[i].len);
		why = payload_parse(ENVELOPE_COSE_SIGN1, exact, len, &read_back);
		free(exact);
		/* a count that lies is found out by what follows, which is then no field or too short */
		if (changes[i].why != why && !(changes[i].from[0] == '\x84' && why != REFUSAL_NONE))
			fail_msg("change %zu: %s, not %s", i, refusal_name(why), refusal_name(changes[i].why));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_written_is_read),
		cmocka_unit_test(writer_refuses),
		cmocka_unit_test(each_item_is_checked),
		cmocka_unit_test(operations_have_their_items),
		cmocka_unit_test(lengths_are_bounded),
		cmocka_unit_test(a_body_alone_is_whole),
		cmocka_unit_test(cbor_items_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
