/*
 * hash_rows.c: how many rows one core can hash into a Merkle tree, with nothing else
 * to do: the ceiling under which the ledger's write path and verify work.
 *
 *   hash_rows BYTES SECONDS
 *
 * Each row is one leaf hash of BYTES bytes, and, as a tree of n leaves has n - 1
 * nodes, one node hash.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/merkle.h"

#define ROW_BYTES_MAX 65536
#define SECONDS_MAX 60
#define ROWS_BETWEEN_CLOCKS 10000

static double
now_s(void)
{
	struct timespec t;

	/* the processor's time, not the clock's: others may have it meanwhile */
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

int
main(int argc, char **argv)
{
	static uint8_t row[ROW_BYTES_MAX];
	uint8_t		leaf[MERKLE_HASH_LEN];
	uint8_t		root[MERKLE_HASH_LEN] = {0};
	long		len = argc == 3 ? strtol(argv[1], NULL, 10) : 0;
	long		seconds = argc == 3 ? strtol(argv[2], NULL, 10) : 0;
	uint64_t	done = 0;
	double		start;
	double		elapsed;

	if (len < (long) sizeof(done) || len > ROW_BYTES_MAX || seconds < 1 || seconds > SECONDS_MAX)
	{
		fprintf(stderr, "usage: hash_rows BYTES SECONDS\n");
		return 1;
	}
	start = now_s();
	do
	{
		for (int i = 0; i < ROWS_BETWEEN_CLOCKS; i++)
		{
			/* Each row another one, and each node over the one before. */
			done++;
			memcpy(row, &done, sizeof(done));
			merkle_leaf_hash(row, len, leaf);
			merkle_node_hash(root, leaf, root);
		}
		elapsed = now_s() - start;
	} while (elapsed < seconds);
	printf("%.1f\n", done / elapsed);
	return 0;
}
