/*
 * match_hash.c: one hash of all that a clearing computes with.
 *
 * A clearing that keeps it can be shown to have been made from these orders and by this
 * rule, and from no others.  So every field of every order is in it, in an encoding that
 * can be read in one way only (lengths before bytes, a mark before what may be
 * absent), and orders stand in the order of their ids.  doc/market.md has the
 * bytes for those who compute it elsewhere.
 */
#include "postgres.h"
#include "compat.h"

#include "common/cryptohash.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"

#include "core/sha256.h"
#include "market/match_input.h"

#define MATCH_HASH_TAG "pg_energyledger match input 1\n"

typedef struct match_by_id
{
	int64		order_id;
	uint32		position;
} match_by_id;

static int
match_compare_ids(const void *a, const void *b)
{
	int64		id_a = ((const match_by_id *) a)->order_id;
	int64		id_b = ((const match_by_id *) b)->order_id;

	return (id_a > id_b) - (id_a < id_b);
}

static void
hash_number(StringInfo to, int64 value)
{
	uint64		big = pg_hton64((uint64) value);

	appendBinaryStringInfo(to, (const char *) &big, sizeof(big));
}

/* A mark, and the number where there is one. */
static void
hash_optional(StringInfo to, bool has, int64 value)
{
	appendStringInfoChar(to, has ? 1 : 0);
	if (has)
		hash_number(to, value);
}

/* Names have less than 65536 bytes, and at least one: length 0 is none. */
static void
hash_name(StringInfo to, const MatchInput *in, uint32 number)
{
	MatchName	name = number == MATCHING_NOBODY ? (MatchName) {NULL, 0} : match_input_name(in, number);
	uint16		len = pg_hton16((uint16) name.len);

	appendBinaryStringInfo(to, (const char *) &len, sizeof(len));
	if (name.len > 0)
		appendBinaryStringInfo(to, name.data, name.len);
}

static void
hash_order(StringInfo to, const MatchInput *in, uint32 position)
{
	const matching_order *order = &in->order[position];

	hash_number(to, order->order_id);
	appendStringInfoChar(to, (char) order->side);
	hash_number(to, order->energy);
	hash_optional(to, !order->any_price, order->price);
	hash_number(to, order->arrival);
	hash_name(to, in, order->actor);
	hash_name(to, in, order->zone);
	hash_name(to, in, order->partner);
	hash_optional(to, order->has_partner_price, order->partner_price);
	hash_name(to, in, in->source == NULL ? MATCHING_NOBODY : in->source[position]);
	appendStringInfoChar(to, 0);	/* conditions */
}

static void
hash_text(StringInfo to, const char *text)
{
	uint32		len = pg_hton32((uint32) strlen(text));

	appendBinaryStringInfo(to, (const char *) &len, sizeof(len));
	appendStringInfoString(to, text);
}

/* Positions by order id; one that is there twice would leave their sequence open. */
static match_by_id *
hash_sequence(const MatchInput *in)
{
	match_by_id *by_id = palloc_extended(sizeof(match_by_id) * ((Size) in->count + 1), MCXT_ALLOC_HUGE);

	for (uint32 i = 0; i < in->count; i++)
		by_id[i] = (match_by_id) {in->order[i].order_id, i};
	qsort(by_id, in->count, sizeof(match_by_id), match_compare_ids);
	for (uint32 i = 1; i < in->count; i++)
	{
		if (by_id[i].order_id == by_id[i - 1].order_id)
			ereport(ERROR,
					(errcode(ERRCODE_UNIQUE_VIOLATION),
					 errmsg("two orders have the same \"order_id\""),
					 errdetail("%s has one that is there twice.",
							   match_input_where(in, Max(by_id[i].position, by_id[i - 1].position)))));
	}
	return by_id;
}

static void
hash_update(pg_cryptohash_ctx *ctx, StringInfo bytes)
{
	if (pg_cryptohash_update(ctx, (const uint8 *) bytes->data, (size_t) bytes->len) < 0)
		elog(ERROR, "could not compute a SHA-256 hash");
	resetStringInfo(bytes);
}

void
match_input_hash(MatchInput *in, const char *method, Jsonb *options, uint8 out[32])
{
	match_by_id *by_id = hash_sequence(in);
	pg_cryptohash_ctx *ctx = pg_cryptohash_create(PG_SHA256);
	StringInfoData bytes;

	if (pg_cryptohash_init(ctx) < 0)
		elog(ERROR, "could not compute a SHA-256 hash");
	initStringInfo(&bytes);
	appendBinaryStringInfo(&bytes, MATCH_HASH_TAG, strlen(MATCH_HASH_TAG));
	hash_number(&bytes, in->count);
	for (uint32 i = 0; i < in->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		hash_order(&bytes, in, by_id[i].position);
		hash_update(ctx, &bytes);
	}
	hash_text(&bytes, method);
	hash_text(&bytes, JsonbToCString(NULL, &options->root, VARSIZE(options)));
	hash_update(ctx, &bytes);
	if (pg_cryptohash_final(ctx, out, SHA256_LEN) < 0)
		elog(ERROR, "could not compute a SHA-256 hash");
	pg_cryptohash_free(ctx);
	pfree(bytes.data);
	pfree(by_id);
}
