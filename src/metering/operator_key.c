/*
 * operator_key.c: the keys that sign commands, as energyledger.operator_key names them.
 *
 * They are not the log's: who may switch a customer off need not be able to sign the
 * log, and a key can be replaced without the other.  A key's name is the log's origin and
 * "/operator", so that a copy of the database, which goes on under another name, does not
 * command the meters of the one it was copied from: it needs a key of its own, which
 * they do not have.
 */
#include "postgres.h"
#include "compat.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "core/base64.h"
#include "core/downlink_note.h"
#include "ledger/log.h"
#include "ledger/site.h"
#include "ledger/site_key.h"
#include "metering/operator_key.h"

typedef struct OperatorKey
{
	int			number;
	note_key	key;
	bool		previous_signs;
} OperatorKey;

/*
 * All keys, newest first, in the caller's context; theirs is the count.  As they are now: a
 * transaction that began before a key was replaced does not sign with the old one, which may be stolen.
 */
static int
operator_key_read(OperatorKey **keys)
{
	MemoryContext context = CurrentMemoryContext;
	int			count;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	PushActiveSnapshot(GetLatestSnapshot());
	if (SPI_execute("SELECT key_number, name, public_key, coalesce(previous_signs_until > clock_timestamp(), false)"
					" FROM energyledger.operator_key ORDER BY key_number DESC", true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the operator's keys");
	PopActiveSnapshot();
	count = (int) SPI_processed;
	*keys = MemoryContextAllocZero(context, sizeof(OperatorKey) * Max(count, 1));
	for (int i = 0; i < count; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		OperatorKey *k = &(*keys)[i];
		bool		isnull;
		char	   *name = SPI_getvalue(tuple, desc, 2);
		bytea	   *public_key = DatumGetByteaPP(SPI_getbinval(tuple, desc, 3, &isnull));

		k->number = DatumGetInt32(SPI_getbinval(tuple, desc, 1, &isnull));
		k->previous_signs = DatumGetBool(SPI_getbinval(tuple, desc, 4, &isnull));
		if (VARSIZE_ANY_EXHDR(public_key) != ED25519_PUBLIC_LEN ||
			!note_key_init(&k->key, name, (uint8 *) VARDATA_ANY(public_key)))
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("operator key %d is malformed", k->number)));
	}
	SPI_finish();
	return count;
}

static char *
operator_key_name(void)
{
	return psprintf("%s%s", site_origin(), OPERATOR_KEY_SUFFIX);
}

static void
operator_key_insert(const OperatorKey *k, int64 overlap_us)
{
	TimestampTz now = GetCurrentTimestamp();
	Oid			types[6] = {INT4OID, TEXTOID, BYTEAOID, TIMESTAMPTZOID, TEXTOID, TIMESTAMPTZOID};
	Datum		values[6];
	char		nulls[7] = "      ";
	bytea	   *public_key = palloc(VARHDRSZ + ED25519_PUBLIC_LEN);

	SET_VARSIZE(public_key, VARHDRSZ + ED25519_PUBLIC_LEN);
	memcpy(VARDATA(public_key), k->key.public_key, ED25519_PUBLIC_LEN);
	values[0] = Int32GetDatum(k->number);
	values[1] = CStringGetTextDatum(k->key.name);
	values[2] = PointerGetDatum(public_key);
	values[3] = TimestampTzGetDatum(now + Max(overlap_us, 0));
	if (overlap_us < 0)
		nulls[3] = 'n';
	/* not the owner, with whose rights this runs */
	values[4] = CStringGetTextDatum(GetUserNameFromId(GetSessionUserId(), false));
	values[5] = TimestampTzGetDatum(now);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args("INSERT INTO energyledger.operator_key"
							  " (key_number, name, public_key, previous_signs_until, role, created_at)"
							  " VALUES ($1, $2, $3, $4, $5, $6)",
							  6, types, values, nulls, false, 0) != SPI_OK_INSERT)
		elog(ERROR, "could not record the operator's key");
	SPI_finish();
}

void
operator_key_rotate(int64 overlap_us, bool fresh, note_key *key)
{
	OperatorKey *keys;
	OperatorKey next = {0};
	uint8		(*used)[ED25519_PUBLIC_LEN];
	uint8		public_key[ED25519_PUBLIC_LEN];
	int			count;

	/* one change at a time, until the transaction that makes it ends */
	LockRelationOid(log_relation_oid("operator_key"), ShareRowExclusiveLock);
	count = operator_key_read(&keys);
	used = palloc(Max(count, 1) * ED25519_PUBLIC_LEN);
	for (int i = 0; i < count; i++)
		memcpy(used[i], keys[i].key.public_key, ED25519_PUBLIC_LEN);
	site_key_next(SITE_KEY_OPERATOR, (const uint8 (*)[ED25519_PUBLIC_LEN]) used, count, fresh, public_key);
	next.number = count > 0 ? keys[0].number + 1 : 1;
	if (!note_key_init(&next.key, operator_key_name(), public_key))
		elog(ERROR, "origin \"%s\" cannot name a key", site_origin());
	operator_key_insert(&next, overlap_us);
	*key = next.key;
	ereport(LOG, (errmsg("operator key %d, \"%s\", signs commands from now on", next.number, next.key.name)));
}

static const uint8 *
operator_key_secret(const OperatorKey *k)
{
	const uint8 *secret = site_key_secret(SITE_KEY_OPERATOR, k->key.public_key);
	char		digits[BASE64_LEN(ED25519_PUBLIC_LEN) + 1];

	if (secret == NULL)
	{
		digits[base64_encode(k->key.public_key, ED25519_PUBLIC_LEN, digits, sizeof(digits))] = '\0';
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the operator's key file does not hold operator key %d", k->number),
				 errdetail("\"%s\" has no line for the public key %s.", site_key_path(SITE_KEY_OPERATOR), digits),
				 errhint("Put the line back, or replace the key with energyledger.rotate_operator_key().")));
	}
	return secret;
}

char *
operator_key_sign(const char *text, size_t len, int *key_number)
{
	OperatorKey *keys;
	int			count = operator_key_read(&keys);
	Size		cap = len + 1 + 2 * (sizeof(keys[0].key.name) + 128);
	char	   *note = palloc(cap + 1);
	size_t		note_len;

	site_wait_settled();
	if (count == 0 || strcmp(keys[0].key.name, operator_key_name()) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("there is no operator key for log \"%s\"", site_origin()),
				 count == 0 ? errdetail("No command was ever signed here.") :
				 errdetail("The newest one is \"%s\".", keys[0].key.name),
				 errhint("Make one with energyledger.rotate_operator_key(), and give its verifier key to the meters.")));
	note_len = note_sign(text, len, &keys[0].key, operator_key_secret(&keys[0]), note, cap);
	if (note_len != 0 && count > 1 && keys[0].previous_signs && strcmp(keys[1].key.name, keys[0].key.name) == 0)
		note_len = note_sign_also(note, note_len, len, &keys[1].key, operator_key_secret(&keys[1]), cap);
	if (note_len == 0)
		elog(ERROR, "text cannot be signed as a note");
	note[note_len] = '\0';
	*key_number = keys[0].number;
	return note;
}
