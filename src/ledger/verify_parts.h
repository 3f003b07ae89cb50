/*
 * verify_parts.h: between the files that make up energyledger.verify(); nobody else
 * includes it.
 *
 *   verify.c            what is verified, in which order, and what is said at the end
 *   verify_log.c        the log, leaf by leaf
 *   verify_block.c      what a block's signature decides
 *   verify_range.c      a part of the ledger
 *   verify_tree.c       stored subtrees; the tree at an earlier size
 *   verify_checkpoint.c checkpoints that the caller holds: against, since
 *   verify_members.c    is everything sealed in the log exactly once?
 *   verify_tables.c     which tables there are, and which table an entry is about
 *   verify_entries.c    entries by ledger_id
 *   verify_sort.c       rows in the order of their ids
 *   verify_scan.c       rows to entries, without a sort: one process
 *   verify_parallel.c   several participants
 *   verify_walk.c       rows to entries, sorted, naming what does not fit
 *   verify_redaction.c  redacted values against the log's redactions
 *   verify_record.c     rows of the log's tables, read without trusting them
 *   verify_datum.c      tuples and values, taken apart without trusting them
 *   verify_guard.c      going on after an error that damage causes
 *   verify_deep.c       indexes against tables
 *   verify_progress.c   energyledger.stat_verify, and the brake
 */
#ifndef LEDGER_VERIFY_PARTS_H
#define LEDGER_VERIFY_PARTS_H

#include "access/genam.h"
#include "access/htup.h"
#include "nodes/execnodes.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

#include "core/encode.h"
#include "core/merkle.h"
#include "core/note.h"
#include "ledger/ids.h"
#include "ledger/lineage.h"
#include "ledger/schema.h"
#include "ledger/site.h"
#include "ledger/verify_datum.h"
#include "ledger/verify.h"
#include "ledger/write.h"

/* ---- findings (verify.c) ---- */

typedef struct Findings
{
	ReturnSetInfo *result;
	uint64		count;
	bool		damage;			/* one of them is of bytes that cannot be taken apart */
} Findings;

/* One finding.  ledger_id < 0: none can be named.  expected, found: may be NULL. */
extern void verify_finding(Findings *f, const char *relation, int64 ledger_id, const char *kind,
						   const char *expected, const char *found);
extern char *verify_hex(const uint8 hash[MERKLE_HASH_LEN]);
extern char *verify_number(uint64 n);

/* ---- multisets of ids ---- */

/*
 * Two sets of ids are compared by a product over their members: of (key - id) modulo
 * the prime 2^61 - 1, with a key drawn for each call of verify().  Equal multisets
 * have equal products; others, with n members, with probability n / 2^61, whoever
 * chose the ids: the key did not exist when they did.
 */
#define MULTISET_PRIME ((UINT64CONST(1) << 61) - 1)

typedef struct Multiset
{
	uint64		count;
	uint64		product;
} Multiset;

static inline uint64
multiset_times(uint64 a, uint64 b)
{
	unsigned __int128 wide = (unsigned __int128) a * b;
	uint64		sum = (uint64) (wide & MULTISET_PRIME) + (uint64) (wide >> 61);

	return sum >= MULTISET_PRIME ? sum - MULTISET_PRIME : sum;
}

static inline void
multiset_init(Multiset *m)
{
	m->count = 0;
	m->product = 1;
}

static inline void
multiset_add(Multiset *m, uint64 key, int64 id)
{
	uint64		x = (uint64) id % MULTISET_PRIME;

	m->count++;
	m->product = multiset_times(m->product, key >= x ? key - x : key + MULTISET_PRIME - x);
}

static inline void
multiset_join(Multiset *m, const Multiset *other)
{
	m->count += other->count;
	m->product = multiset_times(m->product, other->product);
}

static inline bool
multiset_equal(const Multiset *a, const Multiset *b)
{
	return a->count == b->count && a->product == b->product;
}

extern uint64 multiset_key(void);	/* drawn anew */

/* ---- going on after errors (verify_guard.c) ---- */

typedef void (*guarded_function) (void *arg);

/*
 * Run in a subtransaction.  Where damaged data made it raise an error: false, and the
 * error's text in *why (in the caller's context).  Other errors go on upwards.
 */
extern bool verify_guarded(guarded_function run, void *arg, char **why);

/* ---- rows of the log's tables (verify_record.c) ---- */

#define RECORD_COLUMNS_MAX 16

