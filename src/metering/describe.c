/*
 * describe.c: what a message says, as JSON, without believing it.
 *
 * It goes through the same readers as ingest, so it shows what ingest would see;
 * of a refused message it shows what was read before the refusal.
 */
#include "postgres.h"
#include "compat.h"

#include "utils/json.h"

#include "core/envelope.h"
#include "core/payload.h"
#include "core/sha256.h"
#include "metering/describe.h"

static void
describe_hex(StringInfo out, const char *name, const uint8 *bytes, size_t len)
{
	appendStringInfo(out, ",\"%s\":\"", name);
	for (size_t i = 0; i < len; i++)
		appendStringInfo(out, "%02x", bytes[i]);
	appendStringInfoChar(out, '"');
}

/* kid is the sender's own text or bytes: text where it is printable ASCII, else hex. */
static void
describe_key_id(StringInfo out, const envelope *e)
{
	char	   *text;

	if (e->key_id == NULL)
		return;
	for (size_t i = 0; i < e->key_id_len; i++)
	{
		if (e->key_id[i] < 0x20 || e->key_id[i] > 0x7E)
		{
			describe_hex(out, "kid_hex", e->key_id, e->key_id_len);
			return;
		}
	}
	text = pnstrdup((const char *) e->key_id, e->key_id_len);
	appendStringInfoString(out, ",\"kid\":");
	escape_json(out, text);
	pfree(text);
}

static void
describe_reading(StringInfo out, const payload_reading *g)
{
	appendStringInfo(out, "{\"obis\":\"%s\",\"from\":%lld,\"to\":%lld,\"value\":%lld,"
					 "\"scale\":%d,\"unit\":\"%s\",\"status\":\"%c\"}",
					 g->obis, (long long) g->from_ms, (long long) g->to_ms,
					 (long long) g->value, g->scale, g->unit, g->status);
}

static void
describe_ack(StringInfo out, const payload_ack *a)
{
	appendStringInfo(out, ",\"body\":{\"id\":\"%s\",\"counter\":%lld,\"result\":\"%s\",\"detail\":",
					 a->id, (long long) a->counter, ack_result_name(a->result));
	escape_json(out, a->detail);
	appendStringInfo(out, ",\"at\":%lld}", (long long) a->at_ms);
}

/* Other texts of a payload are of alphabets that need no escaping. */
static void
describe_payload(StringInfo out, const payload *p)
{
	if (p->type != 0)
		appendStringInfo(out, ",\"type\":\"%s\"", payload_type_name(p->type));
	if (p->meter[0] != '\0')
		appendStringInfo(out, ",\"meter\":\"%s\"", p->meter);
	if (p->seq != 0)
		appendStringInfo(out, ",\"epoch\":%u,\"seq\":%llu", p->epoch, (unsigned long long) p->seq);
	if (p->has_prev)
		describe_hex(out, "prev", p->prev, sizeof(p->prev));
	if (p->clock_status != '\0')
		appendStringInfo(out, ",\"t\":%lld,\"ts\":\"%c\"", (long long) p->t_ms, p->clock_status);
	if (p->type == PAYLOAD_ACK && p->ack.at_ms != 0)
		describe_ack(out, &p->ack);
	if (p->reading_count == 0)
		return;
	appendStringInfoString(out, ",\"body\":[");
	for (int i = 0; i < p->reading_count; i++)
	{
		if (i > 0)
			appendStringInfoChar(out, ',');
		describe_reading(out, &p->reading[i]);
	}
	appendStringInfoChar(out, ']');
}

void
describe_message(StringInfo out, const uint8 *message, size_t len)
{
	uint8	   *scratch = palloc(ENVELOPE_SCRATCH_BYTES);
	payload    *said = palloc(sizeof(*said));
	uint8		digest[SHA256_LEN];
	envelope	e;
	refusal		why = envelope_parse(message, len, scratch, &e);

	sha256_of(message, len, digest);
	appendStringInfo(out, "{\"bytes\":%zu", len);
	describe_hex(out, "digest", digest, sizeof(digest));
	if (e.kind != 0)
		appendStringInfo(out, ",\"envelope\":\"%s\"", envelope_kind_name(e.kind));
	if (e.algorithm != 0)
		appendStringInfo(out, ",\"algorithm\":\"%s\"", envelope_algorithm_name(e.algorithm));
	if (why == REFUSAL_NONE)
	{
		describe_key_id(out, &e);
		why = payload_parse(e.kind, e.payload, e.payload_len, said);
		describe_payload(out, said);
	}
	if (why != REFUSAL_NONE)
		appendStringInfo(out, ",\"reason\":\"%s\"", refusal_name(why));
	appendStringInfoChar(out, '}');
	pfree(said);
	pfree(scratch);
}
