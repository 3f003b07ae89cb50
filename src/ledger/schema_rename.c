/*
 * schema_rename.c: renames of ledger tables and their columns, as the log has them.
 *
 * A renamed column is a new version of the table's columns, in which an ordinal
 * has another name: rows are hashed by ordinals, so no row's hash is touched.  A
 * renamed table, or one whose schema is renamed or changed, is registered under
 * its new name with the same ordinals, and an event says which version of the one
 * name became which version of the other (lineage.c reads them).
 */
#include "postgres.h"
#include "compat.h"

#include "access/table.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "core/encode.h"
#include "ledger/event.h"
#include "ledger/lineage.h"
#include "ledger/schema.h"
#include "ledger/schema_rename.h"
#include "ledger/site.h"

static SchemaRetired *retiring = NULL;

/* What is registered of a table, which must be: whoever asks has just made sure. */
static void
schema_rename_read(const char *relation, encode_schema *s)
{
	if (!schema_read_registered(relation, site_current()->site_id, 0, true, s))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("columns of ledger table \"%s\" are not in the log", relation),
				 errhint("Run SELECT * FROM energyledger.verify().")));
}

void
schema_rename_column(Oid relid, const char *from, const char *to)
{
	Relation	rel = table_open(relid, NoLock);
	const char *relation = schema_current(rel)->relation;
	encode_schema s;
	encode_column *column;

	schema_lock_registered();
	schema_rename_read(relation, &s);
	column = palloc(sizeof(encode_column) * Max(s.column_count, 1));
	memcpy(column, s.column, sizeof(encode_column) * s.column_count);
	for (int i = 0; i < s.column_count; i++)
		if (strcmp(column[i].name, from) == 0)
			column[i].name = to;
	s.column = column;
	s.schema_version++;
	schema_write(&s);
	table_close(rel, NoLock);
}

/* The version with which a table takes a name. */
static uint32
schema_rename_version(const char *relation)
{
	encode_schema s;
	LineageSteps steps;

	if (!schema_read_registered(relation, site_current()->site_id, 0, true, &s))
		return 1;
	lineage_read_steps(SnapshotSelf, &steps);
	if (!lineage_ended(&steps, relation, (int32) s.schema_version))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_TABLE),
				 errmsg("the log already has a ledger table \"%s\"", relation),
				 errdetail("Version %u of its columns is registered, and no other name was.", s.schema_version),
				 errhint("Run SELECT * FROM energyledger.verify().")));
	return s.schema_version + 1;
}

void
schema_rename_table(Oid relid, const char *to_schema, const char *to_name)
{
	static const char *const names[] = {"relation", "new_relation", "schema_version", "new_schema_version",
	"row_count", "last_id", "reason"};
	const char *values[7];
	Relation	rel = table_open(relid, NoLock);
	const char *from = schema_current(rel)->relation;
	char	   *to = psprintf("%s.%s", to_schema, to_name);
	encode_schema s;

	schema_check_name(to_schema, to_name);
	schema_lock_registered();
	schema_rename_read(from, &s);
	values[0] = from;
	values[1] = to;
	values[2] = psprintf("%u", s.schema_version);
	s.relation = to;
	s.schema_version = schema_rename_version(to);
	values[3] = psprintf("%u", s.schema_version);
	schema_write(&s);
	if (retiring != NULL && retiring->relid == relid)
	{
		values[4] = retiring->row_count;
		values[5] = retiring->last_id;
		values[6] = retiring->reason;
		event_record_as(retiring->event_id, ENCODE_KIND_RETIRE, 7, names, values);
		retiring->done = true;
	}
	else
		(void) event_record(ENCODE_KIND_RENAME, 4, names, values);
	table_close(rel, NoLock);
}

void
schema_rename_retires(SchemaRetired *retired)
{
	retiring = retired;
}
