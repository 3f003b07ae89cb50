/*
 * test_envelope.c: published messages, messages of other people's libraries, our
 * own, and what becomes of each when a byte is missing or changed.
 */
#include "unit.h"

#include "core/base64.h"
#include "core/ed25519.h"
#include "core/envelope.h"

/* RFC 8037 appendix A.4 and COSE's eddsa-sig-01 share the key of RFC 8032's TEST 1. */
static const char rfc8032_key[] = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
static const char rfc8037_jws[] =
"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
".hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
static const char eddsa_sig_01[] =
"d28445a201270300a10442313154546869732069732074686520636f6e74656e742e5840"
"7142fd2ff96d56db85bee905a76ba1d0b7321a95c8c4d3607c5781932b7afb87"
"11497dfa751bf40b58b3bcc32300b1487f3db34085eef013bf08f4a44d6fef0d";
static const char ecdsa_sig_01[] =
"d28445a201260300a10442313154546869732069732074686520636f6e74656e742e5840"
"6520bbaf2081d7e0ed0f95f76eb0733d667005f7467cec4b87b9381a6ba1ede8"
"e00df29f32a37230f39a842a54821fdd223092819d7728efb9d3a0080b75380b";
static const char ecdsa_key_11[] =
"04bac5b11cad8f99f9c72b05cf4b9e26d244dc189f745228255a219a86d6a09eff"
"20138bf82dc1b6d562be0fa54ab7804a3a64b6d72ccfed6b6fb6ed28bbfc117e";

static uint8_t scratch[ENVELOPE_SCRATCH_BYTES];

static refusal
parse(const void *message, size_t len, envelope *e)
{
	static uint8_t *kept;

	/* the envelope points into the message: it stays until the next one */
	free(kept);
	kept = unit_exact(message, len);
	return envelope_parse(kept, len, scratch, e);
}

static void
published_messages(void **state)
{
	uint8_t		key[65];
	uint8_t		message[256];
	size_t		len;
	size_t		key_len = unit_hex(rfc8032_key, key, sizeof(key));
	envelope	e;

	assert_int_equal(parse(rfc8037_jws, strlen(rfc8037_jws), &e), REFUSAL_NONE);
	assert_int_equal(e.kind, ENVELOPE_JWS);
	assert_int_equal(e.algorithm, ENVELOPE_ED25519);
	assert_int_equal(e.payload_len, strlen("Example of Ed25519 signing"));
	assert_memory_equal(e.payload, "Example of Ed25519 signing", e.payload_len);
	assert_null(e.key_id);
	assert_true(envelope_signature_valid(&e, key, key_len));
	assert_false(envelope_signature_valid(&e, key, key_len - 1));

	len = unit_hex(eddsa_sig_01, message, sizeof(message));
	assert_int_equal(parse(message, len, &e), REFUSAL_NONE);
	assert_int_equal(e.kind, ENVELOPE_COSE_SIGN1);
	assert_int_equal(e.algorithm, ENVELOPE_ED25519);
	assert_int_equal(e.key_id_len, 2);
	assert_memory_equal(e.key_id, "11", 2);
	assert_memory_equal(e.payload, "This is the content.", e.payload_len);
	assert_true(envelope_signature_valid(&e, key, key_len));

	len = unit_hex(ecdsa_sig_01, message, sizeof(message));
	assert_int_equal(parse(message, len, &e), REFUSAL_NONE);
	assert_int_equal(e.algorithm, ENVELOPE_ES256);
	assert_false(envelope_signature_valid(&e, key, key_len));
	key_len = unit_hex(ecdsa_key_11, key, sizeof(key));
	assert_true(envelope_signature_valid(&e, key, key_len));
	e.signature[63] ^= 1;
	assert_false(envelope_signature_valid(&e, key, key_len));
}

