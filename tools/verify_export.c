/*
 * verify_export.c: energyledger-verify export.
 *
 * Turns the stream of energyledger.export() into a folder of files, and checks all of it
 * on the way, so that whoever serves the folder does not spread what is not sound:
 * the folder's checkpoint is replaced at the very end, and a client that goes by the
 * checkpoint it reads never meets anything else.  Full tiles and bundles are written as
 * they fill and held by nobody; what is in memory is one bundle and one row.
 */
#define _GNU_SOURCE				/* syncfs */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/copy_stream.h"
#include "core/encode.h"
#include "core/tlog_proof.h"
#include "verify_walk.h"

static struct
{
	const verify_options *options;
	const char *dir;
	int			dir_fd;
	tiles_folder old;			/* what the folder has already; size 0: nothing */
	verify_walk walk;			/* over its last bundle */
	log_check	check;
	tiles_maker tiles;
	verify_buffer bundle;
	FILE	   *rows;			/* of the bundle */
	char		rows_temporary[VERIFY_PATH_MAX];
	bool		begun;			/* a leaf has come */
	uint64_t	next;			/* index of the next leaf of the stream */
	bool		leaf_open;		/* rows or a checkpoint may follow */
	bool		have_checkpoint;	/* of the last leaf */
	verify_buffer data;
	verify_buffer checkpoint;	/* the last one */
	uint64_t	rows_seen;
	verify_status status;		/* of the report, once there is one */
}			e;

/* Nothing more will be done: the reason is the report's. */
#define EXPORT_FAIL(s, reason, ...) \
	(e.status = report_end((s), (reason), __VA_ARGS__), false)

static bool
fail_check(uint64_t index, log_check_result result)
{
	return EXPORT_FAIL(VERIFY_NOT, log_check_name(result), "leaf %" PRIu64 ": %s", index, log_check_sentence(result));
}

static bool
fail_write(const char *path)
{
	return EXPORT_FAIL(VERIFY_UNKNOWN, "unwritable", "could not write \"%s\": %s", path, strerror(errno));
}

static bool
write_file(const char *kind, uint64_t n, unsigned width, const void *data, size_t len)
{
	char		path[VERIFY_PATH_MAX];

	verify_tile_path(path, e.dir, kind, n, width);
	return verify_write_file(path, data, len) || fail_write(path);
}

static bool
write_tile(int level, uint64_t n, unsigned width, const uint8_t (*hash)[MERKLE_HASH_LEN])
{
	char		kind[16];

	snprintf(kind, sizeof(kind), "tile/%d", level);
	return write_file(kind, n, width, hash, (size_t) width * MERKLE_HASH_LEN);
}

/* ---- rows of the bundle, in a file that gets its name when it is whole */

static bool
open_rows(void)
{
	snprintf(e.rows_temporary, sizeof(e.rows_temporary), "%s/rows/bundle.tmp", e.dir);
	if (!verify_make_folders(e.rows_temporary))
		return fail_write(e.rows_temporary);
	e.rows = fopen(e.rows_temporary, "wb");
	return e.rows != NULL || fail_write(e.rows_temporary);
}

static bool
put_rows(const void *data, size_t len)
{
	return fwrite(data, 1, len, e.rows) == len || fail_write(e.rows_temporary);
}

static bool
put_rows_u32(uint32_t value)
{
	uint8_t		data[4];

	bytes_store_u32(data, value);
	return put_rows(data, 4);
}

static bool
name_rows(uint64_t n, unsigned width)
{
	char		path[VERIFY_PATH_MAX];
	FILE	   *rows = e.rows;

	verify_tile_path(path, e.dir, "rows", n, width);
	e.rows = NULL;
	if (fclose(rows) != 0 || !verify_make_folders(path) || rename(e.rows_temporary, path) != 0)
		return fail_write(path);
	return true;
}

static bool
copy_rows(const char *from)
{
	uint8_t		piece[65536];
	FILE	   *f = fopen(from, "rb");
	size_t		n;

	if (f == NULL)
		return EXPORT_FAIL(VERIFY_UNKNOWN, "unreadable", "could not read \"%s\": %s", from, strerror(errno));
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
	{
		if (!put_rows(piece, n))
			break;
	}
	fclose(f);
	return n == 0;
}

