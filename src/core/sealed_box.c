/*
 * sealed_box.c: libsodium's crypto_box_seal behind checked lengths.
 *
 * Every length is checked before the library sees a byte, since it takes its keys
 * as bare pointers.  Which of key or box was wrong is not told apart.
 */
#include "core/sealed_box.h"

#include <sodium.h>

_Static_assert(SEALED_BOX_PUBLIC_LEN == crypto_box_PUBLICKEYBYTES &&
			   SEALED_BOX_SECRET_LEN == crypto_box_SECRETKEYBYTES &&
			   SEALED_BOX_OVERHEAD == crypto_box_SEALBYTES, "lengths as libsodium has them");

void
sealed_box_keygen(uint8_t public_key[SEALED_BOX_PUBLIC_LEN], uint8_t secret_key[SEALED_BOX_SECRET_LEN])
{
	crypto_box_keypair(public_key, secret_key);
}

bool
sealed_box_public(const uint8_t *secret_key, size_t secret_len, uint8_t public_key[SEALED_BOX_PUBLIC_LEN])
{
	return secret_len == SEALED_BOX_SECRET_LEN && crypto_scalarmult_base(public_key, secret_key) == 0;
}

bool
sealed_box_seal(const uint8_t *plain, size_t plain_len, const uint8_t *public_key, size_t public_len,
				uint8_t *box)
{
	if (public_len != SEALED_BOX_PUBLIC_LEN || plain_len > SEALED_BOX_PLAIN_LEN_MAX)
		return false;
	return crypto_box_seal(box, plain, plain_len, public_key) == 0;
}

bool
sealed_box_open(const uint8_t *box, size_t box_len, const uint8_t *public_key, size_t public_len,
				const uint8_t *secret_key, size_t secret_len, uint8_t *plain)
{
	if (public_len != SEALED_BOX_PUBLIC_LEN || secret_len != SEALED_BOX_SECRET_LEN ||
		box_len < SEALED_BOX_OVERHEAD || box_len - SEALED_BOX_OVERHEAD > SEALED_BOX_PLAIN_LEN_MAX)
		return false;
	return crypto_box_seal_open(plain, box, box_len, public_key, secret_key) == 0;
}
