/*
 * schema_rename.h: names change, and the log says so; guard_change.c only.
 */
#ifndef LEDGER_SCHEMA_RENAME_H
#define LEDGER_SCHEMA_RENAME_H

/*
 * Called while the statement that renames runs: the catalogs still show the old
 * name to this command.  The caller holds the table's strongest lock.
 */
extern void schema_rename_column(Oid relid, const char *from, const char *to);
extern void schema_rename_table(Oid relid, const char *to_schema, const char *to_name);

/*
 * From here on, until `retired` is NULL again, a rename of that table retires it:
 * the event is of that kind, has this id and says these things more.
 */
typedef struct SchemaRetired
{
	Oid			relid;
	uint64		event_id;
	char	   *row_count;
	char	   *last_id;
	const char *reason;
	bool		done;			/* the event was recorded */
} SchemaRetired;

extern void schema_rename_retires(SchemaRetired *retired);

#endif							/* LEDGER_SCHEMA_RENAME_H */
