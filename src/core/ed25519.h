/*
 * ed25519.h: Ed25519 (RFC 8032) by libsodium, the one verifier used everywhere.
 * Lengths are checked here, before the library sees a byte.  core_crypto_init
 * must have been called once in the process.
 */
#ifndef CORE_ED25519_H
#define CORE_ED25519_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ED25519_PUBLIC_LEN 32
#define ED25519_SEED_LEN 32
#define ED25519_SECRET_LEN 64	/* libsodium's form: seed, then public key */
#define ED25519_SIGNATURE_LEN 64

extern bool core_crypto_init(void);

/* False for a wrong signature and for any wrong length. */
extern bool ed25519_verify(const uint8_t *public_key, size_t public_len,
						   const uint8_t *message, size_t message_len,
						   const uint8_t *signature, size_t signature_len);

extern void ed25519_from_seed(const uint8_t seed[ED25519_SEED_LEN],
							  uint8_t public_key[ED25519_PUBLIC_LEN],
							  uint8_t secret_key[ED25519_SECRET_LEN]);
extern void ed25519_sign(const uint8_t secret_key[ED25519_SECRET_LEN],
						 const uint8_t *message, size_t message_len,
						 uint8_t signature[ED25519_SIGNATURE_LEN]);

#endif							/* CORE_ED25519_H */
