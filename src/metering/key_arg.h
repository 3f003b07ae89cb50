/*
 * key_arg.h: a public key that somebody registers, checked and in the form kept.
 */
#ifndef METERING_KEY_ARG_H
#define METERING_KEY_ARG_H

#include "core/key_form.h"

/* The algorithm of a name; an error (22023) where there is none of that name. */
extern envelope_algorithm key_arg_algorithm(const char *name);

/* The key as a bytea in the form that is kept; an error (22023) says what is wrong with it. */
extern bytea *key_arg_read(envelope_algorithm algorithm, const uint8 *key, Size len);

/* The same where the algorithm is not told; the bytes as they are where they are no key. */
extern bytea *key_arg_read_any(bytea *key);

#endif							/* METERING_KEY_ARG_H */
