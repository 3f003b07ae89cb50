/*
 * site.h: who we are in the log: site number, origin, incarnation, signing key.
 */
#ifndef LEDGER_SITE_H
#define LEDGER_SITE_H

#include "core/note.h"

typedef struct Site
{
	int			site_id;		/* 1-255, the top bits of our ledger_ids */
	int			incarnation;	/* +1 whenever the database became a copy (dump and
								 * restore, template), because xids start over */
	int			key_number;		/* +1 whenever the signing key was replaced */
	char		origin[NOTE_NAME_LEN_MAX + 1];
	uint8		public_key[ED25519_PUBLIC_LEN];
} Site;

/*
 * This database's current site row.  Errors where the extension's tables were
 * copied from another database and not yet reopened by the sealer.
 */
extern const Site *site_current(void);

extern const char *site_origin(void);
extern void site_note_key(note_key *k);

/*
 * A signed note over text by the site key, palloc'd.  Callers are the sealer
 * and the receipts: whatever is signed must already be durable.
 */
extern char *site_sign_note(const char *text, size_t len);

/* Postmaster, before any backend: make the key if there is none, publish the public half. */
extern void site_key_prepare(void);

/* Row of a new incarnation where the database is not the one that the newest row names. */
extern bool site_reopen_if_copied(void);
extern void site_insert_first(void);

#endif							/* LEDGER_SITE_H */
