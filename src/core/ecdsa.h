/*
 * ecdsa.h: ECDSA over the curves that meters sign with, by OpenSSL.
 *
 * key: uncompressed point (04, x, y) or SubjectPublicKeyInfo DER of a key of
 * that very curve.  signature: strict DER (BER is refused) or raw r | s, each
 * as long as the curve's field.  False for a wrong signature and for anything
 * malformed; lengths and forms are checked before OpenSSL sees a byte.
 */
#ifndef CORE_ECDSA_H
#define CORE_ECDSA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum ecdsa_curve
{
	ECDSA_SECP192R1 = 1,		/* NIST P-192, prime192v1 */
	ECDSA_SECP192K1,
	ECDSA_SECP256R1,			/* NIST P-256, prime256v1 */
	ECDSA_SECP256K1,
	ECDSA_BRAINPOOL256R1,
	ECDSA_SECP384R1,			/* NIST P-384 */
	ECDSA_BRAINPOOL384R1
} ecdsa_curve;

typedef enum ecdsa_hash
{
	ECDSA_SHA256 = 1, ECDSA_SHA384
} ecdsa_hash;

#define ECDSA_INTEGER_LEN_MAX 48	/* a coordinate, r, s */
#define ECDSA_POINT_LEN_MAX (1 + 2 * ECDSA_INTEGER_LEN_MAX)
#define ECDSA_SPKI_LEN_MAX 124
#define ECDSA_SIGNATURE_LEN_MAX 104 /* DER: 2 + 2 * (2 + 49) */

/* Bytes of a coordinate, and of r and s. */
extern size_t ecdsa_integer_len(ecdsa_curve curve);

/* Bytes of a key as SubjectPublicKeyInfo. */
extern size_t ecdsa_spki_len(ecdsa_curve curve);

/* The uncompressed point in either form of key, or NULL.  Whether it is on the curve is not asked. */
extern const uint8_t *ecdsa_key_point(ecdsa_curve curve, const uint8_t *key, size_t key_len);

/* Is the point (1 + 2 * ecdsa_integer_len bytes, 04 first) on the curve? */
extern bool ecdsa_point_valid(ecdsa_curve curve, const uint8_t *point);

/* Has it the form of a signature, DER or raw? */
extern bool ecdsa_signature_well_formed(ecdsa_curve curve, const uint8_t *signature,
										size_t signature_len);

extern bool ecdsa_verify(ecdsa_curve curve, ecdsa_hash hash,
						 const uint8_t *key, size_t key_len,
						 const uint8_t *message, size_t message_len,
						 const uint8_t *signature, size_t signature_len);

/* ES256: P-256 with SHA-256. */
static inline bool
p256_verify(const uint8_t *key, size_t key_len, const uint8_t *message, size_t message_len,
			const uint8_t *signature, size_t signature_len)
{
	return ecdsa_verify(ECDSA_SECP256R1, ECDSA_SHA256, key, key_len, message, message_len,
						signature, signature_len);
}

#endif							/* CORE_ECDSA_H */
