/*
 * ingest_key.c: which of a meter's keys signed a message, and may it?
 *
 * A key is good for the messages from one (epoch, seq) to another, and for those that
 * arrive within a time.  The time is the ledger's: a meter's clock proves nothing, and
 * whoever has stolen a key can write any time and any number into a message.  So
 * numbers serve the orderly change of keys, in which late messages of the old key are
 * still good, and time and revocation serve the disorderly one, in which nothing of it
 * is believed any more and a person decides (release()).
 *
 * A key in a message's header is never looked at.
 */
#include "postgres.h"
#include "compat.h"

#include "utils/timestamp.h"

#include "metering/ingest.h"

/* A meter's keys as this batch changes them. */
typedef struct NewKeysEntry
{
	char		meter[PAYLOAD_METER_LEN_MAX + 1];	/* hash key */
	MeterKeys  *keys;
} NewKeysEntry;

static const MeterKeys *
ingest_keys_of(const IngestBatch *b, const char *meter)
{
	if (b->new_keys != NULL)
	{
		const NewKeysEntry *entry = hash_search(b->new_keys, meter, HASH_FIND, NULL);

		if (entry != NULL)
			return entry->keys;
	}
	return lookup_meter_keys(&b->lookup, meter);
}

static bool
ingest_before(int64 epoch, int64 seq, int64 other_epoch, int64 other_seq)
{
	return epoch < other_epoch || (epoch == other_epoch && seq < other_seq);
}

/* Is the key good for this message?  Otherwise says why. */
static refusal
ingest_key_validity(const IngestBatch *b, const MeterKey *key, const IngestMessage *m, const char **detail)
{
	if (b->quarantine_id != 0)
		return REFUSAL_NONE;
	if (key->revoked)
		return REFUSAL_KEY_REVOKED;
	if (b->received_at < key->valid_from)
		*detail = psprintf("the key is valid from %s", timestamptz_to_str(key->valid_from));
	else if (b->received_at >= key->valid_until)
		*detail = psprintf("the key was valid until %s", timestamptz_to_str(key->valid_until));
	else if (ingest_before(m->epoch, m->seq, key->from_epoch, key->from_seq))
		*detail = psprintf("the key is valid from epoch %lld, seq %lld",
						   (long long) key->from_epoch, (long long) key->from_seq);
	else if (ingest_before(key->until_epoch, key->until_seq, m->epoch, m->seq))
		*detail = psprintf("the key was valid until epoch %lld, seq %lld",
						   (long long) key->until_epoch, (long long) key->until_seq);
	else
		return REFUSAL_NONE;
	return REFUSAL_KEY_NOT_VALID;
}

/*
 * The key that verifies; good ones are tried first, the others only to say what is wrong.
 * Several keys may be good at a time, so that the number of verifications of a message
 * that nobody signed is bounded by METER_KEYS_MAX.
 */
static const MeterKey *
ingest_key_that_signed(const IngestBatch *b, const MeterKeys *keys, const IngestMessage *m, const envelope *e,
					   refusal *why, const char **detail)
{
	for (int good = 1; good >= 0; good--)
	{
		for (int i = 0; i < keys->count; i++)
		{
			const MeterKey *key = &keys->key[i];
			const char *said = NULL;

			if (key->algorithm != e->algorithm)
				continue;
			*why = ingest_key_validity(b, key, m, &said);
			*detail = said;
			if ((*why == REFUSAL_NONE) == (good == 1) &&
				envelope_signature_valid(e, key->key, key->key_len))
				return key;
		}
	}
	return NULL;
}

static refusal
ingest_no_key(const MeterKeys *keys, IngestMessage *m, const envelope *e)
{
	for (int i = 0; i < keys->count; i++)
		if (keys->key[i].algorithm == e->algorithm)
			return REFUSAL_BAD_SIGNATURE;
	m->detail = psprintf("signed with %s, registered with %s",
						 envelope_algorithm_name(e->algorithm),
						 envelope_algorithm_name(keys->key[0].algorithm));
	return REFUSAL_ALGORITHM_MISMATCH;
}

