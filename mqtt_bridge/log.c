/*
 * log.c: the bridge's log.
 *
 * Topics and error texts come from strangers: a line is made whole in memory,
 * stripped of control characters (a newline in a topic must not forge a second
 * line, an escape sequence must not reach a terminal), and written by one
 * call.  Passwords never come here: nobody hands them to log_write, and libpq's
 * messages do not hold them.
 */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static log_level log_least = LOG_LEVEL_INFO;

static const char *const log_level_name[] = {"debug", "info", "warning", "error"};

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

void
log_level_set(log_level least)
{
	log_least = least;
}

void
log_write(log_level level, const char *format,...)
{
	char		line[LOG_LINE_BYTES_MAX];
	size_t		len;
	int			written;
	struct timespec now;
	struct tm	utc;
	va_list		args;

	if (level < log_least)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	len = strftime(line, sizeof(line), "%Y-%m-%dT%H:%M:%S", &utc);
	len += (size_t) snprintf(line + len, sizeof(line) - len, ".%03ldZ %s: ",
							 now.tv_nsec / 1000000, log_level_name[level]);

	va_start(args, format);
	written = vsnprintf(line + len, sizeof(line) - len - 1, format, args);
	va_end(args);
	if (written < 0)
		return;
	len = strlen(line);
	while (len > 0 && line[len - 1] == '\n')
		len--;
	for (size_t i = 0; i < len; i++)
	{
		if ((unsigned char) line[i] < 0x20 || line[i] == 0x7f)
			line[i] = ' ';
	}
	line[len++] = '\n';
	/* A log that cannot be written must not stop the meters' messages. */
	if (write(STDERR_FILENO, line, len) < 0)
		return;
}
