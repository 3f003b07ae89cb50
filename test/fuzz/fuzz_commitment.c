/*
 * fuzz_commitment.c: whatever is taken as a redactable value's text or bytes is
 * written back as the very same, and has the same commitment either way.
 */
#include "fuzz.h"

#include "core/commitment.h"

static void
check_parts(const commitment_parts *p)
{
	size_t		size = commitment_size(p);
	size_t		text_size = commitment_text_size(p);
	uint8_t    *bytes = malloc(size);
	char	   *text = malloc(text_size + 1);
	uint8_t		hash[32];
	uint8_t		a[32];
	uint8_t		b[32];
	commitment_parts from_bytes;
	commitment_parts from_text;

	FUZZ_CHECK(bytes != NULL && text != NULL);
	commitment_put(p, bytes);
	commitment_text_put(p, text);
	FUZZ_CHECK(commitment_parse(bytes, size, &from_bytes));
	FUZZ_CHECK(commitment_text_parse(text, text_size, hash, &from_text));
	FUZZ_CHECK(from_bytes.form == p->form && from_text.form == p->form);
	FUZZ_CHECK(from_bytes.value_len == p->value_len && from_text.value_len == p->value_len);
	FUZZ_CHECK(commitment_of_parts(&from_bytes, a) == (p->form != COMMITMENT_PLAIN));
	FUZZ_CHECK(commitment_of_parts(&from_text, b) == (p->form != COMMITMENT_PLAIN));
	if (p->form != COMMITMENT_PLAIN)
		FUZZ_CHECK(memcmp(a, b, 32) == 0);
	else
		FUZZ_CHECK(memcmp(from_text.value, p->value, p->value_len) == 0);
	if (p->form == COMMITMENT_SALTED)
		FUZZ_CHECK(commitment_opens(a, 32, p->salt, 32, p->value, p->value_len));
	free(bytes);
	free(text);
}

/* As text. */
static void
try_text(const char *text, size_t size)
{
	uint8_t		hash[32];
	commitment_parts p;
	char	   *back;

	if (!commitment_text_parse(text, size, hash, &p))
		return;
	check_parts(&p);
	FUZZ_CHECK(commitment_text_size(&p) == size);
	back = malloc(size + 1);
	FUZZ_CHECK(back != NULL);
	commitment_text_put(&p, back);
	FUZZ_CHECK(memcmp(back, text, size) == 0);
	free(back);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const prefix[] = {
		"", "energyledger:", "energyledger:plain:", "energyledger:salted:", "energyledger:redacted:"
	};
	commitment_parts p;

	if (commitment_parse(data, size, &p))
	{
		uint8_t    *back = malloc(size);

		FUZZ_CHECK(back != NULL && commitment_size(&p) == size);
		commitment_put(&p, back);
		FUZZ_CHECK(memcmp(back, data, size) == 0);
		free(back);
		check_parts(&p);
	}
	for (size_t i = 0; i < sizeof(prefix) / sizeof(prefix[0]); i++)
	{
		size_t		len = strlen(prefix[i]);
		char	   *text = malloc(len + size + 1);

		FUZZ_CHECK(text != NULL);
		memcpy(text, prefix[i], len);
		if (size > 0)
			memcpy(text + len, data, size);
		try_text(text, len + size);
		free(text);
	}
	return 0;
}
