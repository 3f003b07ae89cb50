/*
 * receipt.h: what a meter gets in return: how far its messages are safe.
 */
#ifndef METERING_RECEIPT_H
#define METERING_RECEIPT_H

#include "metering/lookup.h"

#define RECEIPT_METERS_MAX 10000	/* in one call */

/*
 * The snapshot that receipts may be given from: all that it shows is committed
 * and durable.  Errors in a transaction that has written; what: "receipts", for the
 * error.  The caller unregisters it.
 */
extern Snapshot receipt_snapshot(const char *what);

#define RECEIPT_SEQUENCES_MAX 2 /* of a meter */

/*
 * The newest epoch's unbroken sequence of a meter, in reach its last message; of a
 * charging station the sequences of both its counters.  Returns how many, the newest
 * epoch last; 0 where the meter has no message from the first on.
 */
extern int	receipt_reach(const Lookup *l, const char *meter, StoredMessage reach[RECEIPT_SEQUENCES_MAX]);

/* The signed note, palloc'd.  reach must come from receipt_snapshot's snapshot. */
extern char *receipt_sign(const char *meter, const StoredMessage *reach);

#endif							/* METERING_RECEIPT_H */
