/*
 * ids.h: where ledger_ids come from.
 *
 * ledger_id = site (8 bits, 1-255) << 45 | counter (45 bits, from 1).  Counters
 * come from a slab in shared memory, refilled by one call of a sequence.
 */
#ifndef LEDGER_IDS_H
#define LEDGER_IDS_H

#define LEDGER_ID_COUNTER_BITS 45
#define LEDGER_ID_SLAB (INT64CONST(1) << 20)	/* the sequence's increment */

#define LEDGER_ID_SITE(id) ((int) ((uint64) (id) >> LEDGER_ID_COUNTER_BITS))

/* First of n fresh contiguous ids.  n is at most LEDGER_ID_SLAB. */
extern uint64 ids_reserve(uint64 n);

/* Extend a run that ends before `end` by n ids: false where others got there first. */
extern bool ids_extend(uint64 end, uint64 n);

/* Give back [from, end) where nobody has reserved since, nor asked for the floor. */
extern void ids_return(uint64 from, uint64 end);

/* What is reserved from now on is at or above this. */
extern uint64 ids_floor(void);

/* Counter of the highest id of this site that the log has, 0: none.  ids.c only. */
extern uint64 ids_used(void);

#endif							/* LEDGER_IDS_H */
