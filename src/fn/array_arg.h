/*
 * array_arg.h: arrays as arguments of SQL functions.
 */
#ifndef FN_ARRAY_ARG_H
#define FN_ARRAY_ARG_H

#include "fmgr.h"
#include "utils/array.h"

/*
 * Elements of a one-dimensional array of text, bytea or uuid, at most `max`; nulls may be
 * NULL where none are allowed.  Errors name the argument.
 */
extern int	array_elements(ArrayType *array, const char *name, Oid type, int max, Datum **elements, bool **nulls);

/* An argument that must not be NULL. */
extern ArrayType *array_required(FunctionCallInfo fcinfo, int arg, const char *name);

#endif							/* FN_ARRAY_ARG_H */
