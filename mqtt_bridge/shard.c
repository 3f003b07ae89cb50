/*
 * shard.c: the order of things: read, COMMIT, receipts, acknowledge; commands and
 * requests in between.
 *
 * Whatever fails between reading a batch and its last receipt has one answer: close
 * both MQTT connections unwritten, wait, begin again.  The broker then delivers again what was not acknowledged; what had been
 * committed nevertheless is found to be a duplicate.
 *
 * Everything here runs in the shard's own thread, but for the functions of
 * shard.h's second half, which go through the mutex.
 */
#include "shard_inside.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "bridge.h"
#include "clock.h"
#include "log.h"
#include "signals.h"

#define SHARD_TICK_MS 1000		/* keep-alive is looked after this often */
#define SHARD_STACK_BYTES (1024 * 1024)

/* Let others see where we are. */
static void
shard_show(shard *s)
{
	s->counters.broker_up = s->broker.up;
	s->counters.database_up = s->database.up;
	s->counters.opened_ms = s->held.count > 0 ? s->held.opened_ms : 0;
	pthread_mutex_lock(&s->lock);
	s->shown = s->counters;
	pthread_mutex_unlock(&s->lock);
	s->beat_ms = clock_now_ms();
}

/* ---------------------------------------------------------------- a batch's way */

/* What did not go out for want of a neighbour is dealt with; false then. */
static bool
shard_sent(shard *s, downlink_result result)
{
	switch (result)
	{
		case DOWNLINK_DATABASE_LOST:
			shard_database_lost(s, true);
			return false;
		case DOWNLINK_BROKER_LOST:
			shard_broker_lost(s, s->down.client.error);
			return false;
		case DOWNLINK_SENT:
			break;
	}
	return true;
}

/* Afterwards the batch is empty, acknowledged or not. */
static void
shard_deliver(shard *s)
{
	int64_t		opened_ms = s->held.opened_ms;
	int64_t		deadline_ms = clock_now_ms() + s->cfg->database_timeout_ms;
	store_result stored = store_batch(&s->store, &s->held, deadline_ms);

	if (stored == STORE_UNAVAILABLE || stored == STORE_NOTHING)
	{
		shard_database_lost(s, true);
		return;
	}
	if (!s->dry_run && !shard_sent(s, downlink_receipts(&s->down, &s->store.database, &s->held, deadline_ms)))
		return;
	if (!s->dry_run)
		heard_batch(&s->heard, &s->held);
	if (stored == STORE_PARTLY)
	{
		backoff_failed(&s->store_backoff);
		shard_unlink(s);
		return;
	}
	backoff_init(&s->store_backoff, s->cfg->backoff_ms_max);
	if (health_proved(&s->database))
		shard_database_up(s);
	if (mqtt_in_acknowledge(&s->in))
		stats_acknowledged(&s->counters, clock_now_ms() - opened_ms);
	else
		shard_broker_lost(s, s->in.client.error);
}

/* How long until there is something to do without being woken. */
static int
shard_patience_ms(const shard *s)
{
	int			left_ms = SHARD_TICK_MS;
	int			commands_ms;
	int			resends_ms;

	if (s->held.count > 0)
		left_ms = clock_left_ms(s->held.opened_ms + s->cfg->linger_ms);
	else if (!s->dry_run)
	{
		commands_ms = commands_patience_ms(&s->commands);
		resends_ms = resends_patience_ms(&s->resends);
		left_ms = commands_ms < resends_ms ? commands_ms : resends_ms;
	}
	return left_ms < SHARD_TICK_MS ? left_ms : SHARD_TICK_MS;
}

/* What can be done between batches only. */
static bool
shard_idle(shard *s)
{
	if (health_held(&s->database))
		shard_database_up(s);
	if (health_held(&s->broker))
		shard_broker_up(s);
	if (!mqtt_in_idle(&s->in))
	{
		shard_broker_lost(s, s->in.client.error);
		return false;
	}
	if (!s->dry_run &&
		(!shard_sent(s, commands_turn(&s->commands, &s->down, &s->store.database, s->cfg)) ||
		 !shard_sent(s, resends_turn(&s->resends, &s->down, &s->store.database, s->cfg))))
		return false;
	if (!s->dry_run && !report_show(&s->report, &s->store.database, s->cfg, &s->counters))
	{
		shard_database_lost(s, true);
		return false;
	}
	return true;
}

