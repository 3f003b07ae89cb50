/*
 * fuzz_json.c: any bytes as JSON of the fixed profile.
 *
 * A value that is passed over can also be walked, strings come out as UTF-8 no longer than
 * they stood there, and integers are spelled in one way.
 */
#include "fuzz.h"

#include "core/json.h"
#include "core/utf8.h"

#define DEPTH 6

static bool
walk(json_reader *r, int depth)
{
	uint8_t		c = json_peek(r);
	json_string s;
	int64_t		number;
	char		text[24];
	const uint8_t *begin;

	if (c == '{' || c == '[')
	{
		bool		first = true;
		bool		more;

		if (depth == 0 || json_enter(r, c) != REFUSAL_NONE)
			return false;
		for (;; first = false)
		{
			if (json_more(r, c, first, &more) != REFUSAL_NONE)
				return false;
			if (!more)
				return true;
			if (c == '{' && json_read_name(r, &s) != REFUSAL_NONE)
				return false;
			if (!walk(r, depth - 1))
				return false;
		}
	}
	if (c == '"')
	{
		uint8_t    *out;
		size_t		len;

		if (json_read_string(r, &s) != REFUSAL_NONE)
			return false;
		out = malloc(s.len + 1);
		FUZZ_CHECK(out != NULL);
		memcpy(out, s.bytes, s.len);
		s.bytes = out;			/* where it stands, as receipts do it */
		len = json_unescape(&s, out);
		FUZZ_CHECK(len <= s.len && (len == s.len) == s.plain && utf8_valid(out, len));
		free(out);
		return true;
	}
	if (c == '-' || (c >= '0' && c <= '9'))
	{
		begin = r->at;
		if (json_read_int(r, &number) != REFUSAL_NONE)
			return false;
		snprintf(text, sizeof(text), "%lld", (long long) number);
		FUZZ_CHECK(strlen(text) == (size_t) (r->at - begin) && memcmp(text, begin, strlen(text)) == 0);
		return true;
	}
	return json_skip(r, 0) == REFUSAL_NONE;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_reader skipped;
	json_reader walked;

	json_open(&skipped, data, size);
	json_open(&walked, data, size);
	if (json_skip(&skipped, DEPTH) == REFUSAL_NONE)
	{
		FUZZ_CHECK(walk(&walked, DEPTH));
		FUZZ_CHECK(walked.at == skipped.at);
	}
	return 0;
}
