/*
 * test_sha256.c: every way in which the core hashes gives SHA-256.
 *
 * Padding is done by us, and messages are hashed in turns, so each length around the
 * blocks' ends is tried, alone, in two parts and together with others, and compared
 * with libsodium's implementation, which shares nothing with OpenSSL's.
 */
#include "unit.h"

#include <sodium.h>

#include "core/sha256.h"

#define LEN_MAX 700				/* well beyond what is padded in a copy */
#define TOGETHER_MAX 11

static uint8_t data[LEN_MAX];

static int
make_data(void **state)
{
	uint64_t	seed = 180;

	unit_random_bytes(&seed, data, sizeof(data));
	return 0;
}

static void
known_answers(void **state)
{
	uint8_t		expected[SHA256_LEN];
	uint8_t		out[SHA256_LEN];

	unit_hex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", expected, sizeof(expected));
	sha256_of(NULL, 0, out);
	assert_memory_equal(out, expected, SHA256_LEN);
	sha256_of_two(NULL, 0, NULL, 0, out);
	assert_memory_equal(out, expected, SHA256_LEN);
	/* FIPS 180-4's example */
	unit_hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", expected, sizeof(expected));
	sha256_of("abc", 3, out);
	assert_memory_equal(out, expected, SHA256_LEN);
}

static void
every_length(void **state)
{
	for (size_t len = 0; len <= LEN_MAX; len++)
	{
		uint8_t    *exact = unit_exact(data, len);
		uint8_t		expected[SHA256_LEN];
		uint8_t		out[SHA256_LEN];

		crypto_hash_sha256(expected, data, len);
		sha256_of(exact, len, out);
		assert_memory_equal(out, expected, SHA256_LEN);
		for (size_t split = 0; split <= len; split += split < 3 ? 1 : 61)
		{
			uint8_t    *a = unit_exact(data, split);
			uint8_t    *b = unit_exact(data + split, len - split);

			sha256_of_two(a, split, b, len - split, out);
			assert_memory_equal(out, expected, SHA256_LEN);
			free(a);
			free(b);
		}
		free(exact);
	}
}

/* Messages of lengths that differ, from one to more than there are turns, padded to the last byte of their room. */
static void
many_together(void **state)
{
	uint64_t	seed = 256;

	for (int round = 0; round < 4000; round++)
	{
		size_t		count = (size_t) round % (TOGETHER_MAX + 1);
		sha256_message message[TOGETHER_MAX];
		uint8_t		out[TOGETHER_MAX + 1][SHA256_LEN];
		uint8_t		untouched[SHA256_LEN];

		memset(out, 0x5a, sizeof(out));
		memset(untouched, 0x5a, sizeof(untouched));
		for (size_t i = 0; i < count; i++)
		{
			size_t		len = unit_random(&seed) % (i % 3 == 0 ? LEN_MAX : 140);

			message[i].data = malloc(len + SHA256_PAD_MAX);
			assert_non_null(message[i].data);
			memcpy(message[i].data, data, len);
			message[i].len = len;
			message[i].out = out[i];
		}
		sha256_of_each(message, count);
		for (size_t i = 0; i < count; i++)
		{
			uint8_t		expected[SHA256_LEN];

			crypto_hash_sha256(expected, data, message[i].len);
			assert_memory_equal(out[i], expected, SHA256_LEN);
			free(message[i].data);
		}
		assert_memory_equal(out[count], untouched, SHA256_LEN);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_answers),
		cmocka_unit_test(every_length),
		cmocka_unit_test(many_together),
	};

	return cmocka_run_group_tests(tests, make_data, NULL);
}
