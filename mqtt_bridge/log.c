/*
 * log.c: the bridge's log.
 *
 *     2026-01-31T12:00:00.000Z warning broker_lost: broker at h port 1883 is away: ...  shard=0
 *     {"time":"2026-01-31T12:00:00.000Z","level":"warning","event":"broker_lost","message":"...","shard":"0"}
 *
 * Topics and error texts come from strangers: a line is made whole in memory,
 * stripped of control characters (a newline in a topic must not forge a second
 * line, an escape sequence must not reach a terminal), and written by one
 * call, so that threads do not mix theirs.  Passwords never come here: nobody
 * hands them over, and libpq's messages do not hold them.
 */
#include "log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LOG_END_BYTES 4			/* kept free for what ends a line */

static atomic_int log_least = LOG_LEVEL_INFO;
static atomic_bool log_is_json;
static _Thread_local char log_shard[LOG_SHARD_BYTES_MAX];

static const char *const log_level_name[] = {"debug", "info", "warning", "error"};

typedef struct log_line
{
	char		text[LOG_LINE_BYTES_MAX];
	size_t		len;
} log_line;

bool
log_level_parse(const char *name, log_level *out)
{
	for (int i = LOG_LEVEL_DEBUG; i <= LOG_LEVEL_ERROR; i++)
	{
		if (strcmp(name, log_level_name[i]) == 0)
		{
			*out = (log_level) i;
			return true;
		}
	}
	return false;
}

bool
log_format_parse(const char *name, bool *is_json)
{
	*is_json = strcmp(name, "json") == 0;
	return *is_json || strcmp(name, "text") == 0;
}

void
log_set(log_level least, bool is_json)
{
	log_least = (int) least;
	log_is_json = is_json;
}

void
log_shard_set(const char *shard)
{
	snprintf(log_shard, sizeof(log_shard), "%s", shard != NULL ? shard : "");
}

/* False, and nothing put, where it does not fit. */
static bool
log_put(log_line *l, const char *text, size_t len)
{
	if (l->len + len > sizeof(l->text) - LOG_END_BYTES)
		return false;
	memcpy(l->text + l->len, text, len);
	l->len += len;
	return true;
}

/* Bytes of a well-formed UTF-8 character at text, 0 where it is none. */
static size_t
log_character(const unsigned char *text)
{
	size_t		len = text[0] < 0x80 ? 1 : text[0] >= 0xc2 && text[0] < 0xe0 ? 2 :
		text[0] >= 0xe0 && text[0] < 0xf0 ? 3 : text[0] >= 0xf0 && text[0] < 0xf5 ? 4 : 0;

	for (size_t i = 1; i < len; i++)
	{
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	}
	/* second spellings, surrogates, and what lies beyond Unicode */
	if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] >= 0xa0) ||
		(text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] >= 0x90))
		return 0;
	return len;
}

/* In quotes, or bare for people; cut where the line is full. */
static void
log_put_text(log_line *l, const char *text, bool quoted)
{
	const unsigned char *p = (const unsigned char *) text;

	if (quoted)
		log_put(l, "\"", 1);
	while (*p != '\0')
	{
		size_t		len = log_character(p);
		bool		fits;

		if (quoted && (*p == '"' || *p == '\\'))
			fits = log_put(l, "\\", 1) && log_put(l, (const char *) p, 1);
		else if (*p < 0x20 || *p == 0x7f || len == 0)
			fits = log_put(l, len == 0 ? "?" : " ", 1);
		else
			fits = log_put(l, (const char *) p, len);
		if (!fits)
			break;
		p += len > 0 ? len : 1;
	}
	if (quoted)
		l->text[l->len++] = '"';	/* there is room: LOG_END_BYTES */
}

/* Whole or not at all: half a field would make the line no JSON. */
static void
log_put_field(log_line *l, bool is_json, const log_field *f)
{
	size_t		before = l->len;
	char		number[24];
	bool		plain = f->text == NULL || (f->text[0] != '\0' && f->text[strcspn(f->text, " \"\\=")] == '\0');
	bool		good = log_put(l, is_json ? ",\"" : " ", is_json ? 2 : 1) && log_put(l, f->name, strlen(f->name)) &&
		log_put(l, is_json ? "\":" : "=", is_json ? 2 : 1);

	if (good && f->text == NULL)
	{
		snprintf(number, sizeof(number), "%" PRId64, f->number);
		good = log_put(l, number, strlen(number));
	}
	else if (good)
	{
		/* each byte may need a second one, and two for quotes */
		good = l->len + 2 * strlen(f->text) + 2 <= sizeof(l->text) - LOG_END_BYTES;
		if (good)
			log_put_text(l, f->text, is_json || !plain);
	}
	if (!good)
		l->len = before;
}

static void
log_put_head(log_line *l, bool is_json, log_level level, const char *event)
{
	struct timespec now;
	struct tm	utc;
	char		when[64];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &utc);
	l->len = (size_t) snprintf(l->text, sizeof(l->text), is_json ?
							   "{\"time\":\"%s.%03ldZ\",\"level\":\"%s\",\"event\":\"%s\",\"message\":" :
							   "%s.%03ldZ %s %s: ",
							   when, now.tv_nsec / 1000000, log_level_name[level], event);
}

void
log_event(log_level level, const char *event, const log_field *field, const char *format,...)
{
	bool		is_json = log_is_json;
	log_field	shard = LOG_TEXT("shard", log_shard);
	char		message[LOG_MESSAGE_BYTES_MAX];
	log_line	l;
	size_t		len;
	va_list		args;

	if ((int) level < log_least)
		return;
	va_start(args, format);
	if (vsnprintf(message, sizeof(message), format, args) < 0)
		message[0] = '\0';
	va_end(args);
	/* libpq's messages end with newlines */
	len = strlen(message);
	while (len > 0 && message[len - 1] == '\n')
		message[--len] = '\0';

	log_put_head(&l, is_json, level, event);
	log_put_text(&l, message, is_json);
	if (!is_json && (log_shard[0] != '\0' || field != NULL))
		log_put(&l, " ", 1);
	if (log_shard[0] != '\0')
		log_put_field(&l, is_json, &shard);
	for (; field != NULL && field->name != NULL; field++)
		log_put_field(&l, is_json, field);
	if (is_json)
		l.text[l.len++] = '}';
	l.text[l.len++] = '\n';
	/* A log that cannot be written must not stop the meters' messages. */
	if (write(STDERR_FILENO, l.text, l.len) < 0)
		return;
}