typedef struct Record
{
	Relation	rel;
	Relation	index;			/* its primary key */
	DatumShape *shape;
	int			count;			/* columns asked for */
	AttrNumber	attnum[RECORD_COLUMNS_MAX];
	DatumCheck	check[RECORD_COLUMNS_MAX];
	int			key_count;		/* columns of the primary key */
	AttrNumber	key[INDEX_MAX_KEYS];
	Oid			key_type[INDEX_MAX_KEYS];
	Datum	   *all;			/* scratch: the whole row */
	bool	   *all_null;
} Record;

/* Open a table of the log, to read "column, column, ..."; checks SELECT on it. */
extern Record *record_open(const char *table, const char *columns);
extern void record_close(Record *r);

/* Columns in the order asked for; false where the row cannot be read. */
extern bool record_read(Record *r, HeapTuple tuple, Datum *values, bool *nulls);

/* A condition on the primary key's column `at` (from 0): smallint or bigint. */
extern void record_key(const Record *r, ScanKey key, int at, StrategyNumber strategy, int64 value);

/* Rows in the order of the primary key.  The tuple lives until the next one. */
extern SysScanDesc record_begin(Record *r, int key_count, ScanKey keys);
extern HeapTuple record_next(SysScanDesc scan, ScanDirection direction);
extern void record_end(SysScanDesc scan);

/* The one row with these key columns, copied; NULL where there is none. */
extern HeapTuple record_get(Record *r, int key_count, int64 key1, int64 key2);

/* Did the calling transaction write it? */
extern bool record_is_own(HeapTuple tuple);

/* ---- what is selected ---- */

/*
 * Which entries, and with them which rows, one call is about.  Flat, so that workers
 * get it as it is; snapshots of blocks (pg_snapshot) follow it.
 */
typedef struct Selection
{
	int			log_site;		/* whose log */
	bool		only_site;		/* and only its rows */
	bool		only_table;		/* one table was asked for */
	bool		ids_given;
	int64		ids_low;		/* both ends belong to it */
	int64		ids_high;
	int64		rows_low;		/* no row outside of these belongs to a selected entry, */
	int64		rows_high;		/* nor could it be one that has none */
	XidSpace	block_space;	/* of the newest block */
	XidSpace	since_space;	/* of the block at the size since */
	bool		since_given;
	uint64		key;			/* of all multisets */
	uint64		ordinal_key;	/* makes one number of a ledger_id and a column's ordinal */
	Size		block_snapshot_len; /* 0: nothing is sealed */
	Size		since_snapshot_len;
	char	   *block_snapshot; /* pointers are set anew in each process */
	char	   *since_snapshot;
} Selection;

/* Was it visible to the newest block, so that it must be in the log? */
extern bool selection_sealed(const Selection *s, int incarnation, uint64 xid);

/* Is it part of what the trusted checkpoint covers? */
extern bool selection_is_old(const Selection *s, int incarnation, uint64 xid);

/* ---- tables (verify_tables.c) ---- */

#define VERIFY_RELATION_LEN_MAX (2 * NAMEDATALEN + 2)

/* The newest version of a table's columns that a site registered. */
typedef struct VerifyVersion
{
	int			site_id;
	int32		version;
} VerifyVersion;

typedef struct VerifyPlan
{
	int			site_id;		/* whose registration of the columns */
	LedgerSchema *schema;
} VerifyPlan;

typedef struct VerifyTable
{
	char	   *name;			/* schema.table, as it is called now */
	Oid			relid;			/* InvalidOid: cannot be read */
	bool		selected;
	int			version_count;	/* sites that registered it */
	VerifyVersion *version;
	/* while it is read */
	Relation	rel;
	AttrNumber	id_attnum;
	DatumShape *shape;
	Datum	   *value;			/* of the row at hand */
	bool	   *isnull;
	int			check_count;	/* attributes whose values are checked first */
	AttrNumber *check_attnum;
	DatumCheck *check;
	int			plan_count;
	VerifyPlan *plan;			/* the first fits where none is its own */
	int			redactable_count;	/* columns, of the plan that has most */
} VerifyTable;

typedef struct VerifyTables
{
	int			count;
	VerifyTable *table;
	Lineage    *lineage;		/* the tables' names, now and before */
	int			last;			/* the one that was looked up last, ... */
	char	   *last_relation;	/* ... under that name ... */
	int32		last_version;	/* ... and with that version of its columns */
	HTAB	   *digest;			/* of registered schemas */
	bool		unreadable;		/* one that is selected cannot be read */
	bool		redactable;		/* one that is selected has redactable columns */
} VerifyTables;

/*
 * What the log knows.  lineage: as lineage_load has it, the same for all participants.
 * only: that table alone is selected, or NULL for all.
 */
extern VerifyTables *tables_load(Lineage *lineage, const char *only);

