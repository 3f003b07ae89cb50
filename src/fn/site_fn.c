/*
 * site_fn.c: SQL functions of the log's names and keys: glue between SQL and
 * src/ledger.
 */
#include "postgres.h"
#include "compat.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "core/note.h"
#include "ledger/site.h"
#include "ledger/site_change.h"

PG_FUNCTION_INFO_V1(open_site);
PG_FUNCTION_INFO_V1(site_vkey);
PG_FUNCTION_INFO_V1(vkey);
PG_FUNCTION_INFO_V1(reopen);
PG_FUNCTION_INFO_V1(rotate_key);

static Datum
site_fn_vkey(const note_key *key)
{
	char		text[NOTE_NAME_LEN_MAX + 64];
	size_t		len = note_key_format(key, text, sizeof(text));

	if (len == 0)
		elog(ERROR, "verifier key does not fit its buffer");
	return PointerGetDatum(cstring_to_text_with_len(text, (int) len));
}

/* Extension script: this database's first incarnation. */
Datum
open_site(PG_FUNCTION_ARGS)
{
	site_open_first();
	PG_RETURN_VOID();
}

/* The current key's. */
Datum
site_vkey(PG_FUNCTION_ARGS)
{
	note_key	key;

	site_note_key(&key);
	PG_RETURN_DATUM(site_fn_vkey(&key));
}

/* vkey(name, public_key) */
Datum
vkey(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	bytea	   *public_key = PG_GETARG_BYTEA_PP(1);
	note_key	key;

	if (VARSIZE_ANY_EXHDR(public_key) != ED25519_PUBLIC_LEN)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("public_key must have %d bytes", ED25519_PUBLIC_LEN),
				 errdetail("It has %d.", (int) VARSIZE_ANY_EXHDR(public_key))));
	if (!note_key_init(&key, name, (const uint8 *) VARDATA_ANY(public_key)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" cannot name a key", name),
				 errdetail("A key's name has 1 to %d bytes, without spaces, plus signs and control characters.",
						   NOTE_NAME_LEN_MAX)));
	PG_RETURN_DATUM(site_fn_vkey(&key));
}

/* reopen(reason): the new verifier key */
Datum
reopen(PG_FUNCTION_ARGS)
{
	PreventCommandIfReadOnly("energyledger.reopen()");
	PreventCommandIfParallelMode("energyledger.reopen()");
	site_reopen(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	return site_vkey(fcinfo);
}

/* rotate_key(fresh): the new verifier key */
Datum
rotate_key(PG_FUNCTION_ARGS)
{
	PreventCommandIfReadOnly("energyledger.rotate_key()");
	PreventCommandIfParallelMode("energyledger.rotate_key()");
	site_rotate_key(PG_GETARG_BOOL(0));
	return site_vkey(fcinfo);
}
