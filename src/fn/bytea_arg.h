/*
 * bytea_arg.h: bytea arguments as C sees them, for the functions of src/fn.
 *
 * A view points into the argument's own memory (detoasted where needed) and
 * lives as long as the call.  Only src/fn includes this.
 */
#ifndef FN_BYTEA_ARG_H
#define FN_BYTEA_ARG_H

#include "fmgr.h"

typedef struct bytea_view
{
	const uint8 *data;
	Size		len;
} bytea_view;

static inline bytea_view
bytea_view_of(Datum value)
{
	bytea	   *v = DatumGetByteaPP(value);
	bytea_view	view;

	view.data = (const uint8 *) VARDATA_ANY(v);
	view.len = VARSIZE_ANY_EXHDR(v);
	return view;
}

static inline Datum
bytea_datum(const uint8 *data, Size len)
{
	bytea	   *v = (bytea *) palloc(VARHDRSZ + len);

	SET_VARSIZE(v, VARHDRSZ + len);
	memcpy(VARDATA(v), data, len);
	return PointerGetDatum(v);
}

#endif							/* FN_BYTEA_ARG_H */
