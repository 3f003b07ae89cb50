/*
 * row.c: writes a row as the bytes of doc/format.md and hashes it.
 *
 * Fixed-width types are written directly; text and bytea are copied as they
 * are; everything else goes through the type's binary send function, which is
 * PostgreSQL's own stable wire form.  What is hashed never depends on an OID,
 * on the alignment or the compression of the stored tuple, or on where it lies:
 * the same row at another site, after a dump or a rewrite, has the same hash.
 *
 * The bytes are built in one buffer that a backend keeps, because this runs for
 * every row written.
 */
#include "postgres.h"
#include "compat.h"

#include "access/detoast.h"
#include "access/htup_details.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "catalog/pg_enum.h"
#include "utils/uuid.h"

#include "core/bytes.h"
#include "core/sha256.h"
#include "ledger/redactable.h"
#include "ledger/row.h"

#define ROW_VERSION 1
#define ROW_HEAD_BYTES (1 + 1 + 8 + 2)	/* leaf prefix 00, version, ledger_id, n */
#define ROW_SHORT_MAX (2 + 4 + 127)	/* ordinal, length, a short varlena's bytes */
#define ROWS_AT_ONCE 8			/* hashed together */
#define ROW_BUFFER_KEEP (64 * 1024) /* bytes of rows at once, before the last of
									 * them; a buffer that grew beyond twice that
									 * is freed */

/* The buffer: each row in it begins with the leaf prefix. */
typedef struct RowBuffer
{
	uint8	   *data;
	Size		len;
	Size		cap;
} RowBuffer;

static RowBuffer row_buffer;
static RowBuffer row_slot[ROW_SLOTS];	/* see row_leaf_bytes */

static void row_put_value(RowBuffer *b, RowColumn *column, RowForm form, Datum value);

static void
row_buffer_grow(RowBuffer *b, Size more)
{
	Size		cap = Max(b->cap * 2, b->len + more);

	cap = Max(cap, 1024);
	if (b->data == NULL)
		b->data = MemoryContextAllocHuge(TopMemoryContext, cap);
	else
		b->data = repalloc_huge(b->data, cap);
	b->cap = cap;
}

static inline uint8 *
row_room(RowBuffer *b, Size n)
{
	uint8	   *p;

	if (unlikely(n > b->cap - b->len))
		row_buffer_grow(b, n);
	p = b->data + b->len;
	b->len += n;
	return p;
}

static inline void
row_put_bytes(RowBuffer *b, const void *src, Size n)
{
	memcpy(row_room(b, n), src, n);
}

/* varlena's content, detoasted if need be */
static void
row_put_varlena(RowBuffer *b, Datum value)
{
	struct varlena *packed = PG_DETOAST_DATUM_PACKED(value);

	row_put_bytes(b, VARDATA_ANY(packed), VARSIZE_ANY_EXHDR(packed));
	if ((Pointer) packed != DatumGetPointer(value))
		pfree(packed);
}

static void
row_put_enum(RowBuffer *b, Oid label)
{
	HeapTuple	tuple = SearchSysCache1(ENUMOID, ObjectIdGetDatum(label));
	const char *name;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("enum value with OID %u does not exist", label)));
	name = NameStr(((Form_pg_enum) GETSTRUCT(tuple))->enumlabel);
	row_put_bytes(b, name, strlen(name));
	ReleaseSysCache(tuple);
}

/*
 * Array: u16 dimensions, lp(element type), per dimension u32 length and i32
 * lower bound, per element u32 length (ffffffff: NULL) and value.
 */
