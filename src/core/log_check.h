/*
 * log_check.h: reads a whole log from its first leaf on, or from where one ended, and
 * checks each thing in it against the others.
 *
 * Fed in order: a leaf; after an entry its rows, then log_check_rows_end; after a
 * block its checkpoint.  Each call says what is wrong with what it was given and
 * goes on, so that one damaged leaf is one finding.
 */
#ifndef CORE_LOG_CHECK_H
#define CORE_LOG_CHECK_H

#include "core/decode.h"
#include "core/merkle.h"
#include "core/note.h"

#define LOG_LEAF_BYTES_MAX 65535	/* tlog-tiles counts a leaf's bytes in 16 bits */

typedef enum log_check_result
{
	LOG_CHECK_OK = 0,
	LOG_CHECK_LEAF_MALFORMED,	/* not the data of a leaf */
	LOG_CHECK_BLOCK_HEIGHT,		/* not one more than the block before */
	LOG_CHECK_BLOCK_CHAIN,		/* names another block before */
	LOG_CHECK_BLOCK_SPAN,		/* does not cover the leaves since the block before */
	LOG_CHECK_ROW_MALFORMED,
	LOG_CHECK_ROW_OUTSIDE,		/* ledger_id not in the entry's run */
	LOG_CHECK_ROW_ORDER,		/* ledger_id not above the row's before */
	LOG_CHECK_ROW_COUNT,		/* more or fewer rows than the entry says */
	LOG_CHECK_ROWS_ROOT,		/* the rows do not give the entry's root */
	LOG_CHECK_NOTE_MALFORMED,	/* not a signed checkpoint */
	LOG_CHECK_NOTE_OTHER_KEY,	/* signed by none of the keys */
	LOG_CHECK_NOTE_SIGNATURE,	/* a key's signature, and wrong */
	LOG_CHECK_NOTE_ORIGIN,		/* of another log than the key's */
	LOG_CHECK_NOTE_SIZE,		/* of another size */
	LOG_CHECK_NOTE_ROOT,		/* another root than the leaves give */
	LOG_CHECK_RESULT_COUNT
} log_check_result;

typedef struct log_check
{
	const note_key *key;
	int			key_count;
	merkle_frontier tree;		/* the leaves so far */
	/* the last block */
	bool		chain_known;
	uint64_t	height;
	uint8_t		block_hash[MERKLE_HASH_LEN];
	uint64_t	batch_first;	/* index of the leaf after it */
	/* the last leaf */
	int			kind;			/* 0: malformed */
	uint8_t		leaf_hash[MERKLE_HASH_LEN];
	decode_entry entry;			/* where kind says so; points into the leaf's data */
	decode_schema schema;
	/* rows of the last entry */
	merkle_frontier rows;
	uint64_t	first_id;
	uint64_t	last_id;
	uint64_t	id_floor;		/* ids are not below it any more */
	uint32_t	row_count;
	uint8_t		rows_root[MERKLE_HASH_LEN];
	bool		rows_damaged;	/* said already: the root need not match */
} log_check;

/* From the first leaf on.  The keys must stay where they are. */
extern void log_check_begin(log_check *c, const note_key *key, int key_count);

/* From a tree of leaves that stand elsewhere; its last block is not known. */
extern void log_check_resume(log_check *c, const note_key *key, int key_count, const merkle_frontier *tree);

extern log_check_result log_check_leaf(log_check *c, const void *data, size_t len);

/* A leaf whose data cannot be had: only its hash. */
extern void log_check_lost_leaf(log_check *c, const uint8_t hash[MERKLE_HASH_LEN]);

extern log_check_result log_check_row(log_check *c, const void *data, size_t len);
extern log_check_result log_check_rows_end(log_check *c);

/* A checkpoint of the tree as it is now. */
extern log_check_result log_check_checkpoint(const log_check *c, const char *note, size_t len);

/* One signed by any of the keys, under its name; its size and root are not compared. */
extern log_check_result log_check_note(const note_key *key, int key_count, const char *note, size_t len,
									   note_checkpoint *checkpoint);

extern const char *log_check_name(log_check_result result);
extern const char *log_check_sentence(log_check_result result);

#endif							/* CORE_LOG_CHECK_H */
