/*
 * base64.h: RFC 4648 base64 (section 4, padded) and base64url (section 5,
 * unpadded), strict: any byte outside the alphabet, wrong padding or non-zero
 * unused bits is refused, so that every value has one spelling.
 */
#ifndef CORE_BASE64_H
#define CORE_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BASE64_LEN(n) (((n) + 2) / 3 * 4)	/* room that encoding n bytes needs */

/* Characters written (no NUL), 0 where out is too small for a non-empty input. */
extern size_t base64_encode(const uint8_t *data, size_t len, char *out, size_t cap);
extern size_t base64url_encode(const uint8_t *data, size_t len, char *out, size_t cap);

/* False where the text is not strict base64 or does not fit cap. */
extern bool base64_decode(const char *text, size_t len, uint8_t *out, size_t cap, size_t *out_len);
extern bool base64url_decode(const char *text, size_t len, uint8_t *out, size_t cap, size_t *out_len);

#endif							/* CORE_BASE64_H */
