/*
 * fuzz_note.c: any bytes as a note, a verifier key, a checkpoint, a text to sign.
 *
 * The key is that of the specification's example, whose private half nobody
 * has: the only text that may ever be reported as signed by it is the example's.
 */
#include "fuzz.h"

#include "core/note.h"

static const char example_vkey[] =
"example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
static const char example_text[] = "This is an example message.\n";

static note_key example;
static note_key mine;
static uint8_t mine_secret[ED25519_SECRET_LEN];

extern int	LLVMFuzzerInitialize(int *argc, char ***argv);

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const uint8_t seed[ED25519_SEED_LEN] = "a seed that only tests are using";
	uint8_t		public_key[ED25519_PUBLIC_LEN];

	FUZZ_CHECK(core_crypto_init());
	FUZZ_CHECK(note_key_parse(&example, example_vkey, strlen(example_vkey)));
	ed25519_from_seed(seed, public_key, mine_secret);
	FUZZ_CHECK(note_key_init(&mine, "site.example/1", public_key));
	return 0;
}

static void
try_note(const char *text, size_t size)
{
	size_t		text_len;

	if (note_verify(text, size, &example, &text_len) == NOTE_VALID)
		FUZZ_CHECK(text_len == strlen(example_text) && memcmp(text, example_text, text_len) == 0);
}

static void
try_vkey(const char *text, size_t size)
{
	note_key	k;
	char		out[NOTE_NAME_LEN_MAX + 64];

	if (!note_key_parse(&k, text, size))
		return;
	FUZZ_CHECK(note_name_valid(k.name, strlen(k.name)));
	FUZZ_CHECK(note_key_format(&k, out, sizeof(out)) == size);
	FUZZ_CHECK(memcmp(out, text, size) == 0);
}

/* What was read is written the same way; only extension lines may follow it. */
static void
try_checkpoint(const char *text, size_t size)
{
	note_checkpoint c;
	char		out[NOTE_NAME_LEN_MAX + 80];
	size_t		len;

	if (!note_checkpoint_parse(text, size, &c))
		return;
	len = note_checkpoint_format(&c, out, sizeof(out));
	FUZZ_CHECK(len > 0 && len <= size && memcmp(out, text, len) == 0);
	FUZZ_CHECK(text[size - 1] == '\n');
}

/* What we sign, we accept, and no one takes it for another's. */
static void
try_signing(const char *text, size_t size)
{
	size_t		cap = size + 256;
	char	   *note = malloc(cap);
	size_t		len;
	size_t		text_len;

	FUZZ_CHECK(note != NULL);
	len = note_sign(text, size, &mine, mine_secret, note, cap);
	if (len > 0)
	{
		FUZZ_CHECK(note_verify(note, len, &mine, &text_len) == NOTE_VALID);
		FUZZ_CHECK(text_len == size);
		FUZZ_CHECK(note_verify(note, len, &example, &text_len) == NOTE_UNSIGNED);
		note[size / 2] ^= 1;
		FUZZ_CHECK(note_verify(note, len, &mine, &text_len) != NOTE_VALID);
	}
	free(note);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *) data;

	try_note(text, size);
	try_vkey(text, size);
	try_checkpoint(text, size);
	try_signing(text, size);
	return 0;
}
