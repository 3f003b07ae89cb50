/*
 * store.h: a batch into the database, whatever one of its messages does to it.
 */
#ifndef BRIDGE_STORE_H
#define BRIDGE_STORE_H

#include "batch.h"
#include "core/sha256.h"
#include "pg_out.h"
#include "stats.h"

#define STORE_COMPLAINTS_MAX 16 /* refused messages logged one by one */

typedef enum store_result
{
	STORE_ALL,					/* every message is committed: acknowledge */
	STORE_PARTLY,				/* all but some that the database refuses */
	STORE_UNAVAILABLE			/* the database went away on the way */
} store_result;

typedef struct store
{
	pg_out		database;
	stats	   *counters;
	uint8_t		refused[STORE_COMPLAINTS_MAX][SHA256_LEN];	/* already complained of */
	int			refused_count;
} store;

/* Messages that were committed have a verdict, whatever is returned. */
extern store_result store_batch(store *s, batch *b, int64_t deadline_ms);

#endif							/* BRIDGE_STORE_H */
