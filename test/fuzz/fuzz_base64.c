/*
 * fuzz_base64.c: whatever is encoded comes back, whatever is decoded is what
 * the encoder would have written, and no byte is touched beyond the room given.
 */
#include "fuzz.h"

#include "core/base64.h"

typedef size_t (*encoder) (const uint8_t *data, size_t len, char *out, size_t cap);
typedef bool (*decoder) (const char *text, size_t len, uint8_t *out, size_t cap, size_t *out_len);

static void
try_alphabet(encoder encode, decoder decode, const uint8_t *data, size_t size)
{
	size_t		text_cap = BASE64_LEN(size);
	char	   *text = malloc(text_cap + 1);
	uint8_t    *bytes = malloc(size + 1);
	size_t		len;
	size_t		text_len;

	FUZZ_CHECK(text != NULL && bytes != NULL);

	/* as bytes */
	text_len = encode(data, size, text, text_cap);
	FUZZ_CHECK((text_len == 0) == (size == 0));
	FUZZ_CHECK(decode(text, text_len, bytes, size, &len));
	FUZZ_CHECK(len == size && memcmp(bytes, data, size) == 0);
	if (size > 0)
	{
		FUZZ_CHECK(encode(data, size, text, text_len - 1) == 0);
		FUZZ_CHECK(!decode(text, text_len, bytes, size - 1, &len));
	}

	/* as text */
	if (decode((const char *) data, size, bytes, size, &len))
	{
		FUZZ_CHECK(encode(bytes, len, text, text_cap) == size);
		FUZZ_CHECK(memcmp(text, data, size) == 0);
	}
	free(text);
	free(bytes);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_alphabet(base64_encode, base64_decode, data, size);
	try_alphabet(base64url_encode, base64url_decode, data, size);
	return 0;
}
