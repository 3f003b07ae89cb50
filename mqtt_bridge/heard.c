/*
 * heard.c: which tenant and shard a meter's own topic names.
 *
 * The database knows a meter's shard only where somebody registered it, and no tenant
 * at all.  Messages come with both; so they are kept, for as many meters as there is
 * room for.  What is forgotten (at a restart, or because too many others came) is learnt
 * again from the meter's next message.
 *
 * Only messages that the database believed count.  One that was stored before may be
 * somebody's who kept it: it tells where a meter is only while nothing better does.
 */
#include "heard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEARD_PROBES 8			/* places that a meter may have */
#define HEARD_TEXT_BYTES_MAX (3 * (TOPIC_LEVEL_LEN_MAX + 1))

bool
heard_init(heard *h)
{
	memset(h, 0, sizeof(*h));
	h->place = calloc(HEARD_METERS_MAX, sizeof(*h->place));
	h->is_news = calloc(HEARD_METERS_MAX, sizeof(*h->is_news));
	h->misses = calloc(HEARD_METERS_MAX, sizeof(*h->misses));
	h->news = calloc(HEARD_NEWS_MAX, sizeof(*h->news));
	if (h->place != NULL && h->is_news != NULL && h->misses != NULL && h->news != NULL)
		return true;
	heard_free(h);
	return false;
}

void
heard_free(heard *h)
{
	for (uint32_t i = 0; h->place != NULL && i < HEARD_METERS_MAX; i++)
		free(h->place[i]);
	free(h->place);
	free(h->is_news);
	free(h->misses);
	free(h->news);
	memset(h, 0, sizeof(*h));
}

/* FNV-1a */
static uint32_t
heard_hash(const char *meter)
{
	uint64_t	hash = UINT64_C(14695981039346656037);

	for (; *meter != '\0'; meter++)
		hash = (hash ^ (uint8_t) *meter) * UINT64_C(1099511628211);
	return (uint32_t) (hash ^ (hash >> 32));
}

static bool
heard_is(const char *text, const char *meter)
{
	size_t		len = strlen(meter);

	return text != NULL && strncmp(text, meter, len) == 0 && text[len] == '/';
}

/* A meter's place, or one for it: an empty one, or that of somebody who has to go. */
static uint32_t
heard_place(const heard *h, const char *meter, bool *known)
{
	uint32_t	hash = heard_hash(meter);
	uint32_t	empty = UINT32_MAX;

	*known = true;
	for (uint32_t i = 0; i < HEARD_PROBES; i++)
	{
		uint32_t	at = (hash + i) % HEARD_METERS_MAX;

		if (heard_is(h->place[at], meter))
			return at;
		if (h->place[at] == NULL && empty == UINT32_MAX)
			empty = at;
	}
	*known = false;
	return empty != UINT32_MAX ? empty : (hash + (hash >> 16) % HEARD_PROBES) % HEARD_METERS_MAX;
}

static void
heard_note(heard *h, const topic *t, bool again, bool beyond_gap)
{
	char		text[HEARD_TEXT_BYTES_MAX];
	bool		known;
	uint32_t	at = heard_place(h, t->meter, &known);

	snprintf(text, sizeof(text), "%s/%s/%s", t->meter, t->tenant, t->shard);
	if (!known || (!again && strcmp(h->place[at], text) != 0))
	{
		char	   *copy = strdup(text);

		if (copy == NULL)
			return;
		free(h->place[at]);
		h->place[at] = copy;
		h->misses[at] = known ? h->misses[at] : 0;
	}
	if (beyond_gap)
		h->misses[at] = 1;
	if (!h->is_news[at] && h->news_count < HEARD_NEWS_MAX)
	{
		h->is_news[at] = 1;
		h->news[h->news_count++] = at;
	}
}

void
heard_batch(heard *h, const batch *b)
{
	for (int i = 0; i < b->count; i++)
	{
		const batch_message *m = &b->message[i];
		topic		t;

		if ((m->verdict == BATCH_ACCEPTED || m->verdict == BATCH_DUPLICATE) &&
			topic_parse(m->topic, m->topic_len, &t) && t.up && strcmp(t.meter, m->meter) == 0)
			heard_note(h, &t, m->verdict == BATCH_DUPLICATE, m->beyond_gap);
	}
}

static bool
heard_find(const heard *h, const char *meter, topic *out)
{
	bool		known;
	uint32_t	at = heard_place(h, meter, &known);
	const char *tenant;
	const char *shard;

	if (!known)
		return false;
	tenant = strchr(h->place[at], '/') + 1;
	shard = strchr(tenant, '/') + 1;
	snprintf(out->tenant, sizeof(out->tenant), "%.*s", (int) (shard - tenant - 1), tenant);
	snprintf(out->shard, sizeof(out->shard), "%s", shard);
	return true;
}

bool
heard_address(const heard *h, const config *cfg, const char *meter, const char *shard,
			  const char *leaf, char out[TOPIC_LEN_MAX])
{
	topic		t;

	memset(&t, 0, sizeof(t));
	if (!heard_find(h, meter, &t))
	{
		if (strcmp(cfg->tenant, "+") == 0 || shard[0] == '\0' ||
			(strcmp(cfg->shard, "+") != 0 && strcmp(cfg->shard, shard) != 0))
			return false;
		snprintf(t.tenant, sizeof(t.tenant), "%s", cfg->tenant);
		snprintf(t.shard, sizeof(t.shard), "%s", shard);
	}
	snprintf(t.meter, sizeof(t.meter), "%s", meter);
	snprintf(t.leaf, sizeof(t.leaf), "%s", leaf);
	return topic_format(&t, out, TOPIC_LEN_MAX) > 0;
}

/* Names need no escaping, but quotes: one may be NULL. */
static char *
heard_array(const heard *h, const uint32_t *place, int count)
{
	size_t		size = 3;
	size_t		len = 0;
	char	   *out;

	for (int i = 0; i < count; i++)
		size += strcspn(h->place[place[i]], "/") + 3;
	out = malloc(size);
	if (out == NULL)
		return NULL;
	out[len++] = '{';
	for (int i = 0; i < count; i++)
	{
		const char *text = h->place[place[i]];

		len += (size_t) snprintf(out + len, size - len, "%s\"%.*s\"", i > 0 ? "," : "", (int) strcspn(text, "/"), text);
	}
	snprintf(out + len, size - len, "}");
	return out;
}

char *
heard_take_news(heard *h, int max)
{
	int			count = h->news_count < max ? h->news_count : max;
	char	   *out = count > 0 ? heard_array(h, h->news, count) : NULL;

	for (int i = 0; i < count; i++)
		h->is_news[h->news[i]] = 0;
	h->news_count -= count;
	memmove(h->news, h->news + count, (size_t) h->news_count * sizeof(*h->news));
	return out;
}

char *
heard_missing(const heard *h, uint32_t *next, int max)
{
	uint32_t   *place = malloc((size_t) max * sizeof(*place));
	int			count = 0;
	char	   *out;

	if (place == NULL)
		return NULL;
	for (uint32_t seen = 0; seen < HEARD_METERS_MAX && count < max; seen++)
	{
		uint32_t	at = (*next)++ % HEARD_METERS_MAX;

		if (h->place[at] != NULL && h->misses[at])
			place[count++] = at;
	}
	out = count > 0 ? heard_array(h, place, count) : NULL;
	free(place);
	return out;
}
