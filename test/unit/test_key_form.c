/*
 * test_key_form.c: keys in every form that is taken become one form; texts around
 * them come off.
 */
#include "unit.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "core/base64.h"
#include "core/key_form.h"
#include "core/text_bytes.h"

static key_form_fault
read_key(envelope_algorithm a, const uint8_t *key, size_t len, key_form *out)
{
	uint8_t    *exact = unit_exact(key, len);
	key_form_fault fault = key_form_read(a, exact, len, out);

	free(exact);
	return fault;
}

static EVP_PKEY *
make_key(envelope_algorithm a)
{
	static const char *const groups[] = {
		[ENVELOPE_ES256] = "prime256v1", [ENVELOPE_SECP192R1_SHA256] = "prime192v1", [ENVELOPE_SECP192K1_SHA256] = "secp192k1",
		[ENVELOPE_SECP256K1_SHA256] = "secp256k1", [ENVELOPE_BRAINPOOL256R1_SHA256] = "brainpoolP256r1",
		[ENVELOPE_SECP384R1_SHA256] = "secp384r1", [ENVELOPE_BRAINPOOL384R1_SHA256] = "brainpoolP384r1",
		[ENVELOPE_SECP384R1_SHA384] = "secp384r1", [ENVELOPE_BRAINPOOL384R1_SHA384] = "brainpoolP384r1"
	};

	return a == ENVELOPE_ED25519 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519") : EVP_EC_gen(groups[a]);
}

static void
every_form_becomes_one(void **state)
{
	for (int i = ENVELOPE_ED25519; i <= ENVELOPE_ALGORITHM_MAX; i++)
	{
		envelope_algorithm a = (envelope_algorithm) i;
		EVP_PKEY   *key = make_key(a);
		uint8_t		spki[256] = {0};
		uint8_t    *out = spki;
		size_t		spki_len = (size_t) i2d_PUBKEY(key, &out);
		key_form_lengths lengths;
		key_form	form;
		const uint8_t *kept;
		size_t		kept_len;

		assert_true(key_form_lengths_of(a, &lengths));
		assert_int_equal(lengths.spki, spki_len);
		kept_len = lengths.point > 0 ? lengths.point : lengths.bare;
		kept = spki + spki_len - kept_len;
		for (size_t n = 0; n <= sizeof(spki); n++)
		{
			key_form_fault fault = read_key(a, spki, n, &form);

			/* other lengths that happen to be a form's hold no key */
			assert_int_equal(fault == KEY_FORM_SOUND, n == spki_len || (i == ENVELOPE_ED25519 && n == 32));
			if (n == spki_len)
				assert_memory_equal(form.bytes, kept, kept_len);
		}
		assert_int_equal(read_key(a, kept, kept_len, &form), KEY_FORM_SOUND);
		assert_int_equal(form.len, kept_len);
		assert_memory_equal(form.bytes, kept, kept_len);
		assert_int_equal(read_key(a, spki + spki_len - lengths.bare, lengths.bare, &form), KEY_FORM_SOUND);
		assert_int_equal(form.len, kept_len);
		assert_memory_equal(form.bytes, kept, kept_len);
		/* what is kept is valid as it stands, and nothing else is; no algorithm need be told */
		for (size_t n = 0; n <= spki_len; n++)
			assert_int_equal(key_form_valid(a, spki + spki_len - n, n), n == kept_len);
		assert_true(key_form_read_any(spki, spki_len, &form));
		assert_memory_equal(form.bytes, kept, kept_len);
		assert_true(key_form_read_any(spki + spki_len - lengths.bare, lengths.bare, &form));
		assert_int_equal(form.len, kept_len);
		assert_memory_equal(form.bytes, kept, kept_len);
		assert_false(key_form_read_any(spki, spki_len - 1, &form));
		if (lengths.point > 0)
		{
			spki[spki_len - 1] ^= 1;
			assert_int_equal(read_key(a, spki, spki_len, &form), KEY_FORM_NOT_ON_CURVE);
			assert_int_equal(read_key(a, kept, kept_len, &form), KEY_FORM_NOT_ON_CURVE);
			assert_int_equal(read_key(a, kept + 1, kept_len - 1, &form), KEY_FORM_NOT_ON_CURVE);
			spki[spki_len - 1] ^= 1;
			spki[spki_len - kept_len] = 0x02;
			assert_false(key_form_valid(a, kept, kept_len));
			assert_int_equal(read_key(a, kept, kept_len, &form), KEY_FORM_WRONG_SHAPE);
			assert_int_equal(read_key(a, spki, spki_len, &form), KEY_FORM_WRONG_SHAPE);
		}
		spki[1] ^= 1;
		assert_int_equal(read_key(a, spki, spki_len, &form), KEY_FORM_WRONG_SHAPE);
		EVP_PKEY_free(key);
	}
}

