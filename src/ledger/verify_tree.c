/*
 * verify_tree.c: the stored hashes of the log's tree.
 *
 * energyledger.subtree holds the roots of complete subtrees.  They can be computed
 * from the leaves, and here they are compared with what the log pass computed, in the
 * order in which subtrees become complete: a cursor a level.  They also give the tree at
 * an earlier size without its leaves, which is where an incremental verification
 * begins: the roots they give are believed only if they are the trusted one.
 */
#include "postgres.h"
#include "compat.h"

#include "utils/memutils.h"

#include "ledger/log.h"
#include "ledger/tree.h"
#include "ledger/verify_parts.h"

/* One level's rows, in the order of their indexes. */
typedef struct SubtreeLevel
{
	SysScanDesc scan;			/* NULL: not begun */
	bool		have;			/* a row that was not compared yet: */
	int64		index;
	bool		readable;
	uint8		hash[MERKLE_HASH_LEN];
} SubtreeLevel;

struct SubtreeReader
{
	Verification *v;
	Record	   *record;
	MemoryContext context;		/* holds the scans, which outlive their callers' rows */
	uint64		from;			/* size of the log where the pass begins */
	SubtreeLevel level[TREE_LEVELS];
};

SubtreeReader *
subtree_begin(Verification *v, uint64 size)
{
	SubtreeReader *r = palloc0(sizeof(SubtreeReader));

	r->v = v;
	r->context = CurrentMemoryContext;
	r->record = record_open("subtree", "level, node_index, hash");
	r->from = size;
	return r;
}

static void
subtree_next(SubtreeReader *r, SubtreeLevel *l)
{
	MemoryContext old = MemoryContextSwitchTo(r->context);
	HeapTuple	tuple = record_next(l->scan, ForwardScanDirection);
	Datum		values[3];
	bool		nulls[3];

	MemoryContextSwitchTo(old);
	l->have = HeapTupleIsValid(tuple);
	if (!l->have)
		return;
	l->index = -1;
	l->readable = record_read(r->record, tuple, values, nulls) && !nulls[1] && !nulls[2];
	if (l->readable)
	{
		l->index = DatumGetInt64(values[1]);
		l->readable = log_read_hash(values[2], l->hash);
	}
}

static SubtreeLevel *
subtree_level(SubtreeReader *r, int level)
{
	SubtreeLevel *l = &r->level[level];
	ScanKeyData key[3];
	int			key_count = 2;
	MemoryContext old;

	if (l->scan != NULL)
		return l;
	record_key(r->record, &key[0], 0, BTEqualStrategyNumber, r->v->selection.log_site);
	record_key(r->record, &key[1], 1, BTEqualStrategyNumber, level);
	/* from the beginning also what stands before it */
	if (r->from > 0)
		record_key(r->record, &key[key_count++], 2, BTGreaterEqualStrategyNumber,
				   (int64) (r->from >> (level * TREE_TILE_BITS)));
	old = MemoryContextSwitchTo(r->context);
	l->scan = record_begin(r->record, key_count, key);
	MemoryContextSwitchTo(old);
	subtree_next(r, l);
	return l;
}

static void
subtree_finding(SubtreeReader *r, int level, int64 index, const char *kind, const uint8 *expected, const uint8 *found)
{
	verify_finding(&r->v->findings, "energyledger.subtree", index, kind,
				   expected == NULL ? psprintf("no such row at level %d", level) :
				   psprintf("level %d: %s", level, verify_hex(expected)),
				   found == NULL ? NULL : psprintf("level %d: %s", level, verify_hex(found)));
}

void
subtree_compare(SubtreeReader *r, int level, uint64 index, const uint8 *hash)
{
	SubtreeLevel *l = subtree_level(r, level);

	for (; l->have && l->index < (int64) index; subtree_next(r, l))
		subtree_finding(r, level, l->index, "subtree_extra", NULL, l->readable ? l->hash : NULL);
	if (!l->have || l->index > (int64) index)
	{
		if (hash != NULL)
			subtree_finding(r, level, (int64) index, "subtree_missing", hash, NULL);
		return;
	}
	if (hash != NULL && (!l->readable || memcmp(l->hash, hash, MERKLE_HASH_LEN) != 0))
		subtree_finding(r, level, (int64) index, "subtree_hash", hash, l->readable ? l->hash : NULL);
	subtree_next(r, l);
}

/* Rows of levels that no tree has. */
static void
subtree_odd_levels(SubtreeReader *r, StrategyNumber strategy, int level)
{
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	record_key(r->record, &key[0], 0, BTEqualStrategyNumber, r->v->selection.log_site);
	record_key(r->record, &key[1], 1, strategy, level);
	scan = record_begin(r->record, 2, key);
	while (HeapTupleIsValid(tuple = record_next(scan, ForwardScanDirection)))
	{
		Datum		values[3];
		bool		nulls[3];

		if (record_read(r->record, tuple, values, nulls) && !nulls[0] && !nulls[1])
			subtree_finding(r, DatumGetInt16(values[0]), DatumGetInt64(values[1]), "subtree_extra", NULL, NULL);
		else
			subtree_finding(r, level, -1, "subtree_extra", NULL, NULL);
	}
	record_end(scan);
}

