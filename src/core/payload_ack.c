/*
 * payload_ack.c: reads and writes the body of an acknowledgement.
 *
 * Whether there is such a command is the database's to find out: here only the form is
 * judged, the same on both sides.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/payload.h"
#include "core/payload_item.h"

static const char *const ack_result_names[] = {
	[ACK_DONE] = "done", [ACK_SCHEDULED] = "scheduled", [ACK_EXPIRED] = "expired",
	[ACK_SUPERSEDED] = "superseded", [ACK_CANCELLED] = "cancelled", [ACK_OLD_COUNTER] = "old_counter",
	[ACK_MALFORMED] = "malformed", [ACK_UNSUPPORTED] = "unsupported", [ACK_FAILED] = "failed",
};

const char *
ack_result_name(ack_result r)
{
	return r >= ACK_DONE && r <= ACK_FAILED ? ack_result_names[r] : "unknown";
}

static bool
ack_detail_valid(const char *text, size_t len)
{
	return len == 0 || item_text_printable(text, len, ACK_DETAIL_LEN_MAX);
}

static bool
ack_take_result(const char *text, size_t len, ack_result *out)
{
	for (int r = ACK_DONE; r <= ACK_FAILED; r++)
	{
		if (len == strlen(ack_result_names[r]) && memcmp(text, ack_result_names[r], len) == 0)
		{
			*out = (ack_result) r;
			return true;
		}
	}
	return false;
}

/* The list's item at a position; false where it is not what belongs there. */
static bool
ack_take_item(field_reader *r, int position, payload_ack *out, refusal *why)
{
	const char *text = "";
	size_t		len = 0;
	int64_t		number = 0;

	if (position == 1 || position == 4)
		*why = field_read_int(r, &number);
	else
		*why = field_read_text(r, &text, &len);
	if (*why != REFUSAL_NONE)
		return false;
	switch (position)
	{
		case 0:
			if (!command_id_valid(text, len))
				return false;
			memcpy(out->id, text, len);
			return true;
		case 1:
			out->counter = number;
			return number > 0;
		case 2:
			return ack_take_result(text, len, &out->result);
		case 3:
			if (!ack_detail_valid(text, len))
				return false;
			memcpy(out->detail, text, len);
			return true;
		default:
			out->at_ms = number;
			return payload_time_valid(number);
	}
}

refusal
payload_read_ack(field_reader *r, payload_ack *out)
{
	field_walk	w;
	bool		more = false;
	refusal		why;

	memset(out, 0, sizeof(*out));
	why = field_enter(r, '[', &w);
	for (int position = 0; why == REFUSAL_NONE && position < 5; position++)
	{
		why = field_more(r, &w, &more);
		if (why == REFUSAL_NONE && (!more || !ack_take_item(r, position, out, &why)) && why == REFUSAL_NONE)
			why = REFUSAL_BAD_BODY;
	}
	if (why == REFUSAL_NONE)
		why = field_more(r, &w, &more);
	if (why == REFUSAL_NONE && more)
		why = REFUSAL_BAD_BODY;
	return why == REFUSAL_WRONG_TYPE ? REFUSAL_BAD_BODY : why;
}

bool
payload_ack_writable(const payload_ack *a)
{
	const char *detail = a->detail;
	size_t		len = strnlen(detail, sizeof(a->detail));

	return command_id_valid(a->id, strnlen(a->id, sizeof(a->id))) && a->counter > 0 &&
		a->result >= ACK_DONE && a->result <= ACK_FAILED && ack_detail_valid(detail, len) &&
		memchr(detail, '"', len) == NULL && memchr(detail, '\\', len) == NULL && payload_time_valid(a->at_ms);
}

static void
ack_put_text(bytes_out *o, const char *text)
{
	cbor_put_string(o, CBOR_TEXT, text, strlen(text));
}

void
payload_write_ack_cbor(const payload_ack *a, bytes_out *o)
{
	cbor_put_head(o, CBOR_ARRAY, 5);
	ack_put_text(o, a->id);
	cbor_put_int(o, a->counter);
	ack_put_text(o, ack_result_name(a->result));
	ack_put_text(o, a->detail);
	cbor_put_int(o, a->at_ms);
}

void
payload_write_ack_json(const payload_ack *a, bytes_out *o)
{
	char		text[512];
	int			len = snprintf(text, sizeof(text), "[\"%s\",%" PRId64 ",\"%s\",\"%s\",%" PRId64 "]",
							   a->id, a->counter, ack_result_name(a->result), a->detail, a->at_ms);

	if (len < 0 || (size_t) len >= sizeof(text))
		o->overflow = true;
	else
		bytes_put(o, text, (size_t) len);
}