/* A tiles_maker's tile is full; at level 0 the bundle is, too. */
static bool
tile_full(void *context, int level, uint64_t n, const uint8_t (*hash)[MERKLE_HASH_LEN])
{
	if (!write_tile(level, n, MERKLE_TILE_WIDTH, hash))
		return false;
	if (level > 0)
		return true;
	if (!write_file("tile/entries", n, MERKLE_TILE_WIDTH, e.bundle.data, e.bundle.len) ||
		!name_rows(n, MERKLE_TILE_WIDTH))
		return false;
	e.bundle.len = 0;
	return open_rows();
}

/* ---- what is there already */

/* Size of the folder's checkpoint, 0 where it has none.  Without keys its signature is not asked for. */
static bool
read_old_checkpoint(note_checkpoint *c)
{
	char		path[VERIFY_PATH_MAX];
	verify_read r;
	const char *end;
	log_check_result result;

	c->size = 0;
	snprintf(path, sizeof(path), "%s/checkpoint", e.dir);
	r = verify_read_file(path, NOTE_BYTES_MAX, &e.data);
	if (r == VERIFY_READ_MISSING)
		return true;
	if (r != VERIFY_READ_OK)
		return EXPORT_FAIL(VERIFY_UNKNOWN, "unreadable", "could not read \"%s\": %s", path, verify_read_text(r));
	if (e.options->key_count == 0)
	{
		end = memmem(e.data.data, e.data.len, "\n\n", 2);
		if (end == NULL || !note_checkpoint_parse((char *) e.data.data, (size_t) (end + 1 - (char *) e.data.data), c))
			return EXPORT_FAIL(VERIFY_NOT, "note_malformed", "\"%s\" is not a signed checkpoint", path);
		return true;
	}
	result = log_check_note(e.options->key, e.options->key_count, (char *) e.data.data, e.data.len, c);
	if (result != LOG_CHECK_OK)
		return EXPORT_FAIL(VERIFY_NOT, log_check_name(result), "\"%s\": %s", path, log_check_sentence(result));
	return true;
}

/*
 * What an export that did not end has left beyond the folder's checkpoint.  Bundles and
 * tiles are written in order, so the first that is not there is the last.
 */
static void
remove_beyond(uint64_t size)
{
	char		path[VERIFY_PATH_MAX];
	DIR		   *d;
	const struct dirent *f;

	for (int level = 0; level < TILES_LEVELS; level++)
	{
		char		tile[16];
		const char *kind[] = {tile, "tile/entries", "rows"};

		snprintf(tile, sizeof(tile), "tile/%d", level);
		for (int k = 0; k < (level == 0 ? 3 : 1); k++)
		{
			uint64_t	n = size >> (MERKLE_TILE_BITS * level) >> MERKLE_TILE_BITS;

			do
				verify_tile_path(path, e.dir, kind[k], n++, MERKLE_TILE_WIDTH);
			while (unlink(path) == 0);
		}
	}
	snprintf(path, sizeof(path), "%s/checkpoints", e.dir);
	d = opendir(path);
	while (d != NULL && (f = readdir(d)) != NULL)
	{
		uint64_t	of;

		if (tlog_number_parse(f->d_name, strlen(f->d_name), &of) && of > size)
			unlinkat(dirfd(d), f->d_name, 0);
	}
	if (d != NULL)
		closedir(d);
}

/* The last bundle is read again, so that what is appended stands on sound ground. */
static bool
resume(void)
{
	note_checkpoint c;
	uint8_t		root[MERKLE_HASH_LEN];
	uint64_t	start;

	if (!read_old_checkpoint(&c))
		return false;
	tiles_open(&e.old, e.dir, c.size);
	e.next = c.size;
	remove_beyond(c.size);
	if (c.size == 0)
	{
		walk_begin(&e.walk, e.dir, e.options, NULL, 0);
		e.check = e.walk.check;
		e.tiles = e.walk.tiles;
		e.tiles.full = tile_full;
		return open_rows();
	}
	start = (c.size - 1) / MERKLE_TILE_WIDTH * MERKLE_TILE_WIDTH;
	if (!walk_begin(&e.walk, e.dir, e.options, &e.old, start))
		return EXPORT_FAIL(VERIFY_UNKNOWN, "unreadable", "could not read \"%s\"", e.old.missing);
	walk_bundle(&e.walk, (unsigned) (c.size - start));
	merkle_frontier_root(&e.walk.check.tree, root);
	if (report_findings() > 0 || memcmp(root, c.root, MERKLE_HASH_LEN) != 0)
		return EXPORT_FAIL(VERIFY_NOT, "damaged", "the folder that is there is damaged: it is not extended");
	e.check = e.walk.check;
	e.tiles = e.walk.tiles;
	e.tiles.full = tile_full;
	if (!open_rows())
		return false;
	if (c.size % MERKLE_TILE_WIDTH == 0)
		return true;
	memcpy(verify_buffer_room(&e.bundle, e.walk.entries.len), e.walk.entries.data, e.walk.entries.len);
	return copy_rows(e.walk.rows_path);
}

