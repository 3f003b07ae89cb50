/*
 * ecdsa.c: checking ECDSA signatures over the curves of meters, by OpenSSL.
 *
 * OpenSSL does the arithmetic and nothing else.  What arrives as DER is read
 * here, by rules tight enough that a value has one spelling: of all the keys
 * that SubjectPublicKeyInfo can describe, the only accepted one is the
 * uncompressed point on the named curve, whose DER is a few fixed bytes and the
 * point; of all BER signatures, only the one DER form of (r, s).  So no
 * certificate parser, no explicit curve parameters and no compressed point is
 * reachable from a message.  Every length of these curves is below 128, so every
 * DER length is one byte.
 *
 * s is not required to be in the lower half: meters do not normalise it.
 * ECDSA signatures are therefore not unique, and nothing may tell two messages
 * apart, or take them for one, by their signatures.
 *
 * Where an OpenSSL was built without a curve, nothing verifies by it.  OpenSSL's
 * per-thread error queue is left as it was found: the server's TLS code shares it.
 */
#include "core/ecdsa.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#define ECDSA_OID_LEN_MAX 9
#define ECDSA_SPKI_PREFIX_LEN_MAX (ECDSA_SPKI_LEN_MAX - ECDSA_POINT_LEN_MAX)

static const struct
{
	const char *group;			/* OpenSSL's name */
	uint8_t		integer_len;	/* of the field and, on these curves, of the order */
	uint8_t		oid_len;
	uint8_t		oid[ECDSA_OID_LEN_MAX];
}			ecdsa_curves[] =
{
	[ECDSA_SECP192R1] = {"prime192v1", 24, 8, {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x01}},
	[ECDSA_SECP192K1] = {"secp192k1", 24, 5, {0x2b, 0x81, 0x04, 0x00, 0x1f}},
	[ECDSA_SECP256R1] = {"prime256v1", 32, 8, {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07}},
	[ECDSA_SECP256K1] = {"secp256k1", 32, 5, {0x2b, 0x81, 0x04, 0x00, 0x0a}},
	[ECDSA_BRAINPOOL256R1] = {"brainpoolP256r1", 32, 9,
	{0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x07}},
	[ECDSA_SECP384R1] = {"secp384r1", 48, 5, {0x2b, 0x81, 0x04, 0x00, 0x22}},
	[ECDSA_BRAINPOOL384R1] = {"brainpoolP384r1", 48, 9,
	{0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0b}},
};

size_t
ecdsa_integer_len(ecdsa_curve curve)
{
	return ecdsa_curves[curve].integer_len;
}

static inline size_t
ecdsa_point_len(ecdsa_curve curve)
{
	return 1 + 2 * ecdsa_integer_len(curve);
}

/* SEQUENCE { SEQUENCE { id-ecPublicKey, curve }, BIT STRING of the point }, up to the point. */
static size_t
ecdsa_spki_prefix(ecdsa_curve curve, uint8_t out[ECDSA_SPKI_PREFIX_LEN_MAX])
{
	static const uint8_t id_ec_public_key[] = {0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};
	const uint8_t oid_len = ecdsa_curves[curve].oid_len;
	const size_t algorithm_len = sizeof(id_ec_public_key) + 2 + oid_len;
	const size_t bits_len = 1 + ecdsa_point_len(curve);
	uint8_t    *p = out;

	*p++ = 0x30;
	*p++ = (uint8_t) (2 + algorithm_len + 2 + bits_len);
	*p++ = 0x30;
	*p++ = (uint8_t) algorithm_len;
	memcpy(p, id_ec_public_key, sizeof(id_ec_public_key));
	p += sizeof(id_ec_public_key);
	*p++ = 0x06;
	*p++ = oid_len;
	memcpy(p, ecdsa_curves[curve].oid, oid_len);
	p += oid_len;
	*p++ = 0x03;
	*p++ = (uint8_t) bits_len;
	*p++ = 0x00;				/* no unused bits */
	return (size_t) (p - out);
}

size_t
ecdsa_spki_len(ecdsa_curve curve)
{
	uint8_t		prefix[ECDSA_SPKI_PREFIX_LEN_MAX];

	return ecdsa_spki_prefix(curve, prefix) + ecdsa_point_len(curve);
}

const uint8_t *
ecdsa_key_point(ecdsa_curve curve, const uint8_t *key, size_t key_len)
{
	uint8_t		prefix[ECDSA_SPKI_PREFIX_LEN_MAX];
	const size_t prefix_len = ecdsa_spki_prefix(curve, prefix);

	if (key_len == prefix_len + ecdsa_point_len(curve) && memcmp(key, prefix, prefix_len) == 0)
		key += prefix_len;
	else if (key_len != ecdsa_point_len(curve))
		return NULL;
	return key[0] == 0x04 ? key : NULL;
}

/* NULL where the point is not on the curve. */
static EVP_PKEY *
ecdsa_key_from_point(ecdsa_curve curve, const uint8_t *point)
{
	OSSL_PARAM	params[3];
	EVP_PKEY   *key = NULL;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);

	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
												 (char *) ecdsa_curves[curve].group, 0);
	params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
												  (void *) point, ecdsa_point_len(curve));
	params[2] = OSSL_PARAM_construct_end();

	if (ctx == NULL ||
		EVP_PKEY_fromdata_init(ctx) != 1 ||
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
	{
		EVP_PKEY_free(key);
		key = NULL;
	}
	EVP_PKEY_CTX_free(ctx);
	return key;
}

