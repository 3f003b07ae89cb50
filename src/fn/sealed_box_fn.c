/*
 * sealed_box_fn.c: encryption to a public key, in SQL.
 *
 * The server needs no secret to store what only somebody else can read; a ledger
 * that holds it is verified by copies that cannot read it either.  Messages never
 * hold keys or texts, only lengths.
 */
#include "postgres.h"
#include "compat.h"

#include "fmgr.h"

#include "core/sealed_box.h"
#include "fn/bytea_arg.h"

PG_FUNCTION_INFO_V1(encrypt_to);
PG_FUNCTION_INFO_V1(decrypt_sealed);

static void
sealed_box_check_key(const char *what, bytea_view key, Size len)
{
	if (key.len != len)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must have %zu bytes", what, len),
				 errdetail("It has %zu.", key.len)));
}

/* Text and bytea alike: the bytes. */
Datum
encrypt_to(PG_FUNCTION_ARGS)
{
	bytea_view	plain = bytea_view_of(PG_GETARG_DATUM(0));
	bytea_view	public_key = bytea_view_of(PG_GETARG_DATUM(1));
	bytea	   *box;

	sealed_box_check_key("public key", public_key, SEALED_BOX_PUBLIC_LEN);
	if (plain.len > SEALED_BOX_PLAIN_LEN_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("plaintext is too long to be encrypted"),
				 errdetail("It has %zu bytes; at most %d are allowed.", plain.len, SEALED_BOX_PLAIN_LEN_MAX)));
	box = palloc(VARHDRSZ + plain.len + SEALED_BOX_OVERHEAD);
	SET_VARSIZE(box, VARHDRSZ + plain.len + SEALED_BOX_OVERHEAD);
	if (!sealed_box_seal(plain.data, plain.len, public_key.data, public_key.len, (uint8 *) VARDATA(box)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("public key is not one that a secret key belongs to")));
	PG_RETURN_BYTEA_P(box);
}

Datum
decrypt_sealed(PG_FUNCTION_ARGS)
{
	bytea_view	box = bytea_view_of(PG_GETARG_DATUM(0));
	bytea_view	public_key = bytea_view_of(PG_GETARG_DATUM(1));
	bytea_view	secret_key = bytea_view_of(PG_GETARG_DATUM(2));
	bytea	   *plain;
	Size		plain_len;

	sealed_box_check_key("public key", public_key, SEALED_BOX_PUBLIC_LEN);
	sealed_box_check_key("secret key", secret_key, SEALED_BOX_SECRET_LEN);
	if (box.len < SEALED_BOX_OVERHEAD || box.len - SEALED_BOX_OVERHEAD > SEALED_BOX_PLAIN_LEN_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("ciphertext must have %d to %d bytes", SEALED_BOX_OVERHEAD,
						SEALED_BOX_PLAIN_LEN_MAX + SEALED_BOX_OVERHEAD),
				 errdetail("It has %zu.", box.len)));
	plain_len = box.len - SEALED_BOX_OVERHEAD;
	plain = palloc(VARHDRSZ + plain_len);
	SET_VARSIZE(plain, VARHDRSZ + plain_len);
	if (!sealed_box_open(box.data, box.len, public_key.data, public_key.len,
						 secret_key.data, secret_key.len, (uint8 *) VARDATA(plain)))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("ciphertext could not be decrypted")));
	PG_RETURN_BYTEA_P(plain);
}