/* ---- the stream */

/* What belongs to the last leaf is through. */
static bool
close_leaf(void)
{
	log_check_result result;

	if (!e.leaf_open)
		return true;
	e.leaf_open = false;
	if (e.check.kind == ENCODE_KIND_ENTRY)
	{
		result = log_check_rows_end(&e.check);
		if (result != LOG_CHECK_OK)
			return fail_check(e.next - 1, result);
	}
	if (e.check.kind == ENCODE_KIND_BLOCK && !e.have_checkpoint)
		return EXPORT_FAIL(VERIFY_NOT, "no_checkpoint", "leaf %" PRIu64 ": the block has no checkpoint", e.next - 1);
	return tiles_append(&e.tiles, e.check.leaf_hash);
}

/* One that the folder has: it must be the same. */
static bool
compare_leaf(uint64_t index)
{
	uint8_t		hash[MERKLE_HASH_LEN];
	uint8_t		stored[MERKLE_HASH_LEN];

	merkle_leaf_hash(e.data.data, e.data.len, hash);
	if (!tiles_source(&e.old, (merkle_subtree) {0, index}, stored))
		return EXPORT_FAIL(VERIFY_UNKNOWN, "unreadable", "could not read \"%s\"", e.old.missing);
	if (memcmp(hash, stored, MERKLE_HASH_LEN) != 0)
		return EXPORT_FAIL(VERIFY_NOT, "inconsistent", "leaf %" PRIu64 " is not the one that the folder has", index);
	return true;
}

static bool
take_leaf(uint64_t index)
{
	uint8_t		length[2];
	log_check_result result;

	if (!e.begun && index > e.old.size)
		return EXPORT_FAIL(VERIFY_UNKNOWN, "gap", "the stream begins at leaf %" PRIu64 ", the folder ends before %" PRIu64,
						   index, e.old.size);
	if (!e.begun)
		e.next = index;
	e.begun = true;
	if (index != e.next)
		return EXPORT_FAIL(VERIFY_NOT, "gap", "leaf %" PRIu64 " comes where %" PRIu64 " was due", index, e.next);
	if (index < e.old.size)
	{
		e.next++;
		return compare_leaf(index);
	}
	if (!close_leaf())
		return false;
	if (e.data.len > LOG_LEAF_BYTES_MAX)
		return EXPORT_FAIL(VERIFY_NOT, "leaf_too_large", "leaf %" PRIu64 " has %zu bytes; tlog-tiles takes %d",
						   index, e.data.len, LOG_LEAF_BYTES_MAX);
	e.next++;
	result = log_check_leaf(&e.check, e.data.data, e.data.len);
	if (result != LOG_CHECK_OK)
		return fail_check(index, result);
	if (e.check.kind == ENCODE_KIND_SCHEMA)
		schema_set_add(&e.walk.schemas, e.check.leaf_hash, &e.check.schema);
	if (e.check.kind == ENCODE_KIND_ENTRY && e.old.size == 0 && !schema_set_has(&e.walk.schemas, &e.check.entry))
		return EXPORT_FAIL(VERIFY_NOT, "schema_unknown",
						   "leaf %" PRIu64 ": entry names a schema of its table that no leaf before it has", index);
	e.leaf_open = true;
	e.have_checkpoint = false;
	bytes_store_u16(length, (uint16_t) e.data.len);
	memcpy(verify_buffer_room(&e.bundle, 2), length, 2);
	memcpy(verify_buffer_room(&e.bundle, e.data.len), e.data.data, e.data.len);
	return put_rows_u32(e.check.kind == ENCODE_KIND_ENTRY ? e.check.row_count : 0);
}

