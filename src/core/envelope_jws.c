/*
 * envelope_jws.c: compact JWS (RFC 7515 section 7.1): header.payload.signature,
 * each in base64url.
 *
 * The signature covers the first two parts as they stand in the message, so
 * nothing is rebuilt; header and payload are decoded into the caller's scratch.
 * A header that asks for something we would have to understand ("crit", "b64")
 * is refused; one that merely informs is passed over.
 */
#include <string.h>

#include "core/base64.h"
#include "core/ed25519.h"
#include "core/envelope_parts.h"
#include "core/json.h"
#include "core/keyset.h"

#define JWS_SIGNATURE_CHARS 86	/* 64 bytes in base64url */

/* {"alg":"EdDSA"}, as RFC 8037's example has it */
static const char jws_header[] = "eyJhbGciOiJFZERTQSJ9";

static bool
jws_string_is(const json_string *s, const char *text)
{
	return s->len == strlen(text) && memcmp(s->bytes, text, s->len) == 0;
}

/* RFC 7518's ES256, RFC 8037's EdDSA, RFC 9864's Ed25519. */
static refusal
jws_algorithm(const json_string *name, envelope_algorithm *out)
{
	if (jws_string_is(name, "EdDSA") || jws_string_is(name, "Ed25519"))
		*out = ENVELOPE_ED25519;
	else if (jws_string_is(name, "ES256"))
		*out = ENVELOPE_ES256;
	else
		return REFUSAL_UNSUPPORTED_ALGORITHM;
	return REFUSAL_NONE;
}

static refusal
jws_read_member(json_reader *r, keyset *names, envelope *out)
{
	json_string name;
	json_string value;
	refusal		why = json_read_name(r, &name);

	if (why == REFUSAL_NONE)
		why = keyset_add(names, name.bytes, name.len);
	if (why != REFUSAL_NONE)
		return why;
	if (jws_string_is(&name, "crit") || jws_string_is(&name, "b64"))
		return REFUSAL_BAD_HEADER;
	why = json_read_string(r, &value);
	if (why == REFUSAL_WRONG_TYPE)
		return REFUSAL_BAD_HEADER;
	if (why != REFUSAL_NONE)
		return why;
	if (jws_string_is(&name, "alg"))
		return jws_algorithm(&value, &out->algorithm);
	if (jws_string_is(&name, "kid"))
	{
		if (!value.plain)
			return REFUSAL_BAD_HEADER;
		out->key_id = value.bytes;
		out->key_id_len = value.len;
	}
	return REFUSAL_NONE;
}

static refusal
jws_read_header(const uint8_t *header, size_t len, envelope *out)
{
	json_reader r;
	keyset		names;
	refusal		why;
	bool		more = true;

	keyset_init(&names);
	json_open(&r, header, len);
	why = json_enter(&r, '{');
	for (bool first = true; why == REFUSAL_NONE; first = false)
	{
		why = json_more(&r, '{', first, &more);
		if (why != REFUSAL_NONE || !more)
			break;
		why = jws_read_member(&r, &names, out);
	}
	if (why == REFUSAL_NONE)
		why = json_close(&r);
	if (why == REFUSAL_NONE && out->algorithm == 0)
		why = REFUSAL_BAD_HEADER;
	return why;
}

refusal
envelope_jws_parse(const uint8_t *message, size_t len, uint8_t *scratch, envelope *out)
{
	const char *text = (const char *) message;
	const char *end = text + len;
	const char *dot1 = memchr(text, '.', len);
	const char *dot2 = dot1 == NULL ? NULL : memchr(dot1 + 1, '.', (size_t) (end - dot1 - 1));
	uint8_t    *header = scratch;
	size_t		header_len;
	refusal		why;

	out->kind = ENVELOPE_JWS;
	if (dot2 == NULL || memchr(dot2 + 1, '.', (size_t) (end - dot2 - 1)) != NULL)
		return REFUSAL_BAD_SECTIONS;
	if (!base64url_decode(text, (size_t) (dot1 - text), header, MESSAGE_BYTES_MAX, &header_len))
		return REFUSAL_BAD_BASE64;
	why = jws_read_header(header, header_len, out);
	if (why != REFUSAL_NONE)
		return why;

	if (!base64url_decode(dot1 + 1, (size_t) (dot2 - dot1 - 1),
						  scratch + header_len, MESSAGE_BYTES_MAX, &out->payload_len))
		return REFUSAL_BAD_BASE64;
	out->payload = scratch + header_len;

	if (end - dot2 - 1 != JWS_SIGNATURE_CHARS)
		return REFUSAL_BAD_SIGNATURE_LENGTH;
	if (!base64url_decode(dot2 + 1, JWS_SIGNATURE_CHARS,
						  out->signature, ENVELOPE_RAW_SIGNATURE_LEN, &out->signature_len) ||
		out->signature_len != ENVELOPE_RAW_SIGNATURE_LEN)
		return REFUSAL_BAD_BASE64;

	out->signed_bytes = message;
	out->signed_len = (size_t) (dot2 - text);
	return REFUSAL_NONE;
}

size_t
envelope_jws_sign(const uint8_t *payload, size_t payload_len,
				  const uint8_t secret_key[64], uint8_t *out, size_t cap)
{
	const size_t header_len = sizeof(jws_header) - 1;
	const size_t payload_chars = (payload_len * 4 + 2) / 3;
	const size_t signed_len = header_len + 1 + payload_chars;
	uint8_t		signature[ED25519_SIGNATURE_LEN];

	if (cap < signed_len + 1 + JWS_SIGNATURE_CHARS)
		return 0;
	memcpy(out, jws_header, header_len);
	out[header_len] = '.';
	if (base64url_encode(payload, payload_len, (char *) out + header_len + 1,
						 payload_chars) != payload_chars)
		return 0;
	ed25519_sign(secret_key, out, signed_len, signature);
	out[signed_len] = '.';
	if (base64url_encode(signature, sizeof(signature), (char *) out + signed_len + 1,
						 JWS_SIGNATURE_CHARS) != JWS_SIGNATURE_CHARS)
		return 0;
	return signed_len + 1 + JWS_SIGNATURE_CHARS;
}
