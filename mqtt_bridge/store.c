/*
 * store.c: one transaction a batch, and halves of it when that fails.
 *
 * Messages that are wrong do not make ingest() fail: it puts them into
 * quarantine.  Should it fail all the same for some message, the batch is
 * halved until that message stands alone, and the others are stored.  The one
 * is never acknowledged, so the broker keeps it; as PUBACKs can only be sent
 * all or none, those of its neighbours wait too, and it is logged, once, as what
 * it is: a fault to be mended.
 */
#include "store.h"

#include <stdio.h>
#include <string.h>

#include "log.h"

#define STORE_TRIES_MAX 5		/* of a transaction that conflicts with others */

/* Once a message, not once a try: it comes again until somebody mends it. */
static void
store_complain(store *s, const batch_message *m)
{
	uint8_t		hash[SHA256_LEN];
	char		hex[2 * SHA256_LEN + 1];

	sha256_of(m->payload, m->payload_len, hash);
	for (int i = 0; i < s->refused_count; i++)
	{
		if (memcmp(s->refused[i], hash, SHA256_LEN) == 0)
			return;
	}
	if (s->refused_count == STORE_COMPLAINTS_MAX)
		return;
	memcpy(s->refused[s->refused_count++], hash, SHA256_LEN);
	for (int i = 0; i < SHA256_LEN; i++)
		snprintf(hex + 2 * i, 3, "%02x", hash[i]);
	log_error("the database refuses the message on topic %s (%zu bytes, SHA-256 %s): %s; "
			  "it stays unacknowledged at the broker, and what came with it too, until this is mended",
			  m->topic, m->payload_len, hex, s->database.error);
	if (s->refused_count == STORE_COMPLAINTS_MAX)
		log_error("further messages that the database refuses are not logged one by one");
}

static void
store_count(store *s, const batch *b, int first, int count)
{
	uint64_t	of[BATCH_QUARANTINED + 1] = {0};

	for (int i = first; i < first + count; i++)
		of[b->message[i].verdict]++;
	stats_stored(s->counters, of[BATCH_ACCEPTED], of[BATCH_DUPLICATE], of[BATCH_QUARANTINED]);
	s->counters->batches++;
}

/* Recursion is as deep as BATCH_MESSAGES_MAX has halves: 14. */
static store_result
store_range(store *s, batch *b, int first, int count, int64_t deadline_ms)
{
	store_result left;
	store_result right;
	pg_out_result result;
	int			tries = 0;

	do
		result = pg_out_store(&s->database, b, first, count, deadline_ms);
	while (result == PG_OUT_CONFLICT && ++tries < STORE_TRIES_MAX);

	if (result == PG_OUT_OK)
	{
		store_count(s, b, first, count);
		return STORE_ALL;
	}
	if (result != PG_OUT_REFUSED)
		return STORE_UNAVAILABLE;
	if (count == 1)
	{
		store_complain(s, &b->message[first]);
		return STORE_PARTLY;
	}
	left = store_range(s, b, first, count / 2, deadline_ms);
	if (left == STORE_UNAVAILABLE)
		return left;
	right = store_range(s, b, first + count / 2, count - count / 2, deadline_ms);
	return right == STORE_ALL ? left : right;
}

store_result
store_batch(store *s, batch *b, int64_t deadline_ms)
{
	store_result result = store_range(s, b, 0, b->count, deadline_ms);

	if (result == STORE_ALL)
		s->refused_count = 0;
	return result;
}
