/*
 * test_envelope_ocmf.c: OCMF records signed here, by every algorithm and in every
 * form of signature; and all that is not one.
 */
#include "unit.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "core/base64.h"
#include "core/envelope.h"
#include "core/key_form.h"

#define PAYLOAD "{\"FV\":\"1.0\",\"PG\":\"T1\",\"MS\":\"m\",\"RD\":[]}"

static const struct
{
	envelope_algorithm algorithm;
	const char *name;			/* as SA has it */
	const char *group;
	size_t		integer_len;
	bool		sha384;
}			algorithms[] =
{
	{ENVELOPE_ES256, "ECDSA-secp256r1-SHA256", "prime256v1", 32, false},
	{ENVELOPE_SECP192R1_SHA256, "ECDSA-secp192r1-SHA256", "prime192v1", 24, false},
	{ENVELOPE_SECP192K1_SHA256, "ECDSA-secp192k1-SHA256", "secp192k1", 24, false},
	{ENVELOPE_SECP256K1_SHA256, "ECDSA-secp256k1-SHA256", "secp256k1", 32, false},
	{ENVELOPE_BRAINPOOL256R1_SHA256, "ECDSA-brainpool256r1-SHA256", "brainpoolP256r1", 32, false},
	{ENVELOPE_BRAINPOOL256R1_SHA256, "ECDSA-brainpoolP256r1-SHA256", "brainpoolP256r1", 32, false},
	{ENVELOPE_SECP384R1_SHA256, "ECDSA-secp384r1-SHA256", "secp384r1", 48, false},
	{ENVELOPE_BRAINPOOL384R1_SHA256, "ECDSA-brainpool384r1-SHA256", "brainpoolP384r1", 48, false},
	{ENVELOPE_SECP384R1_SHA384, "ECDSA-secp384r1-SHA384", "secp384r1", 48, true},
	{ENVELOPE_BRAINPOOL384R1_SHA384, "ECDSA-brainpool384r1-SHA384", "brainpoolP384r1", 48, true}
};

#define ALGORITHMS (sizeof(algorithms) / sizeof(algorithms[0]))

static uint8_t scratch[ENVELOPE_SCRATCH_BYTES];

typedef struct made
{
	uint8_t		key[ECDSA_SPKI_LEN_MAX];
	size_t		key_len;
	uint8_t		der[ECDSA_SIGNATURE_LEN_MAX];
	size_t		der_len;
	uint8_t		raw[2 * ECDSA_INTEGER_LEN_MAX];
	uint8_t		fixed[2 * ECDSA_INTEGER_LEN_MAX + 6];
} made;

static void
sign(made *m, size_t a)
{
	EVP_PKEY   *key = EVP_EC_gen(algorithms[a].group);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	const size_t n = algorithms[a].integer_len;
	const uint8_t *at = m->der;
	uint8_t    *out = m->key;
	ECDSA_SIG  *sig;

	m->key_len = (size_t) i2d_PUBKEY(key, &out);
	m->der_len = sizeof(m->der);
	assert_int_equal(EVP_DigestSignInit(ctx, NULL, algorithms[a].sha384 ? EVP_sha384() : EVP_sha256(), NULL, key), 1);
	assert_int_equal(EVP_DigestSign(ctx, m->der, &m->der_len, (const uint8_t *) PAYLOAD, strlen(PAYLOAD)), 1);
	sig = d2i_ECDSA_SIG(NULL, &at, (long) m->der_len);
	BN_bn2binpad(ECDSA_SIG_get0_r(sig), m->raw, (int) n);
	BN_bn2binpad(ECDSA_SIG_get0_s(sig), m->raw + n, (int) n);
	m->fixed[0] = 0x30;
	m->fixed[1] = (uint8_t) (2 * n + 4);
	m->fixed[2] = m->fixed[4 + n] = 0x02;
	m->fixed[3] = m->fixed[5 + n] = (uint8_t) n;
	memcpy(m->fixed + 4, m->raw, n);
	memcpy(m->fixed + 6 + n, m->raw + n, n);
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
}