/* Find and check the selected ones; what is wrong with them are findings. */
extern void tables_check(VerifyTables *tables, Findings *f);

/* The table that an entry is about, whatever it is called now; -1 where there is none. */
extern int	tables_of_entry(VerifyTables *tables, const char *relation, int32 version);

/* Is the entry's schema the registered one?  A finding where f is not NULL. */
extern bool tables_entry_schema(VerifyTables *tables, int site_id, const encode_entry *e, Findings *f);

/* Ready to hash rows; false where the columns do not fit. */
extern bool tables_open(VerifyTable *t, char **why);
extern void tables_close(VerifyTable *t);

/*
 * A row's id; false where the row cannot be read.  Then the bytes of that same row that
 * are hashed (row_leaf_bytes), NULL where one of its values cannot be read.  May allocate
 * in the current context.
 */
extern bool tables_row_id(VerifyTable *t, HeapTuple tuple, int64 *id);
extern uint8 *tables_row_bytes(VerifyTable *t, int slot, int64 id, Size *len);

/* By whose registration of the columns a row is hashed. */
extern const RowPlan *tables_row_plan(const VerifyTable *t, int64 id);

/* Did the calling transaction write the row? */
extern bool tables_is_own_row(const VerifyTable *t, HeapTuple tuple);

/* ---- entries (verify_entries.c) ---- */

typedef struct VerifyEntry
{
	int64		first_id;
	int64		last_id;
	uint32		row_count;
	int			table;			/* -1: of none that the log knows */
	int			site_id;
	bool		readable;		/* all of it is as the ledger writes it */
	bool		schema_fits;
	bool		sealed;			/* must be a leaf of the log */
	bool		old;			/* below the trusted checkpoint */
	int64		time_us;
	BlockNumber low_block;
	uint8		rows_root[MERKLE_HASH_LEN];
	uint8		leaf_hash[MERKLE_HASH_LEN]; /* where asked for */
} VerifyEntry;

typedef struct EntryDirectory EntryDirectory;

extern EntryDirectory *entries_open(VerifyTables *tables, const Selection *selection, bool leaf_hashes);
extern void entries_close(EntryDirectory *d);

/* The last entry that begins at or before id; NULL: none. */
extern const VerifyEntry *entries_before(EntryDirectory *d, int64 id);
extern bool entries_selected(const EntryDirectory *d, const VerifyEntry *e);

/* An entry from its row; false where the row has not even a first_id. */
extern bool entries_from_tuple(EntryDirectory *d, HeapTuple tuple, VerifyEntry *v);
extern Record *entries_record(EntryDirectory *d);

/* ---- rows in id order (verify_sort.c) ---- */

typedef struct VerifiedRow
{
	int64		id;
	int32		table;			/* index into VerifyTables */
	uint8		hash[MERKLE_HASH_LEN];
} VerifiedRow;

typedef struct RowSort RowSort;

extern RowSort *rowsort_begin(void);
extern void rowsort_put(RowSort *s, const VerifiedRow *row);
extern void rowsort_perform(RowSort *s);
extern bool rowsort_next(RowSort *s, VerifiedRow *row);
extern void rowsort_end(RowSort *s);

/* The same rows as tuples, for a store that processes share. */
extern TupleTableSlot *rowsort_slot(void);
extern void rowsort_store(TupleTableSlot *slot, const VerifiedRow *row);
extern void rowsort_load(TupleTableSlot *slot, VerifiedRow *row);

/* ---- rows to entries, without a sort (verify_scan.c) ---- */

typedef struct ScanResult
{
	Multiset	settled;		/* entries whose rows are all there */
	Multiset	expected;		/* entries that are selected */
	Multiset	sealed;			/* entries of this log that must be leaves of it */
	Multiset	redacted;		/* values of rows of selected entries */
	bool		misfit;			/* something does not fit: it has to be named */
} ScanResult;

/* One process's part in reading. */
typedef struct Participant Participant;

/* Takes rows whose entries were not complete in one place. */
typedef void (*leftover_function) (void *arg, const VerifiedRow *row);

extern Participant *scan_begin(VerifyTables *tables, const Selection *selection,
							   leftover_function leftover, void *arg);
extern void scan_rows(Participant *p, int table, BlockNumber first, BlockNumber count);
extern void scan_entries(Participant *p, BlockNumber first, BlockNumber count);
extern void scan_entries_from(Participant *p, int64 first_id);
extern void scan_flush(Participant *p); /* all that is open is left over */
extern void scan_settle_sorted(Participant *p, RowSort *sort);
extern const ScanResult *scan_result(const Participant *p);
extern void scan_end(Participant *p);

/* ---- the whole ---- */

