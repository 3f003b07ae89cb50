/*
 * test_note.c: signed notes, verifier keys and checkpoints against C2SP's text.
 */
#include "unit.h"

#include "core/base64.h"
#include "core/note.h"
#include "core/sha256.h"

/* The example of c2sp.org/signed-note. */
static const char example_vkey[] =
"example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
static const char example_text[] = "This is an example message.\n";
static const char example_line[] =
"\xe2\x80\x94 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

static note_key key;			/* the example's */
static note_key mine;			/* one we can sign with */
static uint8_t mine_secret[ED25519_SECRET_LEN];

static int
make_keys(void **state)
{
	uint8_t		seed[ED25519_SEED_LEN] = "a seed that only tests are using";
	uint8_t		public_key[ED25519_PUBLIC_LEN];

	if (!core_crypto_init() || !note_key_parse(&key, example_vkey, strlen(example_vkey)))
		return -1;
	ed25519_from_seed(seed, public_key, mine_secret);
	return note_key_init(&mine, "site.example/1", public_key) ? 0 : -1;
}

/* Ask with a buffer that ends where it says. */
static note_result
verify(const char *note, size_t len, const note_key *k)
{
	char	   *exact = unit_exact(note, len);
	size_t		text_len = SIZE_MAX;
	note_result r = note_verify(exact, len, k, &text_len);

	assert_true((r == NOTE_VALID) == (text_len != SIZE_MAX));
	free(exact);
	return r;
}

static note_result
verify_text(const char *note, const note_key *k)
{
	return verify(note, strlen(note), k);
}

/* text, empty line, lines; the caller frees it */
static char *
join(const char *text, const char *lines)
{
	size_t		size = strlen(text) + strlen(lines) + 2;
	char	   *note = malloc(size);

	assert_non_null(note);
	snprintf(note, size, "%s\n%s", text, lines);
	return note;
}

static void
example_of_the_specification(void **state)
{
	char	   *note = join(example_text, example_line);
	size_t		text_len = 0;

	assert_int_equal(note_verify(note, strlen(note), &key, &text_len), NOTE_VALID);
	assert_int_equal(text_len, strlen(example_text));
	assert_string_equal(key.name, "example.com/foo");
	assert_int_equal(key.id, 0x530d903a);
	assert_int_equal(verify_text(note, &mine), NOTE_UNSIGNED);
	free(note);
}

static void
any_flipped_bit_is_refused(void **state)
{
	char	   *note = join(example_text, example_line);
	size_t		len = strlen(note);

	for (size_t bit = 0; bit < len * 8; bit++)
	{
		note[bit / 8] ^= (char) (1 << (bit % 8));
		assert_int_not_equal(verify(note, len, &key), NOTE_VALID);
		note[bit / 8] ^= (char) (1 << (bit % 8));
	}
	for (size_t n = 0; n < len; n++)
		assert_int_not_equal(verify(note, n, &key), NOTE_VALID);
	assert_int_equal(verify(note, len, &key), NOTE_VALID);
	free(note);
}

static void
vkey_comes_back(void **state)
{
	char		out[NOTE_NAME_LEN_MAX + 64];
	size_t		len = note_key_format(&key, out, sizeof(out));

	assert_int_equal(len, strlen(example_vkey));
	assert_memory_equal(out, example_vkey, len);
	assert_int_equal(note_key_format(&key, out, len), len);
	assert_int_equal(note_key_format(&key, out, len - 1), 0);

	for (size_t name_len = 1; name_len <= NOTE_NAME_LEN_MAX + 1; name_len++)
	{
		char		name[NOTE_NAME_LEN_MAX + 2];
		note_key	k;
		note_key	back;

		memset(name, 'n', name_len);
		name[name_len] = '\0';
		assert_int_equal(note_key_init(&k, name, key.public_key), name_len <= NOTE_NAME_LEN_MAX);
		if (name_len > NOTE_NAME_LEN_MAX)
			break;
		len = note_key_format(&k, out, sizeof(out));
		assert_true(note_key_parse(&back, out, len));
		assert_string_equal(back.name, name);
		assert_int_equal(back.id, k.id);
		assert_memory_equal(back.public_key, key.public_key, ED25519_PUBLIC_LEN);
	}
}

