/*
 * fuzz_payload.c: any bytes as a payload, in both encodings.
 *
 * What is accepted keeps the promises that the database builds on, and comes
 * back the same when it is written and read again, in either encoding.
 */
#include "fuzz.h"

#include "core/payload.h"

static payload said;
static payload again;
static uint8_t written[1 << 20];

static void
check_promises(const payload *p)
{
	FUZZ_CHECK(payload_meter_valid(p->meter, strlen(p->meter)));
	FUZZ_CHECK(p->seq >= 1 && p->seq <= INT64_MAX);
	FUZZ_CHECK(p->has_prev == (p->seq > 1));
	FUZZ_CHECK(p->type >= PAYLOAD_READING && p->type <= PAYLOAD_KEY);
	FUZZ_CHECK((p->type == PAYLOAD_READING) == (p->reading_count > 0));
	FUZZ_CHECK(p->reading_count <= PAYLOAD_READINGS_MAX);
	FUZZ_CHECK(p->type == PAYLOAD_KEY ? key_form_valid(p->key_algorithm, p->key, p->key_len) : p->key_len == 0);
	if (p->type == PAYLOAD_ORDER)
		FUZZ_CHECK(p->order.energy_wh > 0 && p->order.condition_count >= 0 && p->order.condition_count <= ORDER_CONDITIONS_MAX);
	if (p->type == PAYLOAD_CANCEL)
		FUZZ_CHECK(p->cancel.seq >= 1);
	for (int i = 0; i < p->reading_count; i++)
	{
		FUZZ_CHECK(p->reading[i].from_ms >= 0 && p->reading[i].from_ms <= p->reading[i].to_ms);
		FUZZ_CHECK(p->reading[i].scale >= -9 && p->reading[i].scale <= 9);
	}
}

static void
check_same(const payload *a, const payload *b)
{
	FUZZ_CHECK(a->type == b->type && strcmp(a->meter, b->meter) == 0);
	FUZZ_CHECK(a->epoch == b->epoch && a->seq == b->seq && a->has_prev == b->has_prev);
	FUZZ_CHECK(!a->has_prev || memcmp(a->prev, b->prev, sizeof(a->prev)) == 0);
	FUZZ_CHECK(a->t_ms == b->t_ms && a->clock_status == b->clock_status);
	FUZZ_CHECK(a->key_algorithm == b->key_algorithm && a->key_len == b->key_len);
	FUZZ_CHECK(memcmp(a->key, b->key, a->key_len) == 0);
	if (a->type == PAYLOAD_ORDER)
		FUZZ_CHECK(memcmp(&a->order, &b->order, sizeof(a->order)) == 0);
	if (a->type == PAYLOAD_CANCEL)
		FUZZ_CHECK(memcmp(&a->cancel, &b->cancel, sizeof(a->cancel)) == 0);
	FUZZ_CHECK(a->reading_count == b->reading_count);
	for (int i = 0; i < a->reading_count; i++)
	{
		const payload_reading *g = &a->reading[i];
		const payload_reading *h = &b->reading[i];

		FUZZ_CHECK(strcmp(g->obis, h->obis) == 0 && strcmp(g->unit, h->unit) == 0);
		FUZZ_CHECK(g->from_ms == h->from_ms && g->to_ms == h->to_ms && g->value == h->value);
		FUZZ_CHECK(g->scale == h->scale && g->status == h->status);
	}
}

static bool
has_escapes(const payload_order *o)
{
	for (int i = 0; i < o->condition_count; i++)
		if (strpbrk(o->condition[i].source, "\"\\") != NULL)
			return true;
	return false;
}

static void
try_payload(envelope_kind kind, const uint8_t *data, size_t size)
{
	refusal		why = payload_parse(kind, data, size, &said);

	/* also of what is refused the database copies as much as it says there is */
	FUZZ_CHECK(said.key_len <= sizeof(said.key) && said.reading_count <= PAYLOAD_READINGS_MAX);
	if (why != REFUSAL_NONE)
		return;
	FUZZ_CHECK(size <= MESSAGE_BYTES_MAX);
	check_promises(&said);
	if (said.type == PAYLOAD_TRANSFER || said.type == PAYLOAD_EVENT || said.type == PAYLOAD_ACK)
		return;
	/* a text that JSON would have to escape is not written */
	if (said.type == PAYLOAD_ORDER && has_escapes(&said.order))
		return;
	for (int other = ENVELOPE_COSE_SIGN1; other <= ENVELOPE_JWS; other++)
	{
		size_t		len = payload_write((envelope_kind) other, &said, written, sizeof(written));

		FUZZ_CHECK(len > 0);
		/* the other encoding may need more room than a message has */
		if (len > MESSAGE_BYTES_MAX)
			continue;
		FUZZ_CHECK(payload_parse((envelope_kind) other, written, len, &again) == REFUSAL_NONE);
		check_same(&said, &again);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_payload(ENVELOPE_COSE_SIGN1, data, size);
	try_payload(ENVELOPE_JWS, data, size);
	return 0;
}
