/*
 * note.c: signed notes, verifier keys and checkpoints, byte for byte as C2SP's
 * signed-note and tlog-checkpoint say.
 *
 * A checkpoint leaves this database as such a note, and witnesses written by
 * others read it; so form is checked as strictly as the signature.  Reading
 * goes in this order: size, characters, the split into text and signature
 * lines, the form of every line, and only then a signature.  A line of an
 * unknown key (another's cosignature, an algorithm of tomorrow) is passed over
 * once its form is sound, whatever its length; a line that claims to be of the
 * known key must verify, or the note is refused whole.
 *
 * Nothing is allocated: an over-long foreign signature is checked piece by
 * piece, and only its first bytes are kept.
 */
#include "core/note.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base64.h"
#include "core/bytes.h"
#include "core/sha256.h"
#include "core/utf8.h"

#define NOTE_KEY_ID_LEN 4
#define NOTE_KEY_ID_HEX_LEN 8
#define NOTE_KEY_BLOB_LEN (1 + ED25519_PUBLIC_LEN)
#define NOTE_BLOB_LEN (NOTE_KEY_ID_LEN + ED25519_SIGNATURE_LEN) /* id, signature */
#define NOTE_HASH_LEN 32

/* A multiple of 4 digits, so that a long signature can be checked in pieces. */
#define NOTE_PIECE_CHARS 96
#define NOTE_PIECE_LEN (NOTE_PIECE_CHARS / 4 * 3)
_Static_assert(NOTE_PIECE_LEN >= NOTE_BLOB_LEN, "the known key's signature is read whole");

static const char note_dash[] = "\xe2\x80\x94 ";	/* em dash, space */
#define NOTE_DASH_LEN (sizeof(note_dash) - 1)

typedef struct note_signature
{
	const char *name;
	size_t		name_len;
	uint8_t		blob[NOTE_PIECE_LEN];	/* its first bytes: key id, signature */
	size_t		blob_len;		/* of the whole, which may be longer */
} note_signature;

/*
 * Does a space of Unicode's (White_Space, above ASCII) start here?  len is what
 * is left of a text known to be UTF-8, so no such bytes straddle characters.
 */
static bool
note_wide_space(const uint8_t *p, size_t len)
{
	if (len >= 2 && p[0] == 0xc2)
		return p[1] == 0x85 || p[1] == 0xa0;	/* U+0085, U+00A0 */
	if (len < 3)
		return false;
	if (p[0] == 0xe2 && p[1] == 0x80)	/* U+2000 to 200A, 2028, 2029, 202F */
		return p[2] <= 0x8a || p[2] == 0xa8 || p[2] == 0xa9 || p[2] == 0xaf;
	return (p[0] == 0xe1 && p[1] == 0x9a && p[2] == 0x80) ||	/* U+1680 */
		(p[0] == 0xe2 && p[1] == 0x81 && p[2] == 0x9f) ||	/* U+205F */
		(p[0] == 0xe3 && p[1] == 0x80 && p[2] == 0x80); /* U+3000 */
}

bool
note_name_valid(const char *name, size_t len)
{
	const uint8_t *p = (const uint8_t *) name;

	if (len == 0 || len > NOTE_NAME_LEN_MAX || !utf8_valid(p, len))
		return false;
	for (size_t i = 0; i < len; i++)
	{
		if (p[i] <= ' ' || p[i] == '+' || note_wide_space(p + i, len - i))
			return false;
	}
	return true;
}

/* UTF-8 without control characters; newlines are the caller's to allow. */
static bool
note_characters_valid(const char *text, size_t len, bool newline_allowed)
{
	for (size_t i = 0; i < len; i++)
	{
		if ((uint8_t) text[i] < 0x20 && !(newline_allowed && text[i] == '\n'))
			return false;
	}
	return utf8_valid((const uint8_t *) text, len);
}

/*
 * Take the first line off text: line is left without its newline.  False where
 * no newline ends it.
 */
static bool
note_take_line(const char **text, size_t *len, const char **line, size_t *line_len)
{
	const char *end = *len == 0 ? NULL : memchr(*text, '\n', *len);

	if (end == NULL)
		return false;
	*line = *text;
	*line_len = (size_t) (end - *text);
	*text = end + 1;
	*len -= *line_len + 1;
	return true;
}

