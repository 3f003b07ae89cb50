/*
 * test_payload_order.c: orders and cancellations in both encodings: what is written
 * comes back, and each item's bounds.
 */
#include "unit.h"

#include "core/payload.h"

static payload said;
static payload read_back;
static uint8_t bytes[MESSAGE_BYTES_MAX];

static void
fill(payload *p)
{
	memset(p, 0, sizeof(*p));
	p->type = PAYLOAD_ORDER;
	strcpy(p->meter, "house-1");
	p->seq = 1;
	p->t_ms = INT64_C(1751328000000);
	p->clock_status = 'S';
	strcpy(p->order.market, "street");
	p->order.slot_ms = p->t_ms;
	p->order.side = ORDER_BID;
	p->order.kind = ORDER_LIMIT;
	p->order.energy_wh = 250;
}

static refusal
there_and_back(envelope_kind kind, const payload *p)
{
	size_t		len = payload_write(kind, p, bytes, sizeof(bytes));
	uint8_t    *exact;
	refusal		why;

	assert_true(len > 0);
	for (size_t n = 0; n < len; n++)
	{
		assert_int_equal(payload_write(kind, p, bytes, n), 0);
		exact = unit_exact(bytes, n);
		assert_int_not_equal(payload_parse(kind, exact, n, &read_back), REFUSAL_NONE);
		free(exact);
	}
	assert_int_equal(payload_write(kind, p, bytes, len), len);
	exact = unit_exact(bytes, len);
	memset(&read_back, 0, sizeof(read_back));
	why = payload_parse(kind, exact, len, &read_back);
	free(exact);
	return why;
}

static void
what_was_written_is_read(void **state)
{
	for (int kind = ENVELOPE_COSE_SIGN1; kind <= ENVELOPE_JWS; kind++)
	{
		fill(&said);
		assert_int_equal(there_and_back((envelope_kind) kind, &said), REFUSAL_NONE);
		assert_memory_equal(&read_back, &said, sizeof(said));

		said.order.side = ORDER_ASK;
		said.order.kind = ORDER_ALL_OR_NONE;
		said.order.energy_wh = INT64_MAX;
		said.order.has_price = said.order.has_valid_until = said.order.has_partner_price = true;
		said.order.price_micro_per_kwh = -ORDER_MONEY_MAX;
		said.order.partner_price_micro_per_kwh = ORDER_MONEY_MAX;
		said.order.valid_until_ms = said.t_ms - 1;
		strcpy(said.order.partner, "anna");
		said.order.condition_count = ORDER_CONDITIONS_MAX;
		for (int i = 1; i < ORDER_CONDITIONS_MAX; i++)
		{
			payload_condition *c = &said.order.condition[i];

			strcpy(c->partner, i % 2 ? "bert" : "");
			strcpy(c->source, i % 3 ? "solar, roof" : "");
			strcpy(c->zone, i % 5 ? "n1" : "");
			c->has_energy = i % 2 == 0;
			c->energy_wh = c->has_energy ? i : 0;
			c->has_price = i % 3 == 0;
			c->price_micro_per_kwh = c->has_price ? -i : 0;
		}
		assert_int_equal(there_and_back((envelope_kind) kind, &said), REFUSAL_NONE);
		assert_memory_equal(&read_back, &said, sizeof(said));

		memset(&said.order, 0, sizeof(said.order));
		said.type = PAYLOAD_CANCEL;
		said.cancel.epoch = UINT32_MAX;
		said.cancel.seq = INT64_MAX;
		assert_int_equal(there_and_back((envelope_kind) kind, &said), REFUSAL_NONE);
		assert_memory_equal(&read_back, &said, sizeof(said));
	}
}

