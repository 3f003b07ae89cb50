/*
 * verify_checkpoint.c: the site's keys, and checkpoints that the caller holds.
 *
 * against: a checkpoint that was kept outside.  Whoever cut the log's tail off, or
 * rewrote it and signed it again, cannot make it fit.
 *
 * since: a checkpoint that the caller trusts, so that only what came after it has
 * to be read.  The tree at its size is put together from stored hashes; it is a
 * beginning only where it has the checkpoint's root.  Where it has not, everything is
 * verified.
 */
#include "postgres.h"
#include "compat.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/xid8.h"

#include "ledger/log.h"
#include "ledger/verify_parts.h"

/* ---- keys ---- */

typedef struct LogKey
{
	int			incarnation;
	int			key_number;
	int			xid_space;
	char	   *origin;
	bool		usable;
	note_key	key;
} LogKey;

struct LogKeys
{
	int			count;
	int			cap;
	LogKey	   *key;
};

static void
keys_add(LogKeys *keys, const Datum *values, const bool *nulls)
{
	LogKey	   *k;
	uint8		public_key[MERKLE_HASH_LEN];

	if (keys->count == keys->cap)
	{
		keys->cap *= 2;
		keys->key = repalloc_huge(keys->key, sizeof(LogKey) * keys->cap);
	}
	k = &keys->key[keys->count++];
	k->incarnation = DatumGetInt32(values[0]);
	k->key_number = DatumGetInt32(values[1]);
	k->origin = TextDatumGetCString(values[2]);
	k->xid_space = nulls[4] ? k->incarnation : DatumGetInt32(values[4]);
	k->usable = !nulls[3] && log_read_hash(values[3], public_key) &&
		note_key_init(&k->key, k->origin, public_key);
}

LogKeys *
keys_load(int site_id)
{
	LogKeys    *keys = palloc0(sizeof(LogKeys));
	Record	   *r = record_open("site", "incarnation, key_number, origin, public_key, xid_space");
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	keys->cap = 8;
	keys->key = palloc(sizeof(LogKey) * keys->cap);
	record_key(r, &key, 0, BTEqualStrategyNumber, site_id);
	scan = record_begin(r, 1, &key);
	while (HeapTupleIsValid(tuple = record_next(scan, ForwardScanDirection)))
	{
		Datum		values[5];
		bool		nulls[5];

		if (record_read(r, tuple, values, nulls) && !nulls[0] && !nulls[1] && !nulls[2])
			keys_add(keys, values, nulls);
	}
	record_end(scan);
	record_close(r);
	return keys;
}

bool
keys_any(const LogKeys *keys)
{
	return keys->count > 0;
}

XidSpace
keys_space(const LogKeys *keys, int incarnation)
{
	XidSpace	space = {.from = incarnation,.next = PG_INT32_MAX};

	for (int i = 0; i < keys->count; i++)
		if (keys->key[i].incarnation == incarnation)
			space.from = keys->key[i].xid_space;
	for (int i = 0; i < keys->count; i++)
		if (keys->key[i].xid_space > space.from)
			space.next = Min(space.next, keys->key[i].xid_space);
	return space;
}

bool
keys_find(const LogKeys *keys, int incarnation, int key_number, note_key *key, bool *exists, const char **origin)
{
	for (int i = 0; i < keys->count; i++)
	{
		const LogKey *k = &keys->key[i];

		if (k->incarnation != incarnation || k->key_number != key_number)
			continue;
		*exists = true;
		*origin = k->origin;
		*key = k->key;
		return k->usable;
	}
	return false;
}

/* ---- what the caller holds ---- */

/* Does any of the site's keys vouch for it? */
static bool
checkpoint_signed(const LogKeys *keys, const char *note, const HeldCheckpoint *held)
{
	size_t		text_len;

	for (int i = 0; i < keys->count; i++)
		if (keys->key[i].usable && strcmp(keys->key[i].origin, held->checkpoint.origin) == 0 &&
			note_verify(note, strlen(note), &keys->key[i].key, &text_len) == NOTE_VALID)
			return true;
	return false;
}

void
checkpoint_read(Verification *v, HeldCheckpoint *held, const char *note, const char *argument)
{
	const char *text_end;

	if (note == NULL)
		return;
	/* the last newline is easily lost on the way */
	if (note[0] != '\0' && note[strlen(note) - 1] != '\n')
		note = psprintf("%s\n", note);
	text_end = strstr(note, "\n\n");
	if (text_end == NULL || !note_checkpoint_parse(note, text_end + 1 - note, &held->checkpoint))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" is not a checkpoint", argument),
				 errdetail("A checkpoint is a signed note: origin, size, root, an empty line, signatures."),
				 errhint("Give it as energyledger.checkpoint() returned it.")));
	held->given = true;
	if (!checkpoint_signed(v->keys, note, held))
		verify_finding(&v->findings, "energyledger.site", -1, "checkpoint_key",
					   psprintf("a key that signed argument \"%s\" for %s", argument, held->checkpoint.origin),
					   "no key of this log that did");
}

