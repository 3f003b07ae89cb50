/*
 * downlink.h: the connection that tells meters what is stored, and everybody
 * whether this bridge is at work.
 */
#ifndef BRIDGE_DOWNLINK_H
#define BRIDGE_DOWNLINK_H

#include "batch.h"
#include "config.h"
#include "mqtt_client.h"
#include "pg_out.h"
#include "stats.h"

typedef enum downlink_result
{
	DOWNLINK_SENT,
	DOWNLINK_DATABASE_LOST,		/* no receipts to be had: pg_out says why */
	DOWNLINK_BROKER_LOST		/* client.error says why */
} downlink_result;

typedef struct downlink
{
	mqtt_client client;			/* first: see mqtt_client.h */
	stats	   *counters;
	char		state_topic[TOPIC_LEN_MAX];
	int			unanswered;		/* publishes without PUBACK */
	bool		refusal_logged;
} downlink;

/* Connect, with a last will that says offline. */
extern bool downlink_open(downlink *d, const config *cfg, stats *counters);

/* Publish el/v1/bridge/{id}/state, retained: "online" or "offline". */
extern bool downlink_state(downlink *d, const char *state);

/* Receipts for all meters of the batch's stored messages; waits for the broker's PUBACKs. */
extern downlink_result downlink_receipts(downlink *d, pg_link *database, const batch *b, int64_t deadline_ms);

/* Keep-alive, and whatever is readable. */
extern bool downlink_service(downlink *d);

#endif							/* BRIDGE_DOWNLINK_H */