static void
row_put_array(RowBuffer *b, RowColumn *column, Datum value)
{
	ArrayType  *array = DatumGetArrayTypeP(value);
	Datum	   *elements;
	bool	   *nulls;
	int			count;
	Size		name_len = strlen(column->element_name);

	bytes_store_u16(row_room(b, 2), (uint16) ARR_NDIM(array));
	bytes_store_u32(row_room(b, 4), (uint32) name_len);
	row_put_bytes(b, column->element_name, name_len);
	for (int i = 0; i < ARR_NDIM(array); i++)
	{
		bytes_store_u32(row_room(b, 4), (uint32) ARR_DIMS(array)[i]);
		bytes_store_u32(row_room(b, 4), (uint32) ARR_LBOUND(array)[i]);
	}
	deconstruct_array(array, column->element_type, column->element_len,
					  column->element_byval, column->element_align,
					  &elements, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		Size		at = b->len;

		(void) row_room(b, 4);
		if (nulls[i])
		{
			bytes_store_u32(b->data + at, 0xFFFFFFFF);
			continue;
		}
		row_put_value(b, column, column->element_form, elements[i]);
		bytes_store_u32(b->data + at, (uint32) (b->len - at - 4));
	}
	pfree(elements);
	pfree(nulls);
	if ((Pointer) array != DatumGetPointer(value))
		pfree(array);
}

static void
row_put_sent(RowBuffer *b, FmgrInfo *send, Datum value)
{
	bytea	   *sent = SendFunctionCall(send, value);

	row_put_bytes(b, VARDATA(sent), VARSIZE(sent) - VARHDRSZ);
	pfree(sent);
}

/* A value without one is not as the ledger stores it: nothing then, which no row was hashed with. */
static void
row_put_commitment(RowBuffer *b, Datum value)
{
	uint8		commitment[COMMITMENT_LEN];

	if (redactable_commitment(value, commitment))
		row_put_bytes(b, commitment, COMMITMENT_LEN);
}

static void
row_put_value(RowBuffer *b, RowColumn *column, RowForm form, Datum value)
{
	switch (form)
	{
		case ROW_BOOL:
			*row_room(b, 1) = DatumGetBool(value) ? 1 : 0;
			break;
		case ROW_INT2:
			bytes_store_u16(row_room(b, 2), (uint16) DatumGetInt16(value));
			break;
		case ROW_INT4:
			bytes_store_u32(row_room(b, 4), (uint32) DatumGetInt32(value));
			break;
		case ROW_INT8:
			bytes_store_u64(row_room(b, 8), (uint64) DatumGetInt64(value));
			break;
		case ROW_FLOAT4:
			{
				float4		f = DatumGetFloat4(value);
				uint32		bits;

				memcpy(&bits, &f, 4);
				bytes_store_u32(row_room(b, 4), bits);
				break;
			}
		case ROW_FLOAT8:
			{
				float8		f = DatumGetFloat8(value);
				uint64		bits;

				memcpy(&bits, &f, 8);
				bytes_store_u64(row_room(b, 8), bits);
				break;
			}
		case ROW_BYTES:
			row_put_varlena(b, value);
			break;
		case ROW_UUID:
			row_put_bytes(b, DatumGetUUIDP(value)->data, UUID_LEN);
			break;
		case ROW_NAME:
			row_put_bytes(b, NameStr(*DatumGetName(value)), strlen(NameStr(*DatumGetName(value))));
			break;
		case ROW_SEND:
			row_put_sent(b, &column->send, value);
			break;
		case ROW_ENUM:
			row_put_enum(b, DatumGetObjectId(value));
			break;
		case ROW_ARRAY:
			row_put_array(b, column, value);
			break;
		case ROW_REDACTABLE:
			row_put_commitment(b, value);
			break;
	}
}

