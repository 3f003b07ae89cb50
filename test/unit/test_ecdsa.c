/*
 * test_ecdsa.c: ECDSA is accepted in the forms we name and in no other.
 *
 * Keys and signatures are made here with OpenSSL's curve arithmetic, so that
 * every form of one signature can be written down: raw, DER, and the many ways
 * of BER that must not pass.
 */
#include "unit.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include "core/ecdsa.h"

#define POINT_LEN 65
#define SPKI_LEN 91
#define DER_LEN_MAX 80

static const uint8_t message[] = "1-0:1.8.0 12345 Wh";
#define MESSAGE_LEN (sizeof(message) - 1)

static EC_GROUP *group;
static BN_CTX *bn;
static BIGNUM *order;

typedef struct signature
{
	uint8_t		raw[64];
	uint8_t		der[DER_LEN_MAX];
	size_t		der_len;
	uint8_t		point[POINT_LEN];	/* the key it verifies with */
} signature;

static int
make_group(void **state)
{
	group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	bn = BN_CTX_new();
	order = BN_dup(EC_GROUP_get0_order(group));
	return group != NULL && bn != NULL && order != NULL ? 0 : -1;
}

static int
free_group(void **state)
{
	BN_free(order);
	BN_CTX_free(bn);
	EC_GROUP_free(group);
	return 0;
}

/* DER of an INTEGER, by our own pen */
static size_t
put_integer(const BIGNUM *v, uint8_t *out)
{
	uint8_t		bytes[33] = {0};
	int			len = BN_num_bytes(v) > 0 ? BN_num_bytes(v) : 1;
	int			sign;

	assert_true(BN_bn2binpad(v, bytes, len) == len);
	sign = bytes[0] >> 7;
	out[0] = 0x02;
	out[1] = (uint8_t) (len + sign);
	out[2] = 0;
	memcpy(out + 2 + sign, bytes, len);
	return 2 + (size_t) (len + sign);
}

static void
write_forms(signature *s, const BIGNUM *r, const BIGNUM *v)
{
	size_t		len = 2;

	BN_bn2binpad(r, s->raw, 32);
	BN_bn2binpad(v, s->raw + 32, 32);
	len += put_integer(r, s->der + len);
	len += put_integer(v, s->der + len);
	s->der[0] = 0x30;
	s->der[1] = (uint8_t) (len - 2);
	s->der_len = len;
}

/*
 * A nonce k and a chosen s determine r and then the private key: so s may be
 * as short as a test wants it.
 */
static void
sign_with_s(signature *s, uint64_t nonce, const BIGNUM *v, bool high)
{
	uint8_t		digest[SHA256_DIGEST_LENGTH];
	BIGNUM	   *k = BN_new();
	BIGNUM	   *r = BN_new();
	BIGNUM	   *d = BN_new();
	BIGNUM	   *e = BN_new();
	BIGNUM	   *sv = BN_dup(v);
	EC_POINT   *p = EC_POINT_new(group);

	SHA256(message, MESSAGE_LEN, digest);
	BN_bin2bn(digest, sizeof(digest), e);
	BN_set_word(k, nonce);
	EC_POINT_mul(group, p, k, NULL, NULL, bn);
	EC_POINT_get_affine_coordinates(group, p, r, NULL, bn);
	BN_nnmod(r, r, order, bn);

	BN_mod_mul(d, sv, k, order, bn);	/* d = (s k - e) / r */
	BN_mod_sub(d, d, e, order, bn);
	BN_mod_inverse(k, r, order, bn);
	BN_mod_mul(d, d, k, order, bn);
	EC_POINT_mul(group, p, d, NULL, NULL, bn);
	assert_int_equal(EC_POINT_point2oct(group, p, POINT_CONVERSION_UNCOMPRESSED,
										s->point, POINT_LEN, bn), POINT_LEN);
	if (high)
		BN_sub(sv, order, sv);
	write_forms(s, r, sv);

	EC_POINT_free(p);
	BN_free(k);
	BN_free(r);
	BN_free(d);
	BN_free(e);
	BN_free(sv);
}

