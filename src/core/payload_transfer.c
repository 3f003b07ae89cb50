/*
 * payload_transfer.c: reads and writes the body of a transfer.
 *
 * Whose certificates these are, whether there are any and what state they are in is
 * the database's to say: here only the form is judged, the same on both sides.  An
 * item that an operation has no use for is refused, so that nobody signs what
 * nobody reads.
 *
 * Ranges are many and large; a message of another type does not pay for them, as
 * nothing here is cleared but what is filled next.
 */
#include <string.h>

#include "core/payload.h"
#include "core/payload_item.h"

#define TRANSFER_FIRST TRANSFER_TRANSFER
#define TRANSFER_LAST TRANSFER_ASSET

static const char *const transfer_operation_names[] = {
	[TRANSFER_TRANSFER] = "transfer", [TRANSFER_CANCEL] = "cancel", [TRANSFER_CLAIM] = "claim",
	[TRANSFER_RESERVE] = "reserve", [TRANSFER_RELEASE] = "release", [TRANSFER_ACCEPT] = "accept",
	[TRANSFER_REFUSE] = "refuse", [TRANSFER_ASSET] = "transfer_asset",
};

const char *
transfer_operation_name(transfer_operation operation)
{
	return operation >= TRANSFER_FIRST && operation <= TRANSFER_LAST ? transfer_operation_names[operation] : "unknown";
}

/* ---- what is sound ---- */

static bool
transfer_text_valid(const char *text, size_t len)
{
	return item_text_printable(text, len, TRANSFER_TEXT_LEN_MAX);
}

static bool
transfer_has_ranges(const payload_transfer *t)
{
	return t->operation >= TRANSFER_TRANSFER && t->operation <= TRANSFER_RELEASE;
}

static bool
transfer_has_to(const payload_transfer *t)
{
	return t->operation != TRANSFER_CANCEL && t->operation != TRANSFER_RESERVE && t->operation != TRANSFER_RELEASE;
}

/* Numbers that are not said are 0. */
static bool
transfer_amount_valid(const payload_transfer *t)
{
	if (t->has_energy ? t->energy_wh < 1 || t->energy_wh > TRANSFER_ID_MAX : t->energy_wh != 0)
		return false;
	if (t->has_share ? t->share_ppm < 1 || t->share_ppm > TRANSFER_SHARE_PPM_MAX : t->share_ppm != 0)
		return false;
	if (t->operation == TRANSFER_ASSET)
		return t->has_share && !t->has_energy;
	return !(t->has_energy && t->has_share) && (transfer_has_ranges(t) || !(t->has_energy || t->has_share));
}

static bool
transfer_period_valid(const payload_transfer *t)
{
	if (!t->has_period)
		return t->from_ms == 0 && t->until_ms == 0;
	return payload_time_valid(t->from_ms) && payload_time_valid(t->until_ms) && t->from_ms < t->until_ms;
}

static bool
transfer_range_valid(const transfer_range *g)
{
	return g->first_id >= 1 && g->first_id <= g->last_id && g->last_id <= TRANSFER_ID_MAX;
}

/* All but what a single text may be, which its reader or writer has found out. */
static bool
transfer_valid(const payload_transfer *t)
{
	if (transfer_has_ranges(t) ? t->range_count < 1 || t->range_count > TRANSFER_RANGES_MAX : t->range_count != 0)
		return false;
	for (int i = 0; i < t->range_count; i++)
		if (!transfer_range_valid(&t->range[i]))
			return false;
	if (transfer_has_to(t) != (t->to[0] != '\0') || (t->operation == TRANSFER_ASSET) != (t->asset[0] != '\0'))
		return false;
	if (t->operation != TRANSFER_CANCEL && (t->beneficiary[0] != '\0' || t->purpose[0] != '\0' || t->has_period))
		return false;
	return transfer_amount_valid(t) && transfer_period_valid(t);
}

/* ---- reading ---- */

static refusal
transfer_read_range(field_reader *r, transfer_range *out)
{
	field_walk	w;
	refusal		why = field_enter(r, '[', &w);

	memset(out, 0, sizeof(*out));
	if (why == REFUSAL_NONE)
		why = item_read_text(r, &w, true, payload_meter_valid, out->device);
	if (why == REFUSAL_NONE)
		why = item_read_text(r, &w, true, payload_meter_valid, out->carrier);
	if (why == REFUSAL_NONE)
		why = item_read_number(r, &w, NULL, &out->first_id);
	if (why == REFUSAL_NONE)
		why = item_read_number(r, &w, NULL, &out->last_id);
	if (why == REFUSAL_NONE)
		why = item_end(r, &w);
	return why;
}

static refusal
transfer_read_ranges(field_reader *r, field_walk *outer, payload_transfer *out)
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
		if (out->range_count == TRANSFER_RANGES_MAX)
			return REFUSAL_BAD_BODY;
		why = transfer_read_range(r, &out->range[out->range_count]);
		if (why == REFUSAL_NONE)
			out->range_count++;
	}
	return why;
}

