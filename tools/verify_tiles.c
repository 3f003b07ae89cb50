/*
 * verify_tiles.c: tiles of c2sp.org/tlog-tiles, from a folder and into one.
 *
 * A tree of any size is put together from the last tile of each level, so neither
 * reading nor making needs more memory than one tile a level.
 */
#include "verify_tiles.h"

#include <string.h>

static void
tiles_kind(char out[16], int level)
{
	snprintf(out, 16, "tile/%d", level);
}

void
tiles_open(tiles_folder *t, const char *dir, uint64_t size)
{
	memset(t, 0, sizeof(*t));
	t->dir = dir;
	t->size = size;
}

unsigned
tiles_width(uint64_t size, int level, uint64_t n)
{
	uint64_t	hashes = size >> (MERKLE_TILE_BITS * level);
	uint64_t	first = n * MERKLE_TILE_WIDTH;

	if (hashes <= first)
		return 0;
	return hashes - first < MERKLE_TILE_WIDTH ? (unsigned) (hashes - first) : MERKLE_TILE_WIDTH;
}

static bool
tiles_read_file(const char *path, unsigned width, bool longer,
				uint8_t hash[MERKLE_TILE_WIDTH][MERKLE_HASH_LEN])
{
	uint8_t		data[MERKLE_TILE_WIDTH * MERKLE_HASH_LEN + 1];
	FILE	   *f = fopen(path, "rb");
	size_t		n;

	if (f == NULL)
		return false;
	n = fread(data, 1, sizeof(data), f);
	fclose(f);
	if (n != (size_t) (longer ? MERKLE_TILE_WIDTH : width) * MERKLE_HASH_LEN)
		return false;
	memcpy(hash, data, (size_t) width * MERKLE_HASH_LEN);
	return true;
}

bool
tiles_read(const char *dir, int level, uint64_t n, unsigned width,
		   uint8_t hash[MERKLE_TILE_WIDTH][MERKLE_HASH_LEN])
{
	char		path[VERIFY_PATH_MAX];
	char		kind[16];

	tiles_kind(kind, level);
	verify_tile_path(path, dir, kind, n, width);
	if (tiles_read_file(path, width, false, hash))
		return true;
	if (width == MERKLE_TILE_WIDTH)
		return false;
	verify_tile_path(path, dir, kind, n, MERKLE_TILE_WIDTH);
	return tiles_read_file(path, width, true, hash);
}

bool
tiles_source(void *arg, merkle_subtree subtree, uint8_t out[MERKLE_HASH_LEN])
{
	tiles_folder *t = arg;
	merkle_span s = merkle_path_span(subtree);
	unsigned	width = tiles_width(t->size, s.tile_level, s.tile);

	if ((unsigned) (s.first + s.count) > width)
		return false;
	if (!t->kept[s.tile_level].have || t->kept[s.tile_level].n != s.tile)
	{
		t->kept[s.tile_level].have = tiles_read(t->dir, s.tile_level, s.tile, width,
												t->kept[s.tile_level].hash);
		t->kept[s.tile_level].n = s.tile;
		if (!t->kept[s.tile_level].have)
		{
			char		kind[16];

			tiles_kind(kind, s.tile_level);
			verify_tile_path(t->missing, t->dir, kind, s.tile, width);
			return false;
		}
	}
	merkle_path_perfect((const uint8_t (*)[MERKLE_HASH_LEN]) t->kept[s.tile_level].hash + s.first, s.count, out);
	return true;
}

bool
tiles_frontier(tiles_folder *t, uint64_t size, merkle_frontier *f)
{
	merkle_subtree subtree[MERKLE_LEVELS_MAX];
	int			count;

	merkle_frontier_init(f);
	if (!merkle_path_subtrees((merkle_range) {0, size}, subtree, &count))
		return false;
	for (int i = 0; i < count; i++)
	{
		if (!tiles_source(t, subtree[i], f->node[subtree[i].level]))
			return false;
	}
	f->size = size;
	return true;
}

bool
tiles_append(tiles_maker *m, const uint8_t leaf_hash[MERKLE_HASH_LEN])
{
	merkle_frontier_append(&m->tree, leaf_hash);
	for (int level = 0; level < TILES_LEVELS; level++)
	{
		/* the subtree of 256^level leaves that this leaf completed */
		memcpy(m->hash[level][m->count[level]++], level == 0 ? leaf_hash : m->tree.node[MERKLE_TILE_BITS * level],
			   MERKLE_HASH_LEN);
		if (m->count[level] < MERKLE_TILE_WIDTH)
			return true;
		m->count[level] = 0;
		if (!m->full(m->context, level, (m->tree.size >> (MERKLE_TILE_BITS * (level + 1))) - 1,
					 (const uint8_t (*)[MERKLE_HASH_LEN]) m->hash[level]))
			return false;
	}
	return true;
}

bool
tiles_resume(tiles_maker *m, tiles_folder *t, uint64_t size)
{
	if (!tiles_frontier(t, size, &m->tree))
		return false;
	for (int level = 0; level < TILES_LEVELS; level++)
	{
		uint64_t	n = size >> (MERKLE_TILE_BITS * level) >> MERKLE_TILE_BITS;

		m->count[level] = tiles_width(size, level, n);
		if (m->count[level] > 0 &&
			!tiles_read(t->dir, level, n, tiles_width(t->size, level, n), m->hash[level]))
			return false;
	}
	return true;
}
