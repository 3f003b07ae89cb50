/*
 * payload_ocmf.h: a charging station's record as a payload of ours.
 *
 * The parser is for src/core/payload.c only; everybody else calls payload_parse.  The mapping
 * is doc/messages.md's: meter MS or else GS; PG's T is epoch 0, F epoch 1, its
 * number and one the seq; no prev; type reading; one reading for each of RD that has
 * a value; time and clock status those of the last.
 *
 * The specification does not say which number is the first: some stations begin with 0,
 * others with 1.  A sequence of ours therefore begins with either (ingest_order.c).
 */
#ifndef CORE_PAYLOAD_OCMF_H
#define CORE_PAYLOAD_OCMF_H

#include "core/payload.h"

#define OCMF_EPOCH_TRANSACTION 0
#define OCMF_EPOCH_FISCAL 1
#define OCMF_SEQ_OF_ZERO 1
#define OCMF_SEQ_OF_ONE 2
#define OCMF_NUMBER_MAX ((uint64_t) INT64_MAX - OCMF_SEQ_OF_ZERO)

/* data: the payload section.  out was cleared by the caller. */
extern refusal payload_ocmf_parse(const uint8_t *data, size_t len, payload *out);

#endif							/* CORE_PAYLOAD_OCMF_H */