/* asset, to, share */
static refusal
transfer_read_asset(field_reader *r, field_walk *w, payload_transfer *out)
{
	refusal		why = item_read_text(r, w, true, payload_meter_valid, out->asset);

	if (why == REFUSAL_NONE)
		why = item_read_text(r, w, true, payload_meter_valid, out->to);
	if (why == REFUSAL_NONE)
		why = item_read_number(r, w, NULL, &out->share_ppm);
	out->has_share = why == REFUSAL_NONE;
	return why;
}

/* certificates, to, energy, share, beneficiary, purpose, from, until */
static refusal
transfer_read_rest(field_reader *r, field_walk *w, payload_transfer *out)
{
	bool		has_from = false;
	bool		has_until = false;
	refusal		why = transfer_read_ranges(r, w, out);

	if (why == REFUSAL_NONE)
		why = item_read_text(r, w, false, payload_meter_valid, out->to);
	if (why == REFUSAL_NONE)
		why = item_read_number(r, w, &out->has_energy, &out->energy_wh);
	if (why == REFUSAL_NONE)
		why = item_read_number(r, w, &out->has_share, &out->share_ppm);
	if (why == REFUSAL_NONE)
		why = item_read_text(r, w, false, transfer_text_valid, out->beneficiary);
	if (why == REFUSAL_NONE)
		why = item_read_text(r, w, false, transfer_text_valid, out->purpose);
	if (why == REFUSAL_NONE)
		why = item_read_number(r, w, &has_from, &out->from_ms);
	if (why == REFUSAL_NONE)
		why = item_read_number(r, w, &has_until, &out->until_ms);
	if (why == REFUSAL_NONE && has_from != has_until)
		why = REFUSAL_BAD_BODY;
	out->has_period = has_from && has_until;
	return why;
}

refusal
payload_read_transfer(field_reader *r, payload_transfer *out)
{
	field_walk	w;
	int			operation = 0;
	refusal		why;

	memset(out, 0, offsetof(payload_transfer, range));
	why = field_enter(r, '[', &w);
	if (why == REFUSAL_NONE)
		why = item_read_name(r, &w, transfer_operation_names, TRANSFER_FIRST, TRANSFER_LAST, &operation);
	out->operation = (transfer_operation) operation;
	if (why == REFUSAL_NONE)
		why = operation == TRANSFER_ASSET ? transfer_read_asset(r, &w, out) : transfer_read_rest(r, &w, out);
	if (why == REFUSAL_NONE)
		why = item_end(r, &w);
	if (why == REFUSAL_NONE && !transfer_valid(out))
		why = REFUSAL_BAD_BODY;
	/* what was refused has no ranges that anybody could copy */
	if (why != REFUSAL_NONE)
		out->range_count = 0;
	return why == REFUSAL_WRONG_TYPE ? REFUSAL_BAD_BODY : why;
}

refusal
payload_transfer_parse(const char *json, size_t len, payload_transfer *out)
{
	field_reader r;
	refusal		why;

	field_open(&r, ENVELOPE_JWS, (const uint8_t *) json, len);
	why = payload_read_transfer(&r, out);
	return why == REFUSAL_NONE ? field_close(&r) : why;
}

/* ---- writing ---- */

bool
payload_transfer_writable(const payload_transfer *t)
{
	if (t->operation < TRANSFER_FIRST || t->operation > TRANSFER_LAST || !transfer_valid(t) ||
		!item_name_writable(t->to, false) || !item_name_writable(t->asset, false) ||
		!item_text_writable(t->beneficiary, sizeof(t->beneficiary)) || !item_text_writable(t->purpose, sizeof(t->purpose)))
		return false;
	for (int i = 0; i < t->range_count; i++)
		if (!item_name_writable(t->range[i].device, true) || !item_name_writable(t->range[i].carrier, true))
			return false;
	return true;
}

void
payload_write_transfer(const payload_transfer *t, bool cbor, bytes_out *o)
{
	item_out	out;

	item_out_init(&out, o, cbor);
	item_put_list(&out, t->operation == TRANSFER_ASSET ? 4 : 9);
	item_put_text(&out, transfer_operation_name(t->operation));
	if (t->operation == TRANSFER_ASSET)
	{
		item_put_text(&out, t->asset);
		item_put_text(&out, t->to);
		item_put_number(&out, true, t->share_ppm);
		item_put_end(&out);
		return;
	}
	item_put_list(&out, t->range_count);
	for (int i = 0; i < t->range_count; i++)
	{
		item_put_list(&out, 4);
		item_put_text(&out, t->range[i].device);
		item_put_text(&out, t->range[i].carrier);
		item_put_number(&out, true, t->range[i].first_id);
		item_put_number(&out, true, t->range[i].last_id);
		item_put_end(&out);
	}
	item_put_end(&out);
	item_put_text(&out, t->to);
	item_put_number(&out, t->has_energy, t->energy_wh);
	item_put_number(&out, t->has_share, t->share_ppm);
	item_put_text(&out, t->beneficiary);
	item_put_text(&out, t->purpose);
	item_put_number(&out, t->has_period, t->from_ms);
	item_put_number(&out, t->has_period, t->until_ms);
	item_put_end(&out);
}
