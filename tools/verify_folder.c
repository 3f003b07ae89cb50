/*
 * verify_folder.c: energyledger-verify folder.
 *
 * Nothing in the folder is taken for granted but what the keys signed.  The checkpoint
 * says how large the log is; from there on every file that belongs to a log of that
 * size is read, once, in order.
 */
#include <dirent.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "verify_walk.h"

static verify_walk walk;
static walk_against against[VERIFY_AGAINST_MAX];

static verify_status
read_against(const verify_options *o)
{
	for (int i = 0; i < o->against_count; i++)
	{
		verify_buffer b = {0};
		log_check_result result;
		verify_status status = verify_need_note(o->against[i], &b);

		if (status != VERIFY_OK)
			return status;
		against[i].path = o->against[i];
		result = log_check_note(o->key, o->key_count, (char *) b.data, b.len, &against[i].checkpoint);
		free(b.data);
		if (result != LOG_CHECK_OK)
			return report_end(VERIFY_NOT, log_check_name(result), "\"%s\": %s", o->against[i], log_check_sentence(result));
	}
	return VERIFY_OK;
}

/* The tiles that are not full at this size, from level 1 on. */
static void
check_last_tiles(uint64_t size)
{
	for (int level = 1; level < TILES_LEVELS; level++)
	{
		uint8_t		stored[MERKLE_TILE_WIDTH][MERKLE_HASH_LEN];
		uint64_t	n = size >> (MERKLE_TILE_BITS * level) >> MERKLE_TILE_BITS;
		unsigned	width = tiles_width(size, level, n);
		char		path[VERIFY_PATH_MAX];
		char		kind[16];

		if (width == 0)
			continue;
		snprintf(kind, sizeof(kind), "tile/%d", level);
		verify_tile_path(path, walk.dir, kind, n, width);
		if (!tiles_read(walk.dir, level, n, width, stored))
			report_finding(path, -1, "unreadable", "is not a tile of %u hashes", width);
		else if (memcmp(stored, walk.tiles.hash[level], (size_t) width * MERKLE_HASH_LEN) != 0)
			report_finding(path, -1, "tile_hash", "its hashes are not the roots of the tiles below");
		else
			walk_partials(walk.dir, kind, n, width, path, NULL);
	}
}

/* Checkpoints that no block of the log has. */
static void
count_checkpoints(void)
{
	char		path[VERIFY_PATH_MAX];
	DIR		   *d;
	const struct dirent *e;
	uint64_t	count = 0;

	snprintf(path, sizeof(path), "%s/checkpoints", walk.dir);
	d = opendir(path);
	if (d == NULL)
		return;					/* each block has said already that its own is missing */
	while ((e = readdir(d)) != NULL)
		count += e->d_name[0] != '.' ? 1 : 0;
	closedir(d);
	if (count > walk.blocks)
		report_finding(path, -1, "unknown_file", "has %" PRIu64 " checkpoints where the log has %" PRIu64 " blocks",
					   count, walk.blocks);
}

static void
check_against(const verify_options *o, uint64_t size)
{
	for (int i = 0; i < o->against_count; i++)
	{
		if (against[i].checkpoint.size == 0 || against[i].seen)
			continue;
		if (against[i].checkpoint.size > size)
			report_finding(against[i].path, -1, "smaller",
						   "the folder's log has %" PRIu64 " leaves, this checkpoint's %" PRIu64, size, against[i].checkpoint.size);
		else
			report_finding(against[i].path, -1, "not_checked", "the walk ended before %" PRIu64 " leaves",
						   against[i].checkpoint.size);
	}
}

static void
walk_folder(const note_checkpoint *c, const char *path)
{
	uint8_t		root[MERKLE_HASH_LEN];

	while (!walk.stopped && walk.check.tree.size < c->size)
		walk_bundle(&walk, tiles_width(c->size, 0, walk.n));
	if (!walk.stopped)
	{
		merkle_frontier_root(&walk.check.tree, root);
		if (memcmp(root, c->root, MERKLE_HASH_LEN) != 0)
			report_finding(path, -1, "checkpoint_root", "%s", log_check_sentence(LOG_CHECK_NOTE_ROOT));
		if (walk.check.kind != 0 && walk.check.batch_first != c->size)
			report_finding(path, -1, "checkpoint_size", "no block of the log ends there");
		check_last_tiles(c->size);
		if (!walk.blocks_missed)
			count_checkpoints();
	}
	if (walk.schemas.overflown)
		report_finding(path, -1, "schemas", "the log has more than %d schemas", VERIFY_SCHEMAS_MAX);
}

verify_status
verify_folder(const verify_options *o)
{
	char		path[VERIFY_PATH_MAX];
	verify_buffer b = {0};
	note_checkpoint c;
	log_check_result result;
	verify_status status = read_against(o);

	if (status != VERIFY_OK)
		return status;
	snprintf(path, sizeof(path), "%s/checkpoint", o->operand[0]);
	status = verify_need_file(path, NOTE_BYTES_MAX, &b);
	if (status != VERIFY_OK)
		return status;
	result = log_check_note(o->key, o->key_count, (char *) b.data, b.len, &c);
	free(b.data);
	if (result != LOG_CHECK_OK)
	{
		report_finding(path, -1, log_check_name(result), "%s", log_check_sentence(result));
		return report_end(VERIFY_NOT, log_check_name(result), "the folder's checkpoint is not the log's");
	}
	walk_begin(&walk, o->operand[0], o, NULL, 0);
	walk.no_rows = o->no_rows;
	walk.against = against;
	walk.against_count = o->against_count;
	walk_folder(&c, path);
	check_against(o, c.size);
	walk_end(&walk);
	report_string("origin", c.origin);
	report_number("log_size", c.size);
	report_hash("log_root", c.root);
	report_number("blocks", walk.blocks);
	if (!o->no_rows)
		report_number("rows", walk.rows_seen);
	if (report_findings() > 0)
		return report_end(VERIFY_NOT, "damaged", "%" PRIu64 " findings", report_findings());
	return report_end(VERIFY_OK, "intact", "the log of %s%s whole up to size %" PRIu64, c.origin,
					  o->no_rows ? ", without its rows, is" : " and its rows are", c.size);
}
