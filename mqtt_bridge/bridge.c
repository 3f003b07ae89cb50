/*
 * bridge.c: the order of things: read, COMMIT, receipts, acknowledge.
 *
 * The broker is connected only while the database is: with nowhere to put
 * messages, the broker's queue is the place for them, and a meter keeps each
 * until it has a receipt anyway.  Whatever fails between reading a batch and its
 * last receipt has one answer: close both MQTT connections unwritten, wait, begin
 * again.  The broker then delivers again what was not acknowledged; what had been
 * committed nevertheless is found to be a duplicate.
 *
 * Each change of state is logged once, not once a try.
 */
#include "bridge.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backoff.h"
#include "batch.h"
#include "clock.h"
#include "downlink.h"
#include "mqtt_in.h"
#include "pg_out.h"
#include "signals.h"
#include "stats.h"
#include "store.h"

#define BRIDGE_TICK_MS 1000		/* keep-alive is looked after this often */
#define BRIDGE_STABLE_MS 10000	/* a link that lived this long starts its
								 * back-off anew */

typedef enum bridge_condition
{
	BRIDGE_UNTRIED,
	BRIDGE_UP,
	BRIDGE_DOWN
} bridge_condition;

typedef struct bridge
{
	/* fixed */
	const config *cfg;
	/* moving */
	stats		counters;
	batch		held;
	store		store;
	mqtt_in		in;
	downlink	down;
	bool		linked;			/* both MQTT connections are open */
	int64_t		linked_ms;		/* since when */
	bridge_condition database;
	bridge_condition broker;
	backoff		database_backoff;
	backoff		broker_backoff;
	backoff		store_backoff;	/* both answer, yet a batch did not get through */
	int64_t		stats_due_ms;
} bridge;

static void
bridge_unlink(bridge *b)
{
	uint64_t	unstored = (uint64_t) batch_count_of(&b->held, BATCH_UNSTORED);

	stats_returned(&b->counters, unstored);
	batch_clear(&b->held);
	mqtt_client_drop(&b->in.client);
	mqtt_client_drop(&b->down.client);
	b->linked = false;
}

static void
bridge_broker_lost(bridge *b, const char *why)
{
	if (b->broker != BRIDGE_DOWN)
		log_warning("broker at %s port %d is away: %s; trying again", b->cfg->broker_host,
					(int) b->cfg->broker_port, why);
	b->broker = BRIDGE_DOWN;
	if (b->linked && clock_now_ms() - b->linked_ms > BRIDGE_STABLE_MS)
		backoff_init(&b->broker_backoff, b->cfg->backoff_ms_max);
	bridge_unlink(b);
	backoff_failed(&b->broker_backoff);
}

static void
bridge_database_lost(bridge *b, const char *why)
{
	if (b->database != BRIDGE_DOWN)
		log_warning("database is away: %s; trying again", why);
	b->database = BRIDGE_DOWN;
	bridge_unlink(b);
	backoff_failed(&b->database_backoff);
}

static void
bridge_database_up(bridge *b)
{
	const PGconn *conn = b->store.database.conn;

	if (b->database != BRIDGE_UP)
		log_info("connected to database \"%s\" at %s port %s", PQdb(conn), PQhost(conn), PQport(conn));
	b->database = BRIDGE_UP;
}

/* False where the extension is missing and we have just been started. */
static bool
bridge_connect_database(bridge *b)
{
	pg_out	   *p = &b->store.database;
	bool		first = b->database == BRIDGE_UNTRIED;

	switch (pg_out_connect(p, b->cfg->conninfo, b->cfg->database_timeout_ms))
	{
		case PG_OUT_OK:
			/* A database that failed us over a batch is back when one got through. */
			if (first || b->store_backoff.due_ms == 0)
				bridge_database_up(b);
			backoff_init(&b->database_backoff, b->cfg->backoff_ms_max);
			return true;
		case PG_OUT_NOT_INSTALLED:
			if (first)
			{
				log_error("%s", p->error);
				return false;
			}
			/* Somebody may be restoring it: wait. */
			bridge_database_lost(b, p->error);
			return true;
		default:
			if (!signals_stop())
				bridge_database_lost(b, p->error);
			return true;
	}
}

