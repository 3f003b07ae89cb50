/*
 * json.h: JSON (RFC 8259) of a fixed profile, read strictly, by pulling.
 *
 * The profile: objects with plain member names (no escapes), each once and at
 * most KEYSET_KEYS_MAX of them, arrays, strings of valid UTF-8, integers that
 * fit int64, true, false, null.  A number with a point or an exponent is
 * REFUSAL_NOT_AN_INTEGER, except to json_read_number and, after
 * json_open_decimals, to json_skip.  Space between tokens is allowed: the bytes that were
 * signed are what is kept.  Nothing is allocated and nothing is decoded: a string
 * is a piece of the input.
 */
#ifndef CORE_JSON_H
#define CORE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/refusal.h"

typedef struct json_reader
{
	const uint8_t *at;
	const uint8_t *end;
	bool		decimals;		/* json_skip takes any number */
} json_reader;

typedef struct json_string
{
	const uint8_t *bytes;		/* between the quotes, as they stand */
	size_t		len;
	bool		plain;			/* no escape in it: bytes are the text */
} json_string;

extern void json_open(json_reader *r, const uint8_t *data, size_t len);

/* The same for other people's texts, which may hold any number of RFC 8259. */
extern void json_open_decimals(json_reader *r, const uint8_t *data, size_t len);

/* REFUSAL_TRAILING_BYTES where anything but space is left. */
extern refusal json_close(json_reader *r);

/* The next token's first byte, space passed over; 0 at the end. */
extern uint8_t json_peek(json_reader *r);

/*
 * Walk a container: json_enter takes '{' or '[', then json_more is asked before each
 * member or element (first: whether it is the first) until it says false, having
 * taken the closing bracket.  REFUSAL_WRONG_TYPE where another value stands there.
 */
extern refusal json_enter(json_reader *r, uint8_t bracket);
extern refusal json_more(json_reader *r, uint8_t bracket, bool first, bool *more);

/* A member's name (plain) and its colon. */
extern refusal json_read_name(json_reader *r, json_string *name);

extern refusal json_read_string(json_reader *r, json_string *s);

/*
 * The text of a string that was read: escapes resolved, UTF-8.  out has room for s->len
 * bytes and may be where s stands.  Returns the text's length.
 */
extern size_t json_unescape(const json_string *s, uint8_t *out);
extern refusal json_read_int(json_reader *r, int64_t *value);

/* Any number of RFC 8259 section 6, as it stands. */
extern refusal json_read_number(json_reader *r, const char **text, size_t *len);

/* Pass over one value that holds at most `depth` levels of containers. */
extern refusal json_skip(json_reader *r, int depth);

#endif							/* CORE_JSON_H */
