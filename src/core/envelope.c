/*
 * envelope.c: which envelope a message is in, and is its signature right?
 *
 * The envelopes are taken apart in envelope_cose.c, envelope_jws.c and
 * envelope_ocmf.c; here is what they share: limits, names of algorithms, and the one place where a
 * signature is handed to a verifier.  The key is the caller's: one that a
 * message brings along is never looked at.
 */
#include <string.h>

#include "core/ed25519.h"
#include "core/envelope_parts.h"

static const struct
{
	const char *name;
	const char *alias;			/* or NULL */
	ecdsa_curve curve;
	ecdsa_hash	hash;
}			envelope_algorithms[] =
{
	[ENVELOPE_ED25519] = {"Ed25519", NULL},
	[ENVELOPE_ES256] = {"ES256", "ECDSA-secp256r1-SHA256", ECDSA_SECP256R1, ECDSA_SHA256},
	[ENVELOPE_SECP192R1_SHA256] = {"ECDSA-secp192r1-SHA256", NULL, ECDSA_SECP192R1, ECDSA_SHA256},
	[ENVELOPE_SECP192K1_SHA256] = {"ECDSA-secp192k1-SHA256", NULL, ECDSA_SECP192K1, ECDSA_SHA256},
	[ENVELOPE_SECP256K1_SHA256] = {"ECDSA-secp256k1-SHA256", NULL, ECDSA_SECP256K1, ECDSA_SHA256},
	[ENVELOPE_BRAINPOOL256R1_SHA256] = {"ECDSA-brainpool256r1-SHA256", "ECDSA-brainpoolP256r1-SHA256",
	ECDSA_BRAINPOOL256R1, ECDSA_SHA256},
	[ENVELOPE_SECP384R1_SHA256] = {"ECDSA-secp384r1-SHA256", NULL, ECDSA_SECP384R1, ECDSA_SHA256},
	[ENVELOPE_BRAINPOOL384R1_SHA256] = {"ECDSA-brainpool384r1-SHA256", "ECDSA-brainpoolP384r1-SHA256",
	ECDSA_BRAINPOOL384R1, ECDSA_SHA256},
	[ENVELOPE_SECP384R1_SHA384] = {"ECDSA-secp384r1-SHA384", NULL, ECDSA_SECP384R1, ECDSA_SHA384},
	[ENVELOPE_BRAINPOOL384R1_SHA384] = {"ECDSA-brainpool384r1-SHA384", "ECDSA-brainpoolP384r1-SHA384",
	ECDSA_BRAINPOOL384R1, ECDSA_SHA384},
};

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
	if (len >= 5 && memcmp(message, "OCMF|", 5) == 0)
		return envelope_ocmf_parse(message, len, scratch, out);
	return REFUSAL_UNKNOWN_ENVELOPE;
}

const char *
envelope_kind_name(envelope_kind kind)
{
	switch (kind)
	{
		case ENVELOPE_COSE_SIGN1:
			return "cose";
		case ENVELOPE_JWS:
			return "jws";
		case ENVELOPE_OCMF:
			return "ocmf";
	}
	return "unknown";
}

envelope_algorithm
envelope_algorithm_by_name(const char *name)
{
	for (int a = ENVELOPE_ED25519; a <= ENVELOPE_ALGORITHM_MAX; a++)
	{
		if (strcmp(name, envelope_algorithms[a].name) == 0 ||
			(envelope_algorithms[a].alias != NULL && strcmp(name, envelope_algorithms[a].alias) == 0))
			return (envelope_algorithm) a;
	}
	return (envelope_algorithm) 0;
}

const char *
envelope_algorithm_name(envelope_algorithm a)
{
	if (a < ENVELOPE_ED25519 || a > ENVELOPE_ALGORITHM_MAX)
		return "unknown";
	return envelope_algorithms[a].name;
}

bool
envelope_algorithm_curve(envelope_algorithm a, ecdsa_curve *curve, ecdsa_hash *hash)
{
	if (a <= ENVELOPE_ED25519 || a > ENVELOPE_ALGORITHM_MAX)
		return false;
	*curve = envelope_algorithms[a].curve;
	*hash = envelope_algorithms[a].hash;
	return true;
}

bool
envelope_signature_valid(const envelope *e, const uint8_t *key, size_t key_len)
{
	ecdsa_curve curve;
	ecdsa_hash	hash;

	if (e->algorithm == ENVELOPE_ED25519)
		return ed25519_verify(key, key_len, e->signed_bytes, e->signed_len,
							  e->signature, e->signature_len);
	return envelope_algorithm_curve(e->algorithm, &curve, &hash) &&
		ecdsa_verify(curve, hash, key, key_len, e->signed_bytes, e->signed_len,
					 e->signature, e->signature_len);
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
