/*
 * redactable.h: values of type energyledger.redactable as the ledger handles them.
 */
#ifndef LEDGER_REDACTABLE_H
#define LEDGER_REDACTABLE_H

#include "executor/tuptable.h"
#include "utils/rel.h"

#include "core/commitment.h"
#include "ledger/row.h"

/* The type's OID; InvalidOid where the extension is not installed. */
extern Oid	redactable_type(void);

/* Has the table such a column? */
extern bool redactable_in(TupleDesc desc);

/*
 * Before the heap forms the tuple: give every redactable value of the slot a salt
 * of its own.  Errors where a value is redacted already.
 */
extern void redactable_salt(Relation rel, TupleTableSlot *slot, const RowPlan *plan);

/* The value taken apart, in memory of the current context; false where it is malformed. */
extern bool redactable_parts(Datum value, commitment_parts *parts);

/* What is hashed; false where the value has no commitment. */
extern bool redactable_commitment(Datum value, uint8 out[COMMITMENT_LEN]);

/* The first byte alone: cheap where the value is long.  -1: none. */
extern int	redactable_form(Datum value);

extern Datum redactable_datum(const commitment_parts *parts);

/* Does an expression over the table's columns (varno 1) read such a column? */
extern bool redactable_is_used(Relation rel, Node *expression);

#endif							/* LEDGER_REDACTABLE_H */
