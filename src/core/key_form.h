/*
 * key_form.h: public keys in the forms that people have them in.
 *
 * One form is kept: Ed25519's 32 bytes, or the uncompressed point, 04 first.
 * key_form_read takes what means the same: SubjectPublicKeyInfo DER, a point
 * without its 04.
 */
#ifndef CORE_KEY_FORM_H
#define CORE_KEY_FORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/envelope.h"

#define KEY_FORM_LEN_MAX ECDSA_POINT_LEN_MAX	/* of the form that is kept */

typedef struct key_form
{
	uint8_t		bytes[KEY_FORM_LEN_MAX];
	size_t		len;
} key_form;

typedef enum key_form_fault
{
	KEY_FORM_SOUND = 0,
	KEY_FORM_UNKNOWN_ALGORITHM,
	KEY_FORM_WRONG_SHAPE,		/* none of the forms of this algorithm's keys */
	KEY_FORM_NOT_ON_CURVE
} key_form_fault;

extern key_form_fault key_form_read(envelope_algorithm a, const uint8_t *key, size_t key_len,
									key_form *out);

/* The same where the algorithm is not told: some algorithm's key; false where it is none's. */
extern bool key_form_read_any(const uint8_t *key, size_t key_len, key_form *out);

/*
 * Is it in the form that is kept?  Whether the point lies on its curve is not asked:
 * the library that verifies sees it at the first signature.
 */
extern bool key_form_valid(envelope_algorithm a, const uint8_t *key, size_t key_len);

/* Lengths of what key_form_read takes for an algorithm, for those who explain a fault. */
typedef struct key_form_lengths
{
	size_t		bare;			/* 32, or the point without its 04 */
	size_t		point;			/* 0 for Ed25519 */
	size_t		spki;
} key_form_lengths;

extern bool key_form_lengths_of(envelope_algorithm a, key_form_lengths *out);

#endif							/* CORE_KEY_FORM_H */
