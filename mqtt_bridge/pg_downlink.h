/*
 * pg_downlink.h: what the database wants published besides receipts.
 */
#ifndef BRIDGE_PG_DOWNLINK_H
#define BRIDGE_PG_DOWNLINK_H

#include "pg_link.h"

/* Columns of the results; all text. */
enum
{
	PG_COMMANDS_METER, PG_COMMANDS_SHARD, PG_COMMANDS_NOTE, PG_COMMANDS_ID, PG_COMMANDS_LEFT_S
};
enum
{
	PG_RESENDS_METER, PG_RESENDS_SHARD, PG_RESENDS_NOTE
};

/*
 * Each a transaction of its own that may take PG_DOWNLINK_MS_MAX.  meters, shards and
 * ids are arrays in PostgreSQL's text form; NULL: all.  PG_LINK_OK: *rows is the
 * caller's to PQclear.  PG_LINK_REFUSED: the database does not do it (p->error), and the
 * connection is as good as before.  PG_LINK_UNAVAILABLE: it is gone.
 */
#define PG_DOWNLINK_MS_MAX 2000

extern pg_link_result pg_downlink_commands(pg_link *p, const char *meters, int64_t retry_s, const char *shards,
										   const char *after, PGresult **rows);
extern pg_link_result pg_downlink_published(pg_link *p, const char *ids);
extern pg_link_result pg_downlink_resends(pg_link *p, const char *meters, int64_t grace_s, int64_t every_s,
										  const char *shards, PGresult **rows);

#endif							/* BRIDGE_PG_DOWNLINK_H */
