/*
 * sha256.h: H of the ledger's formats.  Thread-safe; any length.
 */
#ifndef CORE_SHA256_H
#define CORE_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_LEN 32

/* out = SHA-256(data).  data may be NULL when len is 0. */
extern void sha256_of(const void *data, size_t len, uint8_t out[SHA256_LEN]);

/* out = SHA-256(a followed by b): for a prefix that stands apart from its data. */
extern void sha256_of_two(const void *a, size_t a_len,
						  const void *b, size_t b_len,
						  uint8_t out[SHA256_LEN]);

/*
 * Several messages at once, which is faster than one after the other.  Behind each
 * its caller leaves SHA256_PAD_MAX bytes of room, which are overwritten; out may lie
 * anywhere but in a message.
 */
#define SHA256_PAD_MAX 72

typedef struct sha256_message
{
	uint8_t    *data;
	size_t		len;
	uint8_t    *out;			/* SHA256_LEN bytes */
} sha256_message;

extern void sha256_of_each(const sha256_message *message, size_t count);

#endif							/* CORE_SHA256_H */
