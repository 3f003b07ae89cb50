/*
 * batch.c: a bounded queue of messages between the broker and one COMMIT.
 *
 * Memory is bounded twice: by number (the Receive Maximum told to the broker,
 * so that it cannot send more) and by bytes (reading stops above bytes_max; one
 * message of the maximum packet size may stand above it).  The array is
 * allocated once.
 */
#include "batch.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"

bool
batch_init(batch *b, int count_max, size_t bytes_max)
{
	memset(b, 0, sizeof(*b));
	b->message = calloc((size_t) count_max, sizeof(batch_message));
	if (b->message == NULL)
		return false;
	b->count_max = count_max;
	b->bytes_max = bytes_max;
	return true;
}

void
batch_free(batch *b)
{
	batch_clear(b);
	free(b->message);
	b->message = NULL;
}

bool
batch_add(batch *b, const char *topic, const void *payload, size_t payload_len)
{
	size_t		topic_len = strlen(topic);
	batch_message *m;

	if (b->count >= b->count_max)
		return false;
	m = &b->message[b->count];
	m->topic = malloc(topic_len + 1 + payload_len);
	if (m->topic == NULL)
		return false;
	memcpy(m->topic, topic, topic_len + 1);
	m->topic_len = topic_len;
	m->payload = (uint8_t *) m->topic + topic_len + 1;
	if (payload_len > 0)
		memcpy(m->payload, payload, payload_len);
	m->payload_len = payload_len;
	m->verdict = BATCH_UNSTORED;
	m->meter[0] = '\0';
	m->epoch = 0;
	m->seq = 0;
	m->beyond_gap = false;
	m->reason[0] = '\0';
	if (b->count++ == 0)
		b->opened_ms = clock_now_ms();
	b->bytes += topic_len + 1 + payload_len;
	return true;
}

bool
batch_full(const batch *b)
{
	return b->count >= b->count_max || b->bytes >= b->bytes_max;
}

void
batch_clear(batch *b)
{
	for (int i = 0; i < b->count; i++)
		free(b->message[i].topic);
	b->count = 0;
	b->bytes = 0;
}

void
batch_keep_unstored(batch *b)
{
	int			kept = 0;

	b->bytes = 0;
	for (int i = 0; i < b->count; i++)
	{
		if (b->message[i].verdict == BATCH_UNSTORED)
		{
			b->bytes += b->message[i].topic_len + 1 + b->message[i].payload_len;
			b->message[kept++] = b->message[i];
		}
		else
			free(b->message[i].topic);
	}
	b->count = kept;
}

int
batch_count_of(const batch *b, batch_verdict verdict)
{
	int			n = 0;

	for (int i = 0; i < b->count; i++)
		n += b->message[i].verdict == verdict;
	return n;
}
