/*
 * text_bytes.h: bytes that people hold as text: hexadecimal, base64, PEM.
 *
 * For keys and records that are typed or pasted in, where base64.h and hex.h are
 * too strict: white space means nothing here.  Nothing that was signed passes it.
 */
#ifndef CORE_TEXT_BYTES_H
#define CORE_TEXT_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Hexadecimal of either case (pairs may have colons between them), base64 with its
 * padding, or PEM's PUBLIC KEY.  What can be hexadecimal is.  out has room for len
 * bytes.  False where the text is none of these or holds no byte.
 */
extern bool text_bytes_decode(const char *text, size_t len, uint8_t *out, size_t *out_len);

/* Without white space at either end. */
extern void text_bytes_trim(const char **text, size_t *len);

#endif							/* CORE_TEXT_BYTES_H */