/* A message of type key: what signed it ends with it, what it names begins after it. */
static refusal
ingest_new_key(const MeterKeys *keys, const MeterKey *signed_with, IngestMessage *m)
{
	const MeterKey *known = meter_key_find(keys, m->new_key->key, m->new_key->key_len);

	if (m->seq == PG_INT64_MAX)
		return REFUSAL_BAD_SEQUENCE;
	if (known != NULL && known->revoked)
	{
		m->detail = "the new key is revoked";
		return REFUSAL_BAD_KEY;
	}
	if (known == signed_with)
	{
		m->detail = "the new key is the one that signed";
		return REFUSAL_BAD_KEY;
	}
	m->signed_with = palloc(sizeof(MeterKey));
	*m->signed_with = *signed_with;
	m->signed_with->until_epoch = m->epoch;
	m->signed_with->until_seq = m->seq;
	m->new_key->from_epoch = m->epoch;
	m->new_key->from_seq = m->seq + 1;
	m->new_key->until_epoch = m->new_key->until_seq = PG_INT64_MAX;
	m->new_key->valid_from = DT_NOBEGIN;
	m->new_key->valid_until = DT_NOEND;
	return REFUSAL_NONE;
}

refusal
ingest_check_signature(IngestBatch *b, IngestMessage *m, const envelope *e)
{
	const MeterKeys *keys = ingest_keys_of(b, m->meter);
	const MeterKey *key;
	refusal		why = REFUSAL_NONE;

	if (keys == NULL)
		return REFUSAL_UNKNOWN_METER;
	key = ingest_key_that_signed(b, keys, m, e, &why, &m->detail);
	if (key == NULL)
	{
		m->detail = NULL;
		return ingest_no_key(keys, m, e);
	}
	if (why == REFUSAL_NONE && m->new_key != NULL)
		why = ingest_new_key(keys, key, m);
	return why;
}

bool
ingest_begins(const IngestBatch *b, const IngestMessage *m)
{
	const MeterKeys *keys = ingest_keys_of(b, m->meter);

	/* where there are as many as are read, there may be earlier ones */
	if (keys == NULL || keys->count == METER_KEYS_MAX)
		return false;
	for (int i = 0; i < keys->count; i++)
		if (ingest_before(keys->key[i].from_epoch, keys->key[i].from_seq, m->epoch, m->seq))
			return false;
	return true;
}

static void
ingest_put_key(MeterKeys *keys, const MeterKey *key)
{
	const MeterKey *known = meter_key_find(keys, key->key, key->key_len);

	if (known != NULL)
	{
		keys->key[known - keys->key] = *key;
		return;
	}
	/* the newest are first; where there is no room, the oldest goes */
	if (keys->count < METER_KEYS_MAX)
		keys->count++;
	memmove(&keys->key[1], &keys->key[0], (keys->count - 1) * sizeof(MeterKey));
	keys->key[0] = *key;
}

void
ingest_take_key(IngestBatch *b, const IngestMessage *m)
{
	const MeterKeys *before = ingest_keys_of(b, m->meter);
	NewKeysEntry *entry;
	bool		found;

	if (b->new_keys == NULL)
	{
		HASHCTL		ctl = {.keysize = PAYLOAD_METER_LEN_MAX + 1,.entrysize = sizeof(NewKeysEntry),
		.hcxt = CurrentMemoryContext};

		b->new_keys = hash_create("new keys of a batch", 64, &ctl, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	}
	entry = hash_search(b->new_keys, m->meter, HASH_ENTER, &found);
	if (!found)
	{
		entry->keys = palloc(offsetof(MeterKeys, key) + sizeof(MeterKey) * METER_KEYS_MAX);
		memcpy(entry->keys, before, offsetof(MeterKeys, key) + sizeof(MeterKey) * before->count);
	}
	ingest_put_key(entry->keys, m->signed_with);
	ingest_put_key(entry->keys, m->new_key);
}
