/*
 * site_key.h: the files with the site's signing keys: the log's, and the operator's.
 */
#ifndef LEDGER_SITE_KEY_H
#define LEDGER_SITE_KEY_H

#include "core/ed25519.h"

#define SITE_KEYS_MAX 64		/* lines of a file */

/* Two files: whoever may sign blocks is not thereby who may switch a customer off. */
typedef enum SiteKeyFile
{
	SITE_KEY_LOG,				/* signs checkpoints and receipts */
	SITE_KEY_OPERATOR			/* signs commands */
} SiteKeyFile;

extern const char *site_key_path(SiteKeyFile which);

/*
 * Postmaster, before any backend: make the log's file if there is none, see that the
 * files can be used.  The operator's is made when the first key is.
 */
extern void site_key_prepare(void);

/* The public half of the log's file's newest key. */
extern void site_key_newest(uint8 public_key[ED25519_PUBLIC_LEN]);

/*
 * The secret half of a public key, in locked memory, good until the next call for that
 * file.  NULL where the file does not hold it.
 */
extern const uint8 *site_key_secret(SiteKeyFile which, const uint8 public_key[ED25519_PUBLIC_LEN]);

/*
 * The next key of a log that has used these: the file's newest where it is none of
 * them and fresh is false; otherwise one that is made and appended to the file.
 */
extern void site_key_next(SiteKeyFile which, const uint8 (*used)[ED25519_PUBLIC_LEN], int used_count, bool fresh,
						  uint8 public_key[ED25519_PUBLIC_LEN]);

#endif							/* LEDGER_SITE_KEY_H */