/* an ordinary signature */
static void
sign(signature *s, uint64_t nonce)
{
	BIGNUM	   *v = BN_new();
	uint8_t		bytes[32];
	uint64_t	seed = nonce * 2 + 1;

	unit_random_bytes(&seed, bytes, sizeof(bytes));
	bytes[0] &= 0x7f;
	BN_bin2bn(bytes, sizeof(bytes), v);
	sign_with_s(s, nonce, v, false);
	BN_free(v);
}

static void
make_spki(const uint8_t point[POINT_LEN], uint8_t out[SPKI_LEN])
{
	unit_hex("3059301306072a8648ce3d020106082a8648ce3d030107034200", out, SPKI_LEN);
	memcpy(out + SPKI_LEN - POINT_LEN, point, POINT_LEN);
}

/* Ask with buffers that end where they say. */
static bool
verify(const uint8_t *key, size_t key_len, const uint8_t *sig, size_t sig_len)
{
	uint8_t    *k = unit_exact(key, key_len);
	uint8_t    *s = unit_exact(sig, sig_len);
	bool		valid = p256_verify(k, key_len, message, MESSAGE_LEN, s, sig_len);

	free(k);
	free(s);
	return valid;
}

/* RFC 6979 A.2.5, SHA-256, message "sample" */
static void
rfc6979_a_2_5(void **state)
{
	uint8_t		key[POINT_LEN];
	uint8_t		sig[64];

	unit_hex("04"
			 "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
			 "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299", key, sizeof(key));
	unit_hex("efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
			 "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8", sig, sizeof(sig));
	assert_true(p256_verify(key, sizeof(key), (const uint8_t *) "sample", 6, sig, sizeof(sig)));
	assert_false(p256_verify(key, sizeof(key), (const uint8_t *) "samplf", 6, sig, sizeof(sig)));
}

static void
both_forms_of_key_and_signature(void **state)
{
	for (uint64_t nonce = 1; nonce <= 40; nonce++)
	{
		signature	s;
		uint8_t		spki[SPKI_LEN];

		sign(&s, nonce);
		make_spki(s.point, spki);
		assert_true(verify(s.point, POINT_LEN, s.raw, 64));
		assert_true(verify(s.point, POINT_LEN, s.der, s.der_len));
		assert_true(verify(spki, SPKI_LEN, s.raw, 64));
		assert_true(verify(spki, SPKI_LEN, s.der, s.der_len));
	}
}

/* Short and long s: DER of every length, also that of a raw signature. */
static void
der_of_every_length(void **state)
{
	bool		seen_64 = false;
	BIGNUM	   *v = BN_new();

	for (int bits = 1; bits <= 255; bits++)
	{
		for (int high = 0; high <= 1; high++)
		{
			signature	s;

			BN_one(v);
			BN_lshift(v, v, bits - 1);
			sign_with_s(&s, (uint64_t) bits + 7, v, high);
			assert_true(verify(s.point, POINT_LEN, s.der, s.der_len));
			assert_true(verify(s.point, POINT_LEN, s.raw, 64));
			seen_64 |= s.der_len == 64;
		}
	}
	assert_true(seen_64);
	BN_free(v);
}

static void
any_flipped_bit_is_refused(void **state)
{
	signature	s;
	uint8_t		spki[SPKI_LEN];

	sign(&s, 11);
	make_spki(s.point, spki);
	for (size_t bit = 0; bit < s.der_len * 8; bit++)
	{
		s.der[bit / 8] ^= 1 << (bit % 8);
		assert_false(verify(spki, SPKI_LEN, s.der, s.der_len));
		s.der[bit / 8] ^= 1 << (bit % 8);
	}
	for (size_t bit = 0; bit < 64 * 8; bit++)
	{
		s.raw[bit / 8] ^= 1 << (bit % 8);
		assert_false(verify(spki, SPKI_LEN, s.raw, 64));
		s.raw[bit / 8] ^= 1 << (bit % 8);
	}
	for (size_t bit = 0; bit < SPKI_LEN * 8; bit++)
	{
		spki[bit / 8] ^= 1 << (bit % 8);
		assert_false(verify(spki, SPKI_LEN, s.der, s.der_len));
		spki[bit / 8] ^= 1 << (bit % 8);
	}
	assert_true(verify(spki, SPKI_LEN, s.der, s.der_len));
}

