/*
 * commands.c: commands are fetched once they are committed, published, and recorded as
 * published once a broker has taken them for somebody.
 *
 * They are asked for in two ways.  Of meters that were just heard from, soon after:
 * those listen.  And of all in this shard every few seconds (a sweep), page by page,
 * for meters that seldom say something.  Both happen between batches, after the
 * messages were acknowledged, and a slice of at most DOWNLINK_SLICE_MAX at a time, so
 * that neither receipts nor acknowledgements wait for more than that.
 *
 * The broker's answer decides.  Taken: commands_published() writes it into the ledger,
 * and the database itself waits before it hands the command out again.  No subscriber
 * (reason 16), refused (128 and above), or not recorded: nobody has it, as far as is
 * known, so nothing is recorded; the next sweep would publish it again at once, and so
 * it waits here, for a time that grows.  A meter that is heard from does not wait.
 * Whatever is forgotten by a crash is published again, and a meter that has taken a
 * command already knows its counter.
 */
#include "commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "pg_downlink.h"

#define COMMANDS_METERS_MAX 10000	/* in a call: the database's limit */
#define COMMANDS_NEWS_MS 100		/* between two questions for meters just heard */
#define COMMANDS_SWEEP_SHARE 10	/* times as long as a sweep took until the next */
#define COMMANDS_OFF_MS 1000	/* none are published: looked at again then */
#define COMMANDS_WAITS 16384
#define COMMANDS_DOUBLINGS_MAX 4
#define COMMANDS_ID_LEN 36
#define COMMANDS_IDS_BYTES (DOWNLINK_SLICE_MAX * (COMMANDS_ID_LEN + 1) + 2)

bool
commands_init(commands *c, heard *h, stats *counters, int64_t backoff_ms_max)
{
	memset(c, 0, sizeof(*c));
	c->heard = h;
	c->counters = counters;
	trouble_init(&c->asking, "commands do not go out", "commands go out again", backoff_ms_max);
	trouble_init(&c->recording, "commands go out, but are not recorded as published", "commands are recorded again", backoff_ms_max);
	c->note = calloc(DOWNLINK_SLICE_MAX, sizeof(*c->note));
	c->row_of = calloc(DOWNLINK_SLICE_MAX, sizeof(*c->row_of));
	c->wait = calloc(COMMANDS_WAITS, sizeof(*c->wait));
	if (c->note != NULL && c->row_of != NULL && c->wait != NULL)
		return true;
	commands_free(c);
	return false;
}

void
commands_free(commands *c)
{
	PQclear(c->rows);
	free(c->note);
	free(c->row_of);
	free(c->wait);
	memset(c, 0, sizeof(*c));
}

void
commands_forget(commands *c)
{
	PQclear(c->rows);
	c->rows = NULL;
	c->sweep_ends = false;
	c->sweep_ms = 0;
	c->after[0] = '\0';
	c->addressless = 0;
	c->sweep_due_ms = 0;
}

/* ---------------------------------------------------------------- waiting */

/* One command a place: who comes later is remembered, who was there goes out sooner. */
static commands_wait *
commands_wait_of(const commands *c, const char *id, uint64_t *hash)
{
	*hash = UINT64_C(14695981039346656037);
	for (; *id != '\0'; id++)
		*hash = (*hash ^ (uint8_t) *id) * UINT64_C(1099511628211);
	return &c->wait[(*hash ^ (*hash >> 32)) % COMMANDS_WAITS];
}

static bool
commands_waits(const commands *c, const char *id)
{
	uint64_t	hash;
	const commands_wait *w = commands_wait_of(c, id, &hash);

	return w->id == hash && clock_now_ms() < w->due_ms;
}

static void
commands_let_wait(commands *c, const char *id, const config *cfg)
{
	uint64_t	hash;
	commands_wait *w = commands_wait_of(c, id, &hash);

	if (w->id != hash)
		*w = (commands_wait) {.id = hash};
	w->due_ms = clock_now_ms() + (cfg->commands_retry_s * 1000 << w->tries);
	if (w->tries < COMMANDS_DOUBLINGS_MAX)
		w->tries++;
}

/* ---------------------------------------------------------------- a slice */

static const char *
commands_column(const commands *c, int row, int column)
{
	return PQgetvalue(c->rows, row, column);
}

/* All of a meter's commands go out, or none: it would refuse an earlier one after a later one. */
static void
commands_begin_meter(commands *c, const config *cfg)
{
	const char *meter = commands_column(c, c->next, PG_COMMANDS_METER);
	bool		due = !c->swept;

	c->meter_end = c->next;
	while (c->meter_end < PQntuples(c->rows) && !PQgetisnull(c->rows, c->meter_end, PG_COMMANDS_ID) &&
		   strcmp(commands_column(c, c->meter_end, PG_COMMANDS_METER), meter) == 0)
	{
		due = due || !commands_waits(c, commands_column(c, c->meter_end, PG_COMMANDS_ID));
		c->meter_end++;
	}
	c->topic[0] = '\0';
	if (!heard_address(c->heard, cfg, meter, commands_column(c, c->next, PG_COMMANDS_SHARD), "cmd", c->topic))
		c->addressless += (uint64_t) (c->meter_end - c->next);
	if (c->topic[0] == '\0' || !due)
		c->next = c->meter_end;
}