/* With a kid and a typ, as npm's jose writes them; the header's names of Ed25519. */
static void
foreign_headers(void **state)
{
	static const char *const jose[] = {
		"eyJhbGciOiJFZERTQSIsImtpZCI6IngiLCJ0eXAiOiJKV1QifQ.eyJ2IjoxfQ."
		"qYbJEBqcTPq0L-himv9n9nXQTQH0YxhJgHrfbExj7Y6PLYmpnkup-1e-2GoYNzEnN4VFzlKnpApqqPCJrYMBCw",
		"eyJhbGciOiJFZDI1NTE5Iiwia2lkIjoieCIsInR5cCI6IkpXVCJ9.eyJ2IjoxfQ."
		"FGEbs_-26o3aRDsGd1m9wMYYWJJ6PFauAufU9fMsGwfs1FSHUy6Ogm-Pr8kfvpZYU7_2_PbJxcA5KGsB1b8VBg"
	};
	uint8_t		key[32];

	unit_hex(rfc8032_key, key, sizeof(key));
	for (int i = 0; i < 2; i++)
	{
		envelope	e;

		assert_int_equal(parse(jose[i], strlen(jose[i]), &e), REFUSAL_NONE);
		assert_int_equal(e.key_id_len, 1);
		assert_memory_equal(e.key_id, "x", 1);
		assert_true(envelope_signature_valid(&e, key, sizeof(key)));
	}
}

static size_t
sign(envelope_kind kind, const void *payload, size_t payload_len, uint8_t public_key[32],
	 uint8_t *out, size_t cap)
{
	static const uint8_t seed[ED25519_SEED_LEN] = "a seed that only tests are using";
	uint8_t		secret_key[ED25519_SECRET_LEN];

	ed25519_from_seed(seed, public_key, secret_key);
	return envelope_sign(kind, payload, payload_len, secret_key, out, cap);
}

static void
own_messages_come_back(void **state)
{
	static const size_t sizes[] = {0, 1, 2, 3, 23, 24, 255, 256, 1000, 12000};
	static uint8_t payload[12000];
	static uint8_t message[MESSAGE_BYTES_MAX];
	uint64_t	seed = 1;

	unit_random_bytes(&seed, payload, sizeof(payload));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
	{
		for (int kind = ENVELOPE_COSE_SIGN1; kind <= ENVELOPE_JWS; kind++)
		{
			uint8_t		key[32];
			envelope	e;
			size_t		len = sign((envelope_kind) kind, payload, sizes[i], key, message, sizeof(message));

			assert_true(len > 0);
			assert_int_equal(parse(message, len, &e), REFUSAL_NONE);
			assert_int_equal(e.kind, kind);
			assert_int_equal(e.payload_len, sizes[i]);
			assert_memory_equal(e.payload, payload, sizes[i]);
			assert_true(envelope_signature_valid(&e, key, sizeof(key)));
			assert_int_equal(sign((envelope_kind) kind, payload, sizes[i], key, message, len - 1), 0);
		}
	}
	/* base64 makes 16384 of 12288: what does not fit is not signed */
	assert_int_equal(sign(ENVELOPE_JWS, message, 12289, payload, message, sizeof(message)), 0);
}

/* Every prefix is refused, and every flipped bit is refused or fails the signature. */
static void
damage_is_noticed(void **state)
{
	uint8_t		message[400];
	static const char payload[] = "{\"v\":1}";

	for (int kind = ENVELOPE_COSE_SIGN1; kind <= ENVELOPE_JWS; kind++)
	{
		uint8_t		key[32];
		envelope	e;
		size_t		len = sign((envelope_kind) kind, payload, sizeof(payload) - 1, key, message, sizeof(message));

		for (size_t n = 0; n < len; n++)
			assert_int_not_equal(parse(message, n, &e), REFUSAL_NONE);
		for (size_t bit = 0; bit < 8 * len; bit++)
		{
			message[bit / 8] ^= (uint8_t) (1 << bit % 8);
			if (parse(message, len, &e) == REFUSAL_NONE)
				assert_false(envelope_signature_valid(&e, key, sizeof(key)));
			message[bit / 8] ^= (uint8_t) (1 << bit % 8);
		}
	}
}

