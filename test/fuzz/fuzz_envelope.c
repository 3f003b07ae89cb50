/*
 * fuzz_envelope.c: any bytes as a signed message.
 *
 * What is taken apart must lie within the message and the scratch, and no
 * message that was not signed here may verify with our key (the corpus is signed
 * by another).  What is signed here
 * comes back, in both envelopes.
 */
#include "fuzz.h"

#include "core/ed25519.h"
#include "core/envelope.h"

static uint8_t public_key[ED25519_PUBLIC_LEN];
static uint8_t secret_key[ED25519_SECRET_LEN];
static uint8_t scratch[ENVELOPE_SCRATCH_BYTES];

extern int	LLVMFuzzerInitialize(int *argc, char ***argv);

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const uint8_t seed[ED25519_SEED_LEN] = {0x07};

	FUZZ_CHECK(core_crypto_init());
	ed25519_from_seed(seed, public_key, secret_key);
	return 0;
}

static bool
lies_within(const uint8_t *piece, size_t piece_len, const uint8_t *whole, size_t whole_len)
{
	return piece >= whole && piece_len <= whole_len && piece - whole <= (ptrdiff_t) (whole_len - piece_len);
}

static bool
lies_in_message_or_scratch(const uint8_t *piece, size_t piece_len, const uint8_t *data, size_t size)
{
	return lies_within(piece, piece_len, data, size) ||
		lies_within(piece, piece_len, scratch, sizeof(scratch));
}

static void
try_message(const uint8_t *data, size_t size)
{
	envelope	e;

	if (envelope_parse(data, size, scratch, &e) != REFUSAL_NONE)
		return;
	FUZZ_CHECK(size <= MESSAGE_BYTES_MAX);
	FUZZ_CHECK(e.algorithm == ENVELOPE_ED25519 || e.algorithm == ENVELOPE_ES256 || e.kind == ENVELOPE_OCMF);
	FUZZ_CHECK(lies_in_message_or_scratch(e.payload, e.payload_len, data, size));
	FUZZ_CHECK(lies_in_message_or_scratch(e.signed_bytes, e.signed_len, data, size));
	FUZZ_CHECK(e.key_id == NULL || lies_in_message_or_scratch(e.key_id, e.key_id_len, data, size));
	FUZZ_CHECK(!envelope_signature_valid(&e, public_key, sizeof(public_key)));
}

static void
try_payload(envelope_kind kind, const uint8_t *data, size_t size)
{
	static uint8_t message[MESSAGE_BYTES_MAX];
	size_t		len = envelope_sign(kind, data, size, secret_key, message, sizeof(message));
	envelope	e;

	if (len == 0)
	{
		FUZZ_CHECK(size > 12000);
		return;
	}
	FUZZ_CHECK(envelope_parse(message, len, scratch, &e) == REFUSAL_NONE);
	FUZZ_CHECK(e.kind == kind && e.payload_len == size && memcmp(e.payload, data, size) == 0);
	FUZZ_CHECK(envelope_signature_valid(&e, public_key, sizeof(public_key)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_message(data, size);
	/* signing is slow: a part of the inputs is enough */
	if (size > 0 && data[0] % 16 == 0)
	{
		try_payload(ENVELOPE_COSE_SIGN1, data, size);
		try_payload(ENVELOPE_JWS, data, size);
	}
	return 0;
}
