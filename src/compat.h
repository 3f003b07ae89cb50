/*
 * compat.h: what differs between PostgreSQL 15, 16, 17 and 18, in one place.
 *
 * Included right after postgres.h and before any other server header.  No other
 * file asks for PG_VERSION_NUM.
 */
#ifndef COMPAT_H
#define COMPAT_H

#if PG_VERSION_NUM < 150000
#error "pg_energyledger needs PostgreSQL 15 or newer"
#endif

/*
 * The library is compiled with hidden visibility (as PGXS does by itself from
 * 16 on), so that the names of src/core never clash with another extension's.
 * On 15 the export mark is empty and has to be given, and the macro that
 * announces an SQL function marks its description but not the function.
 */
#if PG_VERSION_NUM < 160000
#undef PGDLLEXPORT
#define PGDLLEXPORT __attribute__((visibility("default")))

#include "fmgr.h"

#undef PG_FUNCTION_INFO_V1
#define PG_FUNCTION_INFO_V1(funcname) \
extern PGDLLEXPORT Datum funcname(PG_FUNCTION_ARGS); \
extern PGDLLEXPORT const Pg_finfo_record *CppConcat(pg_finfo_, funcname) (void); \
const Pg_finfo_record * \
CppConcat(pg_finfo_, funcname) (void) \
{ \
	static const Pg_finfo_record my_finfo = {1}; \
	return &my_finfo; \
} \
extern int no_such_variable
#endif

/* 16 moved the macros for variable-length values out of postgres.h. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* 16 renamed the relation's storage identifier. */
#if PG_VERSION_NUM < 160000
#define relation_set_new_filelocator relation_set_new_filenode
#define RelFileLocator RelFileNode
#endif

/* 16 tells indexes apart in tuple_update's answer, and wants to be told in return. */
#if PG_VERSION_NUM < 160000
#define AM_UPDATE_INDEXES bool
#define UPDATE_NEEDS_INDEXES(answer) (answer)
#define ExecInsertIndexTuplesOfUpdate(result_rel, slot, estate, answer) \
	ExecInsertIndexTuples(result_rel, slot, estate, true, false, NULL, NIL)
#define ExecInsertIndexTuplesOfInsert(result_rel, slot, estate) \
	ExecInsertIndexTuples(result_rel, slot, estate, false, false, NULL, NIL)
#else
#define AM_UPDATE_INDEXES TU_UpdateIndexes
#define UPDATE_NEEDS_INDEXES(answer) ((answer) != TU_None)
#define ExecInsertIndexTuplesOfUpdate(result_rel, slot, estate, answer) \
	ExecInsertIndexTuples(result_rel, slot, estate, true, false, NULL, NIL, (answer) == TU_Summarizing)
#define ExecInsertIndexTuplesOfInsert(result_rel, slot, estate) \
	ExecInsertIndexTuples(result_rel, slot, estate, false, false, NULL, NIL, false)
#endif

/* 16 has one ownership check for all kinds of objects. */
#if PG_VERSION_NUM < 160000
#define object_ownercheck(class_id, object_id, role) pg_class_ownercheck(object_id, role)
#endif

/* 17 knows a process by its type. */
#if PG_VERSION_NUM < 170000
#define AmAutoVacuumWorkerProcess() IsAutoVacuumWorkerProcess()
#endif

/* 18 counts what an index scan does. */
#if PG_VERSION_NUM < 180000
#define index_beginscan_of(table, index, snapshot, keys) index_beginscan(table, index, snapshot, keys, 0)
#else
#define index_beginscan_of(table, index, snapshot, keys) index_beginscan(table, index, snapshot, NULL, keys, 0)
#endif

/* 18 says pg_noreturn, in front; the old mark stands behind, where GCC takes it too. */
#if PG_VERSION_NUM >= 180000
#define pg_attribute_noreturn() __attribute__((noreturn))
#endif

/* 17 can end transactions by time: not those of a worker that will only try again. */
#if PG_VERSION_NUM >= 170000
#define TRANSACTION_TIMEOUT_OFF() \
	SetConfigOption("transaction_timeout", "0", PGC_SUSET, PGC_S_OVERRIDE)
#else
#define TRANSACTION_TIMEOUT_OFF() ((void) 0)
#endif

/* 18 has generated columns that are computed when they are read, and stored nowhere. */
#if PG_VERSION_NUM >= 180000
#define CONSTRAINT_IS_VIRTUAL(c) ((c)->generated_kind == ATTRIBUTE_GENERATED_VIRTUAL)
#else
#define ATTRIBUTE_GENERATED_VIRTUAL 'v'
#define CONSTRAINT_IS_VIRTUAL(c) false
#endif

/* 18 keeps NOT NULL as a constraint, which can be dropped by its name. */
#if PG_VERSION_NUM < 180000
#define CONSTRAINT_NOTNULL 'n'
#endif

#endif							/* COMPAT_H */