/* A scalar type (not an array, not a domain). */
static bool
row_scalar_form(Oid type, RowForm *form, FmgrInfo *send)
{
	Oid			send_function;
	bool		is_varlena;

	switch (type)
	{
		case BOOLOID:
			*form = ROW_BOOL;
			return true;
		case INT2OID:
			*form = ROW_INT2;
			return true;
		case INT4OID:
		case DATEOID:			/* date_send is an int32 */
			*form = ROW_INT4;
			return true;
		case INT8OID:
		case TIMESTAMPOID:		/* these send an int64 */
		case TIMESTAMPTZOID:
		case TIMEOID:
			*form = ROW_INT8;
			return true;
		case FLOAT4OID:
			*form = ROW_FLOAT4;
			return true;
		case FLOAT8OID:
			*form = ROW_FLOAT8;
			return true;
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
		case JSONOID:			/* stored as the text that came in */
		case BYTEAOID:
			*form = ROW_BYTES;
			return true;
		case NAMEOID:
			*form = ROW_NAME;
			return true;
		case UUIDOID:
			*form = ROW_UUID;
			return true;
		case NUMERICOID:
		case INTERVALOID:
		case TIMETZOID:
		case INETOID:
		case CIDROID:
		case JSONBOID:
			break;
		default:
			if (type_is_enum(type))
			{
				*form = ROW_ENUM;
				return true;
			}
			if (type == redactable_type())
			{
				*form = ROW_REDACTABLE;
				return true;
			}
			if (type_is_range(type))
			{
				RowForm		bound_form;
				FmgrInfo	bound_send;

				if (!row_scalar_form(getBaseType(get_range_subtype(type)), &bound_form, &bound_send))
					return false;
				break;
			}
			return false;
	}
	*form = ROW_SEND;
	getTypeBinaryOutputInfo(type, &send_function, &is_varlena);
	fmgr_info(send_function, send);
	return true;
}

bool
row_column_init(RowColumn *column, Oid type)
{
	Oid			base = getBaseType(type);
	Oid			element = get_element_type(base);

	memset(column, 0, sizeof(*column));
	/* redactable is told by its own name in the registered schema, so never under a domain's */
	if (!OidIsValid(element))
		return row_scalar_form(base, &column->form, &column->send) &&
			(column->form != ROW_REDACTABLE || base == type);

	column->form = ROW_ARRAY;
	column->element_type = element;
	column->element_name = row_type_name(element, -1);
	get_typlenbyvalalign(element, &column->element_len,
						 &column->element_byval, &column->element_align);
	return row_scalar_form(getBaseType(element), &column->element_form, &column->send) &&
		column->element_form != ROW_REDACTABLE;
}

char *
row_type_name(Oid type, int32 typmod)
{
	char	   *name = format_type_extended(type, typmod,
											FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY);

	/* system types stand without their schema, whatever the search path */
	if (strncmp(name, "pg_catalog.", strlen("pg_catalog.")) == 0)
		name += strlen("pg_catalog.");
	return name;
}

/*
 * The commonest values, whose length is known before they are written: all at once
 * where there is room.  False: not one of these.
 */
static inline bool
row_put_short(RowBuffer *b, const RowColumn *column, Datum value)
{
	uint8	   *p = b->data + b->len;
	uint32		len;

	if (unlikely(b->cap - b->len < ROW_SHORT_MAX))
		return false;
	switch (column->form)
	{
		case ROW_INT8:
			bytes_store_u64(p + 6, (uint64) DatumGetInt64(value));
			len = 8;
			break;
		case ROW_INT4:
			bytes_store_u32(p + 6, (uint32) DatumGetInt32(value));
			len = 4;
			break;
		case ROW_INT2:
			bytes_store_u16(p + 6, (uint16) DatumGetInt16(value));
			len = 2;
			break;
		case ROW_BYTES:
			if (!VARATT_IS_SHORT(DatumGetPointer(value)) || VARATT_IS_EXTERNAL(DatumGetPointer(value)))
				return false;
			len = VARSIZE_SHORT(DatumGetPointer(value)) - VARHDRSZ_SHORT;
			memcpy(p + 6, VARDATA_SHORT(DatumGetPointer(value)), len);
			break;
		default:
			return false;
	}
	bytes_store_u16(p, column->ordinal);
	bytes_store_u32(p + 2, len);
	b->len += 6 + len;
	return true;
}