static void
writer_refuses(void **state)
{
#define UNWRITABLE(change) \
	do { \
		fill(&said); \
		said.order.condition_count = 1; \
		change; \
		assert_int_equal(payload_write(ENVELOPE_JWS, &said, bytes, sizeof(bytes)), 0); \
	} while (0)

	UNWRITABLE(said.order.market[0] = '\0');
	UNWRITABLE(strcpy(said.order.market, "a b"));
	UNWRITABLE(strcpy(said.order.partner, "a\"b"));
	UNWRITABLE(said.order.side = 0);
	UNWRITABLE(said.order.kind = 4);
	UNWRITABLE(said.order.energy_wh = 0);
	UNWRITABLE(said.order.slot_ms = -1);
	UNWRITABLE(said.order.price_micro_per_kwh = ORDER_MONEY_MAX + 1);
	UNWRITABLE(said.order.condition_count = ORDER_CONDITIONS_MAX + 1);
	UNWRITABLE(strcpy(said.order.condition[0].source, "a\\b"));
	UNWRITABLE(strcpy(said.order.condition[0].source, "a\nb"));
	UNWRITABLE(strcpy(said.order.condition[0].zone, "a b"));
	UNWRITABLE(said.order.condition[0].has_energy = true);
	UNWRITABLE(said.type = PAYLOAD_CANCEL);
#undef UNWRITABLE
}

static refusal
parse(const char *type, const char *body)
{
	char		text[4096];
	uint8_t    *exact;
	size_t		len;
	refusal		why;

	snprintf(text, sizeof(text), "{\"v\":1,\"type\":\"%s\",\"meter\":\"m\",\"epoch\":0,\"seq\":1,\"prev\":\"\",\"t\":5,\"ts\":\"S\",\"body\":%s}", type, body);
	len = strlen(text);
	exact = unit_exact(text, len);
	why = payload_parse(ENVELOPE_JWS, exact, len, &read_back);
	free(exact);
	return why;
}

