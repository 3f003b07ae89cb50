/*
 * envelope.c: which envelope a message is in, and is its signature right?
 *
 * The two envelopes are taken apart in envelope_cose.c and envelope_jws.c; here
 * is what they share: limits, names of algorithms, and the one place where a
 * signature is handed to a verifier.  The key is the caller's: one that a
 * message brings along is never looked at.
 */
#include <string.h>

#include "core/ed25519.h"
#include "core/envelope_parts.h"
#include "core/ecdsa.h"

refusal
envelope_parse(const uint8_t *message, size_t len,
			   uint8_t scratch[ENVELOPE_SCRATCH_BYTES], envelope *out)
{
	memset(out, 0, sizeof(*out));
	if (len == 0)
		return REFUSAL_EMPTY;
	if (len > MESSAGE_BYTES_MAX)
		return REFUSAL_TOO_LARGE;
	if (message[0] == 0xD2)
		return envelope_cose_parse(message, len, scratch, out);
	if (len >= 3 && memcmp(message, "eyJ", 3) == 0)
		return envelope_jws_parse(message, len, scratch, out);
	return REFUSAL_UNKNOWN_ENVELOPE;
}

envelope_algorithm
envelope_algorithm_by_name(const char *name)
{
	if (strcmp(name, "Ed25519") == 0)
		return ENVELOPE_ED25519;
	if (strcmp(name, "ES256") == 0)
		return ENVELOPE_ES256;
	return (envelope_algorithm) 0;
}

const char *
envelope_algorithm_name(envelope_algorithm a)
{
	return a == ENVELOPE_ED25519 ? "Ed25519" : a == ENVELOPE_ES256 ? "ES256" : "unknown";
}

bool
envelope_signature_valid(const envelope *e, const uint8_t *key, size_t key_len)
{
	switch (e->algorithm)
	{
		case ENVELOPE_ED25519:
			return ed25519_verify(key, key_len, e->signed_bytes, e->signed_len,
								  e->signature, sizeof(e->signature));
		case ENVELOPE_ES256:
			return p256_verify(key, key_len, e->signed_bytes, e->signed_len,
							   e->signature, sizeof(e->signature));
	}
	return false;
}

size_t
envelope_sign(envelope_kind kind, const uint8_t *payload, size_t payload_len,
			  const uint8_t secret_key[64], uint8_t *out, size_t cap)
{
	if (payload_len > MESSAGE_BYTES_MAX)
		return 0;
	if (cap > MESSAGE_BYTES_MAX)
		cap = MESSAGE_BYTES_MAX;
	if (kind == ENVELOPE_COSE_SIGN1)
		return envelope_cose_sign(payload, payload_len, secret_key, out, cap);
	if (kind == ENVELOPE_JWS)
		return envelope_jws_sign(payload, payload_len, secret_key, out, cap);
	return 0;
}
