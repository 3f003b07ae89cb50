/*
 * encode.c: writes the leaves of the log, byte by byte as doc/format.md has
 * them.  Everything is big-endian and every string carries its length, so two
 * different records can never have the same bytes.
 */
#include "core/encode.h"

static void
encode_head(bytes_out *o, uint8_t kind)
{
	bytes_put_u8(o, ENCODE_VERSION);
	bytes_put_u8(o, kind);
}

static void
encode_string(bytes_out *o, const char *s)
{
	bytes_put_lp(o, s, strlen(s));
}

void
encode_entry_put(bytes_out *o, const encode_entry *e)
{
	encode_head(o, ENCODE_KIND_ENTRY);
	bytes_put_u64(o, e->first_id);
	bytes_put_u64(o, e->last_id);
	bytes_put_u32(o, e->row_count);
	encode_string(o, e->relation);
	bytes_put_u32(o, e->schema_version);
	bytes_put(o, e->schema_digest, 32);
	bytes_put(o, e->rows_root, 32);
	bytes_put_u64(o, e->xid);
	bytes_put_u64(o, (uint64_t) e->time_us);
	encode_string(o, e->role);
}

void
encode_schema_put(bytes_out *o, const encode_schema *s)
{
	encode_head(o, ENCODE_KIND_SCHEMA);
	encode_string(o, s->relation);
	bytes_put_u32(o, s->schema_version);
	bytes_put_u16(o, s->column_count);
	for (int i = 0; i < s->column_count; i++)
	{
		bytes_put_u16(o, s->column[i].ordinal);
		encode_string(o, s->column[i].name);
		encode_string(o, s->column[i].type);
	}
	bytes_put_u64(o, (uint64_t) s->time_us);
	encode_string(o, s->role);
}

size_t
encode_schema_size(const encode_schema *s)
{
	size_t		size = 2 + 4 + strlen(s->relation) + 4 + 2 + 8 + 4 + strlen(s->role);

	for (int i = 0; i < s->column_count; i++)
		size += 2 + 4 + strlen(s->column[i].name) + 4 + strlen(s->column[i].type);
	return size;
}

void
encode_block_put(bytes_out *o, const encode_block *b)
{
	encode_head(o, ENCODE_KIND_BLOCK);
	bytes_put_u64(o, b->height);
	bytes_put(o, b->previous_block_hash, 32);
	bytes_put_u64(o, b->first_index);
	bytes_put_u64(o, b->count);
	bytes_put_u64(o, (uint64_t) b->sealed_at_us);
}

void
encode_event_put(bytes_out *o, const encode_event *e)
{
	encode_head(o, e->kind);
	bytes_put_u64(o, e->event_id);
	bytes_put_u16(o, e->field_count);
	for (int i = 0; i < e->field_count; i++)
	{
		encode_string(o, e->name[i]);
		encode_string(o, e->value[i]);
	}
	bytes_put_u64(o, (uint64_t) e->time_us);
	encode_string(o, e->role);
}

size_t
encode_event_size(const encode_event *e)
{
	size_t		size = 2 + 8 + 2 + 8 + 4 + strlen(e->role);

	for (int i = 0; i < e->field_count; i++)
		size += 4 + strlen(e->name[i]) + 4 + strlen(e->value[i]);
	return size;
}
