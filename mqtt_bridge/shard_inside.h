/*
 * shard_inside.h: what a shard is made of, for the files that move it: shard_link.c, its
 * connections, and shard.c, the order of things.
 */
#ifndef BRIDGE_SHARD_INSIDE_H
#define BRIDGE_SHARD_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>

#include "batch.h"
#include "broker_watch.h"
#include "commands.h"
#include "downlink.h"
#include "health.h"
#include "heard.h"
#include "mqtt_in.h"
#include "report.h"
#include "resends.h"
#include "shard.h"
#include "store.h"

struct shard
{
	/* fixed */
	bool		first;
	bool		dry_run;
	int			wake_fd;
	char		name[TOPIC_LEVEL_LEN_MAX + 1];
	/* moving: the thread's own */
	config	   *cfg;
	stats		counters;
	batch		held;
	store		store;
	mqtt_in		in;
	downlink	down;
	broker_watch watch;
	heard		heard;
	commands	commands;
	resends		resends;
	report		report;
	bool		linked;			/* both MQTT connections are open */
	bool		had_session;	/* the broker has kept one for us before */
	health		database;
	health		broker;
	backoff		store_backoff;	/* both answer, yet a batch did not get through */
	int64_t		stats_due_ms;
	/* shared */
	pthread_t	thread;
	pthread_mutex_t lock;		/* of the rest */
	stats		shown;			/* copy of counters */
	config	   *next;			/* settings to go on with */
	bool		configuring;	/* it is about to */
	bool		ended;
	int			status;
	_Atomic int64_t beat_ms;
};

/* Connect; false where the extension is missing and we have just been started. */
extern bool shard_connect_database(shard *s);
extern void shard_connect_broker(shard *s);

/* In good order, so that the state that is retained is true. */
extern void shard_leave_broker(shard *s);

/* Close both connections to the broker; what is held goes back to it. */
extern void shard_unlink(shard *s);

/* One is gone.  was_no_use: it was there, and could not do what was asked of it. */
extern void shard_broker_lost(shard *s, const char *why);
extern void shard_database_lost(shard *s, bool was_no_use);

/* It is there: say so. */
extern void shard_broker_up(const shard *s);
extern void shard_database_up(const shard *s);

#endif							/* BRIDGE_SHARD_INSIDE_H */
