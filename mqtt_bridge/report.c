/*
 * report.c: what energyledger.bridge_report() is told.
 *
 * Between batches, never in one: a report that fails costs no message.  An
 * extension that does not know the function gets none.
 */
#include "report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "log.h"
#include "pg_out.h"

#define REPORT_BYTES_MAX 8192	/* 65 reasons and 30 numbers at their longest */

void
report_init(report *r)
{
	struct timespec now;

	memset(r, 0, sizeof(*r));
	clock_gettime(CLOCK_REALTIME, &now);
	r->started_ms = (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static uint64_t
report_sum(const stats *s)
{
	return s->received + s->returned + s->accepted + s->duplicate + s->quarantined + s->broker_losses +
		s->database_losses + s->broker_dropped + s->discarded + s->receipts +
		s->commands + s->commands_unheard + s->commands_refused + s->commands_addressless +
		s->resends + s->resends_unheard + s->resends_refused + s->resends_addressless;
}

/* Identifiers are of letters that JSON leaves alone; reasons are the database's own words. */
static void
report_write(const report *r, const config *cfg, const stats *s, bool at_work, char out[REPORT_BYTES_MAX])
{
	size_t		len;
	char		lag[24] = "null";

	if (s->lag_ms != -1)
		snprintf(lag, sizeof(lag), "%" PRId64, s->lag_ms);
	len = (size_t) snprintf(out, REPORT_BYTES_MAX,
							"{\"bridge\":\"%s\",\"tenant\":\"%s\",\"shard\":\"%s\",\"at_work\":%s,\"started_ms\":%" PRId64
							",\"received\":%" PRIu64 ",\"accepted\":%" PRIu64 ",\"duplicate\":%" PRIu64
							",\"quarantined\":%" PRIu64 ",\"in_flight\":%" PRIu64 ",\"returned\":%" PRIu64
							",\"set_aside\":%" PRIu64 ",\"beyond_gap\":%" PRIu64 ",\"batches\":%" PRIu64
							",\"receipts\":%" PRIu64
							",\"commands\":%" PRIu64 ",\"commands_unheard\":%" PRIu64 ",\"commands_refused\":%" PRIu64
							",\"commands_addressless\":%" PRIu64 ",\"resends\":%" PRIu64 ",\"resends_unheard\":%" PRIu64
							",\"resends_refused\":%" PRIu64 ",\"resends_addressless\":%" PRIu64
							",\"broker_losses\":%" PRIu64 ",\"database_losses\":%" PRIu64
							",\"broker_dropped\":%" PRIu64 ",\"lag_ms\":%s,\"refusals\":{",
							cfg->id, cfg->tenant, cfg->shard, at_work ? "true" : "false", r->started_ms,
							s->received, s->accepted, s->duplicate, s->quarantined, s->in_flight, s->returned,
							s->set_aside, s->beyond_gap, s->batches, s->receipts,
							s->commands, s->commands_unheard, s->commands_refused, s->commands_addressless,
							s->resends, s->resends_unheard, s->resends_refused, s->resends_addressless,
							s->broker_losses, s->database_losses, s->broker_dropped, lag);
	for (int i = 0; i < s->reason_count; i++)
		len += (size_t) snprintf(out + len, REPORT_BYTES_MAX - len, "%s\"%s\":%" PRIu64,
								 i > 0 ? "," : "", s->reason[i].name, s->reason[i].count);
	if (s->reason[STATS_REASONS_MAX].count > 0)
		len += (size_t) snprintf(out + len, REPORT_BYTES_MAX - len, ",\"other\":%" PRIu64, s->reason[STATS_REASONS_MAX].count);
	snprintf(out + len, REPORT_BYTES_MAX - len, "}}");
}

static bool
report_send(report *r, pg_link *database, const config *cfg, const stats *s, bool at_work)
{
	char		text[REPORT_BYTES_MAX];

	report_write(r, cfg, s, at_work, text);
	r->sent_ms = clock_now_ms();
	r->sent_sum = report_sum(s);
	switch (pg_out_report(database, text, clock_now_ms() + cfg->database_timeout_ms))
	{
		case PG_LINK_OK:
			return true;
		case PG_LINK_UNAVAILABLE:
		case PG_LINK_NOT_INSTALLED:
			return false;
		case PG_LINK_CONFLICT:
		case PG_LINK_REFUSED:
			break;
	}
	if (!r->refused)
		log_warning("report_refused", "the database does not take our report: %s", database->error);
	r->refused = true;
	return true;
}

bool
report_show(report *r, pg_link *database, const config *cfg, const stats *s)
{
	int64_t		since_ms = clock_now_ms() - r->sent_ms;

	if (!database->has_bridge || (r->sent_ms != 0 && since_ms < REPORT_MS_MIN) ||
		(r->sent_ms != 0 && since_ms < REPORT_MS_MAX && report_sum(s) == r->sent_sum))
		return true;
	return report_send(r, database, cfg, s, true);
}

void
report_end(report *r, pg_link *database, const config *cfg, const stats *s)
{
	if (database->conn != NULL && database->has_bridge)
		report_send(r, database, cfg, s, false);
}
