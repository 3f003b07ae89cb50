/*
 * move_range.c: from ranges of certificates to the bundles that have them now.
 *
 * What was issued with a range's first number is found first; whatever came of it begins at
 * its first number or later.  A bundle is there as long as none names it as its parent
 * that begins with the same number.
 */
#include "postgres.h"
#include "compat.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "certificate/move.h"

#define RANGE_COLUMNS 4

static const char pieces_sql[] =
"SELECT a.n, b.device, b.carrier, b.holder, b.state, b.from_at, b.to_at, b.issue_id, b.ledger_id, b.first_id, b.last_id"
"  FROM unnest($1, $2, $3, $4) WITH ORDINALITY a(device, carrier, first_id, last_id, n)"
" CROSS JOIN LATERAL (SELECT r.first_id FROM energyledger.certificate_bundle r"
"   WHERE r.device = a.device AND r.carrier = a.carrier AND r.first_id <= a.first_id AND r.parent_id IS NULL"
"   ORDER BY r.first_id DESC LIMIT 1) issued"
"  JOIN energyledger.certificate_bundle b ON b.device = a.device AND b.carrier = a.carrier"
"   AND b.first_id BETWEEN issued.first_id AND a.last_id AND b.last_id >= a.first_id"
" WHERE NOT EXISTS (SELECT FROM energyledger.certificate_bundle c WHERE c.device = b.device AND c.carrier = b.carrier"
"   AND c.first_id = b.first_id AND c.parent_id = b.ledger_id)"
" ORDER BY a.n, b.first_id";

MoveRange *
move_ranges(ArrayType *certificates, uint32 *count)
{
	Oid			type = ARR_ELEMTYPE(certificates);
	TupleDesc	desc = lookup_rowtype_tupdesc(type, -1);
	Datum	   *element;
	bool	   *null;
	int			elements;
	MoveRange  *range;

	if (ArrayGetNItems(ARR_NDIM(certificates), ARR_DIMS(certificates)) > MOVE_RANGES_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many ranges of certificates"),
				 errdetail("There are %d; at most %d are taken at a time.",
						   ArrayGetNItems(ARR_NDIM(certificates), ARR_DIMS(certificates)), MOVE_RANGES_MAX)));
	deconstruct_array(certificates, type, -1, false, TYPALIGN_DOUBLE, &element, &null, &elements);
	range = palloc_extended(Max(elements, 1) * sizeof(MoveRange), MCXT_ALLOC_HUGE);
	for (int i = 0; i < elements; i++)
	{
		Datum		value[RANGE_COLUMNS];
		bool		is_null[RANGE_COLUMNS] = {true, true, true, true};

		if (!null[i])
		{
			HeapTupleHeader header = DatumGetHeapTupleHeader(element[i]);
			HeapTupleData tuple;

			tuple.t_len = HeapTupleHeaderGetDatumLength(header);
			ItemPointerSetInvalid(&tuple.t_self);
			tuple.t_tableOid = InvalidOid;
			tuple.t_data = header;
			heap_deform_tuple(&tuple, desc, value, is_null);
		}
		if (is_null[0] || is_null[1] || is_null[2] || is_null[3])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("ranges of certificates must not contain NULLs"),
					 errdetail("Range %d does.", i + 1)));
		range[i] = (MoveRange) {DatumGetTextPP(value[0]), DatumGetTextPP(value[1]), DatumGetInt64(value[2]), DatumGetInt64(value[3])};
	}
	ReleaseTupleDesc(desc);
	*count = elements;
	return range;
}

static SPIPlanPtr
pieces_plan(void)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[RANGE_COLUMNS] = {TEXTARRAYOID, TEXTARRAYOID, INT8ARRAYOID, INT8ARRAYOID};

	if (plan == NULL)
	{
		SPIPlanPtr	made = SPI_prepare(pieces_sql, RANGE_COLUMNS, types);

		if (made == NULL || SPI_keepplan(made) != 0)
			elog(ERROR, "could not prepare: %s", SPI_result_code_string(SPI_result));
		plan = made;
	}
	return plan;
}

static text *
piece_text(HeapTuple tuple, TupleDesc desc, int column)
{
	bool		null;

	return DatumGetTextPP(SPI_getbinval(tuple, desc, column, &null));
}

static int64
piece_number(HeapTuple tuple, TupleDesc desc, int column)
{
	bool		null;

	return DatumGetInt64(SPI_getbinval(tuple, desc, column, &null));
}

static void
pieces_arguments(const MoveRange *range, uint32 ranges, Datum *value)
{
	Datum	   *element = palloc_extended(RANGE_COLUMNS * (Size) ranges * sizeof(Datum), MCXT_ALLOC_HUGE);

	for (uint32 i = 0; i < ranges; i++)
	{
		element[i] = PointerGetDatum(range[i].device);
		element[ranges + i] = PointerGetDatum(range[i].carrier);
		element[2 * (Size) ranges + i] = Int64GetDatum(range[i].first_id);
		element[3 * (Size) ranges + i] = Int64GetDatum(range[i].last_id);
	}
	for (int k = 0; k < RANGE_COLUMNS; k++)
		value[k] = PointerGetDatum(k < 2 ? construct_array(element + k * (Size) ranges, ranges, TEXTOID, -1, false, TYPALIGN_INT) :
								   construct_array(element + k * (Size) ranges, ranges, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	pfree(element);
}

MovePiece *
move_pieces(const MoveRange *range, uint32 ranges, uint32 *count)
{
	Datum		value[RANGE_COLUMNS];
	MovePiece  *piece;
	TupleDesc	desc;

	pieces_arguments(range, ranges, value);
	if (SPI_execute_plan(pieces_plan(), value, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not look for certificates");
	desc = SPI_tuptable->tupdesc;
	*count = (uint32) SPI_processed;
	piece = palloc_extended(Max(SPI_processed, 1) * sizeof(MovePiece), MCXT_ALLOC_HUGE);
	for (uint32 i = 0; i < *count; i++)
	{
		HeapTuple	t = SPI_tuptable->vals[i];
		const MoveRange *r;
		text	   *state = piece_text(t, desc, 5);
		MovePiece  *p = &piece[i];

		p->asked = (uint32) piece_number(t, desc, 1) - 1;
		r = &range[p->asked];
		p->device = piece_text(t, desc, 2);
		p->carrier = piece_text(t, desc, 3);
		p->holder = piece_text(t, desc, 4);
		p->state = certificate_state_of(VARDATA_ANY(state), VARSIZE_ANY_EXHDR(state));
		p->from_at = piece_number(t, desc, 6);
		p->to_at = piece_number(t, desc, 7);
		p->issue_id = piece_number(t, desc, 8);
		p->bundle_id = piece_number(t, desc, 9);
		p->bundle_first_id = piece_number(t, desc, 10);
		p->bundle_last_id = piece_number(t, desc, 11);
		p->first_id = Max(r->first_id, p->bundle_first_id);
		p->last_id = Min(r->last_id, p->bundle_last_id);
	}
	return piece;
}
