/*
 * index_build.c: lets heap build indexes over tables that are not quite heap.
 *
 * Heap's index builds read with heap_getnext(), which insists that the relation
 * carries heap's own routine, by pointer.  So while such a scan runs, the relation
 * carries it.  A relcache rebuild in the middle (any invalidation may cause one)
 * puts ours back, so the relations being scanned are kept on a stack and swapped
 * again after each invalidation.  Builds nest (an index expression may build
 * nothing, but an event trigger may), hence a stack.
 *
 * Nothing is written to the table during such a scan, so the swap cannot let a
 * row past the ledger.
 */
#include "postgres.h"
#include "compat.h"

#include "access/heapam.h"
#include "access/tableam.h"
#include "utils/inval.h"
#include "utils/rel.h"

#include "ledger/index_build.h"

typedef struct SwappedRelation
{
	Relation	rel;
	const TableAmRoutine *ours;
	struct SwappedRelation *outer;
} SwappedRelation;

static SwappedRelation *swapped = NULL;

static void
index_build_swap(SwappedRelation *s, Relation rel)
{
	s->rel = rel;
	s->ours = rel->rd_tableam;
	s->outer = swapped;
	swapped = s;
	rel->rd_tableam = GetHeapamTableAmRoutine();
}

static void
index_build_unswap(SwappedRelation *s)
{
	s->rel->rd_tableam = s->ours;
	swapped = s->outer;
}

/* The entry has been rebuilt by now; the Relation pointer stays as it is while open. */
static void
index_build_relcache_callback(Datum arg, Oid relid)
{
	for (SwappedRelation *s = swapped; s != NULL; s = s->outer)
		if (!OidIsValid(relid) || RelationGetRelid(s->rel) == relid)
			s->rel->rd_tableam = GetHeapamTableAmRoutine();
}

double
index_build_range_scan(Relation table_rel, Relation index_rel,
					   struct IndexInfo *index_info,
					   bool allow_sync, bool anyvisible, bool progress,
					   BlockNumber start_blockno, BlockNumber numblocks,
					   IndexBuildCallback callback, void *callback_state,
					   TableScanDesc scan)
{
	SwappedRelation s;
	double		rows = 0;

	index_build_swap(&s, table_rel);
	PG_TRY();
	{
		rows = GetHeapamTableAmRoutine()->index_build_range_scan(table_rel, index_rel, index_info,
																 allow_sync, anyvisible, progress,
																 start_blockno, numblocks,
																 callback, callback_state, scan);
	}
	PG_FINALLY();
	{
		index_build_unswap(&s);
	}
	PG_END_TRY();
	return rows;
}

void
index_build_validate_scan(Relation table_rel, Relation index_rel,
						  struct IndexInfo *index_info, Snapshot snapshot,
						  struct ValidateIndexState *state)
{
	SwappedRelation s;

	index_build_swap(&s, table_rel);
	PG_TRY();
	{
		GetHeapamTableAmRoutine()->index_validate_scan(table_rel, index_rel, index_info,
													   snapshot, state);
	}
	PG_FINALLY();
	{
		index_build_unswap(&s);
	}
	PG_END_TRY();
}

void
index_build_init(void)
{
	CacheRegisterRelcacheCallback(index_build_relcache_callback, (Datum) 0);
}
