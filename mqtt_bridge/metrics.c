/*
 * metrics.c: Prometheus' text format, version 0.0.4.
 *
 * Numbers are integers but for seconds, which are written from milliseconds
 * without floating point.  Names of reasons and shards are of letters that need
 * no escaping.
 */
#include "metrics.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"

typedef struct metrics_out
{
	char	   *text;
	size_t		len;
	size_t		cap;
} metrics_out;

typedef struct metrics_counter
{
	const char *name;
	const char *type;
	const char *help;
	size_t		offset;			/* of a uint64_t in stats */
} metrics_counter;

#define COUNTER(field, name, help) {"energyledger_bridge_" name, "counter", help, offsetof(stats, field)}
#define GAUGE(field, name, help) {"energyledger_bridge_" name, "gauge", help, offsetof(stats, field)}

static const metrics_counter metrics_counters[] = {
	GAUGE(received, "messages_received", "Taken from the broker and not handed back: accepted + duplicate + quarantined + in flight."),
	GAUGE(in_flight, "messages_in_flight", "Held, not committed yet."),
	COUNTER(accepted, "messages_accepted_total", "Stored."),
	COUNTER(duplicate, "messages_duplicate_total", "Stored before: acknowledged again."),
	COUNTER(quarantined, "messages_quarantined_total", "Not believed, kept in quarantine."),
	COUNTER(set_aside, "messages_set_aside_total", "Of the quarantined: the database failed on them."),
	COUNTER(returned, "messages_returned_total", "Handed back to the broker unacknowledged: it delivers them again."),
	COUNTER(beyond_gap, "messages_beyond_gap_total", "Of the accepted: stored while an earlier one of their meter was missing."),
	COUNTER(qos0, "messages_qos0_total", "Of the received: published with QoS 0."),
	COUNTER(discarded, "messages_discarded_total", "Published with QoS 0 while the batch was full; not among the received."),
	COUNTER(batches, "transactions_total", "Transactions committed."),
	COUNTER(receipts, "receipts_total", "Receipts published."),
	COUNTER(receipts_refused, "receipts_refused_total", "Publications that the broker refused."),
	COUNTER(commands, "commands_total", "Commands published and taken by the broker for somebody."),
	COUNTER(commands_unheard, "commands_unheard_total", "Commands published to a topic that nobody had subscribed to."),
	COUNTER(commands_refused, "commands_refused_total", "Commands that the broker refused."),
	GAUGE(commands_addressless, "commands_addressless", "Commands that wait until their meter is heard: its topic is not known."),
	COUNTER(resends, "resends_total", "Requests to send again published and taken by the broker for somebody."),
	COUNTER(resends_unheard, "resends_unheard_total", "Requests published to a topic that nobody had subscribed to."),
	COUNTER(resends_refused, "resends_refused_total", "Requests that the broker refused."),
	COUNTER(resends_addressless, "resends_addressless_total", "Requests not published: the meter's topic is not known."),
	COUNTER(downlink_failures, "downlink_failures_total", "Times the database did not hand out commands or requests, or did not record them."),
	COUNTER(broker_losses, "broker_losses_total", "Connections to the broker that ended or were not to be had."),
	COUNTER(database_losses, "database_losses_total", "Connections to the database that ended or were not to be had."),
	COUNTER(sessions_lost, "broker_sessions_lost_total", "Times the broker had forgotten our session."),
};

static void metrics_put(metrics_out *o, const char *format,...) __attribute__((format(printf, 2, 3)));

/* A line whole or not at all. */
static void
metrics_put(metrics_out *o, const char *format,...)
{
	va_list		args;
	int			len;

	va_start(args, format);
	len = vsnprintf(o->text + o->len, o->cap - o->len, format, args);
	va_end(args);
	if (len > 0 && (size_t) len < o->cap - o->len)
		o->len += (size_t) len;
	else
		o->cap = o->len;		/* nothing more */
}