/* One turn while both sides are connected. */
static void
shard_step(shard *s)
{
	struct pollfd fd[4];

	if (s->held.count > 0 && (batch_full(&s->held) || shard_patience_ms(s) == 0))
	{
		shard_deliver(s);
		return;
	}
	if (s->held.count == 0 && !shard_idle(s))
		return;
	fd[0] = (struct pollfd) {.fd = signals_fd(),.events = POLLIN};
	fd[1] = (struct pollfd) {.fd = mosquitto_socket(s->in.client.handle),.events = POLLIN};
	fd[2] = (struct pollfd) {.fd = s->dry_run ? -1 : mosquitto_socket(s->down.client.handle),.events = POLLIN};
	fd[3] = (struct pollfd) {.fd = PQsocket(s->store.database.conn),.events = POLLIN};
	if (poll(fd, 4, shard_patience_ms(s)) < 0)
		return;
	if (fd[0].revents != 0)
		signals_drain();
	if (fd[3].revents != 0 && !pg_link_still_there(&s->store.database))
		shard_database_lost(s, false);
	else if (!s->dry_run && !downlink_service(&s->down))
		shard_broker_lost(s, s->down.client.error);
	else if (fd[1].revents != 0 && !mqtt_in_read(&s->in))
		shard_broker_lost(s, s->in.client.error);
	if (s->linked && s->first && !s->dry_run)
		broker_watch_look(&s->watch, &s->counters);
}

/* ---------------------------------------------------------------- the thread */

/* Nothing to do before one of the back-offs has passed. */
static bool
shard_must_wait(const shard *s, int64_t *until_ms)
{
	const backoff *first = s->store.database.conn == NULL ? &s->database.again : &s->broker.again;

	*until_ms = first->due_ms > s->store_backoff.due_ms ? first->due_ms : s->store_backoff.due_ms;
	return clock_now_ms() < *until_ms;
}

static void
shard_log_counters(shard *s)
{
	if (s->cfg->stats_interval_s > 0 && clock_now_ms() >= s->stats_due_ms)
	{
		stats_log(&s->counters, "running");
		s->stats_due_ms = clock_now_ms() + s->cfg->stats_interval_s * 1000;
	}
}

/* Between batches: go on with the settings that were handed to us, if there are any. */
static void
shard_take_settings(shard *s)
{
	char		unused[CONFIG_ERROR_BYTES_MAX];
	config	   *next;
	config	   *old = s->cfg;
	config_effect effect;

	pthread_mutex_lock(&s->lock);
	next = s->next;
	s->next = NULL;
	s->configuring = next != NULL;
	pthread_mutex_unlock(&s->lock);
	if (next == NULL)
		return;
	/* Stored first, as what is held is the old connection's. */
	if (s->linked && s->held.count > 0)
		shard_deliver(s);
	effect = config_difference(old, next, unused, sizeof(unused));
	if ((effect & (CONFIG_BROKER | CONFIG_DATABASE)) != 0)
		shard_leave_broker(s);
	if ((effect & CONFIG_DATABASE) != 0)
		pg_link_close(&s->store.database);
	/* Another broker owes us no session. */
	s->had_session = s->had_session && strcmp(old->broker_host, next->broker_host) == 0 &&
		old->broker_port == next->broker_port;
	s->cfg = next;
	s->in.settings = next;
	health_limit(&s->broker, next->backoff_ms_max);
	health_limit(&s->database, next->backoff_ms_max);
	s->store_backoff.delay_ms_max = next->backoff_ms_max;
	broker_watch_again(&s->watch);
	config_free(old);
	free(old);
	pthread_mutex_lock(&s->lock);
	s->configuring = false;
	pthread_mutex_unlock(&s->lock);
}

/* Asked to stop: what is held is finished, what is not read stays at the broker. */
static void
shard_drain(shard *s)
{
	if (s->linked && s->held.count > 0)
		shard_deliver(s);
	shard_leave_broker(s);
	s->counters.broker_up = false;
	report_end(&s->report, &s->store.database, s->cfg, &s->counters);
	pg_link_close(&s->store.database);
	s->database.up = false;
	stats_log(&s->counters, "at the end");
}

