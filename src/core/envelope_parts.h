/*
 * envelope_parts.h: what envelope.c asks of its three envelopes.  For
 * src/core/envelope*.c only; everybody else includes envelope.h.
 */
#ifndef CORE_ENVELOPE_PARTS_H
#define CORE_ENVELOPE_PARTS_H

#include "core/envelope.h"

/* len is 1 to MESSAGE_BYTES_MAX, the first bytes are the envelope's. */
extern refusal envelope_cose_parse(const uint8_t *message, size_t len,
								   uint8_t *scratch, envelope *out);
extern refusal envelope_jws_parse(const uint8_t *message, size_t len,
								  uint8_t *scratch, envelope *out);
extern refusal envelope_ocmf_parse(const uint8_t *message, size_t len,
								   uint8_t *scratch, envelope *out);

/* payload_len is at most MESSAGE_BYTES_MAX.  Length, or 0: no room. */
extern size_t envelope_cose_sign(const uint8_t *payload, size_t payload_len,
								 const uint8_t secret_key[64], uint8_t *out, size_t cap);
extern size_t envelope_jws_sign(const uint8_t *payload, size_t payload_len,
								const uint8_t secret_key[64], uint8_t *out, size_t cap);

#endif							/* CORE_ENVELOPE_PARTS_H */
