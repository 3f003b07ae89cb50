/*
 * stats.c: counting messages so that none can be missed.
 *
 * Only these functions move a message between counters, and each checks
 * the equation of stats.h afterwards: a bridge that lost count of a message
 * aborts (and so acknowledges nothing it holds) rather than run on.
 */
#include "stats.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"

const int64_t stats_bucket_ms[STATS_BUCKETS] = {5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 30000};

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

/* Reasons are words of the database's; more of them than we have room for are one. */
static void
stats_refused(stats *s, const char *name)
{
	int			i = 0;

	while (i < s->reason_count && strcmp(s->reason[i].name, name) != 0)
		i++;
	if (i == s->reason_count && i < STATS_REASONS_MAX)
	{
		memcpy(s->reason[i].name, name, strlen(name) + 1);
		s->reason_count++;
	}
	/* the one behind the last counts all others */
	s->reason[i].count++;
}

void
stats_stored(stats *s, const batch *b, int first, int count)
{
	for (int i = first; i < first + count; i++)
	{
		switch (b->message[i].verdict)
		{
			case BATCH_ACCEPTED:
				s->accepted++;
				break;
			case BATCH_DUPLICATE:
				s->duplicate++;
				break;
			case BATCH_QUARANTINED:
				s->quarantined++;
				stats_refused(s, b->message[i].reason);
				break;
			case BATCH_UNSTORED:
				continue;
		}
		s->in_flight--;
	}
	s->batches++;
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
stats_acknowledged(stats *s, int64_t latency_ms)
{
	int			i = 0;

	while (i < STATS_BUCKETS && latency_ms > stats_bucket_ms[i])
		i++;
	s->bucket[i]++;
	s->latency_ms_sum += (uint64_t) latency_ms;
}

void
stats_log(const stats *s, const char *when)
{
	log_event(LOG_LEVEL_INFO, "counters",
			  LOG_FIELDS(LOG_NUMBER("received", s->received), LOG_NUMBER("accepted", s->accepted),
						 LOG_NUMBER("duplicate", s->duplicate), LOG_NUMBER("quarantined", s->quarantined),
						 LOG_NUMBER("in_flight", s->in_flight), LOG_NUMBER("returned", s->returned),
						 LOG_NUMBER("set_aside", s->set_aside), LOG_NUMBER("beyond_gap", s->beyond_gap),
						 LOG_NUMBER("batches", s->batches), LOG_NUMBER("receipts", s->receipts),
						 LOG_NUMBER("receipts_refused", s->receipts_refused),
						 LOG_NUMBER("commands", s->commands), LOG_NUMBER("commands_unheard", s->commands_unheard),
						 LOG_NUMBER("commands_refused", s->commands_refused),
						 LOG_NUMBER("commands_addressless", s->commands_addressless),
						 LOG_NUMBER("resends", s->resends), LOG_NUMBER("resends_unheard", s->resends_unheard),
						 LOG_NUMBER("resends_refused", s->resends_refused),
						 LOG_NUMBER("resends_addressless", s->resends_addressless),
						 LOG_NUMBER("downlink_failures", s->downlink_failures),
						 LOG_NUMBER("discarded", s->discarded),
						 LOG_TEXT("broker", s->broker_up ? "up" : "down"),
						 LOG_TEXT("database", s->database_up ? "up" : "down")),
			  "%s", when);
}
