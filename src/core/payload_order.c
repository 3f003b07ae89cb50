/*
 * payload_order.c: reads and writes the bodies of orders and of their cancellations.
 *
 * Whether the market takes the order is the database's to say: here only the form is
 * judged, the same on both sides.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/payload.h"
#include "core/payload_field.h"

static const char *const order_side_names[] = {[ORDER_BID] = "bid",[ORDER_ASK] = "ask"};
static const char *const order_kind_names[] = {
	[ORDER_LIMIT] = "limit",[ORDER_IMMEDIATE_OR_CANCEL] = "immediate_or_cancel",[ORDER_ALL_OR_NONE] = "all_or_none"
};

const char *
order_side_name(order_side side)
{
	return side == ORDER_BID || side == ORDER_ASK ? order_side_names[side] : "unknown";
}

const char *
order_kind_name(order_kind kind)
{
	return kind >= ORDER_LIMIT && kind <= ORDER_ALL_OR_NONE ? order_kind_names[kind] : "unknown";
}

/* The number of a name among first to last, 0 where it is none of them. */
static int
order_find(const char *const *names, int first, int last, const char *text, size_t len)
{
	for (int i = first; i <= last; i++)
	{
		if (len == strlen(names[i]) && memcmp(text, names[i], len) == 0)
			return i;
	}
	return 0;
}

static bool
order_source_valid(const char *text, size_t len)
{
	if (len == 0 || len > ORDER_NAME_LEN_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char) text[i] < 0x20 || text[i] == 0x7F)
			return false;
	return true;
}

static bool
order_number_valid(int64_t number)
{
	return number >= -ORDER_MONEY_MAX && number <= ORDER_MONEY_MAX;
}

/* ---- reading ---- */

typedef bool (*order_text_valid) (const char *text, size_t len);

/* The list's next item; REFUSAL_BAD_BODY where there is none. */
static refusal
order_next(field_reader *r, field_walk *w)
{
	bool		more = false;
	refusal		why = field_more(r, w, &more);

	return why == REFUSAL_NONE && !more ? REFUSAL_BAD_BODY : why;
}

static refusal
order_read_end(field_reader *r, field_walk *w)
{
	bool		more = false;
	refusal		why = field_more(r, w, &more);

	return why == REFUSAL_NONE && more ? REFUSAL_BAD_BODY : why;
}

/* A text, or null, which is "" then where that is allowed. */
static refusal
order_read_text(field_reader *r, field_walk *w, bool required, order_text_valid valid, char *out)
{
	const char *text = "";
	size_t		len = 0;
	bool		null = false;
	refusal		why = order_next(r, w);

	if (why == REFUSAL_NONE)
		why = field_read_null(r, &null);
	if (why != REFUSAL_NONE || null)
		return why == REFUSAL_NONE && required ? REFUSAL_BAD_BODY : why;
	why = field_read_text(r, &text, &len);
	if (why == REFUSAL_NONE && !valid(text, len))
		why = REFUSAL_BAD_BODY;
	if (why == REFUSAL_NONE)
		memcpy(out, text, len);
	return why;
}

/* A number, or null where has is given. */
static refusal
order_read_number(field_reader *r, field_walk *w, bool *has, int64_t *out)
{
	bool		null = false;
	refusal		why = order_next(r, w);

	if (why == REFUSAL_NONE && has != NULL)
		why = field_read_null(r, &null);
	if (why == REFUSAL_NONE && !null)
		why = field_read_int(r, out);
	if (has != NULL)
		*has = why == REFUSAL_NONE && !null;
	return why;
}

static refusal
order_read_name(field_reader *r, field_walk *w, const char *const *names, int first, int last, int *out)
{
	const char *text = "";
	size_t		len = 0;
	refusal		why = order_next(r, w);

	if (why == REFUSAL_NONE)
		why = field_read_text(r, &text, &len);
	*out = why == REFUSAL_NONE ? order_find(names, first, last, text, len) : 0;
	return why == REFUSAL_NONE && *out == 0 ? REFUSAL_BAD_BODY : why;
}

