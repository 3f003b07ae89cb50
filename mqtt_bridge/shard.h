/*
 * shard.h: one session at the broker, one connection to the database, one
 * thread: what takes the messages of el/v1/{tenant}/{shard}/+/up/+ in.
 *
 * Shards share nothing but the process: each keeps its own account, holds its
 * own batch, and goes on when another cannot.
 */
#ifndef BRIDGE_SHARD_H
#define BRIDGE_SHARD_H

#include "config.h"
#include "stats.h"

typedef struct shard shard;

/*
 * own: the settings of this shard, its from now on.  NULL: no memory, no
 * descriptor.  first: the one that looks after what is the broker's as a whole.
 */
extern shard *shard_new(config *own, bool first, bool dry_run);
extern void shard_free(shard *s);

/* Its thread.  False, with errno, where there is none to be had. */
extern bool shard_start(shard *s);

/* ---- from other threads ---- */

extern const char *shard_name(const shard *s);

/* A copy in which the equation of stats.h holds. */
extern void shard_stats(shard *s, stats *out);

/* When it last went round its loop, of clock.h's milliseconds. */
extern int64_t shard_beat_ms(shard *s);

/* Go on with other settings, from the next batch on; true once it does. */
extern void shard_configure(shard *s, config *next);
extern bool shard_configured(shard *s);

/* Something changed that it should look at; and the same to one that blocks. */
extern void shard_wake(shard *s);
extern void shard_interrupt(shard *s);

/* Has its thread ended, and with which exit status? */
extern bool shard_ended(shard *s, int *status);
extern void shard_join(shard *s);

#endif							/* BRIDGE_SHARD_H */
