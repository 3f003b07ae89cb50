/*
 * redactable.c: knows redactable columns, and gives their values a salt.
 *
 * The salt is given here, when a ledger table stores the row, and not when the
 * text is read: a literal in a default, a function or a prepared statement is read
 * once and stored many times, and two rows with one salt would tell of each other.
 * So every row has a salt of its own, whatever was handed in; only what
 * replication or a restore brings keeps the salt it was hashed with.
 */
#include "postgres.h"
#include "compat.h"

#include <sodium.h>

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "nodes/bitmapset.h"
#include "optimizer/optimizer.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "ledger/redactable.h"
#include "ledger/schema.h"

#define REDACTABLE_SCHEMA "energyledger"
#define REDACTABLE_TYPE "redactable"

Oid
redactable_type(void)
{
	Oid			schema = get_namespace_oid(REDACTABLE_SCHEMA, true);

	if (!OidIsValid(schema))
		return InvalidOid;
	return GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
						   CStringGetDatum(REDACTABLE_TYPE), ObjectIdGetDatum(schema));
}

bool
redactable_in(TupleDesc desc)
{
	Oid			type = redactable_type();

	for (int i = 0; OidIsValid(type) && i < desc->natts; i++)
		if (!TupleDescAttr(desc, i)->attisdropped && TupleDescAttr(desc, i)->atttypid == type)
			return true;
	return false;
}

bool
redactable_parts(Datum value, commitment_parts *parts)
{
	struct varlena *packed = PG_DETOAST_DATUM_PACKED(value);

	return commitment_parse((uint8 *) VARDATA_ANY(packed), VARSIZE_ANY_EXHDR(packed), parts);
}

bool
redactable_commitment(Datum value, uint8 out[COMMITMENT_LEN])
{
	struct varlena *packed = PG_DETOAST_DATUM_PACKED(value);
	commitment_parts parts;
	bool		has_one;

	has_one = commitment_parse((uint8 *) VARDATA_ANY(packed), VARSIZE_ANY_EXHDR(packed), &parts) &&
		commitment_of_parts(&parts, out);
	if ((Pointer) packed != DatumGetPointer(value))
		pfree(packed);
	return has_one;
}

int
redactable_form(Datum value)
{
	struct varlena *head = PG_DETOAST_DATUM_SLICE(value, 0, 1);
	int			form = VARSIZE_ANY_EXHDR(head) > 0 ? *(uint8 *) VARDATA_ANY(head) : -1;

	if ((Pointer) head != DatumGetPointer(value))
		pfree(head);
	return form;
}

Datum
redactable_datum(const commitment_parts *parts)
{
	Size		size = commitment_size(parts);
	struct varlena *v = palloc(VARHDRSZ + size);

	SET_VARSIZE(v, VARHDRSZ + size);
	commitment_put(parts, (uint8 *) VARDATA(v));
	return PointerGetDatum(v);
}

/* One value with a fresh salt, in the current context. */
static Datum
redactable_salted(Relation rel, AttrNumber attnum, Datum value)
{
	const char *column = NameStr(TupleDescAttr(RelationGetDescr(rel), attnum - 1)->attname);
	struct varlena *packed = PG_DETOAST_DATUM_PACKED(value);
	uint8		salt[COMMITMENT_SALT_LEN];
	commitment_parts parts;
	Datum		salted;

	if (!commitment_parse((uint8 *) VARDATA_ANY(packed), VARSIZE_ANY_EXHDR(packed), &parts))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("value for column \"%s\" of ledger table \"%s\" is not a redactable value",
						column, RelationGetRelationName(rel))));
	if (parts.form == COMMITMENT_REDACTED)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("cannot insert a redacted value into column \"%s\" of ledger table \"%s\"",
						column, RelationGetRelationName(rel)),
				 errdetail("Only its commitment is left: there is nothing to store."),
				 errhint("Insert NULL where the value is not known.")));
	randombytes_buf(salt, sizeof(salt));
	parts.form = COMMITMENT_SALTED;
	parts.salt = salt;
	salted = redactable_datum(&parts);
	explicit_bzero(salt, sizeof(salt));
	if ((Pointer) packed != DatumGetPointer(value))
		pfree(packed);
	return salted;
}

void
redactable_salt(Relation rel, TupleTableSlot *slot, const RowPlan *plan)
{
	MemoryContext old = MemoryContextSwitchTo(slot->tts_mcxt);
	Datum	   *fresh = palloc(sizeof(Datum) * plan->redactable_count);
	int			n = 0;
	HeapTuple	tuple;

	slot_getallattrs(slot);
	for (int i = 0; i < plan->column_count; i++)
	{
		int			attr = plan->column[i].attnum - 1;

		if (plan->column[i].form != ROW_REDACTABLE || slot->tts_isnull[attr])
			continue;
		fresh[n] = redactable_salted(rel, plan->column[i].attnum, slot->tts_values[attr]);
		slot->tts_values[attr] = fresh[n++];
	}
	if (n > 0)
	{
		/* the slot owns a tuple of its own from here on, whatever it held before */
		tuple = heap_form_tuple(RelationGetDescr(rel), slot->tts_values, slot->tts_isnull);
		ExecForceStoreHeapTuple(tuple, slot, true);
		slot_getallattrs(slot);
	}
	while (n > 0)
		pfree(DatumGetPointer(fresh[--n]));
	pfree(fresh);
	MemoryContextSwitchTo(old);
}

/* ---- copies ---- */

bool
redactable_is_used(Relation rel, Node *expression)
{
	TupleDesc	desc = RelationGetDescr(rel);
	Oid			type = redactable_type();
	Bitmapset  *used = NULL;

	if (!OidIsValid(type))
		return false;
	pull_varattnos(expression, 1, &used);
	for (int i = 0; i < desc->natts; i++)
		if (TupleDescAttr(desc, i)->atttypid == type && !TupleDescAttr(desc, i)->attisdropped &&
			(bms_is_member(i + 1 - FirstLowInvalidHeapAttributeNumber, used) ||
			 bms_is_member(InvalidAttrNumber - FirstLowInvalidHeapAttributeNumber, used)))
			return true;
	return false;
}
