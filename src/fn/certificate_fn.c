/*
 * certificate_fn.c: certificates in SQL: what is done with them, and what leads where.
 */
#include "postgres.h"
#include "compat.h"

#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "certificate/check.h"
#include "certificate/move.h"
#include "guc.h"

PG_FUNCTION_INFO_V1(energyledger_certificate_step);
PG_FUNCTION_INFO_V1(energyledger_move_certificates);
PG_FUNCTION_INFO_V1(energyledger_certificate_bundle_check);

/* certificate_step(kind text, from_state text) */
Datum
energyledger_certificate_step(PG_FUNCTION_ARGS)
{
	text	   *kind = PG_GETARG_TEXT_PP(0);
	text	   *from = PG_GETARG_TEXT_PP(1);
	certificate_state to = certificate_step(certificate_kind_of(VARDATA_ANY(kind), VARSIZE_ANY_EXHDR(kind)),
											certificate_state_of(VARDATA_ANY(from), VARSIZE_ANY_EXHDR(from)));

	if (to == CERTIFICATE_NONE)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(certificate_state_name(to)));
}

static text *
move_text(FunctionCallInfo fcinfo, int argument)
{
	return PG_ARGISNULL(argument) ? NULL : PG_GETARG_TEXT_PP(argument);
}

/*
 * move_certificates(kind, certificates, actor, recipient, energy_wh, share_ppm, beneficiary, purpose,
 * from_at, until_at, why, meter, epoch, seq); kind and certificates are not NULL
 */
Datum
energyledger_move_certificates(PG_FUNCTION_ARGS)
{
	MoveRequest r = {0};
	MoveResult	out;
	text	   *kind = PG_GETARG_TEXT_PP(0);
	TupleDesc	desc;
	Datum		value[4];
	bool		null[4];

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "move_certificates() has no row to return");
	r.kind = certificate_kind_of(VARDATA_ANY(kind), VARSIZE_ANY_EXHDR(kind));
	r.range = move_ranges(PG_GETARG_ARRAYTYPE_P(1), &r.ranges);
	r.actor = move_text(fcinfo, 2);
	r.recipient = move_text(fcinfo, 3);
	/* -1 is refused, 0 stands for NULL */
	r.energy_wh = PG_ARGISNULL(4) ? 0 : PG_GETARG_INT64(4) == 0 ? -1 : PG_GETARG_INT64(4);
	r.share_ppm = PG_ARGISNULL(5) ? 0 : PG_GETARG_INT32(5) == 0 ? -1 : PG_GETARG_INT32(5);
	r.beneficiary = move_text(fcinfo, 6);
	r.purpose = move_text(fcinfo, 7);
	r.has_from = !PG_ARGISNULL(8);
	r.has_until = !PG_ARGISNULL(9);
	r.from_at = r.has_from ? PG_GETARG_TIMESTAMPTZ(8) : 0;
	r.until_at = r.has_until ? PG_GETARG_TIMESTAMPTZ(9) : 0;
	r.reason = move_text(fcinfo, 10);
	r.meter = move_text(fcinfo, 11);
	r.epoch = PG_ARGISNULL(12) ? 0 : PG_GETARG_INT64(12);
	r.seq = PG_ARGISNULL(13) ? 0 : PG_GETARG_INT64(13);

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	move_certificates(&r, &out);
	value[0] = Int64GetDatum(out.event_id);
	value[1] = Int64GetDatum(out.quantity_wh);
	null[0] = null[1] = out.reason != NULL;
	null[2] = null[3] = out.reason == NULL;
	if (out.reason != NULL)
	{
		value[2] = SPI_datumTransfer(CStringGetTextDatum(out.reason), false, -1);
		value[3] = SPI_datumTransfer(CStringGetTextDatum(out.detail), false, -1);
	}
	SPI_finish();
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, value, null)));
}

/* Trigger of certificate_bundle, after each statement, with its rows as a transition table. */
Datum
energyledger_certificate_bundle_check(PG_FUNCTION_ARGS)
{
	TriggerData *t = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || t->tg_newtable == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("certificate_bundle_check() must be called as a trigger with a transition table")));
	/* restored as it was, with its sums */
	if (restore_mode)
		return PointerGetDatum(NULL);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	certificate_check(t->tg_newtable, RelationGetDescr(t->tg_relation));
	SPI_finish();
	return PointerGetDatum(NULL);
}