static void
bridge_connect_broker(bridge *b)
{
	const char *why;

	if (!downlink_open(&b->down, b->cfg, &b->counters))
		why = b->down.client.error;
	else if (!mqtt_in_open(&b->in, b->cfg, &b->held, &b->counters))
		why = b->in.client.error;
	else if (!downlink_state(&b->down, "online"))
		why = b->down.client.error;
	else
	{
		if (b->broker != BRIDGE_UP)
			log_info("connected to the broker at %s port %d, taking el/v1/%s/%s/+/up/+; %s",
					 b->cfg->broker_host, (int) b->cfg->broker_port, b->cfg->tenant, b->cfg->shard,
					 b->in.client.session_present ? "it kept our session" : "it had no session of ours");
		b->broker = BRIDGE_UP;
		b->linked = true;
		b->linked_ms = clock_now_ms();
		return;
	}
	if (signals_stop())
		bridge_unlink(b);
	else
		bridge_broker_lost(b, why);
}

/* The way of a batch.  Afterwards it is empty, acknowledged or not. */
static void
bridge_deliver(bridge *b)
{
	pg_out	   *p = &b->store.database;
	int64_t		deadline_ms = clock_now_ms() + b->cfg->database_timeout_ms;
	store_result stored = store_batch(&b->store, &b->held, deadline_ms);

	if (stored == STORE_UNAVAILABLE)
	{
		/* Reached and refusing (no privilege, no disk) must not be a tight loop. */
		backoff_failed(&b->store_backoff);
		bridge_database_lost(b, p->error);
		return;
	}
	switch (downlink_receipts(&b->down, p, &b->held, deadline_ms))
	{
		case DOWNLINK_DATABASE_LOST:
			pg_out_close(p);
			backoff_failed(&b->store_backoff);
			bridge_database_lost(b, p->error);
			return;
		case DOWNLINK_BROKER_LOST:
			bridge_broker_lost(b, b->down.client.error);
			return;
		case DOWNLINK_SENT:
			break;
	}
	if (stored == STORE_PARTLY)
	{
		backoff_failed(&b->store_backoff);
		bridge_unlink(b);
		return;
	}
	backoff_init(&b->store_backoff, b->cfg->backoff_ms_max);
	bridge_database_up(b);
	if (!mqtt_in_acknowledge(&b->in))
		bridge_broker_lost(b, b->in.client.error);
}

/* How long until there is something to do without being woken. */
static int
bridge_patience_ms(const bridge *b)
{
	int			left_ms = BRIDGE_TICK_MS;

	if (b->held.count > 0)
		left_ms = clock_left_ms(b->held.opened_ms + b->cfg->linger_ms);
	return left_ms < BRIDGE_TICK_MS ? left_ms : BRIDGE_TICK_MS;
}

/* One turn while both sides are connected. */
static void
bridge_step(bridge *b)
{
	struct pollfd fd[4];

	if (b->held.count > 0 && (batch_full(&b->held) || bridge_patience_ms(b) == 0))
	{
		bridge_deliver(b);
		return;
	}
	if (b->held.count == 0 && !mqtt_in_idle(&b->in))
	{
		bridge_broker_lost(b, b->in.client.error);
		return;
	}
	fd[0] = (struct pollfd) {.fd = signals_fd(),.events = POLLIN};
	fd[1] = (struct pollfd) {.fd = mosquitto_socket(b->in.client.handle),.events = POLLIN};
	fd[2] = (struct pollfd) {.fd = mosquitto_socket(b->down.client.handle),.events = POLLIN};
	fd[3] = (struct pollfd) {.fd = PQsocket(b->store.database.conn),.events = POLLIN};
	if (poll(fd, 4, bridge_patience_ms(b)) < 0)
		return;
	if (fd[0].revents != 0)
		signals_drain();
	if (fd[3].revents != 0 && !pg_out_still_there(&b->store.database))
		bridge_database_lost(b, b->store.database.error);
	else if (!downlink_service(&b->down))
		bridge_broker_lost(b, b->down.client.error);
	else if (fd[1].revents != 0 && !mqtt_in_read(&b->in))
		bridge_broker_lost(b, b->in.client.error);
}

