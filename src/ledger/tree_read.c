/*
 * tree_read.c: proofs out of the stored tree.
 *
 * A proof is taken apart into perfect subtrees (src/core/merkle_path.c), each of
 * which is a few neighbouring hashes of one tile.  Beside the way from a leaf to the
 * root lie nearly all hashes of one tile a level: these are read by one scan of the
 * primary key.  The subtrees at the tree's right edge are the frontier that the
 * block of that size has stored.  So a proof costs a tile a level, whatever the size of
 * the log; and any size can be proved, not only those of blocks, for which the
 * edge is read from tiles too.
 *
 * The tiles of the upper levels are few and in every proof, so their trees are kept by
 * a backend.  They are kept under their roots: a root is read first, and a tree that
 * has it is the right one, whatever happened since it was made.
 *
 * What is stored is read, not believed: lengths are checked before bytes are
 * taken, and hashes that do not give the root that stands above them are an error.
 */
#include "postgres.h"
#include "compat.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/array.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "core/bytes.h"
#include "ledger/log.h"
#include "ledger/log_find.h"
#include "ledger/tree_read.h"

#define PARTS_MAX (2 * TREE_LEVELS * TREE_TILE_BITS)	/* more than a proof needs */
#define KEPT_LEVEL 2			/* trees over 65,536 leaves a hash, and above */
#define KEPT_PARTS_MAX 32		/* of 16 kB */

/* columns by position: sql/ledger.sql */
#define RUN_COLUMNS 5
#define RUN_SITE_ID 1
#define RUN_FIRST_INDEX 2
#define SUBTREE_COLUMNS 4
#define SUBTREE_SITE_ID 1
#define SUBTREE_LEVEL 2
#define SUBTREE_NODE_INDEX 3

/* Of a tile the largest perfect subtree that a hash is in, as a tree. */
typedef struct TreePart
{
	int			level;			/* of its leaves */
	uint64		first;
	int			count;
	uint8		node[2 * MERKLE_TILE_WIDTH][MERKLE_HASH_LEN];	/* merkle_path_tree */
} TreePart;

static TreePart *kept[KEPT_PARTS_MAX];	/* for the life of the backend */
static int	kept_count = 0;
static int	kept_next = 0;		/* to be replaced, once there are so many */

struct TreeReader
{
	int			site_id;
	uint64		size;
	Snapshot	snapshot;
	Relation	leaves;
	Relation	leaf_index;
	Relation	subtrees;
	Relation	subtree_index;
	bool		edge_looked_for;
	merkle_frontier *edge;		/* NULL: no block has this size */
	int			part_count;
	TreePart   *part[PARTS_MAX];
};

/* A row of leaf_run, its parts still in the tuple or beside it. */
typedef struct TreeRun
{
	uint64		first;
	int			count;
	const uint8 *kind;
	ArrayType  *refs;
	const uint8 *hash;
} TreeRun;

TreeReader *
tree_read_begin(int site_id, uint64 size)
{
	TreeReader *r = palloc0(sizeof(TreeReader));

	r->site_id = site_id;
	r->size = size;
	r->snapshot = GetActiveSnapshot();
	r->leaves = table_open(log_relation_oid("leaf_run"), AccessShareLock);
	r->leaf_index = index_open(log_relation_oid("leaf_run_pkey"), AccessShareLock);
	r->subtrees = table_open(log_relation_oid("subtree"), AccessShareLock);
	r->subtree_index = index_open(log_relation_oid("subtree_pkey"), AccessShareLock);
	if (RelationGetDescr(r->leaves)->natts != RUN_COLUMNS)
		log_malformed("leaf_run");
	if (RelationGetDescr(r->subtrees)->natts != SUBTREE_COLUMNS)
		log_malformed("subtree");
	return r;
}

void
tree_read_end(TreeReader *r)
{
	index_close(r->subtree_index, AccessShareLock);
	table_close(r->subtrees, AccessShareLock);
	index_close(r->leaf_index, AccessShareLock);
	table_close(r->leaves, AccessShareLock);
	for (int i = 0; i < r->part_count; i++)
		pfree(r->part[i]);
	pfree(r);
}

static void
tree_missing(const char *table, int level, uint64 index)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("a hash of the log's tree is missing"),
			 errdetail("\"energyledger.%s\" has not hash " UINT64_FORMAT " of level %d, which the newest block covers.",
					   table, index, level),
			 errhint("Run SELECT * FROM energyledger.verify().")));
}

/* ---- leaves ---- */

