/*
 * refusal.h: why a signed message is not taken at its word.
 *
 * One list for the whole way: the parsers of src/core return these codes, the
 * database writes their names into quarantine.reason, the documentation lists
 * them.  A name, once published, keeps its meaning.
 */
#ifndef CORE_REFUSAL_H
#define CORE_REFUSAL_H

typedef enum refusal
{
	REFUSAL_NONE = 0,
	REFUSAL_TOO_LARGE,			/* above MESSAGE_BYTES_MAX */
	REFUSAL_EMPTY,
	REFUSAL_UNKNOWN_ENVELOPE,	/* first bytes are no envelope of ours */
	REFUSAL_BAD_CBOR,			/* not well-formed */
	REFUSAL_UNSUPPORTED_ITEM,	/* CBOR that the profile does not have: a tag,
								 * undefined, a simple value */
	REFUSAL_INDEFINITE_LENGTH,
	REFUSAL_NON_CANONICAL,		/* a longer form where a shorter one exists */
	REFUSAL_DUPLICATE_KEY,
	REFUSAL_TRAILING_BYTES,
	REFUSAL_TOO_DEEP,
	REFUSAL_TOO_MANY_ENTRIES,	/* in one map, object or header */
	REFUSAL_BAD_BASE64,			/* alphabet, padding, or non-canonical bits */
	REFUSAL_BAD_JSON,
	REFUSAL_BAD_UTF8,
	REFUSAL_BAD_HEADER,			/* no algorithm, or a header we must understand
								 * and do not ("crit") */
	REFUSAL_UNSUPPORTED_ALGORITHM,
	REFUSAL_BAD_SIGNATURE_LENGTH,
	REFUSAL_UNSUPPORTED_VERSION,	/* v is not 1 */
	REFUSAL_UNKNOWN_TYPE,
	REFUSAL_MISSING_FIELD,
	REFUSAL_UNKNOWN_FIELD,
	REFUSAL_BAD_METER,			/* meter is not 1-64 of A-Za-z0-9._:- */
	REFUSAL_BAD_SEQUENCE,		/* epoch or seq out of range */
	REFUSAL_BAD_PREV,			/* prev is not empty at seq 1 or not 32 bytes
								 * after it */
	REFUSAL_BAD_TIME,
	REFUSAL_BAD_CLOCK_STATUS,
	REFUSAL_BAD_BODY,			/* body does not fit the type */
	REFUSAL_NOT_AN_INTEGER,		/* a fraction, an exponent, a float */
	REFUSAL_INTEGER_RANGE,		/* does not fit 64 bits with a sign */
	REFUSAL_WRONG_TYPE,			/* well-formed, but a text where the profile has
								 * an integer, or the like */
	REFUSAL_BAD_KEY,			/* a new key that its algorithm cannot use, or a revoked one */
	REFUSAL_BAD_SECTIONS,		/* the envelope has not its parts: COSE four,
								 * JWS three, OCMF two */
	/* OCMF */
	REFUSAL_MISSING_SIGNATURE,	/* no SD */
	REFUSAL_UNSUPPORTED_ENCODING,	/* SE or SM is none of the specification's */
	REFUSAL_BAD_HEX,
	REFUSAL_BAD_SIGNATURE_FORM, /* SD is no signature of the curve */
	REFUSAL_BAD_PAGINATION,		/* PG is not T or F and a number */
	REFUSAL_BAD_DECIMAL,		/* RV is no decimal number */
	REFUSAL_DECIMAL_RANGE,		/* RV does not fit int64 and a scale of -9 to 9 */
	REFUSAL_BAD_ERROR_FLAGS,	/* EF has a letter that is not E or t */
	/* decided in the database, where keys and earlier messages are known */
	REFUSAL_UNKNOWN_METER,
	REFUSAL_ALGORITHM_MISMATCH, /* header names another than the registered key's */
	REFUSAL_BAD_SIGNATURE,
	REFUSAL_KEY_REVOKED,		/* signed by a key that is revoked */
	REFUSAL_KEY_NOT_VALID,		/* signed by a key that is not good for this message */
	REFUSAL_TOPIC_MISMATCH,		/* topic names another meter or type */
	REFUSAL_EQUIVOCATION,		/* same (meter, epoch, seq), other bytes */
	REFUSAL_COUNT
} refusal;

#define MESSAGE_BYTES_MAX 16384

/* The code's published name ("bad_signature"); never NULL. */
extern const char *refusal_name(refusal r);

#endif							/* CORE_REFUSAL_H */
