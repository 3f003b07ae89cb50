/*
 * ed25519.c: Ed25519 by libsodium.
 *
 * Libraries differ on the edge of what a valid Ed25519 signature is (small
 * orders, non-canonical points), so the extension, the bridge and the tools all
 * ask this one: whoever stores a message and whoever checks it later cannot
 * disagree.  libsodium takes pointers without lengths; the lengths are checked
 * here first.
 */
#include "core/ed25519.h"

#include <sodium.h>

_Static_assert(ED25519_PUBLIC_LEN == crypto_sign_PUBLICKEYBYTES, "public key length");
_Static_assert(ED25519_SEED_LEN == crypto_sign_SEEDBYTES, "seed length");
_Static_assert(ED25519_SECRET_LEN == crypto_sign_SECRETKEYBYTES, "secret key length");
_Static_assert(ED25519_SIGNATURE_LEN == crypto_sign_BYTES, "signature length");

/*
 * Once a process, before anything else here; a second call does no harm.  It
 * lets libsodium choose its code for this CPU.  False: the library is unusable.
 */
bool
core_crypto_init(void)
{
	return sodium_init() >= 0;
}

bool
ed25519_verify(const uint8_t *public_key, size_t public_len,
			   const uint8_t *message, size_t message_len,
			   const uint8_t *signature, size_t signature_len)
{
	if (public_len != ED25519_PUBLIC_LEN || signature_len != ED25519_SIGNATURE_LEN)
		return false;
	return crypto_sign_verify_detached(signature, message, message_len, public_key) == 0;
}

void
ed25519_from_seed(const uint8_t seed[ED25519_SEED_LEN],
				  uint8_t public_key[ED25519_PUBLIC_LEN],
				  uint8_t secret_key[ED25519_SECRET_LEN])
{
	crypto_sign_seed_keypair(public_key, secret_key, seed);
}

void
ed25519_sign(const uint8_t secret_key[ED25519_SECRET_LEN],
			 const uint8_t *message, size_t message_len,
			 uint8_t signature[ED25519_SIGNATURE_LEN])
{
	crypto_sign_detached(signature, NULL, message, message_len, secret_key);
}
