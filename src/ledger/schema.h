/*
 * schema.h: what the ledger knows of a ledger table: its registered columns and
 * how to hash a row of it.
 */
#ifndef LEDGER_SCHEMA_H
#define LEDGER_SCHEMA_H

#include "nodes/pg_list.h"
#include "utils/rel.h"

#include "core/encode.h"
#include "ledger/row.h"

#define LEDGER_ID_COLUMN "ledger_id"
#define LEDGER_ID_DEFAULT "unassigned_id"	/* function of schema energyledger */

typedef struct LedgerSchema
{
	char	   *relation;		/* schema.table */
	int32		version;
	uint8		digest[MERKLE_HASH_LEN];
	AttrNumber	id_attnum;		/* of ledger_id */
	bool		retired;		/* takes no more rows */
	RowPlan    *plan;
} LedgerSchema;

/*
 * The schema by which rows of rel are hashed now.  Registers the columns where
 * they are new.  Stays valid until the end of the transaction.
 */
extern const LedgerSchema *schema_current(Relation rel);

/*
 * The schema of one version that a site registered (0: the newest), for recomputing
 * old rows from rel as it is now; NULL where there is no such version, or where
 * rel's columns no longer fit it (*why says how).  relation is the name that goes
 * with the version, which rel may have had before (lineage.h).
 */
extern LedgerSchema *schema_of_version(Relation rel, const char *relation, int site_id, int32 version, char **why);

/* Error unless every column of a table to be made can be hashed. */
extern void schema_check_columns(TupleDesc desc, const char *relation);
extern void schema_check_types(TupleDesc desc, const char *relation);

/* Error where a table's name or its schema's cannot stand in the log. */
extern void schema_check_name(const char *schema, const char *name);

/*
 * The newest version (version 0), or that one, of a relation's schema as a site
 * registered it; false where there is none.  Sees what this very command
 * registered.  A row that we cannot have written is an error to those who write;
 * to those who verify (strict false) it is not there.
 */
extern bool schema_read_registered(const char *relation, int site_id, int32 version, bool strict, encode_schema *out);

/* One registration at a time, until this transaction ends. */
extern void schema_lock_registered(void);

/* Register; sets who and when. */
extern void schema_write(encode_schema *s);

extern void schema_init(void);	/* _PG_init only */

/* schema.table as it stands in the log. */
extern char *schema_relation_name(Relation rel);

/* The table of that name now; InvalidOid where there is none. */
extern Oid	schema_relation_oid(const char *name);

#endif							/* LEDGER_SCHEMA_H */