static refusal
order_read_condition(field_reader *r, payload_condition *out)
{
	field_walk	w;
	refusal		why = field_enter(r, '[', &w);

	if (why == REFUSAL_NONE)
		why = order_read_text(r, &w, false, payload_meter_valid, out->partner);
	if (why == REFUSAL_NONE)
		why = order_read_text(r, &w, false, order_source_valid, out->source);
	if (why == REFUSAL_NONE)
		why = order_read_text(r, &w, false, payload_meter_valid, out->zone);
	if (why == REFUSAL_NONE)
		why = order_read_number(r, &w, &out->has_energy, &out->energy_wh);
	if (why == REFUSAL_NONE)
		why = order_read_number(r, &w, &out->has_price, &out->price_micro_per_kwh);
	if (why == REFUSAL_NONE)
		why = order_read_end(r, &w);
	if (why == REFUSAL_NONE && (!order_number_valid(out->energy_wh) || !order_number_valid(out->price_micro_per_kwh) ||
								(out->has_energy && out->energy_wh <= 0)))
		why = REFUSAL_BAD_BODY;
	return why;
}

static refusal
order_read_conditions(field_reader *r, field_walk *outer, payload_order *out)
{
	field_walk	w;
	bool		more = false;
	refusal		why = order_next(r, outer);

	if (why == REFUSAL_NONE)
		why = field_enter(r, '[', &w);
	while (why == REFUSAL_NONE)
	{
		why = field_more(r, &w, &more);
		if (why != REFUSAL_NONE || !more)
			break;
		if (out->condition_count == ORDER_CONDITIONS_MAX)
			return REFUSAL_BAD_BODY;
		why = order_read_condition(r, &out->condition[out->condition_count]);
		if (why == REFUSAL_NONE)
			out->condition_count++;
	}
	return why;
}

static bool
order_valid(const payload_order *o)
{
	return payload_time_valid(o->slot_ms) && o->energy_wh > 0 && order_number_valid(o->price_micro_per_kwh) &&
		order_number_valid(o->partner_price_micro_per_kwh) && payload_time_valid(o->valid_until_ms);
}

refusal
payload_read_order(field_reader *r, payload_order *out)
{
	field_walk	w;
	int			side = 0;
	int			kind = 0;
	refusal		why;

	memset(out, 0, sizeof(*out));
	why = field_enter(r, '[', &w);
	if (why == REFUSAL_NONE)
		why = order_read_text(r, &w, true, payload_meter_valid, out->market);
	if (why == REFUSAL_NONE)
		why = order_read_number(r, &w, NULL, &out->slot_ms);
	if (why == REFUSAL_NONE)
		why = order_read_name(r, &w, order_side_names, ORDER_BID, ORDER_ASK, &side);
	if (why == REFUSAL_NONE)
		why = order_read_number(r, &w, NULL, &out->energy_wh);
	if (why == REFUSAL_NONE)
		why = order_read_number(r, &w, &out->has_price, &out->price_micro_per_kwh);
	if (why == REFUSAL_NONE)
		why = order_read_name(r, &w, order_kind_names, ORDER_LIMIT, ORDER_ALL_OR_NONE, &kind);
	if (why == REFUSAL_NONE)
		why = order_read_number(r, &w, &out->has_valid_until, &out->valid_until_ms);
	if (why == REFUSAL_NONE)
		why = order_read_text(r, &w, false, payload_meter_valid, out->partner);
	if (why == REFUSAL_NONE)
		why = order_read_number(r, &w, &out->has_partner_price, &out->partner_price_micro_per_kwh);
	if (why == REFUSAL_NONE)
		why = order_read_conditions(r, &w, out);
	if (why == REFUSAL_NONE)
		why = order_read_end(r, &w);
	out->side = (order_side) side;
	out->kind = (order_kind) kind;
	if (why == REFUSAL_NONE && !order_valid(out))
		why = REFUSAL_BAD_BODY;
	return why == REFUSAL_WRONG_TYPE ? REFUSAL_BAD_BODY : why;
}

refusal
payload_read_cancel(field_reader *r, payload_cancel *out)
{
	field_walk	w;
	int64_t		epoch = 0;
	refusal		why;

	memset(out, 0, sizeof(*out));
	why = field_enter(r, '[', &w);
	if (why == REFUSAL_NONE)
		why = order_read_number(r, &w, NULL, &epoch);
	if (why == REFUSAL_NONE)
		why = order_read_number(r, &w, NULL, &out->seq);
	if (why == REFUSAL_NONE)
		why = order_read_end(r, &w);
	if (why == REFUSAL_NONE && (epoch < 0 || epoch > UINT32_MAX || out->seq < 1))
		why = REFUSAL_BAD_BODY;
	out->epoch = (uint32_t) epoch;
	return why == REFUSAL_WRONG_TYPE ? REFUSAL_BAD_BODY : why;
}

/* ---- writing ---- */

static bool
order_name_writable(const char *name, bool required)
{
	return name[0] == '\0' ? !required : payload_meter_valid(name, strnlen(name, ORDER_NAME_LEN_MAX + 1));
}