static void
wrong_lengths_are_refused(void **state)
{
	signature	s;
	uint8_t		spki[SPKI_LEN + 4] = {0};
	uint8_t		der[DER_LEN_MAX + 4] = {0};

	sign(&s, 12);
	make_spki(s.point, spki);
	memcpy(der, s.der, s.der_len);
	for (size_t n = 0; n <= sizeof(spki); n++)
		assert_int_equal(verify(spki, n, s.der, s.der_len), n == SPKI_LEN);
	for (size_t n = 0; n < POINT_LEN; n++)
		assert_false(verify(s.point, n, s.der, s.der_len));
	for (size_t n = 0; n <= sizeof(der); n++)
		assert_int_equal(verify(spki, SPKI_LEN, der, n), n == s.der_len);
	for (size_t n = 0; n < 64; n++)
		assert_false(verify(spki, SPKI_LEN, s.raw, n));
}

/* BER that says the same (r, s): lengths and integers written longer than need be. */
static void
ber_is_refused(void **state)
{
	signature	s;
	uint8_t		ber[DER_LEN_MAX + 8];
	size_t		r_len;

	sign(&s, 13);
	r_len = s.der[3];

	/* 30 81 len */
	ber[0] = 0x30;
	ber[1] = 0x81;
	memcpy(ber + 2, s.der + 1, s.der_len - 1);
	assert_false(verify(s.point, POINT_LEN, ber, s.der_len + 1));

	/* 30 80 ... 00 00 */
	memcpy(ber, s.der, s.der_len);
	ber[1] = 0x80;
	memset(ber + s.der_len, 0, 2);
	assert_false(verify(s.point, POINT_LEN, ber, s.der_len + 2));

	/* 02 81 len r */
	memcpy(ber, s.der, 3);
	ber[1]++;
	ber[3] = 0x81;
	memcpy(ber + 4, s.der + 3, s.der_len - 3);
	assert_false(verify(s.point, POINT_LEN, ber, s.der_len + 1));

	/* a zero before r */
	memcpy(ber, s.der, 4);
	ber[1]++;
	ber[3]++;
	ber[4] = 0;
	memcpy(ber + 5, s.der + 4, s.der_len - 4);
	assert_false(verify(s.point, POINT_LEN, ber, s.der_len + 1));

	/* something after s, inside the sequence */
	memcpy(ber, s.der, s.der_len);
	ber[1] += 2;
	ber[s.der_len] = 0x05;
	ber[s.der_len + 1] = 0x00;
	assert_false(verify(s.point, POINT_LEN, ber, s.der_len + 2));

	/* r alone; nothing at all */
	memcpy(ber, s.der, 4 + r_len);
	ber[1] = (uint8_t) (2 + r_len);
	assert_false(verify(s.point, POINT_LEN, ber, 4 + r_len));
	assert_false(verify(s.point, POINT_LEN, (const uint8_t *) "\x30\x00", 2));
	assert_false(verify(s.point, POINT_LEN, (const uint8_t *) "\x30\x04\x02\x00\x02\x00", 6));
	assert_true(verify(s.point, POINT_LEN, s.der, s.der_len));
}

/* r and s outside 1 to n - 1: the famous all-zero signature, and n, and beyond. */
static void
values_out_of_range_are_refused(void **state)
{
	signature	s;
	signature	bad;
	BIGNUM	   *value[5];
	BIGNUM	   *r = BN_new();
	BIGNUM	   *v = BN_new();

	sign(&s, 14);
	BN_bin2bn(s.raw, 32, r);
	BN_bin2bn(s.raw + 32, 32, v);
	value[0] = BN_new();
	BN_zero(value[0]);
	value[1] = BN_dup(order);
	value[2] = BN_new();
	BN_lshift(value[2], BN_value_one(), 256);
	BN_sub_word(value[2], 1);
	value[3] = BN_dup(r);
	value[4] = BN_dup(v);
	for (int i = 0; i < 5; i++)
	{
		for (int k = 0; k < 5; k++)
		{
			write_forms(&bad, value[i], value[k]);
			assert_int_equal(verify(s.point, POINT_LEN, bad.raw, 64), i == 3 && k == 4);
			assert_int_equal(verify(s.point, POINT_LEN, bad.der, bad.der_len), i == 3 && k == 4);
		}
	}
	for (int i = 0; i < 5; i++)
		BN_free(value[i]);
	BN_free(r);
	BN_free(v);
}

