/*
 * ingest_order.c: where a batch's messages stand in their meters' sequences.
 *
 * Messages come with gaps, late, twice, and now and then with two different
 * texts under one number.  For each (meter, epoch, seq) one text wins: the one
 * in the ledger, else the first of the batch.  The same text again is a duplicate,
 * another text an equivocation.
 *
 * A text is what the signature covers, not the signature.  ECDSA gives another one
 * each time, whoever has one can make its twin without the key, and OCMF's signature
 * section and COSE's unprotected header may be rewritten on the way: none of that is a
 * second word of the meter.  What is stored stays as it came first.
 *
 * "chained" says that every earlier message of the epoch was there when this one
 * was stored.  It is written once and never corrected, so a gap that is closed
 * later leaves unchained messages behind: whoever wants the end of the unbroken
 * sequence takes a chained message and walks on from it (lookup.c).  A message
 * that extends that walk is chained again, so walks stay short.
 */
#include "postgres.h"
#include "compat.h"

#include "miscadmin.h"

#include "core/payload_ocmf.h"
#include "metering/ingest.h"
#include "metering/unix_time.h"

static int
ingest_compare_key(const IngestMessage *a, const IngestMessage *b)
{
	int			order = strcmp(a->meter, b->meter);

	if (order != 0)
		return order;
	if (a->epoch != b->epoch)
		return a->epoch < b->epoch ? -1 : 1;
	if (a->seq != b->seq)
		return a->seq < b->seq ? -1 : 1;
	return 0;
}

/* By key, then by arrival.  All sessions write in this order, so none wait in a circle. */
int
ingest_compare(const void *a, const void *b)
{
	const IngestMessage *x = *(IngestMessage *const *) a;
	const IngestMessage *y = *(IngestMessage *const *) b;
	int			order = ingest_compare_key(x, y);

	return order != 0 ? order : (x->ordinal > y->ordinal) - (x->ordinal < y->ordinal);
}

