/*
 * mqtt_in.h: the connection that takes the meters' messages in, and acknowledges
 * them when told that they are stored.
 */
#ifndef BRIDGE_MQTT_IN_H
#define BRIDGE_MQTT_IN_H

#include "batch.h"
#include "config.h"
#include "mqtt_client.h"
#include "stats.h"

typedef struct mqtt_in
{
	mqtt_client client;			/* first: see mqtt_client.h */
	const config *settings;
	batch	   *into;
	stats	   *counters;
	bool		subscribe_due;	/* SUBSCRIBE is still to be sent */
	bool		subscribed;		/* SUBACK came */
} mqtt_in;

/* Connect and subscribe; with dry_run, by a session of its own that leaves no trace. */
extern bool mqtt_in_open(mqtt_in *in, const config *cfg, bool dry_run, batch *into, stats *counters);

/* The socket is readable: read until the batch is full or nothing more is there. */
extern bool mqtt_in_read(mqtt_in *in);

/* Keep-alive.  The batch must be empty: this writes, and so acknowledges. */
extern bool mqtt_in_idle(mqtt_in *in);

/* The whole batch is committed: send its PUBACKs, and empty it. */
extern bool mqtt_in_acknowledge(mqtt_in *in);

#endif							/* BRIDGE_MQTT_IN_H */
