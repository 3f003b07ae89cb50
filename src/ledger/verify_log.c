/*
 * verify_log.c: recomputes the log: every leaf in order, the chain of blocks, each
 * block's root and the signature of its checkpoint.
 *
 * One pass over the leaves in their order.  Each leaf's row is read and hashed again;
 * beside that stands the hash that was stored when it was sealed.  Two frontiers
 * grow, one of each, and at every block the signed root says which of them is right: if
 * it is the stored hashes', a row was changed, and it is named; if it is the rows', the
 * stored hash was.  As long as both agree there is only one to compute.
 *
 * After a block that does not fit, the pass goes on from that block's own stored
 * frontier where its signed checkpoint vouches for it, so that one fault is
 * reported where it is and not once for every block behind it.
 */
#include "postgres.h"
#include "compat.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "ledger/tree.h"
#include "ledger/verify_log.h"
#include "ledger/verify_progress.h"

#define SUSPECTS_MAX 10000		/* leaves of one block whose two hashes differ */

/* ---- names ---- */

/* Which table a leaf of that kind refers to. */
const char *
log_kind_table(int kind)
{
	switch (kind)
	{
		case ENCODE_KIND_ENTRY:
			return "energyledger.entry";
		case ENCODE_KIND_SCHEMA:
			return "energyledger.table_schema";
		case ENCODE_KIND_BLOCK:
			return "energyledger.block";
		default:
			return ENCODE_IS_EVENT(kind) ? "energyledger.event" : "energyledger.leaf_run";
	}
}

/* entry_missing, schema_changed, ... */
char *
log_kind_finding(int kind, const char *what)
{
	return psprintf("%s_%s", kind == ENCODE_KIND_SCHEMA ? "schema" : strchr(log_kind_table(kind), '.') + 1, what);
}

/* ---- a leaf onto the frontiers ---- */

/* In the pass's own memory: what grows with the block. */
static void *
log_grow(LogPass *p, void *array, int count, int *cap, Size each)
{
	if (count < *cap)
		return array;
	*cap = Max(64, *cap * 2);
	return array == NULL ? MemoryContextAllocHuge(p->context, each * *cap) :
		repalloc_huge(array, each * *cap);
}

static void
log_suspect(LogPass *p, const LogLeaf *leaf, const uint8 *computed)
{
	LogSuspect *s;

	/* somebody replaced everything: the rest goes unnamed, the block's root is told */
	if (p->suspect_count == SUSPECTS_MAX)
		return;
	p->suspect = log_grow(p, p->suspect, p->suspect_count, &p->suspect_cap, sizeof(LogSuspect));
	s = &p->suspect[p->suspect_count++];
	s->index = leaf->index;
	s->kind = leaf->kind;
	s->ref = leaf->ref;
	s->has_stored = leaf->stored != NULL;
	if (s->has_stored)
		memcpy(s->stored, leaf->stored, MERKLE_HASH_LEN);
	memcpy(s->computed, computed, MERKLE_HASH_LEN);
}

/* The subtrees of 256^k leaves that the last leaf completed. */
static void
log_completed_subtrees(LogPass *p)
{
	for (int level = 1; level < TREE_LEVELS; level++)
	{
		int			bits = level * TREE_TILE_BITS;
		LogSubtree *s;

		if ((p->stored.size & ((UINT64CONST(1) << bits) - 1)) != 0)
			return;
		p->subtree = log_grow(p, p->subtree, p->subtree_count, &p->subtree_cap, sizeof(LogSubtree));
		s = &p->subtree[p->subtree_count++];
		s->level = level;
		s->index = (p->stored.size >> bits) - 1;
		memcpy(s->stored, p->stored.node[bits], MERKLE_HASH_LEN);
		memcpy(s->computed, p->diverged ? p->computed.node[bits] : p->stored.node[bits], MERKLE_HASH_LEN);
	}
}

/* A checkpoint that the caller holds may be of this very size. */
static void
log_reached(LogPass *p)
{
	HeldCheckpoint *held = &p->v->against;

	if (!held->given || held->checkpoint.size != p->stored.size)
		return;
	if (!p->stored_broken)
		checkpoint_reached(held, &p->stored);
	if (p->diverged && !p->computed_broken && !held->equal)
		checkpoint_reached(held, &p->computed);
}

void
log_append(LogPass *p, const LogLeaf *leaf, const uint8 *computed)
{
	bool		same = computed != NULL && leaf->stored != NULL &&
		memcmp(computed, leaf->stored, MERKLE_HASH_LEN) == 0;

	if (!same && !p->diverged)
	{
		p->computed = p->stored;
		p->diverged = true;
	}
	if (leaf->stored != NULL)
		merkle_frontier_append(&p->stored, leaf->stored);
	else
	{
		p->stored_broken = true;
		p->stored.size++;
	}
	if (p->diverged && computed != NULL)
		merkle_frontier_append(&p->computed, computed);
	else if (p->diverged)
	{
		p->computed_broken = true;
		p->computed.size++;
	}
	if (!same && computed != NULL)
		log_suspect(p, leaf, computed);
	log_completed_subtrees(p);
	log_reached(p);
}

