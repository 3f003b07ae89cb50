/*
 * event.h: events, leaves of the log that are neither rows nor columns nor a block.
 */
#ifndef LEDGER_EVENT_H
#define LEDGER_EVENT_H

/*
 * Record what this transaction does: kind is one of encode.h's event kinds, the
 * values are texts under names (doc/format.md lists them for each kind).
 * Returns the event_id.  Sealed once the transaction has committed.
 */
extern uint64 event_record(int kind, int count, const char *const *names, const char *const *values);

/* The same in two steps, for an event whose values name its own id. */
extern uint64 event_reserve_id(void);
extern void event_record_as(uint64 event_id, int kind, int count,
							const char *const *names, const char *const *values);

#endif							/* LEDGER_EVENT_H */
