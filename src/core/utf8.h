/*
 * utf8.h: is this text UTF-8 (RFC 3629)?  Overlong forms, surrogates and code
 * points above U+10FFFF are not.
 */
#ifndef CORE_UTF8_H
#define CORE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

extern bool utf8_valid(const uint8_t *text, size_t len);

#endif							/* CORE_UTF8_H */