void
log_broken_leaf(LogPass *p, const LogLeaf *leaf, const char *what)
{
	verify_finding(&p->v->findings, log_kind_table(leaf->kind), leaf->ref, log_kind_finding(leaf->kind, what),
				   psprintf("leaf " UINT64_FORMAT " of the log", leaf->index), NULL);
	log_append(p, leaf, NULL);
}

/* ---- the other kinds ---- */

static void
log_note_time(LogPass *p, const LogLeaf *leaf, int64 time_us)
{
	if (p->latest_ref >= 0 && time_us <= p->latest_us)
		return;
	p->latest_us = time_us;
	p->latest_kind = leaf->kind;
	p->latest_ref = leaf->ref;
}

static void
log_check_entry(LogPass *p, const LogLeaf *leaf)
{
	const VerifyEntry *e = entries_before(p->entries, leaf->ref);

	if (e == NULL || e->first_id != leaf->ref)
		log_broken_leaf(p, leaf, "missing");
	else if (!e->readable)
		log_broken_leaf(p, leaf, "malformed");
	else
	{
		log_note_time(p, leaf, e->time_us);
		log_append(p, leaf, e->leaf_hash);
	}
}

/* A schema's or an event's leaf hash; false where its row is not as we write it. */
static bool
log_row_hash(const LogLeaf *leaf, const Datum *values, const bool *nulls, int64 *time_us,
			 uint8 hash[MERKLE_HASH_LEN])
{
	if (leaf->kind == ENCODE_KIND_SCHEMA)
	{
		encode_schema s;

		if (!log_read_schema(values, nulls, &s))
			return false;
		*time_us = s.time_us;
		log_schema_hash(&s, hash);
	}
	else
	{
		encode_event e;

		if (!log_read_event(values, nulls, &e) || e.kind != leaf->kind)
			return false;
		*time_us = e.time_us;
		log_event_hash(&e, hash);
	}
	return true;
}

/* A leaf whose row is found by its key. */
static void
log_check_row(LogPass *p, const LogLeaf *leaf)
{
	Record	   *r = leaf->kind == ENCODE_KIND_BLOCK ? p->block :
		leaf->kind == ENCODE_KIND_SCHEMA ? p->schema : p->event;
	HeapTuple	tuple = leaf->kind == ENCODE_KIND_BLOCK ?
		record_get(r, 2, p->v->selection.log_site, leaf->ref) : record_get(r, 1, leaf->ref, 0);
	Datum		values[RECORD_COLUMNS_MAX];
	bool		nulls[RECORD_COLUMNS_MAX];
	uint8		hash[MERKLE_HASH_LEN];
	int64		time_us;

	if (!HeapTupleIsValid(tuple))
		log_broken_leaf(p, leaf, "missing");
	else if (!record_read(r, tuple, values, nulls))
		log_broken_leaf(p, leaf, "malformed");
	else if (leaf->kind == ENCODE_KIND_BLOCK)
		log_check_block(p, leaf, values, nulls);
	else if (log_row_hash(leaf, values, nulls, &time_us, hash))
	{
		log_note_time(p, leaf, time_us);
		log_append(p, leaf, hash);
	}
	else
		log_broken_leaf(p, leaf, "malformed");
}

static void
log_count_leaf(LogPass *p, const LogLeaf *leaf)
{
	VerifiedLog *log = &p->v->log;

	multiset_add(leaf->kind == ENCODE_KIND_ENTRY ? &log->entries :
				 leaf->kind == ENCODE_KIND_SCHEMA ? &log->schemas :
				 leaf->kind == ENCODE_KIND_BLOCK ? &log->blocks : &log->events,
				 p->v->selection.key, leaf->ref);
}

static void
log_check_leaf(LogPass *p, const LogLeaf *leaf)
{
	if (leaf->index != p->stored.size)
	{
		verify_finding(&p->v->findings, "energyledger.leaf_run", (int64) p->stored.size, "leaf_missing",
					   verify_number(p->stored.size), psprintf(INT64_FORMAT, (int64) leaf->index));
		if (!p->diverged)
			p->computed = p->stored;
		p->stored_broken = p->computed_broken = p->diverged = true;
		if (leaf->index > PG_INT64_MAX / 2)
			return;				/* no log is as long as that */
		p->stored.size = p->computed.size = leaf->index;
	}
	if (leaf->kind < ENCODE_KIND_ENTRY || leaf->kind > ENCODE_KIND_LAST || leaf->ref < 0)
	{
		verify_finding(&p->v->findings, "energyledger.leaf_run", (int64) leaf->index, "leaf_kind",
					   psprintf("leaf " UINT64_FORMAT " of the log", leaf->index), NULL);
		log_append(p, leaf, NULL);
		return;
	}
	log_count_leaf(p, leaf);
	if (leaf->kind == ENCODE_KIND_ENTRY)
		log_check_entry(p, leaf);
	else
		log_check_row(p, leaf);
}