void
checkpoint_reached(HeldCheckpoint *held, const merkle_frontier *frontier)
{
	merkle_frontier_root(frontier, held->root);
	held->compared = true;
	held->equal = memcmp(held->root, held->checkpoint.root, MERKLE_HASH_LEN) == 0;
}

void
checkpoint_judge(Verification *v, const HeldCheckpoint *held)
{
	if (!held->given)
		return;
	if (held->checkpoint.size > v->log.size)
		verify_finding(&v->findings, "energyledger.block", (int64) v->log.height, "log_truncated",
					   psprintf(UINT64_FORMAT " leaves at least", held->checkpoint.size),
					   psprintf(UINT64_FORMAT " leaves", v->log.size));
	else if (!held->compared || !held->equal)
		verify_finding(&v->findings, "energyledger.block", -1, "log_forked",
					   psprintf("%s over " UINT64_FORMAT " leaves", verify_hex(held->checkpoint.root),
								held->checkpoint.size),
					   held->compared ? psprintf("%s over " UINT64_FORMAT " leaves", verify_hex(held->root),
												 held->checkpoint.size) : NULL);
}

/* ---- blocks and their snapshots ---- */

#define BLOCK_COLUMNS LOG_BLOCK_COLUMNS ", incarnation, snapshot, id_floor, xid_floor"
#define BLOCK_COLUMN_COUNT (LOG_BLOCK_COLUMN_COUNT + 4)

typedef struct BlockState
{
	bool		readable;		/* block is one */
	encode_block block;
	int			incarnation;
	char	   *snapshot;		/* NULL: it is not one */
	Size		snapshot_len;
	uint64		xmin;
	int64		id_floor;
	uint64		xid_floor;
} BlockState;

/* pg_snapshot as xid8funcs.c lays it out. */
typedef struct StoredSnapshot
{
	int32		len;
	uint32		nxip;
	uint64		xmin;
	uint64		xmax;
} StoredSnapshot;

/* The snapshot that stands in a block's row, where it is one. */
static void
block_snapshot(Datum value, BlockState *b)
{
	StoredSnapshot *s = (StoredSnapshot *) PG_DETOAST_DATUM_COPY(value);

	b->snapshot_len = VARSIZE(s);
	b->snapshot = NULL;
	if (b->snapshot_len < sizeof(StoredSnapshot) ||
		b->snapshot_len != sizeof(StoredSnapshot) + (Size) s->nxip * sizeof(uint64))
		return;
	b->snapshot = (char *) s;
	b->xmin = s->xmin;
}

/* False where the row cannot be read.  The block itself may still not be one. */
static bool
block_state(Record *r, HeapTuple tuple, BlockState *b)
{
	Datum		values[BLOCK_COLUMN_COUNT];
	bool		nulls[BLOCK_COLUMN_COUNT];

	memset(b, 0, sizeof(*b));
	if (!record_read(r, tuple, values, nulls))
		return false;
	b->readable = log_read_block(values, nulls, &b->block);
	for (int i = LOG_BLOCK_COLUMN_COUNT; i < BLOCK_COLUMN_COUNT; i++)
		if (nulls[i])
			return false;
	b->incarnation = DatumGetInt32(values[LOG_BLOCK_COLUMN_COUNT]);
	block_snapshot(values[LOG_BLOCK_COLUMN_COUNT + 1], b);
	b->id_floor = DatumGetInt64(values[LOG_BLOCK_COLUMN_COUNT + 2]);
	b->xid_floor = U64FromFullTransactionId(DatumGetFullTransactionId(values[LOG_BLOCK_COLUMN_COUNT + 3]));
	return true;
}

void
checkpoint_newest(Verification *v)
{
	Record	   *r = record_open("block", BLOCK_COLUMNS);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	BlockState	b;

	record_key(r, &key, 0, BTEqualStrategyNumber, v->selection.log_site);
	scan = record_begin(r, 1, &key);
	tuple = record_next(scan, BackwardScanDirection);
	v->snapshot_fits = !HeapTupleIsValid(tuple);
	if (HeapTupleIsValid(tuple) && block_state(r, tuple, &b) && b.snapshot != NULL)
	{
		v->snapshot_fits = true;
		v->selection.block_space = keys_space(v->keys, b.incarnation);
		v->selection.block_snapshot = b.snapshot;
		v->selection.block_snapshot_len = b.snapshot_len;
		/* not trusted, but says how long the log will be for those who look */
		v->leaves_expected = b.readable ? b.block.first_index + b.block.count + 1 : 0;
	}
	record_end(scan);
	record_close(r);
}