static char *
ingest_hex(const uint8 *bytes, int len)
{
	static const char digits[] = "0123456789abcdef";
	char	   *out = palloc(2 * len + 1);

	for (int i = 0; i < len; i++)
	{
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	out[2 * len] = '\0';
	return out;
}

/* Same (meter, epoch, seq), another text. */
static void
ingest_equivocation(IngestMessage *m, const uint8 stored_digest[SHA256_LEN])
{
	m->verdict = INGEST_QUARANTINED;
	m->reason = REFUSAL_EQUIVOCATION;
	m->detail = psprintf("the message taken first has digest %s",
						 ingest_hex(stored_digest, SHA256_LEN));
}

/* The newest message that the ledger has of a meter: what is beyond it need not be looked for. */
typedef struct SequenceNewest
{
	const char *meter;			/* NULL before the first */
	bool		found;
	StoredMessage stored;
} SequenceNewest;

static bool
ingest_find(const Lookup *l, SequenceNewest *newest, const char *meter, int64 epoch, int64 seq, StoredMessage *out)
{
	if (newest->meter == NULL || strcmp(newest->meter, meter) != 0)
	{
		newest->meter = meter;
		newest->found = lookup_newest(l, meter, &newest->stored);
	}
	*out = newest->stored;
	if (!newest->found || out->epoch < epoch || (out->epoch == epoch && out->seq < seq))
		return false;
	return (out->epoch == epoch && out->seq == seq) || lookup_message(l, meter, epoch, seq, out);
}

/* SHA-256 of what the signature covers. */
static bool
ingest_signed_digest(const uint8 *data, size_t len, uint8 digest[SHA256_LEN])
{
	uint8	   *scratch = palloc(ENVELOPE_SCRATCH_BYTES);
	envelope	e;
	bool		parsed = envelope_parse(data, len, scratch, &e) == REFUSAL_NONE;

	if (parsed)
		sha256_of(e.signed_bytes, e.signed_len, digest);
	pfree(scratch);
	return parsed;
}

/* The two have other bytes: rare, so nothing is kept for it and both are taken apart. */
bool
ingest_same_text(const Lookup *l, const IngestMessage *m, const IngestMessage *first)
{
	uint8		wanted[SHA256_LEN];
	uint8		found[SHA256_LEN];
	bytea	   *stored = NULL;
	bool		same;

	if (first == NULL)
		stored = lookup_message_raw(l, m->meter, m->epoch, m->seq);
	if (first == NULL && stored == NULL)
		return false;
	same = ingest_signed_digest(m->data, m->len, wanted) &&
		(first != NULL ? ingest_signed_digest(first->data, first->len, found) :
		 ingest_signed_digest((uint8 *) VARDATA(stored), VARSIZE(stored) - VARHDRSZ, found)) &&
		memcmp(wanted, found, SHA256_LEN) == 0;
	if (stored != NULL)
		pfree(stored);
	return same;
}

void
ingest_number_taken(const Lookup *l, IngestMessage *m, const StoredMessage *stored, const IngestMessage *first)
{
	if (memcmp(stored->digest, m->digest, SHA256_LEN) == 0 || ingest_same_text(l, m, first))
		m->verdict = INGEST_DUPLICATE;
	else
		ingest_equivocation(m, stored->digest);
}

/* What is known of the sequence just before the message that is looked at. */
typedef struct SequencePoint
{
	const IngestMessage *message;	/* of the batch; NULL before the first */
	bool		in_ledger;		/* it was there already, whatever the batch brings */
	StoredMessage stored;		/* the text that won */
} SequencePoint;

/* Does the unbroken sequence end just before m, when its predecessor was stored unchained? */
static bool
ingest_walk_reaches(const Lookup *l, const IngestMessage *m, const SequencePoint *last_chained)
{
	StoredMessage reach;

	if (lookup_reach(l, m->meter, m->epoch, &reach) && reach.seq >= m->seq - 1)
		return true;
	/* the batch itself may have closed the gap */
	if (last_chained->message == NULL ||
		strcmp(last_chained->message->meter, m->meter) != 0 ||
		last_chained->message->epoch != m->epoch)
		return false;
	reach = last_chained->stored;
	lookup_walk(l, m->meter, &reach);
	return reach.seq >= m->seq - 1;
}

/* Sets chained and prev_* of a message that is new. */
static void
ingest_place(const IngestBatch *b, SequenceNewest *newest, IngestMessage *m,
			 const SequencePoint *last, const SequencePoint *last_chained)
{
	const Lookup *l = &b->lookup;
	StoredMessage before;
	bool		in_ledger = true;

	if (m->seq == 1)
	{
		m->chained = true;
		m->prev_known = m->envelope != ENVELOPE_OCMF;	/* which has no prev */
		m->prev_valid = true;	/* the payload's reader saw that prev is empty */
		return;
	}
	if (last->message != NULL && strcmp(last->message->meter, m->meter) == 0 &&
		last->message->epoch == m->epoch && last->stored.seq == m->seq - 1)
	{
		before = last->stored;
		in_ledger = last->in_ledger;
	}
	else if (!ingest_find(l, newest, m->meter, m->epoch, m->seq - 1, &before))
	{
		/*
		 * A station that counts from 1 has no record 0, and what a meter said before it had a
		 * key here is no business of ours: nobody will send either.
		 */
		m->chained = (m->envelope == ENVELOPE_OCMF && m->seq == OCMF_SEQ_OF_ONE) || ingest_begins(b, m);
		m->prev_known = false;
		return;
	}
	m->prev_known = m->has_prev;	/* OCMF has none */
	m->prev_valid = memcmp(before.digest, m->prev, SHA256_LEN) == 0;
	m->clock_back_ms = Max(before.t_ms - m->t_ms, 0);
	m->chained = before.chained || (in_ledger && ingest_walk_reaches(l, m, last_chained));
}

/* Only a clock that is well ahead of ours is worth a word: a message may be on its way for days. */
static int64
ingest_clock_ahead_ms(const IngestBatch *b, const IngestMessage *m)
{
	int64		ahead_ms = m->t_ms - unix_ms_of_timestamp(b->received_at);

	return ahead_ms > INGEST_CLOCK_AHEAD_MAX_MS ? ahead_ms : 0;
}

void
ingest_order(IngestBatch *b, IngestMessage **candidates, int count)
{
	const Lookup *l = &b->lookup;
	SequencePoint last = {NULL};
	SequencePoint last_chained = {NULL};
	SequenceNewest newest = {NULL};

	for (int i = 0; i < count; i++)
	{
		IngestMessage *m = candidates[i];

		CHECK_FOR_INTERRUPTS();
		if (last.message == NULL || ingest_compare_key(last.message, m) != 0)
		{
			SequencePoint here;

			here.message = m;
			here.in_ledger = ingest_find(l, &newest, m->meter, m->epoch, m->seq, &here.stored);
			if (!here.in_ledger)
			{
				m->clock_back_ms = 0;
				m->clock_ahead_ms = ingest_clock_ahead_ms(b, m);
				ingest_place(b, &newest, m, &last, &last_chained);
				m->verdict = INGEST_ACCEPTED;
				here.stored.t_ms = m->t_ms;
				here.stored.epoch = m->epoch;
				here.stored.seq = m->seq;
				here.stored.chained = m->chained;
				memcpy(here.stored.digest, m->digest, SHA256_LEN);
			}
			last = here;
			if (here.stored.chained)
				last_chained = here;
			if (!here.in_ledger)
				continue;
		}
		ingest_number_taken(l, m, &last.stored, last.in_ledger ? NULL : last.message);
	}
}
