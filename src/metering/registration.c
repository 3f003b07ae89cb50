/*
 * registration.c: meters and their keys enter the register.
 *
 * A wrong key found here is a clear error to the person who types it; found
 * later it is a quarantine full of bad signatures.  Nothing is ever changed: a key
 * that ends or is revoked gets another row that says so.
 *
 * The table's constraints say the same for those who COPY; here it is said with the
 * argument's name, before anything is written.
 */
#include "postgres.h"
#include "compat.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "core/payload.h"
#include "metering/key_arg.h"
#include "metering/registration.h"

#define MICRODEGREES_PER_DEGREE 1000000
#define REGISTRATION_TEXT_LEN_MAX 1000	/* bytes */
#define METER_LOCK_FIELD 4		/* pg_advisory_lock() uses 1 and 2, site.c 3 */

typedef enum ArgumentForm
{
	ARGUMENT_NAME,				/* an identifier */
	ARGUMENT_TEXT,
	ARGUMENT_NUMBER,
	ARGUMENT_OTHER				/* looked at elsewhere */
} ArgumentForm;

typedef struct Argument
{
	const char *name;
	Oid			type;
	bool		required;
	ArgumentForm form;
	int64		least;
	int64		most;
} Argument;

static const Argument meter_arguments[REGISTRATION_ARGUMENTS] = {
	{"meter", TEXTOID, true, ARGUMENT_NAME},
	{"public_key", BYTEAOID, false, ARGUMENT_OTHER},
	{"algorithm", TEXTOID, true, ARGUMENT_OTHER},
	{"technology", TEXTOID, false, ARGUMENT_TEXT},
	{"capacity_w", INT8OID, false, ARGUMENT_NUMBER, 1, PG_INT64_MAX},
	{"latitude_microdegrees", INT4OID, false, ARGUMENT_NUMBER, -90 * MICRODEGREES_PER_DEGREE, 90 * MICRODEGREES_PER_DEGREE},
	{"longitude_microdegrees", INT4OID, false, ARGUMENT_NUMBER, -180 * MICRODEGREES_PER_DEGREE, 180 * MICRODEGREES_PER_DEGREE},
	{"party", TEXTOID, false, ARGUMENT_NAME},
	{"description", TEXTOID, false, ARGUMENT_TEXT},
	{"location", TEXTOID, false, ARGUMENT_NAME},
	{"altitude_m", INT4OID, false, ARGUMENT_NUMBER, -500, 9000},
	{"tilt_degrees", INT4OID, false, ARGUMENT_NUMBER, 0, 180},
	{"azimuth_degrees", INT4OID, false, ARGUMENT_NUMBER, 0, 359},
	{"grid_zone", TEXTOID, false, ARGUMENT_NAME},
	{"shard", TEXTOID, false, ARGUMENT_NAME},
	{"calibrated_until", TIMESTAMPTZOID, false, ARGUMENT_OTHER},
};

static const Argument key_arguments[REGISTRATION_KEY_ARGUMENTS] = {
	{"meter", TEXTOID, true, ARGUMENT_NAME},
	{"public_key", BYTEAOID, true, ARGUMENT_OTHER},
	{"algorithm", TEXTOID, true, ARGUMENT_OTHER},
	{"from_epoch", INT8OID, true, ARGUMENT_NUMBER, 0, PG_UINT32_MAX},
	{"from_seq", INT8OID, true, ARGUMENT_NUMBER, 1, PG_INT64_MAX},
	{"until_epoch", INT8OID, false, ARGUMENT_NUMBER, 0, PG_UINT32_MAX},
	{"until_seq", INT8OID, false, ARGUMENT_NUMBER, 0, PG_INT64_MAX},
	{"valid_from", TIMESTAMPTZOID, true, ARGUMENT_OTHER},
	{"valid_until", TIMESTAMPTZOID, true, ARGUMENT_OTHER},
	{"reason", TEXTOID, false, ARGUMENT_TEXT},
};

static const Argument revoke_arguments[REGISTRATION_REVOKE_ARGUMENTS] = {
	{"meter", TEXTOID, true, ARGUMENT_NAME},
	{"public_key", BYTEAOID, true, ARGUMENT_OTHER},
	{"reason", TEXTOID, true, ARGUMENT_TEXT},
};

/* ---- arguments ---- */

/* The key in the form that is kept, and its algorithm by its first name. */
static void
registration_read_key(NullableDatum *algorithm, NullableDatum *public_key)
{
	envelope_algorithm a = key_arg_algorithm(TextDatumGetCString(algorithm->value));

	algorithm->value = CStringGetTextDatum(envelope_algorithm_name(a));
	if (!public_key->isnull)
	{
		bytea	   *key = DatumGetByteaPP(public_key->value);

		public_key->value = PointerGetDatum(key_arg_read(a, (uint8 *) VARDATA_ANY(key),
														 VARSIZE_ANY_EXHDR(key)));
	}
}

