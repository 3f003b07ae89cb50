/*
 * verify_parallel.c: several processes read the tables for one verify().
 *
 * The work is ranges of blocks: of energyledger.entry and of each table.  Whoever
 * is free takes the next range; the leader takes part.  What is counted (multisets) can
 * be joined in any order.  Rows that a process is left with, because their entry's
 * other rows are in a range that another one took, go into a store that they share; the
 * leader sorts them at the end and puts them to the same test.
 *
 * Ranges are large, so that few entries are cut.  Without workers it is the same
 * with one process.
 */
#include "postgres.h"
#include "compat.h"

#include "access/parallel.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "optimizer/optimizer.h"
#include "port/atomics.h"
#include "storage/bufmgr.h"
#include "storage/sharedfileset.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/sharedtuplestore.h"

#include "ledger/verify_parts.h"
#include "ledger/verify_progress.h"
#include "ledger/log.h"

#define RANGE_BLOCKS_MIN 64
#define RANGE_BLOCKS_MAX 4096
#define RANGES_EACH 16			/* so many for each process, that they end together */
#define BLOCKS_PER_WORKER 2048	/* a worker is not worth starting for fewer */

#define KEY_SHARED 1
#define KEY_STORE 2
#define KEY_SNAPSHOTS 3
#define KEY_LINEAGE 4

/* A relation to be read, range by range. */
typedef struct VerifyJob
{
	int			table;			/* index into VerifyTables; -1: the entries */
	BlockNumber end;
	BlockNumber step;
	pg_atomic_uint64 next;		/* first block that nobody has taken */
} VerifyJob;

typedef struct VerifyShared
{
	Selection	selection;		/* its snapshots are under KEY_SNAPSHOTS */
	int			progress_slot;
	pg_atomic_uint32 participants;
	SharedFileSet files;
	Size		results_at;		/* from the beginning of this struct: a ScanResult a worker */
	Size		relids_at;		/* an Oid a table */
	int			job_count;
	VerifyJob	job[FLEXIBLE_ARRAY_MEMBER];
} VerifyShared;

typedef struct Reading
{
	Verification *v;
	int			workers;		/* asked for */
	VerifyShared *shared;
	RowSort    *sort;
	SharedTuplestoreAccessor *store;
	TupleTableSlot *slot;
	ScanResult	result;
} Reading;

/* ---- what every participant does ---- */

static void
parallel_read(VerifyShared *shared, VerifyTables *tables, Participant *p)
{
	for (int i = 0; i < shared->job_count; i++)
	{
		VerifyJob  *job = &shared->job[i];

		progress_phase(PROGRESS_ROWS, job->table >= 0 ? tables->table[job->table].name : "energyledger.entry");
		for (;;)
		{
			uint64		first = pg_atomic_fetch_add_u64(&job->next, job->step);
			BlockNumber count;

			if (first >= job->end)
				break;
			count = Min(job->step, job->end - (BlockNumber) first);
			if (job->table >= 0)
				scan_rows(p, job->table, (BlockNumber) first, count);
			else
				scan_entries(p, (BlockNumber) first, count);
		}
	}
	scan_flush(p);
}

/* ---- a worker ---- */

static void
parallel_store_row(void *arg, const VerifiedRow *row)
{
	Reading    *r = arg;
	bool		should_free;
	MinimalTuple tuple;

	rowsort_store(r->slot, row);
	tuple = ExecFetchSlotMinimalTuple(r->slot, &should_free);
	sts_puttuple(r->store, NULL, tuple);
	if (should_free)
		pfree(tuple);
}

static void
parallel_set_snapshots(Selection *s, char *snapshots)
{
	s->block_snapshot = snapshots;
	s->since_snapshot = snapshots + MAXALIGN(s->block_snapshot_len);
}

PGDLLEXPORT void verify_worker_main(dsm_segment *seg, shm_toc *toc);

void
verify_worker_main(dsm_segment *seg, shm_toc *toc)
{
	VerifyShared *shared = shm_toc_lookup(toc, KEY_SHARED, false);
	Reading		r = {.shared = shared};
	Selection	selection = shared->selection;
	VerifyTables *tables;
	Participant *p;
	const Oid  *relid = (const Oid *) ((char *) shared + shared->relids_at);

	progress_attach(shared->progress_slot);
	progress_share_rate((int) pg_atomic_read_u32(&shared->participants));
	SharedFileSetAttach(&shared->files, seg);
	r.store = sts_attach(shm_toc_lookup(toc, KEY_STORE, false), ParallelWorkerNumber, &shared->files);
	r.slot = rowsort_slot();
	parallel_set_snapshots(&selection, shm_toc_lookup(toc, KEY_SNAPSHOTS, false));
	/* the same tables in the same order; the leader has checked them */
	tables = tables_load(lineage_read(shm_toc_lookup(toc, KEY_LINEAGE, false)), NULL);
	for (int i = 0; i < tables->count; i++)
	{
		tables->table[i].relid = relid[i];
		tables->table[i].selected = OidIsValid(relid[i]);
	}
	p = scan_begin(tables, &selection, parallel_store_row, &r);
	parallel_read(shared, tables, p);
	sts_end_write(r.store);
	((ScanResult *) ((char *) shared + shared->results_at))[ParallelWorkerNumber] = *scan_result(p);
	scan_end(p);
}

