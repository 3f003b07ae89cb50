/*
 * mqtt_in.c: messages in, PUBACKs held until COMMIT.
 *
 * libmosquitto (2.0) makes a message's PUBACK before it calls on_message and has
 * no way to acknowledge by hand.  But in the mode that mqtt_client.c chooses, the
 * PUBACK only stands in the connection's queue until mosquitto_loop_write().  So:
 * read a batch, COMMIT, then write.  Every write sends all that is queued, which
 * makes the rule of this file: never write while the batch holds a message that
 * is not committed.  Keep-alive pings wait for an empty batch, SUBSCRIBE too, and
 * when the database fails, the socket is closed unwritten, so that the broker
 * delivers again.
 *
 * SUBSCRIBE is sent on a session that the broker kept as well: an earlier run may
 * have ended after CONNECT made the session and before SUBSCRIBE arrived, and a
 * session without a subscription would look healthy for ever.
 *
 * The library does not document this.  test/bridge/kill.sh would notice.
 *
 * Messages that others published with QoS 0 arrive here too; they are stored like
 * all others, but no broker holds them back when the batch is full.
 */
#include "mqtt_in.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "core/topic.h"
#include "log.h"

static void
mqtt_in_on_message(struct mosquitto *handle, void *arg, const struct mosquitto_message *m,
				   const mosquitto_property *properties)
{
	mqtt_in    *in = arg;

	if (in->client.lost)
		return;
	if (batch_add(in->into, m->topic, m->payload, (size_t) m->payloadlen))
	{
		stats_received(in->counters);
		if (m->qos == 0 && in->counters->qos0++ == 0)
			log_event(LOG_LEVEL_WARNING, "qos0", LOG_FIELDS(LOG_TEXT("topic", m->topic)),
					  "a message came with QoS 0 on topic %s: nobody delivers such messages again", m->topic);
	}
	else if (m->qos == 0)
		in->counters->discarded++;
	else
	{
		/* Its PUBACK is queued: only closing the socket can take that back. */
		mqtt_client_fail(&in->client, in->into->count >= in->into->count_max ?
						 "the broker sent more than our Receive Maximum" : "out of memory");
	}
}

static void
mqtt_in_on_subscribe(struct mosquitto *handle, void *arg, int message_id, int count,
					 const int *granted, const mosquitto_property *properties)
{
	mqtt_in    *in = arg;

	if (count != 1 || granted[0] >= 128)
		mqtt_client_fail(&in->client, "the broker refuses our subscription (its access list?)");
	else if (granted[0] < 1)
		mqtt_client_fail(&in->client, "the broker grants only QoS 0");
	else
		in->subscribed = true;
}

/* Only with an empty batch: this writes. */
static bool
mqtt_in_subscribe(mqtt_in *in)
{
	char		filter[TOPIC_LEN_MAX];

	assert(in->into->count == 0);
	snprintf(filter, sizeof(filter), "el/v1/%s/%s/+/up/+", in->settings->tenant, in->settings->shard);
	in->subscribe_due = false;
	if (mosquitto_subscribe_v5(in->client.handle, NULL, filter, 1,
							   MQTT_SUB_OPT_SEND_RETAIN_NEW, NULL) != MOSQ_ERR_SUCCESS)
		return mqtt_client_fail(&in->client, "cannot subscribe");
	return mqtt_client_flush(&in->client, clock_now_ms() + MQTT_CLIENT_ANSWER_MS_MAX);
}

/* Messages may come before SUBACK: only read here. */
static bool
mqtt_in_await_suback(mqtt_in *in)
{
	int64_t		deadline_ms = clock_now_ms() + MQTT_CLIENT_ANSWER_MS_MAX;

	while (!in->subscribed && !in->client.lost && !batch_full(in->into))
	{
		if (!mqtt_client_wait_readable(&in->client, deadline_ms))
			return mqtt_client_fail(&in->client, "the broker did not answer SUBSCRIBE");
		mosquitto_loop_read(in->client.handle, 1);
	}
	return !in->client.lost;
}

bool
mqtt_in_open(mqtt_in *in, const config *cfg, bool dry_run, batch *into, stats *counters)
{
	mosquitto_property *properties = NULL;
	bool		good;

	memset(in, 0, sizeof(*in));
	in->settings = cfg;
	in->into = into;
	in->counters = counters;
	if (!mqtt_client_create(&in->client, cfg, dry_run ? ".dry" : "", dry_run))
		return false;
	mosquitto_message_v5_callback_set(in->client.handle, mqtt_in_on_message);
	mosquitto_subscribe_v5_callback_set(in->client.handle, mqtt_in_on_subscribe);

	if (mosquitto_property_add_int32(&properties, MQTT_PROP_SESSION_EXPIRY_INTERVAL,
									 dry_run ? 0 : (uint32_t) cfg->session_expiry_s) != MOSQ_ERR_SUCCESS ||
		mosquitto_property_add_int16(&properties, MQTT_PROP_RECEIVE_MAXIMUM,
									 (uint16_t) cfg->batch_messages_max) != MOSQ_ERR_SUCCESS ||
		mosquitto_property_add_int32(&properties, MQTT_PROP_MAXIMUM_PACKET_SIZE,
									 CONFIG_PACKET_BYTES_MAX) != MOSQ_ERR_SUCCESS)
		good = mqtt_client_fail(&in->client, "out of memory");
	else
		good = mqtt_client_open(&in->client, cfg, properties);
	mosquitto_property_free_all(&properties);
	if (!good)
		return false;

	/* TLS may have brought messages along with CONNACK: then it has to wait. */
	in->subscribe_due = true;
	if (into->count > 0)
		return true;
	return mqtt_in_subscribe(in) && mqtt_in_await_suback(in);
}

bool
mqtt_in_read(mqtt_in *in)
{
	int			before;

	do
	{
		int			rc;

		/* One packet; more only where TLS has decrypted more already. */
		before = in->into->count;
		rc = mosquitto_loop_read(in->client.handle, 1);
		if (rc != MOSQ_ERR_SUCCESS)
			return mqtt_client_fail(&in->client, mosquitto_strerror(rc));
		/* after a message there mostly is another: only in doubt is it worth asking */
	} while (!in->client.lost && !batch_full(in->into) &&
			 (in->into->count > before || mqtt_client_wait_readable(&in->client, 0)));
	return !in->client.lost;
}

bool
mqtt_in_idle(mqtt_in *in)
{
	assert(in->into->count == 0);
	mosquitto_loop_misc(in->client.handle);
	return mqtt_client_flush(&in->client, clock_now_ms() + MQTT_CLIENT_ANSWER_MS_MAX);
}

bool
mqtt_in_acknowledge(mqtt_in *in)
{
	assert(batch_count_of(in->into, BATCH_UNSTORED) == 0);
	batch_clear(in->into);
	return mqtt_in_idle(in) && (!in->subscribe_due || mqtt_in_subscribe(in));
}