static bool
take_row(uint64_t index)
{
	log_check_result result;

	if (index < e.old.size)
		return true;
	if (!e.leaf_open || index != e.next - 1 || e.check.kind != ENCODE_KIND_ENTRY)
		return EXPORT_FAIL(VERIFY_NOT, "row_count", "a row of leaf %" PRIu64 " comes where none belongs", index);
	result = log_check_row(&e.check, e.data.data, e.data.len);
	if (result != LOG_CHECK_OK)
		return fail_check(index, result);
	e.rows_seen++;
	return put_rows_u32((uint32_t) e.data.len) && put_rows(e.data.data, e.data.len);
}

static bool
take_checkpoint(uint64_t index)
{
	char		path[VERIFY_PATH_MAX];
	log_check_result result;

	if (index < e.old.size)
		return true;
	if (!e.leaf_open || index != e.next - 1 || e.check.kind != ENCODE_KIND_BLOCK || e.have_checkpoint)
		return EXPORT_FAIL(VERIFY_NOT, "checkpoint_unexpected", "a checkpoint of leaf %" PRIu64 " comes where none belongs", index);
	result = log_check_checkpoint(&e.check, (char *) e.data.data, e.data.len);
	if (result != LOG_CHECK_OK)
		return fail_check(index, result);
	e.have_checkpoint = true;
	snprintf(path, sizeof(path), "%s/checkpoints/%" PRIu64, e.dir, e.check.tree.size);
	if (!verify_write_file(path, e.data.data, e.data.len))
		return fail_write(path);
	e.checkpoint.len = 0;
	memcpy(verify_buffer_room(&e.checkpoint, e.data.len), e.data.data, e.data.len);
	return true;
}

static size_t
read_stream(void *context, void *out, size_t n)
{
	return fread(out, 1, n, context);
}

static bool
take_record(copy_stream *s, const copy_record *record)
{
	uint32_t	left = record->len;

	if (record->len > VERIFY_ROW_BYTES_MAX)
		return EXPORT_FAIL(VERIFY_NOT, "too_large", "a record of leaf %" PRIu64 " has %u bytes", record->index, record->len);
	e.data.len = 0;
	while (left > 0)
	{
		uint32_t	now = left < 65536 ? left : 65536;

		if (!copy_stream_read(s, verify_buffer_room(&e.data, now), now))
			return EXPORT_FAIL(VERIFY_NOT, "cut", "the stream ends within leaf %" PRIu64, record->index);
		left -= now;
	}
	(void) verify_buffer_room(&e.data, 1);	/* so that it is never NULL */
	e.data.len--;
	switch (record->kind)
	{
		case 'L':
			return take_leaf(record->index);
		case 'R':
			return take_row(record->index);
		case 'C':
			return take_checkpoint(record->index);
	}
	return EXPORT_FAIL(VERIFY_NOT, "stream_malformed", "leaf %" PRIu64 ": no such record: %u", record->index, (uint8_t) record->kind);
}

static bool
take_stream(void)
{
	copy_stream s;
	copy_record record;

	copy_stream_open(&s, read_stream, stdin);
	for (;;)
	{
		switch (copy_stream_next(&s, &record))
		{
			case COPY_STREAM_RECORD:
				if (!take_record(&s, &record))
					return false;
				break;
			case COPY_STREAM_END:
				if (e.begun && e.next < e.old.size)
					return EXPORT_FAIL(VERIFY_NOT, "smaller", "the stream ends before leaf %" PRIu64 ", which the folder has",
									   e.next);
				if (e.leaf_open && e.check.kind != ENCODE_KIND_BLOCK)
					return EXPORT_FAIL(VERIFY_NOT, "cut", "the stream does not end with a block");
				return close_leaf();
			case COPY_STREAM_CUT:
				return EXPORT_FAIL(VERIFY_NOT, "cut", "the stream breaks off after %" PRIu64 " leaves", e.next);
			case COPY_STREAM_MALFORMED:
				return EXPORT_FAIL(VERIFY_NOT, "stream_malformed", "this is not the stream of an export (COPY ... FORMAT binary)");
		}
	}
}

