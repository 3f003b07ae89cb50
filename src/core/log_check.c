/*
 * log_check.c: the rules of a log, leaf by leaf, for whoever holds all of it.
 *
 * It trusts nothing but the keys: leaves give the tree, blocks must chain and span
 * what lies between them, rows must give their entry's root, and each checkpoint must
 * be signed and have the root that the leaves have given so far.  The state is a
 * few hashes, whatever the log's length.  Which schema an entry names is left to the
 * caller, who has the memory to remember schemas.
 */
#include "core/log_check.h"

#include <string.h>

#include "core/encode.h"

void
log_check_begin(log_check *c, const note_key *key, int key_count)
{
	memset(c, 0, sizeof(*c));
	c->key = key;
	c->key_count = key_count;
	merkle_frontier_init(&c->tree);
	c->chain_known = true;
}

void
log_check_resume(log_check *c, const note_key *key, int key_count, const merkle_frontier *tree)
{
	log_check_begin(c, key, key_count);
	c->tree = *tree;
	c->chain_known = false;
}

static log_check_result
log_check_block(log_check *c, const decode_block *b)
{
	uint64_t	index = c->tree.size - 1;	/* the block's own */
	log_check_result result = LOG_CHECK_OK;

	if (c->chain_known && b->height != c->height + 1)
		result = LOG_CHECK_BLOCK_HEIGHT;
	else if (c->chain_known && memcmp(b->previous_block_hash, c->block_hash, MERKLE_HASH_LEN) != 0)
		result = LOG_CHECK_BLOCK_CHAIN;
	else if (b->first_index > index || b->count != index - b->first_index ||
			 (c->chain_known && b->first_index != c->batch_first))
		result = LOG_CHECK_BLOCK_SPAN;
	c->chain_known = true;
	c->height = b->height;
	memcpy(c->block_hash, c->leaf_hash, MERKLE_HASH_LEN);
	c->batch_first = index + 1;
	return result;
}

static void
log_check_expect_rows(log_check *c)
{
	merkle_frontier_init(&c->rows);
	c->first_id = c->entry.first_id;
	c->last_id = c->entry.last_id;
	c->id_floor = c->entry.first_id;
	c->row_count = c->entry.row_count;
	memcpy(c->rows_root, c->entry.rows_root, MERKLE_HASH_LEN);
	c->rows_damaged = false;
}

log_check_result
log_check_leaf(log_check *c, const void *data, size_t len)
{
	decode_block block;
	decode_event event;
	bool		ok = false;

	c->kind = len > LOG_LEAF_BYTES_MAX ? 0 : decode_kind(data, len);
	merkle_leaf_hash(data, len, c->leaf_hash);
	merkle_frontier_append(&c->tree, c->leaf_hash);
	if (c->kind == ENCODE_KIND_ENTRY)
	{
		ok = decode_entry_read(data, len, &c->entry);
		if (ok)
			log_check_expect_rows(c);
	}
	else if (c->kind == ENCODE_KIND_SCHEMA)
		ok = decode_schema_read(data, len, &c->schema);
	else if (c->kind == ENCODE_KIND_BLOCK)
	{
		ok = decode_block_read(data, len, &block);
		if (ok)
			return log_check_block(c, &block);
	}
	else if (c->kind != 0)
		ok = decode_event_read(data, len, &event);
	if (!ok)
	{
		c->kind = 0;
		c->chain_known = false; /* it may have been a block */
	}
	return ok ? LOG_CHECK_OK : LOG_CHECK_LEAF_MALFORMED;
}

void
log_check_lost_leaf(log_check *c, const uint8_t hash[MERKLE_HASH_LEN])
{
	c->kind = 0;
	c->chain_known = false;
	memcpy(c->leaf_hash, hash, MERKLE_HASH_LEN);
	merkle_frontier_append(&c->tree, hash);
}

log_check_result
log_check_row(log_check *c, const void *data, size_t len)
{
	uint8_t		hash[MERKLE_HASH_LEN];
	log_check_result result = LOG_CHECK_OK;
	decode_row	row;

	merkle_leaf_hash(data, len, hash);
	merkle_frontier_append(&c->rows, hash);
	if (!decode_row_read(data, len, &row))
		result = LOG_CHECK_ROW_MALFORMED;
	else if (row.ledger_id < c->first_id || row.ledger_id > c->last_id)
		result = LOG_CHECK_ROW_OUTSIDE;
	else if (row.ledger_id < c->id_floor)
		result = LOG_CHECK_ROW_ORDER;
	else
		c->id_floor = row.ledger_id + 1;
	if (result != LOG_CHECK_OK)
		c->rows_damaged = true;
	return result;
}

