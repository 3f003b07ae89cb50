/*
 * resends.c: requests to send again, fetched and published.
 *
 * The database remembers whom it asked, and when, as it hands a request out; one that is
 * not published then is not handed out again for a while.  So only those are asked for
 * whom we can reach.  A gap shows by what came after it: whoever has one was heard, and
 * his receipt did not reach what he sent.  These are asked for by name, which takes no
 * longer for a large ledger.  What was missing before we started is looked for in the
 * whole shard, seldom, where a meter's address follows from its registration.
 */
#include "resends.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "pg_downlink.h"

#define RESENDS_METERS_MAX 10000	/* in a call: the database's limit */
#define RESENDS_ALL_EVERY 20	/* intervals until the whole shard is looked at again */
#define RESENDS_OFF_MS 1000		/* none are published: looked at again then */
#define RESENDS_EXPIRY_S 86400	/* for a meter that is away: it is asked again, later and later */

bool
resends_init(resends *r, heard *h, stats *counters, int64_t backoff_ms_max)
{
	memset(r, 0, sizeof(*r));
	r->heard = h;
	r->counters = counters;
	trouble_init(&r->asking, "requests to send again do not go out", "requests to send again go out again", backoff_ms_max);
	r->note = calloc(DOWNLINK_SLICE_MAX, sizeof(*r->note));
	return r->note != NULL;
}

void
resends_free(resends *r)
{
	PQclear(r->rows);
	free(r->note);
	memset(r, 0, sizeof(*r));
}

void
resends_forget(resends *r)
{
	PQclear(r->rows);
	r->rows = NULL;
}

/* ---------------------------------------------------------------- a slice */

static int
resends_cut(resends *r, const config *cfg)
{
	int			count = 0;

	for (; count < DOWNLINK_SLICE_MAX && r->next < PQntuples(r->rows); r->next++)
	{
		const char *meter = PQgetvalue(r->rows, r->next, PG_RESENDS_METER);
		downlink_note *n = &r->note[count];

		if (heard_address(r->heard, cfg, meter, PQgetvalue(r->rows, r->next, PG_RESENDS_SHARD), "resend", n->topic))
		{
			n->text = PQgetvalue(r->rows, r->next, PG_RESENDS_NOTE);
			n->text_len = PQgetlength(r->rows, r->next, PG_RESENDS_NOTE);
			n->expiry_s = RESENDS_EXPIRY_S;
			count++;
			continue;
		}
		r->counters->resends_addressless++;
		if (!r->addressless_said)
			log_event(LOG_LEVEL_WARNING, "resend_addressless", LOG_FIELDS(LOG_TEXT("meter", meter)),
					  "meter %s misses messages and is not asked for them: where it is, is not known until it is heard "
					  "(register its shard)", meter);
		r->addressless_said = true;
	}
	return count;
}

static downlink_result
resends_publish(resends *r, downlink *d, const config *cfg)
{
	int			count = resends_cut(r, cfg);

	if (count > 0 && !downlink_notes(d, r->note, count))
		return DOWNLINK_BROKER_LOST;
	for (int i = 0; i < count; i++)
	{
		int			reason = r->note[i].reason;

		if (downlink_taken(reason))
		{
			r->counters->resends++;
			r->refusal_said = false;
		}
		else if (reason == MQTT_RC_NO_MATCHING_SUBSCRIBERS)
			r->counters->resends_unheard++;
		else
		{
			r->counters->resends_refused++;
			if (!r->refusal_said)
				log_event(LOG_LEVEL_ERROR, "resend_refused", LOG_FIELDS(LOG_TEXT("topic", r->note[i].topic)),
						  "the broker refuses a request on topic %s: %s", r->note[i].topic, mosquitto_reason_string(reason));
			r->refusal_said = true;
		}
	}
	return DOWNLINK_SENT;
}

/* ---------------------------------------------------------------- asking */

/* meters NULL: all of the shard. */
static downlink_result
resends_ask(resends *r, pg_link *database, const config *cfg, const char *meters)
{
	char		shards[TOPIC_LEVEL_LEN_MAX + 5];
	pg_link_result result;

	snprintf(shards, sizeof(shards), "{\"%s\"}", cfg->shard);
	result = pg_downlink_resends(database, meters, cfg->resends_grace_s, cfg->resends_every_s,
								 meters != NULL || strcmp(cfg->shard, "+") == 0 ? NULL : shards, &r->rows);
	r->next = 0;
	if (result == PG_LINK_OK)
	{
		trouble_over(&r->asking);
		return DOWNLINK_SENT;
	}
	r->counters->downlink_failures++;
	trouble_had(&r->asking, database->error);
	return result == PG_LINK_REFUSED ? DOWNLINK_SENT : DOWNLINK_DATABASE_LOST;
}

static downlink_result
resends_look(resends *r, pg_link *database, const config *cfg)
{
	int64_t		interval_ms = cfg->resends_interval_s * 1000;
	int64_t		began_ms = clock_now_ms();
	downlink_result result = DOWNLINK_SENT;
	char	   *meters;

	if (strcmp(cfg->tenant, "+") != 0 && began_ms >= r->all_due_ms)
	{
		result = resends_ask(r, database, cfg, NULL);
		r->all_due_ms = clock_now_ms() + RESENDS_ALL_EVERY * (interval_ms + clock_now_ms() - began_ms);
		return result;
	}
	r->due_ms = began_ms + interval_ms;
	meters = heard_missing(r->heard, &r->place, RESENDS_METERS_MAX);
	if (meters != NULL)
		result = resends_ask(r, database, cfg, meters);
	free(meters);
	return result;
}

downlink_result
resends_turn(resends *r, downlink *d, pg_link *database, const config *cfg)
{
	downlink_result result = DOWNLINK_SENT;

	r->asking.again.delay_ms_max = cfg->backoff_ms_max;
	if (cfg->resends_interval_s == 0 || !database->has_downlink)
	{
		resends_forget(r);
		r->due_ms = clock_now_ms() + RESENDS_OFF_MS;
		return DOWNLINK_SENT;
	}
	if (r->interval_s != cfg->resends_interval_s)
		r->due_ms = r->all_due_ms = 0;
	r->interval_s = cfg->resends_interval_s;
	if (r->rows == NULL && clock_now_ms() >= r->due_ms && backoff_due(&r->asking.again))
		result = resends_look(r, database, cfg);
	if (r->rows == NULL || result != DOWNLINK_SENT)
		return result;
	result = resends_publish(r, d, cfg);
	if (r->next >= PQntuples(r->rows))
		resends_forget(r);
	return result;
}

int
resends_patience_ms(const resends *r)
{
	if (r->rows != NULL)
		return 0;
	return clock_left_ms(r->due_ms > r->asking.again.due_ms ? r->due_ms : r->asking.again.due_ms);
}
