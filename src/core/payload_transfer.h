/*
 * payload_transfer.h: the body of a message of type transfer: what a holder says of
 * certificates, of whose it takes, and of plants.
 *
 * ["transfer_asset", asset, to, share]
 * [operation, certificates, to, energy, share, beneficiary, purpose, from, until]
 *
 * certificates is a list of [device, carrier, first id, last id]; names are identifiers as meters'
 * are; energy in Wh; share in millionths.  What is not said is null.  Which item an operation
 * has, and must have:
 *
 *					certificates	to		energy or share		beneficiary, purpose, from and until
 * transfer			1 to 128		party	either or none		-
 * claim			1 to 128		meter	either or none		-
 * cancel			1 to 128		-		either or none		each or none
 * reserve, release	1 to 128		-		either or none		-
 * accept, refuse	none			party	-					-
 */
#ifndef CORE_PAYLOAD_TRANSFER_H
#define CORE_PAYLOAD_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/refusal.h"

#define TRANSFER_RANGES_MAX 128
#define TRANSFER_NAME_LEN_MAX 64
#define TRANSFER_TEXT_LEN_MAX 200
#define TRANSFER_ID_MAX (INT64_C(1) << 62)	/* of certificates, and of energy in Wh */
#define TRANSFER_SHARE_PPM_MAX 1000000

typedef enum transfer_operation
{
	TRANSFER_TRANSFER = 1, TRANSFER_CANCEL, TRANSFER_CLAIM, TRANSFER_RESERVE, TRANSFER_RELEASE,
	TRANSFER_ACCEPT, TRANSFER_REFUSE, TRANSFER_ASSET
} transfer_operation;

/* The certificates first_id to last_id of a device, 1 Wh each. */
typedef struct transfer_range
{
	char		device[TRANSFER_NAME_LEN_MAX + 1];
	char		carrier[TRANSFER_NAME_LEN_MAX + 1];
	int64_t		first_id;
	int64_t		last_id;
} transfer_range;

/* "" and false: not said */
typedef struct payload_transfer
{
	transfer_operation operation;
	char		to[TRANSFER_NAME_LEN_MAX + 1];
	char		asset[TRANSFER_NAME_LEN_MAX + 1];	/* transfer_asset only */
	char		beneficiary[TRANSFER_TEXT_LEN_MAX + 1]; /* without control characters, */
	char		purpose[TRANSFER_TEXT_LEN_MAX + 1]; /* both of them */
	bool		has_energy;
	bool		has_share;
	bool		has_period;
	int64_t		energy_wh;
	int64_t		share_ppm;
	int64_t		from_ms;
	int64_t		until_ms;
	int			range_count;
	transfer_range range[TRANSFER_RANGES_MAX];	/* last: only range_count of them are filled */
} payload_transfer;

/* How much of one is filled: what there is to be copied. */
static inline size_t
payload_transfer_size(const payload_transfer *t)
{
	return offsetof(payload_transfer, range) + (size_t) t->range_count * sizeof(transfer_range);
}

extern const char *transfer_operation_name(transfer_operation operation);

/* A body as it stands in a JWS payload. */
extern refusal payload_transfer_parse(const char *json, size_t len, payload_transfer *out);

#endif							/* CORE_PAYLOAD_TRANSFER_H */
