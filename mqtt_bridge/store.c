/*
 * store.c: one transaction a batch, and halves of it when that fails.
 *
 * Messages that are wrong do not make ingest() fail: it puts them into
 * quarantine.  Should it fail all the same for some message, the batch is
 * halved until that message stands alone, and the others are stored.  The one
 * is put into quarantine as it is (reason ingest_failed, with the error), because
 * leaving it unacknowledged would hold up what came with it: PUBACKs can only be
 * sent all or none, and the broker's window would fill with what is never
 * acknowledged.  Nothing is lost by that: the bytes are kept, release() stores them
 * once the fault is mended, and the meter has no receipt.
 *
 * A database that refuses everything is broken, not poisoned: then nothing is put
 * aside, and it counts as away.  A message that came alone tells neither; it is put aside when it was
 * refused STORE_ALONE_TRIES times.
 */
#include "store.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "core/envelope.h"
#include "core/payload.h"
#include "log.h"

#define STORE_TRIES_MAX 5		/* of a transaction that conflicts with others */
#define STORE_ALONE_TRIES 3

void
store_init(store *s, stats *counters, bool dry_run)
{
	memset(s, 0, sizeof(*s));
	s->counters = counters;
	s->dry_run = dry_run;
}

/* How often this message was refused, this time included; 0 where too many others are. */
static int
store_refusals(store *s, const batch_message *m, char hex[2 * SHA256_LEN + 1])
{
	uint8_t		hash[SHA256_LEN];
	int			i = 0;

	sha256_of(m->payload, m->payload_len, hash);
	for (int j = 0; j < SHA256_LEN; j++)
		snprintf(hex + 2 * j, 3, "%02x", hash[j]);
	while (i < s->refused_count && memcmp(s->refused[i].hash, hash, SHA256_LEN) != 0)
		i++;
	if (i == STORE_COMPLAINTS_MAX)
		return 0;
	if (i == s->refused_count)
	{
		memcpy(s->refused[i].hash, hash, SHA256_LEN);
		s->refused[i].times = 0;
		s->refused_count++;
	}
	return ++s->refused[i].times;
}

/* Once a message, not once a try: it may come again until somebody mends it. */
static void
store_complain(const store *s, const batch_message *m, const char *hex, const char *why)
{
	log_event(LOG_LEVEL_ERROR, "message_refused",
			  LOG_FIELDS(LOG_TEXT("topic", m->topic), LOG_NUMBER("bytes", m->payload_len), LOG_TEXT("sha256", hex)),
			  "the database refuses the message on topic %s (%zu bytes, SHA-256 %s): %s",
			  m->topic, m->payload_len, hex, why);
	if (s->refused_count == STORE_COMPLAINTS_MAX)
		log_error("messages_refused", "further messages that the database refuses are not logged one by one");
}

/* What became of messages first .. first + count - 1, now that it is sure. */
static void
store_count(store *s, const batch *b, int first, int count)
{
	stats_stored(s->counters, b, first, count);
	for (int i = first; i < first + count; i++)
	{
		const batch_message *m = &b->message[i];
		static const char *const name[] = {"unstored", "accepted", "duplicate", "quarantined"};

		if (s->dry_run || m->verdict == BATCH_QUARANTINED)
			log_event(s->dry_run ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG, "judged",
					  LOG_FIELDS(LOG_TEXT("verdict", name[m->verdict]), LOG_TEXT("reason", m->reason),
								 LOG_TEXT("meter", m->meter), LOG_NUMBER("epoch", m->epoch), LOG_NUMBER("seq", m->seq),
								 LOG_TEXT("topic", m->topic), LOG_NUMBER("bytes", m->payload_len)),
					  "%s%s%s", name[m->verdict], m->reason[0] != '\0' ? ": " : "", m->reason);
	}
}

