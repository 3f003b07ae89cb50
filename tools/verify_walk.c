/*
 * verify_walk.c: reads the bundles of an exported folder in order.
 *
 * Two trees grow side by side, one from the leaves' data and one from the tiles.
 * Where they part, the next signed checkpoint says which of the two was right, and
 * the other goes on from there: so a flipped bit is one finding, at its place,
 * and not one for every checkpoint behind it.
 *
 * What is held is one bundle, one row and a hash for every schema.
 */
#include "verify_walk.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/encode.h"
#include "core/sha256.h"

#define WALK_ENTRIES_MAX ((size_t) MERKLE_TILE_WIDTH * (2 + LOG_LEAF_BYTES_MAX))
#define WALK_PIECE 65536

static void
finding(const char *path, int64_t index, log_check_result result)
{
	report_finding(path, index, log_check_name(result), "%s", log_check_sentence(result));
}

static bool
tile_full(void *context, int level, uint64_t n, const uint8_t (*hash)[MERKLE_HASH_LEN])
{
	verify_walk *w = context;
	uint8_t		stored[MERKLE_TILE_WIDTH][MERKLE_HASH_LEN];
	char		path[VERIFY_PATH_MAX];
	char		kind[16];

	if (level == 0)
		return true;			/* that one is where the hashes come from */
	snprintf(kind, sizeof(kind), "tile/%d", level);
	verify_tile_path(path, w->dir, kind, n, MERKLE_TILE_WIDTH);
	if (!tiles_read(w->dir, level, n, MERKLE_TILE_WIDTH, stored))
		report_finding(path, -1, "unreadable", "is not a tile of %d hashes", MERKLE_TILE_WIDTH);
	else if (memcmp(stored, hash, sizeof(stored)) != 0)
		report_finding(path, -1, "tile_hash", "its hashes are not the roots of the tiles below");
	walk_partials(w->dir, kind, n, MERKLE_TILE_WIDTH, path, NULL);
	return true;
}

bool
walk_begin(verify_walk *w, const char *dir, const verify_options *o, tiles_folder *tiles, uint64_t size)
{
	memset(w, 0, sizeof(*w));
	w->dir = dir;
	w->tiles.full = tile_full;
	w->tiles.context = w;
	w->n = size / MERKLE_TILE_WIDTH;
	w->schemas_complete = size == 0;
	if (size == 0)
	{
		log_check_begin(&w->check, o->key, o->key_count);
		return true;
	}
	if (!tiles_resume(&w->tiles, tiles, size))
		return false;
	log_check_resume(&w->check, o->key, o->key_count, &w->tiles.tree);
	return true;
}

void
walk_end(verify_walk *w)
{
	free(w->entries.data);
	free(w->row.data);
	free(w->note.data);
	free(w->schemas.slot);
}

bool
walk_read(FILE *f, verify_buffer *b, size_t n)
{
	b->len = 0;
	while (n > 0)
	{
		size_t		now = n < WALK_PIECE ? n : WALK_PIECE;

		if (fread(verify_buffer_room(b, now), 1, now, f) != now)
			return false;
		n -= now;
	}
	return true;
}

/* ---- one bundle's files */

static void
open_bundle(verify_walk *w, unsigned width)
{
	verify_read r;

	w->width = width;
	verify_tile_path(w->entries_path, w->dir, "tile/entries", w->n, width);
	verify_tile_path(w->tile_path, w->dir, "tile/0", w->n, width);
	verify_tile_path(w->rows_path, w->dir, "rows", w->n, width);
	r = verify_read_file(w->entries_path, WALK_ENTRIES_MAX, &w->entries);
	w->entries_lost = r != VERIFY_READ_OK;
	w->entries_at = 0;
	w->strangers = 0;
	if (w->entries_lost)
		report_finding(w->entries_path, -1, "unreadable", "%s", verify_read_text(r));
	w->tile_lost = !tiles_read(w->dir, 0, w->n, width, w->tile);
	if (w->tile_lost)
		report_finding(w->tile_path, -1, "unreadable", "is not a tile of %u hashes", width);
	w->rows_at = 0;
	w->rows_file = w->no_rows ? NULL : fopen(w->rows_path, "rb");
	if (w->rows_file == NULL && !w->no_rows)
		report_finding(w->rows_path, -1, "unreadable", "%s", strerror(errno));
}

