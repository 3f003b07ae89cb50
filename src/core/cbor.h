/*
 * cbor.h: CBOR (RFC 8949) of a fixed profile, read strictly and written.
 *
 * The profile: definite lengths, shortest forms, integers that fit int64, byte
 * strings, UTF-8 text, arrays, maps without duplicate keys and of at most
 * KEYSET_KEYS_MAX entries, false, true, null.  No floats, no tags (but the one
 * a caller asks for), no undefined.  Nothing is allocated; a declared count is
 * believed only as far as there are bytes for it.
 */
#ifndef CORE_CBOR_H
#define CORE_CBOR_H

#include <stddef.h>
#include <stdint.h>

#include "core/bytes.h"
#include "core/refusal.h"

/* RFC 8949's major types. */
typedef enum cbor_type
{
	CBOR_UNSIGNED = 0,
	CBOR_NEGATIVE = 1,
	CBOR_BYTES = 2,
	CBOR_TEXT = 3,
	CBOR_ARRAY = 4,
	CBOR_MAP = 5,
	CBOR_TAG = 6,
	CBOR_SIMPLE = 7
} cbor_type;

#define CBOR_NULL 22			/* the simple value */

typedef struct cbor_reader
{
	const uint8_t *at;
	const uint8_t *end;
} cbor_reader;

typedef struct cbor_head
{
	cbor_type	type;
	uint64_t	argument;		/* value, length, count, tag or simple value */
	const uint8_t *bytes;		/* CBOR_BYTES, CBOR_TEXT: the content, passed over */
} cbor_head;

extern void cbor_open(cbor_reader *r, const uint8_t *data, size_t len);

/* REFUSAL_TRAILING_BYTES where anything is left. */
extern refusal cbor_close(const cbor_reader *r);

/* The next item's head, and of a string its content. */
extern refusal cbor_read_head(cbor_reader *r, cbor_head *head);

/* REFUSAL_WRONG_TYPE where the next item is sound but of another type. */
extern refusal cbor_read_int(cbor_reader *r, int64_t *value);
extern refusal cbor_read_string(cbor_reader *r, cbor_type type, const uint8_t **bytes, size_t *len);
extern refusal cbor_read_container(cbor_reader *r, cbor_type type, uint64_t *count);

/* Pass over one item of any kind in the profile that holds at most `depth` levels of containers. */
extern refusal cbor_skip(cbor_reader *r, int depth);

/* Writing: a head in its shortest form; the content is the caller's. */
extern void cbor_put_head(bytes_out *o, cbor_type type, uint64_t argument);
extern void cbor_put_int(bytes_out *o, int64_t value);
extern void cbor_put_string(bytes_out *o, cbor_type type, const void *bytes, size_t len);

#endif							/* CORE_CBOR_H */