static void
tree_run_read(TreeReader *r, HeapTuple tuple, TreeRun *run)
{
	Datum		values[RUN_COLUMNS];
	bool		nulls[RUN_COLUMNS];
	bytea	   *kinds;
	bytea	   *hashes;

	heap_deform_tuple(tuple, RelationGetDescr(r->leaves), values, nulls);
	for (int i = 0; i < RUN_COLUMNS; i++)
		if (nulls[i])
			log_malformed("leaf_run");
	kinds = DatumGetByteaPP(values[2]);
	hashes = DatumGetByteaPP(values[4]);
	run->first = (uint64) DatumGetInt64(values[1]);
	run->count = (int) VARSIZE_ANY_EXHDR(kinds);
	run->kind = (const uint8 *) VARDATA_ANY(kinds);
	run->hash = (const uint8 *) VARDATA_ANY(hashes);
	run->refs = DatumGetArrayTypeP(values[3]);
	if (run->count < 1 || run->count > TREE_RUN ||
		VARSIZE_ANY_EXHDR(hashes) != (Size) run->count * MERKLE_HASH_LEN ||
		VARSIZE(run->refs) != ARR_OVERHEAD_NONULLS(1) + run->count * sizeof(int64) ||
		ARR_NDIM(run->refs) != 1 || ARR_HASNULL(run->refs) ||
		ARR_ELEMTYPE(run->refs) != INT8OID || ARR_DIMS(run->refs)[0] != run->count)
		log_malformed("leaf_run");
}

/* Where a row that has this leaf can begin. */
static uint64
tree_run_earliest(uint64 index)
{
	return index >= TREE_RUN ? index - TREE_RUN + 1 : 0;
}

static void
tree_read_leaf_hashes(TreeReader *r, uint64 first, int count, uint8 (*out)[MERKLE_HASH_LEN])
{
	ScanKeyData keys[3];
	SysScanDesc scan;
	HeapTuple	tuple;
	uint64		next = first;

	log_find_key_int2(&keys[0], RUN_SITE_ID, r->site_id);
	/* the first of them may stand in the middle of a row */
	log_find_key_int8(&keys[1], RUN_FIRST_INDEX, BTGreaterEqualStrategyNumber, tree_run_earliest(first));
	log_find_key_int8(&keys[2], RUN_FIRST_INDEX, BTLessStrategyNumber, first + (uint64) count);
	scan = systable_beginscan_ordered(r->leaves, r->leaf_index, r->snapshot, 3, keys);
	while ((tuple = systable_getnext_ordered(scan, ForwardScanDirection)) != NULL)
	{
		TreeRun		run;
		uint64		take;

		tree_run_read(r, tuple, &run);
		if (run.first + (uint64) run.count <= next)
			continue;
		if (run.first > next)
			break;
		take = Min(run.first + (uint64) run.count, first + (uint64) count) - next;
		memcpy(out[next - first], run.hash + (next - run.first) * MERKLE_HASH_LEN,
			   take * MERKLE_HASH_LEN);
		next += take;
	}
	systable_endscan_ordered(scan);
	if (next != first + (uint64) count)
		tree_missing("leaf_run", 0, next);
}

int
tree_read_run(TreeReader *r, uint64 index, TreeLeaf out[TREE_RUN])
{
	ScanKeyData keys[3];
	SysScanDesc scan;
	HeapTuple	tuple;
	TreeRun		run = {0};

	log_find_key_int2(&keys[0], RUN_SITE_ID, r->site_id);
	log_find_key_int8(&keys[1], RUN_FIRST_INDEX, BTLessEqualStrategyNumber, index);
	/* or a whole page of the index would be taken into account */
	log_find_key_int8(&keys[2], RUN_FIRST_INDEX, BTGreaterEqualStrategyNumber, tree_run_earliest(index));
	scan = systable_beginscan_ordered(r->leaves, r->leaf_index, r->snapshot, 3, keys);
	tuple = systable_getnext_ordered(scan, BackwardScanDirection);
	if (tuple != NULL)
		tree_run_read(r, tuple, &run);
	if (index - run.first >= (uint64) run.count)
		tree_missing("leaf_run", 0, index);
	for (int i = 0; i < run.count; i++)
	{
		out[i].index = run.first + (uint64) i;
		out[i].kind = run.kind[i];
		memcpy(&out[i].ref, ARR_DATA_PTR(run.refs) + (Size) i * sizeof(int64), sizeof(int64));
		memcpy(out[i].hash, run.hash + (Size) i * MERKLE_HASH_LEN, MERKLE_HASH_LEN);
	}
	systable_endscan_ordered(scan);
	return run.count;
}

