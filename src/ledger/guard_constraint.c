/*
 * guard_constraint.c: which constraint says NOT NULL of a column.
 *
 * From PostgreSQL 18 on NOT NULL is a constraint with a name and DROP CONSTRAINT
 * takes it away, without a word of the column.  Before, there is no such
 * constraint, and nothing is found here.
 */
#include "postgres.h"
#include "compat.h"

#include "access/htup_details.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "ledger/guard_constraint.h"

bool
guard_is_not_null(Oid relid, const char *constraint, const char *column)
{
	Oid			oid = get_relation_constraint_oid(relid, constraint, true);
	HeapTuple	tuple = OidIsValid(oid) ? SearchSysCache1(CONSTROID, ObjectIdGetDatum(oid)) : NULL;
	bool		found = false;

	if (!HeapTupleIsValid(tuple))
		return false;
	if (((Form_pg_constraint) GETSTRUCT(tuple))->contype == CONSTRAINT_NOTNULL)
	{
		bool		isnull;
		Datum		key = SysCacheGetAttr(CONSTROID, tuple, Anum_pg_constraint_conkey, &isnull);
		ArrayType  *columns = isnull ? NULL : DatumGetArrayTypeP(key);

		found = columns != NULL && ARR_NDIM(columns) == 1 && ARR_DIMS(columns)[0] == 1 &&
			((AttrNumber *) ARR_DATA_PTR(columns))[0] == get_attnum(relid, column);
	}
	ReleaseSysCache(tuple);
	return found;
}
