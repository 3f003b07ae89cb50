/*
 * log.h: one line a message on standard error, where systemd's journal (or
 * whoever started the bridge) reads it.
 */
#ifndef BRIDGE_LOG_H
#define BRIDGE_LOG_H

#include <stdbool.h>

typedef enum log_level
{
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_INFO,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_ERROR
} log_level;

#define LOG_LINE_BYTES_MAX 2048 /* a longer line is cut */

extern bool log_level_parse(const char *name, log_level *out);
extern void log_level_set(log_level least);
extern void log_write(log_level level, const char *format,...) __attribute__((format(printf, 2, 3)));

#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)

#endif							/* BRIDGE_LOG_H */
