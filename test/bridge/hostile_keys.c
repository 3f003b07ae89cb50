/*
 * hostile_keys.c: the keys of hostile.c's meters, and signatures by them: both follow
 * from the seed, ECDSA's nonces too, which no library would do for us.
 */
#define OPENSSL_API_COMPAT 0x10100000L
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <openssl/ecdsa.h>

#include "core/ed25519.h"
#include "core/sha256.h"
#include "hostile.h"

void
hostile_keys(meter *m, const meter_class *class, int i, uint64_t first_seed)
{
	char		text[64];
	uint8_t		secret[SHA256_LEN];

	m->class = class;
	m->signer = m;
	snprintf(m->name, sizeof(m->name), "%s-%d", class->name, i);
	sha256_of(text, (size_t) snprintf(text, sizeof(text), "%" PRIu64 " %s", first_seed, m->name), secret);
	if (class->nid == 0)
	{
		ed25519_from_seed(secret, m->public_key, m->secret_key);
		m->public_len = ED25519_PUBLIC_LEN;
		return;
	}
	m->ec = EC_KEY_new_by_curve_name(class->nid);
	{
		const EC_GROUP *group = EC_KEY_get0_group(m->ec);
		EC_POINT   *point = EC_POINT_new(group);
		BIGNUM	   *scalar = BN_bin2bn(secret, sizeof(secret), NULL);

		BN_rshift1(scalar, scalar); /* below the order */
		EC_POINT_mul(group, point, scalar, NULL, NULL, NULL);
		EC_KEY_set_private_key(m->ec, scalar);
		EC_KEY_set_public_key(m->ec, point);
		m->public_len = EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED,
										   m->public_key, sizeof(m->public_key), NULL);
		BN_free(scalar);
		EC_POINT_free(point);
	}
}

/* With a nonce that follows from key and digest. */
static ECDSA_SIG *
ecdsa_sign(const meter *m, const uint8_t digest[SHA256_LEN])
{
	const EC_GROUP *group = EC_KEY_get0_group(m->ec);
	const BIGNUM *order = EC_GROUP_get0_order(group);
	uint8_t		both[2 * SHA256_LEN] = {0};
	uint8_t		nonce[SHA256_LEN];
	BN_CTX	   *ctx = BN_CTX_new();
	BIGNUM	   *k;
	BIGNUM	   *r = BN_new();
	EC_POINT   *point = EC_POINT_new(group);
	ECDSA_SIG  *signature;

	BN_bn2binpad(EC_KEY_get0_private_key(m->ec), both, SHA256_LEN);
	memcpy(both + SHA256_LEN, digest, SHA256_LEN);
	sha256_of(both, sizeof(both), nonce);
	k = BN_bin2bn(nonce, sizeof(nonce), NULL);
	BN_rshift1(k, k);
	EC_POINT_mul(group, point, k, NULL, NULL, ctx);
	EC_POINT_get_affine_coordinates(group, point, r, NULL, ctx);
	BN_nnmod(r, r, order, ctx);
	BN_mod_inverse(k, k, order, ctx);
	signature = ECDSA_do_sign_ex(digest, SHA256_LEN, k, r, m->ec);
	if (signature == NULL)
		hostile_fail("cannot sign");
	BN_free(k);
	BN_free(r);
	EC_POINT_free(point);
	BN_CTX_free(ctx);
	return signature;
}

/* Raw, 64 bytes; or for OCMF DER.  Its length. */
size_t
hostile_sign(const meter *m, const uint8_t *bytes, size_t len, bool der, uint8_t out[80])
{
	uint8_t		digest[SHA256_LEN];
	ECDSA_SIG  *signature;
	size_t		out_len = 64;

	if (m->ec == NULL)
	{
		ed25519_sign(m->secret_key, bytes, len, out);
		return out_len;
	}
	sha256_of(bytes, len, digest);
	signature = ecdsa_sign(m, digest);
	if (der)
		out_len = (size_t) i2d_ECDSA_SIG(signature, &out);
	else
	{
		BN_bn2binpad(ECDSA_SIG_get0_r(signature), out, 32);
		BN_bn2binpad(ECDSA_SIG_get0_s(signature), out + 32, 32);
	}
	ECDSA_SIG_free(signature);
	return out_len;
}