/* A key of one curve is none of another's. */
static void
other_algorithms_keys(void **state)
{
	key_form	form;
	key_form_lengths lengths;

	for (int i = ENVELOPE_ED25519; i <= ENVELOPE_ALGORITHM_MAX; i++)
	{
		EVP_PKEY   *key = make_key((envelope_algorithm) i);
		uint8_t		spki[256];
		uint8_t    *out = spki;
		size_t		spki_len = (size_t) i2d_PUBKEY(key, &out);

		for (int other = ENVELOPE_ED25519; other <= ENVELOPE_ALGORITHM_MAX; other++)
		{
			ecdsa_curve curve = 0;
			ecdsa_curve other_curve = 0;
			ecdsa_hash	hash;

			(void) envelope_algorithm_curve((envelope_algorithm) i, &curve, &hash);
			(void) envelope_algorithm_curve((envelope_algorithm) other, &other_curve, &hash);
			if (curve != other_curve)
				assert_int_equal(read_key((envelope_algorithm) other, spki, spki_len, &form), KEY_FORM_WRONG_SHAPE);
		}
		EVP_PKEY_free(key);
	}
	assert_int_equal(read_key((envelope_algorithm) 0, (const uint8_t *) "x", 1, &form), KEY_FORM_UNKNOWN_ALGORITHM);
	assert_false(key_form_lengths_of((envelope_algorithm) 0, &lengths));
	assert_false(key_form_valid((envelope_algorithm) 0, (const uint8_t *) "x", 1));
}

static void
check_text(const char *text, size_t len, const uint8_t *want, size_t want_len)
{
	char	   *exact = unit_exact(text, len);
	uint8_t    *out = malloc(len + 1);
	size_t		out_len;

	assert_true(text_bytes_decode(exact, len, out, &out_len));
	assert_int_equal(out_len, want_len);
	assert_memory_equal(out, want, want_len);
	free(out);
	free(exact);
}

static void
texts(void **state)
{
	static const uint8_t four[] = {0xde, 0xad, 0xbe, 0xef};
	static const char *const sound[] = {
		"deadbeef", "DEADBEEF", " de ad\tbe\r\nef ", "DE:AD:be:ef", "3q2+7w==", " 3q2+\n7w== ",
		"-----BEGIN PUBLIC KEY-----\n3q2+\n7w==\n-----END PUBLIC KEY-----\n", "-----BEGIN PUBLIC KEY-----3q2+7w==-----END PUBLIC KEY-----"
	};
	static const char *const bad[] = {
		"", " ", "d", "dea", "deadbee", "xyz", "3q2+7w=", "3q2+7w", "3q2-7w==", "3q2+7x==", "d:eadbeef", "3q2+:7w==", "3q:2+7w==",
		"-----BEGIN PUBLIC KEY-----", "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----",
		"-----BEGIN EC PRIVATE KEY-----\n3q2+7w==\n-----END EC PRIVATE KEY-----", "deadbeef\v", "\\xdeadbeef", "3q2+7w==\xc2\xa0"
	};

	for (size_t i = 0; i < sizeof(sound) / sizeof(sound[0]); i++)
		check_text(sound[i], strlen(sound[i]), four, sizeof(four));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		size_t		len = strlen(bad[i]);
		char	   *exact = unit_exact(bad[i], len);
		uint8_t    *out = malloc(len + 1);
		size_t		out_len;

		assert_false(text_bytes_decode(exact, len, out, &out_len));
		free(out);
		free(exact);
	}
}

/* What openssl prints is taken as it is. */
static void
openssl_pem(void **state)
{
	for (int i = ENVELOPE_ED25519; i <= ENVELOPE_ALGORITHM_MAX; i++)
	{
		EVP_PKEY   *key = make_key((envelope_algorithm) i);
		BIO		   *bio = BIO_new(BIO_s_mem());
		uint8_t		spki[256];
		uint8_t    *out = spki;
		size_t		spki_len = (size_t) i2d_PUBKEY(key, &out);
		char	   *pem;
		long		pem_len;

		assert_int_equal(PEM_write_bio_PUBKEY(bio, key), 1);
		pem_len = BIO_get_mem_data(bio, &pem);
		check_text(pem, (size_t) pem_len, spki, spki_len);
		BIO_free(bio);
		EVP_PKEY_free(key);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_becomes_one),
		cmocka_unit_test(other_algorithms_keys),
		cmocka_unit_test(texts),
		cmocka_unit_test(openssl_pem),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
