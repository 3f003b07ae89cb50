/*
 * lookup.h: single rows of the metering tables, found through their indexes.
 *
 * Callers are ingest and the receipts.  A lookup reads with the snapshot it was
 * opened with; the tables stay locked (AccessShare) until the transaction ends.
 */
#ifndef METERING_LOOKUP_H
#define METERING_LOOKUP_H

#include "utils/rel.h"
#include "utils/snapshot.h"

#include "core/envelope.h"
#include "core/payload.h"
#include "core/sha256.h"

/* The longest key kept with a meter: a P-256 key as SubjectPublicKeyInfo. */
#define METER_KEY_LEN_MAX 91

typedef struct MeterKey
{
	envelope_algorithm algorithm;
	uint8		key[METER_KEY_LEN_MAX];
	size_t		key_len;
} MeterKey;

typedef struct StoredMessage
{
	int64		epoch;
	int64		seq;
	uint8		digest[SHA256_LEN];
	bool		chained;
} StoredMessage;

typedef struct Lookup
{
	Relation	meter;
	Relation	message;
	Oid			meter_index;	/* (meter, registered_at, ledger_id) */
	Oid			message_index;	/* (meter, epoch, seq), unique */
	Oid			chained_index;	/* the same where chained */
	Snapshot	snapshot;
} Lookup;

/* snapshot must stay registered or active until lookup_close. */
extern void lookup_open(Lookup *l, Snapshot snapshot);
extern void lookup_close(Lookup *l);

/* The key of a meter's newest registration; false where it has none. */
extern bool lookup_meter_key(const Lookup *l, const char *meter, MeterKey *out);

extern bool lookup_message(const Lookup *l, const char *meter, int64 epoch, int64 seq,
						   StoredMessage *out);

/* Highest chained message of an epoch, or with epoch -1 of the newest epoch that has one. */
extern bool lookup_highest_chained(const Lookup *l, const char *meter, int64 epoch,
								   StoredMessage *out);

/*
 * From *reach (a message that is there, or seq 0) over the stored messages that
 * follow without a gap: *reach becomes the last of them.
 */
extern void lookup_walk(const Lookup *l, const char *meter, StoredMessage *reach);

#endif							/* METERING_LOOKUP_H */
