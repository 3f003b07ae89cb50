/*
 * note.h: signed notes (c2sp.org/signed-note), verifier keys, and checkpoint
 * bodies (c2sp.org/tlog-checkpoint), with Ed25519 signatures of type 0x01.
 */
#ifndef CORE_NOTE_H
#define CORE_NOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/ed25519.h"

#define NOTE_NAME_LEN_MAX 255
#define NOTE_BYTES_MAX 65536	/* a larger note is refused */
#define NOTE_SIGNATURES_MAX 64	/* signature lines looked at */
#define NOTE_TYPE_ED25519 0x01

typedef struct note_key
{
	char		name[NOTE_NAME_LEN_MAX + 1];
	uint32_t	id;
	uint8_t		type;
	uint8_t		public_key[ED25519_PUBLIC_LEN];
} note_key;

typedef enum note_result
{
	NOTE_VALID,					/* signed by the key */
	NOTE_INVALID,				/* the key's signature is there and wrong */
	NOTE_UNSIGNED,				/* no signature of that key */
	NOTE_MALFORMED				/* not a note */
} note_result;

/* False where a name cannot stand in a note (empty, spaces, '+', control, not UTF-8, too long). */
extern bool note_name_valid(const char *name, size_t len);

/* Fill k for a name and a type 0x01 public key.  False where the name is not usable. */
extern bool note_key_init(note_key *k, const char *name, const uint8_t public_key[ED25519_PUBLIC_LEN]);

/* <name>+<8 hex>+<base64>: the id must be the one that name and key give. */
extern bool note_key_parse(note_key *k, const char *vkey, size_t len);
extern size_t note_key_format(const note_key *k, char *out, size_t cap);	/* length, 0: no room */

/* text_len: length of the note's text, including its last newline (NOTE_VALID only). */
extern note_result note_verify(const char *note, size_t len, const note_key *k, size_t *text_len);

/*
 * out = text, a blank line, one signature line.  text must end in a newline.
 * Returns the length (no NUL), 0 where text is not allowed or out too small.
 */
extern size_t note_sign(const char *text, size_t text_len, const note_key *k,
						const uint8_t secret_key[ED25519_SECRET_LEN],
						char *out, size_t cap);

/*
 * One more signature line, of another key, at the end of a note whose text has
 * text_len bytes.  The new length (no NUL), 0 where cap is too small.
 */
extern size_t note_sign_also(char *note, size_t note_len, size_t text_len, const note_key *k,
							 const uint8_t secret_key[ED25519_SECRET_LEN], size_t cap);

typedef struct note_checkpoint
{
	char		origin[NOTE_NAME_LEN_MAX + 1];
	uint64_t	size;
	uint8_t		root[32];
} note_checkpoint;

/* The three lines.  Length (no NUL), 0: no room or origin unusable. */
extern size_t note_checkpoint_format(const note_checkpoint *c, char *out, size_t cap);
extern bool note_checkpoint_parse(const char *text, size_t len, note_checkpoint *c);

#endif							/* CORE_NOTE_H */
