/*
 * downlink.h: what a bridge fetches to publish it: commands, and requests to send again.
 */
#ifndef METERING_DOWNLINK_H
#define METERING_DOWNLINK_H

#include "utils/timestamp.h"

#define DOWNLINK_METERS_MAX 10000	/* in one call; and so many shards */
#define DOWNLINK_ROWS_MAX 10000
#define DOWNLINK_PAGE_METERS 2000	/* looked at behind a name */
#define DOWNLINK_WAIT_LEAST_US USECS_PER_SEC
#define DOWNLINK_WAIT_MOST_US USECS_PER_DAY

/* A row of what is to be published; palloc'd. */
typedef struct DownlinkRow
{
	Datum		value[6];		/* the function's columns */
	bool		null[6];
} DownlinkRow;

/*
 * meters and shards: text[], or NULL for all; after: text, or NULL: a page of meters, and at its
 * end a row that has only the first column, where there may be more behind it.  Errors in a
 * transaction that has written.
 */
extern int	downlink_commands(const Datum *meters, int64 retry_us, const Datum *shards, const Datum *after,
							  DownlinkRow **rows);

/* ids: uuid[].  How many rows were written. */
extern int64 downlink_published(Datum ids);

/* Asks, and remembers that it did. */
extern int	downlink_resends(const Datum *meters, int64 grace_us, int64 every_us, const Datum *shards,
							 DownlinkRow **rows);

#endif							/* METERING_DOWNLINK_H */
