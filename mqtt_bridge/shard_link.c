/*
 * shard_link.c: a shard's connections: made, judged, lost.
 *
 * The broker is connected only while the database is: with nowhere to put messages,
 * the broker's queue is the place for them, and a meter keeps each until it has a
 * receipt anyway.
 */
#include "shard_inside.h"

#include "log.h"
#include "signals.h"

void
shard_unlink(shard *s)
{
	uint64_t	unstored = (uint64_t) batch_count_of(&s->held, BATCH_UNSTORED);

	stats_returned(&s->counters, unstored);
	batch_clear(&s->held);
	commands_forget(&s->commands);
	resends_forget(&s->resends);
	mqtt_client_drop(&s->in.client);
	mqtt_client_drop(&s->down.client);
	s->broker.up = false;
	s->linked = false;
}

void
shard_broker_lost(shard *s, const char *why)
{
	s->counters.broker_losses++;
	if (health_lost(&s->broker, false))
		log_event(LOG_LEVEL_WARNING, "broker_lost",
				  LOG_FIELDS(LOG_TEXT("host", s->cfg->broker_host), LOG_NUMBER("port", s->cfg->broker_port)),
				  "broker at %s port %d is away: %s; trying again", s->cfg->broker_host,
				  (int) s->cfg->broker_port, why);
	shard_unlink(s);
}

void
shard_database_lost(shard *s, bool was_no_use)
{
	pg_link    *p = &s->store.database;

	s->counters.database_losses++;
	/* Reached and refusing (no privilege, no disk) must not be a tight loop. */
	if (was_no_use)
		backoff_failed(&s->store_backoff);
	if (health_lost(&s->database, was_no_use))
		log_warning("database_lost", "database is away: %s; trying again", p->error);
	pg_link_close(p);
	shard_unlink(s);
}

void
shard_database_up(const shard *s)
{
	const PGconn *conn = s->store.database.conn;

	log_info("database_up", "connected to database \"%s\" at %s port %s", PQdb(conn), PQhost(conn), PQport(conn));
}

void
shard_broker_up(const shard *s)
{
	log_event(LOG_LEVEL_INFO, "broker_up",
			  LOG_FIELDS(LOG_TEXT("host", s->cfg->broker_host), LOG_NUMBER("port", s->cfg->broker_port),
						 LOG_TEXT("session", s->in.client.session_present ? "kept" : "new")),
			  "connected to the broker at %s port %d, taking el/v1/%s/%s/+/up/+; %s",
			  s->cfg->broker_host, (int) s->cfg->broker_port, s->cfg->tenant, s->cfg->shard,
			  s->in.client.session_present ? "it kept our session" : "it had no session of ours");
}

bool
shard_connect_database(shard *s)
{
	pg_link    *p = &s->store.database;
	bool		first = !s->database.said;

	switch (pg_link_connect(p, s->cfg->conninfo, s->cfg->database_timeout_ms))
	{
		case PG_LINK_OK:
			if (health_connected(&s->database))
				shard_database_up(s);
			break;
		case PG_LINK_NOT_INSTALLED:
			if (first)
			{
				log_error("not_installed", "%s", p->error);
				return false;
			}
			/* Somebody may be restoring it: wait. */
			shard_database_lost(s, false);
			break;
		default:
			if (!signals_stop())
				shard_database_lost(s, false);
			break;
	}
	s->counters.tried = true;
	return true;
}

/* A broker that kept our session once and has none now has lost what was in it. */
static void
shard_judge_session(shard *s)
{
	if (s->had_session && !s->in.client.session_present)
	{
		s->counters.sessions_lost++;
		log_warning("session_lost", "the broker has lost our session and the messages it held for us; "
					"meters send again what they have no receipt for");
	}
	s->had_session = true;
}

void
shard_connect_broker(shard *s)
{
	const char *why = NULL;

	if (!s->dry_run && !downlink_open(&s->down, s->cfg, &s->counters))
		why = s->down.client.error;
	else if (!mqtt_in_open(&s->in, s->cfg, s->dry_run, &s->held, &s->counters))
		why = s->in.client.error;
	else if (!s->dry_run && !downlink_state(&s->down, "online"))
		why = s->down.client.error;
	if (why == NULL)
	{
		s->linked = true;
		if (!s->dry_run)
			shard_judge_session(s);
		if (health_connected(&s->broker))
			shard_broker_up(s);
		if (s->first && !s->dry_run)
			broker_watch_begin(&s->watch, s->cfg, &s->in.client, &s->down.client);
	}
	else if (signals_stop())
		shard_unlink(s);
	else
		shard_broker_lost(s, why);
}

void
shard_leave_broker(shard *s)
{
	if (s->linked)
	{
		if (!s->dry_run && !downlink_state(&s->down, "offline"))
			log_warning("state_unsent", "could not publish state offline: %s; the broker does so itself",
						s->down.client.error);
		mqtt_client_end(&s->in.client);
		mqtt_client_end(&s->down.client);
	}
	shard_unlink(s);
}
