/*
 * crypto_fn.c: the signature checks as SQL functions.
 *
 * These let anyone run published test vectors, or a signature of their own,
 * through the very code that decides about a meter's message.  They answer
 * false for a wrong signature and for a key or signature of the wrong shape
 * alike: to whoever asks "did this key sign this?", both mean no.  Nothing here
 * decides anything; the lengths are checked in src/core.
 *
 * The SQL declarations are STRICT: no argument is NULL here.
 */
#include "postgres.h"
#include "compat.h"

#include "fmgr.h"

#include "core/ed25519.h"
#include "core/ecdsa.h"
#include "fn/bytea_arg.h"

PG_FUNCTION_INFO_V1(energyledger_ed25519_verify);
PG_FUNCTION_INFO_V1(energyledger_p256_verify);

Datum
energyledger_ed25519_verify(PG_FUNCTION_ARGS)
{
	bytea_view	key = bytea_view_of(PG_GETARG_DATUM(0));
	bytea_view	message = bytea_view_of(PG_GETARG_DATUM(1));
	bytea_view	signature = bytea_view_of(PG_GETARG_DATUM(2));

	PG_RETURN_BOOL(ed25519_verify(key.data, key.len, message.data, message.len,
								  signature.data, signature.len));
}

Datum
energyledger_p256_verify(PG_FUNCTION_ARGS)
{
	bytea_view	key = bytea_view_of(PG_GETARG_DATUM(0));
	bytea_view	message = bytea_view_of(PG_GETARG_DATUM(1));
	bytea_view	signature = bytea_view_of(PG_GETARG_DATUM(2));

	PG_RETURN_BOOL(p256_verify(key.data, key.len, message.data, message.len,
							   signature.data, signature.len));
}