static void
registration_check_name(const Argument *a, const char *name)
{
	if (strlen(name) > PAYLOAD_METER_LEN_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s name is too long", a->name),
				 errdetail("It has %zu bytes, a name at most %d.", strlen(name), PAYLOAD_METER_LEN_MAX)));
	if (!payload_meter_valid(name, strlen(name)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid %s name \"%s\"", a->name, name),
				 errdetail("A name is 1 to %d of A-Z a-z 0-9 . _ : -", PAYLOAD_METER_LEN_MAX)));
}

static void
registration_check_number(const Argument *a, int64 value)
{
	if (value < a->least || value > a->most)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("argument \"%s\" is out of range", a->name),
				 errdetail("%lld is not between %lld and %lld.",
						   (long long) value, (long long) a->least, (long long) a->most)));
}

static void
registration_check(const Argument *arguments, int count, const NullableDatum *given)
{
	for (int i = 0; i < count; i++)
	{
		const Argument *a = &arguments[i];

		if (given[i].isnull && a->required)
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument \"%s\" must not be NULL", a->name)));
		if (given[i].isnull)
			continue;
		if (a->form == ARGUMENT_NAME)
			registration_check_name(a, TextDatumGetCString(given[i].value));
		else if (a->form == ARGUMENT_NUMBER)
			registration_check_number(a, a->type == INT8OID ? DatumGetInt64(given[i].value) :
									  DatumGetInt32(given[i].value));
		else if (a->form == ARGUMENT_TEXT &&
				 VARSIZE_ANY_EXHDR(DatumGetTextPP(given[i].value)) > REGISTRATION_TEXT_LEN_MAX)
			ereport(ERROR,
					(errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION),
					 errmsg("argument \"%s\" is too long", a->name),
					 errdetail("At most %d bytes are kept.", REGISTRATION_TEXT_LEN_MAX)));
	}
}

void
registration_check_reason(const char *reason, const char *whose)
{
	if (reason[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s needs a reason", whose)));
	if (strlen(reason) > REGISTRATION_TEXT_LEN_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION),
				 errmsg("reason of %s is too long", whose),
				 errdetail("It has %zu bytes, at most %d are kept.", strlen(reason), REGISTRATION_TEXT_LEN_MAX)));
}

/* ---- storing ---- */

void
registration_lock_meter(const char *meter)
{
	uint64		hash = hash_bytes_extended((const unsigned char *) meter, (int) strlen(meter), 0);
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, (uint32) (hash >> 32), (uint32) hash, METER_LOCK_FIELD);
	(void) LockAcquire(&tag, ExclusiveLock, false, false);
}

/*
 * Runs a statement over the arguments; leaves SPI connected.  With the newest snapshot, whatever the
 * isolation level: the meter's lock is of use only to who sees what was committed under it.
 */
static void
registration_execute(const char *sql, const Argument *arguments, int count, const NullableDatum *given, int expected)
{
	Oid			types[REGISTRATION_ARGUMENTS];
	Datum		values[REGISTRATION_ARGUMENTS];
	char		nulls[REGISTRATION_ARGUMENTS];
	SPIPlanPtr	plan;
	int			result;

	for (int i = 0; i < count; i++)
	{
		types[i] = arguments[i].type;
		values[i] = given[i].value;
		nulls[i] = given[i].isnull ? 'n' : ' ';
	}
	plan = SPI_prepare(sql, count, types);
	if (plan == NULL)
		elog(ERROR, "could not prepare: %s", SPI_result_code_string(SPI_result));
	result = SPI_execute_snapshot(plan, values, nulls, GetLatestSnapshot(), InvalidSnapshot, false, true, 0);
	if (result != expected)
		elog(ERROR, "registration ended with %s", SPI_result_code_string(result));
}

/* What RETURNING ledger_id gave; 0 where no row was written. */
static int64
registration_row_id(void)
{
	bool		isnull;

	if (SPI_processed == 0)
		return 0;
	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
}

static void
registration_connect(const NullableDatum *meter)
{
	registration_lock_meter(TextDatumGetCString(meter->value));
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
}

/* A revoked key stays so: whoever has stolen it has it still. */
static void
registration_refuse_revoked(const NullableDatum *given)
{
	registration_execute("SELECT FROM energyledger.meter_key_current WHERE meter = $1 AND public_key = $2 AND revoked",
						 key_arguments, 2, given, SPI_OK_SELECT);
	if (SPI_processed > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("this key of meter \"%s\" is revoked", TextDatumGetCString(given[0].value)),
				 errhint("Give the meter another key.")));
}

#define KEY_COLUMNS "meter, public_key, algorithm, from_epoch, from_seq, until_epoch, until_seq"