/* ---- the order of the leaves ---- */

static void
log_check_run(LogPass *p, Record *r, HeapTuple tuple)
{
	Datum		values[4];
	bool		nulls[4];
	bytea	   *kinds;
	bytea	   *hashes;
	ArrayType  *array = NULL;
	Datum	   *refs;
	bool	   *no_ref;
	int			count;

	if (record_read(r, tuple, values, nulls) && !nulls[0] && !nulls[1] && !nulls[2] && !nulls[3])
		array = DatumGetArrayTypeP(values[2]);
	if (array == NULL || ARR_NDIM(array) != 1 || ARR_LBOUND(array)[0] != 1)
	{
		verify_finding(&p->v->findings, "energyledger.leaf_run", (int64) p->stored.size, "leaf_run_malformed",
					   psprintf("leaf " UINT64_FORMAT " of the log", p->stored.size), NULL);
		return;
	}
	kinds = DatumGetByteaPP(values[1]);
	deconstruct_array(array, INT8OID, 8, true, TYPALIGN_DOUBLE, &refs, &no_ref, &count);
	hashes = DatumGetByteaPP(values[3]);
	for (int i = 0; i < count; i++)
	{
		LogLeaf		leaf;

		leaf.index = (uint64) DatumGetInt64(values[0]) + i;
		leaf.kind = i < VARSIZE_ANY_EXHDR(kinds) ? ((uint8 *) VARDATA_ANY(kinds))[i] : 0;
		leaf.ref = no_ref[i] ? -1 : DatumGetInt64(refs[i]);
		leaf.stored = (Size) (i + 1) * MERKLE_HASH_LEN <= VARSIZE_ANY_EXHDR(hashes) ?
			(uint8 *) VARDATA_ANY(hashes) + (Size) i * MERKLE_HASH_LEN : NULL;
		log_check_leaf(p, &leaf);
	}
	progress_leaves(count);
}

static void
log_begin(LogPass *p)
{
	Verification *v = p->v;

	p->context = CurrentMemoryContext;
	p->block = record_open("block", BLOCK_COLUMNS);
	p->schema = record_open("table_schema", LOG_SCHEMA_COLUMNS);
	p->event = record_open("event", LOG_EVENT_COLUMNS);
	p->entries = entries_open(v->tables, &v->selection, true);
	merkle_frontier_init(&p->stored);
	p->latest_ref = -1;
	multiset_init(&v->log.entries);
	multiset_init(&v->log.schemas);
	multiset_init(&v->log.events);
	multiset_init(&v->log.blocks);
	if (v->start != NULL)
	{
		p->stored = v->start->frontier;
		memcpy(p->block_hash, v->start->block_hash, MERKLE_HASH_LEN);
		v->log.height = v->start->height;
		v->log.size = p->stored.size;
		v->log.sealed_at_us = v->start->sealed_at_us;
	}
	p->batch_first = p->stored.size;
	p->subtrees = subtree_begin(v, p->stored.size);
	log_reached(p);
}

static void
log_end(LogPass *p)
{
	Verification *v = p->v;

	/* leaves behind the last block are under no signature */
	log_undecided(p);
	if (p->stored.size != v->log.size)
		verify_finding(&v->findings, "energyledger.leaf_run", (int64) v->log.size, "leaf_without_block",
					   psprintf(UINT64_FORMAT " leaves", v->log.size),
					   psprintf(UINT64_FORMAT " leaves", p->stored.size));
	subtree_end(p->subtrees);
	entries_close(p->entries);
	record_close(p->block);
	record_close(p->schema);
	record_close(p->event);
}

void
verify_log(Verification *v)
{
	LogPass    *p = palloc0(sizeof(LogPass));
	Record	   *r = record_open("leaf_run", "first_index, kinds, refs, hashes");
	ScanKeyData key[2];
	int			key_count = 1;
	SysScanDesc scan;
	HeapTuple	tuple;
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "verify log rows",
												  ALLOCSET_DEFAULT_SIZES);

	p->v = v;
	log_begin(p);
	record_key(r, &key[0], 0, BTEqualStrategyNumber, v->selection.log_site);
	/* from the beginning also what stands before it */
	if (p->stored.size > 0)
		record_key(r, &key[key_count++], 1, BTGreaterEqualStrategyNumber, (int64) p->stored.size);
	scan = record_begin(r, key_count, key);
	while (HeapTupleIsValid(tuple = record_next(scan, ForwardScanDirection)))
	{
		MemoryContext old = MemoryContextSwitchTo(scratch);

		log_check_run(p, r, tuple);
		MemoryContextSwitchTo(old);
		MemoryContextReset(scratch);
	}
	record_end(scan);
	record_close(r);
	log_end(p);
	MemoryContextDelete(scratch);
}