/* ---- the leader ---- */

static void
parallel_keep_row(void *arg, const VerifiedRow *row)
{
	rowsort_put(((Reading *) arg)->sort, row);
}

static BlockNumber
parallel_blocks(Oid relid)
{
	Relation	rel = table_open(relid, AccessShareLock);
	BlockNumber blocks = RelationGetNumberOfBlocks(rel);

	table_close(rel, AccessShareLock);
	return blocks;
}

static void
parallel_add_job(VerifyShared *shared, int table, BlockNumber first, BlockNumber end, int participants)
{
	VerifyJob  *job = &shared->job[shared->job_count++];
	BlockNumber step = (end - Min(first, end)) / (participants * RANGES_EACH);

	job->table = table;
	job->end = end;
	job->step = Max(RANGE_BLOCKS_MIN, Min(step, RANGE_BLOCKS_MAX));
	pg_atomic_init_u64(&job->next, Min(first, end));
	progress_totals(end - Min(first, end), 0);
}

/*
 * Where rows of the selected entries can be: for a part of the ledger, from the first
 * block that any of them names on.  A hint, which VACUUM FULL makes stale: then rows
 * are missing, and the caller reads everything.
 */
static BlockNumber
parallel_first_block(const Verification *v, int table)
{
	return v->low_block != NULL ? v->low_block[table] : 0;
}

static void
parallel_add_jobs(Reading *r, const Oid *relid, int participants)
{
	Verification *v = r->v;

	if (!v->entries_counted)
		parallel_add_job(r->shared, -1, 0, parallel_blocks(log_relation_oid("entry")), participants);
	for (int i = 0; i < v->tables->count; i++)
		if (OidIsValid(relid[i]))
			parallel_add_job(r->shared, i, parallel_first_block(v, i), parallel_blocks(relid[i]), participants);
}

static Size
parallel_shared_size(const Reading *r, int workers)
{
	int			tables = r->v->tables->count;

	return MAXALIGN(offsetof(VerifyShared, job) + sizeof(VerifyJob) * (tables + 1)) +
		MAXALIGN(sizeof(ScanResult) * workers) + MAXALIGN(sizeof(Oid) * tables);
}

static void
parallel_fill(Reading *r, int workers)
{
	Verification *v = r->v;
	VerifyShared *shared = r->shared;
	int			tables = v->tables->count;
	Oid		   *relid;

	shared->selection = v->selection;
	shared->progress_slot = progress_slot();
	pg_atomic_init_u32(&shared->participants, workers + 1);
	shared->results_at = MAXALIGN(offsetof(VerifyShared, job) + sizeof(VerifyJob) * (tables + 1));
	shared->relids_at = shared->results_at + MAXALIGN(sizeof(ScanResult) * workers);
	shared->job_count = 0;
	relid = (Oid *) ((char *) shared + shared->relids_at);
	for (int i = 0; i < tables; i++)
		relid[i] = v->tables->table[i].selected ? v->tables->table[i].relid : InvalidOid;
	parallel_add_jobs(r, relid, workers + 1);
}

static void
parallel_join_result(ScanResult *to, const ScanResult *from)
{
	multiset_join(&to->settled, &from->settled);
	multiset_join(&to->expected, &from->expected);
	multiset_join(&to->sealed, &from->sealed);
	multiset_join(&to->redacted, &from->redacted);
	to->misfit |= from->misfit;
}

/* The leader's own part, and what it finds in the store of the workers. */
static void
parallel_lead(Reading *r, ParallelContext *pcxt)
{
	Verification *v = r->v;
	Participant *p = scan_begin(v->tables, &v->selection, parallel_keep_row, r);

	r->sort = rowsort_begin();
	parallel_read(r->shared, v->tables, p);
	if (pcxt != NULL)
	{
		MinimalTuple tuple;
		VerifiedRow row;

		WaitForParallelWorkersToFinish(pcxt);
		for (int i = 0; i < pcxt->nworkers_launched; i++)
			parallel_join_result(&r->result,
								 &((ScanResult *) ((char *) r->shared + r->shared->results_at))[i]);
		sts_begin_parallel_scan(r->store);
		while ((tuple = sts_parallel_scan_next(r->store, NULL)) != NULL)
		{
			ExecStoreMinimalTuple(tuple, r->slot, false);
			rowsort_load(r->slot, &row);
			rowsort_put(r->sort, &row);
		}
		sts_end_parallel_scan(r->store);
	}
	rowsort_perform(r->sort);
	if (!r->result.misfit && !scan_result(p)->misfit)
		scan_settle_sorted(p, r->sort);
	parallel_join_result(&r->result, scan_result(p));
	rowsort_end(r->sort);
	scan_end(p);
}

static void
parallel_alone(Reading *r)
{
	r->shared = palloc0(parallel_shared_size(r, 0));
	parallel_fill(r, 0);
	progress_share_rate(1);
	parallel_lead(r, NULL);
}

