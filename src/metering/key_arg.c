/*
 * key_arg.c: errors for the person who types a key.
 *
 * A wrong key found here is a clear error; found later it is a quarantine full of
 * bad signatures.  What is right and what is wrong is decided in core/key_form.c.
 */
#include "postgres.h"
#include "compat.h"

#include "metering/key_arg.h"

envelope_algorithm
key_arg_algorithm(const char *name)
{
	envelope_algorithm algorithm = envelope_algorithm_by_name(name);

	if (algorithm == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown signature algorithm \"%s\"", name),
				 errhint("Use \"Ed25519\", \"ES256\", or OCMF's name of the algorithm, such as \"%s\".",
						 envelope_algorithm_name(ENVELOPE_SECP256K1_SHA256))));
	return algorithm;
}

static bytea *
key_arg_kept(const key_form *form)
{
	bytea	   *kept = (bytea *) palloc(VARHDRSZ + form->len);

	SET_VARSIZE(kept, VARHDRSZ + form->len);
	memcpy(VARDATA(kept), form->bytes, form->len);
	return kept;
}

bytea *
key_arg_read(envelope_algorithm algorithm, const uint8 *key, Size len)
{
	key_form	form;
	key_form_lengths lengths;

	switch (key_form_read(algorithm, key, len, &form))
	{
		case KEY_FORM_SOUND:
			break;
		case KEY_FORM_NOT_ON_CURVE:
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the public key is no point of the curve of %s",
							envelope_algorithm_name(algorithm)),
					 errdetail("The key given has %zu bytes. An OpenSSL that was built without the curve says so of every key.", len)));
			break;
		default:
			if (!key_form_lengths_of(algorithm, &lengths))
				elog(ERROR, "unexpected signature algorithm %d", (int) algorithm);
			if (lengths.point == 0)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("an Ed25519 public key must be %zu bytes, or its SubjectPublicKeyInfo",
								lengths.bare),
						 errdetail("The key given has %zu bytes; the DER form has %zu.", len, lengths.spki)));
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the public key of %s must be an uncompressed point of its curve or the SubjectPublicKeyInfo of one",
							envelope_algorithm_name(algorithm)),
					 errdetail("The key given has %zu bytes; a point has %zu and begins with 04, or %zu without it, the DER form has %zu.",
							   len, lengths.point, lengths.bare, lengths.spki)));
	}
	return key_arg_kept(&form);
}

bytea *
key_arg_read_any(bytea *key)
{
	key_form	form;

	if (!key_form_read_any((uint8 *) VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key), &form))
		return key;
	return key_arg_kept(&form);
}
