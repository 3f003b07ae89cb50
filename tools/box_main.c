/*
 * box_main.c: energyledger-box, the other end of energyledger.encrypt_to().
 *
 * Makes a key pair where the secret is to stay, seals, and opens what the database
 * stores, so that the secret never is in a statement, a log or a list of
 * processes: it is read from a file that only its owner can read.  Everything else
 * goes through standard input and output, so that it can stand in a pipe with psql.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "core/ed25519.h"
#include "core/sealed_box.h"

#define SECRET_PREFIX "energyledger-x25519-secret "	/* then 64 hex digits and a newline */
#define HEX_LEN (2 * 32)

static void
fail(const char *format,...)
{
	va_list		args;

	fputs("energyledger-box: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

static void
usage(FILE *out)
{
	fputs("energyledger-box: keys and boxes of columns that are encrypted to a public key\n\n"
		  "  energyledger-box keygen FILE       make a key pair: the secret into FILE (mode 0600, not overwritten),\n"
		  "                                     the public key to standard output, as bytea's text\n"
		  "  energyledger-box public FILE       the public key of a secret\n"
		  "  energyledger-box seal PUBLIC_KEY   each line of standard input to a box, as bytea's text (COPY reads it with FORMAT csv)\n"
		  "  energyledger-box open FILE         each box of standard input, a line of hex with or without \\x, to its text;\n"
		  "                                     lines that are empty stay empty\n\n"
		  "A line has at most 1 MiB. Exit status: 0, or 1 where a line could not be sealed or opened.\n", out);
}

static bool
hex_to_bytes(const char *text, size_t text_len, uint8_t *out, size_t cap, size_t *len)
{
	if (text_len >= 2 && text[0] == '\\' && text[1] == 'x')
	{
		text += 2;
		text_len -= 2;
	}
	return text_len % 2 == 0 && text_len / 2 <= cap &&
		sodium_hex2bin(out, cap, text, text_len, NULL, len, NULL) == 0 && *len == text_len / 2;
}

static void
print_hex(const uint8_t *data, size_t len)
{
	fputs("\\x", stdout);
	for (size_t i = 0; i < len; i++)
		printf("%02x", data[i]);
	putchar('\n');
}

static void
keygen(const char *path)
{
	uint8_t		public_key[SEALED_BOX_PUBLIC_LEN];
	uint8_t		secret_key[SEALED_BOX_SECRET_LEN];
	char		hex[HEX_LEN + 1];
	int			fd = open(path, O_CREAT | O_EXCL | O_WRONLY, S_IRUSR | S_IWUSR);
	FILE	   *file = fd >= 0 ? fdopen(fd, "w") : NULL;

	if (file == NULL)
		fail("could not make \"%s\": %s", path, strerror(errno));
	sealed_box_keygen(public_key, secret_key);
	sodium_bin2hex(hex, sizeof(hex), secret_key, sizeof(secret_key));
	fprintf(file, "%s%s\n", SECRET_PREFIX, hex);
	sodium_memzero(secret_key, sizeof(secret_key));
	sodium_memzero(hex, sizeof(hex));
	if (fflush(file) != 0 || fsync(fd) != 0 || fclose(file) != 0)
		fail("could not write \"%s\": %s", path, strerror(errno));
	print_hex(public_key, sizeof(public_key));
}

static void
read_secret(const char *path, uint8_t secret_key[SEALED_BOX_SECRET_LEN])
{
	char		text[sizeof(SECRET_PREFIX) - 1 + HEX_LEN + 1];
	char		rest;
	struct stat st;
	size_t		len = 0;
	FILE	   *file = fopen(path, "r");
	bool		sound;

	if (file == NULL)
		fail("could not open \"%s\": %s", path, strerror(errno));
	if (fstat(fileno(file), &st) != 0 || !S_ISREG(st.st_mode) || (st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		fail("\"%s\" is not a file that only its owner can read: chmod 600 it", path);
	sound = fread(text, 1, sizeof(text), file) == sizeof(text) && fread(&rest, 1, 1, file) == 0 &&
		memcmp(text, SECRET_PREFIX, strlen(SECRET_PREFIX)) == 0 && text[sizeof(text) - 1] == '\n' &&
		hex_to_bytes(text + strlen(SECRET_PREFIX), HEX_LEN, secret_key, SEALED_BOX_SECRET_LEN, &len) &&
		len == SEALED_BOX_SECRET_LEN;
	sodium_memzero(text, sizeof(text));
	fclose(file);
	if (!sound)
		fail("\"%s\" does not hold a secret key", path);
}

#define LINE_LEN_MAX (1024 * 1024)

/* A line without its newline; false at the end. */
static bool
read_line(char **line, size_t *cap, size_t *len, unsigned long number)
{
	ssize_t		got = getline(line, cap, stdin);

	if (got < 0)
	{
		if (ferror(stdin))
			fail("could not read standard input: %s", strerror(errno));
		return false;
	}
	*len = (size_t) got;
	if (*len > 0 && (*line)[*len - 1] == '\n')
		(*len)--;
	if (*len > 2 * (LINE_LEN_MAX + SEALED_BOX_OVERHEAD) + 2)
		fail("line %lu has more than %d bytes", number, LINE_LEN_MAX);
	return true;
}

static void
seal_lines(const char *key_text)
{
	uint8_t		public_key[SEALED_BOX_PUBLIC_LEN];
	static uint8_t box[LINE_LEN_MAX + SEALED_BOX_OVERHEAD];
	char	   *line = NULL;
	size_t		cap = 0;
	size_t		len;

	if (!hex_to_bytes(key_text, strlen(key_text), public_key, sizeof(public_key), &len) ||
		len != SEALED_BOX_PUBLIC_LEN)
		fail("a public key has %d hex digits", HEX_LEN);
	for (unsigned long number = 1; read_line(&line, &cap, &len, number); number++)
	{
		if (len > LINE_LEN_MAX)
			fail("line %lu has more than %d bytes", number, LINE_LEN_MAX);
		if (!sealed_box_seal((const uint8_t *) line, len, public_key, sizeof(public_key), box))
			fail("line %lu could not be sealed: no secret key belongs to this public key", number);
		print_hex(box, len + SEALED_BOX_OVERHEAD);
	}
	free(line);
}

static int
open_lines(const char *path)
{
	uint8_t		public_key[SEALED_BOX_PUBLIC_LEN];
	uint8_t		secret_key[SEALED_BOX_SECRET_LEN];
	static uint8_t box[LINE_LEN_MAX + SEALED_BOX_OVERHEAD];
	static uint8_t plain[LINE_LEN_MAX];
	char	   *line = NULL;
	size_t		cap = 0;
	size_t		len;
	size_t		box_len;
	int			status = 0;

	read_secret(path, secret_key);
	if (!sealed_box_public(secret_key, sizeof(secret_key), public_key))
		fail("\"%s\" does not hold a secret key", path);
	for (unsigned long number = 1; read_line(&line, &cap, &len, number); number++)
	{
		if (len > 0 && hex_to_bytes(line, len, box, sizeof(box), &box_len) &&
			sealed_box_open(box, box_len, public_key, sizeof(public_key), secret_key, sizeof(secret_key), plain))
			fwrite(plain, 1, box_len - SEALED_BOX_OVERHEAD, stdout);
		else if (len > 0)
		{
			/* its place in the output stays, so that lines can be put side by side */
			fprintf(stderr, "energyledger-box: line %lu could not be opened\n", number);
			status = 1;
		}
		putchar('\n');
	}
	sodium_memzero(secret_key, sizeof(secret_key));
	free(line);
	return status;
}

static void
print_public(const char *path)
{
	uint8_t		public_key[SEALED_BOX_PUBLIC_LEN];
	uint8_t		secret_key[SEALED_BOX_SECRET_LEN];

	read_secret(path, secret_key);
	if (!sealed_box_public(secret_key, sizeof(secret_key), public_key))
		fail("\"%s\" does not hold a secret key", path);
	sodium_memzero(secret_key, sizeof(secret_key));
	print_hex(public_key, sizeof(public_key));
}

int
main(int argc, char **argv)
{
	int			status = 0;

	if (argc == 2 && strcmp(argv[1], "--help") == 0)
	{
		usage(stdout);
		return 0;
	}
	if (argc == 2 && strcmp(argv[1], "--version") == 0)
	{
		puts("energyledger-box " PROGRAM_VERSION);
		return 0;
	}
	if (argc != 3)
	{
		usage(stderr);
		return 1;
	}
	if (!core_crypto_init())
		fail("could not start the cryptography library");
	if (strcmp(argv[1], "keygen") == 0)
		keygen(argv[2]);
	else if (strcmp(argv[1], "public") == 0)
		print_public(argv[2]);
	else if (strcmp(argv[1], "seal") == 0)
		seal_lines(argv[2]);
	else if (strcmp(argv[1], "open") == 0)
		status = open_lines(argv[2]);
	else
	{
		usage(stderr);
		return 1;
	}
	if (fflush(stdout) != 0)
		fail("could not write: %s", strerror(errno));
	return status;
}
