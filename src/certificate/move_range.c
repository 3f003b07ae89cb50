/*
 * move_range.c: from ranges of certificates to the bundles that have them now.
 *
 * Ranges that follow each other, as those of a device's day do, are looked for at once.
 * What was issued with the first number is found first; whatever came of it begins at its first
 * number or later, and stands beside it in the index.  So bundles that have ended are read
 * too: a bundle has ended if another that was read names it as its parent, for what
 * comes of a bundle has all of its numbers.
 */
#include "postgres.h"
#include "compat.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "certificate/move.h"

#define RANGE_COLUMNS 4
#define BUNDLE_COLUMNS 12

static const char bundles_sql[] =
"SELECT a.n, b.device, b.carrier, b.holder, b.state, b.from_at, b.to_at, b.issue_id, b.ledger_id, b.first_id, b.last_id, b.parent_id"
"  FROM unnest($1, $2, $3, $4) WITH ORDINALITY a(device, carrier, first_id, last_id, n)"
" CROSS JOIN LATERAL (SELECT r.first_id FROM energyledger.certificate_bundle r"
"   WHERE r.device = a.device AND r.carrier = a.carrier AND r.first_id <= a.first_id AND r.parent_id IS NULL"
"   ORDER BY r.first_id DESC LIMIT 1) issued"
"  JOIN energyledger.certificate_bundle b ON b.device = a.device AND b.carrier = a.carrier"
"   AND b.first_id BETWEEN issued.first_id AND a.last_id AND b.last_id >= a.first_id";

/* Ranges of a device that follow each other. */
typedef struct Island
{
	MoveRange	range;
	uint32		first;			/* of those in sequence */
	uint32		count;
} Island;

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

/* ---- what to look for ---- */

static int
text_compare(const text *a, const text *b)
{
	int			c = memcmp(VARDATA_ANY(a), VARDATA_ANY(b), Min(VARSIZE_ANY_EXHDR(a), VARSIZE_ANY_EXHDR(b)));

	return c != 0 ? c : (int) VARSIZE_ANY_EXHDR(a) - (int) VARSIZE_ANY_EXHDR(b);
}

static int
range_compare(const void *a, const void *b, void *arg)
{
	const MoveRange *range = arg;
	const MoveRange *x = &range[*(const uint32 *) a];
	const MoveRange *y = &range[*(const uint32 *) b];
	int			c = text_compare(x->device, y->device);

	if (c == 0)
		c = text_compare(x->carrier, y->carrier);
	if (c == 0)
		c = x->first_id < y->first_id ? -1 : x->first_id > y->first_id;
	return c;
}

/* order: places of the ranges, by device, carrier and number. */
static Island *
islands_of(const MoveRange *range, uint32 ranges, const uint32 *order, uint32 *count)
{
	Island	   *island = palloc_extended(Max(ranges, 1) * sizeof(Island), MCXT_ALLOC_HUGE);
	uint32		n = 0;

	for (uint32 i = 0; i < ranges; i++)
	{
		const MoveRange *r = &range[order[i]];
		Island	   *last = n > 0 ? &island[n - 1] : NULL;

		if (last != NULL && r->first_id - 1 <= last->range.last_id && text_compare(r->device, last->range.device) == 0 &&
			text_compare(r->carrier, last->range.carrier) == 0)
		{
			last->range.last_id = Max(last->range.last_id, r->last_id);
			last->count++;
		}
		else
			island[n++] = (Island) {*r, i, 1};
	}
	*count = n;
	return island;
}

