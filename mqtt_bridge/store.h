/*
 * store.h: a batch into the database, whatever one of its messages does to it.
 */
#ifndef BRIDGE_STORE_H
#define BRIDGE_STORE_H

#include "batch.h"
#include "core/sha256.h"
#include "pg_out.h"
#include "stats.h"

#define STORE_COMPLAINTS_MAX 16 /* refused messages kept in mind, and logged, one by one */

typedef enum store_result
{
	STORE_ALL,					/* every message is committed: acknowledge */
	STORE_PARTLY,				/* all but some that the database refuses */
	STORE_NOTHING,				/* it refuses every message of several */
	STORE_UNAVAILABLE			/* the database went away on the way */
} store_result;

typedef struct store_refused
{
	uint8_t		hash[SHA256_LEN];
	int			times;
} store_refused;

typedef struct store
{
	pg_link		database;
	stats	   *counters;
	bool		dry_run;		/* judge, and roll back */
	store_refused refused[STORE_COMPLAINTS_MAX];	/* since a batch was stored whole */
	int			refused_count;
} store;

extern void store_init(store *s, stats *counters, bool dry_run);

/* Messages that were committed have a verdict, whatever is returned. */
extern store_result store_batch(store *s, batch *b, int64_t deadline_ms);

#endif							/* BRIDGE_STORE_H */
