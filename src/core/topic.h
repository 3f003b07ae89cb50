/*
 * topic.h: el/v1/{tenant}/{shard}/{meter}/up/{type} and .../down/{receipt|resend|cmd|config},
 * taken apart and put together.
 */
#ifndef CORE_TOPIC_H
#define CORE_TOPIC_H

#include <stdbool.h>
#include <stddef.h>

#define TOPIC_LEVEL_LEN_MAX 64
#define TOPIC_LEN_MAX 512

typedef struct topic
{
	char		tenant[TOPIC_LEVEL_LEN_MAX + 1];	/* each level: 1-64 of A-Z a-z 0-9 . _ : - */
	char		shard[TOPIC_LEVEL_LEN_MAX + 1];
	char		meter[TOPIC_LEVEL_LEN_MAX + 1];
	bool		up;				/* up, or down */
	char		leaf[TOPIC_LEVEL_LEN_MAX + 1];	/* type, or receipt, resend, ... */
} topic;

extern bool topic_parse(const char *text, size_t len, topic *out);

/* Length without the NUL, 0 where it does not fit cap. */
extern size_t topic_format(const topic *t, char *out, size_t cap);

#endif							/* CORE_TOPIC_H */
