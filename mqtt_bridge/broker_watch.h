/*
 * broker_watch.h: what can be seen of the broker's settings from a client's
 * place, said once where it is not safe.
 */
#ifndef BRIDGE_BROKER_WATCH_H
#define BRIDGE_BROKER_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "mqtt_client.h"
#include "stats.h"

typedef struct broker_watch
{
	bool		said;			/* what the connections show */
	bool		blind_said;		/* that $SYS is not shown to us */
	bool		seen;			/* something of $SYS came */
	int64_t		begun_ms;
	uint64_t	dropped;		/* messages the broker threw away, as it says */
	uint64_t	dropped_said;
} broker_watch;

/* Both connections are there: judge what they show, and ask for $SYS on down. */
extern void broker_watch_begin(broker_watch *w, const config *cfg, mqtt_client *in, mqtt_client *down);

/* Now and then while they are. */
extern void broker_watch_look(broker_watch *w, stats *counters);

/* Settings changed: what was said once may be said again. */
extern void broker_watch_again(broker_watch *w);

#endif							/* BRIDGE_BROKER_WATCH_H */
