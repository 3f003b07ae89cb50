/*
 * ingest.c: judges a batch of signed messages and has it stored.
 *
 * A message is parsed, its topic compared, its meter's key looked up and its
 * signature checked, one after the other while its decoded bytes are at hand.
 * What fails is set aside with the reason; one bad message never costs another.
 * What is sound is put in order (ingest_order.c) and written (ingest_store.c),
 * all within the caller's transaction.
 *
 * A message of type key says what signs its meter's messages from the next one on.
 * Where it stands in the same batch as these, they are judged again once it is seen to
 * be accepted.
 *
 * Two sessions may bring the same message at the same time.  The unique index
 * lets one of them store it; the other takes its rows back (they are written in a
 * subtransaction), looks again, finds a duplicate or an equivocation, and stores
 * the rest.
 */
#include "postgres.h"
#include "compat.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/snapmgr.h"

#include "core/topic.h"
#include "metering/command.h"
#include "metering/ingest.h"
#include "metering/orders.h"
#include "metering/transfers.h"

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
	if (said->type == PAYLOAD_KEY && said->key_len > 0)
	{
		m->new_key = palloc0(sizeof(MeterKey));
		m->new_key->algorithm = said->key_algorithm;
		m->new_key->key_len = said->key_len;
		memcpy(m->new_key->key, said->key, said->key_len);
	}
	if (said->type == PAYLOAD_ACK)
	{
		m->ack = palloc(sizeof(payload_ack));
		*m->ack = said->ack;
	}
	if (said->type == PAYLOAD_ORDER)
	{
		m->order = palloc(sizeof(payload_order));
		*m->order = said->order;
	}
	if (said->type == PAYLOAD_CANCEL)
	{
		m->cancel = palloc(sizeof(payload_cancel));
		*m->cancel = said->cancel;
	}
	if (said->type == PAYLOAD_TRANSFER)
	{
		m->transfer = palloc(payload_transfer_size(&said->transfer));
		memcpy(m->transfer, &said->transfer, payload_transfer_size(&said->transfer));
	}
}

/*
 * Are these very bytes in the ledger?  They were verified when they came, and are
 * a duplicate even where the meter has another key by now.  So is their text with another
 * signature that is right for a key of the meter's.
 */
static bool
ingest_is_stored(const IngestBatch *b, const IngestMessage *m, refusal why)
{
	const bool	signature_right = why == REFUSAL_KEY_NOT_VALID || why == REFUSAL_KEY_REVOKED ||
		why == REFUSAL_BAD_KEY;
	StoredMessage stored;

	return lookup_message(&b->lookup, m->meter, m->epoch, m->seq, &stored) &&
		(memcmp(stored.digest, m->digest, SHA256_LEN) == 0 ||
		 (signature_right && ingest_same_text(&b->lookup, m, NULL)));
}

/* All that can be said of one message without looking at others. */
static refusal
ingest_judge(IngestBatch *b, IngestMessage *m)
{
	envelope	e;
	refusal		why;

	sha256_of(m->data, m->len, m->digest);
	why = envelope_parse(m->data, m->len, b->scratch, &e);
	if (why != REFUSAL_NONE)
		return why;
	m->envelope = e.kind;
	why = payload_parse(e.kind, e.payload, e.payload_len, &b->said);
	ingest_take_payload(m, &b->said);
	if (why != REFUSAL_NONE)
		return why;
	if (!ingest_topic_fits(m))
		return REFUSAL_TOPIC_MISMATCH;
	why = ingest_check_signature(b, m, &e);
	if (why != REFUSAL_NONE && ingest_is_stored(b, m, why))
		why = REFUSAL_NONE;
	return why;
}

/*
 * The first accepted message of type key that has not been taken account of yet, if
 * any: its meter's other messages are judged again.
 */
static bool
ingest_judge_again(IngestBatch *b, IngestMessage *messages, int count, IngestMessage **candidates, int n)
{
	IngestMessage *k = NULL;

	for (int i = 0; i < n && k == NULL; i++)
		if (candidates[i]->new_key != NULL && candidates[i]->verdict == INGEST_ACCEPTED &&
			!candidates[i]->key_counts)
			k = candidates[i];
	if (k == NULL)
		return false;
	k->key_counts = true;
	ingest_take_key(b, k);
	for (int i = 0; i < count; i++)
	{
		IngestMessage *m = &messages[i];

		CHECK_FOR_INTERRUPTS();
		if (m->key_counts || strcmp(m->meter, k->meter) != 0)
			continue;
		m->detail = NULL;
		m->reason = ingest_judge(b, m);
	}
	return true;
}

