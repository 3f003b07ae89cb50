/*
 * key_form.c: reads public keys in the forms that meters' papers, labels and
 * tools give them in.
 *
 * A key is kept in one form, so that two registrations of a key can be compared.
 * A point is looked at before it is kept: one that is on no curve would only show
 * as bad signatures later.  Of SubjectPublicKeyInfo only the named curve with the
 * uncompressed point is taken, as everywhere here (ecdsa.c).
 */
#include <string.h>

#include "core/ed25519.h"
#include "core/key_form.h"

/* RFC 8410: SEQUENCE { SEQUENCE { id-Ed25519 }, BIT STRING of 32 bytes } */
static const uint8_t key_form_ed25519_prefix[] = {
	0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00
};

static key_form_fault
key_form_read_ed25519(const uint8_t *key, size_t key_len, key_form *out)
{
	const size_t prefix_len = sizeof(key_form_ed25519_prefix);

	if (key_len == prefix_len + ED25519_PUBLIC_LEN &&
		memcmp(key, key_form_ed25519_prefix, prefix_len) == 0)
		key += prefix_len;
	else if (key_len != ED25519_PUBLIC_LEN)
		return KEY_FORM_WRONG_SHAPE;
	memcpy(out->bytes, key, ED25519_PUBLIC_LEN);
	out->len = ED25519_PUBLIC_LEN;
	return KEY_FORM_SOUND;
}

key_form_fault
key_form_read(envelope_algorithm a, const uint8_t *key, size_t key_len, key_form *out)
{
	ecdsa_curve curve;
	ecdsa_hash	hash;
	const uint8_t *point;
	size_t		bare_len;

	if (a == ENVELOPE_ED25519)
		return key_form_read_ed25519(key, key_len, out);
	if (!envelope_algorithm_curve(a, &curve, &hash))
		return KEY_FORM_UNKNOWN_ALGORITHM;
	bare_len = 2 * ecdsa_integer_len(curve);
	point = ecdsa_key_point(curve, key, key_len);
	if (point != NULL)
		memcpy(out->bytes, point, 1 + bare_len);
	else if (key_len == bare_len)
	{
		out->bytes[0] = 0x04;
		memcpy(out->bytes + 1, key, bare_len);
	}
	else
		return KEY_FORM_WRONG_SHAPE;
	out->len = 1 + bare_len;
	return ecdsa_point_valid(curve, out->bytes) ? KEY_FORM_SOUND : KEY_FORM_NOT_ON_CURVE;
}

/* A point is kept the same whichever of its curve's algorithms it is for. */
bool
key_form_read_any(const uint8_t *key, size_t key_len, key_form *out)
{
	for (int a = ENVELOPE_ED25519; a <= ENVELOPE_ALGORITHM_MAX; a++)
	{
		if (key_form_read((envelope_algorithm) a, key, key_len, out) == KEY_FORM_SOUND)
			return true;
	}
	return false;
}

bool
key_form_valid(envelope_algorithm a, const uint8_t *key, size_t key_len)
{
	ecdsa_curve curve;
	ecdsa_hash	hash;

	if (a == ENVELOPE_ED25519)
		return key_len == ED25519_PUBLIC_LEN;
	return envelope_algorithm_curve(a, &curve, &hash) &&
		key_len == 1 + 2 * ecdsa_integer_len(curve) && key[0] == 0x04;
}

bool
key_form_lengths_of(envelope_algorithm a, key_form_lengths *out)
{
	ecdsa_curve curve;
	ecdsa_hash	hash;

	if (a == ENVELOPE_ED25519)
	{
		out->bare = ED25519_PUBLIC_LEN;
		out->point = 0;
		out->spki = sizeof(key_form_ed25519_prefix) + ED25519_PUBLIC_LEN;
		return true;
	}
	if (!envelope_algorithm_curve(a, &curve, &hash))
		return false;
	out->bare = 2 * ecdsa_integer_len(curve);
	out->point = 1 + out->bare;
	out->spki = ecdsa_spki_len(curve);
	return true;
}
