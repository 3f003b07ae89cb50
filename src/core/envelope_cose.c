/*
 * envelope_cose.c: COSE_Sign1 (RFC 9052 section 4.2), with tag 18, its payload
 * attached and no external data.
 *
 * What is signed is not in the message but is built from it: the Sig_structure of
 * section 4.4, ["Signature1", protected, external_aad, payload].  It is laid into
 * the caller's scratch.  The algorithm must stand in the protected header, where
 * the signature covers it.
 */
#include <string.h>

#include "core/cbor.h"
#include "core/ed25519.h"
#include "core/envelope_parts.h"
#include "core/keyset.h"

/* Header parameters of RFC 9052 section 3.1. */
#define COSE_HEADER_ALG 1
#define COSE_HEADER_CRIT 2
#define COSE_HEADER_KID 4

#define COSE_TAG_SIGN1 18
/* a header's value may nest, within the depth of 4 of the whole message */
#define COSE_HEADER_VALUE_DEPTH 2

/* IANA's COSE algorithms; -19 and -9 are RFC 9864's fully specified names. */
static refusal
cose_algorithm(int64_t id, envelope_algorithm *out)
{
	switch (id)
	{
		case -8:
		case -19:
			*out = ENVELOPE_ED25519;
			return REFUSAL_NONE;
		case -7:
		case -9:
			*out = ENVELOPE_ES256;
			return REFUSAL_NONE;
		default:
			return REFUSAL_UNSUPPORTED_ALGORITHM;
	}
}

/* The value that follows a label of ours, or any value after another's. */
static refusal
cose_read_header_value(cbor_reader *r, bool label_is_int, int64_t label,
					   bool is_protected, envelope *out)
{
	int64_t		id;
	refusal		why;

	if (label_is_int && label == COSE_HEADER_CRIT)
		return REFUSAL_BAD_HEADER;
	if (label_is_int && label == COSE_HEADER_ALG)
	{
		if (!is_protected)
			return REFUSAL_BAD_HEADER;
		why = cbor_read_int(r, &id);
		if (why == REFUSAL_WRONG_TYPE)
			return REFUSAL_UNSUPPORTED_ALGORITHM;
		return why == REFUSAL_NONE ? cose_algorithm(id, &out->algorithm) : why;
	}
	if (label_is_int && label == COSE_HEADER_KID)
		return cbor_read_string(r, CBOR_BYTES, &out->key_id, &out->key_id_len);
	return cbor_skip(r, COSE_HEADER_VALUE_DEPTH);
}

/* One header map.  labels gathers both maps' labels: none may stand in both. */
static refusal
cose_read_header(cbor_reader *r, bool is_protected, keyset *labels, envelope *out)
{
	uint64_t	count;
	refusal		why = cbor_read_container(r, CBOR_MAP, &count);

	for (uint64_t i = 0; why == REFUSAL_NONE && i < count; i++)
	{
		const uint8_t *raw = r->at;
		int64_t		label = 0;
		bool		label_is_int = raw < r->end && (*raw >> 5) <= CBOR_NEGATIVE;
		const uint8_t *text;
		size_t		text_len;

		if (label_is_int)
			why = cbor_read_int(r, &label);
		else
			why = cbor_read_string(r, CBOR_TEXT, &text, &text_len);
		if (why == REFUSAL_NONE)
			why = keyset_add(labels, raw, (size_t) (r->at - raw));
		if (why == REFUSAL_NONE)
			why = cose_read_header_value(r, label_is_int, label, is_protected, out);
	}
	return why;
}

/* Both headers; *protected_bytes is the protected one as it was signed. */
static refusal
cose_read_headers(cbor_reader *r, const uint8_t **protected_bytes, size_t *protected_len,
				  envelope *out)
{
	cbor_reader inner;
	keyset		labels;
	refusal		why = cbor_read_string(r, CBOR_BYTES, protected_bytes, protected_len);

	if (why != REFUSAL_NONE)
		return why;
	keyset_init(&labels);
	if (*protected_len > 0)
	{
		cbor_open(&inner, *protected_bytes, *protected_len);
		why = cose_read_header(&inner, true, &labels, out);
		if (why == REFUSAL_NONE)
			why = cbor_close(&inner);
		if (why != REFUSAL_NONE)
			return why;
	}
	why = cose_read_header(r, false, &labels, out);
	if (why == REFUSAL_NONE && out->algorithm == 0)
		why = REFUSAL_BAD_HEADER;
	return why;
}

