/*
 * meter_orders.c: the state that commands leave in a meter: switch, limits, credit,
 * display, and what waits for its time.
 *
 * Commands are timed by the system's clock, while the load that is played has a calendar
 * of its own: what is in force when a reading is signed is what shows in it.  Energy is
 * counted in millionths of a Wh, so that nothing is rounded away.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/bytes.h"
#include "meter_orders.h"

#define UWH_PER_WH INT64_C(1000000)
#define TAKEN_BITS 64

meter_orders *
meter_orders_of(meter *m)
{
	if (m->orders == NULL)
		m->orders = calloc(1, sizeof(meter_orders));
	if (m->orders == NULL)
	{
		meter_error("out of memory");
		exit(1);
	}
	return m->orders;
}

/* ---- counters ---- */

/* What is too old to be remembered counts as known: it is not answered again. */
bool
meter_orders_knows(const meter_orders *o, int64_t counter)
{
	int64_t		back = o->counter - counter;

	return back >= 0 && (back >= TAKEN_BITS || (o->taken >> back & 1) != 0);
}

void
meter_orders_remember(meter_orders *o, int64_t counter)
{
	int64_t		ahead = counter - o->counter;

	if (ahead > 0)
	{
		o->taken = ahead >= TAKEN_BITS ? 0 : o->taken << ahead;
		o->counter = counter;
	}
	if (o->counter - counter < TAKEN_BITS)
		o->taken |= UINT64_C(1) << (o->counter - counter);
}

/* ---- carrying out ---- */

static ack_result
apply_limit(meter_limit *l, const command *c, int64_t now_ms)
{
	int64_t		until_ms = c->duration_s > 0 ? now_ms + c->duration_s * 1000 : c->until_ms;

	if (until_ms > 0 && until_ms <= now_ms)
		return ACK_EXPIRED;
	*l = (meter_limit) {true, c->power_w, until_ms};
	return ACK_DONE;
}

ack_result
meter_orders_apply(meter_orders *o, const command *c, int64_t now_ms, char detail[ACK_DETAIL_LEN_MAX + 1])
{
	detail[0] = '\0';
	switch (c->type)
	{
		case COMMAND_RELAY:
			if (c->relay != 1)
			{
				snprintf(detail, ACK_DETAIL_LEN_MAX + 1, "no relay %d", c->relay);
				return ACK_UNSUPPORTED;
			}
			o->off = !c->on;
			return ACK_DONE;
		case COMMAND_LIMIT:
			return apply_limit(&o->limit[c->is_export], c, now_ms);
		case COMMAND_LIMIT_END:
			o->limit[c->is_export].set = false;
			return ACK_DONE;
		case COMMAND_CREDIT:
			if (!o->prepaid)
				o->used_uwh = 0;
			o->prepaid = true;
			o->cutoff = c->cutoff;
			o->total_wh = c->total_wh;
			snprintf(detail, ACK_DETAIL_LEN_MAX + 1, "%" PRId64 " Wh left",
					 c->total_wh - o->used_uwh / UWH_PER_WH);
			return ACK_DONE;
		case COMMAND_CREDIT_END:
			o->prepaid = false;
			return ACK_DONE;
		case COMMAND_TEXT:
			strcpy(o->text, c->text);
			return ACK_DONE;
		case COMMAND_CANCEL:
			break;				/* the caller's: it has two answers */
	}
	return ACK_UNSUPPORTED;
}

int
meter_orders_find(const meter_orders *o, const char *id)
{
	for (int i = 0; i < o->held_count; i++)
		if (strcmp(o->held[i].id, id) == 0)
			return i;
	return -1;
}

void
meter_orders_drop(meter_orders *o, int i)
{
	o->held_count--;
	memmove(&o->held[i], &o->held[i + 1], sizeof(held_command) * (size_t) (o->held_count - i));
}

/* ---- obeying ---- */

static int64_t
reading_uwh(const payload_reading *g)
{
	int64_t		uwh = g->value;

	for (int8_t scale = g->scale; scale > -6; scale--)
		uwh *= 10;
	return uwh;
}

static void
reading_set_uwh(payload_reading *g, int64_t uwh)
{
	int			scale = -6;

	while (scale < 0 && uwh % 10 == 0)
	{
		uwh /= 10;
		scale++;
	}
	g->value = uwh;
	g->scale = (int8_t) scale;
}

