/*
 * fleet_fn.c: the SQL face of the register of meters (src/metering/registration.c).
 *
 * The functions that write run with their owner's rights (see sql/fleet.sql), so
 * every argument is doubted there; the two that check are pure, and are what the
 * tables' constraints call.
 */
#include "postgres.h"
#include "compat.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "core/key_form.h"
#include "core/payload.h"
#include "fn/bytea_arg.h"
#include "metering/registration.h"

PG_FUNCTION_INFO_V1(energyledger_identifier_valid);
PG_FUNCTION_INFO_V1(energyledger_public_key_valid);
PG_FUNCTION_INFO_V1(energyledger_register_meter);
PG_FUNCTION_INFO_V1(energyledger_add_meter_key);
PG_FUNCTION_INFO_V1(energyledger_revoke_meter_key);

/* identifier_valid(name text): strict. */
Datum
energyledger_identifier_valid(PG_FUNCTION_ARGS)
{
	text	   *name = PG_GETARG_TEXT_PP(0);

	PG_RETURN_BOOL(payload_meter_valid(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name)));
}

/* public_key_valid(public_key bytea, algorithm text): strict. */
Datum
energyledger_public_key_valid(PG_FUNCTION_ARGS)
{
	bytea_view	key = bytea_view_of(PG_GETARG_DATUM(0));
	envelope_algorithm algorithm = envelope_algorithm_by_name(text_to_cstring(PG_GETARG_TEXT_PP(1)));

	PG_RETURN_BOOL(key_form_valid(algorithm, key.data, key.len));
}

/* The three that write take NULLs: which of them may be is checked with the argument's name. */

Datum
energyledger_register_meter(PG_FUNCTION_ARGS)
{
	NullableDatum given[REGISTRATION_ARGUMENTS];

	for (int i = 0; i < REGISTRATION_ARGUMENTS; i++)
		given[i] = fcinfo->args[i];
	PG_RETURN_INT64(registration_meter(given));
}

Datum
energyledger_add_meter_key(PG_FUNCTION_ARGS)
{
	NullableDatum given[REGISTRATION_KEY_ARGUMENTS];

	for (int i = 0; i < REGISTRATION_KEY_ARGUMENTS; i++)
		given[i] = fcinfo->args[i];
	PG_RETURN_INT64(registration_add_key(given));
}

Datum
energyledger_revoke_meter_key(PG_FUNCTION_ARGS)
{
	NullableDatum given[REGISTRATION_REVOKE_ARGUMENTS];

	for (int i = 0; i < REGISTRATION_REVOKE_ARGUMENTS; i++)
		given[i] = fcinfo->args[i];
	PG_RETURN_INT64(registration_revoke_key(given));
}
