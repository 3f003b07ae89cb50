/*
 * key_cache.h: the keys that meters sign with, kept by each session.
 */
#ifndef METERING_KEY_CACHE_H
#define METERING_KEY_CACHE_H

#include "utils/rel.h"
#include "utils/snapshot.h"
#include "utils/timestamp.h"

#include "core/key_form.h"

#define METER_KEYS_MAX 16		/* of a meter: those written last */

/* A key, and for which messages it is good. */
typedef struct MeterKey
{
	envelope_algorithm algorithm;
	uint8		key[KEY_FORM_LEN_MAX];
	size_t		key_len;
	int64		from_epoch;		/* the first message ... */
	int64		from_seq;
	int64		until_epoch;	/* ... and the last; PG_INT64_MAX: none */
	int64		until_seq;
	TimestampTz valid_from;		/* arrives from then on ... */
	TimestampTz valid_until;	/* ... and before then */
	bool		revoked;
} MeterKey;

typedef struct MeterKeys
{
	int			count;
	MeterKey	key[FLEXIBLE_ARRAY_MEMBER];
} MeterKeys;

/*
 * Before a snapshot is taken: what other sessions have changed is forgotten.  rel is
 * meter_key, open until the keys have been asked for.
 */
extern void key_cache_begin(Relation rel);

/*
 * A meter's keys, as the snapshot sees them; NULL where it has none.  They stay where
 * they are until the next key_cache_begin.
 */
extern const MeterKeys *key_cache_find(Relation rel, Snapshot snapshot, const char *meter);

/* The key among them, or NULL. */
extern const MeterKey *meter_key_find(const MeterKeys *keys, const uint8 *key, size_t key_len);

extern void key_cache_init(void);	/* _PG_init only */

#endif							/* METERING_KEY_CACHE_H */
