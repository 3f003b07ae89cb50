/*
 * downlink.h: the connection that tells meters what is stored and what they are to do,
 * and everybody whether this bridge is at work.
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

#define DOWNLINK_SLICE_MAX 200	/* notes published at once, not retained */

/* One of these: a command, or a request to send again. */
typedef struct downlink_note
{
	char		topic[TOPIC_LEN_MAX];
	const char *text;			/* the caller's */
	int			text_len;
	uint32_t	expiry_s;
	int			message_id;
	int			reason;			/* the broker's answer */
} downlink_note;

typedef struct downlink
{
	mqtt_client client;			/* first: see mqtt_client.h */
	stats	   *counters;
	char		state_topic[TOPIC_LEN_MAX];
	int			unanswered;		/* publishes without PUBACK */
	bool		refusal_logged;
	downlink_note *slice;		/* being published; NULL: none is */
	int			slice_count;
} downlink;

/* Connect, with a last will that says offline. */
extern bool downlink_open(downlink *d, const config *cfg, stats *counters);

/* Publish el/v1/bridge/{id}/state, retained: "online" or "offline". */
extern bool downlink_state(downlink *d, const char *state);

/*
 * Receipts for all meters of the batch's stored messages; waits for the broker's
 * PUBACKs.  Marks the messages that they do not reach.
 */
extern downlink_result downlink_receipts(downlink *d, pg_link *database, batch *b, int64_t deadline_ms);

/*
 * Publish notes, in this order, with QoS 1 and not retained, and wait until the broker
 * has answered for each (reason).  At most DOWNLINK_SLICE_MAX.  False: the broker is lost.
 */
extern bool downlink_notes(downlink *d, downlink_note *note, int count);

/* Did the broker take it, for somebody?  "No matching subscribers" is no error, and yet nobody has it. */
extern bool downlink_taken(int reason);

/* Keep-alive, and whatever is readable. */
extern bool downlink_service(downlink *d);

#endif							/* BRIDGE_DOWNLINK_H */
