/*
 * index_build.h: index builds over ledger tables.  Signatures are those of
 * TableAmRoutine.
 */
#ifndef LEDGER_INDEX_BUILD_H
#define LEDGER_INDEX_BUILD_H

#include "access/tableam.h"

extern double index_build_range_scan(Relation table_rel, Relation index_rel,
									 struct IndexInfo *index_info,
									 bool allow_sync, bool anyvisible, bool progress,
									 BlockNumber start_blockno, BlockNumber numblocks,
									 IndexBuildCallback callback, void *callback_state,
									 TableScanDesc scan);
extern void index_build_validate_scan(Relation table_rel, Relation index_rel,
									  struct IndexInfo *index_info, Snapshot snapshot,
									  struct ValidateIndexState *state);
extern void index_build_init(void); /* _PG_init only */

#endif							/* LEDGER_INDEX_BUILD_H */