static void
parallel_with_workers(Reading *r)
{
	const Selection *s = &r->v->selection;
	Size		size = parallel_shared_size(r, r->workers);
	Size		snapshots_len = MAXALIGN(s->block_snapshot_len) + MAXALIGN(s->since_snapshot_len);
	ParallelContext *pcxt;
	SharedTuplestore *store;
	Size		lineage_len = lineage_size(r->v->tables->lineage);
	char	   *snapshots;
	char	   *lineage;

	EnterParallelMode();
	pcxt = CreateParallelContext("pg_energyledger", "verify_worker_main", r->workers);
	shm_toc_estimate_chunk(&pcxt->estimator, size);
	shm_toc_estimate_chunk(&pcxt->estimator, sts_estimate(r->workers));
	shm_toc_estimate_chunk(&pcxt->estimator, Max(snapshots_len, 1));
	shm_toc_estimate_chunk(&pcxt->estimator, lineage_len);
	shm_toc_estimate_keys(&pcxt->estimator, 4);
	InitializeParallelDSM(pcxt);
	if (pcxt->seg == NULL)
	{
		/* no shared memory to be had */
		DestroyParallelContext(pcxt);
		ExitParallelMode();
		parallel_alone(r);
		return;
	}
	r->shared = shm_toc_allocate(pcxt->toc, size);
	memset(r->shared, 0, size);
	parallel_fill(r, r->workers);
	SharedFileSetInit(&r->shared->files, pcxt->seg);
	store = shm_toc_allocate(pcxt->toc, sts_estimate(r->workers));
	r->store = sts_initialize(store, r->workers, 0, 0, SHARED_TUPLESTORE_SINGLE_PASS, &r->shared->files, "rows");
	r->slot = rowsort_slot();
	snapshots = shm_toc_allocate(pcxt->toc, Max(snapshots_len, 1));
	if (s->block_snapshot_len > 0)
		memcpy(snapshots, s->block_snapshot, s->block_snapshot_len);
	if (s->since_snapshot_len > 0)
		memcpy(snapshots + MAXALIGN(s->block_snapshot_len), s->since_snapshot, s->since_snapshot_len);
	lineage = shm_toc_allocate(pcxt->toc, lineage_len);
	lineage_write(r->v->tables->lineage, lineage);
	shm_toc_insert(pcxt->toc, KEY_LINEAGE, lineage);
	shm_toc_insert(pcxt->toc, KEY_SHARED, r->shared);
	shm_toc_insert(pcxt->toc, KEY_STORE, store);
	shm_toc_insert(pcxt->toc, KEY_SNAPSHOTS, snapshots);
	LaunchParallelWorkers(pcxt);
	pg_atomic_write_u32(&r->shared->participants, pcxt->nworkers_launched + 1);
	progress_share_rate(pcxt->nworkers_launched + 1);
	parallel_lead(r, pcxt);
	DestroyParallelContext(pcxt);
	ExitParallelMode();
}

/* As many as were asked for; else as there is work for, and the server allows. */
static int
parallel_workers(const Verification *v)
{
	BlockNumber blocks = 0;

	if (IsInParallelMode())
		return 0;
	for (int i = 0; i < v->tables->count; i++)
	{
		const VerifyTable *t = &v->tables->table[i];
		Relation	rel;

		if (!t->selected || !OidIsValid(t->relid))
			continue;
		rel = table_open(t->relid, AccessShareLock);
		/* a worker would not know rows that COPY FREEZE of this transaction wrote */
		if (rel->rd_createSubid != InvalidSubTransactionId)
			blocks = InvalidBlockNumber;
		else if (blocks != InvalidBlockNumber)
		{
			BlockNumber all = RelationGetNumberOfBlocks(rel);

			blocks += all - Min(all, parallel_first_block(v, i));
		}
		table_close(rel, AccessShareLock);
		if (blocks == InvalidBlockNumber)
			return 0;
	}
	if (v->options->workers >= 0)
		return v->options->workers;
	return Min(max_parallel_maintenance_workers, (int) (blocks / BLOCKS_PER_WORKER));
}

static void
parallel_run(void *arg)
{
	Reading    *r = arg;

	if (r->workers > 0)
		parallel_with_workers(r);
	else
		parallel_alone(r);
}

bool
verify_settle_rows(Verification *v)
{
	Reading    *r = palloc0(sizeof(Reading));
	char	   *why = NULL;

	r->v = v;
	multiset_init(&r->result.settled);
	multiset_init(&r->result.expected);
	multiset_init(&r->result.sealed);
	multiset_init(&r->result.redacted);
	r->workers = parallel_workers(v);
	if (!verify_guarded(parallel_run, r, &why))
	{
		ereport(DEBUG1, (errmsg_internal("could not read everything: %s", why)));
		v->unread = why;
		return false;
	}
	if (v->entries_counted)
		r->result.expected = v->entries_expected;
	else
	{
		v->sealed = r->result.sealed;
		v->sealed_known = true;
	}
	v->redacted_fit = !v->redacted_known || multiset_equal(&r->result.redacted, &v->redacted);
	return !r->result.misfit && multiset_equal(&r->result.settled, &r->result.expected);
}
