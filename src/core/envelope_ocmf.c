/*
 * envelope_ocmf.c: the Open Charge Metering Format's record:
 * OCMF|payload|signature section.
 *
 * Payload and signature section are JSON; the bar stands nowhere else.  What is
 * signed is the payload, byte for byte as it stands between the bars.  The
 * signature section is not signed, and the specification lets those who hand a
 * record on add members to it: they are passed over.
 *
 * Signatures have three forms in the field.  The specification's is DER.  Meters
 * of one maker write r and s one after the other, meters of another write DER whose
 * integers always have the field's length, as if they had no sign; neither says so,
 * but which one it is shows in the bytes.
 */
#include <string.h>

#include "core/base64.h"
#include "core/envelope_parts.h"
#include "core/hex.h"
#include "core/json.h"
#include "core/keyset.h"

#define OCMF_HEADER_LEN 5		/* OCMF| */
#define OCMF_BAR '|'
/* a member that is passed over may nest, within the depth of 4 of the section */
#define OCMF_MEMBER_DEPTH 3
#define OCMF_ALGORITHM_LEN_MAX 63

/* The members of the signature section that are read. */
typedef struct ocmf_signature
{
	json_string algorithm;		/* SA */
	json_string encoding;		/* SE */
	json_string mime_type;		/* SM */
	json_string data;			/* SD */
} ocmf_signature;

static bool
ocmf_name_is(const json_string *s, const char *text)
{
	return s->len == strlen(text) && memcmp(s->bytes, text, s->len) == 0;
}

static refusal
ocmf_read_member(json_reader *r, keyset *names, ocmf_signature *out)
{
	json_string name;
	refusal		why = json_read_name(r, &name);

	if (why == REFUSAL_NONE)
		why = keyset_add(names, name.bytes, name.len);
	if (why != REFUSAL_NONE)
		return why;
	if (ocmf_name_is(&name, "SA"))
		return json_read_string(r, &out->algorithm);
	if (ocmf_name_is(&name, "SE"))
		return json_read_string(r, &out->encoding);
	if (ocmf_name_is(&name, "SM"))
		return json_read_string(r, &out->mime_type);
	if (ocmf_name_is(&name, "SD"))
		return json_read_string(r, &out->data);
	return json_skip(r, OCMF_MEMBER_DEPTH);
}

static refusal
ocmf_read_section(const uint8_t *section, size_t len, ocmf_signature *out)
{
	json_reader r;
	keyset		names;
	refusal		why;
	bool		more = true;

	memset(out, 0, sizeof(*out));
	keyset_init(&names);
	json_open_decimals(&r, section, len);
	why = json_enter(&r, '{');
	for (bool first = true; why == REFUSAL_NONE; first = false)
	{
		why = json_more(&r, '{', first, &more);
		if (why != REFUSAL_NONE || !more)
			break;
		why = ocmf_read_member(&r, &names, out);
	}
	if (why == REFUSAL_NONE)
		why = json_close(&r);
	/* what is not signed has no second spelling where it need not have one */
	if (why == REFUSAL_NONE && section[len - 1] != '}')
		why = REFUSAL_TRAILING_BYTES;
	return why;
}

/* Is a member, its escapes resolved, this text?  scratch has room for the member. */
static bool
ocmf_member_is(const json_string *s, const char *text, uint8_t *scratch)
{
	const size_t len = json_unescape(s, scratch);

	return len == strlen(text) && memcmp(scratch, text, len) == 0;
}

static refusal
ocmf_algorithm(const json_string *name, envelope_algorithm *out)
{
	char		text[OCMF_ALGORITHM_LEN_MAX + 1];

	if (name->bytes == NULL)
	{
		*out = ENVELOPE_ES256;
		return REFUSAL_NONE;
	}
	if (!name->plain || name->len > OCMF_ALGORITHM_LEN_MAX)
		return REFUSAL_UNSUPPORTED_ALGORITHM;
	memcpy(text, name->bytes, name->len);
	text[name->len] = '\0';
	/* our own short names are not OCMF's */
	if (strncmp(text, "ECDSA-", 6) == 0 && strlen(text) == name->len)
		*out = envelope_algorithm_by_name(text);
	return *out == 0 ? REFUSAL_UNSUPPORTED_ALGORITHM : REFUSAL_NONE;
}

