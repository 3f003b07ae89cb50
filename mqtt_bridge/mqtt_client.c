/*
 * mqtt_client.c: a libmosquitto connection that writes only when told.
 *
 * mosquitto_threaded_set(handle, true) makes the library believe that another
 * thread does the writing: packets then only queue until mosquitto_loop_write().
 * That is what mqtt_in.c's hold-back of PUBACKs rests on, so nothing but
 * mqtt_client_flush and the wait for CONNACK (before which no message can have
 * come) may write here.
 *
 * A connection is thrown away with all the library's state and made anew, never
 * reconnected in place: what was queued for the old one must not be sent on the
 * new one.
 */
#include "mqtt_client.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "clock.h"
#include "core/topic.h"
#include "signals.h"

#define MQTT_CLIENT_CONNECT_S_MAX 10	/* connect() blocks at most this long */
#define MQTT_CLIENT_OPEN_TICK_MS 20

bool
mqtt_client_fail(mqtt_client *c, const char *why)
{
	if (c->error[0] == '\0')
		snprintf(c->error, sizeof(c->error), "%s%s%.*s%s", why, c->said[0] != '\0' ? " (" : "",
				 MQTT_CLIENT_ERROR_BYTES_MAX / 2, c->said, c->said[0] != '\0' ? ")" : "");
	c->lost = true;
	return false;
}

static const char *
mqtt_client_reason(int rc)
{
	if (rc == MOSQ_ERR_ERRNO)
		return errno == EINTR ? "no answer" : strerror(errno);
	return rc >= 128 ? mosquitto_reason_string(rc) : mosquitto_strerror(rc);
}

static void
mqtt_client_on_connect(struct mosquitto *handle, void *arg, int reason, int flags,
					   const mosquitto_property *properties)
{
	mqtt_client *c = arg;

	if (reason != 0)
	{
		mqtt_client_fail(c, mosquitto_reason_string(reason));
		return;
	}
	c->session_present = (flags & 1) != 0;
	mosquitto_property_read_int16(properties, MQTT_PROP_SERVER_KEEP_ALIVE, &c->server_keepalive_s, false);
	c->has_session_expiry = mosquitto_property_read_int32(properties, MQTT_PROP_SESSION_EXPIRY_INTERVAL,
														  &c->session_expiry_s, false) != NULL;
	c->answered = true;
}

/* The library's own words on what went wrong (OpenSSL's, mostly) say more than its codes. */
static void
mqtt_client_on_log(struct mosquitto *handle, void *arg, int level, const char *text)
{
	mqtt_client *c = arg;

	if (level == MOSQ_LOG_ERR)
		snprintf(c->said, sizeof(c->said), "%s", text);
}

static void
mqtt_client_on_disconnect(struct mosquitto *handle, void *arg, int reason,
						  const mosquitto_property *properties)
{
	mqtt_client_fail(arg, reason == MQTT_RC_SESSION_TAKEN_OVER ?
					 "another client connected with our client id" : mqtt_client_reason(reason));
}

/*
 * The client id is made of all that decides what the session holds: another
 * tenant or shard is another session, so that one kept by the broker never
 * carries a subscription that is not ours.
 */
static void
mqtt_client_id(char *out, size_t cap, const config *cfg, const char *suffix)
{
	snprintf(out, cap, "energyledger-bridge.%s.%s.%s%s", cfg->id,
			 strcmp(cfg->tenant, "+") == 0 ? "all" : cfg->tenant,
			 strcmp(cfg->shard, "+") == 0 ? "all" : cfg->shard, suffix);
}

bool
mqtt_client_create(mqtt_client *c, const config *cfg, const char *suffix, bool clean_start)
{
	char		id[5 * TOPIC_LEVEL_LEN_MAX];
	int			rc = MOSQ_ERR_SUCCESS;

	memset(c, 0, sizeof(*c));
	mqtt_client_id(id, sizeof(id), cfg, suffix);
	c->handle = mosquitto_new(id, clean_start, c);
	if (c->handle == NULL)
		return mqtt_client_fail(c, "out of memory");
	mosquitto_int_option(c->handle, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5);
	mosquitto_int_option(c->handle, MOSQ_OPT_TCP_NODELAY, 1);
	mosquitto_int_option(c->handle, MOSQ_OPT_SEND_MAXIMUM, 65535);
	mosquitto_threaded_set(c->handle, true);
	mosquitto_log_callback_set(c->handle, mqtt_client_on_log);
	mosquitto_connect_v5_callback_set(c->handle, mqtt_client_on_connect);
	mosquitto_disconnect_v5_callback_set(c->handle, mqtt_client_on_disconnect);
	if (cfg->broker_username[0] != '\0')
		rc = mosquitto_username_pw_set(c->handle, cfg->broker_username,
									   cfg->broker_password[0] != '\0' ? cfg->broker_password : NULL);
	if (rc == MOSQ_ERR_SUCCESS && cfg->broker_cafile[0] != '\0')
		rc = mosquitto_tls_set(c->handle, cfg->broker_cafile, NULL,
							   cfg->broker_certfile[0] != '\0' ? cfg->broker_certfile : NULL,
							   cfg->broker_keyfile[0] != '\0' ? cfg->broker_keyfile : NULL, NULL);
	if (rc != MOSQ_ERR_SUCCESS)
		return mqtt_client_fail(c, mqtt_client_reason(rc));
	return true;
}

