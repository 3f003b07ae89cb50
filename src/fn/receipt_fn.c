/*
 * receipt_fn.c: receipts and the export as SQL functions.
 *
 * export_rows() gives a row a call.  Called in a select list it streams; in FROM,
 * PostgreSQL would first put all of it into a temporary file, which is why export()
 * is a query around it that is inlined.
 */
#include "postgres.h"
#include "compat.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "nodes/execnodes.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "fn/bytea_arg.h"
#include "ledger/export.h"
#include "ledger/receipt.h"

PG_FUNCTION_INFO_V1(row_receipt);
PG_FUNCTION_INFO_V1(export_rows);

Datum
row_receipt(PG_FUNCTION_ARGS)
{
	char	   *json = receipt_make(PG_GETARG_INT64(0));

	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(json)));
}

/* Nobody wants more: a LIMIT, a cursor closed. */
static void
export_shutdown(Datum arg)
{
	export_end((Export *) DatumGetPointer(arg));
}

static void
export_first_call(FunctionCallInfo fcinfo, FuncCallContext *call)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	int64		from_index = PG_GETARG_INT64(0);
	MemoryContext old = MemoryContextSwitchTo(call->multi_call_memory_ctx);
	TupleDesc	desc;

	if (from_index < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"from_index\" must not be negative"),
				 errdetail("It is " INT64_FORMAT ".", from_index)));
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "export_rows() must return a row");
	call->tuple_desc = BlessTupleDesc(desc);
	call->user_fctx = export_begin(call->multi_call_memory_ctx, (uint64) from_index);
	RegisterExprContextCallback(result->econtext, export_shutdown, PointerGetDatum(call->user_fctx));
	MemoryContextSwitchTo(old);
}

Datum
export_rows(PG_FUNCTION_ARGS)
{
	FuncCallContext *call;
	ExportItem	item;
	Datum		values[3];
	bool		nulls[3] = {false};

	if (SRF_IS_FIRSTCALL())
	{
		call = SRF_FIRSTCALL_INIT();
		export_first_call(fcinfo, call);
	}
	call = SRF_PERCALL_SETUP();
	if (!export_next(call->user_fctx, &item))
	{
		UnregisterExprContextCallback(((ReturnSetInfo *) fcinfo->resultinfo)->econtext,
									  export_shutdown, PointerGetDatum(call->user_fctx));
		export_end(call->user_fctx);
		SRF_RETURN_DONE(call);
	}
	values[0] = CharGetDatum(item.kind);
	values[1] = Int64GetDatum((int64) item.index);
	values[2] = bytea_datum(item.data, item.len);
	SRF_RETURN_NEXT(call, HeapTupleGetDatum(heap_form_tuple(call->tuple_desc, values, nulls)));
}