static void
each_item_is_checked(void **state)
{
	static const struct
	{
		const char *body;
		refusal		why;
	}			orders[] = {
		{"[\"m\",0,\"bid\",1,null,\"limit\",null,null,null,[]]", REFUSAL_NONE},
		{"[\"m\",0,\"bid\",1,-5,\"immediate_or_cancel\",9,\"p\",7,[[null,null,null,null,null]]]", REFUSAL_NONE},
		{"[\"m\",0,\"bid\",1,null,\"limit\",null,null,null,[],1]", REFUSAL_BAD_BODY},
		{"[\"m\",0,\"bid\",1,null,\"limit\",null,null,null]", REFUSAL_BAD_BODY},
		{"[]", REFUSAL_BAD_BODY}, {"{}", REFUSAL_BAD_BODY},
		{"[null,0,\"bid\",1,null,\"limit\",null,null,null,[]]", REFUSAL_BAD_BODY},
		{"[\"\",0,\"bid\",1,null,\"limit\",null,null,null,[]]", REFUSAL_BAD_BODY},
		{"[\"m m\",0,\"bid\",1,null,\"limit\",null,null,null,[]]", REFUSAL_BAD_BODY},
		{"[\"m\",null,\"bid\",1,null,\"limit\",null,null,null,[]]", REFUSAL_BAD_BODY},
		{"[\"m\",-1,\"bid\",1,null,\"limit\",null,null,null,[]]", REFUSAL_BAD_BODY},
		{"[\"m\",253402300800000,\"bid\",1,null,\"limit\",null,null,null,[]]", REFUSAL_BAD_BODY},
		{"[\"m\",0,\"buy\",1,null,\"limit\",null,null,null,[]]", REFUSAL_BAD_BODY},
		{"[\"m\",0,null,1,null,\"limit\",null,null,null,[]]", REFUSAL_BAD_BODY},
		{"[\"m\",0,\"bid\",0,null,\"limit\",null,null,null,[]]", REFUSAL_BAD_BODY},
		{"[\"m\",0,\"bid\",-1,null,\"limit\",null,null,null,[]]", REFUSAL_BAD_BODY},
		{"[\"m\",0,\"bid\",null,null,\"limit\",null,null,null,[]]", REFUSAL_BAD_BODY},
		{"[\"m\",0,\"bid\",1.5,null,\"limit\",null,null,null,[]]", REFUSAL_NOT_AN_INTEGER},
		{"[\"m\",0,\"bid\",9223372036854775808,null,\"limit\",null,null,null,[]]", REFUSAL_INTEGER_RANGE},
		{"[\"m\",0,\"bid\",1,999999999999999,\"limit\",null,null,null,[]]", REFUSAL_NONE},
		{"[\"m\",0,\"bid\",1,1000000000000000,\"limit\",null,null,null,[]]", REFUSAL_BAD_BODY},
		{"[\"m\",0,\"bid\",1,\"5\",\"limit\",null,null,null,[]]", REFUSAL_BAD_BODY},
		{"[\"m\",0,\"bid\",1,nul,\"limit\",null,null,null,[]]", REFUSAL_BAD_JSON},
		{"[\"m\",0,\"bid\",1,null,\"stop\",null,null,null,[]]", REFUSAL_BAD_BODY},
		{"[\"m\",0,\"bid\",1,null,\"limit\",-1,null,null,[]]", REFUSAL_BAD_BODY},
		{"[\"m\",0,\"bid\",1,null,\"limit\",null,\"a b\",null,[]]", REFUSAL_BAD_BODY},
		{"[\"m\",0,\"bid\",1,null,\"limit\",null,null,null,null]", REFUSAL_BAD_BODY},
		{"[\"m\",0,\"bid\",1,null,\"limit\",null,null,null,[[null,null,null,null]]]", REFUSAL_BAD_BODY},
		{"[\"m\",0,\"bid\",1,null,\"limit\",null,null,null,[[null,\"\\u0041\",null,null,null]]]", REFUSAL_NON_CANONICAL},
		{"[\"m\",0,\"bid\",1,null,\"limit\",null,null,null,[[null,null,null,0,null]]]", REFUSAL_BAD_BODY},
		{"[\"m\",0,\"bid\",1,null,\"limit\",null,null,null,[[null,null,null,null,true]]]", REFUSAL_BAD_BODY},
	};
	static const struct
	{
		const char *body;
		refusal		why;
	}			cancels[] = {
		{"[0,1]", REFUSAL_NONE}, {"[4294967295,9223372036854775807]", REFUSAL_NONE}, {"[4294967296,1]", REFUSAL_BAD_BODY},
		{"[-1,1]", REFUSAL_BAD_BODY}, {"[0,0]", REFUSAL_BAD_BODY}, {"[0]", REFUSAL_BAD_BODY}, {"[0,1,2]", REFUSAL_BAD_BODY},
		{"[0,null]", REFUSAL_BAD_BODY}, {"{}", REFUSAL_BAD_BODY}, {"[0,\"1\"]", REFUSAL_BAD_BODY},
	};
	char		many[4096] = "[\"m\",0,\"bid\",1,null,\"limit\",null,null,null,[";

	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++)
	{
		refusal		why = parse("order", orders[i].body);

		if (why != orders[i].why)
			fail_msg("%s: %s, not %s", orders[i].body, refusal_name(why), refusal_name(orders[i].why));
	}
	for (size_t i = 0; i < sizeof(cancels) / sizeof(cancels[0]); i++)
	{
		refusal		why = parse("cancel", cancels[i].body);

		if (why != cancels[i].why)
			fail_msg("%s: %s, not %s", cancels[i].body, refusal_name(why), refusal_name(cancels[i].why));
	}
	for (int i = 0; i <= ORDER_CONDITIONS_MAX; i++)
		strcat(many, i == 0 ? "[null,null,null,1,1]" : ",[null,null,null,1,1]");
	strcat(many, "]]");
	assert_int_equal(parse("order", many), REFUSAL_BAD_BODY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_written_is_read),
		cmocka_unit_test(writer_refuses),
		cmocka_unit_test(each_item_is_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
