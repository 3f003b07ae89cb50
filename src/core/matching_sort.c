/*
 * matching_sort.c: the one sort that matching needs: stable, by a 64-bit key.
 *
 * Orders are sorted by several things in turn, the least first, which only a stable
 * sort allows; most keys have few bytes that differ (prices of a market, ids of a
 * slot), and a radix sort skips the others.  At most eight passes, so a million
 * orders cost the same whoever chose their prices.
 */
#include "core/matching_parts.h"

#include <string.h>

#define SORT_SMALL 48			/* fewer are inserted one by one */
#define SORT_BYTES 8
#define SORT_BUCKETS 256

static void
sort_insertion(matching_entry *entry, size_t count)
{
	for (size_t i = 1; i < count; i++)
	{
		matching_entry moving = entry[i];
		size_t		at = i;

		while (at > 0 && entry[at - 1].key > moving.key)
		{
			entry[at] = entry[at - 1];
			at--;
		}
		entry[at] = moving;
	}
}

void
matching_sort(matching_entry *entry, matching_entry *spare, size_t count)
{
	uint32_t	bucket[SORT_BYTES][SORT_BUCKETS];
	matching_entry *from = entry;
	matching_entry *to = spare;
	bool		sorted = true;

	if (count <= SORT_SMALL)
	{
		sort_insertion(entry, count);
		return;
	}
	memset(bucket, 0, sizeof(bucket));
	for (size_t i = 0; i < count; i++)
	{
		sorted &= i == 0 || entry[i - 1].key <= entry[i].key;
		for (int b = 0; b < SORT_BYTES; b++)
			bucket[b][(uint8_t) (entry[i].key >> (8 * b))]++;
	}
	for (int b = 0; b < SORT_BYTES && !sorted; b++)
	{
		uint32_t	start = 0;
		matching_entry *swap;

		/* all alike in this byte */
		if (bucket[b][(uint8_t) (entry[0].key >> (8 * b))] == count)
			continue;
		for (int v = 0; v < SORT_BUCKETS; v++)
		{
			uint32_t	here = bucket[b][v];

			bucket[b][v] = start;
			start += here;
		}
		for (size_t i = 0; i < count; i++)
			to[bucket[b][(uint8_t) (from[i].key >> (8 * b))]++] = from[i];
		swap = from;
		from = to;
		to = swap;
	}
	if (from != entry)
		memcpy(entry, from, count * sizeof(*entry));
}
