/*
 * batch.h: the messages that were read and are not acknowledged yet.
 */
#ifndef BRIDGE_BATCH_H
#define BRIDGE_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/payload.h"

#define BATCH_MESSAGES_MAX 10000	/* limit of the setting batch_messages_max */
#define BATCH_REASON_BYTES_MAX 48	/* of a refusal code, which doc/messages.md lists */

typedef enum batch_verdict
{
	BATCH_UNSTORED = 0,			/* no COMMIT covers it yet */
	BATCH_ACCEPTED,
	BATCH_DUPLICATE,
	BATCH_QUARANTINED
} batch_verdict;

typedef struct batch_message
{
	char	   *topic;			/* NUL-terminated; its memory holds the payload
								 * too */
	size_t		topic_len;
	uint8_t    *payload;
	size_t		payload_len;
	batch_verdict verdict;
	char		meter[PAYLOAD_METER_LEN_MAX + 1];	/* as the database named it;
													 * "" where it did not */
	int64_t		epoch;			/* likewise; 0 where it did not */
	int64_t		seq;
	bool		beyond_gap;		/* accepted, and one before it is missing: known
								 * once there are receipts */
	char		reason[BATCH_REASON_BYTES_MAX]; /* of a quarantined one */
} batch_message;

typedef struct batch
{
	/* fixed */
	int			count_max;
	size_t		bytes_max;
	/* moving */
	batch_message *message;
	int			count;
	size_t		bytes;
	int64_t		opened_ms;		/* when the first message came */
} batch;

extern bool batch_init(batch *b, int count_max, size_t bytes_max);
extern void batch_free(batch *b);

/* Copies.  False where the batch holds count_max, or memory is out. */
extern bool batch_add(batch *b, const char *topic, const void *payload, size_t payload_len);

/* True where nothing more should be read: by number or by bytes. */
extern bool batch_full(const batch *b);
extern void batch_clear(batch *b);

/* Let go of those that have a verdict. */
extern void batch_keep_unstored(batch *b);

/* How many of its messages have this verdict. */
extern int	batch_count_of(const batch *b, batch_verdict verdict);

#endif							/* BRIDGE_BATCH_H */
