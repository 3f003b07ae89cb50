/*
 * match_input.c: gathers orders and gives their names numbers.
 *
 * A set may have one order or sixteen million, from a query whose rows are not
 * counted beforehand; so everything grows by doubling, and the bytes of a name are
 * kept once, however many orders have it.
 */
#include "postgres.h"
#include "compat.h"

#include "common/hashfn.h"
#include "mb/pg_wchar.h"
#include "utils/memutils.h"

#include "market/match_input.h"

#define MATCH_ORDERS_FIRST 64
#define MATCH_ROOM_BYTES 65536

/* An array of at least one element, of any size. */
static void *
match_grow(MatchInput *in, void *old, Size count, Size width, Size old_count)
{
	void	   *made = MemoryContextAllocHuge(in->context, count * width);

	if (old != NULL)
	{
		memcpy(made, old, old_count * width);
		pfree(old);
	}
	return made;
}

static void
match_names_slots(MatchInput *in, Size slots)
{
	MatchNames *names = &in->names;

	if (names->slot != NULL)
		pfree(names->slot);
	names->slot = MemoryContextAllocHuge(in->context, slots * sizeof(uint32));
	memset(names->slot, 0, slots * sizeof(uint32));
	names->mask = (uint32) (slots - 1);
	for (uint32 i = 0; i < names->count; i++)
	{
		uint32		at = names->hash[i] & names->mask;

		while (names->slot[at] != 0)
			at = (at + 1) & names->mask;
		names->slot[at] = i + 1;
	}
}

MatchInput *
match_input_begin(int capacity_hint)
{
	MatchInput *in = palloc0(sizeof(MatchInput));
	Size		slots = 2 * MATCH_ORDERS_FIRST;

	in->context = CurrentMemoryContext;
	in->size = (uint32) Min(Max(capacity_hint, MATCH_ORDERS_FIRST), (int) MATCHING_ORDERS_MAX);
	in->order = match_grow(in, NULL, in->size, sizeof(matching_order), 0);
	/* one is there also where no order is, for an error about none */
	memset(in->order, 0, sizeof(matching_order));
	in->zone = in->other_zone = MATCHING_NOBODY;
	while (slots < (Size) in->size * 2)
		slots *= 2;
	match_names_slots(in, slots);
	return in;
}

/* A copy of the bytes, in rooms that many names share. */
static const char *
match_name_keep(MatchInput *in, MatchName name)
{
	MatchNames *names = &in->names;
	char	   *kept;

	if (names->room_left < (Size) name.len)
	{
		names->room = MemoryContextAlloc(in->context, MATCH_ROOM_BYTES);
		names->room_left = MATCH_ROOM_BYTES;
	}
	kept = names->room;
	memcpy(kept, name.data, name.len);
	names->room += name.len;
	names->room_left -= name.len;
	return kept;
}

uint32
match_input_number(MatchInput *in, MatchName name)
{
	MatchNames *names = &in->names;
	uint32		hash = hash_bytes((const unsigned char *) name.data, name.len);
	uint32		at = hash & names->mask;

	while (names->slot[at] != 0)
	{
		uint32		number = names->slot[at] - 1;

		if (names->hash[number] == hash && match_name_same(names->name[number], name))
			return number;
		at = (at + 1) & names->mask;
	}
	if (names->count == names->size)
	{
		uint32		size = Max(2 * names->size, MATCH_ORDERS_FIRST);

		names->name = match_grow(in, names->name, size, sizeof(MatchName), names->count);
		names->hash = match_grow(in, names->hash, size, sizeof(uint32), names->count);
		names->size = size;
	}
	names->name[names->count] = (MatchName) {match_name_keep(in, name), name.len};
	names->hash[names->count] = hash;
	names->slot[at] = ++names->count;
	if ((Size) names->count * 2 > (Size) names->mask + 1)
		match_names_slots(in, 2 * ((Size) names->mask + 1));
	return names->count - 1;
}

MatchName
match_input_name(const MatchInput *in, uint32 number)
{
	return in->names.name[number];
}

const char *
match_input_where(const MatchInput *in, uint32 position)
{
	long long	order_id = (long long) in->order[position].order_id;

	if (in->of_array)
		return psprintf("Order %lld, element %u of the array,", order_id, position + 1);
	return psprintf("Order %lld", order_id);
}

/* A name's number, or nobody's; position is that of the order that has it. */
static uint32
match_number_of(MatchInput *in, MatchName name, uint32 position, const char *column)
{
	if (name.len == 0)
		return MATCHING_NOBODY;
	if (name.len > MATCH_NAME_BYTES_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION),
				 errmsg("\"%s\" of an order must have 1 to %d bytes", column, MATCH_NAME_BYTES_MAX),
				 errdetail("%s has %d.", match_input_where(in, position), name.len)));
	return match_input_number(in, name);
}

