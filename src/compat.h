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
 * On 15 the export mark is empty and has to be given.
 */
#if PG_VERSION_NUM < 160000
#undef PGDLLEXPORT
#define PGDLLEXPORT __attribute__((visibility("default")))
#endif

/* 16 renamed the relation's storage identifier. */
#if PG_VERSION_NUM < 160000
#define relation_set_new_filelocator relation_set_new_filenode
#define RelFileLocator RelFileNode
#endif

#endif							/* COMPAT_H */