/* Up to DOWNLINK_SLICE_MAX of the rows that are left. */
static int
commands_cut(commands *c, const config *cfg)
{
	int			count = 0;

	while (count < DOWNLINK_SLICE_MAX && c->next < PQntuples(c->rows))
	{
		downlink_note *n = &c->note[count];
		int64_t		left_s;

		if (PQgetisnull(c->rows, c->next, PG_COMMANDS_ID))
		{
			c->next++;			/* only says where to go on */
			continue;
		}
		if (c->next >= c->meter_end)
		{
			commands_begin_meter(c, cfg);
			continue;
		}
		left_s = strtoll(commands_column(c, c->next, PG_COMMANDS_LEFT_S), NULL, 10) -
			(clock_now_ms() - c->fetched_ms) / 1000;
		if (left_s > 0)
		{
			memcpy(n->topic, c->topic, sizeof(n->topic));
			n->text = commands_column(c, c->next, PG_COMMANDS_NOTE);
			n->text_len = PQgetlength(c->rows, c->next, PG_COMMANDS_NOTE);
			n->expiry_s = left_s < UINT32_MAX ? (uint32_t) left_s : UINT32_MAX;
			c->row_of[count++] = c->next;
		}
		c->next++;
	}
	return count;
}

/* What the broker said to each; ids gets those that it took, "{...}". */
static int
commands_judge(commands *c, int count, const config *cfg, char ids[COMMANDS_IDS_BYTES])
{
	int			taken = 0;
	size_t		len = 0;

	for (int i = 0; i < count; i++)
	{
		const char *id = commands_column(c, c->row_of[i], PG_COMMANDS_ID);
		int			reason = c->note[i].reason;

		if (downlink_taken(reason))
		{
			len += (size_t) snprintf(ids + len, COMMANDS_IDS_BYTES - len, "%c%.*s", taken++ == 0 ? '{' : ',', COMMANDS_ID_LEN, id);
			c->counters->commands++;
			c->refusal_said = false;
			continue;
		}
		commands_let_wait(c, id, cfg);
		if (reason == MQTT_RC_NO_MATCHING_SUBSCRIBERS)
		{
			c->counters->commands_unheard++;
			continue;
		}
		c->counters->commands_refused++;
		if (!c->refusal_said)
			log_event(LOG_LEVEL_ERROR, "command_refused", LOG_FIELDS(LOG_TEXT("topic", c->note[i].topic)),
					  "the broker refuses a command on topic %s: %s; trying again later", c->note[i].topic,
					  mosquitto_reason_string(reason));
		c->refusal_said = true;
	}
	snprintf(ids + len, COMMANDS_IDS_BYTES - len, "}");
	return taken;
}

static downlink_result
commands_publish(commands *c, downlink *d, pg_link *database, const config *cfg)
{
	char		ids[COMMANDS_IDS_BYTES];
	int			count = commands_cut(c, cfg);
	pg_link_result recorded;

	if (count == 0)
		return DOWNLINK_SENT;
	if (!downlink_notes(d, c->note, count))
		return DOWNLINK_BROKER_LOST;
	if (commands_judge(c, count, cfg, ids) == 0)
		return DOWNLINK_SENT;
	recorded = pg_downlink_published(database, ids);
	if (recorded == PG_LINK_OK)
	{
		trouble_over(&c->recording);
		return DOWNLINK_SENT;
	}
	c->counters->downlink_failures++;
	trouble_had(&c->recording, database->error);
	for (int i = 0; i < count; i++)
		commands_let_wait(c, commands_column(c, c->row_of[i], PG_COMMANDS_ID), cfg);
	return recorded == PG_LINK_REFUSED ? DOWNLINK_SENT : DOWNLINK_DATABASE_LOST;
}

/* ---------------------------------------------------------------- asking */

static downlink_result
commands_fetched(commands *c, pg_link *database, pg_link_result result)
{
	c->next = 0;
	c->meter_end = 0;
	c->fetched_ms = clock_now_ms();
	if (result == PG_LINK_OK)
	{
		trouble_over(&c->asking);
		return DOWNLINK_SENT;
	}
	c->counters->downlink_failures++;
	trouble_had(&c->asking, database->error);
	return result == PG_LINK_REFUSED ? DOWNLINK_SENT : DOWNLINK_DATABASE_LOST;
}

