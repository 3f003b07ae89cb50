/*
 * signed_call.h: what accepted messages say, handed to the SQL functions that take it.
 */
#ifndef METERING_SIGNED_CALL_H
#define METERING_SIGNED_CALL_H

#include "executor/spi.h"

#include "metering/ingest.h"

/* A call whose plan is kept for the session: declare it static, with plan NULL. */
typedef struct SignedCall
{
	const char *sql;			/* SELECT function($1, ...) */
	const char *what;			/* "take an order": for the error that nobody should see */
	int			count;			/* of arguments */
	const Oid  *types;
	SPIPlanPtr	plan;
} SignedCall;

/* null: as SPI_execute_plan(); NULL: none is. */
extern void signed_call(SignedCall *call, Datum *value, const char *null);

/* In the sequence in which they came; messages are stored by their meters' names. */
extern void signed_call_sort(IngestMessage **messages, int count);

extern Datum signed_call_texts(Datum *text, int count);
extern Datum signed_call_numbers(Datum *number, int count);

#endif							/* METERING_SIGNED_CALL_H */
