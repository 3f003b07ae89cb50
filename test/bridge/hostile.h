/*
 * hostile.h: what hostile.c, which puts bad messages together, hostile_keys.c, which
 * signs them, and hostile_kinds.c, which says what is bad about each, share.
 */
#ifndef TEST_HOSTILE_H
#define TEST_HOSTILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ec.h>

#include "core/ed25519.h"
#include "core/envelope.h"
#include "core/sha256.h"

#define MESSAGE_ROOM 40000		/* some are too large on purpose */

/* What is done to a finished message, or on the way to it. */
typedef enum harm
{
	HARM_NONE,
	HARM_CUT,					/* ends after share of its bytes; at places below */
	HARM_APPEND,				/* text stands after its end */
	HARM_REPLACE,				/* byte `at`, from the end where negative, becomes text[0] */
	HARM_RAW,					/* the payload's template is the whole message */
	HARM_SIGNATURE_BIT,			/* one bit of the signature is another */
	HARM_SIGNATURE_ZERO,
	HARM_SIGNED_OTHER,			/* signed before one digit of the value was changed */
	HARM_SIGNATURE_SHORT,		/* 63 bytes */
	HARM_DETACHED,				/* COSE: nil for the payload */
	HARM_THREE,					/* COSE: an array of 3 */
	HARM_FIVE,					/* COSE: an array of 5 */
	HARM_TAG17,					/* COSE: another tag */
	HARM_REPEAT					/* other bytes under a number that was sent */
} harm;

/* Where HARM_CUT cuts. */
enum
{
	CUT_HEAD = 1,				/* in what comes before the payload */
	CUT_PAYLOAD,
	CUT_SIGNATURE,				/* in what comes after it */
	CUT_BEFORE_SIGNATURE		/* right before that */
};

typedef struct kind
{
	const char *form;			/* whose: a class of meters of hostile.c */
	const char *name;
	const char *reason;			/* expected; "accepted"; "unheard" */
	const char *old;			/* in the payload's template: this, once, */
	const char *new;			/* becomes this; old NULL: all of it */
	const char *head;			/* instead of the usual header, or signature section */
	const char *topic;			/* instead of the usual one; without a slash its
								 * last level */
	harm		harm;
	int			at;
	const char *text;
	const char *key;			/* of which meter; NULL: its own */
} kind;

extern const kind hostile_kinds[];
extern const int hostile_kind_count;

typedef struct meter_class
{
	const char *name;
	envelope_kind envelope;
	int			nid;			/* of its curve; 0: Ed25519 */
	const char *algorithm;		/* registered; NULL: not */
	bool		good;			/* sends good messages all the while */
} meter_class;

typedef struct meter
{
	const meter_class *class;
	char		name[32];
	uint8_t		public_key[65];
	size_t		public_len;
	uint8_t		secret_key[ED25519_SECRET_LEN]; /* or the scalar */
	EC_KEY	   *ec;
	const struct meter *signer; /* itself, but for turned ones */
	uint64_t	seq;			/* of its last good message */
	uint8_t		prev[SHA256_LEN];
} meter;

/* What the seed and its name make of the i-th meter of a class. */
extern void hostile_keys(meter *m, const meter_class *class, int i, uint64_t first_seed);

/* Raw, 64 bytes; or for OCMF DER.  Its length. */
extern size_t hostile_sign(const meter *m, const uint8_t *bytes, size_t len, bool der, uint8_t out[80]);

extern void hostile_fail(const char *what);

#endif							/* TEST_HOSTILE_H */