/* An element of leaf_run.refs, from 0; 0 where there is none. */
static int64
checkpoint_ref(Datum refs, int at)
{
	ArrayType  *array = DatumGetArrayTypeP(refs);
	Datum	   *element;
	bool	   *isnull;
	int			count;

	deconstruct_array(array, INT8OID, 8, true, TYPALIGN_DOUBLE, &element, &isnull, &count);
	return at < count && !isnull[at] ? DatumGetInt64(element[at]) : 0;
}

/* The height of the block that is the leaf before `size`; 0: it is none. */
static int64
checkpoint_height(Verification *v, uint64 size)
{
	Record	   *r = record_open("leaf_run", "first_index, kinds, refs");
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	Datum		values[3];
	bool		nulls[3];
	int64		height = 0;

	record_key(r, &key[0], 0, BTEqualStrategyNumber, v->selection.log_site);
	record_key(r, &key[1], 1, BTLessStrategyNumber, (int64) size);
	scan = record_begin(r, 2, key);
	tuple = record_next(scan, BackwardScanDirection);
	if (HeapTupleIsValid(tuple) && record_read(r, tuple, values, nulls) && !nulls[0] && !nulls[1] && !nulls[2])
	{
		bytea	   *kinds = DatumGetByteaPP(values[1]);
		uint64		at = size - 1 - (uint64) DatumGetInt64(values[0]);

		if (at < VARSIZE_ANY_EXHDR(kinds) && ((uint8 *) VARDATA_ANY(kinds))[at] == ENCODE_KIND_BLOCK)
			height = checkpoint_ref(values[2], (int) at);
	}
	record_end(scan);
	record_close(r);
	return height;
}

/*
 * What the block at `from` did not see has ids from here on: the floor of the newest
 * block whose floor's transaction is not beyond what was then running (seal.c).
 */
static int64
checkpoint_id_floor(Verification *v, Record *r, const BlockState *from)
{
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	int64		floor = (int64) v->selection.log_site << LEDGER_ID_COUNTER_BITS;
	XidSpace	space = keys_space(v->keys, from->incarnation);
	BlockState	b;

	record_key(r, &key[0], 0, BTEqualStrategyNumber, v->selection.log_site);
	record_key(r, &key[1], 1, BTLessEqualStrategyNumber, (int64) from->block.height);
	scan = record_begin(r, 2, key);
	while (HeapTupleIsValid(tuple = record_next(scan, BackwardScanDirection)))
	{
		if (!block_state(r, tuple, &b) || keys_space(v->keys, b.incarnation).from != space.from)
			break;
		if (b.xid_floor <= from->xmin)
		{
			floor = b.id_floor;
			break;
		}
		if (b.snapshot != NULL)
			pfree(b.snapshot);
	}
	record_end(scan);
	return floor;
}

SinceState *
checkpoint_start(Verification *v)
{
	SinceState *start = palloc0(sizeof(SinceState));
	HeldCheckpoint *held = &v->since;
	uint64		size = held->checkpoint.size;
	Record	   *r;
	HeapTuple	tuple;
	int64		height;
	BlockState	b;
	SinceState *found = NULL;

	if (size == 0 || !subtree_frontier(v->selection.log_site, size, &start->frontier))
		return NULL;
	checkpoint_reached(held, &start->frontier);
	if (!held->equal || (height = checkpoint_height(v, size)) == 0)
		return NULL;
	r = record_open("block", BLOCK_COLUMNS);
	tuple = record_get(r, 2, v->selection.log_site, height);
	if (HeapTupleIsValid(tuple) && block_state(r, tuple, &b) && b.readable && b.snapshot != NULL)
	{
		start->height = b.block.height;
		start->sealed_at_us = b.block.sealed_at_us;
		log_block_hash(&b.block, start->block_hash);
		start->id_from = checkpoint_id_floor(v, r, &b);
		v->selection.since_given = true;
		v->selection.since_space = keys_space(v->keys, b.incarnation);
		v->selection.since_snapshot = b.snapshot;
		v->selection.since_snapshot_len = b.snapshot_len;
		found = start;
	}
	record_close(r);
	return found;
}
