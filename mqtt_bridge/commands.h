/*
 * commands.h: commands from the database to the meters.
 */
#ifndef BRIDGE_COMMANDS_H
#define BRIDGE_COMMANDS_H

#include "config.h"
#include "downlink.h"
#include "heard.h"
#include "pg_link.h"
#include "stats.h"
#include "trouble.h"

/* A command that nobody took is not tried again before that. */
typedef struct commands_wait
{
	uint64_t	id;				/* its hash */
	int64_t		due_ms;
	int			tries;
} commands_wait;

typedef struct commands
{
	heard	   *heard;
	stats	   *counters;
	trouble		asking;
	trouble		recording;
	downlink_note *note;		/* a slice, and which row each is of */
	int		   *row_of;
	commands_wait *wait;
	/* what is on its way from the database to the broker */
	PGresult   *rows;
	int64_t		fetched_ms;
	int			next;
	bool		swept;			/* of a sweep, not of meters just heard: what
								 * was asked for last */
	/* the meter whose rows are at hand */
	int			meter_end;
	char		topic[TOPIC_LEN_MAX];	/* "": not to be published now */
	/* sweeps */
	char		after[TOPIC_LEVEL_LEN_MAX + 1]; /* the next page begins behind it; "": the first */
	uint64_t	addressless;	/* commands, in this sweep */
	bool		sweep_ends;		/* what is fetched is its last page */
	int64_t		sweep_ms;		/* in the database, of this sweep */
	int64_t		sweep_due_ms;
	int64_t		interval_s;		/* by which that was set */
	int64_t		news_due_ms;
	bool		refusal_said;
} commands;

/* False where memory is out. */
extern bool commands_init(commands *c, heard *h, stats *counters, int64_t backoff_ms_max);
extern void commands_free(commands *c);

/* A connection was lost: what was fetched is fetched again. */
extern void commands_forget(commands *c);

/*
 * Between batches: do the next step, if one is due, and how long until one is.  Nothing
 * that the database answers is an error here; that a connection broke is.
 */
extern downlink_result commands_turn(commands *c, downlink *d, pg_link *database, const config *cfg);
extern int	commands_patience_ms(const commands *c);

#endif							/* BRIDGE_COMMANDS_H */
