/*
 * check.h: what must never be among certificates.  For src/fn.
 */
#ifndef CERTIFICATE_CHECK_H
#define CERTIFICATE_CHECK_H

#include "postgres.h"

#include "executor/tuptable.h"
#include "utils/tuplestore.h"

/*
 * Rows that a statement has put into certificate_bundle: an error where one does not follow
 * from its issue or from the bundle before; otherwise the sums are brought up to them.  In
 * an SPI connection.
 */
extern void certificate_check(Tuplestorestate *rows, TupleDesc desc);

#endif							/* CERTIFICATE_CHECK_H */
