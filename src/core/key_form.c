/*
 * key_form.c: lengths and leading bytes of public keys.
 *
 * A wrong key found when it is registered is a clear error to the person who types
 * it; found later it is a quarantine full of bad signatures.
 */
#include <string.h>

#include "core/ed25519.h"
#include "core/key_form.h"

/* SubjectPublicKeyInfo of a P-256 key up to its uncompressed point (RFC 5480). */
static const uint8_t p256_spki_prefix[] = {
	0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01,
	0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00
};

bool
key_form_valid(envelope_algorithm algorithm, const uint8_t *key, size_t len)
{
	if (algorithm == ENVELOPE_ED25519)
		return len == ED25519_PUBLIC_LEN;
	if (algorithm != ENVELOPE_ES256)
		return false;
	if (len == KEY_FORM_POINT_LEN)
		return key[0] == 0x04;
	return len == KEY_FORM_SPKI_LEN &&
		memcmp(key, p256_spki_prefix, sizeof(p256_spki_prefix)) == 0 &&
		key[sizeof(p256_spki_prefix)] == 0x04;
}