/* Each message by itself, then in order; what is sound into candidates. */
static int
ingest_judge_all(IngestBatch *b, IngestMessage *messages, int count, IngestMessage **candidates)
{
	int			n;

	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		messages[i].reason = ingest_judge(b, &messages[i]);
	}
	do
	{
		n = 0;
		for (int i = 0; i < count; i++)
		{
			if (messages[i].reason == REFUSAL_NONE || messages[i].reason == REFUSAL_EQUIVOCATION)
			{
				messages[i].reason = REFUSAL_NONE;
				candidates[n++] = &messages[i];
			}
			else
				messages[i].verdict = INGEST_QUARANTINED;
		}
		qsort(candidates, n, sizeof(*candidates), ingest_compare);
		ingest_order(b, candidates, n);
	} while (ingest_judge_again(b, messages, count, candidates, n));
	return n;
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

/* Has another session stored this (meter, epoch, seq) meanwhile, and which text? */
static void
ingest_look_again(const Lookup *l, IngestMessage *m)
{
	StoredMessage stored;

	if (!lookup_message(l, m->meter, m->epoch, m->seq, &stored))
		return;
	ingest_number_taken(l, m, &stored, NULL);
	/* where another text was first, messages of this batch were checked by a key that is none */
	if (m->key_counts && m->verdict != INGEST_DUPLICATE)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not store a message because of a concurrent transaction"),
				 errdetail("Meter \"%s\", epoch %lld, sequence number %lld.",
						   m->meter, (long long) m->epoch, (long long) m->seq),
				 errhint("Ingest the batch again.")));
}

static void
ingest_look_again_at_all(IngestMessage **accepted, int count)
{
	Lookup		l;

	lookup_open(&l);
	l.snapshot = RegisterSnapshot(GetLatestSnapshot());
	for (int i = 0; i < count; i++)
		ingest_look_again(&l, accepted[i]);
	UnregisterSnapshot(l.snapshot);
	lookup_close(&l);
}

/* Write what was accepted; where another session was first, what is left of it. */
static void
ingest_store(const IngestBatch *b, IngestMessage **candidates, int count)
{
	IngestMessage **accepted = palloc(Max(count, 1) * sizeof(*accepted));
	int			n = ingest_pick(candidates, count, INGEST_ACCEPTED, accepted);
	ErrorData  *taken;

	while (n > 0 && (taken = ingest_store_messages(b, accepted, n)) != NULL)
	{
		int			offered = n;

		ingest_look_again_at_all(accepted, n);
		n = ingest_pick(candidates, count, INGEST_ACCEPTED, accepted);
		if (n == offered)		/* the row that is in the way is none that can be seen */
			ReThrowError(taken);
		FreeErrorData(taken);
	}
	ingest_store_readings(accepted, n);
	ingest_store_keys(accepted, n);
	command_store_acks(accepted, n, b->received_at);
	orders_store(accepted, n);
	transfers_store(accepted, n);
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
ingest_batch(IngestMessage *messages, int count, int64 quarantine_id)
{
	IngestMessage **candidates = palloc(Max(count, 1) * sizeof(*candidates));
	IngestMessage **others = palloc(Max(count, 1) * sizeof(*others));
	IngestBatch *b = palloc(sizeof(*b));
	int			n;

	b->received_at = GetCurrentTimestamp();
	b->quarantine_id = quarantine_id;
	b->new_keys = NULL;
	lookup_open(&b->lookup);
	b->lookup.snapshot = RegisterSnapshot(GetLatestSnapshot());
	n = ingest_judge_all(b, messages, count, candidates);
	UnregisterSnapshot(b->lookup.snapshot);
	lookup_close(&b->lookup);

	ingest_store(b, candidates, n);
	n = 0;
	for (int i = 0; i < count && quarantine_id == 0; i++)
	{
		if (messages[i].verdict == INGEST_QUARANTINED)
			others[n++] = &messages[i];
	}
	if (n > 0)
	{
		qsort(others, n, sizeof(*others), ingest_compare_quarantine);
		ingest_store_quarantine(others, n, b->received_at);
	}
	if (b->new_keys != NULL)
		hash_destroy(b->new_keys);
}
