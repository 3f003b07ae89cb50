/*
 * site.h: who we are in the log: site number, origin, incarnation, signing key.
 */
#ifndef LEDGER_SITE_H
#define LEDGER_SITE_H

#include "core/note.h"
#include "nodes/pg_list.h"
#include "utils/snapshot.h"

/* A row of energyledger.site. */
typedef struct Site
{
	int			site_id;		/* 1-255, the top bits of our ledger_ids */
	int			incarnation;	/* +1 whenever the log goes on under another name */
	int			key_number;		/* +1 whenever the signing key was replaced */
	char		origin[NOTE_NAME_LEN_MAX + 1];
	uint8		public_key[ED25519_PUBLIC_LEN];
	uint64		system_identifier;	/* the cluster and ... */
	Oid			database;		/* ... the database it was made in */
	int			xid_space;		/* first incarnation with which it shares its
								 * transaction ids */
	uint32		timeline;		/* of the server that made it */
} Site;

/*
 * This database's current site row.  Errors where the extension's tables were
 * copied from another database and not yet reopened by the sealer.
 */
extern const Site *site_current(void);

extern const char *site_origin(void);
extern void site_note_key(note_key *k);

/*
 * Is the newest site row this database's?  Else its ledger is another's, or not
 * there yet, and a restore may bring rows.  Waits for nobody.
 */
extern bool site_is_open(void);

/* This session brings rows of another's ledger: it is not opened before the session ends. */
extern void site_keep_closed(void);

/* Whoever opens it, until the end of his transaction; false where a session keeps it closed. */
extern bool site_lock_for_opening(void);

/* Incarnations that share their transaction ids: from, and below next. */
typedef struct XidSpace
{
	int			from;
	int			next;
} XidSpace;

extern XidSpace site_xid_space(int incarnation);

/* All rows of energyledger.site that a snapshot sees, newest first; palloc'd. */
extern List *site_rows(Snapshot snapshot);
extern bool site_is_copy(const Site *site);	/* made in another database */
extern void site_forget_current(void);	/* the table was written */

/* The key of a row; errors where its origin cannot name one. */
extern void site_row_key(const Site *site, note_key *k);

/*
 * Before anything is signed in the log's name: after recovery it may not be ours any
 * more.  Errors where that does not show within some seconds.
 */
extern void site_wait_settled(void);

/*
 * A signed note over text, palloc'd.  Whatever is signed must already be durable.
 * site_sign_note, for receipts: by the current key.  site_sign, for the sealer, which
 * alone knows that the name is still the log's: by each of several of its keys.
 */
extern char *site_sign_note(const char *text, size_t len);
extern char *site_sign(const char *text, size_t len, const note_key *keys, int count);

#endif							/* LEDGER_SITE_H */
