/*
 * topic.c: MQTT topics of the project, taken apart and put together.
 *
 * A topic is a claim of whoever published, not a signed fact: what it says is
 * compared with the message, never believed.  Only levels of the meter's own
 * alphabet are accepted, so that no level can hold a wildcard or a separator.
 */
#include <stdio.h>
#include <string.h>

#include "core/payload.h"
#include "core/topic.h"

/* Copy the level at *text up to the next '/' or the end; *text is left after the '/'. */
static bool
topic_level(const char **text, const char *end, bool last, char *out)
{
	const char *slash = memchr(*text, '/', (size_t) (end - *text));
	size_t		len = (size_t) ((slash != NULL ? slash : end) - *text);

	if ((slash == NULL) != last || !payload_meter_valid(*text, len))
		return false;
	memcpy(out, *text, len);
	out[len] = '\0';
	*text = slash != NULL ? slash + 1 : end;
	return true;
}

bool
topic_parse(const char *text, size_t len, topic *out)
{
	const char *end = text + len;
	char		level[TOPIC_LEVEL_LEN_MAX + 1];

	memset(out, 0, sizeof(*out));
	if (len > TOPIC_LEN_MAX)
		return false;
	if (!topic_level(&text, end, false, level) || strcmp(level, "el") != 0)
		return false;
	if (!topic_level(&text, end, false, level) || strcmp(level, "v1") != 0)
		return false;
	if (!topic_level(&text, end, false, out->tenant) ||
		!topic_level(&text, end, false, out->shard) ||
		!topic_level(&text, end, false, out->meter) ||
		!topic_level(&text, end, false, level) ||
		!topic_level(&text, end, true, out->leaf))
		return false;
	out->up = strcmp(level, "up") == 0;
	return out->up || strcmp(level, "down") == 0;
}

size_t
topic_format(const topic *t, char *out, size_t cap)
{
	int			len;

	if (!payload_meter_valid(t->tenant, strnlen(t->tenant, sizeof(t->tenant))) ||
		!payload_meter_valid(t->shard, strnlen(t->shard, sizeof(t->shard))) ||
		!payload_meter_valid(t->meter, strnlen(t->meter, sizeof(t->meter))) ||
		!payload_meter_valid(t->leaf, strnlen(t->leaf, sizeof(t->leaf))))
		return 0;
	len = snprintf(out, cap, "el/v1/%s/%s/%s/%s/%s", t->tenant, t->shard, t->meter,
				   t->up ? "up" : "down", t->leaf);
	return len > 0 && (size_t) len < cap ? (size_t) len : 0;
}
