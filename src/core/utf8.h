/*
 * utf8.h: is this UTF-8?  Anybody in src/core may ask.
 */
#ifndef CORE_UTF8_H
#define CORE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Length (1-4) of the character that text starts with and its code point, or 0
 * where it is not UTF-8: overlong forms, surrogates and anything above U+10FFFF
 * are refused.  len must be above 0.
 */
extern size_t utf8_decode(const char *text, size_t len, uint32_t *code_point);

extern bool utf8_valid(const char *text, size_t len);

#endif							/* CORE_UTF8_H */
