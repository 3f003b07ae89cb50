/*
 * proof_fn.c: Merkle proofs and signed notes as SQL functions.
 *
 * An auditor holds a proof and a root that came by another way, and asks
 * whether one leads to the other.  The answer is true or false.  A proof that
 * no tree of that size could have is the asker's mistake, not the log's, and is
 * an error that says what was expected: a false there would read like an
 * accusation.
 *
 * The hashing is in src/core; here arguments are checked and copied.  The SQL
 * declarations are STRICT: no argument is NULL, though an array's element may
 * be.
 */
#include "postgres.h"
#include "compat.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "core/merkle.h"
#include "core/note.h"
#include "fn/bytea_arg.h"

PG_FUNCTION_INFO_V1(energyledger_leaf_hash);
PG_FUNCTION_INFO_V1(energyledger_merkle_root);
PG_FUNCTION_INFO_V1(energyledger_verify_inclusion);
PG_FUNCTION_INFO_V1(energyledger_verify_consistency);
PG_FUNCTION_INFO_V1(energyledger_verify_note);

/* A proof longer than the deepest tree's is refused before it is read. */
#define PROOF_HASHES_MAX 64

/* The elements of a bytea array of one dimension without NULLs, or an error. */
static int
proof_array_elements(ArrayType *array, const char *name, Datum **elements)
{
	bool	   *nulls;
	int			count;

	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be a one-dimensional array", name),
				 errdetail("The array has %d dimensions.", ARR_NDIM(array))));
	deconstruct_array(array, BYTEAOID, -1, false, TYPALIGN_INT, elements, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument \"%s\" must not contain NULLs", name),
					 errdetail("Element %d is NULL.", i + 1)));
	}
	return count;
}

/* A 32-byte hash copied to out, or an error. */
static void
proof_hash_argument(Datum value, const char *name, uint8 out[MERKLE_HASH_LEN])
{
	bytea_view	v = bytea_view_of(value);

	if (v.len != MERKLE_HASH_LEN)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be a hash of %d bytes", name, MERKLE_HASH_LEN),
				 errdetail("Its length in bytes is %zu.", v.len)));
	memcpy(out, v.data, MERKLE_HASH_LEN);
}

/* The number of hashes of a proof, copied to out, or an error. */
static int
proof_hashes_argument(Datum value, uint8 out[PROOF_HASHES_MAX][MERKLE_HASH_LEN])
{
	ArrayType  *array = DatumGetArrayTypeP(value);
	Datum	   *elements;
	int			count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));

	if (count > PROOF_HASHES_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"proof\" has too many hashes"),
				 errdetail("It has %d hashes; no tree needs more than %d.",
						   count, PROOF_HASHES_MAX)));
	count = proof_array_elements(array, "proof", &elements);
	for (int i = 0; i < count; i++)
	{
		bytea_view	v = bytea_view_of(elements[i]);

		if (v.len != MERKLE_HASH_LEN)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("every element of argument \"proof\" must be a hash of %d bytes",
							MERKLE_HASH_LEN),
					 errdetail("The length in bytes of element %d is %zu.", i + 1, v.len)));
		memcpy(out[i], v.data, MERKLE_HASH_LEN);
	}
	return count;
}

/* A number of leaves, or an index among them. */
static uint64
proof_count_argument(int64 value, const char *name)
{
	if (value < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must not be negative", name),
				 errdetail("It is %lld.", (long long) value)));
	return (uint64) value;
}

Datum
energyledger_leaf_hash(PG_FUNCTION_ARGS)
{
	bytea_view	data = bytea_view_of(PG_GETARG_DATUM(0));
	uint8		hash[MERKLE_HASH_LEN];

	merkle_leaf_hash(data.data, data.len, hash);
	PG_RETURN_DATUM(bytea_datum(hash, sizeof(hash)));
}

Datum
energyledger_merkle_root(PG_FUNCTION_ARGS)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(0);
	Datum	   *entries;
	int			count = proof_array_elements(array, "entries", &entries);
	merkle_frontier frontier;
	uint8		hash[MERKLE_HASH_LEN];

	merkle_frontier_init(&frontier);
	for (int i = 0; i < count; i++)
	{
		bytea_view	entry = bytea_view_of(entries[i]);

		CHECK_FOR_INTERRUPTS();
		merkle_leaf_hash(entry.data, entry.len, hash);
		merkle_frontier_append(&frontier, hash);
	}
	merkle_frontier_root(&frontier, hash);
	PG_RETURN_DATUM(bytea_datum(hash, sizeof(hash)));
}

