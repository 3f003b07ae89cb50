/*
 * envelope.h: the signed wrapping of a message, taken apart and made.
 *
 * Three envelopes, told apart by their first bytes: COSE_Sign1 (RFC 9052, tag 18,
 * byte 0xd2), compact JWS (RFC 7515, "eyJ") and OCMF, which charging stations
 * write ("OCMF|").  Nothing here trusts a byte before its length is known,
 * allocates, or looks at the payload.
 *
 * JWS header: alg and kid are read, other members may be any strings; "crit" and
 * "b64" are refused.  COSE: alg must be in the protected header, crit is refused,
 * no label may stand twice (in both headers neither), the payload is attached,
 * external_aad is empty.  OCMF: what is signed is the payload as it stands between
 * the bars; SA, SE, SM and SD are read, other members of the signature section are
 * passed over: the signature does not cover them.
 */
#ifndef CORE_ENVELOPE_H
#define CORE_ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/ecdsa.h"
#include "core/refusal.h"

typedef enum envelope_kind
{
	ENVELOPE_COSE_SIGN1 = 1,
	ENVELOPE_JWS = 2,
	ENVELOPE_OCMF = 3
} envelope_kind;

typedef enum envelope_algorithm
{
	ENVELOPE_ED25519 = 1,		/* JWS EdDSA, Ed25519; COSE -8, -19 */
	ENVELOPE_ES256 = 2,			/* JWS ES256; COSE -7, -9; OCMF's default: P-256
								 * with SHA-256 */
	/* OCMF only: curve and hash */
	ENVELOPE_SECP192R1_SHA256,
	ENVELOPE_SECP192K1_SHA256,
	ENVELOPE_SECP256K1_SHA256,
	ENVELOPE_BRAINPOOL256R1_SHA256,
	ENVELOPE_SECP384R1_SHA256,
	ENVELOPE_BRAINPOOL384R1_SHA256,
	ENVELOPE_SECP384R1_SHA384,
	ENVELOPE_BRAINPOOL384R1_SHA384
} envelope_algorithm;

#define ENVELOPE_ALGORITHM_MAX ENVELOPE_BRAINPOOL384R1_SHA384

/* Raw signatures of Ed25519 and ES256, the only ones of COSE and JWS. */
#define ENVELOPE_RAW_SIGNATURE_LEN 64

typedef struct envelope
{
	envelope_kind kind;
	envelope_algorithm algorithm;
	const uint8_t *signed_bytes;	/* what the signature covers */
	size_t		signed_len;
	const uint8_t *payload;
	size_t		payload_len;
	uint8_t		signature[ECDSA_SIGNATURE_LEN_MAX]; /* OCMF: DER, or raw r | s */
	size_t		signature_len;
	const uint8_t *key_id;		/* kid, or NULL */
	size_t		key_id_len;
} envelope;

/* Scratch that envelope_parse needs: decoded payload, or COSE's Sig_structure. */
#define ENVELOPE_SCRATCH_BYTES (2 * MESSAGE_BYTES_MAX + 256)

/*
 * Take a message apart.  out points into message and scratch, which must
 * outlive it.  Returns REFUSAL_NONE or why not.
 */
extern refusal envelope_parse(const uint8_t *message, size_t len,
							  uint8_t scratch[ENVELOPE_SCRATCH_BYTES], envelope *out);

/* "cose", "jws", "ocmf" */
extern const char *envelope_kind_name(envelope_kind kind);

/*
 * "Ed25519", "ES256", and OCMF's names for its other algorithms, as registered with
 * a key; 0 where it is none.  ECDSA-secp256r1-SHA256 is ES256, and brainpoolP256r1
 * may be written for brainpool256r1.
 */
extern envelope_algorithm envelope_algorithm_by_name(const char *name);
extern const char *envelope_algorithm_name(envelope_algorithm a);

/* The curve and hash of an ECDSA algorithm; false for Ed25519. */
extern bool envelope_algorithm_curve(envelope_algorithm a, ecdsa_curve *curve, ecdsa_hash *hash);

/* Ed25519: 32-byte key.  The others: point or SPKI DER (ecdsa.h).  False on any doubt. */
extern bool envelope_signature_valid(const envelope *e, const uint8_t *key, size_t key_len);

/*
 * Sign a payload with Ed25519 (secret_key is libsodium's 64 bytes).  Returns
 * the message's length, or 0 where it does not fit cap or MESSAGE_BYTES_MAX.
 */
extern size_t envelope_sign(envelope_kind kind, const uint8_t *payload, size_t payload_len,
							const uint8_t secret_key[64],
							uint8_t *out, size_t cap);

#endif							/* CORE_ENVELOPE_H */
