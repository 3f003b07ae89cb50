/*
 * payload_field.c: pulls the profile's fields from CBOR or JSON.
 *
 * Everything that depends on the encoding is here, so that payload.c says once
 * what a sound message is and cannot say it differently for the two.
 */
#include <string.h>

#include "core/base64.h"
#include "core/key_form.h"
#include "core/payload_field.h"

static const char *const field_names[FIELD_COUNT + 1] = {
	[FIELD_V] = "v", [FIELD_TYPE] = "type", [FIELD_METER] = "meter",
	[FIELD_EPOCH] = "epoch", [FIELD_SEQ] = "seq", [FIELD_PREV] = "prev",
	[FIELD_T] = "t", [FIELD_TS] = "ts", [FIELD_BODY] = "body",
};

void
field_open(field_reader *r, envelope_kind kind, const uint8_t *data, size_t len)
{
	r->kind = kind;
	if (kind == ENVELOPE_COSE_SIGN1)
		cbor_open(&r->cbor, data, len);
	else
		json_open(&r->json, data, len);
}

refusal
field_close(field_reader *r)
{
	if (r->kind == ENVELOPE_COSE_SIGN1)
		return cbor_close(&r->cbor);
	return json_close(&r->json);
}

refusal
field_enter(field_reader *r, uint8_t bracket, field_walk *w)
{
	w->bracket = bracket;
	w->first = true;
	w->left = 0;
	if (r->kind == ENVELOPE_COSE_SIGN1)
		return cbor_read_container(&r->cbor, bracket == '{' ? CBOR_MAP : CBOR_ARRAY, &w->left);
	return json_enter(&r->json, bracket);
}

refusal
field_more(field_reader *r, field_walk *w, bool *more)
{
	refusal		why;

	if (r->kind == ENVELOPE_COSE_SIGN1)
	{
		*more = w->left > 0;
		if (*more)
			w->left--;
		return REFUSAL_NONE;
	}
	why = json_more(&r->json, w->bracket, w->first, more);
	w->first = false;
	return why;
}

refusal
field_read_key(field_reader *r, payload_field *field)
{
	json_string name;
	refusal		why;

	if (r->kind == ENVELOPE_COSE_SIGN1)
	{
		int64_t		key;

		why = cbor_read_int(&r->cbor, &key);
		if (why == REFUSAL_WRONG_TYPE)
			return REFUSAL_UNKNOWN_FIELD;
		if (why != REFUSAL_NONE)
			return why;
		if (key < FIELD_V || key > FIELD_COUNT)
			return REFUSAL_UNKNOWN_FIELD;
		*field = (payload_field) key;
		return REFUSAL_NONE;
	}
	why = json_read_name(&r->json, &name);
	if (why != REFUSAL_NONE)
		return why;
	for (int f = FIELD_V; f <= FIELD_COUNT; f++)
	{
		if (name.len == strlen(field_names[f]) &&
			memcmp(name.bytes, field_names[f], name.len) == 0)
		{
			*field = (payload_field) f;
			return REFUSAL_NONE;
		}
	}
	return REFUSAL_UNKNOWN_FIELD;
}

refusal
field_read_int(field_reader *r, int64_t *value)
{
	if (r->kind == ENVELOPE_COSE_SIGN1)
		return cbor_read_int(&r->cbor, value);
	return json_read_int(&r->json, value);
}

refusal
field_read_null(field_reader *r, bool *null)
{
	if (r->kind == ENVELOPE_COSE_SIGN1)
		*null = r->cbor.at < r->cbor.end && *r->cbor.at == (CBOR_SIMPLE << 5 | CBOR_NULL);
	else
		*null = json_peek(&r->json) == 'n';
	return *null ? field_skip(r, 0) : REFUSAL_NONE;
}

refusal
field_read_text(field_reader *r, const char **text, size_t *len)
{
	json_string s;
	const uint8_t *bytes;
	refusal		why;

	if (r->kind == ENVELOPE_COSE_SIGN1)
	{
		why = cbor_read_string(&r->cbor, CBOR_TEXT, &bytes, len);
		if (why == REFUSAL_NONE)
			*text = (const char *) bytes;
		return why;
	}
	why = json_read_string(&r->json, &s);
	if (why != REFUSAL_NONE)
		return why;
	if (!s.plain)
		return REFUSAL_NON_CANONICAL;
	*text = (const char *) s.bytes;
	*len = s.len;
	return REFUSAL_NONE;
}

refusal
field_read_bytes(field_reader *r, uint8_t *out, size_t cap, refusal too_long, size_t *len)
{
	uint8_t		wide[KEY_FORM_LEN_MAX + 2]; /* as much as BASE64_LEN(cap) characters can be */
	const char *text;
	const uint8_t *bytes;
	refusal		why;

	if (r->kind == ENVELOPE_COSE_SIGN1)
	{
		why = cbor_read_string(&r->cbor, CBOR_BYTES, &bytes, len);
		if (why == REFUSAL_NONE && *len > cap)
			why = too_long;
		if (why == REFUSAL_NONE)
			memcpy(out, bytes, *len);
		return why;
	}
	why = field_read_text(r, &text, len);
	if (why != REFUSAL_NONE)
		return why;
	if (*len > BASE64_LEN(cap))
		return too_long;
	/* what is no base64url is told before it is found too long */
	if (cap > KEY_FORM_LEN_MAX || !base64url_decode(text, *len, wide, sizeof(wide), len))
		return REFUSAL_BAD_BASE64;
	if (*len > cap)
		return too_long;
	memcpy(out, wide, *len);
	return REFUSAL_NONE;
}

refusal
field_skip(field_reader *r, int depth)
{
	if (r->kind == ENVELOPE_COSE_SIGN1)
		return cbor_skip(&r->cbor, depth);
	return json_skip(&r->json, depth);
}

bool
field_is_container(field_reader *r)
{
	uint8_t		c;

	if (r->kind == ENVELOPE_COSE_SIGN1)
	{
		c = r->cbor.at < r->cbor.end ? *r->cbor.at >> 5 : 0;
		return c == CBOR_ARRAY || c == CBOR_MAP;
	}
	c = json_peek(&r->json);
	return c == '{' || c == '[';
}
