/*
 * verify_datum.h: tuples and values that are not trusted, taken apart: for whoever
 * reads rows of the log that somebody may have edited.
 */
#ifndef LEDGER_VERIFY_DATUM_H
#define LEDGER_VERIFY_DATUM_H

#include "access/htup.h"
#include "access/tupdesc.h"

typedef enum DatumForm
{
	DATUM_ANY,					/* nothing inside that could mislead a reader */
	DATUM_BOOL,
	DATUM_NAME,
	DATUM_NUMERIC,
	DATUM_JSONB,
	DATUM_RANGE,
	DATUM_ARRAY
} DatumForm;

/* How values of a type are checked before anybody takes them apart. */
typedef struct DatumCheck
{
	DatumForm	form;
	bool		varlena;
	Oid			type;			/* of ranges */
	int16		len;			/* of what is inside: a range's bounds, an array's elements */
	bool		byval;
	char		align;
	Oid			inner;			/* its type */
	DatumForm	inner_form;
	struct DatumCheck *inner_check; /* of elements that have an inside themselves */
} DatumCheck;

/* A varlena that is neither compressed nor out of line. */
#define DATUM_IS_PLAIN(d) \
	(VARATT_IS_4B_U(DatumGetPointer(d)) || \
	 (VARATT_IS_SHORT(DatumGetPointer(d)) && !VARATT_IS_EXTERNAL(DatumGetPointer(d))))

extern void datum_check_init(DatumCheck *check, Oid type);

/*
 * Can the value be read by its type's functions?  Detoasts it: *value is then what
 * was checked.  False: it cannot.  May raise what detoasting raises.
 */
extern bool datum_check(const DatumCheck *check, Datum *value);

/* A tuple descriptor as datum_deform wants it. */
typedef struct DatumShape
{
	TupleDesc	desc;
	int			natts;			/* attributes taken out */
	int			fixed;			/* so many at the beginning are of fixed length, ... */
	Size		fixed_end;		/* ... and end here where none of the row's is NULL */
	struct DatumAttribute
	{
		int16		len;
		bool		byval;
		uint8		align;		/* bytes */
		uint32		off;		/* of those */
	}		   *att;
} DatumShape;

extern DatumShape *datum_shape(TupleDesc desc, int natts);

/* Attributes out of a tuple; false where they are not within its bounds. */
extern bool datum_deform(const DatumShape *shape, HeapTuple tuple, Datum *values, bool *isnull);

#endif							/* LEDGER_VERIFY_DATUM_H */
