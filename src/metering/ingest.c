/*
 * ingest.c: judges a batch of signed messages and has it stored.
 *
 * A message is parsed, its topic compared, its meter's key looked up and its
 * signature checked, one after the other while its decoded bytes are at hand.
 * What fails is set aside with the reason; one bad message never costs another.
 * What is sound is put in order (ingest_order.c) and written (ingest_store.c),
 * all within the caller's transaction.
 *
 * Two sessions may bring the same message at the same time.  The unique index
 * lets one of them store it; the other looks again and finds a duplicate, or an
 * equivocation.
 */
#include "postgres.h"
#include "compat.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/snapmgr.h"

#include "core/topic.h"
#include "metering/ingest.h"

/* Keys of the batch's meters, each looked up once. */
typedef struct KeyCacheEntry
{
	char		meter[PAYLOAD_METER_LEN_MAX + 1];	/* hash key */
	bool		registered;
	MeterKey	key;
} KeyCacheEntry;

/* What judging needs, once for the batch. */
typedef struct IngestJudge
{
	const Lookup *lookup;
	HTAB	   *keys;
	uint8		scratch[ENVELOPE_SCRATCH_BYTES];
	payload		said;
} IngestJudge;

static const KeyCacheEntry *
ingest_key(IngestJudge *judge, const char *meter)
{
	KeyCacheEntry *entry;
	bool		found;

	entry = hash_search(judge->keys, meter, HASH_ENTER, &found);
	if (!found)
		entry->registered = lookup_meter_key(judge->lookup, meter, &entry->key);
	return entry;
}

/* Does the topic say what the message says? */
static bool
ingest_topic_fits(IngestMessage *m)
{
	topic		t;

	if (m->topic == NULL)
		return true;
	if (!topic_parse(m->topic, strlen(m->topic), &t))
		m->detail = "topic is not el/v1/{tenant}/{shard}/{meter}/up/{type}";
	else if (!t.up)
		m->detail = "topic is not an upward one";
	else if (strcmp(t.meter, m->meter) != 0)
		m->detail = psprintf("topic names meter \"%s\"", t.meter);
	else if (strcmp(t.leaf, payload_type_name(m->type)) != 0)
		m->detail = psprintf("topic names type \"%s\"", t.leaf);
	return m->detail == NULL;
}

/* Copy what outlives the judge's buffers. */
static void
ingest_take_payload(IngestMessage *m, const payload *said)
{
	memcpy(m->meter, said->meter, sizeof(m->meter));
	m->epoch = said->epoch;
	m->seq = (int64) said->seq;
	m->type = said->type;
	m->has_prev = said->has_prev;
	memcpy(m->prev, said->prev, sizeof(m->prev));
	m->t_ms = said->t_ms;
	m->clock_status = said->clock_status;
	m->reading_count = said->reading_count;
	if (said->reading_count > 0)
	{
		m->reading = palloc(said->reading_count * sizeof(payload_reading));
		memcpy(m->reading, said->reading, said->reading_count * sizeof(payload_reading));
	}
}

/* The signature, by the key that the meter is registered with now. */
static refusal
ingest_check_signature(IngestJudge *judge, IngestMessage *m, const envelope *e)
{
	const KeyCacheEntry *registered = ingest_key(judge, m->meter);

	if (!registered->registered)
		return REFUSAL_UNKNOWN_METER;
	if (registered->key.algorithm != e->algorithm)
	{
		m->detail = psprintf("signed with %s, registered with %s",
							 envelope_algorithm_name(e->algorithm),
							 envelope_algorithm_name(registered->key.algorithm));
		return REFUSAL_ALGORITHM_MISMATCH;
	}
	if (!envelope_signature_valid(e, registered->key.key, registered->key.key_len))
		return REFUSAL_BAD_SIGNATURE;
	return REFUSAL_NONE;
}

/*
 * Are these very bytes in the ledger?  They were verified when they came, and are
 * a duplicate even where the meter has another key by now.
 */
static bool
ingest_is_stored(const IngestJudge *judge, const IngestMessage *m)
{
	StoredMessage stored;

	return lookup_message(judge->lookup, m->meter, m->epoch, m->seq, &stored) &&
		memcmp(stored.digest, m->digest, SHA256_LEN) == 0;
}

