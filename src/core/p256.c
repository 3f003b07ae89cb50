/*
 * p256.c: checking ECDSA signatures over P-256 with SHA-256, by OpenSSL.
 *
 * OpenSSL does the arithmetic and nothing else.  What arrives as DER is read
 * here, by rules tight enough that a value has one spelling: of all the keys
 * that SubjectPublicKeyInfo can describe, the only accepted one is the
 * uncompressed point on the named curve, whose DER is 26 fixed bytes and the
 * point; of all BER signatures, only the one DER form of (r, s).  So no
 * certificate parser, no explicit curve parameters and no compressed point is
 * reachable from a message.
 *
 * s is not required to be in the lower half: meters do not normalise it.
 * ECDSA signatures are therefore not unique, and nothing may tell two messages
 * apart, or take them for one, by their signatures.
 *
 * OpenSSL's per-thread error queue is left as it was found: the server's TLS
 * code shares it.
 */
#include "core/p256.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#define P256_POINT_LEN 65
#define P256_INTEGER_LEN 32
#define P256_RAW_LEN (2 * P256_INTEGER_LEN)
#define P256_DER_LEN_MAX 72		/* 2 + 2 * (2 + 33) */

/* SEQUENCE { SEQUENCE { id-ecPublicKey, prime256v1 }, BIT STRING of 65 bytes } */
static const uint8_t p256_spki_prefix[] = {
	0x30, 0x59, 0x30, 0x13,
	0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
	0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07,
	0x03, 0x42, 0x00
};

/* The 65-byte point of either key form, or NULL. */
static const uint8_t *
p256_key_point(const uint8_t *key, size_t key_len)
{
	if (key_len == sizeof(p256_spki_prefix) + P256_POINT_LEN &&
		memcmp(key, p256_spki_prefix, sizeof(p256_spki_prefix)) == 0)
		key += sizeof(p256_spki_prefix);
	else if (key_len != P256_POINT_LEN)
		return NULL;
	return key[0] == 0x04 ? key : NULL;
}

/* NULL where the point is not on the curve. */
static EVP_PKEY *
p256_key_from_point(const uint8_t *point)
{
	char		group[] = "prime256v1";
	OSSL_PARAM	params[3];
	EVP_PKEY   *key = NULL;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);

	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0);
	params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
												  (void *) point, P256_POINT_LEN);
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

/*
 * The length of the DER INTEGER that der starts with (tag and length included)
 * where it is positive or zero, minimal, and not longer than r or s can be;
 * otherwise 0.
 */
static size_t
p256_der_integer_len(const uint8_t *der, size_t len)
{
	size_t		n;

	if (len < 3 || der[0] != 0x02)
		return 0;
	n = der[1];
	if (n < 1 || n > P256_INTEGER_LEN + 1 || n > len - 2)
		return 0;
	if (der[2] & 0x80)
		return 0;				/* negative */
	if (n > 1 && der[2] == 0 && (der[3] & 0x80) == 0)
		return 0;				/* a needless leading zero */
	if (n == P256_INTEGER_LEN + 1 && der[2] != 0)
		return 0;				/* above 256 bits */
	return 2 + n;
}

/* SEQUENCE { INTEGER r, INTEGER s }, exactly, to the last byte. */
static bool
p256_der_signature_strict(const uint8_t *der, size_t len)
{
	size_t		r_len;
	size_t		s_len;

	if (len < 2 || len > P256_DER_LEN_MAX || der[0] != 0x30 || der[1] != len - 2)
		return false;
	r_len = p256_der_integer_len(der + 2, len - 2);
	if (r_len == 0)
		return false;
	s_len = p256_der_integer_len(der + 2 + r_len, len - 2 - r_len);
	return s_len != 0 && 2 + r_len + s_len == len;
}

/* One DER INTEGER from 32 big-endian bytes; returns its length. */
static size_t
p256_der_put_integer(const uint8_t value[P256_INTEGER_LEN], uint8_t *out)
{
	size_t		skip = 0;
	size_t		sign;
	size_t		n;

	while (skip < P256_INTEGER_LEN - 1 && value[skip] == 0)
		skip++;
	n = P256_INTEGER_LEN - skip;
	sign = value[skip] >> 7;	/* a zero byte keeps it positive */
	out[0] = 0x02;
	out[1] = (uint8_t) (sign + n);
	out[2] = 0;
	memcpy(out + 2 + sign, value + skip, n);
	return 2 + sign + n;
}

static size_t
p256_der_from_raw(const uint8_t raw[P256_RAW_LEN], uint8_t out[P256_DER_LEN_MAX])
{
	size_t		len = 2;

	len += p256_der_put_integer(raw, out + len);
	len += p256_der_put_integer(raw + P256_INTEGER_LEN, out + len);
	out[0] = 0x30;
	out[1] = (uint8_t) (len - 2);
	return len;
}

static bool
p256_verify_der(EVP_PKEY *key, const uint8_t *message, size_t message_len,
				const uint8_t *der, size_t der_len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool		valid;

	valid = ctx != NULL &&
		EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
		EVP_DigestVerify(ctx, der, der_len, message, message_len) == 1;
	EVP_MD_CTX_free(ctx);
	return valid;
}

bool
p256_verify(const uint8_t *key, size_t key_len,
			const uint8_t *message, size_t message_len,
			const uint8_t *signature, size_t signature_len)
{
	const uint8_t *point = p256_key_point(key, key_len);
	bool		raw = signature_len == P256_RAW_LEN;
	bool		der = p256_der_signature_strict(signature, signature_len);
	bool		valid = false;
	EVP_PKEY   *pkey;

	if (point == NULL || (!raw && !der))
		return false;

	ERR_set_mark();
	pkey = p256_key_from_point(point);
	if (pkey != NULL && raw)
	{
		uint8_t		from_raw[P256_DER_LEN_MAX];
		size_t		from_raw_len = p256_der_from_raw(signature, from_raw);

		valid = p256_verify_der(pkey, message, message_len, from_raw, from_raw_len);
	}

	/* DER of small r and s can be 64 bytes long too. */
	if (pkey != NULL && !valid && der)
		valid = p256_verify_der(pkey, message, message_len, signature, signature_len);
	EVP_PKEY_free(pkey);
	ERR_pop_to_mark();
	return valid;
}
