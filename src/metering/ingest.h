/*
 * ingest.h: a batch of signed messages on its way into the ledger.
 *
 * src/fn calls ingest_batch; ingest.c judges, ingest_order.c finds out what the
 * ledger already holds, ingest_store.c writes.
 */
#ifndef METERING_INGEST_H
#define METERING_INGEST_H

#include "utils/timestamp.h"

#include "core/envelope.h"
#include "core/payload.h"
#include "core/refusal.h"
#include "core/sha256.h"
#include "metering/lookup.h"

#define INGEST_MESSAGES_MAX 10000	/* in one call */

typedef enum IngestVerdict
{
	INGEST_ACCEPTED, INGEST_DUPLICATE, INGEST_QUARANTINED
} IngestVerdict;

typedef struct IngestMessage
{
	int			ordinal;		/* place in the call's array, from 1 */
	Datum		raw;			/* bytea as it came */
	const uint8 *data;			/* its bytes, not compressed */
	size_t		len;
	const char *topic;			/* or NULL */
	uint8		digest[SHA256_LEN];

	/* what was read; meter "" and seq 0 until it could be */
	char		meter[PAYLOAD_METER_LEN_MAX + 1];
	int64		epoch;
	int64		seq;
	envelope_kind envelope;
	payload_type type;
	bool		has_prev;
	uint8		prev[SHA256_LEN];
	int64		t_ms;
	char		clock_status;
	int			reading_count;
	payload_reading *reading;

	/* what the ledger says */
	bool		chained;
	bool		prev_known;		/* the message before it is in the ledger or batch */
	bool		prev_valid;

	IngestVerdict verdict;
	refusal		reason;			/* quarantined only */
	const char *detail;			/* or NULL */
} IngestMessage;

/* Judge and store; on return each message has its verdict.  messages keeps its order. */
extern void ingest_batch(IngestMessage *messages, int count);

/*
 * Order candidates (sorted by ingest_compare) against each other and the ledger:
 * sets verdict, reason, detail, chained and prev_*.
 */
extern void ingest_order(const Lookup *l, IngestMessage **candidates, int count);
extern int	ingest_compare(const void *a, const void *b);

/* Same (meter, epoch, seq), other bytes. */
extern void ingest_equivocation(IngestMessage *m, const uint8 stored_digest[SHA256_LEN]);

/*
 * Write accepted messages (in ingest_compare's order).  stored[i] is false where
 * another session was first.
 */
extern void ingest_store_messages(IngestMessage **accepted, int count, TimestampTz received_at,
								  bool *stored);
extern void ingest_store_readings(IngestMessage **accepted, int count);
extern void ingest_store_quarantine(IngestMessage **quarantined, int count, TimestampTz received_at);

/* ms since 1970 as PostgreSQL's time; ms is within payload.h's limits. */
static inline TimestampTz
ingest_timestamp(int64 ms)
{
	return (ms - (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * INT64CONST(86400000)) * 1000;
}

#endif							/* METERING_INGEST_H */
