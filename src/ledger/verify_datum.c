/*
 * verify_datum.c: takes stored tuples and values apart without trusting them.
 *
 * A bit that flipped in a length, a count or an offset would send PostgreSQL's own
 * functions beyond the end of what is stored, and the server into a crash: a verifier
 * that dies of what it should report is none.  So before a value is hashed, what
 * is inside of it is checked to stay inside of it.  Whether the value is the right one
 * is not the question here; its hash answers that.
 */
#include "postgres.h"
#include "compat.h"

#include "access/detoast.h"
#include "access/htup_details.h"
#include "access/tupmacs.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rangetypes.h"

#include "ledger/verify_datum.h"

#define NUMERIC_BYTES_MIN (VARHDRSZ_SHORT + 2)	/* a header and no digits */
#define RANGE_FLAGS_LBOUND(f) (((f) & (RANGE_EMPTY | RANGE_LB_NULL | RANGE_LB_INF)) == 0)
#define RANGE_FLAGS_UBOUND(f) (((f) & (RANGE_EMPTY | RANGE_UB_NULL | RANGE_UB_INF)) == 0)

/* ---- tuples ---- */

static uint8
datum_align_bytes(char align)
{
	switch (align)
	{
		case TYPALIGN_CHAR:
			return 1;
		case TYPALIGN_SHORT:
			return 2;
		case TYPALIGN_INT:
			return 4;
		default:
			return 8;
	}
}

DatumShape *
datum_shape(TupleDesc desc, int natts)
{
	DatumShape *shape = palloc0(sizeof(DatumShape));

	shape->desc = desc;
	shape->natts = natts;
	shape->att = palloc0(sizeof(*shape->att) * Max(natts, 1));
	for (int i = 0; i < natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		shape->att[i].len = att->attlen;
		shape->att[i].byval = att->attbyval;
		shape->att[i].align = datum_align_bytes(att->attalign);
		if (shape->fixed == i && att->attlen > 0)
		{
			shape->att[i].off = (uint32) TYPEALIGN(shape->att[i].align, shape->fixed_end);
			shape->fixed_end = shape->att[i].off + att->attlen;
			shape->fixed++;
		}
	}
	return shape;
}

/* How many bytes a varlena says that it has; 0 where its header is not within `room`. */
static inline Size
datum_varlena_size(const char *p, Size room)
{
	if (room < 1)
		return 0;
	if (VARATT_IS_1B_E(p))
		return room > VARHDRSZ_EXTERNAL && VARTAG_1B_E(p) == VARTAG_ONDISK ? VARSIZE_EXTERNAL(p) : 0;
	if (VARATT_IS_1B(p))
		return VARSIZE_1B(p);
	if (room < VARHDRSZ || VARSIZE_4B(p) < VARHDRSZ)
		return 0;
	return VARSIZE_4B(p);
}

bool
datum_deform(const DatumShape *shape, HeapTuple tuple, Datum *values, bool *isnull)
{
	HeapTupleHeader head = tuple->t_data;
	const bool	has_nulls = HeapTupleHasNulls(tuple);
	const int	stored = Min((int) HeapTupleHeaderGetNatts(head), shape->natts);
	const char *data = (char *) head + head->t_hoff;
	Size		len;
	Size		off = 0;
	int			first = 0;

	if (tuple->t_len < SizeofHeapTupleHeader || head->t_hoff > tuple->t_len ||
		head->t_hoff < SizeofHeapTupleHeader || head->t_hoff != MAXALIGN(head->t_hoff) ||
		(has_nulls && SizeofHeapTupleHeader + BITMAPLEN(HeapTupleHeaderGetNatts(head)) > head->t_hoff))
		return false;
	len = tuple->t_len - head->t_hoff;
	if (!has_nulls && stored >= shape->fixed && shape->fixed_end <= len)
	{
		for (; first < shape->fixed; first++)
		{
			const struct DatumAttribute *att = &shape->att[first];

			values[first] = fetch_att(data + att->off, att->byval, att->len);
			isnull[first] = false;
		}
		off = shape->fixed_end;
	}
	for (int i = first; i < stored; i++)
	{
		const struct DatumAttribute *att = &shape->att[i];
		Size		size = (Size) att->len;

		if (has_nulls && att_isnull(i, head->t_bits))
		{
			values[i] = (Datum) 0;
			isnull[i] = true;
			continue;
		}
		/* a varlena with a short header is not aligned: its first byte is not zero */
		if (att->len != -1 || (off < len && data[off] == 0))
			off = TYPEALIGN(att->align, off);
		if (unlikely(off > len))
			return false;
		if (att->len < 0)
			size = att->len == -1 ? datum_varlena_size(data + off, len - off) : 0;
		if (unlikely(size == 0 || size > len - off))
			return false;
		values[i] = fetch_att(data + off, att->byval, att->len);
		isnull[i] = false;
		off += size;
	}
	/* columns younger than the row */
	for (int i = stored; i < shape->natts; i++)
		values[i] = getmissingattr(shape->desc, i + 1, &isnull[i]);
	return true;
}

