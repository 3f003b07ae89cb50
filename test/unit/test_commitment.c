/*
 * test_commitment.c: salted commitments: the exact bytes that are hashed, and both
 * forms there and back, with nothing else taken for one of them.
 */
#include "unit.h"

#include <openssl/evp.h>

#include "core/commitment.h"

static uint8_t salt[32];

static int
set_up(void **state)
{
	for (int i = 0; i < 32; i++)
		salt[i] = (uint8_t) (0xa0 + i);
	return 0;
}

/* H(02 | salt | value), by OpenSSL's own interface */
static void
bytes_hashed(void **state)
{
	uint8_t		data[1 + 32 + 5] = {0x02};
	uint8_t		want[32];
	uint8_t		got[32];
	uint8_t		known[32];

	memcpy(data + 1, salt, 32);
	memcpy(data + 33, "Erika", 5);
	assert_int_equal(EVP_Digest(data, sizeof(data), want, NULL, EVP_sha256(), NULL), 1);
	commitment_of(salt, (const uint8_t *) "Erika", 5, got);
	assert_memory_equal(got, want, 32);
	/* the example of doc/format.md */
	unit_hex("c56969dbc207811154cb6bdda1c6500d770ae66b9cf00458b377a309dcc2acbc", known, 32);
	assert_memory_equal(got, known, 32);
	assert_int_equal(EVP_Digest(data, 33, want, NULL, EVP_sha256(), NULL), 1);
	commitment_of(salt, NULL, 0, got);
	assert_memory_equal(got, want, 32);
}

static void
opening(void **state)
{
	uint8_t		c[32];

	commitment_of(salt, (const uint8_t *) "Erika", 5, c);
	assert_true(commitment_opens(c, 32, salt, 32, (const uint8_t *) "Erika", 5));
	assert_false(commitment_opens(c, 32, salt, 32, (const uint8_t *) "Erikb", 5));
	assert_false(commitment_opens(c, 32, salt, 32, (const uint8_t *) "Erik", 4));
	assert_false(commitment_opens(c, 31, salt, 32, (const uint8_t *) "Erika", 5));
	assert_false(commitment_opens(c, 32, salt, 31, (const uint8_t *) "Erika", 5));
	assert_false(commitment_opens(c, 32, salt, 32, (const uint8_t *) "Erika", COMMITMENT_VALUE_LEN_MAX + 1));
	c[0] ^= 1;
	assert_false(commitment_opens(c, 32, salt, 32, (const uint8_t *) "Erika", 5));
	c[0] ^= 1;
	salt[31] ^= 1;
	assert_false(commitment_opens(c, 32, salt, 32, (const uint8_t *) "Erika", 5));
}

static bool
parse_bytes(const void *data, size_t len, commitment_parts *p)
{
	void	   *exact = unit_exact(data, len);
	bool		sound = commitment_parse(exact, len, p);

	free(exact);
	return sound;
}

static void
stored_form(void **state)
{
	uint8_t		bytes[1 + 32 + 5];
	commitment_parts p = {.form = COMMITMENT_SALTED,.salt = salt,.value = (const uint8_t *) "Erika",.value_len = 5};
	commitment_parts q;
	uint8_t		a[32];
	uint8_t		b[32];

	assert_int_equal(commitment_size(&p), sizeof(bytes));
	commitment_put(&p, bytes);
	assert_int_equal(bytes[0], 1);
	assert_memory_equal(bytes + 1, salt, 32);
	assert_memory_equal(bytes + 33, "Erika", 5);
	assert_true(commitment_parse(bytes, sizeof(bytes), &q));
	assert_int_equal(q.form, COMMITMENT_SALTED);
	assert_int_equal(q.value_len, 5);
	assert_true(commitment_of_parts(&q, a));

	/* erased: the same commitment */
	p.form = COMMITMENT_REDACTED;
	p.commitment = a;
	assert_int_equal(commitment_size(&p), 33);
	commitment_put(&p, bytes);
	assert_int_equal(bytes[0], 2);
	assert_true(commitment_parse(bytes, 33, &q));
	assert_true(commitment_of_parts(&q, b));
	assert_memory_equal(a, b, 32);

	p.form = COMMITMENT_PLAIN;
	assert_int_equal(commitment_size(&p), 6);
	commitment_put(&p, bytes);
	assert_true(commitment_parse(bytes, 6, &q));
	assert_int_equal(q.form, COMMITMENT_PLAIN);
	assert_memory_equal(q.value, "Erika", 5);
	assert_false(commitment_of_parts(&q, a));
}

