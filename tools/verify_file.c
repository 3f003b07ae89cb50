/*
 * verify_file.c: files as energyledger-verify reads and writes them.
 *
 * Reading has a limit that is known before: a file of a thousand gigabytes is no
 * note.  Writing goes under another name first, so that a web server beside us never
 * sees half a file.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "verify.h"

static verify_read
read_all(FILE *f, size_t most, verify_buffer *b)
{
	b->len = 0;
	for (;;)
	{
		size_t		n;
		uint8_t    *p = verify_buffer_room(b, 65536);

		n = fread(p, 1, 65536, f);
		b->len -= 65536 - n;
		if (b->len > most)
			return VERIFY_READ_TOO_LARGE;
		if (n == 0)
			break;
	}
	if (ferror(f))
		return VERIFY_READ_FAILED;
	*verify_buffer_room(b, 1) = 0;
	b->len--;
	return VERIFY_READ_OK;
}

verify_read
verify_read_file(const char *path, size_t most, verify_buffer *b)
{
	FILE	   *f;
	verify_read r;

	if (strcmp(path, "-") == 0)
		return read_all(stdin, most, b);
	f = fopen(path, "rb");
	if (f == NULL)
		return errno == ENOENT || errno == ENOTDIR ? VERIFY_READ_MISSING : VERIFY_READ_FAILED;
	r = read_all(f, most, b);
	fclose(f);
	return r;
}

const char *
verify_read_text(verify_read r)
{
	switch (r)
	{
		case VERIFY_READ_OK:
			break;
		case VERIFY_READ_MISSING:
			return "there is no such file";
		case VERIFY_READ_FAILED:
			return strerror(errno);
		case VERIFY_READ_TOO_LARGE:
			return "it is larger than it may be";
	}
	return "no error";
}

verify_status
verify_need_file(const char *path, size_t most, verify_buffer *b)
{
	verify_read r = verify_read_file(path, most, b);

	if (r == VERIFY_READ_OK)
		return VERIFY_OK;
	return report_end(r == VERIFY_READ_TOO_LARGE ? VERIFY_NOT : VERIFY_UNKNOWN,
					  r == VERIFY_READ_TOO_LARGE ? "too_large" : "unreadable",
					  "could not read \"%s\": %s", path, verify_read_text(r));
}

verify_status
verify_need_note(const char *path, verify_buffer *b)
{
	verify_status status = verify_need_file(path, NOTE_BYTES_MAX + 1, b);

	/* no note ends so, so none is taken for another */
	if (status == VERIFY_OK && b->len >= 2 && memcmp(b->data + b->len - 2, "\n\n", 2) == 0)
		b->len--;
	return status;
}

void
verify_tile_path(char out[VERIFY_PATH_MAX], const char *dir, const char *kind, uint64_t n, unsigned width)
{
	char		number[64];
	int			len = snprintf(number, sizeof(number), "%03u", (unsigned) (n % 1000));

	while ((n /= 1000) > 0)
	{
		char		longer[64];

		len = snprintf(longer, sizeof(longer), "x%03u/%s", (unsigned) (n % 1000), number);
		memcpy(number, longer, (size_t) len + 1);
	}
	if (width < 256)
		snprintf(number + len, sizeof(number) - (size_t) len, ".p/%u", width);
	snprintf(out, VERIFY_PATH_MAX, "%s/%s/%s", dir, kind, number);
}

bool
verify_make_folders(const char *path)
{
	char		part[VERIFY_PATH_MAX];
	size_t		len = strlen(path);

	if (len >= sizeof(part))
	{
		errno = ENAMETOOLONG;
		return false;
	}
	memcpy(part, path, len + 1);
	for (char *slash = strchr(part + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/'))
	{
		*slash = '\0';
		if (mkdir(part, 0777) != 0 && errno != EEXIST)
			return false;
		*slash = '/';
	}
	return true;
}

bool
verify_write_file(const char *path, const void *data, size_t len)
{
	char		temporary[VERIFY_PATH_MAX];
	FILE	   *f;
	bool		ok;

	if (snprintf(temporary, sizeof(temporary), "%s.tmp", path) >= (int) sizeof(temporary))
	{
		errno = ENAMETOOLONG;
		return false;
	}
	f = fopen(temporary, "wb");
	if (f == NULL && errno == ENOENT && verify_make_folders(temporary))
		f = fopen(temporary, "wb");
	if (f == NULL)
		return false;
	ok = fwrite(data, 1, len, f) == len;
	if (fclose(f) != 0 || !ok || rename(temporary, path) != 0)
	{
		int			saved = errno;

		unlink(temporary);
		errno = saved;
		return false;
	}
	return true;
}