log_check_result
log_check_rows_end(log_check *c)
{
	uint8_t		root[MERKLE_HASH_LEN];

	if (c->rows.size != c->row_count)
		return LOG_CHECK_ROW_COUNT;
	merkle_frontier_root(&c->rows, root);
	if (!c->rows_damaged && memcmp(root, c->rows_root, MERKLE_HASH_LEN) != 0)
		return LOG_CHECK_ROWS_ROOT;
	return LOG_CHECK_OK;
}

log_check_result
log_check_note(const note_key *key, int key_count, const char *note, size_t len,
			   note_checkpoint *checkpoint)
{
	log_check_result result = LOG_CHECK_NOTE_OTHER_KEY;

	for (int i = 0; i < key_count; i++)
	{
		size_t		text_len;

		switch (note_verify(note, len, &key[i], &text_len))
		{
			case NOTE_VALID:
				if (!note_checkpoint_parse(note, text_len, checkpoint))
					return LOG_CHECK_NOTE_MALFORMED;
				if (strcmp(checkpoint->origin, key[i].name) == 0)
					return LOG_CHECK_OK;
				result = LOG_CHECK_NOTE_ORIGIN;
				break;
			case NOTE_INVALID:
				return LOG_CHECK_NOTE_SIGNATURE;
			case NOTE_UNSIGNED:
				break;
			case NOTE_MALFORMED:
				return LOG_CHECK_NOTE_MALFORMED;
		}
	}
	return result;
}

log_check_result
log_check_checkpoint(const log_check *c, const char *note, size_t len)
{
	note_checkpoint checkpoint;
	uint8_t		root[MERKLE_HASH_LEN];
	log_check_result result = log_check_note(c->key, c->key_count, note, len, &checkpoint);

	if (result != LOG_CHECK_OK)
		return result;
	if (checkpoint.size != c->tree.size)
		return LOG_CHECK_NOTE_SIZE;
	merkle_frontier_root(&c->tree, root);
	return memcmp(checkpoint.root, root, MERKLE_HASH_LEN) == 0 ? LOG_CHECK_OK : LOG_CHECK_NOTE_ROOT;
}

static const struct
{
	const char *name;
	const char *sentence;
}			log_check_text[LOG_CHECK_RESULT_COUNT] = {
	[LOG_CHECK_OK] = {"ok", "nothing is wrong"},
	[LOG_CHECK_LEAF_MALFORMED] = {"leaf_malformed", "is not the data of a leaf"},
	[LOG_CHECK_BLOCK_HEIGHT] = {"block_height", "block's height is not one more than that of the block before"},
	[LOG_CHECK_BLOCK_CHAIN] = {"block_chain", "block does not name the block before"},
	[LOG_CHECK_BLOCK_SPAN] = {"block_span", "block does not cover the leaves since the block before"},
	[LOG_CHECK_ROW_MALFORMED] = {"row_malformed", "are not the bytes of a row"},
	[LOG_CHECK_ROW_OUTSIDE] = {"row_outside", "row's ledger_id lies outside of its entry"},
	[LOG_CHECK_ROW_ORDER] = {"row_order", "row's ledger_id is not above that of the row before"},
	[LOG_CHECK_ROW_COUNT] = {"row_count", "entry has another number of rows"},
	[LOG_CHECK_ROWS_ROOT] = {"rows_root", "rows do not give the entry's root of rows"},
	[LOG_CHECK_NOTE_MALFORMED] = {"note_malformed", "is not a signed checkpoint"},
	[LOG_CHECK_NOTE_OTHER_KEY] = {"other_key", "checkpoint is signed by none of the keys"},
	[LOG_CHECK_NOTE_SIGNATURE] = {"wrong_signature", "checkpoint's signature is wrong"},
	[LOG_CHECK_NOTE_ORIGIN] = {"wrong_origin", "checkpoint is of another log than the key's"},
	[LOG_CHECK_NOTE_SIZE] = {"checkpoint_size", "checkpoint is of another size"},
	[LOG_CHECK_NOTE_ROOT] = {"checkpoint_root", "checkpoint's root is not the one that the leaves give"},
};

const char *
log_check_name(log_check_result result)
{
	return result < LOG_CHECK_RESULT_COUNT ? log_check_text[result].name : "unknown";
}

const char *
log_check_sentence(log_check_result result)
{
	return result < LOG_CHECK_RESULT_COUNT ? log_check_text[result].sentence : "unknown result";
}