/* Recursion is as deep as BATCH_MESSAGES_MAX has halves: 14. */
static store_result
store_range(store *s, batch *b, int first, int count, int64_t deadline_ms)
{
	store_result left;
	store_result right;
	pg_link_result result;
	int			tries = 0;

	do
		result = pg_out_store(&s->database, b, first, count, s->dry_run, deadline_ms);
	while (result == PG_LINK_CONFLICT && ++tries < STORE_TRIES_MAX);

	if (result == PG_LINK_OK)
	{
		store_count(s, b, first, count);
		return STORE_ALL;
	}
	if (result != PG_LINK_REFUSED)
		return STORE_UNAVAILABLE;
	if (count == 1)
		return STORE_PARTLY;
	left = store_range(s, b, first, count / 2, deadline_ms);
	if (left == STORE_UNAVAILABLE)
		return left;
	right = store_range(s, b, first + count / 2, count - count / 2, deadline_ms);
	return right == STORE_ALL ? left : right;
}

/* A refused message: once more by itself, to have its error; then aside where that is right. */
static store_result
store_alone(store *s, batch *b, int i, bool others_stored, int64_t deadline_ms)
{
	batch_message *m = &b->message[i];
	char		why[PG_LINK_ERROR_BYTES_MAX];
	char		hex[2 * SHA256_LEN + 1];
	int			times;
	pg_link_result result = pg_out_store(&s->database, b, i, 1, s->dry_run, deadline_ms);

	if (result == PG_LINK_OK)
	{
		store_count(s, b, i, 1);
		return STORE_ALL;
	}
	if (result != PG_LINK_REFUSED)
		return STORE_UNAVAILABLE;
	snprintf(why, sizeof(why), "%s", s->database.error);
	times = store_refusals(s, m, hex);
	if (times == 1)
		store_complain(s, m, hex, why);
	if (s->dry_run || !s->database.has_bridge ||
		!(others_stored || (b->count == 1 && times >= STORE_ALONE_TRIES)))
		return STORE_PARTLY;
	result = pg_out_set_aside(&s->database, m, why, deadline_ms);
	if (result == PG_LINK_REFUSED || result == PG_LINK_CONFLICT)
		return STORE_PARTLY;
	if (result != PG_LINK_OK)
		return STORE_UNAVAILABLE;
	s->counters->set_aside++;
	store_count(s, b, i, 1);
	log_event(LOG_LEVEL_WARNING, "message_set_aside", LOG_FIELDS(LOG_TEXT("topic", m->topic), LOG_TEXT("sha256", hex)),
			  "that message is in quarantine as ingest_failed; release() takes it in once the fault is mended");
	return STORE_ALL;
}

/* How far behind the meter's clock we are, by the last message that was accepted. */
static void
store_lag(store *s, const batch *b)
{
	static _Thread_local uint8_t scratch[ENVELOPE_SCRATCH_BYTES];
	static _Thread_local payload p;
	envelope	e;
	struct timespec now;
	int			i = b->count - 1;

	while (i >= 0 && b->message[i].verdict != BATCH_ACCEPTED)
		i--;
	if (i < 0 || envelope_parse(b->message[i].payload, b->message[i].payload_len, scratch, &e) != REFUSAL_NONE ||
		payload_parse(e.kind, e.payload, e.payload_len, &p) != REFUSAL_NONE)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	s->counters->lag_ms = (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000 - p.t_ms;
}

store_result
store_batch(store *s, batch *b, int64_t deadline_ms)
{
	store_result result = store_range(s, b, 0, b->count, deadline_ms);
	bool		others_stored = batch_count_of(b, BATCH_UNSTORED) < b->count;

	if (result == STORE_PARTLY && !others_stored && b->count > 1 && !s->dry_run)
	{
		char		why[PG_LINK_ERROR_BYTES_MAX];

		snprintf(why, sizeof(why), "%s", s->database.error);
		snprintf(s->database.error, sizeof(s->database.error), "it refuses every message: %.400s", why);
		return STORE_NOTHING;
	}
	if (result == STORE_PARTLY)
	{
		result = STORE_ALL;
		for (int i = 0; i < b->count && result != STORE_UNAVAILABLE; i++)
		{
			store_result one = b->message[i].verdict != BATCH_UNSTORED ? STORE_ALL :
				store_alone(s, b, i, others_stored, deadline_ms);

			result = one == STORE_ALL ? result : one;
		}
	}
	if (result == STORE_ALL)
		s->refused_count = 0;
	if (result != STORE_UNAVAILABLE)
		store_lag(s, b);
	return result;
}
