/*
 * ocmf_fn.c: texts as charging stations' papers and backends hold them, as the
 * bytes that register_meter and ingest take.
 *
 * A record is signed as it stands, and ingest takes it as it stands.  What backends
 * keep of it is often a text around it: base64, or hexadecimal, as OCPP carries
 * it.  Taking it off is the caller's step, because a record that ingest took
 * in either spelling would be two messages under one number.
 *
 * The SQL declarations are STRICT: no argument is NULL here.
 */
#include "postgres.h"
#include "compat.h"

#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "core/refusal.h"
#include "core/text_bytes.h"
#include "fn/bytea_arg.h"

PG_FUNCTION_INFO_V1(energyledger_decode_public_key);
PG_FUNCTION_INFO_V1(energyledger_decode_ocmf);

#define KEY_TEXT_LEN_MAX 1024
/* a record in hexadecimal, with room for line ends */
#define OCMF_TEXT_LEN_MAX (3 * MESSAGE_BYTES_MAX)

static const char ocmf_begin[] = "OCMF|";

#define OCMF_BEGIN_LEN (sizeof(ocmf_begin) - 1)

static void
ocmf_check_length(Size len, Size len_max, const char *argument)
{
	if (len > len_max)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("argument \"%s\" is too long", argument),
				 errdetail("It has %zu bytes; at most %zu are taken.", len, len_max)));
}

/* decode_public_key(key text) */
Datum
energyledger_decode_public_key(PG_FUNCTION_ARGS)
{
	text	   *given = PG_GETARG_TEXT_PP(0);
	Size		len = VARSIZE_ANY_EXHDR(given);
	uint8	   *bytes;
	size_t		bytes_len;

	ocmf_check_length(len, KEY_TEXT_LEN_MAX, "key");
	bytes = palloc(len + 1);
	if (!text_bytes_decode(VARDATA_ANY(given), len, bytes, &bytes_len))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the text holds no public key"),
				 errdetail("It must be hexadecimal, base64 with its padding, or PEM that begins with -----BEGIN PUBLIC KEY-----.")));
	PG_RETURN_DATUM(bytea_datum(bytes, bytes_len));
}

/* decode_ocmf(record text) */
Datum
energyledger_decode_ocmf(PG_FUNCTION_ARGS)
{
	char	   *given = text_to_cstring(PG_GETARG_TEXT_PP(0));
	const char *record = pg_server_to_any(given, strlen(given), PG_UTF8);
	size_t		len = strlen(record);
	uint8	   *bytes;
	size_t		bytes_len;

	ocmf_check_length(len, OCMF_TEXT_LEN_MAX, "record");
	text_bytes_trim(&record, &len);
	if (len < OCMF_BEGIN_LEN || memcmp(record, ocmf_begin, OCMF_BEGIN_LEN) != 0)
	{
		bytes = palloc(len + 1);
		if (!text_bytes_decode(record, len, bytes, &bytes_len) ||
			bytes_len < OCMF_BEGIN_LEN || memcmp(bytes, ocmf_begin, OCMF_BEGIN_LEN) != 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the text holds no OCMF record"),
					 errdetail("It must begin with \"%s\", or be the base64 or hexadecimal of such a text.", ocmf_begin)));
		record = (const char *) bytes;
		len = bytes_len;
		text_bytes_trim(&record, &len);
	}
	ocmf_check_length(len, MESSAGE_BYTES_MAX, "record");
	PG_RETURN_DATUM(bytea_datum((const uint8 *) record, len));
}