static void
islands_arguments(const Island *island, uint32 islands, Datum *value)
{
	Datum	   *element = palloc_extended(RANGE_COLUMNS * (Size) islands * sizeof(Datum), MCXT_ALLOC_HUGE);

	for (uint32 i = 0; i < islands; i++)
	{
		element[i] = PointerGetDatum(island[i].range.device);
		element[islands + i] = PointerGetDatum(island[i].range.carrier);
		element[2 * (Size) islands + i] = Int64GetDatum(island[i].range.first_id);
		element[3 * (Size) islands + i] = Int64GetDatum(island[i].range.last_id);
	}
	for (int k = 0; k < RANGE_COLUMNS; k++)
		value[k] = PointerGetDatum(k < 2 ? construct_array(element + k * (Size) islands, islands, TEXTOID, -1, false, TYPALIGN_INT) :
								   construct_array(element + k * (Size) islands, islands, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	pfree(element);
}

/* ---- what there is ---- */

static SPIPlanPtr
bundles_plan(void)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[RANGE_COLUMNS] = {TEXTARRAYOID, TEXTARRAYOID, INT8ARRAYOID, INT8ARRAYOID};

	if (plan == NULL)
	{
		SPIPlanPtr	made = SPI_prepare(bundles_sql, RANGE_COLUMNS, types);

		if (made == NULL || SPI_keepplan(made) != 0)
			elog(ERROR, "could not prepare: %s", SPI_result_code_string(SPI_result));
		plan = made;
	}
	return plan;
}

/* A bundle as a piece of which nothing is taken yet. */
static void
bundle_read(HeapTuple tuple, TupleDesc desc, Datum *value, bool *null, MovePiece *p)
{
	text	   *state;

	heap_deform_tuple(tuple, desc, value, null);
	state = DatumGetTextPP(value[4]);
	p->asked = (uint32) DatumGetInt64(value[0]) - 1;
	p->device = DatumGetTextPP(value[1]);
	p->carrier = DatumGetTextPP(value[2]);
	p->holder = DatumGetTextPP(value[3]);
	p->state = certificate_state_of(VARDATA_ANY(state), VARSIZE_ANY_EXHDR(state));
	p->from_at = DatumGetTimestampTz(value[5]);
	p->to_at = DatumGetTimestampTz(value[6]);
	p->issue_id = DatumGetInt64(value[7]);
	p->bundle_id = DatumGetInt64(value[8]);
	p->bundle_first_id = DatumGetInt64(value[9]);
	p->bundle_last_id = DatumGetInt64(value[10]);
	p->parent_id = null[11] ? 0 : DatumGetInt64(value[11]);
	p->first_id = p->last_id = 0;
}

/* All bundles that have or had numbers of them, in no sequence (but mostly in that of the index); asked is the place of the island. */
static MovePiece *
bundles_of(const Island *island, uint32 islands, uint32 *count)
{
	Datum		argument[RANGE_COLUMNS];
	Datum		value[BUNDLE_COLUMNS];
	bool		null[BUNDLE_COLUMNS];
	MovePiece  *bundle;

	islands_arguments(island, islands, argument);
	if (SPI_execute_plan(bundles_plan(), argument, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not look for certificates");
	*count = (uint32) SPI_processed;
	bundle = palloc_extended(Max(SPI_processed, 1) * sizeof(MovePiece), MCXT_ALLOC_HUGE);
	for (uint32 i = 0; i < *count; i++)
		bundle_read(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, value, null, &bundle[i]);
	return bundle;
}

/* Leaves those that have not ended. */
static uint32
bundles_living(MovePiece *bundle, uint32 count)
{
	HASHCTL		info = {.keysize = sizeof(int64),.entrysize = sizeof(int64),.hcxt = CurrentMemoryContext};
	HTAB	   *ended = hash_create("bundles that have ended", Max(count, 16), &info, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	uint32		kept = 0;

	for (uint32 i = 0; i < count; i++)
	{
		if (bundle[i].parent_id != 0)
			(void) hash_search(ended, &bundle[i].parent_id, HASH_ENTER, NULL);
	}
	for (uint32 i = 0; i < count; i++)
	{
		if (hash_search(ended, &bundle[i].bundle_id, HASH_FIND, NULL) == NULL)
			bundle[kept++] = bundle[i];
	}
	hash_destroy(ended);
	return kept;
}

static int
bundle_compare(const void *a, const void *b)
{
	const MovePiece *x = a;
	const MovePiece *y = b;

	if (x->asked != y->asked)
		return x->asked < y->asked ? -1 : 1;
	return x->bundle_first_id < y->bundle_first_id ? -1 : x->bundle_first_id > y->bundle_first_id;
}

static uint32 *
ranges_order(const MoveRange *range, uint32 ranges)
{
	uint32	   *order = palloc_extended(Max(ranges, 1) * sizeof(uint32), MCXT_ALLOC_HUGE);

	for (uint32 i = 0; i < ranges; i++)
		order[i] = i;
	qsort_arg(order, ranges, sizeof(uint32), range_compare, (void *) range);
	return order;
}

MovePiece *
move_bundles(const MoveRange *range, uint32 ranges, uint32 *count)
{
	uint32		islands;
	Island	   *island = islands_of(range, ranges, ranges_order(range, ranges), &islands);

	return bundles_of(island, islands, count);
}

/* ---- which of it was asked for ---- */

typedef struct Pieces
{
	MovePiece  *piece;
	uint32		count;
	uint32		size;
} Pieces;

static void
pieces_add(Pieces *out, const MovePiece *bundle, const MoveRange *r, uint32 asked)
{
	MovePiece  *p;

	if (out->count == out->size)
	{
		out->size *= 2;
		out->piece = repalloc_huge(out->piece, out->size * sizeof(MovePiece));
	}
	p = &out->piece[out->count++];
	*p = *bundle;
	p->asked = asked;
	p->first_id = Max(r->first_id, p->bundle_first_id);
	p->last_id = Min(r->last_id, p->bundle_last_id);
}

static int
piece_compare(const void *a, const void *b)
{
	const MovePiece *x = a;
	const MovePiece *y = b;

	if (x->asked != y->asked)
		return x->asked < y->asked ? -1 : 1;
	return x->first_id < y->first_id ? -1 : x->first_id > y->first_id;
}

MovePiece *
move_pieces(const MoveRange *range, uint32 ranges, uint32 *count)
{
	uint32	   *order = ranges_order(range, ranges);
	Island	   *island;
	MovePiece  *bundle;
	uint32		islands,
				bundles,
				at = 0;
	Pieces		out = {.size = ranges + 16};

	island = islands_of(range, ranges, order, &islands);
	bundle = bundles_of(island, islands, &bundles);
	bundles = bundles_living(bundle, bundles);
	qsort(bundle, bundles, sizeof(MovePiece), bundle_compare);
	out.piece = palloc_extended(out.size * sizeof(MovePiece), MCXT_ALLOC_HUGE);
	for (uint32 n = 0; n < islands; n++)
	{
		uint32		end = at;

		while (end < bundles && bundle[end].asked == n)
			end++;
		for (uint32 i = island[n].first; i < island[n].first + island[n].count; i++)
		{
			const MoveRange *r = &range[order[i]];

			while (at < end && bundle[at].bundle_last_id < r->first_id)
				at++;
			for (uint32 k = at; k < end && bundle[k].bundle_first_id <= r->last_id; k++)
				pieces_add(&out, &bundle[k], r, order[i]);
		}
		at = end;
	}
	qsort(out.piece, out.count, sizeof(MovePiece), piece_compare);
	*count = out.count;
	return out.piece;
}
