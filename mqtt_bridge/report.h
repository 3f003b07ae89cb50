/*
 * report.h: a shard's state as a row in the database, for those who look there.
 */
#ifndef BRIDGE_REPORT_H
#define BRIDGE_REPORT_H

#include "config.h"
#include "pg_link.h"
#include "stats.h"

#define REPORT_MS_MIN 1000		/* from one row to the next while there is news */
#define REPORT_MS_MAX 10000		/* and while there is none, so that it shows we live */

typedef struct report
{
	int64_t		started_ms;		/* since 1970: tells runs of one bridge apart */
	int64_t		sent_ms;		/* clock.h's; 0: not yet */
	uint64_t	sent_sum;		/* of what was told last: another is news */
	bool		refused;		/* the log knows that it cannot be written */
} report;

extern void report_init(report *r);

/* Write where it is time to.  False where the database went away over it. */
extern bool report_show(report *r, pg_link *database, const config *cfg, const stats *s);

/* The last one: we are going. */
extern void report_end(report *r, pg_link *database, const config *cfg, const stats *s);

#endif							/* BRIDGE_REPORT_H */
