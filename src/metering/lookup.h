/*
 * lookup.h: single rows of the metering tables, found through their indexes.
 *
 * Callers are ingest and the receipts.  A lookup reads with one snapshot; the
 * tables stay locked (AccessShare) until the transaction ends.
 */
#ifndef METERING_LOOKUP_H
#define METERING_LOOKUP_H

#include "utils/rel.h"
#include "utils/snapshot.h"

#include "core/envelope.h"
#include "core/payload.h"
#include "core/sha256.h"
#include "metering/key_cache.h"

typedef struct StoredMessage
{
	int64		epoch;
	int64		seq;
	uint8		digest[SHA256_LEN];
	int64		t_ms;			/* the meter's clock */
	bool		chained;
	bool		ocmf;			/* a charging station's record */
} StoredMessage;

typedef struct Lookup
{
	Relation	meter_key;
	Relation	message;
	Oid			message_index;	/* (meter, epoch, seq), unique */
	Oid			chained_index;	/* the same, some of those that are chained */
	Snapshot	snapshot;
} Lookup;

/*
 * Lock the tables; then the caller sets snapshot, taken afterwards, which stays
 * registered or active until lookup_close.
 */
extern void lookup_open(Lookup *l);
extern void lookup_close(Lookup *l);

/* A meter's keys; NULL where it has none.  Theirs until the next lookup_open. */
extern const MeterKeys *lookup_meter_keys(const Lookup *l, const char *meter);

extern bool lookup_message(const Lookup *l, const char *meter, int64 epoch, int64 seq,
						   StoredMessage *out);

/* The bytes of a message that is there, palloc'd; NULL where it is not. */
extern bytea *lookup_message_raw(const Lookup *l, const char *meter, int64 epoch, int64 seq);

/* The newest message of a meter: the highest sequence number of the highest epoch. */
extern bool lookup_newest(const Lookup *l, const char *meter, StoredMessage *out);

/*
 * The end of the unbroken sequence of an epoch, or with epoch -1 of the newest epoch
 * whose first message is there.
 */
extern bool lookup_reach(const Lookup *l, const char *meter, int64 epoch, StoredMessage *reach);

/*
 * From *reach (a message that is there) over the stored messages that follow
 * without a gap: *reach becomes the last of them.
 */
extern void lookup_walk(const Lookup *l, const char *meter, StoredMessage *reach);

#endif							/* METERING_LOOKUP_H */
