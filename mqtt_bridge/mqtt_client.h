/*
 * mqtt_client.h: what the bridge's two connections to the broker share: making
 * one, waiting for its CONNACK, writing out what is queued, ending it.
 *
 * There are two because PUBACKs must be held back on the one that takes messages
 * in (mqtt_in.c), while receipts need a flow of their own: the broker allows only
 * so many unacknowledged publishes (its Receive Maximum; mosquitto's default is
 * 20), and each further one has to be written when an earlier one is answered.
 * On one connection that write would let go of PUBACKs, too.
 */
#ifndef BRIDGE_MQTT_CLIENT_H
#define BRIDGE_MQTT_CLIENT_H

#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <stdbool.h>
#include <stdint.h>

#include "config.h"

/* The broker has this long for CONNACK, SUBACK, PUBACKs, and to take our bytes. */
#define MQTT_CLIENT_ANSWER_MS_MAX 10000
#define MQTT_CLIENT_ERROR_BYTES_MAX 400

struct broker_watch;

/* Must be the first member of whatever is the connection's user data. */
typedef struct mqtt_client
{
	struct mosquitto *handle;	/* NULL: closed */
	bool		answered;		/* CONNACK came, and was good */
	bool		session_present;
	bool		lost;
	char		error[MQTT_CLIENT_ERROR_BYTES_MAX]; /* why it was lost */
	char		said[MQTT_CLIENT_ERROR_BYTES_MAX / 2];	/* the library's last error */
	/* what CONNACK said */
	uint16_t	server_keepalive_s; /* 0: ours holds */
	bool		has_session_expiry;
	uint32_t	session_expiry_s;
	struct broker_watch *watch; /* broker_watch.c's, on one connection */
} mqtt_client;

/* suffix tells the two connections' client ids apart. */
extern bool mqtt_client_create(mqtt_client *c, const config *cfg, const char *suffix, bool clean_start);

/* Connect and wait for CONNACK.  properties are the CONNECT packet's. */
extern bool mqtt_client_open(mqtt_client *c, const config *cfg, const mosquitto_property *properties);

/* Write out all that is queued. */
extern bool mqtt_client_flush(mqtt_client *c, int64_t deadline_ms);

/* Readable within the deadline (or a signal came)?  False: deadline or error. */
extern bool mqtt_client_wait_readable(mqtt_client *c, int64_t deadline_ms);

/* DISCONNECT in good order, and close. */
extern void mqtt_client_end(mqtt_client *c);

/* Close the socket and forget what is queued: nothing more is written. */
extern void mqtt_client_drop(mqtt_client *c);

/* Note why it is of no more use (first reason wins); returns false. */
extern bool mqtt_client_fail(mqtt_client *c, const char *why);

#endif							/* BRIDGE_MQTT_CLIENT_H */
