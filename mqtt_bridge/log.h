/*
 * log.h: one line an event on standard error, where systemd's journal (or
 * whoever started the bridge) reads it; as text or as JSON with the same fields.
 */
#ifndef BRIDGE_LOG_H
#define BRIDGE_LOG_H

#include <stdbool.h>
#include <stdint.h>

typedef enum log_level
{
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_INFO,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_ERROR
} log_level;

#define LOG_LINE_BYTES_MAX 4096 /* a longer line is cut, between its fields */
#define LOG_MESSAGE_BYTES_MAX 1024
#define LOG_SHARD_BYTES_MAX 65

/* What a program wants to read of an event; text NULL: it is a number. */
typedef struct log_field
{
	const char *name;			/* NULL ends a list */
	const char *text;
	int64_t		number;
} log_field;

#define LOG_TEXT(name, text) {name, text, 0}
#define LOG_NUMBER(name, number) {name, NULL, (int64_t) (number)}
#define LOG_FIELDS(...) ((const log_field[]) {__VA_ARGS__, {NULL, NULL, 0}})

extern bool log_level_parse(const char *name, log_level *out);
extern bool log_format_parse(const char *name, bool *is_json);

/* For the whole process; may be called while others log. */
extern void log_set(log_level least, bool is_json);

/* What this thread logs carries the name of its shard; "" or NULL: none. */
extern void log_shard_set(const char *shard);

/* event: a word that never changes, for programs; the sentence is for people. */
extern void log_event(log_level level, const char *event, const log_field *field,
					  const char *format,...) __attribute__((format(printf, 4, 5)));

#define log_debug(event, ...) log_event(LOG_LEVEL_DEBUG, event, NULL, __VA_ARGS__)
#define log_info(event, ...) log_event(LOG_LEVEL_INFO, event, NULL, __VA_ARGS__)
#define log_warning(event, ...) log_event(LOG_LEVEL_WARNING, event, NULL, __VA_ARGS__)
#define log_error(event, ...) log_event(LOG_LEVEL_ERROR, event, NULL, __VA_ARGS__)

#endif							/* BRIDGE_LOG_H */
