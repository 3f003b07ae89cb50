/*
 * sealed_box.h: encryption to a public key by libsodium's sealed boxes (X25519,
 * XSalsa20-Poly1305).  Whoever encrypts needs no secret and cannot decrypt
 * afterwards.  core_crypto_init must have been called once in the process.
 */
#ifndef CORE_SEALED_BOX_H
#define CORE_SEALED_BOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEALED_BOX_PUBLIC_LEN 32
#define SEALED_BOX_SECRET_LEN 32
#define SEALED_BOX_OVERHEAD 48	/* a box is that much longer than what is in it */
#define SEALED_BOX_PLAIN_LEN_MAX (16 * 1024 * 1024)

extern void sealed_box_keygen(uint8_t public_key[SEALED_BOX_PUBLIC_LEN],
							  uint8_t secret_key[SEALED_BOX_SECRET_LEN]);

/* The public half of a secret key. */
extern bool sealed_box_public(const uint8_t *secret_key, size_t secret_len,
							  uint8_t public_key[SEALED_BOX_PUBLIC_LEN]);

/*
 * box has room for plain_len + SEALED_BOX_OVERHEAD.  False for a key of another
 * length, for one that no secret belongs to (all zeros and its like), and for
 * more than SEALED_BOX_PLAIN_LEN_MAX.
 */
extern bool sealed_box_seal(const uint8_t *plain, size_t plain_len,
							const uint8_t *public_key, size_t public_len, uint8_t *box);

/* plain has room for box_len - SEALED_BOX_OVERHEAD.  False, and no word why, where it does not open. */
extern bool sealed_box_open(const uint8_t *box, size_t box_len,
							const uint8_t *public_key, size_t public_len,
							const uint8_t *secret_key, size_t secret_len, uint8_t *plain);

#endif							/* CORE_SEALED_BOX_H */
