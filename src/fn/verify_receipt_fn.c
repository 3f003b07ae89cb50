/*
 * verify_receipt_fn.c: row receipts checked in SQL.
 *
 * The same check as energyledger-verify's, for those who have a database at hand that
 * is not the one under suspicion.  Both functions read nothing but their arguments.
 */
#include "postgres.h"
#include "compat.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "core/row_receipt.h"

PG_FUNCTION_INFO_V1(energyledger_verify_receipt);
PG_FUNCTION_INFO_V1(energyledger_receipt_failure);

static row_receipt_result
receipt_check(Jsonb *receipt, text *vkey)
{
	note_key	key;
	char	   *json;
	row_receipt *r;
	row_receipt_facts *facts;
	row_receipt_result result;

	if (!note_key_parse(&key, VARDATA_ANY(vkey), VARSIZE_ANY_EXHDR(vkey)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid verifier key"),
				 errdetail("A verifier key is <name>+<key id, 8 hexadecimal digits>+<base64 of 01 and a 32-byte Ed25519 key>, and its id must follow from its name and key.")));
	/* a copy of our own: reading a receipt overwrites it */
	json = JsonbToCString(NULL, &receipt->root, VARSIZE(receipt));
	r = palloc(sizeof(*r));
	facts = palloc(sizeof(*facts));
	result = row_receipt_read(r, json, strlen(json));
	if (result == ROW_RECEIPT_VALID)
		result = row_receipt_check(r, &key, facts);
	pfree(facts);
	pfree(r);
	pfree(json);
	return result;
}

Datum
energyledger_verify_receipt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(receipt_check(PG_GETARG_JSONB_P(0), PG_GETARG_TEXT_PP(1)) == ROW_RECEIPT_VALID);
}

Datum
energyledger_receipt_failure(PG_FUNCTION_ARGS)
{
	row_receipt_result result = receipt_check(PG_GETARG_JSONB_P(0), PG_GETARG_TEXT_PP(1));

	if (result == ROW_RECEIPT_VALID)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(row_receipt_name(result)));
}