static const char *
hex_of(const uint8_t *bytes, size_t len, bool upper)
{
	static char text[2 * ECDSA_SIGNATURE_LEN_MAX + 3];

	text[0] = '\0';
	for (size_t i = 0; i < len; i++)
		sprintf(text + 2 * i, upper ? "%02X" : "%02x", bytes[i]);
	return text;
}

static const char *
base64_of(const uint8_t *bytes, size_t len)
{
	static char text[BASE64_LEN(ECDSA_SIGNATURE_LEN_MAX) + 1];

	text[base64_encode(bytes, len, text, sizeof(text) - 1)] = '\0';
	return text;
}

static refusal
parse(const char *record, envelope *e)
{
	static uint8_t *kept;
	size_t		len = strlen(record);

	/* the envelope points into the record: it stays until the next one */
	free(kept);
	kept = unit_exact(record, len);
	return envelope_parse(kept, len, scratch, e);
}

static const char *
record_of(const char *payload, const char *section)
{
	static char record[4096];

	assert_true(snprintf(record, sizeof(record), "OCMF|%s|%s", payload, section) < (int) sizeof(record));
	return record;
}

static const char *
section_of(const char *algorithm, const char *others, const char *data)
{
	static char section[2048];

	snprintf(section, sizeof(section), "{\"SA\":\"%s\",%s\"SD\":\"%s\"}", algorithm, others, data);
	return section;
}

static void
check_valid(const char *record, size_t a, const made *m)
{
	envelope	e;
	key_form	form;

	assert_int_equal(parse(record, &e), REFUSAL_NONE);
	assert_int_equal(e.kind, ENVELOPE_OCMF);
	assert_int_equal(e.algorithm, algorithms[a].algorithm);
	assert_int_equal(e.payload_len, strlen(PAYLOAD));
	assert_memory_equal(e.payload, PAYLOAD, e.payload_len);
	assert_null(e.key_id);
	assert_true(envelope_signature_valid(&e, m->key, m->key_len));
	assert_int_equal(key_form_read(e.algorithm, m->key, m->key_len, &form), KEY_FORM_SOUND);
	assert_true(envelope_signature_valid(&e, form.bytes, form.len));
	form.bytes[form.len - 1] ^= 1;
	assert_false(envelope_signature_valid(&e, form.bytes, form.len));
}

static void
every_algorithm_in_every_form(void **state)
{
	for (size_t a = 0; a < ALGORITHMS; a++)
	{
		const char *name = algorithms[a].name;
		const size_t n = algorithms[a].integer_len;

		/* often enough that r and s have had their top bit set and not */
		for (int round = 0; round < 20; round++)
		{
			made		m;
			envelope	e;

			sign(&m, a);
			check_valid(record_of(PAYLOAD, section_of(name, "", hex_of(m.der, m.der_len, true))), a, &m);
			check_valid(record_of(PAYLOAD, section_of(name, "\"SE\":\"hex\",", hex_of(m.raw, 2 * n, false))), a, &m);
			check_valid(record_of(PAYLOAD, section_of(name, "\"SM\":\"application/x-der\",", hex_of(m.fixed, 2 * n + 6, false))), a, &m);
			check_valid(record_of(PAYLOAD, section_of(name, "\"SE\":\"base64\",", base64_of(m.der, m.der_len))), a, &m);
			check_valid(record_of(PAYLOAD, section_of(name, "\"SM\":\"application\\/x-der\",\"SE\":\"base64\",", base64_of(m.raw, 2 * n))), a, &m);
			assert_int_equal(parse(record_of(PAYLOAD " ", section_of(name, "", hex_of(m.der, m.der_len, true))), &e), REFUSAL_NONE);
			assert_false(envelope_signature_valid(&e, m.key, m.key_len));
		}
	}
}

