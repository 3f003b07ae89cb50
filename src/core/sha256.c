/*
 * sha256.c: SHA-256 by OpenSSL's libcrypto, through its context-on-the-stack
 * interface.
 *
 * The ledger hashes one small row and one tree node per row written, so what
 * counts is the cost of a call, not of a gigabyte.  OpenSSL's EVP interface
 * allocates and looks up a provider; its older SHA256_* calls run the same
 * assembly (with the CPU's SHA instructions) with neither.  They are marked as
 * deprecated in OpenSSL 3 but are part of its stable ABI; this file is the only
 * one that knows.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include "core/sha256.h"

void
sha256_of(const void *data, size_t len, uint8_t out[SHA256_LEN])
{
	SHA256_CTX	ctx;

	SHA256_Init(&ctx);
	if (len > 0)
		SHA256_Update(&ctx, data, len);
	SHA256_Final(out, &ctx);
}

void
sha256_of_two(const void *a, size_t a_len, const void *b, size_t b_len,
			  uint8_t out[SHA256_LEN])
{
	SHA256_CTX	ctx;

	SHA256_Init(&ctx);
	if (a_len > 0)
		SHA256_Update(&ctx, a, a_len);
	if (b_len > 0)
		SHA256_Update(&ctx, b, b_len);
	SHA256_Final(out, &ctx);
}