static void
metrics_head(metrics_out *o, const char *name, const char *type, const char *help)
{
	metrics_put(o, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void
metrics_put_ms(metrics_out *o, const char *name, const char *shard, int64_t ms)
{
	metrics_put(o, "%s{shard=\"%s\"} %s%" PRId64 ".%03d\n", name, shard, ms < 0 ? "-" : "",
				ms < 0 ? -(ms / 1000) : ms / 1000, abs((int) (ms % 1000)));
}

static void
metrics_put_reasons(metrics_out *o, const char *shard, const stats *s)
{
	for (int i = 0; i <= s->reason_count; i++)
	{
		const stats_reason *r = &s->reason[i < s->reason_count ? i : STATS_REASONS_MAX];

		if (r->count > 0)
			metrics_put(o, "energyledger_bridge_refusals_total{shard=\"%s\",reason=\"%s\"} %" PRIu64 "\n", shard,
						i < s->reason_count ? r->name : "other", r->count);
	}
}

static void
metrics_put_latency(metrics_out *o, const char *shard, const stats *s)
{
	uint64_t	sum = 0;

	for (int i = 0; i < STATS_BUCKETS; i++)
	{
		sum += s->bucket[i];
		metrics_put(o, "energyledger_bridge_batch_seconds_bucket{shard=\"%s\",le=\"%" PRId64 ".%03d\"} %" PRIu64 "\n",
					shard, stats_bucket_ms[i] / 1000, (int) (stats_bucket_ms[i] % 1000), sum);
	}
	sum += s->bucket[STATS_BUCKETS];
	metrics_put(o, "energyledger_bridge_batch_seconds_bucket{shard=\"%s\",le=\"+Inf\"} %" PRIu64 "\n", shard, sum);
	metrics_put_ms(o, "energyledger_bridge_batch_seconds_sum", shard, (int64_t) s->latency_ms_sum);
	metrics_put(o, "energyledger_bridge_batch_seconds_count{shard=\"%s\"} %" PRIu64 "\n", shard, sum);
}

/* What is not simply a counter of every shard's. */
static void
metrics_write_rest(shard *const *each, const stats *s, int count, metrics_out *o)
{
	metrics_head(o, "energyledger_bridge_broker_up", "gauge", "1: connected to the broker.");
	for (int i = 0; i < count; i++)
		metrics_put(o, "energyledger_bridge_broker_up{shard=\"%s\"} %d\n", shard_name(each[i]), s[i].broker_up);
	metrics_head(o, "energyledger_bridge_database_up", "gauge", "1: connected to the database.");
	for (int i = 0; i < count; i++)
		metrics_put(o, "energyledger_bridge_database_up{shard=\"%s\"} %d\n", shard_name(each[i]), s[i].database_up);
	metrics_head(o, "energyledger_bridge_oldest_in_flight_seconds", "gauge", "Age of the oldest message held; 0: none is.");
	for (int i = 0; i < count; i++)
		metrics_put_ms(o, "energyledger_bridge_oldest_in_flight_seconds", shard_name(each[i]),
					   s[i].opened_ms != 0 ? clock_now_ms() - s[i].opened_ms : 0);
	metrics_head(o, "energyledger_bridge_lag_seconds", "gauge",
				 "From a meter's clock when it signed to COMMIT, of the last accepted message.");
	for (int i = 0; i < count; i++)
	{
		if (s[i].lag_ms != -1)
			metrics_put_ms(o, "energyledger_bridge_lag_seconds", shard_name(each[i]), s[i].lag_ms);
	}
	metrics_head(o, "energyledger_bridge_broker_dropped_messages", "gauge",
				 "Messages that the broker threw away since its start, as its $SYS topics say.");
	metrics_put(o, "energyledger_bridge_broker_dropped_messages %" PRIu64 "\n", s[0].broker_dropped);
	metrics_head(o, "energyledger_bridge_refusals_total", "counter", "Quarantined messages by reason.");
	for (int i = 0; i < count; i++)
		metrics_put_reasons(o, shard_name(each[i]), &s[i]);
	metrics_head(o, "energyledger_bridge_batch_seconds", "histogram", "From a batch's first message to its acknowledgement.");
	for (int i = 0; i < count; i++)
		metrics_put_latency(o, shard_name(each[i]), &s[i]);
}

size_t
metrics_write(shard *const *each, int count, char *out, size_t cap)
{
	metrics_out o = {out, 0, cap};
	stats	   *s = calloc((size_t) count, sizeof(*s));

	if (s == NULL)
		return 0;
	/* One copy of each, so that a shard's numbers add up. */
	for (int i = 0; i < count; i++)
		shard_stats(each[i], &s[i]);
	for (size_t k = 0; k < sizeof(metrics_counters) / sizeof(metrics_counters[0]); k++)
	{
		const metrics_counter *c = &metrics_counters[k];

		metrics_head(&o, c->name, c->type, c->help);
		for (int i = 0; i < count; i++)
			metrics_put(&o, "%s{shard=\"%s\"} %" PRIu64 "\n", c->name, shard_name(each[i]),
						*(const uint64_t *) ((const char *) &s[i] + c->offset));
	}
	metrics_write_rest(each, s, count, &o);
	free(s);
	return o.len;
}