static void
other_keys_are_refused(void **state)
{
	signature	s;
	uint8_t		key[POINT_LEN];
	uint8_t		spki[SPKI_LEN];
	uint8_t		compressed[33];

	sign(&s, 15);

	/* the compressed and the hybrid spelling of the right point */
	compressed[0] = 0x02 | (s.point[64] & 1);
	memcpy(compressed + 1, s.point + 1, 32);
	assert_false(verify(compressed, sizeof(compressed), s.der, s.der_len));
	memcpy(key, s.point, POINT_LEN);
	key[0] = 0x06 | (s.point[64] & 1);
	assert_false(verify(key, POINT_LEN, s.der, s.der_len));
	make_spki(key, spki);
	assert_false(verify(spki, SPKI_LEN, s.der, s.der_len));

	/* the point without its 04, the point at infinity, no point of the curve */
	assert_false(verify(s.point + 1, POINT_LEN - 1, s.der, s.der_len));
	assert_false(verify((const uint8_t *) "\x00", 1, s.der, s.der_len));
	memset(key, 0, POINT_LEN);
	key[0] = 0x04;
	assert_false(verify(key, POINT_LEN, s.der, s.der_len));

	/* coordinates above the field's prime */
	memset(key + 1, 0xff, POINT_LEN - 1);
	assert_false(verify(key, POINT_LEN, s.der, s.der_len));

	/* the same bytes under brainpoolP256r1's and secp256k1's names */
	make_spki(s.point, spki);
	unit_hex("305a301406072a8648ce3d020106092b2403030208010107034200", key, POINT_LEN);
	memcpy(spki, key, 26);
	assert_false(verify(spki, SPKI_LEN, s.der, s.der_len));
	unit_hex("3056301006072a8648ce3d020106052b8104000a034200", spki, SPKI_LEN);
	memcpy(spki + 23, s.point, POINT_LEN);
	assert_false(verify(spki, 23 + POINT_LEN, s.der, s.der_len));
}

/* The server's TLS code shares the thread's queue of errors. */
static void
error_queue_is_left_alone(void **state)
{
	signature	s;
	uint8_t		off_curve[POINT_LEN] = {0x04, 1};

	sign(&s, 16);
	ERR_clear_error();
	assert_false(verify(off_curve, POINT_LEN, s.der, s.der_len));
	assert_int_equal(ERR_peek_error(), 0);

	ERR_raise(ERR_LIB_USER, 77);
	assert_false(verify(off_curve, POINT_LEN, s.der, s.der_len));
	s.raw[5] ^= 1;
	assert_false(verify(s.point, POINT_LEN, s.raw, 64));
	assert_int_equal(ERR_GET_REASON(ERR_get_error()), 77);
	assert_int_equal(ERR_get_error(), 0);
}

/* ---------- every curve, with keys and signatures that OpenSSL makes and writes itself */

static const struct
{
	ecdsa_curve curve;
	const char *name;
	size_t		integer_len;
}			curves[] =
{
	{ECDSA_SECP192R1, "prime192v1", 24}, {ECDSA_SECP192K1, "secp192k1", 24},
	{ECDSA_SECP256R1, "prime256v1", 32}, {ECDSA_SECP256K1, "secp256k1", 32},
	{ECDSA_BRAINPOOL256R1, "brainpoolP256r1", 32},
	{ECDSA_SECP384R1, "secp384r1", 48}, {ECDSA_BRAINPOOL384R1, "brainpoolP384r1", 48}
};

#define CURVES (sizeof(curves) / sizeof(curves[0]))

typedef struct made
{
	uint8_t		spki[ECDSA_SPKI_LEN_MAX + 1];
	size_t		spki_len;
	const uint8_t *point;
	size_t		point_len;
	uint8_t		der[ECDSA_SIGNATURE_LEN_MAX + 1];
	size_t		der_len;
	uint8_t		raw[2 * ECDSA_INTEGER_LEN_MAX];
	size_t		raw_len;
} made;