/* Most orders of a set are of the zone of the one before. */
static uint32
match_zone_of(MatchInput *in, MatchName zone, uint32 position)
{
	uint32		number;

	if (zone.len > 0 && in->zone != MATCHING_NOBODY && match_name_same(zone, in->names.name[in->zone]))
		return in->zone;
	number = match_number_of(in, zone, position, "zone");
	if (number == MATCHING_NOBODY)
		return number;
	if (in->zone == MATCHING_NOBODY)
		in->zone = number;
	else if (in->other_zone == MATCHING_NOBODY)
		in->other_zone = position;
	return number;
}

void
match_input_source(MatchInput *in, uint32 position, MatchName source)
{
	if (source.len > 0 && in->source == NULL)
	{
		in->source = match_grow(in, NULL, in->size, sizeof(uint32), 0);
		memset(in->source, 0xff, Max(in->count, position) * sizeof(uint32));
	}
	if (in->source != NULL)
		in->source[position] = match_number_of(in, source, position, "source");
}

uint32
match_input_add(MatchInput *in, const MatchOrder *from)
{
	matching_order *order;
	uint32		position = in->count;

	if (in->count == in->size)
	{
		uint32		size = (uint32) Min((Size) in->size * 2, (Size) MATCHING_ORDERS_MAX);

		if (in->count >= MATCHING_ORDERS_MAX)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("too many orders"),
					 errdetail("At most %u are matched at a time.", MATCHING_ORDERS_MAX)));
		in->order = match_grow(in, in->order, size, sizeof(matching_order), in->count);
		if (in->source != NULL)
			in->source = match_grow(in, in->source, size, sizeof(uint32), in->count);
		in->size = size;
	}
	order = &in->order[position];
	*order = (matching_order) {.order_id = from->order_id,.arrival = from->arrival,.energy = from->energy,
		.price = from->has_price ? from->price : 0,.any_price = !from->has_price,
		.partner_price = from->has_partner_price ? from->partner_price : 0,.has_partner_price = from->has_partner_price,
		.side = from->side
	};
	order->actor = match_number_of(in, from->actor, position, "actor");
	order->partner = match_number_of(in, from->partner, position, "partner");
	order->zone = match_zone_of(in, from->zone, position);
	match_input_source(in, position, from->source);
	in->count++;
	return position;
}

void
match_input_condition(MatchInput *in, uint32 position, const MatchCondition *from)
{
	matching_condition *condition;

	if (in->conditions == in->condition_size)
	{
		uint32		size = Max(2 * in->condition_size, MATCH_ORDERS_FIRST);

		if (in->conditions >= MATCHING_CONDITIONS_MAX)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("too many conditions"),
					 errdetail("At most %d are matched at a time.", MATCHING_CONDITIONS_MAX)));
		in->condition = match_grow(in, in->condition, size, sizeof(matching_condition), in->conditions);
		in->condition_size = size;
	}
	condition = &in->condition[in->conditions];
	*condition = (matching_condition) {.order = position,.has_energy = from->has_energy,.has_price = from->has_price,
		.energy = from->has_energy ? from->energy : 0,.price = from->has_price ? from->price : 0
	};
	condition->partner = match_number_of(in, from->partner, position, "partner");
	condition->source = match_number_of(in, from->source, position, "source");
	condition->zone = match_number_of(in, from->zone, position, "zone");
	in->conditions++;
}

static int
match_compare_keys(const void *a, const void *b)
{
	uint64		key_a = *(const uint64 *) a;
	uint64		key_b = *(const uint64 *) b;

	return (key_a > key_b) - (key_a < key_b);
}

matching_condition *
match_input_conditions(const MatchInput *in)
{
	uint64	   *key = palloc_extended(sizeof(uint64) * ((Size) in->conditions + 1), MCXT_ALLOC_HUGE);
	matching_condition *sorted = palloc_extended(sizeof(matching_condition) * ((Size) in->conditions + 1), MCXT_ALLOC_HUGE);

	for (uint32 i = 0; i < in->conditions; i++)
		key[i] = (uint64) in->condition[i].order << 32 | i;
	qsort(key, in->conditions, sizeof(uint64), match_compare_keys);
	for (uint32 i = 0; i < in->conditions; i++)
		sorted[i] = in->condition[(uint32) key[i]];
	pfree(key);
	return sorted;
}
