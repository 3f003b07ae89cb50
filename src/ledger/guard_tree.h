/*
 * guard_tree.h: partitions and heirs; guard.c only.
 */
#ifndef LEDGER_GUARD_TREE_H
#define LEDGER_GUARD_TREE_H

#include "nodes/parsenodes.h"

/* From the object access hook: child got or lost its parent. */
extern void guard_after_parent_change(Oid child, Oid parent);

/* Before ALTER TABLE: DETACH ... CONCURRENTLY hides rows before the hook is called. */
extern void guard_detach_concurrently(Oid parent, const AlterTableCmd *cmd);

#endif							/* LEDGER_GUARD_TREE_H */
