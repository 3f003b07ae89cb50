/*
 * retire.c: energyledger.retire(): a table that takes no more rows.
 *
 * A ledger table is never dropped.  Retired, it makes room for another of its
 * name: the log says how many rows it had at the end and why it was closed, it is
 * renamed, and from then on the access method takes no row for it.  It can be
 * read, and is verified, like any other.
 */
#include "postgres.h"
#include "compat.h"

#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_class.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "guc.h"
#include "ledger/am.h"
#include "ledger/event.h"
#include "ledger/guard_own.h"
#include "ledger/retire.h"
#include "ledger/schema.h"
#include "ledger/schema_rename.h"

static void
retire_check_owner(Oid relid)
{
	if (!object_ownercheck(RelationRelationId, relid, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, get_rel_name(relid));
}

static void
retire_check(Relation rel)
{
	if (!am_is_ledger_oid(RelationGetRelid(rel)) || rel->rd_rel->relkind != RELKIND_RELATION)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a ledger table", RelationGetRelationName(rel)),
				 errdetail("Only a ledger table is retired; any other can be dropped.")));
	if (guard_is_own_table(RelationGetRelid(rel)))
		guard_refuse_own("retire", RelationGetRelid(rel), NULL);
	if (schema_current(rel)->retired)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("ledger table \"%s\" is retired already", RelationGetRelationName(rel)),
				 errdetail("Its rows are kept as they are.")));
}

/* Its rows, all of them, whatever row-level security shows to whom. */
static void
retire_count(Relation rel, SchemaRetired *retired)
{
	AttrNumber	id_attnum = schema_current(rel)->id_attnum;
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	TableScanDesc scan = table_beginscan(rel, snapshot, 0, NULL);
	uint64		row_count = 0;
	int64		last_id = 0;

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		bool		isnull;
		int64		id = DatumGetInt64(slot_getattr(slot, id_attnum, &isnull));

		CHECK_FOR_INTERRUPTS();
		row_count++;
		last_id = Max(last_id, id);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	UnregisterSnapshot(snapshot);
	retired->row_count = psprintf(UINT64_FORMAT, row_count);
	retired->last_id = psprintf(INT64_FORMAT, last_id);
}

/* retired_<event's id>_<name>, as much of it as a name may be long. */
static char *
retire_name(uint64 event_id, const char *name)
{
	char	   *wanted = psprintf("retired_" UINT64_FORMAT "_%s", event_id, name);

	wanted[pg_mbcliplen(wanted, strlen(wanted), NAMEDATALEN - 1)] = '\0';
	return wanted;
}

static void
retire_rename(const char *schema, const char *name, const char *new_name, SchemaRetired *retired)
{
	char	   *command = psprintf("ALTER TABLE %s RENAME TO %s",
								   quote_qualified_identifier(schema, name), quote_identifier(new_name));

	schema_rename_retires(retired);
	PG_TRY();
	{
		SPI_connect();
		if (SPI_execute(command, false, 0) != SPI_OK_UTILITY || !retired->done)
			elog(ERROR, "could not execute \"%s\"", command);
		SPI_finish();
	}
	PG_FINALLY();
	{
		schema_rename_retires(NULL);
	}
	PG_END_TRY();
}

char *
retire_table(Oid relid, const char *reason)
{
	SchemaRetired retired = {.relid = relid,.reason = reason};
	Relation	rel;
	char	   *schema;
	char	   *name;
	char	   *new_name;

	if (restore_mode)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot retire a table in restore mode"),
				 errhint("SET energyledger.restore_mode = off")));
	/* before we lock it, and again when nobody can change it */
	if (get_rel_name(relid) != NULL)
		retire_check_owner(relid);
	rel = table_open(relid, AccessExclusiveLock);
	retire_check_owner(relid);
	retire_check(rel);
	retire_count(rel, &retired);
	schema = get_namespace_name(RelationGetNamespace(rel));
	name = pstrdup(RelationGetRelationName(rel));
	table_close(rel, NoLock);
	retired.event_id = event_reserve_id();
	new_name = retire_name(retired.event_id, name);
	retire_rename(schema, name, new_name, &retired);
	return quote_qualified_identifier(schema, new_name);
}
