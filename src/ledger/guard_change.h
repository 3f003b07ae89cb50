/*
 * guard_change.h: what DDL changes in the catalogs, seen as it happens; guard.c
 * and its like.
 */
#ifndef LEDGER_GUARD_CHANGE_H
#define LEDGER_GUARD_CHANGE_H

#include "access/htup.h"
#include "access/skey.h"
#include "catalog/objectaccess.h"

/* Error: cannot <what> ledger table "relid".  hint: NULL for none. */
extern void guard_refuse(const char *what, Oid relid, const char *hint) pg_attribute_noreturn();

/* A catalog row as this command has just left it, or NULL; free with heap_freetuple. */
extern HeapTuple guard_new_row(Oid catalog, Oid index, ScanKey key, int key_count);

/* From the object access hook, after the change and before the caches know of it. */
extern void guard_after_table_change(Oid relid);
extern void guard_after_column_change(Oid relid, AttrNumber attnum);
extern void guard_after_type_change(Oid type);
extern void guard_after_schema_change(Oid schema);
extern void guard_drop(Oid relid, int sub_id, const ObjectAccessDrop *drop);

#endif							/* LEDGER_GUARD_CHANGE_H */
