/*
 * meter_link.c: the meters' one MQTT 5 connection.
 *
 * Own loop, one thread.  The session is clean at every start: what must survive
 * is in meter_keep, so neither the broker nor the library needs to remember
 * anything for us; after a loss the client is made anew and everything without
 * a receipt is published again (the ledger knows a duplicate by its bytes).
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <mosquitto.h>
#include <mqtt_protocol.h>

#include "meter.h"

#define INFLIGHT_MAX 2000		/* published, not yet acknowledged by the broker */
#define KEEPALIVE_S 15
#define BACKOFF_MS_MIN 100
#define BACKOFF_MS_MAX 5000
#define CONNECT_MS_MAX 10000	/* from TCP to the subscription's acknowledgement */

struct meter_link
{
	const meter_options *options;
	meter_link_message_cb on_message;
	void	   *context;
	char		client_id[TOPIC_LEVEL_LEN_MAX + 1];
	char		filter[TOPIC_LEN_MAX];
	struct mosquitto *mosq;		/* NULL between connections */
	bool		ready;			/* subscribed: receipts and commands will be heard */
	bool		refused_said;
	uint64_t	generation;
	int64_t		unacknowledged;
	int64_t		opened_ms;
	int64_t		retry_at_ms;
	int64_t		backoff_ms;
};

int64_t
meter_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t) t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---------------------------------------------------------------- callbacks */

static void
link_on_connect(struct mosquitto *mosq, void *context, int reason, int flags, const mosquitto_property *props)
{
	meter_link *l = context;

	if (reason != 0)
	{
		meter_error("the broker refuses the connection: %s", mosquitto_reason_string(reason));
		return;
	}
	if (l->options->no_receipt && l->options->operator_key_count == 0)
	{
		l->ready = true;
		l->generation++;
	}
	else
		mosquitto_subscribe_v5(mosq, NULL, l->filter, 1, 0, NULL);
}

static void
link_on_subscribe(struct mosquitto *mosq, void *context, int mid, int count, const int *granted,
				  const mosquitto_property *props)
{
	meter_link *l = context;

	if (count != 1 || granted[0] >= 128)
	{
		meter_error("the broker refuses the subscription to %s", l->filter);
		return;
	}
	l->ready = true;
	l->generation++;
}

static void
link_on_publish(struct mosquitto *mosq, void *context, int mid, int reason, const mosquitto_property *props)
{
	meter_link *l = context;

	l->unacknowledged--;
	/* The message stays kept and is sent again; the reason is worth one line. */
	if (reason >= 128 && !l->refused_said)
	{
		meter_error("the broker does not take a message: %s", mosquitto_reason_string(reason));
		l->refused_said = true;
	}
}

static void
link_on_message(struct mosquitto *mosq, void *context, const struct mosquitto_message *m,
				const mosquitto_property *props)
{
	meter_link *l = context;

	l->on_message(l->context, m->topic, m->payload, (size_t) m->payloadlen);
}

/* ---------------------------------------------------------------- connection */

meter_link *
meter_link_new(const meter_options *o, meter_link_message_cb cb, void *context)
{
	meter_link *l = calloc(1, sizeof(meter_link));
	uint8_t		digest[SHA256_LEN];

	if (l == NULL || mosquitto_lib_init() != MOSQ_ERR_SUCCESS)
	{
		meter_error("could not start the MQTT library");
		free(l);
		return NULL;
	}
	l->options = o;
	l->on_message = cb;
	l->context = context;
	l->backoff_ms = BACKOFF_MS_MIN;
	strcpy(l->client_id, o->client_id);
	if (l->client_id[0] == '\0')
	{
		/* Same meters, same id: a second run of them takes over from the first. */
		sha256_of_two(o->seed, strlen(o->seed), o->prefix, strlen(o->prefix), digest);
		snprintf(l->client_id, sizeof(l->client_id), "energyledger-meter-%02x%02x%02x%02x",
				 digest[0], digest[1], digest[2], digest[3]);
	}
	snprintf(l->filter, sizeof(l->filter), "el/v1/%s/%s/+/down/+", o->tenant, o->shard);
	return l;
}

static void
link_drop(meter_link *l)
{
	if (l->mosq != NULL)
		mosquitto_destroy(l->mosq);
	l->mosq = NULL;
	l->ready = false;
	l->unacknowledged = 0;
	l->retry_at_ms = meter_now_ms() + l->backoff_ms;
	l->backoff_ms = l->backoff_ms * 2 > BACKOFF_MS_MAX ? BACKOFF_MS_MAX : l->backoff_ms * 2;
}