static void
lose_rows(verify_walk *w, int64_t index, const char *kind, const char *detail)
{
	report_finding(w->rows_path, index, kind, "%s", detail);
	fclose(w->rows_file);
	w->rows_file = NULL;
}

static bool
take_u32(verify_walk *w, uint32_t *value)
{
	uint8_t		data[4];

	if (fread(data, 1, 4, w->rows_file) != 4)
		return false;
	w->rows_at += 4;
	*value = bytes_load_u32(data);
	return true;
}

static void
close_bundle(verify_walk *w)
{
	uint64_t	ends[MERKLE_TILE_WIDTH + 1];

	if (!w->entries_lost && w->entries_at != w->entries.len)
		report_finding(w->entries_path, -1, "trailing_bytes", "%zu bytes follow its last leaf", w->entries.len - w->entries_at);
	if (w->rows_file != NULL && fgetc(w->rows_file) != EOF)
		lose_rows(w, -1, "trailing_bytes", "bytes follow its last row");
	for (unsigned i = 0; i <= w->width; i++)
		ends[i] = w->entries_end[i];
	if (!w->entries_lost)
		walk_partials(w->dir, "tile/entries", w->n, w->width, w->entries_path, ends);
	if (!w->tile_lost)
		walk_partials(w->dir, "tile/0", w->n, w->width, w->tile_path, NULL);
	if (w->rows_file != NULL)
	{
		fclose(w->rows_file);
		walk_partials(w->dir, "rows", w->n, w->width, w->rows_path, w->rows_end);
	}
	w->rows_file = NULL;
}

/* ---- what belongs to a leaf */

/* count ‖ count x lp(row); checked against the entry, or passed over where that is lost. */
static void
walk_rows(verify_walk *w, int64_t index)
{
	bool		entry = w->check.kind == ENCODE_KIND_ENTRY;
	uint32_t	count;

	if (!take_u32(w, &count))
	{
		lose_rows(w, index, "cut", "ends before its last row");
		return;
	}
	if (count > DECODE_ENTRY_ROWS_MAX || (w->check.kind != 0 && !entry && count != 0))
	{
		lose_rows(w, index, "row_count", "has rows where the log has none");
		return;
	}
	for (uint32_t i = 0; i < count; i++)
	{
		uint32_t	len;
		log_check_result result;

		if (!take_u32(w, &len) || len > VERIFY_ROW_BYTES_MAX || !walk_read(w->rows_file, &w->row, len))
		{
			lose_rows(w, index, "cut", "ends within a row, or has one of more than 256 MiB");
			return;
		}
		w->rows_at += len;
		w->rows_seen++;
		result = entry ? log_check_row(&w->check, w->row.data, len) : LOG_CHECK_OK;
		if (result != LOG_CHECK_OK)
			report_finding(w->rows_path, index, log_check_name(result), "row %u: %s", i, log_check_sentence(result));
	}
	if (entry)
	{
		log_check_result result = log_check_rows_end(&w->check);

		if (result != LOG_CHECK_OK)
			report_finding(w->rows_path, index, log_check_name(result), "entry of %.*s from ledger_id %" PRIu64 ": %s",
						   w->check.entry.relation.len > 200 ? 200 : (int) w->check.entry.relation.len,
						   w->check.entry.relation.text, w->check.first_id, log_check_sentence(result));
	}
}

