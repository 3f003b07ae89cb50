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

static bool
is_name(const char *text)
{
	return payload_meter_valid(text, strlen(text));
}

/* Said again in other words than payload_transfer.c's. */
static void
check_transfer(const payload_transfer *t)
{
	bool		of_certificates = t->operation != TRANSFER_ACCEPT && t->operation != TRANSFER_REFUSE && t->operation != TRANSFER_ASSET;

	FUZZ_CHECK(t->operation >= TRANSFER_TRANSFER && t->operation <= TRANSFER_ASSET);
	FUZZ_CHECK(t->range_count >= (of_certificates ? 1 : 0) && t->range_count <= (of_certificates ? TRANSFER_RANGES_MAX : 0));
	for (int i = 0; i < t->range_count; i++)
	{
		FUZZ_CHECK(is_name(t->range[i].device) && is_name(t->range[i].carrier));
		FUZZ_CHECK(t->range[i].first_id > 0 && t->range[i].last_id >= t->range[i].first_id && t->range[i].last_id <= INT64_C(1) << 62);
	}
	switch (t->operation)
	{
		case TRANSFER_CANCEL:
		case TRANSFER_RESERVE:
		case TRANSFER_RELEASE:
			FUZZ_CHECK(t->to[0] == '\0' && t->asset[0] == '\0');
			break;
		case TRANSFER_ASSET:
			FUZZ_CHECK(is_name(t->to) && is_name(t->asset) && t->has_share && !t->has_energy);
			break;
		default:
			FUZZ_CHECK(is_name(t->to) && t->asset[0] == '\0');
	}
	FUZZ_CHECK(!t->has_energy || (of_certificates && !t->has_share && t->energy_wh > 0));
	FUZZ_CHECK(!t->has_share || (t->share_ppm > 0 && t->share_ppm <= 1000000));
	FUZZ_CHECK(t->operation == TRANSFER_CANCEL || (t->beneficiary[0] == '\0' && t->purpose[0] == '\0' && !t->has_period));
	FUZZ_CHECK(strlen(t->beneficiary) <= 200 && strlen(t->purpose) <= 200);
	FUZZ_CHECK(!t->has_period || (t->from_ms >= 0 && t->from_ms < t->until_ms));
}

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
	if (p->type == PAYLOAD_TRANSFER)
		check_transfer(&p->transfer);
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
	if (a->type == PAYLOAD_TRANSFER)
		FUZZ_CHECK(a->transfer.range_count == b->transfer.range_count &&
				   memcmp(&a->transfer, &b->transfer, payload_transfer_size(&a->transfer)) == 0);
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
needs_escapes(const char *text)
{
	return strpbrk(text, "\"\\") != NULL;
}

static bool
has_escapes(const payload *p)
{
	for (int i = 0; p->type == PAYLOAD_ORDER && i < p->order.condition_count; i++)
		if (needs_escapes(p->order.condition[i].source))
			return true;
	return p->type == PAYLOAD_TRANSFER && (needs_escapes(p->transfer.beneficiary) || needs_escapes(p->transfer.purpose));
}

static void
try_payload(envelope_kind kind, const uint8_t *data, size_t size)
{
	refusal		why = payload_parse(kind, data, size, &said);

	/* also of what is refused the database copies as much as it says there is */
	FUZZ_CHECK(said.key_len <= sizeof(said.key) && said.reading_count <= PAYLOAD_READINGS_MAX);
	FUZZ_CHECK(said.transfer.range_count >= 0 && said.transfer.range_count <= TRANSFER_RANGES_MAX);
	if (why != REFUSAL_NONE)
		return;
	FUZZ_CHECK(size <= MESSAGE_BYTES_MAX);
	check_promises(&said);
	if (said.type == PAYLOAD_EVENT || said.type == PAYLOAD_ACK)
		return;
	/* a text that JSON would have to escape is not written */
	if (has_escapes(&said))
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