/* ---- values ---- */

void
datum_check_init(DatumCheck *check, Oid type)
{
	Oid			base = getBaseType(type);
	Oid			element = get_element_type(base);

	memset(check, 0, sizeof(*check));
	check->varlena = get_typlen(base) == -1;
	check->type = base;
	if (OidIsValid(element))
	{
		check->form = DATUM_ARRAY;
		check->inner = element;
	}
	else if (type_is_range(base))
	{
		check->form = DATUM_RANGE;
		check->inner = get_range_subtype(base);
	}
	else if (base == BOOLOID)
		check->form = DATUM_BOOL;
	else if (base == NAMEOID)
		check->form = DATUM_NAME;
	else if (base == NUMERICOID)
		check->form = DATUM_NUMERIC;
	else if (base == JSONBOID)
		check->form = DATUM_JSONB;
	if (OidIsValid(check->inner))
	{
		get_typlenbyvalalign(check->inner, &check->len, &check->byval, &check->align);
		check->inner_check = palloc(sizeof(DatumCheck));
		datum_check_init(check->inner_check, check->inner);
	}
}

/* Where the value at off ends, of something inside `size` bytes; 0: not inside. */
static Size
datum_inner_end(const DatumCheck *check, const char *base, Size size, Size off, Size *start)
{
	Size		len = (Size) check->len;

	if (check->len != -1 || (off < size && base[off] == 0))
		off = TYPEALIGN(datum_align_bytes(check->align), off);
	if (off > size)
		return 0;
	if (check->len == -1)
		len = datum_varlena_size(base + off, size - off);
	else if (check->len < 0)
		return 0;
	*start = off;
	return len == 0 || len > size - off ? 0 : off + len;
}

static bool
datum_inner_check(const DatumCheck *check, const char *at)
{
	Datum		value = fetch_att(at, check->byval, check->len);

	return datum_check(check->inner_check, &value);
}

static bool
datum_check_array(const DatumCheck *check, const char *p, Size size)
{
	const ArrayType *array = (const ArrayType *) p;
	int64		count = 1;
	Size		off;
	const bits8 *nulls = NULL;

	if (size < sizeof(ArrayType) || array->ndim < 0 || array->ndim > MAXDIM ||
		array->elemtype != check->inner || size < (Size) ARR_OVERHEAD_NONULLS(array->ndim))
		return false;
	for (int i = 0; i < array->ndim; i++)
	{
		if (ARR_DIMS(array)[i] < 0 || (count *= ARR_DIMS(array)[i]) > (int64) MaxArraySize)
			return false;
	}
	if (array->ndim == 0)
		count = 0;
	off = ARR_OVERHEAD_NONULLS(array->ndim);
	if (array->dataoffset != 0)
	{
		if (array->dataoffset < 0 || (Size) array->dataoffset > size ||
			(Size) array->dataoffset < (Size) ARR_OVERHEAD_WITHNULLS(array->ndim, count))
			return false;
		nulls = ARR_NULLBITMAP(array);
		off = (Size) array->dataoffset;
	}
	for (int64 i = 0; i < count; i++)
	{
		Size		start;

		if (nulls != NULL && (nulls[i / 8] & (1 << (i % 8))) == 0)
			continue;
		off = datum_inner_end(check, p, size, off, &start);
		if (off == 0 || !datum_inner_check(check, p + start))
			return false;
	}
	return true;
}