static void
make_signed(made *m, size_t c, const EVP_MD *hash)
{
	EVP_PKEY   *key = EVP_EC_gen(curves[c].name);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	const uint8_t *at = m->der;
	uint8_t    *out = m->spki;
	int			spki_len;
	ECDSA_SIG  *sig;

	assert_non_null(key);
	spki_len = i2d_PUBKEY(key, NULL);
	assert_in_range(spki_len, 1, ECDSA_SPKI_LEN_MAX);
	assert_int_equal(i2d_PUBKEY(key, &out), spki_len);
	m->spki_len = (size_t) spki_len;
	m->point_len = 1 + 2 * curves[c].integer_len;
	m->point = m->spki + m->spki_len - m->point_len;
	m->der_len = sizeof(m->der);
	assert_int_equal(EVP_DigestSignInit(ctx, NULL, hash, NULL, key), 1);
	assert_int_equal(EVP_DigestSign(ctx, m->der, &m->der_len, message, MESSAGE_LEN), 1);
	sig = d2i_ECDSA_SIG(NULL, &at, (long) m->der_len);
	m->raw_len = 2 * curves[c].integer_len;
	BN_bn2binpad(ECDSA_SIG_get0_r(sig), m->raw, (int) curves[c].integer_len);
	BN_bn2binpad(ECDSA_SIG_get0_s(sig), m->raw + curves[c].integer_len, (int) curves[c].integer_len);
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
}

static bool
verify_on(ecdsa_curve curve, ecdsa_hash hash, const uint8_t *key, size_t key_len,
		  const uint8_t *sig, size_t sig_len)
{
	uint8_t    *k = unit_exact(key, key_len);
	uint8_t    *s = unit_exact(sig, sig_len);
	bool		valid = ecdsa_verify(curve, hash, k, key_len, message, MESSAGE_LEN, s, sig_len);

	if (valid)
		assert_true(ecdsa_signature_well_formed(curve, s, sig_len));
	free(k);
	free(s);
	return valid;
}

static void
every_curve_in_every_form(void **state)
{
	for (size_t c = 0; c < CURVES; c++)
	{
		for (int round = 0; round < 40; round++)
		{
			ecdsa_hash	hash = round % 2 ? ECDSA_SHA384 : ECDSA_SHA256;
			ecdsa_hash	other_hash = round % 2 ? ECDSA_SHA256 : ECDSA_SHA384;
			made		m;

			make_signed(&m, c, round % 2 ? EVP_sha384() : EVP_sha256());
			assert_int_equal(ecdsa_integer_len(curves[c].curve), curves[c].integer_len);
			assert_ptr_equal(ecdsa_key_point(curves[c].curve, m.spki, m.spki_len), m.point);
			assert_true(ecdsa_point_valid(curves[c].curve, m.point));
			assert_true(verify_on(curves[c].curve, hash, m.spki, m.spki_len, m.der, m.der_len));
			assert_true(verify_on(curves[c].curve, hash, m.spki, m.spki_len, m.raw, m.raw_len));
			assert_true(verify_on(curves[c].curve, hash, m.point, m.point_len, m.der, m.der_len));
			assert_true(verify_on(curves[c].curve, hash, m.point, m.point_len, m.raw, m.raw_len));
			assert_false(verify_on(curves[c].curve, other_hash, m.point, m.point_len, m.der, m.der_len));
			for (size_t o = 0; o < CURVES; o++)
			{
				if (o == c)
					continue;
				assert_null(ecdsa_key_point(curves[o].curve, m.spki, m.spki_len));
				assert_false(verify_on(curves[o].curve, hash, m.point, m.point_len, m.der, m.der_len));
				if (curves[o].integer_len == curves[c].integer_len)
					assert_false(ecdsa_point_valid(curves[o].curve, m.point));
			}
		}
	}
}