/* The key given is the only one from now on. */
static void
registration_only_key(const NullableDatum *given)
{
	registration_refuse_revoked(given);
	registration_execute("INSERT INTO energyledger.meter_key (" KEY_COLUMNS ", valid_from, valid_until, reason)"
						 " SELECT " KEY_COLUMNS ", least(valid_from, clock_timestamp()), clock_timestamp(), 'replaced'"
						 " FROM energyledger.meter_key_current WHERE meter = $1 AND public_key <> $2"
						 " AND NOT revoked AND valid_until > clock_timestamp()",
						 meter_arguments, 2, given, SPI_OK_INSERT);
	registration_execute("INSERT INTO energyledger.meter_key (meter, public_key, algorithm)"
						 " SELECT $1, $2, $3 WHERE NOT EXISTS (SELECT FROM energyledger.meter_key_current"
						 " WHERE meter = $1 AND public_key = $2 AND algorithm = $3 AND from_epoch = 0 AND from_seq = 1"
						 " AND until_epoch IS NULL AND valid_from = '-infinity' AND valid_until = 'infinity')",
						 meter_arguments, 3, given, SPI_OK_INSERT);
}

int64
registration_meter(NullableDatum given[REGISTRATION_ARGUMENTS])
{
	int64		id;

	registration_check(meter_arguments, REGISTRATION_ARGUMENTS, given);
	registration_read_key(&given[2], &given[1]);
	registration_connect(&given[0]);
	if (!given[1].isnull)
		registration_only_key(given);
	registration_execute("INSERT INTO energyledger.meter (meter, technology, capacity_w, latitude_microdegrees,"
						 " longitude_microdegrees, party, description, location, altitude_m, tilt_degrees,"
						 " azimuth_degrees, grid_zone, shard, calibrated_until)"
						 " VALUES ($1, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) RETURNING ledger_id",
						 meter_arguments, REGISTRATION_ARGUMENTS, given, SPI_OK_INSERT_RETURNING);
	id = registration_row_id();
	SPI_finish();
	return id;
}

/* The message that ends a range is not before the one that begins it; nor is the time. */
static void
registration_check_ranges(const NullableDatum *given)
{
	if (given[5].isnull != given[6].isnull)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("until_epoch and until_seq must be given together")));
	if (!given[5].isnull &&
		(DatumGetInt64(given[5].value) < DatumGetInt64(given[3].value) ||
		 (DatumGetInt64(given[5].value) == DatumGetInt64(given[3].value) &&
		  DatumGetInt64(given[6].value) < DatumGetInt64(given[4].value))))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the last message that a key signs must not be before the first"),
				 errdetail("From epoch %lld, seq %lld until epoch %lld, seq %lld.",
						   (long long) DatumGetInt64(given[3].value), (long long) DatumGetInt64(given[4].value),
						   (long long) DatumGetInt64(given[5].value), (long long) DatumGetInt64(given[6].value))));
	if (DatumGetTimestampTz(given[8].value) <= DatumGetTimestampTz(given[7].value))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("valid_until must be after valid_from"),
				 errdetail("From %s until %s.", pstrdup(timestamptz_to_str(DatumGetTimestampTz(given[7].value))),
						   pstrdup(timestamptz_to_str(DatumGetTimestampTz(given[8].value))))));
}

int64
registration_add_key(NullableDatum given[REGISTRATION_KEY_ARGUMENTS])
{
	int64		id;

	registration_check(key_arguments, REGISTRATION_KEY_ARGUMENTS, given);
	registration_read_key(&given[2], &given[1]);
	registration_check_ranges(given);
	registration_connect(&given[0]);
	registration_refuse_revoked(given);
	registration_execute("INSERT INTO energyledger.meter_key (" KEY_COLUMNS ", valid_from, valid_until, reason)"
						 " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING ledger_id",
						 key_arguments, REGISTRATION_KEY_ARGUMENTS, given, SPI_OK_INSERT_RETURNING);
	id = registration_row_id();
	SPI_finish();
	return id;
}

int64
registration_revoke_key(NullableDatum given[REGISTRATION_REVOKE_ARGUMENTS])
{
	int64		id;

	registration_check(revoke_arguments, REGISTRATION_REVOKE_ARGUMENTS, given);
	given[1].value = PointerGetDatum(key_arg_read_any(DatumGetByteaPP(given[1].value)));
	registration_check_reason(TextDatumGetCString(given[2].value), "a revocation");
	registration_connect(&given[0]);
	registration_refuse_revoked(given);
	registration_execute("INSERT INTO energyledger.meter_key (" KEY_COLUMNS ", valid_from, valid_until, revoked, reason)"
						 " SELECT " KEY_COLUMNS ", valid_from, valid_until, true, $3"
						 " FROM energyledger.meter_key_current WHERE meter = $1 AND public_key = $2 RETURNING ledger_id",
						 revoke_arguments, REGISTRATION_REVOKE_ARGUMENTS, given, SPI_OK_INSERT_RETURNING);
	id = registration_row_id();
	if (id == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("meter \"%s\" has no such key", TextDatumGetCString(given[0].value)),
				 errhint("Its keys are in energyledger.meter_key_current.")));
	SPI_finish();
	return id;
}
