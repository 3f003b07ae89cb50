/*
 * stats.h: the bridge's counters and the equation they must always obey:
 *
 *     received = accepted + duplicate + quarantined + in flight
 *
 * A message handed back to the broker unacknowledged (the database or the
 * broker went away before it was stored) leaves received and in flight again
 * and is counted as returned: the broker delivers it anew.
 */
#ifndef BRIDGE_STATS_H
#define BRIDGE_STATS_H

#include <stdint.h>

typedef struct stats
{
	uint64_t	received;
	uint64_t	accepted;
	uint64_t	duplicate;
	uint64_t	quarantined;
	uint64_t	in_flight;		/* held, not yet stored */
	uint64_t	returned;
	uint64_t	batches;		/* transactions committed */
	uint64_t	receipts;		/* published and taken by the broker */
	uint64_t	receipts_refused;	/* refused by the broker (its ACL, a limit) */
	uint64_t	discarded;		/* sent with QoS 0 while full: no promise was
								 * made, never counted as received */
} stats;

extern void stats_received(stats *s);
extern void stats_stored(stats *s, uint64_t accepted, uint64_t duplicate, uint64_t quarantined);
extern void stats_returned(stats *s, uint64_t count);

/* One line in the log; when: "running", "at the end". */
extern void stats_log(const stats *s, const char *when);

#endif							/* BRIDGE_STATS_H */