bool
mqtt_client_open(mqtt_client *c, const config *cfg, const mosquitto_property *properties)
{
	int64_t		deadline_ms;
	int			rc;

	signals_bound(MQTT_CLIENT_CONNECT_S_MAX);
	rc = mosquitto_connect_bind_v5(c->handle, cfg->broker_host, (int) cfg->broker_port,
								   (int) cfg->keepalive_s, NULL, properties);
	if (rc != MOSQ_ERR_SUCCESS)
		mqtt_client_fail(c, rc == MOSQ_ERR_EAI ? "the host name is not known" : mqtt_client_reason(rc));
	signals_bound(0);

	/*
	 * With TLS the handshake goes on inside loop_read, on a socket that is
	 * always writable: hence a tick instead of waiting for POLLOUT.
	 */
	deadline_ms = clock_now_ms() + MQTT_CLIENT_ANSWER_MS_MAX;
	while (!c->lost && !c->answered && !signals_stop())
	{
		struct pollfd fd = {.fd = mosquitto_socket(c->handle),.events = POLLIN};

		rc = mosquitto_loop_write(c->handle, 1);
		if (rc == MOSQ_ERR_SUCCESS)
		{
			poll(&fd, 1, MQTT_CLIENT_OPEN_TICK_MS);
			rc = mosquitto_loop_read(c->handle, 1);
		}
		if (rc != MOSQ_ERR_SUCCESS)
			mqtt_client_fail(c, mqtt_client_reason(rc));
		else if (clock_left_ms(deadline_ms) == 0)
			mqtt_client_fail(c, "the broker did not answer CONNECT");
	}
	return c->answered && !c->lost;
}

/*
 * The library writes packet by packet, and the kernel would send each as a segment of its
 * own.  Held together, a batch's PUBACKs are a few.  Where that cannot be (a socket that
 * is not TCP) they go as they are.
 */
static void
mqtt_client_cork(mqtt_client *c, int on)
{
	if (!c->lost)
		setsockopt(mosquitto_socket(c->handle), IPPROTO_TCP, TCP_CORK, &on, sizeof(on));
}

static bool
mqtt_client_write(mqtt_client *c, int64_t deadline_ms)
{
	while (!c->lost && mosquitto_want_write(c->handle))
	{
		struct pollfd fd = {.fd = mosquitto_socket(c->handle),.events = POLLOUT};
		int			rc = mosquitto_loop_write(c->handle, 1);

		if (rc != MOSQ_ERR_SUCCESS)
			return mqtt_client_fail(c, mqtt_client_reason(rc));
		if (c->lost || !mosquitto_want_write(c->handle))
			break;
		if (poll(&fd, 1, clock_left_ms(deadline_ms)) == 0)
			return mqtt_client_fail(c, "the broker does not take what we send");
	}
	return !c->lost;
}

bool
mqtt_client_flush(mqtt_client *c, int64_t deadline_ms)
{
	if (!c->lost && mosquitto_want_write(c->handle))
	{
		mqtt_client_cork(c, 1);
		mqtt_client_write(c, deadline_ms);
		mqtt_client_cork(c, 0);
	}
	return !c->lost;
}

bool
mqtt_client_wait_readable(mqtt_client *c, int64_t deadline_ms)
{
	for (;;)
	{
		struct pollfd fd = {.fd = mosquitto_socket(c->handle),.events = POLLIN};
		int			ready = poll(&fd, 1, clock_left_ms(deadline_ms));

		if (ready > 0)
			return true;
		if (ready == 0 || errno != EINTR)
			return false;
	}
}

void
mqtt_client_end(mqtt_client *c)
{
	if (c->handle != NULL && !c->lost && mosquitto_disconnect_v5(c->handle, 0, NULL) == MOSQ_ERR_SUCCESS)
		mqtt_client_flush(c, clock_now_ms() + MQTT_CLIENT_ANSWER_MS_MAX);
	mqtt_client_drop(c);
}

void
mqtt_client_drop(mqtt_client *c)
{
	if (c->handle != NULL)
		mosquitto_destroy(c->handle);
	c->handle = NULL;
}
