/*
 * payload.c: reads what a meter says into a struct, and refuses all that is not
 * exactly the profile of payload.h.
 *
 * Meter, epoch and seq are filled in as they are met, so that even of a refused
 * message the database can keep whatever it claimed to be.  The body is read
 * last, whatever its place, because its shape depends on the type; until then it
 * is only passed over.
 */
#include <string.h>

#include "core/payload.h"
#include "core/payload_field.h"
#include "core/payload_ocmf.h"

#define PAYLOAD_TIME_MS_MAX INT64_C(253402300799999)	/* the end of the year 9999 */

static const char *const payload_type_names[] = {
	[PAYLOAD_READING] = "reading", [PAYLOAD_ORDER] = "order",
	[PAYLOAD_CANCEL] = "cancel", [PAYLOAD_TRANSFER] = "transfer",
	[PAYLOAD_ACK] = "ack", [PAYLOAD_EVENT] = "event", [PAYLOAD_KEY] = "key",
};

const char *
payload_type_name(payload_type t)
{
	if (t < PAYLOAD_READING || t > PAYLOAD_KEY)
		return "unknown";
	return payload_type_names[t];
}

static inline bool
payload_is_alphanumeric(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* len characters, 1 to max, each a letter, a digit or one of others. */
static bool
payload_text_valid(const char *text, size_t len, size_t max, const char *others)
{
	if (len == 0 || len > max)
		return false;
	for (size_t i = 0; i < len; i++)
	{
		if (!payload_is_alphanumeric(text[i]) &&
			(text[i] == '\0' || strchr(others, text[i]) == NULL))
			return false;
	}
	return true;
}

bool
payload_meter_valid(const char *meter, size_t len)
{
	return payload_text_valid(meter, len, PAYLOAD_METER_LEN_MAX, "._:-");
}

/* OBIS as IEC 62056-61 writes it: 1-0:1.8.0*255, and OCMF's 1-b:1.8.0 and &. */
bool
payload_obis_valid(const char *obis, size_t len)
{
	return payload_text_valid(obis, len, PAYLOAD_OBIS_LEN_MAX, "-:.*&");
}

bool
payload_unit_valid(const char *unit, size_t len)
{
	return payload_text_valid(unit, len, PAYLOAD_UNIT_LEN_MAX, "/%");
}

bool
payload_time_valid(int64_t ms)
{
	return ms >= 0 && ms <= PAYLOAD_TIME_MS_MAX;
}

bool
payload_scale_valid(int64_t scale)
{
	return scale >= -9 && scale <= 9;
}

bool
payload_status_valid(char status)
{
	return status != '\0' && strchr("GNTDRMXIOSEF", status) != NULL;
}

bool
payload_clock_status_valid(char status)
{
	return status != '\0' && strchr("SIRU", status) != NULL;
}

/* len was checked against out's room by the text's own rule. */
static inline void
payload_copy(char *out, const char *text, size_t len)
{
	memcpy(out, text, len);
	out[len] = '\0';
}

static refusal
payload_read_type(field_reader *r, payload *out)
{
	const char *text;
	size_t		len;
	refusal		why = field_read_text(r, &text, &len);

	if (why != REFUSAL_NONE)
		return why;
	for (int t = PAYLOAD_READING; t <= PAYLOAD_KEY; t++)
	{
		if (len == strlen(payload_type_names[t]) &&
			memcmp(text, payload_type_names[t], len) == 0)
		{
			out->type = (payload_type) t;
			return REFUSAL_NONE;
		}
	}
	return REFUSAL_UNKNOWN_TYPE;
}

static refusal
payload_read_meter(field_reader *r, payload *out)
{
	const char *text;
	size_t		len;
	refusal		why = field_read_text(r, &text, &len);

	if (why != REFUSAL_NONE)
		return why;
	if (!payload_meter_valid(text, len))
		return REFUSAL_BAD_METER;
	payload_copy(out->meter, text, len);
	return REFUSAL_NONE;
}

/* An integer from least to most; another one is refused as `outside`. */
static refusal
payload_read_number(field_reader *r, int64_t least, int64_t most, refusal outside,
					int64_t *value)
{
	refusal		why = field_read_int(r, value);

	if (why == REFUSAL_INTEGER_RANGE)
		return outside;
	if (why == REFUSAL_NONE && (*value < least || *value > most))
		return outside;
	return why;
}

/* Text of exactly one character. */
static refusal
payload_read_letter(field_reader *r, char *letter)
{
	const char *text;
	size_t		len;
	refusal		why = field_read_text(r, &text, &len);

	*letter = (why == REFUSAL_NONE && len == 1) ? text[0] : '\0';
	return why;
}

static refusal
payload_read_prev(field_reader *r, payload *out)
{
	size_t		len;
	refusal		why = field_read_bytes(r, out->prev, sizeof(out->prev), REFUSAL_BAD_PREV, &len);

	if (why != REFUSAL_NONE)
		return why;
	if (len != 0 && len != sizeof(out->prev))
		return REFUSAL_BAD_PREV;
	out->has_prev = len > 0;
	return REFUSAL_NONE;
}

/* One field, its key already read.  Only *body is remembered of the body. */
static refusal
payload_read_field(field_reader *r, payload_field field, payload *out, field_reader *body)
{
	int64_t		number = 0;
	refusal		why;

	switch (field)
	{
		case FIELD_V:
			return payload_read_number(r, 1, 1, REFUSAL_UNSUPPORTED_VERSION, &number);
		case FIELD_TYPE:
			return payload_read_type(r, out);
		case FIELD_METER:
			return payload_read_meter(r, out);
		case FIELD_EPOCH:
			why = payload_read_number(r, 0, UINT32_MAX, REFUSAL_BAD_SEQUENCE, &number);
			if (why == REFUSAL_NONE)
				out->epoch = (uint32_t) number;
			return why;
		case FIELD_SEQ:
			why = payload_read_number(r, 1, INT64_MAX, REFUSAL_BAD_SEQUENCE, &number);
			if (why == REFUSAL_NONE)
				out->seq = (uint64_t) number;
			return why;
		case FIELD_PREV:
			return payload_read_prev(r, out);
		case FIELD_T:
			return payload_read_number(r, 0, PAYLOAD_TIME_MS_MAX, REFUSAL_BAD_TIME, &out->t_ms);
		case FIELD_TS:
			why = payload_read_letter(r, &out->clock_status);
			if (why == REFUSAL_NONE && !payload_clock_status_valid(out->clock_status))
				why = REFUSAL_BAD_CLOCK_STATUS;
			return why;
		case FIELD_BODY:
			if (!field_is_container(r))
				return REFUSAL_BAD_BODY;
			*body = *r;
			return field_skip(r, PAYLOAD_DEPTH_MAX - 1);
	}
	return REFUSAL_UNKNOWN_FIELD;
}

/* [obis, from, to, value, scale, unit, status] */
static refusal
payload_read_item(field_reader *r, field_walk *w, int position, payload_reading *out)
{
	const char *text = "";
	size_t		len = 0;
	int64_t		number = 0;
	bool		more;
	refusal		why = field_more(r, w, &more);

	if (why != REFUSAL_NONE)
		return why;
	if (!more)
		return REFUSAL_BAD_BODY;
	switch (position)
	{
		case 0:
			why = field_read_text(r, &text, &len);
			if (why == REFUSAL_NONE && !payload_obis_valid(text, len))
				why = REFUSAL_BAD_BODY;
			if (why == REFUSAL_NONE)
				payload_copy(out->obis, text, len);
			return why;
		case 1:
			return payload_read_number(r, 0, PAYLOAD_TIME_MS_MAX, REFUSAL_BAD_TIME, &out->from_ms);
		case 2:
			return payload_read_number(r, out->from_ms, PAYLOAD_TIME_MS_MAX, REFUSAL_BAD_TIME,
									   &out->to_ms);
		case 3:
			return field_read_int(r, &out->value);
		case 4:
			why = field_read_int(r, &number);
			if (why == REFUSAL_NONE && !payload_scale_valid(number))
				why = REFUSAL_BAD_BODY;
			if (why == REFUSAL_NONE)
				out->scale = (int8_t) number;
			return why;
		case 5:
			why = field_read_text(r, &text, &len);
			if (why == REFUSAL_NONE && !payload_unit_valid(text, len))
				why = REFUSAL_BAD_BODY;
			if (why == REFUSAL_NONE)
				payload_copy(out->unit, text, len);
			return why;
		default:
			why = payload_read_letter(r, &out->status);
			if (why == REFUSAL_NONE && !payload_status_valid(out->status))
				why = REFUSAL_BAD_BODY;
			return why;
	}
}

static refusal
payload_read_reading(field_reader *r, payload_reading *out)
{
	field_walk	w;
	bool		more;
	refusal		why = field_enter(r, '[', &w);

	for (int position = 0; why == REFUSAL_NONE && position < 7; position++)
		why = payload_read_item(r, &w, position, out);
	if (why == REFUSAL_NONE)
		why = field_more(r, &w, &more);
	if (why == REFUSAL_NONE && more)
		why = REFUSAL_BAD_BODY;
	return why;
}

/* A list of 1 to PAYLOAD_READINGS_MAX readings. */
static refusal
payload_read_readings(field_reader *r, payload *out)
{
	field_walk	w;
	refusal		why = field_enter(r, '[', &w);

	while (why == REFUSAL_NONE)
	{
		bool		more;

		why = field_more(r, &w, &more);
		if (why != REFUSAL_NONE || !more)
			break;
		if (out->reading_count == PAYLOAD_READINGS_MAX)
			return REFUSAL_BAD_BODY;
		why = payload_read_reading(r, &out->reading[out->reading_count]);
		if (why == REFUSAL_NONE)
			out->reading_count++;
	}
	if (why == REFUSAL_NONE && out->reading_count == 0)
		why = REFUSAL_BAD_BODY;
	/* whatever is missing or of another type, it is the body that does not fit */
	return why == REFUSAL_WRONG_TYPE ? REFUSAL_BAD_BODY : why;
}

/* [algorithm, public key] */
static refusal
payload_read_key(field_reader *r, payload *out)
{
	char		name[16];
	const char *text = "";
	size_t		len = 0;
	key_form	form;
	field_walk	w;
	bool		more = false;
	refusal		why = field_enter(r, '[', &w);

	form.len = 0;
	if (why == REFUSAL_NONE)
		why = field_more(r, &w, &more);
	if (why == REFUSAL_NONE && !more)
		why = REFUSAL_BAD_BODY;
	if (why == REFUSAL_NONE)
		why = field_read_text(r, &text, &len);
	if (why == REFUSAL_NONE)
	{
		if (len == 0 || len >= sizeof(name) || memchr(text, '\0', len) != NULL)
			return REFUSAL_UNSUPPORTED_ALGORITHM;
		payload_copy(name, text, len);
		out->key_algorithm = envelope_algorithm_by_name(name);
		if (out->key_algorithm == 0)
			return REFUSAL_UNSUPPORTED_ALGORITHM;
		why = field_more(r, &w, &more);
	}
	if (why == REFUSAL_NONE && !more)
		why = REFUSAL_BAD_BODY;
	if (why == REFUSAL_NONE)
		why = field_read_bytes(r, out->key, sizeof(out->key), REFUSAL_BAD_KEY, &len);
	if (why == REFUSAL_NONE && key_form_read(out->key_algorithm, out->key, len, &form) != KEY_FORM_SOUND)
		why = REFUSAL_BAD_KEY;
	if (why == REFUSAL_NONE)
		why = field_more(r, &w, &more);
	if (why == REFUSAL_NONE && more)
		why = REFUSAL_BAD_BODY;
	/* what was refused has no length that anybody could copy by */
	out->key_len = 0;
	if (why == REFUSAL_NONE)
	{
		memcpy(out->key, form.bytes, form.len);
		out->key_len = form.len;
	}
	return why == REFUSAL_WRONG_TYPE ? REFUSAL_BAD_BODY : why;
}

/* The map's nine fields, each once. */
static refusal
payload_read_fields(field_reader *r, payload *out, field_reader *body)
{
	unsigned	seen = 0;
	field_walk	w;
	refusal		why = field_enter(r, '{', &w);

	while (why == REFUSAL_NONE)
	{
		payload_field field;
		bool		more;

		why = field_more(r, &w, &more);
		if (why != REFUSAL_NONE || !more)
			break;
		why = field_read_key(r, &field);
		if (why != REFUSAL_NONE)
			break;
		if (seen & (1u << field))
			return REFUSAL_DUPLICATE_KEY;
		seen |= 1u << field;
		why = payload_read_field(r, field, out, body);
	}
	if (why == REFUSAL_NONE)
		why = field_close(r);
	if (why == REFUSAL_NONE && seen != (1u << (FIELD_COUNT + 1)) - 2)
		why = REFUSAL_MISSING_FIELD;
	return why;
}

refusal
payload_parse(envelope_kind kind, const uint8_t *data, size_t len, payload *out)
{
	field_reader r;
	field_reader body;
	refusal		why;

	/* all but readings, orders and transfers, which are large, and of no use to other types */
	memset(out, 0, offsetof(payload, reading));
	out->transfer.range_count = 0;	/* also of what is refused as many are copied as it says */
	if (len == 0)
		return REFUSAL_EMPTY;
	if (len > MESSAGE_BYTES_MAX)
		return REFUSAL_TOO_LARGE;
	if (kind == ENVELOPE_OCMF)
		return payload_ocmf_parse(data, len, out);
	field_open(&r, kind, data, len);
	why = payload_read_fields(&r, out, &body);
	if (why != REFUSAL_NONE)
		return why;
	if (out->has_prev != (out->seq > 1))
		return REFUSAL_BAD_PREV;
	switch (out->type)
	{
		case PAYLOAD_READING:
			return payload_read_readings(&body, out);
		case PAYLOAD_KEY:
			return payload_read_key(&body, out);
		case PAYLOAD_ACK:
			return payload_read_ack(&body, &out->ack);
		case PAYLOAD_ORDER:
			return payload_read_order(&body, &out->order);
		case PAYLOAD_CANCEL:
			return payload_read_cancel(&body, &out->cancel);
		case PAYLOAD_TRANSFER:
			return payload_read_transfer(&body, &out->transfer);
		default:
			return REFUSAL_NONE;
	}
}
