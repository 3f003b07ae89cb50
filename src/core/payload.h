/*
 * payload.h: what a meter says, as a C struct: our own profile, read from CBOR
 * (integer keys) or JSON (names) and written as either.
 *
 * key  name   value
 *  1   v      1
 *  2   type   reading, order, cancel, transfer, ack, event, key
 *  3   meter  1-64 of A-Z a-z 0-9 . _ : -
 *  4   epoch  u32
 *  5   seq    u64 from 1 (refused above 2^63 - 1: SQL's bigint)
 *  6   prev   SHA-256 of the whole previous message; empty at seq 1
 *             (CBOR: byte string; JSON: base64url)
 *  7   t      ms since 1970 UTC
 *  8   ts     clock status: S synchronised, I informative, R relative, U unknown
 *  9   body   by type; reading: list of
 *             [obis, from ms, to ms, value, scale, unit, status]
 *
 * All nine are required, in any order, each once; nothing else is accepted.
 * Texts stand as they are (JSON: no escapes).  A reading body holds 1 to
 * PAYLOAD_READINGS_MAX readings, from <= to, times up to the year 9999; the body
 * of a key is [algorithm, public key], those of an ack, an order, a cancel and a
 * transfer are payload_ack.h's, payload_order.h's and payload_transfer.h's; the body of an event is
 * any list or map within the profile's depth of 4.
 */
#ifndef CORE_PAYLOAD_H
#define CORE_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/envelope.h"
#include "core/key_form.h"
#include "core/payload_ack.h"
#include "core/payload_order.h"
#include "core/payload_transfer.h"
#include "core/refusal.h"

#define PAYLOAD_METER_LEN_MAX 64
#define PAYLOAD_OBIS_LEN_MAX 24
#define PAYLOAD_UNIT_LEN_MAX 8
#define PAYLOAD_READINGS_MAX 400	/* a day of minutes does not fit one message;
									 * a day of quarter hours with four registers
									 * does */

typedef enum payload_type
{
	PAYLOAD_READING = 1, PAYLOAD_ORDER, PAYLOAD_CANCEL, PAYLOAD_TRANSFER,
	PAYLOAD_ACK, PAYLOAD_EVENT, PAYLOAD_KEY
} payload_type;

typedef struct payload_reading
{
	char		obis[PAYLOAD_OBIS_LEN_MAX + 1]; /* e.g. 1-0:1.8.0 */
	int64_t		from_ms;		/* = to_ms: a register's stand; below it: an
								 * interval's energy, [from, to) */
	int64_t		to_ms;
	int64_t		value;
	int8_t		scale;			/* value * 10^scale units; -9 to 9 */
	char		unit[PAYLOAD_UNIT_LEN_MAX + 1]; /* Wh, kWh, varh, W, ... */
	char		status;			/* OCMF's ST: G good, N not present, T timeout, D
								 * disconnected, R not found, M manipulated, X
								 * exchanged, I incompatible, O out of range, S
								 * substitute, E other error, F read error */
} payload_reading;

typedef struct payload
{
	payload_type type;
	char		meter[PAYLOAD_METER_LEN_MAX + 1];
	uint32_t	epoch;
	uint64_t	seq;
	bool		has_prev;		/* false exactly at seq 1; OCMF: never */
	uint8_t		prev[32];
	int64_t		t_ms;
	char		clock_status;	/* S, I, R, U */
	envelope_algorithm key_algorithm;	/* type key only: the key that signs from */
	uint8_t		key[KEY_FORM_LEN_MAX];	/* the next message on */
	size_t		key_len;
	payload_ack ack;			/* type ack only */
	int			reading_count;
	payload_reading reading[PAYLOAD_READINGS_MAX];	/* type reading only */
	payload_order order;		/* type order only */
	payload_cancel cancel;		/* type cancel only */
	payload_transfer transfer;	/* type transfer only */
} payload;

/*
 * kind says which encoding: COSE carries CBOR, JWS carries JSON; OCMF's record is
 * mapped (payload_ocmf.h), and may come without a reading where it states an error
 * only.  out is filled only as far as reading stayed sound; meter, epoch and seq
 * are "" / 0 until read.
 */
extern refusal payload_parse(envelope_kind kind, const uint8_t *data, size_t len, payload *out);

/* Bytes written, 0 where it does not fit cap.  Of all types but event.  Not OCMF. */
extern size_t payload_write(envelope_kind kind, const payload *p, uint8_t *out, size_t cap);

extern const char *payload_type_name(payload_type t);
extern bool payload_meter_valid(const char *meter, size_t len);

#endif							/* CORE_PAYLOAD_H */
