/*
 * stats.h: a shard's counters and the equation they must always obey:
 *
 *     received = accepted + duplicate + quarantined + in flight
 *
 * A message handed back to the broker unacknowledged (the database or the
 * broker went away before it was stored) leaves received and in flight again
 * and is counted as returned: the broker delivers it anew.
 *
 * One thread writes them; others get copies (shard.h).
 */
#ifndef BRIDGE_STATS_H
#define BRIDGE_STATS_H

#include <stdbool.h>
#include <stdint.h>

#include "batch.h"

#define STATS_REASONS_MAX 64	/* refusal codes told apart; others count as "other" */
#define STATS_BUCKETS 12

/* Upper bounds of the latency histogram's buckets; the last has none. */
extern const int64_t stats_bucket_ms[STATS_BUCKETS];

typedef struct stats_reason
{
	char		name[BATCH_REASON_BYTES_MAX];
	uint64_t	count;
} stats_reason;

typedef struct stats
{
	uint64_t	received;
	uint64_t	accepted;
	uint64_t	duplicate;
	uint64_t	quarantined;
	uint64_t	in_flight;		/* held, not yet stored */
	uint64_t	returned;
	uint64_t	set_aside;		/* of the quarantined: ingest() failed on them */
	uint64_t	qos0;			/* of the received: nobody delivers them again */
	uint64_t	beyond_gap;		/* of the accepted: one before it was missing */
	uint64_t	batches;		/* transactions committed */
	uint64_t	receipts;		/* published and taken by the broker */
	uint64_t	receipts_refused;	/* refused by the broker (its ACL, a limit) */
	uint64_t	commands;		/* published, and taken for somebody */
	uint64_t	commands_unheard;	/* nobody had subscribed to the topic */
	uint64_t	commands_refused;	/* by the broker */
	uint64_t	commands_addressless;	/* in the last sweep: topic not known */
	uint64_t	resends;		/* requests to send again, likewise */
	uint64_t	resends_unheard;
	uint64_t	resends_refused;
	uint64_t	resends_addressless;	/* all of them */
	uint64_t	downlink_failures;	/* the database did not hand any out, or
									 * did not record it */
	uint64_t	discarded;		/* sent with QoS 0 while full: no promise was
								 * made, never counted as received */
	uint64_t	broker_losses;	/* connections that ended, or were not to be had */
	uint64_t	database_losses;
	uint64_t	sessions_lost;	/* the broker forgot what it held for us */
	uint64_t	broker_dropped; /* as the broker says, since its start */
	stats_reason reason[STATS_REASONS_MAX + 1]; /* the last: all others */
	int			reason_count;
	uint64_t	bucket[STATS_BUCKETS + 1];	/* first message read to acknowledged */
	uint64_t	latency_ms_sum;
	/* state */
	bool		broker_up;
	bool		database_up;
	bool		tried;			/* whether they are, is known */
	int64_t		opened_ms;		/* clock.h's: when the oldest in flight came; 0:
								 * none */
	int64_t		lag_ms;			/* the meter's clock at signing to COMMIT, of the
								 * last batch's last accepted message; -1: none
								 * yet */
} stats;

extern void stats_received(stats *s);

/* Committed: messages first .. first + count - 1 of the batch. */
extern void stats_stored(stats *s, const batch *b, int first, int count);
extern void stats_returned(stats *s, uint64_t count);

/* A batch is acknowledged, so long after its first message came. */
extern void stats_acknowledged(stats *s, int64_t latency_ms);

/* One line in the log; when: "running", "at the end". */
extern void stats_log(const stats *s, const char *when);

#endif							/* BRIDGE_STATS_H */
