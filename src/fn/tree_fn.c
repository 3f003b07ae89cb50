/*
 * tree_fn.c: the log's tree as SQL functions: roots, proofs, tiles.
 *
 * Anybody may call them, without a right on the tables that they read: a
 * transparency log whose hashes were secret could be checked by nobody.  A hash
 * shows nothing of what it was made from to whoever does not know it already
 * (doc/threat-model.md says what guessing could do).
 */
#include "postgres.h"
#include "compat.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"

#include "fn/bytea_arg.h"
#include "ledger/entry_index.h"
#include "ledger/site.h"
#include "ledger/tree_read.h"

PG_FUNCTION_INFO_V1(log_root);
PG_FUNCTION_INFO_V1(inclusion_proof);
PG_FUNCTION_INFO_V1(consistency_proof);
PG_FUNCTION_INFO_V1(tile);
PG_FUNCTION_INFO_V1(log_index);

/* Leaves that the newest checkpoint covers: proofs go no further. */
static uint64
tree_fn_sealed(void)
{
	FoundBlock	newest;

	return log_find_newest_block(site_current()->site_id, &newest) ? newest.size : 0;
}

static uint64
tree_fn_not_negative(int64 value, const char *name)
{
	if (value < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must not be negative", name),
				 errdetail("It is " INT64_FORMAT ".", value)));
	return (uint64) value;
}

static uint64
tree_fn_size(int64 value, const char *name)
{
	uint64		size = tree_fn_not_negative(value, name);
	uint64		sealed = tree_fn_sealed();

	if (size > sealed)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" is beyond the log", name),
				 errdetail("It is " UINT64_FORMAT "; " UINT64_FORMAT " leaves are sealed.", size, sealed),
				 errhint("Run SELECT energyledger.seal() to seal what was committed since.")));
	return size;
}

static Datum
tree_fn_hashes(uint8 (*hash)[MERKLE_HASH_LEN], int count)
{
	Datum	   *elements = palloc(sizeof(Datum) * Max(count, 1));

	for (int i = 0; i < count; i++)
		elements[i] = bytea_datum(hash[i], MERKLE_HASH_LEN);
	return PointerGetDatum(construct_array(elements, count, BYTEAOID, -1, false, TYPALIGN_INT));
}

Datum
log_root(PG_FUNCTION_ARGS)
{
	uint64		size = tree_fn_size(PG_GETARG_INT64(0), "size");
	TreeReader *r = tree_read_begin(site_current()->site_id, size);
	uint8		hash[MERKLE_HASH_LEN];

	tree_read_root(r, size, hash);
	tree_read_end(r);
	PG_RETURN_DATUM(bytea_datum(hash, MERKLE_HASH_LEN));
}

Datum
inclusion_proof(PG_FUNCTION_ARGS)
{
	uint64		index = tree_fn_not_negative(PG_GETARG_INT64(0), "entry_index");
	uint64		size = tree_fn_size(PG_GETARG_INT64(1), "size");
	uint8		proof[MERKLE_PATH_MAX][MERKLE_HASH_LEN];
	TreeReader *r;
	int			count;

	if (index >= size)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("entry_index is outside the tree"),
				 errdetail("A tree of size " UINT64_FORMAT " has no leaf with index " UINT64_FORMAT ".", size, index)));
	r = tree_read_begin(site_current()->site_id, size);
	count = tree_read_inclusion(r, index, proof);
	tree_read_end(r);
	PG_RETURN_DATUM(tree_fn_hashes(proof, count));
}

Datum
consistency_proof(PG_FUNCTION_ARGS)
{
	uint64		size1 = tree_fn_not_negative(PG_GETARG_INT64(0), "size1");
	uint64		size2 = tree_fn_size(PG_GETARG_INT64(1), "size2");
	uint8		proof[MERKLE_PATH_MAX][MERKLE_HASH_LEN];
	TreeReader *r;
	int			count;

	if (size1 > size2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("size1 must not exceed size2"),
				 errdetail("A tree of size " UINT64_FORMAT " cannot have grown into one of size " UINT64_FORMAT ".",
						   size1, size2)));
	r = tree_read_begin(site_current()->site_id, size2);
	count = tree_read_consistency(r, size1, proof);
	tree_read_end(r);
	PG_RETURN_DATUM(tree_fn_hashes(proof, count));
}

Datum
tile(PG_FUNCTION_ARGS)
{
	int32		level = PG_GETARG_INT32(0);
	uint64		n = tree_fn_not_negative(PG_GETARG_INT64(1), "n");
	int32		width = PG_GETARG_INT32(2);
	uint64		sealed = tree_fn_sealed();
	uint64		there;			/* hashes of that level */
	TreeReader *r;
	bytea	   *out;

	if (level < 0 || level >= TREE_LEVELS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"level\" must be between 0 and %d", TREE_LEVELS - 1),
				 errdetail("It is %d.", level)));
	if (width < 1 || width > MERKLE_TILE_WIDTH)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"width\" must be between 1 and %d", MERKLE_TILE_WIDTH),
				 errdetail("It is %d.", width)));
	there = sealed >> (level * TREE_TILE_BITS);
	if (n > there / MERKLE_TILE_WIDTH || there - n * MERKLE_TILE_WIDTH < (uint64) width)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is no such tile yet"),
				 errdetail("Tile " UINT64_FORMAT " of level %d is " UINT64_FORMAT " hashes wide at size " UINT64_FORMAT ", the newest checkpoint's.",
						   n, level,
						   n > there / MERKLE_TILE_WIDTH ? 0 : Min(there - n * MERKLE_TILE_WIDTH, MERKLE_TILE_WIDTH),
						   sealed)));
	r = tree_read_begin(site_current()->site_id, sealed);
	out = palloc(VARHDRSZ + (Size) width * MERKLE_HASH_LEN);
	SET_VARSIZE(out, VARHDRSZ + (Size) width * MERKLE_HASH_LEN);
	tree_read_hashes(r, level, n * MERKLE_TILE_WIDTH, width, (uint8 (*)[MERKLE_HASH_LEN]) VARDATA(out));
	tree_read_end(r);
	PG_RETURN_BYTEA_P(out);
}

Datum
log_index(PG_FUNCTION_ARGS)
{
	int64		ledger_id = PG_GETARG_INT64(0);
	FoundEntry	e;
	FoundBlock	newest;

	log_find_entry_or_error(ledger_id, &e);
	entry_index_newest(e.site_id, &newest);
	PG_RETURN_INT64((int64) entry_index(&e, &newest));
}