static void
link_lost(meter_link *l, const char *why)
{
	if (!l->options->quiet)
		meter_error("broker %s:%d: %s; trying again in %lld ms", l->options->host,
					l->options->port, why, (long long) l->backoff_ms);
	link_drop(l);
}

static bool
link_open(meter_link *l)
{
	int			rc;

	l->mosq = mosquitto_new(l->client_id, true, l);
	if (l->mosq == NULL)
	{
		meter_error("out of memory");
		exit(1);
	}
	mosquitto_int_option(l->mosq, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5);
	mosquitto_int_option(l->mosq, MOSQ_OPT_SEND_MAXIMUM, INFLIGHT_MAX);
	mosquitto_int_option(l->mosq, MOSQ_OPT_TCP_NODELAY, 1);
	mosquitto_connect_v5_callback_set(l->mosq, link_on_connect);
	mosquitto_subscribe_v5_callback_set(l->mosq, link_on_subscribe);
	mosquitto_publish_v5_callback_set(l->mosq, link_on_publish);
	mosquitto_message_v5_callback_set(l->mosq, link_on_message);
	l->opened_ms = meter_now_ms();
	rc = mosquitto_connect_bind_v5(l->mosq, l->options->host, l->options->port, KEEPALIVE_S, NULL, NULL);
	if (rc != MOSQ_ERR_SUCCESS)
	{
		link_lost(l, rc == MOSQ_ERR_ERRNO ? strerror(errno) : mosquitto_strerror(rc));
		return false;
	}
	return true;
}

bool
meter_link_turn(meter_link *l, int wait_ms)
{
	struct pollfd p;
	int			rc = MOSQ_ERR_SUCCESS;
	int64_t		now = meter_now_ms();

	if (l->mosq == NULL)
	{
		if (now < l->retry_at_ms)
		{
			int64_t		left = l->retry_at_ms - now;

			poll(NULL, 0, (int) (left < wait_ms ? left : wait_ms));
			return false;
		}
		if (!link_open(l))
			return false;
	}
	p.fd = mosquitto_socket(l->mosq);
	p.events = (short) (POLLIN | (mosquitto_want_write(l->mosq) ? POLLOUT : 0));
	if (p.fd < 0)
		rc = MOSQ_ERR_CONN_LOST;
	else if (poll(&p, 1, wait_ms) > 0)
	{
		if (p.revents & (POLLIN | POLLERR | POLLHUP))
			rc = mosquitto_loop_read(l->mosq, 1);
		if (rc == MOSQ_ERR_SUCCESS && (p.revents & POLLOUT))
			rc = mosquitto_loop_write(l->mosq, 1);
	}
	if (rc == MOSQ_ERR_SUCCESS)
		rc = mosquitto_loop_misc(l->mosq);
	if (rc != MOSQ_ERR_SUCCESS)
		link_lost(l, rc == MOSQ_ERR_ERRNO ? strerror(errno) : mosquitto_strerror(rc));
	else if (l->ready)
		l->backoff_ms = BACKOFF_MS_MIN;
	else if (meter_now_ms() - l->opened_ms > CONNECT_MS_MAX)
		link_lost(l, "no answer to the connection");
	return l->ready;
}

bool
meter_link_room(meter_link *l)
{
	return l->ready && l->unacknowledged < INFLIGHT_MAX && !mosquitto_want_write(l->mosq);
}

bool
meter_link_publish(meter_link *l, const char *topic, const void *data, size_t len)
{
	int			rc = mosquitto_publish_v5(l->mosq, NULL, topic, (int) len, data, 1, false, NULL);

	if (rc != MOSQ_ERR_SUCCESS)
	{
		link_lost(l, mosquitto_strerror(rc));
		return false;
	}
	l->unacknowledged++;
	return true;
}

int64_t
meter_link_unacknowledged(const meter_link *l)
{
	return l->unacknowledged;
}

uint64_t
meter_link_generation(const meter_link *l)
{
	return l->generation;
}

void
meter_link_free(meter_link *l)
{
	if (l->mosq != NULL)
	{
		mosquitto_disconnect_v5(l->mosq, 0, NULL);
		mosquitto_loop_write(l->mosq, 1);
		mosquitto_destroy(l->mosq);
	}
	mosquitto_lib_cleanup();
	free(l);
}