/* RFC 9052 section 4.4 with an empty external_aad.  Length, or 0: no room. */
static size_t
cose_sig_structure(const uint8_t *protected_bytes, size_t protected_len,
				   const uint8_t *payload, size_t payload_len,
				   uint8_t *out, size_t cap)
{
	bytes_out	o;

	bytes_out_init(&o, out, cap);
	cbor_put_head(&o, CBOR_ARRAY, 4);
	cbor_put_string(&o, CBOR_TEXT, "Signature1", 10);
	cbor_put_string(&o, CBOR_BYTES, protected_bytes, protected_len);
	cbor_put_string(&o, CBOR_BYTES, "", 0);
	cbor_put_string(&o, CBOR_BYTES, payload, payload_len);
	return o.overflow ? 0 : o.len;
}

refusal
envelope_cose_parse(const uint8_t *message, size_t len, uint8_t *scratch, envelope *out)
{
	cbor_reader r;
	cbor_head	tag;
	uint64_t	count;
	const uint8_t *protected_bytes = NULL;
	size_t		protected_len = 0;
	const uint8_t *signature;
	size_t		signature_len;
	refusal		why;

	out->kind = ENVELOPE_COSE_SIGN1;
	cbor_open(&r, message, len);
	why = cbor_read_head(&r, &tag);
	if (why != REFUSAL_NONE)
		return why;
	if (tag.type != CBOR_TAG || tag.argument != COSE_TAG_SIGN1)
		return REFUSAL_UNKNOWN_ENVELOPE;
	why = cbor_read_container(&r, CBOR_ARRAY, &count);
	if (why == REFUSAL_NONE && count != 4)
		why = REFUSAL_BAD_SECTIONS;
	if (why == REFUSAL_NONE)
		why = cose_read_headers(&r, &protected_bytes, &protected_len, out);
	if (why == REFUSAL_NONE)
		why = cbor_read_string(&r, CBOR_BYTES, &out->payload, &out->payload_len);
	if (why == REFUSAL_NONE)
		why = cbor_read_string(&r, CBOR_BYTES, &signature, &signature_len);
	if (why == REFUSAL_NONE)
		why = cbor_close(&r);
	if (why != REFUSAL_NONE)
		return why;
	if (signature_len != ENVELOPE_RAW_SIGNATURE_LEN)
		return REFUSAL_BAD_SIGNATURE_LENGTH;
	memcpy(out->signature, signature, signature_len);
	out->signature_len = signature_len;

	out->signed_len = cose_sig_structure(protected_bytes, protected_len,
										 out->payload, out->payload_len,
										 scratch, ENVELOPE_SCRATCH_BYTES);
	out->signed_bytes = scratch;
	/* cannot happen: what is in it came from a message half its size */
	return out->signed_len > 0 ? REFUSAL_NONE : REFUSAL_TOO_LARGE;
}

size_t
envelope_cose_sign(const uint8_t *payload, size_t payload_len,
				   const uint8_t secret_key[64], uint8_t *out, size_t cap)
{
	static const uint8_t protected_bytes[] = {0xA1, 0x01, 0x27};	/* {1: -8} */
	uint8_t		to_sign[MESSAGE_BYTES_MAX + 64];
	uint8_t		signature[ED25519_SIGNATURE_LEN];
	size_t		to_sign_len;
	bytes_out	o;

	to_sign_len = cose_sig_structure(protected_bytes, sizeof(protected_bytes),
									 payload, payload_len, to_sign, sizeof(to_sign));
	if (to_sign_len == 0)
		return 0;
	ed25519_sign(secret_key, to_sign, to_sign_len, signature);

	bytes_out_init(&o, out, cap);
	cbor_put_head(&o, CBOR_TAG, COSE_TAG_SIGN1);
	cbor_put_head(&o, CBOR_ARRAY, 4);
	cbor_put_string(&o, CBOR_BYTES, protected_bytes, sizeof(protected_bytes));
	cbor_put_head(&o, CBOR_MAP, 0);
	cbor_put_string(&o, CBOR_BYTES, payload, payload_len);
	cbor_put_string(&o, CBOR_BYTES, signature, sizeof(signature));
	return o.overflow ? 0 : o.len;
}