typedef struct LogKeys LogKeys;	/* of a site */

/* The log as it was found. */
typedef struct VerifiedLog
{
	uint64		size;			/* leaves, to the end of the newest block */
	uint64		height;			/* of the newest block; 0: none */
	int64		sealed_at_us;
	Multiset	entries;		/* what its leaves refer to */
	Multiset	schemas;
	Multiset	events;
	Multiset	blocks;
} VerifiedLog;

/* A checkpoint that the caller holds. */
typedef struct HeldCheckpoint
{
	bool		given;
	note_checkpoint checkpoint;
	bool		compared;		/* with the root that the log has at that size */
	bool		equal;
	uint8		root[MERKLE_HASH_LEN];	/* that one */
} HeldCheckpoint;

/* Where an incremental verification begins: what the trusted checkpoint covers. */
typedef struct SinceState
{
	merkle_frontier frontier;
	uint64		height;
	int64		sealed_at_us;
	uint8		block_hash[MERKLE_HASH_LEN];
	int64		id_from;		/* what is new has ids from here on */
} SinceState;

typedef struct Verification
{
	const VerifyOptions *options;
	Findings	findings;
	Selection	selection;
	const Site *own_site;		/* NULL: it cannot be told */
	VerifyTables *tables;
	char	   *amcheck;		/* its schema, where indexes are verified too */
	LogKeys    *keys;
	HeldCheckpoint against;
	HeldCheckpoint since;
	SinceState *start;			/* NULL: everything is verified */
	VerifiedLog log;
	bool		snapshot_fits;	/* the newest block's is one */
	uint64		leaves_expected;	/* as the newest block has it */
	BlockNumber *low_block;		/* by table, NULL: all of them are read from the first block */
	bool		entries_counted;	/* entries_expected and sealed are known already */
	Multiset	entries_expected;
	Multiset	sealed;
	bool		sealed_known;
	Multiset	redacted;		/* what the log's events redact */
	bool		redacted_known;
	bool		redacted_fit;	/* and that is what is redacted, each by one event */
	bool		unsettled;		/* rows do not fit, and none could be named */
	char	   *unread;			/* why the quick pass ended early, or NULL */
} Verification;

/* ---- the site's keys, and checkpoints (verify_checkpoint.c) ---- */

extern LogKeys *keys_load(int site_id);

extern bool keys_any(const LogKeys *keys);

/* The transaction ids in which an incarnation counted. */
extern XidSpace keys_space(const LogKeys *keys, int incarnation);

/* Key of an incarnation; false where there is none, or none that could sign. */
extern bool keys_find(const LogKeys *keys, int incarnation, int key_number, note_key *key, bool *exists,
					  const char **origin);

/* A note that the caller holds: its signature by any of the site's keys, its size. */
extern void checkpoint_read(Verification *v, HeldCheckpoint *held, const char *note, const char *argument);

/* The log has this root at the checkpoint's size. */
extern void checkpoint_reached(HeldCheckpoint *held, const merkle_frontier *frontier);
extern void checkpoint_judge(Verification *v, const HeldCheckpoint *held);

/* Where to begin: NULL where the log does not bear the checkpoint out. */
extern SinceState *checkpoint_start(Verification *v);

/* The newest block's snapshot into the selection. */
extern void checkpoint_newest(Verification *v);

/* ---- the stored tree (verify_tree.c) ---- */

typedef struct SubtreeReader SubtreeReader;

extern SubtreeReader *subtree_begin(Verification *v, uint64 size);

/* The subtree of 256^level leaves that is complete; hash NULL: not known. */
extern void subtree_compare(SubtreeReader *r, int level, uint64 index, const uint8 *hash);
extern void subtree_end(SubtreeReader *r);

/* The frontier at a size, from stored hashes; false where some are missing. */
extern bool subtree_frontier(int site_id, uint64 size, merkle_frontier *frontier);

/* ---- leaves, block chain, roots, signatures (verify_log.c) ---- */

extern void verify_log(Verification *v);

/* What is sealed must be in the log once (verify_members.c). */
extern void verify_members(Verification *v);

/* ---- rows ---- */

/* Which entries are selected, and where their rows are (verify_range.c). */
extern void verify_plan_range(Verification *v);

/* True: all rows fit.  False: something does not, or could not be read. */
extern bool verify_settle_rows(Verification *v);
extern void verify_name_rows(Verification *v);

/* Indexes against tables (verify_deep.c): error where amcheck is not there; then compare. */
extern void verify_deep_prepare(Verification *v);
extern void verify_deep(Verification *v);

#endif							/* LEDGER_VERIFY_PARTS_H */
