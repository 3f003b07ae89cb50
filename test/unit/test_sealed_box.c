/*
 * test_sealed_box.c: encryption to a public key: there and back, with libsodium's
 * own calls on the other side, and every wrong length and key refused.
 */
#include "unit.h"

#include <sodium.h>

#include "core/ed25519.h"
#include "core/sealed_box.h"

static uint8_t public_key[32];
static uint8_t secret_key[32];

static int
set_up(void **state)
{
	assert_true(core_crypto_init());
	sealed_box_keygen(public_key, secret_key);
	return 0;
}

static void
there_and_back(void **state)
{
	static const size_t lengths[] = {0, 1, 31, 1000, 100000};

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
	{
		size_t		len = lengths[i];
		uint64_t	seed = len + 1;
		uint8_t    *plain = malloc(len + 1);
		uint8_t    *box = malloc(len + SEALED_BOX_OVERHEAD);
		uint8_t    *other = malloc(len + SEALED_BOX_OVERHEAD);
		uint8_t    *back = malloc(len + 1);

		unit_random_bytes(&seed, plain, len);
		assert_true(sealed_box_seal(plain, len, public_key, 32, box));
		assert_true(sealed_box_seal(plain, len, public_key, 32, other));
		assert_memory_not_equal(box, other, len + SEALED_BOX_OVERHEAD);
		assert_true(sealed_box_open(box, len + SEALED_BOX_OVERHEAD, public_key, 32, secret_key, 32, back));
		assert_memory_equal(back, plain, len);
		assert_int_equal(crypto_box_seal_open(back, other, len + SEALED_BOX_OVERHEAD, public_key, secret_key), 0);
		for (size_t at = 0; at < len + SEALED_BOX_OVERHEAD; at += 13)
		{
			box[at] ^= 1;
			assert_false(sealed_box_open(box, len + SEALED_BOX_OVERHEAD, public_key, 32, secret_key, 32, back));
			box[at] ^= 1;
		}
		free(plain);
		free(box);
		free(other);
		free(back);
	}
}

static void
public_half(void **state)
{
	uint8_t		made[32];

	assert_true(sealed_box_public(secret_key, 32, made));
	assert_memory_equal(made, public_key, 32);
	assert_false(sealed_box_public(secret_key, 31, made));
}

static void
wrong_keys(void **state)
{
	static const uint8_t zero[32];
	uint8_t		other_public[32];
	uint8_t		other_secret[32];
	uint8_t		box[5 + SEALED_BOX_OVERHEAD];
	uint8_t		back[5];

	sealed_box_keygen(other_public, other_secret);
	assert_true(sealed_box_seal((const uint8_t *) "Erika", 5, public_key, 32, box));
	assert_false(sealed_box_open(box, sizeof(box), other_public, 32, other_secret, 32, back));
	assert_false(sealed_box_open(box, sizeof(box), public_key, 32, other_secret, 32, back));
	assert_false(sealed_box_open(box, sizeof(box), other_public, 32, secret_key, 32, back));
	assert_false(sealed_box_open(box, sizeof(box), public_key, 31, secret_key, 32, back));
	assert_false(sealed_box_open(box, sizeof(box), public_key, 32, secret_key, 33, back));
	assert_false(sealed_box_open(box, sizeof(box) - 1, public_key, 32, secret_key, 32, back));
	assert_false(sealed_box_open(box, SEALED_BOX_OVERHEAD - 1, public_key, 32, secret_key, 32, back));
	assert_false(sealed_box_open(box, 0, public_key, 32, secret_key, 32, back));
	assert_false(sealed_box_seal((const uint8_t *) "Erika", 5, public_key, 31, box));
	assert_false(sealed_box_seal((const uint8_t *) "Erika", 5, public_key, 0, box));
	/* no secret key belongs to it: what is sealed to it, anybody could open */
	assert_false(sealed_box_seal((const uint8_t *) "Erika", 5, zero, 32, box));
	assert_false(sealed_box_seal(box, (size_t) SEALED_BOX_PLAIN_LEN_MAX + 1, public_key, 32, box));
	assert_false(sealed_box_open(box, (size_t) SEALED_BOX_PLAIN_LEN_MAX + SEALED_BOX_OVERHEAD + 1,
								 public_key, 32, secret_key, 32, back));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(public_half),
		cmocka_unit_test(wrong_keys),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
