/*
 * bridge.c: the main thread: starts the shards, hands them new settings, ends
 * them, and speaks for all of them to systemd, Prometheus and the log.
 *
 * It waits for nothing but its own poll(): whatever a shard hangs in, signals
 * are heard and metrics answered.
 */
#include "bridge.h"

#include <errno.h>
#include <mosquitto.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "metrics_http.h"
#include "notify.h"
#include "shard.h"
#include "signals.h"

#define BRIDGE_TICK_MS 1000
#define BRIDGE_STOP_TICK_MS 100 /* a thread that blocks is prodded this often */
#define BRIDGE_SWEEP_MS 60000	/* besides database_timeout_ms, what one turn of a
								 * shard's loop may take: connecting twice, and
								 * the broker's answers */

typedef struct bridge
{
	config		cfg;			/* in effect */
	bool		dry_run;
	bridge_reload_fn reload;
	shard	   *shard[CONFIG_SHARDS_MAX];
	int			shard_count;
	int			started;
	bool		ready;
	bool		reloading;
	bool		stuck_said;
	metrics_http http;
} bridge;

static config *
bridge_settings_of(const config *all, int i)
{
	config	   *own = calloc(1, sizeof(*own));

	if (own != NULL && !config_for_shard(own, all, i))
	{
		free(own);
		return NULL;
	}
	return own;
}

static bool
bridge_start(bridge *b)
{
	b->shard_count = config_shard_count(&b->cfg);
	for (int i = 0; i < b->shard_count; i++)
	{
		config	   *own = bridge_settings_of(&b->cfg, i);

		b->shard[i] = own != NULL ? shard_new(own, i == 0, b->dry_run) : NULL;
		if (b->shard[i] == NULL)
		{
			if (own != NULL)
				config_free(own);
			free(own);
			return false;
		}
	}
	signals_block();
	while (b->started < b->shard_count && shard_start(b->shard[b->started]))
		b->started++;
	signals_unblock();
	return b->started == b->shard_count;
}

/* Wait for all; returns the worst exit status. */
static int
bridge_end(bridge *b)
{
	int			status = BRIDGE_EXIT_DRAINED;

	signals_ask_stop();
	for (int i = 0; i < b->started; i++)
	{
		int			own;

		shard_wake(b->shard[i]);
		while (!shard_ended(b->shard[i], &own))
		{
			/* one that connects; what is on its way to the database is waited for */
			shard_interrupt(b->shard[i]);
			notify_watchdog();
			poll(NULL, 0, BRIDGE_STOP_TICK_MS);
		}
		shard_join(b->shard[i]);
		if (own > status)
			status = own;
	}
	return status;
}

/* Every file and flag is read and judged anew; what is wrong with them changes nothing. */
static void
bridge_reload(bridge *b)
{
	char		error[CONFIG_ERROR_BYTES_MAX] = "out of memory";
	char		waiting[CONFIG_ERROR_BYTES_MAX];
	config		fresh;

	notify_reloading();
	b->reloading = true;
	if (!config_init(&fresh))
		return;
	if (!b->reload(&fresh, error))
	{
		log_error("reload_refused", "settings stay as they were: %s", error);
		config_free(&fresh);
		return;
	}
	config_difference(&b->cfg, &fresh, waiting, sizeof(waiting));
	if (waiting[0] != '\0')
		log_warning("reload_waits", "changed settings that are taken at the next start only: %s", waiting);
	if (!config_keep(&fresh, &b->cfg))
	{
		config_free(&fresh);
		return;
	}
	for (int i = 0; i < b->shard_count; i++)
	{
		config	   *own = bridge_settings_of(&fresh, i);

		if (own != NULL)
			shard_configure(b->shard[i], own);
	}
	config_free(&b->cfg);
	b->cfg = fresh;
	log_set(b->cfg.log_least, b->cfg.log_is_json);
	log_info("reloaded", "settings read anew");
}

/* ---------------------------------------------------------------- for the operator */

/* Every shard goes round its loop, or has not hung longer than it may. */
static bool
bridge_alive(bridge *b)
{
	int64_t		since_ms = clock_now_ms() - 2 * b->cfg.database_timeout_ms - BRIDGE_SWEEP_MS;

	for (int i = 0; i < b->started; i++)
	{
		if (shard_beat_ms(b->shard[i]) >= since_ms)
			continue;
		if (!b->stuck_said)
			log_error("shard_stuck", "shard %s hangs: systemd's watchdog is told no more", shard_name(b->shard[i]));
		b->stuck_said = true;
		return false;
	}
	b->stuck_said = false;
	return true;
}

