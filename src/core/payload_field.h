/*
 * payload_field.h: one way to pull fields, whether the payload is CBOR or JSON.
 * For src/core/payload*.c only.
 *
 * The profile is one; its two encodings differ in how a field is named, and in
 * prev, which JSON carries as base64url.
 */
#ifndef CORE_PAYLOAD_FIELD_H
#define CORE_PAYLOAD_FIELD_H

#include <stdbool.h>

#include "core/cbor.h"
#include "core/envelope.h"
#include "core/json.h"
#include "core/payload_ack.h"
#include "core/payload_order.h"
#include "core/payload_transfer.h"

/* The fields, by their CBOR keys. */
typedef enum payload_field
{
	FIELD_V = 1, FIELD_TYPE, FIELD_METER, FIELD_EPOCH, FIELD_SEQ,
	FIELD_PREV, FIELD_T, FIELD_TS, FIELD_BODY
} payload_field;

#define FIELD_COUNT FIELD_BODY

/* How deep a message may nest, the payload's own map included. */
#define PAYLOAD_DEPTH_MAX 4

typedef struct field_reader
{
	envelope_kind kind;
	union
	{
		cbor_reader cbor;
		json_reader json;
	};
} field_reader;

/* A map or list being walked. */
typedef struct field_walk
{
	uint8_t		bracket;		/* '{' or '[' */
	bool		first;
	uint64_t	left;			/* CBOR: entries or items still to come */
} field_walk;

extern void field_open(field_reader *r, envelope_kind kind, const uint8_t *data, size_t len);
extern refusal field_close(field_reader *r);

extern refusal field_enter(field_reader *r, uint8_t bracket, field_walk *w);
extern refusal field_more(field_reader *r, field_walk *w, bool *more);

/* Which field comes; REFUSAL_UNKNOWN_FIELD where it is none of the profile's. */
extern refusal field_read_key(field_reader *r, payload_field *field);

extern refusal field_read_int(field_reader *r, int64_t *value);

/* Is the next item null?  Then it is passed over. */
extern refusal field_read_null(field_reader *r, bool *null);

/* Text as it stands; a JSON string with an escape is REFUSAL_NON_CANONICAL. */
extern refusal field_read_text(field_reader *r, const char **text, size_t *len);

/* Bytes, at most cap, else too_long: CBOR's byte string, JSON's base64url text. */
extern refusal field_read_bytes(field_reader *r, uint8_t *out, size_t cap, refusal too_long, size_t *len);

extern refusal field_skip(field_reader *r, int depth);

/* Is the next item a container?  (What a body of any type must be.) */
extern bool field_is_container(field_reader *r);

/* The body of an ack (payload_ack.c). */
extern refusal payload_read_ack(field_reader *r, payload_ack *out);
extern bool payload_ack_writable(const payload_ack *a);
extern void payload_write_ack_cbor(const payload_ack *a, bytes_out *o);
extern void payload_write_ack_json(const payload_ack *a, bytes_out *o);

/* The bodies of an order and a cancel (payload_order.c). */
extern refusal payload_read_order(field_reader *r, payload_order *out);
extern refusal payload_read_cancel(field_reader *r, payload_cancel *out);
extern bool payload_order_writable(const payload_order *o);
extern void payload_write_order(const payload_order *p, bool cbor, bytes_out *o);
extern void payload_write_cancel(const payload_cancel *p, bool cbor, bytes_out *o);

/* The body of a transfer (payload_transfer.c). */
extern refusal payload_read_transfer(field_reader *r, payload_transfer *out);
extern bool payload_transfer_writable(const payload_transfer *t);
extern void payload_write_transfer(const payload_transfer *t, bool cbor, bytes_out *o);

/* Shared by reader and writer: what may stand in these texts. */
extern bool payload_obis_valid(const char *obis, size_t len);
extern bool payload_unit_valid(const char *unit, size_t len);
extern bool payload_time_valid(int64_t ms);
extern bool payload_scale_valid(int64_t scale);
extern bool payload_status_valid(char status);
extern bool payload_clock_status_valid(char status);

#endif							/* CORE_PAYLOAD_FIELD_H */
