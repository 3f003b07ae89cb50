/*
 * guard_own.h: the extension's own objects; guard.c and its like.
 */
#ifndef LEDGER_GUARD_OWN_H
#define LEDGER_GUARD_OWN_H

#include "nodes/parsenodes.h"

/* One of the tables that came with the extension? */
extern bool guard_is_own_table(Oid relid);

/* Error: cannot <what> "relid". */
extern void guard_refuse_own(const char *what, Oid relid, const char *hint) pg_attribute_noreturn();

/* Before a statement: errors where it would change what the ledger works with. */
extern void guard_own_alter_table(Oid relid, const AlterTableCmd *cmd);
extern void guard_own_statement(Node *stmt);

/* From the object access hook, after one was made, replaced or altered. */
extern void guard_own_function(Oid function);
extern void guard_own_rule(Oid rule);
extern void guard_own_trigger(Oid trigger);

#endif							/* LEDGER_GUARD_OWN_H */
