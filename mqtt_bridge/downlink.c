/*
 * downlink.c: receipts and other notes to the meters.
 *
 * After COMMIT the database is asked for one cumulative receipt a meter; each is
 * published retained, so that a meter that sleeps finds the newest when it
 * wakes.  The broker has to answer for the receipts before the messages they
 * cover are acknowledged to it: a bridge that dies in between gets the messages
 * again, finds duplicates, and makes the receipts again.  So no acknowledged
 * message is without its receipt.
 *
 * This connection holds no PUBACKs back and may be written to at any time.
 */
#include "downlink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "core/topic.h"
#include "log.h"

/* A meter of the batch, and the message whose topic says where its receipt goes. */
typedef struct downlink_until
{
	bool		known;
	int64_t		epoch;
	int64_t		seq;
} downlink_until;

typedef struct downlink_target
{
	const char *meter;
	const batch_message *message;
	downlink_until until;		/* its receipt's last message */
} downlink_target;

typedef struct downlink_run
{
	downlink   *d;
	downlink_target *target;	/* by meter */
	int			count;
} downlink_run;

static void
downlink_on_publish(struct mosquitto *handle, void *arg, int message_id, int reason,
					const mosquitto_property *properties)
{
	downlink   *d = arg;

	d->unanswered--;
	if (d->slice != NULL)
	{
		for (int i = 0; i < d->slice_count; i++)
		{
			if (d->slice[i].message_id == message_id)
				d->slice[i].reason = reason;
		}
		return;
	}
	if (reason < 128)
		return;
	d->counters->receipts_refused++;
	if (!d->refusal_logged)
		log_error("publish_refused", "the broker refuses what we publish: %s", mosquitto_reason_string(reason));
	d->refusal_logged = true;
}

bool
downlink_open(downlink *d, const config *cfg, stats *counters)
{
	static const char offline[] = "offline";

	memset(d, 0, sizeof(*d));
	d->counters = counters;
	snprintf(d->state_topic, sizeof(d->state_topic), "el/v1/bridge/%s/state", cfg->state_id);
	if (!mqtt_client_create(&d->client, cfg, ".down", true))
		return false;
	mosquitto_publish_v5_callback_set(d->client.handle, downlink_on_publish);
	if (mosquitto_will_set_v5(d->client.handle, d->state_topic, (int) strlen(offline), offline,
							  1, true, NULL) != MOSQ_ERR_SUCCESS)
		return mqtt_client_fail(&d->client, "out of memory");
	return mqtt_client_open(&d->client, cfg, NULL);
}

static bool
downlink_publish(downlink *d, const char *topic, const char *payload, int len)
{
	int			rc = mosquitto_publish_v5(d->client.handle, NULL, topic, len, payload, 1, true, NULL);

	if (rc == MOSQ_ERR_SUCCESS)
	{
		d->unanswered++;
		return true;
	}
	return mqtt_client_fail(&d->client, mosquitto_strerror(rc));
}

/* Until the broker has answered for everything published. */
static bool
downlink_settle(downlink *d)
{
	int64_t		deadline_ms = clock_now_ms() + MQTT_CLIENT_ANSWER_MS_MAX;

	/* Each PUBACK lets the library queue a further publish: flush when all that came are read. */
	while (!d->client.lost && d->unanswered > 0)
	{
		int			before;

		if (!mqtt_client_flush(&d->client, deadline_ms))
			return false;
		if (!mqtt_client_wait_readable(&d->client, deadline_ms))
			return mqtt_client_fail(&d->client, "the broker does not answer for what we publish");
		do
		{
			before = d->unanswered;
			mosquitto_loop_read(d->client.handle, 1);
		} while (!d->client.lost && d->unanswered > 0 && d->unanswered < before);
	}
	return !d->client.lost;
}

bool
downlink_state(downlink *d, const char *state)
{
	return downlink_publish(d, d->state_topic, state, (int) strlen(state)) && downlink_settle(d);
}

bool
downlink_service(downlink *d)
{
	while (!d->client.lost && mqtt_client_wait_readable(&d->client, 0))
		mosquitto_loop_read(d->client.handle, 1);
	if (d->client.lost)
		return false;
	mosquitto_loop_misc(d->client.handle);
	return mqtt_client_flush(&d->client, clock_now_ms() + MQTT_CLIENT_ANSWER_MS_MAX);
}

/* False: the broker is lost. */
static bool
downlink_publish_note(downlink *d, downlink_note *n)
{
	mosquitto_property *properties = NULL;
	int			rc = mosquitto_property_add_int32(&properties, MQTT_PROP_MESSAGE_EXPIRY_INTERVAL, n->expiry_s);

	n->reason = -1;
	if (rc == MOSQ_ERR_SUCCESS)
		rc = mosquitto_publish_v5(d->client.handle, &n->message_id, n->topic, n->text_len, n->text, 1, false, properties);
	mosquitto_property_free_all(&properties);
	if (rc != MOSQ_ERR_SUCCESS)
		return mqtt_client_fail(&d->client, mosquitto_strerror(rc));
	d->unanswered++;
	return true;
}

