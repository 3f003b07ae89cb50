/*
 * row.h: a row as the bytes that are hashed.
 */
#ifndef LEDGER_ROW_H
#define LEDGER_ROW_H

#include "access/tupdesc.h"
#include "fmgr.h"

#include "core/merkle.h"

/* How one column is written. */
typedef enum RowForm
{
	ROW_BOOL, ROW_INT2, ROW_INT4, ROW_INT8, ROW_FLOAT4, ROW_FLOAT8,
	ROW_BYTES,					/* varlena whose content is the value: text, bytea */
	ROW_UUID,
	ROW_NAME,
	ROW_SEND,					/* the type's binary send form */
	ROW_ENUM,
	ROW_ARRAY,
	ROW_REDACTABLE				/* the value's commitment */
} RowForm;

typedef struct RowColumn
{
	AttrNumber	attnum;
	uint16		ordinal;
	RowForm		form;
	RowForm		element_form;	/* arrays */
	Oid			element_type;
	int16		element_len;
	bool		element_byval;
	char		element_align;
	FmgrInfo	send;			/* ROW_SEND, or the elements' */
	char	   *element_name;
} RowColumn;

typedef struct RowPlan
{
	int			column_count;
	AttrNumber	attnum_max;		/* highest attribute read */
	int			redactable_count;	/* columns of ROW_REDACTABLE */
	RowColumn	column[FLEXIBLE_ARRAY_MEMBER];	/* by ascending ordinal */
} RowPlan;

/*
 * How a type is hashed; false where the ledger does not take it.  Fills all of
 * column but attnum and ordinal, allocating in the current context.
 */
extern bool row_column_init(RowColumn *column, Oid type);

/* The name under which a column's type stands in the registered schema. */
extern char *row_type_name(Oid type, int32 typmod);

/* Leaf hash H(00 | row). */
extern void row_leaf_hash(const RowPlan *plan, uint64 ledger_id,
						  const Datum *values, const bool *isnull,
						  uint8 out[MERKLE_HASH_LEN]);

/* The same of several rows, which is faster than one after the other. */
typedef struct RowValues
{
	uint64		ledger_id;
	const Datum *values;		/* by attribute number, from 1 at [0] */
	const bool *isnull;
} RowValues;

extern void row_leaf_hashes(const RowPlan *plan, const RowValues *rows, int count,
							uint8 (*out)[MERKLE_HASH_LEN]);

/*
 * The data of the row's leaf, 00 and the row, with SHA256_PAD_MAX of room behind it.
 * It stays until the next call for the same slot: for those who hash several rows
 * that they do not have at once.
 */
#define ROW_SLOTS 4
extern uint8 *row_leaf_bytes(const RowPlan *plan, int slot, uint64 ledger_id,
							 const Datum *values, const bool *isnull, Size *len);

/* The row's bytes, of which that is the leaf hash; palloc'd. */
extern uint8 *row_bytes(const RowPlan *plan, uint64 ledger_id,
						const Datum *values, const bool *isnull,
						Size *len);

#endif							/* LEDGER_ROW_H */
