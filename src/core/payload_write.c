/*
 * payload_write.c: writes a payload as CBOR or JSON, for meters and tests.
 *
 * What it writes is what payload.c reads: the same checks stand on both sides,
 * so a meter finds out before it signs, not from a quarantine.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base64.h"
#include "core/payload.h"
#include "core/payload_field.h"

static bool
payload_reading_writable(const payload_reading *g)
{
	return payload_obis_valid(g->obis, strnlen(g->obis, sizeof(g->obis))) &&
		payload_unit_valid(g->unit, strnlen(g->unit, sizeof(g->unit))) &&
		payload_time_valid(g->from_ms) && payload_time_valid(g->to_ms) &&
		g->from_ms <= g->to_ms &&
		payload_scale_valid(g->scale) && payload_status_valid(g->status);
}

static bool
payload_writable(const payload *p)
{
	if (!payload_meter_valid(p->meter, strnlen(p->meter, sizeof(p->meter))) ||
		p->seq < 1 || p->seq > INT64_MAX || p->has_prev != (p->seq > 1) ||
		!payload_time_valid(p->t_ms) || !payload_clock_status_valid(p->clock_status))
		return false;
	if (p->type == PAYLOAD_ACK)
		return payload_ack_writable(&p->ack);
	if (p->type == PAYLOAD_ORDER)
		return payload_order_writable(&p->order);
	if (p->type == PAYLOAD_CANCEL)
		return p->cancel.seq >= 1;
	if (p->type == PAYLOAD_TRANSFER)
		return payload_transfer_writable(&p->transfer);
	if (p->type == PAYLOAD_KEY)
		return p->key_len <= sizeof(p->key) && key_form_valid(p->key_algorithm, p->key, p->key_len);
	if (p->type != PAYLOAD_READING || p->reading_count < 1 || p->reading_count > PAYLOAD_READINGS_MAX)
		return false;
	for (int i = 0; i < p->reading_count; i++)
	{
		if (!payload_reading_writable(&p->reading[i]))
			return false;
	}
	return true;
}

static void
payload_put_cbor_text(bytes_out *o, const char *text)
{
	cbor_put_string(o, CBOR_TEXT, text, strlen(text));
}

/* Of an order, a cancel or a transfer; false: it is none of them. */
static bool
payload_put_items(const payload *p, bool cbor, bytes_out *o)
{
	if (p->type == PAYLOAD_ORDER)
		payload_write_order(&p->order, cbor, o);
	else if (p->type == PAYLOAD_CANCEL)
		payload_write_cancel(&p->cancel, cbor, o);
	else if (p->type == PAYLOAD_TRANSFER)
		payload_write_transfer(&p->transfer, cbor, o);
	else
		return false;
	return true;
}

static void
payload_put_cbor_body(const payload *p, bytes_out *o)
{
	if (p->type == PAYLOAD_ACK)
	{
		payload_write_ack_cbor(&p->ack, o);
		return;
	}
	if (payload_put_items(p, true, o))
		return;
	if (p->type == PAYLOAD_KEY)
	{
		cbor_put_head(o, CBOR_ARRAY, 2);
		payload_put_cbor_text(o, envelope_algorithm_name(p->key_algorithm));
		cbor_put_string(o, CBOR_BYTES, p->key, p->key_len);
		return;
	}
	cbor_put_head(o, CBOR_ARRAY, (uint64_t) p->reading_count);
	for (int i = 0; i < p->reading_count; i++)
	{
		const payload_reading *g = &p->reading[i];

		cbor_put_head(o, CBOR_ARRAY, 7);
		payload_put_cbor_text(o, g->obis);
		cbor_put_int(o, g->from_ms);
		cbor_put_int(o, g->to_ms);
		cbor_put_int(o, g->value);
		cbor_put_int(o, g->scale);
		payload_put_cbor_text(o, g->unit);
		cbor_put_string(o, CBOR_TEXT, &g->status, 1);
	}
}