/* ---- subtrees ---- */

static void
tree_read_subtree_hashes(TreeReader *r, int level, uint64 first, int count,
						 uint8 (*out)[MERKLE_HASH_LEN])
{
	ScanKeyData keys[4];
	SysScanDesc scan;
	HeapTuple	tuple;
	uint64		next = first;

	log_find_key_int2(&keys[0], SUBTREE_SITE_ID, r->site_id);
	log_find_key_int2(&keys[1], SUBTREE_LEVEL, level);
	log_find_key_int8(&keys[2], SUBTREE_NODE_INDEX, BTGreaterEqualStrategyNumber, first);
	log_find_key_int8(&keys[3], SUBTREE_NODE_INDEX, BTLessStrategyNumber, first + (uint64) count);
	scan = systable_beginscan_ordered(r->subtrees, r->subtree_index, r->snapshot, 4, keys);
	while ((tuple = systable_getnext_ordered(scan, ForwardScanDirection)) != NULL)
	{
		Datum		values[SUBTREE_COLUMNS];
		bool		nulls[SUBTREE_COLUMNS];

		heap_deform_tuple(tuple, RelationGetDescr(r->subtrees), values, nulls);
		for (int i = 0; i < SUBTREE_COLUMNS; i++)
			if (nulls[i])
				log_malformed("subtree");
		if ((uint64) DatumGetInt64(values[2]) != next)
			break;
		if (!log_read_hash(values[3], out[next - first]))
			log_malformed("subtree");
		next++;
	}
	systable_endscan_ordered(scan);
	if (next != first + (uint64) count)
		tree_missing("subtree", level, next);
}

void
tree_read_hashes(TreeReader *r, int level, uint64 first, int count, uint8 (*out)[MERKLE_HASH_LEN])
{
	Assert(first + (uint64) count <= r->size >> (level * TREE_TILE_BITS));
	CHECK_FOR_INTERRUPTS();
	if (level == 0)
		tree_read_leaf_hashes(r, first, count, out);
	else
		tree_read_subtree_hashes(r, level, first, count, out);
}

/* ---- proofs ---- */

/* A block is the last leaf of its tree. */
static const merkle_frontier *
tree_edge(TreeReader *r)
{
	TreeLeaf	leaf[TREE_RUN];
	FoundBlock	b;
	int			count;

	if (r->edge_looked_for)
		return r->edge;
	r->edge_looked_for = true;
	count = tree_read_run(r, r->size - 1, leaf);
	for (int i = 0; i < count; i++)
		if (leaf[i].index == r->size - 1 && leaf[i].kind == ENCODE_KIND_BLOCK &&
			log_find_block(r->site_id, leaf[i].ref, &b) && b.size == r->size)
			r->edge = b.frontier;
	return r->edge;
}

static const TreePart *
tree_part_read_already(const TreeReader *r, int level, uint64 first, int count)
{
	for (int i = 0; i < r->part_count; i++)
	{
		const TreePart *p = r->part[i];

		if (p->level == level && p->first <= first && first + (uint64) count <= p->first + (uint64) p->count)
			return p;
	}
	return NULL;
}

/* What the root of a part must be, as far as that is known without looking for it. */
static const uint8 *
tree_part_root(TreeReader *r, const TreePart *p)
{
	int			level = p->level * TREE_TILE_BITS + pg_leftmost_one_pos32((uint32) p->count);
	const TreePart *above;

	if (p->count == MERKLE_TILE_WIDTH)
	{
		above = tree_part_read_already(r, p->level + 1, p->first / MERKLE_TILE_WIDTH, 1);
		if (above != NULL)
			return above->node[(uint64) above->count + p->first / MERKLE_TILE_WIDTH - above->first];
	}
	if (((r->size >> level) & 1) && p->first / (uint64) p->count == (r->size >> level) - 1 &&
		tree_edge(r) != NULL)
		return r->edge->node[level];
	return NULL;
}

static bool
tree_part_kept(TreePart *p, const uint8 *root)
{
	for (int i = 0; i < kept_count; i++)
		if (kept[i]->level == p->level && kept[i]->first == p->first && kept[i]->count == p->count &&
			memcmp(kept[i]->node[1], root, MERKLE_HASH_LEN) == 0)
		{
			memcpy(p, kept[i], sizeof(TreePart));
			return true;
		}
	return false;
}

