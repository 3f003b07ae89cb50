/*
 * meter_market.c: what a meter says to a market: orders for what it will measure.
 *
 * Before the readings of an interval a meter signs an order for it: a bid for what it
 * will take, an ask for what it will give, as it foresees it.  The forecast is what
 * its profile will measure, wrong by up to a fifth; its limits are its own and stay.
 * Some orders are taken back by the next message.  All of it follows from the seed, so
 * that the same command line signs the same orders.
 */
#include <inttypes.h>
#include <string.h>

#include "meter.h"

#define FORECAST_ERROR_PERMILLE 200
#define CANCEL_ONE_IN 50
#define PRICE_STEP 1000			/* limits are multiples of it */

/* Uses of a meter's noise that meter_profile.c has not. */
#define NOISE_BID_PRICE 2
#define NOISE_ASK_PRICE 3
#define NOISE_FORECAST 4

static int64_t
limit_price(const meter *m, const meter_range *range, uint64_t use)
{
	return meter_between(meter_mix(m->noise_key, use), range->low / PRICE_STEP, range->high / PRICE_STEP) * PRICE_STEP;
}

/* What m expects of a reading, in whole Wh, from what it will be. */
static int64_t
forecast_wh(const payload_reading *reading, uint64_t r)
{
	int64_t		wh = reading->value;

	for (int8_t scale = reading->scale; scale < 0; scale++)
		wh /= 10;
	return (wh * (1000 + meter_between(r, -FORECAST_ERROR_PERMILLE, FORECAST_ERROR_PERMILLE)) + 500) / 1000;
}

/* Past what will be nothing: false where the interval has no more to order. */
static bool
slot_part(meter *m, const payload_reading *reading, int count, uint64_t r)
{
	while (m->ordered_parts < count && forecast_wh(&reading[m->ordered_parts], r) == 0)
		m->ordered_parts++;
	return m->ordered_parts < count;
}

/*
 * The next order for an interval into p; false where there is none.  With the last
 * of them the interval is done: what is kept on disk beside that order says so, and an
 * order is not signed twice.
 */
static bool
slot_order(const meter_options *o, meter *m, const meter_slot *slot, payload *p)
{
	payload_reading reading[METER_READINGS_PER_SLOT_MAX];
	int			count = meter_profile_read(m, slot, reading);
	uint64_t	r = meter_mix(meter_mix(m->noise_key, NOISE_FORECAST), (uint64_t) slot->from_ms);
	bool		found = slot_part(m, reading, count, r);

	if (found)
	{
		const payload_reading *own = &reading[m->ordered_parts++];
		bool		is_bid = strcmp(own->obis, METER_OBIS_IMPORT) == 0;

		p->type = PAYLOAD_ORDER;
		memset(&p->order, 0, sizeof(p->order));
		strcpy(p->order.market, o->market);
		p->order.side = is_bid ? ORDER_BID : ORDER_ASK;
		p->order.kind = ORDER_LIMIT;
		p->order.slot_ms = slot->from_ms;
		p->order.energy_wh = forecast_wh(own, r);
		p->order.has_price = true;
		p->order.price_micro_per_kwh = is_bid ? limit_price(m, &o->bid_price, NOISE_BID_PRICE) :
			limit_price(m, &o->ask_price, NOISE_ASK_PRICE);
		if ((r >> 32) % CANCEL_ONE_IN == 0)
			m->cancel_seq = m->last_seq + 1;
	}
	if (!slot_part(m, reading, count, r))
	{
		m->ordered_to_ms = slot->to_ms;
		m->ordered_parts = 0;
	}
	return found;
}

bool
meter_market_next(const meter_fleet *f, meter *m, payload *p)
{
	const meter_options *o = f->options;
	const meter_slot *slot = f->series.slot;
	int			end;

	if (o->market == NULL || m->next_slot >= f->series.slot_count)
		return false;
	end = meter_fleet_message_end(f, m);
	/* Said before the first of these begins; the slot is the market's, whatever m's clock says. */
	p->reading_count = 0;
	p->t_ms = slot[m->next_slot].from_ms + o->clock_ms;
	if (m->cancel_seq != 0)
	{
		p->type = PAYLOAD_CANCEL;
		p->cancel.epoch = m->epoch;
		p->cancel.seq = (int64_t) m->cancel_seq;
		m->cancel_seq = 0;
		return true;
	}
	for (int i = m->next_slot; i < end; i++)
	{
		if (slot[i].from_ms < m->measured_to_ms || slot[i].from_ms < m->ordered_to_ms)
			continue;			/* signed already */
		if (slot_order(o, m, &slot[i], p))
			return true;
	}
	return false;
}

/* A roof belongs to the household of its number; a file's two meters are one household's. */
void
meter_market_party(const meter_fleet *f, const meter *m, char out[PAYLOAD_METER_LEN_MAX + 1])
{
	const char *number = strrchr(m->name, '-');

	if (m->kind == KIND_SHOP || m->kind == KIND_BATTERY)
		strcpy(out, m->name);
	else if (f->options->profile == PROFILE_FILE || number == NULL)
		snprintf(out, PAYLOAD_METER_LEN_MAX + 1, "%.40shome", f->options->prefix);
	else
		snprintf(out, PAYLOAD_METER_LEN_MAX + 1, "%.40shome%.20s", f->options->prefix, number);
}

/* The market has to be there.  A roof's household is said with its house. */
void
meter_market_print_member(const meter_fleet *f, const meter *m, FILE *out)
{
	char		party[PAYLOAD_METER_LEN_MAX + 1];

	if (m->kind == KIND_FILE_PV || (m->kind == KIND_SOLAR && f->options->profile == PROFILE_NEIGHBOURHOOD))
		return;
	meter_market_party(f, m, party);
	fprintf(out, "INSERT INTO energyledger.party (party) VALUES ('%s');\n", party);
	fprintf(out, "SELECT energyledger.set_member('%s', '%s');\n", f->options->market, party);
}
