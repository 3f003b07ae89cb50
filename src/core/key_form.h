/*
 * key_form.h: has a public key a form that its algorithm can use?
 *
 * The form alone.  Whether a point lies on its curve is seen by the library that
 * verifies, at the first signature.
 */
#ifndef CORE_KEY_FORM_H
#define CORE_KEY_FORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/envelope.h"

#define KEY_FORM_POINT_LEN 65	/* P-256, uncompressed: 04, x, y */
#define KEY_FORM_SPKI_LEN 91	/* the same as SubjectPublicKeyInfo */
#define KEY_FORM_LEN_MAX KEY_FORM_SPKI_LEN

extern bool key_form_valid(envelope_algorithm algorithm, const uint8_t *key, size_t len);

#endif							/* CORE_KEY_FORM_H */
