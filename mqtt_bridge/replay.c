/*
 * replay.c: --replay FILE: from a file, by the way that messages from the broker take.
 *
 * The same batches, transactions, halving and quarantine; no broker, and so no
 * receipts: those are cumulative, and the running bridge sends one with the
 * meter's next message.  To bring a file twice is harmless: what is stored is
 * found to be a duplicate.  mosquitto_sub -F '%t\t%x' writes such files.
 */
#include "replay.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backoff.h"
#include "batch.h"
#include "bridge.h"
#include "clock.h"
#include "health.h"
#include "signals.h"
#include "store.h"

#define REPLAY_TOPIC_BYTES_MAX 65535	/* MQTT's own limit */
#define REPLAY_LINE_BYTES_MAX (REPLAY_TOPIC_BYTES_MAX + 2 + 2 * CONFIG_PACKET_BYTES_MAX)
#define REPLAY_TRIES_MAX 5		/* of a batch that the database refuses in part */

typedef struct replay
{
	const config *cfg;
	FILE	   *file;
	char	   *line;
	uint64_t	number;			/* of the line */
	uint64_t	unreadable;
	uint64_t	unstored;		/* refused to the last */
	batch		held;
	store		store;
	stats		counters;
	health		database;
} replay;

/* Without its newline; -1 at the end, -2 where it is longer than any message. */
static ssize_t
replay_line(replay *r)
{
	size_t		len = 0;
	int			c;

	while ((c = getc(r->file)) != EOF && c != '\n')
	{
		if (len < REPLAY_LINE_BYTES_MAX)
			r->line[len] = (char) c;
		len++;
	}
	if (c == EOF && len == 0)
		return -1;
	r->number++;
	if (len > 0 && len <= REPLAY_LINE_BYTES_MAX && r->line[len - 1] == '\r')
		len--;
	return len <= REPLAY_LINE_BYTES_MAX ? (ssize_t) len : -2;
}

static int
replay_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 :
		c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* NULL where the line is a message, then added; else why it is none. */
static const char *
replay_take(replay *r, size_t len)
{
	char	   *tab = memchr(r->line, '\t', len);
	size_t		topic_len;
	size_t		hex_len;
	char	   *hex;

	if (tab == NULL)
		return "no tab between topic and message";
	topic_len = (size_t) (tab - r->line);
	hex_len = len - topic_len - 1;
	hex = tab + 1;
	if (topic_len < 1 || topic_len > REPLAY_TOPIC_BYTES_MAX || memchr(r->line, '\0', topic_len) != NULL)
		return "no topic of 1 to 65535 bytes";
	if (hex_len % 2 != 0 || hex_len / 2 > CONFIG_PACKET_BYTES_MAX)
		return "not an even number of hex digits, or more than 1 MiB";
	for (size_t i = 0; i < hex_len; i += 2)
	{
		int			high = replay_digit(hex[i]);
		int			low = replay_digit(hex[i + 1]);

		if (high < 0 || low < 0)
			return "something else than hex digits";
		hex[i / 2] = (char) (high << 4 | low);
	}
	*tab = '\0';
	if (!batch_add(&r->held, r->line, hex, hex_len / 2))
		return "out of memory";
	stats_received(&r->counters);
	return NULL;
}

/* Read until the batch is full; false at the end of the file. */
static bool
replay_read(replay *r)
{
	ssize_t		len;

	while (!batch_full(&r->held))
	{
		const char *why;

		len = replay_line(r);
		if (len == -1)
			return false;
		if (len == 0 || (len > 0 && r->line[0] == '#'))
			continue;
		why = len == -2 ? "longer than any message" : replay_take(r, (size_t) len);
		if (why == NULL)
			continue;
		r->unreadable++;
		log_event(LOG_LEVEL_ERROR, "line_unreadable", LOG_FIELDS(LOG_NUMBER("line", r->number)),
				  "line %llu is no message: %s", (unsigned long long) r->number, why);
	}
	return true;
}