bool
payload_order_writable(const payload_order *o)
{
	if (!order_name_writable(o->market, true) || !order_name_writable(o->partner, false) ||
		(o->side != ORDER_BID && o->side != ORDER_ASK) || o->kind < ORDER_LIMIT || o->kind > ORDER_ALL_OR_NONE ||
		o->condition_count < 0 || o->condition_count > ORDER_CONDITIONS_MAX || !order_valid(o))
		return false;
	for (int i = 0; i < o->condition_count; i++)
	{
		const payload_condition *c = &o->condition[i];
		size_t		len = strnlen(c->source, sizeof(c->source));

		if (!order_name_writable(c->partner, false) || !order_name_writable(c->zone, false) ||
			(len > 0 && (!order_source_valid(c->source, len) || memchr(c->source, '"', len) != NULL || memchr(c->source, '\\', len) != NULL)) ||
			!order_number_valid(c->energy_wh) || !order_number_valid(c->price_micro_per_kwh) || (c->has_energy && c->energy_wh <= 0))
			return false;
	}
	return true;
}

/* One way to put an item, whichever the encoding. */
typedef struct order_out
{
	bytes_out  *o;
	bool		cbor;
	bool		first;			/* JSON: of its list */
} order_out;

static void
order_put_raw(order_out *out, const char *text)
{
	bytes_put(out->o, text, strlen(text));
}

static void
order_put_separator(order_out *out)
{
	if (!out->cbor && !out->first)
		order_put_raw(out, ",");
	out->first = false;
}

static void
order_put_list(order_out *out, int count)
{
	order_put_separator(out);
	out->first = true;
	if (out->cbor)
		cbor_put_head(out->o, CBOR_ARRAY, (uint64_t) count);
	else
		order_put_raw(out, "[");
}

static void
order_put_end(order_out *out)
{
	if (!out->cbor)
		order_put_raw(out, "]");
	out->first = false;
}

static void
order_put_null(order_out *out)
{
	order_put_separator(out);
	if (out->cbor)
		cbor_put_head(out->o, CBOR_SIMPLE, CBOR_NULL);
	else
		order_put_raw(out, "null");
}

static void
order_put_number(order_out *out, bool has, int64_t number)
{
	char		text[24];

	if (!has)
	{
		order_put_null(out);
		return;
	}
	order_put_separator(out);
	if (out->cbor)
		cbor_put_int(out->o, number);
	else
	{
		snprintf(text, sizeof(text), "%" PRId64, number);
		order_put_raw(out, text);
	}
}

static void
order_put_text(order_out *out, const char *text)
{
	if (text[0] == '\0')
	{
		order_put_null(out);
		return;
	}
	order_put_separator(out);
	if (out->cbor)
	{
		cbor_put_string(out->o, CBOR_TEXT, text, strlen(text));
		return;
	}
	order_put_raw(out, "\"");
	order_put_raw(out, text);
	order_put_raw(out, "\"");
}

void
payload_write_order(const payload_order *p, bool cbor, bytes_out *o)
{
	order_out	out = {.o = o,.cbor = cbor,.first = true};

	order_put_list(&out, 10);
	order_put_text(&out, p->market);
	order_put_number(&out, true, p->slot_ms);
	order_put_text(&out, order_side_name(p->side));
	order_put_number(&out, true, p->energy_wh);
	order_put_number(&out, p->has_price, p->price_micro_per_kwh);
	order_put_text(&out, order_kind_name(p->kind));
	order_put_number(&out, p->has_valid_until, p->valid_until_ms);
	order_put_text(&out, p->partner);
	order_put_number(&out, p->has_partner_price, p->partner_price_micro_per_kwh);
	order_put_list(&out, p->condition_count);
	for (int i = 0; i < p->condition_count; i++)
	{
		const payload_condition *c = &p->condition[i];

		order_put_list(&out, 5);
		order_put_text(&out, c->partner);
		order_put_text(&out, c->source);
		order_put_text(&out, c->zone);
		order_put_number(&out, c->has_energy, c->energy_wh);
		order_put_number(&out, c->has_price, c->price_micro_per_kwh);
		order_put_end(&out);
	}
	order_put_end(&out);
	order_put_end(&out);
}

void
payload_write_cancel(const payload_cancel *p, bool cbor, bytes_out *o)
{
	order_out	out = {.o = o,.cbor = cbor,.first = true};

	order_put_list(&out, 2);
	order_put_number(&out, true, p->epoch);
	order_put_number(&out, true, p->seq);
	order_put_end(&out);
}
