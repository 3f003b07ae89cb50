/*
 * site_key.h: the file with the site's signing keys.
 */
#ifndef LEDGER_SITE_KEY_H
#define LEDGER_SITE_KEY_H

#include "core/ed25519.h"

#define SITE_KEYS_MAX 64		/* lines of the file */

extern const char *site_key_path(void);

/* Postmaster, before any backend: make the file if there is none, see that it can be used. */
extern void site_key_prepare(void);

/* The public half of the file's newest key. */
extern void site_key_newest(uint8 public_key[ED25519_PUBLIC_LEN]);

/*
 * The secret half of a public key, in locked memory, good until the next call.
 * NULL where the file does not hold it.
 */
extern const uint8 *site_key_secret(const uint8 public_key[ED25519_PUBLIC_LEN]);

/*
 * The next key of a log that has used these: the file's newest where it is none of
 * them and fresh is false; otherwise one that is made and appended to the file.
 */
extern void site_key_next(const uint8 (*used)[ED25519_PUBLIC_LEN], int used_count, bool fresh,
						  uint8 public_key[ED25519_PUBLIC_LEN]);

#endif							/* LEDGER_SITE_KEY_H */
