/*
 * ingest.h: a batch of signed messages on its way into the ledger.
 *
 * src/fn calls ingest_batch; ingest.c judges, ingest_key.c knows by which key,
 * ingest_order.c finds out what the ledger already holds, ingest_store.c writes.
 */
#ifndef METERING_INGEST_H
#define METERING_INGEST_H

#include "utils/hsearch.h"
#include "utils/timestamp.h"

#include "core/envelope.h"
#include "core/payload.h"
#include "core/refusal.h"
#include "core/sha256.h"
#include "metering/lookup.h"

#define INGEST_MESSAGES_MAX 10000	/* in one call */
#define INGEST_CLOCK_AHEAD_MAX_MS 300000	/* of the meter's clock, before it is noted */

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
	MeterKey   *new_key;		/* type key: what signs from the next message on, ... */
	MeterKey   *signed_with;	/* ... and what signed this one */
	payload_ack *ack;			/* type ack: what became of a command */
	payload_order *order;		/* type order */
	payload_cancel *cancel;		/* type cancel */
	payload_transfer *transfer; /* type transfer, as far as its ranges go: payload_transfer_size() */
	bool		key_counts;		/* the batch's later messages are checked with it */

	/* what the ledger says */
	bool		chained;
	bool		prev_known;		/* the message before it is in the ledger or batch */
	bool		prev_valid;
	int64		clock_ahead_ms; /* 0: not worth a word */
	int64		clock_back_ms;

	IngestVerdict verdict;
	refusal		reason;			/* quarantined only */
	const char *detail;			/* or NULL */
} IngestMessage;

/* One call's messages, and what judging them needs. */
typedef struct IngestBatch
{
	Lookup		lookup;
	TimestampTz received_at;
	int64		quarantine_id;	/* released from there: a person stands in for the key's
								 * validity; 0: not */
	HTAB	   *new_keys;		/* of meters that the batch itself gives one; NULL: none yet */
	uint8		scratch[ENVELOPE_SCRATCH_BYTES];
	payload		said;
} IngestBatch;

/*
 * Judge and store; on return each message has its verdict.  messages keeps its order.
 * quarantine_id: see above; what is refused is then not quarantined again.
 */
extern void ingest_batch(IngestMessage *messages, int count, int64 quarantine_id);

/* The signature, by a key that the meter has and that is good for this message. */
extern refusal ingest_check_signature(IngestBatch *b, IngestMessage *m, const envelope *e);

/* Has the meter no key for any message before this one?  Then its sequence begins here. */
extern bool ingest_begins(const IngestBatch *b, const IngestMessage *m);

/* An accepted message of type key: the batch's later messages are checked by what it says. */
extern void ingest_take_key(IngestBatch *b, const IngestMessage *m);

/*
 * Order candidates (sorted by ingest_compare) against each other and the ledger:
 * sets verdict, reason, detail, chained and prev_*.
 */
extern void ingest_order(IngestBatch *b, IngestMessage **candidates, int count);
extern int	ingest_compare(const void *a, const void *b);

/*
 * Does m say, byte for byte, what the message under its number says: first, a message of the
 * batch, or where that is NULL the one in the ledger?  The signature may be another.
 */
extern bool ingest_same_text(const Lookup *l, const IngestMessage *m, const IngestMessage *first);

/* m's number is taken: a duplicate, or an equivocation?  first: as above; stored: its row. */
extern void ingest_number_taken(const Lookup *l, IngestMessage *m, const StoredMessage *stored,
								const IngestMessage *first);

/*
 * Write accepted messages (in ingest_compare's order), all or none: where another
 * session was first with one of them, none, and the result is the error, a
 * unique violation.
 */
extern ErrorData *ingest_store_messages(const IngestBatch *b, IngestMessage **accepted, int count);
extern void ingest_store_keys(IngestMessage **accepted, int count);
extern void ingest_store_readings(IngestMessage **accepted, int count);
extern void ingest_store_quarantine(IngestMessage **quarantined, int count, TimestampTz received_at);

#endif							/* METERING_INGEST_H */
