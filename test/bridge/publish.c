/*
 * publish.c: publishes messages to a broker on 127.0.0.1, QoS 1, in their order.
 *
 *     publish PORT < FILE
 *
 * A line of FILE is a topic, a tab, and the message in hex.  mosquitto_pub takes one
 * message a run, or lines of text.  Ends with 0 when the broker has acknowledged all.
 */
#include <mosquitto.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES_MAX 3000000
#define UNDERWAY_MAX 500		/* so that neither side needs much memory */
#define WAIT_MS 100

static long acknowledged;
static bool connected;
static bool lost;

static void
on_connect(struct mosquitto *m, void *unused, int rc)
{
	connected = rc == 0;
	lost = rc != 0;
}

static void
on_disconnect(struct mosquitto *m, void *unused, int rc)
{
	lost = true;
}

static void
on_publish(struct mosquitto *m, void *unused, int mid)
{
	acknowledged++;
}

static int
digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The message, in place of its hex; its length, or -1. */
static int
decode(char *text)
{
	uint8_t    *out = (uint8_t *) text;
	int			len = 0;

	for (; text[0] != '\0' && text[0] != '\n'; text += 2)
	{
		if (digit(text[0]) < 0 || digit(text[1]) < 0)
			return -1;
		out[len++] = (uint8_t) (digit(text[0]) << 4 | digit(text[1]));
	}
	return len;
}

static bool
turn(struct mosquitto *m, int patience_ms)
{
	return !lost && mosquitto_loop(m, patience_ms, 1) == MOSQ_ERR_SUCCESS;
}

int
main(int argc, char **argv)
{
	static char line[LINE_BYTES_MAX];
	struct mosquitto *m;
	long		sent = 0;
	bool		sound = true;

	if (argc != 2)
		return 2;
	mosquitto_lib_init();
	m = mosquitto_new(NULL, true, NULL);
	mosquitto_int_option(m, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5);
	mosquitto_max_inflight_messages_set(m, UNDERWAY_MAX);
	mosquitto_connect_callback_set(m, on_connect);
	mosquitto_disconnect_callback_set(m, on_disconnect);
	mosquitto_publish_callback_set(m, on_publish);
	sound = mosquitto_connect(m, "127.0.0.1", atoi(argv[1]), 60) == MOSQ_ERR_SUCCESS;
	while (sound && !connected)
		sound = turn(m, WAIT_MS);
	while (sound && fgets(line, sizeof(line), stdin) != NULL)
	{
		char	   *tab = strchr(line, '\t');
		int			len = tab != NULL ? decode(tab + 1) : -1;

		if (len < 0)
		{
			fprintf(stderr, "publish: line %ld is no topic, tab and hex\n", sent + 1);
			return 2;
		}
		*tab = '\0';
		sound = mosquitto_publish(m, NULL, line, len, tab + 1, 1, false) == MOSQ_ERR_SUCCESS;
		sent++;
		while (sound && sent - acknowledged >= UNDERWAY_MAX)
			sound = turn(m, WAIT_MS);
	}
	while (sound && acknowledged < sent)
		sound = turn(m, WAIT_MS);
	if (sound)
		mosquitto_disconnect(m);
	else
		fprintf(stderr, "publish: the broker took %ld of %ld messages\n", acknowledged, sent);
	mosquitto_destroy(m);
	return sound ? 0 : 1;
}