static int
shard_loop(shard *s)
{
	int64_t		until_ms;

	while (!signals_stop())
	{
		shard_show(s);
		shard_take_settings(s);
		shard_log_counters(s);
		if (s->linked)
			shard_step(s);
		else if (shard_must_wait(s, &until_ms))
		{
			int64_t		tick_ms = clock_now_ms() + SHARD_TICK_MS;

			signals_sleep_until(until_ms < tick_ms ? until_ms : tick_ms);
		}
		else if (s->store.database.conn == NULL)
		{
			if (!shard_connect_database(s))
				return BRIDGE_EXIT_NOT_INSTALLED;
		}
		else if (!pg_link_still_there(&s->store.database))
			shard_database_lost(s, false);
		else
			shard_connect_broker(s);
	}
	shard_drain(s);
	return BRIDGE_EXIT_DRAINED;
}

static void *
shard_main(void *arg)
{
	shard	   *s = arg;
	int			status;

	signals_wake_by(s->wake_fd);
	log_shard_set(s->name);
	status = shard_loop(s);
	shard_show(s);
	pthread_mutex_lock(&s->lock);
	s->status = status;
	s->ended = true;
	pthread_mutex_unlock(&s->lock);
	if (status != BRIDGE_EXIT_DRAINED)
		signals_ask_stop();
	return NULL;
}

/* ---------------------------------------------------------------- for other threads */

static void
shard_give_back(shard *s)
{
	commands_free(&s->commands);
	resends_free(&s->resends);
	heard_free(&s->heard);
	batch_free(&s->held);
	if (s->wake_fd >= 0)
		close(s->wake_fd);
}

shard *
shard_new(config *own, bool first, bool dry_run)
{
	shard	   *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->wake_fd < 0 || !batch_init(&s->held, (int) own->batch_messages_max, (size_t) own->batch_bytes_max) ||
		!heard_init(&s->heard) || !commands_init(&s->commands, &s->heard, &s->counters, own->backoff_ms_max) ||
		!resends_init(&s->resends, &s->heard, &s->counters, own->backoff_ms_max))
	{
		shard_give_back(s);
		free(s);
		return NULL;
	}
	s->cfg = own;
	s->first = first;
	s->dry_run = dry_run;
	snprintf(s->name, sizeof(s->name), "%s", strcmp(own->shard, "+") == 0 ? "all" : own->shard);
	store_init(&s->store, &s->counters, dry_run);
	report_init(&s->report);
	s->counters.lag_ms = -1;
	health_init(&s->database, own->backoff_ms_max);
	health_init(&s->broker, own->backoff_ms_max);
	backoff_init(&s->store_backoff, own->backoff_ms_max);
	s->stats_due_ms = clock_now_ms() + own->stats_interval_s * 1000;
	s->beat_ms = clock_now_ms();
	s->shown = s->counters;
	pthread_mutex_init(&s->lock, NULL);
	return s;
}

void
shard_free(shard *s)
{
	if (s->next != NULL)
		config_free(s->next);
	free(s->next);
	pg_link_close(&s->store.database);
	shard_give_back(s);
	config_free(s->cfg);
	free(s->cfg);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

bool
shard_start(shard *s)
{
	pthread_attr_t attributes;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, SHARD_STACK_BYTES);
	errno = pthread_create(&s->thread, &attributes, shard_main, s);
	pthread_attr_destroy(&attributes);
	return errno == 0;
}

const char *
shard_name(const shard *s)
{
	return s->name;
}

void
shard_stats(shard *s, stats *out)
{
	pthread_mutex_lock(&s->lock);
	*out = s->shown;
	pthread_mutex_unlock(&s->lock);
}

int64_t
shard_beat_ms(shard *s)
{
	return s->beat_ms;
}

/* Settings that it has not come to yet are replaced: nobody has used them. */
void
shard_configure(shard *s, config *next)
{
	config	   *unused;

	pthread_mutex_lock(&s->lock);
	unused = s->next;
	s->next = next;
	pthread_mutex_unlock(&s->lock);
	if (unused != NULL)
		config_free(unused);
	free(unused);
	shard_wake(s);
}

bool
shard_configured(shard *s)
{
	bool		done;

	pthread_mutex_lock(&s->lock);
	done = s->next == NULL && !s->configuring;
	pthread_mutex_unlock(&s->lock);
	return done;
}

void
shard_wake(shard *s)
{
	signals_wake(s->wake_fd);
}

void
shard_interrupt(shard *s)
{
	signals_interrupt(s->thread);
}

bool
shard_ended(shard *s, int *status)
{
	bool		ended;

	pthread_mutex_lock(&s->lock);
	ended = s->ended;
	*status = s->status;
	pthread_mutex_unlock(&s->lock);
	return ended;
}

void
shard_join(shard *s)
{
	pthread_join(s->thread, NULL);
}