/* One changed bit anywhere, one byte more or less: never valid, whatever the curve. */
static void
every_curve_refuses_damage(void **state)
{
	for (size_t c = 0; c < CURVES; c++)
	{
		ecdsa_curve curve = curves[c].curve;
		made		m;

		make_signed(&m, c, EVP_sha256());
		for (size_t bit = 0; bit < m.der_len * 8; bit++)
		{
			m.der[bit / 8] ^= 1 << (bit % 8);
			assert_false(verify_on(curve, ECDSA_SHA256, m.point, m.point_len, m.der, m.der_len));
			m.der[bit / 8] ^= 1 << (bit % 8);
		}
		for (size_t bit = 0; bit < m.raw_len * 8; bit++)
		{
			m.raw[bit / 8] ^= 1 << (bit % 8);
			assert_false(verify_on(curve, ECDSA_SHA256, m.point, m.point_len, m.raw, m.raw_len));
			m.raw[bit / 8] ^= 1 << (bit % 8);
		}
		for (size_t bit = 0; bit < m.spki_len * 8; bit++)
		{
			m.spki[bit / 8] ^= 1 << (bit % 8);
			assert_false(verify_on(curve, ECDSA_SHA256, m.spki, m.spki_len, m.der, m.der_len));
			m.spki[bit / 8] ^= 1 << (bit % 8);
		}
		m.spki[m.spki_len] = 0;
		m.der[m.der_len] = 0;
		for (size_t n = 0; n <= m.spki_len + 1; n++)
			assert_int_equal(verify_on(curve, ECDSA_SHA256, m.spki, n, m.der, m.der_len), n == m.spki_len);
		for (size_t n = 0; n <= m.der_len + 1; n++)
			assert_int_equal(verify_on(curve, ECDSA_SHA256, m.spki, m.spki_len, m.der, n), n == m.der_len);
		for (size_t n = 0; n < m.raw_len; n++)
			assert_false(verify_on(curve, ECDSA_SHA256, m.spki, m.spki_len, m.raw, n));
	}
}

/* What has the form of a signature, whatever it is worth: one DER for each (r, s), or raw. */
static void
well_formed(void **state)
{
	static const struct
	{
		const char *hex;
		bool		p256;
	}			forms[] = {
		{"3006020101020101", true}, {"3006020100020100", true}, {"300702020080020101", true}, {"3007020101020200ff", true},
		{"", false}, {"30", false}, {"3000", false}, {"3003020101", false}, {"3106020101020101", false}, {"3006030101020101", false},
		{"3006020101030101", false}, {"3005020101020101", false}, {"3007020101020101", false}, {"300602010102010100", false},
		{"3006020181020101", false}, {"3006020101020181", false}, {"300702020001020101", false}, {"3007020101020200 01", false},
		{"30050200020101", false}, {"30050201010200", false}, {"3081060201010201 01", false}, {"3006020201020101", false}
	};
	static const uint8_t raw[97] = {0};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
	{
		uint8_t		bytes[16];
		char		hex[64] = "";
		size_t		len;
		uint8_t    *exact;

		for (const char *at = forms[i].hex; *at != '\0'; at++)
			strncat(hex, at, *at != ' ');
		len = unit_hex(hex, bytes, sizeof(bytes));
		exact = unit_exact(bytes, len);
		assert_int_equal(ecdsa_signature_well_formed(ECDSA_SECP256R1, exact, len), forms[i].p256);
		free(exact);
	}
	for (size_t c = 0; c < CURVES; c++)
	{
		for (size_t n = 0; n <= sizeof(raw); n++)
			assert_int_equal(ecdsa_signature_well_formed(curves[c].curve, raw, n), n == 2 * curves[c].integer_len);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc6979_a_2_5),
		cmocka_unit_test(both_forms_of_key_and_signature),
		cmocka_unit_test(der_of_every_length),
		cmocka_unit_test(any_flipped_bit_is_refused),
		cmocka_unit_test(wrong_lengths_are_refused),
		cmocka_unit_test(ber_is_refused),
		cmocka_unit_test(values_out_of_range_are_refused),
		cmocka_unit_test(other_keys_are_refused),
		cmocka_unit_test(error_queue_is_left_alone),
		cmocka_unit_test(every_curve_in_every_form),
		cmocka_unit_test(every_curve_refuses_damage),
		cmocka_unit_test(well_formed),
	};

	return cmocka_run_group_tests(tests, make_group, free_group);
}