static uint32_t
note_key_id(const char *name, size_t name_len, const uint8_t blob[NOTE_KEY_BLOB_LEN])
{
	uint8_t		data[NOTE_NAME_LEN_MAX + 1 + NOTE_KEY_BLOB_LEN];
	uint8_t		hash[SHA256_LEN];
	bytes_out	o;

	bytes_out_init(&o, data, sizeof(data));
	bytes_put(&o, name, name_len);
	bytes_put_u8(&o, '\n');
	bytes_put(&o, blob, NOTE_KEY_BLOB_LEN);
	sha256_of(data, o.len, hash);
	return bytes_load_u32(hash);
}

static bool
note_key_fill(note_key *k, const char *name, size_t name_len,
			  const uint8_t blob[NOTE_KEY_BLOB_LEN])
{
	if (!note_name_valid(name, name_len) || blob[0] != NOTE_TYPE_ED25519)
		return false;
	memcpy(k->name, name, name_len);
	k->name[name_len] = '\0';
	k->id = note_key_id(name, name_len, blob);
	k->type = blob[0];
	memcpy(k->public_key, blob + 1, ED25519_PUBLIC_LEN);
	return true;
}

bool
note_key_init(note_key *k, const char *name, const uint8_t public_key[ED25519_PUBLIC_LEN])
{
	uint8_t		blob[NOTE_KEY_BLOB_LEN];

	blob[0] = NOTE_TYPE_ED25519;
	memcpy(blob + 1, public_key, ED25519_PUBLIC_LEN);
	return note_key_fill(k, name, strlen(name), blob);
}

bool
note_key_parse(note_key *k, const char *vkey, size_t len)
{
	const char *plus = len == 0 ? NULL : memchr(vkey, '+', len);
	const char *hex;
	size_t		name_len;
	size_t		rest_len;
	uint32_t	id = 0;
	uint8_t		blob[NOTE_KEY_BLOB_LEN];
	size_t		blob_len;

	if (plus == NULL)
		return false;
	name_len = (size_t) (plus - vkey);
	hex = plus + 1;
	rest_len = len - name_len - 1;
	if (rest_len < NOTE_KEY_ID_HEX_LEN + 1 || hex[NOTE_KEY_ID_HEX_LEN] != '+')
		return false;
	for (int i = 0; i < NOTE_KEY_ID_HEX_LEN; i++)
	{
		if (hex[i] >= '0' && hex[i] <= '9')
			id = (id << 4) | (uint32_t) (hex[i] - '0');
		else if (hex[i] >= 'a' && hex[i] <= 'f')
			id = (id << 4) | (uint32_t) (hex[i] - 'a' + 10);
		else
			return false;
	}
	return base64_decode(hex + NOTE_KEY_ID_HEX_LEN + 1, rest_len - NOTE_KEY_ID_HEX_LEN - 1,
						 blob, sizeof(blob), &blob_len) &&
		blob_len == sizeof(blob) &&
		note_key_fill(k, vkey, name_len, blob) &&
		k->id == id;
}

/* n bytes as base64. */
static void
note_put_base64(bytes_out *o, const uint8_t *data, size_t n)
{
	char	   *room = (char *) bytes_out_room(o, BASE64_LEN(n));

	if (room != NULL)
		base64_encode(data, n, room, BASE64_LEN(n));
}

size_t
note_key_format(const note_key *k, char *out, size_t cap)
{
	char		hex[NOTE_KEY_ID_HEX_LEN + 1];
	uint8_t		blob[NOTE_KEY_BLOB_LEN];
	bytes_out	o;

	blob[0] = k->type;
	memcpy(blob + 1, k->public_key, ED25519_PUBLIC_LEN);
	snprintf(hex, sizeof(hex), "%08" PRIx32, k->id);

	bytes_out_init(&o, out, cap);
	bytes_put(&o, k->name, strlen(k->name));
	bytes_put_u8(&o, '+');
	bytes_put(&o, hex, NOTE_KEY_ID_HEX_LEN);
	bytes_put_u8(&o, '+');
	note_put_base64(&o, blob, sizeof(blob));
	return o.overflow ? 0 : o.len;
}