static void
bridge_tell_systemd(bridge *b)
{
	stats		s;
	int			tried = 0;
	int			working = 0;
	int			no_database = 0;
	int			no_broker = 0;
	bool		configured = true;
	char		status[200];

	for (int i = 0; i < b->shard_count; i++)
	{
		shard_stats(b->shard[i], &s);
		tried += s.tried;
		working += s.database_up && s.broker_up;
		no_database += !s.database_up;
		no_broker += s.database_up && !s.broker_up;
		configured = configured && shard_configured(b->shard[i]);
	}
	snprintf(status, sizeof(status), "%d of %d shards at work, %d wait for the database, %d for the broker",
			 working, b->shard_count, no_database, no_broker);
	notify_status(status);
	/* Waiting for a neighbour is our work, too: ready once we know how we stand. */
	if ((!b->ready && tried == b->shard_count) || (b->reloading && configured))
	{
		notify_ready();
		b->ready = true;
		b->reloading = false;
	}
	if (bridge_alive(b))
		notify_watchdog();
}

static void
bridge_log_counters(bridge *b)
{
	stats		s;

	for (int i = 0; i < b->shard_count; i++)
	{
		shard_stats(b->shard[i], &s);
		log_shard_set(shard_name(b->shard[i]));
		stats_log(&s, "asked for");
	}
	log_shard_set(NULL);
}

static void
bridge_wait(bridge *b)
{
	struct pollfd fd[1 + METRICS_HTTP_FDS_MAX];
	int			count = 1 + metrics_http_fds(&b->http, fd + 1);
	int			patience_ms = notify_watchdog_ms();

	fd[0] = (struct pollfd) {.fd = signals_fd(),.events = POLLIN};
	if (patience_ms < 0 || patience_ms > BRIDGE_TICK_MS || b->reloading || !b->ready)
		patience_ms = b->reloading || !b->ready ? BRIDGE_STOP_TICK_MS : BRIDGE_TICK_MS;
	if (poll(fd, (nfds_t) count, patience_ms) <= 0)
		memset(fd, 0, sizeof(fd));
	if (fd[0].revents != 0)
		signals_drain();
	metrics_http_serve(&b->http, b->shard, b->shard_count);
}

static int
bridge_loop(bridge *b)
{
	int			status;

	while (!signals_stop())
	{
		if (signals_take_stats())
			bridge_log_counters(b);
		if (signals_take_reload())
			bridge_reload(b);
		bridge_tell_systemd(b);
		bridge_wait(b);
	}
	notify_stopping();
	log_info("stopping", "stopping");
	status = bridge_end(b);
	return status;
}

int
bridge_run(const config *cfg, bool dry_run, bridge_reload_fn reload)
{
	bridge		b;
	int			status = BRIDGE_EXIT_RESOURCES;

	memset(&b, 0, sizeof(b));
	b.dry_run = dry_run;
	b.reload = reload;
	srand((unsigned) clock_now_ms() ^ (unsigned) getpid());
	notify_init();
	if (!signals_install() || mosquitto_lib_init() != MOSQ_ERR_SUCCESS || !config_copy(&b.cfg, cfg))
	{
		log_error("no_resources", "cannot start: %s", strerror(errno));
		return status;
	}
	log_event(LOG_LEVEL_INFO, "starting", LOG_FIELDS(LOG_TEXT("version", PROGRAM_VERSION), LOG_TEXT("id", cfg->id),
													 LOG_NUMBER("shards", config_shard_count(cfg))),
			  "energyledger-bridge %s starting as \"%s\"%s", PROGRAM_VERSION, cfg->id,
			  dry_run ? ", writing nothing" : "");
	if (!metrics_http_open(&b.http, (int) cfg->metrics_port, config_shard_count(cfg)))
		log_error("no_resources", "cannot listen on 127.0.0.1 port %d for metrics: %s", (int) cfg->metrics_port, strerror(errno));
	else if (!bridge_start(&b))
	{
		log_error("no_resources", "cannot start: %s", strerror(errno));
		bridge_end(&b);
	}
	else
		status = bridge_loop(&b);
	for (int i = 0; i < b.shard_count && b.shard[i] != NULL; i++)
		shard_free(b.shard[i]);
	metrics_http_close(&b.http);
	config_free(&b.cfg);
	mosquitto_lib_cleanup();
	return status;
}
