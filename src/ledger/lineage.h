/*
 * lineage.h: which of today's tables holds the rows of an entry.
 */
#ifndef LEDGER_LINEAGE_H
#define LEDGER_LINEAGE_H

#include "storage/lockdefs.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

/* A table got another name: an event of kind 4 (rename) or 5 (retire). */
typedef struct LineageStep
{
	char	   *relation;
	int32		version;		/* the last of its columns' versions under that name */
	char	   *new_relation;
	int32		new_version;	/* and the first under this one */
	bool		retired;
} LineageStep;

/* All of them, by (relation, version). */
typedef struct LineageSteps
{
	int			count;
	LineageStep *step;
} LineageSteps;

/* A table that the log knows, under the name that it has now. */
typedef struct LineageTable
{
	char	   *name;			/* schema.table */
	int32		version;		/* newest of its columns' versions */
	bool		retired;
	Oid			relid;			/* InvalidOid: no such table is there */
} LineageTable;

/* The whole log's tables, sorted by name. */
typedef struct Lineage
{
	LineageSteps steps;
	int			count;
	LineageTable *table;
} Lineage;

/* Steps that a snapshot sees, in the current memory context. */
extern void lineage_read_steps(Snapshot snapshot, LineageSteps *steps);

/* Did the table that had this version of its columns get another name then? */
extern bool lineage_ended(const LineageSteps *steps, const char *relation, int32 version);

/* Was the table that has this name and version retired, now or under an earlier name? */
extern bool lineage_retired(const LineageSteps *steps, const char *relation, int32 version);

/*
 * What is committed at this moment, and by this transaction: newer than the
 * active snapshot may be, as the catalog is.  Not in a parallel operation.
 */
extern Lineage *lineage_load(void);

/* To processes that share the work: flat bytes, and back. */
extern Size lineage_size(const Lineage *l);
extern void lineage_write(const Lineage *l, char *out);
extern Lineage *lineage_read(const char *bytes);

/* Index of the table that an entry of (relation, version) is about; -1: the log knows none. */
extern int	lineage_find(const Lineage *l, const char *relation, int32 version);

/* Index of the table that has this name now; -1: the log knows none. */
extern int	lineage_find_name(const Lineage *l, const char *name);

/*
 * Opens that table, also where it is being renamed meanwhile: *today is what the log
 * then says of it.  NULL: it is not there.
 */
extern Relation lineage_open(const char *relation, int32 version, LOCKMODE lockmode, LineageTable *today);

/* The same for the table with that index. */
extern Relation lineage_open_table(const Lineage *l, int at, LOCKMODE lockmode, LineageTable *today);

#endif							/* LEDGER_LINEAGE_H */
