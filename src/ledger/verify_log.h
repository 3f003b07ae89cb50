/*
 * verify_log.h: between verify_log.c and verify_block.c: the pass over the log.
 */
#ifndef LEDGER_VERIFY_LOG_H
#define LEDGER_VERIFY_LOG_H

#include "ledger/log.h"
#include "ledger/verify_parts.h"

/* columns of a block's row */
#define AT_FRONTIER LOG_BLOCK_COLUMN_COUNT
#define AT_NOTE (AT_FRONTIER + 1)
#define AT_INCARNATION (AT_FRONTIER + 2)
#define AT_KEY_NUMBER (AT_FRONTIER + 3)
#define BLOCK_COLUMNS LOG_BLOCK_COLUMNS ", frontier, note, incarnation, key_number"
#define BLOCK_COLUMN_COUNT (AT_FRONTIER + 4)

/* A leaf as the log's order has it. */
typedef struct LogLeaf
{
	uint64		index;
	int			kind;
	int64		ref;			/* -1: none */
	const uint8 *stored;		/* its hash when it was sealed; NULL: none */
} LogLeaf;

/* One whose row gives another hash than the stored one. */
typedef struct LogSuspect
{
	uint64		index;
	int			kind;
	int64		ref;
	bool		has_stored;
	uint8		stored[MERKLE_HASH_LEN];
	uint8		computed[MERKLE_HASH_LEN];
} LogSuspect;

/* A subtree that became complete in the block at hand. */
typedef struct LogSubtree
{
	int			level;
	uint64		index;
	uint8		stored[MERKLE_HASH_LEN];
	uint8		computed[MERKLE_HASH_LEN];
} LogSubtree;

typedef struct LogPass
{
	Verification *v;
	Record	   *block;
	Record	   *schema;
	Record	   *event;
	EntryDirectory *entries;
	SubtreeReader *subtrees;
	merkle_frontier stored;		/* over the stored hashes; its size is the position in the log */
	merkle_frontier computed;	/* over the rows' hashes, where the block at hand has others */
	bool		diverged;		/* it has */
	bool		stored_broken;	/* a leaf of the block at hand has no stored hash */
	bool		computed_broken;	/* a leaf of it cannot be hashed */
	uint64		batch_first;	/* index of its first leaf */
	uint8		block_hash[MERKLE_HASH_LEN];	/* of the block before */
	LogSuspect *suspect;
	int			suspect_count;
	int			suspect_cap;
	LogSubtree *subtree;
	int			subtree_count;
	int			subtree_cap;
	int64		latest_us;		/* the latest time in the block at hand, and whose it is */
	int			latest_kind;
	int64		latest_ref;
	MemoryContext context;		/* holds all this; rows are read into another one */
} LogPass;

/* verify_log.c: which table a leaf of that kind refers to; entry_missing, schema_changed, ... */
extern const char *log_kind_table(int kind);
extern char *log_kind_finding(int kind, const char *what);

/* A leaf onto the frontiers.  computed: its hash from its row; NULL: it has none. */
extern void log_append(LogPass *p, const LogLeaf *leaf, const uint8 *computed);

/* One that cannot be hashed: what the rows give is void until the next signed block. */
extern void log_broken_leaf(LogPass *p, const LogLeaf *leaf, const char *what);

/* verify_block.c: a block closes its batch: everything up to it is under one signature. */
extern void log_check_block(LogPass *p, const LogLeaf *leaf, const Datum *values, const bool *nulls);

/* Leaves that no block's signature decides about. */
extern void log_undecided(LogPass *p);

#endif							/* LEDGER_VERIFY_LOG_H */
