/*
 * match_hash.c: one hash of all that a clearing computes with.
 *
 * A clearing that keeps it can be shown to have been made from these orders and by this
 * rule, and from no others.  So every field of every order is in it, in an encoding that
 * can be read in one way only (lengths before bytes, a mark before what may be
 * absent), and orders stand in the order of their ids.  doc/matching.md has the
 * bytes for those who compute it elsewhere.
 */
#include "postgres.h"
#include "compat.h"

#include "common/cryptohash.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "core/sha256.h"
#include "market/match_rule.h"

#define MATCH_HASH_TAG "pg_energyledger match input 1\n"

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
hash_condition(StringInfo to, const MatchInput *in, const matching_condition *condition)
{
	hash_name(to, in, condition->partner);
	hash_name(to, in, condition->source);
	hash_name(to, in, condition->zone);
	hash_optional(to, condition->has_energy, condition->energy);
	hash_optional(to, condition->has_price, condition->price);
}

/* The first of an order's conditions, or where it would stand. */
static uint32
hash_find_conditions(const MatchInput *in, const matching_condition *condition, uint32 position)
{
	uint32		low = 0;
	uint32		high = in->conditions;

	while (low < high)
	{
		uint32		middle = low + (high - low) / 2;

		if (condition[middle].order < position)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void
hash_order(StringInfo to, const MatchInput *in, const matching_condition *condition, uint32 position)
{
	const matching_order *order = &in->order[position];
	uint32		first = hash_find_conditions(in, condition, position);
	uint32		end = first;

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
	while (end < in->conditions && condition[end].order == position)
		end++;
	hash_number(to, end - first);
	for (uint32 i = first; i < end; i++)
		hash_condition(to, in, &condition[i]);
}

static void
hash_text(StringInfo to, const char *text)
{
	uint32		len = pg_hton32((uint32) strlen(text));

	appendBinaryStringInfo(to, (const char *) &len, sizeof(len));
	appendStringInfoString(to, text);
}

/* Those that are not in the options as they are hashed: they stand with their orders. */
static const char *
hash_options(Jsonb *options)
{
	static const char *const left_out[] = {"sources", "conditions"};
	Datum		datum = JsonbPGetDatum(options);

	for (int i = 0; i < 2; i++)
		datum = DirectFunctionCall2(jsonb_delete, datum, CStringGetTextDatum(left_out[i]));
	options = DatumGetJsonbP(datum);
	return JsonbToCString(NULL, &options->root, VARSIZE(options));
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
	MatchRule	rule;
	uint32	   *by_id = match_input_by_id(in);
	matching_condition *condition;
	pg_cryptohash_ctx *ctx = pg_cryptohash_create(PG_SHA256);
	StringInfoData bytes;

	match_rule_read(&rule, method, options);
	match_rule_apply(&rule, in);
	condition = match_input_conditions(in);
	if (pg_cryptohash_init(ctx) < 0)
		elog(ERROR, "could not compute a SHA-256 hash");
	initStringInfo(&bytes);
	appendBinaryStringInfo(&bytes, MATCH_HASH_TAG, strlen(MATCH_HASH_TAG));
	hash_number(&bytes, in->count);
	for (uint32 i = 0; i < in->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		hash_order(&bytes, in, condition, by_id[i]);
		hash_update(ctx, &bytes);
	}
	hash_text(&bytes, method);
	hash_text(&bytes, hash_options(options));
	hash_update(ctx, &bytes);
	if (pg_cryptohash_final(ctx, out, SHA256_LEN) < 0)
		elog(ERROR, "could not compute a SHA-256 hash");
	pg_cryptohash_free(ctx);
	pfree(bytes.data);
	pfree(condition);
	pfree(by_id);
}
