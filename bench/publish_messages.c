/*
 * publish_messages.c: many meters' signed messages, to a broker, through one connection.
 *
 *   publish_messages PORT TENANT SHARDS FIRST METERS READINGS
 *
 * Meters FIRST to FIRST + METERS - 1 belong to shards 0 to SHARDS - 1 in turn.  Each line
 * of standard input is a number of messages: that many, from the meters in turn, are
 * published with QoS 1 to el/v1/TENANT/shard/meter/up/reading as fast as the broker takes
 * them; when it has answered for all of them, the number is printed.  The chains go on
 * with the next line.  Messages are signed as they are sent, so that there may be any
 * number of them.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mosquitto.h>

#include "signed_meter.h"

#define METERS_MAX 10000000
#define MESSAGES_MAX 100000000
#define SHARDS_MAX 64
#define UNANSWERED_MAX 1000
#define LOOP_MS 1000

typedef struct publisher
{
	struct mosquitto *handle;
	const char *tenant;
	long		shards;
	int			readings;
	signed_meter *meter;
	long		meters;
	long		next;			/* meter to speak */
	long		unanswered;
	bool		connected;
} publisher;

static void
publisher_on_connect(struct mosquitto *handle, void *arg, int reason)
{
	publisher  *p = arg;

	if (reason != 0)
		signed_meter_fail(mosquitto_connack_string(reason));
	p->connected = true;
}

static void
publisher_on_publish(struct mosquitto *handle, void *arg, int message_id)
{
	publisher  *p = arg;

	p->unanswered--;
}

/* The messages cannot be sent again, as nobody keeps them: a broken connection is the end. */
static void
publisher_loop(publisher *p)
{
	int			rc = mosquitto_loop(p->handle, LOOP_MS, 1);

	if (rc != MOSQ_ERR_SUCCESS)
		signed_meter_fail(mosquitto_strerror(rc));
}

static void
publisher_say(publisher *p)
{
	static signed_message message;
	char		topic[200];
	long		i = p->next;
	int			rc;

	p->next = (p->next + 1) % p->meters;
	signed_meter_say(&p->meter[i], p->readings, &message);
	snprintf(topic, sizeof(topic), "el/v1/%s/%ld/%s/up/reading", p->tenant, i % p->shards, p->meter[i].name);
	rc = mosquitto_publish(p->handle, NULL, topic, (int) message.len, message.bytes, 1, false);
	if (rc != MOSQ_ERR_SUCCESS)
		signed_meter_fail(mosquitto_strerror(rc));
	p->unanswered++;
}

int
main(int argc, char **argv)
{
	publisher	p = {0};
	char		line[32];

	if (argc != 7)
		signed_meter_fail("usage: PORT TENANT SHARDS FIRST METERS READINGS");
	if (!core_crypto_init() || mosquitto_lib_init() != MOSQ_ERR_SUCCESS)
		signed_meter_fail("libraries could not be initialised");
	p.tenant = argv[2];
	p.shards = signed_meter_number(argv[3], 1, SHARDS_MAX);
	p.meters = signed_meter_number(argv[5], 1, METERS_MAX);
	p.meter = signed_meters_make(signed_meter_number(argv[4], 0, METERS_MAX), p.meters);
	p.readings = (int) signed_meter_number(argv[6], 1, PAYLOAD_READINGS_MAX);
	p.handle = mosquitto_new(NULL, true, &p);
	if (p.handle == NULL)
		signed_meter_fail("out of memory");
	mosquitto_int_option(p.handle, MOSQ_OPT_SEND_MAXIMUM, UNANSWERED_MAX);
	mosquitto_int_option(p.handle, MOSQ_OPT_TCP_NODELAY, 1);
	mosquitto_connect_callback_set(p.handle, publisher_on_connect);
	mosquitto_publish_callback_set(p.handle, publisher_on_publish);
	if (mosquitto_connect(p.handle, "127.0.0.1", (int) signed_meter_number(argv[1], 1, 65535), 3600) != MOSQ_ERR_SUCCESS)
		signed_meter_fail("the broker does not answer");
	while (!p.connected)
		publisher_loop(&p);
	while (fgets(line, sizeof(line), stdin) != NULL)
	{
		long		messages;

		line[strcspn(line, "\n")] = '\0';
		messages = signed_meter_number(line, 1, MESSAGES_MAX);
		for (long i = 0; i < messages; i++)
		{
			publisher_say(&p);
			while (p.unanswered >= UNANSWERED_MAX)
				publisher_loop(&p);
		}
		while (p.unanswered > 0)
			publisher_loop(&p);
		printf("%ld\n", messages);
		fflush(stdout);
	}
	mosquitto_disconnect(p.handle);
	mosquitto_destroy(p.handle);
	free(p.meter);
	return 0;
}