/* Appends the leaf's data: the prefix 00 and the row. */
static void
row_encode(RowBuffer *b, const RowPlan *plan, const RowValues *row)
{
	Size		start = b->len;
	uint16		n = 0;

	(void) row_room(b, ROW_HEAD_BYTES);
	for (int i = 0; i < plan->column_count; i++)
	{
		RowColumn  *column = (RowColumn *) &plan->column[i];
		int			attr = column->attnum - 1;
		Size		at;

		if (row->isnull[attr])
			continue;
		n++;
		if (row_put_short(b, column, row->values[attr]))
			continue;
		at = b->len;
		(void) row_room(b, 2 + 4);
		row_put_value(b, column, column->form, row->values[attr]);
		bytes_store_u16(b->data + at, column->ordinal);
		bytes_store_u32(b->data + at + 2, (uint32) (b->len - at - 6));
	}
	b->data[start] = 0x00;
	b->data[start + 1] = ROW_VERSION;
	bytes_store_u64(b->data + start + 2, row->ledger_id);
	bytes_store_u16(b->data + start + 10, n);
}

/* Small rows side by side, to be hashed together; a large one ends its batch. */
static int
row_encode_batch(RowBuffer *b, const RowPlan *plan, const RowValues *rows, int count,
				 uint8 (*out)[MERKLE_HASH_LEN])
{
	Size		start[ROWS_AT_ONCE + 1];
	sha256_message message[ROWS_AT_ONCE];
	int			n = 0;

	b->len = 0;
	while (n < count && n < ROWS_AT_ONCE && b->len < ROW_BUFFER_KEEP)
	{
		start[n] = b->len;
		row_encode(b, plan, &rows[n++]);
		(void) row_room(b, SHA256_PAD_MAX);
	}
	start[n] = b->len;
	for (int i = 0; i < n; i++)	/* the buffer moves no more */
	{
		message[i].data = b->data + start[i];
		message[i].len = start[i + 1] - start[i] - SHA256_PAD_MAX;
		message[i].out = out[i];
	}
	sha256_of_each(message, n);
	return n;
}

static void
row_buffer_done(RowBuffer *b)
{
	if (unlikely(b->cap > 2 * ROW_BUFFER_KEEP))
	{
		pfree(b->data);
		memset(b, 0, sizeof(*b));
	}
}

void
row_leaf_hashes(const RowPlan *plan, const RowValues *rows, int count,
				uint8 (*out)[MERKLE_HASH_LEN])
{
	RowBuffer  *b = &row_buffer;

	while (count > 0)
	{
		int			done = row_encode_batch(b, plan, rows, count, out);

		rows += done;
		out += done;
		count -= done;
	}
	row_buffer_done(b);
}

void
row_leaf_hash(const RowPlan *plan, uint64 ledger_id,
			  const Datum *values, const bool *isnull,
			  uint8 out[MERKLE_HASH_LEN])
{
	RowValues	row = {.ledger_id = ledger_id,.values = values,.isnull = isnull};

	row_leaf_hashes(plan, &row, 1, (uint8 (*)[MERKLE_HASH_LEN]) out);
}

uint8 *
row_leaf_bytes(const RowPlan *plan, int slot, uint64 ledger_id,
			   const Datum *values, const bool *isnull, Size *len)
{
	RowBuffer  *b = &row_slot[slot];
	RowValues	row = {.ledger_id = ledger_id,.values = values,.isnull = isnull};

	row_buffer_done(b);			/* with the row before */
	b->len = 0;
	row_encode(b, plan, &row);
	*len = b->len;
	(void) row_room(b, SHA256_PAD_MAX);
	return b->data;
}

uint8 *
row_bytes(const RowPlan *plan, uint64 ledger_id,
		  const Datum *values, const bool *isnull,
		  Size *len)
{
	RowBuffer  *b = &row_buffer;
	RowValues	row = {.ledger_id = ledger_id,.values = values,.isnull = isnull};
	uint8	   *bytes;

	b->len = 0;
	row_encode(b, plan, &row);
	*len = b->len - 1;			/* without the leaf prefix */
	bytes = MemoryContextAllocHuge(CurrentMemoryContext, *len);
	memcpy(bytes, b->data + 1, *len);
	row_buffer_done(b);
	return bytes;
}
