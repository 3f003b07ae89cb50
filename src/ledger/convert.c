/*
 * convert.c: energyledger.convert(): a table's rows become entries.
 *
 * One ALTER TABLE adds ledger_id and changes the access method, and so rewrites
 * the table once, under its strongest lock.  PostgreSQL writes the rows into a
 * transient table that takes the old one's place when it is full; the access
 * method lets rows into such a table only for the table that is being converted
 * here, gives them ids and hashes them under the name of the table that they
 * belong to.  Entries are written as they fill, so memory does not grow with the
 * rows; all of it is one transaction, so a crash or a rollback leaves the
 * ordinary table as it was.
 */
#include "postgres.h"
#include "compat.h"

#include "access/table.h"
#include "catalog/catalog.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "rewrite/prs2lock.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "core/encode.h"
#include "guc.h"
#include "ledger/am.h"
#include "ledger/convert.h"
#include "ledger/event.h"
#include "ledger/schema.h"

/* What is being converted. */
typedef struct Conversion
{
	Oid			relid;			/* InvalidOid: nothing */
	uint64		row_count;
	uint64		first_id;
	uint64		last_id;
} Conversion;

static Conversion running;

bool
convert_is_running(Oid relid)
{
	return OidIsValid(relid) && running.relid == relid;
}

void
convert_note_row(uint64 ledger_id)
{
	if (running.row_count++ == 0)
		running.first_id = ledger_id;
	running.last_id = ledger_id;
}

void
convert_refuse_by_hand(Oid relid)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("cannot make a ledger table of \"%s\" by changing its access method", get_rel_name(relid)),
			 errdetail("Its rows have no place in the log."),
			 errhint("SELECT energyledger.convert('%s')",
					 quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid)))));
}

static void
convert_refuse(Relation rel, int code, const char *why, const char *hint)
{
	ereport(ERROR,
			(errcode(code),
			 errmsg("cannot convert table \"%s\" to a ledger table", RelationGetRelationName(rel)),
			 errdetail("%s", why),
			 hint != NULL ? errhint("%s", hint) : 0));
}

static void
convert_check_owner(Oid relid)
{
	if (!object_ownercheck(RelationRelationId, relid, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, get_rel_name(relid));
}

/* What kind of a table it is. */
static void
convert_check_kind(Relation rel)
{
	Form_pg_class form = rel->rd_rel;

	if (form->relkind == RELKIND_PARTITIONED_TABLE)
		convert_refuse(rel, ERRCODE_WRONG_OBJECT_TYPE, "A partitioned table has no rows itself.",
					   "Detach its partitions, convert them, add \"ledger_id bigint NOT NULL DEFAULT 0\" to it, and attach them again.");
	if (form->relkind != RELKIND_RELATION)
		convert_refuse(rel, ERRCODE_WRONG_OBJECT_TYPE, "It is not an ordinary table.", NULL);
	if (am_is_ledger_am(form->relam))
		convert_refuse(rel, ERRCODE_WRONG_OBJECT_TYPE, "It is one already.", NULL);
	if (form->relam != HEAP_TABLE_AM_OID)
		convert_refuse(rel, ERRCODE_FEATURE_NOT_SUPPORTED, "Its access method is not heap.", NULL);
	if (form->relpersistence != RELPERSISTENCE_PERMANENT)
		convert_refuse(rel, ERRCODE_WRONG_OBJECT_TYPE,
					   form->relpersistence == RELPERSISTENCE_TEMP ? "It is temporary." : "It is unlogged.",
					   form->relpersistence == RELPERSISTENCE_TEMP ? NULL : "ALTER TABLE ... SET LOGGED first.");
	if (IsSystemRelation(rel) || form->relisshared)
		convert_refuse(rel, ERRCODE_INSUFFICIENT_PRIVILEGE, "It is a system catalog.", NULL);
	if (OidIsValid(form->reloftype))
		convert_refuse(rel, ERRCODE_FEATURE_NOT_SUPPORTED, "It is a typed table: its columns would change with the type.",
					   "ALTER TABLE ... NOT OF first.");
	if (form->relispartition || has_superclass(RelationGetRelid(rel)))
		convert_refuse(rel, ERRCODE_FEATURE_NOT_SUPPORTED, "It takes its columns from a parent.",
					   "Detach it first.");
	if (find_inheritance_children(RelationGetRelid(rel), NoLock) != NIL)
		convert_refuse(rel, ERRCODE_FEATURE_NOT_SUPPORTED, "Other tables take their columns from it.", NULL);
}

/* What it has. */
static void
convert_check_parts(Relation rel)
{
	schema_check_name(get_namespace_name(RelationGetNamespace(rel)), RelationGetRelationName(rel));
	if (get_attnum(RelationGetRelid(rel), LEDGER_ID_COLUMN) != InvalidAttrNumber)
		convert_refuse(rel, ERRCODE_DUPLICATE_COLUMN, "It has a column \"ledger_id\".",
					   "Rename that column first: the ledger adds one of its own.");
	schema_check_types(RelationGetDescr(rel), RelationGetRelationName(rel));
	for (int i = 0; rel->rd_rules != NULL && i < rel->rd_rules->numLocks; i++)
		if (rel->rd_rules->rules[i]->event == CMD_INSERT && rel->rd_rules->rules[i]->isInstead)
			convert_refuse(rel, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, "A rule replaces INSERT on it.",
						   "Drop the rule first.");
}

/* Its name for a statement; it is ours to convert, and locked, when this returns. */
static char *
convert_prepare(Oid relid)
{
	Relation	rel;
	char	   *name;

	/* before we lock it, and again when nobody can change it */
	if (get_rel_name(relid) != NULL)
		convert_check_owner(relid);
	rel = table_open(relid, AccessExclusiveLock);
	convert_check_owner(relid);
	convert_check_kind(rel);
	convert_check_parts(rel);
	name = quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)), RelationGetRelationName(rel));
	table_close(rel, NoLock);
	return name;
}

static void
convert_record(Oid relid)
{
	static const char *const names[] = {"relation", "row_count", "first_id", "last_id"};
	const char *values[4];
	Relation	rel = table_open(relid, NoLock);

	values[0] = schema_relation_name(rel);
	values[1] = psprintf(UINT64_FORMAT, running.row_count);
	values[2] = psprintf(UINT64_FORMAT, running.first_id);
	values[3] = psprintf(UINT64_FORMAT, running.last_id);
	table_close(rel, NoLock);
	(void) event_record(ENCODE_KIND_CONVERSION, 4, names, values);
}

uint64
convert_table(Oid relid)
{
	Conversion	outer;
	char	   *name;
	char	   *command;
	uint64		row_count = 0;

	if (restore_mode)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot convert a table in restore mode"),
				 errhint("SET energyledger.restore_mode = off")));
	name = convert_prepare(relid);
	command = psprintf("ALTER TABLE ONLY %s ADD COLUMN ledger_id pg_catalog.int8 NOT NULL DEFAULT energyledger." LEDGER_ID_DEFAULT "(),"
					   " SET ACCESS METHOD ledger", name);
	/* an event trigger may convert another table meanwhile */
	outer = running;
	memset(&running, 0, sizeof(running));
	running.relid = relid;
	PG_TRY();
	{
		SPI_connect();
		if (SPI_execute(command, false, 0) != SPI_OK_UTILITY)
			elog(ERROR, "could not execute \"%s\"", command);
		SPI_finish();
		convert_record(relid);
		row_count = running.row_count;
	}
	PG_FINALLY();
	{
		running = outer;
	}
	PG_END_TRY();
	return row_count;
}