/* Strict base64 of any length; s keeps the first NOTE_PIECE_LEN bytes. */
static bool
note_signature_decode(note_signature *s, const char *text, size_t len)
{
	uint8_t		piece[NOTE_PIECE_LEN] = {0};

	s->blob_len = 0;
	for (size_t at = 0; at < len; at += NOTE_PIECE_CHARS)
	{
		bool		last = len - at <= NOTE_PIECE_CHARS;
		size_t		n;

		if (!base64_decode(text + at, last ? len - at : NOTE_PIECE_CHARS,
						   at == 0 ? s->blob : piece, NOTE_PIECE_LEN, &n))
			return false;
		if (!last && n != NOTE_PIECE_LEN)
			return false;		/* padding in the middle */
		s->blob_len += n;
	}
	return true;
}

/* "— <name> <base64 of a key id and at least one byte>" */
static bool
note_signature_parse(note_signature *s, const char *line, size_t len)
{
	const char *space;

	if (len < NOTE_DASH_LEN || memcmp(line, note_dash, NOTE_DASH_LEN) != 0)
		return false;
	line += NOTE_DASH_LEN;
	len -= NOTE_DASH_LEN;
	space = len == 0 ? NULL : memchr(line, ' ', len);
	if (space == NULL)
		return false;
	s->name = line;
	s->name_len = (size_t) (space - line);
	return note_name_valid(s->name, s->name_len) &&
		note_signature_decode(s, space + 1, len - s->name_len - 1) &&
		s->blob_len > NOTE_KEY_ID_LEN;
}

static bool
note_signature_is_of(const note_signature *s, const note_key *k)
{
	return s->name_len == strlen(k->name) &&
		memcmp(s->name, k->name, s->name_len) == 0 &&
		bytes_load_u32(s->blob) == k->id;
}

/* Length of the text, its last newline included; 0 where no empty line follows. */
static size_t
note_text_len(const char *note, size_t len)
{
	for (size_t i = len; i >= 2; i--)
	{
		if (note[i - 1] == '\n' && note[i - 2] == '\n')
			return i - 1;
	}
	return 0;
}

note_result
note_verify(const char *note, size_t len, const note_key *k, size_t *text_len)
{
	size_t		signed_len;
	const char *lines;
	size_t		lines_len;
	const char *line;
	size_t		line_len;
	int			count = 0;
	bool		seen = false;
	bool		failed = false;

	if (len > NOTE_BYTES_MAX || !note_characters_valid(note, len, true))
		return NOTE_MALFORMED;
	signed_len = note_text_len(note, len);
	if (signed_len == 0 || note[len - 1] != '\n')
		return NOTE_MALFORMED;

	lines = note + signed_len + 1;
	lines_len = len - signed_len - 1;
	while (note_take_line(&lines, &lines_len, &line, &line_len))
	{
		note_signature s;

		if (++count > NOTE_SIGNATURES_MAX || !note_signature_parse(&s, line, line_len))
			return NOTE_MALFORMED;
		if (failed || !note_signature_is_of(&s, k))
			continue;			/* its form is all that matters */
		seen = true;
		failed = s.blob_len != NOTE_BLOB_LEN ||
			!ed25519_verify(k->public_key, sizeof(k->public_key),
							(const uint8_t *) note, signed_len,
							s.blob + NOTE_KEY_ID_LEN, ED25519_SIGNATURE_LEN);
	}
	if (count == 0)
		return NOTE_MALFORMED;
	if (!seen)
		return NOTE_UNSIGNED;
	if (failed)
		return NOTE_INVALID;
	*text_len = signed_len;
	return NOTE_VALID;
}

/* "— <name> <base64 of key id and signature>" */
static void
note_put_signature(bytes_out *o, const char *text, size_t text_len, const note_key *k,
				   const uint8_t secret_key[ED25519_SECRET_LEN])
{
	uint8_t		blob[NOTE_BLOB_LEN];

	bytes_store_u32(blob, k->id);
	ed25519_sign(secret_key, (const uint8_t *) text, text_len, blob + NOTE_KEY_ID_LEN);
	bytes_put(o, note_dash, NOTE_DASH_LEN);
	bytes_put(o, k->name, strlen(k->name));
	bytes_put_u8(o, ' ');
	note_put_base64(o, blob, sizeof(blob));
	bytes_put_u8(o, '\n');
}