/* All that can be said of one message without looking at others. */
static refusal
ingest_judge(IngestJudge *judge, IngestMessage *m)
{
	envelope	e;
	refusal		why;

	sha256_of(m->data, m->len, m->digest);
	why = envelope_parse(m->data, m->len, judge->scratch, &e);
	if (why != REFUSAL_NONE)
		return why;
	m->envelope = e.kind;
	why = payload_parse(e.kind, e.payload, e.payload_len, &judge->said);
	ingest_take_payload(m, &judge->said);
	if (why != REFUSAL_NONE)
		return why;
	if (!ingest_topic_fits(m))
		return REFUSAL_TOPIC_MISMATCH;
	why = ingest_check_signature(judge, m, &e);
	if (why != REFUSAL_NONE && ingest_is_stored(judge, m))
		why = REFUSAL_NONE;
	return why;
}

static HTAB *
ingest_key_cache(int count)
{
	HASHCTL		ctl;

	memset(&ctl, 0, sizeof(ctl));
	ctl.keysize = PAYLOAD_METER_LEN_MAX + 1;
	ctl.entrysize = sizeof(KeyCacheEntry);
	ctl.hcxt = CurrentMemoryContext;
	return hash_create("meter keys of a batch", count, &ctl,
					   HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
}

/* The messages with one verdict, in their order. */
static int
ingest_pick(IngestMessage **from, int count, IngestVerdict verdict, IngestMessage **to)
{
	int			picked = 0;

	for (int i = 0; i < count; i++)
	{
		if (from[i]->verdict == verdict)
			to[picked++] = from[i];
	}
	return picked;
}

/* Another session stored this (meter, epoch, seq) meanwhile: which bytes? */
static void
ingest_look_again(IngestMessage *m)
{
	Lookup		l;
	StoredMessage stored;
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	bool		found;

	lookup_open(&l, snapshot);
	found = lookup_message(&l, m->meter, m->epoch, m->seq, &stored);
	lookup_close(&l);
	UnregisterSnapshot(snapshot);
	if (!found)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not store a message because of a concurrent transaction"),
				 errdetail("Meter \"%s\", epoch %lld, sequence number %lld.",
						   m->meter, (long long) m->epoch, (long long) m->seq),
				 errhint("Ingest the batch again.")));
	if (memcmp(stored.digest, m->digest, SHA256_LEN) == 0)
		m->verdict = INGEST_DUPLICATE;
	else
		ingest_equivocation(m, stored.digest);
}

/* Write what was accepted, and see who was first. */
static void
ingest_store(IngestMessage **candidates, int count, TimestampTz received_at)
{
	IngestMessage **accepted = palloc(count * sizeof(*accepted));
	bool	   *stored = palloc(count * sizeof(*stored));
	int			n = ingest_pick(candidates, count, INGEST_ACCEPTED, accepted);

	if (n == 0)
		return;
	ingest_store_messages(accepted, n, received_at, stored);
	for (int i = 0; i < n; i++)
	{
		if (!stored[i])
			ingest_look_again(accepted[i]);
	}
	n = ingest_pick(candidates, count, INGEST_ACCEPTED, accepted);
	ingest_store_readings(accepted, n);
}

static int
ingest_compare_quarantine(const void *a, const void *b)
{
	const IngestMessage *x = *(IngestMessage *const *) a;
	const IngestMessage *y = *(IngestMessage *const *) b;
	int			order = memcmp(x->digest, y->digest, SHA256_LEN);

	return order != 0 ? order : strcmp(refusal_name(x->reason), refusal_name(y->reason));
}

void
ingest_batch(IngestMessage *messages, int count)
{
	IngestMessage **candidates = palloc(Max(count, 1) * sizeof(*candidates));
	IngestMessage **others = palloc(Max(count, 1) * sizeof(*others));
	IngestJudge *judge = palloc(sizeof(*judge));
	TimestampTz received_at = GetCurrentTimestamp();
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	Lookup		lookup;
	int			n = 0;

	lookup_open(&lookup, snapshot);
	judge->lookup = &lookup;
	judge->keys = ingest_key_cache(count);
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		messages[i].reason = ingest_judge(judge, &messages[i]);
		if (messages[i].reason == REFUSAL_NONE)
			candidates[n++] = &messages[i];
		else
			messages[i].verdict = INGEST_QUARANTINED;
	}
	qsort(candidates, n, sizeof(*candidates), ingest_compare);
	ingest_order(&lookup, candidates, n);
	lookup_close(&lookup);
	UnregisterSnapshot(snapshot);

	ingest_store(candidates, n, received_at);
	n = 0;
	for (int i = 0; i < count; i++)
	{
		if (messages[i].verdict == INGEST_QUARANTINED)
			others[n++] = &messages[i];
	}
	if (n > 0)
	{
		qsort(others, n, sizeof(*others), ingest_compare_quarantine);
		ingest_store_quarantine(others, n, received_at);
	}
	hash_destroy(judge->keys);
}
