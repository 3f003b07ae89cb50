/*
 * array_arg.c: takes arrays apart and says which argument is wrong.
 *
 * Counts are looked at before anything is allocated for the elements.
 */
#include "postgres.h"
#include "compat.h"

#include "catalog/pg_type.h"

#include "fn/array_arg.h"

int
array_elements(ArrayType *array, const char *name, Oid type, int max, Datum **elements, bool **nulls)
{
	bool	   *is_null;
	int			count;

	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be a one-dimensional array", name),
				 errdetail("The array has %d dimensions.", ARR_NDIM(array))));
	if (ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)) > max)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("argument \"%s\" has too many elements", name),
				 errdetail("It has %d; at most %d are taken at a time.",
						   ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)), max),
				 errhint("Split the array.")));
	if (type == UUIDOID)
		deconstruct_array(array, type, 16, false, TYPALIGN_CHAR, elements, &is_null, &count);
	else
		deconstruct_array(array, type, -1, false, TYPALIGN_INT, elements, &is_null, &count);
	for (int i = 0; nulls == NULL && i < count; i++)
	{
		if (is_null[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument \"%s\" must not contain NULLs", name),
					 errdetail("Element %d is NULL.", i + 1)));
	}
	if (nulls != NULL)
		*nulls = is_null;
	return count;
}

ArrayType *
array_required(FunctionCallInfo fcinfo, int arg, const char *name)
{
	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be NULL", name)));
	return PG_GETARG_ARRAYTYPE_P(arg);
}
