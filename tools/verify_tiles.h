/*
 * verify_tiles.h: the hashes of an exported folder: reading them, and making them.
 */
#ifndef VERIFY_TILES_H
#define VERIFY_TILES_H

#include "core/merkle_path.h"
#include "verify.h"

#define TILES_LEVELS 8			/* 64 / MERKLE_TILE_BITS */

/* A folder's tiles as of the size of its checkpoint.  The last tile of a level is kept. */
typedef struct tiles_folder
{
	const char *dir;
	uint64_t	size;
	struct
	{
		bool		have;
		uint64_t	n;
		uint8_t		hash[MERKLE_TILE_WIDTH][MERKLE_HASH_LEN];
	}			kept[TILES_LEVELS];
	char		missing[VERIFY_PATH_MAX];	/* what could not be read */
} tiles_folder;

extern void tiles_open(tiles_folder *t, const char *dir, uint64_t size);

/* How many hashes tile n of a level has in a tree of that size. */
extern unsigned tiles_width(uint64_t size, int level, uint64_t n);

/* One tile's file, exactly width hashes; a full one serves for a partial one. */
extern bool tiles_read(const char *dir, int level, uint64_t n, unsigned width,
					   uint8_t hash[MERKLE_TILE_WIDTH][MERKLE_HASH_LEN]);

/* A merkle_path_source; its argument is the tiles_folder. */
extern bool tiles_source(void *arg, merkle_subtree subtree, uint8_t out[MERKLE_HASH_LEN]);

/* The tree of the folder's first size leaves.  False: a tile is missing. */
extern bool tiles_frontier(tiles_folder *t, uint64_t size, merkle_frontier *f);

/* Tiles as they fill while leaves are appended. */
typedef struct tiles_maker
{
	merkle_frontier tree;
	unsigned	count[TILES_LEVELS];
	uint8_t		hash[TILES_LEVELS][MERKLE_TILE_WIDTH][MERKLE_HASH_LEN];
	bool		(*full) (void *context, int level, uint64_t n, const uint8_t (*hash)[MERKLE_HASH_LEN]);
	void	   *context;
} tiles_maker;

extern bool tiles_append(tiles_maker *m, const uint8_t leaf_hash[MERKLE_HASH_LEN]);

/* Go on behind the first size leaves of a folder. */
extern bool tiles_resume(tiles_maker *m, tiles_folder *t, uint64_t size);

#endif							/* VERIFY_TILES_H */
