/*
 * registration.c: checks a meter's registration and stores it.
 *
 * A wrong key found here is a clear error to the person who types it; found
 * later it is a quarantine full of bad signatures.  Registering a meter again
 * replaces its key from then on: the older rows stay, as everything here does.
 */
#include "postgres.h"
#include "compat.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"

#include "core/ed25519.h"
#include "metering/lookup.h"
#include "metering/registration.h"

#define MICRODEGREES_PER_DEGREE 1000000
#define P256_POINT_LEN 65
#define REGISTRATION_TEXT_LEN_MAX 1000	/* bytes: technology, party, description */

/* SubjectPublicKeyInfo of a P-256 key up to its uncompressed point (RFC 5480). */
static const uint8 p256_spki_prefix[] = {
	0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01,
	0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00
};

static const struct
{
	const char *name;
	Oid			type;
}			arguments[REGISTRATION_ARGUMENTS] =

{
	{"meter", TEXTOID}, {"public_key", BYTEAOID}, {"algorithm", TEXTOID},
	{"technology", TEXTOID}, {"capacity_w", INT8OID},
	{"latitude_microdegrees", INT4OID}, {"longitude_microdegrees", INT4OID},
	{"party", TEXTOID}, {"description", TEXTOID}
};

void
registration_unknown_algorithm(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown signature algorithm \"%s\"", name),
			 errhint("Use \"Ed25519\" or \"ES256\".")));
}

static void
registration_check_key(const char *algorithm, const uint8 *key, Size len)
{
	bool		shape;

	switch (envelope_algorithm_by_name(algorithm))
	{
		case ENVELOPE_ED25519:
			if (len == ED25519_PUBLIC_LEN)
				return;
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("an Ed25519 public key must be %d bytes", ED25519_PUBLIC_LEN),
					 errdetail("The key given has %zu bytes.", len)));
			break;
		case ENVELOPE_ES256:
			shape = (len == P256_POINT_LEN && key[0] == 0x04) ||
				(len == sizeof(p256_spki_prefix) + P256_POINT_LEN &&
				 memcmp(key, p256_spki_prefix, sizeof(p256_spki_prefix)) == 0 &&
				 key[sizeof(p256_spki_prefix)] == 0x04);
			if (shape)
				return;
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("an ES256 public key must be an uncompressed P-256 point or its SubjectPublicKeyInfo"),
					 errdetail("The key given has %zu bytes; a point has %d and begins with 04, the DER form has %zu.",
							   len, P256_POINT_LEN, sizeof(p256_spki_prefix) + P256_POINT_LEN)));
			break;
		default:
			registration_unknown_algorithm(algorithm);
	}
}

static void
registration_check_range(const NullableDatum *argument, int i, int64 least, int64 most)
{
	int64		value;

	if (argument[i].isnull)
		return;
	value = arguments[i].type == INT8OID ? DatumGetInt64(argument[i].value) :
		DatumGetInt32(argument[i].value);
	if (value < least || value > most)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("argument \"%s\" is out of range", arguments[i].name),
				 errdetail("%lld is not between %lld and %lld.",
						   (long long) value, (long long) least, (long long) most)));
}

static void
registration_check(const NullableDatum *argument)
{
	char	   *meter;
	bytea	   *key;

	for (int i = 0; i < REGISTRATION_ARGUMENTS; i++)
	{
		if (i < 3 && argument[i].isnull)
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument \"%s\" must not be NULL", arguments[i].name)));
		if (i >= 3 && arguments[i].type == TEXTOID && !argument[i].isnull &&
			VARSIZE_ANY_EXHDR(DatumGetTextPP(argument[i].value)) > REGISTRATION_TEXT_LEN_MAX)
			ereport(ERROR,
					(errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION),
					 errmsg("argument \"%s\" is too long", arguments[i].name),
					 errdetail("At most %d bytes are kept.", REGISTRATION_TEXT_LEN_MAX)));
	}
	meter = TextDatumGetCString(argument[0].value);
	if (!payload_meter_valid(meter, strlen(meter)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid meter name \"%s\"", meter),
				 errdetail("A meter's name is 1 to %d of A-Z a-z 0-9 . _ : -", PAYLOAD_METER_LEN_MAX)));
	key = DatumGetByteaPP(argument[1].value);
	registration_check_key(TextDatumGetCString(argument[2].value),
						   (uint8 *) VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key));
	registration_check_range(argument, 4, 1, PG_INT64_MAX);
	registration_check_range(argument, 5, -90 * MICRODEGREES_PER_DEGREE, 90 * MICRODEGREES_PER_DEGREE);
	registration_check_range(argument, 6, -180 * MICRODEGREES_PER_DEGREE, 180 * MICRODEGREES_PER_DEGREE);
}

int64
registration_store(const NullableDatum argument[REGISTRATION_ARGUMENTS])
{
	Oid			types[REGISTRATION_ARGUMENTS];
	Datum		values[REGISTRATION_ARGUMENTS];
	char		nulls[REGISTRATION_ARGUMENTS];
	bool		isnull;
	int64		ledger_id;

	registration_check(argument);
	for (int i = 0; i < REGISTRATION_ARGUMENTS; i++)
	{
		types[i] = arguments[i].type;
		values[i] = argument[i].value;
		nulls[i] = argument[i].isnull ? 'n' : ' ';
	}
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args("INSERT INTO energyledger.meter (meter, public_key, algorithm, technology,"
							  " capacity_w, latitude_microdegrees, longitude_microdegrees, party,"
							  " description, registered_at)"
							  " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, clock_timestamp())"
							  " RETURNING ledger_id",
							  REGISTRATION_ARGUMENTS, types, values, nulls,
							  false, 0) != SPI_OK_INSERT_RETURNING)
		elog(ERROR, "insert into meter failed: %s", SPI_result_code_string(SPI_result));
	ledger_id = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_finish();
	return ledger_id;
}