static bool
datum_check_range(const DatumCheck *check, const char *p, Size size)
{
	Size		off = sizeof(RangeType);
	Size		start;
	char		flags;

	if (size < sizeof(RangeType) + 1 || ((const RangeType *) p)->rangetypid != check->type)
		return false;
	flags = p[size - 1];
	for (int bound = 0; bound < 2; bound++)
	{
		if (!(bound == 0 ? RANGE_FLAGS_LBOUND(flags) : RANGE_FLAGS_UBOUND(flags)))
			continue;
		off = datum_inner_end(check, p, size - 1, off, &start);
		if (off == 0 || !datum_inner_check(check, p + start))
			return false;
	}
	return true;
}

static bool datum_check_jsonb(const char *p, Size size);

/* One element of a jsonb container: [start, end) of its `size` bytes of data. */
static bool
datum_check_jentry(JEntry entry, const char *data, Size start, Size end)
{
	Size		aligned = INTALIGN(start);

	if (JBE_ISSTRING(entry) || JBE_ISBOOL_TRUE(entry) || JBE_ISBOOL_FALSE(entry) || JBE_ISNULL(entry))
		return true;
	if (aligned > end)
		return false;
	if (JBE_ISNUMERIC(entry))
	{
		Size		len = datum_varlena_size(data + aligned, end - aligned);

		return len >= NUMERIC_BYTES_MIN && len <= end - aligned;
	}
	return JBE_ISCONTAINER(entry) && datum_check_jsonb(data + aligned, end - aligned);
}

static bool
datum_check_jsonb(const char *p, Size size)
{
	const JsonbContainer *container = (const JsonbContainer *) p;
	Size		count;
	bool		object;
	const char *data;
	Size		data_size;
	Size		start = 0;

	check_stack_depth();
	if (size < sizeof(uint32))
		return false;
	object = JsonContainerIsObject(container);
	count = JsonContainerSize(container);
	if (object == (JsonContainerIsArray(container) != 0) ||
		(JsonContainerIsScalar(container) && (object || count != 1)))
		return false;
	if (object)
		count *= 2;
	if (count > (size - sizeof(uint32)) / sizeof(JEntry))
		return false;
	data = (const char *) &container->children[count];
	data_size = size - sizeof(uint32) - count * sizeof(JEntry);
	for (Size i = 0; i < count; i++)
	{
		JEntry		entry = container->children[i];
		Size		end = JBE_HAS_OFF(entry) ? JBE_OFFLENFLD(entry) : start + JBE_OFFLENFLD(entry);

		if (end < start || end > data_size ||
			(object && i < count / 2 && !JBE_ISSTRING(entry)) ||
			!datum_check_jentry(entry, data, start, end))
			return false;
		start = end;
	}
	return true;
}

bool
datum_check(const DatumCheck *check, Datum *value)
{
	struct varlena *plain;
	Size		size;

	if (check->form == DATUM_BOOL)
		return (uint8) DatumGetChar(*value) <= 1;
	if (check->form == DATUM_NAME)
		/* a pointer into a row that is there: NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker) */
		return memchr(NameStr(*DatumGetName(*value)), '\0', NAMEDATALEN) != NULL;
	/* likewise: NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
	if (!check->varlena || (check->form == DATUM_ANY && DATUM_IS_PLAIN(*value)))
		return true;
	/* what has an inside is taken apart with a full header; the rest may stay packed */
	plain = check->form == DATUM_ANY || check->form == DATUM_NUMERIC ?
		PG_DETOAST_DATUM_PACKED(*value) : PG_DETOAST_DATUM(*value);
	*value = PointerGetDatum(plain);
	size = VARSIZE_ANY(plain);
	switch (check->form)
	{
		case DATUM_NUMERIC:
			return size >= NUMERIC_BYTES_MIN;
		case DATUM_ARRAY:
			return datum_check_array(check, (char *) plain, size);
		case DATUM_RANGE:
			return datum_check_range(check, (char *) plain, size);
		case DATUM_JSONB:
			return datum_check_jsonb((char *) plain + VARHDRSZ, size - VARHDRSZ);
		default:
			return true;
	}
}