/* No SA is P-256; members that are not read, of every kind; slashes with and without escapes. */
static void
defaults_and_other_members(void **state)
{
	made		m;
	char		section[1024];
	char		escaped[1024];
	char	   *out = escaped;

	sign(&m, 0);
	snprintf(section, sizeof(section), "{\"SD\":\"%s\"}", hex_of(m.der, m.der_len, true));
	check_valid(record_of(PAYLOAD, section), 0, &m);
	snprintf(section, sizeof(section), " {\n\"AB\" : {\"a\":[1.50,-2e3]} , \"Z\":null, \"SD\" : \"%s\"}", hex_of(m.der, m.der_len, true));
	check_valid(record_of(PAYLOAD, section), 0, &m);
	for (const char *at = base64_of(m.der, m.der_len); *at != '\0'; at++)
	{
		if (*at == '/')
			*out++ = '\\';
		*out++ = *at;
	}
	*out = '\0';
	check_valid(record_of(PAYLOAD, section_of("ECDSA-secp256r1-SHA256", "\"SE\":\"base64\",", escaped)), 0, &m);
}

#define SD64 "\"SD\":\"" \
	"1111111111111111111111111111111111111111111111111111111111111111" \
	"1111111111111111111111111111111111111111111111111111111111111111\""

static void
refusals(void **state)
{
	static const struct
	{
		const char *record;
		refusal		why;
	}			bad[] = {
		{"OCMF|" PAYLOAD "|{" SD64 "}", REFUSAL_NONE},
		{"OCMF||{" SD64 "}", REFUSAL_NONE}, /* the payload's reader says empty */
		{"OCMF", REFUSAL_UNKNOWN_ENVELOPE}, {"ocmf|{}|{" SD64 "}", REFUSAL_UNKNOWN_ENVELOPE}, {" OCMF|{}|{" SD64 "}", REFUSAL_UNKNOWN_ENVELOPE},
		{"OCMF|", REFUSAL_BAD_SECTIONS}, {"OCMF|{}", REFUSAL_BAD_SECTIONS}, {"OCMF|{}|", REFUSAL_BAD_SECTIONS},
		{"OCMF|{}|{" SD64 "}|", REFUSAL_BAD_SECTIONS}, {"OCMF|{}|{" SD64 "}|{}", REFUSAL_BAD_SECTIONS},
		{"OCMF|{\"a\":\"|\"}|{" SD64 "}", REFUSAL_BAD_SECTIONS},
		{"OCMF|{}|x", REFUSAL_BAD_JSON}, {"OCMF|{}|[]", REFUSAL_WRONG_TYPE}, {"OCMF|{}|{" SD64, REFUSAL_BAD_JSON},
		{"OCMF|{}|{" SD64 ",}", REFUSAL_BAD_JSON}, {"OCMF|{}|{" SD64 "}x", REFUSAL_TRAILING_BYTES},
		{"OCMF|{}|{" SD64 "} ", REFUSAL_TRAILING_BYTES}, {"OCMF|{}|{" SD64 "}\n", REFUSAL_TRAILING_BYTES},
		{"OCMF|{}|{" SD64 "," SD64 "}", REFUSAL_DUPLICATE_KEY}, {"OCMF|{}|{\"A\":1,\"A\":1," SD64 "}", REFUSAL_DUPLICATE_KEY},
		{"OCMF|{}|{" SD64 ",\"A\":[[[[]]]]}", REFUSAL_TOO_DEEP}, {"OCMF|{}|{" SD64 ",\"A\":\"\xff\"}", REFUSAL_BAD_UTF8},
		{"OCMF|{}|{}", REFUSAL_MISSING_SIGNATURE}, {"OCMF|{}|{\"SA\":\"ECDSA-secp256r1-SHA256\"}", REFUSAL_MISSING_SIGNATURE},
		{"OCMF|{}|{\"SD\":1}", REFUSAL_WRONG_TYPE}, {"OCMF|{}|{\"SA\":null," SD64 "}", REFUSAL_WRONG_TYPE},
		{"OCMF|{}|{\"SA\":\"\"," SD64 "}", REFUSAL_UNSUPPORTED_ALGORITHM}, {"OCMF|{}|{\"SA\":\"ES256\"," SD64 "}", REFUSAL_UNSUPPORTED_ALGORITHM},
		{"OCMF|{}|{\"SA\":\"Ed25519\"," SD64 "}", REFUSAL_UNSUPPORTED_ALGORITHM},
		{"OCMF|{}|{\"SA\":\"ECDSA-secp256r1-SHA384\"," SD64 "}", REFUSAL_UNSUPPORTED_ALGORITHM},
		{"OCMF|{}|{\"SA\":\"ECDSA-secp521r1-SHA256\"," SD64 "}", REFUSAL_UNSUPPORTED_ALGORITHM},
		{"OCMF|{}|{\"SA\":\"RSA-2048-SHA256\"," SD64 "}", REFUSAL_UNSUPPORTED_ALGORITHM},
		{"OCMF|{}|{\"SA\":\"ECDSA-secp256r1-SHA256\\u0000\"," SD64 "}", REFUSAL_UNSUPPORTED_ALGORITHM},
		{"OCMF|{}|{\"SA\":\"ECDSA-secp256r1-SHA256xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"," SD64 "}", REFUSAL_UNSUPPORTED_ALGORITHM},
		{"OCMF|{}|{\"SE\":\"HEX\"," SD64 "}", REFUSAL_UNSUPPORTED_ENCODING}, {"OCMF|{}|{\"SE\":\"base64url\"," SD64 "}", REFUSAL_UNSUPPORTED_ENCODING},
		{"OCMF|{}|{\"SM\":\"application/x-raw\"," SD64 "}", REFUSAL_UNSUPPORTED_ENCODING},
		{"OCMF|{}|{\"SD\":\"\"}", REFUSAL_BAD_SIGNATURE_FORM}, {"OCMF|{}|{\"SD\":\"1\"}", REFUSAL_BAD_HEX}, {"OCMF|{}|{\"SD\":\"1g\"}", REFUSAL_BAD_HEX},
		{"OCMF|{}|{\"SD\":\"30 06 02 01 01 02 01 01\"}", REFUSAL_BAD_HEX}, {"OCMF|{}|{\"SD\":\"3006020101020101\"}", REFUSAL_NONE},
		{"OCMF|{}|{\"SE\":\"base64\",\"SD\":\"MAYCAQECAQE=\"}", REFUSAL_NONE}, {"OCMF|{}|{\"SE\":\"base64\",\"SD\":\"MAYCAQECAQE\"}", REFUSAL_BAD_BASE64},
		{"OCMF|{}|{\"SE\":\"base64\",\"SD\":\"MAYCAQECAQF=\"}", REFUSAL_BAD_BASE64}, {"OCMF|{}|{\"SE\":\"base64\"," SD64 "}", REFUSAL_BAD_SIGNATURE_FORM},
		{"OCMF|{}|{\"SD\":\"300602010102010100\"}", REFUSAL_BAD_SIGNATURE_FORM}, {"OCMF|{}|{\"SD\":\"3006020181020101\"}", REFUSAL_BAD_SIGNATURE_FORM},
		{"OCMF|{}|{\"SA\":\"ECDSA-secp192r1-SHA256\"," SD64 "}", REFUSAL_BAD_SIGNATURE_FORM}
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		envelope	e;

		assert_int_equal(parse(bad[i].record, &e), bad[i].why);
	}
}

