/*
 * resends.h: asking meters for messages that are missing.
 */
#ifndef BRIDGE_RESENDS_H
#define BRIDGE_RESENDS_H

#include "config.h"
#include "downlink.h"
#include "heard.h"
#include "pg_link.h"
#include "stats.h"
#include "trouble.h"

typedef struct resends
{
	heard	   *heard;
	stats	   *counters;
	trouble		asking;
	downlink_note *note;		/* a slice */
	PGresult   *rows;			/* remembered as asked for, not published yet */
	int			next;
	uint32_t	place;			/* heard_missing() goes on there */
	int64_t		all_due_ms;		/* when to ask for the whole shard */
	int64_t		due_ms;
	int64_t		interval_s;		/* by which these were set */
	bool		refusal_said;
	bool		addressless_said;
} resends;

/* As in commands.h. */
extern bool resends_init(resends *r, heard *h, stats *counters, int64_t backoff_ms_max);
extern void resends_free(resends *r);
extern void resends_forget(resends *r);
extern downlink_result resends_turn(resends *r, downlink *d, pg_link *database, const config *cfg);
extern int	resends_patience_ms(const resends *r);

#endif							/* BRIDGE_RESENDS_H */