/* The checkpoint of the block that was just read: judges both trees. */
static void
walk_checkpoint(verify_walk *w)
{
	char		path[VERIFY_PATH_MAX];
	verify_read r;
	log_check_result by_data;
	log_check_result by_tiles;
	log_check	other = w->check;

	w->blocks++;
	snprintf(path, sizeof(path), "%s/checkpoints/%" PRIu64, w->dir, w->check.tree.size);
	r = verify_read_file(path, NOTE_BYTES_MAX, &w->note);
	if (r != VERIFY_READ_OK)
	{
		report_finding(path, -1, "unreadable", "%s", verify_read_text(r));
		return;
	}
	by_data = log_check_checkpoint(&w->check, (char *) w->note.data, w->note.len);
	if (by_data != LOG_CHECK_OK && by_data != LOG_CHECK_NOTE_ROOT)
	{
		finding(path, (int64_t) w->check.tree.size - 1, by_data);
		return;
	}
	other.tree = w->tiles.tree;
	by_tiles = log_check_checkpoint(&other, (char *) w->note.data, w->note.len);
	if (by_data == LOG_CHECK_OK && by_tiles != LOG_CHECK_OK)
		w->tiles.tree = w->check.tree;
	else if (by_data != LOG_CHECK_OK && by_tiles == LOG_CHECK_OK)
		w->check.tree = w->tiles.tree;
	else if (by_data != LOG_CHECK_OK)
		finding(path, (int64_t) w->check.tree.size - 1, by_data);
}

static void
walk_kind(verify_walk *w, int64_t index)
{
	if (w->check.kind == ENCODE_KIND_SCHEMA)
		schema_set_add(&w->schemas, w->check.leaf_hash, &w->check.schema);
	else if (w->check.kind == ENCODE_KIND_ENTRY && w->schemas_complete && !schema_set_has(&w->schemas, &w->check.entry))
		report_finding(w->entries_path, index, "schema_unknown",
					   "entry names a schema of its table that no leaf before it has");
	else if (w->check.kind == ENCODE_KIND_BLOCK)
		walk_checkpoint(w);
	for (int i = 0; i < w->against_count; i++)
	{
		walk_against *a = &w->against[i];
		uint8_t		root[MERKLE_HASH_LEN];

		if (a->checkpoint.size != w->check.tree.size)
			continue;
		a->seen = true;
		merkle_frontier_root(&w->check.tree, root);
		if (memcmp(root, a->checkpoint.root, MERKLE_HASH_LEN) != 0)
			report_finding(a->path, index, "inconsistent", "the folder's log of that size has another root");
	}
}

/*
 * The leaf's data and the tile disagree.  Where they do for one leaf after the other, the
 * bundle was shifted (a length is wrong) or the tile replaced: that is said once,
 * and what such leaves seem to be is not looked at.
 */
static void
walk_stranger(verify_walk *w, int64_t index)
{
	w->schemas_complete = false;	/* this leaf may have been a schema */
	if (++w->strangers == 1)
		report_finding(w->entries_path, index, "leaf_hash", "the hash in \"%s\" is not that of the leaf's data", w->tile_path);
	else if (w->strangers == 2)
		report_finding(w->entries_path, index, "leaf_hash", "nor are those of this leaf and others after it");
	if (w->strangers >= 2)
	{
		w->check.kind = 0;
		w->check.chain_known = false;
		w->blocks_missed = true;
	}
}

static void
walk_leaf(verify_walk *w, unsigned i)
{
	int64_t		index = (int64_t) w->check.tree.size;
	const uint8_t *at = w->entries.data + w->entries_at;
	size_t		left = w->entries.len - w->entries_at;
	size_t		len = !w->entries_lost && left >= 2 ? bytes_load_u16(at) : 0;
	log_check_result result = LOG_CHECK_OK;

	if (!w->entries_lost && (left < 2 || len > left - 2))
	{
		report_finding(w->entries_path, index, "cut", "ends within this leaf");
		w->entries_lost = true;
	}
	if (w->entries_lost && w->tile_lost)
	{
		report_finding(w->entries_path, index, "lost", "neither the leaf nor its hash is there: what follows was not checked");
		w->stopped = true;
		return;
	}
	if (w->entries_lost)
	{
		log_check_lost_leaf(&w->check, w->tile[i]);
		w->blocks_missed = true;
	}
	else
	{
		result = log_check_leaf(&w->check, at + 2, len);
		w->entries_at += 2 + len;
		if (w->tile_lost || memcmp(w->tile[i], w->check.leaf_hash, MERKLE_HASH_LEN) == 0)
			w->strangers = 0;
		else
			walk_stranger(w, index);
		if (result != LOG_CHECK_OK && w->strangers < 2)
			finding(w->entries_path, index, result);
	}
	if (w->check.kind == 0)
		w->schemas_complete = false;	/* it may have been one */
	tiles_append(&w->tiles, w->tile_lost ? w->check.leaf_hash : w->tile[i]);
	if (w->rows_file != NULL)
		walk_rows(w, index);
	walk_kind(w, index);
}