void
meter_orders_obey(meter_orders *o, int64_t now_ms, payload_reading *reading, int count)
{
	for (int i = 0; i < count; i++)
	{
		payload_reading *g = &reading[i];
		bool		is_export = strcmp(g->obis, "1-0:2.8.0") == 0;
		meter_limit *l = &o->limit[is_export];
		int64_t		before = reading_uwh(g);
		int64_t		uwh = o->off ? 0 : before;

		if (l->set && l->until_ms > 0 && l->until_ms <= now_ms)
			l->set = false;
		if (l->set)
		{
			/* W times ms are 3.6 millionths of a Wh; down to whole Wh, as loads are played */
			int64_t		most = l->power_w * (g->to_ms - g->from_ms) / 3600000 * UWH_PER_WH;

			uwh = uwh > most ? most : uwh;
		}
		if (o->prepaid && !is_export)
		{
			int64_t		left = o->total_wh * UWH_PER_WH - o->used_uwh;

			if (o->cutoff && uwh > left)
				uwh = left > 0 ? left : 0;
			o->used_uwh += uwh;
		}
		if (uwh != before)
			reading_set_uwh(g, uwh);
	}
}

/* ---- as bytes ---- */

static void
put_number(bytes_out *b, int64_t v)
{
	bytes_put_u64(b, (uint64_t) v);
}

static void
put_text(bytes_out *b, const char *text)
{
	bytes_put_lp(b, text, strlen(text));
}

size_t
meter_orders_write(const meter_orders *o, uint8_t *out, size_t cap)
{
	bytes_out	b;

	bytes_out_init(&b, out, cap);
	put_text(&b, o->operator_name);
	put_number(&b, o->counter);
	put_number(&b, (int64_t) o->taken);
	bytes_put_u8(&b, (uint8_t) (o->off | o->prepaid << 1 | o->cutoff << 2 | o->limit[0].set << 3 | o->limit[1].set << 4));
	for (int i = 0; i < 2; i++)
	{
		put_number(&b, o->limit[i].power_w);
		put_number(&b, o->limit[i].until_ms);
	}
	put_number(&b, o->total_wh);
	put_number(&b, o->used_uwh);
	put_text(&b, o->text);
	bytes_put_u32(&b, (uint32_t) o->held_count);
	for (int i = 0; i < o->held_count; i++)
	{
		const held_command *h = &o->held[i];
		char		text[COMMAND_BYTES_MAX + 1];

		put_text(&b, h->id);
		put_number(&b, h->counter);
		put_number(&b, h->not_before_ms);
		put_number(&b, h->expires_ms);
		bytes_put_lp(&b, text, command_write(&h->what, text, sizeof(text)));
	}
	return b.overflow ? 0 : b.len;
}

static int64_t
take_number(bytes_in *in)
{
	return (int64_t) bytes_take_u64(in);
}

/* cap with the NUL. */
static void
take_text(bytes_in *in, char *out, size_t cap)
{
	uint32_t	len = bytes_take_u32(in);
	const uint8_t *text = len < cap ? bytes_take(in, len) : NULL;

	out[0] = '\0';
	if (text == NULL)
	{
		in->short_of = true;
		return;
	}
	memcpy(out, text, len);
	out[len] = '\0';
}

bool
meter_orders_read(meter_orders *o, const uint8_t *data, size_t len)
{
	bytes_in	r;
	uint8_t		flags;

	bytes_in_init(&r, data, len);
	memset(o, 0, sizeof(*o));
	take_text(&r, o->operator_name, sizeof(o->operator_name));
	o->counter = take_number(&r);
	o->taken = (uint64_t) take_number(&r);
	flags = bytes_take_u8(&r);
	o->off = flags & 1;
	o->prepaid = flags >> 1 & 1;
	o->cutoff = flags >> 2 & 1;
	for (int i = 0; i < 2; i++)
	{
		o->limit[i].set = flags >> (3 + i) & 1;
		o->limit[i].power_w = take_number(&r);
		o->limit[i].until_ms = take_number(&r);
	}
	o->total_wh = take_number(&r);
	o->used_uwh = take_number(&r);
	take_text(&r, o->text, sizeof(o->text));
	o->held_count = (int) bytes_take_u32(&r);
	if (o->held_count < 0 || o->held_count > ORDERS_HELD_MAX)
		return false;
	for (int i = 0; i < o->held_count; i++)
	{
		held_command *h = &o->held[i];
		char		text[COMMAND_BYTES_MAX + 1];

		take_text(&r, h->id, sizeof(h->id));
		h->counter = take_number(&r);
		h->not_before_ms = take_number(&r);
		h->expires_ms = take_number(&r);
		take_text(&r, text, sizeof(text));
		if (r.short_of || command_parse_canonical(text, strlen(text), &h->what) != NULL)
			return false;
	}
	return !r.short_of && r.at == r.end;
}