static void
jws_headers(void **state)
{
	static const struct
	{
		const char *header;
		refusal		why;
	}			headers[] = {
		{"{\"alg\":\"EdDSA\",\"cty\":\"x\",\"other\":\"\\u0041\"}", REFUSAL_NONE},
		{"{\"alg\":\"ES256\"}", REFUSAL_NONE},
		{"{\"alg\":\"none\"}", REFUSAL_UNSUPPORTED_ALGORITHM},
		{"{\"alg\":\"HS256\"}", REFUSAL_UNSUPPORTED_ALGORITHM},
		{"{\"alg\":\"EdDSA\\u0020\"}", REFUSAL_UNSUPPORTED_ALGORITHM},
		{"{\"alg\":\"EdDSA\",\"alg\":\"EdDSA\"}", REFUSAL_DUPLICATE_KEY},
		{"{\"typ\":\"JWT\"}", REFUSAL_BAD_HEADER},
		{"{\"alg\":\"EdDSA\",\"crit\":\"exp\"}", REFUSAL_BAD_HEADER},
		{"{\"alg\":\"EdDSA\",\"b64\":\"x\"}", REFUSAL_BAD_HEADER},
		{"{\"alg\":\"EdDSA\",\"iat\":1}", REFUSAL_BAD_HEADER},
		{"{\"alg\":\"EdDSA\",\"kid\":\"\\u0041\"}", REFUSAL_BAD_HEADER},
		{"{\"alg\":\"EdDSA\"}x", REFUSAL_TRAILING_BYTES},
		{"{\"alg\":\"EdDSA\"", REFUSAL_BAD_JSON}
	};

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
	{
		char		message[300];
		size_t		len;
		envelope	e;

		len = base64url_encode((const uint8_t *) headers[i].header, strlen(headers[i].header),
							   message, sizeof(message));
		len += (size_t) sprintf(message + len, ".e30.%086d", 0);
		/* 86 zeros end in a digit whose unused bits are not zero; A's do not */
		memset(message + len - 86, 'A', 86);
		if (parse(message, len, &e) != headers[i].why)
			fail_msg("%s: %s, not %s", headers[i].header,
					 refusal_name(parse(message, len, &e)), refusal_name(headers[i].why));
	}
}

static void
jws_signature_length(void **state)
{
	char		message[sizeof(rfc8037_jws) + 1];
	size_t		len = strlen(rfc8037_jws);
	envelope	e;

	strcpy(message, rfc8037_jws);
	assert_int_equal(parse(message, len - 1, &e), REFUSAL_BAD_SIGNATURE_LENGTH);
	strcat(message, "A");
	assert_int_equal(parse(message, len + 1, &e), REFUSAL_BAD_SIGNATURE_LENGTH);
	message[len - 1] = 'h';		/* an unused bit */
	assert_int_equal(parse(message, len, &e), REFUSAL_BAD_BASE64);
}