void
walk_bundle(verify_walk *w, unsigned width)
{
	open_bundle(w, width);
	for (unsigned i = 0; i < width && !w->stopped; i++)
	{
		w->entries_end[i] = w->entries_at;
		w->rows_end[i] = w->rows_at;
		walk_leaf(w, i);
	}
	w->entries_end[width] = w->entries_at;
	w->rows_end[width] = w->rows_at;
	if (!w->stopped)
		close_bundle(w);
	else if (w->rows_file != NULL)
		fclose(w->rows_file);
	w->n++;
}

/* ---- schemas */

/* One hash for what an entry says: which schema, of which table, which version. */
static void
schema_key(const uint8_t digest[MERKLE_HASH_LEN], const decode_text *relation, uint32_t version,
		   uint8_t out[MERKLE_HASH_LEN])
{
	uint8_t		head[MERKLE_HASH_LEN + 4];

	memcpy(head, digest, MERKLE_HASH_LEN);
	bytes_store_u32(head + MERKLE_HASH_LEN, version);
	sha256_of_two(head, sizeof(head), relation->text, relation->len, out);
}

/* The slot that holds key, or the free one where it would go. */
static uint32_t
schema_slot(const schema_set *s, const uint8_t key[MERKLE_HASH_LEN])
{
	static const uint8_t none[MERKLE_HASH_LEN];
	uint32_t	i = bytes_load_u32(key) & (s->slots - 1);

	while (memcmp(s->slot[i], none, MERKLE_HASH_LEN) != 0 && memcmp(s->slot[i], key, MERKLE_HASH_LEN) != 0)
		i = (i + 1) & (s->slots - 1);
	return i;
}

static void
schema_set_grow(schema_set *s)
{
	schema_set	larger = {0};

	larger.slots = s->slots == 0 ? 64 : s->slots * 2;
	larger.slot = verify_alloc((size_t) larger.slots * MERKLE_HASH_LEN);
	memset(larger.slot, 0, (size_t) larger.slots * MERKLE_HASH_LEN);
	for (uint32_t i = 0; i < s->slots; i++)
		memcpy(larger.slot[schema_slot(&larger, s->slot[i])], s->slot[i], MERKLE_HASH_LEN);
	free(s->slot);
	s->slot = larger.slot;
	s->slots = larger.slots;
}

void
schema_set_add(schema_set *s, const uint8_t leaf_hash[MERKLE_HASH_LEN], const decode_schema *schema)
{
	uint8_t		key[MERKLE_HASH_LEN];

	if (s->count >= VERIFY_SCHEMAS_MAX)
	{
		s->overflown = true;
		return;
	}
	if (s->count >= s->slots / 2)
		schema_set_grow(s);
	schema_key(leaf_hash, &schema->relation, schema->schema_version, key);
	memcpy(s->slot[schema_slot(s, key)], key, MERKLE_HASH_LEN);
	s->count++;
}

bool
schema_set_has(const schema_set *s, const decode_entry *entry)
{
	static const uint8_t none[MERKLE_HASH_LEN];
	uint8_t		key[MERKLE_HASH_LEN];

	if (s->slots == 0)
		return false;
	schema_key(entry->schema_digest, &entry->relation, entry->schema_version, key);
	return memcmp(s->slot[schema_slot(s, key)], none, MERKLE_HASH_LEN) != 0;
}