bool
downlink_notes(downlink *d, downlink_note *note, int count)
{
	bool		good = true;

	d->slice = note;
	for (d->slice_count = 0; good && d->slice_count < count; d->slice_count++)
		good = downlink_publish_note(d, &note[d->slice_count]);
	good = good && downlink_settle(d);
	d->slice = NULL;
	return good;
}

bool
downlink_taken(int reason)
{
	return reason >= 0 && reason < 128 && reason != MQTT_RC_NO_MATCHING_SUBSCRIBERS;
}

/* ---------------------------------------------------------------- receipts */

static int
downlink_compare(const void *a, const void *b)
{
	return strcmp(((const downlink_target *) a)->meter, ((const downlink_target *) b)->meter);
}

/* Where a stored message's receipt goes; false where its topic does not say. */
static bool
downlink_topic(const batch_message *m, char *out, size_t cap)
{
	topic		t;

	if (!topic_parse(m->topic, m->topic_len, &t) || strcmp(t.meter, m->meter) != 0)
		return false;
	t.up = false;
	snprintf(t.leaf, sizeof(t.leaf), "receipt");
	return topic_format(&t, out, cap) > 0;
}

/* The batch's meters with something accepted or found again, each once, sorted. */
static int
downlink_collect(const batch *b, downlink_target *target)
{
	int			count = 0;
	int			kept = 0;

	for (int i = 0; i < b->count; i++)
	{
		const batch_message *m = &b->message[i];

		if ((m->verdict == BATCH_ACCEPTED || m->verdict == BATCH_DUPLICATE) && m->meter[0] != '\0')
			target[count++] = (downlink_target) {m->meter, m, {false, 0, 0}};
	}
	qsort(target, (size_t) count, sizeof(*target), downlink_compare);
	for (int i = 0; i < count; i++)
	{
		if (kept == 0 || strcmp(target[kept - 1].meter, target[i].meter) != 0)
			target[kept++] = target[i];
	}
	return kept;
}

static void
downlink_take_receipt(void *arg, const char *meter, int64_t epoch, int64_t seq,
					  const char *receipt, int receipt_len)
{
	downlink_run *run = arg;
	downlink_target wanted = {.meter = meter};
	downlink_target *found;
	char		to[TOPIC_LEN_MAX];

	found = bsearch(&wanted, run->target, (size_t) run->count, sizeof(wanted), downlink_compare);
	if (found != NULL)
		found->until = (downlink_until) {true, epoch, seq};
	if (found == NULL || run->d->client.lost || !downlink_topic(found->message, to, sizeof(to)))
		return;
	if (downlink_publish(run->d, to, receipt, receipt_len))
		run->d->counters->receipts++;
}

/* Accepted messages that their meter's receipt does not reach: something before them is missing. */
static void
downlink_count_gaps(const downlink_run *run, batch *b)
{
	for (int i = 0; i < b->count; i++)
	{
		batch_message *m = &b->message[i];
		downlink_target wanted = {.meter = m->meter};
		const downlink_target *found;

		if (m->verdict != BATCH_ACCEPTED)
			continue;
		found = bsearch(&wanted, run->target, (size_t) run->count, sizeof(wanted), downlink_compare);
		m->beyond_gap = found != NULL && (!found->until.known || found->until.epoch < m->epoch ||
										  (found->until.epoch == m->epoch && found->until.seq < m->seq));
		run->d->counters->beyond_gap += m->beyond_gap;
	}
}

downlink_result
downlink_receipts(downlink *d, pg_link *database, batch *b, int64_t deadline_ms)
{
	downlink_run run = {.d = d};
	const char **meter;
	pg_link_result got = PG_LINK_OK;

	run.target = calloc((size_t) b->count, sizeof(*run.target));
	meter = calloc((size_t) b->count, sizeof(*meter));
	if (run.target == NULL || meter == NULL)
		mqtt_client_fail(&d->client, "out of memory");
	else
	{
		run.count = downlink_collect(b, run.target);
		for (int i = 0; i < run.count; i++)
			meter[i] = run.target[i].meter;
		if (run.count > 0)
			got = pg_out_receipts(database, meter, run.count, deadline_ms, downlink_take_receipt, &run);
		if (got == PG_LINK_OK)
			downlink_count_gaps(&run, b);
	}
	free(run.target);
	free(meter);
	if (got != PG_LINK_OK)
		return DOWNLINK_DATABASE_LOST;
	return downlink_settle(d) ? DOWNLINK_SENT : DOWNLINK_BROKER_LOST;
}
