/*
 * payload_order.c: reads and writes the bodies of orders and of their cancellations.
 *
 * Whether the market takes the order is the database's to say: here only the form is
 * judged, the same on both sides.
 */
#include <string.h>

#include "core/payload.h"
#include "core/payload_item.h"

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

static bool
order_source_valid(const char *text, size_t len)
{
	return item_text_printable(text, len, ORDER_NAME_LEN_MAX);
}

static bool
order_number_valid(int64_t number)
{
	return number >= -ORDER_MONEY_MAX && number <= ORDER_MONEY_MAX;
}

/* ---- reading ---- */

static refusal
order_read_condition(field_reader *r, payload_condition *out)
{
	field_walk	w;
	refusal		why = field_enter(r, '[', &w);

	if (why == REFUSAL_NONE)
		why = item_read_text(r, &w, false, payload_meter_valid, out->partner);
	if (why == REFUSAL_NONE)
		why = item_read_text(r, &w, false, order_source_valid, out->source);
	if (why == REFUSAL_NONE)
		why = item_read_text(r, &w, false, payload_meter_valid, out->zone);
	if (why == REFUSAL_NONE)
		why = item_read_number(r, &w, &out->has_energy, &out->energy_wh);
	if (why == REFUSAL_NONE)
		why = item_read_number(r, &w, &out->has_price, &out->price_micro_per_kwh);
	if (why == REFUSAL_NONE)
		why = item_end(r, &w);
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
	refusal		why = item_next(r, outer);

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
		why = item_read_text(r, &w, true, payload_meter_valid, out->market);
	if (why == REFUSAL_NONE)
		why = item_read_number(r, &w, NULL, &out->slot_ms);
	if (why == REFUSAL_NONE)
		why = item_read_name(r, &w, order_side_names, ORDER_BID, ORDER_ASK, &side);
	if (why == REFUSAL_NONE)
		why = item_read_number(r, &w, NULL, &out->energy_wh);
	if (why == REFUSAL_NONE)
		why = item_read_number(r, &w, &out->has_price, &out->price_micro_per_kwh);
	if (why == REFUSAL_NONE)
		why = item_read_name(r, &w, order_kind_names, ORDER_LIMIT, ORDER_ALL_OR_NONE, &kind);
	if (why == REFUSAL_NONE)
		why = item_read_number(r, &w, &out->has_valid_until, &out->valid_until_ms);
	if (why == REFUSAL_NONE)
		why = item_read_text(r, &w, false, payload_meter_valid, out->partner);
	if (why == REFUSAL_NONE)
		why = item_read_number(r, &w, &out->has_partner_price, &out->partner_price_micro_per_kwh);
	if (why == REFUSAL_NONE)
		why = order_read_conditions(r, &w, out);
	if (why == REFUSAL_NONE)
		why = item_end(r, &w);
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
		why = item_read_number(r, &w, NULL, &epoch);
	if (why == REFUSAL_NONE)
		why = item_read_number(r, &w, NULL, &out->seq);
	if (why == REFUSAL_NONE)
		why = item_end(r, &w);
	if (why == REFUSAL_NONE && (epoch < 0 || epoch > UINT32_MAX || out->seq < 1))
		why = REFUSAL_BAD_BODY;
	out->epoch = (uint32_t) epoch;
	return why == REFUSAL_WRONG_TYPE ? REFUSAL_BAD_BODY : why;
}

/* ---- writing ---- */

bool
payload_order_writable(const payload_order *o)
{
	if (!item_name_writable(o->market, true) || !item_name_writable(o->partner, false) ||
		(o->side != ORDER_BID && o->side != ORDER_ASK) || o->kind < ORDER_LIMIT || o->kind > ORDER_ALL_OR_NONE ||
		o->condition_count < 0 || o->condition_count > ORDER_CONDITIONS_MAX || !order_valid(o))
		return false;
	for (int i = 0; i < o->condition_count; i++)
	{
		const payload_condition *c = &o->condition[i];

		if (!item_name_writable(c->partner, false) || !item_name_writable(c->zone, false) ||
			!item_text_writable(c->source, sizeof(c->source)) ||
			!order_number_valid(c->energy_wh) || !order_number_valid(c->price_micro_per_kwh) || (c->has_energy && c->energy_wh <= 0))
			return false;
	}
	return true;
}

void
payload_write_order(const payload_order *p, bool cbor, bytes_out *o)
{
	item_out	out;

	item_out_init(&out, o, cbor);
	item_put_list(&out, 10);
	item_put_text(&out, p->market);
	item_put_number(&out, true, p->slot_ms);
	item_put_text(&out, order_side_name(p->side));
	item_put_number(&out, true, p->energy_wh);
	item_put_number(&out, p->has_price, p->price_micro_per_kwh);
	item_put_text(&out, order_kind_name(p->kind));
	item_put_number(&out, p->has_valid_until, p->valid_until_ms);
	item_put_text(&out, p->partner);
	item_put_number(&out, p->has_partner_price, p->partner_price_micro_per_kwh);
	item_put_list(&out, p->condition_count);
	for (int i = 0; i < p->condition_count; i++)
	{
		const payload_condition *c = &p->condition[i];

		item_put_list(&out, 5);
		item_put_text(&out, c->partner);
		item_put_text(&out, c->source);
		item_put_text(&out, c->zone);
		item_put_number(&out, c->has_energy, c->energy_wh);
		item_put_number(&out, c->has_price, c->price_micro_per_kwh);
		item_put_end(&out);
	}
	item_put_end(&out);
	item_put_end(&out);
}

void
payload_write_cancel(const payload_cancel *p, bool cbor, bytes_out *o)
{
	item_out	out;

	item_out_init(&out, o, cbor);
	item_put_list(&out, 2);
	item_put_number(&out, true, p->epoch);
	item_put_number(&out, true, p->seq);
	item_put_end(&out);
}