static void
tree_part_keep(const TreePart *p)
{
	TreePart   *copy = kept_count == KEPT_PARTS_MAX ? kept[kept_next] :
		MemoryContextAlloc(TopMemoryContext, sizeof(TreePart));

	memcpy(copy, p, sizeof(TreePart));
	if (kept_count < KEPT_PARTS_MAX)
		kept[kept_count++] = copy;
	else
		kept_next = (kept_next + 1) % KEPT_PARTS_MAX;
}

static void
tree_part_read(TreeReader *r, TreePart *p)
{
	const uint8 *root = tree_part_root(r, p);

	if (root != NULL && p->level >= KEPT_LEVEL && tree_part_kept(p, root))
		return;
	tree_read_hashes(r, p->level, p->first, p->count, p->node + p->count);
	merkle_path_tree(p->node, p->count);
	if (root == NULL)
		return;
	if (memcmp(root, p->node[1], MERKLE_HASH_LEN) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("a hash of the log's tree was changed"),
				 errdetail("Hashes " UINT64_FORMAT " to " UINT64_FORMAT " of level %d do not give the root above them.",
						   p->first, p->first + (uint64) p->count - 1, p->level),
				 errhint("Run SELECT * FROM energyledger.verify().")));
	if (p->level >= KEPT_LEVEL)
		tree_part_keep(p);
}

/* The part that these hashes are in. */
static const TreePart *
tree_part(TreeReader *r, int level, uint64 first, int count)
{
	uint64		there = r->size >> (level * TREE_TILE_BITS);
	const TreePart *read_already = tree_part_read_already(r, level, first, count);
	int			width = MERKLE_TILE_WIDTH;
	TreePart   *p;

	if (read_already != NULL)
		return read_already;
	while (first / (uint64) width * (uint64) width + (uint64) width > there)
		width /= 2;
	p = palloc(sizeof(TreePart));
	p->level = level;
	p->first = first / (uint64) width * (uint64) width;
	p->count = width;
	tree_part_read(r, p);
	if (r->part_count == PARTS_MAX)
		pfree(r->part[--r->part_count]);
	r->part[r->part_count++] = p;
	return p;
}

static bool
tree_source(void *arg, merkle_subtree subtree, uint8_t out[MERKLE_HASH_LEN])
{
	TreeReader *r = arg;
	merkle_span span = merkle_path_span(subtree);
	uint64		first = span.tile * MERKLE_TILE_WIDTH + (uint64) span.first;
	const TreePart *p;

	/* the one of its level that the tree ends with */
	if (((r->size >> subtree.level) & 1) && subtree.index == (r->size >> subtree.level) - 1 &&
		tree_edge(r) != NULL)
	{
		memcpy(out, r->edge->node[subtree.level], MERKLE_HASH_LEN);
		return true;
	}
	p = tree_part(r, span.tile_level, first, span.count);
	memcpy(out, p->node[((uint64) p->count + first - p->first) / (uint64) span.count], MERKLE_HASH_LEN);
	return true;
}

static void
tree_read_range(TreeReader *r, merkle_range range, uint8 out[MERKLE_HASH_LEN])
{
	if (range.end > r->size || !merkle_path_root(range, tree_source, r, out))
		elog(ERROR, "no root over leaves " UINT64_FORMAT " to " UINT64_FORMAT, range.begin, range.end);
}

void
tree_read_root(TreeReader *r, uint64 size, uint8 out[MERKLE_HASH_LEN])
{
	tree_read_range(r, (merkle_range) {0, size}, out);
}

int
tree_read_inclusion(TreeReader *r, uint64 index, uint8 (*out)[MERKLE_HASH_LEN])
{
	merkle_range range[MERKLE_PATH_MAX];
	int			count;

	if (!merkle_path_inclusion(index, r->size, range, &count))
		elog(ERROR, "leaf " UINT64_FORMAT " is not in the tree", index);
	/* from the root down: what is above checks what is below */
	for (int i = count - 1; i >= 0; i--)
		tree_read_range(r, range[i], out[i]);
	return count;
}

int
tree_read_consistency(TreeReader *r, uint64 size1, uint8 (*out)[MERKLE_HASH_LEN])
{
	merkle_range range[MERKLE_PATH_MAX];
	int			count;

	if (!merkle_path_consistency(size1, r->size, range, &count))
		elog(ERROR, "size " UINT64_FORMAT " is beyond the tree", size1);
	/* from the root down: what is above checks what is below */
	for (int i = count - 1; i >= 0; i--)
		tree_read_range(r, range[i], out[i]);
	return count;
}