/* Everything before the payload of one byte and the signature of 64. */
static void
cose_headers(void **state)
{
	static const struct
	{
		const char *begin;
		refusal		why;
	}			begins[] = {
		{"d28443a10127a0", REFUSAL_NONE}, {"d28443a10132a0", REFUSAL_NONE},
		{"d28443a10126a0", REFUSAL_NONE}, {"d28443a10128a0", REFUSAL_NONE},
		{"d28443a10127a11863818100", REFUSAL_NONE},
		{"d28444a1013823a0", REFUSAL_UNSUPPORTED_ALGORITHM}, {"d28444a1016145a0", REFUSAL_UNSUPPORTED_ALGORITHM},
		{"d28440a0", REFUSAL_BAD_HEADER}, {"d28441a0a0", REFUSAL_BAD_HEADER},
		{"d28441a0a10127", REFUSAL_BAD_HEADER}, {"d28447a20127028118638100", REFUSAL_BAD_HEADER},
		{"d28443a10127a1028101", REFUSAL_BAD_HEADER},
		{"d28443a10127a10127", REFUSAL_DUPLICATE_KEY}, {"d28445a201270127a0", REFUSAL_DUPLICATE_KEY},
		{"d28446a20127044161a1044161", REFUSAL_DUPLICATE_KEY},
		{"d28444a1012700a0", REFUSAL_TRAILING_BYTES}, {"d28443a10127a10401", REFUSAL_WRONG_TYPE},
		{"d28443a10127a11863818180", REFUSAL_TOO_DEEP}, {"d28443a10127a11863f93c00", REFUSAL_NOT_AN_INTEGER},
		{"d28543a10127a0", REFUSAL_BAD_SECTIONS}, {"d28343a10127a0", REFUSAL_BAD_SECTIONS},
		{"d28443a10127bfff", REFUSAL_INDEFINITE_LENGTH}, {"d2a143a10127a0", REFUSAL_WRONG_TYPE}
	};
	char		hex[400];
	uint8_t		message[200];
	envelope	e;

	for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++)
	{
		sprintf(hex, "%s41005840%0128d", begins[i].begin, 0);
		if (parse(message, unit_hex(hex, message, sizeof(message)), &e) != begins[i].why)
			fail_msg("%s: not %s", begins[i].begin, refusal_name(begins[i].why));
	}
	for (int n = 62; n <= 66; n++)
	{
		sprintf(hex, "d28443a10127a0410058%02x%0*d", n, 2 * n, 0);
		assert_int_equal(parse(message, unit_hex(hex, message, sizeof(message)), &e),
						 n == 64 ? REFUSAL_NONE : REFUSAL_BAD_SIGNATURE_LENGTH);
	}
	/* the payload must be there */
	sprintf(hex, "d28443a10127a0f65840%0128d", 0);
	assert_int_equal(parse(message, unit_hex(hex, message, sizeof(message)), &e), REFUSAL_WRONG_TYPE);
}

static void
limits(void **state)
{
	static uint8_t message[MESSAGE_BYTES_MAX + 1] = "eyJ";
	envelope	e;

	assert_int_equal(parse(message, 0, &e), REFUSAL_EMPTY);
	assert_int_equal(parse(message, sizeof(message), &e), REFUSAL_TOO_LARGE);
	assert_int_equal(parse(message, sizeof(message) - 1, &e), REFUSAL_BAD_SECTIONS);
	assert_int_equal(parse("{}", 2, &e), REFUSAL_UNKNOWN_ENVELOPE);
}

static void
names_of_algorithms(void **state)
{
	assert_int_equal(envelope_algorithm_by_name("Ed25519"), ENVELOPE_ED25519);
	assert_int_equal(envelope_algorithm_by_name("ES256"), ENVELOPE_ES256);
	assert_int_equal(envelope_algorithm_by_name("ed25519"), 0);
	assert_string_equal(envelope_algorithm_name(ENVELOPE_ES256), "ES256");
}

/* Each code has a name of its own. */
static void
names_of_refusals(void **state)
{
	for (int a = 0; a < REFUSAL_COUNT; a++)
	{
		assert_string_not_equal(refusal_name((refusal) a), "unknown");
		for (int b = 0; b < a; b++)
			assert_string_not_equal(refusal_name((refusal) a), refusal_name((refusal) b));
	}
	assert_string_equal(refusal_name(REFUSAL_COUNT), "unknown");
}

static int
start(void **state)
{
	return core_crypto_init() ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_messages),
		cmocka_unit_test(foreign_headers),
		cmocka_unit_test(own_messages_come_back),
		cmocka_unit_test(damage_is_noticed),
		cmocka_unit_test(jws_headers),
		cmocka_unit_test(jws_signature_length),
		cmocka_unit_test(cose_headers),
		cmocka_unit_test(limits),
		cmocka_unit_test(names_of_algorithms),
		cmocka_unit_test(names_of_refusals),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
