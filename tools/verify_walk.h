/*
 * verify_walk.h: an exported folder read leaf by leaf, each thing checked against the
 * others.  What is wrong is reported as findings.
 */
#ifndef VERIFY_WALK_H
#define VERIFY_WALK_H

#include "verify_tiles.h"

/* Schemas seen so far, by what an entry says of its own. */
typedef struct schema_set
{
	uint8_t		(*slot)[MERKLE_HASH_LEN];	/* zeros: free */
	uint32_t	slots;			/* a power of two */
	uint32_t	count;
	bool		overflown;		/* more than VERIFY_SCHEMAS_MAX: not known any more */
} schema_set;

extern void schema_set_add(schema_set *s, const uint8_t leaf_hash[MERKLE_HASH_LEN], const decode_schema *schema);
extern bool schema_set_has(const schema_set *s, const decode_entry *entry);

typedef struct walk_against
{
	const char *path;
	note_checkpoint checkpoint;
	bool		seen;
} walk_against;

typedef struct verify_walk
{
	const char *dir;
	log_check	check;			/* its tree is that of the leaves' data */
	tiles_maker tiles;			/* of level 0 as the folder has it */
	bool		no_rows;		/* the folder has none */
	bool		schemas_complete;	/* all leaves before were walked too */
	schema_set	schemas;
	walk_against *against;
	int			against_count;
	uint64_t	blocks;
	uint64_t	rows_seen;
	bool		blocks_missed;	/* leaves could not be read: some may have been blocks */
	bool		stopped;		/* damaged so that there is no going on */
	/* the bundle being read */
	uint64_t	n;
	unsigned	width;
	verify_buffer entries;
	size_t		entries_at;
	size_t		entries_end[MERKLE_TILE_WIDTH + 1]; /* where leaf i begins */
	char		entries_path[VERIFY_PATH_MAX];
	bool		entries_lost;	/* from here on */
	unsigned	strangers;		/* leaves in a row whose hash is not the tile's */
	uint8_t		tile[MERKLE_TILE_WIDTH][MERKLE_HASH_LEN];
	char		tile_path[VERIFY_PATH_MAX];
	bool		tile_lost;
	FILE	   *rows_file;
	uint64_t	rows_at;
	uint64_t	rows_end[MERKLE_TILE_WIDTH + 1];
	char		rows_path[VERIFY_PATH_MAX];
	verify_buffer row;
	verify_buffer note;
} verify_walk;

/* From the first leaf, or (tiles not NULL) from behind the first size leaves of a folder. */
extern bool walk_begin(verify_walk *w, const char *dir, const verify_options *o,
					   tiles_folder *tiles, uint64_t size);

/* The next bundle, of that many leaves. */
extern void walk_bundle(verify_walk *w, unsigned width);
extern void walk_end(verify_walk *w);

/* Reads n bytes into b, a piece at a time: a length that lies costs no memory. */
extern bool walk_read(FILE *f, verify_buffer *b, size_t n);

/* verify_partial.c: files of a bundle or tile as it was when it was narrower. */
extern void walk_partials(const char *dir, const char *kind, uint64_t n, unsigned width,
						  const char *whole, const uint64_t *ends);

#endif							/* VERIFY_WALK_H */
