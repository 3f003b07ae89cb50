/*
 * keyset.h: the keys of one map or object seen so far, to refuse a duplicate.
 *
 * Two readers that pick different ones of two equal keys would read different
 * messages under one signature.  Keys are compared by their bytes, which is
 * exact because both readers refuse every second spelling of a key.  The limit
 * keeps the quadratic comparison small.
 */
#ifndef CORE_KEYSET_H
#define CORE_KEYSET_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/refusal.h"

#define KEYSET_KEYS_MAX 64		/* keys in one map, members in one object */

typedef struct keyset
{
	int			count;
	const uint8_t *key[KEYSET_KEYS_MAX];
	size_t		len[KEYSET_KEYS_MAX];
} keyset;

static inline void
keyset_init(keyset *s)
{
	s->count = 0;
}

/* key must stay where it is while the set is used. */
static inline refusal
keyset_add(keyset *s, const uint8_t *key, size_t len)
{
	for (int i = 0; i < s->count; i++)
	{
		if (s->len[i] == len && memcmp(s->key[i], key, len) == 0)
			return REFUSAL_DUPLICATE_KEY;
	}
	if (s->count == KEYSET_KEYS_MAX)
		return REFUSAL_TOO_MANY_ENTRIES;
	s->key[s->count] = key;
	s->len[s->count] = len;
	s->count++;
	return REFUSAL_NONE;
}

#endif							/* CORE_KEYSET_H */
