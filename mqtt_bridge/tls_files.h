/*
 * tls_files.h: are the certificate files of use?  Asked before anything is
 * connected with them.
 */
#ifndef BRIDGE_TLS_FILES_H
#define BRIDGE_TLS_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/sha256.h"

/*
 * NULL or "" where a file is not configured.  False, with a sentence, for a file
 * that cannot be read, holds nothing of its kind, a certificate that has run
 * out, or a key that is encrypted or another certificate's.  digest tells
 * changed files.
 */
extern bool tls_files_check(const char *cafile, const char *certfile, const char *keyfile,
							uint8_t digest[SHA256_LEN], char *error, size_t cap);

/* Days until the certificate runs out, rounded down; INT64_MAX where there is none. */
extern int64_t tls_files_days_left(const char *certfile);

#endif							/* BRIDGE_TLS_FILES_H */
