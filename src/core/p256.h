/*
 * p256.h: ECDSA over P-256 with SHA-256, by OpenSSL.
 *
 * key: 65-byte uncompressed point or SubjectPublicKeyInfo DER of a P-256 key
 * (other curves: false).  signature: strict DER (BER is refused) or raw 64
 * bytes r | s.  False for a wrong signature and for anything malformed.
 */
#ifndef CORE_P256_H
#define CORE_P256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

extern bool p256_verify(const uint8_t *key, size_t key_len,
						const uint8_t *message, size_t message_len,
						const uint8_t *signature, size_t signature_len);

#endif							/* CORE_P256_H */