void
subtree_end(SubtreeReader *r)
{
	for (int level = 1; level < TREE_LEVELS; level++)
	{
		SubtreeLevel *l = subtree_level(r, level);

		for (; l->have; subtree_next(r, l))
			subtree_finding(r, level, l->index, "subtree_extra", NULL, l->readable ? l->hash : NULL);
		record_end(l->scan);
	}
	subtree_odd_levels(r, BTLessStrategyNumber, 1);
	subtree_odd_levels(r, BTGreaterEqualStrategyNumber, TREE_LEVELS);
	record_close(r->record);
	pfree(r);
}

/* ---- an earlier size ---- */

/* A subtree of 2^bits leaves onto a frontier whose size is a multiple of that. */
static void
subtree_append(merkle_frontier *f, int bits, const uint8 hash[MERKLE_HASH_LEN])
{
	uint8		carry[MERKLE_HASH_LEN];
	int			level = bits;

	memcpy(carry, hash, MERKLE_HASH_LEN);
	for (; (f->size >> level) & 1; level++)
	{
		uint8		parent[MERKLE_HASH_LEN];

		merkle_node_hash(f->node[level], carry, parent);
		memcpy(f->node[level], carry, MERKLE_HASH_LEN);
		memcpy(carry, parent, MERKLE_HASH_LEN);
	}
	memcpy(f->node[level], carry, MERKLE_HASH_LEN);
	f->size += UINT64CONST(1) << bits;
}

/* The subtrees [first, first + count) of a level. */
static bool
subtree_append_level(Record *r, int site_id, int level, uint64 first, uint64 count, merkle_frontier *frontier)
{
	ScanKeyData key[3];
	SysScanDesc scan;
	HeapTuple	tuple;
	uint64		at = first;

	record_key(r, &key[0], 0, BTEqualStrategyNumber, site_id);
	record_key(r, &key[1], 1, BTEqualStrategyNumber, level);
	record_key(r, &key[2], 2, BTGreaterEqualStrategyNumber, (int64) first);
	scan = record_begin(r, 3, key);
	while (at < first + count && HeapTupleIsValid(tuple = record_next(scan, ForwardScanDirection)))
	{
		Datum		values[3];
		bool		nulls[3];
		uint8		hash[MERKLE_HASH_LEN];

		if (!record_read(r, tuple, values, nulls) || nulls[1] || nulls[2] ||
			DatumGetInt64(values[1]) != (int64) at || !log_read_hash(values[2], hash))
			break;
		subtree_append(frontier, level * TREE_TILE_BITS, hash);
		at++;
	}
	record_end(scan);
	return at == first + count;
}

/* The leaves [first, first + count). */
static bool
subtree_append_leaves(int site_id, uint64 first, uint64 count, merkle_frontier *frontier)
{
	Record	   *r = record_open("leaf_run", "first_index, hashes");
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	uint64		at = first;

	record_key(r, &key[0], 0, BTEqualStrategyNumber, site_id);
	record_key(r, &key[1], 1, BTGreaterEqualStrategyNumber, (int64) (first - Min(first, TREE_RUN - 1)));
	scan = record_begin(r, 2, key);
	while (at < first + count && HeapTupleIsValid(tuple = record_next(scan, ForwardScanDirection)))
	{
		Datum		values[2];
		bool		nulls[2];
		bytea	   *hashes;
		uint64		run;
		uint64		run_count;

		if (!record_read(r, tuple, values, nulls) || nulls[0] || nulls[1])
			break;
		run = (uint64) DatumGetInt64(values[0]);
		hashes = DatumGetByteaPP(values[1]);
		run_count = VARSIZE_ANY_EXHDR(hashes) / MERKLE_HASH_LEN;
		if (run > at)
			break;
		for (; at < first + count && at < run + run_count; at++)
			merkle_frontier_append(frontier, (uint8 *) VARDATA_ANY(hashes) + (at - run) * MERKLE_HASH_LEN);
	}
	record_end(scan);
	record_close(r);
	return at == first + count;
}

bool
subtree_frontier(int site_id, uint64 size, merkle_frontier *frontier)
{
	Record	   *r = record_open("subtree", "level, node_index, hash");
	bool		complete = true;

	merkle_frontier_init(frontier);
	for (int level = TREE_LEVELS - 1; level > 0 && complete; level--)
	{
		uint64		first = frontier->size >> (level * TREE_TILE_BITS);
		uint64		end = size >> (level * TREE_TILE_BITS);

		if (end > first)
			complete = subtree_append_level(r, site_id, level, first, end - first, frontier);
	}
	record_close(r);
	return complete && subtree_append_leaves(site_id, frontier->size, size - frontier->size, frontier);
}
