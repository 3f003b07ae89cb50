/*
 * table_fn.c: SQL functions that a ledger table's owner calls: retire, convert.
 */
#include "postgres.h"
#include "compat.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "ledger/convert.h"
#include "ledger/retire.h"

PG_FUNCTION_INFO_V1(energyledger_retire);
PG_FUNCTION_INFO_V1(energyledger_convert);

Datum
energyledger_retire(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(retire_table(PG_GETARG_OID(0), text_to_cstring(PG_GETARG_TEXT_PP(1)))));
}

Datum
energyledger_convert(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64((int64) convert_table(PG_GETARG_OID(0)));
}