/* Until connected, asked to stop, or it makes no sense. */
static int
replay_connect(replay *r)
{
	pg_link    *p = &r->store.database;

	while (!signals_stop() && p->conn == NULL)
	{
		if (clock_now_ms() < r->database.again.due_ms)
		{
			signals_sleep_until(r->database.again.due_ms);
			continue;
		}
		switch (pg_link_connect(p, r->cfg->conninfo, r->cfg->database_timeout_ms))
		{
			case PG_LINK_OK:
				if (health_connected(&r->database))
					log_info("database_up", "connected to database \"%s\"", PQdb(p->conn));
				break;
			case PG_LINK_NOT_INSTALLED:
				log_error("not_installed", "%s", p->error);
				return BRIDGE_EXIT_NOT_INSTALLED;
			default:
				if (health_lost(&r->database, false))
					log_warning("database_lost", "database is away: %s; trying again", p->error);
		}
	}
	return BRIDGE_EXIT_DRAINED;
}

/* Until all of the batch has a verdict, or is refused to the last. */
static int
replay_store(replay *r)
{
	int			tries = 0;
	int			status;

	while (r->held.count > 0 && !signals_stop())
	{
		status = replay_connect(r);
		if (status != BRIDGE_EXIT_DRAINED || signals_stop())
			return status;
		switch (store_batch(&r->store, &r->held, clock_now_ms() + r->cfg->database_timeout_ms))
		{
			case STORE_ALL:
				if (health_proved(&r->database))
					log_info("database_up", "the database takes messages again");
				break;
			case STORE_PARTLY:
				tries++;
				break;
			case STORE_NOTHING:
				tries++;
				/* FALLTHROUGH */
			case STORE_UNAVAILABLE:
				if (health_lost(&r->database, true))
					log_warning("database_lost", "database is away: %s; trying again", r->store.database.error);
				pg_link_close(&r->store.database);
				break;
		}
		batch_keep_unstored(&r->held);
		if (r->held.count > 0 && (tries == REPLAY_TRIES_MAX || (tries > 0 && r->store.dry_run)))
		{
			r->unstored += (uint64_t) r->held.count;
			stats_returned(&r->counters, (uint64_t) r->held.count);
			batch_clear(&r->held);
		}
	}
	return BRIDGE_EXIT_DRAINED;
}

static int
replay_all(replay *r)
{
	int			status = BRIDGE_EXIT_DRAINED;
	bool		more = true;

	while (more && status == BRIDGE_EXIT_DRAINED && !signals_stop())
	{
		more = replay_read(r);
		status = replay_store(r);
	}
	stats_returned(&r->counters, (uint64_t) r->held.count);
	pg_link_close(&r->store.database);
	stats_log(&r->counters, signals_stop() ? "stopped before the file's end" : "at the end");
	log_event(LOG_LEVEL_INFO, "replayed",
			  LOG_FIELDS(LOG_NUMBER("lines", r->number), LOG_NUMBER("unreadable", r->unreadable),
						 LOG_NUMBER("unstored", r->unstored)),
			  "%s", r->store.dry_run ? "judged, and nothing written" : "replayed");
	if (status == BRIDGE_EXIT_DRAINED && (r->unreadable > 0 || r->unstored > 0))
		status = BRIDGE_EXIT_UNREADABLE;
	return status;
}

int
replay_run(const config *cfg, const char *path, bool dry_run)
{
	replay		r;
	int			status = BRIDGE_EXIT_RESOURCES;

	memset(&r, 0, sizeof(r));
	r.cfg = cfg;
	r.file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	if (r.file == NULL)
	{
		log_error("file_unreadable", "cannot read %s: %s", path, strerror(errno));
		return BRIDGE_EXIT_USAGE;
	}
	r.counters.lag_ms = -1;
	store_init(&r.store, &r.counters, dry_run);
	health_init(&r.database, cfg->backoff_ms_max);
	r.line = malloc(REPLAY_LINE_BYTES_MAX);
	if (r.line != NULL && signals_install() &&
		batch_init(&r.held, (int) cfg->batch_messages_max, (size_t) cfg->batch_bytes_max))
	{
		status = replay_all(&r);
		batch_free(&r.held);
	}
	else
		log_error("no_resources", "cannot start: %s", strerror(errno));
	free(r.line);
	if (r.file != stdin)
		fclose(r.file);
	return status;
}
