/*
 * stats.c: counting messages so that none can be missed.
 *
 * Only these three functions move a message between counters, and each checks
 * the equation of stats.h afterwards: a bridge that lost count of a message
 * aborts (and so acknowledges nothing it holds) rather than run on.
 */
#include "stats.h"

#include <inttypes.h>
#include <stdlib.h>

#include "log.h"

static void
stats_check(const stats *s)
{
	if (s->received == s->accepted + s->duplicate + s->quarantined + s->in_flight)
		return;
	stats_log(s, "counters do not add up");
	abort();
}

void
stats_received(stats *s)
{
	s->received++;
	s->in_flight++;
	stats_check(s);
}

void
stats_stored(stats *s, uint64_t accepted, uint64_t duplicate, uint64_t quarantined)
{
	s->accepted += accepted;
	s->duplicate += duplicate;
	s->quarantined += quarantined;
	s->in_flight -= accepted + duplicate + quarantined;
	stats_check(s);
}

void
stats_returned(stats *s, uint64_t count)
{
	s->received -= count;
	s->in_flight -= count;
	s->returned += count;
	stats_check(s);
}

void
stats_log(const stats *s, const char *when)
{
	log_info("counters (%s): received=%" PRIu64 " accepted=%" PRIu64
			 " duplicate=%" PRIu64 " quarantined=%" PRIu64 " in_flight=%" PRIu64
			 " returned=%" PRIu64 " batches=%" PRIu64 " receipts=%" PRIu64
			 " receipts_refused=%" PRIu64 " discarded=%" PRIu64,
			 when, s->received, s->accepted, s->duplicate, s->quarantined,
			 s->in_flight, s->returned, s->batches, s->receipts,
			 s->receipts_refused, s->discarded);
}