static void
malformed_vkeys_are_refused(void **state)
{
	static const char *const bad[] = {
		"", "+", "++", "example.com/foo", "example.com/foo+", "example.com/foo+530d903a",
		"example.com/foo+530d903a+",
		"+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
		"example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
		"example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",	/* another id */
		"example.com/fop+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",	/* another name */
		"example.com/foo+30d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
		"example.com/foo+0530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
		"example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2",
		"example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2kAA==",
		"example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k\n",
		"example.com/foo+530d903a+BOkyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
		"example com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		char	   *exact = unit_exact(bad[i], strlen(bad[i]));
		note_key	k;

		assert_false(note_key_parse(&k, exact, strlen(bad[i])));
		free(exact);
	}
}

/* The same key as a cosigner's, its id right for that: sound, but not for us. */
static void
vkey_of_another_type_is_refused(void **state)
{
	for (int type = 0; type < 256; type++)
	{
		uint8_t		data[64];
		size_t		name_len = strlen(key.name);
		uint8_t		id[SHA256_LEN];
		char		vkey[128];
		int			at;
		note_key	k;

		memcpy(data, key.name, name_len);
		data[name_len] = '\n';
		data[name_len + 1] = (uint8_t) type;
		memcpy(data + name_len + 2, key.public_key, ED25519_PUBLIC_LEN);
		sha256_of(data, name_len + 2 + ED25519_PUBLIC_LEN, id);
		at = snprintf(vkey, sizeof(vkey), "%s+%02x%02x%02x%02x+", key.name, id[0], id[1], id[2], id[3]);
		at += (int) base64_encode(data + name_len + 1, 1 + ED25519_PUBLIC_LEN, vkey + at, sizeof(vkey) - at);
		assert_int_equal(note_key_parse(&k, vkey, at), type == NOTE_TYPE_ED25519);
	}
}

