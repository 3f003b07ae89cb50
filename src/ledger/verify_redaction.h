/*
 * verify_redaction.h: redacted values against the log's redactions, for the other
 * files that make up energyledger.verify().
 */
#ifndef LEDGER_VERIFY_REDACTION_H
#define LEDGER_VERIFY_REDACTION_H

#include "ledger/verify_parts.h"

/* Is the row's entry among those that are verified? */
extern bool redaction_selected(EntryDirectory *d, int64 id);

/* Redacted values of the row at hand, whose values have been checked, into m. */
extern void redaction_count_row(VerifyTable *t, int64 id, const Selection *s, EntryDirectory *d, Multiset *m);

/* What the log's events redact of the selected rows, into v->redacted. */
extern void redaction_count_events(Verification *v);

/* The same in memory, to name what does not fit. */
typedef struct Redactions Redactions;

/* A redacted value without an event (event_id 0), or a value that has one. */
typedef struct RedactionMisfit
{
	int64		id;
	int64		event_id;
	uint16		ordinal;
} RedactionMisfit;

extern Redactions *redactions_load(const Verification *v);

/* Of the row at hand, whose values have been checked: how many, with room for one a column. */
extern int	redactions_of_row(Redactions *r, VerifyTable *t, int64 id, RedactionMisfit *misfit);
extern void redactions_name(Findings *f, const char *relation, const RedactionMisfit *misfit);

extern void redactions_end(Redactions *r);

#endif							/* LEDGER_VERIFY_REDACTION_H */