static void
payload_write_cbor(const payload *p, bytes_out *o)
{
	cbor_put_head(o, CBOR_MAP, FIELD_COUNT);
	cbor_put_int(o, FIELD_V);
	cbor_put_int(o, 1);
	cbor_put_int(o, FIELD_TYPE);
	payload_put_cbor_text(o, payload_type_name(p->type));
	cbor_put_int(o, FIELD_METER);
	payload_put_cbor_text(o, p->meter);
	cbor_put_int(o, FIELD_EPOCH);
	cbor_put_int(o, p->epoch);
	cbor_put_int(o, FIELD_SEQ);
	cbor_put_int(o, (int64_t) p->seq);
	cbor_put_int(o, FIELD_PREV);
	cbor_put_string(o, CBOR_BYTES, p->prev, p->has_prev ? sizeof(p->prev) : 0);
	cbor_put_int(o, FIELD_T);
	cbor_put_int(o, p->t_ms);
	cbor_put_int(o, FIELD_TS);
	cbor_put_string(o, CBOR_TEXT, &p->clock_status, 1);
	cbor_put_int(o, FIELD_BODY);
	payload_put_cbor_body(p, o);
}

/* printf into the writer; marked as overflown where it does not fit. */
static void payload_printf(bytes_out *o, const char *format,...)
			__attribute__((format(printf, 2, 3)));

static void
payload_printf(bytes_out *o, const char *format,...)
{
	char		piece[256];		/* the longest piece: two names and four numbers */
	va_list		args;
	int			len;

	va_start(args, format);
	len = vsnprintf(piece, sizeof(piece), format, args);
	va_end(args);
	if (len < 0 || (size_t) len >= sizeof(piece))
		o->overflow = true;
	else
		bytes_put(o, piece, (size_t) len);
}

static void
payload_write_json(const payload *p, bytes_out *o)
{
	char		prev[BASE64_LEN(sizeof(p->prev)) + 1];
	size_t		prev_len = 0;

	if (p->has_prev)
		prev_len = base64url_encode(p->prev, sizeof(p->prev), prev, sizeof(prev));
	payload_printf(o, "{\"v\":1,\"type\":\"%s\",\"meter\":\"%s\",\"epoch\":%" PRIu32 ",\"seq\":%" PRIu64 ",",
				   payload_type_name(p->type), p->meter, p->epoch, p->seq);
	payload_printf(o, "\"prev\":\"%.*s\",\"t\":%" PRId64 ",\"ts\":\"%c\",\"body\":",
				   (int) prev_len, prev, p->t_ms, p->clock_status);
	if (p->type == PAYLOAD_ACK)
	{
		payload_write_ack_json(&p->ack, o);
		payload_printf(o, "}");
		return;
	}
	if (payload_put_items(p, false, o))
	{
		payload_printf(o, "}");
		return;
	}
	payload_printf(o, "[");
	if (p->type == PAYLOAD_KEY)
	{
		char		key[BASE64_LEN(sizeof(p->key)) + 1];
		size_t		len = base64url_encode(p->key, p->key_len, key, sizeof(key));

		payload_printf(o, "\"%s\",\"%.*s\"", envelope_algorithm_name(p->key_algorithm), (int) len, key);
	}
	for (int i = 0; i < p->reading_count; i++)
	{
		const payload_reading *g = &p->reading[i];

		payload_printf(o, "%s[\"%s\",%" PRId64 ",%" PRId64 ",%" PRId64 ",%d,\"%s\",\"%c\"]",
					   i > 0 ? "," : "", g->obis, g->from_ms, g->to_ms, g->value,
					   g->scale, g->unit, g->status);
	}
	payload_printf(o, "]}");
}

size_t
payload_write(envelope_kind kind, const payload *p, uint8_t *out, size_t cap)
{
	bytes_out	o;

	if (kind == ENVELOPE_OCMF || !payload_writable(p))
		return 0;
	bytes_out_init(&o, out, cap);
	if (kind == ENVELOPE_COSE_SIGN1)
		payload_write_cbor(p, &o);
	else
		payload_write_json(p, &o);
	return o.overflow ? 0 : o.len;
}