size_t
note_sign(const char *text, size_t text_len, const note_key *k,
		  const uint8_t secret_key[ED25519_SECRET_LEN],
		  char *out, size_t cap)
{
	bytes_out	o;

	if (text_len == 0 || text_len > NOTE_BYTES_MAX || text[text_len - 1] != '\n' ||
		!note_characters_valid(text, text_len, true))
		return 0;
	bytes_out_init(&o, out, cap);
	bytes_put(&o, text, text_len);
	bytes_put_u8(&o, '\n');
	note_put_signature(&o, text, text_len, k, secret_key);
	return o.overflow || o.len > NOTE_BYTES_MAX ? 0 : o.len;
}

size_t
note_sign_also(char *note, size_t note_len, size_t text_len, const note_key *k,
			   const uint8_t secret_key[ED25519_SECRET_LEN], size_t cap)
{
	bytes_out	o;

	if (note_len > cap || text_len + 1 >= note_len || note[note_len - 1] != '\n')
		return 0;
	bytes_out_init(&o, note + note_len, cap - note_len);
	note_put_signature(&o, note, text_len, k, secret_key);
	return o.overflow || note_len + o.len > NOTE_BYTES_MAX ? 0 : note_len + o.len;
}

/* Any line of text will do: an origin only should look like a key's name. */
static bool
note_origin_valid(const char *origin, size_t len)
{
	return len > 0 && len <= NOTE_NAME_LEN_MAX && note_characters_valid(origin, len, false);
}

size_t
note_checkpoint_format(const note_checkpoint *c, char *out, size_t cap)
{
	char		size[24];
	int			size_len;
	bytes_out	o;

	if (!note_origin_valid(c->origin, strlen(c->origin)) || c->size > INT64_MAX)
		return 0;
	size_len = snprintf(size, sizeof(size), "%" PRIu64, c->size);

	bytes_out_init(&o, out, cap);
	bytes_put(&o, c->origin, strlen(c->origin));
	bytes_put_u8(&o, '\n');
	bytes_put(&o, size, (size_t) size_len);
	bytes_put_u8(&o, '\n');
	note_put_base64(&o, c->root, sizeof(c->root));
	bytes_put_u8(&o, '\n');
	return o.overflow ? 0 : o.len;
}

/* Decimal, no sign, no leading zero, below 2^63: the ledger counts in bigint. */
static bool
note_size_parse(const char *line, size_t len, uint64_t *size)
{
	uint64_t	v = 0;

	if (len == 0 || (len > 1 && line[0] == '0'))
		return false;
	for (size_t i = 0; i < len; i++)
	{
		uint64_t	digit = (uint64_t) (uint8_t) line[i] - '0';

		if (digit > 9 || v > (INT64_MAX - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	*size = v;
	return true;
}

bool
note_checkpoint_parse(const char *text, size_t len, note_checkpoint *c)
{
	const char *line;
	size_t		line_len;
	size_t		root_len;

	if (len > NOTE_BYTES_MAX || !note_characters_valid(text, len, true))
		return false;
	if (!note_take_line(&text, &len, &line, &line_len) || !note_origin_valid(line, line_len))
		return false;
	memcpy(c->origin, line, line_len);
	c->origin[line_len] = '\0';
	if (!note_take_line(&text, &len, &line, &line_len) ||
		!note_size_parse(line, line_len, &c->size))
		return false;
	if (!note_take_line(&text, &len, &line, &line_len) ||
		!base64_decode(line, line_len, c->root, NOTE_HASH_LEN, &root_len) ||
		root_len != NOTE_HASH_LEN)
		return false;
	while (len > 0)
	{
		/* extension lines: opaque, but none empty and none cut short */
		if (!note_take_line(&text, &len, &line, &line_len) || line_len == 0)
			return false;
	}
	return true;
}
