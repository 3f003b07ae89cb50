/*
 * guard_type.h: types that rows of ledger tables are hashed by; guard.c only.
 */
#ifndef LEDGER_GUARD_TYPE_H
#define LEDGER_GUARD_TYPE_H

/*
 * A ledger table with a column of this type, of an array of it, or of a domain
 * or range over it; InvalidOid where there is none.
 */
extern Oid	guard_table_of_type(Oid type);

/* The same for all types of a schema. */
extern Oid	guard_table_of_types_in(Oid schema);

#endif							/* LEDGER_GUARD_TYPE_H */