static void
cut_anywhere(void **state)
{
	made		m;
	envelope	e;
	const char *record;
	size_t		len;

	sign(&m, 0);
	record = record_of(PAYLOAD, section_of("ECDSA-secp256r1-SHA256", "", hex_of(m.der, m.der_len, false)));
	len = strlen(record);
	for (size_t n = 0; n < len; n++)
	{
		uint8_t    *exact = unit_exact(record, n);

		assert_int_not_equal(envelope_parse(exact, n, scratch, &e), REFUSAL_NONE);
		free(exact);
	}
}

/* Whatever bit is changed of payload or signature, it is not signed any more. */
static void
changed_anywhere(void **state)
{
	made		m;
	char		record[2048];
	size_t		signed_from = strlen("OCMF|");
	size_t		signed_to = signed_from + strlen(PAYLOAD);

	sign(&m, 3);
	strcpy(record, record_of(PAYLOAD, section_of("ECDSA-secp256k1-SHA256", "", hex_of(m.der, m.der_len, true))));
	check_valid(record, 3, &m);
	for (size_t at = 0; at < strlen(record); at++)
	{
		for (int bit = 0; bit < 8; bit++)
		{
			envelope	e;
			char		was = record[at];

			record[at] ^= (char) (1 << bit);
			/* hexadecimal means the same in either case, and 'A' ^ 0x20 is 'a' */
			if (record[at] != '\0' && parse(record, &e) == REFUSAL_NONE &&
				(bit != 5 || (at >= signed_from && at < signed_to)))
				assert_false(envelope_signature_valid(&e, m.key, m.key_len));
			record[at] = was;
		}
	}
}

