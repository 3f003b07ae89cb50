/*
 * heard.h: where meters were heard, so that they can be told something.
 */
#ifndef BRIDGE_HEARD_H
#define BRIDGE_HEARD_H

#include <stdbool.h>
#include <stdint.h>

#include "batch.h"
#include "config.h"
#include "core/topic.h"

#define HEARD_METERS_MAX 65536	/* a power of two; about 4 MB where names are of the usual length */
#define HEARD_NEWS_MAX 20000	/* heard since somebody asked last */

typedef struct heard
{
	char	  **place;			/* HEARD_METERS_MAX of "meter/tenant/shard"; NULL: nobody */
	uint8_t    *is_news;
	uint8_t    *misses;			/* a message before one of the meter's was missing */
	uint32_t   *news;			/* places */
	int			news_count;
} heard;

/* False where memory is out. */
extern bool heard_init(heard *h);
extern void heard_free(heard *h);

/* The batch's meters whose messages are stored, and receipted: they were there a moment ago. */
extern void heard_batch(heard *h, const batch *b);

/*
 * The topic .../down/{leaf} of a meter: where it was heard last; else where it is
 * registered (shard; "": nowhere), if we serve that shard and one tenant only.  False:
 * not known.
 */
extern bool heard_address(const heard *h, const config *cfg, const char *meter, const char *shard,
						  const char *leaf, char out[TOPIC_LEN_MAX]);

/*
 * Names, "{...}" as PostgreSQL reads an array, at most max of them: of the meters heard
 * since the last call; of those that missed something once, from *next on.  NULL: none,
 * or no memory.
 */
extern char *heard_take_news(heard *h, int max);
extern char *heard_missing(const heard *h, uint32_t *next, int max);

#endif							/* BRIDGE_HEARD_H */
