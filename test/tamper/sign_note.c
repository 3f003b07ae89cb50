/*
 * sign_note.c: signs a note's text with an Ed25519 key made of a seed, as somebody
 * would who forges a log: sign_note NAME < text > note, and sign_note -k for the
 * public key in hex.  The seed is always the same: there is no secret in it.
 */
#include <stdio.h>
#include <string.h>

#include "core/ed25519.h"
#include "core/note.h"

int
main(int argc, char **argv)
{
	uint8_t		seed[ED25519_SEED_LEN];
	uint8_t		public_key[ED25519_PUBLIC_LEN];
	uint8_t		secret_key[ED25519_SECRET_LEN];
	char		text[4096];
	char		note[8192];
	note_key	key;
	size_t		len;

	memset(seed, 0x5a, sizeof(seed));
	if (argc != 2 || !core_crypto_init())
		return 2;
	ed25519_from_seed(seed, public_key, secret_key);
	if (strcmp(argv[1], "-k") == 0)
	{
		for (size_t i = 0; i < sizeof(public_key); i++)
			printf("%02x", public_key[i]);
		return 0;
	}
	len = fread(text, 1, sizeof(text), stdin);
	if (!note_key_init(&key, argv[1], public_key))
		return 1;
	len = note_sign(text, len, &key, secret_key, note, sizeof(note));
	return len == 0 || fwrite(note, 1, len, stdout) != len;
}