/* What is signed is the payload, in whatever way the signature section is written. */
static void
another_section_signs_the_same(void **state)
{
	made		first;
	made		again;
	envelope	a;
	envelope	b;
	char		record[2048];

	sign(&first, 0);
	sign(&again, 0);
	strcpy(record, record_of(PAYLOAD, section_of("ECDSA-secp256r1-SHA256", "", hex_of(first.der, first.der_len, false))));
	assert_int_equal(parse(record, &a), REFUSAL_NONE);
	strcpy(record, record_of(PAYLOAD, section_of("ECDSA-secp256r1-SHA256", "\"ZZ\":1,", hex_of(again.der, again.der_len, true))));
	assert_int_equal(parse(record, &b), REFUSAL_NONE);
	assert_int_equal(a.signed_len, b.signed_len);
	assert_memory_equal(b.signed_bytes, PAYLOAD, b.signed_len);
	assert_memory_not_equal(a.signature, b.signature, 60);
}

static void
names_of_kinds_and_algorithms(void **state)
{
	ecdsa_curve curve;
	ecdsa_hash	hash;

	assert_string_equal(envelope_kind_name(ENVELOPE_COSE_SIGN1), "cose");
	assert_string_equal(envelope_kind_name(ENVELOPE_JWS), "jws");
	assert_string_equal(envelope_kind_name(ENVELOPE_OCMF), "ocmf");
	for (size_t a = 0; a < ALGORITHMS; a++)
		assert_int_equal(envelope_algorithm_by_name(algorithms[a].name), algorithms[a].algorithm);
	for (int a = ENVELOPE_ED25519; a <= ENVELOPE_ALGORITHM_MAX; a++)
	{
		assert_int_equal(envelope_algorithm_by_name(envelope_algorithm_name((envelope_algorithm) a)), a);
		assert_int_equal(envelope_algorithm_curve((envelope_algorithm) a, &curve, &hash), a != ENVELOPE_ED25519);
	}
	assert_string_equal(envelope_algorithm_name((envelope_algorithm) 0), "unknown");
	assert_string_equal(envelope_algorithm_name((envelope_algorithm) (ENVELOPE_ALGORITHM_MAX + 1)), "unknown");
	assert_false(envelope_algorithm_curve((envelope_algorithm) 0, &curve, &hash));
	assert_false(envelope_algorithm_curve((envelope_algorithm) (ENVELOPE_ALGORITHM_MAX + 1), &curve, &hash));
	assert_int_equal(envelope_sign(ENVELOPE_OCMF, scratch, 0, scratch, scratch, sizeof(scratch)), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_algorithm_in_every_form),
		cmocka_unit_test(defaults_and_other_members),
		cmocka_unit_test(refusals),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(changed_anywhere),
		cmocka_unit_test(another_section_signs_the_same),
		cmocka_unit_test(names_of_kinds_and_algorithms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
