/*
 * commitment.h: a value that can be erased and a hash that stays: the bytes and
 * the text of type energyledger.redactable (doc/format.md).
 *
 * A value is plain until a ledger table stores it, salted from then on, and
 * redacted once salt and value are gone and only their commitment is left.
 */
#ifndef CORE_COMMITMENT_H
#define CORE_COMMITMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COMMITMENT_LEN 32
#define COMMITMENT_SALT_LEN 32
#define COMMITMENT_VALUE_LEN_MAX (16 * 1024 * 1024)

/* First byte of the stored form. */
typedef enum commitment_form
{
	COMMITMENT_PLAIN = 0,		/* then the value */
	COMMITMENT_SALTED = 1,		/* then 32 bytes of salt and the value */
	COMMITMENT_REDACTED = 2		/* then the 32 bytes of the commitment */
} commitment_form;

/* Taken apart; nothing is copied. */
typedef struct commitment_parts
{
	commitment_form form;
	const uint8_t *salt;		/* salted: COMMITMENT_SALT_LEN bytes */
	const uint8_t *commitment;	/* redacted: COMMITMENT_LEN bytes */
	const uint8_t *value;		/* plain, salted */
	size_t		value_len;
} commitment_parts;

/* H(02 | salt | value): neither a leaf's hash nor a node's. */
extern void commitment_of(const uint8_t salt[COMMITMENT_SALT_LEN],
						  const uint8_t *value, size_t value_len,
						  uint8_t out[COMMITMENT_LEN]);

/* The commitment of a salted or redacted value; false where it has none yet. */
extern bool commitment_of_parts(const commitment_parts *p, uint8_t out[COMMITMENT_LEN]);

/* Does this salt and this value open that commitment?  False for any wrong length. */
extern bool commitment_opens(const uint8_t *commitment, size_t commitment_len,
							 const uint8_t *salt, size_t salt_len,
							 const uint8_t *value, size_t value_len);

/* The stored form; false where it is none, or longer than it may be. */
extern bool commitment_parse(const uint8_t *data, size_t len, commitment_parts *p);
extern size_t commitment_size(const commitment_parts *p);
extern void commitment_put(const commitment_parts *p, uint8_t *out);

/*
 * The text form.  A text without the prefix is a plain value; one with it must be
 * exactly what commitment_text_put writes, or it is none.  hash receives salt or
 * commitment.  Whether the value is UTF-8 is the caller's to know.
 */
#define COMMITMENT_TEXT_PREFIX "energyledger:"
extern bool commitment_text_parse(const char *text, size_t len, uint8_t hash[32], commitment_parts *p);
extern size_t commitment_text_size(const commitment_parts *p);
extern void commitment_text_put(const commitment_parts *p, char *out);

#endif							/* CORE_COMMITMENT_H */