Datum
energyledger_verify_inclusion(PG_FUNCTION_ARGS)
{
	uint8		leaf[MERKLE_HASH_LEN];
	uint64		index;
	uint64		size;
	uint8		proof[PROOF_HASHES_MAX][MERKLE_HASH_LEN];
	int			proof_count;
	uint8		root[MERKLE_HASH_LEN];
	merkle_result result;

	proof_hash_argument(PG_GETARG_DATUM(0), "leaf_hash", leaf);
	index = proof_count_argument(PG_GETARG_INT64(1), "index");
	size = proof_count_argument(PG_GETARG_INT64(2), "size");
	proof_count = proof_hashes_argument(PG_GETARG_DATUM(3), proof);
	proof_hash_argument(PG_GETARG_DATUM(4), "root", root);
	if (index >= size)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("index is outside the tree"),
				 errdetail("A tree of size %llu has no leaf with index %llu.",
						   (unsigned long long) size, (unsigned long long) index)));

	result = merkle_verify_inclusion(leaf, index, size,
									 (const uint8_t (*)[MERKLE_HASH_LEN]) proof,
									 proof_count, root);
	if (result == MERKLE_MALFORMED)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("proof has the wrong number of hashes"),
				 errdetail("An inclusion proof for index %llu in a tree of size %llu cannot have %d hashes.",
						   (unsigned long long) index, (unsigned long long) size,
						   proof_count)));
	PG_RETURN_BOOL(result == MERKLE_VALID);
}

Datum
energyledger_verify_consistency(PG_FUNCTION_ARGS)
{
	uint64		size1;
	uint64		size2;
	uint8		proof[PROOF_HASHES_MAX][MERKLE_HASH_LEN];
	int			proof_count;
	uint8		root1[MERKLE_HASH_LEN];
	uint8		root2[MERKLE_HASH_LEN];
	merkle_result result;

	size1 = proof_count_argument(PG_GETARG_INT64(0), "size1");
	size2 = proof_count_argument(PG_GETARG_INT64(1), "size2");
	proof_count = proof_hashes_argument(PG_GETARG_DATUM(2), proof);
	proof_hash_argument(PG_GETARG_DATUM(3), "root1", root1);
	proof_hash_argument(PG_GETARG_DATUM(4), "root2", root2);
	if (size1 > size2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("size1 must not exceed size2"),
				 errdetail("A tree of size %llu cannot have grown into one of size %llu.",
						   (unsigned long long) size1, (unsigned long long) size2)));

	result = merkle_verify_consistency(size1, size2,
									   (const uint8_t (*)[MERKLE_HASH_LEN]) proof,
									   proof_count, root1, root2);
	if (result == MERKLE_MALFORMED)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("proof has the wrong number of hashes"),
				 errdetail("A consistency proof from size %llu to size %llu cannot have %d hashes.",
						   (unsigned long long) size1, (unsigned long long) size2,
						   proof_count)));
	PG_RETURN_BOOL(result == MERKLE_VALID);
}

/*
 * In a database whose encoding is not UTF-8 the bytes of the text are not those
 * that were signed; such a note is false, unless it is plain ASCII.
 */
Datum
energyledger_verify_note(PG_FUNCTION_ARGS)
{
	text	   *note = PG_GETARG_TEXT_PP(0);
	text	   *vkey = PG_GETARG_TEXT_PP(1);
	note_key	key;
	size_t		text_len;

	if (!note_key_parse(&key, VARDATA_ANY(vkey), VARSIZE_ANY_EXHDR(vkey)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid verifier key"),
				 errdetail("A verifier key is <name>+<key id, 8 hexadecimal digits>+<base64 of 01 and a 32-byte Ed25519 key>, and its id must follow from its name and key.")));
	PG_RETURN_BOOL(note_verify(VARDATA_ANY(note), VARSIZE_ANY_EXHDR(note),
							   &key, &text_len) == NOTE_VALID);
}
