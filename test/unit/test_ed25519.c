/*
 * test_ed25519.c: signing and checking as RFC 8032 says, and what is refused.
 */
#include "unit.h"

#include "core/ed25519.h"

/* RFC 8032 section 7.1, TEST 1 to 3 */
static const struct
{
	const char *seed;
	const char *public_key;
	const char *message;
	const char *signature;
}			rfc8032[] = {
	{
		"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
		"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
		"",
		"e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
		"5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
	},
	{
		"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
		"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
		"72",
		"92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
		"085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
	},
	{
		"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
		"fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
		"af82",
		"6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
		"18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
	}
};
#define RFC8032_COUNT (sizeof(rfc8032) / sizeof(rfc8032[0]))

static void
rfc8032_section_7_1(void **state)
{
	for (size_t i = 0; i < RFC8032_COUNT; i++)
	{
		uint8_t		seed[ED25519_SEED_LEN];
		uint8_t		expected_key[ED25519_PUBLIC_LEN];
		uint8_t		expected[ED25519_SIGNATURE_LEN];
		uint8_t		message[8];
		uint8_t		public_key[ED25519_PUBLIC_LEN];
		uint8_t		secret_key[ED25519_SECRET_LEN];
		uint8_t		signature[ED25519_SIGNATURE_LEN];
		size_t		len = unit_hex(rfc8032[i].message, message, sizeof(message));

		unit_hex(rfc8032[i].seed, seed, sizeof(seed));
		unit_hex(rfc8032[i].public_key, expected_key, sizeof(expected_key));
		unit_hex(rfc8032[i].signature, expected, sizeof(expected));

		ed25519_from_seed(seed, public_key, secret_key);
		assert_memory_equal(public_key, expected_key, sizeof(public_key));
		ed25519_sign(secret_key, message, len, signature);
		assert_memory_equal(signature, expected, sizeof(signature));
		assert_true(ed25519_verify(public_key, sizeof(public_key), message, len,
								   signature, sizeof(signature)));
	}
}

static void
any_flipped_bit_is_refused(void **state)
{
	uint8_t		key[ED25519_PUBLIC_LEN];
	uint8_t		message[8];
	uint8_t		signature[ED25519_SIGNATURE_LEN];
	size_t		len = unit_hex(rfc8032[2].message, message, sizeof(message));
	struct
	{
		uint8_t    *data;
		size_t		len;
	}			part[] = {{key, sizeof(key)}, {message, len}, {signature, sizeof(signature)}};

	unit_hex(rfc8032[2].public_key, key, sizeof(key));
	unit_hex(rfc8032[2].signature, signature, sizeof(signature));
	for (int p = 0; p < 3; p++)
	{
		for (size_t bit = 0; bit < part[p].len * 8; bit++)
		{
			part[p].data[bit / 8] ^= 1 << (bit % 8);
			assert_false(ed25519_verify(key, sizeof(key), message, len,
										signature, sizeof(signature)));
			part[p].data[bit / 8] ^= 1 << (bit % 8);
		}
	}
	assert_true(ed25519_verify(key, sizeof(key), message, len, signature, sizeof(signature)));
}

/* Buffers are as long as claimed: a library that read on would be caught. */
static void
wrong_lengths_are_refused(void **state)
{
	uint8_t		key[ED25519_PUBLIC_LEN + 8] = {0};
	uint8_t		signature[ED25519_SIGNATURE_LEN + 8] = {0};

	unit_hex(rfc8032[0].public_key, key, sizeof(key));
	unit_hex(rfc8032[0].signature, signature, sizeof(signature));
	for (size_t n = 0; n <= sizeof(key); n++)
	{
		uint8_t    *k = unit_exact(key, n);

		assert_int_equal(ed25519_verify(k, n, NULL, 0, signature, ED25519_SIGNATURE_LEN),
						 n == ED25519_PUBLIC_LEN);
		free(k);
	}
	for (size_t n = 0; n <= sizeof(signature); n++)
	{
		uint8_t    *s = unit_exact(signature, n);

		assert_int_equal(ed25519_verify(key, ED25519_PUBLIC_LEN, NULL, 0, s, n),
						 n == ED25519_SIGNATURE_LEN);
		free(s);
	}
}

/* S + L says the same as S: RFC 8032 section 8.4 has it refused. */
static void
second_spelling_of_s_is_refused(void **state)
{
	static const uint8_t order[32] = {	/* L, little-endian */
		0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10
	};

	for (size_t i = 0; i < RFC8032_COUNT; i++)
	{
		uint8_t		key[ED25519_PUBLIC_LEN];
		uint8_t		message[8];
		uint8_t		signature[ED25519_SIGNATURE_LEN];
		size_t		len = unit_hex(rfc8032[i].message, message, sizeof(message));
		unsigned int carry = 0;

		unit_hex(rfc8032[i].public_key, key, sizeof(key));
		unit_hex(rfc8032[i].signature, signature, sizeof(signature));
		for (int b = 0; b < 32; b++)
		{
			carry += signature[32 + b] + order[b];
			signature[32 + b] = (uint8_t) carry;
			carry >>= 8;
		}
		assert_int_equal(carry, 0);
		assert_false(ed25519_verify(key, sizeof(key), message, len, signature, sizeof(signature)));
	}
}

/* The neutral element as key: R = neutral, S = 0 would satisfy any message. */
static void
key_of_small_order_is_refused(void **state)
{
	uint8_t		key[ED25519_PUBLIC_LEN] = {1};
	uint8_t		signature[ED25519_SIGNATURE_LEN] = {1};

	assert_false(ed25519_verify(key, sizeof(key), (const uint8_t *) "any", 3,
								signature, sizeof(signature)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc8032_section_7_1),
		cmocka_unit_test(any_flipped_bit_is_refused),
		cmocka_unit_test(wrong_lengths_are_refused),
		cmocka_unit_test(second_spelling_of_s_is_refused),
		cmocka_unit_test(key_of_small_order_is_refused),
	};

	if (!core_crypto_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