bool
ecdsa_point_valid(ecdsa_curve curve, const uint8_t *point)
{
	EVP_PKEY   *key;

	if (point[0] != 0x04)
		return false;
	ERR_set_mark();
	key = ecdsa_key_from_point(curve, point);
	EVP_PKEY_free(key);
	ERR_pop_to_mark();
	return key != NULL;
}

/*
 * The length of the DER INTEGER that der starts with (tag and length included)
 * where it is positive or zero, minimal, and not longer than r or s can be;
 * otherwise 0.
 */
static size_t
ecdsa_der_integer_len(size_t integer_len, const uint8_t *der, size_t len)
{
	size_t		n;

	if (len < 3 || der[0] != 0x02)
		return 0;
	n = der[1];
	if (n < 1 || n > integer_len + 1 || n > len - 2)
		return 0;
	if (der[2] & 0x80)
		return 0;				/* negative */
	if (n > 1 && der[2] == 0 && (der[3] & 0x80) == 0)
		return 0;				/* a needless leading zero */
	if (n == integer_len + 1 && der[2] != 0)
		return 0;				/* more bits than the order has */
	return 2 + n;
}

/* SEQUENCE { INTEGER r, INTEGER s }, exactly, to the last byte. */
static bool
ecdsa_der_strict(size_t integer_len, const uint8_t *der, size_t len)
{
	size_t		r_len;
	size_t		s_len;

	if (len < 2 || len > ECDSA_SIGNATURE_LEN_MAX || der[0] != 0x30 || der[1] != len - 2)
		return false;
	r_len = ecdsa_der_integer_len(integer_len, der + 2, len - 2);
	if (r_len == 0)
		return false;
	s_len = ecdsa_der_integer_len(integer_len, der + 2 + r_len, len - 2 - r_len);
	return s_len != 0 && 2 + r_len + s_len == len;
}

bool
ecdsa_signature_well_formed(ecdsa_curve curve, const uint8_t *signature, size_t signature_len)
{
	const size_t integer_len = ecdsa_integer_len(curve);

	return signature_len == 2 * integer_len ||
		ecdsa_der_strict(integer_len, signature, signature_len);
}

/* One DER INTEGER from big-endian bytes; returns its length. */
static size_t
ecdsa_der_put_integer(const uint8_t *value, size_t len, uint8_t *out)
{
	size_t		skip = 0;
	size_t		sign;
	size_t		n;

	while (skip < len - 1 && value[skip] == 0)
		skip++;
	n = len - skip;
	sign = value[skip] >> 7;	/* a zero byte keeps it positive */
	out[0] = 0x02;
	out[1] = (uint8_t) (sign + n);
	out[2] = 0;
	memcpy(out + 2 + sign, value + skip, n);
	return 2 + sign + n;
}

static size_t
ecdsa_der_from_raw(const uint8_t *raw, size_t integer_len, uint8_t out[ECDSA_SIGNATURE_LEN_MAX])
{
	size_t		len = 2;

	len += ecdsa_der_put_integer(raw, integer_len, out + len);
	len += ecdsa_der_put_integer(raw + integer_len, integer_len, out + len);
	out[0] = 0x30;
	out[1] = (uint8_t) (len - 2);
	return len;
}

static bool
ecdsa_verify_der(EVP_PKEY *key, ecdsa_hash hash, const uint8_t *message, size_t message_len,
				 const uint8_t *der, size_t der_len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool		valid;

	valid = ctx != NULL &&
		EVP_DigestVerifyInit(ctx, NULL, hash == ECDSA_SHA384 ? EVP_sha384() : EVP_sha256(),
							 NULL, key) == 1 &&
		EVP_DigestVerify(ctx, der, der_len, message, message_len) == 1;
	EVP_MD_CTX_free(ctx);
	return valid;
}

bool
ecdsa_verify(ecdsa_curve curve, ecdsa_hash hash,
			 const uint8_t *key, size_t key_len,
			 const uint8_t *message, size_t message_len,
			 const uint8_t *signature, size_t signature_len)
{
	const size_t integer_len = ecdsa_integer_len(curve);
	const uint8_t *point = ecdsa_key_point(curve, key, key_len);
	bool		raw = signature_len == 2 * integer_len;
	bool		der = ecdsa_der_strict(integer_len, signature, signature_len);
	bool		valid = false;
	EVP_PKEY   *pkey;

	if (point == NULL || (!raw && !der))
		return false;

	ERR_set_mark();
	pkey = ecdsa_key_from_point(curve, point);
	if (pkey != NULL && raw)
	{
		uint8_t		from_raw[ECDSA_SIGNATURE_LEN_MAX];
		size_t		from_raw_len = ecdsa_der_from_raw(signature, integer_len, from_raw);

		valid = ecdsa_verify_der(pkey, hash, message, message_len, from_raw, from_raw_len);
	}

	/* DER of small r and s can be as long as the raw form. */
	if (pkey != NULL && !valid && der)
		valid = ecdsa_verify_der(pkey, hash, message, message_len, signature, signature_len);
	EVP_PKEY_free(pkey);
	ERR_pop_to_mark();
	return valid;
}