static downlink_result
commands_ask_news(commands *c, pg_link *database, const config *cfg)
{
	char	   *meters = heard_take_news(c->heard, COMMANDS_METERS_MAX);
	downlink_result result = DOWNLINK_SENT;

	c->news_due_ms = clock_now_ms() + COMMANDS_NEWS_MS;
	if (meters != NULL)
	{
		c->swept = false;
		result = commands_fetched(c, database, pg_downlink_commands(database, meters, cfg->commands_retry_s, NULL, NULL, &c->rows));
	}
	free(meters);
	return result;
}

/*
 * A sweep's next page.  Its last row says where to go on; none, and it was the last.  How
 * much there is to look at does not show beforehand, so the next sweep waits longer than
 * this one took.
 */
static downlink_result
commands_sweep(commands *c, pg_link *database, const config *cfg)
{
	char		shards[TOPIC_LEVEL_LEN_MAX + 5];
	downlink_result result;
	int64_t		began_ms = clock_now_ms();
	int			rows;

	snprintf(shards, sizeof(shards), "{\"%s\"}", cfg->shard);
	c->swept = true;
	result = commands_fetched(c, database,
							  pg_downlink_commands(database, NULL, cfg->commands_retry_s, strcmp(cfg->shard, "+") == 0 ? NULL : shards,
												   c->after, &c->rows));
	c->sweep_ms += clock_now_ms() - began_ms;
	rows = c->rows != NULL ? PQntuples(c->rows) : 0;
	if (rows > 0 && PQgetisnull(c->rows, rows - 1, PG_COMMANDS_ID))
	{
		snprintf(c->after, sizeof(c->after), "%s", commands_column(c, rows - 1, PG_COMMANDS_METER));
		return result;
	}
	c->after[0] = '\0';
	c->sweep_due_ms = clock_now_ms() + cfg->commands_interval_s * 1000 + COMMANDS_SWEEP_SHARE * c->sweep_ms;
	c->sweep_ms = 0;
	c->sweep_ends = c->rows != NULL;
	return result;
}

/* All rows of a sweep have been looked at. */
static void
commands_swept(commands *c)
{
	if (c->addressless > 0 && c->counters->commands_addressless == 0)
		log_event(LOG_LEVEL_WARNING, "commands_addressless", LOG_FIELDS(LOG_NUMBER("commands", c->addressless)),
				  "%llu commands wait until their meters are heard: where those are is not known "
				  "(register their shard, and name the tenant)", (unsigned long long) c->addressless);
	c->counters->commands_addressless = c->addressless;
	c->addressless = 0;
	c->sweep_ends = false;
}

static bool
commands_news_due(const commands *c)
{
	return c->heard->news_count > 0 && (clock_now_ms() >= c->news_due_ms || c->heard->news_count >= COMMANDS_METERS_MAX);
}

downlink_result
commands_turn(commands *c, downlink *d, pg_link *database, const config *cfg)
{
	downlink_result result;

	c->asking.again.delay_ms_max = cfg->backoff_ms_max;
	c->recording.again.delay_ms_max = cfg->backoff_ms_max;
	if (cfg->commands_interval_s == 0 || !database->has_downlink)
	{
		commands_forget(c);
		c->sweep_due_ms = clock_now_ms() + COMMANDS_OFF_MS;
		c->news_due_ms = c->sweep_due_ms;
		c->counters->commands_addressless = 0;
		return DOWNLINK_SENT;
	}
	if (c->interval_s != cfg->commands_interval_s)
		c->sweep_due_ms = 0;
	c->interval_s = cfg->commands_interval_s;
	if (c->rows == NULL && backoff_due(&c->asking.again) && backoff_due(&c->recording.again))
	{
		bool		news = commands_news_due(c);
		bool		sweep = clock_now_ms() >= c->sweep_due_ms;

		/* In turns, where both always are. */
		if (news && !(sweep && !c->swept))
			result = commands_ask_news(c, database, cfg);
		else if (sweep)
			result = commands_sweep(c, database, cfg);
		else
			return DOWNLINK_SENT;
		if (result != DOWNLINK_SENT)
			return result;
	}
	if (c->rows == NULL)
		return DOWNLINK_SENT;
	result = commands_publish(c, d, database, cfg);
	if (c->next >= PQntuples(c->rows))
	{
		PQclear(c->rows);
		c->rows = NULL;
		if (c->sweep_ends)
			commands_swept(c);
	}
	return result;
}

int
commands_patience_ms(const commands *c)
{
	int64_t		due_ms = c->sweep_due_ms;

	if (c->rows != NULL)
		return 0;
	if (c->heard->news_count > 0 && c->news_due_ms < due_ms)
		due_ms = c->news_due_ms;
	if (due_ms < c->asking.again.due_ms)
		due_ms = c->asking.again.due_ms;
	return clock_left_ms(due_ms > c->recording.again.due_ms ? due_ms : c->recording.again.due_ms);
}