static void
no_stored_form(void **state)
{
	uint8_t		bytes[40] = {0};
	commitment_parts p;

	assert_false(parse_bytes(bytes, 0, &p));
	assert_true(parse_bytes(bytes, 1, &p));
	bytes[0] = 1;
	assert_false(parse_bytes(bytes, 32, &p));
	assert_true(parse_bytes(bytes, 33, &p));
	bytes[0] = 2;
	assert_false(parse_bytes(bytes, 32, &p));
	assert_true(parse_bytes(bytes, 33, &p));
	assert_false(parse_bytes(bytes, 34, &p));
	bytes[0] = 3;
	assert_false(parse_bytes(bytes, 33, &p));
	bytes[0] = 0xff;
	assert_false(parse_bytes(bytes, 33, &p));
}

#define HEX "a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf"

static void
text_there_and_back(void **state)
{
	static const struct
	{
		const char *text;
		commitment_form form;
		const char *value;
	}			sound[] = {
		{"", COMMITMENT_PLAIN, ""},
		{"Erika", COMMITMENT_PLAIN, "Erika"},
		{"energyledger", COMMITMENT_PLAIN, "energyledger"},
		{" energyledger:x", COMMITMENT_PLAIN, " energyledger:x"},
		{"energyledger:plain:energyledger:", COMMITMENT_PLAIN, "energyledger:"},
		{"energyledger:plain:energyledger:salted:" HEX ":x", COMMITMENT_PLAIN, "energyledger:salted:" HEX ":x"},
		{"energyledger:salted:" HEX ":", COMMITMENT_SALTED, ""},
		{"energyledger:salted:" HEX ":Erika: 1\n", COMMITMENT_SALTED, "Erika: 1\n"},
		{"energyledger:salted:" HEX ":energyledger:x", COMMITMENT_SALTED, "energyledger:x"},
		{"energyledger:redacted:" HEX, COMMITMENT_REDACTED, ""},
	};

	for (size_t i = 0; i < sizeof(sound) / sizeof(sound[0]); i++)
	{
		size_t		len = strlen(sound[i].text);
		char	   *exact = unit_exact(sound[i].text, len);
		char	   *back;
		uint8_t		hash[32];
		commitment_parts p;

		if (!commitment_text_parse(exact, len, hash, &p))
			fail_msg("not taken: %s", sound[i].text);
		assert_int_equal(p.form, sound[i].form);
		assert_int_equal(p.value_len, strlen(sound[i].value));
		assert_memory_equal(p.value_len > 0 ? (const char *) p.value : "", sound[i].value, p.value_len);
		if (p.form != COMMITMENT_PLAIN)
			assert_memory_equal(hash, salt, 32);
		assert_int_equal(commitment_text_size(&p), len);
		back = malloc(len + 1);
		commitment_text_put(&p, back);
		assert_memory_equal(back, sound[i].text, len);
		free(back);
		free(exact);
	}
}

static void
no_text_form(void **state)
{
	static const char *const bad[] = {
		"energyledger:", "energyledger:x", "energyledger:plain", "energyledger:plain:", "energyledger:plain:x",
		"energyledger:salted:", "energyledger:salted:" HEX, "energyledger:salted:" HEX "x",
		"energyledger:salted:A0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf:x",
		"energyledger:salted:g0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf:x",
		"energyledger:salted: :x", "energyledger:redacted:", "energyledger:redacted:" HEX ":",
		"energyledger:redacted:a0", "energyledger:redacted:" HEX "0", "energyledger:Salted:" HEX ":x",
		"energyledger::", "energyledger:salted" HEX ":x"
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		size_t		len = strlen(bad[i]);
		char	   *exact = unit_exact(bad[i], len);
		uint8_t		hash[32];
		commitment_parts p;

		if (commitment_text_parse(exact, len, hash, &p))
			fail_msg("taken: %s", bad[i]);
		free(exact);
	}
}

static void
length_limit(void **state)
{
	char	   *text = malloc(COMMITMENT_VALUE_LEN_MAX + 1);
	uint8_t		hash[32];
	commitment_parts p;

	memset(text, 'x', COMMITMENT_VALUE_LEN_MAX + 1);
	assert_true(commitment_text_parse(text, COMMITMENT_VALUE_LEN_MAX, hash, &p));
	assert_false(commitment_text_parse(text, COMMITMENT_VALUE_LEN_MAX + 1, hash, &p));
	text[0] = 0;
	assert_true(commitment_parse((uint8_t *) text, COMMITMENT_VALUE_LEN_MAX + 1, &p));
	free(text);
	text = calloc(1, COMMITMENT_VALUE_LEN_MAX + 2);
	assert_false(commitment_parse((uint8_t *) text, COMMITMENT_VALUE_LEN_MAX + 2, &p));
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(bytes_hashed, set_up),
		cmocka_unit_test_setup(opening, set_up),
		cmocka_unit_test_setup(stored_form, set_up),
		cmocka_unit_test(no_stored_form),
		cmocka_unit_test_setup(text_there_and_back, set_up),
		cmocka_unit_test(no_text_form),
		cmocka_unit_test(length_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