/*
 * SEQUENCE { INTEGER r, INTEGER s } with integers of exactly the field's length:
 * as raw r | s in place.  Strict DER of that shape reads the same either way.
 */
static bool
ocmf_fixed_length_to_raw(size_t integer_len, uint8_t *signature, size_t *len)
{
	const size_t tagged_len = 2 + integer_len;

	if (*len != 2 + 2 * tagged_len || signature[0] != 0x30 || signature[1] != *len - 2 ||
		signature[2] != 0x02 || signature[3] != integer_len ||
		signature[2 + tagged_len] != 0x02 || signature[3 + tagged_len] != integer_len)
		return false;
	memmove(signature, signature + 4, integer_len);
	memmove(signature + integer_len, signature + 4 + tagged_len, integer_len);
	*len = 2 * integer_len;
	return true;
}

/* SD's bytes, in one of the three forms. */
static refusal
ocmf_signature_bytes(const ocmf_signature *said, uint8_t *scratch, envelope *out)
{
	const char *text = (const char *) scratch;
	bool		base64 = false;
	ecdsa_curve curve;
	ecdsa_hash	hash;
	size_t		len;

	if (said->mime_type.bytes != NULL &&
		!ocmf_member_is(&said->mime_type, "application/x-der", scratch))
		return REFUSAL_UNSUPPORTED_ENCODING;
	if (said->encoding.bytes != NULL && !ocmf_member_is(&said->encoding, "hex", scratch))
	{
		if (!ocmf_member_is(&said->encoding, "base64", scratch))
			return REFUSAL_UNSUPPORTED_ENCODING;
		base64 = true;
	}
	if (said->data.bytes == NULL)
		return REFUSAL_MISSING_SIGNATURE;
	/* decoded where it stands: the bytes are fewer than the characters */
	len = json_unescape(&said->data, scratch);
	if (base64 && !base64_decode(text, len, scratch, len, &len))
		return REFUSAL_BAD_BASE64;
	if (!base64 && !hex_decode(text, len, scratch, len, &len))
		return REFUSAL_BAD_HEX;
	if (!envelope_algorithm_curve(out->algorithm, &curve, &hash) ||
		(!ecdsa_signature_well_formed(curve, scratch, len) &&
		 !ocmf_fixed_length_to_raw(ecdsa_integer_len(curve), scratch, &len)))
		return REFUSAL_BAD_SIGNATURE_FORM;
	memcpy(out->signature, scratch, len);
	out->signature_len = len;
	return REFUSAL_NONE;
}

refusal
envelope_ocmf_parse(const uint8_t *message, size_t len, uint8_t *scratch, envelope *out)
{
	const uint8_t *payload = message + OCMF_HEADER_LEN;
	const uint8_t *end = message + len;
	const uint8_t *bar = memchr(payload, OCMF_BAR, (size_t) (end - payload));
	const uint8_t *section = bar == NULL ? NULL : bar + 1;
	ocmf_signature said;
	refusal		why;

	out->kind = ENVELOPE_OCMF;
	if (section == NULL || section == end ||
		memchr(section, OCMF_BAR, (size_t) (end - section)) != NULL)
		return REFUSAL_BAD_SECTIONS;
	why = ocmf_read_section(section, (size_t) (end - section), &said);
	if (why == REFUSAL_NONE)
		why = ocmf_algorithm(&said.algorithm, &out->algorithm);
	if (why == REFUSAL_NONE)
		why = ocmf_signature_bytes(&said, scratch, out);
	if (why != REFUSAL_NONE)
		return why;
	out->signed_bytes = payload;
	out->signed_len = (size_t) (bar - payload);
	out->payload = payload;
	out->payload_len = out->signed_len;
	return REFUSAL_NONE;
}