static void
names(void **state)
{
	static const char *const good[] = {
		"a", "example.com/log42", "\xc3\xa4", "\xe5\xae\xb6", "\xf0\x9f\x94\x8b", "\xe2\x80\x94",
		"\xe2\x80\x8b"			/* zero width space: not White_Space */
	};
	static const char *const bad[] = {
		"", "a b", " a", "a+b", "a\tb", "a\nb", "a\x1f", "\x80", "\xc3", "\xc0\xaf", "\xed\xa0\x80",
		"\xf4\x90\x80\x80", "a\xc2\x85", "a\xc2\xa0", "\xe1\x9a\x80", "\xe2\x80\x80", "\xe2\x80\x8a",
		"\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80"
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(note_name_valid(good[i], strlen(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		char	   *exact = unit_exact(bad[i], strlen(bad[i]));

		assert_false(note_name_valid(exact, strlen(bad[i])));
		free(exact);
	}
	assert_false(note_name_valid("a\0b", 3));
}

static void
signed_notes_verify(void **state)
{
	static const char *const text[] = {
		"\n", "one line\n", "two\nlines\n", "an empty line\n\ninside\n", "ends in one\n\n", "\n\n\n",
		"\xe2\x80\x94 looks like a signature line\n", "\xc3\xa9 subito sera.\n", "\x7f\n"
	};

	for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++)
	{
		char		note[512];
		size_t		len = note_sign(text[i], strlen(text[i]), &mine, mine_secret, note, sizeof(note));
		size_t		text_len;
		char	   *small;

		assert_true(len > strlen(text[i]));
		assert_int_equal(note_verify(note, len, &mine, &text_len), NOTE_VALID);
		assert_int_equal(text_len, strlen(text[i]));
		assert_int_equal(verify(note, len, &key), NOTE_UNSIGNED);

		small = unit_exact(note, len);
		assert_int_equal(note_sign(text[i], strlen(text[i]), &mine, mine_secret, small, len), len);
		assert_int_equal(note_sign(text[i], strlen(text[i]), &mine, mine_secret, small, len - 1), 0);
		free(small);
	}
}

/* A key and its successor, of one name, sign one text. */
static void
two_keys_sign(void **state)
{
	static const char text[] = "site.example/1\n\nwhat both say\n";
	uint8_t		seed[ED25519_SEED_LEN] = "another seed that only tests use";
	uint8_t		public_key[ED25519_PUBLIC_LEN];
	uint8_t		secret[ED25519_SECRET_LEN];
	note_key	next;
	char		note[1024];
	size_t		one = note_sign(text, strlen(text), &mine, mine_secret, note, sizeof(note));
	size_t		two;
	size_t		text_len;
	char	   *small;

	ed25519_from_seed(seed, public_key, secret);
	assert_true(note_key_init(&next, mine.name, public_key));
	assert_int_equal(verify(note, one, &next), NOTE_UNSIGNED);
	two = note_sign_also(note, one, strlen(text), &next, secret, sizeof(note));
	assert_true(two > one);
	assert_int_equal(note_verify(note, two, &mine, &text_len), NOTE_VALID);
	assert_int_equal(text_len, strlen(text));
	assert_int_equal(note_verify(note, two, &next, &text_len), NOTE_VALID);
	assert_int_equal(text_len, strlen(text));

	/* no room, no note */
	small = malloc(two);
	assert_non_null(small);
	memcpy(small, note, one);
	assert_int_equal(note_sign_also(small, one, strlen(text), &next, secret, two - 1), 0);
	assert_int_equal(note_sign_also(small, one, strlen(text), &next, secret, two), two);
	assert_memory_equal(small, note, two);
	assert_int_equal(note_sign_also(small, one, strlen(text), &next, secret, one - 1), 0);
	assert_int_equal(note_sign_also(small, one, one, &next, secret, two), 0);
	free(small);

	/* a flipped bit in either line is that key's own */
	note[two - 20] ^= 1;
	assert_int_equal(verify(note, two, &mine), NOTE_VALID);
	assert_int_not_equal(verify(note, two, &next), NOTE_VALID);
}

static void
unsignable_texts_are_refused(void **state)
{
	static const char *const bad[] = {"", "no newline", "tab\t\n", "cr\r\n", "\x01\n", "\xff\n", "\xc0\x80\n"};
	char		out[512];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(note_sign(bad[i], strlen(bad[i]), &mine, mine_secret, out, sizeof(out)), 0);
	assert_int_equal(note_sign("\0\n", 2, &mine, mine_secret, out, sizeof(out)), 0);
}

static void
malformed_notes_are_refused(void **state)
{
	static const char *const bad[] = {
		"", "\n", "\n\n", "text", "text\n", "text\n\n", "text\n\n\n",
		"text\n\nno signature\n",
		"text\n\n\xe2\x80\x94 name\n",
		"text\n\n\xe2\x80\x94 name \n",
		"text\n\n\xe2\x80\x94 name AAAAAA==\n",	/* a key id and nothing */
		"text\n\n\xe2\x80\x94 name AAAAAAA\n",
		"text\n\n\xe2\x80\x94 name AAAAAAB=\n",	/* unused bits set */
		"text\n\n\xe2\x80\x94 name AAAAAAA= \n",
		"text\n\n\xe2\x80\x94 name  AAAAAAA=\n",
		"text\n\n\xe2\x80\x94  AAAAAAA=\n",
		"text\n\n\xe2\x80\x94 na+me AAAAAAA=\n",
		"text\n\n\xe2\x80\x94 na\xc2\xa0me AAAAAAA=\n",
		"text\n\n\xe2\x80\x94name AAAAAAA=\n",
		"text\n\n- name AAAAAAA=\n",
		"text\n\n\xe2\x80\x94 name AAAAAAA=",	/* no last newline */
		"text\n\n\xe2\x80\x94 name AAAAAAA=\n\n",
		"text\n\xe2\x80\x94 name AAAAAAA=\n",	/* no empty line */
		"te\xffxt\n\n\xe2\x80\x94 name AAAAAAA=\n",
		"te\txt\n\n\xe2\x80\x94 name AAAAAAA=\n",
		"text\r\n\r\n\xe2\x80\x94 name AAAAAAA=\r\n"
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(verify_text(bad[i], &key), NOTE_MALFORMED);
	assert_int_equal(verify_text("text\n\n\xe2\x80\x94 name AAAAAAA=\n", &key), NOTE_UNSIGNED);
	assert_int_equal(verify("te\0t\n\n\xe2\x80\x94 name AAAAAAA=\n", 23, &key), NOTE_MALFORMED);
}

/* What stands beside the known key's signature. */
static void
other_signature_lines(void **state)
{
	static const char foreign[] = "\xe2\x80\x94 witness.example/w AAAAAAA=\n";
	static const char same_name[] = "\xe2\x80\x94 example.com/foo AAAAAAA=\n";
	static const char same_id[] = "\xe2\x80\x94 example.com/bar Uw2QOgA=\n";
	static const char forged[] = "\xe2\x80\x94 example.com/foo Uw2QOgA=\n";
	struct
	{
		const char *before;
		const char *after;
		note_result expected;
	}			c[] = {
		{foreign, "", NOTE_VALID},
		{"", foreign, NOTE_VALID},
		{same_name, same_id, NOTE_VALID},
		{"", example_line, NOTE_VALID},	/* twice, both right */
		{forged, "", NOTE_INVALID},
		{"", forged, NOTE_INVALID},
		{"", "rubbish\n", NOTE_MALFORMED},
		{"", "\xe2\x80\x94 cut.example/short AAAAAAA=", NOTE_MALFORMED},
		{forged, "rubbish\n", NOTE_MALFORMED}
	};

	for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++)
	{
		char		lines[512];
		char	   *note;

		snprintf(lines, sizeof(lines), "%s%s%s", c[i].before, example_line, c[i].after);
		note = join(example_text, lines);
		assert_int_equal(verify_text(note, &key), c[i].expected);
		free(note);
	}
}

/* A right signature over another text is the key's failing signature. */
static void
signature_of_another_text(void **state)
{
	char	   *note = join("This is another message.\n", example_line);

	assert_int_equal(verify_text(note, &key), NOTE_INVALID);
	free(note);
}

static void
limits(void **state)
{
	char	   *note = malloc(NOTE_BYTES_MAX + 512);
	char	   *text = malloc(NOTE_BYTES_MAX);
	char		signed_note[512];
	size_t		len;
	size_t		overhead;

	assert_true(note != NULL && text != NULL);

	/* as many signature lines as allowed, ours last; then one more */
	for (int lines = NOTE_SIGNATURES_MAX; lines <= NOTE_SIGNATURES_MAX + 1; lines++)
	{
		strcpy(note, example_text);
		strcat(note, "\n");
		for (int i = 1; i < lines; i++)
			strcat(note, "\xe2\x80\x94 w AAAAAAA=\n");
		strcat(note, example_line);
		assert_int_equal(verify_text(note, &key),
						 lines <= NOTE_SIGNATURES_MAX ? NOTE_VALID : NOTE_MALFORMED);
	}

	/* the largest note, and one byte more */
	overhead = note_sign("\n", 1, &mine, mine_secret, signed_note, sizeof(signed_note)) - 1;
	memset(text, 'x', NOTE_BYTES_MAX);
	text[NOTE_BYTES_MAX - overhead - 1] = '\n';
	len = note_sign(text, NOTE_BYTES_MAX - overhead, &mine, mine_secret, note, NOTE_BYTES_MAX + 512);
	assert_int_equal(len, NOTE_BYTES_MAX);
	assert_int_equal(verify(note, len, &mine), NOTE_VALID);
	memmove(note + 1, note, len);
	assert_int_equal(verify(note, len + 1, &mine), NOTE_MALFORMED);
	text[NOTE_BYTES_MAX - overhead - 1] = 'x';
	text[NOTE_BYTES_MAX - overhead] = '\n';
	assert_int_equal(note_sign(text, NOTE_BYTES_MAX - overhead + 1, &mine, mine_secret,
							   note, NOTE_BYTES_MAX + 512), 0);
	free(text);
	free(note);
}

/* Foreign signatures of any length pass; broken base64 anywhere in them does not. */
static void
long_foreign_signatures(void **state)
{
	char		line[8192];
	uint8_t		bytes[5000] = {0};

	for (size_t n = 5; n <= sizeof(bytes); n = n < 300 ? n + 1 : n + 997)
	{
		size_t		start;
		size_t		chars;
		char	   *note;

		strcpy(line, "\xe2\x80\x94 witness.example/w ");
		start = strlen(line);
		chars = base64_encode(bytes, n, line + start, sizeof(line) - start);
		strcpy(line + start + chars, "\n");
		strcat(line, example_line);
		note = join(example_text, line);
		assert_int_equal(verify_text(note, &key), NOTE_VALID);
		free(note);

		for (size_t at = 0; at < chars; at += n < 150 ? 1 : 61)
		{
			char		was = line[start + at];

			/* padding where it cannot be; at the end it could, so a wrong digit */
			line[start + at] = at + 4 < chars ? '=' : '-';
			note = join(example_text, line);
			assert_int_equal(verify_text(note, &key), NOTE_MALFORMED);
			free(note);
			line[start + at] = was;
		}
	}
}

static void
checkpoints_come_back(void **state)
{
	static const char example[] =
		"example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
	static const uint64_t size[] = {0, 1, 9, 10, 4294967296, INT64_MAX};
	note_checkpoint c;
	note_checkpoint back;
	char		out[512];
	size_t		len;

	assert_true(note_checkpoint_parse(example, strlen(example), &c));
	assert_string_equal(c.origin, "example.com/behind-the-sofa");
	assert_int_equal(c.size, 20852163);
	assert_int_equal(c.root[0], 0x0a);
	assert_int_equal(c.root[31], 0x62);
	len = note_checkpoint_format(&c, out, sizeof(out));
	assert_int_equal(len, strlen(example));
	assert_memory_equal(out, example, len);
	assert_int_equal(note_checkpoint_format(&c, out, len), len);
	assert_int_equal(note_checkpoint_format(&c, out, len - 1), 0);

	for (size_t i = 0; i < sizeof(size) / sizeof(size[0]); i++)
	{
		c.size = size[i];
		len = note_checkpoint_format(&c, out, sizeof(out));
		assert_true(note_checkpoint_parse(out, len, &back));
		assert_true(back.size == size[i]);
	}
	c.size = (uint64_t) INT64_MAX + 1;
	assert_int_equal(note_checkpoint_format(&c, out, sizeof(out)), 0);
	c.size = 1;
	c.origin[0] = '\0';
	assert_int_equal(note_checkpoint_format(&c, out, sizeof(out)), 0);
	strcpy(c.origin, "two\nlines");
	assert_int_equal(note_checkpoint_format(&c, out, sizeof(out)), 0);
}

static void
checkpoint_lines(void **state)
{
#define ROOT "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
	static const char *const good[] = {
		"o\n0\n" ROOT "\n", "o\n1\n" ROOT "\nextension\n", "o\n1\n" ROOT "\none\ntwo\n",
		"with spaces + plus\n9223372036854775807\n" ROOT "\n"
	};
	static const char *const bad[] = {
		"", "o\n", "o\n1\n", "o\n1\n" ROOT, "\n1\n" ROOT "\n",
		"o\n\n" ROOT "\n", "o\n00\n" ROOT "\n", "o\n01\n" ROOT "\n", "o\n+1\n" ROOT "\n", "o\n-1\n" ROOT "\n",
		"o\n1 \n" ROOT "\n", "o\n0x1\n" ROOT "\n", "o\n9223372036854775808\n" ROOT "\n",
		"o\n18446744073709551617\n" ROOT "\n", "o\n99999999999999999999999\n" ROOT "\n",
		"o\n1\n\n", "o\n1\nAAAA\n", "o\n1\n" ROOT "AAAA\n", "o\n1\n" ROOT " \n",
		"o\n1\nCsUYapGGPo4dkMgIAUqom_Xajj7h2fB2MPA3j2jxq2I=\n",
		"o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n",
		"o\n1\n" ROOT "\n\n", "o\n1\n" ROOT "\n\nlate\n", "o\n1\n" ROOT "\ncut short",
		"o\n1\n" ROOT "\ntab\t\n", "\xff\n1\n" ROOT "\n", "o\r\n1\r\n" ROOT "\r\n"
	};
	note_checkpoint c;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(note_checkpoint_parse(good[i], strlen(good[i]), &c));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		char	   *exact = unit_exact(bad[i], strlen(bad[i]));

		assert_false(note_checkpoint_parse(exact, strlen(bad[i]), &c));
		free(exact);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(example_of_the_specification),
		cmocka_unit_test(any_flipped_bit_is_refused),
		cmocka_unit_test(vkey_comes_back),
		cmocka_unit_test(malformed_vkeys_are_refused),
		cmocka_unit_test(vkey_of_another_type_is_refused),
		cmocka_unit_test(names),
		cmocka_unit_test(signed_notes_verify),
		cmocka_unit_test(two_keys_sign),
		cmocka_unit_test(unsignable_texts_are_refused),
		cmocka_unit_test(malformed_notes_are_refused),
		cmocka_unit_test(other_signature_lines),
		cmocka_unit_test(signature_of_another_text),
		cmocka_unit_test(limits),
		cmocka_unit_test(long_foreign_signatures),
		cmocka_unit_test(checkpoints_come_back),
		cmocka_unit_test(checkpoint_lines),
	};

	return cmocka_run_group_tests(tests, make_keys, NULL);
}