/* Nothing to do before one of the back-offs has passed. */
static bool
bridge_must_wait(const bridge *b, int64_t *until_ms)
{
	const backoff *first = b->store.database.conn == NULL ? &b->database_backoff : &b->broker_backoff;

	*until_ms = first->due_ms > b->store_backoff.due_ms ? first->due_ms : b->store_backoff.due_ms;
	return clock_now_ms() < *until_ms;
}

static void
bridge_log_counters(bridge *b)
{
	if (signals_take_stats())
		stats_log(&b->counters, "asked for");
	if (b->cfg->stats_interval_s > 0 && clock_now_ms() >= b->stats_due_ms)
	{
		stats_log(&b->counters, "running");
		b->stats_due_ms = clock_now_ms() + b->cfg->stats_interval_s * 1000;
	}
}

/* Asked to stop: what is held is finished, what is not read stays at the broker. */
static void
bridge_drain(bridge *b)
{
	log_info("stopping");
	if (b->linked && b->held.count > 0)
		bridge_deliver(b);
	if (b->linked)
	{
		if (!downlink_state(&b->down, "offline"))
			log_warning("could not publish state offline: %s; the broker does so itself", b->down.client.error);
		mqtt_client_end(&b->in.client);
		mqtt_client_end(&b->down.client);
	}
	bridge_unlink(b);
	pg_out_close(&b->store.database);
	stats_log(&b->counters, "at the end");
}

static int
bridge_loop(bridge *b)
{
	int64_t		until_ms;

	while (!signals_stop())
	{
		bridge_log_counters(b);
		if (b->linked)
			bridge_step(b);
		else if (bridge_must_wait(b, &until_ms))
		{
			int64_t		tick_ms = clock_now_ms() + BRIDGE_TICK_MS;

			signals_sleep_until(until_ms < tick_ms ? until_ms : tick_ms);
		}
		else if (b->store.database.conn == NULL)
		{
			if (!bridge_connect_database(b))
				return BRIDGE_EXIT_NOT_INSTALLED;
		}
		else if (!pg_out_still_there(&b->store.database))
			bridge_database_lost(b, b->store.database.error);
		else
			bridge_connect_broker(b);
	}
	bridge_drain(b);
	return BRIDGE_EXIT_DRAINED;
}

int
bridge_run(const config *cfg)
{
	bridge		b;
	int			status;

	memset(&b, 0, sizeof(b));
	b.cfg = cfg;
	b.store.counters = &b.counters;
	b.stats_due_ms = clock_now_ms() + cfg->stats_interval_s * 1000;
	backoff_init(&b.database_backoff, cfg->backoff_ms_max);
	backoff_init(&b.broker_backoff, cfg->backoff_ms_max);
	backoff_init(&b.store_backoff, cfg->backoff_ms_max);
	srand((unsigned) clock_now_ms() ^ (unsigned) getpid());
	if (!signals_install() ||
		!batch_init(&b.held, (int) cfg->batch_messages_max, (size_t) cfg->batch_bytes_max) ||
		mosquitto_lib_init() != MOSQ_ERR_SUCCESS)
	{
		log_error("cannot start: %s", strerror(errno));
		return BRIDGE_EXIT_RESOURCES;
	}
	log_info("energyledger-bridge %s starting as \"%s\"", PROGRAM_VERSION, cfg->id);
	status = bridge_loop(&b);
	pg_out_close(&b.store.database);
	batch_free(&b.held);
	mosquitto_lib_cleanup();
	return status;
}