/* ---- the end */

static void
remove_partials(int level, const char *kind, uint64_t size)
{
	uint64_t	n = e.old.size >> (MERKLE_TILE_BITS * level) >> MERKLE_TILE_BITS;
	char		path[VERIFY_PATH_MAX];

	if (tiles_width(size, level, n) < MERKLE_TILE_WIDTH)
		return;
	/* the full one is there: partial ones may go, and their folder with them */
	for (unsigned width = 1; width < MERKLE_TILE_WIDTH; width++)
	{
		verify_tile_path(path, e.dir, kind, n, width);
		unlink(path);
	}
	*strrchr(path, '/') = '\0';
	rmdir(path);
}

/* The partial tiles, and then the checkpoint that needs them. */
static bool
finish(void)
{
	uint64_t	size = e.tiles.tree.size;
	char		path[VERIFY_PATH_MAX];

	for (int level = 0; level < TILES_LEVELS; level++)
	{
		if (e.tiles.count[level] > 0 &&
			!write_tile(level, size >> (MERKLE_TILE_BITS * level) >> MERKLE_TILE_BITS, e.tiles.count[level],
						(const uint8_t (*)[MERKLE_HASH_LEN]) e.tiles.hash[level]))
			return false;
	}
	if (e.tiles.count[0] > 0 &&
		(!write_file("tile/entries", size / MERKLE_TILE_WIDTH, e.tiles.count[0], e.bundle.data, e.bundle.len) ||
		 !name_rows(size / MERKLE_TILE_WIDTH, e.tiles.count[0])))
		return false;
	snprintf(path, sizeof(path), "%s/checkpoint", e.dir);
	if (syncfs(e.dir_fd) != 0 || !verify_write_file(path, e.checkpoint.data, e.checkpoint.len))
		return fail_write(path);
	remove_partials(0, "tile/entries", size);
	remove_partials(0, "rows", size);
	for (int level = 0; level < TILES_LEVELS; level++)
	{
		char		kind[16];

		snprintf(kind, sizeof(kind), "tile/%d", level);
		remove_partials(level, kind, size);
	}
	return true;
}

static verify_status
export_stream(void)
{
	uint64_t	size;

	if (!resume())
		return e.status;
	if (!take_stream())
	{
		remove_beyond(e.old.size);
		return e.status;
	}
	size = e.tiles.tree.size;
	if (size == 0)
		return report_end(VERIFY_UNKNOWN, "empty", "the stream has no leaf");
	if (size > e.old.size && !finish())
		return e.status;
	report_number("old_size", e.old.size);
	report_number("log_size", size);
	report_number("rows", e.rows_seen);
	if (size == e.old.size)
		return report_end(VERIFY_OK, "unchanged", "the folder was up to date, at size %" PRIu64, size);
	return report_end(VERIFY_OK, "exported", "%" PRIu64 " leaves checked and written", size - e.old.size);
}

verify_status
verify_export(const verify_options *o)
{
	verify_status status;
	note_checkpoint c;

	e.options = o;
	e.dir = o->operand[0];
	if (o->next)
	{
		if (!read_old_checkpoint(&c))
			return e.status;
		printf("%" PRIu64 "\n", c.size);
		return fflush(stdout) == 0 ? VERIFY_OK : VERIFY_UNKNOWN;
	}
	if (mkdir(e.dir, 0777) != 0 && errno != EEXIST)
		return report_end(VERIFY_UNKNOWN, "unwritable", "could not make \"%s\": %s", e.dir, strerror(errno));
	e.dir_fd = open(e.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (e.dir_fd < 0 || flock(e.dir_fd, LOCK_EX | LOCK_NB) != 0)
		return report_end(VERIFY_UNKNOWN, "unwritable", "could not lock \"%s\": %s", e.dir,
						  errno == EWOULDBLOCK ? "another export is writing to it" : strerror(errno));
	status = export_stream();
	if (e.rows != NULL)
		fclose(e.rows);
	if (e.rows_temporary[0] != '\0')
		unlink(e.rows_temporary);
	walk_end(&e.walk);
	free(e.bundle.data);
	free(e.data.data);
	free(e.checkpoint.data);
	close(e.dir_fd);
	return status;
}
